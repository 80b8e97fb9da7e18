// The connection of one PartitionReader. It is used by the reader's thread, and closed by the log's
// when nobody has read for a while; hence the mutex, which a reader holds for a whole call.
// Internal to partition/storage.
#pragma once

#include "common/sqlite/database.hpp"
#include "partition/storage/batch_rows.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

namespace pinion::storage {

class ReaderConnection {
 public:
  std::mutex mutex;  ///< Guards the next two.
  sqlite::Database database;
  std::optional<BatchRows> rows;
  std::atomic<std::uint64_t> uses = 0;

  void close() {
    const std::lock_guard lock(mutex);
    rows.reset();
    database = sqlite::Database();
  }
};

}  // namespace pinion::storage
