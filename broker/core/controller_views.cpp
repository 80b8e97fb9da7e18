// What clients ask to see: metadata, and the state of the cluster.
#include <algorithm>
#include <utility>

#include "broker/core/controller.hpp"
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"

namespace pinion {

namespace {

[[nodiscard]] std::size_t estimated_bytes(const PartitionStatus& status) {
  std::size_t bytes = 120 + status.file.size() + status.detail.size();
  for (const ReaderStatus& reader : status.readers) bytes += 24 + reader.reader.size();
  return bytes;
}

[[nodiscard]] std::size_t estimated_bytes(const TopicMetadata& topic) {
  std::size_t bytes = 64 + topic.name.size();
  for (const PartitionMetadata& partition : topic.partitions) bytes += 48 + partition.detail.size();
  return bytes;
}

}  // namespace

/// What is the matter; when nothing is, what once was and has cost records; else what the matter is
/// with one of its other replicas.
std::string Controller::detail_of(const Partition& partition) const {
  if (!partition.detail.empty()) return partition.detail;
  const std::size_t least = min_insync(partition.decided.key);
  const std::size_t in_sync = partition.meta.isr.size();
  if (partition.state == PartitionState::online && in_sync < least) {
    return "records that all replicas are to acknowledge are refused: " + std::to_string(in_sync) +
           " of the " + std::to_string(least) + " that min_insync_replicas asks for are in sync";
  }
  if (!partition.loss.empty()) return partition.loss;
  for (const auto& [id, report] : partition.reports) {
    if (id == partition.meta.leader || report.detail.empty()) continue;
    return "the replica on node " + std::to_string(id.raw()) + ": " + report.detail;
  }
  return {};
}

// ---- Metadata
// --------------------------------------------------------------------------------------

TopicMetadata Controller::metadata_of(const Topic& topic) const {
  TopicMetadata metadata;
  metadata.id = topic.meta.id;
  metadata.name = topic.meta.name;
  metadata.created_at = topic.meta.created_at;
  metadata.config = topic.meta.config;
  for (auto row = partitions_.first_of(topic.meta.id);
       row != partitions_.rows().end() && row->first.topic == topic.meta.id; ++row) {
    const Partition& partition = row->second;
    metadata.partitions.push_back({.partition = row->first.partition,
                                   .leader = partition.meta.leader,
                                   .leader_epoch = partition.meta.leader_epoch,
                                   .state = partition.state,
                                   .replicas = partition.meta.replicas,
                                   .isr = partition.meta.isr,
                                   .detail = detail_of(partition),
                                   .target = partition.meta.target});
  }
  return metadata;
}

void Controller::on_metadata(const Now& now, const ClientRequest& request, ControllerEffects& out) {
  const auto& asked = std::get<MetadataRequest>(request.body);
  MetadataReply answer;
  answer.controller_epoch = epoch_;
  answer.metadata_version = metadata_version_;
  std::size_t bytes = 0;
  if (asked.topics.empty()) {
    for (const auto& [id, topic] : topics_.rows()) {
      answer.topics.push_back(metadata_within(topic, bytes));
    }
  } else {
    std::set<TopicId> seen;  // A name asked for a thousand times is answered once.
    for (const std::string& name : asked.topics) {
      const Topic* topic = topics_.find(std::string_view(name));
      if (topic == nullptr || !seen.insert(topic->meta.id).second) continue;
      answer.topics.push_back(metadata_within(*topic, bytes));
    }
  }
  reply(waiter_of(now, request), std::move(answer), out);
}

/// The topic's metadata, without the sentences when the answer is large already.
TopicMetadata Controller::metadata_within(const Topic& topic, std::size_t& bytes) const {
  TopicMetadata metadata = metadata_of(topic);
  if (bytes + estimated_bytes(metadata) > limits::status_bytes_max / 2) {
    for (PartitionMetadata& partition : metadata.partitions) partition.detail.clear();
  }
  bytes += estimated_bytes(metadata);
  return metadata;
}

// ---- The cluster's state
// ---------------------------------------------------------------------------

NodeStatus Controller::status_of(const Node& node) const {
  return {.id = node.meta.id,
          .health = node.health,
          .incarnation = node.meta.incarnation,
          .address = node.meta.address,
          .rack = node.meta.rack,
          .region = node.meta.region,
          .last_heartbeat = std::max(node.meta.last_heartbeat, node.last_heartbeat),
          .partitions_led = static_cast<std::uint32_t>(partitions_.led_by(node.meta.id).size()),
          .load = node.load,
          .version = node.meta.version,
          .replicas = static_cast<std::uint32_t>(partitions_.held_by(node.meta.id).size()),
          .draining = node.meta.draining,
          .detail = node.refused};
}

PartitionStatus Controller::status_of(const Partition& partition) const {
  PartitionStatus status = partition.status;
  if (status.topic == TopicId{0}) {
    // No leader has told since this process began.
    status.log_start = status.high_watermark = offset_unassigned;
    status.log_end = partition.meta.log_end;
    status.file_bytes = partition.meta.file_bytes;
  }
  if (partition.state == PartitionState::offline) {
    status.records_in_per_s = status.records_out_per_s = 0;  // Of a leader that was.
  }
  status.topic = partition.meta.key.topic;
  status.partition = partition.meta.key.partition;
  status.node = partition.meta.leader;
  status.leader_epoch = partition.meta.leader_epoch;
  status.state = partition.state;
  status.detail = detail_of(partition);
  return status;
}

/// The broker's own part is filled in by Broker.
void Controller::on_cluster_status(const Now& now, const ClientRequest& request,
                                   ControllerEffects& out) {
  const auto& asked = std::get<ClusterStatusRequest>(request.body);
  ClusterStatusReply answer;
  answer.broker.cluster_id = cluster_id_;
  answer.broker.controller_epoch = epoch_;
  answer.broker.now = now.wall;
  for (const auto& [id, node] : nodes_.rows()) answer.nodes.push_back(status_of(node));
  std::size_t bytes = answer.nodes.size() * 512;
  for (const auto& [id, topic] : topics_.rows()) {
    answer.topics.push_back(metadata_within(topic, bytes));
  }
  const auto add_registrations = [&](RegistrationKind kind, std::vector<RegistrationStatus>& list) {
    for (const Registration& r : registrations_.newest(kind)) {
      list.push_back(
          {.id = r.id, .topic = r.topic, .name = r.name, .registered_at = r.registered_at});
      bytes += 32 + r.name.size();
    }
  };
  add_registrations(RegistrationKind::consumer, answer.consumers);
  add_registrations(RegistrationKind::producer, answer.producers);
  if (asked.with_partitions) {
    for (const auto& [key, partition] : partitions_.rows()) {
      PartitionStatus status = status_of(partition);
      if (bytes + estimated_bytes(status) > limits::status_bytes_max / 2) status.readers.clear();
      bytes += estimated_bytes(status);
      if (bytes > limits::status_bytes_max || answer.partitions.size() >= limits::list_items_max)
        break;
      answer.partitions.push_back(std::move(status));
    }
  }
  reply(waiter_of(now, request), std::move(answer), out);
}

// ---- For checks
// ------------------------------------------------------------------------------------

MetaState Controller::durable_state() const {
  MetaState state;
  state.cluster_id = cluster_id_;
  state.controller_epoch = epoch_;
  state.counters = counters_;
  for (const auto& [id, node] : nodes_.rows()) state.nodes.push_back(node.meta);
  for (const auto& [id, topic] : topics_.rows()) state.topics.push_back(topic.meta);
  for (const auto& [key, partition] : partitions_.rows())
    state.partitions.push_back(partition.meta);
  for (const auto& [id, tombstone] : topics_.tombstones()) state.tombstones.push_back(tombstone);
  return state;
}

void Controller::check_invariants() const {
  Ticket last{0};
  for (const Pending& pending : pending_) {
    PINION_ASSERT(pending.ticket > last);
    last = pending.ticket;
  }
  for (const auto& [id, node] : nodes_.rows()) {
    PINION_ASSERT(node.meta.id == id);
    PINION_ASSERT((node.session != 0) == node.alive());
    PINION_ASSERT(node.routing.empty() != node.alive());
    if (node.alive()) PINION_ASSERT(by_routing_.at(std::string(node.routing.view())) == id);
  }
  for (const auto& [id, topic] : topics_.rows()) {
    PINION_ASSERT(id < counters_.topic);
    PINION_ASSERT(topics_.tombstones().count(id) == 0);
    std::int32_t index = 0;
    for (auto row = partitions_.first_of(id);
         row != partitions_.rows().end() && row->first.topic == id; ++row) {
      PINION_ASSERT(row->first.partition.raw() == index++);
    }
    PINION_ASSERT(index == topic.meta.config.partitions);
  }
  for (const auto& [key, partition] : partitions_.rows()) {
    PINION_ASSERT(topics_.find(key.topic) != nullptr);
    PINION_ASSERT(partitions_.led_by(partition.meta.leader).count(key) == 1);
    PINION_ASSERT((opening_.count(key) == 1) == (partition.state == PartitionState::opening));
    const Node* node = nodes_.find(partition.meta.leader);
    const bool served = partition.state != PartitionState::offline;
    if (served) PINION_ASSERT(node != nullptr);
    if (served) PINION_ASSERT(node->alive());
    // Nobody may write to a partition whose file may still be made anew.
    const bool open = partition.state == PartitionState::online ||
                      partition.state == PartitionState::storage_full;
    if (open) PINION_ASSERT(partition.meta.opened);
  }
  for (const PartitionKey key : opening_) PINION_ASSERT(partitions_.find(key) != nullptr);
  PINION_ASSERT(ids_next_ <= ids_reserved_);
}

}  // namespace pinion
