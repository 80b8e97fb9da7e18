#include "partition/storage/verify_rows.hpp"

#include "common/base/limits.hpp"
#include "common/proto/validate.hpp"
#include "partition/storage/partition_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace pinion::storage {
namespace {

using sqlite::Database;

std::string text(std::int64_t number) { return std::to_string(number); }
std::string text(Offset offset) { return std::to_string(offset.raw()); }

// ---- Types

struct Column {
  std::string name;
  std::string types;  ///< As a list of SQL: what typeof() may give.
};

/// The columns of a table that have a type, and may have other values than of it.
Result<std::vector<Column>> columns_of(Database& fresh, const std::string& table) {
  PINION_TRY(rows,
             fresh.prepare("SELECT name, lower(type), \"notnull\", pk FROM pragma_table_info(?1)"));
  rows.bind_text(1, table);
  std::vector<Column> columns;
  for (;;) {
    PINION_TRY(row, rows.step());
    if (!row) return columns;
    const std::string type = rows.column_string(1);
    if (type.empty()) continue;
    const bool is_filled = rows.column_int(2) != 0 || rows.column_int(3) != 0;
    std::string types = "'" + type + "'";
    if (!is_filled) types += ", 'null'";
    columns.push_back({rows.column_string(0), std::move(types)});
  }
}

Result<void> check_types_of(Database& database, const std::string& table,
                            const std::vector<Column>& columns, const Problem& problem) {
  std::string sql = "SELECT ";
  for (const Column& column : columns) {
    if (&column != &columns.front()) sql += ", ";
    sql += "total(typeof(" + column.name + ") NOT IN (" + column.types + "))";
  }
  PINION_TRY(counts, database.prepare(sql + " FROM " + table));
  PINION_TRY(row, counts.step());
  if (!row) return {};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::int64_t wrong = counts.column_int(static_cast<int>(i));
    if (wrong == 0) continue;
    problem("types: " + text(wrong) + " of the values of " + table + "." + columns[i].name +
            " are not of its type");
  }
  return {};
}

}  // namespace

Result<void> check_column_types(Database& database, Database& fresh, const Problem& problem) {
  for (const char* table :
       {"messages", "batches", "producers", "epochs", "consumer_offsets", "meta"}) {
    PINION_TRY(columns, columns_of(fresh, table));
    PINION_CHECK(check_types_of(database, table, columns, problem));
  }
  return {};
}

// ---- meta

Result<void> check_meta_rows(Database& database, const Problem& problem) {
  static constexpr std::array<std::string_view, 3> texts = {meta::cluster_id, meta::topic,
                                                            meta::file_id};
  static constexpr std::array<std::string_view, 10> numbers = {
      meta::schema_version, meta::topic_id,       meta::partition,     meta::created_at,
      meta::log_start,      meta::high_watermark, meta::last_log_time, meta::snapshot_offset,
      meta::snapshot_bytes, meta::clean};
  std::set<std::string_view> missing(texts.begin(), texts.end());
  missing.insert(numbers.begin(), numbers.end());

  PINION_TRY(rows, database.prepare("SELECT name, value FROM meta"));
  for (;;) {
    PINION_TRY(row, rows.step());
    if (!row) break;
    const std::string name = rows.column_string(0);
    const auto is = [&name](std::string_view other) { return other == name; };
    const bool is_text = std::any_of(texts.begin(), texts.end(), is);
    if (!is_text && std::none_of(numbers.begin(), numbers.end(), is)) {
      problem("meta: " + name + " is none of a partition file's");
      continue;
    }
    missing.erase(name);
    if (rows.column_type(1) != (is_text ? SQLITE_TEXT : SQLITE_INTEGER)) {
      problem("meta: " + name + " is no " + (is_text ? "text" : "number"));
    } else if (name == meta::clean && rows.column_int(1) != 0 && rows.column_int(1) != 1) {
      problem("meta: the clean-shutdown mark is " + text(rows.column_int(1)));
    }
  }
  for (const std::string_view name : missing) {
    problem("meta: " + std::string(name) + " is missing");
  }
  return {};
}

// ---- consumer_offsets

