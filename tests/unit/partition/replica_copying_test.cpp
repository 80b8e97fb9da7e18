// A follower: it copies, cuts, begins again, and never says more than is durable.
#include "common/proto/codec.hpp"
#include "tests/unit/partition/follower_bench.hpp"

#include <catch2/catch.hpp>

namespace pinion::partition::test {

TEST_CASE("follower: it asks its leader for what follows its log", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4}, log_of(7, 3));
  REQUIRE(bench.connects.size() == 1);
  CHECK(bench.connects[0].address == "tcp://node-2");
  const ReplicaFetch fetch = fetch_of(bench);
  CHECK(bench.last_fetch().header.leader_epoch == Epoch{4});
  CHECK(fetch.offset == Offset{7});
  CHECK(fetch.last_epoch == Epoch{3});
  CHECK(fetch.durable_end == Offset{7});
  CHECK(fetch.position_version == PositionVersion{-1});
  CHECK(fetch.node == NodeId{1});
  CHECK(fetch.incarnation == Incarnation{3});
  CHECK(bench.view().role == RoleName::catching_up);
}

TEST_CASE("follower: batches are written as they are, and reported when they are durable",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  bench.answer_fetch_with(
      {stored(batch_of({"a", "b"}), 0, 3, 100), stored(batch_of({"c"}), 2, 4, 200)}, 1);
  const auto writes = bench.waiting();
  REQUIRE(writes.size() >= 4);
  CHECK(std::get<StartEpoch>(writes[0].op).start == EpochStart{Epoch{3}, Offset{0}});
  CHECK(std::get<AppendBatch>(writes[1].op).batch.header.append_time == Micros{100});
  CHECK(std::get<StartEpoch>(writes[2].op).start == EpochStart{Epoch{4}, Offset{2}});
  // It reads on meanwhile, and says how little is durable.
  CHECK(fetch_of(bench).offset == Offset{3});
  CHECK(fetch_of(bench).durable_end == Offset{0});
  CHECK(bench.view().high_watermark == Offset{0});
  bench.persist();
  REQUIRE(bench.to_peers.back().header.kind == Kind::replica_progress);
  const auto progress = std::get<ReplicaProgress>(bench.to_peers.back().body);
  CHECK(progress.durable_end == Offset{3});
  CHECK(bench.view().high_watermark == Offset{1});
  CHECK(bench.view().role == RoleName::following);
}

TEST_CASE("follower: only the answer to the last fetch is taken", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  const Message first = bench.last_fetch();
  bench.pass(limits::replica_fetch_wait + limits::replica_answer_within);
  bench.pass(limits::replica_retry_max);
  REQUIRE(bench.fetches() == 2);
  FromPeer late;
  late.peer = NodeId{node_two};
  const Batch batch = stored(batch_of({"a"}), 0, 4, 100);
  ReplicaFetchReply reply;
  reply.batches = {batch.header};
  late.message = make_reply(first.header, reply);
  late.message.records = {batch.payload};
  bench.step(std::move(late));
  CHECK(bench.appends_waiting() == 0);
  bench.answer_fetch_with({batch}, 0);
  CHECK(bench.appends_waiting() == 1);
}

TEST_CASE("follower: what does not follow its log, or is damaged, is not taken", "[partition]") {
  struct Fault {
    const char* name;
    void (*spoil)(BatchHeader&);
  };
  const Fault faults[] = {
      {"a gap", [](BatchHeader& header) { header.base_offset = Offset{6}; }},
      {"an epoch before the last one", [](BatchHeader& header) { header.leader_epoch = Epoch{2}; }},
      {"an epoch after the leader's", [](BatchHeader& header) { header.leader_epoch = Epoch{5}; }},
      {"other bytes", [](BatchHeader& header) { header.crc ^= 1U; }},
      {"log time that goes back", [](BatchHeader& header) { header.append_time = Micros{1}; }},
  };
  for (const Fault& fault : faults) {
    CAPTURE(fault.name);
    NodeBench bench;
    bench.replicate({.leader = node_two, .epoch = 4}, log_of(5, 3));
    Batch wrong = stored(batch_of({"a"}), 5, 4, 100);
    fault.spoil(wrong.header);
    bench.answer_fetch_with({wrong}, 0);
    CHECK(bench.appends_waiting() == 0);
    CHECK(bench.happened(EventKind::replica_refused));
    const std::size_t before = bench.fetches();
    bench.pass(limits::replica_retry_max);
    CHECK(bench.fetches() == before + 1);  // Asked again.
  }
}

