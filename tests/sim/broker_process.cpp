#include "tests/sim/broker_process.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"
#include "tests/sim/event_names.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

/// The routing id that a process's socket would have; the first frame that a ROUTER shows.
std::string routing_of(const Bytes& bytes) { return std::string(bytes.view()); }

/// A routing id belongs to its newest connection; an older one's bytes may come after it.
void note_connection(Network::Peer& known, const Network::Peer& from) {
  if (known.actor != from.actor || known.generation < from.generation) known = from;
}

NotSent not_sent_to_client(const Frames& frames) {
  NotSent not_sent;
  not_sent.to = NotSent::To::client;
  not_sent.path = {frames.front()};
  return not_sent;
}

NotSent not_sent_to_node(NodeFrames message, NotSent::Why why) {
  NotSent not_sent;
  not_sent.to = NotSent::To::node;
  not_sent.why = why;
  not_sent.return_frame = std::move(message.return_frame);
  not_sent.header = std::move(message.header);
  not_sent.path = std::move(message.path);
  return not_sent;
}

}  // namespace

BrokerProcess::BrokerProcess(World& world, std::uint64_t seed) : Process(world, "broker", seed) {}

void BrokerProcess::on_start() {
  store_.emplace(meta_disk_);
  Result<MetaState> state = store_->begin_term(std::exchange(restored_, Restored::no));
  if (!state) {
    // As a supervisor would: try again until there is room.
    world_.counters.count("broker: no room to start");
    store_.reset();
    plan(100ms, [this] { on_start(); });
    return;
  }
  BrokerOptions options;
  options.version = "sim";
  options.controller.version = "sim";
  options.router.client_requests = world_.options.client_requests_max;
  options.router.node_requests = world_.options.node_requests_max;
  core_.emplace(options, *std::move(state), now());
  listen(broker_client_end);
  listen(broker_cluster_end);
  plan_tick();
}

void BrokerProcess::on_death(Death) {
  // What was handed to the disk and not answered may have happened.
  if (!writing_.empty() && prng_.chance(1, 2)) (void)store_->apply(writing_);
  world_.network.detach(broker_client_end);
  world_.network.detach(broker_cluster_end);
  core_.reset();
  store_.reset();
  effects_.clear();
  clients_.clear();
  nodes_.clear();
  unwritten_.clear();
  writing_.clear();
  tick_at_ = never;
}

void BrokerProcess::stop() {
  if (!core_) return;
  world_.counters.count("fault: clean stop of the broker");
  step(Stop{});
  end_life();
  on_death(Death::kill);
}

void BrokerProcess::on_arrivals(std::vector<Arrival> arrivals) {
  for (Arrival& arrival : arrivals) {
    const std::string routing = routing_of(arrival.frames.front());
    if (arrival.end == broker_client_end) {
      note_connection(clients_[routing], arrival.from);
      step(FromClient{std::move(arrival.frames)});
    } else {
      note_connection(nodes_[routing], arrival.from);
      step(FromNode{std::move(arrival.frames)});
    }
  }
  step(Tick{});
  plan_tick();
}

void BrokerProcess::step(BrokerInput input) {
  core_->step(now(), std::move(input), effects_);
  if (world_.inspector.enabled()) core_->check_invariants();
  carry_out();
}

void BrokerProcess::carry_out() {
  while (!effects_.to_clients.empty() || !effects_.to_nodes.empty() || !effects_.persist.empty() ||
         !effects_.events.empty()) {
    note_events();
    BrokerEffects effects;
    std::swap(effects, effects_);
    for (MetaWrite& write : effects.persist) unwritten_.push_back(std::move(write));
    const bool clients_first = prng_.chance(1, 2);
    for (int turn = 0; turn < 2; ++turn) {
      if ((turn == 0) == clients_first) {
        for (Frames& frames : effects.to_clients) send_to_client(std::move(frames));
      } else {
        for (NodeFrames& message : effects.to_nodes) send_to_node(std::move(message));
      }
    }
  }
  start_writing();
}

void BrokerProcess::send_to_client(Frames frames) {
  PINION_ASSERT(frames.size() >= 4);
  inspect_told_client(frames);
  const auto peer = clients_.find(routing_of(frames.front()));
  if (peer == clients_.end() || !world_.network.connected(peer->second)) {
    world_.counters.count("broker: no such client");
    core_->step(now(), not_sent_to_client(frames), effects_);
    return;
  }
  frames.erase(frames.begin());
  world_.network.send(broker_client_end, peer->second.actor, std::move(frames), "to client");
}

