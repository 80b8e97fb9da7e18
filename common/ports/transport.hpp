// What a driver needs of its sockets. Implemented by common/zmq, and by a fake for tests.
//
// A Transport belongs to one thread; only wake() may be called from others. It never blocks but in
// wait(), and never queues more than its adapter's own bounded queues.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace pinion {

/// Which of a driver's sockets; each driver numbers its own from 0.
enum class Link : std::uint8_t {};

struct Incoming {
  Link link{};
  Frames frames;  ///< From a ROUTER the first frame is the peer's routing id.
};

enum class Sent : std::uint8_t {
  queued,      ///< Handed to the socket. Proves nothing; only an answer does.
  no_peer,     ///< A ROUTER knows no such peer (any more). Nothing was sent.
  would_block  ///< The peer's queue is full. Nothing was sent.
};

class Transport {
 public:
  virtual ~Transport() = default;

  /// Sleeps until something can be received, wake() is called, or the time is over.
  virtual void wait(Micros timeout) = 0;

  /// The next message of any link, fairly, or nothing. Over-long messages have been dropped and
  /// counted.
  [[nodiscard]] virtual std::optional<Incoming> try_receive() = 0;

  [[nodiscard]] virtual Sent try_send(Link link, Frames frames) = 0;

  /// A new DEALER, connected to `endpoint` under `routing_id`: the links of the start come first,
  /// and a number that disconnect() freed is used again. `io_failed`, `invalid_argument`.
  [[nodiscard]] virtual Result<Link> connect(const std::string& endpoint,
                                             const std::string& routing_id) = 0;
  /// Closes a link that connect() made; what it had to send or to receive is lost.
  virtual void disconnect(Link link) = 0;

  /// Closes a link's socket and makes a fresh one in its place (a quiet peer, a tripped memory
  /// fuse).
  virtual void reset(Link link) = 0;

  /// Ends a wait() from another thread, now or the next one. Thread-safe.
  virtual void wake() = 0;

  /// Messages dropped for their size or number of frames, since the start.
  [[nodiscard]] virtual std::uint64_t dropped() const = 0;
};

}  // namespace pinion
