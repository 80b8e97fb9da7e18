// Stories of records, disks and power: what is acknowledged stays, once.
#include "tests/sim/test_cluster.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::sim;
using Values = std::vector<std::string>;

TEST_CASE("story: an acknowledged record survives a power cut", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.power_cut(1);
  c.start(1);
  CHECK(c.read_all() == Values{"a"});
}

TEST_CASE("story: nothing is acknowledged, or shown, before its sync", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.node(1).hold_syncs();
  c.produce("b");
  c.run(500ms);
  CHECK_FALSE(c.acked("b"));
  CHECK(c.read_all() == Values{"a"});
  c.node(1).release_syncs();
  c.run(100ms);
  CHECK(c.acked("b"));
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("story: a record on its way at a power cut is sent again and is there once",
          "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.node(1).hold_syncs();
  auto b = c.produce("b");
  c.run(100ms);
  c.power_cut(1);
  c.node(1).release_syncs();
  c.start(1);
  b.await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("story: a broker that dies before it passes the acknowledgement on loses nothing",
          "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.node(1).hold_syncs();
  auto b = c.produce("b");
  c.run(50ms);
  c.broker().crash(Process::Death::kill);
  c.node(1).release_syncs();  // Durable now, and nobody to tell.
  c.run(300ms);
  c.broker().start();
  b.await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("story: records of one producer stay in order across a restart of the node",
          "[scenario]") {
  TestCluster c;
  Values sent;
  for (int i = 0; i < 20; ++i) {
    sent.push_back("v" + std::to_string(i));
    c.produce(sent.back());
    if (i == 7) c.power_cut(1);
    if (i == 12) c.start(1);
    c.run(5ms);
  }
  REQUIRE(c.run_until([&] { return c.acked("v19"); }, 20s));
  CHECK(c.read_all() == sent);
}

TEST_CASE("story: a full disk refuses writes, serves reads and goes on by itself", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.node(1).disk().set_room(0);
  auto b = c.produce("b");
  c.run(2s);
  CHECK_FALSE(c.acked("b"));
  CHECK(c.state() == PartitionState::storage_full);
  CHECK(c.read_all() == Values{"a"});
  c.node(1).disk().set_room(-1);
  b.await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("story: a failed sync halts the partition until the node starts again", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.node(1).disk().set_sync(SyncFault::failing);
  auto b = c.produce("b");
  c.run(2s);
  CHECK_FALSE(c.acked("b"));
  CHECK(c.state() == PartitionState::halted);
  c.node(1).disk().set_sync(SyncFault::none);
  c.run(2s);
  CHECK(c.state() == PartitionState::halted);  // A failed sync is never tried again.
  c.power_cut(1);
  c.start(1);
  b.await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("story: a delivery that runs out of time is unknown, and the producer goes on",
          "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.node(1).hold_syncs();
  c.produce("b", 0, 500ms).await_report();
  CHECK(c.outcome("b") == pinion::Outcome::unknown);
  c.node(1).release_syncs();
  c.produce("c").await_ack();
  const Values all = c.read_all();
  CHECK(all.front() == "a");
  CHECK(all.back() == "c");
}

TEST_CASE("story: a record that never left is failed, not unknown", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.broker().crash(Process::Death::kill);
  c.run(5s);  // The session has noticed.
  c.produce("b", 0, 1s).await_report();
  CHECK(c.outcome("b") == pinion::Outcome::failed);
  c.broker().start();
  c.produce("c").await_ack();
  CHECK(c.read_all() == Values{"a", "c"});
}
