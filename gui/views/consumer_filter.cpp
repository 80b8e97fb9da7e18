// What of the consumed records is shown: filters, columns; and its export.
#include "gui/views/consumer_parts.hpp"

#include "gui/model/words.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gui {
namespace {

void draw_filter_help(Ui& ui) {
  static constexpr std::pair<const char*, const char*> lines[]{
      {"ann", "anywhere, in any case"},
      {"key:ann", "in the key"},
      {"value:ann", "in the value"},
      {"header:trace-id=4bf9", "in that header"},
      {"partition:3", "of that partition"},
      {".user.name = ann", "by JSON path, equal"},
      {".price >= 10", "by JSON path, as many or more"},
      {".error", "by JSON path, there at all"},
      {"$[\"a.b\"] ~ part", "a name of any kind; has that in it"},
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

}  // namespace

void set_filter(ConsumerState& state) {
  auto filter = RecordFilter::parse(state.filter);
  state.filter_problem =
      filter ? "" : words_of(filter.error()) + " Until then the table stays as it was.";
  if (!filter) return;
  state.found.set(std::move(*filter), state.latest_of_key ? LatestOfKey::yes : LatestOfKey::no);
}

std::string search_text(const ConsumerState& state, const LogView& records) {
  const std::uint64_t looked = state.found.looked_at(records);
  if (!state.found.filters() || looked >= records.size()) return {};
  return "The search is at " + std::to_string(100 * looked / records.size()) +
         " %: an export would be a part. It can begin when all is searched.";
}

void draw_record_filter(Ui& ui, const Snapshot& snapshot, ConsumerState& state,
                        Settings& settings) {
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

}  // namespace pinion::gui
