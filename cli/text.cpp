#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace pinion::cli {
namespace {

/// Smaller numbers are seconds, milliseconds or years that somebody took for microseconds.
constexpr std::int64_t microseconds_min = 100'000'000'000'000;

template <typename Number>
bool parse_all(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// Takes `digits` digits off the front.
bool take_number(std::string_view& text, std::size_t digits, int& number) {
  if (text.size() < digits || !parse_all(text.substr(0, digits), number) || number < 0)
    return false;
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// ".25" as microseconds; anything past six digits is dropped.
bool take_fraction(std::string_view& text, std::int64_t& fraction) {
  fraction = 0;
  if (!take(text, '.')) return true;
  std::int64_t unit = 100'000;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    fraction += (text[digits] - '0') * unit;
    unit /= 10;
    ++digits;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

/// "Z", "+02:00", "-0530" or nothing, in seconds east of UTC.
bool take_zone(std::string_view& text, int& seconds) {
  seconds = 0;
  if (text.empty() || take(text, 'Z') || take(text, 'z')) return text.empty();
  const bool east = text.front() == '+';
  if (!east && text.front() != '-') return false;
  text.remove_prefix(1);
  int hours = 0;
  int minutes = 0;
  if (!take_number(text, 2, hours)) return false;
  take(text, ':');
  if (!text.empty() && !take_number(text, 2, minutes)) return false;
  seconds = (hours * 60 + minutes) * 60 * (east ? 1 : -1);
  return text.empty() && hours < 24 && minutes < 60;
}

bool parse_calendar(std::string_view text, Micros& time) {
  std::tm parts{};
  int year = 0;
  int month = 0;
  int day = 0;
  if (!take_number(text, 4, year) || !take(text, '-') || !take_number(text, 2, month) ||
      !take(text, '-') || !take_number(text, 2, day)) {
    return false;
  }
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int64_t fraction = 0;
  if (take(text, 'T') || take(text, ' ')) {
    if (!take_number(text, 2, hour) || !take(text, ':') || !take_number(text, 2, minute)) {
      return false;
    }
    if (take(text, ':') && !take_number(text, 2, second)) return false;
    if (!take_fraction(text, fraction)) return false;
  }
  int zone = 0;
  if (!take_zone(text, zone) || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
      minute > 59 || second > 60) {
    return false;
  }
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  const std::int64_t seconds = timegm(&parts);
  if (parts.tm_mday != day) return false;  // 31 February became March.
  time = micros((seconds - zone) * 1'000'000 + fraction);
  return true;
}

/// A hundred years: nobody's records are older, and no sum of microseconds overflows.
constexpr std::int64_t ago_seconds_max = std::int64_t{100} * 365 * 86'400;

/// "-15m" and the like, as what lies before now.
bool parse_ago(std::string_view text, Micros& ago) {
  if (!take(text, '-') || text.size() < 2) return false;
  constexpr std::array<std::pair<char, std::int64_t>, 4> units{
      {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}}};
  for (const auto& [letter, seconds] : units) {
    std::int64_t count = 0;
    if (text.back() != letter || !parse_all(text.substr(0, text.size() - 1), count)) continue;
    if (count < 0 || count > ago_seconds_max / seconds) return false;
    ago = micros(count * seconds * 1'000'000);
    return true;
  }
  return false;
}

bool is_number(std::string_view text) {
  double number = 0;
  return parse_all(text, number);
}

/// Code points, near enough to columns on a terminal.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

/// True when something was cut off.
bool cut_to(std::string& text, std::size_t width_max) {
  if (text.size() <= width_max) return false;
  std::size_t width = 0;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
    if (width + 1 == width_max) kept = i;  // What stands here gives way to the ellipsis.
    if (++width > width_max) {
      text.resize(kept);
      text += "…";
      text.shrink_to_fit();
      return true;
    }
  }
  return false;
}

}  // namespace

Result<Micros> parse_time(std::string_view text, Micros wall_now) {
  Micros time{0};
  std::int64_t count = 0;
  if (parse_ago(text, time)) return wall_now - time;
  if (parse_all(text, count) && (count == 0 || count >= microseconds_min)) return micros(count);
  if (parse_calendar(text, time)) return time;
  return failure(Errc::invalid_argument,
                 "'" + std::string(text) +
                     "' is no time; write 2026-11-21T09:30:00Z, microseconds since 1970, or -15m "
                     "for a quarter of an hour ago");
}

Result<From> parse_from(std::string_view text, Micros wall_now) {
  if (text == "earliest") return From(FromEarliest{});
  if (text == "latest") return From(FromLatest{});
  if (!text.empty() && text.front() == '@') {
    PINION_TRY(time, parse_time(text.substr(1), wall_now));
    return From(time);
  }
  std::int64_t offset = 0;
  if (parse_all(text, offset) && offset >= 0) return From(Offset(offset));
  return failure(Errc::invalid_argument,
                 "'" + std::string(text) +
                     "' is no place to begin; write earliest, latest, an offset from 0 on, or "
                     "@TIME (@2026-11-21T09:30:00Z, @-15m)");
}

std::string format_time(Micros wall) {
  const std::int64_t count = wall.count();
  std::int64_t seconds = count / 1'000'000;
  std::int64_t fraction = count % 1'000'000;
  if (fraction < 0) {
    fraction += 1'000'000;
    --seconds;
  }
  const std::time_t time = seconds;
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return std::to_string(count);
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, static_cast<int>(fraction));
  return text.data();
}

Result<NameValue> parse_name_value(std::string_view text) {
  const std::size_t at = text.find('=');
  if (at == std::string_view::npos || at == 0) {
    return failure(Errc::invalid_argument,
                   "a header is written NAME=VALUE, not '" + std::string(text) + "'");
  }
  return NameValue{std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    const char* known = "tn\\0";
    const char* meant = "\t\n\\\0";
    const char* found =
        text[i] == '\\' && next != '\0' ? std::find(known, known + 4, next) : known + 4;
    if (found == known + 4) {
      plain += text[i];
    } else {
      plain += meant[found - known];
      ++i;
    }
  }
  return plain;
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  auto number = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (number >= 1024 && unit + 1 < units.size()) {
    number /= 1024;
    ++unit;
  }
  return format_number(number, unit == 0 ? 0 : 1) + " " + units[unit];
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string format_number(double number, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, number);
  return text.data();
}

Table::Table(std::vector<std::string> titles, std::size_t width_max) : width_max_(width_max) {
  add(std::move(titles));
}

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) {
    if (cut_to(cell, width_max_)) cut_ = true;
  }
  rows_.push_back(std::move(row));
}

void Table::print(const std::function<void(std::string_view)>& line) const {
  std::vector<std::size_t> widths;
  bool ends_in_numbers = true;
  for (const auto& row : rows_) {
    if (widths.size() < row.size()) widths.resize(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    if (&row == &rows_.front() || row.empty()) continue;
    ends_in_numbers = ends_in_numbers && (row.back().empty() || is_number(row.back()));
  }
  std::string text;
  for (const auto& row : rows_) {
    text.clear();
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += "  ";
      const std::size_t pad = widths[i] - width_of(row[i]);
      const bool fills = i + 1 < row.size() || ends_in_numbers;
      const bool right = fills && is_number(row[i]);
      if (right) text.append(pad, ' ');
      text += row[i];
      if (fills && !right) text.append(pad, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    line(text);
  }
}

std::string Table::to_string() const {
  std::string text;
  print([&](std::string_view line) { text.append(line) += '\n'; });
  return text;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace pinion::cli
