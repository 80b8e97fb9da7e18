// A function of one's own for SQL, called with a row's values and giving one value back.
//
// Functions belong to their connection's thread, and what `user` points to outlives the connection.
#pragma once

#include "common/sqlite/database.hpp"

#include <cstddef>
#include <string_view>

namespace pinion::sqlite {

/// One call: the arguments, from 0, and the result, which is NULL unless it is set. Views are valid
/// for the call only.
class FunctionCall {
 public:
  FunctionCall(sqlite3_context* context, int count, sqlite3_value** values) noexcept
      : context_(context), values_(values), count_(count) {}

  [[nodiscard]] int count() const noexcept { return count_; }
  [[nodiscard]] bool is_null(int index) const noexcept { return type(index) == SQLITE_NULL; }
  [[nodiscard]] bool is_blob(int index) const noexcept { return type(index) == SQLITE_BLOB; }
  /// The value as text; a blob's bytes are taken for text. Empty for NULL.
  [[nodiscard]] std::string_view text(int index) const noexcept;
  /// The bytes of a blob, which stays one: text() makes a text of it for the rest of the statement,
  /// when it is a constant.
  [[nodiscard]] std::string_view blob(int index) const noexcept;
  /// Values that are larger cannot be.
  [[nodiscard]] std::size_t bytes_max() const noexcept;

  void set_int(std::int64_t value) noexcept { sqlite3_result_int64(context_, value); }
  /// Copied.
  void set_text(std::string_view text) noexcept {
    const char* data = text.data() != nullptr ? text.data() : "";
    sqlite3_result_text64(context_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  void set_argument(int index) noexcept { sqlite3_result_value(context_, values_[index]); }

  // The statement fails: with `sql_invalid` and the text, or with `sql_limit`.
  void fail(const char* why) noexcept { sqlite3_result_error(context_, why, -1); }
  void fail_too_large() noexcept { sqlite3_result_error_toobig(context_); }
  void fail_interrupted() noexcept { sqlite3_result_error_code(context_, SQLITE_INTERRUPT); }

  [[nodiscard]] void* user() const noexcept { return sqlite3_user_data(context_); }

 private:
  [[nodiscard]] int type(int index) const noexcept { return sqlite3_value_type(values_[index]); }

  sqlite3_context* context_;
  sqlite3_value** values_;
  int count_;
};

using ScalarFunction = void (*)(FunctionCall& call);

/// Makes the function known to the connection, in place of SQLite's own of that name and number of
/// arguments. It must give the same for the same, and change nothing.
template <ScalarFunction function>
[[nodiscard]] Result<void> add_function(Database& database, const char* name, int arguments,
                                        void* user) {
  const int rc = sqlite3_create_function_v2(
      database.raw(), name, arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, user,
      [](sqlite3_context* context, int count, sqlite3_value** values) {
        // Nothing may be thrown through SQLite's frames.
        try {
          FunctionCall call(context, count, values);
          function(call);
        } catch (...) {
          sqlite3_result_error_nomem(context);
        }
      },
      nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return failure(error_of(rc, database.raw(), name));
  return {};
}

}  // namespace pinion::sqlite
