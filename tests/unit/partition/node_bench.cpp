#include "tests/unit/partition/node_bench.hpp"

#include "common/base/checksum.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/topic_rules.hpp"
#include "common/proto/record_batch.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace pinion::partition::test {

Batch batch_of(std::initializer_list<std::string_view> values) {
  std::string payload;
  for (const std::string_view value : values) {
    RecordView record;
    record.timestamp = Micros{1};
    record.value = value;
    append_record(payload, record);
  }
  Batch batch;
  batch.header.record_count = static_cast<std::uint32_t>(values.size());
  batch.header.crc = crc32c(payload);
  batch.payload = Bytes(std::move(payload));
  return batch;
}

Batch big_batch(std::size_t bytes) {
  const std::string value(bytes, 'x');
  return batch_of({value});
}

Batch from_producer(Batch batch, std::int64_t producer, std::int64_t sequence, std::int32_t epoch) {
  batch.header.producer_id = ProducerId{producer};
  batch.header.producer_epoch = ProducerEpoch{epoch};
  batch.header.base_sequence = Sequence{sequence};
  return batch;
}

Batch stored(Batch batch, std::int64_t offset, std::int64_t epoch, std::int64_t append_time) {
  batch.header.base_offset = Offset{offset};
  batch.header.leader_epoch = Epoch{epoch};
  batch.header.append_time = Micros{append_time};
  return batch;
}

RecoveredLog recovered(std::int64_t log_start, std::int64_t log_end, std::int64_t epoch) {
  RecoveredLog log;
  log.log_start = Offset{log_start};
  log.log_end = Offset{log_end};
  log.high_watermark = Offset{log_end};
  log.last_log_time = Micros{1000};
  if (epoch > 0) log.epochs.push_back({Epoch{epoch}, Offset{0}});
  return log;
}

NodeOptions NodeBench::default_options() {
  NodeOptions options;
  options.id = NodeId{1};
  options.life = {"store", Incarnation{3}};
  return options;
}

NodeBench::NodeBench(NodeOptions options) : node(std::move(options)) {}

void NodeBench::step(Input input) {
  Effects out;
  node.step(now, std::move(input), out);
  node.check_invariants();
  for (Send& send : out.sends) {
    if (send.way == Way::peer) {
      to_peers.push_back(std::move(send.message));
      continue;
    }
    if (send.path.empty()) {
      to_controller.push_back(std::move(send.message));
      continue;
    }
    const RequestId id = send.message.header.request_id;
    REQUIRE(send.path.front().view() == "back " + std::to_string(id.raw()));
    REQUIRE(replies_.count(id) == 0);
    replies_[id] = {send.message.header, std::move(send.message.body),
                    std::move(send.message.records)};
  }
  for (ConnectPeer& connect : out.peers) connects.push_back(std::move(connect));
  for (StoreEffect& effect : out.store) store.push_back(std::move(effect));
  for (NodeStoreEffect& effect : out.node_store) node_store.push_back(std::move(effect));
  for (ReadEffect& effect : out.reads) reads.push_back(std::move(effect));
  for (const Ticket ticket : out.queries_given_up) queries_given_up.push_back(ticket);
  for (Event& event : out.events) events.push_back(std::move(event));
  if (out.reset_link) ++link_resets;
}

void NodeBench::pass(Micros time) {
  now.monotonic += time;
  now.wall += time;
  step(Tick{});
}

void NodeBench::from_broker(Body body, RequestId request, Errc error) {
  FromBroker in;
  in.message.header.kind = kind_of(body);
  in.message.header.request_id = request;
  in.message.header.error = error;
  in.message.body = std::move(body);
  step(std::move(in));
}

