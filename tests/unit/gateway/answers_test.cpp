#include "gateway/core/answers.hpp"

#include "gateway/core/turns.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace pinion;
using namespace pinion::gateway;

namespace {

std::string message_of(const HttpAnswer& answer) {
  const auto json = parse_json(answer.body);
  REQUIRE(json);
  CHECK((*json)["status"] == "failure");
  return (*json)["message"].get<std::string>();
}

}  // namespace

TEST_CASE("answers: the texts that clients compare", "[gateway]") {
  CHECK(message_of(failed({Errc::topic_exists, "?"}, "x")) == "Topic 'x' already exists");
  CHECK(message_of(failed({Errc::unknown_topic, "?"}, "x")) == "Topic 'x' does not exist");
  CHECK(message_of(invalid_producer()) == "Invalid producer_id");
  CHECK(message_of(invalid_consumer()) == "Invalid consumer_id");
}

TEST_CASE("answers: a fate may be another than the code's", "[gateway]") {
  const Error lost{Errc::connection_lost, "why"};
  CHECK(failed(lost, "x").body.find(R"("fate":"unknown")") != std::string::npos);
  const HttpAnswer unsent = failed(lost, "x", Fate::did_not_happen);
  CHECK(unsent.status == 503);
  CHECK(unsent.retry_after > 0);
  CHECK(unsent.body.find(R"("fate":"did_not_happen")") != std::string::npos);
  CHECK(unsent.body.find(R"("code":"connection_lost")") != std::string::npos);
}

TEST_CASE("answers: the caller's failures are 400, the cluster's 503 with Retry-After",
          "[gateway]") {
  for (const Errc code :
       {Errc::unknown_topic, Errc::unknown_partition, Errc::topic_exists, Errc::unknown_reader,
        Errc::invalid_argument, Errc::nothing_unread, Errc::offset_out_of_range,
        Errc::out_of_order_sequence, Errc::duplicate_sequence, Errc::sql_invalid, Errc::sql_refused,
        Errc::limit_reached}) {
    INFO(name_of(code));
    CHECK(failed({code, "why"}, "x").status == 400);
    CHECK(failed({code, "why"}, "x").retry_after == 0);
  }
  for (const Errc code :
       {Errc::timed_out, Errc::connection_lost, Errc::partition_offline, Errc::throttled,
        Errc::storage_full, Errc::no_nodes, Errc::closed, Errc::not_leader, Errc::shutting_down}) {
    INFO(name_of(code));
    CHECK(failed({code, "why"}, "x").status == 503);
    CHECK(failed({code, "why"}, "x").retry_after > 0);
  }
  CHECK(failed({Errc::record_too_large, "why"}, "x").status == 413);
}

TEST_CASE("answers: whatever a caller sent, the answer is JSON with a message", "[gateway]") {
  for (const std::string& name : {std::string("\xff\xfe\"\\\n"), std::string(100'000, 'x'),
                                  std::string("\0", 1), std::string("</script>")}) {
    const HttpAnswer answer = no_such_topic(name);
    CHECK_FALSE(message_of(answer).empty());
    CHECK(answer.body.size() < 2'000);
    CHECK_FALSE(message_of(unknown_path("/" + name)).empty());
    CHECK_FALSE(message_of(failed({Errc::timed_out, name}, name)).empty());
  }
}

TEST_CASE("answers: a message that is not UTF-8 comes also as it is, in base64", "[gateway]") {
  JsonObject object = success();
  add_message(object, "a\tb\n\xC3\xA9");
  auto json = parse_json(object.take());
  REQUIRE(json);
  CHECK((*json)["message"] == "a\tb\n\xC3\xA9");
  CHECK((*json)["log_message"] == (*json)["message"]);
  CHECK_FALSE(json->contains("message_base64"));
  JsonObject binary = success();
  add_message(binary, std::string_view("\x00\xff", 2));
  json = parse_json(binary.take());
  REQUIRE(json);
  CHECK((*json)["message_base64"] == "AP8=");
  CHECK(json->contains("message"));
}

TEST_CASE("answers: request ids that end in a counter go through the partitions in turn",
          "[gateway]") {
  for (int i = 0; i < 1000; ++i) {
    const std::string id = "worker7-" + std::to_string(i);
    const std::string next = "worker7-" + std::to_string(i + 1);
    CHECK(turn_of_request(next) == turn_of_request(id) + 1);
  }
  // As nginx makes them: the time is another one with each of a connection.
  CHECK(turn_of_request("h.7.12-1700000000123.10") ==
        turn_of_request("h.7.12-1700000000089.9") + 1);
  CHECK(turn_of_request("h.7.12-17.1") != turn_of_request("h.7.13-17.1"));
  std::set<std::uint32_t> turns;
  for (const char* id : {"a1f", "b2e", "c3d", "d4c", "e5b", "f6a", "07f", "18e"}) {
    turns.insert(turn_of_request(id) % 64);
  }
  CHECK(turns.size() > 4);
  static_assert(turn_of_request("") == turn_of_request(""));
}
