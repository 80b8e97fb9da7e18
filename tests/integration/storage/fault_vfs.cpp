#include "tests/integration/storage/fault_vfs.hpp"

#include "common/base/assert.hpp"
#include "common/sqlite/database.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace pinion::test {

/// SQLite's callbacks. A FaultFile is followed in memory by the default VFS's own file object.
struct FaultVfsCalls {
  struct FaultFile {
    sqlite3_file base;
    FaultVfs* vfs;
    FaultVfs::File* file;  ///< Null for temporary files, which nobody misses.
    bool sync_folder;      ///< The default VFS syncs the folder with a new journal's first sync.
    const char* name;
  };

  static FaultFile& self(sqlite3_file* file) { return *reinterpret_cast<FaultFile*>(file); }
  static sqlite3_file* real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<FaultFile*>(file) + 1);
  }
  static FaultVfs& self(sqlite3_vfs* vfs) { return *static_cast<FaultVfs*>(vfs->pAppData); }

  static std::string content_of(sqlite3_file* real_file) {
    sqlite3_int64 size = 0;
    real_file->pMethods->xFileSize(real_file, &size);
    std::string content(static_cast<std::size_t>(size), '\0');
    if (size > 0) real_file->pMethods->xRead(real_file, content.data(), static_cast<int>(size), 0);
    return content;
  }

  // ---- Files

  static int close(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }

  static int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
    return real(file)->pMethods->xRead(real(file), to, size, offset);
  }

  static int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    FaultFile& at = self(file);
    if (at.file == nullptr) return real(file)->pMethods->xWrite(real(file), from, size, offset);
    sqlite3_int64 before = 0;
    real(file)->pMethods->xFileSize(real(file), &before);
    const auto kind =
        offset + size > before ? FaultVfs::Kind::growing_write : FaultVfs::Kind::write;
    switch (at.vfs->next_operation(kind)) {
      case FaultVfs::Verdict::fail:
        return SQLITE_IOERR_WRITE;
      case FaultVfs::Verdict::full:
        return SQLITE_FULL;
      case FaultVfs::Verdict::tear:
        do_write(file, from, size / 2, offset);
        return SQLITE_IOERR_WRITE;
      case FaultVfs::Verdict::go_on:
        break;
    }
    return do_write(file, from, size, offset);
  }

  static int do_write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    const auto* bytes = static_cast<const char*>(from);
    self(file).file->unsynced.push_back(
        {offset, std::string(bytes, static_cast<std::size_t>(size)), false});
    return real(file)->pMethods->xWrite(real(file), from, size, offset);
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    FaultFile& at = self(file);
    if (at.file != nullptr) {
      if (at.vfs->next_operation(FaultVfs::Kind::other) != FaultVfs::Verdict::go_on) {
        return SQLITE_IOERR_TRUNCATE;
      }
      at.file->unsynced.push_back({size, {}, true});
    }
    return real(file)->pMethods->xTruncate(real(file), size);
  }

  static int sync(sqlite3_file* file, int) {
    FaultFile& at = self(file);
    if (at.file == nullptr) return SQLITE_OK;
    if (at.vfs->next_operation(FaultVfs::Kind::sync) != FaultVfs::Verdict::go_on) {
      return SQLITE_IOERR_FSYNC;
    }
    if (at.sync_folder) at.vfs->sync_folder_of(at.name);
    at.sync_folder = false;
    at.file->synced = content_of(real(file));
    at.file->unsynced.clear();
    return SQLITE_OK;
  }

  static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    return real(file)->pMethods->xFileSize(real(file), size);
  }
  static int lock(sqlite3_file* file, int level) {
    return real(file)->pMethods->xLock(real(file), level);
  }
  static int unlock(sqlite3_file* file, int level) {
    return real(file)->pMethods->xUnlock(real(file), level);
  }
  static int check_reserved(sqlite3_file* file, int* result) {
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
  }
  static int file_control(sqlite3_file* file, int op, void* argument) {
    return real(file)->pMethods->xFileControl(real(file), op, argument);
  }
  static int sector_size(sqlite3_file* file) {
    return real(file)->pMethods->xSectorSize(real(file));
  }
  static int characteristics(sqlite3_file* file) {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
  }
  static int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, memory);
  }
  static int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
  }
  static void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
  static int shm_unmap(sqlite3_file* file, int remove) {
    return real(file)->pMethods->xShmUnmap(real(file), remove);
  }

  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods made = [] {
      sqlite3_io_methods table{};
      table.iVersion = 2;
      table.xClose = close;
      table.xRead = read;
      table.xWrite = write;
      table.xTruncate = truncate;
      table.xSync = sync;
      table.xFileSize = file_size;
      table.xLock = lock;
      table.xUnlock = unlock;
      table.xCheckReservedLock = check_reserved;
      table.xFileControl = file_control;
      table.xSectorSize = sector_size;
      table.xDeviceCharacteristics = characteristics;
      table.xShmMap = shm_map;
      table.xShmLock = shm_lock;
      table.xShmBarrier = shm_barrier;
      table.xShmUnmap = shm_unmap;
      return table;
    }();
    return made;
  }

  // ---- The file system

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    FaultVfs& faults = self(vfs);
    FaultFile& opened = self(file);
    opened.base.pMethods = nullptr;
    if (faults.dead_) return SQLITE_IOERR;
    const int rc = faults.real_->xOpen(faults.real_, name, real(file), flags, out);
    if (rc != SQLITE_OK) return rc;
    opened.base.pMethods = &methods();
    opened.vfs = &faults;
    opened.file = nullptr;
    opened.name = name;
    opened.sync_folder = (flags & SQLITE_OPEN_CREATE) != 0 &&
                         (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    if (name == nullptr) return SQLITE_OK;
    const auto [entry, is_new] = faults.files_.try_emplace(name);
    opened.file = &entry->second;
    if (is_new || opened.file->deleted) {
      // Made anew, or met for the first time. An empty file may be lost with its name as well; that
      // an entry of a folder is synced is tested elsewhere.
      *opened.file = {content_of(real(file)), {}, false};
    }
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    FaultVfs& faults = self(vfs);
    if (faults.next_operation(FaultVfs::Kind::other) != FaultVfs::Verdict::go_on) {
      return SQLITE_IOERR_DELETE;
    }
    const int rc = faults.real_->xDelete(faults.real_, name, sync_folder);
    const auto found = faults.files_.find(name);
    if (rc == SQLITE_OK && found != faults.files_.end()) found->second.deleted = true;
    if (sync_folder != 0) faults.sync_folder_of(name);
    return rc;
  }

  static int access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
    FaultVfs& faults = self(vfs);
    return faults.real_->xAccess(faults.real_, name, flags, result);
  }
  static int full_path(sqlite3_vfs* vfs, const char* name, int size, char* out) {
    FaultVfs& faults = self(vfs);
    return faults.real_->xFullPathname(faults.real_, name, size, out);
  }
  static int randomness(sqlite3_vfs* vfs, int size, char* out) {
    FaultVfs& faults = self(vfs);
    return faults.real_->xRandomness(faults.real_, size, out);
  }
  static int sleep(sqlite3_vfs* vfs, int micros) {
    FaultVfs& faults = self(vfs);
    return faults.real_->xSleep(faults.real_, micros);
  }
  static int current_time(sqlite3_vfs* vfs, double* time) {
    FaultVfs& faults = self(vfs);
    return faults.real_->xCurrentTime(faults.real_, time);
  }
  static int last_error(sqlite3_vfs* vfs, int size, char* out) {
    FaultVfs& faults = self(vfs);
    return faults.real_->xGetLastError(faults.real_, size, out);
  }
};

