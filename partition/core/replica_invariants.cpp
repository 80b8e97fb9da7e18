// What must hold of a replica between two steps. docs/ARCHITECTURE.md names the promises.
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/replica.hpp"

namespace pinion::partition {

namespace {

std::size_t waiters_of(const Pending& pending) {
  if (const auto* append = std::get_if<PendingAppend>(&pending.op)) return append->waiters.size();
  if (const auto* position = std::get_if<PendingPosition>(&pending.op)) {
    return position->waiters.size();
  }
  return 0;
}

std::size_t waiters_of(const ReplicaLog& log) {
  std::size_t waiters = 0;
  for (const Pending& pending : log.pending) waiters += waiters_of(pending);
  for (const Uncommitted& batch : log.uncommitted) waiters += batch.waiters.size();
  for (const UncommittedPosition& position : log.uncommitted_positions) {
    waiters += position.waiters.size();
  }
  return waiters;
}

}  // namespace

std::size_t Replica::requests_held() const {
  std::size_t held = waiters_of(log_);
  for (const auto& [ticket, job] : reads_) held += job.asker ? 1U : 0U;
  for (const ReadJob& job : reads_waiting_) held += job.asker ? 1U : 0U;
  if (const auto* leading = std::get_if<Leading>(&role_)) {
    held += leading->fetches.by_deadline.size();
    for (const auto& [node, follower] : leading->followers) held += follower.waiting ? 1U : 0U;
    for (const auto& [reader, lane] : leading->lanes) held += lane.waiting.size();
  }
  if (const auto* following = std::get_if<Following>(&role_)) {
    held += following->fetches.by_deadline.size();
  }
  return held;
}

std::size_t Replica::ahead_bytes() const noexcept {
  if (const auto* leading = std::get_if<Leading>(&role_)) return leading->fetches.ahead.bytes();
  const auto* following = std::get_if<Following>(&role_);
  return following == nullptr ? 0 : following->fetches.ahead.bytes();
}

std::size_t Replica::reads_started() const noexcept { return reads_.size(); }

void Replica::check_invariants() const {
  PINION_ASSERT(Offset{0} <= log_.log_start);
  PINION_ASSERT(log_.log_start <= log_.high_watermark);
  PINION_ASSERT(log_.high_watermark <= log_.durable_end);
  PINION_ASSERT(log_.durable_end <= log_.log_end);
  PINION_ASSERT(log_.note_asked <= log_.log_end);
  PINION_ASSERT(log_.durable_next_log_time <= log_.next_log_time);

  std::size_t bytes = 0;
  Ticket last{0};
  Offset end = log_.durable_end;
  for (const Pending& pending : log_.pending) {
    PINION_ASSERT(last < pending.ticket);
    last = pending.ticket;
    bytes += pending.bytes;
    if (const auto* append = std::get_if<PendingAppend>(&pending.op)) {
      PINION_ASSERT(append->batch.base_offset == end);
      end = append->batch.next_offset();
    }
  }
  PINION_ASSERT(bytes == log_.pending_bytes);
  if (waiters_of(log_) > 0) PINION_ASSERT(log_.waiters_until != never);
  PINION_ASSERT(end == log_.log_end);
  PINION_ASSERT(log_.pending.size() <= limits::pending_tickets_per_partition_max);
  PINION_ASSERT(reads_waiting_.size() <= limits::reads_waiting_per_partition_max);

  for (std::size_t i = 1; i < log_.epochs.size(); ++i) {
    PINION_ASSERT(log_.epochs[i - 1].epoch < log_.epochs[i].epoch);
    PINION_ASSERT(log_.epochs[i - 1].start <= log_.epochs[i].start);
  }
  log_.dedupe.check_invariants();
  log_.positions.check_invariants();

  if (const auto* leading = std::get_if<Leading>(&role_)) {
    PINION_ASSERT(log_open_ && !close_wanted_);
    PINION_ASSERT(leading->epoch == assignment_.leader_epoch);
    PINION_ASSERT(leading->fetches.by_deadline.size() <= limits::waiting_fetches_per_partition_max);
    for (const auto& [node, follower] : leading->followers) {
      PINION_ASSERT(node != shared_->node);
      PINION_ASSERT(follower.durable_end <= follower.read_end);
      PINION_ASSERT(follower.read_end <= log_.durable_end);  // durable-before-sent
    }
    for (const auto& [deadline, fetch] : leading->fetches.by_deadline) {
      PINION_ASSERT(fetch.offset >= log_.high_watermark);  // Or it would have been answered.
    }
  }
  if (const Copying* copying = this->copying()) {
    PINION_ASSERT(log_open_ && !close_wanted_);
    PINION_ASSERT(copying->leader != shared_->node);
    PINION_ASSERT(log_.uncommitted.empty() && log_.uncommitted_positions.empty());
    for (const Pending& pending : log_.pending) PINION_ASSERT(waiters_of(pending) == 0);
  }
  if (std::holds_alternative<Halted>(role_)) PINION_ASSERT(log_.pending.empty());
  if (closed()) PINION_ASSERT(requests_held() == 0);
}

}  // namespace pinion::partition
