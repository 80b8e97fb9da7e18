#include "tests/unit/client/session_fixture.hpp"

using namespace pinion;
using namespace pinion::client;

namespace {

ConsumerSettings from_start() {
  ConsumerSettings settings;
  settings.topics = {"orders"};
  settings.start = Place::at(Offset(0));
  return settings;
}

/// Answers a fetch with batches of `counts` records from `base` on, and returns their payloads.
std::vector<Bytes> answer_fetch(SessionFixture& f, const Message& request, std::int64_t base,
                                const std::vector<std::uint32_t>& counts, std::int64_t end = -1) {
  FetchReply reply;
  Frames records;
  Offset at(base);
  for (const std::uint32_t count : counts) {
    const Bytes payload = payload_of(std::vector<std::string>(count, "v" + std::to_string(base)));
    reply.batches.push_back(batch_header(at, payload, count, Epoch(3)));
    records.push_back(payload);
    at = at + count;
  }
  reply.high_watermark = end < 0 ? at : Offset(end);
  f.answer(request, reply, records);
  return records;
}

Fetch fetch_of(const Message& message) { return std::get<Fetch>(message.body); }

}  // namespace

TEST_CASE("consumer: it fetches from the asked offset and the next fetch leaves with the answer",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  REQUIRE(f.joined.size() == 1);
  auto request = f.take<Fetch>();
  REQUIRE(request);
  CHECK(fetch_of(*request).offset == Offset(0));
  CHECK(fetch_of(*request).last_epoch == epoch_unknown);
  answer_fetch(f, *request, 0, {2, 3}, 100);
  const auto fetched = f.take_fetched();
  REQUIRE(fetched);
  CHECK(fetched->batches.size() == 2);
  CHECK(fetched->high_watermark == Offset(100));
  request = f.take<Fetch>();
  REQUIRE(request);
  CHECK(fetch_of(*request).offset == Offset(5));
  CHECK(fetch_of(*request).last_epoch == Epoch(3));
}

TEST_CASE("consumer: the head before the asked offset is named, to be dropped", "[client]") {
  SessionFixture f;
  f.connect();
  ConsumerSettings settings = from_start();
  settings.start = Place::at(Offset(7));
  f.open_consumer(settings);
  answer_fetch(f, *f.take<Fetch>(), 5, {5});
  const auto fetched = f.take_fetched();
  REQUIRE(fetched);
  CHECK(fetched->next == Offset(7));
  CHECK(fetched->batches[0].header.base_offset == Offset(5));
}

TEST_CASE("consumer: a damaged batch is fetched again and never delivered", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  const Bytes good = payload_of({"good"});
  const Bytes bad = payload_of({"bad!"});
  FetchReply reply;
  reply.batches = {batch_header(Offset(0), good, 1), batch_header(Offset(1), bad, 1)};
  reply.batches[1].crc ^= 1;
  reply.high_watermark = Offset(2);
  f.answer(*f.take<Fetch>(), reply, {good, bad});
  const auto fetched = f.take_fetched();
  REQUIRE(fetched);
  CHECK(fetched->batches.size() == 1);
  f.pass(20ms);
  auto again = f.take<Fetch>();
  REQUIRE(again);
  CHECK(fetch_of(*again).offset == Offset(1));
  answer_fetch(f, *again, 1, {1});
  CHECK(f.take_fetched()->batches.size() == 1);
}

TEST_CASE("consumer: a batch that stays damaged is told, and a seek goes beyond it", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  int tries = 0;
  while (f.problems.empty()) {
    f.pass(10ms);
    auto request = f.take<Fetch>();
    if (!request) continue;
    ++tries;
    const Bytes bad = payload_of({"bad"});
    FetchReply reply;
    reply.batches = {batch_header(Offset(0), bad, 2)};  // Says two records, holds one.
    reply.high_watermark = Offset(10);
    f.answer(*request, reply, {bad});
  }
  CHECK(tries == limits::consumer_corrupt_fetches_max);
  CHECK(f.problems[0].error.code == Errc::corrupt_record);
  f.pass(1s);
  CHECK(f.count<Fetch>() == 0);
  f.step(Seek{consumer_1, orders(), Reading(1), Place::at(Offset(1))});
  auto request = f.take<Fetch>();
  REQUIRE(request);
  CHECK(fetch_of(*request).offset == Offset(1));
}

