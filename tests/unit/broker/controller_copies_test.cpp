// Which copies of a partition may lead: a member of the in-sync set whose disk lied, or was put
// back from a backup, lacks what is committed, and only its leader can tell.
#include "tests/unit/broker/replicated_fixture.hpp"

#include <map>

using namespace pinion;
using namespace pinion::test;

namespace {

/// Its nodes say which opening of their files they speak of.
class Copied : public Replicated {
 public:
  void says_of_copy(int id, std::int64_t copy, std::int64_t log_end, ReplicaRole role = follows,
                    int incarnation = 1) {
    ReplicaState state = said(id, key, role, log_end, 1);
    state.copy_session = copy == 0 ? 0 : session(id);
    state.copy = copy;
    report(id, incarnation, {state});
    persist();
  }
  /// The node starts again, and its file ends somewhere else.
  void comes_back(int id, std::int64_t log_end, int incarnation = 2) {
    registers(id, incarnation);
    says_of_copy(id, 9, log_end, ReplicaRole::catching_up, incarnation);
  }
  /// These, in these lives, whatever becomes of the others.
  void live_on(const std::map<int, int>& lives, Micros time) {
    for (Micros passed{0}; passed < time; passed += 100ms) {
      for (const auto& [id, incarnation] : lives) heartbeat(id, incarnation);
      tick(100ms);
      persist();
    }
  }
  /// The leader's status: where each of the others ends, and who has everything.
  void vouches(int leader, std::vector<FollowerStatus> followers, std::int64_t committed) {
    PartitionStatus status;
    status.topic = topic;
    status.leader_epoch = meta().leader_epoch;
    status.state = PartitionState::online;
    status.high_watermark = Offset(committed);
    status.log_end = Offset(committed);
    status.followers = std::move(followers);
    heartbeat(leader, 1, {status});
    persist();
  }
  [[nodiscard]] FollowerStatus follower(int id, std::int64_t copy, std::int64_t end) const {
    return {NodeId(id), true, Offset(end), Micros{0}, copy == 0 ? 0 : session(id), copy};
  }
};

}  // namespace

TEST_CASE("controller: a member that starts again does not lead while another is vouched for",
          "[broker]") {
  Copied f;
  // A backup was put back: 2 is a member, and its leader has not heard of its copy yet.
  f.comes_back(2, 5);
  REQUIRE(f.meta().isr.size() == 3);
  f.live_on({{2, 2}, {3, 1}}, 2s);
  CHECK(f.meta().leader == NodeId{3});
}

TEST_CASE("controller: a member that starts again leads when its leader has vouched for its copy",
          "[broker]") {
  Copied f;
  f.comes_back(2, 105);
  const int how = GENERATE(0, 1, 2, 3);
  CAPTURE(how);
  if (how == 0) f.vouches(1, {f.follower(2, 9, 105)}, 105);
  if (how == 1) f.vouches(1, {f.follower(2, 8, 105)}, 105);  // Of another opening.
  if (how == 2) f.vouches(1, {f.follower(2, 9, 104)}, 105);  // It lacks something.
  if (how == 3) f.vouches(1, {f.follower(2, 0, 105)}, 105);  // It ends there; that is all.
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  CHECK(f.meta().leader == NodeId{how == 0 ? 2 : 3});
}

TEST_CASE("controller: a copy is vouched for until it is another one, whoever leads", "[broker]") {
  Copied f;
  f.comes_back(2, 105);
  f.vouches(1, {f.follower(2, 9, 105)}, 105);
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  REQUIRE(f.meta().leader == NodeId{2});
  // It leads, and does not know yet what is committed: it says nothing of the others.
  f.from_node(2, Goodbye{Incarnation{2}}, Kind::goodbye);
  f.persist();
  CHECK(f.meta().leader == NodeId{3});
  CHECK(f.meta().isr == nodes({3}));
}

TEST_CASE("controller: a file that was opened again is not the copy that was vouched for",
          "[broker]") {
  Copied f;
  f.says_of_copy(2, 4, 105);
  f.vouches(1, {f.follower(2, 4, 105)}, 105);
  f.says_of_copy(2, 5, 100);
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  CHECK(f.meta().leader == NodeId{3});
}

