#include "gateway/cluster/query_lanes.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gateway {

auto QueryLanes::enter(NodeId node, std::shared_ptr<QueryInLane> query) -> Entered {
  if (node == node_none) return Entered::turn;
  const std::lock_guard lock(mutex_);
  const auto [at, is_first] = lanes_.try_emplace(node);
  if (is_first) return Entered::turn;
  Lane& lane = at->second;
  if (lane.is_abandoned && lane.line.size() >= line_max) return Entered::refused;
  lane.line.push_back(std::move(query));
  return Entered::line;
}

bool QueryLanes::abandon(NodeId node, const QueryInLane& query) {
  const std::lock_guard lock(mutex_);
  const auto at = lanes_.find(node);
  if (at == lanes_.end()) return false;
  Lane& lane = at->second;
  const auto standing = std::find_if(lane.line.begin(), lane.line.end(),
                                     [&](const auto& one) { return one.get() == &query; });
  if (standing == lane.line.end()) {
    lane.is_abandoned = true;
    return false;
  }
  lane.line.erase(standing);
  return true;
}

void QueryLanes::leave(NodeId node) {
  if (node == node_none) return;
  std::shared_ptr<QueryInLane> next;
  {
    const std::lock_guard lock(mutex_);
    const auto at = lanes_.find(node);
    PINION_ASSERT(at != lanes_.end());
    Lane& lane = at->second;
    lane.is_abandoned = false;
    if (lane.line.empty()) {
      lanes_.erase(at);
    } else {
      next = std::move(lane.line.front());
      lane.line.pop_front();
    }
  }
  if (next) next->on_turn();
}

}  // namespace pinion::gateway
