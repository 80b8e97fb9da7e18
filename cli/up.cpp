// pinion up: a leader broker, partition brokers and HTTP gateways in one process, with the very
// classes of the separate programs. Everything of one cluster lies under one data folder.
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"

#include "broker/app/broker_server.hpp"
#include "common/obs/log.hpp"
#include "gateway/app/gateway_server.hpp"
#include "partition/app/partition_server.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace pinion::cli {
namespace {

/// From the start of the processes' threads until every partition serves. A long recovery is said
/// and waited for; nodes that do not register within it are an error.
constexpr Micros registered_within = 30s;
constexpr Micros remark_after = 10s;
constexpr Micros look_every = 20ms;
constexpr Micros ask_why_every = 3s;

struct UpOptions {
  std::string data;
  std::int32_t nodes = 3;
  std::int32_t port = 5550;
  std::vector<std::int32_t> http;
  Restored restored = Restored::no;
};

/// The lock on a data folder: held as long as the process lives, released by the system.
class FolderLock {
 public:
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] Result<void> take(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    const std::string path = folder + "/up.lock";
    descriptor_ = error ? -1 : ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) {
      const std::string why = error ? error.message() : std::strerror(errno);
      return failure(Errc::io_failed, "the data folder " + folder + " cannot be used: " + why +
                                          "; choose another with --data");
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      return failure(Errc::io_failed, "the data folder " + folder +
                                          " is in use by another pinion up; stop that one, or "
                                          "choose another folder with --data");
    }
    return {};
  }

 private:
  int descriptor_ = -1;
};

std::string node_folder(const std::string& data, std::int32_t number) {
  return data + "/node-" + std::to_string(number);
}

/// Nodes that held data before are started again, however many are asked for: their partitions
/// are nowhere else.
std::int32_t nodes_to_start(const UpOptions& options) {
  std::int32_t nodes = options.nodes;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options.data, error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("node-", 0) != 0) continue;
    const int number = std::atoi(name.c_str() + 5);
    if (number > nodes && name == "node-" + std::to_string(number)) nodes = number;
  }
  return std::min(nodes, static_cast<std::int32_t>(limits::nodes_max));
}

/// The broker and its nodes; stopped in the order in which nobody waits for anybody.
struct Cluster {
  std::unique_ptr<BrokerServer> broker;
  std::vector<std::unique_ptr<PartitionServer>> nodes;
  std::unique_ptr<gateway::GatewayServer> gateway;

  ~Cluster() { stop(); }
  void stop() {
    if (gateway) gateway->stop();
    for (const auto& node : nodes) node->stop();
    if (broker) broker->stop();
  }
};

/// Everybody here looks at the memory of the whole process, so the limits are that of all together.
/// The nodes' is the lower one: they reset the port where other nodes read, which only those
/// notice, before the leader broker cuts off its clients. What a node takes under load is about 110
/// MiB.
constexpr std::uint32_t fuse_mib_for_node = 128;
constexpr std::uint32_t fuse_mib_between = 256;

[[nodiscard]] Result<void> start(const UpOptions& options, std::int32_t nodes, Cluster& cluster) {
  BrokerConfig broker;
  broker.data_dir = options.data + "/broker";
  broker.client_bind = "tcp://127.0.0.1:" + std::to_string(options.port);
  broker.cluster_bind = "tcp://127.0.0.1:*";
  const std::uint32_t node_fuse_mib =
      broker.memory_fuse_mib + static_cast<std::uint32_t>(nodes) * fuse_mib_for_node;
  broker.memory_fuse_mib = node_fuse_mib + fuse_mib_between;
  PINION_TRY(server, BrokerServer::start(broker, options.restored));
  cluster.broker = std::move(server);
  for (std::int32_t number = 1; number <= nodes; ++number) {
    PartitionConfig config;
    config.node_id = NodeId(number);
    config.broker = cluster.broker->cluster_endpoint();
    config.data_dir = node_folder(options.data, number);
    config.memory_fuse_mib = node_fuse_mib;
    PINION_TRY(node, PartitionServer::start(config, options.restored));
    cluster.nodes.push_back(std::move(node));
  }
  return {};
}

/// Why the leader broker lets a node not in, in its words; empty: it has refused none.
[[nodiscard]] Result<std::string> first_refusal(Client& client) {
  PINION_TRY(status, client.admin().cluster_status(answer_timeout));
  for (const NodeStatus& node : status.nodes) {
    if (!node.detail.empty()) return node.detail;
  }
  return std::string();
}

[[nodiscard]] Result<void> wait_until_registered(const Cluster& cluster, Client& client) {
  const Micros until = monotonic_now() + registered_within;
  Micros ask_at = monotonic_now() + ask_why_every;
  for (const auto& node : cluster.nodes) {
    while (!node->registered()) {
      if (sleep_unless_interrupted(look_every)) return {};
      if (monotonic_now() > until) {
        return failure(Errc::timed_out,
                       "the partition brokers did not register; see the log in the data folder");
      }
      if (monotonic_now() < ask_at) continue;
      ask_at = monotonic_now() + ask_why_every;
      PINION_TRY(why, first_refusal(client));
      if (why.empty()) continue;
      return failure(Errc::invalid_argument, why);
    }
  }
  return {};
}

