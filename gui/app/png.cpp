#include "gui/app/png.hpp"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

namespace pinion::gui {

bool write_png(const std::string& path, int width, int height,
               const std::vector<unsigned char>& rgb) {
  return stbi_write_png(path.c_str(), width, height, 3, rgb.data(), width * 3) != 0;
}

}  // namespace pinion::gui
