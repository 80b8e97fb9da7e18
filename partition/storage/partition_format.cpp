#include "partition/storage/partition_format.hpp"

#include "common/base/limits.hpp"

#include <charconv>

namespace pinion::storage {

// STORAGE.md shows the same text; a test compares the two.
const char* const schema_sql = R"sql(
CREATE TABLE messages(
  offset INTEGER PRIMARY KEY,
  timestamp INTEGER NOT NULL,
  key BLOB,
  headers TEXT,
  value BLOB);
CREATE TABLE batches(
  base_offset INTEGER PRIMARY KEY,
  last_offset INTEGER NOT NULL,
  leader_epoch INTEGER NOT NULL,
  producer_id INTEGER NOT NULL,
  producer_epoch INTEGER NOT NULL,
  base_sequence INTEGER NOT NULL,
  crc32c INTEGER NOT NULL,
  append_time INTEGER NOT NULL,
  payload_bytes INTEGER NOT NULL);
CREATE TABLE producers(
  producer_id INTEGER PRIMARY KEY,
  producer_epoch INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  batches TEXT NOT NULL);
CREATE TABLE epochs(
  leader_epoch INTEGER PRIMARY KEY,
  start_offset INTEGER NOT NULL);
CREATE TABLE consumer_offsets(
  reader TEXT PRIMARY KEY,
  offset INTEGER NOT NULL,
  leader_epoch INTEGER NOT NULL,
  version INTEGER NOT NULL,
  last_request TEXT NOT NULL,
  last_offset INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  updated_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE meta(
  name TEXT PRIMARY KEY,
  value) WITHOUT ROWID;
CREATE VIEW readable AS SELECT
  offset,
  strftime('%Y-%m-%dT%H:%M:%S', timestamp / 1000000 - (timestamp % 1000000 < 0), 'unixepoch')
    || printf('.%06dZ', timestamp % 1000000 + 1000000 * (timestamp % 1000000 < 0)) AS time,
  CAST(key AS TEXT) AS key,
  headers,
  CAST(value AS TEXT) AS value,
  CASE WHEN json_valid(CAST(value AS TEXT)) THEN CAST(value AS TEXT) END AS json,
  offset < (SELECT value FROM meta WHERE name = 'high_watermark') AS committed
FROM messages
WHERE offset >= (SELECT value FROM meta WHERE name = 'log_start');
)sql";

std::string escape_topic(std::string_view topic) {
  // Legal names are letters, digits, dots, underscores and hyphens already. What is left are those
  // that would be hidden, or be taken for one of the store's own.
  static constexpr std::string_view taken[] = {"node.db",   "node.db-wal", "node.db-shm",
                                               "set-aside", "lock",        "reserve"};
  bool escape = topic.empty() || topic.front() == '.';
  for (const std::string_view name : taken) escape = escape || topic == name;
  std::string safe;
  for (const char c : topic) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (plain && !escape) {
      safe += c;
      continue;
    }
    static constexpr std::string_view hex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    safe += '%';
    safe += hex[byte >> 4];
    safe += hex[byte & 15];
    escape = false;  // One is enough to make the name another one.
  }
  return safe;
}

std::string file_name_of(const LogIdentity& identity) {
  return escape_topic(identity.topic_name) + "-" + std::to_string(identity.key.partition.raw()) +
         ".db";
}

std::string encode_remembered(const std::vector<ProducerState::Remembered>& batches) {
  std::string text = "[";
  for (const ProducerState::Remembered& batch : batches) {
    if (text.size() > 1) text += ',';
    text += '[' + std::to_string(batch.base_sequence.raw()) + ',' +
            std::to_string(batch.record_count) + ',' + std::to_string(batch.base_offset.raw()) +
            ',' + std::to_string(batch.append_time.count()) + ']';
  }
  return text + ']';
}

namespace {

/// Takes the next character when it is `c`.
bool take(std::string_view& rest, char c) {
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

bool take_number(std::string_view& rest, std::int64_t& number) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc()) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}

bool take_batch(std::string_view& rest, ProducerState::Remembered& batch) {
  std::int64_t sequence = 0;
  std::int64_t count = 0;
  std::int64_t offset = 0;
  std::int64_t time = 0;
  if (!take(rest, '[') || !take_number(rest, sequence) || !take(rest, ',')) return false;
  if (!take_number(rest, count) || !take(rest, ',')) return false;
  if (!take_number(rest, offset) || !take(rest, ',')) return false;
  if (!take_number(rest, time) || !take(rest, ']')) return false;
  if (count < 1 || count > limits::batch_records_max || offset < 0 || sequence < 0) return false;
  batch = {Sequence(sequence), static_cast<std::uint32_t>(count), Offset(offset), Micros(time)};
  return true;
}

}  // namespace

Result<std::vector<ProducerState::Remembered>> decode_remembered(std::string_view text) {
  std::vector<ProducerState::Remembered> batches;
  std::string_view rest = text;
  bool good = take(rest, '[');
  while (good && !take(rest, ']')) {
    if (!batches.empty()) good = take(rest, ',');
    ProducerState::Remembered batch;
    good = good && take_batch(rest, batch) && batches.size() < limits::producer_batches_remembered;
    batches.push_back(batch);
  }
  if (!good || !rest.empty()) {
    return failure(Errc::file_corrupt, "a producer's remembered batches cannot be read");
  }
  return batches;
}

void remember(ProducerState& state, const BatchHeader& batch) {
  if (batch.producer_epoch > state.epoch) state.batches.clear();
  state.id = batch.producer_id;
  state.epoch = batch.producer_epoch;
  state.last_seen = batch.append_time;
  if (state.batches.size() == limits::producer_batches_remembered) {
    state.batches.erase(state.batches.begin());
  }
  state.batches.push_back(
      {batch.base_sequence, batch.record_count, batch.base_offset, batch.append_time});
}

}  // namespace pinion::storage
