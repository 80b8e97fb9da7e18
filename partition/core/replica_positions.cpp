// Readers' positions: commit, fetch, and dequeue (read the next record and move on in one durable
// step). A change is answered, and visible, only when it is durable.
//
// Changes of one reader build upon each other in the order they came. A dequeue whose record must
// be read from the disk holds its reader's lane until it has it; what comes for that reader
// meanwhile waits in the lane. So two dequeues never get one record, and none is passed over.
#include "common/base/assert.hpp"
#include "common/base/checksum.hpp"
#include "common/base/limits.hpp"
#include "partition/core/dequeue_tokens.hpp"
#include "partition/core/replica.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pinion::partition {
namespace {

/// The record alone: who takes one of thousands does not wait for all.
Batch only_record(const Batch& batch, Offset offset) {
  const std::int64_t index = offset - batch.header.base_offset;
  BatchReader reader(batch.payload.view());
  RecordView view;
  std::size_t begin = 0;
  for (std::int64_t i = 0; i < index && reader.next(view); ++i) begin += encoded_size(view);
  if (!reader.next(view)) return batch;  // Damaged in memory: the asker's checksum will tell.
  Batch one{batch.header, batch.payload.slice(begin, encoded_size(view))};
  one.header.base_offset = offset;
  one.header.append_time += Micros(index);
  one.header.base_sequence = one.header.base_sequence + index;
  one.header.record_count = 1;
  one.header.crc = crc32c(one.payload.view());
  return one;
}

}  // namespace

bool Replica::waits_in_lane(const Now& now, const std::string& reader, Request& request,
                            Effects& out) {
  auto& leading = std::get<Leading>(role_);
  const auto lane = leading.lanes.find(reader);
  if (lane == leading.lanes.end()) {
    if (now.monotonic < request.deadline) return false;
    shared_->refuse(std::move(request.asker),
                    fail(Errc::throttled, "its time was over before its turn came"), leading.epoch,
                    out);
    return true;
  }
  if (lane->second.waiting.size() >= limits::dequeues_waiting_per_reader_max) {
    shared_->refuse(std::move(request.asker),
                    fail(Errc::throttled, "too many requests of reader '" + reader + "' wait"),
                    leading.epoch, out);
    return true;
  }
  lane->second.waiting.push_back(std::move(request));
  return true;
}

void Replica::on_commit_position(const Now& now, Request& request, Effects& out) {
  const auto& commit = std::get<CommitPosition>(request.body);
  if (refuses_uncertain(request.asker, out)) return;
  if (waits_in_lane(now, commit.reader, request, out)) return;
  const bool forgets = commit.offset == offset_unassigned;
  if (!forgets && (commit.offset < Offset{0} || commit.offset > log_.high_watermark)) {
    return refuse_offset(std::move(request.asker), Errc::offset_out_of_range,
                         "a position cannot be at " + std::to_string(commit.offset.raw()) +
                             ": the log ends at " + std::to_string(log_.high_watermark.raw()),
                         out);
  }
  Position position;
  if (const Position* latest = log_.positions.latest(commit.reader); latest && !forgets) {
    position = *latest;  // What its last dequeue returned stays known.
  }
  position.reader = commit.reader;
  position.offset = forgets ? Offset{0} : commit.offset;
  position.leader_epoch = commit.leader_epoch;
  position.deleted = forgets;
  PositionWaiter waiter;
  waiter.asker = std::move(request.asker);
  waiter.deadline = wait_until(now, request.deadline);
  put_position(now, std::move(position), std::move(waiter), out);
}

void Replica::put_position(const Now& now, Position position, PositionWaiter&& waiter,
                           Effects& out) {
  const auto refuse = [&](Error error) {
    shared_->refuse(std::move(waiter.asker), std::move(error), assignment_.leader_epoch, out);
  };
  if (auto error = refuses_writes(now)) return refuse(std::move(*error));
  if (!log_.positions.has_room_for(position.reader)) {
    return refuse(fail(Errc::limit_reached, "the partition keeps positions of " +
                                                std::to_string(limits::readers_per_partition_max) +
                                                " readers already"));
  }
  if (!has_room_to_persist(limits::batch_cost_bytes)) {
    return refuse(fail(Errc::throttled, "too much waits for this node's disk"));
  }
  PendingPosition pending;
  pending.waiters.push_back(std::move(waiter));
  put_row(now, std::move(position), std::move(pending), out);
}

