#include "broker/storage/sqlite_meta_store.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "broker/storage/meta_rows.hpp"
#include "broker/storage/meta_schema.hpp"
#include "broker/storage/restored_state.hpp"
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/sqlite/database.hpp"

namespace pinion {

namespace {

constexpr std::int64_t page_bytes = 4096;
constexpr std::int64_t checkpoint_pages =
    static_cast<std::int64_t>(limits::checkpoint_wal_bytes) / page_bytes;

/// An open file or folder.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int file) noexcept : file_(file) {}
  ~Descriptor() {
    if (file_ >= 0) ::close(file_);
  }
  Descriptor(Descriptor&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  [[nodiscard]] int get() const noexcept { return file_; }

 private:
  int file_ = -1;
};

[[nodiscard]] std::string system_error() { return std::strerror(errno); }

[[nodiscard]] Result<void> make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return failure(Errc::io_failed, "data_dir '" + folder + "' cannot be made: " + error.message());
  }
  return {};
}

/// A new file's name is durable when its folder is.
[[nodiscard]] Result<void> sync_folder(const std::string& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) {
    return failure(Errc::io_failed,
                   "data_dir '" + folder + "' cannot be synced: " + system_error());
  }
  return {};
}

/// Held as long as the store is open. SQLite's own locks are not enough: they go with every commit.
[[nodiscard]] Result<Descriptor> lock_folder(const std::string& folder) {
  const std::string path = folder + "/broker.lock";
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) {
    return failure(Errc::io_failed, "'" + path + "' cannot be opened: " + system_error());
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return failure(Errc::io_failed, "another broker runs on data_dir '" + folder +
                                        "'; stop it, or give this one another folder");
  }
  return file;
}

/// The lock's file says which cluster the folder served last, so that a broker.db that was lost or
/// emptied is missed: nodes would refuse the new cluster, and no topic would be there.
[[nodiscard]] std::string cluster_in(const Descriptor& lock) {
  std::array<char, 64> text{};
  const ssize_t size = ::pread(lock.get(), text.data(), text.size(), 0);
  std::string cluster(text.data(), static_cast<std::size_t>(std::max<ssize_t>(0, size)));
  cluster.resize(std::min(cluster.size(), cluster.find('\n')));
  return cluster;
}

/// Without it, as on a full disk, the next start only looks less closely.
void note_cluster(const Descriptor& lock, const std::string& cluster) {
  if (cluster_in(lock) == cluster) return;
  const std::string text = cluster + "\n";
  const bool noted = ::ftruncate(lock.get(), 0) == 0 &&
                     ::pwrite(lock.get(), text.data(), text.size(), 0) > 0 &&
                     ::fsync(lock.get()) == 0;
  static_cast<void>(noted);
}

template <typename Bytes>
[[nodiscard]] Result<void> fill_at_random(Bytes& bytes) {
  if (::getrandom(&bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) {
    return failure(Errc::io_failed, "the system has no random numbers: " + system_error());
  }
  return {};
}

[[nodiscard]] Result<std::int64_t> random_start_id() {
  std::uint64_t bits = 0;
  PINION_CHECK(fill_at_random(bits));
  return static_cast<std::int64_t>(bits >> 1U | 1U);  // Positive.
}

[[nodiscard]] Result<std::string> random_cluster_id() {
  std::array<unsigned char, 16> bytes{};
  PINION_CHECK(fill_at_random(bytes));
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) {
    id += digits[byte >> 4U];
    id += digits[byte & 15U];
  }
  return id;
}

// ---- Opening
// ---------------------------------------------------------------------------------------

[[nodiscard]] Result<void> migrate(sqlite::Database& database, std::int64_t version) {
  PINION_TRY(transaction, sqlite::Transaction::begin(database));
  for (auto step = static_cast<std::size_t>(version); step < meta_migrations.size(); ++step) {
    PINION_CHECK(database.exec(meta_migrations[step]));
  }
  PINION_CHECK(database.exec("PRAGMA application_id = " + std::to_string(meta_application_id) +
                             "; PRAGMA user_version = " + std::to_string(meta_migrations.size())));
  return transaction.commit();
}

