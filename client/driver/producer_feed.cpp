#include "client/driver/producer_feed.hpp"

#include "common/base/assert.hpp"

#include <algorithm>

namespace pinion::client {

ProducerFeed::ProducerFeed(ProducerHandle handle, const ProducerOptions& options,
                           std::shared_ptr<Accumulator> accumulator,
                           std::shared_ptr<ProducerTotals> totals, Session session)
    : handle_(handle),
      options_(options),
      accumulator_(std::move(accumulator)),
      totals_(std::move(totals)),
      session_(std::move(session)) {}

void ProducerFeed::pump(Micros now) {
  ready_.clear();
  accumulator_->take_ready(ready_);
  for (Lane* lane : ready_) {
    Fed& fed = lanes_[lane->key];
    fed.lane = lane;
    make_due(fed);
  }
  const bool flushing = accumulator_->flushing();
  const bool begins_to_flush = flushing && !was_flushing_;
  was_flushing_ = flushing;
  if (begins_to_flush) on_all_rooms();
  if (now >= next_look_) {
    next_look_ = never;
    for (auto& [key, fed] : lanes_) {
      if (fed.look_at <= now) make_due(fed);
      next_look_ = std::min(next_look_, fed.look_at);
    }
  }
  // Looking at one may make room elsewhere, and so make others due.
  for (std::size_t i = 0; i < due_.size(); ++i) {
    Fed& fed = *due_[i];
    fed.due = false;
    look_at(fed, now);
  }
  due_.clear();
}

void ProducerFeed::look_at(Fed& fed, Micros now) {
  const Micros linger = accumulator_->flushing() ? Micros{0} : options_.linger;
  for (;;) {
    sealed_.clear();
    accumulator_->take_sealed(*fed.lane, sealed_);
    for (GatheredBatch& batch : sealed_) hand_over(fed, std::move(batch));
    const auto worth = session_.worth(handle_, fed.lane->key);
    auto taken = accumulator_->take_open(*fed.lane, worth, linger, options_.delivery_timeout, now);
    if (taken.batch) hand_over(fed, std::move(*taken.batch));
    if (taken.batch || taken.sealed) continue;
    fed.look_at = taken.look_again;
    next_look_ = std::min(next_look_, fed.look_at);
    return;
  }
}

void ProducerFeed::hand_over(Fed& fed, GatheredBatch&& batch) {
  const BatchNumber number(++last_number_);
  SendBatch send;
  send.producer = handle_;
  send.key = fed.lane->key;
  send.number = number;
  send.payload = accumulator_->pool().share(std::move(batch.payload));
  send.record_count = batch.record_count;
  send.deadline = batch.opened_at + options_.delivery_timeout;
  fed.on_its_way.push_back(
      {number, batch.record_count, batch.first_number, std::move(batch.callbacks), batch.charge});
  session_.step(std::move(send));
}

void ProducerFeed::make_due(Fed& fed) {
  if (fed.due || fed.lane == nullptr) return;
  fed.due = true;
  due_.push_back(&fed);
}

void ProducerFeed::on_room(PartitionKey key) {
  const auto at = lanes_.find(key);
  if (at != lanes_.end()) make_due(at->second);
}

void ProducerFeed::on_all_rooms() {
  for (auto& [key, fed] : lanes_) make_due(fed);
}

void ProducerFeed::on_done(BatchDone&& done) {
  const auto at = lanes_.find(done.key);
  PINION_ASSERT(at != lanes_.end());
  Fed& fed = at->second;
  PINION_ASSERT(!fed.on_its_way.empty());
  OnItsWay batch = std::move(fed.on_its_way.front());
  fed.on_its_way.pop_front();
  PINION_ASSERT(batch.number == done.number);
  report(fed, batch, done);
}

void ProducerFeed::on_event(EventKind kind) {
  if (kind == EventKind::batch_resent) totals_->resends.fetch_add(1);
  if (kind == EventKind::epoch_taken) totals_->epochs.fetch_add(1);
}

void ProducerFeed::report(Fed& fed, OnItsWay& batch, const BatchDone& done) {
  switch (done.outcome) {
    case Outcome::acknowledged:
      totals_->records_acknowledged.fetch_add(batch.record_count);
      totals_->batches_acknowledged.fetch_add(1);
      break;
    case Outcome::failed:
      totals_->records_failed.fetch_add(batch.record_count);
      break;
    case Outcome::unknown:
      totals_->records_unknown.fetch_add(batch.record_count);
      break;
  }
  if (options_.on_batch) {
    options_.on_batch({.outcome = done.outcome,
                       .error = done.error,
                       .topic = *fed.lane->topic,
                       .partition = done.key.partition,
                       .base_offset = done.base_offset,
                       .log_time = done.append_time,
                       .record_count = batch.record_count,
                       .first_number = batch.first_number});
  }
  if (!batch.callbacks.empty()) {
    DeliveryReport report;
    report.outcome = done.outcome;
    report.error = done.error;
    report.topic = *fed.lane->topic;
    report.partition = done.key.partition;
    for (RecordCallback& callback : batch.callbacks) {
      if (done.base_offset >= Offset{0}) {
        report.offset = done.base_offset + std::int64_t{callback.index};
        report.log_time = done.append_time + Micros(callback.index);
      }
      callback.call(report);
    }
    batch.callbacks.clear();
  }
  accumulator_->release(batch.charge);
  accumulator_->on_reported(*fed.lane, batch.record_count);
}

void ProducerFeed::report_rest() {
  std::vector<std::pair<Lane*, GatheredBatch>> rest;
  accumulator_->take_rest(rest);
  for (auto& [lane, batch] : rest) {
    Fed& fed = lanes_[lane->key];
    fed.lane = lane;
    OnItsWay never_left{BatchNumber(++last_number_), batch.record_count, batch.first_number,
                        std::move(batch.callbacks), batch.charge};
    BatchDone done;
    done.producer = handle_;
    done.key = lane->key;
    done.outcome = Outcome::failed;
    done.error = fail(Errc::closed, "the producer was closed before it was sent");
    report(fed, never_left, done);
  }
}

}  // namespace pinion::client
