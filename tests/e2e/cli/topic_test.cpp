#include <catch2/catch.hpp>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"

using namespace pinion;
using namespace pinion::test;

namespace {

UpCluster& cluster() { return UpCluster::shared(); }

}  // namespace

TEST_CASE("pinion topic: create, list, describe, delete", "[e2e][cli]") {
  const Finished made = cluster().pinion({"topic", "create", "t-life", "--partitions", "4"});
  INFO(made.errors);
  REQUIRE(made.status == 0);
  CHECK(made.output.find("t-life") != std::string::npos);

  const Finished list = cluster().pinion({"topic", "list"});
  CHECK(list.status == 0);
  CHECK(list.output.find("t-life") != std::string::npos);

  const Finished described = cluster().pinion({"topic", "describe", "t-life"});
  CHECK(described.status == 0);
  CHECK(lines_of(described.output).size() >= 5);
  CHECK(described.output.find("online") != std::string::npos);

  const Finished kept = cluster().pinion({"topic", "delete", "t-life"});
  CHECK(kept.status != 0);
  CHECK(kept.errors.find("--yes") != std::string::npos);
  CHECK(cluster().pinion({"topic", "describe", "t-life"}).status == 0);

  CHECK(cluster().pinion({"topic", "delete", "t-life", "--yes"}).status == 0);
  CHECK(cluster().pinion({"topic", "describe", "t-life"}).status == 1);
  CHECK(cluster().pinion({"topic", "list"}).output.find("t-life") == std::string::npos);
}

TEST_CASE("pinion topic: --json is one document for each command", "[e2e][cli]") {
  const Finished made =
      cluster().pinion({"topic", "create", "t-json", "--partitions", "2", "--json"});
  INFO(made.errors);
  REQUIRE(made.status == 0);
  CHECK(made.output.rfind(R"({"name":"t-json","id":)", 0) == 0);
  CHECK(lines_of(made.output).size() == 1);

  const Finished list = cluster().pinion({"topic", "list", "--json"});
  CHECK(list.output.rfind("[{", 0) == 0);
  CHECK(list.output.find(R"("name":"t-json")") != std::string::npos);

  const Finished described = cluster().pinion({"topic", "describe", "t-json", "--json"});
  CHECK(described.output.find(R"("partition":1,"leader":)") != std::string::npos);
  CHECK(described.output.find(R"("state":"online")") != std::string::npos);

  const Finished gone = cluster().pinion({"topic", "delete", "t-json", "--yes", "--json"});
  CHECK(gone.output.rfind(R"({"name":"t-json","id":)", 0) == 0);
}

TEST_CASE("pinion topic: partitions are placed evenly over the nodes", "[e2e][cli]") {
  const Finished made =
      cluster().pinion({"topic", "create", "t-even", "--partitions", "6", "--json"});
  REQUIRE(made.status == 0);
  for (const char* node : {"\"leader\":1,", "\"leader\":2,", "\"leader\":3,"}) {
    std::size_t count = 0;
    for (std::size_t at = made.output.find(node); at != std::string::npos;
         at = made.output.find(node, at + 1)) {
      ++count;
    }
    INFO(made.output);
    CHECK(count == 2);
  }
}

TEST_CASE("pinion topic: a deleted topic's name can be used again and holds nothing",
          "[e2e][cli]") {
  REQUIRE(cluster().pinion({"topic", "create", "t-again"}).status == 0);
  REQUIRE(cluster().pinion({"produce", "t-again"}, "old\n").status == 0);
  REQUIRE(cluster().pinion({"topic", "delete", "t-again", "--yes"}).status == 0);
  REQUIRE(cluster().pinion({"topic", "create", "t-again"}).status == 0);
  REQUIRE(cluster().pinion({"produce", "t-again"}, "new\n").status == 0);
  CHECK(cluster().pinion({"consume", "t-again"}).output == "new\n");
}

TEST_CASE("pinion topic: what cannot be done is one line and a status that is not 0",
          "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"topic", "create", topic}, "exists"},
      {{"topic", "create", "no/slash"}, "no/slash"},
      {{"topic", "create", ".."}, ".."},
      {{"topic", "create", std::string(201, 'x')}, "200"},
      {{"topic", "create", "x", "--partitions", "0"}, "partitions"},
      {{"topic", "create", "x", "--partitions", "many"}, "partitions"},
      {{"topic", "create", "x", "--replication", "99"}, "replica"},
      {{"topic", "create", "x", "--min-insync", "9"}, "min_insync_replicas 9"},
      {{"topic", "alter", topic}, "--partitions 6"},
      {{"topic", "describe", "no-such-topic"}, "no-such-topic"},
      {{"topic", "delete", "no-such-topic", "--yes"}, "no-such-topic"},
      {{"topic"}, "command"},
      {{"topic", "create"}, "NAME"},
  };
  for (const auto& [arguments, says] : cases) {
    const Finished done = cluster().pinion(arguments);
    INFO(says << "\n" << done.errors);
    CHECK(done.status != 0);
    CHECK(done.status != 124);
    CHECK(done.errors.rfind("pinion: ", 0) == 0);
    CHECK(done.errors.find('\n') == done.errors.size() - 1);
    CHECK(done.errors.find(says) != std::string::npos);
  }
}
