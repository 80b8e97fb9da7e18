#include "common/proto/validate.hpp"

#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"
#include "common/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <type_traits>

namespace pinion {
namespace {

tl::unexpected<Error> refuse(std::string detail) {
  return failure(Errc::invalid_argument, std::move(detail));
}

Result<void> check_text(std::string_view name, std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return refuse(std::string(name) + " is longer than " + std::to_string(bytes_max) + " bytes");
  }
  if (!is_utf8(text)) return refuse(std::string(name) + " is not UTF-8");
  return {};
}

Result<void> check_number(std::string_view name, std::int64_t value, std::int64_t low,
                          std::int64_t high = std::numeric_limits<std::int64_t>::max()) {
  if (value >= low && value <= high) return {};
  return refuse(std::string(name) + " is " + std::to_string(value) + "; it must be " +
                std::to_string(low) +
                (high == std::numeric_limits<std::int64_t>::max() ? " or more"
                                                                  : " to " + std::to_string(high)));
}

template <typename T, typename Check>
Result<void> check_each(const std::vector<T>& items, Check check_item) {
  for (const T& item : items) PINION_CHECK(check_item(item));
  return {};
}

Result<void> check_names(std::string_view name, const std::vector<std::string>& texts,
                         std::size_t count_max) {
  if (texts.size() > count_max) {
    return refuse(std::string(name) + " has more than " + std::to_string(count_max) + " elements");
  }
  for (const std::string& text : texts) {
    PINION_CHECK(check_text(name, text, limits::topic_name_bytes_max));
  }
  return {};
}

/// Tokens, each with an offset; files of before there were slots have up to 64 in a row.
constexpr std::size_t dequeues_bytes_max = 64 * (limits::request_token_bytes_max + 24);
/// Times as far from 1970 as this are not times, and sums with them could overflow.
constexpr std::int64_t time_max = Micros(never).count();
/// Offsets and sequences this high would overflow when records are counted on.
constexpr std::int64_t number_max = std::int64_t{1} << 62;

// ---- Bodies. One overload a type that has something to refuse; see also check_records.

Result<void> check_body(const ErrorBody& body) {
  return check_text("detail", body.detail, limits::error_detail_bytes_max);
}
Result<void> check_body(const Hello& body) {
  if (body.version_min > body.version_max) return refuse("version_min is over version_max");
  PINION_CHECK(check_text("client_name", body.client_name, limits::client_name_bytes_max));
  PINION_CHECK(check_text("cluster_id", body.cluster_id, limits::client_name_bytes_max));
  return check_names("features", body.features, limits::features_max);
}
Result<void> check_body(const HelloReply& body) {
  PINION_CHECK(check_text("cluster_id", body.cluster_id, limits::client_name_bytes_max));
  PINION_CHECK(check_number("controller_epoch", body.controller_epoch.raw(), 1));
  return check_names("features", body.features, limits::features_max);
}
Result<void> check_body(const TopicConfig& config) {
  PINION_CHECK(check_number("partitions", config.partitions, 1, limits::partitions_per_topic_max));
  PINION_CHECK(check_number("replication", config.replication, 0,
                            static_cast<std::int64_t>(limits::nodes_max)));
  PINION_CHECK(check_number("retention_ms", config.retention_ms, 0, time_max / 1000));
  PINION_CHECK(check_number("retention_bytes", config.retention_bytes, 0));
  return check_number("min_insync_replicas", config.min_insync_replicas, 0,
                      static_cast<std::int64_t>(limits::nodes_max));
}
Result<void> check_body(const PartitionMetadata& body) {
  PINION_CHECK(check_number("leader", body.leader.raw(), 0));
  return check_number("leader_epoch", body.leader_epoch.raw(), 0, number_max);
}
Result<void> check_body(const TopicMetadata& body) {
  PINION_CHECK(check_number("topic", body.id.raw(), 1));
  PINION_CHECK(validate_topic_name(body.name));
  PINION_CHECK(check_body(body.config));
  for (std::size_t i = 0; i < body.partitions.size(); ++i) {
    PINION_CHECK(check_body(body.partitions[i]));
    PINION_CHECK(check_number("partition", body.partitions[i].partition.raw(),
                              static_cast<std::int64_t>(i), static_cast<std::int64_t>(i)));
  }
  return {};
}
Result<void> check_body(const MetadataRequest& body) {
  return check_names("topics", body.topics, limits::topics_max);
}
Result<void> check_body(const MetadataReply& body) {
  return check_each(body.topics, [](const auto& item) { return check_body(item); });
}
Result<void> check_body(const MetadataChanged& body) {
  return check_each(body.topics, [](const auto& item) { return check_body(item); });
}
Result<void> check_body(const CreateTopic& body) {
  PINION_CHECK(validate_topic_name(body.name));
  return check_body(body.config);
}
Result<void> check_body(const CreateTopicReply& body) { return check_body(body.topic); }
Result<void> check_body(const AlterTopic& body) {
  PINION_CHECK(validate_topic_name(body.name));
  if (body.partitions != -1) {
    PINION_CHECK(check_number("partitions", body.partitions, 1, limits::partitions_per_topic_max));
  }
  if (body.replication != -1) {
    PINION_CHECK(check_number("replication", body.replication, 1,
                              static_cast<std::int64_t>(limits::nodes_max)));
  }
  PINION_CHECK(check_number("retention_ms", body.retention_ms, -1, time_max / 1000));
  PINION_CHECK(check_number("retention_bytes", body.retention_bytes, -1));
  PINION_CHECK(check_number("min_insync_replicas", body.min_insync_replicas, -1,
                            static_cast<std::int64_t>(limits::nodes_max)));
  return check_number("unclean_elections", body.unclean_elections, -1, 1);
}
Result<void> check_body(const AlterTopicReply& body) { return check_body(body.topic); }
Result<void> check_body(const CommandNode& body) {
  return check_number("node", body.node.raw(), body.command == NodeCommand::rebalance ? 0 : 1);
}
Result<void> check_body(const DeleteTopic& body) { return validate_topic_name(body.name); }
Result<void> check_body(const AllocateProducerIds& body) {
  return check_number("count", body.count, 1, 1'000'000);
}
Result<void> check_body(const AllocateProducerIdsReply& body) {
  return check_number("first", body.first.raw(), 1, number_max);
}
Result<void> check_body(const RegisterProducer& body) {
  PINION_CHECK(validate_topic_name(body.topic));
  return check_text("name", body.name, limits::reader_name_bytes_max);
}
Result<void> check_body(const RegisterProducerReply& body) { return check_body(body.topic); }
Result<void> check_body(const RegisterConsumer& body) {
  PINION_CHECK(validate_topic_name(body.topic));
  return check_text("name", body.name, limits::reader_name_bytes_max);
}
Result<void> check_body(const RegisterConsumerReply& body) { return check_body(body.topic); }
Result<void> check_body(const ClusterStatusReply& body) {
  return check_each(body.topics, [](const auto& item) { return check_body(item); });
}

Result<void> check_body(const BatchHeader& batch) {
  PINION_CHECK(check_number("record_count", batch.record_count, 1, limits::batch_records_max));
  PINION_CHECK(check_number("base_offset", batch.base_offset.raw(), -1, number_max));
  PINION_CHECK(check_number("leader_epoch", batch.leader_epoch.raw(), 0, number_max));
  PINION_CHECK(check_number("append_time", batch.append_time.count(), -time_max, time_max));
  PINION_CHECK(check_number("producer_id", batch.producer_id.raw(), 0));
  PINION_CHECK(check_number("producer_epoch", batch.producer_epoch.raw(), 0));
  return check_number("base_sequence", batch.base_sequence.raw(), 0, number_max);
}
Result<void> check_body(const Produce& body) { return check_body(body.batch); }
Result<void> check_body(const Fetch& body) {
  PINION_CHECK(check_number("offset", body.offset.raw(), 0, number_max));
  PINION_CHECK(check_number("last_epoch", body.last_epoch.raw(), 0, number_max));
  PINION_CHECK(check_number("bytes_max", body.bytes_max, 0, limits::fetch_bytes_max));
  return check_number("wait_ms", body.wait_ms, 0, limits::fetch_wait_max / 1ms);
}
Result<void> check_body(const FetchReply& body) {
  return check_each(body.batches, [](const auto& item) { return check_body(item); });
}
Result<void> check_body(const ListOffset& body) {
  return check_number("timestamp", body.timestamp.count(), -time_max, time_max);
}
Result<void> check_body(const CommitPosition& body) {
  PINION_CHECK(validate_reader(body.reader));
  PINION_CHECK(check_number("offset", body.offset.raw(), -1, number_max));
  return check_number("leader_epoch", body.leader_epoch.raw(), 0, number_max);
}
Result<void> check_token(std::string_view token) {
  PINION_CHECK(check_text("token", token, limits::request_token_bytes_max));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(token.begin(), token.end(), is_control)) {
    return refuse("token has a control character");
  }
  return {};
}
Result<void> check_body(const FetchPosition& body) {
  PINION_CHECK(validate_reader(body.reader));
  return check_token(body.token);
}
Result<void> check_body(const Dequeue& body) {
  PINION_CHECK(validate_reader(body.reader));
  PINION_CHECK(
      check_number("send_on", body.send_on.raw(), -1, limits::partitions_per_topic_max - 1));
  return check_token(body.token);
}
Result<void> check_body(const DequeueReply& body) { return check_body(body.batch); }
Result<void> check_body(const Query& body) {
  if (body.sql.empty()) return refuse("sql is empty");
  PINION_CHECK(check_text("sql", body.sql, limits::sql_bytes_max));
  return check_number("rows_max", body.rows_max, 0, limits::query_rows_max);
}
Result<void> check_body(const QueryReply& body) {
  for (const std::vector<SqlValue>& row : body.rows) {
    if (row.size() != body.columns.size()) return refuse("a row has not as many values as columns");
  }
  return {};
}

