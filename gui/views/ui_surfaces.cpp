// Ui: cards, panes and questions, and what is said in the middle of them.
#include "gui/views/ui.hpp"

#include "gui/views/imgui_versions.hpp"
#include "gui/views/points.hpp"

#include <algorithm>

namespace pinion::gui {

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
  push_font(fonts.strong);
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

}  // namespace pinion::gui
