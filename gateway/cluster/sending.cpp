// Enqueue and batches.
#include "gateway/cluster/cluster.hpp"
#include "gateway/core/answers.hpp"
#include "gateway/core/read_records.hpp"

#include "common/proto/record_headers.hpp"

#include <chrono>
#include <utility>

namespace pinion::gateway {
namespace {

Micros wall_now() {
  return std::chrono::duration_cast<Micros>(std::chrono::system_clock::now().time_since_epoch());
}

HttpAnswer enqueued(PartitionIndex partition, Offset offset) {
  JsonObject object = success();
  object.add("partition_id", std::int64_t{partition.raw()});
  // Of a repeat that was recognised after its place had been forgotten nobody knows it.
  if (offset >= Offset{0}) object.add("offset", offset.raw());
  return answer(std::move(object));
}

Error unknown_fate(const Error& error) {
  return {Errc::timed_out, "It is not known whether it was stored (" + error.to_string() +
                               "); send it again, with a partition and the same sequence to be "
                               "sure that it is stored once"};
}

}  // namespace

MaybePartition Cluster::partition_with_leader(const TopicMetadata& topic) {
  const auto serves = [](const PartitionMetadata& partition) {
    return partition.state == PartitionState::online;
  };
  const auto& all = topic.partitions;
  if (std::all_of(all.begin(), all.end(), serves)) return std::nullopt;
  const std::size_t first = turn_.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const PartitionMetadata& one = all[(first + i) % all.size()];
    if (serves(one)) return one.partition;
  }
  return std::nullopt;
}

void Cluster::on(EnqueueCommand& given, Respond respond) {
  const auto command = std::make_shared<EnqueueCommand>(std::move(given));
  with_client(ClientKind::producer, command->topic, command->producer, command->partition, respond,
              [this, command, respond](const Topic& topic, MaybePartition partition) {
                if (command->sequence) {
                  enqueue_numbered(topic, *command, *partition, respond);
                } else {
                  enqueue(topic, partition, command->message, respond);
                }
              });
}

void Cluster::enqueue_numbered(const Topic& topic, const EnqueueCommand& command,
                               PartitionIndex partition, Respond respond) {
  std::vector<RecordToSend> one(1);
  one.front().value = command.message;
  NumberedBatch batch{command.topic,     partition, command.producer,
                      *command.sequence, 1,         Bytes(encode_payload(one, wall_now()))};
  calls_.produce(std::move(batch), options_.answer_within,
                 [this, topic, partition, respond](Result<Offset> offset) {
                   if (!offset) return respond(failed(offset.error(), topic->name));
                   note_end(topic->id, partition, *offset + 1);
                   respond(enqueued(partition, *offset));
                 });
}

void Cluster::enqueue(const Topic& topic, MaybePartition partition, const std::string& message,
                      Respond respond) {
  auto handle = producer_->topic(topic->name, Micros{0});
  if (!handle) return respond(failed(handle.error(), topic->name));
  ProducerRecord record;
  record.value = message;
  record.partition = partition ? partition : partition_with_leader(*topic);
  auto sent =
      producer_->send(*handle, record, [this, respond, topic](const DeliveryReport& report) {
        if (report.outcome == Outcome::acknowledged) {
          note_end(topic->id, report.partition, report.offset + 1);
          return respond(enqueued(report.partition, report.offset));
        }
        const bool unknown = report.outcome == Outcome::unknown;
        respond(failed(unknown ? unknown_fate(report.error) : report.error, topic->name));
      });
  if (!sent) respond(failed(sent.error(), topic->name));
}

// ---- A batch whose records go their own ways

namespace {

/// The answers of many sends, gathered into one.
class Gathering {
 public:
  Gathering(std::string topic, std::size_t count, Cluster::Respond respond)
      : topic_(std::move(topic)),
        left_(count),
        partitions_(count, -1),
        offsets_(count, -1),
        respond_(std::move(respond)) {}

  void put(std::size_t index, PartitionIndex partition, Offset offset) {
    partitions_[index] = partition.raw();
    offsets_[index] = offset.raw();
    finish_one();
  }
  void fail(const Error& error) {
    {
      const std::lock_guard lock(mutex_);
      // One whose fate nobody knows makes that the fate of all that failed.
      const bool is_unknown = fate_of(error.code) == Fate::unknown;
      if (!error_ || (is_unknown && fate_of(error_->code) != Fate::unknown)) error_ = error;
    }
    finish_one();
  }

