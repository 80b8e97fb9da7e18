#include "gateway/core/routes.hpp"

#include "gateway/core/json.hpp"
#include "gateway/core/openapi.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace pinion::gateway;

TEST_CASE("routes: every call of the old interface, with and without a trailing slash",
          "[gateway]") {
  struct Row {
    const char* method;
    const char* path;
    Call call;
  };
  const Row rows[] = {
      {"POST", "/topics", Call::create_topic},
      {"GET", "/topics", Call::list_topics},
      {"GET", "/topics/partitions", Call::list_partitions},
      {"GET", "/partitions", Call::list_partitions},
      {"POST", "/consumer/register", Call::register_consumer},
      {"POST", "/producer/register", Call::register_producer},
      {"POST", "/producer/produce", Call::enqueue},
      {"GET", "/consumer/consume", Call::dequeue},
      {"GET", "/size", Call::size},
      {"GET", "/", Call::root},
      {"GET", "/status", Call::root},
      {"GET", "/health", Call::health},
      {"GET", "/ping", Call::ping},
      {"GET", "/metrics", Call::metrics},
  };
  for (const Row& row : rows) {
    INFO(row.method << ' ' << row.path);
    const std::string path = row.path;
    CHECK(find_route(row.method, path).call == row.call);
    CHECK(find_route(row.method, path + "/").call == row.call);
    CHECK(find_route(row.method, path + "?a=/b/").call == row.call);
    CHECK(find_route(row.method, "http://host:80" + path).call == row.call);
    CHECK(find_route("PATCH", path).call == Call::wrong_method);
  }
}

TEST_CASE("routes: topics and partitions of the path are decoded", "[gateway]") {
  const Route read = find_route("GET", "/topics/a%2Eb/partitions/3/records?offset=1");
  CHECK(read.call == Call::read_records);
  CHECK(read.topic == "a.b");
  CHECK(read.partition == "3");
  CHECK(find_route("GET", "/topics/orders").call == Call::describe_topic);
  CHECK(find_route("DELETE", "/topics/orders").call == Call::delete_topic);
  CHECK(find_route("POST", "/topics/orders/records").call == Call::send_records);
  CHECK(find_route("GET", "/topics/orders/partitions").call == Call::list_partitions);
  CHECK(find_route("GET", "/topics/orders/events").call == Call::follow);
  CHECK(find_route("POST", "/topics/partitions/query").call == Call::query);
}

TEST_CASE("routes: a wrong method is told which are right, an unknown path that it is none",
          "[gateway]") {
  CHECK(find_route("PUT", "/topics").allow == "GET, HEAD, POST");
  CHECK(find_route("POST", "/consumer/consume").call == Call::wrong_method);
  CHECK(find_route("POST", "/consumer/consume").allow == "GET");
  CHECK(find_route("GET", "/producer/produce").allow == "POST");
  for (const char* path : {"/nope", "/topics/a/b/c/d/e", "", "*", "topics", "/consumer", "//"}) {
    INFO(path);
    const Call call = find_route("GET", path).call;
    CHECK((call == Call::unknown_path || (std::string(path) == "//" && call == Call::root)));
  }
}

TEST_CASE("routes: HEAD is GET where that changes nothing", "[gateway]") {
  CHECK(find_route("HEAD", "/health").call == Call::health);
  CHECK(find_route("HEAD", "/topics").call == Call::list_topics);
  CHECK(find_route("HEAD", "/consumer/consume").call == Call::wrong_method);
}

TEST_CASE("routes: the OpenAPI document is JSON, and each of its calls has a route", "[gateway]") {
  const auto document = parse_json(openapi_document());
  REQUIRE(document);
  std::size_t calls = 0;
  for (const auto& [path, methods] : (*document)["paths"].items()) {
    for (const auto& [method, call] : methods.items()) {
      INFO(method << ' ' << path);
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      std::string target = path;
      for (const char* part : {"{topic}", "{partition}"}) {
        const std::size_t at = target.find(part);
        if (at != std::string::npos) target.replace(at, std::string(part).size(), "0");
      }
      const Call found = find_route(upper, target).call;
      CHECK(found != Call::unknown_path);
      CHECK(found != Call::wrong_method);
      ++calls;
    }
  }
  CHECK(calls >= 21);
}
