#include "partition/core/replica.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pinion::partition {

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
  IfMissing if_missing = IfMissing::fail;
  if (assignment_.create) {
    if_missing = assignment_.replicas.size() > 1 ? IfMissing::begin_again : IfMissing::create;
  }
  open(if_missing, out);
}

void Replica::open(IfMissing if_missing, Effects& out) {
  PINION_ASSERT(open_ticket_ == Ticket{0});
  PINION_ASSERT(!log_open_);
  close_wanted_ = false;
  reopening_ = false;
  open_ticket_ = shared_->next_ticket();
  copy_session_ = shared_->session;
  copy_ = static_cast<std::int64_t>(open_ticket_.raw());
  OpenLog op;
  op.ticket = open_ticket_;
  op.identity = {shared_->cluster_id, key_, assignment_.topic_name};
  op.if_missing = if_missing;
  out.store.push_back({key_, std::move(op)});
  event(out, EventKind::partition_opening, Severity::debug, assignment_.topic_name);
}

void Replica::step(const Now& now, const Assignment& assignment, Effects& out) {
  const std::pair said(assignment.leader_epoch, assignment.partition_version);
  const std::pair known(assignment_.leader_epoch, assignment_.partition_version);
  if (std::holds_alternative<Closing>(role_) || said < known) {
    event(out, EventKind::assignment_ignored, Severity::debug,
          "epoch " + std::to_string(assignment.leader_epoch.raw()) + " version " +
              std::to_string(assignment.partition_version));
    return;
  }
  const bool is_new = said > known;
  if (assignment.topic_name != assignment_.topic_name) {
    return on_other_name(assignment.topic_name, out);
  }
  assignment_ = assignment;
  state_changed();
  if (auto* halted = std::get_if<Halted>(&role_)) {
    if (halted->file != FileState::lost) return set_damaged_aside(out);
    // The controller has given this copy up: begin again, empty.
    if (!assignment.create || log_open_ || !is_new) return;
    take_role(Opening{});
    open(out);
    return;
  }
  if (auto* leading = std::get_if<Leading>(&role_); leading != nullptr && !is_new) {
    leading->retention_at = assignment_.config.retention_ms > 0 ? now.monotonic : never;
  }
  if (!is_new || std::holds_alternative<Opening>(role_)) return;
  const auto* catching_up = std::get_if<CatchingUp>(&role_);
  if (catching_up != nullptr && catching_up->cutting) return;  // When it is open again.
  become_by_assignment(now, out);
}

/// A topic keeps its name for ever: whoever gives its id to another one does not know of this one,
/// and what is sent to that must not be written here.
void Replica::on_other_name(const std::string& name, Effects& out) {
  if (std::holds_alternative<Halted>(role_)) return;
  become_halted("topic id " + std::to_string(key_.topic.raw()) + " is '" + assignment_.topic_name +
                    "' here, and '" + name +
                    "' for the leader broker: its broker.db is an old copy; restore a newer one",
                out, CloseHow::clean);
}

/// Takes the role that the assignment asks for, or goes on with it. Requires: the log is open.
void Replica::become_by_assignment(const Now& now, Effects& out) {
  auto* leading = std::get_if<Leading>(&role_);
  if (assignment_.leader == shared_->node) {
    if (leading == nullptr || leading->epoch != assignment_.leader_epoch) {
      return become_leading(now, out);
    }
    note_who_was_refused(now, *leading);
    leading->isr_request.reset();  // Its version has come.
    adopt_replicas(now, *leading, out);
    leading->retention_at = assignment_.config.retention_ms > 0 ? now.monotonic : never;
    commit_what_is(now, out);
    review_isr(now, out);
    return;
  }
  const Copying* copying = this->copying();
  if (copying != nullptr && copying->leader == assignment_.leader &&
      copying->epoch == assignment_.leader_epoch) {
    return;
  }
  if (leading != nullptr) {
    stop_leading(fail(Errc::not_leader, "node " + std::to_string(assignment_.leader.raw()) +
                                            " leads the partition now"),
                 out);
  } else {
    stop_serving_fetches(leader_changed(), out);
  }
  become_catching_up(now, out);
}

void Replica::take_role(Role role) {
  role_ = std::move(role);
  ++role_life_;
  state_changed();
}

