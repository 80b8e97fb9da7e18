// The question before something is done to a node, and how it ended. What it says comes from
// gui/model/changes.hpp, anew with each answer of the broker: what is true may change while a
// person reads.
#include "gui/views/cluster_view.hpp"

#include "gui/model/changes.hpp"
#include "gui/views/panel.hpp"

namespace pinion::gui {
namespace {

const NodePlan& plan_of(const std::shared_ptr<const ClusterView>& cluster, NodeActionState& state) {
  if (state.planned_of != cluster || state.planned_command != state.command ||
      state.planned_node != state.node) {
    state.planned_of = cluster;
    state.planned_command = state.command;
    state.planned_node = state.node;
    state.plan = plan_node(*cluster, state.node, state.command);
  }
  return state.plan;
}

}  // namespace

// Outside of what is dimmed when it is stale.
void draw_node_action(Ui& ui, const Snapshot& snapshot, NodeActionState& state) {
  const ActionResult& action = snapshot.node_action;
  draw_outcome(ui, "nodes.action", action, state.began);
  constexpr const char* id = "node action";
  if (state.open) ImGui::OpenPopup(id);
  state.open = false;
  if (!ui.begin_dialog(id, 480)) return;
  const NodePlan& plan = plan_of(snapshot.cluster, state);
  ui.title(plan.title);
  draw_plan(ui, "node.plan", plan.lines, plan.problem);
  const bool ready = plan.problem.empty() && snapshot.connection.state == Connection::connected;
  const bool danger = state.command == NodeCommand::remove;
  // Keys begin at the first button: where something is gone by the answer, that is the way out.
  bool cancelled = Ui::escape_pressed();
  if (danger) {
    cancelled = ui.button("node.cancel", "Cancel") || cancelled;
    ImGui::SameLine();
  }
  ImGui::BeginDisabled(!ready);
  const bool pressed =
      ui.button("node.go", plan.action, danger ? ButtonKind::danger : ButtonKind::primary);
  ImGui::EndDisabled();
  if (!danger) {
    ImGui::SameLine();
    cancelled = ui.button("node.cancel", "Cancel") || cancelled;
  }
  // Enter does what the first button does, unless something is gone by it.
  if (ready && (pressed || (!danger && ui.enter_confirms()))) {
    state.began = action.number + 1;
    ui.commands.emplace_back(ChangeNode{state.command, state.node});
    ImGui::CloseCurrentPopup();
  }
  if (cancelled) ImGui::CloseCurrentPopup();
  ui.end_dialog();
}

}  // namespace pinion::gui
