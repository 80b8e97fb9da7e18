// BoundedQueue: values from many threads to one or more, bounded in items and in weight. The one
// place of the servers where a mutex is visible.
//
// try_push never waits: a full queue is an answer ("throttled"), not a pause of the thread that
// owns the sockets. The caller's weight is whatever it wants bounded, usually bytes.
#pragma once

#include "common/base/time.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace pinion {

enum class Pushed : unsigned char { first, more, full, closed };

template <typename T>
class BoundedQueue {
 public:
  BoundedQueue(std::size_t items_max, std::size_t weight_max) noexcept
      : items_max_(items_max), weight_max_(weight_max) {}

  /// `first`: the queue was empty, so a sleeping taker may need a wake-up of its own kind (a
  /// socket). A value heavier than the whole queue still enters an empty one.
  [[nodiscard]] Pushed try_push(T value, std::size_t weight = 0) {
    Pushed pushed = Pushed::more;
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return Pushed::closed;
      if (items_.size() >= items_max_) return Pushed::full;
      if (!items_.empty() && weight_ + weight > weight_max_) return Pushed::full;
      if (items_.empty()) pushed = Pushed::first;
      items_.push_back({std::move(value), weight});
      weight_ += weight;
    }
    ready_.notify_one();
    return pushed;
  }

  /// Moves everything into `out`, without waiting. Returns how many.
  std::size_t take_all(std::vector<T>& out) {
    const std::lock_guard lock(mutex_);
    return take_locked(out, items_.size());
  }

  /// Waits until there is something, the time is over, or the queue is closed; then moves up to
  /// `items_max` values into `out`. Returns how many.
  std::size_t wait_and_take(std::vector<T>& out, std::size_t items_max, Micros timeout) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, timeout, [this] { return !items_.empty() || closed_; });
    return take_locked(out, items_max);
  }

  /// After this, pushes are refused; what is inside can still be taken.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  [[nodiscard]] bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  [[nodiscard]] std::size_t weight() const {
    const std::lock_guard lock(mutex_);
    return weight_;
  }

 private:
  struct Item {
    T value;
    std::size_t weight;
  };

  std::size_t take_locked(std::vector<T>& out, std::size_t count) {
    std::size_t taken = 0;
    while (taken < count && !items_.empty()) {
      weight_ -= items_.front().weight;
      out.push_back(std::move(items_.front().value));
      items_.pop_front();
      ++taken;
    }
    return taken;
  }

  const std::size_t items_max_;
  const std::size_t weight_max_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Item> items_;
  std::size_t weight_ = 0;
  bool closed_ = false;
};

}  // namespace pinion
