#include <catch2/catch.hpp>

#include "client/api/client.hpp"
#include "tests/integration/client/fake_broker.hpp"
#include "tests/support/test_process.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace pinion;

namespace {

struct Setup {
  explicit Setup(std::int32_t partitions = 1, ProducerOptions options = {}) {
    broker.add_topic("orders", partitions);
    auto connected = Client::connect({.broker = broker.endpoint(), .name = "test"});
    REQUIRE(connected);
    client = std::move(*connected);
    auto made = client->producer(std::move(options));
    REQUIRE(made);
    producer = std::move(*made);
    auto found = producer->topic("orders", 10s);
    REQUIRE(found);
    topic = *found;
  }
  FakeBroker broker;
  std::unique_ptr<Client> client;
  std::unique_ptr<Producer> producer;
  ProducerTopic topic;
};

std::vector<std::string> numbers(int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(std::to_string(i));
  return all;
}

}  // namespace

TEST_CASE("producer: a record is acknowledged with its place", "[client]") {
  Setup s;
  const RecordHeader header{"trace", "1"};
  auto future = s.producer->send_future("orders", {.headers = {&header, 1}, .value = "first"});
  const DeliveryReport first = future.get();
  CHECK(first.outcome == Outcome::acknowledged);
  CHECK(first.offset == Offset(0));
  CHECK(first.log_time == Micros(1'000'000));
  const DeliveryReport second = s.producer->send_future("orders", {.value = "second"}).get();
  CHECK(second.offset == Offset(1));
  CHECK(s.broker.values("orders") == std::vector<std::string>{"first", "second"});
}

