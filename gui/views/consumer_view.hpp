// The consumer panel: everything that one named reader has consumed, refreshed every thirty
// seconds, or live. UI thread.
#pragma once

#include "gui/model/record_filter.hpp"
#include "gui/model/settings.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/grid.hpp"
#include "gui/views/record_detail.hpp"
#include "gui/views/record_table.hpp"
#include "gui/views/topic_picker.hpp"
#include "gui/views/ui.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pinion::gui {

struct ConsumerState {
  std::vector<std::string> topics{};
  TopicPickerState picker{};
  std::string reader{};
  int start = 0;  ///< Of a reader without a position: oldest, newest.
  int period_s = 30;
  std::string period_text{};  ///< As it is being typed.
  std::string filter{};
  std::string filter_problem{};
  bool latest_of_key = false;
  FilteredRecords found{};
  std::uint64_t cleared = 0;
  GridState grid{.follows = true};
  RecordTable table{};
  bool filter_set = false;  ///< The remembered filter was taken over.
  bool paths_set = false;   ///< The remembered JSON columns were taken over.
  std::optional<std::uint64_t> chosen{};
  RecordDetailState detail{};
  bool detail_open = true;
  int seek = 0;
  std::string seek_offset{};
  std::string seek_from{};
  std::string seek_until{};
  std::string seek_problem{};
  ExportState to_file{};
};

void draw_consumer(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings);

}  // namespace pinion::gui
