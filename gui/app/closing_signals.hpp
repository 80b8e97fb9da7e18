// ClosingSignals: SIGINT, SIGTERM and SIGHUP close the window as its button does, so that positions
// and settings are kept and no half of a file stays. A thread waits for them. A terminal that is
// closed sends several at once, and so does a shell that ends what it started: all that come soon
// after the first are one wish. A later one ends the program, as any would without this.
//
// To be made before any other thread, for those that are made later inherit what is held back; and
// to be there until nothing is left to be kept.
#pragma once

#include "common/base/time.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include <signal.h>

namespace pinion::gui {

class ClosingSignals {
 public:
  /// `wake` is called once by the other thread, when one came. Those of `one_wish_for` after it do
  /// nothing more.
  explicit ClosingSignals(std::function<void()> wake, Micros one_wish_for = 2s);
  /// What came and ended nothing is forgotten: it wished for what happens.
  ~ClosingSignals();
  ClosingSignals(const ClosingSignals&) = delete;
  ClosingSignals& operator=(const ClosingSignals&) = delete;

  [[nodiscard]] bool came() const noexcept { return came_.load(); }
  /// From now on `wake` is not called: there is nothing to wake. They are held back as before.
  void rest();

 private:
  void run();
  enum class Came : std::uint8_t { signal, stop, nothing };
  /// `until` in monotonic time; never: without a limit.
  [[nodiscard]] Came await(Micros until) const;

  std::function<void()> wake_;
  const Micros one_wish_for_;
  sigset_t signals_{};
  sigset_t before_{};
  int signal_file_ = -1;
  int stop_file_ = -1;
  std::atomic<bool> came_{false};
  std::mutex wake_mutex_;
  std::thread thread_;
};

}  // namespace pinion::gui
