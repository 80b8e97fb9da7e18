// Domain values as text, for violations.
#pragma once

#include "common/base/ids.hpp"

#include <string>
#include <vector>

namespace pinion::sim {

[[nodiscard]] inline std::string text_of(PartitionKey key) {
  return "topic " + std::to_string(key.topic.raw()) + " partition " +
         std::to_string(key.partition.raw());
}
[[nodiscard]] inline std::string text_of(Offset offset) { return std::to_string(offset.raw()); }

/// "1,2,5"
[[nodiscard]] inline std::string text_of(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) text += (text.empty() ? "" : ",") + std::to_string(node.raw());
  return text;
}

}  // namespace pinion::sim
