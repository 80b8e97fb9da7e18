// Every row of the old interface in every variant that clients are known to send, against a real
// cluster: method × place of the parameters × names × form of the ids.
#include <catch2/catch.hpp>

#include "tests/e2e/gateway/http_cluster.hpp"

#include <csignal>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace pinion;
using namespace pinion::test;
using gateway::Json;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// The same parameters in every place where they may travel, sent one after the other over one
/// connection: a body that is not read would be taken for the next request.
class Everywhere {
 public:
  Everywhere() : client_(HttpCluster::shared().port()) {}

  std::vector<HttpReply> ask(const std::string& method, const std::string& path,
                             const Pairs& pairs) {
    std::string form;
    std::string texts = "{";
    std::string numbers = "{\"extra\":[{}],";
    for (const auto& [name, value] : pairs) {
      const bool is_number =
          !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
      form += (form.empty() ? "" : "&") + name + "=" + value;
      texts += (texts.size() > 1 ? ",\"" : "\"") + name + "\":\"" + value + "\"";
      numbers += (numbers.back() != ',' ? ",\"" : "\"") + name +
                 "\":" + (is_number ? value : "\"" + value + "\"");
    }
    std::vector<HttpReply> replies;
    replies.push_back(client_.ask(method, path + "?" + form));
    replies.push_back(client_.ask(method, path + "/?" + form));
    replies.push_back(
        client_.ask(method, path, form, {"Content-Type: application/x-www-form-urlencoded"}));
    replies.push_back(client_.ask(method, path, texts + "}", {"Content-Type: application/json"}));
    replies.push_back(client_.ask(method, path, numbers + "}"));
    replies.push_back(chunked(method, path, numbers + "}"));
    return replies;
  }
  /// How many replies ask() gives.
  static constexpr int ways = 6;

 private:
  HttpReply chunked(const std::string& method, const std::string& path, const std::string& body) {
    const std::size_t half = body.size() / 2;
    std::string text =
        method + " " + path + " HTTP/1.1\r\nHost: x\r\n" + "Transfer-Encoding: chunked\r\n\r\n";
    for (const std::string& part : {body.substr(0, half), body.substr(half)}) {
      char size[16];
      std::snprintf(size, sizeof size, "%zx\r\n", part.size());
      text += size + part + "\r\n";
    }
    client_.send(text + "0\r\n\r\n");
    return client_.receive();
  }
  HttpClient client_;
};

std::int64_t register_as(HttpClient& client, const std::string& kind, const std::string& topic) {
  const Json json = good(client.ask("POST", "/" + kind + "/register", object({{"topic", topic}})));
  return json[kind + "_id"].get<std::int64_t>();
}

Json enqueue(HttpClient& client, const std::string& topic, std::int64_t producer,
             const std::string& message, const std::string& more = {}) {
  return good(client.ask("POST", "/producer/produce",
                         "{\"topic\":\"" + topic +
                             "\",\"producer_id\":" + std::to_string(producer) + ",\"message\":\"" +
                             message + "\"" + more + "}"));
}

std::string consume_path(const std::string& topic, std::int64_t consumer) {
  return "/consumer/consume?topic=" + topic + "&consumer_id=" + std::to_string(consumer);
}

}  // namespace

TEST_CASE("http: topics are created once, with the texts that clients compare", "[gateway]") {
  Everywhere everywhere;
  HttpClient client(HttpCluster::shared().port());
  for (const char* name : {"topic", "topic_name", "name"}) {
    const std::string topic = HttpCluster::shared().new_topic(0);
    const std::vector<HttpReply> replies =
        everywhere.ask("POST", "/topics", {{name, topic}, {"partitions", "2"}});
    CHECK(good(replies[0])["message"] == "Topic '" + topic + "' created successfully");
    for (std::size_t i = 1; i < replies.size(); ++i) {
      CHECK(bad(replies[i]) == "Topic '" + topic + "' already exists");
    }
    const Json partitions = good(client.ask("GET", "/topics/partitions?topic=" + topic));
    CHECK(partitions["partitions"] == Json::array({0, 1}));
  }
  for (const char* count : {"partitions", "num_partitions", "number_of_partitions"}) {
    const std::string topic = HttpCluster::shared().new_topic(0);
    static_cast<void>(good(client.ask("POST", "/topics", object({{"name", topic}, {count, "3"}}))));
    CHECK(good(client.ask("GET", "/partitions", object({{"topic_name", topic}})))["partitions"]
              .size() == 3);
  }
}

