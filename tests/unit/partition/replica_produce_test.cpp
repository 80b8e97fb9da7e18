#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

namespace pinion::partition::test {

TEST_CASE("replica: an acknowledgement waits until its batch is durable", "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId request = bench.produce(batch_of({"a", "b"}));
  CHECK_FALSE(bench.answered(request));
  CHECK(bench.appends_waiting() == 1);
  CHECK(bench.view().high_watermark == Offset{0});
  bench.persist();
  const auto& reply = bench.reply(request);
  CHECK(reply.error() == Errc::ok);
  CHECK(reply.header.leader_epoch == Epoch{1});
  CHECK(reply.as<ProduceReply>().base_offset == Offset{0});
  CHECK(bench.view().high_watermark == Offset{2});
}

TEST_CASE("replica: acks=leader waits for the disk as well, acks=none for nothing", "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId leader = bench.produce(batch_of({"a"}), Acks::leader);
  const RequestId none = bench.produce(batch_of({"b"}), Acks::none);
  CHECK_FALSE(bench.answered(leader));
  CHECK(bench.reply(none).as<ProduceReply>().base_offset == offset_unassigned);
  bench.persist();
  CHECK(bench.reply(leader).as<ProduceReply>().base_offset == Offset{0});
  CHECK(bench.view().high_watermark == Offset{2});
}

TEST_CASE("replica: only what was persisted is acknowledged, in order", "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId first = bench.produce(batch_of({"a"}));
  const RequestId second = bench.produce(batch_of({"b"}));
  bench.persist_one();  // The epoch's start.
  CHECK_FALSE(bench.answered(first));
  bench.persist_one();
  CHECK(bench.answered(first));
  CHECK_FALSE(bench.answered(second));
  CHECK(bench.view().high_watermark == Offset{1});
}

TEST_CASE("replica: an epoch begins with its first batch, in the same order", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 5, 1));
  bench.assign({orders}, 2);
  CHECK(bench.waiting().empty());
  bench.produce(batch_of({"a"}));
  const auto persists = bench.waiting();
  REQUIRE(persists.size() >= 2);
  CHECK(std::get<StartEpoch>(persists[0].op).start == EpochStart{Epoch{2}, Offset{5}});
  const auto& batch = std::get<AppendBatch>(persists[1].op).batch.header;
  CHECK(batch.leader_epoch == Epoch{2});
  CHECK(batch.base_offset == Offset{5});
  bench.persist();
  bench.produce(batch_of({"b"}));
  CHECK(bench.waiting().size() == 1);  // The epoch has begun.
}

TEST_CASE("replica: log times strictly increase, whatever the clock does", "[partition]") {
  NodeBench bench;
  bench.lead();
  const auto append_time = [&](const Batch& batch) {
    const RequestId request = bench.produce(batch);
    bench.persist();
    return bench.reply(request).as<ProduceReply>().append_time;
  };
  const Micros first = append_time(batch_of({"a", "b", "c"}));
  CHECK(first == bench.now.wall);
  CHECK(append_time(batch_of({"d"})) == first + Micros{3});
  bench.now.wall = Micros{10};
  CHECK(append_time(batch_of({"e"})) == first + Micros{4});
}

TEST_CASE("replica: log times go on after what the file holds", "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(0, 4, 1);
  log.last_log_time = bench.now.wall + Micros{50};
  bench.lead(orders, log);
  const RequestId request = bench.produce(batch_of({"a"}));
  bench.persist();
  CHECK(bench.reply(request).as<ProduceReply>().append_time == log.last_log_time + Micros{1});
}

TEST_CASE("replica: a batch that is not what it says is refused and not stored", "[partition]") {
  NodeBench bench;
  bench.lead();
  Batch batch = batch_of({"a", "b"});
  SECTION("another checksum") {
    batch.header.crc ^= 1;
    CHECK(bench.reply(bench.produce(batch)).error() == Errc::corrupt_record);
  }
  SECTION("another number of records") {
    batch.header.record_count = 3;
    CHECK(bench.reply(bench.produce(batch)).error() == Errc::malformed);
  }
  CHECK(bench.waiting().empty());
}

TEST_CASE("replica: a repeated batch is answered with its original's offsets", "[partition]") {
  NodeBench bench;
  bench.lead();
  for (int i = 0; i < 5; ++i) bench.produce(from_producer(batch_of({"x"}), 42, i));
  bench.persist();
  for (int i = 0; i < 5; ++i) {
    const RequestId repeat = bench.produce(from_producer(batch_of({"x"}), 42, i));
    REQUIRE(bench.reply(repeat).error() == Errc::ok);
    CHECK(bench.reply(repeat).as<ProduceReply>().base_offset == Offset{i});
  }
  CHECK(bench.waiting().empty());
  CHECK(bench.view().log_end == Offset{5});
}

TEST_CASE("replica: a duplicate of a batch in flight is answered with it, never earlier",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId original = bench.produce(from_producer(batch_of({"a"}), 42, 0));
  const RequestId duplicate = bench.produce(from_producer(batch_of({"a"}), 42, 0));
  CHECK(bench.appends_waiting() == 1);
  CHECK_FALSE(bench.answered(duplicate));
  // Nobody waits for the earlier attempt any more; it is told what is true of it.
  CHECK(bench.reply(original).error() == Errc::timed_out);
  CHECK(bench.node.view().requests_open == 1);
  bench.persist();
  CHECK(bench.reply(duplicate).as<ProduceReply>().base_offset == Offset{0});
}

