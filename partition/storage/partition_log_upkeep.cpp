// SqlitePartitionLog between two commits: checkpoints, the high watermark of a quiet log, retention
// left over, closing files that are idle and opening them again, the clean-shutdown mark.
#include "partition/storage/sqlite_partition_log.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/storage/batch_rows.hpp"
#include "partition/storage/partition_format.hpp"
#include "partition/storage/reader_connection.hpp"
#include "partition/storage/wal_watch.hpp"

#include <algorithm>

namespace pinion::storage {
namespace {

constexpr Micros note_after = 1s;          ///< Checkpoints are noted in node.db together.
constexpr Micros crowded_idle_close = 1s;  ///< While more files are open than there should be.
constexpr Micros held_retry_every =
    1s;  ///< A checkpoint that somebody's read transaction holds up.
constexpr Micros truncate_timeout = 100ms;
constexpr Micros high_watermark_every = 100ms;
constexpr Micros closed_maintain_every = 10s;
constexpr Micros open_maintain_every = 1s;

/// A write-ahead log file of this size is given back to the disk as soon as it is empty.
constexpr std::uint64_t wal_bytes_truncate = 64 * limits::mib;

}  // namespace

// ---- Between commits

Result<Micros> SqlitePartitionLog::maintain(const Now& now) {
  PINION_ASSERT(!failed_);
  PINION_ASSERT(!ended_);
  now_ = now.monotonic;
  store_->check_space(now_);
  close_idle_readers();
  if (file_ && used_ && now_ - noted_at_ >= note_after) {
    noted_at_ = now_;
    PINION_CHECK(check_place());
    store_->node_file.note_durable(open_->identity.key, state_.last_epoch, state_.log_end);
  }
  Result<void> noted = store_->node_file.flush(now_, note_after);
  if (!noted) sizes_.warning = store_->folder.node_file() + ": " + noted.error().detail;
  if (!file_ && noted_high_watermark_ == state_.high_watermark) return closed_maintain_every;
  PINION_CHECK(wake());
  Result<Micros> next = maintain_open();
  if (next || failed_) return next;
  const Error error = store_error_of(next.error());
  if (error.code != Errc::storage_full) return fail_with(error);
  // Nothing was lost and nobody waits for it: the next call tries again.
  store_->folder.release_reserve();
  sizes_.warning = error.detail;
  return open_maintain_every;
}

Result<Micros> SqlitePartitionLog::maintain_open() {
  const bool quiet = !used_;
  if (used_ || used_at_ == Micros{0}) used_at_ = now_;  // Opening it is a use.
  used_ = false;
  if (checkpoint_wanted_ || (held_ && now_ - attempted_at_ >= held_retry_every)) {
    PINION_TRY(moved, checkpoint());
    (void)moved;
  }
  if (quiet && state_.rows_start < state_.log_start) {
    if (Result<void> done = commit({}); !done) {
      file_->rollback();
      return failure(done.error());
    }
    if (state_.rows_start < state_.log_start) return Micros(0);
  }
  const Micros idle = now_ - used_at_;
  if (idle < limits::high_watermark_write_after) return open_maintain_every;

  // A quiet second.
  PINION_CHECK(check_foreign_writer());
  PINION_CHECK(check_place());
  measure();
  if (noted_high_watermark_ != state_.high_watermark) {
    if (Result<void> done = commit({}); !done) {
      file_->rollback();
      return failure(done.error());
    }
  }
  const bool crowded = store_->writers > store_->options.open_files_max;
  if (idle >= store_->options.idle_close || (crowded && idle >= crowded_idle_close)) {
    PINION_CHECK(sleep());
    return file_ ? open_maintain_every : closed_maintain_every;
  }
  return open_maintain_every;
}

bool SqlitePartitionLog::high_watermark_due() const noexcept {
  return now_ - high_watermark_written_at_ >= high_watermark_every;
}

LogSizes SqlitePartitionLog::sizes() const {
  LogSizes sizes = sizes_;
  sizes.payload_bytes = state_.payload_bytes;
  return sizes;
}

void SqlitePartitionLog::measure() {
  sizes_.file_bytes = stamp_of(open_->path).bytes;
  sizes_.wal_bytes = stamp_of(open_->path + "-wal").bytes;
}

// ---- Checkpoints

/// Records are moved once each, but small commits write the same pages again and again: so it is
/// due by what has to be moved, or by a larger size of the log itself.
bool SqlitePartitionLog::checkpoint_due(std::uint64_t payload_bytes) const noexcept {
  const SqliteRecordStoreOptions& options = store_->options;
  if (payload_since_checkpoint_ + payload_bytes >= options.checkpoint_record_bytes) return true;
  std::uint64_t mark = options.checkpoint_wal_bytes;
  if (options.wal_bytes_max > 0) mark = std::min(mark, options.wal_bytes_max / 2);
  const std::uint64_t wal_bytes = file_->wal_bytes();
  const bool begun_again = wal_bytes < wal_bytes_at_attempt_;
  return wal_bytes - (begun_again ? 0 : wal_bytes_at_attempt_) >= mark;
}

/// True when everything is in the file. Errors have failed the log.
Result<bool> SqlitePartitionLog::checkpoint() {
  checkpoint_wanted_ = false;
  attempted_at_ = now_;
  sqlite::Database& database = file_->database();
  const Result<sqlite::CheckpointResult> done =
      database.checkpoint(sqlite::CheckpointMode::passive);
  if (!done && done.error().code != Errc::storage_full) {
    return fail_with(store_error_of(done.error()));
  }
  payload_since_checkpoint_ = 0;
  wal_bytes_at_attempt_ = file_->wal_bytes();
  measure();
  if (done && done->is_complete()) {
    held_ = false;
    sizes_.warning.clear();
    store_->node_file.note_durable(open_->identity.key, state_.last_epoch, state_.log_end);
    if (sizes_.wal_bytes < wal_bytes_truncate) return true;
    database.set_busy_timeout(truncate_timeout);
    const auto truncated = database.checkpoint(sqlite::CheckpointMode::truncate);
    database.set_busy_timeout(store_->options.busy_timeout);
    if (!truncated && truncated.error().code != Errc::storage_full) {
      return fail_with(store_error_of(truncated.error()));
    }
    measure();
    return true;
  }
  if (!done) {
    store_->folder.release_reserve();
    sizes_.warning = open_->path + ": " + done.error().detail;
  }
  if (!held_) held_since_ = now_;
  held_ = true;
  held_by_checkpoint_ = done && done->busy;
  if (done && now_ - held_since_ >= store_->options.pinned_warning_after) {
    sizes_.warning = "the write-ahead log of " + open_->path + " cannot be emptied (" +
                     std::to_string(sizes_.wal_bytes / limits::mib) + " MiB) because " +
                     what_holds_it();
  }
  return false;
}

/// Why the last checkpoint could not move everything, for people.
std::string SqlitePartitionLog::what_holds_it() const {
  if (held_by_checkpoint_) {
    const std::string who = checkpointers_of(open_->path);
    return "its checkpoint lock is held by " + (who.empty() ? "another process" : who);
  }
  const std::string readers = readers_of(open_->path);
  return "a read transaction is open in " +
         (readers.empty() ? "another process, or this one" : readers);
}

// ---- Closing and opening again

/// The clean-shutdown mark, the high watermark and the snapshot, in one commit.
Result<void> SqlitePartitionLog::commit_mark() {
  const bool all_written = noted_high_watermark_ == state_.high_watermark;
  if (state_.clean && all_written) return {};
  PINION_CHECK(begin());
  Change change;
  change.state = state_;
  change.high_watermark = noted_high_watermark_;
  change.write_high_watermark = true;
  PINION_TRY(boundary, batch_boundary(change.high_watermark));
  PINION_CHECK(move_snapshot(change, boundary));
  change.mark_clean = true;
  return finish(change);
}

Result<void> SqlitePartitionLog::start() {
  if (Result<void> noted = note_version(); !noted) {
    return fail_with(store_error_of(noted.error()));
  }
  note_place();
  if (!state_.clean && stamp_of(open_->path + "-wal").bytes > 0) PINION_CHECK(begin_wal_again());
  measure();
  if (store_->writers <= store_->options.open_files_max) return {};
  return rest();
}

/// After a crash the log may end in a commit that was torn. What is appended behind it would have
/// the same salts as the torn rest: after a second crash the one could not be told from the other.
/// A reader of another process may be in the way; then that remains as it was.
Result<void> SqlitePartitionLog::begin_wal_again() {
  sqlite::Database& database = file_->database();
  database.set_busy_timeout(truncate_timeout);
  const auto done = database.checkpoint(sqlite::CheckpointMode::truncate);
  database.set_busy_timeout(store_->options.busy_timeout);
  const bool passes =
      done || done.error().code == Errc::throttled || done.error().code == Errc::storage_full;
  if (!passes) return fail_with(store_error_of(done.error()));
  return {};
}

/// Closes the connection of a log that nobody uses, unless somebody keeps it from being put in
/// order.
Result<void> SqlitePartitionLog::sleep() {
  if (Result<void> marked = commit_mark(); !marked) {
    file_->rollback();
    return marked;
  }
  PINION_TRY(moved, checkpoint());
  if (!moved) return {};
  return rest();
}

/// Closes the connection. Its owner does not notice.
Result<void> SqlitePartitionLog::rest() {
  PINION_CHECK(check_place());
  {
    const std::lock_guard lock(open_->readers_mutex);
    for (const auto& weak : open_->readers) {
      if (const auto reader = weak.lock()) reader->close();
    }
  }
  if (Result<void> closed = file_->close(); !closed)
    return fail_with(store_error_of(closed.error()));
  file_.reset();
  --store_->writers;
  payload_since_checkpoint_ = 0;
  wal_bytes_at_attempt_ = 0;
  measure();
  left_file_ = stamp_of(open_->path);
  left_wal_ = stamp_of(open_->path + "-wal");
  if (left_file_.is_same_file(own_file_)) return {};
  return fail_with(fail(Errc::storage_failed,
                        open_->path + " was deleted or replaced while it was being closed"));
}

/// Opens the connection again, and makes sure that it is the file that was left.
Result<void> SqlitePartitionLog::wake() {
  if (file_) return {};
  const FileStamp wal = stamp_of(open_->path + "-wal");
  if (!stamp_of(open_->path).exists()) {
    return fail_with(fail(Errc::storage_failed, open_->path + " was deleted while it was at rest"));
  }
  if (stamp_of(open_->path) != left_file_ || (wal.bytes > 0 && wal != left_wal_)) {
    return fail_with(fail(Errc::storage_failed,
                          open_->path +
                              ": another process has changed the file, or its time, while it was "
                              "at rest; check it with `pinion verify`, and restart the node"));
  }
  auto opened = PartitionFile::open(open_->path, store_->file_options());
  if (!opened) {
    const Error error = store_error(opened.error(), open_->path, true);
    if (error.code == Errc::storage_full) return failure(error);
    return fail_with(error);
  }
  file_ = std::move(*opened);
  ++store_->writers;
  const auto check = [this]() -> Result<void> {
    PINION_TRY(file_id, file_->meta_text(meta::file_id));
    BatchRows rows(file_->database());
    PINION_TRY(last, rows.at_or_before(state_.log_end));
    const bool same_end = last && last->header.base_offset >= state_.log_start
                              ? last->header.next_offset() == state_.log_end
                              : state_.log_start == state_.log_end;
    if (file_id != file_id_ || !same_end) {
      return failure(Errc::file_corrupt, "it is not the file that was left there");
    }
    return note_version();
  };
  if (Result<void> same = check(); !same) {
    return fail_with(fail(Errc::storage_failed, open_->path + ": " + same.error().detail));
  }
  note_place();
  return {};
}

void SqlitePartitionLog::close_idle_readers() {
  const std::lock_guard lock(open_->readers_mutex);
  std::erase_if(open_->readers, [](const auto& weak) { return weak.expired(); });
  std::uint64_t uses = 0;
  for (const auto& weak : open_->readers) {
    if (const auto reader = weak.lock()) uses += reader->uses;
  }
  if (uses != reader_uses_) {
    reader_uses_ = uses;
    readers_used_at_ = now_;
    return;
  }
  if (uses == 0 || now_ - readers_used_at_ < store_->options.idle_close) return;
  for (const auto& weak : open_->readers) {
    if (const auto reader = weak.lock()) reader->close();
  }
}

Result<void> SqlitePartitionLog::close() {
  PINION_ASSERT(!ended_);
  ended_ = true;
  if (failed_) return failure(Errc::storage_failed, open_->path + ": it failed earlier");
  const bool in_order = state_.clean && noted_high_watermark_ == state_.high_watermark;
  if (!file_ && in_order) return {};
  PINION_CHECK(wake());
  if (Result<void> marked = commit_mark(); !marked) {
    file_->rollback();
    const Error error = store_error_of(marked.error());
    return fail_with(error);
  }
  PINION_TRY(moved, checkpoint());
  (void)moved;  // Somebody may still read: then the write-ahead log stays, whole.
  return rest();
}

// ---- StoreContext

void StoreContext::check_space(Micros monotonic) {
  constexpr std::int64_t every = 200'000;
  const std::int64_t checked = space_checked_at;
  const std::int64_t now = monotonic.count();
  if (checked != INT64_MIN && now - checked < every) return;
  space_checked_at = now;
  free_bytes = folder.space().free_bytes;
  folder.restore_reserve(options.low_space_bytes);
}

}  // namespace pinion::storage
