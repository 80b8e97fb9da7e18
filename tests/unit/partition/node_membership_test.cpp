#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

#include <set>

namespace pinion::partition::test {

TEST_CASE("node: it registers, makes the membership durable, and only then obeys", "[partition]") {
  NodeBench bench;
  bench.pass(0s);
  const auto sent = bench.told<RegisterNode>();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].node == NodeId{1});
  CHECK(sent[0].incarnation == Incarnation{3});
  CHECK(sent[0].store_id == "store");
  bench.answer_registration(5, 9);
  CHECK(bench.node.view().link == LinkState::saving);
  REQUIRE(bench.node_store.size() == 1);
  const auto& saved = std::get<SaveMembership>(bench.node_store.front()).membership;
  CHECK(saved.cluster_id == "c1");
  CHECK(saved.controller_epoch == ControllerEpoch{9});
  Assign assign;
  assign.controller_epoch = ControllerEpoch{9};
  assign.session = 5;
  assign.assignments.push_back({.topic = orders.topic,
                                .topic_name = "orders",
                                .leader_epoch = Epoch{1},
                                .leader = NodeId{1}});
  bench.from_broker(assign);
  CHECK(bench.node.partitions().empty());
  bench.save_membership();
  CHECK(bench.node.view().link == LinkState::registered);
  CHECK(bench.node.partitions() == std::vector{orders});
}

TEST_CASE("node: an assignment that overtakes the registration's answer is kept for it",
          "[partition]") {
  NodeOptions options = NodeBench::default_options();
  options.membership = {"c1", ControllerEpoch{1}};
  NodeBench bench(options);
  bench.pass(0s);
  const auto early = [&](std::int64_t session, PartitionKey key) {
    Assign assign;
    assign.controller_epoch = ControllerEpoch{1};
    assign.session = session;
    assign.assignments.push_back({.topic = key.topic,
                                  .topic_name = "t",
                                  .partition = key.partition,
                                  .leader_epoch = Epoch{1},
                                  .leader = NodeId{1}});
    bench.from_broker(assign);
  };
  early(1, orders);
  early(8, other);  // Of a registration that is not this one.
  bench.answer_registration(1, 1);
  CHECK(bench.node.partitions() == std::vector{orders});
}

TEST_CASE(
    "node: a broker that does not answer is asked again over a fresh connection, more and "
    "more seldom",
    "[partition]") {
  NodeBench bench;
  bench.pass(0s);
  Micros longest{0};
  for (int i = 0; i < 12; ++i) {
    bench.pass(limits::register_answer_within);
    CHECK(bench.link_resets == static_cast<std::size_t>(i) + 1);
    const Micros wait = bench.node.next_deadline() - bench.now.monotonic;
    CHECK(wait > 0s);
    CHECK(wait <= limits::register_backoff_max);
    longest = std::max(longest, wait);
    bench.pass(wait);
    CHECK(bench.told<RegisterNode>().size() == static_cast<std::size_t>(i) + 2);
  }
  CHECK(longest >= limits::register_backoff_max / 2);
}

TEST_CASE("node: two nodes do not come back in step", "[partition]") {
  const auto first_wait = [](std::uint64_t seed) {
    NodeOptions options = NodeBench::default_options();
    options.seed = seed;
    NodeBench bench(options);
    bench.pass(0s);
    bench.pass(limits::register_answer_within);
    return bench.node.next_deadline();
  };
  CHECK(first_wait(1) != first_wait(2));
}

TEST_CASE("node: heartbeats go on while the broker answers", "[partition]") {
  NodeBench bench;
  bench.join();
  for (int i = 0; i < 10; ++i) {
    bench.pass(500ms);
    bench.from_broker(NodeHeartbeatReply{ControllerEpoch{1}, 1},
                      bench.to_controller.back().header.request_id);
  }
  CHECK(bench.told<NodeHeartbeat>().size() == 10);
  CHECK(bench.node.view().link == LinkState::registered);
  CHECK(bench.link_resets == 0);
}

TEST_CASE("node: a quiet broker's connection is made afresh; partitions stay and serve",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a"}));
  bench.persist();
  for (int i = 0; i < 3; ++i) bench.pass(500ms);
  CHECK(bench.node.view().link == LinkState::unregistered);
  CHECK(bench.link_resets == 1);
  CHECK(bench.happened(EventKind::broker_lost));
  CHECK(bench.reply(bench.fetch(0)).as<FetchReply>().batches.size() == 1);
  CHECK(bench.view().state == PartitionState::online);
  bench.pass(5s);
  bench.answer_registration(2, 1);
  CHECK(bench.node.view().link == LinkState::registered);
  // It says again what it holds.
  bench.to_controller.clear();
  bench.pass(0s);
  REQUIRE(bench.told<ReplicaReport>().size() == 1);
  CHECK(bench.told<ReplicaReport>()[0].session == 2);
  CHECK(bench.told<ReplicaReport>()[0].replicas.at(0).state == PartitionState::online);
}

