// What a request asks for, one struct a call. docs/HTTP.md says what each means. Plain values.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pinion::gateway {

using MaybePartition = std::optional<PartitionIndex>;  ///< None: any.

struct CreateTopicCommand {
  std::string topic;
  std::int32_t partitions = 1;
};
struct ListTopicsCommand {};
struct ListPartitionsCommand {
  std::string topic;
};
struct RegisterProducerCommand {
  std::string topic;
  MaybePartition partition;
};
struct RegisterConsumerCommand {
  std::string topic;
  MaybePartition partition;
};
struct EnqueueCommand {
  std::string topic;
  RegistrationId producer{0};
  std::string message;
  MaybePartition partition;
  std::optional<Sequence> sequence;  ///< Then the partition is there too.
};
struct DequeueCommand {
  std::string topic;
  RegistrationId consumer{0};
  MaybePartition partition;
  std::string request_id;
};
struct SizeCommand {
  std::string topic;
  RegistrationId consumer{0};
  MaybePartition partition;
};
struct HealthCommand {};
struct MetricsCommand {};

/// One record of a batch, encoded already; where it goes is still open.
struct RecordToSend {
  MaybePartition partition;
  std::optional<std::string> key;
  std::string headers;  ///< As JSON; empty: none.
  std::string value;
  Micros timestamp{0};  ///< 0: now.
};
struct SendRecordsCommand {
  std::string topic;
  std::vector<RecordToSend> records;
  std::optional<RegistrationId> producer;
};
/// One batch of a producer that numbers its records itself.
struct SendBatchCommand {
  std::string topic;
  RegistrationId producer{0};
  PartitionIndex partition{0};
  Sequence sequence{0};
  std::vector<RecordToSend> records;
};
/// Where reading begins.
struct ReadFrom {
  enum class Kind : std::uint8_t { earliest, latest, offset } kind = Kind::earliest;
  Offset offset{0};
};
struct ReadRecordsCommand {
  std::string topic;
  PartitionIndex partition{0};
  ReadFrom from;
  Micros wait{0};
  std::uint32_t records_max = 500;
};
struct ListPositionsCommand {
  std::string topic;
  RegistrationId consumer{0};
};
struct MovePositionCommand {
  std::string topic;
  PartitionIndex partition{0};
  RegistrationId consumer{0};
  Offset offset{0};
};
/// A stream, not an answer.
struct FollowCommand {
  std::string topic;
  MaybePartition partition;
  ReadFrom from;
  /// Next offsets by partition, of a Last-Event-ID.
  std::vector<std::pair<PartitionIndex, Offset>> go_on_at;
};
struct QueryCommand {
  std::string topic;
  std::string sql;
  MaybePartition partition;
  std::uint32_t rows_max = 0;
};
struct DescribeTopicCommand {
  std::string topic;
};
struct DeleteTopicCommand {
  std::string topic;
};
struct ClusterCommand {};

using Command =
    std::variant<CreateTopicCommand, ListTopicsCommand, ListPartitionsCommand,
                 RegisterProducerCommand, RegisterConsumerCommand, EnqueueCommand, DequeueCommand,
                 SizeCommand, HealthCommand, MetricsCommand, SendRecordsCommand, SendBatchCommand,
                 ReadRecordsCommand, ListPositionsCommand, MovePositionCommand, FollowCommand,
                 QueryCommand, DescribeTopicCommand, DeleteTopicCommand, ClusterCommand>;

}  // namespace pinion::gateway
