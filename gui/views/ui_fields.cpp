// Ui: what is typed into, and lists to choose from.
#include "gui/views/ui.hpp"

#include <imgui_stdlib.h>

#include "gui/views/imgui_versions.hpp"

#include <utility>

namespace pinion::gui {
namespace {

/// A field shows wide characters as narrow ones and gives them back. What it cannot hold at all
/// (NUL and bytes that are no text) it must not be given: callers show that otherwise.
template <typename Field>
bool edit_narrow(NarrowText& narrow, std::string& value, const Field& field) {
  if (!NarrowText::is_wide(value) || !is_editable(value)) {
    const bool result = field(value);
    if (NarrowText::is_wide(value) && is_editable(value)) value = narrow.widen(value);
    return result;
  }
  const std::string before = narrow.narrow(value);
  std::string shown = before;
  const bool result = field(shown);
  if (shown != before) value = narrow.widen(shown);
  return result;
}

template <typename Field>
bool edit(NarrowText& narrow, std::string& value, const Field& field) {
  // Esc leaves a field. That it also takes back what was typed there would cost a person that.
  const bool leaves = Ui::escape_pressed();
  const std::string kept = leaves ? value : std::string();
  const bool result = edit_narrow(narrow, value, field);
  if (leaves && ImGui::IsItemDeactivated()) value = kept;
  return result;
}

}  // namespace

bool Ui::input(const char* name, std::string& value, const char* hint, float width,
               ImGuiInputTextFlags flags) {
  glyphs.note(value);
  take_first_focus();
  ImGui::SetNextItemWidth(width);
  const std::string id = std::string("##") + name;
  const bool result = edit(narrow, value, [&](std::string& text) {
    return ImGui::InputTextWithHint(id.c_str(), hint, &text, flags);
  });
  describe(name, value);
  note_typing(name);
  const bool by_enter = (flags & ImGuiInputTextFlags_EnterReturnsTrue) != 0;
  return result && (!by_enter || enter_pressed_once());  // Nor a field in what was just opened.
}

bool Ui::editor(const char* name, std::string& value, ImVec2 size, ImGuiInputTextFlags flags) {
  glyphs.note(value);
  take_first_focus();
  if (refocus_ == name) {
    refocus_.clear();
    ImGui::SetKeyboardFocusHere();
  }
  push_font(fonts.mono);
  const std::string id = std::string("##") + name;
  const bool result = edit(narrow, value, [&](std::string& text) {
    return ImGui::InputTextMultiline(id.c_str(), &text, size, flags);
  });
  ImGui::PopFont();
  // Dear ImGui takes Ctrl+Enter for the end of typing; here it sends or runs, and typing goes on.
  if (ImGui::IsItemDeactivated() && ImGui::GetIO().KeyCtrl && enter_pressed()) {
    refocus_ = name;
    wants_frame = true;
  }
  describe(name, value);
  note_typing(name);
  return result;
}

/// Keys are for a field only while it is being typed into.
void Ui::note_typing(const char* name) {
  if (described.empty() || described.back().name != name) return;
  described.back().focused = ImGui::IsItemActive();
}

void Ui::take_first_focus() {
  if (!first_focus || is_disabled()) return;
  first_focus = false;
  ImGui::SetKeyboardFocusHere();
}

void Ui::copy(std::string_view text) {
  const std::string narrowed = is_editable(text) ? narrow.narrow(text) : std::string(text);
  ImGui::SetClipboardText(narrowed.c_str());
}

bool Ui::combo(const char* name, std::string& value, const std::vector<std::string>& options,
               const char* hint, float width) {
  bool changed = false;
  ImGui::SetNextItemWidth(width);
  glyphs.note(value);
  const std::string id = std::string("##") + name;
  if (value.empty()) ImGui::PushStyleColor(ImGuiCol_Text, theme.muted);
  const bool open = ImGui::BeginCombo(id.c_str(), value.empty() ? hint : value.c_str());
  if (value.empty()) ImGui::PopStyleColor();
  describe(name, value);
  if (open) {
    const std::string before = value;
    ImGuiListClipper clipper;  // A topic may have ten thousand partitions.
    clipper.Begin(static_cast<int>(options.size()));
    while (clipper.Step()) {
      for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
        const std::string& option = options[static_cast<std::size_t>(i)];
        glyphs.note(option);
        ImGui::PushID(i);
        const std::string label = option.empty() ? std::string(hint) : option;
        if (ImGui::Selectable(label.c_str(), option == before)) {
          value = option;
          changed = true;
        }
        describe(std::string(name) + "." + option, option);
        ImGui::PopID();
      }
    }
    if (options.empty()) text("nothing to choose from", Tone::muted);
    ImGui::EndCombo();
  }
  return changed;
}

}  // namespace pinion::gui
