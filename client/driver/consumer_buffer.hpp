// ConsumerBuffer: what one consumer has fetched and not read yet, between the I/O thread, which
// puts it in, and the application's threads. It also knows what was read, for commits. Thread-safe.
//
// Each partition is a queue of batches, jumps (the reading goes on elsewhere) and problems, in the
// order in which they came; poll() goes through the partitions in turns, a batch at a time.
#pragma once

#include "client/api/consumer.hpp"
#include "client/core/session_io.hpp"
#include "client/driver/waker.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pinion::client {

/// A position that may be committed.
struct ReadPosition {
  PartitionKey key;
  Offset next;
  Epoch leader_epoch;
};

class ConsumerBuffer {
 public:
  explicit ConsumerBuffer(Waker& waker) : waker_(&waker) {}

  // ---- Application threads

  [[nodiscard]] Result<RecordBatch> poll(std::size_t records_max, Micros timeout);
  /// Drops what is buffered and gives the new reading's number.
  struct Sought {
    PartitionKey key;
    Reading reading;
  };
  [[nodiscard]] Result<Sought> seek(const TopicPartition& partition);
  [[nodiscard]] std::vector<TopicPartition> partitions() const;
  [[nodiscard]] Result<PartitionKey> key_of(const TopicPartition& partition) const;
  [[nodiscard]] std::vector<PartitionPosition> positions() const;
  /// What poll() has returned and nobody has committed.
  [[nodiscard]] std::vector<ReadPosition> returned() const;
  void mark_processed();  ///< Everything that was returned.
  void close();

  // ---- I/O thread

  void on_joined(const PartitionJoined& joined);
  void on_left(const PartitionLeft& left);
  void on_located(const PartitionLocated& located);
  void on_fetched(Fetched&& fetched);
  void on_problem(const ConsumerProblem& problem);
  void on_committed(PartitionKey key, Offset next);
  /// What was processed since it was asked last, and not committed.
  [[nodiscard]] std::vector<ReadPosition> processed() const;
  /// What was read since the last time, as inputs for the session.
  void take_consumed(ConsumerHandle consumer, std::vector<Consumed>& out);
  [[nodiscard]] bool has_consumed() const noexcept { return has_consumed_.load(); }

 private:
  struct Buffered {
    Batch batch;
    std::uint32_t skip = 0;      ///< Records at its head that are not (any more) to be read,
    std::size_t skip_bytes = 0;  ///< and their bytes.
  };
  struct Jump {
    Offset next;
    Epoch last_epoch;  ///< As PartitionLocated's.
  };
  using Item = std::variant<Buffered, Jump, Error>;
  struct Part {
    std::shared_ptr<const std::string> topic;
    Reading reading{0};
    std::deque<Item> items;
    bool in_line = false;
    Offset next = offset_unassigned;  ///< What poll() returns next.
    Epoch last_epoch{0};              ///< Of the record before it; 0 when unknown.
    Offset processed = offset_unassigned;
    Epoch processed_epoch{0};
    Offset committed = offset_unassigned;
    Offset high_watermark{-1};
    std::string problem;
    std::size_t consumed = 0;  ///< Bytes not told to the session yet.
  };
  using Parts = std::map<PartitionKey, Part>;

  void push(PartitionKey key, Part& part, Item item);
  void gather(RecordBatch& out, std::size_t records_max, std::optional<Error>& problem);
  [[nodiscard]] std::size_t take_records(PartitionKey key, Part& part, Buffered& buffered,
                                         std::size_t records_max, RecordBatch& out);
  void consume(Part& part, std::size_t bytes);
  [[nodiscard]] Parts::const_iterator find(const TopicPartition& partition) const;

  Waker* waker_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  Parts parts_;
  std::deque<PartitionKey> line_;  ///< Partitions with items, the next one to read first.
  std::deque<Error> errors_;       ///< Of no partition.
  std::size_t told_bytes_ = 0;     ///< Consumed since the I/O thread was last woken for it.
  bool consumed_ = false;          ///< Worth a wake-up.
  std::atomic<bool> has_consumed_{false};
  bool closed_ = false;
};

}  // namespace pinion::client
