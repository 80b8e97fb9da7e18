// Produce, and what becomes of everything that was sent to the disk.
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/record_batch.hpp"
#include "partition/core/replica.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pinion::partition {

namespace {

std::string sequence_gap(const BatchHeader& batch, Sequence expected) {
  return "producer " + std::to_string(batch.producer_id.raw()) + " epoch " +
         std::to_string(batch.producer_epoch.raw()) + " sent sequence " +
         std::to_string(batch.base_sequence.raw()) + " where " + std::to_string(expected.raw()) +
         " comes next";
}

}  // namespace

std::optional<Error> Replica::refuses_writes(const Now& now) const {
  const auto& leading = std::get<Leading>(role_);
  if (!has_enough_in_sync()) {
    return fail(Errc::not_enough_replicas,
                std::to_string(in_sync().size()) + " of " +
                    std::to_string(std::max<std::size_t>(1, assignment_.replicas.size())) +
                    " replicas are in sync, and the topic asks for more; it goes on by itself when "
                    "they are back");
  }
  if (log_.uncommitted.size() >= limits::uncommitted_batches_max) {
    return fail(Errc::throttled, "too many batches wait for the followers");
  }
  // Now and then one write is let through: it finds out whether there is room again.
  if (leading.full && (now.monotonic < leading.probe_at || !log_.pending.empty())) {
    return fail(Errc::storage_full, leading.full_why);
  }
  if (shared_->low_space) {
    return fail(Errc::storage_full, "node " + std::to_string(shared_->node.raw()) +
                                        " has too little free disk space; make room, and writing "
                                        "goes on by itself");
  }
  return std::nullopt;
}

bool Replica::has_room_to_persist(std::size_t bytes) const noexcept {
  // A produce may need three: the epoch's start, the batch, the high watermark.
  constexpr std::size_t tickets = 3;
  if (log_.pending.size() + tickets > limits::pending_tickets_per_partition_max) return false;
  if (shared_->pending_tickets + tickets > limits::pending_tickets_per_node_max) return false;
  const bool alone = log_.pending.empty();
  if (!alone && log_.pending_bytes + bytes > limits::pending_bytes_per_partition_max) return false;
  // A largest batch counts as a commit: it must not starve, and the router's credit bounds how many
  // of them there can be.
  const std::size_t counted = std::min(bytes, limits::commit_bytes_max);
  return shared_->pending_bytes + counted <= limits::pending_bytes_per_node_max;
}

void Replica::on_produce(const Now& now, Request& request, Effects& out) {
  const auto& produce = std::get<Produce>(request.body);
  const Epoch epoch = std::get<Leading>(role_).epoch;
  const auto refuse = [&](Error error) {
    shared_->refuse(std::move(request.asker), std::move(error), epoch, out);
  };
  if (request.records.size() != 1 || produce.batch.record_count == 0) {
    return refuse(fail(Errc::malformed, "a produce carries one batch in one records frame"));
  }
  const Bytes& payload = request.records.front();
  const auto checked = check_batch(produce.batch, payload.view(), shared_->record_bytes_max);
  if (!checked) return refuse(checked.error());

  DedupeTable::Finding finding;
  if (produce.batch.producer_id != producer_none) {
    finding = log_.dedupe.check(produce.batch, std::max(now.wall, log_.next_log_time));
  }
  switch (finding.verdict) {
    case DedupeTable::Verdict::duplicate:
      return join_original(now, request, produce, finding, out);
    case DedupeTable::Verdict::forgotten:
      return refuse(fail(Errc::duplicate_sequence, sequence_gap(produce.batch, finding.expected)));
    case DedupeTable::Verdict::fenced:
      return refuse(fail(Errc::fenced_producer,
                         "producer " + std::to_string(produce.batch.producer_id.raw()) +
                             " has epoch " + std::to_string(finding.epoch.raw()) + " here"));
    default:
      break;
  }
  // Before a gap is called one: what should have come before may have been refused for these.
  if (auto error = refuses_writes(now)) return refuse(std::move(*error));
  if (!has_room_to_persist(payload.size() + limits::batch_cost_bytes)) {
    return refuse(fail(Errc::throttled, "too many batches wait for this node's disk"));
  }
  if (finding.verdict == DedupeTable::Verdict::gap) {
    return refuse(fail(Errc::out_of_order_sequence, sequence_gap(produce.batch, finding.expected)));
  }
  if (finding.verdict == DedupeTable::Verdict::full) {
    return refuse(fail(Errc::throttled, "the partition has too many active producers"));
  }
  append(now, request, produce, out);
}

