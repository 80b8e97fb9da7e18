// Signals that close the window.
#include <catch2/catch.hpp>

#include "gui/app/closing_signals.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pinion;
using namespace pinion::gui;

namespace {

constexpr std::array<int, 3> closing{SIGINT, SIGTERM, SIGHUP};

/// How a process ends that does `work`: as waitpid() tells it.
int status_of(const std::function<int()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (const int signal : closing) ::signal(signal, SIG_DFL);
    ::_exit(work());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

bool comes_to(const std::atomic<int>& count, int wanted) {
  for (int i = 0; i < 2'000 && count < wanted; ++i) std::this_thread::sleep_for(5ms);
  return count == wanted;
}

}  // namespace

TEST_CASE("signals: the first closes the window, and a later one ends the program", "[gui]") {
  for (const int signal : closing) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const int status = status_of([&] {
      std::atomic<int> woken{0};
      ClosingSignals signals([&] { ++woken; }, Micros{0});
      if (signals.came()) return 1;
      ::kill(::getpid(), signal);
      if (!comes_to(woken, 1) || !signals.came()) return 2;
      if (::write(ends[1], "1", 1) != 1) return 4;
      ::kill(::getpid(), signal);
      std::this_thread::sleep_for(5s);
      return 3;
    });
    ::close(ends[1]);
    char lived = 0;
    const bool lived_on = ::read(ends[0], &lived, 1) == 1;
    ::close(ends[0]);
    INFO(signal);
    CHECK(lived_on);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == signal);
  }
}

TEST_CASE("signals: those of a terminal that is closed are one wish, which is carried out",
          "[gui]") {
  const int status = status_of([] {
    std::atomic<int> woken{0};
    {
      ClosingSignals signals([&] { ++woken; }, 3'600s);
      for (int i = 0; i < 100; ++i) {
        ::kill(::getpid(), SIGHUP);
        ::kill(::getpid(), SIGTERM);
        if (i == 0 && !comes_to(woken, 1)) return 2;
      }
    }
    return woken == 1 ? 0 : 3;
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("signals: one that comes while the window is being closed ends nothing", "[gui]") {
  const int status = status_of([] {
    std::atomic<int> woken{0};
    {
      ClosingSignals signals([&] { ++woken; }, 3'600s);
      signals.rest();
      ::kill(::getpid(), SIGTERM);
      for (int i = 0; i < 2'000 && !signals.came(); ++i) std::this_thread::sleep_for(5ms);
      if (!signals.came()) return 2;
      ::kill(::getpid(), SIGTERM);
    }
    return woken == 0 ? 0 : 3;
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
