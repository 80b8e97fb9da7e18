// Controller: the cluster's decisions. Which nodes live, which topics exist, who leads what under
// which epoch, who is registered. A pure state machine: what happens to it are arguments, what it
// wants done are the effects.
//
// A decision is a MetaWrite. The tables hold what is durable and nothing else: a decision's
// operations are applied to them in the step that receives its MetaPersisted, and only then is
// anybody told (replies, assignments, pushes, routes). Decisions on their way are in `pending_`, in
// ticket order; rules that must see them (one topic a name, one registration of a node at a time)
// look there too.
//
// States: node_table.hpp, partition_table.hpp. One thread; deterministic; bounded by limits.hpp.
#pragma once

#include "broker/core/effects.hpp"
#include "broker/core/election_planner.hpp"
#include "broker/core/node_table.hpp"
#include "broker/core/partition_table.hpp"
#include "broker/core/placement_planner.hpp"
#include "broker/core/registration_table.hpp"
#include "broker/core/topic_table.hpp"
#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/ports/meta_store.hpp"
#include "common/proto/messages.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pinion {

struct ControllerOptions {
  Micros heartbeat_every = limits::heartbeat_every_default;
  Micros node_lost_after = limits::node_lost_after_default;
  std::uint64_t record_bytes_max = limits::record_bytes_default;
  Micros refresh_every = 5s;    ///< What changes by itself is written this often.
  Micros assign_again = 2s;     ///< An unanswered assignment is sent again, then after twice that.
  Micros push_interval = 10ms;  ///< Changes within it are pushed together.
  Micros leader_return_after = limits::leader_return_after;
  std::string version;
};

/// A decoded, validated request of a client that has said hello. Kinds metadata to
/// find_registration.
struct ClientRequest {
  ReturnPath client;
  Header header;
  Body body;
};
/// A decoded, validated message of the cluster socket that is not an answer to a forwarded request.
struct NodeMessage {
  Bytes routing;
  Header header;
  Body body;
};
/// Any message of a node's routing id arrived: it lives.
struct NodeHeard {
  Bytes routing;
};
/// The write is durable. Tickets come in order.
struct MetaPersisted {
  Ticket ticket;
};
/// The store has no room. It goes on trying; MetaPersisted ends it.
struct MetaStalled {
  std::string detail;
};
struct Tick {};

using ControllerInput =
    std::variant<ClientRequest, NodeMessage, NodeHeard, MetaPersisted, MetaStalled, Tick>;

class Controller {
 public:
  Controller(ControllerOptions options, MetaState state, const Now& now);

  void step(const Now& now, const ControllerInput& input, ControllerEffects& out) noexcept;

  /// When a Tick is next of use.
  [[nodiscard]] Micros next_tick(const Now& now) const noexcept;

  // ---- What tests, checkers and the broker's own answers may see.
  [[nodiscard]] const std::string& cluster_id() const noexcept { return cluster_id_; }
  [[nodiscard]] ControllerEpoch epoch() const noexcept { return epoch_; }
  [[nodiscard]] std::int64_t metadata_version() const noexcept { return metadata_version_; }
  [[nodiscard]] const ControllerOptions& options() const noexcept { return options_; }
  [[nodiscard]] const NodeTable& nodes() const noexcept { return nodes_; }
  [[nodiscard]] const TopicTable& topics() const noexcept { return topics_; }
  [[nodiscard]] const PartitionTable& partitions() const noexcept { return partitions_; }
  [[nodiscard]] const RegistrationTable& registrations() const noexcept { return registrations_; }
  [[nodiscard]] std::size_t writes_pending() const noexcept { return pending_.size(); }
  [[nodiscard]] bool stalled() const noexcept { return stalled_; }
  /// The durable part of the tables, in the store's own form (registrations apart).
  [[nodiscard]] MetaState durable_state() const;
  void check_invariants() const;

