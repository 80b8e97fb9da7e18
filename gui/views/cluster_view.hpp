// The cluster panel: how it is (overview.cpp), its nodes, topics, partitions and readers as tables
// (cluster_tables.cpp), which node holds what (cluster_map.cpp), and topics made and deleted
// (topic_actions.cpp). UI thread.
#pragma once

#include "gui/model/settings.hpp"
#include "gui/model/snapshot.hpp"
#include "gui/views/chart.hpp"
#include "gui/views/grid.hpp"
#include "gui/views/ui.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pinion::gui {

struct TopicActionState {
  std::string name{};
  int partitions = 3;
  int replication = 1;
  std::string retention_hours{};
  std::string retention_mib{};
  std::string doomed{};   ///< The topic that a deletion is being confirmed of.
  std::string confirm{};  ///< What was typed.
  bool open_delete = false;
  std::string problem{};
  std::uint64_t began = 0;
};

/// A table's rows in the order that they are shown in; made anew when something changed.
struct SortedRows {
  std::vector<std::uint32_t> rows{};
  Micros of{-1};  ///< ClusterView::answered_at.
  int sort = -2;
  bool descending = false;
  std::string filter{};
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
  std::optional<std::uint32_t> partition{};  ///< The chosen row of ClusterView::partitions.
  TopicActionState action{};
  std::string map_topic{};
};

void draw_cluster(Ui& ui, const Snapshot& snapshot, ClusterState& state, Settings& settings);

// The parts, each in a file of its own.
void draw_overview(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_nodes(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_topics(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_partitions(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_readers(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_map(Ui& ui, const Snapshot& snapshot, ClusterState& state);
void draw_events(Ui& ui, const Snapshot& snapshot, ClusterState& state, ImVec2 size);
void draw_new_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state);
void draw_delete_topic(Ui& ui, const Snapshot& snapshot, TopicActionState& state);

}  // namespace pinion::gui
