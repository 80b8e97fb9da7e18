#include "common/sqlite/scalar_function.hpp"

namespace pinion::sqlite {

std::string_view FunctionCall::text(int index) const noexcept {
  // In this order: asking for the text may change how many bytes it has.
  const auto* data = reinterpret_cast<const char*>(sqlite3_value_text(values_[index]));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_value_bytes(values_[index]))};
}

std::string_view FunctionCall::blob(int index) const noexcept {
  const auto* data = static_cast<const char*>(sqlite3_value_blob(values_[index]));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_value_bytes(values_[index]))};
}

std::size_t FunctionCall::bytes_max() const noexcept {
  sqlite3* database = sqlite3_context_db_handle(context_);
  return static_cast<std::size_t>(sqlite3_limit(database, SQLITE_LIMIT_LENGTH, -1));
}

}  // namespace pinion::sqlite
