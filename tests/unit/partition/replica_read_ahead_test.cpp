// What is read before a reader asks for it.
#include <catch2/catch.hpp>

#include "partition/core/read_ahead.hpp"
#include "tests/unit/partition/node_bench.hpp"

#include <algorithm>
#include <utility>
#include <vector>

using namespace pinion;
using namespace pinion::partition;
using namespace pinion::partition::test;

namespace {

constexpr std::uint32_t bytes_max = 4096;

/// A log of so many records in a file, none of them in memory.
void lead(NodeBench& bench, std::int64_t end = 100) { bench.lead(orders, recovered(0, end, 1)); }

[[nodiscard]] ReadRecords under_way(const NodeBench& bench) {
  REQUIRE(bench.reads.size() == 1);
  return std::get<ReadRecords>(bench.reads.front().op);
}

[[nodiscard]] std::vector<Batch> ten_from(std::int64_t from) {
  return {stored(batch_of({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}), from)};
}

/// The reader has fetched from 0 and then from 10, each time ten records.
void go_through(NodeBench& bench) {
  for (const std::int64_t from : {0, 10}) {
    const RequestId fetch = bench.fetch(from, 0, bytes_max);
    CHECK(under_way(bench).from == Offset{from});
    bench.answer_read(ten_from(from));
    CHECK(bench.answered(fetch));
  }
}

}  // namespace

TEST_CASE("read ahead: one fetch alone is no reader that goes through the log", "[partition]") {
  NodeBench bench;
  lead(bench);
  bench.fetch(0, 0, bytes_max);
  bench.answer_read(ten_from(0));
  CHECK(bench.reads.empty());
}

TEST_CASE("read ahead: a reader that goes on finds its records read", "[partition]") {
  NodeBench bench;
  lead(bench);
  go_through(bench);
  CHECK(under_way(bench).from == Offset{20});
  CHECK(under_way(bench).end == Offset{100});
  CHECK(under_way(bench).bytes_max == bytes_max);
  SECTION("before it asks") {
    bench.answer_read(ten_from(20));
    const RequestId fetch = bench.fetch(20, 0, bytes_max);
    REQUIRE(bench.answered(fetch));
    CHECK(bench.reply(fetch).as<FetchReply>().batches.at(0).base_offset == Offset{20});
  }
  SECTION("while it asks") {
    const RequestId fetch = bench.fetch(20, 0, bytes_max);
    CHECK_FALSE(bench.answered(fetch));
    bench.answer_read(ten_from(20));
    REQUIRE(bench.answered(fetch));
    CHECK(bench.reply(fetch).as<FetchReply>().batches.at(0).base_offset == Offset{20});
  }
  // And what comes then is read again.
  CHECK(under_way(bench).from == Offset{30});
}

TEST_CASE("read ahead: what was read does not fit another fetch", "[partition]") {
  NodeBench bench;
  lead(bench);
  go_through(bench);
  bench.answer_read(ten_from(20));
  const auto [from, size] = GENERATE(std::pair{21, bytes_max}, std::pair{20, bytes_max * 2});
  const RequestId fetch = bench.fetch(from, 0, size);
  CHECK_FALSE(bench.answered(fetch));
  CHECK(under_way(bench).from == Offset{from});  // Not what is read ahead next.
  CHECK(under_way(bench).bytes_max == size);
}

TEST_CASE("read ahead: nothing is read behind what is committed or in memory", "[partition]") {
  NodeBench bench;
  lead(bench, 20);
  go_through(bench);
  CHECK(bench.reads.empty());
}

TEST_CASE("read ahead: it is forgotten when nobody asks, and gives its bytes back", "[partition]") {
  NodeBench bench;
  lead(bench);
  go_through(bench);
  CHECK(bench.node.view().ahead_bytes == bytes_max);
  bench.answer_read(ten_from(20));
  CHECK(bench.node.view().ahead_bytes > 0);
  bench.pass(limits::read_ahead_kept);
  CHECK(bench.node.view().ahead_bytes == 0);
  bench.fetch(20, 0, bytes_max);
  CHECK(bench.reads.size() == 1);
}

TEST_CASE("read ahead: forgotten while it is under way it does no harm", "[partition]") {
  NodeBench bench;
  lead(bench);
  go_through(bench);
  bench.pass(limits::read_ahead_kept);
  CHECK(bench.node.view().ahead_bytes == 0);
  bench.answer_read(ten_from(20));
  CHECK(bench.node.view().ahead_bytes == 0);
  CHECK(bench.node.view().reads_inflight == 0);
}

TEST_CASE("read ahead: it ends with the role", "[partition]") {
  NodeBench bench;
  bench.replicate({}, recovered(0, 100, 1));
  bench.progress(2, 100);
  bench.progress(3, 100);
  const bool is_read = GENERATE(false, true);
  for (const std::int64_t from : {0, 10}) {
    bench.fetch(from, 0, bytes_max);
    bench.answer_read(ten_from(from));
  }
  CHECK(under_way(bench).from == Offset{20});
  if (is_read) bench.answer_read(ten_from(20));
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 2});
  CHECK(bench.node.view().ahead_bytes == 0);
  if (!is_read) bench.answer_read(ten_from(20));
  CHECK(bench.node.view().reads_inflight == 0);
}

