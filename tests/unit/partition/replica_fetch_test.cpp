#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

namespace pinion::partition::test {

TEST_CASE("replica: a fetch sees nothing that is not durable", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a"}));
  const RequestId early = bench.fetch(0);
  CHECK(bench.reply(early).as<FetchReply>().batches.empty());
  CHECK(bench.reply(early).as<FetchReply>().high_watermark == Offset{0});
  bench.persist();
  const auto& reply = bench.reply(bench.fetch(0));
  REQUIRE(reply.as<FetchReply>().batches.size() == 1);
  CHECK(reply.as<FetchReply>().batches[0].base_offset == Offset{0});
  CHECK(reply.records[0] == batch_of({"a"}).payload);
  CHECK(bench.reads.empty());
}

TEST_CASE(
    "replica: fetches that wait are answered as soon as the high watermark moves, from memory",
    "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId first = bench.fetch(0, 5000);
  const RequestId second = bench.fetch(0, 5000);
  const Batch batch = batch_of({"a", "b"});
  bench.produce(batch);
  CHECK_FALSE(bench.answered(first));
  bench.persist();
  CHECK(bench.reads.empty());
  for (const RequestId request : {first, second}) {
    REQUIRE(bench.reply(request).as<FetchReply>().batches.size() == 1);
    CHECK(bench.reply(request).records[0].data() == batch.payload.data());  // Not a copy.
  }
}

TEST_CASE("replica: a fetch that waits in vain is answered with nothing, in time", "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId waits = bench.fetch(0, 700);
  Fetch fetch;
  fetch.wait_ms = 700;
  const RequestId hurried = bench.ask(fetch, {.timeout_ms = 300});
  CHECK(bench.node.next_deadline() <= bench.now.monotonic + 300ms);
  bench.pass(299ms);
  CHECK_FALSE(bench.answered(hurried));
  bench.pass(1ms);
  CHECK(bench.reply(hurried).error() == Errc::ok);
  CHECK_FALSE(bench.answered(waits));
  bench.pass(400ms);
  CHECK(bench.reply(waits).as<FetchReply>().batches.empty());
}

TEST_CASE("replica: a wait is cut to the longest that is allowed", "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId request = bench.fetch(0, 4'000'000'000U);
  for (Micros passed{0}; passed < limits::fetch_wait_max; passed += 1s) {
    CHECK_FALSE(bench.answered(request));
    bench.pass(1s);
  }
  CHECK(bench.answered(request));
}

TEST_CASE("replica: whole batches from the one that holds the offset", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a", "b", "c"}));
  bench.produce(batch_of({"d"}));
  bench.produce(batch_of({"e"}));
  bench.persist();
  const auto& all = bench.reply(bench.fetch(2)).as<FetchReply>();
  REQUIRE(all.batches.size() == 3);
  CHECK(all.batches[0].base_offset == Offset{0});
  const auto& one = bench.reply(bench.fetch(2, 0, 1)).as<FetchReply>();
  CHECK(one.batches.size() == 1);  // At least one, whatever its size.
  const auto& last = bench.reply(bench.fetch(4)).as<FetchReply>();
  REQUIRE(last.batches.size() == 1);
  CHECK(last.batches[0].base_offset == Offset{4});
}

TEST_CASE("replica: what is no longer in memory is read from the file", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  const RequestId request = bench.fetch(3);
  CHECK_FALSE(bench.answered(request));
  REQUIRE(bench.reads.size() == 1);
  const auto read = std::get<ReadRecords>(bench.reads.front().op);
  CHECK(read.from == Offset{3});
  CHECK(read.end == Offset{10});
  bench.answer_read({stored(batch_of({"x", "y", "z"}), 2), stored(batch_of({"v"}), 5)});
  CHECK(bench.reply(request).as<FetchReply>().batches.size() == 2);
  CHECK(bench.reply(request).as<FetchReply>().high_watermark == Offset{10});
}

TEST_CASE("replica: offsets outside the log are refused with its range", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(5, 10, 1));
  for (const std::int64_t offset : {4, 11}) {
    const auto& reply = bench.reply(bench.fetch(offset));
    CHECK(reply.error() == Errc::offset_out_of_range);
    CHECK(reply.as<ErrorBody>().log_start == Offset{5});
    CHECK(reply.as<ErrorBody>().log_end == Offset{10});
  }
}

