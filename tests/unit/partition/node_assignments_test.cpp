#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace pinion::partition::test {

TEST_CASE("node: an assignment is opened, created only when it may be, and reported",
          "[partition]") {
  NodeBench bench;
  bench.join();
  bench.to_controller.clear();
  bench.assign({orders, orders_1}, 4);
  REQUIRE(bench.store.size() == 2);
  const auto& open = std::get<OpenLog>(bench.store[0].op);
  CHECK(open.identity.cluster_id == "c1");
  CHECK(open.identity.key == orders);
  CHECK(open.identity.topic_name == "orders");
  CHECK(open.if_missing == IfMissing::create);
  bench.open(orders);
  bench.open(orders_1);
  bench.pass(0s);
  const auto reports = bench.told<ReplicaReport>();
  REQUIRE(reports.size() == 1);  // Collected, not one by one.
  REQUIRE(reports[0].replicas.size() == 2);
  CHECK(reports[0].replicas[0].state == PartitionState::online);
  CHECK(reports[0].replicas[0].leader_epoch == Epoch{4});
  CHECK(reports[0].incarnation == Incarnation{3});
}

TEST_CASE("node: an assignment that is repeated is reported again, and nothing else",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.to_controller.clear();
  bench.assign({orders});
  bench.pass(0s);
  CHECK(bench.store.empty());
  REQUIRE(bench.told<ReplicaReport>().size() == 1);
  CHECK(bench.told<ReplicaReport>()[0].replicas.at(0).state == PartitionState::online);
}