TEST_CASE("http: topics are listed in the order of their creation, whatever body comes along",
          "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string first = HttpCluster::shared().new_topic();
  const std::string second = HttpCluster::shared().new_topic();
  for (const char* body : {"", "{}", "{\"a\":1}", "garbage", "{broken"}) {
    const Json topics = good(client.ask("GET", "/topics", body))["topics"];
    std::size_t at_first = topics.size();
    std::size_t at_second = topics.size();
    for (std::size_t i = 0; i < topics.size(); ++i) {
      if (topics[i] == first) at_first = i;
      if (topics[i] == second) at_second = i;
    }
    CHECK(at_first < at_second);
    CHECK(at_second < topics.size());
  }
}

TEST_CASE("http: partitions are listed wherever the topic is named", "[gateway]") {
  Everywhere everywhere;
  const std::string topic = HttpCluster::shared().new_topic(3);
  for (const char* path : {"/topics/partitions", "/partitions"}) {
    for (const char* name : {"topic", "topic_name"}) {
      for (const HttpReply& reply : everywhere.ask("GET", path, {{name, topic}})) {
        CHECK(good(reply)["partitions"] == Json::array({0, 1, 2}));
      }
      for (const HttpReply& reply : everywhere.ask("GET", path, {{name, "missing-topic"}})) {
        CHECK(bad(reply) == "Topic 'missing-topic' does not exist");
      }
    }
  }
}

TEST_CASE("http: producers and consumers are numbered apart, and in the messages", "[gateway]") {
  Everywhere everywhere;
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(2);
  std::set<std::int64_t> producers;
  std::set<std::int64_t> consumers;
  for (const char* name : {"topic", "topic_name"}) {
    for (const HttpReply& reply : everywhere.ask("POST", "/producer/register", {{name, topic}})) {
      const Json json = good(reply);
      CHECK(json["num_partitions"] == 2);
      const std::int64_t id = json["producer_id"].get<std::int64_t>();
      CHECK(id >= 1);
      CHECK(producers.insert(id).second);
      CHECK(json["message"].get<std::string>().find("ID " + std::to_string(id)) !=
            std::string::npos);
    }
    for (const HttpReply& reply : everywhere.ask("POST", "/consumer/register", {{name, topic}})) {
      const Json json = good(reply);
      const std::int64_t id = json["consumer_id"].get<std::int64_t>();
      CHECK(consumers.insert(id).second);
      CHECK(json["message"].get<std::string>().find("ID " + std::to_string(id)) !=
            std::string::npos);
    }
  }
  const std::string fresh = HttpCluster::shared().new_topic(0);
  CHECK(bad(client.ask("POST", "/consumer/register", object({{"topic", fresh}}))) ==
        "Topic '" + fresh + "' does not exist");
  const Json made = good(client.ask("POST", "/producer/register", object({{"topic", fresh}})));
  CHECK(made["num_partitions"] == 1);
  CHECK(register_as(client, "consumer", fresh) >= 1);
}

