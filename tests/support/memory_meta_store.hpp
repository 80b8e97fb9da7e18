// A MetaStore in memory. MemoryMetaDisk is what outlives a process: keep it, make a new store over
// it, and that was a restart. apply() is durable when it returns, as with SQLite, so a simulated
// power cut loses the writes that were not applied yet; the simulator decides when it applies them.
//
// One thread. Deterministic.
#pragma once

#include "broker/storage/restored_state.hpp"
#include "common/ports/meta_store.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace pinion::test {

/// Applies one operation to a state, as any store must.
class MetaOpApplier {
 public:
  explicit MetaOpApplier(MetaState& state) noexcept : state_(state) {}

  void operator()(const PutNode& op) {
    upsert(state_.nodes, op.node, [](const NodeMeta& n) { return n.id; });
  }
  void operator()(const PutTopic& op) {
    upsert(state_.topics, op.topic, [](const TopicMeta& t) { return t.id; });
    for (const PartitionMeta& partition : op.partitions) {
      upsert(state_.partitions, partition, [](const PartitionMeta& p) { return p.key; });
    }
  }
  void operator()(const SetPartition& op) {
    if (PartitionMeta* partition = find(op.partition.key)) {
      const PartitionMeta before = std::exchange(*partition, op.partition);
      partition->opened = before.opened;
      partition->log_end = before.log_end;
      partition->file_bytes = before.file_bytes;
    }
  }
  void operator()(const SetOpened& op) {
    if (PartitionMeta* partition = find(op.key)) {
      partition->opened = true;
      auto& made = partition->made;
      if (op.node != node_none && std::find(made.begin(), made.end(), op.node) == made.end()) {
        made.push_back(op.node);
      }
    }
  }
  void operator()(const SetTopicConfig& op) {
    for (TopicMeta& topic : state_.topics) {
      if (topic.id == op.topic) topic.config = op.config;
    }
  }
  void operator()(const AddPartitions& op) {
    for (const PartitionMeta& partition : op.partitions) {
      upsert(state_.partitions, partition, [](const PartitionMeta& p) { return p.key; });
    }
  }
  void operator()(const RemoveNode& op) {
    std::erase_if(state_.nodes, [&](const NodeMeta& node) { return node.id == op.node; });
  }
  void operator()(const RemoveTopic& op) {
    const TopicId topic = op.tombstone.topic;
    if (std::erase_if(state_.topics, [&](const TopicMeta& t) { return t.id == topic; }) == 0) {
      return;
    }
    std::erase_if(state_.partitions, [&](const PartitionMeta& p) { return p.key.topic == topic; });
    std::erase_if(state_.registrations, [&](const Registration& r) { return r.topic == topic; });
    if (op.tombstone.holders.empty()) return;
    upsert(state_.tombstones, op.tombstone, [](const Tombstone& t) { return t.topic; });
  }
  void operator()(const ClearTombstone& op) {
    for (Tombstone& tombstone : state_.tombstones) {
      if (tombstone.topic == op.topic) std::erase(tombstone.holders, op.holder);
    }
    std::erase_if(state_.tombstones, [](const Tombstone& t) { return t.holders.empty(); });
  }
  void operator()(const PutRegistration& op) {
    upsert(state_.registrations, op.registration,
           [](const Registration& r) { return std::pair(r.kind, r.id); });
  }
  void operator()(const SetCounters& op) { state_.counters = op.counters; }
  void operator()(const RefreshNode& op) {
    for (NodeMeta& node : state_.nodes) {
      if (node.id != op.node) continue;
      node.last_heartbeat = op.last_heartbeat;
      node.health = op.health;
    }
  }
  void operator()(const RefreshPartition& op) {
    if (PartitionMeta* partition = find(op.key)) {
      partition->log_end = op.log_end;
      partition->file_bytes = op.file_bytes;
    }
  }

 private:
  [[nodiscard]] PartitionMeta* find(PartitionKey key) {
    auto& rows = state_.partitions;
    const auto row =
        std::lower_bound(rows.begin(), rows.end(), key,
                         [](const PartitionMeta& p, PartitionKey k) { return p.key < k; });
    return row != rows.end() && row->key == key ? &*row : nullptr;
  }
  /// Keeps the list in order of its keys.
  template <typename Row, typename Key>
  static void upsert(std::vector<Row>& rows, const Row& value, Key key_of) {
    const auto key = key_of(value);
    const auto row = std::lower_bound(rows.begin(), rows.end(), key,
                                      [&](const Row& r, const auto& k) { return key_of(r) < k; });
    if (row != rows.end() && key_of(*row) == key) {
      *row = value;
    } else {
      rows.insert(row, value);
    }
  }

  MetaState& state_;
};

class MemoryMetaDisk {
 public:
  explicit MemoryMetaDisk(std::string cluster_id = "memory") { state.cluster_id = cluster_id; }

  // ---- Faults. Each stays until it is switched back.
  bool full = false;    ///< apply() answers storage_full and changes nothing.
  bool failed = false;  ///< apply() answers storage_failed; what happened is unknown.

  MetaState state;  ///< What is durable, without the terms,
  std::vector<Term> begun;
  /// The clock of a start: a second for each of this file and all its copies, after some time for
  /// what a test has counted before.
  [[nodiscard]] static Micros restored_at(std::int64_t start) {
    return std::chrono::hours(100'000) + std::chrono::seconds(start);
  }
  /// Begun by this file and all its copies: no two of them are alike.
  std::shared_ptr<std::int64_t> terms = std::make_shared<std::int64_t>(0);
  std::uint64_t commits = 0;
};

class MemoryMetaStore final : public MetaStore {
 public:
  explicit MemoryMetaStore(std::shared_ptr<MemoryMetaDisk> disk) : disk_(std::move(disk)) {}

  [[nodiscard]] Result<MetaState> begin_term(Restored restored) override {
    if (disk_->failed) return failure(Errc::storage_failed, "the disk fails");
    if (disk_->full) return failure(Errc::storage_full, "the disk is full");
    const std::int64_t start_id = ++*disk_->terms;
    MetaState& state = disk_->state;
    if (restored == Restored::yes) {
      state = restored_state(std::move(state), disk_->restored_at(start_id));
      disk_->begun.clear();
    }
    ++state.controller_epoch;
    ++disk_->commits;
    MetaState began = state;
    began.start_id = start_id;
    began.earlier_terms = disk_->begun;
    disk_->begun.push_back({state.controller_epoch, start_id});
    return began;
  }

  [[nodiscard]] Result<void> apply(std::span<const MetaWrite> group) override {
    if (disk_->failed) return failure(Errc::storage_failed, "the disk fails");
    if (disk_->full) return failure(Errc::storage_full, "the disk is full");
    for (const MetaWrite& write : group) {
      for (const MetaOp& op : write.ops) std::visit(MetaOpApplier(disk_->state), op);
    }
    ++disk_->commits;
    return {};
  }

  [[nodiscard]] Result<void> close() override { return {}; }

 private:
  std::shared_ptr<MemoryMetaDisk> disk_;
};

}  // namespace pinion::test
