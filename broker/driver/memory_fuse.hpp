// MemoryFuse: when the client socket must be closed and bound again.
//
// MAXMSGSIZE bounds a frame and nothing bounds an unfinished multipart message: one peer that sends
// small MORE frames for ever grows the process while nothing becomes readable. So the process's
// memory is watched. What a reset did not give back was not the clients': the fuse then trips only
// when memory grows by another quarter, and is as before when memory has gone down again.
//
// Pure; one thread.
#pragma once

#include "common/base/time.hpp"

#include <algorithm>
#include <cstdint>

namespace pinion {

class MemoryFuse {
 public:
  explicit MemoryFuse(std::uint64_t bytes) noexcept : bytes_(bytes), trip_at_(bytes) {}

  enum class Verdict : std::uint8_t {
    fine,
    trip,     ///< Reset the socket now.
    settled,  ///< Some time after a trip: give free memory back to the system, then call settle().
  };

  [[nodiscard]] Verdict check(Micros monotonic, std::uint64_t memory) noexcept {
    if (settle_at_ != never) {
      if (monotonic < settle_at_) return Verdict::fine;
      settle_at_ = never;
      return Verdict::settled;
    }
    if (memory < bytes_ / 4 * 3) trip_at_ = bytes_;
    if (memory < trip_at_) return Verdict::fine;
    ++trips_;
    // libzmq frees what a closed socket held from threads of its own.
    settle_at_ = monotonic + settle_after;
    return Verdict::trip;
  }

  /// What is left after a trip is the new floor.
  void settle(std::uint64_t memory) noexcept { trip_at_ = std::max(bytes_, memory + bytes_ / 4); }

  [[nodiscard]] std::uint64_t trips() const noexcept { return trips_; }

  static constexpr Micros settle_after = 300ms;

 private:
  std::uint64_t bytes_;
  std::uint64_t trip_at_;
  std::uint64_t trips_ = 0;
  Micros settle_at_ = never;
};

}  // namespace pinion
