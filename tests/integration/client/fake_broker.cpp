#include "tests/integration/client/fake_broker.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <future>

namespace pinion {
namespace {

constexpr Link clients_link{0};

Micros monotonic() {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

FakeBroker::FakeBroker() : endpoint_("tcp://127.0.0.1:*") { start(); }
FakeBroker::~FakeBroker() { stop(); }

void FakeBroker::start() {
  stopping_ = false;
  std::promise<bool> opened;
  auto done = opened.get_future();
  thread_ = std::thread([this, opened = std::move(opened)]() mutable {
    auto context = ZmqContext::create(1);
    ZmqLinkConfig link;
    link.role = ZmqRole::router_bind;
    link.endpoint = endpoint_;
    link.linger = Micros(0);
    auto transport = ZmqTransport::open(std::move(*context), {link});
    if (!transport) {
      opened.set_value(false);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      transport_ = std::move(*transport);
      endpoint_ = transport_->bound_endpoint(clients_link);
      clients_.clear();
      for (auto& [key, log] : logs_) log.waiting.clear();
    }
    opened.set_value(true);
    run();
    const std::lock_guard lock(mutex_);
    transport_.reset();
  });
  REQUIRE(done.get());
}

void FakeBroker::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    if (transport_) transport_->wake();
  }
  thread_.join();
}

void FakeBroker::add_topic(const std::string& name, std::int32_t partitions) {
  const std::lock_guard lock(mutex_);
  TopicMetadata topic;
  topic.id = TopicId(++last_topic_);
  topic.name = name;
  topic.config.partitions = partitions;
  for (std::int32_t i = 0; i < partitions; ++i) {
    PartitionMetadata partition;
    partition.partition = PartitionIndex(i);
    partition.leader = NodeId(1);
    partition.leader_epoch = Epoch(1);
    partition.state = PartitionState::online;
    topic.partitions.push_back(partition);
    logs_[{topic.id, PartitionIndex(i)}];
  }
  topics_[name] = topic;
  ++metadata_version_;  // Clients see it in the next pong.
}

void FakeBroker::remove_topic(const std::string& name) {
  const std::lock_guard lock(mutex_);
  topics_.erase(name);
  ++metadata_version_;
}

void FakeBroker::set(const std::function<void(Faults&)>& change) {
  const std::lock_guard lock(mutex_);
  change(faults_);
  if (transport_) transport_->wake();
}

const FakeBroker::Log* FakeBroker::find(const std::string& topic, std::int32_t partition) const {
  const auto found = topics_.find(topic);
  REQUIRE(found != topics_.end());
  return &logs_.at({found->second.id, PartitionIndex(partition)});
}

std::vector<std::string> FakeBroker::values(const std::string& topic,
                                            std::int32_t partition) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> values;
  for (const Batch& batch : find(topic, partition)->batches) {
    BatchReader reader(batch.payload.view());
    RecordView record;
    while (reader.next(record)) values.emplace_back(record.value);
  }
  return values;
}

std::size_t FakeBroker::batches(const std::string& topic, std::int32_t partition) const {
  const std::lock_guard lock(mutex_);
  return find(topic, partition)->batches.size();
}

Offset FakeBroker::position(const std::string& topic, const std::string& reader,
                            std::int32_t partition) const {
  const std::lock_guard lock(mutex_);
  const Log* log = find(topic, partition);
  const auto found = log->positions.find(reader);
  return found == log->positions.end() ? offset_unassigned : found->second;
}

// ---- The serving thread

void FakeBroker::run() {
  while (!stopping_) {
    transport_->wait(5ms);
    const std::lock_guard lock(mutex_);
    if (faults_.hold) continue;
    while (auto incoming = transport_->try_receive()) serve(std::move(incoming->frames));
    const Micros now = monotonic();
    for (auto& [key, log] : logs_) {
      std::vector<WaitingFetch> still;
      for (WaitingFetch& waiting : log.waiting) {
        if (log.end > waiting.fetch.offset || now >= waiting.until) {
          static_cast<void>(answer_fetch(waiting, log));
        } else {
          still.push_back(std::move(waiting));
        }
      }
      log.waiting = std::move(still);
    }
  }
}

