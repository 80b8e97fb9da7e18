#include "gui/views/theme.hpp"

#include "gui/views/imgui_versions.hpp"

#include <algorithm>
#include <cmath>

namespace pinion::gui {
namespace {

constexpr ImU32 rgb(unsigned hex) {
  return IM_COL32((hex >> 16U) & 0xffU, (hex >> 8U) & 0xffU, hex & 0xffU, 255U);
}

float channel(ImU32 colour, int shift) {
  return static_cast<float>((colour >> shift) & 0xffU) / 255.0F;
}

double luminance(ImU32 colour) {
  const auto linear = [](float c) {
    return c <= 0.03928F ? static_cast<double>(c) / 12.92
                         : std::pow((static_cast<double>(c) + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(channel(colour, IM_COL32_R_SHIFT)) +
         0.7152 * linear(channel(colour, IM_COL32_G_SHIFT)) +
         0.0722 * linear(channel(colour, IM_COL32_B_SHIFT));
}

}  // namespace

ImU32 Theme::of(Tone tone) const {
  switch (tone) {
    case Tone::normal:
      return text;
    case Tone::muted:
      return muted;
    case Tone::good:
      return good;
    case Tone::warning:
      return warning;
    case Tone::bad:
      return bad;
    case Tone::accent:
      return accent;
  }
  return text;
}

Theme dark_theme() {
  Theme theme;
  theme.dark = true;
  theme.ground = rgb(0x0f1216);
  theme.surface = rgb(0x161a20);
  theme.raised = rgb(0x1e242c);
  theme.hovered = rgb(0x262d37);
  theme.selected = rgb(0x1d3350);
  theme.border = rgb(0x2a313b);
  theme.text = rgb(0xe6e9ed);
  theme.muted = rgb(0x97a1ae);
  theme.accent = rgb(0x6aa5ff);
  theme.accent_hovered = rgb(0x8cbaff);
  theme.on_accent = rgb(0x08172c);
  theme.good = rgb(0x55c98a);
  theme.warning = rgb(0xe6b450);
  theme.bad = rgb(0xff7b72);
  theme.on_bad = rgb(0x2b0906);
  theme.series = {rgb(0x6aa5ff), rgb(0x55c98a), rgb(0xe6b450),
                  rgb(0xc792ea), rgb(0x5cc8d7), rgb(0xf58f6c)};
  return theme;
}

Theme light_theme() {
  Theme theme;
  theme.dark = false;
  theme.ground = rgb(0xf1f3f6);
  theme.surface = rgb(0xffffff);
  theme.raised = rgb(0xf5f7f9);
  theme.hovered = rgb(0xeaeef3);
  theme.selected = rgb(0xd9e8ff);
  theme.border = rgb(0xd8dee6);
  theme.text = rgb(0x1b2129);
  theme.muted = rgb(0x56616f);
  theme.accent = rgb(0x1660c9);
  theme.accent_hovered = rgb(0x0f4ea8);
  theme.on_accent = rgb(0xffffff);
  theme.good = rgb(0x14713f);
  theme.warning = rgb(0x8a5800);
  theme.bad = rgb(0xbd2c1f);
  theme.on_bad = rgb(0xffffff);
  theme.series = {rgb(0x1660c9), rgb(0x14713f), rgb(0x9a6200),
                  rgb(0x7b3fb0), rgb(0x0b7285), rgb(0xb5471b)};
  return theme;
}

ImU32 with_alpha(ImU32 colour, float alpha) {
  const auto a = static_cast<ImU32>(std::clamp(alpha, 0.0F, 1.0F) * 255.0F);
  return (colour & ~IM_COL32_A_MASK) | (a << IM_COL32_A_SHIFT);
}

ImU32 mixed(ImU32 a, ImU32 b, float share_of_b) {
  const auto mix = [&](int shift) {
    const float value = channel(a, shift) * (1 - share_of_b) + channel(b, shift) * share_of_b;
    return static_cast<ImU32>(value * 255.0F + 0.5F);
  };
  return IM_COL32(mix(IM_COL32_R_SHIFT), mix(IM_COL32_G_SHIFT), mix(IM_COL32_B_SHIFT), 255U);
}

double contrast(ImU32 a, ImU32 b) {
  const double one = luminance(a) + 0.05;
  const double other = luminance(b) + 0.05;
  return std::max(one, other) / std::min(one, other);
}

void apply_theme(const Theme& theme, float scale) {
  ImGuiStyle style;
  style.WindowPadding = {16, 14};
  style.FramePadding = {10, 6};
  style.ItemSpacing = {8, 8};
  style.ItemInnerSpacing = {8, 6};
  style.CellPadding = {8, 4};
  style.ScrollbarSize = 11;
  style.GrabMinSize = 12;
  style.WindowRounding = 0;
  style.ChildRounding = 8;
  style.FrameRounding = 6;
  style.PopupRounding = 8;
  style.ScrollbarRounding = 6;
  style.GrabRounding = 6;
  style.WindowBorderSize = 0;
  style.ChildBorderSize = 1;
  style.PopupBorderSize = 1;
  style.FrameBorderSize = 1;
  style.DisabledAlpha = 0.5F;
  style.ScaleAllSizes(scale);
  style.ChildBorderSize = style.PopupBorderSize = style.FrameBorderSize = 1;
  const auto set = [&](ImGuiCol which, ImU32 colour) {
    style.Colors[which] = ImGui::ColorConvertU32ToFloat4(colour);
  };
  const ImU32 nothing = IM_COL32(0, 0, 0, 0);
  for (int i = 0; i < ImGuiCol_COUNT; ++i) set(i, theme.raised);
  set(ImGuiCol_Text, theme.text);
  set(ImGuiCol_TextDisabled, theme.muted);
  set(ImGuiCol_WindowBg, theme.ground);
  set(ImGuiCol_ChildBg, nothing);
  set(ImGuiCol_PopupBg, theme.surface);
  set(ImGuiCol_Border, theme.border);
  set(ImGuiCol_BorderShadow, nothing);
  set(ImGuiCol_FrameBg, theme.raised);
  set(ImGuiCol_FrameBgHovered, theme.hovered);
  set(ImGuiCol_FrameBgActive, theme.raised);
  set(ImGuiCol_ScrollbarBg, nothing);
  set(ImGuiCol_ScrollbarGrab, mixed(theme.surface, theme.muted, 0.35F));
  set(ImGuiCol_ScrollbarGrabHovered, mixed(theme.surface, theme.muted, 0.6F));
  set(ImGuiCol_ScrollbarGrabActive, theme.muted);
  set(ImGuiCol_CheckMark, theme.accent);
  set(ImGuiCol_SliderGrab, theme.accent);
  set(ImGuiCol_SliderGrabActive, theme.accent_hovered);
  set(ImGuiCol_Button, theme.raised);
  set(ImGuiCol_ButtonHovered, theme.hovered);
  set(ImGuiCol_ButtonActive, theme.hovered);
  set(ImGuiCol_Header, theme.selected);
  set(ImGuiCol_HeaderHovered, theme.hovered);
  set(ImGuiCol_HeaderActive, theme.selected);
  set(ImGuiCol_Separator, theme.border);
  set(ImGuiCol_TextSelectedBg, with_alpha(theme.accent, 0.35F));
  set(colour_of_nav, theme.accent);
  set(ImGuiCol_ModalWindowDimBg, with_alpha(IM_COL32(0, 0, 0, 255), theme.dark ? 0.55F : 0.35F));
  ImGui::GetStyle() = style;
}

}  // namespace pinion::gui
