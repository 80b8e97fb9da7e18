#include "broker/core/rebalance_planner.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>

using namespace pinion;

namespace {

std::vector<PlacementNode> nodes_in(const std::vector<std::string>& racks) {
  std::vector<PlacementNode> nodes;
  for (const std::string& rack : racks) {
    nodes.push_back({.id = NodeId(static_cast<int>(nodes.size()) + 1),
                     .topics = {},
                     .rack = rack,
                     .region = {}});
  }
  return nodes;
}

/// What there is after the plan was carried out.
class Placed {
 public:
  explicit Placed(const std::vector<std::vector<int>>& all) {
    for (const std::vector<int>& ids : all) {
      PlacedPartition p{.key = {TopicId{1}, PartitionIndex(static_cast<int>(rows.size()))},
                        .topic = "t",
                        .replicas = {}};
      for (const int id : ids) p.replicas.emplace_back(id);
      rows.push_back(std::move(p));
    }
  }
  /// Returns how many partitions change nodes.
  std::size_t rebalance(std::vector<PlacementNode> nodes, std::size_t moves_max = 1'000) {
    std::size_t moves = 0;
    for (PlacedPartition& p : plan_rebalance(PlacementPlanner(std::move(nodes)), rows, moves_max)) {
      PlacedPartition& row = rows[static_cast<std::size_t>(p.key.partition.raw())];
      const std::set<NodeId> before(row.replicas.begin(), row.replicas.end());
      const std::set<NodeId> after(p.replicas.begin(), p.replicas.end());
      CHECK(after.size() == before.size());
      if (before != after) ++moves;
      row = std::move(p);
    }
    return moves;
  }
  [[nodiscard]] std::vector<int> counts(std::size_t first, std::size_t last) const {
    std::map<NodeId, int> counts;
    for (const PlacedPartition& row : rows) {
      for (std::size_t i = first; i < std::min(last, row.replicas.size()); ++i) {
        ++counts[row.replicas[i]];
      }
    }
    std::vector<int> list;
    for (const auto& [id, n] : counts) list.push_back(n);
    return list;
  }
  [[nodiscard]] std::vector<int> leads() const { return counts(0, 1); }
  [[nodiscard]] std::vector<int> held() const { return counts(0, 9); }

  std::vector<PlacedPartition> rows;
};

/// 12 partitions of 3 replicas on 3 nodes, as they are made.
Placed twelve() {
  std::vector<std::vector<int>> all;
  for (int i = 0; i < 12; ++i) {
    const int leader = i % 3 + 1;
    all.push_back({leader, leader % 3 + 1, (leader + 1) % 3 + 1});
  }
  return Placed(all);
}

}  // namespace

TEST_CASE("rebalance: a new node gets its share of replicas, and of leaders no more than that",
          "[broker]") {
  Placed p = twelve();
  CHECK(p.rebalance(nodes_in({"", "", "", ""})) == 9);
  CHECK(p.held() == std::vector<int>{9, 9, 9, 9});
  CHECK(p.leads() == std::vector<int>{3, 3, 3, 3});
  CHECK(p.rebalance(nodes_in({"", "", "", ""})) == 0);
}

TEST_CASE("rebalance: leaders that are uneven become even without a copy", "[broker]") {
  Placed p({{1, 2, 3}, {1, 2, 3}, {1, 3, 2}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}});
  CHECK(p.rebalance(nodes_in({"", "", ""})) == 0);
  CHECK(p.leads() == std::vector<int>{2, 2, 2});
}

TEST_CASE("rebalance: who takes over from a leader is spread as well", "[broker]") {
  Placed p({{1, 2, 3}, {1, 2, 3}, {2, 1, 3}, {2, 1, 3}, {3, 1, 2}, {3, 1, 2}});
  CHECK(p.rebalance(nodes_in({"", "", ""})) == 0);
  CHECK(p.leads() == std::vector<int>{2, 2, 2});
  std::set<std::pair<NodeId, NodeId>> heirs;
  for (const PlacedPartition& row : p.rows) heirs.emplace(row.replicas[0], row.replicas[1]);
  CHECK(heirs.size() == 6);
}

TEST_CASE("rebalance: two replicas in one rack part, and none come together", "[broker]") {
  Placed p({{1, 3}, {1, 3}, {1, 2}, {3, 4}});
  p.rebalance(nodes_in({"a", "b", "a", "b"}));
  for (const PlacedPartition& row : p.rows) {
    CHECK(row.replicas[0].raw() % 2 != row.replicas[1].raw() % 2);
  }
  // Rack b has one node: it holds one of each pair, however uneven that is.
  Placed uneven({{1, 4}, {2, 4}, {3, 4}, {1, 4}});
  uneven.rebalance(nodes_in({"a", "a", "a", "b"}));
  CHECK(uneven.held().back() == 4);
}

TEST_CASE("rebalance: what is fixed stays, and no more move than may", "[broker]") {
  Placed p = twelve();
  p.rows[0].is_fixed = true;
  const std::vector<NodeId> before = p.rows[0].replicas;
  CHECK(p.rebalance(nodes_in({"", "", "", ""}), 4) == 4);
  CHECK(p.rows[0].replicas == before);
  CHECK(p.held().back() == 4);
}

TEST_CASE("rebalance: nothing goes to nodes that take no more, or are not meant for the topic",
          "[broker]") {
  Placed p({{1}, {1}, {1}, {1}});
  std::vector<PlacementNode> nodes = nodes_in({"", "", "", ""});
  nodes[1].takes_more = false;
  nodes[2].topics = {"other-*"};
  p.rebalance(nodes);
  CHECK(p.held() == std::vector<int>{2, 2});
  CHECK(p.rows[0].replicas != std::vector<NodeId>{NodeId{2}});
  for (const PlacedPartition& row : p.rows) CHECK(row.replicas.front().raw() % 3 == 1);
}
