#include "partition/storage/data_folder.hpp"

#include "common/base/assert.hpp"
#include "partition/storage/partition_format.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace pinion::storage {
namespace {

namespace fs = std::filesystem;

/// What SQLite may have put beside a database file.
constexpr const char* companions[] = {"-wal", "-shm", "-journal"};

tl::unexpected<Error> errno_failure(const std::string& what) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT;
  return failure(full ? Errc::storage_full : Errc::io_failed, what + ": " + std::strerror(error));
}

std::string parent_of(const std::string& path) { return fs::path(path).parent_path().string(); }

/// "20261121T101303.123456Z"
std::string time_stamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const auto seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", &utc);
  const std::string fraction = std::to_string(1'000'000 + micros % 1'000'000).substr(1);
  return std::string(text, size) + "." + fraction + "Z";
}

Result<void> write_text(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return errno_failure("writing " + path);
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool synced = written && ::fsync(file) == 0;
  Result<void> result;
  if (!synced) result = errno_failure("writing " + path);
  ::close(file);
  return result;
}

}  // namespace

Result<void> sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return errno_failure("opening " + path);
  Result<void> result;
  if (::fsync(folder) != 0) result = errno_failure("syncing " + path);
  ::close(folder);
  return result;
}

FileStamp stamp_of(const std::string& path) noexcept {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  const std::int64_t modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000;
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          modified + status.st_mtim.tv_nsec};
}

// ---- DataFolder

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Result<void> DataFolder::open(const std::string& path, std::size_t reserve_bytes) {
  PINION_ASSERT(lock_ < 0);
  std::error_code error;
  path_ = fs::absolute(path, error).lexically_normal().string();
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
  const bool made = fs::create_directories(path_ + "/set-aside", error);
  if (error) {
    return failure(Errc::io_failed, "the data folder " + path_ + " cannot be made: " +
                                        error.message() + "; name another in data_dir");
  }
  if (made) {
    PINION_CHECK(sync_folder(path_));
    PINION_CHECK(sync_folder(parent_of(path_)));
  }
  const std::string lock = path_ + "/lock";
  lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) return errno_failure("the data folder cannot be written: " + lock);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    return failure(Errc::io_failed, "the data folder " + path_ +
                                        " is in use by another process; each partition broker "
                                        "needs its own data_dir");
  }
  reserve_bytes_ = reserve_bytes;
  has_reserve_ = stamp_of(path_ + "/reserve").exists();
  return {};
}

std::string DataFolder::topic_folder(std::string_view topic) const {
  return path_ + "/" + escape_topic(topic);
}

std::string DataFolder::file_of(const LogIdentity& identity) const {
  return topic_folder(identity.topic_name) + "/" + file_name_of(identity);
}

Result<void> DataFolder::make_topic_folder(std::string_view topic) {
  const std::string folder = topic_folder(topic);
  if (::mkdir(folder.c_str(), 0755) == 0) return sync_folder(path_);
  if (errno == EEXIST) return {};
  return errno_failure("making " + folder);
}

Result<std::string> DataFolder::set_aside(const std::string& file, std::string_view reason) {
  const fs::path source(file);
  const std::string target =
      path_ + "/set-aside/" + source.stem().string() + "." + time_stamp() + ".db";
  PINION_CHECK(write_text(target + ".txt", std::string(reason) + "\n"));
  // The file itself first: without it nothing can serve, but without its write-ahead log it would
  // look like a whole file with an older end.
  if (::rename(file.c_str(), target.c_str()) != 0 && errno != ENOENT) {
    return errno_failure("renaming " + file);
  }
  for (const char* companion : companions) {
    if (::rename((file + companion).c_str(), (target + companion).c_str()) == 0) continue;
    if (errno != ENOENT) return errno_failure("renaming " + file + companion);
  }
  PINION_CHECK(sync_folder(path_ + "/set-aside"));
  PINION_CHECK(sync_folder(parent_of(file)));
  return target;
}

Result<void> DataFolder::remove_file(const std::string& file) {
  // The file itself last: nothing may find a write-ahead log that belongs to no file.
  for (const char* suffix : {companions[0], companions[1], companions[2], ""}) {
    if (::unlink((file + suffix).c_str()) == 0 || errno == ENOENT) continue;
    return errno_failure("deleting " + file + suffix);
  }
  const std::string folder = parent_of(file);
  if (::rmdir(folder.c_str()) == 0) return sync_folder(path_);
  if (errno == ENOENT) return {};
  if (errno != ENOTEMPTY && errno != EEXIST) return errno_failure("deleting " + folder);
  return sync_folder(folder);
}

DiskSpace DataFolder::space() const noexcept {
  struct statvfs status {};
  if (::statvfs(path_.c_str(), &status) != 0) return {};
  return {std::uint64_t{status.f_bavail} * status.f_frsize,
          std::uint64_t{status.f_blocks} * status.f_frsize};
}

void DataFolder::release_reserve() noexcept {
  const std::lock_guard lock(reserve_mutex_);
  ::unlink((path_ + "/reserve").c_str());
  has_reserve_ = false;
}

void DataFolder::restore_reserve(std::uint64_t keep_free) noexcept {
  if (has_reserve_ || reserve_bytes_ == 0) return;
  const std::lock_guard lock(reserve_mutex_);
  if (space().free_bytes < keep_free + 2 * reserve_bytes_) return;
  const std::string path = path_ + "/reserve";
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return;
  has_reserve_ = ::posix_fallocate(file, 0, static_cast<off_t>(reserve_bytes_)) == 0;
  ::close(file);
  if (!has_reserve_) ::unlink(path.c_str());
}

}  // namespace pinion::storage
