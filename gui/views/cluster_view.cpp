#include "gui/views/cluster_view.hpp"

#include "gui/views/panel.hpp"

namespace pinion::gui {
namespace {

enum Tab : int { overview, nodes, topics, partitions, readers, map };

const std::vector<std::string>& tab_names() {
  static const std::vector<std::string> names{"Overview",   "Nodes",   "Topics",
                                              "Partitions", "Readers", "Map"};
  return names;
}

}  // namespace

void draw_cluster(Ui& ui, const Snapshot& snapshot, ClusterState& state, Settings& settings) {
  ui.title("Cluster");
  ImGui::SameLine(0, ui.px(20));
  ui.choice("cluster.tab", tab_names(), state.tab);
  const float right = ui.button_width("New topic\u2026");
  ImGui::SameLine(ImGui::GetContentRegionMax().x - right);
  ImGui::BeginDisabled(snapshot.connection.state != Connection::connected);
  if (ui.button("cluster.new_topic", "New topic\u2026", ButtonKind::primary)) {
    open_new_topic(snapshot, state.action);
  }
  ImGui::EndDisabled();
  draw_new_topic(ui, snapshot, state.action);
  draw_alter_topic(ui, snapshot, state.action);
  draw_delete_topic(ui, snapshot, state.action);
  const ActionResult& action = snapshot.topic_action;
  if (state.action.began > 0 && action.number == state.action.began) {
    ui.notice("cluster.topic_action", action.text,
              action.running ? Tone::muted : (action.ok ? Tone::good : Tone::bad));
  }
  if (!snapshot.cluster) {
    ui.begin_card("cluster.unknown", {0, 0});
    ui.empty_state("Nothing is known yet",
                   "The cluster appears here as soon as its leader broker has answered.");
    ui.end_card();
    return;
  }
  draw_node_action(ui, snapshot, state.node_action);
  const bool stale = is_stale(ui, snapshot);
  if (stale) ImGui::PushStyleVar(ImGuiStyleVar_Alpha, 0.55F);
  switch (state.tab) {
    case overview:
      draw_overview(ui, snapshot, state);
      break;
    case nodes:
      draw_nodes(ui, snapshot, state);
      break;
    case topics:
      draw_topics(ui, snapshot, state, settings);
      break;
    case partitions:
      draw_partitions(ui, snapshot, state);
      break;
    case readers:
      draw_readers(ui, snapshot, state);
      break;
    default:
      draw_map(ui, snapshot, state);
      break;
  }
  if (stale) ImGui::PopStyleVar();
}

}  // namespace pinion::gui
