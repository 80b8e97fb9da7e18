// What the tests of a follower share: node 2 leads, and the log of one epoch.
#pragma once

#include "tests/unit/partition/node_bench.hpp"

#include <cstdint>
#include <utility>
#include <variant>

namespace pinion::partition::test {

inline constexpr std::int32_t node_two = 2;

inline ReplicaFetch fetch_of(const NodeBench& bench) {
  return std::get<ReplicaFetch>(bench.last_fetch().body);
}

/// A log of one epoch with `count` batches of one record.
inline RecoveredLog log_of(std::int64_t count, std::int64_t epoch) {
  RecoveredLog log = recovered(0, count, count > 0 ? epoch : 0);
  log.high_watermark = Offset{0};
  log.last_log_time = Micros{count};
  return log;
}

inline void reopen(NodeBench& bench, RecoveredLog log) {
  bench.close(orders);
  bench.open(orders, std::move(log));
}

}  // namespace pinion::partition::test