 private:
  /// Who waits for an answer.
  struct Waiter {
    ReturnPath client;
    Header header;
    Micros deadline{0};  ///< Monotonic.
  };
  // Decisions on their way to the store, by what follows when they are durable.
  struct TopicCreated {
    TopicId topic;
  };
  struct TopicRemoved {
    TopicId topic;
  };
  struct NodeKept {
    NodeId node;
  };
  struct ReplicasOpened {
    std::vector<PartitionKey> keys;
  };
  struct Registered {
    Registration registration;
  };
  struct IdsReserved {
    ProducerId end;
  };
  struct PartitionsSet {
    std::vector<PartitionKey> keys;
  };
  struct TopicAltered {
    TopicId topic;
    std::vector<PartitionKey> keys;
    Waiter waiter;
  };
  struct NodeCommanded {
    NodeId node;
    Waiter waiter;
  };
  struct Nothing {};
  using Then = std::variant<Nothing, TopicCreated, TopicRemoved, NodeKept, ReplicasOpened,
                            PartitionsSet, TopicAltered, NodeCommanded, Registered, IdsReserved>;
  struct Pending {
    Ticket ticket;
    std::vector<MetaOp> ops;
    Then then;
  };
  /// A topic between its creation's decision and the last report of its partitions.
  struct Creating {
    std::string name;
    std::vector<NodeId> holders;  ///< Of each replica, until it is durable.
    std::size_t partitions = 0;
    bool durable = false;
    std::vector<Waiter> creators;    ///< Answered when all have reported, or their time is over.
    std::vector<Waiter> latecomers;  ///< Others that asked for the same name: topic_exists.
    std::vector<std::pair<Waiter, std::string>> producers;  ///< register_producer, with its name.
  };
  struct Registering {
    RegisterNode request;
    Bytes routing;
    Header header;
    bool new_life = false;
    std::vector<PartitionKey> changed;  ///< Partitions that the new life changes.
    std::optional<NodeMessage> again;   ///< Asked once more in the meantime.
  };
  using RegistrationKey = std::pair<std::pair<RegistrationKind, TopicId>, std::string>;

  // controller.cpp
  void on(const Now& now, const ClientRequest& request, ControllerEffects& out);
  void on(const Now& now, const NodeMessage& message, ControllerEffects& out);
  void on(const Now& now, const NodeHeard& heard, ControllerEffects& out);
  void on(const Now& now, const MetaPersisted& persisted, ControllerEffects& out);
  void on(const Now& now, const MetaStalled& stalled, ControllerEffects& out);
  void on(const Now& now, const Tick& tick, ControllerEffects& out);
  void decide(std::vector<MetaOp> ops, Then then, ControllerEffects& out);
  void apply(const MetaOp& op);
  [[nodiscard]] Result<void> may_decide() const;
  void reply(const Waiter& waiter, Body body, ControllerEffects& out);
  void refuse(const Waiter& waiter, Errc code, std::string detail, ControllerEffects& out);
  [[nodiscard]] Waiter waiter_of(const Now& now, const ClientRequest& request) const;
  void mark_changed(TopicId topic);
  void push_changes(const Now& now, ControllerEffects& out);
  void refresh(const Now& now, ControllerEffects& out);

  // controller_membership.cpp
  void on_register_node(const Now& now, const NodeMessage& message, ControllerEffects& out);
  [[nodiscard]] Result<void> may_register(const Now& now, const RegisterNode& request) const;
  [[nodiscard]] Result<void> may_go_on(const RegisterNode& request) const;
  [[nodiscard]] Result<void> may_follow(const RegisterNode& request) const;
  [[nodiscard]] std::int64_t start_of(ControllerEpoch epoch) const;
  [[nodiscard]] bool is_stale_registration(const RegisterNode& request) const;
  void keep_node(const Now& now, const NodeMessage& message, ControllerEffects& out);
  void then(const Now& now, const NodeKept& kept, ControllerEffects& out);
  void begin_session(const Now& now, Node& node, const Registering& registering,
                     ControllerEffects& out);
  void on_node_heartbeat(const Now& now, const NodeMessage& message, ControllerEffects& out);
  void on_node_goodbye(const Now& now, const NodeMessage& message, ControllerEffects& out);
  void end_session(const Now& now, Node& node, NodeHealth health, const std::string& why,
                   ControllerEffects& out);
  void say_hello(const NodeMessage& message, ControllerEffects& out);
  [[nodiscard]] Node* session_of(const NodeMessage& message, NodeId id, Incarnation incarnation,
                                 std::int64_t session);
  void expire_nodes(const Now& now, ControllerEffects& out);

