#include "broker/core/controller.hpp"

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"

namespace pinion {

namespace {

/// What a term counts stands below the term's number, which is at most the time in seconds: after
/// broker.db was put back epochs go on from there.
[[nodiscard]] std::int64_t first_of(ControllerEpoch term) { return term.raw() << 31; }

}  // namespace

Controller::Controller(ControllerOptions options, MetaState state, const Now& now)
    : options_(std::move(options)),
      cluster_id_(std::move(state.cluster_id)),
      epoch_(state.controller_epoch),
      start_id_(state.start_id),
      earlier_terms_(std::move(state.earlier_terms)),
      counters_(state.counters),
      ids_next_(state.counters.producer_id),
      ids_reserved_(state.counters.producer_id),
      // Of two brokers that begin one epoch, from copies of broker.db, each has its own.
      sessions_(first_of(state.controller_epoch) + (state.start_id & 0x3fff'ffff)),
      gone_at_(now.monotonic + options_.node_lost_after + limits::register_again_within),
      return_at_(now.monotonic + options_.leader_return_after),
      refresh_at_(now.monotonic + options_.refresh_every),
      last_step_(now.monotonic),
      metadata_version_(first_of(state.controller_epoch)) {
  PINION_ASSERT(epoch_ > ControllerEpoch{0});
  for (const NodeMeta& node : state.nodes) nodes_.put(node);
  for (const TopicMeta& topic : state.topics) topics_.put(topic);
  for (const PartitionMeta& partition : state.partitions) {
    Partition& row = partitions_.put(partition);
    row.leaderless_since = now.monotonic;
    // Without a leader: it waits for its replicas to say what they have.
    if (partition.leader == node_none) waiting_.insert(partition.key);
  }
  for (const Tombstone& tombstone : state.tombstones) topics_.put_tombstone(tombstone);
  for (const Registration& registration : state.registrations) registrations_.put(registration);
}

// ---- Dispatch
// --------------------------------------------------------------------------------------

void Controller::step(const Now& now, const ControllerInput& input,
                      ControllerEffects& out) noexcept {
  // This process itself was away (stopped, swapped out): what its peers said meanwhile is still to
  // be read, so nobody is lost before there was time for that.
  if (heard_since_grace_ && now.monotonic - last_step_ >= options_.node_lost_after) {
    grace_until_ = now.monotonic + options_.node_lost_after / 2;
    heard_since_grace_ = false;
  }
  last_step_ = now.monotonic;
  std::visit([&](const auto& event) { on(now, event, out); }, input);
  carry_out_plans(out);
  if (now.monotonic >= push_at_) push_changes(now, out);
}

void Controller::on(const Now& now, const ClientRequest& request, ControllerEffects& out) {
  switch (request.header.kind) {
    case Kind::metadata:
      return on_metadata(now, request, out);
    case Kind::create_topic:
      return on_create_topic(now, request, out);
    case Kind::delete_topic:
      return on_delete_topic(now, request, out);
    case Kind::cluster_status:
      return on_cluster_status(now, request, out);
    case Kind::allocate_producer_ids:
      return on_allocate(now, request, out);
    case Kind::register_producer:
      return on_register(now, request, RegistrationKind::producer, out);
    case Kind::register_consumer:
      return on_register(now, request, RegistrationKind::consumer, out);
    case Kind::find_registration:
      return on_find_registration(now, request, out);
    case Kind::alter_topic:
      return on_alter_topic(now, request, out);
    case Kind::command_node:
      return on_command_node(now, request, out);
    default:
      return refuse(waiter_of(now, request), Errc::unknown_kind, "not a request to the controller",
                    out);
  }
}

void Controller::on(const Now& now, const NodeMessage& message, ControllerEffects& out) {
  switch (message.header.kind) {
    case Kind::register_node:
      return on_register_node(now, message, out);
    case Kind::node_heartbeat:
      return on_node_heartbeat(now, message, out);
    case Kind::replica_report:
      return on_replica_report(now, message, out);
    case Kind::isr_proposal:
      return on_isr_proposal(now, message, out);
    case Kind::goodbye:
      return on_node_goodbye(now, message, out);
    default:
      // Whatever it is, it is not from a node that we know.
      if (by_routing_.count(std::string(message.routing.view())) == 0) say_hello(message, out);
      return;
  }
}

void Controller::on(const Now& now, const NodeHeard& heard, ControllerEffects&) {
  const auto id = by_routing_.find(heard.routing.view());
  if (id == by_routing_.end()) return;
  Node* node = nodes_.find(id->second);
  PINION_ASSERT(node != nullptr);
  node->last_heard = now.monotonic;
  heard_since_grace_ = true;
}

void Controller::on(const Now& now, const Tick&, ControllerEffects& out) {
  expire_nodes(now, out);
  expire_creators(now, out);
  reconsider_waiting(now, out);
  repeat_assignments(now, out);
  refresh(now, out);
}

Micros Controller::next_tick(const Now& now) const noexcept {
  Micros next = now.monotonic + 1s;
  if (!changed_.empty() || !removed_.empty()) next = std::min(next, push_at_);
  if (!creating_.empty() || !untold_.empty() || !waiting_.empty())
    next = std::min(next, now.monotonic + 50ms);
  for (const auto& [id, node] : nodes_.rows()) {
    if (node.alive()) next = std::min(next, now.monotonic + options_.node_lost_after / 4);
  }
  return next;
}

// ---- Decisions and their way to the store
// ----------------------------------------------------------

Result<void> Controller::may_decide() const {
  if (stalled_) return failure(Errc::storage_full, "broker.db cannot grow: " + stalled_detail_);
  if (pending_.size() >= limits::meta_writes_pending_max) {
    return failure(Errc::throttled, std::to_string(pending_.size()) + " decisions are being kept");
  }
  return {};
}

void Controller::decide(std::vector<MetaOp> ops, Then then, ControllerEffects& out) {
  const Ticket ticket = next_ticket_;
  ++next_ticket_;
  pending_.push_back({ticket, ops, std::move(then)});
  out.persist.push_back({ticket, std::move(ops)});
}

void Controller::on(const Now& now, const MetaPersisted& persisted, ControllerEffects& out) {
  if (stalled_) {
    stalled_ = false;
    out.events.push_back({.kind = BrokerEventKind::metadata_resumed, .detail = {}});
  }
  // A ticket that was answered already is ignored: nothing happens twice.
  while (!pending_.empty() && pending_.front().ticket <= persisted.ticket) {
    Pending done = std::move(pending_.front());
    pending_.pop_front();
    for (const MetaOp& op : done.ops) apply(op);
    std::visit([&](const auto& decision) { then(now, decision, out); }, done.then);
  }
}

void Controller::on(const Now&, const MetaStalled& stalled, ControllerEffects& out) {
  if (!stalled_) {
    out.events.push_back({.kind = BrokerEventKind::metadata_stalled, .detail = stalled.detail});
  }
  stalled_ = true;
  stalled_detail_ = stalled.detail;
}

void Controller::then(const Now&, const Nothing&, ControllerEffects&) {}

void Controller::apply(const MetaOp& op) {
  struct Apply {
    Controller& self;
    void operator()(const PutNode& o) { self.nodes_.put(o.node); }
    void operator()(const PutTopic& o) {
      self.topics_.put(o.topic);
      for (const PartitionMeta& partition : o.partitions) self.partitions_.put(partition);
    }
    void operator()(const SetPartition& o) {
      Partition* partition = self.partitions_.find(o.partition.key);
      if (partition == nullptr) return;
      PINION_ASSERT(o.partition.version > partition->meta.version);
      PINION_ASSERT(o.partition.leader_epoch >= partition->meta.leader_epoch);
      PartitionMeta meta = o.partition;
      meta.opened = partition->meta.opened;
      meta.log_end = partition->meta.log_end;
      meta.file_bytes = partition->meta.file_bytes;
      for (const NodeId id : meta.replicas) {
        if (!names(partition->meta.replicas, id)) partition->held_since[id] = meta.version;
      }
      self.partitions_.set(*partition, meta);
      // Of a replica that was moved away: when it comes back it begins anew.
      const auto is_dropped = [&](const auto& row) {
        return row.first != meta.leader && !names(meta.replicas, row.first);
      };
      std::erase_if(partition->reports, is_dropped);
      std::erase_if(partition->whole, is_dropped);
    }
    void operator()(const SetOpened& o) {
      Partition* partition = self.partitions_.find(o.key);
      if (partition == nullptr) return;
      PartitionMeta meta = partition->meta;
      meta.opened = true;
      if (o.node != node_none && !names(meta.made, o.node)) meta.made.push_back(o.node);
      self.partitions_.set(*partition, meta);
    }
    void operator()(const SetTopicConfig& o) { self.topics_.set_config(o.topic, o.config); }
    void operator()(const AddPartitions& o) {
      for (const PartitionMeta& partition : o.partitions) self.partitions_.put(partition);
    }
    void operator()(const RemoveNode& o) { self.nodes_.remove(o.node); }
    void operator()(const RemoveTopic& o) {
      const TopicId topic = o.tombstone.topic;
      const auto is_its_own = [&](PartitionKey key) { return key.topic == topic; };
      std::erase_if(self.opening_, is_its_own);
      std::erase_if(self.waiting_, is_its_own);
      std::erase_if(self.untold_,
                    [&](const auto& entry) { return is_its_own(entry.first.second); });
      std::erase_if(self.refresh_, is_its_own);
      self.topics_.remove(topic);
      self.partitions_.remove_topic(topic);
      self.registrations_.remove_topic(topic);
      self.topics_.put_tombstone(o.tombstone);
    }
    void operator()(const ClearTombstone& o) { self.topics_.clear_tombstone(o.topic, o.holder); }
    void operator()(const PutRegistration& o) { self.registrations_.put(o.registration); }
    void operator()(const SetCounters&) {}  // counters_ runs ahead of the store.
    void operator()(const RefreshNode& o) {
      Node* node = self.nodes_.find(o.node);
      if (node == nullptr) return;
      node->meta.last_heartbeat = o.last_heartbeat;
      node->meta.health = o.health;
    }
    void operator()(const RefreshPartition& o) {
      Partition* partition = self.partitions_.find(o.key);
      if (partition == nullptr) return;
      partition->meta.log_end = o.log_end;
      partition->meta.file_bytes = o.file_bytes;
    }
  };
  std::visit(Apply{*this}, op);
}

void Controller::refresh(const Now& now, ControllerEffects& out) {
  if (now.monotonic < refresh_at_) return;
  refresh_at_ = now.monotonic + options_.refresh_every;
  if (!may_decide()) return;
  std::vector<MetaOp> ops;
  for (const auto& [id, node] : nodes_.rows()) {
    if (node.meta.last_heartbeat >= node.last_heartbeat && node.meta.health == node.health) {
      continue;
    }
    const Micros heartbeat = std::max(node.meta.last_heartbeat, node.last_heartbeat);
    ops.emplace_back(RefreshNode{.node = id, .last_heartbeat = heartbeat, .health = node.health});
  }
  while (!refresh_.empty() && ops.size() < limits::refresh_rows_max) {
    const PartitionKey key = *refresh_.begin();
    refresh_.erase(refresh_.begin());
    const Partition* partition = partitions_.find(key);
    if (partition == nullptr) continue;
    ops.emplace_back(RefreshPartition{.key = key,
                                      .log_end = partition->status.log_end,
                                      .file_bytes = partition->status.file_bytes});
  }
  if (!ops.empty()) decide(std::move(ops), Nothing{}, out);
}

// ---- Answers and pushes
// ----------------------------------------------------------------------------

Controller::Waiter Controller::waiter_of(const Now& now, const ClientRequest& request) const {
  const Micros asked = request.header.timeout_ms == 0
                           ? limits::request_lifetime_max / 2
                           : Micros(std::int64_t{request.header.timeout_ms} * 1'000);
  // A tenth is left for the answer's way.
  const Micros lifetime = std::min(asked, limits::request_lifetime_max) * 9 / 10;
  return {request.client, request.header, now.monotonic + lifetime};
}

void Controller::reply(const Waiter& waiter, Body body, ControllerEffects& out) {
  out.replies.push_back({waiter.client, make_reply(waiter.header, std::move(body))});
}

void Controller::refuse(const Waiter& waiter, Errc code, std::string detail,
                        ControllerEffects& out) {
  PINION_ASSERT(code != Errc::ok);
  out.replies.push_back(
      {waiter.client, make_error_reply(waiter.header, fail(code, std::move(detail)))});
}

void Controller::mark_changed(TopicId topic) { changed_.insert(topic); }

/// Versions are dense: a client that sees one left out has missed a push, and asks.
void Controller::push_changes(const Now& now, ControllerEffects& out) {
  if (changed_.empty() && removed_.empty()) return;
  push_at_ = now.monotonic + options_.push_interval;
  ++metadata_version_;
  MetadataChanged push;
  push.controller_epoch = epoch_;
  push.metadata_version = metadata_version_;
  std::size_t partitions = 0;
  for (const TopicId id : changed_) {
    const Topic* topic = topics_.find(id);
    if (topic == nullptr) continue;
    partitions += static_cast<std::size_t>(topic->meta.config.partitions);
    if (push.topics.size() >= limits::push_topics_max || partitions > limits::push_partitions_max) {
      push.complete = false;
      break;
    }
    push.topics.push_back(metadata_of(*topic));
  }
  push.deleted = std::move(removed_);
  if (push.deleted.size() > limits::list_items_max) push.complete = false;
  if (!push.complete) {
    push.topics.clear();
    push.deleted.clear();
  }
  changed_.clear();
  removed_.clear();
  out.pushes.push_back(std::move(push));
}

}  // namespace pinion
