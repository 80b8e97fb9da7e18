#include "common/zmq/zmq_transport.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.hpp>

#include "common/base/assert.hpp"
#include "common/zmq/connection_watch.hpp"
#include "common/zmq/zmq_frames.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <limits>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

namespace pinion {
namespace {

/// Messages taken from one link before the next one is looked at: looking costs a system call.
constexpr std::size_t burst_messages = 32;
/// Frames of an over-long message that one try_receive drops; the rest waits for the next.
constexpr std::size_t drop_frames_budget = 4'096;
/// How long reset() itself tries to bind again, and how often wait() does after that.
constexpr int rebind_tries = 20;
constexpr Micros rebind_pause = 1ms;
constexpr Micros rebind_again_every = 20ms;
/// How long what a lost connection brought may wait for one who sends first.
constexpr Micros unread_kept_for = 100ms;
/// Of a context; each connection of a DEALER has three.
constexpr int sockets_max = 16'384;

tl::unexpected<Error> describe(const zmq::error_t& error, const std::string& what) {
  const bool argument = error.num() == EINVAL || error.num() == EPROTONOSUPPORT ||
                        error.num() == ENOCOMPATPROTO || error.num() == ENODEV;
  std::string detail = what + ": " + error.what();
  if (error.num() == EADDRINUSE) {
    detail += "; another program listens there: stop it, or choose another port";
  }
  return failure(argument ? Errc::invalid_argument : Errc::io_failed, std::move(detail));
}

int milliseconds(Micros duration) noexcept {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

Micros monotonic_now() noexcept {
  return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
}

Result<void> check_config(const ZmqLinkConfig& config) {
  const std::string& id = config.routing_id;
  if (id.size() > limits::routing_frame_bytes_max || (!id.empty() && id[0] == '\0')) {
    return failure(Errc::invalid_argument,
                   "a routing id is 1 to 255 bytes and does not begin with 0");
  }
  if (config.endpoint.empty()) return failure(Errc::invalid_argument, "the endpoint is empty");
  return {};
}

/// A socket with everything that must be set before bind and connect.
zmq::socket_t make_socket(zmq::context_t& context, const ZmqLinkConfig& config) {
  const bool is_router = config.role == ZmqRole::router_bind;
  zmq::socket_t socket(context, is_router ? zmq::socket_type::router : zmq::socket_type::dealer);
  // Only where it is asked for: names stand for addresses of IPv4.
  socket.set(zmq::sockopt::ipv6, config.endpoint.find('[') != std::string::npos);
  socket.set(zmq::sockopt::linger, milliseconds(config.linger));
  socket.set(zmq::sockopt::sndhwm, config.send_queue_messages);
  socket.set(zmq::sockopt::rcvhwm, config.receive_queue_messages);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(config.frame_bytes_max));
  // No ZMTP heartbeats: libzmq 4.3.4 sends one on a connection that it knows to have failed, when
  // it had stopped reading from it (a full queue, or another peer took the routing id over), and
  // aborts the process. Peers are known to live by what they say, connections by TCP's own means.
  socket.set(zmq::sockopt::handshake_ivl, milliseconds(10s));
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 30);  // Seconds.
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 10);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  socket.set(zmq::sockopt::tcp_maxrt, milliseconds(30s));
  if (is_router) {
    socket.set(zmq::sockopt::router_mandatory, true);
    socket.set(zmq::sockopt::router_handover, true);
  } else {
    socket.set(zmq::sockopt::reconnect_ivl, milliseconds(config.reconnect_after));
    socket.set(zmq::sockopt::reconnect_ivl_max, milliseconds(config.reconnect_after_max));
    if (!config.routing_id.empty()) socket.set(zmq::sockopt::routing_id, config.routing_id);
  }
  return socket;
}

struct LinkState {
  ZmqLinkConfig config;
  std::string endpoint;  ///< With the port that a wildcard became.
  /// None: after a reset that could not bind again yet, or for a moment after a lost connection.
  std::unique_ptr<zmq::socket_t> socket;
  std::unique_ptr<ConnectionWatch> watch;  ///< A DEALER's. It ends first.
  Micros open_next{0};                     ///< When wait() opens it again then.
  Micros lost_at = never;                  ///< When the connection's end was first seen.
  bool dropping = false;                   ///< In the middle of a message that is too long.
  bool wants_to_send = false;              ///< A DEALER that refused: wait() watches for room.
  bool is_free = false;                    ///< Disconnected: the number may be used again.

