// Replicas that move: a node is drained, a topic gets another replication, a new node takes its
// share. A partition's `target` says where its replicas are to be. A target waits for its turn, for
// few are copied at a time; then its nodes become replicas beside the old ones and copy; when all
// of them are in sync the others are dropped, and told to delete their files, which `made`
// remembers until they have said that it is done.
#include <algorithm>
#include <string>
#include <utility>

#include "broker/core/controller.hpp"
#include "broker/core/rebalance_planner.hpp"
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"

namespace pinion {

namespace {

[[nodiscard]] bool same_nodes(std::vector<NodeId> a, std::vector<NodeId> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

[[nodiscard]] const std::vector<NodeId>& where(const PartitionMeta& partition) {
  return partition.target.empty() ? partition.replicas : partition.target;
}

/// Its turn has come: what it is to have is among its replicas.
[[nodiscard]] bool has_begun(const PartitionMeta& partition) {
  return std::all_of(partition.target.begin(), partition.target.end(),
                     [&](NodeId id) { return names(partition.replicas, id); });
}

}  // namespace

// ---- Nodes

void Controller::on_command_node(const Now& now, const ClientRequest& request,
                                 ControllerEffects& out) {
  const auto& asked = std::get<CommandNode>(request.body);
  const Waiter waiter = waiter_of(now, request);
  if (auto allowed = may_decide(); !allowed) {
    return refuse(waiter, allowed.error().code, allowed.error().detail, out);
  }
  if (asked.command == NodeCommand::rebalance) {
    const std::size_t moves = rebalance();
    return reply(waiter, CommandNodeReply{static_cast<std::uint32_t>(moves)}, out);
  }
  Node* node = nodes_.find(asked.node);
  if (node == nullptr) {
    return refuse(waiter, Errc::invalid_argument,
                  "there is no node " + std::to_string(asked.node.raw()), out);
  }
  if (registering_.count(asked.node) != 0 || !commanded_.insert(asked.node).second) {
    // Each of the two keeps the node's whole row.
    return refuse(waiter, Errc::throttled,
                  "node " + std::to_string(asked.node.raw()) + " is being changed just now", out);
  }
  std::vector<MetaOp> ops;
  if (asked.command == NodeCommand::remove) {
    if (auto allowed = may_remove(*node); !allowed) {
      commanded_.erase(asked.node);
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
  std::size_t held = partitions_.held_by(node.meta.id).size();
  for (const PartitionKey key : partitions_.moving()) {
    const PartitionMeta& moving = partitions_.find(key)->decided;
    const bool waits = names(moving.target, node.meta.id) && !names(moving.replicas, node.meta.id);
    if (waits) ++held;
  }
  if (held > 0) {
    return failure(Errc::invalid_argument, name + " holds, or is to hold, " + std::to_string(held) +
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
  commanded_.erase(commanded.node);
  plan_moves(now, out);
  for (const PartitionKey key : partitions_.held_by(commanded.node)) {
    if (!partitions_.find(key)->decided.target.empty()) ++moves;
  }
  reply(commanded.waiter, CommandNodeReply{moves}, out);
}

// ---- Planning

/// All nodes; where replicas are, or are being moved to.
PlacementPlanner Controller::planner_of_all() const {
  std::vector<PlacementNode> nodes = placement_nodes();
  for (PlacementNode& node : nodes) {
    node.partitions = 0;
    node.replicas = 0;
  }
  PlacementPlanner planner(std::move(nodes));
  for (const auto& [key, partition] : partitions_.rows()) {
    planner.add(key.topic, where(partition.decided));
  }
  return planner;
}

/// The same row, on its way to other nodes. What is committed meanwhile is committed by the least
/// number in sync that held before: the new copies are not there yet.
PartitionMeta Controller::with_target(PartitionMeta partition, std::vector<NodeId> target) const {
  partition.min_insync_before = static_cast<std::int32_t>(min_insync(partition.key));
  partition.target = std::move(target);
  partition.version += 1;
  return partition;
}

bool Controller::is_leaving(NodeId id) const {
  const Node* node = nodes_.find(id);
  return node == nullptr || node->meta.draining;
}

/// Nothing will come of this part of a move: the node is to hold nothing any more, or the copy has
/// not begun and the node is away.
bool Controller::is_hopeless(const PartitionMeta& partition, NodeId id) const {
  if (names(partition.isr, id)) return false;
  if (is_leaving(id)) return true;
  return !names(partition.replicas, id) && !nodes_.find(id)->alive();
}

/// Another target in the place of one that names hopeless nodes: what was to be replaced stays,
/// else another node takes it. The last resort is to move less.
std::vector<NodeId> Controller::mended_target(const PartitionMeta& partition,
                                              const PlacementPlanner& planner) const {
  std::vector<NodeId> target = partition.target;
  const PlacedTopic topic{partition.key.topic, topics_.find(partition.key.topic)->meta.name};
  for (std::size_t i = 0; i < target.size();) {
    if (!is_hopeless(partition, target[i])) {
      ++i;
      continue;
    }
    const auto stays = [&](NodeId id) { return !names(target, id) && planner.takes_more(id); };
    const auto is_copy = [&](NodeId id) { return !names(target, id); };
    const auto& isr = partition.isr;
    auto old = std::find_if(isr.begin(), isr.end(), stays);
    NodeId next = old == isr.end() ? planner.best_beside(topic, target) : *old;
    old = std::find_if(isr.begin(), isr.end(), is_copy);
    if (next == node_none && old != isr.end()) next = *old;
    if (next == node_none && !is_leaving(target[i])) {
      ++i;  // It may come back, and there is no other.
    } else if (next == node_none) {
      target.erase(target.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      target[i++] = next;
    }
  }
  PINION_ASSERT(!target.empty());
  return target;
}

/// Where the replicas should be, when some of them are on nodes that are being drained.
std::vector<NodeId> Controller::wanted_replicas(const PartitionMeta& partition,
                                                const PlacementPlanner& planner) const {
  std::vector<NodeId> wanted = partition.replicas;
  const PlacedTopic topic{partition.key.topic, topics_.find(partition.key.topic)->meta.name};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!is_leaving(wanted[i])) continue;
    std::vector<NodeId> others = wanted;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    const NodeId next = planner.best_beside(topic, others);
    if (next != node_none) wanted[i] = next;  // Else there is nowhere to go to yet.
  }
  if (wanted == partition.replicas) return wanted;
  return planner.with_even_heir(planner.with_even_leader(std::move(wanted)));
}

void Controller::retarget(const Now& now, Partition& partition, std::vector<NodeId> target,
                          PlacementPlanner& planner, ControllerEffects& out) {
  const PartitionKey key = partition.decided.key;
  planner.add(key.topic, target);
  partition.decided = with_target(partition.decided, std::move(target));
  planned_.push_back(key);
  reconsider(now, key, out);
}

/// Gives targets to partitions that must leave a node, and others to those whose target is no use.
void Controller::plan_moves(const Now& now, ControllerEffects& out) {
  if (!may_decide()) return;
  std::vector<PartitionKey> hopeless;
  for (const PartitionKey key : partitions_.moving()) {
    const PartitionMeta& decided = partitions_.find(key)->decided;
    const bool is_any = std::any_of(decided.target.begin(), decided.target.end(),
                                    [&](NodeId id) { return is_hopeless(decided, id); });
    if (is_any && !topics_.find(key.topic)->deleting) hopeless.push_back(key);
  }
  std::vector<PartitionKey> leaving;
  for (const auto& [id, node] : nodes_.rows()) {
    if (!node.meta.draining) continue;
    for (const PartitionKey key : partitions_.held_by(id)) {
      if (partitions_.moving().size() + leaving.size() >= limits::moves_of_rebalance_max) break;
      if (may_move(*partitions_.find(key))) leaving.push_back(key);
    }
  }
  if (hopeless.empty() && leaving.empty()) return start_moves(now, out);
  PlacementPlanner planner = planner_of_all();
  for (const PartitionKey key : hopeless) {
    Partition& partition = *partitions_.find(key);
    planner.remove(key.topic, partition.decided.target);
    std::vector<NodeId> target = mended_target(partition.decided, planner);
    if (target != partition.decided.target) {
      retarget(now, partition, std::move(target), planner, out);
    } else {
      planner.add(key.topic, target);
    }
  }
  for (const PartitionKey key : leaving) {
    Partition& partition = *partitions_.find(key);
    if (!partition.decided.target.empty()) continue;  // Two of its nodes leave.
    planner.remove(key.topic, partition.decided.replicas);
    std::vector<NodeId> wanted = wanted_replicas(partition.decided, planner);
    if (wanted != partition.decided.replicas) {
      retarget(now, partition, std::move(wanted), planner, out);
    } else {
      planner.add(key.topic, partition.decided.replicas);
    }
  }
  start_moves(now, out);
}

/// Without a leader there is nobody to copy from.
bool Controller::may_move(const Partition& partition) const {
  const Node* leader = nodes_.find(partition.decided.leader);
  return partition.decided.target.empty() && leader != nullptr && leader->alive() &&
         !topics_.find(partition.decided.key.topic)->deleting;
}

/// Moves begin, so many at a time that producers feel little of it. What waits for a node that is
/// away does not hold up the others.
void Controller::start_moves(const Now& now, ControllerEffects& out) {
  if (partitions_.moving().empty() || !may_decide()) return;
  const auto lives = [this](NodeId id) {
    const Node* node = nodes_.find(id);
    return node != nullptr && node->alive();
  };
  std::size_t under_way = 0;
  std::vector<PartitionKey> waiting;
  for (const PartitionKey key : partitions_.moving()) {
    const PartitionMeta& decided = partitions_.find(key)->decided;
    if (decided.target.empty() || topics_.find(key.topic)->deleting) continue;
    if (has_begun(decided)) {
      const auto copies = [&](NodeId id) { return !names(decided.isr, id) && lives(id); };
      const bool copied = std::any_of(decided.target.begin(), decided.target.end(), copies);
      if (copied && lives(decided.leader)) ++under_way;
    } else if (waiting.size() < limits::moves_at_once && lives(decided.leader)) {
      const auto is_away = [&](NodeId id) { return !names(decided.replicas, id) && !lives(id); };
      if (std::none_of(decided.target.begin(), decided.target.end(), is_away)) {
        waiting.push_back(key);
      }
    }
  }
  for (const PartitionKey key : waiting) {
    if (under_way++ >= limits::moves_at_once) return;
    PartitionMeta& decided = partitions_.find(key)->decided;
    for (const NodeId id : decided.target) {
      if (!names(decided.replicas, id)) decided.replicas.push_back(id);
    }
    decided.version += 1;
    planned_.push_back(key);
    reconsider(now, key, out);
  }
}

/// Replicas and leaders become even over the nodes. Returns how many partitions move for it:
/// another order of the replicas is no move, leadership follows it by itself.
std::size_t Controller::rebalance() {
  std::vector<PlacedPartition> placed;
  for (const auto& [key, partition] : partitions_.rows()) {
    const Topic& topic = *topics_.find(key.topic);
    placed.push_back({.key = key,
                      .topic = topic.meta.name,
                      .replicas = where(partition.decided),
                      .is_fixed = topic.deleting || !partition.decided.target.empty()});
  }
  std::vector<PlacementNode> nodes = placement_nodes();
  for (PlacementNode& node : nodes) {
    node.partitions = 0;
    node.replicas = 0;
  }
  std::size_t moves = 0;
  for (PlacedPartition& p : plan_rebalance(PlacementPlanner(std::move(nodes)), std::move(placed),
                                           limits::moves_of_rebalance_max)) {
    Partition& partition = *partitions_.find(p.key);
    if (same_nodes(p.replicas, partition.decided.replicas)) {
      partition.decided.replicas = std::move(p.replicas);
      partition.decided.version += 1;
    } else {
      partition.decided = with_target(partition.decided, std::move(p.replicas));
      ++moves;
    }
    planned_.push_back(p.key);
  }
  return moves;
}

// ---- The end of a move

/// Called with every reconsideration: when all of the target are in sync, it alone is left.
PartitionMeta Controller::plan_move(const Partition& partition, PartitionMeta next) const {
  if (next.target.empty()) return next;
  const bool all_in_sync = std::all_of(next.target.begin(), next.target.end(),
                                       [&](NodeId id) { return names(next.isr, id); });
  if (!all_in_sync) return next;
  if (!names(next.target, next.leader)) {
    // Leadership first; what was not committed comes again from the producers.
    const auto heir = std::find_if(next.target.begin(), next.target.end(), [&](NodeId id) {
      return may_lead(partition, id) && is_steady(partition, id);
    });
    if (heir == next.target.end()) return next;
    next = elected(std::move(next), {.leader = *heir});
  }
  const auto is_left = [&](NodeId id) { return !names(next.target, id); };
  std::erase_if(next.isr, is_left);
  std::erase_if(next.eligible, is_left);
  next.replicas = std::exchange(next.target, {});
  next.min_insync_before = 0;
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
