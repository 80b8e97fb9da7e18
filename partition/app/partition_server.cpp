#include "partition/app/partition_server.hpp"

#include <sys/resource.h>

#include "common/obs/log.hpp"
#include "common/sqlite/database.hpp"
#include "common/zmq/zmq_transport.hpp"
#include "partition/driver/partition_driver.hpp"
#include "partition/storage/sqlite_record_store.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

namespace pinion {

namespace {

/// A partition file in use has up to six: the file, its write-ahead log and its shared memory, for
/// the writer and for a reader. Sockets, queries and node.db take their share.
constexpr std::uint64_t descriptors_per_file = 6;
constexpr std::uint64_t descriptors_besides = 256;
constexpr std::uint64_t open_files_wanted = 400;
constexpr std::uint64_t open_files_needed = 64;
constexpr std::uint64_t nodes_in_one_process = 4;  ///< `pinion up` runs several.

/// How many partition files may be open at once. Closed ones are opened again when they are used.
Result<std::size_t> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::size_t{open_files_needed};
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = raised.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  const std::uint64_t needed = descriptors_besides + open_files_needed * descriptors_per_file;
  if (limit.rlim_cur < needed) {
    return failure(Errc::io_failed, "a partition broker needs " + std::to_string(needed) +
                                        " file descriptors and may have " +
                                        std::to_string(limit.rlim_cur) +
                                        "; raise the limit (ulimit -Hn, LimitNOFILE=)");
  }
  const std::uint64_t files = (limit.rlim_cur - descriptors_besides) / descriptors_per_file;
  return static_cast<std::size_t>(
      std::clamp(files / nodes_in_one_process, open_files_needed, open_files_wanted));
}

storage::SqliteRecordStoreOptions store_options(const PartitionConfig& config,
                                                std::size_t open_files_max) {
  storage::SqliteRecordStoreOptions options;
  options.data_dir = config.data_dir;
  options.low_space_bytes = std::uint64_t{config.low_space_mib} * limits::mib;
  options.wal_bytes_max = std::uint64_t{config.wal_mib_max} * limits::mib;
  options.idle_close = std::chrono::seconds(config.file_idle_close_s);
  options.open_files_max = open_files_max;
  return options;
}

partition::PartitionDriverOptions driver_options(const PartitionConfig& config) {
  partition::PartitionDriverOptions options;
  options.node.id = config.node_id;
  options.node.address = config.advertised_address;
  options.node.rack = config.rack;
  options.node.region = config.region;
  options.node.topics = config.topics;
  options.node.server_version = PINION_VERSION;
  options.node.low_space_bytes = std::uint64_t{config.low_space_mib} * limits::mib;
  options.node.retention_ms_default = std::int64_t{config.retention_hours_default} * 3'600'000;
  options.node.retention_bytes_default =
      std::int64_t{config.retention_mib_default} * static_cast<std::int64_t>(limits::mib);
  options.store_threads = config.store_threads;
  options.reader_threads = config.reader_threads;
  options.memory_fuse_bytes = std::uint64_t{config.memory_fuse_mib} * limits::mib;
  return options;
}

/// Another process that was given this node's id by mistake is refused; it must not take over the
/// connection as well. So the name is of this process alone.
Result<std::unique_ptr<ZmqTransport>> open_links(const PartitionConfig& config) {
  PINION_TRY(context, ZmqContext::create(config.io_threads));
  ZmqLinkConfig link;
  link.role = ZmqRole::dealer_connect;
  link.endpoint = config.broker;
  std::random_device random;
  link.routing_id = "n" + std::to_string(config.node_id.raw()) + "." + std::to_string(random()) +
                    "." + std::to_string(random());
  ZmqLinkConfig data;
  data.role = ZmqRole::router_bind;
  data.endpoint = config.data_bind;
  return ZmqTransport::open(std::move(context), {std::move(link), std::move(data)});
}

}  // namespace

struct PartitionServer::Inside {
  NodeId node;
  std::unique_ptr<storage::SqliteRecordStore> store;  ///< Outlives the driver.
  std::unique_ptr<partition::PartitionDriver> driver;
};

PartitionServer::PartitionServer(std::unique_ptr<Inside> inside) noexcept
    : inside_(std::move(inside)) {}

PartitionServer::~PartitionServer() { stop(); }

Result<std::unique_ptr<PartitionServer>> PartitionServer::start(const PartitionConfig& config,
                                                                Restored restored) {
  PINION_CHECK(check(config));
  PINION_TRY(open_files_max, raise_descriptor_limit());
  auto inside = std::make_unique<Inside>();
  inside->node = config.node_id;
  PINION_TRY(store, storage::SqliteRecordStore::open(store_options(config, open_files_max)));
  inside->store = std::move(store);
  PINION_TRY(links, open_links(config));
  auto options = driver_options(config);
  options.restored = restored;
  if (options.node.address.empty()) options.node.address = links->bound_endpoint(Link{1});
  options.open_files = [files = inside->store.get()] { return files->open_files(); };
  log_info("partition broker starts", {{"version", PINION_VERSION},
                                       {"sqlite", sqlite::library_version()},
                                       {"node", config.node_id},
                                       {"data", config.data_dir},
                                       {"broker", config.broker},
                                       {"data_socket", options.node.address},
                                       {"open_files_max", open_files_max}});
  PINION_TRY(driver, partition::PartitionDriver::start(std::move(options), *inside->store,
                                                       std::move(links)));
  inside->driver = std::move(driver);
  return std::unique_ptr<PartitionServer>(new PartitionServer(std::move(inside)));
}

void PartitionServer::stop() {
  if (!inside_->driver) return;
  inside_->driver->stop();
  inside_->driver.reset();
  inside_->store.reset();
  log_info("partition broker ends", {{"node", inside_->node}});
}

bool PartitionServer::registered() const noexcept {
  return inside_->driver && inside_->driver->registered();
}

}  // namespace pinion