void FakeBroker::serve(Frames frames) {
  auto received = decode(std::move(frames));
  if (!received) return;
  const Frames& path = received->path;
  const Message& message = received->message;
  if (faults_.deaf) {
    if (message.header.kind == Kind::produce) ++unheard_;
    return;
  }
  const std::string client(path.front().view());
  if (message.header.kind == Kind::hello) {
    ++hellos_;
    if (const Errc why = faults_.refuse_hello; why != Errc::ok) {
      refuse(path, message.header, why);
      return;
    }
    clients_[client] = true;
    HelloReply reply;
    reply.cluster_id = "fake";
    reply.controller_epoch = ControllerEpoch(1);
    reply.record_bytes_max = limits::record_bytes_default;
    reply.inflight_bytes_max = 64 * limits::mib;
    reply.inflight_requests_max = 1000;
    reply.heartbeat_ms = 100;
    answer(path, message.header, reply);
    return;
  }
  if (!clients_[client]) {
    Message again;
    again.header.kind = Kind::say_hello;
    again.body = SayHello{ControllerEpoch(1)};
    send(path, again);
    return;
  }
  serve_known(path, message);
}

void FakeBroker::serve_known(const Frames& path, const Message& message) {
  const Header& header = message.header;
  if (std::holds_alternative<Ping>(message.body)) {
    answer(path, header, Pong{ControllerEpoch(1), metadata_version_});
  } else if (const auto* request = std::get_if<MetadataRequest>(&message.body)) {
    answer(path, header, metadata(*request));
  } else if (const auto* ids = std::get_if<AllocateProducerIds>(&message.body)) {
    answer(path, header, AllocateProducerIdsReply{ProducerId(++last_producer_), ids->count});
  }
  if (!is_routed_request(header.kind)) return;
  const auto at = logs_.find({header.topic, header.partition});
  if (at == logs_.end()) {
    refuse(path, header, Errc::unknown_topic);
    return;
  }
  Log& log = at->second;
  if (header.kind == Kind::produce) {
    on_produce(path, message, log);
  } else if (const auto* fetch = std::get_if<Fetch>(&message.body)) {
    if (fetch->offset > log.end) {
      refuse(path, header, Errc::offset_out_of_range);
      return;
    }
    log.waiting.push_back(
        {path, header, *fetch, monotonic() + Micros(std::int64_t{fetch->wait_ms} * 1000)});
  } else if (const auto* offset = std::get_if<ListOffset>(&message.body)) {
    answer(path, header,
           ListOffsetReply{offset->spec == OffsetSpec::earliest ? Offset(0) : log.end, Epoch(1)});
  } else if (const auto* commit = std::get_if<CommitPosition>(&message.body)) {
    log.positions[commit->reader] = commit->offset;
    answer(path, header, CommitPositionReply{PositionVersion(1)});
  } else if (const auto* position = std::get_if<FetchPosition>(&message.body)) {
    const auto found = log.positions.find(position->reader);
    const Offset next = found == log.positions.end() ? offset_unassigned : found->second;
    answer(path, header, FetchPositionReply{next, Epoch(1), log.end, Offset(0)});
  } else if (header.kind == Kind::dequeue) {
    on_dequeue(path, message, log);
  } else if (std::holds_alternative<Query>(message.body)) {
    answer(path, header,
           QueryReply{{"partition"}, {{std::int64_t{header.partition.raw()}}}, false});
  }
}