TEST_CASE("consumer: an answer that skips records is not believed", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  answer_fetch(f, *f.take<Fetch>(), 3, {2});
  for (const Fetched& fetched : f.fetched) CHECK(fetched.batches.empty());
  f.pass(20ms);
  CHECK(fetch_of(*f.take<Fetch>()).offset == Offset(0));
}

TEST_CASE("consumer: an empty answer is followed by the next fetch", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  f.pass(4'900ms);
  answer_fetch(f, *f.take<Fetch>(), 0, {});
  CHECK(f.count<Fetch>() == 1);
}

TEST_CASE("consumer: a peer that answers empty at once is not asked as fast as it answers",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  int asked = 0;
  for (Micros t{0}; t < 10s; t += 10ms) {
    while (auto request = f.take<Fetch>()) {
      ++asked;
      answer_fetch(f, *request, 0, {});
    }
    f.pass(10ms);
  }
  CHECK(asked > 10);
  CHECK(asked < 60);
}

TEST_CASE("consumer: a named one goes on at its committed position", "[client]") {
  SessionFixture f;
  f.connect();
  ConsumerSettings settings = from_start();
  settings.reader = "consumer:billing";
  f.open_consumer(settings);
  auto request = f.take<FetchPosition>();
  REQUIRE(request);
  CHECK(std::get<FetchPosition>(request->body).reader == "consumer:billing");
  CHECK(f.count<Fetch>() == 0);
  f.answer(*request, FetchPositionReply{Offset(50), Epoch(2), Offset(60), Offset(0)});
  const auto located = f.take_located();
  REQUIRE(located);
  CHECK(located->next == Offset(50));
  CHECK(located->committed == Offset(50));
  const auto fetch = f.take<Fetch>();
  REQUIRE(fetch);
  CHECK(fetch_of(*fetch).offset == Offset(50));
  CHECK(fetch_of(*fetch).last_epoch == Epoch(2));
}

TEST_CASE("consumer: a named one without a position begins where it was told", "[client]") {
  SessionFixture f;
  f.connect();
  ConsumerSettings settings = from_start();
  settings.reader = "consumer:billing";
  settings.start = Place::latest();
  f.open_consumer(settings);
  f.answer(*f.take<FetchPosition>(), FetchPositionReply{});
  auto request = f.take<ListOffset>();
  REQUIRE(request);
  CHECK(std::get<ListOffset>(request->body).spec == OffsetSpec::latest);
  f.answer(*request, ListOffsetReply{Offset(33), Epoch(2)});
  CHECK(fetch_of(*f.take<Fetch>()).offset == Offset(33));
}

TEST_CASE("consumer: a committed position can be ignored", "[client]") {
  SessionFixture f;
  f.connect();
  ConsumerSettings settings = from_start();
  settings.reader = "consumer:billing";
  settings.ignore_committed = true;
  f.open_consumer(settings);
  CHECK(f.count<FetchPosition>() == 0);
  CHECK(f.count<Fetch>() == 1);
}

TEST_CASE("consumer: a seek drops what is on its way", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  const Message old = *f.take<Fetch>();
  f.step(Seek{consumer_1, orders(), Reading(1), Place::time(Micros(123))});
  auto request = f.take<ListOffset>();
  REQUIRE(request);
  CHECK(std::get<ListOffset>(request->body).timestamp == Micros(123));
  answer_fetch(f, old, 0, {1});
  CHECK(f.fetched.empty());
  f.answer(*request, ListOffsetReply{Offset(9), Epoch(1)});
  REQUIRE(f.located.size() == 2);
  CHECK(f.located[1].reading == Reading(1));
  answer_fetch(f, *f.take<Fetch>(), 9, {1});
  CHECK(f.take_fetched()->reading == Reading(1));
}

TEST_CASE("consumer: a lost position is told once, and the reading waits for a seek", "[client]") {
  const Errc code = GENERATE(Errc::offset_out_of_range, Errc::log_truncated);
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  Message reply = make_error_reply(f.take<Fetch>()->header, {code, "gone"});
  std::get<ErrorBody>(reply.body).log_start = Offset(100);
  std::get<ErrorBody>(reply.body).log_end = Offset(200);
  f.receive(reply);
  REQUIRE(f.problems.size() == 1);
  CHECK(f.problems[0].error.code == code);
  CHECK(f.problems[0].error.detail.find("100 to 200") != std::string::npos);
  f.pass(10s);
  CHECK(f.count<Fetch>() == 0);
  CHECK(f.problems.size() == 1);
}

TEST_CASE("consumer: a lost position can mean the log's start or end", "[client]") {
  const bool earliest = GENERATE(true, false);
  SessionFixture f;
  f.connect();
  ConsumerSettings settings = from_start();
  settings.on_lost_position = earliest ? OnLostPosition::earliest : OnLostPosition::latest;
  f.open_consumer(settings);
  f.refuse(*f.take<Fetch>(), Errc::offset_out_of_range);
  auto request = f.take<ListOffset>();
  REQUIRE(request);
  CHECK(std::get<ListOffset>(request->body).spec ==
        (earliest ? OffsetSpec::earliest : OffsetSpec::latest));
  f.answer(*request, ListOffsetReply{Offset(100), Epoch(1)});
  CHECK(fetch_of(*f.take<Fetch>()).offset == Offset(100));
  CHECK(f.problems.empty());
}

TEST_CASE("consumer: the buffer bounds what is fetched ahead", "[client]") {
  SessionFixture f;
  f.connect();
  ConsumerSettings settings = from_start();
  settings.fetch_bytes_max = 64 * 1024;
  settings.buffer_bytes_max = 128 * 1024;
  f.open_consumer(settings);
  auto request = f.take<Fetch>();
  CHECK(fetch_of(*request).bytes_max == 64 * 1024);
  // As large as a batch may be: it comes whole, and then nothing is fetched until it is consumed.
  const Bytes large = payload_of({std::string(100'000, 'x')});
  FetchReply reply;
  reply.batches = {batch_header(Offset(0), large, 1)};
  reply.high_watermark = Offset(5);
  f.answer(*request, reply, {large});
  CHECK(f.count<Fetch>() == 0);
  f.pass(1s);
  CHECK(f.count<Fetch>() == 0);
  f.step(Consumed{consumer_1, orders(), Reading(0), large.size()});
  CHECK(f.count<Fetch>() == 1);
}

TEST_CASE("consumer: partitions share the buffer and take turns", "[client]") {
  SessionFixture f;
  f.connect(8);
  ConsumerSettings settings = from_start();
  settings.buffer_bytes_max = 64 * 1024;  // Of eight partitions, four may fetch at once.
  f.open_consumer(settings);
  REQUIRE(f.count<Fetch>() == 4);
  std::vector<int> fetches(8);
  for (int i = 0; i < 40; ++i) {
    f.pass(60ms);
    auto request = f.take<Fetch>();
    REQUIRE(request);
    ++fetches[static_cast<std::size_t>(request->header.partition.raw())];
    const bool first = fetches[static_cast<std::size_t>(request->header.partition.raw())] == 1;
    // The first one tells the high watermark at once; the others give way soon.
    CHECK(fetch_of(*request).wait_ms == (first ? 0 : limits::consumer_fetch_wait_crowded / 1ms));
    answer_fetch(f, *request, 0, {});
  }
  CHECK(*std::min_element(fetches.begin(), fetches.end()) >= 4);
}

TEST_CASE("consumer: after a reconnect or a moved leader it fetches again at once", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  REQUIRE(f.take<Fetch>());
  f.say_hello();
  f.answer_hello();
  REQUIRE(f.take<Fetch>());
  f.move_leader(0, Epoch(2));
  auto request = f.take<Fetch>();
  REQUIRE(request);
  CHECK(request->header.leader_epoch == Epoch(2));
}

TEST_CASE("consumer: a fetch whose answer is lost is sent again", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  REQUIRE(f.take<Fetch>());
  f.pass(limits::client_attempt_timeout + 10ms);
  REQUIRE(f.count<Fetch>() == 1);
  answer_fetch(f, *f.take<Fetch>(), 0, {1});
  auto waiting = f.take<Fetch>();
  REQUIRE(waiting);
  CHECK(fetch_of(*waiting).wait_ms == limits::consumer_fetch_wait / 1ms);
  f.pass(limits::consumer_fetch_wait + limits::client_attempt_timeout - 10ms);
  CHECK(f.count<Fetch>() == 0);
  f.pass(20ms);
  CHECK(f.count<Fetch>() == 1);
}

TEST_CASE("consumer: refusals that pass are waited for", "[client]") {
  const Errc code = GENERATE(Errc::partition_offline, Errc::throttled, Errc::offset_not_available,
                             Errc::storage_failed, Errc::unknown_topic);
  SessionFixture f;
  f.connect();
  f.open_consumer(from_start());
  f.refuse(*f.take<Fetch>(), code);
  CHECK(f.count<Fetch>() == 0);
  CHECK(f.problems.empty());
  f.pass(10ms);
  CHECK(f.count<Fetch>() == 1);
}

TEST_CASE("consumer: one that asks any replica falls back to the leader", "[client]") {
  const Errc code = GENERATE(Errc::offset_not_available, Errc::not_leader, Errc::fenced_epoch,
                             Errc::partition_offline, Errc::offset_out_of_range,
                             Errc::log_truncated, Errc::storage_failed);
  SessionFixture f;
  f.connect();
  ConsumerSettings settings = from_start();
  settings.any_replica = true;
  f.open_consumer(settings);
  auto request = f.take<Fetch>();
  REQUIRE(request);
  CHECK(request->header.any_replica);
  answer_fetch(f, *request, 0, {2});
  request = f.take<Fetch>();
  REQUIRE(request);
  CHECK(request->header.any_replica);
  f.refuse(*request, code);
  // At once, and nobody is told of what a follower says.
  request = f.take<Fetch>();
  REQUIRE(request);
  CHECK_FALSE(request->header.any_replica);
  CHECK(fetch_of(*request).offset == Offset(2));
  CHECK(f.problems.empty());
  answer_fetch(f, *request, 2, {1});
  request = f.take<Fetch>();
  REQUIRE(request);
  CHECK(request->header.any_replica);
}

TEST_CASE("consumer: a follower that does not answer is not asked again at once", "[client]") {
  SessionFixture f;
  f.connect();
  ConsumerSettings settings = from_start();
  settings.any_replica = true;
  f.open_consumer(settings);
  REQUIRE(f.take<Fetch>());
  f.pass(limits::client_attempt_timeout + 10ms);
  const auto request = f.take<Fetch>();
  REQUIRE(request);
  CHECK_FALSE(request->header.any_replica);
}

TEST_CASE("consumer: new partitions and recreated topics are read from their first record",
          "[client]") {
  SessionFixture f;
  f.connect(1);
  ConsumerSettings settings = from_start();
  settings.start = Place::latest();
  settings.if_missing = MissingTopic::wait;
  f.open_consumer(settings);
  f.answer(*f.take<ListOffset>(), ListOffsetReply{Offset(5), Epoch(1)});
  f.topics = {topic_metadata("orders", orders_id, 2)};
  MetadataChanged change;
  change.controller_epoch = ControllerEpoch(1);
  change.metadata_version = 2;
  change.topics = f.topics;
  f.push(change);
  CHECK(f.joined.size() == 2);
  CHECK(std::get<ListOffset>(f.take<ListOffset>()->body).spec == OffsetSpec::earliest);
  change.metadata_version = 3;
  change.topics = {topic_metadata("orders", TopicId(99), 1)};
  change.deleted = {orders_id};
  f.push(change);
  CHECK(f.left.size() == 2);
  CHECK(f.joined.size() == 3);
  CHECK(f.problems.empty());
  CHECK(std::get<ListOffset>(f.take<ListOffset>()->body).spec == OffsetSpec::earliest);
}

TEST_CASE("consumer: a topic that is missing or deleted is told, unless it is waited for",
          "[client]") {
  SessionFixture f;
  f.connect(1);
  ConsumerSettings settings = from_start();
  settings.topics = {"orders", "nowhere"};
  f.open_consumer(settings);
  REQUIRE(f.problems.size() == 1);
  CHECK(f.problems[0].error.code == Errc::unknown_topic);
  f.push({.controller_epoch = ControllerEpoch(1),
          .metadata_version = 2,
          .topics = {},
          .deleted = {orders_id}});
  REQUIRE(f.problems.size() == 2);
  CHECK(f.problems[1].error.detail == "topic 'orders' was deleted");
  CHECK(f.left.size() == 1);
}

TEST_CASE("consumer: only the named partitions are read", "[client]") {
  SessionFixture f;
  f.connect(4);
  ConsumerSettings settings;
  settings.partitions = {{"orders", PartitionIndex(2)}, {"orders", PartitionIndex(3)}};
  settings.start = Place::at(Offset(0));
  f.open_consumer(settings);
  REQUIRE(f.joined.size() == 2);
  CHECK(f.joined[0].key == orders(2));
  CHECK(f.joined[1].key == orders(3));
}

namespace {

SendCommit commit(SessionFixture& f, std::uint64_t call, std::int64_t next, Micros timeout = 10s) {
  return {consumer_1, CallId(call), orders(), Offset(next), Epoch(3), f.now.monotonic + timeout};
}
void open_named(SessionFixture& f) {
  f.connect();
  ConsumerSettings settings = from_start();
  settings.reader = "consumer:billing";
  settings.ignore_committed = true;
  f.open_consumer(settings);
}

}  // namespace

TEST_CASE("consumer: one commit is on its way at a time, and the last one wins", "[client]") {
  SessionFixture f;
  open_named(f);
  f.step(commit(f, 1, 10));
  f.step(commit(f, 2, 20));
  f.step(commit(f, 3, 30));
  auto request = f.take<CommitPosition>();
  REQUIRE(request);
  CHECK(std::get<CommitPosition>(request->body).offset == Offset(10));
  CHECK(std::get<CommitPosition>(request->body).leader_epoch == Epoch(3));
  CHECK(f.count<CommitPosition>() == 0);
  f.answer(*request, CommitPositionReply{PositionVersion(1)});
  CHECK(f.calls.size() == 1);
  request = f.take<CommitPosition>();
  REQUIRE(request);
  CHECK(std::get<CommitPosition>(request->body).offset == Offset(30));
  f.answer(*request, CommitPositionReply{PositionVersion(2)});
  REQUIRE(f.calls.size() == 3);
  for (const CallDone& done : f.calls) CHECK(done.reply);
}

TEST_CASE("consumer: a commit is tried again until its deadline", "[client]") {
  SessionFixture f;
  open_named(f);
  f.step(commit(f, 1, 10, 1s));
  int tries = 0;
  while (f.calls.empty()) {
    if (auto request = f.take<CommitPosition>()) {
      ++tries;
      f.refuse(*request, Errc::not_enough_replicas);
    }
    f.pass(5ms);
  }
  CHECK(tries > 3);
  CHECK(f.calls[0].reply.error().code == Errc::not_enough_replicas);  // Why, and it was not done.
}

TEST_CASE("consumer: a commit that may have been carried out ends as unknown", "[client]") {
  SessionFixture f;
  open_named(f);
  f.step(commit(f, 1, 10, 5s));
  f.refuse(*f.take<CommitPosition>(), Errc::not_enough_replicas);
  while (f.calls.empty()) f.pass(100ms);  // The one after that is not answered.
  CHECK(f.calls[0].reply.error().code == Errc::timed_out);
  CHECK(f.calls[0].repeated);
}

TEST_CASE("consumer: commits end by their own deadlines, whatever their order", "[client]") {
  SessionFixture f;
  open_named(f);
  f.step(commit(f, 1, 10, 5s));
  f.step(commit(f, 2, 20, 1s));
  f.pass(1'100ms);
  REQUIRE(f.calls.size() == 1);
  CHECK(f.calls[0].call == CallId(2));
  f.answer(*f.take<CommitPosition>(), CommitPositionReply{});
  REQUIRE(f.calls.size() == 2);
  CHECK(f.calls[1].call == CallId(1));
  CHECK(f.calls[1].reply);
}

TEST_CASE("consumer: closing answers its commits and leaves its partitions", "[client]") {
  SessionFixture f;
  open_named(f);
  f.step(commit(f, 1, 10));
  f.step(CloseConsumer{consumer_1});
  REQUIRE(f.calls.size() == 1);
  CHECK(f.calls[0].reply.error().code == Errc::closed);
  CHECK(f.left.size() == 1);
}
