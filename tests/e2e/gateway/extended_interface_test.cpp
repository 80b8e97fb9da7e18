// The extended interface against a real cluster: batches, reading, positions, the live tail, SQL.
#include <catch2/catch.hpp>

#include "tests/e2e/gateway/http_cluster.hpp"

#include <string>
#include <thread>

using namespace pinion;
using namespace pinion::test;
using gateway::Json;

namespace {

std::string id_of(HttpClient& client, const std::string& kind, const std::string& topic) {
  const Json json = good(client.ask("POST", "/" + kind + "/register", object({{"topic", topic}})));
  return std::to_string(json[kind + "_id"].get<std::int64_t>());
}

Json send(HttpClient& client, const std::string& topic, const std::string& body) {
  return good(client.ask("POST", "/topics/" + topic + "/records", body));
}

std::string records_path(const std::string& topic, int partition = 0) {
  return "/topics/" + topic + "/partitions/" + std::to_string(partition) + "/records";
}

}  // namespace

TEST_CASE("http: a batch of records goes in, and is read back as it was", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(2);
  const Json sent = send(client, topic, R"({"partition":1,"records":["plain",
    {"value":"v","key":"k","headers":{"a":"1"},"timestamp":1700000000000000},
    {"value_base64":"AP8=","headers":[["b",{"base64":"/w=="}]]},
    {"value":"other","partition":0}]})");
  CHECK(sent["count"] == 4);
  CHECK(sent["partition_ids"] == Json::array({1, 1, 1, 0}));
  CHECK(sent["offsets"] == Json::array({0, 1, 2, 0}));
  const Json read = good(client.ask("GET", records_path(topic, 1)));
  REQUIRE(read["records"].size() == 3);
  CHECK(read["records"][0]["value"] == "plain");
  CHECK(read["records"][1]["key"] == "k");
  CHECK(read["records"][1]["timestamp"] == 1700000000000000);
  CHECK(read["records"][1]["headers"] == Json::array({Json::array({"a", "1"})}));
  CHECK(read["records"][2]["value_base64"] == "AP8=");
  CHECK(read["records"][2]["headers"][0][1]["base64"] == "/w==");
  CHECK(read["next_offset"] == 3);
  CHECK(read["high_watermark"] == 3);
  // What is no text comes out of a dequeue in base64 too.
  const std::string consumer = id_of(client, "consumer", topic);
  const std::string path =
      "/consumer/consume?topic=" + topic + "&partition=1&consumer_id=" + consumer;
  static_cast<void>(good(client.ask("GET", path)));
  static_cast<void>(good(client.ask("GET", path)));
  CHECK(good(client.ask("GET", path))["message_base64"] == "AP8=");
}

TEST_CASE("http: records with a key stay together", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(3);
  std::string body = R"({"records":[)";
  for (int i = 0; i < 12; ++i) {
    body +=
        std::string(i > 0 ? "," : "") + R"({"value":"v","key":"k)" + std::to_string(i % 4) + "\"}";
  }
  const Json partitions = send(client, topic, body + "]}")["partition_ids"];
  for (std::size_t i = 0; i + 4 < 12; ++i) CHECK(partitions[i] == partitions[i + 4]);
}

TEST_CASE("http: a numbered batch is stored once, whole, at consecutive offsets", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  HttpClient other(HttpCluster::shared().other_port());
  const std::string topic = HttpCluster::shared().new_topic();
  const std::string producer = id_of(client, "producer", topic);
  const auto batch = [&](int sequence, const std::string& records) {
    return "{\"records\":[" + records + "],\"partition\":0,\"producer_id\":" + producer +
           ",\"sequence\":" + std::to_string(sequence) + "}";
  };
  CHECK(send(client, topic, batch(0, R"("a","b","c")"))["offset"] == 0);
  CHECK(send(client, topic, batch(3, R"("d","e")"))["offset"] == 3);
  const Json repeat = send(other, topic, batch(0, R"("a","b","c")"));
  CHECK(repeat["offset"] == 0);
  CHECK(repeat["count"] == 3);
  CHECK(repeat["partition_id"] == 0);
  CHECK(good(client.ask("GET", records_path(topic)))["records"].size() == 5);
  // One that overlaps what is there is another one.
  const HttpReply overlap =
      client.ask("POST", "/topics/" + topic + "/records", batch(1, R"("x","y")"));
  static_cast<void>(bad(overlap));
  CHECK(json_of(overlap)["code"] == "out_of_order_sequence");
  // Far behind: it is there, or was passed over; nobody knows any more.
  for (int i = 0; i < 6; ++i) {
    static_cast<void>(send(client, topic, batch(100 + i, R"("z")")));
  }
  const HttpReply late =
      client.ask("POST", "/topics/" + topic + "/records", batch(0, R"("a","b","c")"));
  static_cast<void>(bad(late));
  CHECK(json_of(late)["code"] == "duplicate_sequence");
}

