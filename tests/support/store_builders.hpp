// Records, batches and tickets for the tests of the stores, and a folder that is removed at the
// end.
#pragma once

#include "common/base/assert.hpp"
#include "common/base/checksum.hpp"
#include "common/base/prng.hpp"
#include "common/ports/record_store.hpp"
#include "common/proto/record_batch.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <stdlib.h>

namespace pinion::test {

/// A folder below TMPDIR (or /tmp).
class StoreFolder {
 public:
  StoreFolder() : StoreFolder("") {}
  /// In `parent` when there is such a folder: on another file system, or on one without a disk.
  explicit StoreFolder(const std::string& parent) {
    const char* chosen = ::getenv("TMPDIR");
    path_ = chosen == nullptr ? "/tmp" : chosen;
    if (std::filesystem::is_directory(parent)) path_ = parent;
    path_ += "/pinion-store-XXXXXX";
    PINION_ASSERT(::mkdtemp(path_.data()) != nullptr);
  }
  ~StoreFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  StoreFolder(const StoreFolder&) = delete;
  StoreFolder& operator=(const StoreFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

inline LogIdentity orders(std::int32_t partition = 0, std::int64_t topic_id = 1) {
  return {"cluster-a", {TopicId(topic_id), PartitionIndex(partition)}, "orders"};
}

/// Where a log goes on: gives batches their offsets and log times, as a partition leader does.
struct BatchMaker {
  Offset next{0};
  Epoch epoch{1};
  Micros time{1'000'000};
  ProducerId producer{7};
  ProducerEpoch producer_epoch{0};
  Sequence sequence{0};

  Batch make(const std::vector<RecordView>& records) {
    Batch batch;
    std::string payload;
    for (const RecordView& record : records) append_record(payload, record);
    BatchHeader& header = batch.header;
    header.base_offset = next;
    header.leader_epoch = epoch;
    header.append_time = time;
    header.producer_id = producer;
    header.producer_epoch = producer_epoch;
    header.base_sequence = producer == producer_none ? Sequence(0) : sequence;
    header.record_count = static_cast<std::uint32_t>(records.size());
    header.crc = crc32c(payload);
    batch.payload = Bytes(std::move(payload));
    next = header.next_offset();
    time += Micros(header.record_count);
    sequence += header.record_count;
    return batch;
  }

  /// `count` records with values "v<offset>".
  Batch make(std::size_t count, std::size_t value_bytes = 0) {
    std::vector<std::string> values;
    std::vector<RecordView> records;
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back("v" + std::to_string(next.raw() + static_cast<std::int64_t>(i)));
      if (values.back().size() < value_bytes) values.back().resize(value_bytes, '.');
    }
    for (const std::string& value : values) {
      RecordView record;
      record.timestamp = Micros(1'700'000'000'000'000 + static_cast<std::int64_t>(records.size()));
      record.value = value;
      records.push_back(record);
    }
    return make(records);
  }

  /// Records of all shapes: with and without key and headers, empty, binary, up to `bytes_max`.
  Batch make_random(Prng& prng, std::size_t records_max, std::size_t bytes_max) {
    const auto size = [&] { return prng.between(0, static_cast<std::int64_t>(bytes_max)); };
    const std::int64_t count = prng.between(1, static_cast<std::int64_t>(records_max));
    std::vector<std::string> bytes;
    bytes.reserve(static_cast<std::size_t>(2 * count));
    std::vector<RecordView> records;
    for (std::int64_t i = 0; i < count; ++i) {
      RecordView record;
      record.timestamp = Micros(prng.between(0, std::int64_t{1} << 51));
      const auto random_bytes = [&] {
        std::string text(static_cast<std::size_t>(size()), '\0');
        for (char& c : text) c = static_cast<char>(prng.between(0, 255));
        bytes.push_back(std::move(text));
        return std::string_view(bytes.back());
      };
      if (prng.chance(1, 2)) record.key = random_bytes();
      if (prng.chance(1, 3)) record.headers = R"([["name","value"]])";
      if (prng.chance(1, 50)) record.headers = "[]";
      record.value = random_bytes();
      records.push_back(record);
    }
    return make(records);
  }
};

/// Tickets of one log, numbered.
class Tickets {
 public:
  template <typename Op>
  Persist operator()(Op op) {
    return {Ticket(next_++), std::move(op)};
  }
  Persist append(Batch batch) { return (*this)(AppendBatch{std::move(batch)}); }
  Persist epoch(std::int64_t epoch, Offset start) {
    return (*this)(StartEpoch{{Epoch(epoch), start}});
  }
  Persist high_watermark(Offset offset) { return (*this)(NoteHighWatermark{offset}); }
  Persist truncate(Offset end) { return (*this)(Truncate{end}); }
  Persist drop_before(Offset start) { return (*this)(DropBefore{start}); }

 private:
  std::uint64_t next_ = 1;
};

}  // namespace pinion::test
