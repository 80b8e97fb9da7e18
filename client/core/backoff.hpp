// Backoff: how long to wait before the next try. Doubles from `min` to `max`; the actual pause is
// drawn between half of that and all of it, so that many clients do not come back at once. Pure.
#pragma once

#include "common/base/prng.hpp"
#include "common/base/time.hpp"

#include <algorithm>

namespace pinion::client {

class Backoff {
 public:
  Backoff(Micros min, Micros max) noexcept : min_(min), max_(max), current_(min) {}

  [[nodiscard]] Micros next(Prng& prng) noexcept {
    const Micros pause(prng.between(current_.count() / 2, current_.count()));
    current_ = std::min(max_, current_ * 2);
    return pause;
  }
  void reset() noexcept { current_ = min_; }
  [[nodiscard]] bool fresh() const noexcept { return current_ == min_; }

 private:
  Micros min_;
  Micros max_;
  Micros current_;
};

}  // namespace pinion::client
