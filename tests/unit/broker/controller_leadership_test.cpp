// Replicated partitions: leaders, in-sync sets, copies that are lost.
#include "tests/unit/broker/replicated_fixture.hpp"

using namespace pinion;
using namespace pinion::test;

TEST_CASE("controller: a lost leader's partition is led by another in-sync replica", "[broker]") {
  Replicated f;
  const Epoch before = f.meta().leader_epoch;
  f.loses(1);
  CHECK(f.meta().leader == NodeId{2});
  CHECK(f.meta().leader_epoch == before + 1);
  CHECK(f.meta().isr == nodes({2, 3}));
  CHECK(f.state(f.topic) == PartitionState::opening);
  REQUIRE_FALSE(f.assigned(2).empty());
  CHECK(f.assigned(2).back().leader == NodeId{2});
  CHECK(f.assigned(3).back().leader == NodeId{2});
  CHECK(f.assigned(3).back().leader_epoch == before + 1);
  f.says(2, leads);
  CHECK(f.state(f.topic) == PartitionState::online);
}

TEST_CASE("controller: a lost follower leaves the in-sync set, and the leader goes on",
          "[broker]") {
  Replicated f;
  const Epoch before = f.meta().leader_epoch;
  f.loses(3);
  CHECK(f.meta().leader == NodeId{1});
  CHECK(f.meta().leader_epoch == before);
  CHECK(f.meta().isr == nodes({1, 2}));
  CHECK(f.state(f.topic) == PartitionState::online);
  CHECK(f.assigned(1).back().isr == nodes({1, 2}));
}

TEST_CASE("controller: the route names the followers that may answer readers", "[broker]") {
  Replicated f;
  const auto followers = [&f] { return f.out.routes.back().route.followers; };
  f.proposes(1, {1, 2});
  REQUIRE_FALSE(f.out.routes.empty());
  CHECK(followers() == nodes({2}));
  f.says(3, follows);  // Not in sync.
  CHECK(followers() == nodes({2}));
  f.proposes(1, {1, 2, 3});
  CHECK(followers() == nodes({2, 3}));
  f.says(2, ReplicaRole::catching_up);
  CHECK(followers() == nodes({3}));
  f.says(2, follows);
  CHECK(followers() == nodes({2, 3}));
  f.loses(3);
  CHECK(followers() == nodes({2}));
  // In a new epoch only those that have said so in it.
  f.loses(1);
  REQUIRE(f.meta().leader == NodeId{2});
  f.says(2, leads);
  CHECK(followers().empty());
}

TEST_CASE("controller: a clean stop hands over at once", "[broker]") {
  Replicated f;
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  CHECK(f.meta().leader == NodeId{2});
}

TEST_CASE("controller: proposals count when they were made from what holds", "[broker]") {
  Replicated f;
  const std::int64_t version = f.meta().version;
  f.proposes(1, {1, 2}, 1, version - 1);
  CHECK(f.meta().version == version);
  CHECK_FALSE(f.assigned(1).empty());  // Told what holds.
  f.proposes(2, {2});                  // It does not lead.
  CHECK(f.meta().version == version);
  f.proposes(1, {1, 2});
  CHECK(f.meta().isr == nodes({1, 2}));
  CHECK(f.meta().version == version + 1);
}

TEST_CASE("controller: KIP-903, a replica joins in its current life only", "[broker]") {
  Replicated f;
  f.proposes(1, {1, 2});
  const std::int64_t version = f.meta().version;
  f.proposes(1, {1, 2, 3}, 7);  // Of another life than the one that is here.
  CHECK(f.meta().isr == nodes({1, 2}));
  CHECK(f.meta().version == version + 1);  // The leader hears that it was not taken.
  f.proposes(1, {1, 2, 3});
  CHECK(f.meta().isr == nodes({1, 2, 3}));
}

