// The topics that exist and the tombstones of those that did. State only; controller_topics.cpp
// decides.
#pragma once

#include "common/base/ids.hpp"
#include "common/ports/meta_store.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

namespace pinion {

struct Topic {
  TopicMeta meta;         ///< Durable.
  bool deleting = false;  ///< Its removal is on its way to the store.
  bool altering = false;  ///< Another configuration is on its way.
};

class TopicTable {
 public:
  [[nodiscard]] Topic* find(TopicId id) {
    const auto row = rows_.find(id);
    return row == rows_.end() ? nullptr : &row->second;
  }
  [[nodiscard]] const Topic* find(TopicId id) const {
    const auto row = rows_.find(id);
    return row == rows_.end() ? nullptr : &row->second;
  }
  [[nodiscard]] const Topic* find(std::string_view name) const {
    const auto id = by_name_.find(name);
    return id == by_name_.end() ? nullptr : find(id->second);
  }

  void put(const TopicMeta& meta) {
    rows_[meta.id] = Topic{.meta = meta};
    by_name_[meta.name] = meta.id;
  }
  void set_config(TopicId id, const TopicConfig& config) {
    const auto row = rows_.find(id);
    if (row != rows_.end()) row->second.meta.config = config;
  }
  /// The name may belong to a newer topic by now.
  void remove(TopicId id) {
    const auto row = rows_.find(id);
    if (row == rows_.end()) return;
    const auto name = by_name_.find(row->second.meta.name);
    if (name != by_name_.end() && name->second == id) by_name_.erase(name);
    rows_.erase(row);
  }

  void put_tombstone(const Tombstone& tombstone) {
    if (!tombstone.holders.empty()) tombstones_[tombstone.topic] = tombstone;
  }
  void clear_tombstone(TopicId topic, NodeId holder) {
    const auto row = tombstones_.find(topic);
    if (row == tombstones_.end()) return;
    std::erase(row->second.holders, holder);
    if (row->second.holders.empty()) tombstones_.erase(row);
  }
  [[nodiscard]] bool holds_tombstone(TopicId topic, NodeId holder) const {
    const auto row = tombstones_.find(topic);
    if (row == tombstones_.end()) return false;
    const auto& holders = row->second.holders;
    return std::find(holders.begin(), holders.end(), holder) != holders.end();
  }

  [[nodiscard]] const std::map<TopicId, Topic>& rows() const noexcept { return rows_; }
  [[nodiscard]] const std::map<TopicId, Tombstone>& tombstones() const noexcept {
    return tombstones_;
  }
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

 private:
  std::map<TopicId, Topic> rows_;
  std::map<std::string, TopicId, std::less<>> by_name_;
  std::map<TopicId, Tombstone> tombstones_;
};

}  // namespace pinion
