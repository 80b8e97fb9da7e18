// The write-ahead log seen from outside of SQLite: who holds it, and whether its end is damaged.
//
// Both read plain files: /proc/locks, and the -wal file, on which SQLite takes no locks (unlike the
// database and its -shm, which must never be opened and closed by anything else in the process).
// Any thread.
#pragma once

#include "common/base/result.hpp"

#include <string>

namespace pinion::storage {

/// Processes that hold a read transaction of the database open, for people: "sqlite3 (pid 4711)".
/// Empty when there is none that can be seen.
[[nodiscard]] std::string readers_of(const std::string& database_path);

/// The same for the lock that a checkpoint holds, so that there is one at a time.
[[nodiscard]] std::string checkpointers_of(const std::string& database_path);

/// A write-ahead log that was only cut short or torn by a crash is fine: SQLite drops what was
/// never synced. It is damaged when a commit cannot be read although a later one is there: a commit
/// begins to be written only after the one before it was synced. `file_corrupt` then, ok otherwise.
[[nodiscard]] Result<void> check_wal(const std::string& wal_path);

}  // namespace pinion::storage