TEST_CASE("http: a message goes in and comes out, wherever the parameters travel", "[gateway]") {
  Everywhere everywhere;
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic();
  const std::int64_t producer = register_as(client, "producer", topic);
  const std::int64_t consumer = register_as(client, "consumer", topic);
  const std::string producer_id = std::to_string(producer);
  const std::string consumer_id = std::to_string(consumer);
  int sent = 0;
  for (const char* topic_name : {"topic", "topic_name"}) {
    for (const char* message : {"message", "log_message"}) {
      for (const char* partition : {"partition_id", "partition", "partition_index"}) {
        const Pairs pairs = {{topic_name, topic},
                             {"producer_id", producer_id},
                             {message, "text-" + std::to_string(sent)},
                             {partition, "0"}};
        for (const HttpReply& reply : everywhere.ask("POST", "/producer/produce", pairs)) {
          CHECK(good(reply)["offset"] == sent);
          CHECK(good(reply)["partition_id"] == 0);
          ++sent;
        }
      }
    }
  }
  CHECK(good(client.ask("GET", "/size",
                        object({{"topic", topic}, {"consumer_id", consumer_id}})))["size"] == sent);
  int taken = 0;
  while (taken < sent) {
    for (const char* topic_name : {"topic", "topic_name"}) {
      const Pairs pairs = {{topic_name, topic}, {"consumer_id", consumer_id}};
      for (const HttpReply& reply : everywhere.ask("GET", "/consumer/consume", pairs)) {
        if (taken == sent) {
          static_cast<void>(bad(reply));  // The queue is empty.
          continue;
        }
        const Json json = good(reply);
        // Six messages have each text.
        CHECK(json["message"] ==
              "text-" + std::to_string(taken / Everywhere::ways * Everywhere::ways));
        CHECK(json["log_message"] == json["message"]);
        CHECK(json["offset"] == taken);
        CHECK(json["partition_id"] == 0);
        ++taken;
      }
    }
  }
  for (const HttpReply& reply :
       everywhere.ask("GET", "/size", {{"topic_name", topic}, {"consumer_id", consumer_id}})) {
    CHECK(good(reply)["size"] == 0);
    CHECK_FALSE(json_of(reply).contains("partial"));
  }
}

TEST_CASE("http: ids that do not exist are failures, in every form and everywhere", "[gateway]") {
  Everywhere everywhere;
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic();
  const std::string other = HttpCluster::shared().new_topic();
  const std::int64_t producer = register_as(client, "producer", other);
  const std::int64_t consumer = register_as(client, "consumer", other);
  for (const std::string& id :
       {std::string("-1"), std::string("0"), std::string("invalid"), std::string("999999"),
        std::string("9223372036854775807"), std::string("99999999999999999999"), std::string("1.5"),
        std::to_string(producer)}) {
    INFO(id);
    const Pairs pairs = {{"topic", topic}, {"producer_id", id}, {"message", "m"}};
    for (const HttpReply& reply : everywhere.ask("POST", "/producer/produce", pairs)) {
      CHECK(bad(reply) == "Invalid producer_id");
    }
  }
  for (const std::string& id : {std::string("-1"), std::string("invalid"), std::string("999999"),
                                std::to_string(consumer)}) {
    INFO(id);
    for (const char* path : {"/consumer/consume", "/size"}) {
      for (const HttpReply& reply :
           everywhere.ask("GET", path, {{"topic", topic}, {"consumer_id", id}})) {
        CHECK(bad(reply) == "Invalid consumer_id");
      }
    }
  }
  for (const char* path : {"/consumer/consume", "/size"}) {
    for (const HttpReply& reply :
         everywhere.ask("GET", path, {{"topic", "missing-topic"}, {"consumer_id", "1"}})) {
      CHECK(bad(reply) == "Topic 'missing-topic' does not exist");
    }
  }
}

TEST_CASE("http: a missing field, malformed JSON or a wrong partition is the caller's failure",
          "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(2);
  const std::string id = std::to_string(register_as(client, "producer", topic));
  for (const std::string& body :
       {std::string("{"), std::string("{}"), object({{"topic", topic}}),
        object({{"topic", topic}, {"producer_id", id}}),
        object({{"topic", topic}, {"message", "m"}}),
        object({{"producer_id", id}, {"message", "m"}}),
        object({{"topic", topic}, {"producer_id", id}, {"message", "m"}, {"partition", "2"}}),
        object({{"topic", topic}, {"producer_id", id}, {"message", "m"}, {"partition", "x"}}),
        object({{"topic", topic}, {"producer_id", id}, {"message", "null"}}) /* null: missing */}) {
    INFO(body);
    static_cast<void>(bad(client.ask("POST", "/producer/produce", body)));
  }
  static_cast<void>(bad(client.ask("POST", "/topics", object({{"topic", "no such/name"}}))));
  static_cast<void>(bad(client.ask("POST", "/topics")));
}

