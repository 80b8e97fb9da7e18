// Consumer: reads topics or single partitions in order, alone (without a group), from where its
// name stopped or from where it is told. And dequeue: one record and its position in one step.
//
//   auto consumer = client->consumer({.topics = {"orders"}, .name = "billing"});
//   while (running) {
//     auto records = (*consumer)->poll(1000, 1s);
//     if (!records) { ...; break; }
//     for (const pinion::ConsumerRecord& record : *records) { ... }
//   }
//   (*consumer)->close(5s);
//
// What is promised:
//   - Records of a partition come in the order of their offsets, each once per reading; only what
//     is committed (below the high watermark) is seen. Partitions take turns.
//   - At least once: with automatic commits, what poll() returned counts as processed when poll()
//     or close() is called the next time, and not before.
//   - Every batch's checksum is verified.
//   - A reader is told when the log was cut below what it had read (log_truncated), or when its
//     position is not in the log any more (offset_out_of_range), as options.on_lost_position says.
//   - Memory is bounded: what is fetched ahead stays within buffer_bytes_max, or one batch a
//     partition where batches are larger.
//
// Threads: a Consumer may be called from any thread, one at a time for poll(). Fetching goes on in
// the background, on the client's I/O thread.
#pragma once

#include "client/api/values.hpp"
#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/record_batch.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

enum class CommitMode : std::uint8_t {
  manual,     ///< Only commit() commits.
  automatic,  ///< Every auto_commit_every, in close(), and never more than was processed.
};

struct ConsumerOptions {
  std::vector<std::string> topics{};         ///< All partitions of these, also those made later.
  std::vector<TopicPartition> partitions{};  ///< Or single ones.
  /// Not empty: the reader "consumer:NAME". It goes on where that reader stopped. A text with a
  /// known prefix ("id:7", "consumer:x") is taken as it is.
  std::string name{};
  Place start = Place::earliest();  ///< Where there is no committed position.
  /// Read from `start` even where there is one.
  bool ignore_committed = false;
  CommitMode commit = CommitMode::automatic;  ///< Without a name nothing is committed.
  Micros auto_commit_every = 5s;
  OnLostPosition on_lost_position = OnLostPosition::error;
  MissingTopic if_missing = MissingTopic::error;
  Micros open_timeout = 5s;
  /// In-sync followers may answer fetches, in turn: reading is spread over the replicas. What is
  /// read may be some milliseconds older than with the leader, and is never wrong: only what is
  /// committed is seen, in order and without gaps. The leader is asked where no follower can
  /// answer.
  bool any_replica = false;
  /// Of one answer; at most limits::fetch_bytes_max.
  std::size_t fetch_bytes_max = limits::consumer_fetch_bytes_default;
  std::size_t buffer_bytes_max = limits::consumer_buffer_bytes_default;
};

/// One record; refers to memory that its RecordBatch keeps.
struct ConsumerRecord {
  std::string_view topic;
  PartitionIndex partition{0};
  Offset offset{0};
  Micros timestamp{0};  ///< The producer's.
  Micros log_time{0};   ///< The log's: strictly increasing in a partition.
  std::optional<std::string_view> key;
  std::optional<std::string_view> headers;  ///< As JSON; see parse_record_headers().
  std::string_view value;
};

/// Records of one poll(): a move-only owner of the fetched batches they lie in, without a copy.
/// Iterate it as often as you like; records stay valid as long as it lives.
class RecordBatch {
 public:
  /// A run of records of one partition, at consecutive offsets.
  struct Run {
    std::shared_ptr<const std::string> topic;
    PartitionIndex partition{0};
    Offset first{0};
    Micros first_log_time{0};
    std::uint32_t count = 0;
    Bytes records;  ///< Encoded, as in record_batch.hpp; exactly `count` of them.
  };

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = ConsumerRecord;
    using difference_type = std::ptrdiff_t;
    using pointer = const ConsumerRecord*;
    using reference = const ConsumerRecord&;

    Iterator(const Run* run, const Run* end) noexcept : run_(run), end_(end) { enter(); }
    reference operator*() const noexcept { return record_; }
    pointer operator->() const noexcept { return &record_; }
    Iterator& operator++() noexcept {
      advance();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const noexcept { return run_ == end_; }

   private:
    void enter() noexcept;
    void advance() noexcept;

    const Run* run_;
    const Run* end_;
    BatchReader reader_{{}};
    std::uint32_t index_ = 0;
    ConsumerRecord record_;
  };

