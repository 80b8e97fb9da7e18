// Places on the screen are added. Newer versions of Dear ImGui could do that themselves, by an
// option that 1.86 does not have.
#pragma once

#include <imgui.h>

namespace pinion::gui {

[[nodiscard]] inline ImVec2 operator+(ImVec2 a, ImVec2 b) { return {a.x + b.x, a.y + b.y}; }

}  // namespace pinion::gui