TEST_CASE("controller: after its start nobody is vouched for, and logs are compared", "[broker]") {
  Copied f;
  f.comes_back(2, 5);
  f.start();
  // The leader is away for good. That the lives of the others are known says nothing of their
  // files.
  for (const int id : {2, 3}) f.registers(id, id == 2 ? 2 : 1);
  f.says_of_copy(2, 9, 5, follows, 2);
  f.says_of_copy(3, 1, 50);
  for (int i = 0; i < 160 && f.meta().leader == NodeId{1}; ++i) {
    f.live_on({{2, 2}, {3, 1}}, 100ms);
  }
  REQUIRE(f.meta().leader == node_none);
  f.says_of_copy(2, 9, 5, follows, 2);
  f.says_of_copy(3, 1, 105);  // It had copied on.
  f.live_on({{2, 2}, {3, 1}}, 2s);
  CHECK(f.meta().leader == NodeId{3});
  f.says_of_copy(3, 1, 105, leads);
  CHECK(f.meta().isr == nodes({2, 3}));
}

TEST_CASE("controller: after its start a leader's first status vouches for the others",
          "[broker]") {
  Copied f;
  f.start();
  for (const int id : {1, 2, 3}) f.registers(id);
  f.says_of_copy(1, 1, 105, leads);
  for (const int id : {2, 3}) f.says_of_copy(id, 1, 50);
  f.vouches(1, {f.follower(3, 1, 105)}, 105);
  f.from_node(1, Goodbye{Incarnation{1}}, Kind::goodbye);
  f.persist();
  CHECK(f.meta().leader == NodeId{3});
}

TEST_CASE("controller: leadership does not go back to a copy that nobody has vouched for",
          "[broker]") {
  Copied f;
  f.loses(1);
  f.says(2, leads);
  f.registers(1);
  f.says_of_copy(1, 3, 0);
  f.proposes(2, {2, 3});
  IsrProposal joins;
  joins.node = NodeId{2};
  joins.incarnation = Incarnation{1};
  joins.session = f.session(2);
  joins.proposals.push_back({f.topic,
                             PartitionIndex{0},
                             f.meta().leader_epoch,
                             f.meta().version,
                             {{NodeId{1}, Incarnation{1}, f.session(1), 3},
                              {NodeId{2}, Incarnation{1}, 0, 0},
                              {NodeId{3}, Incarnation{1}, 0, 0}},
                             {}});
  f.from_node(2, joins, Kind::isr_proposal);
  f.persist();
  REQUIRE(f.meta().isr.size() == 3);
  f.live({1, 2, 3}, 3s);
  REQUIRE(f.meta().leader == NodeId{2});
  // In the meantime it starts again, which nobody looks at, and its disk is an older one.
  f.comes_back(1, 5, 2);
  f.live_on({{1, 2}, {2, 1}, {3, 1}}, 8s);
  CHECK(f.meta().leader == NodeId{2});
  f.vouches(2, {f.follower(1, 9, 105)}, 105);
  f.live_on({{1, 2}, {2, 1}, {3, 1}}, 8s);
  CHECK(f.meta().leader == NodeId{1});
}

TEST_CASE("controller: what a heartbeat tells and no report did is asked for", "[broker]") {
  // The report that says so was lost: the heartbeat does not tell what has become of the file.
  Copied f;
  f.all_report();
  PartitionStatus status;
  status.topic = f.topic;
  status.leader_epoch = f.meta().leader_epoch;
  status.state = PartitionState::online;
  status.detail = "nothing written has come back for 10 s";
  f.clear();
  for (int i = 0; i < 30; ++i) {
    f.heartbeat(1, 1, {status});
    for (const int other : {2, 3}) f.heartbeat(other);
    f.tick(100ms);
  }
  REQUIRE(f.meta().leader == NodeId{1});
  CHECK_FALSE(f.assigned(1).empty());

  ReplicaState failing = f.said(1, f.key, leads);
  failing.file = FileState::failing;
  failing.detail = status.detail;
  f.report(1, 1, {failing});
  f.persist();
  CHECK(f.meta().leader != NodeId{1});
}