TEST_CASE("replica: a duplicate of what failed with its original fails too", "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId original = bench.produce(from_producer(batch_of({"a"}), 42, 0));
  const RequestId duplicate = bench.produce(from_producer(batch_of({"a"}), 42, 0));
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.reply(original).error() == Errc::timed_out);
  CHECK(bench.reply(duplicate).error() == Errc::storage_full);
}

TEST_CASE("replica: a batch older than what is remembered is known to be in the log",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  for (int i = 0; i < 6; ++i) bench.produce(from_producer(batch_of({"x"}), 42, i));
  bench.persist();
  const RequestId old = bench.produce(from_producer(batch_of({"x"}), 42, 0));
  CHECK(bench.reply(old).error() == Errc::duplicate_sequence);
  CHECK(bench.view().log_end == Offset{6});
}

TEST_CASE("replica: a gap in a producer's sequence is refused", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(from_producer(batch_of({"a", "b"}), 42, 0));
  const RequestId gap = bench.produce(from_producer(batch_of({"c"}), 42, 3));
  CHECK(bench.reply(gap).error() == Errc::out_of_order_sequence);
  const RequestId overlap = bench.produce(from_producer(batch_of({"c"}), 42, 1));
  CHECK(bench.reply(overlap).error() == Errc::out_of_order_sequence);
  const RequestId next = bench.produce(from_producer(batch_of({"c"}), 42, 2));
  bench.persist();
  CHECK(bench.reply(next).as<ProduceReply>().base_offset == Offset{2});
}

TEST_CASE("replica: an unknown producer and a new producer epoch begin at sequence 0",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  CHECK(bench.reply(bench.produce(from_producer(batch_of({"a"}), 42, 7))).error() ==
        Errc::out_of_order_sequence);
  bench.produce(from_producer(batch_of({"a"}), 42, 0));
  CHECK(bench.reply(bench.produce(from_producer(batch_of({"b"}), 42, 1, 1))).error() ==
        Errc::out_of_order_sequence);
  const RequestId renewed = bench.produce(from_producer(batch_of({"b"}), 42, 0, 1));
  const RequestId old = bench.produce(from_producer(batch_of({"c"}), 42, 1, 0));
  CHECK(bench.reply(old).error() == Errc::fenced_producer);
  bench.persist();
  CHECK(bench.reply(renewed).as<ProduceReply>().base_offset == Offset{1});
}

TEST_CASE("replica: what producers sent before a restart is still recognised", "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(0, 10, 1);
  ProducerState producer;
  producer.id = ProducerId{42};
  producer.epoch = ProducerEpoch{2};
  producer.batches = {{Sequence{4}, 2, Offset{6}, Micros{900}},
                      {Sequence{6}, 1, Offset{9}, Micros{950}}};
  producer.last_seen = Micros{950};
  log.producers = {producer};
  bench.lead(orders, log);
  const RequestId repeat = bench.produce(from_producer(batch_of({"a", "b"}), 42, 4, 2));
  CHECK(bench.reply(repeat).as<ProduceReply>().base_offset == Offset{6});
  CHECK(bench.reply(repeat).as<ProduceReply>().append_time == Micros{900});
  const RequestId next = bench.produce(from_producer(batch_of({"c"}), 42, 7, 2));
  bench.persist();
  CHECK(bench.reply(next).as<ProduceReply>().base_offset == Offset{10});
}

TEST_CASE("replica: producer 0 is not idempotent", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(batch_of({"a"}));
  bench.produce(batch_of({"a"}));
  CHECK(bench.appends_waiting() == 2);
  CHECK(bench.view().producers == 0);
}

TEST_CASE("replica: a request of another epoch is fenced and told the right one", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.assign({orders}, 4);
  const RequestId old = bench.produce(batch_of({"a"}), Acks::all, {.epoch = Epoch{3}});
  CHECK(bench.reply(old).error() == Errc::fenced_epoch);
  CHECK(bench.reply(old).header.leader_epoch == Epoch{4});
  const RequestId newer = bench.produce(batch_of({"a"}), Acks::all, {.epoch = Epoch{5}});
  CHECK(bench.reply(newer).error() == Errc::fenced_epoch);
  const RequestId any = bench.produce(batch_of({"a"}));
  bench.persist();
  CHECK(bench.reply(any).error() == Errc::ok);
}

TEST_CASE("replica: the high watermark is noted with a commit, about once a second",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  const auto notes = [&] {
    std::size_t count = 0;
    for (const Persist& persist : bench.waiting()) {
      if (std::holds_alternative<NoteHighWatermark>(persist.op)) ++count;
    }
    return count;
  };
  bench.produce(batch_of({"a"}));
  CHECK(notes() == 0);
  bench.persist();
  bench.pass(1s);
  CHECK(notes() == 1);  // After a second of idleness.
  bench.persist();
  bench.pass(10s);
  CHECK(notes() == 0);
  bench.produce(batch_of({"b"}));
  bench.produce(batch_of({"c"}));
  CHECK(notes() == 1);
  bench.persist();
  CHECK(bench.node.next_deadline() > bench.now.monotonic);
}

}  // namespace pinion::partition::test
