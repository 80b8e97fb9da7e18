// A ClientSession with its surroundings in the test's hands: the test plays the clock, the runner
// and the broker, one event at a time. Everything that leaves is decoded and kept until it is
// taken.
#pragma once

#include <catch2/catch.hpp>

#include "client/core/client_session.hpp"
#include "common/base/checksum.hpp"
#include "common/proto/codec.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion::client {

inline constexpr TopicId orders_id{7};
inline constexpr ProducerHandle producer_1{1};
inline constexpr ConsumerHandle consumer_1{1};

[[nodiscard]] inline PartitionKey orders(std::int32_t partition = 0) {
  return {orders_id, PartitionIndex(partition)};
}

[[nodiscard]] inline Bytes payload_of(const std::vector<std::string>& values) {
  std::string payload;
  for (const std::string& value : values) append_record(payload, {.value = value});
  return Bytes(std::move(payload));
}

[[nodiscard]] inline BatchHeader batch_header(Offset base, const Bytes& payload,
                                              std::uint32_t count, Epoch epoch = Epoch(1)) {
  BatchHeader header;
  header.base_offset = base;
  header.leader_epoch = epoch;
  header.append_time = Micros(1'000'000 + base.raw());
  header.record_count = count;
  header.crc = crc32c(payload.view());
  return header;
}

[[nodiscard]] inline TopicMetadata topic_metadata(const std::string& name, TopicId id,
                                                  std::int32_t partitions, Epoch epoch = Epoch(1)) {
  TopicMetadata topic;
  topic.id = id;
  topic.name = name;
  topic.config.partitions = partitions;
  for (std::int32_t i = 0; i < partitions; ++i) {
    PartitionMetadata partition;
    partition.partition = PartitionIndex(i);
    partition.leader = NodeId(1);
    partition.leader_epoch = epoch;
    partition.state = PartitionState::online;
    topic.partitions.push_back(partition);
  }
  return topic;
}

class SessionFixture {
 public:
  explicit SessionFixture(std::string cluster_id = {})
      : session({.broker = "tcp://broker:5550",
                 .client_name = "test",
                 .cluster_id = std::move(cluster_id),
                 .incarnation = Incarnation(1),
                 .seed = 42}) {}

  // ---- Time and inputs

  void step(Input input) {
    effects_.clear();
    session.step(now, std::move(input), effects_);
    session.check_invariants();
    keep();
  }
  void tick() { step(Tick{}); }
  /// Lets time pass without missing a deadline, as a runner would.
  void pass(Micros duration) {
    const Micros end = now.monotonic + duration;
    while (session.next_deadline() <= end) {
      const Micros before = now.monotonic;
      now.monotonic = std::max(now.monotonic, session.next_deadline());
      tick();
      answer_pings();
      REQUIRE((now.monotonic > before || session.next_deadline() > before));
    }
    now.monotonic = end;
    tick();
    answer_pings();
  }

  /// From nothing to connected, with the topic "orders" in place for whoever asks.
  void connect(std::int32_t partitions = 1) {
    topics = {topic_metadata("orders", orders_id, partitions)};
    tick();
    answer_hello();
    static_cast<void>(take<Ping>());  // The first, which says that what came has been read.
  }
  void answer_hello() {
    auto hello = take<Hello>();
    REQUIRE(hello);
    HelloReply reply;
    reply.cluster_id = "c1";
    reply.controller_epoch = ControllerEpoch(1);
    reply.record_bytes_max = 1 << 20;
    reply.inflight_bytes_max = credit_bytes;
    reply.inflight_requests_max = credit_requests;
    reply.heartbeat_ms = 500;
    answer(*hello, reply);
    answer_metadata();
  }
  void answer_metadata() {
    while (auto request = take<MetadataRequest>()) {
      MetadataReply reply;
      reply.controller_epoch = ControllerEpoch(1);
      reply.metadata_version = metadata_version;
      for (const std::string& name : std::get<MetadataRequest>(request->body).topics) {
        for (const TopicMetadata& topic : topics) {
          if (topic.name == name) reply.topics.push_back(topic);
        }
      }
      answer(*request, reply);
    }
  }
  void answer_pings() {
    while (broker_alive) {
      auto ping = take<Ping>();
      if (!ping) return;
      answer(*ping, Pong{ControllerEpoch(1), metadata_version});
      answer_metadata();
    }
  }

  void open_producer(Acks acks = Acks::all, bool idempotent = true) {
    step(OpenProducer{producer_1, acks, idempotent});
    step(WatchTopic{"orders"});
    answer_metadata();
    if (auto request = take<AllocateProducerIds>()) {
      answer(*request, AllocateProducerIdsReply{ProducerId(77), 1});
    }
  }
  BatchNumber send(const std::vector<std::string>& values, std::int32_t partition = 0,
                   Micros timeout = 30s) {
    const BatchNumber number(++last_batch_);
    step(SendBatch{producer_1, orders(partition), number, payload_of(values),
                   static_cast<std::uint32_t>(values.size()), now.monotonic + timeout});
    return number;
  }
  void open_consumer(ConsumerSettings settings) {
    step(OpenConsumer{consumer_1, std::move(settings)});
    answer_metadata();
  }

