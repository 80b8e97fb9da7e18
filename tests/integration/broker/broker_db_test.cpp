// broker.db as a file: whose it is, whether it is whole, and who else may touch it.
#include <catch2/catch.hpp>

#include "broker/storage/sqlite_meta_store.hpp"
#include "common/sqlite/database.hpp"
#include "tests/support/test_process.hpp"

#include <filesystem>
#include <fstream>
#include <memory>

using namespace pinion;
using pinion::test::TemporaryFolder;

namespace {

class Fixture {
 public:
  [[nodiscard]] std::string folder() const { return temporary_ / "broker"; }
  [[nodiscard]] std::string path() const { return folder() + "/broker.db"; }

  [[nodiscard]] Result<std::unique_ptr<SqliteMetaStore>> try_open() const {
    return SqliteMetaStore::open({.data_dir = folder(), .vfs = {}});
  }
  [[nodiscard]] std::unique_ptr<SqliteMetaStore> open() const {
    auto store = try_open();
    if (!store) FAIL(store.error().to_string());
    return std::move(*store);
  }
  /// A store that was used and closed.
  void make() const {
    auto store = open();
    REQUIRE(store->begin_term(Restored::no));
    const MetaWrite write = make_topic();
    REQUIRE(store->apply({&write, 1}));
    REQUIRE(store->close());
  }
  [[nodiscard]] static MetaWrite make_topic() {
    PutTopic put;
    put.topic = {.id = TopicId{1}, .name = "orders", .created_at = {}, .config = {}};
    PartitionMeta partition;
    partition.key = {TopicId{1}, PartitionIndex{0}};
    partition.leader = NodeId{2};
    partition.leader_epoch = Epoch{3};
    put.partitions = {partition};
    MetaCounters counters;
    counters.topic = TopicId{2};
    return {Ticket{1}, {put, SetCounters{counters}}};
  }
  [[nodiscard]] sqlite::Database person(
      sqlite::OpenMode mode = sqlite::OpenMode::read_write) const {
    auto database = sqlite::Database::open(path(), {.mode = mode, .busy_timeout = 1s, .vfs = {}});
    if (!database) FAIL(database.error().to_string());
    return std::move(*database);
  }

 private:
  TemporaryFolder temporary_;
};

}  // namespace

TEST_CASE("broker.db: a person reads it while the broker writes it", "[integration][broker]") {
  Fixture f;
  auto store = f.open();
  REQUIRE(store->begin_term(Restored::no));
  const MetaWrite write = Fixture::make_topic();
  REQUIRE(store->apply({&write, 1}));
  sqlite::Database shell = f.person(sqlite::OpenMode::read_only);
  CHECK(*shell.query_text("SELECT name FROM topics") == "orders");
  CHECK(*shell.query_int("SELECT epoch FROM partitions WHERE topic_id = 1") == 3);
  CHECK(*shell.query_int("SELECT count(*) FROM readable WHERE topic = 'orders'") == 1);
  CHECK(*shell.query_int("SELECT value FROM meta WHERE name = 'controller_epoch'") == 1);
  for (const char* table : {"brokers", "producers", "consumers", "deleted_topics"}) {
    CHECK(*shell.query_int(std::string("SELECT count(*) FROM ") + table) == 0);
  }

  // A read transaction that stays open keeps nobody from writing.
  REQUIRE(shell.exec("BEGIN; SELECT count(*) FROM topics"));
  const MetaWrite opened{Ticket{2}, {SetOpened{{TopicId{1}, PartitionIndex{0}}}}};
  CHECK(store->apply({&opened, 1}));
}

TEST_CASE("broker.db: one that a person has locked is waited for, and nothing is lost",
          "[integration][broker]") {
  Fixture f;
  auto store = f.open();
  REQUIRE(store->begin_term(Restored::no));
  sqlite::Database shell = f.person();
  REQUIRE(shell.exec("BEGIN IMMEDIATE"));
  const MetaWrite write = Fixture::make_topic();
  const auto refused = store->apply({&write, 1});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::storage_full);  // Did not happen; may be tried again.
  CHECK(refused.error().detail.find("locked by another process") != std::string::npos);
  REQUIRE(shell.exec("ROLLBACK"));
  CHECK(store->apply({&write, 1}));
  CHECK(*shell.query_int("SELECT count(*) FROM topics") == 1);
}

