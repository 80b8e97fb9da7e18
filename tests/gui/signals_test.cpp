// Signals that close the window.
#include <catch2/catch.hpp>

#include "gui/app/closing_signals.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pinion::gui;
using namespace std::chrono_literals;

TEST_CASE("signals: the first closes the window, the second ends the program", "[gui]") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::signal(signal, SIG_DFL);
      std::atomic<int> woken{0};
      ClosingSignals signals([&] { ++woken; });
      if (signals.came()) ::_exit(1);
      ::kill(::getpid(), signal);
      for (int i = 0; i < 2'000 && woken == 0; ++i) std::this_thread::sleep_for(5ms);
      if (!signals.came() || woken != 1) ::_exit(2);
      if (::write(ends[1], "1", 1) != 1) ::_exit(4);
      ::kill(::getpid(), signal);
      std::this_thread::sleep_for(5s);
      ::_exit(3);
    }
    ::close(ends[1]);
    char lived = 0;
    const bool lived_on = ::read(ends[0], &lived, 1) == 1;
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    INFO(signal);
    CHECK(lived_on);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == signal);
  }
}
