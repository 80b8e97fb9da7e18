#include "gateway/http/http_server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <openssl/ssl.h>

#include "gateway/http/clock.hpp"
#include "gateway/http/http_session.hpp"

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <ctime>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include <unistd.h>

namespace pinion::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto tick_every = std::chrono::milliseconds(500);
constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr int backlog = 4096;

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return std::string(text, size);
}

Result<tcp::endpoint> parse_bind(const std::string& bind) {
  const std::size_t colon = bind.rfind(':');
  error_code error;
  std::string host = colon == std::string::npos ? std::string() : bind.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const auto address = asio::ip::make_address(host, error);
  std::uint16_t port = 0;
  bool whole = false;
  if (colon != std::string::npos) {
    const char* end = bind.data() + bind.size();
    const auto parsed = std::from_chars(bind.data() + colon + 1, end, port);
    whole = parsed.ec == std::errc() && parsed.ptr == end;
  }
  if (error || !whole) {
    return failure(Errc::invalid_argument,
                   "'" + bind + "' is not ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080");
  }
  return tcp::endpoint(address, port);
}

std::string address_of(const tcp::endpoint& endpoint, bool is_encrypted) {
  const std::string host = endpoint.address().to_string();
  return (is_encrypted ? "https://" : "http://") +
         (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(endpoint.port());
}

/// One thread, its io_context and the sessions that it serves.
struct Lane : HttpLane {
  explicit Lane(HttpShared& all) : HttpLane(all), timer(context) {}

  void start() {
    tick();
    thread = std::thread([this] {
      while (!is_over()) run_on();
    });
  }
  /// What is thrown ends the session that it came through, for nobody else holds it, and no more.
  void run_on() {
    try {
      context.run();
    } catch (const std::exception& error) {
      shared->observer->on_fault(error.what());
    }
  }
  [[nodiscard]] bool is_over() const { return context.stopped(); }
  void tick() {
    now = monotonic_now();
    date = http_date();
    timer.expires_after(tick_every);
    timer.async_wait([this](error_code error) {
      if (!error) tick();
    });
    for (HttpSession* session : all()) session->on_tick();
  }

  /// A copy: a session may end, and leave, while it is asked.
  [[nodiscard]] std::vector<HttpSession*> all() const { return {sessions.begin(), sessions.end()}; }

  asio::steady_timer timer;
  std::thread thread;
};

}  // namespace

struct HttpServer::Inside {
  HttpShared shared;
  std::unique_ptr<asio::ssl::context> tls;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<std::unique_ptr<tcp::acceptor>> acceptors;
  std::unique_ptr<asio::steady_timer> accept_timer;
  std::vector<std::string> addresses;
  std::atomic<bool> accepts{true};

  [[nodiscard]] Result<void> listen(const std::string& bind);
  void accept(tcp::acceptor& acceptor);
  /// Those who have connected already are heard before it ends.
  void stop_accepting();
  void admit(Lane& lane, tcp::socket socket);

 private:
  [[nodiscard]] Lane& next_lane();
  std::size_t next_lane_ = 0;
};

namespace {

/// OpenSSL has no words for what the system says.
std::string reason_of(const std::string& file, const error_code& error) {
  if (::access(file.c_str(), R_OK) != 0) return std::generic_category().message(errno);
  return error.message();
}

/// Nothing: plain HTTP.
Result<std::unique_ptr<asio::ssl::context>> make_tls(const HttpServerOptions& options) {
  if (options.tls_certificate.empty()) return std::unique_ptr<asio::ssl::context>();
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  error_code error;
  tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                   asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                   asio::ssl::context::no_tlsv1_1);
  tls->use_certificate_chain_file(options.tls_certificate, error);
  if (error) {
    return failure(Errc::io_failed,
                   "the certificate " + options.tls_certificate +
                       " cannot be used: " + reason_of(options.tls_certificate, error));
  }
  tls->use_private_key_file(options.tls_key, asio::ssl::context::pem, error);
  if (error) {
    return failure(Errc::io_failed, "the key " + options.tls_key +
                                        " cannot be used: " + reason_of(options.tls_key, error));
  }
  if (::SSL_CTX_check_private_key(tls->native_handle()) != 1) {
    return failure(Errc::io_failed,
                   "the key " + options.tls_key + " is not that of " + options.tls_certificate);
  }
  return tls;
}

}  // namespace

