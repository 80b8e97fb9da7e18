// What every RecordStore promises, for the one on disk and the one in memory alike.
#include "tests/contract/record_store/store_story.hpp"

namespace pinion::test {

TEMPLATE_TEST_CASE("record store: a new log is empty", STORES) {
  Story<TestType> story;
  const RecoveredLog& log = story.opened.recovered;
  CHECK(log.log_start == Offset(0));
  CHECK(log.log_end == Offset(0));
  CHECK(log.high_watermark == Offset(0));
  CHECK(log.epochs.empty());
  CHECK(log.producers.empty());
  CHECK(log.bytes == 0);
}

TEMPLATE_TEST_CASE("record store: batches come back byte for byte, also after a crash", STORES) {
  Story<TestType> story;
  Prng prng(11);
  std::vector<Batch> sent;
  for (int commit = 0; commit < 8; ++commit) {
    std::vector<Persist> group;
    for (int i = 0; i < 5; ++i) {
      sent.push_back(story.maker.make_random(prng, 40, 300));
      group.push_back(story.ticket.append(sent.back()));
    }
    story.apply(group);
    CHECK(story.opened.log->log_end() == story.maker.next);
  }
  CHECK(same(story.read_all(), sent));
  story.crash();
  CHECK(story.opened.recovered.log_end == story.maker.next);
  CHECK(story.opened.recovered.last_log_time == story.maker.time - Micros(1));
  CHECK(same(story.read_all(), sent));
  story.restart();
  CHECK(story.opened.recovered.clean);
  CHECK(same(story.read_all(), sent));
}

TEMPLATE_TEST_CASE("record store: a group is applied as a whole and in its order", STORES) {
  Story<TestType> story;
  std::vector<Persist> group;
  group.push_back(story.ticket.append(story.maker.make(3)));
  group.push_back(story.ticket.epoch(4, Offset(3)));
  story.maker.epoch = Epoch(4);
  group.push_back(story.ticket.append(story.maker.make(2)));
  group.push_back(story.ticket(PutPosition{position_of("consumer:a", 2, 1)}));
  group.push_back(story.ticket(PutPosition{position_of("consumer:a", 4, 2)}));
  group.push_back(story.ticket.high_watermark(Offset(3)));
  story.apply(group);
  story.crash();
  const RecoveredLog& log = story.opened.recovered;
  CHECK(log.log_end == Offset(5));
  CHECK(log.epochs == std::vector<EpochStart>{{Epoch(1), Offset(0)}, {Epoch(4), Offset(3)}});
  REQUIRE(log.positions.size() == 1);
  CHECK(log.positions[0] == position_of("consumer:a", 4, 2));
  CHECK(log.high_watermark <= Offset(3));
}

TEMPLATE_TEST_CASE("record store: a noted high watermark is written after a quiet second", STORES) {
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(3))});
  story.maintain();
  story.apply({story.ticket.high_watermark(Offset(3))});
  story.maintain();
  story.maintain();
  story.crash();
  CHECK(story.opened.recovered.high_watermark == Offset(3));
}

TEMPLATE_TEST_CASE("record store: close keeps everything, and says so", STORES) {
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(4)),
               story.ticket(PutPosition{position_of("consumer:b", 1, 9)})});
  story.apply({story.ticket.high_watermark(Offset(4))});
  story.restart();
  CHECK(story.opened.recovered.clean);
  CHECK(story.opened.recovered.high_watermark == Offset(4));
  CHECK(story.opened.recovered.positions == std::vector{position_of("consumer:b", 1, 9)});
  story.apply({story.ticket.append(story.maker.make(1))});
  story.crash();
  CHECK_FALSE(story.opened.recovered.clean);
  CHECK(story.opened.recovered.log_end == Offset(5));
}

