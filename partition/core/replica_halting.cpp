// A replica that does not trust its disk or file any more, and the way of a damaged copy from there
// to a new one; and one whose disk does not answer.
#include <algorithm>
#include <utility>

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/replica.hpp"

namespace pinion::partition {

bool Replica::may_open_later(Errc code) noexcept {
  return code == Errc::storage_full || code == Errc::io_failed || code == Errc::throttled;
}

void Replica::become_halted(std::string why, Effects& out, CloseHow how, FileState file) {
  PINION_ASSERT(!std::holds_alternative<Halted>(role_));
  const bool closing = std::holds_alternative<Closing>(role_);
  event(out, EventKind::partition_halted, Severity::error, why);
  if (!closing) {
    answer_everything_waiting(halted_error(why), out);
    take_role(Halted{why, file, false, never});
  }
  give_up_uncommitted(why, out);
  drop_pending(halted_error(why), out);
  log_.tail.clear();
  close_wanted_ = true;
  reopening_ = false;
  close_how_ = how;
  state_changed();
  continue_closing(out);
}

/// The file has shown what it is while it was in use. The store remembers damage, and sets the file
/// aside when it is opened next; what else has failed, for the file was deleted, emptied or
/// replaced, or a sync went wrong, it finds out by looking at what is there then.
void Replica::halt_on(const Error& why, std::string detail, Effects& out) {
  become_halted(std::move(detail), out);
  auto* halted = std::get_if<Halted>(&role_);
  if (halted == nullptr) return;
  halted->is_doubtful = why.code == Errc::file_corrupt || why.code == Errc::storage_failed;
  set_damaged_aside(out);
}

/// Once others have all that is committed and the controller does not count on this copy any more;
/// what this node remembers of the in-sync set may be old. Then the file is opened again; when it
/// is not good it is set aside, and a new copy is filled from theirs. One that looks good is not
/// used in this life of the node: what was written to it last may be in memory only.
void Replica::set_damaged_aside(Effects& out) {
  const auto* halted = std::get_if<Halted>(&role_);
  if (halted == nullptr || !halted->is_doubtful || halted->file == FileState::lost) return;
  if (log_open_ || open_ticket_ != Ticket{0} || halted->retry_at != never) return;
  const auto& isr = assignment_.isr;
  const bool is_member = std::find(isr.begin(), isr.end(), shared_->node) != isr.end();
  if (is_member || isr.empty() || assignment_.leader == shared_->node) return;
  open(IfMissing::fail, out);
}

void Replica::on_damaged_set_aside(const Now& now, const Error& said, Halted& halted,
                                   Effects& out) {
  if (may_open_later(said.code)) {
    halted.retry_at = now.monotonic + limits::open_retry_every;
    return;
  }
  halted.is_doubtful = false;
  if (said.code == Errc::file_corrupt) halted.file = FileState::lost;
  halted.why = "damage was found while it was in use: " + said.to_string();
  event(out, EventKind::partition_halted, Severity::error, halted.why);
  state_changed();
}

// ---- A disk that hangs

/// It is not waited for: the replica says so, and whoever may lead instead does. What is on its way
/// is neither durable nor given up; when it comes back the replica goes on as what it is by then.
void Replica::watch_disk(const Now& now, Effects& out) {
  const Ticket oldest = log_.pending.empty() ? Ticket{0} : log_.pending.front().ticket;
  if (oldest == log_.oldest) return;
  log_.oldest = oldest;
  log_.oldest_since = now.monotonic;
  if (oldest != Ticket{0} && log_.look_at_oldest == never) {
    log_.look_at_oldest = now.monotonic + disk_silent_after;
  }
  if (!std::exchange(log_.is_silent, false)) return;
  event(out, EventKind::disk_answers, Severity::info, file_);
  state_changed();
}

void Replica::look_at_oldest(const Now& now, Effects& out) {
  log_.look_at_oldest = never;
  if (log_.oldest == Ticket{0} || log_.is_silent) return;
  const Micros at = log_.oldest_since + disk_silent_after;
  if (now.monotonic < at) {
    log_.look_at_oldest = at;
    return;
  }
  log_.is_silent = true;
  // Nobody waits for a table that it has on its way.
  for (Pending& pending : log_.pending) {
    shared_->table_bytes_on_way -= std::exchange(pending.table_bytes, 0);
  }
  event(out, EventKind::disk_silent, Severity::error, silence());
  state_changed();
}

std::string Replica::silence() const {
  return "what was written to " + file_ + " has not come back from the disk for " +
         std::to_string(disk_silent_after / 1s) + " s: its sync hangs";
}

Error Replica::halted_error(const std::string& why) const {
  return fail(Errc::storage_failed,
              "partition " + std::to_string(key_.partition.raw()) + " of '" +
                  assignment_.topic_name + "' is halted on node " +
                  std::to_string(shared_->node.raw()) + ": " + why +
                  "; check the disk and the file with 'pinion verify', then restart the node");
}

}  // namespace pinion::partition
