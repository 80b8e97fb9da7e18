// A record as the extended interface shows it. Pure.
#pragma once

#include "client/api/consumer.hpp"
#include "gateway/core/json.hpp"

#include "common/base/bytes.hpp"

#include <string>

namespace pinion::gateway {

enum class WithPartition : std::uint8_t { no, yes };

[[nodiscard]] inline std::string record_json(const ConsumerRecord& record, WithPartition with) {
  JsonObject object;
  if (with == WithPartition::yes) {
    object.add("partition_id", std::int64_t{record.partition.raw()});
  }
  object.add("offset", record.offset.raw());
  object.add("timestamp", std::int64_t{record.timestamp.count()});
  object.add("log_time", std::int64_t{record.log_time.count()});
  if (record.key) object.add_bytes("key", *record.key);
  if (record.headers) object.add_json("headers", *record.headers);
  object.add_bytes("value", record.value);
  return object.take();
}

}  // namespace pinion::gateway
