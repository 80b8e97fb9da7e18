#include "gui/views/filtered_table.hpp"

#include "gui/model/format.hpp"

#include <algorithm>

namespace pinion::gui {

void sort_rows(SortedRows& sorted, const GridState& grid, const std::string& filter, Micros of,
               std::size_t count, const std::function<bool(std::uint32_t)>& keep,
               const std::function<bool(std::uint32_t, std::uint32_t, int)>& less) {
  if (sorted.of == of && sorted.sort == grid.sort && sorted.descending == grid.descending &&
      sorted.filter == filter) {
    return;
  }
  sorted.of = of;
  sorted.sort = grid.sort;
  sorted.descending = grid.descending;
  sorted.filter = filter;
  sorted.rows.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (keep(i)) sorted.rows.push_back(i);
  }
  if (grid.sort < 0) return;
  std::stable_sort(sorted.rows.begin(), sorted.rows.end(), [&](std::uint32_t a, std::uint32_t b) {
    return grid.descending ? less(b, a, grid.sort) : less(a, b, grid.sort);
  });
}

void draw_filter(Ui& ui, const char* name, std::string& filter, const char* hint) {
  if (ui.ctrl_pressed('F')) ImGui::SetKeyboardFocusHere();
  const float width = std::min(ui.px(320), ImGui::GetContentRegionAvail().x);
  ui.input(name, filter, hint, width);
}

bool draw_no_match(Ui& ui, const char* name, bool none, std::string& filter) {
  if (!none) return false;
  ui.begin_card(name, {0, 0});
  const std::string clear = std::string(name) + ".clear";
  if (ui.button(clear.c_str(), "Clear the filter")) filter.clear();
  ui.empty_state("Nothing matches", "\u201c" + cut_text(filter, 60) + "\u201d is in none of them.");
  ui.describe(name, "Nothing matches");
  ui.end_card();
  return true;
}

}  // namespace pinion::gui
