// A RecordStore in memory that models "written" against "fsynced", so that a simulated power cut
// loses exactly what a real one would. MemoryDisk is what outlives a process: keep it, destroy the
// store, make a new one over the same disk, and that was a restart. The contract suite of the
// SQLite store (tests/contract/record_store) runs against it.
//
// A group of tickets is one transaction: written whole or not at all, and fsynced before apply()
// returns. Written and fsynced differ only after a failed sync and on a disk that lies; then
// power_cut() keeps a prefix of the unsynced transactions, as a write-ahead log with checksums
// would. Opening a file syncs it (a store does not serve what it could still lose), so a file that
// was open and is opened again after kill() has everything that was written.
//
// Thread-safe throughout: one mutex a disk. Deterministic: no clock, no randomness.
#pragma once

#include "common/ports/record_store.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pinion::test {

/// The contents of one partition file. What a test may want to look at is public.
struct MemoryFile {
  struct State {
    Offset log_start{0};
    Offset log_end{0};
    Offset high_watermark{0};
    Micros last_log_time{0};
    std::vector<EpochStart> epochs;
    std::vector<Batch> batches;  ///< In order of their offsets, dense from log_start to log_end.
    std::map<std::string, Position> positions;
    std::map<ProducerId, ProducerState> dropped_producers;  ///< Folded in by retention.
    std::uint64_t payload_bytes = 0;
    bool clean = true;
  };

  LogIdentity identity;
  State written;
  std::optional<State> fsynced;  ///< Only while it differs from `written`.
  std::vector<std::vector<Persist>> unsynced;
  std::optional<Offset> unwritten_high_watermark;  ///< Noted, rides with the next commit.
  bool open = false;
  bool failed = false;   ///< A sync failed: no further apply is allowed.
  bool damaged = false;  ///< Opening it finds damage.
  bool rotten = false;   ///< Reading it does, and then opening.
};

/// One node's disk: its partition files and the node's own file.
class MemoryDisk {
 public:
  explicit MemoryDisk(std::string store_id = "memory");

  // ---- Faults. Each stays until it is switched back.

  enum class Sync : std::uint8_t {
    honest,
    failing,  ///< apply() answers storage_failed; the group is written, not fsynced.
    lying,    ///< apply() answers ok; the group is written, not fsynced.
  };
  void set_sync(Sync sync);

  /// Payload that all files together may hold; beyond, apply() answers storage_full.
  void set_capacity(std::uint64_t bytes);
  static constexpr std::uint64_t unlimited = UINT64_MAX / 2;

  /// The process died (kill -9): every file is closed, what was written stays. Requires: the dead
  /// process's logs and readers are destroyed before the next one opens them.
  void kill();

  /// The power failed: as kill(), and of the transactions that were not fsynced at most the first
  /// `kept` of each file survive.
  void power_cut(std::size_t kept = 0);

  /// Another disk with what would survive a power cut of this one now: a backup.
  [[nodiscard]] std::shared_ptr<MemoryDisk> copy() const;
  /// An empty one in its place, whose starts are counted on from those of this one.
  [[nodiscard]] std::shared_ptr<MemoryDisk> another(std::string store_id) const;

  /// What was written and not fsynced is now.
  void sync_all();

  /// Someone deleted a file, or damaged it, while the node was down.
  void lose_file(const PartitionKey& key);
  void damage_file(const PartitionKey& key);
  /// A bit flips in an old record: the next read that comes by finds it.
  void rot_file(const PartitionKey& key);
  /// It ends after its first `batches`; as SQLite is, when its write-ahead log was cut. Readers who
  /// had come further are as they were when the log ended there, or unknown.
  void truncate_file(const PartitionKey& key, std::size_t batches);
  /// Each stands under the other's name.
  void swap_files(const PartitionKey& one, const PartitionKey& other);
  /// That file is as it is on the other disk, while the node remembers what it was.
  void put_back_file(const PartitionKey& key, const MemoryDisk& older);

  // ---- For checks.

  /// What would survive a power cut now; nothing when there is no such file.
  [[nodiscard]] std::optional<MemoryFile::State> fsynced(const PartitionKey& key) const;
  /// The same for the log's end and one reader's position alone, which is cheap.
  [[nodiscard]] std::optional<Offset> fsynced_end(const PartitionKey& key) const;
  [[nodiscard]] std::optional<Position> fsynced_position(const PartitionKey& key,
                                                         const std::string& reader) const;
  /// Of the newest change of a position that would survive; 0: none.
  [[nodiscard]] PositionVersion fsynced_position_version(const PartitionKey& key) const;
  /// Something was written to it that a power cut would take.
  [[nodiscard]] bool has_unsynced(const PartitionKey& key) const;
  /// Headers of the batches that begin in [from, end), fsynced or not.
  [[nodiscard]] std::vector<BatchHeader> written_headers(const PartitionKey& key, Offset from,
                                                         Offset end) const;
  [[nodiscard]] std::uint64_t used_bytes() const;
  [[nodiscard]] std::vector<LogIdentity> files() const;
  [[nodiscard]] std::vector<std::string> set_aside() const;
  [[nodiscard]] std::uint64_t commits() const;

 private:
  friend class MemoryRecordStore;
  friend class MemoryPartitionLog;
  friend class MemoryPartitionReader;

  /// What the node's own file remembers of a partition file at its last checkpoint.
  struct Known {
    Offset log_end{0};
    Epoch last_epoch{0};
  };

  [[nodiscard]] std::uint64_t used() const;  ///< Requires: mutex_ is held.

  mutable std::mutex mutex_;
  std::map<PartitionKey, std::shared_ptr<MemoryFile>> files_;
  std::map<PartitionKey, Known> known_;
  std::vector<std::string> set_aside_;
  Sync sync_ = Sync::honest;
  std::uint64_t capacity_ = unlimited;
  std::uint64_t commits_ = 0;
  RecordStore::Life life_;
  /// Begun on this disk and all its copies: no two of them are alike.
  std::shared_ptr<std::int64_t> starts_ = std::make_shared<std::int64_t>(0);
  RecordStore::Membership membership_;
};

class MemoryRecordStore final : public RecordStore {
 public:
  explicit MemoryRecordStore(std::shared_ptr<MemoryDisk> disk);

  [[nodiscard]] Result<OpenedLog> open(const LogIdentity& identity, IfMissing if_missing) override;
  [[nodiscard]] Result<std::unique_ptr<PartitionReader>> open_reader(
      const LogIdentity& identity) override;
  [[nodiscard]] Result<void> remove_topic(TopicId topic) override;
  [[nodiscard]] Result<void> remove_replica(PartitionKey key) override;
  [[nodiscard]] DiskSpace disk_space() const override;
  [[nodiscard]] Result<Life> begin_life(Restored restored) override;
  [[nodiscard]] Result<Membership> membership() const override;
  [[nodiscard]] Result<void> set_membership(const Membership& membership) override;

 private:
  std::shared_ptr<MemoryDisk> disk_;
};

}  // namespace pinion::test
