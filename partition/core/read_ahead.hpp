// What is read before it is asked for: a reader that goes through the log gets its next fetch while
// the one before is on its way to it. Of one replica, in a role that serves readers; bounded for
// each replica and, in bytes, for the node.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace pinion::partition {

/// A share of a sum of bytes, given back with the object. The sum outlives it.
class HeldBytes {
 public:
  HeldBytes(std::size_t& sum, std::size_t bytes) noexcept : sum_(&sum), bytes_(bytes) {
    *sum_ += bytes_;
  }
  ~HeldBytes() { *sum_ -= bytes_; }
  HeldBytes(HeldBytes&& other) noexcept
      : sum_(other.sum_), bytes_(std::exchange(other.bytes_, 0)) {}
  HeldBytes& operator=(HeldBytes&& other) noexcept {
    std::swap(sum_, other.sum_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t* sum_;
  std::size_t bytes_;
};

/// The fetch that is expected next of a reader.
struct ReadAhead {
  Offset from;
  std::size_t bytes_max = 0;
  Micros forget_at = never;
  Ticket read{0};  ///< Under way, or done; 0: the reader is not known yet.
  std::optional<std::vector<Batch>> batches;  ///< It is done.
  std::optional<HeldBytes> held;              ///< With `read`.
};

class ReadsAhead {
 public:
  /// Takes out what fits a fetch; nothing when it was not expected.
  [[nodiscard]] std::optional<ReadAhead> take(Offset from, std::size_t bytes_max);
  /// In the place of the oldest, when there are as many as there may be.
  void expect(ReadAhead next);
  /// The one that `read` is for, or null.
  [[nodiscard]] ReadAhead* find(Ticket read) noexcept;
  void drop(Ticket read);
  void forget_old(Micros now);
  [[nodiscard]] Micros next_deadline() const noexcept;
  /// What they hold of the sum.
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  std::vector<ReadAhead> all_;  ///< Oldest first.
};

}  // namespace pinion::partition
