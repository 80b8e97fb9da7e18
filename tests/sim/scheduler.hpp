// Virtual time: a queue of things that will happen, in order of their time and, at one time, in the
// order in which they were planned. The whole simulation runs on one thread inside run_next().
#pragma once

#include "common/base/time.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace pinion::sim {

class Scheduler {
 public:
  using Action = std::function<void()>;

  [[nodiscard]] Micros now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }
  [[nodiscard]] Micros next_at() const noexcept { return events_.empty() ? never : events_[0].at; }

  void at(Micros when, Action action) {
    events_.push_back({std::max(when, now_), planned_++, std::move(action)});
    std::push_heap(events_.begin(), events_.end(), later);
  }
  void after(Micros delay, Action action) { at(now_ + delay, std::move(action)); }

  /// Lets the next thing happen. Requires: !empty().
  void run_next() {
    std::pop_heap(events_.begin(), events_.end(), later);
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.at;
    ++steps_;
    event.action();
  }

 private:
  struct Event {
    Micros at;
    std::uint64_t planned;
    Action action;
  };
  static bool later(const Event& a, const Event& b) noexcept {
    return a.at != b.at ? a.at > b.at : a.planned > b.planned;
  }

  std::vector<Event> events_;
  Micros now_{0};
  std::uint64_t planned_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace pinion::sim
