// The HTTP server by itself, in this process, over an application that is a few lines: what no
// client should send, and what nobody should notice.
#include <catch2/catch.hpp>

#include "gateway/http/http_budgets.hpp"
#include "gateway/http/http_server.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace pinion;
using namespace pinion::gateway;
using pinion::test::eventually;
using pinion::test::HttpClient;
using pinion::test::HttpReply;
using pinion::test::patience;

namespace {

/// One event, and then no more until the reader has gone.
class OneEvent : public EventStream {
 public:
  void next(std::function<void(std::optional<std::string>)> then) override {
    if (!std::exchange(given_, true)) return then("data: 1\n\n");
    waiting_ = std::move(then);
  }
  void stop() override { waiting_ = {}; }

 private:
  bool given_ = false;
  std::function<void(std::optional<std::string>)> waiting_;
};

/// Answers with the length of the body; "/throw" throws, "/events" is a stream, and "/hold" keeps
/// the server's thread until it is let go.
class Echo : public HttpApplication, public HttpObserver {
 public:
  RequestTraits traits_of(std::string_view, std::string_view) const override {
    RequestTraits traits;
    traits.body_bytes_max = limits::mib;
    return traits;
  }
  Hurry serve(const HttpRequest& request, std::function<void(HttpResult)> then) override {
    if (request.target == "/throw") throw std::length_error("field value too large");
    if (request.target == "/events") {
      then(std::make_shared<OneEvent>());
      return {};
    }
    if (request.target == "/hold") {
      std::unique_lock lock(mutex_);
      is_held_ = true;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !is_held_; });
    }
    HttpAnswer answer;
    answer.body = std::to_string(request.body.size());
    then(std::move(answer));
    return {};
  }
  void on_served(const ServedRequest& request) override {
    const std::lock_guard lock(mutex_);
    served_.push_back(std::string(request.method) + " " + std::string(request.target) + " " +
                      std::to_string(request.status) + " " + std::to_string(request.body_bytes));
  }
  void on_connections(std::size_t) override {}
  void on_dropped(std::string_view why) override {
    const std::lock_guard lock(mutex_);
    ++dropped_[std::string(why)];
  }
  void on_fault(std::string_view what) override { on_dropped(what); }

  [[nodiscard]] bool wait_until_held() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience(10s), [&] { return is_held_; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    is_held_ = false;
    changed_.notify_all();
  }
  [[nodiscard]] int dropped(const std::string& why) {
    const std::lock_guard lock(mutex_);
    return dropped_[why];
  }
  [[nodiscard]] bool has_served(const std::string& line) {
    const std::lock_guard lock(mutex_);
    return std::find(served_.begin(), served_.end(), line) != served_.end();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_held_ = false;
  std::vector<std::string> served_;
  std::map<std::string, int> dropped_;
};

struct Server {
  explicit Server(HttpServerOptions options = {}) {
    options.binds = {"127.0.0.1:0"};
    auto started = HttpServer::start(options, echo, echo);
    REQUIRE(started);
    http = std::move(*started);
    const std::string address = http->addresses().front();
    port = std::atoi(address.substr(address.rfind(':') + 1).c_str());
  }

  /// The answer to bytes as they are.
  [[nodiscard]] HttpReply raw(const std::string& bytes) const {
    HttpClient client(port, patience(10s));
    REQUIRE(client.connect());
    client.send(bytes);
    return client.receive();
  }
  [[nodiscard]] bool serves() const { return raw("GET / HTTP/1.1\r\n\r\n").body == "0"; }

  Echo echo;
  std::unique_ptr<HttpServer> http;
  int port = 0;
};

const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string text(std::size_t bytes) { return std::string(bytes, 'x'); }

}  // namespace

