// From the rows of a partition file back to the batches they came in: headers from `batches`,
// payloads from `messages`, byte for byte as in record_batch.hpp, so that the crc holds. What
// readers, the check at opening and `pinion verify` share. Trusts nothing that it reads.
//
// Belongs to its connection's thread; prepares its statements when they are first needed.
#pragma once

#include "common/base/result.hpp"
#include "common/proto/record_batch.hpp"
#include "common/sqlite/database.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace pinion::storage {

/// One row of `batches`.
struct BatchRow {
  BatchHeader header;
  std::int64_t payload_bytes = 0;
};

class BatchRows {
 public:
  explicit BatchRows(sqlite::Database& database) noexcept : database_(&database) {}

  /// The batch that holds `offset`, or the last one before it.
  [[nodiscard]] Result<std::optional<BatchRow>> at_or_before(Offset offset);

  /// Begins to read batches with base offsets in [from, end), in order.
  [[nodiscard]] Result<void> seek(Offset from, Offset end);
  /// The next of them, or nothing at the end. `file_corrupt` for a row that cannot be.
  [[nodiscard]] Result<std::optional<BatchRow>> next();

  /// The payloads of batches that follow each other; they share one allocation. `file_corrupt` when
  /// the rows, their sizes or a checksum do not agree with `batches`, naming the batch.
  [[nodiscard]] Result<std::vector<Bytes>> payloads_of(std::span<const BatchRow> batches);

  /// Ends all reading: the statements no longer hold a read transaction.
  void reset() noexcept;

 private:
  [[nodiscard]] Result<std::optional<BatchRow>> row_of(sqlite::Statement& statement, bool row);

  sqlite::Database* database_;
  sqlite::Statement at_or_before_;
  sqlite::Statement batches_;
  sqlite::Statement records_;
};

}  // namespace pinion::storage
