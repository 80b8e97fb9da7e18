// Dequeue. From a named partition, or a topic's only one, it is one request. From any of several:
//
//   1. A dequeue at the first partition: the request id's own choice, or the next in turn.
//   2. Nothing there: all partitions are asked how much is unread, and whether they know the id.
//   3. The first partition sends the id on, durably, to the next one that has something.
//   4. A dequeue at the one it was sent on to.
//
// A repeat with the same request id, from whichever gateway, begins at the same partition and is
// sent on to the same one; so it ends at the same record, whatever came or went meanwhile. Without
// an id nothing has to be found again, and step 3 is left out.
#include "gateway/cluster/cluster.hpp"
#include "gateway/core/answers.hpp"
#include "gateway/core/turns.hpp"
#include "gateway/http/clock.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace pinion::gateway {
namespace {

constexpr PartitionIndex nowhere{-1};
/// For step 2: a partition whose broker has just died is done without.
constexpr Micros ask_within = 2s;

std::string reader_of(RegistrationId consumer) { return "id:" + std::to_string(consumer.raw()); }

HttpAnswer dequeued(const DequeuedRecord& record) {
  JsonObject object = success();
  add_message(object, record.record.value);
  object.add("offset", record.record.offset.raw());
  object.add("partition_id", std::int64_t{record.record.partition.raw()});
  return answer(std::move(object));
}

/// With an id, an attempt before this one may have been carried out, by whoever does not answer now
/// or refuses this one. Nobody here knows.
std::optional<Fate> fate_with(const std::string& id) {
  return id.empty() ? std::nullopt : std::optional(Fate::unknown);
}

HttpAnswer not_dequeued(const Error& error, const std::string& topic, const std::string& id) {
  return id.empty() ? failed(error, topic) : failed(error, topic, Fate::unknown);
}

/// One dequeue from any partition of a topic. Lives as long as its callbacks; on one of them at a
/// time, but for the questions of step 2, which share the mutex.
class AnyDequeue : public std::enable_shared_from_this<AnyDequeue> {
 public:
  AnyDequeue(Calls calls, Cluster::Topic topic, const DequeueCommand& command, std::uint32_t first,
             Micros timeout, Cluster::Respond respond)
      : calls_(std::move(calls)),
        topic_(std::move(topic)),
        reader_(reader_of(command.consumer)),
        token_(command.request_id),
        deadline_(monotonic_now() + timeout),
        first_(PartitionIndex(static_cast<std::int32_t>(first % topic_->partitions.size()))),
        replies_(topic_->partitions.size()),
        respond_(std::move(respond)) {}

  void begin() {
    if (!serves(first_)) {
      // With an id it may have been carried out there: elsewhere it would be another message.
      if (has_token()) return respond_(away(first_));
      return ask_all();
    }
    dequeue(first_, nowhere, [self = shared_from_this()] { self->ask_all(); });
  }

 private:
  [[nodiscard]] bool has_token() const noexcept { return !token_.empty(); }
  [[nodiscard]] bool serves(PartitionIndex partition) const {
    return topic_->partitions[static_cast<std::size_t>(partition.raw())].state ==
           PartitionState::online;
  }
  [[nodiscard]] HttpAnswer away(PartitionIndex partition) const {
    return not_dequeued(
        {Errc::partition_offline, "partition " + std::to_string(partition.raw()) + " of topic '" +
                                      topic_->name + "' has no leader at the moment"},
        topic_->name, token_);
  }
  /// All steps together end in time.
  [[nodiscard]] Micros left() const { return std::max(Micros(1ms), deadline_ - monotonic_now()); }
  void answer_empty() { respond_(failed({Errc::nothing_unread, {}}, topic_->name)); }

  /// `empty` goes on when there is nothing.
  void dequeue(PartitionIndex partition, PartitionIndex send_on, std::function<void()> empty) {
    calls_.dequeue(
        {topic_->name, partition, reader_, token_, send_on}, left(),
        [self = shared_from_this(), empty = std::move(empty)](Result<DequeuedRecord> record) {
          if (record) return self->respond_(dequeued(*record));
          if (record.error().code == Errc::nothing_unread) return empty();
          self->respond_(not_dequeued(record.error(), self->topic_->name, self->token_));
        });
  }

