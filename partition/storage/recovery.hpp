// What is checked before a partition file may serve: docs/STORAGE.md "Opening a file".
//
// Everything that costs the same however long the log is, is always checked: schema, identity, that
// the log ends where `batches` says, epochs, positions, that it is not behind what the node knows.
// The records since the last snapshot are checked one by one, against the checksums of their
// batches, when the clean-shutdown mark is missing. The rest is for `pinion verify`.
//
// Reads only. Belongs to the file's thread.
#pragma once

#include "common/base/result.hpp"
#include "common/ports/record_store.hpp"
#include "partition/storage/node_file.hpp"
#include "partition/storage/partition_file.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace pinion::storage {

/// What a log knows about its file beyond what it tells its owner.
struct LogState {
  Offset log_start{0};
  Offset log_end{0};
  Offset rows_start{0};      ///< Rows from here to log_start wait to be deleted.
  Offset high_watermark{0};  ///< As written.
  Offset snapshot_offset{0};
  std::int64_t snapshot_bytes = 0;  ///< Of payloads from log_start to there.
  Micros last_log_time{0};
  Epoch last_epoch{0};
  std::uint64_t payload_bytes = 0;
  bool clean = false;  ///< The mark is in the file.
};

struct Recovery {
  RecoveredLog log;
  LogState state;
  std::string file_id;
};

/// `file_corrupt` with what is wrong. Other codes: the file could not be read; nothing is known.
[[nodiscard]] Result<Recovery> recover(PartitionFile& file, const LogIdentity& identity,
                                       const std::optional<NodeFile::KnownFile>& known);

}  // namespace pinion::storage
