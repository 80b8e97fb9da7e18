#include "gui/views/record_table.hpp"

#include "cli/text.hpp"
#include "common/base/text.hpp"
#include "gui/model/format.hpp"
#include "gui/model/payload.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

namespace pinion::gui {
namespace {

constexpr std::size_t preview_bytes = 400;
/// Cells are filled in every frame; a larger value is shown whole beside the table.
constexpr std::size_t json_column_bytes_max = 16UL * 1024;

}  // namespace

Result<Micros> time_from(const std::string& text, Micros wall_now) {
  const std::time_t now = wall_now / 1s;
  std::tm parts{};
  localtime_r(&now, &parts);
  std::string full = text;
  if (full.size() >= 4 && full.size() <= 8 && full.find(':') != std::string::npos &&
      full.find('-') == std::string::npos) {
    std::array<char, 16> date{};
    const std::size_t size = std::strftime(date.data(), date.size(), "%Y-%m-%dT", &parts);
    full.insert(0, std::string(date.data(), size) + (full.find(':') == 1 ? "0" : ""));
  }
  PINION_TRY(time, cli::parse_time(full, wall_now));
  const bool ago = full.starts_with('-');
  const bool has_zone = full.ends_with('Z') || full.ends_with('z') ||
                        full.find('+') != std::string::npos ||
                        std::count(full.begin(), full.end(), '-') > 2;
  const bool calendar = full.find('-') != std::string::npos && !ago;
  if (ago || has_zone || !calendar) return time;
  return time - Micros(std::int64_t{parts.tm_gmtoff} * 1'000'000);
}

void fill_record_cell(const RecordRow& row, std::size_t column, GridCell& cell) {
  switch (column) {
    case 0:
      cell.text = format_local_time(Micros(row.log_time), WithDate::no);
      cell.tone = Tone::muted;
      break;
    case 1:
      cell.text = *row.topic;
      break;
    case 2:
      cell.text = std::to_string(row.partition);
      break;
    case 3:
      cell.text = format_count(static_cast<std::uint64_t>(row.offset));
      break;
    case 4:
      if (const auto key = row.key()) {
        append_preview(cell.text, *key, 80);
        if (key->empty()) {
          cell.text = "(empty)";
          cell.tone = Tone::muted;
        }
      } else {
        cell.text = unknown_text;
        cell.tone = Tone::muted;
      }
      break;
    case 5:
      cell.text = format_bytes(row.value_size);
      cell.tone = Tone::muted;
      break;
    default:
      append_preview(cell.text, row.value_bytes(), preview_bytes);
      break;
  }
}

std::string copy_record_cell(const RecordRow& row, std::size_t column) {
  const auto whole = [](std::string_view bytes) {
    return is_utf8(bytes) ? std::string(bytes) : base64_encode(bytes);
  };
  constexpr std::size_t key = 4;
  constexpr std::size_t value = 6;
  if (column == key && row.key()) return whole(*row.key());
  if (column == value) return whole(row.value_bytes());
  GridCell cell;
  fill_record_cell(row, column, cell);
  return cell.text;
}

bool RecordTable::set_paths(const std::string& text) {
  std::vector<std::string> names;
  std::vector<std::vector<JsonStep>> paths;
  problem_.clear();
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end < text.size() && text[end] != ',') {
      // A name in quotes may have commas in it.
      const std::string_view rest = std::string_view(text).substr(end);
      end += std::max<std::size_t>(1, rest.front() == '[' ? json_brackets_end(rest) : 0);
    }
    std::string name = text.substr(at, end - at);
    at = end + 1;
    while (!name.empty() && name.front() == ' ') name.erase(0, 1);
    while (!name.empty() && name.back() == ' ') name.pop_back();
    if (name.empty()) continue;
    auto path = parse_json_path(name);
    if (!path) {
      problem_ = name + ": " + path.error().detail;
      return false;
    }
    names.push_back(std::move(name));
    paths.push_back(std::move(*path));
  }
  names_ = std::move(names);
  paths_ = std::move(paths);
  columns_.clear();
  return true;
}

