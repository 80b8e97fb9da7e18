// Stories of disks that are older than they were: put back from a backup while the node was down.
// docs/REPLICATION.md, "Electing".
#include "tests/sim/test_cluster.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>

using namespace pinion;
using namespace pinion::sim;
using Values = std::vector<std::string>;

namespace {

constexpr std::array<std::int32_t, 3> ids{1, 2, 3};

StoryOptions three() { return {.nodes = 3, .replication = 3}; }

/// Its disk is as it was at its last backup, and it is started again.
void put_back(TestCluster& c, std::int32_t node) {
  c.kill(node);
  Prng prng(1);
  REQUIRE_FALSE(c.node(node).disk().spoil(prng, Spoil::put_back, "").empty());
  c.node(node).disk().set_spoiled(true);
}

bool is_registered(TestCluster& c, std::int32_t node) {
  const partition::Node* core = c.node(node).core();
  return core != nullptr && core->link() == partition::LinkState::registered;
}

}  // namespace

TEST_CASE("scenario: an older disk does not lead while a replica that has everything lives",
          "[scenario]") {
  const bool broker_restarts = GENERATE(false, true);
  CAPTURE(broker_restarts);
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t old = c.leader();
  const std::int32_t older = c.follower(0);  // It would be the next one, by its place.
  const std::int32_t healthy = c.follower(1);
  c.run(100ms);
  c.node(older).disk().back_up();
  for (const char* value : {"b", "c", "d"}) c.produce(value).await_ack();
  c.run(1s);
  put_back(c, older);
  c.node(old).pause();
  c.start(older);
  REQUIRE(c.run_until([&] { return is_registered(c, older); }, 1s));
  if (broker_restarts) {
    c.broker().crash(Process::Death::kill);
    c.run(100ms);
    c.broker().start();
  }
  c.await_leader(healthy, 60s);
  CHECK(c.read_all() == Values{"a", "b", "c", "d"});
  c.node(old).resume();
  c.await_in_sync(3);
  c.node(older).disk().set_spoiled(false);
  CHECK(c.replica(older)->durable_end == Offset(4));
}

TEST_CASE("scenario: of three that start again the one with an older disk does not lead",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t older = c.leader();
  c.run(100ms);
  c.node(older).disk().back_up();
  c.produce("b").await_ack();
  put_back(c, older);
  for (const std::int32_t id : {1, 2, 3}) {
    if (id != older) c.power_cut(id);
  }
  c.start(older);
  c.run(500ms);
  for (const std::int32_t id : {1, 2, 3}) {
    if (id != older) c.start(id);
  }
  c.produce("c").await_ack(20s);
  CHECK(c.read_all() == Values{"a", "b", "c"});
  c.await_in_sync(3);
  c.node(older).disk().set_spoiled(false);
}

TEST_CASE("scenario: a disk of an earlier life is not taken for the node's own", "[scenario]") {
  const bool leads = GENERATE(false, true);
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t node = leads ? c.leader() : c.follower(0);
  c.node(node).disk().back_up();
  c.kill(node);
  c.start(node);  // One life more: the backup's next start has the same number.
  c.await_in_sync(3);
  c.await_leader(c.leader());
  REQUIRE(c.run_until([&] { return is_registered(c, node); }, 5s));
  c.produce("b").await_ack();
  c.kill(node);
  REQUIRE(c.node(node).disk().swap_with_backup());
  c.node(node).disk().set_spoiled(true);
  for (int start = 1; start <= 3; ++start) {
    CAPTURE(start);
    c.start(node);
    c.run(5s);
    CHECK_FALSE(is_registered(c, node));
    if (start < 3) c.kill(node);
  }
  c.produce("c").await_ack();
  // It is given its own again.
  c.kill(node);
  REQUIRE(c.node(node).disk().swap_with_backup());
  c.node(node).disk().set_spoiled(false);
  c.start(node);
  c.await_in_sync(3);
  CHECK(c.replica(node)->durable_end == Offset(3));
  CHECK(c.read_all() == Values{"a", "b", "c"});
}

TEST_CASE("scenario: a disk of an earlier life that is meant is a member that lacks records",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t node = c.leader();
  c.node(node).disk().back_up();
  c.kill(node);
  c.start(node);
  c.await_in_sync(3);
  REQUIRE(c.run_until([&] { return is_registered(c, node); }, 5s));
  c.produce("b").await_ack();
  c.kill(node);
  REQUIRE(c.node(node).disk().swap_with_backup());
  c.node(node).disk().set_spoiled(true);
  c.node(node).restore();
  c.start(node);
  REQUIRE(c.run_until([&] { return is_registered(c, node); }, 5s));
  c.produce("c").await_ack();
  c.await_in_sync(3);
  c.node(node).disk().set_spoiled(false);
  CHECK(c.replica(node)->durable_end == Offset(3));
  CHECK(c.read_all() == Values{"a", "b", "c"});
}

TEST_CASE("scenario: an older broker.db serves nobody, however often it is started", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  c.broker().back_up();
  const auto restart = [&] {
    c.broker().crash(Process::Death::kill);
    c.broker().start();
    c.run(5s);
  };
  const auto registered = [&] {
    return std::count_if(ids.begin(), ids.end(), [&](auto id) { return is_registered(c, id); });
  };
  restart();
  REQUIRE(registered() == 3);
  c.produce("b").await_ack();
  c.broker().crash(Process::Death::kill);
  c.broker().swap_with_backup();
  c.broker().start();
  for (int start = 1; start <= 3; ++start) {
    CAPTURE(start);
    c.run(5s);
    CHECK(registered() == 0);
    restart();
  }
  SECTION("the newest one comes back") {
    c.broker().crash(Process::Death::kill);
    c.broker().swap_with_backup();
    c.broker().start();
    CHECK(c.run_until([&] { return registered() == 3; }, 20s));
  }
  SECTION("the older one is meant") {
    c.broker().crash(Process::Death::kill);
    c.broker().restore();
    c.broker().start();
    CHECK(c.run_until([&] { return registered() == 3; }, 20s));
  }
  c.produce("c").await_ack(20s);
  CHECK(c.read_all() == Values{"a", "b", "c"});
  restart();
  CHECK(registered() == 3);
}
