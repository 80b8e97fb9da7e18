// Registration with the leader broker, heartbeats, and fencing by controller epoch.
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/node.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace pinion::partition {

namespace {

/// What many partitions have to say at once goes in one heartbeat, and one that is on its way is
/// answered before the next one takes its place.
constexpr Micros hasty_heartbeat_after = 50ms;

}  // namespace

void Node::on_controller_message(const Now& now, Message& message, Effects& out) {
  switch (message.header.kind) {
    case Kind::register_node_reply:
      return on_register_reply(now, message, out);
    case Kind::node_heartbeat_reply:
      return on_heartbeat_reply(now, message, out);
    case Kind::assign:
      if (auto* assign = std::get_if<Assign>(&message.body)) return on_assign(now, *assign, out);
      break;
    case Kind::say_hello:
      if (const auto* hello = std::get_if<SayHello>(&message.body)) {
        return on_say_hello(now, *hello, out);
      }
      break;
    case Kind::goodbye:
      return lose_broker(now, ResetLink::no, "the leader broker stops", out);
    default:
      break;
  }
  event(out, EventKind::unexpected, Severity::warn,
        "kind " + std::to_string(static_cast<int>(message.header.kind)) + " from the broker");
}

void Node::send_register(const Now& now, Effects& out) {
  RegisterNode body;
  body.node = options_.id;
  body.store_id = options_.life.store_id;
  body.incarnation = options_.life.incarnation;
  body.start_id = options_.life.start_id;
  body.joined = saved_.joined;
  body.joining = options_.life.join;
  body.restored = options_.life.restored == Restored::yes;
  body.cluster_id = saved_.cluster_id;
  body.controller_epoch = saved_.controller_epoch;
  body.controller_start = saved_.controller_start;
  body.address = options_.address;
  body.rack = options_.rack;
  body.region = options_.region;
  body.topics = options_.topics;
  body.server_version = options_.server_version;
  Send send;
  send.message.header.kind = Kind::register_node;
  send.message.header.request_id = RequestId(next_request_++);
  send.message.body = std::move(body);
  registering_ = {send.message.header.request_id, now.monotonic + limits::register_answer_within};
  out.sends.push_back(std::move(send));
  link_ = LinkState::registering;
}

void Node::on_register_reply(const Now& now, const Message& message, Effects& out) {
  if (link_ != LinkState::registering || message.header.request_id != registering_.request) {
    event(out, EventKind::session_ignored, Severity::debug, "an old registration's answer");
    return;
  }
  const auto refused = [&](EventKind kind, std::string why) {
    link_ = LinkState::unregistered;
    held_.clear();
    next_attempt_ = now.monotonic + next_backoff();
    event(out, kind, Severity::error, std::move(why));
  };
  if (message.header.error != Errc::ok) {
    const auto* body = std::get_if<ErrorBody>(&message.body);
    return refused(EventKind::registration_refused,
                   Error{message.header.error, body ? body->detail : ""}.to_string());
  }
  const auto* reply = std::get_if<RegisterNodeReply>(&message.body);
  if (reply == nullptr || reply->cluster_id.empty()) {
    return refused(EventKind::registration_refused, "the answer could not be understood");
  }
  if (!saved_.cluster_id.empty() && reply->cluster_id != saved_.cluster_id) {
    return refused(EventKind::registration_refused,
                   "the broker is of cluster " + reply->cluster_id +
                       ", this node's data of cluster " + saved_.cluster_id +
                       ": name the right broker, or give the node an empty data folder");
  }
  if (reply->controller_epoch < saved_.controller_epoch) {
    return refused(EventKind::controller_fenced, "the broker's controller epoch " +
                                                     std::to_string(reply->controller_epoch.raw()) +
                                                     " is older than " +
                                                     std::to_string(saved_.controller_epoch.raw()));
  }
  if (is_other_start(*reply)) {
    return refused(EventKind::controller_fenced,
                   "another broker began controller epoch " +
                       std::to_string(reply->controller_epoch.raw()) +
                       ", which this node has followed: this one's broker.db is an old copy");
  }
  terms_ = *reply;
  if (is_saved(terms_)) return complete_registration(now, out);
  link_ = LinkState::saving;
  if (saving_ == Ticket{0}) save_membership(out);
}

/// Of the epoch that was seen last, begun by another process: from a copy of broker.db.
bool Node::is_other_start(const RegisterNodeReply& reply) const {
  return reply.controller_epoch == saved_.controller_epoch && saved_.controller_start != 0 &&
         reply.controller_start != saved_.controller_start;
}

bool Node::is_saved(const RegisterNodeReply& terms) const {
  return terms.cluster_id == saved_.cluster_id &&
         terms.controller_epoch == saved_.controller_epoch &&
         terms.controller_start == saved_.controller_start && saved_.joined == options_.life.join;
}

void Node::save_membership(Effects& out) {
  being_saved_ = {terms_.cluster_id, terms_.controller_epoch, terms_.controller_start,
                  options_.life.join};
  saving_ = shared_.next_ticket();
  out.node_store.push_back(SaveMembership{saving_, being_saved_});
}

void Node::on(const Now& now, MembershipSaved& in, Effects& out) {
  if (in.ticket != saving_) return;
  saving_ = Ticket{0};
  if (!in.result) {
    event(out, EventKind::membership_save_failed, Severity::error,
          in.result.error().to_string() +
              "; the node cannot join until its data folder can be written");
    if (link_ != LinkState::saving) return;
    link_ = LinkState::unregistered;
    held_.clear();
    next_attempt_ = now.monotonic + next_backoff();
    return;
  }
  saved_ = being_saved_;
  shared_.cluster_id = saved_.cluster_id;
  if (link_ != LinkState::saving) return;
  if (!is_saved(terms_)) {
    save_membership(out);  // The broker was replaced while the last save was under way.
    return;
  }
  complete_registration(now, out);
}

void Node::complete_registration(const Now& now, Effects& out) {
  link_ = LinkState::registered;
  shared_.session = std::max(shared_.session, terms_.session);
  backoff_ = Micros{0};
  next_heartbeat_ = now.monotonic;
  heartbeat_.reset();
  // Asked again in a session that lives it is the same one, and its count goes on.
  if (std::exchange(assigns_of_, terms_.session) != terms_.session) newest_assign_ = 0;
  if (terms_.record_bytes_max > 0) {
    shared_.record_bytes_max =
        std::min<std::uint64_t>(terms_.record_bytes_max, limits::record_bytes_ceiling);
  }
  for (auto& [key, slot] : replicas_) {
    slot.told_report_version = 0;
    slot.told_at = Micros{0};
    changed_.insert(key);
    to_report_.insert(key);
  }
  event(out, EventKind::registered, Severity::info,
        "controller epoch " + std::to_string(terms_.controller_epoch.raw()) + " session " +
            std::to_string(terms_.session));
  const std::vector<Assign> held = std::exchange(held_, {});
  for (const Assign& assign : held) {
    if (assign.session == terms_.session) obey(now, assign, out);
  }
}

void Node::on_assign(const Now& now, Assign& assign, Effects& out) {
  if (assign.controller_epoch < saved_.controller_epoch) {
    event(out, EventKind::controller_fenced, Severity::warn,
          "an assignment of controller epoch " + std::to_string(assign.controller_epoch.raw()));
    return;
  }
  if (link_ == LinkState::registering || link_ == LinkState::saving) {
    // It overtook the answer, or the answer is being made durable.
    if (held_.size() < limits::held_assigns_max) held_.push_back(std::move(assign));
    return;
  }
  if (link_ != LinkState::registered || assign.session != terms_.session) {
    event(out, EventKind::session_ignored, Severity::debug,
          "an assignment of session " + std::to_string(assign.session));
    return;
  }
  obey(now, assign, out);
}

void Node::on_say_hello(const Now& now, const SayHello& message, Effects& out) {
  if (message.controller_epoch < saved_.controller_epoch) {
    event(out, EventKind::controller_fenced, Severity::warn, "an old broker asks for registration");
    return;
  }
  if (link_ != LinkState::registered) return;  // Under way, or soon.
  lose_broker(now, ResetLink::no, "the leader broker does not know this node any more", out);
}

void Node::lose_broker(const Now& now, ResetLink reset, const std::string& why, Effects& out) {
  if (link_ == LinkState::unregistered) return;
  link_ = LinkState::unregistered;
  held_.clear();
  heartbeat_.reset();
  next_attempt_ = now.monotonic + next_backoff();
  if (reset == ResetLink::yes) out.reset_link = true;
  event(out, EventKind::broker_lost, Severity::warn, why);
}

Micros Node::next_backoff() noexcept {
  backoff_ = std::clamp(backoff_ * 2, limits::register_backoff_min, limits::register_backoff_max);
  return backoff_ / 2 + Micros(prng_.between(0, backoff_.count() / 2));
}

void Node::on_heartbeat_reply(const Now& now, const Message& message, Effects& out) {
  if (link_ != LinkState::registered) return;
  if (message.header.error != Errc::ok) {
    lose_broker(
        now, ResetLink::no,
        "the leader broker refused a heartbeat: " + std::string(name_of(message.header.error)),
        out);
    next_attempt_ = now.monotonic;
    return;
  }
  const auto* reply = std::get_if<NodeHeartbeatReply>(&message.body);
  if (reply == nullptr || reply->session != terms_.session) return;
  if (!heartbeat_ || message.header.request_id != heartbeat_->request) return;
  for (const Told& told : heartbeat_->told) {
    const auto at = replicas_.find(told.key);
    if (at == replicas_.end()) continue;
    at->second.told_report_version = told.report_version;
    at->second.told_vouched_version = told.vouched_version;
    if (at->second.status_version == told.status_version) changed_.erase(told.key);
  }
  heartbeat_.reset();
  if (has_more_to_tell_) next_heartbeat_ = std::min(next_heartbeat_, hasty_heartbeat_);
}

void Node::send_heartbeat(const Now& now, Effects& out) {
  NodeHeartbeat body;
  body.node = options_.id;
  body.incarnation = options_.life.incarnation;
  body.session = terms_.session;
  body.load = load_;
  body.load.requests_inflight = static_cast<std::uint32_t>(shared_.requests_open);
  body.load.requests_refused += shared_.refused;
  HeartbeatOut sent;
  // What is urgent first. Round robin over what changed, so that a busy partition does not keep the
  // others from telling.
  has_more_to_tell_ = false;
  for (const bool urgent_ones : {true, false}) {
    PartitionKey& cursor = urgent_ones ? urgent_cursor_ : status_cursor_;
    auto at = changed_.upper_bound(cursor);
    for (std::size_t seen = 0; seen < changed_.size(); ++seen, ++at) {
      if (at == changed_.end()) at = changed_.begin();
      Slot& slot = replicas_.at(*at);
      const bool urgent = slot.told_report_version != slot.report_version ||
                          slot.told_vouched_version != slot.vouched_version;
      if (urgent != urgent_ones) continue;
      if (!urgent && now.monotonic < slot.told_at + limits::status_every) continue;
      if (body.partitions.size() == limits::statuses_per_heartbeat_max) {
        has_more_to_tell_ = has_more_to_tell_ || urgent;
        break;
      }
      cursor = *at;
      slot.told_at = now.monotonic;
      body.partitions.push_back(slot.replica.status());
      sent.told.push_back({*at, slot.status_version, slot.report_version, slot.vouched_version});
    }
  }
  Send send;
  send.message.header.kind = Kind::node_heartbeat;
  send.message.header.request_id = RequestId(next_request_++);
  send.message.body = std::move(body);
  sent.request = send.message.header.request_id;
  heartbeat_ = std::move(sent);
  out.sends.push_back(std::move(send));
}

void Node::tick_membership(const Now& now, Effects& out) {
  switch (link_) {
    case LinkState::unregistered:
      if (!stopping_ && now.monotonic >= next_attempt_) send_register(now, out);
      return;
    case LinkState::registering:
      if (now.monotonic >= registering_.answer_by) {
        lose_broker(now, ResetLink::yes, "the leader broker does not answer", out);
      }
      return;
    case LinkState::saving:
      return;
    case LinkState::registered:
      break;
  }
  if (now.monotonic >= quiet_after()) {
    lose_broker(now, ResetLink::yes, "the leader broker has gone quiet", out);
    return;
  }
  if (now.monotonic < next_heartbeat_) return;
  send_heartbeat(now, out);
  next_heartbeat_ = now.monotonic + heartbeat_every();
  hasty_heartbeat_ = now.monotonic + hasty_heartbeat_after;
}

Micros Node::heartbeat_every() const noexcept {
  return terms_.heartbeat_ms > 0 ? Micros(std::chrono::milliseconds(terms_.heartbeat_ms))
                                 : limits::heartbeat_every_default;
}

Micros Node::quiet_after() const noexcept {
  const Micros lost = terms_.lost_after_ms > 0
                          ? Micros(std::chrono::milliseconds(terms_.lost_after_ms))
                          : limits::node_lost_after_default;
  return last_heard_ + lost;
}

Micros Node::membership_deadline() const noexcept {
  switch (link_) {
    case LinkState::unregistered:
      return stopping_ ? never : next_attempt_;
    case LinkState::registering:
      return registering_.answer_by;
    case LinkState::saving:
      return never;
    case LinkState::registered:
      break;
  }
  return std::min(next_heartbeat_, quiet_after());
}

}  // namespace pinion::partition
