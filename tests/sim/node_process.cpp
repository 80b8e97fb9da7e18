#include "tests/sim/node_process.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/codec.hpp"
#include "tests/sim/event_names.hpp"

#include <algorithm>

namespace pinion::sim {

using partition::Effects;
using partition::Input;

namespace {

/// One request of one client: the answer carries the same path and number.
std::string request_key(const ReturnPath& path, const Header& header) {
  std::string key = std::to_string(header.request_id.raw());
  for (const Bytes& frame : path) key.append("/").append(frame.view());
  return key;
}

}  // namespace

NodeProcess::NodeProcess(World& world, std::int32_t id, std::unique_ptr<Disk> disk,
                         std::uint64_t seed)
    : Process(world, "node-" + std::to_string(id), seed), id_(id), disk_(std::move(disk)) {}

void NodeProcess::on_start() {
  stopping_ = false;
  if (const Result<void> begun = begin_life(); !begun) {
    // As a supervisor would: try again until the disk is in order.
    world_.counters.count("node: cannot start, " + std::string(name_of(begun.error().code)));
    world_.trace.brief(name().c_str(), "cannot start: %s", begun.error().to_string().c_str());
    store_.reset();
    disk_->kill();
    plan(100ms, [this] { on_start(); });
  }
}

Result<void> NodeProcess::begin_life() {
  PINION_TRY(store, disk_->open_store());
  store_ = std::move(store);
  PINION_TRY(life, store_->begin_life(std::exchange(restored_, Restored::no)));
  PINION_TRY(membership, store_->membership());
  incarnation_ = life.incarnation;
  partition::NodeOptions options;
  options.id = id_;
  options.life = life;
  options.membership = membership;
  options.address = name();
  options.server_version = "sim";
  options.low_space_bytes = world_.options.low_space_bytes;
  options.tail_bytes = world_.options.tail_bytes;
  options.seed = prng_.next();
  core_.emplace(options);
  listen(node_end(id_.raw()));
  listen(data_end(id_.raw()));
  step(partition::DiskChanged{store_->disk_space()});
  step(partition::Tick{});
  after_steps();
  plan(100ms, [this] { measure(); });
  return {};
}

void NodeProcess::on_death(Death death) {
  world_.network.detach(node_end(id_.raw()));
  world_.network.detach(data_end(id_.raw()));
  for (const auto& [peer, is_connected] : connected_) {
    world_.network.detach(peer_end(id_.raw(), peer.raw()));
  }
  connected_.clear();
  data_peers_.clear();
  if (death == Death::power_cut) disk_->lose_power_soon(prng_);
  for (auto& [key, log] : logs_) {
    // What was handed to the disk and not answered may have happened.
    if (log.committing.empty() || log.broken || !prng_.chance(1, 2)) continue;
    if (log.log->apply(log.committing)) world_.inspector.on_commit(key, log.committing);
  }
  core_.reset();
  logs_.clear();
  store_.reset();
  effects_.clear();
  requests_.clear();
  refused_ = 0;
  tick_at_ = never;
  if (death == Death::kill) {
    disk_->kill();
  } else {
    disk_->power_cut(prng_);
  }
}

void NodeProcess::stop() {
  if (!core_) return;
  world_.counters.count("fault: clean stop of a node");
  world_.trace.brief(name().c_str(), "is asked to stop");
  stopping_ = true;
  step(partition::Stop{});
  after_steps();
}

bool NodeProcess::has_halted() const {
  if (!core_) return false;
  for (const PartitionKey key : core_->partitions()) {
    const auto view = core_->replica(key);
    if (view && view->role == partition::RoleName::halted) return true;
  }
  return false;
}

// ---- Messages

std::optional<Input> NodeProcess::read_message(Arrival arrival) {
  Frames& frames = arrival.frames;
  const bool from_broker = arrival.end == node_end(id_.raw());
  const bool at_data = arrival.end == data_end(id_.raw());
  Result<SplitMessage> parts = split(std::move(frames));
  const Result<Header> header =
      parts ? decode_header(parts->header.view()) : failure(parts.error());
  if (!header) {
    world_.counters.count("node: malformed");
    ++refused_;
    return std::nullopt;
  }
  Result<Message> message = decode_message(*parts);
  if (!message) {
    world_.counters.count("node: invalid");
    return partition::Malformed{std::move(parts->path), *header, message.error(),
                                from_broker ? partition::Way::broker : partition::Way::data};
  }
  if (at_data) {
    Network::Peer& known = data_peers_[std::string(parts->path.front().view())];
    // A routing id belongs to its newest connection; an older one's bytes may come after it.
    if (known.actor != arrival.from.actor || known.generation < arrival.from.generation) {
      known = arrival.from;
    }
    return partition::FromPeer{node_none, std::move(parts->path), *std::move(message)};
  }
  if (!from_broker) {
    const NodeId peer(arrival.end - peer_end(id_.raw(), 0));
    return partition::FromPeer{peer, {}, *std::move(message)};
  }
  return partition::FromBroker{std::move(parts->path), *std::move(message)};
}

void NodeProcess::on_arrivals(std::vector<Arrival> arrivals) {
  for (Arrival& arrival : arrivals) {
    std::optional<Input> input = read_message(std::move(arrival));
    if (!input) continue;
    const auto* request = std::get_if<partition::FromBroker>(&*input);
    if (request != nullptr) note_received(request->message);
    if (request != nullptr && !request->path.empty() && world_.inspector.enabled()) {
      requests_[request_key(request->path, request->message.header)] = request->message;
    }
    step(std::move(*input));
    // A driver may carry out after each step or after a batch of them.
    if (prng_.chance(1, 4)) carry_out();
  }
  step(partition::Tick{});
  after_steps();
}

void NodeProcess::note_received(const Message& message) {
  const auto key = static_cast<long long>(message.header.topic.raw());
  const int partition = message.header.partition.raw();
  if (const auto* produce = std::get_if<Produce>(&message.body)) {
    const BatchHeader& batch = produce->batch;
    world_.trace.full(name().c_str(), "takes kind 51 #%llu %lld/%d: producer %lld epoch %d from %d",
                      static_cast<unsigned long long>(message.header.request_id.raw()), key,
                      partition, static_cast<long long>(batch.producer_id.raw()),
                      static_cast<int>(batch.producer_epoch.raw()),
                      static_cast<int>(batch.base_sequence.raw()));
    return;
  }
  world_.trace.full(
      name().c_str(), "takes kind %d #%llu %lld/%d", static_cast<int>(message.header.kind),
      static_cast<unsigned long long>(message.header.request_id.raw()), key, partition);
}

namespace {

/// Whose high watermark an input may move.
std::optional<PartitionKey> subject_of(const Input& input) {
  if (const auto* persisted = std::get_if<partition::Persisted>(&input)) return persisted->key;
  const Message* message = nullptr;
  if (const auto* peer = std::get_if<partition::FromPeer>(&input)) message = &peer->message;
  if (message == nullptr) return std::nullopt;
  return PartitionKey{message->header.topic, message->header.partition};
}

std::optional<Header> asked_by_follower(const Input& input) {
  const auto* peer = std::get_if<partition::FromPeer>(&input);
  if (peer == nullptr || peer->message.header.kind != Kind::replica_fetch) return std::nullopt;
  return peer->message.header;
}

/// Whose in-sync set an input may change.
std::vector<PartitionKey> assigned_by(const Input& input) {
  std::vector<PartitionKey> keys;
  const auto* message = std::get_if<partition::FromBroker>(&input);
  if (message == nullptr) return keys;
  const auto* assign = std::get_if<Assign>(&message->message.body);
  if (assign == nullptr) return keys;
  for (const Assignment& one : assign->assignments) keys.push_back({one.topic, one.partition});
  return keys;
}

}  // namespace

/// Before a change of the set and after it, so that what is committed by it is seen.
void NodeProcess::inspect_leading(const std::vector<PartitionKey>& keys) {
  for (const PartitionKey key : keys) {
    if (const auto replica = core_->replica(key)) world_.inspector.on_view(id_, *replica);
  }
}

void NodeProcess::step(Input input) {
  if (!world_.inspector.enabled()) return core_->step(now(), std::move(input), effects_);
  const std::optional<PartitionKey> subject = subject_of(input);
  const std::vector<PartitionKey> assigned = assigned_by(input);
  const std::optional<Header> asked = asked_by_follower(input);
  const std::size_t sent_before = effects_.sends.size();
  inspect_leading(assigned);
  core_->step(now(), std::move(input), effects_);
  core_->check_invariants();
  inspect_leading(assigned);
  for (std::size_t i = sent_before; asked && i < effects_.sends.size(); ++i) {
    world_.inspector.on_answer_to_follower(id_, *asked, effects_.sends[i].message);
  }
  if (subject && !world_.checker.loss_allowed()) compare_logs(*subject);
}

/// With the other replicas of it, as far as this one knows it to be committed.
void NodeProcess::compare_logs(PartitionKey key) {
  const auto log = logs_.find(key);
  if (log == logs_.end() || log->second.log == nullptr) return;
  // A view is not cheap: only while something durable has not been compared yet.
  const std::optional<Offset> durable = disk_->fsynced_end(key);
  if (durable && *durable <= world_.log_hashes.compared(id_, key)) return;
  const std::optional<partition::ReplicaView> replica = core_->replica(key);
  if (!replica) return;
  world_.inspector.on_view(id_, *replica);
  world_.log_hashes.on_high_watermark(
      id_, key, replica->high_watermark, [&](Offset from, Offset end) -> std::vector<BatchHeader> {
        if (durable) return disk_->written_headers(key, from, end);
        std::vector<BatchHeader> headers;
        const auto batches = log->second.reader->read(std::max(from, replica->log_start), end,
                                                      limits::batch_bytes_default);
        if (!batches) return headers;
        for (const Batch& batch : *batches) headers.push_back(batch.header);
        return headers;
      });
}

void NodeProcess::tell(Input input) {
  plan(Micros(prng_.between(1, 60)), [this, input = std::move(input)] {
    step(input);
    if (prng_.chance(1, 2)) step(partition::Tick{});
    after_steps();
  });
}

void NodeProcess::tell_in_order(PartitionKey key, Input input) {
  Log& log = logs_[key];
  const Micros at = world_.scheduler.now();
  log.told_at = std::max(at + Micros(prng_.between(1, 60)), log.told_at);
  plan(log.told_at - at, [this, input = std::move(input)] {
    step(input);
    if (prng_.chance(1, 2)) step(partition::Tick{});
    after_steps();
  });
}

void NodeProcess::after_steps() {
  carry_out();
  if (core_->stopped()) {
    // The process ends; what it sent may arrive.
    world_.network.detach(node_end(id_.raw()));
    world_.network.detach(data_end(id_.raw()));
    for (const auto& [peer, is_connected] : connected_) {
      world_.network.detach(peer_end(id_.raw(), peer.raw()));
    }
    connected_.clear();
    data_peers_.clear();
    core_.reset();
    logs_.clear();
    store_.reset();
    requests_.clear();
    tick_at_ = never;
    disk_->kill();
    end_life();
    return;
  }
  plan_tick();
}

/// In any order, but for each partition's store effects, and the reset before the sends.
void NodeProcess::carry_out() {
  note_events();
  Effects effects;
  std::swap(effects, effects_);
  if (effects.reset_link) {
    world_.counters.count("node: fresh socket");
    world_.network.reset(node_end(id_.raw()));
  }
  for (const auto& peer : effects.peers) connect(peer);
  std::vector<int> order{0, 1, 2, 3};
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[prng_.below(i)]);
  for (const int turn : order) {
    if (turn == 0) {
      for (std::size_t i = effects.sends.size(); i > 1; --i) {
        if (prng_.chance(1, 4)) std::swap(effects.sends[i - 1], effects.sends[prng_.below(i)]);
      }
      for (partition::Send& message : effects.sends) send(std::move(message));
    } else if (turn == 1) {
      for (auto& effect : effects.store) begin_store_effect(std::move(effect));
    } else if (turn == 2) {
      for (auto& effect : effects.node_store) begin_node_store_effect(std::move(effect));
    } else {
      for (auto& effect : effects.reads) begin_read(std::move(effect));
    }
  }
}

