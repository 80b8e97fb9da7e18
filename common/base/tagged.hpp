// Tagged<Rep, Tag>: an integer that knows what it counts.
//
// Offsets, epochs, ids and tickets are all integers, and mixing two of them up is the bug that no
// test of a single module finds. A Tagged value converts to nothing by itself; `raw()` is the one
// way out, and is for codecs, SQL and text. A value plus a number is a value; a value minus a value
// is a number, so "how many records lie between two offsets" has the type of a count.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace pinion {

template <typename RepType, typename Tag>
class Tagged {
 public:
  using Rep = RepType;

  constexpr Tagged() noexcept = default;
  constexpr explicit Tagged(Rep value) noexcept : value_(value) {}

  [[nodiscard]] constexpr Rep raw() const noexcept { return value_; }

  constexpr auto operator<=>(const Tagged&) const noexcept = default;

  constexpr Tagged& operator++() noexcept {
    ++value_;
    return *this;
  }
  constexpr Tagged& operator+=(Rep count) noexcept {
    value_ = static_cast<Rep>(value_ + count);
    return *this;
  }
  [[nodiscard]] friend constexpr Tagged operator+(Tagged value, Rep count) noexcept {
    return Tagged(static_cast<Rep>(value.value_ + count));
  }
  [[nodiscard]] friend constexpr Tagged operator-(Tagged value, Rep count) noexcept {
    return Tagged(static_cast<Rep>(value.value_ - count));
  }
  [[nodiscard]] friend constexpr Rep operator-(Tagged a, Tagged b) noexcept {
    return static_cast<Rep>(a.value_ - b.value_);
  }

 private:
  Rep value_ = 0;
};

}  // namespace pinion

template <typename Rep, typename Tag>
struct std::hash<pinion::Tagged<Rep, Tag>> {
  std::size_t operator()(pinion::Tagged<Rep, Tag> value) const noexcept {
    return std::hash<Rep>{}(value.raw());
  }
};