TEMPLATE_TEST_CASE("record store: reading gives whole batches within its bounds", STORES) {
  Story<TestType> story;
  std::vector<Batch> sent;
  for (int i = 0; i < 4; ++i) {
    sent.push_back(story.maker.make(10, 100));
    story.apply({story.ticket.append(sent.back())});
  }
  PartitionReader& reader = *story.reader;
  const Offset end(40);
  // From the middle of a batch: the whole batch.
  auto batches = reader.read(Offset(15), end, 1);
  REQUIRE(batches);
  REQUIRE(batches->size() == 1);
  CHECK((*batches)[0].header == sent[1].header);
  // As many as fit.
  batches = reader.read(Offset(0), end, 3 * sent[0].payload.size());
  REQUIRE(batches);
  CHECK(same(*batches, {sent[0], sent[1], sent[2]}));
  // Not past the end that was given.
  batches = reader.read(Offset(0), Offset(20), 1 << 20);
  REQUIRE(batches);
  CHECK(same(*batches, {sent[0], sent[1]}));
  batches = reader.read(end, end, 1 << 20);
  REQUIRE(batches);
  CHECK(batches->empty());
  const auto beyond = reader.read(Offset(41), Offset(50), 1 << 20);
  REQUIRE_FALSE(beyond);
  CHECK(beyond.error().code == Errc::offset_out_of_range);
}

TEMPLATE_TEST_CASE("record store: a time is found by log time, batch's time plus place", STORES) {
  Story<TestType> story;
  CHECK(*story.reader->find_time(Micros(5), Offset(0)) == Offset(0));
  story.maker.time = Micros(1000);
  story.apply({story.ticket.append(story.maker.make(10))});  // 1000 to 1009
  story.maker.time = Micros(5000);
  story.apply({story.ticket.append(story.maker.make(1))});   // 5000
  story.apply({story.ticket.append(story.maker.make(20))});  // 5001 to 5020
  const auto find = [&](std::int64_t time, std::int64_t end = 31) {
    const auto found = story.reader->find_time(Micros(time), Offset(end));
    REQUIRE(found);
    return found->raw();
  };
  CHECK(find(0) == 0);
  CHECK(find(1000) == 0);
  CHECK(find(1004) == 4);
  CHECK(find(1009) == 9);
  CHECK(find(1010) == 10);
  CHECK(find(5000) == 10);
  CHECK(find(5001) == 11);
  CHECK(find(5020) == 30);
  CHECK(find(5021) == 31);
  CHECK(find(5020, 20) == 20);
  CHECK(find(9999, 1000) == 1000);
}

