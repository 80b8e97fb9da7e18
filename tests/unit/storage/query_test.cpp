#include "partition/storage/query.hpp"

#include "common/base/limits.hpp"
#include "partition/storage/sqlite_record_store.hpp"
#include "tests/support/store_builders.hpp"

#include <catch2/catch.hpp>

namespace pinion::storage {
namespace {

using test::BatchMaker;
using test::orders;
using test::StoreFolder;
using test::Tickets;

/// Partition 3 with 100 records, of which 80 may be seen, and a position.
struct Fixture {
  StoreFolder folder{"/dev/shm"};
  std::unique_ptr<SqliteRecordStore> store;
  OpenedLog opened;
  std::unique_ptr<PartitionReader> reader;

  Fixture() {
    SqliteRecordStoreOptions options;
    options.data_dir = folder.path();
    options.low_space_bytes = 0;
    options.reserve_bytes = 0;
    store = std::move(*SqliteRecordStore::open(options));
    opened = std::move(*store->open(orders(3), IfMissing::create));
    reader = std::move(*store->open_reader(orders(3)));
    BatchMaker maker;
    Tickets ticket;
    Position position;
    position.reader = "consumer:a";
    position.offset = Offset(7);
    std::vector<Persist> group;
    group.push_back(ticket.epoch(1, Offset(0)));
    for (int i = 0; i < 10; ++i) group.push_back(ticket.append(maker.make(10)));
    group.push_back(ticket(PutPosition{position}));
    REQUIRE(opened.log->apply(group));
  }

