// A file that is damaged behind its node's back, with another copy in sync.
#include "tests/support/server_cluster.hpp"

#include <filesystem>
#include <fstream>

using namespace pinion;
using namespace pinion::test;

namespace {

constexpr Micros soon = 60s;

std::string value_of(int number) {
  return "number " + std::to_string(1'000'000 + number) + std::string(80, '.');
}

PartitionMetadata partition_of(Client& client) {
  const auto topic = client.admin().describe_topic("t", soon);
  if (!topic) FAIL(topic.error().to_string());
  return topic->partitions.at(0);
}

void read_all(Client& client, int count) {
  ConsumerOptions options;
  options.topics = {"t"};
  auto consumer = client.consumer(options);
  REQUIRE(consumer);
  int next = 0;
  while (next < count) {
    const auto records = (*consumer)->poll(1'000, soon);
    if (!records) FAIL(records.error().to_string());
    REQUIRE_FALSE(records->empty());
    for (const ConsumerRecord& record : *records) REQUIRE(record.value == value_of(next++));
  }
}

/// One bit of a record's value, in the file of a node that does not run. (And in what a page that
/// was split may still have of it.)
void damage(const std::string& path, const std::string& value) {
  std::string file = read_file(path);
  std::size_t at = file.find(value);
  REQUIRE(at != std::string::npos);
  for (; at != std::string::npos; at = file.find(value, at)) file[at + value.size() - 1] ^= 1;
  write_file(path, file);
}

bool has_set_aside(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/set-aside")) {
    if (entry.path().extension() == ".db") return true;
  }
  return false;
}

}  // namespace

TEST_CASE("damage: a copy in which a reader finds a flipped bit is made anew without a restart",
          "[integration][cluster]") {
  ServerCluster cluster(2);
  const auto client = cluster.client();
  TopicConfig config;
  config.partitions = 1;
  config.replication = 2;
  REQUIRE(client->admin().create_topic("t", config, soon));
  constexpr int count = 300;
  auto producer = client->producer({});
  REQUIRE(producer);
  for (int i = 0; i < count; ++i) {
    const std::string value = value_of(i);
    ProducerRecord record;
    record.value = value;
    REQUIRE((*producer)->send("t", record));
  }
  REQUIRE((*producer)->close(soon));
  REQUIRE(eventually(soon, [&] { return partition_of(*client).isr.size() == 2; }));
  const NodeId damaged = partition_of(*client).leader;
  const int number = damaged.raw();
  cluster.stop_node(number);
  damage(cluster.node_folder(number) + "/t/t-0.db", value_of(7));
  cluster.start_node(number);
  REQUIRE(eventually(soon, [&] { return partition_of(*client).leader == damaged; }));

  read_all(*client, count);
  REQUIRE(eventually(soon, [&] { return has_set_aside(cluster.node_folder(number)); }));
  REQUIRE(eventually(soon, [&] { return partition_of(*client).isr.size() == 2; }));
  // What it has is whole: the other one may go.
  cluster.stop_node(3 - number);
  REQUIRE(eventually(soon, [&] {
    const PartitionMetadata partition = partition_of(*client);
    return partition.leader == damaged && partition.state == PartitionState::online;
  }));
  read_all(*client, count);
}
