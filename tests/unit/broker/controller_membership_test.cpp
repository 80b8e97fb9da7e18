#include "tests/unit/broker/controller_fixture.hpp"

using namespace pinion;
using pinion::test::ControllerFixture;

TEST_CASE("controller: a node is told nothing before its registration is durable", "[broker]") {
  ControllerFixture f;
  f.ask_to_register(f.node(1));
  CHECK(f.out.to_nodes.empty());
  CHECK(f.controller->nodes().size() == 0);
  f.persist();
  const auto replies = f.told<RegisterNodeReply>(1);
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].cluster_id == "cluster-1");
  CHECK(replies[0].controller_epoch == ControllerEpoch{1});
  CHECK(replies[0].session != 0);
  CHECK(f.controller->nodes().find(NodeId{1})->alive());
}

TEST_CASE("controller: a node registering twice while it is being kept has one session",
          "[broker]") {
  ControllerFixture f;
  f.ask_to_register(f.node(1));
  f.ask_to_register(f.node(1));
  CHECK(f.unwritten.size() == 1);
  f.persist();
  CHECK(f.told<RegisterNodeReply>(1).size() == 1);
  // And once more later: the same session, without another commit.
  const std::int64_t session = f.session(1);
  f.ask_to_register(f.node(1));
  CHECK(f.unwritten.empty());
  CHECK(f.told<RegisterNodeReply>(1).size() == 2);
  CHECK(f.session(1) == session);
}

TEST_CASE("controller: two live nodes with one id: the second is refused and told why",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.clear();
  RegisterNode second = f.node(1);
  second.store_id = "another folder";
  f.ask_to_register(second);
  REQUIRE(f.out.to_nodes.size() == 1);
  CHECK(f.out.to_nodes[0].message.header.error == Errc::invalid_argument);
  const auto& why = std::get<ErrorBody>(f.out.to_nodes[0].message.body).detail;
  CHECK(why.find("node id 1 is in use by another live partition broker") != std::string::npos);
  CHECK(why.find("tcp://127.0.0.1:5561") != std::string::npos);
  CHECK(f.controller->nodes().find(NodeId{1})->meta.store_id == "store-1");

  // When the first is lost, its id is free for a new data folder.
  f.silence(f.options.node_lost_after);
  f.ask_to_register(second);
  f.persist();
  CHECK(f.controller->nodes().find(NodeId{1})->meta.store_id == "another folder");
  CHECK(f.controller->nodes().find(NodeId{1})->alive());
}

TEST_CASE("controller: two nodes with one id register at once: the first wins", "[broker]") {
  ControllerFixture f;
  f.ask_to_register(f.node(1));
  RegisterNode second = f.node(1);
  second.store_id = "another folder";
  f.ask_to_register(second);
  REQUIRE(f.out.to_nodes.size() == 1);
  CHECK(f.out.to_nodes[0].message.header.error == Errc::invalid_argument);
  f.persist();
  CHECK(f.controller->nodes().find(NodeId{1})->meta.store_id == "store-1");
}

TEST_CASE("controller: registrations that cannot be are refused", "[broker]") {
  ControllerFixture f;
  const auto refused = [&](RegisterNode request) {
    f.clear();
    f.ask_to_register(request);
    REQUIRE(f.out.to_nodes.size() == 1);
    CHECK(f.unwritten.empty());
    return f.out.to_nodes[0].message.header.error;
  };
  RegisterNode request = f.node(1);
  request.cluster_id = "cluster-2";
  CHECK(refused(request) == Errc::wrong_cluster);
  request = f.node(1);
  request.version_min = request.version_max = 99;
  CHECK(refused(request) == Errc::unsupported_version);
  request = f.node(1);
  request.controller_epoch = ControllerEpoch{2};
  CHECK(refused(request) == Errc::fenced_controller);
}

TEST_CASE("controller: an older copy of a data folder is refused", "[broker]") {
  ControllerFixture f;
  f.registers(1, 7);
  f.clear();
  // While the newer life is here it can only be a late message, and is left unanswered.
  f.ask_to_register(f.node(1, 6));
  CHECK(f.out.to_nodes.empty());
  f.silence(f.options.node_lost_after);
  f.clear();
  f.ask_to_register(f.node(1, 6));
  REQUIRE(f.out.to_nodes.size() == 1);
  CHECK(f.out.to_nodes[0].message.header.error == Errc::invalid_argument);
}

