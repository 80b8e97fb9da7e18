// The network between simulated processes: messages as frames, delayed, lost, duplicated,
// reordered, cut off one way or both, clogged and released. It knows processes by number and their
// sockets by generation; what is under way to a socket that was closed since is lost, as with
// ZeroMQ.
//
// A path is a direction between two processes. By default a path is a TCP connection: in order,
// nothing lost, nothing twice. Reordering, loss and duplication are on top, because no core may
// rely on what ZeroMQ does. Two things do rely on it, and are left to them here (docs/TESTING.md):
// a position's commit and a dequeue carry nothing that makes a late copy harmless, so they come
// once and in order; and the client library takes a refusal for the end of that attempt, so what it
// produces comes once. Both may be lost and delayed like all else.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/prng.hpp"
#include "tests/sim/counters.hpp"
#include "tests/sim/scheduler.hpp"
#include "tests/sim/trace.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace pinion::sim {

using ActorId = std::int32_t;

/// The first letter of a client's routing id: who speaks.
inline constexpr char library_letter = 'l';
inline constexpr char by_hand_letter = 'c';
inline constexpr std::size_t routing_bytes = 16;

struct NetworkOptions {
  Micros delay_min{50};
  Micros delay_max{500};
  std::uint32_t slow_per_10k = 0;  ///< Messages delayed by up to slow_max, past others.
  Micros slow_max{200'000};
  std::uint32_t lost_per_10k = 0;
  std::uint32_t duplicated_per_10k = 0;
  std::uint32_t blocked_per_10k = 0;  ///< Sends from the broker to a node that find its queue full.
  bool in_order = true;               ///< Of what is neither slow nor a duplicate.
};

class Network {
 public:
  /// One end of a connection: a process and which of its sockets.
  struct Peer {
    ActorId actor = 0;
    std::uint64_t generation = 0;
  };
  using Deliver = std::function<void(Peer from, Frames frames)>;

  Network(Scheduler& scheduler, Trace& trace, Counters& counters, std::uint64_t seed)
      : scheduler_(scheduler), trace_(trace), counters_(counters), prng_(seed) {}

  /// A process begins to listen. What was under way to its earlier sockets is lost.
  void attach(ActorId actor, Deliver deliver);
  /// A process died or closed its socket: what is under way to it is lost. What it sent before may
  /// still arrive.
  void detach(ActorId actor);
  /// A fresh socket in the place of the old one.
  void reset(ActorId actor);
  [[nodiscard]] bool attached(ActorId actor) const;
  /// That socket is still open: what is sent to another one of the process is not for it.
  [[nodiscard]] bool connected(const Peer& peer) const;

  void send(ActorId from, ActorId to, Frames frames, const char* what);

  // ---- Faults

  void set_options(const NetworkOptions& options) { options_ = options; }
  [[nodiscard]] const NetworkOptions& options() const { return options_; }
  /// Nothing gets through in this direction until heal(): it is lost.
  void cut(ActorId from, ActorId to);
  /// Everything waits in this direction until heal().
  void clog(ActorId from, ActorId to);
  void heal(ActorId from, ActorId to);
  void heal_all();
  [[nodiscard]] bool is_cut(ActorId from, ActorId to) const;

 private:
  enum class State : std::uint8_t { open, cut, clogged };
  struct Held {
    std::uint64_t from;  ///< Generations of the two sockets.
    std::uint64_t to;
    bool in_turn;  ///< Relies on its order.
    Frames frames;
  };
  struct Path {
    State state = State::open;
    Micros last_arrival{0};
    Micros last_in_turn{0};  ///< Of what relies on its order.
    std::vector<Held> held;
  };
  struct Socket {
    std::uint64_t generation = 0;
    Deliver deliver;
  };

  void plan_arrival(ActorId from, ActorId to, Held message);
  void arrive(ActorId from, ActorId to, Held message);

  Scheduler& scheduler_;
  Trace& trace_;
  Counters& counters_;
  Prng prng_;
  NetworkOptions options_;
  std::map<ActorId, Socket> sockets_;
  std::map<std::pair<ActorId, ActorId>, Path> paths_;
};

}  // namespace pinion::sim
