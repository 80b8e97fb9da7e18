// node.db: what a node remembers about itself and its partition files, apart from them, so that a
// file that was swapped, emptied, or put back from an old copy is recognised.
//
//   node        store_id, incarnation, join, joined, cluster_id, controller_epoch, controller_start
//   files       each partition file: its id, and the last epoch and log end that its last
//               checkpoint made durable in the file itself
//   tombstones  topics whose deletion was carried out here
//
// Checkpoints are noted in memory and written together, about once a second: an older note is only
// a weaker check, never a wrong one. A note is lowered, durably, before a log is cut below it.
// Thread-safe.
#pragma once

#include "common/base/result.hpp"
#include "common/ports/record_store.hpp"
#include "common/sqlite/database.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pinion::storage {

class NodeFile {
 public:
  struct KnownFile {
    std::string topic;
    std::string file_id;
    Epoch last_epoch{0};
    Offset log_end{0};
  };

  /// Opens or makes it. `file_corrupt` when it is damaged: without it nothing here can be trusted.
  [[nodiscard]] Result<void> open(const std::string& path, const std::string& vfs);

  [[nodiscard]] Result<RecordStore::Life> begin_life(Restored restored);
  [[nodiscard]] RecordStore::Membership membership() const;
  [[nodiscard]] Result<void> set_membership(const RecordStore::Membership& membership);

  [[nodiscard]] std::optional<KnownFile> find(const PartitionKey& key) const;
  [[nodiscard]] std::vector<PartitionKey> files_of(TopicId topic) const;
  /// Another topic's partition whose file has the same name: a topic that was deleted, of which
  /// this node has not let go yet.
  [[nodiscard]] std::optional<PartitionKey> namesake(const LogIdentity& identity) const;
  [[nodiscard]] bool is_removed(TopicId topic) const;

  /// A new file. Durable when it returns.
  [[nodiscard]] Result<void> add(const PartitionKey& key, const KnownFile& file);

  /// This much is durable: a file that ends before it is not the one that was left. Written by a
  /// later flush(), so what was appended in the last second may not be known yet.
  void note_durable(const PartitionKey& key, Epoch last_epoch, Offset log_end);
  /// The log is about to be cut to `log_end`. Durable when it returns.
  [[nodiscard]] Result<void> lower(const PartitionKey& key, Epoch last_epoch, Offset log_end);

  /// Damage was found in the file while it was in use: it is to be set aside before it is used
  /// again. Holds in memory whatever the result; durable when that is ok.
  [[nodiscard]] Result<void> mark_damaged(const PartitionKey& key, const std::string& why);
  [[nodiscard]] std::optional<std::string> damage_of(const PartitionKey& key) const;
  /// It was set aside. Durable when it returns.
  [[nodiscard]] Result<void> clear_damage(const PartitionKey& key);

  /// Writes what was noted, when the oldest note has waited for `after`. A failure keeps the notes.
  [[nodiscard]] Result<void> flush(Micros monotonic, Micros after);

  [[nodiscard]] Result<void> begin_removal(TopicId topic);
  [[nodiscard]] Result<void> forget_files(TopicId topic);
  /// One file is not this node's any more. Durable when it returns.
  [[nodiscard]] Result<void> forget(const PartitionKey& key);

  void close() noexcept;

 private:
  struct Entry {
    KnownFile file;
    bool noted = false;  ///< Differs from what is written.
  };

  // All require: mutex_ is held.
  [[nodiscard]] Result<void> make_schema();
  [[nodiscard]] Result<void> load();
  [[nodiscard]] Result<void> put(std::string_view name, const std::string& value);
  [[nodiscard]] Result<std::string> get(std::string_view name);
  /// 0 when it has none: made before there was such a number.
  [[nodiscard]] Result<std::int64_t> number(std::string_view name);
  [[nodiscard]] Result<void> write_entry(const PartitionKey& key, const KnownFile& file);

  mutable std::mutex mutex_;
  std::string path_;
  sqlite::Database database_;
  std::map<PartitionKey, Entry> files_;
  std::map<TopicId, bool> tombstones_;
  std::map<PartitionKey, std::string> damage_;
  RecordStore::Membership membership_;
  std::size_t noted_ = 0;
  std::optional<Micros> flush_due_since_;
};

/// Random, for identities: 128 bits as 32 hexadecimal digits.
[[nodiscard]] std::string random_id();

}  // namespace pinion::storage
