#include "partition/storage/query_functions.hpp"

#include "common/base/prng.hpp"

#include <catch2/catch.hpp>

#include <ctime>

namespace pinion::storage {
namespace {

using sqlite::Database;

Database in_memory() {
  sqlite::OpenOptions options;
  options.mode = sqlite::OpenMode::memory;
  auto database = Database::open(":memory:", options);
  REQUIRE(database);
  database->set_limit(SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1'000);
  return std::move(*database);
}

/// The result's type and bytes, or that it failed and why.
std::string result_of(Database& database, const char* sql, const std::vector<std::string>& values,
                      std::size_t blobs) {
  auto statement = database.prepare(sql);
  REQUIRE(statement);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int index = static_cast<int>(i) + 1;
    if (values[i] == "NULL") {
      statement->bind_null(index);
    } else if ((blobs >> i & 1) != 0) {
      statement->bind_blob(index, values[i]);
    } else {
      statement->bind_text(index, values[i]);
    }
  }
  const auto row = statement->step();
  if (!row) return "failed: " + row.error().detail;
  return std::to_string(statement->column_type(0)) + " " + statement->column_string(0);
}

/// Texts that are likely to match one another, some of them not UTF-8.
std::string random_text(Prng& prng, int parts_max) {
  static const std::vector<std::string> parts = {
      "a",    "a",    "a",    "A", "b", "ab", "%", "%", "_", "*",
      "?",    "[",    "]",    "^", "-", "\\", " ", "é", "É", "\xf0\x9f\x8d\x8e",
      "\x80", "\xc3", "\xff", "k"};
  if (prng.chance(1, 40)) return "NULL";
  std::string text;
  const std::int64_t count = prng.between(0, parts_max);
  for (std::int64_t i = 0; i < count; ++i) {
    text += parts[static_cast<std::size_t>(
        prng.between(0, static_cast<std::int64_t>(parts.size()) - 1))];
  }
  if (prng.chance(1, 60)) text.insert(text.size() / 2, 1, '\0');
  return text;
}

}  // namespace

TEST_CASE("query functions: results are SQLite's own", "[storage]") {
  Database theirs = in_memory();
  Database ours = in_memory();
  QueryFunctions functions([] { return false; });
  REQUIRE(functions.add_to(ours));
  Prng prng(20'261'125);
  struct Call {
    const char* sql;
    std::vector<int> parts_max;
  };
  const std::vector<Call> calls = {{"SELECT like(?1, ?2)", {7, 9}},
                                   {"SELECT glob(?1, ?2)", {7, 9}},
                                   {"SELECT ?2 LIKE ?1", {4, 30}},
                                   {"SELECT ?2 GLOB ?1", {4, 30}},
                                   {"SELECT like(?1, ?2, ?3)", {7, 9, 1}},
                                   {"SELECT instr(?1, ?2)", {20, 3}},
                                   {"SELECT replace(?1, ?2, ?3)", {20, 2, 3}},
                                   {"SELECT trim(?1)", {9}},
                                   {"SELECT ltrim(?1)", {9}},
                                   {"SELECT rtrim(?1)", {9}},
                                   {"SELECT trim(?1, ?2)", {9, 4}},
                                   {"SELECT ltrim(?1, ?2)", {9, 4}},
                                   {"SELECT rtrim(?1, ?2)", {9, 4}}};
  for (int round = 0; round < 4'000; ++round) {
    for (const Call& call : calls) {
      std::vector<std::string> values;
      for (const int parts : call.parts_max) values.push_back(random_text(prng, parts));
      const auto blobs = prng.chance(1, 8) ? static_cast<std::size_t>(prng.between(0, 7)) : 0;
      const std::string expected = result_of(theirs, call.sql, values, blobs);
      const std::string found = result_of(ours, call.sql, values, blobs);
      if (found == expected) continue;
      CAPTURE(call.sql, values, blobs, round);
      CHECK(found == expected);
    }
  }
}

TEST_CASE("query functions: a constant argument is the same in every row", "[storage]") {
  Database theirs = in_memory();
  Database ours = in_memory();
  QueryFunctions functions([] { return false; });
  REQUIRE(functions.add_to(ours));
  // A text in the place of a blob, and the other way round: SQLite keeps a constant's register.
  const std::string rows =
      "WITH t(v) AS (VALUES (x'c3a962'), ('\u00e9b'), (x'c3a962'), (NULL), ('\u00e9b'), (x'62')) "
      "SELECT group_concat(ifnull(typeof(r) || ':' || hex(r), '-')) FROM (SELECT ";
  for (const char* call :
       {"instr(v, x'62')", "instr(v, 'b')", "instr(x'c3a962', v)", "instr('\u00e9b', v)",
        "replace(v, x'62', 'zz')", "replace(v, 'b', x'7a')", "replace(x'c3a962', v, 'z')",
        "trim(v, x'62')", "rtrim(x'c3a962', v)", "v LIKE x'25'", "x'c3a962' LIKE v", "v GLOB x'2a'",
        "ltrim(x'2020')"}) {
    const std::string sql = rows + call + " AS r FROM t)";
    CAPTURE(call);
    CHECK(result_of(ours, sql.c_str(), {}, 0) == result_of(theirs, sql.c_str(), {}, 0));
  }
}

TEST_CASE("query functions: numbers are texts, and a set and a range are what GLOB says",
          "[storage]") {
  Database theirs = in_memory();
  Database ours = in_memory();
  QueryFunctions functions([] { return false; });
  REQUIRE(functions.add_to(ours));
  for (const char* sql :
       {"SELECT 1234 LIKE '%23%'", "SELECT instr(1234, 3)", "SELECT replace(1234, 2, 'x')",
        "SELECT replace(1234, '', 'x')", "SELECT replace('a', '', NULL)", "SELECT trim(0.50, 0)",
        "SELECT 'b' GLOB '[a-c]'", "SELECT 'd' GLOB '[^a-c]'", "SELECT ']' GLOB '[]]'",
        "SELECT '-' GLOB '[a-]'", "SELECT 'x' GLOB '[x'", "SELECT 'a%' LIKE 'a\\%' ESCAPE '\\'",
        "SELECT 'ab' LIKE 'a\\%' ESCAPE '\\'", "SELECT 'a%' LIKE 'a%%' ESCAPE '%'",
        "SELECT 'a' LIKE 'a' ESCAPE 'ab'", "SELECT 'a' LIKE 'a' ESCAPE ''",
        "SELECT 'ABC' LIKE 'abc', 'É' LIKE 'é'"}) {
    CAPTURE(sql);
    CHECK(result_of(ours, sql, {}, 0) == result_of(theirs, sql, {}, 0));
  }
}

TEST_CASE("query functions: each can be ended within", "[storage]") {
  Database database = in_memory();
  bool over = false;
  QueryFunctions functions([&over] { return over; });
  REQUIRE(functions.add_to(database));
  for (const char* sql :
       {"SELECT hex(zeroblob(200000)) LIKE '%0000%1'", "SELECT hex(zeroblob(200000)) GLOB '*0*1'",
        "SELECT instr(hex(zeroblob(200000)), '1')", "SELECT replace(hex(zeroblob(200000)), '0', 1)",
        "SELECT trim(hex(zeroblob(200000)), '0')"}) {
    CAPTURE(sql);
    over = false;
    CHECK(result_of(database, sql, {}, 0).find("failed") == std::string::npos);
    over = true;
    CHECK(result_of(database, sql, {}, 0) == "failed: interrupted");
  }
}

TEST_CASE("query functions: what took minutes of processor time takes seconds at most",
          "[storage]") {
  Database database = in_memory();
  QueryFunctions functions([] { return false; });
  REQUIRE(functions.add_to(database));
  const std::clock_t begun = std::clock();  // Of the processor: others' work does not count.
  CHECK(result_of(database, "SELECT instr(hex(zeroblob(2000000)), hex(zeroblob(1000000)) || '1')",
                  {}, 0) == "1 0");
  CHECK(result_of(database, "SELECT hex(zeroblob(20000)) LIKE '%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%1'",
                  {}, 0) == "1 0");
  CHECK(result_of(database,
                  "SELECT length(replace(hex(zeroblob(1000000)), hex(zeroblob(500000)) || 1, ''))",
                  {}, 0) == "1 2000000");
  CHECK((std::clock() - begun) / CLOCKS_PER_SEC < 5);
}

TEST_CASE("query functions: arguments are bounded", "[storage]") {
  Database database = in_memory();
  QueryFunctions functions([] { return false; });
  REQUIRE(functions.add_to(database));
  CHECK(result_of(database, "SELECT trim('a', ?1)", {std::string(64, 'b')}, 0) == "3 a");
  CHECK(result_of(database, "SELECT trim('a', ?1)", {std::string(65, 'b')}, 0).find("at most 64") !=
        std::string::npos);
  CHECK(result_of(database, "SELECT 'a' LIKE ?1", {std::string(1'001, '%')}, 0) ==
        "failed: LIKE or GLOB pattern too complex");
  database.set_limit(SQLITE_LIMIT_LENGTH, 1'000);
  CHECK(result_of(database, "SELECT replace(?1, 'a', 'bbb')", {std::string(400, 'a')}, 0) ==
        "failed: string or blob too big");
}

TEST_CASE("query functions: what only makes bytes is not among them", "[storage]") {
  for (const char* name : {"zeroblob", "randomblob", "printf", "format", "json_patch",
                           "load_extension", "fts3_tokenizer", "sqlite_log", ""}) {
    CHECK_FALSE(may_call(name));
  }
  for (const char* name : {"->>", "count", "json_extract", "like", "strftime", "upper"}) {
    CHECK(may_call(name));
  }
}

}  // namespace pinion::storage
