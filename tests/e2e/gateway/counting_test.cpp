// N producers and M consumers through nginx and two gateways, while gateways and partition brokers
// are killed with SIGKILL and started again. Every message is seen once by every consumer, and each
// producer's in the order of their sending. Clients do what docs/HTTP.md tells them to: they repeat
// what was not answered, under the same sequence or request id.
#include <catch2/catch.hpp>

#include "common/base/prng.hpp"
#include "tests/e2e/gateway/gateway_process.hpp"
#include "tests/e2e/gateway/http_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace pinion;
using namespace pinion::test;
using gateway::Json;

namespace {

struct Plan {
  int producers = 4;
  int consumers = 4;
  int messages = 250;  ///< Of each producer.
  int partitions = 1;
  int kills = 6;
  std::string topic = "count";
  Micros rest = 2ms;  ///< Before an empty queue is asked again.
  /// If not 0, producers go on for so long, whatever the count, and pause after each message.
  Micros lasting{0};
  Micros pause{0};
};

/// Asks until there is an answer that is the client's own to judge: 200 or 400. What a killed
/// gateway or a load balancer says (no answer, 502, 503, 504) says nothing about the request.
HttpReply ask_until_answered(HttpClient& client, const std::string& method,
                             const std::string& target, const std::string& body,
                             const std::atomic<bool>& given_up, std::atomic<int>& repeats) {
  HttpReply reply;
  while (!given_up.load()) {
    reply = client.ask(method, target, body);
    if (reply.status == 200 || (reply.status >= 400 && reply.status < 500)) return reply;
    ++repeats;
    std::this_thread::sleep_for(Micros(5ms));
  }
  return reply;
}

class Counting {
 public:
  Counting(Plan plan, int port) : plan_(plan), port_(port) {}

  void run_producer(int number) {
    HttpClient client(port_);
    const std::string id = register_as(client, "producer");
    for (int i = 0; goes_on(i) && !given_up; ++i) {
      const int partition = i % plan_.partitions;
      const std::string body =
          object({{"topic", plan_.topic},
                  {"producer_id", id},
                  {"message", std::to_string(number) + ":" + std::to_string(i)},
                  {"partition", std::to_string(partition)},
                  {"sequence", std::to_string(i)}});
      const HttpReply reply =
          ask_until_answered(client, "POST", "/producer/produce", body, given_up, repeats);
      if (reply.status != 200) return fail("enqueue: " + reply.body);
      ++sent;
      std::this_thread::sleep_for(plan_.pause);
    }
  }

  /// Until it has all that is ever sent.
  void run_consumer(int number) {
    HttpClient client(port_);
    const std::string id = register_as(client, "consumer");
    // By producer and partition: the next one that may come.
    std::map<std::pair<int, int>, int> next;
    std::uint64_t requests = 0;
    for (int count = 0; (!all_sent || count < sent) && !given_up;) {
      const std::string target = "/consumer/consume?topic=" + plan_.topic + "&consumer_id=" + id +
                                 "&request_id=c" + std::to_string(number) + "-" +
                                 std::to_string(++requests);
      const HttpReply reply = ask_until_answered(client, "GET", target, {}, given_up, repeats);
      if (reply.status == 400 && reply.body.find("nothing_unread") != std::string::npos) {
        std::this_thread::sleep_for(plan_.rest);
        continue;
      }
      if (reply.status != 200) return fail("dequeue: " + reply.body);
      const auto json = gateway::parse_json(reply.body);
      if (!json) return fail("dequeue: " + reply.body);
      const std::string message = (*json)["message"].get<std::string>();
      const int producer = std::stoi(message);
      const int index = std::stoi(message.substr(message.find(':') + 1));
      int& expected =
          next.try_emplace({producer, index % plan_.partitions}, index % plan_.partitions)
              .first->second;
      if (index != expected) {
        return fail("consumer " + std::to_string(number) + " got " + message + " where " +
                    std::to_string(expected) + " comes next");
      }
      expected += plan_.partitions;
      ++count;
      ++taken;
    }
    // And nothing is there twice.
    const HttpReply end = ask_until_answered(
        client, "GET", "/consumer/consume?topic=" + plan_.topic + "&consumer_id=" + id, {},
        given_up, repeats);
    if (end.status != 400) fail("more than was sent: " + end.body);
  }

  void fail(const std::string& why) {
    const std::lock_guard lock(mutex_);
    problems.push_back(why);
    given_up = true;
  }

  std::atomic<bool> given_up{false};
  std::atomic<bool> all_sent{false};  ///< No more comes.
  std::atomic<int> sent{0};
  std::atomic<int> taken{0};
  std::atomic<int> repeats{0};  ///< Requests that had to be sent again.
  std::vector<std::string> problems;

