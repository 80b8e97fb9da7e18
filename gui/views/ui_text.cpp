// Ui: text, in its kinds.
#include "gui/views/ui.hpp"

#include "gui/views/imgui_versions.hpp"

#include <algorithm>

namespace pinion::gui {

void Ui::text(std::string_view text, Tone tone) {
  glyphs.note(text);
  ImGui::PushStyleColor(ImGuiCol_Text, theme.of(tone));
  ImGui::TextUnformatted(text.data(), text.data() + text.size());
  ImGui::PopStyleColor();
}

void Ui::strong(std::string_view text, Tone tone) {
  push_font(fonts.strong);
  this->text(text, tone);
  ImGui::PopFont();
}

void Ui::strong_fitted(std::string_view text, float spared) {
  const float room = std::max(px(40), ImGui::GetContentRegionAvail().x - spared);
  ImFont& font = *fonts.strong;
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
  push_font(fonts.title);
  this->text(text);
  ImGui::PopFont();
}

void Ui::mono(std::string_view text, Tone tone) {
  push_font(fonts.mono);
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

}  // namespace pinion::gui
