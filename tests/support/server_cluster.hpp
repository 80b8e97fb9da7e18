// A whole cluster in the test's own process: the real servers with real sockets and files, in a
// temporary folder. For integration tests, which also run under the sanitizers.
#pragma once

#include "broker/app/broker_server.hpp"
#include "client/api/client.hpp"
#include "partition/app/partition_server.hpp"
#include "tests/support/test_process.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

namespace pinion::test {

class ServerCluster {
 public:
  explicit ServerCluster(int nodes = 2) : nodes_(static_cast<std::size_t>(nodes)) {
    broker_config_.data_dir = folder_ / "broker";
    broker_config_.client_bind = "tcp://127.0.0.1:" + std::to_string(free_port());
    broker_config_.cluster_bind = "tcp://127.0.0.1:" + std::to_string(free_port());
    start_broker();
    for (int number = 1; number <= nodes; ++number) start_node(number);
    REQUIRE(wait_until_registered());
  }
  ~ServerCluster() {
    for (auto& node : nodes_) node.reset();
    broker_.reset();
  }

  void start_broker() {
    broker_.reset();
    auto broker = BrokerServer::start(broker_config_);
    if (!broker) FAIL(broker.error().to_string());
    broker_ = std::move(*broker);
  }
  void stop_broker() { broker_.reset(); }
  void start_node(int number) {
    auto& node = nodes_.at(static_cast<std::size_t>(number - 1));
    node.reset();
    PartitionConfig config;
    config.node_id = NodeId(number);
    config.broker = broker_config_.cluster_bind;
    config.data_dir = node_folder(number);
    auto started = PartitionServer::start(config);
    if (!started) FAIL(started.error().to_string());
    node = std::move(*started);
  }
  void stop_node(int number) { nodes_.at(static_cast<std::size_t>(number - 1)).reset(); }

  [[nodiscard]] bool wait_until_registered() {
    return eventually(60s, [this] {
      for (const auto& node : nodes_) {
        if (node && !node->registered()) return false;
      }
      return true;
    });
  }

  [[nodiscard]] std::unique_ptr<Client> client() {
    ClientOptions options;
    options.broker = address();
    options.name = "test";
    options.connect_timeout = 30s;
    auto client = Client::connect(options);
    if (!client) FAIL(client.error().to_string());
    return std::move(*client);
  }

  [[nodiscard]] std::string node_folder(int number) const {
    return folder_ / ("node-" + std::to_string(number));
  }
  [[nodiscard]] const std::string& address() const { return broker_config_.client_bind; }
  [[nodiscard]] int port() const { return std::stoi(address().substr(address().rfind(':') + 1)); }

 private:
  TemporaryFolder folder_;
  BrokerConfig broker_config_;
  std::unique_ptr<BrokerServer> broker_;
  std::vector<std::unique_ptr<PartitionServer>> nodes_;
};

}  // namespace pinion::test
