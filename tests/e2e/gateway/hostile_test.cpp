// What no client should send: each gets the right answer or is dropped, and nobody else notices.
#include <catch2/catch.hpp>

#include "common/base/prng.hpp"
#include "tests/e2e/gateway/http_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace pinion;
using namespace pinion::test;
using gateway::Json;

namespace {

/// Sends bytes as they are and gives the first answer.
HttpReply raw(std::string_view bytes) {
  HttpClient client(HttpCluster::shared().port(), 5s);
  REQUIRE(client.connect());
  client.send(bytes);
  client.half_close();
  return client.receive();
}

/// Somebody else, who must never notice.
void check_served() {
  HttpClient client(HttpCluster::shared().port());
  CHECK(good(client.ask("GET", "/health"))["healthy"] == true);
}

}  // namespace

TEST_CASE("http: what is not HTTP is answered 400 and ended", "[gateway][hostile]") {
  for (const std::string& bytes :
       {std::string("garbage\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("\r\n\r\n\r\n\r\n"),
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string("GET / HTTP/1.1\r\nbad header\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        std::string("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        std::string("G\x01T / HTTP/1.1\r\n\r\n"), std::string("GET /\x01 HTTP/1.1\r\n\r\n"),
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n"}) {
    INFO(bytes);
    const HttpReply reply = raw(bytes);
    CHECK((reply.status == 400 || reply.status == 0));
    if (reply.status != 0) CHECK(reply.header("connection") == "close");
  }
  check_served();
}

TEST_CASE("http: sizes over the limits have their own answers", "[gateway][hostile]") {
  const std::string head = "GET /ping HTTP/1.1\r\nHost: x\r\n";
  CHECK(raw(head + "X-Large: " + std::string(20'000, 'x') + "\r\n\r\n").status == 431);
  CHECK(raw("GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n\r\n").status == 431);
  std::string many = head;
  for (int i = 0; i < 5'000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  CHECK(raw(many + "\r\n").status == 431);
  CHECK(raw("POST /topics HTTP/1.1\r\nContent-Length: 17000000\r\n\r\n").status == 413);
  std::string chunked = "POST /topics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 18; ++i) chunked += "100000\r\n" + std::string(0x100000, 'x') + "\r\n";
  CHECK(raw(chunked + "0\r\n\r\n").status == 413);
  check_served();
}

TEST_CASE("http: requests come one after the other, pipelined, split anywhere, with any body",
          "[gateway][hostile]") {
  const std::string topic = HttpCluster::shared().new_topic();
  HttpClient client(HttpCluster::shared().port(), 5s);
  REQUIRE(client.connect());
  const std::string body = object({{"topic", topic}});
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += "GET /partitions HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body + "POST /ping HTTP/1.1\r\n\r\nGET /ping HTTP/1.1\r\n\r\n";
  }
  client.send(requests);
  for (int i = 0; i < 50; ++i) {
    REQUIRE(client.receive().status == 200);
    REQUIRE(client.receive().status == 405);
    REQUIRE(client.receive().status == 200);
  }
  for (const char c : requests.substr(0, 300)) client.send(std::string_view(&c, 1));
  for (int i = 0; i < 3; ++i) CHECK(client.receive().status != 0);
}

TEST_CASE("http: 100-continue, HTTP/1.0 and HEAD are understood", "[gateway][hostile]") {
  const std::string topic = HttpCluster::shared().new_topic();
  HttpClient client(HttpCluster::shared().port(), 5s);
  REQUIRE(client.connect());
  const std::string body = object({{"topic", topic}});
  client.send("GET /partitions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n");
  CHECK(client.receive().status == 100);
  client.send(body);
  CHECK(client.receive().status == 200);
  client.send("HEAD /topics HTTP/1.1\r\n\r\nGET /ping HTTP/1.1\r\n\r\n");
  CHECK(client.receive(true).status == 200);
  CHECK(client.receive().body == R"({"message":"pong"})");
  client.send("GET /ping HTTP/1.0\r\n\r\n");
  CHECK(client.receive().header("connection") == "close");
  CHECK(client.closed_within(5s));
}

TEST_CASE("http: a request whose end nobody can tell is refused and the connection ended",
          "[gateway][hostile]") {
  // What follows would be taken for a request by one server, for a body by another.
  const std::string inside = "0\r\n\r\nGET /ping HTTP/1.1\r\n\r\n";
  for (const char* encoding : {"gzip", "gzip, chunked", "chunked, gzip", "identity",
                               "chunked\r\nTransfer-Encoding: chunked", "chunked, chunked", "x"}) {
    INFO(encoding);
    HttpClient client(HttpCluster::shared().port(), 5s);
    REQUIRE(client.connect());
    client.send("POST /topics HTTP/1.1\r\nTransfer-Encoding: " + std::string(encoding) +
                "\r\n\r\n" + inside);
    const HttpReply reply = client.receive();
    CHECK(reply.status == 400);
    CHECK(reply.header("connection") == "close");
    CHECK(client.receive().status == 0);
  }
  CHECK(raw("POST /topics HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + inside).status == 400);
  CHECK(raw("GET /ping HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n").status == 200);
}

TEST_CASE("http: HTTP/1.0 is not sent what it does not know", "[gateway][hostile]") {
  const std::string body = object({{"topic", HttpCluster::shared().new_topic()}});
  CHECK(raw("GET /partitions HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body)
            .status == 200);
}

TEST_CASE("http: a refusal is of the request that it refuses, not of the one before",
          "[gateway][hostile]") {
  for (const char* second : {"garbage\r\n\r\n", "GET /ping HTTP/1.1\r\nno colon\r\n\r\n"}) {
    HttpClient client(HttpCluster::shared().port(), 5s);
    REQUIRE(client.connect());
    client.send("HEAD /ping HTTP/1.1\r\n\r\n");
    CHECK(client.receive(true).status == 200);
    client.send(second);
    const HttpReply reply = client.receive();
    CHECK(bad(reply).find("This is not HTTP") == 0);
  }
  // Also when it is known by its first line, and wrong behind it.
  HttpClient chunks(HttpCluster::shared().port(), 5s);
  REQUIRE(chunks.connect());
  chunks.send(
      "HEAD /ping HTTP/1.1\r\n\r\n"
      "POST /topics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  CHECK(chunks.receive(true).status == 200);
  CHECK(bad(chunks.receive()).find("This is not HTTP") == 0);
  HttpClient client(HttpCluster::shared().port(), 5s);
  REQUIRE(client.connect());
  client.send(
      "HEAD /ping HTTP/1.1\r\n\r\nPOST /topics HTTP/1.1\r\nContent-Length: 17000000\r\n\r\n");
  CHECK(client.receive(true).status == 200);
  CHECK(json_of(client.receive())["status"] == "failure");
}

TEST_CASE("http: a half-closed connection gets its answer, a cut one costs nothing",
          "[gateway][hostile]") {
  CHECK(raw("GET /health HTTP/1.1\r\n\r\n").status == 200);
  const std::string topic = HttpCluster::shared().new_topic();
  for (int i = 0; i < 50; ++i) {
    HttpClient client(HttpCluster::shared().port());
    REQUIRE(client.connect());
    client.send("GET " + std::string("/topics/") + topic +
                "/partitions/0/records?wait_ms=200 HTTP/1.1\r\n\r\n");
    client.close();  // While it is being served.
    REQUIRE(client.connect());
    client.send("POST /topics HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"top");
    client.close();  // In the middle of a body.
  }
  check_served();
}

TEST_CASE("http: random bytes and mutilated requests, thousands of them", "[gateway][hostile]") {
  Prng prng(20'260'101);
  const std::string topic = HttpCluster::shared().new_topic();
  const std::string body = object({{"topic", topic}, {"producer_id", "1"}, {"message", "m"}});
  const std::string good_request =
      "POST /producer/produce?a=b HTTP/1.1\r\nHost: x\r\n"
      "Content-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes = good_request;
    if (i % 10 == 0) {
      bytes.assign(prng.below(200) + 1, '\0');
      for (char& c : bytes) c = static_cast<char>(prng.below(256));
    }
    for (std::uint64_t k = prng.below(4) + 1; k > 0; --k) {
      const std::size_t at = prng.below(bytes.size());
      switch (prng.below(4)) {
        case 0:
          bytes[at] = static_cast<char>(prng.below(256));
          break;
        case 1:
          bytes.erase(at, prng.below(8) + 1);
          break;
        case 2:
          bytes.insert(at, std::string(prng.below(8) + 1, static_cast<char>(prng.below(256))));
          break;
        default:
          bytes.resize(at);
      }
      if (bytes.empty()) bytes = "x";
    }
    const HttpReply reply = raw(bytes);
    INFO(bytes << "\n" << reply.status << reply.body);
    CHECK(reply.status < 500);
  }
  check_served();
}

TEST_CASE("http: 2,000 idle connections take no thread and little memory, and stay",
          "[gateway][hostile]") {
  HttpCluster& cluster = HttpCluster::shared();
  [[maybe_unused]] const std::uint64_t before = cluster.process().resident_bytes();
  std::vector<std::unique_ptr<HttpClient>> idle;
  for (int i = 0; i < 2'000; ++i) {
    idle.push_back(std::make_unique<HttpClient>(cluster.port()));
    REQUIRE(idle.back()->ask("GET", "/ping").status == 200);
  }
  [[maybe_unused]] const std::uint64_t after = cluster.process().resident_bytes();
  const std::string path = "/proc/" + std::to_string(cluster.process().pid()) + "/status";
  const std::string status = read_file(path);
  const std::size_t at = status.find("Threads:");
  REQUIRE(at != std::string::npos);
  CHECK(std::stoi(status.substr(at + 8)) < 100);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(after - std::min(before, after) < 64'000'000);
#endif
  check_served();
  for (std::size_t i = 0; i < idle.size(); i += 97) {
    CHECK(idle[i]->ask("GET", "/ping").status == 200);
  }
}