TEST_CASE(
    "controller: a second start of one number began from a copy of the folder, and is refused",
    "[broker]") {
  ControllerFixture f;
  RegisterNode first = f.node(1, 7);
  first.start_id = 70;
  f.ask_to_register(first);
  f.persist();
  const TopicId topic = f.created("orders");
  const Epoch epoch = f.partition(topic).meta.leader_epoch;
  const bool lives = GENERATE(false, true);
  if (!lives) f.silence(f.options.node_lost_after);
  if (GENERATE(false, true)) f.start();  // It is remembered.
  f.clear();
  RegisterNode second = first;
  second.start_id = 71;
  f.ask_to_register(second);
  REQUIRE(f.out.to_nodes.size() == 1);
  CHECK(f.out.to_nodes[0].message.header.error == Errc::invalid_argument);
  const auto& why = std::get<ErrorBody>(f.out.to_nodes[0].message.body).detail;
  CHECK(why.find("is an older copy") != std::string::npos);
  // The one that was seen comes back, and is the same life.
  f.ask_to_register(first);
  CHECK(f.unwritten.empty());
  CHECK(f.controller->nodes().find(NodeId{1})->alive());
  CHECK(f.partition(topic).meta.leader_epoch == epoch);
}

TEST_CASE("controller: a start follows on the one before it, or began from an older copy",
          "[broker]") {
  ControllerFixture f;
  const auto start_of = [&](int incarnation, std::int64_t joined, std::int64_t joining) {
    RegisterNode request = f.node(1, incarnation);
    request.start_id = incarnation * 10;
    request.joined = joined;
    request.joining = joining;
    return request;
  };
  const auto is_taken_in = [&](const RegisterNode& request) {
    f.clear();
    f.ask_to_register(request);
    f.persist();
    REQUIRE(f.out.to_nodes.size() == 1);
    return f.out.to_nodes[0].message.header.error == Errc::ok;
  };
  const auto shown = [&] {
    return f.body<ClusterStatusReply>(f.ask(ClusterStatusRequest{false}, Kind::cluster_status))
        .nodes.at(0)
        .detail;
  };
  REQUIRE(is_taken_in(start_of(7, 0, 100)));
  REQUIRE(is_taken_in(start_of(7, 100, 100)));  // It asks again.
  SECTION("the next one knows that the last was answered") {
    CHECK(is_taken_in(start_of(8, 100, 101)));
    CHECK(f.controller->nodes().find(NodeId{1})->meta.incarnation == Incarnation{8});
  }
  SECTION("the next one does not know that the last was answered") {
    CHECK(is_taken_in(start_of(8, 0, 100)));
    CHECK(is_taken_in(start_of(9, 100, 101)));
  }
  SECTION("a copy of the one before is refused, however often it starts") {
    REQUIRE(is_taken_in(start_of(8, 100, 101)));
    const bool restarts = GENERATE(false, true);
    if (restarts) f.start();  // It is remembered.
    for (const int incarnation : {8, 9, 10, 11}) {
      CAPTURE(incarnation);
      CHECK_FALSE(is_taken_in(start_of(incarnation, 100, 150)));
      const std::string why = std::get<ErrorBody>(f.out.to_nodes[0].message.body).detail;
      CHECK(why.find("is an older copy") != std::string::npos);
      CHECK(why.find("--restored") != std::string::npos);
      CHECK(shown() == (restarts ? why : ""));
    }
    // The one that was seen goes on.
    CHECK(is_taken_in(start_of(9, 101, 102)));
    CHECK(shown().empty());
  }
  SECTION("a copy that is meant goes on, and what it was made from does not") {
    REQUIRE(is_taken_in(start_of(8, 100, 101)));
    RegisterNode restored = start_of(1000, 100, 150);
    restored.restored = true;
    CHECK(is_taken_in(restored));
    CHECK(is_taken_in(start_of(1001, 150, 151)));
    CHECK_FALSE(is_taken_in(start_of(1002, 101, 102)));
  }
  SECTION("another folder is another chain, and began behind the last start of this one") {
    f.pass(f.options.node_lost_after);
    f.tick();
    RegisterNode other = start_of(6, 0, 300);
    other.store_id = "another";
    CHECK_FALSE(is_taken_in(other));
    other.incarnation = Incarnation{9};
    CHECK(is_taken_in(other));
    f.pass(f.options.node_lost_after);
    f.tick();
    CHECK_FALSE(is_taken_in(start_of(8, 100, 101)));  // What it took the place of comes back.
    RegisterNode restored = start_of(8, 100, 101);
    restored.restored = true;
    restored.incarnation = Incarnation{1'000};
    CHECK(is_taken_in(restored));
  }
}

TEST_CASE("controller: a node that followed another broker in an earlier epoch is refused",
          "[broker]") {
  ControllerFixture f;
  RegisterNode request = f.node(1);
  request.controller_epoch = f.controller->epoch();
  f.ask_to_register(request);
  f.persist();
  request.controller_start = f.told<RegisterNodeReply>(1).at(0).controller_start;
  f.start();
  f.start();
  f.ask_to_register(request);
  f.persist();
  REQUIRE(f.told<RegisterNodeReply>(1).size() == 1);
  f.clear();
  request.controller_start += 1'000;  // Another one began that term, and this file knows of none.
  f.ask_to_register(request);
  REQUIRE(f.out.to_nodes.size() == 1);
  CHECK(f.out.to_nodes[0].message.header.error == Errc::fenced_controller);
  const auto& why = std::get<ErrorBody>(f.out.to_nodes[0].message.body).detail;
  CHECK(why.find("broker.db is an old copy") != std::string::npos);
  CHECK(why.find("--restored") != std::string::npos);
  // It is meant to go on from there.
  f.start(Restored::yes);
  f.ask_to_register(request);
  f.persist();
  CHECK(f.told<RegisterNodeReply>(1).size() == 1);
}

TEST_CASE("controller: two starts of one number at once: only one is taken in", "[broker]") {
  ControllerFixture f;
  RegisterNode first = f.node(1, 7);
  first.start_id = 70;
  RegisterNode second = first;
  second.start_id = 71;
  f.ask_to_register(first);
  f.ask_to_register(second);
  f.persist();
  CHECK(f.controller->nodes().find(NodeId{1})->meta.start_id == 70);
  CHECK(f.controller->nodes().find(NodeId{1})->alive());
  REQUIRE(f.out.to_nodes.size() == 2);
  CHECK(f.out.to_nodes[0].message.header.error == Errc::invalid_argument);
}

TEST_CASE("controller: a node that followed another broker in this epoch is refused", "[broker]") {
  ControllerFixture f;
  RegisterNode request = f.node(1);
  request.controller_epoch = f.controller->epoch();
  request.controller_start = 12'345;
  f.ask_to_register(request);
  REQUIRE(f.out.to_nodes.size() == 1);
  CHECK(f.out.to_nodes[0].message.header.error == Errc::fenced_controller);
  const auto& why = std::get<ErrorBody>(f.out.to_nodes[0].message.body).detail;
  CHECK(why.find("broker.db is an old copy") != std::string::npos);
  // Of an earlier one, and of this one.
  request.controller_epoch = ControllerEpoch{0};
  f.ask_to_register(request);
  f.persist();
  const auto replies = f.told<RegisterNodeReply>(1);
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].controller_start != 0);
  request.controller_epoch = replies[0].controller_epoch;
  request.controller_start = replies[0].controller_start;
  f.ask_to_register(request);
  CHECK(f.told<RegisterNodeReply>(1).size() == 2);
}

