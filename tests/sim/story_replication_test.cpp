// Stories of replicas: who leads, what is committed, what a comeback brings. Where a story is one
// of Kafka's improvement proposals, its name says which; docs/REPLICATION.md lists them.
#include "common/base/limits.hpp"
#include "tests/sim/test_cluster.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>

using namespace pinion;
using namespace pinion::sim;
using Values = std::vector<std::string>;
using Ids = std::vector<std::int32_t>;

namespace {

StoryOptions three(std::int32_t min_insync_replicas = 0) {
  return {.nodes = 3, .replication = 3, .min_insync_replicas = min_insync_replicas};
}

Message list_latest(TestCluster& c) { return c.ask(ListOffset{OffsetSpec::latest, Micros(0)}); }

}  // namespace

TEST_CASE("scenario: an acknowledged record survives the loss of the partition leader",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t lost = c.leader();
  c.power_cut(lost);
  c.produce("b").await_ack();
  CHECK(c.leader() != lost);
  CHECK(c.read_all() == Values{"a", "b"});
  c.start(lost);
  c.await_in_sync(3);
  c.produce("c").await_ack();
  CHECK(c.read_all() == Values{"a", "b", "c"});
}

TEST_CASE("scenario: acknowledged means on every in-sync disk", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  c.node(c.follower(0)).hold_syncs();
  c.produce("b");
  c.run(200ms);
  CHECK_FALSE(c.acked("b"));
  CHECK(c.read_all() == Values{"a"});
  c.node(c.follower(0)).release_syncs();
  c.run(200ms);
  CHECK(c.acked("b"));
}

TEST_CASE("scenario: a leader whose disk hangs is replaced, and serves again when it is back",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t hung = c.leader();
  c.node(hung).hold_syncs();
  auto b = c.produce("b", 0, 60s);
  c.run(partition::disk_silent_after - 1s);
  CHECK(c.leader() == hung);  // It may be slow.
  REQUIRE(c.run_until([&] { return c.leader() != hung; }, 3s));
  CHECK(c.replica(hung)->detail.find("has not come back") != std::string::npos);
  b.await_ack(30s);
  c.produce("c").await_ack();
  CHECK(c.in_sync().size() == 2);
  CHECK(c.read_all() == Values{"a", "b", "c"});
  c.run(20s);
  CHECK(c.leader() != hung);
  c.node(hung).release_syncs();
  c.await_in_sync(3);
  CHECK(c.replica(hung)->detail.empty());
  c.await_leader(hung, 60s);
  CHECK(c.read_all() == Values{"a", "b", "c"});
}

TEST_CASE("scenario: a slow follower is left behind, and comes back", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t slow = c.follower(0);
  c.node(slow).hold_syncs();
  c.produce("b").await_ack(10s);
  CHECK(c.in_sync().size() == 2);
  c.node(slow).release_syncs();
  c.await_in_sync(3);
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: a retry after a failover is recognised by the new leader", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  // The record is everywhere, and its acknowledgement is lost with the leader.
  const std::int32_t lost = c.leader();
  c.cut_off(lost);
  auto b = c.produce("b");
  c.run(20ms);
  c.reconnect(lost);
  c.kill(lost);
  b.await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: an isr of one below min_insync_replicas commits nothing", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t leader = c.leader();
  const Ids lost{c.follower(0), c.follower(1)};
  for (const std::int32_t id : lost) c.kill(id);
  REQUIRE(c.run_until([&] { return c.in_sync() == Ids{leader}; }, 10s));
  auto b = c.produce("b", 0, 3s);
  b.await_report();
  CHECK_FALSE(c.acked("b"));
  CHECK(c.read_all() == Values{"a"});
  c.start(lost[0]);
  c.await_in_sync(2);
  c.produce("c").await_ack();
}

