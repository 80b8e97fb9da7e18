// The records of a batch request, from JSON. Pure.
#pragma once

#include "common/base/result.hpp"
#include "gateway/core/commands.hpp"
#include "gateway/core/json.hpp"

#include <string>
#include <vector>

namespace pinion::gateway {

/// `records` as docs/HTTP.md shows it. invalid_argument, naming the place, for anything else.
[[nodiscard]] Result<std::vector<RecordToSend>> read_records(const Json& records);

/// The payload of one batch, as record_batch.hpp lays it out. `now` is the time of the records that
/// bring none.
[[nodiscard]] std::string encode_payload(const std::vector<RecordToSend>& records, Micros now);

}  // namespace pinion::gateway
