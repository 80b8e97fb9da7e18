// Replicas that move: drains, rebalances, altered topics.
#include "tests/unit/broker/controller_fixture.hpp"

using namespace pinion;
using namespace pinion::test;

namespace {

std::vector<NodeId> nodes(std::initializer_list<int> ids) {
  std::vector<NodeId> all;
  for (const int id : ids) all.emplace_back(id);
  return all;
}

class Moving : public ControllerFixture {
 public:
  explicit Moving(int there_are) {
    for (int id = 1; id <= there_are; ++id) registers(id);
  }
  TopicId make(const std::string& name, int partitions, int replication) {
    CreateTopic body{.name = name, .config = {}};
    body.config.partitions = partitions;
    body.config.replication = replication;
    ask(std::move(body), Kind::create_topic);
    persist();
    const TopicId id = controller->topics().find(std::string_view(name))->meta.id;
    settle();
    return id;
  }
  /// Every replica reports, every leader proposes all of them, drops are carried out: until nothing
  /// changes any more.
  void settle() {
    for (int round = 0; round < 12; ++round) {
      for (const auto& [id, node] : controller->nodes().rows()) {
        if (!node.alive()) continue;
        std::vector<ReplicaState> states;
        for (const PartitionKey key : controller->partitions().held_by(id)) {
          const bool leads = controller->partitions().find(key)->meta.leader == id;
          states.push_back(
              said(id.raw(), key, leads ? ReplicaRole::leader : ReplicaRole::following));
        }
        ReplicaReport body;
        body.node = id;
        body.incarnation = node.meta.incarnation;
        body.session = session(id.raw());
        body.replicas = std::move(states);
        for (const PartitionKey key : controller->partitions().dropped_by(id)) {
          body.dropped.push_back({key.topic, key.partition, 1});
        }
        from_node(id.raw(), std::move(body), Kind::replica_report);
        persist();
      }
      propose_all();
      tick(1s);
      for (const auto& [id, node] : controller->nodes().rows()) {
        if (node.alive()) heartbeat(id.raw());
      }
      persist();
    }
    clear();
  }
  void propose_all() {
    for (const auto& [key, partition] : controller->partitions().rows()) {
      if (partition.meta.isr.size() == partition.meta.replicas.size()) continue;
      const int leader = partition.meta.leader.raw();
      IsrProposal body;
      body.node = partition.meta.leader;
      body.incarnation = Incarnation{1};
      body.session = session(leader);
      ProposedIsr proposal{
          key.topic, key.partition, partition.meta.leader_epoch, partition.meta.version, {}};
      for (const NodeId id : partition.meta.replicas) proposal.isr.push_back({id, Incarnation{1}});
      body.proposals.push_back(std::move(proposal));
      from_node(leader, std::move(body), Kind::isr_proposal);
    }
    persist();
  }
  RequestId command(NodeCommand what, int node) {
    const RequestId id = ask(CommandNode{what, NodeId(node)}, Kind::command_node);
    persist();
    return id;
  }
};

}  // namespace

TEST_CASE("controller: a drained node ends with nothing, and copies come first", "[broker]") {
  Moving f(3);
  const TopicId topic = f.make("orders", 3, 2);
  const RequestId asked = f.command(NodeCommand::drain, 1);
  CHECK(f.body<CommandNodeReply>(asked).moves == 2);
  bool moving = false;
  for (int i = 0; i < 3; ++i) {
    const PartitionMeta& meta = f.partition(topic, i).meta;
    if (meta.target.empty()) continue;
    moving = true;
    CHECK(meta.replicas.size() == 3);  // All of them hold it until the new one is in sync.
    CHECK(names(meta.isr, NodeId{1}));
  }
  CHECK(moving);
  f.settle();
  CHECK(f.controller->partitions().held_by(NodeId{1}).empty());
  CHECK(f.controller->partitions().dropped_by(NodeId{1}).empty());
  for (int i = 0; i < 3; ++i) {
    const PartitionMeta& meta = f.partition(topic, i).meta;
    CHECK(meta.replicas.size() == 2);
    CHECK(meta.isr.size() == 2);
    CHECK(meta.leader != NodeId{1});
    CHECK(meta.target.empty());
    CHECK_FALSE(names(meta.made, NodeId{1}));
  }
}

