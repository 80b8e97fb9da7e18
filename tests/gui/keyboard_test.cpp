// What a person without a mouse does.
#include <catch2/catch.hpp>

#include "tests/gui/headless.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

using With = Headless::With;

std::shared_ptr<Snapshot> copy_of(Scene scene) {
  return std::make_shared<Snapshot>(*make_scene(scene, scene_time()));
}

}  // namespace

TEST_CASE("keyboard: Ctrl+Enter sends and typing goes on where it was", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::produce);
  it.tab().producer.topic = "orders";
  it.frames(3);
  REQUIRE(it.click("produce.value"));
  it.type("one");
  it.key(ImGuiKey_Enter, true);
  it.frames(3);
  CHECK(it.taken<SendRecords>()->plan.draft.value == "one");
  it.type(" two");
  it.key(ImGuiKey_Enter, true);
  it.frames(3);
  CHECK(it.taken<SendRecords>()->plan.draft.value == "one two");
}

TEST_CASE("keyboard: a panel that is opened can be typed into at once", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 2;
  it.tab().sql.sql.clear();
  it.frames(3);
  it.chord(With::ctrl, '5');
  it.type("select 1");
  CHECK(it.tab().sql.sql == "select 1");
  it.chord(With::ctrl, '1');
  it.type("pay");
  CHECK(it.tab().cluster.topic_filter == "pay");
  it.chord(With::ctrl, '2');
  it.type("2");
  CHECK(it.tab().producer.partition == "2");
  it.key(ImGuiKey_Tab);
  it.frames(2);
  it.type("value");
  CHECK(it.tab().producer.value == "value");
}

TEST_CASE("keyboard: Esc leaves a field and takes nothing back", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::produce);
  it.frames(3);
  REQUIRE(it.click("produce.value"));
  it.type("precious");
  it.key(ImGuiKey_Escape);
  it.frames(3);
  CHECK(it.tab().producer.value == "precious");
}

TEST_CASE("keyboard: the parts of the cluster panel, and the clusters themselves", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.shell().connect("tcp://10.0.0.6:5550");
  it.frames(3);
  it.chord(With::alt, '3');
  CHECK(it.find("topics.row.0") != nullptr);
  it.chord(With::alt, '6');
  CHECK(it.tab().cluster.tab == 5);
  CHECK(it.tab().address == "tcp://10.0.0.6:5550");
  it.key(ImGuiKey_Tab, true);
  it.frames(2);
  CHECK(it.tab().address == "tcp://10.0.0.5:5550");
  it.key(ImGuiKey_PageDown, true);
  it.frames(2);
  CHECK(it.tab().address == "tcp://10.0.0.6:5550");
  it.key(ImGuiKey_PageUp, true);
  it.frames(2);
  CHECK(it.tab().address == "tcp://10.0.0.5:5550");
  it.chord(With::ctrl, 'W');
  CHECK(it.tab().address == "tcp://10.0.0.6:5550");
  CHECK(it.find("tab.1") == nullptr);
  it.chord(With::ctrl, 'T');
  CHECK(it.find("connect.go") != nullptr);
  it.key(ImGuiKey_Escape);
  it.frames(2);
  CHECK(it.find("connect.go") != nullptr);  // Its field was left.
  it.key(ImGuiKey_Escape);
  it.frames(2);
  CHECK(it.find("connect.go") == nullptr);
}

TEST_CASE("keyboard: where one is can be seen, also on what is chosen", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::browse);
  it.frames(3);
  REQUIRE(it.click("browse.place.1"));
  it.key(ImGuiKey_LeftArrow);
  it.key(ImGuiKey_RightArrow);
  it.frames(2);
  const auto accents = [&] {
    const DescribedItem item = *it.find("browse.place.1");
    const ImU32 accent = it.ui().theme.accent & ~IM_COL32_A_MASK;
    std::size_t edges = 0;
    const ImDrawData* data = ImGui::GetDrawData();
    for (int i = 0; i < data->CmdListsCount; ++i) {
      for (const ImDrawVert& vertex : data->CmdLists[i]->VtxBuffer) {
        const bool near = vertex.pos.x > item.min.x && vertex.pos.x < item.min.x + 5 &&
                          vertex.pos.y > item.min.y && vertex.pos.y < item.max.y;
        if (near && (vertex.col & ~IM_COL32_A_MASK) == accent) ++edges;
      }
    }
    return edges;
  };
  const std::size_t focused = accents();
  CHECK(focused > 0);
  it.key(ImGuiKey_LeftArrow);
  it.frames(2);
  CHECK(accents() < focused);
  it.key(ImGuiKey_Enter);
  it.frames(2);
  CHECK(it.tab().browse.place == 0);  // Enter presses, as Space does.
}

