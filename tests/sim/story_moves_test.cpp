// Stories of replicas that move: topics altered, nodes drained, while records are sent and read.
#include "tests/sim/test_cluster.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::sim;
using Values = std::vector<std::string>;

namespace {

void alter(TestCluster& c, AlterTopic change) {
  change.name = "t";
  REQUIRE(c.ask_until_answered(std::move(change)).header.error == Errc::ok);
}

void command(TestCluster& c, NodeCommand what, std::int32_t node = 0) {
  const Message answer = c.ask_until_answered(CommandNode{what, NodeId(node)});
  REQUIRE(answer.header.error == Errc::ok);
}

[[nodiscard]] bool has_moved(TestCluster& c) { return c.meta().target.empty(); }

}  // namespace

TEST_CASE("scenario: acks go on while replicas are added", "[scenario]") {
  TestCluster c({.nodes = 3, .replication = 1});
  c.produce("a").await_ack();
  for (const std::int32_t id : {1, 2, 3}) {
    if (id != c.leader()) c.node(id).hold_syncs();
  }
  alter(c, {.replication = 3});
  c.run(1s);
  REQUIRE(c.meta().replicas.size() == 3);
  REQUIRE(c.in_sync().size() == 1);
  c.produce("b").await_ack(2s);
  for (const std::int32_t id : {1, 2, 3}) c.node(id).release_syncs();
  c.await_in_sync(3);
  REQUIRE(c.run_until([&] { return has_moved(c); }, 5s));
  // Now two are needed.
  for (const std::int32_t id : {c.follower(0), c.follower(1)}) c.kill(id);
  REQUIRE(c.run_until([&] { return c.in_sync().size() == 1; }, 10s));
  c.produce("c", 0, 2s).await_report();
  CHECK_FALSE(c.acked("c"));
}

TEST_CASE("scenario: a topic gets more partitions, replicas and another least in sync",
          "[scenario]") {
  TestCluster c({.nodes = 3, .replication = 2});
  c.produce("a").await_ack();
  alter(c, {.partitions = 3, .replication = 3, .min_insync_replicas = 3});
  REQUIRE(c.run_until(
      [&] {
        for (const std::int32_t i : {0, 1, 2}) {
          if (c.meta(i).isr.size() != 3 || !c.meta(i).target.empty()) return false;
        }
        return true;
      },
      20s));
  for (const std::int32_t i : {1, 2}) c.produce("in " + std::to_string(i), i).await_ack();
  CHECK(c.read_all(2) == Values{"in 2"});
  // All three are needed now.
  c.node(c.follower(0)).hold_syncs();
  c.produce("b", 0, 1s).await_report();
  CHECK_FALSE(c.acked("b"));
  alter(c, {.min_insync_replicas = 1});
  c.produce("c").await_ack(10s);
  alter(c, {.replication = 1});
  REQUIRE(c.run_until([&] { return has_moved(c) && c.meta().replicas.size() == 1; }, 20s));
  CHECK(c.read_all().front() == "a");
}

TEST_CASE("scenario: a move whose new node dies for good ends elsewhere", "[scenario]") {
  TestCluster c({.nodes = 4, .replication = 2});
  c.produce("a").await_ack();
  const std::int32_t leader = c.leader();
  for (const std::int32_t id : {1, 2, 3, 4}) {
    if (id != leader && id != c.follower()) c.node(id).hold_syncs();
  }
  command(c, NodeCommand::drain, leader);
  c.run(500ms);
  REQUIRE_FALSE(has_moved(c));
  std::int32_t dead = 0;
  for (const NodeId id : c.meta().target) {
    if (id.raw() != leader && id.raw() != c.follower()) dead = id.raw();
  }
  REQUIRE(dead != 0);
  for (const std::int32_t id : {1, 2, 3, 4}) c.node(id).release_syncs();
  c.kill(dead);
  c.run(5s);
  command(c, NodeCommand::drain, dead);
  REQUIRE(c.run_until([&] { return has_moved(c); }, 20s));
  c.produce("b").await_ack();
  CHECK(c.leader() != leader);
  command(c, NodeCommand::remove, dead);
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: a node is emptied, forgotten and comes back while records are sent",
          "[scenario]") {
  TestCluster c({.nodes = 3, .replication = 2});
  c.produce("a").await_ack();
  const std::int32_t leader = c.leader();
  command(c, NodeCommand::drain, leader);
  REQUIRE(c.run_until([&] { return has_moved(c) && c.leader() != leader; }, 20s));
  c.produce("b").await_ack();
  c.run(2s);
  c.node(leader).stop();
  c.run(1s);
  command(c, NodeCommand::remove, leader);
  c.start(leader);
  c.run(1s);
  alter(c, {.replication = 3});
  c.await_in_sync(3);
  c.produce("c").await_ack();
  CHECK(c.read_all() == Values{"a", "b", "c"});
}
