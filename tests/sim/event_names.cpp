#include "tests/sim/event_names.hpp"

namespace pinion::sim {

const char* name_of(BrokerEventKind kind) {
  using enum BrokerEventKind;
  switch (kind) {
    case node_registered:
      return "node registered";
    case node_refused:
      return "node refused";
    case node_lost:
      return "node lost";
    case node_stopping:
      return "node stopping";
    case node_returned:
      return "node returned";
    case topic_created:
      return "topic created";
    case topic_deleted:
      return "topic deleted";
    case partition_state:
      return "partition state";
    case unclean_election:
      return "unclean election";
    case client_evicted:
      return "client evicted";
    case metadata_stalled:
      return "metadata stalled";
    case metadata_resumed:
      return "metadata resumed";
  }
  return "?";
}

const char* name_of(partition::EventKind kind) {
  using enum partition::EventKind;
  switch (kind) {
    case registered:
      return "registered";
    case registration_refused:
      return "registration refused";
    case broker_lost:
      return "broker lost";
    case controller_fenced:
      return "controller fenced";
    case session_ignored:
      return "session ignored";
    case assignment_ignored:
      return "assignment ignored";
    case partition_opening:
      return "partition opening";
    case partition_online:
      return "partition online";
    case partition_following:
      return "partition following";
    case leader_stepped_down:
      return "leader stepped down";
    case isr_proposed:
      return "isr proposed";
    case replica_older:
      return "replica older";
    case log_cut:
      return "log cut";
    case log_begun_again:
      return "log begun again";
    case replica_refused:
      return "replica refused";
    case partition_open_failed:
      return "partition open failed";
    case disk_silent:
      return "disk silent";
    case disk_answers:
      return "disk answers";
    case partition_halted:
      return "partition halted";
    case partition_closed:
      return "partition closed";
    case storage_full:
      return "storage full";
    case storage_has_room:
      return "storage has room";
    case log_shortened:
      return "log shortened";
    case retention:
      return "retention";
    case producer_evicted:
      return "producer evicted";
    case wal_warning:
      return "wal warning";
    case topic_removed:
      return "topic removed";
    case topic_remove_failed:
      return "topic remove failed";
    case membership_save_failed:
      return "membership save failed";
    case unexpected:
      return "unexpected";
    case stopping:
      return "stopping";
    case stopped:
      return "stopped";
  }
  return "?";
}

const char* name_of(client::EventKind kind) {
  using enum client::EventKind;
  switch (kind) {
    case connected:
      return "connected";
    case connection_lost:
      return "connection lost";
    case hello_refused:
      return "hello refused";
    case message_refused:
      return "message refused";
    case batch_resent:
      return "batch resent";
    case epoch_taken:
      return "epoch taken";
    case corrupt_batch:
      return "corrupt batch";
  }
  return "?";
}

}  // namespace pinion::sim
