// Live tails: that each gets every record, once and in order, whatever its pieces are, and that
// slow ones cost a bounded amount of memory.
#include <catch2/catch.hpp>

#include "tests/unit/gateway/follow_bench.hpp"

#include <string>
#include <vector>

using namespace pinion;
using namespace pinion::gateway;
using namespace pinion::gateway::test;

using Tail = FollowBench::Tail;

namespace {

constexpr std::size_t all_tails = 50;

/// Pieces until it waits for more, or has ended.
void read_all(FollowBench& bench, Tail& tail) {
  tail.reads = true;
  bench.run();
}

}  // namespace

TEST_CASE("follow: every tail gets every record in order, wherever it begins", "[gateway]") {
  FollowBench bench;
  // Many in a piece, some over several, and one that is larger than a fetch.
  for (const std::size_t bytes : {10U, 5'000U, 100U}) bench.append_many(0, 5, 7, bytes);
  bench.append_many(0, 2, 3, 20'000);
  bench.append_many(0, 1, 1, 300'000);
  bench.append_many(1, 10, 100, 200);
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(all_tails); ++i) bench.tail({2 * i, i, 0});
  bench.run();
  bench.append_many(2, 3, 50, 2'000);
  bench.append_many(0, 1, 1, 70'000);
  bench.run();
  for (const Tail& tail : bench.tails) CHECK(bench.problem_of(tail) == "");
  CHECK(bench.largest_piece == piece_bytes);
  CHECK(bench.lanes->held_bytes() == 0);
  bench.tails.clear();
}

TEST_CASE("follow: a tail that waits gets a comment within 15 s", "[gateway]") {
  FollowBench bench;
  Tail& tail = bench.tail({0});
  bench.run();
  for (const std::size_t comments : {0U, 1U, 1U, 2U}) {
    bench.now += fetch_waits;
    bench.end_waits();
    bench.run();
    CHECK(tail.comments == comments);
  }
  bench.append(0, {10});
  bench.run();
  CHECK(bench.problem_of(tail) == "");
  CHECK(tail.events == 1);
}

TEST_CASE("follow: one tail gets a piece at a time among many that get all", "[gateway]") {
  // What the others hold is more than there is room for, and less than twice that.
  constexpr std::size_t records = 40;
  FollowBench bench(records * piece_bytes);
  bench.append_events(std::vector<std::size_t>(2 * records, piece_bytes / 2));
  for (std::size_t i = 0; i < all_tails; ++i) bench.tail({0});
  Tail& slow = bench.tails.front();
  slow.reads = false;
  bench.ask(slow);
  bench.run();
  CHECK(bench.fetches == 1);  // One answer for all of them.
  for (const Tail& tail : bench.tails) {
    if (&tail != &slow) CHECK(bench.problem_of(tail) == "");
  }
  CHECK(slow.events == 2);
  // Its pieces end with an event: each is a fetch of its own.
  Tail& last = bench.tail({1});
  bench.run();
  CHECK(bench.problem_of(last) == "");
  CHECK(last.events == 2 * records - 1);
  CHECK(bench.fetches == 1 + records);
  read_all(bench, slow);
  CHECK(bench.problem_of(slow) == "");
  CHECK(bench.fetches == 1 + records);
  CHECK(bench.lanes->held_bytes() == 0);
}

TEST_CASE("follow: nothing is lost where an id falls at a piece's end", "[gateway]") {
  // The second event's id ends around the end of the piece; there is no room for anything.
  for (std::size_t first = piece_bytes - 40; first <= piece_bytes + 2; ++first) {
    FollowBench bench(1);
    bench.append_events({first, 300, 300, first, piece_bytes, 300});
    Tail& tail = bench.tail({0});
    bench.run();
    INFO("a first event of " << first);
    CHECK(bench.problem_of(tail) == "");
    CHECK(bench.largest_piece <= piece_bytes);
  }
}

TEST_CASE("follow: a reader that comes back after any piece goes on with its last id",
          "[gateway]") {
  const bool has_room = GENERATE(true, false);
  FollowBench bench(has_room ? FetchLanes::held_bytes_max : 1);
  bench.append_events({piece_bytes, piece_bytes / 2, piece_bytes / 2});  // At a piece's end.
  bench.append_many(0, 2, 200, 300);                                     // Within a batch,
  bench.append_many(0, 1, 3, 3 * piece_bytes);                           // and within an event.
  bench.append_many(0, 1, 100, 10);
  std::size_t pieces = 0;
  for (std::size_t leaves_after = 0; leaves_after <= pieces; ++leaves_after) {
    Tail& tail = bench.tail({0});
    tail.reads = false;
    for (std::size_t i = 0; i < leaves_after; ++i) bench.take_piece(tail);
    bench.come_back(tail);
    read_all(bench, tail);
    INFO("it leaves after " << leaves_after << " pieces");
    CHECK(bench.problem_of(tail) == "");
    CHECK(tail.events == 3 + 400 + 3 + 100);
    if (leaves_after == 0) pieces = tail.pieces;
    tail.feed->stop();
  }
  CHECK(pieces > 15);
}

TEST_CASE("follow: a reader that comes back with an id at the log's end waits, and behind it ends",
          "[gateway]") {
  FollowBench bench;
  bench.append_many(0, 1, 10, 100);
  Tail& at_end = bench.tail({10});
  bench.run();
  CHECK(at_end.pieces == 0);
  bench.append(0, {100});
  bench.run();
  CHECK(at_end.events == 1);
  CHECK(bench.problem_of(at_end) == "");
  Tail& behind = bench.tail({12});
  bench.run();
  CHECK(behind.has_ended);
  CHECK(behind.events == 0);
  CHECK(behind.error_event.find("\"code\":\"offset_out_of_range\"") != std::string::npos);
}

TEST_CASE("follow: one of fifty tails that does not read costs what it has fetched", "[gateway]") {
  FollowBench bench;
  bench.append_many(0, 40, 50, 1'000);  // 2 MB.
  for (std::size_t i = 0; i < all_tails; ++i) bench.tail({0});
  Tail& slow = bench.tails.front();
  slow.reads = false;
  bench.ask(slow);
  bench.run();
  for (const Tail& tail : bench.tails) {
    if (&tail != &slow) CHECK(bench.problem_of(tail) == "");
  }
  // One fetch is its own, another one is all the others'; and the same again as events.
  constexpr std::size_t fetch = 256 * limits::kib;
  CHECK(bench.most_alive <= 3 * fetch);
  CHECK(bench.most_held <= 5 * fetch);
  CHECK(bench.lanes->held_bytes() > 2 * bench.alive);
  read_all(bench, slow);
  CHECK(bench.problem_of(slow) == "");
  CHECK(bench.lanes->held_bytes() == 0);
  CHECK(bench.alive == 0);
}

TEST_CASE("follow: a tail of many partitions reads 1 MiB ahead, and a batch", "[gateway]") {
  constexpr std::size_t batch = 400'000;
  FollowBench bench;
  std::vector<std::int64_t> from;
  for (std::int32_t partition = 0; partition < 12; ++partition) {
    bench.append_many(partition, 3, 4, batch / 4);
    from.push_back(0);
  }
  Tail& tail = bench.tail(from);
  tail.reads = false;
  bench.take_piece(tail);
  CHECK(bench.alive <= limits::mib + batch + 1'000);
  CHECK(bench.alive > limits::mib);
  read_all(bench, tail);
  CHECK(bench.problem_of(tail) == "");
}

TEST_CASE("follow: tails that do not read share twice the room at most, and lose nothing",
          "[gateway]") {
  constexpr std::size_t slow_tails = 30;
  constexpr std::size_t room = limits::mib;
  constexpr std::size_t batch = 140'000;  // No two in a fetch.
  FollowBench bench(room);
  bench.append_many(0, slow_tails, 4, batch / 4);
  for (std::size_t i = 0; i < slow_tails; ++i) {
    Tail& tail = bench.tail({static_cast<std::int64_t>(4 * i)});  // Each has a batch of its own.
    tail.reads = false;
    bench.ask(tail);
  }
  bench.run();
  // With the last one that was let past the room, and the event that it is in.
  CHECK(bench.most_held > room);
  CHECK(bench.most_held <= 2 * room + batch * 5 / 4 + 1'000);
  CHECK(bench.alive <= 2 * room + batch);
  std::size_t ended = 0;
  for (Tail& tail : bench.tails) {
    read_all(bench, tail);
    if (!tail.has_ended) continue;
    ++ended;
    // Within its first event: nothing can be said then.
    CHECK(tail.events == 0);
    CHECK(tail.error_event.empty());
    bench.come_back(tail);
    read_all(bench, tail);
  }
  CHECK(ended > 0);
  CHECK(ended < slow_tails);
  for (const Tail& tail : bench.tails) CHECK(bench.problem_of(tail) == "");
  CHECK(bench.lanes->held_bytes() == 0);
}

TEST_CASE("follow: what comes for a tail that has ended within an event is no part of it",
          "[gateway]") {
  constexpr std::size_t slow_tails = 30;
  constexpr std::size_t batch = 140'000;
  FollowBench bench(limits::mib);
  bench.append_many(0, slow_tails, 4, batch / 4);
  for (std::size_t i = 0; i < slow_tails; ++i) {
    Tail& tail = bench.tail({static_cast<std::int64_t>(4 * i), 0});
    tail.reads = false;
    bench.ask(tail);
  }
  bench.run();
  // The first ones, which hold the room, give it back; the last ones have ended meanwhile.
  for (std::size_t i = 0; i < slow_tails / 2; ++i) read_all(bench, bench.tails[i]);
  bench.append(1, {10});  // Each has waited for it.
  bench.run();
  std::size_t ended = 0;
  for (Tail& tail : bench.tails) {
    read_all(bench, tail);
    CHECK(tail.problem == "");
    ended += tail.has_ended ? 1U : 0U;
  }
  CHECK(ended > 0);
}

TEST_CASE("follow: a tail that is too slow is ended while others need the room", "[gateway]") {
  constexpr std::size_t records = 40;
  const bool is_crowded = GENERATE(true, false);
  const bool ends_with_event = GENERATE(true, false);
  FollowBench bench((is_crowded ? 1 : 4) * records * piece_bytes);
  bench.append_events(
      std::vector<std::size_t>(records, ends_with_event ? piece_bytes : piece_bytes - 100));
  Tail& tail = bench.tail({0});
  tail.reads = false;
  bench.take_piece(tail);
  bench.now += 1'900ms;  // Slow, but not watched for long enough.
  bench.take_piece(tail);
  CHECK(tail.pieces == 2);
  bench.now += 2s;  // 8 KiB/s.
  bench.take_piece(tail);
  if (!is_crowded) {
    CHECK(tail.pieces == 3);
    CHECK_FALSE(tail.has_ended);
  } else if (ends_with_event) {
    CHECK(tail.events == 2);
    CHECK(tail.error_event.find("\"code\":\"throttled\"") != std::string::npos);
    bench.take_piece(tail);
    CHECK(tail.has_ended);
  } else {
    CHECK(tail.has_ended);
    CHECK(tail.error_event.empty());
  }
  if (tail.has_ended) {
    CHECK(bench.lanes->held_bytes() == 0);
    bench.come_back(tail);
  }
  read_all(bench, tail);
  CHECK(bench.problem_of(tail) == "");
}

TEST_CASE("follow: why a stream ends is no part of an event that it ends within", "[gateway]") {
  constexpr std::size_t records = 40;
  FollowBench bench(records * piece_bytes);
  bench.append_events(std::vector<std::size_t>(records, piece_bytes + 100));
  Tail& tail = bench.tail({0, 0});
  tail.reads = false;
  bench.fail(1, Errc::unknown_topic);
  bench.take_piece(tail);
  CHECK(tail.pieces == 1);
  bench.now += 2s;
  bench.take_piece(tail);
  CHECK(tail.has_ended);
  CHECK(tail.events == 0);
  CHECK(tail.problem == "");
  CHECK(tail.error_event == "");
}
