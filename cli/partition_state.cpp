#include "cli/partition_state.hpp"

#include "cli/json_text.hpp"

#include <utility>

namespace pinion::cli {
namespace {

std::string name_of_partition(PartitionIndex partition) {
  return "partition " + std::to_string(partition.raw());
}

}  // namespace

bool is_served(PartitionState state) noexcept {
  return state == PartitionState::online || state == PartitionState::storage_full;
}

std::string halted_text(const PartitionMetadata& partition) {
  return name_of_partition(partition.partition) + " is halted: " + partition.detail +
         "; check its file with pinion verify, then restart node " +
         std::to_string(partition.leader.raw());
}

Error unserved_error(const PartitionMetadata& partition) {
  if (partition.state == PartitionState::halted) {
    return fail(Errc::storage_failed, halted_text(partition));
  }
  std::string text =
      name_of_partition(partition.partition) + " is " + std::string(name_of(partition.state));
  if (!partition.detail.empty()) text += ": " + partition.detail;
  return fail(Errc::partition_offline, std::move(text));
}

void UnservedPartitions::note(const TopicMetadata& topic, std::optional<PartitionIndex> only,
                              Micros now) {
  for (const PartitionMetadata& partition : topic.partitions) {
    if (only && partition.partition != *only) continue;
    const auto known = unserved_.find(partition.partition);
    if (is_served(partition.state)) {
      if (known == unserved_.end()) continue;
      if (known->second.told) back_.push_back(partition.partition);
      unserved_.erase(known);
    } else if (known == unserved_.end()) {
      unserved_[partition.partition] = {now, unserved_error(partition), false};
    } else {
      known->second.why = unserved_error(partition);
    }
  }
}

Micros UnservedPartitions::unserved_for(PartitionIndex partition, Micros now) const {
  const auto known = unserved_.find(partition);
  return known == unserved_.end() ? Micros{0} : now - known->second.since;
}

Error UnservedPartitions::why(PartitionIndex partition) const {
  const auto known = unserved_.find(partition);
  return known == unserved_.end() ? Error{} : known->second.why;
}

std::vector<UnservedPartitions::News> UnservedPartitions::news(Micros now, Micros patience) {
  std::vector<News> all;
  for (const PartitionIndex partition : std::exchange(back_, {})) {
    all.push_back({name_of_partition(partition) + " is back", true});
  }
  for (auto& [partition, unserved] : unserved_) {
    if (unserved.told || now - unserved.since < patience) continue;
    unserved.told = true;
    all.push_back({unserved.why.detail, false});
  }
  return all;
}

}  // namespace pinion::cli