Result<void> check_body(const RegisterNode& body) {
  if (body.version_min > body.version_max) return refuse("version_min is over version_max");
  PINION_CHECK(check_number("node", body.node.raw(), 1));
  PINION_CHECK(check_number("incarnation", body.incarnation.raw(), 1));
  PINION_CHECK(check_number("controller_epoch", body.controller_epoch.raw(), 0));
  if (body.store_id.empty()) return refuse("store_id is empty");
  PINION_CHECK(check_text("store_id", body.store_id, limits::client_name_bytes_max));
  PINION_CHECK(check_text("cluster_id", body.cluster_id, limits::client_name_bytes_max));
  PINION_CHECK(check_text("address", body.address, limits::address_bytes_max));
  PINION_CHECK(check_text("rack", body.rack, limits::client_name_bytes_max));
  PINION_CHECK(check_text("region", body.region, limits::client_name_bytes_max));
  PINION_CHECK(check_text("server_version", body.server_version, limits::client_name_bytes_max));
  return check_names("topics", body.topics, limits::topics_max);
}
Result<void> check_body(const RegisterNodeReply& body) {
  PINION_CHECK(check_text("cluster_id", body.cluster_id, limits::client_name_bytes_max));
  return check_number("controller_epoch", body.controller_epoch.raw(), 1);
}
Result<void> check_body(const PartitionStatus& body) {
  PINION_CHECK(check_number("topic", body.topic.raw(), 1));
  PINION_CHECK(check_number("partition", body.partition.raw(), 0));
  PINION_CHECK(check_text("file", body.file, limits::path_bytes_max));
  PINION_CHECK(check_text("detail", body.detail, limits::path_bytes_max));
  for (const ReaderStatus& reader : body.readers) PINION_CHECK(validate_reader(reader.reader));
  return {};
}
Result<void> check_body(const NodeHeartbeat& body) {
  PINION_CHECK(check_number("node", body.node.raw(), 1));
  return check_each(body.partitions, [](const auto& item) { return check_body(item); });
}
Result<void> check_body(const Assignment& body) {
  PINION_CHECK(check_number("topic", body.topic.raw(), 1));
  PINION_CHECK(validate_topic_name(body.topic_name));
  PINION_CHECK(
      check_number("partition", body.partition.raw(), 0, limits::partitions_per_topic_max - 1));
  PINION_CHECK(check_number("leader_epoch", body.leader_epoch.raw(), 1, number_max));
  if (body.replicas.size() > limits::nodes_max || body.isr.size() > limits::nodes_max) {
    return refuse("a partition has more replicas than a cluster has nodes");
  }
  return check_body(body.config);
}
Result<void> check_body(const Assign& body) {
  PINION_CHECK(check_number("controller_epoch", body.controller_epoch.raw(), 1));
  for (const NodeAddress& peer : body.peers) {
    PINION_CHECK(check_text("address", peer.address, limits::address_bytes_max));
  }
  return check_each(body.assignments, [](const auto& item) { return check_body(item); });
}
Result<void> check_body(const ReplicaState& body) {
  PINION_CHECK(check_number("topic", body.topic.raw(), 1));
  PINION_CHECK(check_number("partition", body.partition.raw(), 0));
  return check_text("detail", body.detail, limits::path_bytes_max);
}
Result<void> check_body(const ReplicaReport& body) {
  PINION_CHECK(check_number("node", body.node.raw(), 1));
  return check_each(body.replicas, [](const auto& item) { return check_body(item); });
}
Result<void> check_body(const ReplicaFetch& body) {
  PINION_CHECK(check_number("node", body.node.raw(), 1));
  PINION_CHECK(check_number("offset", body.offset.raw(), 0, number_max));
  PINION_CHECK(check_number("last_epoch", body.last_epoch.raw(), 0, number_max));
  PINION_CHECK(check_number("durable_end", body.durable_end.raw(), 0, body.offset.raw()));
  PINION_CHECK(check_number("position_version", body.position_version.raw(), -1, number_max));
  PINION_CHECK(check_number("durable_position_version", body.durable_position_version.raw(), -1,
                            number_max));
  PINION_CHECK(check_number("bytes_max", body.bytes_max, 0, limits::fetch_bytes_max));
  return check_number("wait_ms", body.wait_ms, 0, limits::fetch_wait_max / 1ms);
}
/// Of a slot for a dequeue, "\n17": partition/core/dequeue_slots.hpp. No reader is called so.
bool is_slot(std::string_view name) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return name.size() > 1 && name.size() <= 8 && name.front() == '\n' &&
         std::all_of(name.begin() + 1, name.end(), is_digit);
}
Result<void> check_body(const PositionRow& body) {
  if (!is_slot(body.reader)) PINION_CHECK(validate_reader(body.reader));
  PINION_CHECK(check_number("offset", body.offset.raw(), 0, number_max));
  PINION_CHECK(check_number("version", body.version.raw(), 0, number_max));
  // What the position keeps of dequeues, as it is: partition/core/dequeue_tokens.hpp.
  PINION_CHECK(check_number("last_offset", body.last_offset.raw(), -number_max, number_max));
  return check_text("last_token", body.last_token, dequeues_bytes_max);
}
Result<void> check_body(const ProducerRow& body) {
  PINION_CHECK(check_number("producer_id", body.id.raw(), 1));
  if (body.batches.empty() || body.batches.size() > limits::producer_batches_remembered) {
    return refuse("a producer is remembered by one to five batches");
  }
  for (const ProducerBatchRow& batch : body.batches) {
    PINION_CHECK(check_number("base_sequence", batch.base_sequence.raw(), 0, number_max));
    PINION_CHECK(check_number("record_count", batch.record_count, 1, limits::batch_records_max));
    PINION_CHECK(check_number("base_offset", batch.base_offset.raw(), 0, number_max));
    PINION_CHECK(check_number("append_time", batch.append_time.count(), -time_max, time_max));
  }
  return {};
}
Result<void> check_body(const ReplicaFetchReply& body) {
  PINION_CHECK(check_number("log_start", body.log_start.raw(), 0, number_max));
  PINION_CHECK(check_number("log_end", body.log_end.raw(), body.log_start.raw(), number_max));
  PINION_CHECK(check_number("high_watermark", body.high_watermark.raw(), 0, body.log_end.raw()));
  PINION_CHECK(check_number("diverging_end", body.diverging_end.raw(), -1, number_max));
  PINION_CHECK(check_number("diverging_epoch", body.diverging_epoch.raw(), 0, number_max));
  PINION_CHECK(check_number("begin_at", body.begin_at.raw(), -1, number_max));
  PINION_CHECK(check_number("position_version", body.position_version.raw(), -1, number_max));
  PINION_CHECK(check_each(body.producers, [](const auto& item) { return check_body(item); }));
  PINION_CHECK(check_each(body.positions, [](const auto& item) { return check_body(item); }));
  return check_each(body.batches, [](const auto& item) { return check_body(item); });
}
Result<void> check_body(const ReplicaProgress& body) {
  PINION_CHECK(check_number("node", body.node.raw(), 1));
  PINION_CHECK(check_number("durable_end", body.durable_end.raw(), 0, number_max));
  return check_number("durable_position_version", body.durable_position_version.raw(), -1,
                      number_max);
}
Result<void> check_body(const ProposedIsr& body) {
  PINION_CHECK(check_number("topic", body.topic.raw(), 1));
  PINION_CHECK(check_number("partition", body.partition.raw(), 0));
  if (body.isr.empty() || body.isr.size() > limits::nodes_max) {
    return refuse("an in-sync set has 1 to " + std::to_string(limits::nodes_max) + " members");
  }
  return {};
}
Result<void> check_body(const IsrProposal& body) {
  PINION_CHECK(check_number("node", body.node.raw(), 1));
  return check_each(body.proposals, [](const auto& item) { return check_body(item); });
}
/// The rest has nothing in it that a wrong value could hurt with.
template <typename T>
Result<void> check_body(const T&) {
  return {};
}

