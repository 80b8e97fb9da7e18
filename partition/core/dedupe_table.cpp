#include "partition/core/dedupe_table.hpp"

#include "common/base/assert.hpp"

#include <algorithm>

namespace pinion::partition {

void DedupeTable::recover(const std::vector<ProducerState>& producers) {
  PINION_ASSERT(producers_.empty());
  for (const ProducerState& state : producers) {
    if (state.batches.empty()) continue;
    Producer producer;
    for (const ProducerState::Remembered& batch : state.batches) {
      producer.batches.push_back({state.epoch, batch.base_sequence, batch.record_count,
                                  batch.base_offset, batch.append_time, Ticket{0}});
    }
    trim(producer);
    producer.last_seen = state.last_seen;
    by_age_.emplace(state.last_seen, state.id);
    producers_.emplace(state.id, std::move(producer));
  }
  while (producers_.size() > producers_max_) erase(producers_.find(by_age_.begin()->second));
}

DedupeTable::Finding DedupeTable::check(const BatchHeader& batch, Micros log_time) const {
  PINION_ASSERT(batch.producer_id != producer_none);
  Finding finding;
  const auto at = producers_.find(batch.producer_id);
  const bool known = at != producers_.end();
  if (known) {
    const Remembered& last = at->second.batches.back();
    if (batch.producer_epoch < last.epoch) {
      finding.verdict = Verdict::fenced;
      finding.epoch = last.epoch;
      return finding;
    }
    if (batch.producer_epoch == last.epoch) {
      finding.expected = last.next_sequence();
      if (batch.base_sequence == finding.expected) return finding;
      if (may_skip_sequences(batch.producer_id) && batch.base_sequence > finding.expected) {
        return finding;
      }
      finding.verdict = Verdict::gap;
      Sequence oldest = last.base_sequence;
      for (const Remembered& known_batch : at->second.batches) {
        if (known_batch.epoch != last.epoch) continue;
        oldest = std::min(oldest, known_batch.base_sequence);
        if (known_batch.base_sequence != batch.base_sequence) continue;
        if (known_batch.record_count != batch.record_count) return finding;
        finding.verdict = Verdict::duplicate;
        finding.base_offset = known_batch.base_offset;
        finding.append_time = known_batch.append_time;
        finding.ticket = known_batch.ticket;
        return finding;
      }
      if (batch.next_sequence() <= oldest) finding.verdict = Verdict::forgotten;
      return finding;
    }
  }
  // Unknown here, or a new epoch: it begins at 0.
  if (batch.base_sequence != Sequence{0} && !may_skip_sequences(batch.producer_id)) {
    finding.verdict = Verdict::gap;
    return finding;
  }
  if (!known && producers_.size() >= producers_max_ && evictable(log_time) == producers_.end()) {
    finding.verdict = Verdict::full;
  }
  return finding;
}

std::size_t DedupeTable::add(const BatchHeader& batch, Ticket ticket) {
  PINION_ASSERT(inflight_.empty() || inflight_.back().first < ticket);
  PINION_ASSERT(batch.base_offset >= Offset{0});
  std::size_t evicted = 0;
  if (producers_.count(batch.producer_id) == 0) {
    while (producers_.size() >= producers_max_) {
      const auto oldest = evictable(batch.append_time);
      PINION_ASSERT(oldest != producers_.end());
      erase(producers_.find(oldest->first));
      ++evicted;
    }
  }
  enter(batch, ticket);
  return evicted;
}

std::size_t DedupeTable::add_copied(const BatchHeader& batch, Ticket ticket) {
  std::size_t evicted = 0;
  if (producers_.count(batch.producer_id) == 0 && producers_.size() >= producers_max_) {
    for (const auto& [seen, id] : by_age_) {
      const auto at = producers_.find(id);
      if (at->second.inflight > 0) continue;
      erase(at);
      ++evicted;
      break;
    }
  }
  enter(batch, ticket);
  return evicted;
}

void DedupeTable::enter(const BatchHeader& batch, Ticket ticket) {
  Producer& producer = producers_[batch.producer_id];
  producer.batches.push_back({batch.producer_epoch, batch.base_sequence, batch.record_count,
                              batch.base_offset, batch.append_time, ticket});
  ++producer.inflight;
  touch(batch.producer_id, producer, batch.append_time);
  inflight_.emplace_back(ticket, batch.producer_id);
}

void DedupeTable::on_durable(Ticket last) {
  while (!inflight_.empty() && inflight_.front().first <= last) {
    Producer& producer = producers_.at(inflight_.front().second);
    PINION_ASSERT(producer.inflight > 0);
    producer.batches[producer.batches.size() - producer.inflight].ticket = Ticket{0};
    --producer.inflight;
    trim(producer);
    inflight_.pop_front();
  }
}

void DedupeTable::drop_from(Ticket first) {
  while (!inflight_.empty() && inflight_.back().first >= first) {
    const auto at = producers_.find(inflight_.back().second);
    Producer& producer = at->second;
    PINION_ASSERT(producer.inflight > 0);
    PINION_ASSERT(producer.batches.back().ticket == inflight_.back().first);
    producer.batches.pop_back();
    --producer.inflight;
    inflight_.pop_back();
    if (producer.batches.empty()) {
      erase(at);
    } else {
      touch(at->first, producer, producer.batches.back().append_time);
    }
  }
}

std::vector<ProducerState> DedupeTable::states() const {
  std::vector<ProducerState> states;
  for (const auto& [id, producer] : producers_) {
    ProducerState state;
    state.id = id;
    const std::size_t durable = producer.batches.size() - producer.inflight;
    for (std::size_t i = 0; i < durable; ++i) {
      const Remembered& batch = producer.batches[i];
      state.epoch = batch.epoch;
      state.batches.push_back(
          {batch.base_sequence, batch.record_count, batch.base_offset, batch.append_time});
      state.last_seen = batch.append_time;
    }
    if (!state.batches.empty()) states.push_back(std::move(state));
  }
  return states;
}

std::size_t DedupeTable::expire(Micros before) {
  std::size_t expired = 0;
  auto at = by_age_.begin();
  while (at != by_age_.end() && at->first < before) {
    const auto producer = producers_.find(at->second);
    ++at;
    if (producer->second.inflight > 0) continue;
    erase(producer);
    ++expired;
  }
  return expired;
}

void DedupeTable::touch(ProducerId id, Producer& producer, Micros seen) {
  by_age_.erase({producer.last_seen, id});
  producer.last_seen = seen;
  by_age_.emplace(seen, id);
}

void DedupeTable::erase(Producers::iterator at) {
  by_age_.erase({at->second.last_seen, at->first});
  producers_.erase(at);
}

DedupeTable::Producers::const_iterator DedupeTable::evictable(Micros log_time) const {
  for (const auto& [seen, id] : by_age_) {
    if (seen > log_time - limits::producer_kept_at_least) break;
    const auto at = producers_.find(id);
    if (at->second.inflight == 0) return at;
  }
  return producers_.end();
}

void DedupeTable::trim(Producer& producer) {
  // Of what is durable: the last few of the newest durable epoch. What is on its way may still be
  // taken back, so it pushes nothing out yet.
  const std::size_t durable = producer.batches.size() - producer.inflight;
  if (durable == 0) return;
  const ProducerEpoch epoch = producer.batches[durable - 1].epoch;
  std::size_t kept = durable;
  while (kept > limits::producer_batches_remembered ||
         (kept > 0 && producer.batches.front().epoch != epoch)) {
    producer.batches.pop_front();
    --kept;
  }
}

void DedupeTable::check_invariants() const {
  PINION_ASSERT(by_age_.size() == producers_.size());
  PINION_ASSERT(producers_.size() <= producers_max_ + inflight_.size());
  std::size_t inflight = 0;
  for (const auto& [id, producer] : producers_) {
    PINION_ASSERT(!producer.batches.empty());
    PINION_ASSERT(by_age_.count({producer.last_seen, id}) == 1);
    const std::size_t durable = producer.batches.size() - producer.inflight;
    PINION_ASSERT(durable <= limits::producer_batches_remembered);
    for (std::size_t i = 0; i < producer.batches.size(); ++i) {
      PINION_ASSERT((producer.batches[i].ticket == Ticket{0}) == (i < durable));
      if (i > 0)
        PINION_ASSERT(producer.batches[i - 1].base_offset < producer.batches[i].base_offset);
    }
    inflight += producer.inflight;
  }
  PINION_ASSERT(inflight == inflight_.size());
}

}  // namespace pinion::partition
