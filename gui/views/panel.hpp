// What all panels share: the line that says when what is shown
// is not what is. UI thread.
#pragma once

#include "gui/model/changes.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/ui.hpp"

#include <string>
#include <vector>

namespace pinion::gui {

/// How old the cluster's numbers are; nothing when there are none.
[[nodiscard]] std::optional<Micros> age_of(const Ui& ui, const Snapshot& snapshot);
[[nodiscard]] bool is_stale(const Ui& ui, const Snapshot& snapshot);
/// Above the panel while the connection is not well.
void draw_connection_notice(Ui& ui, const Snapshot& snapshot);
/// The title of a panel, and what it is for.
void draw_panel_title(Ui& ui, std::string_view title, std::string_view text);

/// How an action ended, where it was taken, until it is put away: `began` is its number.
void draw_outcome(Ui& ui, const char* name, const ActionResult& action, std::uint64_t& began);

/// What a confirmation says: what will happen, or why it cannot.
void draw_plan(Ui& ui, const char* name, const std::vector<PlannedLine>& lines,
               const std::string& problem);

}  // namespace pinion::gui
