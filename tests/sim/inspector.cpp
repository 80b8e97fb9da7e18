#include "tests/sim/inspector.hpp"

#include "tests/sim/text.hpp"

#include <algorithm>
#include <string>

namespace pinion::sim {

void Inspector::on_commit(PartitionKey key, std::span<const Persist> group) {
  if (!enabled_) return;
  for (const Persist& persist : group) {
    const auto* append = std::get_if<AppendBatch>(&persist.op);
    if (append == nullptr) continue;
    const BatchHeader& header = append->batch.header;
    const auto [at, fresh] = records_.try_emplace({key, header.leader_epoch, header.base_offset},
                                                  std::pair(header.crc, header.base_sequence));
    if (!fresh && at->second != std::pair(header.crc, header.base_sequence)) {
      checker_.violate("epoch-offset-reused",
                       text_of(key) + " epoch " + std::to_string(header.leader_epoch.raw()) +
                           " offset " + std::to_string(header.base_offset.raw()) +
                           " names two records");
    }
  }
}

void Inspector::on_answer(NodeId node, Incarnation incarnation, const Disk& disk,
                          const Message& request, const Message& answer) {
  if (!enabled_ || answer.header.error != Errc::ok) return;
  const PartitionKey key{answer.header.topic, answer.header.partition};
  // Followers answer those who ask any replica, under their leader's epoch.
  if (answer.header.leader_epoch != epoch_unknown && !request.header.any_replica) {
    on_leader(key, answer.header.leader_epoch, node, incarnation);
  }
  const std::optional<Offset> durable = disk.fsynced_end(key);
  if (!durable) return;  // The topic is deleted, or this disk cannot tell.
  if (disk.is_spoiled())
    return;  // It lies, or has lost something, which is for the others to save.
  const auto* produce = std::get_if<Produce>(&request.body);
  const auto* produced = std::get_if<ProduceReply>(&answer.body);
  if (produce != nullptr && produced != nullptr && produce->acks != Acks::none) {
    if (produced->base_offset + produce->batch.record_count > *durable) {
      checker_.violate("acknowledged-before-durable",
                       text_of(key) + " offset " + std::to_string(produced->base_offset.raw()) +
                           " with a durable end at " + std::to_string(durable->raw()));
    }
    if (produce->acks == Acks::all) {
      check_in_sync(key, produced->base_offset + produce->batch.record_count,
                    "acked-when-committed");
    }
  }
  if (const auto* fetched = std::get_if<FetchReply>(&answer.body)) {
    if (fetched->high_watermark > *durable) {
      checker_.violate("high-watermark-past-durable",
                       text_of(key) + " shows " + std::to_string(fetched->high_watermark.raw()) +
                           " with a durable end at " + std::to_string(durable->raw()));
    }
    if (fetched->high_watermark != offset_unassigned) {
      check_in_sync(key, fetched->high_watermark, "committed-on-all-in-sync");
    }
    // A new leader that does not know what was shown before shows nothing.
    if (fetched->high_watermark != offset_unassigned && !fetched->batches.empty() &&
        fetched->batches.back().next_offset() > fetched->high_watermark) {
      checker_.violate("read-past-high-watermark",
                       text_of(key) + " sends records up to " +
                           std::to_string(fetched->batches.back().next_offset().raw()));
    }
  }
  const auto* commit = std::get_if<CommitPosition>(&request.body);
  if (commit != nullptr && commit->offset >= Offset(0) && !disk.knows_reader(key, commit->reader)) {
    checker_.violate("position-before-durable", text_of(key) + " answers a commit of " +
                                                    commit->reader + " that is not on its disk");
  }
  if (const auto* committed = std::get_if<CommitPositionReply>(&answer.body)) {
    check_position_in_sync(key, committed->version);
  }
  const auto* position = std::get_if<FetchPositionReply>(&answer.body);
  const auto* asked = std::get_if<FetchPosition>(&request.body);
  if (position != nullptr && asked != nullptr && position->offset >= Offset(0)) {
    // What is on the disk may be newer than what every follower has, or further back after a seek:
    // then that is not shown. A set that has shrunk to the leader says nothing, for it may have
    // proposed a larger one, and waits for that.
    const std::optional<Offset> stored = disk.fsynced_position(key, asked->reader);
    const bool alone = !in_sync_ || in_sync_(key).count < 2;
    const bool behind =
        alone ? !stored || *stored < position->offset : !disk.knows_reader(key, asked->reader);
    if (behind) {
      checker_.violate("position-before-durable", text_of(key) + " shows a position of " +
                                                      asked->reader + " that is not on its disk");
    }
  }
}

/// Whoever may lead next has it.
void Inspector::check_in_sync(PartitionKey key, Offset end, const char* name) {
  if (!in_sync_) return;
  for (const auto& [node, disk] : in_sync_(key).in_sync) {
    if (disk->is_spoiled()) continue;  // Not known to the controller yet.
    const std::optional<Offset> durable = disk->fsynced_end(key);
    if (durable && *durable >= end) continue;
    checker_.violate(name, text_of(key) + " up to " + std::to_string(end.raw()) +
                               " is not on node " + std::to_string(node.raw()) +
                               ", which is in sync and ends at " +
                               (durable ? std::to_string(durable->raw()) : "nothing"));
  }
}

void Inspector::check_position_in_sync(PartitionKey key, PositionVersion version) {
  if (!in_sync_) return;
  for (const auto& [node, disk] : in_sync_(key).in_sync) {
    if (disk->is_spoiled() || !disk->fsynced_end(key)) continue;
    const std::optional<PositionVersion> durable = disk->fsynced_position_version(key);
    if (!durable || *durable >= version) continue;
    checker_.violate("position-on-all-in-sync", text_of(key) + " answers a position of version " +
                                                    std::to_string(version.raw()) + ", and node " +
                                                    std::to_string(node.raw()) +
                                                    ", which is in sync, has only " +
                                                    std::to_string(durable->raw()));
  }
}

void Inspector::on_assigned(NodeId node, Incarnation incarnation, const Assignment& assignment) {
  if (!enabled_ || assignment.leader != node) return;
  on_leader({assignment.topic, assignment.partition}, assignment.leader_epoch, node, incarnation);
}

/// What it knows of an earlier copy says nothing of one that was put back, or opened again.
void Inspector::on_status(std::span<const PartitionStatus> partitions) {
  if (!enabled_ || !end_of_copy_) return;
  for (const PartitionStatus& status : partitions) {
    const PartitionKey key{status.topic, status.partition};
    for (const FollowerStatus& follower : status.followers) {
      const std::optional<Offset> end = end_of_copy_(key, status.leader_epoch, follower);
      if (!end || follower.durable_end <= *end) continue;
      checker_.violate("counts-what-is-not-there",
                       text_of(key) + " has up to " + text_of(follower.durable_end) + " on node " +
                           std::to_string(follower.node.raw()) +
                           ", as its leader says, and ends there at " + text_of(*end));
    }
  }
}

/// Who follows another epoch has not heard what holds: nothing that it says may count.
void Inspector::on_answer_to_follower(NodeId node, const Header& request, const Message& answer) {
  if (!enabled_ || answer.header.kind != Kind::replica_fetch_reply) return;
  if (answer.header.request_id != request.request_id) return;
  if (answer.header.error != Errc::ok || answer.header.leader_epoch == request.leader_epoch) return;
  checker_.violate("served-in-another-epoch",
                   text_of(PartitionKey{request.topic, request.partition}) + " is sent by node " +
                       std::to_string(node.raw()) + " in epoch " +
                       std::to_string(answer.header.leader_epoch.raw()) +
                       " to a follower in epoch " + std::to_string(request.leader_epoch.raw()));
}

/// Whoever leaves a set that is too small relies on that nothing is committed without it.
void Inspector::on_view(NodeId node, const partition::ReplicaView& view) {
  if (!enabled_ || !in_sync_ || view.role != partition::RoleName::leading) return;
  const auto [at, fresh] =
      committed_.try_emplace({view.key, view.leader_epoch}, view.high_watermark);
  const Offset before = at->second;
  if (view.high_watermark <= before) return;
  at->second = view.high_watermark;
  const Replicas replicas = in_sync_(view.key);
  // Another set may be decided already: its leader has not heard of it, and goes by this one.
  if (replicas.version != view.partition_version) return;
  if (replicas.in_sync.size() >= replicas.least_in_sync) return;
  checker_.violate("committed-below-the-least",
                   text_of(view.key) + " is committed from " + text_of(before) + " to " +
                       text_of(view.high_watermark) + " by node " + std::to_string(node.raw()) +
                       " with " + std::to_string(replicas.in_sync.size()) + " of " +
                       std::to_string(replicas.least_in_sync) + " in sync");
}

/// A copy that is given up, to be made anew and empty, counts for nothing any more.
void Inspector::on_decided(std::span<const PartitionMeta> partitions) {
  if (!enabled_) return;
  for (const PartitionMeta& partition : partitions) {
    std::set<NodeId>& made = made_[partition.key];
    made.insert(partition.made.begin(), partition.made.end());
    if (made.size() == partition.made.size()) continue;
    for (const NodeId id : partition.isr) {
      const auto& have = partition.made;
      if (made.count(id) == 0) continue;  // Nobody was ever served by it.
      if (std::find(have.begin(), have.end(), id) != have.end()) continue;
      checker_.violate("in-sync-without-a-copy", text_of(partition.key) + " has node " +
                                                     std::to_string(id.raw()) +
                                                     " in sync, whose copy was given up");
    }
  }
}

void Inspector::on_leader(PartitionKey key, Epoch epoch, NodeId node, Incarnation incarnation) {
  const auto [at, fresh] = leaders_.try_emplace({key, epoch}, std::pair(node, incarnation));
  if (!fresh && at->second != std::pair(node, incarnation)) {
    checker_.violate("two-leaders-in-an-epoch",
                     text_of(key) + " epoch " + std::to_string(epoch.raw()) + " is led by node " +
                         std::to_string(at->second.first.raw()) + " and node " +
                         std::to_string(node.raw()));
  }
}

}  // namespace pinion::sim
