// Who leads a partition and who is in sync. docs/REPLICATION.md, "The in-sync set" and "Electing".
//
// Whatever happens to a node, a replica or a proposal, the partition is *reconsidered*: from what
// is decided and who is there now follows the next row, or the same one. So the order in which news
// arrives does not matter, and nothing has to be remembered about it.
#include <algorithm>
#include <string>
#include <utility>

#include "broker/core/controller.hpp"
#include "common/base/assert.hpp"

namespace pinion {

namespace {

/// Leaderships given back at once; the next ones a second later.
constexpr std::size_t returns_at_once = 64;

/// Leadership goes back to a disk that failed after 2, 4, ... 64 times as long, and after the usual
/// time when so long has passed since: on one whose commits are slow for hours it would go back and
/// forth.
constexpr std::uint32_t return_doublings_max = 6;
constexpr Micros failure_forgotten_after = 1h;

/// Times assign_again: a replica that is there and silent has been asked after 2, 4, 8 and 16 s
/// more.
constexpr std::int64_t silent_intervals = 16;

[[nodiscard]] std::string list_of(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) {
    if (!text.empty()) text += ',';
    text += std::to_string(node.raw());
  }
  return text;
}

}  // namespace

std::size_t Controller::min_insync(PartitionKey key) const {
  const Topic* topic = topics_.find(key.topic);
  const Partition* partition = partitions_.find(key);
  PINION_ASSERT(topic != nullptr && partition != nullptr);
  return least_in_sync(topic->meta.config, partition->decided);
}

/// Its node lives, and has said in this session that the file is open and trusted.
bool Controller::may_lead(const Partition& partition, NodeId id) const {
  const Node* node = nodes_.find(id);
  if (node == nullptr || !node->alive() || registering_.count(id) != 0) return false;
  const auto report = partition.reports.find(id);
  if (report == partition.reports.end()) return false;
  if (report->second.file == FileState::failing) return false;
  return report->second.file == FileState::open || report->second.role == ReplicaRole::leader;
}

/// A leader has vouched for the very copy that is there now: nothing of it can have been lost
/// since. That its node has lived for long says less, for it may have begun with an older disk.
bool Controller::is_steady(const Partition& partition, NodeId id) {
  const auto whole = partition.whole.find(id);
  const auto report = partition.reports.find(id);
  if (whole == partition.whole.end() || report == partition.reports.end()) return false;
  return whole->second == Copy{report->second.copy_session, report->second.copy};
}

/// Whom the leader vouches for in its status. What it has vouched for once is not taken back when
/// it says nothing of it, or another one leads: a copy that stays a member has what is committed
/// later, and one that does not is no candidate.
void Controller::note_whole(Partition& partition, const PartitionStatus& status) {
  for (const FollowerStatus& follower : status.followers) {
    if (follower.copy_session == 0 || follower.durable_end < status.high_watermark) continue;
    if (!names(partition.meta.replicas, follower.node)) continue;
    partition.whole[follower.node] = {follower.copy_session, follower.copy};
  }
}

std::map<NodeId, Candidate> Controller::candidates(const Partition& partition) const {
  const PartitionMeta& decided = partition.decided;
  std::map<NodeId, Candidate> found;
  for (const NodeId id : decided.replicas) {
    if (!may_lead(partition, id)) continue;
    const ReplicaState& report = partition.reports.at(id);
    found[id] = {
        .is_steady = is_steady(partition, id),
        .is_final = decided.leader == node_none && report.leader_epoch == decided.leader_epoch,
        .last_epoch = report.last_epoch,
        .log_end = report.log_end,
        .position_version = report.position_version,
        .opened_in = report.copy_session};
  }
  return found;
}

// ---- Planning

/// Eligible ones have everything because nothing was committed since they left the in-sync set,
/// which was below the minimum. When the minimum has been lowered to what is left, it may have
/// been.
PartitionMeta Controller::without_stale_eligible(PartitionMeta partition, std::size_t least) {
  if (partition.isr.size() >= least) partition.eligible.clear();
  return partition;
}

