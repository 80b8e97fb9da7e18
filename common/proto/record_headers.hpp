// A record's headers: the JSON text that travels and is stored, and back.
//
//   [["trace-id","4bf92f"],["photo",{"base64":"/9j/4AAQ"}]]
//
// An array of [name, value] pairs, in order; names may repeat. A value that is UTF-8 is a string;
// any other is an object of one member, "base64". White space between tokens is legal JSON and is
// kept, for the batch's checksum covers the text as it is. Pure; safe on any bytes.
#pragma once

#include "common/base/result.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

struct RecordHeader {
  std::string name;   ///< UTF-8, not empty.
  std::string value;  ///< Any bytes.
  bool operator==(const RecordHeader&) const = default;
};

/// The JSON text. `invalid_argument` for an empty or non-UTF-8 name, or text over
/// limits::headers_bytes_max. No headers: "[]" (a record without any carries no text at all).
[[nodiscard]] Result<std::string> build_record_headers(std::span<const RecordHeader> headers);

/// `malformed`, with the place, for anything that the grammar above does not allow.
[[nodiscard]] Result<std::vector<RecordHeader>> parse_record_headers(std::string_view text);

/// Whether parse_record_headers would succeed; allocates nothing.
[[nodiscard]] bool are_record_headers(std::string_view text) noexcept;

}  // namespace pinion
