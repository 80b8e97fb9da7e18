// The whole story of a person in front of the dashboard, against processes that are really killed.
// Hidden, because it needs a display: the ctest test `dashboard` runs it (window.sh).
#include <catch2/catch.hpp>

#include "tests/e2e/dashboard/screen.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <string>

using namespace pinion;
using namespace pinion::test;

namespace {

void produce(const ProcessCluster& cluster, const TemporaryFolder& folder, const std::string& topic,
             const std::string& lines) {
  write_file(folder / "input", lines);
  const Finished done = cluster.pinion({"produce", topic}, 60s, folder / "input");
  INFO(done.errors);
  REQUIRE(done.status == 0);
}

void connect(Dashboard& it, const ProcessCluster& cluster) {
  it.fill("connect.address", cluster.address());
  it.key("Return");
  it.await_text("status.connection", "Connected");
  it.await_text("status.age", "Up to date");
}

void create_topic(Dashboard& it) {
  it.key("ctrl+2");
  it.click("produce.new_topic");
  it.await_text("focus", "produce.new_name");
  it.type("orders");
  it.key("Return");
  it.await_text("produce.topic_action", "Created orders");
}

void start_consumer(Dashboard& it) {
  it.key("ctrl+3");
  it.click("consume.topics");
  it.click("consume.topics.orders");
  it.await_text("consume.topics", "orders");
  it.key("Escape");
  it.click("consume.start_button");
  it.await("consume.countdown");
}

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE(
    "dashboard: connect, create, produce, consume once, SQL, export; processes die and return",
    "[.dashboard]") {
  ProcessCluster cluster(2);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  TemporaryFolder folder;
  const Screen screen;
  {
    Dashboard it(screen, folder);

    // A broker that is not there is told in words, at once; the right one is then another tab.
    it.fill("connect.address", "tcp://127.0.0.1:1");
    it.key("Return");
    it.await_text("connection.notice", "is pinion-broker running?");
    it.key("ctrl+t");
    connect(it, cluster);
    it.await_text("tile.nodes", "2 of 2");

    create_topic(it);
    it.click("produce.value");
    it.type("{\"user\": \"ann\", \"n\": 1}");
    it.key("ctrl+Return");
    it.await_text("produce.history.row.0", "partition 0, offset 0");

    // What was sent arrives; what comes later arrives with a refresh, and everything only once.
    start_consumer(it);
    it.await_text("consume.records.row.0", "ann");
    it.await_text("consume.count", "1 record, ");
    produce(cluster, folder, "orders", "second\nthird\n");
    it.click("consume.refresh");
    it.await_text("consume.count", "3 records");
    it.await_text("consume.records.row.2", "third");
    it.click("consume.refresh");
    it.await_text("consume.last", "brought 0");
    CHECK(it.text_of("consume.count").find("3 records") == 0);

    // By itself, every two seconds now.
    it.fill("consume.period", "2");
    it.key("Return");
    produce(cluster, folder, "orders", "fourth\n");
    it.await_text("consume.count", "4 records");

    // Live, and paused.
    it.click("consume.mode.1");
    it.await_text("consume.countdown", "Live");
    produce(cluster, folder, "orders", "fifth\n");
    it.await_text("consume.count", "5 records");
    it.click("consume.mode.0");

    // A partition broker dies, and comes back; then the leader broker does.
    it.key("ctrl+1");
    cluster.node(1).kill();
    it.await_text("tile.nodes", "1 lost");
    it.await("events.row.0", [&](const std::string&) {
      return it.screen_text().find("node 1 was lost") != std::string::npos;
    });
    cluster.start_node(1);
    it.await_text("tile.nodes", "2 of 2", 30s);
    CHECK(it.screen_text().find("node 1 is back") != std::string::npos);
    cluster.broker().kill();
    it.await_text("status.connection", "Connection lost");
    it.await_text("connection.notice", "Trying again by itself");
    cluster.start_broker();
    it.await_text("status.connection", "Connected", 30s);
    it.await_text("tile.partitions", "1 of 1", 30s);
    CHECK(it.screen_text().find("leader broker was started again") != std::string::npos);

    // SQL, with an error at its place, and an export.
    it.key("ctrl+5");
    it.click("sql.topic");
    it.click("sql.topic.orders");
    it.fill("sql.text", "select count(*) as n from readabel");
    it.key("ctrl+Return");
    it.await_text("sql.error", "Line 1, column 27");
    it.fill("sql.text", "select offset, value from readable order by offset");
    it.key("ctrl+Return");
    it.await_text("sql.outcome", "5 rows");
    it.await_text("sql.result.row.4", "fifth");
    it.click("sql.export");
    it.fill("export.path", folder / "rows.jsonl");
    it.click("export.go");
    it.await_text("export.result", "Wrote 5 rows");
    CHECK(count_lines(read_file(folder / "rows.jsonl")) == 5);
    it.key("Escape");

    // Its settings are kept a little later, also when it is killed.
    CHECK(eventually(10s, [&] {
      return read_file(folder / "dashboard.conf").find(cluster.address()) != std::string::npos;
    }));
    it.process().kill();
  }

  // Opened again it offers what was open, goes on where its consumer was, and shows only what is
  // new.
  produce(cluster, folder, "orders", "sixth\n");
  Dashboard again(screen, folder, {cluster.address()});
  again.await_text("status.connection", "Connected");
  again.key("ctrl+3");
  again.await_text("consume.topics", "orders");
  again.click("consume.start_button");
  again.await_text("consume.count", "1 record, ");
  again.await_text("consume.records.row.0", "sixth");
}

TEST_CASE("dashboard: a topic is altered and a node drained, with questions, words and progress",
          "[.dashboard]") {
  ProcessCluster cluster(2);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  const Finished made =
      cluster.pinion({"topic", "create", "orders", "--partitions", "2", "--replication", "1"}, 60s);
  INFO(made.errors);
  REQUIRE(made.status == 0);
  TemporaryFolder folder;
  const Screen screen;
  Dashboard it(screen, folder, {cluster.address()});
  it.await_text("status.connection", "Connected");
  it.await_text("tile.partitions", "2 of 2", 30s);

  it.click("cluster.tab.2");
  it.click("topics.row.0");
  it.click("topics.alter");
  it.fill("alter.kept_for", "2 d");
  it.await_text("alter.plan.text", "Records older than 2 d are dropped");
  it.click("alter.go");
  it.await_text("cluster.topic_action", "Altered orders");
  it.await_text("topics.row.0", "2 d");

  it.click("cluster.tab.1");
  it.click("nodes.row.0");
  it.click("nodes.drain");
  it.await_text("node.plan.text", "move to other nodes");
  it.click("node.go");
  it.await_text("nodes.action", "Node 1 is being drained");
  it.await_text("nodes.progress.1", "it holds nothing any more", 60s);
  it.click("nodes.remove");
  it.await_text("node.plan", "It is running; stop it first.");
  it.key("Escape");
  it.click("cluster.tab.0");
  it.await("events.row.0", [&](const std::string&) {
    return it.screen_text().find("node 1 is drained") != std::string::npos;
  });
}
