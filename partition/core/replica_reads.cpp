// What goes to the reader threads and what comes back; and queries, which are nothing else.
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/replica.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace pinion::partition {

void Replica::start_or_queue(const Now& now, ReadJob job, Effects& out) {
  if (reads_waiting_.empty() && shared_->reads.may_start(job.bytes)) {
    start(std::move(job), out);
    return;
  }
  if (reads_waiting_.size() >= limits::reads_waiting_per_partition_max) {
    fail_read(now, job, fail(Errc::throttled, "too many reads wait for this partition's file"),
              out);
    return;
  }
  reads_waiting_.push_back(std::move(job));
  shared_->reads.waiting.push_back(key_);
}

Ticket Replica::start(ReadJob job, Effects& out) {
  PINION_ASSERT(log_open_ && !close_wanted_);
  const Ticket ticket = shared_->next_ticket();
  ReadEffect effect;
  effect.key = key_;
  effect.ticket = ticket;
  effect.op = std::move(job.op);
  out.reads.push_back(std::move(effect));
  if (std::holds_alternative<QueryJob>(job.why)) {
    ++shared_->queries_inflight;
  } else {
    ++shared_->reads.inflight;
    shared_->reads.bytes += job.bytes;
  }
  job.role_life = role_life_;
  reads_.emplace(ticket, std::move(job));
  return ticket;
}

bool Replica::start_waiting_read(const Now& now, Effects& out) {
  if (reads_waiting_.empty()) return true;
  if (!shared_->reads.may_start(reads_waiting_.front().bytes)) return false;
  ReadJob job = std::move(reads_waiting_.front());
  reads_waiting_.pop_front();
  if (now.monotonic >= job.deadline) {
    fail_read(now, job, fail(Errc::throttled, "its time was over before its turn came"), out);
  } else {
    start(std::move(job), out);
  }
  return true;
}

std::optional<ReadJob> Replica::finish_read(Ticket ticket, Effects& out) {
  const auto at = reads_.find(ticket);
  if (at == reads_.end()) {
    event(out, EventKind::unexpected, Severity::warn, "a read came back twice");
    return std::nullopt;
  }
  ReadJob job = std::move(at->second);
  reads_.erase(at);
  if (std::holds_alternative<QueryJob>(job.why)) {
    PINION_ASSERT(shared_->queries_inflight > 0);
    --shared_->queries_inflight;
  } else {
    PINION_ASSERT(shared_->reads.inflight > 0 && shared_->reads.bytes >= job.bytes);
    --shared_->reads.inflight;
    shared_->reads.bytes -= job.bytes;
  }
  if (job.role_life == role_life_ && waiting_fetches() != nullptr) return job;
  // The role ended meanwhile.
  if (job.asker) refuse_by_role(std::move(*job.asker), out);
  continue_closing(out);
  return std::nullopt;
}

/// Whoever waits for a query is answered now: it may run for long, and its rows would come too
/// late.
void Replica::give_up_queries(const Error& why, Effects& out) {
  for (auto& [ticket, job] : reads_) {
    if (!std::holds_alternative<QueryJob>(job.why) || !job.asker) continue;
    shared_->refuse(std::move(*job.asker), why, assignment_.leader_epoch, out);
    job.asker.reset();
    out.queries_given_up.push_back(ticket);
  }
}

/// A read that will bring nothing: whoever waits for it is told, whatever it was for.
void Replica::fail_read(const Now& now, ReadJob& job, const Error& why, Effects& out) {
  if (std::holds_alternative<RetentionJob>(job.why)) {
    std::get<Leading>(role_).retention_running = false;
    return;
  }
  if (std::holds_alternative<ReadAheadJob>(job.why)) return;
  const Epoch epoch = assignment_.leader_epoch;
  if (why.code == Errc::offset_out_of_range) {
    refuse_offset(std::move(*job.asker), why.code, why.detail, out);
  } else if (why.code == Errc::io_failed) {  // Local to this process: out of descriptors, say.
    shared_->refuse(std::move(*job.asker), fail(Errc::throttled, why.detail), epoch, out);
  } else {
    shared_->refuse(std::move(*job.asker), why, epoch, out);
  }
  const auto* dequeue = std::get_if<DequeueJob>(&job.why);
  if (dequeue != nullptr && !dequeue->repeat) free_lane(now, dequeue->reader, out);
}

/// True when the file itself cannot be trusted; then the replica has halted.
bool Replica::halts_on(ReadJob& job, const Error& why, Effects& out) {
  if (why.code != Errc::storage_failed && why.code != Errc::file_corrupt) return false;
  const std::string detail = "reading failed: " + why.to_string();
  if (job.asker) {
    shared_->refuse(std::move(*job.asker), halted_error(detail), assignment_.leader_epoch, out);
  }
  halt_on(why, detail, out);
  return true;
}

/// From now on it counts for what it is: a batch may be larger than what was asked for.
void Replica::keep_read_ahead(RecordsRead& read) {
  ReadsAhead& ahead = waiting_fetches()->ahead;
  ReadAhead* expected = ahead.find(read.ticket);
  if (expected == nullptr) return;  // Forgotten meanwhile.
  if (!read.batches) return ahead.drop(read.ticket);
  std::size_t bytes = 0;
  for (const Batch& batch : *read.batches) bytes += batch.payload.size();
  expected->held.reset();
  if (shared_->ahead_bytes + bytes > limits::reads_ahead_bytes_max) return ahead.drop(read.ticket);
  expected->held.emplace(shared_->ahead_bytes, bytes);
  expected->batches = std::move(*read.batches);
}

void Replica::step(const Now& now, RecordsRead& in, Effects& out) {
  std::optional<ReadJob> job = finish_read(in.ticket, out);
  if (!job) return;
  if (!in.batches && halts_on(*job, in.batches.error(), out)) return;
  if (std::holds_alternative<ReadAheadJob>(job->why)) {
    keep_read_ahead(in);
  } else if (std::holds_alternative<ReplicaFetchJob>(job->why)) {
    answer_follower_read(now, *job, in.batches, out);
  } else if (std::holds_alternative<DequeueJob>(job->why)) {
    dequeue_read(now, *job, in.batches, out);
  } else if (!in.batches) {
    fail_read(now, *job, in.batches.error(), out);
  } else {
    PINION_ASSERT(std::holds_alternative<FetchJob>(job->why));
    answer_fetch_read(now, *job, *in.batches, out);
  }
}

void Replica::step(const Now& now, TimeFound& in, Effects& out) {
  std::optional<ReadJob> job = finish_read(in.ticket, out);
  if (!job) return;
  if (in.offset) {
    answer_offset(std::move(*job->asker), std::max(*in.offset, log_.log_start), out);
  } else if (!halts_on(*job, in.offset.error(), out)) {
    fail_read(now, *job, in.offset.error(), out);
  }
}

void Replica::step(const Now& now, Queried& in, Effects& out) {
  std::optional<ReadJob> job = finish_read(in.ticket, out);
  if (!job) return;
  if (in.reply) {
    shared_->answer(std::move(*job->asker), std::move(*in.reply), assignment_.leader_epoch, out);
  } else if (in.reply.error().code != Errc::file_corrupt ||
             !halts_on(*job, in.reply.error(), out)) {
    // A statement can fail in ways that say nothing about the file.
    fail_read(now, *job, in.reply.error(), out);
  }
}

void Replica::on_query(const Now& now, Request& request, Effects& out) {
  auto& query = std::get<Query>(request.body);
  if (refuses_uncertain(request.asker, out)) return;
  const Epoch epoch = assignment_.leader_epoch;
  if (shared_->queries_inflight >= limits::queries_inflight_max) {
    return shared_->refuse(std::move(request.asker),
                           fail(Errc::throttled, "too many queries are running on this node"),
                           epoch, out);
  }
  ReadJob job;
  job.asker = std::move(request.asker);
  job.why = QueryJob{};
  RunQuery run;
  run.sql = std::move(query.sql);
  run.rows_max = query.rows_max == 0 ? limits::query_rows_default
                                     : std::min(query.rows_max, limits::query_rows_max);
  run.deadline = std::min(request.deadline, now.monotonic + limits::request_lifetime_max);
  run.end = log_.high_watermark;
  job.op = std::move(run);
  start(std::move(job), out);
}

}  // namespace pinion::partition