TEST_CASE("http server: a field that no parser holds is refused, wherever it stands",
          "[gateway][hostile]") {
  Server server;
  const std::string end = chunked + "2\r\n{}\r\n0\r\n";
  for (const std::size_t bytes : {65'000U, 65'533U, 65'534U, 65'536U, 70'000U, 140'000U}) {
    INFO(bytes);
    CHECK(server.raw(end + "A: " + text(bytes) + "\r\n\r\n").status == 431);
    CHECK(server.raw(end + text(bytes) + ": A\r\n\r\n").status == 431);
    CHECK(server.serves());
  }
  CHECK(server.raw(end + "A: " + text(30'000) + "\r\n\r\n").body == "2");
  CHECK(server.echo.dropped("large_header") == 12);
  HttpServerOptions options;
  options.header_bytes_max = 60 * 1024;  // The most that can be set.
  Server large(options);
  CHECK(large.raw("GET / HTTP/1.1\r\nA: " + text(61'000) + "\r\n\r\n").body == "0");
  for (const std::size_t bytes : {62'000U, 65'536U, 70'000U}) {
    CHECK(large.raw("GET / HTTP/1.1\r\nA: " + text(bytes) + "\r\n\r\n").status == 431);
    CHECK(large.raw("GET / HTTP/1.1\r\n" + text(bytes) + ": A\r\n\r\n").status == 431);
  }
  CHECK(large.serves());
}

TEST_CASE("http server: what stands around a body's chunks is not read without end",
          "[gateway][hostile]") {
  Server server;
  std::string trailers = chunked + "2\r\n{}\r\n0\r\n";
  for (int i = 0; i < 8'000; ++i) trailers += "A: bcdef\r\n";
  CHECK(server.raw(trailers).status == 431);
  CHECK(server.raw(chunked + "2;" + text(70'000)).status == 431);
  CHECK(server.raw(chunked + "2;a=" + text(1'000) + "\r\n{}\r\n0\r\nA: b\r\n\r\n").body == "2");
  // A body may be as large as before, in one chunk or many.
  CHECK(server.raw(chunked + "80000\r\n" + text(0x80000) + "\r\n0\r\n\r\n").body == "524288");
  CHECK(server.serves());
}

TEST_CASE("http server: what is thrown ends one connection and nobody else's",
          "[gateway][hostile]") {
  Server server;
  HttpClient other(server.port);
  CHECK(other.ask("GET", "/").status == 200);
  for (int i = 1; i <= 3; ++i) {
    CHECK(server.raw("GET /throw HTTP/1.1\r\n\r\n").status == 0);
    CHECK(eventually(patience(5s),
                     [&] { return server.echo.dropped("field value too large") == i; }));
    CHECK(other.ask("GET", "/").status == 200);
  }
  CHECK(server.serves());
}

TEST_CASE("http server: a request has its time from its first byte, whatever part of it comes",
          "[gateway][hostile]") {
  HttpServerOptions options;
  options.request_timeout = 1s;
  options.idle_timeout = 60s;
  Server server(options);
  CHECK(server.raw("GET /ping HT").status == 408);
  CHECK(server.raw("GET / HTTP/1.1\r\nA: b").status == 408);
  CHECK(server.raw("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nx").status == 408);
  CHECK(server.raw("\r\nG").status == 408);
  HttpClient second(server.port, patience(10s));
  REQUIRE(second.connect());
  second.send("GET / HTTP/1.1\r\n\r\nGET /pi");
  CHECK(second.receive().status == 200);
  CHECK(second.receive().status == 408);
  // Bytes that come now and then change nothing.
  HttpClient dripping(server.port, 50ms);
  REQUIRE(dripping.connect());
  dripping.send("GET / HTTP/1.1\r\nA: ");
  HttpReply reply;
  CHECK(eventually(patience(5s), [&] {
    dripping.send("b");
    return (reply = dripping.receive()).status != 0;
  }));
  CHECK(reply.status == 408);
  CHECK(server.serves());
}

TEST_CASE("http server: empty lines in front of a request are passed over", "[gateway]") {
  HttpServerOptions options;
  options.idle_timeout = 3s;
  options.request_timeout = 60s;
  Server server(options);
  CHECK(server.raw("\r\nGET / HTTP/1.1\r\n\r\n").status == 200);
  CHECK(server.raw("\r\n\r\nGET / HTTP/1.1\r\n\r\n").status == 200);
  CHECK(server.raw("\rGET / HTTP/1.1\r\n\r\n").status == 400);
  HttpClient client(server.port, patience(10s));
  REQUIRE(client.connect());
  // Of a client that ends its bodies with one.
  client.send("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}\r\n");
  CHECK(client.receive().body == "2");
  client.send("GET / HTTP/1.1\r\n\r\n\r");
  CHECK(client.receive().body == "0");
  client.send("\nGET / HTTP/1.1\r\n\r\n\r\n");
  CHECK(client.receive().body == "0");
  // They are no request: who sends no more is idle, and is told nothing.
  CHECK(client.receive().status == 0);
}

TEST_CASE("http server: a stream that ends is told of as what was served", "[gateway]") {
  Server server;
  {
    HttpClient reader(server.port);
    REQUIRE(reader.connect());
    reader.send("GET /events HTTP/1.1\r\n\r\n");
    CHECK(reader.receive(true).status == 200);
    CHECK(reader.receive_until("\n\n") == "data: 1\n\n");
    CHECK_FALSE(server.echo.has_served("GET /events 200 9"));
  }
  CHECK(eventually(patience(5s), [&] { return server.echo.has_served("GET /events 200 9"); }));
}

TEST_CASE("http server: what is no request has no path", "[gateway]") {
  Server server;
  CHECK(server.raw("garbage\r\n\r\n").status == 400);
  CHECK(eventually(patience(5s), [&] { return server.echo.dropped("malformed") == 1; }));
  CHECK(server.echo.has_served("- - 400 " +
                               std::to_string(server.raw("garbage\r\n\r\n").body.size())));
}

TEST_CASE("http server: who is in the middle of a request does not hold its end up", "[gateway]") {
  Server server;
  HttpClient half(server.port, patience(10s));
  HttpClient begun(server.port, patience(10s));
  HttpClient idle(server.port, patience(10s));
  for (HttpClient* one : {&half, &begun, &idle}) REQUIRE(one->connect());
  half.send("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{");
  begun.send("GET / HT");
  CHECK(server.serves());  // On the same thread, behind them.
  const auto asked = std::chrono::steady_clock::now();
  server.http->stop(10s);
  CHECK(std::chrono::steady_clock::now() - asked < patience(8s));
  for (HttpClient* one : {&half, &begun}) {
    const HttpReply reply = one->receive();
    CHECK(reply.status == 503);
    CHECK(reply.body.find("did_not_happen") != std::string::npos);
  }
  CHECK(idle.receive().status == 0);
}

TEST_CASE("http server: what was asked before it ends is answered, accepted or not", "[gateway]") {
  Server server;
  HttpClient holding(server.port, patience(10s));
  HttpClient kept(server.port, patience(10s));
  HttpClient idle(server.port, patience(10s));
  for (HttpClient* one : {&kept, &idle}) CHECK(one->ask("GET", "/").status == 200);
  REQUIRE(holding.connect());
  holding.send("GET /hold HTTP/1.1\r\n\r\n");
  REQUIRE(server.echo.wait_until_held());
  // The one thread hears of nothing of this before it hears that it is to end.
  std::vector<std::unique_ptr<HttpClient>> early;
  for (int i = 0; i < 20; ++i) {
    early.push_back(std::make_unique<HttpClient>(server.port, patience(10s)));
    REQUIRE(early.back()->connect());
    REQUIRE(early.back()->send("GET / HTTP/1.1\r\n\r\n"));
  }
  REQUIRE(kept.send("GET / HTTP/1.1\r\n\r\n"));
  server.http->drain(Micros{0});  // Told, and not waited for.
  server.echo.let_go();
  CHECK(holding.receive().status == 200);
  CHECK(kept.receive().status == 200);
  for (const auto& one : early) {
    const HttpReply reply = one->receive();
    CHECK(reply.status == 200);
    CHECK(reply.header("connection") == "close");
  }
  CHECK(idle.receive().status == 0);
  server.http->stop(10s);
  CHECK_FALSE(HttpClient(server.port).connect());
}

TEST_CASE("http server: who has just connected is waited for when there is nobody else",
          "[gateway]") {
  for (int i = 0; i < 50; ++i) {
    Server server;
    HttpClient early(server.port, patience(10s));
    REQUIRE(early.connect());
    REQUIRE(early.send("GET / HTTP/1.1\r\n\r\n"));
    std::thread ending([&] { server.http->stop(10s); });
    const int status = early.receive().status;
    early.close();
    ending.join();
    REQUIRE(status == 200);
  }
}
