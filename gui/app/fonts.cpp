#include "gui/app/fonts.hpp"

#include <imgui_freetype.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <system_error>

namespace pinion::gui {
namespace {

constexpr float body_size = 16;
constexpr float title_size = 23;
constexpr float mono_size = 17;  // Its lines are higher in proportion to its letters.

std::string first_of(std::initializer_list<const char*> names) {
  static const std::vector<std::string> folders{"/usr/share/fonts/opentype/inter/",
                                                "/usr/share/fonts/inter/",
                                                "/usr/share/fonts/truetype/jetbrains-mono/",
                                                "/usr/share/fonts/jetbrains-mono/",
                                                "/usr/share/fonts/truetype/dejavu/",
                                                "/usr/share/fonts/dejavu/",
                                                "/usr/share/fonts/TTF/",
                                                "/usr/share/fonts/OTF/",
                                                "/usr/share/fonts/truetype/noto/",
                                                "/usr/share/fonts/opentype/noto/",
                                                "/usr/share/fonts/noto-cjk/",
                                                "/usr/share/fonts/truetype/droid/",
                                                "/usr/share/fonts/truetype/wqy/"};
  std::error_code error;
  for (const char* name : names) {
    for (const std::string& folder : folders) {
      if (std::filesystem::exists(folder + name, error)) return folder + name;
    }
  }
  return {};
}

}  // namespace

FontLoader::FontLoader() {
  body_.path = first_of(
      {"Inter-Regular.otf", "Inter-Regular.ttf", "NotoSans-Regular.ttf", "DejaVuSans.ttf"});
  strong_.path = first_of(
      {"Inter-SemiBold.otf", "Inter-SemiBold.ttf", "NotoSans-Bold.ttf", "DejaVuSans-Bold.ttf"});
  mono_.path =
      first_of({"JetBrainsMono-Regular.ttf", "NotoSansMono-Regular.ttf", "DejaVuSansMono.ttf"});
  for (const auto& names : {std::initializer_list<const char*>{"DejaVuSans.ttf"},
                            {"NotoSansCJK-Regular.ttc", "DroidSansFallbackFull.ttf",
                             "DroidSansFallback.ttf", "wqy-zenhei.ttc"},
                            {"NotoSansSymbols2-Regular.ttf"}}) {
    const std::string path = first_of(names);
    if (!path.empty()) fallbacks_.push_back({path, nullptr});
  }
  for (const Face* face : {&body_, &strong_, &mono_}) {
    if (!face->path.empty()) found_.push_back(face->path);
  }
}

bool FontLoader::load(Face& face) {
  if (face.bytes) return true;
  if (face.path.empty()) return false;
  std::ifstream file(face.path, std::ios::binary | std::ios::ate);
  if (!file) return false;
  auto bytes = std::make_shared<std::vector<char>>(static_cast<std::size_t>(file.tellg()));
  file.seekg(0);
  file.read(bytes->data(), static_cast<std::streamsize>(bytes->size()));
  if (!file) return false;
  face.bytes = std::move(bytes);
  return true;
}

void FontLoader::add(ImFont*& font, Face& face, float size, ImFontConfig config,
                     const ImWchar* ranges) {
  if (!load(face)) return;
  config.FontDataOwnedByAtlas = false;
  ImFont* added = ImGui::GetIO().Fonts->AddFontFromMemoryTTF(
      face.bytes->data(), static_cast<int>(face.bytes->size()), size, &config, ranges);
  if (!config.MergeMode) font = added;
}

Fonts FontLoader::build(float scale, const GlyphNeeds& needs) {
  ImFontAtlas& atlas = *ImGui::GetIO().Fonts;
  atlas.Clear();
#if IMGUI_VERSION_NUM < 19200
  atlas.FontBuilderIO = ImGuiFreeType::GetBuilderForFreeType();
#endif
  ImFontGlyphRangesBuilder builder;
  static constexpr ImWchar latin[]{0x20, 0x17f, 0x2010, 0x2027, 0x2030, 0x203a, 0x2190, 0x2193, 0};
  builder.AddRanges(latin);
  bool others = false;
  for (std::size_t code = 0x180; code < 0x10000; ++code) {
    if (!needs.has(code)) continue;
    builder.AddChar(static_cast<ImWchar>(code));
    others = true;
  }
  ranges_.clear();
  builder.BuildRanges(&ranges_);
  ImFontConfig config;
  config.PixelSnapH = true;
  config.OversampleH = 1;
  Fonts fonts;
  const auto add_with_fallbacks = [&](ImFont*& font, Face& face, float size) {
    const float pixels = std::round(size * scale);
    add(font, face, pixels, config, ranges_.Data);
    if (font == nullptr) {
      ImFontConfig plain;
      plain.SizePixels = pixels;
      font = atlas.AddFontDefault(&plain);
    }
    if (!others) return;
    for (Face& fallback : fallbacks_) {
      ImFontConfig merged = config;
      merged.MergeMode = true;
      add(font, fallback, pixels, merged, ranges_.Data);
    }
  };
  add_with_fallbacks(fonts.body, body_, body_size);
  add_with_fallbacks(fonts.strong, strong_, body_size);
  add_with_fallbacks(fonts.title, strong_, title_size);
  add_with_fallbacks(fonts.mono, mono_, mono_size);
#if IMGUI_VERSION_NUM < 19200
  atlas.Build();  // Later versions do it themselves, a glyph at a time.
#endif
  return fonts;
}

}  // namespace pinion::gui
