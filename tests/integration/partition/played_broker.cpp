#include "tests/integration/partition/played_broker.hpp"

#include "common/base/checksum.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <utility>

namespace pinion::test {

namespace {

constexpr Link link{0};

}  // namespace

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

PlayedBroker::PlayedBroker() {
  auto context = ZmqContext::create(1);
  REQUIRE(context);
  ZmqLinkConfig config;
  config.role = ZmqRole::router_bind;
  config.endpoint = "tcp://127.0.0.1:*";
  auto transport = ZmqTransport::open(*context, {config});
  REQUIRE(transport);
  transport_ = std::move(*transport);
  endpoint_ = transport_->bound_endpoint(link);
}

void PlayedBroker::send(Body body, RequestId request, const std::string& path, Header header,
                        Frames records) {
  header.kind = kind_of(body);
  header.request_id = request;
  Frames frames{Bytes(node_)};
  if (!path.empty()) frames.push_back(Bytes(path));
  frames.push_back(Bytes());
  frames.push_back(encode_header(header));
  frames.push_back(encode_body(body));
  for (Bytes& record : records) frames.push_back(std::move(record));
  REQUIRE(transport_->try_send(link, std::move(frames)) == Sent::queued);
}

void PlayedBroker::admit(std::int64_t session, Micros lost_after) {
  session_ = session;
  lost_after_ = lost_after;
  states_.clear();
  if (registration_ != RequestId{0}) answer_registration();
  until([&] { return answered_session_ == session; });
}

void PlayedBroker::answer_registration() {
  RegisterNodeReply reply;
  reply.cluster_id = "c1";
  reply.controller_epoch = ControllerEpoch{1};
  reply.session = session_;
  reply.heartbeat_ms = 50;
  reply.lost_after_ms = static_cast<std::uint32_t>(lost_after_.count() / 1000);
  reply.record_bytes_max = limits::record_bytes_default;
  send(reply, std::exchange(registration_, RequestId{0}));
  answered_session_ = session_;
}

void PlayedBroker::assign(const std::vector<PartitionKey>& keys, std::int64_t epoch) {
  Assign assign;
  assign.controller_epoch = ControllerEpoch{1};
  assign.session = session_;
  const auto flush = [&] {
    if (assign.assignments.empty()) return;
    send(assign, RequestId{0});
    assign.assignments.clear();
  };
  for (const PartitionKey key : keys) {
    Assignment assignment;
    assignment.topic = key.topic;
    assignment.topic_name = "orders-" + std::to_string(key.topic.raw());
    assignment.partition = key.partition;
    assignment.leader_epoch = Epoch{epoch};
    assignment.leader = NodeId{1};
    assignment.replicas = {NodeId{1}};
    assignment.isr = {NodeId{1}};
    assignment.create = true;
    assign.assignments.push_back(assignment);
    if (assign.assignments.size() == limits::assignments_per_message_max) flush();
  }
  flush();
}

void PlayedBroker::tombstone(TopicId topic) {
  send(Assign{ControllerEpoch{1}, session_, 0, {}, {topic}}, RequestId{0});
}

void PlayedBroker::await_online(std::size_t partitions) {
  until([&] {
    std::size_t online = 0;
    for (const auto& [key, state] : states_) online += state == PartitionState::online ? 1U : 0U;
    return online >= partitions;
  });
}

RequestId PlayedBroker::ask(Body body, PartitionKey key, Frames records) {
  const RequestId request{++requests_};
  Header header;
  header.topic = key.topic;
  header.partition = key.partition;
  header.timeout_ms = 20'000;
  send(std::move(body), request, "back " + std::to_string(request.raw()), header,
       std::move(records));
  return request;
}

RequestId PlayedBroker::produce(const Batch& batch, PartitionKey key) {
  return ask(Produce{Acks::all, batch.header}, key, {batch.payload});
}

RequestId PlayedBroker::fetch(std::int64_t offset, std::uint32_t wait_ms, PartitionKey key) {
  Fetch fetch;
  fetch.offset = Offset{offset};
  fetch.bytes_max = 1 << 20;
  fetch.wait_ms = wait_ms;
  return ask(fetch, key);
}

RequestId PlayedBroker::ask_raw(Header header, Bytes body) {
  const RequestId request{++requests_};
  header.request_id = request;
  const std::string path = "back " + std::to_string(request.raw());
  Frames frames{Bytes(node_), Bytes(path), Bytes(), encode_header(header), std::move(body)};
  REQUIRE(transport_->try_send(link, std::move(frames)) == Sent::queued);
  return request;
}

Message PlayedBroker::answer(RequestId request) {
  until([&] { return answered(request); });
  return answers_.at(request);
}

void PlayedBroker::until(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!holds()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    take(20ms, Answering::yes);
  }
}

void PlayedBroker::silently_until(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!holds()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    take(20ms, Answering::no);
  }
}

void PlayedBroker::take(Micros wait, Answering answering) {
  transport_->wait(wait);
  while (auto incoming = transport_->try_receive()) {
    node_ = std::string(incoming->frames.front().view());
    incoming->frames.erase(incoming->frames.begin());
    auto received = decode(std::move(incoming->frames));
    if (!received) FAIL(received.error().to_string());
    const RequestId request = received->message.header.request_id;
    if (!received->path.empty()) {
      REQUIRE(received->path.front().view() == "back " + std::to_string(request.raw()));
      REQUIRE(answers_.count(request) == 0);  // Each request is answered once.
      answers_[request] = std::move(received->message);
      continue;
    }
    on_message(std::move(received->message), answering);
  }
}

void PlayedBroker::on_message(Message message, Answering answering) {
  ++counts_[message.header.kind];
  if (const auto* node = std::get_if<RegisterNode>(&message.body)) {
    node_address_ = node->address;
    registration_ = message.header.request_id;
    if (answering == Answering::yes && session_ != 0) answer_registration();
  } else if (auto* heartbeat = std::get_if<NodeHeartbeat>(&message.body)) {
    last_heartbeat_ = std::move(*heartbeat);
    if (answering == Answering::yes) {
      send(NodeHeartbeatReply{ControllerEpoch{1}, session_}, message.header.request_id);
    }
  } else if (const auto* report = std::get_if<ReplicaReport>(&message.body)) {
    for (const ReplicaState& state : report->replicas) {
      states_[{state.topic, state.partition}] = state.state;
    }
    deleted_.insert(deleted_.end(), report->deleted.begin(), report->deleted.end());
  }
}

std::size_t PlayedBroker::count(Kind kind) const {
  const auto at = counts_.find(kind);
  return at == counts_.end() ? 0 : at->second;
}

PartitionState PlayedBroker::state_of(PartitionKey key) const {
  const auto at = states_.find(key);
  return at == states_.end() ? PartitionState::offline : at->second;
}

}  // namespace pinion::test
