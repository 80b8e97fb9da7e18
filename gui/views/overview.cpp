#include "gui/views/cluster_view.hpp"

#include "gui/model/words.hpp"
#include "gui/views/imgui_versions.hpp"

#include <algorithm>

namespace pinion::gui {
namespace {

struct Tile {
  const char* name;
  const char* label;
  std::string value;
  std::string note;
  Tone tone = Tone::normal;
};

void draw_tile(Ui& ui, const Tile& tile, ImVec2 size) {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {ui.px(14), ui.px(10)});
  ImGui::PushStyleColor(ImGuiCol_ChildBg, ui.theme.surface);
  ImGui::BeginChild(tile.name, size, true, ImGuiWindowFlags_NoScrollbar);
  ImGui::PopStyleColor();
  ImGui::PopStyleVar();
  const float room = ImGui::GetContentRegionAvail().x;
  ui.text_fitted(tile.label, room, Tone::muted);
  ImGui::SetCursorPosY(ImGui::GetCursorPosY() - ui.px(4));
  push_font(ui.fonts.title);
  ui.text_fitted(tile.value, room, tile.tone);
  ImGui::PopFont();
  ImGui::SetCursorPosY(ImGui::GetCursorPosY() - ui.px(6));
  ui.text_fitted(tile.note, room, Tone::muted);
  ImGui::EndChild();
  ui.describe(tile.name, tile.value + " " + tile.note);
}

std::vector<Tile> tiles_of(const ClusterView& cluster) {
  const auto nodes = static_cast<std::uint32_t>(cluster.nodes.size());
  const auto partitions = static_cast<std::uint32_t>(cluster.partitions.size());
  const std::uint32_t online =
      partitions - cluster.partitions_offline - cluster.partitions_not_well;
  const std::optional<std::int64_t> lag = cluster.lag_max;
  const CommitTimes& commits = cluster.commits;
  const bool any_alive =
      std::any_of(cluster.nodes.begin(), cluster.nodes.end(),
                  [](const NodeRow& node) { return node.health == NodeHealth::alive; });
  const auto draining = std::count_if(cluster.nodes.begin(), cluster.nodes.end(),
                                      [](const NodeRow& node) { return node.draining; });
  std::vector<Tile> tiles;
  tiles.push_back({"tile.nodes", "Nodes",
                   std::to_string(nodes - cluster.nodes_lost) + " of " + std::to_string(nodes),
                   cluster.nodes_lost > 0 ? std::to_string(cluster.nodes_lost) + " lost"
                   : nodes == 0           ? "none has registered"
                   : draining > 0         ? std::to_string(draining) + " being drained"
                                          : "all alive",
                   cluster.nodes_lost > 0 ? Tone::bad : Tone::normal});
  tiles.push_back(
      {"tile.partitions", "Partitions online",
       format_count(std::uint64_t{online}) + " of " + format_count(std::uint64_t{partitions}),
       cluster.partitions_offline > 0
           ? format_count(std::uint64_t{cluster.partitions_offline}) + " offline"
       : cluster.closed > 0 ? format_count(std::uint64_t{cluster.closed}) + " take no records"
       : cluster.partitions_not_well > 0
           ? format_count(std::uint64_t{cluster.partitions_not_well}) + " opening, full or halted"
       : cluster.under_replicated > 0
           ? format_count(std::uint64_t{cluster.under_replicated}) + " short of replicas"
       : cluster.moving > 0 ? format_count(std::uint64_t{cluster.moving}) + " being moved"
                            : counted(cluster.topics.size(), "topic", "topics"),
       cluster.partitions_offline > 0 || cluster.closed > 0              ? Tone::bad
       : cluster.partitions_not_well > 0 || cluster.under_replicated > 0 ? Tone::warning
                                                                         : Tone::normal});
  tiles.push_back({"tile.in", "Records in", format_rate(cluster.records_in_per_s),
                   format_rate(cluster.records_out_per_s) + " out", Tone::normal});
  tiles.push_back({"tile.lag", "Most behind", format_count(lag),
                   lag ? (*lag == 0 ? "all are at the end" : "records, one reader")
                   : cluster.readers.empty() ? "no reader yet"
                                             : "of no reader known",
                   Tone::normal});
  tiles.push_back(
      {"tile.commit", "Commit with fsync",
       commits.known ? format_duration(Micros(commits.p99_us)) : std::string(unknown_text),
       !any_alive       ? "no node is alive"
       : !commits.known ? "nothing written yet"
       : commits.now    ? "p99, worst node"
                        : "p99, of the last ones",
       Tone::normal});
  const auto fullest =
      std::find_if(cluster.nodes.begin(), cluster.nodes.end(), [&](const NodeRow& node) {
        return node.health == NodeHealth::alive && cluster.disk_free_least &&
               node.load.disk_free_bytes == *cluster.disk_free_least;
      });
  tiles.push_back(
      {"tile.disk", "Least disk free",
       cluster.disk_free_least ? format_bytes(*cluster.disk_free_least) : std::string(unknown_text),
       fullest == cluster.nodes.end() ? std::string("no node tells it")
                                      : "on node " + std::to_string(fullest->id.raw()),
       Tone::normal});
  return tiles;
}

}  // namespace

