#include "client/api/producer.hpp"

#include "client/api/client_inside.hpp"
#include "client/core/key_hash.hpp"
#include "client/driver/accumulator.hpp"
#include "client/driver/clock.hpp"
#include "common/base/limits.hpp"
#include "common/proto/validate.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace pinion {

struct ProducerTopic::Inside {
  std::shared_ptr<client::TopicEntry> entry;
  std::atomic<std::uint64_t> version{0};  ///< Of the entry when it was last looked at.
  TopicId id;
  std::vector<client::Lane*> lanes;  ///< By partition.
  std::atomic<std::uint32_t> turn{0};
  const Producer::Inside* owner = nullptr;
};

struct Producer::Inside {
  std::shared_ptr<client::ClientDriver> driver;
  std::shared_ptr<client::Accumulator> accumulator;
  std::shared_ptr<client::ProducerTotals> totals;
  ProducerOptions options;
  client::ProducerHandle handle{0};
  std::mutex topics_mutex;
  std::map<std::string, ProducerTopic, std::less<>> topics;
  std::mutex close_mutex;
  bool closed = false;

  Result<ProducerTopic> topic(std::string_view name, Micros timeout);
  Result<void> send(ProducerTopic::Inside& topic, const ProducerRecord& record,
                    DeliveryCallback* callback);
  Result<void> look_again(ProducerTopic::Inside& topic) const;
  Result<client::Lane*> choose(ProducerTopic::Inside& topic, const ProducerRecord& record) const;
};

namespace {

Result<void> check_options(const ProducerOptions& options) {
  if (options.batch_bytes_max == 0 || options.batch_bytes_max > limits::batch_bytes_ceiling) {
    return failure(Errc::invalid_argument,
                   "batch_bytes_max must be 1 to " + std::to_string(limits::batch_bytes_ceiling));
  }
  if (options.buffer_bytes_max < options.batch_bytes_max) {
    return failure(Errc::invalid_argument, "buffer_bytes_max is less than one batch");
  }
  if (options.linger < Micros{0} || options.delivery_timeout <= Micros{0}) {
    return failure(Errc::invalid_argument, "a duration is negative");
  }
  return {};
}

}  // namespace

// ---- Topics

ProducerTopic::ProducerTopic(std::shared_ptr<Inside> inside) noexcept
    : inside_(std::move(inside)) {}
std::string_view ProducerTopic::name() const noexcept {
  return inside_ ? std::string_view(*inside_->entry->name) : std::string_view();
}
TopicId ProducerTopic::id() const noexcept { return inside_ ? inside_->id : TopicId{0}; }
std::int32_t ProducerTopic::partition_count() const noexcept {
  return inside_ ? static_cast<std::int32_t>(inside_->lanes.size()) : 0;
}

PartitionIndex partition_of_key(std::string_view key, std::int32_t partition_count) noexcept {
  const auto hash = static_cast<std::int32_t>(client::murmur2(key) & 0x7fffffffU);
  return PartitionIndex(partition_count > 0 ? hash % partition_count : 0);
}

Result<ProducerTopic> Producer::Inside::topic(std::string_view name, Micros timeout) {
  {
    const std::lock_guard lock(topics_mutex);
    const auto found = topics.find(name);
    if (found != topics.end()) {
      if (look_again(*found->second.inside())) return found->second;
      topics.erase(found);  // Deleted; perhaps there is a new one of that name.
    }
  }
  const std::string text(name);
  PINION_TRY(metadata, client::find_topic(*driver, text, timeout));
  PINION_TRY(entry, driver->watch(text));
  auto made = std::make_shared<ProducerTopic::Inside>();
  made->entry = std::move(entry);
  made->id = metadata->id;
  made->owner = this;
  for (const PartitionMetadata& partition : metadata->partitions) {
    const PartitionKey key{metadata->id, partition.partition};
    made->lanes.push_back(&accumulator->lane(key, made->entry->name));
  }
  const std::lock_guard lock(topics_mutex);
  return topics.insert_or_assign(text, ProducerTopic(std::move(made))).first->second;
}

/// The topic changed since the handle was made: is it still the same one?
Result<void> Producer::Inside::look_again(ProducerTopic::Inside& topic) const {
  const std::uint64_t version = topic.entry->version.load();
  if (version == topic.version.load(std::memory_order_relaxed)) return {};
  const auto metadata = driver->topics().get(*topic.entry);
  if (!metadata || metadata->id != topic.id) {
    return failure(Errc::unknown_topic, "topic '" + *topic.entry->name + "' was deleted");
  }
  topic.version.store(version, std::memory_order_relaxed);
  return {};
}

// ---- Sending

Result<client::Lane*> Producer::Inside::choose(ProducerTopic::Inside& topic,
                                               const ProducerRecord& record) const {
  const auto count = static_cast<std::int32_t>(topic.lanes.size());
  std::int32_t index = 0;
  if (record.partition) {
    index = record.partition->raw();
  } else if (count > 1 && record.key) {
    index = partition_of_key(*record.key, count).raw();
  } else if (count > 1) {
    const std::uint32_t turn = topic.turn.fetch_add(1, std::memory_order_relaxed);
    index = static_cast<std::int32_t>(turn % static_cast<std::uint32_t>(count));
  }
  if (index < 0 || index >= count) {
    return failure(
        Errc::invalid_argument,
        "topic '" + *topic.entry->name + "' has the partitions 0 to " + std::to_string(count - 1));
  }
  return topic.lanes[static_cast<std::size_t>(index)];
}

