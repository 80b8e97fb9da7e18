// Where in a statement an error of SQLite lies. SQLite names the word that it stumbled over, and no
// place; so the place is known when that word stands there once as a word of its own. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pinion::gui {

struct SqlPlace {
  std::size_t line = 0;    ///< From 1; 0: it is not known.
  std::size_t column = 0;  ///< From 1, in characters.
  std::size_t byte = 0;    ///< Where that is in `text`.
  std::string text{};      ///< The line.
};

/// `error`: SQLite's text, perhaps with other words before it.
[[nodiscard]] SqlPlace find_sql_error(std::string_view sql, std::string_view error);

}  // namespace pinion::gui
