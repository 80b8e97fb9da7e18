#include <catch2/catch.hpp>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"

#include <memory>

using namespace pinion;
using namespace pinion::test;

namespace {

Finished run_pinion(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
  ProcessOptions options;
  options.arguments = std::move(arguments);
  options.arguments.insert(options.arguments.begin(), programs() + "/pinion");
  options.environment = std::move(environment);
  return run(options, patience(60s));
}

}  // namespace

TEST_CASE("command line: --help and --version of every program and command", "[e2e][cli]") {
  for (const char* program : {"pinion", "pinion-broker", "pinion-partition"}) {
    for (const char* option : {"--help", "--version"}) {
      const Finished done = run({.arguments = {programs() + "/" + program, option}});
      INFO(program << " " << option << "\n" << done.errors);
      CHECK(done.status == 0);
      CHECK_FALSE(done.output.empty());
      CHECK(done.errors.empty());
    }
  }
  for (const char* command :
       {"up", "topic", "produce", "consume", "status", "query", "verify", "bench"}) {
    const Finished done = run_pinion({command, "--help"});
    INFO(command);
    CHECK(done.status == 0);
    CHECK(done.output.find("--broker") != std::string::npos);
  }
}

TEST_CASE("command line: --broker stands before or after the command, and beats the environment",
          "[e2e][cli]") {
  UpCluster& cluster = UpCluster::shared();
  const std::string wrong = "PINION_BROKER=tcp://127.0.0.1:1";
  CHECK(run_pinion({"--broker", cluster.address(), "topic", "list"}, {wrong}).status == 0);
  CHECK(run_pinion({"topic", "list", "--broker", cluster.address()}, {wrong}).status == 0);
  CHECK(run_pinion({"topic", "--broker", cluster.address(), "list"}, {wrong}).status == 0);
  CHECK(run_pinion({"status", "--broker=" + cluster.address()}, {wrong}).status == 0);
  CHECK(run_pinion({"topic", "list"}, {"PINION_BROKER=" + cluster.address()}).status == 0);
}

TEST_CASE("command line: a broker that is not there is an error that says what to do",
          "[e2e][cli]") {
  const std::string nobody = "tcp://127.0.0.1:" + std::to_string(free_port());
  const std::vector<std::vector<std::string>> commands = {
      {"topic", "list"}, {"status"}, {"consume", "t"}, {"query", "t", "select 1"}};
  std::vector<std::unique_ptr<TestProcess>> all;
  for (const std::vector<std::string>& command : commands) {
    ProcessOptions options;
    options.arguments = {programs() + "/pinion", "--broker", nobody};
    options.arguments.insert(options.arguments.end(), command.begin(), command.end());
    all.push_back(std::make_unique<TestProcess>(options));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i]->wait(patience(60s)) == 1);
    const std::string errors = all[i]->errors();
    INFO(commands[i].front() << "\n" << errors);
    CHECK(lines_of(errors).size() == 1);
    CHECK(errors.find(nobody) != std::string::npos);
    CHECK(errors.find("pinion up") != std::string::npos);
  }
}

TEST_CASE("command line: an address that is none is refused at once", "[e2e][cli]") {
  for (const char* address : {"localhost", "http://127.0.0.1:5550", "tcp://", "tcp://127.0.0.1",
                              "tcp://127.0.0.1:port", "tcp://127.0.0.1:99999", "tcp://*:5550"}) {
    const Finished done = run_pinion({"--broker", address, "topic", "list"});
    INFO(address << "\n" << done.errors);
    CHECK(done.status != 0);
    CHECK(lines_of(done.errors).size() == 1);
    CHECK(done.errors.find("tcp://HOST:PORT") != std::string::npos);
  }
}

TEST_CASE("command line: what is not understood ends with status 2 and one line", "[e2e][cli]") {
  const std::vector<std::vector<std::string>> cases = {{},
                                                       {"frobnicate"},
                                                       {"produce"},
                                                       {"--no-such-option"},
                                                       {"topic", "rename", "a"},
                                                       {"consume", "t", "--max"},
                                                       {"up"},
                                                       {"produce", "a", "b"}};
  for (const std::vector<std::string>& arguments : cases) {
    const Finished done = run_pinion(arguments);
    INFO(done.errors);
    CHECK(done.status == 2);
    CHECK(lines_of(done.errors).size() == 1);
    CHECK(done.errors.find("--help") != std::string::npos);
  }
}

