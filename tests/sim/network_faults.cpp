// What goes wrong between processes: see faults.hpp.
#include "common/base/limits.hpp"
#include "tests/sim/faults.hpp"

#include <string>
#include <utility>

namespace pinion::sim {

void Faults::cut() {
  const ActorId end = some_end();
  const ActorId broker = end < client_end(0) ? broker_cluster_end : broker_client_end;
  const std::uint64_t how = prng_.below(3);
  world_.trace.brief("network", "cut of %d, %s", end,
                     how == 0 ? "both ways" : (how == 1 ? "towards it" : "from it"));
  if (how != 2) world_.network.cut(broker, end);
  if (how != 1) world_.network.cut(end, broker);
  later(outage(), [this, end, broker] {
    world_.network.heal(broker, end);
    world_.network.heal(end, broker);
  });
}

/// What one node's fetches need towards another: the way there, and the way of the answers.
void Faults::cut_between(std::int32_t from, std::int32_t to) {
  world_.network.cut(peer_end(from, to), data_end(to));
  world_.network.cut(data_end(from), peer_end(to, from));
}

void Faults::heal_between(std::int32_t from, std::int32_t to) {
  world_.network.heal(peer_end(from, to), data_end(to));
  world_.network.heal(data_end(from), peer_end(to, from));
}

void Faults::cut_peers() {
  const std::int32_t a = some_node().id().raw();
  const std::int32_t b = some_node().id().raw();
  if (a == b) return;
  world_.counters.count("fault: cut between nodes");
  const bool both = prng_.chance(2, 3);
  world_.trace.brief("network", "cut of node %d from node %d%s", a, b, both ? ", both ways" : "");
  cut_between(a, b);
  if (both) cut_between(b, a);
  later(outage(), [this, a, b] {
    heal_between(a, b);
    heal_between(b, a);
  });
}

void Faults::isolate() {
  NodeProcess& node = some_node();
  const std::int32_t alone = node.id().raw();
  const bool from_broker = prng_.chance(1, 2);
  world_.counters.count("fault: isolated node");
  world_.trace.brief("network", "node %d is cut off%s", alone, from_broker ? ", from all" : "");
  for (const auto& other : cluster_.nodes()) {
    cut_between(alone, other->id().raw());
    cut_between(other->id().raw(), alone);
  }
  if (from_broker) {
    world_.network.cut(node_end(alone), broker_cluster_end);
    world_.network.cut(broker_cluster_end, node_end(alone));
  }
  // Sometimes so long that it has gone on alone, and then it dies before anybody has what it has.
  const bool dies = prng_.chance(1, 3);
  const Micros longer = dies ? limits::replica_lag_max : Micros(0);
  later(longer + outage(), [this, alone, dies, &node] {
    if (dies && node.up() && !spares_disks()) {
      world_.counters.count("fault: an isolated node dies");
      node.crash(prng_.chance(1, 2) ? Process::Death::kill : Process::Death::power_cut);
      later(limits::node_lost_after_default + outage(), [&node] {
        if (!node.up()) node.start();
      });
    }
    for (const auto& other : cluster_.nodes()) {
      heal_between(alone, other->id().raw());
      heal_between(other->id().raw(), alone);
    }
    world_.network.heal(node_end(alone), broker_cluster_end);
    world_.network.heal(broker_cluster_end, node_end(alone));
  });
}

void Faults::clog() {
  const ActorId end = some_end();
  const ActorId broker = end < client_end(0) ? broker_cluster_end : broker_client_end;
  const bool towards = prng_.chance(1, 2);
  const ActorId from = towards ? broker : end;
  const ActorId to = towards ? end : broker;
  world_.trace.brief("network", "clog %d>%d", from, to);
  world_.network.clog(from, to);
  later(outage(), [this, from, to] { world_.network.heal(from, to); });
}

/// Between nodes in different groups nothing gets through, for as long as the fault lasts.
void Faults::part(const char* name, const std::function<bool(std::size_t, std::size_t)>& hears) {
  const std::size_t count = cluster_.nodes().size();
  world_.counters.count(std::string("fault: ") + name);
  std::vector<std::pair<std::int32_t, std::int32_t>> cuts;
  std::string text;
  for (std::size_t from = 0; from < count; ++from) {
    for (std::size_t to = 0; to < count; ++to) {
      if (from == to || hears(to, from)) continue;
      const std::int32_t a = cluster_.nodes()[from]->id().raw();
      const std::int32_t b = cluster_.nodes()[to]->id().raw();
      cut_between(a, b);
      cuts.emplace_back(a, b);
      text += " " + std::to_string(a) + ">" + std::to_string(b);
    }
  }
  world_.trace.brief("network", "%s:%s", name, text.c_str());
  later(outage(), [this, cuts] {
    for (const auto& [from, to] : cuts) heal_between(from, to);
  });
}

/// Several nodes lose each other at once, in one of the shapes that break what two or three get
/// right: two groups, one of them without the broker; two groups and one node that sees both; a
/// ring, in which each sees its neighbours only, or hears one of them only.
void Faults::shape() {
  const std::size_t count = cluster_.nodes().size();
  if (count < 3) return;
  std::vector<std::size_t> order;  // Which node stands where.
  for (std::size_t i = 0; i < count; ++i) order.push_back(i);
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[prng_.below(i)]);
  const auto near = [count](std::size_t from, std::size_t to, std::size_t steps) {
    return (from + steps) % count == to;
  };
  switch (prng_.below(3)) {
    case 0: {
      const std::size_t first = 1 + prng_.below(count - 1);
      const auto side = [&](std::size_t node) { return order[node] < first; };
      part("two groups", [&](std::size_t to, std::size_t from) { return side(to) == side(from); });
      return cut_from_broker([&](std::size_t node) { return side(node); });
    }
    case 1: {
      const std::size_t half = (count - 1) / 2;
      return part("bridge", [&](std::size_t to, std::size_t from) {
        const bool bridge = order[to] == count - 1 || order[from] == count - 1;
        return bridge || (order[to] < half) == (order[from] < half);
      });
    }
    default: {
      const bool one_way = count == 3 || prng_.chance(1, 3);
      return part("ring", [&](std::size_t to, std::size_t from) {
        return near(order[from], order[to], 1) || (!one_way && near(order[to], order[from], 1));
      });
    }
  }
}

/// One of two groups, or none.
void Faults::cut_from_broker(const std::function<bool(std::size_t)>& side) {
  const std::uint64_t which = prng_.below(3);
  if (which == 2) return;
  std::vector<ActorId> ends;
  for (std::size_t node = 0; node < cluster_.nodes().size(); ++node) {
    if (side(node) == (which == 0)) ends.push_back(node_end(cluster_.nodes()[node]->id().raw()));
  }
  for (const ActorId end : ends) {
    world_.network.cut(end, broker_cluster_end);
    world_.network.cut(broker_cluster_end, end);
  }
  later(outage(), [this, ends] {
    for (const ActorId end : ends) {
      world_.network.heal(end, broker_cluster_end);
      world_.network.heal(broker_cluster_end, end);
    }
  });
}

}  // namespace pinion::sim
