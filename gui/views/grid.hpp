// Grid: a table of any number of rows, of which only those in sight are asked for. Rows are counted
// in whole numbers and the place in them is a double, so that ten million rows scroll as smoothly
// as ten (ImGui's own tables place rows by 32-bit floats). UI thread.
#pragma once

#include <imgui.h>

#include "gui/model/format.hpp"
#include "gui/views/ui.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace pinion::gui {

struct GridColumn {
  std::string title{};
  float width = 40;    ///< At least, at scale 1; a last column of text takes what is left.
  bool right = false;  ///< Numbers.
  bool mono = false;
  bool sorts = false;
  const char* sample = "";  ///< A text that should fit.
};

struct GridCell {
  std::string text{};
  Tone tone = Tone::normal;
  bool strong = false;
};

struct GridState {
  double top = 0;  ///< The row at the upper edge, and its part that is above it.
  float left = 0;  ///< What is scrolled out at the left, at scale 1, when columns do not fit.
  std::int64_t selected = -1;
  int column = 0;        ///< Of the selected row: the cell that is copied.
  bool follows = false;  ///< Stays at the last row while rows are added.
  int sort = -1;
  bool descending = false;
  std::map<std::string, float> widths{};  ///< At scale 1, of the columns that a person dragged.
  std::uint64_t base = 0;                 ///< GridSource::base of the last frame.
  bool dragging_bar = false;
  bool dragging_columns_bar = false;
  float drag_from = 0;
  double drag_top = 0;
  int dragging_column = -1;
};

struct GridSource {
  std::size_t rows = 0;
  /// Of row 0: grows when rows are dropped at the front, so that the others stay where they are.
  std::uint64_t base = 0;
  /// Fills one cell, which comes empty.
  std::function<void(std::size_t row, std::size_t column, GridCell& cell)> cell{};
  /// All of a cell's text, where the cell shows a part of it.
  std::function<std::string(std::size_t row, std::size_t column)> copy{};
};

struct GridResult {
  bool selection_changed = false;
  bool activated = false;  ///< Double click or Enter.
  bool sort_changed = false;
  bool wants_older = false;  ///< Scrolled against the first row.
  bool wants_newer = false;  ///< Or the last.
  std::size_t seen = 0;      ///< The rows in sight: [seen, seen_end).
  std::size_t seen_end = 0;
  std::int64_t hovered = -1;
  std::int64_t hovered_column = -1;
};

/// What a column is, so that its width stays its own when others come and go: its title, and which
/// one it is of those with that title.
[[nodiscard]] std::string column_key(const std::vector<GridColumn>& columns, std::size_t index);

/// Keys, once it has the focus: arrows choose a cell, Ctrl+C copies it, S sorts by its column,
/// Enter opens the row. A right click has a menu. With a size of 0 it takes the room that there is.
GridResult draw_grid(Ui& ui, const char* name, ImVec2 size, const std::vector<GridColumn>& columns,
                     GridState& state, const GridSource& source);

}  // namespace pinion::gui
