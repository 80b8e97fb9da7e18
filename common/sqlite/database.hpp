// SQLite, thinly: a connection, a prepared statement and a transaction that close themselves and
// return Results. Only common/sqlite includes sqlite3.h.
//
// A Database and its statements belong to one thread at a time (they are opened without SQLite's
// own mutexes). Statements must be destroyed before their Database.
//
// How SQLite's results become codes: FULL storage_full; BUSY and LOCKED throttled; CORRUPT and
// NOTADB file_corrupt; any kind of IOERR storage_failed; CANTOPEN io_failed; AUTH sql_refused;
// INTERRUPT and TOOBIG sql_limit; what is wrong with a statement sql_invalid; all else
// storage_failed. Details carry SQLite's own message.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace pinion::sqlite {

/// SQLite's version, for logs and for people.
[[nodiscard]] std::string library_version();

/// False: the library is older than 3.51.3, where two connections of one file that write or
/// checkpoint at the same moment can damage it. Pinion never has two that do.
[[nodiscard]] bool library_has_wal_reset_fix();

/// Sets the library up; every Database does it. For tests that register a VFS of their own.
void initialize();

enum class OpenMode : std::uint8_t {
  read_only,
  read_write,  ///< The file must exist.
  create,      ///< The file is made when it is missing.
  memory,      ///< An empty database in memory, to which files may be attached by URI.
  immutable,   ///< Read-only, no locks, no write-ahead log. Only for a file that nobody has open.
};

struct OpenOptions {
  OpenMode mode = OpenMode::read_write;
  Micros busy_timeout = 5s;  ///< How long a lock of another process is waited for.
  std::string vfs;           ///< Empty: the default one.
};

class Statement {
 public:
  Statement() noexcept = default;
  ~Statement() { sqlite3_finalize(handle_); }
  Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }

  // Binding: indexes from 1. Bytes are not copied and must stay until the statement is reset or the
  // parameter is bound again; values stay bound over resets. Requires: the index exists and the
  // statement is reset.
  void bind(int index, std::int64_t value) noexcept { sqlite3_bind_int64(handle_, index, value); }
  void bind_text(int index, std::string_view text) noexcept {
    // A null pointer would bind NULL.
    const char* data = text.data() != nullptr ? text.data() : "";
    sqlite3_bind_text64(handle_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  void bind_blob(int index, std::string_view bytes) noexcept {
    const char* data = bytes.data() != nullptr ? bytes.data() : "";
    sqlite3_bind_blob64(handle_, index, data, bytes.size(), SQLITE_STATIC);
  }
  void bind_null(int index) noexcept { sqlite3_bind_null(handle_, index); }
  void bind_pointer(int index, void* pointer, const char* type) noexcept {
    sqlite3_bind_pointer(handle_, index, pointer, type, nullptr);
  }

  /// True: a row. False: done, and the statement is reset. After an error it is reset too.
  [[nodiscard]] Result<bool> step() {
    const int rc = sqlite3_step(handle_);
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) {
      sqlite3_reset(handle_);
      return false;
    }
    return step_failed(rc);
  }

  /// Steps to the end; rows are ignored.
  [[nodiscard]] Result<void> run();

  /// Ends the reading of rows, and with it the read transaction when there is no other.
  void reset() noexcept { sqlite3_reset(handle_); }

  // Columns of the row: indexes from 0. Views are valid until the next step or reset.
  [[nodiscard]] std::int64_t column_int(int index) noexcept {
    return sqlite3_column_int64(handle_, index);
  }
  [[nodiscard]] double column_double(int index) noexcept {
    return sqlite3_column_double(handle_, index);
  }
  /// The bytes of a text or blob; empty for NULL.
  [[nodiscard]] std::string_view column_bytes(int index) noexcept {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, index));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, index))};
  }
  [[nodiscard]] std::string column_string(int index) { return std::string(column_bytes(index)); }
  [[nodiscard]] bool column_is_null(int index) noexcept {
    return sqlite3_column_type(handle_, index) == SQLITE_NULL;
  }
  /// SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB or SQLITE_NULL.
  [[nodiscard]] int column_type(int index) noexcept { return sqlite3_column_type(handle_, index); }
  [[nodiscard]] int column_count() const noexcept { return sqlite3_column_count(handle_); }
  [[nodiscard]] std::string column_name(int index) const;

  [[nodiscard]] bool is_read_only() const noexcept { return sqlite3_stmt_readonly(handle_) != 0; }
  [[nodiscard]] bool is_explain() const noexcept { return sqlite3_stmt_isexplain(handle_) != 0; }

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* handle) noexcept : handle_(handle) {}
  [[nodiscard]] tl::unexpected<Error> step_failed(int rc);

  sqlite3_stmt* handle_ = nullptr;
};

/// What a checkpoint found: pages in the write-ahead log, and how many of them are in the file now.
struct CheckpointResult {
  std::int64_t log_pages = 0;
  std::int64_t moved_pages = 0;
  bool busy = false;  ///< Somebody's lock kept it from doing more; the counts may be -1 then.

