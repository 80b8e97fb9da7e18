#include "partition/storage/producer_snapshot.hpp"

#include "common/base/limits.hpp"
#include "partition/storage/partition_format.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace pinion::storage {
namespace {

using sqlite::Database;
using sqlite::Statement;

constexpr Offset log_end_any{std::int64_t{1} << 62};

Result<ProducerState> state_of(Statement& row) {
  ProducerState state;
  state.id = ProducerId(row.column_int(0));
  state.epoch = ProducerEpoch(static_cast<std::int32_t>(row.column_int(1)));
  state.last_seen = Micros(row.column_int(2));
  PINION_TRY(batches, decode_remembered(row.column_bytes(3)));
  state.batches = std::move(batches);
  return state;
}

Result<std::vector<ProducerState>> read_table(Database& database) {
  PINION_TRY(rows, database.prepare("SELECT producer_id, producer_epoch, last_seen, batches"
                                    " FROM producers ORDER BY producer_id"));
  std::vector<ProducerState> states;
  for (;;) {
    PINION_TRY(row, rows.step());
    if (!row) return states;
    PINION_TRY(state, state_of(rows));
    states.push_back(std::move(state));
  }
}

Result<void> write_state(Statement& put, const ProducerState& state) {
  const std::string batches = encode_remembered(state.batches);
  put.bind(1, state.id.raw());
  put.bind(2, state.epoch.raw());
  put.bind(3, state.last_seen.count());
  put.bind_text(4, batches);
  return put.run();
}

constexpr const char* put_sql = "INSERT OR REPLACE INTO producers VALUES(?1, ?2, ?3, ?4)";

/// The producers that wrote in [from, to), each with what the table knows of it already.
Result<std::map<ProducerId, ProducerState>> changed_producers(Database& database, Offset from,
                                                              Offset to) {
  PINION_TRY(find, database.prepare("SELECT producer_id, producer_epoch, last_seen, batches"
                                    " FROM producers WHERE producer_id = ?1"));
  BatchRows rows(database);
  PINION_CHECK(rows.seek(from, to));
  std::map<ProducerId, ProducerState> changed;
  for (;;) {
    PINION_TRY(batch, rows.next());
    if (!batch) return changed;
    const ProducerId id = batch->header.producer_id;
    if (id == producer_none) continue;
    auto [entry, is_new] = changed.try_emplace(id);
    if (is_new) {
      find.bind(1, id.raw());
      PINION_TRY(row, find.step());
      if (row) {
        PINION_TRY(state, state_of(find));
        entry->second = std::move(state);
      }
      find.reset();
    }
    remember(entry->second, batch->header);
  }
}

Result<void> expire(Database& database, Micros newest) {
  PINION_TRY(old, database.prepare("DELETE FROM producers WHERE last_seen < ?1"));
  old.bind(1, (newest - limits::producer_expires_after).count());
  PINION_CHECK(old.run());
  PINION_TRY(count, database.query_int("SELECT count(*) FROM producers"));
  const std::int64_t surplus = count - std::int64_t{limits::producers_per_partition_max};
  if (surplus <= 0) return {};
  PINION_TRY(excess,
             database.prepare("DELETE FROM producers WHERE producer_id IN (SELECT producer_id FROM "
                              "producers ORDER BY last_seen, producer_id LIMIT ?1)"));
  excess.bind(1, surplus);
  return excess.run();
}

}  // namespace

Result<void> advance_snapshot(PartitionFile& file, Offset from, Offset to) {
  if (from >= to) return {};
  Database& database = file.database();
  PINION_TRY(changed, changed_producers(database, from, to));
  PINION_TRY(put, database.prepare(put_sql));
  Micros newest{0};
  for (const auto& [id, state] : changed) {
    PINION_CHECK(write_state(put, state));
    newest = std::max(newest, state.last_seen);
  }
  if (!changed.empty()) PINION_CHECK(expire(database, newest));
  return file.put_meta(meta::snapshot_offset, to.raw());
}

Result<void> cut_snapshot(PartitionFile& file, Offset log_start, Offset end) {
  Database& database = file.database();
  PINION_TRY(states, read_table(database));
  std::map<ProducerId, ProducerState> changed;
  for (ProducerState& state : states) {
    if (state.batches.empty() || state.batches.back().base_offset < end) continue;
    // What is in the log is read from there: the cut batches had pushed others out.
    std::erase_if(state.batches, [log_start](const ProducerState::Remembered& batch) {
      return batch.base_offset >= log_start;
    });
    if (state.batches.empty()) {
      state.epoch = ProducerEpoch(0);
    } else {
      state.last_seen = state.batches.back().append_time;
    }
    const ProducerId id = state.id;
    changed[id] = std::move(state);
  }
  if (!changed.empty()) {
    BatchRows rows(database);
    PINION_CHECK(rows.seek(log_start, end));
    for (;;) {
      PINION_TRY(batch, rows.next());
      if (!batch) break;
      const auto state = changed.find(batch->header.producer_id);
      if (state != changed.end()) remember(state->second, batch->header);
    }
  }
  PINION_TRY(put, database.prepare(put_sql));
  PINION_TRY(remove, database.prepare("DELETE FROM producers WHERE producer_id = ?1"));
  for (const auto& [id, state] : changed) {
    if (!state.batches.empty()) {
      PINION_CHECK(write_state(put, state));
      continue;
    }
    remove.bind(1, id.raw());
    PINION_CHECK(remove.run());
  }
  return file.put_meta(meta::snapshot_offset, end.raw());
}

Result<void> put_producers(PartitionFile& file, const std::vector<ProducerState>& producers) {
  PINION_TRY(put, file.database().prepare(put_sql));
  for (const ProducerState& state : producers) PINION_CHECK(write_state(put, state));
  return {};
}

Result<std::vector<ProducerState>> load_producers(PartitionFile& file, Offset from) {
  PINION_TRY(snapshot, read_table(file.database()));
  std::map<ProducerId, ProducerState> states;
  for (ProducerState& state : snapshot) {
    const ProducerId id = state.id;
    states[id] = std::move(state);
  }
  BatchRows rows(file.database());
  PINION_CHECK(rows.seek(from, log_end_any));
  Micros newest{0};
  for (;;) {
    PINION_TRY(batch, rows.next());
    if (!batch) break;
    newest = std::max(newest, batch->header.append_time);
    if (batch->header.producer_id != producer_none) {
      remember(states[batch->header.producer_id], batch->header);
    }
  }
  std::vector<ProducerState> live;
  for (auto& [id, state] : states) {
    if (state.last_seen >= newest - limits::producer_expires_after)
      live.push_back(std::move(state));
  }
  return live;
}

}  // namespace pinion::storage
