#include "tests/sim/disk.hpp"

#include "tests/support/memory_record_store.hpp"

#include <utility>

namespace pinion::sim {

namespace {

class MemorySimDisk final : public Disk {
 public:
  explicit MemorySimDisk(const std::string& store_id)
      : disk_(std::make_shared<test::MemoryDisk>(store_id)) {}

  Result<std::unique_ptr<RecordStore>> open_store() override {
    return std::make_unique<test::MemoryRecordStore>(disk_);
  }
  void kill() override { disk_->kill(); }
  void power_cut(Prng& prng) override { disk_->power_cut(prng.below(3)); }
  std::vector<PartitionKey> spoil(Prng& prng, Spoil how, const std::string& new_store_id) override {
    if (how == Spoil::put_back) return put_back();
    if (how == Spoil::forget) return forget(prng);
    if (how == Spoil::swap) return swap(prng);
    std::vector<PartitionKey> spoiled;
    for (const LogIdentity& file : disk_->files()) {
      if (how != Spoil::replace && !spoiled.empty() && prng.chance(1, 2)) continue;
      if (spoil_file(prng, how, file.key)) spoiled.push_back(file.key);
    }
    if (how == Spoil::replace) disk_ = disk_->another(new_store_id);
    return spoiled;
  }
  void rot() override {
    for (const LogIdentity& file : disk_->files()) disk_->rot_file(file.key);
  }
  bool can_lie() const override { return true; }
  bool lies() const override { return lying_; }
  void back_up() override { backup_ = disk_->copy(); }
  bool swap_with_backup() override {
    if (backup_ == nullptr) return false;
    std::swap(disk_, backup_);
    return true;
  }
  void set_sync(SyncFault fault) override {
    using Sync = test::MemoryDisk::Sync;
    // A disk that has lied and does no more had the time to write what it held back.
    if (lying_) disk_->sync_all();
    lying_ = fault == SyncFault::lying;
    disk_->set_sync(fault == SyncFault::none ? Sync::honest
                                             : (lying_ ? Sync::lying : Sync::failing));
  }
  void set_room(std::int64_t bytes) override {
    disk_->set_capacity(bytes < 0 ? test::MemoryDisk::unlimited
                                  : disk_->used_bytes() + static_cast<std::uint64_t>(bytes));
  }
  std::optional<Offset> fsynced_end(const PartitionKey& key) const override {
    return disk_->fsynced_end(key);
  }
  bool knows_reader(const PartitionKey& key, const std::string& reader) const override {
    return disk_->fsynced_position(key, reader).has_value();
  }
  std::vector<BatchHeader> fsynced_batches(const PartitionKey& key) const override {
    std::vector<BatchHeader> headers;
    const auto state = disk_->fsynced(key);
    if (!state) return headers;
    for (const Batch& batch : state->batches) headers.push_back(batch.header);
    return headers;
  }
  std::optional<Offset> fsynced_position(const PartitionKey& key,
                                         const std::string& reader) const override {
    const std::optional<Position> position = disk_->fsynced_position(key, reader);
    if (!position || position->deleted) return std::nullopt;
    return position->offset;
  }
  std::optional<PositionVersion> fsynced_position_version(const PartitionKey& key) const override {
    return disk_->fsynced_position_version(key);
  }
  std::vector<BatchHeader> written_headers(const PartitionKey& key, Offset from,
                                           Offset end) const override {
    return disk_->written_headers(key, from, end);
  }

 private:
  /// Whether that made a difference.
  bool spoil_file(Prng& prng, Spoil how, const PartitionKey& key) {
    if (how == Spoil::truncate) {
      const std::size_t batches = fsynced_batches(key).size();
      if (batches == 0) return false;
      disk_->truncate_file(key, prng.below(batches));
    } else if (how == Spoil::put_back_file) {
      if (!is_older(key)) return false;
      disk_->put_back_file(key, *backup_);
    } else if (how == Spoil::lose) {
      disk_->lose_file(key);
    } else {
      disk_->damage_file(key);  // A file of no bytes is refused like one of wrong ones.
    }
    return true;
  }

  std::vector<PartitionKey> swap(Prng& prng) {
    const std::vector<LogIdentity> files = disk_->files();
    if (files.size() < 2) return {};
    const std::size_t one = prng.below(files.size());
    const std::size_t other = (one + 1 + prng.below(files.size() - 1)) % files.size();
    disk_->swap_files(files[one].key, files[other].key);
    return {files[one].key, files[other].key};
  }

  /// The process is dead already: of what was not written only the first few changes are there.
  std::vector<PartitionKey> forget(Prng& prng) {
    std::vector<PartitionKey> older;
    for (const LogIdentity& file : disk_->files()) {
      if (disk_->has_unsynced(file.key)) older.push_back(file.key);
    }
    disk_->power_cut(prng.below(3));
    lying_ = false;
    disk_->set_sync(test::MemoryDisk::Sync::honest);
    return older;
  }

  [[nodiscard]] bool is_older(const PartitionKey& key) const {
    const std::optional<Offset> end = backup_->fsynced_end(key);
    return end && (*end < disk_->fsynced_end(key) ||
                   backup_->fsynced_position_version(key) < disk_->fsynced_position_version(key));
  }

  std::vector<PartitionKey> put_back() {
    std::vector<PartitionKey> older;
    if (backup_ == nullptr) return older;
    for (const LogIdentity& file : disk_->files()) {
      const bool is_new = !backup_->fsynced_end(file.key);
      if (is_new || is_older(file.key)) older.push_back(file.key);
    }
    if (!older.empty()) disk_ = std::move(backup_);
    backup_ = nullptr;
    return older;
  }

  std::shared_ptr<test::MemoryDisk> disk_;
  std::shared_ptr<test::MemoryDisk> backup_;
  bool lying_ = false;
};

}  // namespace

std::unique_ptr<Disk> make_memory_disk(const std::string& store_id) {
  return std::make_unique<MemorySimDisk>(store_id);
}

}  // namespace pinion::sim
