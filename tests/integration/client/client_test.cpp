#include <catch2/catch.hpp>

#include "client/api/client.hpp"
#include "tests/integration/client/fake_broker.hpp"

#include <chrono>
#include <string>
#include <thread>

using namespace pinion;

namespace {

Micros monotonic() {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

std::unique_ptr<Client> connect(const FakeBroker& broker) {
  auto client = Client::connect({.broker = broker.endpoint(), .name = "test"});
  REQUIRE(client);
  return std::move(*client);
}

}  // namespace

TEST_CASE("client: connecting to nobody ends by its timeout and says what to do", "[client]") {
  const Micros before = monotonic();
  const auto client =
      Client::connect({.broker = "tcp://127.0.0.1:1", .connect_timeout = Micros(300ms)});
  REQUIRE_FALSE(client);
  CHECK(client.error().code == Errc::connection_lost);
  CHECK(client.error().detail ==
        "no broker answers at tcp://127.0.0.1:1: is pinion-broker running?");
  CHECK(monotonic() - before < 2s);
}

TEST_CASE("client: an endpoint that is none is refused", "[client]") {
  const auto client = Client::connect({.broker = "nonsense"});
  REQUIRE_FALSE(client);
  CHECK(client.error().code == Errc::invalid_argument);
}

TEST_CASE("client: another cluster is refused at once", "[client]") {
  FakeBroker broker;
  const auto client = Client::connect({.broker = broker.endpoint(), .cluster_id = "mine"});
  REQUIRE_FALSE(client);
  CHECK(client.error().code == Errc::wrong_cluster);
}

TEST_CASE("client: it finds a restarted broker by itself", "[client]") {
  FakeBroker broker;
  const auto client = connect(broker);
  CHECK(client->status().connected);
  CHECK(client->status().cluster_id == "fake");
  broker.stop();
  broker.start();
  auto admin = client->admin();
  CHECK(admin.ping(10s));
  CHECK(broker.hellos() >= 2);
}

TEST_CASE("admin: calls are answered, or end by their timeouts", "[client]") {
  FakeBroker broker;
  broker.add_topic("orders", 3);
  const auto client = connect(broker);
  auto admin = client->admin();
  CHECK(admin.list_topics(5s)->size() == 1);
  CHECK(admin.describe_topic("orders", 5s)->partitions.size() == 3);
  CHECK(admin.describe_topic("nowhere", 5s).error().code == Errc::unknown_topic);
  CHECK(admin.describe_topic("not a name", 5s).error().code == Errc::invalid_argument);
  CHECK(*admin.list_offset({"orders", PartitionIndex(1)}, Place::latest(), 5s) == Offset(0));
  CHECK(admin.list_offset({"orders", PartitionIndex(9)}, Place::latest(), 5s).error().code ==
        Errc::unknown_partition);
  CHECK(admin.list_offset({"nowhere", PartitionIndex(0)}, Place::latest(), 5s).error().code ==
        Errc::unknown_topic);
  CHECK(admin.fetch_position({"orders", PartitionIndex(0)}, "me", 5s)->next == offset_unassigned);
  CHECK(admin.commit_position({"orders", PartitionIndex(0)}, "me", Offset(4), 5s));
  CHECK(admin.fetch_position({"orders", PartitionIndex(0)}, "consumer:me", 5s)->next == Offset(4));
  broker.set([](auto& faults) { faults.deaf = true; });
  const Micros before = monotonic();
  CHECK_FALSE(admin.list_topics(300ms));
  CHECK(monotonic() - before < 2s);
}

TEST_CASE("admin: a query of all partitions joins their rows", "[client]") {
  FakeBroker broker;
  broker.add_topic("orders", 3);
  const auto client = connect(broker);
  auto admin = client->admin();
  const auto all = admin.query("orders", "select partition", std::nullopt, 0, 5s);
  REQUIRE(all);
  CHECK(all->columns == std::vector<std::string>{"partition"});
  REQUIRE(all->rows.size() == 3);
  CHECK(all->rows[2][0] == SqlValue{std::int64_t{2}});
  const auto one = admin.query("orders", "select partition", PartitionIndex(1), 0, 5s);
  REQUIRE(one);
  CHECK(one->rows.size() == 1);
  const auto few = admin.query("orders", "select partition", std::nullopt, 2, 5s);
  REQUIRE(few);
  CHECK(few->rows.size() == 2);
  CHECK(few->truncated);
}

TEST_CASE("client: after close everything answers closed", "[client]") {
  FakeBroker broker;
  broker.add_topic("orders", 1);
  const auto client = connect(broker);
  auto producer = client->producer({});
  REQUIRE(producer);
  auto consumer = client->consumer({.topics = {"orders"}});
  REQUIRE(consumer);
  auto topic = (*producer)->topic("orders", 5s);
  REQUIRE(topic);
  client->close();
  CHECK((*producer)->send(*topic, {.value = "x"}).error().code == Errc::closed);
  CHECK((*consumer)->poll(1, 1s).error().code == Errc::closed);
  CHECK(client->admin().ping(1s).error().code == Errc::closed);
  CHECK_FALSE(client->status().connected);
  client->close();
}