  // controller_topics.cpp
  void on_create_topic(const Now& now, const ClientRequest& request, ControllerEffects& out);
  [[nodiscard]] Result<TopicId> create_topic(const Now& now, const std::string& name,
                                             const TopicConfig& asked, ControllerEffects& out);
  [[nodiscard]] std::vector<PlacementNode> placement_nodes() const;
  [[nodiscard]] std::int32_t replication_by_default(std::string_view topic) const;
  void then(const Now& now, const TopicCreated& created, ControllerEffects& out);
  void finish_creation(const Now& now, TopicId topic, ControllerEffects& out);
  [[nodiscard]] bool has_as_many_as_can(const Partition& partition) const;
  void expire_creators(const Now& now, ControllerEffects& out);
  void on_delete_topic(const Now& now, const ClientRequest& request, ControllerEffects& out);
  void then(const Now& now, const TopicRemoved& removed, ControllerEffects& out);

  // controller_partitions.cpp
  void on_replica_report(const Now& now, const NodeMessage& message, ControllerEffects& out);
  using OpenedReplica = std::pair<PartitionKey, NodeId>;
  void note_replica(const Now& now, Node& node, const ReportedReplica& state,
                    std::vector<OpenedReplica>& opened, ControllerEffects& out);
  void note_status_of_follower(const Now& now, Node& node, const PartitionStatus& status,
                               RequestId said_in, std::vector<OpenedReplica>& opened,
                               ControllerEffects& out);
  void note_leader(Node& node, Partition& partition, const ReplicaState& state,
                   ControllerEffects& out);
  void decide_opened(std::vector<OpenedReplica> opened, ControllerEffects& out);
  void then(const Now& now, const ReplicasOpened& opened, ControllerEffects& out);
  void set_state(Partition& partition, PartitionState state, const std::string& detail,
                 ControllerEffects& out);
  void update_route(const Partition& partition, ControllerEffects& out) const;
  [[nodiscard]] bool serves_readers(const Partition& partition, NodeId id) const;
  void send_assign(Node& node, Assign assign, ControllerEffects& out);
  void send_assignments(const Now& now, Node& node, const std::vector<PartitionKey>& keys,
                        ControllerEffects& out);
  void send_tombstones(const Now& now, Node& node, ControllerEffects& out);
  void send_drops(const Now& now, Node& node, ControllerEffects& out);
  void repeat_assignments(const Now& now, ControllerEffects& out);
  [[nodiscard]] Assignment assignment_of(const Partition& partition, NodeId node) const;
  void tell_replicas(const Now& now, const Partition& partition, ControllerEffects& out);

