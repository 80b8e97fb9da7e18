#include "gui/app/closing_signals.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace pinion::gui {

ClosingSignals::ClosingSignals(std::function<void()> wake) : wake_(std::move(wake)) {
  ::sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // One that is ignored stays so: nohup is meant.
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      ::sigaddset(&signals_, signal);
    }
  }
  signal_file_ = ::signalfd(-1, &signals_, SFD_CLOEXEC);
  stop_file_ = ::eventfd(0, EFD_CLOEXEC);
  if (signal_file_ < 0 || stop_file_ < 0) return;
  ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  thread_ = std::thread([this] { run(); });
}

ClosingSignals::~ClosingSignals() {
  stop();
  if (signal_file_ >= 0) ::close(signal_file_);
  if (stop_file_ >= 0) ::close(stop_file_);
}

void ClosingSignals::stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  static_cast<void>(::write(stop_file_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void ClosingSignals::run() {
  std::array<pollfd, 2> files{pollfd{signal_file_, POLLIN, 0}, pollfd{stop_file_, POLLIN, 0}};
  for (;;) {
    if (::poll(files.data(), files.size(), -1) < 0) continue;
    if (files[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (::read(signal_file_, &signal, sizeof signal) != sizeof signal) continue;
    came_.store(true);
    ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);  // The next one finds this thread.
    files[0].fd = -1;
    wake_();
  }
}

}  // namespace pinion::gui