TEST_CASE("follower: KIP-101, it cuts where its leader's epoch ended, and opens again",
          "[partition]") {
  NodeBench bench;
  RecoveredLog log = log_of(10, 3);
  bench.replicate({.leader = node_two, .epoch = 5}, log);
  ReplicaFetchReply reply;
  reply.diverging_epoch = Epoch{3};
  reply.diverging_end = Offset{8};
  bench.answer_fetch(reply);
  REQUIRE(bench.waiting().size() == 1);
  CHECK(std::get<Truncate>(bench.waiting()[0].op).end == Offset{8});
  const std::size_t before = bench.fetches();
  bench.persist();
  CHECK(bench.fetches() == before);
  CHECK(bench.view().role == RoleName::opening);
  reopen(bench, log_of(8, 3));
  CHECK(fetch_of(bench).offset == Offset{8});
  CHECK(bench.view().role == RoleName::catching_up);
}

TEST_CASE("follower: KIP-279, it goes back epoch by epoch until the logs agree", "[partition]") {
  NodeBench bench;
  RecoveredLog log = log_of(30, 2);
  log.epochs = {{Epoch{2}, Offset{0}}, {Epoch{4}, Offset{10}}, {Epoch{6}, Offset{20}}};
  bench.replicate({.leader = node_two, .epoch = 9}, log);
  CHECK(fetch_of(bench).last_epoch == Epoch{6});
  ReplicaFetchReply reply;
  reply.diverging_epoch = Epoch{5};  // The leader knows 2 and 5, not 4 and 6.
  reply.diverging_end = Offset{25};
  bench.answer_fetch(reply);
  CHECK(std::get<Truncate>(bench.waiting()[0].op).end == Offset{20});
  bench.persist();
  log = log_of(20, 2);
  log.epochs = {{Epoch{2}, Offset{0}}, {Epoch{4}, Offset{10}}};
  reopen(bench, log);
  CHECK(fetch_of(bench).last_epoch == Epoch{4});
  reply.diverging_epoch = Epoch{2};
  reply.diverging_end = Offset{12};
  bench.answer_fetch(reply);
  CHECK(std::get<Truncate>(bench.waiting()[0].op).end == Offset{10});
}

TEST_CASE("follower: it never cuts what was committed here", "[partition]") {
  NodeBench bench;
  RecoveredLog log = log_of(10, 3);
  log.high_watermark = Offset{9};
  NodeBench::Replicas replicas{.leader = node_two, .epoch = 5};
  ReplicaFetchReply reply;
  reply.diverging_epoch = Epoch{3};
  reply.diverging_end = Offset{8};
  SECTION("the leader has lost records: halt, and keep them") {
    bench.replicate(replicas, log);
    bench.answer_fetch(reply);
    CHECK(bench.waiting().empty());
    CHECK(bench.view().role == RoleName::halted);
    CHECK(bench.view().detail.find("still holds") != std::string::npos);
  }
  SECTION("a topic that allows it loses them") {
    replicas.config.unclean_elections = true;
    bench.replicate(replicas, log);
    bench.answer_fetch(reply);
    CHECK(std::get<Truncate>(bench.waiting()[0].op).end == Offset{8});
  }
}

TEST_CASE("follower: an epoch of its own without records leaves no trace", "[partition]") {
  NodeBench bench;
  RecoveredLog log = log_of(10, 3);
  log.epochs.push_back({Epoch{6}, Offset{10}});  // It led, and never wrote.
  bench.replicate({.leader = node_two, .epoch = 7}, log);
  CHECK(fetch_of(bench).last_epoch == Epoch{3});
  bench.answer_fetch_with({stored(batch_of({"a"}), 10, 4, 500)}, 0);
  CHECK(bench.appends_waiting() == 0);
  REQUIRE(bench.waiting().size() == 1);
  CHECK(std::get<Truncate>(bench.waiting()[0].op).end == Offset{10});
  bench.persist();
  reopen(bench, log_of(10, 3));
  bench.answer_fetch_with({stored(batch_of({"a"}), 10, 4, 500)}, 0);
  CHECK(bench.appends_waiting() == 1);
}