 private:
  void finish_one() {
    if (left_.fetch_sub(1) > 1) return;
    Failure outcome = error_ ? failure_of(*error_, topic_) : Failure{200, success()};
    JsonArray partitions;
    JsonArray offsets;
    for (const std::int64_t partition : partitions_) partitions.add(partition);
    for (const std::int64_t offset : offsets_) offsets.add(offset);
    outcome.object.add("count", static_cast<std::int64_t>(offsets_.size()));
    outcome.object.add_json("partition_ids", partitions.take());
    outcome.object.add_json("offsets", offsets.take());
    respond_(answer(std::move(outcome)));
  }

  const std::string topic_;
  std::atomic<std::size_t> left_;
  std::vector<std::int64_t> partitions_;
  std::vector<std::int64_t> offsets_;
  std::mutex mutex_;
  std::optional<Error> error_;
  Cluster::Respond respond_;
};

Result<void> check_partitions(const TopicMetadata& topic,
                              const std::vector<RecordToSend>& records) {
  const auto count = static_cast<std::int32_t>(topic.partitions.size());
  for (const RecordToSend& record : records) {
    if (record.partition && record.partition->raw() >= count) {
      return failure(
          Errc::unknown_partition,
          "topic '" + topic.name + "' has the partitions 0 to " + std::to_string(count - 1));
    }
  }
  return {};
}

}  // namespace

void Cluster::on(SendRecordsCommand& command, Respond respond) {
  const std::string topic_name = command.topic;
  const auto producer = command.producer;
  auto shared = std::make_shared<SendRecordsCommand>(std::move(command));
  if (!producer) {
    return with_topic(topic_name, respond, [this, shared, respond](const Topic& topic) {
      send_all(topic, std::move(*shared), respond);
    });
  }
  with_client(ClientKind::producer, topic_name, *producer, std::nullopt, respond,
              [this, shared, respond](const Topic& topic, MaybePartition partition) {
                for (RecordToSend& record : shared->records) {
                  if (!record.partition) record.partition = partition;
                }
                send_all(topic, std::move(*shared), respond);
              });
}

void Cluster::send_all(const Topic& topic, SendRecordsCommand&& command, Respond respond) {
  if (auto valid = check_partitions(*topic, command.records); !valid) {
    return respond(failed(valid.error(), topic->name));
  }
  auto handle = producer_->topic(topic->name, Micros{0});
  if (!handle) return respond(failed(handle.error(), topic->name));
  const auto gathering =
      std::make_shared<Gathering>(topic->name, command.records.size(), std::move(respond));
  for (std::size_t i = 0; i < command.records.size(); ++i) {
    const RecordToSend& from = command.records[i];
    ProducerRecord record;
    std::vector<RecordHeader> headers;
    if (!from.headers.empty()) {
      if (auto parsed = parse_record_headers(from.headers)) headers = std::move(*parsed);
    }
    record.headers = headers;
    if (from.key) record.key = *from.key;
    record.value = from.value;
    record.timestamp = from.timestamp;
    record.partition = from.partition;
    if (!record.partition && !record.key) record.partition = partition_with_leader(*topic);
    auto sent = producer_->send(*handle, record, [gathering, i](const DeliveryReport& report) {
      if (report.outcome == Outcome::acknowledged) {
        return gathering->put(i, report.partition, report.offset);
      }
      const bool unknown = report.outcome == Outcome::unknown;
      gathering->fail(unknown ? unknown_fate(report.error) : report.error);
    });
    if (!sent) gathering->fail(sent.error());
  }
}

// ---- One batch of a producer that numbers its records itself

void Cluster::on(SendBatchCommand& command, Respond respond) {
  const std::string topic_name = command.topic;
  const RegistrationId producer = command.producer;
  const PartitionIndex partition = command.partition;
  NumberedBatch batch{topic_name,
                      partition,
                      producer,
                      command.sequence,
                      static_cast<std::uint32_t>(command.records.size()),
                      Bytes(encode_payload(command.records, wall_now()))};
  with_client(ClientKind::producer, topic_name, producer, partition, respond,
              [this, batch = std::move(batch), respond](const Topic&, MaybePartition) mutable {
                const std::int64_t count = batch.record_count;
                const PartitionIndex to = batch.partition;
                calls_.produce(std::move(batch), options_.answer_within,
                               [respond, count, to](Result<Offset> offset) {
                                 if (!offset) return respond(failed(offset.error(), {}));
                                 JsonObject object = success();
                                 object.add("count", count);
                                 object.add("partition_id", std::int64_t{to.raw()});
                                 object.add("offset", offset->raw());
                                 respond(answer(std::move(object)));
                               });
              });
}

}  // namespace pinion::gateway
