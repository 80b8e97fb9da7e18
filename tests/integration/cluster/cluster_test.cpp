#include "tests/support/server_cluster.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

using namespace pinion;
using namespace pinion::test;

namespace {

constexpr Micros soon = 30s;

TopicMetadata make_topic(Client& client, const std::string& name, std::int32_t partitions) {
  TopicConfig config;
  config.partitions = partitions;
  auto topic = client.admin().create_topic(name, config, soon);
  if (!topic) FAIL(topic.error().to_string());
  return *topic;
}

void send_values(Client& client, const std::string& topic, const std::vector<std::string>& values) {
  auto producer = client.producer({});
  REQUIRE(producer);
  for (const std::string& value : values) {
    ProducerRecord record;
    record.value = value;
    REQUIRE((*producer)->send(topic, record));
  }
  REQUIRE((*producer)->close(soon));
}

std::vector<std::string> read_values(Client& client, const std::string& topic, std::size_t count) {
  ConsumerOptions options;
  options.topics = {topic};
  auto consumer = client.consumer(options);
  REQUIRE(consumer);
  std::vector<std::string> values;
  const bool complete = eventually(soon, [&] {
    auto records = (*consumer)->poll(1'000, 100ms);
    REQUIRE(records);
    for (const ConsumerRecord& record : *records) values.emplace_back(record.value);
    return values.size() >= count;
  });
  CHECK(complete);
  return values;
}

}  // namespace

TEST_CASE("cluster in a process: what is sent is read, in order, once", "[integration][cluster]") {
  ServerCluster cluster(2);
  const auto client = cluster.client();
  make_topic(*client, "t", 1);
  std::vector<std::string> values;
  for (int i = 0; i < 20'000; ++i) values.push_back("value " + std::to_string(i));
  send_values(*client, "t", values);
  CHECK(read_values(*client, "t", values.size()) == values);
}

TEST_CASE("cluster in a process: many clients at once, each partition in its order",
          "[integration][cluster]") {
  ServerCluster cluster(3);
  const auto admin = cluster.client();
  make_topic(*admin, "t", 6);
  std::atomic<int> acknowledged{0};
  std::atomic<int> other{0};
  std::vector<std::unique_ptr<Client>> clients;
  for (int c = 0; c < 4; ++c) clients.push_back(cluster.client());
  std::vector<std::thread> threads;
  constexpr int each = 2'000;
  for (int c = 0; c < 4; ++c) {
    threads.emplace_back([&, c] {
      auto producer = clients[static_cast<std::size_t>(c)]->producer({});
      if (!producer) return;
      for (int i = 0; i < each; ++i) {
        const std::string value = std::to_string(c) + " " + std::to_string(i);
        ProducerRecord record;
        record.value = value;
        record.partition = PartitionIndex((c + i) % 6);
        const auto sent = (*producer)->send("t", record, [&](const DeliveryReport& report) {
          ++(report.outcome == Outcome::acknowledged ? acknowledged : other);
        });
        if (!sent) ++other;
      }
      if (!(*producer)->close(soon)) ++other;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(acknowledged == 4 * each);
  CHECK(other == 0);

  ConsumerOptions options;
  options.topics = {"t"};
  auto consumer = admin->consumer(options);
  REQUIRE(consumer);
  std::map<std::pair<int, int>, int> last;  // (partition, sender) -> number
  int count = 0;
  int out_of_order = 0;
  CHECK(eventually(soon, [&] {
    auto records = (*consumer)->poll(10'000, 100ms);
    REQUIRE(records);
    for (const ConsumerRecord& record : *records) {
      const std::string value(record.value);
      const int sender = std::stoi(value);
      const int number = std::stoi(value.substr(value.find(' ')));
      auto [at, fresh] = last.try_emplace({record.partition.raw(), sender}, -1);
      if (at->second >= number) ++out_of_order;
      at->second = number;
      ++count;
    }
    return count >= 4 * each;
  }));
  CHECK(count == 4 * each);
  CHECK(out_of_order == 0);
}

TEST_CASE("cluster in a process: a record is delivered soon after it is sent, not at a poll's end",
          "[integration][cluster]") {
  ServerCluster cluster(1);
  const auto client = cluster.client();
  make_topic(*client, "t", 1);
  ConsumerOptions options;
  options.topics = {"t"};
  auto consumer = client->consumer(options);
  REQUIRE(consumer);
  for (int i = 0; i < 20; ++i) {
    send_values(*client, "t", {"x"});
    auto records = (*consumer)->poll(10, 20s);
    REQUIRE(records);
    CHECK(records->size() == 1);
  }
}

TEST_CASE("cluster in a process: positions are kept by name, and dequeue moves on once",
          "[integration][cluster]") {
  ServerCluster cluster(1);
  const auto client = cluster.client();
  make_topic(*client, "t", 1);
  send_values(*client, "t", {"a", "b", "c"});

  ConsumerOptions options;
  options.topics = {"t"};
  options.name = "named";
  options.commit = CommitMode::manual;
  {
    auto consumer = client->consumer(options);
    REQUIRE(consumer);
    auto records = (*consumer)->poll(1, soon);
    REQUIRE(records);
    REQUIRE(records->size() == 1);
    REQUIRE((*consumer)->commit({"t", PartitionIndex(0)}, Offset(1), soon));
  }
  auto again = client->consumer(options);
  REQUIRE(again);
  auto records = (*again)->poll(1, soon);
  REQUIRE(records);
  REQUIRE(records->size() == 1);
  CHECK((*records->begin()).value == "b");

  DequeueOptions dequeue;
  dequeue.topic = "t";
  dequeue.reader = "id:1";
  dequeue.token = "token-1";
  for (int repeat = 0; repeat < 3; ++repeat) {
    auto record = client->dequeue(dequeue, soon);
    REQUIRE(record);
    CHECK(record->record.value == "a");
  }
  dequeue.token = "token-2";
  auto next = client->dequeue(dequeue, soon);
  REQUIRE(next);
  CHECK(next->record.value == "b");
  CHECK(next->lag == 1);
}

TEST_CASE(
    "cluster in a process: the largest record passes, a larger one is refused before it is sent",
    "[integration][cluster]") {
  ServerCluster cluster(1);
  const auto client = cluster.client();
  make_topic(*client, "t", 1);
  const std::size_t limit = client->status().record_bytes_max;
  REQUIRE(limit > 0);
  send_values(*client, "t", {std::string(limit - 1'000, 'x')});
  auto producer = client->producer({});
  REQUIRE(producer);
  const std::string large(limit + 1, 'x');
  ProducerRecord record;
  record.value = large;
  const auto sent = (*producer)->send("t", record);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == Errc::record_too_large);
  CHECK(read_values(*client, "t", 1).at(0).size() == limit - 1'000);
}

TEST_CASE("cluster in a process: followers serve those who ask any replica",
          "[integration][cluster]") {
  ServerCluster cluster(3);
  const auto client = cluster.client();
  TopicConfig config;
  config.partitions = 1;
  config.replication = 3;
  REQUIRE(client->admin().create_topic("t", config, soon));
  std::vector<std::string> values;
  for (int i = 0; i < 500; ++i) values.push_back(std::to_string(i));
  send_values(*client, "t", values);
  const auto read_all = [&] {
    ConsumerOptions options;
    options.topics = {"t"};
    options.any_replica = true;
    auto consumer = client->consumer(options);
    REQUIRE(consumer);
    std::size_t next = 0;
    while (next < values.size()) {
      auto records = (*consumer)->poll(1'000, soon);
      REQUIRE(records);
      REQUIRE_FALSE(records->empty());
      for (const ConsumerRecord& record : *records) {
        REQUIRE(next < values.size());
        REQUIRE(record.value == values[next++]);
      }
    }
  };
  const auto leader = [&client]() -> PartitionStatus {
    const auto status = client->admin().cluster_status(soon);
    REQUIRE(status);
    return status->partitions.empty() ? PartitionStatus{} : status->partitions.front();
  };
  // As soon as the broker has heard who follows, the leader sends nothing more.
  CHECK(eventually(60s, [&] {
    const std::uint64_t before = leader().records_out;
    for (int round = 0; round < 3; ++round) read_all();
    // What the leader says from here on it says after all of that.
    values.push_back(std::to_string(values.size()));
    send_values(*client, "t", {values.back()});
    REQUIRE(eventually(soon, [&] { return leader().records_in >= values.size(); }));
    return leader().records_out - before < values.size();
  }));
}

TEST_CASE("cluster in a process: SQL sees what is committed, on every partition",
          "[integration][cluster]") {
  ServerCluster cluster(2);
  const auto client = cluster.client();
  make_topic(*client, "t", 2);
  std::vector<std::string> values;
  for (int i = 0; i < 100; ++i) values.push_back(std::to_string(i));
  send_values(*client, "t", values);
  auto reply = client->admin().query("t", "select count(*), sum(value) from readable", {}, 0, soon);
  if (!reply) FAIL(reply.error().to_string());
  REQUIRE(reply->rows.size() == 2);
  std::int64_t count = 0;
  for (const auto& row : reply->rows) count += std::get<std::int64_t>(row.at(0));
  CHECK(count == 100);
}
