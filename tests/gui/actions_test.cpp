// What a person does, and what the program then asks for and says.
#include <catch2/catch.hpp>

#include "tests/gui/headless.hpp"

#include <string>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

std::shared_ptr<Snapshot> copy_of(Scene scene) {
  return std::make_shared<Snapshot>(*make_scene(scene, scene_time()));
}

}  // namespace

TEST_CASE("producer: Send asks for what is in the form, and says what is wrong with it", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::produce);
  it.frames(3);
  REQUIRE(it.click("produce.send"));
  CHECK_FALSE(it.taken<SendRecords>());
  CHECK(it.text_of("produce.problem") == "Choose a topic first.");
  it.tab().producer.topic = "orders";
  REQUIRE(it.click("produce.value"));
  it.type("{\"a\": ");
  REQUIRE(it.click("produce.send"));
  CHECK(it.text_of("produce.problem").find("The value is no JSON: line 1") == 0);
  REQUIRE(it.click("produce.value"));
  it.key(ImGuiKey_End);
  it.type("1}");
  it.tab().producer.has_key = true;
  it.tab().producer.key = "ann";
  it.frames(2);  // What was wrong is gone, and what stood below it moves up.
  REQUIRE(it.click("produce.send"));
  const auto sent = it.taken<SendRecords>();
  REQUIRE(sent);
  CHECK(sent->plan.draft.topic == "orders");
  CHECK(sent->plan.draft.key == "ann");
  CHECK(sent->plan.draft.value.find("1}") != std::string::npos);
  CHECK(sent->plan.count == 1);
}

TEST_CASE("producer: nothing is sent while there is no connection", "[gui]") {
  Headless it(make_scene(Scene::broken, scene_time()));
  it.show(Panel::produce);
  it.tab().producer.topic = "orders";
  it.frames(3);
  it.click("produce.send");
  CHECK_FALSE(it.taken<SendRecords>());
  CHECK(it.text_of("connection.notice").find("The connection is lost") == 0);
}

TEST_CASE("producer: a job of the history can be sent again", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::produce);
  it.frames(3);
  REQUIRE(it.click("produce.history.row.1"));
  it.frames(2);
  REQUIRE(it.click("produce.again"));
  const auto sent = it.taken<SendRecords>();
  REQUIRE(sent);
  CHECK(sent->plan.draft.key == "ann");
}

TEST_CASE("consumer: Start names topics, reader and the period of thirty seconds", "[gui]") {
  Headless it(make_scene(Scene::empty, scene_time()));
  it.show(Panel::consume);
  it.tab().consumer.topics = {"orders"};
  it.frames(3);
  REQUIRE(it.click("consume.start_button"));
  const auto started = it.taken<StartReading>();
  REQUIRE(started);
  CHECK(started->settings.topics == std::vector<std::string>{"orders"});
  CHECK(started->settings.reader == "test");
  CHECK(started->settings.period == Micros(30s));
  CHECK(started->from.kind == ReadPlace::Kind::committed);
}

TEST_CASE("consumer: the countdown runs, and refresh, live, pause are a click away", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  CHECK(it.text_of("consume.countdown") == "Next in 0:22");
  it.pass(10s);
  it.frame();
  CHECK(it.text_of("consume.countdown") == "Next in 0:12");
  REQUIRE(it.click("consume.refresh"));
  CHECK(it.taken<RefreshReading>());
  REQUIRE(it.click("consume.mode.1"));
  CHECK(it.taken<SetReadMode>()->mode == ReadMode::live);
  REQUIRE(it.click("consume.mode.2"));
  CHECK(it.taken<SetReadMode>()->mode == ReadMode::paused);
  REQUIRE(it.click("consume.clear"));
  CHECK(it.taken<ClearRecords>());
}

TEST_CASE("consumer: a filter narrows the table, and says so", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  CHECK(it.text_of("consume.count").find("420 records") == 0);
  REQUIRE(it.click("consume.filter"));
  it.type(".user.name = ann");
  it.frames(3);
  const std::string text = it.text_of("consume.count");
  CHECK(text.find(" of 420 records match") != std::string::npos);
  it.tab().consumer.grid.follows = false;
  it.tab().consumer.grid.top = 0;
  it.frame();
  CHECK(it.text_of("consume.records.row.0").find("ann") != std::string::npos);
  it.type(" partition:x");
  it.frames(2);
  CHECK(it.text_of("consume.filter_problem").find("partition: wants a number") == 0);
}

