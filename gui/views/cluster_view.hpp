// The cluster panel: how it is (overview.cpp), its nodes, topics, partitions and readers (a file
// each), which node holds what (cluster_map.cpp), and what is done to topics (topic_actions.cpp)
// and nodes (node_actions.cpp). UI thread.
#pragma once

#include "gui/model/changes.hpp"
#include "gui/model/settings.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/chart.hpp"
#include "gui/views/grid.hpp"
#include "gui/views/ui.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion::gui {

struct TopicActionState {
  TopicForm fresh{};       ///< Of a topic that is to be made.
  std::string altered{};   ///< The topic that is being altered, and
  TopicForm alteration{};  ///< what it is to be.
  bool open_alter = false;
  std::string doomed{};          ///< The topic that a deletion is being confirmed of.
  std::string confirm{};         ///< What was typed.
  bool confirm_problem = false;  ///< It was entered, and is not the name.
  bool confirm_again = false;    ///< The field takes the keyboard back.
  bool open_delete = false;
  std::string problem{};
  bool making = false;     ///< The form of a fresh one waits for what becomes of it.
  std::uint64_t made = 0;  ///< The action's number that makes it; `began` may be another's since.
  std::uint64_t began = 0;
};

struct NodeActionState {
  NodeCommand command = NodeCommand::drain;
  NodeId node = node_none;
  bool open = false;
  std::uint64_t began = 0;
  // What it would do, as of one answer of the broker; made anew with the next.
  std::shared_ptr<const ClusterView> planned_of{};
  NodeCommand planned_command = NodeCommand::drain;
  NodeId planned_node = node_none;
  NodePlan plan{};
};

/// A table's rows in the order that they are shown in; made anew when something changed.
struct SortedRows {
  std::vector<std::uint32_t> rows{};
  Micros of{-1};  ///< ClusterView::answered_at.
  int sort = -2;
  bool descending = false;
  std::string filter{};
};

/// Where each topic's row of the map begins; made anew when something changed.
struct MapState {
  Micros of{-1};  ///< ClusterView::answered_at.
  float width = 0;
  float scale = 0;
  bool homeless = false;      ///< Some replica is on no node that is known: a column more.
  std::vector<float> tops{};  ///< Below the first one's; one more than topics.
};

struct ClusterState {
  int tab = 0;
  ChartState chart{};
  GridState nodes{};
  GridState topics{};
  GridState partitions{};
  GridState readers{};
  GridState events{};
  SortedRows topic_rows{};
  SortedRows partition_rows{};
  SortedRows reader_rows{};
  std::string topic_filter{};
  std::string partition_filter{};
  std::string reader_filter{};
  // What is chosen, by what it is: rows move while numbers are sorted by.
  std::optional<NodeId> node{};
  std::optional<std::string> topic{};
  std::optional<std::pair<std::string, std::int32_t>> partition{};
  TopicActionState action{};
  NodeActionState node_action{};
  MapState map{};
};

void draw_cluster(Ui& ui, const Snapshot& snapshot, ClusterState& state, Settings& settings);

/// Around draw_grid: the row of `chosen`, wherever it is now; then what was chosen.
template <typename Key, typename IsRow>
void find_chosen(const std::optional<Key>& chosen, GridState& grid, std::size_t rows,
                 const IsRow& is_row) {
  if (!chosen) return;
  const auto at = static_cast<std::size_t>(grid.selected);
  if (grid.selected >= 0 && at < rows && is_row(at, *chosen)) return;
  grid.selected = -1;
  for (std::size_t i = 0; i < rows && grid.selected < 0; ++i) {
    if (is_row(i, *chosen)) grid.selected = static_cast<std::int64_t>(i);
  }
}
template <typename Key, typename KeyOf>
void keep_chosen(std::optional<Key>& chosen, const GridState& grid, const GridResult& result,
                 std::size_t rows, const KeyOf& key_of) {
  const auto at = static_cast<std::size_t>(grid.selected);
  if (grid.selected < 0 || at >= rows) return;
  if (!chosen || result.selection_changed) chosen = key_of(at);
}

// The parts, each in a file of its own.
void draw_overview(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_nodes(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_topics(Ui& ui, const Snapshot& snapshot, ClusterState& state, Settings& settings);
void draw_partitions(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_readers(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_map(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_events(Ui& ui, const Snapshot& snapshot, ClusterState& state, ImVec2 size);
/// The button that opens it is the caller's.
void open_new_topic(const Snapshot& snapshot, TopicActionState& state);
void draw_new_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state);
void draw_delete_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state);
void draw_alter_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state);
void draw_node_action(Ui& ui, const Snapshot& snapshot, NodeActionState& state);

}  // namespace pinion::gui