/// Without members of the in-sync set that are gone, as long as the file of another one is there.
/// One that starts again with its data folder is not gone: what it has fsynced it still has.
PartitionMeta Controller::plan_without_lost(const Partition& partition) const {
  const std::size_t least = min_insync(partition.decided.key);
  PartitionMeta next = without_stale_eligible(partition.decided, least);
  const auto is_lost = [&](NodeId id) {
    const Node* node = nodes_.find(id);
    if (node == nullptr) return true;
    if (registering_.count(id) != 0) return false;
    const auto report = partition.reports.find(id);
    const bool halted =
        report != partition.reports.end() && report->second.state == PartitionState::halted;
    return node->alive() ? halted : node->is_gone;
  };
  // Not for one that may itself lack something: then all are waited for, and compared.
  const auto is_there = [&](NodeId id) {
    return !is_lost(id) && may_lead(partition, id) &&
           (id == partition.decided.leader || is_steady(partition, id));
  };
  for (const NodeId id : partition.decided.isr) {
    if (!is_lost(id) || next.isr.size() == 1) continue;
    if (std::none_of(next.isr.begin(), next.isr.end(), is_there)) break;
    next = without_member(std::move(next), id, least);
  }
  // Copies that are lost for good may begin again, empty.
  for (const NodeId id : partition.decided.replicas) {
    const auto report = partition.reports.find(id);
    if (report == partition.reports.end() || report->second.file != FileState::lost) continue;
    if (names(next.made, id)) next = without_copy(std::move(next), id, least);
  }
  return next;
}

PartitionMeta Controller::plan_leader(const Now& now, Partition& partition, PartitionMeta next,
                                      ControllerEffects& out) {
  const Node* leader = nodes_.find(next.leader);
  const auto report = partition.reports.find(next.leader);
  const bool is_told = report != partition.reports.end();
  const bool halted = is_told && report->second.state == PartitionState::halted;
  // It goes on trying to open its file, or its disk hangs; another one that has everything need not
  // wait for that.
  const bool failing = is_told && report->second.file == FileState::failing;
  const bool is_fit = leader != nullptr && !leader->is_gone && !halted && !failing &&
                      names(next.isr, next.leader) && registering_.count(next.leader) == 0;
  if (is_fit) return next;
  const bool preferred_fails = failing && next.leader == next.replicas.front();
  ElectionInput input;
  input.partition = &next;
  input.candidates = candidates(partition);
  input.candidates.erase(halted ? next.leader : node_none);
  // After a start of this process all nodes get the time to come back to it.
  input.has_waited =
      now.monotonic - partition.leaderless_since >= options_.node_lost_after && all_had_time_;
  // It stops and hangs, or nothing reaches it.
  input.has_waited_long = input.has_waited && now.monotonic - partition.leaderless_since >=
                                                  silent_intervals * options_.assign_again;
  // Whoever goes on trying to open its file may yet have everything.
  const bool may_open = std::any_of(next.isr.begin(), next.isr.end(), [&](NodeId id) {
    const auto said = partition.reports.find(id);
    return said != partition.reports.end() && said->second.file == FileState::failing;
  });
  input.unclean_allowed = !may_open && topics_.find(next.key.topic)->meta.config.unclean_elections;
  // The only one that may lead does so when it comes; there is nothing to compare it with.
  if (next.isr.size() == 1 && next.isr.front() == next.leader && next.eligible.empty() &&
      !input.unclean_allowed) {
    return next;
  }
  const Election election = plan_election(input);
  if (election.leader == node_none) {
    if (election.must_wait || election.must_settle || input.unclean_allowed) {
      waiting_.insert(next.key);
    }
    if (!election.must_settle) return next;
    if (preferred_fails) note_failure(now, partition, next.leader);
    // From now on they have the time that they have after the loss of a leader.
    partition.leaderless_since = now.monotonic;
    return without_leader(std::move(next));
  }
  if (election.is_unclean) note_loss(partition, input, election.leader, out);
  if (preferred_fails) note_failure(now, partition, next.leader);
  return elected(std::move(next), election);
}

