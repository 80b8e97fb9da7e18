// What a partition broker needs of its disk. Implemented by partition/storage (one SQLite file a
// partition) and by a memory store that models written against fsynced, so that a simulated power
// cut loses exactly what a real one would. One contract suite runs against both.
//
// The port is synchronous; the driver's store threads make it asynchronous. A PartitionLog belongs
// to one thread (its writer); a PartitionReader to one other.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/base/restored.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/record_batch.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pinion {

struct EpochStart {
  Epoch epoch;
  Offset start;
  bool operator==(const EpochStart&) const = default;
};

/// A reader's place, and what its last dequeue returned, so that a repeat returns it again.
struct Position {
  std::string reader;
  Offset offset{0};  ///< The next offset to read.
  Epoch leader_epoch{0};
  PositionVersion version{0};
  /// Of the last dequeues, the newest first: see partition/core/dequeue_tokens.hpp. Or empty.
  std::string last_token;
  Offset last_offset = offset_unassigned;  ///< What the newest of them returned.
  bool deleted = false;
  Micros updated_at{0};
  bool operator==(const Position&) const = default;
};

/// What duplicate detection remembers of one producer: its last batches, oldest first.
struct ProducerState {
  ProducerId id{0};
  ProducerEpoch epoch{0};
  struct Remembered {
    Sequence base_sequence;
    std::uint32_t record_count = 0;
    Offset base_offset;
    Micros append_time{0};
    bool operator==(const Remembered&) const = default;
  };
  std::vector<Remembered> batches;  ///< At most producer_batches_remembered.
  Micros last_seen{0};              ///< Log time of the last batch.
  bool operator==(const ProducerState&) const = default;
};

// ---- Writing
// ---------------------------------------------------------------------------------------

struct AppendBatch {
  Batch batch;
};  ///< Base offset, epoch and append time are assigned.
struct StartEpoch {
  EpochStart start;
};  ///< Durable with or before the epoch's first batch.
struct PutPosition {
  Position position;
};
struct NoteHighWatermark {
  Offset offset;
};  ///< Rides with the next commit; never needs one of its own.
struct Truncate {
  Offset end;
};  ///< Drop records at and after `end`, and later epochs.
struct DropBefore {
  Offset start;
};  ///< Retention, at a batch's first offset; done in bounded slices.

/// A follower takes the leader's whole table in the place of its own.
struct ResetPositions {
  std::vector<Position> positions;
};
/// A follower begins again at `start`, which is not before the log's end: nothing of what is there
/// is kept but positions. `producers` is what the leader remembers of batches below `start`.
struct BeginAt {
  Offset start;
  std::vector<ProducerState> producers;
};

struct Persist {
  Ticket ticket;
  std::variant<AppendBatch, StartEpoch, PutPosition, NoteHighWatermark, Truncate, DropBefore,
               ResetPositions, BeginAt>
      op;
};

/// What an open file holds, after the checks of docs/STORAGE.md "Opening a file".
struct RecoveredLog {
  Offset log_start{0};
  Offset log_end{0};
  Offset high_watermark{0};         ///< As last noted; at most log_end.
  Micros last_log_time{0};          ///< Of the last record; 0 when the log never held one.
  std::vector<EpochStart> epochs;   ///< In order.
  std::vector<Position> positions;  ///< Deleted ones too: they carry versions.
  std::vector<ProducerState> producers;
  std::uint64_t bytes = 0;  ///< Of payload, about, for retention by size.
  bool clean = true;        ///< The clean-shutdown mark was there.
};

struct LogSizes {
  std::uint64_t file_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::uint64_t payload_bytes = 0;  ///< About what retention by size counts.
  std::string warning;              ///< For people: a pinned WAL and who pins it; usually empty.
};

/// A batch's place, for retention and for seeking.
struct BatchMark {
  Offset base_offset;
  Offset next_offset;
  Micros append_time{0};
};

class PartitionLog {
 public:
  virtual ~PartitionLog() = default;

  /// Applies the group in one transaction and returns when it is durable.
  ///   storage_full    rolled back; none of it happened. The log is as before.
  ///   storage_failed  unknown; never call apply again. The partition halts.
  /// Offsets must be dense: an append that does not begin at the log's end is a bug and asserts.
  [[nodiscard]] virtual Result<void> apply(std::span<const Persist> group) = 0;

  /// Checkpoints, retention slices left over, idle closing, the clean-shutdown mark after quiet.
  /// Called by the owner between commits and about every second when idle. Returns when it wants to
  /// be called again at the latest. Errors as apply.
  [[nodiscard]] virtual Result<Micros> maintain(const Now& now) = 0;

  [[nodiscard]] virtual LogSizes sizes() const = 0;
  [[nodiscard]] virtual Offset log_end() const = 0;  ///< Durable.