void Replica::append(const Now& now, Request& request, const Produce& produce, Effects& out) {
  auto& leading = std::get<Leading>(role_);
  Batch batch{produce.batch, std::move(request.records.front())};
  batch.header.base_offset = log_.log_end;
  batch.header.leader_epoch = leading.epoch;
  batch.header.append_time = std::max(now.wall, log_.next_log_time);
  if (!leading.epoch_started) {
    leading.epoch_started = true;
    start_epoch({leading.epoch, log_.log_end}, out);
  }
  PendingAppend pending;
  pending.batch = batch.header;
  ProduceWaiter waiter{std::move(request.asker), produce.acks};
  if (produce.acks == Acks::none) {
    answer_produce(std::move(waiter), batch.header, out);
  } else {
    waiter.deadline = wait_until(now, request.deadline);
    pending.waiters.push_back(std::move(waiter));
  }
  const std::size_t bytes = batch.payload.size() + limits::batch_cost_bytes;
  Pending& entry = persist(AppendBatch{batch}, bytes, out);
  entry.op = std::move(pending);
  log_.log_end = batch.header.next_offset();
  log_.next_log_time = batch.header.append_time + Micros(batch.header.record_count);
  if (batch.header.producer_id != producer_none) {
    const std::size_t evicted = log_.dedupe.add(batch.header, entry.ticket);
    if (evicted > 0) {
      event(out, EventKind::producer_evicted, Severity::warn,
            "more producers than are remembered; the longest silent one was forgotten");
    }
  }
  log_.tail.push(batch);
  note_high_watermark(now, out);
}

void Replica::join_original(const Now& now, Request& request, const Produce& produce,
                            const DedupeTable::Finding& original, Effects& out) {
  BatchHeader batch = produce.batch;
  batch.base_offset = original.base_offset;
  batch.append_time = original.append_time;
  ProduceWaiter waiter{std::move(request.asker), produce.acks};
  if (produce.acks == Acks::none) return answer_produce(std::move(waiter), batch, out);
  if (original.ticket != Ticket{0}) {
    const auto at = std::lower_bound(
        log_.pending.begin(), log_.pending.end(), original.ticket,
        [](const Pending& pending, Ticket ticket) { return pending.ticket < ticket; });
    PINION_ASSERT(at != log_.pending.end() && at->ticket == original.ticket);
    waiter.deadline = wait_until(now, request.deadline);
    return add_attempt(std::get<PendingAppend>(at->op).waiters, std::move(waiter), out);
  }
  if (produce.acks == Acks::all && batch.next_offset() > log_.high_watermark) {
    // Durable, and not committed. One that was copied has had nobody to wait for it so far.
    auto at = std::lower_bound(log_.uncommitted.begin(), log_.uncommitted.end(), batch.base_offset,
                               [](const Uncommitted& waiting, Offset offset) {
                                 return waiting.batch.base_offset < offset;
                               });
    if (at == log_.uncommitted.end() || at->batch.base_offset != batch.base_offset) {
      at = log_.uncommitted.insert(at, {batch, {}});
    }
    waiter.deadline = wait_until(now, request.deadline);
    return add_attempt(at->waiters, std::move(waiter), out);
  }
  answer_produce(std::move(waiter), batch, out);
}

void Replica::answer_produce(ProduceWaiter&& waiter, const BatchHeader& batch, Effects& out) {
  ProduceReply reply;
  if (waiter.acks != Acks::none) {
    reply.base_offset = batch.base_offset;
    reply.append_time = batch.append_time;
  }
  reply.log_start = log_.log_start;
  shared_->answer(std::move(waiter.asker), reply, assignment_.leader_epoch, out);
}

void Replica::start_epoch(EpochStart start, Effects& out) {
  PINION_ASSERT(log_.epochs.empty() || log_.epochs.back().epoch < start.epoch);
  log_.epochs.push_back(start);
  persist(StartEpoch{start}, limits::batch_cost_bytes, out).op = PendingEpoch{start};
}

Pending& Replica::persist(PersistOp op, std::size_t bytes, Effects& out) {
  PINION_ASSERT(log_open_ && !close_wanted_);
  const Ticket ticket = shared_->next_ticket();
  StoreEffect& effect = out.store.emplace_back();
  effect.key = key_;
  auto& write = effect.op.emplace<PersistLog>();
  write.persist.ticket = ticket;
  write.persist.op = std::move(op);
  write.bytes = bytes;
  Pending& pending = log_.pending.emplace_back();
  pending.ticket = ticket;
  pending.bytes = bytes;
  log_.pending_bytes += bytes;
  shared_->pending_bytes += bytes;
  ++shared_->pending_tickets;
  return pending;
}

