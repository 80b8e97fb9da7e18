// ReplicaLog: what a replica knows of its open file, whatever its role: the offsets, the epochs,
// the producers, the positions, the newest batches, and what is on its way to the disk.
//
//   log_start <= high_watermark <= durable_end <= log_end
//
// log_end is where the next batch goes; [durable_end, log_end) is on its way. Plain state with
// helpers and no decisions; belongs to one Replica.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/ports/record_store.hpp"
#include "partition/core/dedupe_table.hpp"
#include "partition/core/node_shared.hpp"
#include "partition/core/position_table.hpp"
#include "partition/core/record_tail.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pinion::partition {

/// When nothing that was written has come back from the disk for this long, another replica is to
/// lead. A sync that takes seconds is a slow disk's, and no reason.
inline constexpr Micros disk_silent_after = 10s;

using PersistOp = decltype(Persist::op);

/// A producer that waits for its batch. Its answer is made of the batch, not of its own request.
struct ProduceWaiter {
  Asker asker;
  Acks acks = Acks::all;
  Micros deadline = never;  ///< Then it is told that nobody knows.
};
struct PendingAppend {
  BatchHeader batch;
  std::vector<ProduceWaiter> waiters;  ///< The last attempt of each asker; none: answered.
};
struct PendingEpoch {
  EpochStart start;
};
/// A reader that waits for its position to be durable.
struct PositionWaiter {
  Asker asker;
  Offset dequeued = offset_unassigned;  ///< With a dequeue: the record in `batch`.
  Batch batch;
  bool sent_on = false;  ///< A dequeue that found nothing and is to ask elsewhere.
  std::string token;     ///< Of a dequeue.
  Micros deadline = never;
};
struct PendingPosition {
  std::string reader;
  PositionVersion version;
  std::vector<PositionWaiter> waiters;
};
struct PendingDrop {
  Offset start;
};
struct PendingNote {
  Offset high_watermark;
};
/// A follower's positions. With it all up to that version are there; -1: more are to come first.
/// Of that epoch's leader: the next one may give the same version to another change.
struct PendingCopiedPositions {
  Epoch epoch{0};
  PositionVersion version{-1};
};
struct PendingCut {
  Offset end;
};
struct PendingBegin {
  Offset start;
};
struct Pending {
  Ticket ticket{0};
  std::size_t bytes = 0;
  std::size_t table_bytes = 0;  ///< Of a whole table of positions, as NodeShared counts them.
  std::variant<PendingNote, PendingAppend, PendingEpoch, PendingPosition, PendingDrop,
               PendingCopiedPositions, PendingCut, PendingBegin>
      op;
};

/// A batch that is durable here but not below the high watermark yet (other replicas), with those
/// who wait for that.
struct Uncommitted {
  BatchHeader batch;
  std::vector<ProduceWaiter> waiters;
};

/// A position that is durable here, with those who wait until it is committed.
struct UncommittedPosition {
  PositionVersion version;
  std::string reader;
  std::vector<PositionWaiter> waiters;
};

struct ReplicaLog {
  ReplicaLog(PartitionKey key, TailBudget& budget) : tail(key, budget) {}

  /// As of a file that was just opened. Requires: nothing is pending or waited for.
  void recover(const RecoveredLog& recovered, Micros monotonic);

  Offset log_start{0};
  Offset log_end{0};
  Offset durable_end{0};
  Offset high_watermark{0};
  Micros next_log_time{0};          ///< The least append time of the next batch.
  Micros durable_next_log_time{0};  ///< The same, were everything on its way dropped.
  std::vector<EpochStart> epochs;   ///< In order; those on their way too.
  DedupeTable dedupe;
  PositionTable positions;
  RecordTail tail;
  std::deque<Pending> pending;  ///< In ticket order.
  std::deque<Uncommitted> uncommitted;
  std::deque<UncommittedPosition> uncommitted_positions;
  std::size_t pending_bytes = 0;
  /// Of what is on its way: the first, and since when it has been the first.
  Ticket oldest{0};
  Micros oldest_since{0};
  Micros look_at_oldest = never;
  bool is_silent = false;  ///< That was disk_silent_after ago.

  Micros waiters_until = never;  ///< When some waiter's time may be over.
  Micros waiters_rest{0};        ///< They are not looked through before.

  Offset noted_high_watermark{0};
  /// The highest that was written for one and may be, or become, durable: a log that is opened
  /// again may have it for its high watermark. At most `log_end`.
  Offset note_asked{0};
  Micros note_after{0};  ///< Not before this, monotonic.
  LogSizes sizes;

  /// The epoch of the record before `offset`, 0 when there is none.
  [[nodiscard]] Epoch epoch_before(Offset offset) const noexcept;
  /// The epoch of the last record that was ever here, 0 when there was none.
  [[nodiscard]] Epoch last_epoch() const noexcept;
  /// The largest epoch at or below `epoch` and where it ends here; epoch 0 when there is none, and
  /// then where the first one begins. What is on its way to the disk counts.
  [[nodiscard]] EpochStart end_of_epoch(Epoch epoch) const noexcept;
  /// True when a reader that last saw `last_epoch` may go on at `offset`: the log was not cut
  /// below.
  [[nodiscard]] bool agrees_with(Epoch last_epoch, Offset offset) const noexcept;
};

}  // namespace pinion::partition
