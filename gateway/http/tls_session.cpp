#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "gateway/http/http_session_over.hpp"

#include <functional>
#include <utility>

namespace pinion::gateway {
namespace {

using TlsStream = asio::ssl::stream<TcpSocket>;

class TlsSession final : public HttpSessionOver<TlsStream> {
 public:
  using HttpSessionOver::HttpSessionOver;
  void begin() override {
    become(State::idle,
           shared_->stopping.load() ? unfinished_for : shared_->options.request_timeout);
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [this, self = shared_from_this()](error_code error) {
                              if (state_ == State::closed) return;
                              if (error) {
                                shared_->observer->on_dropped("no_tls");
                                return close();
                              }
                              read_request();
                            });
  }

 private:
  TcpSocket& socket() override { return stream_.next_layer(); }
  /// With a close_notify: without it a peer cannot tell the end from a cut.
  void say_goodbye() override {
    become(State::ending, goodbye_for);
    stream_.async_shutdown([self = shared_from_this(), this](error_code) {
      if (state_ != State::closed) close();
    });
  }
  void end_sending(std::function<void()> then) override {
    // Waits for the peer's close_notify too; what it still sends instead is drained unread.
    stream_.async_shutdown([self = shared_from_this(), this, then = std::move(then)](error_code) {
      if (state_ == State::closed) return;
      error_code ignored;
      stream_.lowest_layer().shutdown(TcpSocket::shutdown_send, ignored);
      then();
    });
  }

  /// Long enough to write it; nobody waits for the peer's own.
  static constexpr Micros goodbye_for = 1s;
};

}  // namespace

std::shared_ptr<HttpSession> make_tls_session(HttpLane& lane, HttpPlace place, TcpSocket socket,
                                              asio::ssl::context& tls) {
  return std::make_shared<TlsSession>(lane, std::move(place), TlsStream(std::move(socket), tls));
}

}  // namespace pinion::gateway