  [[nodiscard]] bool is_complete() const noexcept { return !busy && moved_pages == log_pages; }
};

enum class CheckpointMode : std::uint8_t { passive, truncate };

/// The write-ahead log as the -shm file describes it to everybody who has the database open.
struct WalIndex {
  std::uint32_t commits = 0;  ///< Of all connections; goes on when the log is begun again. Wraps.
  std::uint32_t pages = 0;    ///< 0: begun again, and nothing was written since.
};

/// What a statement is about to do, for an authorizer: one of SQLite's action codes, its arguments,
/// and the innermost view or trigger that wants it.
struct Action {
  int code = 0;
  std::string_view first;
  std::string_view second;
  std::string_view schema;
  std::string_view inside;
};

class RowSink;
/// Where the rows of a running statement go; see row_sink.hpp.
struct RowSinkSlot {
  RowSink* sink = nullptr;
  bool full = false;
};

class Database {
 public:
  /// Opens without mutexes, with extended result codes and without double-quoted strings. Nothing
  /// of the file is read yet.
  [[nodiscard]] static Result<Database> open(const std::string& path, const OpenOptions& options);

  Database() noexcept;
  ~Database();
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }

  /// Runs all the statements of the text; rows are ignored.
  [[nodiscard]] Result<void> exec(const std::string& sql);

  /// One statement; `sql_invalid` when there is none, or more than one.
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);

  /// The first column of the first row, as an integer or as text. `file_corrupt` without a row.
  [[nodiscard]] Result<std::int64_t> query_int(std::string_view sql);
  [[nodiscard]] Result<std::string> query_text(std::string_view sql);

  /// False outside of a transaction: after an error that made SQLite roll back by itself.
  [[nodiscard]] bool in_transaction() const noexcept {
    return sqlite3_get_autocommit(handle_) == 0;
  }
  void rollback() noexcept;

  [[nodiscard]] std::int64_t changes() const noexcept { return sqlite3_changes64(handle_); }

  /// SQLite's extended code of the last failure, for tests and details.
  [[nodiscard]] int extended_code() const noexcept { return sqlite3_extended_errcode(handle_); }

  /// `busy` is no error. Everything else that keeps it from finishing is.
  [[nodiscard]] Result<CheckpointResult> checkpoint(CheckpointMode mode);

  /// From now on nothing is checkpointed by itself, and wal_pages() counts. (Setting the pragma
  /// wal_autocheckpoint would undo it: SQLite has one hook for both.)
  void watch_wal() noexcept;
  /// Pages in the write-ahead log after this connection's last commit.
  [[nodiscard]] std::int64_t wal_pages() const noexcept;
  /// Commits of this connection that wrote into it, since watch_wal(). Wraps, as WalIndex's do.
  [[nodiscard]] std::uint32_t wal_commits() const noexcept;
  /// Nothing when it cannot be seen. It is at rest only while this connection may write. Requires:
  /// something was read through this connection.
  [[nodiscard]] std::optional<WalIndex> wal_index() const noexcept;

  void set_busy_timeout(Micros timeout) noexcept;
  /// The last connection to close does not checkpoint, and leaves the write-ahead log.
  void set_checkpoint_on_close(bool checkpoint) noexcept;

  /// Bytes that this connection holds: page cache, schema and statements.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

  /// Called about every `instructions` virtual instructions; true interrupts (`sql_limit`). Empty:
  /// none.
  void set_progress(int instructions, std::function<bool()> interrupt);

  /// Called when statements are prepared; false refuses (`sql_refused`). Empty: everything goes.
  void set_authorizer(std::function<bool(const Action&)> allow);

  /// SQLITE_LIMIT_...
  void set_limit(int limit, int value) noexcept;

  /// Closes now, and says when statements were left open. Called by the destructor otherwise.
  [[nodiscard]] Result<void> close();

  /// For common/sqlite and tests.
  [[nodiscard]] sqlite3* raw() noexcept { return handle_; }
  [[nodiscard]] RowSinkSlot& row_sink_slot() noexcept;

 private:
  struct Hooks;

  [[nodiscard]] tl::unexpected<Error> failed(int rc, std::string_view what) const;

  sqlite3* handle_ = nullptr;
  std::unique_ptr<Hooks> hooks_;
};

/// BEGIN IMMEDIATE ... COMMIT; rolls back when it is destroyed without commit().
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Database& database);

  ~Transaction() {
    if (database_ != nullptr) database_->rollback();
  }
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// When it fails, the transaction is over; see the code for whether it may have happened.
  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Database& database) noexcept : database_(&database) {}
  Database* database_;
};

/// A "file:" URI for ATTACH: `file_uri("/a b.db", "mode=ro")`.
[[nodiscard]] std::string file_uri(const std::string& path, std::string_view query);

/// The error of a result code, with `what` in front of SQLite's message.
[[nodiscard]] Error error_of(int rc, sqlite3* database, std::string_view what);

}  // namespace pinion::sqlite
