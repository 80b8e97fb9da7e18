#include "partition/storage/query.hpp"

#include "common/base/limits.hpp"
#include "common/sqlite/database.hpp"
#include "common/sqlite/heap_limit.hpp"
#include "partition/storage/node_file.hpp"
#include "partition/storage/query_functions.hpp"

#include <array>
#include <chrono>
#include <span>
#include <string_view>

namespace pinion::storage {
namespace {

using sqlite::Action;
using sqlite::Database;
using sqlite::Statement;

/// What a statement may read: the views, and the tables behind them, which only the views can name.
constexpr std::array<std::string_view, 7> readable_names = {
    "messages", "readable", "batches", "epochs", "consumer_offsets", "json_each", "json_tree"};

/// Virtual instructions: a microsecond of small ones, at most a second of calls with largest
/// values.
constexpr int progress_every = 100;
constexpr int disk_every = 100;  ///< Of those: looking at the disk is a system call.

/// Why a statement is to end.
class QueryEnd {
 public:
  explicit QueryEnd(const QueryScope& scope)
      : scope_(&scope),
        deadline_(std::chrono::steady_clock::now() +
                  std::chrono::microseconds(scope.bounds.time_max.count())) {}

  [[nodiscard]] bool reached() {
    if (why_.code != Errc::ok) return true;
    if (scope_->bounds.cancelled && scope_->bounds.cancelled()) {
      why_ = fail(Errc::cancelled, "nobody waits for the query any more");
    } else if (std::chrono::steady_clock::now() >= deadline_) {
      why_ =
          fail(Errc::sql_limit, "the query took longer than its limit of " +
                                    std::to_string(scope_->bounds.time_max.count() / 1000) + " ms");
    }
    return why_.code != Errc::ok;
  }
  [[nodiscard]] bool reached_or_disk_low() {
    if (reached()) return true;
    if (++uses_ % disk_every != 0 || !scope_->disk_is_low || !scope_->disk_is_low()) return false;
    why_ = fail(Errc::sql_limit, "the disk has no room for what the query sorts or sets aside");
    return true;
  }
  /// `ok`: it is not.
  [[nodiscard]] const Error& why() const noexcept { return why_; }

 private:
  const QueryScope* scope_;
  const std::chrono::steady_clock::time_point deadline_;
  std::uint64_t uses_ = 0;
  Error why_;
};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  for (const std::string_view candidate : names) {
    if (name == candidate) return true;
  }
  return false;
}

/// Tables that are there and no business of a stranger. Table functions but those above cannot be
/// connected: SQLite asks for leave to update the schema table first.
bool is_hidden(std::string_view name) {
  return name == "meta" || name == "producers" || name.starts_with("sqlite_");
}

bool allow(const Action& action) {
  switch (action.code) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return true;
    case SQLITE_READ:
      // No column: rows are only counted, be they of a name that the statement itself defines.
      return is_one_of(action.first, readable_names) ||
             (action.second.empty() && !is_hidden(action.first));
    case SQLITE_FUNCTION:
      return may_call(action.second);
    default:
      return false;
  }
}

constexpr std::array<std::string_view, 16> writing_words = {
    "insert", "update", "delete", "replace", "create", "drop",     "alter",   "pragma",
    "attach", "detach", "vacuum", "begin",   "commit", "rollback", "reindex", "savepoint"};

/// Its first word asks for something else than reading.
bool is_for_writing(std::string_view sql) {
  const std::size_t begin = sql.find_first_not_of(" \t\r\n");
  std::string word;
  for (std::size_t i = begin; i < sql.size(); ++i) {
    const char c = sql[i] >= 'A' && sql[i] <= 'Z' ? static_cast<char>(sql[i] - 'A' + 'a') : sql[i];
    if (c < 'a' || c > 'z') break;
    word += c;
  }
  return is_one_of(word, writing_words);
}

/// What SQLite says of a refusal names what is hidden, and does not say what to do.
Error statement_error(Error error, std::string_view sql, const std::string& function) {
  if (error.code != Errc::sql_refused && !is_for_writing(sql)) return error;
  if (!function.empty()) {
    return fail(Errc::sql_refused, "the function " + function + "() is not for queries");
  }
  return fail(Errc::sql_refused,
              "only SELECT is allowed, and the views are messages, readable, batches, epochs and "
              "consumer_offsets");
}

