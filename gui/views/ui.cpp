#include "gui/views/ui.hpp"

#include <imgui_stdlib.h>

#include "gui/views/imgui_versions.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace pinion::gui {
namespace {

ImVec2 operator+(ImVec2 a, ImVec2 b) { return {a.x + b.x, a.y + b.y}; }

std::uint32_t code_at(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(at);
  if (lead < 0xE0) {
    const std::uint32_t code = ((lead & 0x1FU) << 6U) | (byte(at + 1) & 0x3FU);
    at += 2;
    return code;
  }
  if (lead < 0xF0) {
    const std::uint32_t code =
        ((lead & 0x0FU) << 12U) | ((byte(at + 1) & 0x3FU) << 6U) | (byte(at + 2) & 0x3FU);
    at += 3;
    return code;
  }
  at += 4;
  return 0;  // Beyond what an atlas of 16 bits a character holds.
}

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

void GlyphNeeds::note(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0xC0) {
      ++at;
      continue;
    }
    const std::uint32_t code = code_at(text, at);
    if (code < 0x180 || code >= 0x10000 || count_ >= most || seen_.test(code)) continue;
    seen_.set(code);
    ++count_;
    news_ = true;
  }
}

void Ui::begin_frame() {
  described.clear();
  wants_frame = false;
  has_dialog = std::exchange(had_dialog_, false);
  enter_is_taken_ = false;
}

void Ui::begin_fade(bool fades) {
  constexpr float faded = 0.55F;
  fades_.push_back(fades);
  if (fades) ImGui::PushStyleVar(ImGuiStyleVar_Alpha, ImGui::GetStyle().Alpha * faded);
}

void Ui::end_fade() {
  if (fades_.back()) ImGui::PopStyleVar();
  fades_.pop_back();
}

// ---- Room

void Ui::beside(float width, float gap) {
  ImGui::SameLine(0, gap);
  if (ImGui::GetContentRegionAvail().x + 1 < width) ImGui::NewLine();
}

float Ui::kept_height(const std::string& name, float otherwise) const {
  const auto at = heights_.find(name);
  return at == heights_.end() ? otherwise : at->second;
}

void Ui::keep_height(const std::string& name, float height) {
  float& kept = heights_[name];
  if (std::fabs(kept - height) < 0.5F) return;
  kept = height;
  wants_frame = true;
}

// ---- Text

void Ui::text(std::string_view text, Tone tone) {
  glyphs.note(text);
  ImGui::PushStyleColor(ImGuiCol_Text, theme.of(tone));
  ImGui::TextUnformatted(text.data(), text.data() + text.size());
  ImGui::PopStyleColor();
}

void Ui::strong(std::string_view text, Tone tone) {
  ImGui::PushFont(fonts.strong);
  this->text(text, tone);
  ImGui::PopFont();
}

void Ui::strong_fitted(std::string_view text, float spared) {
  const float room = std::max(px(40), ImGui::GetContentRegionAvail().x - spared);
  const ImFont& font = *fonts.strong;
  const char* end = text.data() + text.size();
  const char* fits = end;
  const float size = size_of(font);
  font.CalcTextSizeA(size, room, 0, text.data(), end, &fits);
  if (fits == end) return strong(text);
  font.CalcTextSizeA(size, room - px(14), 0, text.data(), end, &fits);
  strong(std::string(text.data(), fits) + "\u2026");
  if (ImGui::IsItemHovered()) tooltip(text);
}

void Ui::text_fitted(std::string_view text, float width, Tone tone) {
  const float whole = ImGui::CalcTextSize(text.data(), text.data() + text.size()).x;
  if (whole <= width) return this->text(text, tone);
  const char* fits = text.data();
  ImFont* font = ImGui::GetFont();
  font->CalcTextSizeA(ImGui::GetFontSize(), std::max(0.0F, width - px(14)), 0, text.data(),
                      text.data() + text.size(), &fits);
  this->text(std::string(text.data(), fits) + "\u2026", tone);
  if (ImGui::IsItemHovered()) tooltip(text);
}

