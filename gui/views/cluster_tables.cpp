#include "gui/views/cluster_view.hpp"

#include "gui/model/exporting.hpp"
#include "gui/model/text_search.hpp"
#include "gui/model/words.hpp"
#include "gui/views/record_detail.hpp"
#include "gui/views/topic_picker.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace pinion::gui {
namespace {

/// Sorts and filters when the rows, the order or the filter changed.
void sort_rows(SortedRows& sorted, const GridState& grid, const std::string& filter, Micros of,
               std::size_t count, const std::function<bool(std::uint32_t)>& keep,
               const std::function<bool(std::uint32_t, std::uint32_t, int)>& less) {
  if (sorted.of == of && sorted.sort == grid.sort && sorted.descending == grid.descending &&
      sorted.filter == filter) {
    return;
  }
  sorted.of = of;
  sorted.sort = grid.sort;
  sorted.descending = grid.descending;
  sorted.filter = filter;
  sorted.rows.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (keep(i)) sorted.rows.push_back(i);
  }
  if (grid.sort < 0) return;
  std::stable_sort(sorted.rows.begin(), sorted.rows.end(), [&](std::uint32_t a, std::uint32_t b) {
    return grid.descending ? less(b, a, grid.sort) : less(a, b, grid.sort);
  });
}

void draw_filter(Ui& ui, const char* name, std::string& filter, const char* hint) {
  if (ui.ctrl_pressed('F')) ImGui::SetKeyboardFocusHere();
  const float width = std::min(ui.px(320), ImGui::GetContentRegionAvail().x);
  ui.input(name, filter, hint, width);
}

/// Instead of a table that would be empty.
bool draw_no_match(Ui& ui, const char* name, bool none, std::string& filter) {
  if (!none) return false;
  ui.begin_card(name, {0, 0});
  const std::string clear = std::string(name) + ".clear";
  if (ui.button(clear.c_str(), "Clear the filter")) filter.clear();
  ui.empty_state("Nothing matches", "\u201c" + cut_text(filter, 60) + "\u201d is in none of them.");
  ui.describe(name, "Nothing matches");
  ui.end_card();
  return true;
}

constexpr Micros lag_time_warned = 60s;

std::string retention_text(const TopicConfig& config) {
  std::string text;
  if (config.retention_ms > 0) text = format_duration(Micros(config.retention_ms * 1'000));
  if (config.retention_bytes > 0) {
    text += (text.empty() ? "" : ", ") +
            format_bytes(static_cast<std::uint64_t>(config.retention_bytes)) + " a partition";
  }
  return text.empty() ? "for ever" : text;
}

void fill_replicas(const TopicRow& topic, GridCell& cell) {
  cell.text = std::to_string(topic.config.replication);
  if (topic.closed > 0) {
    cell.text += ", " + std::to_string(topic.closed) + " take no records";
    cell.tone = Tone::bad;
  } else if (topic.moving > 0) {
    cell.text += ", " + std::to_string(topic.moving) + " moving";
    cell.tone = Tone::accent;
  } else if (topic.under_replicated > 0) {
    cell.text += ", " + std::to_string(topic.under_replicated) + " short";
    cell.tone = Tone::warning;
  }
}

void fill_topic(const TopicRow& topic, std::size_t column, GridCell& cell) {
  switch (column) {
    case 0:
      cell.text = topic.name;
      cell.strong = true;
      break;
    case 1:
      cell.text =
          std::to_string(topic.partitions_online) + " of " + std::to_string(topic.partitions);
      if (topic.partitions_online < topic.partitions) cell.tone = Tone::bad;
      break;
    case 2:
      fill_replicas(topic, cell);
      break;
    case 3:
      cell.text = topic.records ? format_count(*topic.records) : std::string(unknown_text);
      break;
    case 4:
      cell.text = format_bytes(topic.file_bytes);
      break;
    case 5:
      cell.text = format_rate(topic.records_in_per_s);
      break;
    case 6:
      cell.text = format_rate(topic.records_out_per_s);
      break;
    case 7:
      cell.text = std::to_string(topic.readers);
      break;
    case 8:
      cell.text = format_count(topic.lag_max);
      break;
    default:
      cell.text = retention_text(topic.config);
      cell.tone = Tone::muted;
      break;
  }
}

bool topic_less(const TopicRow& a, const TopicRow& b, int column) {
  switch (column) {
    case 0:
      return a.name < b.name;
    case 1:
      return a.partitions < b.partitions;
    case 3:
      return a.records.value_or(0) < b.records.value_or(0);
    case 4:
      return a.file_bytes < b.file_bytes;
    case 5:
      return a.records_in_per_s < b.records_in_per_s;
    case 6:
      return a.records_out_per_s < b.records_out_per_s;
    case 7:
      return a.readers < b.readers;
    case 8:
      return a.lag_max.value_or(-1) < b.lag_max.value_or(-1);
    default:
      return false;
  }
}

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
    ImGui::PushFont(ui.fonts.mono);
    ui.text_fitted(row.file, ImGui::GetContentRegionAvail().x, Tone::muted);
    ImGui::PopFont();
  }
  ui.keep_height("partitions.below", ImGui::GetCursorPosY() - begin + padding);
  ui.end_card();
}

