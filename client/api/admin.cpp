#include "client/api/admin.hpp"

#include "client/api/client_inside.hpp"
#include "client/driver/clock.hpp"
#include "common/base/limits.hpp"
#include "common/proto/validate.hpp"

#include <algorithm>
#include <utility>

namespace pinion {
namespace {

Micros time_left(Micros deadline) {
  return std::max(Micros(1ms), deadline - client::monotonic_now());
}

}  // namespace

Result<TopicMetadata> Admin::create_topic(std::string_view name, const TopicConfig& config,
                                          Micros timeout) {
  PINION_CHECK(validate_topic_name(name));
  const Micros deadline = client::monotonic_now() + timeout;
  bool repeated = false;
  auto reply = client::ask<CreateTopicReply>(
      *inside_->driver, {{}, {}, CreateTopic{std::string(name), config}}, timeout, &repeated);
  if (reply) return std::move(reply->topic);
  if (reply.error().code == Errc::topic_exists && repeated) {
    // An attempt whose answer was lost may have made it.
    auto topic = describe_topic(name, time_left(deadline));
    TopicConfig wanted = config;
    if (topic && wanted.replication == 0) wanted.replication = topic->config.replication;
    if (topic && topic->config == wanted) return topic;
  }
  return failure(std::move(reply.error()));
}

Result<void> Admin::delete_topic(std::string_view name, Micros timeout) {
  PINION_CHECK(validate_topic_name(name));
  bool repeated = false;
  auto reply = client::ask<DeleteTopicReply>(
      *inside_->driver, {{}, {}, DeleteTopic{std::string(name)}}, timeout, &repeated);
  if (reply || (repeated && reply.error().code == Errc::unknown_topic)) return {};
  return failure(std::move(reply.error()));
}

Result<TopicMetadata> Admin::alter_topic(const AlterTopic& change, Micros timeout) {
  PINION_CHECK(validate_topic_name(change.name));
  PINION_TRY(reply, client::ask<AlterTopicReply>(*inside_->driver, {{}, {}, change}, timeout));
  return std::move(reply.topic);
}

Result<std::uint32_t> Admin::command_node(NodeCommand command, NodeId node, Micros timeout) {
  PINION_TRY(reply, client::ask<CommandNodeReply>(*inside_->driver,
                                                  {{}, {}, CommandNode{command, node}}, timeout));
  return reply.moves;
}

Result<std::vector<TopicMetadata>> Admin::list_topics(Micros timeout) {
  PINION_TRY(reply,
             client::ask<MetadataReply>(*inside_->driver, {{}, {}, MetadataRequest{}}, timeout));
  return std::move(reply.topics);
}

Result<TopicMetadata> Admin::describe_topic(std::string_view name, Micros timeout) {
  PINION_CHECK(validate_topic_name(name));
  PINION_TRY(reply, client::ask<MetadataReply>(
                        *inside_->driver, {{}, {}, MetadataRequest{{std::string(name)}}}, timeout));
  if (reply.topics.empty()) {
    return failure(Errc::unknown_topic, "topic '" + std::string(name) + "' does not exist");
  }
  return std::move(reply.topics.front());
}

Result<ClusterStatusReply> Admin::cluster_status(Micros timeout, Partitions with) {
  return client::ask<ClusterStatusReply>(
      *inside_->driver, {{}, {}, ClusterStatusRequest{with == Partitions::yes}}, timeout);
}

Result<Micros> Admin::ping(Micros timeout) {
  const Micros before = client::monotonic_now();
  PINION_CHECK(client::ask<Pong>(*inside_->driver, {{}, {}, Ping{}}, timeout));
  return client::monotonic_now() - before;
}

Result<RegistrationId> Admin::register_producer(std::string_view topic, std::string_view name,
                                                Micros timeout, CreateTopics create) {
  PINION_CHECK(validate_topic_name(topic));
  PINION_TRY(
      reply,
      client::ask<RegisterProducerReply>(
          *inside_->driver,
          {{},
           {},
           RegisterProducer{std::string(topic), std::string(name), create == CreateTopics::yes}},
          timeout));
  return reply.id;
}

Result<RegistrationId> Admin::register_consumer(std::string_view topic, std::string_view name,
                                                Micros timeout) {
  PINION_CHECK(validate_topic_name(topic));
  PINION_TRY(reply,
             client::ask<RegisterConsumerReply>(
                 *inside_->driver,
                 {{}, {}, RegisterConsumer{std::string(topic), std::string(name)}}, timeout));
  return reply.id;
}

Result<Offset> Admin::list_offset(const TopicPartition& partition, Place place, Micros timeout) {
  PINION_CHECK(validate_topic_name(partition.topic));
  if (place.kind == Place::Kind::offset) return place.offset;
  ListOffset request;
  if (place.kind == Place::Kind::latest) request.spec = OffsetSpec::latest;
  if (place.kind == Place::Kind::timestamp) {
    request.spec = OffsetSpec::timestamp;
    request.timestamp = place.timestamp;
  }
  PINION_TRY(reply,
             client::ask<ListOffsetReply>(
                 *inside_->driver, {partition.topic, partition.partition, request}, timeout));
  return reply.offset;
}

Result<ReaderPosition> Admin::fetch_position(const TopicPartition& partition,
                                             std::string_view reader, Micros timeout) {
  PINION_CHECK(validate_topic_name(partition.topic));
  FetchPosition request{client::reader_of(reader)};
  PINION_CHECK(validate_reader(request.reader));
  PINION_TRY(reply, client::ask<FetchPositionReply>(
                        *inside_->driver,
                        {partition.topic, partition.partition, std::move(request)}, timeout));
  return ReaderPosition{reply.offset, reply.leader_epoch, reply.high_watermark, reply.log_start};
}

Result<void> Admin::commit_position(const TopicPartition& partition, std::string_view reader,
                                    Offset next, Micros timeout) {
  PINION_CHECK(validate_topic_name(partition.topic));
  CommitPosition request{client::reader_of(reader), next, epoch_unknown};
  PINION_CHECK(validate_reader(request.reader));
  PINION_CHECK(client::ask<CommitPositionReply>(
      *inside_->driver, {partition.topic, partition.partition, std::move(request)}, timeout));
  return {};
}

Result<QueryReply> Admin::query(std::string_view topic, std::string_view sql,
                                std::optional<PartitionIndex> partition, std::uint32_t rows_max,
                                Micros timeout) {
  if (sql.empty() || sql.size() > limits::sql_bytes_max) {
    return failure(Errc::sql_invalid, "the statement is empty or too long");
  }
  const Micros deadline = client::monotonic_now() + timeout;
  const std::string name(topic);
  PINION_TRY(metadata, client::find_topic(*inside_->driver, name, timeout));
  const auto count = static_cast<std::int32_t>(metadata->partitions.size());
  const std::int32_t first = partition ? partition->raw() : 0;
  const std::int32_t last = partition ? partition->raw() : count - 1;
  std::size_t rows_left =
      rows_max == 0 ? limits::query_rows_default : std::min(rows_max, limits::query_rows_max);
  QueryReply all;
  for (std::int32_t i = first; i <= last; ++i) {
    if (rows_left == 0) {
      all.truncated = true;  // There may be more.
      break;
    }
    Query query{std::string(sql), static_cast<std::uint32_t>(rows_left)};
    PINION_TRY(reply, client::ask<QueryReply>(*inside_->driver,
                                              {name, PartitionIndex(i), std::move(query)},
                                              time_left(deadline)));
    if (all.columns.empty()) all.columns = std::move(reply.columns);
    for (auto& row : reply.rows) all.rows.push_back(std::move(row));
    rows_left -= std::min(rows_left, reply.rows.size());
    all.truncated |= reply.truncated;
  }
  return all;
}

}  // namespace pinion
