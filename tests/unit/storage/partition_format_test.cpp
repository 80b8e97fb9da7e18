#include "partition/storage/partition_format.hpp"

#include "common/base/limits.hpp"
#include "common/sqlite/database.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace pinion::storage {
namespace {

sqlite::Database with_schema() {
  sqlite::OpenOptions options;
  options.mode = sqlite::OpenMode::memory;
  auto database = sqlite::Database::open(":memory:", options);
  REQUIRE(database);
  REQUIRE(database->exec(schema_sql));
  return std::move(*database);
}

}  // namespace

TEST_CASE("storage: a topic's name is its folder's, but for names that mean something there",
          "[storage]") {
  CHECK(escape_topic("orders-EU_1.x") == "orders-EU_1.x");
  CHECK(escape_topic("node.db") == "%6eode.db");
  CHECK(escape_topic("set-aside") == "%73et-aside");
  CHECK(escape_topic("...") == "%2e..");
  std::set<std::string> names;
  for (const char* topic : {"lock", "%6cock", "reserve", ".lock", "a/b", "a%2fb", "node.db-wal"}) {
    const std::string name = escape_topic(topic);
    CHECK(names.insert(name).second);
    CHECK(name.find('/') == std::string::npos);
    CHECK(name != topic);
  }
  const std::string longest(limits::topic_name_bytes_max, 't');
  const LogIdentity identity{"", {TopicId(1), PartitionIndex(2'147'483'647)}, longest};
  // Set aside, it has a time and a suffix as well.
  CHECK(file_name_of(identity).size() + std::string(".20261121T101303.123456Z-journal").size() <
        255);
}

TEST_CASE("storage: what is remembered of a producer survives being text", "[storage]") {
  std::vector<ProducerState::Remembered> batches;
  CHECK(encode_remembered(batches) == "[]");
  for (int i = 0; i < 5; ++i) {
    batches.push_back({Sequence(10 * i), 10, Offset(1000 + 10 * i), Micros(1'700'000'000'000'000)});
    const auto decoded = decode_remembered(encode_remembered(batches));
    REQUIRE(decoded);
    CHECK(*decoded == batches);
  }
  CHECK(encode_remembered({batches.front()}) == "[[0,10,1000,1700000000000000]]");
}

TEST_CASE("storage: anything else in its place is damage", "[storage]") {
  for (const char* text :
       {"", "[", "[]]", "[[1,2,3]]", "[[1,2,3,4],]", "[[1,0,3,4]]", "[[1,2,-3,4]]", "[[-1,2,3,4]]",
        "[[1,99999,3,4]]", "[[1,2,3,4][1,2,3,4]]", "[[99999999999999999999,2,3,4]]", "null",
        "[[1,2,3,4],[1,2,3,4],[1,2,3,4],[1,2,3,4],[1,2,3,4],[1,2,3,4]]"}) {
    CAPTURE(text);
    const auto decoded = decode_remembered(text);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == Errc::file_corrupt);
  }
}

TEST_CASE("storage: a new producer epoch starts remembering anew", "[storage]") {
  ProducerState state;
  BatchHeader batch;
  batch.producer_id = ProducerId(3);
  batch.record_count = 2;
  for (int i = 0; i < 7; ++i) {
    batch.base_offset = Offset(2 * i);
    batch.base_sequence = Sequence(2 * i);
    batch.append_time = Micros(100 + i);
    remember(state, batch);
  }
  REQUIRE(state.batches.size() == limits::producer_batches_remembered);
  CHECK(state.batches.front().base_offset == Offset(4));
  CHECK(state.last_seen == Micros(106));
  batch.producer_epoch = ProducerEpoch(1);
  remember(state, batch);
  CHECK(state.batches.size() == 1);
  CHECK(state.epoch == ProducerEpoch(1));
}

TEST_CASE("storage: STORAGE.md shows the schema as it is", "[storage]") {
  std::ifstream file(PINION_SOURCE_DIR "/docs/STORAGE.md");
  const std::string document((std::istreambuf_iterator<char>(file)),
                             std::istreambuf_iterator<char>());
  CHECK(document.find(schema_sql) != std::string::npos);
}

TEST_CASE("storage: the readable view shows time, text, JSON and what is committed", "[storage]") {
  sqlite::Database database = with_schema();
  REQUIRE(database.exec(
      "INSERT INTO meta VALUES('log_start', 1), ('high_watermark', 3);"
      "INSERT INTO messages VALUES(0, 0, NULL, NULL, x'00');"
      "INSERT INTO messages VALUES(1, 1700000000000042, CAST('k' AS BLOB), '[]',"
      " CAST('{\"user\":\"ann\"}' AS BLOB));"
      "INSERT INTO messages VALUES(2, 1700000000000042, NULL, NULL, CAST('not {json' AS BLOB));"
      "INSERT INTO messages VALUES(3, 1700000000000042, NULL, NULL, x'ff00fe');"));
  CHECK(*database.query_int("SELECT count(*) FROM readable") == 3);
  CHECK(*database.query_text("SELECT time FROM readable WHERE offset = 1") ==
        "2023-11-14T22:13:20.000042Z");
  CHECK(*database.query_text("SELECT key || value FROM readable WHERE offset = 1") ==
        "k{\"user\":\"ann\"}");
  CHECK(*database.query_int("SELECT offset FROM readable WHERE json->>'user' = 'ann'") == 1);
  CHECK(*database.query_int("SELECT count(*) FROM readable WHERE json IS NULL") == 2);
  CHECK(*database.query_int("SELECT sum(committed) FROM readable") == 2);
}

TEST_CASE("storage: readable times are right on both sides of 1970, and NULL past 9999",
          "[storage]") {
  auto database = with_schema();
  REQUIRE(
      database.exec("INSERT INTO meta VALUES('log_start', 0), ('high_watermark', 9);"
                    "INSERT INTO messages VALUES(0, -5, NULL, NULL, 'a'),"
                    "(1, -1000000, NULL, NULL, 'a'), (2, 0, NULL, NULL, 'a'),"
                    "(3, 1700000000000042, NULL, NULL, 'a'),"
                    "(4, 253402300800000000, NULL, NULL, 'a')"));
  const auto found = database.query_text(
      "SELECT group_concat(ifnull(time, 'none'), ' ')"
      " FROM readable");
  REQUIRE(found);
  CHECK(*found ==
        "1969-12-31T23:59:59.999995Z 1969-12-31T23:59:59.000000Z 1970-01-01T00:00:00.000000Z"
        " 2023-11-14T22:13:20.000042Z none");
}

}  // namespace pinion::storage
