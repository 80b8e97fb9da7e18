// Stories of processes that come, go and are cut off, of positions, dequeues and topics.
#include "tests/sim/test_cluster.hpp"

#include "tests/sim/simulation.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::sim;
using Values = std::vector<std::string>;

TEST_CASE("story: a broker's restart changes no epoch, a node's restart does", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  const Epoch before = c.leader_epoch();
  c.broker().crash(Process::Death::power_cut);
  c.broker().start();
  c.produce("b").await_ack();
  CHECK(c.leader_epoch() == before);
  c.kill(1);
  c.start(1);
  c.produce("c").await_ack();
  CHECK(c.leader_epoch() > before);
  CHECK(c.read_all() == Values{"a", "b", "c"});
}

TEST_CASE("story: a topic that was created outlives a power cut of everything", "[scenario]") {
  TestCluster c({.nodes = 2, .partitions = 2});
  c.produce("a", 0).await_ack();
  c.produce("b", 1).await_ack();
  c.broker().crash(Process::Death::power_cut);
  c.power_cut(1);
  c.power_cut(2);
  c.broker().start();
  c.start(1);
  c.start(2);
  CHECK(c.read_all(0) == Values{"a"});
  CHECK(c.read_all(1) == Values{"b"});
}

TEST_CASE("story: a node that is cut off is lost, and serves again when it is back", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.cut_off(1);
  c.run(4s);
  CHECK(c.state() == PartitionState::offline);
  Fetch fetch;
  fetch.bytes_max = 1000;
  CHECK(c.ask(fetch).header.error == Errc::partition_offline);
  auto b = c.produce("b");
  c.reconnect(1);
  b.await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("story: a node that was paused for long is taken back with what it holds", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.node(1).pause();
  c.run(5s);
  CHECK(c.state() == PartitionState::offline);
  c.node(1).resume();
  c.produce("b").await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("story: a committed position survives a power cut", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.produce("b").await_ack();
  CHECK(c.position("consumer:x") == offset_unassigned);
  REQUIRE(c.commit("consumer:x", Offset(1)));
  c.power_cut(1);
  c.start(1);
  CHECK(c.position("consumer:x") == Offset(1));
}

TEST_CASE("story: a position is not shown before it is durable", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  REQUIRE(c.commit("consumer:x", Offset(0)));
  c.node(1).hold_syncs();
  CHECK_FALSE(c.commit("consumer:x", Offset(1)));  // No answer in time.
  CHECK(c.position("consumer:x") == Offset(0));
  c.power_cut(1);
  c.node(1).release_syncs();
  c.start(1);
  CHECK(c.position("consumer:x") <= Offset(1));
}

TEST_CASE("story: a repeated dequeue returns the same record, also after a power cut",
          "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.produce("b").await_ack();
  CHECK(c.dequeue("consumer:w", "t1") == std::string("a"));
  CHECK(c.dequeue("consumer:w", "t1") == std::string("a"));
  c.power_cut(1);
  c.start(1);
  REQUIRE(c.run_until([&] { return c.dequeue("consumer:w", "t1") == std::string("a"); }, 10s));
  CHECK(c.dequeue("consumer:w", "t2") == std::string("b"));
  CHECK(c.dequeue("consumer:w", "t3").error().code == Errc::nothing_unread);
}

TEST_CASE("story: a topic deleted while its node is away is gone from its disk when it is back",
          "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.kill(1);
  c.run(3s);
  DeleteTopic deletion;
  deletion.name = "t";
  REQUIRE(c.ask_until_answered(deletion).header.error == Errc::ok);
  CHECK(c.node(1).disk().fsynced_end(c.key()).has_value());
  c.start(1);
  CHECK(c.run_until([&] { return !c.node(1).disk().fsynced_end(c.key()).has_value(); }, 20s));
}

TEST_CASE("story: a node that stops cleanly and starts again serves what it had", "[scenario]") {
  TestCluster c;
  c.produce("a").await_ack();
  c.node(1).stop();
  REQUIRE(c.run_until([&] { return !c.node(1).up(); }, 10s));
  c.start(1);
  c.produce("b").await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("story: metadata waits for room, and nobody is told before", "[scenario]") {
  TestCluster c;
  c.broker().set_meta_room(BrokerProcess::Room::none);
  CreateTopic create;
  create.name = "later";
  const Message answer = c.ask(create, 0, 2s);
  CHECK(answer.header.error != Errc::ok);
  c.broker().crash(Process::Death::power_cut);
  c.broker().set_meta_room(BrokerProcess::Room::enough);
  c.broker().start();
  const Message topics = c.ask_until_answered(MetadataRequest{});
  CHECK(std::get<MetadataReply>(topics.body).topics.size() == 1);
}

TEST_CASE("simulation: a seed replays exactly", "[scenario]") {
  for (const std::uint64_t seed : {3ULL, 11ULL}) {
    const SimOptions options = SimOptions::draw(seed);
    const RunResult first = run_simulation(options, TraceLevel::none);
    const RunResult second = run_simulation(options, TraceLevel::none);
    CHECK(first.trace_hash == second.trace_hash);
    CHECK(first.steps == second.steps);
  }
}

TEST_CASE("simulation: another seed is another run", "[scenario]") {
  const RunResult first = run_simulation(SimOptions::draw(3), TraceLevel::none);
  const RunResult second = run_simulation(SimOptions::draw(4), TraceLevel::none);
  CHECK(first.trace_hash != second.trace_hash);
}
