#include "client/api/consumer.hpp"

#include "client/api/client_inside.hpp"
#include "client/driver/clock.hpp"
#include "client/driver/consumer_buffer.hpp"
#include "common/base/limits.hpp"
#include "common/proto/validate.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

namespace pinion {

struct Consumer::Inside {
  std::shared_ptr<client::ClientDriver> driver;
  std::shared_ptr<client::ConsumerBuffer> buffer;
  client::ConsumerHandle handle{0};
  bool named = false;
  CommitMode commit = CommitMode::manual;
  std::mutex close_mutex;
  bool closed = false;

  Result<void> commit_all(std::vector<client::ReadPosition> positions, Micros timeout) const;
};

void RecordBatch::add(Run run) {
  if (run.count == 0) return;
  size_ += run.count;
  runs_.push_back(std::move(run));
}

namespace {

Result<void> check_topics(client::ClientDriver& driver, const ConsumerOptions& options) {
  const Micros deadline = client::monotonic_now() + options.open_timeout;
  const auto left = [&] { return std::max(Micros{0}, deadline - client::monotonic_now()); };
  for (const std::string& name : options.topics) {
    PINION_CHECK(client::find_topic(driver, name, left()));
  }
  for (const TopicPartition& one : options.partitions) {
    PINION_TRY(topic, client::find_topic(driver, one.topic, left()));
    const auto count = static_cast<std::int32_t>(topic->partitions.size());
    if (one.partition.raw() < 0 || one.partition.raw() >= count) {
      return failure(Errc::unknown_partition, "topic '" + one.topic + "' has the partitions 0 to " +
                                                  std::to_string(count - 1));
    }
  }
  return {};
}

Result<void> check_options(const ConsumerOptions& options) {
  if (options.topics.empty() && options.partitions.empty()) {
    return failure(Errc::invalid_argument, "no topic was named");
  }
  for (const std::string& name : options.topics) PINION_CHECK(validate_topic_name(name));
  for (const TopicPartition& one : options.partitions) {
    PINION_CHECK(validate_topic_name(one.topic));
  }
  if (!options.name.empty()) {
    if (const auto name = validate_reader(client::reader_of(options.name)); !name) {
      return failure(name.error().code, "the consumer's name is refused: " + name.error().detail);
    }
  }
  if (options.start.kind == Place::Kind::offset && options.start.offset < Offset{0}) {
    return failure(Errc::invalid_argument, "an offset is not negative");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Consumer>> Client::consumer(ConsumerOptions options) {
  PINION_CHECK(check_options(options));
  if (options.if_missing == MissingTopic::error) {
    PINION_CHECK(check_topics(*inside_->driver, options));
  }
  auto inside = std::make_shared<Consumer::Inside>();
  inside->driver = inside_->driver;
  inside->buffer = std::make_shared<client::ConsumerBuffer>(inside->driver->waker());
  inside->named = !options.name.empty();
  inside->commit = inside->named ? options.commit : CommitMode::manual;
  client::ConsumerSettings settings;
  settings.topics = std::move(options.topics);
  settings.partitions = std::move(options.partitions);
  if (inside->named) settings.reader = client::reader_of(options.name);
  settings.start = options.start;
  settings.ignore_committed = options.ignore_committed;
  settings.on_lost_position = options.on_lost_position;
  settings.if_missing = options.if_missing;
  settings.any_replica = options.any_replica;
  settings.fetch_bytes_max = std::clamp(options.fetch_bytes_max, limits::consumer_fetch_bytes_min,
                                        limits::fetch_bytes_max);
  settings.buffer_bytes_max =
      std::max(options.buffer_bytes_max, 2 * limits::consumer_fetch_bytes_min);
  const Micros every = inside->commit == CommitMode::automatic
                           ? std::max(options.auto_commit_every, Micros(10ms))
                           : never;
  PINION_TRY(handle, inside->driver->add_consumer({std::move(settings), inside->buffer, every}));
  inside->handle = handle;
  return std::make_unique<Consumer>(std::move(inside));
}

Consumer::Consumer(std::shared_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}
Consumer::~Consumer() {
  const std::lock_guard lock(inside_->close_mutex);
  if (inside_->closed) return;
  inside_->buffer->close();
  inside_->driver->remove_consumer(inside_->handle);
}

Result<RecordBatch> Consumer::poll(std::size_t records_max, Micros timeout) {
  return inside_->buffer->poll(records_max, timeout);
}

Result<void> Consumer::Inside::commit_all(std::vector<client::ReadPosition> positions,
                                          Micros timeout) const {
  if (!named) return failure(Errc::invalid_argument, "a consumer without a name keeps no position");
  if (positions.empty()) return {};
  if (driver->on_io_thread()) {
    return failure(Errc::invalid_argument, "commit() must not be called from inside a callback");
  }
  auto slot = std::make_shared<client::CallSlot>(positions.size());
  PINION_CHECK(driver->commit(handle, std::move(positions), timeout, slot));
  auto done = slot->wait(timeout + Micros(2s));
  if (!done) return failure(Errc::timed_out, "the client's I/O thread is held up by a callback");
  if (!done->reply) return failure(std::move(done->reply.error()));
  return {};
}

Result<void> Consumer::commit(Micros timeout) {
  return inside_->commit_all(inside_->buffer->returned(), timeout);
}

Result<void> Consumer::commit(const TopicPartition& partition, Offset next, Micros timeout) {
  if (next < Offset{0}) return failure(Errc::invalid_argument, "an offset is not negative");
  PINION_TRY(key, inside_->buffer->key_of(partition));
  return inside_->commit_all({{key, next, epoch_unknown}}, timeout);
}

Result<void> Consumer::seek(const TopicPartition& partition, Place place) {
  if (place.kind == Place::Kind::offset && place.offset < Offset{0}) {
    return failure(Errc::invalid_argument, "an offset is not negative");
  }
  PINION_TRY(sought, inside_->buffer->seek(partition));
  return inside_->driver->seek({inside_->handle, sought.key, sought.reading, place});
}

Result<void> Consumer::seek_all(Place place) {
  for (const TopicPartition& partition : inside_->buffer->partitions()) {
    PINION_CHECK(seek(partition, place));
  }
  return {};
}

std::vector<PartitionPosition> Consumer::positions() const { return inside_->buffer->positions(); }

Result<void> Consumer::close(Micros timeout) {
  const std::lock_guard lock(inside_->close_mutex);
  if (inside_->closed) return {};
  Result<void> committed;
  if (inside_->commit == CommitMode::automatic) {
    inside_->buffer->mark_processed();
    committed = inside_->commit_all(inside_->buffer->processed(), timeout);
  }
  inside_->closed = true;
  inside_->buffer->close();
  inside_->driver->remove_consumer(inside_->handle);
  return committed;
}

// ---- dequeue

namespace client {

Result<DequeuedRecord> unpack_dequeued(const std::string& topic, PartitionIndex partition,
                                       Message&& answer) {
  const auto* reply = std::get_if<DequeueReply>(&answer.body);
  if (reply == nullptr || answer.records.size() != 1) {
    return failure(Errc::malformed, "the answer is of another kind");
  }
  const Bytes& payload = answer.records.front();
  PINION_CHECK(check_batch(reply->batch, payload.view(), limits::record_bytes_ceiling));
  const std::int64_t index = reply->offset - reply->batch.base_offset;
  BatchReader reader(payload.view());
  RecordView view;
  for (std::int64_t i = 0; i <= index; ++i) {
    if (index < 0 || !reader.next(view)) {
      return failure(Errc::corrupt_record, "the answer does not hold the record it names");
    }
  }
  DequeuedRecord record;
  record.topic = topic;
  record.memory = payload;
  record.record.partition = partition;
  record.record.offset = reply->offset;
  record.record.timestamp = view.timestamp;
  record.record.log_time = reply->batch.append_time + Micros(index);
  record.record.key = view.key;
  record.record.headers = view.headers;
  record.record.value = view.value;
  record.lag = std::max<std::int64_t>(0, reply->high_watermark - reply->offset - 1);
  return record;
}

}  // namespace client

Result<DequeuedRecord> Client::dequeue(const DequeueOptions& options, Micros timeout) {
  client::ClientDriver& driver = *inside_->driver;
  const Micros deadline = client::monotonic_now() + timeout;
  PINION_TRY(topic, client::find_topic(driver, options.topic, timeout));
  const auto count = static_cast<std::int32_t>(topic->partitions.size());
  if (!options.partition && !options.token.empty() && count > 1) {
    return failure(Errc::invalid_argument,
                   "with a token and several partitions the partition must be named, so that a "
                   "repeat asks the same one");
  }
  const std::string reader = client::reader_of(options.reader);
  PINION_CHECK(validate_reader(reader));
  static std::atomic<std::uint32_t> turn{0};
  const std::uint32_t first = turn.fetch_add(1, std::memory_order_relaxed);
  const std::int32_t tries = options.partition ? 1 : count;
  Error nothing = fail(Errc::nothing_unread, "everything is read");
  for (std::int32_t i = 0; i < tries; ++i) {
    const auto next = static_cast<std::int32_t>((first + static_cast<std::uint32_t>(i)) %
                                                static_cast<std::uint32_t>(std::max(1, count)));
    const PartitionIndex partition = options.partition.value_or(PartitionIndex(next));
    const Micros left = deadline - client::monotonic_now();
    if (left <= Micros{0} && i > 0) break;
    PINION_TRY(done, driver.call({options.topic, partition, Dequeue{reader, options.token}}, left));
    if (done.reply)
      return client::unpack_dequeued(options.topic, partition, std::move(*done.reply));
    if (done.reply.error().code != Errc::nothing_unread) {
      return failure(std::move(done.reply.error()));
    }
    nothing = std::move(done.reply.error());
  }
  return failure(std::move(nothing));
}

}  // namespace pinion
