// MetaStore over one SQLite file, broker.db, made to be read by a person with sqlite3 while the
// broker runs. meta_schema.hpp shows the tables.
//
// WAL, synchronous=FULL; one connection does all writes and all checkpoints. A lock file beside it
// keeps a second broker out. A store belongs to one thread at a time.
#pragma once

#include "common/base/result.hpp"
#include "common/ports/meta_store.hpp"

#include <memory>
#include <span>
#include <string>

namespace pinion {

struct SqliteMetaStoreOptions {
  std::string data_dir;  ///< Made when missing; holds broker.db.
  std::string vfs;       ///< SQLite's; empty: the default one.
};

class SqliteMetaStore final : public MetaStore {
 public:
  /// Errors say what to do:
  ///   file_corrupt  broker.db is damaged, is not Pinion's, or was made by a newer Pinion
  ///   io_failed     the folder cannot be made or written, or another broker runs on it
  [[nodiscard]] static Result<std::unique_ptr<SqliteMetaStore>> open(
      const SqliteMetaStoreOptions& options);

  ~SqliteMetaStore() override;
  SqliteMetaStore(const SqliteMetaStore&) = delete;
  SqliteMetaStore& operator=(const SqliteMetaStore&) = delete;

  [[nodiscard]] Result<MetaState> begin_term(Restored restored) override;
  [[nodiscard]] Result<void> apply(std::span<const MetaWrite> group) override;
  [[nodiscard]] Result<void> close() override;

 private:
  struct Inside;
  explicit SqliteMetaStore(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion
