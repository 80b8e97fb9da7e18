// Replicas that move: a node is drained, a topic gets another replication, a new node takes its
// share. A partition's `target` says where its replicas are to be. They are copied first; when all
// of them are in sync the others are dropped, and told to delete their files, which `made`
// remembers until they have said that it is done.
#include <algorithm>
#include <string>
#include <utility>

#include "broker/core/controller.hpp"
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/topic_rules.hpp"

namespace pinion {

namespace {

[[nodiscard]] bool same_nodes(std::vector<NodeId> a, std::vector<NodeId> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

}  // namespace

// ---- Topics

void Controller::on_alter_topic(const Now& now, const ClientRequest& request,
                                ControllerEffects& out) {
  const auto& asked = std::get<AlterTopic>(request.body);
  const Waiter waiter = waiter_of(now, request);
  const Topic* found = topics_.find(std::string_view(asked.name));
  if (found == nullptr || found->deleting) {
    return refuse(waiter, Errc::unknown_topic, "topic '" + asked.name + "' does not exist", out);
  }
  Topic& topic = *topics_.find(found->meta.id);
  if (auto done = alter(now, topic, asked, waiter, out); !done) {
    refuse(waiter, done.error().code, done.error().detail, out);
  }
}

Result<void> Controller::alter(const Now& now, Topic& topic, const AlterTopic& asked,
                               const Waiter& waiter, ControllerEffects& out) {
  PINION_CHECK(may_decide());
  if (topic.altering) return failure(Errc::throttled, "the topic is being altered already");
  TopicConfig config = topic.meta.config;
  if (asked.partitions >= 0) config.partitions = asked.partitions;
  if (asked.replication >= 0) config.replication = asked.replication;
  if (asked.retention_ms >= 0) config.retention_ms = asked.retention_ms;
  if (asked.retention_bytes >= 0) config.retention_bytes = asked.retention_bytes;
  if (asked.min_insync_replicas >= 0) config.min_insync_replicas = asked.min_insync_replicas;
  if (asked.unclean_elections >= 0) config.unclean_elections = asked.unclean_elections == 1;
  if (config.partitions < topic.meta.config.partitions) {
    return failure(Errc::invalid_argument, "a topic's partitions can only become more: '" +
                                               topic.meta.name + "' has " +
                                               std::to_string(topic.meta.config.partitions));
  }
  if (config.min_insync_replicas > config.replication) {
    return failure(Errc::invalid_argument, "min_insync_replicas " +
                                               std::to_string(config.min_insync_replicas) +
                                               " could never be met with " +
                                               std::to_string(config.replication) + " replicas");
  }
  std::vector<MetaOp> ops;
  ops.emplace_back(SetTopicConfig{topic.meta.id, config});
  PINION_CHECK(add_partitions(now, topic, config, ops));
  const auto nodes = placement_nodes();
  const auto spread =
      plan_replicas(nodes, topic.meta.name, topic.meta.config.partitions, config.replication);
  if (!spread && config.replication > topic.meta.config.replication) {
    return failure(spread.error());
  }
  TopicAltered altered{topic.meta.id, {}, waiter};
  for (auto row = partitions_.first_of(topic.meta.id);
       row != partitions_.rows().end() && row->first.topic == topic.meta.id; ++row) {
    PartitionMeta next = row->second.decided;
    const auto count = static_cast<std::size_t>(config.replication);
    std::vector<NodeId> target = next.target.empty() ? next.replicas : next.target;
    if (target.size() > count) {
      // The ones behind go; the leader stays where it is, if it can.
      std::stable_partition(target.begin(), target.end(),
                            [&](NodeId id) { return id == next.leader; });
      target.resize(count);
    }
    const auto index = static_cast<std::size_t>(row->first.partition.raw());
    for (std::size_t i = 0; spread && target.size() < count && i < (*spread)[index].size(); ++i) {
      if (!names(target, (*spread)[index][i])) target.push_back((*spread)[index][i]);
    }
    for (const PlacementNode& node : nodes) {
      if (target.size() < count && !names(target, node.id)) target.push_back(node.id);
    }
    // Lowered and raised again before anything else happens, the minimum was met in between.
    const std::size_t count_now = next.replicas.size();
    const std::size_t least =
        std::min(min_insync_of(topic.meta.config, count_now), min_insync_of(config, count_now));
    next = without_stale_eligible(std::move(next), least);
    if (!same_nodes(target, next.replicas)) next.target = target;
    // A new version also when nothing moves: it brings the configuration to the replicas.
    set_decided(row->second, std::move(next), ops);
    altered.keys.push_back(row->first);
  }
  topic.altering = true;
  decide(std::move(ops), std::move(altered), out);
  return {};
}

Result<void> Controller::add_partitions(const Now& now, const Topic& topic,
                                        const TopicConfig& config, std::vector<MetaOp>& ops) {
  const std::int32_t there_are = topic.meta.config.partitions;
  const std::int32_t more = config.partitions - there_are;
  if (more <= 0) return {};
  if (partitions_.size() + placing_total_ + static_cast<std::size_t>(more) >
      limits::partitions_max) {
    return failure(Errc::limit_reached, "a cluster has at most " +
                                            std::to_string(limits::partitions_max) + " partitions");
  }
  (void)now;
  PINION_TRY(placed, plan_replicas(placement_nodes(), topic.meta.name, more, config.replication));
  AddPartitions add;
  for (std::size_t i = 0; i < placed.size(); ++i) {
    PartitionMeta partition;
    partition.key = {topic.meta.id, PartitionIndex(there_are + static_cast<std::int32_t>(i))};
    partition.leader = placed[i].front();
    partition.replicas = placed[i];
    partition.isr = {placed[i].front()};
    partition.leader_epoch = Epoch{1};
    partition.version = 1;
    add.partitions.push_back(std::move(partition));
  }
  ops.emplace_back(std::move(add));
  return {};
}

void Controller::then(const Now& now, const TopicAltered& altered, ControllerEffects& out) {
  Topic* topic = topics_.find(altered.topic);
  if (topic == nullptr || topic->deleting) {
    return refuse(altered.waiter, Errc::unknown_topic, "the topic was deleted meanwhile", out);
  }
  topic->altering = false;
  PartitionsSet set{altered.keys};
  for (auto row = partitions_.first_of(altered.topic);
       row != partitions_.rows().end() && row->first.topic == altered.topic; ++row) {
    const bool is_new =
        std::find(altered.keys.begin(), altered.keys.end(), row->first) == altered.keys.end();
    if (is_new) set.keys.push_back(row->first);
  }
  then(now, set, out);
  (void)plan_moves(now, out);
  reply(altered.waiter, AlterTopicReply{metadata_of(*topic)}, out);
}

// ---- Nodes

void Controller::on_command_node(const Now& now, const ClientRequest& request,
                                 ControllerEffects& out) {
  const auto& asked = std::get<CommandNode>(request.body);
  const Waiter waiter = waiter_of(now, request);
  if (auto allowed = may_decide(); !allowed) {
    return refuse(waiter, allowed.error().code, allowed.error().detail, out);
  }
  if (asked.command == NodeCommand::rebalance) {
    const std::size_t moves = rebalance(out);
    return reply(waiter, CommandNodeReply{static_cast<std::uint32_t>(moves)}, out);
  }
  Node* node = nodes_.find(asked.node);
  if (node == nullptr) {
    return refuse(waiter, Errc::invalid_argument,
                  "there is no node " + std::to_string(asked.node.raw()), out);
  }
  std::vector<MetaOp> ops;
  if (asked.command == NodeCommand::remove) {
    if (auto allowed = may_remove(*node); !allowed) {
      return refuse(waiter, allowed.error().code, allowed.error().detail, out);
    }
    // Files that it still has of what was moved away are nobody's any more.
    for (const PartitionKey key : partitions_.dropped_by(asked.node)) {
      Partition& partition = *partitions_.find(key);
      PartitionMeta next = partition.decided;
      std::erase(next.made, asked.node);
      set_decided(partition, std::move(next), ops);
    }
    ops.emplace_back(RemoveNode{asked.node});
  } else {
    NodeMeta meta = node->meta;
    meta.draining = asked.command == NodeCommand::drain;
    ops.emplace_back(PutNode{std::move(meta)});
  }
  decide(std::move(ops), NodeCommanded{asked.node, waiter}, out);
}

Result<void> Controller::may_remove(const Node& node) const {
  const std::string name = "node " + std::to_string(node.meta.id.raw());
  const std::size_t held = partitions_.held_by(node.meta.id).size();
  if (held > 0) {
    return failure(Errc::invalid_argument, name + " holds " + std::to_string(held) +
                                               " replicas; drain it first (pinion node drain " +
                                               std::to_string(node.meta.id.raw()) + ")");
  }
  if (node.alive()) {
    return failure(Errc::invalid_argument, name + " is running; stop it first");
  }
  return {};
}

void Controller::then(const Now& now, const NodeCommanded& commanded, ControllerEffects& out) {
  std::uint32_t moves = 0;
  (void)plan_moves(now, out);
  for (const PartitionKey key : partitions_.held_by(commanded.node)) {
    if (!partitions_.find(key)->decided.target.empty()) ++moves;
  }
  reply(commanded.waiter, CommandNodeReply{moves}, out);
}

/// Where the replicas should be, when some of them are on nodes that are being drained.
std::vector<NodeId> Controller::wanted_replicas(const Partition& partition) const {
  std::vector<NodeId> wanted = partition.decided.replicas;
  const Topic* topic = topics_.find(partition.meta.key.topic);
  const auto is_draining = [&](NodeId id) {
    const Node* node = nodes_.find(id);
    return node != nullptr && node->meta.draining;
  };
  if (std::none_of(wanted.begin(), wanted.end(), is_draining)) return wanted;
  std::vector<PlacementNode> others = placement_nodes();
  std::erase_if(others, [&](const PlacementNode& node) { return names(wanted, node.id); });
  for (NodeId& id : wanted) {
    if (!is_draining(id)) continue;
    const auto placed = plan_placement(others, topic->meta.name, 1);
    if (!placed) continue;  // Nowhere to go to yet.
    id = placed->front();
    std::erase_if(others, [&](const PlacementNode& node) { return node.id == id; });
  }
  return wanted;
}

/// Gives targets to partitions that must leave a node, a few at a time.
std::size_t Controller::plan_moves(const Now& now, ControllerEffects& out) {
  if (!may_decide()) return 0;
  std::size_t moving = 0;
  for (const auto& [key, partition] : partitions_.rows()) {
    if (!partition.decided.target.empty()) ++moving;
  }
  std::size_t planned = 0;
  for (const auto& [id, node] : nodes_.rows()) {
    if (!node.meta.draining) continue;
    const std::set<PartitionKey> keys = partitions_.held_by(id);
    for (const PartitionKey key : keys) {
      if (moving >= limits::moves_at_once) return planned;
      Partition& partition = *partitions_.find(key);
      if (!partition.decided.target.empty() || topics_.find(key.topic)->deleting) continue;
      std::vector<NodeId> wanted = wanted_replicas(partition);
      if (wanted == partition.decided.replicas) continue;
      partition.decided.target = std::move(wanted);
      partition.decided.version += 1;
      planned_.push_back(key);
      ++moving;
      ++planned;
      reconsider(now, key, out);
    }
  }
  return planned;
}

/// From those that hold the most to those that hold the least, until no move evens it out further.
std::size_t Controller::rebalance(ControllerEffects& out) {
  (void)out;
  std::map<NodeId, std::size_t> held;
  const std::vector<PlacementNode> nodes = placement_nodes();
  for (const PlacementNode& node : nodes) held[node.id] = 0;
  for (const auto& [key, partition] : partitions_.rows()) {
    const auto& where =
        partition.decided.target.empty() ? partition.decided.replicas : partition.decided.target;
    for (const NodeId id : where) {
      if (held.count(id) > 0) ++held[id];
    }
  }
  std::size_t moves = 0;
  for (auto& [key, partition] : partitions_.rows()) {
    if (moves == limits::moves_of_rebalance_max) break;
    const Topic* topic = topics_.find(key.topic);
    if (topic->deleting || !partition.decided.target.empty()) continue;
    std::vector<NodeId> target = partition.decided.replicas;
    for (NodeId& from : target) {
      if (held.count(from) == 0) continue;
      const PlacementNode* best = nullptr;
      for (const PlacementNode& node : nodes) {
        if (names(target, node.id) || !may_hold(node, topic->meta.name)) continue;
        if (held[node.id] + 1 >= held[from]) continue;
        if (best == nullptr || held[node.id] < held[best->id]) best = &node;
      }
      if (best == nullptr) continue;
      --held[from];
      ++held[best->id];
      from = best->id;
    }
    if (target == partition.decided.replicas) continue;
    partition.decided.target = std::move(target);
    partition.decided.version += 1;
    planned_.push_back(key);
    ++moves;
  }
  return moves;
}

// ---- One move, step by step

/// Called with every reconsideration: first all nodes of both sets are replicas; when all of the
/// target are in sync, it alone.
PartitionMeta Controller::plan_move(const Partition& partition, PartitionMeta next) const {
  if (next.target.empty()) return next;
  for (const NodeId id : next.target) {
    if (!names(next.replicas, id)) next.replicas.push_back(id);
  }
  const bool all_in_sync = std::all_of(next.target.begin(), next.target.end(),
                                       [&](NodeId id) { return names(next.isr, id); });
  if (!all_in_sync) return next;
  if (!names(next.target, next.leader)) {
    // Leadership first; what was not committed comes again from the producers.
    const auto heir = std::find_if(next.target.begin(), next.target.end(),
                                   [&](NodeId id) { return may_lead(partition, id); });
    if (heir == next.target.end()) return next;
    next = elected(std::move(next), {.leader = *heir});
  }
  const auto is_left = [&](NodeId id) { return !names(next.target, id); };
  std::erase_if(next.isr, is_left);
  std::erase_if(next.eligible, is_left);
  next.replicas = std::exchange(next.target, {});
  return next;
}

void Controller::note_dropped(const Node& node, const std::vector<DroppedReplica>& dropped,
                              ControllerEffects& out) {
  (void)out;
  for (const DroppedReplica& drop : dropped) {
    Partition* partition = partitions_.find({drop.topic, drop.partition});
    if (partition == nullptr || !may_decide()) continue;
    const PartitionMeta& decided = partition->decided;
    if (names(decided.replicas, node.meta.id) || !names(decided.made, node.meta.id)) continue;
    std::erase(partition->decided.made, node.meta.id);
    partition->decided.version += 1;
    planned_.push_back(partition->decided.key);
  }
}

}  // namespace pinion
