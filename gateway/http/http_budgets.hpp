// What all connections of a server may hold together. Small bodies and answers do not count: their
// number is bounded by that of the connections, and none of them harms another one.
//
// Pure but for the counter, which any thread may touch.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/time.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace pinion::gateway {

/// A body that brings records is a request's own until it is answered; any other one until it is
/// read. What 16 of the largest take by default.
inline constexpr std::uint64_t bodies_bytes_max = 256 * limits::mib;
inline constexpr std::size_t small_body_bytes = 64 * limits::kib;

/// Answers that their readers have not taken yet. Beyond the first, calls with large answers are
/// refused before they are carried out; beyond the second, what was on its way meanwhile is not
/// sent either, unless it is a message that was taken for this reader alone.
inline constexpr std::uint64_t answers_refused_bytes = 64 * limits::mib;
inline constexpr std::uint64_t answers_bytes_max = 128 * limits::mib;
inline constexpr std::size_t small_answer_bytes = 16 * limits::kib;
/// An answer is written in parts of this size, each within write_timeout: so a reader that takes
/// nothing is told from a slow one.
inline constexpr std::size_t write_bytes = 64 * limits::kib;

/// What was read of a connection and is not parsed yet: a header, the line in front of a chunk,
/// what follows the last one. Beast keeps a field's length in 16 bits and throws at one that is
/// longer; this is less.
inline constexpr std::size_t buffer_bytes_max = 65'000;

/// Bodies that come, and answers that are taken, are looked at this often.
inline constexpr Micros watched_for = 2s;
[[nodiscard]] constexpr bool is_slower_than(std::uint64_t bytes_per_second, std::uint64_t bytes,
                                            Micros took) noexcept {
  return bytes * 1'000 < bytes_per_second * static_cast<std::uint64_t>(took / 1ms);
}

/// Once more than half of the room for bodies is taken, one that comes slower than this is ended:
/// some that are slow, or have stopped, would keep everybody else's out. `bytes` came in the last
/// `took`, which is at least watched_for.
inline constexpr std::uint64_t body_bytes_per_second_min = 1 * limits::mib;
[[nodiscard]] constexpr bool is_body_too_slow(std::uint64_t bytes, Micros took,
                                              std::uint64_t all_bytes) noexcept {
  return all_bytes > bodies_bytes_max / 2 && is_slower_than(body_bytes_per_second_min, bytes, took);
}

/// The same for readers of large answers, before calls are refused for their sake. A reader that
/// takes a little now and then would never run into write_timeout.
inline constexpr std::uint64_t answer_bytes_per_second_min = 256 * limits::kib;
[[nodiscard]] constexpr bool is_reader_too_slow(std::uint64_t bytes, Micros took,
                                                std::uint64_t all_bytes) noexcept {
  return all_bytes > answers_refused_bytes / 2 &&
         is_slower_than(answer_bytes_per_second_min, bytes, took);
}

class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  /// Never more than there is, not even for a moment: somebody else's small claim would fail then.
  [[nodiscard]] bool take(std::uint64_t bytes) noexcept {
    std::uint64_t used = used_.load();
    do {
      if (used > bytes_max_ || bytes > bytes_max_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes));
    return true;
  }
  /// Past the bound, if need be.
  void take_anyway(std::uint64_t bytes) noexcept { used_.fetch_add(bytes); }
  void give_back(std::uint64_t bytes) noexcept { used_.fetch_sub(bytes); }
  [[nodiscard]] std::uint64_t used() const noexcept { return used_.load(); }
  [[nodiscard]] std::uint64_t bytes_max() const noexcept { return bytes_max_; }

 private:
  const std::uint64_t bytes_max_;
  std::atomic<std::uint64_t> used_{0};
};

/// What one connection holds of a budget; gives it back at its end.
class HeldBytes {
 public:
  explicit HeldBytes(ByteBudget& budget) : budget_(&budget) {}
  ~HeldBytes() { release(); }
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

  /// Holds so many, if there is room for what is more than before.
  [[nodiscard]] bool grow_to(std::uint64_t bytes) noexcept {
    if (bytes <= held_) return true;
    if (!budget_->take(bytes - held_)) return false;
    held_ = bytes;
    return true;
  }
  /// The same, and there is always room.
  void grow_anyway_to(std::uint64_t bytes) noexcept {
    if (bytes <= held_) return;
    budget_->take_anyway(bytes - held_);
    held_ = bytes;
  }
  void release() noexcept { budget_->give_back(std::exchange(held_, 0)); }
  [[nodiscard]] std::uint64_t held() const noexcept { return held_; }

 private:
  ByteBudget* budget_;
  std::uint64_t held_ = 0;
};

}  // namespace pinion::gateway
