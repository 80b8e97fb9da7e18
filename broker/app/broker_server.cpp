#include "broker/app/broker_server.hpp"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include <sys/resource.h>

#include "broker/driver/broker_driver.hpp"
#include "broker/storage/sqlite_meta_store.hpp"
#include "common/obs/log.hpp"
#include "common/sqlite/database.hpp"
#include "common/zmq/zmq_transport.hpp"

namespace pinion {

namespace {

/// Requests to one node wait in its socket's queue; credit bounds their bytes.
constexpr int node_send_queue_messages = 16'384;

[[nodiscard]] std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

[[nodiscard]] BrokerOptions broker_options(const BrokerConfig& config) {
  BrokerOptions options;
  options.controller.heartbeat_every = Micros(std::int64_t{config.heartbeat_ms} * 1'000);
  options.controller.node_lost_after = Micros(std::int64_t{config.node_lost_after_ms} * 1'000);
  options.controller.record_bytes_max = config.record_bytes_max;
  options.version = PINION_VERSION;
  options.sqlite_version = sqlite::library_version();
  options.cluster_name = config.cluster_name;
  options.seed = random_seed();
  // Some clients that do not read are to stay under the fuse.
  UnreadLimits& unread = options.router.unread;
  unread.bytes = std::min(unread.bytes, std::uint64_t{config.memory_fuse_mib} * limits::mib / 4);
  unread.asking = std::min(unread.asking, unread.bytes / 4 * 3);
  return options;
}

/// Each client takes a descriptor; the soft limit is often as low as 1,024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log_warn("the descriptor limit cannot be raised");
}

[[nodiscard]] Result<std::unique_ptr<ZmqTransport>> open_sockets(const BrokerConfig& config) {
  PINION_TRY(context, ZmqContext::create(config.io_threads));
  ZmqLinkConfig clients;
  clients.role = ZmqRole::router_bind;
  clients.endpoint = config.client_bind;
  ZmqLinkConfig nodes = clients;
  nodes.endpoint = config.cluster_bind;
  nodes.send_queue_messages = node_send_queue_messages;
  return ZmqTransport::open(std::move(context), {std::move(clients), std::move(nodes)});
}

}  // namespace

struct BrokerServer::Inside {
  std::unique_ptr<SqliteMetaStore> store;
  std::unique_ptr<ZmqTransport> transport;
  std::unique_ptr<BrokerDriver> driver;
  std::string client_endpoint;
  std::string cluster_endpoint;
  std::thread thread;
};

BrokerServer::BrokerServer(std::unique_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}

BrokerServer::~BrokerServer() { stop(); }

Result<std::unique_ptr<BrokerServer>> BrokerServer::start(const BrokerConfig& config,
                                                          Restored restored) {
  PINION_CHECK(check(config));
  raise_descriptor_limit();
  auto inside = std::make_unique<Inside>();
  PINION_TRY(store, SqliteMetaStore::open({.data_dir = config.data_dir, .vfs = {}}));
  inside->store = std::move(store);
  // The sockets come first: who finds the address in use must not begin a term.
  PINION_TRY(transport, open_sockets(config));
  inside->transport = std::move(transport);
  inside->client_endpoint = inside->transport->bound_endpoint(BrokerDriver::client_link);
  inside->cluster_endpoint = inside->transport->bound_endpoint(BrokerDriver::cluster_link);
  PINION_TRY(state, inside->store->begin_term(restored));

  log_info("leader broker starts", {{"version", PINION_VERSION},
                                    {"sqlite", sqlite::library_version()},
                                    {"cluster", state.cluster_id},
                                    {"controller_epoch", state.controller_epoch},
                                    {"clients", inside->client_endpoint},
                                    {"nodes", inside->cluster_endpoint},
                                    {"topics", state.topics.size()}});
  BrokerDriverOptions options;
  options.memory_fuse_bytes = std::uint64_t{config.memory_fuse_mib} * limits::mib;
  inside->driver = std::make_unique<BrokerDriver>(broker_options(config), std::move(state),
                                                  *inside->transport, *inside->store, options);
  // The transport was opened here and belongs to that thread from now on; starting a thread is the
  // fence that this needs.
  Inside& running = *inside;
  inside->thread = std::thread([&running] { running.driver->run(); });
  return std::unique_ptr<BrokerServer>(new BrokerServer(std::move(inside)));
}

std::string BrokerServer::client_endpoint() const { return inside_->client_endpoint; }

std::string BrokerServer::cluster_endpoint() const { return inside_->cluster_endpoint; }

void BrokerServer::stop() {
  if (!inside_->thread.joinable()) return;
  inside_->driver->stop();
  inside_->thread.join();
  inside_->driver.reset();
  inside_->transport.reset();
  if (auto closed = inside_->store->close(); !closed) {
    log_error("broker.db was not closed cleanly", {{"error", closed.error().to_string()}});
  }
  inside_->store.reset();
  log_info("leader broker ends");
}

}  // namespace pinion
