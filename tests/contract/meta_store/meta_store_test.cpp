// What the controller relies on of common/ports/meta_store.hpp: one suite for the memory store and
// for broker.db.
#include "common/ports/meta_store.hpp"

#include <catch2/catch.hpp>

#include "broker/storage/sqlite_meta_store.hpp"
#include "tests/support/memory_meta_store.hpp"
#include "tests/support/test_process.hpp"

#include <memory>
#include <optional>

using namespace pinion;

namespace {

/// A disk on which stores are opened one after the other; leaving one is a crash.
class MemoryDisk {
 public:
  [[nodiscard]] std::unique_ptr<MetaStore> open() {
    return std::make_unique<test::MemoryMetaStore>(disk_);
  }

 private:
  std::shared_ptr<test::MemoryMetaDisk> disk_ = std::make_shared<test::MemoryMetaDisk>();
};

class SqliteDisk {
 public:
  [[nodiscard]] std::unique_ptr<MetaStore> open() {
    auto store = SqliteMetaStore::open({.data_dir = folder_ / "broker", .vfs = {}});
    if (!store) FAIL(store.error().to_string());
    return std::move(*store);
  }

 private:
  test::TemporaryFolder folder_;
};

template <typename Disk>
class Fixture {
 public:
  Fixture() { crash(); }

  /// The process ends without a word and starts again.
  MetaState crash(Restored restored = Restored::no) {
    store.reset();
    store = disk.open();
    auto begun = store->begin_term(restored);
    if (!begun) FAIL(begun.error().to_string());
    state = std::move(*begun);
    return state;
  }
  void apply(std::vector<MetaOp> ops) {
    const MetaWrite write{++ticket, std::move(ops)};
    REQUIRE(store->apply({&write, 1}));
  }

