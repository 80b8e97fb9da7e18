#include "gui/views/consumer_view.hpp"

#include "gui/model/words.hpp"
#include "gui/views/consumer_parts.hpp"
#include "gui/views/panel.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace pinion::gui {
namespace {

/// A frame's share of a scan: about a millisecond of plain text, some more of JSON.
constexpr std::size_t filter_rows_per_step = 2'000;
constexpr Micros filter_time_per_frame = 2ms;

bool filter_step(ConsumerState& state, const LogView& records) {
  const auto begin = std::chrono::steady_clock::now();
  while (state.found.advance(records, filter_rows_per_step)) {
    if (std::chrono::steady_clock::now() - begin > filter_time_per_frame) return true;
  }
  return false;
}

void draw_footer(Ui& ui, const Snapshot& snapshot, const ConsumerState& state) {
  const ConsumeView& view = *snapshot.consume;
  const ReadingView& reading = view.reading;
  std::string text;
  if (state.found.filters()) {
    text = format_count(state.found.size(view.records)) + " of " +
           format_count(view.records.size()) +
           (state.latest_of_key ? " records are the latest of their key" : " records match");
    const std::uint64_t looked = state.found.looked_at(view.records);
    if (looked < view.records.size()) {
      text += ", " + std::to_string(100 * looked / view.records.size()) + " % searched";
    }
  } else {
    text = counted(view.records.size(), "record", "records");
  }
  text += ", " + format_bytes(view.bytes);
  ui.text(text, Tone::muted);
  ui.describe("consume.count", text);
  const auto beside = [&](const std::string& next) {
    ui.beside(ImGui::CalcTextSize(next.c_str()).x, ui.px(16));
  };
  if (view.dropped > 0) {
    const std::string dropped = format_count(view.dropped) + " older ones dropped from view";
    beside(dropped);
    ui.text(dropped, Tone::warning);
    ui.describe("consume.dropped", dropped);
  }
  if (reading.refreshed_at) {
    const std::string last = "Last refresh " +
                             format_local_time(*reading.refreshed_at, WithDate::no).substr(0, 8) +
                             " brought " + format_count(reading.refresh_records);
    beside(last);
    ui.text(last, Tone::muted);
    ui.describe("consume.last", last);
  }
  if (reading.waiting.value_or(0) > 0) {
    const std::string waiting = format_count(reading.waiting) + " wait to be read";
    beside(waiting);
    ui.text(waiting, Tone::accent);
  }
}

void draw_problems(Ui& ui, const Snapshot& snapshot) {
  const ReadingView& reading = snapshot.consume->reading;
  std::size_t problems = 0;
  const ReadProgress* first = nullptr;
  std::uint64_t skipped = 0;
  for (const ReadProgress& progress : reading.partitions) {
    skipped += progress.skipped;
    if (progress.problem.empty()) continue;
    if (first == nullptr) first = &progress;
    ++problems;
  }
  if (first != nullptr) {
    std::string text =
        partition_name(first->partition.topic, first->partition.partition) + ": " + first->problem;
    if (problems > 1) {
      text += " (And " + counted(problems - 1, "more partition", "more partitions") + ".)";
    }
    ui.notice("consume.problem", text, Tone::warning);
  }
  if (skipped > 0) {
    ui.notice("consume.skipped",
              counted(skipped, "record was", "records were") +
                  " deleted by retention before they were read.",
              Tone::warning);
  }
  if (reading.range_done) {
    ui.notice("consume.range", "The whole time range is read. Seek to go on.", Tone::good);
  }
}

void draw_records(Ui& ui, const Snapshot& snapshot, ConsumerState& state, ImVec2 size) {
  const ConsumeView& view = *snapshot.consume;
  if (view.records.empty()) {
    ui.begin_card("consume.empty", size);
    if (!view.reading.active) {
      ui.empty_state("Nothing is consumed yet",
                     "Choose one or more topics and press Start. What is new since this consumer "
                     "last looked appears here, now and with every refresh.");
    } else {
      ui.empty_state("Nothing new",
                     "This consumer has read everything. New records appear with the next refresh; "
                     "Seek shows older ones again.");
    }
    ui.end_card();
    return;
  }
  const std::size_t rows = state.found.size(view.records);
  if (rows == 0 && search_text(state, view.records).empty()) {
    ui.begin_card("consume.no_match", size);
    if (ui.button("consume.no_match.clear", "Clear the filter")) {
      state.filter.clear();
      state.latest_of_key = false;
      set_filter(state);
    }
    ui.empty_state("No record matches", "None of the " +
                                            counted(view.records.size(), "record", "records") +
                                            " in the box is let through by the filter.");
    ui.end_card();
    return;
  }
  state.grid.selected =
      state.chosen && view.records.find(*state.chosen) != nullptr && rows > 0
          ? static_cast<std::int64_t>(state.found.index_of(view.records, *state.chosen))
          : -1;
  const std::uint64_t base = state.found.filters() ? 0 : view.records.first();
  if (!state.found.filters() && state.grid.base != base && state.grid.selected >= 0) {
    // draw_grid moves the selection with the rows; here it is known by number.
    state.grid.selected += static_cast<std::int64_t>(base - state.grid.base);
  }
  const auto with_topic = view.reading.settings.topics.size() == 1 ? RecordTable::WithTopic::no
                                                                   : RecordTable::WithTopic::yes;
  const GridResult result = draw_grid(
      ui, "consume.records", size, state.table.columns(with_topic), state.grid,
      {rows, base,
       [&](std::size_t row, std::size_t column, GridCell& cell) {
         const RecordRow* record = view.records.find(state.found.number_at(view.records, row));
         if (record != nullptr) state.table.fill(*record, column, cell);
       },
       [&](std::size_t row, std::size_t column) {
         const RecordRow* record = view.records.find(state.found.number_at(view.records, row));
         return record == nullptr ? std::string() : state.table.copy(*record, column);
       }});
  if ((result.selection_changed || result.activated) && state.grid.selected >= 0) {
    state.chosen =
        state.found.number_at(view.records, static_cast<std::size_t>(state.grid.selected));
    state.grid.follows = false;
    if (result.activated) state.detail_open = true;
  }
}

}  // namespace

