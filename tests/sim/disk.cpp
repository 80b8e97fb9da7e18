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
    std::vector<PartitionKey> spoiled;
    for (const LogIdentity& file : disk_->files()) {
      if (how != Spoil::replace && !spoiled.empty() && prng.chance(1, 2)) continue;
      spoiled.push_back(file.key);
      if (how == Spoil::damage) disk_->damage_file(file.key);
      if (how == Spoil::lose) disk_->lose_file(file.key);
    }
    if (how == Spoil::replace) disk_ = disk_->another(new_store_id);
    return spoiled;
  }
  void rot() override {
    for (const LogIdentity& file : disk_->files()) disk_->rot_file(file.key);
  }
  void back_up() override { backup_ = disk_->copy(); }
  bool swap_with_backup() override {
    if (backup_ == nullptr) return false;
    std::swap(disk_, backup_);
    return true;
  }
  void set_sync(SyncFault fault) override {
    disk_->set_sync(fault == SyncFault::none ? test::MemoryDisk::Sync::honest
                                             : test::MemoryDisk::Sync::failing);
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

 private:
  std::vector<PartitionKey> put_back() {
    std::vector<PartitionKey> older;
    if (backup_ == nullptr) return older;
    for (const LogIdentity& file : disk_->files()) {
      const std::optional<Offset> end = backup_->fsynced_end(file.key);
      if (!end || *end < disk_->fsynced_end(file.key)) older.push_back(file.key);
    }
    if (!older.empty()) disk_ = std::move(backup_);
    backup_ = nullptr;
    return older;
  }

  std::shared_ptr<test::MemoryDisk> disk_;
  std::shared_ptr<test::MemoryDisk> backup_;
};

}  // namespace

std::unique_ptr<Disk> make_memory_disk(const std::string& store_id) {
  return std::make_unique<MemorySimDisk>(store_id);
}

}  // namespace pinion::sim
