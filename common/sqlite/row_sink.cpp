#include "common/sqlite/row_sink.hpp"

namespace pinion::sqlite {
namespace {

void take_row(sqlite3_context* context, int, sqlite3_value** values) {
  auto& slot = *static_cast<RowSinkSlot*>(sqlite3_user_data(context));
  if (slot.sink == nullptr || slot.full) return;
  if (slot.sink->row(RowValues(values))) return;
  slot.full = true;
  sqlite3_result_error_code(context, SQLITE_ABORT);
}

void finish(sqlite3_context* context) { sqlite3_result_null(context); }

}  // namespace

Result<void> add_row_sink(Database& database) {
  const int rc =
      sqlite3_create_function_v2(database.raw(), "row_sink", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                 &database.row_sink_slot(), nullptr, take_row, finish, nullptr);
  if (rc != SQLITE_OK) return failure(error_of(rc, database.raw(), "adding row_sink"));
  return {};
}

Result<void> run_into(Database& database, Statement& statement, RowSink& sink) {
  RowSinkSlot& slot = database.row_sink_slot();
  slot = {&sink, false};
  Result<void> done = statement.run();
  const bool full = slot.full;
  slot = {};
  if (!done && full) return failure(Errc::cancelled, "the sink took enough");
  return done;
}

}  // namespace pinion::sqlite