TEST_CASE("controller: two brokers of one epoch give different sessions", "[broker]") {
  ControllerFixture one;
  ControllerFixture other;
  *other.disk->terms = 5;  // It began from a copy of the same broker.db.
  other.disk->state.controller_epoch = ControllerEpoch{0};
  other.start();
  REQUIRE(one.controller->epoch() == other.controller->epoch());
  one.registers(1);
  other.registers(1);
  CHECK(one.session(1) != other.session(1));
}

TEST_CASE("controller: heartbeats are answered, and a silent node is lost", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.registers(2);
  f.clear();
  f.pass(1s);
  f.heartbeat(1);
  CHECK(f.told<NodeHeartbeatReply>(1).size() == 1);
  f.tick(600ms);  // Node 1 was heard 0.6 s ago, node 2 1.6 s ago.
  CHECK(f.controller->nodes().find(NodeId{1})->health == NodeHealth::alive);
  CHECK(f.controller->nodes().find(NodeId{2})->health == NodeHealth::lost);
}

TEST_CASE("controller: any message of a node is a sign of life", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.pass(1s);
  f.step(NodeHeard{f.routing(1)});
  f.tick(1s);
  CHECK(f.controller->nodes().find(NodeId{1})->alive());
}

TEST_CASE("controller: who has no session is told to say hello", "[broker]") {
  ControllerFixture f;
  f.heartbeat(5);
  CHECK(f.told<SayHello>(5).size() == 1);
  f.clear();
  f.report(5, 1, {});
  CHECK(f.told<SayHello>(5).size() == 1);

  f.registers(1);
  f.clear();
  f.sessions["n1"] += 1;  // Of another session.
  f.heartbeat(1);
  CHECK(f.told<SayHello>(1).size() == 1);
  CHECK(f.told<NodeHeartbeatReply>(1).empty());
}

