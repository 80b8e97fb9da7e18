// RowFeed: rows that live in C++ memory, as a table that SQL can read.
//
//   INSERT INTO messages SELECT c0, c1, c2, c3, c4 FROM row_feed(?1)
//
// inserts a whole commit's rows with one statement. SQLite then keeps its cursor at the table's end
// and its registers allocated, which a loop of bind, step and reset does not: that one costs about
// 1.6 times as much a row (docs/PERFORMANCE.md). Nothing is copied on the way but by SQLite itself.
//
// A feed belongs to the thread of the statement, and outlives its run.
#pragma once

#include "common/sqlite/database.hpp"

#include <string_view>

namespace pinion::sqlite {

/// Where a feed puts one value. Bytes must stay valid until the next row is asked for.
class ColumnOut {
 public:
  explicit ColumnOut(sqlite3_context* context) noexcept : context_(context) {}

  void set_int(std::int64_t value) noexcept { sqlite3_result_int64(context_, value); }
  void set_blob(std::string_view bytes) noexcept {
    const char* data = bytes.data() != nullptr ? bytes.data() : "";
    sqlite3_result_blob64(context_, data, bytes.size(), SQLITE_STATIC);
  }
  void set_text(std::string_view text) noexcept {
    const char* data = text.data() != nullptr ? text.data() : "";
    sqlite3_result_text64(context_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  // A column that is not set is NULL.

 private:
  sqlite3_context* context_;
};

class RowFeed {
 public:
  static constexpr int columns_max = 9;

  virtual ~RowFeed() = default;

  /// To the next row (at first, to the first one). False at the end.
  [[nodiscard]] virtual bool next() noexcept = 0;
  /// Column `index`, from 0, of the row.
  virtual void column(int index, ColumnOut out) noexcept = 0;
};

/// Makes the table-valued function row_feed(?) known to the connection, with columns c0 to c8.
[[nodiscard]] Result<void> add_row_feed(Database& database);

/// Binds a feed to the parameter of row_feed.
void bind_row_feed(Statement& statement, int index, RowFeed& feed) noexcept;

}  // namespace pinion::sqlite