const Position& Replica::put_row(const Now& now, Position position, PendingPosition pending,
                                 Effects& out) {
  position.updated_at = now.wall;
  // The version is the table's to give, and the ticket the persist's: the entry is made first.
  const Ticket ticket = shared_->last_ticket + 1;
  const Position& put = log_.positions.put(std::move(position), ticket);
  pending.reader = put.reader;
  pending.version = put.version;
  Pending& entry = persist(PutPosition{put}, limits::batch_cost_bytes, out);
  PINION_ASSERT(entry.ticket == ticket);
  entry.op = std::move(pending);
  return put;
}

/// A repeat waits with the original, for the followers.
void Replica::wait_for_position(const std::string& reader, PositionVersion version,
                                PositionWaiter&& waiter, Effects& out) {
  auto& waiting = log_.uncommitted_positions;
  const auto at = std::lower_bound(waiting.begin(), waiting.end(), version,
                                   [](const UncommittedPosition& position, PositionVersion wanted) {
                                     return position.version < wanted;
                                   });
  if (at != waiting.end() && at->version == version) {
    return add_attempt(at->waiters, std::move(waiter), out);
  }
  UncommittedPosition position{version, reader, {}};
  position.waiters.push_back(std::move(waiter));
  waiting.insert(at, std::move(position));
}

void Replica::answer_position_waiters(const Now& now, PositionVersion version,
                                      const std::string& reader,
                                      std::vector<PositionWaiter>& waiters, Effects& out) {
  for (PositionWaiter& waiter : waiters) {
    if (waiter.sent_on) {
      refuse_nothing_unread(std::move(waiter.asker), reader, out);
    } else if (waiter.dequeued != offset_unassigned) {
      answer_dequeue(now, std::move(waiter.asker), waiter.dequeued, waiter.batch, out);
    } else {
      shared_->answer(std::move(waiter.asker), CommitPositionReply{version},
                      assignment_.leader_epoch, out);
    }
  }
}

void Replica::on_fetch_position(Request& request, Effects& out) {
  const auto& fetch = std::get<FetchPosition>(request.body);
  if (refuses_uncertain(request.asker, out)) return;
  FetchPositionReply reply;
  if (const Position* position = log_.positions.visible(fetch.reader)) {
    reply.offset = position->offset;
    reply.leader_epoch = position->leader_epoch;
  }
  reply.high_watermark = log_.high_watermark;
  reply.log_start = log_.log_start;
  if (const std::optional<Offset> known = dequeued_before(fetch.reader, fetch.token)) {
    reply.token_partition = is_sent_on(*known) ? sent_on_where(*known) : key_.partition;
  }
  shared_->answer(std::move(request.asker), reply, assignment_.leader_epoch, out);
}

void Replica::on_dequeue(const Now& now, Request& request, Effects& out) {
  const auto& dequeue = std::get<Dequeue>(request.body);
  if (refuses_uncertain(request.asker, out)) return;
  if (waits_in_lane(now, dequeue.reader, request, out)) return;
  DequeueJob job{dequeue.reader, dequeue.token, dequeue.send_on};
  begin_dequeue(now, std::move(request.asker), std::move(job), request.deadline, out);
}

Offset Replica::next_to_dequeue(const std::string& reader) const {
  const Position* latest = log_.positions.latest(reader);
  if (latest == nullptr || latest->deleted) return log_.log_start;
  return std::max(latest->offset, log_.log_start);
}

void Replica::begin_dequeue(const Now& now, Asker&& asker, DequeueJob job, Micros deadline,
                            Effects& out) {
  const std::optional<Offset> before = dequeued_before(job.reader, job.token);
  job.deadline = deadline;
  job.repeat = before.has_value();
  job.offset = before ? *before : next_to_dequeue(job.reader);
  if (is_sent_on(job.offset)) return answer_sent_on(now, job, std::move(asker), out);
  if (job.offset < log_.log_start) {
    return refuse_offset(std::move(asker), Errc::offset_out_of_range,
                         "the record that this token returned was removed by retention", out);
  }
  if (!job.repeat) {
    if (auto error = refuses_writes(now)) {
      return shared_->refuse(std::move(asker), std::move(*error), assignment_.leader_epoch, out);
    }
  }
  if (job.offset >= log_.high_watermark) {
    if (job.send_on >= PartitionIndex{0} && !job.token.empty()) {
      return send_on(now, std::move(asker), job, out);
    }
    return refuse_nothing_unread(std::move(asker), job.reader, out);
  }
  if (const Batch* batch = log_.tail.find(job.offset)) {
    return finish_dequeue(now, std::move(asker), job, Batch(*batch), out);
  }
  ReadJob read;
  read.asker = std::move(asker);
  read.deadline = deadline;
  read.bytes = limits::batch_bytes_default;
  read.op = ReadRecords{job.offset, log_.high_watermark, 1};
  if (!job.repeat) std::get<Leading>(role_).lanes.try_emplace(job.reader);
  read.why = std::move(job);
  start_or_queue(now, std::move(read), out);
}

