#include <catch2/catch.hpp>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <csignal>

using namespace pinion;
using namespace pinion::test;

namespace {

UpCluster& cluster() { return UpCluster::shared(); }

/// A topic of one partition that holds r0, r1, ... .
std::string topic_with(int records) {
  const std::string topic = cluster().new_topic();
  std::string input;
  for (int i = 0; i < records; ++i) input += "r" + std::to_string(i) + "\n";
  const Finished sent = cluster().pinion({"produce", topic}, input);
  INFO(sent.errors);
  REQUIRE(sent.status == 0);
  return topic;
}

std::string consume(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "consume");
  const Finished read = cluster().pinion(std::move(arguments));
  INFO(read.errors);
  CHECK(read.status == 0);
  return read.output;
}

}  // namespace

TEST_CASE("pinion consume: reads from the start to the end as it is, and ends", "[e2e][cli]") {
  const std::string topic = topic_with(3);
  CHECK(consume({topic}) == "r0\nr1\nr2\n");
  CHECK(consume({topic, "--from", "earliest"}) == "r0\nr1\nr2\n");
  CHECK(consume({topic, "--from", "latest"}).empty());
  CHECK(consume({topic, "--from", "1"}) == "r1\nr2\n");
  CHECK(consume({topic, "--from", "3"}).empty());
  CHECK(consume({topic, "--from", "1", "--max", "1"}) == "r1\n");
  CHECK(consume({topic, "--max", "0"}).empty());
}

TEST_CASE("pinion consume: reads every partition of a topic", "[e2e][cli]") {
  const std::string topic = cluster().new_topic(5);
  for (int p = 0; p < 5; ++p) {
    const std::string partition = std::to_string(p);
    REQUIRE(
        cluster().pinion({"produce", topic, "--partition", partition}, partition + "\n").status ==
        0);
  }
  std::vector<std::string> lines = lines_of(consume({topic}));
  std::sort(lines.begin(), lines.end());
  CHECK(lines == std::vector<std::string>{"0", "1", "2", "3", "4"});
  CHECK(consume({topic, "--partition", "3"}) == "3\n");
}

TEST_CASE("pinion consume: --from @TIME begins with the first record of that time", "[e2e][cli]") {
  const std::string topic = topic_with(3);
  const std::string all = consume({topic, "--json"});
  CHECK(consume({topic, "--from", "@-1h"}) == "r0\nr1\nr2\n");
  CHECK(consume({topic, "--from", "@2100-01-01"}).empty());
  CHECK(consume({topic, "--from", "@1970-01-01T00:00:00Z"}) == "r0\nr1\nr2\n");
}

TEST_CASE("pinion consume: a named consumer goes on where it stopped", "[e2e][cli]") {
  const std::string topic = topic_with(5);
  CHECK(consume({topic, "--consumer", "ann", "--max", "2"}) == "r0\nr1\n");
  CHECK(consume({topic, "--consumer", "ann", "--max", "2"}) == "r2\nr3\n");
  CHECK(consume({topic, "--consumer", "bob", "--max", "1"}) == "r0\n");
  CHECK(consume({topic, "--consumer", "ann"}) == "r4\n");
  CHECK(consume({topic, "--consumer", "ann"}).empty());
  // Without a name nothing is kept.
  CHECK(consume({topic, "--max", "1"}) == "r0\n");
  CHECK(consume({topic, "--max", "1"}) == "r0\n");
}

TEST_CASE("pinion consume: --from is for a consumer that has no position yet", "[e2e][cli]") {
  const std::string topic = topic_with(5);
  CHECK(consume({topic, "--consumer", "c", "--from", "3", "--max", "1"}) == "r3\n");
  CHECK(consume({topic, "--consumer", "c", "--from", "0", "--max", "1"}) == "r4\n");
  CHECK(consume({topic, "--consumer", "c", "--from", "0", "--reset", "--max", "1"}) == "r0\n");
  CHECK(consume({topic, "--consumer", "c", "--max", "1"}) == "r1\n");
}

TEST_CASE("pinion consume: --from latest keeps its place for the consumer", "[e2e][cli]") {
  const std::string topic = topic_with(2);
  CHECK(consume({topic, "--consumer", "late", "--from", "latest"}).empty());
  REQUIRE(cluster().pinion({"produce", topic}, "r2\n").status == 0);
  CHECK(consume({topic, "--consumer", "late", "--from", "latest"}) == "r2\n");
}

TEST_CASE("pinion consume: --follow shows a record soon after it was sent", "[e2e][cli]") {
  const std::string topic = topic_with(1);
  TestProcess follower(cluster().command({"consume", topic, "--follow"}));
  REQUIRE(follower.wait_for_output("r0\n", patience(10s)));
  REQUIRE(cluster().pinion({"produce", topic}, "r1\n").status == 0);
  CHECK(follower.wait_for_output("r0\nr1\n", patience(10s)));
  follower.signal(SIGINT);
  CHECK(follower.wait(patience(10s)) == 0);
}