TEST_CASE("controller: what was moved away and comes back is heard again", "[broker]") {
  Moving f(3);
  f.said_in = RequestId{170'000};  // A node that has run for a day.
  const TopicId topic = f.make("orders", 3, 2);
  f.command(NodeCommand::drain, 1);
  f.settle();
  REQUIRE(f.controller->partitions().held_by(NodeId{1}).empty());
  f.said_in = RequestId{1};  // It was started again, and counts anew.
  f.command(NodeCommand::keep, 1);
  f.command(NodeCommand::rebalance, 0);
  f.settle();
  CHECK_FALSE(f.controller->partitions().held_by(NodeId{1}).empty());
  for (int i = 0; i < 3; ++i) {
    const PartitionMeta& meta = f.partition(topic, i).meta;
    CHECK(meta.target.empty());
    CHECK(meta.isr.size() == 2);
  }
}

TEST_CASE("controller: a partition of one replica moves without a gap", "[broker]") {
  Moving f(2);
  const TopicId topic = f.make("orders", 1, 1);
  REQUIRE(f.partition(topic).meta.leader == NodeId{1});
  f.command(NodeCommand::drain, 1);
  CHECK(f.partition(topic).meta.replicas == nodes({1, 2}));
  CHECK(f.partition(topic).meta.leader == NodeId{1});
  f.settle();
  CHECK(f.partition(topic).meta.replicas == nodes({2}));
  CHECK(f.partition(topic).meta.leader == NodeId{2});
  CHECK(f.state(topic) == PartitionState::online);
}

TEST_CASE("controller: only a node that is stopped and holds nothing is forgotten", "[broker]") {
  Moving f(3);
  f.make("orders", 3, 2);
  CHECK(f.code(f.command(NodeCommand::remove, 1)) == Errc::invalid_argument);
  f.command(NodeCommand::drain, 1);
  f.settle();
  CHECK(f.code(f.command(NodeCommand::remove, 1)) == Errc::invalid_argument);  // It runs.
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  CHECK(f.code(f.command(NodeCommand::remove, 1)) == Errc::ok);
  CHECK(f.controller->nodes().find(NodeId{1}) == nullptr);
  CHECK(f.code(f.command(NodeCommand::drain, 9)) == Errc::invalid_argument);
}

TEST_CASE("controller: a new node gets its share when it is asked for", "[broker]") {
  Moving f(2);
  f.make("orders", 6, 2);
  f.registers(3);
  const RequestId asked = f.command(NodeCommand::rebalance, 0);
  CHECK(f.body<CommandNodeReply>(asked).moves >= 3);
  f.settle();
  for (const int id : {1, 2, 3}) {
    CHECK(f.controller->partitions().held_by(NodeId(id)).size() == 4);
  }
}

TEST_CASE("controller: a topic gets more partitions and replicas while it is in use", "[broker]") {
  Moving f(3);
  const TopicId topic = f.make("orders", 1, 1);
  AlterTopic change;
  change.name = "orders";
  change.partitions = 3;
  change.replication = 3;
  change.min_insync_replicas = 2;
  const RequestId asked = f.ask(change, Kind::alter_topic);
  f.persist();
  CHECK(f.body<AlterTopicReply>(asked).topic.partitions.size() == 3);
  f.settle();
  for (int i = 0; i < 3; ++i) {
    CHECK(f.partition(topic, i).meta.isr.size() == 3);
    CHECK(f.state(topic, i) == PartitionState::online);
  }
  CHECK(f.controller->topics().find(topic)->meta.config.min_insync_replicas == 2);
  change = {};
  change.name = "orders";
  change.replication = 2;
  f.ask(change, Kind::alter_topic);
  f.persist();
  f.settle();
  for (int i = 0; i < 3; ++i) CHECK(f.partition(topic, i).meta.replicas.size() == 2);
}

TEST_CASE("controller: what cannot be of a topic is refused", "[broker]") {
  Moving f(2);
  f.make("orders", 2, 1);
  const auto code = [&](AlterTopic change) {
    return f.code(f.ask(std::move(change), Kind::alter_topic));
  };
  CHECK(code({.name = "none"}) == Errc::unknown_topic);
  CHECK(code({.name = "orders", .partitions = 1}) == Errc::invalid_argument);
  CHECK(code({.name = "orders", .min_insync_replicas = 2}) == Errc::invalid_argument);
  CHECK(code({.name = "orders", .replication = 3}) == Errc::no_nodes);
  CHECK(f.unwritten.empty());
}