  RecordBatch() = default;
  RecordBatch(RecordBatch&&) noexcept = default;
  RecordBatch& operator=(RecordBatch&&) noexcept = default;

  [[nodiscard]] Iterator begin() const noexcept {
    return {runs_.data(), runs_.data() + runs_.size()};
  }
  [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }  ///< In records.
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] const std::vector<Run>& runs() const noexcept { return runs_; }

  void add(Run run);  ///< For the library.

 private:
  std::vector<Run> runs_;
  std::size_t size_ = 0;
};

inline void RecordBatch::Iterator::enter() noexcept {
  while (run_ != end_) {
    reader_ = BatchReader(run_->records.view());
    index_ = 0;
    if (run_->count > 0) {
      record_.topic = *run_->topic;
      record_.partition = run_->partition;
      record_.offset = run_->first - 1;
      record_.log_time = run_->first_log_time - Micros{1};
      advance();
      return;
    }
    ++run_;
  }
}

inline void RecordBatch::Iterator::advance() noexcept {
  RecordView view;
  if (index_ == run_->count || !reader_.next(view)) {
    ++run_;
    enter();
    return;
  }
  ++index_;
  ++record_.offset;
  record_.log_time += Micros{1};
  record_.timestamp = view.timestamp;
  record_.key = view.key;
  record_.headers = view.headers;
  record_.value = view.value;
}

/// Where a consumer is in one partition.
struct PartitionPosition {
  TopicPartition partition;
  Offset next = offset_unassigned;  ///< The next record that poll() returns; -1: not known yet.
  Offset committed = offset_unassigned;  ///< As this consumer knows; -1: none.
  Offset high_watermark{-1};             ///< As of the last answer; -1: not known yet.
  std::int64_t lag = -1;                 ///< high_watermark - next; -1: not known yet.
  bool at_end = false;  ///< Everything up to the high watermark has been returned by poll().
  std::string problem;  ///< Why it does not advance, for people; usually empty.
};

class Consumer {
 public:
  /// Ends without committing. See close().
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  /// Up to `records_max` records, as soon as there are any; none when the time is over first (the
  /// cluster may be away: see Client::status() and positions()). Errors, each told once:
  /// offset_out_of_range, log_truncated (OnLostPosition::error), unknown_topic (deleted),
  /// corrupt_record (a batch stays unreadable), closed. After an error other partitions go on.
  [[nodiscard]] Result<RecordBatch> poll(std::size_t records_max, Micros timeout);

  /// Commits what poll() has returned so far, on all partitions; ok when the partitions have it
  /// durably. Errors: invalid_argument (no name), timed_out, and what the partitions answer. Waits.
  [[nodiscard]] Result<void> commit(Micros timeout);

  /// Commits one position: `next` is the next offset to read. Waits.
  [[nodiscard]] Result<void> commit(const TopicPartition& partition, Offset next, Micros timeout);

  /// The next poll() reads from there; what was fetched ahead is dropped. `invalid_argument` for a
  /// partition that is not read here. Does not wait; what the place is, is found out on the way.
  [[nodiscard]] Result<void> seek(const TopicPartition& partition, Place place);
  [[nodiscard]] Result<void> seek_all(Place place);

  /// Every partition that is read, in order of topic and index.
  [[nodiscard]] std::vector<PartitionPosition> positions() const;

  /// With automatic commits: commits what was processed. Then stops. Idempotent. Waits.
  Result<void> close(Micros timeout);

  struct Inside;  ///< Private to the library.
  explicit Consumer(std::shared_ptr<Inside> inside) noexcept;

 private:
  std::shared_ptr<Inside> inside_;
};

// ---- dequeue -----------------------------------------------------------------------------------

struct DequeueOptions {
  std::string topic{};
  /// None: partitions are asked in turn until one has something unread. Requires: no token, or a
  /// topic with one partition (a repeat must ask where the first one did).
  std::optional<PartitionIndex> partition{};
  std::string
      reader{};  ///< "consumer:NAME" or "id:N"; without a known prefix, "consumer:" is added.
  /// A repeat of the same token returns the same record, also from another process. Empty: the
  /// library makes one, which protects its own retries.
  std::string token{};
};

/// One record that owns its memory.
struct DequeuedRecord {
  std::string topic{};
  ConsumerRecord record;  ///< Refers to `memory`; its own topic field is empty.
  Bytes memory;
  std::int64_t lag = 0;  ///< What is left unread in that partition.
};

}  // namespace pinion