void draw_consumer(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings) {
  const ConsumeView& view = *snapshot.consume;
  draw_panel_title(ui, "Consume", "What is new, once.");
  if (!std::exchange(state.filter_set, true)) {
    state.filter = settings.filter;
    set_filter(state);
  }
  if (state.cleared != view.cleared) {
    state.cleared = view.cleared;
    state.chosen.reset();
    set_filter(state);
  }
  const bool searching = filter_step(state, view.records);
  if (searching) ui.wants_frame = true;
  draw_setup(ui, snapshot, state, settings);
  draw_modes(ui, snapshot, state, settings);
  draw_record_filter(ui, snapshot, state, settings);
  draw_problems(ui, snapshot);
  ui.begin_fade(is_stale(ui, snapshot));
  const RecordRow* chosen = state.chosen ? view.records.find(*state.chosen) : nullptr;
  if (chosen != nullptr) show_record(state.detail, *state.chosen, *chosen);
  if (!state.chosen) state.detail = {};
  const float footer = ui.kept_height("consume.footer", ImGui::GetTextLineHeightWithSpacing());
  const DetailLayout room = lay_out_detail(ui, state.detail_open && state.detail.number.has_value(),
                                           settings.detail_share, footer);
  draw_records(ui, snapshot, state, room.table);
  draw_detail_beside(ui, "consume", room, settings.detail_share, state.detail);
  const float begin = ImGui::GetCursorPosY();
  draw_footer(ui, snapshot, state);
  ui.keep_height("consume.footer", ImGui::GetCursorPosY() - begin);
  ui.end_fade();
}

}  // namespace pinion::gui
