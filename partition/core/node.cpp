#include "partition/core/node.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace pinion::partition {

Node::Node(NodeOptions options) : options_(std::move(options)), prng_(options_.seed) {
  PINION_ASSERT(options_.id > node_none);
  saved_ = options_.membership;
  shared_.node = options_.id;
  shared_.incarnation = options_.life.incarnation;
  shared_.cluster_id = saved_.cluster_id;
  shared_.tail.bytes_max = options_.tail_bytes;
}

void Node::step(const Now& now, Input input, Effects& out) noexcept {
  const bool was_stopped = stopped();
  std::visit([&](auto& in) { on(now, in, out); }, input);
  trim_tails();
  start_waiting_reads(now, out);
  start_waiting_fetches(now, out);
  if (stopping_) say_goodbye_when_done(out);
  if (!was_stopped && stopped()) event(out, EventKind::stopped, Severity::info, {});
}

void Node::on(const Now& now, FromBroker& in, Effects& out) {
  last_heard_ = now.monotonic;
  if (in.path.empty()) {
    on_controller_message(now, in.message, out);
    return;
  }
  Message& message = in.message;
  if (!is_request(message.header.kind)) {
    event(out, EventKind::unexpected, Severity::warn,
          "kind " + std::to_string(static_cast<int>(message.header.kind)) + " came as a request");
    return;
  }
  ++shared_.requests_open;
  Request request;
  request.asker = {std::move(in.path), message.header};
  request.body = std::move(message.body);
  request.records = std::move(message.records);
  if (message.header.timeout_ms > 0) {
    request.deadline = now.monotonic + std::chrono::milliseconds(message.header.timeout_ms);
  }
  on_request(now, std::move(request), out);
}

/// From another node: at the data ROUTER, or the answer to a fetch.
void Node::on(const Now& now, FromPeer& in, Effects& out) {
  Message& message = in.message;
  const Header& header = message.header;
  const PartitionKey key{header.topic, header.partition};
  if (in.path.empty()) {
    const auto peer = shared_.peers.find(in.peer);
    if (peer != shared_.peers.end()) peer->second.heard_at = now.monotonic;
    const auto at = replicas_.find(key);
    if (header.kind != Kind::replica_fetch_reply || at == replicas_.end()) {
      event(out, EventKind::unexpected, Severity::debug, "an answer that nobody waits for");
      return;
    }
    at->second.replica.step(now, in.peer, message, out);
    return settle(now, key, out);
  }
  if (const auto* progress = std::get_if<ReplicaProgress>(&message.body)) {
    const auto at = replicas_.find(key);
    if (at == replicas_.end()) return;
    at->second.replica.step(now, *progress, header.leader_epoch, out);
    return settle(now, key, out);
  }
  if (!is_request(header.kind)) {
    event(out, EventKind::unexpected, Severity::warn,
          "kind " + std::to_string(static_cast<int>(header.kind)) + " at the data socket");
    return;
  }
  ++shared_.requests_open;
  Request request;
  request.asker = {std::move(in.path), header, Way::data};
  request.body = std::move(message.body);
  request.records = std::move(message.records);
  if (header.timeout_ms > 0) {
    request.deadline = now.monotonic + std::chrono::milliseconds(header.timeout_ms);
  }
  on_request(now, std::move(request), out);
}

void Node::on_request(const Now& now, Request request, Effects& out) {
  const Header& header = request.asker.header;
  const auto refuse = [&](Errc code, std::string detail) {
    shared_.refuse(std::move(request.asker), fail(code, std::move(detail)), epoch_unknown, out);
  };
  const bool is_fetch = header.kind == Kind::fetch || header.kind == Kind::replica_fetch;
  const bool is_allowed =
      request.asker.way == Way::data ? is_fetch : is_routed_request(header.kind);
  if (!is_allowed) {
    return refuse(Errc::unknown_kind, "a partition broker does not answer this kind of request");
  }
  // What followers ask for is what lets the others be answered; one of each waits at a partition.
  const bool is_counted = header.kind != Kind::replica_fetch;
  if (is_counted && shared_.requests_open > limits::requests_open_per_node_max) {
    return refuse(Errc::throttled, "too many requests wait on this node");
  }
  const PartitionKey key{header.topic, header.partition};
  const auto at = replicas_.find(key);
  if (at == replicas_.end()) {
    if (stopping_) return refuse(Errc::shutting_down, "the partition broker is stopping");
    if (removals_.count(key.topic) > 0) return refuse(Errc::unknown_topic, "the topic was deleted");
    return refuse(Errc::not_leader,
                  "node " + std::to_string(options_.id.raw()) + " does not hold the partition");
  }
  at->second.replica.step(now, std::move(request), out);
  settle(now, key, out);
}

void Node::on(const Now& /*now*/, Malformed& in, Effects& out) {
  ++shared_.refused;
  if (in.path.empty() || !is_request(in.header.kind)) {
    event(out, EventKind::unexpected, Severity::warn, in.error.to_string());
    return;
  }
  ++shared_.requests_open;
  shared_.refuse({std::move(in.path), in.header, in.way}, std::move(in.error), epoch_unknown, out);
}

