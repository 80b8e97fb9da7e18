// The RecordStore on disk: one SQLite file a partition, `<data>/<topic>/<topic>-<partition>.db`,
// and `<data>/node.db` for what the node remembers about them. docs/STORAGE.md has the format, what
// is durable when, and what happens after each kind of damage.
//
// Thread-safe as the port says: open(), open_reader() and the rest may be called from any thread; a
// log belongs to its writer's thread, a reader to its own. Must outlive its logs and readers.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/ports/record_store.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace pinion::storage {

struct StoreContext;

struct SqliteRecordStoreOptions {
  std::string data_dir;  ///< Made when it is missing. One process at a time.

  /// Free space of the file system below which records and positions are refused.
  std::uint64_t low_space_bytes = limits::low_space_bytes_default;
  /// Of one file's write-ahead log, which grows while another process keeps a read transaction
  /// open. 0: until low_space_bytes is reached.
  std::uint64_t wal_bytes_max = 0;
  Micros idle_close = limits::file_idle_close;
  /// When more files are open, those that are idle for a second are closed.
  std::size_t open_files_max = 400;

  // What tests and measurements change.
  std::size_t checkpoint_record_bytes = limits::checkpoint_record_bytes;
  std::size_t checkpoint_wal_bytes = limits::checkpoint_wal_bytes;
  std::size_t reserve_bytes = limits::reserve_file_bytes;
  std::size_t page_bytes = limits::partition_page_bytes;  ///< Of files that are made from now on.
  Micros pinned_warning_after = 2s;  ///< How long checkpoints may be held up before it is said.
  Micros busy_timeout = 1s;          ///< How long another process's write lock is waited for.
  std::string vfs;                   ///< SQLite's; empty: the default one.
};

class SqliteRecordStore final : public RecordStore {
 public:
  /// `io_failed` when the folder cannot be used, with what to do; also when another process uses
  /// it. `file_corrupt` when node.db is damaged.
  [[nodiscard]] static Result<std::unique_ptr<SqliteRecordStore>> open(
      SqliteRecordStoreOptions options);

  ~SqliteRecordStore() override;
  SqliteRecordStore(const SqliteRecordStore&) = delete;
  SqliteRecordStore& operator=(const SqliteRecordStore&) = delete;

  [[nodiscard]] Result<OpenedLog> open(const LogIdentity& identity, IfMissing if_missing) override;
  [[nodiscard]] Result<std::unique_ptr<PartitionReader>> open_reader(
      const LogIdentity& identity) override;
  [[nodiscard]] Result<void> remove_topic(TopicId topic) override;
  [[nodiscard]] Result<void> remove_replica(PartitionKey key) override;
  [[nodiscard]] DiskSpace disk_space() const override;
  [[nodiscard]] Result<Life> begin_life(Restored restored) override;
  [[nodiscard]] Result<Membership> membership() const override;
  [[nodiscard]] Result<void> set_membership(const Membership& membership) override;

  /// Files that are open for writing now, for the node's load.
  [[nodiscard]] std::size_t open_files() const noexcept;

  /// Where the partition's file is, or would be.
  [[nodiscard]] std::string path_of(const LogIdentity& identity) const;

 private:
  explicit SqliteRecordStore(std::shared_ptr<StoreContext> context) noexcept;

  std::shared_ptr<StoreContext> context_;
};

}  // namespace pinion::storage