// ---- Around the body

Result<void> check_header(const Header& header) {
  PINION_CHECK(check_number("leader_epoch", header.leader_epoch.raw(), 0, number_max));
  PINION_CHECK(
      check_number("timeout_ms", header.timeout_ms, 0, limits::request_lifetime_max / 1ms));
  // The refusal of a request that could not be read whole may not know what it was about.
  const bool routed = is_routed_request(header.kind) || header.kind == Kind::replica_fetch ||
                      header.kind == Kind::replica_progress ||
                      ((is_routed_reply(header.kind) || header.kind == Kind::replica_fetch_reply) &&
                       header.error == Errc::ok);
  PINION_CHECK(check_number("topic", header.topic.raw(), routed ? 1 : 0));
  return check_number("partition", header.partition.raw(), 0, limits::partitions_per_topic_max - 1);
}

Result<void> check_records(const Message& message) {
  std::size_t expected = 0;
  if (std::holds_alternative<Produce>(message.body) ||
      std::holds_alternative<DequeueReply>(message.body)) {
    expected = 1;
  } else if (const auto* fetched = std::get_if<FetchReply>(&message.body)) {
    expected = fetched->batches.size();
  } else if (const auto* copied = std::get_if<ReplicaFetchReply>(&message.body)) {
    expected = copied->batches.size();
  }
  if (message.records.size() != expected) {
    return failure(Errc::malformed, "the body announces " + std::to_string(expected) +
                                        " records frames and the message has " +
                                        std::to_string(message.records.size()));
  }
  return {};
}

}  // namespace

