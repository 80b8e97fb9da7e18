#include <catch2/catch.hpp>

#include "cli/text.hpp"

using namespace pinion;
using namespace pinion::cli;

namespace {

constexpr Micros noon{1'700'000'000'000'000};  // 2023-11-14T22:13:20Z

Micros time_of(const std::string& text) {
  const Result<Micros> time = parse_time(text, noon);
  INFO(text);
  REQUIRE(time);
  return *time;
}

}  // namespace

TEST_CASE("cli text: times as people write them become microseconds", "[cli]") {
  CHECK(time_of("1970-01-01") == micros(0));
  CHECK(time_of("2023-11-14T22:13:20Z") == noon);
  CHECK(time_of("2023-11-14 22:13:20") == noon);
  CHECK(time_of("2023-11-14T23:13:20+01:00") == noon);
  CHECK(time_of("2023-11-14T17:43:20-0430") == noon);
  CHECK(time_of("2023-11-14T22:13:20.25Z") == noon + 250ms);
  CHECK(time_of("2023-11-14T22:13:20.1234567Z") == noon + micros(123'456));
  CHECK(time_of("2023-11-14T22:13") == noon - 20s);
  CHECK(time_of("1700000000000000") == noon);
  CHECK(time_of("0") == micros(0));
  CHECK(time_of("-90s") == noon - 90s);
  CHECK(time_of("-15m") == noon - 900s);
  CHECK(time_of("-2h") == noon - 7200s);
  CHECK(time_of("-1d") == noon - 86'400s);
  CHECK(time_of("-36500d") == noon - 36'500 * 86'400s);
}

TEST_CASE("cli text: what is no time is refused with what would be one", "[cli]") {
  for (const char* text :
       {"", "now", "-", "-5", "-5w", "2023", "2023-13-01", "2023-02-31", "2023-11-14T25:00",
        "2023-11-14T22:13:20+", "2023-11-14T22:13:20.", "2023-11-14T22:13:20Zx", "1.5", "-s",
        "1700000000", "1700000000000", "-999999999d", "-99999999999999999999s", "-36501d"}) {
    INFO(text);
    const Result<Micros> time = parse_time(text, noon);
    REQUIRE_FALSE(time);
    CHECK(time.error().detail.find("2026-11-21T09:30:00Z") != std::string::npos);
  }
}

TEST_CASE("cli text: a time prints as it is read", "[cli]") {
  CHECK(format_time(noon + micros(7)) == "2023-11-14T22:13:20.000007Z");
  CHECK(time_of(format_time(noon + micros(7))) == noon + micros(7));
  CHECK(format_time(micros(-1)) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("cli text: --from takes earliest, latest, an offset or a time", "[cli]") {
  CHECK(std::holds_alternative<FromEarliest>(*parse_from("earliest", noon)));
  CHECK(std::holds_alternative<FromLatest>(*parse_from("latest", noon)));
  CHECK(std::get<Offset>(*parse_from("0", noon)) == Offset(0));
  CHECK(std::get<Offset>(*parse_from("9007199254740993", noon)) == Offset(9007199254740993));
  CHECK(std::get<Micros>(*parse_from("@-1h", noon)) == noon - 3600s);
  for (const char* text : {"", "-1", "1.5", "0x10", "first", "@", "@tomorrow", "12 "}) {
    INFO(text);
    CHECK_FALSE(parse_from(text, noon));
  }
}

TEST_CASE("cli text: a header is a name and all behind the first equals sign", "[cli]") {
  CHECK(parse_name_value("trace=4bf9")->name == "trace");
  CHECK(parse_name_value("trace=4bf9")->value == "4bf9");
  CHECK(parse_name_value("equation=a=b")->value == "a=b");
  CHECK(parse_name_value("empty=")->value.empty());
  CHECK_FALSE(parse_name_value("=nameless"));
  CHECK_FALSE(parse_name_value("nothing"));
}

TEST_CASE("cli text: escapes of a separator are those of a shell's printf", "[cli]") {
  CHECK(unescape("\\t") == "\t");
  CHECK(unescape("a\\nb\\\\c") == "a\nb\\c");
  CHECK(unescape("\\0") == std::string(1, '\0'));
  CHECK(unescape("\\x") == "\\x");
  CHECK(unescape("end\\") == "end\\");
  CHECK(unescape("::") == "::");
}

TEST_CASE("cli text: sizes and counts are easy to read", "[cli]") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes(5ULL << 40) == "5.0 TiB");
  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(1'234'567) == "1,234,567");
}

TEST_CASE("cli text: a table lines its columns up, numbers to the right", "[cli]") {
  Table table({"name", "records"});
  table.add({"a", "7"});
  table.add({"größer", "1234"});
  CHECK(table.to_string() ==
        "name    records\n"
        "a             7\n"
        "größer     1234\n");
}

TEST_CASE("cli text: a table's wide cell is cut, and no other row is as long as it", "[cli]") {
  Table table({"value", "n", "last"}, 10);
  table.add({std::string(1'000'000, 'x'), "1", "short"});
  table.add({"größer als zehn", "2", std::string(1'000'000, 'y')});
  table.add({"exactly 10", "3", "7"});
  CHECK(table.cut());
  CHECK(table.to_string() ==
        "value       n  last\n"
        "xxxxxxxxx…  1  short\n"
        "größer al…  2  yyyyyyyyy…\n"
        "exactly 10  3  7\n");
  Table narrow({"value"}, 10);
  narrow.add({"0123456789"});
  CHECK_FALSE(narrow.cut());
}

TEST_CASE("cli text: a CSV field is quoted when it must be", "[cli]") {
  CHECK(csv_field("plain") == "plain");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(csv_field("two\nlines") == "\"two\nlines\"");
  CHECK(csv_field("") == "");
}
