#include "gui/views/consumer_view.hpp"

#include "gui/model/words.hpp"
#include "gui/views/panel.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

namespace pinion::gui {
namespace {

/// A frame's share of a scan: about a millisecond of plain text, some more of JSON.
constexpr std::size_t filter_rows_per_step = 2'000;
constexpr Micros filter_time_per_frame = 2ms;

void start(Ui& ui, ConsumerState& state, Settings& settings) {
  StartReading command;
  command.settings.topics = state.topics;
  command.settings.reader = state.reader;
  command.settings.period = Micros(std::int64_t{state.period_s} * 1'000'000);
  command.settings.start = state.start == 1 ? ReadPlace::Kind::latest : ReadPlace::Kind::earliest;
  settings.topics = state.topics;
  settings.reader = state.reader;
  settings.period = command.settings.period;
  ui.commands.emplace_back(std::move(command));
}

void draw_setup(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings) {
  const ReadingView& reading = snapshot.consume->reading;
  const float width = ImGui::GetContentRegionAvail().x;
  const float gap = ui.px(8);
  const float reader_width = std::min(ui.px(210), width);
  const float start_width = ui.px(190);
  const float button = ui.px(96);
  const float rest = width - reader_width - start_width - button - 3 * gap;
  ImGui::BeginDisabled(reading.active);
  pick_topics(ui, "consume.topics", state.topics, snapshot, settings, state.picker,
              rest >= ui.px(120) ? rest : std::max(ui.px(120), width - reader_width - gap));
  ui.beside(reader_width);
  ui.input("consume.reader", state.reader, "Consumer's name", reader_width);
  if (ImGui::IsItemHovered()) {
    ui.tooltip(
        "Positions are kept under this name, so nothing is fetched twice, also after the "
        "dashboard was closed. Others that read under it share them.");
  }
  ui.beside(start_width);
  static const std::vector<std::string> starts{"New: from the oldest", "New: from the newest"};
  std::string shown = starts[static_cast<std::size_t>(state.start)];
  if (ui.combo("consume.start", shown, starts, "", start_width)) {
    state.start = shown == starts[1] ? 1 : 0;
  }
  if (ImGui::IsItemHovered()) ui.tooltip("Where a name begins that has no position yet.");
  ImGui::EndDisabled();
  ui.beside(button);
  if (reading.active) {
    if (ui.button("consume.stop", "Stop", ButtonKind::plain, button)) {
      ui.commands.emplace_back(StopReading{});
    }
    return;
  }
  const bool ready = !state.topics.empty() && !state.reader.empty() &&
                     snapshot.connection.state == Connection::connected;
  ImGui::BeginDisabled(!ready);
  if (ui.button("consume.start_button", "Start", ButtonKind::primary, button)) {
    start(ui, state, settings);
  }
  ImGui::EndDisabled();
}

/// What is left of the period as a ring, and in words beside it.
void draw_countdown(Ui& ui, const Snapshot& snapshot) {
  const ReadingView& reading = snapshot.consume->reading;
  const float height = ImGui::GetFrameHeight();
  ui.beside(height + ui.px(116));
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const ImVec2 centre{at.x + height / 2, at.y + height / 2};
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float radius = height * 0.3F;
  list->AddCircle(centre, radius, ui.ink(ui.theme.border), 32, ui.px(2.5F));
  std::string text;
  Tone tone = Tone::muted;
  if (snapshot.connection.state != Connection::connected) {
    text = "Waiting for the broker";
    tone = Tone::warning;
  } else if (reading.refreshing && reading.mode != ReadMode::live) {
    text = "Refreshing\u2026 " + format_count(reading.refresh_records);
    list->AddCircle(centre, radius, ui.ink(ui.theme.accent), 32, ui.px(2.5F));
    tone = Tone::accent;
  } else if (reading.range_done) {
    text = "The range is read";
    tone = Tone::good;
  } else if (reading.mode == ReadMode::live) {
    list->AddCircleFilled(centre, radius, ui.ink(ui.theme.good), 24);
    text = "Live";
    tone = Tone::good;
  } else if (reading.mode == ReadMode::paused) {
    text = "Paused";
  } else if (reading.next_refresh_at > Micros{0}) {
    const Micros left = std::max(Micros{0}, reading.next_refresh_at - ui.now.monotonic);
    // Only whole seconds are drawn, so that nothing moves between them.
    const std::int64_t whole = (left.count() + 999'999) / 1'000'000;
    const float share = std::clamp(
        static_cast<float>(whole * 1'000'000) /
            static_cast<float>(std::max<std::int64_t>(1, reading.settings.period.count())),
        0.0F, 1.0F);
    list->PathArcTo(centre, radius, -1.5708F, -1.5708F + 6.2832F * share, 32);
    list->PathStroke(ui.ink(ui.theme.accent), 0, ui.px(2.5F));
    text = "Next in " + format_countdown(left);
  }
  list->AddText({at.x + height + ui.px(4), at.y + (height - ImGui::GetTextLineHeight()) / 2},
                ui.ink(ui.theme.of(tone)), text.c_str());
  // Its usual room, so that what stands beside it stays where it is while the words change.
  ImGui::Dummy(
      {height + std::max(ui.px(116), ImGui::CalcTextSize(text.c_str()).x + ui.px(8)), height});
  ui.describe("consume.countdown", text);
}

std::optional<ReadPlace> seek_place(ConsumerState& state, Micros wall_now) {
  ReadPlace place;
  state.seek_problem.clear();
  if (state.seek == 0) place.kind = ReadPlace::Kind::earliest;
  if (state.seek == 1) place.kind = ReadPlace::Kind::latest;
  if (state.seek == 2) {
    place.kind = ReadPlace::Kind::offset;
    const char* end = state.seek_offset.data() + state.seek_offset.size();
    const auto parsed = std::from_chars(state.seek_offset.data(), end, place.offset);
    if (parsed.ec != std::errc() || parsed.ptr != end || place.offset < 0) {
      state.seek_problem = "An offset is a number from 0 on.";
      return std::nullopt;
    }
  }
  if (state.seek == 3) {
    place.kind = ReadPlace::Kind::time;
    const auto from = time_from(state.seek_from, wall_now);
    if (!from) {
      state.seek_problem = from.error().detail;
      return std::nullopt;
    }
    place.time = *from;
    if (!state.seek_until.empty()) {
      const auto until = time_from(state.seek_until, wall_now);
      if (!until) {
        state.seek_problem = until.error().detail;
        return std::nullopt;
      }
      if (*until <= *from) {
        state.seek_problem = "The range ends before it begins.";
        return std::nullopt;
      }
      place.until = *until;
    }
  }
  return place;
}

/// `ready`: there is something that is read, and a broker to ask.
void draw_seek(Ui& ui, ConsumerState& state, bool ready) {
  if (ui.button("consume.seek", "Seek\u2026")) ImGui::OpenPopup("seek");
  ImGui::SetNextWindowSize({std::min(ui.px(430), ImGui::GetMainViewport()->Size.x), 0});
  if (!ImGui::BeginPopup("seek")) return;
  ui.strong("Read on from another place");
  ui.paragraph(
      "In all partitions. The box is emptied and filled from there, and the position of this "
      "consumer moves there too.");
  ui.choice("consume.seek_to", {"Oldest", "Newest", "Offset", "Time"}, state.seek);
  if (state.seek == 2) ui.input("consume.seek_offset", state.seek_offset, "Offset", -1);
  if (state.seek == 3) {
    ui.input("consume.seek_from", state.seek_from, "From: -15m, 09:30, 2026-11-21T09:30", -1);
    ui.input("consume.seek_until", state.seek_until, "To (and then stop); empty: no end", -1);
  }
  ui.notice("consume.seek_problem", state.seek_problem, Tone::bad);
  const bool pressed = ui.button("consume.seek_go", "Read from there", ButtonKind::primary);
  if (ready && (pressed || ui.enter_confirms())) {
    if (const auto place = seek_place(state, ui.now.wall)) {
      ui.commands.emplace_back(SeekReading{*place});
      ImGui::CloseCurrentPopup();
    }
  }
  ImGui::EndPopup();
}

/// A number that counts once it is whole: with Enter, or when the field is left.
void draw_period(Ui& ui, const ReadingView& reading, ConsumerState& state, Settings& settings) {
  // What a person comes here to type is rather a filter.
  const bool focus = std::exchange(ui.first_focus, false);
  const bool entered =
      ui.input("consume.period", state.period_text, "", ui.px(56),
               ImGuiInputTextFlags_EnterReturnsTrue | ImGuiInputTextFlags_CharsDecimal);
  ui.first_focus = focus;
  const bool left = ImGui::IsItemDeactivated();
  const bool typing = ImGui::IsItemActive();
  if (ImGui::IsItemHovered() && !typing) {
    ui.tooltip("Seconds from one refresh to the next. Enter sets them.");
  }
  ImGui::SameLine();
  ui.label("s");
  if (entered || left) {
    const char* end = state.period_text.data() + state.period_text.size();
    int seconds = 0;
    const auto parsed = std::from_chars(state.period_text.data(), end, seconds);
    const bool good = parsed.ec == std::errc() && parsed.ptr == end;
    if (good) seconds = std::clamp(seconds, 1, 86'400);
    if (good && seconds != state.period_s) {
      state.period_s = seconds;
      settings.period = Micros(std::int64_t{seconds} * 1'000'000);
      if (reading.active) ui.commands.emplace_back(SetReadPeriod{settings.period});
    }
  }
  if (!typing) state.period_text = std::to_string(state.period_s);
}

void draw_modes(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings) {
  const ReadingView& reading = snapshot.consume->reading;
  const bool connected = snapshot.connection.state == Connection::connected;
  int mode = static_cast<int>(reading.mode);
  const std::string period = "Every " + std::to_string(state.period_s) + " s";
  ImGui::BeginDisabled(!reading.active);
  if (ui.choice("consume.mode", {period, "Live", "Paused"}, mode)) {
    ui.commands.emplace_back(SetReadMode{static_cast<ReadMode>(mode)});
  }
  ImGui::EndDisabled();
  ui.beside(ui.px(80));
  draw_period(ui, reading, state, settings);
  if (reading.active) draw_countdown(ui, snapshot);
  ui.beside(ui.button_width("Refresh now"));
  ImGui::BeginDisabled(!reading.active || !connected);
  if (ui.button("consume.refresh", "Refresh now")) ui.commands.emplace_back(RefreshReading{});
  ui.beside(ui.button_width("Seek\u2026"));
  draw_seek(ui, state, reading.active && connected);
  ImGui::EndDisabled();
}

void set_filter(ConsumerState& state) {
  auto filter = RecordFilter::parse(state.filter);
  state.filter_problem =
      filter ? "" : words_of(filter.error()) + " Until then the table stays as it was.";
  if (!filter) return;
  state.found.set(std::move(*filter), state.latest_of_key ? LatestOfKey::yes : LatestOfKey::no);
}

void draw_filter_help(Ui& ui) {
  static constexpr std::pair<const char*, const char*> lines[]{
      {"ann", "anywhere, in any case"},
      {"key:ann", "in the key"},
      {"value:ann", "in the value"},
      {"header:trace-id=4bf9", "in that header"},
      {"partition:3", "of that partition"},
      {".user.name = ann", "by JSON path, equal"},
      {".price > 10", "by JSON path, more"},
      {".error", "by JSON path, there at all"},
      {"-word", "without it"},
      {"\"two words\"", "together"}};
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {ui.px(12), ui.px(8)});
  ImGui::BeginTooltip();
  for (const auto& [part, meaning] : lines) {
    ui.mono(part);
    ImGui::SameLine(ui.px(220));
    ui.text(meaning, Tone::muted);
  }
  ImGui::EndTooltip();
  ImGui::PopStyleVar();
}

void draw_columns(Ui& ui, ConsumerState& state, Settings& settings) {
  if (!std::exchange(state.paths_set, true)) state.table.set_paths(settings.columns);
  if (ui.button("consume.columns", "Columns\u2026")) ImGui::OpenPopup("columns");
  ImGui::SetNextWindowSize({ui.px(420), 0});
  if (!ImGui::BeginPopup("columns")) return;
  ui.strong("Columns from JSON values");
  if (ui.input("consume.paths", settings.columns, ".user.name, .items[0].price", -1)) {
    state.table.set_paths(settings.columns);
  }
  ui.notice("consume.paths_problem", state.table.problem(), Tone::warning);
  ImGui::EndPopup();
}

/// Why an export would be a part of what it seems to be; empty when it would be whole.
std::string search_text(const ConsumerState& state, const LogView& records) {
  const std::uint64_t looked = state.found.looked_at(records);
  if (!state.found.filters() || looked >= records.size()) return {};
  return "The search is at " + std::to_string(100 * looked / records.size()) +
         " %: an export would be a part. It can begin when all is searched.";
}

void draw_filters(Ui& ui, ConsumerState& state, Settings& settings) {
  if (ui.button("consume.filters", "Filters")) ImGui::OpenPopup("filters");
  if (!ImGui::BeginPopup("filters")) return;
  if (ui.checkbox("consume.latest", "Only the latest record of each key", state.latest_of_key)) {
    set_filter(state);
  }
  ImGui::Dummy({0, ui.px(2)});
  ui.text("Saved filters", Tone::muted);
  for (const std::string& filter : settings.filters) {
    ui.glyphs.note(filter);
    if (ImGui::Selectable(filter.c_str())) {
      state.filter = filter;
      set_filter(state);
    }
  }
  ImGui::BeginDisabled(state.filter.empty() || !state.filter_problem.empty());
  if (ui.button("consume.save_filter", "Save the present one")) {
    remember(settings.filters, state.filter, sql_history_max);
  }
  ImGui::EndDisabled();
  ImGui::EndPopup();
}

void draw_filter(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings) {
  const float gap = ui.px(8);
  const char* detail = state.detail_open ? "Hide detail" : "Show detail";
  const float buttons = ui.button_width("Filters") + ui.button_width("Columns\u2026") +
                        ui.button_width("Clear") + ui.button_width("Export\u2026") +
                        ui.button_width(detail) + 5 * gap;
  const float room = ImGui::GetContentRegionAvail().x;
  const float width = room - buttons < ui.px(160) ? room : room - buttons;
  if (ui.ctrl_pressed('F')) ImGui::SetKeyboardFocusHere();
  if (ui.input("consume.filter", state.filter,
               "Filter: words, key:\u2026, .json.path = value  (Ctrl+F)", width)) {
    set_filter(state);
  }
  settings.filter = state.filter;
  if (ImGui::IsItemHovered() && !ImGui::IsItemActive()) draw_filter_help(ui);
  const bool wrapped = width >= room;
  if (wrapped) ui.notice("consume.filter_problem", state.filter_problem, Tone::bad);
  if (!wrapped) ImGui::SameLine();
  draw_filters(ui, state, settings);
  ui.beside(ui.button_width("Columns\u2026"));
  draw_columns(ui, state, settings);
  ui.beside(ui.button_width("Clear"));
  if (ui.button("consume.clear", "Clear")) ui.commands.emplace_back(ClearRecords{});
  if (ImGui::IsItemHovered()) ui.tooltip("Empties this box. Nothing is deleted in the cluster.");
  ui.beside(ui.button_width("Export\u2026"));
  if (ui.button("consume.export", "Export\u2026")) ImGui::OpenPopup("consume.to_file");
  draw_export(ui, snapshot, "consume.to_file", state.to_file,
              search_text(state, snapshot.consume->records), [&] {
                ExportRows rows;
                rows.records = snapshot.consume->records;
                if (state.found.filters()) {
                  for (std::size_t i = 0; i < state.found.size(rows.records); ++i) {
                    rows.numbers.push_back(state.found.number_at(rows.records, i));
                  }
                  if (rows.numbers.empty()) rows.records = {};
                }
                return rows;
              });
  ui.beside(ui.button_width(detail));
  if (ui.button("consume.detail", detail)) {
    state.detail_open = !state.detail_open;
  }
  if (!wrapped) ui.notice("consume.filter_problem", state.filter_problem, Tone::bad);
}

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
  draw_filter(ui, snapshot, state, settings);
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
