// Admin: topics, nodes, positions, offsets and SQL. Every call waits for its answer, at most
// `timeout`, and may be made from any thread but the client's I/O thread (a callback).
//
// Errors all calls may give: timed_out (sent, not answered: it may have happened), connection_lost
// ("no broker answers at tcp://…: is pinion-broker running?": it has not happened, or, when the
// detail says so, may have), invalid_argument, closed. Retriable refusals are retried until the
// timeout; the last one is then the answer.
#pragma once

#include "client/api/consumer.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

struct ReaderPosition {
  Offset next = offset_unassigned;  ///< -1: this reader has no position there.
  Epoch leader_epoch{0};
  Offset high_watermark{0};
  Offset log_start{0};
};

class Admin {
 public:
  /// Answered when every partition serves, or at the timeout. With `replication` 0 each is kept on
  /// three nodes, or as many as there are. Errors: topic_exists,
  /// invalid_argument, no_nodes, limit_reached.
  [[nodiscard]] Result<TopicMetadata> create_topic(std::string_view name, const TopicConfig& config,
                                                   Micros timeout);
  /// unknown_topic.
  [[nodiscard]] Result<void> delete_topic(std::string_view name, Micros timeout);
  /// Answered when it is decided durably; replicas that are to move go on moving after it. Errors:
  /// unknown_topic, invalid_argument, no_nodes.
  [[nodiscard]] Result<TopicMetadata> alter_topic(const AlterTopic& change, Micros timeout);
  /// Returns how many partitions are being moved because of it.
  [[nodiscard]] Result<std::uint32_t> command_node(NodeCommand command, NodeId node,
                                                   Micros timeout);
  /// All topics, in order of their creation.
  [[nodiscard]] Result<std::vector<TopicMetadata>> list_topics(Micros timeout);
  /// unknown_topic.
  [[nodiscard]] Result<TopicMetadata> describe_topic(std::string_view name, Micros timeout);

  enum class Partitions : std::uint8_t { no, yes };
  [[nodiscard]] Result<ClusterStatusReply> cluster_status(Micros timeout,
                                                          Partitions with = Partitions::yes);
  /// The time of one round trip to the broker.
  [[nodiscard]] Result<Micros> ping(Micros timeout);

  enum class CreateTopics : std::uint8_t { no, yes };
  /// A non-empty name makes it idempotent: same name and topic, same number. Without one, a retry
  /// after a lost answer may register twice.
  [[nodiscard]] Result<RegistrationId> register_producer(std::string_view topic,
                                                         std::string_view name, Micros timeout,
                                                         CreateTopics create = CreateTopics::no);
  [[nodiscard]] Result<RegistrationId> register_consumer(std::string_view topic,
                                                         std::string_view name, Micros timeout);

  /// The offset of a place in a partition (Place::at is answered as it is).
  [[nodiscard]] Result<Offset> list_offset(const TopicPartition& partition, Place place,
                                           Micros timeout);

  /// `reader`: "consumer:NAME", "id:N"; without a known prefix, "consumer:" is added.
  [[nodiscard]] Result<ReaderPosition> fetch_position(const TopicPartition& partition,
                                                      std::string_view reader, Micros timeout);
  /// `next` = -1 forgets the position.
  [[nodiscard]] Result<void> commit_position(const TopicPartition& partition,
                                             std::string_view reader, Offset next, Micros timeout);

  /// SQL on what is committed, read-only. One partition, or all of them one after the other, their
  /// rows concatenated (select the column `partition` to tell them apart; aggregates are made a
  /// partition). At most `rows_max` rows in all; 0: query_rows_default. Errors: sql_invalid,
  /// sql_refused, sql_limit.
  [[nodiscard]] Result<QueryReply> query(std::string_view topic, std::string_view sql,
                                         std::optional<PartitionIndex> partition,
                                         std::uint32_t rows_max, Micros timeout);

  struct Inside;  ///< Private to the library.
  explicit Admin(std::shared_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}

 private:
  std::shared_ptr<Inside> inside_;
};

}  // namespace pinion
