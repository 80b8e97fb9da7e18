// CallSlot: where the I/O thread leaves the answer of one call, or of several together, and the API
// thread that made it waits. Thread-safe.
#pragma once

#include "client/core/session_io.hpp"
#include "common/base/time.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

namespace pinion::client {

class CallSlot {
 public:
  explicit CallSlot(std::size_t calls = 1) noexcept : left_(calls) {}

  /// I/O thread. Of several answers the first error is kept, else the last.
  void put(CallDone done) {
    const std::lock_guard lock(mutex_);
    if (!done_ || done_->reply) done_.emplace(std::move(done));
    if (left_ > 0) --left_;
    if (left_ == 0) changed_.notify_all();
  }

  /// Nothing when not all have come in time.
  [[nodiscard]] std::optional<CallDone> wait(Micros timeout) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [this] { return left_ == 0; });
    if (left_ > 0) return std::nullopt;
    return std::move(done_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t left_;
  std::optional<CallDone> done_;
};

}  // namespace pinion::client
