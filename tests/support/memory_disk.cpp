// MemoryDisk: what a test does to files while nobody uses them, and what it may look at.
#include "tests/support/memory_record_store.hpp"

#include <algorithm>
#include <utility>

namespace pinion::test {

using State = MemoryFile::State;

void MemoryDisk::sync_all() {
  const std::lock_guard lock(mutex_);
  for (auto& [key, file] : files_) {
    file->fsynced.reset();
    file->unsynced.clear();
  }
}

void MemoryDisk::swap_files(const PartitionKey& one, const PartitionKey& other) {
  const std::lock_guard lock(mutex_);
  const auto first = files_.find(one);
  const auto second = files_.find(other);
  if (first != files_.end() && second != files_.end()) std::swap(first->second, second->second);
}

void MemoryDisk::put_back_file(const PartitionKey& key, const MemoryDisk& older) {
  const std::scoped_lock lock(mutex_, older.mutex_);
  const auto found = older.files_.find(key);
  if (found == older.files_.end()) return;
  files_[key] = std::make_shared<MemoryFile>(*found->second);
}

std::optional<MemoryFile::State> MemoryDisk::fsynced(const PartitionKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  if (found == files_.end()) return std::nullopt;
  return found->second->fsynced ? *found->second->fsynced : found->second->written;
}

std::optional<Offset> MemoryDisk::fsynced_end(const PartitionKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  if (found == files_.end()) return std::nullopt;
  return found->second->fsynced ? found->second->fsynced->log_end : found->second->written.log_end;
}

std::optional<Position> MemoryDisk::fsynced_position(const PartitionKey& key,
                                                     const std::string& reader) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  if (found == files_.end()) return std::nullopt;
  const State& state = found->second->fsynced ? *found->second->fsynced : found->second->written;
  const auto position = state.positions.find(reader);
  if (position == state.positions.end()) return std::nullopt;
  return position->second;
}

PositionVersion MemoryDisk::fsynced_position_version(const PartitionKey& key) const {
  const std::lock_guard lock(mutex_);
  PositionVersion version{0};
  const auto found = files_.find(key);
  if (found == files_.end()) return version;
  const State& state = found->second->fsynced ? *found->second->fsynced : found->second->written;
  for (const auto& [reader, position] : state.positions) {
    version = std::max(version, position.version);
  }
  return version;
}

bool MemoryDisk::has_unsynced(const PartitionKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  return found != files_.end() && found->second->fsynced.has_value();
}

std::vector<BatchHeader> MemoryDisk::written_headers(const PartitionKey& key, Offset from,
                                                     Offset end) const {
  const std::lock_guard lock(mutex_);
  std::vector<BatchHeader> headers;
  const auto found = files_.find(key);
  if (found == files_.end()) return headers;
  const State& state = found->second->written;
  auto batch = std::partition_point(
      state.batches.begin(), state.batches.end(),
      [from](const Batch& before) { return before.header.next_offset() <= from; });
  for (; batch != state.batches.end(); ++batch) {
    if (batch->header.base_offset >= end) break;
    headers.push_back(batch->header);
  }
  return headers;
}

std::uint64_t MemoryDisk::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used();
}

std::vector<LogIdentity> MemoryDisk::files() const {
  const std::lock_guard lock(mutex_);
  std::vector<LogIdentity> identities;
  for (const auto& [key, file] : files_) identities.push_back(file->identity);
  return identities;
}

std::vector<std::string> MemoryDisk::set_aside() const {
  const std::lock_guard lock(mutex_);
  return set_aside_;
}

std::uint64_t MemoryDisk::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

}  // namespace pinion::test
