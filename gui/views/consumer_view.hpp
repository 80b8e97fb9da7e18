// The consumer panel: everything that one named reader has consumed, refreshed every thirty
// seconds, or live. UI thread.
#pragma once

#include "gui/model/record_filter.hpp"
#include "gui/model/settings.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/grid.hpp"
#include "gui/views/record_detail.hpp"
#include "gui/views/ui.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pinion::gui {

/// Where to export to; the same in every panel.
struct ExportState {
  std::string path{};
  int format = 0;
  std::uint64_t began = 0;  ///< The action's number that this panel began.
};

struct ConsumerState {
  std::vector<std::string> topics{};
  std::string reader{};
  int start = 0;  ///< Of a reader without a position: oldest, newest.
  int period_s = 30;
  std::string filter{};
  std::string filter_problem{};
  FilteredRecords found{};
  std::uint64_t cleared = 0;
  GridState grid{.follows = true};
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

/// The popup of an "Export" button, which the caller draws. `make` fills in what is exported.
void draw_export(Ui& ui, const Snapshot& snapshot, const char* name, ExportState& state,
                 const std::function<ExportRows()>& make);

/// A time as people write it ("-15m", "2026-11-21T09:30", in the local zone when none is named).
[[nodiscard]] Result<Micros> time_from(const std::string& text, Micros wall_now);

/// The columns of a table of records, and one of its cells.
[[nodiscard]] const std::vector<GridColumn>& record_columns();
void fill_record_cell(const RecordRow& row, std::size_t column, GridCell& cell);

}  // namespace pinion::gui
