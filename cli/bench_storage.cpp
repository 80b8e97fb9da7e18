// The limit that everything else is measured against: the plain sqlite3 C API with the schema (its
// text is all that is shared) and the pragmas of a partition file, one transaction and one fsync a
// commit, and nothing of ours in between. The one use of sqlite3.h outside common/sqlite.
#include "cli/bench.hpp"

#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"

#include "partition/storage/partition_format.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <sqlite3.h>

namespace pinion::cli {
namespace {

constexpr std::uint64_t messages_default = 1'000'000;
constexpr std::uint64_t rows_per_commit_default = 1'000;
/// As partition/storage sets them for a file that it writes.
constexpr const char* pragmas =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA secure_delete=OFF;"
    "PRAGMA cache_spill=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-512;";

struct Folder {
  std::string path;
  ~Folder() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
};

/// Owns the handles; every call of the library itself is spelled out in the functions below.
struct Handles {
  sqlite3* database = nullptr;
  sqlite3_stmt* message = nullptr;
  sqlite3_stmt* batch = nullptr;
  sqlite3_stmt* begin = nullptr;
  sqlite3_stmt* commit = nullptr;
  int wal_pages = 0;
  std::uint64_t bytes_to_move = 0;  ///< Of records, since the last checkpoint.
  ~Handles() {
    for (sqlite3_stmt* statement : {message, batch, begin, commit}) sqlite3_finalize(statement);
    sqlite3_close(database);
  }
};

tl::unexpected<Error> storage_failure(const Handles& handles, const std::string& doing) {
  return failure(Errc::io_failed, doing + ": " + sqlite3_errmsg(handles.database) +
                                      "; --data DIR chooses another place");
}

int note_wal_pages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

Result<void> open(Handles& handles, const std::string& path) {
  const std::string page_size = "PRAGMA page_size=" + std::to_string(limits::partition_page_bytes);
  // As the store has it: one thread a handle, no count of memory. Too late for the second when
  // somebody has used the library before, which nobody has in this program.
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &handles.database, flags, nullptr) != SQLITE_OK ||
      sqlite3_exec(handles.database, page_size.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK ||
      sqlite3_exec(handles.database, pragmas, nullptr, nullptr, nullptr) != SQLITE_OK ||
      sqlite3_exec(handles.database, storage::schema_sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return storage_failure(handles, "making " + path);
  }
  sqlite3_wal_hook(handles.database, note_wal_pages, &handles.wal_pages);
  const auto prepare = [&](const char* sql, sqlite3_stmt** statement) {
    return sqlite3_prepare_v3(handles.database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement,
                              nullptr) == SQLITE_OK;
  };
  if (!prepare("INSERT INTO messages VALUES(?1,?2,NULL,NULL,?3)", &handles.message) ||
      !prepare("INSERT INTO batches VALUES(?1,?2,1,1,0,?1,?3,?4,?5)", &handles.batch) ||
      !prepare("BEGIN IMMEDIATE", &handles.begin) || !prepare("COMMIT", &handles.commit)) {
    return storage_failure(handles, "preparing");
  }
  return {};
}

bool run_once(sqlite3_stmt* statement) {
  const int result = sqlite3_step(statement);
  sqlite3_reset(statement);
  return result == SQLITE_DONE;
}

Result<void> commit_rows(Handles& handles, std::uint64_t first, std::uint64_t count,
                         const std::string& value) {
  const std::int64_t now = wall_now().count();
  if (!run_once(handles.begin)) return storage_failure(handles, "beginning");
  for (std::uint64_t i = 0; i < count; ++i) {
    sqlite3_bind_int64(handles.message, 1, static_cast<std::int64_t>(first + i));
    sqlite3_bind_int64(handles.message, 2, now);
    sqlite3_bind_blob(handles.message, 3, value.data(), static_cast<int>(value.size()),
                      SQLITE_STATIC);
    if (!run_once(handles.message)) return storage_failure(handles, "inserting");
  }
  sqlite3_bind_int64(handles.batch, 1, static_cast<std::int64_t>(first));
  sqlite3_bind_int64(handles.batch, 2, static_cast<std::int64_t>(first + count - 1));
  sqlite3_bind_int64(handles.batch, 3, 0x12345678);
  sqlite3_bind_int64(handles.batch, 4, now);
  sqlite3_bind_int64(handles.batch, 5, static_cast<std::int64_t>(count * value.size()));
  if (!run_once(handles.batch)) return storage_failure(handles, "inserting");
  if (!run_once(handles.commit)) return storage_failure(handles, "committing");
  return {};
}

/// By the same marks as the store.
Result<void> checkpoint_when_due(Handles& handles, std::uint64_t bytes_added) {
  handles.bytes_to_move += bytes_added;
  const auto wal_pages = static_cast<std::size_t>(handles.wal_pages);
  if (handles.bytes_to_move < limits::checkpoint_record_bytes &&
      wal_pages * limits::partition_page_bytes < limits::checkpoint_wal_bytes) {
    return {};
  }
  handles.bytes_to_move = 0;
  if (sqlite3_wal_checkpoint_v2(handles.database, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                nullptr) != SQLITE_OK) {
    return storage_failure(handles, "checkpointing");
  }
  return {};
}

Result<void> write_all(Handles& handles, const BenchOptions& options, std::uint64_t batch,
                       BenchReport& report) {
  const std::uint64_t messages = options.messages == 0 ? messages_default : options.messages;
  const std::string value(options.size, 'x');
  std::vector<std::int64_t> commits_us;
  Progress progress;
  const Micros start = monotonic_now();
  Micros next = start;
  while (report.records < messages && !interrupted()) {
    const std::uint64_t count = std::min(batch, messages - report.records);
    if (options.rate > 0) {
      if (sleep_unless_interrupted(next - monotonic_now())) break;
      next += micros(static_cast<std::int64_t>(count * 1'000'000 / options.rate));
    }
    const Micros before = monotonic_now();
    PINION_CHECK(commit_rows(handles, report.records, count, value));
    const Micros after = monotonic_now();
    commits_us.push_back((after - before).count());
    PINION_CHECK(
        checkpoint_when_due(handles, count * (value.size() + limits::record_overhead_bytes)));
    report.records += count;
    if (progress.due()) progress.show(format_count(report.records) + " rows");
    const double took = static_cast<double>((after - start).count()) / 1e6;
    if (options.seconds > 0 && took >= options.seconds) break;
  }
  if (interrupted()) return failure(Errc::cancelled, "interrupted");
  report.seconds = static_cast<double>((monotonic_now() - start).count()) / 1e6;
  report.commits = commits_us.size();
  report.latency_ms = quantiles_of(commits_us);
  return {};
}

}  // namespace

Result<BenchReport> bench_storage(const BenchOptions& options) {
  Folder folder{options.data + "/pinion-bench-XXXXXX"};
  if (mkdtemp(folder.path.data()) == nullptr) {
    folder.path.clear();
    return failure(Errc::io_failed, "no folder can be made in '" + options.data +
                                        "'; --data DIR chooses another place");
  }
  Handles handles;
  PINION_CHECK(open(handles, folder.path + "/bench-0.db"));
  BenchReport report;
  report.kind = "storage";
  report.size = options.size;
  report.timed = true;
  report.note = "plain SQLite on this disk, one fsync a commit; latency is a commit's";
  const std::uint64_t batch = options.batch == 0 ? rows_per_commit_default : options.batch;
  PINION_CHECK(write_all(handles, options, batch, report));
  report.records_per_s = static_cast<double>(report.records) / report.seconds;
  report.rows_per_commit = static_cast<double>(report.records) /
                           static_cast<double>(std::max<std::uint64_t>(1, report.commits));
  return report;
}

}  // namespace pinion::cli