void fill_reader(const ReaderRow& row, std::size_t column, Micros wall_now, GridCell& cell) {
  switch (column) {
    case 0:
      cell.text = row.reader;
      cell.strong = true;
      break;
    case 1:
      cell.text = partition_name(row.topic, row.partition);
      break;
    case 2:
      cell.text = format_count(std::optional(row.position));
      break;
    case 3:
      cell.text = format_count(row.lag);
      if (!row.lag) cell.tone = Tone::muted;
      break;
    case 4:
      if (!row.lag_time) {
        cell.text = unknown_text;
        cell.tone = Tone::muted;
      } else if (*row.lag_time == Micros{0}) {
        // What it will read was written since the look before this one.
        cell.text = row.lag.value_or(0) > 0 ? "under " + format_duration(status_every) : "none";
      } else {
        cell.text = (row.lag_time_is_more ? "over " : "") + format_duration(*row.lag_time);
        // Some lag is how reading goes; minutes of it are not.
        if (*row.lag_time > lag_time_warned) cell.tone = Tone::warning;
      }
      break;
    default:
      cell.text = row.updated_at > Micros{0} ? format_ago(wall_now - row.updated_at)
                                             : std::string(unknown_text);
      cell.tone = Tone::muted;
      break;
  }
}

bool reader_less(const ReaderRow& a, const ReaderRow& b, int column) {
  switch (column) {
    case 0:
      return a.reader < b.reader;
    case 2:
      return a.position < b.position;
    case 3:
      return a.lag.value_or(-1) < b.lag.value_or(-1);
    case 4:
      return a.lag_time.value_or(Micros(-1)) < b.lag_time.value_or(Micros(-1));
    case 5:
      return a.updated_at < b.updated_at;
    default:
      return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition);
  }
}

}  // namespace

void draw_topics(Ui& ui, const Snapshot& snapshot, ClusterState& state, Settings& settings) {
  const ClusterView& cluster = *snapshot.cluster;
  draw_filter(ui, "topics.filter", state.topic_filter, "Find a topic (Ctrl+F)");
  if (cluster.topics.empty()) {
    ui.begin_card("topics.none", {0, 0});
    ui.empty_state("There is no topic yet", "Make one with \u201cNew topic\u201d above.");
    ui.end_card();
    return;
  }
  static const std::vector<GridColumn> columns{
      {"Topic", 170, false, false, true, "sensors.temperature  \u2605"},
      {"Online", 60, true, false, true, "25 of 25"},
      {"Replicas", 70, false, false, false, "3, 12 moving"},
      {"Records", 70, true, false, true, "12,345,678"},
      {"Size", 60, true, false, true, "1,023 MiB"},
      {"In", 60, true, false, true, "1.23 k/s"},
      {"Out", 60, true, false, true, "1.23 k/s"},
      {"Readers", 50, true, false, true},
      {"Most behind", 60, true, false, true, "1,234,567"},
      {"Kept", 100, false, false, false, "7 d, 10.0 GiB a partition"}};
  const std::string wanted = small_letters(state.topic_filter);
  sort_rows(
      state.topic_rows, state.topics, state.topic_filter, cluster.answered_at,
      cluster.topics.size(),
      [&](std::uint32_t i) { return contains_letters(cluster.topics[i].name, wanted); },
      [&](std::uint32_t a, std::uint32_t b, int column) {
        return topic_less(cluster.topics[a], cluster.topics[b], column);
      });
  const std::vector<std::uint32_t>& rows = state.topic_rows.rows;
  if (draw_no_match(ui, "topics.no_match", rows.empty(), state.topic_filter)) return;
  const auto key_of = [&](std::size_t row) { return cluster.topics[rows[row]].name; };
  find_chosen(state.topic, state.topics, rows.size(),
              [&](std::size_t row, const std::string& name) {
                return cluster.topics[rows[row]].name == name;
              });
  const float below = ui.kept_height("topics.below", ImGui::GetFrameHeightWithSpacing());
  const GridResult result =
      draw_grid(ui, "topics", {0, ImGui::GetContentRegionAvail().y - below}, columns, state.topics,
                {rows.size(), 0, [&](std::size_t row, std::size_t column, GridCell& cell) {
                   const TopicRow& topic = cluster.topics[rows[row]];
                   fill_topic(topic, column, cell);
                   if (column == 0 && is_favourite(settings, topic.name)) {
                     cell.text += "  \u2605";
                   }
                 }});
  keep_chosen(state.topic, state.topics, result, rows.size(), key_of);
  const bool chosen =
      state.topics.selected >= 0 && state.topics.selected < static_cast<std::int64_t>(rows.size());
  const TopicRow* topic =
      chosen ? &cluster.topics[rows[static_cast<std::size_t>(state.topics.selected)]] : nullptr;
  const float begin = ImGui::GetCursorPosY();
  const bool connected = snapshot.connection.state == Connection::connected;
  ImGui::BeginDisabled(topic == nullptr);
  const bool partitions = ui.button("topics.partitions", "Its partitions");
  ui.beside(ui.button_width("SQL"));
  if (ui.button("topics.sql", "SQL") && topic != nullptr) ui.go.sql_topic = topic->name;
  ui.beside(ui.button_width("Produce"));
  if (ui.button("topics.produce", "Produce") && topic != nullptr) {
    Draft draft;
    draft.topic = topic->name;
    ui.go.draft = draft;
  }
  ui.beside(ui.button_width("No favourite"));
  const bool favourite = topic != nullptr && is_favourite(settings, topic->name);
  if (ui.button("topics.favourite", favourite ? "No favourite" : "Favourite") && topic != nullptr) {
    set_favourite(settings, topic->name, !favourite);
  }
  ui.beside(ui.button_width("Alter\u2026"));
  ImGui::BeginDisabled(!connected);
  if (ui.button("topics.alter", "Alter\u2026") && topic != nullptr) {
    state.action.altered = topic->name;
    state.action.alteration = form_of(topic->name, topic->config);
    state.action.open_alter = true;
  }
  ui.beside(ui.button_width("Delete\u2026"));
  if (ui.button("topics.delete", "Delete\u2026") && topic != nullptr) {
    state.action.doomed = topic->name;
    state.action.confirm.clear();
    state.action.open_delete = true;
  }
  ImGui::EndDisabled();
  ImGui::EndDisabled();
  ui.keep_height("topics.below", ImGui::GetCursorPosY() - begin);
  if ((partitions || result.activated) && topic != nullptr) {
    state.partition_filter = topic->name + "-";
    state.tab = 3;
  }
}

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