TEST_CASE("http: messages hold tabs, newlines and any Unicode, and equal ones are normal",
          "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic();
  const std::int64_t producer = register_as(client, "producer", topic);
  const std::int64_t consumer = register_as(client, "consumer", topic);
  const std::vector<std::string> texts = {R"(a\tb\nc\r\n)",
                                          R"(\u00e9\u4e2d\ud83d\ude00)",
                                          "\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80",
                                          R"(quote \" and backslash \\)",
                                          "",
                                          R"(nul \u0000 in it)",
                                          "same",
                                          "same"};
  for (const std::string& text : texts) {
    static_cast<void>(enqueue(client, topic, producer, text));
  }
  for (const std::string& text : texts) {
    const Json json = good(client.ask("GET", consume_path(topic, consumer)));
    CHECK(json["message"] == (*gateway::parse_json("{\"m\":\"" + text + "\"}"))["m"]);
  }
}

TEST_CASE("http: each consumer sees every message once, from the oldest on", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  HttpClient other(HttpCluster::shared().other_port());
  const std::string topic = HttpCluster::shared().new_topic();
  const std::int64_t producer = register_as(client, "producer", topic);
  for (int i = 0; i < 5; ++i) {
    static_cast<void>(enqueue(client, topic, producer, std::to_string(i)));
  }
  for (int c = 0; c < 2; ++c) {
    const std::int64_t consumer = register_as(other, "consumer", topic);
    for (int i = 0; i < 5; ++i) {
      HttpClient& either = i % 2 == 0 ? client : other;
      CHECK(good(either.ask("GET", consume_path(topic, consumer)))["message"] == std::to_string(i));
    }
    static_cast<void>(bad(client.ask("GET", consume_path(topic, consumer))));
  }
}

TEST_CASE("http: without a partition messages go and come in turn", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(3);
  const std::int64_t producer = register_as(client, "producer", topic);
  const std::int64_t consumer = register_as(client, "consumer", topic);
  std::vector<int> sent(3);
  for (int i = 0; i < 9; ++i) {
    const Json json = enqueue(client, topic, producer, std::to_string(i),
                              i % 2 == 0 ? ",\"partition\":-1" : ",\"partition_id\":null");
    ++sent[json["partition_id"].get<std::size_t>()];
  }
  CHECK(sent == std::vector<int>{3, 3, 3});
  std::vector<int> last(3, -1);
  std::vector<int> order;
  for (int i = 0; i < 9; ++i) {
    const Json json = good(client.ask("GET", consume_path(topic, consumer)));
    const auto partition = json["partition_id"].get<std::size_t>();
    CHECK(json["offset"] == ++last[partition]);
    order.push_back(static_cast<int>(partition));
  }
  for (std::size_t i = 0; i + 3 < order.size(); ++i) CHECK(order[i] == order[i + 3]);
  // What is unread in one partition alone is found.
  for (int i = 0; i < 4; ++i) {
    static_cast<void>(enqueue(client, topic, producer, "late", ",\"partition\":2"));
  }
  for (int i = 0; i < 4; ++i) {
    const std::string id = i % 2 == 0 ? "&request_id=late-" + std::to_string(i) : "";
    CHECK(good(client.ask("GET", consume_path(topic, consumer) + id))["partition_id"] == 2);
  }
  static_cast<void>(bad(client.ask("GET", consume_path(topic, consumer))));
}

TEST_CASE("http: a registration for one partition uses it when a call names none", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  HttpClient other(HttpCluster::shared().other_port());
  const std::string topic = HttpCluster::shared().new_topic(3);
  const std::string body = object({{"topic", topic}, {"partition", "1"}});
  const Json p = good(client.ask("POST", "/producer/register", body));
  const Json c = good(client.ask("POST", "/consumer/register", body));
  const std::int64_t producer = p["producer_id"].get<std::int64_t>();
  const std::int64_t consumer = c["consumer_id"].get<std::int64_t>();
  const std::string size = "/size?topic=" + topic + "&consumer_id=" + std::to_string(consumer);
  CHECK(enqueue(other, topic, producer, "a")["partition_id"] == 1);
  CHECK(enqueue(other, topic, producer, "b", ",\"partition\":2")["partition_id"] == 2);
  CHECK(good(other.ask("GET", size))["size"] == 1);
  CHECK(good(other.ask("GET", size + "&partition=2"))["size"] == 1);
  CHECK(good(other.ask("GET", consume_path(topic, consumer)))["message"] == "a");
  static_cast<void>(bad(other.ask("GET", consume_path(topic, consumer))));
  static_cast<void>(bad(
      client.ask("POST", "/consumer/register", object({{"topic", topic}, {"partition", "3"}}))));
}