/// Partitions that are still being opened, as the leader broker knows.
[[nodiscard]] Result<std::size_t> count_not_serving(Client& client) {
  PINION_TRY(topics, client.admin().list_topics(answer_timeout));
  std::size_t count = 0;
  for (const TopicMetadata& topic : topics) {
    count += static_cast<std::size_t>(
        std::count_if(topic.partitions.begin(), topic.partitions.end(), [](const auto& p) {
          return p.state == PartitionState::opening || p.state == PartitionState::offline;
        }));
  }
  return count;
}

[[nodiscard]] Result<void> wait_until_serving(const Cluster& cluster) {
  ClientOptions options;
  options.broker = cluster.broker->client_endpoint();
  options.name = "pinion up";
  PINION_TRY(client, Client::connect(options));
  PINION_CHECK(wait_until_registered(cluster, *client));
  if (interrupted()) return {};
  const Micros start = monotonic_now();
  bool said = false;
  while (!interrupted()) {
    PINION_TRY(missing, count_not_serving(*client));
    if (missing == 0) return {};
    if (!said && monotonic_now() - start > remark_after) {
      remark("still waiting for " + std::to_string(missing) + " partitions to open");
      said = true;
    }
    sleep_unless_interrupted(look_every);
  }
  return {};
}

/// One gateway, on all the ports that were asked for.
[[nodiscard]] Result<void> start_gateway(const UpOptions& options, Cluster& cluster) {
  if (options.http.empty()) return {};
  GatewayConfig config;
  config.broker = cluster.broker->client_endpoint();
  config.binds.clear();
  for (const std::int32_t port : options.http) {
    config.binds.push_back("127.0.0.1:" + std::to_string(port));
  }
  PINION_TRY(server, gateway::GatewayServer::start(config));
  cluster.gateway = std::move(server);
  return {};
}

int serve(const UpOptions& options, Cluster& cluster) {
  const Result<void> serving = wait_until_serving(cluster);
  if (!serving) return complain(serving.error().detail);
  if (interrupted()) return 0;
  const Result<void> gateway = start_gateway(options, cluster);
  if (!gateway) return complain(gateway.error().detail);
  Output out;
  if (cluster.gateway) {
    for (const std::string& address : cluster.gateway->addresses()) out.line("http " + address);
  }
  out.line("ready " + cluster.broker->client_endpoint());
  if (!out.flush()) return out.exit_status();
  if (is_terminal(1)) remark("data in " + options.data + "; Ctrl-C ends it");
  while (!sleep_unless_interrupted(1h)) {
  }
  return 0;
}

/// A port that is asked for twice would be found in use, by ourselves.
const std::int32_t* twice(const std::vector<std::int32_t>& ports) {
  for (auto port = ports.begin(); port != ports.end(); ++port) {
    if (std::find(ports.begin(), port, *port) != port) return &*port;
  }
  return nullptr;
}

int up(const UpOptions& options) {
  if (const std::int32_t* port = twice(options.http)) {
    complain("--http names port " + std::to_string(*port) + " twice; once is enough");
    return 2;
  }
  FolderLock lock;
  const Result<void> locked = lock.take(options.data);
  if (!locked) return complain(locked.error().detail);
  const std::int32_t nodes = nodes_to_start(options);
  if (nodes > options.nodes) {
    remark("starting " + std::to_string(nodes) + " nodes: so many have data in " + options.data);
  }
  LogConfig log;
  log.file = options.data + "/pinion.log";
  const Result<void> logging = start_log(log);
  if (!logging) return complain(logging.error().detail);
  int status = 1;
  {
    Cluster cluster;
    const Result<void> started = start(options, nodes, cluster);
    status = started ? serve(options, cluster) : complain(started.error().detail);
  }
  stop_log();
  return status;
}

}  // namespace

void add_up(CLI::App& app, Commands& commands) {
  CLI::App* command = app.add_subcommand(
      "up",
      "Run a leader broker and partition brokers in this process, and with --http a gateway,\n"
      "until Ctrl-C or SIGTERM.\n"
      "Prints 'ready tcp://127.0.0.1:PORT' when every node has registered and every known\n"
      "partition serves. The log is in DIR/pinion.log.");
  const auto options = std::make_shared<UpOptions>();
  command->add_option("--data", options->data, "Where everything is kept; made when missing")
      ->required()
      ->type_name("DIR");
  command->add_option("--nodes", options->nodes, "Partition brokers (3)")
      ->check(CLI::Range(1, static_cast<int>(limits::nodes_max)))
      ->type_name("N");
  command->add_option("--port", options->port, "Clients connect to this port of 127.0.0.1 (5550)")
      ->check(CLI::Range(1, 65'535))
      ->type_name("PORT");
  command->add_option("--http", options->http, "Serve HTTP on this port of 127.0.0.1; repeatable")
      ->check(CLI::Range(1, 65'535))
      ->take_all()
      ->allow_extra_args(false)
      ->type_name("PORT");
  command->add_flag_callback(
      "--restored", [options] { options->restored = Restored::yes; },
      "Once, when DIR was put back from a backup: go on from there, although something newer was\n"
      "seen");
  add_broker_option(*command, commands);
  command->callback([options, &commands] { commands.run = [options] { return up(*options); }; });
}

}  // namespace pinion::cli
