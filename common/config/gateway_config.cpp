#include "common/config/gateway_config.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/config_fault.hpp"
#include "common/config/toml_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <utility>

namespace pinion {
namespace {

constexpr std::array<std::string_view, 3> access_logs = {"none", "errors", "all"};
constexpr std::size_t path_bytes_max = 4 * limits::kib;
/// Less than a connection's buffer (buffer_bytes_max of http_budgets.hpp).
constexpr std::uint64_t header_bytes_most = 60 * limits::kib;

/// Every key of the file, in the order of configs/gateway.toml.
void read_keys(TomlTable& table, GatewayConfig& config, std::string& access_log) {
  table.read("broker", config.broker);
  table.read("binds", config.binds);
  table.read("tls_certificate", config.tls_certificate);
  table.read("tls_key", config.tls_key);
  table.read("threads", config.threads);
  table.read("answer_within_ms", config.answer_within_ms);
  table.read("connections_max", config.connections_max);
  table.read("header_bytes_max", config.header_bytes_max);
  table.read("body_bytes_max", config.body_bytes_max);
  table.read("small_body_bytes_max", config.small_body_bytes_max);
  table.read("idle_timeout_ms", config.idle_timeout_ms);
  table.read("request_timeout_ms", config.request_timeout_ms);
  table.read("write_timeout_ms", config.write_timeout_ms);
  table.read("access_log", access_log);
  table.read_log(config.log);
}

bool is_bind(std::string_view bind) {
  const std::size_t colon = bind.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view port = bind.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && !port.empty() && end == port.data() + port.size();
}

std::ptrdiff_t count(const std::vector<std::string>& texts, const std::string& text) {
  return std::count(texts.begin(), texts.end(), text);
}

std::optional<ConfigFault> find_fault(const GatewayConfig& config) {
  ConfigCheck check;
  check.connect_endpoint("broker", config.broker);
  check.that(!config.binds.empty() && config.binds.size() <= 64, "binds",
             "must name 1 to 64 addresses");
  for (const std::string& bind : config.binds) {
    check.that(is_bind(bind), "binds", "must be ADDRESS:PORT each, such as \"127.0.0.1:8080\"");
    check.that(bind.ends_with(":0") || count(config.binds, bind) == 1, "binds",
               "names " + printable(bind, limits::address_bytes_max) + " twice; once is enough");
  }
  check.text("tls_certificate", config.tls_certificate, path_bytes_max);
  check.text("tls_key", config.tls_key, path_bytes_max);
  check.that(config.tls_certificate.empty() || !config.tls_key.empty(), "tls_certificate",
             "and tls_key go together: both or neither");
  check.that(config.tls_key.empty() || !config.tls_certificate.empty(), "tls_key",
             "and tls_certificate go together: both or neither");
  check.number("threads", config.threads, 1, 64);
  check.number("answer_within_ms", config.answer_within_ms, 100, 60'000);
  check.number("connections_max", config.connections_max, 1, 1'000'000);
  check.number("header_bytes_max", config.header_bytes_max, limits::kib, header_bytes_most);
  check.number("body_bytes_max", config.body_bytes_max, limits::kib, limits::record_bytes_ceiling);
  check.number("small_body_bytes_max", config.small_body_bytes_max, limits::kib,
               limits::record_bytes_ceiling);
  check.number("idle_timeout_ms", config.idle_timeout_ms, 1'000, 3'600'000);
  check.number("request_timeout_ms", config.request_timeout_ms, 1'000, 3'600'000);
  check.number("write_timeout_ms", config.write_timeout_ms, 1'000, 3'600'000);
  check.log(config.log);
  return check.fault();
}

Result<GatewayConfig> read_config(TomlTable table) {
  GatewayConfig config;
  std::string access_log(access_logs[static_cast<std::size_t>(config.access_log)]);
  read_keys(table, config, access_log);
  PINION_CHECK(table.finish());
  std::optional<ConfigFault> fault =
      ConfigFault{"access_log", "must be \"none\", \"errors\" or \"all\""};
  for (std::size_t i = 0; i < access_logs.size(); ++i) {
    if (access_logs[i] != access_log) continue;
    config.access_log = static_cast<AccessLog>(i);
    fault.reset();
  }
  if (!fault) fault = find_fault(config);
  if (fault) return failure(table.describe(*fault));
  if (!config.tls_certificate.empty()) {
    config.tls_certificate_place = table.place_of("tls_certificate");
    config.tls_key_place = table.place_of("tls_key");
  }
  return config;
}

}  // namespace

Result<GatewayConfig> load_gateway_config(const std::string& path) {
  PINION_TRY(table, TomlTable::load(path));
  return read_config(std::move(table));
}

Result<GatewayConfig> parse_gateway_config(std::string_view text, const std::string& source) {
  PINION_TRY(table, TomlTable::parse(text, source));
  return read_config(std::move(table));
}

std::vector<std::string> gateway_config_keys() {
  auto table = TomlTable::parse("", "");
  if (!table) return {};
  GatewayConfig config;
  std::string access_log;
  read_keys(*table, config, access_log);
  return table->asked();
}

Result<void> check(const GatewayConfig& config) {
  if (const auto fault = find_fault(config)) {
    return failure(Errc::config_invalid, fault->key + " " + fault->why);
  }
  return {};
}

}  // namespace pinion