TEST_CASE("http: a dequeue repeated with its request id returns the same message, from any gateway",
          "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  HttpClient other(HttpCluster::shared().other_port());
  for (const int partitions : {1, 3}) {
    const std::string topic = HttpCluster::shared().new_topic(partitions);
    const std::int64_t producer = register_as(client, "producer", topic);
    const std::int64_t consumer = register_as(client, "consumer", topic);
    for (int i = 0; i < 4; ++i) {
      // Where the request id begins to look there may be nothing: it is sent on.
      const std::string where = ",\"partition\":" + std::to_string(partitions - 1);
      static_cast<void>(enqueue(client, topic, producer, std::to_string(i), where));
    }
    for (int i = 0; i < 4; ++i) {
      const std::string id = "r" + std::to_string(i);
      const std::string path = consume_path(topic, consumer);
      const Json first = good(client.ask("GET", path + "&request_id=" + id));
      CHECK(first["message"] == std::to_string(i));
      // What comes meanwhile does not change what a repeat gets.
      if (i == 1) {
        for (int p = 0; p + 1 < partitions; ++p) {
          const std::string where = ",\"partition\":" + std::to_string(p);
          static_cast<void>(enqueue(client, topic, producer, "meanwhile", where));
        }
        CHECK(good(other.ask("GET", path, {}, {"X-Request-Id: " + id}))["message"] == "1");
        break;
      }
      CHECK(good(other.ask("GET", path, {}, {"X-Request-Id: " + id}))["message"] ==
            std::to_string(i));
      CHECK(good(client.ask("GET", path, object({{"request_id", id}})))["offset"] == i);
    }
  }
}

