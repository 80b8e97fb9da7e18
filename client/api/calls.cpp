#include "client/api/calls.hpp"

#include "client/api/client_inside.hpp"
#include "client/driver/clock.hpp"
#include "common/base/checksum.hpp"
#include "common/base/limits.hpp"
#include "common/proto/validate.hpp"

#include <algorithm>
#include <utility>

namespace pinion {
namespace {

using client::CallDone;
using client::ClientDriver;

/// The answer's body, or why there is none.
template <typename Reply>
Result<Reply> body_of(CallDone& done) {
  if (!done.reply) return failure(std::move(done.reply.error()));
  auto* body = std::get_if<Reply>(&done.reply->body);
  if (body == nullptr) return failure(Errc::malformed, "the answer is of another kind");
  return std::move(*body);
}

/// One request, and its answer's body as it is.
template <typename Reply>
void ask(ClientDriver& driver, ClientDriver::Ask what, Micros timeout, Calls::Then<Reply> then) {
  driver.call(std::move(what), timeout,
              [then = std::move(then)](CallDone&& done) { then(body_of<Reply>(done)); });
}

/// One request whose answer says no more than that it was done.
template <typename Reply>
void ask_done(ClientDriver& driver, ClientDriver::Ask what, Micros timeout,
              Calls::Then<void> then) {
  driver.call(std::move(what), timeout, [then = std::move(then)](CallDone&& done) {
    auto reply = body_of<Reply>(done);
    then(reply ? Result<void>() : failure(std::move(reply.error())));
  });
}

Result<FetchAnswer> unpack_fetched(const FetchCall& asked, Message&& answer) {
  const auto* reply = std::get_if<FetchReply>(&answer.body);
  if (reply == nullptr || answer.records.size() != reply->batches.size()) {
    return failure(Errc::malformed, "the answer is of another kind");
  }
  FetchAnswer fetched;
  fetched.next = asked.offset;
  fetched.last_epoch = asked.last_epoch;
  fetched.log_start = reply->log_start;
  fetched.high_watermark = reply->high_watermark;
  const auto topic = std::make_shared<const std::string>(asked.topic);
  for (std::size_t i = 0; i < reply->batches.size(); ++i) {
    const BatchHeader& header = reply->batches[i];
    const Bytes& payload = answer.records[i];
    PINION_CHECK(check_batch(header, payload.view(), limits::record_bytes_ceiling));
    const std::int64_t skip = std::max<std::int64_t>(0, fetched.next - header.base_offset);
    if (skip >= std::int64_t{header.record_count}) continue;
    BatchReader reader(payload.view());
    RecordView view;
    std::size_t skip_bytes = 0;
    for (std::int64_t k = 0; k < skip && reader.next(view); ++k) skip_bytes += encoded_size(view);
    RecordBatch::Run run;
    run.topic = topic;
    run.partition = asked.partition;
    run.first = header.base_offset + skip;
    run.first_log_time = header.append_time + Micros(skip);
    run.count = header.record_count - static_cast<std::uint32_t>(skip);
    const std::size_t kept = payload.size() - skip_bytes;
    // The small end of a batch, held for a slow reader, does not hold the whole of it.
    run.records = skip_bytes > kept ? Bytes::copy_of(payload.view().substr(skip_bytes))
                                    : payload.slice(skip_bytes, kept);
    fetched.records.add(std::move(run));
    fetched.next = header.next_offset();
    fetched.last_epoch = header.leader_epoch;
  }
  return fetched;
}

/// Asks until what the broker says of a topic is what this client knows of it too: the second
/// answer at the latest comes after the news that the first question's watch asked for.
void look_up(const std::shared_ptr<ClientDriver>& driver, const std::string& name, Micros deadline,
             Calls::Then<Calls::Topic> then) {
  const Micros left = std::max(Micros(1ms), deadline - client::monotonic_now());
  driver->call({{}, {}, MetadataRequest{{name}}}, left,
               [weak = std::weak_ptr(driver), name, deadline,
                then = std::move(then)](CallDone&& done) mutable {
                 auto reply = body_of<MetadataReply>(done);
                 if (!reply) return then(failure(std::move(reply.error())));
                 if (reply->topics.empty()) {
                   return then(failure(Errc::unknown_topic, "topic '" + name + "' does not exist"));
                 }
                 const auto alive = weak.lock();
                 if (!alive) return then(failure(Errc::closed, "the client is closed"));
                 if (auto watched = alive->watch(name); !watched) {
                   return then(failure(std::move(watched.error())));
                 }
                 if (auto known = alive->topics().find(name)) return then(std::move(known));
                 if (client::monotonic_now() >= deadline) {
                   return then(failure(Errc::timed_out,
                                       "the news of topic '" + name + "' did not come in time"));
                 }
                 look_up(alive, name, deadline, std::move(then));
               });
}

}  // namespace

// ---- Topics and the cluster

Calls::Topic Calls::known_topic(const std::string& name) const {
  return inside_->driver->topics().find(name);
}

void Calls::find_topic(const std::string& name, Micros timeout, Then<Topic> then) {
  if (auto known = known_topic(name)) return then(std::move(known));
  if (auto valid = validate_topic_name(name); !valid) return then(failure(valid.error()));
  look_up(inside_->driver, name, client::monotonic_now() + timeout, std::move(then));
}

void Calls::create_topic(const std::string& name, const TopicConfig& config, Micros timeout,
                         Then<TopicMetadata> then) {
  if (auto valid = validate_topic_name(name); !valid) return then(failure(valid.error()));
  const Micros deadline = client::monotonic_now() + timeout;
  inside_->driver->call(
      {{}, {}, CreateTopic{name, config}}, timeout,
      [calls = *this, name, config, deadline, then = std::move(then)](CallDone&& done) mutable {
        auto reply = body_of<CreateTopicReply>(done);
        if (reply) return then(std::move(reply->topic));
        if (reply.error().code != Errc::topic_exists || !done.repeated) {
          return then(failure(std::move(reply.error())));
        }
        // An attempt whose answer was lost may have made it.
        const Micros left = std::max(Micros(1ms), deadline - client::monotonic_now());
        calls.find_topic(
            name, left, [config, why = reply.error(), then = std::move(then)](Result<Topic> topic) {
              TopicConfig wanted = config;
              if (topic && wanted.replication == 0) {
                wanted.replication = (*topic)->config.replication;
              }
              if (topic && (*topic)->config == wanted) return then(**topic);
              then(failure(why));
            });
      });
}

void Calls::delete_topic(const std::string& name, Micros timeout, Then<void> then) {
  if (auto valid = validate_topic_name(name); !valid) return then(failure(valid.error()));
  inside_->driver->call(
      {{}, {}, DeleteTopic{name}}, timeout, [then = std::move(then)](CallDone&& done) {
        auto reply = body_of<DeleteTopicReply>(done);
        const bool gone = !reply && done.repeated && reply.error().code == Errc::unknown_topic;
        if (reply || gone) return then({});
        then(failure(std::move(reply.error())));
      });
}

void Calls::alter_topic(const AlterTopic& change, Micros timeout, Then<TopicMetadata> then) {
  if (auto valid = validate_topic_name(change.name); !valid) return then(failure(valid.error()));
  ask<AlterTopicReply>(*inside_->driver, {{}, {}, change}, timeout,
                       [then = std::move(then)](Result<AlterTopicReply> reply) {
                         if (!reply) return then(failure(std::move(reply.error())));
                         then(std::move(reply->topic));
                       });
}

void Calls::command_node(NodeCommand command, NodeId node, Micros timeout,
                         Then<std::uint32_t> then) {
  ask<CommandNodeReply>(*inside_->driver, {{}, {}, CommandNode{command, node}}, timeout,
                        [then = std::move(then)](Result<CommandNodeReply> reply) {
                          if (!reply) return then(failure(std::move(reply.error())));
                          then(reply->moves);
                        });
}

void Calls::list_topics(Micros timeout, Then<std::vector<TopicMetadata>> then) {
  ask<MetadataReply>(*inside_->driver, {{}, {}, MetadataRequest{}}, timeout,
                     [then = std::move(then)](Result<MetadataReply> reply) {
                       if (!reply) return then(failure(std::move(reply.error())));
                       then(std::move(reply->topics));
                     });
}

void Calls::cluster_status(Micros timeout, Admin::Partitions with, Then<ClusterStatusReply> then) {
  ask(*inside_->driver, {{}, {}, ClusterStatusRequest{with == Admin::Partitions::yes}}, timeout,
      std::move(then));
}

void Calls::ping(Micros timeout, Then<void> then) {
  ask_done<Pong>(*inside_->driver, {{}, {}, Ping{}}, timeout, std::move(then));
}

// ---- Registrations

void Calls::register_producer(const std::string& topic, const std::string& name,
                              Admin::CreateTopics create, Micros timeout, Then<Registered> then) {
  if (auto valid = validate_topic_name(topic); !valid) return then(failure(valid.error()));
  RegisterProducer request{topic, name, create == Admin::CreateTopics::yes};
  ask<RegisterProducerReply>(*inside_->driver, {{}, {}, std::move(request)}, timeout,
                             [then = std::move(then)](Result<RegisterProducerReply> reply) {
                               if (!reply) return then(failure(std::move(reply.error())));
                               then(Registered{reply->id, std::move(reply->topic)});
                             });
}

void Calls::register_consumer(const std::string& topic, const std::string& name, Micros timeout,
                              Then<Registered> then) {
  if (auto valid = validate_topic_name(topic); !valid) return then(failure(valid.error()));
  ask<RegisterConsumerReply>(*inside_->driver, {{}, {}, RegisterConsumer{topic, name}}, timeout,
                             [then = std::move(then)](Result<RegisterConsumerReply> reply) {
                               if (!reply) return then(failure(std::move(reply.error())));
                               then(Registered{reply->id, std::move(reply->topic)});
                             });
}

void Calls::find_registration(ClientKind of, RegistrationId id, Micros timeout,
                              Then<FindRegistrationReply> then) {
  ask(*inside_->driver, {{}, {}, FindRegistration{of, id}}, timeout, std::move(then));
}

// ---- Positions

void Calls::list_offset(const TopicPartition& partition, Place place, Micros timeout,
                        Then<Offset> then) {
  ListOffset request;
  switch (place.kind) {
    case Place::Kind::offset:
      return then(failure(Errc::invalid_argument, "an offset needs no looking up"));
    case Place::Kind::earliest:
      break;
    case Place::Kind::latest:
      request.spec = OffsetSpec::latest;
      break;
    case Place::Kind::timestamp:
      request.spec = OffsetSpec::timestamp;
      request.timestamp = place.timestamp;
      break;
  }
  ask<ListOffsetReply>(*inside_->driver, {partition.topic, partition.partition, request}, timeout,
                       [then = std::move(then)](Result<ListOffsetReply> reply) {
                         if (!reply) return then(failure(std::move(reply.error())));
                         then(reply->offset);
                       });
}

void Calls::fetch_position(const TopicPartition& partition, const std::string& reader,
                           const std::string& token, Micros timeout,
                           Then<FetchPositionReply> then) {
  FetchPosition request{client::reader_of(reader), token};
  if (auto valid = validate_reader(request.reader); !valid) return then(failure(valid.error()));
  ask(*inside_->driver, {partition.topic, partition.partition, std::move(request)}, timeout,
      std::move(then));
}

void Calls::commit_position(const TopicPartition& partition, const std::string& reader, Offset next,
                            Epoch last_epoch, Micros timeout, Then<void> then) {
  CommitPosition request{client::reader_of(reader), next, last_epoch};
  if (auto valid = validate_reader(request.reader); !valid) return then(failure(valid.error()));
  ask_done<CommitPositionReply>(*inside_->driver,
                                {partition.topic, partition.partition, std::move(request)}, timeout,
                                std::move(then));
}

// ---- Records

void Calls::dequeue(const DequeueCall& dequeue, Micros timeout, Then<DequeuedRecord> then) {
  if (auto valid = validate_reader(dequeue.reader); !valid) return then(failure(valid.error()));
  inside_->driver->call(
      {dequeue.topic, dequeue.partition, Dequeue{dequeue.reader, dequeue.token, dequeue.send_on}},
      timeout,
      [topic = dequeue.topic, partition = dequeue.partition,
       then = std::move(then)](CallDone&& done) {
        if (!done.reply) return then(failure(std::move(done.reply.error())));
        then(client::unpack_dequeued(topic, partition, std::move(*done.reply)));
      });
}

void Calls::fetch(const FetchCall& fetch, Micros timeout, Then<FetchAnswer> then) {
  Fetch request;
  request.offset = fetch.offset;
  request.last_epoch = fetch.last_epoch;
  request.bytes_max = fetch.bytes_max;
  request.wait_ms =
      static_cast<std::uint32_t>(std::clamp(fetch.wait, Micros{0}, limits::fetch_wait_max) / 1ms);
  inside_->driver->call({fetch.topic, fetch.partition, request}, timeout,
                        [fetch, then = std::move(then)](CallDone&& done) {
                          if (!done.reply) return then(failure(std::move(done.reply.error())));
                          then(unpack_fetched(fetch, std::move(*done.reply)));
                        });
}

void Calls::produce(NumberedBatch batch, Micros timeout, Then<Offset> then) {
  Produce request;
  request.batch.producer_id = producer_of(batch.producer);
  request.batch.base_sequence = batch.sequence;
  request.batch.record_count = batch.record_count;
  request.batch.crc = crc32c(batch.payload.view());
  inside_->driver->call(
      {std::move(batch.topic), batch.partition, request, {std::move(batch.payload)}}, timeout,
      [then = std::move(then)](CallDone&& done) {
        auto reply = body_of<ProduceReply>(done);
        if (!reply) return then(failure(std::move(reply.error())));
        then(reply->base_offset);
      });
}

void Calls::query(const TopicPartition& partition, const std::string& sql, std::uint32_t rows_max,
                  Micros timeout, Then<QueryReply> then) {
  if (sql.empty() || sql.size() > limits::sql_bytes_max) {
    return then(failure(Errc::sql_invalid, "the statement is empty or too long"));
  }
  ask(*inside_->driver, {partition.topic, partition.partition, Query{sql, rows_max}}, timeout,
      std::move(then));
}

}  // namespace pinion
