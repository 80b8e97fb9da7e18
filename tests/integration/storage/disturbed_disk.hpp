// One log of the real store on the real file system, and others who meddle with it.
#pragma once

#include "common/base/limits.hpp"
#include "common/sqlite/database.hpp"
#include "partition/storage/sqlite_record_store.hpp"
#include "tests/integration/storage/log_model.hpp"

#include <fstream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pinion::test {

using sqlite::Database;
using storage::SqliteRecordStore;
using storage::SqliteRecordStoreOptions;

/// One log on the real file system.
struct Disk {
  StoreFolder folder{"/dev/shm"};
  SqliteRecordStoreOptions options;
  std::unique_ptr<SqliteRecordStore> store;
  OpenedLog opened;
  std::unique_ptr<PartitionReader> reader;
  BatchMaker maker;
  Tickets ticket;
  Micros clock{0};

  Disk() {
    options.data_dir = folder.path();
    options.low_space_bytes = 0;
    options.reserve_bytes = 0;
    options.checkpoint_record_bytes = 64 * limits::kib;
    options.checkpoint_wal_bytes = 4 * options.checkpoint_record_bytes;
    options.busy_timeout = 50ms;
    options.pinned_warning_after = 1s;
  }
  void start() {
    auto result = SqliteRecordStore::open(options);
    INFO((result ? std::string() : result.error().to_string()));
    REQUIRE(result);
    store = std::move(*result);
  }
  Result<void> open(IfMissing if_missing) {
    auto result = store->open(orders(), if_missing);
    if (!result) return failure(result.error());
    opened = std::move(*result);
    auto made = store->open_reader(orders());
    REQUIRE(made);
    reader = std::move(*made);
    return {};
  }
  void begin() {
    start();
    REQUIRE(open(IfMissing::create));
    REQUIRE(apply({ticket.epoch(1, Offset(0))}));
  }
  Result<void> apply(const std::vector<Persist>& group) { return opened.log->apply(group); }
  Result<void> append(std::size_t records, std::size_t bytes = 100) {
    BatchMaker before = maker;
    Result<void> done =
        apply({ticket.high_watermark(maker.next), ticket.append(maker.make(records, bytes))});
    if (!done) maker = before;
    return done;
  }
  Result<Micros> maintain(Micros later = 2s) {
    clock += later;
    return opened.log->maintain({clock, clock});
  }
  void end() {
    reader.reset();
    opened = {};
    store.reset();
  }
  void close() {
    reader.reset();
    REQUIRE(opened.log->close());
    end();
  }
  [[nodiscard]] std::string path() const { return folder.path() + "/orders/orders-0.db"; }
};

/// Another process with the file open. It runs SQL and waits until it is told to go.
class OtherProcess {
 public:
  OtherProcess(const std::string& path, const std::string& sql) {
    REQUIRE(::pipe(ready_) == 0);
    REQUIRE(::pipe(leave_) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) run(path, sql);
    char byte = 0;
    REQUIRE(::read(ready_[0], &byte, 1) == 1);
    REQUIRE(byte == 'y');
  }
  ~OtherProcess() { leave(); }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  [[nodiscard]] std::string id() const { return "(pid " + std::to_string(pid_) + ")"; }

  void leave() {
    if (pid_ <= 0) return;
    REQUIRE(::write(leave_[1], "x", 1) == 1);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    for (const int file : {ready_[0], ready_[1], leave_[0], leave_[1]}) ::close(file);
  }

 private:
  /// A new program, so that no connection of this one is used after a fork.
  [[noreturn]] void run(const std::string& path, const std::string& sql) {
    ::dup2(leave_[0], 0);
    ::dup2(ready_[1], 1);
    ::execlp("sqlite3", "sqlite3", "-batch", "-cmd", ".timeout 2000", "-cmd", sql.c_str(), "-cmd",
             ".system echo y; head -c 1 > /dev/null", path.c_str(), "", nullptr);
    ::_exit(127);
  }

  int ready_[2] = {-1, -1};
  int leave_[2] = {-1, -1};
  pid_t pid_ = -1;
};

/// Another process that holds the lock of a checkpoint, as one that was stopped in the middle does.
class OtherCheckpoint {
 public:
  explicit OtherCheckpoint(const std::string& path) {
    REQUIRE(::pipe(ready_) == 0);
    REQUIRE(::pipe(leave_) == 0);
    const std::string shm = path + "-shm";
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) run(shm.c_str());
    char byte = 0;
    REQUIRE(::read(ready_[0], &byte, 1) == 1);
    REQUIRE(byte == 'y');
  }
  ~OtherCheckpoint() {
    REQUIRE(::write(leave_[1], "x", 1) == 1);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    for (const int file : {ready_[0], ready_[1], leave_[0], leave_[1]}) ::close(file);
  }
  OtherCheckpoint(const OtherCheckpoint&) = delete;
  OtherCheckpoint& operator=(const OtherCheckpoint&) = delete;

  [[nodiscard]] std::string id() const { return "(pid " + std::to_string(pid_) + ")"; }

 private:
  /// Only what may be called after a fork.
  [[noreturn]] void run(const char* shm) const {
    const int file = ::open(shm, O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 121;  // SQLite's WAL_CKPT_LOCK.
    lock.l_len = 1;
    const bool locked = file >= 0 && ::fcntl(file, F_SETLK, &lock) == 0;
    char byte = locked ? 'y' : 'n';
    const bool told = ::write(ready_[1], &byte, 1) == 1 && ::read(leave_[0], &byte, 1) == 1;
    ::_exit(told ? 0 : 1);
  }

  int ready_[2] = {-1, -1};
  int leave_[2] = {-1, -1};
  pid_t pid_ = -1;
};

inline void flip_bit(const std::string& path, std::uint64_t byte, int bit) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(byte));
  const char old = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(byte));
  file.put(static_cast<char>(old ^ (1 << bit)));
}

}  // namespace pinion::test
