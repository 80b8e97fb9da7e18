#include "broker/core/placement_planner.hpp"

#include <algorithm>
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

namespace {

[[nodiscard]] bool may_hold(const PlacementNode& node, std::string_view topic) {
  if (node.topics.empty()) return true;
  return std::any_of(node.topics.begin(), node.topics.end(),
                     [&](const std::string& pattern) { return matches_pattern(pattern, topic); });
}

}  // namespace

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

}  // namespace pinion
