#include "partition/core/dequeue_slots.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <charconv>
#include <system_error>

namespace pinion::partition {
namespace {

std::string key_of(std::string_view reader, std::string_view name) {
  std::string key(reader);
  key += '\n';
  key += name;
  return key;
}

std::optional<std::uint32_t> number_of(std::string_view row) {
  if (row.size() < 2) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(row.data() + 1, row.data() + row.size(), number);
  if (error != std::errc() || end != row.data() + row.size()) return std::nullopt;
  if (number >= limits::dequeue_slots_max) return std::nullopt;
  return number;
}

}  // namespace

std::optional<Offset> DequeueSlots::find(const PositionTable& table, std::string_view reader,
                                         std::string_view token) {
  if (token.empty()) return std::nullopt;
  if (!is_made_) make(table);
  const auto at = by_token_.find(key_of(reader, token));
  if (at == by_token_.end()) return std::nullopt;
  return slots_[at->second].offset;
}

std::optional<Position> DequeueSlots::row_for(const PositionTable& table, std::string_view reader,
                                              const KnownDequeue& dequeue, Micros monotonic) {
  if (!is_made_) make(table);
  if (!began_) began_ = monotonic;
  const std::optional<Number> number = choose(reader, dequeue.token, monotonic);
  if (!number) return std::nullopt;
  Position row;
  row.reader = PositionTable::slot_mark + std::to_string(*number);
  row.last_token = dequeue.token + '\n';
  row.last_token += reader;
  row.last_offset = dequeue.offset;
  return row;
}

auto DequeueSlots::choose(std::string_view reader, std::string_view token, Micros monotonic) const
    -> std::optional<Number> {
  if (const std::string_view taker = taker_of(token); !taker.empty()) {
    const auto at = by_taker_.find(key_of(reader, taker));
    if (at != by_taker_.end()) return at->second;
  }
  const auto own = of_readers_.find(reader);
  if (own != of_readers_.end() && own->second.size() >= bounds_.most_of_reader) {
    return oldest_of(own->second, monotonic);
  }
  if (!free_.empty()) return *free_.begin();
  if (slots_.size() >= bounds_.kept) {
    if (const auto oldest = oldest_of(by_age_, monotonic)) return oldest;
  }
  if (slots_.size() >= bounds_.most) return std::nullopt;
  return static_cast<Number>(slots_.size());
}

/// Nothing when it may still be asked for. Requires: there are some.
auto DequeueSlots::oldest_of(const ByAge& slots, Micros monotonic) const -> std::optional<Number> {
  const Number oldest = slots.begin()->second;
  const Micros at = slots_[oldest].at.value_or(*began_);
  if (monotonic - at <= limits::dequeue_repeated_within) return std::nullopt;
  return oldest;
}

void DequeueSlots::note(const Position& row, Micros monotonic) {
  const std::optional<Number> number = number_of(row.reader);
  PINION_ASSERT(is_made_ && number && *number <= slots_.size());
  if (*number == slots_.size()) slots_.emplace_back();
  fill(*number, row);
  slots_[*number].at = monotonic;
}

void DequeueSlots::fill(Number number, const Position& row) {
  clear(number);
  const std::string_view text = row.last_token;
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return;  // Damaged: free, and written over.
  const std::string_view token = text.substr(0, end);
  const std::string_view reader = text.substr(end + 1);
  Slot& slot = slots_[number];
  slot.reader = std::string(reader);
  slot.token = key_of(reader, token);
  if (const std::string_view taker = taker_of(token); !taker.empty()) {
    slot.taker = key_of(reader, taker);
    by_taker_[slot.taker] = number;
  }
  slot.offset = row.last_offset;
  slot.version = row.version;
  by_token_[slot.token] = number;
  by_age_.emplace(slot.version, number);
  of_readers_[slot.reader].emplace(slot.version, number);
  free_.erase(number);
}

void DequeueSlots::clear(Number number) {
  Slot& slot = slots_[number];
  if (!slot.token.empty()) {
    // A copy of half a table may have two of one taker: the newer one's entry stays.
    const auto token = by_token_.find(slot.token);
    if (token != by_token_.end() && token->second == number) by_token_.erase(token);
    const auto taker = by_taker_.find(slot.taker);
    if (taker != by_taker_.end() && taker->second == number) by_taker_.erase(taker);
    by_age_.erase({slot.version, number});
    const auto own = of_readers_.find(slot.reader);
    own->second.erase({slot.version, number});
    if (own->second.empty()) of_readers_.erase(own);
    slot = Slot();
  }
  free_.insert(number);
}

void DequeueSlots::make(const PositionTable& table) {
  slots_.clear();
  by_token_.clear();
  by_taker_.clear();
  by_age_.clear();
  of_readers_.clear();
  free_.clear();
  is_made_ = true;
  began_.reset();
  // In the order of their versions: of one taker the newest counts.
  for (const Position* row : table.latest_slots()) {
    const std::optional<Number> number = number_of(row->reader);
    if (!number) continue;
    while (slots_.size() <= *number) {
      free_.insert(static_cast<Number>(slots_.size()));
      slots_.emplace_back();
    }
    fill(*number, *row);
  }
}

}  // namespace pinion::partition
