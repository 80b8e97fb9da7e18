// What the logs and readers of one SqliteRecordStore share: its options, the data folder, node.db,
// and which partition files are open. Internal to partition/storage. Thread-safe as noted.
#pragma once

#include "common/ports/record_store.hpp"
#include "partition/storage/data_folder.hpp"
#include "partition/storage/node_file.hpp"
#include "partition/storage/partition_file.hpp"
#include "partition/storage/sqlite_record_store.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace pinion::storage {

class ReaderConnection;

/// One partition file between open() and the end of its log. Its log writes, its readers look.
struct OpenFile {
  LogIdentity identity;
  std::string path;
  std::atomic<std::uint64_t> payload_bytes = 0;
  std::mutex readers_mutex;
  std::vector<std::weak_ptr<ReaderConnection>> readers;
};

struct StoreContext {
  SqliteRecordStoreOptions options;
  DataFolder folder;
  NodeFile node_file;
  std::mutex mutex;  ///< Guards `open`.
  std::map<PartitionKey, std::shared_ptr<OpenFile>> open;
  std::atomic<std::size_t> writers = 0;  ///< Connections that write, now.
  std::atomic<std::uint64_t> free_bytes = UINT64_MAX;
  std::atomic<std::int64_t> space_checked_at = INT64_MIN;  ///< Monotonic, microseconds.

  [[nodiscard]] PartitionFileOptions file_options() const {
    return {options.page_bytes, options.busy_timeout, options.vfs};
  }
  /// Looks at the disk, at most every 200 ms, and makes the reserve again when there is room.
  void check_space(Micros monotonic);
};

/// Sends what SQLite said about a partition file on as what the port promises: `storage_full` when
/// nothing happened and it may work later, `file_corrupt` when the file is damaged, else
/// `storage_failed`.
[[nodiscard]] Error store_error(const Error& error, const std::string& path, bool rolled_back);

}  // namespace pinion::storage