TEST_CASE("keyboard: Enter answers a question, but not one that something is lost by", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 1;
  it.tab().cluster.node_action = {NodeCommand::drain, NodeId(2), true, 0};
  it.frames(4);
  REQUIRE(it.find("node.go") != nullptr);
  it.key(ImGuiKey_Enter);
  CHECK(it.taken<ChangeNode>()->command == NodeCommand::drain);
  it.frames(3);
  CHECK(it.find("node.go") == nullptr);
  auto gone = copy_of(Scene::ordinary);
  auto cluster = std::make_shared<ClusterView>(*gone->cluster);
  cluster->nodes[1].health = NodeHealth::lost;
  cluster->nodes[1].replicas = 0;
  gone->cluster = cluster;
  it.show(gone);
  it.tab().cluster.node_action = {NodeCommand::remove, NodeId(2), true, 0};
  it.frames(4);
  REQUIRE(it.find("node.go") != nullptr);
  it.key(ImGuiKey_Enter);
  it.frames(2);
  CHECK_FALSE(it.taken<ChangeNode>());
  CHECK(it.find("node.go") != nullptr);
}

TEST_CASE("keyboard: one Enter that is held does not ask and answer", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 1;
  it.frames(3);
  REQUIRE(it.click("nodes.row.1"));
  REQUIRE(it.click("nodes.drain"));
  it.key(ImGuiKey_Escape);
  it.frames(2);
  it.key(ImGuiKey_RightArrow);  // Keys are used: what has them is shown, and Enter presses it.
  it.key(ImGuiKey_LeftArrow);
  it.frames(2);
  REQUIRE(it.focused() == "nodes.drain");
  it.hold(ImGuiKey_Enter, true);
  it.frames(90);
  CHECK_FALSE(it.taken<ChangeNode>());
  CHECK(it.find("node.go") != nullptr);
  it.hold(ImGuiKey_Enter, false);
  it.key(ImGuiKey_Enter);
  CHECK(it.taken<ChangeNode>());
}

TEST_CASE("keyboard: Enter alone does not remove a node when it is asked about", "[gui]") {
  auto gone = copy_of(Scene::ordinary);
  auto cluster = std::make_shared<ClusterView>(*gone->cluster);
  cluster->nodes[1].health = NodeHealth::lost;
  cluster->nodes[1].replicas = 0;
  gone->cluster = cluster;
  Headless it(gone);
  it.tab().cluster.tab = 1;
  it.frames(3);
  REQUIRE(it.click("nodes.row.1"));
  REQUIRE(it.click("nodes.remove"));
  it.key(ImGuiKey_Escape);
  it.frames(2);
  it.key(ImGuiKey_RightArrow);
  it.key(ImGuiKey_LeftArrow);
  it.frames(2);
  REQUIRE(it.focused() == "nodes.remove");
  it.key(ImGuiKey_Enter);
  it.frames(4);
  REQUIRE(it.find("node.go") != nullptr);
  it.key(ImGuiKey_Enter);
  it.frames(2);
  CHECK_FALSE(it.taken<ChangeNode>());
}

TEST_CASE("keyboard: Ctrl+W does not close a cluster that is being typed into", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.shell().connect("tcp://10.0.0.6:5550");
  it.show(Panel::produce);
  it.frames(3);
  REQUIRE(it.click("produce.value"));
  it.chord(With::ctrl, 'W');
  CHECK(it.find("tab.1") != nullptr);
  it.key(ImGuiKey_Escape);
  it.frames(3);
  REQUIRE(it.click("produce.insert"));
  it.chord(With::ctrl, 'W');  // A menu is open.
  CHECK(it.find("tab.1") != nullptr);
  it.key(ImGuiKey_Escape);
  it.frames(3);
  it.chord(With::ctrl, 'W');
  CHECK(it.find("tab.1") == nullptr);
}

