// A follower: it copies, cuts, begins again, and never says more than is durable.
#include "common/proto/codec.hpp"
#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

namespace pinion::partition::test {

namespace {

constexpr std::int32_t node_two = 2;

ReplicaFetch fetch_of(const NodeBench& bench) {
  return std::get<ReplicaFetch>(bench.last_fetch().body);
}

/// A log of one epoch with `count` batches of one record.
RecoveredLog log_of(std::int64_t count, std::int64_t epoch) {
  RecoveredLog log = recovered(0, count, count > 0 ? epoch : 0);
  log.high_watermark = Offset{0};
  log.last_log_time = Micros{count};
  return log;
}

void reopen(NodeBench& bench, RecoveredLog log) {
  bench.close(orders);
  bench.open(orders, std::move(log));
}

}  // namespace

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

namespace {

PositionRow row(const std::string& reader, std::int64_t version, bool deleted = false) {
  return {reader, Offset{3},  Epoch{3}, PositionVersion{version},
          "",     Offset{-1}, deleted,  Micros{1}};
}

ReplicaFetchReply part_of_positions(std::vector<PositionRow> rows, bool whole, bool more) {
  ReplicaFetchReply reply;
  reply.log_end = Offset{10};
  reply.all_positions = whole;
  reply.more_positions = more;
  reply.position_version = rows.back().version;
  reply.positions = std::move(rows);
  return reply;
}

/// More than 256 KiB of them.
std::vector<PositionRow> many_rows(const std::string& reader) {
  std::vector<PositionRow> rows;
  for (int i = 0; i < 1'000; ++i) rows.push_back(row(reader + std::to_string(i), i + 1));
  return rows;
}

}  // namespace

TEST_CASE("follower: a table of positions that comes in parts is taken over when all have come",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:a", 1), row("consumer:b", 4)}, true, true));
  CHECK(bench.waiting().empty());
  CHECK(fetch_of(bench).position_version == PositionVersion{4});
  // One moves, another one is deleted, while the rest is on its way.
  bench.answer_fetch(part_of_positions({row("consumer:c", 5), row("consumer:a", 8)}, false, true));
  CHECK(bench.waiting().empty());
  CHECK(fetch_of(bench).position_version == PositionVersion{8});
  CHECK(fetch_of(bench).durable_position_version == PositionVersion{-1});
  bench.answer_fetch(part_of_positions({row("consumer:b", 9, true)}, false, false));
  REQUIRE(bench.waiting().size() == 1);
  const auto reset = std::get<ResetPositions>(bench.waiting()[0].op).positions;
  REQUIRE(reset.size() == 3);
  CHECK(reset[0].version == PositionVersion{8});
  CHECK(reset[1].deleted);
  CHECK(reset[2].version == PositionVersion{5});
  bench.persist();
  CHECK(std::get<ReplicaProgress>(bench.to_peers.back().body).durable_position_version ==
        PositionVersion{9});
  // What changes from now on comes by itself again.
  bench.answer_fetch(part_of_positions({row("consumer:c", 10)}, false, false));
  REQUIRE(bench.waiting().size() == 1);
  CHECK(std::holds_alternative<PutPosition>(bench.waiting()[0].op));
}

TEST_CASE("follower: of large tables of positions one at a time is on its way to the disk",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions(many_rows("consumer:a"), true, false));
  bench.assign_replicas({.leader = node_two, .epoch = 5}, orders_1);
  bench.open(orders_1, log_of(10, 3));
  SECTION("small ones do not wait") {
    bench.answer_fetch(part_of_positions({row("consumer:b", 2)}, true, false));
    CHECK(bench.waiting(orders_1).size() == 1);
    bench.persist(orders_1);
    CHECK(fetch_of(bench).position_version == PositionVersion{2});
    bench.persist();
  }
  SECTION("the next one waits") {
    bench.answer_fetch(part_of_positions(many_rows("consumer:b"), true, false));
    CHECK(bench.waiting(orders_1).empty());
    const std::size_t fetches = bench.fetches();
    bench.pass(1s);
    CHECK(bench.fetches() == fetches);  // What comes next would have to wait behind it.
    bench.persist();
    bench.pass(limits::replica_retry_min);
    REQUIRE(bench.waiting(orders_1).size() == 1);
    CHECK(std::get<ResetPositions>(bench.waiting(orders_1)[0].op).positions[0].reader ==
          "consumer:b0");
    bench.persist(orders_1);
    CHECK(fetch_of(bench).position_version == PositionVersion{1'000});
  }
  SECTION("but not for a disk that hangs") {
    bench.answer_fetch(part_of_positions(many_rows("consumer:b"), true, false));
    CHECK(bench.waiting(orders_1).empty());
    for (int i = 0; i < 21; ++i) bench.pass(500ms);
    CHECK(bench.happened(EventKind::disk_silent));
    bench.pass(limits::replica_retry_min);
    CHECK(bench.waiting(orders_1).size() == 1);
    bench.persist();
    bench.persist(orders_1);
  }
  bench.node.check_invariants();
}

TEST_CASE("follower: what it says in an epoch that nobody leads waits for what is on its way",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:a", 7)}, true, false));
  bench.to_controller.clear();
  bench.assign_replicas({.leader = 0, .epoch = 6, .version = 2});
  bench.pass(1s);
  CHECK(bench.told<ReplicaReport>().empty());
  bench.persist();
  bench.pass(0s);
  REQUIRE(bench.told<ReplicaReport>().size() == 1);
  const ReplicaState said = bench.told<ReplicaReport>()[0].replicas.at(0);
  CHECK(said.leader_epoch == Epoch{6});
  CHECK(said.log_end == Offset{10});
  CHECK(said.position_version == PositionVersion{7});
}

TEST_CASE("follower: that its disk hangs it says in an epoch that nobody leads, too",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:a", 7)}, true, false));
  bench.to_controller.clear();
  bench.assign_replicas({.leader = 0, .epoch = 6, .version = 2});
  const auto said = [&] {
    const std::vector<ReplicaReport> reports = bench.told<ReplicaReport>();
    REQUIRE(reports.size() == 1);
    bench.to_controller.clear();
    return reports[0].replicas.at(0).file;
  };
  for (int i = 0; i < 21; ++i) {
    bench.pass(500ms);
    bench.fetch(9);  // A word from the broker.
  }
  CHECK(said() == FileState::failing);
  bench.persist();
  bench.pass(0s);
  CHECK(said() == FileState::open);
}

TEST_CASE("follower: a new leader's table is gathered from its first part", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:old", 4)}, true, true));
  bench.assign_replicas({.leader = 3, .epoch = 6, .version = 2});
  CHECK(fetch_of(bench).position_version == PositionVersion{-1});
  bench.answer_fetch(part_of_positions({row("consumer:new", 2)}, true, false), {}, Errc::ok, 3);
  REQUIRE(bench.waiting().size() == 1);
  const auto reset = std::get<ResetPositions>(bench.waiting()[0].op).positions;
  REQUIRE(reset.size() == 1);
  CHECK(reset[0].reader == "consumer:new");
}

TEST_CASE("follower: what its last leader sent counts for nothing with the next one",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:a", 1)}, true, false));
  bench.persist();
  bench.answer_fetch(part_of_positions({row("consumer:a", 2)}, false, false));
  REQUIRE(bench.waiting().size() == 1);
  // The next leader has not heard of that change, and will give its version to another one.
  bench.assign_replicas({.leader = 3, .epoch = 6, .version = 2});
  bench.answer_fetch(part_of_positions({row("consumer:a", 1)}, true, false), {}, Errc::ok, 3);
  const std::size_t told = bench.to_peers.size();
  bench.persist_one();
  CHECK(bench.to_peers.size() == told);
  bench.persist();
  CHECK(std::get<ReplicaProgress>(bench.to_peers.back().body).durable_position_version ==
        PositionVersion{1});
}

TEST_CASE("follower: positions that changed count when the last of their parts is durable",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 5}, log_of(10, 3));
  bench.answer_fetch(part_of_positions({row("consumer:a", 1), row("consumer:b", 2)}, true, false));
  bench.persist();
  REQUIRE(fetch_of(bench).position_version == PositionVersion{2});
  // At 3 it was consumer:a that moved; that row now says 9, and is in the second part.
  bench.answer_fetch(part_of_positions({row("consumer:b", 5)}, false, true));
  bench.persist();
  CHECK(fetch_of(bench).position_version == PositionVersion{5});
  CHECK(fetch_of(bench).durable_position_version == PositionVersion{2});
  bench.answer_fetch(part_of_positions({row("consumer:c", 6), row("consumer:a", 9)}, false, false));
  bench.persist_one();
  CHECK(fetch_of(bench).durable_position_version == PositionVersion{2});
  bench.persist();
  CHECK(std::get<ReplicaProgress>(bench.to_peers.back().body).durable_position_version ==
        PositionVersion{9});
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

TEST_CASE("follower: a reader that waits is told when the file is opened again", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  bench.answer_fetch_with({stored(batch_of({"a"}), 0, 4, 100)}, 1);
  bench.persist();
  Fetch fetch;
  fetch.offset = Offset{1};
  fetch.wait_ms = 10'000;
  const RequestId waits = bench.ask(fetch, {.any_replica = true});
  REQUIRE_FALSE(bench.answered(waits));
  // What it has in memory and not on its disk is forgotten by opening it again.
  bench.answer_fetch(part_of_positions({row("consumer:a", 1)}, true, false));
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.reply(waits).error() == Errc::not_leader);
}

TEST_CASE("follower: who leads before a copied table is on its disk begins with what is there",
          "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = node_two, .epoch = 4});
  bench.answer_fetch(part_of_positions({row("consumer:a", 7)}, true, false));
  bench.assign_replicas({.leader = 1, .epoch = 5, .version = 2});
  REQUIRE(bench.view().role == RoleName::leading);
  REQUIRE_FALSE(bench.view().positions.empty());
  bench.fail_persists(Errc::storage_full);
  CHECK(bench.view().role == RoleName::opening);
  bench.close(orders);
  bench.open(orders, {});
  CHECK(bench.view().role == RoleName::leading);
  CHECK(bench.view().positions.empty());
  CHECK(bench.view().durable_position_version == PositionVersion{0});
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
