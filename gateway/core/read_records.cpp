#include "gateway/core/read_records.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/proto/record_batch.hpp"
#include "common/proto/record_headers.hpp"

#include <optional>
#include <string_view>
#include <utility>

namespace pinion::gateway {
namespace {

using Text = std::optional<std::string>;

tl::unexpected<Error> refuse(std::size_t index, std::string_view why) {
  return failure(Errc::invalid_argument,
                 "records[" + std::to_string(index) + "]: " + std::string(why));
}

/// `name` as text or `name`_base64; nothing: neither is there.
Result<Text> read_bytes(const Json& record, const std::string& name, std::size_t index) {
  if (const auto at = record.find(name); at != record.end() && !at->is_null()) {
    if (!at->is_string()) return refuse(index, name + " is not a string");
    return Text(at->get<std::string>());
  }
  const std::string encoded = name + "_base64";
  const auto at = record.find(encoded);
  if (at == record.end() || at->is_null()) return Text();
  if (!at->is_string()) return refuse(index, encoded + " is not a string");
  auto bytes = base64_decode(at->get_ref<const std::string&>());
  if (!bytes) return refuse(index, encoded + " is not base64 (with its padding)");
  return Text(std::move(bytes));
}

Result<std::string> read_header_value(const Json& value, std::size_t index) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.size() == 1 && value.contains("base64") &&
      value["base64"].is_string()) {
    if (auto bytes = base64_decode(value["base64"].get_ref<const std::string&>())) return *bytes;
  }
  return refuse(index, "a header's value is a string or {\"base64\": string}");
}

Result<std::string> read_headers(const Json& headers, std::size_t index) {
  std::vector<RecordHeader> list;
  const auto add = [&](const Json& name, const Json& value) -> Result<void> {
    PINION_TRY(bytes, read_header_value(value, index));
    list.push_back({name.get<std::string>(), std::move(bytes)});
    return {};
  };
  if (headers.is_object()) {
    for (const auto& [name, value] : headers.items()) PINION_CHECK(add(name, value));
  } else if (headers.is_array()) {
    for (const Json& pair : headers) {
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) {
        return refuse(index, "headers is an object, or an array of [name, value]");
      }
      PINION_CHECK(add(pair[0], pair[1]));
    }
  } else {
    return refuse(index, "headers is an object, or an array of [name, value]");
  }
  if (list.empty()) return std::string();
  auto text = build_record_headers(list);
  if (!text) return refuse(index, text.error().detail);
  return text;
}

/// Nothing: it is no whole number of 64 bits. Beyond them nlohmann would wrap around.
std::optional<std::int64_t> whole_number(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() >> 63 != 0) return std::nullopt;
  return value.get<std::int64_t>();
}

Result<RecordToSend> read_record(const Json& json, std::size_t index) {
  RecordToSend record;
  if (json.is_string()) {
    record.value = json.get<std::string>();
    return record;
  }
  if (!json.is_object()) return refuse(index, "a record is a string or an object");
  PINION_TRY(value, read_bytes(json, "value", index));
  if (!value) return refuse(index, "it has neither value nor value_base64");
  record.value = std::move(*value);
  PINION_TRY(key, read_bytes(json, "key", index));
  record.key = std::move(key);
  if (const auto at = json.find("headers"); at != json.end() && !at->is_null()) {
    PINION_TRY(headers, read_headers(*at, index));
    record.headers = std::move(headers);
  }
  if (const auto at = json.find("timestamp"); at != json.end() && !at->is_null()) {
    const auto number = whole_number(*at);
    if (!number) return refuse(index, "timestamp is not a whole number of microseconds");
    record.timestamp = Micros(*number);
  }
  if (const auto at = json.find("partition"); at != json.end() && !at->is_null()) {
    const auto number = whole_number(*at);
    if (!number || *number < -1 || *number >= limits::partitions_per_topic_max) {
      return refuse(index, "partition is not a partition's number");
    }
    if (*number >= 0) record.partition = PartitionIndex(static_cast<std::int32_t>(*number));
  }
  return record;
}

}  // namespace

Result<std::vector<RecordToSend>> read_records(const Json& records) {
  if (!records.is_array() || records.empty() || records.size() > limits::batch_records_max) {
    return failure(
        Errc::invalid_argument,
        "records is an array of 1 to " + std::to_string(limits::batch_records_max) + " records");
  }
  std::vector<RecordToSend> list;
  list.reserve(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    PINION_TRY(record, read_record(records[i], i));
    list.push_back(std::move(record));
  }
  return list;
}

std::string encode_payload(const std::vector<RecordToSend>& records, Micros now) {
  std::string payload;
  for (const RecordToSend& record : records) {
    RecordView view;
    view.timestamp = record.timestamp == Micros{0} ? now : record.timestamp;
    if (record.key) view.key = *record.key;
    if (!record.headers.empty()) view.headers = record.headers;
    view.value = record.value;
    append_record(payload, view);
  }
  return payload;
}

}  // namespace pinion::gateway
