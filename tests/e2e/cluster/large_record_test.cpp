// Records as large as a broker may be told to take, through real processes.
#include <catch2/catch.hpp>

#include "common/base/limits.hpp"
#include "tests/support/process_cluster.hpp"

using namespace pinion;
using namespace pinion::test;

TEST_CASE("cluster: a record of 64 MiB goes in and comes out, and queries pass it by",
          "[e2e][cluster]") {
  ProcessCluster cluster(1);
  cluster.add_broker_config("record_bytes_max = " + std::to_string(limits::record_bytes_ceiling));
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "large"}).status == 0);
  const std::string lines = cluster.folder() / "lines";
  const std::string text = std::string(limits::record_bytes_ceiling, 'x') + "\nsmall\n";
  write_file(lines, text);
  const Finished sent = cluster.pinion({"produce", "large"}, patience(60s), lines);
  INFO(sent.errors);
  REQUIRE(sent.status == 0);
  CHECK(cluster.pinion({"consume", "large"}, patience(60s)).output == text);
  // One byte more is refused by name, and the records before it were sent.
  write_file(lines, "before\n" + std::string(limits::record_bytes_ceiling + 1, 'x') + "\n");
  const Finished refused = cluster.pinion({"produce", "large"}, patience(60s), lines);
  CHECK(refused.status == 1);
  CHECK(refused.errors.find("line 2") != std::string::npos);

  const auto asked = [&](const std::string& sql) {
    const Finished done = cluster.pinion({"query", "large", sql, "--csv"});
    INFO(sql << "\n" << done.errors);
    CHECK(done.status == 0);
    return done.output;
  };
  CHECK(asked("select offset, value from readable") == "offset,value\n0,\n1,small\n2,before\n");
  CHECK(asked("select offset from readable where value = 'small'") == "offset\n1\n");
  CHECK(asked("select length(value) from messages where offset = 0") ==
        "length(value)\n" + std::to_string(limits::record_bytes_ceiling) + "\n");
}
