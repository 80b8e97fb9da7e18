// How replicas and leaders become even over the nodes: a pure function from where they are to where
// they should be, for `pinion node rebalance`.
//
// First the replicas, and of them those that only follow: moving one costs a copy, and which
// replica leads is then a matter of their order, which costs nothing. Then the order: the preferred
// leaders, and who takes over from them.
#pragma once

#include "broker/core/placement_planner.hpp"
#include "common/base/ids.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace pinion {

struct PlacedPartition {
  PartitionKey key;
  std::string_view topic;
  std::vector<NodeId> replicas;  ///< Where they are, or are being moved to.
  bool is_fixed = false;         ///< It counts, and stays.
};

/// Those that change, with their replicas as they should be. `moves_max` bounds those whose
/// replicas change nodes.
[[nodiscard]] std::vector<PlacedPartition> plan_rebalance(PlacementPlanner planner,
                                                          std::vector<PlacedPartition> partitions,
                                                          std::size_t moves_max);

}  // namespace pinion