  /// Whether a DEALER has somebody to send to: else libzmq would queue it for whoever comes.
  [[nodiscard]] bool has_peer() const noexcept {
    return socket && (!watch || watch->is_connected());
  }
  void close() noexcept {
    watch.reset();
    socket.reset();
    dropping = false;
    wants_to_send = false;
    lost_at = never;
  }
};

/// Closing takes what is queued with it.
void drop_queues(LinkState& link) noexcept {
  if (!link.socket) return;
  try {
    link.socket->set(zmq::sockopt::linger, 0);
  } catch (const zmq::error_t&) {
    // Closing goes on without it.
  }
}

[[nodiscard]] bool has_unread(const LinkState& link) noexcept {
  int events = 0;
  std::size_t size = sizeof events;
  return zmq_getsockopt(link.socket->handle(), ZMQ_EVENTS, &events, &size) == 0 &&
         (events & ZMQ_POLLIN) != 0;
}

}  // namespace

// ---- Context

struct ZmqContext::Inside {
  explicit Inside(int io_threads) : context(io_threads) {
    context.set(zmq::ctxopt::max_sockets, sockets_max);
  }
  zmq::context_t context;
};

ZmqContext::ZmqContext(std::unique_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}
ZmqContext::~ZmqContext() = default;

Result<std::shared_ptr<ZmqContext>> ZmqContext::create(std::uint32_t io_threads) {
  if (io_threads < 1 || io_threads > 64) {
    return failure(Errc::invalid_argument, "a ZeroMQ context has 1 to 64 I/O threads");
  }
  try {
    auto inside = std::make_unique<Inside>(static_cast<int>(io_threads));
    return std::shared_ptr<ZmqContext>(new ZmqContext(std::move(inside)));
  } catch (const zmq::error_t& error) {
    return describe(error, "no ZeroMQ context");
  }
}

// ---- Transport

struct ZmqTransport::Inside {
  std::shared_ptr<ZmqContext> context;
  std::vector<LinkState> links;
  std::vector<zmq_pollitem_t> poll_items;
  int wake_fd = -1;
  std::atomic<bool> wake_pending{false};
  std::size_t link_now = 0;    ///< Where try_receive looks first,
  std::size_t burst_left = 0;  ///< and for how many messages more.
  std::uint64_t dropped = 0;

  ~Inside() {
    links.clear();
    if (wake_fd >= 0) ::close(wake_fd);
  }

  [[nodiscard]] LinkState& state(Link link) noexcept {
    const auto index = static_cast<std::size_t>(link);
    PINION_ASSERT(index < links.size());
    return links[index];
  }

  Result<void> open_socket(LinkState& link);
  void open_if_due(LinkState& link);
  enum class Unread : bool { none, kept };
  void end_if_lost(LinkState& link, Unread unread);
  std::optional<Frames> receive(LinkState& link);
  void take_wake() noexcept;
};

Result<void> ZmqTransport::Inside::open_socket(LinkState& link) {
  const bool is_router = link.config.role == ZmqRole::router_bind;
  try {
    zmq::context_t& zmq = context->inside_->context;
    auto socket = std::make_unique<zmq::socket_t>(make_socket(zmq, link.config));
    std::unique_ptr<ConnectionWatch> watch;
    if (is_router) {
      socket->bind(link.endpoint);
      link.endpoint = socket->get(zmq::sockopt::last_endpoint);
    } else {
      watch = std::make_unique<ConnectionWatch>(zmq, *socket);
      socket->connect(link.endpoint);
    }
    link.socket = std::move(socket);
    link.watch = std::move(watch);
    return {};
  } catch (const zmq::error_t& error) {
    return describe(error,
                    (is_router ? "cannot bind '" : "cannot connect '") + link.endpoint + "'");
  }
}

void ZmqTransport::Inside::open_if_due(LinkState& link) {
  if (link.socket || link.is_free) return;
  const Micros now = monotonic_now();
  if (now < link.open_next) return;
  if (!open_socket(link)) link.open_next = now + rebind_again_every;
}

