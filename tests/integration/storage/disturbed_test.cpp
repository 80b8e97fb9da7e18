// The real store while others meddle: another process reads or writes the file, somebody damages or
// replaces it, the disk is small.
#include "tests/integration/storage/disturbed_disk.hpp"

#include <thread>

namespace pinion::test {

TEST_CASE("storage: a reader in another process never stops a commit; it is named; the cap holds",
          "[storage]") {
  Disk disk;
  disk.options.wal_bytes_max = 4 * limits::mib;
  disk.begin();
  REQUIRE(disk.append(100));
  {
    OtherProcess person(disk.path(), "BEGIN; SELECT count(*) FROM messages WHERE 0");
    int commits = 0;
    Result<void> done;
    while ((done = disk.append(1000)) && ++commits < 1000) REQUIRE(disk.maintain(10ms));
    CHECK(commits > 10);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::storage_full);
    CHECK(done.error().detail.find(person.id()) != std::string::npos);
    REQUIRE(disk.maintain());
    REQUIRE(disk.maintain());
    CHECK(disk.opened.log->sizes().warning.find("sqlite3 " + person.id()) != std::string::npos);
    CHECK(disk.opened.log->sizes().wal_bytes >= 4 * limits::mib);
    // Everything is there to be read meanwhile.
    const auto batches = disk.reader->read(Offset(0), disk.maker.next, 1);
    REQUIRE(batches);
    REQUIRE_FALSE(disk.append(1000));
  }
  // The transaction ended: writing goes on, and the log shrinks.
  REQUIRE(disk.append(1000));
  REQUIRE(disk.maintain());
  REQUIRE(disk.maintain());
  CHECK(disk.opened.log->sizes().warning.empty());
  disk.close();
  check_whole(disk.path());
}

TEST_CASE("storage: the cap holds, and the holder is named, while another process checkpoints",
          "[storage]") {
  Disk disk;
  disk.options.wal_bytes_max = 4 * limits::mib;
  disk.begin();
  REQUIRE(disk.append(100));
  {
    OtherCheckpoint other(disk.path());
    int commits = 0;
    Result<void> done;
    while (commits < 1000 && (done = disk.append(1000))) {
      ++commits;
      REQUIRE(disk.maintain(10ms));
    }
    CHECK(commits > 10);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::storage_full);
    CHECK(done.error().detail.find("checkpoint lock") != std::string::npos);
    CHECK(done.error().detail.find(other.id()) != std::string::npos);
    REQUIRE(disk.maintain());
    REQUIRE(disk.maintain());
    CHECK(disk.opened.log->sizes().warning.find(other.id()) != std::string::npos);
    CHECK(disk.opened.log->sizes().wal_bytes < 6 * limits::mib);
    REQUIRE_FALSE(disk.append(1000));
  }
  REQUIRE(disk.append(1000));
  REQUIRE(disk.maintain());
  REQUIRE(disk.maintain());
  CHECK(disk.opened.log->sizes().warning.empty());
  disk.close();
  check_whole(disk.path());
}

TEST_CASE("storage: a write by another process halts the log", "[storage]") {
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  { OtherProcess person(disk.path(), "UPDATE meta SET value = 'mine' WHERE name = 'topic'"); }
  const Result<void> done = disk.append(10);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::storage_failed);
  CHECK(done.error().detail.find("another process") != std::string::npos);
  disk.end();
}

TEST_CASE("storage: a checkpoint by another process is no write, whatever kind it is",
          "[storage]") {
  const std::string kind = GENERATE("PASSIVE", "FULL", "RESTART", "TRUNCATE");
  const bool is_quiet = GENERATE(false, true);
  CAPTURE(kind, is_quiet);
  Disk disk;
  disk.begin();
  for (int round = 0; round < 3; ++round) {
    REQUIRE(disk.append(10));
    REQUIRE(disk.maintain());
    { OtherProcess person(disk.path(), "PRAGMA wal_checkpoint(" + kind + ")"); }
    if (is_quiet) REQUIRE(disk.maintain());
    REQUIRE(disk.append(10));
    REQUIRE(disk.maintain());
  }
  CHECK(disk.reader->read(Offset(0), Offset(60), 1));
  disk.close();
  check_whole(disk.path());
}

