#include "broker/core/placement_planner.hpp"

#include <algorithm>
#include <cstddef>
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

namespace {

/// Wraps around: a count never goes below 0.
constexpr std::uint64_t less_one = ~std::uint64_t{0};

template <typename Counts, typename Key>
[[nodiscard]] std::uint64_t count_of(const Counts& counts, const Key& key) {
  const auto row = counts.find(key);
  return row == counts.end() ? 0 : row->second;
}

[[nodiscard]] bool has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

[[nodiscard]] std::vector<NodeId> without_place(std::vector<NodeId> replicas, std::size_t place) {
  replicas.erase(replicas.begin() + static_cast<std::ptrdiff_t>(place));
  return replicas;
}

}  // namespace

PlacementPlanner::PlacementPlanner(std::vector<PlacementNode> nodes) {
  std::map<std::string, std::uint32_t> regions;
  std::map<std::pair<std::string, std::string>, std::uint32_t> racks;
  for (PlacementNode& node : nodes) {
    const auto number_in = [](auto& known, const auto& label) {
      return known.try_emplace(label, static_cast<std::uint32_t>(known.size())).first->second;
    };
    const std::uint32_t region = number_in(regions, node.region);
    const std::uint32_t rack = number_in(racks, std::pair(node.region, node.rack));
    const NodeId id = node.id;
    places_.insert_or_assign(id, Place{std::move(node), rack, region});
  }
}

void PlacementPlanner::add(TopicId topic, const std::vector<NodeId>& replicas) {
  count(topic, replicas, 1);
}

void PlacementPlanner::remove(TopicId topic, const std::vector<NodeId>& replicas) {
  count(topic, replicas, less_one);
}

void PlacementPlanner::count(TopicId topic, const std::vector<NodeId>& replicas, std::uint64_t by) {
  if (replicas.empty()) return;
  for (const NodeId id : replicas) {
    of_topic_[{topic, id}] += by;
    const auto place = places_.find(id);
    if (place != places_.end()) place->second.node.replicas += by;
  }
  led_of_topic_[{topic, replicas.front()}] += by;
  const auto leader = places_.find(replicas.front());
  if (leader != places_.end()) leader->second.node.partitions += by;
  if (replicas.size() > 1) heirs_[{replicas[0], replicas[1]}] += by;
}

const PlacementPlanner::Place* PlacementPlanner::find(NodeId node) const {
  const auto place = places_.find(node);
  return place == places_.end() ? nullptr : &place->second;
}

bool PlacementPlanner::takes_more(NodeId node) const {
  const Place* place = find(node);
  return place != nullptr && place->node.takes_more;
}

std::size_t PlacementPlanner::places_for(std::string_view topic) const {
  return static_cast<std::size_t>(
      std::count_if(places_.begin(), places_.end(), [&](const auto& entry) {
        return entry.second.node.takes_more && may_hold(entry.second.node, topic);
      }));
}

std::uint64_t PlacementPlanner::inherits(NodeId leader, NodeId heir) const {
  return count_of(heirs_, std::pair(leader, heir));
}

PlacementPlanner::Rank PlacementPlanner::rank(const PlacedTopic& topic, const Place& place,
                                              const std::vector<NodeId>& beside) const {
  const NodeId id = place.node.id;
  Rank rank{.of_topic = count_of(of_topic_, std::pair(topic.id, id)), .held = place.node.replicas};
  for (const NodeId other : beside) {
    const Place* near = find(other);
    if (near == nullptr) continue;
    if (near->region == place.region) ++rank.same_region;
    if (near->rack == place.rack) ++rank.same_rack;
  }
  if (!beside.empty()) {
    rank.inherits = inherits(beside.front(), id);
    const std::int32_t distance = id.raw() - beside.front().raw();
    rank.distance = distance > 0 ? distance : distance + (1 << 30);
  }
  return rank;
}

NodeId PlacementPlanner::best_leader(const PlacedTopic& topic) const {
  NodeId best = node_none;
  std::pair<std::uint64_t, std::uint64_t> least;
  for (const auto& [id, place] : places_) {
    if (!place.node.takes_more || !may_hold(place.node, topic.name)) continue;
    const std::pair leads(count_of(led_of_topic_, std::pair(topic.id, id)), place.node.partitions);
    if (best != node_none && !(leads < least)) continue;
    best = id;
    least = leads;
  }
  return best;
}

NodeId PlacementPlanner::best_beside(const PlacedTopic& topic,
                                     const std::vector<NodeId>& replicas) const {
  const Place* best = nullptr;
  Rank first;
  for (const auto& [id, place] : places_) {
    if (!place.node.takes_more || has(replicas, id) || !may_hold(place.node, topic.name)) continue;
    const Rank other = rank(topic, place, replicas);
    if (best != nullptr && !(other < first)) continue;
    best = &place;
    first = other;
  }
  return best == nullptr ? node_none : best->node.id;
}

