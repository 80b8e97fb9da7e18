// Writing a picture to a file. The one user of stb_image_write.
#pragma once

#include <string>
#include <vector>

namespace pinion::gui {

/// Three bytes a pixel, rows from top to bottom. False: it could not be written.
[[nodiscard]] bool write_png(const std::string& path, int width, int height,
                             const std::vector<unsigned char>& rgb);

}  // namespace pinion::gui
