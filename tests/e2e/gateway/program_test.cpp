// pinion-gateway as a program: its configuration, its life beside a cluster that comes and goes,
// time-outs, TLS.
#include <catch2/catch.hpp>

#include "tests/e2e/gateway/gateway_process.hpp"
#include "tests/e2e/gateway/http_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <chrono>
#include <csignal>
#include <string>

using namespace pinion;
using namespace pinion::test;
using gateway::Json;

TEST_CASE("pinion-gateway: its example configuration is good, and a bad one named",
          "[gateway][program]") {
  const std::string program = programs() + "/pinion-gateway";
  const Finished good =
      run({.arguments = {program, "--check-config", PINION_SOURCES "/configs/gateway.toml"}});
  INFO(good.errors);
  CHECK(good.status == 0);
  TemporaryFolder folder;
  write_file(folder / "bad.toml", "broker = \"tcp://127.0.0.1:5550\"\nbinds = [\"nowhere\"]\n");
  const Finished bad = run({.arguments = {program, "--check-config", folder / "bad.toml"}});
  CHECK(bad.status == 1);
  CHECK(bad.errors.find("bad.toml:2") != std::string::npos);
  CHECK(bad.errors.find("binds") != std::string::npos);
  CHECK(run({.arguments = {program, "--version"}}).output.find("pinion-gateway ") == 0);
  CHECK(run({.arguments = {program, "--help"}}).status == 0);
  CHECK(run({.arguments = {program}}).status == 1);
}

TEST_CASE("pinion-gateway: without a cluster it answers 503, and serves when one comes",
          "[gateway][program]") {
  ProcessCluster cluster(1);
  GatewayProcess gateway(cluster.address(), "answer_within_ms = 500\n");
  HttpClient client(gateway.port());
  static_cast<void>(bad(client.ask("GET", "/health"), 503));
  static_cast<void>(bad(client.ask("POST", "/topics", object({{"topic", "early"}})), 503));
  CHECK(client.ask("GET", "/ping").status == 200);
  CHECK(client.ask("GET", "/metrics").body.find("pinion_gateway_broker_connected 0") !=
        std::string::npos);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(eventually(patience(10s), [&] { return client.ask("GET", "/health").status == 200; }));
  const HttpReply made = client.ask("POST", "/topics", object({{"topic", "late"}}));
  INFO(made.body);
  CHECK(made.status == 200);
}

TEST_CASE("pinion-gateway: it rides out a restart of the broker and of a partition broker",
          "[gateway][program]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  GatewayProcess gateway(cluster.address());
  HttpClient client(gateway.port());
  static_cast<void>(good(client.ask("POST", "/topics", object({{"topic", "t"}}))));
  static_cast<void>(good(client.ask("POST", "/producer/register", object({{"topic", "t"}}))));
  static_cast<void>(good(client.ask("POST", "/consumer/register", object({{"topic", "t"}}))));
  const std::string message = object({{"topic", "t"}, {"producer_id", "1"}, {"message", "m"}});
  static_cast<void>(good(client.ask("POST", "/producer/produce", message)));
  cluster.broker().kill();
  cluster.start_broker();
  CHECK(good(client.ask("POST", "/producer/produce", message))["offset"] == 1);
  cluster.node(1).kill();
  CHECK(good(client.ask("GET", "/size?topic=t&consumer_id=1"))["size"] == 2);
  CHECK(json_of(client.ask("GET", "/size?topic=t&consumer_id=1")).value("partial", false));
  cluster.start_node(1);
  CHECK(good(client.ask("POST", "/producer/produce", message))["offset"] == 2);
  CHECK(good(client.ask("GET", "/consumer/consume?topic=t&consumer_id=1"))["offset"] == 0);
  // It ends within seconds, with what was asked answered.
  gateway.process().signal(SIGTERM);
  CHECK(gateway.process().wait(patience(10s)) == 0);
}

TEST_CASE("pinion-gateway: it is not healthy while no partition broker is alive, and says why",
          "[gateway][program]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  GatewayProcess gateway(cluster.address());
  HttpClient client(gateway.port());
  CHECK(good(client.ask("GET", "/health"))["healthy"] == true);
  cluster.end_node(1);
  HttpReply reply;
  REQUIRE(eventually(patience(20s), [&] {
    reply = client.ask("GET", "/health");
    return reply.status == 503;
  }));
  CHECK(bad(reply, 503).find("No partition broker is alive") == 0);
  CHECK(json_of(reply)["healthy"] == false);
  cluster.start_node(1);
  CHECK(eventually(patience(20s), [&] { return client.ask("GET", "/health").status == 200; }));
}

TEST_CASE("pinion-gateway: a request that does not end is answered 408, an idle peer dropped",
          "[gateway][program]") {
  GatewayProcess gateway(HttpCluster::shared().broker(),
                         "request_timeout_ms = 1000\nidle_timeout_ms = 1500\n");
  HttpClient slow(gateway.port());
  REQUIRE(slow.connect());
  slow.send("POST /topics HTTP/1.1\r\nContent-Length: 100\r\n\r\n{");
  HttpClient idle(gateway.port());
  REQUIRE(idle.connect());
  CHECK(slow.receive().status == 408);
  CHECK(idle.closed_within(patience(5s)));
  HttpClient good_one(gateway.port());
  CHECK(good_one.ask("GET", "/health").status == 200);
}

TEST_CASE("pinion-gateway: connections beyond the limit are refused, the others served",
          "[gateway][program]") {
  GatewayProcess gateway(HttpCluster::shared().broker(), "connections_max = 2\n");
  HttpClient one(gateway.port());
  HttpClient two(gateway.port());
  CHECK(one.ask("GET", "/ping").status == 200);
  CHECK(two.ask("GET", "/ping").status == 200);
  HttpClient three(gateway.port());
  CHECK(three.ask("GET", "/ping").status == 0);
  CHECK(one.ask("GET", "/ping").status == 200);
  two.close();
  CHECK(eventually(patience(5s), [&] { return three.ask("GET", "/ping").status == 200; }));
}

TEST_CASE("pinion-gateway: TLS by configuration", "[gateway][program]") {
  TemporaryFolder folder;
  const Finished made =
      run({.arguments = {"/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                         "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", folder / "key.pem",
                         "-out", folder / "cert.pem"}});
  REQUIRE(made.status == 0);
  GatewayProcess gateway(HttpCluster::shared().broker(),
                         "tls_certificate = \"" + (folder / "cert.pem") + "\"\ntls_key = \"" +
                             (folder / "key.pem") + "\"\n");
  const std::string url = "https://127.0.0.1:" + std::to_string(gateway.port());
  const Finished fetched = run({.arguments = {"/usr/bin/curl", "-s", "-k", "--max-time", "10",
                                              url + "/health", url + "/ping"}});
  CHECK(fetched.status == 0);
  CHECK(fetched.output.find("\"healthy\":true") != std::string::npos);
  CHECK(fetched.output.find("pong") != std::string::npos);
  HttpClient plain(gateway.port(), 3s);
  CHECK(plain.ask("GET", "/ping").status == 0);
}
