#include "partition/core/replica.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pinion::partition {

namespace {

/// Whether an open that failed this way is worth another attempt without anybody's help.
bool may_open_later(Errc code) noexcept {
  return code == Errc::storage_full || code == Errc::io_failed || code == Errc::throttled;
}

}  // namespace

Replica::Replica(const Now& now, const Assignment& assignment, NodeShared& shared, Effects& out)
    : key_{assignment.topic, assignment.partition},
      assignment_(assignment),
      shared_(&shared),
      role_(Opening{}),
      log_(key_, shared.tail) {
  traffic_.measure_at = never;
  for (Traffic::Sample& sample : traffic_.samples) sample.at = now.monotonic;
  open(out);
}

void Replica::open(Effects& out) {
  PINION_ASSERT(open_ticket_ == Ticket{0});
  PINION_ASSERT(!log_open_);
  open_ticket_ = shared_->next_ticket();
  OpenLog op;
  op.ticket = open_ticket_;
  op.identity = {shared_->cluster_id, key_, assignment_.topic_name};
  op.if_missing = assignment_.create ? IfMissing::create : IfMissing::fail;
  out.store.push_back({key_, std::move(op)});
  event(out, EventKind::partition_opening, Severity::debug, assignment_.topic_name);
}

void Replica::step(const Now& now, const Assignment& assignment, Effects& out) {
  if (std::holds_alternative<Closing>(role_) ||
      assignment.leader_epoch < assignment_.leader_epoch) {
    event(out, EventKind::assignment_ignored, Severity::debug,
          "epoch " + std::to_string(assignment.leader_epoch.raw()));
    return;
  }
  const bool new_epoch = assignment.leader_epoch > assignment_.leader_epoch;
  assignment_ = assignment;
  state_changed();
  auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr) return;
  if (new_epoch) {
    leading->epoch = assignment.leader_epoch;
    leading->epoch_started = false;
  }
  leading->retention_at = assignment_.config.retention_ms > 0 ? now.monotonic : never;
}

void Replica::step(const Now& now, Request request, Effects& out) {
  const auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr) {
    refuse_by_role(std::move(request.asker), out);
    return;
  }
  const Epoch asked = request.asker.header.leader_epoch;
  if (asked != epoch_unknown && asked != leading->epoch) {
    shared_->refuse(std::move(request.asker),
                    fail(Errc::fenced_epoch, "the partition's epoch is " +
                                                 std::to_string(leading->epoch.raw()) +
                                                 "; ask for metadata and try again"),
                    leading->epoch, out);
    return;
  }
  switch (request.asker.header.kind) {
    case Kind::produce:
      return on_produce(now, request, out);
    case Kind::fetch:
      return on_fetch(now, request, out);
    case Kind::list_offset:
      return on_list_offset(now, request, out);
    case Kind::commit_position:
      return on_commit_position(now, request, out);
    case Kind::fetch_position:
      return on_fetch_position(request, out);
    case Kind::dequeue:
      return on_dequeue(now, request, out);
    case Kind::query:
      return on_query(now, request, out);
    default:
      shared_->refuse(std::move(request.asker), fail(Errc::unknown_kind), leading->epoch, out);
  }
}

void Replica::step(const Now& now, Opened& in, Effects& out) {
  if (in.ticket != open_ticket_) {
    event(out, EventKind::unexpected, Severity::warn, "opened twice");
    return;
  }
  open_ticket_ = Ticket{0};
  log_open_ = true;
  file_ = std::move(in.file);
  if (std::holds_alternative<Closing>(role_)) {
    continue_closing(out);
    return;
  }
  become_leading(now, in, out);
}

void Replica::step(const Now& now, OpenFailed& in, Effects& out) {
  if (in.ticket != open_ticket_) {
    event(out, EventKind::unexpected, Severity::warn, "an open failed twice");
    return;
  }
  open_ticket_ = Ticket{0};
  auto* opening = std::get_if<Opening>(&role_);
  if (opening == nullptr) return;
  event(out, EventKind::partition_open_failed, Severity::error, in.error.to_string());
  if (may_open_later(in.error.code)) {
    opening->retry_at = now.monotonic + limits::open_retry_every;
    opening->why = in.error.to_string();
    state_changed();
    return;
  }
  become_halted("the file could not be opened: " + in.error.to_string(), out);
}