TEST_CASE("node: another node is followed to where it registered last, whatever its life's number",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = 2});
  REQUIRE(bench.connects.size() == 1);
  CHECK(bench.connects.back().address == "tcp://node-2");
  std::int64_t version = 1;
  const auto tell = [&](std::int64_t session, std::int64_t incarnation, std::string address) {
    Assign assign;
    assign.session = bench.session;
    assign.controller_epoch = ControllerEpoch{1};
    assign.peers.push_back({NodeId{2}, Incarnation{incarnation}, session, std::move(address)});
    // Something makes it fetch again.
    Assignment assignment;
    assignment.topic = orders.topic;
    assignment.topic_name = "orders";
    assignment.leader = NodeId{2};
    assignment.replicas = {NodeId{1}, NodeId{2}};
    assignment.isr = assignment.replicas;
    assignment.partition_version = ++version;
    assignment.leader_epoch = Epoch{version};
    assign.assignments.push_back(std::move(assignment));
    bench.from_broker(std::move(assign));
    bench.pass(0s);
  };
  SECTION("its disk was wiped: a new folder begins behind all lives of the one before") {
    tell(5, 1'700'000'001, "tcp://elsewhere");
    REQUIRE(bench.connects.size() == 2);
    CHECK(bench.connects.back().address == "tcp://elsewhere");
    tell(4, 2, "tcp://of-the-past");
    CHECK(bench.connects.size() == 2);
    SECTION("and the folder before is used again") {
      tell(6, 3, "tcp://node-2");
      REQUIRE(bench.connects.size() == 3);
      CHECK(bench.connects.back().address == "tcp://node-2");
    }
  }
  SECTION("it starts again at the same place: over a connection of its own") {
    tell(5, 2, "tcp://node-2");
    CHECK(bench.connects.size() == 2);
  }
  SECTION("it registers again in the same life: the connection is as good as it was") {
    tell(5, 1, "tcp://node-2");
    CHECK(bench.connects.size() == 1);
  }
  SECTION("it is away: where it was is known better here") {
    tell(0, 1'700'000'001, "tcp://of-the-past");
    CHECK(bench.connects.size() == 1);
  }
}

TEST_CASE("node: a partition whose topic has another name is halted, not written to",
          "[partition]") {
  NodeBench bench;
  const bool is_open = GENERATE(true, false);
  if (is_open) {
    bench.lead();
  } else {
    bench.join();
    bench.assign({orders});
  }
  Assign assign;
  assign.controller_epoch = ControllerEpoch{1};
  assign.session = bench.session;
  assign.assignments.push_back({.topic = orders.topic,
                                .topic_name = "invoices",
                                .leader_epoch = Epoch{2},
                                .leader = NodeId{1},
                                .create = true});
  bench.from_broker(assign);
  if (!is_open) bench.open(orders);
  CHECK(bench.view().role == RoleName::halted);
  CHECK(bench.view().detail.find("broker.db is an old copy") != std::string::npos);
  bench.from_broker(assign);
  CHECK(bench.reply(bench.produce(batch_of({"a"}))).error() == Errc::storage_failed);
  bench.pass(1s);
  const ReplicaState said = bench.told<ReplicaReport>().back().replicas.back();
  CHECK(said.state == PartitionState::halted);
  CHECK(said.file == FileState::unknown);  // Not lost: it must not be made anew.
}

TEST_CASE("node: of a session's assignments one that a later one has overtaken is void",
          "[partition]") {
  NodeBench bench;
  bench.join();
  const auto tell = [&](std::int64_t number, PartitionKey key) {
    Assign assign;
    assign.controller_epoch = ControllerEpoch{1};
    assign.session = bench.session;
    assign.number = number;
    assign.assignments.push_back({.topic = key.topic,
                                  .topic_name = "orders",
                                  .partition = key.partition,
                                  .leader_epoch = Epoch{1},
                                  .leader = NodeId{1},
                                  .create = true});
    bench.from_broker(std::move(assign));
  };
  tell(2, orders);
  CHECK(bench.store.size() == 1);
  // It has been moved away since, for all that this node can know: it is not made again.
  tell(1, orders_1);
  CHECK(bench.store.size() == 1);
  tell(2, orders);  // Twice the same does no harm.
  tell(3, orders_1);
  CHECK(bench.store.size() == 2);
  // Asked again in the session that lives, its count goes on.
  const auto registers_again = [&](std::int64_t session) {
    bench.from_broker(SayHello{ControllerEpoch{1}});
    bench.pass(1s);
    bench.answer_registration(session);
    bench.session = session;
  };
  registers_again(1);
  tell(2, other);
  CHECK(bench.store.size() == 2);
  // Another session counts from the beginning.
  registers_again(2);
  tell(1, orders);
  bench.pass(0s);
  CHECK(bench.told<ReplicaReport>().back().session == 2);
  CHECK(bench.told<ReplicaReport>().back().replicas.size() == 2);
}

TEST_CASE("node: an older epoch than the partition's is ignored", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.assign({orders}, 6);
  bench.assign({orders}, 5);
  CHECK(bench.view().leader_epoch == Epoch{6});
  CHECK(bench.happened(EventKind::assignment_ignored));
}

TEST_CASE("node: an assignment of another registration is ignored", "[partition]") {
  NodeBench bench;
  bench.join();
  bench.session = 77;
  bench.assign({orders});
  CHECK(bench.node.partitions().empty());
  CHECK(bench.happened(EventKind::session_ignored));
}

TEST_CASE("node: a partition that another node leads is closed, and its file kept", "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId waits = bench.fetch(0, 1000);
  Assign assign;
  assign.controller_epoch = ControllerEpoch{1};
  assign.session = 1;
  assign.assignments.push_back({.topic = orders.topic,
                                .topic_name = "orders",
                                .leader_epoch = Epoch{2},
                                .leader = NodeId{2}});
  bench.from_broker(assign);
  CHECK(bench.reply(waits).error() == Errc::not_leader);
  bench.close(orders);
  CHECK(bench.node.partitions().empty());
  CHECK(bench.node_store.empty());
  CHECK(bench.reply(bench.fetch(0)).error() == Errc::not_leader);
}

TEST_CASE("node: a late assignment to others does not close what has come back since",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = 2, .version = 4});
  bench.assign_replicas({.leader = 2, .version = 3, .replicas = {2, 3}, .isr = {2, 3}});
  CHECK(bench.store.empty());
  CHECK(bench.view().role == RoleName::catching_up);
  bench.assign_replicas({.leader = 2, .version = 5, .replicas = {2, 3}, .isr = {2, 3}});
  bench.close(orders);
  CHECK(bench.node.partitions().empty());
}

