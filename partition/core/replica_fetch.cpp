// Fetch and list_offset: what readers see of the log, all of it below the high watermark.
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/replica.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace pinion::partition {

void Replica::refuse_offset(Asker&& asker, Errc code, std::string detail, Effects& out) {
  shared_->refuse(std::move(asker), fail(code, std::move(detail)), assignment_.leader_epoch, out);
  auto& body = std::get<ErrorBody>(out.sends.back().message.body);
  body.log_start = log_.log_start;
  body.log_end = log_.high_watermark;
}

void Replica::on_fetch(const Now& now, Request& request, Effects& out) {
  const auto* leading = std::get_if<Leading>(&role_);
  const auto& fetch = std::get<Fetch>(request.body);
  Asker asker = std::move(request.asker);
  // Beyond what is durable but within what is being written: wait as at the end.
  const bool behind = leading == nullptr && fetch.offset > log_.high_watermark;
  if (behind || (leading != nullptr && !is_certain(*leading) &&
                 fetch.offset >= log_.high_watermark && fetch.offset <= leading->begin)) {
    return refuse_offset(std::move(asker), Errc::offset_not_available,
                         "it is not certain yet that what is at " +
                             std::to_string(fetch.offset.raw()) + " is committed",
                         out);
  }
  if (fetch.offset < log_.log_start || fetch.offset > log_.log_end) {
    return refuse_offset(std::move(asker), Errc::offset_out_of_range,
                         "offset " + std::to_string(fetch.offset.raw()) + " is not within " +
                             std::to_string(log_.log_start.raw()) + " to " +
                             std::to_string(log_.high_watermark.raw()),
                         out);
  }
  if (!log_.agrees_with(fetch.last_epoch, fetch.offset)) {
    return refuse_offset(std::move(asker), Errc::log_truncated,
                         "the log was cut below offset " + std::to_string(fetch.offset.raw()) +
                             " of epoch " + std::to_string(fetch.last_epoch.raw()),
                         out);
  }
  const std::size_t bytes_max =
      fetch.bytes_max == 0 ? limits::fetch_bytes_default
                           : std::min<std::size_t>(fetch.bytes_max, limits::fetch_bytes_max);
  if (fetch.offset < log_.high_watermark) {
    if (log_.tail.holds(fetch.offset)) {
      return answer_fetch_from_tail(now, std::move(asker), fetch.offset, bytes_max, out);
    }
    ReadJob job;
    job.asker = std::move(asker);
    job.deadline = request.deadline;
    job.bytes = bytes_max;
    job.why = FetchJob{fetch.offset, bytes_max};
    if (answers_from_ahead(now, job, out)) return;
    job.op = ReadRecords{fetch.offset, log_.high_watermark, bytes_max};
    return start_or_queue(now, std::move(job), out);
  }
  const Micros wait = std::min<Micros>(std::chrono::milliseconds(fetch.wait_ms),  //
                                       limits::fetch_wait_max);
  const Micros deadline = std::min(now.monotonic + wait, request.deadline);
  if (deadline <= now.monotonic) return answer_fetch_empty(std::move(asker), out);
  WaitingFetches& fetches = *waiting_fetches();
  if (fetches.by_deadline.size() >= limits::waiting_fetches_per_partition_max) {
    return shared_->refuse(std::move(asker),
                           fail(Errc::throttled, "too many fetches wait at this partition's end"),
                           assignment_.leader_epoch, out);
  }
  fetches.by_deadline.emplace(std::pair(deadline, ++fetches.taken),
                              WaitingFetch{std::move(asker), fetch.offset, bytes_max});
}

void Replica::answer_waiting_fetches(const Now& now, Effects& out) {
  WaitingFetches* fetches = waiting_fetches();
  if (fetches == nullptr) return;
  for (auto at = fetches->by_deadline.begin(); at != fetches->by_deadline.end();) {
    WaitingFetch& fetch = at->second;
    if (fetch.offset >= log_.high_watermark) {
      ++at;
      continue;
    }
    if (log_.tail.holds(fetch.offset)) {
      answer_fetch_from_tail(now, std::move(fetch.asker), fetch.offset, fetch.bytes_max, out);
    } else {  // More than the tail's budget became visible at once.
      ReadJob job;
      job.asker = std::move(fetch.asker);
      job.bytes = fetch.bytes_max;
      job.why = FetchJob{fetch.offset, fetch.bytes_max};
      job.op = ReadRecords{fetch.offset, log_.high_watermark, fetch.bytes_max};
      start_or_queue(now, std::move(job), out);
    }
    at = fetches->by_deadline.erase(at);
  }
}

void Replica::expire_waiting_fetches(const Now& now, Effects& out) {
  WaitingFetches* waiting = waiting_fetches();
  if (waiting == nullptr) return;
  waiting->ahead.forget_old(now.monotonic);
  auto& fetches = waiting->by_deadline;
  while (!fetches.empty() && fetches.begin()->first.first <= now.monotonic) {
    answer_fetch_empty(std::move(fetches.begin()->second.asker), out);
    fetches.erase(fetches.begin());
  }
}

void Replica::answer_fetch_from_tail(const Now& now, Asker&& asker, Offset from,
                                     std::size_t bytes_max, Effects& out) {
  FetchReply reply;
  Frames payloads;
  log_.tail.collect(from, log_.high_watermark, bytes_max, reply.batches, payloads);
  PINION_ASSERT(!reply.batches.empty());
  answer_fetch(now, std::move(asker), std::move(reply), std::move(payloads), out);
}

void Replica::answer_fetch_read(const Now& now, ReadJob& job, std::vector<Batch>& batches,
                                Effects& out) {
  const auto& fetch = std::get<FetchJob>(job.why);
  FetchReply reply;
  Frames payloads;
  std::size_t bytes = 0;
  for (Batch& batch : batches) {
    bytes += batch.payload.size();
    if (!reply.batches.empty() && bytes > fetch.bytes_max) break;
    if (reply.batches.size() == limits::records_frames_max) break;
    PINION_ASSERT(batch.header.next_offset() <= log_.high_watermark);
    reply.batches.push_back(batch.header);
    payloads.push_back(std::move(batch.payload));
  }
  const Offset next = reply.batches.empty() ? fetch.offset : reply.batches.back().next_offset();
  answer_fetch(now, std::move(*job.asker), std::move(reply), std::move(payloads), out);
  if (next > fetch.offset) read_ahead(now, fetch, next, out);
}

/// When it was expected. What is read, or is being read, lies below the high watermark, and so it
/// is as good as what would be read now.
bool Replica::answers_from_ahead(const Now& now, ReadJob& job, Effects& out) {
  auto& fetch = std::get<FetchJob>(job.why);
  auto expected = waiting_fetches()->ahead.take(fetch.offset, fetch.bytes_max);
  if (!expected) return false;
  fetch.goes_on = true;
  if (expected->batches) {
    answer_fetch_read(now, job, *expected->batches, out);
    return true;
  }
  const auto reading = reads_.find(expected->read);
  if (reading == reads_.end()) return false;  // It has not been read for, or that failed.
  reading->second.asker = std::move(job.asker);
  reading->second.deadline = job.deadline;
  reading->second.why = fetch;
  return true;
}

/// After a fetch whose answer ended before what is committed does. Two that follow on each other
/// are a reader that goes through the log: what it will ask for is read now, when there is room.
void Replica::read_ahead(const Now& now, const FetchJob& last, Offset next, Effects& out) {
  if (next >= log_.high_watermark || log_.tail.holds(next)) return;
  ReadAhead expected;
  expected.from = next;
  expected.bytes_max = last.bytes_max;
  expected.forget_at = now.monotonic + limits::read_ahead_kept;
  const bool has_room = shared_->ahead_bytes + last.bytes_max <= limits::reads_ahead_bytes_max &&
                        shared_->reads.waiting.empty() && shared_->reads.may_start(last.bytes_max);
  if (last.goes_on && has_room && !close_wanted_) {
    ReadJob job;
    job.bytes = last.bytes_max;
    job.why = ReadAheadJob{};
    job.op = ReadRecords{next, log_.high_watermark, last.bytes_max};
    expected.read = start(std::move(job), out);
    expected.held.emplace(shared_->ahead_bytes, last.bytes_max);
  }
  waiting_fetches()->ahead.expect(std::move(expected));
}

void Replica::answer_fetch_empty(Asker&& asker, Effects& out) {
  FetchReply reply;
  reply.log_start = log_.log_start;
  reply.high_watermark = shown_high_watermark();
  shared_->answer(std::move(asker), std::move(reply), assignment_.leader_epoch, out);
}

/// A new leader does not know what readers were shown before, until that is committed anew.
Offset Replica::shown_high_watermark() const {
  const auto* leading = std::get_if<Leading>(&role_);
  if (leading != nullptr && !is_certain(*leading)) return offset_unassigned;
  return log_.high_watermark;
}

/// For what would show the end of what is committed, or rests on it.
bool Replica::refuses_uncertain(Asker& asker, Effects& out) {
  const auto& leading = std::get<Leading>(role_);
  if (is_certain(leading)) return false;
  refuse_offset(std::move(asker), Errc::offset_not_available,
                "a new leader waits for its followers; try again shortly", out);
  return true;
}

void Replica::answer_fetch(const Now& now, Asker&& asker, FetchReply&& reply, Frames&& payloads,
                           Effects& out) {
  for (const BatchHeader& batch : reply.batches) traffic_.records_out += batch.record_count;
  traffic_.bytes_out += size_of(payloads);
  traffic_.measure_at = std::min(traffic_.measure_at, now.monotonic + limits::status_every);
  reply.log_start = log_.log_start;
  reply.high_watermark = shown_high_watermark();
  shared_->answer(std::move(asker), std::move(reply), assignment_.leader_epoch, out,
                  std::move(payloads));
}

void Replica::on_list_offset(const Now& now, Request& request, Effects& out) {
  const auto& list = std::get<ListOffset>(request.body);
  switch (list.spec) {
    case OffsetSpec::earliest:
      return answer_offset(std::move(request.asker), log_.log_start, out);
    case OffsetSpec::latest:
      if (refuses_uncertain(request.asker, out)) return;
      return answer_offset(std::move(request.asker), log_.high_watermark, out);
    case OffsetSpec::timestamp:
      break;
  }
  if (refuses_uncertain(request.asker, out)) return;
  if (log_.log_start == log_.high_watermark) {
    return answer_offset(std::move(request.asker), log_.high_watermark, out);
  }
  ReadJob job;
  job.asker = std::move(request.asker);
  job.deadline = request.deadline;
  job.bytes = limits::batch_cost_bytes;
  job.why = ListOffsetJob{};
  job.op = FindTime{list.timestamp, log_.high_watermark};
  start_or_queue(now, std::move(job), out);
}

void Replica::answer_offset(Asker&& asker, Offset offset, Effects& out) {
  const ListOffsetReply reply{offset, log_.epoch_before(offset)};
  shared_->answer(std::move(asker), reply, assignment_.leader_epoch, out);
}

}  // namespace pinion::partition
