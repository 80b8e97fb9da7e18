// A topic that is deleted and made again under its name: the files of both have one place, and the
// new one's records must not be taken for the old one's.
#include <catch2/catch.hpp>

#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <filesystem>

using namespace pinion;
using namespace pinion::test;

TEST_CASE(
    "cluster: a topic made again under its name keeps its records, and nothing of the old one",
    "[e2e][cluster]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "line " + std::to_string(i) + "\n";
  write_file(cluster.folder() / "lines", lines);
  const std::vector<std::string> make = {"topic", "create", "again", "--partitions", "20"};
  for (int round = 0; round < 3; ++round) {
    INFO("round " << round << "\n" << cluster.logs());
    const Finished made = cluster.pinion(make);
    INFO(made.errors);
    REQUIRE(made.status == 0);
    REQUIRE(cluster.wait_until_online());
    REQUIRE(cluster.pinion({"produce", "again", "--file", cluster.folder() / "lines"}).status == 0);
    cluster.node(1).kill();
    cluster.start_node(1);
    REQUIRE(cluster.wait_until_online());
    const std::string read = cluster.pinion({"consume", "again"}).output;
    CHECK(std::count(read.begin(), read.end(), '\n') == 200);
    CHECK(cluster.partition_files("again").size() == 20);
    REQUIRE(cluster.pinion({"topic", "delete", "again", "--yes"}).status == 0);
  }
  const std::filesystem::path aside = cluster.node_data(1) + "/set-aside";
  CHECK((!std::filesystem::exists(aside) || std::filesystem::is_empty(aside)));
}
