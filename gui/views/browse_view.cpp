#include "gui/views/browse_view.hpp"

#include "gui/views/panel.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace pinion::gui {
namespace {

const std::vector<GridColumn>& columns() {
  static const std::vector<GridColumn> all{
      {.title = "Offset", .width = 60, .right = true, .sample = "12,345,678"},
      {.title = "Time", .sample = "2026-11-25 00:00:00.000"},
      {"Key", 110, false, true},
      {.title = "Size", .width = 50, .right = true, .sample = "1023.9 KiB"},
      {"Value", 300, false, true}};
  return all;
}

constexpr std::size_t as_record[]{3, 0, 4, 5, 6};  ///< Columns of fill_record_cell.

void fill(const RecordRow& row, std::size_t column, GridCell& cell) {
  fill_record_cell(row, as_record[column], cell);
  if (column == 1) cell.text = format_local_time(Micros(row.log_time), WithDate::yes);
}

std::string copy(const RecordRow& row, std::size_t column) {
  if (column == 1) return format_local_time(Micros(row.log_time), WithDate::yes);
  return copy_record_cell(row, as_record[column]);
}

bool parse_offset(const std::string& text, std::int64_t& offset) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, offset);
  return parsed.ec == std::errc() && parsed.ptr == end && offset >= 0;
}

void go(Ui& ui, BrowseState& state) {
  BrowsePartition command;
  command.topic = state.topic;
  state.problem.clear();
  const auto partition = partition_from(state.partition);
  if (!partition) state.problem = "A partition is a number from 0 on.";
  command.partition = partition.value_or(0);
  if (state.place == 0) command.place.kind = ReadPlace::Kind::earliest;
  if (state.place == 1) command.place.kind = ReadPlace::Kind::latest;
  if (state.place == 2) {
    command.place.kind = ReadPlace::Kind::offset;
    if (!parse_offset(state.offset, command.place.offset)) {
      state.problem = "An offset is a number from 0 on.";
    }
  }
  if (state.place == 3) {
    command.place.kind = ReadPlace::Kind::time;
    const auto time = time_from(state.time, ui.now.wall);
    if (time) {
      command.place.time = *time;
    } else {
      state.problem = time.error().detail;
    }
  }
  if (state.problem.empty()) ui.commands.emplace_back(std::move(command));
}

void draw_place(Ui& ui, const Snapshot& snapshot, BrowseState& state, Settings& settings) {
  const bool changed =
      pick_topic(ui, "browse.topic", state.topic, snapshot, settings, state.picker, ui.px(220));
  if (changed) state.partition = "0";
  settings.browse_topic = state.topic;
  ui.beside(ui.px(90));
  std::vector<std::string> partitions;
  const TopicRow* topic = snapshot.cluster ? snapshot.cluster->find_topic(state.topic) : nullptr;
  for (std::int32_t i = 0; topic != nullptr && i < topic->partitions; ++i) {
    partitions.push_back(std::to_string(i));
  }
  const bool moved =
      ui.combo("browse.partition", state.partition, partitions, "Partition", ui.px(90));
  static const std::vector<std::string> places{"Oldest", "Newest", "Offset", "Time"};
  ui.beside(ui.choice_width(places));
  ui.choice("browse.place", places, state.place);
  bool entered = false;
  if (state.place == 2) {
    ui.beside(ui.px(120));
    entered = ui.input("browse.offset", state.offset, "Offset", ui.px(120),
                       ImGuiInputTextFlags_EnterReturnsTrue);
  }
  if (state.place == 3) {
    ui.beside(ui.px(220));
    entered = ui.input("browse.time", state.time, "-15m, 09:30, 2026-11-21T09:30", ui.px(220),
                       ImGuiInputTextFlags_EnterReturnsTrue);
  }
  const bool connected = snapshot.connection.state == Connection::connected;
  ui.beside(ui.button_width("Show"));
  ImGui::BeginDisabled(state.topic.empty() || !connected);
  const bool pressed = ui.button("browse.go", "Show", ButtonKind::primary);
  ImGui::EndDisabled();
  if ((pressed || entered || moved || changed) && !state.topic.empty() && connected) go(ui, state);
  ui.beside(ui.button_width("Export\u2026"));
  if (ui.button("browse.export", "Export\u2026")) ImGui::OpenPopup("browse.to_file");
  draw_export(ui, snapshot, "browse.to_file", state.to_file, {}, [&] {
    ExportRows rows;
    rows.records = snapshot.browse->records;
    return rows;
  });
  ui.notice("browse.problem", state.problem, Tone::bad);
}

