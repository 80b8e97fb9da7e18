// What a person does beside the main story: seek, filter, pause, export, browse, send files,
// delete.
#include <catch2/catch.hpp>

#include "tests/e2e/dashboard/screen.hpp"
#include "tests/support/process_cluster.hpp"

#include <algorithm>
#include <string>

using namespace pinion;
using namespace pinion::test;

namespace {

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// A cluster of one node with a topic of ten records in one partition.
class Desk {
 public:
  Desk() {
    cluster.start_all();
    REQUIRE(cluster.wait_until_online());
    const Finished made = cluster.pinion({"topic", "create", "orders", "--partitions", "1"}, 60s);
    INFO(made.errors);
    REQUIRE(made.status == 0);
    std::string lines;
    for (int i = 0; i < 10; ++i) {
      lines +=
          "{\"n\": " + std::to_string(i) + ", \"of\": \"" + (i % 2 == 0 ? "ann" : "bob") + "\"}\n";
    }
    produce(lines);
  }

  void produce(const std::string& lines) {
    write_file(folder / "input", lines);
    const Finished done = cluster.pinion({"produce", "orders"}, 60s, folder / "input");
    INFO(done.errors);
    REQUIRE(done.status == 0);
  }

  TemporaryFolder folder;
  ProcessCluster cluster{1};
};

}  // namespace

TEST_CASE("dashboard: a consumer is filtered, exported, paused, sought and shown in a theme",
          "[.dashboard]") {
  Desk desk;
  const Screen screen;
  Dashboard it(screen, desk.folder, {desk.cluster.address()});
  it.await_text("status.connection", "Connected");
  it.key("ctrl+3");
  it.click("consume.topics");
  it.click("consume.topics.orders");
  it.await_text("consume.topics", "orders");
  it.key("Escape");
  it.click("consume.start_button");
  it.await_text("consume.count", "10 records");

  it.fill("consume.filter", ".of = ann");
  it.await_text("consume.count", "5 of 10 records match");
  it.click("consume.export");
  it.fill("export.path", desk.folder / "ann.jsonl");
  it.click("export.go");
  it.await_text("export.result", "Wrote 5 rows");
  CHECK(count_lines(read_file(desk.folder / "ann.jsonl")) == 5);
  it.click("export.go");
  it.await_text("export.result", "already");
  it.click("export.replace");
  it.await_text("export.result", "Wrote 5 rows");
  it.key("Escape");
  it.fill("consume.filter", "nobody");
  it.await_text("empty", "No record matches");
  it.click("consume.no_match.clear");
  it.await_text("consume.count", "10 records");

  it.click("consume.mode.2");
  it.await_text("consume.countdown", "Paused");
  desk.produce("later\n");
  it.click("consume.mode.0");
  it.click("consume.refresh");
  it.await_text("consume.count", "11 records");

  // What is read from there stands in the box, and nothing twice.
  it.click("consume.seek");
  it.click("consume.seek_to.2");
  it.fill("consume.seek_offset", "8");
  it.key("Return");
  it.await_text("consume.count", "3 records");
  it.await_text("consume.records.row.0", "{\\\"n\\\": 8");

  it.click("consume.records.row.2");
  it.await_text("detail.title", "orders 0 10");
  it.click("theme");
  it.await_text("theme", "Dark theme");
  CHECK(eventually(10s, [&] {
    return read_file(desk.folder / "dashboard.conf").find("dark = false") != std::string::npos;
  }));
}

TEST_CASE("dashboard: a file is sent, a rate is cancelled, a partition browsed, a topic deleted",
          "[.dashboard]") {
  Desk desk;
  const Screen screen;
  Dashboard it(screen, desk.folder, {desk.cluster.address()});
  it.await_text("status.connection", "Connected");
  it.key("ctrl+2");
  it.click("produce.topic");
  it.click("produce.topic.orders");
  it.await_text("produce.topic", "orders");
  it.click("produce.how.3");
  write_file(desk.folder / "lines", "one\ntwo\nthree\n");
  it.fill("produce.file", desk.folder / "lines");
  it.click("produce.send");
  it.await_text("produce.history.row.0", "3 acknowledged");

  it.click("produce.how.2");
  it.click("produce.value");
  it.type("slow");
  it.click("produce.send");
  it.await_text("produce.history.row.0", "slow");
  it.click("produce.history.row.0");
  it.click("produce.cancel");
  it.await_text("produce.history.row.0", "cancelled");

  it.key("ctrl+4");
  it.click("browse.topic");
  it.click("browse.topic.orders");
  it.await_text("browse.range", "orders-0 holds 0 to ");
  it.click("browse.place.0");
  it.click("browse.go");
  it.await_text("browse.records.row.0", "{\\\"n\\\": 0");

  it.key("ctrl+1");
  it.key("alt+3");
  it.click("topics.row.0");
  it.click("topics.delete");
  it.await_text("focus", "delete.confirm");
  it.type("order");
  it.key("Return");
  it.await_text("delete.problem", "Nothing was deleted");
  it.await_text("focus", "delete.confirm");  // The field has taken the keyboard back.
  it.fill("delete.confirm", "orders");
  it.key("Return");
  it.await_text("cluster.topic_action", "Deleted orders");
  it.await_text("empty", "There is no topic yet");
}