void Replica::note_high_watermark(const Now& now, Effects& out) {
  if (now.monotonic < log_.note_after) return;
  const Offset committed = noted_next();
  if (committed == log_.noted_high_watermark) return;
  log_.note_after = now.monotonic + limits::high_watermark_write_after;
  log_.note_asked = std::max(log_.note_asked, committed);
  persist(NoteHighWatermark{committed}, limits::batch_cost_bytes, out).op = PendingNote{committed};
}

/// When nobody else has to have it, what a transaction writes is committed by it; so the note may
/// run ahead of the high watermark that readers are shown.
Offset Replica::noted_next() const { return commits_alone() ? log_.log_end : log_.high_watermark; }

void Replica::leave_accounts(const Pending& done) {
  log_.pending_bytes -= done.bytes;
  shared_->pending_bytes -= done.bytes;
  --shared_->pending_tickets;
  shared_->table_bytes_on_way -= done.table_bytes;
}

void Replica::step(const Now& now, Persisted& in, Effects& out) {
  PINION_ASSERT(in.last <= shared_->last_ticket);
  if (log_.pending.empty() || in.last < log_.pending.front().ticket) {
    // Of a log that was given up in the meantime.
    event(out, EventKind::unexpected, Severity::debug, "persisted, but nobody waits");
    return;
  }
  log_.dedupe.on_durable(in.last);
  log_.positions.on_durable(in.last);
  const std::uint64_t records_before = traffic_.records_in;
  while (!log_.pending.empty() && log_.pending.front().ticket <= in.last) {
    Pending done = std::move(log_.pending.front());
    log_.pending.pop_front();
    leave_accounts(done);
    on_durable(now, done, out);
  }
  if (traffic_.records_in > records_before) ++traffic_.commits;
  commit_what_is(now, out);
  serve_waiting_followers(now, out);
  if (copying() != nullptr) {
    follow_high_watermark(now, out);
    tell_progress(now, out);
    fetch_on(now, out);
  }
  changed();
  // What it says in an epoch that nobody leads is final, and waited for this.
  if (log_.pending.empty() && assignment_.leader == node_none) state_changed();
  continue_closing(out);
}

void Replica::on_durable(const Now& now, Pending& done, Effects& out) {
  auto* leading = std::get_if<Leading>(&role_);
  const bool leads = leading != nullptr || std::holds_alternative<Closing>(role_);
  if (auto* append = std::get_if<PendingAppend>(&done.op)) {
    const BatchHeader& batch = append->batch;
    PINION_ASSERT(batch.base_offset == log_.durable_end);
    log_.durable_end = batch.next_offset();
    log_.durable_next_log_time = batch.append_time + Micros(batch.record_count);
    traffic_.records_in += batch.record_count;
    traffic_.bytes_in += done.bytes - limits::batch_cost_bytes;
    traffic_.measure_at = std::min(traffic_.measure_at, now.monotonic + limits::status_every);
    note_room(out);
    if (!leads) {
      PINION_ASSERT(append->waiters.empty());
      return;
    }
    log_.uncommitted.push_back({batch, {}});
    for (ProduceWaiter& waiter : append->waiters) {
      if (waiter.acks == Acks::leader) {
        answer_produce(std::move(waiter), batch, out);
      } else {
        log_.uncommitted.back().waiters.push_back(std::move(waiter));
      }
    }
  } else if (auto* position = std::get_if<PendingPosition>(&done.op)) {
    note_room(out);
    if (!position->waiters.empty()) {
      log_.uncommitted_positions.push_back(
          {position->version, std::move(position->reader), std::move(position->waiters)});
    }
  } else if (const auto* copied = std::get_if<PendingCopiedPositions>(&done.op)) {
    Copying* copying = this->copying();
    if (copying != nullptr && copying->epoch == copied->epoch) {
      copying->durable_position_version =
          std::max(copying->durable_position_version, copied->version);
    }
  } else if (const auto* cut = std::get_if<PendingCut>(&done.op)) {
    event(out, EventKind::log_shortened, Severity::info,
          "the log now ends at " + std::to_string(cut->end.raw()));
    if (std::holds_alternative<CatchingUp>(role_)) reopen(out);
  } else if (const auto* begin = std::get_if<PendingBegin>(&done.op)) {
    event(out, EventKind::log_shortened, Severity::info,
          "the log now begins at " + std::to_string(begin->start.raw()));
    if (std::holds_alternative<CatchingUp>(role_)) reopen(out);
  } else if (const auto* drop = std::get_if<PendingDrop>(&done.op)) {
    PINION_ASSERT(drop->start > log_.log_start);
    log_.log_start = drop->start;
    log_.tail.drop_before(drop->start);
    if (leading != nullptr) leading->retention_running = false;
    event(out, EventKind::retention, Severity::debug,
          "the log now starts at " + std::to_string(drop->start.raw()));
  } else if (const auto* note = std::get_if<PendingNote>(&done.op)) {
    log_.noted_high_watermark = note->high_watermark;
  }
}

