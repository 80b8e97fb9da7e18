#include "common/base/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace pinion {
namespace {

constexpr std::string_view tcp = "tcp://";

struct HostAndPort {
  std::string_view host;
  std::string_view port;
};

/// Requires: a colon.
HostAndPort split(std::string_view address) noexcept {
  const std::size_t colon = address.rfind(':');
  return {address.substr(0, colon), address.substr(colon + 1)};
}

bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

/// "[ADDRESS]" or "[ADDRESS%INTERFACE]".
bool is_ipv6(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return false;
  const std::string address(host.substr(1, std::min(host.find('%'), host.size() - 1) - 1));
  in6_addr parsed{};
  return ::inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

/// A name, or the four numbers of an address: what has only digits and dots is meant as one.
bool is_name_or_ipv4(std::string_view host) {
  if (!std::all_of(host.begin(), host.end(), is_name_character)) return false;
  if (host.find_first_not_of("0123456789.") != std::string_view::npos) return true;
  in_addr parsed{};
  return ::inet_pton(AF_INET, std::string(host).c_str(), &parsed) == 1;
}

bool is_every_interface(std::string_view host) noexcept {
  return host == "*" || host == "0.0.0.0" || host == "[::]";
}

std::string tcp_problem(std::string_view address, EndpointUse use) {
  const bool listens = use == EndpointUse::listen;
  if (address.find(':') == std::string_view::npos) return "has no port";
  const auto [host, port] = split(address);
  if (host.empty()) return "has no host";
  if (!(host == "*" && listens) && !is_ipv6(host) && !is_name_or_ipv4(host)) {
    return "has a host that is neither a name nor an address (of IPv6: [ADDRESS])";
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

bool names_every_interface(std::string_view endpoint) {
  return endpoint.starts_with(tcp) && is_every_interface(split(endpoint.substr(tcp.size())).host);
}

bool endpoints_clash(std::string_view one, std::string_view other) {
  const HostAndPort a = split(one.substr(tcp.size()));
  const HostAndPort b = split(other.substr(tcp.size()));
  const auto number = [](std::string_view port) {
    return port.substr(port.find_first_not_of('0'));
  };
  if (a.port == "*" || number(a.port) != number(b.port)) return false;
  return a.host == b.host || is_every_interface(a.host) || is_every_interface(b.host);
}

}  // namespace pinion
