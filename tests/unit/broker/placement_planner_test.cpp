#include "broker/core/placement_planner.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace pinion;

namespace {

struct Case {
  const char* name;
  std::vector<PlacementNode> nodes;
  std::string topic;
  int partitions;
  std::vector<int> plan;
};

PlacementNode node(int id, std::uint64_t partitions, std::vector<std::string> topics = {}) {
  return {.id = NodeId(id),
          .partitions = partitions,
          .replicas = partitions,
          .topics = std::move(topics),
          .rack = {},
          .region = {}};
}

PlacementNode in_rack(int id, std::string rack, std::string region = {}) {
  return {.id = NodeId(id), .topics = {}, .rack = std::move(rack), .region = std::move(region)};
}

Result<std::vector<std::vector<NodeId>>> plan_of(std::vector<PlacementNode> nodes,
                                                 std::string_view topic, int partitions,
                                                 int replication) {
  PlacementPlanner planner(std::move(nodes));
  return plan_replicas(planner, {TopicId{1}, topic}, partitions, replication);
}

}  // namespace

TEST_CASE("placement: a topic is spread evenly, the emptier nodes first", "[broker]") {
  const std::vector<Case> cases = {
      {"one node takes all", {node(1, 0)}, "t", 3, {1, 1, 1}},
      {"round over equal nodes", {node(1, 0), node(2, 0), node(3, 0)}, "t", 4, {1, 2, 3, 1}},
      {"one partition goes to the emptiest", {node(1, 5), node(2, 3), node(3, 4)}, "t", 1, {2}},
      {"a new node is first, yet not alone",
       {node(1, 9), node(2, 9), node(3, 0)},
       "t",
       4,
       {3, 1, 2, 3}},
      {"even over the topic before even in all", {node(1, 100), node(2, 0)}, "t", 4, {2, 1, 2, 1}},
      {"patterns are honoured",
       {node(1, 0, {"orders-*"}), node(2, 7), node(3, 0, {"logs"})},
       "orders-eu",
       2,
       {1, 2}},
      {"any pattern of several is enough", {node(1, 0, {"a", "b*"})}, "bc", 1, {1}},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const auto plan = plan_of(c.nodes, c.topic, c.partitions, 1);
    REQUIRE(plan);
    std::vector<int> ids;
    for (const auto& replicas : *plan) ids.push_back(replicas.front().raw());
    CHECK(ids == c.plan);
  }
}

TEST_CASE("placement: without a node that may hold the topic there is no plan", "[broker]") {
  const auto none = plan_of({}, "t", 1, 1);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::no_nodes);
  const auto others = plan_of({node(1, 0, {"orders-*"})}, "logs", 1, 1);
  REQUIRE_FALSE(others);
  CHECK(others.error().code == Errc::no_nodes);
  CHECK(others.error().detail.find("logs") != std::string::npos);
}

TEST_CASE("placement: no node gets more than one partition over its share", "[broker]") {
  for (int nodes = 1; nodes <= 7; ++nodes) {
    for (int partitions = 1; partitions <= 30; ++partitions) {
      std::vector<PlacementNode> list;
      for (int i = 1; i <= nodes; ++i) list.push_back(node(i, static_cast<unsigned>(i * i) % 5));
      const auto plan = plan_of(list, "t", partitions, 1);
      REQUIRE(plan);
      std::map<NodeId, int> count;
      for (const auto& replicas : *plan) ++count[replicas.front()];
      for (const auto& [id, n] : count) {
        CHECK(n <= (partitions + nodes - 1) / nodes);
        if (partitions >= nodes) CHECK(n >= partitions / nodes);
      }
    }
  }
}

TEST_CASE("placement: whoever dies, what it led is spread over the others", "[broker]") {
  for (const int nodes : {3, 4, 5, 6}) {
    std::vector<PlacementNode> list;
    for (int i = 1; i <= nodes; ++i) list.push_back(node(i, 0));
    const int partitions = nodes * (nodes - 1);
    const auto plan = plan_of(list, "t", partitions, 3);
    REQUIRE(plan);
    for (int dead = 1; dead <= nodes; ++dead) {
      std::map<NodeId, int> leads;
      for (const auto& replicas : *plan) {
        ++leads[replicas[0] == NodeId(dead) ? replicas[1] : replicas[0]];
      }
      INFO(nodes << " nodes without " << dead);
      CHECK(leads.size() == static_cast<std::size_t>(nodes) - 1);
      for (const auto& [id, n] : leads) {
        CHECK(n >= nodes - 1);
        CHECK(n <= nodes + 1);
      }
    }
  }
}

TEST_CASE("placement: replicas are in different regions first, then in different racks",
          "[broker]") {
  const auto racks =
      plan_of({in_rack(1, "a"), in_rack(2, "b"), in_rack(3, "a"), in_rack(4, "b")}, "t", 8, 2);
  REQUIRE(racks);
  for (const auto& replicas : *racks) CHECK(replicas[0].raw() % 2 != replicas[1].raw() % 2);
  const auto regions = plan_of({in_rack(1, "a", "east"), in_rack(2, "b", "east"),
                                in_rack(3, "c", "east"), in_rack(4, "a", "west")},
                               "t", 6, 2);
  REQUIRE(regions);
  for (const auto& replicas : *regions) {
    CHECK((replicas[0] == NodeId{4}) != (replicas[1] == NodeId{4}));
  }
}

TEST_CASE("placement: a node that takes no more counts only for where others go", "[broker]") {
  std::vector<PlacementNode> nodes{in_rack(1, "a"), in_rack(2, "a"), in_rack(3, "b")};
  nodes[0].takes_more = false;
  const PlacementPlanner planner(nodes);
  CHECK(planner.places_for("t") == 2);
  CHECK(planner.best_leader({TopicId{1}, "t"}) == NodeId{2});
  CHECK(planner.best_beside({TopicId{1}, "t"}, {NodeId{1}}) == NodeId{3});
  CHECK(planner.best_beside({TopicId{1}, "t"}, {NodeId{2}, NodeId{3}}) == node_none);
}

TEST_CASE("placement: patterns", "[broker]") {
  const struct {
    const char* pattern;
    const char* name;
    bool matches;
  } cases[] = {
      {"*", "", true},
      {"*", "x", true},
      {"orders-*", "orders-", true},
      {"orders-*", "orders-eu", true},
      {"orders-*", "order-eu", false},
      {"*-eu", "orders-eu", true},
      {"*-eu", "orders-eu-2", false},
      {"a*b*c", "a-b-b-c", true},
      {"a*b*c", "a-c-b", false},
      {"?", "", false},
      {"?", "x", true},
      {"a?c", "abc", true},
      {"", "", true},
      {"", "x", false},
      {"abc", "abc", true},
      {"***", "x", true},
      {"*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false},
  };
  for (const auto& c : cases) {
    INFO(c.pattern << " and " << c.name);
    CHECK(matches_pattern(c.pattern, c.name) == c.matches);
  }
}
