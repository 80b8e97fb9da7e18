// The partitions: what is durable of them, and what their leaders last said. State only;
// controller_partitions.cpp decides.
//
//              ┌────────────── the node is lost, stops or starts again ──────────────┐
//              ▼                                                                     │
//          offline ──node registers──► opening ──reported, and `opened` durable──► online
//                                                                                    ▲│
//                                                               room again, no room  ││
//                                          halted (file or disk not trusted)    storage_full
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

struct Partition {
  PartitionMeta meta;  ///< Durable.
  PartitionState state = PartitionState::offline;
  std::string detail = "its node has not registered since the leader broker's start";
  /// What the leader said before `opened` was durable; becomes `state` then.
  PartitionState reported = PartitionState::offline;
  std::string reported_detail;
  bool opened_pending = false;  ///< SetOpened is on its way to the store.
  Micros assign_again_at = never;
  std::uint32_t assign_attempts = 0;
  PartitionStatus status;  ///< From the last heartbeat that named it.
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
    led_by_[meta.leader].insert(meta.key);
    return partition;
  }
  void set_leader(Partition& partition, NodeId leader) {
    led_by_[partition.meta.leader].erase(partition.meta.key);
    partition.meta.leader = leader;
    led_by_[leader].insert(partition.meta.key);
  }
  void remove_topic(TopicId topic) {
    auto row = first_of(topic);
    while (row != rows_.end() && row->first.topic == topic) {
      led_by_[row->second.meta.leader].erase(row->first);
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
    static const std::set<PartitionKey> none;
    const auto keys = led_by_.find(node);
    return keys == led_by_.end() ? none : keys->second;
  }
  [[nodiscard]] Rows& rows() noexcept { return rows_; }
  [[nodiscard]] const Rows& rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

 private:
  Rows rows_;
  std::map<NodeId, std::set<PartitionKey>> led_by_;
};

}  // namespace pinion
