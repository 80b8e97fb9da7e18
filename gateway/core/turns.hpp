// Which partition a dequeue with a request id begins at: a function of the id alone, so that every
// gateway begins a repeat where the first one did. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace pinion::gateway {

/// Ids that differ in a counter at their end alone ("worker7-41", "worker7-42") get consecutive
/// turns; others are spread evenly.
[[nodiscard]] constexpr std::uint32_t turn_of_request(std::string_view id) noexcept {
  std::size_t digits = 0;
  constexpr std::size_t digits_max = 9;
  while (digits < id.size() && digits < digits_max && id[id.size() - 1 - digits] >= '0' &&
         id[id.size() - 1 - digits] <= '9') {
    ++digits;
  }
  std::uint32_t hash = 2'166'136'261U;  // FNV-1a of what is in front of the counter.
  for (const char c : id.substr(0, id.size() - digits)) {
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
