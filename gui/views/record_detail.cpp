#include "gui/views/record_detail.hpp"

#include <imgui_stdlib.h>

#include "common/base/text.hpp"
#include "common/proto/record_headers.hpp"
#include "gui/views/imgui_versions.hpp"

#include <algorithm>
#include <cmath>

namespace pinion::gui {
namespace {

/// Text is laid out by ImGui every frame; more than this is shown in the tree and in hexadecimal
/// only.
constexpr std::size_t text_bytes_max = 256UL * 1024;

void rebuild_lines(RecordDetailState& state) {
  state.lines.clear();
  for (std::uint32_t i = 0; i < state.nodes.size();) {
    state.lines.push_back(i);
    i = state.closed.count(i) > 0 ? state.nodes[i].after : i + 1;
  }
}

Tone tone_of(JsonType type) {
  switch (type) {
    case JsonType::text:
      return Tone::good;
    case JsonType::number:
      return Tone::accent;
    case JsonType::boolean:
    case JsonType::null:
      return Tone::warning;
    case JsonType::array:
    case JsonType::object:
      return Tone::muted;
  }
  return Tone::normal;
}

std::string value_text(const JsonNode& node) {
  if (node.type == JsonType::object) return "{" + std::to_string(node.children) + "}";
  if (node.type == JsonType::array) return "[" + std::to_string(node.children) + "]";
  // Of a text its beginning is enough to undo escapes of, at most six bytes for one.
  constexpr std::size_t shown_max = 400;
  JsonNode begin = node;
  begin.raw = node.raw.substr(0, 6 * shown_max + 2);
  std::string out;
  append_preview(
      out, begin.type == JsonType::text ? "\"" + json_plain(begin) + "\"" : std::string(begin.raw),
      shown_max);
  return out;
}

/// What does not fit ends in an ellipsis. Where it ended.
float put_fitted(Ui& ui, ImVec2 at, float right, ImU32 colour, std::string_view text) {
  ui.glyphs.note(text);
  const ImFont& font = *ImGui::GetFont();
  const float size = ImGui::GetFontSize();
  ImDrawList* list = ImGui::GetWindowDrawList();
  const char* end = text.data() + text.size();
  const char* fits = end;
  const float room = std::max(0.0F, right - at.x);
  float width = font.CalcTextSizeA(size, room, 0, text.data(), end, &fits).x;
  if (fits == end) {
    list->AddText(at, colour, text.data(), end);
    return at.x + width;
  }
  static constexpr std::string_view more = "\u2026";
  const char* more_end = more.data() + more.size();
  const float more_width = ImGui::CalcTextSize(more.data(), more_end).x;
  width = font.CalcTextSizeA(size, std::max(0.0F, room - more_width), 0, text.data(), end, &fits).x;
  list->AddText(at, colour, text.data(), fits);
  list->AddText({at.x + width, at.y}, colour, more.data(), more_end);
  return right;
}

void draw_node_menu(Ui& ui, const JsonNodes& nodes, std::uint32_t index) {
  if (!ImGui::BeginPopup("node")) return;
  push_font(ui.fonts.body);
  if (ImGui::Selectable("Copy value  (Ctrl+C)")) ui.copy(json_plain(nodes[index]));
  ui.describe("detail.node.copy_value");
  if (ImGui::Selectable("Copy path")) ui.copy(json_path_of(nodes, index));
  ui.describe("detail.node.copy_path");
  ImGui::PopFont();
  ImGui::EndPopup();
}

enum class Fold : std::uint8_t { none, open, closed };

/// The sign that it opens, its name and its value.
void draw_node(Ui& ui, const JsonNode& node, Fold fold, ImVec2 at, float indent, float right) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float h = ui.px(3.5F);
  const ImVec2 c{at.x + indent - ui.px(9), at.y + ImGui::GetTextLineHeight() / 2};
  if (fold == Fold::closed) {
    list->AddTriangleFilled({c.x - h * 0.6F, c.y - h}, {c.x + h, c.y}, {c.x - h * 0.6F, c.y + h},
                            ui.ink(ui.theme.muted));
  } else if (fold == Fold::open) {
    list->AddTriangleFilled({c.x - h, c.y - h * 0.6F}, {c.x + h, c.y - h * 0.6F}, {c.x, c.y + h},
                            ui.ink(ui.theme.muted));
  }
  float x = at.x + indent;
  if (!node.name.empty()) {
    // A name leaves some room to what it names.
    const std::string name = std::string(node.name) + ": ";
    x = put_fitted(ui, {x, at.y}, std::max(x, right - ui.px(60)), ui.ink(ui.theme.text), name);
  }
  put_fitted(ui, {x, at.y}, right, ui.ink(ui.theme.of(tone_of(node.type))), value_text(node));
}

void draw_tree(Ui& ui, RecordDetailState& state) {
  ImGuiListClipper clipper;
  push_font(ui.fonts.mono);
  clipper.Begin(static_cast<int>(state.lines.size()));
  std::optional<std::uint32_t> toggled;
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      const std::uint32_t index = state.lines[static_cast<std::size_t>(i)];
      const JsonNode& node = state.nodes[index];
      const bool opens = node.children > 0;
      ImGui::PushID(static_cast<int>(index));
      const ImVec2 at = ImGui::GetCursorScreenPos();
      // Deep values are scrolled to; each has room to be told by.
      const float indent = ui.px(16) * static_cast<float>(node.depth) + ui.px(14);
      const float width = std::max(indent + ui.px(160), ImGui::GetContentRegionAvail().x);
      const float line = ImGui::GetTextLineHeight();
      if (ImGui::InvisibleButton("line", {width, line}) && opens) toggled = index;
      const bool hovered = ImGui::IsItemHovered();
      const bool focused = ImGui::IsItemFocused() && ImGui::GetIO().NavVisible;
      // The path of a value is found by counting, in a large list for some time.
      if (ui.describes) {
        ui.describe("detail.node." + json_path_of(state.nodes, index), value_text(node));
      }
      if (hovered || focused) {
        ImGui::GetWindowDrawList()->AddRectFilled(at, {at.x + width, at.y + line},
                                                  ui.ink(ui.theme.hovered), ui.px(3));
      }
      if (focused && opens && Ui::enter_pressed()) toggled = index;
      if (focused && ui.ctrl_pressed('C')) ui.copy(json_plain(node));
      if (hovered) {
        if (ImGui::IsMouseClicked(1)) ImGui::OpenPopup("node");
        ui.tooltip(json_path_of(state.nodes, index) + "\n" + value_text(node) +
                   "\nRight click or Ctrl+C copies.");
      }
      draw_node_menu(ui, state.nodes, index);
      const Fold fold = !opens                          ? Fold::none
                        : state.closed.count(index) > 0 ? Fold::closed
                                                        : Fold::open;
      draw_node(ui, node, fold, at, indent, at.x + width);
      ImGui::PopID();
    }
  }
  ImGui::PopFont();
  if (!toggled) return;
  if (state.closed.erase(*toggled) == 0) state.closed.insert(*toggled);
  rebuild_lines(state);
}

