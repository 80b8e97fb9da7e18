// What the panels say and keep while a person works with them.
#include <catch2/catch.hpp>

#include "tests/gui/headless.hpp"
#include "tests/unit/gui/record_rows.hpp"

#include <algorithm>
#include <memory>
#include <string>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

std::shared_ptr<Snapshot> copy_of(Scene scene) {
  return std::make_shared<Snapshot>(*make_scene(scene, scene_time()));
}

}  // namespace

TEST_CASE("consumer: what is being searched is exported when all of it is", "[gui]") {
  Headless it(make_scene(Scene::huge, scene_time()));
  it.shell().settings().filter = ".user.name = ann";  // Of the last time.
  it.show(Panel::consume);
  it.frames(2);
  REQUIRE(it.click("consume.export"));
  CHECK(it.text_of("export.wait").find("The search is at") == 0);
  it.click("export.go");
  CHECK_FALSE(it.taken<ExportRows>());
  for (int i = 0; i < 20'000 && it.find("export.wait") != nullptr; ++i) it.frame();
  CHECK(it.find("export.wait") == nullptr);
  REQUIRE(it.click("export.go"));
  const auto exported = it.taken<ExportRows>();
  REQUIRE(exported);
  CHECK(exported->numbers.size() == it.tab().consumer.found.size(exported->records));
}

TEST_CASE("export: a file that is there is replaced only when that is said", "[gui]") {
  auto snapshot = copy_of(Scene::ordinary);
  Headless it(snapshot);
  it.show(Panel::browse);
  it.frames(3);
  REQUIRE(it.click("browse.export"));
  REQUIRE(it.click("export.go"));
  CHECK_FALSE(it.taken<ExportRows>()->replaces);
  auto refused = copy_of(Scene::ordinary);
  refused->export_action = {1, false, false, "There is a file already.", true};
  it.show(refused);
  it.frames(2);
  // What was asked of one file is not answered for another.
  const std::string path = it.tab().browse.to_file.path;
  it.tab().browse.to_file.path = "/tmp/precious.jsonl";
  it.frames(2);
  CHECK(it.find("export.replace") == nullptr);
  it.tab().browse.to_file.path = path;
  it.frames(2);
  REQUIRE(it.click("export.replace"));
  CHECK(it.taken<ExportRows>()->replaces);
}

TEST_CASE("export: a question that was left is not there when one comes back", "[gui]") {
  Headless it(copy_of(Scene::ordinary));
  it.show(Panel::browse);
  it.frames(3);
  REQUIRE(it.click("browse.export"));
  REQUIRE(it.click("export.go"));
  auto refused = copy_of(Scene::ordinary);
  refused->export_action = {1, false, false, "There is a file already.", true};
  it.show(refused);
  it.frames(2);
  REQUIRE(it.find("export.replace") != nullptr);
  for (int i = 0; i < 3 && it.find("export.go") != nullptr; ++i) {
    it.key(ImGuiKey_Escape);
    it.frames(2);
  }
  REQUIRE(it.find("export.go") == nullptr);
  REQUIRE(it.click("browse.export"));
  REQUIRE(it.find("export.go") != nullptr);
  CHECK(it.find("export.replace") == nullptr);
}

TEST_CASE("records: a key and a value are copied whole", "[gui]") {
  const std::string value = std::string(5'000, 'v') + " end";
  const std::string key(300, 'k');
  RecordLog log;
  log.append(chunk_of({{value, key}, {std::string("\x89PNG\0\xff", 6), key}}));
  auto snapshot = copy_of(Scene::ordinary);
  auto browse = std::make_shared<BrowseView>(*snapshot->browse);
  browse->records = log.view();
  snapshot->browse = browse;
  auto consume = std::make_shared<ConsumeView>(*snapshot->consume);
  consume->records = log.view();
  snapshot->consume = consume;
  Headless it(snapshot);
  const auto copied = [&](const std::string& table, int row, int column, GridState& grid) {
    REQUIRE(it.click(table + ".row." + std::to_string(row)));
    grid.column = column;
    it.frame();
    it.chord(Headless::With::ctrl, 'C');
    return std::string(ImGui::GetClipboardText());
  };
  it.show(Panel::browse);
  it.frames(3);
  GridState& browsed = it.tab().browse.grid;
  CHECK(copied("browse.records", 0, 4, browsed) == value);
  CHECK(copied("browse.records", 0, 2, browsed) == key);
  CHECK(copied("browse.records", 1, 4, browsed) == "iVBORwD/");
  it.show(Panel::consume);
  it.tab().consumer.detail_open = false;
  it.frames(3);
  GridState& consumed = it.tab().consumer.grid;
  const std::string cells = it.text_of("consume.records.row.0");
  const auto last = static_cast<int>(std::count(cells.begin(), cells.end(), '\t'));
  CHECK(copied("consume.records", 0, last, consumed) == value);
  CHECK(copied("consume.records", 0, last - 2, consumed) == key);
}

TEST_CASE("consumer: the period counts when it is whole, and is remembered", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  REQUIRE(it.click("consume.period"));
  it.chord(Headless::With::ctrl, 'A');
  it.type("4");
  it.type("5");
  CHECK_FALSE(it.taken<SetReadPeriod>());
  it.key(ImGuiKey_Enter);
  it.frames(2);
  CHECK(it.taken<SetReadPeriod>()->period == Micros(45s));
  CHECK(it.shell().settings().period == Micros(45s));
  CHECK(it.text_of("consume.mode.0") == "Every 45 s (chosen)");
  // Before the start, and by leaving the field.
  auto idle = copy_of(Scene::ordinary);
  idle->consume = std::make_shared<const ConsumeView>();
  it.show(idle);
  it.tab().consumer.topics = {"orders"};
  it.frames(3);
  REQUIRE(it.click("consume.period"));
  it.chord(Headless::With::ctrl, 'A');
  it.type("7");
  REQUIRE(it.click("consume.start_button"));
  CHECK(it.taken<StartReading>()->settings.period == Micros(7s));
}

TEST_CASE("topics: each stands whole in its list, with its star in the middle", "[gui]") {
  auto idle = copy_of(Scene::ordinary);
  idle->consume = std::make_shared<const ConsumeView>();
  Headless it(idle);
  it.show(Panel::consume);
  it.frames(3);
  REQUIRE(it.click("consume.topics"));
  it.frames(3);
  float below = 0;
  const auto& topics = it.shell().snapshot()->cluster->topics;
  for (const TopicRow& topic : topics) {
    INFO(topic.name);
    const DescribedItem* row = it.find("consume.topics." + topic.name);
    const DescribedItem* star = it.find("star." + topic.name);
    REQUIRE(row != nullptr);
    REQUIRE(star != nullptr);
    CHECK(row->min.y >= below);
    CHECK(std::abs((row->min.y + row->max.y) - (star->min.y + star->max.y)) <= 2);
    below = row->max.y;
  }
}

TEST_CASE("consumer: a record has its pane when it is chosen, below where it is narrow", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  CHECK(it.find("detail.copy") == nullptr);
  CHECK(it.find("consume.records")->max.x > 1400);
  REQUIRE(it.click("consume.records.row.409"));
  it.frames(2);
  CHECK(it.find("detail.copy")->min.x > it.find("consume.records")->max.x);
  it.set_size(900, 800);
  it.frames(4);
  CHECK(it.find("detail.copy")->min.y > it.find("consume.records")->max.y);
}

TEST_CASE("consumer: a filter that lets nothing through says so, and one that is none, too",
          "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  REQUIRE(it.click("consume.filter"));
  it.type("nobodyhasthis");
  it.frames(3);
  REQUIRE(it.find("consume.no_match.clear") != nullptr);
  REQUIRE(it.click("consume.no_match.clear"));
  it.frames(3);
  CHECK(it.text_of("consume.count").find("420 records") == 0);
  REQUIRE(it.click("consume.filter"));
  it.type("\"two words");
  it.frames(2);
  CHECK(it.text_of("consume.filter_problem").find("A quotation mark has no second one.") == 0);
  it.show(Panel::cluster);
  it.tab().cluster.tab = 2;
  it.tab().cluster.topic_filter = "nothing like it";
  it.frames(3);
  CHECK(it.text_of("topics.no_match") == "Nothing matches");
  REQUIRE(it.click("topics.no_match.clear"));
  CHECK(it.find("topics.row.0") != nullptr);
}

TEST_CASE("topics: a name that is refused stays to be mended, with the reason beside it", "[gui]") {
  auto snapshot = copy_of(Scene::ordinary);
  Headless it(snapshot);
  it.frames(3);
  REQUIRE(it.click("cluster.new_topic"));
  it.frames(3);
  it.type("bad name");
  it.key(ImGuiKey_Enter);
  REQUIRE(it.taken<MakeTopic>());
  auto refused = copy_of(Scene::ordinary);
  refused->topic_action = {1, false, false, "That is not a topic's name.", false};
  it.show(refused);
  it.frames(3);
  CHECK(it.text_of("topic.name") == "bad name");
  CHECK(it.text_of("topic.problem") == "That is not a topic's name.");
  REQUIRE(it.click("topic.name"));
  it.key(ImGuiKey_End);
  it.type("2");
  it.key(ImGuiKey_Enter);
  CHECK(it.taken<MakeTopic>()->name == "bad name2");
  auto made = copy_of(Scene::ordinary);
  made->topic_action = {2, false, true, "Created bad name2.", false};
  it.show(made);
  it.frames(3);
  CHECK(it.find("topic.name") == nullptr);
  CHECK(it.text_of("cluster.topic_action") == "Created bad name2.");
  REQUIRE(it.click("cluster.topic_action.dismiss"));
  CHECK(it.find("cluster.topic_action") == nullptr);
}

TEST_CASE("topics: a form that is opened again waits for nothing, and stays", "[gui]") {
  Headless it(copy_of(Scene::ordinary));
  it.frames(3);
  const auto answered = [&](std::uint64_t number, bool ok) {
    auto snapshot = copy_of(Scene::ordinary);
    snapshot->topic_action = {number, false, ok, "That is how it ended.", false};
    it.show(snapshot);
    it.frames(3);
  };
  REQUIRE(it.click("cluster.new_topic"));
  it.frames(3);
  it.type("first");
  REQUIRE(it.click("topic.create"));
  REQUIRE(it.taken<MakeTopic>());
  REQUIRE(it.click("topic.cancel"));
  // While the form was away another topic was altered.
  it.tab().cluster.action.began = 2;
  answered(2, true);
  REQUIRE(it.click("cluster.new_topic"));
  it.frames(3);
  REQUIRE(it.click("topic.create"));
  REQUIRE(it.taken<MakeTopic>());
  // It ends well while the form is away; what is typed next is another one.
  REQUIRE(it.click("topic.cancel"));
  it.frames(2);
  answered(3, true);
  REQUIRE(it.click("cluster.new_topic"));
  it.frames(3);
  CHECK(it.text_of("topic.name").empty());
}

TEST_CASE("producer: the form of a new topic is not closed by what ended before", "[gui]") {
  Headless it(copy_of(Scene::ordinary));
  it.show(Panel::produce);
  it.frames(3);
  REQUIRE(it.click("produce.new_topic"));
  it.frames(3);
  it.type("first");
  REQUIRE(it.click("produce.create"));
  REQUIRE(it.taken<MakeTopic>());
  it.key(ImGuiKey_Escape);
  it.frames(3);
  it.key(ImGuiKey_Escape);
  it.frames(3);
  REQUIRE(it.find("produce.create") == nullptr);
  auto made = copy_of(Scene::ordinary);
  made->topic_action = {1, false, true, "Created first.", false};
  it.show(made);
  it.frames(3);
  CHECK(it.tab().producer.topic == "first");
  REQUIRE(it.click("produce.new_topic"));
  it.frames(3);
  CHECK(it.find("produce.create") != nullptr);
}

TEST_CASE("cluster: the tile of commits tells of nodes that write now", "[gui]") {
  auto snapshot = copy_of(Scene::ordinary);
  auto cluster = std::make_shared<ClusterView>(*snapshot->cluster);
  for (NodeRow& node : cluster->nodes) {
    node.commits_per_s = 5;
    node.load.commits = 10;
    node.load.commit_p99_us = 2'000;
  }
  cluster->nodes[0].commits_per_s = 0;
  cluster->nodes[0].load.commit_p99_us = 900'000;  // Of an hour ago.
  put_summary(*cluster);
  snapshot->cluster = cluster;
  Headless it(snapshot);
  it.frames(3);
  CHECK(it.text_of("tile.commit").find(format_duration(Micros(2'000))) == 0);
}

TEST_CASE("producer: what is wrong is forgotten when it is written otherwise", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::produce);
  it.tab().producer.topic = "orders";
  it.tab().producer.value = "{\"a\": ";
  it.frames(3);
  REQUIRE(it.click("produce.send"));
  CHECK(it.text_of("produce.problem").find("The value is no JSON") == 0);
  REQUIRE(it.click("produce.value"));
  it.key(ImGuiKey_End);
  it.type("1}");
  it.frames(2);
  CHECK(it.find("produce.problem") == nullptr);
  it.chord(Headless::With::ctrl, 'A');
  it.type("no JSON");
  REQUIRE(it.click("produce.format"));
  CHECK(it.text_of("produce.problem").find("The value is no JSON: line 1") == 0);
}

TEST_CASE("connecting: an address is refused in its field, and remembered once it answered",
          "[gui]") {
  Headless it(make_scene(Scene::nothing, scene_time()));
  it.frames(3);
  CHECK(it.shell().settings().recent.empty());
  it.chord(Headless::With::ctrl, 'T');
  it.frames(2);
  it.chord(Headless::With::ctrl, 'A');
  it.type("udp://x:1");
  it.key(ImGuiKey_Enter);
  it.frames(3);
  CHECK(it.text_of("connect.problem").find("begins with tcp://") != std::string::npos);
  it.chord(Headless::With::ctrl, 'A');
  it.type("10.0.0.5:555000");
  CHECK(it.find("connect.problem") == nullptr);
  it.key(ImGuiKey_Enter);
  it.frames(3);
  CHECK(it.text_of("connect.problem") == "A port is a number from 1 to 65535.");
  it.show(make_scene(Scene::ordinary, scene_time()));
  it.frames(2);
  CHECK(it.shell().settings().recent == std::vector<std::string>{"tcp://10.0.0.5:5550"});
}

TEST_CASE("connecting: why a broker does not answer is said at once", "[gui]") {
  auto snapshot = copy_of(Scene::nothing);
  snapshot->connection.since = scene_time().monotonic;
  Headless it(snapshot);
  it.frames(3);
  CHECK(it.text_of("connection.notice").find("is pinion-broker running?") != std::string::npos);
}

TEST_CASE("shell: of many clusters the one in front has its tab in sight", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()), 1024, 700);
  for (int i = 0; i < 14; ++i) it.shell().connect("tcp://broker-" + std::to_string(i) + ":5550");
  it.frames(3);
  CHECK(it.find("tab.14") != nullptr);
  CHECK(it.find("tab.14")->max.x < it.find("theme")->min.x);
  CHECK(it.find("tab.add")->max.x < it.find("theme")->min.x);
  it.key(ImGuiKey_PageDown, true);
  it.frames(2);
  CHECK(it.find("tab.0") != nullptr);
  CHECK(it.tab().address == "tcp://10.0.0.5:5550");
}

TEST_CASE("settings: what a person arranged is there again", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 2;
  it.frames(3);
  REQUIRE(it.click("topics.head.Size"));
  it.tab().browse.topic = "clicks";
  it.show(Panel::browse);
  it.frames(2);
  const Settings& kept = it.shell().settings();
  CHECK(kept.cluster_tab == 2);
  CHECK(kept.browse_topic == "clicks");
  REQUIRE(kept.tables.count("topics") == 1);
  CHECK(kept.tables.at("topics").sort == 4);
  it.shell().connect("tcp://10.0.0.6:5550");
  it.frames(2);
  CHECK(it.tab().cluster.tab == 2);
  CHECK(it.tab().cluster.topics.sort == 4);
  CHECK(it.tab().cluster.topics.descending);
  CHECK(it.tab().browse.topic == "clicks");
}

TEST_CASE("tables: numbers stay beside their neighbours however wide the window is", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()), 3840, 1200);
  it.tab().cluster.tab = 3;
  it.frames(3);
  CHECK(it.find("partitions.head.Out")->max.x < 2'400);
}

TEST_CASE("tables: a column that was dragged is as wide as it was left, and no other", "[gui]") {
  auto snapshot = copy_of(Scene::ordinary);
  auto query = std::make_shared<QueryView>();
  query->number = 7;
  query->columns = {"a", "a", "b"};
  query->rows = {{std::int64_t{1}, std::int64_t{2}, std::int64_t{3}}};
  snapshot->query = query;
  Headless it(snapshot);
  const auto width_of = [&](const std::string& name) {
    const DescribedItem* head = it.find(name);
    return head == nullptr ? 0.0F : head->max.x - head->min.x;
  };
  const auto drag = [&](const std::string& name, float by) {
    const DescribedItem head = *it.find(name);
    it.move(head.max.x, (head.min.y + head.max.y) / 2);
    it.frames(2);
    it.press(true);
    it.frame();
    it.move(head.max.x + by, (head.min.y + head.max.y) / 2);
    it.frame();
    it.press(false);
    it.frames(2);
  };
  it.show(Panel::sql);
  it.frames(3);
  const float before = width_of("sql.result.head.a");
  REQUIRE(before > 0);
  drag("sql.result.head.a #2", 80);
  CHECK(width_of("sql.result.head.a") == before);
  CHECK(width_of("sql.result.head.a #2") > before + 70);
  // Other columns, as many: those that are there again keep what is theirs.
  auto other = std::make_shared<QueryView>(*query);
  other->number = 8;
  other->columns = {"b", "a", "c"};
  auto next = std::make_shared<Snapshot>(*snapshot);
  next->query = other;
  it.show(next);
  it.frames(3);
  CHECK(width_of("sql.result.head.a") == before);
  other = std::make_shared<QueryView>(*query);
  other->number = 9;
  next = std::make_shared<Snapshot>(*snapshot);
  next->query = other;
  it.show(next);
  it.frames(3);
  CHECK(width_of("sql.result.head.a #2") > before + 70);
  // Another table with a column of that title has its own.
  it.show(Panel::browse);
  it.frames(3);
  const float value = width_of("browse.records.head.Key");
  drag("browse.records.head.Key", 60);
  CHECK(width_of("browse.records.head.Key") > value + 50);
  it.show(Panel::consume);
  it.frames(3);
  CHECK(it.tab().consumer.grid.widths.empty());
  const auto& kept = it.shell().settings().tables;
  REQUIRE(kept.count("browse.records") == 1);
  CHECK(kept.at("browse.records").widths.size() == 1);
  CHECK(kept.at("browse.records").widths.count("Key") == 1);
}

TEST_CASE("nodes: replicas that have nowhere to go are counted beside the progress", "[gui]") {
  auto snapshot = copy_of(Scene::ordinary);
  auto cluster = std::make_shared<ClusterView>(*snapshot->cluster);
  for (PartitionRow& row : cluster->partitions) {
    row.replicas = {NodeId(1), NodeId(2), NodeId(3)};
    row.target.clear();
  }
  put_summary(*cluster);
  snapshot->cluster = cluster;
  snapshot->node_action = {1, false, true, "Node 3 is being drained. 26 replicas \u2026", true};
  Headless it(snapshot);
  it.tab().cluster.tab = 1;
  it.tab().cluster.node_action.began = 1;
  it.frames(3);
  CHECK(it.text_of("nodes.progress.3").find("26 have nowhere to go") != std::string::npos);
}

TEST_CASE("producer: what was just sent is chosen, and says what became of it", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::produce);
  it.frames(3);
  CHECK(it.find("produce.again") == nullptr);  // What was sent before the panel was opened.
  const auto snapshot = copy_of(Scene::ordinary);
  auto producing = std::make_shared<ProducingView>(*snapshot->producing);
  SendJob job = producing->jobs.back();
  job.id = 99;
  job.state = JobState::failed;
  job.sent = job.acknowledged = 0;
  job.problem = "Topic 'orders' has the partitions 0 to 2, and none that is 7.";
  producing->jobs.insert(producing->jobs.begin(), job);
  snapshot->producing = producing;
  it.show(snapshot);
  it.frames(3);
  CHECK(it.text_of("produce.job_problem") == job.problem);
  // Another one may be looked at, and stays chosen.
  REQUIRE(it.click("produce.history.row.2"));
  it.frames(3);
  CHECK(it.find("produce.job_problem") == nullptr);
  CHECK(it.find("produce.again") != nullptr);
}

TEST_CASE("producer: half a partition is none", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::produce);
  it.tab().producer.topic = "orders";
  it.tab().producer.partition = "1-2";
  it.frames(3);
  REQUIRE(it.click("produce.send"));
  CHECK_FALSE(it.taken<SendRecords>());
  CHECK(it.text_of("produce.problem") == "A partition is a number, or nothing.");
}

