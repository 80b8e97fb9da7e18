#include "tests/sim/cluster.hpp"

#include "broker/core/election_planner.hpp"
#include "common/proto/topic_rules.hpp"
#include "tests/sim/text.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace pinion::sim {

Cluster::Cluster(World& world, const MakeDisk& make_disk)
    : world_(world), prng_(world.options.seed ^ 0x636c7573746572ULL) {
  broker_ = std::make_unique<BrokerProcess>(world_, prng_.next());
  for (std::int32_t id = 1; id <= world_.options.nodes; ++id) {
    nodes_.push_back(std::make_unique<NodeProcess>(
        world_, id, make_disk("store-" + std::to_string(id)), prng_.next()));
  }
  world_.inspector.set_in_sync([this](PartitionKey key) {
    Inspector::Replicas replicas;
    const MetaState& meta = broker_->durable_meta();
    for (const PartitionMeta& partition : meta.partitions) {
      if (partition.key != key) continue;
      replicas.count = partition.replicas.size();
      replicas.version = partition.version;
      const auto topic = std::find_if(meta.topics.begin(), meta.topics.end(),
                                      [key](const auto& row) { return row.id == key.topic; });
      if (topic != meta.topics.end()) {
        replicas.least_in_sync = least_in_sync(topic->config, partition);
      }
      for (const NodeId id : partition.isr) {
        replicas.in_sync.emplace_back(id, &nodes_[static_cast<std::size_t>(id.raw() - 1)]->disk());
      }
    }
    return replicas;
  });
  world_.inspector.set_end_of_copy(
      [this](PartitionKey key, Epoch epoch, const FollowerStatus& copy) {
        return end_of_copy(key, epoch, copy);
      });
}

/// One that follows another leader may have been cut since that was said.
std::optional<Offset> Cluster::end_of_copy(PartitionKey key, Epoch epoch,
                                           const FollowerStatus& copy) const {
  if (copy.copy_session == 0) return std::nullopt;  // It does not say of which one.
  const NodeProcess& process = *nodes_[static_cast<std::size_t>(copy.node.raw() - 1)];
  const std::optional<Offset> end = process.disk().fsynced_end(key);
  // A view is not cheap: only when it matters.
  if (!end || *end >= copy.durable_end) return end;
  if (process.core() == nullptr || process.disk().lies()) return std::nullopt;
  const auto replica = process.core()->replica(key);
  const bool is_this_one =
      replica && replica->copy_session == copy.copy_session && replica->copy == copy.copy;
  if (!is_this_one) return std::nullopt;
  const bool follows = replica->role == partition::RoleName::following ||
                       replica->role == partition::RoleName::catching_up;
  if (!follows || replica->leader_epoch != epoch) return std::nullopt;
  return end;
}

bool Cluster::all_in_sync() const { return out_of_sync().empty(); }

std::string Cluster::out_of_sync() const {
  for (const PartitionMeta& partition : broker_->durable_meta().partitions) {
    if (!partition.target.empty()) {
      return text_of(partition.key) + " is being moved to " + text_of(partition.target) +
             "; its replicas are on " + text_of(partition.replicas) + ", in sync " +
             text_of(partition.isr) + ", made " + text_of(partition.made);
    }
    if (partition.isr.size() == partition.replicas.size()) continue;
    return text_of(partition.key) + " has " + std::to_string(partition.isr.size()) + " of " +
           std::to_string(partition.replicas.size()) + " replicas in sync, led by node " +
           std::to_string(partition.leader.raw()) + " in epoch " +
           std::to_string(partition.leader_epoch.raw());
  }
  return {};
}

bool Cluster::has_copies_beside(NodeId node) const {
  const auto& partitions = broker_->durable_meta().partitions;
  return std::none_of(partitions.begin(), partitions.end(), [node](const PartitionMeta& partition) {
    return partition.replicas == std::vector<NodeId>{node};
  });
}