namespace {

constexpr char slot_mark = '\n';

/// "\n17", and in it a dequeue's token and its reader (docs/STORAGE.md, *Schema*).
std::optional<std::string> fault_of_slot(std::string_view name, std::string_view dequeue) {
  const std::string_view digits = name.substr(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size() &&
                         std::to_string(number) == digits;
  if (!is_number || number >= limits::dequeue_slots_max) return "is numbered so by nobody";
  const std::size_t line = dequeue.find('\n');
  if (line == std::string_view::npos || line == 0) return "has no dequeue's token";
  if (!validate_reader(dequeue.substr(line + 1))) return "is of no reader";
  return std::nullopt;
}

std::string printable(std::string_view name) {
  std::string shown;
  for (const char c : name) shown += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return shown;
}

}  // namespace

Result<std::int64_t> check_positions(Database& database, const Problem& problem) {
  PINION_TRY(rows, database.prepare("SELECT reader, offset, leader_epoch, version, last_request,"
                                    " deleted FROM consumer_offsets"));
  std::int64_t readers = 0;
  for (;;) {
    PINION_TRY(row, rows.step());
    if (!row) return readers;
    const std::string name = rows.column_string(0);
    const bool is_slot = !name.empty() && name.front() == slot_mark;
    const std::string what =
        is_slot ? "the slot " + printable(name.substr(1)) : "the position of " + printable(name);
    const Offset offset(rows.column_int(1));
    // A replica that catches up has its leader's positions before it has their records.
    if (offset < Offset(0)) {
      problem(what + ", " + text(offset) + ", is not in the log");
    }
    if (rows.column_int(2) < 0) problem(what + " is of epoch " + text(rows.column_int(2)));
    if (rows.column_int(3) < 0) problem(what + " has no version");
    const std::int64_t deleted = rows.column_int(5);
    if (deleted != 0 && deleted != 1)
      problem(what + " has " + text(deleted) + " as its mark of deletion");
    if (is_slot) {
      if (const auto fault = fault_of_slot(name, rows.column_bytes(4)))
        problem(what + " " + *fault);
      continue;
    }
    ++readers;
    if (const Result<void> reader = validate_reader(name); !reader) {
      problem(what + ": " + reader.error().detail);
    }
  }
}

// ---- producers

void SnapshotCheck::add(const BatchHeader& batch) {
  if (batch.producer_id == producer_none || batch.base_offset >= snapshot_offset_) return;
  remember(expected_[batch.producer_id], batch);
  newest_ = std::max(newest_, batch.append_time);
}

Result<std::int64_t> SnapshotCheck::run(Database& database, const Problem& problem) {
  PINION_TRY(rows, database.prepare("SELECT producer_id, producer_epoch, last_seen, batches"
                                    " FROM producers"));
  std::int64_t producers = 0;
  for (;;) {
    PINION_TRY(row, rows.step());
    if (!row) break;
    ++producers;
    ProducerState state;
    state.id = ProducerId(rows.column_int(0));
    state.epoch = ProducerEpoch(static_cast<std::int32_t>(rows.column_int(1)));
    state.last_seen = Micros(rows.column_int(2));
    auto batches = decode_remembered(rows.column_bytes(3));
    if (batches) {
      state.batches = std::move(*batches);
      check_row(state, problem);
      check_against_log(state, problem);
    } else {
      problem("producer " + text(state.id.raw()) + ": " + batches.error().detail);
    }
    expected_.erase(state.id);
  }
  // Who has been silent for long is forgotten; and when there are too many, who was silent longest.
  if (producers >= std::int64_t{limits::producers_per_partition_max}) return producers;
  for (const auto& [id, state] : expected_) {
    if (state.last_seen < newest_ - limits::producer_expires_after) continue;
    problem("producer " + text(id.raw()) + " has a batch at " +
            text(state.batches.back().base_offset) + " and is not in the snapshot");
  }
  return producers;
}

/// What can be said of it by itself.
void SnapshotCheck::check_row(const ProducerState& row, const Problem& problem) {
  const std::string name = "producer " + text(row.id.raw());
  if (row.id <= producer_none) problem("there is a " + name);
  if (row.epoch < ProducerEpoch(0)) problem(name + " is of epoch " + text(row.epoch.raw()));
  if (row.batches.empty()) problem(name + " remembers no batch");
  Offset end{0};
  for (const ProducerState::Remembered& batch : row.batches) {
    if (batch.base_offset < end) problem(name + " remembers its batches in another order");
    end = batch.base_offset + std::int64_t{batch.record_count};
  }
  if (end > snapshot_offset_) {
    problem(name + " remembers a batch that ends at " + text(end) +
            ", behind the snapshot's offset " + text(snapshot_offset_));
  }
}

void SnapshotCheck::check_against_log(const ProducerState& row, const Problem& problem) {
  const std::string name = "producer " + text(row.id.raw());
  const auto first = std::find_if(
      row.batches.begin(), row.batches.end(),
      [this](const ProducerState::Remembered& batch) { return batch.base_offset >= log_start_; });
  const auto remembered = row.batches.end() - first;
  const auto found = expected_.find(row.id);
  if (found == expected_.end()) {
    if (remembered > 0) {
      problem(name + " remembers a batch at " + text(first->base_offset) +
              " that is not in the log as its own");
    }
    return;
  }
  const ProducerState& state = found->second;
  if (remembered == 0) {
    problem(name + " does not remember its batch at " + text(state.batches.back().base_offset));
    return;
  }
  // Of one that was forgotten and came back fewer are remembered than there are.
  const auto there = static_cast<std::ptrdiff_t>(state.batches.size());
  const bool same =
      remembered <= there && std::equal(first, row.batches.end(), state.batches.end() - remembered);
  if (!same) {
    problem(name + " remembers other batches than the log has of it, from " +
            text(first->base_offset) + " on");
  } else if (row.epoch != state.epoch) {
    problem(name + " is of epoch " + text(row.epoch.raw()) + ", but its last batch of epoch " +
            text(state.epoch.raw()));
  } else if (row.last_seen != state.last_seen) {
    problem(name + " was seen last at " + text(row.last_seen.count()) +
            ", but its last batch is of " + text(state.last_seen.count()));
  }
}

}  // namespace pinion::storage
