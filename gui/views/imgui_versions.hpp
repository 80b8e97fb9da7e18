// Where Dear ImGui's versions differ: 1.86, which Debian 12 has, and later ones (1.93 was compiled
// with). The rest of the dashboard uses what they have in common. UI thread.
#pragma once

#include <imgui.h>

namespace pinion::gui {

#if IMGUI_VERSION_NUM >= 18700
/// Keys have ImGui's own names; before, letters had the window system's numbers (GLFW's are ASCII).
[[nodiscard]] inline bool key_pressed(ImGuiKey key) { return ImGui::IsKeyPressed(key); }
[[nodiscard]] inline bool letter_pressed(char letter) {
  const int first = letter >= '0' && letter <= '9' ? ImGuiKey_0 - '0' : ImGuiKey_A - 'A';
  return ImGui::IsKeyPressed(static_cast<ImGuiKey>(first + letter), false);
}
inline constexpr ImGuiKey keypad_enter = ImGuiKey_KeypadEnter;
#else
[[nodiscard]] inline bool key_pressed(ImGuiKey key) {
  return ImGui::IsKeyPressed(ImGui::GetKeyIndex(key));
}
[[nodiscard]] inline bool letter_pressed(char letter) { return ImGui::IsKeyPressed(letter, false); }
inline constexpr ImGuiKey_ keypad_enter = ImGuiKey_KeyPadEnter;
#endif

/// The size that a font was made for.
[[nodiscard]] inline float size_of(const ImFont& font) {
#if IMGUI_VERSION_NUM >= 19200
  return font.LegacySize;
#else
  return font.FontSize;
#endif
}

/// A child window without a border that keeps its padding.
inline bool begin_padded_child(const char* name, ImVec2 size) {
#if IMGUI_VERSION_NUM >= 19000
  return ImGui::BeginChild(name, size, ImGuiChildFlags_AlwaysUseWindowPadding);
#else
  return ImGui::BeginChild(name, size, false, ImGuiWindowFlags_AlwaysUseWindowPadding);
#endif
}

}  // namespace pinion::gui