void Replica::become_leading(const Now& now, Opened& in, Effects& out) {
  const RecoveredLog& recovered = in.recovered;
  PINION_ASSERT(recovered.log_start <= recovered.log_end);
  const Epoch known = recovered.epochs.empty() ? epoch_unknown : recovered.epochs.back().epoch;
  log_.log_start = recovered.log_start;
  log_.log_end = recovered.log_end;
  log_.durable_end = recovered.log_end;
  // One replica: what is in the file is all there is of the log, and all of it is committed.
  log_.high_watermark = recovered.log_end;
  log_.noted_high_watermark = recovered.high_watermark;
  log_.note_after = now.monotonic + limits::high_watermark_write_after;
  log_.next_log_time =
      recovered.last_log_time > Micros{0} ? recovered.last_log_time + Micros{1} : Micros{0};
  log_.durable_next_log_time = log_.next_log_time;
  log_.epochs = recovered.epochs;
  log_.dedupe.recover(recovered.producers);
  log_.positions.recover(recovered.positions);
  log_.sizes.payload_bytes = recovered.bytes;
  if (known > assignment_.leader_epoch) {
    // Offsets would be handed out twice under one epoch. Only a broker that lost its metadata asks
    // for it.
    become_halted("the file knows epoch " + std::to_string(known.raw()) +
                      ", newer than the leader broker's " +
                      std::to_string(assignment_.leader_epoch.raw()) +
                      ": the broker's metadata is older than the data; restore a newer broker.db",
                  out, CloseHow::clean);
    return;
  }
  Leading leading;
  leading.epoch = assignment_.leader_epoch;
  leading.epoch_started = known == assignment_.leader_epoch;
  leading.retention_at = assignment_.config.retention_ms > 0 ? now.monotonic : never;
  leading.expire_at = now.monotonic + limits::producer_expiry_every;
  role_ = std::move(leading);
  state_changed();
  event(out, EventKind::partition_online, Severity::info,
        assignment_.topic_name + " epoch " + std::to_string(assignment_.leader_epoch.raw()) +
            " offsets " + std::to_string(log_.log_start.raw()) + " to " +
            std::to_string(log_.log_end.raw()) + (recovered.clean ? "" : " after a crash"));
}

void Replica::become_halted(std::string why, Effects& out, CloseHow how) {
  PINION_ASSERT(!std::holds_alternative<Halted>(role_));
  const bool closing = std::holds_alternative<Closing>(role_);
  event(out, EventKind::partition_halted, Severity::error, why);
  if (!closing) {
    answer_everything_waiting(halted_error(why), out);
    role_ = Halted{why};
  }
  drop_pending(halted_error(why), out);
  log_.tail.clear();
  close_wanted_ = true;
  close_how_ = how;
  state_changed();
  continue_closing(out);
}

void Replica::close(Errc why, Effects& out) {
  if (std::holds_alternative<Closing>(role_)) return;
  answer_everything_waiting(closing_error(why), out);
  role_ = Closing{why};
  close_wanted_ = true;
  state_changed();
  continue_closing(out);
}

bool Replica::closed() const noexcept {
  return std::holds_alternative<Closing>(role_) && !log_open_ && open_ticket_ == Ticket{0} &&
         reads_.empty();
}

void Replica::continue_closing(Effects& out) {
  if (!close_wanted_ || !log_open_ || close_ticket_ != Ticket{0}) return;
  if (!reads_.empty() || !log_.pending.empty()) return;
  close_ticket_ = shared_->next_ticket();
  out.store.push_back({key_, CloseLog{close_ticket_, close_how_}});
}

void Replica::step(const Now& /*now*/, Closed& in, Effects& out) {
  if (!log_open_ || in.ticket != close_ticket_) {
    event(out, EventKind::unexpected, Severity::warn, "closed twice");
    return;
  }
  log_open_ = false;
  event(out, EventKind::partition_closed, Severity::debug, assignment_.topic_name);
}

void Replica::step(const Now& now, LogFailed& in, Effects& out) {
  if (std::holds_alternative<Halted>(role_)) return;
  if (in.error.code == Errc::storage_full) {
    if (std::holds_alternative<Leading>(role_)) become_full(now, in.error.to_string(), out);
    return;
  }
  become_halted(in.error.to_string(), out);
}

void Replica::step(const Now& now, SizesMeasured& in, Effects& out) {
  if (in.sizes.warning != log_.sizes.warning) {
    if (!in.sizes.warning.empty()) {
      event(out, EventKind::wal_warning, Severity::warn, in.sizes.warning);
    }
    state_changed();
  }
  log_.sizes = std::move(in.sizes);
  changed();
  auto* leading = std::get_if<Leading>(&role_);
  const std::int64_t kept = assignment_.config.retention_bytes;
  if (leading != nullptr && kept > 0 &&
      log_.sizes.payload_bytes > static_cast<std::uint64_t>(kept)) {
    leading->retention_at = std::min(leading->retention_at, now.monotonic);
  }
}