void Cluster::note_spoiled(NodeProcess& node, Spoil how, const std::vector<PartitionKey>& files) {
  spoiled_ = &node;
  node.disk().set_spoiled(true);
  world_.log_hashes.forget(node.id());
  spoiled_copies_.clear();
  for (const PartitionMeta& partition : broker_->durable_meta().partitions) {
    if (std::find(files.begin(), files.end(), partition.key) == files.end()) continue;
    Whole& whole = spoiled_copies_[partition.key];
    // One that is only older need not be given up: its leader may not know of what it lacks.
    whole.version = partition.version + (node.disk().gives_up(how) ? 2 : 0);
    std::optional<Offset> common;
    std::optional<PositionVersion> positions;
    for (const NodeId id : partition.isr) {
      if (id == node.id()) continue;
      const Offset end = fsynced_end(id, partition.key);
      common = std::min(common.value_or(end), end);
      whole.most = std::max(whole.most, end);
      const PositionVersion version = fsynced_positions(id, partition.key);
      positions = std::min(positions.value_or(version), version);
    }
    whole.positions = positions.value_or(PositionVersion(0));
    whole.common = common.value_or(Offset(0));
  }
}

/// By the disk; where that cannot say, by what the process that uses it has taken over.
Offset Cluster::fsynced_end(NodeId node, PartitionKey key) const {
  const NodeProcess& process = *nodes_[static_cast<std::size_t>(node.raw() - 1)];
  if (const auto end = process.disk().fsynced_end(key)) return *end;
  const auto copy = copy_in_use(process, key);
  return copy ? copy->durable_end : Offset(0);
}

std::optional<partition::ReplicaView> Cluster::copy_in_use(const NodeProcess& process,
                                                           PartitionKey key) {
  if (process.core() == nullptr) return std::nullopt;
  auto copy = process.core()->replica(key);
  const bool in_use = copy && (copy->role == partition::RoleName::leading ||
                               copy->role == partition::RoleName::following);
  return in_use ? copy : std::nullopt;
}

PositionVersion Cluster::fsynced_positions(NodeId node, PartitionKey key) const {
  const NodeProcess& process = *nodes_[static_cast<std::size_t>(node.raw() - 1)];
  if (const auto version = process.disk().fsynced_position_version(key)) return *version;
  const auto copy = copy_in_use(process, key);
  return copy ? copy->durable_position_version : PositionVersion(0);
}

/// What it had said to have may still count with a leader that has it too. One of the others alone
/// may have had records that nobody was told of, and loses them rightly when another leads.
Offset Cluster::whole_end(const Whole& whole, const PartitionMeta& partition) const {
  if (partition.leader == node_none || partition.leader == spoiled_->id()) return whole.common;
  return std::min(whole.most, fsynced_end(partition.leader, partition.key));
}

PositionVersion Cluster::wanted_positions(const Whole& whole,
                                          const PartitionMeta& partition) const {
  if (partition.leader == node_none || partition.leader == spoiled_->id()) return whole.positions;
  return std::min(whole.positions, fsynced_positions(partition.leader, partition.key));
}

std::string Cluster::recovering() {
  if (spoiled_ == nullptr) return {};
  for (const PartitionMeta& partition : broker_->durable_meta().partitions) {
    const auto& replicas = partition.replicas;
    if (std::find(replicas.begin(), replicas.end(), spoiled_->id()) == replicas.end()) continue;
    const auto whole = spoiled_copies_.find(partition.key);
    if (whole == spoiled_copies_.end()) continue;  // As it was, or made since.
    // A file that was not opened since may yet be set aside, whatever it has.
    const bool in_sync = partition.isr.size() == replicas.size() &&
                         copy_in_use(*spoiled_, partition.key).has_value();
    const Offset end = fsynced_end(spoiled_->id(), partition.key);
    const Offset wanted = whole_end(whole->second, partition);
    const bool positions = fsynced_positions(spoiled_->id(), partition.key) >=
                           wanted_positions(whole->second, partition);
    if (in_sync && partition.version >= whole->second.version && end >= wanted && positions) {
      continue;
    }
    return spoiled_->name() + "'s spoiled copy of " + text_of(partition.key) + " ends at " +
           std::to_string(end.raw()) + " of " + std::to_string(wanted.raw()) + ", version " +
           std::to_string(partition.version) + " of " + std::to_string(whole->second.version) +
           (in_sync ? "" : ", not in sync") + (positions ? "" : ", without all positions");
  }
  spoiled_->disk().set_spoiled(false);
  spoiled_ = nullptr;
  return {};
}

