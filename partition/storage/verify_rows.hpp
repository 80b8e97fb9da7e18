// Parts of `pinion verify`: the rows of a partition file that are no records. Each names what it
// finds and goes on; nothing in the file is trusted. Internal to verify.cpp. Any thread.
#pragma once

#include "common/base/result.hpp"
#include "common/ports/record_store.hpp"
#include "common/sqlite/database.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace pinion::storage {

/// Takes one sentence about something that is wrong.
using Problem = std::function<void(std::string sentence)>;

/// SQLite keeps a text in a column of numbers when it is told to. `fresh` is a database with the
/// schema and nothing else.
[[nodiscard]] Result<void> check_column_types(sqlite::Database& database, sqlite::Database& fresh,
                                              const Problem& problem);

/// Every name that a file is made with is there, of its kind, and no other one.
[[nodiscard]] Result<void> check_meta_rows(sqlite::Database& database, const Problem& problem);

/// Positions of readers, and slots of dequeues. Returns how many are readers'.
[[nodiscard]] Result<std::int64_t> check_positions(sqlite::Database& database,
                                                   const Problem& problem);

/// The producers' snapshot against the batches that are still there. It is what those before its
/// offset leave to be remembered, beginning with what retention has dropped already.
class SnapshotCheck {
 public:
  SnapshotCheck(Offset log_start, Offset snapshot_offset) noexcept
      : log_start_(log_start), snapshot_offset_(snapshot_offset) {}

  /// The next batch of the log.
  void add(const BatchHeader& batch);
  /// Returns how many producers the snapshot has.
  [[nodiscard]] Result<std::int64_t> run(sqlite::Database& database, const Problem& problem);

 private:
  void check_row(const ProducerState& row, const Problem& problem);
  void check_against_log(const ProducerState& row, const Problem& problem);

  Offset log_start_;
  Offset snapshot_offset_;
  std::map<ProducerId, ProducerState> expected_;  ///< Of the batches that are there.
  Micros newest_{0};
};

}  // namespace pinion::storage
