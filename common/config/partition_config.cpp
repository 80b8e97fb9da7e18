#include "common/config/partition_config.hpp"

#include "common/config/config_fault.hpp"
#include "common/config/toml_table.hpp"

#include <algorithm>

namespace pinion {
namespace {

/// Every key of the file, in the order of configs/partition-1.toml.
void read_keys(TomlTable& table, PartitionConfig& config) {
  std::int32_t node_id = config.node_id.raw();
  table.read("node_id", node_id);
  config.node_id = NodeId(node_id);
  table.read("broker", config.broker);
  table.read("data_dir", config.data_dir);
  table.read("data_bind", config.data_bind);
  table.read("advertised_address", config.advertised_address);
  table.read("rack", config.rack);
  table.read("region", config.region);
  table.read("topics", config.topics);
  table.read("store_threads", config.store_threads);
  table.read("reader_threads", config.reader_threads);
  table.read("io_threads", config.io_threads);
  table.read("memory_fuse_mib", config.memory_fuse_mib);
  table.read("low_space_mib", config.low_space_mib);
  table.read("wal_mib_max", config.wal_mib_max);
  table.read("file_idle_close_s", config.file_idle_close_s);
  table.read("retention_hours_default", config.retention_hours_default);
  table.read("retention_mib_default", config.retention_mib_default);
  table.read_log(config.log);
}

bool is_pattern(const std::string& pattern) {
  const auto legal = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '*';
  };
  return !pattern.empty() && pattern.size() <= limits::topic_name_bytes_max &&
         std::all_of(pattern.begin(), pattern.end(), legal);
}

std::optional<ConfigFault> find_fault(const PartitionConfig& config) {
  constexpr std::uint64_t wal_mib_least = 2 * limits::checkpoint_record_bytes / limits::mib;
  constexpr std::uint64_t space_mib_least = 2 * limits::reserve_file_bytes / limits::mib;
  ConfigCheck check;
  check.that(config.node_id >= NodeId(1), "node_id", "must be at least 1");
  check.connect_endpoint("broker", config.broker);
  check.not_empty("data_dir", config.data_dir);
  check.text("data_dir", config.data_dir, 4 * limits::kib);
  check.bind_endpoint("data_bind", config.data_bind);
  check.that(!names_every_interface(config.data_bind) || !config.advertised_address.empty(),
             "data_bind",
             "names all addresses; then advertised_address must say where others reach this node");
  if (!config.advertised_address.empty()) {
    check.connect_endpoint("advertised_address", config.advertised_address);
    check.that(!names_every_interface(config.advertised_address), "advertised_address",
               "is an address of every interface; it must be one that others can connect to");
  }
  check.text("rack", config.rack, limits::client_name_bytes_max);
  check.text("region", config.region, limits::client_name_bytes_max);
  check.that(config.topics.size() <= limits::topics_max, "topics", "has too many patterns");
  for (const std::string& pattern : config.topics) {
    check.that(is_pattern(pattern), "topics",
               "holds a pattern that no topic's name can match: use A-Z a-z 0-9 . _ - and *");
  }
  check.number("store_threads", config.store_threads, 1, 64);
  check.number("reader_threads", config.reader_threads, 1, 64);
  check.number("io_threads", config.io_threads, 1, 16);
  check.number("memory_fuse_mib", config.memory_fuse_mib, 128, 65'536);
  check.number("low_space_mib", config.low_space_mib, space_mib_least, 16'777'216);
  if (config.wal_mib_max != 0) {
    check.number("wal_mib_max", config.wal_mib_max, wal_mib_least, 16'777'216);
  }
  check.number("file_idle_close_s", config.file_idle_close_s, 1, 86'400);
  check.number("retention_hours_default", config.retention_hours_default, 0, 876'000);
  check.number("retention_mib_default", config.retention_mib_default, 0, 1'073'741'824);
  check.log(config.log);
  return check.fault();
}

Result<PartitionConfig> read_config(TomlTable table) {
  PartitionConfig config;
  read_keys(table, config);
  PINION_CHECK(table.finish());
  if (!table.has("node_id")) {
    return failure(table.describe({"node_id", "is missing; each partition broker has its own"}));
  }
  if (const auto fault = find_fault(config)) return failure(table.describe(*fault));
  return config;
}

}  // namespace

Result<PartitionConfig> load_partition_config(const std::string& path) {
  PINION_TRY(table, TomlTable::load(path));
  return read_config(std::move(table));
}

Result<PartitionConfig> parse_partition_config(std::string_view text, const std::string& source) {
  PINION_TRY(table, TomlTable::parse(text, source));
  return read_config(std::move(table));
}

std::vector<std::string> partition_config_keys() {
  auto table = TomlTable::parse("", "");
  if (!table) return {};
  PartitionConfig config;
  read_keys(*table, config);
  return table->asked();
}

Result<void> check(const PartitionConfig& config) {
  if (const auto fault = find_fault(config)) {
    return failure(Errc::config_invalid, fault->key + " " + fault->why);
  }
  return {};
}

}  // namespace pinion
