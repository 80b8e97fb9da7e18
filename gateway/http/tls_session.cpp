#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "gateway/http/http_session_over.hpp"

namespace pinion::gateway {
namespace {

using TlsStream = asio::ssl::stream<TcpSocket>;

class TlsSession final : public HttpSessionOver<TlsStream> {
 public:
  using HttpSessionOver::HttpSessionOver;
  void begin() override {
    become(State::idle, shared_->options.request_timeout);
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
};

}  // namespace

std::shared_ptr<HttpSession> make_tls_session(HttpLane& lane, TcpSocket socket,
                                              asio::ssl::context& tls) {
  return std::make_shared<TlsSession>(lane, TlsStream(std::move(socket), tls));
}

}  // namespace pinion::gateway
