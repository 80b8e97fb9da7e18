#include "partition/storage/query_functions.hpp"

#include "common/base/limits.hpp"
#include "common/sqlite/scalar_function.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace pinion::storage {
namespace {

using sqlite::FunctionCall;

constexpr std::size_t ask_every_steps = 65'536;

/// Not here, and why: what only makes bytes (zeroblob, randomblob); printf and format, whose widths
/// and precisions go to 2^31; json_patch, which takes the product of its arguments' lengths; what
/// extends SQLite, tells of other connections or belongs to full-text and spatial tables.
constexpr std::array allowed = std::to_array<std::string_view>({"->",
                                                                "->>",
                                                                "abs",
                                                                "acos",
                                                                "acosh",
                                                                "asin",
                                                                "asinh",
                                                                "atan",
                                                                "atan2",
                                                                "atanh",
                                                                "avg",
                                                                "ceil",
                                                                "ceiling",
                                                                "char",
                                                                "coalesce",
                                                                "concat",
                                                                "concat_ws",
                                                                "cos",
                                                                "cosh",
                                                                "count",
                                                                "cume_dist",
                                                                "current_date",
                                                                "current_time",
                                                                "current_timestamp",
                                                                "date",
                                                                "datetime",
                                                                "degrees",
                                                                "dense_rank",
                                                                "exp",
                                                                "first_value",
                                                                "floor",
                                                                "glob",
                                                                "group_concat",
                                                                "hex",
                                                                "ifnull",
                                                                "iif",
                                                                "instr",
                                                                "json",
                                                                "json_array",
                                                                "json_array_length",
                                                                "json_extract",
                                                                "json_group_array",
                                                                "json_group_object",
                                                                "json_insert",
                                                                "json_object",
                                                                "json_quote",
                                                                "json_remove",
                                                                "json_replace",
                                                                "json_set",
                                                                "json_type",
                                                                "json_valid",
                                                                "julianday",
                                                                "lag",
                                                                "last_value",
                                                                "lead",
                                                                "length",
                                                                "like",
                                                                "likelihood",
                                                                "likely",
                                                                "ln",
                                                                "log",
                                                                "log10",
                                                                "log2",
                                                                "lower",
                                                                "ltrim",
                                                                "max",
                                                                "min",
                                                                "mod",
                                                                "nth_value",
                                                                "ntile",
                                                                "nullif",
                                                                "octet_length",
                                                                "percent_rank",
                                                                "pi",
                                                                "pow",
                                                                "power",
                                                                "quote",
                                                                "radians",
                                                                "random",
                                                                "rank",
                                                                "replace",
                                                                "round",
                                                                "row_number",
                                                                "rtrim",
                                                                "sign",
                                                                "sin",
                                                                "sinh",
                                                                "soundex",
                                                                "sqlite_version",
                                                                "sqrt",
                                                                "strftime",
                                                                "string_agg",
                                                                "substr",
                                                                "substring",
                                                                "sum",
                                                                "tan",
                                                                "tanh",
                                                                "time",
                                                                "timediff",
                                                                "total",
                                                                "trim",
                                                                "trunc",
                                                                "typeof",
                                                                "unicode",
                                                                "unixepoch",
                                                                "unlikely",
                                                                "upper"});

constexpr bool in_order() {
  for (std::size_t i = 1; i < allowed.size(); ++i) {
    if (allowed[i - 1] >= allowed[i]) return false;
  }
  return true;
}
static_assert(in_order(), "it is searched by halves");

QueryFunctions& state_of(const FunctionCall& call) {
  return *static_cast<QueryFunctions*>(call.user());
}

bool any_null(const FunctionCall& call) {
  for (int i = 0; i < call.count(); ++i) {
    if (call.is_null(i)) return true;
  }
  return false;
}

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

/// Where `part` begins, or npos. (std::string_view::find takes the product of the lengths.)
std::size_t place_of(std::string_view text, std::string_view part, std::size_t from) {
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

/// instr(X, Y): the place of Y in X, from 1; in characters, but in bytes when both are blobs.
void instr(FunctionCall& call) {
  if (any_null(call)) return;
  const bool in_bytes = call.is_blob(0) && call.is_blob(1);
  const std::string_view text = call.is_blob(0) ? call.blob(0) : call.text(0);
  const std::string_view part = call.is_blob(1) ? call.blob(1) : call.text(1);
  if (part.empty()) return call.set_int(1);
  if (state_of(call).over_after(text.size())) return call.fail_interrupted();
  std::size_t at = std::string_view::npos;
  if (!in_bytes && continues_character(part.front())) {
    // Characters begin elsewhere, except that a text begins with whatever it begins with.
    if (text.starts_with(part)) at = 0;
  } else if (!text.empty()) {
    at = place_of(text, part, 0);
  }
  if (at == std::string_view::npos) return call.set_int(0);
  if (in_bytes) return call.set_int(static_cast<std::int64_t>(at) + 1);
  std::int64_t place = 1;
  for (std::size_t i = 1; i <= at; ++i) place += continues_character(text[i]) ? 0 : 1;
  call.set_int(place);
}

/// replace(X, Y, Z): X with Z for each Y.
void replace(FunctionCall& call) {
  if (call.is_null(0) || call.is_null(1)) return;
  const std::string_view text = call.text(0);
  const std::string_view part = call.text(1);
  if (part.empty() || part.front() == '\0') return call.set_argument(0);
  if (call.is_null(2)) return;
  const std::string_view other = call.text(2);
  QueryFunctions& state = state_of(call);
  const std::size_t bytes_max = call.bytes_max();
  std::string made;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t found = place_of(text, part, at);
    if (found == std::string_view::npos) break;
    made.append(text, at, found - at);
    made.append(other);
    if (made.size() > bytes_max) return call.fail_too_large();
    if (state.over_after(found - at + part.size() + other.size())) return call.fail_interrupted();
    at = found + part.size();
  }
  if (state.over_after(text.size() - at)) return call.fail_interrupted();
  if (made.size() + (text.size() - at) > bytes_max) return call.fail_too_large();
  made.append(text, at);
  call.set_text(made);
}

/// The characters of a text as their bytes, good UTF-8 or not.
std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  text = text.substr(0, text.find('\0'));
  while (!text.empty() && characters.size() <= limits::sql_trim_characters_max) {
    std::size_t size = 1;
    if (static_cast<unsigned char>(text.front()) >= 0xc0) {
      while (size < text.size() && continues_character(text[size])) ++size;
    }
    characters.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return characters;
}

enum TrimSides : unsigned { left = 1, right = 2 };

/// trim(X), trim(X, Y): X without the blanks, or the characters of Y, at its ends.
template <unsigned sides>
void trim(FunctionCall& call) {
  if (any_null(call)) return;
  std::string_view text = call.text(0);
  std::vector<std::string_view> set{" "};
  if (call.count() == 2) set = characters_of(call.text(1));
  if (set.size() > limits::sql_trim_characters_max) {
    return call.fail("trim() takes at most 64 characters to remove");
  }
  QueryFunctions& state = state_of(call);
  const auto cut = [&](auto at_end, auto remove) {
    for (;;) {
      const auto which = std::find_if(set.begin(), set.end(), at_end);
      if (which == set.end()) return true;
      remove(which->size());
      if (state.over_after(set.size())) return false;
    }
  };
  if ((sides & left) != 0 && !cut([&](std::string_view c) { return text.starts_with(c); },
                                  [&](std::size_t size) { text.remove_prefix(size); })) {
    return call.fail_interrupted();
  }
  if ((sides & right) != 0 && !cut([&](std::string_view c) { return text.ends_with(c); },
                                   [&](std::size_t size) { text.remove_suffix(size); })) {
    return call.fail_interrupted();
  }
  call.set_text(text);
}

/// like(PATTERN, TEXT[, ESCAPE]) and glob(PATTERN, TEXT), which is what the operators call.
template <TextPattern::Kind kind>
void match(FunctionCall& call) {
  if (call.is_blob(0) || call.is_blob(1)) return call.set_int(0);
  const std::string_view pattern = call.text(0);
  if (pattern.size() > limits::sql_pattern_bytes_max)
    return call.fail("LIKE or GLOB pattern too complex");
  std::uint32_t escape = 0;
  if (call.count() == 3) {
    if (call.is_null(2)) return;
    const std::string_view text = call.text(2).substr(0, call.text(2).find('\0'));
    std::size_t at = 0;
    if (!text.empty()) escape = next_character(text, at);
    if (text.empty() || at != text.size()) {
      return call.fail("ESCAPE expression must be a single character");
    }
  }
  if (call.is_null(0) || call.is_null(1)) return;
  QueryFunctions& state = state_of(call);
  TextPattern& compiled = kind == TextPattern::like ? state.like : state.glob;
  compiled.read(pattern, escape);
  const auto over_after = [&state](std::size_t steps) { return state.over_after(steps); };
  const TextPattern::Match matched = compiled.match(call.text(1), over_after);
  if (matched == TextPattern::Match::given_up) return call.fail_interrupted();
  call.set_int(matched == TextPattern::Match::yes ? 1 : 0);
}

}  // namespace

bool may_call(std::string_view function) noexcept {
  return std::binary_search(allowed.begin(), allowed.end(), function);
}

bool QueryFunctions::over_after(std::size_t steps) {
  steps_ += steps;
  if (steps_ < ask_every_steps) return false;
  steps_ = 0;
  return over_();
}

Result<void> QueryFunctions::add_to(sqlite::Database& database) {
  using sqlite::add_function;
  PINION_CHECK(add_function<instr>(database, "instr", 2, this));
  PINION_CHECK(add_function<replace>(database, "replace", 3, this));
  for (const int arguments : {1, 2}) {
    PINION_CHECK(add_function<trim<left | right>>(database, "trim", arguments, this));
    PINION_CHECK(add_function<trim<left>>(database, "ltrim", arguments, this));
    PINION_CHECK(add_function<trim<right>>(database, "rtrim", arguments, this));
  }
  for (const int arguments : {2, 3}) {
    PINION_CHECK(add_function<match<TextPattern::like>>(database, "like", arguments, this));
  }
  return add_function<match<TextPattern::glob>>(database, "glob", 2, this);
}

}  // namespace pinion::storage
