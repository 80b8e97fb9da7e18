// Charts: what their axes say, where they say it, and that nothing is drawn where nothing was
// known.
#include <catch2/catch.hpp>

#include "gui/views/chart.hpp"
#include "tests/gui/headless.hpp"

#include <array>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

constexpr Micros look_every = 2s;

/// A cluster whose records came in at these rates, the last one now.
std::shared_ptr<Snapshot> with_rates(const std::vector<double>& rates) {
  auto snapshot = std::make_shared<Snapshot>(*make_scene(Scene::ordinary, scene_time()));
  auto cluster = std::make_shared<ClusterView>(*snapshot->cluster);
  auto history = std::make_shared<ClusterHistory>(1'000);
  Micros at = scene_time().wall - look_every * static_cast<std::int64_t>(rates.size() - 1);
  for (const double rate : rates) {
    ClusterHistory::Sample sample;
    sample.wall = at;
    sample.values.fill(unknown_value);
    sample.values.at(static_cast<std::size_t>(Metric::records_in)) = rate;
    history->add(sample);
    at += look_every;
  }
  cluster->history = history;
  snapshot->cluster = cluster;
  return snapshot;
}

std::vector<DescribedItem> all_of(const Headless& it, const std::string& begin) {
  std::vector<DescribedItem> found;
  for (const DescribedItem& item : it.described()) {
    if (item.name.compare(0, begin.size(), begin) == 0) found.push_back(item);
  }
  return found;
}

constexpr std::array charts{"chart.records", "chart.commit", "chart.bytes", "chart.lag"};

/// Of one axis: each says something else, and no two lie on each other.
void check_labels(const Headless& it, const std::string& axis, const DescribedItem& within) {
  const auto labels = all_of(it, axis);
  std::set<std::string> texts;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const DescribedItem& label = labels[i];
    INFO(label.name << " '" << label.text << "' from " << label.min.x << "," << label.min.y
                    << " to " << label.max.x << "," << label.max.y);
    CHECK_FALSE(label.text.empty());
    CHECK(texts.insert(label.text).second);
    CHECK(label.min.x >= within.min.x);
    CHECK(label.max.x <= within.max.x);
    CHECK(label.min.y >= within.min.y - 1);
    CHECK(label.max.y <= within.max.y + 1);
    for (std::size_t k = 0; k < i; ++k) {
      const bool apart = labels[k].max.x <= label.min.x || label.max.x <= labels[k].min.x ||
                         labels[k].max.y <= label.min.y || label.max.y <= labels[k].min.y;
      CHECK(apart);
    }
  }
}

/// Corners of what was drawn in that colour, from a chart's left to its right edge.
std::size_t corners_between(const DescribedItem& chart, ImU32 colour, float from, float to) {
  std::size_t corners = 0;
  const ImDrawData* data = ImGui::GetDrawData();
  for (int i = 0; i < data->CmdListsCount; ++i) {
    for (const ImDrawVert& vertex : data->CmdLists[i]->VtxBuffer) {
      const bool inside = vertex.pos.x > from && vertex.pos.x < to && vertex.pos.y > chart.min.y &&
                          vertex.pos.y < chart.max.y;
      if (inside && (vertex.col & ~IM_COL32_A_MASK) == (colour & ~IM_COL32_A_MASK)) ++corners;
    }
  }
  return corners;
}

}  // namespace