RequestId NodeBench::ask(Body body, AskOptions options, Frames records) {
  FromBroker in;
  const RequestId id{++requests_};
  in.path = {Bytes("back " + std::to_string(id.raw()))};
  Header& header = in.message.header;
  header.kind = kind_of(body);
  header.any_replica = options.any_replica;
  header.request_id = id;
  header.topic = options.key.topic;
  header.partition = options.key.partition;
  header.leader_epoch = options.epoch;
  header.timeout_ms = options.timeout_ms;
  in.message.body = std::move(body);
  in.message.records = std::move(records);
  step(std::move(in));
  return id;
}

RequestId NodeBench::produce(const Batch& batch, Acks acks, AskOptions options) {
  return ask(Produce{acks, batch.header}, options, {batch.payload});
}

RequestId NodeBench::fetch(std::int64_t offset, std::uint32_t wait_ms, std::uint32_t bytes_max) {
  Fetch fetch;
  fetch.offset = Offset{offset};
  fetch.wait_ms = wait_ms;
  fetch.bytes_max = bytes_max;
  return ask(fetch);
}

RequestId NodeBench::commit(std::string reader, std::int64_t offset) {
  return ask(CommitPosition{std::move(reader), Offset{offset}, Epoch{1}});
}

RequestId NodeBench::dequeue(std::string reader, std::string token, AskOptions options) {
  return ask(Dequeue{std::move(reader), std::move(token)}, options);
}

void NodeBench::join() {
  pass(Micros{0});
  answer_registration();
  save_membership();
}

void NodeBench::answer_registration(std::int64_t new_session, std::int64_t controller_epoch,
                                    std::string cluster, std::int64_t controller_start) {
  RequestId request{0};
  for (const Message& message : to_controller) {
    if (message.header.kind == Kind::register_node) request = message.header.request_id;
  }
  session = new_session;
  RegisterNodeReply reply;
  reply.cluster_id = std::move(cluster);
  reply.controller_epoch = ControllerEpoch{controller_epoch};
  reply.controller_start = controller_start;
  reply.session = session;
  reply.heartbeat_ms = 500;
  reply.lost_after_ms = 1500;
  reply.record_bytes_max = 64 * limits::mib;
  from_broker(reply, request);
}

void NodeBench::save_membership() {
  REQUIRE_FALSE(node_store.empty());
  const auto save = std::get<SaveMembership>(node_store.front());
  node_store.pop_front();
  step(MembershipSaved{save.ticket, {}});
}

void NodeBench::assign(std::initializer_list<PartitionKey> keys, std::int64_t epoch,
                       TopicConfig config) {
  Assign assign;
  assign.controller_epoch = node.view().controller_epoch;
  assign.session = session;
  for (const PartitionKey key : keys) {
    Assignment assignment;
    assignment.topic = key.topic;
    assignment.topic_name = "orders";
    assignment.partition = key.partition;
    assignment.leader_epoch = Epoch{epoch};
    assignment.leader = NodeId{1};
    assignment.config = config;
    assignment.create = true;
    assign.assignments.push_back(assignment);
  }
  from_broker(assign);
}

void NodeBench::assign_replicas(const Replicas& replicas, PartitionKey key) {
  Assign assign;
  assign.controller_epoch = node.view().controller_epoch;
  assign.session = session;
  Assignment assignment;
  assignment.topic = key.topic;
  assignment.topic_name = "orders";
  assignment.partition = key.partition;
  assignment.leader_epoch = Epoch{replicas.epoch};
  assignment.leader = NodeId{replicas.leader};
  assignment.config = replicas.config;
  for (const std::int32_t id : replicas.replicas) {
    assignment.replicas.emplace_back(id);
    if (id == 1) continue;
    assign.peers.push_back({NodeId{id}, Incarnation{1}, 1, "tcp://node-" + std::to_string(id)});
  }
  for (const std::int32_t id : replicas.isr) assignment.isr.emplace_back(id);
  assignment.partition_version = replicas.version;
  assignment.create = replicas.create;
  assignment.min_insync =
      static_cast<std::uint32_t>(min_insync_of(replicas.config, replicas.replicas.size()));
  assign.assignments.push_back(assignment);
  from_broker(assign);
}

