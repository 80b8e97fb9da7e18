// A controller, its store and its peers, for tests that read as a list of events.
//
// The invariants are checked after every step, and after every persist() that the controller's
// tables hold what the store does and nothing else.
#pragma once

#include <catch2/catch.hpp>

#include "broker/core/controller.hpp"
#include "tests/support/memory_meta_store.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion::test {

class ControllerFixture {
 public:
  ControllerFixture() { start(); }

  /// The process (re)starts: writes that were not persisted are lost.
  void start(Restored restored = Restored::no) {
    MemoryMetaStore store(disk);
    controller = std::make_unique<Controller>(options, *store.begin_term(restored), now);
    unwritten.clear();
    sessions.clear();
    clear();
  }

  void step(const ControllerInput& input) {
    controller->step(now, input, out);
    controller->check_invariants();
    for (MetaWrite& write : out.persist) unwritten.push_back(std::move(write));
    out.persist.clear();
    for (const NodeSend& send : out.to_nodes) {
      if (const auto* reply = std::get_if<RegisterNodeReply>(&send.message.body)) {
        sessions[std::string(send.routing.view())] = reply->session;
      }
    }
  }

  /// Everything that waits becomes durable. Returns how many commits that took.
  int persist() {
    int commits = 0;
    while (!unwritten.empty()) {
      std::vector<MetaWrite> group = std::move(unwritten);
      unwritten.clear();
      MemoryMetaStore store(disk);
      REQUIRE(store.apply(group));
      ++commits;
      step(MetaPersisted{group.back().ticket});
    }
    MetaState kept = controller->durable_state();
    kept.registrations = disk->state.registrations;
    kept.counters = disk->state.counters;
    CHECK(kept == disk->state);
    return commits;
  }

  void pass(Micros time) {
    now.monotonic += time;
    now.wall += time;
  }
  void tick(Micros after = 0ms) {
    pass(after);
    step(Tick{});
  }

  /// Nobody says anything for so long.
  void silence(Micros time) {
    for (Micros passed{0}; passed < time; passed += 100ms) tick(100ms);
  }

  // ---- Nodes.
  [[nodiscard]] static Bytes routing(int node) {
    return Bytes::copy_of("n" + std::to_string(node));
  }
  [[nodiscard]] static RegisterNode node(int id, int incarnation = 1) {
    RegisterNode request;
    request.node = NodeId(id);
    request.store_id = "store-" + std::to_string(id);
    request.incarnation = Incarnation(incarnation);
    request.address = "tcp://127.0.0.1:556" + std::to_string(id);
    return request;
  }
  void from_node(int id, Body body, Kind kind) {
    Header header;
    header.kind = kind;
    header.request_id = said_in;
    step(NodeMessage{routing(id), header, std::move(body)});
  }
  void ask_to_register(const RegisterNode& request) {
    from_node(request.node.raw(), request, Kind::register_node);
  }
  /// Registers, is kept and has a session.
  void registers(int id, int incarnation = 1) {
    ask_to_register(node(id, incarnation));
    persist();
    REQUIRE(session(id) != 0);
  }
  [[nodiscard]] std::int64_t session(int id) const {
    const auto row = sessions.find("n" + std::to_string(id));
    return row == sessions.end() ? 0 : row->second;
  }
  void heartbeat(int id, int incarnation = 1, std::vector<PartitionStatus> partitions = {}) {
    NodeHeartbeat beat;
    beat.node = NodeId(id);
    beat.incarnation = Incarnation(incarnation);
    beat.session = session(id);
    beat.partitions = std::move(partitions);
    from_node(id, std::move(beat), Kind::node_heartbeat);
  }
  void report(int id, int incarnation, std::vector<ReplicaState> replicas,
              std::vector<TopicId> deleted = {}) {
    ReplicaReport report;
    report.node = NodeId(id);
    report.incarnation = Incarnation(incarnation);
    report.session = session(id);
    report.replicas = std::move(replicas);
    report.deleted = std::move(deleted);
    from_node(id, std::move(report), Kind::replica_report);
  }
  /// What a node says of a replica that follows the newest assignment.
  [[nodiscard]] ReplicaState said(int id, PartitionKey key, ReplicaRole role,
                                  std::int64_t log_end = 0, std::int64_t last_epoch = 0) const {
    (void)id;
    const PartitionMeta& meta = controller->partitions().find(key)->meta;
    ReplicaState state;
    state.topic = key.topic;
    state.partition = key.partition;
    state.leader_epoch = meta.leader_epoch;
    state.partition_version = meta.version;
    state.state = PartitionState::online;
    state.log_end = Offset(log_end);
    state.last_epoch = Epoch(last_epoch);
    state.role = role;
    state.file = FileState::open;
    return state;
  }
  /// Reports all that the node leads in one state, under the epochs that it was assigned.
  void reports_all(int id, int incarnation = 1, PartitionState state = PartitionState::online) {
    std::vector<ReplicaState> replicas;
    for (const PartitionKey key : controller->partitions().led_by(NodeId(id))) {
      replicas.push_back(said(id, key, ReplicaRole::leader));
      replicas.back().state = state;
    }
    report(id, incarnation, std::move(replicas));
  }

