// WaitingPlaces: how many fetches may wait at the brokers for something to come, of all long polls
// and live tails of this gateway together. Each holds one request of the client's credit until it
// is answered, also when whoever asked has gone; without a bound they would take all of it, and
// nothing else would be served. Thread-safe.
#pragma once

#include "common/base/error.hpp"
#include "common/base/limits.hpp"
#include "common/base/time.hpp"

#include <atomic>
#include <cstddef>

namespace pinion::gateway {

/// One fetch waits no longer than this; then it is asked again, unless nobody waits any more. So a
/// place of one who has gone comes back.
inline constexpr Micros fetch_waits = 5s;

class WaitingPlaces {
 public:
  /// Half of the credit: the other half is for what does not wait.
  static constexpr std::size_t places_max = limits::client_requests_inflight_max / 2;

  [[nodiscard]] bool try_take(std::size_t count) noexcept {
    if (taken_.fetch_add(count) + count <= places_max) return true;
    taken_.fetch_sub(count);
    return false;
  }
  void give_back(std::size_t count) noexcept { taken_.fetch_sub(count); }

 private:
  std::atomic<std::size_t> taken_{0};
};

/// The places of one poll or tail; gives them back at its end. Requires: the budget outlives it.
class HeldPlaces {
 public:
  explicit HeldPlaces(WaitingPlaces& places) : places_(&places) {}
  ~HeldPlaces() { places_->give_back(held_); }
  HeldPlaces(const HeldPlaces&) = delete;
  HeldPlaces& operator=(const HeldPlaces&) = delete;

  [[nodiscard]] bool try_take(std::size_t count) noexcept {
    if (!places_->try_take(count)) return false;
    held_ += count;
    return true;
  }

 private:
  WaitingPlaces* places_;
  std::size_t held_ = 0;
};

/// What a poll or tail beyond them is told.
[[nodiscard]] inline Error no_place_to_wait() {
  return {Errc::throttled,
          "Too many reads and streams wait for records at this gateway; try again, or another one"};
}

}  // namespace pinion::gateway
