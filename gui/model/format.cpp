#include "gui/model/format.hpp"

#include "cli/text.hpp"

#include <array>
#include <cmath>
#include <ctime>

namespace pinion::gui {
namespace {

/// Three digits that matter: "1.23", "12.3", "123".
std::string three_digits(double number) {
  const double size = std::fabs(number);
  return cli::format_number(number, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

std::string scaled(double number, const std::array<const char*, 4>& units) {
  std::size_t unit = 0;
  while (std::fabs(number) >= 999.5 && unit + 1 < units.size()) {
    number /= 1000;
    ++unit;
  }
  if (unit == 0) {
    const bool whole = std::fabs(number - std::round(number)) < 0.05 || std::fabs(number) >= 99.95;
    return cli::format_number(number, whole ? 0 : 1) + units[0];
  }
  return three_digits(number) + " " + units.at(unit);
}

std::string two_units(std::int64_t big, const char* big_unit, std::int64_t small,
                      const char* small_unit) {
  std::string text = std::to_string(big) + " " + big_unit;
  if (small > 0) text += " " + std::to_string(small) + " " + small_unit;
  return text;
}

std::tm local_parts(Micros wall) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(wall).count();
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return parts;
}

std::string padded(int number, std::size_t digits) {
  std::string text = std::to_string(number);
  if (text.size() < digits) text.insert(0, digits - text.size(), '0');
  return text;
}

std::string clock_text(const std::tm& parts) {
  return padded(parts.tm_hour, 2) + ":" + padded(parts.tm_min, 2);
}

}  // namespace

std::string format_count(std::uint64_t count) { return cli::format_count(count); }

std::string format_count(std::optional<std::int64_t> count) {
  if (!count) return std::string(unknown_text);
  if (*count < 0) return "-" + cli::format_count(static_cast<std::uint64_t>(-*count));
  return cli::format_count(static_cast<std::uint64_t>(*count));
}

std::string format_short_count(double count) { return scaled(count, {"", "k", "M", "G"}); }

std::string format_bytes(std::uint64_t bytes) { return cli::format_bytes(bytes); }

std::string format_rate(double per_second) {
  return scaled(per_second, {"/s", "k/s", "M/s", "G/s"});
}

std::string format_byte_rate(double per_second) {
  if (per_second < 0) return std::string(unknown_text);
  return cli::format_bytes(static_cast<std::uint64_t>(per_second + 0.5)) + "/s";
}

std::string format_duration(Micros duration) {
  const std::int64_t us = duration.count();
  if (us < 0) return "-" + format_duration(-duration);
  if (us < 1'000) return std::to_string(us) + " \u00b5s";
  if (us < 999'500) return three_digits(static_cast<double>(us) / 1e3) + " ms";
  const std::int64_t s = us / 1'000'000;
  if (s < 10) return cli::format_number(static_cast<double>(us) / 1e6, 1) + " s";
  if (s < 60) return std::to_string(s) + " s";
  if (s < 3'600) return two_units(s / 60, "min", s % 60, "s");
  if (s < 86'400) return two_units(s / 3'600, "h", s % 3'600 / 60, "min");
  return two_units(s / 86'400, "d", s % 86'400 / 3'600, "h");
}

std::string format_ago(Micros duration) {
  const std::int64_t s = duration.count() / 1'000'000;
  if (s < 1) return "just now";
  if (s < 60) return std::to_string(s) + " s ago";
  if (s < 3'600) return std::to_string(s / 60) + " min ago";
  if (s < 86'400) return std::to_string(s / 3'600) + " h ago";
  return std::to_string(s / 86'400) + " d ago";
}

std::string format_countdown(Micros left) {
  // The second that is running counts: it shows 0:30 at the start and 0:01 in the last one.
  const std::int64_t s = left.count() <= 0 ? 0 : (left.count() + 999'999) / 1'000'000;
  return std::to_string(s / 60) + ":" + padded(static_cast<int>(s % 60), 2);
}

std::string format_local_time(Micros wall, WithDate with_date) {
  const std::tm parts = local_parts(wall);
  const auto millis = static_cast<int>(((wall.count() % 1'000'000) + 1'000'000) % 1'000'000 / 1000);
  const std::string time =
      clock_text(parts) + ":" + padded(parts.tm_sec, 2) + "." + padded(millis, 3);
  if (with_date == WithDate::no) return time;
  return padded(parts.tm_year + 1900, 4) + "-" + padded(parts.tm_mon + 1, 2) + "-" +
         padded(parts.tm_mday, 2) + " " + time;
}

std::string format_utc_time(Micros wall) { return cli::format_time(wall); }

std::string format_axis_time(Micros wall, Micros step) {
  const std::tm parts = local_parts(wall);
  return step < 60s ? clock_text(parts) + ":" + padded(parts.tm_sec, 2) : clock_text(parts);
}

std::string cut_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "\u2026";
}

}  // namespace pinion::gui