  // ---- What left. Requests are taken in the order in which they left.

  template <typename T>
  [[nodiscard]] std::optional<Message> take() {
    const auto found = std::find_if(sent.begin(), sent.end(), [](const Message& message) {
      return std::holds_alternative<T>(message.body);
    });
    if (found == sent.end()) return std::nullopt;
    Message message = std::move(*found);
    sent.erase(found);
    return message;
  }
  template <typename T>
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::count_if(
        sent.begin(), sent.end(),
        [](const Message& message) { return std::holds_alternative<T>(message.body); }));
  }
  /// Takes a produce request and checks its place in the sequence.
  Message take_produce(std::int32_t epoch, std::int64_t sequence) {
    auto message = take<Produce>();
    REQUIRE(message);
    const BatchHeader& batch = std::get<Produce>(message->body).batch;
    CHECK(batch.producer_epoch.raw() == epoch);
    CHECK(batch.base_sequence.raw() == sequence);
    return *message;
  }

  // ---- What comes

  void answer(const Message& request, Body body, Frames records = {},
              Epoch leader_epoch = Epoch(1)) {
    Message reply = make_reply(request.header, std::move(body));
    reply.header.leader_epoch = leader_epoch;
    reply.records = std::move(records);
    receive(reply);
  }
  void refuse(const Message& request, Errc code, std::string detail = {},
              Epoch leader_epoch = Epoch(1)) {
    Message reply = make_error_reply(request.header, {code, std::move(detail)});
    reply.header.leader_epoch = leader_epoch;
    receive(reply);
  }
  void acknowledge(const Message& request, std::int64_t base_offset) {
    answer(request, ProduceReply{Offset(base_offset), Micros(5'000 + base_offset), Offset(0)});
  }
  void push(const MetadataChanged& change) { receive(one_way(Kind::metadata_changed, change)); }
  void move_leader(std::int32_t partition, Epoch epoch) {
    topics[0].partitions[static_cast<std::size_t>(partition)].leader_epoch = epoch;
    MetadataChanged change;
    change.controller_epoch = ControllerEpoch(1);
    change.metadata_version = ++metadata_version;
    change.topics = {topics[0]};
    push(change);
  }
  void say_hello() { receive(one_way(Kind::say_hello, SayHello{ControllerEpoch(2)})); }
  void goodbye() { receive(one_way(Kind::goodbye, Goodbye{})); }
  void receive(const Message& message) {
    Frames frames = encode(message);
    frames.insert(frames.begin(), Bytes());
    step(FromBroker{std::move(frames)});
  }
  static Message one_way(Kind kind, Body body) {
    Message message;
    message.header.kind = kind;
    message.body = std::move(body);
    return message;
  }

  // ---- What was told

  [[nodiscard]] std::optional<BatchDone> take_done() { return take_front(done); }
  [[nodiscard]] std::optional<Fetched> take_fetched() { return take_front(fetched); }
  [[nodiscard]] std::optional<CallDone> take_call() { return take_front(calls); }
  [[nodiscard]] std::optional<ConsumerProblem> take_problem() { return take_front(problems); }
  [[nodiscard]] std::optional<PartitionLocated> take_located() { return take_front(located); }

  Now now{Micros(1'000'000), Micros(1'700'000'000'000'000)};
  ClientSession session;
  std::deque<Message> sent;
  std::deque<BatchDone> done;
  std::deque<Fetched> fetched;
  std::deque<CallDone> calls;
  std::deque<ConsumerProblem> problems;
  std::deque<PartitionLocated> located;
  std::deque<PartitionJoined> joined;
  std::deque<PartitionLeft> left;
  std::deque<TopicChanged> told_topics;
  std::size_t resets = 0;
  std::vector<TopicMetadata> topics;
  std::int64_t metadata_version = 1;
  std::uint64_t credit_bytes = 64 << 20;
  std::uint32_t credit_requests = 1000;
  bool broker_alive = true;

 private:
  template <typename T>
  static std::optional<T> take_front(std::deque<T>& items) {
    if (items.empty()) return std::nullopt;
    T item = std::move(items.front());
    items.pop_front();
    return item;
  }
  void keep() {
    if (effects_.reset_link) {
      ++resets;
      sent.clear();
    }
    for (Frames& frames : effects_.sends) {
      auto received = decode(std::move(frames));
      REQUIRE(received);
      sent.push_back(std::move(received->message));
    }
    move_to(effects_.batches, done);
    move_to(effects_.fetched, fetched);
    move_to(effects_.calls, calls);
    move_to(effects_.problems, problems);
    move_to(effects_.located, located);
    move_to(effects_.joined, joined);
    move_to(effects_.left, left);
    move_to(effects_.topics, told_topics);
  }
  template <typename T>
  static void move_to(std::vector<T>& from, std::deque<T>& to) {
    for (T& item : from) to.push_back(std::move(item));
  }

  Effects effects_;
  std::uint64_t last_batch_ = 0;
};

}  // namespace pinion::client