/// A fresh DEALER, in the place of any other one.
void NodeProcess::connect(const partition::ConnectPeer& connect) {
  world_.counters.count("node: connects to a peer");
  const ActorId end = peer_end(id_.raw(), connect.peer.raw());
  if (connected_[connect.peer]) world_.network.reset(end);
  connected_[connect.peer] = true;
  listen(end);
}

void NodeProcess::send(partition::Send send) {
  inspect(send);
  Frames frames = encode(send.message);
  frames.insert(frames.begin(), Bytes());
  if (send.message.header.error != Errc::ok && send.way != partition::Way::broker) {
    world_.counters.count("replica answers: " + std::string(name_of(send.message.header.error)));
  }
  if (send.way == partition::Way::peer) {
    const Bytes routing("n" + std::to_string(id_.raw()) + "." + std::to_string(incarnation_.raw()));
    frames.insert(frames.begin(), routing);
    world_.network.send(peer_end(id_.raw(), send.peer.raw()), data_end(send.peer.raw()),
                        std::move(frames), "to a peer");
    return;
  }
  if (send.way == partition::Way::data) {
    const auto peer = data_peers_.find(std::string(send.path.front().view()));
    if (peer == data_peers_.end() || !world_.network.connected(peer->second)) return;
    world_.network.send(data_end(id_.raw()), peer->second.actor, std::move(frames),
                        "to a follower");
    return;
  }
  frames.insert(frames.begin(), send.path.begin(), send.path.end());
  // The broker's ROUTER puts our routing id in front.
  frames.insert(frames.begin(), Bytes("n" + std::to_string(id_.raw())));
  if (send.message.header.error != Errc::ok) {
    world_.counters.count("node answers: " + std::string(name_of(send.message.header.error)));
  }
  world_.trace.full(name().c_str(), "sends kind %d #%llu %s",
                    static_cast<int>(send.message.header.kind),
                    static_cast<unsigned long long>(send.message.header.request_id.raw()),
                    name_of(send.message.header.error).data());
  world_.network.send(node_end(id_.raw()), broker_cluster_end, std::move(frames), "to broker");
}