/// The views, over the attached file.
std::string views_sql(const std::string& file, const QueryScope& scope, std::int64_t log_start) {
  const std::string partition = std::to_string(scope.partition.raw()) + " AS partition";
  const std::string start = std::to_string(log_start);
  // A value that is larger than SQLite may hold here would fail every query that comes by it.
  const std::string large = std::to_string(limits::query_bytes_max);
  const std::string end = std::to_string(scope.bounds.end.raw());
  return "CREATE TEMP VIEW messages AS SELECT offset, timestamp, key, headers, value, " +
         partition + " FROM " + file + ".messages WHERE offset >= " + start + " AND offset < " +
         end +
         ";"
         "CREATE TEMP VIEW readable AS SELECT offset,"
         " strftime('%Y-%m-%dT%H:%M:%S', timestamp / 1000000 - (timestamp % 1000000 < 0),"
         " 'unixepoch') || '.' || substr(1000000 + timestamp % 1000000"
         " + 1000000 * (timestamp % 1000000 < 0), 2) || 'Z' AS time, CAST(key AS TEXT) AS key, "
         "headers,"
         " CASE WHEN length(value) <= " +
         large +
         " THEN CAST(value AS TEXT) END AS value,"
         " CASE WHEN length(value) <= " +
         large +
         " AND json_valid(CAST(value AS TEXT)) THEN CAST(value AS TEXT) END AS json,"
         " 1 AS committed, " +
         partition + " FROM " + file + ".messages WHERE offset >= " + start + " AND offset < " +
         end +
         ";"
         "CREATE TEMP VIEW batches AS SELECT base_offset, last_offset, leader_epoch, producer_id,"
         " producer_epoch, base_sequence, crc32c, append_time, payload_bytes, " +
         partition + " FROM " + file + ".batches WHERE base_offset >= " + start +
         " AND base_offset < " + end +
         ";"
         "CREATE TEMP VIEW epochs AS SELECT leader_epoch, start_offset, " +
         partition + " FROM " + file +
         ".epochs;"
         "CREATE TEMP VIEW consumer_offsets AS SELECT reader, offset, leader_epoch, version,"
         " updated_at, " +
         partition + " FROM " + file + ".consumer_offsets WHERE deleted = 0 AND reader >= ' ';";
}

Result<Database> open_views(const QueryScope& scope) {
  sqlite::OpenOptions how;
  how.mode = sqlite::OpenMode::memory;
  how.busy_timeout = 1s;
  PINION_TRY(database, Database::open(":memory:", how));
  database.set_checkpoint_on_close(false);
  // First: changing it drops every temporary view.
  PINION_CHECK(database.exec("PRAGMA temp_store=FILE"));
  const std::string file = "f" + random_id();
  std::string query = "mode=ro";
  if (!scope.vfs.empty()) query += "&vfs=" + scope.vfs;
  PINION_TRY(attach, database.prepare("ATTACH ?1 AS " + file));
  const std::string uri = sqlite::file_uri(scope.path, query);
  attach.bind_text(1, uri);
  PINION_CHECK(attach.run());
  PINION_TRY(log_start,
             database.query_int("SELECT value FROM " + file + ".meta WHERE name = 'log_start'"));
  PINION_CHECK(database.exec(views_sql(file, scope, log_start)));
  PINION_CHECK(database.exec("PRAGMA " + file +
                             ".cache_size=-2048; PRAGMA trusted_schema=OFF; PRAGMA query_only=ON"));
  // Before there is an authorizer: SQLite connects a table function at its first use, and asks for
  // leave to update the schema table when it does.
  PINION_CHECK(database.prepare("SELECT 1 FROM json_each('[]'), json_tree('[]')"));
  return database;
}

/// What one statement of a stranger may use at most. A value is no larger than an answer may be:
/// nobody could be shown it. (Reading a larger record's value fails; its length() does not.)
void set_limits(Database& database, QueryEnd& end) {
  database.set_limit(SQLITE_LIMIT_LENGTH, static_cast<int>(limits::query_bytes_max));
  database.set_limit(SQLITE_LIMIT_SQL_LENGTH, static_cast<int>(limits::sql_bytes_max));
  database.set_limit(SQLITE_LIMIT_EXPR_DEPTH,
                     limits::sql_depth_max);  // A chain of ANDs is as deep as it is long.
  database.set_limit(SQLITE_LIMIT_COMPOUND_SELECT, limits::sql_union_members_max);
  database.set_limit(SQLITE_LIMIT_VDBE_OP,
                     limits::sql_instructions_max);  // SQLite doubles: 42 x 2^7 are 5,376.
  database.set_limit(SQLITE_LIMIT_COLUMN, limits::sql_columns_max);
  database.set_limit(SQLITE_LIMIT_FUNCTION_ARG, limits::sql_arguments_max);
  database.set_limit(SQLITE_LIMIT_LIKE_PATTERN_LENGTH,
                     static_cast<int>(limits::sql_pattern_bytes_max));
  database.set_limit(SQLITE_LIMIT_WORKER_THREADS, 0);
  database.set_progress(progress_every, [&end] { return end.reached_or_disk_low(); });
}

