#include "partition/storage/partition_file.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/record_batch.hpp"
#include "common/sqlite/row_feed.hpp"
#include "partition/storage/node_file.hpp"
#include "partition/storage/partition_format.hpp"

#include <chrono>

namespace pinion::storage {
namespace {

using sqlite::Database;
using sqlite::Statement;

/// Pages that stay in memory between two commits. A commit of any size is held in memory until it
/// is written (cache_spill=OFF); after it only the edge of each table is needed again.
constexpr int cache_kib = 512;

/// The write-ahead log file is cut to this when it is begun again: a checkpoint's worth, so that an
/// ordinary one is overwritten in place, which syncs faster than growing.
constexpr std::size_t wal_bytes_kept = limits::checkpoint_wal_bytes;
static_assert(wal_bytes_kept >= limits::checkpoint_record_bytes + 2 * limits::commit_bytes_max);

/// The records of some batches as rows of `messages`.
class RecordFeed final : public sqlite::RowFeed {
 public:
  explicit RecordFeed(std::span<const Batch* const> batches) noexcept : batches_(batches) {}

  bool next() noexcept override {
    while (!reader_.next(record_)) {
      if (batches_.empty()) return false;
      offset_ = batches_.front()->header.base_offset.raw() - 1;
      reader_ = BatchReader(batches_.front()->payload.view());
      batches_ = batches_.subspan(1);
    }
    ++offset_;
    return true;
  }

  void column(int index, sqlite::ColumnOut out) noexcept override {
    switch (index) {
      case 0:
        return out.set_int(offset_);
      case 1:
        return out.set_int(record_.timestamp.count());
      case 2:
        if (record_.key) out.set_blob(*record_.key);
        return;
      case 3:
        if (record_.headers) out.set_text(*record_.headers);
        return;
      case 4:
        return out.set_blob(record_.value);
      default:
        return;
    }
  }

 private:
  std::span<const Batch* const> batches_;
  BatchReader reader_{{}};
  RecordView record_;
  std::int64_t offset_ = 0;
};

/// Some batches as rows of `batches`.
class BatchFeed final : public sqlite::RowFeed {
 public:
  explicit BatchFeed(std::span<const Batch* const> batches) noexcept : rest_(batches) {}

  bool next() noexcept override {
    if (rest_.empty()) return false;
    batch_ = rest_.front();
    rest_ = rest_.subspan(1);
    return true;
  }

  void column(int index, sqlite::ColumnOut out) noexcept override {
    const BatchHeader& header = batch_->header;
    switch (index) {
      case 0:
        return out.set_int(header.base_offset.raw());
      case 1:
        return out.set_int(header.last_offset().raw());
      case 2:
        return out.set_int(header.leader_epoch.raw());
      case 3:
        return out.set_int(header.producer_id.raw());
      case 4:
        return out.set_int(header.producer_epoch.raw());
      case 5:
        return out.set_int(header.base_sequence.raw());
      case 6:
        return out.set_int(header.crc);
      case 7:
        return out.set_int(header.append_time.count());
      case 8:
        return out.set_int(static_cast<std::int64_t>(batch_->payload.size()));
      default:
        return;
    }
  }