TEST_CASE("consumer: JSON paths become columns", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  REQUIRE(it.click("consume.columns"));
  it.frames(2);
  REQUIRE(it.click("consume.paths"));
  it.type(".user.tier, .paid");
  it.frames(2);
  CHECK(it.find("consume.records.head..user.tier") != nullptr);
  CHECK(it.find("consume.records.head..paid") != nullptr);
  it.type(", $[\"a,b\"].c");  // A comma in a name divides nothing.
  it.frames(2);
  CHECK(it.find("consume.paths_problem") == nullptr);
  CHECK(it.find("consume.records.head.$[\"a,b\"].c") != nullptr);
  it.type(", .a[");
  it.frames(2);
  CHECK(it.text_of("consume.paths_problem").find(".a[: a bracket") == 0);
}

TEST_CASE("consumer: a chosen record is shown in full, and can be sent again", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  REQUIRE(it.click("consume.records.row.409"));
  CHECK(it.text_of("detail.title") == "orders 1 16136");
  REQUIRE(it.click("detail.resend"));
  it.frames(2);
  CHECK(it.text_of("rail.produce") == "chosen");
  CHECK(it.tab().producer.topic == "orders");
  CHECK_FALSE(it.tab().producer.value.empty());
}

TEST_CASE("consumer: what was dropped from view is counted on the screen", "[gui]") {
  Headless it(make_scene(Scene::broken, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  CHECK(it.text_of("consume.dropped") == "123,456,789 older ones dropped from view");
  CHECK(it.text_of("consume.problem").find("no live leader") != std::string::npos);
}

TEST_CASE("cluster: deleting a topic names what is lost, and wants its name typed", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::cluster);
  it.tab().cluster.tab = 2;
  it.frames(3);
  REQUIRE(it.click("topics.row.2"));
  REQUIRE(it.click("topics.delete"));
  it.frames(2);
  it.click("delete.go");
  CHECK_FALSE(it.taken<RemoveTopic>());
  REQUIRE(it.click("delete.confirm"));
  it.type("orders");
  REQUIRE(it.click("delete.go"));
  const auto removed = it.taken<RemoveTopic>();
  REQUIRE(removed);
  CHECK(removed->name == "orders");
}

TEST_CASE("cluster: a new topic is asked for with its partitions", "[gui]") {
  Headless it(make_scene(Scene::empty, scene_time()));
  it.show(Panel::cluster);
  it.frames(3);
  REQUIRE(it.click("cluster.new_topic"));
  it.frames(3);
  REQUIRE(it.click("topic.name"));
  it.type("fresh");
  it.key(ImGuiKey_Enter);
  const auto made = it.taken<MakeTopic>();
  REQUIRE(made);
  CHECK(made->name == "fresh");
  CHECK(made->config.partitions == 3);
}

TEST_CASE("cluster: a node is drained after a question that says what happens", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::cluster);
  it.tab().cluster.tab = 1;
  it.frames(3);
  CHECK(it.text_of("nodes.progress.3").find("replicas have left node 3") != std::string::npos);
  it.click("nodes.drain");  // Nothing is chosen: it does nothing.
  it.frames(2);
  CHECK(it.find("node.go") == nullptr);
  REQUIRE(it.click("nodes.row.1"));
  REQUIRE(it.click("nodes.drain"));
  it.frames(3);
  CHECK(it.text_of("node.plan.text").find("move to other nodes") != std::string::npos);
  CHECK_FALSE(it.taken<ChangeNode>());
  REQUIRE(it.click("node.go"));
  const auto drained = it.taken<ChangeNode>();
  REQUIRE(drained);
  CHECK(drained->command == NodeCommand::drain);
  CHECK(drained->node == NodeId(2));
  it.frames(2);
  CHECK(it.find("node.go") == nullptr);
  auto done = copy_of(Scene::ordinary);
  done->node_action = {1, false, true, "Node 2 is being drained; 7 partitions are being moved."};
  it.show(done);
  it.frames(2);
  CHECK(it.text_of("nodes.action").find("7 partitions are being moved") != std::string::npos);
}

