#include <catch2/catch.hpp>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <filesystem>

using namespace pinion;
using namespace pinion::test;

namespace {

UpCluster& cluster() { return UpCluster::shared(); }

/// The number behind "name": in a flat JSON object.
double number_of(const std::string& json, const std::string& name) {
  const std::size_t at = json.find("\"" + name + "\":");
  return at == std::string::npos ? -1 : std::stod(json.substr(at + name.size() + 3));
}

}  // namespace

TEST_CASE("pinion bench: every kind measures and leaves no topic behind", "[e2e][cli]") {
  for (const char* kind : {"produce", "consume", "e2e", "latency", "hop"}) {
    std::vector<std::string> arguments = {"bench", kind, "--messages", "2000", "--json"};
    if (std::string(kind) == "latency") arguments.insert(arguments.end(), {"--rate", "2000"});
    const Finished done = cluster().pinion(arguments);
    INFO(kind << "\n" << done.output << done.errors);
    REQUIRE(done.status == 0);
    CHECK(lines_of(done.output).size() == 1);
    CHECK(done.output.find("\"kind\":\"" + std::string(kind) + "\"") != std::string::npos);
    CHECK(number_of(done.output, "records") == 2000);
    CHECK(number_of(done.output, "records_per_s") > 0);
    if (std::string(kind) == "latency" || std::string(kind) == "hop") {
      CHECK(number_of(done.output, "p50_ms") > 0);
      CHECK(number_of(done.output, "p99_ms") >= number_of(done.output, "p50_ms"));
      CHECK(number_of(done.output, "max_ms") >= number_of(done.output, "p999_ms"));
    }
  }
  CHECK(cluster().pinion({"topic", "list"}).output.find("bench-") == std::string::npos);
}

TEST_CASE("pinion bench: storage measures this disk without a cluster", "[e2e][cli]") {
  const TemporaryFolder folder;
  const Finished done =
      run({.arguments = {programs() + "/pinion", "bench", "storage", "--messages", "5000", "--size",
                         "50", "--batch", "100", "--data", folder.path(), "--json"}},
          patience(60s));
  INFO(done.errors);
  REQUIRE(done.status == 0);
  CHECK(number_of(done.output, "records") == 5000);
  CHECK(number_of(done.output, "size") == 50);
  CHECK(number_of(done.output, "rows_per_commit") == 100);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("pinion bench: several producers and consumers share the work", "[e2e][cli]") {
  const Finished done = cluster().pinion({"bench", "e2e", "--messages", "4000", "--partitions", "4",
                                          "--producers", "4", "--consumers", "4", "--json"});
  INFO(done.errors);
  REQUIRE(done.status == 0);
  CHECK(number_of(done.output, "records") == 4000);
  const double commits = number_of(done.output, "commits");
  CHECK(commits >= 4);
  CHECK(commits <= 4000);
  CHECK(number_of(done.output, "rows_per_commit") == Approx(4000 / commits).margin(0.1));
}

TEST_CASE("pinion bench: what a kind has no use for is refused", "[e2e][cli]") {
  const Finished done = cluster().pinion({"bench", "produce", "--consumers", "4"});
  CHECK(done.status == 2);
  CHECK(done.errors.find("produce has no use for --consumers") != std::string::npos);
}

TEST_CASE("pinion bench: an unknown kind is refused", "[e2e][cli]") {
  const Finished done = cluster().pinion({"bench", "everything"});
  CHECK(done.status == 2);
  CHECK(lines_of(done.errors).size() == 1);
}