TEST_CASE("http: a batch for what is not there is refused as a whole", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic();
  const std::string path = "/topics/" + topic + "/records";
  static_cast<void>(
      bad(client.ask("POST", path, R"({"records":["a",{"value":"b","partition":1}]})")));
  static_cast<void>(bad(client.ask("POST", "/topics/missing/records", R"({"records":["a"]})")));
  CHECK(bad(client.ask("POST", path, R"({"records":["a"],"producer_id":999999})")) ==
        "Invalid producer_id");
  CHECK(good(client.ask("GET", records_path(topic)))["records"].empty());
}

TEST_CASE("http: reading goes from any offset, waits for records, and tells the range",
          "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic();
  static_cast<void>(send(client, topic, R"({"records":["0","1","2","3","4"]})"));
  const std::string path = records_path(topic);
  const Json some = good(client.ask("GET", path + "?offset=1&max=2"));
  REQUIRE(some["records"].size() == 2);
  CHECK(some["records"][0]["value"] == "1");
  CHECK(some["next_offset"] == 3);
  CHECK(good(client.ask("GET", path + "?offset=latest"))["next_offset"] == 5);
  const HttpReply beyond = client.ask("GET", path + "?offset=77");
  static_cast<void>(bad(beyond));
  CHECK(json_of(beyond)["code"] == "offset_out_of_range");
  CHECK(json_of(beyond)["log_end"] == 5);
  // A read that waits gets what comes while it waits.
  std::thread sender([&] {
    HttpClient own(HttpCluster::shared().other_port());
    HttpClient watcher(HttpCluster::shared().port());
    static_cast<void>(own.ask("POST", "/topics/" + topic + "/records", R"({"records":["5"]})"));
  });
  const Json waited = good(client.ask("GET", path + "?offset=5&wait_ms=15000"));
  sender.join();
  REQUIRE(waited["records"].size() == 1);
  CHECK(waited["records"][0]["value"] == "5");
  CHECK(good(client.ask("GET", path + "?offset=6&wait_ms=50"))["records"].empty());
  static_cast<void>(bad(client.ask("GET", records_path(topic, 1))));
  static_cast<void>(bad(client.ask("GET", records_path("missing"))));
}

TEST_CASE("http: a consumer may read many and then say how far it is", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(2);
  static_cast<void>(send(client, topic, R"({"records":["0","1","2","3"],"partition":0})"));
  const std::string consumer = id_of(client, "consumer", topic);
  const std::string list = "/topics/" + topic + "/positions?consumer_id=" + consumer;
  const Json before = good(client.ask("GET", list))["positions"];
  REQUIRE(before.size() == 2);
  CHECK(before[0] ==
        Json({{"partition_id", 0}, {"offset", 0}, {"high_watermark", 4}, {"unread", 4}}));
  const std::string move = "/topics/" + topic + "/partitions/0/position";
  static_cast<void>(
      good(client.ask("POST", move, object({{"consumer_id", consumer}, {"offset", "3"}}))));
  CHECK(good(client.ask("GET", list))["positions"][0]["unread"] == 1);
  CHECK(good(client.ask("GET", "/consumer/consume?topic=" + topic +
                                   "&consumer_id=" + consumer))["message"] == "3");
  static_cast<void>(
      bad(client.ask("POST", move, object({{"consumer_id", consumer}, {"offset", "9"}}))));
  static_cast<void>(bad(client.ask("POST", move, object({{"consumer_id", consumer}}))));
  CHECK(bad(client.ask("POST", move, object({{"consumer_id", "999999"}, {"offset", "1"}}))) ==
        "Invalid consumer_id");
}