void FakeBroker::on_produce(const Frames& path, const Message& message, Log& log) {
  if (faults_.drop_requests > 0) {
    --faults_.drop_requests;
    return;
  }
  if (faults_.refuse_produce != Errc::ok) {
    refuse(path, message.header, faults_.refuse_produce);
    return;
  }
  BatchHeader batch = std::get<Produce>(message.body).batch;
  Producer& producer = log.producers[batch.producer_id];
  const bool idempotent = batch.producer_id != producer_none;
  if (idempotent) {
    if (batch.producer_epoch > producer.epoch) producer = {batch.producer_epoch, Sequence{0}, {}};
    const auto known = producer.last.find(batch.base_sequence);
    if (batch.producer_epoch < producer.epoch) {
      refuse(path, message.header, Errc::fenced_producer);
      return;
    }
    if (known != producer.last.end()) {
      answer(path, message.header,
             ProduceReply{known->second.base_offset, known->second.append_time, Offset(0)});
      return;
    }
    if (batch.base_sequence != producer.next) {
      refuse(path, message.header, Errc::out_of_order_sequence);
      return;
    }
  }
  batch.base_offset = log.end;
  batch.leader_epoch = Epoch(1);
  batch.append_time = Micros(1'000'000 + log.end.raw());
  producer.next = batch.next_sequence();
  producer.last[batch.base_sequence] = batch;
  log.batches.push_back({batch, message.records.front()});
  log.end = batch.next_offset();
  if (faults_.drop_answers > 0) {
    --faults_.drop_answers;
    return;
  }
  answer(path, message.header, ProduceReply{batch.base_offset, batch.append_time, Offset(0)});
}

bool FakeBroker::answer_fetch(const WaitingFetch& waiting, const Log& log) {
  FetchReply reply;
  Frames records;
  reply.high_watermark = log.end;
  std::size_t bytes = 0;
  for (const Batch& batch : log.batches) {
    if (batch.header.next_offset() <= waiting.fetch.offset) continue;
    if (!reply.batches.empty() && (bytes + batch.payload.size() > waiting.fetch.bytes_max ||
                                   records.size() == limits::records_frames_max)) {
      break;
    }
    bytes += batch.payload.size();
    reply.batches.push_back(batch.header);
    records.push_back(batch.payload);
  }
  if (faults_.corrupt_fetches > 0 && !records.empty()) {
    --faults_.corrupt_fetches;
    std::string damaged(records.front().view());
    damaged.back() ^= 1;
    records.front() = Bytes(std::move(damaged));
  }
  const bool any = !records.empty();
  answer(waiting.path, waiting.header, std::move(reply), std::move(records));
  return any;
}

void FakeBroker::on_dequeue(const Frames& path, const Message& message, Log& log) {
  const auto& request = std::get<Dequeue>(message.body);
  Offset& next = log.positions.try_emplace(request.reader, Offset(0)).first->second;
  const auto known = log.tokens.find(request.token);
  const Offset offset = known == log.tokens.end() ? next : known->second;
  if (offset >= log.end) {
    refuse(path, message.header, Errc::nothing_unread);
    return;
  }
  if (known == log.tokens.end()) {
    log.tokens[request.token] = offset;
    next = offset + 1;
  }
  for (const Batch& batch : log.batches) {
    if (batch.header.next_offset() <= offset) continue;
    answer(path, message.header, DequeueReply{offset, batch.header, log.end}, {batch.payload});
    return;
  }
}

MetadataReply FakeBroker::metadata(const MetadataRequest& request) const {
  MetadataReply reply;
  reply.controller_epoch = ControllerEpoch(1);
  reply.metadata_version = metadata_version_;
  for (const auto& [name, topic] : topics_) {
    const auto& names = request.topics;
    if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) continue;
    reply.topics.push_back(topic);
  }
  return reply;
}

void FakeBroker::answer(const Frames& path, const Header& header, Body body, Frames records) {
  Message reply = make_reply(header, std::move(body));
  reply.header.leader_epoch = Epoch(1);
  reply.records = std::move(records);
  send(path, reply);
}

void FakeBroker::refuse(const Frames& path, const Header& header, Errc code) {
  send(path, make_error_reply(header, {code, "played"}));
}

void FakeBroker::send(const Frames& path, const Message& message) {
  Frames frames = path;
  frames.emplace_back();
  for (Bytes& frame : encode(message)) frames.push_back(std::move(frame));
  static_cast<void>(transport_->try_send(clients_link, std::move(frames)));
}

}  // namespace pinion
