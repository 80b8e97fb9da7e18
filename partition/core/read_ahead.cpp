#include "partition/core/read_ahead.hpp"

#include <algorithm>

namespace pinion::partition {

std::optional<ReadAhead> ReadsAhead::take(Offset from, std::size_t bytes_max) {
  const auto at = std::find_if(all_.begin(), all_.end(), [&](const ReadAhead& ahead) {
    return ahead.from == from && ahead.bytes_max == bytes_max;
  });
  if (at == all_.end()) return std::nullopt;
  ReadAhead taken = std::move(*at);
  all_.erase(at);
  return taken;
}

void ReadsAhead::expect(ReadAhead next) {
  if (all_.size() == limits::reads_ahead_per_partition_max) all_.erase(all_.begin());
  all_.push_back(std::move(next));
}

ReadAhead* ReadsAhead::find(Ticket read) noexcept {
  const auto at = std::find_if(all_.begin(), all_.end(),
                               [&](const ReadAhead& ahead) { return ahead.read == read; });
  return at == all_.end() ? nullptr : &*at;
}

void ReadsAhead::drop(Ticket read) {
  std::erase_if(all_, [&](const ReadAhead& ahead) { return ahead.read == read; });
}

void ReadsAhead::forget_old(Micros now) {
  std::erase_if(all_, [&](const ReadAhead& ahead) { return ahead.forget_at <= now; });
}

std::size_t ReadsAhead::bytes() const noexcept {
  std::size_t bytes = 0;
  for (const ReadAhead& ahead : all_) bytes += ahead.held ? ahead.held->bytes() : 0;
  return bytes;
}

Micros ReadsAhead::next_deadline() const noexcept {
  Micros deadline = never;
  for (const ReadAhead& ahead : all_) deadline = std::min(deadline, ahead.forget_at);
  return deadline;
}

}  // namespace pinion::partition