TEST_CASE("http: a live tail brings events as they come, and goes on where it stopped",
          "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(2);
  static_cast<void>(send(client, topic, R"({"records":["old"],"partition":0})"));
  HttpClient tail(HttpCluster::shared().port());
  REQUIRE(tail.connect());
  tail.send("GET /topics/" + topic + "/events?from=earliest HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string first = tail.receive_until("\"old\"}\n\n");
  CHECK(first.find("HTTP/1.1 200") == 0);
  CHECK(first.find("Content-Type: text/event-stream") != std::string::npos);
  CHECK(first.find("id: 0:1,1:0\ndata: {\"partition_id\":0,\"offset\":0,") != std::string::npos);
  static_cast<void>(send(client, topic, R"({"records":["new\nline"],"partition":1})"));
  CHECK(tail.receive_until("\\nline\"}\n\n").find("id: 0:1,1:1\n") != std::string::npos);
  tail.close();
  static_cast<void>(send(client, topic, R"({"records":["later"],"partition":0})"));
  HttpClient again(HttpCluster::shared().other_port());
  REQUIRE(again.connect());
  again.send("GET /topics/" + topic +
             "/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0:1,1:1\r\n\r\n");
  const std::string rest = again.receive_until("\"later\"}\n\n");
  CHECK(rest.find("\"later\"") != std::string::npos);
  CHECK(rest.find("\"old\"") == std::string::npos);
  static_cast<void>(bad(client.ask("GET", "/topics/missing/events")));
}

TEST_CASE("http: SQL reads the live log of every partition, and nothing else", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  const std::string topic = HttpCluster::shared().new_topic(2);
  static_cast<void>(send(client, topic, R"({"records":["a","b"],"partition":0})"));
  static_cast<void>(send(client, topic, R"({"records":["c"],"partition":1})"));
  const std::string path = "/topics/" + topic + "/query";
  const auto ask = [&](const std::string& sql, const std::string& more = {}) {
    return client.ask("POST", path, "{\"sql\":\"" + sql + "\"" + more + "}");
  };
  const Json all = good(ask("select offset, value, null, 1.5 from readable"));
  CHECK(all["columns"].size() == 4);
  CHECK(all["rows"].size() == 3);
  CHECK(all["rows"][0] == Json::array({0, "a", nullptr, 1.5}));
  CHECK(all["truncated"] == false);
  CHECK(good(ask("select count(*) from readable", ",\"partition\":1"))["rows"] ==
        Json::array({Json::array({1})}));
  CHECK(good(ask("select 1 from readable", ",\"rows_max\":1"))["truncated"] == true);
  CHECK(good(ask("select x'00ff'", ",\"partition\":0"))["rows"][0][0]["base64"] == "AP8=");
  for (const char* sql : {"delete from messages", "selec", "", "select * from nothing"}) {
    static_cast<void>(bad(ask(sql)));
  }
}

TEST_CASE("http: topics and the cluster are described, and topics deleted", "[gateway]") {
  HttpClient client(HttpCluster::shared().port());
  HttpClient other(HttpCluster::shared().other_port());
  const std::string topic = HttpCluster::shared().new_topic(2);
  const std::string producer = id_of(client, "producer", topic);
  const Json described = good(client.ask("GET", "/topics/" + topic))["topic"];
  CHECK(described["name"] == topic);
  CHECK(described["partitions"].size() == 2);
  CHECK(described["partitions"][0]["state"] == "online");
  CHECK(good(client.ask("GET", "/topics/" + topic + "/partitions"))["partitions"].size() == 2);
  const Json cluster = good(client.ask("GET", "/cluster"));
  CHECK(cluster["nodes"].size() == 3);
  CHECK(cluster["nodes"][0]["health"] == "alive");
  CHECK(good(client.ask("DELETE", "/topics/" + topic))["message"] ==
        "Topic '" + topic + "' deleted successfully");
  CHECK(bad(client.ask("DELETE", "/topics/" + topic)) == "Topic '" + topic + "' does not exist");
  CHECK(bad(client.ask("GET", "/topics/" + topic)) == "Topic '" + topic + "' does not exist");
  // A new topic of that name is another one: what was registered for the old one is not for it.
  static_cast<void>(good(client.ask("POST", "/topics", object({{"topic", topic}}))));
  for (HttpClient* one : {&client, &other}) {
    CHECK(bad(one->ask("POST", "/producer/produce",
                       object({{"topic", topic}, {"producer_id", producer}, {"message", "m"}}))) ==
          "Invalid producer_id");
  }
  const std::string anew = id_of(other, "producer", topic);
  CHECK(good(other.ask(
            "POST", "/producer/produce",
            object({{"topic", topic}, {"producer_id", anew}, {"message", "m"}})))["offset"] == 0);
  CHECK(gateway::parse_json(client.ask("GET", "/openapi.json").body));
}