TEST_CASE("scenario: who waits at a leader whose followers are gone waits no longer than he said",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const Ids lost{c.follower(0), c.follower(1)};
  const std::int32_t leader = c.leader();
  for (const std::int32_t id : lost) c.kill(id);
  // On the leader's disk, and nowhere else; sent again every three seconds.
  const Values values{"b", "c", "d"};
  for (const std::string& value : values) c.produce(value, 0, 20s);
  const auto waiting = [&] { return c.node(leader).core()->view().requests_open; };
  c.run(15s);
  CHECK(waiting() == values.size());
  c.run(8s);
  CHECK(waiting() == 0);
  for (const std::string& value : values) CHECK(c.outcome(value) == pinion::Outcome::unknown);
  for (const std::int32_t id : lost) c.start(id);
  c.await_in_sync(3);
  CHECK(c.read_all() == Values{"a", "b", "c", "d"});
}

TEST_CASE("scenario: KIP-101, a follower that lags behind the high watermark loses nothing",
          "[scenario]") {
  // The follower has the record and has not heard that it is committed; it restarts, and the
  // leader dies before it has asked again. Cutting to its own high watermark would lose the record.
  TestCluster c({.nodes = 2, .replication = 2, .min_insync_replicas = 1});
  c.produce("a").await_ack();
  const std::int32_t leader = c.leader();
  const std::int32_t follower = c.follower();
  c.kill(follower);
  c.start(follower);
  c.kill(leader);
  c.await_leader(follower);
  CHECK(c.read_all() == Values{"a"});
  c.produce("b").await_ack();
  c.start(leader);
  c.await_in_sync(2);
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: KIP-101, what only the old leader had is cut where its epoch ended",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t old = c.leader();
  for (const std::int32_t id : {c.follower(0), c.follower(1)}) c.part(old, id);
  c.cut_off(old);
  c.reconnect(old);
  c.produce("only here", 0, 200ms).await_report();
  REQUIRE(c.replica(old)->durable_end == Offset(2));
  c.power_cut(old);
  c.heal_network();
  REQUIRE(c.run_until([&] { return c.leader() != old; }, 10s));
  c.produce("b").await_ack();
  c.start(old);
  c.await_in_sync(3);
  CHECK(c.read_all() == Values{"a", "b"});
  CHECK(c.replica(old)->durable_end == c.replica(c.follower())->durable_end);
}

TEST_CASE("scenario: KIP-279, two failovers in quick succession leave equal logs", "[scenario]") {
  TestCluster c(three(1));
  c.produce("a").await_ack();
  const std::int32_t first = c.leader();
  const std::int32_t second = c.follower(0);
  const std::int32_t third = c.follower(1);
  // Each of two leaders writes something that nobody else gets.
  c.part(first, second);
  c.part(first, third);
  c.part(second, third);
  c.produce("first", 0, 200ms).await_report();
  c.kill(first);
  REQUIRE(c.run_until([&] { return c.leader() == second; }, 10s));
  c.produce("second", 0, 500ms).await_report();
  c.kill(second);
  c.heal_network();
  c.run(3s);
  c.start(first);
  c.start(second);
  c.await_in_sync(3, 30s);
  c.produce("b").await_ack();
  c.run(1s);
  const Values all = c.read_all();
  CHECK(all.front() == "a");
  CHECK(all.back() == "b");
  for (const std::int32_t id : {first, second, third}) {
    CHECK(c.replica(id)->durable_end == Offset(static_cast<std::int64_t>(all.size())));
  }
}

TEST_CASE("scenario: KAFKA-10527, a leader that starts again does not continue its epoch",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const Epoch before = c.leader_epoch();
  const std::int32_t leader = c.leader();
  c.kill(leader);
  c.start(leader);
  c.produce("b").await_ack();
  CHECK(c.leader_epoch() > before);
  CHECK(c.leader() != leader);
}

