#include "cli/interrupt.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace pinion::cli {
namespace {

std::atomic<bool> came{false};
std::atomic<bool> ends_at_once{false};
int descriptor = -1;

/// A terminal and a script often both pass one Ctrl-C on; only a later one is a second wish.
constexpr auto second_wish_after = std::chrono::seconds(1);

void wait_for_signals(sigset_t signals) {
  std::chrono::steady_clock::time_point first;
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (ends_at_once) {
      constexpr std::string_view line = "pinion: interrupted\n";
      [[maybe_unused]] const ssize_t written = ::write(2, line.data(), line.size());
      _exit(exit_interrupted);
    }
    const auto now = std::chrono::steady_clock::now();
    if (came.exchange(true)) {
      if (now - first > second_wish_after) _exit(exit_interrupted);
      continue;
    }
    first = now;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(descriptor, &one, sizeof one);
  }
}

}  // namespace

void install_interrupt() {
  std::signal(SIGPIPE, SIG_IGN);
  descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  struct sigaction hang_up {};
  sigaction(SIGHUP, nullptr, &hang_up);
  if (hang_up.sa_handler != SIG_IGN) sigaddset(&signals, SIGHUP);  // Unless nohup wants it so.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(wait_for_signals, signals).detach();
}

void end_when_interrupted() noexcept {
  ends_at_once = true;
  if (interrupted()) _exit(exit_interrupted);  // It came before.
}

bool interrupted() noexcept { return came.load(std::memory_order_relaxed); }

int interrupt_descriptor() noexcept { return descriptor; }

bool sleep_unless_interrupted(Micros duration) noexcept {
  const auto until = std::chrono::steady_clock::now() + duration;
  while (!interrupted()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    pollfd wait{descriptor, POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(left.count()));
  }
  return interrupted();
}

}  // namespace pinion::cli
