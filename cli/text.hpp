// Text for people and from people: times, sizes, tables, where to start reading. Pure.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pinion::cli {

struct FromEarliest {};
struct FromLatest {};
/// What `--from` says: earliest, latest, an offset, or a time.
using From = std::variant<FromEarliest, FromLatest, Offset, Micros>;
[[nodiscard]] Result<From> parse_from(std::string_view text, Micros wall_now);

/// A time as people write it: 2026-11-21, 2026-11-21T09:30, ...T09:30:15.25Z, ...+02:00 (UTC when
/// no zone is named), microseconds since 1970, or -90s, -15m, -2h, -3d before now.
[[nodiscard]] Result<Micros> parse_time(std::string_view text, Micros wall_now);

/// "2026-11-21T09:30:15.250000Z"
[[nodiscard]] std::string format_time(Micros wall);

/// "NAME=VALUE"; the value may hold further '=' and may be empty.
struct NameValue {
  std::string name;
  std::string value;
};
[[nodiscard]] Result<NameValue> parse_name_value(std::string_view text);

/// \t, \n, \\ and \0 written out, as a shell hands them over.
[[nodiscard]] std::string unescape(std::string_view text);

/// "1.2 GiB"
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
/// "1,234,567"
[[nodiscard]] std::string format_count(std::uint64_t count);
/// With so many digits after the point.
[[nodiscard]] std::string format_number(double number, int digits);

/// Columns as wide as their widest cell; numbers to the right. The last column is not filled up to
/// its width, unless it holds nothing but numbers.
class Table {
 public:
  /// Cells that are wider than `width_max` are cut, and end with an ellipsis.
  explicit Table(std::vector<std::string> titles,
                 std::size_t width_max = std::numeric_limits<std::size_t>::max());
  void add(std::vector<std::string> row);
  [[nodiscard]] bool cut() const noexcept { return cut_; }

  /// Line by line, without newlines.
  void print(const std::function<void(std::string_view)>& line) const;
  [[nodiscard]] std::string to_string() const;

 private:
  std::size_t width_max_;
  bool cut_ = false;
  std::vector<std::vector<std::string>> rows_;
};

/// A field of a CSV line (RFC 4180).
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace pinion::cli
