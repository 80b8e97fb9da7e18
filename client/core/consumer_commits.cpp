// Committing positions: one at a time for each partition, the last one wins.
#include "client/core/consumer_session.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <utility>

namespace pinion::client {

void ConsumerSession::on_commit_answer(const Now& now, Parts::value_type& at, const Message& answer,
                                       Effects& out) {
  CommitLane& lane = at.second.commits;
  lane.request.reset();
  const Errc code = answer.header.error;
  if (code == Errc::ok) {
    lane.retry.reset();
    lane.maybe_done = false;
    lane.refused.reset();
    end_commits(lane, lane.covered, answer, out);
    return;
  }
  const auto* body = std::get_if<ErrorBody>(&answer.body);
  if (!is_retriable(code)) {
    end_commits(lane, lane.covered, failure(code, body != nullptr ? body->detail : ""), out);
    return;
  }
  if (fate_of(code) == Fate::unknown) lane.maybe_done = true;
  lane.refused = Error{code, body != nullptr ? body->detail : ""};
  lane.retry_at = now.monotonic + lane.retry.next(wire_->prng);
  if (code == Errc::not_leader || code == Errc::fenced_epoch) {
    if (metadata_->note_epoch(at.first, answer.header.leader_epoch)) lane.retry_at = now.monotonic;
  }
}

void ConsumerSession::pump_commits(const Now& now, Parts::value_type& at, Effects& out) {
  CommitLane& lane = at.second.commits;
  if (lane.request && now.monotonic >= lane.answer_by) {
    wire_->forget(*lane.request);
    lane.request.reset();
    lane.maybe_done = true;
  }
  expire_commits(now, lane, out);
  if (lane.request || lane.waits.empty() || now.monotonic < lane.retry_at) return;
  const CommitWait& last = lane.waits.back();
  const Body body = CommitPosition{settings_.reader, last.next, last.leader_epoch};
  lane.request = wire_->send({Asker::Kind::consumer, handle_.raw(), at.first},
                             {.key = at.first,
                              .leader_epoch = metadata_->leader_epoch(at.first),
                              .time_left = last.deadline - now.monotonic,
                              .body = &body},
                             out);
  if (!lane.request) return;
  lane.covered = lane.waits.size();
  lane.answer_by = now.monotonic + limits::client_attempt_timeout;
}

void ConsumerSession::expire_commits(const Now& now, CommitLane& lane, Effects& out) {
  for (std::size_t i = 0; i < lane.waits.size();) {
    if (now.monotonic < lane.waits[i].deadline) {
      ++i;
      continue;
    }
    const bool covered = i < lane.covered;
    const bool maybe = lane.maybe_done || (lane.request && covered);
    Error why{Errc::timed_out, "the commit was not answered in time"};
    if (!wire_->connected) {
      why = {Errc::connection_lost, wire_->problem};
    } else if (lane.refused && !maybe) {
      why = *lane.refused;
    }
    if (maybe) why.detail += " (it may have been carried out)";
    out.calls.push_back({lane.waits[i].call, failure(std::move(why)), maybe});
    lane.waits.erase(lane.waits.begin() + static_cast<std::ptrdiff_t>(i));
    if (covered) --lane.covered;
  }
}

void ConsumerSession::end_commits(CommitLane& lane, std::size_t count, const Result<Message>& reply,
                                  Effects& out) {
  PINION_ASSERT(count <= lane.waits.size());
  for (std::size_t i = 0; i < count; ++i) {
    out.calls.push_back({lane.waits.front().call, reply, lane.maybe_done});
    lane.waits.pop_front();
  }
  lane.covered -= std::min(lane.covered, count);
}

}  // namespace pinion::client
