// HttpSession: one connection. Inside gateway/http only. A session belongs to one lane, which is a
// thread with its io_context, and is touched by that thread alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "common/base/time.hpp"
#include "gateway/http/http_application.hpp"
#include "gateway/http/http_budgets.hpp"
#include "gateway/http/http_observer.hpp"
#include "gateway/http/http_server.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

namespace boost::asio::ssl {
class context;
}

namespace pinion::gateway {

class HttpSession;

/// What all sessions of a server share.
struct HttpShared {
  HttpServerOptions options;
  HttpApplication* application = nullptr;
  HttpObserver* observer = nullptr;
  std::atomic<std::size_t> connections{0};
  ByteBudget bodies{bodies_bytes_max};    ///< Large bodies that are not answered yet.
  ByteBudget answers{answers_bytes_max};  ///< Large answers that are not sent yet.
  std::atomic<bool> stopping{false};
};

/// Counts a connection from when it is accepted to its end, wherever it is.
class HttpPlace {
 public:
  explicit HttpPlace(HttpShared& shared) : shared_(&shared) {
    shared.observer->on_connections(++shared.connections);
  }
  HttpPlace(HttpPlace&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  HttpPlace& operator=(HttpPlace&&) = delete;
  ~HttpPlace() {
    if (shared_ != nullptr) shared_->observer->on_connections(--shared_->connections);
  }

 private:
  HttpShared* shared_;
};

struct HttpLane {
  explicit HttpLane(HttpShared& all) : shared(&all), context(1) {}
  HttpShared* shared;
  std::unordered_set<HttpSession*> sessions;
  Micros now{0};                    ///< Monotonic, as of the last tick.
  std::string date;                 ///< For answers, as of the last tick.
  boost::asio::io_context context;  ///< Last: its handlers hold sessions, which take leave above.
};

class HttpSession {
 public:
  virtual ~HttpSession() = default;
  virtual void begin() = 0;
  /// About twice a second: whose time is over, and who has gone?
  virtual void on_tick() = 0;
  /// Ends when what is being served is answered, without waiting for more; at once when nothing is.
  virtual void stop() = 0;
};

using TcpSocket = boost::asio::ip::tcp::socket;
[[nodiscard]] std::shared_ptr<HttpSession> make_plain_session(HttpLane& lane, HttpPlace place,
                                                              TcpSocket socket);
[[nodiscard]] std::shared_ptr<HttpSession> make_tls_session(HttpLane& lane, HttpPlace place,
                                                            TcpSocket socket,
                                                            boost::asio::ssl::context& tls);

}  // namespace pinion::gateway
