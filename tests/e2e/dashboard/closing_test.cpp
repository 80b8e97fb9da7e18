// A window that is out of sight, and one that is closed: nothing of what was changed is lost.
#include <catch2/catch.hpp>

#include "tests/e2e/dashboard/screen.hpp"
#include "tests/support/process_cluster.hpp"

#include <csignal>
#include <string>

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
  screen.minimise();
  it.type("x");  // It has nowhere to go.
  CHECK(eventually(patience(15s), [&] { return saved(folder, "dark = false"); }));
  const Micros before = it.processor_time();
  static_cast<void>(eventually(1s, [] { return false; }));
  CHECK(it.processor_time() - before < 200ms);
  it.process().signal(SIGTERM);
  CHECK(it.process().wait(patience(20s)) == 0);
}
