// The part of the world that wants it to break: chooses, from the run's prng, what goes wrong next
// and for how long. Everything that it breaks it mends again; heal() mends all of it at once.
#pragma once

#include "common/base/prng.hpp"
#include "tests/sim/cluster.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace pinion::sim {

class Faults {
 public:
  Faults(Cluster& cluster, std::uint64_t seed);

  void begin();
  /// No more faults; everything is up, connected and has room.
  void heal();

 private:
  using Inflict = void (Faults::*)();
  enum class Needs : std::uint8_t { nothing, whole_cluster };
  struct Choice {
    std::uint32_t weight;
    Inflict inflict;
    Needs needs = Needs::nothing;
  };

  void plan_next();
  void strike();
  [[nodiscard]] Micros outage();
  void later(Micros delay, std::function<void()> mend);
  [[nodiscard]] NodeProcess& some_node();
  [[nodiscard]] ActorId some_end();

  void kill_node();
  void power_cut_node();
  void stop_node();
  void kill_broker();
  void power_cut_broker();
  void kill_client();
  void pause();
  void cut();
  void cut_peers();
  void isolate();
  void clog();
  void failing_sync();
  void full_disk();
  void full_meta_disk();
  void slow_disk();
  void hanging_disk(NodeProcess& node);
  void clock_jump();
  void stop_broker();
  void blackout();
  void spoil_disk();
  void shape();
  void part(const char* name, const std::function<bool(std::size_t, std::size_t)>& hears);
  void cut_from_broker(const std::function<bool(std::size_t)>& side);
  void lying_sync();
  void leave_behind();
  void await_whole(Inflict inflict);
  [[nodiscard]] bool is_whole() const;
  [[nodiscard]] bool spares_disks() const;
  [[nodiscard]] bool may_lose_disk(const NodeProcess& node) const;
  void spoil(NodeProcess& node, Spoil how);
  void strike_beside(NodeProcess& spoiled, Micros at);
  [[nodiscard]] bool has_a_third(NodeId spoiled, NodeId other) const;
  [[nodiscard]] bool is_known(const NodeProcess& node) const;
  void when_whole(Micros delay, std::function<void(bool)> then, int tries = 50);
  void put_back_earlier_life();
  void start_again_and_take_out(int starts);
  [[nodiscard]] std::optional<Micros> registered_at(const NodeProcess& node) const;
  void take_out_earlier_life();

  void cut_between(std::int32_t from, std::int32_t to);
  void heal_between(std::int32_t from, std::int32_t to);
  void down(Process& process, Process::Death death);

  Cluster& cluster_;
  World& world_;
  Prng prng_;
  std::vector<Choice> choices_;
  std::uint64_t weight_ = 0;
  std::uint64_t disks_made_ = 0;
  int failing_disks_ = 0;
  std::optional<Micros> past_registered_at_;
  NodeProcess* of_the_past_ = nullptr;  ///< It runs over a disk of an earlier life of its own.
  bool backup_waits_ = false;           ///< To be put back: nothing else goes wrong meanwhile.
  /// A disk lies, a node is left behind, or all is to be whole first: the same.
  bool holds_back_ = false;
  std::uint64_t era_ = 0;  ///< What was planned before heal() does not happen after it.
};

}  // namespace pinion::sim
