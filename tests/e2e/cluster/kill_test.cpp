// kill -9 at random while senders send and a reader reads. Afterwards everything that was
// acknowledged is read back once and in order, nothing else is there, and every file is whole.
#include <catch2/catch.hpp>

#include "common/base/prng.hpp"
#include "tests/e2e/cluster/load.hpp"
#include "tests/support/process_cluster.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>

using namespace pinion;
using namespace pinion::test;

namespace {

/// How much has to be acknowledged before the next thing breaks.
constexpr std::uint64_t records_between = 500;

struct Chaos {
  ProcessCluster& cluster;
  Load& load;
  Prng prng;
  int kills = 0;

  void kill_and_restart_broker() {
    cluster.broker().kill();
    ++kills;
    cluster.start_broker();
  }
  void kill_and_restart_node(int number) {
    cluster.node(number).kill();
    ++kills;
    cluster.start_node(number);
  }
  int any_node() { return static_cast<int>(prng.between(1, cluster.nodes())); }

  /// One thing that goes wrong.
  void strike() {
    switch (prng.below(6)) {
      case 0:
      case 1:
        return kill_and_restart_node(any_node());
      case 2:
      case 3:
        return kill_and_restart_broker();
      case 4: {  // A node and the broker together, back in the other order.
        const int number = any_node();
        cluster.broker().kill();
        cluster.node(number).kill();
        kills += 2;
        cluster.start_node(number);
        return cluster.start_broker();
      }
      default:  // The lights go out.
        cluster.broker().kill();
        for (int i = 1; i <= cluster.nodes(); ++i) cluster.node(i).kill();
        kills += 1 + cluster.nodes();
        return cluster.start_all();
    }
  }
};

}  // namespace

TEST_CASE("cluster: nothing acknowledged is lost, doubled or reordered by kill -9",
          "[e2e][cluster][kill]") {
  const std::uint64_t seed = seed_of_this_run();
  INFO("PINION_E2E_SEED=" << seed << " chooses the same victims again");
  ProcessCluster cluster(3);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(
      cluster.pinion({"topic", "create", "k", "--partitions", "6", "--replication", "1"}).status ==
      0);

  // A person looks into one of the files all the while.
  const std::vector<std::string> files = cluster.partition_files("k");
  REQUIRE(files.size() == 6);
  TestProcess shell({.arguments = {"/usr/bin/sqlite3", files.front()}, .input = "-"});
  REQUIRE(shell.write_input("BEGIN; SELECT 'holding ' || count(*) FROM messages;\n"));
  REQUIRE(shell.wait_for_output("holding", patience(10s)));

  LogChecker log;
  LoadOptions options{.broker = cluster.address(), .topic = "k", .partitions = 6, .senders = 3};
  options.delivery_timeout = patience(60s);
  Load load(options, log);
  REQUIRE(load.wait_for_more(records_between, patience(30s)));

  Chaos chaos{cluster, load, Prng(seed)};
  const auto until = std::chrono::steady_clock::now() + (long_form() ? 240s : 20s);
  bool alive = true;
  while (alive && std::chrono::steady_clock::now() < until) {
    chaos.strike();
    // A partition of each node has to come back, not just the ones that were not struck.
    alive = load.wait_for_more(records_between, patience(30s));
  }
  INFO(load.problem());
  INFO(cluster.logs());
  CHECK(alive);
  REQUIRE(cluster.wait_until_online());
  load.finish();
  CHECK(load.problem().empty());
  CHECK(shell.running());

  CHECK(read_everything(options, log, patience(60s)) == "");
  CHECK(joined(log.anomalies()) == "");
  const LogChecker::Counts counts = log.counts();
  CHECK(counts.ok > 1000);
  CHECK(counts.fail == 0);
  CHECK(counts.info == 0);
  CHECK(chaos.kills >= 4);
  WARN("seed " << seed << ": " << chaos.kills << " kills, " << counts.ok << " acknowledged, "
               << counts.info << " unknown");
  CHECK(cluster.partition_files("k").size() == 6);
  CHECK(cluster.damage_in("k") == "");
}

TEST_CASE("cluster: a record acknowledged just before kill -9 of everything is there after it",
          "[e2e][cluster][kill]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "one", "--replication", "1"}).status == 0);
  std::string expected;
  for (int i = 0; i < (long_form() ? 20 : 4); ++i) {
    ProcessOptions options = cluster.command({"produce", "one", "--report"});
    options.input = "-";
    TestProcess producer(options);
    const std::string line = "record " + std::to_string(i) + "\n";
    REQUIRE(producer.write_input(line));
    REQUIRE(producer.wait_for_output("0 " + std::to_string(i) + "\n", patience(10s)));
    cluster.node(1).kill();
    cluster.broker().kill();
    producer.kill();
    expected += line;
    cluster.start_all();
    REQUIRE(cluster.wait_until_online());
    CHECK(cluster.pinion({"consume", "one"}).output == expected);
  }
  CHECK(cluster.partition_files("one").size() == 1);
  CHECK(cluster.damage_in("one") == "");
}

TEST_CASE("cluster: consumers' positions survive kill -9 and never go back",
          "[e2e][cluster][kill]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "p", "--replication", "1"}).status == 0);
  write_file(cluster.folder() / "lines", "a\nb\nc\nd\ne\nf\n");
  REQUIRE(cluster.pinion({"produce", "p", "--file", cluster.folder() / "lines"}).status == 0);
  for (const char* expected : {"a\nb\n", "c\nd\n", "e\nf\n"}) {
    CHECK(cluster.pinion({"consume", "p", "--consumer", "c", "--max", "2"}).output == expected);
    cluster.node(1).kill();
    cluster.broker().kill();
    cluster.start_all();
    REQUIRE(cluster.wait_until_online());
  }
}
