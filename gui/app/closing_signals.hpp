// ClosingSignals: SIGINT, SIGTERM and SIGHUP close the window as its button does, so that positions
// and settings are kept and no half of a file stays. A thread waits for them; the second one ends
// the program, as any would without this.
//
// To be made before any other thread, for those that are made later inherit what is held back.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include <signal.h>

namespace pinion::gui {

class ClosingSignals {
 public:
  /// `wake` is called once by the other thread, when one came.
  explicit ClosingSignals(std::function<void()> wake);
  /// As stop().
  ~ClosingSignals();
  ClosingSignals(const ClosingSignals&) = delete;
  ClosingSignals& operator=(const ClosingSignals&) = delete;

  [[nodiscard]] bool came() const noexcept { return came_.load(); }
  /// From now on they end the program. The last call.
  void stop();

 private:
  void run();

  std::function<void()> wake_;
  sigset_t signals_{};
  sigset_t before_{};
  int signal_file_ = -1;
  int stop_file_ = -1;
  std::atomic<bool> came_{false};
  std::thread thread_;
};

}  // namespace pinion::gui