TEST_CASE("scenario: a leader that dies soon after its followers came back is replaced once",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t lost = c.leader();
  const Ids followers{c.follower(0), c.follower(1)};
  const Epoch before = c.leader_epoch();
  // Both have opened their files again: nobody has vouched for these copies yet.
  for (const std::int32_t id : followers) c.kill(id);
  for (const std::int32_t id : followers) c.start(id);
  REQUIRE(c.run_until(
      [&] {
        return std::all_of(followers.begin(), followers.end(), [&](std::int32_t id) {
          const auto replica = c.replica(id);
          return replica && replica->role == partition::RoleName::following;
        });
      },
      10s));
  REQUIRE(c.in_sync().size() == 3);
  c.run(100ms);
  c.kill(lost);
  // No longer than it takes to lose the leader: nobody is waited for, and compared.
  CHECK(c.run_until([&] { return c.leader() == followers[0]; },
                    limits::node_lost_after_default + 300ms));
  CHECK(c.leader_epoch() == before + 1);
  c.produce("b").await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: KIP-320, a leader of the past serves and commits nothing", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t old = c.leader();
  c.node(old).pause();
  // What the router has sent to it while it led: it finds that before it hears of its successor.
  auto late = c.produce("late", 0, 1s);
  Fetch next;
  next.offset = Offset(1);
  next.wait_ms = 20'000;
  std::optional<Message> read;
  c.ask_later(next, 25s, [&](const Message& answer) { read = answer; });
  late.await_report();
  CHECK(c.outcome("late") == pinion::Outcome::unknown);
  REQUIRE(c.leader() == old);
  c.produce("b").await_ack();
  REQUIRE(c.leader() != old);
  c.node(old).resume();
  // It takes the record, and for that of another epoch than the one that is there by now.
  REQUIRE(c.run_until([&] { return c.replica(old)->log_end == Offset(2); }, 2s));
  CHECK(c.replica(old)->high_watermark == Offset(1));
  c.run(2s);
  REQUIRE(read);
  CHECK(read->header.error == Errc::not_leader);
  CHECK(c.replica(old)->role != partition::RoleName::leading);
  c.await_in_sync(3);
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: KIP-903, an emptied node does not count as in sync", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t emptied = c.follower(0);
  c.kill(emptied);
  Prng prng(1);
  REQUIRE_FALSE(c.node(emptied).disk().spoil(prng, Spoil::replace, "another disk").empty());
  c.node(emptied).disk().set_spoiled(true);
  c.run(100ms);
  c.start(emptied);
  REQUIRE(c.run_until([&] { return c.in_sync().size() == 2; }, 10s));
  c.await_in_sync(3);
  c.node(emptied).disk().set_spoiled(false);
  CHECK(c.replica(emptied)->durable_end == Offset(1));
  CHECK(c.read_all() == Values{"a"});
}

TEST_CASE(
    "scenario: KIP-903, an emptied node is not taken for what it was, however soon it is back",
    "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t emptied = c.follower(0);
  c.kill(emptied);
  REQUIRE(c.run_until([&] { return c.in_sync().size() == 2; }, 10s));
  Prng prng(1);
  REQUIRE_FALSE(c.node(emptied).disk().spoil(prng, Spoil::replace, "another disk").empty());
  c.node(emptied).disk().set_spoiled(true);
  // It lives, and cannot fetch. What its leader remembers of it is younger than replica_lag_max.
  c.part(c.leader(), emptied);
  c.start(emptied);
  c.run(3s);
  CHECK(c.in_sync().size() == 2);
  c.heal_network();
  c.await_in_sync(3);
  c.node(emptied).disk().set_spoiled(false);
  CHECK(c.replica(emptied)->durable_end == Offset(1));
}

TEST_CASE("scenario: a node whose file was damaged is rebuilt and never leads", "[scenario]") {
  const Spoil how = GENERATE(Spoil::flip, Spoil::lose, Spoil::empty);
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t leader = c.leader();
  c.kill(leader);
  Prng prng(1);
  REQUIRE_FALSE(c.node(leader).disk().spoil(prng, how, "").empty());
  c.node(leader).disk().set_spoiled(true);
  c.start(leader);
  c.produce("b").await_ack();
  CHECK(c.leader() != leader);
  c.await_in_sync(3);
  c.node(leader).disk().set_spoiled(false);
  CHECK(c.read_all() == Values{"a", "b"});
  CHECK(c.replica(leader)->durable_end == Offset(2));
}

