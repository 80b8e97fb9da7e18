#include "partition/storage/query.hpp"

#include "common/base/limits.hpp"
#include "common/sqlite/database.hpp"
#include "partition/storage/node_file.hpp"

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

constexpr int progress_every = 10'000;  ///< Virtual instructions: some 100 microseconds.

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
      return action.second != "load_extension";
    default:
      return false;
  }
}

/// The views, over the attached file.
std::string views_sql(const std::string& file, const QueryScope& scope, std::int64_t log_start) {
  const std::string partition = std::to_string(scope.partition.raw()) + " AS partition";
  const std::string start = std::to_string(log_start);
  const std::string end = std::to_string(scope.end.raw());
  return "CREATE TEMP VIEW messages AS SELECT offset, timestamp, key, headers, value, " +
         partition + " FROM " + file + ".messages WHERE offset >= " + start + " AND offset < " +
         end +
         ";"
         "CREATE TEMP VIEW readable AS SELECT offset,"
         " strftime('%Y-%m-%dT%H:%M:%S', timestamp / 1000000, 'unixepoch')"
         " || printf('.%06dZ', timestamp % 1000000) AS time, CAST(key AS TEXT) AS key, headers,"
         " CAST(value AS TEXT) AS value,"
         " CASE WHEN json_valid(CAST(value AS TEXT)) THEN CAST(value AS TEXT) END AS json,"
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
         partition + " FROM " + file + ".consumer_offsets WHERE deleted = 0;";
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

/// What one statement of a stranger may use at most.
void set_limits(Database& database, const QueryScope& scope) {
  database.set_limit(SQLITE_LIMIT_LENGTH, static_cast<int>(limits::batch_bytes_ceiling));
  database.set_limit(SQLITE_LIMIT_SQL_LENGTH, static_cast<int>(limits::sql_bytes_max));
  database.set_limit(SQLITE_LIMIT_EXPR_DEPTH, 200);
  database.set_limit(SQLITE_LIMIT_COMPOUND_SELECT, 20);
  database.set_limit(SQLITE_LIMIT_VDBE_OP, 25'000);
  database.set_limit(SQLITE_LIMIT_COLUMN, 200);
  database.set_limit(SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1'000);
  database.set_limit(SQLITE_LIMIT_WORKER_THREADS, 0);
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::microseconds(scope.time_max.count());
  database.set_progress(progress_every, [deadline, low = scope.disk_is_low] {
    return std::chrono::steady_clock::now() >= deadline || (low && low());
  });
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

std::size_t size_of_value(const SqlValue& value) {
  constexpr std::size_t fixed = 9;
  if (const auto* text = std::get_if<std::string>(&value)) return fixed + text->size();
  if (const auto* blob = std::get_if<SqlBlob>(&value)) return fixed + blob->bytes.size();
  return fixed;
}

Result<QueryReply> read_rows(Statement& statement, const QueryScope& scope) {
  QueryReply reply;
  const int columns = statement.column_count();
  for (int i = 0; i < columns; ++i) reply.columns.push_back(statement.column_name(i));
  std::size_t bytes = 0;
  for (;;) {
    PINION_TRY(row, statement.step());
    if (!row) return reply;
    if (reply.rows.size() == scope.rows_max) break;
    std::vector<SqlValue> values;
    values.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) {
      values.push_back(value_of(statement, i));
      bytes += size_of_value(values.back());
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
      return fail(Errc::sql_limit, error.detail == "interrupted"
                                       ? "the query took longer than its limit of " +
                                             std::to_string(scope.time_max.count() / 1000) +
                                             " ms, or the disk has no room for it"
                                       : error.detail);
    case Errc::sql_invalid:
    case Errc::sql_refused:
    case Errc::file_corrupt:
      return error;
    default:
      // What a stranger's statement runs into (memory, temporary files) says nothing of the file.
      return fail(Errc::io_failed, scope.path + ": " + error.detail);
  }
}

}  // namespace

Result<QueryReply> run_query(const std::string& sql, const QueryScope& scope) {
  auto opened = open_views(scope);
  if (!opened) return failure(query_error(opened.error(), scope));
  Database& database = *opened;
  set_limits(database, scope);
  database.set_authorizer(allow);
  auto statement = database.prepare(sql);
  if (!statement) return failure(query_error(statement.error(), scope));
  if (statement->is_explain() || statement->column_count() == 0) {
    return failure(Errc::sql_refused, "only SELECT is allowed");
  }
  Result<QueryReply> reply = read_rows(*statement, scope);
  if (!reply) return failure(query_error(reply.error(), scope));
  return reply;
}

}  // namespace pinion::storage