TEST_CASE("follower: it begins again where its leader's log starts", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  ReplicaFetchReply reply;
  reply.log_start = Offset{100};
  reply.log_end = Offset{120};
  reply.begin_at = Offset{100};
  reply.producers.push_back(
      {ProducerId{4}, ProducerEpoch{0}, Micros{9}, {{Sequence{0}, 1, Offset{99}, Micros{9}}}});
  bench.answer_fetch(reply);
  REQUIRE(bench.waiting().size() == 1);
  const BeginAt begin = std::get<BeginAt>(bench.waiting()[0].op);
  CHECK(begin.start == Offset{100});
  CHECK(begin.producers.size() == 1);
  bench.persist();
  RecoveredLog log;
  log.log_start = log.log_end = log.high_watermark = Offset{100};
  reopen(bench, log);
  CHECK(fetch_of(bench).offset == Offset{100});
  CHECK(fetch_of(bench).last_epoch == epoch_unknown);
}

TEST_CASE("follower: an empty answer changes nothing", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch_with({}, 4);
  bench.persist();  // The whole table of positions, which is empty.
  CHECK(fetch_of(bench).last_epoch == Epoch{3});
  CHECK(fetch_of(bench).offset == Offset{10});
  CHECK(bench.view().high_watermark == Offset{4});
}

TEST_CASE("follower: positions are taken over as a whole, then one by one", "[partition]") {
  NodeBench bench;
  RecoveredLog log = log_of(10, 3);
  Position old;
  old.reader = "consumer:old";
  old.version = PositionVersion{7};
  log.positions.push_back(old);
  bench.replicate({.leader = node_two, .epoch = 5}, log);
  ReplicaFetchReply reply;
  reply.log_end = Offset{10};
  reply.all_positions = true;
  reply.position_version = PositionVersion{4};
  reply.positions.push_back(
      {"consumer:a", Offset{3}, Epoch{3}, PositionVersion{4}, "", Offset{-1}, false, Micros{1}});
  bench.answer_fetch(reply);
  REQUIRE(bench.waiting().size() == 1);
  CHECK(std::get<ResetPositions>(bench.waiting()[0].op).positions.size() == 1);
  CHECK(fetch_of(bench).position_version == PositionVersion{4});
  CHECK(fetch_of(bench).durable_position_version == PositionVersion{-1});
  bench.persist();
  CHECK(std::get<ReplicaProgress>(bench.to_peers.back().body).durable_position_version ==
        PositionVersion{4});
  reply.all_positions = false;
  reply.position_version = PositionVersion{6};
  reply.positions[0].version = PositionVersion{6};
  bench.answer_fetch(reply);
  REQUIRE(bench.waiting().size() == 1);
  CHECK(std::get<PutPosition>(bench.waiting()[0].op).position.version == PositionVersion{6});
}

TEST_CASE("follower: one that becomes the leader goes on where its log ends", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  bench.answer_fetch_with({from_producer(stored(batch_of({"a"}), 0, 4, 100), 9, 0)}, 1);
  bench.persist();
  bench.assign_replicas({.leader = 1, .epoch = 5, .version = 2});
  CHECK(bench.view().role == RoleName::leading);
  // What it has copied is recognised.
  const RequestId again = bench.produce(from_producer(batch_of({"a"}), 9, 0));
  bench.replica_fetch({.node = 2, .epoch = 5, .offset = 1, .last_epoch = 4});
  bench.replica_fetch({.node = 3, .epoch = 5, .offset = 1, .last_epoch = 4});
  CHECK(bench.reply(again).as<ProduceReply>().base_offset == Offset{0});
  const RequestId next = bench.produce(from_producer(batch_of({"b"}), 9, 1));
  bench.persist();
  bench.replica_fetch({.node = 2, .epoch = 5, .offset = 2, .last_epoch = 5});
  bench.replica_fetch({.node = 3, .epoch = 5, .offset = 2, .last_epoch = 5});
  CHECK(bench.reply(next).as<ProduceReply>().base_offset == Offset{1});
}