/// A write of a client is durable: there is room.
void Replica::note_room(Effects& out) {
  auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr) return;
  leading->probe_every = Micros{0};
  if (!leading->full) return;
  leading->full = false;
  leading->full_why.clear();
  state_changed();
  event(out, EventKind::storage_has_room, Severity::info, "writing goes on");
}

void Replica::step(const Now& now, PersistFailed& in, Effects& out) {
  if (log_.pending.empty()) {
    event(out, EventKind::unexpected, Severity::debug, "a persist failed, but nobody waits");
    return;
  }
  PINION_ASSERT(in.first == log_.pending.front().ticket);
  if (in.error.code != Errc::storage_full) {
    halt_on(in.error, in.error.to_string(), out);
    return;
  }
  const bool in_memory_only =
      std::any_of(log_.pending.begin(), log_.pending.end(), [](const Pending& pending) {
        return std::holds_alternative<PendingCut>(pending.op) ||
               std::holds_alternative<PendingBegin>(pending.op) ||
               std::holds_alternative<PendingCopiedPositions>(pending.op);
      });
  drop_pending(in.error, out);
  out.store.push_back({key_, ResumeLog{log_.durable_end}});
  if (std::holds_alternative<Leading>(role_)) {
    // What it had copied before it led is not on its disk: it begins again with what is there.
    if (in_memory_only) {
      stop_leading(in.error, out);
      return reopen(out);
    }
    become_full(now, in.error.to_string(), out);
  }
  if (copying() != nullptr) {
    fail_copying(now, in.error, out);
    if (in_memory_only) return reopen(out);
  }
  continue_closing(out);
}

/// Everything on its way is not durable and will not be: back to what is.
void Replica::drop_pending(const Error& why, Effects& out) {
  if (log_.pending.empty()) return;
  auto* leading = std::get_if<Leading>(&role_);
  const Ticket first = log_.pending.front().ticket;
  const Epoch epoch = assignment_.leader_epoch;
  while (!log_.pending.empty()) {
    Pending dropped = std::move(log_.pending.front());
    log_.pending.pop_front();
    leave_accounts(dropped);
    if (auto* append = std::get_if<PendingAppend>(&dropped.op)) {
      for (ProduceWaiter& waiter : append->waiters) {
        shared_->refuse(std::move(waiter.asker), why, epoch, out);
      }
    } else if (auto* position = std::get_if<PendingPosition>(&dropped.op)) {
      for (PositionWaiter& waiter : position->waiters) {
        shared_->refuse(std::move(waiter.asker), why, epoch, out);
      }
    } else if (std::holds_alternative<PendingEpoch>(dropped.op)) {
      log_.epochs.pop_back();
      if (leading != nullptr) leading->epoch_started = false;
    } else if (std::holds_alternative<PendingDrop>(dropped.op)) {
      if (leading != nullptr) leading->retention_running = false;
    }
  }
  PINION_ASSERT(log_.pending_bytes == 0);
  if (log_.log_end != log_.durable_end) {
    event(out, EventKind::log_shortened, Severity::warn,
          std::to_string(log_.log_end - log_.durable_end) + " records were not stored");
  }
  log_.log_end = log_.durable_end;
  log_.note_asked = std::min(log_.note_asked, log_.durable_end);
  if (leading != nullptr) leading->begin = std::min(leading->begin, log_.durable_end);
  log_.next_log_time = log_.durable_next_log_time;
  log_.dedupe.drop_from(first);
  log_.positions.drop_from(first);
  if (leading != nullptr) {
    leading->position_begin = std::min(leading->position_begin, log_.positions.version());
    leading->slots.forget();
  }
  log_.tail.drop_from(log_.durable_end);
}

void Replica::become_full(const Now& now, const std::string& why, Effects& out) {
  auto& leading = std::get<Leading>(role_);
  leading.probe_every = std::clamp(leading.probe_every * 2, limits::storage_probe_every,
                                   limits::storage_probe_every_max);
  leading.probe_at = now.monotonic + leading.probe_every;
  if (!leading.full) event(out, EventKind::storage_full, Severity::error, why);
  leading.full = true;
  leading.full_why = why + "; make room, and writing goes on by itself";
  state_changed();
}

}  // namespace pinion::partition
