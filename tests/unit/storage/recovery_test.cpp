// Each check of "Opening a file" in docs/STORAGE.md, by a file that fails just that one.
#include "common/base/limits.hpp"
#include "common/sqlite/database.hpp"
#include "partition/storage/sqlite_record_store.hpp"
#include "partition/storage/verify.hpp"
#include "partition/storage/wal_watch.hpp"
#include "tests/support/store_builders.hpp"

#include <catch2/catch.hpp>

#include <fstream>

namespace pinion::storage {
namespace {

using test::BatchMaker;
using test::orders;
using test::StoreFolder;
using test::Tickets;

/// A file of five batches, closed in order, then changed behind the store's back.
struct Tampered {
  StoreFolder folder{"/dev/shm"};
  std::string path = folder.path() + "/orders/orders-0.db";

  explicit Tampered(const std::string& sql) {
    {
      auto store = start();
      auto opened = store->open(orders(), IfMissing::create);
      REQUIRE(opened);
      BatchMaker maker;
      Tickets ticket;
      std::vector<Persist> group{ticket.epoch(1, Offset(0))};
      for (int i = 0; i < 5; ++i) group.push_back(ticket.append(maker.make(10)));
      REQUIRE(opened->log->apply(group));
      REQUIRE(opened->log->apply(std::vector<Persist>{ticket.high_watermark(Offset(30))}));
      REQUIRE(opened->log->close());
    }
    auto database = sqlite::Database::open(path, {});
    REQUIRE(database);
    REQUIRE(database->exec(sql));
  }