TEST_CASE("http: racing dequeues of one consumer never get the same message", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic();
  const std::int64_t producer = register_as(client, "producer", topic);
  const std::int64_t consumer = register_as(client, "consumer", topic);
  constexpr int messages = 200;
  std::string records = "{\"records\":[";
  for (int i = 0; i < messages; ++i) records += (i > 0 ? ",\"" : "\"") + std::to_string(i) + '"';
  static_cast<void>(good(client.ask("POST", "/topics/" + topic + "/records", records + "]}")));
  static_cast<void>(producer);
  std::vector<std::vector<int>> seen(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < seen.size(); ++t) {
    threads.emplace_back([&, t] {
      HttpClient own(t % 2 == 0 ? HttpCluster::shared().port()
                                : HttpCluster::shared().other_port());
      for (;;) {
        const HttpReply reply = own.ask("GET", consume_path(topic, consumer));
        if (reply.status != 200) return;
        seen[t].push_back(
            std::stoi((*gateway::parse_json(reply.body))["message"].get_ref<const std::string&>()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<int> all;
  std::size_t count = 0;
  for (const std::vector<int>& part : seen) {
    all.insert(part.begin(), part.end());
    count += part.size();
    CHECK(std::is_sorted(part.begin(), part.end()));
  }
  CHECK(count == messages);
  CHECK(all.size() == messages);
}

TEST_CASE("http: an enqueue repeated with its sequence is stored once and answered as before",
          "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  HttpClient other(HttpCluster::shared().other_port());
  const std::string topic = HttpCluster::shared().new_topic(2);
  const std::int64_t producer = register_as(client, "producer", topic);
  const auto send = [&](HttpClient& to, int sequence, int partition) {
    return enqueue(to, topic, producer, "m" + std::to_string(sequence),
                   ",\"partition\":" + std::to_string(partition) +
                       ",\"sequence\":" + std::to_string(sequence));
  };
  CHECK(send(client, 7, 0)["offset"] == 0);  // From any start,
  CHECK(send(other, 7, 0)["offset"] == 0);
  CHECK(send(client, 8, 0)["offset"] == 1);
  CHECK(send(client, 12, 0)["offset"] == 2);  // with gaps,
  CHECK(send(other, 8, 0)["offset"] == 1);    // and a late repeat too.
  CHECK(send(client, 7, 1)["offset"] == 0);   // Each partition counts for itself.
  CHECK(send(client, 12, 0)["partition_id"] == 0);
  static_cast<void>(bad(client.ask("POST", "/producer/produce",
                                   object({{"topic", topic},
                                           {"producer_id", std::to_string(producer)},
                                           {"message", "m"},
                                           {"sequence", "1"}}))));
}

TEST_CASE("http: two racing creations of a topic make one", "[gateway]") {
  const std::string topic = HttpCluster::shared().new_topic(0);
  std::vector<int> statuses(6);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    threads.emplace_back([&, i] {
      HttpClient own(i % 2 == 0 ? HttpCluster::shared().port()
                                : HttpCluster::shared().other_port());
      statuses[i] = own.ask("POST", "/topics", object({{"topic", topic}})).status;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(std::count(statuses.begin(), statuses.end(), 200) == 1);
  CHECK(std::count(statuses.begin(), statuses.end(), 400) == 5);
}

TEST_CASE("http: health, metrics, and the codes of what is not there", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  for (const char* path : {"/", "/status", "/health"}) {
    CHECK(good(client.ask("GET", path))["status"] == "success");
    CHECK(client.ask("HEAD", path).status == 200);
  }
  CHECK(json_of(client.ask("GET", "/ping")) == Json({{"message", "pong"}}));
  const HttpReply metrics = client.ask("GET", "/metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.header("content-type").find("text/plain") == 0);
  CHECK(metrics.body.find("pinion_gateway_requests_total{call=\"ping\",status=\"200\"}") !=
        std::string::npos);
  static_cast<void>(bad(client.ask("GET", "/nope"), 404));
  static_cast<void>(bad(client.ask("POST", "/topics/a/b/c", "{}"), 404));
  for (const char* path : {"/topics", "/producer/produce", "/consumer/consume", "/size"}) {
    const HttpReply reply = client.ask("PUT", path, "{}");
    static_cast<void>(bad(reply, 405));
    CHECK_FALSE(reply.header("allow").empty());
  }
}

TEST_CASE("http: a message over the limit is 413 and nobody else notices", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic();
  const std::int64_t producer = register_as(client, "producer", topic);
  const std::string large(1'000'000, 'x');
  CHECK(enqueue(client, topic, producer, large)["offset"] == 0);
  const std::string body = object({{"topic", topic},
                                   {"producer_id", std::to_string(producer)},
                                   {"message", std::string(1'100'000, 'x')}});
  static_cast<void>(bad(client.ask("POST", "/producer/produce", body), 413));
  const std::string numbered = "{\"records\":[\"" + std::string(1'100'000, 'x') +
                               "\"],\"partition\":0,\"sequence\":0," +
                               "\"producer_id\":" + std::to_string(producer) + "}";
  static_cast<void>(bad(client.ask("POST", "/topics/" + topic + "/records", numbered), 413));
  static_cast<void>(
      bad(client.ask("POST", "/producer/produce", std::string(17'000'000, 'x')), 413));
  CHECK(enqueue(client, topic, producer, "small")["offset"] == 1);
}

TEST_CASE("http: ids, positions and messages survive a restart of everything", "[gateway]") {
  HttpCluster cluster;
  HttpClient client(cluster.port());
  const std::string topic = cluster.new_topic(2);
  const std::int64_t producer = register_as(client, "producer", topic);
  const std::int64_t consumer = register_as(client, "consumer", topic);
  for (int i = 0; i < 4; ++i) static_cast<void>(enqueue(client, topic, producer, "m"));
  const std::string path = consume_path(topic, consumer);
  const Json before = good(client.ask("GET", path + "&request_id=a&partition=0"));
  cluster.restart(SIGKILL);
  HttpClient again(cluster.port());
  CHECK(good(again.ask("GET", path + "&request_id=a&partition=0")) == before);
  CHECK(good(again.ask("GET", path + "&partition=0"))["offset"] == 1);
  CHECK(good(again.ask("GET", "/size?topic=" + topic +
                                  "&consumer_id=" + std::to_string(consumer)))["size"] == 2);
  CHECK(register_as(again, "producer", topic) == producer + 1);
  CHECK(register_as(again, "consumer", topic) == consumer + 1);
  CHECK(enqueue(again, topic, producer, "m", ",\"partition\":0")["offset"] == 2);
}
