// A leader with followers: what is committed, what followers are told, and the in-sync set.
#include "common/proto/codec.hpp"
#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <utility>

namespace pinion::partition::test {

namespace {

/// A leader of three, in sync with both of the others, whose logs are empty.
void lead_three(NodeBench& bench) {
  bench.replicate({});
  bench.replica_fetch({.node = 2});
  bench.replica_fetch({.node = 3});
}

RequestId write(NodeBench& bench, std::string_view value, Acks acks = Acks::all) {
  const RequestId request = bench.produce(batch_of({value}), acks);
  bench.persist();
  return request;
}

}  // namespace

TEST_CASE("replica: acks=all waits for every in-sync follower's disk", "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const RequestId request = write(bench, "a");
  CHECK_FALSE(bench.answered(request));
  CHECK(bench.view().high_watermark == Offset{0});
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  CHECK_FALSE(bench.answered(request));
  // It has read the record, and not written it yet.
  bench.replica_fetch({.node = 3, .offset = 1, .last_epoch = 1, .durable_end = 0});
  CHECK_FALSE(bench.answered(request));
  bench.progress(3, 1);
  CHECK(bench.reply(request).error() == Errc::ok);
  CHECK(bench.view().high_watermark == Offset{1});
}

TEST_CASE("replica: acks=leader does not wait for followers, and readers do not see it",
          "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const RequestId request = write(bench, "a", Acks::leader);
  CHECK(bench.reply(request).error() == Errc::ok);
  CHECK(bench.view().high_watermark == Offset{0});
  const RequestId read = bench.fetch(0);
  CHECK(bench.reply(read).as<FetchReply>().batches.empty());
}

TEST_CASE("replica: who waits for the followers waits no longer than he said, and is told unknown",
          "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const Batch batch = from_producer(batch_of({"a"}), 42, 0);
  const RequestId first = bench.produce(batch, Acks::all, {.timeout_ms = 3000});
  const RequestId for_ever = bench.produce(batch_of({"b"}));
  const bool is_durable = GENERATE(true, false);  // Or on its way to the disk.
  if (is_durable) bench.persist();
  bench.pass(2990ms);
  CHECK_FALSE(bench.answered(first));
  bench.pass(20ms);
  CHECK(bench.reply(first).error() == Errc::timed_out);
  // Nothing waits longer than the router counts it.
  bench.pass(limits::request_lifetime_max - 3'100ms);
  CHECK_FALSE(bench.answered(for_ever));
  bench.pass(200ms);
  CHECK(bench.reply(for_ever).error() == Errc::timed_out);
  CHECK(bench.node.view().requests_open == 0);
  if (!is_durable) bench.persist();
  // It happens yet, and whoever asks again hears it.
  const RequestId again = bench.produce(batch, Acks::all, {.timeout_ms = 3000});
  CHECK_FALSE(bench.answered(again));
  for (const int node : {2, 3}) bench.replica_fetch({.node = node, .offset = 2, .last_epoch = 1});
  CHECK(bench.reply(again).as<ProduceReply>().base_offset == Offset{0});
  CHECK(bench.view().high_watermark == Offset{2});
}

TEST_CASE("replica: of a batch that is sent again and again the last attempt waits",
          "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const Batch batch = from_producer(batch_of({"a"}), 42, 0);
  RequestId last = bench.produce(batch);
  const bool is_durable = GENERATE(true, false);  // Or on its way to the disk.
  if (is_durable) bench.persist();
  for (int i = 0; i < 5; ++i) {
    const RequestId before = std::exchange(last, bench.produce(batch));
    CHECK(bench.reply(before).error() == Errc::timed_out);
    CHECK_FALSE(bench.answered(last));
    CHECK(bench.node.view().requests_open == 1);
  }
  if (!is_durable) bench.persist();
  for (const int node : {2, 3}) bench.replica_fetch({.node = node, .offset = 1, .last_epoch = 1});
  CHECK(bench.reply(last).as<ProduceReply>().base_offset == Offset{0});
}

TEST_CASE("replica: of a dequeue that is asked again and again the last attempt waits",
          "[partition]") {
  NodeBench bench;
  lead_three(bench);
  write(bench, "a");
  write(bench, "b");
  for (const int node : {2, 3}) bench.replica_fetch({.node = node, .offset = 2, .last_epoch = 1});
  RequestId last = bench.dequeue("consumer:x", "t1", {.timeout_ms = 5000});
  const bool is_durable = GENERATE(true, false);  // Or on its way to the disk.
  if (is_durable) bench.persist();
  for (int i = 0; i < 3; ++i) {
    const RequestId before =
        std::exchange(last, bench.dequeue("consumer:x", "t1", {.timeout_ms = 5000}));
    CHECK(bench.reply(before).error() == Errc::timed_out);
    CHECK_FALSE(bench.answered(last));
  }
  // Another taker's, and one that has no token, are no attempts at it.
  const RequestId second = bench.dequeue("consumer:x", "t2", {.timeout_ms = 9000});
  const RequestId commit = bench.commit("consumer:x", 1);
  CHECK_FALSE(bench.answered(last));
  CHECK(bench.node.view().requests_open == 3);
  bench.pass(5100ms);
  CHECK(bench.reply(last).error() == Errc::timed_out);
  CHECK_FALSE(bench.answered(second));
  bench.persist();
  for (const int node : {2, 3}) {
    bench.replica_fetch({.node = node, .offset = 2, .last_epoch = 1, .position_version = 3});
  }
  CHECK(bench.reply(second).as<DequeueReply>().offset == Offset{1});
  CHECK(bench.reply(commit).error() == Errc::ok);
  CHECK(bench.node.view().requests_open == 0);
}

TEST_CASE("replica: followers are sent what is durable here, and nothing else", "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const RequestId waits = bench.replica_fetch({.node = 2, .wait_ms = 500});
  bench.produce(batch_of({"a"}));
  CHECK_FALSE(bench.answered(waits));
  bench.persist();
  const auto& reply = bench.reply(waits).as<ReplicaFetchReply>();
  REQUIRE(reply.batches.size() == 1);
  CHECK(reply.batches[0].base_offset == Offset{0});
  CHECK(reply.log_end == Offset{1});
}

TEST_CASE("replica: progress counts as far as the logs were found to agree", "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const RequestId request = write(bench, "a");
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  bench.progress(3, 1);  // It has never said that it read that far.
  CHECK_FALSE(bench.answered(request));
  bench.progress(3, 1, 0, 1, 1, 9);  // Another copy, which no fetch has shown.
  CHECK_FALSE(bench.answered(request));
}

TEST_CASE("replica: a follower of an older session or copy counts for nothing", "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const RequestId request = write(bench, "a");
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  bench.replica_fetch({.node = 3, .offset = 0, .session = 2});  // It has started again, empty.
  const RequestId old = bench.replica_fetch({.node = 3, .offset = 1, .last_epoch = 1});
  CHECK(bench.reply(old).error() == Errc::not_registered);
  CHECK_FALSE(bench.answered(request));
  const RequestId stranger = bench.replica_fetch({.node = 7});
  CHECK(bench.reply(stranger).error() == Errc::not_registered);
}

TEST_CASE("replica: a follower that is no replica any more waits for nothing", "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const RequestId waits = bench.replica_fetch({.node = 3, .wait_ms = 500});
  CHECK_FALSE(bench.answered(waits));
  bench.assign_replicas({.version = 2, .replicas = {1, 2}, .isr = {1, 2}});
  CHECK(bench.reply(waits).error() == Errc::not_registered);
  CHECK(bench.node.view().requests_open == 0);  // Or the node would never stop.
}

TEST_CASE("replica: fetches of another epoch are refused and told the epoch", "[partition]") {
  NodeBench bench;
  bench.replicate({.epoch = 5});
  for (const std::int64_t epoch : {4, 6}) {
    const RequestId request = bench.replica_fetch({.epoch = epoch});
    CHECK(bench.reply(request).error() == Errc::fenced_epoch);
    CHECK(bench.reply(request).header.leader_epoch == Epoch{5});
  }
}

TEST_CASE("replica: a fetch is told where the logs part", "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(0, 30, 2);
  log.epochs = {{Epoch{2}, Offset{0}}, {Epoch{4}, Offset{10}}, {Epoch{7}, Offset{20}}};
  bench.replicate({.epoch = 9}, log);
  const auto ask = [&](std::int64_t offset, std::int64_t epoch) {
    return bench.reply(bench.replica_fetch({.epoch = 9, .offset = offset, .last_epoch = epoch}))
        .as<ReplicaFetchReply>();
  };
  SECTION("the same epoch went on here") {
    for (const std::int64_t offset : {15, 20}) {
      bench.replica_fetch({.epoch = 9, .offset = offset, .last_epoch = 4});
      REQUIRE(bench.reads.size() == 1);  // It is read for it.
      bench.answer_read({});
    }
  }
  SECTION("the same epoch ended earlier here") {
    CHECK(ask(21, 4).diverging_epoch == Epoch{4});
    CHECK(ask(21, 4).diverging_end == Offset{20});
  }
  SECTION("an epoch that is not known here: the largest below it") {
    CHECK(ask(25, 5).diverging_epoch == Epoch{4});
    CHECK(ask(25, 5).diverging_end == Offset{20});
    CHECK(ask(25, 8).diverging_epoch == Epoch{7});
    CHECK(ask(25, 8).diverging_end == Offset{30});
  }
  SECTION("nothing at or below it") {
    CHECK(ask(5, 1).diverging_epoch == epoch_unknown);
    CHECK(ask(5, 1).diverging_end == Offset{0});
  }
}

TEST_CASE("replica: a follower below the log's start is told to begin again there", "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(20, 30, 2);
  ProducerState producer;
  producer.id = ProducerId{5};
  producer.batches = {{Sequence{0}, 1, Offset{18}, Micros{10}},
                      {Sequence{1}, 1, Offset{25}, Micros{20}}};
  producer.last_seen = Micros{20};
  log.producers.push_back(producer);
  bench.replicate({.epoch = 9}, log);
  const auto reply = bench.reply(bench.replica_fetch({.epoch = 9, .offset = 12, .last_epoch = 2}))
                         .as<ReplicaFetchReply>();
  CHECK(reply.begin_at == Offset{20});
  REQUIRE(reply.producers.size() == 1);
  CHECK(reply.producers[0].batches.size() == 1);  // The other one comes with the records.
  // One that ends just where this log starts may have had something else before it.
  const auto ask = [&](std::int64_t last_epoch) {
    return bench.replica_fetch({.epoch = 9, .offset = 20, .last_epoch = last_epoch});
  };
  CHECK(bench.reply(ask(8)).as<ReplicaFetchReply>().begin_at == Offset{20});
  CHECK(bench.reply(ask(1)).as<ReplicaFetchReply>().begin_at == Offset{20});
  CHECK(bench.reads.empty());
  ask(GENERATE(2, 0));  // The same epoch, or nothing at all.
  CHECK(bench.reads.size() == 1);
}

TEST_CASE("replica: an in-sync set below the least commits nothing and takes nothing",
          "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const RequestId request = write(bench, "a");
  bench.assign_replicas({.version = 2, .isr = {1}});
  CHECK_FALSE(bench.answered(request));
  CHECK(bench.view().high_watermark == Offset{0});
  const RequestId refused = bench.produce(batch_of({"b"}));
  CHECK(bench.reply(refused).error() == Errc::not_enough_replicas);
  const RequestId position = bench.commit("consumer:a", 0);
  CHECK(bench.reply(position).error() == Errc::not_enough_replicas);
  // With one of them back it goes on.
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  bench.assign_replicas({.version = 3, .isr = {1, 2}});
  CHECK(bench.reply(request).error() == Errc::ok);
}

TEST_CASE("replica: a follower that has everything is proposed, one that lags leaves",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.isr = {1, 2}});
  bench.replica_fetch({.node = 2});
  write(bench, "a");
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  CHECK_FALSE(bench.proposed());
  bench.replica_fetch({.node = 3, .offset = 1, .last_epoch = 1, .durable_end = 0});
  bench.pass(Micros{0});
  CHECK_FALSE(bench.proposed());  // Read, not written.
  bench.progress(3, 1);
  bench.pass(Micros{0});
  REQUIRE(bench.proposed());
  CHECK(bench.proposed()->isr.size() == 3);
  CHECK(bench.proposed()->isr[2].node == NodeId{3});
  CHECK(bench.proposed()->isr[2].incarnation == Incarnation{1});
  CHECK(bench.proposed()->partition_version == 1);
  bench.assign_replicas({.version = 2});
  // Now 3 stands still while the log goes on.
  write(bench, "b");
  for (int i = 0; i < 5; ++i) {
    bench.pass(1s);
    bench.assign_replicas({.version = 2});  // The broker is heard of.
    bench.replica_fetch({.node = 2, .offset = 2, .last_epoch = 1});
  }
  CHECK(bench.proposed()->partition_version == 2);
  CHECK(bench.proposed()->isr.size() == 2);
}

