#include "gateway/cluster/query_lanes.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace pinion;
using namespace pinion::gateway;

namespace {

using Turns = std::vector<std::string>;
using Entered = QueryLanes::Entered;

/// Notes its turn; the test says when its answer is here.
struct Asked : QueryInLane {
  Asked(Turns& all, std::string called) : turns(&all), name(std::move(called)) {}
  void on_turn() override { turns->push_back(name); }
  Turns* turns;
  std::string name;
};

struct Lanes {
  QueryLanes lanes;
  Turns turns;
  std::shared_ptr<Asked> query(const std::string& name) {
    return std::make_shared<Asked>(turns, name);
  }
};

constexpr NodeId one{1};
constexpr NodeId two{2};

}  // namespace

TEST_CASE("query lanes: one at a time on a node, and the others in the order they came",
          "[gateway]") {
  Lanes l;
  CHECK(l.lanes.enter(one, l.query("a")) == Entered::turn);
  CHECK(l.lanes.enter(one, l.query("b")) == Entered::line);
  CHECK(l.lanes.enter(one, l.query("c")) == Entered::line);
  CHECK(l.lanes.enter(two, l.query("d")) == Entered::turn);  // Another node is free.
  CHECK(l.turns.empty());
  l.lanes.leave(one);
  CHECK(l.turns == Turns{"b"});
  l.lanes.leave(one);
  CHECK(l.turns == Turns{"b", "c"});
  l.lanes.leave(one);
  CHECK(l.lanes.enter(one, l.query("e")) == Entered::turn);
}

TEST_CASE("query lanes: of those whose callers go one is on the node, and refuses nobody",
          "[gateway]") {
  Lanes l;
  std::vector<std::shared_ptr<Asked>> gone;
  for (int i = 0; i < 5; ++i) {
    gone.push_back(l.query("gone"));
    CHECK(l.lanes.enter(one, gone.back()) == (i == 0 ? Entered::turn : Entered::line));
  }
  for (const auto& query : gone) CHECK(l.lanes.abandon(one, *query) == (query != gone.front()));
  CHECK(l.lanes.enter(one, l.query("next")) == Entered::line);
  CHECK(l.turns.empty());
  l.lanes.leave(one);
  CHECK(l.turns == Turns{"next"});
}

TEST_CASE("query lanes: who waits behind one that is abandoned leaves room for other nodes",
          "[gateway]") {
  static_assert(QueryLanes::line_max < query_places_max);
  Lanes l;
  const auto gone = l.query("gone");
  CHECK(l.lanes.enter(one, gone) == Entered::turn);
  CHECK_FALSE(l.lanes.abandon(one, *gone));
  const auto first = l.query("first");
  CHECK(l.lanes.enter(one, first) == Entered::line);
  for (std::size_t i = 1; i < QueryLanes::line_max; ++i) {
    CHECK(l.lanes.enter(one, l.query("more")) == Entered::line);
  }
  CHECK(l.lanes.enter(one, l.query("late")) == Entered::refused);
  CHECK(l.lanes.enter(two, l.query("other")) == Entered::turn);
  CHECK(l.lanes.abandon(one, *first));
  CHECK(l.lanes.enter(one, l.query("late")) == Entered::line);
  // The next one has its caller: nobody is refused any more.
  l.lanes.leave(one);
  CHECK(l.lanes.enter(one, l.query("more")) == Entered::line);
  CHECK(l.lanes.enter(one, l.query("more")) == Entered::line);
}

TEST_CASE("query lanes: one that waits for a leader keeps nobody waiting", "[gateway]") {
  Lanes l;
  const auto first = l.query("a");
  CHECK(l.lanes.enter(node_none, first) == Entered::turn);
  CHECK(l.lanes.enter(node_none, l.query("b")) == Entered::turn);
  CHECK_FALSE(l.lanes.abandon(node_none, *first));
  l.lanes.leave(node_none);
  l.lanes.leave(node_none);
  CHECK(l.turns.empty());
}

TEST_CASE("query lanes: a query that has its answer on its turn lets the next one begin",
          "[gateway]") {
  struct Quick : Asked {
    Quick(Lanes& all, std::string called)
        : Asked(all.turns, std::move(called)), lanes(&all.lanes) {}
    void on_turn() override {
      Asked::on_turn();
      lanes->leave(one);
    }
    QueryLanes* lanes;
  };
  Lanes l;
  CHECK(l.lanes.enter(one, l.query("a")) == Entered::turn);
  for (const char* name : {"b", "c", "d"}) {
    CHECK(l.lanes.enter(one, std::make_shared<Quick>(l, name)) == Entered::line);
  }
  l.lanes.leave(one);
  CHECK(l.turns == Turns{"b", "c", "d"});
  CHECK(l.lanes.enter(one, l.query("e")) == Entered::turn);
}
