#include "gateway/core/parameters.hpp"

#include "tests/unit/gateway/requests.hpp"

#include <catch2/catch.hpp>

#include <string>

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
  const auto form = Parameters::read(request("POST", "/x", "a=1", "application/json"));
  REQUIRE(form);
  CHECK(form->text({"a"}) == "1");
  CHECK(Parameters::read(request("POST", "/x", "  \r\n ", "application/json")));
  const auto marked = Parameters::read(request("POST", "/x", "\xEF\xBB\xBF{\"a\":1}"));
  REQUIRE(marked);
  CHECK(marked->text({"a"}) == "1");
  const auto nothing = Parameters::read(request("POST", "/x?a=1", "null"));
  REQUIRE(nothing);
  CHECK(nothing->text({"a"}) == "1");
}

TEST_CASE("parameters: JSON that is no object is refused, and that is what the answer says",
          "[gateway]") {
  for (const char* body : {"[]", "[1]", " [{\"a\":1}]", "\"text\""}) {
    for (const char* type : {"application/json", "text/plain", ""}) {
      const auto read = Parameters::read(request("POST", "/x", body, type));
      REQUIRE_FALSE(read);
      CHECK(read.error().detail.find("not a JSON object") != std::string::npos);
    }
  }
}

TEST_CASE("parameters: more names and values than any request needs are refused, and say so",
          "[gateway]") {
  const auto object = [](std::size_t names) {
    std::string body = "{\"a\":\"found\"";
    for (std::size_t i = 0; i < names; ++i) body += ",\"" + std::to_string(i) + "\":0";
    return body + "}";
  };
  const std::string few = object(4'000);
  const auto read = Parameters::read(request("POST", "/x", few));
  REQUIRE(read);
  CHECK(read->text({"a"}) == "found");
  const std::string array =
      "{\"a\":[0" + std::string(4'000'000, ' ') + ",[" + std::string(20'000, ' ') + "]]}";
  CHECK(Parameters::read(request("POST", "/x", array)));  // Blanks are no values.
  std::string form;
  for (int i = 0; i < 1'001; ++i) form += std::to_string(i) + "=&";
  for (const std::string& many : {object(6'000), form, "{\"a\":[" + [] {
                                    std::string zeros = "0";
                                    for (int i = 0; i < 10'000; ++i) zeros += ",0";
                                    return zeros;
                                  }() + "]}"}) {
    const auto refused = Parameters::read(request("POST", "/x", many));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("too many") != std::string::npos);
  }
  CHECK_FALSE(Parameters::read(request("GET", "/x?" + form)));
  // A repeat is work too, though it changes nothing.
  std::string same;
  for (int i = 0; i < 1'001; ++i) same += "a=1&";
  CHECK_FALSE(Parameters::read(request("POST", "/x", same)));
  same.resize(same.size() - 4);
  CHECK(Parameters::read(request("POST", "/x", same)));
  std::string parts;
  for (int i = 0; i < 1'001; ++i) parts += "--b\r\nX: name=\"a\"\r\n\r\n1\r\n";
  CHECK_FALSE(
      Parameters::read(request("POST", "/x", parts + "--b--", "multipart/form-data; boundary=b")));
}

TEST_CASE("parameters: of two names for the same thing an empty one gives way", "[gateway]") {
  const auto read =
      Parameters::read(request("POST", "/x", R"({"topic":"","topic_name":"one","m":""})"));
  REQUIRE(read);
  CHECK(read->text({"topic", "topic_name"}) == "one");
  CHECK(read->text({"m", "other"}) == "");
  CHECK_FALSE(read->text({"other"}));
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
  CHECK(p->text({"w"}) == "7.0");
  CHECK(p->text({"o"}) == R"({"k":[1]})");
  CHECK(p->text({"e"}) == "");
}

TEST_CASE("parameters: what is no string is taken as it is written", "[gateway]") {
  const auto text = [](const std::string& body) {
    const auto p = Parameters::read(request("POST", "/x", body));
    REQUIRE(p);
    return p->text({"m"}).value_or("nothing");
  };
  for (const char* written :
       {"12345678901234567890123", "1.50", "-0", "1E5", "true", R"({"b": 1, "a": [ 2,{"c":"}"}]})",
        R"(["\"]\\", 1.0 ])", "[]", "{}"}) {
    INFO(written);
    CHECK(text("{\"m\":" + std::string(written) + "}") == written);
    CHECK(text("{ \"a\" : [{\"m\":0}], \"m\"\n: " + std::string(written) +
               "\t, \"z\":\",\\\"m\"}") == written);
    CHECK(text("{\"m\":0,\"\\u006d\":" + std::string(written) + "}") == written);
  }
  CHECK(text(R"({"m":"\u0041\n"})") == "A\n");
}

TEST_CASE("parameters: numbers are JSON numbers or numeric strings of 64 bits", "[gateway]") {
  const auto value = [](const std::string& json) {
    const std::string body = "{\"n\":" + json + "}";
    const auto p = Parameters::read(request("POST", "/x", body));
    REQUIRE(p);
    return p->number({"n"});
  };
  CHECK(value("7").value == 7);
  CHECK(value("\"7\"").value == 7);
  CHECK(value("\" 7 \"").value == 7);
  CHECK(value("-1").value == -1);
  CHECK(value("7.0").value == 7);
  CHECK(value("\"7.0\"").value == 7);
  CHECK(value("\"+7\"").value == 7);
  CHECK(value("1e2").value == 100);
  CHECK(value("\"1e2\"").value == 100);
  for (const char* target : {"/x?n=7.0", "/x?n=7", "/x?n=%207.00"}) {
    const auto p = Parameters::read(request("GET", target));
    REQUIRE(p);
    CHECK(p->number({"n"}).value == 7);
  }
  CHECK(value("9223372036854775807").value == 9223372036854775807);
  for (const char* garbage : {"9223372036854775808", "1e300", "7.5", "\"invalid\"", "\"7x\"",
                              "true", "[7]", "{}", "\"0x7\"", "\"--1\"", "\"7.5\"", "\"nan\"",
                              "\"inf\"", "\"9223372036854775808\"", "18446744073709551615"}) {
    INFO(garbage);
    CHECK(value(garbage).is_given);
    CHECK_FALSE(value(garbage).value);
  }
  CHECK_FALSE(value("null").is_given);
  CHECK_FALSE(value("\"\"").is_given);
}