TEST_CASE("storage: a write by another process is seen behind its checkpoint", "[storage]") {
  const bool is_before = GENERATE(false, true);
  const bool is_quiet = GENERATE(false, true);
  CAPTURE(is_before, is_quiet);
  const std::string checkpoint = "PRAGMA wal_checkpoint(TRUNCATE);";
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  REQUIRE(disk.maintain());
  {
    // In place: nothing of it shows in the file's first page.
    OtherProcess person(disk.path(), (is_before ? checkpoint : std::string()) +
                                         "UPDATE messages SET value = 'forged' WHERE offset = 3;" +
                                         checkpoint);
  }
  const Result<void> done = is_quiet ? Result<void>() : disk.append(10);
  const Result<Micros> looked = is_quiet ? disk.maintain() : Result<Micros>(Micros(0));
  CHECK_FALSE((done.has_value() && looked.has_value()));
  const Error& error = done ? looked.error() : done.error();
  CHECK(error.code == Errc::storage_failed);
  CHECK(error.detail.find("another process") != std::string::npos);
  disk.end();
}

TEST_CASE("storage: a quiet log notices a write by another process", "[storage]") {
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  REQUIRE(disk.maintain());
  { OtherProcess person(disk.path(), "DELETE FROM messages WHERE offset = 3"); }
  const auto next = disk.maintain();
  REQUIRE_FALSE(next);
  CHECK(next.error().code == Errc::storage_failed);
  disk.end();
}

TEST_CASE("storage: a file that is closed because idle is recognised when it is used again",
          "[storage]") {
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  REQUIRE(disk.reader->read(Offset(0), Offset(10), 1));
  REQUIRE(disk.maintain());
  REQUIRE(disk.maintain(61s));
  CHECK(disk.store->open_files() == 0);
  CHECK_FALSE(std::filesystem::exists(disk.path() + "-wal"));
  SECTION("unchanged, it goes on, and its reader does") {
    CHECK(disk.reader->read(Offset(0), Offset(10), 1));
    REQUIRE(disk.append(10));
    CHECK(disk.store->open_files() == 1);
    CHECK(disk.reader->read(Offset(10), Offset(20), 1));
    disk.close();
    check_whole(disk.path());
  }
  SECTION("read by a person meanwhile, it goes on") {
    { OtherProcess person(disk.path(), "SELECT count(*) FROM readable"); }
    REQUIRE(disk.append(10));
    disk.close();
    check_whole(disk.path());
  }
  SECTION("changed by a person meanwhile, it halts") {
    { OtherProcess person(disk.path(), "UPDATE messages SET value = 'x' WHERE offset = 1"); }
    const Result<void> done = disk.append(10);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::storage_failed);
    disk.end();
  }
  SECTION("touched meanwhile, it halts too, and says what to do") {
    std::filesystem::last_write_time(disk.path(), std::filesystem::file_time_type::clock::now());
    const Result<void> done = disk.append(10);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::storage_failed);
    CHECK(done.error().detail.find("`pinion verify`, and restart the node") != std::string::npos);
    disk.end();
    disk.start();
    CHECK(disk.open(IfMissing::fail));
    disk.end();
  }
  SECTION("it was marked as closed in order") {
    disk.end();
    disk.start();
    REQUIRE(disk.open(IfMissing::fail));
    CHECK(disk.opened.recovered.clean);
    disk.end();
  }
}

TEST_CASE("storage: another process that holds the write lock only delays", "[storage]") {
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  {
    OtherProcess person(disk.path(), "BEGIN IMMEDIATE");
    const Result<void> done = disk.append(10);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::storage_full);
    CHECK(done.error().detail.find("write lock") != std::string::npos);
  }
  CHECK(disk.append(10));
  disk.close();
  check_whole(disk.path());
}

