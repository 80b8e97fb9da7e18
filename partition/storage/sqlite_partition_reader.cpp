#include "partition/storage/sqlite_partition_reader.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/storage/partition_format.hpp"
#include "partition/storage/query.hpp"

#include <algorithm>
#include <utility>

namespace pinion::storage {
namespace {

/// Pages that a reader keeps between two calls: the inner pages of the trees, and a few leaves.
constexpr const char* cache_pragma = "PRAGMA cache_size=-256";

}  // namespace

SqlitePartitionReader::SqlitePartitionReader(std::shared_ptr<StoreContext> store,
                                             std::shared_ptr<OpenFile> open,
                                             std::shared_ptr<ReaderConnection> connection)
    : store_(std::move(store)), open_(std::move(open)), connection_(std::move(connection)) {}

Result<void> SqlitePartitionReader::open_connection() {
  if (connection_->database) return {};
  sqlite::OpenOptions how;
  how.mode = sqlite::OpenMode::read_only;
  how.busy_timeout = store_->options.busy_timeout;
  how.vfs = store_->options.vfs;
  PINION_TRY(database, sqlite::Database::open(open_->path, how));
  database.set_checkpoint_on_close(false);
  PINION_CHECK(database.exec(cache_pragma));
  connection_->database = std::move(database);
  connection_->rows.emplace(connection_->database);
  return {};
}

/// Not to be served again, not after a restart either: before anybody hears of it. When it cannot
/// be written, the next read that finds it tries again.
void SqlitePartitionReader::note_damage(const Error& error) const {
  const Result<void> noted = store_->node_file.mark_damaged(open_->identity.key, error.detail);
  (void)noted;
}

/// A lock, or a want of descriptors or memory, passes; a failing disk and a damaged file do not.
Error SqlitePartitionReader::read_error(const Error& error) const {
  const std::string detail = open_->path + ": " + error.detail;
  switch (error.code) {
    case Errc::file_corrupt:
      note_damage(error);
      return fail(error.code, detail);
    case Errc::offset_out_of_range:
    case Errc::io_failed:
      return fail(error.code, detail);
    case Errc::throttled:
    case Errc::storage_full:
      return fail(Errc::io_failed, detail);
    default:
      return fail(Errc::storage_failed, detail);
  }
}

template <typename Work>
auto SqlitePartitionReader::reading(Work work) -> decltype(work()) {
  const std::lock_guard lock(connection_->mutex);
  ++connection_->uses;
  if (Result<void> opened = open_connection(); !opened) {
    return failure(read_error(opened.error()));
  }
  sqlite::Database& database = connection_->database;
  if (Result<void> begun = database.exec("BEGIN"); !begun) {
    return failure(read_error(begun.error()));
  }
  auto result = work();
  connection_->rows->reset();
  database.rollback();
  if (!result) return failure(read_error(result.error()));
  return result;
}

Result<Offset> SqlitePartitionReader::log_start() {
  PINION_TRY(start,
             connection_->database.query_int("SELECT value FROM meta WHERE name = 'log_start'"));
  return Offset(start);
}

/// Whole batches from the one at `base` on, all their records with one statement.
Result<std::vector<Batch>> SqlitePartitionReader::read_batches(Offset base, Offset end,
                                                               std::size_t bytes_max) {
  BatchRows& rows = *connection_->rows;
  PINION_CHECK(rows.seek(base, end));
  std::vector<BatchRow> found;
  std::size_t bytes = 0;
  for (;;) {
    PINION_TRY(batch, rows.next());
    if (!batch) break;
    bytes += static_cast<std::size_t>(batch->payload_bytes);
    if (!found.empty() && bytes > bytes_max) break;
    found.push_back(*batch);
  }
  PINION_TRY(payloads, rows.payloads_of(found));
  std::vector<Batch> batches;
  batches.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    batches.push_back({found[i].header, std::move(payloads[i])});
  }
  return batches;
}

Result<std::vector<Batch>> SqlitePartitionReader::read(Offset from, Offset end,
                                                       std::size_t bytes_max) {
  return reading([&]() -> Result<std::vector<Batch>> {
    BatchRows& rows = *connection_->rows;
    PINION_TRY(start, log_start());
    PINION_TRY(first, rows.at_or_before(from));
    const bool at_end = !first || first->header.next_offset() <= from;
    const Offset log_end = first ? std::max(start, first->header.next_offset()) : start;
    if (from < start || (at_end && from > log_end)) {
      return failure(Errc::offset_out_of_range, "offset " + std::to_string(from.raw()) +
                                                    " is not in the log, which starts at " +
                                                    std::to_string(start.raw()));
    }
    if (at_end || from >= end) return std::vector<Batch>();
    return read_batches(first->header.base_offset, end, bytes_max);
  });
}

Result<Offset> SqlitePartitionReader::find_time(Micros time, Offset end) {
  return reading([&]() -> Result<Offset> {
    BatchRows& rows = *connection_->rows;
    PINION_TRY(start, log_start());
    // The first batch whose last record is at or after `time`: a binary search over offsets, since
    // log time grows with them. Invariant: every record before `low` is older.
    Offset low = start;
    Offset high = end;
    while (low < high) {
      const Offset middle = low + (high - low) / 2;
      PINION_TRY(batch, rows.at_or_before(middle));
      if (!batch) return end;
      const BatchHeader& header = batch->header;
      if (header.next_offset() <= low) return end;  // The log ends before `end`.
      const Micros last_time = header.append_time + Micros(header.record_count - 1);
      if (last_time < time) {
        low = header.next_offset();
        continue;
      }
      high = std::max(low, header.base_offset);
      if (header.append_time < time || high == low) {
        const std::int64_t place = std::max<std::int64_t>(0, (time - header.append_time).count());
        return std::min(header.base_offset + place, end);
      }
    }
    return std::min(low, end);
  });
}

Result<Offset> SqlitePartitionReader::find_retention(Micros before, std::int64_t bytes_kept,
                                                     Offset end) {
  return reading([&]() -> Result<Offset> {
    BatchRows& rows = *connection_->rows;
    PINION_TRY(start, log_start());
    auto bytes = static_cast<std::int64_t>(open_->payload_bytes.load());
    Offset boundary = start;
    PINION_CHECK(rows.seek(start, end));
    for (std::int64_t seen = 0; seen < retention_batches_max; ++seen) {
      PINION_TRY(batch, rows.next());
      if (!batch) break;
      const BatchHeader& header = batch->header;
      const Micros last_time = header.append_time + Micros(header.record_count - 1);
      const bool old = before >= Micros(0) && last_time < before;
      const bool over = bytes_kept >= 0 && bytes > bytes_kept;
      if (!old && !over) break;
      if (header.next_offset() > end) break;
      bytes -= batch->payload_bytes;
      boundary = header.next_offset();
    }
    return boundary;
  });
}

Result<QueryReply> SqlitePartitionReader::query(const std::string& sql, const QueryBounds& bounds) {
  ++connection_->uses;
  QueryScope scope;
  scope.path = open_->path;
  scope.vfs = store_->options.vfs;
  scope.partition = open_->identity.key.partition;
  scope.bounds = bounds;
  scope.disk_is_low = [store = store_] {
    return store->folder.space().free_bytes < store->options.low_space_bytes;
  };
  Result<QueryReply> reply = run_query(sql, scope);
  if (!reply && reply.error().code == Errc::file_corrupt) note_damage(reply.error());
  return reply;
}

}  // namespace pinion::storage