TEST_CASE("replica: its status names the copies of the followers that have everything",
          "[partition]") {
  NodeBench bench;
  lead_three(bench);
  write(bench, "a");
  const auto named = [&](std::int32_t node) {
    // Whatever it is, the broker hears of it by itself, with the next heartbeats.
    for (int i = 0; i < 4; ++i) {
      bench.pass(500ms);
      bench.from_broker(NodeHeartbeatReply{ControllerEpoch{1}, 1},
                        bench.to_controller.back().header.request_id);
    }
    FollowerStatus last;
    for (const NodeHeartbeat& beat : bench.told<NodeHeartbeat>()) {
      for (const PartitionStatus& status : beat.partitions) {
        for (const FollowerStatus& follower : status.followers) {
          if (follower.node == NodeId{node}) last = follower;
        }
      }
    }
    return std::pair(last.copy_session, last.copy);
  };
  using Pair = std::pair<std::int64_t, std::int64_t>;
  CHECK(named(2) == Pair(1, 1));
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  bench.replica_fetch({.node = 3, .offset = 1, .last_epoch = 1});
  CHECK(named(2) == Pair(1, 1));
  SECTION("one that opened its file again is named when it has everything again") {
    // Its log ends before what is committed.
    bench.replica_fetch({.node = 2, .offset = 0, .session = 4, .copy = 6});
    CHECK(named(2) != Pair(4, 6));
    CHECK(named(3) == Pair(1, 1));
    bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1, .session = 4, .copy = 6});
    CHECK(named(2) == Pair(4, 6));
  }
  SECTION("one that has all records and not all positions is not") {
    bench.commit("consumer:x", 1);
    bench.persist();
    for (const int node : {2, 3}) {
      bench.replica_fetch({.node = node, .offset = 1, .last_epoch = 1, .position_version = 1});
    }
    CHECK(named(2) == Pair(1, 1));
    bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1, .session = 4, .copy = 6});
    CHECK(named(2) != Pair(4, 6));
    bench.replica_fetch(
        {.node = 2, .offset = 1, .last_epoch = 1, .position_version = 1, .session = 4, .copy = 6});
    CHECK(named(2) == Pair(4, 6));
  }
  SECTION("a leader in a new epoch knows nothing of them yet") {
    bench.assign_replicas({.epoch = 2, .version = 2});
    CHECK(named(2) == Pair(0, 0));
    bench.replica_fetch({.node = 2, .epoch = 2, .offset = 1, .last_epoch = 1});
    CHECK(named(2) == Pair(1, 1));
  }
}