template <typename ReplicaInput>
void Node::on(const Now& now, ReplicaInput& in, Effects& out) {
  const auto at = replicas_.find(in.key);
  if (at == replicas_.end()) {
    event(out, EventKind::unexpected, Severity::debug, "a result for a partition not held");
    return;
  }
  const PartitionKey key = in.key;
  at->second.replica.step(now, in, out);
  settle(now, key, out);
}

/// Enters what changed in a replica into the node's own tables.
void Node::settle(const Now& now, PartitionKey key, Effects& out) {
  Slot& slot = replicas_.at(key);
  slot.replica.count_asked();
  if (slot.replica.closed()) {
    settle_closed(now, key, out);
    return;
  }
  slot.replica.watch_disk(now, out);
  const Micros deadline = slot.replica.next_deadline();
  if (deadline != slot.deadline) {
    if (slot.deadline != never) deadlines_.erase({slot.deadline, key});
    if (deadline != never) deadlines_.emplace(deadline, key);
    slot.deadline = deadline;
  }
  if (slot.report_version != slot.replica.report_version()) {
    slot.report_version = slot.replica.report_version();
    to_report_.insert(key);
  }
  if (slot.status_version != slot.replica.status_version()) {
    slot.status_version = slot.replica.status_version();
    changed_.insert(key);
  }
  if (slot.vouched_version != slot.replica.vouched_version()) {
    slot.vouched_version = slot.replica.vouched_version();
    next_heartbeat_ = std::min(next_heartbeat_, hasty_heartbeat_);
  }
}

void Node::settle_closed(const Now& now, PartitionKey key, Effects& out) {
  const auto at = replicas_.find(key);
  PINION_ASSERT(at->second.replica.requests_held() == 0);
  PINION_ASSERT(at->second.replica.pending_bytes() == 0);
  if (at->second.deadline != never) deadlines_.erase({at->second.deadline, key});
  to_report_.erase(key);
  changed_.erase(key);
  const std::optional<Assignment> next = std::move(at->second.next);
  replicas_.erase(at);
  if (drops_.count(key) > 0) {
    continue_drop(key, out);
  } else if (removals_.count(key.topic) > 0) {
    continue_removal(now, key.topic, out);
  } else if (next && !stopping_) {
    obey_assignment(now, *next, out);
  }
}

void Node::on(const Now& now, DiskChanged& in, Effects& out) {
  load_.disk_free_bytes = in.disk.free_bytes;
  load_.disk_total_bytes = in.disk.total_bytes;
  // A quarter more than the mark to go on, so that the state does not flicker at it.
  const std::uint64_t mark = shared_.low_space
                                 ? options_.low_space_bytes + options_.low_space_bytes / 4
                                 : options_.low_space_bytes;
  const bool low = in.disk.free_bytes < mark;
  if (low == shared_.low_space) return;
  shared_.low_space = low;
  event(out, low ? EventKind::storage_full : EventKind::storage_has_room,
        low ? Severity::error : Severity::info,
        std::to_string(in.disk.free_bytes / limits::mib) + " MiB free");
  for (auto& [key, slot] : replicas_) {
    slot.replica.space_changed();
    settle(now, key, out);
  }
}

void Node::on(const Now& /*now*/, LoadMeasured& in, Effects& /*out*/) {
  load_.memory_bytes = in.memory_bytes;
  load_.commits = in.commits;
  load_.commit_p50_us = in.commit_p50_us;
  load_.commit_p99_us = in.commit_p99_us;
  load_.requests_refused = in.refused;
  load_.open_files = in.open_files;
}

void Node::on(const Now& now, Tick& /*in*/, Effects& out) {
  Tick tick;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.monotonic) {
    const PartitionKey key = deadlines_.begin()->second;
    replicas_.at(key).replica.step(now, tick, out);
    settle(now, key, out);
    const auto at = replicas_.find(key);
    PINION_ASSERT(at == replicas_.end() || at->second.deadline > now.monotonic);
  }
  tick_removals(now, out);
  flush_proposals(out);
  flush_reports(out);
  tick_membership(now, out);
}

void Node::on(const Now& now, Stop& /*in*/, Effects& out) {
  if (stopping_) return;
  stopping_ = true;
  event(out, EventKind::stopping, Severity::info, std::to_string(replicas_.size()) + " partitions");
  std::vector<PartitionKey> keys = partitions();
  for (const PartitionKey key : keys) {
    Slot& slot = replicas_.at(key);
    slot.next.reset();
    slot.replica.close(now, Errc::shutting_down, out);
    settle(now, key, out);
  }
}

void Node::say_goodbye_when_done(Effects& out) {
  // Answers go first: the broker forgets a node that has said goodbye.
  if (said_goodbye_ || shared_.requests_open > 0) return;
  said_goodbye_ = true;
  if (link_ != LinkState::registered) return;
  Send send;
  send.message.header.kind = Kind::goodbye;
  send.message.body = Goodbye{options_.life.incarnation};
  out.sends.push_back(std::move(send));
  link_ = LinkState::unregistered;
  next_attempt_ = never;
}

