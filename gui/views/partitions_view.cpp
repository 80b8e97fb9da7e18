// The partitions of a cluster, and of the one that is chosen who leads, who follows and how far.
#include "gui/views/cluster_view.hpp"

#include "gui/model/exporting.hpp"
#include "gui/model/text_search.hpp"
#include "gui/views/filtered_table.hpp"
#include "gui/views/imgui_versions.hpp"
#include "gui/views/record_detail.hpp"

#include <algorithm>
#include <tuple>

namespace pinion::gui {
namespace {

/// Of its followers, the one that is most behind.
void fill_behind(const PartitionRow& row, GridCell& cell) {
  cell.tone = Tone::muted;
  if (row.replicas.size() < 2) {
    cell.text = "alone";
    return;
  }
  const auto behind = row.behind_max();
  cell.text = format_count(behind);
  if (behind.value_or(0) > 0) cell.tone = row.is_short() ? Tone::warning : Tone::normal;
}

void fill_partition(const PartitionRow& row, std::size_t column, GridCell& cell) {
  const auto known = [&](std::string text) {
    if (!row.has_status) cell.tone = Tone::muted;
    return row.has_status ? std::move(text) : std::string(unknown_text);
  };
  const auto offset = [](std::int64_t value) { return format_count(std::optional(value)); };
  switch (column) {
    case 0:
      cell.text = partition_name(row.topic, row.partition);
      cell.strong = true;
      break;
    case 1:
      cell.text = std::string(name_of(row.state));
      cell.tone = tone_of(row.state);
      break;
    case 2:
      cell.text = row.leader == node_none ? "none" : std::to_string(row.leader.raw());
      if (row.leader == node_none) cell.tone = Tone::bad;
      break;
    case 3:
      cell.text = list_of(row.replicas);
      if (row.is_moving()) {
        cell.text += " \u2192 " + list_of(row.target);
        cell.tone = Tone::accent;
      }
      break;
    case 4:
      cell.text = list_of(row.isr);
      if (row.is_short()) cell.tone = Tone::warning;
      if (row.state == PartitionState::online && !row.takes_records()) cell.tone = Tone::bad;
      break;
    case 5:
      fill_behind(row, cell);
      break;
    case 6:
      cell.text = std::to_string(row.epoch);
      break;
    case 7:
      cell.text = known(offset(row.log_start));
      break;
    case 8:
      cell.text = known(offset(row.high_watermark));
      break;
    case 9:
      cell.text = known(offset(row.log_end));
      break;
    case 10:
      cell.text = known(format_bytes(row.file_bytes));
      break;
    case 11:
      cell.text = known(format_bytes(row.wal_bytes));
      break;
    case 12:
      cell.text = known(format_rate(row.records_in_per_s));
      break;
    default:
      cell.text = known(format_rate(row.records_out_per_s));
      break;
  }
}

bool partition_less(const PartitionRow& a, const PartitionRow& b, int column) {
  switch (column) {
    case 1:
      return a.state < b.state;
    case 2:
      return a.leader < b.leader;
    case 4:
      return a.isr.size() < b.isr.size();
    case 5:
      return a.behind_max().value_or(-1) < b.behind_max().value_or(-1);
    case 6:
      return a.epoch < b.epoch;
    case 8:
      return a.high_watermark < b.high_watermark;
    case 10:
      return a.file_bytes < b.file_bytes;
    case 11:
      return a.wal_bytes < b.wal_bytes;
    case 12:
      return a.records_in_per_s < b.records_in_per_s;
    case 13:
      return a.records_out_per_s < b.records_out_per_s;
    default:
      return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition);
  }
}

std::string follower_text(const FollowerRow& follower) {
  std::string text = "node " + std::to_string(follower.node.raw());
  if (!follower.behind) return text + " has not been heard of in this epoch";
  text += follower.in_sync ? " in sync" : " not in sync";
  if (*follower.behind == 0) return text + ", at the end";
  text += ", " + format_count(follower.behind) + " records behind";
  if (follower.behind_for) text += " for " + format_duration(*follower.behind_for);
  return text;
}

/// Who leads, who follows and how far behind, and where it is being moved to.
void draw_replicas(Ui& ui, const PartitionRow& row) {
  std::string text = row.leader == node_none ? std::string("no leader")
                                             : "led by node " + std::to_string(row.leader.raw()) +
                                                   " since epoch " + std::to_string(row.epoch);
  if (row.is_moving()) text += ", moving to " + list_of(row.target);
  ui.beside(std::min(ImGui::CalcTextSize(text.c_str()).x, ui.px(300)), ui.px(14));
  ui.text_fitted(text, ImGui::GetContentRegionAvail().x,
                 row.is_moving() ? Tone::accent : Tone::muted);
  std::string followers;
  bool lags = false;
  for (const FollowerRow& follower : row.followers) {
    followers += (followers.empty() ? "" : " \u00b7 ") + follower_text(follower);
    lags = lags || !follower.in_sync;
  }
  if (!followers.empty()) ui.paragraph(followers, lags ? Tone::warning : Tone::muted);
  ui.describe("partition.followers", followers);
  if (row.state == PartitionState::online && !row.takes_records()) {
    ui.paragraph("It takes no records: " + std::to_string(row.isr.size()) + " of at least " +
                     std::to_string(row.min_insync) + " replicas are in sync.",
                 Tone::bad);
  }
}

void draw_partition_detail(Ui& ui, const PartitionRow& row) {
  // As high as what it says: at narrow widths that takes more lines.
  const float padding = ui.px(24);
  ui.begin_card("partition.detail", {0, ui.kept_height("partitions.below", ui.px(124))});
  const float begin = ImGui::GetCursorPosY();
  ui.strong_fitted(partition_name(row.topic, row.partition), ui.px(120));
  ImGui::SameLine();
  ui.chip(name_of(row.state), tone_of(row.state));
  draw_replicas(ui, row);
  if (!row.detail.empty()) ui.paragraph(row.detail, Tone::warning);
  if (ui.button("partition.browse", "Browse", ButtonKind::primary)) {
    ui.go.browse = BrowsePartition{row.topic, row.partition, {ReadPlace::Kind::latest, 0, {}, {}}};
  }
  if (!row.file.empty()) {
    const std::string command = sqlite_command(row.file, "select * from readable limit 20");
    ui.beside(ui.button_width("Copy sqlite3 command"));
    if (ui.button("partition.copy_sqlite", "Copy sqlite3 command")) {
      ui.copy(command);
    }
    if (ImGui::IsItemHovered()) ui.tooltip(command + "\n\nOn the node's machine.");
    ui.beside(ui.px(200));
    ImGui::AlignTextToFramePadding();
    push_font(ui.fonts.mono);
    ui.text_fitted(row.file, ImGui::GetContentRegionAvail().x, Tone::muted);
    ImGui::PopFont();
  }
  ui.keep_height("partitions.below", ImGui::GetCursorPosY() - begin + padding);
  ui.end_card();
}

}  // namespace

