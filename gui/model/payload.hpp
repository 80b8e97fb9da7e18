// What a key or a value is (JSON, text, bytes), and how it is shown in a line or as hexadecimal.
// Pure; safe on any bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pinion::gui {

enum class PayloadKind : std::uint8_t { empty, json, text, binary };

/// Text is UTF-8 without control characters but tabs and line ends.
[[nodiscard]] PayloadKind kind_of(std::string_view bytes);
[[nodiscard]] std::string_view name_of(PayloadKind kind);

/// Appends one line of at most `bytes_max` bytes: line ends as blanks, bytes that are no text as
/// "·", an ellipsis when it was cut. Looks at no more of `bytes` than that.
void append_preview(std::string& out, std::string_view bytes, std::size_t bytes_max);

inline constexpr std::size_t hex_row_bytes = 16;
[[nodiscard]] std::size_t hex_row_count(std::size_t bytes);
/// "00000010  48 65 6c 6c 6f ...  |Hello|"
[[nodiscard]] std::string hex_row(std::string_view bytes, std::size_t row);

}  // namespace pinion::gui
