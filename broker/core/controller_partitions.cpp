// Partitions: what their leaders report, what clients are told of them, and the assignments.
#include <algorithm>
#include <utility>

#include "broker/core/controller.hpp"
#include "common/base/assert.hpp"
#include "common/base/text.hpp"
#include "common/proto/codec.hpp"

namespace pinion {

namespace {

[[nodiscard]] bool is_open(PartitionState state) noexcept {
  return state == PartitionState::online || state == PartitionState::storage_full;
}

/// Assignments are sent again after 2, 4, 8, ... seconds, at most this many doublings.
constexpr std::uint32_t assign_doublings_max = 4;

/// A sentence for people; there may be 50,000 of them in one answer.
constexpr std::size_t partition_detail_bytes_max = 256;

}  // namespace

// ---- Reports
// ---------------------------------------------------------------------------------------

void Controller::on_replica_report(const Now&, const NodeMessage& message, ControllerEffects& out) {
  const auto& report = std::get<ReplicaReport>(message.body);
  if (registering_.count(report.node) != 0) return;
  Node* node = session_of(message, report.node, report.incarnation, report.session);
  if (node == nullptr) return say_hello(message, out);
  std::vector<PartitionKey> opened;
  for (const ReplicaState& state : report.replicas) note_replica(*node, state, opened, out);
  decide_opened(std::move(opened), out);
  note_tombstones(*node, report.deleted, out);
}

/// A partition is online for clients only when `opened` is durable: else a broker that crashes now
/// could later let a node make an empty file in the place of one that holds acknowledged records.
void Controller::note_replica(Node& node, const ReplicaState& state,
                              std::vector<PartitionKey>& opened, ControllerEffects& out) {
  const PartitionKey key{state.topic, state.partition};
  Partition* partition = partitions_.find(key);
  if (partition == nullptr || partition->meta.leader != node.meta.id) return;
  if (partition->meta.leader_epoch != state.leader_epoch) return;
  if (state.state == PartitionState::opening) return;
  if (state.state == PartitionState::offline) {
    // Closed over there although it is assigned: assign it again.
    return set_state(*partition, PartitionState::opening, state.detail, out);
  }
  partition->reported = state.state;
  partition->reported_detail = state.detail;
  if (partition->meta.opened || !is_open(state.state)) {
    if (!partition->opened_pending) set_state(*partition, state.state, state.detail, out);
    return;
  }
  if (partition->opened_pending || topics_.find(key.topic)->deleting) return;
  opened.push_back(key);
}

void Controller::decide_opened(std::vector<PartitionKey> opened, ControllerEffects& out) {
  // Without room for the decision they stay `opening`, and the assignment is repeated.
  if (opened.empty() || !may_decide()) return;
  std::vector<MetaOp> ops;
  for (const PartitionKey key : opened) {
    Partition* partition = partitions_.find(key);
    if (partition->opened_pending) continue;
    partition->opened_pending = true;
    ops.emplace_back(SetOpened{key});
  }
  decide(std::move(ops), ReplicasOpened{std::move(opened)}, out);
}

void Controller::then(const Now& now, const ReplicasOpened& opened, ControllerEffects& out) {
  std::set<TopicId> topics;
  for (const PartitionKey key : opened.keys) {
    Partition* partition = partitions_.find(key);
    if (partition == nullptr) continue;
    topics.insert(key.topic);
    partition->opened_pending = false;
    // Lost or assigned anew in the meantime: the next report says.
    if (partition->state != PartitionState::opening) continue;
    if (partition->reported == PartitionState::offline) continue;
    set_state(*partition, partition->reported, partition->reported_detail, out);
  }
  for (const TopicId topic : topics) {
    if (creating_.count(topic) != 0) finish_creation(now, topic, out);
  }
}

void Controller::set_state(Partition& partition, PartitionState state, const std::string& detail,
                           ControllerEffects& out) {
  const bool same =
      partition.state == state && partition.detail == printable(detail, partition_detail_bytes_max);
  if (state == PartitionState::opening || state == PartitionState::offline) {
    partition.reported = PartitionState::offline;
    partition.reported_detail.clear();
  }
  if (state == PartitionState::opening) {
    if (opening_.insert(partition.meta.key).second) partition.assign_again_at = Micros(0);
  } else {
    opening_.erase(partition.meta.key);
    partition.assign_again_at = never;
    partition.assign_attempts = 0;
  }
  if (same) return;
  partition.state = state;
  partition.detail = printable(detail, partition_detail_bytes_max);
  mark_changed(partition.meta.key.topic);
  update_route(partition, out);
  out.events.push_back({.kind = BrokerEventKind::partition_state,
                        .node = partition.meta.leader,
                        .partition = partition.meta.key,
                        .detail = partition.detail});
}

void Controller::update_route(const Partition& partition, ControllerEffects& out) const {
  Route route;
  route.leader_epoch = partition.meta.leader_epoch;
  const bool routed =
      partition.state != PartitionState::offline && partition.state != PartitionState::opening;
  if (routed) {
    route.node = partition.meta.leader;
  } else {
    route.detail = partition.detail;
  }
  out.routes.push_back({partition.meta.key, std::move(route)});
}

// ---- Assignments and tombstones
// --------------------------------------------------------------------

Assignment Controller::assignment_of(const Partition& partition) const {
  const Topic* topic = topics_.find(partition.meta.key.topic);
  PINION_ASSERT(topic != nullptr);
  return {.topic = topic->meta.id,
          .topic_name = topic->meta.name,
          .partition = partition.meta.key.partition,
          .leader_epoch = partition.meta.leader_epoch,
          .leader = partition.meta.leader,
          .config = topic->meta.config,
          .replicas = partition.meta.replicas,
          .isr = partition.meta.isr,
          .partition_version = partition.meta.version,
          .create = !partition.meta.opened && !partition.opened_pending};
}

void Controller::send_assignments(const Now& now, Node& node, const std::vector<PartitionKey>& keys,
                                  ControllerEffects& out) {
  PINION_ASSERT(node.alive());
  Assign assign;
  const auto flush = [&] {
    if (assign.assignments.empty()) return;
    assign.controller_epoch = epoch_;
    assign.session = node.session;
    Message message;
    message.header.kind = Kind::assign;
    message.body = std::move(assign);
    out.to_nodes.push_back({node.routing, std::move(message)});
    assign = Assign{};
  };
  for (const PartitionKey key : keys) {
    Partition* partition = partitions_.find(key);
    if (partition == nullptr || topics_.find(key.topic)->deleting) continue;
    PINION_ASSERT(partition->meta.leader == node.meta.id);
    assign.assignments.push_back(assignment_of(*partition));
    if (partition->state == PartitionState::opening) {
      const std::uint32_t doublings = std::min(partition->assign_attempts, assign_doublings_max);
      ++partition->assign_attempts;
      partition->assign_again_at = now.monotonic + options_.assign_again * (1 << doublings);
    }
    if (assign.assignments.size() >= limits::assignments_per_message_max) flush();
  }
  flush();
}

void Controller::send_tombstones(const Now& now, Node& node, ControllerEffects& out) {
  node.tombstones_again_at = never;
  std::vector<TopicId> deleted;
  for (const auto& [topic, tombstone] : topics_.tombstones()) {
    if (!topics_.holds_tombstone(topic, node.meta.id)) continue;
    deleted.push_back(topic);
    if (deleted.size() >= limits::assignments_per_message_max) break;
  }
  if (deleted.empty()) return;
  node.tombstones_again_at = now.monotonic + options_.assign_again;
  Message message;
  message.header.kind = Kind::assign;
  message.body = Assign{.controller_epoch = epoch_,
                        .session = node.session,
                        .assignments = {},
                        .deleted = std::move(deleted)};
  out.to_nodes.push_back({node.routing, std::move(message)});
}

void Controller::note_tombstones(Node& node, const std::vector<TopicId>& deleted,
                                 ControllerEffects& out) {
  if (deleted.empty() || !may_decide()) return;
  std::vector<MetaOp> ops;
  for (const TopicId topic : deleted) {
    if (topics_.holds_tombstone(topic, node.meta.id)) {
      ops.emplace_back(ClearTombstone{topic, node.meta.id});
    }
  }
  if (!ops.empty()) decide(std::move(ops), Nothing{}, out);
}

void Controller::repeat_assignments(const Now& now, ControllerEffects& out) {
  std::map<NodeId, std::vector<PartitionKey>> due;
  for (const PartitionKey key : opening_) {
    const Partition* partition = partitions_.find(key);
    if (partition->assign_again_at <= now.monotonic) due[partition->meta.leader].push_back(key);
  }
  for (const auto& [id, keys] : due) {
    Node* node = nodes_.find(id);
    if (node != nullptr && node->alive()) send_assignments(now, *node, keys, out);
  }
  for (auto& [id, node] : nodes_.rows()) {
    if (node.alive() && node.tombstones_again_at <= now.monotonic) send_tombstones(now, node, out);
  }
}

}  // namespace pinion