void Replica::step(const Now& now, Tick& /*in*/, Effects& out) {
  if (now.monotonic >= traffic_.measure_at) measure_rates(now);
  if (auto* opening = std::get_if<Opening>(&role_)) {
    if (now.monotonic < opening->retry_at) return;
    opening->retry_at = never;
    open(out);
    return;
  }
  auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr) return;
  expire_waiting_fetches(now, out);
  if (now.monotonic >= leading->retention_at) check_retention(now, out);
  if (now.monotonic >= leading->expire_at) {
    leading->expire_at = now.monotonic + limits::producer_expiry_every;
    log_.dedupe.expire(now.wall - limits::producer_expires_after);
  }
  if (log_.pending.empty() && !leading->full) note_high_watermark(now, out);
}

Micros Replica::next_deadline() const noexcept {
  Micros deadline = traffic_.measure_at;
  if (const auto* opening = std::get_if<Opening>(&role_)) {
    return std::min(deadline, opening->retry_at);
  }
  const auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr) return deadline;
  if (!leading->fetches.empty()) {
    deadline = std::min(deadline, leading->fetches.begin()->first.first);
  }
  deadline = std::min(deadline, leading->retention_at);
  if (log_.dedupe.size() > 0) deadline = std::min(deadline, leading->expire_at);
  if (log_.pending.empty() && !leading->full && log_.noted_high_watermark != log_.high_watermark) {
    deadline = std::min(deadline, log_.note_after);
  }
  return deadline;
}

void Replica::drop_oldest_of_tail() { log_.tail.drop_oldest(); }

void Replica::answer_everything_waiting(const Error& why, Effects& out) {
  const Epoch epoch = assignment_.leader_epoch;
  if (auto* leading = std::get_if<Leading>(&role_)) {
    for (auto& [deadline, fetch] : leading->fetches) {
      shared_->refuse(std::move(fetch.asker), why, epoch, out);
    }
    leading->fetches.clear();
    for (auto& [reader, lane] : leading->lanes) {
      for (Request& request : lane.waiting) {
        shared_->refuse(std::move(request.asker), why, epoch, out);
      }
    }
    leading->lanes.clear();
  }
  for (ReadJob& job : reads_waiting_) {
    if (job.asker) shared_->refuse(std::move(*job.asker), why, epoch, out);
  }
  reads_waiting_.clear();
  give_up_queries(why, out);
  for (Uncommitted& batch : log_.uncommitted) {
    for (ProduceWaiter& waiter : batch.waiters) {
      shared_->refuse(std::move(waiter.asker), fail(Errc::timed_out, why.detail), epoch, out);
    }
  }
  log_.uncommitted.clear();
}

Error Replica::halted_error(const std::string& why) const {
  return fail(Errc::storage_failed,
              "partition " + std::to_string(key_.partition.raw()) + " of '" +
                  assignment_.topic_name + "' is halted on node " +
                  std::to_string(shared_->node.raw()) + ": " + why +
                  "; check the disk and the file with 'pinion verify', then restart the node");
}

Error Replica::closing_error(Errc why) const {
  switch (why) {
    case Errc::unknown_topic:
      return fail(why, "topic '" + assignment_.topic_name + "' was deleted");
    case Errc::shutting_down:
      return fail(why, "the partition broker is stopping");
    default:
      return fail(why, "this node does not lead the partition any more");
  }
}

void Replica::refuse_by_role(Asker&& asker, Effects& out) {
  Error error;
  if (const auto* halted = std::get_if<Halted>(&role_)) {
    error = halted_error(halted->why);
  } else if (const auto* closing = std::get_if<Closing>(&role_)) {
    error = closing_error(closing->why);
  } else {
    const auto* opening = std::get_if<Opening>(&role_);
    PINION_ASSERT(opening != nullptr);
    error = fail(Errc::partition_offline,
                 opening->why.empty() ? "the partition is being opened" : opening->why);
  }
  shared_->refuse(std::move(asker), std::move(error), assignment_.leader_epoch, out);
}

void Replica::event(Effects& out, EventKind kind, Severity severity, std::string detail) const {
  out.events.push_back({kind, severity, key_, std::move(detail)});
}

}  // namespace pinion::partition
