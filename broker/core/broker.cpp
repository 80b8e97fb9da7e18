#include "broker/core/broker.hpp"

#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/validate.hpp"

namespace pinion {

namespace {

/// An answer to cluster_status of this size is given again for so long.
constexpr std::size_t status_bytes_kept = 64 * limits::kib;
constexpr Micros status_kept_for = 100ms;

/// Where the header stands in a message as a ROUTER hands it over, or nothing when the frames are
/// not ours. Looks at sizes only.
[[nodiscard]] std::optional<std::size_t> find_header(const Frames& frames) {
  if (frames.size() < 4 || frames.size() > limits::message_frames_max) return std::nullopt;
  if (frames[0].empty()) return std::nullopt;
  for (std::size_t i = 0; i <= limits::routing_frames_max && i + 2 < frames.size(); ++i) {
    if (frames[i].empty()) {
      if (frames[i + 1].size() > limits::header_bytes_max) return std::nullopt;
      if (frames[i + 2].size() > limits::body_bytes_max) return std::nullopt;
      return i + 1;
    }
    if (frames[i].size() > limits::routing_frame_bytes_max) return std::nullopt;
  }
  return std::nullopt;
}

/// Requests that the controller answers.
[[nodiscard]] bool is_controller_request(Kind kind) noexcept {
  return kind >= Kind::metadata && kind <= Kind::command_node && is_request(kind);
}

}  // namespace

Broker::Broker(BrokerOptions options, MetaState state, const Now& now)
    : options_(std::move(options)),
      controller_(options_.controller, state, now),
      router_(options_.router, state.controller_epoch, now, options_.seed),
      started_at_(now.wall) {
  // Routes of what is known but not served yet, so that a request is told why.
  for (const auto& [key, partition] : controller_.partitions().rows()) {
    router_.update_route({key,
                          {.node = node_none,
                           .leader_epoch = partition.meta.leader_epoch,
                           .detail = partition.detail}});
  }
}

void Broker::step(const Now& now, BrokerInput input, BrokerEffects& out) noexcept {
  std::visit([&](auto& event) { on(now, event, out); }, input);
}

Micros Broker::next_tick(const Now& now) const noexcept {
  return std::min(controller_.next_tick(now), router_.next_tick());
}

// ---- Clients
// ---------------------------------------------------------------------------------------

void Broker::on(const Now& now, FromClient& input, BrokerEffects& out) {
  Frames& frames = input.frames;
  const std::optional<std::size_t> index = find_header(frames);
  if (!index) {
    ++counters_.refused_malformed;
    return;
  }
  const Result<Header> header = decode_header(frames[*index].view());
  if (!header) {
    ++counters_.refused_malformed;
    const std::optional<Header> salvaged = salvage_header(frames[*index].view());
    if (salvaged) refuse(path_of(frames, *index), *salvaged, header.error(), out);
    return;
  }
  if (header->kind != Kind::hello && !router_.touch_client(now, frames[0].view())) {
    ++counters_.refused_unknown;
    return say_hello(path_of(frames, *index), out);
  }
  if (!is_routed_request(header->kind)) return on_client_message(now, frames, *index, *header, out);
  if (stopping_) return refuse(path_of(frames, *index), *header, fail(Errc::shutting_down), out);
  Result<NodeFrames> forwarded = router_.forward(frames, *index, *header);
  if (forwarded) {
    out.to_nodes.push_back(std::move(*forwarded));
    return;
  }
  Header request = *header;
  request.leader_epoch = router_.leader_epoch({request.topic, request.partition});
  refuse(path_of(frames, *index), request, std::move(forwarded).error(), out);
}

/// What is for the broker itself: decoded whole.
void Broker::on_client_message(const Now& now, Frames& frames, std::size_t index,
                               const Header& header, BrokerEffects& out) {
  Frames path = path_of(frames, index);
  const bool is_ours = header.kind == Kind::hello || header.kind == Kind::ping ||
                       header.kind == Kind::goodbye || is_controller_request(header.kind);
  if (!is_ours) {
    ++counters_.refused_malformed;
    return refuse(std::move(path), header,
                  fail(Errc::unauthorized, "a client may not send messages of this kind"), out);
  }
  Result<Received> received = decode(std::move(frames));
  if (!received) {
    ++counters_.refused_malformed;
    return refuse(std::move(path), header, std::move(received).error(), out);
  }
  switch (header.kind) {
    case Kind::hello:
      return on_hello(now, path, header, std::get<Hello>(received->message.body), out);
    case Kind::ping:
      return on_ping(path, header, std::get<Ping>(received->message.body), out);
    case Kind::goodbye:
      return router_.remove_client(path[0].view());
    default:
      break;
  }
  if (stopping_) return refuse(std::move(path), header, fail(Errc::shutting_down), out);
  if (auto room = router_.check_unread(path[0].view()); !room) {
    return refuse(std::move(path), header, std::move(room).error(), out);
  }
  if (reply_as_before(now, path, header, received->message.body, out)) return;
  controller_.step(now, ClientRequest{std::move(path), header, std::move(received->message.body)},
                   effects_);
  carry_out(now, out);
}

void Broker::on_ping(const Frames& path, const Header& header, const Ping& ping,
                     BrokerEffects& out) {
  const std::string_view client = path[0].view();
  router_.on_mark(client, ping.mark);
  send_always(path,
              make_reply(header, Pong{controller_.epoch(), controller_.metadata_version(),
                                      router_.mark(client)}),
              out);
}

void Broker::on_hello(const Now& now, const Frames& path, const Header& header, const Hello& hello,
                      BrokerEffects& out) {
  if (hello.version_min > protocol_version || hello.version_max < protocol_version) {
    return refuse(path, header,
                  fail(Errc::unsupported_version,
                       "this broker speaks protocol version " + std::to_string(protocol_version)),
                  out);
  }
  if (!hello.cluster_id.empty() && hello.cluster_id != controller_.cluster_id()) {
    return refuse(path, header,
                  fail(Errc::wrong_cluster, "this is cluster " + controller_.cluster_id()), out);
  }
  if (stopping_) return refuse(path, header, fail(Errc::shutting_down), out);
  if (std::optional<std::string> evicted = router_.add_client(now, path[0].view())) {
    out.events.push_back({.kind = BrokerEventKind::client_evicted, .detail = {}});
  }
  HelloReply answer;
  answer.cluster_id = controller_.cluster_id();
  answer.controller_epoch = controller_.epoch();
  answer.record_bytes_max = options_.controller.record_bytes_max;
  answer.inflight_bytes_max = options_.router.client_bytes;
  answer.inflight_requests_max = static_cast<std::uint32_t>(options_.router.client_requests);
  answer.heartbeat_ms =
      static_cast<std::uint32_t>(options_.controller.heartbeat_every / Micros(1'000));
  answer.server_version = options_.version;
  answer.mark = router_.mark(path[0].view());
  send_always(path, make_reply(header, std::move(answer)), out);
}

void Broker::on(const Now&, ClientsReset&, BrokerEffects&) { router_.remove_all_clients(); }

// ---- Nodes
// -----------------------------------------------------------------------------------------

void Broker::on(const Now& now, FromNode& input, BrokerEffects& out) {
  Frames& frames = input.frames;
  if (frames.size() < 2 || frames[0].empty()) {
    ++counters_.refused_malformed;
    return;
  }
  if (!frames[1].empty()) {
    // The controller's own messages name their session; a registration must not keep the life
    // before it alive.
    controller_.step(now, NodeHeard{frames[0]}, effects_);
    carry_out(now, out);
    // An answer. One of a node without a session is as true as any: it goes on too.
    if (auto answer = router_.answer(std::move(frames))) {
      out.to_clients.push_back(std::move(*answer));
    }
    return;
  }
  Bytes routing = frames[0];
  Result<Received> received = decode(std::move(frames));
  if (!received) {
    ++counters_.refused_malformed;
    return;
  }
  controller_.step(
      now,
      NodeMessage{std::move(routing), received->message.header, std::move(received->message.body)},
      effects_);
  carry_out(now, out);
}

void Broker::on(const Now&, NotSent& input, BrokerEffects& out) {
  if (input.to == NotSent::To::client) {
    const bool gone = input.why == NotSent::Why::no_peer && !input.path.empty();
    if (gone) router_.connection_lost(input.path[0].view());
    ++counters_.replies_dropped;
    return;
  }
  ++counters_.node_sends_failed;
  if (input.return_frame.empty()) return;  // The controller repeats what matters.
  const std::optional<Bytes> client = router_.not_sent(input.return_frame);
  const Result<Header> header = decode_header(input.header.view());
  if (!client || !header) return;
  Frames path = std::move(input.path);
  path.insert(path.begin(), *client);
  const bool gone = input.why == NotSent::Why::no_peer;
  refuse(std::move(path), *header,
         gone ? fail(Errc::partition_offline, "the partition's node is not connected")
              : fail(Errc::throttled, "the partition's node does not take more now"),
         out);
}

// ---- The rest
// --------------------------------------------------------------------------------------

void Broker::on(const Now& now, MetaPersisted& input, BrokerEffects& out) {
  controller_.step(now, input, effects_);
  carry_out(now, out);
}

void Broker::on(const Now& now, MetaStalled& input, BrokerEffects& out) {
  controller_.step(now, input, effects_);
  carry_out(now, out);
}

void Broker::on(const Now&, Vitals& input, BrokerEffects&) { vitals_ = input; }

void Broker::on(const Now& now, Tick& input, BrokerEffects& out) {
  router_.tick(now);
  controller_.step(now, input, effects_);
  carry_out(now, out);
}

void Broker::on(const Now&, Stop&, BrokerEffects& out) {
  if (stopping_) return;
  stopping_ = true;
  Message goodbye;
  goodbye.header.kind = Kind::goodbye;
  goodbye.body = Goodbye{Incarnation(controller_.epoch().raw())};
  const Bytes header = encode_header(goodbye.header);
  const Bytes body = encode_body(goodbye.body);
  for (const auto& [id, node] : controller_.nodes().rows()) {
    if (node.alive()) out.to_nodes.push_back({join({node.routing}, header, body, {}), {}, {}, {}});
  }
  router_.for_each_client([&](const std::string& id) {
    out.to_clients.push_back(join({Bytes::copy_of(id)}, header, body, {}));
  });
}

/// Carries out what the controller wants, which the router must hear of first.
void Broker::carry_out(const Now& now, BrokerEffects& out) {
  for (const NodeUpdate& update : effects_.nodes) router_.update_node(update);
  for (const RouteUpdate& update : effects_.routes) router_.update_route(update);
  for (const TopicId topic : effects_.routes_removed) router_.remove_topic(topic);
  for (ClientReply& answer : effects_.replies) reply(now, answer, out);
  for (const NodeSend& message : effects_.to_nodes) {
    NodeFrames frames;
    frames.frames = join({message.routing}, encode_header(message.message.header),
                         encode_body(message.message.body), {});
    out.to_nodes.push_back(std::move(frames));
  }
  for (const MetadataChanged& change : effects_.pushes) push(change, out);
  std::move(effects_.persist.begin(), effects_.persist.end(), std::back_inserter(out.persist));
  std::move(effects_.events.begin(), effects_.events.end(), std::back_inserter(out.events));
  effects_.clear();
}

void Broker::reply(const Now& now, ClientReply& answer, BrokerEffects& out) {
  auto* status = std::get_if<ClusterStatusReply>(&answer.message.body);
  if (status == nullptr) return send(answer.client, answer.message, out);
  complete(status->broker);
  Bytes body = encode_body(answer.message.body);
  if (body.size() >= status_bytes_kept && !status->partitions.empty()) {
    status_body_ = body;
    status_until_ = now.monotonic + status_kept_for;
  }
  send(join(answer.client, encode_header(answer.message.header), std::move(body), {}), out);
}

bool Broker::reply_as_before(const Now& now, const Frames& path, const Header& header,
                             const Body& body, BrokerEffects& out) {
  const auto* asked = std::get_if<ClusterStatusRequest>(&body);
  if (asked == nullptr || !asked->with_partitions || now.monotonic >= status_until_) return false;
  const Header answer = make_reply(header, {}).header;
  send(join(path, encode_header(answer), status_body_, {}), out);
  return true;
}

/// Encoded once, and shared by all, so that it costs nobody's room; those who leave much unread
/// find out from the version in a pong.
void Broker::push(const MetadataChanged& change, BrokerEffects& out) {
  if (router_.client_count() == 0) return;
  Header header;
  header.kind = Kind::metadata_changed;
  const Bytes header_frame = encode_header(header);
  const Bytes body_frame = encode_body(change);
  router_.for_each_client([&](const std::string& id) {
    if (!router_.has_room(id)) return;
    out.to_clients.push_back(join({Bytes::copy_of(id)}, header_frame, body_frame, {}));
  });
}

void Broker::complete(BrokerStatus& status) const {
  const RouterCounters& routed = router_.counters();
  status.started_at = started_at_;
  status.clients = static_cast<std::uint32_t>(router_.client_count());
  status.messages_routed = routed.messages_routed;
  status.bytes_routed = routed.bytes_routed;
  status.refused_malformed = counters_.refused_malformed + vitals_.transport_dropped;
  status.refused_throttled = routed.throttled;
  status.replies_dropped =
      counters_.replies_dropped + routed.answers_dropped + routed.unread_dropped;
  status.memory_bytes = vitals_.memory_bytes;
  status.fuse_trips = vitals_.fuse_trips;
  status.version = options_.version;
  status.sqlite_version = options_.sqlite_version;
  status.cluster_name = options_.cluster_name;
}

void Broker::send(Frames message, BrokerEffects& out) {
  if (router_.admit(message)) out.to_clients.push_back(std::move(message));
}

void Broker::send(const Frames& path, const Message& message, BrokerEffects& out) {
  send(join(path, encode_header(message.header), encode_body(message.body), {}), out);
}

void Broker::send_always(const Frames& path, const Message& message, BrokerEffects& out) {
  out.to_clients.push_back(
      join(path, encode_header(message.header), encode_body(message.body), {}));
}

/// Only a request has an answer; anything else has been counted, and that is all.
void Broker::refuse(Frames path, const Header& header, Error why, BrokerEffects& out) {
  const auto kind = static_cast<std::uint16_t>(header.kind);
  if (kind % 2 == 0 || kind >= static_cast<std::uint16_t>(Kind::metadata_changed)) return;
  send(path, make_error_reply(header, std::move(why)), out);
}

void Broker::say_hello(const Frames& path, BrokerEffects& out) {
  Message hello;
  hello.header.kind = Kind::say_hello;
  hello.body = SayHello{controller_.epoch()};
  send(path, hello, out);
}

Frames Broker::path_of(const Frames& frames, std::size_t header_index) {
  PINION_ASSERT(header_index >= 2);
  return {frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(header_index) - 1};
}

void Broker::check_invariants() const {
  controller_.check_invariants();
  router_.check_invariants();
  for (const auto& [key, partition] : controller_.partitions().rows()) {
    const std::optional<Route> route = router_.route(key);
    PINION_ASSERT(route.has_value());
    PINION_ASSERT(route->leader_epoch == partition.meta.leader_epoch);
    const bool routed =
        partition.state != PartitionState::offline && partition.state != PartitionState::opening;
    PINION_ASSERT((route->node != node_none) == routed);
  }
}

}  // namespace pinion