void draw_readers(Ui& ui, const Snapshot& snapshot, ClusterState& state) {
  const ClusterView& cluster = *snapshot.cluster;
  draw_filter(ui, "readers.filter", state.reader_filter, "Find a reader or partition (Ctrl+F)");
  const std::string about = counted(cluster.consumers, "consumer", "consumers") + ", " +
                            counted(cluster.producers, "producer", "producers") +
                            ". Groups are not in the protocol yet.";
  ui.beside(std::min(ImGui::CalcTextSize(about.c_str()).x, ui.px(380)));
  ImGui::AlignTextToFramePadding();
  ui.text_fitted(about, ImGui::GetContentRegionAvail().x, Tone::muted);
  if (cluster.readers.empty()) {
    ui.begin_card("readers.none", {0, 0});
    ui.empty_state("No reader has a position",
                   "A consumer with a name keeps one in each partition. Start one in the Consume "
                   "panel, or with: pinion consume TOPIC --consumer NAME");
    ui.end_card();
    return;
  }
  static const std::vector<GridColumn> columns{
      {"Reader", 190, false, false, true, "consumer:dashboard-ann@desk"},
      {"Partition", 150, false, false, true, "sensors.temperature-12"},
      {"Position", 70, true, false, true, "12,345,678"},
      {"Lag", 70, true, false, true, "12,345,678"},
      {"Lag in time", 70, true, false, true, "over 12 min 30 s"},
      {"Last kept", 80, false, false, true, "59 min ago"}};
  const std::string wanted = small_letters(state.reader_filter);
  sort_rows(
      state.reader_rows, state.readers, state.reader_filter, cluster.answered_at,
      cluster.readers.size(),
      [&](std::uint32_t i) {
        const ReaderRow& row = cluster.readers[i];
        return wanted.empty() ||
               contains_letters(row.reader + " " + partition_name(row.topic, row.partition),
                                wanted);
      },
      [&](std::uint32_t a, std::uint32_t b, int column) {
        return reader_less(cluster.readers[a], cluster.readers[b], column);
      });
  const std::vector<std::uint32_t>& rows = state.reader_rows.rows;
  if (draw_no_match(ui, "readers.no_match", rows.empty(), state.reader_filter)) return;
  draw_grid(ui, "readers", {0, 0}, columns, state.readers,
            {rows.size(), 0, [&](std::size_t row, std::size_t column, GridCell& cell) {
               fill_reader(cluster.readers[rows[row]], column, ui.now.wall, cell);
             }});
}

}  // namespace pinion::gui
