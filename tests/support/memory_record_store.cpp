#include "tests/support/memory_record_store.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <utility>

namespace pinion::test {

namespace {

using State = MemoryFile::State;

// ---- Applying one ticket

void apply_op(State& state, const AppendBatch& op) {
  const BatchHeader& header = op.batch.header;
  PINION_ASSERT(header.base_offset == state.log_end);
  PINION_ASSERT(header.record_count > 0);
  PINION_ASSERT(header.append_time > state.last_log_time || state.log_end == Offset(0));
  PINION_ASSERT(!state.epochs.empty());
  PINION_ASSERT(state.epochs.back().epoch == header.leader_epoch);
  state.batches.push_back(op.batch);
  state.log_end = header.next_offset();
  state.last_log_time = header.append_time + Micros(header.record_count - 1);
  state.payload_bytes += op.batch.payload.size();
}

void apply_op(State& state, const StartEpoch& op) {
  PINION_ASSERT(state.epochs.empty() || op.start.epoch > state.epochs.back().epoch);
  PINION_ASSERT(op.start.start == state.log_end);
  state.epochs.push_back(op.start);
}

void apply_op(State& state, const PutPosition& op) {
  state.positions[op.position.reader] = op.position;
}

void apply_op(State& state, const NoteHighWatermark& op) {
  PINION_ASSERT(op.offset <= state.log_end);
  state.high_watermark = op.offset;
}

void apply_op(State& state, const Truncate& op) {
  PINION_ASSERT(op.end >= state.log_start);
  PINION_ASSERT(op.end <= state.log_end);
  while (!state.batches.empty() && state.batches.back().header.base_offset >= op.end) {
    state.payload_bytes -= state.batches.back().payload.size();
    state.batches.pop_back();
  }
  // Logs are cut between batches: half a batch was never written by anybody.
  if (!state.batches.empty()) PINION_ASSERT(state.batches.back().header.next_offset() == op.end);
  while (!state.epochs.empty() && state.epochs.back().start >= op.end) state.epochs.pop_back();
  state.log_end = op.end;
  state.last_log_time = Micros(0);
  if (!state.batches.empty()) {
    const BatchHeader& last = state.batches.back().header;
    state.last_log_time = last.append_time + Micros(last.record_count - 1);
  }
  state.high_watermark = std::min(state.high_watermark, op.end);
}

void apply_op(State& state, const ResetPositions& op) {
  state.positions.clear();
  for (const Position& position : op.positions) state.positions[position.reader] = position;
}

void apply_op(State& state, const BeginAt& op) {
  PINION_ASSERT(op.start >= state.log_end);
  state.batches.clear();
  state.epochs.clear();
  state.dropped_producers.clear();
  for (const ProducerState& producer : op.producers) {
    state.dropped_producers[producer.id] = producer;
  }
  state.payload_bytes = 0;
  state.last_log_time = Micros(0);
  state.log_start = op.start;
  state.log_end = op.start;
  state.high_watermark = op.start;
}

/// One batch enters what duplicate detection remembers.
void remember(std::map<ProducerId, ProducerState>& producers, const BatchHeader& header) {
  if (header.producer_id == producer_none) return;
  ProducerState& state = producers[header.producer_id];
  if (state.batches.empty() || header.producer_epoch > state.epoch) state.batches.clear();
  state.id = header.producer_id;
  state.epoch = header.producer_epoch;
  state.batches.push_back(
      {header.base_sequence, header.record_count, header.base_offset, header.append_time});
  if (state.batches.size() > limits::producer_batches_remembered) {
    state.batches.erase(state.batches.begin());
  }
  state.last_seen = header.append_time;
}

void apply_op(State& state, const DropBefore& op) {
  PINION_ASSERT(op.start <= state.log_end);
  if (op.start <= state.log_start) return;
  auto kept = state.batches.begin();
  for (; kept != state.batches.end() && kept->header.base_offset < op.start; ++kept) {
    PINION_ASSERT(kept->header.next_offset() <= op.start);  // Retention cuts between batches.
    state.payload_bytes -= kept->payload.size();
    remember(state.dropped_producers, kept->header);
  }
  state.batches.erase(state.batches.begin(), kept);
  state.log_start = op.start;
}

/// One transaction. A noted high watermark alone needs no commit, so it waits for the next one.
void apply_group(State& state, std::span<const Persist> group) {
  for (const Persist& persist : group) {
    std::visit([&state](const auto& op) { apply_op(state, op); }, persist.op);
  }
  state.clean = false;
}

RecoveredLog recover(const State& state) {
  RecoveredLog recovered;
  recovered.log_start = state.log_start;
  recovered.log_end = state.log_end;
  recovered.high_watermark = std::min(state.high_watermark, state.log_end);
  recovered.last_log_time = state.last_log_time;
  recovered.epochs = state.epochs;
  for (const auto& [reader, position] : state.positions) recovered.positions.push_back(position);
  std::map<ProducerId, ProducerState> producers = state.dropped_producers;
  for (const Batch& batch : state.batches) remember(producers, batch.header);
  for (auto& [id, producer] : producers) recovered.producers.push_back(std::move(producer));
  recovered.bytes = state.payload_bytes;
  recovered.clean = state.clean;
  return recovered;
}

std::uint64_t payload_of(std::span<const Persist> group) {
  std::uint64_t bytes = 0;
  for (const Persist& persist : group) {
    if (const auto* append = std::get_if<AppendBatch>(&persist.op)) {
      bytes += append->batch.payload.size();
    }
  }
  return bytes;
}

std::string name_of(const LogIdentity& identity) {
  return identity.topic_name + "-" + std::to_string(identity.key.partition.raw()) + ".db";
}

/// The batch that holds `offset`, or the end.
auto batch_at(const State& state, Offset offset) {
  return std::partition_point(
      state.batches.begin(), state.batches.end(),
      [offset](const Batch& batch) { return batch.header.next_offset() <= offset; });
}

}  // namespace

// ---- A file, written

class MemoryPartitionLog final : public PartitionLog {
 public:
  MemoryPartitionLog(std::shared_ptr<MemoryDisk> disk, std::shared_ptr<MemoryFile> file)
      : disk_(std::move(disk)), file_(std::move(file)) {}

