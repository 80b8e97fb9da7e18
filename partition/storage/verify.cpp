#include "partition/storage/verify.hpp"

#include "common/sqlite/database.hpp"
#include "partition/storage/batch_rows.hpp"
#include "partition/storage/data_folder.hpp"
#include "partition/storage/partition_format.hpp"
#include "partition/storage/verify_rows.hpp"
#include "partition/storage/wal_watch.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace pinion::storage {
namespace {

using sqlite::Database;

constexpr Offset after_all{std::int64_t{1} << 62};

std::string text(std::int64_t number) { return std::to_string(number); }
std::string text(Offset offset) { return std::to_string(offset.raw()); }

/// One file under examination. Each check notes what it finds and leaves the rest to the others;
/// only being told to give up ends it early.
class Examination {
 public:
  Examination(Database& database, const VerifyOptions& options, VerifyReport& report)
      : database_(database), options_(options), report_(report), rows_(database) {}

  Result<void> run() {
    note_failure("size", check_size());
    note_failure("structure", check_structure());
    note_failure("schema", check_schema());
    if (Result<void> read = read_meta(); !read) {
      problem("meta: " + read.error().detail);
      return {};
    }
    const Problem found = [this](std::string sentence) { problem(std::move(sentence)); };
    note_failure("meta", check_meta_rows(database_, found));
    snapshot_.emplace(report_.log_start, snapshot_offset_);
    note_failure("epochs", read_epochs());
    PINION_CHECK(check_batches());
    note_failure("messages", check_messages());
    check_bounds();
    note_failure("consumer_offsets", check_readers());
    note_failure("producers", check_producers());
    return {};
  }

  void problem(std::string sentence) {
    ++report_.problems_found;
    if (report_.problems.size() < options_.problems_max) {
      report_.problems.push_back(std::move(sentence));
    }
  }

 private:
  void note_failure(const std::string& where, const Result<void>& result) {
    if (!result) problem(where + ": " + result.error().detail);
  }

  /// SQLite reads what is missing of a last page as zeros.
  Result<void> check_size() {
    PINION_TRY(page_bytes, database_.query_int("PRAGMA page_size"));
    const auto bytes = static_cast<std::int64_t>(stamp_of(report_.file).bytes);
    // A power cut may leave half of a page that the write-ahead log still holds whole.
    if (stamp_of(report_.file + "-wal").bytes == 0 && page_bytes > 0 && bytes % page_bytes != 0) {
      problem("size: the file of " + text(bytes) + " bytes ends in the middle of a page");
    }
    return {};
  }

  /// SQLite's own view of its pages.
  Result<void> check_structure() {
    PINION_TRY(check,
               database_.prepare("PRAGMA integrity_check(" +
                                 text(static_cast<std::int64_t>(options_.problems_max)) + ")"));
    for (;;) {
      PINION_TRY(row, check.step());
      if (!row) return {};
      const std::string verdict = check.column_string(0);
      if (verdict != "ok") problem("structure: " + verdict);
    }
  }

  /// Name and definition of everything that is defined in it.
  static Result<std::map<std::string, std::string>> schema_of(Database& database) {
    PINION_TRY(rows, database.prepare("SELECT type || ' ' || name, sql FROM sqlite_schema "
                                      "WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"));
    std::map<std::string, std::string> found;
    for (;;) {
      PINION_TRY(row, rows.step());
      if (!row) return found;
      found[rows.column_string(0)] = rows.column_string(1);
    }
  }

  /// A trigger or a table of somebody else's, or one of ours that was changed.
  Result<void> check_schema() {
    sqlite::OpenOptions how;
    how.mode = sqlite::OpenMode::memory;
    PINION_TRY(fresh, Database::open(":memory:", how));
    PINION_CHECK(fresh.exec(schema_sql));
    PINION_TRY(expected, schema_of(fresh));
    PINION_TRY(found, schema_of(database_));
    for (const auto& [name, sql] : found) {
      const auto same = expected.find(name);
      if (same == expected.end()) {
        problem("schema: the " + name + " is none of a partition file's");
      } else if (same->second != sql) {
        problem("schema: the " + name + " is defined in another way");
      }
    }
    for (const auto& [name, sql] : expected) {
      if (found.count(name) == 0) problem("schema: the " + name + " is missing");
    }
    return check_column_types(database_, fresh,
                              [this](std::string sentence) { problem(std::move(sentence)); });
  }

