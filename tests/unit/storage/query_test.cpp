#include "partition/storage/query.hpp"

#include "common/base/limits.hpp"
#include "partition/storage/sqlite_record_store.hpp"
#include "tests/support/store_builders.hpp"

#include <catch2/catch.hpp>

#include <ctime>
#include <functional>

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
  std::function<bool()> cancelled;

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
    return reader->query(sql, {Offset(80), rows_max, time_max, cancelled});
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

/// An expression for a text of `bytes`, a multiple of 1000, without a function that makes bytes.
std::string text_of(std::size_t bytes) {
  return "replace('" + std::string(bytes / 1000, 'a') + "', 'a', '" + std::string(1000, 'b') + "')";
}

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

TEST_CASE("query: a refusal says what there is, and not what is hidden", "[storage]") {
  Fixture fixture;
  for (const char* sql :
       {"DELETE FROM messages", " insert into messages values(1)", "UPDATE messages SET value = 1",
        "SELECT * FROM meta", "PRAGMA user_version", "DROP VIEW messages"}) {
    CAPTURE(sql);
    const auto reply = fixture.run(sql);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == Errc::sql_refused);
    CHECK(reply.error().detail ==
          "only SELECT is allowed, and the views are messages, readable, batches, epochs and "
          "consumer_offsets");
  }
  CHECK(fixture.run("SELECT zeroblob(10)").error().detail ==
        "the function zeroblob() is not for queries");
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
  reply = fixture.run("SELECT " + text_of(1'000'000) + " FROM messages");
  REQUIRE(reply);
  CHECK(reply->rows.size() == 4);
  CHECK(reply->truncated);
  CHECK(fixture.error("SELECT " + text_of(5'000'000)) == Errc::sql_limit);
  CHECK(fixture.error("SELECT " + text_of(3'000'000) + ", " + text_of(3'000'000)) ==
        Errc::sql_limit);
  reply =
      fixture.run("SELECT count(*) FROM messages a, messages b, messages c, messages d", 10, 50ms);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Errc::sql_limit);
  CHECK(reply.error().detail.find("50 ms") != std::string::npos);
  CHECK(fixture.error("SELECT " + std::string(limits::sql_bytes_max, ' ') + "1") ==
        Errc::sql_limit);
}

TEST_CASE("query: functions that make bytes are refused; our own views do without", "[storage]") {
  Fixture fixture;
  for (const char* sql : {"SELECT randomblob(10)", "SELECT zeroblob(10)", "SELECT printf('%d', 1)",
                          "SELECT format('%.2000000000c', 'x')", "SELECT json_patch('{}', '{}')",
                          "WITH readable AS (SELECT printf('x') AS a) SELECT a FROM readable"}) {
    CAPTURE(sql);
    CHECK(fixture.error(sql) == Errc::sql_refused);
  }
  const auto reply = fixture.run("SELECT time FROM readable WHERE offset = 4");
  REQUIRE(reply);
  CHECK((reply->rows.at(0).at(0) == SqlValue("2023-11-14T22:13:20.000004Z")));
}