SqlValue value_of(Statement& row, int column) {
  switch (row.column_type(column)) {
    case SQLITE_INTEGER:
      return row.column_int(column);
    case SQLITE_FLOAT:
      return row.column_double(column);
    case SQLITE_TEXT:
      return row.column_string(column);
    case SQLITE_BLOB:
      return SqlBlob{row.column_string(column)};
    default:
      return std::monostate();
  }
}

std::size_t size_of_value(Statement& row, int column) {
  constexpr std::size_t fixed = 9;
  const int type = row.column_type(column);
  const bool has_bytes = type == SQLITE_TEXT || type == SQLITE_BLOB;
  return fixed + (has_bytes ? row.column_bytes(column).size() : 0);
}

Result<QueryReply> read_rows(Statement& statement, const QueryScope& scope) {
  QueryReply reply;
  const int columns = statement.column_count();
  for (int i = 0; i < columns; ++i) reply.columns.push_back(statement.column_name(i));
  std::size_t bytes = 0;
  for (;;) {
    PINION_TRY(row, statement.step());
    if (!row) return reply;
    if (reply.rows.size() == scope.bounds.rows_max) break;
    std::vector<SqlValue> values;
    values.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns && bytes <= limits::query_bytes_max; ++i) {
      bytes += size_of_value(statement, i);
      if (bytes <= limits::query_bytes_max) values.push_back(value_of(statement, i));
    }
    if (bytes > limits::query_bytes_max) {
      if (!reply.rows.empty()) break;
      return failure(Errc::sql_limit, "one row is larger than " +
                                          std::to_string(limits::query_bytes_max) + " bytes");
    }
    reply.rows.push_back(std::move(values));
  }
  reply.truncated = true;
  return reply;
}

Error query_error(const Error& error, const QueryScope& scope) {
  switch (error.code) {
    case Errc::sql_limit:
    case Errc::sql_invalid:
    case Errc::sql_refused:
    case Errc::file_corrupt:
      return error;
    default:
      // What a stranger's statement runs into (memory, temporary files) says nothing of the file.
      return fail(Errc::io_failed, scope.path + ": " + error.detail);
  }
}

Result<QueryReply> run(const std::string& sql, const QueryScope& scope, QueryEnd& end) {
  QueryFunctions functions([&end] { return end.reached(); });
  PINION_TRY(database, open_views(scope));
  PINION_CHECK(functions.add_to(database));
  set_limits(database, end);
  std::string function;  ///< That was refused.
  database.set_authorizer([&function](const Action& action) {
    const bool allowed = allow(action);
    if (!allowed && action.code == SQLITE_FUNCTION) function = action.second;
    return allowed;
  });
  auto statement = database.prepare(sql);
  if (!statement) {
    // What SQLite says of a program that is longer than its limit.
    if (database.extended_code() == SQLITE_NOMEM && end.why().code == Errc::ok) {
      return failure(Errc::sql_limit, "the statement is too long or too complex");
    }
    return failure(statement_error(std::move(statement).error(), sql, function));
  }
  if (statement->is_explain() || statement->column_count() == 0) {
    return failure(Errc::sql_refused, "only SELECT is allowed");
  }
  return read_rows(*statement, scope);
}

}  // namespace

Result<QueryReply> run_query(const std::string& sql, const QueryScope& scope) {
  QueryEnd end(scope);
  sqlite::HeapLimit heap(limits::query_heap_bytes_max, [&end] { return end.reached(); });
  Result<QueryReply> reply = run(sql, scope, end);
  if (reply) return reply;
  if (end.why().code != Errc::ok) return failure(end.why());
  if (heap.refused() && reply.error().code == Errc::storage_failed) {
    return failure(Errc::sql_limit, "the query needs more memory than " +
                                        std::to_string(limits::query_heap_bytes_max / limits::mib) +
                                        " MiB");
  }
  return failure(query_error(reply.error(), scope));
}

}  // namespace pinion::storage
