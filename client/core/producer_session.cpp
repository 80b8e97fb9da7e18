#include "client/core/producer_session.hpp"

#include "common/base/assert.hpp"
#include "common/base/checksum.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <utility>

namespace pinion::client {
namespace {

/// In RoomChanged: every partition of the producer.
constexpr PartitionKey all_partitions{};

}  // namespace

ProducerSession::ProducerSession(const OpenProducer& open, Wire& wire, MetadataCache& metadata)
    : open_(open), wire_(&wire), metadata_(&metadata) {}

// ---- Inputs

void ProducerSession::send(const Now& now, SendBatch&& input, Effects& out) {
  PINION_ASSERT(input.record_count > 0);
  PINION_ASSERT(input.record_count <= limits::batch_records_max);
  auto& at = *lanes_.try_emplace(input.key).first;
  Lane& lane = at.second;
  Batch batch;
  batch.number = input.number;
  batch.header.record_count = input.record_count;
  batch.header.crc = crc32c(input.payload.view());
  batch.payload = std::move(input.payload);
  batch.deadline = input.deadline;
  // Reports keep the order of the sends, so no batch can end before the one in front of it.
  if (!lane.inflight.empty())
    batch.deadline = std::max(batch.deadline, lane.inflight.back().deadline);
  if (!lane.waiting.empty())
    batch.deadline = std::max(batch.deadline, lane.waiting.back().deadline);
  lane.waiting.push_back(std::move(batch));
  ask_for_id(now, out);
  after_input(now, at, out);
}

void ProducerSession::on_answer(const Now& now, PartitionKey key, Message&& answer, Effects& out) {
  if (id_request_ == answer.header.request_id) {
    on_id_answer(now, answer, out);
    return;
  }
  const auto at = lanes_.find(key);
  if (at == lanes_.end()) return;
  auto& inflight = at->second.inflight;
  const auto found = std::find_if(inflight.begin(), inflight.end(), [&](const Batch& batch) {
    return batch.request == answer.header.request_id;
  });
  if (found == inflight.end()) return;
  Batch& batch = *found;
  batch.request.reset();
  if (const auto* reply = std::get_if<ProduceReply>(&answer.body)) {
    at->second.retry.reset();
    finish(key, batch, Outcome::acknowledged, {});
    // Answers come in the order of the requests, so one that an earlier batch still lacks was lost.
    for (auto earlier = inflight.begin(); earlier != found; ++earlier) {
      earlier->answer_by =
          std::min(earlier->answer_by, now.monotonic + limits::client_lost_after_gap);
    }
    batch.done->base_offset = reply->base_offset;
    batch.done->append_time = reply->append_time;
  } else if (answer.header.error == Errc::duplicate_sequence) {
    finish(key, batch, Outcome::acknowledged, {});
  } else {
    const auto* body = std::get_if<ErrorBody>(&answer.body);
    Error why{answer.header.error, body != nullptr ? body->detail : std::string()};
    const auto index = static_cast<std::size_t>(found - inflight.begin());
    on_refused(now, *at, index, std::move(why), answer.header.leader_epoch, out);
  }
  after_input(now, *at, out);
}

void ProducerSession::on_tick(const Now& now, Effects& out) {
  if (id_request_ && now.monotonic >= id_answer_by_) {
    wire_->forget(*id_request_);
    id_request_.reset();
  }
  ask_for_id(now, out);
  while (const auto key = timers_.pop_due(now.monotonic)) {
    const auto at = lanes_.find(*key);
    PINION_ASSERT(at != lanes_.end());
    for (Batch& batch : at->second.inflight) {
      if (batch.request && now.monotonic >= batch.answer_by) withdraw(batch);
    }
    after_input(now, *at, out);
  }
}

void ProducerSession::on_connected(const Now& now, Effects& out) {
  id_retry_at_ = now.monotonic;
  id_retry_.reset();
  ask_for_id(now, out);
  for (auto& at : lanes_) {
    at.second.retry_at = now.monotonic;
    at.second.retry.reset();
    after_input(now, at, out);
  }
  out.rooms.push_back({open_.producer, all_partitions});
}

void ProducerSession::on_lost(const Now& now, Effects& out) {
  id_request_.reset();
  starved_.clear();
  for (auto& at : lanes_) {
    at.second.starved = false;
    for (Batch& batch : at.second.inflight) withdraw(batch);
    after_input(now, at, out);
  }
}

void ProducerSession::on_moved(const Now& now, PartitionKey key, Effects& out) {
  const auto at = lanes_.find(key);
  if (at == lanes_.end()) return;
  const Epoch epoch = metadata_->leader_epoch(key);
  for (Batch& batch : at->second.inflight) {
    batch.blocked = false;
    if (batch.request && batch.sent_under < epoch) withdraw(batch);
  }
  at->second.retry_at = now.monotonic;
  at->second.retry.reset();
  after_input(now, *at, out);
}

void ProducerSession::on_room(const Now& now, Effects& out) {
  for (std::size_t left = starved_.size(); left > 0; --left) {
    const auto at = lanes_.find(starved_.front());
    PINION_ASSERT(at != lanes_.end());
    starved_.pop_front();
    at->second.starved = false;
    after_input(now, *at, out);
  }
}

void ProducerSession::close(Effects& out) {
  for (auto& at : lanes_) {
    Lane& lane = at.second;
    for (Batch& batch : lane.inflight) {
      withdraw(batch);
      if (batch.done) continue;
      finish(at.first, batch, Outcome::unknown,
             {Errc::cancelled, "the producer was closed before an answer came"});
    }
    for (Batch& batch : lane.waiting) {
      finish(at.first, batch, Outcome::failed,
             {Errc::closed, "the producer was closed before it was sent"});
      lane.inflight.push_back(std::move(batch));
    }
    lane.waiting.clear();
    for (Batch& batch : lane.inflight) out.batches.push_back(std::move(*batch.done));
    lane.inflight.clear();
  }
  lanes_.clear();
  if (id_request_) wire_->forget(*id_request_);
}

// ---- Sending

void ProducerSession::after_input(const Now& now, Lanes::value_type& at, Effects& out) {
  end_late(now, at, out);
  report_finished(at, out);
  pump(now, at, out);
  schedule(now, at);
  tell_room(at, out);
}

bool ProducerSession::may_send() const noexcept {
  return wire_->connected && (!open_.idempotent || id_ != producer_none);
}

void ProducerSession::pump(const Now& now, Lanes::value_type& at, Effects& out) {
  Lane& lane = at.second;
  if (!may_send() || now.monotonic < lane.retry_at) return;
  bool earlier_open = false;
  for (auto batch = lane.inflight.begin(); batch != lane.inflight.end(); ++batch) {
    if (batch->done) continue;
    if (!batch->request) {
      if (batch->blocked && earlier_open) return;
      if (!attempt(now, at, *batch, out)) return;
      for (auto behind = std::next(batch); behind != lane.inflight.end(); ++behind) {
        behind->blocked = false;
      }
    }
    earlier_open = true;
  }
  while (!lane.waiting.empty() && lane.inflight.size() < limits::producer_inflight_max) {
    Batch& batch = lane.waiting.front();
    batch.header.producer_id = id_;
    batch.header.producer_epoch = lane.epoch;
    batch.header.base_sequence = open_.idempotent ? lane.next_sequence : Sequence{0};
    if (!attempt(now, at, batch, out)) return;
    lane.next_sequence = batch.header.next_sequence();
    lane.inflight.push_back(std::move(batch));
    lane.waiting.pop_front();
  }
}

bool ProducerSession::attempt(const Now& now, Lanes::value_type& at, Batch& batch, Effects& out) {
  PINION_ASSERT(!batch.request);
  Lane& lane = at.second;
  const Epoch leader_epoch = metadata_->leader_epoch(at.first);
  const Body body = Produce{open_.acks, batch.header};
  batch.request = wire_->send({Asker::Kind::producer, open_.producer.raw(), at.first},
                              {.key = at.first,
                               .leader_epoch = leader_epoch,
                               .time_left = batch.deadline - now.monotonic,
                               .body = &body,
                               .records = {batch.payload}},
                              out);
  if (!batch.request) {
    if (!lane.starved) starved_.push_back(at.first);
    lane.starved = true;
    return false;
  }
  if (batch.attempts > 0) {
    ++wire_->counters.resends;
    out.events.push_back({EventKind::batch_resent, {}, open_.producer});
  }
  ++batch.attempts;
  ++batch.unresolved;
  batch.answer_by = now.monotonic + limits::client_attempt_timeout;
  batch.sent_under = leader_epoch;
  batch.blocked = false;
  return true;
}

void ProducerSession::schedule(const Now& now, const Lanes::value_type& at) {
  const Lane& lane = at.second;
  Micros next = never;
  bool idle = false;
  for (const Batch& batch : lane.inflight) {
    if (batch.done) continue;
    next = std::min(next, batch.deadline);
    if (batch.request) next = std::min(next, batch.answer_by);
    idle |= !batch.request && !batch.blocked;
  }
  if (!lane.waiting.empty()) next = std::min(next, lane.waiting.front().deadline);
  const bool pausing = lane.retry_at > now.monotonic && (idle || !lane.waiting.empty());
  if (pausing) next = std::min(next, lane.retry_at);
  timers_.set(at.first, next);
}

// ---- Room for the next batch

std::optional<std::size_t> ProducerSession::batch_worth_sending(PartitionKey key) const {
  if (!may_send()) return std::nullopt;
  const auto at = lanes_.find(key);
  return at == lanes_.end() ? std::optional<std::size_t>(0) : room_of(at->second);
}

std::optional<std::size_t> ProducerSession::room_of(const Lane& lane) const noexcept {
  if (!may_send() || !lane.waiting.empty()) return std::nullopt;
  if (lane.inflight.size() >= limits::producer_inflight_max) return std::nullopt;
  for (const Batch& batch : lane.inflight) {
    if (!batch.request && !batch.done) return std::nullopt;  // Something must be sent again first.
  }
  if (lane.inflight.size() >= limits::producer_small_inflight_max) {
    return limits::producer_sizeable_bytes;
  }
  return 0;
}

void ProducerSession::tell_room(Lanes::value_type& at, Effects& out) {
  const auto room = room_of(at.second);
  if (room == at.second.room) return;
  at.second.room = room;
  out.rooms.push_back({open_.producer, at.first});
}

// ---- The producer's id

void ProducerSession::ask_for_id(const Now& now, Effects& out) {
  if (!open_.idempotent || id_ != producer_none || id_request_) return;
  if (now.monotonic < id_retry_at_) return;
  const Body body = AllocateProducerIds{limits::producer_ids_per_request};
  id_request_ = wire_->send({Asker::Kind::producer, open_.producer.raw(), all_partitions},
                            {.time_left = limits::client_attempt_timeout, .body = &body}, out);
  id_answer_by_ = now.monotonic + limits::client_attempt_timeout;
  if (!id_request_ && wire_->connected) id_retry_at_ = now.monotonic + limits::client_retry_min;
}

void ProducerSession::on_id_answer(const Now& now, const Message& answer, Effects& out) {
  id_request_.reset();
  const auto* reply = std::get_if<AllocateProducerIdsReply>(&answer.body);
  if (reply == nullptr || reply->count == 0) {
    id_retry_at_ = now.monotonic + id_retry_.next(wire_->prng);
    return;
  }
  id_ = reply->first;
  for (auto& at : lanes_) after_input(now, at, out);
  out.rooms.push_back({open_.producer, all_partitions});
}

Micros ProducerSession::next_deadline() const noexcept {
  Micros next = timers_.next();
  if (id_request_) return std::min(next, id_answer_by_);
  if (open_.idempotent && id_ == producer_none && wire_->connected) {
    next = std::min(next, id_retry_at_);
  }
  return next;
}

void ProducerSession::check_invariants() const {
  for (const auto& [key, lane] : lanes_) {
    PINION_ASSERT(lane.inflight.size() <= limits::producer_inflight_max);
    const Batch* before = nullptr;
    for (const Batch& batch : lane.inflight) {
      PINION_ASSERT(batch.attempts > 0);
      PINION_ASSERT(batch.unresolved <= batch.attempts);
      PINION_ASSERT(batch.header.producer_epoch <= lane.epoch);
      if (!open_.idempotent || batch.header.producer_epoch != lane.epoch) continue;
      if (before != nullptr) {
        PINION_ASSERT(before->header.next_sequence() == batch.header.base_sequence);
      }
      before = &batch;
    }
    if (before != nullptr) PINION_ASSERT(before->header.next_sequence() == lane.next_sequence);
    for (const Batch& batch : lane.waiting) PINION_ASSERT(batch.attempts == 0);
  }
}

}  // namespace pinion::client