TEST_CASE("storage: an older copy from between two checkpoints is found, a second after",
          "[storage]") {
  Disk disk;
  disk.options.checkpoint_record_bytes = 64 * limits::mib;
  disk.options.checkpoint_wal_bytes = 4 * disk.options.checkpoint_record_bytes;
  disk.begin();
  REQUIRE(disk.append(10));
  const std::string wal = disk.path() + "-wal";
  const std::string copy = disk.folder.path() + "/copy";
  std::filesystem::copy_file(disk.path(), copy);
  std::filesystem::copy_file(wal, copy + "-wal");
  REQUIRE(disk.append(10));
  REQUIRE(disk.maintain());
  REQUIRE(disk.maintain());
  disk.end();  // As kill -9 leaves it.
  const auto over = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(copy, disk.path(), over);
  std::filesystem::copy_file(copy + "-wal", wal, over);
  disk.start();
  const Result<void> done = disk.open(IfMissing::fail);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::file_corrupt);
}

TEST_CASE("storage: a second process cannot use the same data folder", "[storage]") {
  Disk disk;
  disk.start();
  const auto second = SqliteRecordStore::open(disk.options);
  REQUIRE_FALSE(second);
  CHECK(second.error().detail.find("in use by another process") != std::string::npos);
}

TEST_CASE("storage: an older copy of a file that is put back is set aside", "[storage]") {
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  disk.close();
  const std::string copy = disk.folder.path() + "/copy.db";
  std::filesystem::copy_file(disk.path(), copy);
  disk.start();
  REQUIRE(disk.open(IfMissing::fail));
  REQUIRE(disk.append(10));
  disk.close();
  std::filesystem::copy_file(copy, disk.path(), std::filesystem::copy_options::overwrite_existing);
  disk.start();
  const Result<void> done = disk.open(IfMissing::fail);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::file_corrupt);
  CHECK(done.error().detail.find("an older copy was put back") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(disk.path()));
  // It is kept, with a word about why.
  int kept = 0;
  int explained = 0;
  for (const auto& entry : std::filesystem::directory_iterator(disk.folder.path() + "/set-aside")) {
    if (entry.path().extension() == ".db") ++kept;
    if (entry.path().extension() == ".txt") ++explained;
  }
  CHECK(kept == 1);
  CHECK(explained == 1);
}

/// The file that `disk` had is not taken for its own: it is set aside, and the reason names `why`.
void check_set_aside(Disk& disk, const std::string& why) {
  disk.start();
  const Result<void> done = disk.open(IfMissing::fail);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::file_corrupt);
  INFO(done.error().detail);
  CHECK(done.error().detail.find(why) != std::string::npos);
  CHECK(done.error().detail.find("set-aside") != std::string::npos);
}

