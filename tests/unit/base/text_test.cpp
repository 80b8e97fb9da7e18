// Text at the edges: what is UTF-8, what is base64, and what may be shown to people.
#include "common/base/text.hpp"

#include <catch2/catch.hpp>

#include "common/base/prng.hpp"

namespace pinion {
namespace {

TEST_CASE("text: UTF-8 is what Unicode says it is", "[base]") {
  for (const std::string text : {"", "plain", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                 "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf",
                                 "12345678\xc2\x80"
                                 "12345678"}) {
    INFO(text);
    CHECK(is_utf8(text));
  }
  for (const std::string text :
       {"\x80", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82",
        "\xf0\x9f\x98", "1234567\xff", "12345678\xc3"}) {
    INFO(text);
    CHECK_FALSE(is_utf8(text));
  }
}

TEST_CASE("text: base64 there and back, and nothing but its own form", "[base]") {
  CHECK(base64_encode("") == "");
  CHECK(base64_encode("f") == "Zg==");
  CHECK(base64_encode("fo") == "Zm8=");
  CHECK(base64_encode("foo") == "Zm9v");
  CHECK(base64_encode("foobar") == "Zm9vYmFy");
  Prng prng(2);
  for (int round = 0; round < 1'000; ++round) {
    std::string bytes(prng.below(40), '\0');
    for (char& c : bytes) c = static_cast<char>(prng.below(256));
    REQUIRE(base64_decode(base64_encode(bytes)) == bytes);
  }
  for (const std::string text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "=",
                                 "Zg==Zg==", "Zm 9v", "Zm9-", "Zm9v\n"}) {
    INFO(text);
    CHECK_FALSE(is_base64(text));
    CHECK_FALSE(base64_decode(text));
  }
}

TEST_CASE("text: a JSON string has its quotes and escapes", "[base]") {
  std::string out = "x:";
  append_json_string(out, "a\"b\\c\n\t\r\x01 caf\xc3\xa9");
  CHECK(out == "x:\"a\\\"b\\\\c\\n\\t\\r\\u0001 caf\xc3\xa9\"");
}

TEST_CASE("text: what people see is cut at a character and has no control characters", "[base]") {
  CHECK(printable("abc", 10) == "abc");
  CHECK(printable("a\nb\x1b[31m\x7f", 20) == "a?b?[31m?");
  CHECK(printable("a\xff\xc3", 10) == "a??");
  CHECK(printable("\xe2\x82\xac\xe2\x82\xac", 5) == "\xe2\x82\xac");
  CHECK(printable("abc", 2) == "ab");
  CHECK(printable("abc", 0).empty());
}

}  // namespace
}  // namespace pinion
