// The driver over real sockets and threads, on a disk in memory.
#include "partition/driver/partition_driver.hpp"

#include "common/proto/codec.hpp"
#include "partition/driver/reader_thread.hpp"
#include "tests/integration/partition/gated_store.hpp"
#include "tests/integration/partition/played_broker.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace pinion::test {

namespace {

struct Bench {
  PlayedBroker broker;
  Gates gates;
  std::shared_ptr<MemoryDisk> disk = std::make_shared<MemoryDisk>();
  std::unique_ptr<GatedStore> store = std::make_unique<GatedStore>(disk, gates);
  std::unique_ptr<partition::PartitionDriver> driver;

  Bench() { start(); }
  ~Bench() {
    gates.commits.open();
    gates.queries.open();
  }

  void start() {
    auto context = ZmqContext::create(1);
    REQUIRE(context);
    ZmqLinkConfig link;
    link.endpoint = broker.endpoint();
    link.routing_id = "n1";
    auto transport = ZmqTransport::open(*context, {link});
    REQUIRE(transport);
    auto started = partition::PartitionDriver::start({}, *store, std::move(*transport));
    REQUIRE(started);
    driver = std::move(*started);
  }

  void lead(Micros lost_after = 10s) {
    broker.admit(1, lost_after);
    broker.assign({orders});
    broker.await_online(1);
  }
};

}  // namespace

