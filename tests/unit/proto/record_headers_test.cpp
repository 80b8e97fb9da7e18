// A record's headers as JSON text and back, and every text that is not them.
#include "common/proto/record_headers.hpp"

#include <catch2/catch.hpp>

#include "common/base/limits.hpp"
#include "common/base/prng.hpp"

#include <string>

namespace pinion {
namespace {

using Headers = std::vector<RecordHeader>;

Headers parsed(std::string_view text) {
  const auto headers = parse_record_headers(text);
  INFO(text);
  CHECK(headers);
  CHECK(are_record_headers(text));
  return headers ? *headers : Headers();
}

TEST_CASE("headers: text and bytes are written as documented", "[proto]") {
  const Headers headers = {{"trace-id", "4bf92f"}, {"photo", "\xff\xd8\xff"}, {"a\"b", "\n\x01"}};
  const auto text = build_record_headers(headers);
  REQUIRE(text);
  CHECK(*text == R"([["trace-id","4bf92f"],["photo",{"base64":"/9j/"}],["a\"b","\n\u0001"]])");
  CHECK(parsed(*text) == headers);
  CHECK(*build_record_headers({}) == "[]");
}

TEST_CASE("headers: any bytes come back, through text or base64", "[proto]") {
  Prng prng(17);
  for (int round = 0; round < 2'000; ++round) {
    Headers headers(prng.below(5));
    for (RecordHeader& header : headers) {
      header.name = "n" + std::to_string(prng.below(3));
      header.value.resize(prng.below(20));
      const std::uint64_t range = prng.chance(1, 2) ? 128 : 256;
      for (char& c : header.value) c = static_cast<char>(prng.below(range));
    }
    const auto text = build_record_headers(headers);
    REQUIRE(text);
    REQUIRE(parse_record_headers(*text) == headers);
    REQUIRE(are_record_headers(*text));
  }
}

TEST_CASE("headers: JSON written by others is understood", "[proto]") {
  CHECK(parsed(" [ [ \"a\" , \"b\" ] ,\n\t[\"c\",{ \"base64\" : \"AA==\" }]\r] ") ==
        Headers{{"a", "b"}, {"c", std::string(1, '\0')}});
  CHECK(parsed(R"([["\u00e9\u20ac","\ud83d\ude00\/\b\f\n\r\t\\\""]])") ==
        Headers{{"\xc3\xa9\xe2\x82\xac", "\xf0\x9f\x98\x80/\b\f\n\r\t\\\""}});
  CHECK(parsed("[[\"\xc3\xa9\",\"\"]]") == Headers{{"\xc3\xa9", ""}});
}

TEST_CASE("headers: what the grammar does not have is refused", "[proto]") {
  const std::vector<std::string> bad = {"",
                                        " ",
                                        "[",
                                        "]",
                                        "[]]",
                                        "[],",
                                        "{}",
                                        "null",
                                        "[[]]",
                                        "[[\"a\"]]",
                                        "[[\"a\",\"b\",\"c\"]]",
                                        "[[\"\",\"b\"]]",
                                        "[[\"a\",1]]",
                                        "[[\"a\",null]]",
                                        "[[\"a\",\"b\"],]",
                                        "[,]",
                                        "[[\"a\" \"b\"]]",
                                        "[[a,\"b\"]]",
                                        "[[\"a\",\"b\"]",
                                        "[[\"a\",\"b]]",
                                        "[['a','b']]",
                                        "[[\"a\",\"\x01\"]]",
                                        "[[\"a\",\"\xff\"]]",
                                        "[[\"a\",\"\\x\"]]",
                                        "[[\"a\",\"\\u12\"]]",
                                        "[[\"a\",\"\\u12g4\"]]",
                                        "[[\"a\",\"\\ud800\"]]",
                                        "[[\"a\",\"\\ud800\\u0041\"]]",
                                        "[[\"a\",\"\\udc00\"]]",
                                        "[[\"a\",\"\\",
                                        "[[\"a\",{}]]",
                                        "[[\"a\",{\"base64\":1}]]",
                                        "[[\"a\",{\"base64\":\"A\"}]]",
                                        "[[\"a\",{\"base64\":\"AB==\"}]]",
                                        "[[\"a\",{\"base64\":\"AA==\",\"b\":1}]]",
                                        "[[\"a\",{\"Base64\":\"AA==\"}]]",
                                        "[[\"a\",{\"base64\":\"\\u0041A==\"}]]",
                                        "[[\"a\",[\"b\"]]]",
                                        "[[[\"a\",\"b\"]]]",
                                        std::string("[]\0", 3),
                                        "\xef\xbb\xbf[]"};
  for (const std::string& text : bad) {
    INFO(text);
    CHECK_FALSE(are_record_headers(text));
    const auto headers = parse_record_headers(text);
    REQUIRE_FALSE(headers);
    CHECK(headers.error().code == Errc::malformed);
  }
  CHECK_FALSE(are_record_headers(std::string(1'000'000, '[')));
}

TEST_CASE("headers: what cannot be written is refused", "[proto]") {
  CHECK(build_record_headers(Headers{{"", "v"}}).error().code == Errc::invalid_argument);
  CHECK(build_record_headers(Headers{{"\xff", "v"}}).error().code == Errc::invalid_argument);
  const Headers large = {{"n", std::string(limits::headers_bytes_max, 'x')}};
  CHECK(build_record_headers(large).error().code == Errc::invalid_argument);
  // At the limit exactly: [["n","x..."]] is ten bytes around the value.
  const Headers fits = {{"n", std::string(limits::headers_bytes_max - 10, 'x')}};
  const auto text = build_record_headers(fits);
  REQUIRE(text);
  CHECK(text->size() == limits::headers_bytes_max);
  CHECK(parsed(*text) == fits);
  CHECK_FALSE(are_record_headers(*text + " "));
}

}  // namespace
}  // namespace pinion
