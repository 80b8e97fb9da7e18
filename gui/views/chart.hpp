// Chart: lines over time, of a history's samples. The wheel zooms, dragging moves, a double click
// follows the present again; hovering shows the values. Gaps are where nothing was known. UI
// thread.
#pragma once

#include "gui/model/cluster.hpp"
#include "gui/views/ui.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pinion::gui {

struct ChartLine {
  std::string name{};
  Metric metric{};
  ImU32 colour = 0;
};

struct ChartSpec {
  std::string title{};
  std::vector<ChartLine> lines{};
  std::function<std::string(double)> format{};
  bool binary = false;  ///< Its steps are rounded in KiB, MiB, not in thousands.
};

/// Shared by the charts of a panel, so that they show the same time.
struct ChartState {
  double seconds = 300;  ///< Shown.
  double back = 0;       ///< Seconds from now to the right edge; 0: it moves with the present.
};

void draw_chart(Ui& ui, const char* name, ImVec2 size, const ChartSpec& spec, ChartState& state,
                const ClusterHistory* history);

}  // namespace pinion::gui
