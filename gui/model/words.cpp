#include "gui/model/words.hpp"

#include "gui/model/format.hpp"

namespace pinion::gui {

std::string sentence(std::string_view text) {
  std::string out(text);
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n')) out.pop_back();
  if (out.empty()) return out;
  const char first = out.front();
  // An address or a name in small letters stays as it is: "tcp://..." is no word.
  const std::string_view word = std::string_view(out).substr(0, out.find(' '));
  const bool is_word = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz,") == word.npos;
  if (is_word && first >= 'a' && first <= 'z') out.front() = static_cast<char>(first - 'a' + 'A');
  const char last = out.back();
  if (last != '.' && last != '?' && last != '!' && !out.ends_with("\u2026")) out += '.';
  return out;
}

std::string words_of(const Error& error) {
  return sentence(error.detail.empty() ? text_of(error.code) : std::string_view(error.detail));
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return format_count(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace pinion::gui
