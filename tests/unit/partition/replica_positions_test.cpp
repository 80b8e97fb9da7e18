#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

#include "partition/core/dequeue_slots.hpp"
#include "partition/core/dequeue_tokens.hpp"

#include <algorithm>

namespace pinion::partition::test {

namespace {

Offset position_of(NodeBench& bench, const std::string& reader) {
  return bench.reply(bench.ask(FetchPosition{reader})).as<FetchPositionReply>().offset;
}

}  // namespace

TEST_CASE("replica: a position is answered and seen only when it is durable", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  const RequestId commit = bench.commit("consumer:ann", 4);
  CHECK_FALSE(bench.answered(commit));
  CHECK(position_of(bench, "consumer:ann") == offset_unassigned);
  bench.persist();
  CHECK(bench.reply(commit).as<CommitPositionReply>().version == PositionVersion{1});
  CHECK(position_of(bench, "consumer:ann") == Offset{4});
  const auto& reply = bench.reply(bench.ask(FetchPosition{"consumer:ann"}));
  CHECK(reply.as<FetchPositionReply>().high_watermark == Offset{10});
  CHECK(reply.as<FetchPositionReply>().leader_epoch == Epoch{1});
}

TEST_CASE("replica: positions go back, are forgotten, and survive a restart", "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(0, 10, 1);
  Position known;
  known.reader = "consumer:ann";
  known.offset = Offset{8};
  known.version = PositionVersion{17};
  log.positions = {known};
  bench.lead(orders, log);
  CHECK(position_of(bench, "consumer:ann") == Offset{8});
  const RequestId back = bench.commit("consumer:ann", 2);
  bench.persist();
  CHECK(bench.reply(back).as<CommitPositionReply>().version == PositionVersion{18});
  CHECK(position_of(bench, "consumer:ann") == Offset{2});
  bench.commit("consumer:ann", -1);
  bench.persist();
  CHECK(position_of(bench, "consumer:ann") == offset_unassigned);
}

TEST_CASE("replica: a position beyond the log is refused", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  CHECK(bench.reply(bench.commit("consumer:ann", 11)).error() == Errc::offset_out_of_range);
  CHECK(bench.reply(bench.commit("consumer:ann", -2)).error() == Errc::offset_out_of_range);
}

TEST_CASE("replica: a dequeue reads the next record and moves on in one durable step",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a", "b"}));
  bench.persist();
  const RequestId first = bench.dequeue("consumer:ann", "t1");
  CHECK_FALSE(bench.answered(first));
  bench.persist();
  CHECK(bench.reply(first).as<DequeueReply>().offset == Offset{0});
  CHECK(bench.reply(first).records.size() == 1);
  CHECK(position_of(bench, "consumer:ann") == Offset{1});
  const RequestId second = bench.dequeue("consumer:ann", "t2");
  bench.persist();
  CHECK(bench.reply(second).as<DequeueReply>().offset == Offset{1});
  CHECK(bench.reply(bench.dequeue("consumer:ann", "t3")).error() == Errc::nothing_unread);
}

TEST_CASE("replica: a repeat of a dequeue's token returns the same record and moves nothing",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a", "b"}));
  bench.persist();
  const RequestId first = bench.dequeue("consumer:ann", "t1");
  const RequestId early = bench.dequeue("consumer:ann", "t1");
  CHECK(bench.reply(first).error() == Errc::timed_out);  // The last attempt waits,
  CHECK_FALSE(bench.answered(early));                    // and not before the move is durable.
  bench.persist();
  CHECK(bench.reply(early).as<DequeueReply>().offset == Offset{0});
  const RequestId late = bench.dequeue("consumer:ann", "t1");
  CHECK(bench.reply(late).as<DequeueReply>().offset == Offset{0});
  CHECK(position_of(bench, "consumer:ann") == Offset{1});
}

TEST_CASE("replica: a dequeue's token is known after a restart, and its record read again",
          "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(0, 10, 1);
  Position known;
  known.reader = "consumer:ann";
  known.offset = Offset{4};
  known.version = PositionVersion{1};
  known.last_token = "t1";
  known.last_offset = Offset{3};
  log.positions = {known};
  bench.lead(orders, log);
  const RequestId repeat = bench.dequeue("consumer:ann", "t1");
  bench.answer_read({stored(batch_of({"x", "y"}), 2)});
  CHECK(bench.reply(repeat).as<DequeueReply>().offset == Offset{3});
  CHECK(bench.waiting().empty());
}

TEST_CASE("replica: two racing dequeues of one reader never get one record", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  const RequestId first = bench.dequeue("consumer:ann", "t1");
  const RequestId second = bench.dequeue("consumer:ann", "t2");
  const RequestId commit = bench.commit("consumer:ann", 7);
  const RequestId third = bench.dequeue("consumer:ann", "t3");
  CHECK(bench.reads.size() == 1);  // The others wait their turn.
  bench.answer_read({stored(batch_of({"x", "y"}), 0)});
  bench.answer_read({stored(batch_of({"x", "y"}), 0)});
  bench.answer_read({stored(batch_of({"x", "y"}), 7)});
  bench.persist();
  CHECK(bench.reply(first).as<DequeueReply>().offset == Offset{0});
  CHECK(bench.reply(second).as<DequeueReply>().offset == Offset{1});
  CHECK(bench.reply(commit).error() == Errc::ok);
  CHECK(bench.reply(third).as<DequeueReply>().offset == Offset{7});
  CHECK(position_of(bench, "consumer:ann") == Offset{8});
}

TEST_CASE("replica: dequeues of different readers do not wait for one another", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  bench.dequeue("consumer:ann");
  bench.dequeue("consumer:bob");
  CHECK(bench.reads.size() == 2);
}

TEST_CASE("replica: a dequeue whose base was taken back begins again", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  // The first record is at hand, the second is read while the first's move fails.
  const RequestId commit = bench.commit("consumer:ann", 5);
  const RequestId dequeue = bench.dequeue("consumer:ann", "t1");
  REQUIRE(bench.reads.size() == 1);
  CHECK(std::get<ReadRecords>(bench.reads.front().op).from == Offset{5});
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.reply(commit).error() == Errc::storage_full);
  bench.now.monotonic += 2s;  // Long enough for a write to be tried again.
  bench.answer_read({stored(batch_of({"x"}), 5)});
  REQUIRE(bench.reads.size() == 1);
  CHECK(std::get<ReadRecords>(bench.reads.front().op).from == Offset{0});
  bench.answer_read({stored(batch_of({"y"}), 0)});
  bench.persist();
  CHECK(bench.reply(dequeue).as<DequeueReply>().offset == Offset{0});
  CHECK(position_of(bench, "consumer:ann") == Offset{1});
}

