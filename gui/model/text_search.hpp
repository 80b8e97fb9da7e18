// Finding text in text, in any case of Latin letters. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace pinion::gui {

[[nodiscard]] constexpr char small_letter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] inline std::string small_letters(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), small_letter);
  return out;
}

/// `wanted` is in small letters.
[[nodiscard]] inline bool contains_letters(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return true;
  if (text.size() < wanted.size()) return false;
  const char first = wanted.front();
  const std::size_t last = text.size() - wanted.size();
  for (std::size_t i = 0; i <= last; ++i) {
    if (small_letter(text[i]) != first) continue;
    std::size_t k = 1;
    while (k < wanted.size() && small_letter(text[i + k]) == wanted[k]) ++k;
    if (k == wanted.size()) return true;
  }
  return false;
}

}  // namespace pinion::gui
