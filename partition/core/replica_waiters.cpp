// Those who wait until what they wrote is durable, or committed: no longer than they said, and one
// of several attempts at the same.
//
// So the requests of a node are bounded by what the router lets be on its way, also when nothing is
// committed for long: it forgets a request after limits::request_lifetime_max, and here none waits
// longer.
#include <algorithm>
#include <string>
#include <utility>

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/replica.hpp"

namespace pinion::partition {

namespace {

/// Thousands that wait end in a few rounds, not each in its own.
constexpr Micros expire_waiters_every = 100ms;

[[nodiscard]] bool is_other_attempt(const Asker& one, const Asker& other) {
  return one.header.request_id != other.header.request_id;
}

}  // namespace

/// Of one who waits from now on.
Micros Replica::wait_until(const Now& now, Micros deadline) {
  const Micros until = std::min(deadline, now.monotonic + limits::request_lifetime_max);
  log_.waiters_until = std::min(log_.waiters_until, std::max(until, log_.waiters_rest));
  return until;
}

/// Whoever sends a batch again under its sequence waits for the last answer only; he is told of the
/// earlier attempts what is true of them. A copy that the network made waits beside it.
void Replica::add_attempt(std::vector<ProduceWaiter>& waiters, ProduceWaiter&& waiter,
                          Effects& out) {
  for (ProduceWaiter& earlier : waiters) {
    if (!is_other_attempt(earlier.asker, waiter.asker)) continue;
    give_up_attempt(std::move(earlier.asker), out);
    earlier = std::move(waiter);
    return;
  }
  waiters.push_back(std::move(waiter));
}

/// The same of a dequeue under its token.
void Replica::add_attempt(std::vector<PositionWaiter>& waiters, PositionWaiter&& waiter,
                          Effects& out) {
  for (PositionWaiter& earlier : waiters) {
    if (waiter.token.empty() || earlier.token != waiter.token) continue;
    if (!is_other_attempt(earlier.asker, waiter.asker)) continue;
    give_up_attempt(std::move(earlier.asker), out);
    earlier = std::move(waiter);
    return;
  }
  waiters.push_back(std::move(waiter));
}

void Replica::give_up_attempt(Asker&& asker, Effects& out) {
  shared_->refuse(std::move(asker),
                  fail(Errc::timed_out, "it was sent again, and the last attempt is answered"),
                  assignment_.leader_epoch, out);
}

/// What they wait for goes on its way: it may have happened, and may yet.
void Replica::expire_waiters(const Now& now, Effects& out) {
  Micros next = never;
  const auto expire = [&](auto& waiters) {
    std::erase_if(waiters, [&](auto& waiter) {
      if (now.monotonic < waiter.deadline) {
        next = std::min(next, waiter.deadline);
        return false;
      }
      shared_->refuse(std::move(waiter.asker),
                      fail(Errc::timed_out,
                           "its time was over before every in-sync replica had it on its disk; it "
                           "may be committed yet"),
                      assignment_.leader_epoch, out);
      return true;
    });
  };
  for (Pending& pending : log_.pending) {
    if (auto* append = std::get_if<PendingAppend>(&pending.op)) expire(append->waiters);
    if (auto* position = std::get_if<PendingPosition>(&pending.op)) expire(position->waiters);
  }
  for (Uncommitted& batch : log_.uncommitted) expire(batch.waiters);
  for (UncommittedPosition& position : log_.uncommitted_positions) expire(position.waiters);
  log_.waiters_rest = now.monotonic + expire_waiters_every;
  log_.waiters_until = std::max(next, log_.waiters_rest);  // Or never.
}

}  // namespace pinion::partition
