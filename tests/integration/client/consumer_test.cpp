#include <catch2/catch.hpp>

#include "client/api/client.hpp"
#include "tests/integration/client/fake_broker.hpp"
#include "tests/support/test_process.hpp"

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace pinion;

namespace {

struct Setup {
  explicit Setup(std::int32_t partitions = 1) {
    broker.add_topic("orders", partitions);
    auto connected = Client::connect({.broker = broker.endpoint(), .name = "test"});
    REQUIRE(connected);
    client = std::move(*connected);
  }
  void produce(int first, int count, std::optional<PartitionIndex> partition = std::nullopt) {
    auto producer = client->producer({});
    REQUIRE(producer);
    for (int i = first; i < first + count; ++i) {
      const std::string value = std::to_string(i);
      REQUIRE((*producer)->send("orders", {.value = value, .partition = partition}));
    }
    REQUIRE((*producer)->close(30s));
  }
  std::unique_ptr<Consumer> consumer(ConsumerOptions options = {}) {
    if (options.topics.empty() && options.partitions.empty()) options.topics = {"orders"};
    auto made = client->consumer(std::move(options));
    REQUIRE(made);
    return std::move(*made);
  }
  FakeBroker broker;
  std::unique_ptr<Client> client;
};

std::vector<std::string> read(Consumer& consumer, std::size_t count, std::size_t at_once = 1'000) {
  std::vector<std::string> values;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (values.size() < count && std::chrono::steady_clock::now() < deadline) {
    auto batch = consumer.poll(at_once, 1s);
    REQUIRE(batch);
    CHECK(batch->size() <= at_once);
    for (const ConsumerRecord& record : *batch) values.emplace_back(record.value);
  }
  return values;
}

std::vector<std::string> numbers(int first, int count) {
  std::vector<std::string> all;
  for (int i = first; i < first + count; ++i) all.push_back(std::to_string(i));
  return all;
}

}  // namespace

TEST_CASE("consumer: it reads what was produced, in order, whatever the size of a poll",
          "[client]") {
  const std::size_t at_once = GENERATE(1U, 7U, 1'000U, 100'000U);
  const int count = at_once == 1 ? 300 : 5'000;
  Setup s;
  s.produce(0, count);
  const auto consumer = s.consumer();
  CHECK(read(*consumer, static_cast<std::size_t>(count), at_once) == numbers(0, count));
  const auto positions = consumer->positions();
  REQUIRE(positions.size() == 1);
  CHECK(positions[0].next == Offset(count));
  CHECK(positions[0].at_end);
  CHECK(positions[0].lag == 0);
}

TEST_CASE("consumer: a record carries its place, times, key and headers", "[client]") {
  Setup s;
  auto producer = s.client->producer({});
  REQUIRE(producer);
  const RecordHeader header{"trace", "7"};
  REQUIRE((*producer)->send(
      "orders",
      {.key = "ann", .headers = {&header, 1}, .value = "apples", .timestamp = Micros(1234)}));
  REQUIRE((*producer)->flush(10s));
  const auto consumer = s.consumer();
  const auto batch = consumer->poll(10, 10s);
  REQUIRE(batch);
  REQUIRE(batch->size() == 1);
  const ConsumerRecord record = *batch->begin();
  CHECK(record.topic == "orders");
  CHECK(record.partition == PartitionIndex(0));
  CHECK(record.offset == Offset(0));
  CHECK(record.timestamp == Micros(1234));
  CHECK(record.log_time == Micros(1'000'000));
  CHECK(record.key == std::optional<std::string_view>("ann"));
  CHECK(record.headers == std::optional<std::string_view>(R"([["trace","7"]])"));
  CHECK(record.value == "apples");
}

TEST_CASE("consumer: poll waits for a record and returns as soon as there is one", "[client]") {
  Setup s;
  const auto consumer = s.consumer();
  const auto before = std::chrono::steady_clock::now();
  auto none = consumer->poll(10, 50ms);
  REQUIRE(none);
  CHECK(none->empty());
  CHECK(std::chrono::steady_clock::now() - before >= 50ms);
  std::thread later([&] { s.produce(0, 1); });
  const auto one = consumer->poll(10, 20s);
  later.join();
  REQUIRE(one);
  CHECK(one->size() == 1);
}

