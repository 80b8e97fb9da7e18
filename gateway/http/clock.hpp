// The clock that deadlines of the gateway are compared with. Not for its core, which is handed the
// time.
#pragma once

#include "common/base/time.hpp"

#include <chrono>

namespace pinion::gateway {

[[nodiscard]] inline Micros monotonic_now() noexcept {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace pinion::gateway
