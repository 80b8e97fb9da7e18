// Command: what views ask the feed thread to do. Plain values through a bounded queue; what comes
// of them is in later snapshots.
#pragma once

#include "common/proto/messages.hpp"
#include "gui/model/producing.hpp"
#include "gui/model/reading.hpp"
#include "gui/model/record_log.hpp"
#include "gui/model/snapshot.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pinion::gui {

struct AskStatus {};
struct MakeTopic {
  std::string name{};
  TopicConfig config{};
};
struct RemoveTopic {
  std::string name{};
};
struct ChangeTopic {
  AlterTopic change{};
};
struct ChangeNode {
  NodeCommand command = NodeCommand::drain;
  NodeId node = node_none;  ///< With rebalance: none.
};

struct SendRecords {
  SendPlan plan{};
};
struct CancelJob {
  std::uint64_t job = 0;
};
struct ForgetJobs {};  ///< Those that are over.

struct StartReading {
  ReadSettings settings{};
  ReadPlace from{};
};
struct StopReading {};
struct RefreshReading {};
struct SetReadMode {
  ReadMode mode = ReadMode::periodic;
};
struct SetReadPeriod {
  Micros period = 30s;
};
struct SeekReading {
  ReadPlace place{};
};
struct ClearRecords {};

/// Shows a partition from a place on; ReadPlace::Kind::latest: the newest records.
struct BrowsePartition {
  std::string topic{};
  std::int32_t partition = 0;
  ReadPlace place{};
};
enum class BrowseTo : std::uint8_t { older, newer };
struct BrowseMore {
  BrowseTo to = BrowseTo::newer;
  /// The offsets in sight, which stay: [seen, seen_end).
  std::int64_t seen = 0;
  std::int64_t seen_end = 0;
};

struct RunQuery {
  std::string topic{};
  std::optional<std::int32_t> partition{};  ///< Nothing: all, one after the other.
  std::string sql{};
  std::uint32_t rows_max = 10'000;
};
struct CancelQuery {};

enum class ExportFormat : std::uint8_t { json_lines, csv };
/// Records by their numbers in a view, or a query's result when `numbers` and `records` are empty.
struct ExportRows {
  std::string path{};
  ExportFormat format = ExportFormat::json_lines;
  LogView records{};
  std::vector<std::uint64_t> numbers{};  ///< Empty: all of `records`.
  std::shared_ptr<const QueryView> query{};
  bool replaces = false;  ///< A file that is there already.
};

using Command = std::variant<AskStatus, MakeTopic, RemoveTopic, ChangeTopic, ChangeNode,
                             SendRecords, CancelJob, ForgetJobs, StartReading, StopReading,
                             RefreshReading, SetReadMode, SetReadPeriod, SeekReading, ClearRecords,
                             BrowsePartition, BrowseMore, RunQuery, CancelQuery, ExportRows>;
using Commands = std::vector<Command>;

}  // namespace pinion::gui