TEST_CASE("controller: a replica whose file was never open does not join", "[broker]") {
  ControllerFixture f;
  for (const int id : {1, 2}) f.registers(id);
  CreateTopic body{.name = "orders", .config = {}};
  body.config.replication = 2;
  f.ask(std::move(body), Kind::create_topic);
  f.persist();
  const PartitionKey key{TopicId{1}, PartitionIndex{0}};
  f.report(1, 1, {f.said(1, key, leads)});
  f.persist();
  IsrProposal proposal;
  proposal.node = NodeId{1};
  proposal.incarnation = Incarnation{1};
  proposal.session = f.session(1);
  proposal.proposals.push_back({key.topic,
                                key.partition,
                                Epoch{1},
                                1,
                                {{NodeId{1}, Incarnation{1}}, {NodeId{2}, Incarnation{1}}}});
  f.from_node(1, proposal, Kind::isr_proposal);
  f.persist();
  CHECK(f.partition(key.topic).meta.isr == nodes({1}));
  f.report(2, 1, {f.said(2, key, follows)});
  f.persist();
  CHECK(f.partition(key.topic).meta.made == nodes({1, 2}));
  proposal.proposals[0].partition_version = f.partition(key.topic).meta.version;
  f.from_node(1, proposal, Kind::isr_proposal);
  f.persist();
  CHECK(f.partition(key.topic).meta.isr == nodes({1, 2}));
}

TEST_CASE("controller: a leader that starts again does not lead on in its epoch", "[broker]") {
  Replicated f;
  const Epoch before = f.meta().leader_epoch;
  f.ask_to_register(f.node(1, 2));
  REQUIRE(f.unwritten.size() == 1);  // The new life and the new epoch are one decision.
  f.persist();
  CHECK(f.meta().leader == NodeId{2});
  CHECK(f.meta().leader_epoch > before);
  CHECK_FALSE(f.assigned(1).empty());
  CHECK(f.assigned(1).back().leader == NodeId{2});
}

TEST_CASE("controller: when all start again the longest log leads", "[broker]") {
  Replicated f;
  f.start();  // The broker, too.
  for (const int id : {1, 2, 3}) f.registers(id, 2);
  CHECK(f.meta().leader == node_none);
  f.report(1, 2, {f.said(1, f.key, follows, 10, 3)});
  f.report(2, 2, {f.said(2, f.key, follows, 12, 3)});
  f.persist();
  CHECK(f.meta().leader == node_none);  // 3 has not said anything yet.
  f.report(3, 2, {f.said(3, f.key, follows, 11, 3)});
  f.persist();
  CHECK(f.meta().leader == NodeId{2});
}

TEST_CASE("controller: a broker that starts again changes nothing", "[broker]") {
  Replicated f;
  const PartitionMeta before = f.meta();
  f.start();
  for (const int id : {1, 2, 3}) f.registers(id);
  f.all_report();
  f.silence(200ms);
  f.persist();
  CHECK(f.meta() == before);
  CHECK(f.state(f.topic) == PartitionState::online);
}

TEST_CASE("controller: a member that lacks what is committed may not lead, however few are left",
          "[broker]") {
  Replicated f;
  f.proposes(1, {1, 2});
  const std::vector<NodeId> older = GENERATE(nodes({}), nodes({2}));
  f.proposes(1, {1}, 1, 0, 0, older);  // One is less than the minimum.
  CHECK(f.meta().isr == nodes({1}));
  CHECK(f.meta().eligible == (older.empty() ? nodes({2}) : nodes({})));
}

TEST_CASE("controller: what was decided before a topic's deletion tells nobody to lead",
          "[broker]") {
  Replicated f;
  f.clear();
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);  // Decided: 2 leads. Not durable yet.
  f.ask(DeleteTopic{"orders"}, Kind::delete_topic);
  f.persist();
  CHECK(f.assigned(2).empty());
  CHECK(f.assigned(3).empty());
  CHECK_FALSE(f.told<Assign>(2).empty());  // To delete it.
}

TEST_CASE("controller: the last copy is not given up", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId topic = f.created("orders");
  ReplicaState halted = f.said(1, {topic, PartitionIndex{0}}, ReplicaRole::none);
  halted.state = PartitionState::halted;
  halted.file = FileState::lost;
  f.report(1, 1, {halted});
  f.persist();
  CHECK(f.partition(topic).meta.made == nodes({1}));
  CHECK(f.state(topic) == PartitionState::halted);
}

TEST_CASE("controller: another data folder under the same id has none of the copies", "[broker]") {
  Replicated f;
  f.loses(3);
  RegisterNode wiped = f.node(3, 1);
  wiped.store_id = "another";
  f.ask_to_register(wiped);
  f.persist();
  CHECK(f.meta().made == nodes({1, 2}));
  CHECK(f.assigned(3).back().create);
}

