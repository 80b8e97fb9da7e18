// Everything that can be set about an HTTP gateway. configs/gateway.toml is the same list with
// reasons, and a test keeps the two equal.
//
// Plain values: `pinion up` fills them without a file. check() holds for a file's values too.
#pragma once

#include "common/base/result.hpp"
#include "common/obs/log_config.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

enum class AccessLog : std::uint8_t { none, errors, all };

struct GatewayConfig {
  std::string broker = "tcp://127.0.0.1:5550";
  std::vector<std::string> binds = {"127.0.0.1:8080"};  ///< "ADDRESS:PORT"; port 0 picks one.
  std::string tls_certificate;                          ///< PEM file; empty: plain HTTP.
  std::string tls_key;
  /// Where the file names the two, "gateway.toml:4: tls_key", for what is found wrong when they are
  /// opened; empty without a file.
  std::string tls_certificate_place;
  std::string tls_key_place;
  std::uint32_t threads = 1;
  std::uint32_t answer_within_ms = 10'000;
  std::uint32_t connections_max = 10'000;
  std::uint32_t header_bytes_max = 16 * 1024;
  std::uint64_t body_bytes_max = 16 * 1024 * 1024;
  std::uint64_t small_body_bytes_max = 2 * 1024 * 1024;  ///< Of requests that bring no records.
  std::uint32_t idle_timeout_ms = 75'000;
  std::uint32_t request_timeout_ms = 30'000;
  std::uint32_t write_timeout_ms = 30'000;
  AccessLog access_log = AccessLog::errors;
  LogConfig log;
  bool operator==(const GatewayConfig&) const = default;
};

/// Reads a TOML file: defaults for what it does not name. `config_invalid` with file, line and key
/// for anything unknown, mistyped or impossible; `io_failed` when it cannot be read.
[[nodiscard]] Result<GatewayConfig> load_gateway_config(const std::string& path);

/// The same from text; `source` stands in the errors where the file's name would.
[[nodiscard]] Result<GatewayConfig> parse_gateway_config(std::string_view text,
                                                         const std::string& source);

/// Every key that such a file may have, "log.level" for one in a table.
[[nodiscard]] std::vector<std::string> gateway_config_keys();

/// ok, or `config_invalid` naming the key.
[[nodiscard]] Result<void> check(const GatewayConfig& config);

}  // namespace pinion