Result<void> validate(const Message& message) {
  PINION_CHECK(check_header(message.header));
  PINION_CHECK(std::visit([](const auto& body) { return check_body(body); }, message.body));
  return check_records(message);
}

Result<void> validate_topic_name(std::string_view name) {
  const auto legal = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (name.empty()) return refuse("a topic's name is empty");
  if (name.size() > limits::topic_name_bytes_max) {
    return refuse("a topic's name is longer than " + std::to_string(limits::topic_name_bytes_max) +
                  " bytes");
  }
  if (name == "." || name == ".." || !std::all_of(name.begin(), name.end(), legal)) {
    return refuse("'" + printable(name, limits::topic_name_bytes_max) +
                  "' is not a topic's name: use A-Z a-z 0-9 . _ - (and not . or .. alone)");
  }
  return {};
}

Result<void> validate_reader(std::string_view reader) {
  PINION_CHECK(check_text("reader", reader, limits::reader_name_bytes_max));
  const std::size_t colon = reader.find(':');
  const std::string_view kind = reader.substr(0, colon);
  const std::string_view name =
      colon == std::string_view::npos ? std::string_view() : reader.substr(colon + 1);
  if ((kind != "consumer" && kind != "group" && kind != "id") || name.empty()) {
    return refuse("a reader is consumer:NAME, group:NAME or id:NUMBER");
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(name.begin(), name.end(), is_control)) {
    return refuse("a reader's name has a control character");
  }
  if (kind != "id") return {};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  if (!whole || number < 1 || std::to_string(number) != name) {
    return refuse("a reader's id is a number from 1");
  }
  return {};
}

}  // namespace pinion
