// CommitTimes: how long one store thread's last commits took. Written by that thread, read by the
// I/O thread for the heartbeat, without either waiting.
#pragma once

#include "common/base/time.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace pinion::partition {

class CommitTimes {
 public:
  void add(Micros took) noexcept {
    const std::uint64_t count = count_.load(std::memory_order_relaxed);
    const auto capped =
        std::clamp<std::int64_t>(took.count(), 0, std::numeric_limits<std::uint32_t>::max());
    times_[count % times_.size()].store(static_cast<std::uint32_t>(capped),
                                        std::memory_order_relaxed);
    count_.store(count + 1, std::memory_order_release);
  }

  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_.load(std::memory_order_acquire);
  }

  /// Adds the last commits' times in microseconds to `out`.
  void collect(std::vector<std::uint32_t>& out) const {
    const std::size_t held = std::min<std::uint64_t>(count(), times_.size());
    for (std::size_t i = 0; i < held; ++i) {
      out.push_back(times_[i].load(std::memory_order_relaxed));
    }
  }

 private:
  std::array<std::atomic<std::uint32_t>, 256> times_{};
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace pinion::partition
