#include "tests/sim/options.hpp"

#include "common/base/prng.hpp"

#include <algorithm>
#include <sstream>

namespace pinion::sim {

namespace {

std::uint32_t draw_up_to(Prng& prng, std::int64_t low, std::int64_t high) {
  return static_cast<std::uint32_t>(prng.between(low, high));
}

/// A weight that is 0 half of the time: many runs with few kinds of faults find more than all runs
/// with all kinds.
std::uint32_t weight(Prng& prng, std::uint64_t n = 1, std::uint64_t d = 2) {
  return prng.chance(n, d) ? draw_up_to(prng, 1, 10) : 0;
}

NetworkOptions draw_network(Prng& prng) {
  NetworkOptions network;
  network.delay_min = Micros(prng.between(20, 200));
  network.delay_max = network.delay_min + Micros(prng.between(50, 5'000));
  network.in_order = prng.chance(2, 3);
  if (prng.chance(1, 2)) network.slow_per_10k = draw_up_to(prng, 1, 300);
  network.slow_max = Micros(prng.between(10'000, 2'000'000));
  if (prng.chance(1, 2)) network.lost_per_10k = draw_up_to(prng, 1, 300);
  if (prng.chance(1, 2)) network.duplicated_per_10k = draw_up_to(prng, 1, 500);
  if (prng.chance(1, 4)) network.blocked_per_10k = draw_up_to(prng, 1, 200);
  return network;
}

FaultOptions draw_faults(Prng& prng) {
  FaultOptions faults;
  faults.every = Micros(prng.between(100'000, 1'500'000));
  faults.kill_node = weight(prng);
  faults.power_cut_node = weight(prng);
  faults.stop_node = weight(prng, 1, 3);
  faults.kill_broker = weight(prng);
  faults.power_cut_broker = weight(prng);
  faults.kill_client = weight(prng, 1, 3);
  faults.pause = weight(prng);
  faults.cut = weight(prng);
  faults.clog = weight(prng);
  faults.failing_sync = weight(prng, 1, 3);
  faults.full_disk = weight(prng, 1, 3);
  faults.full_meta_disk = weight(prng, 1, 4);
  faults.slow_disk = weight(prng, 1, 3);
  faults.clock_jump = weight(prng, 1, 3);
  faults.stop_broker = weight(prng, 1, 4);
  faults.blackout = weight(prng, 1, 4);
  faults.spoil_disk = weight(prng, 1, 3);
  faults.cut_peers = weight(prng);
  faults.isolate = weight(prng, 1, 3);
  faults.outage_max = Micros(prng.between(50'000, 4'000'000));
  return faults;
}

/// What strikes a cluster that is whole comes seldom where much else goes wrong.
void leave_disks_only(Prng& prng, SimOptions& options) {
  FaultOptions faults;
  faults.every = Micros(prng.between(100'000, 600'000));
  faults.spoil_disk = 10;
  faults.lying_sync = draw_up_to(prng, 0, 5);
  faults.kill_node = draw_up_to(prng, 0, 3);
  faults.kill_broker = draw_up_to(prng, 0, 2);
  faults.outage_max = Micros(prng.between(50'000, 2'000'000));
  options.faults = faults;
  options.workload.replication = std::min(3, options.nodes);
  options.late_node = false;  // Topics need it from the start.
}

DiskOptions draw_disk(Prng& prng) {
  DiskOptions disk;
  disk.commit_min = Micros(prng.between(20, 500));
  disk.commit_max = disk.commit_min + Micros(prng.between(100, 20'000));
  disk.read_max = Micros(prng.between(50, 10'000));
  if (prng.chance(1, 2)) disk.stall_per_10k = draw_up_to(prng, 1, 200);
  disk.stall_max = Micros(prng.between(10'000, 3'000'000));
  return disk;
}

WorkloadOptions draw_workload(Prng& prng) {
  WorkloadOptions workload;
  workload.topics = draw_up_to(prng, 1, 3);
  workload.partitions_max = static_cast<std::int32_t>(prng.between(1, 4));
  workload.producers = draw_up_to(prng, 1, 4);
  workload.raw_producers = draw_up_to(prng, 0, 2);
  workload.consumers = draw_up_to(prng, 1, 3);
  workload.dequeuers = draw_up_to(prng, 0, 2);
  workload.strangers = draw_up_to(prng, 0, 1);
  workload.send_every = Micros(prng.between(2'000, 60'000));
  workload.burst_max = draw_up_to(prng, 1, 20);
  workload.value_bytes_max = draw_up_to(prng, 16, 400);
  if (prng.chance(1, 3)) workload.acks_all_percent = draw_up_to(prng, 30, 99);
  workload.keyed_percent = draw_up_to(prng, 0, 50);
  workload.explicit_percent = draw_up_to(prng, 0, 50);
  workload.delivery_timeout = Micros(prng.between(500'000, 20'000'000));
  workload.batch_bytes_max = draw_up_to(prng, 256, 8'192);
  workload.linger = Micros(prng.between(0, 10'000));
  workload.create_topic_percent = draw_up_to(prng, 0, 10);
  workload.delete_topic_percent = draw_up_to(prng, 0, 5);
  workload.admin_every = Micros(prng.between(100'000, 1'000'000));
  if (prng.chance(1, 5)) workload.retention_bytes = prng.between(2'000, 50'000);
  if (prng.chance(3, 4)) workload.replication = static_cast<std::int32_t>(prng.between(2, 3));
  if (prng.chance(1, 4))
    workload.min_insync_replicas = static_cast<std::int32_t>(prng.between(1, 2));
  return workload;
}

}  // namespace

SimOptions SimOptions::draw(std::uint64_t seed, Life life) {
  Prng prng(seed);
  SimOptions options;
  options.seed = seed;
  options.life = life;
  options.nodes = static_cast<std::int32_t>(prng.between(1, 5));
  if (life == Life::whole) options.nodes = std::max(options.nodes, whole_life_nodes);
  options.safety_phase = Micros(prng.between(2'000'000, 12'000'000));
  if (prng.chance(1, 2))
    options.low_space_bytes = static_cast<std::uint64_t>(prng.between(0, 5'000));
  if (prng.chance(1, 2)) options.tail_bytes = static_cast<std::uint64_t>(prng.between(0, 20'000));
  if (prng.chance(1, 3)) options.client_requests_max = draw_up_to(prng, 16, 64);
  if (prng.chance(1, 3)) options.node_requests_max = draw_up_to(prng, 100, 400);
  options.network = draw_network(prng);
  options.faults = draw_faults(prng);
  options.disk = draw_disk(prng);
  options.workload = draw_workload(prng);
  WorkloadOptions& workload = options.workload;
  workload.replication = std::min(workload.replication, options.nodes);
  workload.min_insync_replicas = std::min(workload.min_insync_replicas, workload.replication);
  // Drawn late, so that lives without an operator are what they were.
  if (options.nodes > 1 && prng.chance(1, 2)) {
    workload.operators = 1;
    workload.operate_every = Micros(prng.between(50'000, 1'000'000));
    options.late_node = workload.replication < options.nodes && prng.chance(1, 3);
  }
  // Late as well, so that what else is drawn is as it was.
  if (prng.chance(2, 3)) options.workload.any_replica_percent = draw_up_to(prng, 20, 100);
  options.faults.shape = weight(prng, 1, 3);
  options.faults.lying_sync = weight(prng, 1, 3);
  options.goes_on_without_one = workload.replication == 3 && prng.chance(1, 2);
  if (workload.replication > 1 && prng.chance(1, 10)) {
    workload.unclean_elections = true;
    // By hand nobody begins anew when a leader has forgotten what it had acknowledged.
    workload.raw_producers = 0;
    workload.strangers = 0;
    workload.retention_bytes = 0;
    workload.min_insync_replicas = 1;
    options.faults.leave_behind = draw_up_to(prng, 1, 10);
  }
  if (workload.dequeuers > 0 && prng.chance(1, 4)) {
    // More than a position remembers by itself.
    workload.dequeuers_pool = true;
    workload.dequeuers = static_cast<std::uint32_t>(prng.between(10, 24));
  }
  const bool has_copies = workload.replication > 1 && !workload.unclean_elections;
  if (has_copies && prng.chance(1, 5)) leave_disks_only(prng, options);
  return options;
}

SimOptions SimOptions::calm(std::uint64_t seed) {
  SimOptions options;
  options.seed = seed;
  options.nodes = 1;
  options.faults.every = never;
  return options;
}

std::string SimOptions::describe() const {
  std::ostringstream text;
  text << "nodes=" << nodes << " safety=" << safety_phase.count() / 1000 << "ms"
       << " credit=" << client_requests_max << "/" << node_requests_max
       << " low_space=" << low_space_bytes << "B tail=" << tail_bytes
       << "B internal=" << internal_checks << "\n  network: delay=" << network.delay_min.count()
       << ".." << network.delay_max.count() << "us in_order=" << network.in_order
       << " slow=" << network.slow_per_10k << "/10k up to " << network.slow_max.count() / 1000
       << "ms lost=" << network.lost_per_10k << "/10k duplicated=" << network.duplicated_per_10k
       << "/10k\n  faults: every=" << faults.every.count() / 1000
       << "ms outage<=" << faults.outage_max.count() / 1000 << "ms weights";
  const auto show = [&text](const char* name, std::uint32_t weight) {
    if (weight > 0) text << " " << name << "=" << weight;
  };
  show("kill_node", faults.kill_node);
  show("power_cut_node", faults.power_cut_node);
  show("stop_node", faults.stop_node);
  show("kill_broker", faults.kill_broker);
  show("power_cut_broker", faults.power_cut_broker);
  show("kill_client", faults.kill_client);
  show("pause", faults.pause);
  show("cut", faults.cut);
  show("cut_peers", faults.cut_peers);
  show("isolate", faults.isolate);
  show("clog", faults.clog);
  show("failing_sync", faults.failing_sync);
  show("full_disk", faults.full_disk);
  show("full_meta_disk", faults.full_meta_disk);
  show("slow_disk", faults.slow_disk);
  show("clock_jump", faults.clock_jump);
  show("stop_broker", faults.stop_broker);
  show("blackout", faults.blackout);
  show("spoil_disk", faults.spoil_disk);
  show("shape", faults.shape);
  show("lying_sync", faults.lying_sync);
  show("leave_behind", faults.leave_behind);
  text << "\n  disk: commit=" << disk.commit_min.count() << ".." << disk.commit_max.count()
       << "us read<=" << disk.read_max.count() << "us stall=" << disk.stall_per_10k << "/10k up to "
       << disk.stall_max.count() / 1000 << "ms"
       << "\n  workload: topics=" << workload.topics << " partitions<=" << workload.partitions_max
       << " producers=" << workload.producers << "+" << workload.raw_producers
       << " consumers=" << workload.consumers << " any_replica=" << workload.any_replica_percent
       << "% dequeuers=" << workload.dequeuers << (workload.dequeuers_pool ? " in a pool" : "")
       << " strangers=" << workload.strangers << " send_every=" << workload.send_every.count()
       << "us burst<=" << workload.burst_max << " value<=" << workload.value_bytes_max
       << "B acks_all=" << workload.acks_all_percent << "% keyed=" << workload.keyed_percent
       << "% explicit=" << workload.explicit_percent
       << "% delivery=" << workload.delivery_timeout.count() / 1000
       << "ms batch=" << workload.batch_bytes_max << "B linger=" << workload.linger.count()
       << "us create=" << workload.create_topic_percent << "% replication=" << workload.replication
       << "/" << workload.min_insync_replicas << " delete=" << workload.delete_topic_percent
       << "% retention=" << workload.retention_bytes << "B"
       << (workload.unclean_elections ? " unclean" : "")
       << (goes_on_without_one ? " without one at the end" : "");
  if (workload.operators > 0) {
    text << " operate_every=" << workload.operate_every.count() / 1000
         << "ms late_node=" << late_node;
  }
  return text.str();
}

}  // namespace pinion::sim