/// Before SQLite opens it: it would throw away the write-ahead log of an emptied file.
[[nodiscard]] Result<void> check_not_lost(const std::string& path, const std::string& served) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (served.empty() || (!error && bytes > 0)) return {};
  return failure(Errc::file_corrupt,
                 "'" + path + "' is empty or gone, and this folder served cluster " + served +
                     ": put a copy of it back; or, to begin a new cluster that the nodes' data "
                     "folders do not belong to, remove broker.lock");
}

/// Whose file is it, and is it whole? Makes the tables in an empty one.
[[nodiscard]] Result<void> check_file(sqlite::Database& database, const std::string& path) {
  PINION_TRY(application, database.query_int("PRAGMA application_id"));
  PINION_TRY(version, database.query_int("PRAGMA user_version"));
  PINION_TRY(objects, database.query_int("SELECT count(*) FROM sqlite_schema"));
  const bool is_empty = application == 0 && version == 0 && objects == 0;
  if (!is_empty && application != meta_application_id) {
    return failure(Errc::file_corrupt,
                   "'" + path + "' is a database, and not a leader broker's; move it away");
  }
  const auto newest = static_cast<std::int64_t>(meta_migrations.size());
  if (version > newest) {
    return failure(Errc::file_corrupt, "'" + path + "' has schema version " +
                                           std::to_string(version) +
                                           "; this Pinion knows versions up to " +
                                           std::to_string(newest) + ": use the newer one");
  }
  PINION_TRY(check, database.query_text("PRAGMA quick_check(1)"));
  if (check != "ok") return failure(Errc::file_corrupt, "'" + path + "': " + check);
  if (version < newest) PINION_CHECK(migrate(database, version));
  return {};
}

/// Says whose the file is and what to do, whatever SQLite called it.
[[nodiscard]] Error explain(Error error, const std::string& path) {
  if (error.code == Errc::file_corrupt && error.detail.find(path) == std::string::npos) {
    error.detail = "'" + path + "' is damaged or no database: " + error.detail +
                   "; move it away, with its -wal file, and restore a copy";
  }
  return error;
}

}  // namespace

namespace {

[[nodiscard]] Result<void> write_restored(sqlite::Database& database, MetaRowWriter& rows,
                                          const MetaState& state) {
  PINION_CHECK(database.exec("DELETE FROM terms"));
  PINION_CHECK(rows.write(SetCounters{state.counters}));
  for (const NodeMeta& node : state.nodes) PINION_CHECK(rows.write(PutNode{node}));
  for (const PartitionMeta& partition : state.partitions) {
    PINION_CHECK(rows.write(SetPartition{partition}));
  }
  return {};
}

}  // namespace

struct SqliteMetaStore::Inside {
  std::string path;
  Descriptor lock;
  std::optional<sqlite::Database> database;
  std::optional<MetaRowWriter> rows;
  bool began = false;
};

SqliteMetaStore::SqliteMetaStore(std::unique_ptr<Inside> inside) noexcept
    : inside_(std::move(inside)) {}

SqliteMetaStore::~SqliteMetaStore() {
  // A crash, as the port says: nothing is moved out of the write-ahead log.
  inside_->rows.reset();
  if (inside_->database) inside_->database->set_checkpoint_on_close(false);
}

