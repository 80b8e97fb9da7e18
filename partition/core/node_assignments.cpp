// What to lead and what to delete, as the controller says, and reporting what became of it. Nothing
// is ever deleted because the controller does not mention it: only a tombstone by topic id does.
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/node.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pinion::partition {

Assignment Node::with_defaults(Assignment assignment) const {
  if (assignment.config.retention_ms == 0) {
    assignment.config.retention_ms = options_.retention_ms_default;
  }
  if (assignment.config.retention_bytes == 0) {
    assignment.config.retention_bytes = options_.retention_bytes_default;
  }
  return assignment;
}

void Node::obey(const Now& now, const Assign& assign, Effects& out) {
  if (stopping_) return;
  // Whoever sent it has sent something else since, and repeats what still holds.
  if (assign.number < newest_assign_) {
    event(out, EventKind::assignment_ignored, Severity::debug,
          "number " + std::to_string(assign.number) + " after " + std::to_string(newest_assign_));
    return;
  }
  newest_assign_ = assign.number;
  // First: a new topic may have the name of a deleted one, and its files the same place.
  for (const TopicId topic : assign.deleted) begin_removal(now, topic, out);
  for (const NodeAddress& peer : assign.peers) {
    if (peer.node == options_.id) continue;
    Peer& known = shared_.peers[peer.node];
    // By the registration, not by the life: of two folders that are used in turn either may have
    // the higher number.
    if (peer.session < known.session) continue;
    // Another life of that node: the connection is made anew.
    if (peer.incarnation != known.incarnation) known.connected.clear();
    known.session = peer.session;
    known.incarnation = peer.incarnation;
    known.address = peer.address;
  }
  for (const DroppedReplica& dropped : assign.dropped) drop_replica(now, dropped, out);
  for (const Assignment& assignment : assign.assignments) {
    obey_assignment(now, with_defaults(assignment), out);
  }
}

void Node::obey_assignment(const Now& now, const Assignment& assignment, Effects& out) {
  const PartitionKey key{assignment.topic, assignment.partition};
  if (removals_.count(key.topic) > 0) {
    event(out, EventKind::assignment_ignored, Severity::warn, "the topic is being deleted");
    return;
  }
  const auto at = replicas_.find(key);
  const auto& replicas = assignment.replicas;
  const bool is_ours = assignment.leader == options_.id ||
                       std::find(replicas.begin(), replicas.end(), options_.id) != replicas.end();
  if (is_ours && drops_.count(key) > 0) {
    event(out, EventKind::assignment_ignored, Severity::warn, "the replica is being deleted");
    return;
  }
  if (!is_ours) {
    if (at == replicas_.end()) return;
    // A late copy: it has come back here since, and nobody would assign it again.
    const Assignment* next = at->second.next ? &*at->second.next : nullptr;
    const std::int64_t known =
        next != nullptr ? next->partition_version : at->second.replica.partition_version();
    if (known > assignment.partition_version) return;
    at->second.next.reset();
    at->second.replica.close(now, Errc::not_leader, out);
    settle(now, key, out);
    return;
  }
  if (at == replicas_.end()) {
    replicas_.try_emplace(key, now, assignment, shared_, out);
  } else if (at->second.replica.closing()) {
    at->second.next = assignment;
  } else {
    at->second.replica.step(now, assignment, out);
  }
  to_report_.insert(key);  // Also when nothing changed: the controller wants to hear it.
  settle(now, key, out);
}

void Node::begin_removal(const Now& now, TopicId topic, Effects& out) {
  if (removals_.count(topic) > 0) return;
  removals_.emplace(topic, Removal{});
  std::vector<PartitionKey> keys;
  for (auto at = replicas_.lower_bound({topic, PartitionIndex{0}});
       at != replicas_.end() && at->first.topic == topic; ++at) {
    keys.push_back(at->first);
  }
  for (const PartitionKey key : keys) {
    Slot& slot = replicas_.at(key);
    slot.next.reset();
    slot.replica.close(now, Errc::unknown_topic, out);
    settle(now, key, out);
  }
  if (keys.empty()) continue_removal(now, topic, out);
}

/// The partition has moved: nobody asks for this copy any more.
void Node::drop_replica(const Now& now, const DroppedReplica& dropped, Effects& out) {
  const PartitionKey key{dropped.topic, dropped.partition};
  const auto held = replicas_.find(key);
  // It has come back here since.
  if (held != replicas_.end() &&
      held->second.replica.partition_version() > dropped.partition_version) {
    return;
  }
  Drop& drop = drops_[key];
  drop.version = std::max(drop.version, dropped.partition_version);
  const auto at = replicas_.find(key);
  if (at == replicas_.end()) return continue_drop(key, out);
  at->second.next.reset();
  at->second.replica.close(now, Errc::not_leader, out);
  settle(now, key, out);
}

void Node::continue_drop(PartitionKey key, Effects& out) {
  Drop& drop = drops_.at(key);
  if (drop.ticket != Ticket{0} || replicas_.count(key) > 0) return;
  drop.ticket = shared_.next_ticket();
  drop.retry_at = never;
  out.node_store.push_back(RemoveReplica{drop.ticket, key});
}

void Node::on(const Now& now, ReplicaRemoved& in, Effects& out) {
  const auto at = drops_.find(in.key);
  if (at == drops_.end() || at->second.ticket != in.ticket) return;
  if (!in.result) {
    at->second.ticket = Ticket{0};
    at->second.retry_at = now.monotonic + limits::open_retry_every;
    event(out, EventKind::topic_remove_failed, Severity::error, in.result.error().to_string());
    return;
  }
  dropped_to_report_.push_back({in.key.topic, in.key.partition, at->second.version});
  drops_.erase(at);
}

/// What leaders propose. One that cannot be told now is proposed again.
void Node::flush_proposals(Effects& out) {
  std::vector<ProposedIsr> proposals = std::exchange(shared_.proposals, {});
  if (link_ != LinkState::registered) return;
  for (std::size_t i = 0; i < proposals.size(); i += limits::assignments_per_message_max) {
    const std::size_t end = std::min(proposals.size(), i + limits::assignments_per_message_max);
    IsrProposal body;
    body.node = options_.id;
    body.incarnation = options_.life.incarnation;
    body.session = terms_.session;
    body.proposals.assign(proposals.begin() + static_cast<std::ptrdiff_t>(i),
                          proposals.begin() + static_cast<std::ptrdiff_t>(end));
    Send send;
    send.message.header.kind = Kind::isr_proposal;
    send.message.body = std::move(body);
    out.sends.push_back(std::move(send));
  }
}

void Node::continue_removal(const Now& /*now*/, TopicId topic, Effects& out) {
  Removal& removal = removals_.at(topic);
  if (removal.ticket != Ticket{0}) return;
  const auto at = replicas_.lower_bound({topic, PartitionIndex{0}});
  if (at != replicas_.end() && at->first.topic == topic) return;  // Still closing.
  removal.ticket = shared_.next_ticket();
  removal.retry_at = never;
  out.node_store.push_back(RemoveTopic{removal.ticket, topic});
}

void Node::on(const Now& now, TopicRemoved& in, Effects& out) {
  const auto at = removals_.find(in.topic);
  if (at == removals_.end() || at->second.ticket != in.ticket) return;
  if (!in.result) {
    at->second.ticket = Ticket{0};
    at->second.retry_at = now.monotonic + limits::open_retry_every;
    event(out, EventKind::topic_remove_failed, Severity::error, in.result.error().to_string());
    return;
  }
  removals_.erase(at);
  removed_to_report_.push_back(in.topic);
  event(out, EventKind::topic_removed, Severity::info,
        "topic id " + std::to_string(in.topic.raw()));
  // Those that waited for its place need not wait for their next attempt.
  for (auto& [key, slot] : replicas_) slot.replica.retry_open(now);
}

void Node::tick_removals(const Now& now, Effects& out) {
  for (auto& [key, drop] : drops_) {
    if (now.monotonic < drop.retry_at) continue;
    drop.retry_at = never;
    continue_drop(key, out);
  }
  for (auto& [topic, removal] : removals_) {
    if (removal.ticket == Ticket{0} && now.monotonic >= removal.retry_at) {
      removal.retry_at = never;
      continue_removal(now, topic, out);
    }
  }
}

void Node::flush_reports(Effects& out) {
  if (link_ != LinkState::registered) return;
  while (!to_report_.empty() || !removed_to_report_.empty() || !dropped_to_report_.empty()) {
    ReplicaReport body;
    body.node = options_.id;
    body.incarnation = options_.life.incarnation;
    body.session = terms_.session;
    while (!to_report_.empty() && body.replicas.size() < limits::assignments_per_message_max) {
      const auto at = replicas_.find(*to_report_.begin());
      if (at != replicas_.end() && at->second.replica.may_report()) {
        body.replicas.push_back(at->second.replica.report());
      }
      to_report_.erase(to_report_.begin());
    }
    while (!removed_to_report_.empty() &&
           body.deleted.size() < limits::assignments_per_message_max) {
      body.deleted.push_back(removed_to_report_.back());
      removed_to_report_.pop_back();
    }
    while (!dropped_to_report_.empty() &&
           body.dropped.size() < limits::assignments_per_message_max) {
      body.dropped.push_back(dropped_to_report_.back());
      dropped_to_report_.pop_back();
    }
    if (body.replicas.empty() && body.deleted.empty() && body.dropped.empty()) return;
    Send send;
    send.message.header.kind = Kind::replica_report;
    // Nobody answers it; the number tells which of two was said last.
    send.message.header.request_id = RequestId(next_request_++);
    send.message.body = std::move(body);
    out.sends.push_back(std::move(send));
  }
}

}  // namespace pinion::partition
