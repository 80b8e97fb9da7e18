// Partitions whose leaders come, go and come back while a gateway runs: it uses those that have
// one, notices those that have one again, and keeps nobody waiting for those that have none.
#include <catch2/catch.hpp>

#include "tests/e2e/gateway/gateway_process.hpp"
#include "tests/e2e/gateway/http_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

using namespace pinion;
using namespace pinion::test;
using gateway::Json;

namespace {

/// Two partition brokers, and a topic of two partitions, one on each.
class TwoLeaders {
 public:
  TwoLeaders() {
    cluster.start_all();
    REQUIRE(cluster.wait_until_online());
    gateway = std::make_unique<GatewayProcess>(cluster.address(), "answer_within_ms = 3000\n");
    client = std::make_unique<HttpClient>(gateway->port());
    make_topic();
  }
  void make_topic() {
    // With one replica each: nobody takes over.
    REQUIRE(cluster.pinion({"topic", "create", "t", "--partitions", "2", "--replication", "1"})
                .status == 0);
    producer = id_of("producer");
    consumer = id_of("consumer");
  }
  HttpReply enqueue() {
    return client->ask("POST", "/producer/produce",
                       object({{"topic", "t"}, {"producer_id", producer}, {"message", "m"}}));
  }
  /// From a partition that is not named.
  HttpReply dequeue(const std::string& more = {}) {
    return client->ask("GET", "/consumer/consume?topic=t&consumer_id=" + consumer + more);
  }
  HttpReply ask_size() { return client->ask("GET", "/size?topic=t&consumer_id=" + consumer); }
  bool is_partial() { return json_of(ask_size()).value("partial", false); }
  /// Size answers, and for every partition.
  bool is_whole() {
    const Json json = json_of(ask_size());
    return json.value("status", "") == "success" && !json.value("partial", false);
  }
  /// Which partitions take what names none.
  std::set<int> partitions_used() {
    std::set<int> used;
    for (int i = 0; i < 8; ++i) {
      const HttpReply sent = enqueue();
      if (sent.status == 200) used.insert(json_of(sent)["partition_id"].get<int>());
    }
    return used;
  }
  bool says_no_leader(const HttpReply& reply) {
    return reply.status == 503 && reply.body.find("has no leader") != std::string::npos;
  }

  ProcessCluster cluster{2};
  std::unique_ptr<GatewayProcess> gateway;
  std::unique_ptr<HttpClient> client;
  std::string producer;
  std::string consumer;

 private:
  std::string id_of(const std::string& kind) {
    const Json json = good(client->ask("POST", "/" + kind + "/register", object({{"topic", "t"}})));
    return std::to_string(json[kind + "_id"].get<std::int64_t>());
  }
};

Micros took(const std::function<void()>& what) {
  const auto begin = std::chrono::steady_clock::now();
  what();
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now() - begin);
}

}  // namespace

TEST_CASE("leaders: a gateway that is there before the partition brokers serves when they come",
          "[gateway][leaders]") {
  TwoLeaders two;
  static_cast<void>(good(two.enqueue()));
  two.gateway->kill();
  for (int node : {1, 2}) two.cluster.end_node(node);
  two.cluster.broker().kill();
  two.cluster.start_broker();
  two.gateway->start();
  two.client->close();
  REQUIRE(eventually(patience(20s), [&] { return two.says_no_leader(two.dequeue()); }));
  for (int node : {1, 2}) two.cluster.start_node(node);
  HttpReply taken;
  CHECK(eventually(patience(20s), [&] {
    taken = two.dequeue();
    return taken.status == 200;
  }));
  INFO(taken.status << taken.body);
  CHECK(eventually(patience(10s), [&] { return two.is_whole(); }));
}

