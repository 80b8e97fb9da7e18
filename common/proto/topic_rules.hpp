// What follows from a topic's configuration, for the controller and for partitions' leaders alike.
#pragma once

#include "common/proto/messages.hpp"

#include <algorithm>
#include <cstdint>

namespace pinion {

/// How many replicas must be in sync for a record to be committed: as configured, else the
/// majority, or 1 where there are two replicas or fewer. Never more than there are.
[[nodiscard]] inline std::size_t min_insync_of(const TopicConfig& config,
                                               std::size_t replicas) noexcept {
  const auto there_are = std::max<std::size_t>(1, replicas);
  const auto wanted = static_cast<std::size_t>(std::max(1, config.replication));
  std::size_t least = wanted <= 2 ? 1 : wanted / 2 + 1;
  if (config.min_insync_replicas > 0) {
    least = static_cast<std::size_t>(config.min_insync_replicas);
  }
  return std::min(least, there_are);
}

}  // namespace pinion
