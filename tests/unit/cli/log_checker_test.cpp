// The checker of the process tests is itself tested: each kind of wrong is planted once.
#include <catch2/catch.hpp>

#include "tests/support/log_checker.hpp"

#include <algorithm>

using pinion::test::LogChecker;

namespace {

/// Three values of one sender, acknowledged in order at one partition.
void send_three(LogChecker& log) {
  for (const char* value : {"a", "b", "c"}) log.on_send("s", value);
  log.on_ok("a", {0, 0});
  log.on_ok("b", {0, 1});
  log.on_ok("c", {0, 2});
}

bool finds(const LogChecker& log, const std::string& kind) {
  const auto found = log.anomalies();
  return std::any_of(found.begin(), found.end(),
                     [&](const std::string& s) { return s.rfind(kind + ":", 0) == 0; });
}

}  // namespace

TEST_CASE("checker: a whole run has nothing wrong", "[checker]") {
  LogChecker log;
  send_three(log);
  log.on_send("s", "unknown");
  log.on_info("unknown");
  log.on_send("s", "refused");
  log.on_fail("refused");
  log.on_read("r", {0, 0}, "a");
  log.on_read("r", {0, 1}, "b");
  log.on_read("r", {0, 2}, "c");
  log.on_read("r", {0, 3}, "unknown");
  CHECK(log.anomalies().empty());
  CHECK(log.unseen() == 0);
  CHECK(log.counts().recovered == 1);
  CHECK(log.counts().read == 4);
}

TEST_CASE("checker: an acknowledged value that nobody read is lost", "[checker]") {
  LogChecker log;
  send_three(log);
  log.on_read("r", {0, 0}, "a");
  log.on_read("r", {0, 1}, "b");
  CHECK(finds(log, "lost"));
  CHECK(log.unseen() == 1);
}

TEST_CASE("checker: a value at two offsets is a duplicate", "[checker]") {
  LogChecker log;
  send_three(log);
  log.on_read("r", {0, 1}, "b");
  log.on_read("r", {0, 2}, "c");
  log.on_read("r", {0, 3}, "c");
  CHECK(finds(log, "duplicate"));
}

TEST_CASE("checker: another value than the acknowledged one at an offset is found", "[checker]") {
  LogChecker log;
  send_three(log);
  log.on_read("r", {0, 0}, "b");
  CHECK(finds(log, "inconsistent-offsets"));
}

TEST_CASE("checker: a value that failed for certain may not be read", "[checker]") {
  LogChecker log;
  log.on_send("s", "x");
  log.on_fail("x");
  log.on_read("r", {0, 0}, "x");
  CHECK(finds(log, "G1a"));
}

TEST_CASE("checker: a value that nobody sent is unexpected", "[checker]") {
  LogChecker log;
  log.on_read("r", {0, 0}, "ghost");
  CHECK(finds(log, "unexpected"));
}

TEST_CASE("checker: one sender's values keep their order in a partition", "[checker]") {
  LogChecker log;
  log.on_send("s", "first");
  log.on_send("s", "second");
  log.on_read("r", {0, 0}, "second");
  log.on_read("r", {0, 1}, "first");
  CHECK(finds(log, "nonmonotonic-send"));
}

TEST_CASE("checker: a reader neither goes back nor skips", "[checker]") {
  LogChecker log;
  send_three(log);
  log.on_read("back", {0, 1}, "b");
  log.on_read("back", {0, 0}, "a");
  CHECK(finds(log, "nonmonotonic-poll"));
  log.on_read("skip", {0, 0}, "a");
  log.on_read("skip", {0, 2}, "c");
  CHECK(finds(log, "poll-skip"));
}
