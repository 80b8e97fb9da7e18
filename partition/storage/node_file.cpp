#include "partition/storage/node_file.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <sys/random.h>

namespace pinion::storage {
namespace {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

constexpr std::int64_t schema_version = 1;

constexpr const char* schema_sql = R"sql(
CREATE TABLE node(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE files(
  topic_id INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  topic TEXT NOT NULL,
  file_id TEXT NOT NULL,
  last_epoch INTEGER NOT NULL,
  log_end INTEGER NOT NULL,
  PRIMARY KEY(topic_id, partition)) WITHOUT ROWID;
CREATE TABLE tombstones(topic_id INTEGER PRIMARY KEY, removed_at INTEGER NOT NULL);
)sql";

/// Also in a file that an earlier version made.
constexpr const char* damaged_sql = R"sql(
CREATE TABLE IF NOT EXISTS damaged(
  topic_id INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  why TEXT NOT NULL,
  PRIMARY KEY(topic_id, partition)) WITHOUT ROWID;
)sql";

std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// A folder that is made anew, or was put back, begins behind all lives of the one before: who
/// knows of a higher one would not listen to it. In microseconds: no node starts as often.
std::int64_t behind_all_lives() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<Micros>(since_1970).count();
}

/// Says which file, and what becomes of it.
tl::unexpected<Error> about(const std::string& path, const Error& error) {
  const bool damaged = error.code == Errc::file_corrupt || error.code == Errc::sql_invalid;
  return failure(damaged ? Errc::file_corrupt : error.code, path + ": " + error.detail);
}

}  // namespace

std::string random_id() {
  unsigned char bytes[16];
  // Cannot fail: 16 bytes are under the size that may be interrupted or cut short.
  PINION_ASSERT(getrandom(bytes, sizeof bytes, 0) == static_cast<ssize_t>(sizeof bytes));
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) {
    id += hex[byte >> 4];
    id += hex[byte & 15];
  }
  return id;
}

namespace {

/// Positive: 0 means that none is known.
std::int64_t random_start_id() {
  std::uint64_t bits = 0;
  PINION_ASSERT(getrandom(&bits, sizeof bits, 0) == static_cast<ssize_t>(sizeof bits));
  return static_cast<std::int64_t>(bits >> 1U | 1U);
}

}  // namespace

Result<void> NodeFile::open(const std::string& path, const std::string& vfs) {
  const std::lock_guard lock(mutex_);
  path_ = path;
  sqlite::OpenOptions options;
  options.mode = sqlite::OpenMode::create;
  options.vfs = vfs;
  auto opened = Database::open(path, options);
  if (!opened) return about(path, opened.error());
  database_ = std::move(*opened);
  Result<void> ready =
      database_.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-256;");
  if (ready) ready = make_schema();
  if (ready) ready = load();
  if (!ready) return about(path, ready.error());
  return {};
}

Result<void> NodeFile::make_schema() {
  PINION_TRY(tables, database_.query_int("SELECT count(*) FROM sqlite_schema"));
  if (tables == 0) {
    PINION_TRY(transaction, Transaction::begin(database_));
    PINION_CHECK(database_.exec(schema_sql));
    PINION_CHECK(put("schema_version", std::to_string(schema_version)));
    PINION_CHECK(put("store_id", random_id()));
    PINION_CHECK(put("incarnation", std::to_string(behind_all_lives())));
    PINION_CHECK(put("cluster_id", ""));
    PINION_CHECK(put("controller_epoch", "0"));
    PINION_CHECK(transaction.commit());
  }
  PINION_TRY(version, get("schema_version"));
  if (number_of(version) != schema_version) {
    return failure(Errc::io_failed, "made by a newer version of Pinion (schema " + version + ")");
  }
  PINION_TRY(whole, database_.query_int("SELECT count(*) FROM pragma_quick_check(1) WHERE "
                                        "quick_check = 'ok'"));
  if (whole != 1) return failure(Errc::file_corrupt, "its pages are damaged");
  return database_.exec(damaged_sql);
}

Result<void> NodeFile::load() {
  PINION_TRY(cluster_id, get("cluster_id"));
  PINION_TRY(epoch, get("controller_epoch"));
  PINION_TRY(start, number("controller_start"));
  PINION_TRY(joined, number("joined"));
  membership_ = {cluster_id, ControllerEpoch(number_of(epoch)), start, joined};
  PINION_TRY(files,
             database_.prepare(
                 "SELECT topic_id, partition, topic, file_id, last_epoch, log_end FROM files"));
  for (;;) {
    PINION_TRY(row, files.step());
    if (!row) break;
    const PartitionKey key{TopicId(files.column_int(0)),
                           PartitionIndex(static_cast<std::int32_t>(files.column_int(1)))};
    files_[key].file = {files.column_string(2), files.column_string(3), Epoch(files.column_int(4)),
                        Offset(files.column_int(5))};
  }
  PINION_TRY(damaged, database_.prepare("SELECT topic_id, partition, why FROM damaged"));
  for (;;) {
    PINION_TRY(row, damaged.step());
    if (!row) break;
    damage_[{TopicId(damaged.column_int(0)),
             PartitionIndex(static_cast<std::int32_t>(damaged.column_int(1)))}] =
        damaged.column_string(2);
  }
  PINION_TRY(tombstones, database_.prepare("SELECT topic_id FROM tombstones"));
  for (;;) {
    PINION_TRY(row, tombstones.step());
    if (!row) return {};
    tombstones_[TopicId(tombstones.column_int(0))] = true;
  }
}

