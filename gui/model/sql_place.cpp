#include "gui/model/sql_place.hpp"

#include <algorithm>

namespace pinion::gui {
namespace {

bool is_letter(char c) {
  const auto code = static_cast<unsigned char>(c);
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '$' || code >= 0x80;
}

/// Behind what is in these quotes; a quote that is doubled is none.
std::size_t quotes_end(std::string_view sql, std::size_t at) {
  const char quote = sql[at] == '[' ? ']' : sql[at];
  for (++at; at < sql.size(); ++at) {
    if (sql[at] != quote) continue;
    if (quote == ']' || at + 1 >= sql.size() || sql[at + 1] != quote) return at + 1;
    ++at;
  }
  return sql.size();
}

/// Behind the comment that begins there; the same place when none does.
std::size_t comment_end(std::string_view sql, std::size_t at) {
  const std::string_view rest = sql.substr(at);
  std::size_t size = 0;
  if (rest.starts_with("--")) size = std::min(rest.find('\n'), rest.size());
  if (rest.starts_with("/*")) size = std::min(rest.find("*/", 2), rest.size() - 2) + 2;
  return at + size;
}

/// Whether the word stands there and ends there. In quotes it may be the name of something.
bool stands_at(std::string_view sql, std::size_t at, std::size_t end, std::string_view word) {
  const std::string_view rest = sql.substr(at);
  if (rest.starts_with(word)) {
    const bool goes_on =
        is_letter(word.back()) && rest.size() > word.size() && is_letter(rest[word.size()]);
    return !goes_on;
  }
  const bool name = rest.front() == '"' || rest.front() == '`' || rest.front() == '[';
  return name && end - at >= 2 && sql.substr(at + 1, end - at - 2) == word;
}

struct Found {
  std::size_t first = std::string_view::npos;
  std::size_t count = 0;
};

Found find_word(std::string_view sql, std::string_view word) {
  Found found;
  if (word.empty()) return found;
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t behind = comment_end(sql, at);
    if (behind > at) {
      at = behind;
      continue;
    }
    std::size_t end = at + 1;
    if (std::string_view("'\"`[").find(sql[at]) != std::string_view::npos) {
      end = quotes_end(sql, at);
    } else {
      while (is_letter(sql[at]) && end < sql.size() && is_letter(sql[end])) ++end;
    }
    if (stands_at(sql, at, end, word) && ++found.count == 1) found.first = at;
    at = end;
  }
  return found;
}

std::string_view behind(std::string_view words, std::string_view text) {
  const std::size_t at = text.find(words);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + words.size());
}

SqlPlace place_at(std::string_view sql, std::size_t at) {
  SqlPlace place;
  const std::string_view before = sql.substr(0, at);
  place.line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t begin = before.rfind('\n') + 1;  // npos + 1 is 0.
  place.byte = at - begin;
  place.column = 1 + static_cast<std::size_t>(std::count_if(
                         before.begin() + static_cast<std::ptrdiff_t>(begin), before.end(),
                         [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
  place.text = sql.substr(begin, sql.find('\n', begin) - begin);
  return place;
}

}  // namespace

SqlPlace find_sql_error(std::string_view sql, std::string_view error) {
  if (error.find("incomplete input") != std::string_view::npos) {
    const std::size_t last = sql.find_last_not_of(" \t\r\n;");
    return place_at(sql, last == std::string_view::npos ? 0 : last + 1);
  }
  // It stumbles over one of several, and does not say which.
  const auto place_of = [sql](std::string_view word) {
    const Found found = find_word(sql, word);
    return found.count == 1 ? place_at(sql, found.first) : SqlPlace{};
  };
  if (const std::string_view rest = behind("near \"", error); !rest.empty()) {
    return place_of(rest.substr(0, rest.find("\": ")));
  }
  // The word is the rest of the line: a name in quotes may have blanks and signs in it.
  for (const std::string_view before :
       {"no such column: ", "no such table: ", "no such function: ", "ambiguous column name: "}) {
    const std::string_view rest = behind(before, error);
    if (!rest.empty()) return place_of(rest.substr(0, rest.find('\n')));
  }
  if (std::string_view rest = behind("unrecognized token: \"", error); !rest.empty()) {
    rest = rest.substr(0, rest.find('\n'));
    return place_of(rest.substr(0, rest.rfind('"')));
  }
  return {};
}

}  // namespace pinion::gui