TEST_CASE("scenario: a copy in which a reader finds damage is made anew from the others",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t rotten = c.leader();
  c.kill(rotten);  // So that what it holds is read from its disk.
  c.start(rotten);
  REQUIRE(c.run_until([&] { return c.leader() == rotten && c.in_sync().size() == 3; }, 20s));
  c.node(rotten).disk().rot();
  c.node(rotten).disk().set_spoiled(true);
  CHECK(c.read_all() == Values{"a"});
  CHECK(c.leader() != rotten);
  c.await_in_sync(3);
  c.node(rotten).disk().set_spoiled(false);
  // It leads again, and what it has is whole.
  REQUIRE(c.run_until([&] { return c.leader() == rotten; }, 20s));
  c.produce("b").await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
  CHECK(c.replica(rotten)->durable_end == Offset(2));
}

TEST_CASE("scenario: a data folder that was put back from a backup does not count as in sync",
          "[scenario]") {
  const bool leads = GENERATE(false, true);
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t older = leads ? c.leader() : c.follower(0);
  c.run(100ms);
  c.node(older).disk().back_up();
  c.produce("b").await_ack();
  c.run(1s);  // Everybody knows that it is committed.
  c.kill(older);
  Prng prng(1);
  REQUIRE_FALSE(c.node(older).disk().spoil(prng, Spoil::put_back, "").empty());
  c.node(older).disk().set_spoiled(true);
  // Its leader cannot send it what it lacks, only hear that it does.
  c.node(older).hold_syncs();
  c.start(older);
  REQUIRE(c.run_until([&] { return c.in_sync().size() == 2; }, 2s));
  CHECK(c.leader() != older);
  c.node(older).release_syncs();
  c.await_in_sync(3);
  c.node(older).disk().set_spoiled(false);
  CHECK(c.replica(older)->durable_end == Offset(2));
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: KIP-966, the last replica standing loses its tail", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t last = c.leader();
  const std::int32_t second = c.follower(0);
  const std::int32_t third = c.follower(1);
  c.kill(third);
  REQUIRE(c.run_until([&] { return c.in_sync().size() == 2; }, 10s));
  c.produce("b").await_ack();
  c.kill(second);
  REQUIRE(c.run_until([&] { return c.in_sync() == Ids{last}; }, 10s));
  // Alone it commits nothing; so the one that left last may lead, and the first one not.
  c.kill(last);
  c.start(third);
  c.run(5s);
  CHECK(c.leader() == last);
  c.start(second);
  c.await_leader(second);
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: when everything restarts everything acknowledged is there", "[scenario]") {
  TestCluster c(three());
  for (const char* value : {"a", "b", "c"}) c.produce(value).await_ack();
  c.broker().crash(Process::Death::power_cut);
  for (const std::int32_t id : {1, 2, 3}) c.power_cut(id);
  c.broker().start();
  for (const std::int32_t id : {3, 2, 1}) c.start(id);
  c.produce("d").await_ack(20s);
  c.await_in_sync(3);
  CHECK(c.read_all() == Values{"a", "b", "c", "d"});
}

