// Where a new topic's partitions go: a pure function from a snapshot to a plan.
//
// Even over the topic first (N partitions on M nodes: each gets N/M, rounded up or down), because a
// topic's traffic is what is spread; then the nodes that lead the fewest partitions in all, so that
// a new node is filled first; then the smallest id.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

struct PlacementNode {
  NodeId id;
  std::uint64_t partitions = 0;     ///< Led now, those on their way to the store included.
  std::uint64_t replicas = 0;       ///< Held now, led ones included.
  std::vector<std::string> topics;  ///< Patterns it is meant for; none: all.
  std::string rack;
  std::string region;
};

/// One leader for each partition. `no_nodes` when no node may hold the topic.
[[nodiscard]] Result<std::vector<NodeId>> plan_placement(std::vector<PlacementNode> nodes,
                                                         std::string_view topic,
                                                         std::int32_t partitions);

/// The replicas of each partition, the preferred leader first. Leaders as plan_placement has them;
/// the others where no replica is: first in another region, then in another rack, then where the
/// fewest are. `no_nodes` when there are too few. Requires: partitions and replication are
/// positive.
[[nodiscard]] Result<std::vector<std::vector<NodeId>>> plan_replicas(
    std::vector<PlacementNode> nodes, std::string_view topic, std::int32_t partitions,
    std::int32_t replication);

/// True when the node's patterns allow the topic.
[[nodiscard]] bool may_hold(const PlacementNode& node, std::string_view topic);

/// True when `name` is one that the pattern means: * stands for any text, ? for one character.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view name);

}  // namespace pinion
