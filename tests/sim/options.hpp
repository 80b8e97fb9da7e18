// Everything that a run may vary, drawn from its seed (swarm testing): sizes, delays, which faults
// there are and how often, and the mix of the workload. A run is its options; printed at the start.
#pragma once

#include "tests/sim/network.hpp"

#include "common/base/limits.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <string>

namespace pinion::sim {

struct FaultOptions {
  Micros every{400'000};  ///< Mean time between two faults.
  // Weights among each other; 0: not in this run.
  std::uint32_t kill_node = 0;
  std::uint32_t power_cut_node = 0;
  std::uint32_t stop_node = 0;  ///< A clean stop and start.
  std::uint32_t kill_broker = 0;
  std::uint32_t power_cut_broker = 0;
  std::uint32_t kill_client = 0;
  std::uint32_t pause = 0;
  std::uint32_t cut = 0;        ///< Between two processes, one or both ways.
  std::uint32_t cut_peers = 0;  ///< Between two partition brokers, one or both ways.
  std::uint32_t isolate = 0;    ///< One partition broker from all others, the broker or not.
  std::uint32_t clog = 0;
  std::uint32_t failing_sync = 0;
  std::uint32_t full_disk = 0;
  std::uint32_t full_meta_disk = 0;
  std::uint32_t slow_disk = 0;
  std::uint32_t clock_jump = 0;
  std::uint32_t stop_broker = 0;
  std::uint32_t blackout = 0;      ///< Power cut of everything at once.
  std::uint32_t spoil_disk = 0;    ///< Files damaged, lost, swapped or older; one node at a time.
  std::uint32_t shape = 0;         ///< Groups, a bridge, a ring of partition brokers.
  std::uint32_t lying_sync = 0;    ///< Of one node, until a power cut there.
  std::uint32_t leave_behind = 0;  ///< One node, until the others are lost: unclean elections.
  Micros outage_max{1'500'000};    ///< Until a killed process starts again, a cut heals.
};

struct DiskOptions {
  Micros commit_min{100};
  Micros commit_max{2'000};
  Micros read_max{1'000};
  std::uint32_t stall_per_10k = 0;
  Micros stall_max{300'000};
};

struct WorkloadOptions {
  std::uint32_t topics = 1;
  std::int32_t partitions_max = 3;
  std::uint32_t producers = 2;
  std::uint32_t raw_producers = 1;
  std::uint32_t consumers = 2;
  std::uint32_t any_replica_percent = 0;  ///< Of their lives: they ask followers, too.
  std::uint32_t dequeuers = 1;
  bool dequeuers_pool = false;  ///< They are takers of one consumer.
  std::uint32_t strangers = 0;
  Micros send_every{4'000};  ///< Of one producer, mean; several records at once at times.
  std::uint32_t burst_max = 8;
  std::uint32_t value_bytes_max = 200;
  std::uint32_t acks_all_percent = 100;  ///< The rest is leader and none.
  std::uint32_t keyed_percent = 30;
  std::uint32_t explicit_percent = 40;
  Micros delivery_timeout{20'000'000};
  std::uint32_t batch_bytes_max = 4'096;
  Micros linger{2'000};
  std::uint32_t create_topic_percent = 2;  ///< Of the admin's turns.
  std::uint32_t delete_topic_percent = 1;
  Micros admin_every{300'000};
  std::int64_t retention_bytes = 0;
  std::int32_t replication = 1;
  std::int32_t min_insync_replicas = 0;
  std::uint32_t operators = 0;  ///< Who drain, keep and remove nodes, and alter topics.
  Micros operate_every{500'000};
  bool unclean_elections = false;  ///< What was acknowledged may be lost, and the run knows it.
};

/// What a run is at least.
enum class Life : std::uint8_t {
  any,
  whole,  ///< Nodes, operations of clients and faults, as many as the limits below.
};
inline constexpr std::int32_t whole_life_nodes = 3;
inline constexpr std::uint64_t whole_life_operations = 2'000;
inline constexpr std::uint64_t whole_life_faults = 20;

struct SimOptions {
  std::uint64_t seed = 0;
  Life life = Life::any;
  std::int32_t nodes = 3;
  bool late_node = false;  ///< The last one is started later, by the operator.
  Micros safety_phase{8'000'000};
  /// Elections and moves of replicas; and what a lost message held of a client's credit comes back
  /// after two generations of counters.
  Micros liveness_bound = Micros(150'000'000) + 2 * limits::request_lifetime_max;
  /// After the faults one node is taken away until clients have got on without it.
  bool goes_on_without_one = false;
  bool internal_checks = true;
  std::uint32_t client_requests_max = 8'192;  ///< The router's credit.
  std::uint32_t node_requests_max = 65'536;
  std::uint64_t low_space_bytes = 0;
  std::uint64_t tail_bytes = 64 << 20;  ///< Small ones make readers go to the disk.
  NetworkOptions network;
  FaultOptions faults;
  DiskOptions disk;
  WorkloadOptions workload;

  [[nodiscard]] static SimOptions draw(std::uint64_t seed, Life life = Life::any);
  /// No faults and one of everything: what a scenario starts from.
  [[nodiscard]] static SimOptions calm(std::uint64_t seed);
  [[nodiscard]] std::string describe() const;
};

}  // namespace pinion::sim
