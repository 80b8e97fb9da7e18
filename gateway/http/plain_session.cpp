#include "gateway/http/http_session_over.hpp"

namespace pinion::gateway {
namespace {

class PlainSession final : public HttpSessionOver<TcpSocket> {
 public:
  using HttpSessionOver::HttpSessionOver;
  void begin() override { read_request(); }

 private:
  TcpSocket& socket() override { return stream_; }
};

}  // namespace

std::shared_ptr<HttpSession> make_plain_session(HttpLane& lane, HttpPlace place, TcpSocket socket) {
  return std::make_shared<PlainSession>(lane, std::move(place), std::move(socket));
}

}  // namespace pinion::gateway
