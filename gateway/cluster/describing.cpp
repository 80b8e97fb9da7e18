// Health, a topic, the whole cluster.
#include "gateway/cluster/cluster.hpp"
#include "gateway/core/answers.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gateway {
namespace {

/// A check that takes longer is a failed one: whoever asks has its own time-out.
constexpr Micros health_within = 1s;
constexpr std::size_t text_bytes_max = 1024;

std::string_view name_of(PartitionState state) {
  switch (state) {
    case PartitionState::offline:
      return "offline";
    case PartitionState::opening:
      return "opening";
    case PartitionState::online:
      return "online";
    case PartitionState::storage_full:
      return "storage_full";
    case PartitionState::halted:
      return "halted";
  }
  return "unknown";
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

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

std::string partition_json(const PartitionMetadata& partition, const PartitionStatus* status) {
  JsonObject object;
  object.add("partition_id", std::int64_t{partition.partition.raw()});
  object.add("state", name_of(partition.state));
  object.add("leader", std::int64_t{partition.leader.raw()});
  object.add("leader_epoch", partition.leader_epoch.raw());
  if (!partition.detail.empty()) object.add("detail", printable(partition.detail, text_bytes_max));
  if (status != nullptr) {
    if (status->high_watermark >= Offset{0}) {  // Else no leader has told yet.
      object.add("log_start", status->log_start.raw());
      object.add("high_watermark", status->high_watermark.raw());
    }
    object.add("file_bytes", number(status->file_bytes));
  }
  return object.take();
}

std::string topic_json(const TopicMetadata& topic, const ClusterStatusReply& status) {
  JsonArray partitions;
  for (const PartitionMetadata& partition : topic.partitions) {
    const PartitionStatus* found = nullptr;
    for (const PartitionStatus& one : status.partitions) {
      if (one.topic == topic.id && one.partition == partition.partition) found = &one;
    }
    partitions.add_json(partition_json(partition, found));
  }
  JsonObject object;
  object.add("name", topic.name);
  object.add("id", topic.id.raw());
  object.add("created_at", std::int64_t{topic.created_at.count()});
  object.add("replication", std::int64_t{topic.config.replication});
  object.add("retention_ms", topic.config.retention_ms);
  object.add("retention_bytes", topic.config.retention_bytes);
  object.add_json("partitions", partitions.take());
  return object.take();
}

std::string node_json(const NodeStatus& node) {
  JsonObject object;
  object.add("id", std::int64_t{node.id.raw()});
  object.add("health", name_of(node.health));
  object.add("address", printable(node.address, text_bytes_max));
  object.add("last_heartbeat", std::int64_t{node.last_heartbeat.count()});
  object.add("partitions_led", std::int64_t{node.partitions_led});
  object.add("commits", number(node.load.commits));
  object.add("commit_p99_us", std::int64_t{node.load.commit_p99_us});
  object.add("disk_free_bytes", number(node.load.disk_free_bytes));
  object.add("detail", printable(node.detail, text_bytes_max));
  return object.take();
}

}  // namespace

void Cluster::on(HealthCommand&, Respond respond) {
  calls_.cluster_status(
      std::min(health_within, options_.answer_within), Admin::Partitions::no,
      [respond = std::move(respond)](Result<ClusterStatusReply> status) {
        if (!status) return respond(unhealthy(status.error()));
        const auto& nodes = status->nodes;
        const auto alive = std::count_if(nodes.begin(), nodes.end(), [](const NodeStatus& node) {
          return node.health == NodeHealth::alive;
        });
        if (alive == 0) {
          return respond(unhealthy({Errc::no_nodes, "No partition broker is alive (of " +
                                                        std::to_string(nodes.size()) +
                                                        " that are known): start them"}));
        }
        respond(answer(std::move(success().add("healthy", true))));
      });
}

void Cluster::on(DescribeTopicCommand& command, Respond respond) {
  calls_.cluster_status(
      options_.answer_within, Admin::Partitions::yes,
      [name = command.topic, respond = std::move(respond)](Result<ClusterStatusReply> status) {
        if (!status) return respond(failed(status.error(), name));
        for (const TopicMetadata& topic : status->topics) {
          if (topic.name != name) continue;
          return respond(
              answer(std::move(success().add_json("topic", topic_json(topic, *status)))));
        }
        respond(no_such_topic(name));
      });
}

void Cluster::on(ClusterCommand&, Respond respond) {
  calls_.cluster_status(
      options_.answer_within, Admin::Partitions::no,
      [respond = std::move(respond)](Result<ClusterStatusReply> status) {
        if (!status) return respond(failed(status.error(), {}));
        JsonArray nodes;
        for (const NodeStatus& node : status->nodes) nodes.add_json(node_json(node));
        JsonArray topics;
        for (const TopicMetadata& topic : status->topics) {
          topics.add_json(JsonObject()
                              .add("name", topic.name)
                              .add("partitions", static_cast<std::int64_t>(topic.partitions.size()))
                              .take());
        }
        JsonObject object = success();
        object.add("cluster_id", printable(status->broker.cluster_id, text_bytes_max));
        object.add("version", printable(status->broker.version, text_bytes_max));
        object.add("started_at", std::int64_t{status->broker.started_at.count()});
        object.add("clients", std::int64_t{status->broker.clients});
        object.add_json("nodes", nodes.take());
        object.add_json("topics", topics.take());
        object.add("producers", static_cast<std::int64_t>(status->producers.size()));
        object.add("consumers", static_cast<std::int64_t>(status->consumers.size()));
        respond(answer(std::move(object)));
      });
}

}  // namespace pinion::gateway
