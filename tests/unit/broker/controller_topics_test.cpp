#include "tests/unit/broker/controller_fixture.hpp"

#include "common/proto/codec.hpp"

using namespace pinion;
using pinion::test::ControllerFixture;

namespace {

[[nodiscard]] ReplicaState replica(TopicId topic, int partition, int epoch, PartitionState state,
                                   std::string detail = {}) {
  return {.topic = topic,
          .partition = PartitionIndex(partition),
          .leader_epoch = Epoch(epoch),
          .state = state,
          .log_end = Offset{0},
          .detail = std::move(detail)};
}

}  // namespace

TEST_CASE("controller: a topic is durable, then assigned, then reported, then answered",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.registers(2);
  f.clear();
  const RequestId asked = f.create("orders", 3);
  CHECK_FALSE(f.answer(asked));
  CHECK(f.assigned(1).empty());
  CHECK(f.controller->topics().size() == 0);
  CHECK(f.out.pushes.empty());

  f.persist();
  CHECK_FALSE(f.answer(asked));
  REQUIRE(f.assigned(1).size() == 2);
  REQUIRE(f.assigned(2).size() == 1);
  CHECK(f.assigned(1)[0].create);
  CHECK(f.assigned(1)[0].topic_name == "orders");
  CHECK(f.assigned(1)[0].leader_epoch == Epoch{1});
  CHECK(f.told<Assign>(1)[0].session == f.session(1));
  CHECK(f.told<Assign>(1)[0].number == 1);
  f.tick(5s);
  CHECK(f.told<Assign>(1).back().number == static_cast<std::int64_t>(f.told<Assign>(1).size()));
  CHECK(f.told<Assign>(1).size() > 1);  // Again: nothing was reported.

  f.reports_all(1);
  f.persist();
  CHECK_FALSE(f.answer(asked));
  f.reports_all(2);
  f.persist();
  const auto made = f.body<CreateTopicReply>(asked);
  CHECK(made.topic.name == "orders");
  REQUIRE(made.topic.partitions.size() == 3);
  for (const PartitionMetadata& partition : made.topic.partitions) {
    CHECK(partition.state == PartitionState::online);
  }
}

TEST_CASE("controller: a partition serves only when it is durable that its file exists",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.create("orders");
  f.persist();
  f.clear();
  f.reports_all(1);
  const TopicId topic{1};
  CHECK(f.state(topic) == PartitionState::opening);
  CHECK(f.out.routes.empty());

  SECTION("durable: it is online, and never made anew") {
    f.persist();
    CHECK(f.state(topic) == PartitionState::online);
    REQUIRE_FALSE(f.out.routes.empty());
    CHECK(f.out.routes.back().route.node == NodeId{1});
    f.start();
    f.ask_to_register(f.node(1, 2));
    f.persist();
    REQUIRE(f.assigned(1).size() == 1);
    CHECK_FALSE(f.assigned(1)[0].create);
  }
  SECTION("lost with a crash of the broker: nobody could write, so it may be made anew") {
    f.start();
    f.ask_to_register(f.node(1));
    REQUIRE(f.assigned(1).size() == 1);
    CHECK(f.assigned(1)[0].create);
  }
  SECTION("on its way: from then on it is not to be made again") {
    f.ask_to_register(f.node(1));
    REQUIRE(f.assigned(1).size() == 1);
    CHECK_FALSE(f.assigned(1)[0].create);
  }
}

TEST_CASE("controller: what was reported while the first report became durable counts",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.create("orders");
  f.persist();
  const TopicId topic{1};
  f.reports_all(1);
  f.report(1, 1, {replica(topic, 0, 1, PartitionState::storage_full, "no room")});
  f.persist();
  CHECK(f.state(topic) == PartitionState::storage_full);
  f.report(1, 1, {replica(topic, 0, 1, PartitionState::online)});
  CHECK(f.state(topic) == PartitionState::online);
  f.report(1, 1, {replica(topic, 0, 1, PartitionState::halted, "the disk failed")});
  CHECK(f.state(topic) == PartitionState::halted);
  CHECK(f.partition(topic).detail == "the disk failed");
}

