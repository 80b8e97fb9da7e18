#include <catch2/catch.hpp>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"
#include "tests/support/raw_peer.hpp"

#include <csignal>
#include <filesystem>

using namespace pinion;
using namespace pinion::test;

TEST_CASE("pinion up: data is there after a clean restart, and after kill -9", "[e2e][cli]") {
  UpCluster cluster(2);
  const std::string topic = cluster.new_topic(2);
  REQUIRE(cluster.pinion({"produce", topic, "--partition", "0"}, "a\nb\n").status == 0);
  REQUIRE(cluster.pinion({"consume", topic, "--consumer", "c", "--max", "1"}).output == "a\n");

  cluster.restart();
  CHECK(cluster.pinion({"consume", topic}).output == "a\nb\n");

  cluster.process().kill();
  cluster.start();
  CHECK(cluster.pinion({"consume", topic}).output == "a\nb\n");
  CHECK(cluster.pinion({"consume", topic, "--consumer", "c"}).output == "b\n");
}

TEST_CASE("pinion up: SIGINT and SIGTERM end it with status 0", "[e2e][cli]") {
  for (const int signal : {SIGINT, SIGTERM}) {
    UpCluster cluster(1);
    cluster.process().signal(signal);
    CHECK(cluster.process().wait(patience(10s)) == 0);
    CHECK(lines_of(cluster.process().output()).size() == 1);
  }
}

TEST_CASE("pinion up: a data folder in use, and a port in use, are clear errors", "[e2e][cli]") {
  UpCluster cluster(1);
  const std::string port = std::to_string(free_port());
  const Finished same_data =
      run({.arguments = {programs() + "/pinion", "up", "--data", cluster.data(), "--port", port}},
          patience(20s));
  CHECK(same_data.status == 1);
  CHECK(lines_of(same_data.errors).size() == 1);
  CHECK(same_data.errors.find(cluster.data()) != std::string::npos);

  const TemporaryFolder other;
  const std::string used = cluster.address().substr(cluster.address().rfind(':') + 1);
  const Finished same_port =
      run({.arguments = {programs() + "/pinion", "up", "--data", other.path(), "--port", used}},
          patience(20s));
  CHECK(same_port.status == 1);
  CHECK(lines_of(same_port.errors).size() == 1);
  CHECK(same_port.errors.find(used) != std::string::npos);

  CHECK(cluster.pinion({"status"}).status == 0);
}

