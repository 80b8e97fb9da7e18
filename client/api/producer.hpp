// Producer: sends records, in batches, and tells what became of them.
//
//   auto producer = client->producer({});
//   auto topic = (*producer)->topic("orders", 5s);          // once; also tells unknown_topic
//   (*producer)->send(*topic, {.key = "ann", .value = "3 apples"},
//                     [](const pinion::DeliveryReport& report) { ... });
//   (*producer)->close(30s);
//
// What is promised, with the defaults:
//   - acknowledged  the record is in the log at `offset`, fsynced on every in-sync replica, once.
//   - failed        it is not in the log and never will be.
//   - unknown       one of the two, nobody can say: the deadline came first.
//   - Retries never duplicate or reorder: each producer has an id, each partition an epoch and each
//     batch a sequence, under which it is sent again until it is answered or its delivery timeout
//     is over. At most five batches of a partition are on their way.
//   - Records of one partition are in the log in the order of the sends, and are reported in it.
//   - After an unknown one, the producer takes a new epoch before it sends to that partition again.
//
// send() copies the record straight into the open batch of its partition and returns. The open
// batch leaves when it is full or older than `linger`; with linger 0, the default, as soon as the
// connection takes it: idle, a lone record leaves at once; busy, whatever gathers while batches are
// on their way makes the next one.
//
// Threads: any thread may call anything; two sends that race have no order. Callbacks run on the
// client's I/O thread: they must be quick, must not wait, and may send with
// BackPressure::fail only.
#pragma once

#include "client/api/values.hpp"
#include "common/base/error.hpp"
#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/record_headers.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pinion {

/// What became of one record.
struct DeliveryReport {
  Outcome outcome = Outcome::unknown;
  Error error;  ///< ok when acknowledged; else why.
  std::string_view topic;
  PartitionIndex partition{0};
  /// -1 unless acknowledged; also with acks none, and in the rare case that a retry was recognised
  /// after its place had been forgotten.
  Offset offset = offset_unassigned;
  Micros log_time{0};  ///< The log's time of the record: strictly increasing in a partition.
};

/// What became of one batch: `record_count` records of one partition, in the order of their sends,
/// at consecutive offsets.
struct BatchReport {
  Outcome outcome = Outcome::unknown;
  Error error;
  std::string_view topic;
  PartitionIndex partition{0};
  Offset base_offset = offset_unassigned;
  Micros log_time{0};  ///< Of the first record; record i has log_time + i.
  std::uint32_t record_count = 0;
  std::uint64_t first_number = 0;  ///< How many records this producer sent there before.
};

using DeliveryCallback = std::function<void(const DeliveryReport&)>;
using BatchCallback = std::function<void(const BatchReport&)>;

/// What send() does while the producer's memory is full.
enum class BackPressure : std::uint8_t {
  block,  ///< Waits for room, at most ProducerOptions::block_timeout; then `throttled`.
  fail,   ///< Answers `throttled` at once.
};

struct ProducerOptions {
  Acks acks = Acks::all;
  /// false: no id and no sequences; a retry may then duplicate or reorder.
  bool idempotent = true;
  Micros linger{0};  ///< How long an open batch waits for company.
  std::size_t batch_bytes_max = limits::batch_bytes_default;
  /// Everything that is not answered yet. A record larger than it is refused.
  std::size_t buffer_bytes_max = 32 * limits::mib;
  BackPressure back_pressure = BackPressure::block;
  Micros block_timeout = 60s;
  /// From the send to the report, at the latest. At most ten minutes: a partition remembers a
  /// silent producer for a quarter of an hour at least.
  Micros delivery_timeout = 30s;
  /// Called once a batch, before the records' own callbacks. For those who send in bulk.
  BatchCallback on_batch{};
};

/// One record to send. Refers to the caller's memory, which send() has copied when it returns.
struct ProducerRecord {
  std::optional<std::string_view> key{};  ///< Same key, same partition.
  std::span<const RecordHeader> headers{};
  std::string_view value{};
  Micros timestamp{0};                        ///< 0: now.
  std::optional<PartitionIndex> partition{};  ///< Overrides the key.
};

/// The partition of a key: murmur2 (the 32-bit variant and seed that Kafka's clients use) with the
/// sign bit cleared, modulo the number of partitions. It will not change; tests fix it by vectors.
[[nodiscard]] PartitionIndex partition_of_key(std::string_view key,
                                              std::int32_t partition_count) noexcept;

/// A topic as a producer knows it: cheap to copy, valid as long as its producer lives. When the
/// topic is deleted, sends to it answer `unknown_topic` (ask the producer again after a new one was
/// created).
class ProducerTopic {
 public:
  ProducerTopic() = default;
  [[nodiscard]] std::string_view name() const noexcept;
  [[nodiscard]] TopicId id() const noexcept;
  [[nodiscard]] std::int32_t partition_count() const noexcept;

  struct Inside;  ///< Private to the library.
  explicit ProducerTopic(std::shared_ptr<Inside> inside) noexcept;
  [[nodiscard]] Inside* inside() const noexcept { return inside_.get(); }

 private:
  std::shared_ptr<Inside> inside_;
};

struct ProducerCounters {
  std::uint64_t records_sent = 0;  ///< Accepted by send().
  std::uint64_t records_acknowledged = 0;
  std::uint64_t records_failed = 0;
  std::uint64_t records_unknown = 0;
  std::uint64_t batches_acknowledged = 0;
  std::uint64_t resends = 0;
  std::uint64_t epochs = 0;        ///< New epochs that had to be taken.
  std::size_t buffered_bytes = 0;  ///< Now.
};

class Producer {
 public:
  /// As close(0s).
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// Looks a topic up; answered from memory after the first time. Errors: unknown_topic,
  /// connection_lost (no broker answered in time), invalid_argument, closed. Waits.
  [[nodiscard]] Result<ProducerTopic> topic(std::string_view name, Micros timeout);

  /// Accepts a record; the rest follows in the report. An error means that nothing was accepted and
  /// no report follows: throttled (memory is full), record_too_large, invalid_argument (no such
  /// partition, a bad header), unknown_topic (it was deleted), closed.
  [[nodiscard]] Result<void> send(const ProducerTopic& topic, const ProducerRecord& record);
  [[nodiscard]] Result<void> send(const ProducerTopic& topic, const ProducerRecord& record,
                                  DeliveryCallback callback);

  /// By name. Waits for the topic's metadata the first time, at most block_timeout.
  [[nodiscard]] Result<void> send(std::string_view topic, const ProducerRecord& record,
                                  DeliveryCallback callback = {});

  /// The report as a future; an error of send() is a report with outcome `failed`.
  [[nodiscard]] std::future<DeliveryReport> send_future(std::string_view topic,
                                                        const ProducerRecord& record);

  /// Sends what lingers, and waits until everything that was accepted before is reported.
  /// `timed_out`: some is not; it stays on its way. Not from inside a callback.
  [[nodiscard]] Result<void> flush(Micros timeout);

  /// flush(), then no more sends. What is not answered by then is reported (failed when it never
  /// left, else unknown) and the result is `timed_out`. Idempotent. Not from inside a callback.
  Result<void> close(Micros timeout);

  [[nodiscard]] ProducerCounters counters() const;

  struct Inside;  ///< Private to the library.
  explicit Producer(std::shared_ptr<Inside> inside) noexcept;

 private:
  std::shared_ptr<Inside> inside_;
};

}  // namespace pinion
