#include "tests/unit/client/session_fixture.hpp"

using namespace pinion;
using namespace pinion::client;

TEST_CASE("metadata: a watched topic is told as soon as it is known", "[client]") {
  SessionFixture f;
  f.connect(3);
  f.step(WatchTopic{"orders"});
  f.step(WatchTopic{"nowhere"});
  CHECK(f.told_topics.empty());
  f.answer_metadata();
  REQUIRE(f.told_topics.size() == 2);
  REQUIRE(f.told_topics[0].topic);
  CHECK(f.told_topics[0].topic->partitions.size() == 3);
  CHECK(f.told_topics[1].name == "nowhere");
  CHECK_FALSE(f.told_topics[1].topic);
  f.told_topics.clear();
  f.step(WatchTopic{"orders"});  // A second watcher is told from memory.
  CHECK(f.told_topics.size() == 1);
  CHECK(f.count<MetadataRequest>() == 0);
}

TEST_CASE("metadata: a topic that is created or deleted is told", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(WatchTopic{"later"});
  f.answer_metadata();
  f.told_topics.clear();
  MetadataChanged change;
  change.controller_epoch = ControllerEpoch(1);
  change.metadata_version = 2;
  change.topics = {topic_metadata("later", TopicId(9), 2)};
  f.push(change);
  REQUIRE(f.told_topics.size() == 1);
  CHECK(f.told_topics[0].topic->id == TopicId(9));
  f.told_topics.clear();
  change.metadata_version = 3;
  change.topics.clear();
  change.deleted = {TopicId(9)};
  f.push(change);
  REQUIRE(f.told_topics.size() == 1);
  CHECK_FALSE(f.told_topics[0].topic);
}

TEST_CASE("metadata: a partition whose state alone changes is told, pushed or pulled", "[client]") {
  SessionFixture f;
  f.connect(2);
  f.step(WatchTopic{"orders"});
  f.topics[0].partitions[1].state = PartitionState::opening;
  f.answer_metadata();
  f.told_topics.clear();
  MetadataChanged change;
  change.controller_epoch = ControllerEpoch(1);
  change.metadata_version = f.metadata_version = 2;
  f.topics[0].partitions[1].state = PartitionState::online;
  change.topics = f.topics;
  f.push(change);
  REQUIRE(f.told_topics.size() == 1);
  CHECK(f.told_topics[0].topic->partitions[1].state == PartitionState::online);
  f.told_topics.clear();
  f.metadata_version = 3;  // The push of it was lost.
  f.topics[0].partitions[0].state = PartitionState::offline;
  f.pass(600ms);
  REQUIRE(f.told_topics.size() == 1);
  CHECK(f.told_topics[0].topic->partitions[0].state == PartitionState::offline);
  f.told_topics.clear();
  change.metadata_version = f.metadata_version = 4;  // A text for people is no state.
  change.topics = f.topics;
  change.topics[0].partitions[0].detail = "waits for node 2";
  f.push(change);
  CHECK(f.told_topics.empty());
}

TEST_CASE("metadata: a partition that goes away leaves what is on its way alone", "[client]") {
  SessionFixture f;
  f.connect(2);
  f.step(Call{.call = CallId(1),
              .topic = "orders",
              .partition = PartitionIndex(0),
              .body = FetchPosition{"id:1", {}},
              .deadline = f.now.monotonic + 10s});
  f.answer_metadata();
  const auto request = f.take<FetchPosition>();
  REQUIRE(request);
  f.refuse(*request, Errc::partition_offline);
  MetadataChanged change;
  change.controller_epoch = ControllerEpoch(1);
  change.metadata_version = f.metadata_version = 2;
  f.topics[0].partitions[0].state = PartitionState::offline;
  change.topics = f.topics;
  f.push(change);  // No reason to ask at once: it waits its turn.
  CHECK(f.count<FetchPosition>() == 0);
}

TEST_CASE("metadata: nothing older than what is known is taken in", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(WatchTopic{"orders"});
  auto request = f.take<MetadataRequest>();
  REQUIRE(request);
  MetadataChanged change;  // Overtakes the answer.
  change.controller_epoch = ControllerEpoch(1);
  change.metadata_version = 5;
  change.topics = {topic_metadata("orders", orders_id, 4)};
  f.push(change);
  f.told_topics.clear();
  MetadataReply old;
  old.controller_epoch = ControllerEpoch(1);
  old.metadata_version = 4;
  f.answer(*request, old);
  CHECK(f.told_topics.empty());
  f.pass(30ms);  // And it asks again.
  CHECK(f.count<MetadataRequest>() == 1);
  change.metadata_version = 3;
  change.topics.clear();
  change.deleted = {orders_id};
  f.push(change);
  CHECK(f.told_topics.empty());
}

TEST_CASE("metadata: a pong with another version makes it ask", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(WatchTopic{"orders"});
  f.answer_metadata();
  f.metadata_version = 2;  // The push of it was lost.
  f.topics[0] = topic_metadata("orders", orders_id, 1, Epoch(9));
  f.told_topics.clear();
  f.pass(600ms);
  f.open_producer();
  f.send({"x"});
  const Message message = f.take_produce(0, 0);
  CHECK(message.header.leader_epoch == Epoch(9));
}

TEST_CASE("metadata: a push that could not list everything makes it ask", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(WatchTopic{"orders"});
  f.answer_metadata();
  f.pass(100ms);
  MetadataChanged change;
  change.controller_epoch = ControllerEpoch(1);
  change.metadata_version = 2;
  change.complete = false;
  f.push(change);
  CHECK(f.count<MetadataRequest>() == 1);
}

TEST_CASE("metadata: an unanswered request is sent again", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(WatchTopic{"orders"});
  REQUIRE(f.take<MetadataRequest>());
  f.now.monotonic += 2'990ms;
  f.push({.controller_epoch = ControllerEpoch(1), .metadata_version = 1});  // Alive.
  f.now.monotonic += 20ms;
  f.tick();
  CHECK(f.count<MetadataRequest>() == 1);
}

TEST_CASE("metadata: refused requests are not repeated as fast as they are refused", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(WatchTopic{"orders"});
  int asked = 0;
  for (Micros t{0}; t < 10s; t += 10ms) {
    while (auto request = f.take<MetadataRequest>()) {
      ++asked;
      f.refuse(*request, Errc::throttled);
    }
    f.pass(10ms);
  }
  CHECK(asked > 5);
  CHECK(asked < 40);
}

TEST_CASE("metadata: what nobody watches is not asked for", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(WatchTopic{"orders"});
  f.answer_metadata();
  f.step(UnwatchTopic{"orders"});
  f.metadata_version = 9;
  f.broker_alive = false;
  f.pass(600ms);
  auto ping = f.take<Ping>();
  REQUIRE(ping);
  f.answer(*ping, Pong{ControllerEpoch(1), 9});
  CHECK(f.count<MetadataRequest>() == 0);
}