TEST_CASE("cluster: a node that holds something cannot be removed; it says why", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::cluster);
  it.tab().cluster.tab = 1;
  it.frames(3);
  REQUIRE(it.click("nodes.row.0"));
  REQUIRE(it.click("nodes.remove"));
  it.frames(3);
  CHECK(it.text_of("node.plan").find("drain it first") != std::string::npos);
  it.click("node.go");
  CHECK_FALSE(it.taken<ChangeNode>());
  REQUIRE(it.click("node.cancel"));
  it.frames(2);
  REQUIRE(it.click("nodes.row.2"));
  REQUIRE(it.click("nodes.keep"));
  it.frames(3);
  REQUIRE(it.click("node.go"));
  CHECK(it.taken<ChangeNode>()->command == NodeCommand::keep);
  REQUIRE(it.click("nodes.rebalance"));
  it.frames(3);
  REQUIRE(it.click("node.go"));
  CHECK(it.taken<ChangeNode>()->command == NodeCommand::rebalance);
}

TEST_CASE("cluster: altering a topic asks for the difference only, and names what is lost",
          "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::cluster);
  it.tab().cluster.tab = 2;
  it.frames(3);
  REQUIRE(it.click("topics.row.2"));
  REQUIRE(it.click("topics.alter"));
  it.frames(3);
  it.click("alter.go");
  CHECK_FALSE(it.taken<ChangeTopic>());  // Nothing is different yet.
  REQUIRE(it.click("alter.kept_for"));
  it.type("2 d");
  it.frames(2);
  CHECK(it.text_of("alter.plan.text").find("Records older than 2 d are dropped, for good.") !=
        std::string::npos);
  REQUIRE(it.click("alter.go"));
  const auto changed = it.taken<ChangeTopic>();
  REQUIRE(changed);
  CHECK(changed->change.name == "orders");
  CHECK(changed->change.retention_ms == 172'800'000);
  CHECK(changed->change.partitions == -1);
  CHECK(changed->change.min_insync_replicas == -1);
}

TEST_CASE("cluster: the chosen topic stays chosen when rows move", "[gui]") {
  auto snapshot = copy_of(Scene::ordinary);
  Headless it(snapshot);
  it.show(Panel::cluster);
  it.tab().cluster.tab = 2;
  it.frames(3);
  REQUIRE(it.click("topics.row.2"));
  auto cluster = std::make_shared<ClusterView>(*snapshot->cluster);
  TopicRow first = cluster->topics.front();
  first.name = "a";
  cluster->topics.insert(cluster->topics.begin(), first);
  cluster->answered_at += 2s;
  auto later = copy_of(Scene::ordinary);
  later->cluster = cluster;
  it.show(later);
  it.frames(2);
  REQUIRE(it.click("topics.delete"));
  it.frames(2);
  CHECK(it.tab().cluster.action.doomed == "orders");
}

TEST_CASE("cluster: a partition says who follows, and how far behind", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::cluster);
  it.tab().cluster.tab = 3;
  it.tab().cluster.partition_filter = "shipping-1";
  it.frames(3);
  REQUIRE(it.click("partitions.row.0"));
  it.frames(2);
  CHECK(it.text_of("partition.followers").find("not in sync, 1,204 records behind for 41 s") !=
        std::string::npos);
}

TEST_CASE("topics: a list is searched by typing, favourites first", "[gui]") {
  Headless it(make_scene(Scene::huge, scene_time()));
  it.show(Panel::sql);
  it.frames(3);
  REQUIRE(it.click("sql.topic"));
  it.frames(3);
  it.type("M-03");
  it.frames(3);
  CHECK(it.find("sql.topic.stream-003") == nullptr);
  REQUIRE(it.click("star.stream-037"));
  it.frames(2);
  CHECK(it.shell().settings().favourites == std::vector<std::string>{"stream-037"});
  CHECK(it.find("sql.topic.stream-037")->min.y < it.find("sql.topic.stream-030")->min.y);
  REQUIRE(it.click("sql.topic.stream-037"));
  it.frames(2);
  CHECK(it.tab().sql.topic == "stream-037");
  CHECK(it.find("sql.topic.search") == nullptr);  // It is closed.
}

TEST_CASE("sql: another topic is asked in all of its partitions", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::sql);
  it.tab().sql.topic = "orders";
  it.tab().sql.partition = "2";
  it.frames(3);
  REQUIRE(it.click("sql.topic"));
  REQUIRE(it.click("sql.topic.clicks"));
  it.frames(2);
  REQUIRE(it.click("sql.run"));
  const auto asked = it.taken<RunQuery>();
  REQUIRE(asked);
  CHECK(asked->topic == "clicks");
  CHECK_FALSE(asked->partition);
}