TEST_CASE("follower: one that leads before its copy is on its disk has nobody cut the same",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  bench.answer_fetch_with({stored(batch_of({"a"}), 0, 4, 100)}, 0);
  bench.assign_replicas({.leader = 1, .epoch = 5, .version = 2});
  REQUIRE(bench.view().role == RoleName::leading);
  const auto ask = [&](std::int32_t node, std::int64_t offset) {
    return bench.replica_fetch({.node = node, .epoch = 5, .offset = offset, .last_epoch = 4});
  };
  // It has what is on its way here. One that has more is told where the logs part.
  CHECK(bench.reply(ask(2, 1)).error() == Errc::throttled);
  CHECK(bench.reply(ask(3, 2)).as<ReplicaFetchReply>().diverging_end == Offset{1});
  SECTION("it is the leader that is slow") {
    for (int i = 0; i < 8; ++i) {
      bench.pass(500ms);
      bench.fetch(9);  // A word from the broker.
      CHECK(bench.reply(ask(2, 1)).error() == Errc::throttled);
      ask(3, 0);
    }
    CHECK_FALSE(bench.proposed());
  }
  SECTION("the same fetch counts when it is there") {
    bench.persist();
    CHECK(bench.view().high_watermark == Offset{0});
    for (const int node : {2, 3}) ask(node, 1);
    CHECK(bench.view().high_watermark == Offset{1});
  }
}

TEST_CASE("follower: an assignment that comes during a cut is obeyed after it", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  ReplicaFetchReply reply;
  reply.diverging_epoch = Epoch{3};
  reply.diverging_end = Offset{8};
  bench.answer_fetch(reply);
  bench.assign_replicas({.leader = 1, .epoch = 6, .version = 2});
  CHECK(bench.view().role == RoleName::catching_up);
  bench.persist();
  reopen(bench, log_of(8, 3));
  CHECK(bench.view().role == RoleName::leading);
  CHECK(bench.view().log_end == Offset{8});
}

TEST_CASE("follower: reads are served below its high watermark, when asked", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  bench.answer_fetch_with({stored(batch_of({"a"}), 0, 4, 100), stored(batch_of({"b"}), 1, 4, 200)},
                          1);
  bench.persist();
  Fetch fetch;
  CHECK(bench.reply(bench.ask(fetch)).error() == Errc::not_leader);
  const RequestId read = bench.ask(fetch, {.any_replica = true});
  CHECK(bench.reply(read).as<FetchReply>().batches.size() == 1);
  CHECK(bench.reply(read).as<FetchReply>().high_watermark == Offset{1});
  fetch.offset = Offset{2};
  CHECK(bench.reply(bench.ask(fetch, {.any_replica = true})).error() == Errc::offset_not_available);
}

TEST_CASE("follower: a full disk stops the copying, and it goes on", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  bench.answer_fetch_with({}, 0);
  bench.persist();
  bench.answer_fetch_with({stored(batch_of({"a"}), 0, 4, 100)}, 0);
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.view().log_end == Offset{0});
  CHECK(bench.view().role != RoleName::halted);
  bench.store.clear();
  bench.pass(limits::storage_probe_every + 10ms);
  CHECK(fetch_of(bench).offset == Offset{0});
  bench.answer_fetch_with({stored(batch_of({"a"}), 0, 4, 100)}, 0);
  bench.persist();
  CHECK(bench.view().durable_end == Offset{1});
}

TEST_CASE("follower: a copy that was given up is made anew, empty", "[partition]") {
  NodeBench bench;
  bench.join();
  bench.assign_replicas({.leader = node_two, .epoch = 4, .create = false});
  const Ticket ticket = std::get<OpenLog>(bench.store.back().op).ticket;
  bench.store.clear();
  bench.step(OpenFailed{orders, ticket, fail(Errc::file_corrupt, "it is missing")});
  CHECK(bench.view().role == RoleName::halted);
  bench.pass(Micros{0});
  CHECK(bench.told<ReplicaReport>().back().replicas.back().file == FileState::lost);
  bench.assign_replicas({.leader = node_two, .epoch = 4, .version = 2, .isr = {2, 3}});
  REQUIRE_FALSE(bench.store.empty());
  CHECK(std::get<OpenLog>(bench.store.back().op).if_missing == IfMissing::begin_again);
  bench.open(orders);
  CHECK(bench.view().role == RoleName::catching_up);
  CHECK(fetch_of(bench).offset == Offset{0});
}

}  // namespace pinion::partition::test