/// A lost connection's socket goes, with what is queued in it, and another one takes its place:
/// what was meant for that connection does not reach the next, unless this thread looks away for
/// longer than libzmq takes to connect again by itself. What it brought is read before.
void ZmqTransport::Inside::end_if_lost(LinkState& link, Unread unread) {
  if (!link.watch) return;
  link.watch->look();
  if (!link.watch->is_lost()) return;
  const Micros now = monotonic_now();
  link.lost_at = std::min(link.lost_at, now);
  const bool may_be_read = unread == Unread::kept && now - link.lost_at < unread_kept_for;
  if (may_be_read && has_unread(link)) return;
  drop_queues(link);
  link.close();
  link.open_next = now + link.config.reconnect_after;
}

/// The link's next message, or nothing. A message with too many frames or bytes is dropped frame by
/// frame as it is read, so that it is never held here as a whole.
std::optional<Frames> ZmqTransport::Inside::receive(LinkState& link) {
  if (!link.socket) return std::nullopt;
  Frames frames;
  std::size_t bytes = 0;
  std::size_t drop_budget = drop_frames_budget;
  ZmqMessage message;
  while (true) {
    if (zmq_msg_recv(message.raw(), link.socket->handle(), ZMQ_DONTWAIT) < 0) {
      if (errno == EINTR) continue;
      // Messages arrive whole; if one did not, the rest of it is no message.
      link.dropping = link.dropping || !frames.empty();
      frames = Frames();
      bytes = 0;
      const bool was_lost = link.watch && link.watch->is_lost();
      end_if_lost(link, was_lost ? Unread::none : Unread::kept);
      // What came just before the end may have come just now.
      if (!was_lost && link.socket && link.watch && link.watch->is_lost()) continue;
      return std::nullopt;
    }
    const bool more = message.more();
    bytes += message.size();
    if (!link.dropping && (frames.size() == link.config.message_frames_max ||
                           bytes > link.config.message_bytes_max)) {
      link.dropping = true;
      ++dropped;
      frames = Frames();
    }
    if (!link.dropping) {
      frames.push_back(take_bytes(message));
      if (!more) return frames;
      continue;
    }
    link.dropping = more;
    if (!more) bytes = 0;
    if (--drop_budget == 0) return std::nullopt;
  }
}

void ZmqTransport::Inside::take_wake() noexcept {
  std::uint64_t count = 0;
  (void)!::read(wake_fd, &count, sizeof count);
  // Only now: a wake() before this is a part of this one, and what it announces is seen after it.
  wake_pending.exchange(false, std::memory_order_acq_rel);
}

ZmqTransport::ZmqTransport(std::unique_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}
ZmqTransport::~ZmqTransport() = default;

Result<std::unique_ptr<ZmqTransport>> ZmqTransport::open(std::shared_ptr<ZmqContext> context,
                                                         std::vector<ZmqLinkConfig> links) {
  auto inside = std::make_unique<Inside>();
  inside->context = std::move(context);
  inside->wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (inside->wake_fd < 0) return failure(Errc::io_failed, "no descriptor for wake-ups is left");
  inside->links.resize(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    PINION_CHECK(check_config(links[i]));
    inside->links[i].endpoint = links[i].endpoint;
    inside->links[i].config = std::move(links[i]);
    PINION_CHECK(inside->open_socket(inside->links[i]));
  }
  return std::unique_ptr<ZmqTransport>(new ZmqTransport(std::move(inside)));
}

std::string ZmqTransport::bound_endpoint(Link link) const { return inside_->state(link).endpoint; }

void ZmqTransport::wait(Micros timeout) {
  Inside& inside = *inside_;
  for (LinkState& link : inside.links) inside.open_if_due(link);
  std::vector<zmq_pollitem_t>& items = inside.poll_items;
  items.clear();
  items.push_back({nullptr, inside.wake_fd, ZMQ_POLLIN, 0});
  for (LinkState& link : inside.links) {
    if (link.is_free) continue;
    if (!link.socket) {
      timeout = std::min(timeout, rebind_again_every);
      continue;
    }
    const bool watches_room = link.wants_to_send && link.has_peer();
    const int events = ZMQ_POLLIN | (watches_room ? ZMQ_POLLOUT : 0);
    items.push_back({link.socket->handle(), 0, static_cast<short>(events), 0});
    if (link.watch) items.push_back({nullptr, link.watch->descriptor(), ZMQ_POLLIN, 0});
    link.wants_to_send = false;
  }
  timeout = std::clamp(timeout, Micros(0), Micros(1h));
  // An interrupted wait is a short one.
  (void)zmq_poll(items.data(), static_cast<int>(items.size()), milliseconds(timeout));
  if ((items[0].revents & ZMQ_POLLIN) != 0) inside.take_wake();
}