TEST_CASE("leaders: a gateway that began while one was away uses it when it is back",
          "[gateway][leaders]") {
  TwoLeaders two;
  two.cluster.end_node(1);
  two.gateway->kill();
  two.gateway->start();
  two.client->close();
  REQUIRE(eventually(patience(20s), [&] { return two.partitions_used().size() == 1; }));
  REQUIRE(eventually(patience(20s), [&] { return two.is_partial(); }));
  two.cluster.start_node(1);
  CHECK(eventually(patience(20s), [&] { return two.partitions_used().size() == 2; }));
  CHECK(eventually(patience(10s), [&] { return two.is_whole(); }));
}

TEST_CASE("leaders: a topic that is made over HTTP is kept on as many nodes as is usual",
          "[gateway][leaders]") {
  TwoLeaders two;
  static_cast<void>(good(two.client->ask("POST", "/topics", object({{"topic", "usual"}}))));
  const Finished told = two.cluster.pinion({"topic", "describe", "usual", "--json"});
  CHECK(Json::parse(told.output)["replication"] == 2);
}

TEST_CASE("leaders: a topic that is deleted and made again is served", "[gateway][leaders]") {
  TwoLeaders two;
  static_cast<void>(good(two.enqueue()));
  static_cast<void>(good(two.client->ask("DELETE", "/topics/t")));
  two.make_topic();
  // Nothing unread, from partitions that answer.
  HttpReply taken;
  CHECK(eventually(patience(10s), [&] {
    taken = two.dequeue();
    return taken.status == 400;
  }));
  INFO(taken.status << taken.body);
  static_cast<void>(good(two.enqueue()));
  CHECK(good(two.dequeue())["offset"] == 0);
}

TEST_CASE("leaders: a partition whose leader dies is passed over, and nobody waits for it",
          "[gateway][leaders]") {
  TwoLeaders two;
  for (int i = 0; i < 20; ++i) static_cast<void>(good(two.enqueue()));
  CHECK(good(two.ask_size())["size"] == 20);
  two.cluster.end_node(1);
  // Once the cluster has noticed.
  REQUIRE(eventually(patience(20s), [&] {
    return two.client->ask("GET", "/topics/t").body.find("\"offline\"") != std::string::npos;
  }));
  for (int i = 0; i < 10; ++i) {
    CHECK(took([&] { static_cast<void>(good(two.enqueue())); }) < patience(2500ms));
    CHECK(took([&] { static_cast<void>(good(two.dequeue())); }) < patience(2500ms));
  }
  CHECK(took([&] { CHECK(two.is_partial()); }) < patience(2500ms));
  // An id that begins where nobody leads may have been answered there.
  int away = 0;
  for (int i = 0; i < 2; ++i) {
    const HttpReply reply = two.dequeue("&request_id=a-" + std::to_string(i));
    if (reply.status == 200) continue;
    ++away;
    CHECK(two.says_no_leader(reply));
    CHECK(json_of(reply)["fate"] == "unknown");
  }
  CHECK(away == 1);
}

TEST_CASE("leaders: whatever refuses a dequeue with an id, one before may have been carried out",
          "[gateway][leaders]") {
  TwoLeaders two;
  const Finished made = run(
      two.cluster.command({"topic", "create", "safe", "--replication", "2", "--min-insync", "2"}));
  INFO(made.output);
  REQUIRE(made.status == 0);
  const Json consumer =
      good(two.client->ask("POST", "/consumer/register", object({{"topic", "safe"}})));
  static_cast<void>(good(two.client->ask("POST", "/topics/safe/records", R"({"records":["a"]})")));
  const std::string take =
      "/consumer/consume?topic=safe&consumer_id=" + consumer["consumer_id"].dump();
  two.cluster.end_node(2);
  HttpReply reply;
  REQUIRE(eventually(patience(30s), [&] {
    reply = two.client->ask("GET", take);
    return reply.body.find("not_enough_replicas") != std::string::npos;
  }));
  CHECK(json_of(reply)["fate"] == "did_not_happen");
  reply = two.client->ask("GET", take + "&request_id=a-1");
  CHECK(json_of(reply)["code"] == "not_enough_replicas");
  CHECK(json_of(reply)["fate"] == "unknown");
}
