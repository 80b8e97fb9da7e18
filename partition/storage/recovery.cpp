#include "partition/storage/recovery.hpp"

#include "partition/storage/batch_rows.hpp"
#include "partition/storage/partition_format.hpp"
#include "partition/storage/producer_snapshot.hpp"

#include <algorithm>

namespace pinion::storage {
namespace {

using sqlite::Database;

tl::unexpected<Error> corrupt(std::string what) {
  return failure(Errc::file_corrupt, std::move(what));
}

std::string text(Offset offset) { return std::to_string(offset.raw()); }

Result<void> check_identity(PartitionFile& file, const LogIdentity& identity) {
  PINION_TRY(version, file.meta_number(meta::schema_version));
  if (version > schema_version) {
    return failure(Errc::io_failed, "it was made by a newer version of Pinion (schema " +
                                        std::to_string(version) + ")");
  }
  PINION_TRY(cluster, file.meta_text(meta::cluster_id));
  PINION_TRY(topic_id, file.meta_number(meta::topic_id));
  PINION_TRY(topic, file.meta_text(meta::topic));
  PINION_TRY(partition, file.meta_number(meta::partition));
  if (cluster != identity.cluster_id) return corrupt("it belongs to cluster " + cluster);
  if (topic_id != identity.key.topic.raw() || topic != identity.topic_name ||
      partition != identity.key.partition.raw()) {
    return corrupt("it is partition " + std::to_string(partition) + " of topic " + topic + " (id " +
                   std::to_string(topic_id) + ")");
  }
  return {};
}

/// The log's bounds, and that both ends of `messages` are where `batches` says.
Result<LogState> read_state(PartitionFile& file) {
  LogState state;
  PINION_TRY(log_start, file.meta_number(meta::log_start));
  PINION_TRY(high_watermark, file.meta_number(meta::high_watermark));
  PINION_TRY(last_log_time, file.meta_number(meta::last_log_time));
  PINION_TRY(snapshot_offset, file.meta_number(meta::snapshot_offset));
  PINION_TRY(clean, file.meta_number(meta::clean));
  PINION_TRY(epoch, file.last_epoch());
  state.log_start = Offset(log_start);
  state.snapshot_offset = Offset(snapshot_offset);
  state.last_log_time = Micros(last_log_time);
  state.last_epoch = epoch;
  state.clean = clean == 1;

  BatchRows rows(file.database());
  PINION_TRY(last, rows.at_or_before(Offset(std::int64_t{1} << 62)));
  const bool empty = !last || last->header.base_offset < state.log_start;
  state.log_end = empty ? state.log_start : last->header.next_offset();
  if (!empty) {
    state.last_log_time = std::max(
        state.last_log_time, last->header.append_time + Micros(last->header.record_count - 1));
    PINION_TRY(first, rows.at_or_before(state.log_start));
    if (!first || first->header.base_offset != state.log_start) {
      return corrupt("no batch begins at the log's start, " + text(state.log_start));
    }
  }
  state.high_watermark = Offset(high_watermark);
  if (state.log_start < Offset(0)) return corrupt("the log starts at " + text(state.log_start));
  if (state.high_watermark > state.log_end) {
    return corrupt("the high watermark " + text(state.high_watermark) + " is past the log's end " +
                   text(state.log_end));
  }
  if (state.snapshot_offset > state.log_end || state.snapshot_offset < state.log_start) {
    return corrupt("the producers' snapshot at " + text(state.snapshot_offset) +
                   " is outside of the log");
  }
  return state;
}

Result<void> check_ends(Database& database, LogState& state) {
  PINION_TRY(rows, database.prepare("SELECT min(offset), max(offset) FROM "
                                    "(SELECT min(offset) AS offset FROM messages UNION ALL "
                                    "SELECT max(offset) FROM messages)"));
  PINION_TRY(row, rows.step());
  const bool empty = !row || rows.column_is_null(0);
  const Offset first = empty ? state.log_start : Offset(rows.column_int(0));
  const Offset end = empty ? state.log_start : Offset(rows.column_int(1)) + 1;
  state.rows_start = std::min(first, state.log_start);
  // When only rows before the start are left, the last of them says nothing about the end.
  const bool only_dropped = state.log_start == state.log_end && end <= state.log_start;
  if (end != state.log_end && !only_dropped) {
    return corrupt("the records end at " + text(end) + " and the batches at " +
                   text(state.log_end));
  }
  if (first > state.log_start && state.log_start < state.log_end) {
    return corrupt("the records begin at " + text(first) + " and the log at " +
                   text(state.log_start));
  }
  return {};
}

Result<std::vector<EpochStart>> read_epochs(Database& database, const LogState& state) {
  PINION_TRY(rows, database.prepare("SELECT leader_epoch, start_offset FROM epochs"
                                    " ORDER BY leader_epoch"));
  std::vector<EpochStart> epochs;
  for (;;) {
    PINION_TRY(row, rows.step());
    if (!row) break;
    const EpochStart next{Epoch(rows.column_int(0)), Offset(rows.column_int(1))};
    const Offset before = epochs.empty() ? Offset(0) : epochs.back().start;
    if (next.start < before || next.start > state.log_end || next.epoch <= epoch_unknown) {
      return corrupt("epoch " + std::to_string(next.epoch.raw()) + " cannot start at " +
                     text(next.start));
    }
    epochs.push_back(next);
  }
  if (state.log_end == state.log_start) return epochs;
  BatchRows batches(database);
  PINION_TRY(last, batches.at_or_before(state.log_end));
  const auto after = std::find_if(epochs.begin(), epochs.end(), [&](const EpochStart& start) {
    return start.start > last->header.base_offset;
  });
  if (after == epochs.begin() || (after - 1)->epoch != last->header.leader_epoch) {
    return corrupt("the epochs do not know epoch " +
                   std::to_string(last->header.leader_epoch.raw()) + " of the last batch");
  }
  return epochs;
}

Result<std::vector<Position>> read_positions(Database& database) {
  PINION_TRY(rows, database.prepare("SELECT reader, offset, leader_epoch, version, last_request,"
                                    " last_offset, deleted, updated_at FROM consumer_offsets"));
  std::vector<Position> positions;
  for (;;) {
    PINION_TRY(row, rows.step());
    if (!row) return positions;
    Position position;
    position.reader = rows.column_string(0);
    position.offset = Offset(rows.column_int(1));
    position.leader_epoch = Epoch(rows.column_int(2));
    position.version = PositionVersion(rows.column_int(3));
    position.last_token = rows.column_string(4);
    position.last_offset = Offset(rows.column_int(5));
    position.deleted = rows.column_int(6) != 0;
    position.updated_at = Micros(rows.column_int(7));
    positions.push_back(std::move(position));
  }
}

/// Every batch from the snapshot on: dense, in order, and its records give its checksum.
Result<void> check_tail(Database& database, const LogState& state) {
  BatchRows rows(database);
  PINION_CHECK(rows.seek(state.snapshot_offset, state.log_end));
  Offset expected = state.snapshot_offset;
  Micros after{0};
  for (;;) {
    PINION_TRY(batch, rows.next());
    if (!batch) break;
    if (batch->header.base_offset != expected) {
      return corrupt("a batch is missing at " + text(expected));
    }
    if (batch->header.append_time < after) {
      return corrupt("log time goes back at " + text(expected));
    }
    PINION_TRY(payload, rows.payloads_of({&*batch, 1}));
    expected = batch->header.next_offset();
    after = batch->header.append_time + Micros(batch->header.record_count);
  }
  if (expected != state.log_end) return corrupt("a batch is missing at " + text(expected));
  return {};
}

Result<void> check_known(const LogState& state, const std::string& file_id,
                         const NodeFile::KnownFile& known) {
  if (file_id != known.file_id) {
    return corrupt("it is another file than the one this node made (" + file_id + ", not " +
                   known.file_id + ")");
  }
  if (state.log_end < known.log_end || state.last_epoch < known.last_epoch) {
    return corrupt("it ends at " + text(state.log_end) + " in epoch " +
                   std::to_string(state.last_epoch.raw()) + ", but it had reached " +
                   text(known.log_end) + " in epoch " + std::to_string(known.last_epoch.raw()) +
                   ": an older copy was put back, or the disk lost what it had synced");
  }
  return {};
}

}  // namespace

Result<Recovery> recover(PartitionFile& file, const LogIdentity& identity,
                         const std::optional<NodeFile::KnownFile>& known) {
  Database& database = file.database();
  PINION_CHECK(check_identity(file, identity));
  Recovery recovery;
  PINION_TRY(file_id, file.meta_text(meta::file_id));
  PINION_TRY(state, read_state(file));
  PINION_CHECK(check_ends(database, state));
  if (known) PINION_CHECK(check_known(state, file_id, *known));
  PINION_TRY(epochs, read_epochs(database, state));
  PINION_TRY(positions, read_positions(database));
  if (!state.clean) PINION_CHECK(check_tail(database, state));
  PINION_TRY(producers, load_producers(file, state.snapshot_offset));
  PINION_TRY(snapshot_bytes, file.meta_number(meta::snapshot_bytes));
  PINION_TRY(tail_bytes, file.payload_bytes(state.snapshot_offset, state.log_end));
  state.snapshot_bytes = std::max<std::int64_t>(0, snapshot_bytes);
  state.payload_bytes = static_cast<std::uint64_t>(state.snapshot_bytes + tail_bytes);

  recovery.file_id = file_id;
  recovery.state = state;
  RecoveredLog& log = recovery.log;
  log.log_start = state.log_start;
  log.log_end = state.log_end;
  log.high_watermark = std::max(state.high_watermark, state.log_start);
  log.last_log_time = state.last_log_time;
  log.epochs = std::move(epochs);
  log.positions = std::move(positions);
  log.producers = std::move(producers);
  log.bytes = state.payload_bytes;
  log.clean = state.clean;
  return recovery;
}

}  // namespace pinion::storage
