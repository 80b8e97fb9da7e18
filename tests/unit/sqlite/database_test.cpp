#include "common/sqlite/database.hpp"
#include "common/sqlite/row_feed.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <stdlib.h>

namespace pinion::sqlite {
namespace {

Database in_memory() {
  OpenOptions options;
  options.mode = OpenMode::memory;
  auto database = Database::open(":memory:", options);
  REQUIRE(database);
  return std::move(*database);
}

struct Folder {
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path = "/tmp/pinion-sqlite-XXXXXX";
};

/// Numbers from 1 to `last`, with a text each but for every third.
class NumberFeed final : public RowFeed {
 public:
  explicit NumberFeed(std::int64_t last) : last_(last) {}
  bool next() noexcept override { return ++at_ <= last_; }
  void column(int index, ColumnOut out) noexcept override {
    if (index == 0) out.set_int(at_);
    if (index == 1 && at_ % 3 != 0) out.set_text("text");
    if (index == 2) out.set_blob({});
  }

 private:
  std::int64_t at_ = 0;
  std::int64_t last_;
};

}  // namespace

TEST_CASE("sqlite: values come back as they were bound", "[sqlite]") {
  Database database = in_memory();
  REQUIRE(database.exec("CREATE TABLE t(a, b, c, d)"));
  auto insert = database.prepare("INSERT INTO t VALUES(?1, ?2, ?3, ?4)");
  REQUIRE(insert);
  const std::string binary("a\0b", 3);
  insert->bind(1, -5);
  insert->bind_text(2, "text");
  insert->bind_blob(3, binary);
  insert->bind_null(4);
  REQUIRE(insert->run());
  // No bytes are not NULL.
  insert->bind_text(2, {});
  insert->bind_blob(3, {});
  REQUIRE(insert->run());
  auto select = database.prepare("SELECT * FROM t");
  REQUIRE(select);
  REQUIRE(select->step() == true);
  CHECK(select->column_int(0) == -5);
  CHECK(select->column_bytes(1) == "text");
  CHECK(select->column_bytes(2) == binary);
  CHECK(select->column_is_null(3));
  REQUIRE(select->step() == true);
  CHECK(select->column_type(1) == SQLITE_TEXT);
  CHECK(select->column_type(2) == SQLITE_BLOB);
  CHECK(select->column_bytes(2).empty());
  CHECK(select->step() == false);
  CHECK(select->column_name(1) == "b");
}

TEST_CASE("sqlite: failures carry a code and SQLite's words", "[sqlite]") {
  Database database = in_memory();
  auto wrong = database.prepare("SELECT a FROM nowhere");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == Errc::sql_invalid);
  CHECK(wrong.error().detail == "no such table: nowhere");
  CHECK(database.prepare("").error().code == Errc::sql_invalid);
  CHECK(database.prepare("SELECT 1; SELECT 2").error().detail == "only one statement at a time");
  CHECK(database.prepare("SELECT 1;  -- and no more\n ; "));
  CHECK(database.prepare("SELECT \"text\"").error().code == Errc::sql_invalid);
  OpenOptions options;
  CHECK(Database::open("/nowhere/at/all.db", options).error().code == Errc::io_failed);
}

TEST_CASE("sqlite: a transaction that is not committed did not happen", "[sqlite]") {
  Database database = in_memory();
  REQUIRE(database.exec("CREATE TABLE t(a)"));
  {
    auto transaction = Transaction::begin(database);
    REQUIRE(transaction);
    REQUIRE(database.exec("INSERT INTO t VALUES(1)"));
    CHECK(database.in_transaction());
  }
  CHECK_FALSE(database.in_transaction());
  CHECK(*database.query_int("SELECT count(*) FROM t") == 0);
  auto transaction = Transaction::begin(database);
  REQUIRE(transaction);
  REQUIRE(database.exec("INSERT INTO t VALUES(1)"));
  REQUIRE(transaction->commit());
  CHECK(*database.query_int("SELECT count(*) FROM t") == 1);
}