  /// The destructor alone is a crash of the process: nothing is marked clean.
  ~MemoryPartitionLog() override {
    const std::lock_guard lock(disk_->mutex_);
    file_->open = false;
  }
  MemoryPartitionLog(const MemoryPartitionLog&) = delete;
  MemoryPartitionLog& operator=(const MemoryPartitionLog&) = delete;

  Result<void> apply(std::span<const Persist> group) override {
    const std::lock_guard lock(disk_->mutex_);
    PINION_ASSERT(file_->open);
    PINION_ASSERT(!file_->failed);
    const auto notes_only = [](const Persist& persist) {
      return std::holds_alternative<NoteHighWatermark>(persist.op);
    };
    if (std::all_of(group.begin(), group.end(), notes_only)) return note(group);
    const std::uint64_t payload = payload_of(group);
    if (payload > 0 && disk_->used() + payload > disk_->capacity_) {
      return failure(Errc::storage_full, "the disk of " + name_of(file_->identity) + " is full");
    }
    return commit(with_note(group));
  }

  Result<Micros> maintain(const Now&) override {
    const std::lock_guard lock(disk_->mutex_);
    PINION_ASSERT(file_->open);
    if (file_->failed) return failure(Errc::storage_failed, "an earlier sync failed");
    if (file_->unwritten_high_watermark) PINION_CHECK(commit(with_note({})));
    remember_end();
    return Micros(1s);
  }

  LogSizes sizes() const override {
    const std::lock_guard lock(disk_->mutex_);
    LogSizes sizes;
    sizes.payload_bytes = file_->written.payload_bytes;
    sizes.file_bytes = file_->written.payload_bytes;
    return sizes;
  }

  Offset log_end() const override {
    const std::lock_guard lock(disk_->mutex_);
    // A disk that lies has not said that anything is missing.
    const bool is_behind = file_->failed && file_->fsynced;
    return is_behind ? file_->fsynced->log_end : file_->written.log_end;
  }

  Result<void> close() override {
    const std::lock_guard lock(disk_->mutex_);
    PINION_ASSERT(file_->open);
    file_->open = false;
    if (file_->failed) return failure(Errc::storage_failed, "an earlier sync failed");
    if (file_->unwritten_high_watermark) PINION_CHECK(commit(with_note({})));
    remember_end();
    file_->written.clean = true;
    return {};
  }

 private:
  Result<void> note(std::span<const Persist> group) {
    for (const Persist& persist : group) {
      file_->unwritten_high_watermark = std::get<NoteHighWatermark>(persist.op).offset;
    }
    return {};
  }