TEST_CASE("consumer: topics of another cluster can be unchosen", "[gui]") {
  Headless it(make_scene(Scene::empty, scene_time()));
  it.show(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.tab().consumer.topics = {"elsewhere"};
  auto idle = copy_of(Scene::ordinary);
  idle->consume = std::make_shared<const ConsumeView>();
  it.show(idle);
  it.frames(3);
  REQUIRE(it.click("consume.topics"));
  it.frames(3);
  REQUIRE(it.click("missing.elsewhere"));
  REQUIRE(it.click("consume.topics.orders"));
  CHECK(it.tab().consumer.topics == std::vector<std::string>{"orders"});
}

TEST_CASE("producer: bytes that are no text are sent as they are", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  const std::string bytes("\x89PNG\0\xff", 6);
  set_draft(it.tab().producer, {"orders", bytes, {{"h", bytes}}, bytes, {}});
  it.show(Panel::produce);
  it.frames(3);
  CHECK(it.text_of("produce.value") == "bytes");
  it.click("produce.value");
  it.type("typed");
  REQUIRE(it.click("produce.send"));
  const auto sent = it.taken<SendRecords>();
  REQUIRE(sent);
  CHECK(sent->plan.draft.value == bytes);
  CHECK(sent->plan.draft.key == bytes);
  CHECK(sent->plan.draft.headers[0].value == bytes);
  REQUIRE(it.click("produce.value.replace"));
  it.frames(2);
  REQUIRE(it.click("produce.value"));
  it.type("text");
  CHECK(it.tab().producer.value == "text");
}

TEST_CASE("producer: emoji survive what is typed beside them", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  set_draft(it.tab().producer,
            {"orders", "\U0001F600", {}, "party \U0001F389\u7530 \U0001F600", {}});
  it.show(Panel::produce);
  it.frames(3);
  REQUIRE(it.click("produce.value"));
  it.key(ImGuiKey_End);
  it.type("!");
  it.frames(2);
  CHECK(it.tab().producer.value == "party \U0001F389\u7530 \U0001F600!");
  REQUIRE(it.click("produce.key"));
  it.key(ImGuiKey_End);
  it.type("k");
  it.frames(2);
  CHECK(it.tab().producer.key == "\U0001F600k");
}

TEST_CASE("producer: an export is sent as one", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::produce);
  it.tab().producer.topic = "orders";
  it.tab().producer.how = 3;
  it.frames(3);
  REQUIRE(it.click("produce.file_kind.1"));
  REQUIRE(it.click("produce.file"));
  it.type("/tmp/export.jsonl");
  REQUIRE(it.click("produce.send"));
  const auto sent = it.taken<SendRecords>();
  REQUIRE(sent);
  CHECK(sent->plan.exported);
  CHECK(sent->plan.file == "/tmp/export.jsonl");
}

TEST_CASE("tables: they are entered, moved in and left by keys alone", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::cluster);
  it.tab().cluster.tab = 2;
  it.frames(3);
  REQUIRE(it.click("topics.filter"));
  it.key(ImGuiKey_Escape);
  it.frames(2);
  it.key(ImGuiKey_DownArrow);
  it.frames(3);
  CHECK(it.focused() == "topics");
  it.key(ImGuiKey_Space);
  it.frames(3);
  CHECK(it.focused() == "topics.rows");
  it.key(ImGuiKey_DownArrow);
  it.frames(2);
  CHECK(it.focused() == "topics.row.0");
  it.key(ImGuiKey_DownArrow);
  it.frames(2);
  CHECK(it.tab().cluster.topics.selected == 1);
  CHECK(it.focused() == "topics.row.1");
}

TEST_CASE("tables: columns that do not fit are scrolled to", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()), 1024, 700);
  it.show(Panel::cluster);
  it.tab().cluster.tab = 3;
  it.frames(3);
  const auto shown = [&](const std::string& name) {
    const DescribedItem* head = it.find(name);
    return head != nullptr && head->max.x - head->min.x > 20;
  };
  CHECK(shown("partitions.head.Partition"));
  CHECK_FALSE(shown("partitions.head.Out"));
  REQUIRE(it.click("partitions.row.0"));
  for (int i = 0; i < 20; ++i) it.key(ImGuiKey_RightArrow);
  it.frames(2);
  CHECK(shown("partitions.head.Out"));
  CHECK_FALSE(shown("partitions.head.Partition"));
}

