#include "gui/feed/host_lookup.hpp"

#include <string_view>
#include <thread>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>

namespace pinion::gui {

namespace {

/// In contrast to: nobody could be asked.
bool is_unknown_name(int result) {
#ifdef EAI_NODATA
  if (result == EAI_NODATA) return true;
#endif
  return result == EAI_NONAME;
}

}  // namespace

std::string host_name_of(const std::string& address) {
  constexpr std::string_view scheme = "tcp://";
  if (address.compare(0, scheme.size(), scheme) != 0) return {};
  const std::size_t colon = address.rfind(':');
  if (colon <= scheme.size()) return {};
  std::string host = address.substr(scheme.size(), colon - scheme.size());
  const bool number = host.find_first_not_of("0123456789.") == std::string::npos;
  return number || host.front() == '[' ? std::string() : host;
}

void look_up_host(std::string host, std::function<void(std::string)> then) {
  std::thread([host = std::move(host), then = std::move(then)] {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int result = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (found != nullptr) ::freeaddrinfo(found);
    if (result == 0) return then({});
    then(is_unknown_name(result) ? "There is no host of the name '" + host + "'."
                                 : "The name '" + host +
                                       "' cannot be looked up now: does this machine have a "
                                       "network?");
  }).detach();
}

}  // namespace pinion::gui