void Ui::title(std::string_view text) {
  ImGui::PushFont(fonts.title);
  this->text(text);
  ImGui::PopFont();
}

void Ui::mono(std::string_view text, Tone tone) {
  ImGui::PushFont(fonts.mono);
  this->text(text, tone);
  ImGui::PopFont();
}

void Ui::paragraph(std::string_view text, Tone tone) {
  ImGui::PushTextWrapPos(0);
  this->text(text, tone);
  ImGui::PopTextWrapPos();
}

void Ui::label(std::string_view text) {
  ImGui::AlignTextToFramePadding();
  this->text(text, Tone::muted);
}

// ---- Controls

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
  ImGui::GetWindowDrawList()->AddRect(low, high, ink(theme.accent), rounding, 0, px(1.5F));
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
  ImGui::PushFont(fonts.mono);
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
    list->AddPolyline(tick, 3, ink(theme.on_accent), 0, px(2));
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

// ---- Surfaces

void Ui::begin_card(const char* name, ImVec2 size, std::string_view heading,
                    ImGuiWindowFlags flags) {
  ImGui::PushStyleColor(ImGuiCol_ChildBg, theme.surface);
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {px(14), px(12)});
  begin_joined_child(name, size, Border::yes, flags);
  ImGui::PopStyleVar();
  ImGui::PopStyleColor();
  if (heading.empty()) return;
  strong(heading);
  ImGui::Dummy({0, px(2)});
}

void Ui::end_card() { ImGui::EndChild(); }

bool Ui::begin_dialog(const char* id, float width) {
  const ImGuiViewport* viewport = ImGui::GetMainViewport();
  ImGui::SetNextWindowSize({std::min(px(width), viewport->Size.x - px(40)), 0});
  ImGui::SetNextWindowPos(viewport->GetCenter(), ImGuiCond_Always, {0.5F, 0.5F});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {px(22), px(18)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, px(10));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowBorderSize, 1);
  const bool open = ImGui::BeginPopupModal(
      id, nullptr,
      ImGuiWindowFlags_NoTitleBar | ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoMove);
  ImGui::PopStyleVar(3);
  had_dialog_ = had_dialog_ || open;
  return open;
}

void Ui::end_dialog() { ImGui::EndPopup(); }

void Ui::begin_pane(const char* name, ImVec2 size) {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {0, 0});
  begin_joined_child(name, size, Border::no);
  ImGui::PopStyleVar();
}

void Ui::end_pane() { ImGui::EndChild(); }

void Ui::empty_state(std::string_view heading, std::string_view text) {
  const ImVec2 room = ImGui::GetContentRegionAvail();
  const float width = std::min(room.x - px(24), px(460));
  const ImVec2 text_size =
      ImGui::CalcTextSize(text.data(), text.data() + text.size(), false, width);
  const ImVec2 at = ImGui::GetCursorPos();
  const float line = ImGui::GetTextLineHeightWithSpacing();
  const float top = at.y + std::max(0.0F, (room.y - text_size.y - line) * 0.42F);
  ImGui::PushFont(fonts.strong);
  const float head_width = ImGui::CalcTextSize(heading.data(), heading.data() + heading.size()).x;
  ImGui::PopFont();
  ImGui::SetCursorPos({at.x + std::max(0.0F, (room.x - head_width) / 2), top});
  strong(heading);
  const float shown = std::min(width, text_size.x);
  ImGui::SetCursorPos({at.x + std::max(0.0F, (room.x - shown) / 2), top + line});
  ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width);
  this->text(text, Tone::muted);
  ImGui::PopTextWrapPos();
  describe_at("empty", ImGui::GetItemRectMin(), ImGui::GetItemRectMax(),
              std::string(heading) + ". " + std::string(text));
}

void Ui::notice(const char* name, std::string_view text, Tone tone) {
  if (!text.empty()) notice_within(name, text, tone, ImGui::GetContentRegionAvail().x);
}

