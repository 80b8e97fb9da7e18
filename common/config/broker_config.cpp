#include "common/config/broker_config.hpp"

#include "common/config/config_fault.hpp"
#include "common/config/toml_table.hpp"

namespace pinion {
namespace {

/// Every key of the file, in the order of configs/broker.toml.
void read_keys(TomlTable& table, BrokerConfig& config) {
  table.read("cluster_name", config.cluster_name);
  table.read("data_dir", config.data_dir);
  table.read("client_bind", config.client_bind);
  table.read("cluster_bind", config.cluster_bind);
  table.read("record_bytes_max", config.record_bytes_max);
  table.read("heartbeat_ms", config.heartbeat_ms);
  table.read("node_lost_after_ms", config.node_lost_after_ms);
  table.read("memory_fuse_mib", config.memory_fuse_mib);
  table.read("io_threads", config.io_threads);
  table.read_log(config.log);
}

std::optional<ConfigFault> find_fault(const BrokerConfig& config) {
  ConfigCheck check;
  check.not_empty("cluster_name", config.cluster_name);
  check.text("cluster_name", config.cluster_name, limits::client_name_bytes_max);
  check.not_empty("data_dir", config.data_dir);
  check.text("data_dir", config.data_dir, 4 * limits::kib);
  check.bind_endpoint("client_bind", config.client_bind);
  check.bind_endpoint("cluster_bind", config.cluster_bind);
  check.that(check.fault() || !endpoints_clash(config.client_bind, config.cluster_bind),
             "cluster_bind", "is the same as client_bind; choose another port for one of them",
             "client_bind");
  check.number("record_bytes_max", config.record_bytes_max, limits::kib,
               limits::record_bytes_ceiling);
  check.number("heartbeat_ms", config.heartbeat_ms, 10, 60'000);
  check.number("node_lost_after_ms", config.node_lost_after_ms, 20, 600'000);
  check.that(config.node_lost_after_ms >= 2 * config.heartbeat_ms, "node_lost_after_ms",
             "must be at least twice heartbeat_ms, or one late word loses a node", "heartbeat_ms");
  check.number("memory_fuse_mib", config.memory_fuse_mib, 128, 65'536);
  check.number("io_threads", config.io_threads, 1, 16);
  check.log(config.log);
  return check.fault();
}

Result<BrokerConfig> read_config(TomlTable table) {
  BrokerConfig config;
  read_keys(table, config);
  PINION_CHECK(table.finish());
  if (const auto fault = find_fault(config)) return failure(table.describe(*fault));
  return config;
}

}  // namespace

Result<BrokerConfig> load_broker_config(const std::string& path) {
  PINION_TRY(table, TomlTable::load(path));
  return read_config(std::move(table));
}

Result<BrokerConfig> parse_broker_config(std::string_view text, const std::string& source) {
  PINION_TRY(table, TomlTable::parse(text, source));
  return read_config(std::move(table));
}

std::vector<std::string> broker_config_keys() {
  auto table = TomlTable::parse("", "");
  if (!table) return {};
  BrokerConfig config;
  read_keys(*table, config);
  return table->asked();
}

Result<void> check(const BrokerConfig& config) {
  if (const auto fault = find_fault(config)) {
    return failure(Errc::config_invalid, fault->key + " " + fault->why);
  }
  return {};
}

}  // namespace pinion
