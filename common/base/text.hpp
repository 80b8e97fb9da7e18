// Text at the edges: UTF-8, base64 and JSON strings, as record headers, names and people's output
// need them. Pure; safe on any bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pinion {

/// True for well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Standard alphabet, padded (RFC 4648 section 4).
[[nodiscard]] std::string base64_encode(std::string_view bytes);

/// Whether it is exactly what base64_encode makes of some bytes.
[[nodiscard]] bool is_base64(std::string_view text) noexcept;

/// Nothing when it is not exactly what base64_encode makes.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

/// Appends `text` as a JSON string with its quotes. Requires: is_utf8(text).
void append_json_string(std::string& out, std::string_view text);

/// `text` cut to at most `bytes_max` bytes at a character's boundary, control characters and bytes
/// that are not UTF-8 replaced by '?': what may be put into a message for people.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max);

}  // namespace pinion