FaultVfs::FaultVfs(const std::string& name) : name_(name) {
  sqlite::initialize();
  real_ = sqlite3_vfs_find(nullptr);
  PINION_ASSERT(real_ != nullptr);
  vfs_.iVersion = 1;
  vfs_.szOsFile = static_cast<int>(sizeof(FaultVfsCalls::FaultFile)) + real_->szOsFile;
  vfs_.mxPathname = real_->mxPathname;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = FaultVfsCalls::open;
  vfs_.xDelete = FaultVfsCalls::remove;
  vfs_.xAccess = FaultVfsCalls::access;
  vfs_.xFullPathname = FaultVfsCalls::full_path;
  vfs_.xRandomness = FaultVfsCalls::randomness;
  vfs_.xSleep = FaultVfsCalls::sleep;
  vfs_.xCurrentTime = FaultVfsCalls::current_time;
  vfs_.xGetLastError = FaultVfsCalls::last_error;
  PINION_ASSERT(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(&vfs_); }

void FaultVfs::arm(Fault fault, std::int64_t at) {
  fault_ = fault;
  fault_at_ = operations_ + at;
  fired_ = false;
}

void FaultVfs::heal() {
  fault_ = Fault::none;
  dead_ = false;
}

void FaultVfs::sync_folder_of(const std::string& name) {
  const std::string folder = name.substr(0, name.rfind('/') + 1);
  std::erase_if(files_, [&](const auto& entry) {
    return entry.second.deleted && entry.first.starts_with(folder);
  });
}

FaultVfs::Verdict FaultVfs::next_operation(Kind kind) {
  ++operations_;
  if (dead_) return Verdict::fail;
  if (fault_ == Fault::none || operations_ < fault_at_) return Verdict::go_on;
  const bool is_write = kind == Kind::write || kind == Kind::growing_write;
  switch (fault_) {
    case Fault::none:
      return Verdict::go_on;
    case Fault::power:
      fired_ = dead_ = true;
      return Verdict::fail;
    case Fault::fail_write:
      if (!is_write) return Verdict::go_on;
      fired_ = true;
      fault_ = Fault::none;
      return Verdict::fail;
    case Fault::fail_sync:
      if (kind != Kind::sync) return Verdict::go_on;
      fired_ = true;
      fault_ = Fault::none;
      return Verdict::fail;
    case Fault::torn_write:
      if (!is_write) return Verdict::go_on;
      fired_ = dead_ = true;
      return Verdict::tear;
    case Fault::full:
      if (kind != Kind::growing_write) return Verdict::go_on;
      fired_ = true;
      return Verdict::full;
  }
  return Verdict::go_on;
}

void FaultVfs::power_cut(Loss loss, Prng& prng) {
  for (auto& [name, file] : files_) {
    if (loss == Loss::nothing) continue;
    if (file.deleted && (loss == Loss::everything || prng.chance(1, 2))) continue;
    std::string content = file.synced;
    for (const Write& write : file.unsynced) {
      if (loss == Loss::everything || prng.chance(1, 2)) continue;
      const auto offset = static_cast<std::size_t>(write.offset);
      if (write.truncate) {
        content.resize(std::min(content.size(), offset));
        continue;
      }
      std::size_t size = write.bytes.size();
      if (prng.chance(1, 4)) size = static_cast<std::size_t>(prng.below(size + 1));
      if (content.size() < offset + size) content.resize(offset + size);
      std::copy_n(write.bytes.data(), size, content.data() + offset);
    }
    std::ofstream(name, std::ios::binary | std::ios::trunc) << content;
  }
  files_.clear();
  heal();
}

}  // namespace pinion::test