  Disk disk;
  std::unique_ptr<MetaStore> store;
  MetaState state;
  Ticket ticket{0};
};

[[nodiscard]] NodeMeta node(int id) {
  return {.id = NodeId(id),
          .store_id = "store-" + std::to_string(id),
          .incarnation = Incarnation{3},
          .start_id = (std::int64_t{1} << 62) + 5,
          .join = (std::int64_t{1} << 62) + 6,
          .address = "tcp://host:1",
          .rack = "r'1",
          .region = "eu \xc3\xa4",
          .topics = {"orders-*", "logs"},
          .version = "0.1",
          .registered_at = Micros(100),
          .last_heartbeat = Micros(200),
          .health = NodeHealth::alive};
}

[[nodiscard]] PartitionMeta partition(int topic, int index, int leader = 1) {
  return {.key = {TopicId(topic), PartitionIndex(index)},
          .leader = NodeId(leader),
          .replicas = {NodeId(leader), NodeId(leader + 1)},
          .isr = {NodeId(leader)},
          .leader_epoch = Epoch{1},
          .version = 1,
          .opened = false,
          .log_end = Offset{0},
          .file_bytes = 0};
}

[[nodiscard]] PutTopic topic(int id, const std::string& name, int partitions = 1) {
  PutTopic put;
  put.topic = {.id = TopicId(id),
               .name = name,
               .created_at = Micros(5),
               .config = {.partitions = partitions,
                          .replication = 1,
                          .retention_ms = 7,
                          .retention_bytes = std::int64_t{1} << 40}};
  for (int i = 0; i < partitions; ++i) put.partitions.push_back(partition(id, i));
  return put;
}

[[nodiscard]] MetaCounters counters(int next_topic) {
  return {.topic = TopicId(next_topic),
          .producer_id = ProducerId{1'025},
          .producer = RegistrationId{4},
          .consumer = RegistrationId{9}};
}

[[nodiscard]] PutRegistration registration(RegistrationKind kind, int id, int of_topic,
                                           const std::string& name) {
  return {{.kind = kind,
           .id = RegistrationId(id),
           .topic = TopicId(of_topic),
           .name = name,
           .registered_at = Micros(11)}};
}

}  // namespace

TEMPLATE_TEST_CASE("meta store: each term has a larger epoch, and a cluster one identity",
                   "[contract]", MemoryDisk, SqliteDisk) {
  Fixture<TestType> f;
  const MetaState first = f.state;
  CHECK(first.controller_epoch == ControllerEpoch{1});
  CHECK_FALSE(first.cluster_id.empty());
  CHECK(first.counters == MetaCounters{});
  CHECK(first.topics.empty());
  const MetaState second = f.crash();
  CHECK(second.controller_epoch == ControllerEpoch{2});
  CHECK(second.cluster_id == first.cluster_id);
  // Two terms of one epoch, of copies of one file, are told apart.
  CHECK(first.start_id > 0);
  CHECK(second.start_id > 0);
  CHECK(first.start_id != second.start_id);
}

TEMPLATE_TEST_CASE("meta store: a file knows the terms that it began", "[contract]", MemoryDisk,
                   SqliteDisk) {
  Fixture<TestType> f;
  CHECK(f.state.earlier_terms.empty());
  std::vector<Term> begun;
  for (int i = 0; i < 3; ++i) {
    begun.push_back({f.state.controller_epoch, f.state.start_id});
    CHECK(f.crash().earlier_terms == begun);
  }
}

TEMPLATE_TEST_CASE("meta store: a file that was put back goes on behind what was decided since",
                   "[contract]", MemoryDisk, SqliteDisk) {
  Fixture<TestType> f;
  const MetaCounters counters{TopicId{7}, ProducerId{1'000}, RegistrationId{5}, RegistrationId{6}};
  PartitionMeta led = partition(1, 0, 2);
  led.eligible = {NodeId{3}};
  led.made = {NodeId{2}, NodeId{4}};
  led.target = {NodeId{4}, NodeId{5}};
  led.min_insync_before = 1;
  f.apply({PutNode{node(1)}, topic(1, "orders"), SetPartition{led}, SetCounters{counters}});
  f.crash();
  const MetaState before = f.crash();
  REQUIRE(before.nodes.at(0).join != 0);
  REQUIRE(before.partitions.at(0).leader == NodeId{2});
  const MetaState restored = f.crash(Restored::yes);
  CHECK(restored.cluster_id == before.cluster_id);
  CHECK(restored.controller_epoch > before.controller_epoch + 1'000);
  CHECK(restored.earlier_terms.empty());
  CHECK(restored.nodes.at(0).join == 0);
  CHECK(restored.nodes.at(0).incarnation == before.nodes.at(0).incarnation);
  CHECK(restored.counters.topic > TopicId{1'000});
  CHECK(restored.counters.producer_id > ProducerId{1'000'000});
  CHECK(restored.counters.producer > RegistrationId{1'000});
  CHECK(restored.counters.consumer > RegistrationId{1'000});
  const PartitionMeta& waits = restored.partitions.at(0);
  CHECK(waits.leader == node_none);
  CHECK(waits.leader_epoch > led.leader_epoch + 1'000);
  CHECK(waits.version > led.version + 1'000);
  CHECK(waits.isr == waits.replicas);
  CHECK(waits.eligible.empty());
  // What was to be moved or dropped then may be all there is now.
  CHECK(waits.made == std::vector<NodeId>{NodeId{2}});
  CHECK(waits.target.empty());
  CHECK(waits.min_insync_before == 0);
  // All of it is kept.
  MetaState after = f.crash();
  CHECK(after.controller_epoch == restored.controller_epoch + 1);
  CHECK(after.earlier_terms == std::vector<Term>{{restored.controller_epoch, restored.start_id}});
  CHECK(after.counters == restored.counters);
  CHECK(after.nodes == restored.nodes);
  CHECK(after.partitions == restored.partitions);
}

TEMPLATE_TEST_CASE("meta store: two clusters have two identities", "[contract]", SqliteDisk) {
  Fixture<TestType> one;
  Fixture<TestType> other;
  CHECK(one.state.cluster_id != other.state.cluster_id);
}

TEMPLATE_TEST_CASE("meta store: what was applied is there after a crash", "[contract]", MemoryDisk,
                   SqliteDisk) {
  Fixture<TestType> f;
  f.apply({PutNode{node(2)}, PutNode{node(1)}, SetCounters{counters(3)}});
  f.apply({topic(1, "orders", 3), topic(2, "logs")});
  f.apply({registration(RegistrationKind::producer, 1, 1, "p"),
           registration(RegistrationKind::consumer, 1, 1, ""),
           registration(RegistrationKind::consumer, 2, 2, "c")});
  const MetaState state = f.crash();
  CHECK(state.nodes == std::vector<NodeMeta>{node(1), node(2)});
  CHECK(state.counters == counters(3));
  REQUIRE(state.topics.size() == 2);
  CHECK(state.topics[0] == topic(1, "orders", 3).topic);
  REQUIRE(state.partitions.size() == 4);
  CHECK(state.partitions[2] == partition(1, 2));
  CHECK(state.partitions[3] == partition(2, 0));
  REQUIRE(state.registrations.size() == 3);
  CHECK(state.registrations[0] == registration(RegistrationKind::producer, 1, 1, "p").registration);
  CHECK(state.registrations[2] == registration(RegistrationKind::consumer, 2, 2, "c").registration);
}

TEMPLATE_TEST_CASE("meta store: operations change what they name and no more", "[contract]",
                   MemoryDisk, SqliteDisk) {
  Fixture<TestType> f;
  f.apply({PutNode{node(1)}, topic(1, "orders", 2), SetCounters{counters(2)}});
  const PartitionKey key{TopicId{1}, PartitionIndex{1}};
  PartitionMeta moved = partition(1, 1);
  moved.leader = NodeId{4};
  moved.leader_epoch = Epoch{9};
  moved.replicas = {NodeId{4}, NodeId{5}, NodeId{6}};
  moved.isr = {NodeId{4}, NodeId{5}};
  moved.made = {NodeId{4}};
  moved.eligible = {NodeId{6}};
  moved.target = {NodeId{6}, NodeId{7}};
  moved.min_insync_before = 2;
  moved.version = 6;
  f.apply({SetPartition{moved}, SetOpened{key, NodeId{6}}, SetOpened{key, NodeId{6}}});
  f.apply({RefreshPartition{.key = key, .log_end = Offset{77}, .file_bytes = 4096},
           RefreshNode{
               .node = NodeId{1}, .last_heartbeat = Micros(999), .health = NodeHealth::stopping}});
  const MetaState state = f.crash();
  CHECK(state.partitions.at(0) == partition(1, 0));
  PartitionMeta expected = moved;
  expected.made = {NodeId{4}, NodeId{6}};
  expected.opened = true;
  expected.log_end = Offset{77};
  expected.file_bytes = 4096;
  CHECK(state.partitions.at(1) == expected);
  NodeMeta refreshed = node(1);
  refreshed.last_heartbeat = Micros(999);
  refreshed.health = NodeHealth::stopping;
  CHECK(state.nodes.at(0) == refreshed);
}

TEMPLATE_TEST_CASE("meta store: a topic gets another configuration and more partitions",
                   "[contract]", MemoryDisk, SqliteDisk) {
  Fixture<TestType> f;
  f.apply({PutNode{node(1)}, PutNode{node(2)}, topic(1, "orders", 1), SetCounters{counters(2)}});
  TopicConfig config;
  config.partitions = 2;
  config.replication = 3;
  config.min_insync_replicas = 2;
  config.unclean_elections = true;
  f.apply({SetTopicConfig{TopicId{1}, config}, AddPartitions{{partition(1, 1)}},
           RemoveNode{NodeId{2}}});
  const MetaState state = f.crash();
  CHECK(state.topics.at(0).config == config);
  REQUIRE(state.partitions.size() == 2);
  CHECK(state.partitions.at(1) == partition(1, 1));
  CHECK(state.nodes.size() == 1);
}

TEMPLATE_TEST_CASE("meta store: a node's row is replaced", "[contract]", MemoryDisk, SqliteDisk) {
  Fixture<TestType> f;
  NodeMeta changed = node(1);
  changed.incarnation = Incarnation{4};
  changed.topics = {};
  changed.health = NodeHealth::lost;
  f.apply({PutNode{node(1)}});
  f.apply({PutNode{changed}});
  CHECK(f.crash().nodes == std::vector<NodeMeta>{changed});
}

TEMPLATE_TEST_CASE("meta store: a removed topic leaves its tombstone and nothing else",
                   "[contract]", MemoryDisk, SqliteDisk) {
  Fixture<TestType> f;
  f.apply({topic(1, "orders", 2), topic(2, "logs"), SetCounters{counters(3)},
           registration(RegistrationKind::producer, 1, 1, "p"),
           registration(RegistrationKind::consumer, 1, 1, "c"),
           registration(RegistrationKind::consumer, 2, 2, "c")});
  const Tombstone tombstone{.topic = TopicId{1},
                            .name = "orders",
                            .deleted_at = Micros(55),
                            .holders = {NodeId{1}, NodeId{2}}};
  f.apply({RemoveTopic{tombstone}});
  MetaState state = f.crash();
  REQUIRE(state.topics.size() == 1);
  CHECK(state.topics[0].name == "logs");
  CHECK(state.partitions.size() == 1);
  REQUIRE(state.registrations.size() == 1);
  CHECK(state.registrations[0].id == RegistrationId{2});
  CHECK(state.tombstones == std::vector<Tombstone>{tombstone});
  CHECK(state.counters == counters(3));

  f.apply({ClearTombstone{TopicId{1}, NodeId{1}}});
  state = f.crash();
  REQUIRE(state.tombstones.size() == 1);
  CHECK(state.tombstones[0].holders == std::vector<NodeId>{NodeId{2}});
  f.apply({ClearTombstone{TopicId{1}, NodeId{2}}});
  CHECK(f.crash().tombstones.empty());
}

TEMPLATE_TEST_CASE("meta store: a topic that nobody holds leaves no tombstone", "[contract]",
                   MemoryDisk, SqliteDisk) {
  Fixture<TestType> f;
  f.apply({topic(1, "orders"), SetCounters{counters(2)}});
  f.apply({RemoveTopic{{.topic = TopicId{1}, .name = "orders", .deleted_at = {}, .holders = {}}}});
  const MetaState state = f.crash();
  CHECK(state.topics.empty());
  CHECK(state.tombstones.empty());
}

TEMPLATE_TEST_CASE("meta store: a name can be used again in the same group", "[contract]",
                   MemoryDisk, SqliteDisk) {
  Fixture<TestType> f;
  f.apply({topic(1, "orders"), SetCounters{counters(3)}});
  const std::vector<MetaWrite> group = {
      {Ticket{2},
       {RemoveTopic{{.topic = TopicId{1}, .name = "orders", .deleted_at = {}, .holders = {}}}}},
      {Ticket{3}, {topic(2, "orders", 2)}}};
  REQUIRE(f.store->apply(group));
  const MetaState state = f.crash();
  REQUIRE(state.topics.size() == 1);
  CHECK(state.topics[0].id == TopicId{2});
  CHECK(state.partitions.size() == 2);
}

TEMPLATE_TEST_CASE("meta store: what is not there cannot be changed", "[contract]", MemoryDisk,
                   SqliteDisk) {
  Fixture<TestType> f;
  const MetaState before = f.state;
  const PartitionKey key{TopicId{1}, PartitionIndex{0}};
  f.apply(
      {SetPartition{partition(1, 0)}, SetOpened{key, NodeId{1}},
       RefreshPartition{.key = key, .log_end = Offset{1}, .file_bytes = 1},
       RefreshNode{.node = NodeId{1}, .last_heartbeat = Micros(1), .health = NodeHealth::alive},
       ClearTombstone{TopicId{1}, NodeId{1}},
       RemoveTopic{{.topic = TopicId{1}, .name = "x", .deleted_at = {}, .holders = {NodeId{1}}}}});
  MetaState after = f.crash();
  after.controller_epoch = before.controller_epoch;
  after.start_id = before.start_id;
  after.earlier_terms = before.earlier_terms;
  CHECK(after == before);
}

TEMPLATE_TEST_CASE("meta store: a clean close keeps everything", "[contract]", MemoryDisk,
                   SqliteDisk) {
  Fixture<TestType> f;
  f.apply({topic(1, "wide", 1'000), SetCounters{counters(2)}});
  REQUIRE(f.store->close());
  CHECK(f.crash().partitions.size() == 1'000);
}
