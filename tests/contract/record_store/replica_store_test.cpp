// What a follower asks of a RecordStore: cuts, whole tables, beginning again.
#include "tests/contract/record_store/store_story.hpp"

namespace pinion::test {

TEMPLATE_TEST_CASE("record store: after a cut log time goes on from what is left", STORES) {
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(10))});
  const Micros after_first = story.maker.time;
  story.maker.time += 1h;
  story.apply({story.ticket.append(story.maker.make(10))});
  story.apply({story.ticket.truncate(Offset(10))});
  // Another leader's batch, older than what was cut.
  story.maker.next = Offset(10);
  story.maker.epoch = Epoch(2);
  story.maker.time = after_first + 5us;
  story.apply({story.ticket.epoch(2, Offset(10)), story.ticket.append(story.maker.make(3))});
  story.crash();
  CHECK(story.opened.recovered.log_end == Offset(13));
  CHECK(story.opened.recovered.last_log_time == after_first + 7us);
}

TEMPLATE_TEST_CASE("record store: a table of positions is replaced as a whole", STORES) {
  Story<TestType> story;
  story.apply({story.ticket(PutPosition{position_of("consumer:a", 1, 1)}),
               story.ticket(PutPosition{position_of("consumer:b", 2, 2)})});
  story.apply({story.ticket(ResetPositions{{position_of("consumer:b", 5, 9)}}),
               story.ticket(PutPosition{position_of("consumer:c", 3, 10)})});
  story.crash();
  auto positions = story.opened.recovered.positions;
  std::sort(positions.begin(), positions.end(),
            [](const Position& a, const Position& b) { return a.reader < b.reader; });
  REQUIRE(positions.size() == 2);
  CHECK(positions[0] == position_of("consumer:b", 5, 9));
  CHECK(positions[1] == position_of("consumer:c", 3, 10));
}

TEMPLATE_TEST_CASE("record store: a follower begins again where its leader's log starts", STORES) {
  Story<TestType> story;
  for (int i = 0; i < 5; ++i) story.apply({story.ticket.append(story.maker.make(10))});
  story.apply({story.ticket(PutPosition{position_of("consumer:a", 1, 1)})});
  story.maintain();
  ProducerState producer;
  producer.id = ProducerId(30);
  producer.last_seen = story.maker.time;
  producer.batches.push_back({Sequence(4), 2, Offset(990), story.maker.time});
  story.apply({story.ticket(BeginAt{Offset(1'000), {producer}})});
  CHECK(story.opened.log->log_end() == Offset(1'000));
  story.crash();
  const RecoveredLog& log = story.opened.recovered;
  CHECK(log.log_start == Offset(1'000));
  CHECK(log.log_end == Offset(1'000));
  CHECK(log.high_watermark == Offset(1'000));
  CHECK(log.epochs.empty());
  CHECK(log.bytes == 0);
  CHECK(log.positions.size() == 1);
  REQUIRE(log.producers.size() == 1);
  CHECK(log.producers[0] == producer);
  // It goes on from there, over the rows that are still being deleted.
  story.maker.next = Offset(1'000);
  story.maker.epoch = Epoch(4);
  story.apply({story.ticket.epoch(4, Offset(1'000)), story.ticket.append(story.maker.make(3))});
  for (int i = 0; i < 4; ++i) story.maintain();
  story.restart();
  CHECK(story.opened.recovered.log_start == Offset(1'000));
  CHECK(story.opened.recovered.log_end == Offset(1'003));
  CHECK(story.read_all().size() == 1);
  CHECK_FALSE(story.reader->read(Offset(999), Offset(1'003), 100));
}

TEMPLATE_TEST_CASE("record store: a copy that is given up begins again, empty", STORES) {
  const bool lost = GENERATE(true, false);
  CAPTURE(lost);
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(10))});
  story.apply({story.ticket.append(story.maker.make(300, 200))});
  story.restart();
  story.reader.reset();
  REQUIRE(story.opened.log->close());
  story.forget();
  if (lost) story.harness.lose(story.identity);
  if (!lost) story.harness.damage(story.identity);
  story.store = story.harness.start();
  story.open(IfMissing::begin_again);
  CHECK(story.opened.recovered.log_end == Offset(0));
  CHECK(story.opened.recovered.producers.empty());
  story.maker = {};
  story.apply({story.ticket.epoch(7, Offset(0))});
  story.crash();
  CHECK(story.opened.recovered.epochs.size() == 1);
}

TEMPLATE_TEST_CASE("record store: a copy that is good is kept when it might begin again", STORES) {
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(10))});
  story.reader.reset();
  REQUIRE(story.opened.log->close());
  story.forget();
  story.store = story.harness.start();
  story.open(IfMissing::begin_again);
  CHECK(story.opened.recovered.log_end == Offset(10));
}

TEMPLATE_TEST_CASE("record store: a replica that was moved away is deleted, and may come back",
                   STORES) {
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(10))});
  story.reader.reset();
  REQUIRE(story.opened.log->close());
  story.opened = {};
  REQUIRE(story.store->remove_replica(story.identity.key));
  REQUIRE(story.store->remove_replica(story.identity.key));
  CHECK_FALSE(story.store->open(story.identity, IfMissing::fail));
  story.open(IfMissing::create);
  CHECK(story.opened.recovered.log_end == Offset(0));
}

}  // namespace pinion::test
