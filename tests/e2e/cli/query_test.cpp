#include <catch2/catch.hpp>

#include <csignal>

#include "tests/e2e/cli/up_cluster.hpp"
#include "tests/support/process_cluster.hpp"

using namespace pinion;
using namespace pinion::test;

namespace {

UpCluster& cluster() { return UpCluster::shared(); }

}  // namespace

TEST_CASE("pinion query: SQL over every partition, or one", "[e2e][cli]") {
  const std::string topic = cluster().new_topic(2);
  REQUIRE(cluster().pinion({"produce", topic, "--partition", "0"}, "a\nb\n").status == 0);
  REQUIRE(cluster().pinion({"produce", topic, "--partition", "1"}, "c\n").status == 0);

  const Finished all = cluster().pinion(
      {"query", topic, "select partition, count(*) as n from readable group by partition",
       "--csv"});
  INFO(all.errors);
  REQUIRE(all.status == 0);
  CHECK(all.output == "partition,n\n0,2\n1,1\n");

  const Finished one =
      cluster().pinion({"query", topic, "select value from readable", "--partition", "1"});
  REQUIRE(one.status == 0);
  CHECK(one.output == "value\nc\n");
}

TEST_CASE("pinion query: as a table, as CSV and as JSON", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  REQUIRE(cluster().pinion({"produce", topic, "--key-separator", "="}, "k=v,\"w\"\n").status == 0);
  const std::string sql = "select offset, key, value, null as absent, 1.5 as real from readable";
  CHECK(cluster().pinion({"query", topic, sql}).output.find("offset  key  value") == 0);
  CHECK(cluster().pinion({"query", topic, sql, "--csv"}).output ==
        "offset,key,value,absent,real\n0,k,\"v,\"\"w\"\"\",,1.5\n");
  CHECK(cluster().pinion({"query", topic, sql, "--json"}).output ==
        R"([{"offset":0,"key":"k","value":"v,\"w\"","absent":null,"real":1.5}])"
        "\n");
}

TEST_CASE("pinion query: a table stays small beside one large record, and says what it cut",
          "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  std::string input = std::string(1'000'000, 'x') + "\n";
  for (int i = 0; i < 500; ++i) input += "small\n";
  REQUIRE(cluster().pinion({"produce", topic}, input).status == 0);
  const std::string sql = "select value, offset from readable";
  const Finished table = cluster().pinion({"query", topic, sql});
  CHECK(table.status == 0);
  CHECK(lines_of(table.output).size() == 502);
  CHECK(table.output.size() < 502 * 220);
  CHECK(lines_of(table.errors).size() == 1);
  CHECK(table.errors.find("--json and --csv give them whole") != std::string::npos);
  const Finished csv = cluster().pinion({"query", topic, sql, "--csv"});
  CHECK(csv.output.find(std::string(1'000'000, 'x')) != std::string::npos);
  CHECK(csv.errors.empty());
}

TEST_CASE("pinion query: columns of one name and bytes that are no text are all there",
          "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  REQUIRE(cluster().pinion({"produce", topic}, "\xff\xfe\n").status == 0);
  CHECK(cluster().pinion({"query", topic, "select 1 as a, 2 as a, 3 as b", "--json"}).output ==
        "[{\"a\":1,\"a:1\":2,\"b\":3}]\n");
  CHECK(cluster().pinion({"query", topic, "select value from readable", "--csv"}).output ==
        "value\nx'fffe'\n");
}

TEST_CASE("pinion query: an interrupt ends it at once", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  TestProcess endless(cluster().command(
      {"query", topic,
       "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"}));
  // It has asked when the node is at work for it.
  REQUIRE(eventually(patience(20s), [&] {
    endless.signal(SIGINT);
    return endless.wait(patience(100ms)).has_value();
  }));
  CHECK(endless.wait(patience(1s)) == 130);
}

TEST_CASE("pinion query: the live log is read while it is written", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  ProcessOptions options = cluster().command({"produce", topic, "--report"});
  options.input = "-";
  TestProcess producer(options);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(producer.write_input("{\"n\": " + std::to_string(i) + "}\n"));
    REQUIRE(producer.wait_for_output("0 " + std::to_string(i) + "\n", patience(10s)));
    const Finished sum = cluster().pinion(
        {"query", topic, "select count(*), max(json->>'n') from readable", "--csv"});
    INFO(sum.errors);
    CHECK(lines_of(sum.output).at(1) == std::to_string(i + 1) + "," + std::to_string(i));
  }
}

TEST_CASE("pinion query: only reading is allowed, and errors say why", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  REQUIRE(cluster().pinion({"produce", topic}, "a\n").status == 0);
  for (const char* sql : {"delete from messages", "drop table messages",
                          "pragma journal_mode=delete", "attach '/tmp/x.db' as x",
                          "insert into meta values('a','b')", "select nonsense from readable",
                          "selec 1", "", "select 1; select 2", "create temp table t(x)"}) {
    const Finished done = cluster().pinion({"query", topic, sql});
    INFO(sql << "\n" << done.errors);
    CHECK(done.status == 1);
    CHECK(done.errors.rfind("pinion: ", 0) == 0);
    CHECK(done.errors.find('\n') == done.errors.size() - 1);
  }
  CHECK(cluster().pinion({"consume", topic}).output == "a\n");
}

TEST_CASE("pinion query: endless SQL ends at its limit, and the log is served meanwhile",
          "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  REQUIRE(cluster().pinion({"produce", topic}, "a\n").status == 0);
  TestProcess endless(cluster().command(
      {"query", topic,
       "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"}));
  REQUIRE(cluster().pinion({"produce", topic}, "b\n").status == 0);
  CHECK(cluster().pinion({"consume", topic}).output == "a\nb\n");
  CHECK(endless.wait(patience(40s)) == 1);
  CHECK(endless.errors().find("limit") != std::string::npos);
}

TEST_CASE("pinion query: more rows than the limit is said and is no success", "[e2e][cli]") {
  const std::string topic = cluster().new_topic();
  REQUIRE(cluster().pinion({"produce", topic}, "a\n").status == 0);
  const Finished many = cluster().pinion({"query", topic,
                                          "with recursive n(i) as (select 1 union all select i + 1 "
                                          "from n limit 200000) select i from n",
                                          "--csv"});
  CHECK(many.status == 1);
  CHECK(many.errors.find("more rows") != std::string::npos);
  CHECK(lines_of(many.output).size() > 1000);
}