TEST_CASE("controller: leadership goes back to the preferred replica", "[broker]") {
  Replicated f;
  f.loses(1);
  f.says(2, leads);
  f.registers(1);
  f.says(1, follows);
  f.proposes(2, {1, 2, 3});
  CHECK(f.meta().isr.size() == 3);
  CHECK(f.meta().leader == NodeId{2});
  for (int i = 0; i < 80; ++i) {
    for (const int id : {1, 2, 3}) f.heartbeat(id);
    f.tick(100ms);
  }
  f.persist();
  CHECK(f.meta().leader == NodeId{1});
}

TEST_CASE("controller: unclean elections happen where the topic asks, and say what was lost",
          "[broker]") {
  const bool allowed = GENERATE(false, true);
  Replicated f({.min_insync_replicas = 1, .unclean_elections = allowed});
  f.loses(2);
  f.loses(3);
  REQUIRE(f.meta().isr == nodes({1}));
  // One is back, and behind; then the only one that has everything dies.
  f.registers(2);
  f.says(2, ReplicaRole::catching_up, 5, 1);
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.clear();
  f.live({2}, 2s);
  CHECK(f.meta().leader == (allowed ? node_none : NodeId{1}));
  f.says(2, ReplicaRole::catching_up, 7, 1);  // What it has when nobody leads any more.
  f.live({2}, 2s);
  const auto told = std::count_if(f.out.events.begin(), f.out.events.end(), [](const auto& event) {
    return event.kind == BrokerEventKind::unclean_election &&
           event.detail.find("leads from offset 7") != std::string::npos;
  });
  CHECK(f.meta().leader == (allowed ? NodeId{2} : NodeId{1}));
  CHECK(told == (allowed ? 1 : 0));
  if (!allowed) {
    CHECK(f.state(f.topic) == PartitionState::offline);
    return;
  }
  CHECK(f.meta().isr == nodes({2}));
  // People see it as long as nothing worse is the matter.
  f.says(2, leads, 7, 1);
  REQUIRE(f.state(f.topic) == PartitionState::online);
  const auto seen = f.body<MetadataReply>(f.ask(MetadataRequest{}, Kind::metadata));
  CHECK(seen.topics.at(0).partitions.at(0).detail.find("leads from offset 7") != std::string::npos);
}

TEST_CASE("controller: an unclean election takes the log that is longest when nobody leads",
          "[broker]") {
  Replicated f({.min_insync_replicas = 1, .unclean_elections = true});
  f.loses(2);
  f.loses(3);
  REQUIRE(f.meta().isr == nodes({1}));
  for (const int id : {2, 3}) f.registers(id);
  f.says(2, ReplicaRole::catching_up, 5, 1);
  f.says(3, ReplicaRole::catching_up, 0, 1);  // It copies on, and says nothing more of it.
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.live({2, 3}, 2s);
  REQUIRE(f.meta().leader == node_none);
  f.says(2, ReplicaRole::catching_up, 5, 1);
  f.says(3, ReplicaRole::catching_up, 9, 1);
  f.live({2, 3}, 2s);
  CHECK(f.meta().leader == NodeId{3});
}

TEST_CASE("controller: KIP-966, who left while nothing was committed may lead", "[broker]") {
  Replicated f;  // At least two of three.
  f.loses(3);
  f.loses(2);
  REQUIRE(f.meta().isr == nodes({1}));
  CHECK(f.meta().eligible == nodes({2}));  // Not 3: records were committed without it.
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  for (const int id : {2, 3}) f.registers(id);
  for (const int id : {3, 2}) f.says(id, ReplicaRole::catching_up, 5, 1);
  for (int i = 0; i < 30; ++i) {
    for (const int id : {2, 3}) f.heartbeat(id);
    f.tick(100ms);
  }
  f.persist();
  CHECK(f.meta().leader == NodeId{2});
  CHECK(f.meta().isr == nodes({2}));
  CHECK(f.meta().eligible == nodes({1}));
}

TEST_CASE("controller: another data folder is taken in when the one before is silent", "[broker]") {
  Replicated f;
  RegisterNode other = f.node(3, 1);
  other.store_id = "another";
  f.clear();
  f.ask_to_register(other);
  CHECK(f.unwritten.empty());
  // It asks again and again; that must not keep the old one alive.
  for (int i = 0; i < 20; ++i) {
    f.tick(100ms);
    for (const int id : {1, 2}) f.heartbeat(id);
    f.ask_to_register(other);
    f.step(NodeHeard{f.routing(3)});  // It answers what is routed to the one before.
    f.persist();
  }
  CHECK(f.controller->nodes().find(NodeId{3})->meta.store_id == "another");
  CHECK(f.meta().isr == nodes({1, 2}));
  CHECK(f.meta().made == nodes({1, 2}));
}

