// Chunks of records for the tests of the dashboard's model.
#pragma once

#include "gui/model/record_log.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::test {

struct PlainRecord {
  std::string value{};
  std::optional<std::string> key{};
  std::optional<std::string> headers{};
  std::int32_t partition = 0;
};

inline gui::RecordChunk chunk_of(const std::vector<PlainRecord>& records, std::int64_t first = 0) {
  gui::RecordChunkBuilder builder(std::make_shared<const std::string>("orders"));
  for (const PlainRecord& record : records) {
    gui::RecordChunkBuilder::Record out;
    out.partition = record.partition;
    out.offset = first++;
    out.timestamp = 1'700'000'000'000'000;
    out.log_time = out.timestamp + 1;
    if (record.key) out.key = *record.key;
    if (record.headers) out.headers = *record.headers;
    out.value = record.value;
    builder.add(out);
  }
  return std::move(builder).build();
}

/// `count` records "value N".
inline gui::RecordChunk numbered(std::int64_t first, std::int64_t count) {
  std::vector<PlainRecord> records;
  for (std::int64_t i = first; i < first + count; ++i) {
    records.push_back({"value " + std::to_string(i)});
  }
  return chunk_of(records, first);
}

}  // namespace pinion::test