  /// The group behind the high watermark that waited for it. A truncation in between keeps the
  /// smaller one, which is what apply_op does.
  std::vector<Persist> with_note(std::span<const Persist> group) {
    std::vector<Persist> all;
    if (file_->unwritten_high_watermark) {
      all.push_back({Ticket(0), NoteHighWatermark{*file_->unwritten_high_watermark}});
      file_->unwritten_high_watermark.reset();
    }
    all.insert(all.end(), group.begin(), group.end());
    return all;
  }

  Result<void> commit(std::vector<Persist> group) {
    MemoryFile& file = *file_;
    const bool durable = disk_->sync_ == MemoryDisk::Sync::honest;
    if (!durable && !file.fsynced) file.fsynced = file.written;
    apply_group(file.written, group);
    for (const Persist& persist : group) {
      MemoryDisk::Known& known = disk_->known_[file.identity.key];
      if (std::holds_alternative<BeginAt>(persist.op)) known.last_epoch = Epoch(0);
      const auto* truncate = std::get_if<Truncate>(&persist.op);
      if (truncate == nullptr) continue;
      known.log_end = std::min(known.log_end, truncate->end);
    }
    ++disk_->commits_;
    if (durable) {
      file.fsynced.reset();
      file.unsynced.clear();
      return {};
    }
    file.unsynced.push_back(std::move(group));
    if (disk_->sync_ == MemoryDisk::Sync::lying) return {};
    file.failed = true;
    return failure(Errc::storage_failed, "fsync of " + name_of(file.identity) + " failed");
  }

  /// The node's own file learns where this one ends, so that an older copy is recognised.
  void remember_end() {
    const State& state = file_->written;
    MemoryDisk::Known& known = disk_->known_[file_->identity.key];
    known.log_end = state.log_end;
    known.last_epoch = state.epochs.empty() ? Epoch(0) : state.epochs.back().epoch;
  }

  std::shared_ptr<MemoryDisk> disk_;
  std::shared_ptr<MemoryFile> file_;
};

// ---- A file, read

class MemoryPartitionReader final : public PartitionReader {
 public:
  MemoryPartitionReader(std::shared_ptr<MemoryDisk> disk, std::shared_ptr<MemoryFile> file)
      : disk_(std::move(disk)), file_(std::move(file)) {}

  Result<std::vector<Batch>> read(Offset from, Offset end, std::size_t bytes_max) override {
    const std::lock_guard lock(disk_->mutex_);
    const State& state = file_->written;
    if (from < state.log_start || from > state.log_end) {
      return failure(Errc::offset_out_of_range,
                     "offset " + std::to_string(from.raw()) + " is not in the log");
    }
    if (file_->rotten) {
      file_->damaged = true;
      return failure(Errc::file_corrupt, name_of(file_->identity) + " is damaged");
    }
    std::vector<Batch> batches;
    std::size_t bytes = 0;
    for (auto batch = batch_at(state, from); batch != state.batches.end(); ++batch) {
      if (batch->header.base_offset >= end) break;
      if (!batches.empty() && bytes + batch->payload.size() > bytes_max) break;
      bytes += batch->payload.size();
      batches.push_back(*batch);
    }
    return batches;
  }

  Result<Offset> find_time(Micros time, Offset end) override {
    const std::lock_guard lock(disk_->mutex_);
    for (const Batch& batch : file_->written.batches) {
      const BatchHeader& header = batch.header;
      const std::int64_t place = std::max<std::int64_t>(0, (time - header.append_time).count());
      if (place >= header.record_count) continue;
      return std::min(header.base_offset + place, end);
    }
    return end;
  }

  Result<Offset> find_retention(Micros before, std::int64_t bytes_kept, Offset end) override {
    const std::lock_guard lock(disk_->mutex_);
    const State& state = file_->written;
    Offset boundary = state.log_start;
    auto bytes = static_cast<std::int64_t>(state.payload_bytes);
    for (const Batch& batch : state.batches) {
      const Micros last_time = batch.header.append_time + Micros(batch.header.record_count - 1);
      const bool old = before >= Micros(0) && last_time < before;
      const bool over = bytes_kept >= 0 && bytes > bytes_kept;
      if (!old && !over) break;
      if (batch.header.next_offset() > end) break;
      bytes -= static_cast<std::int64_t>(batch.payload.size());
      boundary = batch.header.next_offset();
    }
    return boundary;
  }

