// What a replica says of itself: to the leader broker, and to tests and checkers.
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/core/replica.hpp"

#include <algorithm>
#include <limits>

namespace pinion::partition {

namespace {

std::uint32_t per_second(std::uint64_t count, Micros time) noexcept {
  if (time <= Micros{0}) return 0;
  const std::uint64_t rate = count * 1'000'000 / static_cast<std::uint64_t>(time.count());
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(rate, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

PartitionState Replica::state() const noexcept {
  if (std::holds_alternative<Opening>(role_)) return PartitionState::opening;
  if (std::holds_alternative<Halted>(role_)) return PartitionState::halted;
  if (copying() != nullptr) return PartitionState::online;
  const auto* leading = std::get_if<Leading>(&role_);
  if (leading == nullptr) return PartitionState::offline;
  return leading->full || shared_->low_space ? PartitionState::storage_full
                                             : PartitionState::online;
}

std::string Replica::detail() const {
  if (const auto* halted = std::get_if<Halted>(&role_)) return halted->why;
  if (const auto* opening = std::get_if<Opening>(&role_)) return opening->why;
  if (log_.is_silent) return silence();
  if (const auto* leading = std::get_if<Leading>(&role_)) {
    if (leading->full) return leading->full_why;
    if (shared_->low_space) return "too little free disk space on the node";
  }
  if (const Copying* copying = this->copying(); copying != nullptr && !copying->trouble.empty()) {
    return "it does not get on with copying: " + copying->trouble;
  }
  return log_.sizes.warning;
}

PartitionStatus Replica::status() const {
  PartitionStatus status;
  status.topic = key_.topic;
  status.partition = key_.partition;
  status.node = shared_->node;
  status.leader_epoch = assignment_.leader_epoch;
  status.state = state();
  status.log_start = log_.log_start;
  status.high_watermark = log_.high_watermark;
  status.log_end = log_.log_end;
  status.file_bytes = log_.sizes.file_bytes;
  status.wal_bytes = log_.sizes.wal_bytes;
  status.records_in = traffic_.records_in;
  status.commits = traffic_.commits;
  status.records_out = traffic_.records_out;
  status.bytes_in = traffic_.bytes_in;
  status.bytes_out = traffic_.bytes_out;
  status.records_in_per_s = traffic_.in_per_s;
  status.records_out_per_s = traffic_.out_per_s;
  status.file = file_;
  status.detail = detail().substr(0, limits::error_detail_bytes_max);
  status.readers = log_.positions.recent(limits::readers_per_status_max);
  if (const auto* leading = std::get_if<Leading>(&role_)) {
    const std::vector<NodeId> isr = in_sync();
    for (const auto& [node, follower] : leading->followers) {
      const bool is_member = std::find(isr.begin(), isr.end(), node) != isr.end();
      const bool at_end = follower.agreed && follower.durable_end >= log_.durable_end;
      // Which opening of its file: the leader vouches for it, or says nothing.
      const bool is_whole = may_join(*leading, follower);
      status.followers.push_back({node, is_member,
                                  follower.agreed ? follower.durable_end : offset_unassigned,
                                  at_end ? Micros{0} : follower.caught_up_wall,
                                  is_whole ? follower.session : 0, is_whole ? follower.copy : 0});
    }
  }
  return status;
}

bool Replica::may_report() const {
  const auto* catching_up = std::get_if<CatchingUp>(&role_);
  const bool is_changing =
      !log_.pending.empty() || (catching_up != nullptr && catching_up->cutting);
  // That its disk hangs is told, and no number with it that anybody relies on.
  return copying() == nullptr || assignment_.leader != node_none || !is_changing || log_.is_silent;
}

ReplicaState Replica::report() const {
  ReplicaState report;
  report.topic = key_.topic;
  report.partition = key_.partition;
  report.leader_epoch = assignment_.leader_epoch;
  report.state = state();
  report.log_end = log_.durable_end;
  report.partition_version = assignment_.partition_version;
  report.last_epoch = log_.last_epoch();
  report.position_version = log_.positions.version();
  report.copy_session = copy_session_;
  report.copy = copy_;
  if (std::holds_alternative<Leading>(role_)) report.role = ReplicaRole::leader;
  if (std::holds_alternative<CatchingUp>(role_)) report.role = ReplicaRole::catching_up;
  if (std::holds_alternative<Following>(role_)) report.role = ReplicaRole::following;
  if (report.role != ReplicaRole::none) {
    report.file = log_.is_silent ? FileState::failing : FileState::open;
  }
  if (const auto* halted = std::get_if<Halted>(&role_)) report.file = halted->file;
  const auto* opening = std::get_if<Opening>(&role_);
  if (opening != nullptr && !opening->why.empty()) report.file = FileState::failing;
  report.detail = detail().substr(0, limits::error_detail_bytes_max);
  return report;
}

ReplicaView Replica::view() const {
  ReplicaView view;
  view.key = key_;
  view.role = static_cast<RoleName>(role_.index());
  view.state = state();
  view.leader_epoch = assignment_.leader_epoch;
  view.log_start = log_.log_start;
  view.log_end = log_.log_end;
  view.durable_end = log_.durable_end;
  view.high_watermark = log_.high_watermark;
  view.pending = log_.pending.size();
  view.reads = reads_.size() + reads_waiting_.size();
  view.tail_batches = log_.tail.count();
  view.producers = log_.dedupe.size();
  view.positions = log_.positions.all_visible();
  view.detail = detail();
  view.leader = assignment_.leader;
  view.isr = in_sync();
  view.partition_version = assignment_.partition_version;
  view.copy_session = copy_session_;
  view.copy = copy_;
  view.durable_position_version = log_.positions.version();
  if (const auto* leading = std::get_if<Leading>(&role_)) {
    view.waiting_fetches = leading->fetches.by_deadline.size();
    view.certain = is_certain(*leading);
  }
  return view;
}

/// Rates over the last four samples, a second apart; stops by itself when nothing moves any more.
void Replica::measure_rates(const Now& now) {
  const Traffic::Sample& oldest = traffic_.samples[traffic_.next_sample];
  const Micros time = now.monotonic - oldest.at;
  traffic_.in_per_s = per_second(traffic_.records_in - oldest.records_in, time);
  traffic_.out_per_s = per_second(traffic_.records_out - oldest.records_out, time);
  traffic_.samples[traffic_.next_sample] = {now.monotonic, traffic_.records_in,
                                            traffic_.records_out};
  traffic_.next_sample = (traffic_.next_sample + 1) % traffic_.samples.size();
  const bool idle = traffic_.in_per_s == 0 && traffic_.out_per_s == 0;
  traffic_.measure_at = idle ? never : now.monotonic + limits::status_every;
  changed();
}

}  // namespace pinion::partition