TEST_CASE("replica: a repeat whose move was taken back takes its turn like a first one",
          "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  const RequestId first = bench.dequeue("consumer:ann", "t1");
  bench.answer_read({stored(batch_of({"x"}), 0)});
  // Its move is on its way to the disk: the repeat reads the record again, and holds no lane.
  const RequestId repeat = bench.dequeue("consumer:ann", "t1");
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.reply(first).error() == Errc::storage_full);
  bench.now.monotonic += 2s;
  const RequestId second = bench.dequeue("consumer:ann", "t2");
  REQUIRE(bench.reads.size() == 2);
  bench.answer_read({stored(batch_of({"x"}), 0)});  // Of the repeat, which is none any more.
  REQUIRE(bench.reads.size() == 1);
  CHECK_FALSE(bench.answered(repeat));
  bench.answer_read({stored(batch_of({"x"}), 0)});
  // Until a write has shown that there is room, one at a time is tried.
  CHECK(bench.reply(repeat).error() == Errc::storage_full);
  bench.persist();
  CHECK(bench.reply(second).as<DequeueReply>().offset == Offset{0});
  CHECK(position_of(bench, "consumer:ann") == Offset{1});
}

TEST_CASE("replica: a dequeue that could not be read leaves the way free", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  const RequestId first = bench.dequeue("consumer:ann", "t1");
  const RequestId second = bench.dequeue("consumer:ann", "t2");
  bench.fail_read(Errc::io_failed);
  CHECK(bench.reply(first).error() == Errc::throttled);  // Did not happen, may be tried again.
  bench.answer_read({stored(batch_of({"x"}), 0)});
  bench.persist();
  CHECK(bench.reply(second).as<DequeueReply>().offset == Offset{0});
}