void draw_text(Ui& ui, RecordDetailState& state) {
  std::string& text = state.pretty.empty() ? state.value : state.pretty;
  if (text.size() > text_bytes_max) {
    ui.paragraph(
        "The value has " + format_bytes(text.size()) +
        ": too much to lay out as text. It is whole in the other tabs, and is copied whole.");
    return;
  }
  ui.editor("detail.text", text, ImGui::GetContentRegionAvail(), ImGuiInputTextFlags_ReadOnly);
}

void draw_field(Ui& ui, const char* label, const std::string& text, bool mono) {
  ui.text(label, Tone::muted);
  ImGui::SameLine(ui.px(92));
  ImGui::PushTextWrapPos(0);
  if (mono) {
    ui.mono(text);
  } else {
    ui.text(text);
  }
  ImGui::PopTextWrapPos();
}

void draw_head(Ui& ui, const RecordDetailState& state) {
  ui.strong_fitted(partition_name(state.topic, state.row.partition) + " @ " +
                   format_count(static_cast<std::uint64_t>(state.row.offset)));
  ui.describe("detail.title", state.topic + " " + std::to_string(state.row.partition) + " " +
                                  std::to_string(state.row.offset));
  draw_field(ui, "Sent", format_local_time(Micros(state.row.timestamp), WithDate::yes), false);
  if (ImGui::IsItemHovered()) ui.tooltip("UTC " + format_utc_time(Micros(state.row.timestamp)));
  draw_field(ui, "In the log", format_local_time(Micros(state.row.log_time), WithDate::yes), false);
  if (ImGui::IsItemHovered()) {
    ui.tooltip("UTC " + format_utc_time(Micros(state.row.log_time)) + "\n" +
               format_ago(ui.now.wall - Micros(state.row.log_time)));
  }
  std::string key;
  if (state.key) append_preview(key, *state.key, 2'000);
  draw_field(ui, "Key", state.key ? (key.empty() ? "(empty)" : key) : "none",
             state.key.has_value());
  if (state.headers) {
    const auto headers = parse_record_headers(*state.headers);
    for (std::size_t i = 0; headers && i < std::min<std::size_t>(headers->size(), 50); ++i) {
      std::string text = (*headers)[i].name + " = ";
      append_preview(text, (*headers)[i].value, 500);
      draw_field(ui, i == 0 ? "Headers" : "", text, true);
    }
    if (!headers) draw_field(ui, "Headers", *state.headers, true);
  }
  draw_field(ui, "Value",
             std::string(name_of(state.kind)) + ", " + format_bytes(state.value.size()), false);
}

void draw_actions(Ui& ui, const RecordDetailState& state) {
  if (ui.button("detail.copy", "Copy value")) {
    const std::string text = is_utf8(state.value) ? state.value : base64_encode(state.value);
    ui.copy(text);
  }
  ui.beside(ui.button_width("Send again\u2026"));
  if (ui.button("detail.resend", "Send again\u2026")) {
    Draft draft;
    draft.topic = state.topic;
    draft.key = state.key;
    draft.value = state.value;
    draft.exact = true;
    if (state.headers) {
      if (auto headers = parse_record_headers(*state.headers)) draft.headers = std::move(*headers);
    }
    ui.go.draft = std::move(draft);
  }
  if (ImGui::IsItemHovered()) ui.tooltip("Opens it in the producer panel, where it can be edited.");
}

}  // namespace

