#include "gui/views/sql_view.hpp"

#include "gui/model/exporting.hpp"
#include "gui/model/payload.hpp"
#include "gui/model/sql_place.hpp"
#include "gui/model/words.hpp"
#include "gui/views/imgui_versions.hpp"
#include "gui/views/panel.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace pinion::gui {
namespace {

void run(Ui& ui, SqlState& state, Settings& settings) {
  RunQuery command;
  command.topic = state.topic;
  command.sql = state.sql;
  command.partition = partition_from(state.partition);
  remember(settings.sql, state.sql, sql_history_max);
  ui.commands.emplace_back(std::move(command));
}

struct Example {
  const char* title;
  const char* sql;
};
constexpr std::array examples{
    Example{"The newest records", "select * from readable order by offset desc limit 100"},
    Example{"The latest record of each key",
            "select key, max(offset) as offset, time, value\nfrom readable\nwhere key is not "
            "null\ngroup by key order by offset desc"},
    Example{"Records a minute",
            "select substr(time, 1, 16) as minute, count(*) as records\nfrom readable\ngroup by "
            "minute order by minute desc"},
    Example{"The largest values",
            "select offset, time, key, length(value) as bytes\nfrom readable\norder by bytes desc "
            "limit 100"},
    Example{"The most used keys",
            "select key, count(*) as records\nfrom readable\ngroup by key order by records desc "
            "limit 100"},
    Example{"A JSON value",
            "select offset, json->>'$.id' as id, json\nfrom readable\nwhere json "
            "is not null\norder by offset desc limit 100"}};

void draw_examples(Ui& ui, SqlState& state) {
  if (ui.button("sql.examples", "Examples")) ImGui::OpenPopup("sql examples");
  if (!ImGui::BeginPopup("sql examples")) return;
  ui.text("Into the editor, to be run or changed", Tone::muted);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (ImGui::Selectable(examples.at(i).title)) state.sql = examples.at(i).sql;
    ui.describe("sql.example." + std::to_string(i), examples.at(i).title);
  }
  ImGui::EndPopup();
}

void draw_file(Ui& ui, const Snapshot& snapshot, const SqlState& state) {
  if (!snapshot.cluster || state.topic.empty()) return;
  const TopicRow* topic = snapshot.cluster->find_topic(state.topic);
  if (topic == nullptr || topic->partitions == 0) return;
  const auto index = static_cast<std::size_t>(partition_from(state.partition).value_or(0));
  if (index >= static_cast<std::size_t>(topic->partitions)) return;
  const PartitionRow& row = snapshot.cluster->partitions[topic->first_row + index];
  if (row.file.empty()) return;
  const std::string command = sqlite_command(row.file, state.sql);
  if (ui.button("sql.copy_command", "Copy sqlite3 command", ButtonKind::quiet)) {
    ui.copy(command);
  }
  if (ImGui::IsItemHovered())
    ui.tooltip(command + "\n\nOn the machine of node " + std::to_string(row.leader.raw()) + ".");
  const std::string about = "Partition " + std::to_string(index) + " is the file";
  ui.beside(ui.px(330));
  ui.label(about);
  ui.describe("sql.file", about + " " + row.file);
  ImGui::SameLine();
  ImGui::AlignTextToFramePadding();
  push_font(ui.fonts.mono);
  ui.text_fitted(row.file, ImGui::GetContentRegionAvail().x, Tone::muted);
  ImGui::PopFont();
}

