// The node's data folder: names, the lock that keeps a second process out, folders made durable,
// files set aside, free space, and the reserve that is given up when the disk is full.
//
//   <data>/lock                     held for as long as a process uses the folder
//   <data>/node.db                  see node_file.hpp
//   <data>/reserve                  some MiB for a full disk
//   <data>/<topic>/<topic>-<p>.db   partition files
//   <data>/set-aside/               files that must not be used; never deleted by us
//
// Never opens a database file: closing a descriptor of one would drop the locks that SQLite holds
// on it in this process. Thread-safe.
#pragma once

#include "common/base/result.hpp"
#include "common/ports/record_store.hpp"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace pinion::storage {

class DataFolder {
 public:
  /// Makes the folder when it is missing and locks it. `io_failed` says what to do.
  [[nodiscard]] Result<void> open(const std::string& path, std::size_t reserve_bytes);

  DataFolder() = default;
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string node_file() const { return path_ + "/node.db"; }
  [[nodiscard]] std::string topic_folder(std::string_view topic) const;
  [[nodiscard]] std::string file_of(const LogIdentity& identity) const;

  [[nodiscard]] Result<void> make_topic_folder(std::string_view topic);

  /// Renames the file and what belongs to it into set-aside/, with a text that says why, and
  /// returns where it is now.
  [[nodiscard]] Result<std::string> set_aside(const std::string& file, std::string_view reason);

  /// Deletes a partition file and what belongs to it, and its folder when that is empty.
  [[nodiscard]] Result<void> remove_file(const std::string& file);

  [[nodiscard]] DiskSpace space() const noexcept;

  /// Gives the reserved bytes back to the file system, so that checkpoints and retention can run.
  void release_reserve() noexcept;
  /// Makes the reserve again when there is room for it beyond `keep_free`.
  void restore_reserve(std::uint64_t keep_free) noexcept;

 private:
  std::string path_;
  std::size_t reserve_bytes_ = 0;
  int lock_ = -1;
  std::mutex reserve_mutex_;
  std::atomic<bool> has_reserve_ = false;
};

/// Makes the entries of a folder durable.
[[nodiscard]] Result<void> sync_folder(const std::string& path);

/// What tells one state of a file from another without opening it. All zero when it is missing.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileStamp&) const = default;
  [[nodiscard]] bool exists() const noexcept { return inode != 0; }
  /// Whatever has been written to it meanwhile.
  [[nodiscard]] bool is_same_file(const FileStamp& other) const noexcept {
    return device == other.device && inode == other.inode;
  }
};
[[nodiscard]] FileStamp stamp_of(const std::string& path) noexcept;

}  // namespace pinion::storage