void Cluster::check_replicas() {
  for (const PartitionMeta& partition : broker_->durable_meta().partitions) {
    std::map<Offset, BatchHeader> known;
    for (const NodeId id : partition.replicas) {
      const Disk& disk = nodes_[static_cast<std::size_t>(id.raw() - 1)]->disk();
      for (const BatchHeader& batch : disk.fsynced_batches(partition.key)) {
        const auto [at, fresh] = known.try_emplace(batch.base_offset, batch);
        if (fresh || at->second == batch) continue;
        world_.checker.violate(
            "logs-agree", text_of(partition.key) + " offset " +
                              std::to_string(batch.base_offset.raw()) + " is of epoch " +
                              std::to_string(at->second.leader_epoch.raw()) + " and, on node " +
                              std::to_string(id.raw()) + ", of epoch " +
                              std::to_string(batch.leader_epoch.raw()));
      }
    }
  }
}

void Cluster::start() {
  broker_->start();
  for (auto& node : nodes_) {
    const bool is_late = world_.options.late_node && node == nodes_.back();
    if (!is_late) node->start();
  }
  for (auto& client : clients_) client->start();
}

/// Each of its partitions is to be written without it.
bool Cluster::can_do_without(NodeId node) const {
  const MetaState& meta = broker_->durable_meta();
  for (const PartitionMeta& partition : meta.partitions) {
    const auto topic = std::find_if(meta.topics.begin(), meta.topics.end(),
                                    [&](const auto& row) { return row.id == partition.key.topic; });
    if (topic == meta.topics.end()) continue;
    const auto others = static_cast<std::size_t>(std::count_if(
        partition.isr.begin(), partition.isr.end(), [node](NodeId id) { return id != node; }));
    if (others < min_insync_of(topic->config, partition.replicas.size())) return false;
  }
  return true;
}

void Cluster::take_one_away() {
  NodeProcess* const node = nodes_[prng_.below(nodes_.size())].get();
  if (!can_do_without(node->id())) return;
  away_ = node;
  world_.counters.count("fault: gone for good");
  world_.trace.brief(away_->name().c_str(), "is gone, and does not come back");
  if (away_->up()) away_->crash(Process::Death::kill);
}

void Cluster::bring_back() {
  if (away_ != nullptr && !away_->up()) away_->start();
  away_ = nullptr;
}

void Cluster::heal() {
  broker_->set_meta_room(BrokerProcess::Room::enough);
  broker_->slow_writes(Micros(0));
  if (broker_->paused()) broker_->resume();
  if (!broker_->up()) broker_->start();
  for (auto& node : nodes_) {
    node->disk().set_sync(SyncFault::none);
    if (node.get() != spoiled_) node->disk().set_spoiled(false);
    node->disk().set_room(-1);
    node->slow_writes(Micros(0));
    node->release_syncs();
    if (node->paused()) node->resume();
    // A partition that halted stays halted until somebody has looked and started the node again;
    // a node that was asked to stop is not left to end when nobody starts it any more.
    if (node->up() && (node->has_halted() || node->stopping())) {
      node->crash(Process::Death::kill);
    }
    if (!node->up()) node->start();
  }
  for (auto& client : clients_) {
    if (client->paused()) client->resume();
    if (!client->up()) client->start();
  }
}

}  // namespace pinion::sim