TEST_CASE("controller: a follower that starts again at once stays in sync, and may lead",
          "[broker]") {
  Replicated f({.min_insync_replicas = 1});
  f.registers(2, 2);
  CHECK(f.meta().isr == nodes({1, 2, 3}));
  CHECK(f.meta().leader == NodeId{1});
  const auto says_again = [&] {
    ReplicaState again = f.said(2, f.key, ReplicaRole::catching_up);
    again.copy = 9;
    f.report(2, 2, {again});
    f.persist();
  };
  says_again();
  for (const int id : {1, 3}) f.from_node(id, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  CHECK(f.meta().leader == node_none);  // Nobody has vouched for its copy: all are waited for.
  says_again();
  f.live({2}, 8s, 2);
  CHECK(f.meta().leader == NodeId{2});
}

TEST_CASE("controller: nobody leaves for one that has started again and has not shown its file",
          "[broker]") {
  Replicated f({.min_insync_replicas = 1});
  f.proposes(1, {1, 2});
  f.registers(2, 2);
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  CHECK(f.meta().isr == nodes({1, 2}));
  ReplicaState lost = f.said(2, f.key, ReplicaRole::none);
  lost.state = PartitionState::halted;
  lost.file = FileState::lost;
  f.report(2, 2, {lost});
  f.persist();
  CHECK(f.meta().isr == nodes({1}));  // It has everything, and leads when it comes.
  CHECK(f.meta().made == nodes({1, 3}));
}

TEST_CASE("controller: nobody joins for what another opening of its file had", "[broker]") {
  Replicated f({.min_insync_replicas = 1});
  f.proposes(1, {1, 3});
  REQUIRE(f.meta().isr == nodes({1, 3}));
  // Its disk was wiped: it is in its first life again, and its file was made anew.
  ReplicaState anew = f.said(2, f.key, ReplicaRole::catching_up);
  anew.copy = 5;
  f.report(2, 1, {anew});
  f.persist();
  f.proposes(1, {1, 2, 3}, 1, 0, 4);
  CHECK(f.meta().isr == nodes({1, 3}));
  f.proposes(1, {1, 2, 3}, 1, 0, 5);
  CHECK(f.meta().isr.size() == 3);
}

TEST_CASE("controller: whoever left before the minimum was lowered is no candidate any more",
          "[broker]") {
  Replicated f;  // Of three the minimum is two.
  f.loses(2);
  f.loses(3);
  REQUIRE(f.meta().isr == nodes({1}));
  REQUIRE_FALSE(f.meta().eligible.empty());
  AlterTopic lower;
  lower.name = "orders";
  lower.min_insync_replicas = 1;
  f.ask(lower, Kind::alter_topic);
  f.persist();
  // From now on the leader commits alone. It dies, and one that has not heard of it comes.
  f.loses(1);
  f.registers(3, 2);
  f.report(3, 2, {f.said(3, f.key, follows, 0, 1)});
  f.persist();
  for (int i = 0; i < 50; ++i) {
    f.heartbeat(3, 2);
    f.tick(100ms);
    f.persist();
  }
  CHECK(f.meta().leader != NodeId{3});
  CHECK(f.meta().isr == nodes({1}));
}

TEST_CASE("controller: a minimum that was lowered and raised at once leaves nobody eligible",
          "[broker]") {
  Replicated f;  // Of three the minimum is two.
  f.loses(2);
  f.loses(3);
  REQUIRE(f.meta().isr == nodes({1}));
  REQUIRE_FALSE(f.meta().eligible.empty());
  for (const int minimum : {1, 2}) {
    AlterTopic alter;
    alter.name = "orders";
    alter.min_insync_replicas = minimum;
    f.ask(alter, Kind::alter_topic);
    f.persist();
    CHECK(f.meta().eligible.empty());  // In between the leader commits alone.
  }
}

TEST_CASE("controller: after its start nodes have the time to notice and to come", "[broker]") {
  Replicated f;
  const PartitionMeta before = f.meta();
  f.start();
  f.registers(3);
  f.says(3, follows);
  Micros passed{0};
  for (; passed < f.options.node_lost_after + limits::register_again_within - 100ms;
       passed += 100ms) {
    f.tick(100ms);
    f.heartbeat(3);
  }
  for (const int id : {1, 2}) f.registers(id);
  f.all_report();
  f.tick(100ms);
  f.persist();
  CHECK(f.meta() == before);
}
