// A whole partition broker: real sockets, threads and SQLite files.
#include "partition/app/partition_server.hpp"

#include "tests/integration/partition/played_broker.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace pinion::test {

namespace {

class Folder {
 public:
  Folder() {
    std::string path = (std::filesystem::temp_directory_path() / "pinion-node-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

PartitionConfig config_of(const PlayedBroker& broker, const Folder& folder) {
  PartitionConfig config;
  config.node_id = NodeId{1};
  config.broker = broker.endpoint();
  config.data_dir = folder.path();
  config.low_space_mib = 8;
  return config;
}

std::unique_ptr<PartitionServer> started(const PartitionConfig& config) {
  auto server = PartitionServer::start(config);
  if (!server) FAIL(server.error().to_string());
  return std::move(*server);
}

}  // namespace

TEST_CASE("partition server: records survive a restart, and are read from the file",
          "[partition]") {
  Folder folder;
  PlayedBroker broker;
  {
    const auto server = started(config_of(broker, folder));
    broker.admit();
    broker.assign({orders});
    broker.await_online(1);
    for (int i = 0; i < 50; ++i) {
      REQUIRE(broker.answer(broker.produce(batch_of({"x", "y"}))).header.error == Errc::ok);
    }
  }
  const auto server = started(config_of(broker, folder));
  broker.admit(2);
  broker.assign({orders}, 2);
  broker.await_online(1);
  const Message produced = broker.answer(broker.produce(batch_of({"z"})));
  REQUIRE(produced.header.error == Errc::ok);
  CHECK(std::get<ProduceReply>(produced.body).base_offset == Offset{100});
  std::int64_t next = 0;
  while (next < 101) {
    const Message fetched = broker.answer(broker.fetch(next));
    const auto& reply = std::get<FetchReply>(fetched.body);
    REQUIRE_FALSE(reply.batches.empty());
    for (const BatchHeader& batch : reply.batches) {
      CHECK(batch.base_offset == Offset{next});
      next = batch.next_offset().raw();
    }
  }
  CHECK(next == 101);
}

TEST_CASE("partition server: SQL runs on the live log", "[partition]") {
  Folder folder;
  PlayedBroker broker;
  const auto server = started(config_of(broker, folder));
  broker.admit();
  broker.assign({orders});
  broker.await_online(1);
  broker.answer(broker.produce(batch_of({"a", "b", "c"})));
  const Message answer = broker.answer(broker.ask(Query{"select count(*) from messages", 0}));
  REQUIRE(answer.header.error == Errc::ok);
  CHECK(std::get<std::int64_t>(std::get<QueryReply>(answer.body).rows.at(0).at(0)) == 3);
  const Message refused = broker.answer(broker.ask(Query{"delete from messages", 0}));
  CHECK(refused.header.error == Errc::sql_refused);
  const Message hidden = broker.answer(broker.ask(Query{"select * from meta", 0}));
  CHECK(hidden.header.error == Errc::sql_refused);
}

TEST_CASE("partition server: it stops within seconds while endless SQL runs and waits",
          "[partition]") {
  Folder folder;
  PlayedBroker broker;
  const auto server = started(config_of(broker, folder));
  broker.admit();
  broker.assign({orders});
  broker.await_online(1);
  broker.answer(broker.produce(batch_of({"a"})));
  std::vector<RequestId> queries;
  for (int i = 0; i < 5; ++i) {
    queries.push_back(broker.ask(Query{
        "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n",
        0}));
  }
  broker.answer(broker.ask(ListOffset{OffsetSpec::latest, {}}));
  const auto begun = std::chrono::steady_clock::now();
  std::thread stopper([&] { server->stop(); });
  for (const RequestId query : queries) {
    CHECK(broker.answer(query).header.error == Errc::shutting_down);
  }
  broker.until([&] { return broker.count(Kind::goodbye) == 1; });
  stopper.join();
  CHECK(std::chrono::steady_clock::now() - begun < 3s);
}

TEST_CASE("partition server: many partitions open in parallel, and are served", "[partition]") {
  Folder folder;
  PlayedBroker broker;
  const auto server = started(config_of(broker, folder));
  broker.admit();
  std::vector<PartitionKey> keys;
  for (int i = 0; i < 150; ++i) keys.push_back({TopicId{7}, PartitionIndex{i}});
  broker.assign(keys);
  broker.await_online(keys.size());
  std::vector<RequestId> requests;
  for (const PartitionKey key : keys) requests.push_back(broker.produce(batch_of({"x"}), key));
  for (const RequestId request : requests) {
    CHECK(broker.answer(request).header.error == Errc::ok);
  }
}

TEST_CASE("partition server: a data folder serves one process at a time", "[partition]") {
  Folder folder;
  PlayedBroker broker;
  const auto server = started(config_of(broker, folder));
  const auto second = PartitionServer::start(config_of(broker, folder));
  REQUIRE_FALSE(second);
  CHECK(second.error().detail.find(folder.path()) != std::string::npos);
}

TEST_CASE("partition server: it stops within seconds when no broker is there", "[partition]") {
  Folder folder;
  PartitionConfig config;
  config.broker = "tcp://127.0.0.1:1";
  config.data_dir = folder.path();
  const auto server = started(config);
  const auto begun = std::chrono::steady_clock::now();
  server->stop();
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
  CHECK_FALSE(server->registered());
}

}  // namespace pinion::test
