// configs/nginx.conf under the real nginx: what it answers itself looks like a gateway's answer,
// and a gateway that comes and goes is noticed for no longer than it must be.
#include <catch2/catch.hpp>

#include "tests/e2e/gateway/gateway_process.hpp"
#include "tests/e2e/gateway/http_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

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
  for (const std::string request : {"TRACE /ping", "CONNECT /"}) {
    const HttpReply reply = raw(port, request + " HTTP/1.1\r\nHost: x\r\n\r\n");
    static_cast<void>(bad(reply, 405));
    CHECK_FALSE(reply.header("allow").empty());
  }
  static_cast<void>(bad(raw(port, "GET / HTTP/9.9\r\nHost: x\r\n\r\n"), 400));
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

TEST_CASE("nginx: gateways that are restarted in turn are never both away", "[.nginx]") {
  Behind behind;
  // So that each is counted as failed, again and again, within the two seconds that this is for.
  for (int round = 0; round < 6; ++round) {
    GatewayProcess& one = round % 2 == 0 ? behind.first : behind.second;
    one.kill();
    for (int i = 0; i < 10; ++i) CHECK(behind.client.ask("GET", "/ping").status == 200);
    one.start();
  }
}

TEST_CASE("nginx: takers without ids of their own lose nothing when gateways are killed",
          "[.nginx]") {
  constexpr int takers = 150;
  constexpr int kills = 8;
  constexpr std::size_t messages_at_once = 4'000;
  Behind behind;
  HttpClient direct(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(1);
  const std::string consumer =
      good(direct.ask("POST", "/consumer/register", object({{"topic", topic}})))["consumer_id"]
          .dump();
  std::size_t messages = 0;
  const auto add_messages = [&] {
    std::string records = R"({"records":[)";
    for (std::size_t i = 0; i < messages_at_once; ++i) {
      records += (i > 0 ? ",\"" : "\"") + std::to_string(messages + i) + '"';
    }
    static_cast<void>(good(direct.ask("POST", "/topics/" + topic + "/records", records + "]}")));
    messages += messages_at_once;
  };
  add_messages();
  const std::string of_consumer = "?topic=" + topic + "&consumer_id=" + consumer;
  std::atomic<bool> is_over{false};
  std::atomic<std::size_t> answers{0};
  std::mutex mutex;
  std::set<std::string> got;
  std::vector<std::thread> threads;
  for (int i = 0; i < takers; ++i) {
    threads.emplace_back([&] {
      HttpClient client(behind.nginx.port());
      while (!is_over.load()) {
        const HttpReply reply = client.ask("GET", "/consumer/consume" + of_consumer);
        if (reply.status != 200) continue;
        ++answers;
        const auto json = gateway::parse_json(reply.body);
        const std::lock_guard lock(mutex);
        if (json) got.insert((*json)["message"].get<std::string>());
      }
    });
  }
  // However fast they are, there is always something to take.
  const auto take = [&](std::size_t count) {
    const std::size_t before = answers.load();
    return eventually(patience(20s), [&] {
      while (messages - std::min(messages, answers.load()) < 5 * messages_at_once) add_messages();
      return answers.load() > before + count;
    });
  };
  for (int i = 0; i < kills; ++i) {
    GatewayProcess& one = i % 2 == 0 ? behind.first : behind.second;
    const bool takes = take(2'000);
    one.kill();
    CHECK(takes);
    CHECK(take(500));
    one.start();
  }
  is_over.store(true);
  for (std::thread& thread : threads) thread.join();
  const auto unread = good(direct.ask("GET", "/size" + of_consumer))["size"].get<std::size_t>();
  CHECK(got.size() == messages - unread);  // As far as the consumer was moved on.
  CHECK(answers.load() == got.size());
}

TEST_CASE("nginx: a connection's dequeues go through the partitions in turn", "[.nginx]") {
  constexpr int partitions = 3;
  Behind behind;
  HttpClient direct(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(partitions);
  const std::string consumer =
      good(direct.ask("POST", "/consumer/register", object({{"topic", topic}})))["consumer_id"]
          .dump();
  for (int partition = 0; partition < partitions; ++partition) {
    std::string records = "\"m\"";
    for (int i = 0; i < 9; ++i) records += ",\"m\"";
    static_cast<void>(good(direct.ask(
        "POST", "/topics/" + topic + "/records",
        "{\"records\":[" + records + "],\"partition\":" + std::to_string(partition) + "}")));
  }
  int last = -1;
  for (int i = 0; i < 10 * partitions; ++i) {
    const int now = good(behind.client.ask(
        "GET", "/consumer/consume?topic=" + topic + "&consumer_id=" + consumer))["partition_id"]
                        .get<int>();
    if (last >= 0) CHECK(now == (last + 1) % partitions);
    last = now;
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
