// The assembled leader broker with its sockets, its threads and its file.
#include "tests/integration/broker/played_peers.hpp"

#include "common/sqlite/database.hpp"

using namespace pinion;
using namespace pinion::test;

TEST_CASE("broker server: a topic is made and requests go through", "[integration][broker]") {
  PlayedCluster cluster;
  const PlayedNode node(cluster.config.cluster_bind);
  const auto client = cluster.client("c-one");
  const TopicId topic = cluster.topic(*client, "orders");
  for (int i = 0; i < 100; ++i) REQUIRE(is_served(*client, topic));
  CHECK(node.answered() == 100);
  const auto status = client->ask<ClusterStatusReply>(ClusterStatusRequest{});
  CHECK(status.broker.clients == 1);
  CHECK(status.broker.messages_routed == 200);
  CHECK(status.broker.memory_bytes > 0);
  CHECK_FALSE(status.broker.version.empty());
}

TEST_CASE("broker server: a restart loses nothing and everybody finds back",
          "[integration][broker]") {
  PlayedCluster cluster;
  const PlayedNode node(cluster.config.cluster_bind);
  const auto client = cluster.client("c-one");
  const TopicId topic = cluster.topic(*client, "orders");
  const auto registered = client->ask<RegisterConsumerReply>(RegisterConsumer{"orders", "me"});
  const auto ids = client->ask<AllocateProducerIdsReply>(AllocateProducerIds{3});

  cluster.start();
  // The old connection's client is not known any more, is told so, and says hello.
  // What it sends before it knows may go down with the connection.
  REQUIRE(eventually(patience_of_peers, [&] {
    client->send(Ping{}, Kind::ping);
    return client->hears(Kind::say_hello, 200ms);
  }));
  client->hello();
  REQUIRE(eventually(patience_of_peers, [&] {
    const auto metadata = client->ask<MetadataReply>(MetadataRequest{{"orders"}});
    return metadata.topics.at(0).partitions.at(0).state == PartitionState::online;
  }));
  const auto metadata = client->ask<MetadataReply>(MetadataRequest{});
  CHECK(metadata.controller_epoch == ControllerEpoch{2});
  CHECK(metadata.topics.at(0).partitions.at(0).leader_epoch == Epoch{1});
  CHECK(is_served(*client, topic));
  CHECK(client->ask<RegisterConsumerReply>(RegisterConsumer{"orders", "me"}).id == registered.id);
  CHECK(client->ask<AllocateProducerIdsReply>(AllocateProducerIds{1}).first > ids.first + 2);
}

TEST_CASE("broker server: clients are told when a node goes and comes", "[integration][broker]") {
  PlayedCluster cluster;
  auto node = std::make_unique<PlayedNode>(cluster.config.cluster_bind);
  const auto client = cluster.client("c-one");
  const TopicId topic = cluster.topic(*client, "orders");
  const auto await_state = [&](PartitionState state) {
    while (true) {
      const Message message = client->await(Kind::metadata_changed);
      const auto& change = std::get<MetadataChanged>(message.body);
      if (change.topics.empty()) continue;
      if (change.topics[0].partitions.at(0).state == state) return change.topics[0];
    }
  };
  node.reset();  // Without a goodbye.
  const TopicMetadata offline = await_state(PartitionState::offline);
  CHECK(offline.partitions[0].detail.find("node 1 is lost") != std::string::npos);
  Fetch fetch;
  client->send(fetch, Kind::fetch, [&](Header& header) { header.topic = topic; });
  CHECK(client->await(Kind::fetch_reply).header.error == Errc::partition_offline);

  node = std::make_unique<PlayedNode>(cluster.config.cluster_bind);
  await_state(PartitionState::online);
  CHECK(is_served(*client, topic));
}

TEST_CASE("broker server: stops within seconds and says goodbye", "[integration][broker]") {
  PlayedCluster cluster;
  const PlayedNode node(cluster.config.cluster_bind);
  const auto client = cluster.client("c-one");
  const auto begin = std::chrono::steady_clock::now();
  cluster.server->stop();
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK(client->await(Kind::goodbye).header.kind == Kind::goodbye);
  cluster.server->stop();  // Harmless.
  // The file is in its smallest form.
  CHECK(eventually(1s,
                   [&] { return read_file(cluster.config.data_dir + "/broker.db-wal").empty(); }));
}

TEST_CASE("broker server: an address in use is said, and begins no term", "[integration][broker]") {
  PlayedCluster cluster;
  BrokerConfig second = cluster.config;
  second.data_dir = cluster.folder / "second";
  const auto started = BrokerServer::start(second);
  REQUIRE_FALSE(started);
  CHECK(started.error().code == Errc::io_failed);
  auto file = sqlite::Database::open(second.data_dir + "/broker.db",
                                     {.mode = sqlite::OpenMode::read_only, .vfs = {}});
  REQUIRE(file);
  CHECK(*file->query_int("SELECT count(*) FROM meta WHERE name = 'controller_epoch'") == 0);
}

TEST_CASE("broker server: registrations by the thousand take seconds, not minutes",
          "[integration][broker]") {
  PlayedCluster cluster;
  const PlayedNode node(cluster.config.cluster_bind);
  const auto client = cluster.client("c-one");
  static_cast<void>(cluster.topic(*client, "orders"));
  constexpr int count = 2'000;
  constexpr int window = 200;  // Of answers, no more than the connection keeps for a slow reader.
  const auto ask = [&] { client->send(RegisterConsumer{"orders", {}}, Kind::register_consumer); };
  for (int i = 0; i < window; ++i) ask();
  std::int64_t highest = 0;
  for (int i = 0; i < count; ++i) {
    if (i + window < count) ask();
    const Message message = client->await(Kind::register_consumer_reply);
    REQUIRE(message.header.error == Errc::ok);
    highest = std::max(highest, std::get<RegisterConsumerReply>(message.body).id.raw());
  }
  CHECK(highest == count);
}
