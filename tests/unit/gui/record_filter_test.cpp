#include <catch2/catch.hpp>

#include "gui/model/record_filter.hpp"
#include "tests/unit/gui/record_rows.hpp"

#include <memory>
#include <string>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

bool passes(const char* filter, const PlainRecord& record) {
  const auto parsed = RecordFilter::parse(filter);
  INFO(filter);
  REQUIRE(parsed);
  const RecordChunk chunk = chunk_of({record});
  return parsed->matches(chunk.rows.front());
}

}  // namespace

TEST_CASE("filter: words are looked for everywhere, without regard to case", "[gui]") {
  CHECK(passes("", {"anything"}));
  CHECK(passes("APPLE", {"3 apples"}));
  CHECK(passes("ann", {"x", "Ann"}));
  CHECK_FALSE(passes("pear", {"3 apples", "ann"}));
  CHECK(passes("3 apples", {"apples: 3"}));
  CHECK_FALSE(passes("\"3 apples\"", {"apples: 3"}));
  CHECK(passes("-pear apples", {"3 apples"}));
}

TEST_CASE("filter: keys, headers and partitions", "[gui]") {
  const PlainRecord record{"v", "user-7", R"([["Trace-Id","4bf9"],["empty",""]])", 3};
  CHECK(passes("key:USER", record));
  CHECK_FALSE(passes("key:v", record));
  CHECK_FALSE(passes("key:a", {"a"}));
  CHECK(passes("header:trace-id", record));
  CHECK(passes("header:trace-id=4BF", record));
  CHECK_FALSE(passes("header:trace-id=9999", record));
  CHECK_FALSE(passes("header:other", record));
  CHECK(passes("partition:3", record));
  CHECK_FALSE(passes("partition:1", record));
}

TEST_CASE("filter: JSON values by path", "[gui]") {
  const PlainRecord record{R"({"user": {"name": "ann"}, "price": 12.5, "items": [{"id": 3}]})"};
  CHECK(passes(".user.name", record));
  CHECK(passes(".user.name = ann", record));
  CHECK(passes(".user.name=ann .price>10", record));
  CHECK_FALSE(passes(".user.name != ann", record));
  CHECK(passes(".price < 13", record));
  CHECK_FALSE(passes(".price > 12.5", record));
  CHECK(passes(".price = 12.50", record));
  CHECK(passes(".price >= 12.5 .price <= 12.5 .price == 12.5", record));
  CHECK_FALSE(passes(".price >= 12.6", record));
  CHECK_FALSE(passes(".price<=12.4", record));
  CHECK(passes(".items[0].id = 3", record));
  CHECK(passes(".user.name ~ NN", record));
  CHECK(passes("-.user.name = bob", record));
  CHECK_FALSE(passes("-.user.name = ann", record));
  CHECK(passes("$.user.name = ann", record));
  CHECK_FALSE(passes("$.price > 13", record));
  CHECK(passes("\"\" = ann", {"ann = x"}));  // Nothing in quotation marks is no path.
  CHECK_FALSE(passes(".user.name", {"not json, user.name"}));
  CHECK_FALSE(passes(".missing", record));
}

TEST_CASE("filter: JSON names of any kind, however they are written", "[gui]") {
  const PlainRecord record{R"({"a.b": 6, "caf\u00e9": 5, "x = \"y\"": {"n": [1]}})"};
  CHECK(passes(".caf\u00e9 = 5", record));
  CHECK(passes("$[\"a.b\"] = 6", record));
  CHECK(passes(".[\"a.b\"]>=6 caf", record));
  CHECK(passes(R"($["x = \"y\""].n[0] = 1)", record));
  CHECK_FALSE(passes("$[\"a.b\"] = 7", record));
  CHECK_FALSE(RecordFilter::parse("$[\"a.b = 6"));
}

