// Places: a bounded number of something, for all requests of this gateway together. Thread-safe.
//
// Of fetches that wait at the brokers for something to come: each holds one request of the client's
// credit until it is answered, also when whoever asked has gone; without a bound they would take
// all of it, and nothing else would be served. And of SQL answers on their way.
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

/// Half of the credit: the other half is for what does not wait. Live tails, which keep their
/// places for as long as they are read, and long polls have half of that each.
inline constexpr std::size_t waiting_places_max = limits::client_requests_inflight_max / 2;
inline constexpr std::size_t tail_places_max = waiting_places_max / 2;
inline constexpr std::size_t poll_places_max = waiting_places_max - tail_places_max;

/// SQL queries at once. Each may gather 16 MiB of rows.
inline constexpr std::size_t query_places_max = 16;

class Places {
 public:
  explicit Places(std::size_t places_max) : places_max_(places_max) {}

  /// Never more than there are, not even for a moment: a claim for one would fail then.
  [[nodiscard]] bool try_take(std::size_t count) noexcept {
    std::size_t taken = taken_.load();
    do {
      if (count > places_max_ - taken) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + count));
    return true;
  }
  void give_back(std::size_t count) noexcept { taken_.fetch_sub(count); }

 private:
  const std::size_t places_max_;
  std::atomic<std::size_t> taken_{0};
};

/// The places of one poll, tail or query; gives them back at its end. Requires: the budget outlives
/// it.
class HeldPlaces {
 public:
  explicit HeldPlaces(Places& places) : places_(&places) {}
  ~HeldPlaces() { places_->give_back(held_); }
  HeldPlaces(const HeldPlaces&) = delete;
  HeldPlaces& operator=(const HeldPlaces&) = delete;

  [[nodiscard]] bool try_take(std::size_t count) noexcept {
    if (!places_->try_take(count)) return false;
    held_ += count;
    return true;
  }

 private:
  Places* places_;
  std::size_t held_ = 0;
};

/// What a poll or tail beyond them is told.
[[nodiscard]] inline Error no_place_to_wait() {
  return {Errc::throttled,
          "Too many reads and streams wait for records at this gateway; try again, or another one"};
}

/// What a tail is told that is ended for the sake of others (follow_feed.hpp).
[[nodiscard]] inline Error tail_too_slow() {
  return {Errc::throttled,
          "The stream is read too slowly while others need the room; go on from its last id"};
}

/// What a query beyond them is told.
[[nodiscard]] inline Error no_place_for_query() {
  return {Errc::throttled,
          "Too many SQL queries at once at this gateway; try again, or another one"};
}
/// What one is told whose turn did not come (query_lanes.hpp).
[[nodiscard]] inline Error nobody_waits() {
  return {
      Errc::throttled,
      "The query was not run: its caller closed its side, or the gateway ends, before its turn"};
}
[[nodiscard]] inline Error node_is_taken() {
  return {Errc::throttled,
          "Too many SQL queries wait for the partition's node; try again in some seconds"};
}

}  // namespace pinion::gateway
