// Where Dear ImGui's versions differ: 1.86, which Debian 12 has, and later ones (1.93 was compiled
// with). The rest of the dashboard uses what they have in common. UI thread.
#pragma once

#include <imgui.h>
#include <imgui_internal.h>

namespace pinion::gui {

#if IMGUI_VERSION_NUM >= 18700
/// Keys have ImGui's own names; before, letters had the window system's numbers (GLFW's are ASCII).
[[nodiscard]] inline bool key_pressed(ImGuiKey key) { return ImGui::IsKeyPressed(key); }
[[nodiscard]] inline bool key_pressed_once(ImGuiKey key) { return ImGui::IsKeyPressed(key, false); }
[[nodiscard]] inline bool letter_pressed(char letter) {
  const int first = letter >= '0' && letter <= '9' ? ImGuiKey_0 - '0' : ImGuiKey_A - 'A';
  return ImGui::IsKeyPressed(static_cast<ImGuiKey>(first + letter), false);
}
inline constexpr ImGuiKey keypad_enter = ImGuiKey_KeypadEnter;
#else
[[nodiscard]] inline bool key_pressed(ImGuiKey key) {
  return ImGui::IsKeyPressed(ImGui::GetKeyIndex(key));
}
[[nodiscard]] inline bool key_pressed_once(ImGuiKey key) {
  return ImGui::IsKeyPressed(ImGui::GetKeyIndex(key), false);
}
[[nodiscard]] inline bool letter_pressed(char letter) { return ImGui::IsKeyPressed(letter, false); }
inline constexpr ImGuiKey_ keypad_enter = ImGuiKey_KeyPadEnter;
#endif

/// Not again while it is held.
[[nodiscard]] inline bool enter_pressed_once() {
  return key_pressed_once(ImGuiKey_Enter) || key_pressed_once(keypad_enter);
}

/// Between BeginDisabled and EndDisabled.
[[nodiscard]] inline bool is_disabled() {
  return (ImGui::GetCurrentContext()->CurrentItemFlags & ImGuiItemFlags_Disabled) != 0;
}

/// The window is not shown: it is out of sight, or still finds its size and place.
[[nodiscard]] inline bool is_passed_over() {
  const ImGuiWindow& window = *ImGui::GetCurrentContext()->CurrentWindow;
  return window.SkipItems || window.Hidden;
}

/// As if the combo of that name, which is drawn next, had been clicked on.
inline void open_combo(const char* id) {
  const ImGuiID hash = ImGui::GetCurrentContext()->CurrentWindow->GetID(id);
#if IMGUI_VERSION_NUM >= 18500
  ImGui::OpenPopupEx(ImHashStr("##ComboPopup", 0, hash), ImGuiPopupFlags_None);
#else
  ImGui::OpenPopupEx(hash, ImGuiPopupFlags_None);
#endif
}

/// Dear ImGui lists its windows at Ctrl+Tab. There is one; the keys are those of its tabs.
inline void forget_window_list() {
  ImGuiContext& context = *ImGui::GetCurrentContext();
  context.NavWindowingTarget = nullptr;
  context.NavWindowingTargetAnim = nullptr;
}

/// The size that a font was made for.
[[nodiscard]] inline float size_of(const ImFont& font) {
#if IMGUI_VERSION_NUM >= 19200
  return font.LegacySize;
#else
  return font.FontSize;
#endif
}

/// Until ImGui::PopFont, in the size that it was made for.
inline void push_font(ImFont* font) {
#if IMGUI_VERSION_NUM >= 19200
  ImGui::PushFont(font, size_of(*font));
#else
  ImGui::PushFont(font);
#endif
}

/// Of the line around what keys are for.
#if IMGUI_VERSION_NUM >= 19140
inline constexpr ImGuiCol_ colour_of_nav = ImGuiCol_NavCursor;
#else
inline constexpr ImGuiCol_ colour_of_nav = ImGuiCol_NavHighlight;
#endif

/// A part of a window that arrow keys go into and out of as if it had no edge.
enum class Border : bool { no, yes };
inline bool begin_joined_child(const char* name, ImVec2 size, Border border,
                               ImGuiWindowFlags flags = 0) {
  const bool framed = border == Border::yes;
#if IMGUI_VERSION_NUM >= 19110
  return ImGui::BeginChild(
      name, size,
      ImGuiChildFlags_NavFlattened | (framed ? ImGuiChildFlags_Borders : ImGuiChildFlags_None),
      flags);
#elif IMGUI_VERSION_NUM >= 19090
  return ImGui::BeginChild(
      name, size,
      ImGuiChildFlags_NavFlattened | (framed ? ImGuiChildFlags_Border : ImGuiChildFlags_None),
      flags);
#else
  return ImGui::BeginChild(name, size, framed, flags | ImGuiWindowFlags_NavFlattened);
#endif
}

/// The same, without a border, that keeps its padding.
inline bool begin_padded_child(const char* name, ImVec2 size) {
#if IMGUI_VERSION_NUM >= 19090
  return ImGui::BeginChild(name, size,
                           ImGuiChildFlags_AlwaysUseWindowPadding | ImGuiChildFlags_NavFlattened);
#elif IMGUI_VERSION_NUM >= 19000
  return ImGui::BeginChild(name, size, ImGuiChildFlags_AlwaysUseWindowPadding,
                           ImGuiWindowFlags_NavFlattened);
#else
  return ImGui::BeginChild(name, size, false,
                           ImGuiWindowFlags_AlwaysUseWindowPadding | ImGuiWindowFlags_NavFlattened);
#endif
}

// 1.92.8 has the thickness before the flags.
inline void add_frame(ImDrawList* list, ImVec2 low, ImVec2 high, ImU32 colour, float rounding,
                      float thickness) {
#if IMGUI_VERSION_NUM >= 19280
  list->AddRect(low, high, colour, rounding, thickness);
#else
  list->AddRect(low, high, colour, rounding, 0, thickness);
#endif
}
inline void add_polyline(ImDrawList* list, const ImVec2* points, int count, ImU32 colour,
                         float thickness, ImDrawFlags flags = 0) {
#if IMGUI_VERSION_NUM >= 19280
  list->AddPolyline(points, count, colour, thickness, flags);
#else
  list->AddPolyline(points, count, colour, flags, thickness);
#endif
}
inline void stroke_path(ImDrawList* list, ImU32 colour, float thickness, ImDrawFlags flags = 0) {
#if IMGUI_VERSION_NUM >= 19280
  list->PathStroke(colour, thickness, flags);
#else
  list->PathStroke(colour, flags, thickness);
#endif
}

/// The list that it is in stays open when it is chosen.
#if IMGUI_VERSION_NUM >= 19100
inline constexpr ImGuiSelectableFlags selectable_keeps_open =
    ImGuiSelectableFlags_NoAutoClosePopups;
#else
inline constexpr ImGuiSelectableFlags selectable_keeps_open = ImGuiSelectableFlags_DontClosePopups;
#endif

/// Where what is drawn next ends at most, in the window's own coordinates.
[[nodiscard]] inline float right_edge() {
  return ImGui::GetCursorPosX() + ImGui::GetContentRegionAvail().x;
}

}  // namespace pinion::gui