void Replica::step(const Now& now, Request request, Effects& out) {
  const auto* leading = std::get_if<Leading>(&role_);
  const bool may_follow = std::holds_alternative<Following>(role_) &&
                          std::holds_alternative<Fetch>(request.body) &&
                          request.asker.header.any_replica;
  if (leading == nullptr && !may_follow) {
    refuse_by_role(std::move(request.asker), out);
    return;
  }
  const Epoch epoch = assignment_.leader_epoch;
  const Epoch asked = request.asker.header.leader_epoch;
  const bool is_replica = request.asker.header.kind == Kind::replica_fetch;
  if (asked != epoch_unknown && asked != epoch && !is_replica) {
    shared_->refuse(
        std::move(request.asker),
        fail(Errc::fenced_epoch, "the partition's epoch is " + std::to_string(epoch.raw()) +
                                     "; ask for metadata and try again"),
        epoch, out);
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
    case Kind::replica_fetch:
      return on_replica_fetch(now, request, out);
    default:
      shared_->refuse(std::move(request.asker), fail(Errc::unknown_kind), epoch, out);
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
  if (auto* halted = std::get_if<Halted>(&role_); halted != nullptr && halted->is_doubtful) {
    halted->is_doubtful = false;  // The store has no memory of it.
    close_wanted_ = true;
    close_how_ = CloseHow::abandon;
  }
  if (std::holds_alternative<Closing>(role_) || std::holds_alternative<Halted>(role_)) {
    continue_closing(out);
    return;
  }
  log_.recover(in.recovered, now.monotonic);
  const Epoch known =
      in.recovered.epochs.empty() ? epoch_unknown : in.recovered.epochs.back().epoch;
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
  become_by_assignment(now, out);
}

void Replica::step(const Now& now, OpenFailed& in, Effects& out) {
  if (in.ticket != open_ticket_) {
    event(out, EventKind::unexpected, Severity::warn, "an open failed twice");
    return;
  }
  open_ticket_ = Ticket{0};
  if (auto* halted = std::get_if<Halted>(&role_); halted != nullptr && halted->is_doubtful) {
    return on_damaged_set_aside(now, in.error, *halted, out);
  }
  auto* opening = std::get_if<Opening>(&role_);
  if (opening == nullptr) return;
  event(out, EventKind::partition_open_failed, Severity::error, in.error.to_string());
  if (may_open_later(in.error.code)) {
    opening->retry_at = now.monotonic + limits::open_retry_every;
    opening->why = in.error.to_string();
    state_changed();
    return;
  }
  const bool lost = in.error.code == Errc::file_corrupt;
  become_halted("the file could not be opened: " + in.error.to_string(), out, CloseHow::abandon,
                lost ? FileState::lost : FileState::unknown);
}

void Replica::retry_open(const Now& now) {
  auto* opening = std::get_if<Opening>(&role_);
  if (opening != nullptr && opening->retry_at != never) opening->retry_at = now.monotonic;
}

void Replica::become_leading(const Now& now, Effects& out) {
  Leading leading;
  if (auto* before = std::get_if<Leading>(&role_)) {
    // The same leader in a new epoch: who waits here goes on waiting.
    PINION_ASSERT(before->epoch < assignment_.leader_epoch);
    leading = std::move(*before);
    for (auto& [node, follower] : leading.followers) {
      if (follower.waiting) {
        shared_->refuse(std::move(follower.waiting->asker), fail(Errc::fenced_epoch),
                        assignment_.leader_epoch, out);
      }
    }
    leading.followers.clear();
    leading.isr_request.reset();
    leading.epoch_started = false;
  } else {
    stop_serving_fetches(leader_changed(), out);
    leading.expire_at = now.monotonic + limits::producer_expiry_every;
    leading.epoch_started =
        !log_.epochs.empty() && log_.epochs.back().epoch == assignment_.leader_epoch;
  }
  leading.epoch = assignment_.leader_epoch;
  leading.certain = false;
  leading.begin = log_.log_end;
  leading.position_begin = log_.positions.last_version();
  leading.retention_at = assignment_.config.retention_ms > 0 ? now.monotonic : never;
  adopt_replicas(now, leading, out);
  const bool again = std::holds_alternative<Leading>(role_);
  if (again) {
    role_ = std::move(leading);
    state_changed();
  } else {
    take_role(std::move(leading));
  }
  event(out, EventKind::partition_online, Severity::info,
        assignment_.topic_name + " epoch " + std::to_string(assignment_.leader_epoch.raw()) +
            " offsets " + std::to_string(log_.log_start.raw()) + " to " +
            std::to_string(log_.log_end.raw()));
  commit_what_is(now, out);
}

/// Another one leads. What was promised to nobody yet is unknown from now on.
void Replica::stop_leading(const Error& why, Effects& out) {
  answer_everything_waiting(why, out);
  give_up_waiters(why, out);
  event(out, EventKind::leader_stepped_down, Severity::info, why.detail);
}

void Replica::close(const Now& now, Errc why, Effects& out) {
  if (std::holds_alternative<Closing>(role_)) return;
  const bool alone = commits_alone();
  answer_everything_waiting(closing_error(why), out);
  if (!alone) give_up_waiters(closing_error(why), out);
  take_role(Closing{why, alone});
  commit_what_is(now, out);
  close_wanted_ = true;
  reopening_ = false;
  close_how_ = CloseHow::clean;
  state_changed();
  continue_closing(out);
}

/// Closes the file and opens it again: what memory knows of it is made anew.
void Replica::reopen(Effects& out) {
  PINION_ASSERT(log_open_);
  stop_serving_fetches(leader_changed(), out);  // Readers that wait at a follower.
  take_role(Opening{});
  close_wanted_ = true;
  reopening_ = true;
  close_how_ = CloseHow::clean;
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
  close_ticket_ = Ticket{0};
  event(out, EventKind::partition_closed, Severity::debug, assignment_.topic_name);
  if (reopening_) {
    log_.tail.clear();
    open(out);
  } else {
    set_damaged_aside(out);
  }
}

void Replica::step(const Now& now, LogFailed& in, Effects& out) {
  if (std::holds_alternative<Halted>(role_)) return;
  if (in.error.code == Errc::storage_full) {
    if (std::holds_alternative<Leading>(role_)) become_full(now, in.error.to_string(), out);
    return;
  }
  if (reopening_) return;  // It is being closed anyway; the checks of opening decide.
  halt_on(in.error, in.error.to_string(), out);
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
  if (now.monotonic >= log_.look_at_oldest) look_at_oldest(now, out);
  if (now.monotonic >= log_.waiters_until) expire_waiters(now, out);
  if (auto* opening = std::get_if<Opening>(&role_)) {
    if (now.monotonic < opening->retry_at) return;
    opening->retry_at = never;
    open(out);
    return;
  }
  if (auto* halted = std::get_if<Halted>(&role_)) {
    if (now.monotonic < halted->retry_at) return;
    halted->retry_at = never;
    return set_damaged_aside(out);
  }
  expire_waiting_fetches(now, out);
  if (copying() != nullptr) {
    tick_copying(now, out);
    if (copying() != nullptr && log_.pending.empty()) note_high_watermark(now, out);
    return;
  }
  auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr) return;
  tick_followers(now, out);  // Also when the last of them has just gone.
  if (now.monotonic >= leading->retention_at) check_retention(now, out);
  if (now.monotonic >= leading->expire_at) {
    leading->expire_at = now.monotonic + limits::producer_expiry_every;
    // By the log's time, as at recovery: a wall clock that jumps must not forget anybody.
    log_.dedupe.expire(log_.next_log_time - limits::producer_expires_after);
  }
  if (log_.pending.empty() && !leading->full) note_high_watermark(now, out);
}

