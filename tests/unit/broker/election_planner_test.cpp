#include "broker/core/election_planner.hpp"

#include <catch2/catch.hpp>

using namespace pinion;

namespace {

constexpr NodeId a{1};
constexpr NodeId b{2};
constexpr NodeId c{3};

PartitionMeta partition_of(std::vector<NodeId> isr, std::vector<NodeId> eligible = {}) {
  PartitionMeta partition;
  partition.replicas = {a, b, c};
  partition.leader = node_none;
  partition.isr = std::move(isr);
  partition.eligible = std::move(eligible);
  partition.made = {a, b, c};
  partition.leader_epoch = Epoch{4};
  partition.version = 9;
  return partition;
}

Candidate steady(std::int64_t log_end = 0, std::int64_t epoch = 1) {
  return {true, true, Epoch{epoch}, Offset{log_end}};
}
Candidate unknown(std::int64_t log_end = 0, std::int64_t epoch = 1) {
  return {false, true, Epoch{epoch}, Offset{log_end}};
}
Candidate said_before(std::int64_t log_end, std::int64_t epoch = 1) {
  return {false, false, Epoch{epoch}, Offset{log_end}};
}

Election plan(const PartitionMeta& partition, std::map<NodeId, Candidate> candidates,
              bool has_waited = false, bool unclean_allowed = false) {
  ElectionInput input{&partition, std::move(candidates), has_waited};
  input.unclean_allowed = unclean_allowed;
  return plan_election(input);
}

}  // namespace

TEST_CASE("election: the first replica that is in sync and there leads", "[broker]") {
  const PartitionMeta partition = partition_of({b, c});
  CHECK(plan(partition, {{a, steady(99)}, {b, steady()}, {c, steady(50)}}).leader == b);
  CHECK(plan(partition, {{a, steady(99)}, {c, steady()}}).leader == c);
  CHECK(plan(partition, {{a, steady(99)}}, true).leader == node_none);
  CHECK(plan(partition, {}).leader == node_none);
}

TEST_CASE("election: one whose copy a leader vouched for goes before one that is not known",
          "[broker]") {
  CHECK(plan(partition_of({a, b, c}), {{a, unknown(9)}, {b, steady()}}).leader == b);
}

TEST_CASE("election: when no copy is vouched for the longest log of the highest epoch leads",
          "[broker]") {
  const PartitionMeta partition = partition_of({a, b, c});
  const std::map<NodeId, Candidate> some{{a, unknown(9, 3)}, {b, unknown(5, 4)}};
  CHECK(plan(partition, some).must_wait);
  CHECK(plan(partition, some).leader == node_none);
  CHECK(plan(partition, some, true).leader == b);
  std::map<NodeId, Candidate> all = some;
  all[c] = unknown(7, 4);
  CHECK(plan(partition, all).leader == c);
  // Of two that are alike the first replica.
  all[b] = unknown(7, 4);
  CHECK(plan(partition, all).leader == b);
}

TEST_CASE("election: logs are compared when nobody leads, and each has said what it has since",
          "[broker]") {
  PartitionMeta partition = partition_of({b, c});
  partition.leader = a;
  std::map<NodeId, Candidate> both{{b, said_before(9)}, {c, said_before(7)}};
  const Election first = plan(partition, both, GENERATE(false, true));
  CHECK(first.must_settle);
  CHECK(first.leader == node_none);
  partition = without_leader(partition);
  CHECK(partition.leader == node_none);
  CHECK(partition.leader_epoch == Epoch{5});
  CHECK(partition.version == 10);
  CHECK(plan(partition, both).must_wait);
  CHECK(plan(partition, both, true).must_wait);
  both[c] = unknown(12);
  CHECK(plan(partition, both).must_wait);
  // Whoever lives is waited for: the question may have been lost, and is asked again.
  CHECK(plan(partition, both, true).must_wait);
  CHECK(plan(partition, {{c, unknown(12)}}, true).leader == c);
  ElectionInput input{&partition, both, true};
  input.has_waited_long = true;
  CHECK(plan_election(input).leader == c);
  input.candidates = {{b, said_before(9)}, {c, said_before(7)}};
  CHECK(plan_election(input).must_wait);
  both[b] = unknown(15);
  CHECK(plan(partition, both).leader == b);
}

TEST_CASE("election: there is nothing to compare the only one with", "[broker]") {
  PartitionMeta partition = partition_of({b});
  partition.leader = a;
  CHECK(plan(partition, {{b, said_before(9)}}).leader == b);
  partition = partition_of({b, c});
  partition.leader = a;
  CHECK(plan(partition, {{b, said_before(9)}}).must_settle);
  CHECK(plan(partition, {{b, said_before(9)}}, true).leader == b);
}

TEST_CASE("election: eligible ones lead when no member of the in-sync set comes", "[broker]") {
  const PartitionMeta partition = partition_of({a}, {c});
  CHECK(plan(partition, {{b, steady()}, {c, steady()}}).must_wait);
  CHECK(plan(partition, {{b, steady()}, {c, steady()}}, true).leader == c);
  CHECK(plan(partition, {{a, steady()}, {c, steady()}}).leader == a);
  // Nobody vouches for the member: its disk may be an older one.
  CHECK(plan(partition, {{a, said_before(5, 2)}, {c, steady()}}).leader == c);
  CHECK(plan(partition, {{a, said_before(5, 2)}}).must_wait);
  CHECK(plan(partition, {{a, said_before(5, 2)}}, true).leader == a);
}