TEST_CASE("replica: a copy that has everything again is vouched for at once", "[partition]") {
  NodeBench bench;
  lead_three(bench);
  write(bench, "a");
  const auto beats = [&] { return bench.told<NodeHeartbeat>().size(); };
  const auto vouched = [&](std::int32_t node) {
    bool is_vouched = false;
    const NodeHeartbeat beat = bench.told<NodeHeartbeat>().back();
    for (const PartitionStatus& status : beat.partitions) {
      for (const FollowerStatus& follower : status.followers) {
        if (follower.node == NodeId{node}) is_vouched = follower.copy_session == 4;
      }
    }
    return is_vouched;
  };
  for (const int node : {2, 3}) bench.replica_fetch({.node = node, .offset = 1, .last_epoch = 1});
  bench.pass(500ms);
  bench.pass(40ms);
  std::size_t before = beats();
  // Two at a time: the second one has to wait, and does not wait for long.
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1, .session = 4});
  bench.pass(5ms);
  CHECK(beats() == before);
  bench.replica_fetch({.node = 3, .offset = 1, .last_epoch = 1, .session = 4});
  bench.pass(5ms);
  CHECK(beats() == before + 1);
  CHECK(vouched(2));
  CHECK(vouched(3));
  SECTION("until the broker has it") {
    bench.pass(500ms);
    CHECK(vouched(2));
  }
  SECTION("and no more than once") {
    bench.from_broker(NodeHeartbeatReply{ControllerEpoch{1}, 1},
                      bench.to_controller.back().header.request_id);
    before = beats();
    write(bench, "b");
    for (const int node : {2, 3}) {
      bench.replica_fetch({.node = node, .offset = 2, .last_epoch = 1, .session = 4});
    }
    bench.pass(200ms);
    CHECK(beats() == before);
  }
}

