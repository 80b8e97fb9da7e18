#include "partition/core/position_table.hpp"

#include "common/base/assert.hpp"

#include <algorithm>

namespace pinion::partition {

namespace {

bool is_slot(std::string_view name) {
  return !name.empty() && name.front() == PositionTable::slot_mark;
}

}  // namespace

/// Its row, which may be new.
PositionTable::Reader& PositionTable::row(const std::string& name) {
  const auto [at, is_new] = readers_.try_emplace(name);
  if (is_new && is_slot(name)) ++slots_;
  return at->second;
}

void PositionTable::commit(Reader& reader, Position&& position) {
  if (reader.committed) by_version_.erase({reader.committed->version, position.reader});
  by_version_.emplace(position.version, position.reader);
  reader.committed = std::move(position);
}

/// Slots are in front of them.
auto PositionTable::first_reader() const -> Readers::const_iterator {
  return readers_.lower_bound(std::string_view("\x0b"));
}

void PositionTable::recover(const std::vector<Position>& positions) {
  PINION_ASSERT(readers_.empty());
  for (const Position& position : positions) {
    commit(row(position.reader), Position(position));
    version_ = std::max(version_, position.version);
  }
  last_version_ = version_;
  committed_ = version_;
}

void PositionTable::replace(const std::vector<Position>& positions, PositionVersion version,
                            Ticket ticket) {
  readers_.clear();
  by_version_.clear();
  slots_ = 0;
  changes_.clear();
  durable_ = 0;
  for (const Position& position : positions) commit(row(position.reader), Position(position));
  // Durable is nothing of it yet; a change behind it counts from there.
  version_ = PositionVersion(-1);
  committed_ = PositionVersion(-1);
  last_version_ = version;
  replacing_ = {ticket, version};
}

const Position* PositionTable::visible(std::string_view reader) const {
  const auto at = readers_.find(reader);
  if (at == readers_.end() || !at->second.committed || at->second.committed->deleted) {
    return nullptr;
  }
  return &*at->second.committed;
}

const Position* PositionTable::latest(std::string_view reader) const {
  const auto at = readers_.find(reader);
  if (at == readers_.end()) return nullptr;
  if (!at->second.newer.empty()) return &at->second.newer.back();
  return at->second.committed ? &*at->second.committed : nullptr;
}

std::optional<PositionVersion> PositionTable::uncommitted(std::string_view reader) const {
  const auto at = readers_.find(reader);
  if (at == readers_.end() || at->second.newer.empty()) return std::nullopt;
  return at->second.newer.back().version;
}

Ticket PositionTable::latest_ticket(std::string_view reader) const {
  const std::optional<PositionVersion> newest = uncommitted(reader);
  if (!newest) return Ticket{0};
  const auto at = std::lower_bound(
      changes_.begin(), changes_.end(), *newest,
      [](const Change& change, PositionVersion version) { return change.version < version; });
  PINION_ASSERT(at != changes_.end() && at->version == *newest);
  return at->ticket;
}

bool PositionTable::has_room_for(std::string_view reader) const {
  return readers_.size() - slots_ < limits::readers_per_partition_max || readers_.count(reader) > 0;
}

std::vector<const Position*> PositionTable::latest_slots() const {
  std::vector<const Position*> found;
  for (auto at = readers_.begin(); at != first_reader(); ++at) {
    const Reader& slot = at->second;
    found.push_back(slot.newer.empty() ? &*slot.committed : &slot.newer.back());
  }
  std::sort(found.begin(), found.end(),
            [](const Position* a, const Position* b) { return a->version < b->version; });
  return found;
}

const Position& PositionTable::put(Position position, Ticket ticket) {
  PINION_ASSERT(is_slot(position.reader) || has_room_for(position.reader));
  position.version = last_version_ + 1;
  return take(std::move(position), ticket);
}

const Position& PositionTable::take(Position position, Ticket ticket) {
  PINION_ASSERT(changes_.empty() || changes_.back().ticket < ticket);
  PINION_ASSERT(position.version > last_version_);
  last_version_ = position.version;
  changes_.push_back({position.version, ticket, position.reader});
  Reader& reader = row(position.reader);
  reader.newer.push_back(std::move(position));
  return reader.newer.back();
}

void PositionTable::on_durable(Ticket last) {
  if (replacing_ && replacing_->first <= last) {
    version_ = replacing_->second;
    committed_ = replacing_->second;
    replacing_.reset();
  }
  for (; durable_ < changes_.size() && changes_[durable_].ticket <= last; ++durable_) {
    changes_[durable_].ticket = Ticket{0};
    version_ = changes_[durable_].version;
  }
}

void PositionTable::drop_from(Ticket first) {
  while (!changes_.empty() && changes_.back().ticket >= first) {
    const auto at = readers_.find(changes_.back().reader);
    PINION_ASSERT(at->second.newer.back().version == changes_.back().version);
    at->second.newer.pop_back();
    if (at->second.newer.empty() && !at->second.committed) {
      slots_ -= is_slot(at->first) ? 1U : 0U;
      readers_.erase(at);
    }
    changes_.pop_back();
  }
  if (replacing_ && replacing_->first >= first) replacing_.reset();
  // The versions that were dropped were never seen by anybody.
  last_version_ = changes_.empty() ? std::max(version_, committed_) : changes_.back().version;
}

void PositionTable::commit(PositionVersion version) {
  while (!changes_.empty() && changes_.front().ticket == Ticket{0} &&
         changes_.front().version <= version) {
    Reader& reader = readers_.find(changes_.front().reader)->second;
    PINION_ASSERT(reader.newer.front().version == changes_.front().version);
    committed_ = changes_.front().version;
    commit(reader, std::move(reader.newer.front()));
    reader.newer.pop_front();
    changes_.pop_front();
    --durable_;
  }
}

const Position* PositionTable::newest_durable(const Reader& reader) const {
  for (auto at = reader.newer.rbegin(); at != reader.newer.rend(); ++at) {
    if (at->version <= version_) return &*at;
  }
  return reader.committed ? &*reader.committed : nullptr;
}

std::vector<Position> PositionTable::durable_since(PositionVersion version,
                                                   std::size_t count) const {
  std::vector<Position> found;
  const auto add = [&](const Reader& reader, PositionVersion at) {
    const Position* newest = newest_durable(reader);
    if (newest != nullptr && newest->version == at) found.push_back(*newest);  // Else it is later.
  };
  for (auto at = by_version_.lower_bound({version + 1, std::string()});
       at != by_version_.end() && found.size() < count; ++at) {
    add(readers_.find(at->second)->second, at->first);
  }
  // All that are not committed are above all that are.
  auto change = std::upper_bound(
      changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(durable_), version,
      [](PositionVersion wanted, const Change& one) { return wanted < one.version; });
  for (; change != changes_.begin() + static_cast<std::ptrdiff_t>(durable_); ++change) {
    if (found.size() >= count) break;
    add(readers_.find(change->reader)->second, change->version);
  }
  return found;
}

std::vector<ReaderStatus> PositionTable::recent(std::size_t count) const {
  std::vector<const Position*> found;
  found.reserve(readers_.size() - slots_);
  for (auto at = first_reader(); at != readers_.end(); ++at) {
    const Reader& reader = at->second;
    if (reader.committed && !reader.committed->deleted) found.push_back(&*reader.committed);
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
  for (auto at = first_reader(); at != readers_.end(); ++at) {
    const auto& [name, reader] = *at;
    if (reader.committed && !reader.committed->deleted) all.emplace(name, *reader.committed);
  }
  return all;
}

void PositionTable::check_invariants() const {
  PINION_ASSERT(committed_ <= version_);
  PINION_ASSERT(version_ <= last_version_);
  std::size_t newer = 0;
  std::size_t committed = 0;
  std::size_t slots = 0;
  for (const auto& [name, reader] : readers_) {
    PINION_ASSERT(reader.committed || !reader.newer.empty());
    for (const Position& position : reader.newer) {
      PINION_ASSERT(position.version > committed_);
      PINION_ASSERT(position.reader == name);
    }
    newer += reader.newer.size();
    committed += reader.committed ? 1U : 0U;
    slots += is_slot(name) ? 1U : 0U;
  }
  PINION_ASSERT(committed == by_version_.size());
  PINION_ASSERT(slots == slots_);
  PINION_ASSERT(newer == changes_.size());
  PINION_ASSERT(durable_ <= changes_.size());
  for (std::size_t i = 1; i < changes_.size(); ++i) {
    PINION_ASSERT(changes_[i - 1].version < changes_[i].version);
    // The durable ones are in front.
    if (changes_[i].ticket == Ticket{0}) PINION_ASSERT(changes_[i - 1].ticket == Ticket{0});
  }
}

}  // namespace pinion::partition