TEST_CASE("replica: a reader is told when the log it read was cut", "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(0, 10, 0);
  log.epochs = {{Epoch{1}, Offset{0}}, {Epoch{3}, Offset{6}}};
  bench.join();
  bench.assign({orders}, 5);
  bench.open(orders, log);
  const auto fetch = [&](std::int64_t offset, std::int64_t last_epoch) {
    Fetch body;
    body.offset = Offset{offset};
    body.last_epoch = Epoch{last_epoch};
    body.wait_ms = 10;
    return bench.ask(body);
  };
  CHECK_FALSE(bench.answered(fetch(6, 1)));  // Read everything of epoch 1: fine.
  CHECK(bench.reply(fetch(7, 1)).error() == Errc::log_truncated);
  CHECK(bench.reply(fetch(7, 2)).error() == Errc::log_truncated);
  CHECK(bench.reply(fetch(10, 4)).error() == Errc::log_truncated);
  CHECK_FALSE(bench.answered(fetch(10, 3)));
}

TEST_CASE("replica: offsets are listed by end and by time, with the epoch before", "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(2, 10, 0);
  log.epochs = {{Epoch{1}, Offset{0}}, {Epoch{3}, Offset{6}}};
  bench.join();
  bench.assign({orders}, 5);
  bench.open(orders, log);
  const auto& earliest = bench.reply(bench.ask(ListOffset{OffsetSpec::earliest, {}}));
  CHECK(earliest.as<ListOffsetReply>().offset == Offset{2});
  CHECK(earliest.as<ListOffsetReply>().epoch == Epoch{0});
  const auto& latest = bench.reply(bench.ask(ListOffset{OffsetSpec::latest, {}}));
  CHECK(latest.as<ListOffsetReply>().offset == Offset{10});
  CHECK(latest.as<ListOffsetReply>().epoch == Epoch{3});
  const RequestId by_time = bench.ask(ListOffset{OffsetSpec::timestamp, Micros{77}});
  REQUIRE(bench.reads.size() == 1);
  const ReadEffect read = bench.reads.front();
  CHECK(std::get<FindTime>(read.op).time == Micros{77});
  CHECK(std::get<FindTime>(read.op).end == Offset{10});
  bench.step(TimeFound{orders, read.ticket, Offset{6}});
  CHECK(bench.reply(by_time).as<ListOffsetReply>().offset == Offset{6});
  CHECK(bench.reply(by_time).as<ListOffsetReply>().epoch == Epoch{1});
}

TEST_CASE("replica: a query sees what is below the high watermark, within its time",
          "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  const RequestId request = bench.ask(Query{"select 1", 0}, {.timeout_ms = 2000});
  REQUIRE(bench.reads.size() == 1);
  const ReadEffect read = bench.reads.front();
  const auto& run = std::get<RunQuery>(read.op);
  CHECK(run.end == Offset{10});
  CHECK(run.rows_max == limits::query_rows_default);
  CHECK(run.deadline == bench.now.monotonic + 2s);
  SECTION("its result is the answer") {
    QueryReply result;
    result.columns = {"1"};
    bench.step(Queried{orders, read.ticket, result});
    CHECK(bench.reply(request).as<QueryReply>().columns.size() == 1);
  }
  SECTION("so is its failure, which halts nothing") {
    bench.step(Queried{orders, read.ticket, failure(Errc::sql_invalid, "near x")});
    CHECK(bench.reply(request).error() == Errc::sql_invalid);
    CHECK(bench.view().state == PartitionState::online);
  }
}

TEST_CASE("replica: a file that cannot be read halts its partition", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  const RequestId request = bench.fetch(3);
  const RequestId waits = bench.fetch(10, 1000);
  bench.fail_read(Errc::storage_failed);
  CHECK(bench.reply(request).error() == Errc::storage_failed);
  CHECK(bench.reply(waits).error() == Errc::storage_failed);
  CHECK(bench.view().state == PartitionState::halted);
}

}  // namespace pinion::partition::test
