// What the command line says and does while a partition has no leader: no silence, and no success.
#include <catch2/catch.hpp>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

using namespace pinion;
using namespace pinion::test;

namespace {

/// Topic "s" has two partitions of one replica, a node each, with three records each.
class HalfCluster {
 public:
  HalfCluster() {
    cluster_.start_all();
    REQUIRE(cluster_.wait_until_online());
    const std::vector<std::string> create = {"topic", "create",        "s", "--partitions",
                                             "2",     "--replication", "1"};
    REQUIRE(cluster_.pinion(create).status == 0);
    for (const char* partition : {"0", "1"}) {
      const std::string p(partition);
      write_file(cluster_.folder() / p, p + "a\n" + p + "b\n" + p + "c\n");
      const Finished sent =
          cluster_.pinion({"produce", "s", "--partition", p, "--file", cluster_.folder() / p});
      REQUIRE(sent.status == 0);
    }
    const Finished seen = cluster_.pinion({"topic", "describe", "s", "--json"});
    lost_ = seen.output.find("\"partition\":0,\"leader\":2,") != std::string::npos ? "0" : "1";
  }

  /// Ends when the leader broker knows.
  void kill_node_2() {
    cluster_.end_node(2);
    REQUIRE(eventually(patience(20s), [&] {
      return cluster_.pinion({"topic", "describe", "s"}).output.find("offline") !=
             std::string::npos;
    }));
  }

  [[nodiscard]] ProcessCluster& cluster() { return cluster_; }
  [[nodiscard]] std::string lost() const { return "partition " + lost_; }
  [[nodiscard]] const std::string& lost_number() const { return lost_; }
  [[nodiscard]] std::string living_records() const {
    return lost_ == "0" ? "1a\n1b\n1c\n" : "0a\n0b\n0c\n";
  }

 private:
  ProcessCluster cluster_{2};
  std::string lost_;
};

void check_named(const Finished& done, const std::string& partition) {
  INFO(done.output << done.errors);
  CHECK(done.status == 1);
  CHECK(lines_of(done.errors).size() == 1);
  CHECK(done.errors.find(partition + " is offline") != std::string::npos);
  CHECK(done.errors.find("start its partition broker") != std::string::npos);
}

/// Runs on a terminal of its own, as far as the program can tell.
std::vector<std::string> on_terminal(std::vector<std::string> arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    line += (line.empty() ? "'" : " '") + argument + "'";
  }
  return {"/usr/bin/script", "--quiet", "--return", "--flush", "--command", line, "/dev/null"};
}

}  // namespace

TEST_CASE("offline: pinion consume names the partition that has no leader, and fails",
          "[e2e][cli][offline]") {
  HalfCluster half;
  half.kill_node_2();
  const Finished idle = half.cluster().pinion({"consume", "s", "--idle-exit", "1"});
  check_named(idle, half.lost());
  CHECK(idle.output == half.living_records());
  check_named(half.cluster().pinion({"consume", "s", "--idle-exit", "1", "--consumer", "c"}),
              half.lost());
  for (const std::vector<std::string>& bounded :
       {std::vector<std::string>{"consume", "s"},
        std::vector<std::string>{"consume", "s", "--consumer", "d", "--from", "0"}}) {
    const Finished read = half.cluster().pinion(bounded);
    check_named(read, half.lost());
    CHECK(read.output == half.living_records());
  }
  check_named(half.cluster().pinion({"consume", "s", "--partition", half.lost_number()}),
              half.lost());
  // What is asked for is there.
  const std::string other = half.lost_number() == "0" ? "1" : "0";
  const Finished living =
      half.cluster().pinion({"consume", "s", "--idle-exit", "0", "--partition", other});
  CHECK(living.status == 0);
  CHECK(living.output == half.living_records());
  // And once all is back, nothing is missing: --idle-exit ends no sooner than the end.
  half.cluster().start_node(2);
  REQUIRE(half.cluster().wait_until_online());
  const Finished whole = half.cluster().pinion({"consume", "s", "--idle-exit", "0"});
  INFO(whole.errors);
  CHECK(whole.status == 0);
  CHECK(lines_of(whole.output).size() == 6);
  // A consumer lost nothing of what it was not given.
  const Finished rest = half.cluster().pinion({"consume", "s", "--consumer", "d"});
  CHECK(rest.status == 0);
  CHECK(lines_of(rest.output).size() == 3);
}

