// Node: the pure core of a whole partition broker. It registers with the leader broker, obeys its
// assignments, and holds one Replica for each partition; requests are dispatched to them.
//
//   unregistered --RegisterNode sent--> registering --reply, membership saved--> registered
//        ^                                   |                                       |
//        +------ refused, or no answer ------+---- quiet broker, say_hello, goodbye --+
//
// Whatever the state, partitions that are open stay open and requests are served: a broker that is
// away costs nothing but new assignments. Messages of a controller older than the newest one seen
// are ignored; the newest is durable before anything it says is done.
//
// One thread steps it (the driver's, or the simulator). No clock, thread, randomness or disk
// inside.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/prng.hpp"
#include "common/base/time.hpp"
#include "common/ports/record_store.hpp"
#include "partition/core/node_io.hpp"
#include "partition/core/node_shared.hpp"
#include "partition/core/replica.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pinion::partition {

struct NodeOptions {
  NodeId id{1};
  RecordStore::Life life;              ///< Of RecordStore::begin_life().
  RecordStore::Membership membership;  ///< Of RecordStore::membership().
  std::string address;
  std::string rack;
  std::string region;
  std::vector<std::string> topics;
  std::string server_version;
  std::uint64_t low_space_bytes = limits::low_space_bytes_default;
  std::int64_t retention_ms_default = 0;  ///< For topics that name none; 0: for ever.
  std::int64_t retention_bytes_default = 0;
  std::size_t tail_bytes = limits::tail_bytes_per_node;
  std::uint64_t seed = 1;  ///< For jitter.
};

enum class LinkState : std::uint8_t { unregistered, registering, saving, registered };

/// What tests, checkers and a dashboard may see.
struct NodeView {
  LinkState link = LinkState::unregistered;
  ControllerEpoch controller_epoch{0};  ///< The highest seen and saved.
  std::int64_t session = 0;
  std::string cluster_id;
  std::size_t requests_open = 0;   ///< Received and not answered yet.
  std::size_t reads_inflight = 0;  ///< Without the queries.
  std::size_t ahead_bytes = 0;     ///< Held by reads ahead of readers, under way or done.
  std::size_t queries_inflight = 0;
  std::size_t pending_bytes = 0;
  std::size_t tail_bytes = 0;
  bool low_space = false;
  bool stopping = false;
};

class Node {
 public:
  explicit Node(NodeOptions options);

  /// Appends to `out`; never removes from it.
  void step(const Now& now, Input input, Effects& out) noexcept;

  /// When a Tick is needed at the latest, monotonic; `never` when there is nothing to wait for.
  [[nodiscard]] Micros next_deadline() const noexcept;

  /// After Stop: everything is answered and closed, and the goodbye is among the effects.
  [[nodiscard]] bool stopped() const noexcept;

  [[nodiscard]] LinkState link() const noexcept { return link_; }
  [[nodiscard]] NodeView view() const;
  [[nodiscard]] std::vector<PartitionKey> partitions() const;
  [[nodiscard]] std::optional<ReplicaView> replica(PartitionKey key) const;

  /// Asserts what must hold between two steps; linear in everything held.
  void check_invariants() const;

 private:
  struct Registering {
    RequestId request{0};
    Micros answer_by{0};
  };
  struct Told {
    PartitionKey key;
    std::uint64_t status_version = 0;
    std::uint64_t report_version = 0;
    std::uint64_t vouched_version = 0;
  };
  struct HeartbeatOut {
    RequestId request{0};
    std::vector<Told> told;  ///< What it carries; confirmed by its answer.
  };
  enum class ResetLink : std::uint8_t { no, yes };
  struct Slot {
    Slot(const Now& now, const Assignment& assignment, NodeShared& shared, Effects& out)
        : replica(now, assignment, shared, out) {}
    Replica replica;
    Micros deadline = never;                ///< As entered in deadlines_.
    std::uint64_t report_version = 0;       ///< As entered in to_report_.
    std::uint64_t status_version = 0;       ///< As entered in changed_.
    std::uint64_t vouched_version = 0;      ///< That the next heartbeat was hastened for.
    std::uint64_t told_report_version = 0;  ///< As the broker has confirmed.
    std::uint64_t told_vouched_version = 0;
    Micros told_at{0};               ///< When its status was last sent.
    std::optional<Assignment> next;  ///< To be opened again when it is closed.
  };
  struct Removal {
    Ticket ticket{0};  ///< Of the RemoveTopic under way, 0 while logs close or a retry waits.
    Micros retry_at = never;
  };

