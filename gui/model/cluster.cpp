#include "gui/model/cluster.hpp"

#include "common/proto/topic_rules.hpp"
#include "gui/model/changes.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace pinion::gui {
namespace {

double rate_of(std::uint64_t before, std::uint64_t after, Micros elapsed) {
  if (after < before || elapsed <= Micros{0}) return 0;  // A counter that began again.
  return static_cast<double>(after - before) * 1e6 / static_cast<double>(elapsed.count());
}

/// The leader is no follower of its own; a status from an older epoch may still name it.
void put_followers(Micros broker_now, const PartitionStatus& said, PartitionRow& row) {
  for (const FollowerStatus& status : said.followers) {
    if (status.node == row.leader) continue;
    FollowerRow follower{status.node, status.in_sync, {}, {}};
    if (status.durable_end >= Offset(0)) {
      follower.behind = std::max<std::int64_t>(0, said.log_end.raw() - status.durable_end.raw());
    }
    if (status.behind_since > Micros{0}) {
      follower.behind_for = std::max(Micros{0}, broker_now - status.behind_since);
    }
    row.followers.push_back(follower);
  }
}

CommitTimes commit_times(const ClusterView& view) {
  CommitTimes times;
  for (const NodeRow& node : view.nodes) {
    if (node.health != NodeHealth::alive || node.load.commits == 0) continue;
    // A node tells how long its last commits took for as long as there are no newer ones.
    const bool now = node.commits_per_s.value_or(0) > 0;
    if (times.now && !now) continue;
    if (now && !times.now) times = {.now = true};
    times.known = true;
    times.p50_us = std::max(times.p50_us, node.load.commit_p50_us);
    times.p99_us = std::max(times.p99_us, node.load.commit_p99_us);
  }
  return times;
}

std::string place_of(const NodeStatus& node) {
  if (node.region.empty()) return node.rack;
  return node.rack.empty() ? node.region : node.region + " / " + node.rack;
}

}  // namespace

std::string_view name_of(PartitionState state) {
  switch (state) {
    case PartitionState::offline:
      return "offline";
    case PartitionState::opening:
      return "opening";
    case PartitionState::online:
      return "online";
    case PartitionState::storage_full:
      return "storage full";
    case PartitionState::halted:
      return "halted";
  }
  return "unknown";
}

Tone tone_of(PartitionState state) {
  switch (state) {
    case PartitionState::online:
      return Tone::good;
    case PartitionState::opening:
    case PartitionState::storage_full:
      return Tone::warning;
    case PartitionState::offline:
    case PartitionState::halted:
      return Tone::bad;
  }
  return Tone::muted;
}

std::string_view name_of(NodeHealth health) {
  switch (health) {
    case NodeHealth::lost:
      return "lost";
    case NodeHealth::alive:
      return "alive";
    case NodeHealth::stopping:
      return "stopping";
  }
  return "unknown";
}

Tone tone_of(NodeHealth health) {
  switch (health) {
    case NodeHealth::alive:
      return Tone::good;
    case NodeHealth::stopping:
      return Tone::warning;
    case NodeHealth::lost:
      return Tone::bad;
  }
  return Tone::muted;
}

std::string list_of(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) text += (text.empty() ? "" : ", ") + std::to_string(node.raw());
  return text.empty() ? "none" : text;
}

std::optional<std::int64_t> PartitionRow::behind_max() const {
  std::optional<std::int64_t> most;
  for (const FollowerRow& follower : followers) {
    if (follower.behind) most = std::max(most.value_or(0), *follower.behind);
  }
  return most;
}

const NodeRow* ClusterView::find_node(NodeId id) const {
  const auto at =
      std::find_if(nodes.begin(), nodes.end(), [&](const NodeRow& row) { return row.id == id; });
  return at == nodes.end() ? nullptr : &*at;
}

const TopicRow* ClusterView::find_topic(std::string_view name) const {
  const auto at =
      std::lower_bound(topics.begin(), topics.end(), name,
                       [](const TopicRow& row, std::string_view n) { return row.name < n; });
  return at != topics.end() && at->name == name ? &*at : nullptr;
}

void ClusterModel::on_connection(const Now& now, bool connected, const std::string& detail) {
  if (connected_ == connected) return;
  const bool first = !connected_.has_value();
  connected_ = connected;
  if (connected) {
    add_event(now.wall, EventKind::connected, Tone::good, "connected to " + detail);
  } else if (!first) {
    add_event(now.wall, EventKind::disconnected, Tone::bad, detail);
  }
}

void ClusterModel::on_status(const Now& now, ClusterStatusReply&& reply) {
  auto view = std::make_shared<ClusterView>();
  view->answered_at = now.monotonic;
  view->broker = reply.broker;
  view->consumers = reply.consumers.size();
  view->producers = reply.producers.size();
  put_nodes(reply, *view);
  put_partitions(now, reply, *view);
  put_summary(*view);
  put_history(now, *view);
  if (view_) note_changes(now, *view_, *view);
  view_ = std::move(view);
}

