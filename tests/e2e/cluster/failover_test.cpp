// A topic with three copies of everything, and one node at a time that dies, hangs or loses its
// disk: what is acknowledged is there afterwards, and while the node is away the others carry on.
#include <catch2/catch.hpp>

#include "common/base/prng.hpp"
#include "tests/e2e/cluster/load.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <regex>

using namespace pinion;
using namespace pinion::test;

namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t seed_of_this_run() {
  const char* wish = std::getenv("PINION_E2E_SEED");
  if (wish != nullptr) return std::strtoull(wish, nullptr, 10);
  return static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Every partition of the status has all three copies in sync.
bool all_in_sync(const ProcessCluster& cluster) {
  const Finished status = cluster.pinion({"status", "--json"}, patience(10s));
  if (status.status != 0) return false;
  static const std::regex sets(R"("isr":\[([0-9,]*)\])");
  const std::sregex_iterator end;
  std::size_t found = 0;
  for (std::sregex_iterator at(status.output.begin(), status.output.end(), sets); at != end; ++at) {
    const std::string members = (*at)[1];
    if (std::count(members.begin(), members.end(), ',') != 2) return false;
    ++found;
  }
  return found > 0;
}

bool wait_until_in_sync(ProcessCluster& cluster) {
  return cluster.wait_until_online() &&
         eventually(patience(60s), [&] { return all_in_sync(cluster); });
}

void check_whole(const ProcessCluster& cluster, const std::string& topic, std::size_t files) {
  const std::vector<std::string> paths = cluster.partition_files(topic);
  CHECK(paths.size() == files);
  for (const std::string& path : paths) {
    const Finished verified = cluster.pinion({"verify", path}, 120s);
    INFO(verified.output << verified.errors);
    CHECK(verified.status == 0);
  }
}

}  // namespace

TEST_CASE("cluster: with three copies one node at a time may die, hang or lose its disk",
          "[e2e][cluster][failover]") {
  const std::uint64_t seed = seed_of_this_run();
  INFO("PINION_E2E_SEED=" << seed << " chooses the same victims again");
  ProcessCluster cluster(3);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  const Finished created =
      cluster.pinion({"topic", "create", "r", "--partitions", "3", "--replication", "3"});
  INFO(created.errors);
  REQUIRE(created.status == 0);
  REQUIRE(wait_until_in_sync(cluster));

  LogChecker log;
  LoadOptions options{.broker = cluster.address(), .topic = "r", .partitions = 3, .senders = 2};
  options.delivery_timeout = patience(60s);
  Load load(options, log);
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
      cluster.node(victim).signal(SIGSTOP);
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
    REQUIRE(wait_until_in_sync(cluster));
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
  check_whole(cluster, "r", 9);
}

TEST_CASE("cluster: a leader killed with -9 is followed by another one within seconds",
          "[e2e][cluster][failover]") {
  ProcessCluster cluster(3);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "one", "--replication", "3"}).status == 0);
  REQUIRE(wait_until_in_sync(cluster));
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
