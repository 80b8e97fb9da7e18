#include <catch2/catch.hpp>

#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <csignal>

using namespace pinion;
using namespace pinion::test;

TEST_CASE("config: the files that come with Pinion are good", "[e2e][cluster]") {
  const std::string configs = PINION_SOURCES "/configs/";
  for (const auto& [program, file] :
       std::vector<std::pair<std::string, std::string>>{{"pinion-broker", "broker.toml"},
                                                        {"pinion-partition", "partition-1.toml"},
                                                        {"pinion-partition", "partition-2.toml"}}) {
    const Finished checked =
        run({.arguments = {programs() + "/" + program, "--check-config", configs + file}});
    INFO(file << "\n" << checked.errors);
    CHECK(checked.status == 0);
  }
}

TEST_CASE("config: a wrong file is refused by file, line and key, and nothing is started",
          "[e2e][cluster]") {
  const TemporaryFolder folder;
  const std::string file = folder / "wrong.toml";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"data_dir = 1\n", "data_dir"},
      {"\n\nno_such_key = true\n", "no_such_key"},
      {"client_bind = \"udp://x\"\n", "client_bind"},
      {"broken", "wrong.toml"},
  };
  for (const auto& [toml, says] : cases) {
    write_file(file, toml);
    for (const char* check : {"--check-config", ""}) {
      std::vector<std::string> arguments = {programs() + "/pinion-broker", file};
      if (*check != '\0') arguments.insert(arguments.begin() + 1, check);
      const Finished done = run({.arguments = arguments}, patience(10s));
      INFO(toml << "\n" << done.errors);
      CHECK(done.status == 1);
      CHECK(done.errors.find("wrong.toml") != std::string::npos);
      CHECK(done.errors.find(says) != std::string::npos);
      CHECK(std::count(done.errors.begin(), done.errors.end(), '\n') == 1);
    }
  }
  for (const char* program : {"pinion-broker", "pinion-partition"}) {
    const Finished none = run({.arguments = {programs() + "/" + program}});
    CHECK(none.status != 0);
    const Finished missing =
        run({.arguments = {programs() + "/" + program, folder / "missing.toml"}});
    CHECK(missing.status == 1);
    CHECK(missing.errors.find("missing.toml") != std::string::npos);
  }
}

TEST_CASE("config: one data folder serves one process", "[e2e][cluster]") {
  ProcessCluster cluster(2);
  cluster.set_node_data(2, cluster.node_data(1));
  cluster.start_broker();
  cluster.start_node(1);
  REQUIRE(eventually(patience(20s), [&] {
    return cluster.pinion({"status"}).output.find("alive") != std::string::npos;
  }));
  cluster.start_node(2);
  CHECK(cluster.node(2).wait(patience(10s)) == 1);
  CHECK(cluster.node(2).errors().find(cluster.node_data(1)) != std::string::npos);
}

TEST_CASE("config: a second broker on one port says that the address is in use", "[e2e][cluster]") {
  ProcessCluster cluster(1);
  cluster.start_broker();
  REQUIRE(cluster.broker().wait_for_output("ready", patience(10s)));
  const std::string file = cluster.folder() / "second.toml";
  write_file(file, "data_dir = \"" + cluster.folder() / "second" + "\"\nclient_bind = \"" +
                       cluster.address() + "\"\ncluster_bind = \"tcp://127.0.0.1:*\"\n");
  const Finished second = run({.arguments = {programs() + "/pinion-broker", file}}, patience(10s));
  CHECK(second.status == 1);
  CHECK(second.errors.find(cluster.address()) != std::string::npos);
}
