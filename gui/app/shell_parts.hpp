// What the files of the shell share: measures of what is around the panels, what is on the rail,
// and the state of a connection in words and tone. UI thread.
#pragma once

#include "gui/app/shell.hpp"

#include <array>
#include <string>

namespace pinion::gui {

inline constexpr float top_height = 46;
inline constexpr float rail_width = 148;
inline constexpr float rail_width_narrow = 60;
inline constexpr float status_height = 30;

struct RailItem {
  Panel panel;
  Icon icon;
  const char* label;
};
inline constexpr std::array rail_items{RailItem{Panel::cluster, Icon::cluster, "Cluster"},
                                       RailItem{Panel::produce, Icon::produce, "Produce"},
                                       RailItem{Panel::consume, Icon::consume, "Consume"},
                                       RailItem{Panel::browse, Icon::browse, "Browse"},
                                       RailItem{Panel::sql, Icon::sql, "SQL"}};

[[nodiscard]] Tone tone_of(Connection state);
[[nodiscard]] std::string state_text(Connection state);
[[nodiscard]] std::string short_address(const std::string& address);

}  // namespace pinion::gui