TEMPLATE_TEST_CASE("record store: retention finds whole batches by age and by size", STORES) {
  Story<TestType> story;
  std::size_t size = 0;
  for (int i = 0; i < 5; ++i) {
    story.maker.time = Micros(1000 * (i + 1));
    const Batch batch = story.maker.make(10, 50);
    size = batch.payload.size();
    story.apply({story.ticket.append(batch)});
  }
  const auto find = [&](std::int64_t before, std::int64_t bytes_kept, std::int64_t end) {
    const auto found = story.reader->find_retention(Micros(before), bytes_kept, Offset(end));
    REQUIRE(found);
    return found->raw();
  };
  const auto kept = static_cast<std::int64_t>(2 * size);
  CHECK(find(-1, -1, 50) == 0);
  CHECK(find(1009, -1, 50) == 0);  // The last record of the first batch is not older yet.
  CHECK(find(1010, -1, 50) == 10);
  CHECK(find(100'000, -1, 50) == 50);
  CHECK(find(100'000, -1, 35) == 30);
  CHECK(find(-1, kept, 50) == 30);
  CHECK(find(-1, kept - 1, 50) == 40);
  CHECK(find(2010, kept, 50) == 30);
  CHECK(find(-1, 0, 20) == 20);
}

TEMPLATE_TEST_CASE("record store: retention drops the oldest batches and nothing else", STORES) {
  Story<TestType> story;
  std::vector<Batch> sent;
  for (int i = 0; i < 30; ++i) {
    sent.push_back(story.maker.make(100, 20));
    story.apply({story.ticket.append(sent.back())});
  }
  story.apply({story.ticket.high_watermark(Offset(3000))});
  story.apply({story.ticket.drop_before(Offset(2500))});
  const auto check = [&] {
    const auto gone = story.reader->read(Offset(2499), Offset(3000), 1);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == Errc::offset_out_of_range);
    auto rest = story.reader->read(Offset(2500), Offset(3000), 1 << 20);
    REQUIRE(rest);
    CHECK(same(*rest, {sent.begin() + 25, sent.end()}));
    CHECK(*story.reader->find_time(Micros(0), Offset(3000)) == Offset(2500));
  };
  check();
  CHECK(story.opened.log->sizes().payload_bytes == 5 * sent[0].payload.size());
  story.crash();
  CHECK(story.opened.recovered.log_start == Offset(2500));
  CHECK(story.opened.recovered.log_end == Offset(3000));
  CHECK(story.opened.recovered.bytes == 5 * sent[0].payload.size());
  check();
  for (int i = 0; i < 10; ++i) story.maintain();
  check();
  // Everything: the log goes on where it was, in offsets and in time.
  story.apply({story.ticket.drop_before(Offset(3000))});
  story.crash();
  CHECK(story.opened.recovered.log_start == Offset(3000));
  CHECK(story.opened.recovered.log_end == Offset(3000));
  CHECK(story.opened.recovered.last_log_time == story.maker.time - Micros(1));
  CHECK(story.opened.recovered.bytes == 0);
  story.apply({story.ticket.append(story.maker.make(1))});
  CHECK(story.opened.log->log_end() == Offset(3001));
}

TEMPLATE_TEST_CASE("record store: a producer's last five batches are remembered over everything",
                   STORES) {
  Story<TestType> story;
  BatchMaker& maker = story.maker;
  std::vector<Batch> sent;
  for (int i = 0; i < 8; ++i) {
    sent.push_back(maker.make(10, 100));
    story.apply({story.ticket.append(sent.back())});
  }
  const ProducerId first = maker.producer;
  maker.producer = ProducerId(8);
  maker.sequence = Sequence(0);
  maker.producer_epoch = ProducerEpoch(3);
  story.apply({story.ticket.append(maker.make(1))});
  maker.producer = producer_none;
  story.apply({story.ticket.append(maker.make(1))});
  const auto check = [&](std::size_t first_remembered) {
    REQUIRE(story.opened.recovered.producers.size() == 2);
    const ProducerState& state = story.opened.recovered.producers[0];
    CHECK(state.id == first);
    CHECK(state.last_seen == sent.back().header.append_time);
    REQUIRE(state.batches.size() == sent.size() - first_remembered);
    for (std::size_t i = 0; i < state.batches.size(); ++i) {
      const BatchHeader& header = sent[first_remembered + i].header;
      CHECK(state.batches[i].base_sequence == header.base_sequence);
      CHECK(state.batches[i].record_count == header.record_count);
      CHECK(state.batches[i].base_offset == header.base_offset);
      CHECK(state.batches[i].append_time == header.append_time);
    }
    CHECK(story.opened.recovered.producers[1].epoch == ProducerEpoch(3));
  };
  story.crash();
  check(3);
  // Also when the batches themselves are gone.
  story.apply({story.ticket.high_watermark(Offset(82)), story.ticket.drop_before(Offset(81))});
  story.crash();
  check(3);
  story.restart();
  check(3);
}

TEMPLATE_TEST_CASE("record store: a log is cut at an offset, with its epochs and producers",
                   STORES) {
  Story<TestType> story;
  std::vector<Batch> sent;
  for (int i = 0; i < 3; ++i) sent.push_back(story.maker.make(10));
  for (const Batch& batch : sent) story.apply({story.ticket.append(batch)});
  story.apply({story.ticket.epoch(2, Offset(30))});
  story.maker.epoch = Epoch(2);
  story.apply({story.ticket.append(story.maker.make(5))});
  story.apply({story.ticket.high_watermark(Offset(10))});
  story.maintain();
  story.maintain();
  story.apply({story.ticket.truncate(Offset(20))});
  CHECK(story.opened.log->log_end() == Offset(20));
  story.crash();
  const RecoveredLog& log = story.opened.recovered;
  CHECK(log.log_end == Offset(20));
  CHECK(log.high_watermark == Offset(10));
  CHECK(log.epochs == std::vector<EpochStart>{{Epoch(1), Offset(0)}});
  CHECK(log.bytes == sent[0].payload.size() + sent[1].payload.size());
  REQUIRE(log.producers.size() == 1);
  CHECK(log.producers[0].batches.size() == 2);
  // Another leader's records take the place.
  story.maker.next = Offset(20);
  story.maker.epoch = Epoch(3);
  story.apply({story.ticket.epoch(3, Offset(20)), story.ticket.append(story.maker.make(7))});
  story.restart();
  CHECK(story.opened.recovered.log_end == Offset(27));
  CHECK(story.opened.recovered.epochs.back() == EpochStart{Epoch(3), Offset(20)});
}

TEMPLATE_TEST_CASE(
    "record store: a cut leaves producers what is in front of it, also below what "
    "was closed in order",
    STORES) {
  Story<TestType> story;
  std::vector<Batch> sent;
  for (int i = 0; i < 8; ++i) {
    sent.push_back(story.maker.make(10));
    story.apply({story.ticket.append(sent.back())});
  }
  story.apply({story.ticket.high_watermark(Offset(80)), story.ticket.drop_before(Offset(10))});
  story.restart();
  // More batches are cut than are remembered.
  story.apply({story.ticket.truncate(Offset(30))});
  story.crash();
  REQUIRE(story.opened.recovered.producers.size() == 1);
  const ProducerState& state = story.opened.recovered.producers[0];
  CHECK(state.last_seen == sent[2].header.append_time);
  REQUIRE_FALSE(state.batches.empty());
  CHECK(state.batches.back().base_offset == Offset(20));
  REQUIRE(state.batches.size() >= 2);
  CHECK(state.batches[state.batches.size() - 2].base_offset == Offset(10));
}

TEMPLATE_TEST_CASE("record store: a file that should be there and is not, is never made anew",
                   STORES) {
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(4))});
  story.restart();
  story.reader.reset();
  REQUIRE(story.opened.log->close());
  story.forget();
  story.harness.lose(story.identity);
  story.store = story.harness.start();
  for (const IfMissing if_missing : {IfMissing::fail, IfMissing::create, IfMissing::create}) {
    const auto opened = story.store->open(story.identity, if_missing);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::file_corrupt);
  }
  const auto other = story.store->open(orders(5), IfMissing::fail);
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::file_corrupt);
}