TEST_CASE("node: any message proves the broker alive", "[partition]") {
  NodeBench bench;
  bench.lead();
  for (int i = 0; i < 10; ++i) {
    bench.pass(500ms);
    bench.fetch(0);
  }
  CHECK(bench.node.view().link == LinkState::registered);
}

TEST_CASE("node: told to say hello it registers again, with the same incarnation", "[partition]") {
  NodeBench bench;
  bench.join();
  bench.from_broker(SayHello{ControllerEpoch{2}});
  CHECK(bench.node.view().link == LinkState::unregistered);
  CHECK(bench.link_resets == 0);
  bench.pass(1s);
  CHECK(bench.told<RegisterNode>().size() == 2);
  CHECK(bench.told<RegisterNode>()[1].incarnation == Incarnation{3});
  bench.answer_registration(2, 2);
  bench.save_membership();
  CHECK(bench.node.view().controller_epoch == ControllerEpoch{2});
}

TEST_CASE("node: an older controller is refused, whatever it sends", "[partition]") {
  NodeOptions options = NodeBench::default_options();
  options.membership = {"c1", ControllerEpoch{5}};
  NodeBench bench(options);
  bench.pass(0s);
  CHECK(bench.told<RegisterNode>()[0].controller_epoch == ControllerEpoch{5});
  bench.answer_registration(1, 4);
  CHECK(bench.node.view().link == LinkState::unregistered);
  CHECK(bench.happened(EventKind::controller_fenced));
  bench.pass(5s);
  bench.answer_registration(2, 5);
  REQUIRE(bench.node.view().link == LinkState::registered);
  Assign assign;
  assign.controller_epoch = ControllerEpoch{4};
  assign.session = 2;
  assign.deleted = {TopicId{7}};
  bench.from_broker(assign);
  CHECK(bench.node_store.empty());
  bench.from_broker(SayHello{ControllerEpoch{4}});
  CHECK(bench.node.view().link == LinkState::registered);
}

TEST_CASE("node: another broker in the epoch of the one it followed is refused", "[partition]") {
  NodeOptions options = NodeBench::default_options();
  options.life.start_id = 33;
  options.membership = {"c1", ControllerEpoch{5}, 50};
  NodeBench bench(options);
  bench.pass(0s);
  CHECK(bench.told<RegisterNode>()[0].start_id == 33);
  CHECK(bench.told<RegisterNode>()[0].controller_start == 50);
  bench.answer_registration(1, 5, "c1", 51);
  CHECK(bench.node.view().link == LinkState::unregistered);
  CHECK(bench.node_store.empty());
  REQUIRE(bench.happened(EventKind::controller_fenced));
  CHECK(bench.events.back().detail.find("broker.db is an old copy") != std::string::npos);
  // The one that it followed, and then the next one.
  bench.pass(5s);
  bench.answer_registration(2, 5, "c1", 50);
  CHECK(bench.node.view().link == LinkState::registered);
  bench.from_broker(SayHello{ControllerEpoch{6}});
  bench.pass(5s);
  bench.answer_registration(3, 6, "c1", 51);
  REQUIRE_FALSE(bench.node_store.empty());
  const auto saved = std::get<SaveMembership>(bench.node_store.front()).membership;
  CHECK(saved.controller_epoch == ControllerEpoch{6});
  CHECK(saved.controller_start == 51);
}

TEST_CASE("node: it remembers who began the epoch that it has followed", "[partition]") {
  NodeOptions options = NodeBench::default_options();
  options.membership = {"c1", ControllerEpoch{5}, 0};  // Saved before there was such a number.
  NodeBench bench(options);
  bench.pass(0s);
  bench.answer_registration(1, 5, "c1", 51);
  REQUIRE(bench.node_store.size() == 1);
  CHECK(std::get<SaveMembership>(bench.node_store.front()).membership.controller_start == 51);
  bench.save_membership();
  CHECK(bench.node.view().link == LinkState::registered);
}

