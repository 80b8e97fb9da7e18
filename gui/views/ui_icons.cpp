// The icons: strokes on a square from -1 to 1, so that they are crisp at any scale.
#include "gui/views/ui.hpp"

#include "gui/views/imgui_versions.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace pinion::gui {

void Ui::draw_icon(ImDrawList* list, Icon icon, ImVec2 c, float size, ImU32 colour) const {
  const float h = size / 2;
  const float w = std::max(1.0F, size / 10);
  const auto line = [&](float x1, float y1, float x2, float y2) {
    list->AddLine({c.x + x1 * h, c.y + y1 * h}, {c.x + x2 * h, c.y + y2 * h}, colour, w);
  };
  const auto box = [&](float x1, float y1, float x2, float y2, float round) {
    add_frame(list, {c.x + x1 * h, c.y + y1 * h}, {c.x + x2 * h, c.y + y2 * h}, colour, round * h,
              w);
  };
  switch (icon) {
    case Icon::cluster:
      box(-1, -1, 1, -0.2F, 0.25F);
      box(-1, 0.2F, 1, 1, 0.25F);
      list->AddCircleFilled({c.x - 0.55F * h, c.y - 0.6F * h}, w * 0.9F, colour, 8);
      list->AddCircleFilled({c.x - 0.55F * h, c.y + 0.6F * h}, w * 0.9F, colour, 8);
      break;
    case Icon::produce:
      line(0, 0.35F, 0, -1);
      line(0, -1, -0.55F, -0.45F);
      line(0, -1, 0.55F, -0.45F);
      line(-1, 0.3F, -1, 1);
      line(-1, 1, 1, 1);
      line(1, 1, 1, 0.3F);
      break;
    case Icon::consume:
      line(0, -1, 0, 0.35F);
      line(0, 0.35F, -0.55F, -0.2F);
      line(0, 0.35F, 0.55F, -0.2F);
      line(-1, 0.3F, -1, 1);
      line(-1, 1, 1, 1);
      line(1, 1, 1, 0.3F);
      break;
    case Icon::browse:
      for (int i = -1; i <= 1; ++i) {
        const auto y = static_cast<float>(i) * 0.75F;
        list->AddCircleFilled({c.x - 0.85F * h, c.y + y * h}, w, colour, 8);
        line(-0.4F, y, 1, y);
      }
      break;
    case Icon::sql:
      box(-1, -0.9F, 1, 0.9F, 0.25F);
      line(-0.55F, -0.35F, -0.1F, 0);
      line(-0.1F, 0, -0.55F, 0.35F);
      line(0.1F, 0.4F, 0.6F, 0.4F);
      break;
    case Icon::add:
      line(-0.7F, 0, 0.7F, 0);
      line(0, -0.7F, 0, 0.7F);
      break;
    case Icon::close:
      line(-0.5F, -0.5F, 0.5F, 0.5F);
      line(-0.5F, 0.5F, 0.5F, -0.5F);
      break;
    case Icon::sun:
      list->AddCircle(c, 0.45F * h, colour, 20, w);
      for (int i = 0; i < 8; ++i) {
        const float a = static_cast<float>(i) * 0.785398F;
        line(0.72F * std::cos(a), 0.72F * std::sin(a), std::cos(a), std::sin(a));
      }
      break;
    case Icon::moon:
      list->PathArcTo(c, 0.85F * h, 0.9F, 5.2F, 24);
      list->PathArcTo({c.x + 0.4F * h, c.y - 0.25F * h}, 0.75F * h, 4.4F, 1.7F, 18);
      stroke_path(list, colour, w, ImDrawFlags_Closed);
      break;
    case Icon::refresh:
      list->PathArcTo(c, 0.8F * h, 0.6F, 5.6F, 24);
      stroke_path(list, colour, w);
      line(0.62F, -0.5F, 0.95F, -0.95F);
      line(0.62F, -0.5F, 0.08F, -0.62F);
      break;
    case Icon::search:
      list->AddCircle({c.x - 0.15F * h, c.y - 0.15F * h}, 0.6F * h, colour, 20, w);
      line(0.3F, 0.3F, 0.85F, 0.85F);
      break;
    case Icon::copy:
      box(-0.8F, -0.4F, 0.35F, 0.9F, 0.2F);
      line(-0.35F, -0.85F, 0.8F, -0.85F);
      line(0.8F, -0.85F, 0.8F, 0.45F);
      break;
    case Icon::warning:
      list->AddTriangle({c.x, c.y - 0.85F * h}, {c.x - 0.95F * h, c.y + 0.8F * h},
                        {c.x + 0.95F * h, c.y + 0.8F * h}, colour, w);
      line(0, -0.25F, 0, 0.25F);
      break;
    case Icon::star:
    case Icon::star_filled: {
      std::array<ImVec2, 10> points{};
      for (std::size_t i = 0; i < points.size(); ++i) {
        const float a = 0.628319F * static_cast<float>(i) - 1.5708F;
        const float radius = i % 2 == 0 ? h : 0.45F * h;
        points.at(i) = {c.x + radius * std::cos(a), c.y + radius * std::sin(a)};
      }
      if (icon == Icon::star) {
        add_polyline(list, points.data(), static_cast<int>(points.size()), colour, w,
                     ImDrawFlags_Closed);
        break;
      }
      for (std::size_t i = 0; i < points.size(); ++i) {
        list->AddTriangleFilled(c, points.at(i), points.at((i + 1) % points.size()), colour);
      }
      break;
    }
  }
}

}  // namespace pinion::gui