Micros Replica::next_deadline() const noexcept {
  Micros deadline = std::min({traffic_.measure_at, log_.waiters_until, log_.look_at_oldest});
  if (const auto* opening = std::get_if<Opening>(&role_)) {
    return std::min(deadline, opening->retry_at);
  }
  if (const auto* halted = std::get_if<Halted>(&role_)) {
    return std::min(deadline, halted->retry_at);
  }
  const auto* leading = std::get_if<Leading>(&role_);
  const Copying* copying = this->copying();
  if (leading == nullptr && copying == nullptr) return deadline;
  const bool is_full = leading != nullptr && leading->full;
  if (log_.pending.empty() && !is_full && log_.noted_high_watermark != noted_next()) {
    deadline = std::min(deadline, log_.note_after);
  }
  if (copying != nullptr) {
    const auto* following = std::get_if<Following>(&role_);
    if (following != nullptr) deadline = std::min(deadline, following->fetches.next_deadline());
    return std::min(deadline, copying_deadline(*copying));
  }
  deadline = std::min(
      {deadline, leading->fetches.next_deadline(), leading->retention_at, leading->tell_at});
  if (log_.dedupe.size() > 0) deadline = std::min(deadline, leading->expire_at);
  if (!leading->followers.empty()) deadline = std::min(deadline, followers_deadline(*leading));
  return deadline;
}