  // controller_leadership.cpp: who leads, and who is in sync.
  void reconsider(const Now& now, PartitionKey key, ControllerEffects& out);
  void reconsider_all_of(const Now& now, NodeId node, ControllerEffects& out);
  void reconsider_waiting(const Now& now, ControllerEffects& out);
  [[nodiscard]] PartitionMeta plan(const Now& now, Partition& partition, ControllerEffects& out);
  [[nodiscard]] static PartitionMeta without_stale_eligible(PartitionMeta partition,
                                                            std::size_t least);
  [[nodiscard]] PartitionMeta plan_without_lost(const Partition& partition) const;
  [[nodiscard]] PartitionMeta plan_leader(const Now& now, Partition& partition, PartitionMeta next,
                                          ControllerEffects& out);
  void note_loss(Partition& partition, const ElectionInput& input, NodeId leader,
                 ControllerEffects& out);
  [[nodiscard]] static std::uint32_t failures_of(const Now& now, const Partition& partition,
                                                 NodeId node);
  static void note_failure(const Now& now, Partition& partition, NodeId node);
  [[nodiscard]] PartitionMeta plan_return(const Now& now, Partition& partition, PartitionMeta next);
  [[nodiscard]] PartitionMeta plan_new_life(const Partition& partition, NodeId node,
                                            bool new_store) const;
  [[nodiscard]] bool may_lead(const Partition& partition, NodeId node) const;
  [[nodiscard]] static bool is_steady(const Partition& partition, NodeId node);
  static void note_whole(Partition& partition, const PartitionStatus& status);
  [[nodiscard]] std::map<NodeId, Candidate> candidates(const Partition& partition) const;
  [[nodiscard]] std::size_t min_insync(PartitionKey key) const;
  void carry_out_plans(ControllerEffects& out);
  void set_decided(Partition& partition, PartitionMeta next, std::vector<MetaOp>& ops);
  void then(const Now& now, const PartitionsSet& set, ControllerEffects& out);
  void show_leadership(Partition& partition, ControllerEffects& out);
  void on_isr_proposal(const Now& now, const NodeMessage& message, ControllerEffects& out);
  void take_proposal(const Now& now, const Node& node, const ProposedIsr& proposal,
                     ControllerEffects& out);
  void note_tombstones(Node& node, const std::vector<TopicId>& deleted, ControllerEffects& out);

  // controller_alter.cpp
  void on_alter_topic(const Now& now, const ClientRequest& request, ControllerEffects& out);
  [[nodiscard]] Result<void> alter(Topic& topic, const AlterTopic& asked, const Waiter& waiter,
                                   ControllerEffects& out);
  [[nodiscard]] Result<void> add_partitions(const Topic& topic, const TopicConfig& config,
                                            PlacementPlanner& planner,
                                            std::vector<MetaOp>& ops) const;
  [[nodiscard]] PartitionMeta altered_partition(const Partition& partition, const Topic& topic,
                                                const TopicConfig& config,
                                                PlacementPlanner& planner) const;
  void then(const Now& now, const TopicAltered& altered, ControllerEffects& out);

  // controller_moves.cpp: replicas that move, because a person or a topic's replication asks.
  void on_command_node(const Now& now, const ClientRequest& request, ControllerEffects& out);
  void then(const Now& now, const NodeCommanded& commanded, ControllerEffects& out);
  [[nodiscard]] Result<void> may_remove(const Node& node) const;
  [[nodiscard]] PlacementPlanner planner_of_all() const;
  [[nodiscard]] PartitionMeta with_target(PartitionMeta partition,
                                          std::vector<NodeId> target) const;
  [[nodiscard]] bool is_leaving(NodeId id) const;
  [[nodiscard]] bool is_hopeless(const PartitionMeta& partition, NodeId id) const;
  [[nodiscard]] std::vector<NodeId> mended_target(const PartitionMeta& partition,
                                                  const PlacementPlanner& planner) const;
  [[nodiscard]] std::vector<NodeId> wanted_replicas(const PartitionMeta& partition,
                                                    const PlacementPlanner& planner) const;
  void retarget(const Now& now, Partition& partition, std::vector<NodeId> target,
                PlacementPlanner& planner, ControllerEffects& out);
  [[nodiscard]] bool may_move(const Partition& partition) const;
  void plan_moves(const Now& now, ControllerEffects& out);
  void start_moves(const Now& now, ControllerEffects& out);
  [[nodiscard]] std::size_t rebalance();
  [[nodiscard]] PartitionMeta plan_move(const Partition& partition, PartitionMeta next) const;
  void note_dropped(const Node& node, const std::vector<DroppedReplica>& dropped,
                    ControllerEffects& out);

