// ClusterModel: what happened between two answers, as events.
#include "gui/model/cluster.hpp"

#include "gui/model/changes.hpp"

#include <map>
#include <utility>

namespace pinion::gui {
namespace {

/// What moved between two answers, as one line a topic and kind, however many partitions it were.
struct Summary {
  std::vector<std::int32_t> partitions{};
  std::string last{};
  Tone tone = Tone::normal;
};
using Summaries = std::map<std::pair<std::string, EventKind>, Summary>;

constexpr std::size_t partitions_named_max = 4;

std::string partitions_text(const std::string& topic, const std::vector<std::int32_t>& partitions) {
  if (partitions.size() > partitions_named_max) {
    return topic + ": " + std::to_string(partitions.size()) + " partitions";
  }
  std::string text = topic;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    text += (i == 0 ? "-" : ", ") + std::to_string(partitions[i]);
  }
  return text;
}

}  // namespace

void ClusterModel::note_changes(const Now& now, const ClusterView& before,
                                const ClusterView& after) {
  if (before.broker.started_at != after.broker.started_at) {
    add_event(now.wall, EventKind::broker_restarted, Tone::warning,
              "the leader broker was started again (controller epoch " +
                  std::to_string(after.broker.controller_epoch.raw()) + ")");
  }
  note_nodes(now, before, after);
  note_partitions(now, before, after);
  note_topics(now, before, after);
}

void ClusterModel::note_nodes(const Now& now, const ClusterView& before, const ClusterView& after) {
  for (const NodeRow& node : after.nodes) {
    const NodeRow* old = before.find_node(node.id);
    const std::string name = "node " + std::to_string(node.id.raw());
    if (old == nullptr) {
      add_event(now.wall, EventKind::node_joined, Tone::good, name + " joined at " + node.address);
      continue;
    }
    if (old->health != NodeHealth::lost && node.health == NodeHealth::lost) {
      add_event(now.wall, EventKind::node_lost, Tone::bad,
                name + " was lost: no heartbeat for " + format_duration(node.heard_ago));
    } else if (old->health == NodeHealth::lost && node.health == NodeHealth::alive) {
      add_event(now.wall, EventKind::node_joined, Tone::good, name + " is back");
    } else if (old->incarnation != node.incarnation) {
      add_event(now.wall, EventKind::node_restarted, Tone::warning, name + " was started again");
    }
    if (old->draining != node.draining) {
      add_event(now.wall, EventKind::node_draining, Tone::accent,
                name + (node.draining ? " is being drained" : " may hold partitions again"));
    }
    if (node.is_drained() && !old->is_drained()) {
      add_event(now.wall, EventKind::node_draining, Tone::good,
                name + " is drained: it holds nothing any more and may be stopped");
    }
  }
  for (const NodeRow& node : before.nodes) {
    if (after.find_node(node.id) != nullptr) continue;
    add_event(now.wall, EventKind::node_removed, Tone::warning,
              "node " + std::to_string(node.id.raw()) + " was removed");
  }
}

void ClusterModel::note_partitions(const Now& now, const ClusterView& before,
                                   const ClusterView& after) {
  std::map<std::pair<std::string_view, std::int32_t>, const PartitionRow*> old_rows;
  for (const PartitionRow& row : before.partitions) old_rows[{row.topic, row.partition}] = &row;
  Summaries summaries;
  for (const PartitionRow& row : after.partitions) {
    const auto at = old_rows.find({row.topic, row.partition});
    if (at == old_rows.end()) continue;
    const PartitionRow& old = *at->second;
    const auto note = [&](EventKind kind, Tone tone, std::string text) {
      Summary& summary = summaries[{row.topic, kind}];
      summary.partitions.push_back(row.partition);
      summary.last = std::move(text);
      summary.tone = tone;
    };
    if (old.state != row.state) {
      note(EventKind::partition_state, tone_of(row.state),
           "now " + std::string(name_of(row.state)) +
               (row.detail.empty() ? "" : " (" + row.detail + ")"));
    }
    if (old.leader != row.leader && row.leader != node_none && old.leader != node_none) {
      note(EventKind::leader_moved, Tone::accent,
           "led by node " + std::to_string(row.leader.raw()) + " since epoch " +
               std::to_string(row.epoch));
    }
    if (old.isr != row.isr) {
      note(EventKind::isr_changed, row.is_short() ? Tone::warning : Tone::good,
           "in sync: " + list_of(row.isr));
    }
    if (!old.is_moving() && row.is_moving()) {
      note(EventKind::replicas_moving, Tone::accent, "moving to " + list_of(row.target));
    } else if (old.is_moving() && !row.is_moving()) {
      note(EventKind::replicas_moved, Tone::good, "moved to " + list_of(row.replicas));
    }
  }
  for (auto& [key, summary] : summaries) {
    add_event(now.wall, key.second, summary.tone,
              partitions_text(key.first, summary.partitions) + " " + summary.last);
  }
}

void ClusterModel::note_topics(const Now& now, const ClusterView& before,
                               const ClusterView& after) {
  for (const TopicRow& topic : after.topics) {
    const TopicRow* old = before.find_topic(topic.name);
    if (old == nullptr || old->id != topic.id) {
      add_event(now.wall, EventKind::topic_created, Tone::accent,
                "topic " + topic.name + " was created with " + std::to_string(topic.partitions) +
                    (topic.partitions == 1 ? " partition" : " partitions"));
    } else if (!(old->config == topic.config)) {
      add_event(
          now.wall, EventKind::topic_altered, Tone::accent,
          "topic " + topic.name + " was altered: " + difference_text(old->config, topic.config));
    }
  }
  for (const TopicRow& topic : before.topics) {
    const TopicRow* now_there = after.find_topic(topic.name);
    if (now_there != nullptr && now_there->id == topic.id) continue;
    add_event(now.wall, EventKind::topic_deleted, Tone::warning,
              "topic " + topic.name + " was deleted");
  }
}

void ClusterModel::add_event(Micros wall, EventKind kind, Tone tone, std::string text) {
  events_.push_back({wall, kind, tone, std::move(text)});
  if (events_.size() > events_max) events_.pop_front();
  events_shown_.reset();
}

std::shared_ptr<const std::vector<ClusterEvent>> ClusterModel::events() const {
  if (!events_shown_) {
    events_shown_ =
        std::make_shared<const std::vector<ClusterEvent>>(events_.begin(), events_.end());
  }
  return events_shown_;
}

}  // namespace pinion::gui
