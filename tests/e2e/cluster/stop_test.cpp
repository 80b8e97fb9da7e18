#include <catch2/catch.hpp>

#include "tests/e2e/cluster/load.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <csignal>

using namespace pinion;
using namespace pinion::test;

TEST_CASE("cluster: SIGTERM ends every process within seconds, under load, with status 0",
          "[e2e][cluster]") {
  ProcessCluster cluster(2);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(
      cluster.pinion({"topic", "create", "s", "--partitions", "4", "--replication", "1"}).status ==
      0);
  LogChecker log;
  LoadOptions options{.broker = cluster.address(), .topic = "s", .partitions = 4};
  options.delivery_timeout = patience(60s);
  Load load(options, log);
  REQUIRE(load.wait_for_more(500, patience(30s)));

  cluster.node(1).signal(SIGTERM);
  CHECK(cluster.node(1).wait(patience(15s)) == 0);
  cluster.start_node(1);
  REQUIRE(cluster.wait_until_online());
  REQUIRE(load.wait_for_more(500, patience(30s)));

  cluster.broker().signal(SIGTERM);
  CHECK(cluster.broker().wait(patience(15s)) == 0);
  cluster.start_broker();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(load.wait_for_more(500, patience(30s)));

  load.finish();
  INFO(load.problem());
  CHECK(load.problem().empty());
  CHECK(read_everything(options, log, patience(60s)) == "");
  CHECK(joined(log.anomalies()) == "");
  CHECK(log.counts().fail + log.counts().info == 0);

  for (int number : {1, 2}) {
    cluster.node(number).signal(SIGTERM);
    CHECK(cluster.node(number).wait(patience(15s)) == 0);
  }
  cluster.broker().signal(SIGTERM);
  CHECK(cluster.broker().wait(patience(15s)) == 0);
}

TEST_CASE("cluster: a node works on and keeps its data while the broker is away",
          "[e2e][cluster]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "w", "--replication", "1"}).status == 0);
  write_file(cluster.folder() / "lines", "a\nb\n");
  REQUIRE(cluster.pinion({"produce", "w", "--file", cluster.folder() / "lines"}).status == 0);

  cluster.broker().kill();
  // The producer is started while nobody is there to answer and is answered when somebody is.
  CHECK(cluster.pinion({"status"}).status == 1);
  CHECK(cluster.node(1).running());
  cluster.start_broker();
  REQUIRE(cluster.wait_until_online());
  CHECK(cluster.pinion({"consume", "w"}).output == "a\nb\n");
}

TEST_CASE("cluster: a topic of a node that is away is offline, and said to be", "[e2e][cluster]") {
  ProcessCluster cluster(2);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "half", "--partitions", "2", "--replication", "1"})
              .status == 0);
  cluster.node(2).kill();
  const bool noticed = eventually(patience(15s), [&] {
    return cluster.pinion({"topic", "describe", "half"}).output.find("offline") !=
           std::string::npos;
  });
  CHECK(noticed);
  // New topics go to the nodes that live, and are served.
  REQUIRE(cluster.pinion({"topic", "create", "whole", "--partitions", "3", "--replication", "1"})
              .status == 0);
  write_file(cluster.folder() / "lines", "a\n");
  CHECK(cluster.pinion({"produce", "whole", "--file", cluster.folder() / "lines"}).status == 0);
  const Finished away = cluster.pinion({"consume", "half"}, 60s);
  CHECK(away.status == 1);
  INFO(away.errors);
  CHECK(std::count(away.errors.begin(), away.errors.end(), '\n') == 1);
}

TEST_CASE("cluster: a node that joins later takes part in the next placement", "[e2e][cluster]") {
  ProcessCluster cluster(2);
  cluster.start_broker();
  cluster.start_node(1);
  REQUIRE(eventually(patience(20s), [&] {
    return cluster.pinion({"topic", "create", "early", "--partitions", "2", "--replication", "1"})
               .status == 0;
  }));
  cluster.start_node(2);
  REQUIRE(cluster.wait_until_online());
  const Finished made = cluster.pinion(
      {"topic", "create", "late", "--partitions", "2", "--replication", "1", "--json"});
  INFO(made.output << made.errors);
  CHECK(made.output.find("\"leader\":2") != std::string::npos);
}
