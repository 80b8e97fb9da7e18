// The partitions: what is durable of them, what is decided, and what their replicas last said.
// State only; controller_leadership.cpp, controller_moves.cpp and controller_partitions.cpp
// decide.
//
//        ┌──── no live node has what is committed: its nodes are lost, stop or start again ────┐
//        ▼                                                                                     │
//    offline ──one leads──► opening ──it reported, and `opened` is durable──► online ──────────┤
//                              ▲                                               ▲│              │
//                              │                          room again, no room  ││              │
//                              └──── another one leads ────────────  storage_full   halted ────┘
#pragma once

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/ports/meta_store.hpp"
#include "common/proto/messages.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pinion {

/// An assignment that a replica has not followed yet, as far as it has said.
struct Untold {
  Micros again_at{0};
  std::uint32_t attempts = 0;
};

/// What a node last said of its replica, and which of its messages said so.
struct ReportedReplica : ReplicaState {
  RequestId said_in{0};
  bool is_report = false;  ///< And no heartbeat, which does not say everything.
};

/// One opening of a replica's file.
struct Copy {
  std::int64_t session = 0;
  std::int64_t number = 0;
  bool operator==(const Copy&) const = default;
};

struct Partition {
  PartitionMeta meta;     ///< Durable.
  PartitionMeta decided;  ///< The same with all decisions that are on their way to the store.
  std::map<NodeId, ReportedReplica> reports;  ///< Of this session of their nodes.
  /// The version with which a node got its replica, since the start: what it says of an earlier one
  /// is about a copy that it was to delete.
  std::map<NodeId, std::int64_t> held_since;
  /// Which opening of each replica's file a leader has last said to have everything that was
  /// committed then. As long as it is that one, and the node a member, it has what came since.
  std::map<NodeId, Copy> whole;
  Micros leaderless_since{0};      ///< Since when nobody leads; candidates are waited for.
  Micros preferred_since = never;  ///< Since when the first replica might lead again.
  /// How often the first replica, leading, gave way because its disk failed, and when last.
  struct Failures {
    NodeId node = node_none;
    std::uint32_t count = 0;
    Micros last_at{0};
  } failures;
  PartitionState state = PartitionState::offline;
  std::string detail = "its node has not registered since the leader broker's start";
  /// What the leader said before `opened` was durable; becomes `state` then.
  PartitionState reported = PartitionState::offline;
  std::string reported_detail;
  PartitionStatus status;  ///< From the last heartbeat that named it.
  std::string loss;        ///< What an unclean election has cost, for people; since the start.
};

class PartitionTable {
 public:
  using Rows = std::map<PartitionKey, Partition>;

  [[nodiscard]] Partition* find(PartitionKey key) {
    const auto row = rows_.find(key);
    return row == rows_.end() ? nullptr : &row->second;
  }
  [[nodiscard]] const Partition* find(PartitionKey key) const {
    const auto row = rows_.find(key);
    return row == rows_.end() ? nullptr : &row->second;
  }
  Partition& put(const PartitionMeta& meta) {
    Partition& partition = rows_[meta.key];
    partition = Partition{};
    partition.meta = meta;
    partition.decided = meta;
    enter(meta);
    return partition;
  }
  /// What was decided is durable now.
  void set(Partition& partition, const PartitionMeta& meta) {
    leave(partition.meta);
    partition.meta = meta;
    enter(meta);
  }
  void remove_topic(TopicId topic) {
    auto row = first_of(topic);
    while (row != rows_.end() && row->first.topic == topic) {
      leave(row->second.meta);
      row = rows_.erase(row);
    }
  }

  /// Where a topic's rows begin; they follow each other in order of their index.
  [[nodiscard]] Rows::iterator first_of(TopicId topic) {
    return rows_.lower_bound({topic, PartitionIndex{0}});
  }
  [[nodiscard]] Rows::const_iterator first_of(TopicId topic) const {
    return rows_.lower_bound({topic, PartitionIndex{0}});
  }
  [[nodiscard]] const std::set<PartitionKey>& led_by(NodeId node) const {
    return keys_of(led_by_, node);
  }
  /// Those that have a replica there, or copy one.
  [[nodiscard]] const std::set<PartitionKey>& held_by(NodeId node) const {
    return keys_of(held_by_, node);
  }
  /// Those whose replica there was moved away, and may still have a file.
  [[nodiscard]] const std::set<PartitionKey>& dropped_by(NodeId node) const {
    return keys_of(dropped_by_, node);
  }
  /// Those that are being moved, or wait for it.
  [[nodiscard]] const std::set<PartitionKey>& moving() const noexcept { return moving_; }
  [[nodiscard]] Rows& rows() noexcept { return rows_; }
  [[nodiscard]] const Rows& rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

 private:
  using Index = std::map<NodeId, std::set<PartitionKey>>;

  [[nodiscard]] static const std::set<PartitionKey>& keys_of(const Index& index, NodeId node) {
    static const std::set<PartitionKey> none;
    const auto keys = index.find(node);
    return keys == index.end() ? none : keys->second;
  }
  void enter(const PartitionMeta& meta) {
    led_by_[meta.leader].insert(meta.key);
    if (!meta.target.empty()) moving_.insert(meta.key);
    for (const NodeId node : meta.replicas) held_by_[node].insert(meta.key);
    for (const NodeId node : meta.made) {
      if (held_by_[node].count(meta.key) == 0) dropped_by_[node].insert(meta.key);
    }
  }
  void leave(const PartitionMeta& meta) {
    led_by_[meta.leader].erase(meta.key);
    moving_.erase(meta.key);
    for (const NodeId node : meta.replicas) held_by_[node].erase(meta.key);
    for (const NodeId node : meta.made) dropped_by_[node].erase(meta.key);
  }

  Rows rows_;
  Index led_by_;
  Index held_by_;
  Index dropped_by_;
  std::set<PartitionKey> moving_;
};

}  // namespace pinion
