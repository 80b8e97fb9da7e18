#include "partition/storage/sqlite_record_store.hpp"

#include "common/base/assert.hpp"
#include "partition/storage/partition_format.hpp"
#include "partition/storage/reader_connection.hpp"
#include "partition/storage/recovery.hpp"
#include "partition/storage/sqlite_partition_log.hpp"
#include "partition/storage/sqlite_partition_reader.hpp"
#include "partition/storage/store_context.hpp"
#include "partition/storage/wal_watch.hpp"

#include <optional>
#include <utility>

namespace pinion::storage {
namespace {

struct Opened {
  PartitionFile file;
  Recovery recovery;
};

/// A statement that does not fit the schema says the same as a page that cannot be read.
bool is_damage(const Error& error) {
  return error.code == Errc::file_corrupt || error.code == Errc::sql_invalid;
}

/// Requires: the file is not open.
tl::unexpected<Error> set_aside(StoreContext& context, const std::string& path,
                                const std::string& why) {
  const Result<std::string> target = context.folder.set_aside(path, why);
  if (!target) return failure(target.error());
  return failure(Errc::file_corrupt, path + ": " + why + "; it was set aside as " + *target);
}

/// Damage was found in it while it was in use.
tl::unexpected<Error> set_damaged_aside(StoreContext& context, const std::string& path,
                                        const PartitionKey& key, const std::string& damage) {
  tl::unexpected<Error> result = set_aside(context, path, damage);
  if (stamp_of(path).exists()) return result;
  // Not before: a crash in between must not leave it where it would be opened. A file that is put
  // back is checked as any other.
  if (const Result<void> cleared = context.node_file.clear_damage(key); !cleared) {
    return failure(cleared.error());
  }
  return result;
}

Result<Opened> open_existing(StoreContext& context, const std::string& path,
                             const LogIdentity& identity,
                             const std::optional<NodeFile::KnownFile>& known) {
  PINION_CHECK(check_wal(path + "-wal"));
  PINION_TRY(file, PartitionFile::open(path, context.file_options()));
  PINION_TRY(recovery, recover(file, identity, known));
  return Opened{std::move(file), std::move(recovery)};
}

/// Makes the file, then tells node.db: after a crash between the two the file is empty and unknown,
/// and is taken over by the next attempt.
Result<Opened> create_file(StoreContext& context, const std::string& path,
                           const LogIdentity& identity) {
  PINION_CHECK(context.folder.make_topic_folder(identity.topic_name));
  if (!stamp_of(path).exists() && stamp_of(path + "-wal").exists()) {
    PINION_TRY(target, context.folder.set_aside(path, "a write-ahead log without its file"));
    (void)target;
  }
  PINION_TRY(created, PartitionFile::create(path, identity, context.file_options()));
  PINION_CHECK(sync_folder(context.folder.topic_folder(identity.topic_name)));
  NodeFile::KnownFile known;
  known.topic = identity.topic_name;
  known.file_id = created.file_id;
  PINION_CHECK(context.node_file.add(identity.key, known));
  PINION_TRY(recovery, recover(created.file, identity, known));
  return Opened{std::move(created.file), std::move(recovery)};
}

/// Whether an earlier attempt to make the file got no further than to an empty database.
Result<bool> is_blank(StoreContext& context, const std::string& path) {
  if (stamp_of(path).bytes == 0) return true;
  PINION_TRY(file, PartitionFile::open(path, context.file_options()));
  PINION_TRY(tables, file.database().query_int("SELECT count(*) FROM sqlite_schema"));
  return tables == 0;
}

/// A file where none should be: left by an attempt to make it, or by a person.
Result<Opened> replace_unknown(StoreContext& context, const std::string& path,
                               const LogIdentity& identity) {
  const Result<bool> blank = is_blank(context, path);
  if (!blank && !is_damage(blank.error())) return failure(blank.error());
  if (blank && *blank) return create_file(context, path, identity);
  {
    auto opened = open_existing(context, path, identity, std::nullopt);
    if (!opened && !is_damage(opened.error())) return failure(opened.error());
    if (opened && opened->recovery.log.epochs.empty() &&
        opened->recovery.log.log_end == Offset(0)) {
      NodeFile::KnownFile known;
      known.topic = identity.topic_name;
      known.file_id = opened->recovery.file_id;
      PINION_CHECK(context.node_file.add(identity.key, known));
      return opened;
    }
  }
  PINION_TRY(target, context.folder.set_aside(
                         path, "it stood where the file of a new partition had to be made"));
  (void)target;
  return create_file(context, path, identity);
}

Result<Opened> open_file(StoreContext& context, const std::string& path,
                         const LogIdentity& identity, IfMissing if_missing) {
  if (context.node_file.is_removed(identity.key.topic)) {
    return failure(Errc::unknown_topic, "topic " + identity.topic_name + " was deleted here");
  }
  const auto known = context.node_file.find(identity.key);
  const FileStamp stamp = stamp_of(path);
  if (!known && if_missing == IfMissing::create) {
    if (stamp.exists()) return replace_unknown(context, path, identity);
    return create_file(context, path, identity);
  }
  if (!stamp.exists()) {
    return failure(Errc::file_corrupt, path + " is missing, with the records it held");
  }
  if (!known) return set_aside(context, path, "this node has no memory of having made it");
  if (const auto damage = context.node_file.damage_of(identity.key)) {
    return set_damaged_aside(context, path, identity.key, *damage);
  }
  if (stamp.bytes == 0) return set_aside(context, path, "it was emptied");
  auto opened = open_existing(context, path, identity, known);
  if (opened || !is_damage(opened.error())) return opened;
  return set_aside(context, path, opened.error().detail);
}

/// A topic keeps its name for ever: whoever asks for another one has given its id away twice.
Result<void> check_name(StoreContext& context, const LogIdentity& identity) {
  const auto known = context.node_file.find(identity.key);
  if (!known || known->topic == identity.topic_name) return {};
  return failure(Errc::fenced_controller,
                 "topic id " + std::to_string(identity.key.topic.raw()) + " is '" + known->topic +
                     "' here, and '" + identity.topic_name +
                     "' for the leader broker: its broker.db is an old copy");
}

/// This copy is given up when it is not good: what is lost of it is forgotten, too.
Result<Opened> open_or_begin_again(StoreContext& context, const std::string& path,
                                   const LogIdentity& identity) {
  const bool known = context.node_file.find(identity.key).has_value();
  auto opened = open_file(context, path, identity, known ? IfMissing::fail : IfMissing::create);
  if (opened || opened.error().code != Errc::file_corrupt) return opened;
  PINION_CHECK(context.node_file.forget(identity.key));
  return open_file(context, path, identity, IfMissing::create);
}

/// Deletes a file that this node made, unless something else stands in its place.
Result<void> remove_known(StoreContext& context, const PartitionKey& key) {
  const auto known = context.node_file.find(key);
  if (!known) return {};
  const std::string path = context.folder.file_of({{}, key, known->topic});
  if (!stamp_of(path).exists()) return {};
  // By the file's id, not by its name alone: a person may have put another one there.
  Result<std::string> file_id;
  {
    auto file = PartitionFile::open(path, context.file_options());
    file_id = file ? file->meta_text(meta::file_id) : failure(file.error());
  }
  if (!file_id && is_damage(file_id.error())) {
    PINION_TRY(target, context.folder.set_aside(path, "damaged, and not wanted here any more"));
    (void)target;
    return {};
  }
  if (!file_id) return failure(store_error(file_id.error(), path, true));
  if (*file_id == known->file_id) PINION_CHECK(context.folder.remove_file(path));
  return {};
}

}  // namespace

// ---- The store

SqliteRecordStore::SqliteRecordStore(std::shared_ptr<StoreContext> context) noexcept
    : context_(std::move(context)) {}

SqliteRecordStore::~SqliteRecordStore() {
  // What cannot be noted now only makes the next check weaker.
  const Result<void> noted = context_->node_file.flush(never, Micros(0));
  (void)noted;
  context_->node_file.close();
}

Result<std::unique_ptr<SqliteRecordStore>> SqliteRecordStore::open(
    SqliteRecordStoreOptions options) {
  auto context = std::make_shared<StoreContext>();
  context->options = std::move(options);
  PINION_CHECK(context->folder.open(context->options.data_dir, context->options.reserve_bytes));
  auto known = context->node_file.open(context->folder.node_file(), context->options.vfs);
  if (!known && known.error().code == Errc::storage_full) {
    context->folder.release_reserve();  // It is for this: what is there can be read.
    known = context->node_file.open(context->folder.node_file(), context->options.vfs);
  }
  if (!known) return failure(known.error());
  PINION_CHECK(sync_folder(context->folder.path()));
  context->free_bytes = context->folder.space().free_bytes;
  context->folder.restore_reserve(context->options.low_space_bytes);
  return std::unique_ptr<SqliteRecordStore>(new SqliteRecordStore(std::move(context)));
}

Result<OpenedLog> SqliteRecordStore::open(const LogIdentity& identity, IfMissing if_missing) {
  auto open = std::make_shared<OpenFile>();
  open->identity = identity;
  open->path = context_->folder.file_of(identity);
  PINION_CHECK(check_name(*context_, identity));
  // One path, one owner at a time: a deleted topic's file may still be closing or be looked at.
  if (const auto other = context_->node_file.namesake(identity)) {
    return failure(Errc::throttled,
                   open->path + " is still that of a deleted topic of this name, id " +
                       std::to_string(other->topic.raw()) + "; it opens when that one is gone");
  }
  {
    const std::lock_guard lock(context_->mutex);
    const bool is_new = context_->open.emplace(identity.key, open).second;
    PINION_ASSERT(is_new);
  }
  auto opened = if_missing == IfMissing::begin_again
                    ? open_or_begin_again(*context_, open->path, identity)
                    : open_file(*context_, open->path, identity, if_missing);
  if (!opened) {
    const std::lock_guard lock(context_->mutex);
    context_->open.erase(identity.key);
    const Errc code = opened.error().code;
    if (code == Errc::file_corrupt || code == Errc::unknown_topic) return failure(opened.error());
    return failure(store_error(opened.error(), open->path, true));
  }
  OpenedLog result;
  result.recovered = std::move(opened->recovery.log);
  result.file = open->path;
  auto log = std::make_unique<SqlitePartitionLog>(context_, open, std::move(opened->file),
                                                  opened->recovery);
  PINION_CHECK(log->start());
  result.log = std::move(log);
  return result;
}

Result<std::unique_ptr<PartitionReader>> SqliteRecordStore::open_reader(
    const LogIdentity& identity) {
  std::shared_ptr<OpenFile> open;
  {
    const std::lock_guard lock(context_->mutex);
    const auto found = context_->open.find(identity.key);
    PINION_ASSERT(found != context_->open.end());
    open = found->second;
  }
  auto connection = std::make_shared<ReaderConnection>();
  {
    const std::lock_guard lock(open->readers_mutex);
    open->readers.push_back(connection);
  }
  std::unique_ptr<PartitionReader> reader =
      std::make_unique<SqlitePartitionReader>(context_, std::move(open), std::move(connection));
  return reader;
}

Result<void> SqliteRecordStore::remove_topic(TopicId topic) {
  {
    const std::lock_guard lock(context_->mutex);
    for (const auto& [key, open] : context_->open) PINION_ASSERT(key.topic != topic);
  }
  PINION_CHECK(context_->node_file.begin_removal(topic));
  for (const PartitionKey& key : context_->node_file.files_of(topic)) {
    PINION_CHECK(remove_known(*context_, key));
  }
  return context_->node_file.forget_files(topic);
}

Result<void> SqliteRecordStore::remove_replica(PartitionKey key) {
  {
    const std::lock_guard lock(context_->mutex);
    PINION_ASSERT(context_->open.count(key) == 0);
  }
  PINION_CHECK(remove_known(*context_, key));
  return context_->node_file.forget(key);
}

DiskSpace SqliteRecordStore::disk_space() const { return context_->folder.space(); }

Result<RecordStore::Life> SqliteRecordStore::begin_life(Restored restored) {
  auto life = context_->node_file.begin_life(restored);
  if (!life && life.error().code == Errc::storage_full) {
    context_->folder.release_reserve();
    life = context_->node_file.begin_life(restored);
  }
  return life;
}

Result<RecordStore::Membership> SqliteRecordStore::membership() const {
  return context_->node_file.membership();
}

Result<void> SqliteRecordStore::set_membership(const Membership& membership) {
  auto set = context_->node_file.set_membership(membership);
  if (!set && set.error().code == Errc::storage_full) {
    // Without it the node cannot join, and nothing would ever make room.
    context_->folder.release_reserve();
    set = context_->node_file.set_membership(membership);
  }
  return set;
}

std::size_t SqliteRecordStore::open_files() const noexcept { return context_->writers; }

std::string SqliteRecordStore::path_of(const LogIdentity& identity) const {
  return context_->folder.file_of(identity);
}

}  // namespace pinion::storage