TEST_CASE("keyboard: the keys of the clusters' tabs move no row", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 2;
  it.frames(3);
  REQUIRE(it.click("topics.row.0"));
  it.key(ImGuiKey_PageDown, true);
  it.frames(2);
  CHECK(it.tab().cluster.topics.selected == 0);
}

TEST_CASE("keyboard: Enter seeks only where Seek could be pressed", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.frames(3);
  REQUIRE(it.click("consume.seek"));
  it.show(make_scene(Scene::broken, scene_time()));
  it.frames(2);
  it.key(ImGuiKey_Enter);
  it.frames(2);
  CHECK_FALSE(it.taken<SeekReading>());
}

TEST_CASE("keyboard: a wrong name deletes nothing, says so, and can be mended", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 2;
  it.tab().cluster.action.doomed = "orders";
  it.tab().cluster.action.open_delete = true;
  it.frames(4);
  it.type("order");
  it.key(ImGuiKey_Enter);
  it.frames(3);
  CHECK_FALSE(it.taken<RemoveTopic>());
  CHECK(it.text_of("delete.problem").find("not its name") != std::string::npos);
  it.key(ImGuiKey_End);
  it.type("s");
  it.key(ImGuiKey_Enter);
  it.frames(2);
  const auto removed = it.taken<RemoveTopic>();
  REQUIRE(removed);
  CHECK(removed->name == "orders");
}

TEST_CASE("keyboard: while a question waits no key leads away from it", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 2;
  it.tab().cluster.action.doomed = "orders";
  it.tab().cluster.action.open_delete = true;
  it.frames(4);
  it.chord(With::ctrl, '2');
  it.chord(With::ctrl, 'T');
  it.chord(With::ctrl, 'W');
  it.chord(With::alt, '1');
  CHECK(it.find("delete.go") != nullptr);
  CHECK(it.text_of("rail.cluster") == "chosen");
  CHECK(it.tab().cluster.tab == 2);
}

