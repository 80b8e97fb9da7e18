// Theme: colours by what they mean, and the typefaces. Two of them, dark and light; every pair of
// text and ground has a contrast of at least 4.5 to 1 (tests/gui checks it). UI thread.
#pragma once

#include <imgui.h>

#include "gui/model/format.hpp"

#include <array>
#include <cstddef>

namespace pinion::gui {

struct Theme {
  bool dark = true;
  ImU32 ground = 0;   ///< Behind everything.
  ImU32 surface = 0;  ///< Panels and cards.
  ImU32 raised = 0;   ///< Fields, headers of tables, popups.
  ImU32 hovered = 0;
  ImU32 selected = 0;
  ImU32 border = 0;
  ImU32 text = 0;
  ImU32 muted = 0;
  ImU32 accent = 0;  ///< What can be done.
  ImU32 accent_hovered = 0;
  ImU32 on_accent = 0;  ///< Text on it.
  ImU32 good = 0;
  ImU32 warning = 0;
  ImU32 bad = 0;
  ImU32 on_bad = 0;
  std::array<ImU32, 6> series{};  ///< Lines of charts, nodes of the map.

  [[nodiscard]] ImU32 of(Tone tone) const;
};

[[nodiscard]] Theme dark_theme();
[[nodiscard]] Theme light_theme();

struct Fonts {
  ImFont* body = nullptr;
  ImFont* strong = nullptr;
  ImFont* title = nullptr;
  ImFont* mono = nullptr;
};

/// Sets ImGui's own style to the theme, at a scale.
void apply_theme(const Theme& theme, float scale);

[[nodiscard]] ImU32 with_alpha(ImU32 colour, float alpha);
[[nodiscard]] ImU32 mixed(ImU32 a, ImU32 b, float share_of_b);
/// Of two opaque colours, as WCAG 2 defines it: 1 to 21.
[[nodiscard]] double contrast(ImU32 a, ImU32 b);

}  // namespace pinion::gui