void NodeBench::replicate(const Replicas& replicas, RecoveredLog log) {
  if (node.view().link != LinkState::registered) join();
  assign_replicas(replicas);
  open(orders, std::move(log));
  pass(Micros{0});
}

RequestId NodeBench::replica_fetch(const Fetching& fetching) {
  FromPeer in;
  const RequestId id{++requests_};
  in.path = {Bytes("back " + std::to_string(id.raw()))};
  Header& header = in.message.header;
  header.kind = Kind::replica_fetch;
  header.request_id = id;
  header.topic = orders.topic;
  header.partition = orders.partition;
  header.leader_epoch = Epoch{fetching.epoch};
  header.timeout_ms = 1500;
  ReplicaFetch fetch;
  fetch.node = NodeId{fetching.node};
  fetch.incarnation = Incarnation{1};
  fetch.session = fetching.session;
  fetch.copy = fetching.copy;
  fetch.offset = Offset{fetching.offset};
  fetch.last_epoch = Epoch{fetching.last_epoch};
  fetch.durable_end = Offset{fetching.durable_end < 0 ? fetching.offset : fetching.durable_end};
  fetch.position_version = PositionVersion{fetching.position_version};
  fetch.durable_position_version = fetch.position_version;
  fetch.bytes_max = 1'000'000;
  fetch.wait_ms = fetching.wait_ms;
  in.message.body = fetch;
  step(std::move(in));
  return id;
}

void NodeBench::progress(std::int32_t from, std::int64_t durable_end, std::int64_t position_version,
                         std::int64_t epoch, std::int64_t from_session, std::int64_t copy) {
  FromPeer in;
  in.path = {Bytes("back 0")};
  in.message.header.kind = Kind::replica_progress;
  in.message.header.topic = orders.topic;
  in.message.header.partition = orders.partition;
  in.message.header.leader_epoch = Epoch{epoch};
  in.message.body = ReplicaProgress{NodeId{from}, from_session, copy, Offset{durable_end},
                                    PositionVersion{position_version}};
  step(std::move(in));
}

Message NodeBench::last_fetch() const {
  for (auto at = to_peers.rbegin(); at != to_peers.rend(); ++at) {
    if (at->header.kind == Kind::replica_fetch) return *at;
  }
  FAIL("no fetch was sent");
  return {};
}

std::size_t NodeBench::fetches() const {
  return static_cast<std::size_t>(std::count_if(
      to_peers.begin(), to_peers.end(),
      [](const Message& message) { return message.header.kind == Kind::replica_fetch; }));
}

void NodeBench::answer_fetch(ReplicaFetchReply reply, Frames records, Errc error,
                             std::int32_t from) {
  const Message fetch = last_fetch();
  FromPeer in;
  in.peer = NodeId{from};
  if (error == Errc::ok) {
    in.message = make_reply(fetch.header, std::move(reply));
    in.message.records = std::move(records);
  } else {
    in.message = make_error_reply(fetch.header, fail(error, "as the test wants it"));
  }
  step(std::move(in));
}

void NodeBench::answer_fetch_with(const std::vector<Batch>& batches, std::int64_t high_watermark) {
  ReplicaFetchReply reply;
  Frames records;
  for (const Batch& batch : batches) {
    reply.batches.push_back(batch.header);
    records.push_back(batch.payload);
    reply.log_end = batch.header.next_offset();
  }
  reply.log_end = std::max(reply.log_end, Offset{high_watermark});
  reply.high_watermark = Offset{high_watermark};
  reply.all_positions =
      std::get<ReplicaFetch>(last_fetch().body).position_version < PositionVersion{0};
  answer_fetch(std::move(reply), std::move(records));
}

std::optional<ProposedIsr> NodeBench::proposed() const {
  const auto all = told<IsrProposal>();
  if (all.empty()) return std::nullopt;
  return all.back().proposals.back();
}

