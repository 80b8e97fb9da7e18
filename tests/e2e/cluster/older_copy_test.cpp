// Data folders that are put back from a copy of an earlier start: refused, however often they are
// started, until somebody says that they are meant.
#include <catch2/catch.hpp>

#include "tests/support/process_cluster.hpp"

#include <filesystem>

using namespace pinion;
using namespace pinion::test;

namespace {

namespace fs = std::filesystem;

void copy(const std::string& from, const std::string& to) {
  fs::copy(from, to, fs::copy_options::recursive);
}

void swap(const std::string& one, const std::string& other) {
  fs::rename(one, one + ".between");
  fs::rename(other, one);
  fs::rename(one + ".between", other);
}

void produce(const ProcessCluster& cluster, const std::string& line) {
  write_file(cluster.folder() / "line", line + "\n");
  const Finished sent = cluster.pinion({"produce", "t", "--file", cluster.folder() / "line"});
  CAPTURE(sent.errors);
  REQUIRE(sent.status == 0);
}

/// Two replicas of one partition, in sync.
void start_with_a_record(ProcessCluster& cluster) {
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "t", "--replication", "2"}).status == 0);
  REQUIRE(cluster.wait_until_in_sync(2));
  produce(cluster, "a");
}

[[nodiscard]] std::string consume(const ProcessCluster& cluster) {
  return cluster.pinion({"consume", "t", "--from", "earliest", "--idle-exit", "1"}).output;
}

[[nodiscard]] bool is_refused(TestProcess& process, const std::string& why) {
  return eventually(patience(20s), [&] { return process.errors().find(why) != std::string::npos; });
}

}  // namespace

TEST_CASE("cluster: an older copy of a node's data folder is refused until it is meant",
          "[e2e][cluster]") {
  ProcessCluster cluster(2);
  start_with_a_record(cluster);
  cluster.end_node(1);
  const std::string older = cluster.folder() / "older";
  copy(cluster.node_data(1), older);
  cluster.start_node(1);
  REQUIRE(cluster.wait_until_in_sync(2));
  produce(cluster, "b");
  cluster.end_node(1);
  swap(cluster.node_data(1), older);
  for (int start = 1; start <= 3; ++start) {
    CAPTURE(start);
    cluster.start_node(1);
    CHECK(is_refused(cluster.node(1), "node 1's data folder is an older copy"));
    CHECK(cluster.node(1).errors().find("--restored") != std::string::npos);
    cluster.end_node(1);
  }
  CHECK(consume(cluster) == "a\nb\n");
  SECTION("its own comes back") {
    swap(cluster.node_data(1), older);
    cluster.start_node(1);
    CHECK(cluster.wait_until_in_sync(2));
  }
  SECTION("the older one is meant") {
    cluster.start_node(1, {"--restored"});
    CHECK(cluster.wait_until_in_sync(2));
    cluster.end_node(1);
    cluster.start_node(1);
    CHECK(cluster.wait_until_in_sync(2));
  }
  produce(cluster, "c");
  CHECK(consume(cluster) == "a\nb\nc\n");
  CHECK(cluster.damage_in("t").empty());
}

TEST_CASE("cluster: an older copy of broker.db serves nobody until it is meant", "[e2e][cluster]") {
  ProcessCluster cluster(2);
  start_with_a_record(cluster);
  const auto end_broker = [&] { cluster.broker().kill(); };
  end_broker();
  const std::string older = cluster.folder() / "older";
  copy(cluster.broker_data(), older);
  cluster.start_broker();
  REQUIRE(cluster.wait_until_in_sync(2));
  // Leaders move: the files know epochs of which the copy knows nothing.
  for (const int number : {1, 2}) {
    cluster.end_node(number);
    cluster.start_node(number);
    REQUIRE(cluster.wait_until_in_sync(2));
  }
  produce(cluster, "b");
  end_broker();
  swap(cluster.broker_data(), older);
  for (int start = 1; start <= 3; ++start) {
    CAPTURE(start);
    cluster.start_broker();
    CHECK(is_refused(cluster.broker(), "broker.db is an old copy"));
    const Finished status = cluster.pinion({"status", "--json"});
    CHECK(status.output.find("\"health\":\"alive\"") == std::string::npos);
    end_broker();
  }
  SECTION("the newest one comes back") {
    swap(cluster.broker_data(), older);
    cluster.start_broker();
    CHECK(cluster.wait_until_in_sync(2));
  }
  SECTION("the older one is meant") {
    cluster.start_broker({"--restored"});
    CHECK(cluster.wait_until_in_sync(2));
    end_broker();
    cluster.start_broker();
    CHECK(cluster.wait_until_in_sync(2));
  }
  produce(cluster, "c");
  CHECK(consume(cluster) == "a\nb\nc\n");
  CHECK(cluster.damage_in("t").empty());
}