TEST_CASE("keyboard: Enter in a field of Seek reads from there", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.show(Panel::consume);
  it.tab().consumer.seek = 2;
  it.frames(3);
  REQUIRE(it.click("consume.seek"));
  REQUIRE(it.click("consume.seek_offset"));
  it.type("16100");
  it.key(ImGuiKey_Enter);
  it.frames(2);
  const auto sought = it.taken<SeekReading>();
  REQUIRE(sought);
  CHECK(sought->place.offset == 16'100);
}

TEST_CASE("keyboard: cells, JSON values and SQL values are copied", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 2;
  it.frames(3);
  REQUIRE(it.click("topics.row.2"));
  it.key(ImGuiKey_Home);
  for (int i = 0; i < 12; ++i) it.key(ImGuiKey_LeftArrow);
  it.key(ImGuiKey_DownArrow);
  it.frames(2);
  it.chord(With::ctrl, 'C');
  CHECK(std::string(ImGui::GetClipboardText()) == "invoices");
  it.key(ImGuiKey_RightArrow);
  it.chord(With::ctrl, 'C');
  CHECK(std::string(ImGui::GetClipboardText()) == "3 of 3");
  it.key(ImGuiKey_RightArrow);
  it.key(ImGuiKey_RightArrow);
  it.chord(With::ctrl, 'C');
  CHECK(std::string(ImGui::GetClipboardText()).find(",") != std::string::npos);
  it.show(Panel::sql);
  it.frames(3);
  REQUIRE(it.click("sql.result.row.0"));
  for (int i = 0; i < 5; ++i) it.key(ImGuiKey_LeftArrow);
  it.chord(With::ctrl, 'C');
  CHECK(std::string(ImGui::GetClipboardText()) == "0");  // Its partition.
  it.key(ImGuiKey_RightArrow);
  it.chord(With::ctrl, 'C');
  CHECK(std::string(ImGui::GetClipboardText()) == "ann");
}

TEST_CASE("keyboard: a table is sorted by the column that is chosen", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 2;
  it.frames(3);
  REQUIRE(it.click("topics.row.0"));
  for (int i = 0; i < 12; ++i) it.key(ImGuiKey_LeftArrow);
#if IMGUI_VERSION_NUM < 18700
  constexpr int key = 'S';
  ImGui::GetIO().KeysDown[key] = true;
  it.frame();
  ImGui::GetIO().KeysDown[key] = false;
  it.frames(2);
  CHECK(it.tab().cluster.topics.sort == 0);
#endif
}

TEST_CASE("menus: a cell, a row and a JSON value are copied by a right click, too", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  it.tab().cluster.tab = 2;
  it.frames(3);
  const auto right_click = [&](const std::string& name) {
    const DescribedItem item = *it.find(name);
    it.move(item.min.x + 40, (item.min.y + item.max.y) / 2);
    it.frames(2);
    it.press(true, 1);
    it.frames(2);
    it.press(false, 1);
    it.frames(3);
  };
  right_click("topics.row.2");
  REQUIRE(it.click("topics.menu.cell"));
  CHECK(std::string(ImGui::GetClipboardText()) == "orders");
  right_click("topics.row.2");
  REQUIRE(it.click("topics.menu.row"));
  CHECK(std::string(ImGui::GetClipboardText()).find("orders\t3 of 3\t") == 0);
  it.show(Panel::consume);
  it.tab().consumer.chosen = it.shell().snapshot()->consume->records.first() + 1;
  it.frames(4);
  right_click("detail.node.$.user.tier");
  REQUIRE(it.click("detail.node.copy_path"));
  CHECK(std::string(ImGui::GetClipboardText()) == "$.user.tier");
}

TEST_CASE("keyboard: a whole walk without a mouse", "[gui]") {
  auto idle = copy_of(Scene::ordinary);
  idle->consume = std::make_shared<const ConsumeView>();
  Headless it(idle);
  it.frames(3);
  const auto press = [&](ImGuiKey key, int times = 1) {
    for (int i = 0; i < times; ++i) {
      it.key(key);
      it.frames(2);
    }
  };
  // A topic is found, and its partitions are opened.
  it.chord(With::alt, '3');
  it.chord(With::ctrl, 'F');
  it.type("order");
  press(ImGuiKey_Escape);
  press(ImGuiKey_DownArrow);
  press(ImGuiKey_Space);
  press(ImGuiKey_DownArrow);
  CHECK(it.tab().cluster.topic == "orders");
  press(ImGuiKey_Enter);
  CHECK(it.tab().cluster.tab == 3);
  // A topic is chosen to send to, and a value is sent.
  it.chord(With::ctrl, '2');
  press(ImGuiKey_Escape);
  press(ImGuiKey_UpArrow);
  REQUIRE(it.focused() == "produce.topic");
  press(ImGuiKey_Space);
  it.type("order");
  press(ImGuiKey_Enter);
  CHECK(it.tab().producer.topic == "orders");
  press(ImGuiKey_Tab, 2);
  it.type("by keys");
  it.key(ImGuiKey_Enter, true);
  it.frames(2);
  const auto sent = it.taken<SendRecords>();
  REQUIRE(sent);
  CHECK(sent->plan.draft.topic == "orders");
  CHECK(sent->plan.draft.value == "by keys");
  // Two topics are consumed.
  it.chord(With::ctrl, '3');
  std::string where = it.focused() + " ";
  press(ImGuiKey_Escape);
  press(ImGuiKey_LeftArrow);
  where += it.focused() + " ";
  CHECK(it.focused() == "consume.topics");
  press(ImGuiKey_Space);
  it.type("click");
  press(ImGuiKey_Enter);
  press(ImGuiKey_Escape);
  CHECK(it.tab().consumer.topics == std::vector<std::string>{"clicks"});
  for (int i = 0; i < 4 && it.focused() != "consume.start_button"; ++i) {
    press(ImGuiKey_RightArrow);
    where += it.focused() + " ";
  }
  INFO(where);
  press(ImGuiKey_Enter);
  CHECK(it.taken<StartReading>());
}
