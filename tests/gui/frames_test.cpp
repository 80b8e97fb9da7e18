// Every panel on every kind of snapshot, at the smallest and the largest size, in both themes; and
// a mouse and a keyboard that know nothing.
#include <catch2/catch.hpp>

#include "common/base/prng.hpp"
#include "tests/gui/headless.hpp"

#include <array>
#include <string>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

constexpr std::array panels{Panel::cluster, Panel::produce, Panel::consume, Panel::browse,
                            Panel::sql};
constexpr int cluster_tabs = 6;

/// What ImGui made must be whole: lists that end, and indices within their vertices.
void check_draw_data() {
  const ImDrawData* data = ImGui::GetDrawData();
  REQUIRE(data != nullptr);
  REQUIRE(data->Valid);
  for (int i = 0; i < data->CmdListsCount; ++i) {
    const ImDrawList* list = data->CmdLists[i];
    unsigned most = 0;
    for (const ImDrawIdx index : list->IdxBuffer) most = std::max<unsigned>(most, index);
    if (list->IdxBuffer.Size > 0 && list->CmdBuffer.Size == 1) {
      REQUIRE(most < static_cast<unsigned>(list->VtxBuffer.Size));
    }
    for (const ImDrawVert& vertex : list->VtxBuffer) {
      REQUIRE(vertex.pos.x == vertex.pos.x);  // No NaN.
      REQUIRE(vertex.pos.y == vertex.pos.y);
    }
  }
}

enum class Reach : bool { any, all };

/// Everything that can be pressed or typed into lies where a person gets to it: within the window,
/// and not cut off by the part of it that it is in. Up and down parts scroll.
void check_reach(Headless& it, Reach reach) {
  if (reach == Reach::any) return;
  // What is measured in one frame is used in the next: that comes to rest.
  it.frames(4);
  CHECK_FALSE(it.ui().wants_frame);
  const float width = ImGui::GetIO().DisplaySize.x;
  for (const DescribedItem& item : it.ui().described) {
    INFO(item.name << " from " << item.min.x << " to " << item.max.x << " of " << width);
    CHECK(item.min.x >= -1);
    CHECK(item.max.x <= width + 1);
    CHECK_FALSE(item.cut);
  }
}

void draw_all(Headless& it, int frames, Reach reach = Reach::any) {
  for (const Panel panel : panels) {
    it.show(panel);
    const bool cluster = panel == Panel::cluster;
    const bool produce = panel == Panel::produce;
    const int variants = cluster ? cluster_tabs : produce ? 4 : 1;
    for (int i = 0; i < variants; ++i) {
      if (cluster) it.tab().cluster.tab = i;
      if (produce) it.tab().producer.how = i;
      it.frames(frames);
      INFO(name_of(panel) << " " << i);
      check_draw_data();
      check_reach(it, reach);
    }
  }
}

void choose_rows(Headless& it) {
  auto& tab = it.tab();
  const auto& consume = it.shell().snapshot()->consume->records;
  const auto& browse = it.shell().snapshot()->browse->records;
  if (!consume.empty()) tab.consumer.chosen = consume.first() + consume.size() / 2;
  if (!browse.empty()) tab.browse.chosen = browse.first() + 1;
  tab.browse.number = it.shell().snapshot()->browse->number;
  tab.producer.chosen_job = 3;
  tab.cluster.partitions.selected = 0;
  tab.cluster.topics.selected = 0;
}

void poke(Headless& it, Prng& prng, float width, float height) {
  const std::uint64_t what = prng.below(20);
  if (what < 8) {
    it.move(static_cast<float>(prng.below(static_cast<std::uint64_t>(width))),
            static_cast<float>(prng.below(static_cast<std::uint64_t>(height))));
  } else if (what < 13) {
    it.press(true);
    it.frame();
    it.press(false);
  } else if (what < 15) {
    it.wheel(static_cast<float>(prng.below(9)) - 4);
  } else if (what < 17) {
    static constexpr std::array<const char*, 6> texts{"a",      "key:", ".x > 1",
                                                      "\u65e5", "\"",   "-15m"};
    it.type(texts[static_cast<std::size_t>(prng.below(texts.size()))]);
  } else {
    static constexpr std::array<ImGuiKey, 9> keys{
        ImGuiKey_Tab,      ImGuiKey_Enter, ImGuiKey_Escape,    ImGuiKey_DownArrow, ImGuiKey_UpArrow,
        ImGuiKey_PageDown, ImGuiKey_Space, ImGuiKey_Backspace, ImGuiKey_End};
    it.key(keys[static_cast<std::size_t>(prng.below(keys.size()))], prng.chance(1, 4));
  }
  it.frame();
}

}  // namespace