TEST_CASE("controller: create_topic is answered when its time is over, with the topic as it is",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const RequestId asked = f.create("orders");
  f.persist();
  f.pass(8'900ms);
  f.heartbeat(1);
  f.tick();
  CHECK_FALSE(f.answer(asked));
  f.tick(100ms);
  const auto made = f.body<CreateTopicReply>(asked);
  CHECK(made.topic.partitions.at(0).state == PartitionState::opening);
}

TEST_CASE("controller: create_topic that does not become durable in time is unknown", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const RequestId asked = f.create("orders");
  f.tick(9s);
  CHECK(f.code(asked) == Errc::timed_out);
  f.clear();
  f.persist();  // And it may well come to be.
  CHECK(f.controller->topics().size() == 1);
  CHECK_FALSE(f.answer(asked));
}

TEST_CASE("controller: racing creations of one topic make one", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const RequestId first = f.create("orders", 2);
  const RequestId second = f.create("orders", 5);
  CHECK(f.unwritten.size() == 1);
  CHECK_FALSE(f.answer(second));  // Not durable: it may not be said to exist.
  f.persist();
  CHECK(f.code(second) == Errc::topic_exists);
  f.reports_all(1);
  f.persist();
  CHECK(f.body<CreateTopicReply>(first).topic.partitions.size() == 2);
  CHECK(f.code(f.create("orders")) == Errc::topic_exists);
}

TEST_CASE("controller: the same request that comes twice is answered twice alike", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const RequestId asked = f.create("orders");
  f.requests = RequestId(asked.raw() - 1);
  CHECK(f.create("orders") == asked);
  f.persist();
  f.reports_all(1);
  f.persist();
  std::size_t answers = 0;
  for (const ClientReply& reply : f.out.replies) {
    CHECK(reply.message.header.error == Errc::ok);
    ++answers;
  }
  CHECK(answers == 2);
}

TEST_CASE("controller: topics that cannot be are refused at once", "[broker]") {
  ControllerFixture f;
  CHECK(f.code(f.create("orders")) == Errc::no_nodes);
  f.registers(1);
  CreateTopic body{.name = "orders", .config = {}};
  body.config.replication = 2;
  const RequestId asked = f.ask(body, Kind::create_topic);
  CHECK(f.code(asked) == Errc::no_nodes);
  CHECK(std::get<ErrorBody>(f.answer(asked)->body).detail.find("2 replicas") != std::string::npos);
  body.config.min_insync_replicas = 3;
  CHECK(f.code(f.ask(body, Kind::create_topic)) == Errc::invalid_argument);
  CHECK(f.code(f.create("orders", 0)) == Errc::invalid_argument);
  CHECK(f.code(f.create("orders", limits::partitions_per_topic_max + 1)) == Errc::invalid_argument);
  CHECK(f.unwritten.empty());
}

TEST_CASE("controller: the default replication waits for nodes that are known and may still come",
          "[broker]") {
  ControllerFixture f;
  const auto replicas_of = [&](const std::string& name) {
    CreateTopic body{.name = name, .config = {}};
    body.config.replication = 0;
    const RequestId asked = f.ask(body, Kind::create_topic);
    if (const auto refused = f.code(asked)) return -static_cast<int>(*refused);
    f.persist();
    return f.controller->topics().find(std::string_view(name))->meta.config.replication;
  };
  for (int id = 1; id <= 3; ++id) f.registers(id);
  CHECK(replicas_of("before") == 3);
  f.start();  // The process starts again, and one node has come back so far.
  f.registers(1);
  const int waits = -static_cast<int>(Errc::no_nodes);
  CHECK(replicas_of("at once") == waits);
  f.registers(2);
  CHECK(replicas_of("at once") == waits);
  SECTION("until they have come") {
    f.registers(3);
    CHECK(replicas_of("at once") == 3);
  }
  SECTION("until they have had their time") {
    for (int i = 0; i < 100; ++i) {
      f.tick(100ms);
      f.heartbeat(1);
      f.heartbeat(2);
    }
    CHECK(replicas_of("at once") == 2);
  }
}

TEST_CASE("controller: a minimum that the default could never meet is refused", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  CreateTopic body{.name = "orders", .config = {}};
  body.config.replication = 0;
  body.config.min_insync_replicas = 2;
  CHECK(f.code(f.ask(body, Kind::create_topic)) == Errc::invalid_argument);
}

TEST_CASE("controller: partitions have a limit over all topics", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const int each = limits::partitions_per_topic_max;
  for (int i = 0; i < static_cast<int>(limits::partitions_max) / each; ++i) {
    CHECK_FALSE(f.answer(f.create("t" + std::to_string(i), each)));
  }
  CHECK(f.code(f.create("one more")) == Errc::limit_reached);
}

TEST_CASE("controller: a new node takes part in the next placement", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.created("a", 4);
  f.registers(2);
  const TopicId topic = f.created("b", 2);
  CHECK(f.partition(topic, 0).meta.leader == NodeId{2});
  CHECK(f.partition(topic, 1).meta.leader == NodeId{1});
}

TEST_CASE("controller: placement counts partitions that are still on their way", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.registers(2);
  f.create("a");
  f.create("b");
  f.create("c");
  f.create("d");
  f.persist();
  CHECK(f.controller->partitions().led_by(NodeId{1}).size() == 2);
  CHECK(f.controller->partitions().led_by(NodeId{2}).size() == 2);
}

TEST_CASE("controller: a node whose patterns do not match gets nothing", "[broker]") {
  ControllerFixture f;
  RegisterNode special = f.node(1);
  special.topics = {"orders-*"};
  f.ask_to_register(special);
  f.persist();
  CHECK(f.code(f.create("logs")) == Errc::no_nodes);
  f.created("orders-eu", 2);
  CHECK(f.controller->partitions().led_by(NodeId{1}).size() == 2);
}

TEST_CASE("controller: assignments are chunked", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.create("wide", 600);
  f.persist();
  const auto assigns = f.told<Assign>(1);
  REQUIRE(assigns.size() == 3);
  CHECK(assigns[0].assignments.size() == limits::assignments_per_message_max);
  CHECK(f.assigned(1).size() == 600);
}

TEST_CASE("controller: an assignment that is not answered is sent again, ever less often",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.create("orders");
  f.persist();
  f.clear();
  std::vector<int> sent_at;
  for (int i = 1; i <= 300; ++i) {  // Thirty seconds.
    f.pass(100ms);
    f.heartbeat(1);
    f.tick();
    f.persist();
    if (!f.assigned(1).empty()) sent_at.push_back(i);
    f.clear();
  }
  CHECK(sent_at == std::vector<int>{20, 60, 140, 300});
}

TEST_CASE("controller: a topic's node that was lost while it was kept gets it on its return",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.create("orders");
  f.silence(f.options.node_lost_after);
  f.persist();
  const TopicId topic{1};
  CHECK(f.state(topic) == PartitionState::offline);
  CHECK(f.assigned(1).empty());
  f.ask_to_register(f.node(1));
  REQUIRE(f.assigned(1).size() == 1);
  CHECK(f.assigned(1)[0].create);
}

TEST_CASE("controller: a deleted topic is gone for all at once, and for good", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.registers(2);
  const TopicId topic = f.created("orders", 2);
  const RequestId asked = f.remove("orders");
  CHECK_FALSE(f.answer(asked));
  CHECK(f.told<Assign>(1).empty());
  f.persist();
  CHECK(f.body<DeleteTopicReply>(asked).id == topic);
  CHECK(f.out.routes_removed == std::vector<TopicId>{topic});
  CHECK(f.controller->partitions().size() == 0);
  for (const int node : {1, 2}) {
    REQUIRE(f.told<Assign>(node).size() == 1);
    CHECK(f.told<Assign>(node)[0].deleted == std::vector<TopicId>{topic});
  }
  CHECK(f.code(f.remove("orders")) == Errc::unknown_topic);

  // Its name is free, its number is not.
  CHECK(f.created("orders") > topic);
}

TEST_CASE("controller: a tombstone is kept until every holder has reported", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.registers(2);
  const TopicId topic = f.created("orders", 2);
  f.remove("orders");
  f.persist();
  f.report(1, 1, {}, {topic});
  f.persist();
  REQUIRE(f.disk->state.tombstones.size() == 1);
  CHECK(f.disk->state.tombstones[0].holders == std::vector<NodeId>{NodeId{2}});

  // Node 2 was away; after a restart of the broker too it is told again.
  f.start();
  f.ask_to_register(f.node(1));
  f.ask_to_register(f.node(2));
  CHECK(f.told<Assign>(1).empty());
  REQUIRE(f.told<Assign>(2).size() == 1);
  CHECK(f.told<Assign>(2)[0].deleted == std::vector<TopicId>{topic});
  f.report(2, 1, {}, {topic});
  f.persist();
  CHECK(f.disk->state.tombstones.empty());
}

TEST_CASE("controller: a tombstone that is not reported is sent again", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.created("orders");
  f.remove("orders");
  f.persist();
  f.clear();
  for (int i = 0; i < 20; ++i) {
    f.pass(100ms);
    f.heartbeat(1);
    f.tick();
  }
  CHECK(f.told<Assign>(1).size() == 1);
}

TEST_CASE("controller: deletions that race are both answered", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.created("orders");
  const RequestId first = f.remove("orders");
  const RequestId second = f.remove("orders");
  f.persist();
  CHECK(f.code(first) == Errc::ok);
  CHECK(f.code(second) == Errc::ok);
}

TEST_CASE("controller: a topic can be made again while its removal is on its way", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId before = f.created("orders");
  f.remove("orders");
  const RequestId asked = f.create("orders", 2);
  f.persist();
  const Topic* topic = f.controller->topics().find(std::string_view("orders"));
  REQUIRE(topic != nullptr);
  CHECK(topic->meta.id > before);
  f.reports_all(1);
  f.persist();
  CHECK(f.body<CreateTopicReply>(asked).topic.partitions.size() == 2);
}

TEST_CASE("controller: whoever waits for a topic that is deleted is told", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const RequestId creator = f.create("orders");
  f.persist();
  f.remove("orders");
  f.persist();
  CHECK(f.code(creator) == Errc::unknown_topic);
}

TEST_CASE("controller: a node that starts anew while a topic is being deleted does not revive it",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId topic = f.created("orders");
  f.remove("orders");
  f.ask_to_register(f.node(1, 2));
  f.persist();
  CHECK(f.controller->partitions().size() == 0);
  CHECK(f.assigned(1).empty());
  REQUIRE_FALSE(f.told<Assign>(1).empty());
  CHECK(f.told<Assign>(1).back().deleted == std::vector<TopicId>{topic});
}

TEST_CASE("controller: only what changed is pushed, under dense versions", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.created("a");
  const TopicId b = f.created("b");
  f.tick(1s);
  f.heartbeat(1);
  f.clear();
  const std::int64_t version = f.controller->metadata_version();
  f.report(1, 1, {replica(b, 0, 1, PartitionState::halted, "why")});
  REQUIRE(f.out.pushes.size() == 1);
  CHECK(f.out.pushes[0].metadata_version == version + 1);
  CHECK(f.out.pushes[0].complete);
  REQUIRE(f.out.pushes[0].topics.size() == 1);
  CHECK(f.out.pushes[0].topics[0].name == "b");

  // What follows at once waits a little, and goes together.
  f.remove("b");
  f.persist();
  CHECK(f.out.pushes.size() == 1);
  f.tick(f.options.push_interval);
  REQUIRE(f.out.pushes.size() == 2);
  CHECK(f.out.pushes[1].metadata_version == version + 2);
  CHECK(f.out.pushes[1].deleted == std::vector<TopicId>{b});
  CHECK(f.out.pushes[1].topics.empty());
}

TEST_CASE("controller: too much change is not listed", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  for (int i = 0; i < 300; ++i) f.create("t" + std::to_string(i));
  f.clear();
  f.persist();
  f.tick(1s);
  bool listed_all = true;
  for (const MetadataChanged& push : f.out.pushes) {
    if (!push.complete) {
      listed_all = false;
      CHECK(push.topics.empty());
    }
  }
  CHECK_FALSE(listed_all);
}

TEST_CASE("controller: metadata by name and of all", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.created("b");
  f.created("a");
  const auto all = f.body<MetadataReply>(f.ask(MetadataRequest{}, Kind::metadata));
  REQUIRE(all.topics.size() == 2);
  CHECK(all.topics[0].name == "b");  // In order of creation.
  const auto some = f.body<MetadataReply>(f.ask(MetadataRequest{{"a", "none"}}, Kind::metadata));
  REQUIRE(some.topics.size() == 1);
  CHECK(some.topics[0].name == "a");
  CHECK(some.metadata_version == f.controller->metadata_version());
}

TEST_CASE("controller: a name that is asked for again and again is answered once", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.created("wide", 1'000);
  const std::vector<std::string> names(1'000, "wide");
  CHECK(f.body<MetadataReply>(f.ask(MetadataRequest{names}, Kind::metadata)).topics.size() == 1);
}

TEST_CASE("controller: the largest cluster's answers fit into a message", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  for (int i = 0; i < 5; ++i) {
    f.create("wide-" + std::to_string(i), limits::partitions_per_topic_max);
  }
  f.persist();
  for (int topic = 1; topic <= 5; ++topic) {
    std::vector<ReplicaState> replicas;
    for (int i = 0; i < limits::partitions_per_topic_max; ++i) {
      replicas.push_back(
          replica(TopicId(topic), i, 1, PartitionState::halted, std::string(1'000, 'x')));
    }
    f.report(1, 1, std::move(replicas));
  }
  const auto size = [&](RequestId asked) { return encode_body(f.answer(asked)->body).size(); };
  CHECK(size(f.ask(MetadataRequest{}, Kind::metadata)) < limits::body_bytes_max);
  CHECK(size(f.ask(ClusterStatusRequest{true}, Kind::cluster_status)) < limits::body_bytes_max);
}

TEST_CASE("controller: cluster_status shows nodes, topics and partitions", "[broker]") {
  ControllerFixture f;
  f.registers(1);
  f.registers(2);
  const TopicId topic = f.created("orders");
  PartitionStatus status;
  status.topic = topic;
  status.leader_epoch = Epoch{1};
  status.state = PartitionState::online;
  status.log_end = Offset{42};
  status.file = "/data/orders-0.db";
  f.heartbeat(1, 1, {status});
  const auto reply =
      f.body<ClusterStatusReply>(f.ask(ClusterStatusRequest{true}, Kind::cluster_status));
  REQUIRE(reply.nodes.size() == 2);
  CHECK(reply.nodes[0].health == NodeHealth::alive);
  CHECK(reply.nodes[0].partitions_led == 1);
  REQUIRE(reply.partitions.size() == 1);
  CHECK(reply.partitions[0].log_end == Offset{42});
  CHECK(reply.partitions[0].file == "/data/orders-0.db");
  CHECK(reply.partitions[0].node == NodeId{1});
  const auto brief =
      f.body<ClusterStatusReply>(f.ask(ClusterStatusRequest{false}, Kind::cluster_status));
  CHECK(brief.partitions.empty());
  CHECK(brief.topics.size() == 1);
}

TEST_CASE("controller: without room for metadata changes are refused and reading goes on",
          "[broker]") {
  ControllerFixture f;
  f.registers(1);
  const TopicId topic = f.created("orders");
  f.step(MetaStalled{"the disk is full"});
  const RequestId asked = f.create("more");
  CHECK(f.code(asked) == Errc::storage_full);
  CHECK(f.code(f.remove("orders")) == Errc::storage_full);
  CHECK(f.code(f.ask(RegisterConsumer{"orders", "me"}, Kind::register_consumer)) ==
        Errc::storage_full);
  CHECK(f.code(f.ask(AllocateProducerIds{1}, Kind::allocate_producer_ids)) == Errc::storage_full);
  CHECK(f.body<MetadataReply>(f.ask(MetadataRequest{}, Kind::metadata)).topics.size() == 1);
  CHECK(f.state(topic) == PartitionState::online);
  CHECK(f.controller->stalled());
}