void Replica::finish_dequeue(const Now& now, Asker&& asker, const DequeueJob& job, Batch batch,
                             Effects& out) {
  PINION_ASSERT(batch.header.base_offset <= job.offset && job.offset < batch.header.next_offset());
  PositionWaiter waiter{std::move(asker), job.offset, only_record(batch, job.offset)};
  waiter.token = job.token;
  waiter.deadline = wait_until(now, job.deadline);
  if (job.repeat) {
    if (!waits_with_the_move(job.reader, waiter, out)) {
      answer_dequeue(now, std::move(waiter.asker), job.offset, waiter.batch, out);
    }
    return;
  }
  Result<Position> position = position_after(now, job, job.offset, out);
  if (!position) {
    return shared_->refuse(std::move(waiter.asker), position.error(), assignment_.leader_epoch,
                           out);
  }
  position->offset = job.offset + 1;
  position->leader_epoch = waiter.batch.header.leader_epoch;
  put_position(now, std::move(*position), std::move(waiter), out);
}

/// What the first dequeue with this token returned; nothing when this is the first one.
std::optional<Offset> Replica::dequeued_before(const std::string& reader,
                                               const std::string& token) {
  const Position* latest = log_.positions.latest(reader);
  if (latest == nullptr || latest->deleted) return std::nullopt;
  if (const std::optional<Offset> known = find_dequeue(*latest, token)) return known;
  return std::get<Leading>(role_).slots.find(log_.positions, reader, token);
}

/// The reader's position with this dequeue known; its offset is still to be set. What its move
/// pushes out is on its way to the disk, in front of it: should the move be refused, it is there
/// twice, which does no harm.
Result<Position> Replica::position_after(const Now& now, const DequeueJob& job, Offset returned,
                                         Effects& out) {
  Position position;
  const Position* latest = log_.positions.latest(job.reader);
  if (latest != nullptr && !latest->deleted) position = *latest;
  position.reader = job.reader;
  position.deleted = false;
  if (job.token.empty()) return position;
  for (const KnownDequeue& known : remember_dequeue(position, job.token, returned)) {
    PINION_CHECK(keep_in_slot(now, job.reader, known, out));
  }
  return position;
}

Result<void> Replica::keep_in_slot(const Now& now, const std::string& reader,
                                   const KnownDequeue& dequeue, Effects& out) {
  DequeueSlots& slots = std::get<Leading>(role_).slots;
  // A move that was refused behind it has left it there.
  if (slots.find(log_.positions, reader, dequeue.token) == dequeue.offset) return {};
  if (auto error = refuses_writes(now)) return failure(std::move(*error));
  if (!has_room_to_persist(limits::batch_cost_bytes)) {
    return failure(Errc::throttled, "too much waits for this node's disk");
  }
  std::optional<Position> row = slots.row_for(log_.positions, reader, dequeue, now.monotonic);
  if (!row) {
    return failure(Errc::throttled,
                   "the partition remembers as many dequeues of the last seconds as it may, each "
                   "of another taker: take more with ids that are a name and a counter, or more "
                   "slowly");
  }
  slots.note(put_row(now, std::move(*row), PendingPosition{}, out), now.monotonic);
  return {};
}

/// The newest change of this reader that is not durable yet, or null.
PendingPosition* Replica::pending_position(const std::string& reader) {
  const Ticket ticket = log_.positions.latest_ticket(reader);
  if (ticket == Ticket{0}) return nullptr;
  const auto at = std::lower_bound(
      log_.pending.begin(), log_.pending.end(), ticket,
      [](const Pending& pending, Ticket wanted) { return pending.ticket < wanted; });
  PINION_ASSERT(at != log_.pending.end() && at->ticket == ticket);
  return &std::get<PendingPosition>(at->op);
}

/// A repeat is answered when the move that it repeats is durable and committed, never earlier.
/// False: it is, and the waiter was left as it is.
bool Replica::waits_with_the_move(const std::string& reader, PositionWaiter& waiter, Effects& out) {
  if (PendingPosition* pending = pending_position(reader)) {
    add_attempt(pending->waiters, std::move(waiter), out);
    return true;
  }
  const std::optional<PositionVersion> version = log_.positions.uncommitted(reader);
  if (!version) return false;
  wait_for_position(reader, *version, std::move(waiter), out);
  return true;
}

