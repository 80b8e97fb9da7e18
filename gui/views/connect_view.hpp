// The first panel: which cluster. UI thread.
#pragma once

#include "gui/model/settings.hpp"
#include "gui/views/ui.hpp"

#include <optional>
#include <string>

namespace pinion::gui {

struct ConnectState {
  std::string address = "tcp://127.0.0.1:5550";
};

/// The address to connect to, when one was chosen. `cancels` draws a way back.
struct ConnectResult {
  std::optional<std::string> address{};
  bool cancelled = false;
};
[[nodiscard]] ConnectResult draw_connect(Ui& ui, ConnectState& state, Settings& settings,
                                         bool cancels);

/// "host:5550" as people write it becomes "tcp://host:5550".
[[nodiscard]] std::string full_address(const std::string& text);

}  // namespace pinion::gui