TEST_CASE("controller: a lost node's partitions are offline and come back with it, same epoch",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId topic = f.created("orders");
  REQUIRE(f.state(topic) == PartitionState::online);
  const Epoch epoch = f.partition(topic).meta.leader_epoch;
  f.silence(f.options.node_lost_after);
  CHECK(f.state(topic) == PartitionState::offline);
  CHECK(f.partition(topic).detail.find("node 1 is lost") != std::string::npos);
  REQUIRE(f.out.pushes.size() == 1);
  CHECK(f.out.pushes[0].topics.at(0).partitions.at(0).state == PartitionState::offline);
  REQUIRE_FALSE(f.out.routes.empty());
  CHECK(f.out.routes.back().route.node == node_none);

  f.clear();
  f.ask_to_register(f.node(1));  // The same life: it was only out of reach.
  CHECK(f.state(topic) == PartitionState::opening);
  REQUIRE(f.assigned(1).size() == 1);
  CHECK(f.assigned(1)[0].leader_epoch == epoch);
  f.reports_all(1);
  CHECK(f.state(topic) == PartitionState::online);
  CHECK(f.out.routes.back().route.node == NodeId{1});
}

TEST_CASE("controller: a new life of a node gets new epochs, durable before they are assigned",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId topic = f.created("orders", 2);
  f.ask_to_register(f.node(1, 2));
  CHECK(f.state(topic) == PartitionState::offline);  // The life before is over.
  CHECK(f.assigned(1).empty());
  CHECK(f.partition(topic).meta.leader_epoch == Epoch{1});
  f.persist();
  REQUIRE(f.assigned(1).size() == 2);
  for (const Assignment& assignment : f.assigned(1)) {
    CHECK(assignment.leader_epoch == Epoch{2});
    CHECK_FALSE(assignment.create);  // It was open once: its file must be there.
  }
  // A report of the life before changes nothing.
  f.report(1, 1,
           {{.topic = topic,
             .partition = PartitionIndex{0},
             .leader_epoch = Epoch{1},
             .state = PartitionState::online,
             .log_end = Offset{0},
             .detail = {},
             .partition_version = 0,
             .role = ReplicaRole::leader,
             .file = FileState::open,
             .last_epoch = Epoch{0}}});
  CHECK(f.state(topic) == PartitionState::opening);
  f.reports_all(1, 2);
  CHECK(f.state(topic) == PartitionState::online);
}

TEST_CASE("controller: a node that starts twice while it is kept gets an epoch for each life",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId topic = f.created("orders");
  f.ask_to_register(f.node(1, 2));
  f.ask_to_register(f.node(1, 3));
  f.persist();
  CHECK(f.partition(topic).meta.leader_epoch == Epoch{3});
  REQUIRE(f.assigned(1).size() == 1);
  CHECK(f.assigned(1)[0].leader_epoch == Epoch{3});
  CHECK(f.controller->nodes().find(NodeId{1})->meta.incarnation == Incarnation{3});
}