TEST_CASE("read ahead: a read that fails is made again by who asks, and tells him", "[partition]") {
  NodeBench bench;
  lead(bench);
  go_through(bench);
  SECTION("nobody has asked yet") {
    bench.fail_read(Errc::io_failed);
    CHECK(bench.node.view().ahead_bytes == 0);
    const RequestId fetch = bench.fetch(20, 0, bytes_max);
    CHECK_FALSE(bench.answered(fetch));
    bench.answer_read(ten_from(20));
    CHECK(bench.answered(fetch));
  }
  SECTION("somebody waits for it") {
    const RequestId fetch = bench.fetch(20, 0, bytes_max);
    bench.fail_read(Errc::io_failed);
    CHECK(bench.reply(fetch).error() == Errc::throttled);
  }
  SECTION("the file is damaged") {
    bench.fail_read(Errc::file_corrupt);
    CHECK(bench.view().state == PartitionState::halted);
    CHECK(bench.node.view().ahead_bytes == 0);
  }
}

TEST_CASE("read ahead: for so many readers of a partition", "[partition]") {
  NodeBench bench;
  lead(bench, 100'000);
  const auto readers = static_cast<std::int64_t>(limits::reads_ahead_per_partition_max) + 2;
  for (std::int64_t reader = 0; reader < readers; ++reader) {
    for (const std::int64_t from : {reader * 1000, reader * 1000 + 10}) {
      const RequestId fetch = bench.fetch(from, 0, bytes_max);
      while (!bench.answered(fetch)) {
        bench.answer_read(ten_from(std::get<ReadRecords>(bench.reads.front().op).from.raw()));
      }
    }
  }
  std::size_t one = 0;
  for (const Batch& batch : ten_from(0)) one += batch.payload.size();
  while (!bench.reads.empty()) {
    bench.answer_read(ten_from(std::get<ReadRecords>(bench.reads.front().op).from.raw()));
  }
  CHECK(bench.node.view().ahead_bytes == limits::reads_ahead_per_partition_max * one);
}

TEST_CASE("read ahead: one too many takes the place of the oldest", "[partition]") {
  ReadsAhead all;
  constexpr auto most = static_cast<std::int64_t>(limits::reads_ahead_per_partition_max);
  for (std::int64_t from = 0; from <= most; ++from) {
    ReadAhead next{Offset{from}};
    next.bytes_max = bytes_max;
    all.expect(std::move(next));
  }
  CHECK_FALSE(all.take(Offset{0}, bytes_max));
  for (std::int64_t from = 1; from <= most; ++from) {
    CHECK(all.take(Offset{from}, bytes_max));
    CHECK_FALSE(all.take(Offset{from}, bytes_max));
  }
}

TEST_CASE("read ahead: what is to be forgotten first says when", "[partition]") {
  ReadsAhead all;
  CHECK(all.next_deadline() == never);
  for (const Micros at : {Micros{3s}, Micros{1s}, Micros{2s}}) {
    ReadAhead next{Offset{at.count()}};
    next.forget_at = at;
    all.expect(std::move(next));
  }
  CHECK(all.next_deadline() == 1s);
  all.forget_old(1s);
  CHECK(all.next_deadline() == 2s);
}

namespace {

[[nodiscard]] PartitionKey part(std::int32_t index) { return {TopicId{7}, PartitionIndex{index}}; }

RequestId fetch_large(NodeBench& bench, std::int32_t index, std::int64_t from) {
  Fetch fetch;
  fetch.offset = Offset{from};
  fetch.bytes_max = limits::fetch_bytes_max;
  AskOptions options;
  options.key = part(index);
  return bench.ask(fetch, options);
}

void go_through_large(NodeBench& bench, std::int32_t index) {
  bench.lead(part(index), recovered(0, 100, 1));
  for (const std::int64_t from : {0, 10}) {
    fetch_large(bench, index, from);
    bench.answer_read(ten_from(from));
  }
}

}  // namespace

TEST_CASE("read ahead: in so many bytes of a node", "[partition]") {
  NodeBench bench;
  constexpr auto most =
      static_cast<std::int32_t>(limits::reads_ahead_bytes_max / limits::fetch_bytes_max);
  for (std::int32_t index = 0; index <= most; ++index) {
    go_through_large(bench, index);
    CHECK(bench.reads.size() == (index < most ? 1U : 0U));
    bench.reads.clear();  // It stays under way.
  }
  CHECK(bench.node.view().ahead_bytes == limits::reads_ahead_bytes_max);
}

TEST_CASE("read ahead: it takes no turn from a read that waits for its own", "[partition]") {
  NodeBench bench;
  go_through_large(bench, 0);
  REQUIRE(bench.reads.size() == 1);
  const ReadEffect ahead = bench.reads.front();
  bench.reads.clear();
  // As many as may be on their way.
  bench.lead(part(1), recovered(0, 100, 1));
  constexpr auto all = static_cast<std::int64_t>(limits::reads_inflight_bytes_max /  //
                                                 limits::fetch_bytes_max);
  for (std::int64_t i = 1; i < all; ++i) fetch_large(bench, 1, i);
  bench.lead(part(2), recovered(0, 100, 1));
  const std::size_t before = bench.reads.size();
  fetch_large(bench, 2, 0);
  REQUIRE(bench.reads.size() == before);
  // The reader takes what was read for it; the turn is the other one's.
  fetch_large(bench, 0, 20);
  bench.step(RecordsRead{ahead.key, ahead.ticket, ten_from(20)});
  REQUIRE(bench.reads.size() == before + 1);
  CHECK(bench.reads.back().key == part(2));
}

TEST_CASE("read ahead: what is larger than was asked for counts for what it is", "[partition]") {
  NodeBench bench;
  lead(bench);
  go_through(bench);
  std::size_t bytes = 0;
  const std::vector<Batch> read = ten_from(20);
  for (const Batch& batch : read) bytes += batch.payload.size();
  bench.answer_read(read);
  CHECK(bench.node.view().ahead_bytes == bytes);
}