TEST_CASE("replica: a member that lacks what is committed has to go, and is said to",
          "[partition]") {
  NodeBench bench;
  lead_three(bench);
  write(bench, "a");
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  bench.replica_fetch({.node = 3, .offset = 1, .last_epoch = 1});
  REQUIRE(bench.view().high_watermark == Offset{1});
  // What is not committed may be lacking: it starts again, and is only behind.
  write(bench, "b");
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1, .session = 2});
  CHECK_FALSE(bench.proposed());
  // An older copy of its folder was put back.
  bench.replica_fetch({.node = 3, .offset = 0, .session = 2});
  bench.pass(Micros{0});
  REQUIRE(bench.proposed());
  CHECK(bench.proposed()->isr.size() == 2);
  CHECK(bench.proposed()->older == std::vector<NodeId>{NodeId{3}});
  CHECK(bench.happened(EventKind::replica_older));
  bench.assign_replicas({.version = 2, .isr = {1, 2}});
  bench.replica_fetch({.node = 2, .offset = 2, .last_epoch = 1, .session = 2});
  CHECK(bench.view().high_watermark == Offset{2});
  // It comes back like any other, when it has all of it.
  bench.replica_fetch({.node = 3, .offset = 2, .last_epoch = 1, .session = 2});
  bench.pass(Micros{0});
  CHECK(bench.proposed()->isr.size() == 3);
  CHECK(bench.proposed()->older.empty());
}

