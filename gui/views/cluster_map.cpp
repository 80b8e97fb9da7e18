// Which node holds what: a column a node, a row a topic, a square a replica. Filled: it leads.
// Ringed: it follows, in sync. Hollow: it follows, and is behind. Crossed: a copy is being made
// there.
#include "gui/views/cluster_view.hpp"

#include "gui/views/imgui_versions.hpp"
#include "gui/views/record_detail.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace pinion::gui {
namespace {

struct Square {
  const PartitionRow* row = nullptr;
  bool leads = false;
  bool in_sync = false;
  bool copying = false;  ///< It is to be there, and is not yet.
};
using Squares = std::vector<std::vector<Square>>;  // By node.

Squares squares_of(const ClusterView& cluster, const TopicRow& topic,
                   const std::map<NodeId, std::size_t>& columns) {
  Squares squares(columns.size() + 1);  // The last column: without a node.
  const std::size_t end = topic.first_row + static_cast<std::size_t>(topic.partitions);
  for (std::size_t i = topic.first_row; i < std::min(end, cluster.partitions.size()); ++i) {
    const PartitionRow& row = cluster.partitions[i];
    std::vector<NodeId> holders = row.replicas;
    if (holders.empty() && row.leader != node_none) holders.push_back(row.leader);
    if (holders.empty()) squares.back().push_back({&row, false, false, false});
    for (const NodeId node : row.target) {
      const auto column = columns.find(node);
      if (column == columns.end()) continue;
      if (std::find(holders.begin(), holders.end(), node) != holders.end()) continue;
      squares[column->second].push_back({&row, false, false, true});
    }
    for (const NodeId holder : holders) {
      const auto column = columns.find(holder);
      const std::size_t at = column == columns.end() ? columns.size() : column->second;
      const bool in_sync = std::find(row.isr.begin(), row.isr.end(), holder) != row.isr.end();
      squares[at].push_back({&row, row.leader == holder, in_sync, false});
    }
  }
  return squares;
}

std::string square_text(const Square& square) {
  const PartitionRow& row = *square.row;
  std::string text =
      partition_name(row.topic, row.partition) + ", " + std::string(name_of(row.state));
  if (square.copying) {
    text += "\nbeing copied to here";
  } else if (square.leads) {
    text += "\nled here since epoch " + std::to_string(row.epoch);
  } else {
    text += square.in_sync ? "\na follower, in sync" : "\na follower, behind";
  }
  if (row.has_status) {
    text += "\n" + format_count(std::optional(row.high_watermark - row.log_start)) + " records, " +
            format_bytes(row.file_bytes) + "\n" + format_rate(row.records_in_per_s) + " in";
  }
  if (!row.detail.empty()) text += "\n" + row.detail;
  return text;
}

constexpr float square_size = 13;
constexpr float square_step = 17;

std::size_t squares_in_row(const Ui& ui, float width) {
  return static_cast<std::size_t>(std::max(1.0F, (width - ui.px(16)) / ui.px(square_step)));
}

void draw_square(Ui& ui, const Square& square, ImVec2 low) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  const ImVec2 high{low.x + ui.px(square_size), low.y + ui.px(square_size)};
  const ImU32 colour = ui.ink(ui.theme.of(tone_of(square.row->state)));
  if (square.copying) {
    add_frame(list, low, high, ui.ink(ui.theme.accent), ui.px(3), ui.px(1.5F));
    const ImVec2 c{(low.x + high.x) / 2, (low.y + high.y) / 2};
    list->AddLine({c.x - ui.px(3), c.y}, {c.x + ui.px(3), c.y}, ui.ink(ui.theme.accent),
                  ui.px(1.5F));
    list->AddLine({c.x, c.y - ui.px(3)}, {c.x, c.y + ui.px(3)}, ui.ink(ui.theme.accent),
                  ui.px(1.5F));
  } else if (square.leads) {
    list->AddRectFilled(low, high, colour, ui.px(3));
  } else {
    add_frame(list, low, high, square.in_sync ? colour : ui.ink(ui.theme.warning), ui.px(3),
              ui.px(1.5F));
    if (square.in_sync) {
      list->AddRectFilled({low.x + ui.px(4), low.y + ui.px(4)},
                          {high.x - ui.px(4), high.y - ui.px(4)}, colour, ui.px(2));
    }
  }
}

