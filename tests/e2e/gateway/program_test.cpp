// pinion-gateway as a program: its configuration, its life beside a cluster that comes and goes,
// time-outs, TLS.
#include <catch2/catch.hpp>

#include "tests/e2e/gateway/gateway_process.hpp"
#include "tests/e2e/gateway/http_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <chrono>
#include <csignal>
#include <string>
#include <tuple>

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

TEST_CASE("pinion-gateway: an address that is taken is named, with what to do",
          "[gateway][program]") {
  GatewayProcess first(HttpCluster::shared().broker());
  TemporaryFolder folder;
  const std::string address = "127.0.0.1:" + std::to_string(first.port());
  write_file(folder / "same.toml", "broker = \"" + HttpCluster::shared().broker() +
                                       "\"\nbinds = [\"" + address + "\"]\n");
  const Finished second =
      run({.arguments = {programs() + "/pinion-gateway", folder / "same.toml"}}, patience(20s));
  INFO(second.errors);
  CHECK(second.status == 1);
  CHECK(second.errors.find(address) != std::string::npos);
  CHECK(second.errors.find("choose another port") != std::string::npos);
}

TEST_CASE("pinion-gateway: without a cluster it answers 503, and serves when one comes",
          "[gateway][program]") {
  ProcessCluster cluster(1);
  GatewayProcess gateway(cluster.address(), "answer_within_ms = 500\n");
  HttpClient client(gateway.port());
  static_cast<void>(bad(client.ask("GET", "/health"), 503));
  static_cast<void>(bad(client.ask("POST", "/topics", object({{"topic", "early"}})), 503));
  CHECK(client.ask("GET", "/ping").status == 200);
  const std::string page = client.ask("GET", "/metrics").body;
  CHECK(page.find("pinion_gateway_broker_connected 0") != std::string::npos);
  // What only grows is a counter.
  CHECK(page.find("# TYPE pinion_gateway_broker_reconnects_total counter") != std::string::npos);
  CHECK(page.find("# TYPE pinion_gateway_records_total counter") != std::string::npos);
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

TEST_CASE("pinion-gateway: asked to end, it answers what is on its way, and does not wait for it",
          "[gateway][program]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  GatewayProcess gateway(cluster.address());
  HttpClient client(gateway.port());
  static_cast<void>(good(client.ask("POST", "/topics", object({{"topic", "t"}}))));
  static_cast<void>(good(client.ask("POST", "/topics", object({{"topic", "dead"}}))));
  static_cast<void>(good(client.ask("POST", "/producer/register", object({{"topic", "t"}}))));
  HttpClient poll(gateway.port());
  HttpClient tail(gateway.port());
  for (HttpClient* one : {&poll, &tail}) REQUIRE(one->connect());
  poll.send("GET /topics/t/partitions/0/records?wait_ms=30000 HTTP/1.1\r\n\r\n");
  tail.send("GET /topics/t/events HTTP/1.1\r\n\r\n");
  REQUIRE(tail.receive(true).status == 200);
  gateway.process().signal(SIGTERM);
  const HttpReply polled = poll.receive();
  CHECK(good(polled)["records"].empty());
  CHECK(polled.header("connection") == "close");
  CHECK(gateway.process().wait(patience(10s)) == 0);  // The poll would wait for 30 s.

  // And what nobody can answer, for its partition has no leader, is told so.
  gateway.start();
  client.close();
  const std::string message = object({{"topic", "t"}, {"producer_id", "1"}, {"message", "m"}});
  static_cast<void>(good(client.ask("POST", "/producer/produce", message)));
  cluster.end_node(1);
  HttpClient waiting(gateway.port());
  REQUIRE(waiting.connect());
  waiting.send("POST /producer/produce HTTP/1.1\r\nContent-Length: " +
               std::to_string(message.size()) + "\r\n\r\n" + message);
  HttpClient other(gateway.port());
  REQUIRE(other.ask("GET", "/ping").status == 200);
  gateway.process().signal(SIGTERM);
  static_cast<void>(bad(waiting.receive(), 503));
  CHECK(gateway.process().wait(patience(6s)) == 0);
}

TEST_CASE("pinion-gateway: what was sent when it ends may have happened, and is told so",
          "[gateway][program]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  GatewayProcess gateway(cluster.address());
  HttpClient client(gateway.port());
  static_cast<void>(good(client.ask("POST", "/topics", object({{"topic", "t"}}))));
  for (const char* kind : {"producer", "consumer"}) {
    static_cast<void>(
        good(client.ask("POST", "/" + std::string(kind) + "/register", object({{"topic", "t"}}))));
  }
  const std::string message = object({{"topic", "t"}, {"producer_id", "1"}, {"message", "m"}});
  static_cast<void>(good(client.ask("POST", "/producer/produce", message)));
  cluster.node(1).pause();
  const std::string body_of[] = {message, R"({"records":["m"]})", ""};
  const std::string line_of[] = {"POST /producer/produce", "POST /topics/t/records",
                                 "GET /consumer/consume?topic=t&consumer_id=1"};
  std::vector<std::unique_ptr<HttpClient>> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.push_back(std::make_unique<HttpClient>(gateway.port()));
    REQUIRE(waiting.back()->connect());
    waiting.back()->send(line_of[i] + " HTTP/1.1\r\nContent-Length: " +
                         std::to_string(body_of[i].size()) + "\r\n\r\n" + body_of[i]);
  }
  REQUIRE(client.ask("GET", "/ping").status == 200);
  gateway.process().signal(SIGTERM);
  for (auto& one : waiting) {
    const HttpReply reply = one->receive();
    static_cast<void>(bad(reply, 503));
    CHECK(json_of(reply)["fate"] == "unknown");
  }
  CHECK(gateway.process().wait(patience(6s)) == 0);
  cluster.node(1).signal(SIGCONT);
}