std::optional<Incoming> ZmqTransport::try_receive() {
  Inside& inside = *inside_;
  for (std::size_t looked = 0; looked <= inside.links.size(); ++looked) {
    if (inside.burst_left == 0) {
      inside.link_now = inside.link_now + 1 < inside.links.size() ? inside.link_now + 1 : 0;
      inside.burst_left = burst_messages;
    }
    std::optional<Frames> frames = inside.receive(inside.links[inside.link_now]);
    if (frames) {
      --inside.burst_left;
      return Incoming{static_cast<Link>(inside.link_now), std::move(*frames)};
    }
    inside.burst_left = 0;
  }
  return std::nullopt;
}

Sent ZmqTransport::try_send(Link link_id, Frames frames) {
  LinkState& link = inside_->state(link_id);
  const bool is_router = link.config.role == ZmqRole::router_bind;
  PINION_ASSERT(frames.size() > (is_router ? 1U : 0U));
  inside_->open_if_due(link);
  if (!link.socket) return is_router ? Sent::no_peer : Sent::would_block;
  inside_->end_if_lost(link, Inside::Unread::kept);
  if (!link.has_peer()) {
    link.wants_to_send = true;
    return Sent::would_block;
  }
  bool peer_left = false;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    ZmqMessage message;
    const bool filled = fill_message(message, frames[i]);
    PINION_ASSERT(filled);  // Out of memory ends the process, as it does everywhere else.
    const int flags = ZMQ_DONTWAIT | (i + 1 < frames.size() ? ZMQ_SNDMORE : 0);
    int result = 0;
    do {
      result = zmq_msg_send(message.raw(), link.socket->handle(), flags);
    } while (result < 0 && errno == EINTR);
    if (result >= 0) continue;
    if (i == 0) {
      if (errno != EAGAIN) return Sent::no_peer;
      link.wants_to_send = !is_router;
      return Sent::would_block;
    }
    // The peer left between two frames. libzmq drops the others, but must be given them: otherwise
    // the next message would be taken for the rest of this one.
    peer_left = true;
  }
  return peer_left ? Sent::no_peer : Sent::queued;
}

Result<Link> ZmqTransport::connect(const std::string& endpoint, const std::string& routing_id) {
  LinkState link;
  link.endpoint = endpoint;
  link.config.role = ZmqRole::dealer_connect;
  link.config.endpoint = endpoint;
  link.config.routing_id = routing_id;
  PINION_CHECK(check_config(link.config));
  PINION_CHECK(inside_->open_socket(link));
  std::vector<LinkState>& links = inside_->links;
  const auto free = std::find_if(links.begin(), links.end(),
                                 [](const LinkState& other) { return other.is_free; });
  if (free != links.end()) {
    *free = std::move(link);
    return static_cast<Link>(free - links.begin());
  }
  if (links.size() > std::numeric_limits<std::underlying_type_t<Link>>::max()) {
    return failure(Errc::io_failed, "too many connections");
  }
  links.push_back(std::move(link));
  return static_cast<Link>(links.size() - 1);
}

void ZmqTransport::disconnect(Link link_id) {
  LinkState& link = inside_->state(link_id);
  PINION_ASSERT(link.config.role == ZmqRole::dealer_connect);
  drop_queues(link);
  link.close();
  link = LinkState();
  link.is_free = true;
}

void ZmqTransport::reset(Link link_id) {
  LinkState& link = inside_->state(link_id);
  drop_queues(link);  // What it holds is why it goes.
  if (link.socket && link.config.role == ZmqRole::router_bind) {
    try {
      link.socket->unbind(link.endpoint);
    } catch (const zmq::error_t&) {
      // Closing does the same, only later.
    }
  }
  link.close();
  // The old socket gives its address back from a thread of libzmq, some time soon.
  for (int tries = 0; tries < rebind_tries; ++tries) {
    if (inside_->open_socket(link)) return;
    std::this_thread::sleep_for(rebind_pause);
  }
  link.open_next = monotonic_now() + rebind_again_every;
}

void ZmqTransport::wake() {
  if (inside_->wake_pending.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  (void)!::write(inside_->wake_fd, &one, sizeof one);
}

std::uint64_t ZmqTransport::dropped() const { return inside_->dropped; }

}  // namespace pinion
