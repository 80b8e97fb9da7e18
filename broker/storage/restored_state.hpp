// The metadata of a broker.db that was put back from a backup, as it goes on from there. What was
// decided since is not known; what was numbered since must not be numbered again, so every number
// goes on from the clock. No count of ours overtakes it: a controller epoch is a start of the
// broker, and counts seconds here, the others microseconds.
#pragma once

#include "common/ports/meta_store.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace pinion {

/// Before the term begins. `wall` is the time since 1970.
///   terms        forgotten, with the joins of the nodes: theirs may be newer.
///   partitions   nobody leads, and all replicas count: of those that come the longest log of the
///                highest epoch goes on, as when nobody is vouched for.
///   orders       forgotten: what was to be moved or dropped then may be all there is now.
[[nodiscard]] inline MetaState restored_state(MetaState backup, Micros wall) {
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(wall).count();
  const auto behind = [](auto& number, std::int64_t least) {
    number = std::max(number, std::decay_t<decltype(number)>(least));
  };
  behind(backup.controller_epoch, seconds);
  backup.earlier_terms.clear();
  behind(backup.counters.topic, wall.count());
  behind(backup.counters.producer, wall.count());
  behind(backup.counters.consumer, wall.count());
  behind(backup.counters.producer_id, wall.count());
  for (NodeMeta& node : backup.nodes) node.join = 0;
  for (PartitionMeta& partition : backup.partitions) {
    partition.leader = node_none;
    ++partition.leader_epoch;
    behind(partition.leader_epoch, wall.count());
    ++partition.version;
    behind(partition.version, wall.count());
    partition.isr = partition.replicas;
    partition.eligible.clear();
    partition.target.clear();
    partition.min_insync_before = 0;
    std::erase_if(partition.made, [&](NodeId node) {
      const auto& replicas = partition.replicas;
      return std::find(replicas.begin(), replicas.end(), node) == replicas.end();
    });
  }
  return backup;
}

}  // namespace pinion
