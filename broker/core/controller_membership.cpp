// Nodes: registration, heartbeats, loss and return.
#include <algorithm>
#include <utility>

#include "broker/core/controller.hpp"
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"

namespace pinion {

namespace {

constexpr const char* or_restored =
    "; put the newest one back, or start the broker with --restored when there is no other";

[[nodiscard]] std::string name_of_node(NodeId id) { return "node " + std::to_string(id.raw()); }

[[nodiscard]] bool is_same_store(const Node& node, const RegisterNode& request) {
  return node.meta.store_id == request.store_id;
}

/// Another process than the one that was seen in this incarnation: the folder that it has begun it
/// from was a copy of an earlier state.
[[nodiscard]] bool is_other_start(const Node& node, const RegisterNode& request) {
  return is_same_store(node, request) && node.meta.incarnation == request.incarnation &&
         node.meta.start_id != 0 && node.meta.start_id != request.start_id;
}

/// The same life of the same data folder.
[[nodiscard]] bool is_same_life(const Node& node, const RegisterNode& request) {
  return is_same_store(node, request) && node.meta.incarnation == request.incarnation &&
         !is_other_start(node, request);
}

/// The same of one whose registration is being kept.
[[nodiscard]] bool is_other_start(const RegisterNode& first, const RegisterNode& request) {
  return first.store_id == request.store_id && first.incarnation == request.incarnation &&
         first.start_id != request.start_id;
}

/// Its folder goes on from the join that was seen last.
[[nodiscard]] bool follows(const Node& node, const RegisterNode& request) {
  const std::int64_t last = node.meta.join;
  return last == 0 || request.joined == last || request.joining == last;
}

[[nodiscard]] Error older_copy(const RegisterNode& request, const std::string& how) {
  return {Errc::invalid_argument, name_of_node(request.node) +
                                      "'s data folder is an older copy: " + how +
                                      "; give the node an empty folder, and it is filled again, or "
                                      "start it with --restored when there is no other copy"};
}

}  // namespace

// ---- Registration
// ----------------------------------------------------------------------------------

void Controller::on_register_node(const Now& now, const NodeMessage& message,
                                  ControllerEffects& out) {
  const auto& request = std::get<RegisterNode>(message.body);
  if (is_stale_registration(request)) return;
  // A command is about to change its row, or to remove it. It asks again soon.
  if (commanded_.count(request.node) != 0) return;
  if (auto allowed = may_register(now, request); !allowed) {
    if (Node* node = nodes_.find(request.node); node != nullptr && !node->alive()) {
      node->refused = allowed.error().detail;
    }
    out.events.push_back({.kind = BrokerEventKind::node_refused,
                          .node = request.node,
                          .detail = allowed.error().detail});
    out.to_nodes.push_back(
        {message.routing, make_error_reply(message.header, std::move(allowed).error())});
    return;
  }
  const auto registering = registering_.find(request.node);
  if (registering != registering_.end()) {
    std::optional<NodeMessage>& again = registering->second.again;
    if (again && std::get<RegisterNode>(again->body).incarnation > request.incarnation) return;
    again = message;
    return;
  }
  keep_node(now, message, out);
}

/// A late copy of a message of an earlier life, while a later one is here: nothing to answer.
bool Controller::is_stale_registration(const RegisterNode& request) const {
  const Node* node = nodes_.find(request.node);
  const auto registering = registering_.find(request.node);
  if (registering != registering_.end()) {
    const RegisterNode& other = registering->second.request;
    if (other.store_id == request.store_id && request.incarnation < other.incarnation) return true;
  }
  return node != nullptr && node->alive() && is_same_store(*node, request) &&
         request.incarnation < node->meta.incarnation;
}

Result<void> Controller::may_register(const Now& now, const RegisterNode& request) const {
  const std::string name = name_of_node(request.node);
  if (request.version_min > protocol_version || request.version_max < protocol_version) {
    return failure(Errc::unsupported_version, name + " speaks other protocol versions than " +
                                                  std::to_string(protocol_version));
  }
  if (!request.cluster_id.empty() && request.cluster_id != cluster_id_) {
    return failure(Errc::wrong_cluster, name + " belongs to cluster " + request.cluster_id +
                                            "; this one is " + cluster_id_);
  }
  PINION_CHECK(may_follow(request));
  const auto registering = registering_.find(request.node);
  const Node* node = nodes_.find(request.node);
  const bool other_registers =
      registering != registering_.end() && registering->second.request.store_id != request.store_id;
  const bool other_lives = node != nullptr && node->alive() && !is_same_store(*node, request) &&
                           now.monotonic - node->last_proved < options_.node_lost_after;
  if (other_registers || other_lives) {
    return failure(Errc::invalid_argument, "node id " + std::to_string(request.node.raw()) +
                                               " is in use by another live partition broker" +
                                               (node == nullptr || node->meta.address.empty()
                                                    ? std::string()
                                                    : " at " + node->meta.address) +
                                               "; give each its own node_id and data_dir");
  }
  PINION_CHECK(may_go_on(request));
  if (node == nullptr && nodes_.size() + registering_.size() >= limits::nodes_max) {
    return failure(Errc::limit_reached,
                   "a cluster has at most " + std::to_string(limits::nodes_max) + " nodes");
  }
  return {};
}

/// An older copy of its data folder lacks what the node has answered for since.
Result<void> Controller::may_go_on(const RegisterNode& request) const {
  const std::string started = std::to_string(request.incarnation.raw());
  const auto registering = registering_.find(request.node);
  const Node* node = nodes_.find(request.node);
  if ((registering != registering_.end() && is_other_start(registering->second.request, request)) ||
      (node != nullptr && is_other_start(*node, request))) {
    return failure(older_copy(
        request, "its start " + started + " was seen before, and this is another of that number"));
  }
  if (node == nullptr || request.restored) return {};
  // Also of another folder: a new one counts its starts on from the clock.
  if (request.incarnation < node->meta.incarnation) {
    return failure(older_copy(request, "its start is " + started + ", and start " +
                                           std::to_string(node->meta.incarnation.raw()) +
                                           " was seen"));
  }
  if (is_same_store(*node, request) && !follows(*node, request)) {
    return failure(older_copy(request, "it does not know of the start that was seen last, " +
                                           std::to_string(node->meta.incarnation.raw())));
  }
  return {};
}

/// What it has followed may not be undone by a broker that does not know of it.
Result<void> Controller::may_follow(const RegisterNode& request) const {
  const std::string name = name_of_node(request.node);
  if (request.controller_epoch > epoch_) {
    return failure(Errc::fenced_controller, name + " has followed controller epoch " +
                                                std::to_string(request.controller_epoch.raw()) +
                                                ", this broker's is " +
                                                std::to_string(epoch_.raw()) +
                                                ": its broker.db is an old copy" + or_restored);
  }
  const std::int64_t began = start_of(request.controller_epoch);
  if (began != 0 && request.controller_start != 0 && request.controller_start != began) {
    return failure(Errc::fenced_controller,
                   name + " has followed another broker in controller epoch " +
                       std::to_string(request.controller_epoch.raw()) +
                       ": this one's broker.db is an old copy" + or_restored);
  }
  return {};
}

/// Of the term that began a controller epoch, as far as it is known; else 0.
std::int64_t Controller::start_of(ControllerEpoch epoch) const {
  if (epoch == epoch_) return start_id_;
  const auto at =
      std::lower_bound(earlier_terms_.begin(), earlier_terms_.end(), epoch,
                       [](const Term& term, ControllerEpoch e) { return term.epoch < e; });
  return at != earlier_terms_.end() && at->epoch == epoch ? at->start_id : 0;
}

/// A new life, or one that says something new of itself, is kept before its session begins.
void Controller::keep_node(const Now& now, const NodeMessage& message, ControllerEffects& out) {
  const auto& request = std::get<RegisterNode>(message.body);
  Node* node = nodes_.find(request.node);
  Registering asked{.request = request,
                    .routing = message.routing,
                    .header = message.header,
                    .new_life = node == nullptr || !is_same_life(*node, request),
                    .changed = {},
                    .again = std::nullopt};
  NodeMeta meta{.id = request.node,
                .store_id = request.store_id,
                .incarnation = request.incarnation,
                .start_id = request.start_id,
                .join = request.joining,
                .address = request.address,
                .rack = request.rack,
                .region = request.region,
                .topics = request.topics,
                .version = request.server_version,
                .registered_at = node == nullptr ? now.wall : node->meta.registered_at,
                .last_heartbeat = now.wall,
                .health = NodeHealth::alive,
                .draining = node != nullptr && node->meta.draining};
  if (node != nullptr && !asked.new_life) {
    NodeMeta known = node->meta;
    known.last_heartbeat = meta.last_heartbeat;
    known.health = meta.health;
    if (known == meta) return begin_session(now, *node, asked, out);
  }
  if (auto allowed = may_decide(); !allowed) {
    out.to_nodes.push_back(
        {message.routing, make_error_reply(message.header, std::move(allowed).error())});
    return;
  }
  std::vector<MetaOp> ops;
  ops.emplace_back(PutNode{std::move(meta)});
  // From here on it is neither lost nor may it lead.
  Registering& registering = registering_.emplace(request.node, std::move(asked)).first->second;
  if (registering.new_life) {
    // The life before is over, whatever its time-out says; each partition gets a new epoch.
    const bool new_store = node != nullptr && !is_same_store(*node, request);
    if (node != nullptr && node->alive()) {
      end_session(now, *node, NodeHealth::lost, name_of_node(request.node) + " has started again",
                  out);
    }
    for (const PartitionKey key : partitions_.held_by(request.node)) {
      if (topics_.find(key.topic)->deleting) continue;
      Partition& partition = *partitions_.find(key);
      PartitionMeta next = plan_new_life(partition, request.node, new_store);
      if (next.leader == node_none && partition.decided.leader != node_none) {
        partition.leaderless_since = now.monotonic;
      }
      const bool is_planned = std::find(planned_.begin(), planned_.end(), key) != planned_.end();
      if (next != partition.decided) {
        set_decided(partition, std::move(next), ops);
      } else if (is_planned) {
        // The end of its session has moved it: that must not be durable later than the new life.
        std::erase(planned_, key);
        ops.emplace_back(SetPartition{partition.decided});
      } else {
        continue;
      }
      registering.changed.push_back(key);
    }
  }
  decide(std::move(ops), NodeKept{request.node}, out);
}

void Controller::then(const Now& now, const NodeKept& kept, ControllerEffects& out) {
  const auto row = registering_.find(kept.node);
  PINION_ASSERT(row != registering_.end());
  Registering registering = std::move(row->second);
  registering_.erase(row);
  Node* node = nodes_.find(kept.node);
  PINION_ASSERT(node != nullptr);
  node->last_heartbeat = std::max(node->last_heartbeat, node->meta.last_heartbeat);
  const bool was_gone =
      std::exchange(node->is_gone, false);  // It is here, if not in a session yet.
  then(now, PartitionsSet{registering.changed}, out);
  if (!registering.again) return begin_session(now, *node, registering, out);
  on_register_node(now, *registering.again, out);
  if (node->alive() || registering_.count(kept.node) != 0 || !was_gone) return;
  node->is_gone = true;  // What it asked in the meantime was refused.
  reconsider_all_of(now, kept.node, out);
}

/// Requires: what is durable of the node is what `registering` says.
void Controller::begin_session(const Now& now, Node& node, const Registering& registering,
                               ControllerEffects& out) {
  PINION_ASSERT(is_same_life(node, registering.request));
  // Asked again in a session that lives: the same answer, and all assignments once more.
  const bool returns = !node.alive();
  if (returns) {
    node.session = ++sessions_;
    node.last_assign = 0;
    node.newest_heartbeat = RequestId{0};
    node.health = NodeHealth::alive;
  }
  node.is_gone = false;
  node.refused.clear();
  by_routing_.erase(std::string(node.routing.view()));
  node.routing = Bytes::copy_of(registering.routing.view());
  by_routing_[std::string(node.routing.view())] = node.meta.id;
  node.last_heard = now.monotonic;
  node.last_proved = now.monotonic;
  heard_since_grace_ = true;
  node.last_heartbeat = std::max(node.last_heartbeat, now.wall);
  out.nodes.push_back({node.meta.id, node.routing});
  out.events.push_back({.kind = registering.new_life ? BrokerEventKind::node_registered
                                                     : BrokerEventKind::node_returned,
                        .node = node.meta.id,
                        .detail = "incarnation " + std::to_string(node.meta.incarnation.raw())});

  RegisterNodeReply answer;
  answer.cluster_id = cluster_id_;
  answer.controller_epoch = epoch_;
  answer.controller_start = start_id_;
  answer.session = node.session;
  answer.heartbeat_ms = static_cast<std::uint32_t>(options_.heartbeat_every.count() / 1'000);
  answer.lost_after_ms = static_cast<std::uint32_t>(options_.node_lost_after.count() / 1'000);
  answer.record_bytes_max = options_.record_bytes_max;
  out.to_nodes.push_back({node.routing, make_reply(registering.header, std::move(answer))});

  if (returns) {
    for (const PartitionKey key : partitions_.led_by(node.meta.id)) {
      Partition* partition = partitions_.find(key);
      set_state(*partition, PartitionState::opening, name_of_node(node.meta.id) + " is opening it",
                out);
    }
  }
  const std::set<PartitionKey>& held = partitions_.held_by(node.meta.id);
  send_assignments(now, node, {held.begin(), held.end()}, out);
  send_tombstones(now, node, out);
  send_drops(now, node, out);
  reconsider_all_of(now, node.meta.id, out);
}

// ---- A session's life
// ------------------------------------------------------------------------------

Node* Controller::session_of(const NodeMessage& message, NodeId id, Incarnation incarnation,
                             std::int64_t session) {
  Node* node = nodes_.find(id);
  if (node == nullptr || !node->alive() || node->session != session ||
      node->meta.incarnation != incarnation || !(node->routing == message.routing)) {
    return nullptr;
  }
  return node;
}

void Controller::say_hello(const NodeMessage& message, ControllerEffects& out) {
  Message hello;
  hello.header.kind = Kind::say_hello;
  hello.body = SayHello{epoch_};
  out.to_nodes.push_back({message.routing, std::move(hello)});
}

void Controller::on_node_heartbeat(const Now& now, const NodeMessage& message,
                                   ControllerEffects& out) {
  const auto& heartbeat = std::get<NodeHeartbeat>(message.body);
  if (registering_.count(heartbeat.node) != 0) return;
  Node* node = session_of(message, heartbeat.node, heartbeat.incarnation, heartbeat.session);
  if (node == nullptr) return say_hello(message, out);
  node->last_heard = now.monotonic;
  node->last_proved = now.monotonic;
  heard_since_grace_ = true;
  node->last_heartbeat = std::max(node->last_heartbeat, now.wall);
  node->load = heartbeat.load;
  const RequestId said_in = message.header.request_id;
  node->newest_heartbeat = std::max(node->newest_heartbeat, said_in);
  std::vector<OpenedReplica> opened;
  for (const PartitionStatus& status : heartbeat.partitions) {
    const PartitionKey key{status.topic, status.partition};
    Partition* partition = partitions_.find(key);
    if (partition == nullptr) continue;
    if (partition->meta.leader != node->meta.id ||
        partition->meta.leader_epoch != status.leader_epoch) {
      note_status_of_follower(now, *node, status, said_in, opened, out);
      continue;
    }
    const auto known = partition->reports.find(node->meta.id);
    const bool is_old = known != partition->reports.end() && said_in < known->second.said_in;
    if (is_old) continue;
    partition->status = status;
    if (partition->status.readers.size() > limits::readers_per_status_max) {
      partition->status.readers.resize(limits::readers_per_status_max);
    }
    note_whole(*partition, status);
    refresh_.insert(key);
    if (known == partition->reports.end() && status.state != PartitionState::halted) {
      // The report was lost, and a heartbeat does not say what stood in it.
      untold_.try_emplace({node->meta.id, key}, Untold{now.monotonic + options_.assign_again, 0});
      continue;
    }
    // Nor what has become of the file.
    if (known != partition->reports.end() &&
        (known->second.detail != status.detail || known->second.state != status.state)) {
      untold_.try_emplace({node->meta.id, key}, Untold{now.monotonic + options_.assign_again, 0});
    }
    ReportedReplica state;
    if (known != partition->reports.end()) state = known->second;
    state.is_report = false;
    state.topic = status.topic;
    state.partition = status.partition;
    state.leader_epoch = status.leader_epoch;
    state.state = status.state;
    state.log_end = status.log_end;
    state.detail = status.detail;
    if (status.state == PartitionState::halted) {
      state.role = ReplicaRole::none;
      state.file = FileState::unknown;  // Until its report says more.
    }
    note_replica(now, *node, state, opened, out);
  }
  decide_opened(std::move(opened), out);
  NodeHeartbeatReply answer;
  answer.controller_epoch = epoch_;
  answer.session = node->session;
  out.to_nodes.push_back({node->routing, make_reply(message.header, std::move(answer))});
}

/// The report that should have said so may have been lost. A halt counts at once; about the rest
/// the node is asked again.
void Controller::note_status_of_follower(const Now& now, Node& node, const PartitionStatus& status,
                                         RequestId said_in, std::vector<OpenedReplica>& opened,
                                         ControllerEffects& out) {
  const PartitionKey key{status.topic, status.partition};
  const Partition* partition = partitions_.find(key);
  const auto known = partition->reports.find(node.meta.id);
  if (!names(partition->meta.replicas, node.meta.id)) return;
  const bool is_told = known != partition->reports.end();
  const bool says_the_same =
      is_told && known->second.state == status.state && known->second.detail == status.detail;
  if (is_told && (said_in < known->second.said_in || says_the_same)) return;
  untold_.try_emplace({node.meta.id, key}, Untold{now.monotonic + options_.assign_again, 0});
  if (is_told && status.state == PartitionState::halted) {
    ReportedReplica halted = known->second;
    halted.is_report = false;
    halted.state = PartitionState::halted;
    halted.role = ReplicaRole::none;
    halted.file = FileState::unknown;
    halted.detail = status.detail;
    note_replica(now, node, halted, opened, out);
  }
}

void Controller::on_node_goodbye(const Now& now, const NodeMessage& message,
                                 ControllerEffects& out) {
  const auto& goodbye = std::get<Goodbye>(message.body);
  const auto id = by_routing_.find(message.routing.view());
  if (id == by_routing_.end()) return;
  Node* node = nodes_.find(id->second);
  if (node == nullptr || !node->alive() || node->meta.incarnation != goodbye.incarnation) return;
  end_session(now, *node, NodeHealth::stopping, name_of_node(node->meta.id) + " was stopped", out);
  out.events.push_back(
      {.kind = BrokerEventKind::node_stopping, .node = node->meta.id, .detail = {}});
}

void Controller::end_session(const Now& now, Node& node, NodeHealth health, const std::string& why,
                             ControllerEffects& out) {
  PINION_ASSERT(node.alive());
  PINION_ASSERT(health != NodeHealth::alive);
  node.health = health;
  node.session = 0;
  by_routing_.erase(std::string(node.routing.view()));
  node.routing = {};
  node.tombstones_again_at = never;
  node.drops_again_at = never;
  node.is_gone = true;
  out.nodes.push_back({node.meta.id, {}});
  for (const PartitionKey key : partitions_.led_by(node.meta.id)) {
    set_state(*partitions_.find(key), PartitionState::offline,
              why + "; the partition comes back with it", out);
  }
  for (const PartitionKey key : partitions_.held_by(node.meta.id)) {
    Partition& partition = *partitions_.find(key);
    partition.reports.erase(node.meta.id);
    untold_.erase({node.meta.id, key});
    if (partition.decided.leader == node.meta.id) partition.leaderless_since = now.monotonic;
  }
  reconsider_all_of(now, node.meta.id, out);
}

void Controller::expire_nodes(const Now& now, ControllerEffects& out) {
  if (now.monotonic < grace_until_) return;
  for (auto& [id, node] : nodes_.rows()) {
    const Micros silent = now.monotonic - node.last_heard;
    if (silent < options_.node_lost_after) continue;
    if (node.health == NodeHealth::stopping) node.health = NodeHealth::lost;
    if (!node.alive()) continue;
    const std::string why =
        name_of_node(id) + " is lost: silent for " + std::to_string(silent / 1ms) + " ms";
    end_session(now, node, NodeHealth::lost, why, out);
    out.events.push_back({.kind = BrokerEventKind::node_lost, .node = id, .detail = why});
  }
  if (all_had_time_ || now.monotonic < gone_at_) return;
  // Those that have not come back since this process started: others take over from them.
  all_had_time_ = true;
  for (auto& [id, node] : nodes_.rows()) {
    if (node.alive() || node.is_gone) continue;
    node.is_gone = true;
    reconsider_all_of(now, id, out);
  }
}

}  // namespace pinion
