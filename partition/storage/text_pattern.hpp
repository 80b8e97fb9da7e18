// A pattern of LIKE or GLOB, read once and matched against many texts, as SQLite would.
//
// `%` or `*` stand for any text, `_` or `?` for one character. LIKE takes A to Z for a to z, and
// may have an escape character; GLOB has sets, [a-z] and [^a-z]. Matching goes back to the last `%`
// only: what an earlier one could do, a later one can. So it takes at most the text's length times
// the pattern's, never the power of the number of `%` that trying them all would be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion::storage {

/// The next character of a text that need not be good UTF-8, as SQLite reads it; moves `at`.
/// Requires: at < text.size().
[[nodiscard]] std::uint32_t next_character(std::string_view text, std::size_t& at) noexcept;

class TextPattern {
 public:
  enum Kind : std::uint8_t { like, glob };
  enum class Match : std::uint8_t { no, yes, given_up };

  explicit TextPattern(Kind kind) noexcept : kind_(kind) {}

  /// `escape` is a character, or 0 for none. Costs little when both are what they were.
  void read(std::string_view pattern, std::uint32_t escape);

  /// `over_after` is told how many steps were taken, now and then; true gives up.
  [[nodiscard]] Match match(std::string_view text,
                            const std::function<bool(std::size_t)>& over_after) const;

 private:
  enum class What : std::uint8_t { character, any_one, any_text, set, nothing };
  struct Token {
    What what;
    bool invert = false;
    std::uint32_t character = 0;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;  ///< Of a set; both ends are in.
  };

  [[nodiscard]] Token read_set(std::string_view pattern, std::size_t& at) const;
  [[nodiscard]] static bool fits(const Token& token, std::uint32_t character, bool fold) noexcept;

  Kind kind_;
  bool read_ = false;
  std::string pattern_;
  std::uint32_t escape_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace pinion::storage