  Result<std::int64_t> number(std::string_view name) {
    PINION_TRY(value, database_.prepare("SELECT value FROM meta WHERE name = ?1"));
    value.bind_text(1, name);
    PINION_TRY(row, value.step());
    if (!row || value.column_type(0) != SQLITE_INTEGER) {
      return failure(Errc::file_corrupt, "no number " + std::string(name));
    }
    return value.column_int(0);
  }
  Result<std::string> words(std::string_view name) {
    PINION_TRY(value, database_.prepare("SELECT value FROM meta WHERE name = ?1"));
    value.bind_text(1, name);
    PINION_TRY(row, value.step());
    if (!row || value.column_type(0) != SQLITE_TEXT) {
      return failure(Errc::file_corrupt, "no text " + std::string(name));
    }
    return value.column_string(0);
  }

  Result<void> read_meta() {
    PINION_TRY(version, number(meta::schema_version));
    if (version != schema_version) {
      return failure(Errc::file_corrupt,
                     "schema version " + text(version) + ", not " + text(schema_version));
    }
    PINION_TRY(cluster_id, words(meta::cluster_id));
    PINION_TRY(topic, words(meta::topic));
    PINION_TRY(file_id, words(meta::file_id));
    PINION_TRY(topic_id, number(meta::topic_id));
    PINION_TRY(partition, number(meta::partition));
    report_.cluster_id = cluster_id;
    report_.topic_name = topic;
    report_.file_id = file_id;
    report_.topic_id = topic_id;
    report_.partition = static_cast<std::int32_t>(partition);
    PINION_TRY(log_start, number(meta::log_start));
    PINION_TRY(high_watermark, number(meta::high_watermark));
    PINION_TRY(snapshot_offset, number(meta::snapshot_offset));
    PINION_TRY(snapshot_bytes, number(meta::snapshot_bytes));
    PINION_TRY(clean, number(meta::clean));
    report_.log_start = Offset(log_start);
    report_.log_end = report_.log_start;
    report_.high_watermark = Offset(high_watermark);
    report_.clean = clean == 1;
    snapshot_offset_ = Offset(snapshot_offset);
    snapshot_bytes_ = snapshot_bytes;
    return {};
  }

  Result<void> read_epochs() {
    PINION_TRY(rows, database_.prepare(
                         "SELECT leader_epoch, start_offset FROM epochs ORDER BY leader_epoch"));
    for (;;) {
      PINION_TRY(row, rows.step());
      if (!row) return {};
      const EpochStart next{Epoch(rows.column_int(0)), Offset(rows.column_int(1))};
      if (!epochs_.empty() && next.start < epochs_.back().start) {
        problem("epoch " + text(next.epoch.raw()) + " starts at " + text(next.start) +
                ", before the epoch that came before it");
      }
      if (next.epoch <= epoch_unknown) problem("there is an epoch " + text(next.epoch.raw()));
      epochs_.push_back(next);
      ++report_.epochs;
    }
  }

  /// The epoch that an offset belongs to.
  [[nodiscard]] Epoch epoch_at(Offset offset) const {
    const auto after = std::upper_bound(
        epochs_.begin(), epochs_.end(), offset,
        [](Offset wanted, const EpochStart& start) { return wanted < start.start; });
    return after == epochs_.begin() ? epoch_unknown : (after - 1)->epoch;
  }

  // ---- Batches, and their records

  Result<void> check_batches() {
    Offset expected = report_.log_start;
    note_failure("batches", rows_.seek(expected, after_all));
    for (;;) {
      auto batch = rows_.next();
      if (!batch) {
        problem("batches: " + batch.error().detail);
        if (!skip_bad_row(expected)) return {};
        continue;
      }
      if (!*batch) return {};
      check_batch_row(**batch, expected);
      expected = (*batch)->header.next_offset();
      report_.log_end = std::max(report_.log_end, expected);
      PINION_CHECK(tell_progress());
    }
  }

