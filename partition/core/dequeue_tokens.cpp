#include "partition/core/dequeue_tokens.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <charconv>
#include <string>

namespace pinion::partition {

std::optional<Offset> find_dequeue(const Position& position, std::string_view token) {
  if (token.empty()) return std::nullopt;
  std::string_view rest = position.last_token;
  const std::size_t first_end = rest.find('\n');
  if (rest.substr(0, first_end) == token) return position.last_offset;
  while (rest.find('\n') != std::string_view::npos) {
    rest.remove_prefix(rest.find('\n') + 1);
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.substr(space + 1) != token) continue;
    std::int64_t offset = -1;
    const auto [end, error] = std::from_chars(line.data(), line.data() + space, offset);
    if (error != std::errc() || end != line.data() + space) return std::nullopt;
    return Offset(offset);
  }
  return std::nullopt;
}

void remember_dequeue(Position& position, std::string_view token, Offset offset) {
  PINION_ASSERT(!token.empty());
  std::string text(token);
  if (!position.last_token.empty()) {
    text += '\n' + std::to_string(position.last_offset.raw()) + ' ' + position.last_token;
  }
  std::size_t lines = 1;
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
    if (++lines > limits::dequeue_tokens_remembered) {
      text.resize(at);
      break;
    }
  }
  position.last_token = std::move(text);
  position.last_offset = offset;
}

}  // namespace pinion::partition
