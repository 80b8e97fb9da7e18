#include "tests/unit/client/session_fixture.hpp"

using namespace pinion;
using namespace pinion::client;

TEST_CASE("producer: a batch leaves at once with the producer's id, epoch 0 and sequence 0",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  const BatchNumber number = f.send({"a", "b"});
  auto message = f.take<Produce>();
  REQUIRE(message);
  const auto& produce = std::get<Produce>(message->body);
  CHECK(produce.acks == Acks::all);
  CHECK(produce.batch.producer_id == ProducerId(77));
  CHECK(produce.batch.record_count == 2);
  CHECK(produce.batch.base_sequence == Sequence(0));
  CHECK(message->header.topic == orders_id);
  CHECK(message->header.leader_epoch == Epoch(1));
  REQUIRE(message->records.size() == 1);
  CHECK(check_batch(produce.batch, message->records[0].view(), 1000));
  f.acknowledge(*message, 40);
  const auto done = f.take_done();
  REQUIRE(done);
  CHECK(done->number == number);
  CHECK(done->outcome == Outcome::acknowledged);
  CHECK(done->base_offset == Offset(40));
  CHECK(done->append_time == Micros(5'040));
}

TEST_CASE("producer: nothing leaves before the producer has its id", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(OpenProducer{producer_1, Acks::all, true});
  f.send({"a"});
  CHECK(f.count<Produce>() == 0);
  auto request = f.take<AllocateProducerIds>();
  REQUIRE(request);
  f.refuse(*request, Errc::throttled);
  f.pass(20ms);
  request = f.take<AllocateProducerIds>();
  REQUIRE(request);
  f.answer(*request, AllocateProducerIdsReply{ProducerId(5), 1});
  CHECK(f.count<Produce>() == 1);
}

TEST_CASE("producer: one that is not idempotent needs no id and has no sequences", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer(Acks::leader, false);
  f.send({"a"});
  f.send({"b"});
  for (int i = 0; i < 2; ++i) {
    const Message message = f.take_produce(0, 0);
    CHECK(std::get<Produce>(message.body).batch.producer_id == producer_none);
  }
}

TEST_CASE("producer: at most five batches of a partition are on their way", "[client]") {
  SessionFixture f;
  f.connect(2);
  f.open_producer();
  for (int i = 0; i < 8; ++i) f.send({"a", "b", "c"});
  CHECK(f.count<Produce>() == 5);
  f.send({"other"}, 1);
  CHECK(f.count<Produce>() == 6);  // The limit is a partition's.
  for (int i = 0; i < 5; ++i) f.acknowledge(f.take_produce(0, 3 * i), 3 * i);
  // Each acknowledgement let the next one go; the other partition's is among those taken last.
  CHECK(f.done.size() == 5);
  CHECK(f.count<Produce>() == 4);
}

TEST_CASE("producer: reports keep the order of the sends, whatever order answers come in",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  for (int i = 0; i < 3; ++i) f.send({"x"});
  const Message a = f.take_produce(0, 0);
  const Message b = f.take_produce(0, 1);
  const Message c = f.take_produce(0, 2);
  f.acknowledge(c, 2);
  f.acknowledge(b, 1);
  CHECK(f.done.empty());
  f.acknowledge(a, 0);
  REQUIRE(f.done.size() == 3);
  for (std::int64_t i = 0; i < 3; ++i) {
    CHECK(f.done[static_cast<std::size_t>(i)].base_offset == Offset(i));
  }
}

TEST_CASE("producer: a refused batch is sent again after a pause, under its sequence", "[client]") {
  const Errc code = GENERATE(Errc::throttled, Errc::storage_full, Errc::corrupt_record,
                             Errc::partition_offline, Errc::storage_failed, Errc::timed_out,
                             Errc::not_enough_replicas, Errc::shutting_down);
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.refuse(f.take_produce(0, 0), code);
  CHECK(f.count<Produce>() == 0);
  f.pass(10ms);
  f.acknowledge(f.take_produce(0, 0), 9);
  REQUIRE(f.done.size() == 1);
  CHECK(f.done[0].outcome == Outcome::acknowledged);
}

TEST_CASE("producer: pauses between tries grow, up to a bound", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"}, 0, 600s);
  int tries = 0;
  for (Micros t{0}; t < 60s; t += 10ms) {
    while (auto message = f.take<Produce>()) {
      ++tries;
      f.refuse(*message, Errc::storage_full);
    }
    f.pass(10ms);
  }
  CHECK(tries > 100);  // 60 s / 0.5 s
  CHECK(tries < 260);  // 60 s / 0.25 s and the short ones at the start
}

TEST_CASE("producer: a batch without an answer is sent again, under its sequence", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  const Message lost = f.take_produce(0, 0);
  f.pass(3'100ms);
  const Message again = f.take_produce(0, 0);
  CHECK(again.header.request_id != lost.header.request_id);
  CHECK(again.records[0] == lost.records[0]);
  f.acknowledge(lost, 5);  // Too late for the first attempt: nobody waits for it any more.
  CHECK(f.done.empty());
  f.acknowledge(again, 5);
  CHECK(f.done.size() == 1);
}

TEST_CASE("producer: an answer that a later one has overtaken is not waited for much longer",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.send({"b"});
  static_cast<void>(f.take_produce(0, 0));  // Its answer is lost.
  f.acknowledge(f.take_produce(0, 1), 1);
  f.pass(10ms);
  CHECK(f.count<Produce>() == 0);
  f.pass(20ms);
  f.acknowledge(f.take_produce(0, 0), 0);
  CHECK(f.done.size() == 2);
}

TEST_CASE("producer: after a reconnect everything in flight is sent again, in order", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  for (int i = 0; i < 7; ++i) f.send({"x", "y"});
  f.sent.clear();
  f.say_hello();
  f.answer_hello();
  for (int i = 0; i < 5; ++i) static_cast<void>(f.take_produce(0, 2 * i));
  CHECK(f.count<Produce>() == 0);
}

TEST_CASE("producer: when the leader moves, what was in flight is sent again at once", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.send({"b"});
  f.sent.clear();
  f.move_leader(0, Epoch(2));
  const Message again = f.take_produce(0, 0);
  CHECK(again.header.leader_epoch == Epoch(2));
  static_cast<void>(f.take_produce(0, 1));
}

TEST_CASE("producer: a metadata push that moves nothing sends nothing again", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.sent.clear();
  f.move_leader(0, Epoch(1));
  CHECK(f.count<Produce>() == 0);
}

TEST_CASE("producer: fenced_epoch with a newer epoch is obeyed at once", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.refuse(f.take_produce(0, 0), Errc::fenced_epoch, {}, Epoch(4));
  const Message again = f.take_produce(0, 0);
  CHECK(again.header.leader_epoch == Epoch(4));
  // The same once more is no news: it waits.
  f.refuse(again, Errc::fenced_epoch, {}, Epoch(4));
  CHECK(f.count<Produce>() == 0);
  f.pass(30ms);
  CHECK(f.count<MetadataRequest>() == 1);
}

TEST_CASE("producer: a gap that an earlier batch left waits for that one", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.send({"b"});
  f.send({"c"});
  const Message a = f.take_produce(0, 0);  // Lost on its way.
  f.refuse(f.take_produce(0, 1), Errc::out_of_order_sequence);
  f.refuse(f.take_produce(0, 2), Errc::out_of_order_sequence);
  CHECK(f.count<Produce>() == 0);
  f.pass(30ms);  // Far sooner than the usual wait for an answer.
  f.acknowledge(f.take_produce(0, 0), 0);
  f.acknowledge(f.take_produce(0, 1), 1);
  f.acknowledge(f.take_produce(0, 2), 2);
  CHECK(f.done.size() == 3);
}

TEST_CASE("producer: a batch that waited for an earlier one goes when that is acknowledged",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.send({"b"});
  const Message a = f.take_produce(0, 0);
  f.refuse(f.take_produce(0, 1), Errc::out_of_order_sequence);  // It was overtaken, not lost.
  f.acknowledge(a, 0);
  f.acknowledge(f.take_produce(0, 1), 1);
  CHECK(f.done.size() == 2);
}

TEST_CASE("producer: nothing new leaves behind a batch that must be sent again", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.refuse(f.take_produce(0, 0), Errc::throttled);
  f.send({"b"});
  CHECK(f.count<Produce>() == 0);
  f.pass(10ms);
  static_cast<void>(f.take_produce(0, 0));
  static_cast<void>(f.take_produce(0, 1));
}

TEST_CASE("producer: a leader that has forgotten the producer gets it anew from sequence 0",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a", "b"});
  f.acknowledge(f.take_produce(0, 0), 0);
  f.send({"c"});
  f.send({"d"});
  const Message c = f.take_produce(0, 2);
  static_cast<void>(f.take_produce(0, 3));
  f.refuse(c, Errc::out_of_order_sequence);
  f.acknowledge(f.take_produce(1, 0), 2);
  f.acknowledge(f.take_produce(1, 1), 3);
  CHECK(f.done.size() == 3);
  for (const BatchDone& done : f.done) CHECK(done.outcome == Outcome::acknowledged);
}

TEST_CASE("producer: forgotten while an attempt's fate is unknown, it must say so", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.pass(3'100ms);  // The first attempt may have been carried out.
  f.sent.pop_front();
  f.refuse(f.take_produce(0, 0), Errc::out_of_order_sequence);
  const auto done = f.take_done();
  REQUIRE(done);
  CHECK(done->outcome == Outcome::unknown);
  f.send({"b"});
  static_cast<void>(f.take_produce(1, 0));
}

TEST_CASE("producer: a retry that is recognised too late to say where counts as acknowledged",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.refuse(f.take_produce(0, 0), Errc::duplicate_sequence);
  const auto done = f.take_done();
  REQUIRE(done);
  CHECK(done->outcome == Outcome::acknowledged);
  CHECK(done->base_offset == offset_unassigned);
}

TEST_CASE("producer: a final refusal fails the batch, and those behind it are renumbered",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.send({"too large"});
  f.send({"c"});
  f.send({"d", "e"});
  const Message a = f.take_produce(0, 0);
  f.refuse(f.take_produce(0, 1), Errc::record_too_large);
  f.refuse(f.take_produce(0, 2), Errc::out_of_order_sequence);
  f.refuse(f.take_produce(0, 3), Errc::out_of_order_sequence);
  CHECK(f.done.empty());  // Reports keep their order.
  f.acknowledge(a, 0);
  REQUIRE(f.done.size() == 2);
  CHECK(f.done[1].outcome == Outcome::failed);
  CHECK(f.done[1].error.code == Errc::record_too_large);
  f.acknowledge(f.take_produce(1, 0), 1);
  f.acknowledge(f.take_produce(1, 1), 2);
  CHECK(f.done.size() == 4);
}

TEST_CASE("producer: a final refusal of a batch that may be in the log is unknown, not failed",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.refuse(f.take_produce(0, 0), Errc::storage_failed);  // Nobody knows.
  f.pass(10ms);
  f.refuse(f.take_produce(0, 0), Errc::unknown_topic);
  const auto done = f.take_done();
  REQUIRE(done);
  CHECK(done->outcome == Outcome::unknown);
  CHECK(done->error.code == Errc::unknown_topic);
}

TEST_CASE("producer: a batch that never left fails at its deadline", "[client]") {
  SessionFixture f;
  f.tick();
  f.step(OpenProducer{producer_1, Acks::all, true});
  f.send({"a"}, 0, 2s);
  f.pass(1'900ms);
  CHECK(f.done.empty());
  f.pass(200ms);
  const auto done = f.take_done();
  REQUIRE(done);
  CHECK(done->outcome == Outcome::failed);
  CHECK(done->error.code == Errc::timed_out);
  CHECK(done->error.detail.find("is pinion-broker running?") != std::string::npos);
}

TEST_CASE("producer: a batch that left is unknown at its deadline, and a new epoch begins",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"}, 0, 2s);
  static_cast<void>(f.take_produce(0, 0));
  f.pass(2'100ms);
  const auto done = f.take_done();
  REQUIRE(done);
  CHECK(done->outcome == Outcome::unknown);
  CHECK(done->error.code == Errc::timed_out);
  f.send({"b"});
  static_cast<void>(f.take_produce(1, 0));
  CHECK(f.session.counters().epochs_taken == 1);
}

TEST_CASE("producer: behind an unknown batch, those in doubt end with it and the rest goes on",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"}, 0, 2s);
  f.send({"b"}, 0, 20s);  // On its way too: it may be in the log behind a.
  f.send({"c"}, 0, 20s);
  f.sent.pop_front();
  f.sent.pop_front();
  const Message c = f.take_produce(0, 2);
  f.pass(1'999ms);
  f.refuse(c, Errc::throttled);  // Certainly not in the log.
  f.pass(1ms);
  REQUIRE(f.done.size() == 2);
  CHECK(f.done[0].outcome == Outcome::unknown);
  CHECK(f.done[1].outcome == Outcome::unknown);
  f.pass(10ms);
  f.acknowledge(f.take_produce(1, 0), 8);
  REQUIRE(f.done.size() == 3);
  CHECK(f.done[2].outcome == Outcome::acknowledged);
}

TEST_CASE("producer: a later batch's acknowledgement proves an unanswered earlier one",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"}, 0, 2s);
  f.send({"b"}, 0, 2s);
  static_cast<void>(f.take_produce(0, 0));  // No attempt of it is ever answered.
  f.acknowledge(f.take_produce(0, 1), 1);
  f.pass(2'100ms);
  REQUIRE(f.done.size() == 2);
  CHECK(f.done[0].outcome == Outcome::acknowledged);
  CHECK(f.done[0].base_offset == offset_unassigned);
  CHECK(f.done[1].base_offset == Offset(1));
  CHECK(f.session.counters().epochs_taken == 0);
}

TEST_CASE("producer: two failures in a row never renumber what is already in a newer epoch",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  f.send({"b"});
  f.send({"bad"});
  f.send({"d"});
  const Message a = f.take_produce(0, 0);
  const Message b = f.take_produce(0, 1);
  f.refuse(f.take_produce(0, 2), Errc::invalid_argument);
  f.refuse(f.take_produce(0, 3), Errc::out_of_order_sequence);
  f.refuse(a, Errc::record_too_large);
  // b and d go on in epoch 1; "bad" waits for its report between them.
  const Message b1 = f.take_produce(1, 0);
  const Message d1 = f.take_produce(1, 1);
  f.acknowledge(b1, 0);
  REQUIRE(f.done.size() == 3);
  CHECK(f.done[2].error.code == Errc::invalid_argument);
  CHECK(f.count<Produce>() == 0);  // d is on its way: it must not be sent in yet another epoch.
  f.acknowledge(d1, 1);
  CHECK(f.done.size() == 4);
}

TEST_CASE("producer: closing reports what is open: unknown when it left, else failed", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  for (int i = 0; i < 6; ++i) f.send({"x"});
  f.step(CloseProducer{producer_1});
  REQUIRE(f.done.size() == 6);
  for (std::size_t i = 0; i < 5; ++i) CHECK(f.done[i].outcome == Outcome::unknown);
  CHECK(f.done[5].outcome == Outcome::failed);
}

TEST_CASE("producer: credit is not exceeded, and waiting partitions take turns", "[client]") {
  SessionFixture f;
  f.credit_requests = 3;
  f.connect(4);
  f.open_producer();
  for (int partition = 0; partition < 4; ++partition) {
    f.send({"x"}, partition);
    f.send({"y"}, partition);
  }
  CHECK(f.count<Produce>() == 3);
  std::vector<std::int32_t> order;
  std::int64_t offset = 0;
  while (auto message = f.take<Produce>()) {
    order.push_back(message->header.partition.raw());
    f.acknowledge(*message, ++offset);
    CHECK(f.count<Produce>() <= 3);
  }
  CHECK(f.done.size() == 8);
  CHECK(order[3] != order[4]);
}

TEST_CASE("producer: one record larger than the credit still passes alone", "[client]") {
  SessionFixture f;
  f.credit_bytes = 200 * 1024;
  f.connect();
  f.open_producer();
  f.send({std::string(300'000, 'x')});
  f.send({"small"});
  CHECK(f.count<Produce>() == 1);
  f.acknowledge(f.take_produce(0, 0), 0);
  CHECK(f.count<Produce>() == 1);
}

TEST_CASE("producer: an open batch is worth taking when the window has room for it", "[client]") {
  SessionFixture f;
  f.tick();
  f.step(OpenProducer{producer_1, Acks::all, true});
  CHECK_FALSE(f.session.batch_worth_sending(producer_1, orders()));  // Not connected.
  f.answer_hello();
  auto request = f.take<AllocateProducerIds>();
  REQUIRE(request);
  f.answer(*request, AllocateProducerIdsReply{ProducerId(77), 1});
  CHECK(f.session.batch_worth_sending(producer_1, orders()) == std::size_t{0});
  f.send({"a"});
  CHECK(f.session.batch_worth_sending(producer_1, orders()) == std::size_t{0});
  f.send({"b"});  // Two small ones are on their way: the third must be worth a message.
  CHECK(f.session.batch_worth_sending(producer_1, orders()) == limits::producer_sizeable_bytes);
  for (int i = 0; i < 3; ++i) f.send({"c"});
  CHECK_FALSE(f.session.batch_worth_sending(producer_1, orders()));  // Five: the window is full.
  const Message first = f.take_produce(0, 0);
  f.refuse(first, Errc::throttled);
  CHECK_FALSE(f.session.batch_worth_sending(producer_1, orders()));
}
