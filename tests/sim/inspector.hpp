// What must hold inside, checked at the places where it could first be seen to be broken: an
// acknowledgement leaves a node, a record is written, a leader speaks. The checker (checker.hpp)
// sees only what clients see; this one sees disks and messages of nodes, can be switched off, and
// finds the cause where the checker finds the consequence.
#pragma once

#include "common/base/ids.hpp"
#include "common/proto/messages.hpp"
#include "common/ports/meta_store.hpp"
#include "common/ports/record_store.hpp"
#include "partition/core/replica.hpp"
#include "tests/sim/checker.hpp"
#include "tests/sim/disk.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace pinion::sim {

class Inspector {
 public:
  Inspector(Checker& checker, bool enabled) : checker_(checker), enabled_(enabled) {}

  [[nodiscard]] bool enabled() const { return enabled_; }

  /// A partition's replicas, as the metadata has them durably.
  struct Replicas {
    std::size_t count = 0;
    std::int64_t version = 0;
    std::size_t least_in_sync = 0;  ///< Of which commits ask.
    std::vector<std::pair<NodeId, const Disk*>> in_sync;
  };
  using InSync = std::function<Replicas(PartitionKey)>;
  void set_in_sync(InSync in_sync) { in_sync_ = std::move(in_sync); }

  /// What is durable of the copy that a leader speaks of, if it still is the one that is there.
  using EndOfCopy =
      std::function<std::optional<Offset>(PartitionKey, Epoch, const FollowerStatus& copy)>;
  void set_end_of_copy(EndOfCopy end_of_copy) { end_of_copy_ = std::move(end_of_copy); }

  /// A group became durable on a node's disk.
  void on_commit(PartitionKey key, std::span<const Persist> group);
  /// A node sends an answer to a client.
  void on_answer(NodeId node, Incarnation incarnation, const Disk& disk, const Message& request,
                 const Message& answer);
  /// A leader answers a follower's fetch at once.
  void on_answer_to_follower(NodeId node, const Header& request, const Message& answer);
  /// The controller tells a node to lead.
  void on_assigned(NodeId node, Incarnation incarnation, const Assignment& assignment);
  /// What a node tells the controller of the partitions that it leads.
  void on_status(std::span<const PartitionStatus> partitions);
  /// How a replica is after a step.
  void on_view(NodeId node, const partition::ReplicaView& view);
  /// What the broker has decided became durable.
  void on_decided(std::span<const PartitionMeta> partitions);

 private:
  void check_in_sync(PartitionKey key, Offset end, const char* name);
  void check_position_in_sync(PartitionKey key, PositionVersion version);
  void on_leader(PartitionKey key, Epoch epoch, NodeId node, Incarnation incarnation);

  Checker& checker_;
  const bool enabled_;
  InSync in_sync_;
  EndOfCopy end_of_copy_;
  std::map<std::tuple<PartitionKey, Epoch, Offset>, std::pair<std::uint32_t, Sequence>> records_;
  std::map<std::pair<PartitionKey, Epoch>, std::pair<NodeId, Incarnation>> leaders_;
  std::map<PartitionKey, std::set<NodeId>> made_;               ///< Who ever had a copy.
  std::map<std::pair<PartitionKey, Epoch>, Offset> committed_;  ///< As far as its leader knew.
};

}  // namespace pinion::sim