TEST_CASE("consumer: every partition is read, in its own order", "[client]") {
  Setup s(4);
  s.produce(0, 4'000);
  const auto consumer = s.consumer();
  std::map<std::int32_t, Offset> next;
  std::size_t count = 0;
  while (count < 4'000) {
    const auto batch = consumer->poll(100, 10s);
    REQUIRE(batch);
    REQUIRE_FALSE(batch->empty());
    for (const ConsumerRecord& record : *batch) {
      const auto expected = next.try_emplace(record.partition.raw(), Offset(0)).first;
      REQUIRE(record.offset == expected->second);
      ++expected->second;
    }
    count += batch->size();
  }
  CHECK(next.size() == 4);
}

TEST_CASE("consumer: only the asked partition is read", "[client]") {
  Setup s(3);
  s.produce(0, 30);
  const auto consumer = s.consumer({.partitions = {{"orders", PartitionIndex(1)}}});
  const auto values = read(*consumer, 10);
  CHECK(values == s.broker.values("orders", 1));
}

TEST_CASE("consumer: a named one goes on where it stopped", "[client]") {
  const CommitMode mode = GENERATE(CommitMode::manual, CommitMode::automatic);
  Setup s;
  s.produce(0, 100);
  {
    const auto consumer = s.consumer({.topics = {"orders"}, .name = "billing", .commit = mode});
    CHECK(read(*consumer, 60, 60).size() == 60);
    if (mode == CommitMode::manual) REQUIRE(consumer->commit(10s));
    REQUIRE(consumer->close(10s));
  }
  CHECK(s.broker.position("orders", "consumer:billing") == Offset(60));
  const auto consumer = s.consumer({.topics = {"orders"}, .name = "billing", .commit = mode});
  CHECK(read(*consumer, 40) == numbers(60, 40));
}

TEST_CASE("consumer: what was not processed is not committed by itself", "[client]") {
  Setup s;
  s.produce(0, 100);
  const auto consumer =
      s.consumer({.topics = {"orders"}, .name = "billing", .auto_commit_every = Micros(20ms)});
  CHECK(read(*consumer, 10, 10).size() == 10);
  std::this_thread::sleep_for(100ms);  // Several times over; it must not have happened.
  CHECK(s.broker.position("orders", "consumer:billing") <= Offset(0));
  CHECK(read(*consumer, 5, 5).size() == 5);  // Now the first ten are processed.
  CHECK(test::eventually(
      20s, [&] { return s.broker.position("orders", "consumer:billing") == Offset(10); }));
}

TEST_CASE("consumer: one without a name cannot commit", "[client]") {
  Setup s;
  const auto consumer = s.consumer();
  CHECK(consumer->commit(1s).error().code == Errc::invalid_argument);
}

TEST_CASE("consumer: a seek is obeyed by the next poll", "[client]") {
  Setup s;
  s.produce(0, 1'000);
  const auto consumer = s.consumer();
  CHECK(read(*consumer, 10, 10) == numbers(0, 10));
  REQUIRE(consumer->seek({"orders", PartitionIndex(0)}, Place::at(Offset(500))));
  CHECK(read(*consumer, 10, 10) == numbers(500, 10));
  REQUIRE(consumer->seek_all(Place::earliest()));
  CHECK(read(*consumer, 10, 10) == numbers(0, 10));
  REQUIRE(consumer->seek_all(Place::latest()));
  CHECK(consumer->poll(10, 100ms)->empty());
  s.produce(1'000, 1);
  CHECK(read(*consumer, 1) == numbers(1'000, 1));
  CHECK(consumer->seek({"orders", PartitionIndex(7)}, Place::latest()).error().code ==
        Errc::invalid_argument);
}

TEST_CASE("consumer: a place that is not in the log is told once", "[client]") {
  Setup s;
  s.produce(0, 10);
  const auto consumer = s.consumer({.topics = {"orders"}, .start = Place::at(Offset(99))});
  const auto first = consumer->poll(10, 10s);
  REQUIRE_FALSE(first);
  CHECK(first.error().code == Errc::offset_out_of_range);
  CHECK_FALSE(consumer->positions()[0].problem.empty());
  CHECK(consumer->poll(10, 20ms)->empty());
  REQUIRE(consumer->seek_all(Place::earliest()));
  CHECK(read(*consumer, 10) == numbers(0, 10));
}

TEST_CASE("consumer: damaged answers are fetched again", "[client]") {
  Setup s;
  s.produce(0, 100);
  s.broker.set([](auto& faults) { faults.corrupt_fetches = 2; });
  const auto consumer = s.consumer();
  CHECK(read(*consumer, 100) == numbers(0, 100));
}

TEST_CASE("consumer: it goes on after the broker was restarted", "[client]") {
  Setup s;
  s.produce(0, 100);
  const auto consumer = s.consumer();
  CHECK(read(*consumer, 100) == numbers(0, 100));
  s.broker.stop();
  s.broker.start();
  s.produce(100, 100);
  CHECK(read(*consumer, 100) == numbers(100, 100));
}

TEST_CASE("consumer: a topic that is not there is refused, or waited for", "[client]") {
  Setup s;
  CHECK(s.client->consumer({.topics = {"later"}}).error().code == Errc::unknown_topic);
  CHECK(s.client->consumer({.partitions = {{"orders", PartitionIndex(5)}}}).error().code ==
        Errc::unknown_partition);
  CHECK(s.client->consumer({}).error().code == Errc::invalid_argument);
  const auto consumer =
      s.consumer({.topics = {"later"}, .start = Place::latest(), .if_missing = MissingTopic::wait});
  CHECK(consumer->poll(1, 10ms)->empty());
  s.broker.add_topic("later", 1);
  auto producer = s.client->producer({});
  REQUIRE(producer);
  Result<void> sent = failure(Errc::unknown_topic);
  while (!sent) sent = (*producer)->send("later", {.value = "here"});
  CHECK(read(*consumer, 1) == std::vector<std::string>{"here"});
}

TEST_CASE("consumer: a deleted topic is told once", "[client]") {
  Setup s;
  const auto consumer = s.consumer();
  CHECK(consumer->poll(1, 10ms)->empty());
  s.broker.remove_topic("orders");
  const auto told = consumer->poll(1, 20s);
  REQUIRE_FALSE(told);
  CHECK(told.error().code == Errc::unknown_topic);
  CHECK(consumer->poll(1, 10ms)->empty());
}

TEST_CASE("consumer: records outlive the consumer and the client", "[client]") {
  Setup s;
  s.produce(0, 100);
  RecordBatch kept;
  {
    const auto consumer = s.consumer();
    auto batch = consumer->poll(100, 10s);
    REQUIRE(batch);
    kept = std::move(*batch);
  }
  REQUIRE(kept.size() == 100);
  s.client.reset();
  int i = 0;
  for (const ConsumerRecord& record : kept) CHECK(record.value == std::to_string(i++));
  CHECK(i == static_cast<int>(kept.size()));
}

TEST_CASE("dequeue: each call gives the next record, a repeated token the same", "[client]") {
  Setup s;
  s.produce(0, 3);
  const auto next = [&](const std::string& token) {
    return s.client->dequeue({.topic = "orders", .reader = "workers", .token = token}, 10s);
  };
  const auto first = next("a");
  REQUIRE(first);
  CHECK(first->record.value == "0");
  CHECK(first->record.offset == Offset(0));
  CHECK(first->lag == 2);
  CHECK(next("b")->record.value == "1");
  CHECK(next("a")->record.value == "0");
  CHECK(next("")->record.value == "2");
  CHECK(next("").error().code == Errc::nothing_unread);
}

TEST_CASE("dequeue: without a partition all are asked in turn", "[client]") {
  Setup s(3);
  s.produce(0, 1, PartitionIndex(2));
  CHECK(s.client->dequeue({.topic = "orders", .reader = "workers"}, 10s)->record.value == "0");
  CHECK(s.client->dequeue({.topic = "orders", .reader = "workers"}, 10s).error().code ==
        Errc::nothing_unread);
  CHECK(
      s.client->dequeue({.topic = "orders", .reader = "workers", .token = "t"}, 10s).error().code ==
      Errc::invalid_argument);
}
