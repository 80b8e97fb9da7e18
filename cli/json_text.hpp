// What `--json` prints. The one user of the JSON library in this program; everything else hands it
// plain values and gets text. Pure.
//
// Times are microseconds since 1970, as numbers. Bytes that are not UTF-8 stand as base64, and a
// field beside them says so: "value_encoding": "base64".
#pragma once

#include "cli/bench.hpp"

#include "common/proto/messages.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pinion::cli {

[[nodiscard]] std::string_view name_of(PartitionState state);
[[nodiscard]] std::string_view name_of(NodeHealth health);

/// One record as one line without its newline.
struct RecordText {
  std::string_view topic;
  PartitionIndex partition{0};
  Offset offset{0};
  Micros timestamp{0};
  std::optional<std::string_view> key;
  std::optional<std::string_view> headers;  ///< As stored: a JSON array of pairs.
  std::string_view value;
};
[[nodiscard]] std::string json_of(const RecordText& record);

[[nodiscard]] std::string json_of(const TopicMetadata& topic);
[[nodiscard]] std::string json_of(const std::vector<TopicMetadata>& topics);
[[nodiscard]] std::string json_of_deleted(std::string_view topic, TopicId id);
[[nodiscard]] std::string json_of(const ClusterStatusReply& status);
[[nodiscard]] std::string json_of(const BenchReport& report);

/// A row as one object, for the elements of `query --json`.
[[nodiscard]] std::string json_of(const std::vector<std::string>& columns,
                                  const std::vector<SqlValue>& row);

}  // namespace pinion::cli