TEST_CASE("storage: emptied, swapped and foreign files are set aside", "[storage]") {
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  disk.close();
  SECTION("emptied") {
    std::filesystem::resize_file(disk.path(), 0);
    check_set_aside(disk, "emptied");
  }
  SECTION("overwritten with something else") {
    std::ofstream(disk.path(), std::ios::trunc) << std::string(50'000, 'x');
    check_set_aside(disk, "not a database");
  }
  SECTION("another partition's") {
    disk.start();
    auto other = disk.store->open(orders(1), IfMissing::create);
    REQUIRE(other);
    REQUIRE(other->log->close());
    other->log.reset();
    disk.end();
    std::filesystem::rename(disk.folder.path() + "/orders/orders-1.db", disk.path());
    check_set_aside(disk, "it is partition 1 of topic orders");
  }
  SECTION("another file of the same partition") {
    Disk twin;
    twin.begin();
    REQUIRE(twin.append(50));
    twin.close();
    std::filesystem::copy_file(twin.path(), disk.path(),
                               std::filesystem::copy_options::overwrite_existing);
    check_set_aside(disk, "it is another file than the one this node made");
  }
  SECTION("of a node whose own memory is gone") {
    std::filesystem::remove(disk.folder.path() + "/node.db");
    check_set_aside(disk, "no memory");
  }
}

TEST_CASE("storage: a bit that flips in a record's bytes is found by verify", "[storage]") {
  Disk disk;
  disk.begin();
  for (int i = 0; i < 20; ++i) REQUIRE(disk.append(1000, 100));
  disk.close();
  check_whole(disk.path());
  Prng prng(5);
  const std::uint64_t size = std::filesystem::file_size(disk.path());
  int found = 0;
  constexpr int flips = 60;
  for (int i = 0; i < flips; ++i) {
    const std::uint64_t byte = prng.below(size);
    const int bit = static_cast<int>(prng.below(8));
    flip_bit(disk.path(), byte, bit);
    const auto report = storage::verify_file(disk.path());
    // A file that cannot be opened at all is found too.
    if (!report || !report->ok()) ++found;
    flip_bit(disk.path(), byte, bit);
  }
  // What is not found hit free space in a page.
  CHECK(found > flips * 3 / 4);
  check_whole(disk.path());
}

TEST_CASE("storage: a record that was tampered with is not served", "[storage]") {
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  disk.close();
  {
    auto database = Database::open(disk.path(), {});
    REQUIRE(database);
    REQUIRE(database->exec("UPDATE messages SET value = 'forged' WHERE offset = 4"));
  }
  disk.start();
  REQUIRE(disk.open(IfMissing::fail));
  const auto batches = disk.reader->read(Offset(0), Offset(10), 1);
  REQUIRE_FALSE(batches);
  CHECK(batches.error().code == Errc::file_corrupt);
  disk.end();
  const auto report = storage::verify_file(disk.path());
  REQUIRE(report);
  CHECK_FALSE(report->ok());
}

TEST_CASE("storage: a file in which a read found damage is not opened again", "[storage]") {
  const bool restarts = GENERATE(false, true);
  const bool queries = GENERATE(false, true);
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  disk.close();
  {
    auto database = Database::open(disk.path(), {});
    REQUIRE(database);
    // For a query it must be a page: it checks no sums.
    REQUIRE(database->exec(queries ? "SELECT 1"
                                   : "UPDATE messages SET value = 'forged' WHERE offset = 4"));
  }
  disk.start();
  REQUIRE(disk.open(IfMissing::fail));
  if (queries) {
    const std::uint64_t size = std::filesystem::file_size(disk.path());
    for (std::uint64_t page = limits::partition_page_bytes; page < size;
         page += limits::partition_page_bytes) {
      flip_bit(disk.path(), page, 7);  // What kind of page it is.
    }
    QueryBounds bounds;
    bounds.end = Offset(10);
    bounds.rows_max = 100;
    bounds.time_max = 10s;
    const auto reply = disk.reader->query("SELECT * FROM messages", bounds);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == Errc::file_corrupt);
  } else {
    const auto batches = disk.reader->read(Offset(0), Offset(10), 1);
    REQUIRE_FALSE(batches);
    CHECK(batches.error().code == Errc::file_corrupt);
  }
  disk.reader.reset();
  disk.opened = {};
  if (restarts) {
    disk.end();
    disk.start();
  }
  const Result<void> again = disk.open(IfMissing::fail);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::file_corrupt);
  CHECK(again.error().detail.find("set aside as ") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(disk.path()));
  // Given up, it begins again; and that one is trusted.
  REQUIRE(disk.open(IfMissing::begin_again));
  CHECK(disk.opened.recovered.log_end == Offset(0));
  disk.close();
  disk.start();
  CHECK(disk.open(IfMissing::fail));
  disk.end();
}

TEST_CASE("storage: damage behind the last checkpoint is found before the file serves",
          "[storage]") {
  Disk disk;
  disk.options.checkpoint_record_bytes = 64 * limits::mib;
  disk.options.checkpoint_wal_bytes = 4 * disk.options.checkpoint_record_bytes;
  disk.begin();
  for (int i = 0; i < 6; ++i) REQUIRE(disk.append(100));
  const std::string wal = disk.path() + "-wal";
  const std::string copy = disk.folder.path() + "/wal";
  // As after kill -9: the log is copied while it is open, then put back.
  std::filesystem::copy_file(wal, copy);
  std::filesystem::copy_file(disk.path(), disk.folder.path() + "/db");
  disk.end();
  SECTION("a flipped bit in a commit that others followed") {
    flip_bit(copy, std::filesystem::file_size(copy) / 2, 3);
    std::filesystem::copy_file(copy, wal, std::filesystem::copy_options::overwrite_existing);
    disk.start();
    const Result<void> done = disk.open(IfMissing::fail);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::file_corrupt);
    CHECK(done.error().detail.find("write-ahead log is damaged") != std::string::npos);
  }
  SECTION("but an end that was cut off is only what a crash leaves") {
    std::filesystem::resize_file(copy, std::filesystem::file_size(copy) - 10'000);
    std::filesystem::copy_file(copy, wal, std::filesystem::copy_options::overwrite_existing);
    disk.start();
    REQUIRE(disk.open(IfMissing::fail));
    CHECK(disk.opened.recovered.log_end == Offset(500));
    disk.end();
    check_whole(disk.path());
  }
}

