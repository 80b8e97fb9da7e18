// Everything that can be set about a partition broker. configs/partition-*.toml are the same list
// with reasons, and a test keeps the two equal.
//
// Plain values: `pinion up` fills them without a file. check() holds for a file's values too.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/obs/log_config.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

struct PartitionConfig {
  NodeId node_id{1};  ///< At least 1, another one for each partition broker.
  std::string broker = "tcp://127.0.0.1:5551";  ///< The leader broker's cluster_bind, as seen here.
  std::string data_dir =
      "data/production/partition-1";            ///< Holds the partition files. Made when missing.
  std::string data_bind = "tcp://127.0.0.1:*";  ///< Where other nodes fetch from; * takes any port.
  std::string advertised_address;   ///< Where other processes would reach this node; may be empty.
  std::string rack;                 ///< For placement; may be empty.
  std::string region;               ///< For placement; may be empty.
  std::vector<std::string> topics;  ///< Patterns ("orders-*"); none: all topics.

  std::uint32_t store_threads = limits::store_threads_default;
  std::uint32_t reader_threads = limits::reader_threads_default;
  std::uint32_t io_threads = 1;  ///< libzmq's: about one per GB/s of traffic.

  /// The process's memory at which the data socket is closed and bound again.
  std::uint32_t memory_fuse_mib = 448;

  std::uint32_t low_space_mib =  ///< Free space below which writes are refused.
      static_cast<std::uint32_t>(limits::low_space_bytes_default / limits::mib);
  std::uint32_t wal_mib_max = 0;         ///< Of one partition's file; 0: until low_space_mib.
  std::uint32_t file_idle_close_s = 60;  ///< A file unused for this long is closed.

  std::uint32_t retention_hours_default = 0;  ///< For topics that name none; 0: for ever.
  std::uint32_t retention_mib_default =
      0;  ///< A partition, for topics that name none; 0: no limit.

  LogConfig log;
  bool operator==(const PartitionConfig&) const = default;
};

/// Reads a TOML file: defaults for what it does not name, but node_id must be named.
/// `config_invalid` with file, line and key for anything unknown, mistyped or impossible;
/// `io_failed` when it cannot be read.
[[nodiscard]] Result<PartitionConfig> load_partition_config(const std::string& path);

/// The same from text; `source` stands in the errors where the file's name would.
[[nodiscard]] Result<PartitionConfig> parse_partition_config(std::string_view text,
                                                             const std::string& source);

/// Every key that such a file may have, "log.level" for one in a table.
[[nodiscard]] std::vector<std::string> partition_config_keys();

/// ok, or `config_invalid` naming the key.
[[nodiscard]] Result<void> check(const PartitionConfig& config);

}  // namespace pinion
