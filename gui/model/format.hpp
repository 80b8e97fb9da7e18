// Numbers, sizes, rates and times as the dashboard writes them: grouped, with units, and "unknown"
// told apart from nothing. Pure, but for the time zone of the process.
#pragma once

#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pinion::gui {

/// What stands for a value that nobody knows. Never 0.
inline constexpr std::string_view unknown_text = "\u2014";

/// A colour by what it means; the theme knows which one it is.
enum class Tone : std::uint8_t { normal, muted, good, warning, bad, accent };

/// "1,234,567"
[[nodiscard]] std::string format_count(std::uint64_t count);
[[nodiscard]] std::string format_count(std::optional<std::int64_t> count);
/// "950", "12.4 k", "3.1 M": for where there is little room.
[[nodiscard]] std::string format_short_count(double count);
/// "1.2 GiB"
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
/// "12.4 k/s"
[[nodiscard]] std::string format_rate(double per_second);
/// "1.2 MiB/s"
[[nodiscard]] std::string format_byte_rate(double per_second);
/// "340 µs", "1.2 ms", "3.4 s", "2 min 10 s", "5 h 3 min", "4 d 2 h"
[[nodiscard]] std::string format_duration(Micros duration);
/// "just now", "12 s ago", "3 min ago"
[[nodiscard]] std::string format_ago(Micros duration);
/// "0:29"
[[nodiscard]] std::string format_countdown(Micros left);

/// "14:03:22.513"; "2026-11-21 14:03:22.513" when `with_date`.
enum class WithDate : std::uint8_t { no, yes };
[[nodiscard]] std::string format_local_time(Micros wall, WithDate with_date);
/// "2026-11-21T13:03:22.513000Z"
[[nodiscard]] std::string format_utc_time(Micros wall);
/// "14:03", "14:03:20": a label of a time axis.
[[nodiscard]] std::string format_axis_time(Micros wall, Micros step);

/// `text` cut to `bytes_max` at a character's boundary, with an ellipsis when it was cut.
[[nodiscard]] std::string cut_text(std::string_view text, std::size_t bytes_max);

}  // namespace pinion::gui
