#include "cli/json_text.hpp"

#include <nlohmann/json.hpp>

#include "common/base/text.hpp"

#include <algorithm>
#include <cmath>

namespace pinion::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Never throws: text that is no UTF-8 where it should be is shown with replacement characters.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void put_bytes(Json& object, const std::string& name, std::optional<std::string_view> bytes) {
  if (!bytes) {
    object[name] = nullptr;
  } else if (is_utf8(*bytes)) {
    object[name] = std::string(*bytes);
  } else {
    object[name] = base64_encode(*bytes);
    object[name + "_encoding"] = "base64";
  }
}

Json numbers_of(const std::vector<NodeId>& nodes) {
  Json list = Json::array();
  for (const NodeId node : nodes) list.push_back(node.raw());
  return list;
}

Json object_of(const PartitionMetadata& partition) {
  return {{"partition", partition.partition.raw()},
          {"leader", partition.leader.raw()},
          {"leader_epoch", partition.leader_epoch.raw()},
          {"state", name_of(partition.state)},
          {"replicas", numbers_of(partition.replicas)},
          {"isr", numbers_of(partition.isr)},
          {"detail", partition.detail}};
}

Json object_of(const TopicMetadata& topic) {
  Json partitions = Json::array();
  for (const PartitionMetadata& partition : topic.partitions) {
    partitions.push_back(object_of(partition));
  }
  return {{"name", topic.name},
          {"id", topic.id.raw()},
          {"created_at", topic.created_at.count()},
          {"replication", topic.config.replication},
          {"retention_ms", topic.config.retention_ms},
          {"retention_bytes", topic.config.retention_bytes},
          {"min_insync_replicas", topic.config.min_insync_replicas},
          {"unclean_elections", topic.config.unclean_elections},
          {"partitions", std::move(partitions)}};
}

Json object_of(const BrokerStatus& broker) {
  return {{"cluster_id", broker.cluster_id},
          {"cluster_name", broker.cluster_name},
          {"controller_epoch", broker.controller_epoch.raw()},
          {"started_at", broker.started_at.count()},
          {"now", broker.now.count()},
          {"clients", broker.clients},
          {"messages_routed", broker.messages_routed},
          {"bytes_routed", broker.bytes_routed},
          {"refused_malformed", broker.refused_malformed},
          {"refused_throttled", broker.refused_throttled},
          {"replies_dropped", broker.replies_dropped},
          {"memory_bytes", broker.memory_bytes},
          {"fuse_trips", broker.fuse_trips},
          {"version", broker.version},
          {"sqlite_version", broker.sqlite_version}};
}

Json object_of(const NodeStatus& node) {
  return {{"id", node.id.raw()},
          {"health", name_of(node.health)},
          {"incarnation", node.incarnation.raw()},
          {"address", node.address},
          {"rack", node.rack},
          {"region", node.region},
          {"last_heartbeat", node.last_heartbeat.count()},
          {"partitions_led", node.partitions_led},
          {"memory_bytes", node.load.memory_bytes},
          {"disk_free_bytes", node.load.disk_free_bytes},
          {"disk_total_bytes", node.load.disk_total_bytes},
          {"commits", node.load.commits},
          {"commit_p50_us", node.load.commit_p50_us},
          {"commit_p99_us", node.load.commit_p99_us},
          {"requests_inflight", node.load.requests_inflight},
          {"requests_refused", node.load.requests_refused},
          {"open_files", node.load.open_files},
          {"version", node.version},
          {"detail", node.detail}};
}

/// Null: no leader has told since the leader broker began.
Json known_or_null(Offset offset) {
  return offset < Offset{0} ? Json(nullptr) : Json(offset.raw());
}

Json object_of(const PartitionStatus& partition, const std::string& topic) {
  Json readers = Json::array();
  for (const ReaderStatus& reader : partition.readers) {
    readers.push_back(
        {{"reader", reader.reader},
         {"position", reader.position.raw()},
         {"lag", std::max<std::int64_t>(0, partition.high_watermark - reader.position)},
         {"updated_at", reader.updated_at.count()}});
  }
  Json followers = Json::array();
  for (const FollowerStatus& follower : partition.followers) {
    followers.push_back({{"node", follower.node.raw()},
                         {"in_sync", follower.in_sync},
                         {"durable_end", follower.durable_end.raw()},
                         {"behind_since", follower.behind_since.count()}});
  }
  return {{"topic", topic},
          {"partition", partition.partition.raw()},
          {"node", partition.node.raw()},
          {"leader_epoch", partition.leader_epoch.raw()},
          {"state", name_of(partition.state)},
          {"log_start", known_or_null(partition.log_start)},
          {"high_watermark", known_or_null(partition.high_watermark)},
          {"log_end", partition.log_end.raw()},
          {"file_bytes", partition.file_bytes},
          {"wal_bytes", partition.wal_bytes},
          {"records_in", partition.records_in},
          {"records_out", partition.records_out},
          {"bytes_in", partition.bytes_in},
          {"bytes_out", partition.bytes_out},
          {"records_in_per_s", partition.records_in_per_s},
          {"records_out_per_s", partition.records_out_per_s},
          {"file", partition.file},
          {"detail", partition.detail},
          {"readers", std::move(readers)},
          {"followers", std::move(followers)}};
}

