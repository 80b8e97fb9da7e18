#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace pinion::partition::test {

TEST_CASE("replica: retention by age drops what a reader thread finds", "[partition]") {
  NodeBench bench;
  bench.join();
  bench.now.wall = Micros{100'000'000};
  bench.assign({orders}, 1, {.retention_ms = 60'000});
  bench.open(orders, recovered(0, 10, 1));
  bench.pass(1s);
  REQUIRE(bench.reads.size() == 1);
  const ReadEffect read = bench.reads.front();
  const auto& find = std::get<FindRetention>(read.op);
  CHECK(find.before == bench.now.wall - 60s);
  CHECK(find.bytes_kept == -1);
  CHECK(find.end == Offset{10});
  bench.step(RetentionFound{orders, read.ticket, Offset{4}});
  REQUIRE(bench.waiting().size() == 1);
  CHECK(std::get<DropBefore>(bench.waiting()[0].op).start == Offset{4});
  CHECK(bench.view().log_start == Offset{0});
  bench.persist();
  CHECK(bench.view().log_start == Offset{4});
  CHECK(bench.reply(bench.fetch(3)).error() == Errc::offset_out_of_range);
}

TEST_CASE("replica: retention by size looks when the file has grown past it", "[partition]") {
  NodeBench bench;
  bench.join();
  bench.assign({orders}, 1, {.retention_bytes = 1000});
  bench.open(orders, recovered(0, 10, 1));
  LogSizes sizes;
  sizes.payload_bytes = 900;
  bench.step(SizesMeasured{orders, sizes});
  bench.pass(1s);
  CHECK(bench.reads.empty());
  sizes.payload_bytes = 1100;
  bench.step(SizesMeasured{orders, sizes});
  bench.pass(0s);
  REQUIRE(bench.reads.size() == 1);
  CHECK(std::get<FindRetention>(bench.reads.front().op).bytes_kept == 1000);
}

TEST_CASE("replica: one retention at a time, and none without cause", "[partition]") {
  NodeBench bench;
  bench.join();
  bench.now.wall = Micros{100'000'000};
  bench.assign({orders}, 1, {.retention_ms = 60'000});
  bench.open(orders, recovered(0, 10, 1));
  bench.pass(1s);
  bench.pass(10s);
  REQUIRE(bench.reads.size() == 1);
  bench.step(RetentionFound{orders, bench.reads.front().ticket, Offset{0}});
  bench.reads.clear();
  CHECK(bench.waiting().empty());
  bench.pass(10s);
  CHECK(bench.reads.size() == 1);
}

TEST_CASE("replica: a drop that it began as a follower is still the only one", "[partition]") {
  NodeBench bench;
  const TopicConfig config{.replication = 3, .retention_ms = 60'000};
  RecoveredLog log = recovered(0, 10, 1);
  log.high_watermark = Offset{10};
  bench.replicate({.leader = 2, .epoch = 2, .config = config}, std::move(log));
  ReplicaFetchReply reply;
  reply.log_start = Offset{4};
  reply.log_end = reply.high_watermark = Offset{10};
  reply.all_positions = true;
  bench.answer_fetch(std::move(reply));
  const auto drops = [&] {
    const auto waiting = bench.waiting();
    return std::count_if(waiting.begin(), waiting.end(), [](const Persist& persist) {
      return std::holds_alternative<DropBefore>(persist.op);
    });
  };
  REQUIRE(drops() == 1);
  bench.assign_replicas({.leader = 1, .epoch = 3, .version = 2, .config = config});
  bench.now.wall = Micros{100'000'000};
  bench.pass(1s);
  CHECK(bench.reads.empty());  // The file does not show yet what it drops.
  bench.persist();
  CHECK(bench.view().log_start == Offset{4});
  bench.pass(10s);
  CHECK(bench.reads.size() == 1);
}

TEST_CASE("replica: a log is not cut below a start that is on its way to the disk", "[partition]") {
  NodeBench bench;
  bench.now.wall = Micros{100'000'000};
  const TopicConfig config{.replication = 3, .retention_ms = 60'000, .unclean_elections = true};
  bench.replicate({.isr = {1}, .config = config}, recovered(0, 10, 1));
  bench.pass(1s);
  REQUIRE(bench.reads.size() == 1);
  bench.step(RetentionFound{orders, bench.reads.front().ticket, Offset{5}});
  REQUIRE(std::holds_alternative<DropBefore>(bench.waiting().back().op));
  // Another one leads, whose log begins within a batch here.
  bench.assign_replicas({.leader = 2, .epoch = 2, .version = 2, .isr = {2}, .config = config});
  ReplicaFetchReply reply;
  reply.log_start = Offset{7};
  reply.diverging_epoch = Epoch{1};
  reply.diverging_end = Offset{7};
  bench.answer_fetch(reply);
  REQUIRE(std::holds_alternative<Truncate>(bench.waiting().back().op));
  CHECK(std::get<Truncate>(bench.waiting().back().op).end == Offset{5});
}

TEST_CASE("replica: without retention a partition at rest needs no waking", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  bench.pass(0s);
  bench.pass(1s);
  bench.from_broker(NodeHeartbeatReply{ControllerEpoch{1}, 1},
                    bench.to_controller.back().header.request_id);
  // The next heartbeat is all that is left to do.
  CHECK(bench.node.next_deadline() == bench.now.monotonic + 500ms);
}

TEST_CASE("node: topics that name no retention get the node's", "[partition]") {
  NodeOptions options = NodeBench::default_options();
  options.retention_ms_default = 30'000;
  NodeBench bench(options);
  bench.now.wall = Micros{100'000'000};
  bench.lead(orders, recovered(0, 10, 1));
  REQUIRE(bench.reads.size() == 1);
  CHECK(std::get<FindRetention>(bench.reads.front().op).before == bench.now.wall - 30s);
}

}  // namespace pinion::partition::test
