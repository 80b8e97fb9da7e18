// Snapshot: everything that the views of one cluster show, immutable. The feed thread publishes one
// when something changed; the UI thread takes the newest once a frame and holds no lock while
// drawing. Its parts are shared between snapshots, so publishing costs a few pointers.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"
#include "gui/model/cluster.hpp"
#include "gui/model/producing.hpp"
#include "gui/model/reading.hpp"
#include "gui/model/record_log.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::gui {

enum class Connection : std::uint8_t { connecting, connected, lost, refused, invalid };

struct ConnectionView {
  Connection state = Connection::connecting;
  std::string address{};
  std::string cluster_id{};
  std::string server_version{};
  std::string problem{};  ///< What is wrong and what to do; empty while all is well.
  std::uint64_t record_bytes_max = 0;
  std::uint64_t reconnects = 0;
  Micros since{0};  ///< Monotonic: of this state.
};

/// How the last action of a panel ended; shown where the action was taken.
struct ActionResult {
  std::uint64_t number = 0;  ///< Grows with each action; 0: none yet.
  bool running = false;
  bool ok = false;
  std::string text{};
  bool wants_attention = false;  ///< It is under way, and will not end by itself.
};

struct QueryView {
  std::uint64_t number = 0;  ///< Grows with each query.
  std::string topic{};
  std::optional<std::int32_t> partition{};
  std::string sql{};
  bool running = false;
  std::int32_t partitions_done = 0;
  std::int32_t partitions_asked = 0;
  Micros took{0};
  Error error{};  ///< ok, or why.
  std::vector<std::string> columns{};
  std::vector<std::vector<SqlValue>> rows{};
  bool truncated = false;
};

struct BrowseView {
  std::uint64_t number = 0;  ///< Grows with each jump to a place.
  std::string topic{};
  std::int32_t partition = 0;
  bool loading = false;
  std::string problem{};
  std::int64_t first = 0;  ///< The offsets that are held: [first, next).
  std::int64_t next = 0;
  bool range_known = false;  ///< Of the partition: it told where it begins and ends.
  std::int64_t log_start = 0;
  std::int64_t high_watermark = 0;
  LogView records{};
};

struct ConsumeView {
  ReadingView reading{};
  LogView records{};
  std::uint64_t dropped = 0;  ///< From view, at the old end.
  std::size_t bytes = 0;
  std::uint64_t cleared = 0;  ///< Grows when the box is emptied.
};

struct Snapshot {
  std::uint64_t version = 0;
  Micros made_at{0};  ///< Monotonic.
  ConnectionView connection{};
  std::shared_ptr<const ClusterView> cluster{};  ///< Nothing until the broker has answered.
  std::shared_ptr<const std::vector<ClusterEvent>> events{};
  std::shared_ptr<const ProducingView> producing{};
  std::shared_ptr<const ConsumeView> consume{};
  std::shared_ptr<const BrowseView> browse{};
  std::shared_ptr<const QueryView> query{};
  ActionResult topic_action{};  ///< Creating, altering and deleting topics.
  ActionResult node_action{};   ///< Draining, keeping, removing, rebalancing.
  ActionResult export_action{};
};

}  // namespace pinion::gui
