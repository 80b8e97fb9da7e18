#include "common/zmq/connection_watch.hpp"

#include "common/zmq/zmq_frames.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

namespace pinion {
namespace {

/// A name that no other monitor in the process has.
std::string new_name() {
  static std::atomic<std::uint64_t> count{0};
  return "inproc://connection-" + std::to_string(++count);
}

/// The event that a message of the monitor begins with: 16 bits, then a value of 32.
std::optional<std::uint16_t> event_of(ZmqMessage& message) noexcept {
  std::uint16_t event = 0;
  if (message.size() < sizeof event) return std::nullopt;
  std::memcpy(&event, zmq_msg_data(message.raw()), sizeof event);
  return event;
}

}  // namespace

ConnectionWatch::ConnectionWatch(zmq::context_t& context, zmq::socket_t& socket)
    : socket_(socket), news_(context, zmq::socket_type::pair) {
  const std::string name = new_name();
  const int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED;
  // Without a bound: libzmq's threads wait until there is room for what they have to tell.
  news_.set(zmq::sockopt::rcvhwm, 0);
  news_.set(zmq::sockopt::linger, 0);
  if (zmq_socket_monitor(socket.handle(), name.c_str(), events) != 0) throw zmq::error_t();
  try {
    news_.connect(name);
    descriptor_ = news_.get(zmq::sockopt::fd);
  } catch (const zmq::error_t&) {
    zmq_socket_monitor(socket.handle(), nullptr, 0);
    throw;
  }
  look();  // From here on the descriptor tells: libzmq signals only whom it has left waiting.
}

ConnectionWatch::~ConnectionWatch() {
  // First: with nobody to tell it to, a thread of libzmq would wait for ever.
  zmq_socket_monitor(socket_.handle(), nullptr, 0);
}

void ConnectionWatch::look() noexcept {
  ZmqMessage message;
  bool is_first = true;
  for (;;) {
    if (zmq_msg_recv(message.raw(), news_.handle(), ZMQ_DONTWAIT) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (is_first) {
      const std::optional<std::uint16_t> event = event_of(message);
      if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) is_connected_ = true;
      // Also told of attempts that came to nothing. libzmq goes on with those by itself, unless the
      // other side speaks no ZMTP: then whoever hears nothing resets the link.
      if (event == ZMQ_EVENT_DISCONNECTED) is_lost_ = is_lost_ || is_connected_;
    }
    is_first = !message.more();
  }
}

}  // namespace pinion
