// What is to be sent: key, headers, value; and how often.
#include "gui/views/producer_parts.hpp"

#include "common/proto/record_headers.hpp"
#include "gui/model/json.hpp"
#include "gui/model/payload.hpp"
#include "gui/views/imgui_versions.hpp"
#include "gui/views/panel.hpp"
#include "gui/views/record_detail.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pinion::gui {
namespace {

constexpr std::size_t kind_bytes_max = 64UL * 1024;
const std::vector<std::string>& placeholders() {
  static const std::vector<std::string> names{
      "{{n}}", "{{time}}", "{{ms}}", "{{uuid}}", "{{random 1 100}}", "{{pick a|b|c}}", "{{line}}"};
  return names;
}

/// What no field can hold without harm is sent as it is, or replaced. True: replaced.
bool draw_bytes(Ui& ui, const char* name, const std::string& bytes) {
  ui.label(format_bytes(bytes.size()) + (bytes.size() > template_bytes_max
                                             ? ", too much to be edited here, sent as they are"
                                             : " that are no text, sent as they are"));
  ui.describe(name, "bytes");
  ImGui::SameLine();
  const std::string replace = std::string(name) + ".replace";
  return ui.button(replace.c_str(), "Write text instead", ButtonKind::quiet);
}

void draw_value(Ui& ui, ProducerState& state, float height) {
  // An editor lays out all of its text in each frame; of more it would be felt.
  if (may_be_template(state.value)) {
    ui.editor("produce.value", state.value, {-1, height});
    return;
  }
  ui.begin_card("produce.bytes", {0, height});
  if (draw_bytes(ui, "produce.value", state.value)) {
    state.value.clear();
    state.exact = false;
  } else {
    draw_hex(ui, state.value);
  }
  ui.end_card();
}

void draw_headers(Ui& ui, ProducerState& state) {
  const float label = ui.px(84);
  const float width = right_edge() - label;
  int removed = -1;
  for (int i = 0; i < static_cast<int>(state.headers.size()); ++i) {
    RecordHeader& header = state.headers[static_cast<std::size_t>(i)];
    ImGui::PushID(i);
    const std::string name = "produce.header." + std::to_string(i);
    ui.label(i == 0 ? "Headers" : "");
    ImGui::SameLine(label);
    ui.input((name + ".name").c_str(), header.name, "Name", std::floor(width * 0.32F));
    ImGui::SameLine();
    if (may_be_template(header.value)) {
      ui.input((name + ".value").c_str(), header.value, "Value",
               ImGui::GetContentRegionAvail().x - ImGui::GetFrameHeight() - ui.px(8));
    } else if (draw_bytes(ui, (name + ".value").c_str(), header.value)) {
      header.value.clear();
    }
    ImGui::SameLine();
    if (ui.icon_button((name + ".remove").c_str(), Icon::close, "Remove this header")) removed = i;
    ImGui::PopID();
  }
  if (removed >= 0) state.headers.erase(state.headers.begin() + removed);
}

/// Why it cannot be saved as it is; empty: it can. It may lack what sending it needs.
std::string saving_problem(const Draft& draft, const Drafts& saved) {
  if (saved.size() >= drafts_max) {
    return std::to_string(drafts_max) + " records are saved, and no more can be: forget one first.";
  }
  std::vector<RecordHeader> headers = draft.headers;
  std::erase_if(headers, [](const RecordHeader& one) { return one.name.empty(); });
  const auto text = build_record_headers(headers);
  return text ? std::string() : "It cannot be saved: " + text.error().detail + ".";
}

void save_draft(ProducerState& state, Settings& settings) {
  Draft draft = draft_of(state);
  std::string problem = saving_problem(draft, settings.drafts);
  if (!problem.empty()) {
    say_problem(state, std::move(problem));
    ImGui::CloseCurrentPopup();  // It would cover what is said.
    return;
  }
  settings.drafts.push_back(
      std::make_shared<const NamedDraft>(NamedDraft{state.draft_name, std::move(draft)}));
  state.draft_name.clear();
}

void draw_drafts(Ui& ui, ProducerState& state, Settings& settings) {
  if (ui.button("produce.drafts", "Saved\u2026")) ImGui::OpenPopup("drafts");
  ImGui::SetNextWindowSize({ui.px(340), 0});
  if (!ImGui::BeginPopup("drafts")) return;
  int removed = -1;
  for (int i = 0; i < static_cast<int>(settings.drafts.size()); ++i) {
    const NamedDraft& draft = *settings.drafts[static_cast<std::size_t>(i)];
    ImGui::PushID(i);
    ui.glyphs.note(draft.name);
    if (ImGui::Selectable(draft.name.c_str(), false, 0,
                          {ImGui::GetContentRegionAvail().x - ui.px(40), 0})) {
      set_draft(state, draft.draft);
      ImGui::CloseCurrentPopup();
    }
    ImGui::SameLine();
    if (ui.icon_button("remove", Icon::close, "Forget it")) removed = i;
    ImGui::PopID();
  }
  if (removed >= 0) settings.drafts.erase(settings.drafts.begin() + removed);
  if (settings.drafts.empty()) ui.paragraph("Nothing is saved yet. Name what is in the form:");
  const bool entered = ui.input("produce.draft_name", state.draft_name, "Name of this record",
                                -ui.px(80), ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SameLine();
  if ((ui.button("produce.save_draft", "Save") || entered) && !state.draft_name.empty()) {
    save_draft(state, settings);
  }
  ImGui::EndPopup();
}

void draw_value_tools(Ui& ui, ProducerState& state) {
  ui.beside(ui.button_width("+ Header"));
  if (ui.button("produce.add_header", "+ Header")) state.headers.emplace_back();
  ui.beside(ui.button_width("Format"));
  if (ui.button("produce.format", "Format")) {
    if (auto pretty = pretty_json(state.value)) {
      state.value = std::move(*pretty);
    } else if (const auto parsed = parse_json(state.value); !parsed) {
      say_problem(state, json_problem(parsed.error()));
    }
  }
  ui.beside(ui.button_width("Insert\u2026"));
  if (ui.button("produce.insert", "Insert\u2026")) ImGui::OpenPopup("insert");
  if (ImGui::BeginPopup("insert")) {
    ui.text("Filled in anew for each record", Tone::muted);
    for (const std::string& name : placeholders()) {
      if (ImGui::Selectable(name.c_str())) {
        state.value += name;
        state.exact = false;
      }
      ui.describe("produce.insert." + name, name);
    }
    ImGui::Separator();
    ui.checkbox("produce.exact", "Fill nothing in, send it exactly as it is", state.exact);
    ImGui::EndPopup();
  }
  ui.beside(ui.button_width("Saved\u2026"));
}

/// A record that was read is sent again as it was, unless a person wants otherwise.
void draw_exact(Ui& ui, ProducerState& state) {
  if (!state.exact) return;
  const std::string text = "Sent exactly as it is, {{\u2026}} too";
  ui.label(text);
  ui.describe("produce.exactly", text);
  ui.beside(ui.button_width("Fill in {{\u2026}}"));
  if (ui.button("produce.fill_in", "Fill in {{\u2026}}", ButtonKind::quiet)) state.exact = false;
  if (ImGui::IsItemHovered()) {
    ui.tooltip("What stands in {{\u2026}}, as under Insert, is then filled in for each record.");
  }
}

/// How many, and how fast.
void draw_amount(Ui& ui, ProducerState& state) {
  ImGui::SetNextItemWidth(ui.px(80));
  ImGui::InputInt("##count", &state.count, 0);
  ui.describe("produce.count", std::to_string(state.count));
  state.count = std::max(1, state.count);
  ImGui::SameLine();
  ui.label("records");
  if (state.how != 2) return;
  ui.beside(ui.px(64) + ui.px(12) + ImGui::CalcTextSize("a second").x);
  ImGui::SetNextItemWidth(ui.px(64));
  ImGui::InputFloat("##rate", &state.per_second, 0, 0, "%.1f");
  ui.describe("produce.rate");
  ImGui::SameLine();
  ui.label("a second");
}

void draw_send(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings) {
  ui.choice("produce.how", {"Once", "N times", "At a rate", "File"}, state.how);
  if (state.how == 3) {
    ui.choice("produce.file_kind", {"A record a line", "An export"}, state.file_kind);
    const char* hint =
        state.file_kind == 0 ? "/path/to/a/file, a record a line" : "/path/to/an/export.jsonl";
    const bool entered =
        ui.input("produce.file", state.file, hint, -1, ImGuiInputTextFlags_EnterReturnsTrue);
    state.enter = state.enter || entered;
    if (ImGui::IsItemHovered() && !ImGui::IsItemActive()) {
      ui.tooltip(state.file_kind == 0
                     ? "With a value above, {{line}} in it is the line; else the line is the value."
                     : "JSON Lines as this program and 'pinion consume --json' write them: keys, "
                       "headers and values are the file's. Offsets and times are new.");
    }
  }
  const bool ready = snapshot.connection.state == Connection::connected;
  ImGui::BeginDisabled(!ready);
  const char* text = state.how == 3 ? "Send the file" : "Send";
  const bool pressed = ui.button("produce.send", text, ButtonKind::primary, ui.px(110));
  ImGui::EndDisabled();
  if (pressed) send(ui, snapshot, state, settings);
  if (ImGui::IsItemHovered()) ui.tooltip("Ctrl+Enter");
  ui.beside(ui.px(150));
  if (!ready) {
    ui.label("Not connected");
  } else if (state.how == 1 || state.how == 2) {
    draw_amount(ui, state);
  } else {
    ui.label("Ctrl+Enter sends");
  }
  if (ready && (state.enter || ui.ctrl_enter_pressed())) send(ui, snapshot, state, settings);
  if (ui.passing_notice("produce.problem", state.problem, Tone::bad)) state.problem.clear();
  draw_outcome(ui, "produce.topic_action", snapshot.topic_action, state.created);
}

}  // namespace

void draw_form(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings,
               ImVec2 size) {
  ui.begin_card("produce.form", size);
  draw_send_topic(ui, snapshot, state, settings);
  if (ui.checkbox("produce.has_key", "Key", state.has_key) && state.has_key) {
    ImGui::SetKeyboardFocusHere();
  }
  ImGui::SameLine(ui.px(84));
  const float partition_width = ui.px(112);
  state.enter = false;
  if (!may_be_template(state.key)) {
    if (draw_bytes(ui, "produce.key", state.key)) state.key.clear();
  } else {
    ImGui::BeginDisabled(!state.has_key);
    state.enter = ui.input("produce.key", state.key, state.has_key ? "Empty key" : "No key",
                           ImGui::GetContentRegionAvail().x - partition_width - ui.px(8),
                           ImGuiInputTextFlags_EnterReturnsTrue);
    ImGui::EndDisabled();
  }
  ImGui::SameLine(right_edge() - partition_width);
  state.enter = ui.input("produce.partition", state.partition, "Any partition", partition_width,
                         ImGuiInputTextFlags_CharsDecimal | ImGuiInputTextFlags_EnterReturnsTrue) ||
                state.enter;
  if (ImGui::IsItemHovered()) {
    ui.tooltip("Empty: the key decides, or partitions take turns without a key.");
  }
  draw_headers(ui, state);
  ui.label("Value");
  draw_value_tools(ui, state);
  draw_drafts(ui, state, settings);
  // The value has what the rest leaves; how much that is was seen in the last frame.
  const float frame = ImGui::GetFrameHeightWithSpacing();
  const float below = ui.kept_height("produce.below", 3 * frame);
  const float height = std::max(ui.px(90), ImGui::GetContentRegionAvail().y - below);
  draw_value(ui, state, height);
  const float begin = ImGui::GetCursorPosY();
  // What kind a large value is would be looked up in every frame.
  std::string about = state.value.size() > kind_bytes_max
                          ? std::string()
                          : std::string(name_of(kind_of(state.value)));
  if (!state.value.empty()) {
    about += (about.empty() ? "" : ", ") + format_bytes(state.value.size());
  }
  ui.label(about);
  const float check = ui.px(30) + ImGui::CalcTextSize("Check JSON").x;
  ImGui::SameLine(std::max(ui.px(90), right_edge() - check));
  ui.checkbox("produce.check_json", "Check JSON", state.check_json);
  draw_exact(ui, state);
  draw_send(ui, snapshot, state, settings);
  ui.keep_height("produce.below", ImGui::GetCursorPosY() - begin);
  ui.end_card();
}

}  // namespace pinion::gui
