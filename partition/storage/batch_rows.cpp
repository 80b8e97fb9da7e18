#include "partition/storage/batch_rows.hpp"

#include "common/base/checksum.hpp"
#include "common/base/limits.hpp"
#include "common/sqlite/row_sink.hpp"

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

/// Writes rows of `messages` as records, one batch after the other.
class PayloadSink final : public sqlite::RowSink {
 public:
  PayloadSink(std::span<const BatchRow> batches, char* to) noexcept : rest_(batches), at_(to) {}

  bool row(sqlite::RowValues values) noexcept override {
    if (records_left_ == 0 && !next_batch()) return false;
    if (values.int_at(0) != offset_) return stop("is missing a record");
    const bool has_key = !values.is_null(2);
    const bool has_headers = !values.is_null(3);
    const std::string_view key = has_key ? values.bytes_at(2) : std::string_view();
    const std::string_view headers = has_headers ? values.bytes_at(3) : std::string_view();
    const std::string_view value = values.bytes_at(4);
    const std::size_t size =
        limits::record_overhead_bytes + key.size() + headers.size() + value.size();
    if (size > static_cast<std::size_t>(end_ - at_)) return stop("has more bytes than it says");
    const std::int64_t timestamp = values.int_at(1);
    const std::int32_t sizes[3] = {has_key ? static_cast<std::int32_t>(key.size()) : -1,
                                   has_headers ? static_cast<std::int32_t>(headers.size()) : -1,
                                   static_cast<std::int32_t>(value.size())};
    std::memcpy(at_, &timestamp, 8);
    std::memcpy(at_ + 8, sizes, 12);
    at_ += limits::record_overhead_bytes;
    put(key);
    put(headers);
    put(value);
    ++offset_;
    --records_left_;
    return true;
  }

  /// Nothing when all the batches were read in full.
  [[nodiscard]] std::optional<Error> finish() noexcept {
    if (what_ == nullptr && (records_left_ > 0 || !rest_.empty())) {
      if (records_left_ == 0) (void)next_batch();
      if (what_ == nullptr) what_ = "is missing records at its end";
    }
    if (what_ == nullptr && at_ != end_) what_ = "has fewer bytes than it says";
    if (what_ == nullptr) return std::nullopt;
    return fail(Errc::file_corrupt, "batch " + range_of(*batch_) + " " + what_ +
                                        (offset_ < 0 ? "" : ", at " + std::to_string(offset_)));
  }

 private:
  bool next_batch() noexcept {
    if (batch_ != nullptr && at_ != end_) return stop("has fewer bytes than it says");
    if (rest_.empty()) return stop("is followed by records of no batch");
    batch_ = &rest_.front().header;
    end_ = at_ + rest_.front().payload_bytes;
    offset_ = batch_->base_offset.raw();
    records_left_ = batch_->record_count;
    rest_ = rest_.subspan(1);
    return true;
  }
  bool stop(const char* what) noexcept {
    what_ = what;
    return false;
  }
  void put(std::string_view bytes) noexcept {
    if (bytes.empty()) return;
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

  std::span<const BatchRow> rest_;
  const BatchHeader* batch_ = nullptr;
  char* at_;
  const char* end_ = nullptr;
  std::int64_t offset_ = -1;
  std::uint32_t records_left_ = 0;
  const char* what_ = nullptr;
};

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

Result<std::vector<Bytes>> BatchRows::payloads_of(std::span<const BatchRow> batches) {
  std::vector<Bytes> payloads;
  if (batches.empty()) return payloads;
  if (!records_) {
    PINION_CHECK(sqlite::add_row_sink(*database_));
    PINION_TRY(statement,
               database_->prepare("SELECT row_sink(offset, timestamp, key, headers, value)"
                                  " FROM messages WHERE offset >= ?1 AND offset < ?2"));
    records_ = std::move(statement);
  }
  std::size_t size = 0;
  for (const BatchRow& batch : batches) size += static_cast<std::size_t>(batch.payload_bytes);
  auto buffer = std::make_shared_for_overwrite<char[]>(size);
  PayloadSink sink(batches, buffer.get());
  records_.bind(1, batches.front().header.base_offset.raw());
  records_.bind(2, batches.back().header.next_offset().raw());
  const Result<void> read = sqlite::run_into(*database_, records_, sink);
  if (!read && read.error().code != Errc::cancelled) return failure(read.error());
  if (const auto error = sink.finish()) return failure(*error);

  const char* at = buffer.get();
  const std::shared_ptr<const void> owner = std::move(buffer);
  payloads.reserve(batches.size());
  for (const BatchRow& batch : batches) {
    const auto bytes = static_cast<std::size_t>(batch.payload_bytes);
    if (crc32c({at, bytes}) != batch.header.crc) {
      return failure(Errc::file_corrupt, "batch " + range_of(batch.header) +
                                             " has records with another checksum than it says");
    }
    payloads.emplace_back(owner, at, bytes);
    at += bytes;
  }
  return payloads;
}

void BatchRows::reset() noexcept {
  if (at_or_before_) at_or_before_.reset();
  if (batches_) batches_.reset();
  if (records_) records_.reset();
}

}  // namespace pinion::storage
