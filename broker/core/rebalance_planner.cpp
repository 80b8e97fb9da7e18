#include "broker/core/rebalance_planner.hpp"

#include <algorithm>
#include <utility>

namespace pinion {

namespace {

/// Each round makes things more even, and most of it is done in the first. The bound keeps a step
/// of the controller short.
constexpr int rounds_max = 8;

class Rebalance {
 public:
  Rebalance(PlacementPlanner planner, std::vector<PlacedPartition> partitions,
            std::size_t moves_max)
      : planner_(std::move(planner)),
        before_(partitions),
        partitions_(std::move(partitions)),
        moved_(partitions_.size()),
        moves_left_(moves_max) {
    for (const PlacedPartition& p : partitions_) planner_.add(p.key.topic, p.replicas);
  }

  void spread_replicas() {
    for (int round = 0; round < rounds_max; ++round) {
      bool any = spread([](std::size_t place) { return place > 0; });
      any = spread([](std::size_t place) { return place == 0; }) || any;
      if (!any) return;
    }
  }

  void spread_order() {
    const auto even_leader = [this](std::vector<NodeId> replicas) {
      return planner_.with_even_leader(std::move(replicas));
    };
    const auto even_heir = [this](std::vector<NodeId> replicas) {
      return planner_.with_even_heir(std::move(replicas));
    };
    for (int round = 0; round < rounds_max && reorder(even_leader); ++round) continue;
    for (int round = 0; round < rounds_max && reorder(even_heir); ++round) continue;
  }

  [[nodiscard]] std::vector<PlacedPartition> changed() const {
    std::vector<PlacedPartition> changed;
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      if (partitions_[i].replicas != before_[i].replicas) changed.push_back(partitions_[i]);
    }
    return changed;
  }

 private:
  template <typename IsMeant>
  bool spread(IsMeant is_meant) {
    bool any = false;
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      PlacedPartition& p = partitions_[i];
      if (p.is_fixed || (!moved_[i] && moves_left_ == 0)) continue;
      for (std::size_t place = p.replicas.size(); place-- > 0;) {
        if (!is_meant(place) || !spread_one(p, place)) continue;
        any = true;
        if (!moved_[i]) --moves_left_;
        moved_[i] = true;
      }
    }
    return any;
  }

  bool spread_one(PlacedPartition& p, std::size_t place) {
    planner_.remove(p.key.topic, p.replicas);
    const NodeId better = planner_.better_place({p.key.topic, p.topic}, p.replicas, place);
    if (better != node_none) p.replicas[place] = better;
    planner_.add(p.key.topic, p.replicas);
    return better != node_none;
  }

  template <typename Order>
  bool reorder(Order order) {
    bool any = false;
    for (PlacedPartition& p : partitions_) {
      if (p.is_fixed) continue;
      planner_.remove(p.key.topic, p.replicas);
      std::vector<NodeId> next = order(p.replicas);
      any = any || next != p.replicas;
      p.replicas = std::move(next);
      planner_.add(p.key.topic, p.replicas);
    }
    return any;
  }

  PlacementPlanner planner_;
  std::vector<PlacedPartition> before_;
  std::vector<PlacedPartition> partitions_;
  std::vector<bool> moved_;
  std::size_t moves_left_;
};

}  // namespace

std::vector<PlacedPartition> plan_rebalance(PlacementPlanner planner,
                                            std::vector<PlacedPartition> partitions,
                                            std::size_t moves_max) {
  Rebalance rebalance(std::move(planner), std::move(partitions), moves_max);
  rebalance.spread_replicas();
  rebalance.spread_order();
  return rebalance.changed();
}

}  // namespace pinion