/// Told once, and shown with the partition for as long as this process runs.
void Controller::note_loss(Partition& partition, const ElectionInput& input, NodeId leader,
                           ControllerEffects& out) {
  const Offset end = input.candidates.at(leader).log_end;
  const Offset last = std::max(partition.status.log_end, partition.meta.log_end);
  const std::string from =
      "node " + std::to_string(leader.raw()) + " leads from offset " + std::to_string(end.raw());
  const std::string lost =
      last > end ? "and the last leader was at " + std::to_string(last.raw()) +
                       ": what lies between is lost"
                 : "and where the last leader was is not known: what it had beyond is lost";
  partition.loss = "elected uncleanly in epoch " +
                   std::to_string(input.partition->leader_epoch.raw() + 1) + ": " + from + ", " +
                   lost;
  out.events.push_back({.kind = BrokerEventKind::unclean_election,
                        .node = leader,
                        .partition = partition.meta.key,
                        .detail = "no replica that has everything is left; " + from + ", " + lost});
}

/// How often this node has failed as its preferred leader, since it last went well for long.
std::uint32_t Controller::failures_of(const Now& now, const Partition& partition, NodeId node) {
  const Partition::Failures& failures = partition.failures;
  const bool is_known = failures.node == node;
  return is_known && now.monotonic - failures.last_at <= failure_forgotten_after ? failures.count
                                                                                 : 0;
}

void Controller::note_failure(const Now& now, Partition& partition, NodeId node) {
  partition.failures = {node, failures_of(now, partition, node) + 1, now.monotonic};
}

/// The preferred leader leads again, a while after it is in sync again.
PartitionMeta Controller::plan_return(const Now& now, Partition& partition, PartitionMeta next) {
  const NodeId preferred = next.replicas.front();
  const Node* node = nodes_.find(preferred);
  const bool might = preferred != next.leader && names(next.isr, preferred) && node != nullptr &&
                     !node->meta.draining && may_lead(partition, preferred) &&
                     is_steady(partition, preferred) && partition.state == PartitionState::online;
  if (!might) {
    partition.preferred_since = never;
    return next;
  }
  partition.preferred_since = std::min(partition.preferred_since, now.monotonic);
  const std::uint32_t doublings =
      std::min(failures_of(now, partition, preferred), return_doublings_max);
  const Micros return_after = options_.leader_return_after * (std::int64_t{1} << doublings);
  if (now.monotonic - partition.preferred_since < return_after) return next;
  return elected(std::move(next), {.leader = preferred});
}

PartitionMeta Controller::plan(const Now& now, Partition& partition, ControllerEffects& out) {
  PartitionMeta next = plan_leader(now, partition, plan_without_lost(partition), out);
  // A move names a leader of its own; while nobody leads, whoever has everything is to be found.
  if (next.leader == node_none) return next;
  return plan_move(partition, std::move(next));
}

/// A node has started again. What it led goes on in another epoch, with another leader when there
/// is one: its new life may have lost what the old one had shown to its followers.
PartitionMeta Controller::plan_new_life(const Partition& partition, NodeId id,
                                        bool new_store) const {
  const std::size_t least = min_insync(partition.decided.key);
  PartitionMeta next = without_stale_eligible(partition.decided, least);
  if (new_store && names(next.made, id)) next = without_copy(std::move(next), id, least);
  if (partition.decided.leader != id) return next;
  const bool alone = next.isr == std::vector<NodeId>{id} && next.eligible.empty();
  if (alone) return elected(std::move(next), {.leader = id});
  ElectionInput input;
  input.partition = &next;
  input.candidates = candidates(partition);
  input.candidates.erase(id);
  const Election election = plan_election(input);
  if (election.leader != node_none) return elected(std::move(next), election);
  return without_leader(std::move(next));
}

// ---- Carrying out