TEST_CASE("storage: a new topic's file waits until that of a deleted one of its name is gone",
          "[storage]") {
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  disk.close();
  disk.start();
  const auto early = disk.store->open(orders(0, 2), IfMissing::create);
  REQUIRE_FALSE(early);
  CHECK(early.error().code == Errc::throttled);
  REQUIRE(disk.store->remove_topic(TopicId(1)));
  auto opened = disk.store->open(orders(0, 2), IfMissing::create);
  REQUIRE(opened);
  CHECK(opened->recovered.log_end == Offset(0));
  REQUIRE(opened->log->close());
  opened->log.reset();
  // A removal that is asked for again does not take the new one's file.
  REQUIRE(disk.store->remove_topic(TopicId(1)));
  CHECK(disk.store->open(orders(0, 2), IfMissing::fail));
}

TEST_CASE("storage: below the mark of free space only retention is written", "[storage]") {
  Disk disk;
  disk.begin();
  for (int i = 0; i < 5; ++i) REQUIRE(disk.append(100));
  disk.close();
  disk.options.low_space_bytes = std::uint64_t{1} << 60;
  disk.start();
  REQUIRE(disk.open(IfMissing::fail));
  const Result<void> done = disk.append(1);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::storage_full);
  CHECK(disk.apply({disk.ticket.drop_before(Offset(200)), disk.ticket.epoch(2, Offset(500))}));
  REQUIRE(disk.maintain());
  CHECK(disk.opened.log->sizes().payload_bytes > 0);
  disk.close();
  check_whole(disk.path());
}

TEST_CASE("storage: many files stay within the number that may be open", "[storage]") {
  Disk disk;
  disk.options.open_files_max = 20;
  disk.start();
  std::vector<std::unique_ptr<PartitionLog>> logs;
  Tickets ticket;
  for (std::int32_t i = 0; i < 60; ++i) {
    auto opened = disk.store->open(orders(i), IfMissing::create);
    REQUIRE(opened);
    REQUIRE(opened->log->apply(std::vector<Persist>{ticket.epoch(1, Offset(0))}));
    logs.push_back(std::move(opened->log));
  }
  Micros clock(0);
  for (int round = 0; round < 3; ++round) {
    clock += 2s;
    for (auto& log : logs) REQUIRE(log->maintain({clock, clock}));
  }
  CHECK(disk.store->open_files() <= 20);
  for (auto& log : logs) {
    BatchMaker maker;
    REQUIRE(log->apply(std::vector<Persist>{ticket.append(maker.make(3))}));
    REQUIRE(log->close());
  }
  CHECK(disk.store->open_files() == 0);
}

TEST_CASE("storage: files are opened from several threads at once", "[storage]") {
  Disk disk;
  disk.start();
  std::vector<std::thread> threads;
  std::vector<int> failures(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Tickets ticket;
      for (std::int32_t i = 0; i < 10; ++i) {
        auto opened = disk.store->open(orders(10 * t + i), IfMissing::create);
        BatchMaker maker;
        if (!opened ||
            !opened->log->apply(
                std::vector<Persist>{ticket.epoch(1, Offset(0)), ticket.append(maker.make(5))}) ||
            !opened->log->close()) {
          ++failures[static_cast<std::size_t>(t)];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == std::vector<int>(4, 0));
}

}  // namespace pinion::test