void draw_partitions(Ui& ui, const Snapshot& snapshot, ClusterState& state) {
  const ClusterView& cluster = *snapshot.cluster;
  draw_filter(ui, "partitions.filter", state.partition_filter, "Find a partition (Ctrl+F)");
  if (cluster.partitions.empty()) {
    ui.begin_card("partitions.none", {0, 0});
    ui.empty_state("There is no partition yet", "A topic brings them.");
    ui.end_card();
    return;
  }
  static const std::vector<GridColumn> columns{
      {"Partition", 160, false, false, true, "sensors.temperature-12"},
      {"State", 60, false, false, true, "storage full"},
      {"Leader", 50, true, false, true},
      {"Replicas", 80, false, false, false, "3, 1 \u2192 1, 2"},
      {"In sync", 60, false, false, true, "1, 2, 3"},
      {"Behind", 60, true, false, true, "123,456"},
      {"Epoch", 50, true, false, true},
      {"Start", 60, true, false, false, "12,345,678"},
      {"Watermark", 60, true, false, true, "12,345,678"},
      {"End", 60, true, false, false, "12,345,678"},
      {"File", 60, true, false, true, "1,023 MiB"},
      {"WAL", 60, true, false, true, "1,023 KiB"},
      {"In", 60, true, false, true, "1.23 k/s"},
      {"Out", 60, true, false, true, "1.23 k/s"}};
  const std::string wanted = small_letters(state.partition_filter);
  sort_rows(
      state.partition_rows, state.partitions, state.partition_filter, cluster.answered_at,
      cluster.partitions.size(),
      [&](std::uint32_t i) {
        const PartitionRow& row = cluster.partitions[i];
        return wanted.empty() || contains_letters(partition_name(row.topic, row.partition), wanted);
      },
      [&](std::uint32_t a, std::uint32_t b, int column) {
        return partition_less(cluster.partitions[a], cluster.partitions[b], column);
      });
  const std::vector<std::uint32_t>& rows = state.partition_rows.rows;
  if (draw_no_match(ui, "partitions.no_match", rows.empty(), state.partition_filter)) return;
  const auto key_of = [&](std::size_t row) {
    const PartitionRow& one = cluster.partitions[rows[row]];
    return std::pair(one.topic, one.partition);
  };
  find_chosen(state.partition, state.partitions, rows.size(),
              [&](std::size_t row, const std::pair<std::string, std::int32_t>& key) {
                const PartitionRow& one = cluster.partitions[rows[row]];
                return one.partition == key.second && one.topic == key.first;
              });
  const bool chosen = state.partitions.selected >= 0 &&
                      state.partitions.selected < static_cast<std::int64_t>(rows.size());
  const float below = chosen ? ui.kept_height("partitions.below", ui.px(124)) + ui.px(8) : 0;
  const GridResult result = draw_grid(
      ui, "partitions", {0, ImGui::GetContentRegionAvail().y - below}, columns, state.partitions,
      {rows.size(), 0, [&](std::size_t row, std::size_t column, GridCell& cell) {
         fill_partition(cluster.partitions[rows[row]], column, cell);
       }});
  keep_chosen(state.partition, state.partitions, result, rows.size(), key_of);
  if (!chosen || state.partitions.selected < 0) return;
  const PartitionRow& row =
      cluster.partitions[rows[static_cast<std::size_t>(state.partitions.selected)]];
  draw_partition_detail(ui, row);
  if (result.activated) {
    ui.go.browse = BrowsePartition{row.topic, row.partition, {ReadPlace::Kind::latest, 0, {}, {}}};
  }
}

}  // namespace pinion::gui
