// PartitionFile: the one connection that writes a partition file, and the statements that change
// it. It decides nothing: which offsets, when to commit and when to check point is its owner's.
//
// Records are the hot path of the whole product. All the records of a commit are inserted by one
// statement that reads them out of the batches' own bytes (sqlite/row_feed.hpp); nothing is copied
// or allocated a record.
//
// Belongs to one thread at a time. The change_... functions need a transaction.
#pragma once

#include "common/base/result.hpp"
#include "common/ports/record_store.hpp"
#include "common/sqlite/database.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pinion::storage {

struct PartitionFileOptions {
  std::size_t page_bytes = limits::partition_page_bytes;  ///< Of a file that is made.
  Micros busy_timeout = 1s;
  std::string vfs;
};

class PartitionFile {
 public:
  /// Opens an existing file for writing. Reads nothing but what the pragmas need.
  [[nodiscard]] static Result<PartitionFile> open(const std::string& path,
                                                  const PartitionFileOptions& options);

  /// Makes the file, its schema and its identity; durable, but for the folder's entry. A file that
  /// has no table yet is taken over. Returns the new file's id.
  struct Created;
  [[nodiscard]] static Result<Created> create(const std::string& path, const LogIdentity& identity,
                                              const PartitionFileOptions& options);

  [[nodiscard]] sqlite::Database& database() noexcept { return database_; }
  [[nodiscard]] const sqlite::Database& database() const noexcept { return database_; }
  [[nodiscard]] std::size_t page_bytes() const noexcept { return page_bytes_; }
  /// Of the write-ahead log, as far as it is in use.
  [[nodiscard]] std::uint64_t wal_bytes() const noexcept;

  [[nodiscard]] Result<void> begin();
  [[nodiscard]] Result<void> commit();
  void rollback() noexcept { database_.rollback(); }
  [[nodiscard]] bool in_transaction() const noexcept { return database_.in_transaction(); }

  /// Changes when another connection has changed the file.
  [[nodiscard]] Result<std::int64_t> data_version();

  /// Requires: each batch passed check_batch and begins where the one before it ends.
  [[nodiscard]] Result<void> append(std::span<const Batch* const> batches);
  [[nodiscard]] Result<void> put_epoch(const EpochStart& start);
  [[nodiscard]] Result<void> put_position(const Position& position);
  [[nodiscard]] Result<void> put_meta(std::string_view name, std::int64_t value);

  /// Deletes records and batches from `end` on, and epochs that begin there or later.
  [[nodiscard]] Result<void> cut_to(Offset end);
  /// Deletes records before `end`, and the batches that begin before it.
  [[nodiscard]] Result<void> delete_before(Offset end);
  [[nodiscard]] Result<void> delete_positions();
  /// Deletes what is known of epochs and producers; records and batches stay.
  [[nodiscard]] Result<void> begin_again();

  /// The offset of the first row of `messages`, of those that wait for deletion too.
  [[nodiscard]] Result<std::optional<Offset>> first_row();

  /// Of the batches whose base offsets are in [from, end).
  [[nodiscard]] Result<std::int64_t> payload_bytes(Offset from, Offset end);
  [[nodiscard]] Result<Epoch> last_epoch();

  /// Reads a number of `meta`; `file_corrupt` when it is not there or not a number.
  [[nodiscard]] Result<std::int64_t> meta_number(std::string_view name);
  [[nodiscard]] Result<std::string> meta_text(std::string_view name);

  /// Closes in order: the last connection removes the write-ahead log, when all of it was moved.
  [[nodiscard]] Result<void> close();

 private:
  PartitionFile() = default;

  [[nodiscard]] Result<void> set_up(const PartitionFileOptions& options);
  [[nodiscard]] Result<void> prepare(sqlite::Statement& statement, const char* sql);

  // Order matters: statements are destroyed before their database.
  sqlite::Database database_;
  std::size_t page_bytes_ = 0;
  sqlite::Statement begin_;
  sqlite::Statement commit_;
  sqlite::Statement data_version_;
  sqlite::Statement insert_records_;
  sqlite::Statement insert_batches_;
  sqlite::Statement insert_epoch_;
  sqlite::Statement insert_position_;
  sqlite::Statement insert_meta_;
};

struct PartitionFile::Created {
  PartitionFile file;
  std::string file_id;
};

}  // namespace pinion::storage
