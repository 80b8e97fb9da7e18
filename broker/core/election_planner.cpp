#include "broker/core/election_planner.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/assert.hpp"

namespace pinion {

bool names(const std::vector<NodeId>& nodes, NodeId node) noexcept {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

namespace {

/// The best of those that `may` lead, in the order of the replicas; steady ones first.
[[nodiscard]] NodeId best_of(const ElectionInput& input, const std::vector<NodeId>& may,
                             bool longest) {
  NodeId best = node_none;
  Candidate chosen;
  for (const NodeId node : input.partition->replicas) {
    const auto candidate = input.candidates.find(node);
    if (candidate == input.candidates.end() || !names(may, node)) continue;
    const Candidate& other = candidate->second;
    const bool better = longest ? std::tie(other.last_epoch, other.log_end) >
                                      std::tie(chosen.last_epoch, chosen.log_end)
                                : other.is_steady && !chosen.is_steady;
    if (best != node_none && !better) continue;
    best = node;
    chosen = other;
  }
  return best;
}

}  // namespace

Election plan_election(const ElectionInput& input) {
  const PartitionMeta& partition = *input.partition;
  for (const std::vector<NodeId>* may : {&partition.isr, &partition.eligible}) {
    std::size_t there = 0;
    std::size_t expected = 0;
    bool any_steady = false;
    for (const NodeId node : *may) {
      if (!names(partition.replicas, node)) continue;
      ++expected;
      const auto candidate = input.candidates.find(node);
      if (candidate == input.candidates.end()) continue;
      ++there;
      any_steady = any_steady || candidate->second.is_steady;
    }
    if (there == 0) {
      // Members that are only away may still come: those that left before them are not asked yet.
      if (may == &partition.isr && !input.has_waited) {
        for (const NodeId node : partition.eligible) {
          if (input.candidates.count(node) > 0) return {node_none, false, true};
        }
      }
      continue;
    }
    if (any_steady) return {best_of(input, *may, false), false, false};
    if (there < expected && !input.has_waited) return {node_none, false, true};
    return {best_of(input, *may, true), false, false};
  }
  if (!input.unclean_allowed || input.candidates.empty()) return {};
  if (!input.has_waited) return {node_none, false, true};
  return {best_of(input, partition.replicas, true), true, false};
}

PartitionMeta elected(PartitionMeta partition, const Election& election) {
  PINION_ASSERT(election.leader != node_none);
  partition.leader = election.leader;
  partition.leader_epoch = partition.leader_epoch + 1;
  partition.version += 1;
  if (election.is_unclean) {
    partition.isr = {election.leader};
    partition.eligible.clear();
  } else if (!names(partition.isr, election.leader)) {
    // An eligible one leads: it has all that is committed, and so have those it takes over from.
    for (const NodeId node : partition.isr) {
      if (!names(partition.eligible, node)) partition.eligible.push_back(node);
    }
    std::erase(partition.eligible, election.leader);
    partition.isr = {election.leader};
  }
  return partition;
}

PartitionMeta without_member(PartitionMeta partition, NodeId node, std::size_t min_insync) {
  PINION_ASSERT(names(partition.isr, node));
  PINION_ASSERT(partition.isr.size() > 1);
  std::erase(partition.isr, node);
  partition.version += 1;
  if (partition.isr.size() >= min_insync) {
    partition.eligible.clear();
  } else if (!names(partition.eligible, node)) {
    partition.eligible.push_back(node);
  }
  return partition;
}

PartitionMeta without_copy(PartitionMeta partition, NodeId node, std::size_t min_insync) {
  const bool is_member = names(partition.isr, node);
  const bool is_last = is_member && partition.isr.size() == 1;
  std::vector<NodeId> others = partition.eligible;
  std::erase(others, node);
  if (is_last && others.empty()) return partition;
  if (is_last) {
    // The high watermark stood still since they left: they have all that is committed.
    partition.isr = others;
    partition.eligible.clear();
    partition.version += 1;
  } else if (is_member) {
    partition = without_member(std::move(partition), node, min_insync);
  } else {
    partition.version += 1;
  }
  std::erase(partition.eligible, node);
  std::erase(partition.made, node);
  return partition;
}

}  // namespace pinion