void NodeBench::open(PartitionKey key, RecoveredLog log) {
  const auto at = std::find_if(store.begin(), store.end(), [&](const StoreEffect& effect) {
    return effect.key == key && std::holds_alternative<OpenLog>(effect.op);
  });
  REQUIRE(at != store.end());
  const Ticket ticket = std::get<OpenLog>(at->op).ticket;
  store.erase(at);
  step(Opened{key, ticket, std::move(log), "orders-0.db"});
}

void NodeBench::lead(PartitionKey key, RecoveredLog log) {
  if (node.view().link != LinkState::registered) join();
  assign({key});
  open(key, std::move(log));
  pass(Micros{0});
}

std::vector<Persist> NodeBench::waiting(PartitionKey key) const {
  std::vector<Persist> found;
  for (const StoreEffect& effect : store) {
    if (effect.key != key) continue;
    if (const auto* persist = std::get_if<PersistLog>(&effect.op)) {
      found.push_back(persist->persist);
    }
  }
  return found;
}

std::size_t NodeBench::appends_waiting(PartitionKey key) const {
  std::size_t count = 0;
  for (const Persist& persist : waiting(key)) {
    if (std::holds_alternative<AppendBatch>(persist.op)) ++count;
  }
  return count;
}

void NodeBench::persist(PartitionKey key) {
  const std::vector<Persist> group = waiting(key);
  REQUIRE_FALSE(group.empty());
  const auto is_done = [&](const StoreEffect& effect) {
    return effect.key == key && std::holds_alternative<PersistLog>(effect.op);
  };
  store.erase(std::remove_if(store.begin(), store.end(), is_done), store.end());
  step(Persisted{key, group.back().ticket});
}

void NodeBench::persist_one(PartitionKey key) {
  const auto at = std::find_if(store.begin(), store.end(), [&](const StoreEffect& effect) {
    return effect.key == key && std::holds_alternative<PersistLog>(effect.op);
  });
  REQUIRE(at != store.end());
  const Ticket ticket = std::get<PersistLog>(at->op).persist.ticket;
  store.erase(at);
  step(Persisted{key, ticket});
}

void NodeBench::fail_persists(Errc why, PartitionKey key) {
  const std::vector<Persist> group = waiting(key);
  REQUIRE_FALSE(group.empty());
  const auto is_done = [&](const StoreEffect& effect) {
    return effect.key == key && std::holds_alternative<PersistLog>(effect.op);
  };
  store.erase(std::remove_if(store.begin(), store.end(), is_done), store.end());
  step(PersistFailed{key, group.front().ticket, fail(why, "as the test wants it")});
}

void NodeBench::answer_read(std::vector<Batch> batches) {
  REQUIRE_FALSE(reads.empty());
  const ReadEffect read = std::move(reads.front());
  reads.pop_front();
  step(RecordsRead{read.key, read.ticket, std::move(batches)});
}

void NodeBench::fail_read(Errc why) {
  REQUIRE_FALSE(reads.empty());
  const ReadEffect read = std::move(reads.front());
  reads.pop_front();
  step(RecordsRead{read.key, read.ticket, failure(why, "as the test wants it")});
}

void NodeBench::close(PartitionKey key) {
  const auto at = std::find_if(store.begin(), store.end(), [&](const StoreEffect& effect) {
    return effect.key == key && std::holds_alternative<CloseLog>(effect.op);
  });
  REQUIRE(at != store.end());
  const Ticket ticket = std::get<CloseLog>(at->op).ticket;
  store.erase(at);
  step(Closed{key, ticket});
}

const Reply& NodeBench::reply(RequestId request) const {
  REQUIRE(answered(request));
  return replies_.at(request);
}

bool NodeBench::happened(EventKind kind) const {
  return std::any_of(events.begin(), events.end(),
                     [kind](const Event& event) { return event.kind == kind; });
}

}  // namespace pinion::partition::test