TEST_CASE("offline: pinion consume fails when no node is alive at all", "[e2e][cli][offline]") {
  HalfCluster half;
  half.kill_node_2();
  half.cluster().end_node(1);
  const Finished idle = half.cluster().pinion({"consume", "s", "--idle-exit", "1"});
  INFO(idle.errors);
  CHECK(idle.status == 1);
  CHECK(idle.output.empty());
  CHECK(idle.errors.find("partition ") != std::string::npos);
}

TEST_CASE("offline: pinion consume --follow says once what is away, and that it is back",
          "[e2e][cli][offline]") {
  HalfCluster half;
  TestProcess follower(half.cluster().command({"consume", "s", "--follow"}));
  REQUIRE(eventually(patience(20s), [&] { return lines_of(follower.output()).size() == 6; }));
  half.kill_node_2();
  const std::string away = half.lost() + " is offline";
  REQUIRE(
      eventually(patience(20s), [&] { return follower.errors().find(away) != std::string::npos; }));
  half.cluster().start_node(2);
  const std::string back = half.lost() + " is back";
  CHECK(
      eventually(patience(20s), [&] { return follower.errors().find(back) != std::string::npos; }));
  CHECK(lines_of(follower.errors()).size() == 2);
  follower.signal(SIGINT);
  CHECK(follower.wait(patience(10s)) == 0);
}

TEST_CASE("offline: pinion query prints what the living partitions give, and names the others",
          "[e2e][cli][offline]") {
  HalfCluster half;
  half.kill_node_2();
  const auto begin = std::chrono::steady_clock::now();
  const std::string sql = "select value from readable order by offset";
  const Finished csv = half.cluster().pinion({"query", "s", sql, "--csv"});
  CHECK(std::chrono::steady_clock::now() - begin < patience(15s));
  check_named(csv, half.lost());
  CHECK(csv.output == "value\n" + half.living_records());
  const Finished json =
      half.cluster().pinion({"query", "s", "select count(*) as n from readable", "--json"});
  check_named(json, half.lost());
  CHECK(json.output == "[{\"n\":3}]\n");
  // Nobody else is there to be asked.
  const Finished alone =
      half.cluster().pinion({"query", "s", sql, "--json", "--partition", half.lost_number()});
  check_named(alone, half.lost());
  CHECK(alone.output.empty());
}

TEST_CASE("offline: at a terminal, pinion produce and query say what they wait for",
          "[e2e][cli][offline]") {
  HalfCluster half;
  half.kill_node_2();
  ProcessOptions produce = half.cluster().command(
      {"produce", "s", "--partition", half.lost_number(), "--file", half.cluster().folder() / "0"});
  produce.arguments = on_terminal(produce.arguments);
  TestProcess producer(produce);
  CHECK(producer.wait_for_output(half.lost() + " is offline", patience(20s)));
  ProcessOptions query = half.cluster().command({"query", "s", "select 1"});
  query.arguments = on_terminal(query.arguments);
  const Finished asked = run(query, patience(30s));
  CHECK(asked.status == 1);
  CHECK(asked.output.find("waiting for its leader") != std::string::npos);
  half.cluster().start_node(2);
  CHECK(producer.wait(patience(30s)) == 0);
}

TEST_CASE("offline: pinion produce --report has a line for each record, acknowledged or not",
          "[e2e][cli][offline]") {
  HalfCluster half;
  half.kill_node_2();
  std::string input;
  for (int i = 0; i < 32; ++i) input += "key " + std::to_string(i) + ":value\n";
  write_file(half.cluster().folder() / "keyed", input);
  TestProcess producer(half.cluster().command({"produce", "s", "--report", "--key-separator", ":",
                                               "--file", half.cluster().folder() / "keyed"}));
  const std::string living = half.lost_number() == "0" ? "1" : "0";
  const auto stored = [&]() -> std::size_t {
    const Finished read = half.cluster().pinion({"consume", "s", "--partition", living});
    const std::size_t lines = lines_of(read.output).size();
    return read.status == 0 && lines > 3 ? lines - 3 : 0;
  };
  REQUIRE(eventually(patience(20s), [&] { return stored() > 0; }));
  producer.signal(SIGINT);
  CHECK(producer.wait(patience(30s)) == 1);  // It says how many were acknowledged.

  const std::vector<std::string> places = lines_of(producer.output());
  CHECK(places.size() == 32);
  std::size_t next = 0;
  for (const std::string& place : places) {
    INFO(place);
    if (place == "- unknown" || place == "- failed") continue;
    CHECK(place == living + " " + std::to_string(3 + next++));
  }
  CHECK(next == stored());
  CHECK(next < 32);
}
