#include <catch2/catch.hpp>

#include "cli/json_text.hpp"

using namespace pinion;
using namespace pinion::cli;

namespace {

RecordText record_of(std::string_view value) {
  RecordText record;
  record.topic = "orders";
  record.partition = PartitionIndex(2);
  record.offset = Offset(41);
  record.timestamp = micros(1'700'000'000'000'001);
  record.value = value;
  return record;
}

}  // namespace

TEST_CASE("cli json: a record is one object with the fields in one order", "[cli]") {
  CHECK(json_of(record_of("hello \"you\"\n")) ==
        R"({"topic":"orders","partition":2,"offset":41,"timestamp":1700000000000001,)"
        R"("key":null,"headers":[],"value":"hello \"you\"\n"})");
}

TEST_CASE("cli json: bytes that are not UTF-8 are base64 and marked so", "[cli]") {
  RecordText record = record_of("\xff\xfe\x00 x");
  record.key = "\x80";
  const std::string json = json_of(record);
  CHECK(json.find(R"("key":"gA==","key_encoding":"base64")") != std::string::npos);
  CHECK(json.find(R"("value":"//4=","value_encoding":"base64")") != std::string::npos);
}

TEST_CASE("cli json: headers are shown as they are stored", "[cli]") {
  RecordText record = record_of("");
  record.headers = R"([["trace","a"],["photo",{"base64":"/9j/"}]])";
  CHECK(
      json_of(record).find(R"("headers":[["trace","a"],["photo",{"base64":"/9j/"}]],"value":"")") !=
      std::string::npos);
}

TEST_CASE("cli json: a row's values keep their kinds", "[cli]") {
  const std::vector<SqlValue> row{std::int64_t{7}, 1.5, std::string("text"), SqlBlob{"\xff"},
                                  std::monostate{}};
  CHECK(json_of({"i", "r", "t", "b", "n"}, row) ==
        R"({"i":7,"r":1.5,"t":"text","b":"/w==","b_encoding":"base64","n":null})");
}

TEST_CASE("cli json: a benchmark has the fields that scripts rely on", "[cli]") {
  BenchReport report;
  report.kind = "latency";
  report.records = 1000;
  report.size = 100;
  report.seconds = 1;
  report.records_per_s = 1000;
  report.timed = true;
  report.latency_ms = {0.2, 0.5, 0.9, 1.25};
  const std::string json = json_of(report);
  for (const char* part :
       {R"("kind":"latency")", R"("records":1000)", R"("size":100)", R"("records_per_s":1000.0)",
        R"("p50_ms":0.2)", R"("p99_ms":0.5)", R"("p999_ms":0.9)", R"("max_ms":1.25)"}) {
    INFO(json);
    CHECK(json.find(part) != std::string::npos);
  }
}
