// What SQL on behalf of a stranger may call.
//
// An allow-list of SQLite's functions; and, in place of those that take longer than their arguments
// are long (like, glob, instr, replace, trim), others with the same results that do not, or that
// can be ended within. Without them one call could keep its thread for hours: SQLite looks at its
// progress handler between instructions only, and a call is one instruction.
#pragma once

#include "common/base/result.hpp"
#include "common/sqlite/database.hpp"
#include "partition/storage/text_pattern.hpp"

#include <cstddef>
#include <functional>
#include <string_view>

namespace pinion::storage {

/// Whether a statement may call the function, by its name in lower case.
[[nodiscard]] bool may_call(std::string_view function) noexcept;

/// The functions' own state; one a connection, which it outlives.
class QueryFunctions {
 public:
  /// `over` is asked after about 64 Ki steps of a function: true ends the statement.
  explicit QueryFunctions(std::function<bool()> over) : over_(std::move(over)) {}

  /// Puts them in the place of SQLite's.
  [[nodiscard]] Result<void> add_to(sqlite::Database& database);

  /// Counts steps; true: it is time to end.
  [[nodiscard]] bool over_after(std::size_t steps);

  TextPattern like{TextPattern::like};
  TextPattern glob{TextPattern::glob};

 private:
  std::function<bool()> over_;
  std::size_t steps_ = 0;
};

}  // namespace pinion::storage
