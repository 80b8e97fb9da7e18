// What happens to a Node and what it wants done: the whole surface between the partition broker's
// core and whoever runs it (the driver, or the simulator).
//
// Plain values. Tickets are numbered by the node, from 1, never twice in one process life; every
// input that answers an effect carries the effect's ticket. Rules that a runner must keep:
//   - `store` effects of one partition are carried out in their order. All else may be done in any
//     order, and results may come in any order, but those of one partition's persists: they are
//     answered in ticket order, and Persisted{t} says that everything up to t is durable.
//   - After PersistFailed a runner fails every later Persist of that partition, without another
//     word, until it meets the Resume that the node answers with.
//   - After StoreLog{CloseLog} nothing of that log may be touched again; Closed answers it. Reads
//   of
//     a log end before its CloseLog is made.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/error.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/ports/record_store.hpp"
#include "common/proto/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pinion::partition {

// ---- Inputs ------------------------------------------------------------------------------------

/// A message from the leader broker, decoded and validated. With a return path it is a request that
/// must be answered exactly once; without one it is the controller's own.
struct FromBroker {
  ReturnPath path;
  Message message;
};

/// The sockets of a node: a DEALER to the leader broker, a ROUTER for other nodes (and clients that
/// come directly), and a DEALER to each node that leads something that is followed here.
enum class Way : std::uint8_t { broker, data, peer };

/// A message of another node, decoded and validated. With a return path it came in at the data
/// ROUTER; without one it answers what was sent to `peer`.
struct FromPeer {
  NodeId peer = node_none;
  ReturnPath path;
  Message message;
};

/// A request that did not survive decoding or validation, but whose header could be read: it is
/// answered with the error, so that its credit returns.
struct Malformed {
  ReturnPath path;
  Header header;
  Error error;
  Way way = Way::broker;
};

struct Opened {
  PartitionKey key;
  Ticket ticket{0};
  RecoveredLog recovered;
  std::string file;  ///< For people.
};
struct OpenFailed {
  PartitionKey key;
  Ticket ticket{0};
  Error error;
};

/// Everything that the partition asked to persist up to and with `last` is durable.
struct Persisted {
  PartitionKey key;
  Ticket last{0};
};
/// `first` and everything after it is not durable (storage_full) or unknown (any other code).
struct PersistFailed {
  PartitionKey key;
  Ticket first{0};
  Error error;
};
/// A partition's file failed by itself, with no persist waiting (a checkpoint, a foreign writer).
struct LogFailed {
  PartitionKey key;
  Error error;
};
struct Closed {
  PartitionKey key;
  Ticket ticket{0};
};

struct RecordsRead {
  PartitionKey key;
  Ticket ticket{0};
  Result<std::vector<Batch>> batches;
};
struct TimeFound {
  PartitionKey key;
  Ticket ticket{0};
  Result<Offset> offset;
};
struct RetentionFound {
  PartitionKey key;
  Ticket ticket{0};
  Result<Offset> offset;
};
struct Queried {
  PartitionKey key;
  Ticket ticket{0};
  Result<QueryReply> reply;
};

struct TopicRemoved {
  TopicId topic;
  Ticket ticket{0};
  Result<void> result;
};
struct ReplicaRemoved {
  PartitionKey key;
  Ticket ticket{0};
  Result<void> result;
};
struct MembershipSaved {
  Ticket ticket{0};
  Result<void> result;
};

/// What a runner has measured; about once a second, and never needed for progress (but `disk` lets
/// a node that refuses writes for want of space go on).
struct DiskChanged {
  DiskSpace disk;
};
struct LoadMeasured {
  std::uint64_t memory_bytes = 0;
  std::uint64_t commits = 0;
  std::uint32_t commit_p50_us = 0;
  std::uint32_t commit_p99_us = 0;
  std::uint64_t refused = 0;  ///< Messages that the runner itself dropped, since the start.
  std::uint32_t open_files = 0;
};
struct SizesMeasured {
  PartitionKey key;
  LogSizes sizes;
};

/// Time has passed. Needed at Node::next_deadline() at the latest, and after a batch of inputs.
struct Tick {};

/// Finish: refuse what is new, answer what is in flight, say goodbye, close every file. The node
/// reports stopped() when it is done.
struct Stop {};

using Input = std::variant<FromBroker, FromPeer, Malformed, Opened, OpenFailed, Persisted,
                           PersistFailed, LogFailed, Closed, RecordsRead, TimeFound, RetentionFound,
                           Queried, TopicRemoved, ReplicaRemoved, MembershipSaved, DiskChanged,
                           LoadMeasured, SizesMeasured, Tick, Stop>;

// ---- Effects -----------------------------------------------------------------------------------