namespace {

/// The port at which the only node serves other nodes.
int data_port_of(UpCluster& cluster) {
  const std::string status = cluster.pinion({"status"}).output;
  INFO(status);
  const std::size_t address = status.find("tcp://", status.find("address"));
  REQUIRE(address != std::string::npos);
  return std::stoi(status.substr(status.find(':', address + 6) + 1));
}

int count_of(const std::string& text, const std::string& words) {
  int count = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("pinion up: a message at a node's port that never ends costs no client its connection",
          "[e2e][cli]") {
  UpCluster cluster(1);
  const std::string topic = cluster.new_topic();
  REQUIRE(cluster.pinion({"produce", topic}, "a\n").status == 0);
  const int port = data_port_of(cluster);
  std::string many;
  for (int i = 0; i < 30'000; ++i) many += std::string("\x01\x21", 2) + std::string(33, 'x');
  {
    RawPeer peer(port);
    REQUIRE(peer.shake_hands("hostile"));
    // Until it is cut off. A mebibyte takes four in memory.
    int sent = 0;
    while (sent < 600 && peer.send_bytes(many)) ++sent;
    CHECK(sent < 600);
  }
  const std::string log = cluster.data() + "/pinion.log";
  CHECK(eventually(patience(10s),
                   [&] { return count_of(read_file(log), "other nodes are cut off") >= 1; }));
  CHECK(eventually(patience(10s),
                   [&] { return count_of(read_file(log), "memory after the fuse") >= 1; }));
  CHECK(count_of(read_file(log), "clients are cut off") == 0);
  CHECK(cluster.pinion({"produce", topic}, "b\n").status == 0);
  CHECK(cluster.pinion({"consume", topic}).output == "a\nb\n");
}

TEST_CASE("pinion up: impossible arguments are refused", "[e2e][cli]") {
  const TemporaryFolder folder;
  write_file(folder / "file", "in the way");
  const std::vector<std::vector<std::string>> cases = {{"--data", folder / "d", "--nodes", "0"},
                                                       {"--data", folder / "d", "--nodes", "1000"},
                                                       {"--data", folder / "d", "--port", "70000"},
                                                       {"--data", folder / "file" + "/below"}};
  for (std::vector<std::string> arguments : cases) {
    arguments.insert(arguments.begin(), {programs() + "/pinion", "up"});
    const Finished done = run({.arguments = arguments}, patience(20s));
    INFO(done.errors);
    CHECK(done.status != 0);
    CHECK(done.status != 124);
    CHECK(lines_of(done.errors).size() == 1);
    CHECK(done.output.empty());
  }
}

TEST_CASE("pinion up: nodes that hold data are started again even when fewer are asked for",
          "[e2e][cli]") {
  UpCluster cluster(3);
  const std::string topic = cluster.new_topic(3);
  for (const char* partition : {"0", "1", "2"}) {
    REQUIRE(cluster.pinion({"produce", topic, "--partition", partition}, "x\n").status == 0);
  }
  cluster.process().signal(SIGTERM);
  REQUIRE(cluster.process().wait(patience(10s)) == 0);
  const int port = free_port();
  TestProcess fewer({.arguments = {programs() + "/pinion", "up", "--data", cluster.data(),
                                   "--nodes", "1", "--port", std::to_string(port)}});
  REQUIRE(fewer.wait_for_output("ready", patience(20s)));
  const Finished read =
      cluster.pinion({"--broker", "tcp://127.0.0.1:" + std::to_string(port), "consume", topic});
  CHECK(read.output == "x\nx\nx\n");
}

TEST_CASE("pinion up: a node whose folder is an older copy is named, and what to do",
          "[e2e][cli]") {
  namespace fs = std::filesystem;
  UpCluster cluster(1);
  const std::string topic = cluster.new_topic(1);
  REQUIRE(cluster.pinion({"produce", topic}, "a\n").status == 0);
  cluster.process().signal(SIGTERM);
  REQUIRE(cluster.process().wait(patience(10s)) == 0);
  const std::string node = cluster.data() + "/node-1";
  fs::copy(node, cluster.folder() / "older", fs::copy_options::recursive);
  cluster.start();
  cluster.process().signal(SIGTERM);
  REQUIRE(cluster.process().wait(patience(10s)) == 0);
  fs::remove_all(node);
  fs::copy(cluster.folder() / "older", node, fs::copy_options::recursive);

  const Finished refused =
      run({.arguments = {programs() + "/pinion", "up", "--data", cluster.data(), "--nodes", "1",
                         "--port", std::to_string(free_port())}},
          patience(20s));
  INFO(refused.errors);
  CHECK(refused.status == 1);
  CHECK(lines_of(refused.errors).size() == 1);
  CHECK(refused.errors.find("node 1's data folder is an older copy") != std::string::npos);
  CHECK(refused.errors.find("--restored") != std::string::npos);
}

TEST_CASE("pinion up: what the documented files keep is beside it, never among it", "[e2e][cli]") {
  // Both are tried in one folder by whoever reads the README.
  for (const char* file : {"broker", "partition-1", "partition-2", "partition-3"}) {
    const std::string text = read_file(std::string(PINION_SOURCES "/configs/") + file + ".toml");
    CHECK(text.find("\ndata_dir = \"data/production/" + std::string(file) + "\"\n") !=
          std::string::npos);
  }
}
