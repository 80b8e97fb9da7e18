// The leader broker as a simulated process: the Broker core between two sockets and a writer of
// metadata. It mirrors broker/driver: one step a message, effects carried out at once, writes
// grouped, the store's trouble handed to the core or ending the process.
#pragma once

#include "broker/core/broker.hpp"
#include "tests/sim/process.hpp"
#include "tests/support/memory_meta_store.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::sim {

class BrokerProcess final : public Process {
 public:
  BrokerProcess(World& world, std::uint64_t seed);

  /// Nothing while it is down.
  [[nodiscard]] const Broker* core() const { return core_ ? &*core_ : nullptr; }
  [[nodiscard]] const MetaState& durable() const { return meta_disk_->state; }

  enum class Room : std::uint8_t { none, enough };
  void set_meta_room(Room room) { meta_disk_->full = room == Room::none; }
  void slow_writes(Micros extra) { extra_latency_ = extra; }

  /// A clean stop; the process ends by itself.
  void stop();

  /// Of broker.db, as for NodeProcess.
  void back_up() { backup_ = std::make_shared<test::MemoryMetaDisk>(*meta_disk_); }
  void swap_with_backup() { std::swap(meta_disk_, backup_); }
  /// Its next start is told that the file was put back and is meant.
  void restore() { restored_ = Restored::yes; }

  /// What is durable of the metadata.
  [[nodiscard]] const MetaState& durable_meta() const { return meta_disk_->state; }

 private:
  void on_start() override;
  void on_death(Death death) override;
  void on_arrivals(std::vector<Arrival> arrivals) override;

  void step(BrokerInput input);
  void carry_out();
  void send_to_client(Frames frames);
  void send_to_node(NodeFrames message);
  void plan_tick();
  void start_writing();
  void finish_writing();
  void inspect_told_client(const Frames& frames);
  void inspect_told_node(const Frames& frames);
  void note_events();

  std::shared_ptr<test::MemoryMetaDisk> meta_disk_ = std::make_shared<test::MemoryMetaDisk>();
  std::shared_ptr<test::MemoryMetaDisk> backup_;
  Restored restored_ = Restored::no;
  std::optional<test::MemoryMetaStore> store_;
  std::optional<Broker> core_;
  BrokerEffects effects_;
  std::map<std::string, Network::Peer> clients_;  ///< Who is connected, by routing id.
  std::map<std::string, Network::Peer> nodes_;
  std::deque<MetaWrite> unwritten_;
  std::vector<MetaWrite> writing_;
  Micros tick_at_ = never;
  Micros extra_latency_{0};
};

}  // namespace pinion::sim
