// The table of codes, and Result.
#include "common/base/error.hpp"

#include <catch2/catch.hpp>

#include "common/base/result.hpp"

#include <set>
#include <string>
#include <vector>

namespace pinion {
namespace {

struct Row {
  std::string name;
  int number;
};
const std::vector<Row> rows = {
#define PINION_ERROR(name, number, retry, fate, text) {#name, number},
#include "common/base/error_codes.def"
#undef PINION_ERROR
};

TEST_CASE("errors: names and numbers are unique and found again", "[base]") {
  std::set<std::string> names;
  std::set<int> numbers;
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(numbers.insert(row.number).second);
    const auto code = errc_from_number(row.number);
    REQUIRE(code);
    CHECK(name_of(*code) == row.name);
    CHECK_FALSE(text_of(*code).empty());
  }
  CHECK_FALSE(errc_from_number(999));
  CHECK_FALSE(errc_from_number(-1));
  CHECK(name_of(static_cast<Errc>(999)) == "unlisted");
  CHECK(fate_of(static_cast<Errc>(999)) == Fate::unknown);
}

TEST_CASE("errors: nothing that may have happened is called final or failed", "[base]") {
  CHECK(fate_of(Errc::ok) == Fate::happened);
  CHECK(fate_of(Errc::timed_out) == Fate::unknown);
  CHECK(fate_of(Errc::connection_lost) == Fate::unknown);
  CHECK(fate_of(Errc::storage_failed) == Fate::unknown);
  CHECK(fate_of(Errc::duplicate_sequence) == Fate::happened);
  CHECK(fate_of(Errc::storage_full) == Fate::did_not_happen);
  CHECK(is_retriable(Errc::throttled));
  CHECK(is_retriable(Errc::not_leader));
  CHECK_FALSE(is_retriable(Errc::invalid_argument));
}

TEST_CASE("errors: the text for people is the detail, or the table's", "[base]") {
  CHECK(fail(Errc::unknown_topic, "topic 'x' does not exist").to_string() ==
        "unknown_topic: topic 'x' does not exist");
  CHECK(fail(Errc::unknown_topic).to_string() == "unknown_topic: the topic does not exist");
}

Result<int> half_of(int number) {
  if (number % 2 != 0) return failure(Errc::invalid_argument, "odd");
  return number / 2;
}
Result<int> quarter_of(int number) {
  PINION_TRY(half, half_of(number));
  PINION_TRY(quarter, half_of(half));
  return quarter;
}
Result<void> check_even(int number) {
  PINION_CHECK(half_of(number));
  return {};
}

TEST_CASE("result: a value or the first error goes through", "[base]") {
  CHECK(*quarter_of(8) == 2);
  CHECK(quarter_of(6).error().detail == "odd");
  CHECK(check_even(2));
  CHECK(check_even(3).error().code == Errc::invalid_argument);
}

}  // namespace
}  // namespace pinion
