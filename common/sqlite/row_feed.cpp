#include "common/sqlite/row_feed.hpp"

#include <new>

namespace pinion::sqlite {
namespace {

constexpr const char* pointer_type = "pinion_row_feed";
constexpr int feed_column = RowFeed::columns_max;  ///< The hidden one: the function's argument.

struct Cursor {
  sqlite3_vtab_cursor base{};
  RowFeed* feed = nullptr;
  bool at_row = false;
  sqlite3_int64 row = 0;
};

Cursor& self(sqlite3_vtab_cursor* cursor) { return *reinterpret_cast<Cursor*>(cursor); }

int connect(sqlite3* database, void*, int, const char* const*, sqlite3_vtab** table, char**) {
  const int rc = sqlite3_declare_vtab(
      database, "CREATE TABLE x(c0, c1, c2, c3, c4, c5, c6, c7, c8, feed HIDDEN)");
  if (rc != SQLITE_OK) return rc;
  *table = new (std::nothrow) sqlite3_vtab{};
  return *table == nullptr ? SQLITE_NOMEM : SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete table;
  return SQLITE_OK;
}

/// The only plan: row_feed(?), read from the first row to the last.
int best_index(sqlite3_vtab*, sqlite3_index_info* info) {
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    if (constraint.iColumn != feed_column || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (constraint.usable == 0) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->estimatedCost = 1;
    return SQLITE_OK;
  }
  return SQLITE_CONSTRAINT;
}

int open_cursor(sqlite3_vtab*, sqlite3_vtab_cursor** cursor) {
  auto* made = new (std::nothrow) Cursor;
  if (made == nullptr) return SQLITE_NOMEM;
  *cursor = &made->base;
  return SQLITE_OK;
}

int close_cursor(sqlite3_vtab_cursor* cursor) {
  delete &self(cursor);
  return SQLITE_OK;
}

int next_row(sqlite3_vtab_cursor* cursor) {
  Cursor& at = self(cursor);
  at.at_row = at.feed->next();
  ++at.row;
  return SQLITE_OK;
}

int first_row(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value** arguments) {
  Cursor& at = self(cursor);
  at.feed = static_cast<RowFeed*>(sqlite3_value_pointer(arguments[0], pointer_type));
  if (at.feed == nullptr) return SQLITE_MISUSE;
  at.row = 0;
  return next_row(cursor);
}

int at_end(sqlite3_vtab_cursor* cursor) { return self(cursor).at_row ? 0 : 1; }

int read_column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int index) {
  if (index < feed_column) self(cursor).feed->column(index, ColumnOut(context));
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* row) {
  *row = self(cursor).row;
  return SQLITE_OK;
}

const sqlite3_module& feed_module() {
  static const sqlite3_module made = [] {
    sqlite3_module module{};
    module.xConnect = connect;  // No xCreate: it exists by itself and only as a function.
    module.xBestIndex = best_index;
    module.xDisconnect = disconnect;
    module.xOpen = open_cursor;
    module.xClose = close_cursor;
    module.xFilter = first_row;
    module.xNext = next_row;
    module.xEof = at_end;
    module.xColumn = read_column;
    module.xRowid = row_id;
    return module;
  }();
  return made;
}

}  // namespace

Result<void> add_row_feed(Database& database) {
  const int rc =
      sqlite3_create_module_v2(database.raw(), "row_feed", &feed_module(), nullptr, nullptr);
  if (rc != SQLITE_OK) return failure(error_of(rc, database.raw(), "adding row_feed"));
  return {};
}

void bind_row_feed(Statement& statement, int index, RowFeed& feed) noexcept {
  statement.bind_pointer(index, &feed, pointer_type);
}

}  // namespace pinion::sqlite