void Controller::reconsider(const Now& now, PartitionKey key, ControllerEffects& out) {
  Partition* partition = partitions_.find(key);
  if (partition == nullptr || topics_.find(key.topic)->deleting) return;
  if (!may_decide()) {
    waiting_.insert(key);
    return;
  }
  PartitionMeta next = plan(now, *partition, out);
  if (next == partition->decided) return;
  if (next.leader != partition->decided.leader) waiting_.erase(key);
  // Several steps at once are one version.
  next.version = partition->decided.version + 1;
  partition->decided = std::move(next);
  planned_.push_back(key);
}

void Controller::reconsider_all_of(const Now& now, NodeId node, ControllerEffects& out) {
  const std::set<PartitionKey> keys = partitions_.held_by(node);
  for (const PartitionKey key : keys) reconsider(now, key, out);
}

/// Those whose election waits for more candidates, or for the store; and leaderships to give back.
void Controller::reconsider_waiting(const Now& now, ControllerEffects& out) {
  const std::set<PartitionKey> waiting = std::exchange(waiting_, {});
  for (const PartitionKey key : waiting) reconsider(now, key, out);
  if (now.monotonic < return_at_ || !may_decide()) return;
  return_at_ = now.monotonic + 1s;
  plan_moves(now, out);
  std::size_t returned = 0;
  for (auto& [key, partition] : partitions_.rows()) {
    if (partition.decided.replicas.size() < 2 || !partition.decided.target.empty()) continue;
    if (topics_.find(key.topic)->deleting) continue;
    PartitionMeta next = plan_return(now, partition, partition.decided);
    if (next == partition.decided) continue;
    partition.decided = std::move(next);
    partition.preferred_since = never;
    planned_.push_back(key);
    if (++returned == returns_at_once) return;
  }
}

/// One write for all that this step has changed.
void Controller::carry_out_plans(ControllerEffects& out) {
  if (planned_.empty()) return;
  PartitionsSet set;
  std::vector<MetaOp> ops;
  std::sort(planned_.begin(), planned_.end());
  planned_.erase(std::unique(planned_.begin(), planned_.end()), planned_.end());
  for (const PartitionKey key : planned_) {
    const Partition* partition = partitions_.find(key);
    if (partition == nullptr) continue;
    ops.emplace_back(SetPartition{partition->decided});
    set.keys.push_back(key);
  }
  planned_.clear();
  decide(std::move(ops), std::move(set), out);
}

/// For a decision that is a part of a larger one.
void Controller::set_decided(Partition& partition, PartitionMeta next, std::vector<MetaOp>& ops) {
  next.version = partition.decided.version + 1;
  partition.decided = std::move(next);
  std::erase(planned_, partition.decided.key);  // It is in this one.
  ops.emplace_back(SetPartition{partition.decided});
}

void Controller::then(const Now& now, const PartitionsSet& set, ControllerEffects& out) {
  for (const PartitionKey key : set.keys) {
    Partition* partition = partitions_.find(key);
    if (partition == nullptr) continue;
    if (topics_.find(key.topic)->deleting) {
      // Decided before its deletion was: nobody is to follow it any more, and the route must fit.
      set_state(*partition, PartitionState::offline, "the topic is being deleted", out);
      update_route(*partition, out);
      continue;
    }
    mark_changed(key.topic);
    show_leadership(*partition, out);
    tell_replicas(now, *partition, out);
    // A move goes on with what has become durable.
    if (!partition->decided.target.empty()) reconsider(now, key, out);
    if (creating_.count(key.topic) != 0) finish_creation(now, key.topic, out);
  }
  start_moves(now, out);
}

/// What clients are told after a change: the same leader in the same epoch goes on as it was.
void Controller::show_leadership(Partition& partition, ControllerEffects& out) {
  const PartitionMeta& meta = partition.meta;
  const auto report = partition.reports.find(meta.leader);
  const bool goes_on =
      report != partition.reports.end() && report->second.leader_epoch == meta.leader_epoch &&
      report->second.role != ReplicaRole::catching_up &&
      report->second.role != ReplicaRole::following && partition.state != PartitionState::offline;
  if (!goes_on) {
    const Node* node = nodes_.find(meta.leader);
    if (node != nullptr && node->alive()) {
      set_state(partition, PartitionState::opening,
                "node " + std::to_string(meta.leader.raw()) + " takes over in epoch " +
                    std::to_string(meta.leader_epoch.raw()),
                out);
    } else {
      set_state(
          partition, PartitionState::offline,
          meta.leader == node_none
              ? "no replica that has everything is there; in sync are nodes " + list_of(meta.isr)
              : "node " + std::to_string(meta.leader.raw()) + " is not connected",
          out);
    }
  }
  update_route(partition, out);
}

