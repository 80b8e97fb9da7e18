// A topic with three copies of everything, and one node at a time that dies, hangs or loses its
// disk: what is acknowledged is there afterwards, and while the node is away the others carry on.
#include <catch2/catch.hpp>

#include "common/base/prng.hpp"
#include "tests/e2e/cluster/load.hpp"
#include "tests/support/process_cluster.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <regex>

using namespace pinion;
using namespace pinion::test;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

TEST_CASE("cluster: with three copies one node at a time may die, hang or lose its disk",
          "[e2e][cluster][failover]") {
  const std::uint64_t seed = seed_of_this_run();
  INFO("PINION_E2E_SEED=" << seed << " chooses the same victims again");
  ProcessCluster cluster(3);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  const auto must = [&](const std::vector<std::string>& command) {
    const Finished done = cluster.pinion(command);
    INFO(command[0] << " " << command[1] << ": " << done.errors);
    REQUIRE(done.status == 0);
  };
  must({"topic", "create", "r", "--partitions", "2", "--replication", "1"});
  must({"topic", "alter", "r", "--partitions", "3"});
  REQUIRE(cluster.wait_until_in_sync(1));

  LogChecker log;
  LoadOptions options{.broker = cluster.address(), .topic = "r", .partitions = 3, .senders = 2};
  options.delivery_timeout = patience(60s);
  Load load(options, log);
  REQUIRE(load.wait_for_more(500, patience(30s)));
  // The copies are made while records are sent, and nobody waits for them.
  must({"topic", "alter", "r", "--replication", "3"});
  REQUIRE(load.wait_for_more(500, patience(30s)));
  REQUIRE(cluster.wait_until_in_sync(3));
  must({"topic", "alter", "r", "--min-insync", "2"});
  REQUIRE(load.wait_for_more(500, patience(30s)));

  Prng prng(seed);
  double longest = 0;
  int strikes = 0;
  const int rounds = long_form() ? 40 : 4;
  for (int round = 0; round < rounds; ++round) {
    const int victim = static_cast<int>(prng.between(1, 3));
    const auto kind = round < 3 ? static_cast<std::uint64_t>(round) : prng.below(4);
    INFO("strike " << round << " of kind " << kind << " at node " << victim);
    const Clock::time_point begin = Clock::now();
    if (kind == 1) {
      cluster.node(victim).pause();
    } else {
      cluster.node(victim).kill();
    }
    if (kind == 2) std::filesystem::remove_all(cluster.node_data(victim));
    if (kind == 3) cluster.broker().kill();
    if (kind == 3) cluster.start_broker();
    ++strikes;
    // Every partition goes on without it: more than what was on its way can have been.
    const bool carried_on = load.wait_for_more(1'500, patience(30s));
    longest = std::max(longest, seconds_since(begin));
    INFO(load.problem());
    INFO(cluster.logs());
    REQUIRE(carried_on);
    if (kind == 1) {
      cluster.node(victim).signal(SIGCONT);
    } else {
      cluster.start_node(victim);
    }
    REQUIRE(cluster.wait_until_in_sync(3));
    REQUIRE(load.wait_for_more(500, patience(30s)));
  }
  load.finish();
  INFO(load.problem());
  INFO(cluster.logs());
  CHECK(load.problem().empty());
  CHECK(read_everything(options, log, patience(60s)) == "");
  CHECK(joined(log.anomalies()) == "");
  const LogChecker::Counts counts = log.counts();
  CHECK(counts.fail == 0);
  CHECK(counts.info == 0);
  WARN("seed " << seed << ": " << strikes << " strikes, " << counts.ok
               << " acknowledged, 1500 records after a strike took at most " << longest << " s");
  CHECK(cluster.partition_files("r").size() == 9);
  CHECK(cluster.damage_in("r") == "");
}

TEST_CASE("cluster: a leader killed with -9 is followed by another one within seconds",
          "[e2e][cluster][failover]") {
  ProcessCluster cluster(3);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "one", "--replication", "3"}).status == 0);
  REQUIRE(cluster.wait_until_in_sync(3));
  const Finished status = cluster.pinion({"status", "--json"});
  std::smatch found;
  REQUIRE(std::regex_search(status.output, found, std::regex(R"("leader":([0-9]+))")));
  const int leader = std::stoi(found[1]);

  LogChecker log;
  LoadOptions options{.broker = cluster.address(), .topic = "one", .senders = 1};
  Load load(options, log);
  REQUIRE(load.wait_for_more(500, patience(30s)));
  const Clock::time_point begin = Clock::now();
  cluster.node(leader).kill();
  REQUIRE(load.wait_for_more(1'000, patience(30s)));
  WARN("1000 records were acknowledged " << seconds_since(begin) << " s after the kill");
  load.finish();
  INFO(cluster.logs());
  CHECK(load.problem().empty());
  CHECK(read_everything(options, log, patience(60s)) == "");
  CHECK(joined(log.anomalies()) == "");
}