  // controller_registrations.cpp
  void on_register(const Now& now, const ClientRequest& request, RegistrationKind kind,
                   ControllerEffects& out);
  void on_find_registration(const Now& now, const ClientRequest& request, ControllerEffects& out);
  void register_reader(const Now& now, const Waiter& waiter, RegistrationKind kind, TopicId topic,
                       const std::string& name, ControllerEffects& out);
  void reply_registered(const Waiter& waiter, RegistrationKind kind, RegistrationId id,
                        TopicId topic, ControllerEffects& out);
  void then(const Now& now, const Registered& registered, ControllerEffects& out);
  void on_allocate(const Now& now, const ClientRequest& request, ControllerEffects& out);
  void serve_allocations(ControllerEffects& out);
  void then(const Now& now, const IdsReserved& reserved, ControllerEffects& out);
  void then(const Now& now, const Nothing& nothing, ControllerEffects& out);

  // controller_views.cpp
  void on_metadata(const Now& now, const ClientRequest& request, ControllerEffects& out);
  void on_cluster_status(const Now& now, const ClientRequest& request, ControllerEffects& out);
  [[nodiscard]] TopicMetadata metadata_of(const Topic& topic) const;
  [[nodiscard]] TopicMetadata metadata_within(const Topic& topic, std::size_t& bytes) const;
  [[nodiscard]] PartitionStatus status_of(const Partition& partition) const;
  [[nodiscard]] std::string detail_of(const Partition& partition) const;
  [[nodiscard]] NodeStatus status_of(const Node& node) const;

  ControllerOptions options_;
  std::string cluster_id_;
  ControllerEpoch epoch_;
  std::int64_t start_id_;
  std::vector<Term> earlier_terms_;  ///< In order.
  MetaCounters counters_;            ///< As decided; what is handed out next.

  NodeTable nodes_;
  TopicTable topics_;
  PartitionTable partitions_;
  RegistrationTable registrations_;

  std::deque<Pending> pending_;
  Ticket next_ticket_{1};
  bool stalled_ = false;
  std::string stalled_detail_;

  std::map<TopicId, Creating> creating_;
  std::map<std::string, TopicId> creating_names_;  ///< Those not durable yet.
  std::map<TopicId, std::vector<Waiter>> removing_;
  std::size_t waiters_ =
      0;  ///< In creating_, removing_ and, beyond one a name, registering_names_.
  std::map<NodeId, std::uint64_t> placing_;  ///< Partitions decided and not durable, by leader.
  std::size_t placing_total_ = 0;
  std::map<NodeId, Registering> registering_;
  std::set<NodeId> commanded_;  ///< A command of theirs is on its way to the store.
  std::map<RegistrationKey, std::vector<Waiter>> registering_names_;
  std::map<std::pair<RegistrationKind, RegistrationId>, Waiter> registering_numbers_;
  std::deque<std::pair<Waiter, std::uint32_t>> allocating_;
  ProducerId ids_next_{1};      ///< The next to hand out.
  ProducerId ids_reserved_{1};  ///< Durable: ids below it may be handed out.
  bool ids_pending_ = false;
  std::size_t registrations_pending_ = 0;

  std::map<std::string, NodeId, std::less<>> by_routing_;
  std::int64_t sessions_ = 0;
  std::map<std::pair<NodeId, PartitionKey>, Untold> untold_;
  std::set<PartitionKey> waiting_;     ///< To be reconsidered with the next ticks.
  std::vector<PartitionKey> planned_;  ///< Decided in this step, not handed to the store yet.
  Micros gone_at_{0};          ///< Nodes that have not come back since the start are gone then.
  bool all_had_time_ = false;  ///< It was then: nobody is waited for because of the start.
  Micros return_at_{0};        ///< When leaderships are next given back.
  std::set<PartitionKey> opening_;  ///< Assigned, and not reported yet.
  std::set<PartitionKey> refresh_;  ///< Sizes changed since they were last written.
  Micros refresh_at_{0};
  Micros last_step_{0};
  Micros grace_until_{0};  ///< No node is lost before: this process itself was away.
  bool heard_since_grace_ = true;

  std::int64_t metadata_version_ = 0;
  std::set<TopicId> changed_;
  std::vector<TopicId> removed_;
  Micros push_at_{0};
};

}  // namespace pinion
