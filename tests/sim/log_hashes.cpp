#include "tests/sim/log_hashes.hpp"

#include "tests/sim/text.hpp"

#include <algorithm>
#include <string>

namespace pinion::sim {

namespace {

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15ULL + (hash << 6U) + (hash >> 2U);
  return hash * 0xff51afd7ed558ccdULL;
}

std::uint64_t mixed(std::uint64_t hash, const BatchHeader& batch) {
  hash = mixed(hash, static_cast<std::uint64_t>(batch.base_offset.raw()));
  hash = mixed(hash, static_cast<std::uint64_t>(batch.leader_epoch.raw()));
  hash = mixed(hash, static_cast<std::uint64_t>(batch.append_time.count()));
  hash = mixed(hash, static_cast<std::uint64_t>(batch.producer_id.raw()));
  hash = mixed(hash, static_cast<std::uint64_t>(batch.base_sequence.raw()));
  return mixed(hash, (std::uint64_t{batch.crc} << 32U) | batch.record_count);
}

}  // namespace

LogHashes::Chain::const_iterator LogHashes::find(const Chain& chain, Offset end) {
  return std::lower_bound(chain.begin(), chain.end(), end,
                          [](const auto& entry, Offset wanted) { return entry.first < wanted; });
}

void LogHashes::on_high_watermark(NodeId node, PartitionKey key, Offset high_watermark,
                                  const Read& read) {
  Copy& copy = copies_[{key, node}];
  copy.committed = std::max(copy.committed, high_watermark);
  if (high_watermark <= copy.end) return;
  for (const BatchHeader& batch : read(copy.end, high_watermark)) {
    if (batch.next_offset() > high_watermark) return;
    if (batch.base_offset != copy.end) {
      // What was before has been removed, so it was committed, and somebody's hash is known.
      const Chain& chain = chains_[key];
      const auto known = find(chain, batch.base_offset);
      if (known == chain.end() || known->first != batch.base_offset) return;
      copy.hash = known->second;
    }
    copy.hash = mixed(copy.hash, batch);
    copy.end = batch.next_offset();
    check(node, key, copy);
  }
}

Offset LogHashes::compared(NodeId node, PartitionKey key) const {
  const auto copy = copies_.find({key, node});
  return copy == copies_.end() ? Offset(0) : copy->second.end;
}

void LogHashes::check(NodeId node, PartitionKey key, const Copy& copy) {
  Chain& chain = chains_[key];
  if (chain.empty() || chain.back().first < copy.end) {
    chain.emplace_back(copy.end, copy.hash);
    return;
  }
  const auto known = find(chain, copy.end);
  if (known->first == copy.end && known->second == copy.hash) return;
  checker_.violate("logs-agree", text_of(key) + " is committed up to " +
                                     std::to_string(copy.end.raw()) + " on node " +
                                     std::to_string(node.raw()) +
                                     ", and differs from what another replica has there");
}

void LogHashes::on_dropped(PartitionKey key, Offset start) {
  Offset& dropped = dropped_[key];
  dropped = std::max(dropped, start);
}

void LogHashes::on_cut(NodeId node, PartitionKey key, Offset end) {
  const Copy& copy = copies_[{key, node}];
  if (end >= copy.committed || dropped_[key] >= copy.committed) return;
  checker_.violate("no-cut-below-hw", text_of(key) + " is cut to " + std::to_string(end.raw()) +
                                          " on node " + std::to_string(node.raw()) +
                                          ", where it was committed up to " +
                                          std::to_string(copy.committed.raw()));
}

void LogHashes::forget(NodeId node) {
  std::erase_if(copies_, [node](const auto& entry) { return entry.first.second == node; });
}

}  // namespace pinion::sim