  [[nodiscard]] std::unique_ptr<SqliteRecordStore> start() const {
    SqliteRecordStoreOptions options;
    options.data_dir = folder.path();
    options.low_space_bytes = 0;
    options.reserve_bytes = 0;
    return std::move(*SqliteRecordStore::open(options));
  }
  [[nodiscard]] Result<OpenedLog> open() const { return start()->open(orders(), IfMissing::fail); }
  [[nodiscard]] VerifyReport verify() const {
    auto report = verify_file(path);
    REQUIRE(report);
    return std::move(*report);
  }
};

struct Case {
  const char* sql;
  const char* found;  ///< In the reason for setting it aside; empty: only verify finds it.
};

}  // namespace

TEST_CASE("storage: a file that was changed behind the store's back is found", "[storage]") {
  const Case cases[] = {
      {"UPDATE meta SET value = 'cluster-b' WHERE name = 'cluster_id'", "belongs to cluster"},
      {"UPDATE meta SET value = 2 WHERE name = 'topic_id'",
       "it is partition 0 of topic orders (id 2)"},
      {"UPDATE meta SET value = 1 WHERE name = 'partition'", "it is partition 1"},
      {"UPDATE meta SET value = 'x' WHERE name = 'file_id'", "another file"},
      {"DELETE FROM meta WHERE name = 'log_start'", "meta has no number log_start"},
      {"UPDATE meta SET value = 'x' WHERE name = 'log_start'", "meta has no number log_start"},
      {"UPDATE meta SET value = 51 WHERE name = 'high_watermark'", "high watermark 51"},
      {"UPDATE meta SET value = 60 WHERE name = 'snapshot_offset'", "snapshot at 60"},
      {"DELETE FROM messages WHERE offset = 49", "the records end at 49"},
      {"DELETE FROM messages WHERE offset = 0", "the records begin at 1"},
      {"INSERT INTO messages VALUES(50, 1, NULL, NULL, x'00')", "the records end at 51"},
      {"DELETE FROM batches WHERE base_offset = 40", "the records end at 50"},
      {"DELETE FROM batches WHERE base_offset = 0", "no batch begins at the log's start"},
      {"UPDATE meta SET value = 5 WHERE name = 'log_start'", "no batch begins at the log's start"},
      {"DELETE FROM messages; DELETE FROM batches", "the high watermark 30 is past"},
      {"DELETE FROM messages; DELETE FROM batches;"
       "UPDATE meta SET value = 0 WHERE name IN ('high_watermark', 'snapshot_offset')",
       "an older copy was put back"},
      {"DELETE FROM epochs", "but it had reached"},
      {"UPDATE epochs SET start_offset = 60", "epoch 1 cannot start at 60"},
      {"UPDATE epochs SET leader_epoch = 2", "the epochs do not know epoch 1"},
      {"UPDATE batches SET last_offset = 2000000 WHERE base_offset = 40", "cannot be"},
      {"UPDATE producers SET batches = '[[1]]'", "remembered batches cannot be read"},
      {"DROP TABLE batches", "no such table"},
      {"DROP TABLE meta", "no such table"},
      // Within what an ordinary start looks at, unless the mark is missing.
      {"UPDATE meta SET value = 0 WHERE name = 'clean';"
       "UPDATE messages SET value = 'x' WHERE offset = 44",
       "batch 40 to 49"},
      {"UPDATE meta SET value = 0 WHERE name = 'clean'; DELETE FROM messages WHERE offset = 44",
       "is missing a record, at 44"},
      {"UPDATE meta SET value = 0 WHERE name = 'clean';"
       "UPDATE batches SET crc32c = 1 WHERE base_offset = 40",
       "another checksum"},
      {"UPDATE meta SET value = 0 WHERE name = 'clean';"
       "UPDATE batches SET append_time = 0 WHERE base_offset = 40",
       "log time goes back"},
      {"UPDATE messages SET value = 'x' WHERE offset = 4", ""},
      {"UPDATE messages SET timestamp = 4 WHERE offset = 4", ""},
      {"UPDATE messages SET key = x'' WHERE offset = 4", ""},
      {"UPDATE messages SET headers = '' WHERE offset = 4", ""},
      {"DELETE FROM messages WHERE offset = 4", ""},
      {"DELETE FROM batches WHERE base_offset = 20", ""},
      {"UPDATE batches SET crc32c = crc32c + 1 WHERE base_offset = 20", ""},
      {"UPDATE batches SET payload_bytes = payload_bytes + 1 WHERE base_offset = 20", ""},
      {"UPDATE batches SET leader_epoch = 5 WHERE base_offset = 20", ""},
      {"UPDATE batches SET append_time = 0 WHERE base_offset = 20", ""},
      {"UPDATE batches SET base_sequence = 5 WHERE base_offset = 20", ""},
      {"UPDATE batches SET last_offset = last_offset + 5 WHERE base_offset = 20", ""},
      {"UPDATE batches SET last_offset = 1 WHERE base_offset = 20", ""},
      {"UPDATE meta SET value = 1 WHERE name = 'snapshot_bytes'", ""},
      {"INSERT INTO consumer_offsets VALUES('consumer:a', -3, 1, 1, '', 0, 0, 0)", ""},
      {"DELETE FROM meta WHERE name = 'last_log_time'", "meta has no number last_log_time"},
      {"DELETE FROM meta WHERE name = 'created_at'", ""},
      {"UPDATE meta SET value = 'soon' WHERE name = 'created_at'", ""},
      {"INSERT INTO meta VALUES('comment', 'mine')", ""},
      {"UPDATE meta SET value = 7 WHERE name = 'clean'", ""},
      // The snapshot is at 30.
      {"DELETE FROM producers", ""},
      {"UPDATE producers SET producer_epoch = 99", ""},
      {"UPDATE producers SET producer_id = 8", ""},
      {"UPDATE producers SET last_seen = last_seen - 1", ""},
      {"UPDATE producers SET batches = '[]'", ""},
      {"UPDATE producers SET batches = replace(batches, '[10,10,10,', '[11,10,10,')", ""},
      {"UPDATE batches SET producer_id = 8 WHERE base_offset = 20", ""},
      {"UPDATE batches SET producer_id = -8 WHERE base_offset = 40", ""},
      {"UPDATE batches SET producer_epoch = 1 WHERE base_offset = 20", ""},
      {"UPDATE batches SET producer_epoch = -1 WHERE base_offset = 40", ""},
      {"UPDATE batches SET base_sequence = -1 WHERE base_offset = 0", ""},
      {"INSERT INTO producers VALUES(9, 0, 1000000, '[[0,10,10,1000010]]')", ""},
      {"INSERT INTO consumer_offsets VALUES('consumer:a', 'abc', 1, 1, '', 0, 0, 0)", ""},
      {"INSERT INTO consumer_offsets VALUES('consumer:a', 1.5, 1, 1, '', 0, 0, 0)", ""},
      {"INSERT INTO consumer_offsets VALUES('consumer:a', 9, 1, 1, x'00', 0, 0, 0)", ""},
      {"INSERT INTO consumer_offsets VALUES('nobody', 9, 1, 1, '', 0, 0, 0)", ""},
      {"INSERT INTO consumer_offsets VALUES(char(10) || 'x', 0, 0, 1, 't' || char(10) ||"
       " 'group:g', 0, 0, 0)",
       ""},
      {"INSERT INTO consumer_offsets VALUES(char(10) || '65536', 0, 0, 1, 't' || char(10) ||"
       " 'group:g', 0, 0, 0)",
       ""},
      {"INSERT INTO consumer_offsets VALUES(char(10) || '1', 0, 0, 1, 'rubbish', 0, 0, 0)", ""},
      {"UPDATE messages SET timestamp = timestamp + 0.5 WHERE offset = 4", ""},
      {"UPDATE messages SET value = CAST(value AS TEXT) WHERE offset = 4", ""},
  };
  for (const Case& tampering : cases) {
    CAPTURE(tampering.sql);
    const Tampered file(tampering.sql);
    const VerifyReport report = file.verify();
    // What identifies a file is compared with what the node knows; the file alone cannot tell.
    const bool only_identity = std::string(tampering.sql).find("_id'") != std::string::npos ||
                               std::string(tampering.sql).find("'partition'") != std::string::npos;
    if (!only_identity) CHECK_FALSE(report.ok());
    const auto opened = file.open();
    if (std::string(tampering.found).empty()) {
      CHECK(opened);
      continue;
    }
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::file_corrupt);
    INFO(opened.error().detail);
    CHECK(opened.error().detail.find(tampering.found) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(file.path));
  }
}

