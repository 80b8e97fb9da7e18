// Bytes to messages and back: the only code that knows msgpack.
//
// Decoding takes any bytes whatever and allocates in proportion to them, never to a length they
// claim. Pure; any thread.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/proto/messages.hpp"

#include <string_view>
#include <vector>

namespace pinion {

/// [header] [body] [records...], without routing frames or the empty one.
[[nodiscard]] Frames encode(const Message& message);
[[nodiscard]] Bytes encode_header(const Header& header);
[[nodiscard]] Bytes encode_body(const Body& body);

/// Reads a header frame alone, which is all that the router does.
[[nodiscard]] Result<Header> decode_header(std::string_view frame);

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

/// split, decode and validate.hpp's checks in one.
struct Received {
  ReturnPath path;
  Message message;
};
[[nodiscard]] Result<Received> decode(Frames frames);

/// The answer to a request: the kind, ids and partition are taken over from it.
[[nodiscard]] Message make_reply(const Header& request, Body body);
[[nodiscard]] Message make_error_reply(const Header& request, Error error);

}  // namespace pinion