void Replica::drop_oldest_of_tail() { log_.tail.drop_oldest(); }

/// Of the role: what has not been done, and now will not be.
void Replica::answer_everything_waiting(const Error& why, Effects& out) {
  const Epoch epoch = assignment_.leader_epoch;
  stop_serving_fetches(why, out);
  if (auto* leading = std::get_if<Leading>(&role_)) {
    for (auto& [reader, lane] : leading->lanes) {
      for (Request& request : lane.waiting) {
        shared_->refuse(std::move(request.asker), why, epoch, out);
      }
    }
    leading->lanes.clear();
    for (auto& [node, follower] : leading->followers) {
      if (!follower.waiting) continue;
      shared_->refuse(std::move(follower.waiting->asker), why, epoch, out);
      follower.waiting.reset();
    }
  }
  for (ReadJob& job : reads_waiting_) {
    if (job.asker) shared_->refuse(std::move(*job.asker), why, epoch, out);
  }
  reads_waiting_.clear();
  give_up_queries(why, out);
}

/// What is durable here, or on its way, and promised to nobody yet: it may survive or not.
void Replica::give_up_waiters(const Error& why, Effects& out) {
  const Epoch epoch = assignment_.leader_epoch;
  const Error unknown = fail(Errc::timed_out, why.detail);
  give_up_uncommitted(why.detail, out);
  for (Pending& pending : log_.pending) {
    if (auto* append = std::get_if<PendingAppend>(&pending.op)) {
      for (ProduceWaiter& waiter : append->waiters) {
        shared_->refuse(std::move(waiter.asker), unknown, epoch, out);
      }
      append->waiters.clear();
    } else if (auto* position = std::get_if<PendingPosition>(&pending.op)) {
      for (PositionWaiter& waiter : position->waiters) {
        shared_->refuse(std::move(waiter.asker), unknown, epoch, out);
      }
      position->waiters.clear();
    }
  }
}

void Replica::give_up_uncommitted(const std::string& why, Effects& out) {
  const Epoch epoch = assignment_.leader_epoch;
  const Error unknown = fail(Errc::timed_out, why);
  for (Uncommitted& batch : log_.uncommitted) {
    for (ProduceWaiter& waiter : batch.waiters) {
      shared_->refuse(std::move(waiter.asker), unknown, epoch, out);
    }
  }
  log_.uncommitted.clear();
  for (UncommittedPosition& position : log_.uncommitted_positions) {
    for (PositionWaiter& waiter : position.waiters) {
      shared_->refuse(std::move(waiter.asker), unknown, epoch, out);
    }
  }
  log_.uncommitted_positions.clear();
}

/// They ask the leader, or again.
Error Replica::leader_changed() {
  return fail(Errc::not_leader, "the partition's leader has changed; ask for metadata");
}

void Replica::stop_serving_fetches(const Error& why, Effects& out) {
  WaitingFetches* fetches = waiting_fetches();
  if (fetches == nullptr) return;
  for (auto& [deadline, fetch] : fetches->by_deadline) {
    shared_->refuse(std::move(fetch.asker), why, assignment_.leader_epoch, out);
  }
  fetches->by_deadline.clear();
}

WaitingFetches* Replica::waiting_fetches() noexcept {
  if (auto* leading = std::get_if<Leading>(&role_)) return &leading->fetches;
  if (auto* following = std::get_if<Following>(&role_)) return &following->fetches;
  return nullptr;
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
  } else if (const Copying* copying = this->copying()) {
    error = fail(Errc::not_leader,
                 copying->leader == node_none
                     ? "no node leads the partition now"
                     : "node " + std::to_string(copying->leader.raw()) + " leads the partition");
  } else if (std::holds_alternative<Leading>(role_)) {
    error = fail(Errc::not_leader, "the partition's leader has changed meanwhile");
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