TEST_CASE("pinion-gateway: SQL answers on their way are few, and more are told to come again",
          "[gateway][program]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  GatewayProcess gateway(cluster.address());
  HttpClient client(gateway.port());
  static_cast<void>(
      good(client.ask("POST", "/topics", object({{"topic", "t"}, {"partitions", "9"}}))));
  const auto query_of = [](int partition) {
    return object({{"sql", "select 1"}, {"partition", std::to_string(partition)}});
  };
  static_cast<void>(good(client.ask("POST", "/topics/t/query", query_of(0))));
  cluster.end_node(1);
  std::vector<std::unique_ptr<HttpClient>> waiting;
  HttpReply reply;
  // While all of them wait for a leader.
  const auto refused = [&](int partition) {
    return eventually(
        patience(8s),
        [&] {
          HttpClient other(gateway.port(), 1s);
          return (reply = other.ask("POST", "/topics/t/query", query_of(partition))).status > 0;
        },
        50ms);
  };
  const auto wait = [&](int partition) {
    const std::string query = query_of(partition);
    waiting.push_back(std::make_unique<HttpClient>(gateway.port()));
    REQUIRE(waiting.back()->connect());
    waiting.back()->send("POST /topics/t/query HTTP/1.1\r\nContent-Length: " +
                         std::to_string(query.size()) + "\r\n\r\n" + query);
  };
  for (int i = 0; i < 16; ++i) wait(i / 2);
  REQUIRE(refused(8));
  CHECK(bad(reply, 503).find("Too many SQL queries") == 0);
  CHECK(json_of(reply)["code"] == "throttled");
  CHECK(json_of(reply)["fate"] == "did_not_happen");
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

TEST_CASE("pinion-gateway: a broker that has been away for some seconds is waited for by nobody",
          "[gateway][program]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  GatewayProcess gateway(cluster.address());
  HttpClient client(gateway.port());
  static_cast<void>(good(client.ask("POST", "/topics", object({{"topic", "t"}}))));
  cluster.broker().kill();
  REQUIRE(eventually(patience(20s), [&] {
    return client.ask("GET", "/metrics").body.find("pinion_gateway_broker_connected 0") !=
           std::string::npos;
  }));
  const auto lost = std::chrono::steady_clock::now();
  REQUIRE(eventually(
      patience(5s), [&] { return std::chrono::steady_clock::now() - lost > 3'500ms; }, 50ms));
  // Also by the first who asks.
  const auto begin = std::chrono::steady_clock::now();
  static_cast<void>(bad(client.ask("GET", "/topics/t/events"), 503));
  static_cast<void>(bad(client.ask("GET", "/topics"), 503));
  // Nothing was sent, but what an id's attempt before came to is not known here.
  const std::string message = object({{"topic", "t"}, {"producer_id", "1"}, {"message", "m"}});
  const std::string dequeue = "/consumer/consume?topic=t&consumer_id=1";
  CHECK(json_of(client.ask("POST", "/producer/produce", message))["fate"] == "did_not_happen");
  CHECK(json_of(client.ask("POST", "/consumer/register", object({{"topic", "t"}})))["fate"] ==
        "did_not_happen");
  CHECK(json_of(client.ask("GET", dequeue))["fate"] == "did_not_happen");
  CHECK(json_of(client.ask("GET", dequeue + "&request_id=a-1"))["fate"] == "unknown");
  const HttpReply health = client.ask("GET", "/health");
  static_cast<void>(bad(health, 503));
  CHECK(json_of(health)["healthy"] == false);
  CHECK(std::chrono::steady_clock::now() - begin < patience(5s));  // Each would wait for 10 s.
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
  // What is sent ends with a notice, so that it is told from what was cut off.
  const Finished ended =
      run({.arguments = {"/usr/bin/python3", "-c",
                         "import socket, ssl, sys\n"
                         "context = ssl._create_unverified_context()\n"
                         "context.options &= ~getattr(ssl, 'OP_IGNORE_UNEXPECTED_EOF', 0x80)\n"
                         "plain = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10)\n"
                         "peer = context.wrap_socket(plain, suppress_ragged_eofs=False)\n"
                         "peer.sendall(b'GET /ping HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n')\n"
                         "text = b''\n"
                         "while True:\n"
                         "    more = peer.recv(4096)\n"  // Raises at an end without one.
                         "    text += more\n"
                         "    if not more: break\n"
                         "print(text.decode())\n",
                         std::to_string(gateway.port())}});
  INFO(ended.errors);
  CHECK(ended.status == 0);
  CHECK(ended.output.find("pong") != std::string::npos);
  HttpClient plain(gateway.port(), 3s);
  CHECK(plain.ask("GET", "/ping").status == 0);

  // What cannot be used is said before anything starts, and why.
  write_file(folder / "garbage.pem", "no certificate\n");
  const Finished another =
      run({.arguments = {"/usr/bin/openssl", "genrsa", "-out", folder / "other.pem", "2048"}});
  REQUIRE(another.status == 0);
  const auto checked = [&](const std::string& certificate, const std::string& key) {
    write_file(folder / "tls.toml", "tls_certificate = \"" + (folder / certificate) +
                                        "\"\ntls_key = \"" + (folder / key) + "\"\n");
    return run(
        {.arguments = {programs() + "/pinion-gateway", "--check-config", folder / "tls.toml"}});
  };
  CHECK(checked("cert.pem", "key.pem").status == 0);
  for (const auto& [certificate, key, why] :
       {std::tuple{"missing.pem", "key.pem", "tls.toml:1: tls_certificate: the certificate "},
        std::tuple{"missing.pem", "key.pem", "missing.pem cannot be used"},
        std::tuple{"garbage.pem", "key.pem", "tls.toml:1: tls_certificate: the certificate "},
        std::tuple{"garbage.pem", "key.pem", "no start line"},
        std::tuple{"cert.pem", "garbage.pem", "tls.toml:2: tls_key: the key "},
        std::tuple{"cert.pem", "garbage.pem", "garbage.pem cannot be used"},
        std::tuple{"cert.pem", "other.pem", "tls.toml:2: tls_key: the key "},
        std::tuple{"cert.pem", "other.pem", "other.pem"}}) {
    const Finished refused = checked(certificate, key);
    INFO(refused.errors);
    CHECK(refused.status == 1);
    CHECK(refused.errors.find(why) != std::string::npos);
    CHECK(refused.errors.find("asio.ssl error") == std::string::npos);
  }
}
