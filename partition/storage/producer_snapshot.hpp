// The `producers` table: what duplicate detection remembers, as of meta.snapshot_offset.
//
// Writing it with every commit would cost a page a producer; so it is moved forward when a
// checkpoint is near, by reading the batches that came since. The live state is always this
// snapshot plus the batches behind it. Invariant: retention never deletes a batch behind the
// snapshot, and the snapshot is never past the high watermark.
//
// Belongs to the file's thread. The changing functions need a transaction.
#pragma once

#include "common/base/result.hpp"
#include "common/ports/record_store.hpp"
#include "partition/storage/batch_rows.hpp"
#include "partition/storage/partition_file.hpp"

#include <vector>

namespace pinion::storage {

/// Takes the batches in [from, to) into the table, and drops producers that were not heard of for
/// producer_expires_after of log time, or that are too many.
[[nodiscard]] Result<void> advance_snapshot(PartitionFile& file, Offset from, Offset to);

/// Forgets what the table remembers of batches at and after `end`, and remembers in their place
/// those before them that are still there, from `log_start` on. Requires: the log has been cut.
[[nodiscard]] Result<void> cut_snapshot(PartitionFile& file, Offset log_start, Offset end);

/// Takes over what another replica remembers. Requires: the table is empty.
[[nodiscard]] Result<void> put_producers(PartitionFile& file,
                                         const std::vector<ProducerState>& producers);

/// The live state: the table plus the batches from `from` on.
[[nodiscard]] Result<std::vector<ProducerState>> load_producers(PartitionFile& file, Offset from);

}  // namespace pinion::storage