TEST_CASE("scenario: a leader that loses its followers, not the broker, goes on without them",
          "[scenario]") {
  TestCluster c({.nodes = 2, .replication = 2});
  c.produce("a").await_ack();
  c.part(1, 2);
  c.produce("b").await_ack(10s);
  CHECK(c.in_sync().size() == 1);
  c.heal_network();
  c.await_in_sync(2);
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: a leader that loses the broker, not its followers, does no harm",
          "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t old = c.leader();
  c.cut_off(old);
  c.produce("b").await_ack();
  CHECK(c.leader() != old);
  c.reconnect(old);
  c.await_in_sync(3);
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: a broker that is away for long changes nothing", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const PartitionMeta before = c.meta();
  c.broker().crash(Process::Death::kill);
  c.run(120s);
  c.broker().start();
  c.produce("b").await_ack();
  CHECK(c.meta().leader_epoch == before.leader_epoch);
  CHECK(c.in_sync().size() == 3);
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: a clean stop hands over, and nobody sees an error", "[scenario]") {
  TestCluster c(three());
  c.produce("a").await_ack();
  const std::int32_t old = c.leader();
  // All of this is on its way when it is asked to stop.
  const Values values{"b", "c", "d", "e", "f"};
  for (const std::string& value : values) c.produce(value);
  std::optional<Message> committed;
  CommitPosition commit;
  commit.reader = "consumer:x";
  commit.offset = Offset(1);
  c.ask_later(commit, 5s, [&](const Message& answer) { committed = answer; });
  REQUIRE(c.run_until([&] { return c.replica(old)->pending > 0; }, 1s));
  c.node(old).stop();
  c.produce("g").await_ack(1s);
  CHECK(c.leader() != old);
  for (const std::string& value : values) CHECK(c.acked(value));
  CHECK(c.read_all() == Values{"a", "b", "c", "d", "e", "f", "g"});
  // Whoever asks by hand is told to ask again, or has what he asked for.
  REQUIRE(committed);
  CHECK((committed->header.error == Errc::ok || is_retriable(committed->header.error)));
}

TEST_CASE("scenario: leadership goes back to the preferred replica", "[scenario]") {
  TestCluster c(three());
  const std::int32_t preferred = c.leader();
  c.kill(preferred);
  c.produce("a").await_ack();
  c.start(preferred);
  c.await_leader(preferred, 30s);
  c.produce("b").await_ack();
  CHECK(c.read_all() == Values{"a", "b"});
}

TEST_CASE("scenario: positions and dequeues survive the loss of the leader", "[scenario]") {
  TestCluster c(three());
  for (const char* value : {"a", "b", "c"}) c.produce(value).await_ack();
  REQUIRE(c.commit("consumer:x", Offset(2)));
  REQUIRE(c.dequeue("consumer:y", "token-1"));
  c.power_cut(c.leader());
  c.produce("d").await_ack();
  CHECK(c.position("consumer:x") == Offset(2));
  // The same token: the same record.
  const auto again = c.dequeue("consumer:y", "token-1");
  REQUIRE(again);
  CHECK(*again == "a");
}

TEST_CASE("scenario: the high watermark that was shown never goes back", "[scenario]") {
  TestCluster c(three());
  for (const char* value : {"a", "b", "c"}) c.produce(value).await_ack();
  const Message before = list_latest(c);
  REQUIRE(before.header.error == Errc::ok);
  c.kill(c.leader());
  for (int i = 0; i < 400; ++i) {
    const Message now = c.ask(ListOffset{OffsetSpec::latest, Micros(0)}, 0, 50ms);
    if (now.header.error != Errc::ok) continue;
    CHECK(std::get<ListOffsetReply>(now.body).offset >=
          std::get<ListOffsetReply>(before.body).offset);
  }
}

TEST_CASE("scenario: unclean elections lose records where the topic asks for them", "[scenario]") {
  TestCluster c(
      {.nodes = 2, .replication = 2, .min_insync_replicas = 1, .unclean_elections = true});
  c.produce("a").await_ack();
  const std::int32_t leader = c.leader();
  const std::int32_t behind = c.follower();
  c.kill(behind);
  c.produce("b").await_ack(10s);
  c.kill(leader);
  c.start(behind);
  c.await_leader(behind, 20s);
  CHECK(c.read_all() == Values{"a"});
  c.start(leader);
  c.await_in_sync(2);
  c.produce("c").await_ack();
  CHECK(c.read_all() == Values{"a", "c"});
}