NodeId PlacementPlanner::better_place(const PlacedTopic& topic, const std::vector<NodeId>& replicas,
                                      std::size_t place) const {
  const Place* from = find(replicas[place]);
  if (from == nullptr || !from->node.takes_more) return node_none;
  const std::vector<NodeId> others = without_place(replicas, place);
  const Rank now = rank(topic, *from, others);
  const Place* best = nullptr;
  Rank first;
  for (const auto& [id, candidate] : places_) {
    if (!candidate.node.takes_more || has(replicas, id)) continue;
    const Rank other = rank(topic, candidate, others);
    const std::pair near_it(other.same_region, other.same_rack);
    const std::pair near_now(now.same_region, now.same_rack);
    const bool better = near_it < near_now || (near_it == near_now && other.held < now.held);
    if (!better || (best != nullptr && !(other < first))) continue;
    if (!may_hold(candidate.node, topic.name)) continue;
    best = &candidate;
    first = other;
  }
  return best == nullptr ? node_none : best->node.id;
}

std::size_t PlacementPlanner::worst_place(const PlacedTopic& topic,
                                          const std::vector<NodeId>& replicas,
                                          const std::vector<NodeId>& may) const {
  std::size_t worst = replicas.size();
  std::pair<bool, Rank> last;
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    if (!has(may, replicas[i])) continue;
    const Place* place = find(replicas[i]);
    const bool leaves = place == nullptr || !place->node.takes_more;
    const Rank beside = place == nullptr ? Rank{} : rank(topic, *place, without_place(replicas, i));
    if (worst != replicas.size() && std::pair(leaves, beside) < last) continue;
    worst = i;
    last = {leaves, beside};
  }
  return worst;
}

std::vector<NodeId> PlacementPlanner::with_even_leader(std::vector<NodeId> replicas) const {
  const Place* leader = replicas.empty() ? nullptr : find(replicas.front());
  if (leader == nullptr || !leader->node.takes_more) return replicas;
  std::uint64_t least = leader->node.partitions;
  std::size_t best = 0;
  for (std::size_t i = 1; i < replicas.size(); ++i) {
    const Place* other = find(replicas[i]);
    if (other == nullptr || !other->node.takes_more) continue;
    if (other->node.partitions >= least) continue;
    best = i;
    least = other->node.partitions;
  }
  std::swap(replicas.front(), replicas[best]);
  return replicas;
}

std::vector<NodeId> PlacementPlanner::with_even_heir(std::vector<NodeId> replicas) const {
  if (replicas.size() < 3) return replicas;
  std::size_t best = 1;
  std::uint64_t least = inherits(replicas[0], replicas[1]);
  for (std::size_t i = 2; i < replicas.size(); ++i) {
    const std::uint64_t other = inherits(replicas[0], replicas[i]);
    if (other >= least) continue;
    best = i;
    least = other;
  }
  std::swap(replicas[1], replicas[best]);
  return replicas;
}

std::int32_t default_replication(std::size_t places) {
  return static_cast<std::int32_t>(std::clamp<std::size_t>(places, 1, 3));
}

namespace {

[[nodiscard]] Result<std::size_t> replicas_of(const PlacementPlanner& planner,
                                              std::string_view topic, std::int32_t replication) {
  const std::size_t there_are = planner.places_for(topic);
  const auto count =
      static_cast<std::size_t>(replication > 0 ? replication : default_replication(there_are));
  if (there_are == 0) {
    return failure(Errc::no_nodes, "no partition broker is connected that is meant for topic '" +
                                       std::string(topic) + "' (their `topics` patterns)");
  }
  if (count > there_are) {
    return failure(Errc::no_nodes, std::to_string(count) + " replicas are asked for, and " +
                                       std::to_string(there_are) +
                                       " connected partition brokers may hold topic '" +
                                       std::string(topic) + "'");
  }
  return count;
}

}  // namespace

Result<std::vector<std::vector<NodeId>>> plan_replicas(PlacementPlanner& planner,
                                                       const PlacedTopic& topic,
                                                       std::int32_t partitions,
                                                       std::int32_t replication) {
  PINION_ASSERT(partitions > 0);
  PINION_TRY(count, replicas_of(planner, topic.name, replication));
  // Leaders first: they are even whatever follows.
  std::vector<std::vector<NodeId>> plan;
  for (std::int32_t i = 0; i < partitions; ++i) {
    plan.push_back({planner.best_leader(topic)});
    planner.add(topic.id, plan.back());
  }
  for (std::vector<NodeId>& replicas : plan) {
    const std::vector<NodeId> alone = replicas;
    while (replicas.size() < count) replicas.push_back(planner.best_beside(topic, replicas));
    planner.remove(topic.id, alone);
    replicas = planner.with_even_heir(std::move(replicas));
    planner.add(topic.id, replicas);
  }
  return plan;
}

}  // namespace pinion