TEST_CASE("replica: what was not stored for want of room keeps nobody out of the in-sync set",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.isr = {1}, .config = {.replication = 3, .min_insync_replicas = 1}});
  write(bench, "a");
  // Alone, its note runs ahead of what is durable, with the batch that it goes with.
  bench.now.monotonic += limits::high_watermark_write_after;
  bench.produce(batch_of({"b", "c"}));
  const auto waiting = bench.waiting();
  REQUIRE(std::any_of(waiting.begin(), waiting.end(), [](const Persist& persist) {
    const auto* note = std::get_if<NoteHighWatermark>(&persist.op);
    return note != nullptr && note->offset == Offset{3};
  }));
  bench.fail_persists(Errc::storage_full);
  REQUIRE(bench.view().log_end == Offset{1});
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  bench.pass(Micros{0});
  REQUIRE(bench.proposed());
  CHECK(bench.proposed()->isr.size() == 2);
}

TEST_CASE("replica: what its followers were to be told is dropped with the last of them",
          "[partition]") {
  NodeBench bench;
  lead_three(bench);
  write(bench, "a");
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  bench.replica_fetch({.node = 3, .offset = 1, .last_epoch = 1});
  REQUIRE(bench.view().high_watermark == Offset{1});  // Which they hear of in a moment.
  bench.assign_replicas({.version = 2, .replicas = {1}, .isr = {1}});
  bench.pass(1s);
  CHECK(bench.node.next_deadline() > bench.now.monotonic);
}

