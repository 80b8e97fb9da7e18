// Calls: single requests that do not wait. For servers with thousands of them on their way at once,
// such as the HTTP gateway; a program that makes one after the other has it easier with Admin.
//
//   calls.dequeue({.topic = "jobs", .partition = PartitionIndex(0), .reader = "id:7"}, 10s,
//                 [](pinion::Result<pinion::DequeuedRecord> record) { ... });
//
// Every call takes a callback, which is called once, by the timeout at the latest: on the client's
// I/O thread, or before the call returns when it is refused here. It must be quick and must not
// wait; it may make further calls. Errors and retries are those of admin.hpp. Requests on their way
// share messages and commits as they come: many at once is what makes them fast.
#pragma once

#include "client/api/admin.hpp"
#include "client/api/consumer.hpp"
#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// One dequeue at one partition. See Dequeue in common/proto/messages.hpp.
struct DequeueCall {
  std::string topic{};
  PartitionIndex partition{0};
  std::string reader{};  ///< "consumer:NAME" or "id:N".
  std::string token{};   ///< Empty: the library makes one, for its own retries.
  PartitionIndex send_on{-1};
};

/// Records from one offset on.
struct FetchCall {
  std::string topic{};
  PartitionIndex partition{0};
  Offset offset{0};
  /// Of the last record that was read before `offset`; 0: none, or unknown. With it the answer is
  /// log_truncated when the log was cut below that record.
  Epoch last_epoch{0};
  std::uint32_t bytes_max = 0;  ///< 0: fetch_bytes_default.
  Micros wait{0};               ///< For something to read; at most fetch_wait_max.
};
struct FetchAnswer {
  RecordBatch records;  ///< From the asked offset on; empty: the wait was over.
  Offset next{0};       ///< Behind the last of them.
  Epoch last_epoch{0};  ///< Of the last of them, or the request's.
  Offset log_start{0};
  Offset high_watermark{0};
};

/// One batch of a registered producer that numbers its records itself. In the log whole or not at
/// all, and once: a repeat under the same sequence is answered as the first one was.
struct NumberedBatch {
  std::string topic{};
  PartitionIndex partition{0};
  RegistrationId producer{0};
  Sequence sequence{0};  ///< Of its first record.
  std::uint32_t record_count = 0;
  Bytes payload;  ///< As append_record() makes it.
};

struct Registered {
  RegistrationId id;
  TopicMetadata topic;
};

class Calls {
 public:
  template <typename T>
  using Then = std::function<void(Result<T>)>;
  using Topic = std::shared_ptr<const TopicMetadata>;

  /// As far as this client knows at this moment, without asking: nothing for a topic that does not
  /// exist or was never looked up. From any thread, at once.
  [[nodiscard]] Topic known_topic(const std::string& name) const;
  /// Looks it up and keeps it known. unknown_topic.
  void find_topic(const std::string& name, Micros timeout, Then<Topic> then);

  void create_topic(const std::string& name, const TopicConfig& config, Micros timeout,
                    Then<TopicMetadata> then);
  void delete_topic(const std::string& name, Micros timeout, Then<void> then);
  /// As Admin's.
  void alter_topic(const AlterTopic& change, Micros timeout, Then<TopicMetadata> then);
  /// How many partitions are being moved because of it.
  void command_node(NodeCommand command, NodeId node, Micros timeout, Then<std::uint32_t> then);
  void list_topics(Micros timeout, Then<std::vector<TopicMetadata>> then);
  void cluster_status(Micros timeout, Admin::Partitions with, Then<ClusterStatusReply> then);
  void ping(Micros timeout, Then<void> then);

  void register_producer(const std::string& topic, const std::string& name,
                         Admin::CreateTopics create, Micros timeout, Then<Registered> then);
  void register_consumer(const std::string& topic, const std::string& name, Micros timeout,
                         Then<Registered> then);
  /// unknown_reader.
  void find_registration(ClientKind of, RegistrationId id, Micros timeout,
                         Then<FindRegistrationReply> then);

  /// invalid_argument for a place that is an offset already.
  void list_offset(const TopicPartition& partition, Place place, Micros timeout, Then<Offset> then);
  /// With a token: is a dequeue with it known there?
  void fetch_position(const TopicPartition& partition, const std::string& reader,
                      const std::string& token, Micros timeout, Then<FetchPositionReply> then);
  /// `next` = -1 forgets the position. `last_epoch` as in FetchCall.
  void commit_position(const TopicPartition& partition, const std::string& reader, Offset next,
                       Epoch last_epoch, Micros timeout, Then<void> then);

  void dequeue(const DequeueCall& dequeue, Micros timeout, Then<DequeuedRecord> then);
  /// `timeout` should be above the wait.
  void fetch(const FetchCall& fetch, Micros timeout, Then<FetchAnswer> then);
  /// The offset of its first record.
  void produce(NumberedBatch batch, Micros timeout, Then<Offset> then);
  /// On one partition.
  void query(const TopicPartition& partition, const std::string& sql, std::uint32_t rows_max,
             Micros timeout, Then<QueryReply> then);

  struct Inside;  ///< Private to the library.
  explicit Calls(std::shared_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}

 private:
  std::shared_ptr<Inside> inside_;
};

}  // namespace pinion
