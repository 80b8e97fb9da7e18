// Domain values as text, for violations.
#pragma once

#include "common/base/ids.hpp"

#include <string>

namespace pinion::sim {

[[nodiscard]] inline std::string text_of(PartitionKey key) {
  return "topic " + std::to_string(key.topic.raw()) + " partition " +
         std::to_string(key.partition.raw());
}
[[nodiscard]] inline std::string text_of(Offset offset) { return std::to_string(offset.raw()); }

}  // namespace pinion::sim
