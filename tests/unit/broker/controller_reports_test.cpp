// What nodes say of their replicas and disks, or cannot say, and what comes of it.
#include "tests/unit/broker/replicated_fixture.hpp"

using namespace pinion;
using namespace pinion::test;

TEST_CASE("controller: a halted leader gives way, a lost copy begins again", "[broker]") {
  Replicated f;
  ReplicaState halted = f.said(1, f.key, ReplicaRole::none);
  halted.state = PartitionState::halted;
  halted.file = FileState::lost;
  f.report(1, 1, {halted});
  f.persist();
  CHECK(f.meta().leader == NodeId{2});
  CHECK(f.meta().isr == nodes({2, 3}));
  CHECK(f.meta().made == nodes({2, 3}));
  CHECK(f.assigned(1).back().create);
  f.clear();
  f.says(1, ReplicaRole::catching_up);
  CHECK(f.meta().made.size() == 3);
}

TEST_CASE("controller: a leader that cannot open its file gives way, and stays in sync",
          "[broker]") {
  const bool alone = GENERATE(false, true);
  // Whoever may lead uncleanly does not when the file may yet be opened.
  Replicated f({.min_insync_replicas = 1, .unclean_elections = true});
  if (alone) {
    f.proposes(1, {1});
    REQUIRE(f.meta().isr == nodes({1}));
  }
  ReplicaState failing = f.said(1, f.key, ReplicaRole::none);
  failing.state = PartitionState::opening;
  failing.file = FileState::failing;
  failing.detail = "io_failed: the disk";
  f.report(1, 1, {failing});
  for (int i = 0; i < 40; ++i) {
    for (const int id : {1, 2, 3}) f.heartbeat(id);
    f.tick(100ms);
    f.persist();
  }
  CHECK(f.meta().leader == NodeId{alone ? 1 : 2});
  CHECK(f.meta().isr == (alone ? nodes({1}) : nodes({1, 2, 3})));
  if (alone) CHECK(f.state(f.topic) == PartitionState::opening);
}

TEST_CASE("controller: a leader whose disk hangs gives way, and is no candidate before it answers",
          "[broker]") {
  const bool alone = GENERATE(false, true);
  Replicated f({.min_insync_replicas = 1});
  if (alone) f.proposes(1, {1});
  const auto beat = [&](int id) {
    for (int i = 0; i < 40; ++i) {
      for (const int node : {1, 2, 3}) f.heartbeat(node);
      f.tick(100ms);
      f.persist();
    }
    CHECK(f.meta().leader == NodeId{id});
  };
  ReplicaState hangs = f.said(1, f.key, ReplicaRole::leader);
  hangs.file = FileState::failing;
  hangs.detail = "its sync hangs";
  f.report(1, 1, {hangs});
  beat(alone ? 1 : 2);
  CHECK(f.state(f.topic) == (alone ? PartitionState::online : PartitionState::opening));
  if (alone) return;
  // It follows, and still hangs: the next one is not it.
  hangs = f.said(1, f.key, ReplicaRole::catching_up);
  hangs.file = FileState::failing;
  f.report(1, 1, {hangs});
  ReplicaState other = f.said(2, f.key, ReplicaRole::leader);
  f.report(2, 1, {other});
  other.file = FileState::failing;
  f.report(2, 1, {other});
  beat(3);
}

TEST_CASE("controller: who asks is told that records are refused, and of what nothing is known",
          "[broker]") {
  Replicated f({.min_insync_replicas = 2});
  const auto asked = [&] {
    f.clear();
    const RequestId id = f.ask(ClusterStatusRequest{}, Kind::cluster_status);
    return f.body<ClusterStatusReply>(id).partitions.at(0);
  };
  CHECK(asked().detail.empty());
  CHECK(asked().high_watermark == offset_unassigned);  // No leader has told: that is not 0.
  PartitionStatus status;
  status.topic = f.topic;
  status.leader_epoch = f.meta().leader_epoch;
  status.state = PartitionState::online;
  status.high_watermark = Offset{7};
  status.records_in_per_s = 300;
  f.heartbeat(1, 1, {status});
  CHECK(asked().high_watermark == Offset{7});
  CHECK(asked().records_in_per_s == 300);

  f.proposes(1, {1});
  CHECK(asked().state == PartitionState::online);
  CHECK(asked().detail.find("1 of the 2 that min_insync_replicas asks for") != std::string::npos);

  f.loses(1);
  CHECK(asked().state == PartitionState::offline);
  CHECK(asked().records_in_per_s == 0);  // The former leader's.
}

