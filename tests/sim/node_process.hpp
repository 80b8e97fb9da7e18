// A partition broker as a simulated process: the Node core between one socket and its disk. It
// mirrors partition/driver: messages decoded and checked before the core sees them, one partition's
// store effects in order and commits grouped, reads by others in any order.
#pragma once

#include "partition/core/node.hpp"
#include "tests/sim/disk.hpp"
#include "tests/sim/process.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::sim {

class NodeProcess final : public Process {
 public:
  NodeProcess(World& world, std::int32_t id, std::unique_ptr<Disk> disk, std::uint64_t seed);

  [[nodiscard]] NodeId id() const { return id_; }
  [[nodiscard]] Disk& disk() { return *disk_; }
  [[nodiscard]] const Disk& disk() const { return *disk_; }
  /// Nothing while it is down.
  [[nodiscard]] const partition::Node* core() const { return core_ ? &*core_ : nullptr; }

  /// Of the life that runs, or was last.
  [[nodiscard]] Incarnation incarnation() const { return incarnation_; }

  /// A partition of it does not trust its disk or file any more.
  [[nodiscard]] bool has_halted() const;

  void slow_writes(Micros extra) { extra_latency_ = extra; }
  /// Commits stay under way until they are released.
  void hold_syncs() { hold_syncs_ = true; }
  void release_syncs();

  /// A clean stop; the process ends by itself when everything is closed.
  void stop();
  [[nodiscard]] bool stopping() const { return stopping_; }

  /// Its next start is told that the folder was put back and is meant.
  void restore() { restored_ = Restored::yes; }

 private:
  /// One partition's file and what its store thread has to do.
  struct Log {
    std::deque<partition::StoreEffect> waiting;
    bool busy = false;
    bool failing = false;  ///< Since a commit failed, until ResumeLog.
    bool broken = false;   ///< Unknown what it holds: never touched again.
    bool commit_held = false;
    std::vector<Persist> committing;
    std::unique_ptr<PartitionLog> log;
    std::unique_ptr<PartitionReader> reader;
    Micros told_at{0};  ///< Results of the store thread reach the core in order.
  };

  void on_start() override;
  void on_death(Death death) override;
  void on_arrivals(std::vector<Arrival> arrivals) override;

  // node_process.cpp
  [[nodiscard]] Result<void> begin_life();
  [[nodiscard]] std::optional<partition::Input> read_message(Arrival arrival);
  void note_received(const Message& message);
  void step(partition::Input input);
  void compare_logs(PartitionKey key);
  void inspect_leading(const std::vector<PartitionKey>& keys);
  void after_steps();
  void carry_out();
  void send(partition::Send send);
  void connect(const partition::ConnectPeer& connect);
  void plan_tick();
  void note_events();
  void measure();
  void inspect(const partition::Send& send);

  // node_disk.cpp
  void begin_store_effect(partition::StoreEffect effect);
  void begin_node_store_effect(partition::NodeStoreEffect effect);
  void begin_read(partition::ReadEffect effect);
  void work(PartitionKey key);
  void open(PartitionKey key, const partition::OpenLog& op);
  void commit(PartitionKey key);
  void finish_commit(PartitionKey key);
  void inspect_cuts(PartitionKey key, const std::vector<Persist>& group);
  void close(PartitionKey key, const partition::CloseLog& op);
  void maintain();
  [[nodiscard]] partition::Input carry_out_read(const partition::ReadEffect& effect);
  [[nodiscard]] Micros commit_latency();
  /// The core hears of it a little later.
  void tell(partition::Input input);
  void tell_in_order(PartitionKey key, partition::Input input);

  const NodeId id_;
  std::unique_ptr<Disk> disk_;
  Restored restored_ = Restored::no;
  std::unique_ptr<RecordStore> store_;
  std::optional<partition::Node> core_;
  partition::Effects effects_;
  std::map<PartitionKey, Log> logs_;
  std::map<std::string, Network::Peer> data_peers_;  ///< By the routing id at the data ROUTER.
  std::map<NodeId, bool> connected_;
  std::map<std::string, Message> requests_;  ///< For the inspector: what an answer answers.
  Incarnation incarnation_{0};
  std::uint64_t refused_ = 0;
  Micros tick_at_ = never;
  Micros extra_latency_{0};
  bool hold_syncs_ = false;
  bool stopping_ = false;
};

}  // namespace pinion::sim
