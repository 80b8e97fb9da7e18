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
          .topics = std::move(topics),
          .rack = {},
          .region = {}};
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
    const auto plan = plan_placement(c.nodes, c.topic, c.partitions);
    REQUIRE(plan);
    std::vector<int> ids;
    for (const NodeId id : *plan) ids.push_back(id.raw());
    CHECK(ids == c.plan);
  }
}

TEST_CASE("placement: without a node that may hold the topic there is no plan", "[broker]") {
  const auto none = plan_placement({}, "t", 1);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::no_nodes);
  const auto others = plan_placement({node(1, 0, {"orders-*"})}, "logs", 1);
  REQUIRE_FALSE(others);
  CHECK(others.error().code == Errc::no_nodes);
  CHECK(others.error().detail.find("logs") != std::string::npos);
}

TEST_CASE("placement: no node gets more than one partition over its share", "[broker]") {
  for (int nodes = 1; nodes <= 7; ++nodes) {
    for (int partitions = 1; partitions <= 30; ++partitions) {
      std::vector<PlacementNode> list;
      for (int i = 1; i <= nodes; ++i) list.push_back(node(i, static_cast<unsigned>(i * i) % 5));
      const auto plan = plan_placement(list, "t", partitions);
      REQUIRE(plan);
      std::map<NodeId, int> count;
      for (const NodeId id : *plan) ++count[id];
      for (const auto& [id, n] : count) {
        CHECK(n <= (partitions + nodes - 1) / nodes);
        if (partitions >= nodes) CHECK(n >= partitions / nodes);
      }
    }
  }
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