  // ---- Clients.
  RequestId ask(Body body, Kind kind, std::uint32_t timeout_ms = 10'000) {
    Header header;
    header.kind = kind;
    header.request_id = ++requests;
    header.timeout_ms = timeout_ms;
    step(ClientRequest{{Bytes::copy_of("client")}, header, std::move(body)});
    return header.request_id;
  }
  RequestId create(const std::string& name, int partitions = 1) {
    CreateTopic body{.name = name, .config = {}};
    body.config.partitions = partitions;
    return ask(std::move(body), Kind::create_topic);
  }
  RequestId remove(const std::string& name) { return ask(DeleteTopic{name}, Kind::delete_topic); }
  /// Made, durable and online.
  TopicId created(const std::string& name, int partitions = 1) {
    create(name, partitions);
    persist();
    const Topic* topic = controller->topics().find(std::string_view(name));
    REQUIRE(topic != nullptr);
    for (const auto& [id, row] : controller->nodes().rows()) {
      if (row.alive()) {
        reports_all(id.raw(), static_cast<int>(row.meta.incarnation.raw()));
      }
    }
    persist();
    tick(options.push_interval);  // What changed is pushed now.
    clear();
    return topic->meta.id;
  }

  // ---- What came out.
  void clear() { out.clear(); }
  [[nodiscard]] std::optional<Message> answer(RequestId id) const {
    for (const ClientReply& reply : out.replies) {
      if (reply.message.header.request_id == id) return reply.message;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<Errc> code(RequestId id) const {
    const std::optional<Message> message = answer(id);
    if (!message) return std::nullopt;
    return message->header.error;
  }
  template <typename T>
  [[nodiscard]] T body(RequestId id) const {
    const std::optional<Message> message = answer(id);
    REQUIRE(message);
    REQUIRE(std::holds_alternative<T>(message->body));
    return std::get<T>(message->body);
  }
  template <typename T>
  [[nodiscard]] std::vector<T> told(int node) const {
    std::vector<T> bodies;
    for (const NodeSend& send : out.to_nodes) {
      if (!(send.routing == routing(node))) continue;
      if (const auto* body = std::get_if<T>(&send.message.body)) bodies.push_back(*body);
    }
    return bodies;
  }
  [[nodiscard]] std::vector<Assignment> assigned(int node) const {
    std::vector<Assignment> all;
    for (const Assign& assign : told<Assign>(node)) {
      all.insert(all.end(), assign.assignments.begin(), assign.assignments.end());
    }
    return all;
  }
  [[nodiscard]] PartitionState state(TopicId topic, int partition = 0) const {
    const Partition* row = controller->partitions().find({topic, PartitionIndex(partition)});
    REQUIRE(row != nullptr);
    return row->state;
  }
  [[nodiscard]] const Partition& partition(TopicId topic, int index = 0) const {
    const Partition* row = controller->partitions().find({topic, PartitionIndex(index)});
    REQUIRE(row != nullptr);
    return *row;
  }

  ControllerOptions options;
  Now now{.monotonic = 1000s, .wall = Micros(1'700'000'000'000'000)};
  std::shared_ptr<MemoryMetaDisk> disk = std::make_shared<MemoryMetaDisk>("cluster-1");
  std::unique_ptr<Controller> controller;
  ControllerEffects out;
  std::vector<MetaWrite> unwritten;
  std::map<std::string, std::int64_t> sessions;
  RequestId requests{0};
  RequestId said_in{7};  ///< Number of the nodes' next messages.
};

}  // namespace pinion::test