Result<std::unique_ptr<SqliteMetaStore>> SqliteMetaStore::open(
    const SqliteMetaStoreOptions& options) {
  PINION_CHECK(make_folder(options.data_dir));
  auto inside = std::make_unique<Inside>();
  inside->path = options.data_dir + "/broker.db";
  PINION_TRY(lock, lock_folder(options.data_dir));
  inside->lock = std::move(lock);
  PINION_CHECK(check_not_lost(inside->path, cluster_in(inside->lock)));

  const auto prepare = [&]() -> Result<void> {
    PINION_TRY(database, sqlite::Database::open(inside->path, {.mode = sqlite::OpenMode::create,
                                                               .busy_timeout = 5s,
                                                               .vfs = options.vfs}));
    inside->database.emplace(std::move(database));
    PINION_CHECK(inside->database->exec("PRAGMA page_size = " + std::to_string(page_bytes)));
    PINION_TRY(mode, inside->database->query_text("PRAGMA journal_mode = WAL"));
    if (mode != "wal") return failure(Errc::io_failed, "the file system cannot do WAL");
    inside->database->watch_wal();
    PINION_CHECK(inside->database->exec("PRAGMA synchronous = FULL; PRAGMA cache_size = -4096"));
    PINION_CHECK(check_file(*inside->database, inside->path));
    PINION_TRY(rows, MetaRowWriter::prepare(*inside->database));
    inside->rows.emplace(std::move(rows));
    return {};
  };
  if (auto prepared = prepare(); !prepared) {
    return failure(explain(std::move(prepared).error(), inside->path));
  }
  PINION_CHECK(sync_folder(options.data_dir));
  return std::unique_ptr<SqliteMetaStore>(new SqliteMetaStore(std::move(inside)));
}

// ---- The port
// --------------------------------------------------------------------------------------

Result<MetaState> SqliteMetaStore::begin_term(Restored restored) {
  PINION_ASSERT(!inside_->began);
  inside_->began = true;
  const auto begin = [&]() -> Result<MetaState> {
    PINION_TRY(transaction, sqlite::Transaction::begin(*inside_->database));
    PINION_TRY(state, read_meta_state(*inside_->database));
    if (state.cluster_id.empty()) {
      PINION_TRY(id, random_cluster_id());
      state.cluster_id = std::move(id);
      PINION_CHECK(inside_->rows->put_meta("cluster_id", std::string_view(state.cluster_id)));
      PINION_CHECK(inside_->rows->write(SetCounters{state.counters}));
    }
    if (restored == Restored::yes) {
      const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
      state = restored_state(std::move(state), std::chrono::duration_cast<Micros>(since_1970));
      PINION_CHECK(write_restored(*inside_->database, *inside_->rows, state));
    }
    ++state.controller_epoch;
    PINION_CHECK(inside_->rows->put_meta("controller_epoch", state.controller_epoch.raw()));
    PINION_TRY(start_id, random_start_id());
    state.start_id = start_id;
    PINION_CHECK(inside_->rows->put_term({state.controller_epoch, start_id}));
    PINION_CHECK(transaction.commit());
    return state;
  };
  Result<MetaState> state = begin();
  if (!state) return failure(explain(std::move(state).error(), inside_->path));
  note_cluster(inside_->lock, state->cluster_id);
  return state;
}

Result<void> SqliteMetaStore::apply(std::span<const MetaWrite> group) {
  PINION_ASSERT(inside_->began);
  const auto write_all = [&]() -> Result<void> {
    PINION_TRY(transaction, sqlite::Transaction::begin(*inside_->database));
    for (const MetaWrite& write : group) {
      for (const MetaOp& op : write.ops) PINION_CHECK(inside_->rows->write(op));
    }
    return transaction.commit();
  };
  if (auto written = write_all(); !written) {
    Error error = std::move(written).error();
    if (error.code == Errc::throttled) {
      // Nothing was written: somebody else holds the lock for longer than we wait.
      return failure(Errc::storage_full, "'" + inside_->path +
                                             "' is locked by another process; end the "
                                             "transaction that a shell has open on it");
    }
    return failure(std::move(error));
  }
  if (inside_->database->wal_pages() < checkpoint_pages) return {};
  // A checkpoint without room is tried again after the next write; one that fails is a failing
  // disk.
  const auto checkpoint = inside_->database->checkpoint(sqlite::CheckpointMode::passive);
  if (!checkpoint && checkpoint.error().code != Errc::storage_full) {
    return failure(checkpoint.error());
  }
  return {};
}

Result<void> SqliteMetaStore::close() {
  inside_->rows.reset();
  PINION_TRY(done, inside_->database->checkpoint(sqlite::CheckpointMode::truncate));
  static_cast<void>(done);
  inside_->database->set_checkpoint_on_close(true);
  const Result<void> closed = inside_->database->close();
  inside_->database.reset();
  return closed;
}

}  // namespace pinion