  /// Goes on behind a row that cannot be read. False: nothing behind it can.
  bool skip_bad_row(Offset& expected) {
    if (report_.problems_found > static_cast<std::int64_t>(options_.problems_max)) return false;
    auto next = database_.prepare("SELECT min(base_offset) FROM batches WHERE base_offset >= ?1");
    if (!next) return false;
    next->bind(1, std::max(expected, bad_row_ + 1).raw());
    const Result<bool> row = next->step();
    if (!row || !*row || next->column_is_null(0)) return false;
    bad_row_ = Offset(next->column_int(0));
    expected = bad_row_ + 1;
    next->reset();
    return rows_.seek(expected, after_all).has_value();
  }

  void check_batch_row(const BatchRow& batch, Offset expected) {
    const BatchHeader& header = batch.header;
    const std::string name = "batch " + text(header.base_offset);
    ++report_.batches;
    report_.payload_bytes += static_cast<std::uint64_t>(batch.payload_bytes);
    if (header.base_offset < snapshot_offset_) bytes_before_snapshot_ += batch.payload_bytes;
    if (header.base_offset != expected) problem(name + " should begin at " + text(expected));
    if (header.append_time < log_time_)
      problem(name + ": its log time is not after the one before");
    log_time_ = header.append_time + Micros(header.record_count);
    const Epoch epoch = epoch_at(header.base_offset);
    if (header.leader_epoch != epoch) {
      problem(name + " is of epoch " + text(header.leader_epoch.raw()) + ", but epoch " +
              text(epoch.raw()) + " covers it");
    }
    const bool is_numbered =
        header.producer_id == producer_none ||
        (header.producer_id > producer_none && header.base_sequence >= Sequence(0));
    if (!is_numbered || header.producer_epoch < ProducerEpoch(0)) {
      problem(name + " cannot be of producer " + text(header.producer_id.raw()) + ", epoch " +
              text(header.producer_epoch.raw()) + ", sequence " + text(header.base_sequence.raw()));
    }
    check_sequence(header, name);
    snapshot_->add(header);
    const auto payload = rows_.payloads_of({&batch, 1});
    if (!payload) return problem(payload.error().detail);
    report_.records += header.record_count;
  }

  /// A producer's sequences only grow within one of its epochs, unless it was forgotten and began
  /// again at 0.
  void check_sequence(const BatchHeader& header, const std::string& name) {
    if (header.producer_id == producer_none) return;
    // Forgotten, one that numbers its records itself may begin again anywhere.
    if (may_skip_sequences(header.producer_id)) return;
    const auto key = std::pair(header.producer_id, header.producer_epoch);
    const auto [entry, is_new] = next_sequences_.try_emplace(key, header.next_sequence());
    if (is_new) return;
    if (header.base_sequence < entry->second && header.base_sequence != Sequence(0)) {
      problem(name + " of producer " + text(header.producer_id.raw()) + " begins at sequence " +
              text(header.base_sequence.raw()) + ", which is in the log already");
    }
    entry->second = header.next_sequence();
  }

