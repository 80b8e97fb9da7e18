#include "gui/app/closing_signals.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace pinion::gui {
namespace {

Micros monotonic_now() {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

/// True: there was one.
bool take(int signal_file) {
  signalfd_siginfo signal{};
  return ::read(signal_file, &signal, sizeof signal) == sizeof signal;
}

}  // namespace

ClosingSignals::ClosingSignals(std::function<void()> wake, Micros one_wish_for)
    : wake_(std::move(wake)), one_wish_for_(one_wish_for) {
  ::sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // One that is ignored stays so: nohup is meant.
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
      ::sigaddset(&signals_, signal);
    }
  }
  signal_file_ = ::signalfd(-1, &signals_, SFD_CLOEXEC | SFD_NONBLOCK);
  stop_file_ = ::eventfd(0, EFD_CLOEXEC);
  if (signal_file_ < 0 || stop_file_ < 0) return;
  ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  thread_ = std::thread([this] { run(); });
}

ClosingSignals::~ClosingSignals() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    static_cast<void>(::write(stop_file_, &one, sizeof one) == sizeof one);
    thread_.join();
    while (take(signal_file_)) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  if (signal_file_ >= 0) ::close(signal_file_);
  if (stop_file_ >= 0) ::close(stop_file_);
}

void ClosingSignals::rest() {
  const std::lock_guard lock(wake_mutex_);
  wake_ = nullptr;
}

ClosingSignals::Came ClosingSignals::await(Micros until) const {
  std::array<pollfd, 2> files{pollfd{signal_file_, POLLIN, 0}, pollfd{stop_file_, POLLIN, 0}};
  for (;;) {
    int limit = -1;
    if (until < never) {
      const Micros left = std::max(Micros{0}, until - monotonic_now());
      limit = static_cast<int>((left.count() + 999) / 1'000);
    }
    const int ready = ::poll(files.data(), files.size(), limit);
    if (ready < 0) continue;
    if (files[1].revents != 0) return Came::stop;
    if (ready == 0) return Came::nothing;
    if (take(signal_file_)) return Came::signal;
  }
}

void ClosingSignals::run() {
  if (await(never) == Came::stop) return;
  came_.store(true);
  const Micros until = monotonic_now() + one_wish_for_;
  {
    const std::lock_guard lock(wake_mutex_);
    if (wake_) wake_();
  }
  Came came = Came::signal;
  while (came == Came::signal && monotonic_now() < until) came = await(until);
  if (came == Came::stop) return;
  ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);  // The next one finds this thread.
  pollfd stop{stop_file_, POLLIN, 0};
  while (::poll(&stop, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace pinion::gui