TEST_CASE("sqlite: rows out of memory are inserted by one statement", "[sqlite]") {
  Database database = in_memory();
  REQUIRE(add_row_feed(database));
  REQUIRE(database.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b, c)"));
  auto insert = database.prepare("INSERT INTO t SELECT c0, c1, c2 FROM row_feed(?1)");
  REQUIRE(insert);
  NumberFeed feed(1000);
  bind_row_feed(*insert, 1, feed);
  REQUIRE(insert->run());
  CHECK(database.changes() == 1000);
  CHECK(*database.query_int("SELECT sum(a) FROM t") == 500'500);
  CHECK(*database.query_int("SELECT count(*) FROM t WHERE b IS NULL") == 333);
  CHECK(*database.query_int("SELECT count(*) FROM t WHERE typeof(c) = 'blob'") == 1000);
  NumberFeed none(0);
  bind_row_feed(*insert, 1, none);
  REQUIRE(insert->run());
  CHECK(database.changes() == 0);
  // Nobody but C++ can name a feed.
  CHECK_FALSE(database.exec("INSERT INTO t SELECT c0, c1, c2 FROM row_feed(7)"));
  CHECK_FALSE(database.exec("INSERT INTO t SELECT c0, c1, c2 FROM row_feed"));
}

TEST_CASE("sqlite: a statement can be refused, and one that runs too long interrupted",
          "[sqlite]") {
  Database database = in_memory();
  REQUIRE(database.exec("CREATE TABLE t(a)"));
  database.set_authorizer([](const Action& action) { return action.code == SQLITE_SELECT; });
  CHECK(database.prepare("SELECT 1"));
  CHECK(database.prepare("DELETE FROM t").error().code == Errc::sql_refused);
  CHECK(database.prepare("SELECT a FROM t").error().code == Errc::sql_refused);
  database.set_authorizer({});
  int asked = 0;
  database.set_progress(1000, [&] { return ++asked == 3; });
  const auto endless = database.query_int(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
  REQUIRE_FALSE(endless);
  CHECK(endless.error().code == Errc::sql_limit);
}

TEST_CASE("sqlite: checkpoints say how much of the write-ahead log was moved", "[sqlite]") {
  const Folder folder;
  OpenOptions options;
  options.mode = OpenMode::create;
  auto database = Database::open(folder.path + "/t.db", options);
  REQUIRE(database);
  database->watch_wal();
  REQUIRE(database->query_text("PRAGMA journal_mode=WAL") == "wal");
  REQUIRE(database->exec("CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(20000))"));
  CHECK(database->wal_pages() >= 5);
  options.mode = OpenMode::read_only;
  auto reader = Database::open(folder.path + "/t.db", options);
  REQUIRE(reader);
  REQUIRE(reader->exec("BEGIN; SELECT count(*) FROM t"));
  REQUIRE(database->exec("INSERT INTO t VALUES(zeroblob(20000))"));
  auto held = database->checkpoint(CheckpointMode::passive);
  REQUIRE(held);
  CHECK(held->moved_pages < held->log_pages);
  REQUIRE(reader->exec("COMMIT"));
  const auto all = database->checkpoint(CheckpointMode::passive);
  REQUIRE(all);
  CHECK(all->moved_pages == all->log_pages);
  REQUIRE(database->checkpoint(CheckpointMode::truncate));
  CHECK(database->wal_pages() == 0);
  CHECK(std::filesystem::file_size(folder.path + "/t.db-wal") == 0);
  CHECK_FALSE(reader->exec("INSERT INTO t VALUES(1)"));
}

TEST_CASE("sqlite: a busy file is throttled, a broken one corrupt", "[sqlite]") {
  const Folder folder;
  OpenOptions options;
  options.mode = OpenMode::create;
  options.busy_timeout = 10ms;
  auto first = Database::open(folder.path + "/t.db", options);
  auto second = Database::open(folder.path + "/t.db", options);
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(first->exec("CREATE TABLE t(a); BEGIN IMMEDIATE"));
  CHECK(second->exec("BEGIN IMMEDIATE").error().code == Errc::throttled);
  REQUIRE(first->exec("COMMIT"));
  REQUIRE(first->close());
  REQUIRE(second->close());
  std::filesystem::resize_file(folder.path + "/t.db", 100);
  auto broken = Database::open(folder.path + "/t.db", options);
  REQUIRE(broken);
  const auto read = broken->exec("SELECT * FROM t");
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::file_corrupt);
}

TEST_CASE("sqlite: paths in URIs are escaped", "[sqlite]") {
  CHECK(file_uri("/a b/c?d#e%f", "mode=ro") == "file:/a b/c%3fd%23e%25f?mode=ro");
}

}  // namespace pinion::sqlite
