// A partition broker's configuration file: as broker_config_test.cpp, and what is its own.
#include "common/config/partition_config.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/config/documented_keys.hpp"

namespace pinion {
namespace {

std::string why_refused(const std::string& text) {
  const auto config = parse_partition_config(text, "p.toml");
  if (config) return "";
  CHECK(config.error().code == Errc::config_invalid);
  return config.error().detail;
}

TEST_CASE("config: a partition broker's file must name its node_id", "[config]") {
  CHECK(why_refused("") == "p.toml: node_id is missing; each partition broker has its own");
  const auto config = parse_partition_config("node_id = 1", "p.toml");
  REQUIRE(config);
  CHECK(*config == PartitionConfig{});
}

TEST_CASE("config: every key of a partition broker's file arrives in its field", "[config]") {
  const auto config = parse_partition_config(R"(
node_id = 7
broker = "tcp://leader.example:5551"
data_dir = "d"
advertised_address = "tcp://[::1]:5560"
rack = "r1"
region = "eu"
topics = ["orders-*", "audit"]
store_threads = 8
reader_threads = 3
io_threads = 2
memory_fuse_mib = 500
low_space_mib = 100
wal_mib_max = 50
file_idle_close_s = 5
retention_hours_default = 48
retention_mib_default = 1000
log = { level = "off" }
)",
                                             "p.toml");
  REQUIRE(config);
  PartitionConfig expected;
  expected.node_id = NodeId(7);
  expected.broker = "tcp://leader.example:5551";
  expected.data_dir = "d";
  expected.advertised_address = "tcp://[::1]:5560";
  expected.rack = "r1";
  expected.region = "eu";
  expected.topics = {"orders-*", "audit"};
  expected.store_threads = 8;
  expected.reader_threads = 3;
  expected.io_threads = 2;
  expected.memory_fuse_mib = 500;
  expected.low_space_mib = 100;
  expected.wal_mib_max = 50;
  expected.file_idle_close_s = 5;
  expected.retention_hours_default = 48;
  expected.retention_mib_default = 1000;
  expected.log.level = LogLevel::off;
  CHECK(*config == expected);
}

TEST_CASE("config: a partition broker's impossible values are refused", "[config]") {
  struct Case {
    std::string text;
    std::string error;
  };
  const std::vector<Case> cases = {
      {"node_id = 0", "p.toml:1: node_id must be at least 1"},
      {"node_id = -3", "p.toml:1: node_id must be at least 1"},
      {"node_id = 2147483648", "p.toml:1: node_id is 2147483648, which is out of range"},
      {"node_id = 1\nbroker = \"tcp://h:*\"",
       "p.toml:2: broker 'tcp://h:*' needs a port to connect to"},
      {"node_id = 1\nbroker = \"tcp://*:5551\"",
       "p.toml:2: broker 'tcp://*:5551' has a host that is neither a name nor an address "
       "(of IPv6: [ADDRESS])"},
      {"node_id = 1\nadvertised_address = \"tcp://0.0.0.0:5561\"",
       "p.toml:2: advertised_address is an address of every interface; it must be one that others "
       "can connect to"},
      {"node_id = 1\ndata_bind = \"tcp://[::]:5561\"",
       "p.toml:2: data_bind names all addresses; then advertised_address must say where others "
       "reach this node"},
      {"node_id = 1\nbroker = \"tcp://h:0\"",
       "p.toml:2: broker 'tcp://h:0' needs a port from 1 to 65535"},
      {"node_id = 1\nadvertised_address = \"here\"",
       "p.toml:2: advertised_address 'here' must be tcp://HOST:PORT"},
      {"node_id = 1\ntopics = \"orders\"",
       "p.toml:2: topics must be a list of texts: [\"a\", \"b\"]"},
      {"node_id = 1\ntopics = [\"a\", 3]",
       "p.toml:2: topics must hold nothing but texts, in quotes"},
      {"node_id = 1\ntopics = [\"a b\"]",
       "p.toml:2: topics holds a pattern that no topic's name can match: use A-Z a-z 0-9 . _ - and "
       "*"},
      {"node_id = 1\nstore_threads = 0", "p.toml:2: store_threads is 0; it must be 1 to 64"},
      {"node_id = 1\nreader_threads = 65", "p.toml:2: reader_threads is 65; it must be 1 to 64"},
      {"node_id = 1\nmemory_fuse_mib = 100",
       "p.toml:2: memory_fuse_mib is 100; it must be 128 to 65536"},
      {"node_id = 1\nlow_space_mib = 7", "p.toml:2: low_space_mib is 7; it must be 8 to 16777216"},
      {"node_id = 1\nwal_mib_max = 1", "p.toml:2: wal_mib_max is 1; it must be 8 to 16777216"},
      {"node_id = 1\nfile_idle_close_s = 0",
       "p.toml:2: file_idle_close_s is 0; it must be 1 to 86400"},
      {"node_id = 1\nclient_bind = \"tcp://h:1\"",
       "p.toml:2: client_bind is not a key of this file"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(why_refused(c.text) == c.error);
  }
}

TEST_CASE("config: configs/partition-*.toml document every key", "[config]") {
  for (const int number : {1, 2, 3}) {
    const std::string name = "partition-" + std::to_string(number);
    const std::string path = PINION_SOURCE_DIR "/configs/" + name + ".toml";
    INFO(path);
    const auto config = load_partition_config(path);
    REQUIRE(config);
    PartitionConfig expected;
    expected.node_id = NodeId(number);
    expected.data_dir = "data/production/" + name;
    CHECK(*config == expected);
    CHECK(documented_keys(path) == sorted(partition_config_keys()));
    CHECK(undocumented_keys(path).empty());
  }
}

}  // namespace
}  // namespace pinion
