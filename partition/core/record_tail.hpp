// RecordTail: the newest batches of one partition in memory, without gaps, so that readers at the
// end are served without a disk. Batches enter when they get their offsets, before they are
// durable; whoever reads says up to where it may.
//
// All tails of a node share one budget; the node drops its oldest batch first, wherever that is.
#pragma once

#include "common/base/ids.hpp"
#include "common/proto/messages.hpp"
#include "partition/core/node_shared.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>

namespace pinion::partition {

class RecordTail {
 public:
  RecordTail(PartitionKey key, TailBudget& budget) noexcept : key_(key), budget_(&budget) {}
  ~RecordTail() { clear(); }
  RecordTail(const RecordTail&) = delete;
  RecordTail& operator=(const RecordTail&) = delete;
  RecordTail(RecordTail&&) = delete;
  RecordTail& operator=(RecordTail&&) = delete;

  /// Requires: the batch follows the last one, or the tail is empty.
  void push(const Batch& batch);

  /// True when every record from `from` on is here. Requires: from is below the log's end.
  [[nodiscard]] bool holds(Offset from) const noexcept {
    return !batches_.empty() && batches_.front().batch.header.base_offset <= from;
  }
  /// The first offset held; `log_end` when empty.
  [[nodiscard]] Offset begin(Offset log_end) const noexcept {
    return batches_.empty() ? log_end : batches_.front().batch.header.base_offset;
  }

  /// Adds whole batches to a reply, from the one that holds `from`, of those that end at or below
  /// `end`: at least one, then up to `bytes_max` and `frames_max`. Requires: holds(from), from <
  /// end.
  void collect(Offset from, Offset end, std::size_t bytes_max, std::vector<BatchHeader>& headers,
               Frames& payloads) const;

  /// The batch that holds `offset`, or null.
  [[nodiscard]] const Batch* find(Offset offset) const noexcept;

  void drop_from(Offset end);      ///< Batches at or after `end`: they never became durable.
  void drop_before(Offset start);  ///< Batches wholly below `start`: retention.
  void drop_oldest();              ///< Requires: not empty.
  void clear();

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t count() const noexcept { return batches_.size(); }

 private:
  struct Entry {
    Batch batch;
    std::uint64_t order;
  };
  [[nodiscard]] std::size_t index_of(Offset offset) const noexcept;
  void forget(const Entry& entry) noexcept;

  PartitionKey key_;
  TailBudget* budget_;
  std::deque<Entry> batches_;
  std::size_t bytes_ = 0;
};

}  // namespace pinion::partition
