// Bytes to messages and back: the only code that knows msgpack.
//
// Decoding takes any bytes whatever and allocates in proportion to them, never to a length they
// claim. Pure; any thread.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/proto/messages.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace pinion {

/// [header] [body] [records...], without routing frames or the empty one.
/// Requires: the header's kind is the body's, or its error is not ok and the body an ErrorBody.
[[nodiscard]] Frames encode(const Message& message);
[[nodiscard]] Bytes encode_header(const Header& header);
[[nodiscard]] Bytes encode_body(const Body& body);

/// Reads a header frame alone, which is all that the router does; allocates nothing but an error.
///   unsupported_version  another version's header; nothing behind its request id was looked at
///   unknown_kind         well-formed, but no message of this version has that kind
///   malformed            anything else
[[nodiscard]] Result<Header> decode_header(std::string_view frame);

/// What can be said of the sender of a header that was refused: the version, kind (perhaps one that
/// does not exist) and request id that stand first in every version for ever. Nothing when not even
/// they can be read.
[[nodiscard]] std::optional<Header> salvage_header(std::string_view frame);

/// True for the kinds that must be answered: the odd ones below 200, known or not.
[[nodiscard]] constexpr bool is_request(Kind kind) noexcept {
  return static_cast<int>(kind) < 200 && static_cast<int>(kind) % 2 == 1;
}
/// True for a kind that some message of this version has.
[[nodiscard]] bool is_known(Kind kind) noexcept;
[[nodiscard]] Kind kind_of(const Body& body) noexcept;  ///< Requires: not an ErrorBody.

/// Reads the body that `header` announces.
[[nodiscard]] Result<Body> decode_body(const Header& header, std::string_view frame);

/// A whole multipart message as a ROUTER or DEALER hands it over, split at the empty frame. Refuses
/// more frames, or larger ones, than limits.hpp allows. Nothing of header or body is decoded.
struct SplitMessage {
  ReturnPath path;  ///< What stood before the empty frame.
  Bytes header;
  Bytes body;
  Frames records;
};
[[nodiscard]] Result<SplitMessage> split(Frames frames);
/// The reverse: path, empty frame, header, body, records.
[[nodiscard]] Frames join(const ReturnPath& path, Bytes header, Bytes body, Frames records);

/// decode_header, decode_body and validate.hpp's checks in one, of what split() gave. On an error
/// the caller still holds the path, and salvage_header gives what an error reply needs.
[[nodiscard]] Result<Message> decode_message(const SplitMessage& split);

/// split and decode_message in one.
struct Received {
  ReturnPath path;
  Message message;
};
[[nodiscard]] Result<Received> decode(Frames frames);

/// The answer to a request: the kind, ids and partition are taken over from it. A detail too long
/// for limits::error_detail_bytes_max is cut.
[[nodiscard]] Message make_reply(const Header& request, Body body);
[[nodiscard]] Message make_error_reply(const Header& request, const Error& error);

}  // namespace pinion