TEST_CASE("pinion consume: --follow --max ends by itself with the last wanted record",
          "[e2e][cli]") {
  const std::string topic = topic_with(1);
  TestProcess follower(cluster().command({"consume", topic, "--follow", "--max", "2"}));
  REQUIRE(follower.wait_for_output("r0\n", patience(10s)));
  REQUIRE(cluster().pinion({"produce", topic}, "r1\nr2\n").status == 0);
  CHECK(follower.wait(patience(10s)) == 0);
  CHECK(follower.output() == "r0\nr1\n");
}

TEST_CASE("pinion consume: --idle-exit ends when nothing comes for so long", "[e2e][cli]") {
  const std::string topic = topic_with(1);
  TestProcess reader(cluster().command({"consume", topic, "--idle-exit", "10"}));
  REQUIRE(reader.wait_for_output("r0\n", patience(10s)));
  REQUIRE(cluster().pinion({"produce", topic}, "r1\n").status == 0);
  CHECK(reader.wait(patience(40s)) == 0);
  CHECK(reader.output() == "r0\nr1\n");
}

TEST_CASE("pinion consume: an interrupted named consumer keeps what it printed", "[e2e][cli]") {
  const std::string topic = topic_with(3);
  TestProcess reader(cluster().command({"consume", topic, "--consumer", "i", "--follow"}));
  REQUIRE(reader.wait_for_output("r2\n", patience(10s)));
  reader.signal(SIGTERM);
  CHECK(reader.wait(patience(10s)) == 0);
  CHECK(consume({topic, "--consumer", "i"}).empty());
}

TEST_CASE("pinion consume: a reader that goes away ends it quietly", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  std::string input;
  for (int i = 0; i < 100'000; ++i) input += "a record of some length " + std::to_string(i) + "\n";
  REQUIRE(cluster().pinion({"produce", topic}, input).status == 0);
  ProcessOptions shell;
  shell.arguments = {
      "/bin/sh", "-c",
      "{ \"$0\" consume \"$1\" --consumer head; echo \"status $?\" >&2; } | head -n 2",
      programs() + "/pinion", topic};
  shell.environment = {"PINION_BROKER=" + cluster().address()};
  const Finished piped = run(shell, patience(30s));
  CHECK(lines_of(piped.output).size() == 2);
  CHECK(piped.errors == "status 141\n");
  // What nobody read is not lost to that consumer: a pipe's worth at most is counted as read.
  const std::vector<std::string> rest = lines_of(consume({topic, "--consumer", "head"}));
  CHECK(rest.size() > 80'000);
}

TEST_CASE("pinion consume: what fails leaves the consumer where it was", "[e2e][cli]") {
  const std::string topic = topic_with(5);
  CHECK(consume({topic, "--consumer", "c", "--max", "2"}) == "r0\nr1\n");
  const Finished failed =
      cluster().pinion({"consume", topic, "--consumer", "c", "--reset", "--from", "9999"});
  CHECK(failed.status == 1);
  CHECK(failed.errors.find("9999") != std::string::npos);
  CHECK(consume({topic, "--consumer", "c"}) == "r2\nr3\nr4\n");
  const Finished fresh =
      cluster().pinion({"consume", topic, "--consumer", "fresh", "--from", "9999"});
  CHECK(fresh.status == 1);
  CHECK(consume({topic, "--consumer", "fresh"}) == "r0\nr1\nr2\nr3\nr4\n");
}

TEST_CASE("pinion consume: --json tells all there is about a record", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  REQUIRE(cluster().pinion({"produce", topic}, "text\n\xff\n").status == 0);
  const std::vector<std::string> records = lines_of(consume({topic, "--json"}));
  REQUIRE(records.size() == 2);
  CHECK(records[0].rfind("{\"topic\":\"" + topic + "\",\"partition\":0,\"offset\":0,\"timestamp\":",
                         0) == 0);
  CHECK(records[0].find(R"("key":null,"headers":[],"value":"text"})") != std::string::npos);
  CHECK(records[1].find(R"("value":"/w==","value_encoding":"base64"})") != std::string::npos);
}

TEST_CASE("pinion consume: what cannot be done is one line and a status that is not 0",
          "[e2e][cli]") {
  const std::string topic = topic_with(1);
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"consume", "no-such-topic"}, "no-such-topic"},
      {{"consume", topic, "--from", "yesterday"}, "earliest"},
      {{"consume", topic, "--from", "@yesterday"}, "-15m"},
      {{"consume", topic, "--from", "17"}, "17"},
      {{"consume", topic, "--partition", "9"}, "partition"},
      {{"consume", topic, "--max", "-1"}, "--max"},
      {{"consume", topic, "--consumer", "a\nb"}, "consumer"},
      {{"consume"}, "TOPIC"},
  };
  for (const auto& [arguments, says] : cases) {
    const Finished read = cluster().pinion(arguments);
    INFO(says << "\n" << read.errors);
    CHECK(read.status != 0);
    CHECK(read.status != 124);
    CHECK(read.errors.rfind("pinion: ", 0) == 0);
    CHECK(read.errors.find('\n') == read.errors.size() - 1);
    CHECK(read.errors.find(says) != std::string::npos);
  }
}