TEST_CASE("replica: while a proposal is open the leader counts with the union", "[partition]") {
  NodeBench bench;
  bench.replicate({.isr = {1, 2}});
  bench.replica_fetch({.node = 2});
  bench.replica_fetch({.node = 3});
  bench.pass(Micros{0});
  REQUIRE(bench.proposed());
  const RequestId request = write(bench, "a");
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  CHECK_FALSE(bench.answered(request));                  // 3 may be in sync by now.
  bench.assign_replicas({.version = 1, .isr = {1, 2}});  // The same as before says nothing.
  CHECK_FALSE(bench.answered(request));
  bench.assign_replicas({.version = 2, .isr = {1, 2}});  // It was not taken.
  CHECK(bench.reply(request).error() == Errc::ok);
}

TEST_CASE("replica: a leader that steps down says unknown", "[partition]") {
  NodeBench bench;
  lead_three(bench);
  const RequestId durable = write(bench, "a");
  const RequestId on_its_way = bench.produce(batch_of({"b"}));
  const RequestId reads = bench.fetch(0, 1000);
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 2});
  CHECK(bench.reply(durable).error() == Errc::timed_out);
  CHECK(bench.reply(on_its_way).error() == Errc::timed_out);
  CHECK(bench.reply(reads).error() == Errc::not_leader);
  CHECK(bench.view().role == RoleName::catching_up);
  bench.persist();
  const RequestId later = bench.produce(batch_of({"c"}));
  CHECK(bench.reply(later).error() == Errc::not_leader);
  CHECK(bench.happened(EventKind::leader_stepped_down));
}

TEST_CASE("replica: a new leader shows nothing that may go back", "[partition]") {
  NodeBench bench;
  RecoveredLog log = recovered(0, 10, 1);
  log.high_watermark = Offset{4};  // As noted; more was committed and shown.
  bench.replicate({.epoch = 2, .config = {.replication = 3}}, log);
  CHECK_FALSE(bench.view().certain);
  CHECK(bench.reply(bench.ask(ListOffset{OffsetSpec::latest, Micros{0}})).error() ==
        Errc::offset_not_available);
  CHECK(bench.reply(bench.ask(FetchPosition{"consumer:a"})).error() == Errc::offset_not_available);
  CHECK(bench.reply(bench.dequeue("consumer:a")).error() == Errc::offset_not_available);
  CHECK(bench.reply(bench.commit("consumer:a", 8)).error() == Errc::offset_not_available);
  CHECK(bench.reply(bench.fetch(7)).error() == Errc::offset_not_available);
  CHECK(bench.reply(bench.fetch(11)).error() == Errc::offset_out_of_range);
  // What it knows to be committed is served.
  const RequestId read = bench.fetch(0);
  bench.answer_read({stored(batch_of({"a", "b", "c", "d"}), 0, 1, 10)});
  CHECK(bench.reply(read).as<FetchReply>().high_watermark == offset_unassigned);
  bench.replica_fetch({.node = 2, .epoch = 2, .offset = 10, .last_epoch = 1});
  bench.replica_fetch({.node = 3, .epoch = 2, .offset = 10, .last_epoch = 1});
  CHECK(bench.view().certain);
  CHECK(bench.view().high_watermark == Offset{10});
  CHECK(bench.reply(bench.ask(ListOffset{OffsetSpec::latest, Micros{0}}))
            .as<ListOffsetReply>()
            .offset == Offset{10});
}

