// A simulated process: it lives, dies, pauses, and has clocks of its own. What it planned in one
// life does not happen in the next. The three programs' drivers are built on it (broker_process,
// node_process, client_process).
#pragma once

#include "common/base/prng.hpp"
#include "common/base/time.hpp"
#include "tests/sim/world.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace pinion::sim {

class Process {
 public:
  Process(World& world, std::string name, std::uint64_t seed);
  virtual ~Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Its name without its number: "node".
  [[nodiscard]] std::string kind() const;
  [[nodiscard]] bool up() const { return up_; }
  [[nodiscard]] bool paused() const { return paused_; }

  void start();
  enum class Death : std::uint8_t { kill, power_cut };
  void crash(Death death);
  /// As SIGSTOP: nothing happens in it, what arrives waits.
  void pause();
  void resume();
  /// Somebody sets the wall clock.
  void jump_wall_clock(Micros by) { wall_offset_ += by; }

  [[nodiscard]] Now now() const;

 protected:
  virtual void on_start() = 0;
  virtual void on_death(Death death) = 0;
  /// A batch of what arrived, as a driver takes it from its sockets.
  struct Arrival {
    ActorId end = 0;  ///< Which of our sockets.
    Network::Peer from;
    Frames frames;
  };
  virtual void on_arrivals(std::vector<Arrival> arrivals) = 0;

  void listen(ActorId end);

  /// Happens unless this life ends before; waits while the process is paused.
  void plan(Micros delay, std::function<void()> action);
  /// The same, but not held up by a pause: what a disk or a network does for the process.
  void plan_outside(Micros delay, std::function<void()> action);
  void end_life();

  World& world_;
  Prng prng_;

 private:
  void arrive(Arrival arrival);
  void run();
  void forget();
  void run_or_wait(std::uint64_t life, const std::function<void()>& action);

  const std::string name_;
  bool up_ = false;
  bool paused_ = false;
  std::uint64_t life_ = 0;
  std::deque<std::function<void()>> waiting_;
  std::deque<Arrival> inbox_;
  bool run_planned_ = false;
  Micros monotonic_offset_{0};
  Micros wall_offset_{0};
  std::int64_t drift_ppm_ = 0;
};

}  // namespace pinion::sim
