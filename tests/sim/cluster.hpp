// All processes of one simulated cluster: the leader broker, partition brokers and clients.
#pragma once

#include "tests/sim/broker_process.hpp"
#include "tests/sim/client_process.hpp"
#include "tests/sim/node_process.hpp"
#include "tests/sim/world.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::sim {

using MakeDisk = std::function<std::unique_ptr<Disk>(const std::string& store_id)>;

class Cluster {
 public:
  Cluster(World& world, const MakeDisk& make_disk);

  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] BrokerProcess& broker() { return *broker_; }
  [[nodiscard]] std::vector<std::unique_ptr<NodeProcess>>& nodes() { return nodes_; }
  [[nodiscard]] std::vector<std::unique_ptr<ClientProcess>>& clients() { return clients_; }

  void start();
  /// Every replica of every partition is in sync, and none is being moved.
  [[nodiscard]] bool all_in_sync() const;
  [[nodiscard]] std::string out_of_sync() const;
  /// All that the node holds is on another one, too: an operator may have asked for less.
  [[nodiscard]] bool has_copies_beside(NodeId node) const;
  /// A node's disk has lost something, on a cluster that was whole: until each of its replicas was
  /// given up, or is only older, and is in sync again with all that was there.
  void note_spoiled(NodeProcess& node, Spoil how, const std::vector<PartitionKey>& files);
  [[nodiscard]] bool is_recovering() { return !recovering().empty(); }
  /// Which copy is not whole again, in words; empty when all are.
  [[nodiscard]] std::string recovering();
  /// After the end: replicas hold the same batches.
  void check_replicas();
  /// Every process runs, every disk works.
  void heal();
  /// A node dies that can be spared, and nobody starts it again until bring_back().
  void take_one_away();
  void bring_back();

 private:
  World& world_;
  NodeProcess* spoiled_ = nullptr;
  NodeProcess* away_ = nullptr;
  /// What a spoiled copy must come to.
  struct Whole {
    std::int64_t version = 0;
    Offset common{0};              ///< What all the others in sync had.
    Offset most{0};                ///< What one of them had.
    PositionVersion positions{0};  ///< Which all the others had.
  };
  [[nodiscard]] bool can_do_without(NodeId node) const;
  [[nodiscard]] static std::optional<partition::ReplicaView> copy_in_use(const NodeProcess& process,
                                                                         PartitionKey key);
  [[nodiscard]] PositionVersion fsynced_positions(NodeId node, PartitionKey key) const;
  [[nodiscard]] PositionVersion wanted_positions(const Whole& whole,
                                                 const PartitionMeta& partition) const;
  [[nodiscard]] Offset fsynced_end(NodeId node, PartitionKey key) const;
  [[nodiscard]] std::optional<Offset> end_of_copy(PartitionKey key, Epoch epoch,
                                                  const FollowerStatus& copy) const;
  [[nodiscard]] Offset whole_end(const Whole& whole, const PartitionMeta& partition) const;
  std::map<PartitionKey, Whole> spoiled_copies_;
  Prng prng_;
  std::unique_ptr<BrokerProcess> broker_;
  std::vector<std::unique_ptr<NodeProcess>> nodes_;
  std::vector<std::unique_ptr<ClientProcess>> clients_;
};

}  // namespace pinion::sim
