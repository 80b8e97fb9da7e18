#include "client/core/consumer_session.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <utility>

namespace pinion::client {

ConsumerSession::ConsumerSession(OpenConsumer open, Wire& wire, MetadataCache& metadata)
    : handle_(open.consumer),
      settings_(std::move(open.settings)),
      wire_(&wire),
      metadata_(&metadata) {
  for (const std::string& name : settings_.topics) topics_[name];
  for (const TopicPartition& one : settings_.partitions) {
    const bool whole = std::find(settings_.topics.begin(), settings_.topics.end(), one.topic) !=
                       settings_.topics.end();
    if (!whole) topics_[one.topic].only.push_back(one.partition);
  }
  for (auto& [name, topic] : topics_) topic.name = std::make_shared<const std::string>(name);
}

// ---- Inputs

void ConsumerSession::open(const Now& now, Effects& out) {
  for (auto& [name, topic] : topics_) {
    metadata_->watch(name);
    follow(now, topic, out);
  }
}

void ConsumerSession::on_answer(const Now& now, PartitionKey key, Message&& answer, Effects& out) {
  const auto at = parts_.find(key);
  if (at == parts_.end()) return;
  Part& part = at->second;
  if (part.commits.request == answer.header.request_id) {
    on_commit_answer(now, *at, answer, out);
  } else if (part.request == answer.header.request_id) {
    withdraw(part);
    if (answer.header.error != Errc::ok) {
      on_refused(now, *at, answer, out);
    } else if (const auto* position = std::get_if<FetchPositionReply>(&answer.body)) {
      part.high_watermark = std::max(part.high_watermark, position->high_watermark);
      part.committed = position->offset;
      part.retry.reset();
      if (position->offset < Offset{0}) {
        part.phase = Phase::asking_place;
      } else {
        locate(*at, position->offset, position->leader_epoch, out);
      }
    } else if (const auto* place = std::get_if<ListOffsetReply>(&answer.body)) {
      part.retry.reset();
      locate(*at, place->offset, place->epoch, out);
    } else if (std::holds_alternative<FetchReply>(answer.body)) {
      on_fetched(now, *at, std::move(answer), out);
    }
  }
  advance(now, *at, out);
  pump(now, out);
}

void ConsumerSession::on_tick(const Now& now, Effects& out) {
  while (const auto key = timers_.pop_due(now.monotonic)) {
    const auto at = parts_.find(*key);
    PINION_ASSERT(at != parts_.end());
    Part& part = at->second;
    if (part.request && now.monotonic >= part.answer_by) {
      part.asks_leader = std::exchange(part.asked_any, false);
      withdraw(part);
    }
    advance(now, *at, out);
  }
  pump(now, out);
}

void ConsumerSession::on_connected(const Now& now, Effects& out) {
  for (auto& at : parts_) {
    at.second.retry_at = now.monotonic;
    at.second.retry.reset();
    at.second.commits.retry_at = now.monotonic;
    advance(now, at, out);
  }
  pump(now, out);
}

void ConsumerSession::on_lost() {
  for (auto& [key, part] : parts_) {
    withdraw(part);
    if (part.commits.request) part.commits.maybe_done = true;
    part.commits.request.reset();
  }
}

void ConsumerSession::on_metadata(const Now& now, const MetadataChanges& changes, Effects& out) {
  for (const std::string& name : changes.topics) {
    const auto found = topics_.find(name);
    if (found != topics_.end()) follow(now, found->second, out);
  }
  for (const PartitionKey key : changes.moved) {
    const auto at = parts_.find(key);
    if (at == parts_.end()) continue;
    Part& part = at->second;
    if (part.request && part.sent_under < metadata_->leader_epoch(key)) withdraw(part);
    part.retry_at = now.monotonic;
    part.retry.reset();
    part.commits.retry_at = now.monotonic;
    advance(now, *at, out);
  }
  pump(now, out);
}

void ConsumerSession::on_room(const Now& now, Effects& out) {
  for (auto& at : parts_) advance(now, at, out);
  pump(now, out);
}

void ConsumerSession::consumed(const Now& now, const Consumed& input, Effects& out) {
  const auto at = parts_.find(input.key);
  if (at == parts_.end() || at->second.reading != input.reading) return;
  const std::size_t bytes = std::min(input.bytes, at->second.buffered);
  at->second.buffered -= bytes;
  buffered_ -= bytes;
  advance(now, *at, out);
  pump(now, out);
}

void ConsumerSession::seek(const Now& now, const Seek& input, Effects& out) {
  const auto at = parts_.find(input.key);
  if (at == parts_.end()) return;
  Part& part = at->second;
  PINION_ASSERT(input.reading > part.reading);
  withdraw(part);
  drop_buffered(part);
  part.reading = input.reading;
  part.place = input.place;
  part.phase = Phase::asking_place;
  part.corrupt = 0;
  part.retry_at = now.monotonic;
  part.retry.reset();
  advance(now, *at, out);
  pump(now, out);
}

void ConsumerSession::commit(const Now& now, const SendCommit& input, Effects& out) {
  PINION_ASSERT(!settings_.reader.empty());
  const auto at = parts_.find(input.key);
  if (at == parts_.end()) {
    out.calls.push_back({input.call,
                         failure(Errc::unknown_partition, "the partition is not read any more"),
                         false});
    return;
  }
  at->second.commits.waits.push_back({input.call, input.next, input.leader_epoch, input.deadline});
  advance(now, *at, out);
}

void ConsumerSession::close(Effects& out) {
  for (auto& [name, topic] : topics_) {
    leave_topic(topic, out);
    metadata_->unwatch(name);
  }
  topics_.clear();
}

// ---- Which partitions

void ConsumerSession::follow(const Now& now, Topic& topic, Effects& out) {
  const auto knowledge = metadata_->knowledge(*topic.name);
  if (knowledge == MetadataCache::Knowledge::unknown) return;
  const auto metadata = metadata_->find(*topic.name);
  if (topic.id && (!metadata || metadata->id != *topic.id)) {
    const PartitionKey key{*topic.id, PartitionIndex{0}};
    leave_topic(topic, out);
    if (settings_.if_missing == MissingTopic::error) {
      out.problems.push_back(
          {handle_, key, Reading{0},
           fail(Errc::unknown_topic, "topic '" + *topic.name + "' was deleted")});
    }
  }
  if (!metadata) {
    if (!topic.known && settings_.if_missing == MissingTopic::error) {
      out.problems.push_back(
          {handle_,
           {},
           Reading{0},
           fail(Errc::unknown_topic, "topic '" + *topic.name + "' does not exist")});
    }
    topic.known = true;
    return;
  }
  // What is made while the consumer is open is read from its first record.
  const Place start = topic.known ? Place::earliest() : settings_.start;
  topic.known = true;
  topic.id = metadata->id;
  for (const PartitionMetadata& partition : metadata->partitions) {
    const auto& only = topic.only;
    if (!only.empty() && std::find(only.begin(), only.end(), partition.partition) == only.end()) {
      continue;
    }
    const PartitionKey key{metadata->id, partition.partition};
    if (parts_.find(key) == parts_.end()) join(now, key, topic, start, out);
  }
  pump(now, out);
}

void ConsumerSession::join(const Now& now, PartitionKey key, const Topic& topic, Place start,
                           Effects& out) {
  auto& at = *parts_.try_emplace(key).first;
  at.second.topic = topic.name;
  at.second.place = start;
  const bool resumes = !settings_.reader.empty() && !settings_.ignore_committed;
  at.second.phase = resumes ? Phase::asking_position : Phase::asking_place;
  out.joined.push_back({handle_, key, topic.name});
  advance(now, at, out);
}

void ConsumerSession::leave_topic(Topic& topic, Effects& out) {
  if (!topic.id) return;
  for (auto at = parts_.begin(); at != parts_.end();) {
    if (at->first.topic != *topic.id) {
      ++at;
      continue;
    }
    Part& part = at->second;
    withdraw(part);
    drop_buffered(part);
    if (part.commits.request) wire_->forget(*part.commits.request);
    end_commits(part.commits, part.commits.waits.size(),
                failure(Errc::closed, "the partition is not read any more"), out);
    timers_.remove(at->first);
    out.left.push_back({handle_, at->first});
    at = parts_.erase(at);
  }
  topic.id.reset();
}

// ---- What is next for a partition

void ConsumerSession::advance(const Now& now, Parts::value_type& at, Effects& out) {
  Part& part = at.second;
  pump_commits(now, at, out);
  if (!part.request && now.monotonic >= part.retry_at) {
    if (part.phase == Phase::asking_position || part.phase == Phase::asking_place) {
      ask(now, at, out);
    }
    if (wants_to_fetch(now, part) && !part.queued) {
      part.queued = true;
      line_.push_back(at.first);
    }
  }
  schedule(now, at);
}

/// Fetches for those in line, as long as the buffer and the connection take it.
void ConsumerSession::pump(const Now& now, Effects& out) {
  while (!line_.empty() && wire_->connected) {
    const auto at = parts_.find(line_.front());
    if (at == parts_.end() || !at->second.queued || !wants_to_fetch(now, at->second)) {
      if (at != parts_.end()) at->second.queued = false;
      line_.pop_front();
      continue;
    }
    const std::size_t used = buffered_ + reserved_;
    if (used > 0 && used + fetch_share() > settings_.buffer_bytes_max) return;
    if (!fetch(now, *at, out)) return;
    at->second.queued = false;
    line_.pop_front();
    schedule(now, *at);
  }
}

void ConsumerSession::schedule(const Now& now, const Parts::value_type& at) {
  const Part& part = at.second;
  Micros next = never;
  if (part.request) {
    next = part.answer_by;
  } else if (part.phase != Phase::stopped && part.retry_at > now.monotonic) {
    next = part.retry_at;
  }
  const CommitLane& lane = part.commits;
  for (const CommitWait& wait : lane.waits) next = std::min(next, wait.deadline);
  if (lane.request) {
    next = std::min(next, lane.answer_by);
  } else if (!lane.waits.empty() && lane.retry_at > now.monotonic) {
    next = std::min(next, lane.retry_at);
  }
  timers_.set(at.first, next);
}

void ConsumerSession::withdraw(Part& part) {
  if (part.request) wire_->forget(*part.request);
  part.request.reset();
  part.answer_by = never;
  PINION_ASSERT(reserved_ >= part.reserved);
  reserved_ -= part.reserved;
  part.reserved = 0;
}

void ConsumerSession::drop_buffered(Part& part) {
  PINION_ASSERT(buffered_ >= part.buffered);
  buffered_ -= part.buffered;
  part.buffered = 0;
}

std::size_t ConsumerSession::fetch_share() const noexcept {
  // One answer buffered and one on its way, for each partition.
  const std::size_t share =
      settings_.buffer_bytes_max / (2 * std::max<std::size_t>(1, parts_.size()));
  const std::size_t most = std::clamp<std::size_t>(
      settings_.fetch_bytes_max, limits::consumer_fetch_bytes_min, limits::fetch_bytes_max);
  return std::clamp(share, limits::consumer_fetch_bytes_min, most);
}

Micros ConsumerSession::fetch_wait() const noexcept {
  const bool crowded = parts_.size() * fetch_share() > settings_.buffer_bytes_max;
  return crowded ? limits::consumer_fetch_wait_crowded : limits::consumer_fetch_wait;
}

void ConsumerSession::check_invariants() const {
  std::size_t buffered = 0;
  std::size_t reserved = 0;
  for (const auto& [key, part] : parts_) {
    buffered += part.buffered;
    reserved += part.reserved;
    PINION_ASSERT(part.commits.covered <= part.commits.waits.size());
    if (part.reserved > 0) PINION_ASSERT(part.request);
  }
  PINION_ASSERT(buffered == buffered_);
  PINION_ASSERT(reserved == reserved_);
}

}  // namespace pinion::client
