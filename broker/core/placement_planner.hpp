// Where replicas go: pure functions from a snapshot to a plan. New topics, more replicas and
// partitions of a topic, nodes that are drained and those that take their share: all of them choose
// by the one ranking of PlacementPlanner.
//
// A replica goes where the fewest others of its partition are: first in another region, then in
// another rack. Among such nodes to the one with the fewest replicas of the topic, because a
// topic's traffic is what is spread; then with the fewest in all, so that a new node is filled
// first; then to the one that takes over from this leader the least often, so that when a leader
// dies what it led is spread as well. Leaders: even over the topic, then over all, then the
// smallest id.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/result.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion {

struct PlacementNode {
  NodeId id;
  std::uint64_t partitions = 0;     ///< Led, those on their way to the store included.
  std::uint64_t replicas = 0;       ///< Held, led ones included.
  std::vector<std::string> topics;  ///< Patterns it is meant for; none: all.
  std::string rack;
  std::string region;
  bool takes_more = true;  ///< Else it only counts where replicas are, not where they could be.
};

/// A topic as placement sees it.
struct PlacedTopic {
  TopicId id{0};
  std::string_view name;
};

/// Counts what is where, and finds the best places. What was chosen is added, and counts for the
/// choices that follow; what is to be chosen anew is removed first, so that it does not count
/// itself.
class PlacementPlanner {
 public:
  explicit PlacementPlanner(std::vector<PlacementNode> nodes);

  /// A partition's replicas, the preferred leader first.
  void add(TopicId topic, const std::vector<NodeId>& replicas);
  void remove(TopicId topic, const std::vector<NodeId>& replicas);

  /// For one more partition of the topic; none: no node may hold it.
  [[nodiscard]] NodeId best_leader(const PlacedTopic& topic) const;
  /// For one more replica beside others; none: there is no node left.
  [[nodiscard]] NodeId best_beside(const PlacedTopic& topic,
                                   const std::vector<NodeId>& replicas) const;
  /// The node to which the replica in this place should move, because there are fewer others near
  /// it, or as few and it holds less. None: it is well where it is.
  [[nodiscard]] NodeId better_place(const PlacedTopic& topic, const std::vector<NodeId>& replicas,
                                    std::size_t place) const;
  /// The place of the replica that is missed the least among those that `may` go: one that is to
  /// leave its node anyway, else the one that ranks last beside the others.
  [[nodiscard]] std::size_t worst_place(const PlacedTopic& topic,
                                        const std::vector<NodeId>& replicas,
                                        const std::vector<NodeId>& may) const;
  /// The same replicas with another preferred leader when that leads fewer partitions.
  [[nodiscard]] std::vector<NodeId> with_even_leader(std::vector<NodeId> replicas) const;
  /// The same replicas with another one first in line behind the leader, when that takes over from
  /// this leader less often.
  [[nodiscard]] std::vector<NodeId> with_even_heir(std::vector<NodeId> replicas) const;

  [[nodiscard]] bool takes_more(NodeId node) const;
  /// How many nodes may have a replica of the topic.
  [[nodiscard]] std::size_t places_for(std::string_view topic) const;

 private:
  struct Place {
    PlacementNode node;
    std::uint32_t rack = 0;  ///< The number of this region's rack; equal labels, equal numbers.
    std::uint32_t region = 0;
  };
  /// The smallest is the best.
  struct Rank {
    std::uint64_t same_region = 0;
    std::uint64_t same_rack = 0;
    std::uint64_t of_topic = 0;
    std::uint64_t held = 0;
    std::uint64_t inherits = 0;
    std::int32_t distance = 0;  ///< The next ids after the leader's go first.
    auto operator<=>(const Rank&) const = default;
  };
  void count(TopicId topic, const std::vector<NodeId>& replicas, std::uint64_t by);
  [[nodiscard]] const Place* find(NodeId node) const;
  [[nodiscard]] Rank rank(const PlacedTopic& topic, const Place& place,
                          const std::vector<NodeId>& beside) const;
  [[nodiscard]] std::uint64_t inherits(NodeId leader, NodeId heir) const;

  std::map<NodeId, Place> places_;
  std::map<std::pair<TopicId, NodeId>, std::uint64_t> of_topic_;
  std::map<std::pair<TopicId, NodeId>, std::uint64_t> led_of_topic_;
  std::map<std::pair<NodeId, NodeId>, std::uint64_t>
      heirs_;  ///< By leader and the first behind it.
};

/// What replication 0 stands for: three, or as many as there are nodes.
[[nodiscard]] std::int32_t default_replication(std::size_t places);

/// The replicas of each new partition of a topic, the preferred leader first. `no_nodes` when there
/// are too few. What is planned is added to the planner.
[[nodiscard]] Result<std::vector<std::vector<NodeId>>> plan_replicas(PlacementPlanner& planner,
                                                                     const PlacedTopic& topic,
                                                                     std::int32_t partitions,
                                                                     std::int32_t replication);

/// True when the node's patterns allow the topic.
[[nodiscard]] bool may_hold(const PlacementNode& node, std::string_view topic);

/// True when `name` is one that the pattern means: * stands for any text, ? for one character.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view name);

}  // namespace pinion