const std::vector<GridColumn>& RecordTable::columns(WithTopic with_topic) {
  if (!columns_.empty() && with_topic == with_topic_) return columns_;
  with_topic_ = with_topic;
  columns_ = {{.title = "Time", .sample = "00:00:00.000"}};
  if (with_topic == WithTopic::yes) {
    columns_.push_back({.title = "Topic", .width = 90, .sample = "sensors.temp"});
  }
  columns_.push_back({.title = "Partition", .width = 46, .right = true});
  columns_.push_back({.title = "Offset", .width = 60, .right = true, .sample = "12,345,678"});
  columns_.push_back({"Key", 110, false, true});
  for (const std::string& name : names_) columns_.push_back({name, 110, false, true});
  columns_.push_back({.title = "Size", .width = 50, .right = true, .sample = "1023.9 KiB"});
  columns_.push_back({"Value", 300, false, true});
  return columns_;
}

void RecordTable::fill(const RecordRow& row, std::size_t column, GridCell& cell) {
  if (with_topic_ == WithTopic::no && column > 0) ++column;
  if (column < 5) return fill_record_cell(row, column, cell);
  if (column - 5 >= paths_.size()) return fill_record_cell(row, column - paths_.size(), cell);
  const JsonNode* node = find_value(row, column - 5);
  if (node == nullptr) {
    cell.text = unknown_text;
    cell.tone = Tone::muted;
  } else {
    append_preview(cell.text, json_plain(*node), 120);
  }
}

std::string RecordTable::copy(const RecordRow& row, std::size_t column) {
  if (with_topic_ == WithTopic::no && column > 0) ++column;
  if (column < 5) return copy_record_cell(row, column);
  if (column - 5 >= paths_.size()) return copy_record_cell(row, column - paths_.size());
  const JsonNode* node = find_value(row, column - 5);
  return node == nullptr ? std::string(unknown_text) : json_plain(*node);
}

const JsonNode* RecordTable::find_value(const RecordRow& row, std::size_t path) {
  if (parsed_ != row.body || parsed_offset_ != row.offset) {
    parsed_ = row.body;
    parsed_offset_ = row.offset;
    nodes_.clear();
    const std::string_view value = row.value_bytes();
    if (value.size() <= json_column_bytes_max && looks_like_json(value)) {
      if (auto nodes = parse_json(value)) nodes_ = std::move(*nodes);
    }
  }
  return find_json(nodes_, paths_[path]);
}

void draw_export(Ui& ui, const Snapshot& snapshot, const char* name, ExportState& state,
                 const std::string& wait, const std::function<ExportRows()>& make) {
  ImGui::SetNextWindowSize({std::min(ui.px(460), ImGui::GetMainViewport()->Size.x), 0});
  if (!ImGui::BeginPopup(name)) return;
  const ActionResult& action = snapshot.export_action;
  // A question that was left unanswered is not asked again: the file may be another one by now.
  if (ImGui::IsWindowAppearing() && !action.running) state.began = 0;
  ui.strong("Export what is shown");
  if (state.path.empty()) state.path = "/tmp/pinion-export.jsonl";
  if (ui.choice("export.format", {"JSON Lines", "CSV"}, state.format)) {
    const std::string was = state.format == 0 ? ".csv" : ".jsonl";
    if (state.path.ends_with(was)) {
      state.path.resize(state.path.size() - was.size());
      state.path += state.format == 0 ? ".jsonl" : ".csv";
    }
  }
  const bool entered = ui.input("export.path", state.path, "/path/to/a/file", -1,
                                ImGuiInputTextFlags_EnterReturnsTrue);
  const bool ready = !action.running && wait.empty();
  ImGui::BeginDisabled(!ready);
  const bool pressed = ui.button("export.go", "Export", ButtonKind::primary);
  ImGui::EndDisabled();
  ui.notice("export.wait", wait, Tone::warning);
  bool replaces = false;
  // What was said is said of the file that it was asked for, and of no other that is typed since.
  const bool same_file = state.path == state.asked_path;
  if (state.began > 0 && action.number == state.began && same_file) {
    const bool asks = !action.running && !action.ok && action.wants_attention;
    ui.notice("export.result", action.text,
              action.running ? Tone::muted
              : action.ok    ? Tone::good
              : asks         ? Tone::warning
                             : Tone::bad);
    if (asks) replaces = ui.button("export.replace", "Replace it", ButtonKind::danger);
  }
  if (ready && (entered || pressed || replaces)) {
    ExportRows rows = make();
    rows.path = state.path;
    rows.format = state.format == 0 ? ExportFormat::json_lines : ExportFormat::csv;
    rows.replaces = replaces;
    state.began = action.number + 1;
    state.asked_path = state.path;
    ui.commands.emplace_back(std::move(rows));
  }
  ImGui::EndPopup();
}

}  // namespace pinion::gui