void NodeProcess::inspect(const partition::Send& send) {
  if (const auto* heartbeat = std::get_if<NodeHeartbeat>(&send.message.body)) {
    world_.inspector.on_status(heartbeat->partitions);
  }
  if (send.path.empty() || send.way != partition::Way::broker) return;
  if (!world_.inspector.enabled()) return;
  const std::string key = request_key(send.path, send.message.header);
  const auto request = requests_.find(key);
  if (request == requests_.end()) return;  // A duplicate's answer, its original answered already.
  world_.inspector.on_answer(id_, incarnation_, *disk_, request->second, send.message);
}

void NodeProcess::plan_tick() {
  const Now at = now();
  const Micros wanted = core_->next_deadline();
  if (wanted >= never || wanted >= tick_at_) return;
  tick_at_ = wanted;
  plan(std::max(Micros(0), wanted - at.monotonic) + Micros(prng_.between(0, 500)), [this, wanted] {
    if (tick_at_ != wanted) return;
    tick_at_ = never;
    step(partition::Tick{});
    after_steps();
  });
}

void NodeProcess::measure() {
  partition::LoadMeasured load;
  load.refused = refused_;
  step(partition::DiskChanged{store_->disk_space()});
  step(std::move(load));
  for (auto& [key, log] : logs_) {
    if (log.log && !log.broken) step(partition::SizesMeasured{key, log.log->sizes()});
  }
  maintain();
  // Requests whose answers the inspector has not seen for long are of no more use.
  if (requests_.size() > 5'000) requests_.clear();
  plan(Micros(prng_.between(500'000, 1'500'000)), [this] { measure(); });
  after_steps();
}

void NodeProcess::note_events() {
  for (const partition::Event& event : effects_.events) {
    const char* const event_name = name_of(event.kind);
    world_.counters.count(std::string("node event: ") + event_name);
    const PartitionKey key = event.key.value_or(PartitionKey{});
    world_.trace.brief(name().c_str(), "%s topic=%lld/%d %s", event_name,
                       static_cast<long long>(key.topic.raw()), key.partition.raw(),
                       event.detail.c_str());
  }
  effects_.events.clear();
}

}  // namespace pinion::sim