void BrokerProcess::send_to_node(NodeFrames message) {
  PINION_ASSERT(message.frames.size() >= 4);
  if (message.return_frame.empty()) inspect_told_node(message.frames);
  const auto peer = nodes_.find(routing_of(message.frames.front()));
  const bool gone = peer == nodes_.end() || !world_.network.connected(peer->second);
  const bool blocked = !gone && world_.options.network.blocked_per_10k > 0 &&
                       prng_.chance(world_.options.network.blocked_per_10k, 10'000);
  if (gone || blocked) {
    world_.counters.count(gone ? "broker: no such node" : "broker: a node's queue is full");
    core_->step(now(),
                not_sent_to_node(std::move(message),
                                 gone ? NotSent::Why::no_peer : NotSent::Why::would_block),
                effects_);
    return;
  }
  message.frames.erase(message.frames.begin());
  world_.network.send(broker_cluster_end, peer->second.actor, std::move(message.frames), "to node");
}

void BrokerProcess::plan_tick() {
  const Now at = now();
  const Micros wanted = core_->next_tick(at);
  if (wanted >= never || wanted >= tick_at_) return;
  tick_at_ = wanted;
  plan(std::max(Micros(0), wanted - at.monotonic) + Micros(prng_.between(0, 500)), [this, wanted] {
    if (tick_at_ != wanted) return;  // An earlier one was planned since.
    tick_at_ = never;
    step(Tick{});
    plan_tick();
  });
}

// ---- Metadata

void BrokerProcess::start_writing() {
  if (!writing_.empty() || unwritten_.empty()) return;
  const auto count = static_cast<std::size_t>(prng_.between(1, 8));
  while (!unwritten_.empty() && writing_.size() < count) {
    writing_.push_back(std::move(unwritten_.front()));
    unwritten_.pop_front();
  }
  const DiskOptions& disk = world_.options.disk;
  plan_outside(
      Micros(prng_.between(disk.commit_min.count(), disk.commit_max.count())) + extra_latency_,
      [this] { finish_writing(); });
}

void BrokerProcess::finish_writing() {
  const Result<void> done = store_->apply(writing_);
  if (!done) {
    world_.counters.count("broker: metadata has no room");
    plan(Micros(prng_.between(1, 40)), [this, detail = done.error().detail] {
      step(MetaStalled{detail});
      plan_tick();
    });
    plan_outside(50ms, [this] { finish_writing(); });
    return;
  }
  world_.inspector.on_decided(meta_disk_->state.partitions);
  std::vector<Ticket> tickets;
  for (const MetaWrite& write : writing_) tickets.push_back(write.ticket);
  writing_.clear();
  plan(Micros(prng_.between(1, 40)), [this, tickets] {
    for (const Ticket ticket : tickets) step(MetaPersisted{ticket});
    plan_tick();
  });
  start_writing();
}

// ---- What is told must be durable

void BrokerProcess::inspect_told_client(const Frames& frames) {
  if (!world_.inspector.enabled()) return;
  const Result<Header> header = decode_header(frames[2].view());
  if (!header || header->error != Errc::ok) return;
  const Kind kind = header->kind;
  if (kind != Kind::create_topic_reply && kind != Kind::allocate_producer_ids_reply) return;
  const Result<Body> body = decode_body(*header, frames[3].view());
  PINION_ASSERT(body.has_value());
  const MetaCounters& counters = meta_disk_->state.counters;
  if (const auto* created = std::get_if<CreateTopicReply>(&*body)) {
    if (created->topic.id >= counters.topic) {
      world_.checker.violate("told-before-persisted", "topic '" + created->topic.name + "'");
    }
  }
  if (const auto* ids = std::get_if<AllocateProducerIdsReply>(&*body)) {
    if (ids->first + ids->count > counters.producer_id) {
      world_.checker.violate("told-before-persisted", "producer ids");
    }
  }
}

void BrokerProcess::inspect_told_node(const Frames& frames) {
  if (!world_.inspector.enabled()) return;
  Frames message(frames.begin() + 1, frames.end());
  const Result<Received> received = decode(std::move(message));
  PINION_ASSERT(received.has_value());
  const auto* assign = std::get_if<Assign>(&received->message.body);
  if (assign == nullptr) return;
  const auto& rows = meta_disk_->state.partitions;
  for (const Assignment& assignment : assign->assignments) {
    const PartitionKey key{assignment.topic, assignment.partition};
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [key](const PartitionMeta& p) { return p.key == key; });
    const bool durable = row != rows.end() && row->leader_epoch >= assignment.leader_epoch;
    const bool removed = row == rows.end() && key.topic < meta_disk_->state.counters.topic;
    if (!durable && !removed) {
      world_.checker.violate("told-before-persisted",
                             "epoch " + std::to_string(assignment.leader_epoch.raw()) +
                                 " of topic " + std::to_string(key.topic.raw()));
    }
  }
}

void BrokerProcess::note_events() {
  for (const BrokerEvent& event : effects_.events) {
    const char* const event_name = name_of(event.kind);
    world_.counters.count(std::string("broker event: ") + event_name);
    world_.trace.brief("broker", "%s node=%d topic=%lld/%d %s", event_name, event.node.raw(),
                       static_cast<long long>(event.partition.topic.raw()),
                       event.partition.partition.raw(), event.detail.c_str());
  }
}

}  // namespace pinion::sim
