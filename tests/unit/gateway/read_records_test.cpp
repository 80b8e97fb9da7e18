#include "gateway/core/read_records.hpp"

#include "common/proto/record_batch.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::gateway;

namespace {

Result<std::vector<RecordToSend>> read(const std::string& text) {
  const auto json = parse_json(text);
  REQUIRE(json);
  return read_records(*json);
}

}  // namespace

TEST_CASE("records: texts, objects, keys, headers and bytes", "[gateway]") {
  const auto records = read(R"(["plain",
    {"value":"v","key":"k","timestamp":12,"headers":{"a":"1"},"partition":-1},
    {"value_base64":"AP8=","key_base64":"/w==","headers":[["n","x"],["n",{"base64":"/w=="}]]}])");
  REQUIRE(records);
  CHECK((*records)[0].value == "plain");
  CHECK_FALSE((*records)[0].key);
  CHECK((*records)[1].key == "k");
  CHECK((*records)[1].timestamp == Micros(12));
  CHECK((*records)[1].headers == R"([["a","1"]])");
  CHECK_FALSE((*records)[1].partition);
  CHECK((*records)[2].value == std::string("\0\xff", 2));
  CHECK((*records)[2].key == "\xff");
  CHECK((*records)[2].headers == R"([["n","x"],["n",{"base64":"/w=="}]])");
}

TEST_CASE("records: what is wrong is named with its place", "[gateway]") {
  for (const char* wrong :
       {R"(["a",5])", R"(["a",{}])", R"(["a",{"value":5}])", R"(["a",{"value_base64":"x"}])",
        R"(["a",{"value":"v","key":[]}])", R"(["a",{"value":"v","headers":5}])",
        R"(["a",{"value":"v","headers":{"n":5}}])", R"(["a",{"value":"v","headers":[["n"]]}])",
        R"(["a",{"value":"v","headers":{"":"x"}}])", R"(["a",{"value":"v","timestamp":"x"}])",
        R"(["a",{"value":"v","timestamp":18446744073709551615}])",
        R"(["a",{"value":"v","timestamp":9223372036854775808}])",
        R"(["a",{"value":"v","timestamp":1.5}])",
        R"(["a",{"value":"v","partition":18446744073709551615}])",
        R"(["a",{"value":"v","partition":-2}])", R"(["a",{"value":"v","partition":99999999}])"}) {
    INFO(wrong);
    const auto records = read(wrong);
    REQUIRE_FALSE(records);
    CHECK(records.error().code == Errc::invalid_argument);
    CHECK(records.error().detail.find("records[1]") == 0);
  }
}

TEST_CASE("records: a payload is what a partition takes", "[gateway]") {
  const auto records = read(R"(["one",{"value":"two","key":"k","headers":{"a":"b"}}])");
  REQUIRE(records);
  const std::string payload = encode_payload(*records, Micros(77));
  BatchReader reader(payload);
  RecordView view;
  REQUIRE(reader.next(view));
  CHECK(view.value == "one");
  CHECK(view.timestamp == Micros(77));
  CHECK_FALSE(view.headers);
  REQUIRE(reader.next(view));
  CHECK(view.key == "k");
  CHECK(view.headers == R"([["a","b"]])");
  CHECK_FALSE(reader.next(view));
}
