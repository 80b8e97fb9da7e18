#include "gui/views/ui.hpp"

#include "gui/views/imgui_versions.hpp"

#include <cmath>

namespace pinion::gui {
namespace {

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
