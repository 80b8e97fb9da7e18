// An HTTP gateway's configuration file: as broker_config_test.cpp, and what is its own.
#include "common/config/gateway_config.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/config/documented_keys.hpp"

namespace pinion {
namespace {

std::string why_refused(const std::string& text) {
  const auto config = parse_gateway_config(text, "g.toml");
  if (config) return "";
  CHECK(config.error().code == Errc::config_invalid);
  return config.error().detail;
}

TEST_CASE("config: an empty gateway file is the defaults, and so is the documented one",
          "[config]") {
  const auto empty = parse_gateway_config("", "g.toml");
  REQUIRE(empty);
  CHECK(*empty == GatewayConfig{});
  const auto documented = load_gateway_config(PINION_SOURCE_DIR "/configs/gateway.toml");
  REQUIRE(documented);
  CHECK(*documented == GatewayConfig{});
}

TEST_CASE("config: the documented gateway file has every key, each with a comment", "[config]") {
  const std::string path = PINION_SOURCE_DIR "/configs/gateway.toml";
  CHECK(documented_keys(path) == sorted(gateway_config_keys()));
  CHECK(undocumented_keys(path) == std::vector<std::string>{});
}

TEST_CASE("config: every key of a gateway's file arrives in its field", "[config]") {
  const auto config = parse_gateway_config(R"(
broker = "tcp://leader.example:5550"
binds = ["0.0.0.0:80", "[::]:80"]
tls_certificate = "c.pem"
tls_key = "k.pem"
threads = 3
answer_within_ms = 2000
connections_max = 7
header_bytes_max = 2048
body_bytes_max = 4096
small_body_bytes_max = 3072
idle_timeout_ms = 1001
request_timeout_ms = 1002
write_timeout_ms = 1003
access_log = "all"
[log]
level = "warn"
)",
                                           "g.toml");
  REQUIRE(config);
  GatewayConfig expected;
  expected.broker = "tcp://leader.example:5550";
  expected.binds = {"0.0.0.0:80", "[::]:80"};
  expected.tls_certificate = "c.pem";
  expected.tls_key = "k.pem";
  expected.tls_certificate_place = "g.toml:4: tls_certificate";
  expected.tls_key_place = "g.toml:5: tls_key";
  expected.threads = 3;
  expected.answer_within_ms = 2000;
  expected.connections_max = 7;
  expected.header_bytes_max = 2048;
  expected.body_bytes_max = 4096;
  expected.small_body_bytes_max = 3072;
  expected.idle_timeout_ms = 1001;
  expected.request_timeout_ms = 1002;
  expected.write_timeout_ms = 1003;
  expected.access_log = AccessLog::all;
  expected.log.level = LogLevel::warn;
  CHECK(*config == expected);
}

TEST_CASE("config: what a gateway's file may not say is named with its line", "[config]") {
  CHECK(why_refused("\nbinds = [\"nowhere\"]").find("g.toml:2: binds must be ADDRESS:PORT") == 0);
  CHECK(why_refused("binds = []").find("binds must name 1 to 64") != std::string::npos);
  CHECK(
      why_refused("\ntls_key = \"k\"").find("g.toml:2: tls_key and tls_certificate go together") ==
      0);
  CHECK(why_refused("\ntls_certificate = \"c\"")
            .find("g.toml:2: tls_certificate and tls_key go together") == 0);
  CHECK(why_refused("\nbinds = [\"127.0.0.1:80\", \"[::1]:80\", \"127.0.0.1:80\"]") ==
        "g.toml:2: binds names 127.0.0.1:80 twice; once is enough");
  CHECK(why_refused("binds = [\"127.0.0.1:0\", \"127.0.0.1:0\"]").empty());
  CHECK(why_refused("access_log = \"some\"").find("\"none\", \"errors\" or \"all\"") !=
        std::string::npos);
  CHECK(why_refused("threads = 0").find("threads") != std::string::npos);
  CHECK(why_refused("nonsense = 1").find("nonsense") != std::string::npos);
}

}  // namespace
}  // namespace pinion
