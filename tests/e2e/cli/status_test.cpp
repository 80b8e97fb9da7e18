#include <catch2/catch.hpp>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <csignal>

using namespace pinion;
using namespace pinion::test;

namespace {

UpCluster& cluster() { return UpCluster::shared(); }

}  // namespace

TEST_CASE("pinion status: shows nodes, partitions, leaders and lag", "[e2e][cli]") {
  const std::string topic = cluster().new_topic(2);
  REQUIRE(cluster().pinion({"produce", topic, "--partition", "1"}, "a\nb\nc\n").status == 0);
  REQUIRE(cluster().pinion({"consume", topic, "--consumer", "slow", "--max", "1"}).status == 0);
  // What a node knows reaches the leader broker with its next heartbeat.
  std::string shown;
  const bool complete = eventually(patience(10s), [&] {
    const Finished status = cluster().pinion({"status"});
    shown = status.output + status.errors;
    return status.status == 0 && shown.find("consumer:slow") != std::string::npos;
  });
  INFO(shown);
  REQUIRE(complete);
  CHECK(shown.find("alive") != std::string::npos);
  CHECK(shown.find(topic) != std::string::npos);
  CHECK(shown.find("online") != std::string::npos);
}

TEST_CASE("pinion status: --json is one document with everything in it", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  const Finished status = cluster().pinion({"status", "--json"});
  INFO(status.errors);
  REQUIRE(status.status == 0);
  CHECK(lines_of(status.output).size() == 1);
  for (const char* part :
       {"\"broker\":{", "\"cluster_id\":\"", "\"nodes\":[{", "\"health\":\"alive\"", "\"topics\":[",
        "\"partitions\":[", "\"commits\":"}) {
    INFO(part);
    CHECK(status.output.find(part) != std::string::npos);
  }
  CHECK(status.output.find("\"name\":\"" + topic + "\"") != std::string::npos);
}

TEST_CASE("pinion status: --watch goes on until it is interrupted", "[e2e][cli]") {
  TestProcess watch(cluster().command({"status", "--watch"}));
  const auto pictures = [&] {
    const std::string shown = watch.output();
    std::size_t count = 0;
    for (std::size_t at = shown.find("cluster "); at != std::string::npos;
         at = shown.find("cluster ", at + 1)) {
      ++count;
    }
    return count;
  };
  CHECK(eventually(patience(15s), [&] { return pictures() >= 2; }));
  CHECK(watch.running());
  watch.signal(SIGINT);
  CHECK(watch.wait(patience(10s)) == 0);
  CHECK(watch.output().find('\x1b') == std::string::npos);
}