void draw_squares(Ui& ui, const std::vector<Square>& squares, ImVec2 at, float width,
                  const Square*& hovered) {
  const float size = ui.px(square_size);
  const float step = ui.px(square_step);
  const std::size_t in_row = squares_in_row(ui, width);
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  for (std::size_t i = 0; i < squares.size(); ++i) {
    const ImVec2 low{at.x + ui.px(8) + step * static_cast<float>(i % in_row),
                     at.y + step * static_cast<float>(i / in_row)};
    const ImVec2 high{low.x + size, low.y + size};
    if (!ImGui::IsRectVisible(low, high)) continue;
    draw_square(ui, squares[i], low);
    const bool over = ImGui::IsWindowHovered() && mouse.x >= low.x && mouse.x < high.x &&
                      mouse.y >= low.y && mouse.y < high.y;
    if (over) hovered = &squares[i];
  }
}

/// Thousands of topics are laid out once; those in sight are drawn.
void lay_out(const Ui& ui, const ClusterView& cluster, const std::map<NodeId, std::size_t>& columns,
             float width, MapState& state) {
  const bool same =
      state.of == cluster.answered_at && state.tops.size() == cluster.topics.size() + 1;
  if (same && std::fabs(state.width - width) < 0.5F && std::fabs(state.scale - ui.scale) < 0.01F) {
    return;
  }
  state.of = cluster.answered_at;
  state.width = width;
  state.scale = ui.scale;
  state.homeless = false;
  state.tops.assign(1, 0.0F);
  const std::size_t in_row = squares_in_row(ui, width);
  for (const TopicRow& topic : cluster.topics) {
    std::size_t most = 1;
    const Squares squares = squares_of(cluster, topic, columns);
    for (const auto& column : squares) most = std::max(most, column.size());
    state.homeless = state.homeless || !squares.back().empty();
    const std::size_t rows = (most - 1) / in_row + 1;
    state.tops.push_back(state.tops.back() + ui.px(square_step) * static_cast<float>(rows) +
                         ui.px(13));
  }
}

/// The squares themselves, small, beside their words.
void draw_legend(Ui& ui) {
  PartitionRow online;
  online.state = PartitionState::online;
  PartitionRow full;
  full.state = PartitionState::storage_full;
  PartitionRow offline;
  offline.state = PartitionState::offline;
  const std::pair<Square, const char*> kinds[]{{{&online, true, true, false}, "leads"},
                                               {{&online, false, true, false}, "follows, in sync"},
                                               {{&online, false, false, false}, "behind"},
                                               {{&full, true, true, false}, "opening or full"},
                                               {{&offline, true, true, false}, "offline, halted"},
                                               {{&online, false, false, true}, "being copied"}};
  bool first = true;
  for (const auto& [square, text] : kinds) {
    const float width = ui.px(square_size + 6) + ImGui::CalcTextSize(text).x;
    if (!std::exchange(first, false)) ui.beside(width, ui.px(16));
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float line = ImGui::GetTextLineHeight();
    draw_square(ui, square, {at.x, at.y + (line - ui.px(square_size)) / 2});
    ImGui::Dummy({ui.px(square_size), line});
    ImGui::SameLine(0, ui.px(6));
    ui.text(text, Tone::muted);
  }
}

}  // namespace