 private:
  std::string register_as(HttpClient& client, const std::string& kind) {
    const HttpReply reply = ask_until_answered(client, "POST", "/" + kind + "/register",
                                               object({{"topic", plan_.topic}}), given_up, repeats);
    const auto json = gateway::parse_json(reply.body);
    if (reply.status != 200 || !json) {
      fail("registering: " + reply.body);
      return "0";
    }
    return std::to_string((*json)[kind + "_id"].get<std::int64_t>());
  }

  /// A producer that has sent so many.
  [[nodiscard]] bool goes_on(int count) const {
    if (plan_.lasting == Micros{0}) return count < plan_.messages;
    return std::chrono::steady_clock::now() - begun_ < plan_.lasting;
  }

  const Plan plan_;
  const int port_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
};

/// All of them at once, and `meanwhile` beside them; returns when all have ended.
void run_all(Counting& counting, const Plan& plan, const std::function<void()>& meanwhile = {}) {
  std::vector<std::thread> producers;
  std::vector<std::thread> consumers;
  for (int i = 0; i < plan.producers; ++i) {
    producers.emplace_back([&, i] { counting.run_producer(i); });
  }
  for (int i = 0; i < plan.consumers; ++i) {
    consumers.emplace_back([&, i] { counting.run_consumer(i); });
  }
  std::thread sending([&] {
    for (std::thread& thread : producers) thread.join();
    counting.all_sent = true;
  });
  if (meanwhile) meanwhile();
  sending.join();
  for (std::thread& thread : consumers) thread.join();
}

void count_under_kills(const Plan& plan) {
  const std::uint64_t seed = seed_of_this_run();
  INFO("PINION_E2E_SEED=" << seed);
  Prng prng(seed);
  ProcessCluster cluster(3);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  GatewayProcess first(cluster.address());
  GatewayProcess second(cluster.address());
  Nginx nginx(first.port(), second.port());
  HttpClient client(nginx.port());
  static_cast<void>(good(
      client.ask("POST", "/topics",
                 object({{"topic", "count"}, {"partitions", std::to_string(plan.partitions)}}))));

  Counting counting(plan, nginx.port());
  const int messages = plan.producers * plan.messages;
  const int work = messages * (1 + plan.consumers);
  run_all(counting, plan, [&] {
    // Each time that a share of the work is done, something is killed.
    for (int kill = 1; kill <= plan.kills && !counting.given_up; ++kill) {
      const int mark = work * kill / (plan.kills + 1);
      if (!eventually(patience(120s), [&] {
            return counting.given_up || counting.sent + counting.taken >= mark;
          })) {
        counting.fail("no progress after " + std::to_string(kill - 1) + " kills");
      }
      switch (prng.below(4)) {
        case 0:
          first.kill();
          first.start();
          break;
        case 1:
          second.kill();
          second.start();
          break;
        default: {
          const int node = static_cast<int>(prng.between(1, 3));
          cluster.node(node).kill();
          cluster.start_node(node);
        }
      }
    }
    if (!eventually(patience(120s),
                    [&] { return counting.given_up || counting.sent + counting.taken == work; })) {
      counting.fail("not finished in time");
    }
  });
  for (const std::string& problem : counting.problems) FAIL_CHECK(problem);
  CHECK(counting.sent == messages);
  CHECK(counting.taken == messages * plan.consumers);
}

}  // namespace

TEST_CASE("http: every message once to every consumer, in order, whatever is killed",
          "[.nginx][counting]") {
  Plan plan;
  if (long_form()) plan = {.producers = 8, .consumers = 8, .messages = 1'000, .kills = 30};
  count_under_kills(plan);
}

TEST_CASE("http: the same over several partitions, taken from any of them", "[.nginx][counting]") {
  Plan plan{.partitions = 3};
  if (long_form()) {
    plan = {.producers = 8, .consumers = 8, .messages = 600, .partitions = 3, .kills = 30};
  }
  count_under_kills(plan);
}

TEST_CASE("http: 200 producers and 200 consumers at once: no error, nothing lost",
          "[gateway][counting]") {
  HttpCluster& cluster = HttpCluster::shared();
  Plan plan{.producers = 200, .consumers = 200, .messages = 1};
  plan.topic = cluster.new_topic();
  plan.rest = 25ms;
  if (long_form()) {
    plan.lasting = 1min;
    plan.pause = 3s;
  }
  Counting counting(plan, cluster.port());
  const auto begin = std::chrono::steady_clock::now();
  run_all(counting, plan);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  for (const std::string& problem : counting.problems) FAIL_CHECK(problem);
  CHECK(counting.sent >= plan.producers);
  CHECK(counting.taken == counting.sent * plan.consumers);
  CHECK(counting.repeats == 0);
  if (long_form()) {
    CHECK(took >= plan.lasting);
    WARN(counting.sent << " messages to 200 consumers in " << took.count() << " s");
  }
}