TEST_CASE("broker.db: a second broker on one folder is refused", "[integration][broker]") {
  Fixture f;
  auto store = f.open();
  const auto second = f.try_open();
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::io_failed);
  CHECK(second.error().detail.find("another broker runs on data_dir") != std::string::npos);
  store.reset();
  CHECK(f.try_open());
}

TEST_CASE("broker.db: somebody else's database is refused and left alone",
          "[integration][broker]") {
  Fixture f;
  std::filesystem::create_directories(f.folder());
  {
    sqlite::Database other = f.person(sqlite::OpenMode::create);
    REQUIRE(other.exec("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')"));
  }
  const auto store = f.try_open();
  REQUIRE_FALSE(store);
  CHECK(store.error().code == Errc::file_corrupt);
  CHECK(store.error().detail.find("not a leader broker's") != std::string::npos);
  sqlite::Database other = f.person();
  CHECK(*other.query_text("SELECT name FROM recipes") == "soup");
}

TEST_CASE("broker.db: what is no database is refused", "[integration][broker]") {
  Fixture f;
  std::filesystem::create_directories(f.folder());
  std::ofstream(f.path()) << std::string(10'000, 'x');
  const auto store = f.try_open();
  REQUIRE_FALSE(store);
  CHECK(store.error().code == Errc::file_corrupt);
  CHECK(store.error().detail.find(f.path()) != std::string::npos);
}

TEST_CASE("broker.db: a newer Pinion's is refused", "[integration][broker]") {
  Fixture f;
  f.make();
  REQUIRE(f.person().exec("PRAGMA user_version = 99"));
  const auto store = f.try_open();
  REQUIRE_FALSE(store);
  CHECK(store.error().code == Errc::file_corrupt);
  CHECK(store.error().detail.find("99") != std::string::npos);
}

TEST_CASE("broker.db: a damaged page is found at the start", "[integration][broker]") {
  Fixture f;
  f.make();
  {
    std::fstream file(f.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(3'000, '\x5a');
  }
  auto store = f.try_open();
  if (!store) {
    CHECK(store.error().code == Errc::file_corrupt);
    return;
  }
  const auto state = (*store)->begin_term(Restored::no);
  REQUIRE_FALSE(state);
  CHECK(state.error().code == Errc::file_corrupt);
}

TEST_CASE("broker.db: rows that a person took away are missed at the start",
          "[integration][broker]") {
  Fixture f;
  f.make();
  REQUIRE(f.person().exec("DELETE FROM partitions"));
  auto store = f.open();
  const auto state = store->begin_term(Restored::no);
  REQUIRE_FALSE(state);
  CHECK(state.error().code == Errc::file_corrupt);
  CHECK(state.error().detail.find("orders") != std::string::npos);
}

TEST_CASE("broker.db: one that was lost or emptied is missed, and not begun anew",
          "[integration][broker]") {
  const Fixture fixture;
  fixture.make();
  const bool emptied = GENERATE(false, true);
  if (emptied) {
    std::filesystem::resize_file(fixture.path(), 0);
    std::ofstream(fixture.path() + "-wal") << "what can still be saved";
  } else {
    std::filesystem::remove(fixture.path());
  }
  for (int again = 0; again < 2; ++again) {
    const auto store = fixture.try_open();
    REQUIRE_FALSE(store);
    CHECK(store.error().code == Errc::file_corrupt);
    CHECK(store.error().detail.find("remove broker.lock") != std::string::npos);
  }
  if (emptied) {
    CHECK(std::filesystem::file_size(fixture.path() + "-wal") == 23);
    std::filesystem::remove(fixture.path() + "-wal");
  }
  // As the words say.
  std::filesystem::remove(fixture.folder() + "/broker.lock");
  fixture.make();
}

TEST_CASE("broker.db: a folder that cannot be made is said", "[integration][broker]") {
  const auto store = SqliteMetaStore::open({.data_dir = "/proc/no/such/place", .vfs = {}});
  REQUIRE_FALSE(store);
  CHECK(store.error().code == Errc::io_failed);
  CHECK(store.error().detail.find("/proc/no/such/place") != std::string::npos);
}