TEST_CASE("node: a join that was answered is kept before the node is registered", "[partition]") {
  NodeOptions options = NodeBench::default_options();
  options.life.join = 91;
  options.membership = {"c1", ControllerEpoch{5}, 51, 90};
  NodeBench bench(options);
  bench.pass(0s);
  CHECK(bench.told<RegisterNode>()[0].joined == 90);
  CHECK(bench.told<RegisterNode>()[0].joining == 91);
  bench.answer_registration(1, 5, "c1", 51);
  CHECK(bench.node.view().link != LinkState::registered);
  REQUIRE(bench.node_store.size() == 1);
  CHECK(std::get<SaveMembership>(bench.node_store.front()).membership.joined == 91);
  bench.save_membership();
  CHECK(bench.node.view().link == LinkState::registered);
  // In the same life the same join, and nothing to keep.
  bench.from_broker(SayHello{ControllerEpoch{5}});
  bench.pass(5s);
  CHECK(bench.told<RegisterNode>().back().joined == 91);
  CHECK(bench.told<RegisterNode>().back().joining == 91);
  bench.answer_registration(2, 5, "c1", 51);
  CHECK(bench.node_store.empty());
  CHECK(bench.node.view().link == LinkState::registered);
}

TEST_CASE("node: it does not join another cluster than its data's", "[partition]") {
  NodeOptions options = NodeBench::default_options();
  options.membership = {"c1", ControllerEpoch{1}};
  NodeBench bench(options);
  bench.pass(0s);
  bench.answer_registration(1, 1, "c2");
  CHECK(bench.node.view().link == LinkState::unregistered);
  CHECK(bench.happened(EventKind::registration_refused));
  CHECK(bench.node.view().cluster_id == "c1");
}

TEST_CASE("node: a refused registration is tried again later", "[partition]") {
  NodeBench bench;
  bench.pass(0s);
  const RequestId request = bench.to_controller.back().header.request_id;
  FromBroker in;
  in.message.header.kind = Kind::register_node_reply;
  in.message.header.request_id = request;
  in.message.header.error = Errc::invalid_argument;
  in.message.body = ErrorBody{"node id 1 is in use", {}, {}};
  bench.step(std::move(in));
  CHECK(bench.events.back().detail.find("in use") != std::string::npos);
  bench.pass(5s);
  CHECK(bench.told<RegisterNode>().size() == 2);
}

TEST_CASE("node: a membership that cannot be saved is not joined", "[partition]") {
  NodeBench bench;
  bench.pass(0s);
  bench.answer_registration();
  const auto save = std::get<SaveMembership>(bench.node_store.front());
  bench.node_store.clear();
  bench.step(MembershipSaved{save.ticket, failure(Errc::storage_full, "no space")});
  CHECK(bench.node.view().link == LinkState::unregistered);
  bench.pass(5s);
  bench.answer_registration(2, 1);
  bench.save_membership();
  CHECK(bench.node.view().link == LinkState::registered);
}

TEST_CASE("node: a heartbeat tells what changed, until the broker has heard it", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a"}));
  bench.persist();
  bench.to_controller.clear();
  bench.pass(1s);
  REQUIRE(bench.told<NodeHeartbeat>().size() == 1);
  const NodeHeartbeat first = bench.told<NodeHeartbeat>()[0];
  REQUIRE(first.partitions.size() == 1);
  CHECK(first.partitions[0].high_watermark == Offset{1});
  CHECK(first.partitions[0].records_in == 1);
  CHECK(first.partitions[0].file == "orders-0.db");
  // Its answer is lost: the next one tells again.
  bench.persist();  // The noted high watermark.
  bench.fetch(9);   // A word from the broker, though not the answer.
  bench.pass(1s);
  REQUIRE(bench.told<NodeHeartbeat>().size() == 2);
  CHECK(bench.told<NodeHeartbeat>()[1].partitions.size() == 1);
  for (int i = 0; i < 12; ++i) {  // Until the rates have settled.
    bench.from_broker(NodeHeartbeatReply{ControllerEpoch{1}, 1},
                      bench.to_controller.back().header.request_id);
    bench.pass(1s);
  }
  CHECK(bench.told<NodeHeartbeat>().back().partitions.empty());
}

