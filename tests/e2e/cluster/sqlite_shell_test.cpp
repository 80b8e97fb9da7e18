// A person with sqlite3 open must never make a write fail, nor see half a batch.
#include <catch2/catch.hpp>

#include "tests/e2e/cluster/load.hpp"
#include "tests/support/process_cluster.hpp"

#include <filesystem>

using namespace pinion;
using namespace pinion::test;

namespace {

/// A shell with a read transaction open on a partition file.
class Shell {
 public:
  explicit Shell(const std::string& file)
      : process_({.arguments = {"/usr/bin/sqlite3", file}, .input = "-"}) {
    ask("BEGIN; SELECT 'began ' || count(*) FROM messages;", "began");
  }
  void ask(const std::string& sql, const std::string& answer) {
    REQUIRE(process_.write_input(sql + "\n"));
    const bool answered = process_.wait_for_output(answer, patience(10s));
    INFO(process_.output() << process_.errors());
    REQUIRE(answered);
  }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  void end() {
    process_.close_input();
    REQUIRE(process_.wait(patience(10s)) == 0);
  }

 private:
  TestProcess process_;
};

}  // namespace

TEST_CASE("cluster: the line that people are told to try works on a file in use",
          "[e2e][cluster]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "r"}).status == 0);
  write_file(cluster.folder() / "lines", "{\"user\": \"ann\"}\nnot json\n");
  REQUIRE(cluster.pinion({"produce", "r", "--file", cluster.folder() / "lines"}).status == 0);
  const std::string file = cluster.partition_files("r").at(0);
  const Finished shown = run({.arguments = {"/usr/bin/sqlite3", "file:" + file + "?mode=ro",
                                            "select offset, value from readable "
                                            "where json->>'user' = 'ann'"}});
  INFO(shown.errors);
  CHECK(shown.status == 0);
  CHECK(shown.output == "0|{\"user\": \"ann\"}\n");
}

TEST_CASE("cluster: a shell's long read transaction fails no write, is shown, and caps the WAL",
          "[e2e][cluster]") {
  ProcessCluster cluster(1);
  cluster.add_node_config(1, "wal_mib_max = 16");
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "x"}).status == 0);
  const std::string file = cluster.partition_files("x").at(0);
  Shell shell(file);

  LogChecker log;
  LoadOptions options{.broker = cluster.address(), .topic = "x", .senders = 1};
  options.records_per_s = 5'000;
  options.value_bytes = 1'000;
  options.delivery_timeout = patience(5s);
  Load load(options, log);
  // Far below the cap no write fails, and the holder is named. A commit of one record may write
  // eight pages of 4 KiB: with 200 the log is far below, however fast the disk.
  const bool acknowledged = load.wait_for_more(200, patience(30s));
  INFO(load.problem() << "\n" << cluster.logs());
  REQUIRE(acknowledged);
  CHECK(log.counts().fail == 0);
  const std::string holder = std::to_string(shell.pid());
  CHECK(eventually(patience(20s), [&] {
    return cluster.pinion({"status", "--json"}).output.find(holder) != std::string::npos;
  }));

  // At the cap writes are refused, and the WAL stays near it.
  CHECK(eventually(patience(30s), [&] {
    return cluster.pinion({"status", "--json"}).output.find("storage_full") != std::string::npos;
  }));
  CHECK(std::filesystem::file_size(file + "-wal") < 28U << 20);
  // The shell sees what it saw when it began.
  shell.ask("SELECT 'still ' || count(*) FROM messages;", "still 0");

  shell.end();
  CHECK(load.wait_for_more(2'000, patience(30s)));
  load.finish();
  INFO(load.problem());
  CHECK(load.problem().empty());
  CHECK(read_everything(options, log, patience(60s)) == "");
  CHECK(joined(log.anomalies()) == "");
}

TEST_CASE("cluster: a shell that writes to a file halts that partition, loudly", "[e2e][cluster]") {
  ProcessCluster cluster(1);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  REQUIRE(cluster.pinion({"topic", "create", "h"}).status == 0);
  REQUIRE(cluster.pinion({"topic", "create", "other"}).status == 0);
  write_file(cluster.folder() / "lines", "a\nb\n");
  REQUIRE(cluster.pinion({"produce", "h", "--file", cluster.folder() / "lines"}).status == 0);
  const Finished foreign =
      run({.arguments = {"/usr/bin/sqlite3", cluster.partition_files("h").at(0),
                         "UPDATE messages SET value = 'forged' WHERE offset = 0"}});
  REQUIRE(foreign.status == 0);
  CHECK(eventually(patience(20s), [&] {
    // A write makes the store look; what it finds is another's change.
    const Finished sent = cluster.pinion({"topic", "describe", "h"});
    if (sent.output.find("halted") != std::string::npos) return true;
    TestProcess producer([&] {
      ProcessOptions produce = cluster.command({"produce", "h"});
      produce.input = cluster.folder() / "lines";
      return produce;
    }());
    (void)producer.wait(patience(1s));
    return false;
  }));
  CHECK(cluster.pinion({"produce", "other", "--file", cluster.folder() / "lines"}).status == 0);
  // Whoever asks for it is told, and does not take its silence for emptiness.
  for (const std::vector<std::string>& ask :
       {std::vector<std::string>{"produce", "h", "--file", cluster.folder() / "lines"},
        std::vector<std::string>{"consume", "h"},
        std::vector<std::string>{"consume", "h", "--idle-exit", "1"},
        std::vector<std::string>{"query", "h", "select 1"}}) {
    const Finished told = cluster.pinion(ask);
    INFO(ask.front() << "\n" << told.output << told.errors);
    CHECK(told.status == 1);
    CHECK(told.errors.find("halted") != std::string::npos);
  }
}
