// The clocks, read: the one place of partition/ that does. Drivers hand the result to the cores.
#pragma once

#include "common/base/time.hpp"

#include <chrono>

namespace pinion::partition {

[[nodiscard]] inline Now read_clocks() noexcept {
  const auto steady = std::chrono::steady_clock::now().time_since_epoch();
  const auto system = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<Micros>(steady), std::chrono::duration_cast<Micros>(system)};
}

[[nodiscard]] inline Micros read_monotonic() noexcept {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace pinion::partition