void Replica::send_on(const Now& now, Asker&& asker, const DequeueJob& job, Effects& out) {
  Result<Position> position = position_after(now, job, sent_on_to(job.send_on), out);
  if (!position) {
    return shared_->refuse(std::move(asker), position.error(), assignment_.leader_epoch, out);
  }
  position->offset = job.offset;
  PositionWaiter waiter;
  waiter.asker = std::move(asker);
  waiter.sent_on = true;
  waiter.token = job.token;
  waiter.deadline = wait_until(now, job.deadline);
  put_position(now, std::move(*position), std::move(waiter), out);
}

void Replica::answer_sent_on(const Now& now, const DequeueJob& job, Asker&& asker, Effects& out) {
  PositionWaiter waiter;
  waiter.asker = std::move(asker);
  waiter.sent_on = true;
  waiter.token = job.token;
  waiter.deadline = wait_until(now, job.deadline);
  if (waits_with_the_move(job.reader, waiter, out)) return;
  refuse_nothing_unread(std::move(waiter.asker), job.reader, out);
}

void Replica::refuse_nothing_unread(Asker&& asker, const std::string& reader, Effects& out) {
  refuse_offset(std::move(asker), Errc::nothing_unread,
                "reader '" + reader + "' has read everything", out);
}

void Replica::dequeue_read(const Now& now, ReadJob& read, Result<std::vector<Batch>>& batches,
                           Effects& out) {
  DequeueJob job = std::get<DequeueJob>(std::move(read.why));
  const bool held_lane = !job.repeat;
  const std::string reader = job.reader;
  const std::optional<Offset> before = dequeued_before(job.reader, job.token);
  const bool stale = job.repeat ? before != job.offset
                                : before.has_value() || next_to_dequeue(reader) != job.offset;
  if (!held_lane) return go_on_with_dequeue(now, read, std::move(job), stale, batches, out);
  // Freed before the request goes on, so that it may take it again; those who wait come after it.
  auto& lanes = std::get<Leading>(role_).lanes;
  const auto at = lanes.find(reader);
  PINION_ASSERT(at != lanes.end());
  ReaderLane lane = std::move(at->second);
  lanes.erase(at);
  go_on_with_dequeue(now, read, std::move(job), stale, batches, out);
  for (Request& request : lane.waiting) step(now, std::move(request), out);
}

/// For a dequeue that ends without its record.
void Replica::free_lane(const Now& now, const std::string& reader, Effects& out) {
  auto& lanes = std::get<Leading>(role_).lanes;
  const auto at = lanes.find(reader);
  if (at == lanes.end()) return;
  ReaderLane lane = std::move(at->second);
  lanes.erase(at);
  for (Request& request : lane.waiting) step(now, std::move(request), out);
}

void Replica::go_on_with_dequeue(const Now& now, ReadJob& read, DequeueJob job, bool stale,
                                 Result<std::vector<Batch>>& batches, Effects& out) {
  const Epoch epoch = assignment_.leader_epoch;
  if (!batches) {
    read.why = std::move(job);
    return fail_read(now, read, batches.error(), out);
  }
  if (now.monotonic >= read.deadline || (!stale && batches->empty())) {
    return shared_->refuse(std::move(*read.asker), fail(Errc::throttled, "it was not read in time"),
                           epoch, out);
  }
  if (stale) {
    // A commit that it built upon or repeats has failed, or retention came by. A repeat held no
    // lane, and may be the move itself now: it takes its turn.
    Dequeue dequeue{std::move(job.reader), std::move(job.token), job.send_on};
    Request again{std::move(*read.asker), std::move(dequeue), {}, read.deadline};
    return on_dequeue(now, again, out);
  }
  finish_dequeue(now, std::move(*read.asker), job, std::move(batches->front()), out);
}

void Replica::answer_dequeue(const Now& now, Asker&& asker, Offset offset, const Batch& batch,
                             Effects& out) {
  ++traffic_.records_out;
  traffic_.bytes_out += batch.payload.size();
  traffic_.measure_at = std::min(traffic_.measure_at, now.monotonic + limits::status_every);
  DequeueReply reply{offset, batch.header, log_.high_watermark};
  shared_->answer(std::move(asker), std::move(reply), assignment_.leader_epoch, out,
                  Frames{batch.payload});
}

}  // namespace pinion::partition
