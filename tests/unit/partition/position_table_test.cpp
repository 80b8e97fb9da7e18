#include "partition/core/position_table.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace pinion::partition::test {

namespace {

Position at(std::string reader, std::int64_t offset, Micros time = Micros{0}) {
  Position position;
  position.reader = std::move(reader);
  position.offset = Offset{offset};
  position.updated_at = time;
  return position;
}

}  // namespace

TEST_CASE("positions: versions are dense and durable in order", "[partition]") {
  PositionTable table;
  CHECK(table.put(at("a", 1), Ticket{1}).version == PositionVersion{1});
  CHECK(table.put(at("b", 2), Ticket{2}).version == PositionVersion{2});
  CHECK(table.put(at("a", 3), Ticket{3}).version == PositionVersion{3});
  CHECK(table.version() == PositionVersion{0});
  CHECK(table.visible("a") == nullptr);
  CHECK(table.latest("a")->offset == Offset{3});
  table.on_durable(Ticket{2});
  table.check_invariants();
  CHECK(table.version() == PositionVersion{2});
  CHECK(table.visible("a") == nullptr);
  table.commit(PositionVersion{2});
  table.check_invariants();
  CHECK(table.visible("a")->offset == Offset{1});
  CHECK(table.latest_ticket("a") == Ticket{3});
  CHECK(table.latest_ticket("b") == Ticket{0});
}

TEST_CASE("positions: what is taken back gives its versions back", "[partition]") {
  PositionTable table;
  table.put(at("a", 1), Ticket{1});
  table.put(at("b", 2), Ticket{2});
  table.put(at("a", 3), Ticket{3});
  table.on_durable(Ticket{1});
  table.drop_from(Ticket{2});
  table.check_invariants();
  CHECK(table.size() == 1);
  CHECK(table.latest("a")->offset == Offset{1});
  CHECK(table.put(at("c", 1), Ticket{4}).version == PositionVersion{2});
}

TEST_CASE("positions: what is durable here is visible when it is committed", "[partition]") {
  PositionTable table;
  table.put(at("a", 1), Ticket{1});
  table.put(at("b", 2), Ticket{2});
  table.commit(PositionVersion{9});  // Nothing is durable.
  table.on_durable(Ticket{2});
  CHECK(table.durable_since(PositionVersion{1}, 9).size() == 1);
  CHECK(table.uncommitted("b") == PositionVersion{2});
  table.commit(PositionVersion{1});
  CHECK(table.visible("a")->offset == Offset{1});
  CHECK(table.visible("b") == nullptr);
  CHECK(table.committed_version() == PositionVersion{1});
  table.put(at("a", 5), Ticket{3});
  CHECK(table.durable_since(PositionVersion{-1}, 9).size() == 2);
  CHECK(table.visible("a")->offset == Offset{1});
  table.check_invariants();
}

TEST_CASE("positions: a follower takes over versions and whole tables", "[partition]") {
  PositionTable table;
  table.recover({at("old", 1)});
  Position a = at("a", 1);
  a.version = PositionVersion{7};
  table.replace({a}, PositionVersion{8}, Ticket{1});
  CHECK(table.latest("old") == nullptr);
  CHECK(table.version() == PositionVersion{-1});
  a.version = PositionVersion{12};
  table.take(a, Ticket{2});
  table.check_invariants();
  table.on_durable(Ticket{1});
  CHECK(table.version() == PositionVersion{8});
  table.on_durable(Ticket{2});
  CHECK(table.version() == PositionVersion{12});
  table.check_invariants();
  CHECK(table.put(at("b", 1), Ticket{3}).version == PositionVersion{13});
}

TEST_CASE("positions: a deleted one is kept for its version and seen by nobody", "[partition]") {
  PositionTable table;
  Position gone = at("a", 0);
  gone.deleted = true;
  gone.version = PositionVersion{9};
  table.recover({gone});
  CHECK(table.visible("a") == nullptr);
  CHECK(table.latest("a") != nullptr);
  CHECK(table.version() == PositionVersion{9});
  CHECK(table.recent(10).empty());
}

TEST_CASE("positions: the table is bounded", "[partition]") {
  PositionTable table;
  std::vector<Position> many;
  for (std::size_t i = 0; i < limits::readers_per_partition_max; ++i) {
    many.push_back(at("r" + std::to_string(i), 1));
  }
  table.recover(many);
  CHECK(table.has_room_for("r5"));
  CHECK_FALSE(table.has_room_for("new"));
}

TEST_CASE("positions: the recent ones are those that moved last", "[partition]") {
  PositionTable table;
  table.recover({at("a", 1, Micros{10}), at("b", 2, Micros{30}), at("c", 3, Micros{20})});
  const auto recent = table.recent(2);
  REQUIRE(recent.size() == 2);
  CHECK(recent[0].reader == "b");
  CHECK(recent[1].reader == "c");
}

TEST_CASE("positions: what changed comes in order, each reader's newest, as many as asked for",
          "[partition]") {
  PositionTable table;
  std::uint64_t ticket = 0;
  for (const std::string reader : {"a", "b", "\n0", "a", "c", "b"}) {
    ++ticket;
    table.put(at(reader, 0), Ticket{ticket});
  }
  const auto since = [&](std::int64_t version, std::size_t count = 9) {
    std::vector<std::int64_t> versions;
    for (const Position& position : table.durable_since(PositionVersion{version}, count)) {
      versions.push_back(position.version.raw());
    }
    return versions;
  };
  using Versions = std::vector<std::int64_t>;
  CHECK(since(-1).empty());
  table.on_durable(Ticket{5});
  CHECK(since(-1) == Versions{2, 3, 4, 5});
  for (const std::int64_t committed : {1, 2, 3, 4, 5}) {
    table.commit(PositionVersion{committed});
    table.check_invariants();
    CHECK(since(-1) == Versions{2, 3, 4, 5});
    CHECK(since(3) == Versions{4, 5});
    CHECK(since(2, 2) == Versions{3, 4});
  }
  table.on_durable(Ticket{6});
  CHECK(since(-1) == Versions{3, 4, 5, 6});
}

TEST_CASE("positions: slots are no readers", "[partition]") {
  PositionTable table;
  table.recover({at("\n0", 0), at("id:1", 4)});
  table.put(at("\n1", 0), Ticket{1});
  table.check_invariants();
  CHECK(table.latest_slots().size() == 2);
  CHECK(table.recent(9).size() == 1);
  CHECK(table.all_visible().size() == 1);
  table.drop_from(Ticket{1});
  table.check_invariants();
  CHECK(table.latest_slots().size() == 1);
  table.replace({at("\n5", 0)}, PositionVersion{9}, Ticket{2});
  table.check_invariants();
  CHECK(table.latest_slots().front()->reader == "\n5");
}

}  // namespace pinion::partition::test
