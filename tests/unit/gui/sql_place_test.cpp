#include <catch2/catch.hpp>

#include "gui/model/sql_place.hpp"

#include <string>

using namespace pinion::gui;

namespace {

/// "line:column", or "-" when it is not known.
std::string place_of(const char* sql, const char* error) {
  const SqlPlace place = find_sql_error(sql, error);
  if (place.line == 0) return "-";
  return std::to_string(place.line) + ":" + std::to_string(place.column);
}

}  // namespace

TEST_CASE("sql errors: their place in the statement is found", "[gui]") {
  const SqlPlace place =
      find_sql_error("select *\n  from readabel", "sql_invalid: no such table: readabel");
  CHECK(place.line == 2);
  CHECK(place.column == 8);
  CHECK(place.text == "  from readabel");
  CHECK(place_of("slect 1", "near \"slect\": syntax error") == "1:1");
  CHECK(place_of("select 1,\n", "incomplete input") == "1:10");
  CHECK(place_of("", "incomplete input") == "1:1");
  CHECK(place_of("select 1", "the query passed its time") == "-");
  CHECK(place_of("select", "near \"slect\": syntax error") == "-");
  CHECK(place_of("select", "near \"\": syntax error") == "-");
}

TEST_CASE("sql errors: a word is found where it stands by itself", "[gui]") {
  CHECK(place_of("select void, id from t", "no such column: id") == "1:14");
  CHECK(place_of("select 'x', /* x */ x -- x", "no such column: x") == "1:21");
  CHECK(place_of("select t.idx, t.id from t", "no such column: t.id") == "1:15");
  CHECK(place_of("select \"it's\" from [no such]", "no such column: it's") == "1:8");
  CHECK(place_of("select 'it''s', its", "no such column: its") == "1:17");
  CHECK(place_of("select a,, b", "near \",\": syntax error") == "-");  // One of two.
  CHECK(place_of("select a b c", "near \"c\": syntax error") == "1:12");
  CHECK(place_of("select 1 'two' 'three'", "near \"'three'\": syntax error") == "1:16");
  CHECK(place_of("select 'unfinished", "unrecognized token: \"'unfinished\"") == "1:8");
  CHECK(place_of("select /* unfinished", "near \"unfinished\": syntax error") == "-");
}

TEST_CASE("sql errors: of a name that stands there twice the place is not known", "[gui]") {
  // The alias is good; what is not there is what it stands for.
  CHECK(place_of("select id from t as id where x = 1", "no such column: id") == "-");
  CHECK(place_of("select a.id, b.id from t a, t b", "no such column: id") == "-");
  CHECK(place_of("select id from a union select id from b", "no such table: b") == "1:39");
  CHECK(place_of("select sum(x) + sum(x)", "no such function: sum") == "-");
}

TEST_CASE("sql errors: a name with blanks and signs is looked for whole", "[gui]") {
  CHECK(place_of("select first, [first name] from t", "no such column: first name") == "1:15");
  CHECK(place_of("select a, [a;b, c] from t", "no such column: a;b, c") == "1:11");
  CHECK(place_of("select 1 from \"no \"", "no such table: no \nand more") == "1:15");
  CHECK(place_of("select 'a \"b\"", "unrecognized token: \"'a \"b\"\"") == "1:8");
}

TEST_CASE("sql errors: a column is counted in characters", "[gui]") {
  const SqlPlace place = find_sql_error("select '\u00e9\u7530', nix", "no such column: nix");
  CHECK(place.column == 14);
  CHECK(place.text.substr(place.byte) == "nix");
}
