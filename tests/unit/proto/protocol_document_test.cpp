// docs/PROTOCOL.md is the source of truth for messages: its table must be messages.hpp, line for
// line. Both are read as text, so that neither can be generated from the other.
#include <catch2/catch.hpp>

#include "common/base/error.hpp"

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace pinion {
namespace {

std::string read_file(const std::string& name) {
  std::ifstream file(std::string(PINION_SOURCE_DIR) + "/" + name);
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What one pattern's groups match, all over the text.
std::vector<std::smatch> matches_of(const std::string& text, const std::regex& pattern) {
  return {std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator()};
}

std::string without_space(std::string text) {
  text = std::regex_replace(text, std::regex("\\s+"), " ");
  return std::regex_replace(text, std::regex("^ | $"), "");
}

struct Row {
  int number = 0;
  std::string body;
  std::string fields;
  bool operator==(const Row&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.number << " " << row.body << " [" << row.fields << "]";
}

/// Kind name to number, struct and fields, as messages.hpp has them.
std::map<std::string, Row> rows_of_source() {
  const std::string source = read_file("common/proto/messages.hpp");
  std::map<std::string, Row> rows;
  const std::size_t begin = source.find("enum class Kind");
  const std::string kinds = source.substr(begin, source.find("};", begin) - begin);
  for (const std::smatch& m : matches_of(kinds, std::regex(R"((\w+)\s*=\s*(\d+),)"))) {
    rows[m[1]].number = std::stoi(m[2]);
  }
  const std::regex structs(R"(struct (\w+) \{\s*static constexpr Kind kind = Kind::(\w+);)"
                           R"([\s\S]*?PINION_FIELDS\(([^)]*)\))");
  for (const std::smatch& m : matches_of(source, structs)) {
    Row& row = rows[m[2]];
    row.body = m[1];
    row.fields = without_space(m[3]);
  }
  return rows;
}

/// The same from the document's table: | 51 | produce | Produce | acks, batch | who | what |
std::map<std::string, Row> rows_of_document() {
  std::map<std::string, Row> rows;
  const std::regex line(R"(\n\| (\d+) \| `(\w+)` \| `(\w+)` \| `?([^|`]*)`? \|)");
  const std::string document = read_file("docs/PROTOCOL.md");
  for (const std::smatch& m : matches_of(document, line)) {
    CHECK(rows.count(m[2]) == 0);
    rows[m[2]] = {std::stoi(m[1]), m[3], without_space(m[4])};
  }
  return rows;
}

TEST_CASE("protocol: the document's table is messages.hpp", "[proto]") {
  const auto source = rows_of_source();
  const auto document = rows_of_document();
  CHECK(source.size() > 40);
  for (const auto& [kind, row] : source) {
    INFO(kind);
    CHECK_FALSE(row.body.empty());
    const auto found = document.find(kind);
    REQUIRE(found != document.end());
    CHECK(found->second == row);
  }
  CHECK(document.size() == source.size());
}

TEST_CASE("protocol: the document explains every message and lists every error", "[proto]") {
  const std::string document = read_file("docs/PROTOCOL.md");
  for (const auto& [kind, row] : rows_of_document()) {
    INFO(kind);
    const bool is_reply = row.number < 200 && row.number % 2 == 0;
    if (!is_reply) CHECK(document.find("\n**" + kind + "**") != std::string::npos);
  }
  for (int number = 0; number < 800; ++number) {
    const auto code = errc_from_number(number);
    if (!code || (number >= 600 && number < 700)) continue;  // 6xx are never sent.
    const std::string row = "| " + std::to_string(number) + " | `" + std::string(name_of(*code));
    INFO(row);
    CHECK(document.find(row) != std::string::npos);
  }
}

TEST_CASE("protocol: the shared structs have the fields that the document lists", "[proto]") {
  const std::string source = read_file("common/proto/messages.hpp");
  const std::string document = read_file("docs/PROTOCOL.md");
  const std::regex structs(R"(struct (\w+) \{(?:(?!\n\};)[\s\S])*?PINION_FIELDS\(([^)]*)\))");
  std::size_t shared = 0;
  for (const std::smatch& m : matches_of(source, structs)) {
    if (std::string(m[0]).find("static constexpr Kind kind") != std::string::npos) continue;
    ++shared;
    const std::string line = "- `" + std::string(m[1]) + "`: `" + without_space(m[2]) + "`";
    INFO(line);
    CHECK(document.find(line) != std::string::npos);
  }
  CHECK(shared > 8);
}

}  // namespace
}  // namespace pinion
