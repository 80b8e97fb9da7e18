#include "partition/storage/batch_rows.hpp"

#include "common/base/checksum.hpp"
#include "common/base/limits.hpp"

#include <cstring>
#include <limits>
#include <string>

namespace pinion::storage {
namespace {

constexpr const char* columns =
    "SELECT base_offset, last_offset, leader_epoch, producer_id, producer_epoch, base_sequence,"
    " crc32c, append_time, payload_bytes FROM batches";

std::string range_of(const BatchHeader& header) {
  return std::to_string(header.base_offset.raw()) + " to " +
         std::to_string(header.last_offset().raw());
}

tl::unexpected<Error> damaged(const BatchRow& batch, std::string_view what) {
  return failure(Errc::file_corrupt, "batch " + range_of(batch.header) + ": " + std::string(what));
}

/// Writes one row of `messages` as a record. Nothing when it does not fit into [at, end).
char* put_record(sqlite::Statement& row, char* at, const char* end) noexcept {
  const std::int64_t timestamp = row.column_int(1);
  const bool has_key = !row.column_is_null(2);
  const bool has_headers = !row.column_is_null(3);
  const std::string_view key = has_key ? row.column_bytes(2) : std::string_view();
  const std::string_view headers = has_headers ? row.column_bytes(3) : std::string_view();
  const std::string_view value = row.column_bytes(4);
  const std::size_t size =
      limits::record_overhead_bytes + key.size() + headers.size() + value.size();
  if (size > static_cast<std::size_t>(end - at)) return nullptr;
  const std::int32_t sizes[3] = {has_key ? static_cast<std::int32_t>(key.size()) : -1,
                                 has_headers ? static_cast<std::int32_t>(headers.size()) : -1,
                                 static_cast<std::int32_t>(value.size())};
  std::memcpy(at, &timestamp, 8);
  std::memcpy(at + 8, sizes, 12);
  at += limits::record_overhead_bytes;
  if (!key.empty()) std::memcpy(at, key.data(), key.size());
  at += key.size();
  if (!headers.empty()) std::memcpy(at, headers.data(), headers.size());
  at += headers.size();
  if (!value.empty()) std::memcpy(at, value.data(), value.size());
  return at + value.size();
}

}  // namespace

Result<std::optional<BatchRow>> BatchRows::row_of(sqlite::Statement& statement, bool row) {
  if (!row) return std::optional<BatchRow>();
  const std::int64_t base = statement.column_int(0);
  const std::int64_t last = statement.column_int(1);
  const std::int64_t bytes = statement.column_int(8);
  const bool possible = base >= 0 && last >= base && last - base < limits::batch_records_max &&
                        bytes >= (last - base + 1) * std::int64_t{limits::record_overhead_bytes} &&
                        bytes <= std::int64_t{limits::batch_bytes_ceiling};
  if (!possible) {
    statement.reset();
    return failure(Errc::file_corrupt, "batch " + std::to_string(base) + " to " +
                                           std::to_string(last) + " of " + std::to_string(bytes) +
                                           " bytes cannot be");
  }
  BatchRow batch;
  batch.header.base_offset = Offset(base);
  batch.header.record_count = static_cast<std::uint32_t>(last - base + 1);
  batch.header.leader_epoch = Epoch(statement.column_int(2));
  batch.header.producer_id = ProducerId(statement.column_int(3));
  batch.header.producer_epoch = ProducerEpoch(static_cast<std::int32_t>(statement.column_int(4)));
  batch.header.base_sequence = Sequence(statement.column_int(5));
  batch.header.crc = static_cast<std::uint32_t>(statement.column_int(6));
  batch.header.append_time = Micros(statement.column_int(7));
  batch.payload_bytes = bytes;
  return std::optional<BatchRow>(batch);
}

Result<std::optional<BatchRow>> BatchRows::at_or_before(Offset offset) {
  if (!at_or_before_) {
    PINION_TRY(statement,
               database_->prepare(std::string(columns) +
                                  " WHERE base_offset <= ?1 ORDER BY base_offset DESC LIMIT 1"));
    at_or_before_ = std::move(statement);
  }
  at_or_before_.bind(1, offset.raw());
  PINION_TRY(row, at_or_before_.step());
  auto batch = row_of(at_or_before_, row);
  at_or_before_.reset();
  return batch;
}

Result<void> BatchRows::seek(Offset from, Offset end) {
  if (!batches_) {
    PINION_TRY(statement, database_->prepare(std::string(columns) +
                                             " WHERE base_offset >= ?1 AND base_offset < ?2"
                                             " ORDER BY base_offset"));
    batches_ = std::move(statement);
  }
  batches_.reset();
  batches_.bind(1, from.raw());
  batches_.bind(2, end.raw());
  return {};
}

Result<std::optional<BatchRow>> BatchRows::next() {
  PINION_TRY(row, batches_.step());
  return row_of(batches_, row);
}

Result<void> BatchRows::seek_records(Offset from) {
  if (!records_) {
    PINION_TRY(statement,
               database_->prepare("SELECT offset, timestamp, key, headers, value FROM messages"
                                  " WHERE offset >= ?1 ORDER BY offset"));
    records_ = std::move(statement);
  }
  records_.reset();
  records_.bind(1, from.raw());
  return {};
}

Result<Bytes> BatchRows::payload_of(const BatchRow& batch) {
  const auto size = static_cast<std::size_t>(batch.payload_bytes);
  auto buffer = std::make_shared_for_overwrite<char[]>(size);
  char* at = buffer.get();
  char* const end = at + size;
  const std::int64_t base = batch.header.base_offset.raw();
  for (std::uint32_t i = 0; i < batch.header.record_count; ++i) {
    PINION_TRY(row, records_.step());
    if (!row) return damaged(batch, "the log ends before it");
    if (records_.column_int(0) != base + i) {
      return damaged(batch, "record " + std::to_string(base + i) + " is missing");
    }
    at = put_record(records_, at, end);
    if (at == nullptr) return damaged(batch, "its records are larger than it says");
  }
  if (at != end) return damaged(batch, "its records are smaller than it says");
  const char* data = buffer.get();
  if (crc32c({data, size}) != batch.header.crc) {
    return damaged(batch, "the checksum of its records is another one");
  }
  return Bytes(std::move(buffer), data, size);
}

void BatchRows::reset() noexcept {
  if (at_or_before_) at_or_before_.reset();
  if (batches_) batches_.reset();
  if (records_) records_.reset();
}

}  // namespace pinion::storage
