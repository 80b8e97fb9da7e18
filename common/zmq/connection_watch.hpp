// Whether a DEALER is connected, as libzmq's monitor tells it. Inside common/zmq only; one thread.
//
// With it the transport queues nothing for a peer that is not there. ZMQ_IMMEDIATE is to do the
// same; but with that libzmq 4.3.4 takes a connection's queue away as soon as the connection ends,
// also in the middle of a message that is being read, and aborts the process (fq.cpp, "!_more";
// docs/decisions/0015).
#pragma once

#include <zmq.hpp>

namespace pinion {

class ConnectionWatch {
 public:
  /// Watches `socket`, which is not connected yet and ends after this. Throws zmq::error_t.
  ConnectionWatch(zmq::context_t& context, zmq::socket_t& socket);
  ~ConnectionWatch();
  ConnectionWatch(const ConnectionWatch&) = delete;
  ConnectionWatch& operator=(const ConnectionWatch&) = delete;

  /// Takes the news that there is.
  void look() noexcept;

  [[nodiscard]] bool is_connected() const noexcept { return is_connected_ && !is_lost_; }
  /// A connection that was there has ended. What is queued in the socket is that one's.
  [[nodiscard]] bool is_lost() const noexcept { return is_lost_; }

  /// Readable when there may be news; look() makes an end of that.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  zmq::socket_t& socket_;
  zmq::socket_t news_;
  int descriptor_ = -1;
  bool is_connected_ = false;
  bool is_lost_ = false;
};

}  // namespace pinion