TEST_CASE("controller: whose report was lost is asked for another one", "[broker]") {
  const int id = GENERATE(1, 2);
  const bool was_opening = GENERATE(false, true);  // Of a file that it opens again.
  Replicated f({.min_insync_replicas = 1});
  if (id == 1) f.proposes(1, {1});  // Nobody takes over.
  f.from_node(id, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.registers(id, 1);
  f.persist();
  if (was_opening) {
    f.says(id, f.meta().leader == NodeId(id) ? leads : follows);
    ReplicaState opening = f.said(id, f.key, ReplicaRole::none);
    opening.state = PartitionState::opening;
    opening.file = FileState::unknown;
    f.report(id, 1, {opening});
    f.persist();
  }
  REQUIRE(f.meta().leader == NodeId{1});
  PartitionStatus status;
  status.topic = f.topic;
  status.leader_epoch = f.meta().leader_epoch;
  status.state = PartitionState::online;
  f.clear();
  std::size_t asked = 0;
  for (int i = 0; i < 150; ++i) {
    for (const int other : {1, 2, 3}) {
      f.heartbeat(
          other, 1,
          other == id ? std::vector<PartitionStatus>{status} : std::vector<PartitionStatus>{});
    }
    f.tick(100ms);
    asked = f.assigned(id).size();
  }
  CHECK(asked > 1);  // Again and again, until it has said so.
  f.says(id, f.meta().leader == NodeId(id) ? leads : follows);
  f.clear();
  for (int i = 0; i < 20; ++i) {
    for (const int other : {1, 2, 3}) f.heartbeat(other);
    f.tick(100ms);
  }
  CHECK(f.assigned(id).empty());
}

TEST_CASE("controller: a disk that hangs again and again gets leadership back later each time",
          "[broker]") {
  Replicated f;
  const auto time_until = [&](int leader) {
    Micros passed{0};
    for (; f.meta().leader != NodeId{leader} && passed < 2min; passed += 100ms) {
      f.live({1, 2, 3}, 100ms);
      f.clear();
    }
    return passed;
  };
  const auto hangs = [&](int id) {
    ReplicaState said = f.said(id, f.key, leads);
    said.file = FileState::failing;
    f.report(id, 1, {said});
    CHECK(time_until(id == 1 ? 2 : 1) < 5s);
    // It answers, and has everything.
    const int leader = f.meta().leader.raw();
    for (const int node : {1, 2, 3}) f.says(node, node == leader ? leads : follows);
    f.proposes(leader, {leader, 3});
    f.proposes(leader, {1, 2, 3});
  };
  // Node 1 was away, and has everything again.
  const auto starts_again = [&] {
    f.loses(1);
    REQUIRE(f.meta().leader == NodeId{2});
    f.registers(1);
    f.says(1, follows);
    f.says(2, leads);
    f.proposes(2, {1, 2, 3});
  };
  hangs(1);
  const Micros first = time_until(1);
  CHECK(first > f.options.leader_return_after);
  CHECK(first < 3 * f.options.leader_return_after);
  SECTION("until it has not failed for long") {
    hangs(1);
    const Micros second = time_until(1);
    CHECK(second > first + f.options.leader_return_after);
    hangs(1);
    const Micros third = time_until(1);
    CHECK(third > second + f.options.leader_return_after);
    CHECK(third < 2min);
    for (int i = 0; i < 61 * 60; ++i) {
      for (const int id : {1, 2, 3}) f.heartbeat(id);
      f.tick(1s);
      f.clear();
    }
    starts_again();
    CHECK(time_until(1) < first);
  }
  SECTION("but is not held to account for others' disks") {
    starts_again();
    hangs(2);
    CHECK(f.meta().leader == NodeId{1});
    starts_again();
    CHECK(time_until(1) <= first);
  }
}

TEST_CASE("controller: of two reports that overtake each other the later one holds", "[broker]") {
  Replicated f;
  ReplicaState opening = f.said(2, f.key, ReplicaRole::none);
  opening.state = PartitionState::opening;
  opening.file = FileState::unknown;
  f.said_in = RequestId{9};
  f.says(2, follows);
  f.said_in = RequestId{8};
  f.report(2, 1, {opening});
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  CHECK(f.meta().leader == NodeId{2});
}

TEST_CASE("controller: a heartbeat that does not fit the report brings another one", "[broker]") {
  Replicated f;
  f.says(2, follows);
  ReplicaState opening = f.said(2, f.key, ReplicaRole::none);
  opening.state = PartitionState::opening;
  f.report(2, 1, {opening});
  PartitionStatus status;
  status.topic = f.topic;
  status.leader_epoch = f.meta().leader_epoch;
  status.state = PartitionState::opening;
  const auto live = [&] {
    for (int i = 0; i < 30; ++i) {
      for (const int id : {1, 3}) f.heartbeat(id);
      f.heartbeat(2, 1, {status});
      f.tick(100ms);
    }
  };
  f.clear();
  live();
  CHECK(f.assigned(2).empty());
  status.state = PartitionState::online;  // The report that said so was lost.
  live();
  CHECK_FALSE(f.assigned(2).empty());
}