TEST_CASE("replica: a position is answered when every in-sync follower has it", "[partition]") {
  NodeBench bench;
  lead_three(bench);
  write(bench, "a");
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1});
  bench.replica_fetch({.node = 3, .offset = 1, .last_epoch = 1});
  const RequestId waits =
      bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1, .wait_ms = 500});
  const RequestId commit = bench.commit("consumer:a", 1);
  bench.persist();
  CHECK_FALSE(bench.answered(commit));
  const auto& told = bench.reply(waits).as<ReplicaFetchReply>();
  REQUIRE(told.positions.size() == 1);
  CHECK(told.position_version == PositionVersion{1});
  CHECK(bench.reply(bench.ask(FetchPosition{"consumer:a"})).as<FetchPositionReply>().offset ==
        offset_unassigned);
  bench.progress(2, 1, 1);
  CHECK_FALSE(bench.answered(commit));
  bench.progress(3, 1, 1);
  CHECK(bench.reply(commit).as<CommitPositionReply>().version == PositionVersion{1});
  CHECK(bench.reply(bench.ask(FetchPosition{"consumer:a"})).as<FetchPositionReply>().offset ==
        Offset{1});
}

TEST_CASE("replica: a large table of positions goes to a follower in parts", "[partition]") {
  NodeBench bench;
  RecoveredLog log;
  constexpr std::int64_t readers = 3'000;
  for (std::int64_t i = 1; i <= readers; ++i) {
    Position position;
    position.reader = "consumer:" + std::to_string(i);
    position.version = PositionVersion{i};
    position.last_token = std::string(4'000, 't');
    log.positions.push_back(position);
  }
  bench.replicate({}, log);
  std::int64_t version = -1;
  std::int64_t seen = 0;
  std::size_t parts = 0;
  for (bool more = true; more; ++parts) {
    const auto& reply =
        bench.reply(bench.replica_fetch({.position_version = version})).as<ReplicaFetchReply>();
    REQUIRE_FALSE(reply.positions.empty());
    CHECK(encode_body(Body{reply}).size() < limits::replica_positions_bytes + 64 * limits::kib);
    CHECK(reply.all_positions == (version == -1));
    for (const PositionRow& position : reply.positions) {
      CHECK(position.version.raw() == ++seen);
    }
    CHECK(reply.position_version.raw() == seen);
    version = reply.position_version.raw();
    more = reply.more_positions;
  }
  CHECK(seen == readers);
  CHECK(parts > 10);
}

TEST_CASE("replica: followers hear of a higher high watermark soon", "[partition]") {
  NodeBench bench;
  lead_three(bench);
  write(bench, "a");
  bench.replica_fetch({.node = 2, .offset = 1, .last_epoch = 1, .durable_end = 0});
  const RequestId waits = bench.replica_fetch(
      {.node = 2, .offset = 1, .last_epoch = 1, .durable_end = 0, .wait_ms = 500});
  bench.replica_fetch({.node = 3, .offset = 1, .last_epoch = 1});
  bench.progress(2, 1);
  CHECK(bench.view().high_watermark == Offset{1});
  CHECK_FALSE(bench.answered(waits));
  bench.pass(limits::high_watermark_tell_after);
  CHECK(bench.reply(waits).as<ReplicaFetchReply>().high_watermark == Offset{1});
}

}  // namespace pinion::partition::test