// ---- Proposals of leaders

void Controller::on_isr_proposal(const Now& now, const NodeMessage& message,
                                 ControllerEffects& out) {
  const auto& proposals = std::get<IsrProposal>(message.body);
  if (registering_.count(proposals.node) != 0) return;
  Node* node = session_of(message, proposals.node, proposals.incarnation, proposals.session);
  if (node == nullptr) return say_hello(message, out);
  node->last_heard = now.monotonic;
  node->last_proved = now.monotonic;
  heard_since_grace_ = true;
  for (const ProposedIsr& proposal : proposals.proposals) {
    take_proposal(now, *node, proposal, out);
  }
}

/// One that names the newest version always brings the next one: the leader counts with what it has
/// asked for until it knows.
void Controller::take_proposal(const Now& now, const Node& node, const ProposedIsr& proposal,
                               ControllerEffects& out) {
  const PartitionKey key{proposal.topic, proposal.partition};
  Partition* partition = partitions_.find(key);
  if (partition == nullptr || topics_.find(key.topic)->deleting || !may_decide()) return;
  const PartitionMeta& decided = partition->decided;
  if (decided.leader != node.meta.id || decided.leader_epoch != proposal.leader_epoch ||
      decided.version != proposal.partition_version) {
    Node* asker = nodes_.find(node.meta.id);
    const bool newer = partition->meta.version > proposal.partition_version;
    if (newer && names(partition->meta.replicas, node.meta.id)) {
      send_assignments(now, *asker, {key}, out);
    }
    return;
  }
  PartitionMeta next = decided;
  const std::size_t least = min_insync(key);
  const auto wanted = [&](NodeId id) {
    return std::any_of(proposal.isr.begin(), proposal.isr.end(),
                       [&](const IsrMember& member) { return member.node == id; });
  };
  for (const IsrMember& member : proposal.isr) {
    if (names(next.isr, member.node) || !names(next.replicas, member.node)) continue;
    const Node* joining = nodes_.find(member.node);
    const auto report = partition->reports.find(member.node);
    const bool is_told = report != partition->reports.end();
    // What the leader knows is of this opening of the file: a node whose disk was wiped is in its
    // first life again, and a file that was set aside is made anew within one life.
    const bool is_this_copy = is_told && report->second.copy_session == member.copy_session &&
                              report->second.copy == member.copy;
    // Its current life, and a file that could not be taken for a new one any more.
    const bool may_join =
        joining != nullptr && joining->alive() && joining->meta.incarnation == member.incarnation &&
        registering_.count(member.node) == 0 && names(partition->meta.made, member.node) &&
        names(decided.made, member.node) && is_this_copy &&
        report->second.state != PartitionState::halted;
    if (may_join) {
      next.isr.push_back(member.node);
      partition->whole[member.node] = {member.copy_session, member.copy};
    }
    // Its report may have been lost, and its heartbeats do not show it.
    if (is_told && !is_this_copy) untold_.try_emplace({member.node, key});
  }
  if (next.isr.size() >= least) next.eligible.clear();
  for (const NodeId id : decided.isr) {
    if (id == node.meta.id || wanted(id) || next.isr.size() == 1) continue;
    next = without_member(std::move(next), id, least);
  }
  // Those that lack what is committed may not lead, however few are left.
  std::erase_if(next.eligible,
                [&](NodeId id) { return names(next.isr, id) || names(proposal.older, id); });
  next.version = decided.version + 1;
  partition->decided = std::move(next);
  planned_.push_back(key);
}

}  // namespace pinion
