// What the cluster's tables share: rows in the order that they are shown in, the field that filters
// them, and what stands where none is left. UI thread.
#pragma once

#include "gui/views/cluster_view.hpp"

#include <functional>
#include <string>

namespace pinion::gui {

/// Sorts and filters when the rows, the order or the filter changed.
void sort_rows(SortedRows& sorted, const GridState& grid, const std::string& filter, Micros of,
               std::size_t count, const std::function<bool(std::uint32_t)>& keep,
               const std::function<bool(std::uint32_t, std::uint32_t, int)>& less);
void draw_filter(Ui& ui, const char* name, std::string& filter, const char* hint);
/// Instead of a table that would be empty.
bool draw_no_match(Ui& ui, const char* name, bool none, std::string& filter);

}  // namespace pinion::gui
