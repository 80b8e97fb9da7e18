// What a person is about to change in a cluster, in words, before it is done: what it does, what is
// lost by it, or why it cannot be. Topics (made and altered) and nodes (drained, kept, removed,
// rebalanced). Pure.
#pragma once

#include "common/base/result.hpp"
#include "common/proto/messages.hpp"
#include "gui/model/cluster.hpp"
#include "gui/model/format.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::gui {

/// "7 d", "36 h", "90 min", "30 s", "250 ms", in milliseconds; empty is 0: for ever.
[[nodiscard]] Result<std::int64_t> parse_kept_for(std::string_view text);
[[nodiscard]] std::string kept_for_text(std::int64_t ms);
/// "512 MiB", "10 GiB", "1000 B", in bytes; empty is 0: all.
[[nodiscard]] Result<std::int64_t> parse_kept_size(std::string_view text);
[[nodiscard]] std::string kept_size_text(std::int64_t bytes);

/// A topic's configuration as a person edits it.
struct TopicForm {
  std::string name{};
  int partitions = 3;
  int replication = 1;
  int min_insync = 0;  ///< 0: the majority.
  std::string kept_for{};
  std::string kept_size{};
  bool unclean = false;
};
[[nodiscard]] TopicForm form_of(const std::string& name, const TopicConfig& config);
/// `invalid_argument` says which field is wrong.
[[nodiscard]] Result<TopicConfig> config_of(const TopicForm& form);

/// For a topic that is made: three, or as many as there are nodes.
[[nodiscard]] int usual_replication(const ClusterView& cluster);

struct PlannedLine {
  std::string text{};
  Tone tone = Tone::normal;
};

/// `problem` says why it cannot be done; without one and without lines nothing is different.
struct TopicPlan {
  AlterTopic change{};
  std::vector<PlannedLine> lines{};
  std::string problem{};
};
[[nodiscard]] TopicPlan plan_topic(const ClusterView& cluster, const TopicRow& topic,
                                   const TopicForm& form);

struct NodePlan {
  std::string title{};   ///< "Drain node 2?"
  std::string action{};  ///< What the button says.
  std::vector<PlannedLine> lines{};
  std::string problem{};
};
[[nodiscard]] NodePlan plan_node(const ClusterView& cluster, NodeId node, NodeCommand command);

/// How many of a node's replicas no other node could take, and that are not on their way.
[[nodiscard]] std::uint32_t stuck_replicas(const ClusterView& cluster, NodeId node);

/// How far a drain is, in words and as a share of what the node held. What is stale is said of
/// then, and that a node may be stopped is not said at all: it may hold something again.
struct DrainProgress {
  std::string text{};
  Tone tone = Tone::muted;
  float share = 0;
};
[[nodiscard]] DrainProgress drain_progress(const NodeRow& node, Freshness freshness);

/// How something ended that was asked for.
struct Outcome {
  std::string text{};
  bool wants_attention = false;  ///< It was accepted, and will not end by itself.
};
/// After the broker took the command, and said how many partitions it moves now. What is known of
/// the cluster is of before.
[[nodiscard]] Outcome drain_outcome(const ClusterView* cluster, NodeId node, std::uint32_t moves,
                                    Freshness freshness);

/// "partitions 3 to 6, replicas 1 to 2".
[[nodiscard]] std::string difference_text(const TopicConfig& before, const TopicConfig& after);

}  // namespace pinion::gui
