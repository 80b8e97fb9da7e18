// What the leader broker needs of its disk: the decisions of the controller, kept before anybody is
// told of them. Implemented by broker/storage (broker.db, readable with sqlite3) and by a memory
// store for the simulator. One contract suite runs against both.
//
// A decision is a MetaWrite: a list of operations that happen all or not at all. The controller
// applies the same operations to its own tables when it hears that they are durable, so that its
// tables never hold what the store does not. The port is synchronous; the broker's driver has a
// writer thread. A MetaStore belongs to one thread at a time.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/base/restored.hpp"
#include "common/proto/messages.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace pinion {

// ---- What is kept
// ----------------------------------------------------------------------------------

struct NodeMeta {
  NodeId id = node_none;
  std::string store_id;
  Incarnation incarnation{0};
  std::int64_t start_id = 0;  ///< Of its process; see RegisterNode.
  std::int64_t join = 0;      ///< That it came by; the next one follows on it. See RegisterNode.
  std::string address;
  std::string rack;
  std::string region;
  std::vector<std::string> topics;  ///< Patterns; none: all topics.
  std::string version;
  Micros registered_at{0};   ///< Wall time of the first registration.
  Micros last_heartbeat{0};  ///< Wall time, as last refreshed.
  NodeHealth health = NodeHealth::lost;
  bool draining = false;  ///< It is to hold nothing any more.
  bool operator==(const NodeMeta&) const = default;
};

struct TopicMeta {
  TopicId id{0};
  std::string name;
  Micros created_at{0};
  TopicConfig config;
  bool operator==(const TopicMeta&) const = default;
};

struct PartitionMeta {
  PartitionKey key;
  NodeId leader = node_none;
  std::vector<NodeId> replicas;  ///< The first is the preferred leader.
  std::vector<NodeId> isr;
  Epoch leader_epoch{0};
  std::int64_t version = 0;  ///< Grows with every change of what stands here, but for the last two.
  bool opened = false;       ///< A replica of it was reported open once: a file must exist.
  std::vector<NodeId> made;  ///< Replicas that were reported open once: theirs must exist.
  /// Left the in-sync set when it became smaller than min_insync_replicas, or later: they have
  /// everything that is committed.
  std::vector<NodeId> eligible;
  std::vector<NodeId> target;  ///< The replicas that it is being moved to; none: it is not.
  /// While it is being moved: the min_insync_replicas before; else 0.
  std::int32_t min_insync_before = 0;
  Offset log_end{0};  ///< As last refreshed.
  std::uint64_t file_bytes = 0;
  bool operator==(const PartitionMeta&) const = default;
};

/// A deleted topic that some nodes still hold files of.
struct Tombstone {
  TopicId topic{0};
  std::string name;
  Micros deleted_at{0};
  std::vector<NodeId> holders;  ///< Ascending.
  bool operator==(const Tombstone&) const = default;
};

enum class RegistrationKind : std::uint8_t { producer, consumer };

struct Registration {
  RegistrationKind kind = RegistrationKind::producer;
  RegistrationId id{0};
  TopicId topic{0};
  std::string name;  ///< Empty: by number only.
  Micros registered_at{0};
  bool operator==(const Registration&) const = default;
};

/// The next of each number that is handed out once and never again.
struct MetaCounters {
  TopicId topic{1};
  ProducerId producer_id{1};
  RegistrationId producer{1};
  RegistrationId consumer{1};
  bool operator==(const MetaCounters&) const = default;
};

// ---- Changing it
// -----------------------------------------------------------------------------------

struct PutNode {
  NodeMeta node;
};  ///< The whole row.
/// A node that is gone for good. Requires: no partition names it.
struct RemoveNode {
  NodeId node;
};
/// With all its partitions, in order of their index. Requires: the id is new.
struct PutTopic {
  TopicMeta topic;
  std::vector<PartitionMeta> partitions;
};
/// All of the row but `opened`, `made` where a replica was opened meanwhile, and sizes.
struct SetPartition {
  PartitionMeta partition;
};
struct SetOpened {
  PartitionKey key;
  NodeId node = node_none;  ///< Enters `made`.
};
/// What a topic is told to be; its partitions are set apart.
struct SetTopicConfig {
  TopicId topic;
  TopicConfig config;
};
/// Partitions that a topic gets behind those that it has.
struct AddPartitions {
  std::vector<PartitionMeta> partitions;
};
/// Removes the topic, its partitions and its registrations. The tombstone stays when it has
/// holders.
struct RemoveTopic {
  Tombstone tombstone;
};
struct ClearTombstone {
  TopicId topic;
  NodeId holder;
};  ///< The last holder's removes it.
struct PutRegistration {
  Registration registration;
};
struct SetCounters {
  MetaCounters counters;
};
/// What changes by itself; written every few seconds for people to read, and nothing depends on it.
struct RefreshNode {
  NodeId node;
  Micros last_heartbeat;
  NodeHealth health = NodeHealth::lost;
};
struct RefreshPartition {
  PartitionKey key;
  Offset log_end;
  std::uint64_t file_bytes = 0;
};

using MetaOp = std::variant<PutNode, PutTopic, SetPartition, SetOpened, RemoveTopic, ClearTombstone,
                            PutRegistration, SetCounters, RefreshNode, RefreshPartition,
                            SetTopicConfig, AddPartitions, RemoveNode>;

/// Atomic. An operation on a row that is not there (any more) changes nothing.
struct MetaWrite {
  Ticket ticket;
  std::vector<MetaOp> ops;
};

/// One that this file began before.
struct Term {
  ControllerEpoch epoch{0};
  std::int64_t start_id = 0;
  bool operator==(const Term&) const = default;
};

/// Everything, as read at the start. Lists are in order of their ids.
struct MetaState {
  std::string cluster_id;
  ControllerEpoch controller_epoch{0};
  std::int64_t start_id = 0;        ///< Drawn at random by each begin_term(); positive.
  std::vector<Term> earlier_terms;  ///< The newest limits::terms_kept, in order.
  MetaCounters counters;
  std::vector<NodeMeta> nodes;
  std::vector<TopicMeta> topics;
  std::vector<PartitionMeta> partitions;
  std::vector<Tombstone> tombstones;
  std::vector<Registration> registrations;
  bool operator==(const MetaState&) const = default;
};

class MetaStore {
 public:
  virtual ~MetaStore() = default;

  /// Begins a term: makes the controller epoch one larger (and, the first time, the cluster's id),
  /// durably, and returns all there is. Called once, before apply().
  /// `restored`: the file was put back from a backup, and is to go on from there. Its epoch is
  /// behind every one that the file can have had since, and earlier terms are forgotten.
  [[nodiscard]] virtual Result<MetaState> begin_term(Restored restored) = 0;

  /// Applies the group, in order, in one transaction, and returns when it is durable.
  ///   storage_full    rolled back, nothing of it happened; the same group may be tried again.
  ///   any other       unknown; never call apply again. The broker ends and starts from disk.
  [[nodiscard]] virtual Result<void> apply(std::span<const MetaWrite> group) = 0;

  /// Leaves the file in its smallest form. The destructor alone is a crash.
  [[nodiscard]] virtual Result<void> close() = 0;
};

}  // namespace pinion