void draw_tools(Ui& ui, const Snapshot& snapshot, SqlState& state, Settings& settings) {
  const QueryView& query = *snapshot.query;
  const bool ready = snapshot.connection.state == Connection::connected && !state.topic.empty() &&
                     !state.sql.empty() && !query.running;
  if (query.running) {
    if (ui.button("sql.cancel", "Cancel", ButtonKind::danger))
      ui.commands.emplace_back(CancelQuery{});
  } else {
    ImGui::BeginDisabled(!ready);
    if (ui.button("sql.run", "Run", ButtonKind::primary, ui.px(84))) run(ui, state, settings);
    ImGui::EndDisabled();
    if (ready && ui.ctrl_enter_pressed()) run(ui, state, settings);
  }
  if (ImGui::IsItemHovered()) ui.tooltip("Ctrl+Enter");
  ui.beside(ui.button_width("History"));
  if (ui.button("sql.history", "History")) ImGui::OpenPopup("sql history");
  ImGui::SetNextWindowSize({std::min(ui.px(620), ImGui::GetMainViewport()->Size.x), 0});
  if (ImGui::BeginPopup("sql history")) {
    if (settings.sql.empty()) ui.text("Nothing was run yet", Tone::muted);
    for (std::size_t i = 0; i < settings.sql.size(); ++i) {
      std::string line;
      append_preview(line, settings.sql[i], 100);
      ImGui::PushID(static_cast<int>(i));
      ui.glyphs.note(line);
      if (ImGui::Selectable(line.c_str())) state.sql = settings.sql[i];
      ImGui::PopID();
    }
    ImGui::EndPopup();
  }
  ui.beside(ui.button_width("Examples"));
  draw_examples(ui, state);
  ui.beside(ui.button_width("Export\u2026"));
  ImGui::BeginDisabled(query.rows.empty());
  if (ui.button("sql.export", "Export\u2026")) ImGui::OpenPopup("sql.to_file");
  ImGui::EndDisabled();
  draw_export(ui, snapshot, "sql.to_file", state.to_file, {}, [&] {
    ExportRows rows;
    rows.query = snapshot.query;
    return rows;
  });
}

void draw_query_outcome(Ui& ui, const QueryView& query) {
  if (query.number == 0) return;
  if (query.error.code != Errc::ok) {
    std::string text = query.error.detail.empty() ? words_of(query.error) : query.error.detail;
    const SqlPlace place = find_sql_error(query.sql, text);
    if (place.line > 0) {
      text = "Line " + std::to_string(place.line) + ", column " + std::to_string(place.column) +
             ": " + text;
    }
    text = sentence(text);
    if (query.partitions_asked > 1) {
      text += " " + std::to_string(query.partitions_done) + " of " +
              std::to_string(query.partitions_asked) + " partitions had answered.";
    }
    ui.notice("sql.error", text, Tone::bad);
    if (place.line > 0) {
      push_font(ui.fonts.mono);
      const char* line = place.text.data();
      const float before = ImGui::CalcTextSize(line, line + place.byte).x;
      ImGui::PopFont();
      ui.mono(place.text);
      ImGui::SetCursorPosX(ImGui::GetCursorPosX() + before);
      ui.mono("^", Tone::bad);
    }
    return;
  }
  std::string text;
  if (query.running) {
    text = "Running\u2026 ";
  }
  text += format_count(query.rows.size()) + (query.rows.size() == 1 ? " row" : " rows") + " in " +
          format_duration(query.took);
  if (query.partitions_asked > 1) {
    text += ", of " + std::to_string(query.partitions_done) + " of " +
            std::to_string(query.partitions_asked) + " partitions, each asked for itself";
  }
  ui.text_fitted(text, ImGui::GetContentRegionAvail().x, Tone::muted);
  ui.describe("sql.outcome", text);
  if (!query.truncated) return;
  ui.beside(ui.px(340), ui.px(12));
  ui.text("There are more rows than the limit; ask for fewer.", Tone::warning);
}

/// Not more than `size`, and of text no half character at the end.
std::string first_bytes(const std::string& bytes, std::size_t size) {
  if (bytes.size() <= size) return bytes;
  for (int i = 0; i < 3 && (static_cast<unsigned char>(bytes[size]) & 0xC0U) == 0x80; ++i) --size;
  return bytes.substr(0, size);
}

/// The beginning of a value, as cells show it in each frame: a whole one may be megabytes.
void append_value(std::string& out, const SqlValue& value, std::size_t bytes_max) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    append_preview(out, *text, bytes_max);
  } else if (const auto* blob = std::get_if<SqlBlob>(&value)) {
    append_preview(out, text_of(SqlBlob{first_bytes(blob->bytes, bytes_max + 4)}), bytes_max);
  } else {
    out += text_of(value);
  }
}

