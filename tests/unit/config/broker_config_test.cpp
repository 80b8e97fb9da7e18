// A broker's configuration file: defaults, every refusal with its place, and the documented file.
#include "common/config/broker_config.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/config/documented_keys.hpp"

namespace pinion {
namespace {

std::string why_refused(const std::string& text) {
  const auto config = parse_broker_config(text, "broker.toml");
  if (config) return "";
  CHECK(config.error().code == Errc::config_invalid);
  return config.error().detail;
}

TEST_CASE("config: an empty file is the defaults", "[config]") {
  const auto config = parse_broker_config("", "broker.toml");
  REQUIRE(config);
  CHECK(*config == BrokerConfig{});
  CHECK(check(BrokerConfig{}));
}

TEST_CASE("config: every key of a broker's file arrives in its field", "[config]") {
  const auto config = parse_broker_config(R"(
cluster_name = "west"
data_dir = "/srv/pinion"
client_bind = "tcp://0.0.0.0:7000"
cluster_bind = "tcp://*:*"
record_bytes_max = 67108864
heartbeat_ms = 100
node_lost_after_ms = 400
memory_fuse_mib = 200
io_threads = 2
[log]
level = "debug"
file = "broker.log"
file_mib_max = 10
files_kept = 1
)",
                                          "broker.toml");
  REQUIRE(config);
  BrokerConfig expected;
  expected.cluster_name = "west";
  expected.data_dir = "/srv/pinion";
  expected.client_bind = "tcp://0.0.0.0:7000";
  expected.cluster_bind = "tcp://*:*";
  expected.record_bytes_max = limits::record_bytes_ceiling;
  expected.heartbeat_ms = 100;
  expected.node_lost_after_ms = 400;
  expected.memory_fuse_mib = 200;
  expected.io_threads = 2;
  expected.log = {LogLevel::debug, "broker.log", 10, 1};
  CHECK(*config == expected);
}

TEST_CASE("config: what is wrong is named with file, line and key", "[config]") {
  struct Case {
    std::string text;
    std::string error;
  };
  const std::vector<Case> cases = {
      {"\nheartbeats_ms = 5\n", "broker.toml:2: heartbeats_ms is not a key of this file"},
      {"[log]\ncolour = true\n", "broker.toml:2: log.colour is not a key of this file"},
      {"[logs]\n", "broker.toml:1: logs is not a key of this file"},
      {"heartbeat_ms = \"500\"", "broker.toml:1: heartbeat_ms must be a whole number"},
      {"heartbeat_ms = 500.0", "broker.toml:1: heartbeat_ms must be a whole number"},
      {"heartbeat_ms = true", "broker.toml:1: heartbeat_ms must be a whole number"},
      {"heartbeat_ms = -1", "broker.toml:1: heartbeat_ms must not be negative"},
      {"heartbeat_ms = 4294967296",
       "broker.toml:1: heartbeat_ms is 4294967296, which is out of range"},
      {"heartbeat_ms = 9", "broker.toml:1: heartbeat_ms is 9; it must be 10 to 60000"},
      {"heartbeat_ms = 60001\nnode_lost_after_ms = 600000",
       "broker.toml:1: heartbeat_ms is 60001; it must be 10 to 60000"},
      {"heartbeat_ms = 1000",
       "broker.toml:1: node_lost_after_ms must be at least twice heartbeat_ms, or one late word "
       "loses a node"},
      {"data_dir = 3", "broker.toml:1: data_dir must be text, in quotes"},
      {"data_dir = \"\"", "broker.toml:1: data_dir is empty"},
      {"data_dir = \"a\\u0000b\"", "broker.toml:1: data_dir has characters that cannot be printed"},
      {"cluster_name = \"\"", "broker.toml:1: cluster_name is empty"},
      {"client_bind = \"tcp://127.0.0.1:0\"",
       "broker.toml:1: client_bind 'tcp://127.0.0.1:0' needs a port from 1 to 65535, or * for any "
       "free one"},
      {"client_bind = \"tcp://127.0.0.1:65536\"",
       "broker.toml:1: client_bind 'tcp://127.0.0.1:65536' needs a port from 1 to 65535, or * for "
       "any free one"},
      {"client_bind = \"tcp://127.0.0.1\"",
       "broker.toml:1: client_bind 'tcp://127.0.0.1' has no port"},
      {"client_bind = \"tcp://:5550\"", "broker.toml:1: client_bind 'tcp://:5550' has no host"},
      {"client_bind = \"tcp://a b:5550\"",
       "broker.toml:1: client_bind 'tcp://a b:5550' has a host that is neither a name nor an "
       "address (of IPv6: [ADDRESS])"},
      {"client_bind = \"127.0.0.1:5550\"",
       "broker.toml:1: client_bind '127.0.0.1:5550' must be tcp://HOST:PORT"},
      {"client_bind = \"http://127.0.0.1:5550\"",
       "broker.toml:1: client_bind 'http://127.0.0.1:5550' must be tcp://HOST:PORT"},
      {"client_bind = \"\"", "broker.toml:1: client_bind '' must be tcp://HOST:PORT"},
      {"cluster_bind = \"tcp://127.0.0.1:5550\"",
       "broker.toml:1: cluster_bind is the same as client_bind; choose another port for one of "
       "them"},
      {"record_bytes_max = 67108865",
       "broker.toml:1: record_bytes_max is 67108865; it must be 1024 to 67108864"},
      {"record_bytes_max = 0", "broker.toml:1: record_bytes_max is 0; it must be 1024 to 67108864"},
      {"memory_fuse_mib = 1", "broker.toml:1: memory_fuse_mib is 1; it must be 128 to 65536"},
      {"io_threads = 0", "broker.toml:1: io_threads is 0; it must be 1 to 16"},
      {"[log]\nlevel = \"loud\"",
       "broker.toml:2: log.level must be \"debug\", \"info\", \"warn\", \"error\" or \"off\""},
      {"[log]\nlevel = 3", "broker.toml:2: log.level must be text, in quotes"},
      {"log = 3", "broker.toml:1: log must be a section: [log]"},
      {"[log]\nfile_mib_max = 0", "broker.toml:2: log.file_mib_max is 0; it must be 1 to 10240"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(why_refused(c.text) == c.error);
  }
}

TEST_CASE("config: text that is no TOML is refused at its line", "[config]") {
  for (const std::string text :
       {"\n\nheartbeat_ms =", "\n\n= 3", "\n\n[log", "\n\na = 1\na = 2", "\n\nname = \"\xff\""}) {
    INFO(text);
    const std::string why = why_refused(text);
    CHECK((why.rfind("broker.toml:3: ", 0) == 0 || why.rfind("broker.toml:4: ", 0) == 0));
  }
}

TEST_CASE("config: characters beyond ASCII are written in comments or as escapes", "[config]") {
  const auto config = parse_broker_config(
      "# caf\xc3\xa9\ncluster_name = \"caf\\u00e9\" # \xe2\x82\xac\n", "broker.toml");
  REQUIRE(config);
  CHECK(config->cluster_name == "caf\xc3\xa9");
  const std::string stray =
      "broker.toml:2: a character that is not ASCII; in quotes write it as \\u00e9";
  CHECK(why_refused("\nt\xc3\x96 = 1") == stray);
  CHECK(why_refused("\ncluster_name = \"caf\xc3\xa9\"") == stray);
  CHECK(why_refused("#\nttop = 2*\"\xc9\x8f`\"") == stray);
  CHECK(why_refused("\n\xe3\x80\x80") == stray);
}

TEST_CASE("config: a file that cannot be read is an error that names it", "[config]") {
  for (const auto& [path, why] : std::vector<std::pair<std::string, std::string>>{
           {"/nonexistent/broker.toml", "No such file or directory"}, {"/", "Is a directory"}}) {
    const auto config = load_broker_config(path);
    REQUIRE_FALSE(config);
    CHECK(config.error().code == Errc::io_failed);
    CHECK(config.error().detail.find("'" + path + "': " + why) != std::string::npos);
    CHECK(config.error().detail.find("name a file that can be read") != std::string::npos);
  }
}

TEST_CASE("config: two keys that contradict one another are an error with a line", "[config]") {
  // Whichever of the two the file names: the other one has its default.
  const BrokerConfig defaults;
  const std::string same = "cluster_bind is the same as client_bind";
  CHECK(why_refused("\nclient_bind = \"" + defaults.cluster_bind + "\"")
            .find("broker.toml:2: " + same) == 0);
  CHECK(why_refused("\n\ncluster_bind = \"" + defaults.client_bind + "\"")
            .find("broker.toml:3: " + same) == 0);
  CHECK(why_refused("\nclient_bind = \"tcp://0.0.0.0:5551\"").find("broker.toml:2: " + same) == 0);
}

TEST_CASE("config: values filled in without a file are held to the same rules", "[config]") {
  BrokerConfig config;
  config.io_threads = 17;
  const auto checked = check(config);
  REQUIRE_FALSE(checked);
  CHECK(checked.error().code == Errc::config_invalid);
  CHECK(checked.error().detail == "io_threads is 17; it must be 1 to 16");
}

TEST_CASE("config: configs/broker.toml documents every key with its default", "[config]") {
  const std::string path = PINION_SOURCE_DIR "/configs/broker.toml";
  const auto config = load_broker_config(path);
  REQUIRE(config);
  CHECK(*config == BrokerConfig{});
  CHECK(documented_keys(path) == sorted(broker_config_keys()));
  CHECK(undocumented_keys(path).empty());
}

}  // namespace
}  // namespace pinion
