// A SQLite VFS that fails on purpose, layered on the default one: the n-th write, sync, truncation
// or deletion is refused, torn, or is where the power goes; and a power cut takes what was not
// synced, in whole or in part.
//
// It writes through to real files, and keeps beside each what has been synced and what has been
// written since. After power_cut() the real files hold what a disk might: the synced content and
// any of the later writes, in any combination, the last one possibly torn. A deleted file may come
// back.
//
// One thread. All connections are closed before power_cut(); locks and shared memory are the real
// ones. The folder's own entries (mkdir, rename) are not its business.
#pragma once

#include "common/base/prng.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pinion::test {

enum class Fault : std::uint8_t {
  none,
  power,       ///< This operation and all after it fail, until heal().
  fail_write,  ///< The next write from there on fails with an I/O error, once.
  fail_sync,   ///< The next sync fails; what it should have synced stays unsynced.
  torn_write,  ///< The next write does half of its work; then as `power`.
  full,        ///< Writes that make a file longer fail with "disk full", until heal().
};

class FaultVfs {
 public:
  explicit FaultVfs(const std::string& name);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// The fault happens at the `at`-th operation from now, counted from 1.
  void arm(Fault fault, std::int64_t at);
  /// No more faults; operations succeed again.
  void heal();

  [[nodiscard]] std::int64_t operations() const noexcept { return operations_; }
  [[nodiscard]] bool fired() const noexcept { return fired_; }

  enum class Loss : std::uint8_t {
    everything,  ///< Nothing that was not synced survives.
    some,        ///< Any of it may, each write by itself, some of them torn.
    nothing,     ///< Only the process died.
  };
  /// Requires: every connection is closed.
  void power_cut(Loss loss, Prng& prng);

 private:
  friend struct FaultVfsCalls;

  struct Write {
    std::int64_t offset = 0;
    std::string bytes;
    bool truncate = false;  ///< To `offset`.
  };
  struct File {
    std::string synced;
    std::vector<Write> unsynced;
    bool deleted = false;  ///< And may come back.
  };

  enum class Kind : std::uint8_t { write, growing_write, sync, other };
  enum class Verdict : std::uint8_t { go_on, fail, full, tear };

  /// Counts an operation, and says what becomes of it.
  Verdict next_operation(Kind kind);

  /// Deletions in the folder are durable.
  void sync_folder_of(const std::string& name);

  std::string name_;
  sqlite3_vfs vfs_{};
  sqlite3_vfs* real_ = nullptr;
  std::map<std::string, File> files_;
  Fault fault_ = Fault::none;
  std::int64_t fault_at_ = 0;
  std::int64_t operations_ = 0;
  bool fired_ = false;
  bool dead_ = false;
};

}  // namespace pinion::test
