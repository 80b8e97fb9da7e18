#include "partition/core/replica_log.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>

namespace pinion::partition {

void ReplicaLog::recover(const RecoveredLog& recovered, Micros monotonic) {
  PINION_ASSERT(recovered.log_start <= recovered.log_end);
  PINION_ASSERT(pending.empty() && uncommitted.empty() && uncommitted_positions.empty());
  log_start = recovered.log_start;
  log_end = recovered.log_end;
  durable_end = recovered.log_end;
  high_watermark = std::clamp(recovered.high_watermark, log_start, log_end);
  noted_high_watermark = recovered.high_watermark;
  note_asked = high_watermark;
  note_after = monotonic + limits::high_watermark_write_after;
  next_log_time =
      recovered.last_log_time > Micros{0} ? recovered.last_log_time + Micros{1} : Micros{0};
  durable_next_log_time = next_log_time;
  epochs = recovered.epochs;
  dedupe = DedupeTable();
  dedupe.recover(recovered.producers);
  positions = PositionTable();
  positions.recover(recovered.positions);
  tail.clear();
  sizes.payload_bytes = recovered.bytes;
}

Epoch ReplicaLog::last_epoch() const noexcept {
  for (auto at = epochs.rbegin(); at != epochs.rend(); ++at) {
    if (at->start < log_end) return at->epoch;
  }
  return epoch_unknown;
}

EpochStart ReplicaLog::end_of_epoch(Epoch epoch) const noexcept {
  EpochStart found{epoch_unknown, epochs.empty() ? log_end : epochs.front().start};
  for (std::size_t i = 0; i < epochs.size() && epochs[i].epoch <= epoch; ++i) {
    found.epoch = epochs[i].epoch;
    found.start = i + 1 < epochs.size() ? epochs[i + 1].start : log_end;
  }
  return found;
}

Epoch ReplicaLog::epoch_before(Offset offset) const noexcept {
  if (offset <= log_start) return epoch_unknown;
  const Offset record = offset - 1;
  Epoch epoch = epoch_unknown;
  for (auto at = epochs.rbegin(); at != epochs.rend(); ++at) {
    if (at->start <= record) {
      epoch = at->epoch;
      break;
    }
  }
  return epoch;
}

bool ReplicaLog::agrees_with(Epoch last_epoch, Offset offset) const noexcept {
  if (last_epoch == epoch_unknown || epochs.empty()) return true;
  // A record of that epoch was read, so the log must have known the epoch; and everything of it
  // that was read must still be there.
  if (last_epoch > epochs.back().epoch) return false;
  for (const EpochStart& next : epochs) {
    if (next.epoch > last_epoch) return offset <= next.start;
  }
  return true;
}

}  // namespace pinion::partition
