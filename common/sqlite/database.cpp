#include "common/sqlite/database.hpp"

#include "common/base/assert.hpp"
#include "common/sqlite/heap_limit.hpp"

#include <cstring>
#include <mutex>

namespace pinion::sqlite {

namespace {

constexpr int wal_reset_fix_version = 3'051'003;

/// Once a process, before the library is first used. Its memory statistics are a mutex that every
/// allocation of every thread would take; its page cache would reserve 20 pages a connection, and a
/// node has hundreds of connections.
void configure_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    install_heap_limits();
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, nullptr, 0, 0);
    sqlite3_initialize();
  });
}

Errc code_of(int rc) {
  switch (rc & 0xff) {
    case SQLITE_OK:
      return Errc::ok;
    case SQLITE_FULL:
      return Errc::storage_full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::throttled;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::file_corrupt;
    case SQLITE_CANTOPEN:
      return Errc::io_failed;
    case SQLITE_AUTH:
      return Errc::sql_refused;
    case SQLITE_INTERRUPT:
    case SQLITE_TOOBIG:
      return Errc::sql_limit;
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
      return Errc::sql_invalid;
    default:
      return Errc::storage_failed;
  }
}

/// Whether anything but white space, semicolons and comments is left.
bool has_more(const char* tail, const char* end, sqlite3* database) {
  while (tail < end) {
    sqlite3_stmt* next = nullptr;
    const char* after = nullptr;
    const int rc = sqlite3_prepare_v2(database, tail, static_cast<int>(end - tail), &next, &after);
    const bool found = next != nullptr || rc != SQLITE_OK;
    sqlite3_finalize(next);
    if (found) return true;
    if (after == tail) return false;
    tail = after;
  }
  return false;
}

}  // namespace

void initialize() { configure_library(); }

std::string library_version() { return sqlite3_libversion(); }

bool library_has_wal_reset_fix() { return sqlite3_libversion_number() >= wal_reset_fix_version; }

Error error_of(int rc, sqlite3* database, std::string_view what) {
  std::string detail(what);
  if (!detail.empty()) detail += ": ";
  const bool current = database != nullptr && (sqlite3_errcode(database) & 0xff) == (rc & 0xff);
  detail += current ? sqlite3_errmsg(database) : sqlite3_errstr(rc);
  if ((rc & 0xff) == SQLITE_IOERR) detail += " (SQLite code " + std::to_string(rc) + ")";
  return fail(code_of(rc), std::move(detail));
}

// ---- Statement

tl::unexpected<Error> Statement::step_failed(int rc) {
  Error error = error_of(rc, sqlite3_db_handle(handle_), {});
  sqlite3_reset(handle_);
  return failure(std::move(error));
}

Result<void> Statement::run() {
  for (;;) {
    PINION_TRY(row, step());
    if (!row) return {};
  }
}

std::string Statement::column_name(int index) const {
  const char* name = sqlite3_column_name(handle_, index);
  return name == nullptr ? std::string() : name;
}

// ---- Database

/// What callbacks point to: its address must outlive moves of the Database.
struct Database::Hooks {
  std::function<bool()> interrupt;
  std::function<bool(const Action&)> allow;
  bool refused = false;  ///< What is being prepared was, in part.
  std::int64_t wal_pages = 0;
  std::uint32_t wal_commits = 0;
  RowSinkSlot row_sink;
};

Result<Database> Database::open(const std::string& path, const OpenOptions& options) {
  configure_library();
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::string name = path;
  switch (options.mode) {
    case OpenMode::read_only:
      flags |= SQLITE_OPEN_READONLY;
      break;
    case OpenMode::read_write:
      flags |= SQLITE_OPEN_READWRITE;
      break;
    case OpenMode::create:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
      break;
    case OpenMode::memory:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_URI;
      break;
    case OpenMode::immutable:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
      name = file_uri(path, "immutable=1");
      break;
  }
  Database database;
  const char* vfs = options.vfs.empty() ? nullptr : options.vfs.c_str();
  const int rc = sqlite3_open_v2(name.c_str(), &database.handle_, flags, vfs);
  if (rc != SQLITE_OK) return failure(error_of(rc, database.handle_, "opening " + path));
  database.hooks_ = std::make_unique<Hooks>();
  sqlite3_db_config(database.handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(database.handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  database.set_busy_timeout(options.busy_timeout);
  return database;
}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), hooks_(std::move(other.hooks_)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(hooks_, other.hooks_);
  return *this;
}

Database::Database() noexcept = default;

Database::~Database() { sqlite3_close_v2(handle_); }

Result<void> Database::close() {
  const int rc = sqlite3_close(handle_);
  if (rc != SQLITE_OK) return failed(rc, "closing");
  handle_ = nullptr;
  hooks_.reset();
  return {};
}

tl::unexpected<Error> Database::failed(int rc, std::string_view what) const {
  return failure(error_of(rc, handle_, what));
}

Result<void> Database::exec(const std::string& sql) {
  const int rc = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return failed(rc, {});
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const char* tail = nullptr;
  hooks_->refused = false;
  const int rc = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &handle, &tail);
  if (rc != SQLITE_OK) {
    // Of a function that is refused SQLite makes an error like any other.
    Error error = error_of(rc, handle_, {});
    if (rc == SQLITE_ERROR && hooks_->refused) error.code = Errc::sql_refused;
    return failure(std::move(error));
  }
  Statement statement(handle);
  if (handle == nullptr) return failure(Errc::sql_invalid, "there is no statement");
  if (has_more(tail, sql.data() + sql.size(), handle_)) {
    return failure(Errc::sql_invalid, "only one statement at a time");
  }
  return statement;
}