bool Node::stopped() const noexcept {
  return stopping_ && said_goodbye_ && replicas_.empty() && shared_.requests_open == 0;
}

void Node::trim_tails() {
  while (shared_.tail.bytes > shared_.tail.bytes_max) {
    PINION_ASSERT(!shared_.tail.order.empty());
    replicas_.at(shared_.tail.order.begin()->second).replica.drop_oldest_of_tail();
  }
}

void Node::start_waiting_reads(const Now& now, Effects& out) {
  auto& waiting = shared_.reads.waiting;
  while (!waiting.empty()) {
    const auto at = replicas_.find(waiting.front());
    if (at != replicas_.end()) {
      if (!at->second.replica.start_waiting_read(now, out)) return;
      const PartitionKey key = waiting.front();
      waiting.pop_front();
      settle(now, key, out);
    } else {
      waiting.pop_front();
    }
  }
}

void Node::start_waiting_fetches(const Now& now, Effects& out) {
  auto& waiting = shared_.copies.waiting;
  while (!waiting.empty()) {
    const PartitionKey key = waiting.front();
    const auto at = replicas_.find(key);
    if (at != replicas_.end() && !at->second.replica.start_waiting_fetch(now, out)) return;
    waiting.pop_front();
    if (at != replicas_.end()) settle(now, key, out);
  }
}

Micros Node::next_deadline() const noexcept {
  if (!to_report_.empty() || !removed_to_report_.empty() || !dropped_to_report_.empty() ||
      !shared_.proposals.empty()) {
    if (link_ == LinkState::registered) return Micros{0};
  }
  Micros deadline = membership_deadline();
  if (!deadlines_.empty()) deadline = std::min(deadline, deadlines_.begin()->first);
  for (const auto& [topic, removal] : removals_) {
    if (removal.ticket == Ticket{0}) deadline = std::min(deadline, removal.retry_at);
  }
  for (const auto& [key, drop] : drops_) deadline = std::min(deadline, drop.retry_at);
  return deadline;
}

NodeView Node::view() const {
  NodeView view;
  view.link = link_;
  view.controller_epoch = saved_.controller_epoch;
  view.session = link_ == LinkState::registered ? terms_.session : 0;
  view.cluster_id = saved_.cluster_id;
  view.requests_open = shared_.requests_open;
  view.reads_inflight = shared_.reads.inflight;
  view.ahead_bytes = shared_.ahead_bytes;
  view.queries_inflight = shared_.queries_inflight;
  view.pending_bytes = shared_.pending_bytes;
  view.tail_bytes = shared_.tail.bytes;
  view.low_space = shared_.low_space;
  view.stopping = stopping_;
  return view;
}

std::vector<PartitionKey> Node::partitions() const {
  std::vector<PartitionKey> keys;
  for (const auto& [key, slot] : replicas_) keys.push_back(key);
  return keys;
}

std::optional<ReplicaView> Node::replica(PartitionKey key) const {
  const auto at = replicas_.find(key);
  if (at == replicas_.end()) return std::nullopt;
  return at->second.replica.view();
}

void Node::check_invariants() const {
  std::size_t held = 0;
  std::size_t pending_bytes = 0;
  std::size_t tail_bytes = 0;
  std::size_t ahead_bytes = 0;
  std::size_t reads = 0;
  std::size_t asked = 0;
  std::size_t deadlines = 0;
  for (const auto& [key, slot] : replicas_) {
    PINION_ASSERT(slot.replica.key() == key);
    slot.replica.check_invariants();
    held += slot.replica.requests_held();
    pending_bytes += slot.replica.pending_bytes();
    tail_bytes += slot.replica.tail_bytes();
    ahead_bytes += slot.replica.ahead_bytes();
    reads += slot.replica.reads_started();
    asked += slot.replica.asked_bytes();
    PINION_ASSERT(slot.deadline == slot.replica.next_deadline());
    if (slot.deadline != never) {
      ++deadlines;
      PINION_ASSERT(deadlines_.count({slot.deadline, key}) == 1);
    }
  }
  PINION_ASSERT(held == shared_.requests_open);  // Each request is answered, once.
  PINION_ASSERT(pending_bytes == shared_.pending_bytes);
  PINION_ASSERT(tail_bytes == shared_.tail.bytes);
  PINION_ASSERT(shared_.tail.bytes <= shared_.tail.bytes_max);
  PINION_ASSERT(ahead_bytes == shared_.ahead_bytes);
  PINION_ASSERT(shared_.ahead_bytes <= limits::reads_ahead_bytes_max);
  PINION_ASSERT(reads == shared_.reads.inflight + shared_.queries_inflight);
  PINION_ASSERT(asked == shared_.copies.asked);
  PINION_ASSERT(deadlines == deadlines_.size());
}

void Node::event(Effects& out, EventKind kind, Severity severity, std::string detail) const {
  out.events.push_back({kind, severity, std::nullopt, std::move(detail)});
}

}  // namespace pinion::partition
