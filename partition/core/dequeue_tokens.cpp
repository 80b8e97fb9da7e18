#include "partition/core/dequeue_tokens.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace pinion::partition {
namespace {

struct Entry {
  std::string_view token;
  Offset offset;
};

/// Newest first; refers to the position's text.
std::vector<Entry> entries_of(const Position& position) {
  std::vector<Entry> entries;
  std::string_view rest = position.last_token;
  if (rest.empty()) return entries;
  entries.push_back({rest.substr(0, rest.find('\n')), position.last_offset});
  while (rest.find('\n') != std::string_view::npos) {
    rest.remove_prefix(rest.find('\n') + 1);
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const std::size_t space = std::min(line.find(' '), line.size());
    std::int64_t offset = -1;
    const auto [end, error] = std::from_chars(line.data(), line.data() + space, offset);
    if (space == line.size() || error != std::errc() || end != line.data() + space) continue;
    entries.push_back({line.substr(space + 1), Offset(offset)});
  }
  return entries;
}

}  // namespace

std::string_view taker_of(std::string_view token) {
  const std::size_t dash = token.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == token.size()) return {};
  const std::string_view counter = token.substr(dash + 1);
  const bool is_number = counter.find_first_not_of("0123456789.") == std::string_view::npos;
  return is_number ? token.substr(0, dash) : std::string_view();
}

std::optional<Offset> find_dequeue(const Position& position, std::string_view token) {
  if (token.empty()) return std::nullopt;
  for (const Entry& entry : entries_of(position)) {
    if (entry.token == token) return entry.offset;
  }
  return std::nullopt;
}

std::vector<KnownDequeue> remember_dequeue(Position& position, std::string_view token,
                                           Offset offset) {
  PINION_ASSERT(!token.empty());
  std::vector<Entry> entries = entries_of(position);
  entries.insert(entries.begin(), {token, offset});
  const std::size_t newest = std::min(entries.size(), limits::dequeue_tokens_remembered);
  std::vector<std::string_view> takers;
  std::vector<KnownDequeue> pushed_out;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string_view taker = taker_of(entries[i].token);
    // Nobody asks any more for one whose taker has a newer one.
    const bool has_newer =
        !taker.empty() && std::find(takers.begin(), takers.end(), taker) != takers.end();
    if (i >= newest && !has_newer) {
      pushed_out.push_back({std::string(entries[i].token), entries[i].offset});
    }
    takers.push_back(taker);
  }
  std::string text(token);
  for (std::size_t i = 1; i < newest; ++i) {
    text += '\n' + std::to_string(entries[i].offset.raw()) + ' ';
    text += entries[i].token;
  }
  position.last_token = std::move(text);
  position.last_offset = offset;
  return pushed_out;
}

}  // namespace pinion::partition
