#include <catch2/catch.hpp>

#include "gui/model/json.hpp"

#include <string>

using namespace pinion;
using namespace pinion::gui;

TEST_CASE("json: a text becomes nodes in its order, each knowing where it ends", "[gui]") {
  const std::string text = R"({"user": {"name": "ann", "age": 7}, "tags": ["a", "b"], "ok": true})";
  const auto nodes = parse_json(text);
  REQUIRE(nodes);
  REQUIRE(nodes->size() == 8);
  CHECK((*nodes)[0].children == 3);
  CHECK((*nodes)[1].name == "user");
  CHECK((*nodes)[1].after == 4);
  CHECK((*nodes)[4].type == JsonType::array);
  CHECK((*nodes)[7].raw == "true");
  CHECK(json_path_of(*nodes, 6) == "$.tags[1]");
  CHECK(json_path_of(*nodes, 2) == "$.user.name");
}

TEST_CASE("json: what is wrong is told with its line and column", "[gui]") {
  const auto problem = [](const char* text) { return parse_json(text).error().detail; };
  CHECK(problem("") == "line 1, column 1: it ends where a value should be");
  CHECK(problem("{\n  \"a\": 1\n  \"b\": 2}") == "line 3, column 3: ',' or '}' is missing");
  CHECK(problem("{a: 1}") == "line 1, column 2: a member's name in quotes is missing");
  CHECK(problem("[01]") == "line 1, column 3: ',' or ']' is missing");
  CHECK(problem("[1.]") == "line 1, column 4: a digit is missing");
  CHECK(problem("\"\\x\"") == "line 1, column 3: no such escape");
  CHECK(problem("\"abc") == "line 1, column 5: a text does not end");
  CHECK(problem("{} {}") == "line 1, column 4: nothing may follow the value");
  CHECK(problem("[1,]") == "line 1, column 4: no value begins so");
  CHECK_FALSE(parse_json(std::string(100, '[')));
  CHECK_FALSE(parse_json("\"\\u12\""));
}

TEST_CASE("json: only objects and arrays look like JSON", "[gui]") {
  CHECK(looks_like_json(" {\"a\": [1, 2, null]} "));
  CHECK(looks_like_json("[]"));
  CHECK_FALSE(looks_like_json("42"));
  CHECK_FALSE(looks_like_json("{broken"));
  CHECK_FALSE(looks_like_json(""));
}

TEST_CASE("json: values are found by their paths", "[gui]") {
  const std::string text = R"({"a": {"b": [10, {"c": "x\u00e9\ud83d\ude00\n"}]}, "e": null})";
  const auto nodes = parse_json(text);
  REQUIRE(nodes);
  const auto at = [&](const char* path) -> std::string {
    const auto steps = parse_json_path(path);
    if (!steps) return "?" + steps.error().detail;
    const JsonNode* node = find_json(*nodes, *steps);
    return node == nullptr ? "(none)" : json_plain(*node);
  };
  CHECK(at("$.a.b[0]") == "10");
  CHECK(at(".a.b[1].c") == "x\u00e9\U0001F600\n");
  CHECK(at("e") == "null");
  CHECK(at(".a.b[2]") == "(none)");
  CHECK(at(".a[0]") == "(none)");
  CHECK(at(".a..b")[0] == '?');
  CHECK(at(".a[x]")[0] == '?');
  CHECK(at(".a[0")[0] == '?');
  CHECK(at("$")[0] == '?');
}

TEST_CASE("json: the path of a value leads back to it, whatever the names are", "[gui]") {
  const std::string text =
      R"({"a.b": {"": 1}, "x[0]": 2, "q\"\\": 3, "caf\u00e9": 4, "two words": [5], "plain": 6})";
  const auto nodes = parse_json(text);
  REQUIRE(nodes);
  for (std::size_t i = 1; i < nodes->size(); ++i) {
    const std::string path = json_path_of(*nodes, i);
    INFO(path);
    const auto steps = parse_json_path(path);
    REQUIRE(steps);
    CHECK(find_json(*nodes, *steps) == &(*nodes)[i]);
  }
  CHECK(json_path_of(*nodes, 1) == "$[\"a.b\"]");
  CHECK_FALSE(parse_json_path("$[\"a.b\""));
  CHECK_FALSE(parse_json_path("$[\"a\"x]"));
}

TEST_CASE("json: pretty printing keeps every value", "[gui]") {
  CHECK(*pretty_json(R"({"a":[1,{"b":{}}],"c":"x"})") ==
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": \"x\"\n}");
  CHECK(*pretty_json("[]") == "[]");
  CHECK_FALSE(pretty_json("{"));
}