Result<void> Producer::Inside::send(ProducerTopic::Inside& topic, const ProducerRecord& record,
                                    DeliveryCallback* callback) {
  if (topic.owner != this) {
    return failure(Errc::invalid_argument, "the topic was looked up by another producer");
  }
  if (topic.entry->version.load(std::memory_order_acquire) !=
      topic.version.load(std::memory_order_relaxed)) {
    PINION_CHECK(look_again(topic));
  }
  RecordView view;
  view.timestamp = record.timestamp == Micros{0} ? client::wall_now() : record.timestamp;
  view.key = record.key;
  view.value = record.value;
  std::string headers;
  if (!record.headers.empty()) {
    PINION_TRY(text, build_record_headers(record.headers));
    headers = std::move(text);
    view.headers = headers;
  }
  const std::size_t size = encoded_size(view) - limits::record_overhead_bytes;
  const std::size_t most = std::min(driver->record_bytes_max(),
                                    options.buffer_bytes_max - limits::record_overhead_bytes);
  if (size > most) [[unlikely]] {
    return failure(
        Errc::record_too_large,
        "the record has " + std::to_string(size) + " bytes; the limit is " + std::to_string(most) +
            (most < driver->record_bytes_max() ? " (the producer's buffer_bytes_max)" : ""));
  }
  PINION_TRY(lane, choose(topic, record));
  using MayWait = client::Accumulator::MayWait;
  const MayWait may_wait = driver->on_io_thread() ? MayWait::no : MayWait::yes;
  return accumulator->append(*lane, view, callback, may_wait);
}

Result<void> Producer::send(const ProducerTopic& topic, const ProducerRecord& record) {
  if (topic.inside() == nullptr) return failure(Errc::invalid_argument, "no topic was given");
  return inside_->send(*topic.inside(), record, nullptr);
}

Result<void> Producer::send(const ProducerTopic& topic, const ProducerRecord& record,
                            DeliveryCallback callback) {
  if (topic.inside() == nullptr) return failure(Errc::invalid_argument, "no topic was given");
  return inside_->send(*topic.inside(), record, callback ? &callback : nullptr);
}

Result<void> Producer::send(std::string_view topic, const ProducerRecord& record,
                            DeliveryCallback callback) {
  PINION_TRY(found, inside_->topic(topic, inside_->options.block_timeout));
  return inside_->send(*found.inside(), record, callback ? &callback : nullptr);
}

std::future<DeliveryReport> Producer::send_future(std::string_view topic,
                                                  const ProducerRecord& record) {
  auto promise = std::make_shared<std::promise<DeliveryReport>>();
  auto future = promise->get_future();
  auto sent =
      send(topic, record, [promise](const DeliveryReport& report) { promise->set_value(report); });
  if (!sent) {
    DeliveryReport report;
    report.outcome = Outcome::failed;
    report.error = std::move(sent.error());
    promise->set_value(std::move(report));
  }
  return future;
}

// ---- Life

Result<std::unique_ptr<Producer>> Client::producer(ProducerOptions options) {
  PINION_CHECK(check_options(options));
  options.delivery_timeout = std::min(options.delivery_timeout, limits::delivery_timeout_max);
  auto inside = std::make_shared<Producer::Inside>();
  inside->driver = inside_->driver;
  inside->accumulator = std::make_shared<client::Accumulator>(options, inside->driver->waker());
  inside->totals = std::make_shared<client::ProducerTotals>();
  inside->options = options;
  PINION_TRY(handle, inside->driver->add_producer({options, inside->accumulator, inside->totals}));
  inside->handle = handle;
  return std::make_unique<Producer>(std::move(inside));
}

Producer::Producer(std::shared_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}
Producer::~Producer() { static_cast<void>(close(Micros{0})); }

Result<ProducerTopic> Producer::topic(std::string_view name, Micros timeout) {
  return inside_->topic(name, timeout);
}

Result<void> Producer::flush(Micros timeout) {
  if (inside_->driver->on_io_thread()) {
    return failure(Errc::invalid_argument, "flush() must not be called from inside a callback");
  }
  if (inside_->accumulator->flush(timeout)) return {};
  const ConnectionStatus status = inside_->driver->status();
  const std::string why =
      status.connected ? "the cluster has not answered everything in time" : status.problem;
  return failure(Errc::timed_out, why);
}

Result<void> Producer::close(Micros timeout) {
  const std::lock_guard lock(inside_->close_mutex);
  if (inside_->closed) return {};
  Result<void> flushed;
  if (!inside_->driver->on_io_thread()) flushed = flush(timeout);
  inside_->closed = true;
  inside_->accumulator->close();
  inside_->driver->remove_producer(inside_->handle);
  return flushed;
}

ProducerCounters Producer::counters() const {
  const client::ProducerTotals& totals = *inside_->totals;
  ProducerCounters counters;
  counters.records_acknowledged = totals.records_acknowledged.load();
  counters.records_failed = totals.records_failed.load();
  counters.records_unknown = totals.records_unknown.load();
  counters.batches_acknowledged = totals.batches_acknowledged.load();
  counters.resends = totals.resends.load();
  counters.epochs = totals.epochs.load();
  counters.buffered_bytes = inside_->accumulator->used();
  counters.records_sent = inside_->accumulator->accepted();
  return counters;
}

}  // namespace pinion