TEST_CASE("frames: every panel draws every kind of snapshot", "[gui]") {
  const Scene scene = GENERATE(Scene::nothing, Scene::empty, Scene::ordinary, Scene::broken);
  const bool dark = GENERATE(true, false);
  Headless it(make_scene(scene, scene_time()), 1440, 900, 1, dark);
  draw_all(it, 5);
  choose_rows(it);
  draw_all(it, 5);
}

TEST_CASE("frames: from 1024x700 up to 4K, and at any scale", "[gui]") {
  struct Size {
    float width;
    float height;
    float scale;
  };
  const Size size = GENERATE(Size{1024, 700, 1}, Size{1024, 700, 1.5F}, Size{3840, 2160, 1},
                             Size{3840, 2160, 2}, Size{900, 600, 1});
  Headless it(make_scene(Scene::ordinary, scene_time()), size.width, size.height, size.scale);
  draw_all(it, 4, Reach::all);
  choose_rows(it);
  draw_all(it, 4, Reach::all);
}

TEST_CASE("frames: a window too small to read breaks nothing", "[gui]") {
  const float scale = GENERATE(1.0F, 2.0F);
  Headless it(make_scene(Scene::ordinary, scene_time()), 320, 240, scale);
  choose_rows(it);
  draw_all(it, 4);
}

TEST_CASE("frames: names as long as they may be", "[gui]") {
  auto snapshot = std::make_shared<Snapshot>(*make_scene(Scene::ordinary, scene_time()));
  auto cluster = std::make_shared<ClusterView>(*snapshot->cluster);
  const std::string name(200, 'w');
  cluster->topics[0].name = name;
  for (PartitionRow& row : cluster->partitions) row.topic = name;
  for (ReaderRow& row : cluster->readers) row.reader = "consumer:" + name;
  snapshot->cluster = cluster;
  Headless it(snapshot, 1024, 700);
  choose_rows(it);
  it.tab().producer.topic = it.tab().browse.topic = it.tab().sql.topic = name;
  it.tab().consumer.topics = {name, name + "2"};
  it.tab().cluster.action.altered = name;
  it.tab().cluster.action.open_alter = true;
  draw_all(it, 4, Reach::all);
}

TEST_CASE("frames: a thousand partitions and a million records", "[gui]") {
  Headless it(make_scene(Scene::huge, scene_time()));
  choose_rows(it);
  draw_all(it, 5);
  it.show(Panel::consume);
  it.tab().consumer.grid.follows = false;
  for (const double place : {0.0, 0.25, 0.5, 0.999, 1.0}) {
    it.tab().consumer.grid.top = place * 1'000'000;
    it.frames(2);
    check_draw_data();
    CHECK(it.find("consume.records.row." +
                  std::to_string(static_cast<std::int64_t>(it.tab().consumer.grid.top) + 1)) !=
          nullptr);
  }
}

TEST_CASE("frames: a mouse and a keyboard that know nothing break nothing", "[gui]") {
  const Scene scene = GENERATE(Scene::empty, Scene::ordinary, Scene::broken);
  Headless it(make_scene(scene, scene_time()), 1200, 760);
  Prng prng(2026 + static_cast<std::uint64_t>(scene));
  for (int i = 0; i < 400; ++i) {
    if (i % 40 == 0) {
      it.show(panels[static_cast<std::size_t>(i / 40) % panels.size()]);
      it.tab().cluster.tab = static_cast<int>(prng.below(cluster_tabs));
    }
    poke(it, prng, 1200, 760);
    if (it.shell().front() == nullptr) it.shell().connect("tcp://10.0.0.5:5550");
  }
  check_draw_data();
}

TEST_CASE("frames: the snapshot may change to anything between two frames", "[gui]") {
  Headless it(make_scene(Scene::ordinary, scene_time()));
  choose_rows(it);
  for (const Scene scene :
       {Scene::huge, Scene::empty, Scene::broken, Scene::nothing, Scene::ordinary}) {
    it.show(make_scene(scene, scene_time()));
    draw_all(it, 3);
  }
}
