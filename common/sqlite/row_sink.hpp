// RowSink: the other way from RowFeed. The rows of a SELECT are handed to C++ inside SQLite's own
// loop, as the arguments of an aggregate function:
//
//   SELECT row_sink(offset, value) FROM messages WHERE offset >= ?1
//
// which spares a row the way out of sqlite3_step() and a locked call for each of its columns: about
// half of what reading a small row costs (docs/PERFORMANCE.md).
//
// A sink belongs to the thread of the statement, for as long as it runs.
#pragma once

#include "common/sqlite/database.hpp"

#include <string_view>

namespace pinion::sqlite {

/// The arguments of row_sink for one row: indexes from 0. Views are valid for the call only.
class RowValues {
 public:
  explicit RowValues(sqlite3_value** values) noexcept : values_(values) {}

  [[nodiscard]] std::int64_t int_at(int index) const noexcept {
    return sqlite3_value_int64(values_[index]);
  }
  [[nodiscard]] bool is_null(int index) const noexcept {
    return sqlite3_value_type(values_[index]) == SQLITE_NULL;
  }
  /// The bytes of a text or blob; empty for NULL.
  [[nodiscard]] std::string_view bytes_at(int index) const noexcept {
    const auto* data = static_cast<const char*>(sqlite3_value_blob(values_[index]));
    return {data, static_cast<std::size_t>(sqlite3_value_bytes(values_[index]))};
  }

 private:
  sqlite3_value** values_;
};

class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Takes one row. False: enough; the statement ends with `cancelled`.
  [[nodiscard]] virtual bool row(RowValues values) noexcept = 0;
};

/// Makes row_sink(...) known to the connection.
[[nodiscard]] Result<void> add_row_sink(Database& database);

/// Runs a statement that selects row_sink(...), and nothing else, into `sink`.
[[nodiscard]] Result<void> run_into(Database& database, Statement& statement, RowSink& sink);

}  // namespace pinion::sqlite
