// A node and clients played by the test over real sockets, and a leader broker to play with.
// Each peer's answers are awaited as events, with a deadline that only a failure reaches.
#pragma once

#include <catch2/catch.hpp>

#include "broker/app/broker_server.hpp"
#include "common/base/limits.hpp"
#include "common/obs/process_memory.hpp"
#include "common/proto/codec.hpp"
#include "common/zmq/zmq_transport.hpp"
#include "tests/support/raw_peer.hpp"
#include "tests/support/test_process.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace pinion::test {

inline constexpr Micros patience_of_peers = 30s;

/// One DEALER.
class PlayedPeer {
 public:
  PlayedPeer(const std::string& endpoint, const std::string& routing_id) {
    auto context = ZmqContext::create();
    REQUIRE(context);
    ZmqLinkConfig config;
    config.endpoint = endpoint;
    config.routing_id = routing_id;
    auto opened = ZmqTransport::open(*context, {config});
    if (!opened) FAIL(opened.error().to_string());
    transport_ = std::move(*opened);
  }

  static constexpr Link link{0};

  /// Sends as soon as the connection takes it.
  bool send(const Frames& frames) {
    return eventually(patience_of_peers, [&] {
      if (transport_->try_send(link, frames) == Sent::queued) return true;
      transport_->wait(5ms);
      return false;
    });
  }
  std::uint64_t send(Body body, Kind kind, const std::function<void(Header&)>& adjust = {},
                     Frames records = {}) {
    Message message;
    message.header.kind = kind;
    message.header.request_id = ++request_;
    if (adjust) adjust(message.header);
    message.body = std::move(body);
    message.records = std::move(records);
    Frames frames = encode(message);
    frames.insert(frames.begin(), Bytes());
    REQUIRE(send(frames));
    return request_.raw();
  }

  /// The next message, or nothing when the time is over.
  std::optional<Frames> receive(Micros within = patience_of_peers) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (true) {
      if (auto incoming = transport_->try_receive()) return std::move(incoming->frames);
      const auto left = end - std::chrono::steady_clock::now();
      if (left <= left.zero()) return std::nullopt;
      transport_->wait(std::chrono::duration_cast<Micros>(left) + 1ms);
    }
  }
  /// Reads until one of that kind comes; others are dropped.
  Message await(Kind kind, Micros within = patience_of_peers) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (std::chrono::steady_clock::now() < end) {
      const auto frames = receive(within);
      if (!frames) break;
      auto received = decode(*frames);
      REQUIRE(received);
      if (received->message.header.kind == kind) return std::move(received->message);
    }
    FAIL("no message of kind " << static_cast<int>(kind) << " came");
    return {};
  }
  /// Whether the next message, which comes within that time, is of this kind.
  bool hears(Kind kind, Micros within) {
    const auto frames = receive(within);
    if (!frames) return false;
    const auto received = decode(*frames);
    return received && received->message.header.kind == kind;
  }
  template <typename Answer, typename Request>
  Answer ask(Request request) {
    send(std::move(request), Request::kind);
    Message message = await(reply_to(Request::kind));
    if (message.header.error != Errc::ok) FAIL(std::get<ErrorBody>(message.body).detail);
    return std::get<Answer>(std::move(message.body));
  }
  void hello() { ask<HelloReply>(Hello{}); }

  [[nodiscard]] ZmqTransport& transport() { return *transport_; }

 private:
  std::unique_ptr<ZmqTransport> transport_;
  RequestId request_{0};
};

