#include "partition/storage/text_pattern.hpp"

namespace pinion::storage {
namespace {

constexpr std::size_t steps_between_looks = 4'096;

std::uint32_t lower(std::uint32_t character) noexcept {
  return character >= 'A' && character <= 'Z' ? character + ('a' - 'A') : character;
}

/// SQLite's texts end at the first NUL for these two functions.
std::string_view until_nul(std::string_view text) noexcept {
  return text.substr(0, text.find('\0'));
}

}  // namespace

std::uint32_t next_character(std::string_view text, std::size_t& at) noexcept {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  std::uint32_t character = byte_at(at++);
  if (character < 0xc0) return character;
  if (character < 0xe0) {
    character &= 0x1f;
  } else if (character < 0xf0) {
    character &= 0x0f;
  } else if (character < 0xf8) {
    character &= 0x07;
  } else {
    character = character < 0xfc ? character & 0x03 : (character < 0xfe ? character & 0x01 : 0);
  }
  while (at < text.size() && (byte_at(at) & 0xc0) == 0x80) {
    character = (character << 6) + (byte_at(at++) & 0x3fU);
  }
  const bool good =
      character >= 0x80 && (character & 0xfffff800) != 0xd800 && (character & 0xfffffffe) != 0xfffe;
  return good ? character : 0xfffd;
}

void TextPattern::read(std::string_view pattern, std::uint32_t escape) {
  if (read_ && escape == escape_ && pattern == pattern_) return;
  read_ = true;
  pattern_ = pattern;
  escape_ = escape;
  tokens_.clear();
  const std::uint32_t any_text = kind_ == like ? '%' : '*';
  const std::uint32_t any_one = kind_ == like ? '_' : '?';
  const std::string_view rest = until_nul(pattern_);
  for (std::size_t at = 0; at < rest.size();) {
    const std::uint32_t character = next_character(rest, at);
    if (kind_ == like && escape != 0 && character == escape) {
      if (at == rest.size()) {
        tokens_.push_back({What::nothing, false, 0, {}});
      } else {
        tokens_.push_back({What::character, false, lower(next_character(rest, at)), {}});
      }
    } else if (character == any_text) {
      if (tokens_.empty() || tokens_.back().what != What::any_text) {
        tokens_.push_back({What::any_text, false, 0, {}});
      }
    } else if (character == any_one) {
      tokens_.push_back({What::any_one, false, 0, {}});
    } else if (kind_ == glob && character == '[') {
      tokens_.push_back(read_set(rest, at));
    } else {
      tokens_.push_back({What::character, false, kind_ == like ? lower(character) : character, {}});
    }
  }
}

/// From behind the `[`. A set that does not end matches nothing.
TextPattern::Token TextPattern::read_set(std::string_view pattern, std::size_t& at) const {
  Token set{What::set, false, 0, {}};
  const auto next = [&]() -> std::uint32_t {
    return at < pattern.size() ? next_character(pattern, at) : 0;
  };
  std::uint32_t character = next();
  if (character == '^') {
    set.invert = true;
    character = next();
  }
  if (character == ']') {  // The first one is a member.
    set.ranges.emplace_back(']', ']');
    character = next();
  }
  std::uint32_t before = 0;
  while (character != 0 && character != ']') {
    if (character == '-' && before != 0 && at < pattern.size() && pattern[at] != ']') {
      set.ranges.emplace_back(before, next());
      before = 0;
    } else {
      set.ranges.emplace_back(character, character);
      before = character;
    }
    character = next();
  }
  if (character == 0) set.what = What::nothing;
  return set;
}

bool TextPattern::fits(const Token& token, std::uint32_t character, bool fold) noexcept {
  switch (token.what) {
    case What::character:
      return token.character == (fold ? lower(character) : character);
    case What::any_one:
      return true;
    case What::set: {
      bool in = false;
      for (const auto& [low, high] : token.ranges)
        in = in || (character >= low && character <= high);
      return in != token.invert;
    }
    case What::any_text:
    case What::nothing:
      break;
  }
  return false;
}

TextPattern::Match TextPattern::match(std::string_view text,
                                      const std::function<bool(std::size_t)>& over_after) const {
  text = until_nul(text);
  const bool fold = kind_ == like;
  std::size_t at = 0;
  std::size_t token = 0;
  bool may_go_back = false;
  std::size_t back_at = 0;     ///< Where the text goes on after what the last any_text took.
  std::size_t back_token = 0;  ///< The token behind it.
  std::size_t steps = 0;
  while (at < text.size() || token < tokens_.size()) {
    steps += token < tokens_.size() ? 1 + tokens_[token].ranges.size() : 1;
    if (steps >= steps_between_looks) {
      if (over_after(steps)) return Match::given_up;
      steps = 0;
    }
    if (token < tokens_.size()) {
      if (tokens_[token].what == What::any_text) {
        if (++token == tokens_.size()) return Match::yes;
        may_go_back = true;
        back_at = at;
        back_token = token;
        continue;
      }
      if (at == text.size()) return Match::no;  // Every other token wants a character.
      std::size_t after = at;
      if (fits(tokens_[token], next_character(text, after), fold)) {
        at = after;
        ++token;
        continue;
      }
    }
    if (!may_go_back) return Match::no;
    (void)next_character(text, back_at);
    at = back_at;
    token = back_token;
  }
  return Match::yes;
}

}  // namespace pinion::storage
