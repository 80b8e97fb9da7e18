#include "client/core/connection_session.hpp"

#include "common/base/limits.hpp"

#include <algorithm>
#include <utility>

namespace pinion::client {

ConnectionSession::ConnectionSession(std::string broker, Hello hello, Wire& wire)
    : broker_(std::move(broker)),
      hello_(std::move(hello)),
      wire_(&wire),
      pause_(limits::client_reconnect_min, limits::client_reconnect_max) {
  wire_->problem = "no broker answers at " + broker_ + ": is pinion-broker running?";
}

void ConnectionSession::on_heard(const Now& now, std::size_t bytes) noexcept {
  heard_at_ = now.monotonic;
  bytes_since_ping_ += bytes + limits::message_cost_bytes;  // As the broker counts it.
  if (bytes_since_ping_ >= limits::client_ping_every_bytes) ping_at_ = now.monotonic;
}

ConnectionSession::Change ConnectionSession::on_hello_reply(const Now& now, const Header& header,
                                                            const Body& body, Effects& out) {
  // Another hello's answer may come late; it says nothing about this connection.
  if (header.request_id != hello_id_ || state_ == State::ready) return Change::none;
  if (const auto* error = std::get_if<ErrorBody>(&body)) {
    refusal_ = Error{header.error, error->detail};
    out.events.push_back({.kind = EventKind::hello_refused, .detail = refusal_->to_string()});
    const std::string why = "the broker at " + broker_ + " refuses: " + refusal_->to_string();
    return rest(now, why, out);
  }
  const auto& reply = std::get<HelloReply>(body);
  if (!hello_.cluster_id.empty() && reply.cluster_id != hello_.cluster_id) {
    refusal_ = Error{Errc::wrong_cluster, "the broker at " + broker_ + " is of cluster " +
                                              reply.cluster_id + ", not " + hello_.cluster_id};
    out.events.push_back({.kind = EventKind::hello_refused, .detail = refusal_->to_string()});
    return rest(now, refusal_->detail, out);
  }
  return become_ready(now, reply, out);
}

ConnectionSession::Change ConnectionSession::become_ready(const Now& now, const HelloReply& reply,
                                                          Effects& out) {
  const Micros heartbeat = reply.heartbeat_ms == 0
                               ? limits::heartbeat_every_default
                               : Micros(std::int64_t{reply.heartbeat_ms} * 1000);
  state_ = State::ready;
  heartbeat_ = std::clamp(heartbeat, Micros(50ms), Micros(10s));
  heard_at_ = now.monotonic;
  mark_ = reply.mark;
  ping(now, out);
  pause_.reset();
  refusal_.reset();
  hello_.cluster_id = reply.cluster_id;  // From now on no other.
  wire_->set_credit(reply.inflight_requests_max, reply.inflight_bytes_max);
  wire_->connected = true;
  wire_->problem.clear();
  status_.cluster_id = reply.cluster_id;
  status_.server_version = reply.server_version;
  status_.record_bytes_max = reply.record_bytes_max;
  out.events.push_back({.kind = EventKind::connected, .detail = broker_});
  return Change::became_ready;
}

ConnectionSession::Change ConnectionSession::on_say_hello(const Now& now, Effects& out) {
  if (state_ != State::ready) return Change::none;
  out.events.push_back(
      {.kind = EventKind::connection_lost, .detail = "the broker does not know us any more"});
  wire_->connected = false;
  wire_->problem = "the broker at " + broker_ + " has restarted; saying hello again";
  wire_->forget_all();
  ++status_.reconnects;
  greet(now, out);
  return Change::lost;
}

ConnectionSession::Change ConnectionSession::on_goodbye(const Now& now, Effects& out) {
  if (state_ != State::ready) return Change::none;
  return rest(now, "the broker at " + broker_ + " has stopped; waiting for it to come back", out);
}

ConnectionSession::Change ConnectionSession::on_tick(const Now& now, Effects& out) {
  switch (state_) {
    case State::start:
      greet(now, out);
      return Change::none;
    case State::greeting:
      if (now.monotonic < wake_at_) return Change::none;
      return rest(now, "no broker answers at " + broker_ + ": is pinion-broker running?", out);
    case State::resting:
      if (now.monotonic < wake_at_) return Change::none;
      out.reset_link = true;
      greet(now, out);
      return Change::none;
    case State::ready:
      break;
  }
  if (now.monotonic >= heard_at_ + heartbeat_ * limits::client_quiet_heartbeats) {
    return rest(now, "the broker at " + broker_ + " has gone quiet: is it running?", out);
  }
  if (now.monotonic >= ping_at_) ping(now, out);
  return Change::none;
}

void ConnectionSession::ping(const Now& now, Effects& out) {
  ping_at_ = now.monotonic + heartbeat_;
  bytes_since_ping_ = 0;
  wire_->send_uncounted(Ping{hello_.incarnation, mark_}, out);
}

void ConnectionSession::on_stop(Effects& out) {
  if (state_ == State::ready) wire_->send_uncounted(Goodbye{hello_.incarnation}, out);
}

Micros ConnectionSession::next_deadline() const noexcept {
  switch (state_) {
    case State::start:
      return Micros{0};
    case State::greeting:
    case State::resting:
      return wake_at_;
    case State::ready:
      break;
  }
  return std::min(ping_at_, heard_at_ + heartbeat_ * limits::client_quiet_heartbeats);
}

ConnectionStatus ConnectionSession::status() const {
  ConnectionStatus status = status_;
  status.connected = state_ == State::ready;
  status.problem = wire_->problem;
  return status;
}

void ConnectionSession::greet(const Now& now, Effects& out) {
  state_ = State::greeting;
  wake_at_ = now.monotonic + limits::client_hello_timeout;
  hello_id_ = wire_->send_uncounted(hello_, out);
}

ConnectionSession::Change ConnectionSession::rest(const Now& now, std::string why, Effects& out) {
  const bool was_ready = state_ == State::ready;
  state_ = State::resting;
  wake_at_ = now.monotonic + pause_.next(wire_->prng);
  wire_->connected = false;
  wire_->problem = std::move(why);
  if (!was_ready) return Change::none;
  out.events.push_back({.kind = EventKind::connection_lost, .detail = wire_->problem});
  wire_->forget_all();
  ++status_.reconnects;
  return Change::lost;
}

}  // namespace pinion::client
