// Ui: what is pressed or dragged, and small marks.
#include "gui/views/ui.hpp"

#include "gui/views/imgui_versions.hpp"
#include "gui/views/points.hpp"

#include <algorithm>
#include <cmath>

namespace pinion::gui {

float Ui::button_width(std::string_view text) const {
  return ImGui::CalcTextSize(text.data(), text.data() + text.size()).x +
         2 * ImGui::GetStyle().FramePadding.x + px(4);
}

bool Ui::button(const char* name, std::string_view text, ButtonKind kind, float width) {
  ImU32 ground = theme.raised;
  ImU32 hovered = theme.hovered;
  ImU32 ink = theme.text;
  ImU32 border = theme.border;
  if (kind == ButtonKind::primary) {
    ground = border = theme.accent;
    hovered = theme.accent_hovered;
    ink = theme.on_accent;
  } else if (kind == ButtonKind::danger) {
    ground = border = theme.bad;
    hovered = mixed(theme.bad, theme.text, 0.15F);
    ink = theme.on_bad;
  } else if (kind == ButtonKind::quiet) {
    ground = border = IM_COL32(0, 0, 0, 0);
    ink = theme.accent;
  }
  ImGui::PushStyleColor(ImGuiCol_Button, ground);
  ImGui::PushStyleColor(ImGuiCol_ButtonHovered, hovered);
  ImGui::PushStyleColor(ImGuiCol_ButtonActive, mixed(hovered, theme.ground, 0.2F));
  ImGui::PushStyleColor(ImGuiCol_Text, ink);
  ImGui::PushStyleColor(ImGuiCol_Border, border);
  const std::string id = std::string(text) + "###" + name;
  const bool pressed = ImGui::Button(id.c_str(), {width > 0 ? width : button_width(text), 0});
  ImGui::PopStyleColor(5);
  describe(name, text);
  return keyed(ImGui::GetItemRectMin(), ImGui::GetItemRectMax(), px(6)) || pressed;
}

bool Ui::keyed(ImVec2 low, ImVec2 high, float rounding) {
  if (!ImGui::IsItemFocused() || !ImGui::GetIO().NavVisible) return false;
  add_frame(ImGui::GetWindowDrawList(), low, high, ink(theme.accent), rounding, px(1.5F));
  // Once: one Enter that is held must not press a button and then answer what that asks.
  if (!enter_pressed_once() || ImGui::GetIO().KeyCtrl) return false;
  enter_is_taken_ = true;
  return true;
}

bool Ui::icon_button(const char* name, Icon icon, const char* tooltip_text) {
  const float size = ImGui::GetFrameHeight();
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const bool pressed = ImGui::InvisibleButton(name, {size, size});
  const bool hovered = ImGui::IsItemHovered();
  ImDrawList* list = ImGui::GetWindowDrawList();
  if (hovered) {
    list->AddRectFilled(at, at + ImVec2{size, size}, ink(theme.hovered), px(6));
  }
  draw_icon(list, icon, at + ImVec2{size / 2, size / 2}, px(15),
            ink(hovered ? theme.text : theme.muted));
  const bool entered = keyed(at, at + ImVec2{size, size}, px(6));
  if (hovered) tooltip(tooltip_text);
  describe(name, tooltip_text);
  return entered || pressed;
}

float Ui::choice_width(const std::vector<std::string>& options) const {
  float width = 0;
  for (const std::string& option : options) width += button_width(option) + px(6);
  return width;
}

bool Ui::choice(const char* name, const std::vector<std::string>& options, int& chosen) {
  ImGui::PushID(name);
  bool changed = false;
  const float height = ImGui::GetFrameHeight();
  ImDrawList* list = ImGui::GetWindowDrawList();
  const ImVec2 begin = ImGui::GetCursorScreenPos();
  const float width = choice_width(options);
  list->AddRectFilled(begin, begin + ImVec2{width, height}, ink(theme.raised), px(6));
  list->AddRect(begin, begin + ImVec2{width, height}, ink(theme.border), px(6));
  for (int i = 0; i < static_cast<int>(options.size()); ++i) {
    const std::string& option = options[static_cast<std::size_t>(i)];
    if (i > 0) ImGui::SameLine(0, 0);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const ImVec2 size{button_width(option) + px(6), height};
    const bool pressed = ImGui::InvisibleButton(option.c_str(), size);
    const bool hovered = ImGui::IsItemHovered();
    const ImVec2 inset{px(2), px(2)};
    const ImVec2 low{at.x + inset.x, at.y + inset.y};
    const ImVec2 high{at.x + size.x - inset.x, at.y + size.y - inset.y};
    if (chosen == i) list->AddRectFilled(low, high, ink(theme.selected), px(5));
    if ((keyed(low, high, px(5)) || pressed) && chosen != i) {
      chosen = i;
      changed = true;
    }
    const ImVec2 text_size = ImGui::CalcTextSize(option.c_str());
    list->AddText({at.x + (size.x - text_size.x) / 2, at.y + (size.y - text_size.y) / 2},
                  ink(chosen == i ? theme.accent : (hovered ? theme.text : theme.muted)),
                  option.c_str());
    describe(std::string(name) + "." + std::to_string(i),
             chosen == i ? option + " (chosen)" : option);
  }
  ImGui::PopID();
  return changed;
}

bool Ui::checkbox(const char* name, const char* text, bool& value) {
  glyphs.note(text);
  const float height = ImGui::GetFrameHeight();
  const float box = px(17);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const ImVec2 text_size = ImGui::CalcTextSize(text);
  const ImVec2 whole{box + px(8) + text_size.x, height};
  bool pressed = ImGui::InvisibleButton(name, whole);
  const bool hovered = ImGui::IsItemHovered();
  pressed = keyed(at, at + whole, px(4)) || pressed;
  if (pressed) value = !value;
  const ImVec2 low{at.x, std::floor(at.y + (height - box) / 2)};
  const ImVec2 high{low.x + box, low.y + box};
  ImDrawList* list = ImGui::GetWindowDrawList();
  const ImU32 ticked = ImGui::GetColorU32(ImGuiCol_CheckMark);
  list->AddRectFilled(low, high, value ? ticked : ink(theme.raised), px(4));
  list->AddRect(low, high, ink(hovered ? theme.accent : mixed(theme.border, theme.muted, 0.4F)),
                px(4));
  if (value) {
    const ImVec2 tick[]{{low.x + box * 0.24F, low.y + box * 0.52F},
                        {low.x + box * 0.43F, low.y + box * 0.71F},
                        {low.x + box * 0.77F, low.y + box * 0.31F}};
    add_polyline(list, tick, 3, ink(theme.on_accent), px(2));
  }
  list->AddText({high.x + px(8), at.y + (height - text_size.y) / 2}, ink(theme.text), text);
  describe(name, value ? "on" : "off");
  return pressed;
}

void Ui::chip(std::string_view text, Tone tone) {
  glyphs.note(text);
  const ImVec2 size = ImGui::CalcTextSize(text.data(), text.data() + text.size());
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const ImVec2 pad{px(8), px(2)};
  ImDrawList* list = ImGui::GetWindowDrawList();
  const ImU32 colour = theme.of(tone);
  const ImVec2 end = at + ImVec2{size.x + 2 * pad.x, size.y + 2 * pad.y};
  list->AddRectFilled(at, end, ink(with_alpha(colour, theme.dark ? 0.16F : 0.12F)), px(10));
  list->AddText(at + pad, ink(colour), text.data(), text.data() + text.size());
  ImGui::Dummy({size.x + 2 * pad.x, size.y + 2 * pad.y});
}

void Ui::dot(Tone tone) {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float height = ImGui::GetTextLineHeight();
  ImGui::GetWindowDrawList()->AddCircleFilled(at + ImVec2{px(4), height / 2}, px(4),
                                              ink(theme.of(tone)), 16);
  ImGui::Dummy({px(8), height});
}

void Ui::splitter_vertical(const char* name, float& share, float total, float height) {
  ImGui::SameLine(0, 0);
  const float width = px(12);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::InvisibleButton(name, {width, height});
  const bool active = ImGui::IsItemActive();
  if (active && total > 0) {
    share = std::clamp(share - ImGui::GetIO().MouseDelta.x / total, 0.15F, 0.8F);
  }
  if (active || ImGui::IsItemHovered()) {
    ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
    ImGui::GetWindowDrawList()->AddRectFilled({at.x + width / 2 - px(1), at.y},
                                              {at.x + width / 2 + px(1), at.y + height},
                                              ink(theme.accent));
  }
  describe(name);
  ImGui::SameLine(0, 0);
}

}  // namespace pinion::gui
