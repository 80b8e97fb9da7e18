// Waker: how API threads tell the I/O thread that there is work, at the price of a system call only
// when it sleeps. Thread-safe; lock-free while it is awake.
//
//   API thread:  do the work's bookkeeping; wake()
//   I/O thread:  while (!may_sleep()) work;  transport.wait(); awake();
//
// The two sides each write one flag and then read the other's, sequentially consistent: so either
// the I/O thread sees the work, or the API thread sees the sleeper.
#pragma once

#include "common/ports/transport.hpp"

#include <atomic>
#include <mutex>

namespace pinion::client {

class Waker {
 public:
  /// The I/O thread, before others may wake it; nothing: before it closes its transport.
  void attach(Transport* transport) {
    const std::lock_guard lock(mutex_);
    transport_ = transport;
  }

  /// There is work. Any thread.
  void wake() {
    work_.store(true);
    if (!asleep_.load() || !asleep_.exchange(false)) return;
    const std::lock_guard lock(mutex_);  // Keeps the transport while it is used.
    if (transport_ != nullptr) transport_->wake();
  }
  /// There will be work to look at some time; not worth a wake-up.
  void note() noexcept { work_.store(true); }

  /// I/O thread: true when it was told of nothing since take_work(). It must then sleep, or call
  /// awake().
  [[nodiscard]] bool may_sleep() noexcept {
    asleep_.store(true);
    if (!work_.load()) return true;
    asleep_.store(false);
    return false;
  }
  void awake() noexcept { asleep_.store(false); }
  /// Before looking for work.
  void take_work() noexcept { work_.store(false); }

 private:
  std::atomic<bool> work_{false};
  std::atomic<bool> asleep_{false};
  std::mutex mutex_;
  Transport* transport_ = nullptr;
};

}  // namespace pinion::client
