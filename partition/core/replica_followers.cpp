// A leader answers its followers: records that are durable here, where logs part, where to begin
// again, positions, and the high watermark. docs/REPLICATION.md, "The log".
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/replica.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace pinion::partition {

namespace {

PositionRow row_of(const Position& position) {
  return {position.reader,     position.offset,      position.leader_epoch, position.version,
          position.last_token, position.last_offset, position.deleted,      position.updated_at};
}

/// Of one row in a message, about.
std::size_t bytes_of(const Position& position) {
  constexpr std::size_t numbers = 64;
  return numbers + position.reader.size() + position.last_token.size();
}

/// A follower writes each row that changed with a ticket of its own.
constexpr std::size_t position_rows_at_once = limits::pending_tickets_per_partition_max / 8;

/// What is remembered of batches below `end`: the rest comes with the records.
std::vector<ProducerRow> rows_below(const std::vector<ProducerState>& producers, Offset end) {
  std::vector<ProducerRow> rows;
  for (const ProducerState& producer : producers) {
    ProducerRow row{producer.id, producer.epoch, producer.last_seen, {}};
    for (const ProducerState::Remembered& batch : producer.batches) {
      if (batch.base_offset >= end) break;
      row.batches.push_back(
          {batch.base_sequence, batch.record_count, batch.base_offset, batch.append_time});
      row.last_seen = batch.append_time;
    }
    if (!row.batches.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

/// Null when it is no replica, or this is of a copy that has been followed by another.
Follower* Replica::follower_of(const Now& now, Leading& leading, const ReplicaFetch& fetch) {
  const auto at = leading.followers.find(fetch.node);
  if (at == leading.followers.end()) return nullptr;
  Follower& follower = at->second;
  const std::pair known(follower.session, follower.copy);
  const std::pair said(fetch.session, fetch.copy);
  if (said < known) return nullptr;
  if (said > known) {
    // Whatever it had is not known any more. Who waited for the old copy waits no longer.
    Follower fresh;
    fresh.session = fetch.session;
    fresh.copy = fetch.copy;
    fresh.caught_up_at = follower.agreed ? follower.caught_up_at : now.monotonic;
    fresh.caught_up_wall = follower.agreed ? follower.caught_up_wall : now.wall;
    fresh.waiting = std::move(follower.waiting);
    follower = std::move(fresh);
  }
  follower.incarnation = fetch.incarnation;
  return &follower;
}

void Replica::on_replica_fetch(const Now& now, Request& request, Effects& out) {
  auto& leading = std::get<Leading>(role_);
  const auto fetch = std::get<ReplicaFetch>(request.body);
  const Epoch asked = request.asker.header.leader_epoch;
  if (asked != leading.epoch) {
    return shared_->refuse(
        std::move(request.asker),
        fail(Errc::fenced_epoch, "the partition's epoch is " + std::to_string(leading.epoch.raw()) +
                                     " here, and " + std::to_string(asked.raw()) + " there"),
        leading.epoch, out);
  }
  Follower* follower = follower_of(now, leading, fetch);
  if (follower == nullptr) {
    return shared_->refuse(std::move(request.asker),
                           fail(Errc::not_registered, "not a replica, or an older copy of one"),
                           leading.epoch, out);
  }
  ReplicaFetchReply reply;
  reply.log_start = log_.log_start;
  reply.log_end = log_.durable_end;
  reply.high_watermark = log_.high_watermark;
  reply.position_version = fetch.position_version;
  const EpochStart end = log_.end_of_epoch(fetch.last_epoch);
  const bool is_prefix = fetch.last_epoch == epoch_unknown
                             ? fetch.offset <= log_.log_end
                             : end.epoch == fetch.last_epoch && fetch.offset <= end.start;
  // All that it has is gone here. That may have been something else: an epoch that ends just there
  // and is not known here was committed by nobody, or its records are gone as well.
  if (fetch.offset < log_.log_start || (fetch.offset == log_.log_start && !is_prefix)) {
    reply.begin_at = log_.log_start;
    reply.producers = rows_below(log_.dedupe.states(), log_.log_start);
    return shared_->answer(std::move(request.asker), std::move(reply), leading.epoch, out);
  }
  if (!is_prefix) {
    reply.diverging_epoch = end.epoch;
    reply.diverging_end = std::max(end.start, log_.log_start);
    return shared_->answer(std::move(request.asker), std::move(reply), leading.epoch, out);
  }
  // What it copied before it led is on its way to the disk. That is not gone: who has it must not
  // cut it, for an older fetch, or the same one again, would be agreed with when it is there.
  if (fetch.offset > log_.durable_end) {
    follower->caught_up_at = now.monotonic;
    follower->caught_up_wall = now.wall;
    return shared_->refuse(
        std::move(request.asker),
        fail(Errc::throttled, "what is before " + std::to_string(fetch.offset.raw()) +
                                  " is on its way to the leader's disk"),
        leading.epoch, out);
  }
  follower->agreed = true;
  follower->read_end = std::max(follower->read_end, fetch.offset);
  note_progress(now, *follower, fetch.durable_end, fetch.durable_position_version);
  note_if_whole(leading, *follower);
  const Micros wait =
      std::min<Micros>(std::chrono::milliseconds(fetch.wait_ms), limits::fetch_wait_max);
  serve_follower(now, *follower, {std::move(request.asker), fetch, now.monotonic + wait}, out);
  commit_what_is(now, out);
  review_isr(now, out);
}

void Replica::step(const Now& now, const ReplicaProgress& progress, Epoch epoch, Effects& out) {
  auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr || leading->epoch != epoch) return;
  const auto at = leading->followers.find(progress.node);
  if (at == leading->followers.end()) return;
  Follower& follower = at->second;
  // Of another copy: only a fetch can begin one.
  if (!follower.agreed || follower.session != progress.session || follower.copy != progress.copy) {
    return;
  }
  note_progress(now, follower, progress.durable_end, progress.durable_position_version);
  note_if_whole(*leading, follower);
  commit_what_is(now, out);
  review_isr(now, out);
}

void Replica::note_progress(const Now& now, Follower& follower, Offset durable_end,
                            PositionVersion durable_position_version) {
  PINION_ASSERT(follower.agreed);
  // No more than what has been found to agree, and never back within one copy.
  durable_end = std::min(durable_end, follower.read_end);
  follower.durable_end = std::max(follower.durable_end, durable_end);
  follower.durable_position_version =
      std::max(follower.durable_position_version, durable_position_version);
  if (follower.durable_end >= log_.durable_end) {
    follower.caught_up_at = now.monotonic;
    follower.caught_up_wall = now.wall;
  } else if (follower.mark_at > Micros{0} && follower.durable_end >= follower.mark_end) {
    // Under load it is never at the end, but where the end was when it was last looked at.
    follower.caught_up_at = std::max(follower.caught_up_at, follower.mark_at);
    follower.caught_up_wall = now.wall - (now.monotonic - follower.caught_up_at);
    follower.mark_at = Micros{0};
  }
  if (follower.mark_at == Micros{0}) {
    follower.mark_at = now.monotonic;
    follower.mark_end = log_.durable_end;
  }
}

bool Replica::has_news(const Follower& follower, const ReplicaFetch& fetch) const {
  (void)follower;
  return fetch.offset < log_.durable_end || fetch.position_version < log_.positions.version();
}

/// Answers at once when there is something to say, else when there is, or the wait is over.
void Replica::serve_follower(const Now& now, Follower& follower, ReplicaFetchWait wait,
                             Effects& out) {
  const ReplicaFetch& fetch = wait.fetch;
  if (!has_news(follower, fetch) && now.monotonic < wait.deadline) {
    if (follower.waiting) {  // It asked again; the earlier answer is of no use to anybody.
      answer_follower(now, follower, std::move(follower.waiting->asker), follower.waiting->fetch,
                      {}, {}, out);
    }
    follower.waiting = std::move(wait);
    return;
  }
  if (fetch.offset >= log_.durable_end) {
    return answer_follower(now, follower, std::move(wait.asker), fetch, {}, {}, out);
  }
  const std::size_t bytes_max =
      std::clamp<std::size_t>(fetch.bytes_max, 1, limits::replica_fetch_bytes);
  if (log_.tail.holds(fetch.offset)) {
    std::vector<BatchHeader> batches;
    Frames payloads;
    log_.tail.collect(fetch.offset, log_.durable_end, bytes_max, batches, payloads);
    return answer_follower(now, follower, std::move(wait.asker), fetch, std::move(batches),
                           std::move(payloads), out);
  }
  ReadJob job;
  job.asker = std::move(wait.asker);
  job.bytes = bytes_max;
  job.why = ReplicaFetchJob{fetch};
  job.op = ReadRecords{fetch.offset, log_.durable_end, bytes_max};
  start_or_queue(now, std::move(job), out);
}

void Replica::answer_follower(const Now& /*now*/, Follower& follower, Asker&& asker,
                              const ReplicaFetch& fetch, std::vector<BatchHeader>&& batches,
                              Frames&& payloads, Effects& out) {
  ReplicaFetchReply reply;
  reply.log_start = log_.log_start;
  reply.log_end = log_.durable_end;
  reply.high_watermark = log_.high_watermark;
  reply.batches = std::move(batches);
  add_positions(reply, fetch);
  follower.told_high_watermark = log_.high_watermark;
  for (const BatchHeader& batch : reply.batches) {
    PINION_ASSERT(batch.next_offset() <= log_.durable_end);
  }
  shared_->answer(std::move(asker), std::move(reply), assignment_.leader_epoch, out,
                  std::move(payloads));
}

/// In the order of their versions, as many as fit; the rest with the next fetches. A row that
/// changes in between has a higher version then, and comes with a later part.
void Replica::add_positions(ReplicaFetchReply& reply, const ReplicaFetch& fetch) const {
  reply.position_version = log_.positions.version();
  reply.all_positions = fetch.position_version < PositionVersion{0};
  if (fetch.position_version >= reply.position_version) return;
  std::size_t bytes = 0;
  for (const Position& position :
       log_.positions.durable_since(fetch.position_version, position_rows_at_once + 1)) {
    bytes += bytes_of(position);
    const bool fits =
        bytes <= limits::replica_positions_bytes && reply.positions.size() < position_rows_at_once;
    if (!fits && !reply.positions.empty()) {
      reply.more_positions = true;
      reply.position_version = reply.positions.back().version;
      return;
    }
    reply.positions.push_back(row_of(position));
  }
}

void Replica::answer_follower_read(const Now& now, ReadJob& job,
                                   Result<std::vector<Batch>>& batches, Effects& out) {
  auto& leading = std::get<Leading>(role_);
  const ReplicaFetch fetch = std::get<ReplicaFetchJob>(job.why).fetch;
  const auto at = leading.followers.find(fetch.node);
  if (at == leading.followers.end() || !batches) {
    return shared_->refuse(
        std::move(*job.asker),
        fail(Errc::throttled, batches ? "not a replica any more" : batches.error().detail),
        leading.epoch, out);
  }
  std::vector<BatchHeader> headers;
  Frames payloads;
  std::size_t bytes = 0;
  for (Batch& batch : *batches) {
    bytes += batch.payload.size();
    if (!headers.empty() && bytes > limits::replica_fetch_bytes) break;
    if (headers.size() == limits::records_frames_max) break;
    if (batch.header.next_offset() > log_.durable_end) break;
    headers.push_back(batch.header);
    payloads.push_back(std::move(batch.payload));
  }
  answer_follower(now, at->second, std::move(*job.asker), fetch, std::move(headers),
                  std::move(payloads), out);
}

/// After something became durable: those who wait get it.
void Replica::serve_waiting_followers(const Now& now, Effects& out) {
  auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr) return;
  for (auto& [node, follower] : leading->followers) {
    if (!follower.waiting || !has_news(follower, follower.waiting->fetch)) continue;
    ReplicaFetchWait wait = std::move(*follower.waiting);
    follower.waiting.reset();
    serve_follower(now, follower, std::move(wait), out);
  }
}

Micros Replica::followers_deadline(const Leading& leading) const noexcept {
  Micros deadline = never;
  const std::vector<NodeId> isr = in_sync();
  for (const auto& [node, follower] : leading.followers) {
    if (follower.waiting) deadline = std::min(deadline, follower.waiting->deadline);
    if (leading.isr_request) continue;
    if (std::find(isr.begin(), isr.end(), node) == isr.end()) continue;
    deadline = std::min(deadline, follower.caught_up_at + limits::replica_lag_max + Micros{1});
  }
  if (leading.isr_request) deadline = std::min(deadline, leading.isr_request->again_at);
  return deadline;
}

void Replica::tick_followers(const Now& now, Effects& out) {
  auto& leading = std::get<Leading>(role_);
  const bool tell = now.monotonic >= leading.tell_at;
  if (tell) leading.tell_at = never;
  for (auto& [node, follower] : leading.followers) {
    if (!follower.waiting) continue;
    const bool over = now.monotonic >= follower.waiting->deadline;
    if (!over && !(tell && follower.told_high_watermark < log_.high_watermark)) continue;
    ReplicaFetchWait wait = std::move(*follower.waiting);
    follower.waiting.reset();
    answer_follower(now, follower, std::move(wait.asker), wait.fetch, {}, {}, out);
  }
  review_isr(now, out);
}

}  // namespace pinion::partition
