// Every message of the wire as a struct, and the variant of them all. docs/PROTOCOL.md says what
// each means and who may send it; a test compares its table with this file.
//
// A multipart message is  [routing ids...] [empty] [header] [body] [records...]  .
//   header   msgpack array [version, kind, request_id, topic, partition, leader_epoch, timeout_ms,
//   error] body     msgpack array of the struct's fields, in the order of its PINION_FIELDS records
//   batch payloads (record_batch.hpp), one frame each, in the order the body lists them
// Unknown elements after the known ones are ignored, in the header and in every body, so fields can
// be added at the end.
//
// Pure values. Nothing here has been checked: codec.hpp turns bytes into these, validate.hpp
// refuses what is not within limits.hpp.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/error.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/proto/record_batch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

/// Lists a struct's fields in wire order, for the codec.
#define PINION_FIELDS(...)                                 \
  auto fields() noexcept { return std::tie(__VA_ARGS__); } \
  auto fields() const noexcept { return std::tie(__VA_ARGS__); }

namespace pinion {

inline constexpr std::uint16_t protocol_version = 1;

/// A request has an odd number and its answer the next even one; 200 and up need no answer.
enum class Kind : std::uint16_t {
  // Any peer.
  hello = 1,
  hello_reply = 2,
  ping = 3,
  pong = 4,
  // Client to controller.
  metadata = 11,
  metadata_reply = 12,
  create_topic = 13,
  create_topic_reply = 14,
  delete_topic = 15,
  delete_topic_reply = 16,
  cluster_status = 17,
  cluster_status_reply = 18,
  allocate_producer_ids = 19,
  allocate_producer_ids_reply = 20,
  register_producer = 21,
  register_producer_reply = 22,
  register_consumer = 23,
  register_consumer_reply = 24,
  find_registration = 25,
  find_registration_reply = 26,
  alter_topic = 27,
  alter_topic_reply = 28,
  command_node = 29,
  command_node_reply = 30,
  // Client to a partition's leader, through the router.
  produce = 51,
  produce_reply = 52,
  fetch = 53,
  fetch_reply = 54,
  list_offset = 55,
  list_offset_reply = 56,
  commit_position = 57,
  commit_position_reply = 58,
  fetch_position = 59,
  fetch_position_reply = 60,
  dequeue = 61,
  dequeue_reply = 62,
  query = 63,
  query_reply = 64,
  // Partition broker to partition broker: a follower to its leader, and back.
  replica_fetch = 71,
  replica_fetch_reply = 72,
  // Partition broker to controller, and back.
  register_node = 101,
  register_node_reply = 102,
  node_heartbeat = 103,
  node_heartbeat_reply = 104,
  // One way.
  metadata_changed =
      200,               ///< Controller to clients: leaders moved; resend what was in flight there.
  say_hello = 201,       ///< To a peer that is not known (any more): say hello or register again.
  assign = 202,          ///< Controller to partition broker: lead these, delete those.
  replica_report = 203,  ///< Partition broker to controller: what became of assignments.
  goodbye = 204,         ///< Either way: a clean stop; do not wait for the time-out.
  isr_proposal = 205,    ///< A partition's leader to the controller; `assign` answers it.
  replica_progress = 206,  ///< A follower to its leader: this much is durable.
};

/// True for the kinds that name a partition and are forwarded to its leader.
[[nodiscard]] constexpr bool is_routed_request(Kind kind) noexcept {
  return kind >= Kind::produce && kind <= Kind::query && static_cast<int>(kind) % 2 == 1;
}
[[nodiscard]] constexpr bool is_routed_reply(Kind kind) noexcept {
  return kind >= Kind::produce_reply && kind <= Kind::query_reply &&
         static_cast<int>(kind) % 2 == 0;
}
/// True for the kinds that partition brokers exchange; they name a partition too.
[[nodiscard]] constexpr bool is_replica_kind(Kind kind) noexcept {
  return kind == Kind::replica_fetch || kind == Kind::replica_fetch_reply ||
         kind == Kind::replica_progress;
}
[[nodiscard]] constexpr Kind reply_to(Kind request) noexcept {
  return static_cast<Kind>(static_cast<std::uint16_t>(request) + 1);
}

struct Header {
  std::uint16_t version = protocol_version;
  Kind kind = Kind::hello;
  RequestId request_id{0};
  TopicId topic{0};  ///< With routed and replica kinds; else 0.
  PartitionIndex partition{0};
  Epoch leader_epoch{
      0};  ///< Request: the epoch the sender knows, 0 when none. Answer: the leader's.
  std::uint32_t timeout_ms =
      0;                  ///< Request: drop it unanswered work after this long. 0 in answers.
  Errc error = Errc::ok;  ///< Answers only. When not ok the body is an ErrorBody.
  /// Request to fetch: an in-sync replica that only follows may answer too.
  bool any_replica = false;

