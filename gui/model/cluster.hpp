// ClusterView: a cluster as it is shown: nodes, topics, partitions, readers, what moved, what
// happened. And ClusterModel, which makes one of each answer of the broker and of what it knew
// before. Pure.
//
// Lag in time: the model remembers when each partition's high watermark passed which offset, as far
// back as it has seen; a reader's position on that curve is as old as the record it will read next.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"
#include "gui/model/format.hpp"
#include "gui/model/history.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::gui {

struct NodeRow {
  NodeId id = node_none;
  NodeHealth health = NodeHealth::lost;
  std::string address{};
  std::string place{};  ///< Region and rack.
  std::string version{};
  std::int64_t incarnation = 0;
  std::uint32_t partitions_led = 0;
  std::uint32_t replicas = 0;  ///< Partitions that it should hold.
  bool draining = false;
  std::uint32_t drained_of = 0;  ///< What it held when its draining was first seen.
  std::uint32_t stuck = 0;       ///< Of a draining one: replicas that have nowhere to go.
  Micros heard_ago{0};           ///< When the broker answered.
  NodeLoad load{};
  std::optional<double> commits_per_s{};
  std::uint64_t wal_bytes = 0;  ///< Of all its partitions.
  std::uint64_t file_bytes = 0;
  double records_in_per_s = 0;
  double records_out_per_s = 0;

  /// When the broker answered. It takes nothing new while it is draining, so that it stays true.
  [[nodiscard]] bool is_drained() const noexcept { return draining && replicas == 0; }
};

struct ReaderRow {
  std::string topic{};
  std::int32_t partition = 0;
  std::string reader{};  ///< "consumer:NAME"
  std::int64_t position = 0;
  std::optional<std::int64_t> lag{};  ///< In records. Nothing: not known.
  std::optional<Micros> lag_time{};   ///< How old the next record is, at least.
  bool lag_time_is_more = false;      ///< Older than the model has seen.
  Micros updated_at{0};
};

/// A follower, as its leader knows it.
struct FollowerRow {
  NodeId node = node_none;
  bool in_sync = false;
  std::optional<std::int64_t> behind{};  ///< In records. Nothing: not known.
  std::optional<Micros> behind_for{};    ///< Since when it is not at the leader's end.
};

struct PartitionRow {
  std::string topic{};
  std::int32_t partition = 0;
  PartitionState state = PartitionState::offline;
  NodeId leader = node_none;
  std::int64_t epoch = 0;
  std::vector<NodeId> replicas{};
  std::vector<NodeId> isr{};
  std::vector<NodeId> target{};  ///< Where it is being moved to; none: it is not.
  std::size_t min_insync = 1;    ///< With fewer in sync it takes no records.
  std::vector<FollowerRow> followers{};
  bool has_status = false;  ///< Its leader has told the numbers below.
  std::int64_t log_start = 0;
  std::int64_t high_watermark = 0;
  std::int64_t log_end = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t wal_bytes = 0;
  std::uint32_t records_in_per_s = 0;
  std::uint32_t records_out_per_s = 0;
  std::string file{};
  std::string detail{};

  [[nodiscard]] bool is_moving() const noexcept { return !target.empty(); }
  [[nodiscard]] bool is_short() const noexcept { return isr.size() < replicas.size(); }
  [[nodiscard]] bool takes_records() const noexcept {
    return state == PartitionState::online && isr.size() >= min_insync;
  }
  /// Of the follower that is most behind. Nothing: there is none, or none is known.
  [[nodiscard]] std::optional<std::int64_t> behind_max() const;
};

struct TopicRow {
  TopicId id{0};
  std::string name{};
  TopicConfig config{};
  Micros created_at{0};
  std::int32_t partitions = 0;
  std::int32_t partitions_online = 0;
  std::int32_t under_replicated = 0;
  std::int32_t moving = 0;
  std::int32_t closed = 0;  ///< Online, and with too few replicas in sync to take records.
  std::optional<std::uint64_t> records{};  ///< Nothing: some partition's are not known.
  std::uint64_t file_bytes = 0;
  std::uint64_t wal_bytes = 0;
  double records_in_per_s = 0;
  double records_out_per_s = 0;
  std::size_t readers = 0;
  std::optional<std::int64_t> lag_max{};
  std::size_t first_row = 0;  ///< In ClusterView::partitions, where its partitions stand together.
};

enum class EventKind : std::uint8_t {
  connected,
  disconnected,
  broker_restarted,
  node_joined,
  node_lost,
  node_restarted,
  leader_moved,
  partition_state,
  isr_changed,
  replicas_moving,
  replicas_moved,
  node_draining,
  node_removed,
  topic_created,
  topic_altered,
  topic_deleted,
};
struct ClusterEvent {
  Micros wall{0};
  EventKind kind{};
  Tone tone = Tone::normal;
  std::string text{};
};

