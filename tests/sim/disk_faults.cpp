// What goes wrong with disks: see faults.hpp.
#include "partition/core/replica_log.hpp"
#include "tests/sim/faults.hpp"

#include <string>

namespace pinion::sim {

void Faults::failing_sync() {
  NodeProcess& node = some_node();
  world_.counters.count("fault: failing sync");
  world_.trace.brief(node.name().c_str(), "syncs fail");
  node.disk().set_sync(SyncFault::failing);
  ++failing_disks_;
  // A person replaces the cable and restarts the node: a halted partition stays halted until then.
  later(outage(), [this, &node] {
    node.disk().set_sync(SyncFault::none);
    --failing_disks_;
    down(node, prng_.chance(1, 2) ? Process::Death::kill : Process::Death::power_cut);
  });
}

void Faults::full_disk() {
  NodeProcess& node = some_node();
  world_.counters.count("fault: full disk");
  world_.trace.brief(node.name().c_str(), "disk is nearly full");
  node.disk().set_room(prng_.between(0, 3'000));
  later(outage(), [&node] { node.disk().set_room(-1); });
}

void Faults::full_meta_disk() {
  world_.counters.count("fault: full metadata disk");
  world_.trace.brief("broker", "disk is full");
  cluster_.broker().set_meta_room(BrokerProcess::Room::none);
  later(outage(), [this] { cluster_.broker().set_meta_room(BrokerProcess::Room::enough); });
}

void Faults::slow_disk() {
  NodeProcess& node = some_node();
  if (prng_.chance(1, 4)) return hanging_disk(node);
  world_.counters.count("fault: slow disk");
  const Micros extra(prng_.between(5'000, 500'000));
  world_.trace.brief(node.name().c_str(), "disk is slow, +%lld ms",
                     static_cast<long long>(extra.count() / 1000));
  node.slow_writes(extra);
  if (prng_.chance(1, 2)) cluster_.broker().slow_writes(extra);
  later(outage(), [this, &node] {
    node.slow_writes(Micros(0));
    cluster_.broker().slow_writes(Micros(0));
  });
}

/// Its syncs do not come back for so long that another node has to lead.
void Faults::hanging_disk(NodeProcess& node) {
  world_.counters.count("fault: hanging disk");
  world_.trace.brief(node.name().c_str(), "syncs hang");
  node.hold_syncs();
  const Micros longer(prng_.between(0, 15'000'000));
  later(partition::disk_silent_after + longer, [&node] { node.release_syncs(); });
}

/// A disk that says of everything that it is written, until the power goes and what it had not
/// written is gone: of one node, while the others have it all.
void Faults::lying_sync() {
  NodeProcess& node = some_node();
  if (!node.disk().can_lie() || !may_lose_disk(node)) return;
  world_.trace.brief(node.name().c_str(), "its disk begins to lie");
  node.disk().set_sync(SyncFault::lying);
  node.disk().set_spoiled(true);
  holds_back_ = true;
  when_whole(outage(), [this, &node, life = node.incarnation()](bool whole) {
    holds_back_ = false;
    const bool strikes = whole && may_lose_disk(node) && node.incarnation() == life;
    if (strikes) spoil(node, Spoil::forget);
    node.disk().set_sync(SyncFault::none);
    if (!strikes || !cluster_.is_recovering()) node.disk().set_spoiled(false);
  });
}

}  // namespace pinion::sim
