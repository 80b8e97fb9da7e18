// The roles of a replica and what belongs to one role alone: it ends with the role.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/ports/record_store.hpp"
#include "common/proto/messages.hpp"
#include "partition/core/dequeue_slots.hpp"
#include "partition/core/node_shared.hpp"
#include "partition/core/read_ahead.hpp"
#include "partition/core/replica_log.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pinion::partition {

/// A fetch that waits for the high watermark to pass its offset.
struct WaitingFetch {
  Asker asker;
  Offset offset;
  std::size_t bytes_max = 0;
};

/// Of a role that serves readers: those who wait at the end, and what is read for the others before
/// they ask.
struct WaitingFetches {
  std::map<std::pair<Micros, std::uint64_t>, WaitingFetch> by_deadline;
  std::uint64_t taken = 0;
  ReadsAhead ahead;

  [[nodiscard]] Micros next_deadline() const noexcept {
    const Micros waits = by_deadline.empty() ? never : by_deadline.begin()->first.first;
    return std::min(waits, ahead.next_deadline());
  }
};

/// One reader's changes take turns while one of its dequeues waits for the disk.
struct ReaderLane {
  std::deque<Request> waiting;
};

struct Opening {
  Micros retry_at = never;  ///< After an attempt that may succeed later; else one is under way.
  std::string why;          ///< The last attempt failed.
};

/// A fetch of a follower that waits for news.
struct ReplicaFetchWait {
  Asker asker;
  ReplicaFetch fetch;
  Micros deadline = never;
};

/// What a leader knows of one follower, in its epoch.
struct Follower {
  Incarnation incarnation{0};
  std::int64_t session = 0;
  std::int64_t copy = 0;
  bool agreed = false;    ///< Its log was found to be a prefix of this one, in this epoch.
  Offset read_end{0};     ///< Up to there it has read and agreed.
  Offset durable_end{0};  ///< Invariant: at most read_end.
  PositionVersion durable_position_version{-1};
  bool is_whole = false;  ///< It has everything that is committed; as last noted.
  bool was_whole =
      false;  ///< Of this copy, in this epoch: the controller was to hear of it at once.
  Offset told_high_watermark{-1};
  Micros caught_up_at{0};    ///< When it was last known to be at the leader's end.
  Micros caught_up_wall{0};  ///< The same, for people.
  Offset mark_end{0};        ///< When it has reached this, it was caught up at mark_at.
  Micros mark_at{0};
  Micros may_join_at{0};  ///< The controller did not take it in; not asked again before.
  std::optional<ReplicaFetchWait> waiting;
};

/// Another in-sync set was asked for. Until the partition's version changes any of those asked for
/// may be in force, so the leader counts with all of them.
struct IsrRequest {
  std::vector<NodeId> isr;    ///< As last asked for.
  std::set<NodeId> possible;  ///< Members of any that was asked for.
  Micros again_at{0};
};

struct Leading {
  Epoch epoch{0};
  bool epoch_started = false;  ///< Its StartEpoch was emitted. Done with the epoch's first batch.
  WaitingFetches fetches;
  std::map<std::string, ReaderLane, std::less<>> lanes;
  DequeueSlots slots;

  /// Where log and positions ended when it began to lead: until that is committed nobody knows what
  /// readers were shown before.
  bool certain = false;  ///< It is, and so it stays.
  Offset begin{0};
  PositionVersion position_begin{0};
  std::map<NodeId, Follower> followers;  ///< The other replicas.
  std::optional<IsrRequest> isr_request;
  Micros tell_at = never;  ///< When followers that wait hear of a higher high watermark.

  /// The store said storage_full: writes are refused, but for one at each probe_at, until one
  /// succeeds.
  bool full = false;
  std::string full_why;
  Micros probe_at{0};
  Micros probe_every{0};

  Micros retention_at = never;
  bool retention_running = false;  ///< Being looked up, or on its way to the disk.
  Micros expire_at = never;        ///< When producers are looked through for old ones.
};