void draw_hex(Ui& ui, const std::string& bytes) {
  ImGuiListClipper clipper;
  push_font(ui.fonts.mono);
  clipper.Begin(static_cast<int>(hex_row_count(bytes.size())));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      const std::string row = hex_row(bytes, static_cast<std::size_t>(i));
      ImGui::TextUnformatted(row.c_str());
    }
  }
  ImGui::PopFont();
}

std::string partition_name(const std::string& topic, std::int32_t partition) {
  return topic + "-" + std::to_string(partition);
}

void show_record(RecordDetailState& state, std::uint64_t number, const RecordRow& row) {
  if (state.number == number) return;
  const int tab = state.tab;
  state = {};
  state.tab = tab;
  state.number = number;
  state.topic = *row.topic;
  state.row = row;
  if (const auto key = row.key()) state.key = std::string(*key);
  if (const auto headers = row.headers()) state.headers = std::string(*headers);
  state.value = std::string(row.value_bytes());
  state.kind = kind_of(state.value);
  if (state.kind == PayloadKind::json) {
    if (auto nodes = parse_json(state.value)) state.nodes = std::move(*nodes);
    if (state.value.size() <= text_bytes_max) state.pretty = pretty_json(state.value).value_or("");
    rebuild_lines(state);
  }
}

DetailLayout lay_out_detail(Ui& ui, bool shown, float share, float footer) {
  ImVec2 room = ImGui::GetContentRegionAvail();
  const float gap = ui.px(12);
  room.y = std::max(room.y - footer, ui.px(140));
  DetailLayout out{room, {}, room.x < ui.px(760)};
  if (!shown) return out;
  if (out.below) {
    const float height = std::max(ui.px(180), std::floor((room.y - gap) * 0.5F));
    out.detail = {room.x, height};
    out.table.y = std::max(ui.px(120), room.y - height - ImGui::GetStyle().ItemSpacing.y);
  } else {
    out.detail = {std::floor(room.x * share), room.y};
    out.table.x = room.x - out.detail.x - gap;
  }
  return out;
}

void draw_detail_beside(Ui& ui, const std::string& panel, const DetailLayout& room, float& share,
                        RecordDetailState& state) {
  if (room.detail.x <= 0) return;
  if (!room.below) {
    ui.splitter_vertical((panel + ".splitter").c_str(), share, room.table.x + room.detail.x,
                         room.table.y);
  }
  draw_record_detail(ui, (panel + ".detail_pane").c_str(), room.detail, state);
}

void draw_record_detail(Ui& ui, const char* name, ImVec2 size, RecordDetailState& state) {
  ui.begin_card(name, size);
  if (!state.number) {
    ui.empty_state("No record chosen", "Choose one on the left to see all of it.");
    ui.end_card();
    return;
  }
  draw_head(ui, state);
  draw_actions(ui, state);
  const bool tree = state.kind == PayloadKind::json && !state.nodes.empty();
  std::vector<std::string> tabs{"Text", "Hex"};
  if (tree) tabs.insert(tabs.begin(), "Tree");
  int tab = tree ? state.tab : std::max(0, state.tab - 1);
  if (ui.choice("detail.tab", tabs, tab)) state.tab = tree ? tab : tab + 1;
  const std::string& shown =
      tabs[static_cast<std::size_t>(std::clamp(tab, 0, static_cast<int>(tabs.size()) - 1))];
  begin_joined_child("value", {0, 0}, Border::no, ImGuiWindowFlags_HorizontalScrollbar);
  if (shown == "Tree") draw_tree(ui, state);
  if (shown == "Text" && state.kind == PayloadKind::binary) {
    ui.paragraph("These bytes are no text; see them in hexadecimal.");
  } else if (shown == "Text") {
    draw_text(ui, state);
  }
  if (shown == "Hex") draw_hex(ui, state.value);
  ImGui::EndChild();
  ui.end_card();
}

}  // namespace pinion::gui
