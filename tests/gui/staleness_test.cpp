// What is old looks old, whatever it is drawn with, and says so.
#include <catch2/catch.hpp>

#include "tests/gui/headless.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

std::shared_ptr<Snapshot> with_connection(Connection state) {
  auto snapshot = std::make_shared<Snapshot>(*make_scene(Scene::ordinary, scene_time()));
  snapshot->connection.state = state;
  if (state != Connection::connected) snapshot->connection.problem = "no broker answers";
  return snapshot;
}

void choose(Headless& it) {
  const Snapshot& shown = *it.shell().snapshot();
  it.tab().consumer.chosen = shown.consume->records.end() - 4;
  it.tab().browse.number = shown.browse->number;
  it.tab().browse.chosen = shown.browse->records.end() - 3;
  it.tab().cluster.topic = "orders";
}

}  // namespace

TEST_CASE("staleness: tables, charts, tiles and maps of a lost connection fade", "[gui]") {
  static const std::vector<std::pair<int, std::string>> parts{
      {0, "/overview.charts"}, {0, "/tile."},  {0, "/events"},   {1, "/nodes_"},
      {2, "/topics_"},         {3, "/partit"}, {4, "/readers_"}, {5, "/map_"}};
  constexpr unsigned faded = 145;  // Of 255, at 55 %.
  for (const auto& [tab, window] : parts) {
    INFO(window);
    Headless fresh(with_connection(Connection::connected));
    fresh.tab().cluster.tab = tab;
    choose(fresh);
    fresh.frames(4);
    CHECK(Headless::boldest(window) == 255U);
    fresh.show(with_connection(Connection::lost));
    fresh.frames(4);
    REQUIRE(Headless::boldest(window));
    CHECK(*Headless::boldest(window) <= faded);
  }
}

TEST_CASE("staleness: the other panels fade what came from the broker, too", "[gui]") {
  static const std::vector<std::pair<Panel, std::string>> parts{
      {Panel::produce, "/produce.history"}, {Panel::consume, "/consume.records"},
      {Panel::consume, "/consume.detail"},  {Panel::browse, "/browse.records"},
      {Panel::browse, "/browse.detail"},    {Panel::sql, "/sql.result"}};
  for (const auto& [panel, window] : parts) {
    INFO(window);
    Headless it(with_connection(Connection::lost));
    it.show(panel);
    choose(it);
    it.frames(4);
    REQUIRE(Headless::boldest(window));
    CHECK(*Headless::boldest(window) <= 145U);
  }
}

TEST_CASE("staleness: what is disabled looks so, choices too", "[gui]") {
  auto idle = with_connection(Connection::connected);
  idle->consume = std::make_shared<const ConsumeView>();
  Headless it(idle);
  it.show(Panel::consume);
  it.frames(4);
  const DescribedItem* mode = it.find("consume.mode.1");
  REQUIRE(mode != nullptr);
  unsigned most = 0;
  const ImDrawData* data = ImGui::GetDrawData();
  for (int i = 0; i < data->CmdListsCount; ++i) {
    for (const ImDrawVert& vertex : data->CmdLists[i]->VtxBuffer) {
      const bool within = vertex.pos.x > mode->min.x && vertex.pos.x < mode->max.x &&
                          vertex.pos.y > mode->min.y && vertex.pos.y < mode->max.y;
      if (within) most = std::max(most, (vertex.col & IM_COL32_A_MASK) >> IM_COL32_A_SHIFT);
    }
  }
  CHECK(most > 0);
  CHECK(most <= 130);
}

TEST_CASE("staleness: a node was last heard when the answer says, and the answer is old", "[gui]") {
  Headless it(with_connection(Connection::lost));
  it.tab().cluster.tab = 1;
  it.frames(3);
  CHECK(it.text_of("nodes.row.0").find("just now") != std::string::npos);
  it.pass(40s);
  it.frames(2);
  CHECK(it.text_of("nodes.row.0").find("just now") == std::string::npos);
  CHECK(it.text_of("nodes.row.0").find("40 s ago") != std::string::npos);
}

TEST_CASE("staleness: a drain says what the answer counted, and not of an old one what is now",
          "[gui]") {
  auto snapshot = with_connection(Connection::connected);
  auto cluster = std::make_shared<ClusterView>(*snapshot->cluster);
  cluster->nodes[1].draining = true;
  cluster->nodes[1].replicas = 5;
  cluster->nodes[1].drained_of = 12;
  cluster->nodes[1].stuck = 4;  // As no count over the partitions of this scene would say.
  snapshot->cluster = cluster;
  Headless it(snapshot);
  it.tab().cluster.tab = 1;
  it.frames(3);
  CHECK(it.text_of("nodes.progress.2") ==
        "7 of 12 replicas have left node 2, 4 have nowhere to go");
  auto done = std::make_shared<Snapshot>(*snapshot);
  auto drained = std::make_shared<ClusterView>(*cluster);
  drained->nodes[1].replicas = drained->nodes[1].stuck = 0;
  done->cluster = drained;
  it.show(done);
  it.frames(2);
  CHECK(it.text_of("nodes.progress.2").find("may be stopped") != std::string::npos);
  it.pass(40s);
  it.frames(2);
  CHECK(it.text_of("nodes.progress.2").find("and may be stopped") == std::string::npos);
  CHECK(it.text_of("nodes.progress.2").find("is not known") != std::string::npos);
}

TEST_CASE("staleness: without a broker nothing of the history is sent again", "[gui]") {
  Headless it(with_connection(Connection::lost));
  it.show(Panel::produce);
  it.tab().producer.chosen_job = 4;
  it.frames(4);
  it.click("produce.again");
  CHECK_FALSE(it.taken<SendRecords>());
  it.show(with_connection(Connection::connected));
  it.frames(2);
  REQUIRE(it.click("produce.again"));
  CHECK(it.taken<SendRecords>());
}

TEST_CASE("staleness: without a broker the consumer counts nothing down", "[gui]") {
  Headless it(with_connection(Connection::lost));
  it.show(Panel::consume);
  it.frames(3);
  CHECK(it.text_of("consume.countdown") == "Waiting for the broker");
  it.click("consume.refresh");
  it.click("consume.seek");
  it.frames(2);
  CHECK_FALSE(it.taken<RefreshReading>());
  CHECK(it.find("consume.seek_go") == nullptr);
  it.show(with_connection(Connection::connected));
  it.frames(2);
  CHECK(it.text_of("consume.countdown") == "Next in 0:22");
}