TEST_CASE("election: of logs that end alike the one with the newest positions leads", "[broker]") {
  const PartitionMeta partition = partition_of({a, b, c});
  const auto at = [](std::int64_t log_end, std::int64_t positions) {
    Candidate candidate = unknown(log_end);
    candidate.position_version = PositionVersion{positions};
    return candidate;
  };
  CHECK(plan(partition, {{a, at(5, 1)}, {b, at(5, 3)}, {c, at(5, 2)}}).leader == b);
  CHECK(plan(partition, {{a, at(6, 1)}, {b, at(5, 3)}, {c, at(5, 2)}}).leader == a);
  CHECK(plan(partition, {{a, at(5, 3)}, {b, at(5, 3)}, {c, at(5, 2)}}).leader == a);
}

TEST_CASE("election: of copies that are alike the one that was opened first leads", "[broker]") {
  const PartitionMeta partition = partition_of({a, b, c});
  const auto opened_in = [](std::int64_t session, std::int64_t log_end) {
    Candidate candidate = unknown(log_end);
    candidate.opened_in = session;
    return candidate;
  };
  CHECK(
      plan(partition, {{a, opened_in(9, 5)}, {b, opened_in(7, 5)}, {c, opened_in(8, 5)}}).leader ==
      b);
  CHECK(
      plan(partition, {{a, opened_in(9, 6)}, {b, opened_in(7, 5)}, {c, opened_in(8, 5)}}).leader ==
      a);
  CHECK(
      plan(partition, {{a, opened_in(7, 5)}, {b, opened_in(7, 5)}, {c, opened_in(7, 5)}}).leader ==
      a);
}

TEST_CASE("election: unclean only where it is allowed, and the longest log then", "[broker]") {
  const PartitionMeta partition = partition_of({a});
  const std::map<NodeId, Candidate> others{{b, steady(3, 2)}, {c, steady(8, 2)}};
  CHECK(plan(partition, others, true).leader == node_none);
  CHECK(plan(partition, others, false, true).must_wait);
  PartitionMeta led = partition;
  led.leader = a;
  CHECK(plan(led, others, true, true).must_settle);
  CHECK(plan(partition, {{b, steady(3, 2)}, {c, said_before(8, 2)}}, true, true).must_wait);
  // One that cannot say what it has, for its disk hangs, say, is not waited for for ever.
  ElectionInput input{&partition, {{b, steady(3, 2)}, {c, said_before(8, 2)}}, true};
  input.unclean_allowed = true;
  input.has_waited_long = true;
  CHECK(plan_election(input).leader == b);
  input.candidates = {{c, said_before(8, 2)}};
  CHECK(plan_election(input).must_wait);
  const Election election = plan(partition, others, true, true);
  CHECK(election.leader == c);
  CHECK(election.is_unclean);
  const PartitionMeta after = elected(partition, election);
  CHECK(after.isr == std::vector<NodeId>{c});
  CHECK(after.leader_epoch == Epoch{5});
  CHECK(after.version == 10);
}

TEST_CASE("election: an eligible leader leaves those it takes over from eligible", "[broker]") {
  const PartitionMeta after = elected(partition_of({a}, {b, c}), {.leader = b});
  CHECK(after.isr == std::vector<NodeId>{b});
  CHECK(after.eligible == std::vector<NodeId>{c, a});
}

TEST_CASE("in-sync set: who leaves below the least stays eligible, until it is met again",
          "[broker]") {
  PartitionMeta partition = without_member(partition_of({a, b, c}), c, 2);
  CHECK(partition.isr == std::vector<NodeId>{a, b});
  CHECK(partition.eligible.empty());  // Records may be committed without it now.
  partition = without_member(partition, b, 2);
  CHECK(partition.isr == std::vector<NodeId>{a});
  CHECK(partition.eligible == std::vector<NodeId>{b});
  CHECK(partition.version == 11);
}

TEST_CASE("in-sync set: a copy that is gone is given up, but never the last one", "[broker]") {
  SECTION("of a member") {
    const PartitionMeta after = without_copy(partition_of({a, b}), b, 2);
    CHECK(after.isr == std::vector<NodeId>{a});
    CHECK(after.eligible.empty());
    CHECK(after.made == std::vector<NodeId>{a, c});
  }
  SECTION("of the last one") {
    const PartitionMeta before = partition_of({a});
    CHECK(without_copy(before, a, 1) == before);
  }
  SECTION("of the last one, with eligible ones") {
    const PartitionMeta after = without_copy(partition_of({a}, {b}), a, 2);
    CHECK(after.isr == std::vector<NodeId>{b});
    CHECK(after.made == std::vector<NodeId>{b, c});
  }
  SECTION("of none") {
    const PartitionMeta after = without_copy(partition_of({a}), c, 1);
    CHECK(after.isr == std::vector<NodeId>{a});
    CHECK(after.made == std::vector<NodeId>{a, b});
  }
}
