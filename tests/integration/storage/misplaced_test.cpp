// The real store while its files are deleted, emptied or replaced under it.
#include "tests/integration/storage/disturbed_disk.hpp"

namespace pinion::test {

TEST_CASE("storage: nothing is acknowledged into a file that was deleted, emptied or replaced",
          "[storage]") {
  enum class Done { deleted, emptied, replaced };
  // That its log is emptied is what SQLite itself does.
  const auto [done, which] = GENERATE(table<Done, std::string>({{Done::deleted, ""},
                                                                {Done::deleted, "-wal"},
                                                                {Done::emptied, ""},
                                                                {Done::replaced, ""},
                                                                {Done::replaced, "-wal"}}));
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  REQUIRE(disk.maintain());
  const std::string path = disk.path() + which;
  if (done == Done::deleted) std::filesystem::remove(path);
  if (done == Done::emptied) std::filesystem::resize_file(path, 0);
  if (done == Done::replaced) {
    std::filesystem::copy_file(path, path + ".copy");
    std::filesystem::rename(path + ".copy", path);
  }
  const Result<void> appended = disk.append(10);
  REQUIRE_FALSE(appended);
  CHECK(appended.error().code == Errc::storage_failed);
  CHECK(appended.error().detail.find(path) == 0);
  if (done != Done::deleted || which.empty()) return;
  // What was acknowledged before was in the deleted log alone.
  disk.end();
  disk.start();
  REQUIRE(disk.open(IfMissing::fail));
  CHECK(disk.opened.recovered.log_end >= Offset(10));
}

TEST_CASE("storage: a quiet log notices that its file was deleted or replaced", "[storage]") {
  enum class Done { deleted, replaced };
  enum class Seen { in_a_quiet_second, at_rest, at_the_end };
  const auto [done, which] = GENERATE(table<Done, std::string>(
      {{Done::deleted, ""}, {Done::deleted, "-wal"}, {Done::replaced, ""}}));
  const Seen seen = GENERATE(Seen::in_a_quiet_second, Seen::at_rest, Seen::at_the_end);
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  const std::string path = disk.path() + which;
  const std::string older = disk.folder.path() + "/older";
  std::filesystem::copy_file(path, older);
  REQUIRE(disk.append(10));
  for (int i = 0; i < 3; ++i) REQUIRE(disk.maintain());
  if (done == Done::deleted) std::filesystem::remove(path);
  if (done == Done::replaced) std::filesystem::rename(older, path);
  const Result<void> noticed = [&]() -> Result<void> {
    if (seen == Seen::at_the_end) return disk.opened.log->close();
    const auto next = disk.maintain(seen == Seen::at_rest ? 61s : 1s);
    if (!next) return failure(next.error());
    return {};
  }();
  REQUIRE_FALSE(noticed);
  CHECK(noticed.error().code == Errc::storage_failed);
  CHECK(noticed.error().detail.find(path + " was deleted") == 0);
  if (which.empty()) return;
  // Of the deleted log all was moved: nobody was reading.
  CHECK(noticed.error().detail.find("what it held is in the file now") != std::string::npos);
  disk.end();
  disk.start();
  REQUIRE(disk.open(IfMissing::fail));
  CHECK(disk.opened.recovered.log_end == Offset(20));
}

TEST_CASE("storage: what a reader keeps in a deleted write-ahead log is said to be lost",
          "[storage]") {
  Disk disk;
  disk.begin();
  REQUIRE(disk.append(10));
  OtherProcess person(disk.path(), "BEGIN; SELECT count(*) FROM messages");
  REQUIRE(disk.append(10));
  std::filesystem::remove(disk.path() + "-wal");
  const Result<void> done = disk.append(10);
  REQUIRE_FALSE(done);
  CHECK(done.error().detail.find("not all of what it held could be moved") != std::string::npos);
}

}  // namespace pinion::test
