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
  /// A node with labels.
  void joins(int id, const std::string& rack, const std::string& region = {}) {
    RegisterNode request = node(id);
    request.rack = rack;
    request.region = region;
    ask_to_register(request);
    persist();
    REQUIRE(session(id) != 0);
  }
  /// The node is lost, and does not come back.
  void dies(int id) {
    from_node(id, Goodbye{Incarnation{1}}, Kind::goodbye);
    persist();
  }
  [[nodiscard]] std::size_t moving() const {
    std::size_t count = 0;
    for (const auto& [key, partition] : controller->partitions().rows()) {
      if (!partition.meta.target.empty()) ++count;
    }
    return count;
  }
  /// Partitions that have more replicas than they are to have: those that are being copied.
  [[nodiscard]] std::size_t copying() const {
    std::size_t count = 0;
    for (const auto& [key, partition] : controller->partitions().rows()) {
      if (partition.meta.replicas.size() > partition.meta.isr.size()) ++count;
    }
    return count;
  }
  [[nodiscard]] std::vector<std::size_t> leads() const {
    std::vector<std::size_t> counts;
    for (const auto& [id, row] : controller->nodes().rows()) {
      if (row.alive()) counts.push_back(controller->partitions().led_by(id).size());
    }
    return counts;
  }
  void alter(const AlterTopic& change) {
    ask(change, Kind::alter_topic);
    persist();
  }
  /// No partition has two replicas in one rack of nodes(odd) and nodes(even).
  void check_racks(TopicId topic, int partitions) const {
    for (int i = 0; i < partitions; ++i) {
      const std::vector<NodeId>& replicas = partition(topic, i).meta.replicas;
      REQUIRE(replicas.size() == 2);
      CHECK(replicas[0].raw() % 2 != replicas[1].raw() % 2);
    }
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

TEST_CASE(
    "controller: what is said late of a copy that is to be deleted does not count for the next",
    "[broker]") {
  Moving f(3);
  const TopicId topic = f.make("orders", 1, 3);
  const PartitionKey key{topic, PartitionIndex{0}};
  const NodeId last = f.partition(topic).meta.replicas.back();
  const ReplicaState before = f.said(last.raw(), key, ReplicaRole::following);
  AlterTopic change;
  change.name = "orders";
  change.replication = 2;
  f.alter(change);
  f.tick(100ms);
  f.persist();
  REQUIRE_FALSE(names(f.partition(topic).meta.replicas, last));
  // It deletes its copy, and is asked for one again. Its leader has heard of neither.
  change.replication = 3;
  f.alter(change);
  f.tick(100ms);
  f.persist();
  REQUIRE(names(f.partition(topic).meta.replicas, last));
  f.report(last.raw(), 1, {before});
  f.persist();
  f.propose_all();
  CHECK_FALSE(names(f.partition(topic).meta.isr, last));
  f.report(last.raw(), 1, {f.said(last.raw(), key, ReplicaRole::following)});
  f.persist();
  f.propose_all();
  CHECK(names(f.partition(topic).meta.isr, last));
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

TEST_CASE("controller: a move to a node that is gone for good ends when that is drained",
          "[broker]") {
  Moving f(3);
  f.make("orders", 12, 2);
  f.registers(4);
  f.command(NodeCommand::rebalance, 0);
  REQUIRE(f.moving() > 0);
  f.dies(4);
  f.settle();
  REQUIRE(f.moving() > 0);  // It may come back.
  CHECK(f.code(f.command(NodeCommand::remove, 4)) == Errc::invalid_argument);
  f.command(NodeCommand::drain, 4);
  f.settle();
  CHECK(f.moving() == 0);
  CHECK(f.controller->partitions().held_by(NodeId{4}).empty());
  CHECK(f.code(f.command(NodeCommand::remove, 4)) == Errc::ok);
  for (int id = 1; id <= 3; ++id) CHECK(f.controller->partitions().held_by(NodeId(id)).size() == 8);
}

TEST_CASE("controller: a drain whose new node dies goes elsewhere, or back to where it was",
          "[broker]") {
  const bool is_another = GENERATE(true, false);
  Moving f(3);
  const TopicId topic = f.make("orders", 1, 2);
  REQUIRE(f.partition(topic).meta.replicas == nodes({1, 2}));
  if (is_another) f.registers(4);
  f.command(NodeCommand::drain, 2);
  REQUIRE(f.partition(topic).meta.target == nodes({1, 3}));
  f.dies(3);
  f.command(NodeCommand::drain, 3);
  f.settle();
  CHECK(f.partition(topic).meta.target.empty());
  CHECK(f.partition(topic).meta.replicas == (is_another ? nodes({1, 4}) : nodes({1, 2})));
}

TEST_CASE("controller: a target that waits for its turn goes elsewhere when its node dies",
          "[broker]") {
  Moving f(2);
  f.make("orders", 40, 1);
  f.registers(3);
  f.command(NodeCommand::drain, 1);
  const std::size_t all = f.moving();
  REQUIRE(all == 20);
  f.dies(3);
  f.tick(2s);
  f.persist();
  for (const auto& [key, partition] : f.controller->partitions().rows()) {
    const PartitionMeta& meta = partition.meta;
    for (const NodeId id : meta.target) CHECK((id != NodeId{3} || names(meta.replicas, id)));
  }
}

TEST_CASE("controller: acks go on while replicas are added", "[broker]") {
  Moving f(3);
  const TopicId topic = f.make("orders", 1, 1);
  f.alter({.name = "orders", .replication = 3});
  const auto least = [&] { return f.assigned(1).back().min_insync; };
  // They are copying: its leader alone is in sync, and was enough before.
  CHECK(f.partition(topic).meta.replicas.size() == 3);
  CHECK(f.partition(topic).meta.isr == nodes({1}));
  CHECK(least() == 1);
  f.settle();
  CHECK(f.partition(topic).meta.target.empty());
  CHECK(f.partition(topic).meta.isr.size() == 3);
  f.from_node(3, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  CHECK(least() == 2);
}

TEST_CASE("controller: whoever left a set that is no longer too small may not lead", "[broker]") {
  // Three replicas, two of them gone: the one that left last is eligible while the least is two.
  // When the least is lowered the leader commits alone, and raising it again does not bring that
  // back.
  Moving f(3);
  const TopicId topic = f.make("orders", 1, 3);
  f.from_node(3, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  f.from_node(2, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  REQUIRE(f.partition(topic).meta.isr == nodes({1}));
  REQUIRE(f.partition(topic).meta.eligible == nodes({2}));
  f.alter({.name = "orders", .min_insync_replicas = 1});
  CHECK(f.partition(topic).meta.eligible.empty());
  f.alter({.name = "orders", .min_insync_replicas = 2});
  CHECK(f.partition(topic).meta.eligible.empty());
}

TEST_CASE("controller: few partitions are copied at a time, and all in the end", "[broker]") {
  Moving f(2);
  f.make("orders", 100, 1);
  SECTION("a rebalance") {
    f.registers(3);
    const RequestId asked = f.command(NodeCommand::rebalance, 0);
    CHECK(f.body<CommandNodeReply>(asked).moves == 33);
    CHECK(f.moving() == 33);
  }
  SECTION("another replication") {
    f.alter({.name = "orders", .replication = 2});
    CHECK(f.moving() == 100);
  }
  SECTION("a drain") {
    const RequestId asked = f.command(NodeCommand::drain, 1);
    CHECK(f.body<CommandNodeReply>(asked).moves == 50);
  }
  CHECK(f.copying() == limits::moves_at_once);
  const std::size_t before = f.moving();
  f.settle();
  CHECK(f.moving() < before);
  for (int i = 0; i < 10; ++i) f.settle();
  CHECK(f.moving() == 0);
}

TEST_CASE("controller: a drain shows how far it is", "[broker]") {
  Moving f(2);
  f.make("orders", 60, 1);
  const auto held = [&] { return f.controller->partitions().held_by(NodeId{1}).size(); };
  REQUIRE(held() == 30);
  f.command(NodeCommand::drain, 1);
  std::size_t last = held();
  for (int i = 0; i < 10 && last > 0; ++i) {
    f.settle();
    CHECK(held() + f.controller->partitions().held_by(NodeId{2}).size() >= 60);
    CHECK(held() < last);
    last = held();
  }
  CHECK(last == 0);
}

TEST_CASE("controller: a new node leads its share and no more", "[broker]") {
  Moving f(3);
  f.make("orders", 12, 3);
  CHECK(f.leads() == std::vector<std::size_t>{4, 4, 4});
  f.registers(4);
  f.command(NodeCommand::rebalance, 0);
  for (int i = 0; i < 4; ++i) f.settle();
  CHECK(f.moving() == 0);
  CHECK(f.leads() == std::vector<std::size_t>{3, 3, 3, 3});
}

TEST_CASE("controller: when a node dies the others lead equally many", "[broker]") {
  Moving f(3);
  f.make("orders", 12, 3);
  f.dies(1);
  f.settle();
  CHECK(f.leads() == std::vector<std::size_t>{6, 6});
}

TEST_CASE("controller: racks are kept apart whatever makes replicas move", "[broker]") {
  Moving f(0);
  for (const int id : {1, 2, 3, 4}) f.joins(id, id % 2 == 1 ? "a" : "b");
  SECTION("a drain") {
    const TopicId topic = f.make("orders", 8, 2);
    f.check_racks(topic, 8);
    f.command(NodeCommand::drain, 2);
    f.settle();
    CHECK(f.controller->partitions().held_by(NodeId{2}).empty());
    f.check_racks(topic, 8);
  }
  SECTION("another replication") {
    const TopicId topic = f.make("orders", 8, 1);
    f.alter({.name = "orders", .replication = 2});
    f.settle();
    f.check_racks(topic, 8);
    f.alter({.name = "orders", .replication = 4});
    f.settle();
    f.alter({.name = "orders", .replication = 2});
    f.settle();
    f.check_racks(topic, 8);
  }
  SECTION("a rebalance") {
    const TopicId topic = f.make("orders", 8, 2);
    f.joins(5, "a");
    f.command(NodeCommand::rebalance, 0);
    f.settle();
    CHECK(f.controller->partitions().held_by(NodeId{5}).size() >= 2);
    f.check_racks(topic, 8);
  }
}

TEST_CASE("controller: regions are kept apart whatever makes replicas move", "[broker]") {
  Moving f(0);
  for (const int id : {1, 2, 3}) f.joins(id, std::to_string(id), "east");
  const TopicId topic = f.make("orders", 4, 2);
  f.joins(4, "1", "west");
  f.joins(5, "2", "west");
  f.command(NodeCommand::rebalance, 0);
  f.settle();
  const auto in_west = [&](int i) {
    std::size_t count = 0;
    for (const NodeId id : f.partition(topic, i).meta.replicas) count += id.raw() >= 4 ? 1U : 0U;
    return count;
  };
  for (int i = 0; i < 4; ++i) CHECK(in_west(i) == 1);
  f.command(NodeCommand::drain, 4);
  f.settle();
  for (int i = 0; i < 4; ++i) CHECK(in_west(i) == 1);
  f.alter({.name = "orders", .replication = 1});
  f.settle();
  f.alter({.name = "orders", .replication = 2});
  f.settle();
  for (int i = 0; i < 4; ++i) CHECK(in_west(i) == 1);
}

TEST_CASE("controller: a node's command and its registration do not undo each other", "[broker]") {
  Moving f(2);
  f.ask(CommandNode{NodeCommand::drain, NodeId{1}}, Kind::command_node);
  f.ask_to_register(f.node(1, 2));  // Its next life, while the drain is on its way to the store.
  f.persist();
  CHECK(f.controller->nodes().find(NodeId{1})->meta.draining);
  f.registers(1, 2);
  CHECK(f.controller->nodes().find(NodeId{1})->meta.draining);
  CHECK(f.controller->nodes().find(NodeId{1})->meta.incarnation == Incarnation{2});
}
