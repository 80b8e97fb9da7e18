// Everything is bounded: beyond, an answer and not growth.
#include "tests/unit/partition/node_bench.hpp"

#include <catch2/catch.hpp>

#include <map>

namespace pinion::partition::test {

TEST_CASE("node: batches that wait for a file are bounded in bytes", "[partition]") {
  NodeBench bench;
  bench.lead();
  const Batch batch = big_batch(4 * limits::mib);
  std::size_t taken = 0;
  RequestId refused{0};
  for (int i = 0; i < 10 && refused == RequestId{0}; ++i) {
    const RequestId request = bench.produce(batch);
    if (bench.answered(request))
      refused = request;
    else
      ++taken;
  }
  CHECK(taken == 3);  // 16 MiB, less what a batch costs beside its payload.
  CHECK(bench.reply(refused).error() == Errc::throttled);
  bench.persist();
  CHECK_FALSE(bench.answered(bench.produce(batch)));
}

TEST_CASE("node: a single batch larger than the bound enters when nothing else waits",
          "[partition]") {
  NodeBench bench;
  bench.lead();
  const RequestId large = bench.produce(big_batch(20 * limits::mib));
  CHECK_FALSE(bench.answered(large));
  CHECK(bench.reply(bench.produce(batch_of({"a"}))).error() == Errc::throttled);
  bench.persist();
  CHECK(bench.reply(large).error() == Errc::ok);
}

TEST_CASE("node: batches that wait for all files together are bounded", "[partition]") {
  NodeBench bench;
  bench.join();
  const Batch batch = big_batch(4 * limits::mib);
  std::size_t refused = 0;
  for (int i = 0; i < 8; ++i) {
    const PartitionKey key{TopicId{7}, PartitionIndex{i}};
    bench.lead(key);
    for (int k = 0; k < 3; ++k) {
      const RequestId request = bench.produce(batch, Acks::all, {.key = key});
      if (bench.answered(request)) ++refused;
    }
  }
  CHECK(refused > 0);
  CHECK(bench.node.view().pending_bytes <= limits::pending_bytes_per_node_max + 4 * limits::mib);
}

TEST_CASE("node: a refused batch leaves no trace", "[partition]") {
  NodeBench bench;
  bench.lead();
  bench.produce(from_producer(big_batch(20 * limits::mib), 42, 0));
  CHECK(bench.reply(bench.produce(from_producer(batch_of({"a"}), 42, 1))).error() ==
        Errc::throttled);
  // The one after it is not called a gap, for it is refused for the same reason.
  CHECK(bench.reply(bench.produce(from_producer(batch_of({"b"}), 42, 2))).error() ==
        Errc::throttled);
  bench.persist();
  const RequestId again = bench.produce(from_producer(batch_of({"a"}), 42, 1));
  bench.persist();
  CHECK(bench.reply(again).as<ProduceReply>().base_offset == Offset{1});
}

TEST_CASE("node: fetches that wait at one partition are bounded", "[partition]") {
  NodeBench bench;
  bench.lead();
  for (std::size_t i = 0; i < limits::waiting_fetches_per_partition_max; ++i) bench.fetch(0, 9000);
  CHECK(bench.reply(bench.fetch(0, 9000)).error() == Errc::throttled);
  bench.pass(9s);
  CHECK(bench.node.view().requests_open == 0);
}

namespace {

/// Fetches of this node that were not answered, by partition.
std::map<PartitionKey, RequestId> asked_for(const NodeBench& bench) {
  std::map<PartitionKey, RequestId> asked;
  for (const Message& message : bench.to_peers) {
    if (message.header.kind != Kind::replica_fetch) continue;
    asked[{message.header.topic, message.header.partition}] = message.header.request_id;
  }
  return asked;
}

void answer(NodeBench& bench, PartitionKey key, ReplicaFetchReply reply, Frames records = {}) {
  FromPeer in;
  in.peer = NodeId{2};
  in.message.header.kind = Kind::replica_fetch_reply;
  in.message.header.request_id = asked_for(bench).at(key);
  in.message.header.topic = key.topic;
  in.message.header.partition = key.partition;
  in.message.header.leader_epoch = Epoch{1};
  in.message.body = std::move(reply);
  in.message.records = std::move(records);
  std::erase_if(bench.to_peers, [&](const Message& message) {
    return message.header.request_id == in.message.header.request_id;
  });
  bench.step(std::move(in));
}

}  // namespace

TEST_CASE("node: what followers that catch up ask for is bounded, and all have their turn",
          "[partition]") {
  constexpr auto at_once =
      static_cast<std::int32_t>(copied_bytes_max / limits::replica_fetch_bytes);
  constexpr std::int32_t count = 3 * at_once;
  const auto key_of = [](std::int32_t i) { return PartitionKey{orders.topic, PartitionIndex{i}}; };
  NodeBench bench;
  bench.join();
  for (std::int32_t i = 0; i < count; ++i) {
    bench.assign_replicas({.leader = 2, .isr = {2, 3}}, key_of(i));
    bench.open(key_of(i));
  }
  REQUIRE(asked_for(bench).size() == at_once);
  SECTION("in the order in which they came") {
    // Each has more than comes at once; who has asked stands behind all others.
    for (std::int32_t i = 0; i + at_once < count; ++i) {
      const Batch batch = stored(big_batch(limits::mib / 2), 0);
      ReplicaFetchReply reply;
      reply.batches = {batch.header};
      reply.log_end = Offset{100};
      reply.high_watermark = Offset{100};
      answer(bench, key_of(i), std::move(reply), {batch.payload});
      // What has come counts until it is on the disk.
      CHECK(asked_for(bench).size() == static_cast<std::size_t>(at_once) - 1);
      bench.persist(key_of(i));
      CHECK(asked_for(bench).size() == at_once);
      CHECK(asked_for(bench).count(key_of(i + at_once)) == 1);
    }
    CHECK(asked_for(bench).count(key_of(0)) == 0);
  }
  SECTION("one that has everything asks on, and counts no more") {
    for (std::int32_t i = 0; i < count; ++i) answer(bench, key_of(i), {});
    CHECK(asked_for(bench).size() == count);
    for (std::int32_t i = 0; i < count; ++i) {
      CHECK(bench.view(key_of(i)).role == RoleName::following);
    }
  }
  SECTION("one whose leader does not answer makes way") {
    bench.to_peers.clear();
    bench.pass(limits::replica_fetch_wait + limits::replica_answer_within);
    // The rest, too: its node is quiet, and is asked for little.
    CHECK(asked_for(bench).size() == count - at_once);
    CHECK(asked_for(bench).begin()->first == key_of(at_once));
    CHECK(bench.view(key_of(0)).role == RoleName::catching_up);
  }
  SECTION("those whose leader does not answer keep nobody waiting whose leader is there") {
    bench.to_peers.clear();
    for (int i = 0; i < 20; ++i) {
      bench.pass(500ms);
      bench.fetch(9);  // A word from the broker.
    }
    bench.assign_replicas({.leader = 3, .isr = {2, 3}}, key_of(count));
    bench.open(key_of(count));
    CHECK(asked_for(bench).count(key_of(count)) == 1);
    // One answer, and it is asked for as much as any.
    answer(bench, key_of(count - 1), {});
    const auto last = std::get<ReplicaFetch>(bench.last_fetch().body);
    CHECK(last.bytes_max == limits::replica_fetch_bytes);
  }
  SECTION("a member of the in-sync set takes no turn: records wait for it") {
    bench.assign_replicas({.leader = 2, .isr = {1, 2, 3}}, key_of(count));
    bench.open(key_of(count));
    CHECK(asked_for(bench).count(key_of(count)) == 1);
    CHECK(asked_for(bench).size() == static_cast<std::size_t>(at_once) + 1);
  }
  SECTION("so does one that is not to follow any more") {
    for (std::int32_t i = 0; i < 5; ++i) {
      bench.assign_replicas({.leader = 1, .epoch = 2, .version = 2, .isr = {1}}, key_of(i));
    }
    CHECK(asked_for(bench).size() == static_cast<std::size_t>(at_once) + 5);
    CHECK(asked_for(bench).rbegin()->first == key_of(at_once + 4));
  }
}

TEST_CASE("node: a follower is answered when everybody else is throttled", "[partition]") {
  NodeBench bench;
  bench.replicate({.leader = 1, .isr = {1, 2, 3}});
  // Not through the bench, which looks at everything after each step.
  const auto fill = [&](std::int32_t partition) {
    for (std::size_t i = 0; i < limits::waiting_fetches_per_partition_max; ++i) {
      FromBroker in;
      in.path = {Bytes("back")};
      in.message.header.kind = Kind::fetch;
      in.message.header.topic = orders.topic;
      in.message.header.partition = PartitionIndex{partition};
      in.message.body = Fetch{.wait_ms = 20'000};
      Effects out;
      bench.node.step(bench.now, std::move(in), out);
      REQUIRE(out.sends.empty());
    }
  };
  constexpr std::size_t partitions =
      limits::requests_open_per_node_max / limits::waiting_fetches_per_partition_max;
  for (std::int32_t i = 1; i <= static_cast<std::int32_t>(partitions); ++i) {
    bench.lead({orders.topic, PartitionIndex{i}});
  }
  for (std::int32_t i = 1; i <= static_cast<std::int32_t>(partitions); ++i) fill(i);
  REQUIRE(bench.node.view().requests_open == limits::requests_open_per_node_max);
  CHECK(bench.reply(bench.fetch(0, 1000)).error() == Errc::throttled);
  const RequestId waits = bench.replica_fetch({.node = 2, .wait_ms = 1000});
  CHECK_FALSE(bench.answered(waits));
  CHECK(bench.reply(bench.replica_fetch({.node = 3})).error() == Errc::ok);
}

TEST_CASE("node: reads on their way are bounded in bytes, and the others take their turn",
          "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 1000, 1));
  std::vector<RequestId> requests;
  for (int i = 0; i < 20; ++i) {
    requests.push_back(bench.fetch(i, 0, static_cast<std::uint32_t>(limits::fetch_bytes_max)));
  }
  CHECK(bench.reads.size() == limits::reads_inflight_bytes_max / limits::fetch_bytes_max);
  CHECK(bench.node.view().requests_open == 20);
  while (!bench.reads.empty()) bench.answer_read({stored(batch_of({"x"}), 0)});
  for (const RequestId request : requests) CHECK(bench.answered(request));
}

TEST_CASE("node: reads that wait for their turn are answered when their partition closes",
          "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 1000, 1));
  std::vector<RequestId> requests;
  for (int i = 0; i < 20; ++i) {
    requests.push_back(bench.fetch(i, 0, static_cast<std::uint32_t>(limits::fetch_bytes_max)));
  }
  bench.step(Stop{});
  while (!bench.reads.empty()) bench.answer_read({});
  for (const RequestId request : requests) {
    CHECK(bench.reply(request).error() == Errc::shutting_down);
  }
  bench.close(orders);
  CHECK(bench.node.stopped());
}

TEST_CASE("node: what all partitions keep in memory is bounded; the oldest goes first",
          "[partition]") {
  NodeOptions options = NodeBench::default_options();
  options.tail_bytes = 3 * limits::mib;
  NodeBench bench(options);
  bench.lead(orders);
  bench.lead(other);
  bench.produce(big_batch(limits::mib));
  bench.persist();
  for (int i = 0; i < 2; ++i) {
    bench.produce(big_batch(limits::mib), Acks::all, {.key = other});
    bench.persist(other);
  }
  CHECK(bench.view(orders).tail_batches == 0);
  CHECK(bench.view(other).tail_batches == 2);
  CHECK(bench.node.view().tail_bytes <= options.tail_bytes);
}

TEST_CASE("node: a fetch whose record became visible and left memory at once is read",
          "[partition]") {
  NodeOptions options = NodeBench::default_options();
  options.tail_bytes = limits::mib;
  NodeBench bench(options);
  bench.lead();
  const RequestId waits = bench.fetch(0, 1000);
  bench.produce(big_batch(2 * limits::mib));
  bench.persist();
  CHECK_FALSE(bench.answered(waits));
  bench.answer_read({stored(batch_of({"x"}), 0)});
  CHECK(bench.reply(waits).as<FetchReply>().batches.size() == 1);
}

TEST_CASE("node: queries are bounded", "[partition]") {
  NodeBench bench;
  bench.lead(orders, recovered(0, 10, 1));
  for (std::size_t i = 0; i < limits::queries_inflight_max; ++i) bench.ask(Query{"select 1", 0});
  CHECK(bench.reply(bench.ask(Query{"select 1", 0})).error() == Errc::throttled);
}

TEST_CASE("node: a reply holds no more batches than a message may have frames", "[partition]") {
  NodeBench bench;
  bench.lead();
  for (std::size_t i = 0; i < limits::records_frames_max + 10; ++i) {
    bench.produce(batch_of({"a"}), Acks::none);
  }
  bench.persist();
  CHECK(bench.reply(bench.fetch(0)).as<FetchReply>().batches.size() == limits::records_frames_max);
}

}  // namespace pinion::partition::test
