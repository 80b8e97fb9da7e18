// A follower takes over its leader's table of positions.
#include "common/proto/codec.hpp"
#include "tests/unit/partition/follower_bench.hpp"

#include <catch2/catch.hpp>

namespace pinion::partition::test {

namespace {

PositionRow row(const std::string& reader, std::int64_t version, bool deleted = false) {
  return {reader, Offset{3},  Epoch{3}, PositionVersion{version},
          "",     Offset{-1}, deleted,  Micros{1}};
}

ReplicaFetchReply part_of_positions(std::vector<PositionRow> rows, bool whole, bool more) {
  ReplicaFetchReply reply;
  reply.log_end = Offset{10};
  reply.all_positions = whole;
  reply.more_positions = more;
  reply.position_version = rows.back().version;
  reply.positions = std::move(rows);
  return reply;
}

/// More than half of what goes at one time.
std::vector<PositionRow> many_rows(const std::string& reader) {
  std::vector<PositionRow> rows;
  for (int i = 0; i < 9'000; ++i) rows.push_back(row(reader + std::to_string(i), i + 1));
  return rows;
}

/// A table is on its way to the disk when nobody leads any more.
void lose_leader_while_writing(NodeBench& bench) {
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:a", 7)}, true, false));
  bench.to_controller.clear();
  bench.assign_replicas({.leader = 0, .epoch = 6, .version = 2});
}

}  // namespace

TEST_CASE("follower: a table of positions that comes in parts is taken over when all have come",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:a", 1), row("consumer:b", 4)}, true, true));
  CHECK(bench.waiting().empty());
  CHECK(fetch_of(bench).position_version == PositionVersion{4});
  // One moves, another one is deleted, while the rest is on its way.
  bench.answer_fetch(part_of_positions({row("consumer:c", 5), row("consumer:a", 8)}, false, true));
  CHECK(bench.waiting().empty());
  CHECK(fetch_of(bench).position_version == PositionVersion{8});
  CHECK(fetch_of(bench).durable_position_version == PositionVersion{-1});
  bench.answer_fetch(part_of_positions({row("consumer:b", 9, true)}, false, false));
  REQUIRE(bench.waiting().size() == 1);
  const auto reset = std::get<ResetPositions>(bench.waiting()[0].op).positions;
  REQUIRE(reset.size() == 3);
  CHECK(reset[0].version == PositionVersion{8});
  CHECK(reset[1].deleted);
  CHECK(reset[2].version == PositionVersion{5});
  bench.persist();
  CHECK(std::get<ReplicaProgress>(bench.to_peers.back().body).durable_position_version ==
        PositionVersion{9});
  // What changes from now on comes by itself again.
  bench.answer_fetch(part_of_positions({row("consumer:c", 10)}, false, false));
  REQUIRE(bench.waiting().size() == 1);
  CHECK(std::holds_alternative<PutPosition>(bench.waiting()[0].op));
}

TEST_CASE("follower: of large tables of positions one at a time is on its way to the disk",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions(many_rows("consumer:a"), true, false));
  bench.assign_replicas({.leader = node_two, .epoch = 5}, orders_1);
  bench.open(orders_1, log_of(10, 3));
  SECTION("small ones do not wait") {
    bench.answer_fetch(part_of_positions({row("consumer:b", 2)}, true, false));
    CHECK(bench.waiting(orders_1).size() == 1);
    bench.persist(orders_1);
    CHECK(fetch_of(bench).position_version == PositionVersion{2});
    bench.persist();
  }
  SECTION("the next one waits") {
    bench.answer_fetch(part_of_positions(many_rows("consumer:b"), true, false));
    CHECK(bench.waiting(orders_1).empty());
    const std::size_t fetches = bench.fetches();
    bench.pass(1s);
    CHECK(bench.fetches() == fetches);  // What comes next would have to wait behind it.
    bench.persist();
    bench.pass(limits::replica_retry_min);
    REQUIRE(bench.waiting(orders_1).size() == 1);
    CHECK(std::get<ResetPositions>(bench.waiting(orders_1)[0].op).positions[0].reader ==
          "consumer:b0");
    bench.persist(orders_1);
    CHECK(fetch_of(bench).position_version == PositionVersion{9'000});
  }
  SECTION("but not for one that came while the disk hung already") {
    for (int i = 0; i < 21; ++i) {
      bench.pass(500ms);
      bench.fetch(9);  // A word from the broker.
    }
    CHECK(bench.happened(EventKind::disk_silent));
    bench.assign_replicas({.leader = 3, .epoch = 6, .version = 2});
    bench.answer_fetch(part_of_positions(many_rows("consumer:c"), true, false), {}, Errc::ok, 3);
    bench.assign_replicas({.leader = node_two, .epoch = 6, .version = 2}, orders_1);
    bench.answer_fetch(part_of_positions(many_rows("consumer:b"), true, false));
    CHECK(bench.waiting().size() == 2);
    CHECK(bench.waiting(orders_1).size() == 1);
    bench.persist();
    bench.persist(orders_1);
  }
  SECTION("but not for a disk that hangs") {
    bench.answer_fetch(part_of_positions(many_rows("consumer:b"), true, false));
    CHECK(bench.waiting(orders_1).empty());
    for (int i = 0; i < 21; ++i) bench.pass(500ms);
    CHECK(bench.happened(EventKind::disk_silent));
    bench.pass(limits::replica_retry_min);
    CHECK(bench.waiting(orders_1).size() == 1);
    bench.persist();
    bench.persist(orders_1);
  }
  bench.node.check_invariants();
}

TEST_CASE("follower: what it says in an epoch that nobody leads waits for what is on its way",
          "[partition]") {
  NodeBench bench;
  lose_leader_while_writing(bench);
  bench.pass(1s);
  CHECK(bench.told<ReplicaReport>().empty());
  bench.persist();
  bench.pass(0s);
  REQUIRE(bench.told<ReplicaReport>().size() == 1);
  const ReplicaState said = bench.told<ReplicaReport>()[0].replicas.at(0);
  CHECK(said.leader_epoch == Epoch{6});
  CHECK(said.log_end == Offset{10});
  CHECK(said.position_version == PositionVersion{7});
}

TEST_CASE("follower: that its disk hangs it says in an epoch that nobody leads, too",
          "[partition]") {
  NodeBench bench;
  lose_leader_while_writing(bench);
  const auto said = [&] {
    const std::vector<ReplicaReport> reports = bench.told<ReplicaReport>();
    REQUIRE(reports.size() == 1);
    bench.to_controller.clear();
    return reports[0].replicas.at(0).file;
  };
  for (int i = 0; i < 21; ++i) {
    bench.pass(500ms);
    bench.fetch(9);  // A word from the broker.
  }
  CHECK(said() == FileState::failing);
  bench.persist();
  bench.pass(0s);
  CHECK(said() == FileState::open);
}

TEST_CASE("follower: a new leader's table is gathered from its first part", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:old", 4)}, true, true));
  bench.assign_replicas({.leader = 3, .epoch = 6, .version = 2});
  CHECK(fetch_of(bench).position_version == PositionVersion{-1});
  bench.answer_fetch(part_of_positions({row("consumer:new", 2)}, true, false), {}, Errc::ok, 3);
  REQUIRE(bench.waiting().size() == 1);
  const auto reset = std::get<ResetPositions>(bench.waiting()[0].op).positions;
  REQUIRE(reset.size() == 1);
  CHECK(reset[0].reader == "consumer:new");
}

TEST_CASE("follower: what its last leader sent counts for nothing with the next one",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:a", 1)}, true, false));
  bench.persist();
  bench.answer_fetch(part_of_positions({row("consumer:a", 2)}, false, false));
  REQUIRE(bench.waiting().size() == 1);
  // The next leader has not heard of that change, and will give its version to another one.
  bench.assign_replicas({.leader = 3, .epoch = 6, .version = 2});
  bench.answer_fetch(part_of_positions({row("consumer:a", 1)}, true, false), {}, Errc::ok, 3);
  const std::size_t told = bench.to_peers.size();
  bench.persist_one();
  CHECK(bench.to_peers.size() == told);
  bench.persist();
  CHECK(std::get<ReplicaProgress>(bench.to_peers.back().body).durable_position_version ==
        PositionVersion{1});
}

TEST_CASE("follower: positions that changed count when the last of their parts is durable",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:a", 1), row("consumer:b", 2)}, true, false));
  bench.persist();
  REQUIRE(fetch_of(bench).position_version == PositionVersion{2});
  // At 3 it was consumer:a that moved; that row now says 9, and is in the second part.
  bench.answer_fetch(part_of_positions({row("consumer:b", 5)}, false, true));
  bench.persist();
  CHECK(fetch_of(bench).position_version == PositionVersion{5});
  CHECK(fetch_of(bench).durable_position_version == PositionVersion{2});
  bench.answer_fetch(part_of_positions({row("consumer:c", 6), row("consumer:a", 9)}, false, false));
  bench.persist_one();
  CHECK(fetch_of(bench).durable_position_version == PositionVersion{2});
  bench.persist();
  CHECK(std::get<ReplicaProgress>(bench.to_peers.back().body).durable_position_version ==
        PositionVersion{9});
}

TEST_CASE("follower: a reader that waits is told when the file is opened again", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  bench.answer_fetch_with({stored(batch_of({"a"}), 0, 4, 100)}, 1);
  bench.persist();
  Fetch fetch;
  fetch.offset = Offset{1};
  fetch.wait_ms = 10'000;
  const RequestId waits = bench.ask(fetch, {.any_replica = true});
  REQUIRE_FALSE(bench.answered(waits));
  // What it has in memory and not on its disk is forgotten by opening it again.
  bench.answer_fetch(part_of_positions({row("consumer:a", 1)}, true, false));
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.reply(waits).error() == Errc::not_leader);
}

TEST_CASE("follower: who leads before a copied table is on its disk begins with what is there",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  bench.answer_fetch(part_of_positions({row("consumer:a", 7)}, true, false));
  bench.assign_replicas({.leader = 1, .epoch = 5, .version = 2});
  REQUIRE(bench.view().role == RoleName::leading);
  REQUIRE_FALSE(bench.view().positions.empty());
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.view().role == RoleName::opening);
  bench.close(orders);
  bench.open(orders, {});
  CHECK(bench.view().role == RoleName::leading);
  CHECK(bench.view().positions.empty());
  CHECK(bench.view().durable_position_version == PositionVersion{0});
}

}  // namespace pinion::partition::test