std::vector<GridColumn> columns_of(const QueryView& query) {
  constexpr std::size_t rows_looked_at = 40;
  constexpr std::size_t letters_max = 60;
  std::vector<GridColumn> columns;
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    std::size_t longest = query.columns[i].size();
    bool numbers = !query.rows.empty();
    for (std::size_t row = 0; row < std::min(query.rows.size(), rows_looked_at); ++row) {
      if (i >= query.rows[row].size()) continue;
      const SqlValue& value = query.rows[row][i];
      const bool number =
          std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
      numbers = numbers && number;
      std::string begin;
      append_value(begin, value, letters_max);
      longest = std::max(longest, begin.size());
    }
    const float width = std::clamp(24 + 8.2F * static_cast<float>(longest), 60.0F, 380.0F);
    columns.push_back({query.columns[i], width, numbers, true});
  }
  return columns;
}

void draw_result(Ui& ui, const std::shared_ptr<const QueryView>& shown, SqlState& state) {
  const QueryView& query = *shown;
  if (query.columns.empty()) {
    ui.begin_card("sql.empty", {0, 0});
    if (query.number == 0) {
      ui.empty_state(
          "Ask the log",
          "Every partition is a table: readable (offset, time, key, value, json, "
          "partition, committed). Only reading is allowed, and only what is committed is "
          "seen.");
    } else {
      ui.empty_state(query.running ? "Running\u2026" : "No result", "");
    }
    ui.end_card();
    return;
  }
  if (state.shown != query.number) {
    state.shown = query.number;
    // Asked again, a little otherwise: columns that are there again are as wide as they were.
    std::map<std::string, float> widths = std::move(state.grid.widths);
    state.grid = {};
    state.grid.widths = std::move(widths);
  }
  if (state.columns_of != shown) {
    state.columns_of = shown;
    state.columns = columns_of(query);
  }
  draw_grid(ui, "sql.result", {0, 0}, state.columns, state.grid,
            {query.rows.size(), 0,
             [&](std::size_t row, std::size_t column, GridCell& cell) {
               if (column >= query.rows[row].size()) return;
               const SqlValue& value = query.rows[row][column];
               if (std::holds_alternative<std::monostate>(value)) {
                 cell.text = "NULL";
                 cell.tone = Tone::muted;
                 return;
               }
               append_value(cell.text, value, 400);
               if (std::holds_alternative<SqlBlob>(value)) cell.tone = Tone::muted;
             },
             [&](std::size_t row, std::size_t column) {
               const auto& values = query.rows[row];
               return column < values.size() ? text_of(values[column]) : std::string();
             }});
}

}  // namespace

void draw_sql(Ui& ui, const Snapshot& snapshot, SqlState& state, Settings& settings) {
  const QueryView& query = *snapshot.query;
  draw_panel_title(ui, "SQL", "Over the live log, read-only.");
  const bool changed =
      pick_topic(ui, "sql.topic", state.topic, snapshot, settings, state.picker, ui.px(240));
  if (changed) state.partition.clear();  // The other one may have fewer.
  settings.sql_topic = state.topic;
  ui.beside(ui.px(150));
  std::vector<std::string> partitions{""};
  const TopicRow* topic = snapshot.cluster ? snapshot.cluster->find_topic(state.topic) : nullptr;
  for (std::int32_t i = 0; topic != nullptr && i < topic->partitions; ++i) {
    partitions.push_back(std::to_string(i));
  }
  ui.combo("sql.partition", state.partition, partitions, "All partitions", ui.px(150));
  ui.beside(ui.px(84));
  draw_tools(ui, snapshot, state, settings);
  ui.editor("sql.text", state.sql,
            {-1, std::max(ui.px(96), ImGui::GetContentRegionAvail().y * 0.24F)});
  draw_file(ui, snapshot, state);
  ui.begin_fade(is_stale(ui, snapshot));
  draw_query_outcome(ui, query);
  draw_result(ui, snapshot.query, state);
  ui.end_fade();
}

}  // namespace pinion::gui