TEST_CASE("controller: a late copy of an earlier start does not take the later one's place",
          "[broker]") {
  ControllerFixture f;
  f.ask_to_register(f.node(1, 2));
  f.ask_to_register(f.node(1, 3));
  f.ask_to_register(f.node(1, 2));
  f.persist();
  CHECK(f.controller->nodes().find(NodeId{1})->meta.incarnation == Incarnation{3});
  CHECK(f.controller->nodes().find(NodeId{1})->alive());
}

TEST_CASE("controller: after a broker restart nodes return under the same epochs", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId topic = f.created("orders");
  const std::int64_t version = f.controller->metadata_version();
  const std::int64_t session = f.session(1);
  f.start();
  CHECK(f.controller->epoch() == ControllerEpoch{2});
  CHECK(f.controller->metadata_version() > version);
  CHECK(f.state(topic) == PartitionState::offline);
  f.heartbeat(1);
  CHECK(f.told<SayHello>(1).size() == 1);
  f.ask_to_register(f.node(1));
  CHECK(f.unwritten.empty());  // Nothing new to keep.
  CHECK(f.session(1) > session);
  REQUIRE(f.assigned(1).size() == 1);
  CHECK(f.assigned(1)[0].leader_epoch == Epoch{1});
  CHECK_FALSE(f.assigned(1)[0].create);
  f.reports_all(1);
  CHECK(f.state(topic) == PartitionState::online);
}

TEST_CASE("controller: a node that says goodbye is not waited for", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId topic = f.created("orders");
  f.from_node(1, Goodbye{Incarnation{9}}, Kind::goodbye);  // Of another life.
  CHECK(f.controller->nodes().find(NodeId{1})->alive());
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  CHECK(f.controller->nodes().find(NodeId{1})->health == NodeHealth::stopping);
  CHECK(f.state(topic) == PartitionState::offline);
  CHECK(f.partition(topic).detail.find("was stopped") != std::string::npos);
  f.silence(f.options.node_lost_after);
  CHECK(f.controller->nodes().find(NodeId{1})->health == NodeHealth::lost);
}

TEST_CASE("controller: when the broker itself was away nobody is lost at once", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.tick(10s);  // SIGSTOP, say: the heartbeats of these seconds wait in the socket.
  CHECK(f.controller->nodes().find(NodeId{1})->alive());
  f.tick(100ms);
  CHECK(f.controller->nodes().find(NodeId{1})->alive());
  for (int i = 0; i < 8; ++i) f.tick(100ms);
  CHECK(f.controller->nodes().find(NodeId{1})->health == NodeHealth::lost);
}

TEST_CASE("controller: a broker that is away again and again still finds out who is lost",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.tick(10s);
  f.tick(10s);  // Time enough for a word, and none came.
  CHECK(f.controller->nodes().find(NodeId{1})->health == NodeHealth::lost);
}

TEST_CASE("controller: too many nodes are refused", "[broker]") {
  ControllerFixture f;
  for (int i = 1; i <= static_cast<int>(limits::nodes_max); ++i) f.registers(i);
  f.clear();
  f.ask_to_register(f.node(1'000));
  REQUIRE(f.out.to_nodes.size() == 1);
  CHECK(f.out.to_nodes[0].message.header.error == Errc::limit_reached);
}

TEST_CASE("controller: heartbeats and sizes are kept every few seconds and not more often",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId topic = f.created("orders");
  std::size_t writes = 0;
  for (int i = 0; i < 100; ++i) {  // Ten seconds.
    PartitionStatus status;
    status.topic = topic;
    status.leader_epoch = Epoch{1};
    status.state = PartitionState::online;
    status.log_end = Offset(i);
    status.file_bytes = 4096;
    f.heartbeat(1, 1, {status});
    f.tick(100ms);
    writes += f.unwritten.size();
    f.persist();
  }
  CHECK(writes == 2);
  CHECK(f.disk->state.partitions.at(0).log_end > Offset{40});
  CHECK(f.disk->state.partitions.at(0).file_bytes == 4096);
  CHECK(f.disk->state.nodes.at(0).last_heartbeat > f.disk->state.nodes.at(0).registered_at);
}
