// More than one gateway can hold: of those who wait, of bodies, of answers that nobody reads. Each
// has its bound and its answer, and whoever asks for little is served all the while.
#include <catch2/catch.hpp>

#include "tests/e2e/gateway/gateway_process.hpp"
#include "tests/e2e/gateway/http_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace pinion;
using namespace pinion::test;
using gateway::Json;

namespace {

using Clients = std::vector<std::unique_ptr<HttpClient>>;

Micros now() {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

HttpClient& add(Clients& clients, int port) {
  clients.push_back(std::make_unique<HttpClient>(port));
  REQUIRE(clients.back()->connect());
  return *clients.back();
}

/// By no more than so many bytes since then; sanitizers keep memory of their own.
void check_growth(std::uint64_t before, std::uint64_t after, std::uint64_t bytes_max) {
  INFO("from " << before << " to " << after << " bytes");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  bytes_max *= 20;
#endif
  CHECK(after < before + bytes_max);  // The system may also have taken some back.
}

/// Whoever asks for little.
void check_served(int port) {
  HttpClient client(port, 5s);
  CHECK(good(client.ask("GET", "/health"))["healthy"] == true);
}

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

std::string records_path(const std::string& topic) {
  return "/topics/" + topic + "/partitions/0/records";
}

/// Looks at every event of a stream that comes in parts: the records of each partition come one
/// after the other from 0 on, whole, and the id of each says so.
struct EventCheck {
  /// The values are all the same but for those of some offsets, as JSON.
  explicit EventCheck(std::string every_value) : value(std::move(every_value)) {}

  void take(const std::string& more) {
    text += more;
    std::size_t begin = 0;
    std::size_t looked_at = searched;
    for (std::size_t end; (end = text.find("\n\n", looked_at)) != std::string::npos;) {
      take_event(std::string_view(text).substr(begin, end - begin));
      begin = end + 2;
      looked_at = begin;
    }
    text.erase(0, begin);
    searched = text.empty() ? 0 : text.size() - 1;
  }

  std::string value;
  std::map<std::int64_t, std::string> others{};  ///< By their offsets.
  int count = 0;
  std::string problem{};  ///< The first one.

 private:
  void take_event(std::string_view event) {
    ++count;
    static constexpr std::string_view mark = "\ndata: {\"partition_id\":";
    const std::size_t data = event.find(mark);
    if (data == std::string_view::npos) return note(event);
    const int partition = std::atoi(event.data() + data + mark.size());
    const std::int64_t offset = next[partition]++;
    const auto other = others.find(offset);
    const std::string begin = std::string(mark) + std::to_string(partition) +
                              ",\"offset\":" + std::to_string(offset) + ",";
    const std::string end = ",\"value\":" + (other == others.end() ? value : other->second) + "}";
    const std::string id = std::to_string(partition) + ':' + std::to_string(offset + 1);
    const std::string ids = ',' + std::string(event.substr(0, data)).erase(0, 4) + ',';
    if (event.substr(data, begin.size()) != begin || !event.ends_with(end) ||
        ids.find(',' + id + ',') == std::string::npos) {
      note(event);
    }
  }
  void note(std::string_view event) {
    if (problem.empty()) problem = event.substr(0, 200);
  }

  std::string text;
  std::size_t searched = 0;
  std::map<int, std::int64_t> next;
};

/// Half of the places to wait is for tails, half for polls.
constexpr int tail_places = 2'048;
constexpr int poll_places = 2'048;

}  // namespace

TEST_CASE("overload: live tails beyond the room for them get 503, and all else is served",
          "[gateway][overload]") {
  const std::string wide = HttpCluster::shared().new_topic(64);
  const std::string narrow = HttpCluster::shared().new_topic(1);
  GatewayProcess gateway(HttpCluster::shared().broker());
  Clients tails;
  constexpr int fitting = tail_places / 64;
  for (int i = 0; i < fitting; ++i)
    add(tails, gateway.port()).send(get("/topics/" + wide + "/events"));
  for (auto& tail : tails) REQUIRE(tail->receive(true).status == 200);
  HttpClient client(gateway.port(), 5s);
  for (const std::string& path : {"/topics/" + wide + "/events", "/topics/" + narrow + "/events"}) {
    const HttpReply reply = client.ask("GET", path);
    CHECK(bad(reply, 503).find("Too many reads and streams") == 0);
    CHECK(json_of(reply)["code"] == "throttled");
    CHECK(json_of(reply)["fate"] == "did_not_happen");
  }
  // Polls have places of their own, and what does not wait needs none.
  CHECK(good(client.ask("GET", records_path(narrow) + "?wait_ms=100"))["records"].empty());
  CHECK(good(client.ask("GET", records_path(narrow)))["records"].empty());
  static_cast<void>(
      good(client.ask("POST", "/topics/" + wide + "/records", R"({"records":["m"]})")));
  static_cast<void>(
      good(client.ask("POST", "/topics/" + narrow + "/records", R"({"records":["m"]})")));
  CHECK(good(client.ask("GET", records_path(narrow) + "?wait_ms=20000"))["records"].size() == 1);
  CHECK(tails.front()->receive_until("\"m\"}\n\n").find("\"m\"") != std::string::npos);
  check_served(gateway.port());
  // The places of those who leave are free again, soon.
  tails.clear();
  CHECK(eventually(
      patience(15s),
      [&] {
        HttpClient another(gateway.port());
        return another.connect() && another.send(get("/topics/" + narrow + "/events")) &&
               another.receive(true).status == 200;
      },
      100ms));
}

TEST_CASE("overload: the places of long polls that were abandoned come back before their time",
          "[gateway][overload]") {
  const std::string topic = HttpCluster::shared().new_topic(1);
  GatewayProcess gateway(HttpCluster::shared().broker());
  const std::string poll = get(records_path(topic) + "?wait_ms=30000");
  Clients polls;
  for (int i = 0; i < poll_places; ++i) add(polls, gateway.port()).send(poll);
  HttpClient client(gateway.port(), 5s);
  const std::string path = records_path(topic) + "?wait_ms=100";
  REQUIRE(eventually(
      patience(20s), [&] { return client.ask("GET", path).status == 503; }, 50ms));
  polls.clear();
  const Micros gone = now();
  CHECK(eventually(
      patience(15s), [&] { return client.ask("GET", path).status == 200; }, 50ms));
  CHECK(now() - gone < patience(12s));
  // A half-closed one gets what there is: nothing, at once.
  HttpClient half(gateway.port(), 5s);
  REQUIRE(half.connect());
  half.send(poll);
  half.half_close();
  CHECK(good(half.receive())["records"].empty());
}

TEST_CASE("overload: answers that nobody reads take a bounded amount of memory",
          "[gateway][overload]") {
  const std::string topic = HttpCluster::shared().new_topic(1);
  GatewayProcess gateway(HttpCluster::shared().broker(), "write_timeout_ms = 3000\n");
  HttpClient client(gateway.port());
  // One of these bytes becomes six of JSON.
  std::string records = R"({"records":[)";
  for (int i = 0; i < 16; ++i) {
    if (i > 0) records += ',';
    records += '"';
    for (int k = 0; k < 60'000; ++k) records += "\\u0001";
    records += '"';
  }
  static_cast<void>(good(client.ask("POST", "/topics/" + topic + "/records", records + "]}")));
  const std::uint64_t before = gateway.process().resident_bytes();
  const std::string large = records_path(topic) + "?max=10000";
  CHECK(client.ask("GET", large).body.size() > 5'000'000);
  Clients deaf;
  for (int i = 0; i < 100; ++i) add(deaf, gateway.port()).send(get(large));
  CHECK(eventually(patience(20s), [&] {
    HttpClient another(gateway.port());
    const HttpReply reply = another.ask("GET", large);
    return reply.status == 503 && json_of(reply).contains("fate") &&
           !reply.header("retry-after").empty();
  }));
  check_served(gateway.port());
  check_growth(before, gateway.process().resident_bytes(), 300'000'000);
  // Those who take nothing are dropped, and others get their answers again.
  CHECK(eventually(
      patience(20s), [&] { return client.ask("GET", large).status == 200; }, 200ms));
}

TEST_CASE("overload: readers that take a little now and then shut nobody else out",
          "[gateway][overload]") {
  const std::string topic = HttpCluster::shared().new_topic(1);
  GatewayProcess gateway(HttpCluster::shared().broker());
  HttpClient client(gateway.port());
  std::string value;
  for (int i = 0; i < 900'000; ++i) value += "\\u0001";
  const std::string record = "{\"records\":[\"" + value + "\"]}";
  for (int i = 0; i < 4; ++i) {
    static_cast<void>(good(client.ask("POST", "/topics/" + topic + "/records", record)));
  }
  // 21.6 MB each: more than the system's buffers take over.
  const std::string path = "/topics/" + topic + "/query";
  const std::string query = object({{"sql", "select value from readable"}});
  Clients slow;
  for (int i = 0; i < 4; ++i) {
    HttpClient& one = add(slow, gateway.port());
    one.send("POST " + path + " HTTP/1.1\r\nContent-Length: " + std::to_string(query.size()) +
             "\r\n\r\n" + query);
    REQUIRE(one.receive(true).status == 200);
  }
  const auto take_a_little = [&] {
    for (auto& one : slow) static_cast<void>(one->receive_until("u0001"));
  };
  const Micros begun = now();
  REQUIRE(eventually(
      patience(30s),
      [&] {
        take_a_little();
        return now() - begun > 3s;
      },
      100ms));
  CHECK(eventually(
      patience(12s),
      [&] {
        take_a_little();
        return client.ask("POST", path, query).status == 200;
      },
      100ms));
}

TEST_CASE("overload: a live tail of many large batches brings all of them, a piece at a time",
          "[gateway][overload]") {
  constexpr int partitions = 12;
  constexpr int records = 27;
  const std::string topic = HttpCluster::shared().new_topic(partitions);
  GatewayProcess gateway(HttpCluster::shared().broker());
  HttpClient client(gateway.port());
  static_cast<void>(good(client.ask("POST", "/producer/register", object({{"topic", topic}}))));
  const Json producer =
      good(client.ask("POST", "/producer/register", object({{"topic", topic}})))["producer_id"];
  std::string value;  // One of these bytes becomes six of JSON.
  for (int i = 0; i < 100'000; ++i) value += "\\u0001";
  std::string batch = "{\"producer_id\":" + producer.dump() + ",\"sequence\":0,\"records\":[";
  for (int i = 0; i < records; ++i) batch += (i > 0 ? ",\"" : "\"") + value + '"';
  for (int partition = 0; partition < partitions; ++partition) {
    static_cast<void>(
        good(client.ask("POST", "/topics/" + topic + "/records",
                        batch + "],\"partition\":" + std::to_string(partition) + "}")));
  }
  const std::uint64_t before = gateway.process().resident_bytes();
  HttpClient tail(gateway.port());
  REQUIRE(tail.connect());
  tail.send(get("/topics/" + topic + "/events?from=earliest"));
  REQUIRE(tail.receive(true).status == 200);
  // Everything that it would read ahead is there before anything is taken.
  const Micros begun = now();
  REQUIRE(eventually(
      patience(5s), [&] { return now() - begun > 2s; }, 100ms));
  check_growth(before, gateway.process().resident_bytes(), 100'000'000);
  EventCheck events('"' + value + '"');
  while (events.count < partitions * records) {
    const std::string more = tail.receive_until("u0001");
    if (more.empty()) break;
    events.take(more);
  }
  CHECK(events.problem == "");
  CHECK(events.count == partitions * records);
}

TEST_CASE("overload: one answer for 1,000 live tails is one answer's memory, and holds nobody up",
          "[gateway][overload]") {
  constexpr int batches = 3;
  const std::string topic = HttpCluster::shared().new_topic(1);
  GatewayProcess gateway(HttpCluster::shared().broker());
  Clients tails;
  // Nobody reads before the end: three times 240 MB lie in their sockets then.
  for (int i = 0; i < 1'000; ++i) {
    add(tails, gateway.port()).send(get("/topics/" + topic + "/events"));
  }
  for (auto& tail : tails) REQUIRE(tail->receive(true).status == 200);
  HttpClient client(gateway.port());
  const std::uint64_t before = gateway.process().resident_bytes();
  // 240 KB: in many records, and in a single one.
  const std::string many = [] {
    std::string records;
    for (int i = 0; i < 240; ++i) records += (i > 0 ? ",\"" : "\"") + std::string(1'000, 'y') + '"';
    return records;
  }();
  const std::string single = '"' + std::string(240'000, 'z') + '"';
  Micros longest{0};
  std::uint64_t most = 0;
  for (int i = 0; i < batches; ++i) {
    static_cast<void>(good(client.ask("POST", "/topics/" + topic + "/records",
                                      "{\"records\":[" + (i == 1 ? single : many) + "]}")));
    for (const Micros begun = now(); now() - begun < 1s;) {
      const Micros asked = now();
      check_served(gateway.port());
      longest = std::max(longest, now() - asked);
      most = std::max(most, gateway.process().resident_bytes());
    }
  }
  CHECK(longest < patience(4s));            // On a busy machine; before they shared, not at all.
  check_growth(before, most, 200'000'000);  // Not shared: 276 MB.
  // And every one of them gets all of it, in order.
  for (std::size_t i = 0; i < tails.size(); i += 50) {
    EventCheck events('"' + std::string(1'000, 'y') + '"');
    events.others[240] = single;
    while (events.count < 2 * 240 + 1) {
      const std::string more = tails[i]->receive_until("\n\n");
      if (more.empty()) break;
      events.take(more);
    }
    CHECK(events.problem == "");
    CHECK(events.count == 2 * 240 + 1);
  }
}

TEST_CASE("overload: live tails that nobody reads do not hold up one that is read",
          "[gateway][overload]") {
  constexpr int deaf_ones = 100;
  constexpr int batches = 60;
  constexpr int records = 50;
  const std::string topic = HttpCluster::shared().new_topic(3);
  GatewayProcess gateway(HttpCluster::shared().broker());
  const std::string tail = get("/topics/" + topic + "/events?from=earliest");
  Clients deaf;
  for (int i = 0; i < deaf_ones; ++i) add(deaf, gateway.port()).send(tail);
  std::string batch = R"({"records":[)";
  for (int i = 0; i < records; ++i)
    batch += (i > 0 ? ",\"" : "\"") + std::string(10'000, 'y') + '"';
  HttpClient client(gateway.port());
  for (int i = 0; i < batches; ++i) {
    static_cast<void>(good(client.ask("POST", "/topics/" + topic + "/records", batch + "]}")));
  }
  // Who has not read for 2 s is ended when there is little room: it comes when all is there.
  HttpClient reader(gateway.port());
  REQUIRE(reader.connect());
  reader.send(tail);
  REQUIRE(reader.receive(true).status == 200);
  EventCheck events('"' + std::string(10'000, 'y') + '"');
  Micros longest{0};
  while (events.count < batches * records) {
    const Micros begun = now();
    const std::string more = reader.receive_until("yyy");
    longest = std::max(longest, now() - begun);
    if (more.empty()) break;
    events.take(more);
  }
  CHECK(events.problem == "");
  CHECK(events.count == batches * records);
  CHECK(longest < patience(10s));
}

TEST_CASE("overload: a few slow uploads do not keep everybody else's out", "[gateway][overload]") {
  const std::string topic = HttpCluster::shared().new_topic(1);
  GatewayProcess gateway(HttpCluster::shared().broker());
  const std::string part(16'777'000, ' ');  // 16 of them take all the room there is.
  Clients slow;
  for (int i = 0; i < 18; ++i) {
    HttpClient& one = add(slow, gateway.port());
    one.send("POST /topics/" + topic + "/records HTTP/1.1\r\nContent-Length: 16777216\r\n\r\n");
    one.send(part);  // And no more.
  }
  const std::string body = R"({"records":[")" + std::string(900'000, 'x') + "\"]}";
  const Micros begun = now();
  CHECK(eventually(
      patience(20s),
      [&] {
        HttpClient client(gateway.port());
        const HttpReply reply = client.ask("POST", "/topics/" + topic + "/records", body);
        if (reply.status == 503) {
          CHECK(json_of(reply)["code"] == "throttled");
          CHECK(json_of(reply)["fate"] == "did_not_happen");
        }
        return reply.status == 200;
      },
      50ms));
  CHECK(now() - begun < patience(8s));
  CHECK(std::any_of(slow.begin(), slow.end(),
                    [](const auto& one) { return one->receive().status == 408; }));
}

TEST_CASE("overload: a body is held until it is read, not for as long as its request waits",
          "[gateway][overload]") {
  const std::string topic = HttpCluster::shared().new_topic(1);
  GatewayProcess gateway(HttpCluster::shared().broker());
  const std::uint64_t before = gateway.process().resident_bytes();
  const std::string filler = R"({"x":")" + std::string(2'000'000, 'x') + "\"}";
  Clients waiting;  // With 280 MB of bodies together: more than there is room for.
  for (int i = 0; i < 140; ++i) {
    HttpClient& one = add(waiting, gateway.port());
    one.send(
        "GET " +
        (i % 2 == 0 ? records_path(topic) + "?wait_ms=20000" : "/topics/" + topic + "/events") +
        " HTTP/1.1\r\nContent-Length: " + std::to_string(filler.size()) + "\r\n\r\n" + filler);
    if (i % 2 == 1) REQUIRE(one.receive(true).status == 200);
  }
  check_growth(before, gateway.process().resident_bytes(), 100'000'000);
  HttpClient client(gateway.port());
  const std::string body = R"({"records":[")" + std::string(900'000, 'x') + "\"]}";
  static_cast<void>(good(client.ask("POST", "/topics/" + topic + "/records", body)));
}

TEST_CASE("overload: a body of millions of names costs little time and memory",
          "[gateway][overload]") {
  const std::string topic = HttpCluster::shared().new_topic(1);
  GatewayProcess gateway(HttpCluster::shared().broker());
  HttpClient client(gateway.port());
  const auto names = [](std::size_t bytes) {
    std::string body = R"({"topic":"x")";
    for (int i = 0; body.size() < bytes; ++i) body += ",\"" + std::to_string(i) + "\":0";
    return body + "}";
  };
  const std::uint64_t before = gateway.process().resident_bytes();
  CHECK(bad(client.ask("POST", "/topics", names(1'900'000))).find("too many") != std::string::npos);
  CHECK(bad(client.ask("POST", "/producer/produce", names(16'000'000))).find("too many") !=
        std::string::npos);
  CHECK(bad(client.ask("POST", "/topics/" + topic + "/records", names(16'000'000)))
            .find("too many") != std::string::npos);
  // Only what brings records may be large.
  CHECK(client.ask("POST", "/topics", names(2'200'000)).status == 413);
  CHECK(client.ask("GET", "/health", names(2'200'000)).status == 413);
  check_growth(before, gateway.process().resident_bytes(), 120'000'000);
  check_served(gateway.port());
}

TEST_CASE("overload: a query over many partitions ends before its answer is without bounds",
          "[gateway][overload]") {
  const std::string topic = HttpCluster::shared().new_topic(8);
  HttpClient client(HttpCluster::shared().port());
  const std::string record = '"' + std::string(900'000, 'x') + '"';
  for (int partition = 0; partition < 8; ++partition) {
    static_cast<void>(
        good(client.ask("POST", "/topics/" + topic + "/records",
                        "{\"records\":[" + record + "," + record + "," + record + "," + record +
                            "],\"partition\":" + std::to_string(partition) + "}")));
  }
  const Json answer = good(client.ask("POST", "/topics/" + topic + "/query",
                                      object({{"sql", "select value from readable"}})));
  CHECK(answer["truncated"] == true);
  CHECK(answer["rows"].size() == 20);  // Five times 3.6 MB.
}

TEST_CASE("overload: queries whose callers have gone cost those behind them a pause, and no error",
          "[gateway][overload]") {
  const std::string topic = HttpCluster::shared().new_topic(8);
  GatewayProcess gateway(HttpCluster::shared().broker());
  const std::string path = "/topics/" + topic + "/query";
  const auto query = [](const std::string& sql, int partition) {
    return object({{"sql", sql}, {"partition", std::to_string(partition)}});
  };
  const std::string endless = query(
      "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n", 0);
  const std::string request = "POST " + path +
                              " HTTP/1.1\r\nContent-Length: " + std::to_string(endless.size()) +
                              "\r\n\r\n" + endless;
  {
    HttpClient first(gateway.port());  // The topic is known then.
    static_cast<void>(good(first.ask("POST", path, query("select 1", 0))));
  }
  // One of them is on the node for its 10 s; the others leave before their turn comes.
  Clients gone;
  for (int i = 0; i < 6; ++i) {
    add(gone, gateway.port()).send(request);
    gone.back()->half_close();
  }
  // On every partition of that node.
  const Micros asked = now();
  Clients others;
  for (int partition = 0; partition < 8; ++partition) {
    const std::string body = query("select 1", partition);
    others.push_back(std::make_unique<HttpClient>(gateway.port(), patience(25s)));
    REQUIRE(others.back()->connect());
    others.back()->send("POST " + path + " HTTP/1.1\r\nContent-Length: " +
                        std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  for (auto& other : others) CHECK(good(other->receive())["rows"].size() == 1);
  CHECK(now() - asked < patience(15s));
  int refused = 0;
  for (auto& one : gone) {
    const HttpReply reply = one->receive();
    if (reply.status == 400) {
      CHECK(bad(reply).find("longer than its limit") != std::string::npos);
    } else {
      CHECK(bad(reply, 503).find("The query was not run") == 0);
      CHECK(json_of(reply)["fate"] == "did_not_happen");
      ++refused;
    }
  }
  CHECK(refused == 5);
}
