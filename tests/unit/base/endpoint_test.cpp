#include "common/base/endpoint.hpp"

#include <catch2/catch.hpp>

using namespace pinion;

TEST_CASE("endpoint: what can be connected to", "[base]") {
  for (const char* good : {"tcp://127.0.0.1:5550", "tcp://broker.example:1", "tcp://[::1]:65535",
                           "tcp://fe80::1%eth0:80"}) {
    INFO(good);
    CHECK(endpoint_problem(good, EndpointUse::connect).empty());
    CHECK(endpoint_problem(good, EndpointUse::listen).empty());
  }
  for (const char* bad :
       {"", "localhost", "http://127.0.0.1:5550", "tcp://", "tcp://127.0.0.1", "tcp://:5550",
        "tcp://127.0.0.1:", "tcp://127.0.0.1:port", "tcp://127.0.0.1:0", "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:55 50", "tcp://a b:5550", "tcp://a/b:5550", "tcp://a*:5550",
        "ipc:///run/pinion"}) {
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