void draw_events(Ui& ui, const Snapshot& snapshot, ClusterState& state, ImVec2 size) {
  const std::vector<ClusterEvent>& events = *snapshot.events;
  ui.begin_pane("events.pane", size);
  ui.strong("Events");
  if (events.empty()) {
    ui.begin_card("events.none", {0, 0});
    ui.empty_state("Nothing happened", "Nodes that come and go, leaders that move: told here.");
    ui.end_card();
    ui.end_pane();
    return;
  }
  static const std::vector<GridColumn> columns{{.title = "Time", .sample = "00:00:00"},
                                               {.title = "What happened", .width = 300}};
  const GridResult result =
      draw_grid(ui, "events", {0, 0}, columns, state.events,
                {events.size(), 0, [&](std::size_t row, std::size_t column, GridCell& cell) {
                   const ClusterEvent& event = events[events.size() - 1 - row];
                   if (column == 0) {
                     cell.text = format_local_time(event.wall, WithDate::no).substr(0, 8);
                     cell.tone = Tone::muted;
                   } else {
                     cell.text = event.text;
                     cell.tone = event.tone;
                   }
                 }});
  if (result.hovered >= 0) {
    const ClusterEvent& event =
        events[events.size() - 1 - static_cast<std::size_t>(result.hovered)];
    ui.tooltip(event.text + "\n" + format_local_time(event.wall, WithDate::yes) + "\nUTC " +
               format_utc_time(event.wall));
  }
  ui.end_pane();
}

void draw_overview(Ui& ui, const Snapshot& snapshot, ClusterState& state) {
  const ClusterView& cluster = *snapshot.cluster;
  const std::vector<Tile> tiles = tiles_of(cluster);
  const float gap = ui.px(10);
  const float width = ImGui::GetContentRegionAvail().x;
  const int in_row = width < ui.px(1'040) ? 3 : 6;
  const float tile_width =
      std::floor((width - gap * static_cast<float>(in_row - 1)) / static_cast<float>(in_row));
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    if (i % static_cast<std::size_t>(in_row) != 0) ImGui::SameLine(0, gap);
    draw_tile(ui, tiles[i], {tile_width, ui.px(88)});
  }
  ImVec2 room = ImGui::GetContentRegionAvail();
  // Where charts would have no room beside the events, these stand below, and the panel scrolls.
  const bool narrow = room.x < ui.px(720);
  if (narrow) room.y = std::max(room.y, ui.px(380));
  const float events_width = std::max(ui.px(250), std::floor(room.x * 0.28F));
  const float charts_width = narrow ? room.x : room.x - events_width - gap;
  const ImVec2 chart{std::floor((charts_width - gap) / 2), std::floor((room.y - gap) / 2)};
  const auto& series = ui.theme.series;
  const ClusterHistory* history = cluster.history.get();
  const auto duration = [](double us) {
    return format_duration(Micros(static_cast<std::int64_t>(us)));
  };
  ui.begin_pane("overview.charts", {charts_width, room.y});
  draw_chart(ui, "chart.records", chart,
             {"Records",
              {{"in", Metric::records_in, series[0]}, {"out", Metric::records_out, series[1]}},
              [](double v) { return format_rate(v); }},
             state.chart, history);
  ImGui::SameLine(0, gap);
  draw_chart(ui, "chart.commit", chart,
             {"Commit",
              {{"p50", Metric::commit_p50, series[4]}, {"p99", Metric::commit_p99, series[2]}},
              duration},
             state.chart, history);
  draw_chart(ui, "chart.bytes", chart,
             {"Routed by the broker",
              {{"bytes", Metric::bytes_in, series[3]}},
              [](double v) { return format_byte_rate(v); },
              true},
             state.chart, history);
  ImGui::SameLine(0, gap);
  draw_chart(ui, "chart.lag", chart,
             {"Lag of all readers",
              {{"records", Metric::lag, series[5]}},
              [](double v) { return format_short_count(v); }},
             state.chart, history);
  ui.end_pane();
  if (narrow) return draw_events(ui, snapshot, state, {room.x, ui.px(220)});
  ImGui::SameLine(0, gap);
  draw_events(ui, snapshot, state, {events_width, room.y});
}

}  // namespace pinion::gui