  void ask_all() {
    std::vector<PartitionIndex> asked;
    for (const PartitionMetadata& one : topic_->partitions) {
      if (serves(one.partition)) asked.push_back(one.partition);
    }
    if (asked.empty()) return respond_(away(first_));
    left_ = asked.size();
    for (const PartitionIndex partition : asked) {
      calls_.fetch_position(
          {topic_->name, partition}, reader_, token_, std::min(ask_within, left()),
          [self = shared_from_this(), partition](Result<FetchPositionReply> reply) {
            self->on_reply(partition, std::move(reply));
          });
    }
  }

  void on_reply(PartitionIndex partition, Result<FetchPositionReply> reply) {
    {
      const std::lock_guard lock(mutex_);
      if (reply) replies_[static_cast<std::size_t>(partition.raw())] = *reply;
      if (--left_ > 0) return;
    }
    choose();
  }

  void choose() {
    const auto& at_first = replies_[static_cast<std::size_t>(first_.raw())];
    if (has_token()) {
      if (!at_first) return respond_(away(first_));
      if (at_first->token_partition >= PartitionIndex{0}) return go_to(at_first->token_partition);
    }
    const std::size_t count = replies_.size();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t index = (static_cast<std::size_t>(first_.raw()) + i) % count;
      const auto& reply = replies_[index];
      if (!reply || std::max(reply->offset, reply->log_start) >= reply->high_watermark) continue;
      const PartitionIndex partition(static_cast<std::int32_t>(index));
      return partition == first_ || !has_token() ? go_to(partition) : send_on_to(partition);
    }
    answer_empty();
  }

  void send_on_to(PartitionIndex partition) {
    dequeue(first_, partition, [self = shared_from_this()] {
      // Another attempt may have been sent elsewhere before: where, the first partition knows.
      self->calls_.fetch_position(
          {self->topic_->name, self->first_}, self->reader_, self->token_, self->left(),
          [self](Result<FetchPositionReply> reply) {
            if (!reply) {
              return self->respond_(not_dequeued(reply.error(), self->topic_->name, self->token_));
            }
            if (reply->token_partition < PartitionIndex{0}) return self->answer_empty();
            self->go_to(reply->token_partition);
          });
    });
  }

  void go_to(PartitionIndex partition) {
    dequeue(partition, nowhere, [self = shared_from_this()] { self->answer_empty(); });
  }

  Calls calls_;
  const Cluster::Topic topic_;
  const std::string reader_;
  const std::string token_;
  const Micros deadline_;
  const PartitionIndex first_;
  std::mutex mutex_;
  std::size_t left_ = 0;
  std::vector<std::optional<FetchPositionReply>> replies_;
  const Cluster::Respond respond_;
};

}  // namespace

std::uint32_t Cluster::next_turn(RegistrationId consumer) {
  const std::lock_guard lock(mutex_);
  constexpr std::size_t consumers_max = 100'000;  // Beyond, the turns begin anew.
  if (turns_.size() >= consumers_max) turns_.clear();
  return turns_[consumer.raw()]++;
}

void Cluster::on(DequeueCommand& given, Respond respond) {
  const auto command = std::make_shared<DequeueCommand>(std::move(given));
  with_client(
      ClientKind::consumer, command->topic, command->consumer, command->partition, respond,
      [this, command, respond](const Topic& topic, MaybePartition partition) {
        if (!partition && topic->partitions.size() == 1) partition = PartitionIndex(0);
        if (partition) {
          calls_.dequeue(
              {topic->name, *partition, reader_of(command->consumer), command->request_id, nowhere},
              options_.answer_within,
              [this, topic, command, respond](Result<DequeuedRecord> record) {
                if (!record) {
                  return respond(not_dequeued(record.error(), topic->name, command->request_id));
                }
                note_position(topic->id, record->record.partition, command->consumer,
                              record->record.offset + 1);
                respond(dequeued(*record));
              });
          return;
        }
        const std::uint32_t first = command->request_id.empty()
                                        ? next_turn(command->consumer)
                                        : turn_of_request(command->request_id);
        std::make_shared<AnyDequeue>(calls_, topic, *command, first, options_.answer_within,
                                     respond)
            ->begin();
      },
      fate_with(command->request_id));
}

}  // namespace pinion::gateway
