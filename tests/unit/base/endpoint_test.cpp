#include "common/base/endpoint.hpp"

#include <catch2/catch.hpp>

using namespace pinion;

TEST_CASE("endpoint: what can be connected to", "[base]") {
  for (const char* good : {"tcp://127.0.0.1:5550", "tcp://broker.example:1", "tcp://[::1]:65535",
                           "tcp://[fe80::1%eth0]:80", "tcp://3com.example:80"}) {
    INFO(good);
    CHECK(endpoint_problem(good, EndpointUse::connect).empty());
    CHECK(endpoint_problem(good, EndpointUse::listen).empty());
  }
  for (const char* bad : {"",
                          "localhost",
                          "http://127.0.0.1:5550",
                          "tcp://",
                          "tcp://127.0.0.1",
                          "tcp://:5550",
                          "tcp://127.0.0.1:",
                          "tcp://127.0.0.1:port",
                          "tcp://127.0.0.1:0",
                          "tcp://127.0.0.1:99999",
                          "tcp://127.0.0.1:55 50",
                          "tcp://a b:5550",
                          "tcp://a/b:5550",
                          "tcp://a*:5550",
                          "ipc:///run/pinion",
                          "tcp://a:b:c:6590",
                          "tcp://::1:5550",
                          "tcp://[::1:5550",
                          "tcp://[]:5550",
                          "tcp://[x]:5550",
                          "tcp://999.1.2.3:6590",
                          "tcp://1.2.3:6590"}) {
    INFO(bad);
    CHECK_FALSE(endpoint_problem(bad, EndpointUse::connect).empty());
    CHECK_FALSE(endpoint_problem(bad, EndpointUse::listen).empty());
  }
}

TEST_CASE("endpoint: only where one listens may something be any", "[base]") {
  for (const char* any : {"tcp://*:5550", "tcp://127.0.0.1:*", "tcp://*:*"}) {
    INFO(any);
    CHECK_FALSE(endpoint_problem(any, EndpointUse::connect).empty());
    CHECK(endpoint_problem(any, EndpointUse::listen).empty());
  }
}

TEST_CASE("endpoint: an address of every interface is told from one", "[base]") {
  for (const char* every : {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1"}) {
    INFO(every);
    CHECK(names_every_interface(every));
  }
  for (const char* one : {"tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://0.0.0.0.example:1", ""}) {
    INFO(one);
    CHECK_FALSE(names_every_interface(one));
  }
}

TEST_CASE("endpoint: two that cannot be listened at together", "[base]") {
  const auto clash = [](const char* a, const char* b) {
    const bool is_so = endpoints_clash(a, b);
    CHECK(endpoints_clash(b, a) == is_so);
    return is_so;
  };
  CHECK(clash("tcp://127.0.0.1:80", "tcp://127.0.0.1:80"));
  CHECK(clash("tcp://127.0.0.1:80", "tcp://127.0.0.1:080"));
  CHECK(clash("tcp://127.0.0.1:80", "tcp://0.0.0.0:80"));
  CHECK(clash("tcp://[::1]:80", "tcp://*:80"));
  CHECK_FALSE(clash("tcp://127.0.0.1:80", "tcp://127.0.0.1:81"));
  CHECK_FALSE(clash("tcp://127.0.0.1:80", "tcp://127.0.0.2:80"));
  CHECK_FALSE(clash("tcp://0.0.0.0:*", "tcp://0.0.0.0:*"));
  CHECK_FALSE(clash("tcp://0.0.0.0:*", "tcp://0.0.0.0:80"));
}
