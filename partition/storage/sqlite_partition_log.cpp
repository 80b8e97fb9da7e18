#include "partition/storage/sqlite_partition_log.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/storage/batch_rows.hpp"
#include "partition/storage/partition_format.hpp"
#include "partition/storage/producer_snapshot.hpp"
#include "partition/storage/wal_watch.hpp"

#include <algorithm>

namespace pinion::storage {
namespace {

/// Rows that one commit deletes for retention. At least as many as it adds, or a busy log would
/// outgrow its retention.
std::int64_t slice_rows(std::int64_t appended) {
  return std::max(limits::retention_rows_per_commit, 2 * appended);
}

bool is_note(const Persist& persist) {
  return std::holds_alternative<NoteHighWatermark>(persist.op);
}

bool grows(const Persist& persist) {
  return std::holds_alternative<AppendBatch>(persist.op) ||
         std::holds_alternative<PutPosition>(persist.op) ||
         std::holds_alternative<ResetPositions>(persist.op);
}

std::uint64_t payload_of(std::span<const Persist> group) {
  std::uint64_t bytes = 0;
  for (const Persist& persist : group) {
    if (const auto* append = std::get_if<AppendBatch>(&persist.op)) {
      bytes += append->batch.payload.size();
    }
  }
  return bytes;
}

std::string mib(std::uint64_t bytes) { return std::to_string(bytes / limits::mib) + " MiB"; }

}  // namespace

Error store_error(const Error& error, const std::string& path, bool rolled_back) {
  // `throttled` is a lock of another process, `io_failed` a file that could not be opened.
  const bool nothing_happened =
      rolled_back && (error.code == Errc::storage_full || error.code == Errc::throttled ||
                      error.code == Errc::io_failed);
  std::string detail = path + ": " + error.detail;
  if (error.code == Errc::throttled) detail += "; another process holds its write lock";
  if (error.code == Errc::file_corrupt) return fail(error.code, std::move(detail));
  return fail(nothing_happened ? Errc::storage_full : Errc::storage_failed, std::move(detail));
}

SqlitePartitionLog::SqlitePartitionLog(std::shared_ptr<StoreContext> store,
                                       std::shared_ptr<OpenFile> open, PartitionFile file,
                                       const Recovery& recovery)
    : store_(std::move(store)),
      open_(std::move(open)),
      file_(std::move(file)),
      file_id_(recovery.file_id),
      state_(recovery.state),
      noted_high_watermark_(recovery.state.high_watermark) {
  ++store_->writers;
  open_->payload_bytes = state_.payload_bytes;
  sizes_.payload_bytes = state_.payload_bytes;
}

SqlitePartitionLog::~SqlitePartitionLog() {
  if (file_) --store_->writers;
  file_
      .reset();  // Without a checkpoint: what close() did not put in order stays for the next open.
  const std::lock_guard lock(store_->mutex);
  store_->open.erase(open_->identity.key);
}

Error SqlitePartitionLog::store_error_of(const Error& error) const {
  const bool rolled_back = !file_ || !file_->in_transaction();
  return store_error(error, open_->path, rolled_back);
}

tl::unexpected<Error> SqlitePartitionLog::fail_with(const Error& error) {
  failed_ = true;
  if (error.code == Errc::file_corrupt) {
    // What cannot be written is known until the process ends.
    const Result<void> noted = store_->node_file.mark_damaged(open_->identity.key, error.detail);
    (void)noted;
  }
  if (file_) --store_->writers;
  file_.reset();
  return failure(error);
}

// ---- One commit

Result<void> SqlitePartitionLog::apply(std::span<const Persist> group) {
  PINION_ASSERT(!failed_);
  PINION_ASSERT(!ended_);
  used_ = true;
  if (std::all_of(group.begin(), group.end(), is_note)) {
    for (const Persist& persist : group) {
      noted_high_watermark_ = std::get<NoteHighWatermark>(persist.op).offset;
    }
    return {};
  }
  PINION_CHECK(wake());
  PINION_CHECK(refuse_growth(group));
  const Offset noted_before = noted_high_watermark_;
  Result<void> done = commit(group);
  if (done) return check_place();
  file_->rollback();
  noted_high_watermark_ = noted_before;
  const Error error = store_error_of(done.error());
  if (error.code != Errc::storage_full) return fail_with(error);
  store_->folder.release_reserve();
  return failure(error);
}

/// What would make things worse while the disk is nearly full, or while somebody keeps the
/// write-ahead log from being emptied. Retention and epochs pass.
Result<void> SqlitePartitionLog::refuse_growth(std::span<const Persist> group) {
  if (std::none_of(group.begin(), group.end(), grows)) return {};
  std::uint64_t free_bytes = store_->free_bytes;
  if (free_bytes < store_->options.low_space_bytes) {
    // What was seen last may be old by now: nobody maintains a log that refuses to be written.
    free_bytes = store_->folder.space().free_bytes;
    store_->free_bytes = free_bytes;
  }
  if (free_bytes < store_->options.low_space_bytes) {
    std::string detail = "only " + mib(free_bytes) + " are free in " + store_->folder.path() +
                         "; writing goes on at " + mib(store_->options.low_space_bytes);
    if (held_) detail += "; " + sizes_.warning;
    return failure(Errc::storage_full, std::move(detail));
  }
  const std::uint64_t cap = store_->options.wal_bytes_max;
  if (cap == 0 || !held_ || file_->wal_bytes() < cap) return {};
  PINION_TRY(moved, checkpoint());
  if (moved) return {};
  return failure(Errc::storage_full, "the write-ahead log of " + open_->path + " has reached " +
                                         mib(cap) + " because " + what_holds_it());
}

Result<void> SqlitePartitionLog::begin() {
  PINION_CHECK(file_->begin());
  return check_foreign_writer();
}

/// What the file is like when only this connection has written to it.
Result<void> SqlitePartitionLog::note_version() {
  PINION_TRY(version, file_->data_version());
  data_version_ = version;
  foreign_commits_ = foreign_commits();
  return {};
}

/// Commits in the write-ahead log's count that are not this connection's: as many as before, as
/// long as nobody else writes.
std::optional<std::uint32_t> SqlitePartitionLog::foreign_commits() const {
  const std::optional<sqlite::WalIndex> index = file_->database().wal_index();
  if (!index) return std::nullopt;
  return index->commits - file_->database().wal_commits();
}

/// The version also changes when another process only begins the write-ahead log again (PRAGMA
/// wal_checkpoint(TRUNCATE)): then the log is empty, and nobody has committed. Whoever commits
/// between the looks changes the version once more, and is found by the next call.
Result<void> SqlitePartitionLog::check_foreign_writer() {
  PINION_TRY(version, file_->data_version());
  if (version == data_version_) return {};
  const std::optional<sqlite::WalIndex> index = file_->database().wal_index();
  if (index && index->pages == 0 && foreign_commits_ && foreign_commits() == foreign_commits_) {
    data_version_ = version;
    return {};
  }
  return failure(Errc::storage_failed,
                 "another process has written to the file; check it with `pinion verify`, and "
                 "restart the node");
}

void SqlitePartitionLog::note_place() {
  own_file_ = stamp_of(open_->path);
  own_wal_ = stamp_of(open_->path + "-wal");
}

/// Files that have no name any more can be written and synced until they are closed, and then they
/// are gone: nothing of that is acknowledged.
Result<void> SqlitePartitionLog::check_place() {
  const FileStamp file = stamp_of(open_->path);
  const bool file_is_there = file.is_same_file(own_file_) && file.bytes > 0;
  const FileStamp wal = stamp_of(open_->path + "-wal");
  if (file_is_there && wal.is_same_file(own_wal_)) return {};
  std::string what = open_->path + (file_is_there ? "-wal" : "") +
                     " was deleted, emptied or replaced while it was open";
  // A log without a name is still open here: what it holds is moved while that is so. (Behind one
  // that was put in its place it would be read as older than what stands there.)
  if (file_is_there && !wal.exists()) {
    const auto moved = file_->database().checkpoint(sqlite::CheckpointMode::passive);
    what += moved && moved->is_complete()
                ? "; what it held is in the file now"
                : "; not all of what it held could be moved into the file, and that is lost";
  }
  return fail_with(fail(Errc::storage_failed, std::move(what)));
}

Result<void> SqlitePartitionLog::commit(std::span<const Persist> group) {
  PINION_CHECK(begin());
  Change change;
  change.state = state_;
  change.high_watermark = noted_high_watermark_;
  PINION_CHECK(carry_out(group, change));
  PINION_CHECK(delete_slice(change));
  if (checkpoint_due(payload_of(group))) {
    PINION_TRY(boundary, batch_boundary(change.high_watermark));
    PINION_CHECK(move_snapshot(change, boundary));
    checkpoint_wanted_ = true;
  }
  return finish(change);
}

Result<void> SqlitePartitionLog::finish(Change& change) {
  noted_high_watermark_ = change.high_watermark;
  if (change.mark_clean != state_.clean) {
    PINION_CHECK(file_->put_meta(meta::clean, change.mark_clean ? 1 : 0));
    change.state.clean = change.mark_clean;
  }
  if (change.high_watermark != state_.high_watermark &&
      (change.write_high_watermark || high_watermark_due())) {
    PINION_CHECK(file_->put_meta(meta::high_watermark, change.high_watermark.raw()));
    change.state.high_watermark = change.high_watermark;
    high_watermark_written_at_ = now_;
  }
  PINION_CHECK(file_->commit());
  state_ = change.state;
  payload_since_checkpoint_ += change.appended_bytes;
  open_->payload_bytes = state_.payload_bytes;
  return {};
}

Result<void> SqlitePartitionLog::carry_out(std::span<const Persist> group, Change& change) {
  for (const Persist& persist : group) {
    PINION_CHECK(std::visit([&](const auto& op) -> Result<void> { return carry_out(op, change); },
                            persist.op));
  }
  return insert_appends(change);
}

Result<void> SqlitePartitionLog::carry_out(const AppendBatch& op, Change& change) {
  const BatchHeader& header = op.batch.header;
  LogState& state = change.state;
  PINION_ASSERT(header.base_offset == state.log_end);
  PINION_ASSERT(header.record_count > 0);
  PINION_ASSERT(header.leader_epoch == state.last_epoch);
  PINION_ASSERT(header.append_time > state.last_log_time || state.log_end == Offset(0));
  change.appends.push_back(&op.batch);
  change.appended_records += header.record_count;
  change.appended_bytes += op.batch.payload.size();
  state.log_end = header.next_offset();
  state.last_log_time = header.append_time + Micros(header.record_count - 1);
  state.payload_bytes += op.batch.payload.size();
  return {};
}

/// Appends are independent of everything but cuts and drops, so they are inserted together.
Result<void> SqlitePartitionLog::insert_appends(Change& change) {
  PINION_CHECK(file_->append(change.appends));
  change.appends.clear();
  return {};
}

Result<void> SqlitePartitionLog::carry_out(const StartEpoch& op, Change& change) {
  PINION_ASSERT(op.start.epoch > change.state.last_epoch);
  PINION_ASSERT(op.start.start == change.state.log_end);
  change.state.last_epoch = op.start.epoch;
  return file_->put_epoch(op.start);
}

Result<void> SqlitePartitionLog::carry_out(const PutPosition& op, Change&) {
  return file_->put_position(op.position);
}

Result<void> SqlitePartitionLog::carry_out(const NoteHighWatermark& op, Change& change) {
  PINION_ASSERT(op.offset <= change.state.log_end);
  change.high_watermark = op.offset;
  return {};
}

Result<void> SqlitePartitionLog::carry_out(const Truncate& op, Change& change) {
  PINION_CHECK(insert_appends(change));
  LogState& state = change.state;
  PINION_ASSERT(op.end >= state.log_start);
  PINION_ASSERT(op.end <= state.log_end);
  PINION_TRY(cut_bytes, file_->payload_bytes(op.end, state.log_end));
  PINION_CHECK(file_->cut_to(op.end));
  PINION_TRY(last_epoch, file_->last_epoch());
  // Before this commit is durable: a crash between must not find a log that is shorter than known.
  PINION_CHECK(store_->node_file.lower(open_->identity.key, last_epoch, op.end));
  if (op.end < state.snapshot_offset) {
    PINION_CHECK(cut_snapshot(*file_, state.log_start, op.end));
    PINION_TRY(kept, file_->payload_bytes(state.log_start, op.end));
    PINION_CHECK(put_snapshot_bytes(state, kept));
    state.snapshot_offset = op.end;
  }
  // Log time goes on from what is left: the leader's next batch may be older than what was cut.
  BatchRows rows(file_->database());
  PINION_TRY(last, rows.at_or_before(op.end));
  const bool empty = !last || last->header.base_offset < state.log_start;
  state.last_log_time =
      empty ? Micros(0) : last->header.append_time + Micros(last->header.record_count - 1);
  PINION_CHECK(file_->put_meta(meta::last_log_time, state.last_log_time.count()));
  state.log_end = op.end;
  state.last_epoch = last_epoch;
  state.payload_bytes -= std::min(state.payload_bytes, static_cast<std::uint64_t>(cut_bytes));
  change.high_watermark = std::min(change.high_watermark, op.end);
  change.write_high_watermark = true;
  return {};
}

Result<void> SqlitePartitionLog::carry_out(const DropBefore& op, Change& change) {
  PINION_CHECK(insert_appends(change));
  LogState& state = change.state;
  PINION_ASSERT(op.start <= state.log_end);
  if (op.start <= state.log_start) return {};
  PINION_CHECK(move_snapshot(change, op.start));
  PINION_TRY(dropped, file_->payload_bytes(state.log_start, op.start));
  PINION_CHECK(file_->put_meta(meta::log_start, op.start.raw()));
  // What is dropped is before the snapshot. Counting what is kept would read every batch there is.
  PINION_CHECK(put_snapshot_bytes(state, state.snapshot_bytes - dropped));
  PINION_CHECK(file_->put_meta(meta::last_log_time, state.last_log_time.count()));
  state.log_start = op.start;
  state.payload_bytes -= std::min(state.payload_bytes, static_cast<std::uint64_t>(dropped));
  return {};
}

Result<void> SqlitePartitionLog::carry_out(const ResetPositions& op, Change&) {
  PINION_CHECK(file_->delete_positions());
  for (const Position& position : op.positions) PINION_CHECK(file_->put_position(position));
  return {};
}

/// The old rows are deleted in slices, as those that retention dropped.
Result<void> SqlitePartitionLog::carry_out(const BeginAt& op, Change& change) {
  PINION_CHECK(insert_appends(change));
  LogState& state = change.state;
  PINION_ASSERT(op.start >= state.log_end);
  // As with a cut: before this commit is durable, and no more than what is there already.
  PINION_CHECK(store_->node_file.lower(open_->identity.key, Epoch(0), state.log_end));
  PINION_CHECK(file_->begin_again());
  PINION_CHECK(put_producers(*file_, op.producers));
  PINION_CHECK(file_->put_meta(meta::log_start, op.start.raw()));
  PINION_CHECK(file_->put_meta(meta::snapshot_offset, op.start.raw()));
  PINION_CHECK(file_->put_meta(meta::snapshot_bytes, 0));
  PINION_CHECK(file_->put_meta(meta::last_log_time, 0));
  state.log_start = op.start;
  state.log_end = op.start;
  state.snapshot_offset = op.start;
  state.last_epoch = Epoch(0);
  state.last_log_time = Micros(0);
  state.payload_bytes = 0;
  change.high_watermark = op.start;
  change.write_high_watermark = true;
  return {};
}

/// The largest beginning of a batch that is at or before `offset`, or the log's end.
Result<Offset> SqlitePartitionLog::batch_boundary(Offset offset) {
  BatchRows rows(file_->database());
  PINION_TRY(last, rows.at_or_before(offset - 1));
  if (!last || last->header.next_offset() <= offset) return offset;
  return last->header.base_offset;
}

Result<void> SqlitePartitionLog::put_snapshot_bytes(LogState& state, std::int64_t bytes) {
  state.snapshot_bytes = std::max<std::int64_t>(0, bytes);
  return file_->put_meta(meta::snapshot_bytes, state.snapshot_bytes);
}

Result<void> SqlitePartitionLog::move_snapshot(Change& change, Offset to) {
  LogState& state = change.state;
  if (to <= state.snapshot_offset) return {};
  PINION_CHECK(advance_snapshot(*file_, state.snapshot_offset, to));
  PINION_TRY(behind, file_->payload_bytes(to, state.log_end));
  const std::int64_t before = static_cast<std::int64_t>(state.payload_bytes) - behind;
  PINION_CHECK(put_snapshot_bytes(state, before));
  state.snapshot_offset = to;
  return {};
}

Result<void> SqlitePartitionLog::delete_slice(Change& change) {
  LogState& state = change.state;
  if (state.rows_start >= state.log_start) return {};
  const Offset end =
      std::min(state.log_start, state.rows_start + slice_rows(change.appended_records));
  PINION_CHECK(file_->delete_before(end));
  // A follower that began again has a gap in front of its start.
  PINION_TRY(first, file_->first_row());
  state.rows_start = first ? std::clamp(*first, end, state.log_start) : state.log_start;
  return {};
}

}  // namespace pinion::storage