  /// Checkpoints, writes the clean-shutdown mark and closes. The destructor alone is a crash.
  [[nodiscard]] virtual Result<void> close() = 0;
};

// ---- Reading
// ---------------------------------------------------------------------------------------

/// What one query sees, and what it may use.
struct QueryBounds {
  Offset end{0};               ///< Records at and after it are not seen.
  std::uint32_t rows_max = 0;  ///< More are cut off, and the reply says so.
  Micros time_max{0};
  std::function<bool()> cancelled;  ///< True ends it soon. Asked by the reader's thread; or empty.
};

class PartitionReader {
 public:
  virtual ~PartitionReader() = default;

  /// Whole batches from the one that holds `from`, below `end`, up to about `bytes_max` (at least
  /// one). Empty when from == end. `offset_out_of_range` below the log's start.
  [[nodiscard]] virtual Result<std::vector<Batch>> read(Offset from, Offset end,
                                                        std::size_t bytes_max) = 0;

  /// The first record whose log time (append_time + its place) is at or after `time`, below `end`;
  /// `end` when there is none.
  [[nodiscard]] virtual Result<Offset> find_time(Micros time, Offset end) = 0;

  /// The end of the batches that retention may drop: the largest batch boundary whose records are
  /// all older than `before` (log time), or that leaves at most `bytes_kept` of payload, below
  /// `end`. Negative arguments switch their rule off.
  [[nodiscard]] virtual Result<Offset> find_retention(Micros before, std::int64_t bytes_kept,
                                                      Offset end) = 0;

  /// One read-only SQL statement. Errors: sql_invalid, sql_refused, sql_limit; cancelled.
  [[nodiscard]] virtual Result<QueryReply> query(const std::string& sql,
                                                 const QueryBounds& bounds) = 0;
};

// ---- The store
// -------------------------------------------------------------------------------------

struct LogIdentity {
  std::string cluster_id;
  PartitionKey key;
  std::string topic_name;
  auto operator<=>(const LogIdentity&) const = default;
};

enum class IfMissing : std::uint8_t {
  create,  ///< Unless the node remembers that there was one: then as `fail`.
  fail,
  begin_again,  ///< Also in the place of one that is lost or damaged, which is set aside: the
                ///< partition has other copies, and this one is given up.
};

struct OpenedLog {
  std::unique_ptr<PartitionLog> log;
  RecoveredLog recovered;
  std::string file;  ///< For people.
};

struct DiskSpace {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};

/// All the partition files of one node. Thread-safe.
class RecordStore {
 public:
  virtual ~RecordStore() = default;

  /// `file_corrupt` when the file is damaged, another partition's, older than this node knows it to
  /// have been, or missing although it should not be: it has been set aside, never deleted, and the
  /// detail says where it is.
  [[nodiscard]] virtual Result<OpenedLog> open(const LogIdentity& identity,
                                               IfMissing if_missing) = 0;

  /// Requires: the log was opened, and outlives the reader's calls.
  [[nodiscard]] virtual Result<std::unique_ptr<PartitionReader>> open_reader(
      const LogIdentity& identity) = 0;

  /// Deletes a topic's files by its id (a tombstone). Requires: its logs are closed.
  [[nodiscard]] virtual Result<void> remove_topic(TopicId topic) = 0;

  /// Deletes one partition's file: the replica was moved to another node. Requires: its log is
  /// closed. Ok when there is no file.
  [[nodiscard]] virtual Result<void> remove_replica(PartitionKey key) = 0;

  [[nodiscard]] virtual DiskSpace disk_space() const = 0;

  /// One life of this node. Called once at start.
  struct Life {
    std::string
        store_id;  ///< Of the data folder, made at random with it: a wiped disk is another store.
    Incarnation incarnation{0};  ///< Grows durably with every call.
    std::int64_t start_id = 0;   ///< Drawn at random by every call; positive.
    /// What it joins its cluster by: drawn at random by the first call after the one before was
    /// answered (Membership::joined), and kept until this one is. Positive.
    std::int64_t join = 0;
    Restored restored = Restored::no;  ///< As it was begun.
  };
  /// `restored`: the folder was put back from a backup, and is to go on from there. Its incarnation
  /// is behind every one that the folder can have had since.
  [[nodiscard]] virtual Result<Life> begin_life(Restored restored) = 0;

  /// What the node remembers of its cluster; set once it has joined, and checked for ever after.
  struct Membership {
    std::string cluster_id;
    ControllerEpoch controller_epoch{0};
    std::int64_t controller_start = 0;  ///< The start_id of that controller.
    std::int64_t joined = 0;            ///< The Life::join that was answered last; 0: none.
  };
  [[nodiscard]] virtual Result<Membership> membership() const = 0;
  [[nodiscard]] virtual Result<void> set_membership(const Membership& membership) = 0;
};

}  // namespace pinion
