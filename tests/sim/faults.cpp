#include "tests/sim/faults.hpp"

#include <algorithm>
#include <utility>

namespace pinion::sim {

namespace {

/// A node is lost after 1.5 s of silence, and says something each 0.5 s.
constexpr Micros heard_within = 700ms;

}  // namespace

Faults::Faults(Cluster& cluster, std::uint64_t seed)
    : cluster_(cluster), world_(cluster.world()), prng_(seed) {
  const FaultOptions& options = world_.options.faults;
  choices_ = {
      {options.kill_node, &Faults::kill_node},
      {options.power_cut_node, &Faults::power_cut_node},
      {options.stop_node, &Faults::stop_node},
      {options.kill_broker, &Faults::kill_broker},
      {options.power_cut_broker, &Faults::power_cut_broker},
      {options.kill_client, &Faults::kill_client},
      {options.pause, &Faults::pause},
      {options.cut, &Faults::cut},
      {options.cut_peers, &Faults::cut_peers},
      {options.isolate, &Faults::isolate},
      {options.clog, &Faults::clog},
      {options.failing_sync, &Faults::failing_sync},
      {options.full_disk, &Faults::full_disk},
      {options.full_meta_disk, &Faults::full_meta_disk},
      {options.slow_disk, &Faults::slow_disk},
      {options.clock_jump, &Faults::clock_jump},
      {options.stop_broker, &Faults::stop_broker},
      {options.blackout, &Faults::blackout},
      {options.spoil_disk, &Faults::spoil_disk, Needs::whole_cluster},
      {options.shape, &Faults::shape},
      {options.lying_sync, &Faults::lying_sync, Needs::whole_cluster},
      {options.leave_behind, &Faults::leave_behind},
  };
  for (const Choice& choice : choices_) weight_ += choice.weight;
}

void Faults::begin() {
  if (weight_ > 0 && world_.options.faults.every < never) plan_next();
}

void Faults::plan_next() {
  const std::int64_t mean = world_.options.faults.every.count();
  later(Micros(prng_.between(1, 2 * mean)), [this] {
    strike();
    plan_next();
  });
}

void Faults::strike() {
  if (spares_disks()) return;
  std::uint64_t at = prng_.below(weight_);
  for (const Choice& choice : choices_) {
    if (at < choice.weight) {
      if (choice.needs == Needs::whole_cluster && !is_whole()) return await_whole(choice.inflict);
      return (this->*choice.inflict)();
    }
    at -= choice.weight;
  }
}

/// What one disk has lost is to be copied from the others first.
bool Faults::spares_disks() const {
  return cluster_.is_recovering() || backup_waits_ || holds_back_;
}

void Faults::later(Micros delay, std::function<void()> mend) {
  world_.scheduler.after(delay, [this, era = era_, mend = std::move(mend)] {
    if (era == era_) mend();
  });
}

Micros Faults::outage() {
  return Micros(prng_.between(1'000, world_.options.faults.outage_max.count()));
}

NodeProcess& Faults::some_node() { return *cluster_.nodes()[prng_.below(cluster_.nodes().size())]; }

/// A client's or a node's end of its connection to the broker.
ActorId Faults::some_end() {
  const std::size_t nodes = cluster_.nodes().size();
  const std::size_t index = prng_.below(nodes + cluster_.clients().size());
  return index < nodes ? node_end(cluster_.nodes()[index]->id().raw())
                       : cluster_.clients()[index - nodes]->end();
}

void Faults::down(Process& process, Process::Death death) {
  if (!process.up()) return;
  process.crash(death);
  later(outage(), [&process] {
    if (!process.up()) process.start();
  });
}

void Faults::kill_node() { down(some_node(), Process::Death::kill); }
void Faults::power_cut_node() { down(some_node(), Process::Death::power_cut); }
void Faults::kill_broker() { down(cluster_.broker(), Process::Death::kill); }
void Faults::power_cut_broker() { down(cluster_.broker(), Process::Death::power_cut); }

void Faults::stop_node() {
  NodeProcess& node = some_node();
  if (!node.up() || node.paused()) return;
  node.stop();
  // Started again when it has ended; a stop that hangs is killed, as a supervisor would.
  later(outage(), [this, &node] {
    if (node.up()) node.crash(Process::Death::kill);
    later(Micros(1'000), [&node] {
      if (!node.up()) node.start();
    });
  });
}

void Faults::kill_client() {
  if (cluster_.clients().empty()) return;
  down(*cluster_.clients()[prng_.below(cluster_.clients().size())], Process::Death::kill);
}

void Faults::pause() {
  const std::size_t nodes = cluster_.nodes().size();
  const std::size_t index = prng_.below(nodes + 1 + cluster_.clients().size());
  Process* process = &cluster_.broker();
  if (index < nodes) {
    process = cluster_.nodes()[index].get();
  } else if (index > nodes) {
    process = cluster_.clients()[index - nodes - 1].get();
  }
  process->pause();
  later(outage(), [process] { process->resume(); });
}

void Faults::clock_jump() {
  const Micros by(prng_.between(-30'000'000, 30'000'000));
  world_.counters.count("fault: clock jump");
  const std::size_t index = prng_.below(cluster_.nodes().size() + 1);
  Process& process =
      index == 0 ? static_cast<Process&>(cluster_.broker()) : *cluster_.nodes()[index - 1];
  world_.trace.brief(process.name().c_str(), "clock jumps by %lld ms",
                     static_cast<long long>(by.count() / 1000));
  process.jump_wall_clock(by);
}

void Faults::stop_broker() {
  BrokerProcess& broker = cluster_.broker();
  if (!broker.up() || broker.paused()) return;
  broker.stop();
  later(outage(), [&broker] {
    if (!broker.up()) broker.start();
  });
}

void Faults::blackout() {
  world_.counters.count("fault: blackout");
  down(cluster_.broker(), Process::Death::power_cut);
  for (const auto& node : cluster_.nodes()) down(*node, Process::Death::power_cut);
}

/// The others go on without one, and are lost while it comes back: what it lacks is gone where
/// topics allow that.
void Faults::leave_behind() {
  NodeProcess& node = some_node();
  if (!node.up()) return;
  world_.counters.count("fault: one left behind");
  world_.trace.brief(node.name().c_str(), "is left behind");
  holds_back_ = true;
  node.crash(Process::Death::kill);
  later(Micros(prng_.between(1'500'000, 4'000'000)), [this, &node] {
    for (const auto& other : cluster_.nodes()) {
      if (other.get() != &node && other->up()) other->crash(Process::Death::kill);
    }
    if (!node.up()) node.start();
    later(Micros(prng_.between(1'500'000, 6'000'000)), [this] {
      holds_back_ = false;
      for (const auto& other : cluster_.nodes()) {
        if (!other->up()) other->start();
      }
    });
  });
}

/// The loss of one disk is survived when another copy of everything is there and stays there until
/// that has been noticed: so it strikes a cluster that is whole, and alone.
bool Faults::is_whole() const {
  if (cluster_.broker().paused() || !cluster_.broker().up() || failing_disks_ > 0) return false;
  for (const auto& node : cluster_.nodes()) {
    if (!node->up() || node->paused() || node->has_halted()) return false;
    // One that has started and is not heard yet may be given up for the very copy that is struck.
    const partition::Node* core = node->core();
    if (core == nullptr || core->link() != partition::LinkState::registered) return false;
  }
  // What is decided and not durable yet may take a member out whose copy is to save the other.
  const Broker* broker = cluster_.broker().core();
  if (broker == nullptr || broker->controller().writes_pending() > 0) return false;
  // One that is cut off is missed soon, and taken out.
  const auto& rows = broker->controller().nodes().rows();
  const bool all_are_heard = std::all_of(rows.begin(), rows.end(), [this](const auto& row) {
    return cluster_.broker().now().monotonic - row.second.last_heard < heard_within;
  });
  if (!all_are_heard) return false;
  return cluster_.all_in_sync() && !cluster_.is_recovering();
}

bool Faults::may_lose_disk(const NodeProcess& node) const {
  return world_.options.workload.replication >= 2 && is_whole() &&
         cluster_.has_copies_beside(node.id());
}

void Faults::spoil_disk() {
  NodeProcess& node = some_node();
  if (!may_lose_disk(node)) return;
  if (prng_.chance(1, 5)) return put_back_earlier_life();
  const auto how =
      prng_.chance(1, 3) ? Spoil::put_back : static_cast<Spoil>(prng_.below(spoil_kinds - 1));
  if (how != Spoil::put_back && how != Spoil::put_back_file) return spoil(node, how);
  // Of the same life: a copy of an earlier one is refused until somebody makes room for it.
  node.disk().back_up();
  backup_waits_ = true;
  when_whole(outage(), [this, &node, how, life = node.incarnation()](bool whole) {
    backup_waits_ = false;
    if (whole && may_lose_disk(node) && node.incarnation() == life) spoil(node, how);
  });
}

/// Nothing else begins to go wrong until then, or for a few seconds.
void Faults::await_whole(Inflict inflict) {
  if (world_.options.workload.replication < 2) return;
  holds_back_ = true;
  const auto then = [this, inflict](bool whole) {
    holds_back_ = false;
    if (whole) (this->*inflict)();
  };
  when_whole(Micros(1), then, 25);
}

/// After so long, and a little longer when what went wrong before is not over by then.
void Faults::when_whole(Micros delay, std::function<void(bool)> then, int tries) {
  later(delay, [this, then = std::move(then), tries] {
    if (is_whole() || tries == 0) return then(is_whole());
    when_whole(200ms, then, tries - 1);
  });
}

void Faults::spoil(NodeProcess& node, Spoil how) {
  static const char* const names[spoil_kinds] = {
      "flipped bits", "truncated files", "emptied files", "lost files",   "swapped files",
      "another disk", "an older file",   "an older disk", "a lying disk",
  };
  const char* const name = names[static_cast<std::size_t>(how)];
  world_.trace.brief(node.name().c_str(), "gets %s", name);
  world_.network.heal_all();
  node.crash(Process::Death::kill);
  const std::string store_id = node.name() + "-disk-" + std::to_string(++disks_made_);
  const std::vector<PartitionKey> spoiled = node.disk().spoil(prng_, how, store_id);
  if (!spoiled.empty()) {
    world_.counters.count(std::string("fault: ") + name);
    cluster_.note_spoiled(node, how, spoiled);
  }
  // Sometimes it is back before anybody has missed it.
  const Micros back = prng_.chance(1, 2) ? Micros(prng_.between(1'000, 1'000'000)) : outage();
  later(back, [&node] {
    if (!node.up()) node.start();
  });
  if (!node.disk().gives_up(how)) strike_beside(node, back);
}

/// A leader that has not heard yet what a member has lost, or has just begun to fill it again, is
/// lost itself: the third one has everything, and is the one that has to lead.
void Faults::strike_beside(NodeProcess& spoiled, Micros back) {
  if (world_.options.workload.replication < 3 || prng_.chance(1, 3)) return;
  NodeProcess* other = &some_node();
  for (const PartitionMeta& partition : cluster_.broker().durable_meta().partitions) {
    if (partition.leader == node_none || partition.leader == spoiled.id()) continue;
    other = cluster_.nodes()[static_cast<std::size_t>(partition.leader.raw() - 1)].get();
    break;
  }
  if (other == &spoiled) return;
  const bool is_kill = prng_.chance(1, 2);
  const bool is_filled = prng_.chance(1, 2);
  if (is_filled) {
    spoiled.slow_writes(Micros(prng_.between(50'000, 500'000)));
    later(back + 1s, [&spoiled] { spoiled.slow_writes(Micros(0)); });
  }
  const Micros after(is_filled ? prng_.between(0, 800'000) : prng_.between(-50'000, 20'000));
  later(std::max(Micros(1), back + after), [this, other, is_kill, &spoiled] {
    if (!cluster_.is_recovering() || !other->up() || other->paused()) return;
    if (!has_a_third(spoiled.id(), other->id())) return;
    world_.counters.count("fault: another node beside an older disk");
    if (is_kill) return down(*other, Process::Death::kill);
    other->pause();
    later(outage(), [other] { other->resume(); });
  });
}

/// Somebody else has everything of each partition that they have: an operator may have altered it.
bool Faults::has_a_third(NodeId spoiled, NodeId other) const {
  for (const PartitionMeta& partition : cluster_.broker().durable_meta().partitions) {
    const auto& isr = partition.isr;
    if (std::find(isr.begin(), isr.end(), spoiled) == isr.end()) continue;
    const auto is_third = [&](NodeId id) { return id != spoiled && id != other; };
    if (std::none_of(isr.begin(), isr.end(), is_third)) return false;
  }
  return true;
}

/// When the node was taken in first, by its row; nothing when there is none.
std::optional<Micros> Faults::registered_at(const NodeProcess& node) const {
  for (const NodeMeta& meta : cluster_.broker().durable_meta().nodes) {
    if (meta.id == node.id()) return meta.registered_at;
  }
  return std::nullopt;
}

/// The controller has heard of the life that it is in.
bool Faults::is_known(const NodeProcess& node) const {
  for (const NodeMeta& meta : cluster_.broker().durable_meta().nodes) {
    if (meta.id == node.id()) return meta.incarnation == node.incarnation();
  }
  return false;
}

/// A copy of the disk as it was in an earlier life: it is refused, and nothing else goes wrong
/// meanwhile. Then the node comes back with its own.
void Faults::put_back_earlier_life() {
  NodeProcess& node = some_node();
  node.disk().back_up();
  backup_waits_ = true;
  down(node, Process::Death::kill);
  when_whole(outage() + world_.options.faults.outage_max, [this, &node](bool whole) {
    if (!whole || !is_known(node)) {
      backup_waits_ = false;
      return;
    }
    node.crash(Process::Death::kill);
    if (node.disk().swap_with_backup()) {
      world_.counters.count("fault: a disk of an earlier life");
      world_.trace.brief(node.name().c_str(), "gets a disk of an earlier life");
      node.disk().set_spoiled(true);
      of_the_past_ = &node;
      past_registered_at_ = registered_at(node);
    }
    node.start();
    start_again_and_take_out(static_cast<int>(prng_.below(3)));
  });
}

/// However often it is started, it is refused.
void Faults::start_again_and_take_out(int starts) {
  later(outage(), [this, starts] {
    if (starts == 0 || of_the_past_ == nullptr) {
      take_out_earlier_life();
      backup_waits_ = false;
      return;
    }
    if (of_the_past_->up()) of_the_past_->crash(Process::Death::kill);
    of_the_past_->start();
    start_again_and_take_out(starts - 1);
  });
}

void Faults::take_out_earlier_life() {
  if (of_the_past_ == nullptr) return;
  NodeProcess& node = *std::exchange(of_the_past_, nullptr);
  const partition::Node* core = node.core();
  // One that was removed meanwhile is a new one, of whom nobody expects anything.
  const bool is_removed = registered_at(node) != past_registered_at_;
  if (!is_removed && core != nullptr && core->link() == partition::LinkState::registered) {
    world_.checker.violate("older-life", node.name() + " was taken in with a disk of the past");
  }
  if (node.up()) node.crash(Process::Death::kill);
  if (is_removed) {
    world_.log_hashes.forget(node.id());  // That folder is its own now.
  } else {
    (void)node.disk().swap_with_backup();
  }
  node.disk().set_spoiled(false);
  node.start();
}

void Faults::heal() {
  ++era_;
  take_out_earlier_life();
  world_.trace.brief("faults", "end; everything is healed");
  world_.network.heal_all();
  NetworkOptions calm = world_.network.options();
  calm.lost_per_10k = 0;
  calm.duplicated_per_10k = 0;
  calm.slow_per_10k = 0;
  world_.network.set_options(calm);
  cluster_.heal();
}

}  // namespace pinion::sim
