// The checks that configurations share: each says nothing, or which key is wrong and why. Inside
// common/config only.
#pragma once

#include "common/base/endpoint.hpp"
#include "common/base/error.hpp"
#include "common/obs/log_config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pinion {

struct ConfigFault {
  std::string key;
  std::string why;
  /// Of a contradiction, the other key: its line is told where the first has its default.
  std::string partner = {};
};

/// Collects the first fault only: one sentence is what a person can act on.
class ConfigCheck {
 public:
  void number(std::string_view key, std::uint64_t value, std::uint64_t low, std::uint64_t high);
  void text(std::string_view key, std::string_view value, std::size_t bytes_max);
  void not_empty(std::string_view key, std::string_view value);
  /// "tcp://HOST:PORT" with the port 1 to 65535, or * to take any.
  void bind_endpoint(std::string_view key, std::string_view value);
  /// The same without any *: something to connect to.
  void connect_endpoint(std::string_view key, std::string_view value);
  void that(bool good, std::string_view key, std::string_view why, std::string_view partner = {});
  void log(const LogConfig& log);

  [[nodiscard]] const std::optional<ConfigFault>& fault() const noexcept { return fault_; }

 private:
  void endpoint(std::string_view key, std::string_view value, EndpointUse use);

  std::optional<ConfigFault> fault_;
};

}  // namespace pinion