TEMPLATE_TEST_CASE("record store: a damaged file is set aside and never serves again", STORES) {
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(400, 100))});
  story.restart();
  story.reader.reset();
  REQUIRE(story.opened.log->close());
  story.forget();
  story.harness.damage(story.identity);
  story.store = story.harness.start();
  for (int i = 0; i < 2; ++i) {
    const auto opened = story.store->open(story.identity, IfMissing::create);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::file_corrupt);
  }
}

TEMPLATE_TEST_CASE("record store: a removed topic's files are gone, other topics' are not",
                   STORES) {
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(4))});
  LogIdentity kept = orders(1, 2);
  kept.topic_name = "payments";
  auto other = story.store->open(kept, IfMissing::create);
  REQUIRE(other);
  REQUIRE(other->log->close());
  other->log.reset();
  story.reader.reset();
  REQUIRE(story.opened.log->close());
  story.opened = {};
  REQUIRE(story.store->remove_topic(story.identity.key.topic));
  REQUIRE(story.store->remove_topic(story.identity.key.topic));
  CHECK_FALSE(story.store->open(story.identity, IfMissing::fail));
  CHECK(story.store->open(kept, IfMissing::fail));
  // The name is free again.
  const LogIdentity again = orders(0, 3);
  const auto opened = story.store->open(again, IfMissing::create);
  REQUIRE(opened);
  CHECK(opened->recovered.log_end == Offset(0));
}

TEMPLATE_TEST_CASE("record store: a file is not opened under another topic's name, nor touched",
                   STORES) {
  Story<TestType> story;
  story.apply({story.ticket.append(story.maker.make(3))});
  REQUIRE(story.opened.log->close());
  story.reader.reset();
  story.opened = {};
  LogIdentity renamed = story.identity;
  renamed.topic_name = "invoices";
  for (const IfMissing how : {IfMissing::fail, IfMissing::create, IfMissing::begin_again}) {
    const auto opened = story.store->open(renamed, how);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::fenced_controller);
  }
  story.open(IfMissing::fail);
  CHECK(story.opened.recovered.log_end == Offset(3));
}

TEMPLATE_TEST_CASE("record store: a node's lives are numbered and its membership is kept", STORES) {
  TestType harness;
  auto store = harness.start();
  const auto first = store->begin_life(Restored::no);
  REQUIRE(first);
  REQUIRE(store->membership());
  CHECK(store->membership()->cluster_id.empty());
  CHECK(store->membership()->controller_start == 0);
  const std::int64_t start = (std::int64_t{1} << 62) + 5;
  REQUIRE(store->set_membership({"cluster-a", ControllerEpoch(6), start, start + 1}));
  store.reset();
  store = harness.start();
  const auto second = store->begin_life(Restored::no);
  REQUIRE(second);
  CHECK(second->store_id == first->store_id);
  CHECK(second->incarnation > first->incarnation);
  // Two starts of one incarnation, from copies of one folder, are told apart.
  CHECK(first->start_id > 0);
  CHECK(second->start_id > 0);
  CHECK(first->start_id != second->start_id);
  CHECK(store->membership()->cluster_id == "cluster-a");
  CHECK(store->membership()->controller_epoch == ControllerEpoch(6));
  CHECK(store->membership()->controller_start == start);
  CHECK(store->membership()->joined == start + 1);
  CHECK(store->disk_space().total_bytes > 0);
}