TEST_CASE("command line: what is empty or no text is refused with what to write instead",
          "[e2e][cli]") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"produce", "t", "--key-separator", ""}, "--key-separator"},
      {{"produce", "t", "--header", "\xff=1"}, "NAME is not UTF-8"},
      {{"query", "t", "select \xff"}, "x'00ff'"},
      {{"topic", "describe", ""}, "pinion topic list"},
      {{"consume", ""}, "pinion topic list"},
      {{"node", "drain", "0"}, "from 1"},
      {{"up", "--data", "/nowhere", "--http", "4000", "--http", "4000"}, "4000 twice"}};
  for (const auto& [arguments, says] : cases) {
    const Finished done = run_pinion(arguments);
    INFO(says << "\n" << done.errors);
    CHECK(done.status == 2);
    CHECK(lines_of(done.errors).size() == 1);
    CHECK(done.errors.find(says) != std::string::npos);
  }
}

TEST_CASE("command line: an error says what to do about it", "[e2e][cli]") {
  UpCluster& cluster = UpCluster::shared();
  const Finished node = cluster.pinion({"node", "drain", "9"});
  CHECK(node.status == 1);
  CHECK(node.errors.find("there is no node 9; pinion node list") != std::string::npos);
  const std::string topic = cluster.new_topic();
  const Finished folder = cluster.pinion({"produce", topic, "--file", "/tmp"});
  CHECK(folder.status == 1);
  CHECK(folder.errors.find("Is a directory; name a file") != std::string::npos);
  ProcessOptions shell;
  shell.arguments = {"/bin/sh", "-c", "\"$0\" produce \"$1\" <&-", programs() + "/pinion", topic};
  shell.environment = {"PINION_BROKER=" + cluster.address()};
  const Finished closed = run(shell, patience(30s));
  CHECK(closed.status == 1);
  CHECK(lines_of(closed.errors).size() == 1);
  CHECK(closed.errors.find("--file") != std::string::npos);
}

TEST_CASE("command line: consume --help says what a pipe does to a position", "[e2e][cli]") {
  CHECK(run_pinion({"consume", "--help"}).output.find("| head") != std::string::npos);
}

TEST_CASE("command line: an odd value is refused with the option's name and the value",
          "[e2e][cli]") {
  const std::vector<std::vector<std::string>> cases = {
      {"--seconds", "1e300", "bench", "produce"},
      {"--seconds", "nan", "bench", "produce"},
      {"--seconds", "-1", "bench", "produce"},
      {"--messages", "0", "bench", "storage"},
      {"--messages", "99999999999999999999", "bench", "storage"},
      {"--batch", "0", "bench", "storage"},
      {"--replication", "-1", "bench", "produce"},
      {"--partition", "-1", "consume", "t"},
      {"--partition", "first", "produce", "t"},
      {"--partition", "4294967296", "query", "t", "select 1"},
      {"--idle-exit", "inf", "consume", "t"},
      {"--header", "foo", "produce", "t"},
      {"--from", "abc", "consume", "t"},
      {"--from", "-5", "consume", "t"},
      {"--broker", "garbage", "status"},
      {"--partitions", "-1", "topic", "create", "t"},
      {"--partitions", "-1", "topic", "alter", "t"},
      {"--replication", "-1", "topic", "create", "t"},
      {"--min-insync", "-1", "topic", "alter", "t"},
      {"--retention-ms", "-1", "topic", "create", "t"},
      {"--unclean", "2", "topic", "alter", "t"},
      {"--max", "99999999999999999999999", "consume", "t"}};
  for (const std::vector<std::string>& odd : cases) {
    std::vector<std::string> arguments(odd.begin() + 2, odd.end());
    arguments.push_back(odd[0] + "=" + odd[1]);
    const Finished done = run_pinion(arguments);
    INFO(odd[0] << " " << odd[1] << "\n" << done.errors);
    CHECK(done.status == 2);
    CHECK(lines_of(done.errors).size() == 1);
    CHECK(done.errors.find(odd[0]) != std::string::npos);
    CHECK(done.errors.find(odd[1]) != std::string::npos);
  }
  CHECK(run_pinion({"topic", "alter", "t", "--unclean", "2"}).errors.find("0 or 1") !=
        std::string::npos);
  CHECK(run_pinion({"consume", "t", "--consumer", ""}).errors.find("--consumer") !=
        std::string::npos);
  CHECK(run_pinion({"frobnicate"}).errors.find("frobnicate") != std::string::npos);
}
