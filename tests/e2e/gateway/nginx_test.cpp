// configs/nginx.conf under the real nginx: what it answers itself looks like a gateway's answer,
// and a gateway that comes and goes is noticed for no longer than it must be.
#include <catch2/catch.hpp>

#include "tests/e2e/gateway/gateway_process.hpp"
#include "tests/e2e/gateway/http_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <csignal>
#include <string>

using namespace pinion;
using namespace pinion::test;

namespace {

/// The first answer to bytes as they are.
HttpReply raw(int port, const std::string& bytes) {
  HttpClient client(port, 5s);
  REQUIRE(client.connect());
  client.send(bytes);
  return client.receive();
}

/// Two gateways, and nginx in front of them.
struct Behind {
  GatewayProcess first{HttpCluster::shared().broker()};
  GatewayProcess second{HttpCluster::shared().broker()};
  Nginx nginx{first.port(), second.port()};
  HttpClient client{nginx.port()};
};

}  // namespace

TEST_CASE("nginx: without a gateway it answers 503 in JSON, with Retry-After", "[.nginx]") {
  Behind behind;
  CHECK(behind.client.ask("GET", "/ping").status == 200);
  behind.first.kill();
  behind.second.kill();
  const HttpReply reply = behind.client.ask("GET", "/topics");
  CHECK(bad(reply, 503).find("No gateway answers") == 0);
  CHECK(json_of(reply)["fate"] == "unknown");
  CHECK_FALSE(json_of(reply)["code"].get<std::string>().empty());
  static_cast<void>(
      bad(behind.client.ask("POST", "/topics/t/query", R"({"sql":"select 1"})"), 503));
  static_cast<void>(bad(behind.client.ask("GET", "/topics/t/events"), 503));
}

TEST_CASE("nginx: what it refuses itself is JSON, in the gateways' codes", "[.nginx]") {
  Behind behind;
  const int port = behind.nginx.port();
  const std::string head = "GET /ping HTTP/1.1\r\nHost: x\r\n";
  static_cast<void>(bad(raw(port, "GET /ping HTTP/1.1\r\nno colon\r\n\r\n"), 400));
  static_cast<void>(bad(raw(port, head + "Content-Length: -1\r\n\r\n"), 400));
  static_cast<void>(bad(raw(port, "G\x01T /ping HTTP/1.1\r\nHost: x\r\n\r\n"), 400));
  static_cast<void>(
      bad(raw(port, "POST /topics HTTP/1.1\r\nHost: x\r\nContent-Length: 17000000\r\n\r\n"), 413));
  static_cast<void>(
      bad(raw(port, head + "X-Large: " + std::string(20'000, 'x') + "\r\n\r\n"), 431));
  static_cast<void>(
      bad(raw(port, "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 431));
  static_cast<void>(bad(raw(port, "TRACE /ping HTTP/1.1\r\nHost: x\r\n\r\n"), 400));
  static_cast<void>(bad(raw(port, head + "Transfer-Encoding: gzip\r\n\r\n"), 400));
  static_cast<void>(bad(raw(port, "GET /.nginx/malformed HTTP/1.1\r\nHost: x\r\n\r\n"), 404));
  // What a gateway takes passes, and what a gateway answers is left as it is.
  CHECK(raw(port, head + "X-Large: " + std::string(15'000, 'x') + "\r\n\r\n").status == 200);
  CHECK(behind.client.ask("GET", "/nowhere").body.find("/openapi.json") != std::string::npos);
  CHECK(bad(behind.client.ask("POST", "/topics", "{")).find("not JSON") != std::string::npos);
}

TEST_CASE("nginx: both gateways restarted at once are used again at once", "[.nginx]") {
  Behind behind;
  for (int round = 0; round < 2; ++round) {
    CHECK(behind.client.ask("GET", "/ping").status == 200);
    behind.first.kill();
    behind.second.kill();
    CHECK(behind.client.ask("GET", "/ping").status == 503);
    behind.first.start();
    behind.second.start();
    CHECK(behind.client.ask("GET", "/ping").status == 200);
  }
}

TEST_CASE("nginx: SQL and everything else pass", "[.nginx]") {
  Behind behind;
  const std::string topic = HttpCluster::shared().new_topic(2);
  static_cast<void>(
      good(behind.client.ask("POST", "/topics/" + topic + "/records", R"({"records":["a","b"]})")));
  const gateway::Json rows = good(behind.client.ask("POST", "/topics/" + topic + "/query",
                                                    R"({"sql":"select value from readable"})"));
  CHECK(rows["rows"].size() == 2);
}
