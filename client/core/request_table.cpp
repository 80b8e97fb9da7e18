#include "client/core/request_table.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace pinion::client {
namespace {

/// How long an answer may take: some come when the work is done, or there is something to read.
Micros patience_for(const Body& body) {
  if (const auto* fetch = std::get_if<Fetch>(&body)) {
    return Micros(std::int64_t{fetch->wait_ms} * 1000) + limits::client_attempt_timeout;
  }
  const bool takes_its_time = std::holds_alternative<CreateTopic>(body) ||
                              std::holds_alternative<Query>(body) ||
                              std::holds_alternative<RegisterProducer>(body);
  return (takes_its_time ? limits::query_time_max : Micros{0}) + limits::client_attempt_timeout;
}

/// Changes nothing: whether an attempt was carried out does not matter.
bool only_reads(const Body& body) {
  return std::holds_alternative<MetadataRequest>(body) ||
         std::holds_alternative<ClusterStatusRequest>(body) ||
         std::holds_alternative<FindRegistration>(body) || std::holds_alternative<Ping>(body) ||
         std::holds_alternative<Fetch>(body) || std::holds_alternative<ListOffset>(body) ||
         std::holds_alternative<FetchPosition>(body) || std::holds_alternative<Query>(body);
}

/// May be carried out twice without harm (CreateTopic and DeleteTopic: told by CallDone::repeated).
bool is_repeatable(const Body& body) {
  if (const auto* producer = std::get_if<RegisterProducer>(&body)) return !producer->name.empty();
  if (const auto* consumer = std::get_if<RegisterConsumer>(&body)) return !consumer->name.empty();
  if (const auto* produce = std::get_if<Produce>(&body)) {
    return produce->batch.producer_id != producer_none;
  }
  return true;
}

/// Of a dequeue.
std::optional<DequeuePlace> place_of(const Call& call) {
  const auto* dequeue = std::get_if<Dequeue>(&call.body);
  if (dequeue == nullptr) return std::nullopt;
  return DequeuePlace{call.topic, call.partition, dequeue->reader};
}

/// Retriable by the table, but what the caller wants to know at once.
bool is_answer(Errc code) { return !is_retriable(code) || code == Errc::nothing_unread; }

}  // namespace

void RequestTable::add(const Now& now, Call&& call, Effects& out) {
  const CallId id = call.call;
  if (open_.size() >= limits::client_calls_max) {
    out.calls.push_back({id, failure(Errc::throttled, "too many calls wait for answers"), false});
    return;
  }
  if (!call.topic.empty()) metadata_->watch(call.topic);
  const auto [at, fresh] = open_.try_emplace(id);
  PINION_ASSERT(fresh);
  at->second.call = std::move(call);
  schedule(now, at->second);
  attempt(now, at, out);
}

void RequestTable::on_answer(const Now& now, CallId id, Message&& answer, Effects& out) {
  const auto at = open_.find(id);
  if (at == open_.end() || at->second.request != answer.header.request_id) return;
  Open& open = at->second;
  open.request.reset();
  const Errc code = answer.header.error;
  if (code == Errc::ok) {
    end(at, std::move(answer), out);
    return;
  }
  const auto* body = std::get_if<ErrorBody>(&answer.body);
  Error error{code, body != nullptr ? body->detail : std::string()};
  if (fate_of(code) == Fate::unknown) open.maybe_done = true;
  if (is_answer(code) || (open.maybe_done && !is_repeatable(open.call.body))) {
    end(at, failure(std::move(error)), out);
    return;
  }
  if (code != Errc::no_nodes) {
    open.no_nodes_since = never;
  } else {
    if (open.no_nodes_since == never) open.no_nodes_since = now.monotonic;
    if (now.monotonic - open.no_nodes_since >= limits::client_no_nodes_patience) {
      end(at, failure(std::move(error)), out);
      return;
    }
  }
  open.last = std::move(error);
  if (code == Errc::not_leader || code == Errc::fenced_epoch || code == Errc::partition_offline) {
    const PartitionKey key{answer.header.topic, answer.header.partition};
    if (metadata_->note_epoch(key, answer.header.leader_epoch)) open.retry.reset();
  }
  retry_later(now, open);
}

void RequestTable::on_tick(const Now& now, Effects& out) {
  while (const auto id = timers_.pop_due(now.monotonic)) {
    const auto at = open_.find(*id);
    PINION_ASSERT(at != open_.end());
    Open& open = at->second;
    if (now.monotonic >= open.call.deadline) {
      expire(at, out);
      continue;
    }
    if (open.request && now.monotonic >= open.answer_by) {
      wire_->forget(*open.request);
      open.request.reset();
      open.maybe_done = true;
      open.retry_at = now.monotonic;
    }
    schedule(now, open);  // Before the attempt, which may end it.
    attempt(now, at, out);
  }
}

void RequestTable::on_connected(const Now& now, Effects& out) {
  for (auto& [id, open] : open_) open.retry_at = std::min(open.retry_at, now.monotonic);
  attempt_all(now, out);
}

void RequestTable::on_lost(const Now& now, Effects& out) {
  std::vector<CallId> ended;
  for (auto& [id, open] : open_) {
    if (!open.request) continue;
    open.request.reset();
    open.no_nodes_since = never;
    open.maybe_done = true;
    open.retry_at = now.monotonic;
    if (!is_repeatable(open.call.body)) ended.push_back(id);
    schedule(now, open);
  }
  for (const CallId id : ended) {
    end(open_.find(id),
        failure(Errc::connection_lost, "the connection was lost; it may have been carried out"),
        out);
  }
}