TEST_CASE("producer: a value that is too large to be edited is sent as it is", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  const auto snapshot = copy_of(Scene::ordinary);
  snapshot->connection.record_bytes_max = 64U * 1024 * 1024;
  it.show(snapshot);
  it.show(Panel::produce);
  it.tab().producer.topic = "orders";
  it.tab().producer.value = std::string(3UL * 1024 * 1024, 'x');
  it.frames(3);
  CHECK(it.text_of("produce.value") == "bytes");
  REQUIRE(it.click("produce.send"));
  const auto sent = it.taken<SendRecords>();
  REQUIRE(sent);
  CHECK(sent->plan.draft.value.size() == 3UL * 1024 * 1024);
}

TEST_CASE("records: a value that lies deep has room to be read in", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  const auto snapshot = copy_of(Scene::ordinary);
  auto browse = std::make_shared<BrowseView>(*snapshot->browse);
  RecordLog log;
  log.append(chunk_of({{std::string(60, '[') + "7" + std::string(60, ']')}}));
  browse->records = log.view();
  browse->first = browse->log_start = 0;
  browse->next = browse->high_watermark = 1;
  snapshot->browse = browse;
  it.show(snapshot);
  it.show(Panel::browse);
  it.frames(3);
  REQUIRE(it.click("browse.records.row.0"));
  it.frames(3);
  const DescribedItem* whole = it.find("detail.node.$");
  const DescribedItem* deep = it.find("detail.node.$[0][0][0][0][0][0][0][0][0][0]");
  REQUIRE(whole != nullptr);
  REQUIRE(deep != nullptr);
  CHECK(deep->text == "[1]");
  float widest = 0;
  for (const DescribedItem& item : it.described()) {
    if (item.name.find("detail.node.") == 0) widest = std::max(widest, item.max.x - item.min.x);
  }
  CHECK(widest > whole->max.x - whole->min.x + 20);
}

TEST_CASE("shell: that it was connected again is not said while it is not", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  const auto snapshot = copy_of(Scene::ordinary);
  snapshot->connection.reconnects = 2;
  it.show(snapshot);
  it.frames(2);
  CHECK(it.text_of("status.connection").find("reconnected 2 times") != std::string::npos);
  const auto lost = std::make_shared<Snapshot>(*snapshot);
  lost->connection.state = Connection::lost;
  it.show(lost);
  it.frames(2);
  CHECK(it.text_of("status.connection").find("reconnected") == std::string::npos);
}