void draw_map(Ui& ui, const Snapshot& snapshot, ClusterState& state) {
  const ClusterView& cluster = *snapshot.cluster;
  draw_legend(ui);
  ui.begin_card("map", {0, 0}, {}, ImGuiWindowFlags_HorizontalScrollbar);
  if (cluster.topics.empty()) {
    ui.empty_state("Nothing to map yet", "Each topic is a row here, and each node a column.");
    ui.end_card();
    return;
  }
  std::map<NodeId, std::size_t> columns;
  for (const NodeRow& node : cluster.nodes) columns.emplace(node.id, columns.size());
  const float label = ui.px(170);
  const std::size_t shown_columns = columns.size() + (state.map.homeless ? 1 : 0);
  const float width =
      std::max(ui.px(96), std::floor((ImGui::GetContentRegionAvail().x - label) /
                                     static_cast<float>(std::max<std::size_t>(1, shown_columns))));
  const ImVec2 begin = ImGui::GetCursorScreenPos();
  ImDrawList* list = ImGui::GetWindowDrawList();
  for (const NodeRow& node : cluster.nodes) {
    const float x = begin.x + label + width * static_cast<float>(columns[node.id]);
    ImGui::SetCursorScreenPos({x + ui.px(8), begin.y});
    ui.dot(tone_of(node.health));
    ImGui::SameLine(0, ui.px(5));
    ui.strong("Node " + std::to_string(node.id.raw()));
    ImGui::SetCursorScreenPos({x + ui.px(8), begin.y + ImGui::GetTextLineHeight() + ui.px(2)});
    ui.text(
        std::to_string(node.partitions_led) + " led, " + std::to_string(node.replicas) + " held",
        Tone::muted);
    if (node.draining) {
      ImGui::SameLine(0, ui.px(8));
      ui.text(node.is_drained() ? "drained" : "draining", Tone::accent);
    }
  }
  if (state.map.homeless) {
    ImGui::SetCursorScreenPos(
        {begin.x + label + width * static_cast<float>(columns.size()) + ui.px(8), begin.y});
    ui.strong("No node", Tone::bad);
  }
  const float first = begin.y + 2 * ImGui::GetTextLineHeight() + ui.px(14);
  lay_out(ui, cluster, columns, width, state.map);
  const std::vector<float>& tops = state.map.tops;
  Square shown;
  bool any = false;
  const float above = ImGui::GetWindowPos().y - first;
  const float below = above + ImGui::GetWindowHeight();
  auto index =
      static_cast<std::size_t>(std::upper_bound(tops.begin(), tops.end(), above) - tops.begin());
  if (index > 0) --index;
  for (; index < cluster.topics.size() && tops[index] < below; ++index) {
    const TopicRow& topic = cluster.topics[index];
    const float y = first + tops[index];
    const Squares squares = squares_of(cluster, topic, columns);
    list->AddLine({begin.x, y - ui.px(6)},
                  {begin.x + label + width * static_cast<float>(shown_columns), y - ui.px(6)},
                  ui.ink(with_alpha(ui.theme.border, 0.7F)));
    ImGui::SetCursorScreenPos({begin.x, y - ui.px(2)});
    ui.text(cut_text(topic.name, 24),
            topic.partitions_online < topic.partitions ? Tone::bad : Tone::normal);
    for (std::size_t i = 0; i < squares.size(); ++i) {
      const Square* hovered = nullptr;
      const float x = begin.x + label + width * static_cast<float>(i);
      draw_squares(ui, squares[i], {x, y}, width, hovered);
      if (hovered == nullptr) continue;
      shown = *hovered;
      any = true;
    }
  }
  ImGui::SetCursorScreenPos({begin.x, first + tops.back()});
  ImGui::Dummy({label + width * static_cast<float>(shown_columns), ui.px(4)});
  if (any) {
    ui.tooltip(square_text(shown));
    if (ImGui::IsMouseClicked(0)) {
      ui.go.browse = BrowsePartition{
          shown.row->topic, shown.row->partition, {ReadPlace::Kind::latest, 0, {}, {}}};
    }
  }
  ui.end_card();
}

}  // namespace pinion::gui