TEST_CASE("partition driver: a record is produced, durable, and fetched", "[partition]") {
  Bench bench;
  bench.lead();
  const RequestId waits = bench.broker.fetch(0, 10'000);
  const Message produced = bench.broker.answer(bench.broker.produce(batch_of({"a", "b"})));
  REQUIRE(produced.header.error == Errc::ok);
  CHECK(std::get<ProduceReply>(produced.body).base_offset == Offset{0});
  CHECK(bench.disk->fsynced_end(orders) == Offset{2});
  const Message fetched = bench.broker.answer(waits);
  REQUIRE(std::get<FetchReply>(fetched.body).batches.size() == 1);
  CHECK(fetched.records.at(0) == batch_of({"a", "b"}).payload);
  CHECK(bench.driver->registered());
}

TEST_CASE("partition driver: what waits for a file goes into one commit", "[partition]") {
  Bench bench;
  bench.lead();
  bench.gates.commits.close();
  std::vector<RequestId> requests{bench.broker.produce(batch_of({"first"}))};
  bench.gates.commits.await_arrivals(1);
  for (int i = 0; i < 20; ++i) requests.push_back(bench.broker.produce(batch_of({"more"})));
  // An answer that comes after them: by then they are with the store thread.
  bench.broker.answer(bench.broker.ask(ListOffset{OffsetSpec::latest, {}}));
  CHECK_FALSE(bench.broker.answered(requests.front()));
  bench.gates.commits.open();
  for (const RequestId request : requests) {
    CHECK(bench.broker.answer(request).header.error == Errc::ok);
  }
  CHECK(bench.gates.appends_of_commits() == std::vector<std::size_t>{1, 20});
}

TEST_CASE("partition driver: a slow query delays no fetch", "[partition]") {
  Bench bench;
  bench.lead();
  bench.broker.answer(bench.broker.produce(batch_of({"a"})));
  bench.driver->stop();  // A restart, so that the record is not in memory.
  bench.start();
  bench.broker.admit(2);
  bench.broker.assign({orders}, 2);
  bench.broker.await_online(1);
  bench.gates.queries.close();
  const RequestId query = bench.broker.ask(Query{"select 1", 0});
  bench.gates.queries.await_arrivals(1);
  const Message fetched = bench.broker.answer(bench.broker.fetch(0));
  CHECK(std::get<FetchReply>(fetched.body).batches.size() == 1);
  CHECK_FALSE(bench.broker.answered(query));
  bench.gates.queries.open();
  CHECK(bench.broker.answer(query).header.error == Errc::ok);
}

TEST_CASE("partition driver: a stop finishes the commit in flight and closes clean",
          "[partition]") {
  Bench bench;
  bench.lead();
  bench.gates.commits.close();
  const RequestId inflight = bench.broker.produce(batch_of({"a"}));
  bench.gates.commits.await_arrivals(1);
  std::atomic<bool> stopped{false};
  std::thread stopper([&] {
    bench.driver->stop();
    stopped = true;
  });
  // Until the driver has seen that it is to stop, requests are taken on.
  std::vector<RequestId> late;
  bench.broker.until([&] {
    if (!late.empty() && bench.broker.answered(late.back())) return true;
    late.push_back(bench.broker.produce(batch_of({"late"})));
    return false;
  });
  CHECK_FALSE(stopped);
  bench.gates.commits.open();
  CHECK(bench.broker.answer(inflight).header.error == Errc::ok);
  std::int64_t taken_on = 1;
  for (const RequestId request : late) {
    const Errc code = bench.broker.answer(request).header.error;
    CHECK((code == Errc::ok || code == Errc::shutting_down));
    if (code == Errc::ok) ++taken_on;
  }
  CHECK(bench.broker.answer(late.back()).header.error == Errc::shutting_down);
  bench.broker.until([&] { return bench.broker.count(Kind::goodbye) == 1; });
  stopper.join();
  CHECK(bench.disk->fsynced(orders)->clean);
  CHECK(bench.disk->fsynced_end(orders) == Offset{taken_on});
}

TEST_CASE("partition driver: a stop answers queries at once; none of them is begun any more",
          "[partition]") {
  Bench bench;
  bench.lead();
  bench.gates.queries.close();
  std::vector<RequestId> queries;
  for (int i = 0; i < 3; ++i) queries.push_back(bench.broker.ask(Query{"select 1", 0}));
  bench.gates.queries.await_arrivals(1);
  bench.broker.answer(bench.broker.ask(ListOffset{OffsetSpec::latest, {}}));
  std::thread stopper([&] { bench.driver->stop(); });
  for (const RequestId query : queries) {
    CHECK(bench.broker.answer(query).header.error == Errc::shutting_down);
  }
  bench.gates.queries.open();
  bench.broker.until([&] { return bench.broker.count(Kind::goodbye) == 1; });
  stopper.join();
  CHECK(bench.gates.queries_begun == 1);
  CHECK(bench.gates.queries_cancelled == 1);
  CHECK(bench.disk->fsynced(orders)->clean);
}

TEST_CASE("partition driver: a query whose time is over is not begun", "[partition]") {
  Bench bench;
  bench.lead();
  bench.gates.queries.close();
  const RequestId first = bench.broker.ask(Query{"select 1", 0});
  bench.gates.queries.await_arrivals(1);
  Header header;
  header.kind = Kind::query;
  header.topic = orders.topic;
  header.partition = orders.partition;
  header.timeout_ms = 1;
  const RequestId late = bench.broker.ask_raw(header, encode_body(Query{"select 1", 0}));
  // What is answered after it has arrived; and by the time of a second one, it is over.
  bench.broker.answer(bench.broker.ask(ListOffset{OffsetSpec::latest, {}}));
  const auto over = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
  bench.broker.until([&] { return std::chrono::steady_clock::now() >= over; });
  bench.gates.queries.open();
  CHECK(bench.broker.answer(first).header.error == Errc::ok);
  CHECK(bench.broker.answer(late).header.error == Errc::throttled);
  CHECK(bench.gates.queries_begun == 1);
}

TEST_CASE("partition driver: a quiet broker is connected to afresh; the data waits",
          "[partition]") {
  Bench bench;
  bench.lead(2s);
  bench.broker.answer(bench.broker.produce(batch_of({"a"})));
  const std::size_t registrations = bench.broker.count(Kind::register_node);
  bench.broker.silently_until(
      [&] { return bench.broker.count(Kind::register_node) > registrations; });
  bench.broker.admit(2);
  const Message fetched = bench.broker.answer(bench.broker.fetch(0));
  CHECK(std::get<FetchReply>(fetched.body).batches.size() == 1);
  CHECK(bench.broker.answer(bench.broker.produce(batch_of({"b"}))).header.error == Errc::ok);
}

TEST_CASE("partition driver: a disk that fails halts the partition, and says so", "[partition]") {
  Bench bench;
  bench.lead();
  bench.disk->set_sync(MemoryDisk::Sync::failing);
  CHECK(bench.broker.answer(bench.broker.produce(batch_of({"a"}))).header.error ==
        Errc::storage_failed);
  bench.broker.until([&] { return bench.broker.state_of(orders) == PartitionState::halted; });
  CHECK(bench.broker.answer(bench.broker.fetch(0)).header.error == Errc::storage_failed);
}

TEST_CASE("partition driver: a full disk refuses writes and goes on by itself", "[partition]") {
  Bench bench;
  bench.lead();
  bench.disk->set_capacity(10);
  CHECK(bench.broker.answer(bench.broker.produce(batch_of({"a"}))).header.error ==
        Errc::storage_full);
  bench.broker.until([&] { return bench.broker.state_of(orders) == PartitionState::storage_full; });
  bench.disk->set_capacity(MemoryDisk::unlimited);
  Errc last = Errc::storage_full;
  bench.broker.until([&] {
    last = bench.broker.answer(bench.broker.produce(batch_of({"a"}))).header.error;
    return last != Errc::storage_full;
  });
  CHECK(last == Errc::ok);
  bench.broker.until([&] { return bench.broker.state_of(orders) == PartitionState::online; });
  CHECK(bench.disk->fsynced_end(orders) == Offset{1});
}

TEST_CASE("partition driver: what makes no sense is answered or dropped, and counted",
          "[partition]") {
  Bench bench;
  bench.lead();
  Header header;
  header.kind = Kind::produce;
  header.topic = orders.topic;
  const RequestId garbage = bench.broker.ask_raw(header, Bytes("\xc1garbage"));
  CHECK(bench.broker.answer(garbage).header.error == Errc::malformed);
  CHECK(bench.broker.answer(bench.broker.produce(batch_of({"a"}))).header.error == Errc::ok);
  bench.broker.until([&] { return bench.broker.last_heartbeat().load.requests_refused >= 1; });
}

TEST_CASE("partition driver: a tombstone deletes the files", "[partition]") {
  Bench bench;
  bench.lead();
  bench.broker.answer(bench.broker.produce(batch_of({"a"})));
  REQUIRE(bench.disk->files().size() == 1);
  bench.broker.tombstone(orders.topic);
  bench.broker.until([&] { return bench.broker.deleted().size() == 1; });
  CHECK(bench.disk->files().empty());
}

TEST_CASE("partition driver: heartbeats carry the load and what changed", "[partition]") {
  Bench bench;
  bench.lead();
  bench.broker.answer(bench.broker.produce(batch_of({"a"})));
  bool seen = false;
  bench.broker.until([&] {
    for (const PartitionStatus& status : bench.broker.last_heartbeat().partitions) {
      seen = seen || status.high_watermark == Offset{1};
    }
    return seen && bench.broker.last_heartbeat().load.commits > 0;
  });
  CHECK(bench.broker.last_heartbeat().load.memory_bytes > 0);
}

TEST_CASE("partition driver: bytes that were read are bounded until they have left",
          "[partition]") {
  const auto budget = std::make_shared<partition::ReadBudget>(100);
  Bytes first = budget->count(Bytes(std::string(150, 'x')));
  std::atomic<bool> passed{false};
  std::thread reader([&] {
    budget->wait_for_room();
    passed = true;
  });
  Bytes part = first.slice(0, 10);
  first = Bytes();
  CHECK(budget->alive() == 150);  // A part keeps the whole.
  CHECK_FALSE(passed);
  part = Bytes();
  reader.join();
  CHECK(passed);
  CHECK(budget->alive() == 0);
}

}  // namespace pinion::test