TEST_CASE("replica: a dequeue whose time is over before its turn certainly did not happen",
          "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  bench.dequeue("consumer:ann", "t1");
  const RequestId late = bench.dequeue("consumer:ann", "t2", {.timeout_ms = 100});
  bench.now.monotonic += 1s;
  bench.answer_read({stored(batch_of({"x", "y"}), 0)});
  CHECK(bench.reply(late).error() == Errc::throttled);
  CHECK(fate_of(bench.reply(late).error()) == Fate::did_not_happen);
}

TEST_CASE("replica: a failed commit takes positions back", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  bench.commit("consumer:ann", 3);
  bench.persist();
  const RequestId lost = bench.commit("consumer:ann", 6);
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.reply(lost).error() == Errc::storage_full);
  CHECK(position_of(bench, "consumer:ann") == Offset{3});
  bench.pass(2s);
  const RequestId again = bench.commit("consumer:ann", 6);
  bench.persist();
  CHECK(bench.reply(again).as<CommitPositionReply>().version == PositionVersion{2});
}

TEST_CASE("replica: the last eight dequeues of a taker can be repeated, in any order",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}));
  bench.persist();
  for (int i = 0; i < 9; ++i) {
    const RequestId first = bench.dequeue("id:1", "t-" + std::to_string(i));
    bench.persist();
    REQUIRE(bench.reply(first).as<DequeueReply>().offset == Offset{i});
  }
  for (const int i : {8, 1, 4}) {
    const RequestId repeat = bench.dequeue("id:1", "t-" + std::to_string(i));
    CHECK(bench.reply(repeat).as<DequeueReply>().offset == Offset{i});
  }
  CHECK(position_of(bench, "id:1") == Offset{9});
  const RequestId forgotten = bench.dequeue("id:1", "t-0");
  bench.persist();
  CHECK(bench.reply(forgotten).as<DequeueReply>().offset == Offset{9});
}

TEST_CASE("replica: a taker that comes back late is known, however many others came meanwhile",
          "[partition]") {
  constexpr std::int64_t takers = 1'000;
  NodeBench bench;
  bench.lead();
  for (std::int64_t i = 0; i <= takers; ++i) bench.produce(batch_of({"x"}));
  bench.persist();
  const auto take = [&](std::int64_t taker) {
    return bench.dequeue("id:1", "taker" + std::to_string(taker) + "-7");
  };
  for (std::int64_t i = 0; i < takers; ++i) {
    const RequestId request = take(i);
    bench.persist();
    REQUIRE(bench.reply(request).as<DequeueReply>().offset == Offset{i});
  }
  for (const std::int64_t late : {0, 1, 500, 991, 992, 999}) {
    CHECK(bench.reply(take(late)).as<DequeueReply>().offset == Offset{late});
  }
  CHECK(position_of(bench, "id:1") == Offset{takers});
  CHECK(bench.view().positions.size() == 1);  // What is kept for it is no reader.
}