TEST_CASE("query: memory is bounded, whatever it is used for", "[storage]") {
  Fixture fixture;
  // Many large values at a time: each a register of SQLite's.
  std::string sum = "SELECT 0";
  for (int i = 0; i < 60; ++i) {
    sum += " + length(" + text_of(4'000'000 - 1'000 * static_cast<std::size_t>(i)) + ")";
    if (sum.size() > limits::sql_bytes_max - 6'000) break;
  }
  for (const std::string& sql :
       {sum, "WITH t(x) AS (SELECT " + text_of(4'000'000) + ") SELECT json_array(" + [] {
          std::string names = "x || 1";
          for (int i = 2; i < 16; ++i) names += ", x || " + std::to_string(i);
          return names;
        }() + ") FROM t"}) {
    const auto reply = fixture.run(sql);
    if (!reply) CHECK(reply.error().code == Errc::sql_limit);
  }
  std::string columns = "x || 1";
  for (int i = 2; i <= 60; ++i) columns += ", x || " + std::to_string(i);
  const auto reply = fixture.run("SELECT count(*) FROM (WITH t(x) AS (SELECT " +
                                 text_of(4'000'000) + ") SELECT DISTINCT " + columns + " FROM t)");
  REQUIRE_FALSE(reply);
  CHECK(reply.error().detail == "the query needs more memory than 128 MiB");
  CHECK(fixture.number("SELECT count(*) FROM messages") == 80);
}

TEST_CASE("query: nothing outlasts its time, not even one instruction or the compiling",
          "[storage]") {
  Fixture fixture;
  const std::string text = text_of(4'000'000);
  std::string views = "WITH v0 AS (SELECT 1 AS a)";
  for (int i = 1; i < 40; ++i) {
    const std::string last = "v" + std::to_string(i - 1);
    views += ", v" + std::to_string(i) + " AS (SELECT x.a FROM " + last + " x, " + last + " y)";
  }
  std::string calls = "length(hex(substr(x, 1)))";
  for (int i = 2; i < 90; ++i) calls += " + length(hex(substr(x, " + std::to_string(i) + ")))";
  for (const std::string& sql : std::vector<std::string>{
           "SELECT instr(" + text + ", " + text_of(2'000'000) + " || '1')",
           "SELECT " + text + " LIKE '%" + std::string(900, 'b') + "c'",
           "WITH t(x) AS (SELECT " + text_of(2'000'000) + ") SELECT sum(" + calls +
               ") FROM t, messages a, messages b",
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
           views + " SELECT count(*) FROM v39"}) {
    CAPTURE(sql.substr(0, 60));
    const std::clock_t begun = std::clock();  // Of the processor: others' work does not count.
    const auto reply = fixture.run(sql, 10, 100ms);
    if (!reply) CHECK(reply.error().code == Errc::sql_limit);
    CHECK((std::clock() - begun) / CLOCKS_PER_SEC < 3);
  }
}

TEST_CASE("query: one that nobody waits for ends", "[storage]") {
  Fixture fixture;
  int asked = 0;
  fixture.cancelled = [&asked] { return ++asked > 100; };
  CHECK(fixture.error("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                      " SELECT max(i) FROM n") == Errc::cancelled);
}

TEST_CASE("query: what people ask of a log fits into the limits", "[storage]") {
  Fixture fixture;
  for (const char* sql :
       {"SELECT r.offset, r.time, r.key, r.headers, r.value, r.json, b.*, e.start_offset"
        " FROM readable r JOIN batches b ON r.offset BETWEEN b.base_offset AND b.last_offset"
        " JOIN epochs e ON e.leader_epoch = b.leader_epoch",
        "SELECT x.*, y.* FROM readable x JOIN readable y ON x.offset = y.offset + 1"
        " WHERE x.value LIKE '%v1%' AND y.value NOT GLOB 'w*' ORDER BY y.time DESC LIMIT 5",
        "SELECT substr(time, 1, 16) AS minute, count(*), avg(length(value)), min(offset),"
        " max(offset), group_concat(DISTINCT key), json_group_array(value) FROM readable"
        " GROUP BY minute HAVING count(*) > 1 ORDER BY minute",
        "SELECT j.key, j.value, count(*) FROM readable r, json_each(json_object('a', r.offset,"
        " 'b', r.value)) j GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10",
        "SELECT offset, timestamp - lag(timestamp) OVER w AS gap, row_number() OVER w,"
        " sum(length(value)) OVER (ORDER BY offset ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)"
        " FROM messages WINDOW w AS (ORDER BY offset)",
        "SELECT c.reader, max(m.offset) + 1 - c.offset AS lag FROM consumer_offsets c, messages m"
        " GROUP BY c.reader",
        "WITH RECURSIVE hours(h) AS (SELECT 0 UNION ALL SELECT h + 1 FROM hours WHERE h < 23)"
        " SELECT h, (SELECT count(*) FROM readable WHERE strftime('%H', time) + 0 = h) FROM hours",
        "SELECT * FROM readable WHERE offset IN (1,2,3,4,5,6,7,8,9,10) AND json->>'$.user' IS NULL"
        " UNION ALL SELECT * FROM readable WHERE trim(replace(value, 'v', ' ')) = '7'"}) {
    CAPTURE(sql);
    const auto reply = fixture.run(sql);
    INFO((reply ? std::string() : reply.error().to_string()));
    REQUIRE(reply);
    CHECK_FALSE(reply->rows.empty());
  }
}

}  // namespace pinion::storage
