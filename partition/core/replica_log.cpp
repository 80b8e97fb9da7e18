#include "partition/core/replica_log.hpp"

#include <algorithm>

namespace pinion::partition {

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