void Ui::notice_within(const char* name, std::string_view text, Tone tone, float width) {
  const ImVec2 pad{px(10), px(6)};
  const ImVec2 size =
      ImGui::CalcTextSize(text.data(), text.data() + text.size(), false, width - 2 * pad.x - px(6));
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const ImVec2 end = at + ImVec2{width, size.y + 2 * pad.y};
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float tint = theme.dark ? 0.12F : 0.09F;
  list->AddRectFilled(at, end, ink(with_alpha(theme.of(tone), tint)), px(6));
  list->AddRectFilled(at, {at.x + px(3), end.y}, ink(theme.of(tone)), px(6),
                      ImDrawFlags_RoundCornersLeft);
  ImGui::SetCursorScreenPos({at.x + pad.x + px(6), at.y + pad.y});
  ImGui::PushTextWrapPos(ImGui::GetCursorPosX() + width - 2 * pad.x - px(6));
  this->text(text, tone == Tone::muted ? Tone::muted : Tone::normal);
  ImGui::PopTextWrapPos();
  ImGui::SetCursorScreenPos({at.x, end.y});
  ImGui::Dummy({0, 0});
  describe_at(name, at, end, text);
}

bool Ui::passing_notice(const char* name, std::string_view text, Tone tone) {
  if (text.empty()) return false;
  // The cross has room of its own, so that it covers no word.
  const float side = ImGui::GetFrameHeight();
  const ImVec2 at = ImGui::GetCursorPos();
  const float right = at.x + ImGui::GetContentRegionAvail().x;
  notice_within(name, text, tone, right - at.x - side - px(2));
  const ImVec2 below = ImGui::GetCursorPos();
  ImGui::SetCursorPos({right - side, at.y});
  const std::string cross = std::string(name) + ".dismiss";
  const bool dismissed = icon_button(cross.c_str(), Icon::close, "Put it away");
  ImGui::SetCursorPos(below);
  ImGui::Dummy({0, 0});
  return dismissed;
}

void Ui::tooltip(std::string_view text) {
  glyphs.note(text);
  ImGui::PushStyleVar(ImGuiStyleVar_Alpha, 1);  // Also over what is faded.
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, {px(10), px(6)});
  ImGui::BeginTooltip();
  ImGui::PushTextWrapPos(px(420));
  ImGui::TextUnformatted(text.data(), text.data() + text.size());
  ImGui::PopTextWrapPos();
  ImGui::EndTooltip();
  ImGui::PopStyleVar(2);
}

// ---- Description

void Ui::describe(std::string_view name, std::string_view text) {
  if (!describes || is_passed_over()) return;
  const ImVec2 min = ImGui::GetItemRectMin();
  const ImVec2 max = ImGui::GetItemRectMax();
  describe_at(name, min, max, text);
  DescribedItem& item = described.back();
  item.in_sight = ImGui::IsItemVisible();
  item.focused = ImGui::IsItemFocused();
  const ImDrawList* list = ImGui::GetWindowDrawList();
  item.cut = ImGui::GetScrollMaxX() <= 0 &&
             (min.x < list->GetClipRectMin().x - 1 || max.x > list->GetClipRectMax().x + 1);
}

void Ui::describe_at(std::string_view name, ImVec2 min, ImVec2 max, std::string_view text,
                     HasFocus focus) {
  if (!describes || is_passed_over()) return;
  described.push_back({std::string(name), min, max, std::string(text.substr(0, 2'000)), true,
                       focus == HasFocus::yes});
}

bool Ui::enter_pressed() { return key_pressed(ImGuiKey_Enter) || key_pressed(keypad_enter); }
bool Ui::escape_pressed() { return key_pressed(ImGuiKey_Escape); }
bool Ui::enter_confirms() const {
  return enter_pressed_once() && !enter_is_taken_ && !ImGui::IsWindowAppearing() &&
         ImGui::IsWindowFocused(ImGuiFocusedFlags_ChildWindows);
}
bool Ui::ctrl_enter_pressed() const {
  return !has_dialog && ImGui::GetIO().KeyCtrl && enter_pressed();
}
bool Ui::ctrl_pressed(char letter) const {
  return !has_dialog && ImGui::GetIO().KeyCtrl && letter_pressed(letter);
}

}  // namespace pinion::gui