TEST_CASE("replica: what a dequeue pushes out is written in front of it, once", "[partition]") {
  NodeBench bench;
  bench.lead();
  for (int i = 0; i < 40; ++i) bench.produce(batch_of({"x"}));
  bench.persist();
  for (int i = 0; i < 20; ++i) {
    bench.dequeue("id:1", "t" + std::to_string(i) + "-1");
    const std::vector<Persist> rows = bench.waiting();
    REQUIRE(rows.size() == (i < 8 ? 1U : 2U));
    const auto& move = std::get<PutPosition>(rows.back().op).position;
    CHECK(move.reader == "id:1");
    CHECK(std::count(move.last_token.begin(), move.last_token.end(), '\n') <= 7);
    if (i >= 8) {
      const auto& slot = std::get<PutPosition>(rows.front().op).position;
      CHECK(slot.last_token == "t" + std::to_string(i - 8) + "-1\nid:1");
      CHECK(slot.version < move.version);
    }
    bench.persist();
  }
  // One that asks again takes the slot it has.
  for (int i = 0; i < 9; ++i) bench.dequeue("id:1", "t" + std::to_string(i) + "-2");
  const std::vector<Persist> waiting = bench.waiting();
  const auto& again = std::get<PutPosition>(waiting.end()[-2].op).position;
  CHECK(again.last_token == "t0-2\nid:1");
  CHECK(again.reader == "\n0");
}

TEST_CASE("replica: dequeues in slots are known after a restart", "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(0, 30, 1);
  Position reader;
  reader.reader = "id:1";
  reader.offset = Offset{4};
  reader.version = PositionVersion{2};
  reader.last_token = "t1-1";
  reader.last_offset = Offset{3};
  Position slot;
  slot.reader = "\n0";
  slot.version = PositionVersion{1};
  slot.last_token = "t0-1\nid:1";
  slot.last_offset = sent_on_to(PartitionIndex{2});
  log.positions = {reader, slot};
  bench.lead(orders, log);
  const auto where = [&](const std::string& token) {
    FetchPosition fetch{"id:1"};
    fetch.token = token;
    return bench.reply(bench.ask(fetch)).as<FetchPositionReply>().token_partition;
  };
  CHECK(where("t0-1") == PartitionIndex{2});
  CHECK(where("t1-1") == PartitionIndex{0});
  CHECK(where("t2-1") == PartitionIndex{-1});
}