TEST_CASE("filter: blanks around a sign change nothing", "[gui]") {
  const PlainRecord record{R"({"price": 12.5, "name": "ann lee", "mark": ">x", "none": ""})"};
  for (const char* filter : {".price>12", ".price >12", ".price> 12", ".price > 12"}) {
    CHECK(passes(filter, record));
  }
  for (const char* filter : {".price>13", ".price >13", ".price> 13", "-.price >12"}) {
    CHECK_FALSE(passes(filter, record));
  }
  CHECK(passes(".price >=12.5 .price <= 12.5 lee", record));
  CHECK(passes(".name =\"ann lee\" .price", record));
  CHECK(passes("$[\"name\"] !=bob", record));
  // What stands in quotes is no sign.
  CHECK(passes(".mark = \">x\"", record));
  CHECK(passes(".mark=\">x\"", record));
  CHECK_FALSE(passes(".price \">10\"", record));
  CHECK(passes(".none = \"\"", record));
  CHECK(passes(".name!=\"\" ann", record));
  const PlainRecord traced{"v", "k", R"([["trace-id","4bf9"]])"};
  CHECK(passes("header:trace-id = 4bf9", traced));
  CHECK(passes("header:trace-id =4BF", traced));
  CHECK_FALSE(passes("header:trace-id= 99", traced));
}

TEST_CASE("filter: a name in quotes is compared as any other", "[gui]") {
  const PlainRecord record{R"({"full name": "ann", "user": {"full name": "ann lee"}, "a<b": 3})",
                           "k", R"([["trace id","4bf9"],["a=b","x"]])"};
  for (const char* filter :
       {".\"full name\" = ann", ".\"full name\"=ann", "$.\"full name\" =ann", ".\"full name\"",
        ".user.\"full name\"=\"ann lee\"", ".user.\"full name\" ~ lee", "-.\"full name\" = bob",
        ".\"a<b\">2", ".\"a<b\" = 3", "header:\"trace id\"=4bf", "header:\"trace id\" = 4bf9",
        "header:\"trace id\"", "header:\"a=b\"=x", "-header:\"trace id\"=8"}) {
    INFO(filter);
    CHECK(passes(filter, record));
  }
  for (const char* filter : {".\"full name\" = bob", ".\"full name\"=bob",
                             ".user.\"full name\"=bob", ".user.\"full name\" != \"ann lee\"",
                             ".\"a<b\">3", "header:\"trace id\"=99", "header:\"trace id\" = 99",
                             "header:\"a=b\"=y", "\"header:trace id=4bf9\"", "\".full name\""}) {
    INFO(filter);
    CHECK_FALSE(passes(filter, record));
  }
  CHECK_FALSE(RecordFilter::parse(".\"full name\"="));
  CHECK_FALSE(RecordFilter::parse(".\"full name\" >"));
  CHECK(passes(".\"full name\" != \"\"", record));
  CHECK(passes("header:\"trace id\"=\"\"", record));
}

TEST_CASE("filter: a sign that compares nothing is told, and not taken for a value", "[gui]") {
  const auto problem = [](const char* filter) {
    const auto parsed = RecordFilter::parse(filter);
    INFO(filter);
    REQUIRE_FALSE(parsed);
    return parsed.error().detail;
  };
  CHECK(problem(".price <> 10").find("'<>' compares nothing: there are = != <") == 0);
  CHECK(problem(".price<>10").find("'<>' compares nothing") == 0);
  CHECK(problem(".price => 10").find("'=>' compares nothing") == 0);
  CHECK(problem(".price =<10").find("'=<' compares nothing") == 0);
  CHECK(problem(".state === done").find("'===' compares nothing") == 0);
  CHECK(problem(".state ! done").find("'!' compares nothing") == 0);
  CHECK(problem(".price >").find("wants a value") != std::string::npos);
  CHECK(problem("header:trace-id != 4bf9").find("of a header only =") == 0);
  CHECK(problem("header:a=>b").find("begins with such a sign stands in quotes") !=
        std::string::npos);
}

TEST_CASE("filter: what cannot be meant is refused in words", "[gui]") {
  CHECK(RecordFilter::parse("\"two words").error().detail.find("no second one") !=
        std::string::npos);
  CHECK(RecordFilter::parse(".price >").error().detail.find("wants a value") != std::string::npos);
  CHECK(RecordFilter::parse("a > b").has_value());  // Words, and no path.
  CHECK_FALSE(RecordFilter::parse("partition:x"));
  CHECK_FALSE(RecordFilter::parse(".a > b"));
  CHECK_FALSE(RecordFilter::parse(".a >= b"));
  CHECK(RecordFilter::parse(".price >=").error().detail.find(".price >= 10") != std::string::npos);
  CHECK_FALSE(RecordFilter::parse(".a[ = 1"));
  CHECK(RecordFilter::parse("partition:x").error().detail ==
        "partition: wants a number, as in partition:3");
}

