// The parts of the consumer panel, each in a file of its own: what is read and how, and what of it
// is shown. UI thread.
#pragma once

#include "gui/views/consumer_view.hpp"

namespace pinion::gui {

/// What is read, under which name.
void draw_setup(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings);
/// When it is read, and from where.
void draw_modes(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings);

void set_filter(ConsumerState& state);
/// Why an export would be a part of what it seems to be; empty when it would be whole.
[[nodiscard]] std::string search_text(const ConsumerState& state, const LogView& records);
void draw_record_filter(Ui& ui, const Snapshot& snapshot, ConsumerState& state, Settings& settings);

}  // namespace pinion::gui
