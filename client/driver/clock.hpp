// The clocks, read in the driver and on API threads only: cores are handed the time.
#pragma once

#include "common/base/time.hpp"

#include <chrono>

namespace pinion::client {

[[nodiscard]] inline Micros monotonic_now() noexcept {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}
[[nodiscard]] inline Micros wall_now() noexcept {
  return std::chrono::duration_cast<Micros>(std::chrono::system_clock::now().time_since_epoch());
}

}  // namespace pinion::client
