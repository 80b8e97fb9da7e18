// What an answer, or its absence, says of a batch; and what follows for those behind it. The rules
// are in producer_session.hpp.
#include "client/core/producer_session.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <utility>

namespace pinion::client {

void ProducerSession::on_refused(const Now& now, Lanes::value_type& at, std::size_t index,
                                 Error why, Epoch leader_epoch, Effects& out) {
  Lane& lane = at.second;
  Batch& batch = lane.inflight[index];
  PINION_ASSERT(batch.unresolved > 0);
  if (fate_of(why.code) == Fate::did_not_happen) --batch.unresolved;
  lane.last_error = why.code;
  lane.last_detail = why.detail;
  if (open_.idempotent &&
      (why.code == Errc::out_of_order_sequence || why.code == Errc::fenced_producer)) {
    on_out_of_order(now, at, index, std::move(why), out);
    return;
  }
  if (!is_retriable(why.code)) {
    const bool never_in_log = batch.unresolved == 0 && fate_of(why.code) == Fate::did_not_happen;
    finish(at.first, batch, never_in_log ? Outcome::failed : Outcome::unknown, std::move(why));
    return;
  }
  const bool moved = why.code == Errc::not_leader || why.code == Errc::fenced_epoch;
  if (moved && metadata_->note_epoch(at.first, leader_epoch)) {
    lane.retry.reset();
    lane.retry_at = now.monotonic;
    return;
  }
  if (moved || why.code == Errc::partition_offline) metadata_->refresh();
  lane.retry_at = now.monotonic + lane.retry.next(wire_->prng);
}

void ProducerSession::on_out_of_order(const Now& now, Lanes::value_type& at, std::size_t index,
                                      Error why, Effects& out) {
  Lane& lane = at.second;
  Batch& batch = lane.inflight[index];
  for (std::size_t i = 0; i < index; ++i) {
    Batch& earlier = lane.inflight[i];
    if (earlier.done) continue;
    // It waits for that one; which was lost on its way, or is just being sent again.
    batch.blocked = true;
    earlier.answer_by = std::min(earlier.answer_by, now.monotonic + limits::client_lost_after_gap);
    return;
  }
  if (batch.header.producer_epoch != lane.epoch) return;
  if (batch.unresolved > 0) {
    finish(at.first, batch, Outcome::unknown, std::move(why));
    return;
  }
  // The leader has forgotten this producer, or remembers a newer epoch of it. This batch is
  // certainly not in the log, so nothing behind it is.
  take_new_epoch(at, out);
  lane.retry_at = now.monotonic + (lane.retry.fresh() ? Micros{0} : lane.retry.next(wire_->prng));
  if (lane.retry.fresh()) static_cast<void>(lane.retry.next(wire_->prng));
}

void ProducerSession::end_late(const Now& now, Lanes::value_type& at, Effects& out) {
  Lane& lane = at.second;
  if (!lane.inflight.empty()) {
    Batch& first = lane.inflight.front();
    if (first.done || now.monotonic < first.deadline) return;
    // A later one of the same epoch that is acknowledged proves that this one is in the log.
    const bool proved =
        open_.idempotent &&
        std::any_of(lane.inflight.begin(), lane.inflight.end(), [&](const Batch& batch) {
          return batch.done && batch.done->outcome == Outcome::acknowledged &&
                 batch.header.producer_epoch == first.header.producer_epoch;
        });
    if (proved) {
      finish(at.first, first, Outcome::acknowledged, {});
    } else {
      finish(at.first, first, Outcome::unknown, {Errc::timed_out, late_text(lane)});
    }
    report_finished(at, out);
    end_late(now, at, out);
    return;
  }
  while (!lane.waiting.empty() && now.monotonic >= lane.waiting.front().deadline) {
    Batch batch = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    finish(at.first, batch, Outcome::failed, {Errc::timed_out, late_text(lane)});
    out.batches.push_back(std::move(*batch.done));
  }
}

void ProducerSession::finish(PartitionKey key, Batch& batch, Outcome outcome, Error error) const {
  PINION_ASSERT(!batch.done);
  batch.done.emplace();
  batch.done->producer = open_.producer;
  batch.done->key = key;
  batch.done->number = batch.number;
  batch.done->outcome = outcome;
  batch.done->error = std::move(error);
}

void ProducerSession::report_finished(Lanes::value_type& at, Effects& out) {
  Lane& lane = at.second;
  while (!lane.inflight.empty() && lane.inflight.front().done) {
    Batch batch = std::move(lane.inflight.front());
    lane.inflight.pop_front();
    withdraw(batch);
    const Outcome outcome = batch.done->outcome;
    out.batches.push_back(std::move(*batch.done));
    // One that ended badly in an epoch which was left already has no one behind it any more.
    if (outcome == Outcome::acknowledged || batch.header.producer_epoch != lane.epoch) continue;
    if (outcome == Outcome::unknown) end_unresolved(at);
    take_new_epoch(at, out);
  }
}

void ProducerSession::end_unresolved(Lanes::value_type& at) {
  for (Batch& batch : at.second.inflight) {
    if (batch.done || batch.unresolved == 0) continue;
    withdraw(batch);
    finish(at.first, batch, Outcome::unknown,
           {Errc::timed_out, "it was on its way behind a batch whose fate is unknown"});
  }
}

void ProducerSession::take_new_epoch(Lanes::value_type& at, Effects& out) {
  if (!open_.idempotent) return;
  Lane& lane = at.second;
  ++lane.epoch;
  lane.next_sequence = Sequence{0};
  for (Batch& batch : lane.inflight) {
    if (batch.done) continue;
    withdraw(batch);
    batch.unresolved = 0;
    batch.blocked = false;
    batch.header.producer_epoch = lane.epoch;
    batch.header.base_sequence = lane.next_sequence;
    lane.next_sequence = batch.header.next_sequence();
  }
  ++wire_->counters.epochs_taken;
  out.events.push_back({EventKind::epoch_taken, lane.last_detail, open_.producer});
}

/// Its answer is not waited for any more; it may come to be carried out all the same.
void ProducerSession::withdraw(Batch& batch) {
  if (batch.request) wire_->forget(*batch.request);
  batch.request.reset();
  batch.answer_by = never;
  batch.blocked = false;
}

std::string ProducerSession::late_text(const Lane& lane) const {
  if (!wire_->connected) return wire_->problem;
  if (lane.last_error == Errc::ok) return "no answer came within the delivery timeout";
  return "not done within the delivery timeout; the last answer was " +
         Error{lane.last_error, lane.last_detail}.to_string();
}

}  // namespace pinion::client
