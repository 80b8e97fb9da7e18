#include <catch2/catch.hpp>

#include "gui/model/exporting.hpp"
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
