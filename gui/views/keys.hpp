// The keys that views ask for, under both of ImGui's ways to name them: 1.86 knows letters by the
// window system's numbers, 1.87 and later by its own. UI thread.
#pragma once

#include <imgui.h>

namespace pinion::gui {

#if IMGUI_VERSION_NUM >= 18700
[[nodiscard]] inline bool key_pressed(ImGuiKey key) { return ImGui::IsKeyPressed(key); }
[[nodiscard]] inline bool letter_pressed(char letter) {
  return ImGui::IsKeyPressed(static_cast<ImGuiKey>(ImGuiKey_A + (letter - 'A')), false);
}
#else
[[nodiscard]] inline bool key_pressed(ImGuiKey key) {
  return ImGui::IsKeyPressed(ImGui::GetKeyIndex(key));
}
/// GLFW numbers letters as ASCII does.
[[nodiscard]] inline bool letter_pressed(char letter) { return ImGui::IsKeyPressed(letter, false); }
#endif

}  // namespace pinion::gui
