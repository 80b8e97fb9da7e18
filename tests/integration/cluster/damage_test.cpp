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

void send(Client& client, int from, int end) {
  auto producer = client.producer({});
  REQUIRE(producer);
  for (int i = from; i < end; ++i) {
    const std::string value = value_of(i);
    ProducerRecord record;
    record.value = value;
    REQUIRE((*producer)->send("t", record));
  }
  REQUIRE((*producer)->close(soon));
}

bool has_set_aside(const std::string& folder) {
  if (!std::filesystem::exists(folder + "/set-aside")) return false;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/set-aside")) {
    if (entry.path().extension() == ".db") return true;
  }
  return false;
}

/// Topic "t" of one partition, with so many records on both of two nodes.
void make_in_sync(Client& client, int count) {
  TopicConfig config;
  config.partitions = 1;
  config.replication = 2;
  REQUIRE(client.admin().create_topic("t", config, soon));
  send(client, 0, count);
  REQUIRE(eventually(soon, [&] { return partition_of(client).isr.size() == 2; }));
}

}  // namespace

TEST_CASE("damage: a copy in which a reader finds a flipped bit is made anew without a restart",
          "[integration][cluster]") {
  ServerCluster cluster(2);
  const auto client = cluster.client();
  constexpr int count = 300;
  make_in_sync(*client, count);
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

TEST_CASE("damage: a file that is emptied or deleted in use is made anew without a restart",
          "[integration][cluster]") {
  ServerCluster cluster(2);
  const auto client = cluster.client();
  constexpr int count = 100;
  make_in_sync(*client, count);
  const int leader = partition_of(*client).leader.raw();
  const bool is_leaders = GENERATE(true, false);
  const bool is_emptied = GENERATE(true, false);
  const int struck = is_leaders ? leader : 3 - leader;
  const std::string file = cluster.node_folder(struck) + "/t/t-0.db";
  if (is_emptied) {
    std::ofstream(file, std::ios::trunc).close();
  } else {
    REQUIRE(std::filesystem::remove(file));
  }
  // Noticed by what is written next, or by itself.
  send(*client, count, 2 * count);
  const auto is_made_anew = [&] {
    // What stands there is never lost.
    if (is_emptied && !has_set_aside(cluster.node_folder(struck))) return false;
    return std::filesystem::exists(file) && std::filesystem::file_size(file) > 0 &&
           partition_of(*client).isr.size() == 2;
  };
  REQUIRE(eventually(soon, is_made_anew));
  // What it has is whole: the other one may go.
  cluster.stop_node(3 - struck);
  REQUIRE(eventually(soon, [&] {
    const PartitionMetadata partition = partition_of(*client);
    return partition.leader.raw() == struck && partition.state == PartitionState::online;
  }));
  read_all(*client, 2 * count);
}