/// Node 1: registers, opens what it is assigned, answers every fetch, in a thread of its own.
class PlayedNode {
 public:
  explicit PlayedNode(std::string endpoint) : endpoint_(std::move(endpoint)) {
    thread_ = std::thread([this] { run(); });
  }
  ~PlayedNode() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] std::uint64_t answered() const { return answered_; }

 private:
  // Catch2's assertions belong to the main thread: here a failure is a test that times out.
  void run() {
    auto context = ZmqContext::create();
    ZmqLinkConfig link;
    link.endpoint = endpoint_;
    link.routing_id = "n1";
    auto transport = ZmqTransport::open(*context, {link});
    Micros next{0};
    while (!stop_) {
      const auto now =
          std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
      if (now >= next) {
        session_ == 0 ? say_register(**transport) : say_alive(**transport);
        next = now + 200ms;
      }
      (*transport)->wait(unsent_.empty() ? Micros{20ms} : Micros{1ms});
      flush(**transport);
      // As a real node: what the broker does not take waits, and nothing more is read meanwhile.
      while (unsent_.empty()) {
        auto incoming = (*transport)->try_receive();
        if (!incoming) break;
        on_frames(**transport, std::move(incoming->frames));
      }
    }
  }
  void on_frames(ZmqTransport& transport, Frames frames) {
    auto parts = split(std::move(frames));
    if (!parts) return;
    const auto header = decode_header(parts->header.view());
    if (!header) return;
    if (is_routed_request(header->kind)) {
      const Message answer = make_reply(*header, FetchReply{});
      const auto request = decode_body(*header, parts->body.view());
      const auto* fetch = request ? std::get_if<Fetch>(&*request) : nullptr;
      // Who asks for as much as there may be gets it, in bytes that say nothing.
      const bool much = fetch != nullptr && fetch->bytes_max == limits::fetch_bytes_max;
      unsent_.push_back(join(parts->path, encode_header(answer.header), encode_body(answer.body),
                             much ? Frames{much_} : Frames{}));
      ++answered_;  // Before its asker may look.
      flush(transport);
      return;
    }
    const auto body = decode_body(*header, parts->body.view());
    if (!body) return;
    if (header->kind == Kind::say_hello || header->kind == Kind::goodbye) session_ = 0;
    if (const auto* reply = std::get_if<RegisterNodeReply>(&*body)) session_ = reply->session;
    if (const auto* assign = std::get_if<Assign>(&*body)) report(transport, *assign);
  }
  void say_register(ZmqTransport& transport) {
    RegisterNode request;
    request.node = NodeId{1};
    request.store_id = "played";
    request.incarnation = Incarnation{1};
    send(transport, request, Kind::register_node);
  }
  void say_alive(ZmqTransport& transport) {
    NodeHeartbeat beat;
    beat.node = NodeId{1};
    beat.incarnation = Incarnation{1};
    beat.session = session_;
    send(transport, beat, Kind::node_heartbeat);
  }
  void report(ZmqTransport& transport, const Assign& assign) {
    ReplicaReport report;
    report.node = NodeId{1};
    report.incarnation = Incarnation{1};
    report.session = assign.session;
    report.deleted = assign.deleted;
    for (const Assignment& assignment : assign.assignments) {
      report.replicas.push_back({.topic = assignment.topic,
                                 .partition = assignment.partition,
                                 .leader_epoch = assignment.leader_epoch,
                                 .state = PartitionState::online,
                                 .log_end = Offset{0},
                                 .detail = {},
                                 .partition_version = assignment.partition_version,
                                 .role = ReplicaRole::leader,
                                 .file = FileState::open,
                                 .last_epoch = Epoch{0}});
    }
    send(transport, report, Kind::replica_report);
  }
  void send(ZmqTransport& transport, Body body, Kind kind) {
    Message message;
    message.header.kind = kind;
    message.header.request_id = ++request_;
    message.body = std::move(body);
    Frames frames = encode(message);
    frames.insert(frames.begin(), Bytes());
    unsent_.push_back(std::move(frames));
    flush(transport);
  }
  void flush(ZmqTransport& transport) {
    while (!unsent_.empty() && transport.try_send(Link{0}, unsent_.front()) == Sent::queued) {
      unsent_.pop_front();
    }
  }

  std::string endpoint_;
  const Bytes much_{std::string(limits::fetch_bytes_max, 'm')};
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> answered_{0};
  std::int64_t session_ = 0;
  RequestId request_{0};
  std::deque<Frames> unsent_;
  std::thread thread_;
};

class PlayedCluster {
 public:
  PlayedCluster() {
    config.data_dir = folder / "broker";
    config.client_bind = "tcp://127.0.0.1:" + std::to_string(free_port());
    config.cluster_bind = "tcp://127.0.0.1:" + std::to_string(free_port());
    // What other tests left in this process is not this broker's.
    const std::uint64_t before = ProcessMemory().bytes() / limits::mib;
    config.memory_fuse_mib = static_cast<std::uint32_t>(128 + before);
    start();
  }
  void start() {
    server.reset();
    auto started = BrokerServer::start(config);
    if (!started) FAIL(started.error().to_string());
    server = std::move(*started);
  }
  /// A client that has said hello.
  [[nodiscard]] std::unique_ptr<PlayedPeer> client(const std::string& id) const {
    auto peer = std::make_unique<PlayedPeer>(config.client_bind, id);
    peer->hello();
    return peer;
  }
  /// A topic of one partition, online on the played node.
  [[nodiscard]] TopicId topic(PlayedPeer& client, const std::string& name) const {
    REQUIRE(eventually(patience_of_peers, [&] {
      return client.ask<ClusterStatusReply>(ClusterStatusRequest{}).nodes.size() == 1;
    }));
    const auto made = client.ask<CreateTopicReply>(CreateTopic{.name = name, .config = {}});
    REQUIRE(made.topic.partitions.at(0).state == PartitionState::online);
    return made.topic.id;
  }
  [[nodiscard]] int port() const {
    return std::stoi(config.client_bind.substr(config.client_bind.rfind(':') + 1));
  }

  TemporaryFolder folder;
  BrokerConfig config;
  std::unique_ptr<BrokerServer> server;
};

/// A fetch through the broker and back.
inline bool is_served(PlayedPeer& client, TopicId topic) {
  Fetch fetch;
  fetch.bytes_max = 100;
  client.send(fetch, Kind::fetch, [&](Header& header) {
    header.topic = topic;
    header.timeout_ms = 20'000;
  });
  return client.await(Kind::fetch_reply).header.error == Errc::ok;
}

}  // namespace pinion::test
