#include "common/proto/record_batch.hpp"

#include "common/base/assert.hpp"
#include "common/base/checksum.hpp"
#include "common/proto/record_headers.hpp"

#include <bit>

namespace pinion {
namespace {

static_assert(std::endian::native == std::endian::little, "payloads are read and written in place");

void put(char*& at, std::int64_t value) noexcept {
  std::memcpy(at, &value, sizeof value);
  at += sizeof value;
}
void put(char*& at, std::int32_t value) noexcept {
  std::memcpy(at, &value, sizeof value);
  at += sizeof value;
}
void put(char*& at, std::string_view bytes) noexcept {
  if (bytes.empty()) return;
  std::memcpy(at, bytes.data(), bytes.size());
  at += bytes.size();
}

std::int32_t size_or_none(const std::optional<std::string_view>& part) noexcept {
  return part ? static_cast<std::int32_t>(part->size()) : -1;
}

std::string record_text(std::uint32_t index) { return "record " + std::to_string(index); }

}  // namespace

void append_record(std::string& payload, const RecordView& record) {
  const std::size_t size = encoded_size(record);
  PINION_ASSERT(size <= limits::batch_bytes_ceiling);
  const std::size_t begin = payload.size();
  payload.resize(begin + size);
  char* at = payload.data() + begin;
  put(at, std::int64_t{record.timestamp.count()});
  put(at, size_or_none(record.key));
  put(at, size_or_none(record.headers));
  put(at, static_cast<std::int32_t>(record.value.size()));
  put(at, record.key.value_or(std::string_view()));
  put(at, record.headers.value_or(std::string_view()));
  put(at, record.value);
}

Result<void> check_batch(const BatchHeader& header, std::string_view payload,
                         std::size_t record_bytes_max) {
  if (header.record_count == 0 || header.record_count > limits::batch_records_max) {
    return failure(Errc::malformed,
                   "a batch holds 1 to " + std::to_string(limits::batch_records_max) + " records");
  }
  if (payload.size() > limits::batch_bytes_ceiling) {
    return failure(Errc::malformed,
                   "a batch is at most " + std::to_string(limits::batch_bytes_ceiling) + " bytes");
  }
  // First, for nothing is known about the sender from bytes that are not the ones it sent.
  if (crc32c(payload) != header.crc) return failure(Errc::corrupt_record);

  BatchReader reader(payload);
  RecordView record;
  std::uint32_t count = 0;
  while (reader.next(record)) {
    const std::size_t size = encoded_size(record) - limits::record_overhead_bytes;
    if (size > record_bytes_max) [[unlikely]] {
      return failure(Errc::record_too_large, record_text(count) + " has " + std::to_string(size) +
                                                 " bytes; the limit is " +
                                                 std::to_string(record_bytes_max));
    }
    if (record.headers && !are_record_headers(*record.headers)) [[unlikely]] {
      return failure(Errc::malformed,
                     record_text(count) + "'s headers are not a JSON array of [name, value]");
    }
    ++count;
  }
  if (reader.malformed()) return failure(Errc::malformed, record_text(count) + " is cut short");
  if (count != header.record_count) {
    return failure(Errc::malformed, "the batch announces " + std::to_string(header.record_count) +
                                        " records and holds " + std::to_string(count));
  }
  return {};
}

}  // namespace pinion