TEST_CASE("cluster: what is unknown is not shown as nought, and what is old looks so", "[gui]") {
  auto snapshot = copy_of(Scene::ordinary);
  auto cluster = std::make_shared<ClusterView>(*snapshot->cluster);
  cluster->readers.clear();
  put_summary(*cluster);
  cluster->answered_at = scene_time().monotonic - 60s;
  snapshot->cluster = cluster;
  Headless it(snapshot);
  it.frames(3);
  CHECK(it.text_of("tile.lag").find("\u2014") == 0);
  CHECK(it.text_of("status.age").find("From 1 min ago") == 0);
  CHECK(it.text_of("connection.notice").find("not told its status lately") != std::string::npos);
}

TEST_CASE("connecting: a broker that is not there is told in words", "[gui]") {
  auto snapshot = copy_of(Scene::nothing);
  snapshot->connection.since = scene_time().monotonic - 5s;
  Headless it(snapshot);
  it.frames(3);
  CHECK(it.text_of("connection.notice").find("is pinion-broker running?") != std::string::npos);
  snapshot->connection.state = Connection::refused;
  snapshot->connection.problem =
      "the broker at tcp://h:1 refuses: unsupported_version: it speaks version 9";
  it.frames(2);
  CHECK(it.text_of("connection.notice").find("unsupported_version") != std::string::npos);
}

TEST_CASE("sql: Run asks, and an error is shown at its place", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::sql);
  it.tab().sql.topic = "orders";
  it.frames(3);
  CHECK(it.text_of("sql.outcome").find("8 rows in 18.4 ms") == 0);
  REQUIRE(it.click("sql.run"));
  const auto query = it.taken<RunQuery>();
  REQUIRE(query);
  CHECK_FALSE(query->partition);
  CHECK(query->sql == it.tab().sql.sql);
  it.show(make_scene(Scene::broken, scene_time()));
  it.frames(3);
  CHECK(it.text_of("sql.error") == "Line 2, column 6: no such table: readabel.");
}

TEST_CASE("browse: Show asks for a place, and scrolling on the end for more", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::browse);
  it.tab().browse.topic = "orders";
  it.frames(3);
  REQUIRE(it.click("browse.place.0"));
  REQUIRE(it.click("browse.go"));
  CHECK(it.taken<BrowsePartition>()->place.kind == ReadPlace::Kind::earliest);
  it.tab().browse.grid.top = 0;
  const DescribedItem* row = it.find("browse.records");
  REQUIRE(row != nullptr);
  it.move(row->min.x + 50, row->min.y + 100);
  it.frame();
  it.tab().browse.grid.top = 0;
  it.wheel(1);
  CHECK(it.taken<BrowseMore>()->to == BrowseTo::older);
  it.tab().browse.grid.top = 1e9;
  it.frame();
  it.wheel(-1);
  CHECK(it.taken<BrowseMore>()->to == BrowseTo::newer);
}

TEST_CASE("browse: of a partition that does not answer nothing is said", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::browse);
  it.frames(3);
  CHECK(it.text_of("browse.range").find("orders-0 holds 12,000 to 16,100") == 0);
  const auto snapshot = copy_of(Scene::ordinary);
  auto browse = std::make_shared<BrowseView>();
  browse->number = 9;
  browse->topic = "gone";
  browse->problem = "Topic 'gone' does not exist.";
  snapshot->browse = browse;
  it.show(snapshot);
  it.frames(3);
  CHECK(it.text_of("browse.failed") == browse->problem);
  CHECK(it.text_of("empty").find("Nothing could be read") == 0);
  CHECK(it.find("browse.range") == nullptr);
}

TEST_CASE("shell: several clusters are tabs, and closing the last leads to Connect", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.shell().connect("tcp://10.0.0.6:5550");
  it.frames(3);
  CHECK(it.text_of("tab.0") == "10.0.0.5:5550, Connected");
  CHECK(it.text_of("tab.1") == "10.0.0.6:5550, Connected");
  REQUIRE(it.click("tab.1.close"));
  CHECK(it.find("tab.1") == nullptr);
  REQUIRE(it.click("tab.0.close"));
  CHECK(it.find("connect.go") != nullptr);
  CHECK(it.shell().settings().recent.size() == 2);
}