Result<void> HttpServer::check_tls(const HttpServerOptions& options) {
  PINION_CHECK(make_tls(options));
  return {};
}

Result<void> HttpServer::Inside::listen(const std::string& bind) {
  PINION_TRY(endpoint, parse_bind(bind));
  auto acceptor = std::make_unique<tcp::acceptor>(lanes.front()->context);
  error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(backlog, error);
  if (error) return failure(Errc::io_failed, "cannot listen at " + bind + ": " + error.message());
  addresses.push_back(address_of(acceptor->local_endpoint(error), tls != nullptr));
  acceptors.push_back(std::move(acceptor));
  return {};
}

void HttpServer::Inside::accept(tcp::acceptor& acceptor) {
  Lane& lane = next_lane();
  acceptor.async_accept(lane.context,
                        [this, &acceptor, &lane](error_code error, tcp::socket socket) {
                          if (!error) admit(lane, std::move(socket));
                          if (!acceptor.is_open()) return;
                          if (!error) return accept(acceptor);
                          // Out of descriptors, say: others must end first.
                          shared.observer->on_dropped("accept_failed");
                          accept_timer->expires_after(accept_pause);
                          accept_timer->async_wait([this, &acceptor](error_code) {
                            if (acceptor.is_open()) accept(acceptor);
                          });
                        });
}

void HttpServer::Inside::stop_accepting() {
  for (const auto& acceptor : acceptors) {
    error_code error;
    acceptor->non_blocking(true, error);
    for (int i = 0; i < backlog && !error; ++i) {
      Lane& lane = next_lane();
      tcp::socket socket = acceptor->accept(lane.context, error);
      if (!error) admit(lane, std::move(socket));
    }
    acceptor->close(error);
  }
  accepts.store(false);
}

Lane& HttpServer::Inside::next_lane() { return *lanes[next_lane_++ % lanes.size()]; }

void HttpServer::Inside::admit(Lane& lane, tcp::socket socket) {
  if (shared.connections.load() >= shared.options.connections_max) {
    return shared.observer->on_dropped("too_many_connections");  // The socket closes itself.
  }
  asio::post(
      lane.context, [this, &lane, place = HttpPlace(shared), socket = std::move(socket)]() mutable {
        const auto session = tls ? make_tls_session(lane, std::move(place), std::move(socket), *tls)
                                 : make_plain_session(lane, std::move(place), std::move(socket));
        session->begin();
      });
}

HttpServer::HttpServer(std::unique_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}

HttpServer::~HttpServer() { stop(Micros{0}); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      HttpApplication& application,
                                                      HttpObserver& observer) {
  auto inside = std::make_unique<Inside>();
  inside->shared.options = options;
  inside->shared.application = &application;
  inside->shared.observer = &observer;
  PINION_TRY(tls, make_tls(options));
  inside->tls = std::move(tls);
  for (std::uint32_t i = 0; i < std::max(1U, options.threads); ++i) {
    inside->lanes.push_back(std::make_unique<Lane>(inside->shared));
  }
  inside->accept_timer = std::make_unique<asio::steady_timer>(inside->lanes.front()->context);
  for (const std::string& bind : options.binds) PINION_CHECK(inside->listen(bind));
  for (const auto& acceptor : inside->acceptors) inside->accept(*acceptor);
  for (const auto& lane : inside->lanes) lane->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(inside)));
}

std::vector<std::string> HttpServer::addresses() const { return inside_->addresses; }

void HttpServer::drain(Micros patience) {
  if (inside_->lanes.empty() || !inside_->lanes.front()->thread.joinable()) return;
  inside_->shared.stopping.store(true);
  asio::post(inside_->lanes.front()->context, [this] { inside_->stop_accepting(); });
  for (const auto& lane : inside_->lanes) {
    asio::post(lane->context, [&lane = *lane] {
      for (HttpSession* session : lane.all()) session->stop();
    });
  }
  const Micros until = monotonic_now() + patience;
  const auto is_idle = [this] {
    return !inside_->accepts.load() && inside_->shared.connections.load() == 0;
  };
  while (!is_idle() && monotonic_now() < until) {
    std::this_thread::sleep_for(Micros(5ms));
  }
}

void HttpServer::stop(Micros patience) {
  drain(patience);
  for (const auto& lane : inside_->lanes) {
    lane->context.stop();
    if (lane->thread.joinable()) lane->thread.join();
  }
}

}  // namespace pinion::gateway
