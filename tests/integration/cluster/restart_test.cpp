#include "tests/support/log_checker.hpp"
#include "tests/support/server_cluster.hpp"

#include <atomic>
#include <thread>

using namespace pinion;
using namespace pinion::test;

namespace {

constexpr Micros soon = 60s;

/// One producer that sends until it is told to stop.
class Sending {
 public:
  Sending(Client& client, LogChecker& log) : log_(log) {
    ProducerOptions options;
    options.delivery_timeout = soon;
    auto producer = client.producer(options);
    if (!producer) FAIL(producer.error().to_string());
    producer_ = std::move(*producer);
    thread_ = std::thread([this] { send(); });
  }
  ~Sending() { finish(); }

  [[nodiscard]] bool wait_for_more(std::uint64_t records) const {
    const std::uint64_t wanted = acknowledged_ + records;
    return eventually(soon, [&] { return acknowledged_ >= wanted; });
  }
  bool finish() {
    sending_ = false;
    if (thread_.joinable()) thread_.join();
    return static_cast<bool>(producer_->close(soon));
  }

 private:
  void send() {
    for (int i = 0; sending_; ++i) {
      const std::string value = "v" + std::to_string(i);
      ProducerRecord record;
      record.value = value;
      record.partition = PartitionIndex(i % 2);
      log_.on_send("s", value);
      const auto sent = producer_->send("t", record, [this, value](const DeliveryReport& report) {
        if (report.outcome != Outcome::acknowledged) return log_.on_info(value);
        log_.on_ok(value, {report.partition.raw(), report.offset.raw()});
        ++acknowledged_;
      });
      if (!sent) log_.on_fail(value);
      std::this_thread::sleep_for(200us);
    }
  }

  LogChecker& log_;
  std::unique_ptr<Producer> producer_;
  std::atomic<bool> sending_{true};
  std::atomic<std::uint64_t> acknowledged_{0};
  std::thread thread_;
};

void check_all_read(Client& client, LogChecker& log) {
  ConsumerOptions options;
  options.topics = {"t"};
  auto consumer = client.consumer(options);
  REQUIRE(consumer);
  const bool complete = eventually(soon, [&] {
    auto records = (*consumer)->poll(10'000, 100ms);
    REQUIRE(records);
    for (const ConsumerRecord& record : *records) {
      log.on_read("final", {record.partition.raw(), record.offset.raw()},
                  std::string(record.value));
    }
    return log.unseen() == 0;
  });
  CHECK(complete);
  const auto anomalies = log.anomalies();
  for (const std::string& anomaly : anomalies) UNSCOPED_INFO(anomaly);
  CHECK(anomalies.empty());
  CHECK(log.counts().info == 0);
  CHECK(log.counts().fail == 0);
}

}  // namespace

TEST_CASE("restart: a client survives restarts of the broker and of nodes without loss or repeat",
          "[integration][cluster]") {
  ServerCluster cluster(2);
  const auto client = cluster.client();
  TopicConfig config;
  config.partitions = 2;
  REQUIRE(client->admin().create_topic("t", config, soon));
  LogChecker log;
  Sending sending(*client, log);
  REQUIRE(sending.wait_for_more(200));
  for (int round = 0; round < 2; ++round) {
    cluster.stop_broker();
    cluster.start_broker();
    REQUIRE(sending.wait_for_more(200));
    for (const int node : {1, 2}) {
      cluster.stop_node(node);
      cluster.start_node(node);
      REQUIRE(sending.wait_for_more(200));
    }
  }
  CHECK(sending.finish());
  check_all_read(*client, log);
}

TEST_CASE("restart: a consumer goes on reading where it was", "[integration][cluster]") {
  ServerCluster cluster(1);
  const auto client = cluster.client();
  REQUIRE(client->admin().create_topic("t", {}, soon));
  auto producer = client->producer({});
  REQUIRE(producer);
  ConsumerOptions options;
  options.topics = {"t"};
  auto consumer = client->consumer(options);
  REQUIRE(consumer);
  std::int64_t next = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) {
      ProducerRecord record;
      record.value = "x";
      REQUIRE((*producer)->send("t", record));
    }
    REQUIRE((*producer)->flush(soon));
    CHECK(eventually(soon, [&] {
      auto records = (*consumer)->poll(100, 100ms);
      REQUIRE(records);
      for (const ConsumerRecord& record : *records) CHECK(record.offset.raw() == next++);
      return next == (round + 1) * 10;
    }));
    cluster.stop_node(1);
    cluster.stop_broker();
    cluster.start_broker();
    cluster.start_node(1);
    REQUIRE(cluster.wait_until_registered());
  }
}
