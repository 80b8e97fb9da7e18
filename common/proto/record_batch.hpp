// Record batches: the bytes of records on the wire, and the only code that reads and writes them.
//
// A batch is a BatchHeader, which travels in a message's body, and a payload, which is one frame of
// its own and is forwarded, stored and checked without being decoded as msgpack. The payload is the
// batch's records, one after the other, integers little-endian:
//
//   offset in record   size   field
//   0                  8      timestamp, microseconds since 1970 UTC
//   8                  4      key size, or -1 for no key
//   12                 4      headers size, or -1 for no headers
//   16                 4      value size
//   20                 ...    key, headers, value
//
// crc32c covers the payload and nothing else: not the base offset or the epoch, which the partition
// leader decides. The same bytes can be made again from the rows of a partition file, which is how
// `pinion verify` checks a file that nobody trusts.
//
// Headers are the JSON text that is stored: an array of [name, value] pairs; see
// record_headers.hpp. Pure; no thread owns anything here.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace pinion {

/// One record, referring to memory that somebody else keeps.
struct RecordView {
  Micros timestamp{0};
  std::optional<std::string_view> key;
  std::optional<std::string_view> headers;
  std::string_view value;
};

struct BatchHeader {
  Offset base_offset = offset_unassigned;  ///< Assigned by the leader, with the next two.
  Epoch leader_epoch = epoch_unknown;
  Micros append_time{0};  ///< The log's time of the first record; record i has append_time + i.
  ProducerId producer_id = producer_none;
  ProducerEpoch producer_epoch{0};
  Sequence base_sequence{0};  ///< Of the first record; counts records, per producer and partition.
  std::uint32_t record_count = 0;
  std::uint32_t crc = 0;  ///< crc32c of the payload.

  [[nodiscard]] Offset last_offset() const noexcept {
    return base_offset + (std::int64_t{record_count} - 1);
  }
  [[nodiscard]] Offset next_offset() const noexcept {
    return base_offset + std::int64_t{record_count};
  }
  [[nodiscard]] Sequence next_sequence() const noexcept {
    return base_sequence + std::int64_t{record_count};
  }

  auto fields() noexcept {
    return std::tie(base_offset, leader_epoch, append_time, producer_id, producer_epoch,
                    base_sequence, record_count, crc);
  }
  auto fields() const noexcept {
    return std::tie(base_offset, leader_epoch, append_time, producer_id, producer_epoch,
                    base_sequence, record_count, crc);
  }
  bool operator==(const BatchHeader&) const = default;
};

struct Batch {
  BatchHeader header;
  Bytes payload;
};

/// The bytes that one record takes in a payload.
[[nodiscard]] inline std::size_t encoded_size(const RecordView& record) noexcept {
  return limits::record_overhead_bytes + (record.key ? record.key->size() : 0) +
         (record.headers ? record.headers->size() : 0) + record.value.size();
}

/// Appends one record to a payload. Requires: its parts are within limits.hpp.
void append_record(std::string& payload, const RecordView& record);

/// Reads the records of a payload in order. Safe on any bytes: a malformed record ends the reading
/// with `malformed()` true.
class BatchReader {
 public:
  explicit BatchReader(std::string_view payload) noexcept : rest_(payload) {}

  /// The next record, or nothing at the end.
  [[nodiscard]] bool next(RecordView& record) noexcept {
    if (rest_.empty()) return false;
    if (rest_.size() < limits::record_overhead_bytes) return stop();
    const char* at = rest_.data();
    std::int64_t timestamp = 0;
    std::int32_t key_size = 0;
    std::int32_t headers_size = 0;
    std::int32_t value_size = 0;
    std::memcpy(&timestamp, at, 8);
    std::memcpy(&key_size, at + 8, 4);
    std::memcpy(&headers_size, at + 12, 4);
    std::memcpy(&value_size, at + 16, 4);
    if (key_size < -1 || headers_size < -1 || value_size < 0) return stop();
    const std::int64_t key_bytes = key_size < 0 ? 0 : key_size;
    const std::int64_t headers_bytes = headers_size < 0 ? 0 : headers_size;
    const std::int64_t body = key_bytes + headers_bytes + value_size;
    const auto rest = static_cast<std::int64_t>(rest_.size() - limits::record_overhead_bytes);
    if (body > rest) return stop();
    at += limits::record_overhead_bytes;
    record.timestamp = Micros(timestamp);
    record.key.reset();
    record.headers.reset();
    if (key_size >= 0) record.key.emplace(at, static_cast<std::size_t>(key_size));
    at += key_bytes;
    if (headers_size >= 0) record.headers.emplace(at, static_cast<std::size_t>(headers_size));
    at += headers_bytes;
    record.value = {at, static_cast<std::size_t>(value_size)};
    rest_.remove_prefix(limits::record_overhead_bytes + static_cast<std::size_t>(body));
    return true;
  }

  [[nodiscard]] bool malformed() const noexcept { return malformed_; }

 private:
  bool stop() noexcept {
    malformed_ = true;
    rest_ = {};
    return false;
  }

  std::string_view rest_;
  bool malformed_ = false;
};

/// What a partition leader and a consumer check before they trust a batch. In this order:
/// `corrupt_record` when the checksum differs, whatever else does; `record_too_large`; `malformed`
/// unless the payload has exactly the header's number of well-formed records with headers that are
/// a JSON array of pairs.
[[nodiscard]] Result<void> check_batch(const BatchHeader& header, std::string_view payload,
                                       std::size_t record_bytes_max);

}  // namespace pinion
