// The topic that is sent to, and the form of one that is to be made.
#include "gui/views/producer_parts.hpp"

#include "gui/views/panel.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gui {
namespace {

constexpr const char* new_topic_id = "new topic";

/// Each frame, whether the form is there or not. True: the topic that the form waits for is made.
bool settle_new_topic(const ActionResult& action, ProducerState& state) {
  const bool begun = action.number >= state.made;
  const bool goes_on = action.number == state.made && action.running;
  if (!state.creating || !begun || goes_on) return false;
  state.creating = false;
  if (action.number != state.made) return false;  // How it ended was said, and is past.
  if (action.ok) {
    state.topic = std::exchange(state.new_topic, {});
    return true;
  }
  // Said where the form is; without it, beside the button that sends.
  if (ImGui::IsPopupOpen(new_topic_id)) {
    state.new_problem = action.text;
    state.created = 0;
  }
  return false;
}

/// Open until the topic is there, so that a name that is refused can be mended.
void draw_new_topic(Ui& ui, const Snapshot& snapshot, ProducerState& state) {
  const ActionResult& action = snapshot.topic_action;
  const bool made = settle_new_topic(action, state);
  ImGui::SetNextWindowSize({ui.px(360), 0});
  if (!ImGui::BeginPopup(new_topic_id)) return;
  if (made) ImGui::CloseCurrentPopup();
  ui.strong("New topic");
  if (ImGui::IsWindowAppearing()) ImGui::SetKeyboardFocusHere();
  const bool entered = ui.input("produce.new_name", state.new_topic, "Name", -1,
                                ImGuiInputTextFlags_EnterReturnsTrue);
  ImGui::SetNextItemWidth(ui.px(120));
  ImGui::InputInt("partitions", &state.new_partitions);
  ui.describe("produce.new_partitions", std::to_string(state.new_partitions));
  state.new_partitions = std::clamp(state.new_partitions, 1, 10'000);
  const bool goes_on = state.creating && action.number == state.made;
  ui.notice("produce.new_problem", goes_on ? action.text : state.new_problem,
            goes_on ? Tone::muted : Tone::bad);
  ImGui::BeginDisabled(state.creating);
  const bool pressed = ui.button("produce.create", "Create", ButtonKind::primary);
  ImGui::EndDisabled();
  if ((entered || pressed) && !state.new_topic.empty() && !state.creating) {
    MakeTopic command;
    command.name = state.new_topic;
    command.config.partitions = state.new_partitions;
    command.config.replication = 0;  // As the cluster does by itself.
    state.created = state.made = action.number + 1;
    state.creating = true;
    state.new_problem.clear();
    ui.commands.emplace_back(std::move(command));
  }
  ImGui::EndPopup();
}

}  // namespace

void draw_send_topic(Ui& ui, const Snapshot& snapshot, ProducerState& state, Settings& settings) {
  const float new_width = ui.button_width("New topic\u2026");
  ui.label("Topic");
  ImGui::SameLine(ui.px(84));
  pick_topic(ui, "produce.topic", state.topic, snapshot, settings, state.picker,
             ImGui::GetContentRegionAvail().x - new_width - ui.px(8));
  ImGui::SameLine();
  if (ui.button("produce.new_topic", "New topic\u2026")) {
    state.creating = false;  // What was asked for before is said below when it ends.
    state.new_problem.clear();
    ImGui::OpenPopup(new_topic_id);
  }
  draw_new_topic(ui, snapshot, state);
}

}  // namespace pinion::gui
