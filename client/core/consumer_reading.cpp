// Where a reading begins, its fetches, and what the answers to them mean.
#include "client/core/consumer_session.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <utility>

namespace pinion::client {
namespace {

Body place_request(const Place& place) {
  ListOffset request;
  if (place.kind == Place::Kind::latest) request.spec = OffsetSpec::latest;
  if (place.kind == Place::Kind::timestamp) {
    request.spec = OffsetSpec::timestamp;
    request.timestamp = place.timestamp;
  }
  return request;
}

}  // namespace

bool ConsumerSession::wants_to_fetch(const Now& now, const Part& part) const noexcept {
  return part.phase == Phase::fetching && !part.request && now.monotonic >= part.retry_at &&
         part.buffered <= fetch_share();
}

void ConsumerSession::ask(const Now& now, Parts::value_type& at, Effects& out) {
  Part& part = at.second;
  if (part.phase == Phase::asking_place && part.place.kind == Place::Kind::offset) {
    locate(at, part.place.offset, epoch_unknown, out);
    return;
  }
  const Body body = part.phase == Phase::asking_position ? Body(FetchPosition{settings_.reader})
                                                         : place_request(part.place);
  part.asked_any = false;
  part.sent_under = metadata_->leader_epoch(at.first);
  part.request = wire_->send({Asker::Kind::consumer, handle_.raw(), at.first},
                             {.key = at.first,
                              .leader_epoch = part.sent_under,
                              .time_left = limits::client_attempt_timeout,
                              .body = &body},
                             out);
  part.answer_by = part.request ? now.monotonic + limits::client_attempt_timeout : never;
}

bool ConsumerSession::fetch(const Now& now, Parts::value_type& at, Effects& out) {
  Part& part = at.second;
  const std::size_t share = fetch_share();
  // So that the high watermark, and with it the lag, is known at once.
  const Micros wait = part.fresh ? Micros{0} : fetch_wait();
  const Body body = Fetch{part.next, part.last_epoch, static_cast<std::uint32_t>(share),
                          static_cast<std::uint32_t>(wait / 1ms)};
  part.sent_under = metadata_->leader_epoch(at.first);
  part.asked_any = settings_.any_replica && !part.asks_leader;
  part.request = wire_->send({Asker::Kind::consumer, handle_.raw(), at.first},
                             {.key = at.first,
                              .leader_epoch = part.sent_under,
                              .time_left = wait + limits::client_attempt_timeout,
                              .any_replica = part.asked_any,
                              .body = &body},
                             out);
  if (!part.request) return false;
  part.sent_at = now.monotonic;
  part.answer_by = now.monotonic + wait + limits::client_attempt_timeout;
  part.reserved = share;
  reserved_ += share;
  return true;
}

void ConsumerSession::locate(Parts::value_type& at, Offset next, Epoch last_epoch, Effects& out) {
  Part& part = at.second;
  part.phase = Phase::fetching;
  part.fresh = true;
  part.next = next;
  part.last_epoch = last_epoch;
  out.located.push_back({handle_, at.first, part.reading, next, part.committed, last_epoch});
}

void ConsumerSession::on_fetched(const Now& now, Parts::value_type& at, Message&& answer,
                                 Effects& out) {
  Part& part = at.second;
  const auto& reply = std::get<FetchReply>(answer.body);
  part.asks_leader = false;
  Fetched fetched{handle_, at.first, part.reading, part.next, part.high_watermark, {}};
  Result<void> good;
  PINION_ASSERT(reply.batches.size() == answer.records.size());  // validate.hpp saw to it.
  for (std::size_t i = 0; i < reply.batches.size() && good; ++i) {
    good = take_batch(part, reply.batches[i], std::move(answer.records[i]), fetched.batches);
  }
  const bool moved = reply.high_watermark > part.high_watermark;
  part.high_watermark = std::max(part.high_watermark, reply.high_watermark);
  fetched.high_watermark = part.high_watermark;
  const bool progress = !fetched.batches.empty();
  if (progress || moved) out.fetched.push_back(std::move(fetched));
  if (progress) {
    part.corrupt = 0;
    part.retry.reset();
  }
  if (!good) {
    on_corrupt(now, at, std::move(good.error()), out);
    return;
  }
  // A peer that answers empty at once, again and again, must not be asked as fast as it answers.
  const bool hasty = !progress && !part.fresh && now.monotonic - part.sent_at < fetch_wait() / 4;
  part.fresh = false;
  part.retry_at = hasty ? now.monotonic + part.retry.next(wire_->prng) : now.monotonic;
}

Result<void> ConsumerSession::take_batch(Part& part, const BatchHeader& header, Bytes payload,
                                         std::vector<Batch>& taken) {
  if (header.base_offset < Offset{0}) {
    return failure(Errc::corrupt_record, "a batch came without an offset");
  }
  if (header.next_offset() <= part.next) return {};  // Read already.
  if (header.base_offset > part.next) {
    return failure(Errc::corrupt_record, "the answer to a fetch at " +
                                             std::to_string(part.next.raw()) + " goes on at " +
                                             std::to_string(header.base_offset.raw()));
  }
  PINION_CHECK(check_batch(header, payload.view(), limits::record_bytes_ceiling));
  part.next = header.next_offset();
  part.last_epoch = header.leader_epoch;
  part.buffered += payload.size();
  buffered_ += payload.size();
  taken.push_back({header, std::move(payload)});
  return {};
}

void ConsumerSession::on_corrupt(const Now& now, Parts::value_type& at, Error why, Effects& out) {
  Part& part = at.second;
  const std::string text = "the batch at offset " + std::to_string(part.next.raw()) +
                           " came damaged: " + why.to_string();
  out.events.push_back({.kind = EventKind::corrupt_batch, .detail = text});
  if (++part.corrupt >= limits::consumer_corrupt_fetches_max) {
    stop(at, fail(Errc::corrupt_record, text + "; seek beyond it to go on"), out);
    return;
  }
  part.retry_at = now.monotonic + part.retry.next(wire_->prng);
}

void ConsumerSession::on_refused(const Now& now, Parts::value_type& at, const Message& answer,
                                 Effects& out) {
  Part& part = at.second;
  const Errc code = answer.header.error;
  const ErrorBody* body = std::get_if<ErrorBody>(&answer.body);
  PINION_ASSERT(body != nullptr);  // The codec gives an error no other body.
  if (std::exchange(part.asked_any, false)) {
    // It may be behind, or have changed its role; the leader knows.
    part.asks_leader = true;
    part.retry_at = now.monotonic;
    static_cast<void>(metadata_->note_epoch(at.first, answer.header.leader_epoch));
    return;
  }
  if (code == Errc::offset_out_of_range || code == Errc::log_truncated) {
    on_lost_position(now, at, {code, body->detail}, *body, out);
    return;
  }
  part.retry_at = now.monotonic + part.retry.next(wire_->prng);
  switch (code) {
    case Errc::not_leader:
    case Errc::fenced_epoch:
      if (metadata_->note_epoch(at.first, answer.header.leader_epoch)) {
        part.retry.reset();
        part.retry_at = now.monotonic;
      }
      return;
    case Errc::partition_offline:
    case Errc::unknown_topic:  // Gone: the metadata will say so, and then it is left.
    case Errc::unknown_partition:
      metadata_->refresh();
      return;
    default:
      break;
  }
  if (!is_retriable(code)) stop(at, {code, body->detail}, out);
}

void ConsumerSession::on_lost_position(const Now& now, Parts::value_type& at, Error why,
                                       const ErrorBody& body, Effects& out) {
  Part& part = at.second;
  if (settings_.on_lost_position == OnLostPosition::error) {
    why.detail += " (asked for " + std::to_string(part.next.raw());
    if (body.log_start >= Offset{0}) {
      why.detail += "; the log has " + std::to_string(body.log_start.raw()) + " to " +
                    std::to_string(body.log_end.raw());
    }
    why.detail += ")";
    stop(at, std::move(why), out);
    return;
  }
  part.place =
      settings_.on_lost_position == OnLostPosition::earliest ? Place::earliest() : Place::latest();
  part.phase = Phase::asking_place;
  part.retry_at = now.monotonic;
}

void ConsumerSession::stop(Parts::value_type& at, Error why, Effects& out) {
  at.second.phase = Phase::stopped;
  out.problems.push_back({handle_, at.first, at.second.reading, std::move(why)});
}

}  // namespace pinion::client
