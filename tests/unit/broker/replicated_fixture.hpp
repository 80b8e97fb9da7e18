// Three nodes and one topic of one partition with three replicas, for tests of who leads and who is
// in sync. They read as a list of events, as those of controller_fixture.hpp.
#pragma once

#include "tests/unit/broker/controller_fixture.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

namespace pinion::test {

inline constexpr auto leads = ReplicaRole::leader;
inline constexpr auto follows = ReplicaRole::following;

/// Three nodes and one topic of one partition with three replicas, all in sync.
class Replicated : public ControllerFixture {
 public:
  explicit Replicated(TopicConfig config = {}) {
    for (const int id : {1, 2, 3}) registers(id);
    CreateTopic body{.name = "orders", .config = config};
    body.config.partitions = 1;
    body.config.replication = 3;
    ask(std::move(body), Kind::create_topic);
    persist();
    topic = controller->topics().find(std::string_view("orders"))->meta.id;
    key = {topic, PartitionIndex{0}};
    REQUIRE(meta().replicas == std::vector<NodeId>{NodeId{1}, NodeId{2}, NodeId{3}});
    REQUIRE(meta().isr == std::vector<NodeId>{NodeId{1}});
    all_report();
    proposes(1, {1, 2, 3});
    REQUIRE(meta().isr.size() == 3);
    tick(options.push_interval);
    clear();
  }

  [[nodiscard]] const PartitionMeta& meta() const { return partition(topic).meta; }

  void says(int id, ReplicaRole role, std::int64_t log_end = 0, std::int64_t epoch = 0,
            int incarnation = 1) {
    report(id, incarnation, {said(id, key, role, log_end, epoch)});
    persist();
  }
  void all_report() {
    for (const int id : {1, 2, 3}) {
      says(id, meta().leader == NodeId(id) ? leads : follows);
    }
  }
  void proposes(int id, std::vector<int> isr, int incarnation = 1, std::int64_t version = 0,
                std::int64_t copy = 0, std::vector<NodeId> older = {}) {
    IsrProposal body;
    body.node = NodeId(id);
    body.incarnation = Incarnation(1);
    body.session = session(id);
    ProposedIsr proposal;
    proposal.topic = topic;
    proposal.leader_epoch = meta().leader_epoch;
    proposal.partition_version = version == 0 ? meta().version : version;
    for (const int member : isr) {
      proposal.isr.push_back({NodeId(member), Incarnation(incarnation), 0, copy});
    }
    proposal.older = std::move(older);
    body.proposals.push_back(proposal);
    from_node(id, std::move(body), Kind::isr_proposal);
    persist();
  }
  /// Others go on living while one is silent for long enough.
  void loses(int lost) {
    for (int i = 0; i < 20; ++i) {
      for (const int id : {1, 2, 3}) {
        if (id != lost && controller->nodes().find(NodeId(id))->alive()) heartbeat(id);
      }
      tick(100ms);
    }
    persist();
  }

  /// These go on living, whatever becomes of the others.
  void live(std::vector<int> ids, Micros time, int incarnation = 1) {
    for (Micros passed{0}; passed < time; passed += 100ms) {
      for (const int id : ids) heartbeat(id, incarnation);
      tick(100ms);
      persist();
    }
  }

  TopicId topic{0};
  PartitionKey key;
};

inline std::vector<NodeId> nodes(std::initializer_list<int> ids) {
  std::vector<NodeId> all;
  for (const int id : ids) all.emplace_back(id);
  return all;
}

}  // namespace pinion::test
