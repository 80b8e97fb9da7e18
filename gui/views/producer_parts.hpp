// The parts of the producer panel, each in a file of its own: what is to be sent, and what became
// of what was. UI thread.
#pragma once

#include "gui/views/producer_view.hpp"

namespace pinion::gui {

[[nodiscard]] Draft draft_of(const ProducerState& state);
/// What was wrong may be right once something else is written.
void forget_problem(ProducerState& state);
void say_problem(ProducerState& state, std::string problem);
[[nodiscard]] std::string json_problem(const Error& error);
/// Sends, or says why not.
void send(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings);

/// The topic, and the form of one that is to be made.
void draw_send_topic(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings);
void draw_form(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings,
               ImVec2 size);
void draw_send_history(Ui& ui, const Snapshot& snapshot, ProducerState& state, ImVec2 size);

}  // namespace pinion::gui