/// With a path: the answer to a request. Without: the node's own message.
struct Send {
  ReturnPath path;
  Message message;
  Way way = Way::broker;
  NodeId peer = node_none;  ///< With Way::peer.
};
/// Connect a fresh DEALER to that node's data ROUTER, in the place of any other one; before
/// `sends`.
struct ConnectPeer {
  NodeId peer = node_none;
  std::string address;
};

struct OpenLog {
  Ticket ticket{0};
  LogIdentity identity;
  IfMissing if_missing = IfMissing::fail;
};
struct PersistLog {
  Persist persist;
  std::size_t bytes = 0;  ///< What it counts for in a commit.
};
/// After PersistFailed{storage_full}: persists that follow are new ones.
struct ResumeLog {
  Offset log_end{0};  ///< Durable; the runner's log must agree.
};
enum class CloseHow : std::uint8_t {
  clean,    ///< PartitionLog::close(): checkpoint and the clean-shutdown mark.
  abandon,  ///< Destroy it untouched: its disk cannot be trusted.
};
struct CloseLog {
  Ticket ticket{0};
  CloseHow how = CloseHow::clean;
};
/// One partition's store effects are carried out in order.
struct StoreEffect {
  PartitionKey key;
  std::variant<OpenLog, PersistLog, ResumeLog, CloseLog> op;
};

/// Only when every log of the topic is closed.
struct RemoveTopic {
  Ticket ticket{0};
  TopicId topic;
};
/// Only when its log is closed.
struct RemoveReplica {
  Ticket ticket{0};
  PartitionKey key;
};
struct SaveMembership {
  Ticket ticket{0};
  RecordStore::Membership membership;
};
using NodeStoreEffect = std::variant<RemoveTopic, SaveMembership, RemoveReplica>;

struct ReadRecords {
  Offset from;
  Offset end;
  std::size_t bytes_max = 0;
};
struct FindTime {
  Micros time{0};
  Offset end;
};
struct FindRetention {
  Micros before{-1};
  std::int64_t bytes_kept = -1;
  Offset end;
};
struct RunQuery {
  std::string sql;
  std::uint32_t rows_max = 0;
  Micros deadline{0};  ///< Monotonic. Nobody waits for it any longer: not even to be begun.
  Offset end;
};
struct ReadEffect {
  PartitionKey key;
  Ticket ticket{0};
  std::variant<ReadRecords, FindTime, FindRetention, RunQuery> op;
};

/// For logs, counters and the checkers of tests; never for decisions.
enum class EventKind : std::uint8_t {
  registered,
  registration_refused,
  broker_lost,
  controller_fenced,   ///< A message of an older controller was ignored.
  session_ignored,     ///< A message of another registration was ignored.
  assignment_ignored,  ///< Stale, or of a topic that is being deleted.
  partition_opening,
  partition_online,
  partition_following,  ///< This replica has everything that is committed, and goes on copying.
  leader_stepped_down,
  isr_proposed,
  replica_older,    ///< A member of the in-sync set lacks what it once had.
  log_cut,          ///< A follower dropped what its leader does not have.
  log_begun_again,  ///< What a follower had was removed by retention; it starts anew.
  replica_refused,  ///< A follower's fetch, or the answer to one, was of no use.
  partition_open_failed,
  disk_silent,   ///< What was written does not come back: a sync hangs.
  disk_answers,  ///< It does again.
  partition_halted,
  partition_closed,
  storage_full,
  storage_has_room,
  log_shortened,  ///< What was not durable was dropped after a failed commit.
  retention,
  producer_evicted,
  wal_warning,
  topic_removed,
  topic_remove_failed,
  membership_save_failed,
  unexpected,  ///< A message or result that fits no state; ignored.
  stopping,
  stopped,
};
enum class Severity : std::uint8_t { debug, info, warn, error };
struct Event {
  EventKind kind;
  Severity severity = Severity::info;
  std::optional<PartitionKey> key;
  std::string detail;
};

/// Reused by the runner: it carries out and clears. Each list is bounded by limits.hpp for a step.
struct Effects {
  std::vector<ConnectPeer> peers;
  std::vector<Send> sends;
  std::vector<StoreEffect> store;
  std::vector<NodeStoreEffect> node_store;
  std::vector<ReadEffect> reads;
  /// Queries that were answered otherwise. They come back all the same; the sooner, the better.
  std::vector<Ticket> queries_given_up;
  std::vector<Event> events;
  bool reset_link = false;  ///< Close the socket to the broker and connect afresh; before `sends`.

  void clear() noexcept {
    peers.clear();
    sends.clear();
    store.clear();
    node_store.clear();
    reads.clear();
    queries_given_up.clear();
    events.clear();
    reset_link = false;
  }
};

}  // namespace pinion::partition