 private:
  std::span<const Batch* const> rest_;
  const Batch* batch_ = nullptr;
};

std::int64_t wall_micros() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

Result<void> put_meta_text(Database& database, std::string_view name, const std::string& value) {
  PINION_TRY(statement, database.prepare("INSERT INTO meta VALUES(?1, ?2)"));
  statement.bind_text(1, name);
  statement.bind_text(2, value);
  return statement.run();
}

}  // namespace

// ---- Opening

Result<PartitionFile> PartitionFile::open(const std::string& path,
                                          const PartitionFileOptions& options) {
  sqlite::OpenOptions how;
  how.busy_timeout = options.busy_timeout;
  how.vfs = options.vfs;
  PINION_TRY(database, Database::open(path, how));
  PartitionFile file;
  file.database_ = std::move(database);
  PINION_CHECK(file.set_up(options));
  return file;
}

Result<void> PartitionFile::set_up(const PartitionFileOptions& options) {
  // A crash must leave everything as it is; close() switches this back.
  database_.set_checkpoint_on_close(false);
  database_.watch_wal();
  PINION_CHECK(database_.exec("PRAGMA page_size=" + std::to_string(options.page_bytes)));
  PINION_TRY(mode, database_.query_text("PRAGMA journal_mode=WAL"));
  if (mode != "wal") return failure(Errc::io_failed, "no write-ahead log is possible there");
  PINION_CHECK(
      database_.exec("PRAGMA synchronous=FULL; PRAGMA mmap_size=0;"
                     "PRAGMA secure_delete=OFF; PRAGMA cache_spill=OFF; PRAGMA temp_store=MEMORY;"
                     "PRAGMA cache_size=-" +
                     std::to_string(cache_kib) +
                     ";"
                     "PRAGMA journal_size_limit=" +
                     std::to_string(wal_bytes_kept)));
  PINION_TRY(page_bytes, database_.query_int("PRAGMA page_size"));
  page_bytes_ = static_cast<std::size_t>(page_bytes);
  return sqlite::add_row_feed(database_);
}

Result<PartitionFile::Created> PartitionFile::create(const std::string& path,
                                                     const LogIdentity& identity,
                                                     const PartitionFileOptions& options) {
  sqlite::OpenOptions how;
  how.mode = sqlite::OpenMode::create;
  how.busy_timeout = options.busy_timeout;
  how.vfs = options.vfs;
  PINION_TRY(database, Database::open(path, how));
  Created created{PartitionFile(), random_id()};
  PartitionFile& file = created.file;
  file.database_ = std::move(database);
  PINION_CHECK(file.set_up(options));
  PINION_CHECK(file.begin());
  PINION_CHECK(file.database_.exec(schema_sql));
  PINION_CHECK(put_meta_text(file.database_, meta::cluster_id, identity.cluster_id));
  PINION_CHECK(put_meta_text(file.database_, meta::topic, identity.topic_name));
  PINION_CHECK(put_meta_text(file.database_, meta::file_id, created.file_id));
  PINION_CHECK(file.put_meta(meta::schema_version, schema_version));
  PINION_CHECK(file.put_meta(meta::topic_id, identity.key.topic.raw()));
  PINION_CHECK(file.put_meta(meta::partition, identity.key.partition.raw()));
  PINION_CHECK(file.put_meta(meta::created_at, wall_micros()));
  PINION_CHECK(file.put_meta(meta::log_start, 0));
  PINION_CHECK(file.put_meta(meta::high_watermark, 0));
  PINION_CHECK(file.put_meta(meta::last_log_time, 0));
  PINION_CHECK(file.put_meta(meta::snapshot_offset, 0));
  PINION_CHECK(file.put_meta(meta::snapshot_bytes, 0));
  PINION_CHECK(file.put_meta(meta::clean, 1));
  PINION_CHECK(file.commit());
  return created;
}

Result<void> PartitionFile::prepare(Statement& statement, const char* sql) {
  if (statement) return {};
  PINION_TRY(prepared, database_.prepare(sql));
  statement = std::move(prepared);
  return {};
}

Result<void> PartitionFile::close() {
  for (Statement* statement :
       {&begin_, &commit_, &data_version_, &insert_records_, &insert_batches_, &insert_epoch_,
        &insert_position_, &insert_meta_}) {
    *statement = Statement();
  }
  database_.set_checkpoint_on_close(true);
  return database_.close();
}

std::uint64_t PartitionFile::wal_bytes() const noexcept {
  constexpr std::uint64_t frame_header_bytes = 24;
  return static_cast<std::uint64_t>(database_.wal_pages()) * (page_bytes_ + frame_header_bytes);
}

// ---- Transactions

Result<void> PartitionFile::begin() {
  PINION_ASSERT(!database_.in_transaction());
  PINION_CHECK(prepare(begin_, "BEGIN IMMEDIATE"));
  return begin_.run();
}

Result<void> PartitionFile::commit() {
  PINION_CHECK(prepare(commit_, "COMMIT"));
  return commit_.run();
}

Result<std::int64_t> PartitionFile::data_version() {
  PINION_CHECK(prepare(data_version_, "PRAGMA data_version"));
  PINION_TRY(row, data_version_.step());
  if (!row) return failure(Errc::storage_failed, "no data_version");
  const std::int64_t version = data_version_.column_int(0);
  data_version_.reset();
  return version;
}

// ---- Changes

Result<void> PartitionFile::append(std::span<const Batch* const> batches) {
  PINION_ASSERT(database_.in_transaction());
  if (batches.empty()) return {};
  // OR ROLLBACK: what fails ends the transaction anyway, and so no journal of the statement is
  // kept.
  PINION_CHECK(prepare(insert_records_,
                       "INSERT OR ROLLBACK INTO messages SELECT c0, c1, c2, c3, c4 FROM "
                       "row_feed(?1)"));
  RecordFeed records(batches);
  sqlite::bind_row_feed(insert_records_, 1, records);
  PINION_CHECK(insert_records_.run());
  std::int64_t expected = 0;
  for (const Batch* batch : batches) expected += batch->header.record_count;
  PINION_ASSERT(database_.changes() == expected);  // check_batch would have refused it.

  PINION_CHECK(prepare(insert_batches_,
                       "INSERT OR ROLLBACK INTO batches SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8 "
                       "FROM row_feed(?1)"));
  BatchFeed headers(batches);
  sqlite::bind_row_feed(insert_batches_, 1, headers);
  return insert_batches_.run();
}

Result<void> PartitionFile::put_epoch(const EpochStart& start) {
  PINION_CHECK(prepare(insert_epoch_, "INSERT INTO epochs VALUES(?1, ?2)"));
  insert_epoch_.bind(1, start.epoch.raw());
  insert_epoch_.bind(2, start.start.raw());
  return insert_epoch_.run();
}

Result<void> PartitionFile::put_position(const Position& position) {
  PINION_CHECK(prepare(insert_position_,
                       "INSERT OR REPLACE INTO consumer_offsets VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, "
                       "?8)"));
  insert_position_.bind_text(1, position.reader);
  insert_position_.bind(2, position.offset.raw());
  insert_position_.bind(3, position.leader_epoch.raw());
  insert_position_.bind(4, position.version.raw());
  insert_position_.bind_text(5, position.last_token);
  insert_position_.bind(6, position.last_offset.raw());
  insert_position_.bind(7, position.deleted ? 1 : 0);
  insert_position_.bind(8, position.updated_at.count());
  return insert_position_.run();
}

Result<void> PartitionFile::put_meta(std::string_view name, std::int64_t value) {
  PINION_CHECK(prepare(insert_meta_, "INSERT OR REPLACE INTO meta VALUES(?1, ?2)"));
  insert_meta_.bind_text(1, name);
  insert_meta_.bind(2, value);
  return insert_meta_.run();
}

namespace {

Result<void> run_with(Database& database, const char* sql, Offset offset) {
  PINION_TRY(statement, database.prepare(sql));
  statement.bind(1, offset.raw());
  return statement.run();
}

}  // namespace

Result<void> PartitionFile::cut_to(Offset end) {
  PINION_CHECK(run_with(database_, "DELETE FROM messages WHERE offset >= ?1", end));
  PINION_CHECK(run_with(database_, "DELETE FROM batches WHERE base_offset >= ?1", end));
  return run_with(database_, "DELETE FROM epochs WHERE start_offset >= ?1", end);
}

Result<void> PartitionFile::delete_before(Offset end) {
  PINION_CHECK(run_with(database_, "DELETE FROM messages WHERE offset < ?1", end));
  return run_with(database_, "DELETE FROM batches WHERE base_offset < ?1", end);
}

Result<void> PartitionFile::delete_positions() {
  return database_.exec("DELETE FROM consumer_offsets");
}

Result<void> PartitionFile::begin_again() {
  return database_.exec("DELETE FROM epochs; DELETE FROM producers");
}

// ---- Questions

Result<std::optional<Offset>> PartitionFile::first_row() {
  PINION_TRY(statement, database_.prepare("SELECT min(offset) FROM messages"));
  PINION_TRY(row, statement.step());
  if (!row || statement.column_is_null(0)) return std::optional<Offset>();
  return std::optional<Offset>(Offset(statement.column_int(0)));
}

Result<std::int64_t> PartitionFile::payload_bytes(Offset from, Offset end) {
  PINION_TRY(statement, database_.prepare("SELECT coalesce(sum(payload_bytes), 0) FROM batches"
                                          " WHERE base_offset >= ?1 AND base_offset < ?2"));
  statement.bind(1, from.raw());
  statement.bind(2, end.raw());
  PINION_TRY(row, statement.step());
  PINION_ASSERT(row);
  return statement.column_int(0);
}

Result<Epoch> PartitionFile::last_epoch() {
  PINION_TRY(epoch, database_.query_int("SELECT coalesce(max(leader_epoch), 0) FROM epochs"));
  return Epoch(epoch);
}

Result<std::int64_t> PartitionFile::meta_number(std::string_view name) {
  PINION_TRY(statement, database_.prepare("SELECT value FROM meta WHERE name = ?1"));
  statement.bind_text(1, name);
  PINION_TRY(row, statement.step());
  if (!row || statement.column_type(0) != SQLITE_INTEGER) {
    return failure(Errc::file_corrupt, "meta has no number " + std::string(name));
  }
  return statement.column_int(0);
}

Result<std::string> PartitionFile::meta_text(std::string_view name) {
  PINION_TRY(statement, database_.prepare("SELECT value FROM meta WHERE name = ?1"));
  statement.bind_text(1, name);
  PINION_TRY(row, statement.step());
  if (!row || statement.column_type(0) != SQLITE_TEXT) {
    return failure(Errc::file_corrupt, "meta has no text " + std::string(name));
  }
  return statement.column_string(0);
}

}  // namespace pinion::storage
