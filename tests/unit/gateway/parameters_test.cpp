#include "gateway/core/parameters.hpp"

#include "tests/unit/gateway/requests.hpp"

#include <catch2/catch.hpp>

using namespace pinion::gateway;
using pinion::gateway::test::request;

TEST_CASE("parameters: percent escapes and pluses are decoded, what is no escape stays",
          "[gateway]") {
  CHECK(decode_percent("a+b%20c%C3%A9") == "a b c\xC3\xA9");
  CHECK(decode_percent("100%") == "100%");
  CHECK(decode_percent("%4") == "%4");
  CHECK(decode_percent("%zz%00") == std::string("%zz\0", 4));
}

TEST_CASE("parameters: JSON, form and query are the same, and the body counts first", "[gateway]") {
  const auto json = Parameters::read(request("GET", "/x?a=query&b=2", R"( {"a":"body"} )"));
  REQUIRE(json);
  CHECK(json->text({"a"}) == "body");
  CHECK(json->text({"b"}) == "2");
  const auto form = Parameters::read(request("POST", "/x?a=query", "a=one+two&c=%7B"));
  REQUIRE(form);
  CHECK(form->text({"a"}) == "one two");
  CHECK(form->text({"c"}) == "{");
  CHECK(form->text({"missing", "c"}) == "{");
  CHECK_FALSE(form->text({"missing"}));
}

TEST_CASE("parameters: a body's kind is told by its first character, not by its label",
          "[gateway]") {
  const auto json =
      Parameters::read(request("POST", "/x", R"({"a":1})", "application/x-www-form-urlencoded"));
  REQUIRE(json);
  CHECK(json->text({"a"}) == "1");
  CHECK_FALSE(Parameters::read(request("POST", "/x", "a=1", "application/json; charset=utf-8")));
  CHECK(Parameters::read(request("POST", "/x", "  \r\n ", "application/json")));
}

TEST_CASE("parameters: a form may come in parts", "[gateway]") {
  const std::string body =
      "--xyz\r\nContent-Disposition: form-data; name=\"topic\"\r\n\r\norders\r\n"
      "--xyz\r\nContent-Disposition: form-data; filename=\"f\"; name=\"message\"\r\n"
      "Content-Type: text/plain\r\n\r\ntwo\r\nlines + more\r\n--xyz--\r\n";
  for (const char* type : {"multipart/form-data; boundary=xyz",
                           "Multipart/Form-Data; charset=utf-8; Boundary=\"xyz\""}) {
    const auto p = Parameters::read(request("POST", "/x", body, type));
    REQUIRE(p);
    CHECK(p->text({"topic"}) == "orders");
    CHECK(p->text({"message"}) == "two\r\nlines + more");
  }
  for (const char* cut : {"--xyz", "--xyz\r\n--xyz", "--xyz\r\nname=\"a\"", "no boundary"}) {
    CHECK(Parameters::read(request("POST", "/x", cut, "multipart/form-data; boundary=xyz")));
    CHECK(Parameters::read(request("POST", "/x", cut, "multipart/form-data")));
  }
}

TEST_CASE("parameters: what is meant as JSON and is none is refused", "[gateway]") {
  for (const char* body : {"{", "{\"a\":}", "{'a':1}", "{\"a\":1}x", "{\"a\":\"\xff\"}",
                           "{\"a\":\"\\ud800\"}", "{\"a\":1,}"}) {
    INFO(body);
    CHECK_FALSE(Parameters::read(request("POST", "/x", body)));
  }
  CHECK_FALSE(Parameters::read(request("POST", "/x", "[1]", "application/json")));
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK_FALSE(Parameters::read(request("POST", "/x", deep)));
  // Brackets in a text are no depth.
  CHECK(Parameters::read(request("POST", "/x", "{\"a\":\"" + std::string(100, '[') + "\\\"[\"}")));
}

TEST_CASE("parameters: null is absent, and other kinds of value are taken as text", "[gateway]") {
  const auto p = Parameters::read(request(
      "POST", "/x?n=query", R"({"n":null,"b":true,"i":7,"f":1.5,"w":7.0,"o":{"k":[1]},"e":""})"));
  REQUIRE(p);
  CHECK(p->text({"n"}) == "query");
  CHECK(p->text({"b"}) == "true");
  CHECK(p->text({"i"}) == "7");
  CHECK(p->text({"f"}) == "1.5");
  CHECK(p->text({"w"}) == "7");
  CHECK(p->text({"o"}) == R"({"k":[1]})");
  CHECK(p->text({"e"}) == "");
}

TEST_CASE("parameters: numbers are JSON numbers or numeric strings of 64 bits", "[gateway]") {
  const auto value = [](const std::string& json) {
    const auto p = Parameters::read(request("POST", "/x", "{\"n\":" + json + "}"));
    REQUIRE(p);
    return p->number({"n"});
  };
  CHECK(value("7").value == 7);
  CHECK(value("\"7\"").value == 7);
  CHECK(value("\" 7 \"").value == 7);
  CHECK(value("-1").value == -1);
  CHECK(value("7.0").value == 7);
  CHECK(value("9223372036854775807").value == 9223372036854775807);
  for (const char* garbage : {"9223372036854775808", "1e300", "7.5", "\"invalid\"", "\"7x\"",
                              "true", "[7]", "{}", "\"0x7\"", "\"--1\""}) {
    INFO(garbage);
    CHECK(value(garbage).is_given);
    CHECK_FALSE(value(garbage).value);
  }
  CHECK_FALSE(value("null").is_given);
  CHECK_FALSE(value("\"\"").is_given);
}