TEMPLATE_TEST_CASE("record store: a join is the same until it was answered", STORES) {
  TestType harness;
  const auto begin = [&](Restored restored = Restored::no) {
    auto store = harness.start();
    const auto life = store->begin_life(restored);
    REQUIRE(life);
    return *life;
  };
  const auto first = begin();
  CHECK(first.join > 0);
  CHECK(begin().join == first.join);
  CHECK(begin().join == first.join);
  {
    auto store = harness.start();
    REQUIRE(store->set_membership({"cluster-a", ControllerEpoch(6), 50, first.join}));
  }
  const auto next = begin();
  CHECK(next.join > 0);
  CHECK(next.join != first.join);
  CHECK(begin().join == next.join);
}

TEMPLATE_TEST_CASE("record store: a folder that was put back goes on behind what was seen of it",
                   STORES) {
  TestType harness;
  auto store = harness.start();
  Incarnation last{0};
  for (int i = 0; i < 5; ++i) {
    const auto life = store->begin_life(Restored::no);
    REQUIRE(life);
    CHECK(life->restored == Restored::no);
    last = life->incarnation;
  }
  const auto restored = store->begin_life(Restored::yes);
  REQUIRE(restored);
  CHECK(restored->restored == Restored::yes);
  CHECK(restored->incarnation > last + 1);  // A copy may have been started once more, or often.
  const auto after = store->begin_life(Restored::no);
  REQUIRE(after);
  CHECK(after->incarnation > restored->incarnation);
}

TEMPLATE_TEST_CASE("record store: what is read back is what a model says, whatever is done to it",
                   STORES) {
  // Many appends, positions, drops, cuts and restarts under a seed, against plain lists.
  Story<TestType> story;
  Prng prng(20261121);
  std::vector<Batch> model;
  std::map<std::string, Position> positions;
  Offset start(0);
  std::int64_t version = 0;
  for (int step = 0; step < 150; ++step) {
    const std::int64_t choice = prng.between(0, 19);
    std::vector<Persist> group;
    if (choice < 10) {
      const std::int64_t count = prng.between(1, 6);
      for (std::int64_t i = 0; i < count; ++i) {
        model.push_back(story.maker.make_random(prng, 30, 120));
        group.push_back(story.ticket.append(model.back()));
      }
      group.push_back(story.ticket.high_watermark(story.maker.next));
    } else if (choice < 13) {
      const Position position =
          position_of("id:" + std::to_string(prng.between(1, 4)), prng.between(0, 9), ++version);
      positions[position.reader] = position;
      group.push_back(story.ticket(PutPosition{position}));
    } else if (choice < 15 && !model.empty()) {
      const auto dropped = prng.between(0, static_cast<std::int64_t>(model.size()));
      start = dropped == static_cast<std::int64_t>(model.size())
                  ? story.maker.next
                  : model[static_cast<std::size_t>(dropped)].header.base_offset;
      model.erase(model.begin(), model.begin() + dropped);
      group.push_back(story.ticket.drop_before(start));
    } else if (choice < 16 && !model.empty()) {
      story.maker.next = model.back().header.base_offset;
      model.pop_back();
      story.maker.epoch = story.maker.epoch + 1;
      group.push_back(story.ticket.truncate(story.maker.next));
      group.push_back(story.ticket.epoch(story.maker.epoch.raw(), story.maker.next));
    } else if (choice < 18) {
      story.maintain();
      continue;
    } else {
      choice == 18 ? story.crash() : story.restart();
      const RecoveredLog& log = story.opened.recovered;
      CHECK(log.log_start == start);
      CHECK(log.log_end == story.maker.next);
      std::uint64_t bytes = 0;
      for (const Batch& batch : model) bytes += batch.payload.size();
      CHECK(log.bytes == bytes);
      CHECK(log.positions.size() == positions.size());
      for (const Position& position : log.positions) CHECK(position == positions[position.reader]);
      REQUIRE(same(story.read_all(), model));
      continue;
    }
    if (!group.empty()) story.apply(group);
  }
  story.crash();
  CHECK(same(story.read_all(), model));
}

}  // namespace pinion::test
