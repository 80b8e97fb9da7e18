#include <catch2/catch.hpp>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <filesystem>
#include <fstream>

using namespace pinion;
using namespace pinion::test;

namespace {

UpCluster& cluster() { return UpCluster::shared(); }

std::string file_of(const std::string& topic) {
  for (int node = 1; node <= 3; ++node) {
    const std::string folder = cluster().data() + "/node-" + std::to_string(node);
    const std::string file = folder + "/" + topic + "/" + topic + "-0.db";
    if (std::filesystem::exists(file)) return file;
  }
  return {};
}

}  // namespace

TEST_CASE("pinion verify: a file in use is whole, and is not disturbed", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  REQUIRE(cluster().pinion({"produce", topic}, "a\nb\n").status == 0);
  const std::string file = file_of(topic);
  REQUIRE_FALSE(file.empty());
  const Finished done = cluster().pinion({"verify", file});
  INFO(done.errors);
  CHECK(done.status == 0);
  CHECK(done.output.find("whole") != std::string::npos);
  CHECK(done.output.find("2 records") != std::string::npos);
  REQUIRE(cluster().pinion({"produce", topic}, "c\n").status == 0);
  CHECK(cluster().pinion({"consume", topic}).output == "a\nb\nc\n");
}

TEST_CASE("pinion verify: a changed record is found, whoever changed it", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  std::string input;
  for (int i = 0; i < 1000; ++i) input += "record " + std::to_string(i) + "\n";
  REQUIRE(cluster().pinion({"produce", topic}, input).status == 0);
  const TemporaryFolder folder;
  const std::string copy = folder / "copy-0.db";
  REQUIRE(run({.arguments = {"/usr/bin/sqlite3", file_of(topic), "VACUUM INTO '" + copy + "'"}})
              .status == 0);
  REQUIRE(cluster().pinion({"verify", copy}).status == 0);
  const std::vector<std::string> damages = {
      "UPDATE messages SET value = x'00' WHERE offset = 500",
      "DELETE FROM messages WHERE offset = 500",
      "UPDATE batches SET crc32c = crc32c + 1 WHERE base_offset = 0",
      "INSERT INTO messages(offset, timestamp, value) VALUES(5000, 1, 'late')",
      "DELETE FROM messages WHERE offset = 999",
      "INSERT INTO messages(offset, timestamp, value) VALUES(-5, 1, 'before')",
      "CREATE TRIGGER t AFTER INSERT ON messages BEGIN DELETE FROM messages; END",
      "CREATE TABLE extra(x)",
      "DROP VIEW readable",
  };
  for (const std::string& damage : damages) {
    const std::string damaged = folder / "damaged-0.db";
    std::filesystem::copy_file(copy, damaged, std::filesystem::copy_options::overwrite_existing);
    REQUIRE(run({.arguments = {"/usr/bin/sqlite3", damaged, damage}}).status == 0);
    const Finished done = cluster().pinion({"verify", damaged});
    INFO(damage << "\n" << done.output << done.errors);
    CHECK(done.status == 1);
    CHECK(done.output.find("DAMAGED") != std::string::npos);
  }
}

TEST_CASE("pinion verify: what is no partition file is said in one line", "[e2e][cli]") {
  const TemporaryFolder folder;
  write_file(folder / "text.db", "this is no database\n");
  write_file(folder / "empty.db", "");
  REQUIRE(run({.arguments = {"/usr/bin/sqlite3", folder / "other.db", "CREATE TABLE other(x)"}})
              .status == 0);
  REQUIRE(run({.arguments = {"/usr/bin/mkfifo", folder / "pipe.db"}}).status == 0);
  for (const std::string& file :
       {folder / "text.db", folder / "empty.db", folder / "missing.db", folder / "other.db",
        folder / "pipe.db", folder.path(), std::string("/dev/null")}) {
    const Finished done = cluster().pinion({"verify", file});
    INFO(file << "\n" << done.output << done.errors);
    CHECK(done.status == 1);
    CHECK(lines_of(done.errors).size() == 1);
    CHECK(done.output.find("partition -1") == std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(folder / "missing.db"));
}