/// Older than this, numbers of the cluster are shown as stale.
inline constexpr Micros stale_after = 6s;
/// How often the broker is asked for its status.
inline constexpr Micros status_every = 2s;
/// Whether what was true when the broker answered may be said of the present.
enum class Freshness : std::uint8_t { fresh, stale };

/// How long commits take: of the nodes that write now; where none does, of the last ones.
struct CommitTimes {
  bool known = false;
  bool now = false;
  std::uint32_t p50_us = 0;
  std::uint32_t p99_us = 0;
};

/// What the charts of the cluster draw.
enum class Metric : std::uint8_t {
  records_in,
  records_out,
  bytes_in,
  bytes_out,
  commit_p50,
  commit_p99,
  lag,
  count
};
using ClusterHistory = History<static_cast<std::size_t>(Metric::count)>;

struct ClusterView {
  Micros answered_at{0};  ///< Monotonic, when the answer came.
  BrokerStatus broker{};
  std::vector<NodeRow> nodes{};
  std::vector<TopicRow> topics{};  ///< By name.
  std::vector<PartitionRow> partitions{};
  std::vector<ReaderRow> readers{};
  std::size_t consumers = 0;  ///< Registered.
  std::size_t producers = 0;
  std::uint32_t partitions_offline = 0;
  std::uint32_t partitions_not_well = 0;  ///< Storage full, halted, opening.
  std::uint32_t under_replicated = 0;
  std::uint32_t moving = 0;
  std::uint32_t closed = 0;
  std::uint32_t nodes_lost = 0;
  double records_in_per_s = 0;
  double records_out_per_s = 0;
  CommitTimes commits{};
  std::optional<std::int64_t> lag_max{};           ///< Nothing: no reader's is known.
  std::optional<std::uint64_t> disk_free_least{};  ///< Of the nodes that are alive and tell it.
  std::shared_ptr<const ClusterHistory> history{};

  [[nodiscard]] const TopicRow* find_topic(std::string_view name) const;
  [[nodiscard]] const NodeRow* find_node(NodeId id) const;
};

/// What views say of all of it, so that no frame goes through all partitions or readers for it:
/// commits, lag_max, disk_free_least, and how far drains are. Once for each answer.
void put_summary(ClusterView& view);

class ClusterModel {
 public:
  static constexpr std::size_t events_max = 1'000;
  static constexpr std::size_t history_samples = 1'800;  ///< An hour at one answer in 2 s.
  static constexpr std::size_t watermarks_max = 180;     ///< A partition: six minutes.

  void on_status(const Now& now, ClusterStatusReply&& reply);
  void on_connection(const Now& now, bool connected, const std::string& detail);

  /// Nothing until the first answer.
  [[nodiscard]] const std::shared_ptr<const ClusterView>& view() const noexcept { return view_; }
  [[nodiscard]] std::shared_ptr<const std::vector<ClusterEvent>> events() const;

 private:
  struct Watermark {
    Micros wall{0};
    std::int64_t offset = 0;
  };
  void add_event(Micros wall, EventKind kind, Tone tone, std::string text);
  void note_changes(const Now& now, const ClusterView& before, const ClusterView& after);
  void note_nodes(const Now& now, const ClusterView& before, const ClusterView& after);
  void note_partitions(const Now& now, const ClusterView& before, const ClusterView& after);
  void note_topics(const Now& now, const ClusterView& before, const ClusterView& after);
  void note_watermark(const Now& now, const PartitionRow& row, TopicId topic);
  void put_nodes(const ClusterStatusReply& reply, ClusterView& view);
  void put_partitions(const Now& now, const ClusterStatusReply& reply, ClusterView& view);
  void put_readers(const Now& now, const PartitionStatus& status, const PartitionRow& row,
                   ClusterView& view) const;
  void put_history(const Now& now, ClusterView& view);

  std::shared_ptr<const ClusterView> view_;
  ClusterHistory history_{history_samples};
  std::deque<ClusterEvent> events_;
  mutable std::shared_ptr<const std::vector<ClusterEvent>> events_shown_;
  std::map<PartitionKey, std::deque<Watermark>> watermarks_;
  std::optional<bool> connected_;
};

[[nodiscard]] std::string_view name_of(PartitionState state);
[[nodiscard]] Tone tone_of(PartitionState state);
[[nodiscard]] std::string_view name_of(NodeHealth health);
[[nodiscard]] Tone tone_of(NodeHealth health);
/// "1, 2, 3", or "none".
[[nodiscard]] std::string list_of(const std::vector<NodeId>& nodes);

}  // namespace pinion::gui