TEST_CASE("slots: only what is older than any repeat gives way to others", "[partition]") {
  PositionTable table;
  DequeueSlots slots({.kept = 2, .most = 4});
  std::uint64_t ticket = 0;
  Micros monotonic{1'000'000'000};
  const auto keep = [&](const std::string& token, std::int64_t offset) {
    auto row = slots.row_for(table, "id:1", {token, Offset{offset}}, monotonic);
    if (!row) return false;
    ++ticket;
    slots.note(table.put(std::move(*row), Ticket{ticket}), monotonic);
    return true;
  };
  const auto known = [&](const std::string& token) {
    return slots.find(table, "id:1", token).has_value();
  };
  for (const std::string token : {"a", "b", "c", "d"}) CHECK(keep(token, 1));
  CHECK_FALSE(keep("e", 9));  // All are young: nothing is forgotten.
  CHECK(known("a"));
  monotonic += limits::dequeue_repeated_within;
  CHECK_FALSE(keep("e", 9));
  monotonic += Micros{1};
  CHECK(keep("e", 9));
  CHECK(table.latest_slots().size() == 4);
  CHECK_FALSE(known("a"));
  CHECK(known("b"));
  CHECK(slots.find(table, "id:2", "b") == std::nullopt);
  // A taker's next one takes its place.
  CHECK(keep("w-1", 10));
  CHECK(keep("w-2", 11));
  CHECK_FALSE(known("w-1"));
  CHECK(known("c"));
  // What was not stored is not known; what it replaced is again.
  table.on_durable(Ticket{ticket - 1});
  table.drop_from(Ticket{ticket});
  slots.forget();
  CHECK(known("w-1"));
  CHECK_FALSE(known("w-2"));
  // Who leads next does not know by which clock they were written: for him all are young.
  monotonic += 24h;
  CHECK_FALSE(keep("z", 20));
  CHECK(known("c"));
  monotonic += limits::dequeue_repeated_within + Micros{1};
  CHECK(keep("z", 20));
}

TEST_CASE("slots: of two of one taker the newer counts, also when the older's is taken again",
          "[partition]") {
  PositionTable table;
  std::uint64_t ticket = 0;
  const auto put = [&](const std::string& slot, const std::string& token, std::int64_t offset) {
    Position row;
    row.reader = slot;
    row.last_token = token + "\nid:1";
    row.last_offset = Offset{offset};
    ++ticket;
    return table.put(std::move(row), Ticket{ticket});
  };
  // As in a copy that has half of a table.
  put("\n0", "w-1", 5);
  put("\n2", "y", 6);
  put("\n1", "w-1", 7);
  DequeueSlots slots({.kept = 3, .most = 3});
  Micros monotonic{1'000'000'000};
  CHECK_FALSE(slots.row_for(table, "id:1", {"x", Offset{8}}, monotonic));
  CHECK(slots.find(table, "id:1", "w-1") == Offset{7});
  monotonic += limits::dequeue_repeated_within + Micros{1};
  const auto row = slots.row_for(table, "id:1", {"x", Offset{8}}, monotonic);
  REQUIRE(row);
  CHECK(row->reader == "\n0");
  slots.note(put("\n0", "x", 8), monotonic);
  CHECK(slots.find(table, "id:1", "w-1") == Offset{7});
  const auto next = slots.row_for(table, "id:1", {"w-2", Offset{9}}, monotonic);
  REQUIRE(next);
  CHECK(next->reader == "\n1");
}

TEST_CASE("slots: a row that is damaged is free", "[partition]") {
  PositionTable table;
  std::uint64_t ticket = 0;
  for (const std::string text : {"a\nid:1", "damaged", "b\nid:1"}) {
    Position row;
    row.reader = "\n" + std::to_string(ticket);
    row.last_token = text;
    ++ticket;
    table.put(std::move(row), Ticket{ticket});
  }
  DequeueSlots slots({.kept = 3, .most = 3});
  const auto row = slots.row_for(table, "id:1", {"c", Offset{1}}, Micros{1'000'000'000});
  REQUIRE(row);
  CHECK(row->reader == "\n1");
}

TEST_CASE("slots: one reader's takers, however many, leave slots for others", "[partition]") {
  PositionTable table;
  DequeueSlots slots({.kept = 2, .most = 6, .most_of_reader = 3});
  std::uint64_t ticket = 0;
  Micros monotonic{1'000'000'000};
  const auto keep = [&](const std::string& reader, const std::string& token) {
    auto row = slots.row_for(table, reader, {token, Offset{1}}, monotonic);
    if (!row) return false;
    ++ticket;
    slots.note(table.put(std::move(*row), Ticket{ticket}), monotonic);
    return true;
  };
  const auto known = [&](const std::string& reader, const std::string& token) {
    return slots.find(table, reader, token).has_value();
  };
  for (const std::string token : {"a", "b", "c"}) CHECK(keep("id:1", token));
  CHECK_FALSE(keep("id:1", "d"));
  CHECK(keep("id:2", "a"));
  monotonic += limits::dequeue_repeated_within + Micros{1};
  CHECK(keep("id:2", "b"));  // In the place of the oldest one of all.
  CHECK_FALSE(known("id:1", "a"));
  CHECK(keep("id:1", "d"));
  CHECK(keep("id:1", "e"));
  CHECK(known("id:2", "b"));
  CHECK(table.latest_slots().size() <= 6);
}

TEST_CASE("replica: a token that was taken again after its reader was forgotten is known as it is",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  for (int i = 0; i < 40; ++i) bench.produce(batch_of({"x"}));
  bench.persist();
  const auto take = [&](const std::string& token) {
    const RequestId request = bench.dequeue("id:1", token);
    bench.persist();
    return bench.reply(request).as<DequeueReply>().offset;
  };
  const auto others_take = [&](const std::string& name, int count) {
    for (int i = 0; i < count; ++i) take(name + std::to_string(i) + "-1");
  };
  others_take("a", 5);
  CHECK(take("w-1") == Offset{5});
  others_take("b", 9);  // It is pushed into a slot.
  bench.commit("id:1", -1);
  bench.persist();
  CHECK(take("w-1") == Offset{0});
  others_take("c", 9);
  CHECK(bench.reply(bench.dequeue("id:1", "w-1")).as<DequeueReply>().offset == Offset{0});
}

TEST_CASE("dequeue tokens: a taker is what stands in front of the last dash and a counter",
          "[partition]") {
  CHECK(taker_of("worker7-41") == "worker7");
  CHECK(taker_of("worker7-17.41") == "worker7");
  CHECK(taker_of("svc-1700000000.123") == "svc");  // All that are called so are one.
  CHECK(taker_of("svc-host3-1700000000.123") == "svc-host3");
  for (const std::string token : {"svc", "svc.123", "svc-", "svc-123x", "svc-1700000000.123x",
                                  "b7e23ec2-9af5-4e19-8d12-0a1c5f3e77d0"}) {
    CHECK(taker_of(token).empty());
  }
}

TEST_CASE("dequeue tokens: a position keeps the newest, and gives up what may be asked for",
          "[partition]") {
  Position position;
  for (int i = 0; i < 8; ++i) {
    CHECK(remember_dequeue(position, "t" + std::to_string(i) + "-1", Offset{i}).empty());
  }
  CHECK(remember_dequeue(position, "t0-2", Offset{8}).empty());  // Pushes out t0-1.
  CHECK_FALSE(find_dequeue(position, "t0-1"));
  const std::vector<KnownDequeue> out = remember_dequeue(position, "t0-3", Offset{9});
  REQUIRE(out.size() == 1);
  CHECK(out[0].token == "t1-1");
  CHECK(out[0].offset == Offset{1});
  CHECK(find_dequeue(position, "t0-2") == Offset{8});
  CHECK(std::count(position.last_token.begin(), position.last_token.end(), '\n') == 7);
}

TEST_CASE("replica: a dequeue brings its record alone, whatever the batch", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"first", "second", "third"}));
  bench.persist();
  bench.dequeue("id:1", "t1");
  const RequestId second = bench.dequeue("id:1", "t2");
  bench.persist();
  const auto& reply = bench.reply(second).as<DequeueReply>();
  CHECK(reply.offset == Offset{1});
  CHECK(reply.batch.base_offset == Offset{1});
  CHECK(reply.batch.record_count == 1);
  const Bytes& payload = bench.reply(second).records.at(0);
  REQUIRE(check_batch(reply.batch, payload.view(), limits::record_bytes_default));
  BatchReader reader(payload.view());
  RecordView view;
  REQUIRE(reader.next(view));
  CHECK(view.value == "second");
  CHECK_FALSE(reader.next(view));
}

TEST_CASE("replica: a dequeue that found nothing is sent on, and its repeats to the same place",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  const auto ask = [&](const std::string& token, int send_on) {
    return bench.ask(Dequeue{"id:1", token, PartitionIndex{send_on}});
  };
  const auto where = [&](const std::string& token) {
    const auto& reply = bench.reply(bench.ask(FetchPosition{"id:1", token}));
    return reply.as<FetchPositionReply>().token_partition.raw();
  };
  const RequestId first = ask("t1", 2);
  const RequestId racing = ask("t1", 1);
  CHECK(bench.reply(first).error() == Errc::timed_out);
  CHECK_FALSE(bench.answered(racing));  // Not before it is durable.
  bench.persist();
  CHECK(bench.reply(racing).error() == Errc::nothing_unread);
  CHECK(where("t1") == 2);
  bench.produce(batch_of({"a"}));
  bench.persist();
  CHECK(bench.reply(ask("t1", -1)).error() == Errc::nothing_unread);
  CHECK(where("t1") == 2);
  CHECK(where("t2") == -1);
  const RequestId next = ask("t2", 2);
  bench.persist();
  CHECK(bench.reply(next).as<DequeueReply>().offset == Offset{0});
  CHECK(where("t2") == 0);
}

}  // namespace pinion::partition::test
