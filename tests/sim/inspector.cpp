#include "tests/sim/inspector.hpp"

#include "tests/sim/text.hpp"

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
