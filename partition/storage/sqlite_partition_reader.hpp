// One partition file, read: whole batches, places in time, what retention may drop, and SQL.
//
// Read-only connections and short read transactions: a reader never holds up a commit, and a
// checkpoint only for as long as one call takes. Belongs to one thread, another one than the log's.
#pragma once

#include "common/ports/record_store.hpp"
#include "partition/storage/reader_connection.hpp"
#include "partition/storage/store_context.hpp"

#include <memory>
#include <string>
#include <vector>

namespace pinion::storage {

class SqlitePartitionReader final : public PartitionReader {
 public:
  SqlitePartitionReader(std::shared_ptr<StoreContext> store, std::shared_ptr<OpenFile> open,
                        std::shared_ptr<ReaderConnection> connection);

  [[nodiscard]] Result<std::vector<Batch>> read(Offset from, Offset end,
                                                std::size_t bytes_max) override;
  [[nodiscard]] Result<Offset> find_time(Micros time, Offset end) override;
  /// Looks at retention_batches_max batches in one call at most: a larger backlog takes several.
  [[nodiscard]] Result<Offset> find_retention(Micros before, std::int64_t bytes_kept,
                                              Offset end) override;
  [[nodiscard]] Result<QueryReply> query(const std::string& sql,
                                         const QueryBounds& bounds) override;

  static constexpr std::int64_t retention_batches_max = 200'000;

 private:
  /// Runs `work` in one read transaction of an open connection.
  template <typename Work>
  [[nodiscard]] auto reading(Work work) -> decltype(work());

  [[nodiscard]] Result<void> open_connection();
  [[nodiscard]] Result<Offset> log_start();
  [[nodiscard]] Result<std::vector<Batch>> read_batches(Offset base, Offset end,
                                                        std::size_t bytes_max);
  [[nodiscard]] Error read_error(const Error& error) const;
  void note_damage(const Error& error) const;

  std::shared_ptr<StoreContext> store_;
  std::shared_ptr<OpenFile> open_;
  std::shared_ptr<ReaderConnection> connection_;
};

}  // namespace pinion::storage
