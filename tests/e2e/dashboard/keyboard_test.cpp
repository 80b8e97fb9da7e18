// A person whose mouse is broken: everything by keys, in the real window.
#include <catch2/catch.hpp>

#include "tests/e2e/dashboard/screen.hpp"
#include "tests/support/process_cluster.hpp"

#include <string>

using namespace pinion;
using namespace pinion::test;

namespace {

/// A key, until keys are for what is wanted; on a slow machine frames come later than keys.
void walk(Dashboard& it, const char* key, const std::string& to) {
  for (int i = 0; i < 6 && it.text_of("focus") != to; ++i) {
    it.key(key);
    static_cast<void>(eventually(1s, [&] { return it.text_of("focus") == to; }));
  }
  it.await_text("focus", to);
}

/// From a field to its neighbours: the field is left first, and keys are for nothing then.
void leave(Dashboard& it) {
  it.key("Escape");
  it.await_gone("focus");
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
  it.await_text("focus", "connect.address");
  it.key("ctrl+a");
  it.type("udp://nowhere");
  it.key("Return");
  it.await_text("connect.problem", "begins with tcp://");
  it.await_text("focus", "connect.address");
  it.key("ctrl+a");
  it.type(cluster.address());
  it.key("Return");
  it.await_text("status.connection", "Connected");
  it.await_text("tile.partitions", "4 of 4", 30s);

  // A topic is found, and its partitions are opened.
  it.key("alt+3");
  it.await("topics.row.0");
  it.key("ctrl+f");
  it.await_text("focus", "topics.filter");
  it.type("ord");
  it.await_text("topics", "1 rows");
  leave(it);
  walk(it, "Down", "topics");
  it.key("space");
  it.await_text("focus", "topics.rows");
  it.key("Down");
  it.await_text("focus", "topics.row.0");
  it.key("Return");
  it.await_text("partitions.filter", "orders-");
  it.await("partitions.row.1");

  // It is chosen to send to; the editor keeps the keyboard.
  it.key("ctrl+2");
  it.await("produce.topic");
  it.await_text("focus", "produce.partition");
  leave(it);
  walk(it, "Up", "produce.topic");
  it.key("space");
  it.await_text("focus", "produce.topic.search");
  it.type("ord");
  it.key("Return");
  it.await_text("produce.topic", "orders");
  it.await_gone("produce.topic.search");
  walk(it, "Tab", "produce.value");
  it.type("by keys");
  it.key("ctrl+Return");
  it.await_text("produce.history.row.0", "by keys");
  it.type(", and on");
  it.key("ctrl+Return");
  it.await_text("produce.history.row.0", "by keys, and on");

  // It is consumed.
  it.key("ctrl+3");
  it.await("consume.topics");
  it.await_text("focus", "consume.reader");
  leave(it);
  walk(it, "Left", "consume.topics");
  it.key("space");
  it.await_text("focus", "consume.topics.search");
  it.type("ord");
  it.key("Return");
  it.await_text("consume.topics", "orders");
  it.key("Escape");
  it.await_gone("consume.topics.search");
  walk(it, "Right", "consume.start_button");
  it.key("Return");
  it.await_text("consume.count", "2 records");

  // Another cluster is thought of, and not; the tab is closed, and Connect is there again.
  it.key("ctrl+t");
  it.await("connect.cancel");
  it.await_text("focus", "connect.address");
  leave(it);
  it.key("Escape");
  it.await("consume.count");
  it.await_text("focus", "consume.filter");
  leave(it);
  it.key("ctrl+w");
  it.await("connect.go");
}