  PINION_FIELDS(version, kind, request_id, topic, partition, leader_epoch, timeout_ms, error,
                any_replica)
  bool operator==(const Header&) const = default;
};

/// The body of every answer whose header's error is not ok.
struct ErrorBody {
  std::string detail;    ///< For people.
  Offset log_start{-1};  ///< With offset errors: the range that could be read.
  Offset log_end{-1};
  PINION_FIELDS(detail, log_start, log_end)
};

// ---- Any peer
// --------------------------------------------------------------------------------------

/// The first message on any connection, and again after say_hello.
struct Hello {
  static constexpr Kind kind = Kind::hello;
  std::uint16_t version_min = protocol_version;
  std::uint16_t version_max = protocol_version;
  std::string client_name;  ///< For people: program and host.
  Incarnation incarnation{0};
  std::string cluster_id;  ///< Empty, or the cluster that the sender insists on.
  std::vector<std::string> features;
  PINION_FIELDS(version_min, version_max, client_name, incarnation, cluster_id, features)
};
struct HelloReply {
  static constexpr Kind kind = Kind::hello_reply;
  std::uint16_t version = protocol_version;
  std::string cluster_id;
  ControllerEpoch controller_epoch{0};
  std::uint64_t record_bytes_max = 0;
  std::uint64_t inflight_bytes_max = 0;  ///< This client's credit.
  std::uint32_t inflight_requests_max = 0;
  std::uint32_t heartbeat_ms = 0;  ///< Ping at least this often.
  std::string server_version;
  std::vector<std::string> features;
  std::uint64_t mark = 0;  ///< As a pong's.
  PINION_FIELDS(version, cluster_id, controller_epoch, record_bytes_max, inflight_bytes_max,
                inflight_requests_max, heartbeat_ms, server_version, features, mark)
};
struct Ping {
  static constexpr Kind kind = Kind::ping;
  Incarnation incarnation{0};
  std::uint64_t mark = 0;  ///< The last one that came; so all that came before it has been read.
  PINION_FIELDS(incarnation, mark)
};
struct Pong {
  static constexpr Kind kind = Kind::pong;
  ControllerEpoch controller_epoch{0};
  std::int64_t metadata_version =
      0;                   ///< When it differs from what the client holds, it asks for metadata.
  std::uint64_t mark = 0;  ///< For the next ping to carry back.
  PINION_FIELDS(controller_epoch, metadata_version, mark)
};
struct SayHello {
  static constexpr Kind kind = Kind::say_hello;
  ControllerEpoch controller_epoch{0};
  PINION_FIELDS(controller_epoch)
};
struct Goodbye {
  static constexpr Kind kind = Kind::goodbye;
  Incarnation incarnation{0};
  PINION_FIELDS(incarnation)
};

// ---- Client to controller
// --------------------------------------------------------------------------

enum class PartitionState : std::uint8_t {
  offline = 0,  ///< No live leader.
  opening = 1,  ///< Assigned; the leader has not reported yet.
  online = 2,
  storage_full = 3,  ///< Serves reads; refuses writes until there is room.
  halted = 4,        ///< The leader's disk or file cannot be trusted; the detail says why.
};

struct PartitionMetadata {
  PartitionIndex partition{0};
  NodeId leader = node_none;
  Epoch leader_epoch{0};
  PartitionState state = PartitionState::offline;
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  std::string detail;          ///< Why it is not online, for people; usually empty.
  std::vector<NodeId> target;  ///< The replicas that it is being moved to; none: it is not.
  PINION_FIELDS(partition, leader, leader_epoch, state, replicas, isr, detail, target)
};

struct TopicConfig {
  std::int32_t partitions = 1;
  std::int32_t replication = 1;
  std::int64_t retention_ms = 0;     ///< 0: for ever.
  std::int64_t retention_bytes = 0;  ///< Per partition; 0: without limit.
  /// Records are committed only while so many replicas are in sync. 0: the majority, or 1 where
  /// there are two replicas or fewer.
  std::int32_t min_insync_replicas = 0;
  /// When no replica that has everything is left, one that has less may lead. Loses records.
  bool unclean_elections = false;
  PINION_FIELDS(partitions, replication, retention_ms, retention_bytes, min_insync_replicas,
                unclean_elections)
  bool operator==(const TopicConfig&) const = default;
};

struct TopicMetadata {
  TopicId id{0};
  std::string name;
  Micros created_at{0};
  TopicConfig config;
  std::vector<PartitionMetadata> partitions;  ///< In order of their index, none missing.
  PINION_FIELDS(id, name, created_at, config, partitions)
};

/// Asks for topics by name; none named: all of them, in order of creation.
struct MetadataRequest {
  static constexpr Kind kind = Kind::metadata;
  std::vector<std::string> topics;
  PINION_FIELDS(topics)
};
struct MetadataReply {
  static constexpr Kind kind = Kind::metadata_reply;
  ControllerEpoch controller_epoch{0};
  std::int64_t metadata_version = 0;
  std::vector<TopicMetadata> topics;  ///< A name that does not exist is simply not here.
  PINION_FIELDS(controller_epoch, metadata_version, topics)
};
/// Pushed to every connected client when leaders, epochs or topics change. Only what changed.
struct MetadataChanged {
  static constexpr Kind kind = Kind::metadata_changed;
  ControllerEpoch controller_epoch{0};
  std::int64_t metadata_version = 0;
  std::vector<TopicMetadata> topics;  ///< Whole topics that changed (or were created).
  std::vector<TopicId> deleted;
  bool complete = true;  ///< False: too much changed to list; ask for metadata.
  PINION_FIELDS(controller_epoch, metadata_version, topics, deleted, complete)
};

struct CreateTopic {
  static constexpr Kind kind = Kind::create_topic;
  std::string name;
  TopicConfig config;
  PINION_FIELDS(name, config)
};
/// Answered when the metadata is durable and every partition has reported, or the request's time is
/// over.
struct CreateTopicReply {
  static constexpr Kind kind = Kind::create_topic_reply;
  TopicMetadata topic;
  PINION_FIELDS(topic)
};
struct DeleteTopic {
  static constexpr Kind kind = Kind::delete_topic;
  std::string name;
  PINION_FIELDS(name)
};
struct DeleteTopicReply {
  static constexpr Kind kind = Kind::delete_topic_reply;
  TopicId id{0};
  PINION_FIELDS(id)
};

/// What is to be different of a topic; what is left at -1 stays as it is.
struct AlterTopic {
  static constexpr Kind kind = Kind::alter_topic;
  std::string name;
  std::int32_t partitions = -1;   ///< Only more of them.
  std::int32_t replication = -1;  ///< Replicas are copied, then dropped, while all goes on.
  std::int64_t retention_ms = -1;
  std::int64_t retention_bytes = -1;
  std::int32_t min_insync_replicas = -1;
  std::int32_t unclean_elections = -1;  ///< 0 or 1.
  PINION_FIELDS(name, partitions, replication, retention_ms, retention_bytes, min_insync_replicas,
                unclean_elections)
};
/// Answered when it is durable; moves go on after it.
struct AlterTopicReply {
  static constexpr Kind kind = Kind::alter_topic_reply;
  TopicMetadata topic;
  PINION_FIELDS(topic)
};

enum class NodeCommand : std::uint8_t {
  drain = 0,      ///< Move everything away from the node.
  keep = 1,       ///< Not any more.
  remove = 2,     ///< Forget a node that holds nothing, or is lost and not needed for any copy.
  rebalance = 3,  ///< Spread replicas evenly over all nodes.
};
struct CommandNode {
  static constexpr Kind kind = Kind::command_node;
  NodeCommand command = NodeCommand::drain;
  NodeId node = node_none;  ///< With rebalance: none.
  PINION_FIELDS(command, node)
};
struct CommandNodeReply {
  static constexpr Kind kind = Kind::command_node_reply;
  std::uint32_t moves = 0;  ///< Partitions that are being moved because of it.
  PINION_FIELDS(moves)
};

struct AllocateProducerIds {
  static constexpr Kind kind = Kind::allocate_producer_ids;
  std::uint32_t count = 1;
  PINION_FIELDS(count)
};
struct AllocateProducerIdsReply {
  static constexpr Kind kind = Kind::allocate_producer_ids_reply;
  ProducerId first{0};
  std::uint32_t count = 0;
  PINION_FIELDS(first, count)
};

/// Registers by number. A non-empty name makes it idempotent: the same name and topic, the same
/// number.
struct RegisterProducer {
  static constexpr Kind kind = Kind::register_producer;
  std::string topic;
  std::string name;
  bool create_topic = false;  ///< With one partition, when it does not exist.
  PINION_FIELDS(topic, name, create_topic)
};
struct RegisterProducerReply {
  static constexpr Kind kind = Kind::register_producer_reply;
  RegistrationId id{0};
  TopicMetadata topic;
  PINION_FIELDS(id, topic)
};
struct RegisterConsumer {
  static constexpr Kind kind = Kind::register_consumer;
  std::string topic;
  std::string name;
  PINION_FIELDS(topic, name)
};
struct RegisterConsumerReply {
  static constexpr Kind kind = Kind::register_consumer_reply;
  RegistrationId id{0};
  TopicMetadata topic;
  PINION_FIELDS(id, topic)
};

enum class ClientKind : std::uint8_t { producer = 0, consumer = 1 };
/// Whose number is it? `unknown_reader` when nobody has it, or its topic was deleted.
struct FindRegistration {
  static constexpr Kind kind = Kind::find_registration;
  ClientKind of = ClientKind::producer;
  RegistrationId id{0};
  PINION_FIELDS(of, id)
};
struct FindRegistrationReply {
  static constexpr Kind kind = Kind::find_registration_reply;
  TopicId topic{0};
  std::string topic_name;
  std::string name;
  PINION_FIELDS(topic, topic_name, name)
};

struct ReaderStatus {
  std::string reader;
  Offset position{0};  ///< The next offset it will read.
  Micros updated_at{0};
  PINION_FIELDS(reader, position, updated_at)
};

/// How far a follower is, as its leader knows.
struct FollowerStatus {
  NodeId node = node_none;
  bool in_sync = false;
  Offset durable_end{-1};  ///< -1: it has not been heard of in this epoch.
  Micros behind_since{0};  ///< Wall time since when it is not at the leader's end; 0: it is.
  /// Which opening of its file that is said of (see ReplicaFetch).
  std::int64_t copy_session = 0;
  std::int64_t copy = 0;
  PINION_FIELDS(node, in_sync, durable_end, behind_since, copy_session, copy)
};

/// What a partition's leader last said of it, and when.
struct PartitionStatus {
  TopicId topic{0};
  PartitionIndex partition{0};
  NodeId node = node_none;
  Epoch leader_epoch{0};
  PartitionState state = PartitionState::offline;
  Offset log_start{0};
  Offset high_watermark{0};
  Offset log_end{0};
  std::uint64_t file_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::uint64_t records_in = 0;  ///< Since the node's start.
  std::uint64_t records_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t commits = 0;           ///< That stored records, since the node's start.
  std::uint32_t records_in_per_s = 0;  ///< Over the last seconds.
  std::uint32_t records_out_per_s = 0;
  std::string file;  ///< Its path on the node.
  std::string detail;
  std::vector<ReaderStatus> readers;  ///< The most recently active, at most 64.
  std::vector<FollowerStatus> followers;
  PINION_FIELDS(topic, partition, node, leader_epoch, state, log_start, high_watermark, log_end,
                file_bytes, wal_bytes, records_in, records_out, bytes_in, bytes_out, commits,
                records_in_per_s, records_out_per_s, file, detail, readers, followers)
};

struct NodeLoad {
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t disk_total_bytes = 0;
  std::uint64_t commits = 0;        ///< Since the start.
  std::uint32_t commit_p50_us = 0;  ///< Over the last commits, fsync included.
  std::uint32_t commit_p99_us = 0;
  std::uint32_t requests_inflight = 0;
  std::uint64_t requests_refused = 0;  ///< Malformed or over a limit, since the start.
  std::uint32_t open_files = 0;
  PINION_FIELDS(memory_bytes, disk_free_bytes, disk_total_bytes, commits, commit_p50_us,
                commit_p99_us, requests_inflight, requests_refused, open_files)
};

enum class NodeHealth : std::uint8_t { lost = 0, alive = 1, stopping = 2 };

struct NodeStatus {
  NodeId id = node_none;
  NodeHealth health = NodeHealth::lost;
  Incarnation incarnation{0};
  std::string address;
  std::string rack;
  std::string region;
  Micros last_heartbeat{0};  ///< Wall time.
  std::uint32_t partitions_led = 0;
  NodeLoad load;
  std::string version;
  std::uint32_t replicas = 0;  ///< Held, led ones included.
  bool draining = false;
  std::string detail;  ///< Why it was not let in when it asked last; empty: nothing.
  PINION_FIELDS(id, health, incarnation, address, rack, region, last_heartbeat, partitions_led,
                load, version, replicas, draining, detail)
};

struct RegistrationStatus {
  RegistrationId id{0};
  TopicId topic{0};
  std::string name;
  Micros registered_at{0};
  PINION_FIELDS(id, topic, name, registered_at)
};

struct BrokerStatus {
  std::string cluster_id;
  ControllerEpoch controller_epoch{0};
  Micros started_at{0};
  Micros now{0};
  std::uint32_t clients = 0;
  std::uint64_t messages_routed = 0;
  std::uint64_t bytes_routed = 0;
  std::uint64_t refused_malformed = 0;
  std::uint64_t refused_throttled = 0;
  std::uint64_t replies_dropped = 0;  ///< To clients that were gone or did not read.
  std::uint64_t memory_bytes = 0;
  std::uint64_t fuse_trips = 0;
  std::string version;
  std::string sqlite_version;
  std::string cluster_name;  ///< For people.
  PINION_FIELDS(cluster_id, controller_epoch, started_at, now, clients, messages_routed,
                bytes_routed, refused_malformed, refused_throttled, replies_dropped, memory_bytes,
                fuse_trips, version, sqlite_version, cluster_name)
};

struct ClusterStatusRequest {
  static constexpr Kind kind = Kind::cluster_status;
  bool with_partitions = true;
  PINION_FIELDS(with_partitions)
};
struct ClusterStatusReply {
  static constexpr Kind kind = Kind::cluster_status_reply;
  BrokerStatus broker;
  std::vector<NodeStatus> nodes;
  std::vector<TopicMetadata> topics;
  std::vector<PartitionStatus> partitions;
  std::vector<RegistrationStatus> consumers;  ///< Registered by name or number, the newest 1,000.
  std::vector<RegistrationStatus> producers;
  PINION_FIELDS(broker, nodes, topics, partitions, consumers, producers)
};

// ---- Client to a partition's leader
// ----------------------------------------------------------------

enum class Acks : std::uint8_t {
  none = 0,    ///< Answered on receipt, before anything is written.
  leader = 1,  ///< Answered when the leader has fsynced.
  all = 2,     ///< Answered when every in-sync replica has fsynced.
};

/// Carries one batch, its payload in the one records frame.
struct Produce {
  static constexpr Kind kind = Kind::produce;
  Acks acks = Acks::all;
  BatchHeader batch;
  PINION_FIELDS(acks, batch)
};
struct ProduceReply {
  static constexpr Kind kind = Kind::produce_reply;
  Offset base_offset = offset_unassigned;  ///< -1 with acks=none.
  Micros append_time{0};
  Offset log_start{0};
  PINION_FIELDS(base_offset, append_time, log_start)
};

struct Fetch {
  static constexpr Kind kind = Kind::fetch;
  Offset offset{0};
  Epoch last_epoch{0};          ///< The epoch of the last record the reader saw, 0 when none.
  std::uint32_t bytes_max = 0;  ///< A first batch larger than this is still sent, whole.
  std::uint32_t wait_ms = 0;    ///< Wait this long for something to read.
  PINION_FIELDS(offset, last_epoch, bytes_max, wait_ms)
};
/// Whole batches, the first of which holds the asked offset; one records frame a batch. None: the
/// wait is over.
struct FetchReply {
  static constexpr Kind kind = Kind::fetch_reply;
  Offset log_start{0};
  Offset high_watermark{0};  ///< -1: a new leader does not know yet what was shown before.
  std::vector<BatchHeader> batches;
  PINION_FIELDS(log_start, high_watermark, batches)
};

enum class OffsetSpec : std::uint8_t { earliest = 0, latest = 1, timestamp = 2 };
struct ListOffset {
  static constexpr Kind kind = Kind::list_offset;
  OffsetSpec spec = OffsetSpec::earliest;
  Micros timestamp{0};  ///< With `timestamp`: the first record whose log time is at or after this.
  PINION_FIELDS(spec, timestamp)
};
struct ListOffsetReply {
  static constexpr Kind kind = Kind::list_offset_reply;
  Offset offset{0};  ///< The high watermark when nothing is that late.
  Epoch epoch{0};    ///< Of the record before it, 0 when there is none.
  PINION_FIELDS(offset, epoch)
};

struct CommitPosition {
  static constexpr Kind kind = Kind::commit_position;
  std::string reader;     ///< "consumer:NAME", "group:NAME" or "id:N".
  Offset offset{0};       ///< The next offset to read. -1 forgets the position.
  Epoch leader_epoch{0};  ///< Of the last record read, 0 when unknown.
  PINION_FIELDS(reader, offset, leader_epoch)
};
struct CommitPositionReply {
  static constexpr Kind kind = Kind::commit_position_reply;
  PositionVersion version{0};
  PINION_FIELDS(version)
};
struct FetchPosition {
  static constexpr Kind kind = Kind::fetch_position;
  std::string reader;
  std::string token{};  ///< Of a dequeue: is it known here? Empty: not asked.
  PINION_FIELDS(reader, token)
};
struct FetchPositionReply {
  static constexpr Kind kind = Kind::fetch_position_reply;
  Offset offset = offset_unassigned;  ///< -1: this reader has no position here.
  Epoch leader_epoch{0};
  Offset high_watermark{0};  ///< So that lag = high_watermark - offset.
  Offset log_start{0};
  /// Where a dequeue with the asked token was carried out, as this partition knows: this one, or
  /// the one that it was sent on to. -1: not known here.
  PartitionIndex token_partition{-1};
  PINION_FIELDS(offset, leader_epoch, high_watermark, log_start, token_partition)
};

/// Reads the next record and moves the position on, in one durable step. A repeat of the same token
/// returns the same record.
struct Dequeue {
  static constexpr Kind kind = Kind::dequeue;
  std::string reader;
  std::string token;  ///< At most request_token_bytes_max; empty: no protection against repeats.
  /// Not -1: with nothing unread, the token is sent on to that partition; durably, so that whoever
  /// comes with it again is sent to the same one. See `token_partition`.
  PartitionIndex send_on{-1};
  PINION_FIELDS(reader, token, send_on)
};
/// Carries the record alone, as a batch of one, in one records frame. `nothing_unread` when there
/// is none.
struct DequeueReply {
  static constexpr Kind kind = Kind::dequeue_reply;
  Offset offset{0};
  BatchHeader batch;
  Offset high_watermark{0};
  PINION_FIELDS(offset, batch, high_watermark)
};

struct Query {
  static constexpr Kind kind = Kind::query;
  std::string sql;
  std::uint32_t rows_max = 0;  ///< 0: the default.
  PINION_FIELDS(sql, rows_max)
};
/// A value of a result row: nothing, integer, real, text, or bytes that are not text.
struct SqlBlob {
  std::string bytes;
  bool operator==(const SqlBlob&) const = default;
};
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string, SqlBlob>;
struct QueryReply {
  static constexpr Kind kind = Kind::query_reply;
  std::vector<std::string> columns;
  std::vector<std::vector<SqlValue>> rows;
  bool truncated = false;  ///< More rows were there than the limit.
  PINION_FIELDS(columns, rows, truncated)
};

// ---- Partition broker to partition broker
// --------------------------------------------------------

/// A follower asks its leader, and says how far it is. The header names the epoch it follows.
struct ReplicaFetch {
  static constexpr Kind kind = Kind::replica_fetch;
  NodeId node = node_none;
  Incarnation incarnation{0};
  /// Of the node's registration when it opened the file, and which opening it was: together they
  /// only grow, also when the node gets another disk.
  std::int64_t session = 0;
  std::int64_t copy = 0;
  Offset offset{0};     ///< Where it wants to read on: its log end, what it is writing included.
  Epoch last_epoch{0};  ///< Of the record before that, 0 when there is none.
  Offset durable_end{0};
  PositionVersion position_version{-1};  ///< What it has read; -1: it wants the whole table.
  PositionVersion durable_position_version{-1};
  std::uint32_t bytes_max = 0;
  std::uint32_t wait_ms = 0;
  PINION_FIELDS(node, incarnation, session, copy, offset, last_epoch, durable_end, position_version,
                durable_position_version, bytes_max, wait_ms)
};
/// A row of a partition's table of positions.
struct PositionRow {
  std::string reader;
  Offset offset{0};
  Epoch leader_epoch{0};
  PositionVersion version{0};
  std::string last_token;
  Offset last_offset{-1};
  bool deleted = false;
  Micros updated_at{0};
  PINION_FIELDS(reader, offset, leader_epoch, version, last_token, last_offset, deleted, updated_at)
};
/// What is remembered of one batch of a producer, and of a producer.
struct ProducerBatchRow {
  Sequence base_sequence{0};
  std::uint32_t record_count = 0;
  Offset base_offset{0};
  Micros append_time{0};
  PINION_FIELDS(base_sequence, record_count, base_offset, append_time)
};
struct ProducerRow {
  ProducerId id{0};
  ProducerEpoch epoch{0};
  Micros last_seen{0};
  std::vector<ProducerBatchRow> batches;
  PINION_FIELDS(id, epoch, last_seen, batches)
};
/// Records that follow the asked offset, one frame a batch; or where the logs part; or where to
/// begin again.
struct ReplicaFetchReply {
  static constexpr Kind kind = Kind::replica_fetch_reply;
  Offset log_start{0};
  Offset high_watermark{0};
  Offset log_end{0};         ///< Durable on the leader.
  Offset diverging_end{-1};  ///< Not -1: the logs part; the end of `diverging_epoch` here.
  Epoch diverging_epoch{0};  ///< The largest one here at or below the asked one.
  Offset begin_at{-1};       ///< Not -1: what the follower has is gone here; begin again there.
  std::vector<ProducerRow> producers;  ///< With begin_at: of the batches below it.
  std::vector<BatchHeader> batches;
  bool all_positions = false;   ///< `positions` is the whole table, or the first part of it.
  bool more_positions = false;  ///< The rest of it follows, from `position_version` on.
  std::vector<PositionRow> positions;
  PositionVersion position_version{0};  ///< What the follower has read with this.
  PINION_FIELDS(log_start, high_watermark, log_end, diverging_end, diverging_epoch, begin_at,
                producers, batches, all_positions, more_positions, positions, position_version)
};
struct ReplicaProgress {
  static constexpr Kind kind = Kind::replica_progress;
  NodeId node = node_none;
  std::int64_t session = 0;
  std::int64_t copy = 0;
  Offset durable_end{0};
  PositionVersion durable_position_version{0};
  PINION_FIELDS(node, session, copy, durable_end, durable_position_version)
};

// ---- Partition broker to controller
// ----------------------------------------------------------------

struct RegisterNode {
  static constexpr Kind kind = Kind::register_node;
  std::uint16_t version_min = protocol_version;
  std::uint16_t version_max = protocol_version;
  NodeId node = node_none;
  std::string store_id;  ///< Of its data folder; tells two nodes with one id apart.
  Incarnation incarnation{0};
  /// Drawn at random by each start: two starts of one incarnation began from copies of one folder.
  std::int64_t start_id = 0;
  /// Two links of a chain: the join that was answered last, and this one. What does not follow on
  /// the join that the controller saw last is an older copy of the folder.
  std::int64_t joined = 0;
  std::int64_t joining = 0;
  bool restored = false;                ///< An older copy, and meant: whatever it follows on.
  std::string cluster_id;               ///< Empty until the node has joined one.
  ControllerEpoch controller_epoch{0};  ///< The highest it has seen,
  std::int64_t controller_start = 0;    ///< and the start_id of that controller; 0: none.
  std::string address;                  ///< Where its data ROUTER would be reached; for people too.
  std::string rack;
  std::string region;
  std::vector<std::string> topics;  ///< Patterns ("orders-*") it is meant for; none: all.
  std::string server_version;
  PINION_FIELDS(version_min, version_max, node, store_id, incarnation, start_id, joined, joining,
                restored, cluster_id, controller_epoch, controller_start, address, rack, region,
                topics, server_version)
};
/// The assignments follow in `assign` messages.
struct RegisterNodeReply {
  static constexpr Kind kind = Kind::register_node_reply;
  std::string cluster_id;
  ControllerEpoch controller_epoch{0};
  std::int64_t controller_start = 0;  ///< Its start_id, drawn at random by each start.
  std::int64_t session = 0;           ///< Echoed in heartbeats; a new one with every registration.
  std::uint32_t heartbeat_ms = 0;
  std::uint32_t lost_after_ms = 0;
  std::uint64_t record_bytes_max = 0;
  PINION_FIELDS(cluster_id, controller_epoch, controller_start, session, heartbeat_ms,
                lost_after_ms, record_bytes_max)
};

struct NodeHeartbeat {
  static constexpr Kind kind = Kind::node_heartbeat;
  NodeId node = node_none;
  Incarnation incarnation{0};
  std::int64_t session = 0;
  NodeLoad load;
  std::vector<PartitionStatus>
      partitions;  ///< Those that changed since the last heartbeat, bounded.
  PINION_FIELDS(node, incarnation, session, load, partitions)
};
struct NodeHeartbeatReply {
  static constexpr Kind kind = Kind::node_heartbeat_reply;
  ControllerEpoch controller_epoch{0};
  std::int64_t session = 0;
  PINION_FIELDS(controller_epoch, session)
};

struct Assignment {
  TopicId topic{0};
  std::string topic_name;
  PartitionIndex partition{0};
  Epoch leader_epoch{0};
  NodeId leader = node_none;
  TopicConfig config;
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  std::int64_t partition_version = 0;
  bool create = false;  ///< No replica of it was ever reported open: a missing file may be made.
  /// Records are committed only while so many replicas are in sync. While replicas are being added
  /// it is what it was before.
  std::uint32_t min_insync = 1;
  PINION_FIELDS(topic, topic_name, partition, leader_epoch, leader, config, replicas, isr,
                partition_version, create, min_insync)
};
/// Where the replicas of assigned partitions are reached by each other.
struct NodeAddress {
  NodeId node = node_none;
  Incarnation incarnation{0};
  std::int64_t session = 0;  ///< Of its registration: the highest one's address holds.
  std::string address;
  PINION_FIELDS(node, incarnation, session, address)
};
struct DroppedReplica {
  TopicId topic{0};
  PartitionIndex partition{0};
  std::int64_t partition_version = 0;
  PINION_FIELDS(topic, partition, partition_version)
};
struct Assign {
  static constexpr Kind kind = Kind::assign;
  ControllerEpoch controller_epoch{0};
  std::int64_t session = 0;
  std::int64_t number = 0;  ///< Counts those of a session: what a later one has overtaken is void.
  std::vector<Assignment> assignments;
  std::vector<TopicId>
      deleted;  ///< Tombstones: delete what is held of these topics, and report it.
  std::vector<NodeAddress> peers;       ///< Of all nodes that the assignments name.
  std::vector<DroppedReplica> dropped;  ///< Replicas that were moved away: delete them, report it.
  PINION_FIELDS(controller_epoch, session, number, assignments, deleted, peers, dropped)
};

enum class ReplicaRole : std::uint8_t { none = 0, leader = 1, catching_up = 2, following = 3 };
/// What can be said of a replica's file.
enum class FileState : std::uint8_t {
  unknown = 0,  ///< Not opened (yet), or halted.
  open = 1,
  lost = 2,     ///< Missing, damaged or older than it was; set aside.
  failing = 3,  ///< Its disk fails, or is full; opening is tried again and again.
};
struct ReplicaState {
  TopicId topic{0};
  PartitionIndex partition{0};
  Epoch leader_epoch{0};
  PartitionState state = PartitionState::offline;
  Offset log_end{0};  ///< Durable.
  std::string detail;
  std::int64_t partition_version = 0;  ///< Of the assignment that it follows.
  ReplicaRole role = ReplicaRole::none;
  FileState file = FileState::unknown;
  Epoch last_epoch{0};                  ///< Of the last record.
  PositionVersion position_version{0};  ///< Of its readers' positions: the newest durable one.
  /// Which opening of the file this is about, as in a ReplicaFetch.
  std::int64_t copy_session = 0;
  std::int64_t copy = 0;
  PINION_FIELDS(topic, partition, leader_epoch, state, log_end, detail, partition_version, role,
                file, last_epoch, position_version, copy_session, copy)
};
struct ReplicaReport {
  static constexpr Kind kind = Kind::replica_report;
  NodeId node = node_none;
  Incarnation incarnation{0};
  std::int64_t session = 0;
  std::vector<ReplicaState> replicas;
  std::vector<TopicId> deleted;         ///< Tombstones that were carried out.
  std::vector<DroppedReplica> dropped;  ///< Replicas that were deleted as they were told.
  PINION_FIELDS(node, incarnation, session, replicas, deleted, dropped)
};

/// A leader wants another in-sync set: all of its members, with the lives it has heard of.
struct IsrMember {
  NodeId node = node_none;
  Incarnation incarnation{0};
  std::int64_t copy_session = 0;  ///< What it fetched with, of a follower.
  std::int64_t copy = 0;
  PINION_FIELDS(node, incarnation, copy_session, copy)
};
struct ProposedIsr {
  TopicId topic{0};
  PartitionIndex partition{0};
  Epoch leader_epoch{0};
  std::int64_t partition_version = 0;  ///< That it was made from.
  std::vector<IsrMember> isr;
  /// Members that must go: their copies lack what is committed, so they are older than they were.
  std::vector<NodeId> older;
  PINION_FIELDS(topic, partition, leader_epoch, partition_version, isr, older)
};
struct IsrProposal {
  static constexpr Kind kind = Kind::isr_proposal;
  NodeId node = node_none;
  Incarnation incarnation{0};
  std::int64_t session = 0;
  std::vector<ProposedIsr> proposals;
  PINION_FIELDS(node, incarnation, session, proposals)
};

using BodyVariant = std::variant<
    ErrorBody, Hello, HelloReply, Ping, Pong, SayHello, Goodbye, MetadataRequest, MetadataReply,
    MetadataChanged, CreateTopic, CreateTopicReply, DeleteTopic, DeleteTopicReply,
    ClusterStatusRequest, ClusterStatusReply, AllocateProducerIds, AllocateProducerIdsReply,
    RegisterProducer, RegisterProducerReply, RegisterConsumer, RegisterConsumerReply,
    FindRegistration, FindRegistrationReply, AlterTopic, AlterTopicReply, CommandNode,
    CommandNodeReply, Produce, ProduceReply, Fetch, FetchReply, ListOffset, ListOffsetReply,
    CommitPosition, CommitPositionReply, FetchPosition, FetchPositionReply, Dequeue, DequeueReply,
    Query, QueryReply, RegisterNode, RegisterNodeReply, NodeHeartbeat, NodeHeartbeatReply, Assign,
    ReplicaReport, ReplicaFetch, ReplicaFetchReply, ReplicaProgress, IsrProposal>;

/// What a message says. What copies, moves and ends a variant of so many is compiled once
/// (messages.cpp): in each source that holds a message it was most of the time to build it.
struct Body : BodyVariant {
  using BodyVariant::BodyVariant;
  using BodyVariant::operator=;
  Body();
  Body(const Body& other);
  Body(Body&& other) noexcept;
  Body& operator=(const Body& other);
  Body& operator=(Body&& other) noexcept;
  ~Body();
};

/// One decoded message and the batch payloads that came with it.
struct Message {
  Header header;
  Body body;
  Frames records;
};

/// The frames in front of the empty one: whom an answer goes back to. Opaque to all but the router.
using ReturnPath = Frames;

}  // namespace pinion
