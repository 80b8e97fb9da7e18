#include "common/config/config_fault.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"

#include <charconv>
#include <utility>

namespace pinion {
namespace {

/// Why `value` is not tcp://HOST:PORT, or nothing.
std::string tcp_problem(std::string_view address, bool wildcard) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return "has no port";
  const std::string_view host = address.substr(0, colon);
  const std::string_view port = address.substr(colon + 1);
  if (host.empty()) return "has no host";
  for (const char c : host) {
    const bool legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']' ||
                       c == '%' || (c == '*' && wildcard && host.size() == 1);
    if (!legal) return "has a host that is neither a name nor an address";
  }
  if (port == "*") return wildcard ? "" : "needs a port to connect to";
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number < 1 || number > 65'535) {
    return std::string("needs a port from 1 to 65535") +
           (wildcard ? ", or * for any free one" : "");
  }
  return "";
}

}  // namespace

void ConfigCheck::that(bool good, std::string_view key, std::string_view why) {
  if (!good && !fault_) fault_ = ConfigFault{std::string(key), std::string(why)};
}

void ConfigCheck::number(std::string_view key, std::uint64_t value, std::uint64_t low,
                         std::uint64_t high) {
  if (value >= low && value <= high) return;
  that(false, key,
       "is " + std::to_string(value) + "; it must be " + std::to_string(low) + " to " +
           std::to_string(high));
}

void ConfigCheck::text(std::string_view key, std::string_view value, std::size_t bytes_max) {
  if (value.size() > bytes_max) {
    that(false, key, "is longer than " + std::to_string(bytes_max) + " bytes");
  }
  that(printable(value, bytes_max) == value, key, "has characters that cannot be printed");
}

void ConfigCheck::not_empty(std::string_view key, std::string_view value) {
  that(!value.empty(), key, "is empty");
}

void ConfigCheck::endpoint(std::string_view key, std::string_view value, bool wildcard) {
  constexpr std::string_view tcp = "tcp://";
  constexpr std::string_view ipc = "ipc://";
  std::string problem;
  if (value.substr(0, tcp.size()) == tcp) {
    problem = tcp_problem(value.substr(tcp.size()), wildcard);
  } else if (value.substr(0, ipc.size()) != ipc || value.size() == ipc.size()) {
    problem = "must be tcp://HOST:PORT";
  }
  if (!problem.empty()) {
    that(false, key, "'" + printable(value, limits::address_bytes_max) + "' " + problem);
  }
  text(key, value, limits::address_bytes_max);
}

void ConfigCheck::bind_endpoint(std::string_view key, std::string_view value) {
  endpoint(key, value, true);
}
void ConfigCheck::connect_endpoint(std::string_view key, std::string_view value) {
  endpoint(key, value, false);
}

void ConfigCheck::log(const LogConfig& log) {
  text("log.file", log.file, 4 * limits::kib);
  number("log.file_mib_max", log.file_mib_max, 1, 10'240);
  number("log.files_kept", log.files_kept, 0, 100);
}

}  // namespace pinion
