// The SQL panel: statements over the live log, with their history, results and errors. UI thread.
#pragma once

#include "gui/model/settings.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/record_table.hpp"
#include "gui/views/grid.hpp"
#include "gui/views/topic_picker.hpp"
#include "gui/views/ui.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pinion::gui {

struct SqlState {
  std::string topic{};
  TopicPickerState picker{};
  std::string partition{};  ///< Empty: all.
  std::string sql = "select * from readable order by offset desc limit 100";
  std::uint64_t shown = 0;  ///< QueryView::number that the table is set up for.
  std::shared_ptr<const QueryView> columns_of{};
  std::vector<GridColumn> columns{};  ///< Of that result; made anew with the next.
  GridState grid{};
  ExportState to_file{};
};

void draw_sql(Ui& ui, const Snapshot& snapshot, SqlState& state, Settings& settings);

}  // namespace pinion::gui