TEST_CASE("node: what is urgent and has no room in a heartbeat goes with the next, at once",
          "[partition]") {
  NodeBench bench;
  bench.join();
  std::set<PartitionKey> untold;
  for (int i = 0; i < 600; ++i) {
    const PartitionKey key{TopicId{7}, PartitionIndex{i}};
    bench.lead(key);
    untold.insert(key);
  }
  bench.to_controller.clear();
  // How many heartbeats came, which are answered.
  const auto told = [&] {
    const std::vector<NodeHeartbeat> beats = bench.told<NodeHeartbeat>();
    for (const NodeHeartbeat& beat : beats) {
      CHECK(beat.partitions.size() <= limits::statuses_per_heartbeat_max);
      for (const PartitionStatus& status : beat.partitions) {
        untold.erase({status.topic, status.partition});
      }
    }
    if (!beats.empty()) {
      bench.from_broker(NodeHeartbeatReply{ControllerEpoch{1}, 1},
                        bench.to_controller.back().header.request_id);
    }
    bench.to_controller.clear();
    return beats.size();
  };
  bench.pass(500ms);
  SECTION("when that is answered") {
    CHECK(told() == 1);
    CHECK(untold.size() == 344);
    for (const std::size_t left : {88U, 0U}) {
      bench.pass(20ms);
      CHECK(told() == 0);
      bench.pass(30ms);
      CHECK(told() == 1);
      CHECK(untold.size() == left);
    }
    bench.pass(200ms);  // And what is told is told.
    CHECK(told() == 0);
  }
  SECTION("and not beside it") {
    bench.pass(200ms);
    CHECK(bench.told<NodeHeartbeat>().size() == 1);
  }
}

TEST_CASE("node: rates are over the last seconds and go back to nothing", "[partition]") {
  NodeBench bench;
  bench.lead();
  for (int second = 0; second < 6; ++second) {
    for (int i = 0; i < 10; ++i) bench.produce(batch_of({"a", "b"}));
    bench.persist();
    bench.pass(1s);
    bench.from_broker(NodeHeartbeatReply{ControllerEpoch{1}, 1},
                      bench.to_controller.back().header.request_id);
  }
  const PartitionStatus said = bench.told<NodeHeartbeat>().back().partitions.at(0);
  CHECK(said.records_in_per_s == 20);
  CHECK(said.records_in == 120);
  CHECK(said.commits == 6);  // Of ten batches each; the notes of the high watermark are none.
  std::uint32_t last = 20;
  for (int second = 0; second < 6; ++second) {
    bench.pass(1s);
    const auto heartbeat = bench.told<NodeHeartbeat>().back();
    if (!heartbeat.partitions.empty()) last = heartbeat.partitions[0].records_in_per_s;
    bench.from_broker(NodeHeartbeatReply{ControllerEpoch{1}, 1},
                      bench.to_controller.back().header.request_id);
  }
  CHECK(last == 0);
}

TEST_CASE("node: a stop finishes what is in flight, says goodbye, and closes clean",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId inflight = bench.produce(batch_of({"a"}));
  const RequestId waits = bench.fetch(0, 5000);
  bench.step(Stop{});
  CHECK(bench.reply(waits).error() == Errc::shutting_down);
  CHECK(bench.reply(bench.produce(batch_of({"b"}))).error() == Errc::shutting_down);
  CHECK_FALSE(bench.answered(inflight));
  CHECK(bench.told<Goodbye>().empty());
  CHECK_FALSE(bench.node.stopped());
  bench.persist();
  CHECK(bench.reply(inflight).as<ProduceReply>().base_offset == Offset{0});
  CHECK(bench.told<Goodbye>().size() == 1);
  REQUIRE(bench.store.size() == 1);
  CHECK(std::get<CloseLog>(bench.store.front().op).how == CloseHow::clean);
  bench.close(orders);
  CHECK(bench.node.stopped());
  CHECK(bench.reply(bench.fetch(0)).error() == Errc::shutting_down);
}

TEST_CASE("node: a stop answers queries at once, and waits until they have ended", "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId query = bench.ask(Query{"select 1", 0});
  REQUIRE(bench.reads.size() == 1);
  const Ticket ticket = bench.reads.front().ticket;
  bench.step(Stop{});
  CHECK(bench.reply(query).error() == Errc::shutting_down);
  CHECK(bench.queries_given_up == std::vector<Ticket>{ticket});
  CHECK_FALSE(bench.node.stopped());
  CHECK(bench.store.empty());
  bench.step(Queried{orders, ticket, failure(Errc::cancelled)});
  bench.close(orders);
  CHECK(bench.node.stopped());
}

TEST_CASE("node: a stop while a file is being opened closes it too", "[partition]") {
  NodeBench bench;
  bench.join();
  bench.assign({orders});
  bench.step(Stop{});
  CHECK_FALSE(bench.node.stopped());
  bench.open(orders);
  bench.close(orders);
  CHECK(bench.node.stopped());
}

}  // namespace pinion::partition::test