void ClusterModel::put_nodes(const ClusterStatusReply& reply, ClusterView& view) {
  for (const NodeStatus& node : reply.nodes) {
    NodeRow row;
    row.id = node.id;
    row.health = node.health;
    row.address = node.address;
    row.place = place_of(node);
    row.version = node.version;
    row.incarnation = node.incarnation.raw();
    row.partitions_led = node.partitions_led;
    row.heard_ago = std::max(Micros{0}, reply.broker.now - node.last_heartbeat);
    row.load = node.load;
    row.draining = node.draining;
    const NodeRow* old = view_ ? view_->find_node(row.id) : nullptr;
    if (old != nullptr && old->incarnation == row.incarnation) {
      row.commits_per_s =
          rate_of(old->load.commits, row.load.commits, reply.broker.now - view_->broker.now);
    }
    if (row.draining && old != nullptr && old->draining) row.drained_of = old->drained_of;
    if (node.health == NodeHealth::lost) ++view.nodes_lost;
    view.nodes.push_back(std::move(row));
  }
  std::sort(view.nodes.begin(), view.nodes.end(),
            [](const NodeRow& a, const NodeRow& b) { return a.id < b.id; });
}

void ClusterModel::put_partitions(const Now& now, const ClusterStatusReply& reply,
                                  ClusterView& view) {
  std::map<PartitionKey, const PartitionStatus*> told;
  for (const PartitionStatus& status : reply.partitions) {
    told[{status.topic, status.partition}] = &status;
  }
  std::map<NodeId, NodeRow*> nodes;
  for (NodeRow& node : view.nodes) nodes[node.id] = &node;
  std::vector<const TopicMetadata*> topics;
  for (const TopicMetadata& topic : reply.topics) topics.push_back(&topic);
  std::sort(topics.begin(), topics.end(), [](auto* a, auto* b) { return a->name < b->name; });
  for (const TopicMetadata* topic : topics) {
    TopicRow row;
    row.id = topic->id;
    row.name = topic->name;
    row.config = topic->config;
    row.created_at = topic->created_at;
    row.partitions = static_cast<std::int32_t>(topic->partitions.size());
    row.first_row = view.partitions.size();
    row.records = 0;
    const std::size_t readers_before = view.readers.size();
    for (const PartitionMetadata& meta : topic->partitions) {
      PartitionRow part;
      part.topic = topic->name;
      part.partition = meta.partition.raw();
      part.state = meta.state;
      part.leader = meta.leader;
      part.epoch = meta.leader_epoch.raw();
      part.replicas = meta.replicas;
      part.isr = meta.isr;
      part.target = meta.target;
      part.min_insync = min_insync_of(topic->config, meta.replicas.size());
      part.detail = meta.detail;
      const auto status = told.find({topic->id, meta.partition});
      if (status != told.end() && status->second->high_watermark >= Offset{0}) {
        const PartitionStatus& said = *status->second;
        part.has_status = true;
        part.log_start = said.log_start.raw();
        part.high_watermark = said.high_watermark.raw();
        part.log_end = said.log_end.raw();
        part.file_bytes = said.file_bytes;
        part.wal_bytes = said.wal_bytes;
        part.file = said.file;
        if (part.detail.empty()) part.detail = said.detail;
        put_followers(reply.broker.now, said, part);
        const bool serves =
            meta.state == PartitionState::online || meta.state == PartitionState::storage_full;
        if (serves) {
          part.records_in_per_s = said.records_in_per_s;
          part.records_out_per_s = said.records_out_per_s;
        }
        note_watermark(now, part, topic->id);
        put_readers(now, said, part, view);
      }
      if (part.state == PartitionState::online) ++row.partitions_online;
      if (part.state == PartitionState::offline) ++view.partitions_offline;
      if (part.state != PartitionState::online && part.state != PartitionState::offline) {
        ++view.partitions_not_well;
      }
      if (part.is_short()) ++row.under_replicated;
      if (part.is_moving()) ++row.moving;
      if (part.state == PartitionState::online && !part.takes_records()) ++row.closed;
      if (!part.has_status) {
        row.records.reset();
      } else if (row.records) {
        *row.records += static_cast<std::uint64_t>(
            std::max<std::int64_t>(0, part.high_watermark - part.log_start));
      }
      row.file_bytes += part.file_bytes;
      row.wal_bytes += part.wal_bytes;
      row.records_in_per_s += part.records_in_per_s;
      row.records_out_per_s += part.records_out_per_s;
      for (const NodeId replica : part.replicas) {
        const auto node = nodes.find(replica);
        if (node != nodes.end()) ++node->second->replicas;
      }
      const auto leader = nodes.find(part.leader);
      if (leader != nodes.end()) {
        leader->second->wal_bytes += part.wal_bytes;
        leader->second->file_bytes += part.file_bytes;
        leader->second->records_in_per_s += part.records_in_per_s;
        leader->second->records_out_per_s += part.records_out_per_s;
      }
      view.partitions.push_back(std::move(part));
    }
    std::set<std::string_view> readers;
    for (std::size_t i = readers_before; i < view.readers.size(); ++i) {
      const ReaderRow& reader = view.readers[i];
      readers.insert(reader.reader);
      if (reader.lag) row.lag_max = std::max(row.lag_max.value_or(0), *reader.lag);
    }
    row.readers = readers.size();
    view.under_replicated += static_cast<std::uint32_t>(row.under_replicated);
    view.moving += static_cast<std::uint32_t>(row.moving);
    view.closed += static_cast<std::uint32_t>(row.closed);
    view.records_in_per_s += row.records_in_per_s;
    view.records_out_per_s += row.records_out_per_s;
    view.topics.push_back(std::move(row));
  }
  for (auto at = watermarks_.begin(); at != watermarks_.end();) {
    at = told.count(at->first) == 0 ? watermarks_.erase(at) : std::next(at);
  }
}