void draw_rows(Ui& ui, const Snapshot& snapshot, BrowseState& state, ImVec2 size) {
  const BrowseView& view = *snapshot.browse;
  if (view.records.empty()) {
    ui.begin_card("browse.empty", size);
    if (view.number == 0) {
      ui.empty_state("Look into a partition",
                     "Choose a topic, a partition and a place. Scrolling on either end loads more. "
                     "No reader's position moves.");
    } else if (view.loading) {
      ui.empty_state("Reading\u2026", "");
    } else if (!view.range_known) {
      ui.empty_state("Nothing could be read", "Show asks again.");
    } else {
      ui.empty_state("There is no record here",
                     "The partition holds the offsets " +
                         format_count(std::optional(view.log_start)) + " to " +
                         format_count(std::optional(view.high_watermark)) + ".");
    }
    ui.end_card();
    return;
  }
  if (state.placed != view.number) {
    state.placed = view.number;
    state.grid.selected = -1;
    state.grid.base = view.records.first();
    state.grid.top = state.place == 1 ? static_cast<double>(view.records.size()) : 0;
  }
  const GridResult result =
      draw_grid(ui, "browse.records", size, columns(), state.grid,
                {view.records.size(), view.records.first(),
                 [&](std::size_t row, std::size_t column, GridCell& cell) {
                   const RecordRow* record = view.records.find(view.records.first() + row);
                   if (record != nullptr) fill(*record, column, cell);
                 },
                 [&](std::size_t row, std::size_t column) {
                   const RecordRow* record = view.records.find(view.records.first() + row);
                   return record == nullptr ? std::string() : copy(*record, column);
                 }});
  if (result.selection_changed && state.grid.selected >= 0) {
    state.chosen = view.records.first() + static_cast<std::uint64_t>(state.grid.selected);
  }
  if (view.loading) return;
  const auto more = [&](BrowseTo to) {
    ui.commands.emplace_back(BrowseMore{to, view.first + static_cast<std::int64_t>(result.seen),
                                        view.first + static_cast<std::int64_t>(result.seen_end)});
  };
  if (result.wants_older && view.first > view.log_start) more(BrowseTo::older);
  const bool near_end = state.grid.selected + 1 == static_cast<std::int64_t>(view.records.size());
  if (result.wants_newer ||
      (near_end && result.selection_changed && view.next < view.high_watermark)) {
    more(BrowseTo::newer);
  }
}

void draw_range(Ui& ui, const BrowseView& view) {
  if (!view.range_known) return;
  std::string text = partition_name(view.topic, view.partition) + " holds " +
                     format_count(std::optional(view.log_start)) + " to " +
                     format_count(std::optional(view.high_watermark));
  if (view.first < view.next) {
    text += "; shown " + format_count(std::optional(view.first)) + " to " +
            format_count(std::optional(view.next));
  }
  if (view.loading) text += ", reading\u2026";
  ui.text_fitted(text, ImGui::GetContentRegionAvail().x, Tone::muted);
  ui.describe("browse.range", text);
}

}  // namespace

void set_browse(BrowseState& state, const BrowsePartition& command) {
  state.topic = command.topic;
  state.partition = std::to_string(command.partition);
  state.place = command.place.kind == ReadPlace::Kind::earliest ? 0 : 1;
  if (command.place.kind == ReadPlace::Kind::offset) {
    state.place = 2;
    state.offset = std::to_string(command.place.offset);
  }
}

void draw_browse(Ui& ui, const Snapshot& snapshot, BrowseState& state, Settings& settings) {
  const BrowseView& view = *snapshot.browse;
  draw_panel_title(ui, "Browse", "Any partition, from any place.");
  draw_place(ui, snapshot, state, settings);
  ui.notice("browse.failed", view.problem, Tone::warning);
  ui.begin_fade(is_stale(ui, snapshot));
  if (state.number != view.number) {
    state.number = view.number;
    state.chosen.reset();
    state.detail = {.tab = state.detail.tab};
  }
  // What is read in full stays, also when its row has left the table at the far end.
  const RecordRow* row = state.chosen ? view.records.find(*state.chosen) : nullptr;
  if (row != nullptr) show_record(state.detail, *state.chosen, *row);
  const float footer = ui.kept_height("browse.footer", ImGui::GetTextLineHeightWithSpacing());
  const DetailLayout room =
      lay_out_detail(ui, state.chosen.has_value(), settings.detail_share, footer);
  draw_rows(ui, snapshot, state, room.table);
  draw_detail_beside(ui, "browse", room, settings.detail_share, state.detail);
  draw_range(ui, view);
  ui.end_fade();
}

}  // namespace pinion::gui
