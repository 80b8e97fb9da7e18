// What tables of records share: their columns (also from JSON paths), how a cell is filled,
// exporting what is shown, and times as people write them. UI thread.
#pragma once

#include "common/base/result.hpp"
#include "gui/model/json.hpp"
#include "gui/model/record_log.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/grid.hpp"
#include "gui/views/ui.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pinion::gui {

/// Where to export to; the same in every panel.
struct ExportState {
  std::string path{};
  std::string asked_path{};  ///< Of the last one: what is asked then, is asked of that file.
  int format = 0;
  std::uint64_t began = 0;  ///< The action's number that this panel began.
};

/// The popup of an "Export" button, which the caller draws. `make` says what is exported; `wait`,
/// while it is not empty, why nothing can be yet.
void draw_export(Ui& ui, const Snapshot& snapshot, const char* name, ExportState& state,
                 const std::string& wait, const std::function<ExportRows()>& make);

/// A time as people write it ("-15m", "2026-11-21T09:30", in the local zone when none is named).
[[nodiscard]] Result<Micros> time_from(const std::string& text, Micros wall_now);

/// One of: time, topic, partition, offset, key, size, value.
void fill_record_cell(const RecordRow& row, std::size_t column, GridCell& cell);
/// The same, but keys and values whole: base64 where they are no text.
[[nodiscard]] std::string copy_record_cell(const RecordRow& row, std::size_t column);

/// Those columns, the topic only where it differs, and values of JSON paths between key and size.
class RecordTable {
 public:
  enum class WithTopic : std::uint8_t { no, yes };
  /// ".user.name, .items[0].price". False: `problem()` says why, and nothing was changed.
  bool set_paths(const std::string& text);
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] const std::vector<GridColumn>& columns(WithTopic with_topic);
  void fill(const RecordRow& row, std::size_t column, GridCell& cell);
  /// All of what fill() shows a part of.
  [[nodiscard]] std::string copy(const RecordRow& row, std::size_t column);

 private:
  const JsonNode* find_value(const RecordRow& row, std::size_t path);

  std::vector<std::string> names_;
  std::vector<std::vector<JsonStep>> paths_;
  std::string problem_;
  std::vector<GridColumn> columns_;
  WithTopic with_topic_ = WithTopic::yes;
  // The value that was parsed last: the cells of a row are filled one after the other.
  const char* parsed_ = nullptr;
  std::int64_t parsed_offset_ = -1;
  JsonNodes nodes_;
};

}  // namespace pinion::gui