void ClusterModel::note_watermark(const Now& now, const PartitionRow& row, TopicId topic) {
  auto& marks = watermarks_[{topic, PartitionIndex(row.partition)}];
  if (!marks.empty() && row.high_watermark < marks.back().offset) marks.clear();
  // Of a long silence the first and the last moment are enough.
  const std::size_t size = marks.size();
  if (size >= 2 && marks[size - 1].offset == row.high_watermark &&
      marks[size - 2].offset == row.high_watermark) {
    marks.back().wall = now.wall;
    return;
  }
  marks.push_back({now.wall, row.high_watermark});
  if (marks.size() > watermarks_max) marks.pop_front();
}

void ClusterModel::put_readers(const Now& now, const PartitionStatus& status,
                               const PartitionRow& row, ClusterView& view) const {
  const auto marks = watermarks_.find({status.topic, status.partition});
  for (const ReaderStatus& reader : status.readers) {
    ReaderRow out;
    out.topic = row.topic;
    out.partition = row.partition;
    out.reader = reader.reader;
    out.position = reader.position.raw();
    out.updated_at = reader.updated_at;
    const bool known =
        row.state == PartitionState::online || row.state == PartitionState::storage_full;
    if (known) out.lag = std::max<std::int64_t>(0, row.high_watermark - out.position);
    if (out.lag == 0) {
      out.lag_time = Micros{0};
    } else if (out.lag && marks != watermarks_.end() && !marks->second.empty()) {
      // The first moment at which the watermark was past the position.
      const auto& list = marks->second;
      const auto at = std::find_if(list.begin(), list.end(),
                                   [&](const Watermark& m) { return m.offset > out.position; });
      if (at != list.end()) {
        out.lag_time = now.wall - at->wall;
        out.lag_time_is_more = at == list.begin();
      }
    }
    view.readers.push_back(std::move(out));
  }
}

void put_summary(ClusterView& view) {
  view.commits = commit_times(view);
  view.lag_max.reset();
  view.disk_free_least.reset();
  for (const ReaderRow& reader : view.readers) {
    if (reader.lag) view.lag_max = std::max(view.lag_max.value_or(0), *reader.lag);
  }
  for (NodeRow& node : view.nodes) {
    if (node.draining) {
      node.drained_of = std::max(node.drained_of, node.replicas);
      node.stuck = stuck_replicas(view, node.id);
    }
    const bool told = node.health == NodeHealth::alive && node.load.disk_total_bytes > 0;
    if (!told) continue;
    const std::uint64_t least = view.disk_free_least.value_or(node.load.disk_free_bytes);
    view.disk_free_least = std::min(least, node.load.disk_free_bytes);
  }
}

void ClusterModel::put_history(const Now& now, ClusterView& view) {
  ClusterHistory::Sample sample;
  sample.wall = now.wall;
  sample.values.fill(unknown_value);
  const auto set = [&](Metric metric, double value) {
    sample.values.at(static_cast<std::size_t>(metric)) = value;
  };
  set(Metric::records_in, view.records_in_per_s);
  set(Metric::records_out, view.records_out_per_s);
  if (view.commits.now) {
    set(Metric::commit_p50, view.commits.p50_us);
    set(Metric::commit_p99, view.commits.p99_us);
  }
  std::optional<std::int64_t> lag;
  for (const ReaderRow& reader : view.readers) {
    if (reader.lag) lag = lag.value_or(0) + *reader.lag;
  }
  if (lag) set(Metric::lag, static_cast<double>(*lag));
  if (view_) {
    const Micros elapsed = view.broker.now - view_->broker.now;
    if (view.broker.started_at == view_->broker.started_at) {
      set(Metric::bytes_in, rate_of(view_->broker.bytes_routed, view.broker.bytes_routed, elapsed));
    }
  }
  history_.add(sample);
  view.history = std::make_shared<const ClusterHistory>(history_);
}

}  // namespace pinion::gui
