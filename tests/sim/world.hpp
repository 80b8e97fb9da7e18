// What all parts of one simulation share: virtual time, the network, the trace, the checkers and
// the options that the seed drew.
#pragma once

#include "tests/sim/checker.hpp"
#include "tests/sim/counters.hpp"
#include "tests/sim/inspector.hpp"
#include "tests/sim/log_hashes.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/options.hpp"
#include "tests/sim/scheduler.hpp"
#include "tests/sim/trace.hpp"

#include <cstdint>

namespace pinion::sim {

/// The ends of the network. Clients and nodes have one socket each, the broker has two.
inline constexpr ActorId broker_client_end = 1;
inline constexpr ActorId broker_cluster_end = 2;
[[nodiscard]] constexpr ActorId node_end(std::int32_t node) { return 10 + node; }
[[nodiscard]] constexpr ActorId data_end(std::int32_t node) { return 300 + node; }
[[nodiscard]] constexpr ActorId client_end(std::int32_t client) { return 1000 + client; }
/// A node's DEALER to another node's data ROUTER.
[[nodiscard]] constexpr ActorId peer_end(std::int32_t node, std::int32_t peer) {
  return 100'000 + node * 1'000 + peer;
}

struct World {
  World(const SimOptions& sim_options, TraceLevel level)
      : options(sim_options),
        trace(scheduler, level),
        network(scheduler, trace, counters, sim_options.seed ^ 0x6e6574776f726bULL),
        inspector(checker, options.internal_checks),
        log_hashes(checker) {
    network.set_options(options.network);
    if (options.workload.replication > 1 || options.workload.operators > 0) {
      checker.allow_loss_of_leader_acks();
    }
    if (options.workload.unclean_elections) checker.allow_loss();
  }

  const SimOptions options;
  Scheduler scheduler;
  Trace trace;
  Counters counters;
  Network network;
  Checker checker;
  Inspector inspector;
  LogHashes log_hashes;
  Micros wall_start{1'750'000'000'000'000};
};

}  // namespace pinion::sim
