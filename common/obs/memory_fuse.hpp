// MemoryFuse: when a socket that strangers reach must be closed and bound again, be it the
// broker's client socket or a partition broker's data socket.
//
// MAXMSGSIZE bounds a frame and nothing bounds an unfinished multipart message: one peer that sends
// small MORE frames for ever grows the process while nothing becomes readable. So the process's
// memory is watched. What a reset did not give back was not its peers': the fuse then trips only
// when memory grows by another quarter, and is as before when memory has gone down again.
//
// Below that, what a peer has left behind is free inside the allocator and still the process's. It
// is given back when memory has risen by an eighth of the fuse and does not rise any more: giving
// back what is in use again at once would only cost time. What was in use when memory was given
// back may be free since; so from half of the fuse on it is tried again now and then.
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
    trim,     ///< Give free memory back to the system, then call trimmed().
  };

  [[nodiscard]] Verdict check(Micros monotonic, std::uint64_t memory) noexcept {
    if (settle_at_ != never) {
      if (monotonic < settle_at_) return Verdict::fine;
      settle_at_ = never;
      trimmed_at_ = monotonic;
      return Verdict::settled;
    }
    if (is_low(memory)) {
      trip_at_ = bytes_;
      kept_ = false;
    }
    if (memory < trip_at_) {
      if (!is_trim_due(monotonic, memory)) return Verdict::fine;
      trimmed_at_ = monotonic;
      return Verdict::trim;
    }
    ++trips_;
    // libzmq frees what a closed socket held from threads of its own.
    settle_at_ = monotonic + settle_after;
    return Verdict::trip;
  }

  /// What is left after a trip is the new floor.
  void settle(std::uint64_t memory) noexcept {
    trip_at_ = std::max(bytes_, memory + bytes_ / 4);
    kept_ = !is_low(memory);
    trimmed(memory);
  }

  /// What is left after memory was given back is in use.
  void trimmed(std::uint64_t memory) noexcept {
    floor_ = memory;
    looked_at_ = never;
  }

  [[nodiscard]] std::uint64_t trips() const noexcept { return trips_; }
  /// Whether the reset after an earlier trip did not help: it is not that socket that holds the
  /// memory.
  [[nodiscard]] bool kept() const noexcept { return kept_; }

  static constexpr Micros settle_after = 300ms;
  /// So long it must not have risen; and no more than one trim in this time, whatever happens.
  static constexpr Micros calm_for = 5s;
  static constexpr Micros tried_again_after = 30s;

 private:
  [[nodiscard]] bool is_low(std::uint64_t memory) const noexcept { return memory < bytes_ / 4 * 3; }

  /// Memory that rises by less than a 64th of the fuse stands still.
  [[nodiscard]] bool is_trim_due(Micros monotonic, std::uint64_t memory) noexcept {
    floor_ = std::min(floor_, memory);
    const bool has_risen = memory >= floor_ + bytes_ / 8;
    const bool is_to_be_tried =
        memory >= bytes_ / 2 && monotonic - trimmed_at_ >= tried_again_after;
    if (!has_risen && !is_to_be_tried) {
      looked_at_ = never;
      return false;
    }
    if (looked_at_ == never || memory > looked_memory_ + bytes_ / 64) {
      looked_at_ = monotonic;
      looked_memory_ = memory;
      return false;
    }
    return monotonic - looked_at_ >= calm_for;
  }

  std::uint64_t bytes_;
  std::uint64_t trip_at_;
  std::uint64_t trips_ = 0;
  Micros settle_at_ = never;
  bool kept_ = false;
  std::uint64_t floor_ = UINT64_MAX;  ///< The least there was since the last trim, or what it left.
  Micros trimmed_at_{0};
  Micros looked_at_ = never;  ///< Since when memory is high and stands still.
  std::uint64_t looked_memory_ = 0;
};

}  // namespace pinion