Result<void> NodeFile::put(std::string_view name, const std::string& value) {
  PINION_TRY(statement, database_.prepare("INSERT OR REPLACE INTO node VALUES(?1, ?2)"));
  statement.bind_text(1, name);
  statement.bind_text(2, value);
  return statement.run();
}

Result<std::string> NodeFile::get(std::string_view name) {
  PINION_TRY(statement, database_.prepare("SELECT value FROM node WHERE name = ?1"));
  statement.bind_text(1, name);
  PINION_TRY(row, statement.step());
  if (!row) return failure(Errc::file_corrupt, "it has no " + std::string(name));
  return statement.column_string(0);
}

Result<std::int64_t> NodeFile::number(std::string_view name) {
  PINION_TRY(statement, database_.prepare("SELECT value FROM node WHERE name = ?1"));
  statement.bind_text(1, name);
  PINION_TRY(row, statement.step());
  return row ? number_of(statement.column_string(0)) : 0;
}

Result<RecordStore::Life> NodeFile::begin_life(Restored restored) {
  const std::lock_guard lock(mutex_);
  PINION_TRY(transaction, Transaction::begin(database_));
  PINION_TRY(store_id, get("store_id"));
  PINION_TRY(last, number("incarnation"));
  PINION_TRY(join, number("join"));
  const std::int64_t start_id = random_start_id();
  if (join == membership_.joined) join = start_id;
  const std::int64_t least = restored == Restored::yes ? behind_all_lives() : 0;
  const std::int64_t incarnation = std::max(last + 1, least);
  PINION_CHECK(put("incarnation", std::to_string(incarnation)));
  PINION_CHECK(put("join", std::to_string(join)));
  PINION_CHECK(transaction.commit());
  return RecordStore::Life{store_id, Incarnation(incarnation), start_id, join, restored};
}

RecordStore::Membership NodeFile::membership() const {
  const std::lock_guard lock(mutex_);
  return membership_;
}

Result<void> NodeFile::set_membership(const RecordStore::Membership& membership) {
  const std::lock_guard lock(mutex_);
  PINION_TRY(transaction, Transaction::begin(database_));
  PINION_CHECK(put("cluster_id", membership.cluster_id));
  PINION_CHECK(put("controller_epoch", std::to_string(membership.controller_epoch.raw())));
  PINION_CHECK(put("controller_start", std::to_string(membership.controller_start)));
  PINION_CHECK(put("joined", std::to_string(membership.joined)));
  PINION_CHECK(transaction.commit());
  membership_ = membership;
  return {};
}

std::optional<NodeFile::KnownFile> NodeFile::find(const PartitionKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  if (found == files_.end()) return std::nullopt;
  return found->second.file;
}

std::vector<PartitionKey> NodeFile::files_of(TopicId topic) const {
  const std::lock_guard lock(mutex_);
  std::vector<PartitionKey> keys;
  for (const auto& [key, entry] : files_) {
    if (key.topic == topic) keys.push_back(key);
  }
  return keys;
}

std::optional<PartitionKey> NodeFile::namesake(const LogIdentity& identity) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : files_) {
    const bool same_name =
        key.partition == identity.key.partition && entry.file.topic == identity.topic_name;
    if (same_name && key.topic != identity.key.topic) return key;
  }
  return std::nullopt;
}

bool NodeFile::is_removed(TopicId topic) const {
  const std::lock_guard lock(mutex_);
  return tombstones_.contains(topic);
}

Result<void> NodeFile::write_entry(const PartitionKey& key, const KnownFile& file) {
  PINION_TRY(statement,
             database_.prepare("INSERT OR REPLACE INTO files VALUES(?1, ?2, ?3, ?4, ?5, ?6)"));
  statement.bind(1, key.topic.raw());
  statement.bind(2, key.partition.raw());
  statement.bind_text(3, file.topic);
  statement.bind_text(4, file.file_id);
  statement.bind(5, file.last_epoch.raw());
  statement.bind(6, file.log_end.raw());
  return statement.run();
}

