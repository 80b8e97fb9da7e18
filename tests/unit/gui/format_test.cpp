#include <catch2/catch.hpp>

#include "gui/model/format.hpp"

using namespace pinion;
using namespace pinion::gui;

TEST_CASE("format: large numbers are grouped, and unknown is not nought", "[gui]") {
  CHECK(format_count(std::uint64_t{1'234'567}) == "1,234,567");
  CHECK(format_count(std::optional<std::int64_t>{0}) == "0");
  CHECK(format_count(std::optional<std::int64_t>{-1'000}) == "-1,000");
  CHECK(format_count(std::optional<std::int64_t>{}) == unknown_text);
}

TEST_CASE("format: rates and short counts keep three digits and a unit", "[gui]") {
  CHECK(format_rate(0) == "0/s");
  CHECK(format_rate(0.4) == "0.4/s");
  CHECK(format_rate(950) == "950/s");
  CHECK(format_rate(12'345) == "12.3 k/s");
  CHECK(format_rate(999'700) == "1.00 M/s");
  CHECK(format_short_count(3'100'000) == "3.10 M");
  CHECK(format_byte_rate(2048) == "2.0 KiB/s");
}

TEST_CASE("format: durations say no more than matters", "[gui]") {
  CHECK(format_duration(Micros(340)) == "340 \u00b5s");
  CHECK(format_duration(Micros(1'234)) == "1.23 ms");
  CHECK(format_duration(3'400ms) == "3.4 s");
  CHECK(format_duration(42s) == "42 s");
  CHECK(format_duration(130s) == "2 min 10 s");
  CHECK(format_duration(5h) == "5 h");
  CHECK(format_duration(98h) == "4 d 2 h");
  CHECK(format_duration(-2s) == "-2.0 s");
}

TEST_CASE("format: a countdown shows the second that is running", "[gui]") {
  CHECK(format_countdown(30s) == "0:30");
  CHECK(format_countdown(29'001ms) == "0:30");
  CHECK(format_countdown(Micros(1)) == "0:01");
  CHECK(format_countdown(Micros(0)) == "0:00");
  CHECK(format_countdown(Micros(-5)) == "0:00");
  CHECK(format_countdown(90s) == "1:30");
}

TEST_CASE("format: text is cut between characters", "[gui]") {
  CHECK(cut_text("short", 10) == "short");
  CHECK(cut_text("\u00e4\u00f6\u00fc", 3) == "\u00e4\u2026");
}
