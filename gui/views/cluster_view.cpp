#include "gui/views/cluster_view.hpp"

#include "gui/views/imgui_versions.hpp"
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
  // Where there is no room for all three, the rail says where one is.
  const float right = ui.button_width("New topic\u2026");
  const float tabs = ui.choice_width(tab_names());
  if (ImGui::GetContentRegionAvail().x > tabs + right + ui.px(130)) {
    ui.title("Cluster");
    ImGui::SameLine(0, ui.px(20));
  }
  ui.choice("cluster.tab", tab_names(), state.tab);
  if (!ui.has_dialog && ImGui::GetIO().KeyAlt) {
    for (int i = 0; i < static_cast<int>(tab_names().size()); ++i) {
      if (letter_pressed(static_cast<char>('1' + i))) state.tab = i;
    }
  }
  settings.cluster_tab = state.tab;
  ui.beside(right);
  const float room = ImGui::GetContentRegionAvail().x;
  if (room > right) ImGui::SetCursorPosX(ImGui::GetCursorPosX() + room - right);
  ImGui::BeginDisabled(snapshot.connection.state != Connection::connected);
  if (ui.button("cluster.new_topic", "New topic\u2026", ButtonKind::primary)) {
    open_new_topic(snapshot, state.action);
  }
  ImGui::EndDisabled();
  draw_new_topic(ui, snapshot, state.action);
  draw_alter_topic(ui, snapshot, state.action);
  draw_delete_topic(ui, snapshot, state.action);
  draw_outcome(ui, "cluster.topic_action", snapshot.topic_action, state.action.began);
  if (!snapshot.cluster) {
    ui.begin_card("cluster.unknown", {0, 0});
    ui.empty_state("Nothing is known yet",
                   "The cluster appears here as soon as its leader broker has answered.");
    ui.end_card();
    return;
  }
  draw_node_action(ui, snapshot, state.node_action);
  ui.begin_fade(is_stale(ui, snapshot));
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
  ui.end_fade();
}

}  // namespace pinion::gui
