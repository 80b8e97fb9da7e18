#include "client/core/dequeue_lanes.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

namespace pinion::client {

DequeueLanes::DequeueLanes(std::uint64_t name) : name_(std::to_string(name)) {}

void DequeueLanes::put_in(Lane& lane, CallId call) {
  std::size_t taker = lane.in.size();
  if (!lane.free.empty()) {
    taker = *lane.free.begin();
    lane.free.erase(lane.free.begin());
  }
  lane.in.emplace(call, taker);
}

bool DequeueLanes::enter(const DequeuePlace& place, CallId call) {
  Lane& lane = lanes_[place];
  if (lane.in.count(call) > 0) return true;
  if (lane.in.size() >= limits::dequeues_inflight_per_reader) {
    lane.waiting.insert(call);
    return false;
  }
  put_in(lane, call);
  return true;
}

std::string DequeueLanes::make_token(const DequeuePlace& place, CallId call) {
  const std::size_t taker = lanes_.at(place).in.at(call);
  return "auto-" + name_ + "." + std::to_string(taker) + "-" + std::to_string(++count_);
}

std::optional<CallId> DequeueLanes::leave(const DequeuePlace& place, CallId call) {
  const auto found = lanes_.find(place);
  if (found == lanes_.end()) return std::nullopt;
  Lane& lane = found->second;
  const auto in = lane.in.find(call);
  if (in == lane.in.end()) {
    lane.waiting.erase(call);
    return std::nullopt;
  }
  lane.free.insert(in->second);
  lane.in.erase(in);
  if (lane.waiting.empty()) {
    // With the last one the numbers begin anew: nobody asks again for what has ended.
    if (lane.in.empty()) lanes_.erase(found);
    return std::nullopt;
  }
  const CallId next = *lane.waiting.begin();
  lane.waiting.erase(lane.waiting.begin());
  put_in(lane, next);
  return next;
}

}  // namespace pinion::client