/// What copying from a leader needs, whether everything committed has been copied or not.
struct Copying {
  NodeId leader = node_none;
  Epoch epoch{0};
  bool agreed = false;  ///< The leader has sent what follows this log, in this epoch.
  RequestId fetch{0};   ///< Under way; 0: none.
  /// The leader has more than it has sent; so it is taken to be until it says otherwise.
  bool is_behind = true;
  bool is_counted = false;     ///< The fetch under way has passed the gate.
  std::size_t asks_bytes = 0;  ///< It, or the next one.
  bool is_unanswered = false;  ///< The last fetch was.
  bool waits_turn = false;     ///< For it.
  bool has_turn = false;
  Micros answer_by = never;
  Micros fetch_at{0};  ///< Not before.
  Micros backoff{0};
  Offset leader_high_watermark{0};
  Offset leader_log_start{0};
  PositionVersion position_version{-1};  ///< Read; -1: the whole table is asked for.
  PositionVersion durable_position_version{-1};
  /// The leader's table comes in parts, which are kept until the last has come: what is on the disk
  /// is never half of it. A row that changes meanwhile comes again with a later part.
  bool gathering = false;
  std::map<std::string, Position> gathered;
  std::optional<PositionVersion>
      gathered_to;                 ///< All has come; it waits for its turn to be persisted.
  std::size_t gathered_bytes = 0;  ///< What the whole of it counts as, then.
  Offset told_end{-1};             ///< What the leader was last told to be durable.
  PositionVersion told_position_version{-1};
  std::string trouble;  ///< For people: why it does not get on.
};
struct CatchingUp {
  Copying copying;
  bool cutting = false;  ///< A cut or a new beginning is on its way to the disk.
};
struct Following {
  Copying copying;
  WaitingFetches fetches;
};

struct Closing {
  Errc why = Errc::not_leader;
  bool commits_alone = false;  ///< It led, and what is durable here is committed.
};

struct Halted {
  std::string why;
  FileState file = FileState::unknown;
  /// It was found in use. When nobody counts on this copy any more the store looks at it again; one
  /// that is damaged, or not there, is set aside and lost.
  bool is_doubtful = false;
  Micros retry_at = never;  ///< The disk was full.
};

using Role = std::variant<Opening, Leading, CatchingUp, Following, Closing, Halted>;

/// Why something was read.
struct FetchJob {
  Offset offset;
  std::size_t bytes_max = 0;
  bool goes_on = false;  ///< It followed on one before it.
};
/// Nobody has asked yet; who does makes a FetchJob of it.
struct ReadAheadJob {};
struct ListOffsetJob {};
struct DequeueJob {
  std::string reader;
  std::string token;
  PartitionIndex send_on{-1};
  Offset offset{0};
  bool repeat = false;  ///< Of a dequeue that was carried out already: nothing moves.
  Micros deadline = never;
};
struct QueryJob {};
struct RetentionJob {};
struct ReplicaFetchJob {
  ReplicaFetch fetch;
};

struct ReadJob {
  std::optional<Asker> asker;  ///< Nobody waits for retention and for a read ahead.
  Micros deadline = never;
  std::size_t bytes = 0;  ///< What it counts for at the gate.
  std::variant<FetchJob, ReadAheadJob, ListOffsetJob, DequeueJob, QueryJob, RetentionJob,
               ReplicaFetchJob>
      why;
  std::uint64_t role_life = 0;  ///< Of the role that asked; another one has no use for it.
  std::variant<ReadRecords, FindTime, FindRetention, RunQuery> op;
};

/// Counters since the node's start, and rates over the last seconds.
struct Traffic {
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t commits = 0;  ///< That stored records.

  struct Sample {
    Micros at{0};
    std::uint64_t records_in = 0;
    std::uint64_t records_out = 0;
  };
  std::array<Sample, 4> samples{};
  std::size_t next_sample = 0;
  Micros measure_at{0};
  std::uint32_t in_per_s = 0;
  std::uint32_t out_per_s = 0;
};

}  // namespace pinion::partition