Json list_of(const std::vector<RegistrationStatus>& registrations) {
  Json list = Json::array();
  for (const RegistrationStatus& registration : registrations) {
    list.push_back({{"id", registration.id.raw()},
                    {"topic_id", registration.topic.raw()},
                    {"name", registration.name},
                    {"registered_at", registration.registered_at.count()}});
  }
  return list;
}

/// To so many parts of one, so that no digit is shown that means nothing.
double rounded(double number, double parts) { return std::round(number * parts) / parts; }

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

std::string json_of(const RecordText& record) {
  Json object = {{"topic", std::string(record.topic)},
                 {"partition", record.partition.raw()},
                 {"offset", record.offset.raw()},
                 {"timestamp", record.timestamp.count()}};
  put_bytes(object, "key", record.key);
  Json headers = Json::array();
  if (record.headers) headers = Json::parse(*record.headers, nullptr, false);
  if (headers.is_discarded()) {
    put_bytes(object, "headers", record.headers);
  } else {
    object["headers"] = std::move(headers);
  }
  put_bytes(object, "value", record.value);
  return text_of(object);
}

std::string json_of(const TopicMetadata& topic) { return text_of(object_of(topic)); }

std::string json_of(const std::vector<TopicMetadata>& topics) {
  Json list = Json::array();
  for (const TopicMetadata& topic : topics) list.push_back(object_of(topic));
  return text_of(list);
}

std::string json_of_deleted(std::string_view topic, TopicId id) {
  return text_of({{"name", std::string(topic)}, {"id", id.raw()}, {"deleted", true}});
}

std::string json_of(const ClusterStatusReply& status) {
  Json nodes = Json::array();
  for (const NodeStatus& node : status.nodes) nodes.push_back(object_of(node));
  Json topics = Json::array();
  for (const TopicMetadata& topic : status.topics) topics.push_back(object_of(topic));
  Json partitions = Json::array();
  for (const PartitionStatus& partition : status.partitions) {
    const auto topic = std::find_if(status.topics.begin(), status.topics.end(),
                                    [&](const auto& t) { return t.id == partition.topic; });
    partitions.push_back(object_of(partition, topic == status.topics.end() ? "" : topic->name));
  }
  return text_of({{"broker", object_of(status.broker)},
                  {"nodes", std::move(nodes)},
                  {"topics", std::move(topics)},
                  {"partitions", std::move(partitions)},
                  {"consumers", list_of(status.consumers)},
                  {"producers", list_of(status.producers)}});
}

std::string json_of(const BenchReport& report) {
  Json object = {{"kind", report.kind},
                 {"records", report.records},
                 {"size", report.size},
                 {"seconds", rounded(report.seconds, 1e6)},
                 {"records_per_s", rounded(report.records_per_s, 10)},
                 {"mb_per_s", rounded(report.records_per_s * report.size / 1e6, 1e3)}};
  if (report.rows_per_commit > 0) {
    object["commits"] = report.commits;
    object["rows_per_commit"] = rounded(report.rows_per_commit, 10);
  }
  if (report.timed) {
    object["p50_ms"] = rounded(report.latency_ms.p50_ms, 1e3);
    object["p99_ms"] = rounded(report.latency_ms.p99_ms, 1e3);
    object["p999_ms"] = rounded(report.latency_ms.p999_ms, 1e3);
    object["max_ms"] = rounded(report.latency_ms.max_ms, 1e3);
  }
  return text_of(object);
}

std::string json_of(const std::vector<std::string>& columns, const std::vector<SqlValue>& row) {
  Json object = Json::object();
  for (std::size_t i = 0; i < row.size() && i < columns.size(); ++i) {
    const SqlValue& value = row[i];
    // An object has a name once; SQLite tells columns of one name apart in the same way.
    std::string name = columns[i];
    for (int n = 1; object.contains(name); ++n) name = columns[i] + ":" + std::to_string(n);
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      object[name] = *number;
    } else if (const auto* real = std::get_if<double>(&value)) {
      object[name] = *real;
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      put_bytes(object, name, *text);
    } else if (const auto* blob = std::get_if<SqlBlob>(&value)) {
      put_bytes(object, name, blob->bytes);
    } else {
      object[name] = nullptr;
    }
  }
  return text_of(object);
}

}  // namespace pinion::cli
