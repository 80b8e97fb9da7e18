// Transport over ZeroMQ: a set of links, each a ROUTER that is bound or a DEALER that is connected.
//
//   auto context = ZmqContext::create(1);
//   auto transport = ZmqTransport::open(context, {{.role = ZmqRole::router_bind,
//                                                  .endpoint = "tcp://127.0.0.1:*"}});
//
// Link n of the vector is Link{n}. A transport belongs to the thread that opened it, wake() apart.
// Sends never wait: a ROUTER is MANDATORY (an unknown or gone peer is `no_peer`) with HANDOVER (a
// restarted peer takes its routing id over), a DEALER sends only when it is connected (nothing is
// queued for whoever comes: `would_block`; connection_watch.hpp says how). Frames over
// zmq_shared_bytes_min are passed on without copying, both ways. This module is the one home of
// zmq.hpp, which this header keeps inside.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/ports/transport.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pinion {

/// A smaller frame is copied out of libzmq, whose receive buffer it would otherwise pin.
inline constexpr std::size_t zmq_shared_bytes_min = 4 * limits::kib;

/// libzmq's threads and memory; one a process is enough, and several transports may share it. It
/// ends when the last owner lets go; every transport keeps its own share.
class ZmqContext {
 public:
  /// `io_failed` when the system is out of descriptors or threads.
  [[nodiscard]] static Result<std::shared_ptr<ZmqContext>> create(std::uint32_t io_threads = 1);
  ~ZmqContext();
  ZmqContext(const ZmqContext&) = delete;
  ZmqContext& operator=(const ZmqContext&) = delete;

 private:
  friend class ZmqTransport;
  struct Inside;
  explicit ZmqContext(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

enum class ZmqRole : std::uint8_t { router_bind, dealer_connect };

struct ZmqLinkConfig {
  ZmqRole role = ZmqRole::dealer_connect;
  std::string endpoint;    ///< "tcp://HOST:PORT"; a ROUTER's port may be *, see bound_endpoint.
  std::string routing_id;  ///< A DEALER's name at the ROUTER: 1 to 255 bytes, the first not 0.

  int send_queue_messages = limits::client_send_queue_messages;     ///< A peer (libzmq's SNDHWM).
  int receive_queue_messages = limits::client_send_queue_messages;  ///< A peer (RCVHWM).
  std::size_t frame_bytes_max = limits::frame_bytes_max;  ///< A peer that sends more is cut off.
  std::size_t message_frames_max = limits::message_frames_max;  ///< Longer messages are dropped,
  std::size_t message_bytes_max = limits::message_bytes_max;    ///< larger ones too, and counted.

  Micros linger = 200ms;  ///< How long what is queued may still leave after a close.
  Micros reconnect_after = 20ms;
  Micros reconnect_after_max = 1s;  ///< The interval doubles up to this.
};

class ZmqTransport final : public Transport {
 public:
  /// `invalid_argument` for a bad endpoint or routing id, `io_failed` when an address cannot be
  /// bound (in use, not ours) or descriptors are out.
  [[nodiscard]] static Result<std::unique_ptr<ZmqTransport>> open(
      std::shared_ptr<ZmqContext> context, std::vector<ZmqLinkConfig> links);

  /// Closes the sockets; what was sent has the links' linger to leave.
  ~ZmqTransport() override;
  ZmqTransport(const ZmqTransport&) = delete;
  ZmqTransport& operator=(const ZmqTransport&) = delete;

  /// A ROUTER's address with the port that a wildcard became; a DEALER's is its endpoint.
  [[nodiscard]] std::string bound_endpoint(Link link) const;

  /// Also ends when a DEALER that would block may send again.
  void wait(Micros timeout) override;
  [[nodiscard]] std::optional<Incoming> try_receive() override;
  [[nodiscard]] Sent try_send(Link link, Frames frames) override;
  [[nodiscard]] Result<Link> connect(const std::string& endpoint,
                                     const std::string& routing_id) override;
  void disconnect(Link link) override;
  /// A ROUTER keeps its address. When the old socket has not let go of it in time, binding is tried
  /// again from wait(); until then the link has no peers.
  void reset(Link link) override;
  void wake() override;
  [[nodiscard]] std::uint64_t dropped() const override;

 private:
  struct Inside;
  explicit ZmqTransport(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion
