// What is committed, and the in-sync set that decides it. docs/REPLICATION.md, "When something is
// committed" and "The in-sync set".
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/replica.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pinion::partition {

std::vector<NodeId> Replica::in_sync() const {
  if (assignment_.isr.empty()) return {shared_->node};
  return assignment_.isr;
}

bool Replica::has_enough_in_sync() const { return in_sync().size() >= assignment_.min_insync; }

/// What is durable here is committed: nobody else has to have it.
bool Replica::commits_alone() const {
  const auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr || leading->isr_request || !has_enough_in_sync()) return false;
  return in_sync() == std::vector<NodeId>{shared_->node};
}

bool Replica::is_certain(const Leading& leading) const { return leading.certain; }

/// Whether a node may be needed for a commit: in the in-sync set, or in one that was asked for.
bool Replica::counts(const Leading& leading, NodeId node) const {
  const std::vector<NodeId> isr = in_sync();
  if (std::find(isr.begin(), isr.end(), node) != isr.end()) return true;
  return leading.isr_request && leading.isr_request->possible.count(node) > 0;
}

Offset Replica::committed_end(const Leading& leading) const {
  if (!has_enough_in_sync()) return log_.high_watermark;
  Offset end = log_.durable_end;
  for (const auto& [node, follower] : leading.followers) {
    if (!counts(leading, node)) continue;
    end = std::min(end, follower.agreed ? follower.durable_end : Offset{0});
  }
  return end;
}

PositionVersion Replica::committed_positions(const Leading& leading) const {
  if (!has_enough_in_sync()) return PositionVersion{-1};
  PositionVersion version = log_.positions.version();
  for (const auto& [node, follower] : leading.followers) {
    if (!counts(leading, node)) continue;
    version = std::min(version,
                       follower.agreed ? follower.durable_position_version : PositionVersion{-1});
  }
  return version;
}

/// Called whenever something became durable here or on a follower, or the in-sync set changed.
void Replica::commit_what_is(const Now& now, Effects& out) {
  auto* leading = std::get_if<Leading>(&role_);
  const auto* closing = std::get_if<Closing>(&role_);
  Offset committed = log_.high_watermark;
  PositionVersion positions{-1};
  if (leading != nullptr) {
    committed = std::max(committed, committed_end(*leading));
    positions = committed_positions(*leading);
  } else if (closing != nullptr && closing->commits_alone) {
    committed = log_.durable_end;
    positions = log_.positions.version();
  } else {
    return;
  }
  log_.positions.commit(positions);
  if (leading != nullptr && !leading->certain) {
    leading->certain = committed >= leading->begin && positions >= leading->position_begin;
  }
  while (!log_.uncommitted_positions.empty() &&
         log_.uncommitted_positions.front().version <= positions) {
    UncommittedPosition done = std::move(log_.uncommitted_positions.front());
    log_.uncommitted_positions.pop_front();
    answer_position_waiters(now, done.version, done.reader, done.waiters, out);
  }
  if (committed == log_.high_watermark) return;
  PINION_ASSERT(committed > log_.high_watermark);
  log_.high_watermark = committed;
  changed();
  while (!log_.uncommitted.empty() &&
         log_.uncommitted.front().batch.next_offset() <= log_.high_watermark) {
    Uncommitted done = std::move(log_.uncommitted.front());
    log_.uncommitted.pop_front();
    for (ProduceWaiter& waiter : done.waiters) answer_produce(std::move(waiter), done.batch, out);
  }
  answer_waiting_fetches(now, out);
  if (leading != nullptr && !leading->followers.empty()) {
    leading->tell_at =
        std::min(leading->tell_at, now.monotonic + limits::high_watermark_tell_after);
  }
}

// ---- The in-sync set

/// The followers are the other replicas; what is known of those that stay is kept.
void Replica::adopt_replicas(const Now& now, Leading& leading, Effects& out) {
  const auto& replicas = assignment_.replicas;
  for (auto at = leading.followers.begin(); at != leading.followers.end();) {
    if (std::find(replicas.begin(), replicas.end(), at->first) != replicas.end()) {
      ++at;
      continue;
    }
    if (at->second.waiting) {
      shared_->refuse(std::move(at->second.waiting->asker),
                      fail(Errc::not_registered, "no replica any more"), leading.epoch, out);
    }
    at = leading.followers.erase(at);
  }
  for (const NodeId node : replicas) {
    if (node == shared_->node) continue;
    const auto [at, is_new] = leading.followers.try_emplace(node);
    if (!is_new) continue;
    // It has the time that a slow one has to show itself.
    at->second.caught_up_at = now.monotonic;
    at->second.caught_up_wall = now.wall;
  }
}

