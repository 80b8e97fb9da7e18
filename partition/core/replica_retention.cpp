// Retention: old batches are dropped at batch boundaries, by age and by size, below the high
// watermark. Looked up by a reader thread, done by the store in bounded slices.
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/replica.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace pinion::partition {

void Replica::check_retention(const Now& now, Effects& out) {
  auto& leading = std::get<Leading>(role_);
  const TopicConfig& config = assignment_.config;
  const Micros age_max = std::chrono::milliseconds(config.retention_ms);
  // Often enough that a record outlives its time by a tenth at most.
  leading.retention_at = config.retention_ms > 0
                             ? now.monotonic + std::clamp(age_max / 10, limits::retention_check_min,
                                                          limits::retention_check_max)
                             : never;
  // One drop at a time; as a follower it may have begun one that the disk has not done yet.
  const bool is_dropping = std::any_of(
      log_.pending.begin(), log_.pending.end(),
      [](const Pending& pending) { return std::holds_alternative<PendingDrop>(pending.op); });
  if (leading.retention_running || is_dropping) return;
  if (log_.log_start == log_.high_watermark) return;
  FindRetention find;
  find.before = config.retention_ms > 0 ? now.wall - age_max : Micros{-1};
  find.bytes_kept = config.retention_bytes > 0 ? config.retention_bytes : -1;
  find.end = log_.high_watermark;
  if (find.before < Micros{0} && find.bytes_kept < 0) return;
  leading.retention_running = true;
  ReadJob job;
  job.bytes = limits::batch_cost_bytes;
  job.why = RetentionJob{};
  job.op = find;
  start_or_queue(now, std::move(job), out);
}

void Replica::step(const Now& now, RetentionFound& in, Effects& out) {
  std::optional<ReadJob> job = finish_read(in.ticket, out);
  if (!job) return;
  auto& leading = std::get<Leading>(role_);
  if (!in.offset) {
    if (!halts_on(*job, in.offset.error(), out)) fail_read(now, *job, in.offset.error(), out);
    return;
  }
  PINION_ASSERT(*in.offset <= log_.high_watermark);
  if (*in.offset <= log_.log_start || !has_room_to_persist(limits::batch_cost_bytes)) {
    leading.retention_running = false;
    return;
  }
  persist(DropBefore{*in.offset}, limits::batch_cost_bytes, out).op = PendingDrop{*in.offset};
}

}  // namespace pinion::partition
