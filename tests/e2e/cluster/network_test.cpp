// Nine partition brokers and a leader broker, each with a network of its own that is cut in every
// way there is, while nodes die, hang, lose their disk or find an older one, leave and join. What
// is acknowledged is there afterwards, once and in order.
//
// Hidden, because it needs root: the ctest test `network` runs it (network.sh).
#include <catch2/catch.hpp>

#include "common/base/prng.hpp"
#include "tests/e2e/cluster/load.hpp"
#include "tests/support/network_spaces.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

using namespace pinion;
using namespace pinion::test;

namespace {

constexpr int nodes = 9;
constexpr int spare = nodes + 1;  ///< Joins and leaves.
constexpr int partitions = 9;
constexpr int broker = 0;

/// How long a fault lasts: past the time in which a node is lost and an in-sync set shrinks.
constexpr std::chrono::milliseconds fault_lasts{4'000};

class Nemesis {
 public:
  Nemesis(ProcessCluster& cluster, NetworkSpaces& spaces, Load& load, std::uint64_t seed)
      : cluster_(cluster), spaces_(spaces), load_(load), prng_(seed) {}

  static constexpr int kinds = 12;

  /// One fault, from its begin to its end.
  void strike(int kind) {
    switch (kind) {
      case 0:
        return kill();
      case 1:
        return pause(cluster_.node(any_node()));
      case 2:
        return pause(cluster_.broker());
      case 3:
        return cut_off_a_minority();
      case 4:
        return cut_off_the_broker();
      case 5:
        return cut_one_way();
      case 6:
        return cut_into_a_ring();
      case 7:
        return cut_into_a_bridge();
      case 8:
        return wipe();
      case 9:
        return put_back_old_files();
      case 10:
        return kill_the_broker();
      default:
        return join_and_leave();
    }
  }
  static const char* name_of(int kind) {
    constexpr std::array<const char*, kinds> names{"kill -9",
                                                   "pause of a node",
                                                   "pause of the broker",
                                                   "minority cut off",
                                                   "broker away",
                                                   "one-way cuts",
                                                   "ring",
                                                   "bridge",
                                                   "wiped disk",
                                                   "older files put back",
                                                   "kill -9 of the broker",
                                                   "a node joins and leaves"};
    return names.at(static_cast<std::size_t>(kind));
  }

 private:
  int any_node() { return static_cast<int>(prng_.between(1, nodes)); }
  std::vector<int> shuffled() {
    std::vector<int> all;
    for (int node = 1; node <= nodes; ++node) all.push_back(node);
    for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[prng_.below(i)]);
    return all;
  }
  /// What is acknowledged meanwhile, if anything is: where it must go on, that is checked later.
  void let_it_last() { (void)load_.wait_for_more(std::uint64_t{1} << 40U, fault_lasts); }
  void must(const std::vector<std::string>& command) {
    const Finished done = cluster_.pinion(command);
    INFO(command[0] << " " << command[1] << ": " << done.errors);
    REQUIRE(done.status == 0);
  }

  void kill() {
    const std::vector<int> victims = shuffled();
    const std::size_t count = 1 + prng_.below(3);
    for (std::size_t i = 0; i < count; ++i) cluster_.node(victims[i]).kill();
    let_it_last();
    for (std::size_t i = 0; i < count; ++i) cluster_.start_node(victims[i]);
  }
  void kill_the_broker() {
    cluster_.broker().kill();
    let_it_last();
    cluster_.start_broker();
  }
  void pause(TestProcess& process) {
    process.signal(SIGSTOP);
    let_it_last();
    process.signal(SIGCONT);
  }
  void cut_off_a_minority() {
    std::vector<int> all = shuffled();
    const std::vector<int> minority(all.begin(), all.begin() + 4);
    std::vector<int> majority(all.begin() + 4, all.end());
    majority.push_back(broker);
    spaces_.cut_between(minority, majority);
    let_it_last();
    spaces_.heal();
  }
  void cut_off_the_broker() {
    const std::vector<int> all = shuffled();
    const std::size_t count = 1 + prng_.below(nodes);
    spaces_.cut_between({broker}, {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)});
    let_it_last();
    spaces_.heal();
  }
  void cut_one_way() {
    std::vector<NetworkSpaces::Cut> cuts;
    for (int from = 0; from <= nodes; ++from) {
      for (int to = 0; to <= nodes; ++to) {
        if (from != to && prng_.below(3) == 0) cuts.push_back({from, to});
      }
    }
    spaces_.cut(cuts);
    let_it_last();
    spaces_.heal();
  }
  /// Each hears its two neighbours and the broker.
  void cut_into_a_ring() {
    const std::vector<int> ring = shuffled();
    std::vector<NetworkSpaces::Cut> cuts;
    for (int a = 0; a < nodes; ++a) {
      for (int b = 0; b < nodes; ++b) {
        const int apart = std::abs(a - b);
        if (apart < 2 || apart == nodes - 1) continue;
        cuts.push_back({ring[static_cast<std::size_t>(a)], ring[static_cast<std::size_t>(b)]});
      }
    }
    spaces_.cut(cuts);
    let_it_last();
    spaces_.heal();
  }
  /// Two halves that only one node, and the broker, hear both of.
  void cut_into_a_bridge() {
    const std::vector<int> all = shuffled();
    spaces_.cut_between({all.begin(), all.begin() + 4}, {all.begin() + 5, all.end()});
    let_it_last();
    spaces_.heal();
  }
  void wipe() {
    const int victim = any_node();
    cluster_.node(victim).kill();
    std::filesystem::remove_all(cluster_.node_data(victim));
    let_it_last();
    cluster_.start_node(victim);
  }
  /// The partition files as they were some thousand records ago, under a node that remembers newer
  /// ones: it must notice, and copy them from the others.
  void put_back_old_files() {
    const int victim = any_node();
    const std::string topic = cluster_.node_data(victim) + "/n";
    const std::string copy = cluster_.folder() / "old";
    cluster_.node(victim).kill();
    REQUIRE(std::filesystem::exists(topic));
    std::filesystem::copy(topic, copy, std::filesystem::copy_options::recursive);
    let_it_last();
    cluster_.start_node(victim);
    REQUIRE(cluster_.wait_until_in_sync(3));
    REQUIRE(load_.wait_for_more(3'000, patience(60s)));
    cluster_.node(victim).kill();
    const std::size_t before = set_aside(victim);
    std::filesystem::remove_all(topic);
    std::filesystem::rename(copy, topic);
    cluster_.start_node(victim);
    REQUIRE(eventually(patience(30s), [&] { return set_aside(victim) > before; }));
  }
  [[nodiscard]] std::size_t set_aside(int node) const {
    std::error_code none;
    const std::filesystem::directory_iterator files(cluster_.node_data(node) + "/set-aside", none);
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }
  void join_and_leave() {
    const std::string id = std::to_string(spare);
    cluster_.start_node(spare);
    REQUIRE(cluster_.wait_until_online());
    must({"node", "rebalance", "--wait"});
    let_it_last();
    must({"node", "drain", id, "--wait"});
    REQUIRE(eventually(
        patience(120s), [&] { return holds_nothing(id); }, 100ms));
    cluster_.end_node(spare);
    REQUIRE(eventually(
        patience(30s),
        [&] {
          return cluster_.pinion({"node", "remove", id}).status == 0;
        },
        100ms));
    std::filesystem::remove_all(cluster_.node_data(spare));
  }
  /// A line of the table: node, health, replicas, leads, ...
  [[nodiscard]] bool holds_nothing(const std::string& id) const {
    std::istringstream lines(cluster_.pinion({"node", "list"}).output);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string node;
      std::string health;
      int replicas = -1;
      if (words >> node >> health >> replicas && node == id) return replicas == 0;
    }
    return false;
  }

  ProcessCluster& cluster_;
  NetworkSpaces& spaces_;
  Load& load_;
  Prng prng_;
};

/// Which faults, in which order: some, or in the long form all and then any for
/// PINION_E2E_NETWORK_SECONDS; or PINION_E2E_NETWORK_KIND alone.
class Plan {
 public:
  explicit Plan(std::uint64_t seed) : prng_(seed) {
    const char* only = std::getenv("PINION_E2E_NETWORK_KIND");
    const char* seconds = std::getenv("PINION_E2E_NETWORK_SECONDS");
    for (int kind = 0; kind < Nemesis::kinds; ++kind) kinds_.push_back(kind);
    for (std::size_t i = kinds_.size(); i > 1; --i)
      std::swap(kinds_[i - 1], kinds_[prng_.below(i)]);
    if (!long_form() && seconds == nullptr) kinds_.resize(short_form);
    if (only != nullptr) kinds_ = {std::atoi(only)};
    if (seconds != nullptr) until_ = Clock::now() + std::chrono::seconds(std::atoi(seconds));
  }
  /// Nothing: the end.
  [[nodiscard]] std::optional<int> next() {
    if (done_ == kinds_.size() && Clock::now() >= until_) return std::nullopt;
    return done_ < kinds_.size() ? kinds_[done_++] : kinds_[prng_.below(kinds_.size())];
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t short_form = 5;
  Prng prng_;
  std::vector<int> kinds_;
  std::size_t done_ = 0;
  Clock::time_point until_{};
};

}  // namespace

TEST_CASE("network: nine nodes whose network is cut lose nothing, and agree afterwards",
          "[.network]") {
  const std::uint64_t seed = seed_of_this_run();
  INFO("PINION_E2E_SEED=" << seed << " chooses the same victims again");
  NetworkSpaces spaces(spare + 1);
  ProcessCluster cluster(spare, spaces);
  cluster.start_some(nodes);
  REQUIRE(cluster.wait_until_online());
  const Finished created = cluster.pinion(
      {"topic", "create", "n", "--partitions", std::to_string(partitions), "--replication", "3"});
  INFO(created.errors);
  REQUIRE(created.status == 0);
  REQUIRE(cluster.wait_until_in_sync(3));

  LogChecker log;
  LoadOptions options{
      .broker = cluster.address(), .topic = "n", .partitions = partitions, .senders = 3};
  options.records_per_s = 300;
  options.delivery_timeout = patience(120s);
  Load load(options, log);
  REQUIRE(load.wait_for_more(500, patience(30s)));

  Nemesis nemesis(cluster, spaces, load, seed);
  Plan plan(seed ^ 1U);
  std::map<int, int> struck;
  while (const std::optional<int> next = plan.next()) {
    const int kind = *next;
    CAPTURE(Nemesis::name_of(kind));
    ++struck[kind];
    nemesis.strike(kind);
    // Healed, everything is served again, and by all three.
    const bool carries_on = load.wait_for_more(1'000, patience(60s));
    const bool in_sync = carries_on && cluster.wait_until_in_sync(3);
    INFO(load.problem());
    INFO(cluster.pinion({"status"}).output);
    INFO(cluster.logs());
    REQUIRE(carries_on);
    REQUIRE(in_sync);
  }
  load.finish();
  INFO(load.problem());
  INFO(cluster.logs());
  CHECK(load.problem().empty());
  CHECK(read_everything(options, log, patience(60s)) == "");
  CHECK(joined(log.anomalies()) == "");
  const LogChecker::Counts counts = log.counts();
  std::string strikes;
  for (const auto& [kind, times] : struck) {
    strikes += std::string(", ") + Nemesis::name_of(kind) + " " + std::to_string(times);
  }
  WARN("seed " << seed << ": " << counts.ok << " acknowledged, " << counts.fail << " failed, "
               << counts.info << " unknown" << strikes);
  CHECK(cluster.partition_files("n").size() == 3 * partitions);
  CHECK(cluster.damage_in("n") == "");
}