  Result<QueryReply> run(const std::string& sql, std::uint32_t rows_max = 1000,
                         Micros time_max = 5s) {
    return reader->query(sql, rows_max, time_max, Offset(80));
  }
  std::int64_t number(const std::string& sql) {
    const auto reply = run(sql);
    INFO(sql << ": " << (reply ? std::string() : reply.error().to_string()));
    REQUIRE(reply);
    REQUIRE(reply->rows.size() == 1);
    REQUIRE(std::holds_alternative<std::int64_t>(reply->rows[0][0]));
    return std::get<std::int64_t>(reply->rows[0][0]);
  }
  Errc error(const std::string& sql) {
    const auto reply = run(sql);
    return reply ? Errc::ok : reply.error().code;
  }
};

}  // namespace

TEST_CASE("query: sees what is committed, and which partition it is", "[storage]") {
  Fixture fixture;
  CHECK(fixture.number("SELECT count(*) FROM messages") == 80);
  CHECK(fixture.number("SELECT count(*) FROM readable") == 80);
  CHECK(fixture.number("SELECT max(offset) FROM messages WHERE offset > 5") == 79);
  CHECK(fixture.number("SELECT count(*) FROM batches") == 8);
  CHECK(fixture.number("SELECT DISTINCT partition FROM messages") == 3);
  CHECK(fixture.number("SELECT sum(committed) FROM readable") == 80);
  CHECK(fixture.number("SELECT offset FROM consumer_offsets WHERE reader = 'consumer:a'") == 7);
  CHECK(fixture.number("SELECT leader_epoch FROM epochs") == 1);
  CHECK(fixture.number("SELECT count(*) FROM messages m JOIN batches b "
                       "ON m.offset BETWEEN b.base_offset AND b.last_offset") == 80);
  CHECK(fixture.number("WITH big AS (SELECT offset FROM messages WHERE offset > 70) "
                       "SELECT count(*) FROM big") == 9);
  CHECK(fixture.number("SELECT count(*) FROM json_each('[1,2,3]')") == 3);
}

TEST_CASE("query: values keep their types", "[storage]") {
  Fixture fixture;
  const auto reply = fixture.run(
      "SELECT offset, 1.5 AS half, NULL, CAST(value AS TEXT), value FROM messages "
      "WHERE offset = 4");
  REQUIRE(reply);
  CHECK(reply->columns ==
        std::vector<std::string>{"offset", "half", "NULL", "CAST(value AS TEXT)", "value"});
  const std::vector<SqlValue> expected{std::int64_t{4}, 1.5, std::monostate(), std::string("v4"),
                                       SqlBlob{"v4"}};
  REQUIRE(reply->rows.size() == 1);
  CHECK((reply->rows[0] == expected));
}

TEST_CASE("query: nothing but reading the views is allowed", "[storage]") {
  Fixture fixture;
  for (const char* sql : {"DELETE FROM messages",
                          "INSERT INTO messages VALUES(1, 2, 3, 4, 5, 6)",
                          "UPDATE meta SET value = 0",
                          "CREATE TABLE t(a)",
                          "CREATE TEMP TABLE t(a)",
                          "DROP VIEW messages",
                          "PRAGMA journal_mode",
                          "PRAGMA query_only=OFF",
                          "PRAGMA database_list",
                          "ATTACH '/etc/passwd' AS p",
                          "DETACH main",
                          "BEGIN",
                          "COMMIT",
                          "VACUUM",
                          "VACUUM INTO '/tmp/x'",
                          "ANALYZE",
                          "REINDEX",
                          "SAVEPOINT s",
                          "SELECT * FROM meta",
                          "SELECT count(*) FROM meta",
                          "SELECT * FROM producers",
                          "SELECT * FROM sqlite_schema",
                          "SELECT count(*) FROM sqlite_schema",
                          "SELECT * FROM sqlite_temp_schema",
                          "SELECT * FROM pragma_database_list",
                          "SELECT load_extension('x')",
                          "EXPLAIN SELECT * FROM messages",
                          "EXPLAIN QUERY PLAN SELECT * FROM messages",
                          "SELECT * FROM dbstat",
                          "WITH meta AS (SELECT 1) DELETE FROM messages"}) {
    CAPTURE(sql);
    const Errc code = fixture.error(sql);
    CHECK((code == Errc::sql_refused || code == Errc::sql_invalid));
  }
  CHECK(fixture.error("DROP VIEW messages") == Errc::sql_refused);
  CHECK(fixture.error("SELECT * FROM meta") == Errc::sql_refused);
  CHECK(fixture.number("SELECT count(*) FROM messages") == 80);
}

TEST_CASE("query: no name leads past the end that is committed", "[storage]") {
  Fixture fixture;
  for (const char* sql :
       {"SELECT count(*) FROM main.messages", "SELECT max(offset) FROM main.messages",
        "WITH messages AS (SELECT * FROM main.messages) SELECT count(*) FROM messages",
        "SELECT (SELECT max(offset) FROM main.messages)"}) {
    CAPTURE(sql);
    const auto reply = fixture.run(sql);
    CHECK_FALSE(reply);
  }
  CHECK(fixture.number("SELECT count(*) FROM temp.messages") == 80);
}

TEST_CASE("query: what is wrong is said in SQLite's words", "[storage]") {
  Fixture fixture;
  CHECK(fixture.run("SELECT offst FROM messages").error().detail == "no such column: offst");
  CHECK(fixture.run("SELEC 1").error().detail == "near \"SELEC\": syntax error");
  CHECK(fixture.run("").error().code == Errc::sql_invalid);
  CHECK(fixture.run("SELECT 1; SELECT 2").error().code == Errc::sql_invalid);
  CHECK(fixture.run("SELECT 1; DELETE FROM messages").error().code != Errc::ok);
  CHECK(fixture.run("SELECT abs(-9223372036854775808)").error().code == Errc::sql_invalid);
}

TEST_CASE("query: rows, bytes and time are bounded", "[storage]") {
  Fixture fixture;
  auto reply = fixture.run("SELECT offset FROM messages", 10);
  REQUIRE(reply);
  CHECK(reply->rows.size() == 10);
  CHECK(reply->truncated);
  reply = fixture.run("SELECT offset FROM messages", 80);
  REQUIRE(reply);
  CHECK(reply->rows.size() == 80);
  CHECK_FALSE(reply->truncated);
  reply = fixture.run("SELECT zeroblob(1000000) FROM messages");
  REQUIRE(reply);
  CHECK(reply->rows.size() == 4);
  CHECK(reply->truncated);
  CHECK(fixture.error("SELECT zeroblob(5000000)") == Errc::sql_limit);
  CHECK(fixture.error("SELECT zeroblob(500000000)") == Errc::sql_limit);
  reply =
      fixture.run("SELECT count(*) FROM messages a, messages b, messages c, messages d", 10, 50ms);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::sql_limit);
  CHECK(reply.error().detail.find("50 ms") != std::string::npos);
  CHECK(fixture.error("SELECT " + std::string(limits::sql_bytes_max, ' ') + "1") ==
        Errc::sql_limit);
}

}  // namespace pinion::storage
