// The browse panel: any partition from any place, without touching a reader's position. UI thread.
#pragma once

#include "gui/model/settings.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/record_table.hpp"
#include "gui/views/grid.hpp"
#include "gui/views/record_detail.hpp"
#include "gui/views/topic_picker.hpp"
#include "gui/views/ui.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace pinion::gui {

struct BrowseState {
  std::string topic{};
  TopicPickerState picker{};
  std::string partition = "0";
  int place = 1;  ///< Oldest, newest, offset, time.
  std::string offset{};
  std::string time{};
  std::string problem{};
  std::uint64_t number = 0;  ///< BrowseView::number that is shown.
  std::uint64_t placed = 0;  ///< The one that the table was scrolled to the place of.
  GridState grid{};
  std::optional<std::uint64_t> chosen{};
  RecordDetailState detail{};
  ExportState to_file{};
};

/// Shows what was asked for elsewhere.
void set_browse(BrowseState& state, const BrowsePartition& command);
void draw_browse(Ui& ui, const Snapshot& snapshot, BrowseState& state, Settings& settings);

}  // namespace pinion::gui
