#include "broker/core/election_planner.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/assert.hpp"
#include "common/proto/topic_rules.hpp"

namespace pinion {

bool names(const std::vector<NodeId>& nodes, NodeId node) noexcept {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

namespace {

/// Those that `may` lead and are there, in the order of the replicas.
[[nodiscard]] std::vector<NodeId> present(const ElectionInput& input,
                                          const std::vector<NodeId>& may) {
  std::vector<NodeId> there;
  for (const NodeId node : input.partition->replicas) {
    if (names(may, node) && input.candidates.count(node) > 0) there.push_back(node);
  }
  return there;
}

/// Of copies that are alike in all that they say, the one that was opened first: one that was put
/// back was opened since.
[[nodiscard]] NodeId longest_of(const ElectionInput& input, const std::vector<NodeId>& nodes) {
  return *std::max_element(nodes.begin(), nodes.end(), [&](NodeId one, NodeId other) {
    const Candidate& a = input.candidates.at(one);
    const Candidate& b = input.candidates.at(other);
    return std::tie(a.last_epoch, a.log_end, a.position_version, b.opened_in) <
           std::tie(b.last_epoch, b.log_end, b.position_version, a.opened_in);
  });
}

/// Nobody vouches for any of them. Requires: some are there.
[[nodiscard]] Election compare(const ElectionInput& input, std::vector<NodeId> there,
                               std::size_t expected) {
  // There is nothing to compare it with.
  if (there.size() == 1 && (expected == 1 || input.has_waited)) return {.leader = there.front()};
  if (input.partition->leader != node_none) return {.must_settle = true};
  const std::size_t count = there.size();
  std::erase_if(there, [&](NodeId node) { return !input.candidates.at(node).is_final; });
  // Who is away is waited for a while, and who is there until it has said what it has: the question
  // may have been lost, and is asked again.
  const bool all_there_have_said = there.size() == count;
  const bool all_are_there = count == expected;
  if (there.empty() || (!all_there_have_said && !input.has_waited_long) ||
      (!all_are_there && !input.has_waited)) {
    return {.must_wait = true};
  }
  return {.leader = longest_of(input, there)};
}

/// Whoever has the most, of those that live.
[[nodiscard]] Election plan_unclean(const ElectionInput& input) {
  std::vector<NodeId> there = present(input, input.partition->replicas);
  if (there.empty()) return {};
  if (!input.has_waited) return {.must_wait = true};
  if (input.partition->leader != node_none) return {.must_settle = true};
  const std::size_t count = there.size();
  std::erase_if(there, [&](NodeId node) { return !input.candidates.at(node).is_final; });
  const bool all_have_said = there.size() == count;
  if (there.empty() || (!all_have_said && !input.has_waited_long)) return {.must_wait = true};
  return {.leader = longest_of(input, there), .is_unclean = true};
}

}  // namespace

Election plan_election(const ElectionInput& input) {
  const PartitionMeta& partition = *input.partition;
  const std::vector<NodeId> members = present(input, partition.isr);
  const std::vector<NodeId> others = present(input, partition.eligible);
  // Members that are only away may still come: those that left before them are not asked yet.
  if (members.empty() && !others.empty() && !input.has_waited) return {.must_wait = true};
  for (const std::vector<NodeId>* there : {&members, &others}) {
    const auto steady = std::find_if(there->begin(), there->end(), [&](NodeId node) {
      return input.candidates.at(node).is_steady;
    });
    if (steady != there->end()) return {.leader = *steady};
  }
  // An eligible one has all that is committed, too: a member that nobody vouches for may not.
  std::vector<NodeId> may = partition.isr;
  for (const NodeId node : partition.eligible) {
    if (!names(may, node)) may.push_back(node);
  }
  const std::vector<NodeId> there = present(input, may);
  if (!there.empty()) {
    const auto expected = std::count_if(
        may.begin(), may.end(), [&](NodeId node) { return names(partition.replicas, node); });
    return compare(input, there, static_cast<std::size_t>(expected));
  }
  if (!input.unclean_allowed) return {};
  return plan_unclean(input);
}

PartitionMeta new_partition(PartitionKey key, const std::vector<NodeId>& replicas) {
  PINION_ASSERT(!replicas.empty());
  PartitionMeta partition;
  partition.key = key;
  partition.leader = replicas.front();
  partition.replicas = replicas;
  partition.isr = {replicas.front()};
  partition.leader_epoch = Epoch{1};
  partition.version = 1;
  return partition;
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

PartitionMeta without_leader(PartitionMeta partition) {
  partition.leader = node_none;
  partition.leader_epoch = partition.leader_epoch + 1;
  partition.version += 1;
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

std::size_t least_in_sync(const TopicConfig& config, const PartitionMeta& partition) {
  const std::size_t least = min_insync_of(config, partition.replicas.size());
  if (partition.target.empty() || partition.min_insync_before == 0) return least;
  return std::min(least, static_cast<std::size_t>(partition.min_insync_before));
}

}  // namespace pinion