TEST_CASE("node: a partition that comes back while it is being closed is opened again",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  Assign away;
  away.controller_epoch = ControllerEpoch{1};
  away.session = 1;
  away.assignments.push_back({.topic = orders.topic,
                              .topic_name = "orders",
                              .leader_epoch = Epoch{2},
                              .leader = NodeId{2}});
  bench.from_broker(away);
  bench.assign({orders}, 3);
  bench.close(orders);
  bench.open(orders, recovered(0, 2, 1));
  CHECK(bench.view().leader_epoch == Epoch{3});
  CHECK(bench.view().state == PartitionState::online);
}

TEST_CASE("node: nothing is closed or deleted because the controller does not mention it",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.from_broker(SayHello{ControllerEpoch{2}});
  bench.pass(1s);
  bench.answer_registration(2, 2);
  bench.save_membership();
  bench.from_broker(Assign{ControllerEpoch{2}, 2, 0, {}, {}});
  CHECK(bench.node.partitions().size() == 1);
  CHECK(bench.store.empty());
  CHECK(bench.node_store.empty());
}

TEST_CASE("node: a tombstone deletes a topic when all of its logs are closed, and is reported",
          "[partition]") {
  NodeBench bench;
  bench.lead(orders);
  bench.lead(orders_1);
  bench.lead(other);
  const RequestId inflight = bench.produce(batch_of({"a"}));
  const RequestId waits = bench.fetch(0, 1000);
  bench.to_controller.clear();
  const Assign tombstone{ControllerEpoch{1}, 1, 0, {}, {orders.topic}};
  bench.from_broker(tombstone);
  bench.from_broker(tombstone);  // Twice is once.
  CHECK(bench.reply(waits).error() == Errc::unknown_topic);
  bench.persist();
  CHECK(bench.answered(inflight));
  bench.close(orders);
  CHECK(bench.node_store.empty());
  CHECK(bench.reply(bench.fetch(0)).error() == Errc::unknown_topic);
  bench.close(orders_1);
  REQUIRE(bench.node_store.size() == 1);
  const auto removal = std::get<RemoveTopic>(bench.node_store.front());
  CHECK(removal.topic == orders.topic);
  SECTION("done") {
    bench.step(TopicRemoved{removal.topic, removal.ticket, {}});
    bench.pass(0s);
    const auto reports = bench.told<ReplicaReport>();
    REQUIRE_FALSE(reports.empty());
    CHECK(reports.back().deleted == std::vector{orders.topic});
    CHECK(bench.node.partitions() == std::vector{other});
  }
  SECTION("failed, and tried again") {
    bench.node_store.clear();
    bench.step(TopicRemoved{removal.topic, removal.ticket, failure(Errc::io_failed, "no")});
    CHECK(bench.happened(EventKind::topic_remove_failed));
    bench.pass(limits::open_retry_every);
    CHECK(bench.node_store.size() == 1);
    CHECK(std::none_of(bench.told<ReplicaReport>().begin(), bench.told<ReplicaReport>().end(),
                       [](const ReplicaReport& report) { return !report.deleted.empty(); }));
  }
}

TEST_CASE("node: a tombstone of a topic that is not open deletes its files all the same",
          "[partition]") {
  NodeBench bench;
  bench.join();
  bench.from_broker(Assign{ControllerEpoch{1}, 1, 0, {}, {TopicId{55}}});
  REQUIRE(bench.node_store.size() == 1);
  CHECK(std::get<RemoveTopic>(bench.node_store.front()).topic == TopicId{55});
}

TEST_CASE("node: a request for a partition it does not hold is refused as such", "[partition]") {
  NodeBench bench;
  bench.join();
  CHECK(bench.reply(bench.fetch(0)).error() == Errc::not_leader);
}

TEST_CASE("node: a request that could not be decoded is answered, so that its credit returns",
          "[partition]") {
  NodeBench bench;
  bench.join();
  Malformed in;
  in.path = {Bytes("back 5")};
  in.header.kind = Kind::produce;
  in.header.request_id = RequestId{5};
  in.error = fail(Errc::malformed, "no body");
  bench.step(in);
  CHECK(bench.reply(RequestId{5}).error() == Errc::malformed);
  CHECK(bench.reply(RequestId{5}).header.kind == Kind::produce_reply);
}

TEST_CASE("node: a kind that is not for a partition broker is answered as unknown", "[partition]") {
  NodeBench bench;
  bench.join();
  CHECK(bench.reply(bench.ask(CreateTopic{})).error() == Errc::unknown_kind);
}

}  // namespace pinion::partition::test
