// What the program was asked to do. Pure.
#pragma once

#include "common/base/result.hpp"
#include "gui/app/scenes.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pinion::gui {

struct Options {
  std::vector<std::string> brokers{};
  std::string settings_file{};  ///< Empty: in the user's folder for settings.
  std::string describe_file{};
  std::string screenshots{};
  bool measure = false;
  std::optional<Scene> demo{};
  std::optional<bool> dark{};
  std::optional<float> scale{};
  int width = 0;  ///< 0: as remembered.
  int height = 0;
  bool help = false;
  bool version = false;
};

[[nodiscard]] Result<Options> parse_options(const std::vector<std::string>& arguments);
[[nodiscard]] std::string help_text();

}  // namespace pinion::gui
