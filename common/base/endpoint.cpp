#include "common/base/endpoint.hpp"

#include <charconv>

namespace pinion {
namespace {

constexpr std::string_view tcp = "tcp://";

bool is_host_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == ':' || c == '[' || c == ']' || c == '%';
}

std::string tcp_problem(std::string_view address, EndpointUse use) {
  const bool listens = use == EndpointUse::listen;
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return "has no port";
  const std::string_view host = address.substr(0, colon);
  const std::string_view port = address.substr(colon + 1);
  if (host.empty()) return "has no host";
  if (!(host == "*" && listens)) {
    for (const char c : host) {
      if (!is_host_character(c)) return "has a host that is neither a name nor an address";
    }
  }
  if (port == "*") return listens ? "" : "needs a port to connect to";
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number < 1 || number > 65'535) {
    return std::string("needs a port from 1 to 65535") + (listens ? ", or * for any free one" : "");
  }
  return "";
}

}  // namespace

std::string endpoint_problem(std::string_view endpoint, EndpointUse use) {
  if (endpoint.starts_with(tcp)) return tcp_problem(endpoint.substr(tcp.size()), use);
  return "must be tcp://HOST:PORT";
}

}  // namespace pinion
