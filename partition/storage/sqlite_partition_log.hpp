// One partition file, written: group commit, checkpoints, retention, and what happens when the disk
// is full or fails. docs/STORAGE.md says what is durable when.
//
//   open --idle for a while--> closed --next use, checked--> open --any failure--> failed
//
// A file that is idle keeps no connection and no descriptor; that is invisible to its owner. After
// `failed` nothing is written or tried again. Belongs to one thread at a time; reads no clock, but
// remembers the one it was last maintained with.
#pragma once

#include "common/ports/record_store.hpp"
#include "partition/storage/recovery.hpp"
#include "partition/storage/store_context.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::storage {

class SqlitePartitionLog final : public PartitionLog {
 public:
  SqlitePartitionLog(std::shared_ptr<StoreContext> store, std::shared_ptr<OpenFile> open,
                     PartitionFile file, const Recovery& recovery);
  ~SqlitePartitionLog() override;
  SqlitePartitionLog(const SqlitePartitionLog&) = delete;
  SqlitePartitionLog& operator=(const SqlitePartitionLog&) = delete;

  [[nodiscard]] Result<void> apply(std::span<const Persist> group) override;
  /// Returns how long from now; `storage_full` as apply, and the log goes on.
  [[nodiscard]] Result<Micros> maintain(const Now& now) override;
  [[nodiscard]] LogSizes sizes() const override;
  [[nodiscard]] Offset log_end() const override { return state_.log_end; }
  [[nodiscard]] Result<void> close() override;

  /// After construction: remembers what the file is like now, and closes its connection again when
  /// too many are open. Errors as apply.
  [[nodiscard]] Result<void> start();

 private:
  /// One transaction under way: what the state will be, and what it still has to write.
  struct Change {
    LogState state;
    std::vector<const Batch*> appends;  ///< Gathered, to be inserted together.
    std::int64_t appended_records = 0;
    std::uint64_t appended_bytes = 0;
    bool mark_clean = false;
    bool write_high_watermark = false;
    Offset high_watermark{0};
  };

  // sqlite_partition_log.cpp: commits.
  [[nodiscard]] Result<void> commit(std::span<const Persist> group);
  [[nodiscard]] Result<void> begin();
  [[nodiscard]] Result<void> carry_out(std::span<const Persist> group, Change& change);
  [[nodiscard]] Result<void> carry_out(const AppendBatch& op, Change& change);
  [[nodiscard]] Result<void> carry_out(const StartEpoch& op, Change& change);
  [[nodiscard]] Result<void> carry_out(const PutPosition& op, Change& change);
  [[nodiscard]] Result<void> carry_out(const NoteHighWatermark& op, Change& change);
  [[nodiscard]] Result<void> carry_out(const Truncate& op, Change& change);
  [[nodiscard]] Result<void> carry_out(const DropBefore& op, Change& change);
  [[nodiscard]] Result<void> carry_out(const ResetPositions& op, Change& change);
  [[nodiscard]] Result<void> carry_out(const BeginAt& op, Change& change);
  [[nodiscard]] Result<void> insert_appends(Change& change);
  [[nodiscard]] Result<void> delete_slice(Change& change);
  [[nodiscard]] Result<void> finish(Change& change);
  [[nodiscard]] Result<void> move_snapshot(Change& change, Offset to);
  [[nodiscard]] Result<void> put_snapshot_bytes(LogState& state, std::int64_t bytes);
  [[nodiscard]] Result<Offset> batch_boundary(Offset offset);
  [[nodiscard]] Result<void> refuse_growth(std::span<const Persist> group);
  [[nodiscard]] tl::unexpected<Error> fail_with(const Error& error);
  [[nodiscard]] Error store_error_of(const Error& error) const;

  // partition_log_upkeep.cpp: everything between commits.
  [[nodiscard]] Result<void> wake();
  [[nodiscard]] Result<void> begin_wal_again();
  [[nodiscard]] Result<void> sleep();
  [[nodiscard]] Result<void> rest();
  [[nodiscard]] Result<void> commit_mark();
  [[nodiscard]] Result<bool> checkpoint();
  [[nodiscard]] std::string what_holds_it() const;
  [[nodiscard]] Result<void> note_version();
  [[nodiscard]] std::optional<std::uint32_t> foreign_commits() const;
  [[nodiscard]] Result<void> check_foreign_writer();
  void note_place();
  [[nodiscard]] Result<void> check_place();
  [[nodiscard]] Result<Micros> maintain_open();
  [[nodiscard]] bool checkpoint_due(std::uint64_t payload_bytes) const noexcept;
  [[nodiscard]] bool high_watermark_due() const noexcept;
  void close_idle_readers();
  void measure();

  std::shared_ptr<StoreContext> store_;
  std::shared_ptr<OpenFile> open_;
  std::optional<PartitionFile> file_;  ///< None: closed because idle, or failed.
  std::string file_id_;
  LogState state_;
  bool failed_ = false;
  bool ended_ = false;  ///< close() was called.

  Offset noted_high_watermark_{0};
  Micros high_watermark_written_at_{0};
  std::int64_t data_version_ = 0;
  std::optional<std::uint32_t> foreign_commits_;  ///< At data_version_: of other connections.

  // Checkpoints.
  std::uint64_t payload_since_checkpoint_ = 0;
  std::uint64_t wal_bytes_at_attempt_ = 0;
  bool checkpoint_wanted_ = false;
  bool held_ = false;                ///< The last checkpoint could not move everything.
  bool held_by_checkpoint_ = false;  ///< It could not even begin: another process is at one.
  Micros held_since_{0};
  Micros attempted_at_{0};

  Micros now_{0};  ///< Monotonic, of the last maintain().
  Micros used_at_{0};
  Micros noted_at_{0};  ///< When node.db was last told how far the log is durable.
  bool used_ = false;   ///< Since the last maintain().
  FileStamp own_file_;  ///< What the connection writes to.
  FileStamp own_wal_;
  FileStamp left_file_;  ///< As it was when the connection was closed.
  FileStamp left_wal_;
  LogSizes sizes_;
  std::uint64_t reader_uses_ = 0;
  Micros readers_used_at_{0};
};

}  // namespace pinion::storage