TEST_CASE("charts: labels of the axes differ, fit, and lie apart at any size and scale", "[gui]") {
  struct Size {
    float width;
    float height;
    float scale;
  };
  const Size size =
      GENERATE(Size{1024, 700, 1}, Size{1440, 900, 1}, Size{1536, 1050, 1.5F}, Size{2048, 1400, 2},
               Size{3840, 2160, 1}, Size{3840, 2160, 1.5F}, Size{3840, 2160, 2});
  const Scene scene = GENERATE(Scene::empty, Scene::ordinary, Scene::huge);
  Headless it(make_scene(scene, scene_time()), size.width, size.height, size.scale);
  for (const double seconds : {30.0, 300.0, 3'600.0}) {
    it.tab().cluster.chart.seconds = seconds;
    it.frames(4);
    for (const char* name : charts) {
      INFO(name << " " << size.width << "x" << size.height << " at " << size.scale << ", "
                << seconds << " s");
      const DescribedItem* chart = it.find(name);
      REQUIRE(chart != nullptr);
      check_labels(it, std::string(name) + ".y.", *chart);
      check_labels(it, std::string(name) + ".x.", *chart);
      CHECK(all_of(it, std::string(name) + ".x.").size() >= 2);
      CHECK(chart->min.x >= 0);
      CHECK(chart->max.x <= size.width);
      CHECK(chart->max.y <= size.height);
    }
  }
}

TEST_CASE("charts: values stand with their unit, in steps of it", "[gui]") {
  const auto [rate, top] = GENERATE(std::pair{0.0, "/s"}, std::pair{3.0, "/s"},
                                    std::pair{1'500.0, "k/s"}, std::pair{2.5e6, "M/s"});
  Headless it(with_rates({rate, rate, rate, rate}));
  it.frames(3);
  const auto labels = all_of(it, "chart.records.y.");
  REQUIRE(labels.size() >= 2);
  CHECK(labels.back().text.find(top) != std::string::npos);
  CHECK(labels.back().min.y < labels.front().min.y);
}

TEST_CASE("charts: the value under the mouse is said, with its time", "[gui]") {
  Headless it(with_rates({100, 200, 300, 400, 500, 600, 700, 800}));
  it.tab().cluster.chart.seconds = 30;
  it.frames(3);
  const DescribedItem area = *it.find("chart.records.area");
  const float second = (area.max.x - area.min.x) / 30;
  // Six seconds ago: three looks before the last one.
  it.move(area.max.x - 6 * second, (area.min.y + area.max.y) / 2);
  it.frames(3);
  const std::string said = it.text_of("chart.records.value");
  CHECK(said.find("in  500/s") != std::string::npos);
  CHECK(said.find("out  \u2014") != std::string::npos);
  CHECK(said.find(format_local_time(scene_time().wall - 6s, WithDate::no).substr(0, 8)) == 0);
  it.move(0, 0);
  it.frames(3);
  CHECK(it.find("chart.records.value") == nullptr);
}

TEST_CASE("charts: where nothing was known there is a gap, and nothing is said of it", "[gui]") {
  std::vector<double> rates(16, 400);
  for (std::size_t i = 5; i < 11; ++i) rates[i] = unknown_value;
  Headless it(with_rates(rates));
  it.tab().cluster.chart.seconds = 30;
  it.frames(3);
  const DescribedItem area = *it.find("chart.records.area");
  const float second = (area.max.x - area.min.x) / 30;
  const ImU32 colour = it.ui().theme.series[0];
  // The looks 5 to 10 are 20 to 10 s ago: within them nothing is drawn, and beside them there is.
  CHECK(corners_between(area, colour, area.max.x - 21.5F * second, area.max.x - 8.5F * second) ==
        0);
  CHECK(corners_between(area, colour, area.min.x - 2, area.max.x - 21.5F * second) > 0);
  CHECK(corners_between(area, colour, area.max.x - 8.5F * second, area.max.x + 2) > 0);
  it.move(area.max.x - 16 * second, (area.min.y + area.max.y) / 2);
  it.frames(3);
  CHECK(it.text_of("chart.records.value").find("in  \u2014") != std::string::npos);
}

TEST_CASE("charts: what nobody looked at says nothing", "[gui]") {
  Headless it(with_rates({400, 400, 400}));
  it.frames(3);
  const DescribedItem area = *it.find("chart.records.area");
  it.move(area.min.x + 20, (area.min.y + area.max.y) / 2);  // Long before the first look.
  it.frames(3);
  CHECK(it.find("chart.records.value") == nullptr);
}