/// It has everything that is committed, or that may have been shown before this leader began, or
/// that this log will be taken to have committed when it is opened again.
bool Replica::may_join(const Leading& leading, const Follower& follower) const {
  const Offset least = std::max({log_.high_watermark, leading.begin, log_.note_asked});
  return follower.agreed && follower.durable_end >= least &&
         follower.durable_position_version >=
             std::max(log_.positions.committed_version(), leading.position_begin);
}

/// The controller relies on it in an election, and while nobody is vouched for it must wait for
/// those who are away: it hears of each copy at once. It does not take back what it was told once,
/// so one that falls behind and comes back is told of in its turn.
void Replica::note_if_whole(const Leading& leading, Follower& follower) {
  const bool is_whole = may_join(leading, follower);
  if (std::exchange(follower.is_whole, is_whole) != is_whole) changed();
  if (is_whole && !std::exchange(follower.was_whole, true)) ++vouched_version_;
}

/// Of a member: it lacks what is committed, which it once had on its disk. Its data folder was put
/// back from a backup, or its disk lies about what it has written.
bool Replica::is_older(const Follower& follower) const {
  return follower.agreed && follower.durable_end < log_.high_watermark;
}

/// The controller knows of something that the leader does not: a copy that has halted, a node that
/// has begun another life. Asked again at once it would say the same.
void Replica::note_who_was_refused(const Now& now, Leading& leading) {
  if (!leading.isr_request) return;
  const std::vector<NodeId> isr = in_sync();
  for (const NodeId node : leading.isr_request->isr) {
    const auto follower = leading.followers.find(node);
    if (follower == leading.followers.end()) continue;
    if (std::find(isr.begin(), isr.end(), node) != isr.end()) continue;
    follower->second.may_join_at = now.monotonic + limits::isr_propose_again / 4;
  }
}

void Replica::review_isr(const Now& now, Effects& out) {
  auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr || leading->followers.empty()) return;
  if (leading->isr_request && now.monotonic < leading->isr_request->again_at) return;
  const std::vector<NodeId> isr = in_sync();
  std::vector<NodeId> wanted;
  for (const NodeId node : assignment_.replicas) {
    if (node == shared_->node) {
      wanted.push_back(node);
      continue;
    }
    const Follower& follower = leading->followers.at(node);
    const bool is_member = std::find(isr.begin(), isr.end(), node) != isr.end();
    const bool is_slow = now.monotonic - follower.caught_up_at > limits::replica_lag_max;
    const bool may_stay = !is_slow && !is_older(follower);
    const bool may_come =
        !is_slow && now.monotonic >= follower.may_join_at && may_join(*leading, follower);
    if (is_member ? may_stay : may_come) wanted.push_back(node);
  }
  std::vector<NodeId> sorted = isr;
  std::sort(sorted.begin(), sorted.end());
  std::vector<NodeId> wanted_sorted = wanted;
  std::sort(wanted_sorted.begin(), wanted_sorted.end());
  // With a request open the answer is still awaited, also when nothing is wanted any more.
  if (wanted_sorted == sorted && !leading->isr_request) return;
  propose(now, std::move(wanted), out);
}

void Replica::propose(const Now& now, std::vector<NodeId> isr, Effects& out) {
  auto& leading = std::get<Leading>(role_);
  if (!leading.isr_request) leading.isr_request.emplace();
  IsrRequest& request = *leading.isr_request;
  request.possible.insert(isr.begin(), isr.end());
  request.isr = isr;
  request.again_at = now.monotonic + limits::isr_propose_again;
  ProposedIsr proposal;
  proposal.topic = key_.topic;
  proposal.partition = key_.partition;
  proposal.leader_epoch = leading.epoch;
  proposal.partition_version = assignment_.partition_version;
  std::string members;
  for (const NodeId node : isr) {
    const auto follower = leading.followers.find(node);
    if (follower == leading.followers.end()) {
      proposal.isr.push_back({node, shared_->incarnation, copy_session_, copy_});
    } else {
      const Follower& row = follower->second;
      proposal.isr.push_back({node, row.incarnation, row.session, row.copy});
    }
    members += (members.empty() ? "" : ",") + std::to_string(node.raw());
  }
  for (const NodeId node : in_sync()) {
    const auto follower = leading.followers.find(node);
    if (follower == leading.followers.end() || !is_older(follower->second)) continue;
    proposal.older.push_back(node);
    event(out, EventKind::replica_older, Severity::error,
          "node " + std::to_string(node.raw()) + " has nothing from offset " +
              std::to_string(follower->second.durable_end.raw()) + " on, and what is before " +
              std::to_string(log_.high_watermark.raw()) +
              " is committed: its copy is older than it was, and is filled again");
  }
  shared_->proposals.push_back(std::move(proposal));
  event(out, EventKind::isr_proposed, Severity::info,
        members + " of version " + std::to_string(assignment_.partition_version));
}

}  // namespace pinion::partition