  // node.cpp: dispatch.
  void on(const Now& now, FromBroker& in, Effects& out);
  void on(const Now& now, FromPeer& in, Effects& out);
  void on(const Now& now, Malformed& in, Effects& out);
  void on(const Now& now, TopicRemoved& in, Effects& out);
  void on(const Now& now, ReplicaRemoved& in, Effects& out);
  void on(const Now& now, MembershipSaved& in, Effects& out);
  void on(const Now& now, DiskChanged& in, Effects& out);
  void on(const Now& now, LoadMeasured& in, Effects& out);
  void on(const Now& now, Tick& in, Effects& out);
  void on(const Now& now, Stop& in, Effects& out);
  template <typename ReplicaInput>
  void on(const Now& now, ReplicaInput& in, Effects& out);  ///< Those that name a partition.
  void on_request(const Now& now, Request request, Effects& out);
  void settle(const Now& now, PartitionKey key, Effects& out);
  void settle_closed(const Now& now, PartitionKey key, Effects& out);
  void trim_tails();
  void start_waiting_reads(const Now& now, Effects& out);
  void start_waiting_fetches(const Now& now, Effects& out);
  void say_goodbye_when_done(Effects& out);
  void event(Effects& out, EventKind kind, Severity severity, std::string detail) const;

  // node_membership.cpp: registration, heartbeats, fencing.
  void on_controller_message(const Now& now, Message& message, Effects& out);
  void on_register_reply(const Now& now, const Message& message, Effects& out);
  void on_heartbeat_reply(const Now& now, const Message& message, Effects& out);
  void on_say_hello(const Now& now, const SayHello& message, Effects& out);
  void complete_registration(const Now& now, Effects& out);
  [[nodiscard]] bool is_other_start(const RegisterNodeReply& reply) const;
  [[nodiscard]] bool is_saved(const RegisterNodeReply& terms) const;
  void save_membership(Effects& out);
  void send_register(const Now& now, Effects& out);
  void send_heartbeat(const Now& now, Effects& out);
  void lose_broker(const Now& now, ResetLink reset, const std::string& why, Effects& out);
  void tick_membership(const Now& now, Effects& out);
  [[nodiscard]] Micros membership_deadline() const noexcept;
  [[nodiscard]] Micros heartbeat_every() const noexcept;
  [[nodiscard]] Micros quiet_after() const noexcept;
  [[nodiscard]] Micros next_backoff() noexcept;

  // node_assignments.cpp: what to lead, what to delete, and reporting it.
  void on_assign(const Now& now, Assign& assign, Effects& out);
  void obey(const Now& now, const Assign& assign, Effects& out);
  void obey_assignment(const Now& now, const Assignment& assignment, Effects& out);
  void drop_replica(const Now& now, const DroppedReplica& dropped, Effects& out);
  void continue_drop(PartitionKey key, Effects& out);
  void flush_proposals(Effects& out);
  void begin_removal(const Now& now, TopicId topic, Effects& out);
  void continue_removal(const Now& now, TopicId topic, Effects& out);
  void flush_reports(Effects& out);
  void tick_removals(const Now& now, Effects& out);
  [[nodiscard]] Assignment with_defaults(Assignment assignment) const;

  NodeOptions options_;
  NodeShared shared_;
  Prng prng_;
  std::map<PartitionKey, Slot> replicas_;
  std::set<std::pair<Micros, PartitionKey>> deadlines_;  ///< One entry a replica that has one.

  // Membership.
  LinkState link_ = LinkState::unregistered;
  RecordStore::Membership saved_;  ///< Durable.
  RegisterNodeReply terms_;        ///< Of the registration under way or in force.
  Registering registering_;
  Ticket saving_{0};  ///< Of the SaveMembership under way.
  RecordStore::Membership being_saved_;
  std::int64_t newest_assign_ = 0;  ///< Its number,
  std::int64_t assigns_of_ = 0;     ///< of this session.
  std::vector<Assign> held_;        ///< Came before the registration was complete.
  Micros next_attempt_{0};
  Micros last_heard_{0};
  Micros next_heartbeat_{0};
  Micros hasty_heartbeat_{0};      ///< Not before, however urgent it is.
  bool has_more_to_tell_ = false;  ///< That is urgent, and the last heartbeat had no room for.
  Micros backoff_{0};
  std::uint64_t next_request_ = 1;
  std::optional<HeartbeatOut> heartbeat_;

  // Reporting.
  std::set<PartitionKey> changed_;  ///< Statuses that the broker has not confirmed.
  PartitionKey status_cursor_{};
  PartitionKey urgent_cursor_;
  std::set<PartitionKey> to_report_;  ///< Replica states to report at once.
  std::vector<TopicId> removed_to_report_;
  std::map<TopicId, Removal> removals_;
  struct Drop {
    std::int64_t version = 0;
    Ticket ticket{0};  ///< Of the RemoveReplica under way, 0 while the log closes.
    Micros retry_at = never;
  };
  std::map<PartitionKey, Drop> drops_;  ///< Replicas that were moved away.
  std::vector<DroppedReplica> dropped_to_report_;
  NodeLoad load_;

  bool stopping_ = false;
  bool said_goodbye_ = false;
};

}  // namespace pinion::partition
