#include <catch2/catch.hpp>

#include "gui/model/exporting.hpp"
#include "gui/model/importing.hpp"
#include "gui/model/json.hpp"
#include "tests/unit/gui/record_rows.hpp"

#include <string>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

TEST_CASE("export: records as JSON Lines and CSV", "[gui]") {
  const RecordChunk chunk =
      chunk_of({{"a \"b\",\nc", "k", R"([["h","x"]])", 2}, {std::string("\x00\xff", 2)}});
  const std::string line = json_line_of(chunk.rows[0]);
  CHECK(line.back() == '\n');
  CHECK(parse_json(line));
  CHECK(line.find(R"("value":"a \"b\",\nc")") != std::string::npos);
  CHECK(json_line_of(chunk.rows[1]).find("base64") != std::string::npos);
  CHECK(csv_line_of(chunk.rows[0]) ==
        "orders,2,0,2023-11-14T22:13:20.000000Z,k,\"[[\"\"h\"\",\"\"x\"\"]]\",\"a "
        "\"\"b\"\",\nc\"\r\n");
  CHECK(csv_line_of(chunk.rows[1]).find("base64:AP8=") != std::string::npos);
}

TEST_CASE("export: query results", "[gui]") {
  const std::vector<SqlValue> row{std::monostate{}, std::int64_t{7}, 1.5, std::string("x,y"),
                                  SqlBlob{"\xff"}};
  CHECK(csv_line_of(row) == ",7,1.5,\"x,y\",base64:/w==\r\n");
  CHECK(csv_titles({"a", "b c"}) == "a,b c\r\n");
  CHECK(parse_json(json_line_of({"a", "b", "c", "d", "e"}, row)));
}

TEST_CASE("export: a command for a shell holds the statement as it is", "[gui]") {
  CHECK(sqlite_command("/data/orders-0.db", "select json->>'$.a' from \"readable\"") ==
        R"(sqlite3 'file:/data/orders-0.db?mode=ro' 'select json->>'\''$.a'\'' from "readable"')");
  CHECK(sqlite_command("/a?b#c%d'e", "`rm`") ==
        R"(sqlite3 'file:/a%3fb%23c%25d'\''e?mode=ro' '`rm`')");
}

TEST_CASE("import: what was exported is read back, bytes too", "[gui]") {
  const RecordChunk chunk =
      chunk_of({{"a \"b\",\nc", "k", R"([["h","x"],["h",{"base64":"/w=="}]])"},
                {std::string("\x00\xff", 2), std::string("\xfe", 1)},
                {""}});
  const auto first = parse_exported_line(json_line_of(chunk.rows[0]));
  REQUIRE(first);
  CHECK(first->value == "a \"b\",\nc");
  CHECK(first->key == "k");
  REQUIRE(first->headers.size() == 2);
  CHECK(first->headers[1].value == "\xff");
  const auto bytes = parse_exported_line(json_line_of(chunk.rows[1]));
  REQUIRE(bytes);
  CHECK(bytes->value == std::string("\x00\xff", 2));
  CHECK(bytes->key == "\xfe");
  const auto empty = parse_exported_line(json_line_of(chunk.rows[2]));
  REQUIRE(empty);
  CHECK(empty->value.empty());
  CHECK_FALSE(empty->key);
}

TEST_CASE("import: a line that is none says why", "[gui]") {
  CHECK_FALSE(parse_exported_line(""));
  CHECK_FALSE(parse_exported_line("plain text"));
  CHECK(parse_exported_line("[1]").error().detail.find("no JSON object") != std::string::npos);
  CHECK(parse_exported_line("{}").error().detail == "it has no 'value'");
  CHECK_FALSE(parse_exported_line(R"({"value": 7})"));
  CHECK_FALSE(parse_exported_line(R"({"value": "%%", "value_encoding": "base64"})"));
  CHECK_FALSE(parse_exported_line(R"({"value": "x", "headers": [["",""]]})"));
}