TEST_CASE("producer: reports come in the order of the sends", "[client]") {
  Setup s;
  std::vector<Offset> offsets;  // Written by one thread, read after flush().
  for (const std::string& value : numbers(20'000)) {
    REQUIRE(s.producer->send(s.topic, {.value = value}, [&](const DeliveryReport& report) {
      offsets.push_back(report.outcome == Outcome::acknowledged ? report.offset : Offset(-9));
    }));
  }
  REQUIRE(s.producer->flush(30s));
  REQUIRE(offsets.size() == 20'000);
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    REQUIRE(offsets[i] == Offset(static_cast<std::int64_t>(i)));
  }
  CHECK(s.broker.values("orders") == numbers(20'000));
  CHECK(s.broker.batches("orders") < 20'000);  // They were gathered.
  const ProducerCounters counters = s.producer->counters();
  CHECK(counters.records_sent == 20'000);
  CHECK(counters.records_acknowledged == 20'000);
  CHECK(counters.buffered_bytes == 0);
}

TEST_CASE("producer: batch reports tell where each batch's records begin", "[client]") {
  std::vector<BatchReport> reports;
  ProducerOptions options;
  options.on_batch = [&](const BatchReport& report) { reports.push_back(report); };
  Setup s(1, options);
  for (const std::string& value : numbers(5'000)) {
    REQUIRE(s.producer->send(s.topic, {.value = value}));
  }
  REQUIRE(s.producer->flush(30s));
  std::uint64_t next = 0;
  for (const BatchReport& report : reports) {
    CHECK(report.outcome == Outcome::acknowledged);
    CHECK(report.first_number == next);
    CHECK(report.base_offset == Offset(static_cast<std::int64_t>(next)));
    next += report.record_count;
  }
  CHECK(next == 5'000);
}

TEST_CASE("producer: lost requests and answers neither lose, duplicate nor reorder", "[client]") {
  Setup s;
  s.broker.set([](auto& faults) {
    faults.drop_answers = 3;
    faults.drop_requests = 3;
  });
  for (int i = 0; i < 2'000; ++i) {
    REQUIRE(s.producer->send(s.topic, {.value = std::to_string(i)}));
    if (i % 100 == 0) std::this_thread::yield();
  }
  REQUIRE(s.producer->flush(60s));
  CHECK(s.broker.values("orders") == numbers(2'000));
  CHECK(s.producer->counters().records_acknowledged == 2'000);
}

TEST_CASE("producer: a broker that dies under load costs nothing that was acknowledged",
          "[client]") {
  Setup s;
  std::atomic<bool> stop{false};
  std::atomic<int> sent{0};
  std::atomic<int> bad{0};
  std::thread sender([&] {
    while (!stop) {
      const int i = sent++;
      auto ok = s.producer->send(s.topic, {.value = std::to_string(i)},
                                 [&](const DeliveryReport& report) {
                                   if (report.outcome != Outcome::acknowledged) ++bad;
                                 });
      if (!ok) ++bad;
      if (i % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  for (int round = 0; round < 3; ++round) {
    const auto before = s.producer->counters().records_acknowledged;
    while (s.producer->counters().records_acknowledged < before + 2'000) std::this_thread::yield();
    s.broker.stop();
    s.broker.start();
  }
  stop = true;
  sender.join();
  REQUIRE(s.producer->flush(60s));
  CHECK(bad == 0);
  CHECK(s.broker.values("orders") == numbers(sent));
}

TEST_CASE("producer: keys choose partitions, records without one take turns", "[client]") {
  Setup s(4);
  for (int i = 0; i < 40; ++i) REQUIRE(s.producer->send(s.topic, {.value = "turn"}));
  REQUIRE(s.producer->flush(30s));
  for (int partition = 0; partition < 4; ++partition) {
    CHECK(s.broker.values("orders", partition).size() == 10);
  }
  for (int i = 0; i < 20; ++i) {
    const std::string key = "key-" + std::to_string(i);
    const auto report = s.producer->send_future("orders", {.key = key, .value = "keyed"}).get();
    CHECK(report.partition == partition_of_key(key, 4));
  }
  const auto report =
      s.producer->send_future("orders", {.key = "a", .value = "x", .partition = PartitionIndex(3)})
          .get();
  CHECK(report.partition == PartitionIndex(3));
}

TEST_CASE("producer: what cannot be sent is refused at once", "[client]") {
  Setup s;
  const std::string large(limits::record_bytes_default + 1, 'x');
  CHECK(s.producer->send(s.topic, {.value = large}).error().code == Errc::record_too_large);
  CHECK(s.producer->send(s.topic, {.value = "x", .partition = PartitionIndex(1)}).error().code ==
        Errc::invalid_argument);
  const RecordHeader nameless{"", "x"};
  CHECK(s.producer->send(s.topic, {.headers = {&nameless, 1}, .value = "x"}).error().code ==
        Errc::invalid_argument);
  CHECK(s.producer->send("nowhere", {.value = "x"}).error().code == Errc::unknown_topic);
  CHECK(s.producer->send(ProducerTopic{}, {.value = "x"}).error().code == Errc::invalid_argument);
  CHECK(s.broker.values("orders").empty());
}

TEST_CASE("producer: full memory is refused, or waited for", "[client]") {
  ProducerOptions options;
  options.buffer_bytes_max = 64 * limits::kib;
  options.batch_bytes_max = 16 * limits::kib;
  options.back_pressure = GENERATE(BackPressure::fail, BackPressure::block);
  options.block_timeout = 100ms;
  Setup s(1, options);
  s.broker.set([](auto& faults) { faults.refuse_produce = Errc::storage_full; });
  const std::string value(1'000, 'x');
  int accepted = 0;
  Result<void> last;
  while ((last = s.producer->send(s.topic, {.value = value}))) ++accepted;
  CHECK(last.error().code == Errc::throttled);
  CHECK(accepted >
        30);  // Two batches may leave with one record each, and count as 16 KiB until answered.
  CHECK(accepted < 66);
  CHECK(s.producer->counters().buffered_bytes <= options.buffer_bytes_max);
  s.broker.set([](auto& faults) { faults.refuse_produce = Errc::ok; });
  REQUIRE(s.producer->flush(30s));
  CHECK(s.producer->send(s.topic, {.value = value}));
}

TEST_CASE("producer: a sender that waits for memory goes on when there is some", "[client]") {
  ProducerOptions options;
  options.buffer_bytes_max = 64 * limits::kib;
  options.batch_bytes_max = 16 * limits::kib;
  Setup s(1, options);
  const std::string value(1'000, 'x');
  for (int i = 0; i < 2'000; ++i) REQUIRE(s.producer->send(s.topic, {.value = value}));
  REQUIRE(s.producer->flush(30s));
  CHECK(s.broker.values("orders").size() == 2'000);
}

TEST_CASE("producer: what lingers leaves with a flush", "[client]") {
  ProducerOptions options;
  options.linger = 60s;
  Setup s(1, options);
  for (int i = 0; i < 10; ++i) REQUIRE(s.producer->send(s.topic, {.value = "x"}));
  CHECK(s.broker.batches("orders") == 0);
  REQUIRE(s.producer->flush(10s));
  CHECK(s.broker.batches("orders") == 1);
}

TEST_CASE("producer: what lingers leaves when its time is over", "[client]") {
  ProducerOptions options;
  options.linger = 50ms;
  Setup s(1, options);
  const auto before = std::chrono::steady_clock::now();
  const DeliveryReport report = s.producer->send_future("orders", {.value = "x"}).get();
  CHECK(report.outcome == Outcome::acknowledged);
  CHECK(std::chrono::steady_clock::now() - before >= 50ms);
}

TEST_CASE("producer: flush and close end by their timeouts and report what is open", "[client]") {
  Setup s;
  s.broker.set([](auto& faults) { faults.deaf = true; });
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(s.producer->send(s.topic, {.value = "x"}, [&](const DeliveryReport& report) {
      outcomes.push_back(report.outcome);
    }));
  }
  REQUIRE(test::eventually(20s, [&] { return s.broker.unheard() > 0; }));
  const auto flushed = s.producer->flush(100ms);
  REQUIRE_FALSE(flushed);
  CHECK(flushed.error().code == Errc::timed_out);
  const auto closed = s.producer->close(100ms);
  REQUIRE_FALSE(closed);
  REQUIRE(outcomes.size() == 3);
  CHECK(outcomes[0] == Outcome::unknown);
  CHECK(s.producer->send(s.topic, {.value = "x"}).error().code == Errc::closed);
  CHECK(s.producer->close(1s));
}

TEST_CASE("producer: a record that never left fails at its delivery timeout", "[client]") {
  ProducerOptions options;
  options.delivery_timeout = 300ms;
  Setup s(1, options);
  s.broker.stop();
  // Its first try may have been on its way; later ones cannot be, once that is known.
  const auto first = s.producer->send_future("orders", {.value = "a"}).get();
  CHECK(first.outcome != Outcome::acknowledged);
  REQUIRE(test::eventually(20s, [&] { return !s.client->status().connected; }));
  const auto second = s.producer->send_future("orders", {.value = "b"}).get();
  CHECK(second.outcome == Outcome::failed);
  CHECK(second.error.detail.find("is it running?") != std::string::npos);
}

TEST_CASE("producer: a deleted topic is told, and one created anew is found", "[client]") {
  Setup s;
  REQUIRE(s.producer->send_future("orders", {.value = "old"}).get().outcome ==
          Outcome::acknowledged);
  s.broker.remove_topic("orders");
  Result<void> sent;
  REQUIRE(test::eventually(20s, [&] {
    sent = s.producer->send(s.topic, {.value = "x"});
    return !sent;
  }));
  CHECK(sent.error().code == Errc::unknown_topic);
  s.broker.add_topic("orders", 2);
  Result<ProducerTopic> again = s.producer->topic("orders", 1s);
  while (!again) again = s.producer->topic("orders", 1s);
  CHECK(again->partition_count() == 2);
  CHECK(s.producer->send(*again, {.value = "new"}));
  REQUIRE(s.producer->flush(10s));
}

TEST_CASE("producer: a callback may send", "[client]") {
  Setup s;
  std::atomic<int> chained{0};
  REQUIRE(s.producer->send(s.topic, {.value = "first"}, [&](const DeliveryReport&) {
    const auto sent =
        s.producer->send(s.topic, {.value = "second"}, [&](const DeliveryReport&) { ++chained; });
    if (!sent) chained = -1;
  }));
  while (chained == 0) std::this_thread::yield();
  CHECK(chained == 1);
  CHECK(s.broker.values("orders") == std::vector<std::string>{"first", "second"});
}

TEST_CASE("producer: many threads, each in its own order", "[client]") {
  Setup s;
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2'000; ++i) {
        const std::string value = std::to_string(t) + " " + std::to_string(i);
        if (!s.producer->send(s.topic, {.value = value})) ++refused;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(s.producer->flush(30s));
  CHECK(refused == 0);
  std::vector<int> next(4);
  for (const std::string& value : s.broker.values("orders")) {
    const auto t = static_cast<std::size_t>(value[0] - '0');
    REQUIRE(value.substr(2) == std::to_string(next[t]++));
  }
  CHECK(next == std::vector<int>(4, 2'000));
}
