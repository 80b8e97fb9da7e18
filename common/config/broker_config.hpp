// Everything that can be set about a leader broker. configs/broker.toml is the same list with
// reasons, and a test keeps the two equal.
//
// Plain values: `pinion up` fills them without a file. check() holds for a file's values too.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/obs/log_config.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

struct BrokerConfig {
  std::string data_dir = "data/production/broker";  ///< Holds broker.db. Made when missing.
  std::string cluster_name = "pinion";   ///< For people; the identity is made at random.
  std::string client_bind = "tcp://127.0.0.1:5550";   ///< Clients connect here. Port * picks one.
  std::string cluster_bind = "tcp://127.0.0.1:5551";  ///< Partition brokers connect here.
  std::uint64_t record_bytes_max = limits::record_bytes_default;
  std::uint32_t heartbeat_ms = 500;         ///< Nodes and clients say a word at least this often.
  std::uint32_t node_lost_after_ms = 1500;  ///< A node silent for longer is lost.
  std::uint32_t memory_fuse_mib =
      static_cast<std::uint32_t>(limits::memory_fuse_default / limits::mib);
  std::uint32_t io_threads = 1;  ///< libzmq's: about one per GB/s of traffic.
  LogConfig log;
  bool operator==(const BrokerConfig&) const = default;
};

/// Reads a TOML file: defaults for what it does not name. `config_invalid` with file, line and key
/// for anything unknown, mistyped or impossible; `io_failed` when it cannot be read.
[[nodiscard]] Result<BrokerConfig> load_broker_config(const std::string& path);

/// The same from text; `source` stands in the errors where the file's name would.
[[nodiscard]] Result<BrokerConfig> parse_broker_config(std::string_view text,
                                                       const std::string& source);

/// Every key that such a file may have, "log.level" for one in a table.
[[nodiscard]] std::vector<std::string> broker_config_keys();

/// ok, or `config_invalid` naming the key.
[[nodiscard]] Result<void> check(const BrokerConfig& config);

}  // namespace pinion
