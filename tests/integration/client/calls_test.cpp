#include <catch2/catch.hpp>

#include "client/api/client.hpp"
#include "tests/integration/client/fake_broker.hpp"
#include "tests/support/test_process.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <string>

using namespace pinion;

namespace {

std::unique_ptr<Client> connect(const FakeBroker& broker) {
  auto client = Client::connect({.broker = broker.endpoint(), .name = "test"});
  REQUIRE(client);
  return std::move(*client);
}

/// A callback and what it was told; a second call would throw and end the test program.
template <typename T>
struct Answer {
  std::shared_ptr<std::promise<Result<T>>> promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future = promise->get_future();

  Calls::Then<T> callback() {
    return [promise = promise](Result<T> result) { promise->set_value(std::move(result)); };
  }
  Result<T> get() {
    REQUIRE(future.wait_for(10s) == std::future_status::ready);
    return future.get();
  }
};

void send(Client& client, const std::string& topic, int count) {
  auto producer = client.producer({});
  REQUIRE(producer);
  for (int i = 0; i < count; ++i) {
    const std::string value = "value " + std::to_string(i);
    ProducerRecord record;
    record.value = value;
    record.partition = PartitionIndex(0);
    REQUIRE((*producer)->send(topic, record));
  }
  REQUIRE((*producer)->close(10s));
}

}  // namespace

TEST_CASE("calls: calls answer once each, through their callbacks", "[client]") {
  FakeBroker broker;
  broker.add_topic("orders", 2);
  const auto client = connect(broker);
  auto calls = client->calls();
  const TopicPartition first{"orders", PartitionIndex(0)};

  Answer<std::vector<TopicMetadata>> topics;
  calls.list_topics(5s, topics.callback());
  CHECK(topics.get()->size() == 1);
  Answer<Offset> latest;
  calls.list_offset(first, Place::latest(), 5s, latest.callback());
  CHECK(*latest.get() == Offset(0));
  Answer<void> committed;
  calls.commit_position(first, "me", Offset(3), Epoch(0), 5s, committed.callback());
  CHECK(committed.get());
  Answer<FetchPositionReply> position;
  calls.fetch_position(first, "me", {}, 5s, position.callback());
  CHECK(position.get()->offset == Offset(3));
  Answer<QueryReply> rows;
  calls.query(first, "select partition", 0, 5s, rows.callback());
  CHECK(rows.get()->rows.size() == 1);
  Answer<Offset> nowhere;
  calls.list_offset({"nowhere", PartitionIndex(0)}, Place::latest(), 5s, nowhere.callback());
  CHECK(nowhere.get().error().code == Errc::unknown_topic);
  Answer<void> nobody;
  calls.commit_position(first, "a\nb", Offset(3), Epoch(0), 5s, nobody.callback());
  CHECK(nobody.get().error().code == Errc::invalid_argument);
}

TEST_CASE("calls: a fetch begins at its offset, also in the middle of a batch", "[client]") {
  FakeBroker broker;
  broker.add_topic("orders", 1);
  const auto client = connect(broker);
  send(*client, "orders", 20);
  auto calls = client->calls();
  FetchCall request{.topic = "orders", .offset = Offset(7)};
  int expected = 7;
  while (expected < 20) {
    Answer<FetchAnswer> fetched;
    calls.fetch(request, 5s, fetched.callback());
    const auto got = fetched.get();
    REQUIRE(got);
    REQUIRE_FALSE(got->records.empty());
    for (const ConsumerRecord& record : got->records) {
      CHECK(record.offset == Offset(expected));
      CHECK(record.value == "value " + std::to_string(expected));
      ++expected;
    }
    CHECK(got->next == Offset(expected));
    request.offset = got->next;
  }
}

TEST_CASE("calls: a fetch at the end waits for a record, and is not asked again meanwhile",
          "[client]") {
  FakeBroker broker;
  broker.add_topic("orders", 1);
  const auto client = connect(broker);
  auto calls = client->calls();
  Answer<FetchAnswer> waiting;
  calls.fetch({.topic = "orders", .wait = 20s}, 25s, waiting.callback());
  send(*client, "orders", 1);
  const auto got = waiting.get();
  REQUIRE(got);
  CHECK(got->records.size() == 1);
}

TEST_CASE("calls: what is open when the client closes is answered closed", "[client]") {
  FakeBroker broker;
  broker.add_topic("orders", 1);
  const auto client = connect(broker);
  auto calls = client->calls();
  Answer<FetchAnswer> waiting;
  calls.fetch({.topic = "orders", .wait = 20s}, 25s, waiting.callback());
  client->close();
  CHECK(waiting.get().error().code == Errc::closed);
  Answer<std::vector<TopicMetadata>> late;
  calls.list_topics(1s, late.callback());
  CHECK(late.get().error().code == Errc::closed);
}

TEST_CASE("client: open does not wait, and the status says what is wrong", "[client]") {
  const auto nobody = Client::open({.broker = "tcp://127.0.0.1:1"});
  REQUIRE(nobody);
  CHECK_FALSE((*nobody)->status().connected);
  CHECK((*nobody)->status().problem ==
        "no broker answers at tcp://127.0.0.1:1: is pinion-broker running?");
  CHECK((*nobody)->status().refused == Errc::ok);
  CHECK(Client::open({.broker = "nonsense"}).error().code == Errc::invalid_argument);

  FakeBroker broker;
  const auto other = Client::open({.broker = broker.endpoint(), .cluster_id = "mine"});
  REQUIRE(other);
  CHECK(test::eventually(20s, [&] { return (*other)->status().refused != Errc::ok; }));
  CHECK((*other)->status().refused == Errc::wrong_cluster);
}