TEST_CASE("storage: a file of a newer schema is left where it is", "[storage]") {
  const Tampered file("UPDATE meta SET value = 2 WHERE name = 'schema_version'");
  const auto opened = file.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code != Errc::file_corrupt);
  CHECK(opened.error().detail.find("newer version") != std::string::npos);
  CHECK(std::filesystem::exists(file.path));
}

TEST_CASE("storage: a whole file is found whole, and counted", "[storage]") {
  const Tampered file(
      "INSERT INTO consumer_offsets VALUES('group:g', 9, 1, 1, 'w-2', 8, 0, 0);"
      "INSERT INTO consumer_offsets VALUES(char(10) || '0', 0, 0, 2, 'w-1' || char(10) ||"
      " 'group:g', 7, 0, 0)");
  const VerifyReport report = file.verify();
  CHECK(report.problems == std::vector<std::string>());
  CHECK(report.ok());
  CHECK(report.records == 50);
  CHECK(report.batches == 5);
  CHECK(report.epochs == 1);
  CHECK(report.positions == 1);
  CHECK(report.producers == 1);
  CHECK(report.log_end == Offset(50));
  CHECK(report.high_watermark == Offset(30));
  CHECK(report.topic_name == "orders");
  CHECK(report.partition == 0);
  CHECK(report.clean);
  CHECK(file.open());
}

TEST_CASE("storage: a replica that has a position before it has the records is whole",
          "[storage]") {
  // It catches up: its leader's positions come with the first answer.
  const Tampered file(
      "INSERT INTO consumer_offsets VALUES('consumer:a', 900000, 1, 1, '', 0, 0, 0)");
  CHECK(file.verify().ok());
}

TEST_CASE("storage: verify survives what is no partition file at all", "[storage]") {
  const StoreFolder folder("/dev/shm");
  const std::string path = folder.path() + "/x.db";
  CHECK(verify_file(path).error().code == Errc::io_failed);
  const auto finds_problems = [&] {
    const auto report = verify_file(path);
    return !report || !report->ok();
  };
  std::ofstream(path) << "";
  CHECK(finds_problems());
  std::ofstream(path) << "text";
  CHECK(finds_problems());
  std::ofstream(path) << std::string(100'000, '\xff');
  CHECK(finds_problems());
  std::filesystem::remove(path);
  {
    sqlite::OpenOptions options;
    options.mode = sqlite::OpenMode::create;
    auto other = sqlite::Database::open(path, options);
    REQUIRE(other->exec("CREATE TABLE meta(name, value); CREATE TABLE messages(a)"));
  }
  CHECK(finds_problems());
}

TEST_CASE("storage: verify gives up when it is told to", "[storage]") {
  const Tampered file("SELECT 1");
  VerifyOptions options;
  options.problems_max = 1;
  options.progress = [](std::int64_t, std::int64_t) { return false; };
  // Too short a file to be asked.
  CHECK(verify_file(file.path, options));
}

TEST_CASE("storage: verify survives every page being overwritten", "[storage]") {
  const Tampered file("SELECT 1");
  std::ifstream in(file.path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  Prng prng(3);
  constexpr std::size_t page = limits::partition_page_bytes;
  for (std::size_t at = 0; at < whole.size(); at += page) {
    std::string broken = whole;
    for (std::size_t i = 0; i < page; ++i) {
      if (prng.chance(1, 4)) broken[at + i] = static_cast<char>(prng.between(0, 255));
    }
    std::ofstream(file.path, std::ios::binary | std::ios::trunc) << broken;
    CAPTURE(at, whole.size());
    const auto report = verify_file(file.path);
    CHECK((!report || !report->ok()));
  }
  for (const std::size_t size : {std::size_t{1}, page - 1, page, 2 * page, whole.size() - 1}) {
    std::ofstream(file.path, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    CAPTURE(size, whole.size());
    const auto report = verify_file(file.path);
    CHECK((!report || !report->ok()));
  }
}

TEST_CASE("storage: a write-ahead log that is no such thing is not damage", "[storage]") {
  const StoreFolder folder("/dev/shm");
  const std::string path = folder.path() + "/x.db-wal";
  CHECK(check_wal(path));
  std::ofstream(path) << "short";
  CHECK(check_wal(path));
  std::ofstream(path) << std::string(100'000, 'x');
  CHECK(check_wal(path));
}

}  // namespace pinion::storage
