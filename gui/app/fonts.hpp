// FontLoader: finds the typefaces among the system's, builds the atlas at a scale, and builds it
// again when text needs characters that it lacks. Latin is there from the start, so that starting
// is quick. UI thread, between frames.
#pragma once

#include <imgui.h>

#include "gui/views/ui.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pinion::gui {

class FontLoader {
 public:
  FontLoader();
  /// Builds the atlas and gives the fonts. The caller makes the texture anew.
  [[nodiscard]] Fonts build(float scale, const GlyphNeeds& needs);
  /// What is used, for `--about` and for people who wonder.
  [[nodiscard]] const std::vector<std::string>& found() const noexcept { return found_; }

 private:
  struct Face {
    std::string path;
    std::shared_ptr<std::vector<char>> bytes;  ///< Read when first needed, and kept.
  };
  void add(ImFont*& font, Face& face, float size, ImFontConfig config, const ImWchar* ranges);
  [[nodiscard]] static bool load(Face& face);

  Face body_;
  Face strong_;
  Face mono_;
  std::vector<Face> fallbacks_;  ///< Symbols and other scripts, in order.
  std::vector<std::string> found_;
  ImVector<ImWchar> ranges_;  ///< Must live as long as the atlas.
};

}  // namespace pinion::gui
