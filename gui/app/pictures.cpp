// The screenshots, and the measurements: both show scenes, in this program's own window.
#include "gui/app/app.hpp"

#include <imgui_internal.h>

#include "gui/app/png.hpp"
#include "gui/model/changes.hpp"
#include "gui/model/format.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <system_error>

namespace pinion::gui {
namespace {

constexpr std::array panels{Panel::cluster, Panel::produce, Panel::consume, Panel::browse,
                            Panel::sql};

/// What a person would have typed and chosen before the picture.
void dress(Shell::Tab& tab) {
  ProducerState& producer = tab.producer;
  producer.topic = "orders";
  producer.has_key = true;
  producer.key = "ann";
  producer.headers = {{"source", "desk"}};
  producer.value =
      "{\n  \"id\": {{n}},\n  \"user\": { \"name\": \"ann\", \"tier\": 2 },\n  \"items\": [\n"
      "    { \"sku\": \"{{pick apples|pears|plums}}\", \"count\": {{random 1 9}} }\n  ],\n"
      "  \"at\": \"{{time}}\"\n}";
  producer.how = 1;
  producer.chosen_job = 4;
  tab.cluster.topic = "orders";
  tab.cluster.node = NodeId(2);
  tab.consumer.topics = {"orders"};
  tab.browse.topic = tab.sql.topic = "orders";
  tab.sql.sql =
      "select json->>'$.user.name' as name, count(*) as orders,\n"
      "       sum(json->>'$.items[0].price') as total, max(time) as last\n"
      "from readable\ngroup by name order by orders desc";
  const Snapshot& shown = *tab.snapshot;
  const LogView& records = shown.consume->records;
  if (!records.empty()) tab.consumer.chosen = records.end() - 4;
  const LogView& browsed = shown.browse->records;
  if (!browsed.empty()) tab.browse.chosen = browsed.end() - 3;
  tab.browse.number = shown.browse->number;
  tab.browse.grid.top = static_cast<double>(browsed.size());
  tab.browse.grid.base = browsed.first();
}

bool picture(App& app, const std::string& path, int frames = 4) {
  for (int i = 0; i < frames; ++i) app.frame();
  int width = 0;
  int height = 0;
  const auto pixels = app.window().pixels(width, height);
  if (write_png(path, width, height, pixels)) return true;
  std::fprintf(stderr, "pinion-dashboard: '%s' cannot be written\n", path.c_str());
  return false;
}

/// What is behind a dialog fades over some frames.
constexpr int dialog_frames = 40;

/// The questions before something is done, and a list of topics.
bool dialogs(App& app, Shell::Tab& tab, const std::string& folder, const std::string& theme) {
  app.shell().show(Panel::cluster);
  tab.cluster.tab = 1;
  tab.cluster.node_action = {NodeCommand::drain, NodeId(2), true, 0};
  bool good = picture(app, folder + "/dialog-drain-" + theme + ".png", dialog_frames);
  ImGui::ClosePopupToLevel(0, false);
  tab.cluster.tab = 2;
  const TopicRow& topic = *tab.snapshot->cluster->find_topic("orders");
  tab.cluster.action.altered = topic.name;
  tab.cluster.action.alteration = form_of(topic.name, topic.config);
  tab.cluster.action.alteration.partitions = 6;
  tab.cluster.action.alteration.replication = 1;
  tab.cluster.action.alteration.kept_for = "2 d";
  tab.cluster.action.open_alter = true;
  good = picture(app, folder + "/dialog-alter-" + theme + ".png", dialog_frames) && good;
  ImGui::ClosePopupToLevel(0, false);
  tab.cluster.action.doomed = topic.name;
  tab.cluster.action.open_delete = true;
  good = picture(app, folder + "/dialog-delete-" + theme + ".png", dialog_frames) && good;
  ImGui::ClosePopupToLevel(0, false);
  return good;
}

/// How it looks when something is wrong, or nothing is there yet; and a list that is open.
bool troubles(App& app, Shell::Tab& tab, const std::string& folder, const std::string& theme,
              const Now& now) {
  struct Trouble {
    const char* name;
    Scene scene;
    Panel panel;
    int cluster_tab;
  };
  static constexpr std::array all{Trouble{"lost-cluster", Scene::broken, Panel::cluster, 0},
                                  Trouble{"lost-nodes", Scene::broken, Panel::cluster, 1},
                                  Trouble{"lost-consume", Scene::broken, Panel::consume, 0},
                                  Trouble{"lost-sql", Scene::broken, Panel::sql, 0},
                                  Trouble{"empty-cluster", Scene::empty, Panel::cluster, 0},
                                  Trouble{"empty-topics", Scene::empty, Panel::cluster, 2},
                                  Trouble{"empty-produce", Scene::empty, Panel::produce, 0},
                                  Trouble{"empty-consume", Scene::empty, Panel::consume, 0},
                                  Trouble{"nothing", Scene::nothing, Panel::cluster, 0}};
  auto ordinary = std::move(tab.source);
  bool good = true;
  for (const Trouble& trouble : all) {
    tab.source = std::make_unique<SceneSource>(make_scene(trouble.scene, now));
    app.shell().show(trouble.panel);
    tab.cluster.tab = trouble.cluster_tab;
    good = picture(app, folder + "/" + trouble.name + "-" + theme + ".png") && good;
  }
  tab.source = std::move(ordinary);
  app.shell().show(Panel::sql);
  for (int i = 0; i < 3; ++i) app.frame();
  tab.sql.picker.open = true;
  good = picture(app, folder + "/popup-topics-" + theme + ".png") && good;
  ImGui::ClosePopupToLevel(0, false);
  return good;
}

struct Quantiles {
  Micros p50{0};
  Micros p99{0};
  Micros most{0};
};

Quantiles quantiles_of(std::vector<Micros> times) {
  std::sort(times.begin(), times.end());
  if (times.empty()) return {};
  return {times[times.size() / 2], times[times.size() * 99 / 100], times.back()};
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  file >> pages >> resident;
  return resident * 4'096;
}

void report(const char* what, const Quantiles& program, const Quantiles& thread,
            const Quantiles& drawing) {
  std::printf("| %s | %s | %s | %s | %s | %s | %s |\n", what, format_duration(thread.p50).c_str(),
              format_duration(thread.p99).c_str(), format_duration(thread.most).c_str(),
              format_duration(program.p50).c_str(), format_duration(program.p99).c_str(),
              format_duration(drawing.p50).c_str());
  std::fflush(stdout);
}

void measure_frames(App& app, const char* what, int frames,
                    const std::function<void(int)>& before) {
  std::vector<Micros> program;
  std::vector<Micros> thread;
  std::vector<Micros> drawing;
  for (int i = 0; i < frames + 10; ++i) {
    before(i);
    app.window().wait(Micros{0});
    const App::FrameTimes times = app.frame();
    if (i < 10) continue;  // The atlas and the sizes settle.
    program.push_back(times.program);
    thread.push_back(times.thread);
    drawing.push_back(times.drawing);
  }
  report(what, quantiles_of(program), quantiles_of(thread), quantiles_of(drawing));
}

}  // namespace

int write_screenshots(App& app, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  bool good = true;
  for (const bool dark : {true, false}) {
    app.set_dark(dark);
    const std::string theme = dark ? "dark" : "light";
    if (app.shell().front() == nullptr) {
      good = picture(app, folder + "/connect-" + theme + ".png") && good;
    }
  }
  const Now now = read_clocks();
  app.freeze(now);
  app.shell().connect("tcp://10.0.0.5:5550");
  Shell::Tab& tab = *app.shell().front();
  tab.source = std::make_unique<SceneSource>(make_scene(Scene::ordinary, now));
  tab.snapshot = tab.source->snapshot();
  dress(tab);
  for (const bool dark : {true, false}) {
    app.set_dark(dark);
    const std::string theme = dark ? "dark" : "light";
    for (const Panel panel : panels) {
      app.shell().show(panel);
      tab.cluster.tab = 0;
      good =
          picture(app, folder + "/" + std::string(name_of(panel)) + "-" + theme + ".png") && good;
    }
    app.shell().show(Panel::cluster);
    static constexpr std::array<const char*, 6> names{"overview",   "nodes",   "topics",
                                                      "partitions", "readers", "map"};
    for (int i = 1; i < 6; ++i) {
      tab.cluster.tab = i;
      if (i == 3) tab.cluster.partitions.selected = 4;
      const std::string name = "cluster-" + std::string(names[static_cast<std::size_t>(i)]);
      good = picture(app, folder + "/" + name + "-" + theme + ".png") && good;
    }
    good = dialogs(app, tab, folder, theme) && good;
    good = troubles(app, tab, folder, theme, now) && good;
  }
  std::printf("wrote the pictures to %s\n", folder.c_str());
  return good ? 0 : 1;
}

int measure(App& app) {
  app.frame();
  std::printf("Start to the first frame: %s\n", format_duration(app.start_time()).c_str());
  std::printf("Memory without a cluster: %s\n", format_bytes(resident_bytes()).c_str());
  app.shell().connect("tcp://10.0.0.5:5550");
  Shell::Tab& tab = *app.shell().front();
  tab.source = std::make_unique<SceneSource>(make_scene(Scene::huge, read_clocks()));
  app.frame();
  tab.snapshot = tab.source->snapshot();
  tab.consumer.topics = {"orders"};
  tab.sql.topic = "orders";
  std::printf(
      "\n| frame | processor p50 | p99 | most | wall p50 | p99 | drawing p50 |\n"
      "|---|---|---|---|---|---|---|\n");
  app.shell().show(Panel::cluster);
  static constexpr std::array<const char*, 6> names{"cluster overview", "nodes",
                                                    "topics",           "1,000 partitions",
                                                    "readers",          "map of 1,000 partitions"};
  for (int i = 0; i < 6; ++i) {
    tab.cluster.tab = i;
    measure_frames(app, names[static_cast<std::size_t>(i)], 200,
                   [&](int frame) { tab.cluster.partitions.top = frame * 3; });
  }
  app.shell().show(Panel::consume);
  const auto rows = static_cast<double>(tab.snapshot->consume->records.size());
  tab.consumer.grid.follows = false;
  tab.consumer.chosen = tab.snapshot->consume->records.first() + 500'001;
  measure_frames(app, "1,000,000 records, scrolling", 400, [&](int frame) {
    tab.consumer.grid.top = rows * static_cast<double>(frame % 400) / 400;
  });
  tab.consumer.filter = ".user.name = ann .paid = true";
  tab.consumer.found.set(*RecordFilter::parse(tab.consumer.filter));
  measure_frames(app, "1,000,000 records, being filtered by JSON", 200, [](int) {});
  tab.consumer.found.set({});
  app.shell().show(Panel::sql);
  measure_frames(app, "100,000-row result, scrolling", 200,
                 [&](int frame) { tab.sql.grid.top = frame * 300; });
  app.shell().show(Panel::produce);
  measure_frames(app, "producer", 200, [](int) {});
  tab.producer.value = "[" + std::string(1'048'570, '7') + "]";
  measure_frames(app, "producer, a value of 1 MiB", 100, [](int) {});
  std::string lines;
  while (lines.size() < 1'000'000) lines += "{\"id\": 1, \"user\": \"ann\"},\n";
  tab.producer.value = lines;
  measure_frames(app, "producer, a value of 1 MB in 35,000 lines", 100, [](int) {});
  tab.producer.value.clear();
  app.shell().show(Panel::cluster);
  tab.source = std::make_unique<SceneSource>(make_many_topics(10'000, read_clocks()));
  app.frame();
  tab.snapshot = tab.source->snapshot();
  for (const int shown : {2, 3, 5}) {
    tab.cluster.tab = shown;
    measure_frames(app,
                   shown == 2   ? "10,000 topics"
                   : shown == 3 ? "50,000 partitions"
                                : "map of 10,000 topics",
                   100, [&](int frame) {
                     tab.cluster.topics.top = frame * 90;
                     tab.cluster.partitions.top = frame * 400;
                   });
  }
  std::string ideographs;
  for (unsigned code = 0x4e00; code < 0x4e00 + 2'000; ++code) {
    ideographs.push_back(static_cast<char>(0xe0U | (code >> 12U)));
    ideographs.push_back(static_cast<char>(0x80U | ((code >> 6U) & 0x3fU)));
    ideographs.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
  }
  app.ui().glyphs.note(ideographs);
  std::printf("\nA frame in which 2,000 ideographs join the atlas: %s\n",
              format_duration(app.frame().thread).c_str());
  std::printf("\nMemory after all of these scenes: %s\n", format_bytes(resident_bytes()).c_str());
  return 0;
}

}  // namespace pinion::gui
