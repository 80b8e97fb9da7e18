// Partitions: what their leaders report, what clients are told of them, and the assignments.
#include <algorithm>
#include <utility>

#include "broker/core/controller.hpp"
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/proto/codec.hpp"

namespace pinion {

namespace {

[[nodiscard]] bool is_open(PartitionState state) noexcept {
  return state == PartitionState::online || state == PartitionState::storage_full;
}

/// Assignments are sent again after 2, 4, 8, ... seconds, at most this many doublings.
constexpr std::uint32_t assign_doublings_max = 4;

}  // namespace

// ---- Reports
// ---------------------------------------------------------------------------------------

void Controller::on_replica_report(const Now& now, const NodeMessage& message,
                                   ControllerEffects& out) {
  const auto& report = std::get<ReplicaReport>(message.body);
  if (registering_.count(report.node) != 0) return;
  Node* node = session_of(message, report.node, report.incarnation, report.session);
  if (node == nullptr) return say_hello(message, out);
  node->last_heard = now.monotonic;
  node->last_proved = now.monotonic;
  heard_since_grace_ = true;
  std::vector<OpenedReplica> opened;
  const RequestId said_in = message.header.request_id;
  for (const ReplicaState& state : report.replicas) {
    note_replica(now, *node, {state, said_in, true}, opened, out);
    // A heartbeat that was sent after it has come before it, and is not repeated: asked again.
    const PartitionKey key{state.topic, state.partition};
    const Partition* partition = partitions_.find(key);
    const bool is_overtaken = said_in < node->newest_heartbeat;
    if (is_overtaken && partition != nullptr && partition->reports.count(node->meta.id) > 0) {
      untold_.try_emplace({node->meta.id, key});
    }
  }
  decide_opened(std::move(opened), out);
  note_tombstones(*node, report.deleted, out);
  note_dropped(*node, report.dropped, out);
}

/// Messages overtake each other: of one replica only what was said last counts.
void Controller::note_replica(const Now& now, Node& node, const ReportedReplica& state,
                              std::vector<OpenedReplica>& opened, ControllerEffects& out) {
  const PartitionKey key{state.topic, state.partition};
  Partition* partition = partitions_.find(key);
  if (partition == nullptr || topics_.find(key.topic)->deleting) return;
  const NodeId id = node.meta.id;
  const bool leads = partition->meta.leader == id;
  if (leads && partition->meta.leader_epoch != state.leader_epoch) return;
  if (!leads && !names(partition->meta.replicas, id)) return;
  const auto since = partition->held_since.find(id);
  if (since != partition->held_since.end() && state.partition_version < since->second) return;
  const auto known = partition->reports.find(id);
  if (known != partition->reports.end() && state.said_in < known->second.said_in) return;
  const auto cannot_serve = [](const ReplicaState& said) {
    return said.state == PartitionState::halted || said.file == FileState::failing;
  };
  const bool could_not = known != partition->reports.end() && cannot_serve(known->second);
  if (leads && cannot_serve(state) && !could_not) partition->leaderless_since = now.monotonic;
  const bool served = serves_readers(*partition, id);
  partition->reports[id] = state;
  if (serves_readers(*partition, id) != served) update_route(*partition, out);
  if (state.state == PartitionState::opening && !cannot_serve(state)) return;
  // A report may be lost: only what it is to bring about ends the repetition.
  const bool is_newest =
      state.partition_version >= partition->meta.version || state.partition_version == 0;
  if (state.is_report && is_newest) untold_.erase({id, key});
  const bool is_there = is_open(state.state) && (leads || state.file == FileState::open);
  if (is_there && !names(partition->decided.made, id)) opened.emplace_back(key, id);
  if (leads) note_leader(node, *partition, state, out);
  reconsider(now, key, out);
}

/// A partition is online for clients only when `opened` is durable: else a broker that crashes now
/// could later let a node make an empty file in the place of one that holds acknowledged records.
void Controller::note_leader(Node& node, Partition& partition, const ReplicaState& state,
                             ControllerEffects& out) {
  if (state.state == PartitionState::offline) {
    // Closed over there although it is assigned: assign it again.
    untold_.try_emplace({node.meta.id, partition.meta.key});
    return set_state(partition, PartitionState::opening, state.detail, out);
  }
  partition.reported = state.state;
  partition.reported_detail = state.detail;
  const bool is_made = partition.meta.opened && names(partition.meta.made, node.meta.id);
  if (is_made || !is_open(state.state)) {
    set_state(partition, state.state, state.detail, out);
  }
}

void Controller::decide_opened(std::vector<OpenedReplica> opened, ControllerEffects& out) {
  // Without room for the decision they stay `opening`, and the assignment is repeated.
  if (opened.empty() || !may_decide()) return;
  std::vector<MetaOp> ops;
  ReplicasOpened then;
  for (const auto& [key, node] : opened) {
    Partition* partition = partitions_.find(key);
    if (names(partition->decided.made, node)) continue;
    partition->decided.made.push_back(node);
    partition->decided.opened = true;
    then.keys.push_back(key);
    ops.emplace_back(SetOpened{key, node});
  }
  if (!ops.empty()) decide(std::move(ops), std::move(then), out);
}

void Controller::then(const Now& now, const ReplicasOpened& opened, ControllerEffects& out) {
  std::set<TopicId> topics;
  for (const PartitionKey key : opened.keys) {
    Partition* partition = partitions_.find(key);
    if (partition == nullptr) continue;
    topics.insert(key.topic);
    // Lost or assigned anew in the meantime: the next report says.
    if (partition->state != PartitionState::opening) continue;
    if (partition->reported == PartitionState::offline) continue;
    if (!names(partition->meta.made, partition->meta.leader)) continue;
    set_state(*partition, partition->reported, partition->reported_detail, out);
  }
  for (const TopicId topic : topics) {
    if (creating_.count(topic) != 0) finish_creation(now, topic, out);
  }
}

void Controller::set_state(Partition& partition, PartitionState state, const std::string& detail,
                           ControllerEffects& out) {
  const bool same = partition.state == state &&
                    partition.detail == printable(detail, limits::partition_detail_bytes_max);
  if (state == PartitionState::opening || state == PartitionState::offline) {
    partition.reported = PartitionState::offline;
    partition.reported_detail.clear();
  }
  if (state == PartitionState::opening) {
    opening_.insert(partition.meta.key);
    untold_.try_emplace({partition.meta.leader, partition.meta.key});
  } else {
    opening_.erase(partition.meta.key);
  }
  if (same) return;
  partition.state = state;
  partition.detail = printable(detail, limits::partition_detail_bytes_max);
  mark_changed(partition.meta.key.topic);
  update_route(partition, out);
  out.events.push_back({.kind = BrokerEventKind::partition_state,
                        .node = partition.meta.leader,
                        .partition = partition.meta.key,
                        .detail = partition.detail});
}

/// A follower that has said in this epoch, and in this session, that it has what is committed. What
/// it knows of the high watermark may be older than its leader's.
bool Controller::serves_readers(const Partition& partition, NodeId id) const {
  if (id == partition.meta.leader || !names(partition.meta.isr, id)) return false;
  const auto report = partition.reports.find(id);
  return report != partition.reports.end() && report->second.role == ReplicaRole::following &&
         report->second.leader_epoch == partition.meta.leader_epoch;
}

void Controller::update_route(const Partition& partition, ControllerEffects& out) const {
  Route route;
  route.leader_epoch = partition.meta.leader_epoch;
  const bool routed =
      partition.state != PartitionState::offline && partition.state != PartitionState::opening;
  if (routed) {
    route.node = partition.meta.leader;
    for (const NodeId id : partition.meta.isr) {
      if (serves_readers(partition, id)) route.followers.push_back(id);
    }
  } else {
    route.detail = partition.detail;
  }
  out.routes.push_back({partition.meta.key, std::move(route)});
}

// ---- Assignments and tombstones
// --------------------------------------------------------------------

Assignment Controller::assignment_of(const Partition& partition, NodeId node) const {
  const Topic* topic = topics_.find(partition.meta.key.topic);
  PINION_ASSERT(topic != nullptr);
  // `decided` too: once a replica may be known to have been open, its file must be there.
  const bool is_made = names(partition.meta.made, node) || names(partition.decided.made, node);
  return {
      .topic = topic->meta.id,
      .topic_name = topic->meta.name,
      .partition = partition.meta.key.partition,
      .leader_epoch = partition.meta.leader_epoch,
      .leader = partition.meta.leader,
      .config = topic->meta.config,
      .replicas = partition.meta.replicas,
      .isr = partition.meta.isr,
      .partition_version = partition.meta.version,
      .create = !is_made,
      .min_insync = static_cast<std::uint32_t>(least_in_sync(topic->meta.config, partition.meta))};
}

void Controller::send_assign(Node& node, Assign assign, ControllerEffects& out) {
  assign.controller_epoch = epoch_;
  assign.session = node.session;
  assign.number = ++node.last_assign;
  Message message;
  message.header.kind = Kind::assign;
  message.body = std::move(assign);
  out.to_nodes.push_back({node.routing, std::move(message)});
}

void Controller::send_assignments(const Now& now, Node& node, const std::vector<PartitionKey>& keys,
                                  ControllerEffects& out) {
  PINION_ASSERT(node.alive());
  Assign assign;
  std::set<NodeId> peers;
  const auto flush = [&] {
    if (assign.assignments.empty()) return;
    for (const NodeId id : peers) {
      const Node* peer = nodes_.find(id);
      if (peer == nullptr) continue;
      assign.peers.push_back({id, peer->meta.incarnation, peer->session, peer->meta.address});
    }
    send_assign(node, std::exchange(assign, {}), out);
    peers.clear();
  };
  for (const PartitionKey key : keys) {
    Partition* partition = partitions_.find(key);
    if (partition == nullptr || topics_.find(key.topic)->deleting) continue;
    assign.assignments.push_back(assignment_of(*partition, node.meta.id));
    peers.insert(partition->meta.replicas.begin(), partition->meta.replicas.end());
    peers.erase(node.meta.id);
    Untold& untold = untold_[{node.meta.id, key}];
    const std::uint32_t doublings = std::min(untold.attempts, assign_doublings_max);
    ++untold.attempts;
    untold.again_at = now.monotonic + options_.assign_again * (1 << doublings);
    if (assign.assignments.size() >= limits::assignments_per_message_max) flush();
  }
  flush();
}

/// All replicas that live hear of the newest version; each until it has said that it follows it.
void Controller::tell_replicas(const Now& now, const Partition& partition, ControllerEffects& out) {
  for (const NodeId id : partition.meta.replicas) {
    untold_.erase({id, partition.meta.key});
    Node* node = nodes_.find(id);
    if (node != nullptr && node->alive()) send_assignments(now, *node, {partition.meta.key}, out);
  }
  for (const NodeId id : partition.meta.made) {
    if (names(partition.meta.replicas, id)) continue;
    Node* node = nodes_.find(id);
    if (node != nullptr && node->alive()) send_drops(now, *node, out);
  }
}

/// What was moved away from the node is deleted there; repeated until it says so.
void Controller::send_drops(const Now& now, Node& node, ControllerEffects& out) {
  node.drops_again_at = never;
  Assign assign;
  for (const PartitionKey key : partitions_.dropped_by(node.meta.id)) {
    assign.dropped.push_back({key.topic, key.partition, partitions_.find(key)->meta.version});
    if (assign.dropped.size() >= limits::assignments_per_message_max) break;
  }
  if (assign.dropped.empty()) return;
  node.drops_again_at = now.monotonic + options_.assign_again;
  send_assign(node, std::move(assign), out);
}

void Controller::send_tombstones(const Now& now, Node& node, ControllerEffects& out) {
  node.tombstones_again_at = never;
  Assign assign;
  for (const auto& [topic, tombstone] : topics_.tombstones()) {
    if (!topics_.holds_tombstone(topic, node.meta.id)) continue;
    assign.deleted.push_back(topic);
    if (assign.deleted.size() >= limits::assignments_per_message_max) break;
  }
  if (assign.deleted.empty()) return;
  node.tombstones_again_at = now.monotonic + options_.assign_again;
  send_assign(node, std::move(assign), out);
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
  for (const auto& [to, untold] : untold_) {
    if (untold.again_at <= now.monotonic) due[to.first].push_back(to.second);
  }
  for (const auto& [id, keys] : due) {
    Node* node = nodes_.find(id);
    if (node != nullptr && node->alive()) {
      send_assignments(now, *node, keys, out);
    } else {
      for (const PartitionKey key : keys) untold_.erase({id, key});  // It registers first.
    }
  }
  for (auto& [id, node] : nodes_.rows()) {
    if (node.alive() && node.tombstones_again_at <= now.monotonic) send_tombstones(now, node, out);
    if (node.alive() && node.drops_again_at <= now.monotonic) send_drops(now, node, out);
  }
}

}  // namespace pinion