Result<void> NodeFile::add(const PartitionKey& key, const KnownFile& file) {
  const std::lock_guard lock(mutex_);
  PINION_CHECK(write_entry(key, file));
  files_[key] = {file, false};
  return {};
}

void NodeFile::note_durable(const PartitionKey& key, Epoch last_epoch, Offset log_end) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  if (found == files_.end()) return;
  Entry& entry = found->second;
  if (entry.file.last_epoch == last_epoch && entry.file.log_end == log_end) return;
  entry.file.last_epoch = last_epoch;
  entry.file.log_end = log_end;
  if (!entry.noted) ++noted_;
  entry.noted = true;
}

Result<void> NodeFile::lower(const PartitionKey& key, Epoch last_epoch, Offset log_end) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(key);
  if (found == files_.end()) return {};
  Entry& entry = found->second;
  KnownFile lowered = entry.file;
  lowered.last_epoch = std::min(lowered.last_epoch, last_epoch);
  lowered.log_end = std::min(lowered.log_end, log_end);
  PINION_CHECK(write_entry(key, lowered));
  if (entry.noted) --noted_;
  entry = {lowered, false};
  return {};
}

// ---- Damage

Result<void> NodeFile::mark_damaged(const PartitionKey& key, const std::string& why) {
  const std::lock_guard lock(mutex_);
  damage_[key] = why;
  if (!database_) return {};
  PINION_TRY(statement, database_.prepare("INSERT OR REPLACE INTO damaged VALUES(?1, ?2, ?3)"));
  statement.bind(1, key.topic.raw());
  statement.bind(2, key.partition.raw());
  statement.bind_text(3, why);
  return statement.run();
}

std::optional<std::string> NodeFile::damage_of(const PartitionKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = damage_.find(key);
  if (found == damage_.end()) return std::nullopt;
  return found->second;
}

Result<void> NodeFile::clear_damage(const PartitionKey& key) {
  const std::lock_guard lock(mutex_);
  if (!damage_.contains(key)) return {};
  PINION_TRY(statement,
             database_.prepare("DELETE FROM damaged WHERE topic_id = ?1 AND partition = ?2"));
  statement.bind(1, key.topic.raw());
  statement.bind(2, key.partition.raw());
  PINION_CHECK(statement.run());
  damage_.erase(key);
  return {};
}

// ---- Notes and removals

Result<void> NodeFile::flush(Micros monotonic, Micros after) {
  const std::lock_guard lock(mutex_);
  if (noted_ == 0 || !database_) return {};
  if (!flush_due_since_) flush_due_since_ = monotonic;
  if (monotonic - *flush_due_since_ < after) return {};
  PINION_TRY(transaction, Transaction::begin(database_));
  for (const auto& [key, entry] : files_) {
    if (entry.noted) PINION_CHECK(write_entry(key, entry.file));
  }
  PINION_CHECK(transaction.commit());
  for (auto& [key, entry] : files_) entry.noted = false;
  noted_ = 0;
  flush_due_since_.reset();
  return {};
}

Result<void> NodeFile::begin_removal(TopicId topic) {
  const std::lock_guard lock(mutex_);
  if (tombstones_.contains(topic)) return {};
  PINION_TRY(statement,
             database_.prepare("INSERT OR IGNORE INTO tombstones VALUES(?1, unixepoch())"));
  statement.bind(1, topic.raw());
  PINION_CHECK(statement.run());
  tombstones_[topic] = true;
  return {};
}

Result<void> NodeFile::forget_files(TopicId topic) {
  const std::lock_guard lock(mutex_);
  for (const char* sql :
       {"DELETE FROM damaged WHERE topic_id = ?1", "DELETE FROM files WHERE topic_id = ?1"}) {
    PINION_TRY(statement, database_.prepare(sql));
    statement.bind(1, topic.raw());
    PINION_CHECK(statement.run());
  }
  std::erase_if(damage_, [topic](const auto& entry) { return entry.first.topic == topic; });
  for (auto entry = files_.begin(); entry != files_.end();) {
    if (entry->first.topic != topic) {
      ++entry;
      continue;
    }
    if (entry->second.noted) --noted_;
    entry = files_.erase(entry);
  }
  return {};
}

Result<void> NodeFile::forget(const PartitionKey& key) {
  PINION_CHECK(clear_damage(key));
  const std::lock_guard lock(mutex_);
  const auto entry = files_.find(key);
  if (entry == files_.end()) return {};
  PINION_TRY(statement,
             database_.prepare("DELETE FROM files WHERE topic_id = ?1 AND partition = ?2"));
  statement.bind(1, key.topic.raw());
  statement.bind(2, key.partition.raw());
  PINION_CHECK(statement.run());
  if (entry->second.noted) --noted_;
  files_.erase(entry);
  return {};
}

void NodeFile::close() noexcept {
  const std::lock_guard lock(mutex_);
  database_ = Database();
}

}  // namespace pinion::storage
