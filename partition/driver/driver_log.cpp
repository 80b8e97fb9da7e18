#include "partition/driver/driver_log.hpp"

namespace pinion::partition {

namespace {

std::string_view text_of(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::registered:
      return "registered with the leader broker";
    case EventKind::registration_refused:
      return "registration refused";
    case EventKind::broker_lost:
      return "leader broker lost";
    case EventKind::controller_fenced:
      return "message of an old controller ignored";
    case EventKind::session_ignored:
      return "message of another registration ignored";
    case EventKind::assignment_ignored:
      return "assignment ignored";
    case EventKind::partition_opening:
      return "partition opening";
    case EventKind::partition_online:
      return "partition online";
    case EventKind::partition_following:
      return "replica has all that is committed";
    case EventKind::leader_stepped_down:
      return "partition led by another node";
    case EventKind::isr_proposed:
      return "in-sync replicas proposed";
    case EventKind::replica_older:
      return "replica is older than it was";
    case EventKind::log_cut:
      return "replica cuts its log";
    case EventKind::log_begun_again:
      return "replica begins again";
    case EventKind::replica_refused:
      return "replica's fetch of no use";
    case EventKind::partition_open_failed:
      return "partition file not opened";
    case EventKind::disk_silent:
      return "disk does not answer";
    case EventKind::disk_answers:
      return "disk answers again";
    case EventKind::partition_halted:
      return "partition halted";
    case EventKind::partition_closed:
      return "partition closed";
    case EventKind::storage_full:
      return "storage full, writes are refused";
    case EventKind::storage_has_room:
      return "storage has room again";
    case EventKind::log_shortened:
      return "records not stored were dropped";
    case EventKind::retention:
      return "retention";
    case EventKind::producer_evicted:
      return "producer forgotten";
    case EventKind::wal_warning:
      return "write-ahead log";
    case EventKind::topic_removed:
      return "topic deleted";
    case EventKind::topic_remove_failed:
      return "topic not deleted yet";
    case EventKind::membership_save_failed:
      return "membership not saved";
    case EventKind::unexpected:
      return "unexpected message or result";
    case EventKind::stopping:
      return "stopping";
    case EventKind::stopped:
      return "stopped";
  }
  return "event";
}

LogLevel level_of(Severity severity) noexcept {
  switch (severity) {
    case Severity::debug:
      return LogLevel::debug;
    case Severity::info:
      return LogLevel::info;
    case Severity::warn:
      return LogLevel::warn;
    case Severity::error:
      return LogLevel::error;
  }
  return LogLevel::error;
}

}  // namespace

void DriverLog::write(const Event& event, Micros monotonic) {
  const LogLevel level = level_of(event.severity);
  if (!log_enabled(level)) return;
  // What a peer can cause at will must not fill the log.
  if (event.kind == EventKind::unexpected && !unexpected_.allow(monotonic)) return;
  if (event.key) {
    log_line(level, text_of(event.kind),
             {{"node", node_},
              {"topic_id", event.key->topic},
              {"partition", event.key->partition},
              {"detail", event.detail}});
  } else {
    log_line(level, text_of(event.kind), {{"node", node_}, {"detail", event.detail}});
  }
}

void DriverLog::malformed(std::string_view why, Micros monotonic) {
  if (!malformed_.allow(monotonic)) return;
  log_warn("malformed message dropped",
           {{"node", node_}, {"detail", why}, {"more_before", malformed_.suppressed()}});
}

}  // namespace pinion::partition
