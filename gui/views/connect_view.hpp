// The first panel: which cluster. UI thread.
#pragma once

#include "gui/model/settings.hpp"
#include "gui/views/ui.hpp"

#include <optional>
#include <string>

namespace pinion::gui {

struct ConnectState {
  std::string address = "tcp://127.0.0.1:5550";
  std::string problem{};  ///< Of what was entered.
  bool again = false;     ///< The field takes the keyboard back.
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

/// What is wrong with it as it is written; empty when nothing is.
[[nodiscard]] std::string address_problem(const std::string& address);

}  // namespace pinion::gui
