// A person whose mouse is broken: everything by keys, in the real window.
#include <catch2/catch.hpp>

#include "tests/e2e/dashboard/screen.hpp"
#include "tests/support/process_cluster.hpp"

#include <string>

using namespace pinion;
using namespace pinion::test;

namespace {

void keys(Dashboard& it, std::initializer_list<const char*> all) {
  for (const char* key : all) it.key(key);
}

}  // namespace

TEST_CASE("dashboard: connect, send, consume, ask and look around by keys alone", "[.dashboard]") {
  ProcessCluster cluster(2);
  cluster.start_all();
  REQUIRE(cluster.wait_until_online());
  for (const char* topic : {"orders", "clicks"}) {
    const Finished made = cluster.pinion({"topic", "create", topic, "--partitions", "2"}, 60s);
    INFO(made.errors);
    REQUIRE(made.status == 0);
  }
  TemporaryFolder folder;
  const Screen screen;
  Dashboard it(screen, folder);

  // The address stands ready to be written over; one that is none is refused in its field.
  it.await("connect.address");
  it.key("ctrl+a");
  it.type("udp://nowhere");
  it.key("Return");
  it.await_text("connect.problem", "begins with tcp://");
  it.key("ctrl+a");
  it.type(cluster.address());
  it.key("Return");
  it.await_text("status.connection", "Connected");
  it.await_text("tile.partitions", "4 of 4", 30s);

  // A topic is found, and its partitions are opened.
  it.key("alt+3");
  it.await("topics.row.0");
  it.key("ctrl+f");
  it.type("ord");
  it.await_text("topics", "1 rows");
  keys(it, {"Escape", "Down", "space", "Down", "Return"});
  it.await_text("partitions.filter", "orders-");
  it.await("partitions.row.1");

  // It is chosen to send to; the editor keeps the keyboard.
  it.key("ctrl+2");
  it.await("produce.topic");
  keys(it, {"Escape", "Up", "space"});
  it.await("produce.topic.search");
  it.type("ord");
  it.key("Return");
  it.await_text("produce.topic", "orders");
  keys(it, {"Tab", "Tab"});
  it.type("by keys");
  it.key("ctrl+Return");
  it.await_text("produce.history.row.0", "by keys");
  it.type(", and on");
  it.key("ctrl+Return");
  it.await_text("produce.history.row.0", "by keys, and on");

  // It is consumed.
  it.key("ctrl+3");
  it.await("consume.topics");
  keys(it, {"Escape", "Left", "space"});
  it.await("consume.topics.search");
  it.type("ord");
  keys(it, {"Return", "Escape"});
  it.await_text("consume.topics", "orders");
  keys(it, {"Right", "Right", "Right", "Return"});
  it.await_text("consume.count", "2 records");

  // Another cluster is thought of, and not; the tab is closed, and Connect is there again.
  it.key("ctrl+t");
  it.await("connect.cancel");
  keys(it, {"Escape", "Escape"});
  it.await("consume.count");
  it.key("ctrl+w");
  it.await("connect.go");
}