void RequestTable::on_metadata(const Now& now, const MetadataChanges& changes, Effects& out) {
  if (changes.topics.empty() && changes.moved.empty()) return;
  for (auto& [id, open] : open_) {
    if (!open.call.topic.empty()) open.retry_at = std::min(open.retry_at, now.monotonic);
  }
  attempt_all(now, out);
}

void RequestTable::on_room(const Now& now, Effects& out) { attempt_all(now, out); }

void RequestTable::pump(const Now& now, Effects& out) {
  while (!turns_.empty()) {
    const auto at = open_.find(turns_.front());
    turns_.pop_front();
    if (at != open_.end()) attempt(now, at, out);  // May end it, and give its turn to another.
  }
}

void RequestTable::on_stop(Effects& out) {
  while (!open_.empty()) {
    const auto at = open_.begin();
    if (may_have_happened(at->second)) {
      end(at,
          failure(Errc::cancelled,
                  "the client was closed before an answer came; it may have been carried out"),
          out);
    } else {
      end(at, failure(Errc::closed, "the client is closed"), out);
    }
  }
}

bool RequestTable::may_have_happened(const Open& open) {
  return !only_reads(open.call.body) && (open.maybe_done || open.request);
}

void RequestTable::attempt_all(const Now& now, Effects& out) {
  for (auto at = open_.begin(); at != open_.end();) {
    const auto next = std::next(at);  // attempt() may end the call.
    attempt(now, at, out);
    at = next;
  }
}

void RequestTable::attempt(const Now& now, Table::iterator at, Effects& out) {
  Open& open = at->second;
  if (open.request || now.monotonic < open.retry_at || !wire_->connected) return;
  // Whatever woke it: it waits for its deadline, at which its caller is told.
  if (open.maybe_done && !is_repeatable(open.call.body)) return;
  Request request{.body = &open.call.body};
  if (!open.call.topic.empty()) {
    const auto topic = metadata_->find(open.call.topic);
    if (!topic) {
      if (metadata_->knowledge(open.call.topic) == MetadataCache::Knowledge::missing) {
        end(at, failure(Errc::unknown_topic, "topic '" + open.call.topic + "' does not exist"),
            out);
      }
      return;
    }
    const auto count = static_cast<std::int32_t>(topic->partitions.size());
    if (open.call.partition.raw() < 0 || open.call.partition.raw() >= count) {
      end(at,
          failure(Errc::unknown_partition, "topic '" + open.call.topic +
                                               "' has the partitions 0 to " +
                                               std::to_string(count - 1)),
          out);
      return;
    }
    request.key = {topic->id, open.call.partition};
    request.leader_epoch = metadata_->leader_epoch(request.key);
  }
  if (!has_its_turn(open)) return;
  request.time_left = open.call.deadline - now.monotonic;
  request.records = open.call.records;
  open.request =
      wire_->send({Asker::Kind::call, open.call.call.raw(), {}}, std::move(request), out);
  if (!open.request) return;
  open.sent = true;
  open.answer_by = now.monotonic + patience_for(open.call.body);
  schedule(now, open);
}

bool RequestTable::has_its_turn(Open& open) {
  const auto place = place_of(open.call);
  if (!place) return true;
  if (!lanes_.enter(*place, open.call.call)) return false;
  auto& dequeue = std::get<Dequeue>(open.call.body);
  if (dequeue.token.empty()) dequeue.token = lanes_.make_token(*place, open.call.call);
  return true;
}

void RequestTable::retry_later(const Now& now, Open& open) {
  open.retry_at = now.monotonic + open.retry.next(wire_->prng);
  schedule(now, open);
}

void RequestTable::end(Table::iterator at, Result<Message> reply, Effects& out) {
  Open& open = at->second;
  if (open.request) wire_->forget(*open.request);
  if (!open.call.topic.empty()) metadata_->unwatch(open.call.topic);
  timers_.remove(at->first);
  out.calls.push_back({at->first, std::move(reply), open.maybe_done});
  if (const auto place = place_of(open.call)) {
    if (const auto next = lanes_.leave(*place, at->first)) turns_.push_back(*next);
  }
  open_.erase(at);
}

void RequestTable::expire(Table::iterator at, Effects& out) {
  const Open& open = at->second;
  const bool maybe = may_have_happened(open);
  if (!wire_->connected) {
    const std::string tail = maybe ? " (it may have been carried out before)" : "";
    end(at, failure(Errc::connection_lost, wire_->problem + tail), out);
  } else if (maybe) {
    end(at, failure(Errc::timed_out, "no answer came in time; it may have been carried out"), out);
  } else if (open.last) {
    end(at, failure(*open.last), out);
  } else {
    end(at,
        failure(Errc::timed_out,
                open.sent ? "no answer came in time" : "it could not be sent in time"),
        out);
  }
}

void RequestTable::schedule(const Now& now, const Open& open) {
  Micros at = open.call.deadline;
  if (open.request) {
    at = std::min(at, open.answer_by);
  } else if (open.retry_at > now.monotonic) {
    at = std::min(at, open.retry_at);
  }
  timers_.set(open.call.call, at);
}

}  // namespace pinion::client
