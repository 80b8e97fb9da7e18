#include "tests/sim/sqlite_disk.hpp"

#include "partition/storage/sqlite_record_store.hpp"
#include "tests/integration/storage/fault_vfs.hpp"
#include "tests/support/store_builders.hpp"

namespace pinion::sim {

namespace {

class SqliteDisk final : public Disk {
 public:
  explicit SqliteDisk(const std::string& store_id) : vfs_(unique_name(store_id)) {}

  Result<std::unique_ptr<RecordStore>> open_store() override {
    storage::SqliteRecordStoreOptions options;
    options.data_dir = folder_.path();
    options.low_space_bytes = 0;
    options.reserve_bytes = 0;
    options.page_bytes = 4096;
    options.checkpoint_record_bytes = 64 * 1024;
    options.checkpoint_wal_bytes = 4 * options.checkpoint_record_bytes;
    options.idle_close = 1s;
    options.vfs = vfs_.name();
    return storage::SqliteRecordStore::open(options);
  }

  void kill() override {
    Prng unused(0);
    vfs_.heal();
    vfs_.power_cut(test::FaultVfs::Loss::nothing, unused);
    restore_fault();
  }
  void power_cut(Prng& prng) override {
    vfs_.heal();
    vfs_.power_cut(
        prng.chance(1, 2) ? test::FaultVfs::Loss::some : test::FaultVfs::Loss::everything, prng);
    restore_fault();
  }
  void lose_power_soon(Prng& prng) override {
    vfs_.arm(prng.chance(1, 2) ? test::Fault::power : test::Fault::torn_write, prng.between(1, 12));
  }

  void set_sync(SyncFault fault) override {
    failing_ = fault == SyncFault::failing;
    restore_fault();
  }
  void set_room(std::int64_t bytes) override {
    full_ = bytes >= 0;
    restore_fault();
  }

  // What survives is for the file system to decide: the checkers that see only clients must do.
  std::optional<Offset> fsynced_end(const PartitionKey&) const override { return std::nullopt; }
  bool knows_reader(const PartitionKey&, const std::string&) const override { return true; }
  std::vector<BatchHeader> fsynced_batches(const PartitionKey&) const override { return {}; }
  std::optional<Offset> fsynced_position(const PartitionKey&, const std::string&) const override {
    return std::nullopt;
  }

 private:
  static std::string unique_name(const std::string& store_id) {
    static int count = 0;
    return "sim-" + store_id + "-" + std::to_string(count++);
  }

  void restore_fault() {
    vfs_.heal();
    if (failing_) {
      vfs_.arm(test::Fault::fail_sync, 1);
    } else if (full_) {
      vfs_.arm(test::Fault::full, 1);
    }
  }

  test::StoreFolder folder_;
  test::FaultVfs vfs_;
  bool failing_ = false;
  bool full_ = false;
};

}  // namespace

std::unique_ptr<Disk> make_sqlite_disk(const std::string& store_id) {
  return std::make_unique<SqliteDisk>(store_id);
}

}  // namespace pinion::sim