  /// Only what a simulated client asks: how many records are committed.
  Result<QueryReply> query(const std::string& sql, const QueryBounds& bounds) override {
    const std::lock_guard lock(disk_->mutex_);
    if (sql != "select count(*) from messages") {
      return failure(Errc::sql_invalid, "the memory store knows one statement only");
    }
    QueryReply reply;
    reply.columns = {"count(*)"};
    reply.rows = {{SqlValue{std::max<std::int64_t>(0, bounds.end - file_->written.log_start)}}};
    return reply;
  }

 private:
  std::shared_ptr<MemoryDisk> disk_;
  std::shared_ptr<MemoryFile> file_;
};

// ---- The store

MemoryRecordStore::MemoryRecordStore(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {
  PINION_ASSERT(disk_ != nullptr);
}

Result<OpenedLog> MemoryRecordStore::open(const LogIdentity& identity, IfMissing if_missing) {
  if (if_missing == IfMissing::begin_again) {
    bool known = false;
    {
      const std::lock_guard lock(disk_->mutex_);
      known = disk_->known_.count(identity.key) > 0;
    }
    auto opened = open(identity, known ? IfMissing::fail : IfMissing::create);
    if (opened || opened.error().code != Errc::file_corrupt) return opened;
    const std::lock_guard lock(disk_->mutex_);
    disk_->known_.erase(identity.key);
    if_missing = IfMissing::create;
  }
  const std::lock_guard lock(disk_->mutex_);
  auto& files = disk_->files_;
  auto found = files.find(identity.key);
  const auto known = disk_->known_.find(identity.key);
  if (found == files.end()) {
    if (if_missing == IfMissing::fail || known != disk_->known_.end()) {
      return failure(Errc::file_corrupt, name_of(identity) + " is missing");
    }
    found = files.emplace(identity.key, std::make_shared<MemoryFile>()).first;
    found->second->identity = identity;
    disk_->known_[identity.key] = {};
  }
  MemoryFile& file = *found->second;
  PINION_ASSERT(!file.open);
  const bool is_its_own = file.identity.key == identity.key;
  if (is_its_own && file.identity.topic_name != identity.topic_name) {
    return failure(Errc::fenced_controller, name_of(identity) + " has another name here");
  }
  const bool behind = known != disk_->known_.end() && file.written.log_end < known->second.log_end;
  if (file.damaged || behind || file.identity != identity) {
    disk_->set_aside_.push_back(name_of(identity));
    files.erase(found);
    return failure(Errc::file_corrupt, name_of(identity) + " has been set aside");
  }
  if (disk_->sync_ == MemoryDisk::Sync::failing) {
    return failure(Errc::storage_failed, name_of(identity) + " could not be synced");
  }
  if (disk_->sync_ == MemoryDisk::Sync::honest) {
    file.fsynced.reset();
    file.unsynced.clear();
  }
  OpenedLog opened;
  opened.recovered = recover(file.written);
  opened.file = name_of(identity);
  file.written.clean = false;
  file.open = true;
  file.failed = false;
  file.unwritten_high_watermark.reset();
  opened.log = std::make_unique<MemoryPartitionLog>(disk_, found->second);
  return opened;
}

Result<std::unique_ptr<PartitionReader>> MemoryRecordStore::open_reader(
    const LogIdentity& identity) {
  const std::lock_guard lock(disk_->mutex_);
  const auto found = disk_->files_.find(identity.key);
  PINION_ASSERT(found != disk_->files_.end());
  PINION_ASSERT(found->second->open);
  std::unique_ptr<PartitionReader> reader =
      std::make_unique<MemoryPartitionReader>(disk_, found->second);
  return reader;
}

Result<void> MemoryRecordStore::remove_topic(TopicId topic) {
  const std::lock_guard lock(disk_->mutex_);
  for (auto file = disk_->files_.begin(); file != disk_->files_.end();) {
    if (file->first.topic != topic) {
      ++file;
      continue;
    }
    PINION_ASSERT(!file->second->open);
    disk_->known_.erase(file->first);
    file = disk_->files_.erase(file);
  }
  return {};
}

Result<void> MemoryRecordStore::remove_replica(PartitionKey key) {
  const std::lock_guard lock(disk_->mutex_);
  const auto file = disk_->files_.find(key);
  if (file != disk_->files_.end()) {
    PINION_ASSERT(!file->second->open);
    disk_->files_.erase(file);
  }
  disk_->known_.erase(key);
  return {};
}

DiskSpace MemoryRecordStore::disk_space() const {
  const std::lock_guard lock(disk_->mutex_);
  const std::uint64_t used = disk_->used();
  return {disk_->capacity_ - std::min(used, disk_->capacity_), disk_->capacity_};
}

Result<RecordStore::Life> MemoryRecordStore::begin_life(Restored restored) {
  const std::lock_guard lock(disk_->mutex_);
  Life& life = disk_->life_;
  life.start_id = ++*disk_->starts_;
  life.restored = restored;
  // Restored: behind all starts that its copies can have begun.
  life.incarnation =
      restored == Restored::yes ? Incarnation(life.start_id + 1) : life.incarnation + 1;
  if (life.join == disk_->membership_.joined) life.join = life.start_id;
  return life;
}

Result<RecordStore::Membership> MemoryRecordStore::membership() const {
  const std::lock_guard lock(disk_->mutex_);
  return disk_->membership_;
}

Result<void> MemoryRecordStore::set_membership(const Membership& membership) {
  const std::lock_guard lock(disk_->mutex_);
  disk_->membership_ = membership;
  return {};
}

// ---- The disk

MemoryDisk::MemoryDisk(std::string store_id) { life_.store_id = std::move(store_id); }

void MemoryDisk::set_sync(Sync sync) {
  const std::lock_guard lock(mutex_);
  sync_ = sync;
}

void MemoryDisk::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void MemoryDisk::kill() {
  const std::lock_guard lock(mutex_);
  for (auto& [key, file] : files_) {
    file->open = false;
    file->unwritten_high_watermark.reset();
  }
}

void MemoryDisk::power_cut(std::size_t kept) {
  kill();
  const std::lock_guard lock(mutex_);
  for (auto& [key, file] : files_) {
    if (!file->fsynced) continue;
    // A new object: whoever still holds the old one (a process that is being torn down) must not
    // see, let alone change, what the disk holds after the cut.
    auto survived = std::make_shared<MemoryFile>();
    survived->identity = file->identity;
    survived->damaged = file->damaged;
    survived->written = std::move(*file->fsynced);
    for (std::size_t i = 0; i < std::min(kept, file->unsynced.size()); ++i) {
      apply_group(survived->written, file->unsynced[i]);
    }
    file = std::move(survived);
  }
}

std::shared_ptr<MemoryDisk> MemoryDisk::copy() const {
  const std::lock_guard lock(mutex_);
  auto disk = std::make_shared<MemoryDisk>();
  for (const auto& [key, file] : files_) {
    auto copied = std::make_shared<MemoryFile>();
    copied->identity = file->identity;
    copied->damaged = file->damaged;
    copied->written = file->fsynced ? *file->fsynced : file->written;
    disk->files_.emplace(key, std::move(copied));
  }
  disk->known_ = known_;
  disk->life_ = life_;
  disk->starts_ = starts_;
  disk->membership_ = membership_;
  return disk;
}

std::shared_ptr<MemoryDisk> MemoryDisk::another(std::string store_id) const {
  const std::lock_guard lock(mutex_);
  auto disk = std::make_shared<MemoryDisk>(std::move(store_id));
  disk->starts_ = starts_;
  disk->life_.incarnation = Incarnation(*starts_ + 1);  // All copies began as many.
  return disk;
}

void MemoryDisk::lose_file(const PartitionKey& key) {
  const std::lock_guard lock(mutex_);
  files_.erase(key);
}

void MemoryDisk::damage_file(const PartitionKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  if (found != files_.end()) found->second->damaged = true;
}

void MemoryDisk::rot_file(const PartitionKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  if (found != files_.end()) found->second->rotten = true;
}

void MemoryDisk::truncate_file(const PartitionKey& key, std::size_t batches) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  if (found == files_.end()) return;
  State& state = found->second->written;
  if (batches >= state.batches.size()) return;
  apply_op(state, Truncate{state.batches[batches].header.base_offset});
  std::erase_if(state.positions,
                [&](const auto& row) { return row.second.offset > state.log_end; });
  state.clean = false;
}

std::uint64_t MemoryDisk::used() const {
  std::uint64_t used = 0;
  for (const auto& [key, file] : files_) used += file->written.payload_bytes;
  return used;
}

}  // namespace pinion::test
