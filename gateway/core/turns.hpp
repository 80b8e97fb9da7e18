// Which partition a dequeue with a request id begins at: a function of the id alone, so that every
// gateway begins a repeat where the first one did. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace pinion::gateway {

/// Ids that differ in a counter at their end alone ("worker7-41", "worker7-42") get consecutive
/// turns; others are spread evenly. So do those in which a time stands between name and counter,
/// as in nginx's ("host.7.12-1700000000000.41"): it says no more than which life of nginx that was.
[[nodiscard]] constexpr std::uint32_t turn_of_request(std::string_view id) noexcept {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t digits = 0;
  constexpr std::size_t digits_max = 9;
  while (digits < id.size() && digits < digits_max && is_digit(id[id.size() - 1 - digits])) {
    ++digits;
  }
  std::string_view name = id.substr(0, id.size() - digits);  // And what is in front of a time.
  if (const std::size_t dash = id.rfind('-'); digits > 0 && dash != std::string_view::npos) {
    const std::string_view numbers = id.substr(dash + 1);
    if (numbers.find_first_not_of("0123456789.") == std::string_view::npos &&
        numbers.find('.') != std::string_view::npos) {
      name = id.substr(0, dash + 1);
    }
  }
  std::uint32_t hash = 2'166'136'261U;  // FNV-1a of what is in front of the counter.
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  }
  std::uint32_t counter = 0;
  for (const char c : id.substr(id.size() - digits)) {
    counter = counter * 10 + static_cast<std::uint32_t>(c - '0');
  }
  // Halved, so that the sum does not wrap around among the counters of one client.
  return (hash >> 1) + counter;
}

}  // namespace pinion::gateway