TEST_CASE("filtered records: found a piece at a time, and kept up with the log", "[gui]") {
  RecordLog log({.rows_max = 4'000, .bytes_max = 1UL << 40U});
  log.append(numbered(0, 2'000));
  FilteredRecords found;
  found.set(*RecordFilter::parse("7"));
  CHECK(found.advance(log.view(), 100));
  CHECK(found.looked_at(log.view()) == 100);
  while (found.advance(log.view(), 500)) {
  }
  const LogView view = log.view();
  const std::size_t all = found.size(view);
  CHECK(all == 542);  // Of 0 to 1,999: twice the 271 of a thousand.
  CHECK(view.find(found.number_at(view, 0))->value_bytes() == "value 7");
  CHECK(found.index_of(view, 17) == 1);

  for (int i = 1; i < 4; ++i) log.append(numbered(i * 2'000, 2'000));
  while (found.advance(log.view(), 10'000)) {
  }
  const LogView later = log.view();
  CHECK(later.first() == 4'000);
  CHECK(found.number_at(later, 0) >= 4'000);
  CHECK(found.size(later) == 3 * 271 + 1'000);
}

TEST_CASE("filtered records: a piece of large records is fewer of them", "[gui]") {
  RecordLog log;
  const std::string large = "{\"a\": \"" + std::string(100'000, 'x') + "\"}";
  log.append(chunk_of(std::vector<PlainRecord>(50, {large})));
  FilteredRecords found;
  found.set(*RecordFilter::parse(".a ~ x"));
  CHECK(found.advance(log.view(), 2'000));
  CHECK(found.looked_at(log.view()) == 3);
  while (found.advance(log.view(), 2'000)) {
  }
  CHECK(found.size(log.view()) == 50);
}

TEST_CASE("filtered records: numbers that have no row are passed over", "[gui]") {
  const auto early = std::make_shared<const RecordChunk>(numbered(10, 5));
  const auto late = std::make_shared<const RecordChunk>(numbered(1'000'000, 5));
  const LogView holes(0, 2'000'000, {10, 1'000'000}, {early, late});
  FilteredRecords found;
  found.set(*RecordFilter::parse("value"));
  CHECK_FALSE(found.advance(holes, 100));
  CHECK(found.size(holes) == 10);
  CHECK(found.looked_at(holes) == 2'000'000);
}

TEST_CASE("filtered records: without a filter the log itself is the list", "[gui]") {
  RecordLog log;
  log.append(numbered(0, 10));
  FilteredRecords found;
  CHECK_FALSE(found.advance(log.view(), 1));
  CHECK(found.size(log.view()) == 10);
  CHECK(found.number_at(log.view(), 4) == 4);
  CHECK(found.index_of(log.view(), 99) == 10);
}

TEST_CASE("filtered records: of each key only the latest, as records come", "[gui]") {
  const auto keyed = [](std::int64_t first, const std::vector<std::string>& keys) {
    std::vector<PlainRecord> records;
    for (const std::string& key : keys) {
      records.push_back({"value " + std::to_string(first + std::ssize(records)), key});
    }
    return chunk_of(records, first);
  };
  RecordLog log;
  log.append(keyed(0, {"a", "b", "a", "c"}));
  log.append(numbered(4, 1));  // Without a key.
  FilteredRecords found;
  found.set({}, LatestOfKey::yes);
  while (found.advance(log.view(), 1)) {
  }
  const auto numbers = [&] {
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i < found.size(log.view()); ++i) {
      out.push_back(found.number_at(log.view(), i));
    }
    return out;
  };
  CHECK(numbers() == std::vector<std::uint64_t>{1, 2, 3});
  log.append(keyed(5, {"c", "d", "b", "b"}));
  CHECK_FALSE(found.advance(log.view(), 100));
  CHECK(numbers() == std::vector<std::uint64_t>{2, 5, 6, 8});
  found.set(*RecordFilter::parse("2"), LatestOfKey::yes);
  CHECK_FALSE(found.advance(log.view(), 100));
  CHECK(numbers() == std::vector<std::uint64_t>{2});
}
