#include "tests/sim/operator_client.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace pinion::sim {

namespace {

constexpr const char* command_names[] = {"drain", "keep", "remove", "rebalance"};

}  // namespace

OperatorClient::OperatorClient(World& world, std::int32_t index, std::string name,
                               std::uint64_t seed, TopicBook& book, Machines machines)
    : RawClient(world, index, std::move(name), seed),
      book_(book),
      machines_(std::move(machines)),
      late_waits_(world.options.late_node) {}

void OperatorClient::begin() {
  idle_ = false;
  // What it had stopped in its life before.
  if (taken_ != node_none) machines_.start(std::exchange(taken_, node_none));
  next_turn();
}

void OperatorClient::next_turn() {
  const std::int64_t mean = world_.options.workload.operate_every.count();
  later(Micros(prng_.between(1, 2 * mean)), [this] { turn(); });
}

void OperatorClient::turn() {
  if (!connected() || machines_.is_recovering()) return next_turn();
  if (finishing_) return end();
  if (late_waits_ && prng_.chance(1, 4)) return start_late_node();
  switch (prng_.below(8)) {
    case 0:
    case 1:
      return drain();
    case 2:
      return keep();
    case 3:
      return command(NodeCommand::rebalance, node_none);
    case 4:
    case 5:
      return take_away();
    default:
      return alter();
  }
}

void OperatorClient::end() {
  if (late_waits_) return start_late_node();
  // Topics that are still to be made need their nodes.
  const auto left = world_.options.nodes - static_cast<std::int32_t>(drained_.size());
  const bool too_few = left < world_.options.workload.replication;
  if (!drained_.empty() && (too_few || prng_.chance(1, 2))) return keep();
  idle_ = true;
}

NodeId OperatorClient::some_node() {
  return NodeId(static_cast<std::int32_t>(prng_.between(1, world_.options.nodes)));
}

NodeId OperatorClient::some_drained() {
  if (drained_.empty()) return node_none;
  auto chosen = drained_.begin();
  std::advance(chosen, prng_.below(drained_.size()));
  return *chosen;
}

// ---- Nodes

void OperatorClient::start_late_node() {
  late_waits_ = false;
  world_.counters.count("operation: one more node");
  machines_.start(NodeId(world_.options.nodes));
  next_turn();
}

void OperatorClient::command(NodeCommand what, NodeId node) {
  const char* const text = command_names[static_cast<std::size_t>(what)];
  request(CommandNode{what, node}, 2s, [this, what, node, text](const Message& answer) {
    world_.trace.brief(name().c_str(), "%s %d: %s", text, node.raw(),
                       name_of(answer.header.error).data());
    if (answer.header.error == Errc::ok) {
      world_.counters.count(std::string("operation: ") + text);
      if (what == NodeCommand::keep) drained_.erase(node);
    }
    next_turn();
  });
}

/// Of two nodes one is left that takes what the other has.
void OperatorClient::drain() {
  if (static_cast<std::int32_t>(drained_.size()) + 1 >= world_.options.nodes) return keep();
  const NodeId node = some_node();
  drained_.insert(node);
  command(NodeCommand::drain, node);
}

void OperatorClient::keep() {
  const NodeId node = some_drained();
  if (node == node_none) return next_turn();
  command(NodeCommand::keep, node);
}

/// A node that holds nothing any more is stopped, forgotten, and started again as a new one.
void OperatorClient::take_away() {
  const NodeId node = some_drained();
  if (node == node_none) return drain();
  request(ClusterStatusRequest{}, 1s, [this, node](const Message& answer) {
    const auto* status = std::get_if<ClusterStatusReply>(&answer.body);
    const bool is_empty = status != nullptr &&
                          std::any_of(status->nodes.begin(), status->nodes.end(), [&](auto& row) {
                            return row.id == node && row.replicas == 0 && row.draining;
                          });
    if (!is_empty || machines_.is_recovering()) return next_turn();
    taken_ = node;
    machines_.stop(node);
    later(Micros(prng_.between(50'000, 1'000'000)), [this, node] { remove(node); });
  });
}

void OperatorClient::remove(NodeId node) {
  request(CommandNode{NodeCommand::remove, node}, 2s, [this, node](const Message& answer) {
    world_.trace.brief(name().c_str(), "remove %d: %s", node.raw(),
                       name_of(answer.header.error).data());
    if (answer.header.error == Errc::ok) {
      world_.counters.count("operation: remove");
      drained_.erase(node);
    }
    later(Micros(prng_.between(1'000, 500'000)), [this, node] {
      taken_ = node_none;
      machines_.start(node);
      next_turn();
    });
  });
}

// ---- Topics

void OperatorClient::alter() {
  if (book_.topics().empty()) return next_turn();
  const KnownTopic& topic = book_.topics()[prng_.below(book_.topics().size())];
  AlterTopic change;
  change.name = topic.name;
  const WorkloadOptions& workload = world_.options.workload;
  const char* what = "operation: alter the least in sync";
  const auto kind = prng_.below(4);
  if (kind == 0 && topic.partitions < workload.partitions_max + 2) {
    what = "operation: alter partitions";
    change.partitions = topic.partitions + 1;
  } else if (kind < 3) {
    // With one copy the loss of a disk would be the loss of what was acknowledged.
    what = "operation: alter replication";
    const std::int32_t least = workload.replication > 1 ? 2 : 1;
    change.replication = static_cast<std::int32_t>(
        prng_.between(least, std::max(least, std::min(3, world_.options.nodes))));
  } else {
    change.min_insync_replicas = static_cast<std::int32_t>(prng_.between(0, 2));
  }
  request(change, 2s, [this, change, what](const Message& answer) {
    world_.trace.brief(name().c_str(), "alter %s (%d partitions, %d replicas, %d in sync): %s",
                       change.name.c_str(), change.partitions, change.replication,
                       change.min_insync_replicas, name_of(answer.header.error).data());
    if (const auto* reply = std::get_if<AlterTopicReply>(&answer.body)) {
      world_.counters.count(what);
      book_.put(reply->topic);
    }
    next_turn();
  });
}

}  // namespace pinion::sim
