#include "tests/sim/sqlite_disk.hpp"

#include "common/base/assert.hpp"
#include "partition/storage/sqlite_record_store.hpp"
#include "tests/integration/storage/fault_vfs.hpp"
#include "tests/support/store_builders.hpp"

#include <filesystem>
#include <fstream>
#include <map>

namespace pinion::sim {

namespace {

namespace fs = std::filesystem;

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

  void note_file(const LogIdentity& identity) override {
    files_[identity.key] = folder_.path() + "/" + identity.topic_name + "/" + identity.topic_name +
                           "-" + std::to_string(identity.key.partition.raw()) + ".db";
  }
  /// A flip may be in what the write-ahead log has anew.
  bool gives_up(Spoil how) const override { return how != Spoil::flip && Disk::gives_up(how); }
  void back_up() override { copy_folder(folder_.path(), backup_.path()); }
  std::vector<PartitionKey> spoil(Prng& prng, Spoil how, const std::string&) override {
    std::vector<PartitionKey> there;
    for (const auto& [key, path] : files_) {
      if (fs::exists(path)) there.push_back(key);
    }
    if (how == Spoil::swap) return swap(prng, there);
    if (how == Spoil::replace) empty_folder(folder_.path());
    if (how == Spoil::put_back) {
      empty_folder(folder_.path());
      copy_folder(backup_.path(), folder_.path());
    }
    if (how == Spoil::replace || how == Spoil::put_back) return there;
    std::vector<PartitionKey> spoiled;
    for (const PartitionKey& key : there) {
      if (!spoiled.empty() && prng.chance(1, 2)) continue;
      if (spoil_file(prng, how, files_[key])) spoiled.push_back(key);
    }
    return spoiled;
  }

  void set_sync(SyncFault fault) override {
    failing_ = fault == SyncFault::failing;
    restore_fault();
  }
  void set_room(std::int64_t bytes) override {
    full_ = bytes >= 0;
    restore_fault();
  }

  // What survives is for the file system to decide. To ask it would be to open a copy of its synced
  // bytes for every answer; so the rules about disks rest, and what replicas took over from their
  // files (Cluster::copy_in_use), their running hashes and the clients' checkers decide.
  std::optional<Offset> fsynced_end(const PartitionKey&) const override { return std::nullopt; }
  bool knows_reader(const PartitionKey&, const std::string&) const override { return true; }
  std::vector<BatchHeader> fsynced_batches(const PartitionKey&) const override { return {}; }
  std::optional<Offset> fsynced_position(const PartitionKey&, const std::string&) const override {
    return std::nullopt;
  }
  std::optional<PositionVersion> fsynced_position_version(const PartitionKey&) const override {
    return std::nullopt;
  }
  std::vector<BatchHeader> written_headers(const PartitionKey&, Offset, Offset) const override {
    return {};
  }

 private:
  static void empty_folder(const std::string& path) {
    for (const auto& entry : fs::directory_iterator(path)) fs::remove_all(entry.path());
  }

  static void copy_folder(const std::string& from, const std::string& to) {
    empty_folder(to);
    fs::copy(from, to, fs::copy_options::recursive);
    fs::remove_all(to + "/set-aside");
  }

  static void remove_wal(const std::string& path) {
    fs::remove(path + "-wal");
    fs::remove(path + "-shm");
  }

  /// Bits where opening looks: the database's first bytes, and the write-ahead log, whose frames
  /// have checksums. Elsewhere only a record's own checksum finds them, when it is read.
  static void flip(Prng& prng, const std::string& path, std::uint64_t begin, std::uint64_t end) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(begin + prng.below(end - begin));
    file.seekg(at);
    const int was = file.get();
    file.seekp(at);
    file.put(static_cast<char>(was ^ (1 << prng.below(8))));
  }

  /// Whether there was anything to spoil.
  bool spoil_file(Prng& prng, Spoil how, const std::string& path) {
    const std::string wal = path + "-wal";
    const std::uint64_t bytes = fs::file_size(path);
    const std::uint64_t wal_bytes = fs::exists(wal) ? fs::file_size(wal) : 0;
    const bool in_wal = wal_bytes > wal_header_bytes && prng.chance(1, 2);
    if (bytes == 0) return false;
    if (how == Spoil::flip) {
      if (in_wal) flip(prng, wal, wal_header_bytes, wal_bytes);
      if (!in_wal) flip(prng, path, 0, magic_bytes);
    } else if (how == Spoil::truncate) {
      if (in_wal) fs::resize_file(wal, prng.below(wal_bytes));
      if (!in_wal) fs::resize_file(path, prng.below(bytes));
      if (!in_wal) remove_wal(path);
    } else if (how == Spoil::empty) {
      fs::resize_file(path, 0);
    } else if (how == Spoil::lose) {
      fs::remove(path);
      remove_wal(path);
    } else {
      PINION_ASSERT(how == Spoil::put_back_file);
      const std::string older = backup_.path() + path.substr(folder_.path().size());
      if (!fs::exists(older)) return false;
      remove_wal(path);
      fs::copy_file(older, path, fs::copy_options::overwrite_existing);
      if (fs::exists(older + "-wal")) fs::copy_file(older + "-wal", wal);
    }
    return true;
  }

  std::vector<PartitionKey> swap(Prng& prng, const std::vector<PartitionKey>& there) {
    if (there.size() < 2) return {};
    const std::size_t one = prng.below(there.size());
    const std::size_t other = (one + 1 + prng.below(there.size() - 1)) % there.size();
    for (const char* const part : {"", "-wal", "-shm"}) {
      const std::string first = files_[there[one]] + part;
      const std::string second = files_[there[other]] + part;
      if (fs::exists(first)) fs::rename(first, first + "-moved");
      if (fs::exists(second)) fs::rename(second, first);
      if (fs::exists(first + "-moved")) fs::rename(first + "-moved", second);
    }
    return {there[one], there[other]};
  }

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

  static constexpr std::uint64_t magic_bytes = 16;
  static constexpr std::uint64_t wal_header_bytes = 32;

  test::StoreFolder folder_;
  test::StoreFolder backup_;
  std::map<PartitionKey, std::string> files_;
  test::FaultVfs vfs_;
  bool failing_ = false;
  bool full_ = false;
};

}  // namespace

std::unique_ptr<Disk> make_sqlite_disk(const std::string& store_id) {
  return std::make_unique<SqliteDisk>(store_id);
}

}  // namespace pinion::sim