  Result<void> tell_progress() {
    if (!options_.progress) return {};
    const std::int64_t done = report_.log_end - report_.log_start;
    if (done - told_ < 10'000) return {};
    told_ = done;
    if (total_ < 0) {
      auto last = database_.query_int("SELECT max(offset) FROM messages");
      total_ = last ? std::max<std::int64_t>(done, *last + 1 - report_.log_start.raw()) : done;
    }
    if (options_.progress(done, total_)) return {};
    return failure(Errc::cancelled, "given up");
  }

  /// Records that no batch knows of.
  Result<void> check_messages() {
    rows_.reset();
    PINION_TRY(count, database_.prepare("SELECT count(*), max(offset) FROM messages"
                                        " WHERE offset >= ?1"));
    count.bind(1, report_.log_start.raw());
    PINION_TRY(row, count.step());
    const std::int64_t records = row ? count.column_int(0) : 0;
    const std::int64_t expected = report_.log_end - report_.log_start;
    if (records != expected) {
      problem("there are " + text(records) + " records where the batches count " + text(expected));
    }
    if (records > 0 && count.column_int(1) >= report_.log_end.raw()) {
      problem("records go on to " + text(count.column_int(1)) + ", but the log ends at " +
              text(report_.log_end));
    }
    return {};
  }

  // ---- The rest

  void check_bounds() {
    if (const auto least = database_.query_int("SELECT min(offset) FROM messages");
        least && *least < 0) {
      problem("messages has a record with the offset " + text(*least));
    }
    if (report_.log_start < Offset(0)) problem("the log starts at " + text(report_.log_start));
    if (report_.high_watermark < Offset(0) || report_.high_watermark > report_.log_end) {
      problem("the high watermark " + text(report_.high_watermark) + " is not in the log");
    }
    if (snapshot_offset_ < report_.log_start || snapshot_offset_ > report_.log_end) {
      problem("the producers' snapshot at " + text(snapshot_offset_) + " is not in the log");
    }
    if (snapshot_bytes_ != bytes_before_snapshot_) {
      problem("meta counts " + text(snapshot_bytes_) + " bytes before the snapshot; there are " +
              text(bytes_before_snapshot_));
    }
    if (!epochs_.empty() && epochs_.back().start > report_.log_end) {
      problem("the last epoch starts behind the log's end");
    }
  }

  Result<void> check_readers() {
    const Problem found = [this](std::string sentence) { problem(std::move(sentence)); };
    PINION_TRY(positions, check_positions(database_, found));
    report_.positions = positions;
    return {};
  }

  Result<void> check_producers() {
    const Problem found = [this](std::string sentence) { problem(std::move(sentence)); };
    PINION_TRY(producers, snapshot_->run(database_, found));
    report_.producers = producers;
    return {};
  }

  Database& database_;
  const VerifyOptions& options_;
  VerifyReport& report_;
  BatchRows rows_;
  std::vector<EpochStart> epochs_;
  std::map<std::pair<ProducerId, ProducerEpoch>, Sequence> next_sequences_;
  std::optional<SnapshotCheck> snapshot_;
  Offset snapshot_offset_{0};
  std::int64_t snapshot_bytes_ = 0;
  std::int64_t bytes_before_snapshot_ = 0;
  Micros log_time_{std::numeric_limits<std::int64_t>::min()};
  Offset bad_row_ = offset_unassigned;
  std::int64_t told_ = 0;
  std::int64_t total_ = -1;
};

/// Opens it for reading, also where no -shm file can be made beside it.
Result<Database> open_for_reading(const std::string& path, const VerifyOptions& options) {
  sqlite::OpenOptions how;
  how.mode = sqlite::OpenMode::read_only;
  how.vfs = options.vfs;
  for (const sqlite::OpenMode mode : {sqlite::OpenMode::read_only, sqlite::OpenMode::immutable}) {
    how.mode = mode;
    PINION_TRY(database, Database::open(path, how));
    database.set_checkpoint_on_close(false);
    const Result<void> begun = database.exec(
        "PRAGMA trusted_schema=OFF; PRAGMA cache_size=-8192; BEGIN;"
        "SELECT count(*) FROM sqlite_schema");
    const bool locked_out =
        !begun && begun.error().code == Errc::io_failed && stamp_of(path + "-wal").bytes == 0;
    if (!locked_out || mode == sqlite::OpenMode::immutable) return database;
  }
  return failure(Errc::io_failed, path);
}

}  // namespace

Result<VerifyReport> verify_file(const std::string& path, const VerifyOptions& options) {
  VerifyReport report;
  report.file = path;
  if (!stamp_of(path).exists()) return failure(Errc::io_failed, path + ": there is no such file");
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) {
    return failure(Errc::io_failed, path + ": is a folder; name the .db files in it");
  }
  // Opening a pipe would wait for its other end.
  if (!std::filesystem::is_regular_file(path, unknown)) {
    return failure(Errc::io_failed, path + ": is no file that can be read from any place");
  }
  PINION_TRY(database, open_for_reading(path, options));
  const Result<std::int64_t> ours = database.query_int(
      "SELECT count(*) FROM sqlite_schema WHERE name IN ('messages', 'batches', 'meta')");
  const Result<std::int64_t> all = database.query_int("SELECT count(*) FROM sqlite_schema");
  if (ours && all && *ours == 0 && *all > 0) {
    return failure(Errc::io_failed, path + ": is a database, but no partition file");
  }
  Examination examination(database, options, report);
  if (const Result<void> wal = check_wal(path + "-wal"); !wal) {
    examination.problem(wal.error().detail);
  }
  PINION_CHECK(examination.run());
  return report;
}

}  // namespace pinion::storage
