// A window that is out of sight, and one that is closed: nothing of what was changed is lost.
#include <catch2/catch.hpp>

#include "tests/e2e/dashboard/screen.hpp"
#include "tests/support/process_cluster.hpp"

#include <csignal>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace pinion;
using namespace pinion::test;

namespace {

bool saved(const TemporaryFolder& folder, const std::string& line) {
  return read_file(folder / "dashboard.conf").find(line) != std::string::npos;
}

}  // namespace

TEST_CASE("dashboard: minimised it sleeps, and saves what was changed before", "[.dashboard]") {
  TemporaryFolder folder;
  const Screen screen;
  Dashboard it(screen, folder, {"tcp://127.0.0.1:1"});
  it.click("theme");
  it.await_text("theme", "Dark theme");
  screen.minimise();
  screen.act({"type", "x"});  // It has nowhere to go.
  CHECK(eventually(patience(15s), [&] { return saved(folder, "dark = false"); }));
  const Micros before = it.processor_time();
  static_cast<void>(eventually(1s, [] { return false; }));
  CHECK(it.processor_time() - before < 200ms);
  it.process().signal(SIGTERM);
  CHECK(it.process().wait(patience(20s)) == 0);
}

TEST_CASE("dashboard: a terminal that is closed takes nothing of what was changed just before",
          "[.dashboard]") {
  TemporaryFolder folder;
  const Screen screen;
  Dashboard it(screen, folder, {"tcp://127.0.0.1:1"});
  it.click("theme");
  it.await_text("theme", "Dark theme");
  it.process().signal(SIGHUP);
  it.process().signal(SIGTERM);
  it.process().signal(SIGHUP);
  CHECK(it.process().wait(patience(20s)) == 0);
  CHECK(saved(folder, "dark = false"));
}

TEST_CASE("dashboard: under nohup it stays when the terminal is closed", "[.dashboard]") {
  TemporaryFolder folder;
  const Screen screen;
  Dashboard it(screen, folder, {"tcp://127.0.0.1:1"}, {"/usr/bin/env", "nohup"});
  it.process().signal(SIGHUP);
  it.click("theme");
  it.await_text("theme", "Dark theme");
  CHECK(eventually(patience(15s), [&] { return saved(folder, "dark = false"); }));
  CHECK(it.process().running());
  it.process().signal(SIGTERM);
  CHECK(it.process().wait(patience(20s)) == 0);
}

TEST_CASE("dashboard: while it waits to save, its window is out of sight and it says why",
          "[.dashboard]") {
  TemporaryFolder folder;
  const Screen screen;
  const int lock =
      ::open((folder / "dashboard.conf.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  REQUIRE(::flock(lock, LOCK_EX) == 0);
  Dashboard it(screen, folder, {"tcp://127.0.0.1:1"});
  it.click("theme");
  it.await_text("theme", "Dark theme");
  it.process().signal(SIGTERM);
  CHECK(eventually(patience(15s), [&] { return screen.window().empty(); }));
  CHECK(eventually(patience(15s), [&] {
    return it.process().errors().find("still on its way to the disk") != std::string::npos;
  }));
  CHECK(it.process().running());
  ::close(lock);
  CHECK(it.process().wait(patience(20s)) == 0);
  CHECK(saved(folder, "dark = false"));
}

TEST_CASE("dashboard: what could not be saved is told when it ends, and by its status",
          "[.dashboard]") {
  TemporaryFolder folder;
  const Screen screen;
  std::filesystem::create_directory(folder / "dashboard.conf");
  Dashboard it(screen, folder, {"tcp://127.0.0.1:1"});
  it.process().signal(SIGTERM);
  CHECK(it.process().wait(patience(20s)) == 1);
  CHECK(it.process().errors().find("is no file that could be written") != std::string::npos);
}

TEST_CASE("dashboard: what options say is for one run", "[.dashboard]") {
  TemporaryFolder folder;
  const Screen screen;
  write_file(folder / "dashboard.conf",
             "dark = true\nscale = 1.25\nwindow_width = 1000\nwindow_height = 700\n");
  {
    Dashboard it(screen, folder, {"tcp://127.0.0.1:1", "--theme", "light", "--scale", "100"});
    it.process().signal(SIGTERM);
    CHECK(it.process().wait(patience(20s)) == 0);
  }
  for (const char* line :
       {"dark = true", "scale = 1.25", "window_width = 1000", "tcp://127.0.0.1:1"}) {
    CHECK(saved(folder, line));
  }
  Dashboard it(screen, folder, {"tcp://127.0.0.1:1", "--theme", "dark"});
  it.click("theme");
  it.await_text("theme", "Dark theme");
  it.process().signal(SIGTERM);
  CHECK(it.process().wait(patience(20s)) == 0);
  CHECK(saved(folder, "dark = false"));  // A person's choice.
}