Result<std::int64_t> Database::query_int(std::string_view sql) {
  PINION_TRY(statement, prepare(sql));
  PINION_TRY(row, statement.step());
  if (!row) return failure(Errc::file_corrupt, "no row for: " + std::string(sql));
  return statement.column_int(0);
}

Result<std::string> Database::query_text(std::string_view sql) {
  PINION_TRY(statement, prepare(sql));
  PINION_TRY(row, statement.step());
  if (!row) return failure(Errc::file_corrupt, "no row for: " + std::string(sql));
  return statement.column_string(0);
}

void Database::rollback() noexcept {
  if (in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<CheckpointResult> Database::checkpoint(CheckpointMode mode) {
  const int how =
      mode == CheckpointMode::truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  int log_pages = 0;
  int moved_pages = 0;
  const int rc = sqlite3_wal_checkpoint_v2(handle_, nullptr, how, &log_pages, &moved_pages);
  const bool busy = (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED;
  if (rc != SQLITE_OK && !busy) return failed(rc, "checkpointing");
  if (log_pages == 0 && rc == SQLITE_OK) hooks_->wal_pages = 0;
  return CheckpointResult{log_pages, moved_pages, busy};
}

void Database::watch_wal() noexcept {
  sqlite3_wal_hook(
      handle_,
      [](void* hooks, sqlite3*, const char*, int pages) {
        static_cast<Hooks*>(hooks)->wal_pages = pages;
        ++static_cast<Hooks*>(hooks)->wal_commits;
        return SQLITE_OK;
      },
      hooks_.get());
}

std::int64_t Database::wal_pages() const noexcept { return hooks_->wal_pages; }

std::uint32_t Database::wal_commits() const noexcept { return hooks_->wal_commits; }

std::optional<WalIndex> Database::wal_index() const noexcept {
  // https://www.sqlite.org/walformat.html#the_wal_index_header, in this machine's byte order.
  // SQLite has its first region mapped already; this asks where.
  constexpr int region_bytes = 32'768;
  constexpr std::size_t commits_word = 2;
  constexpr std::size_t pages_word = 4;
  sqlite3_file* file = nullptr;
  const int rc = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (rc != SQLITE_OK || file == nullptr || file->pMethods == nullptr) return std::nullopt;
  if (file->pMethods->iVersion < 2 || file->pMethods->xShmMap == nullptr) return std::nullopt;
  void volatile* region = nullptr;
  if (file->pMethods->xShmMap(file, 0, region_bytes, 0, &region) != SQLITE_OK) return std::nullopt;
  if (region == nullptr) return std::nullopt;
  const auto* words = static_cast<std::uint32_t const volatile*>(region);
  return WalIndex{words[commits_word], words[pages_word]};
}

void Database::set_busy_timeout(Micros timeout) noexcept {
  sqlite3_busy_timeout(handle_, static_cast<int>(timeout.count() / 1000));
}

void Database::set_checkpoint_on_close(bool checkpoint) noexcept {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, checkpoint ? 0 : 1, nullptr);
}

RowSinkSlot& Database::row_sink_slot() noexcept { return hooks_->row_sink; }

std::size_t Database::memory_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const int what :
       {SQLITE_DBSTATUS_CACHE_USED, SQLITE_DBSTATUS_SCHEMA_USED, SQLITE_DBSTATUS_STMT_USED}) {
    int current = 0;
    int highest = 0;
    sqlite3_db_status(handle_, what, &current, &highest, 0);
    bytes += static_cast<std::size_t>(current);
  }
  return bytes;
}

void Database::set_progress(int instructions, std::function<bool()> interrupt) {
  hooks_->interrupt = std::move(interrupt);
  if (!hooks_->interrupt) {
    sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
    return;
  }
  sqlite3_progress_handler(
      handle_, instructions,
      [](void* hooks) { return static_cast<Hooks*>(hooks)->interrupt() ? 1 : 0; }, hooks_.get());
}

void Database::set_authorizer(std::function<bool(const Action&)> allow) {
  hooks_->allow = std::move(allow);
  if (!hooks_->allow) {
    sqlite3_set_authorizer(handle_, nullptr, nullptr);
    return;
  }
  sqlite3_set_authorizer(
      handle_,
      [](void* hooks, int code, const char* first, const char* second, const char* schema,
         const char* inside) {
        const auto view = [](const char* text) {
          return text == nullptr ? std::string_view() : std::string_view(text);
        };
        const Action action{code, view(first), view(second), view(schema), view(inside)};
        auto* const own = static_cast<Hooks*>(hooks);
        if (own->allow(action)) return SQLITE_OK;
        own->refused = true;
        return SQLITE_DENY;
      },
      hooks_.get());
}

void Database::set_limit(int limit, int value) noexcept { sqlite3_limit(handle_, limit, value); }

// ---- Transaction

Result<Transaction> Transaction::begin(Database& database) {
  PINION_ASSERT(!database.in_transaction());
  PINION_CHECK(database.exec("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Result<void> Transaction::commit() {
  PINION_ASSERT(database_ != nullptr);
  Result<void> result = database_->exec("COMMIT");
  if (!result) database_->rollback();
  database_ = nullptr;
  return result;
}

// ---- Names

std::string file_uri(const std::string& path, std::string_view query) {
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      const auto byte = static_cast<unsigned char>(c);
      uri += '%';
      uri += hex[byte >> 4];
      uri += hex[byte & 15];
    } else {
      uri += c;
    }
  }
  uri += '?';
  uri += query;
  return uri;
}

}  // namespace pinion::sqlite
