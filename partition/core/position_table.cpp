#include "partition/core/position_table.hpp"

#include "common/base/assert.hpp"

#include <algorithm>

namespace pinion::partition {

void PositionTable::recover(const std::vector<Position>& positions) {
  PINION_ASSERT(readers_.empty());
  for (const Position& position : positions) {
    readers_[position.reader].durable = position;
    version_ = std::max(version_, position.version);
  }
  last_version_ = version_;
}

const Position* PositionTable::visible(std::string_view reader) const {
  const auto at = readers_.find(reader);
  if (at == readers_.end() || !at->second.durable || at->second.durable->deleted) return nullptr;
  return &*at->second.durable;
}

const Position* PositionTable::latest(std::string_view reader) const {
  const auto at = readers_.find(reader);
  if (at == readers_.end()) return nullptr;
  if (!at->second.inflight.empty()) return &at->second.inflight.back().second;
  return at->second.durable ? &*at->second.durable : nullptr;
}

Ticket PositionTable::latest_ticket(std::string_view reader) const {
  const auto at = readers_.find(reader);
  if (at == readers_.end() || at->second.inflight.empty()) return Ticket{0};
  return at->second.inflight.back().first;
}

bool PositionTable::has_room_for(std::string_view reader) const {
  return readers_.size() < limits::readers_per_partition_max || readers_.count(reader) > 0;
}

const Position& PositionTable::put(Position position, Ticket ticket) {
  PINION_ASSERT(has_room_for(position.reader));
  PINION_ASSERT(inflight_.empty() || inflight_.back().first < ticket);
  position.version = ++last_version_;
  inflight_.emplace_back(ticket, position.reader);
  Reader& reader = readers_[position.reader];
  reader.inflight.emplace_back(ticket, std::move(position));
  return reader.inflight.back().second;
}

void PositionTable::on_durable(Ticket last) {
  while (!inflight_.empty() && inflight_.front().first <= last) {
    Reader& reader = readers_.find(inflight_.front().second)->second;
    PINION_ASSERT(reader.inflight.front().first == inflight_.front().first);
    reader.durable = std::move(reader.inflight.front().second);
    PINION_ASSERT(version_ < reader.durable->version);
    version_ = reader.durable->version;
    reader.inflight.pop_front();
    inflight_.pop_front();
  }
}

void PositionTable::drop_from(Ticket first) {
  while (!inflight_.empty() && inflight_.back().first >= first) {
    const auto at = readers_.find(inflight_.back().second);
    PINION_ASSERT(at->second.inflight.back().first == inflight_.back().first);
    at->second.inflight.pop_back();
    if (at->second.inflight.empty() && !at->second.durable) readers_.erase(at);
    inflight_.pop_back();
  }
  // The versions that were dropped were never seen by anybody.
  last_version_ = version_ + static_cast<std::int64_t>(inflight_.size());
}

std::vector<ReaderStatus> PositionTable::recent(std::size_t count) const {
  std::vector<const Position*> found;
  found.reserve(readers_.size());
  for (const auto& [name, reader] : readers_) {
    if (reader.durable && !reader.durable->deleted) found.push_back(&*reader.durable);
  }
  const auto newer = [](const Position* a, const Position* b) {
    return a->updated_at != b->updated_at ? a->updated_at > b->updated_at : a->reader < b->reader;
  };
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(count, found.size()));
  std::partial_sort(found.begin(), end, found.end(), newer);
  std::vector<ReaderStatus> recent;
  for (auto at = found.begin(); at != end; ++at) {
    recent.push_back({(*at)->reader, (*at)->offset, (*at)->updated_at});
  }
  return recent;
}

std::map<std::string, Position> PositionTable::all_visible() const {
  std::map<std::string, Position> all;
  for (const auto& [name, reader] : readers_) {
    if (reader.durable && !reader.durable->deleted) all.emplace(name, *reader.durable);
  }
  return all;
}

void PositionTable::check_invariants() const {
  PINION_ASSERT(version_ <= last_version_);
  std::size_t inflight = 0;
  for (const auto& [name, reader] : readers_) {
    PINION_ASSERT(reader.durable || !reader.inflight.empty());
    if (reader.durable) PINION_ASSERT(reader.durable->version <= version_);
    for (const auto& [ticket, position] : reader.inflight) {
      PINION_ASSERT(position.version > version_);
      PINION_ASSERT(position.reader == name);
    }
    inflight += reader.inflight.size();
  }
  PINION_ASSERT(inflight == inflight_.size());
}

}  // namespace pinion::partition
