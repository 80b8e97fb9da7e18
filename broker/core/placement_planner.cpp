#include "broker/core/placement_planner.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "common/base/assert.hpp"

namespace pinion {

bool matches_pattern(std::string_view pattern, std::string_view name) {
  // The usual two fingers: on a mismatch the last * takes one character more.
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool may_hold(const PlacementNode& node, std::string_view topic) {
  if (node.topics.empty()) return true;
  return std::any_of(node.topics.begin(), node.topics.end(),
                     [&](const std::string& pattern) { return matches_pattern(pattern, topic); });
}

Result<std::vector<NodeId>> plan_placement(std::vector<PlacementNode> nodes, std::string_view topic,
                                           std::int32_t partitions) {
  PINION_ASSERT(partitions > 0);
  const std::size_t alive = nodes.size();
  std::erase_if(nodes, [&](const PlacementNode& node) { return !may_hold(node, topic); });
  if (nodes.empty()) {
    return failure(Errc::no_nodes, alive == 0
                                       ? "no partition broker is connected"
                                       : "no connected partition broker is meant for topic '" +
                                             std::string(topic) + "' (their `topics` patterns)");
  }
  struct Choice {
    std::uint64_t of_topic = 0;
    std::uint64_t in_all = 0;
    NodeId id;
  };
  std::vector<Choice> choices;
  for (const PlacementNode& node : nodes) choices.push_back({0, node.partitions, node.id});

  std::vector<NodeId> plan;
  for (std::int32_t i = 0; i < partitions; ++i) {
    Choice& best =
        *std::min_element(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
          return std::tie(a.of_topic, a.in_all, a.id) < std::tie(b.of_topic, b.in_all, b.id);
        });
    plan.push_back(best.id);
    ++best.of_topic;
    ++best.in_all;
  }
  return plan;
}

Result<std::vector<std::vector<NodeId>>> plan_replicas(std::vector<PlacementNode> nodes,
                                                       std::string_view topic,
                                                       std::int32_t partitions,
                                                       std::int32_t replication) {
  PINION_TRY(leaders, plan_placement(nodes, topic, partitions));
  std::erase_if(nodes, [&](const PlacementNode& node) { return !may_hold(node, topic); });
  PINION_ASSERT(replication > 0);
  const auto count = static_cast<std::size_t>(replication);
  if (count > nodes.size()) {
    return failure(Errc::no_nodes, std::to_string(count) + " replicas are asked for, and " +
                                       std::to_string(nodes.size()) +
                                       " connected partition brokers may hold topic '" +
                                       std::string(topic) + "'");
  }
  std::map<NodeId, std::uint64_t> held;
  std::map<NodeId, std::uint64_t> of_topic;
  for (const PlacementNode& node : nodes) held[node.id] = node.replicas;
  for (const NodeId leader : leaders) {
    ++held[leader];
    ++of_topic[leader];
  }
  std::vector<std::vector<NodeId>> plan;
  for (const NodeId leader : leaders) {
    std::vector<NodeId> replicas{leader};
    std::set<std::string> regions;
    std::set<std::pair<std::string, std::string>> racks;
    const auto take = [&](const PlacementNode& node) {
      regions.insert(node.region);
      racks.emplace(node.region, node.rack);
    };
    for (const PlacementNode& node : nodes) {
      if (node.id == leader) take(node);
    }
    while (replicas.size() < count) {
      const PlacementNode* best = nullptr;
      const auto rank = [&](const PlacementNode& node) {
        // The next ids after the leader's go first, so that followers are spread as leaders are.
        const std::int32_t distance = node.id.raw() - leader.raw();
        return std::tuple(regions.count(node.region), racks.count({node.region, node.rack}),
                          of_topic[node.id], held[node.id],
                          distance > 0 ? distance : distance + (1 << 30));
      };
      for (const PlacementNode& node : nodes) {
        if (std::find(replicas.begin(), replicas.end(), node.id) != replicas.end()) continue;
        if (best == nullptr || rank(node) < rank(*best)) best = &node;
      }
      PINION_ASSERT(best != nullptr);
      replicas.push_back(best->id);
      take(*best);
      ++held[best->id];
      ++of_topic[best->id];
    }
    plan.push_back(std::move(replicas));
  }
  return plan;
}

}  // namespace pinion
