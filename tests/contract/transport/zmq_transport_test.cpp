// What drivers rely on of common/ports/transport.hpp, over real sockets on 127.0.0.1.
#include "common/zmq/zmq_transport.hpp"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "common/zmq/zmq_frames.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace pinion {
namespace {

constexpr Link only{0};
constexpr auto patience = std::chrono::seconds(20);

Frames frames_of(std::initializer_list<std::string_view> texts) {
  Frames frames;
  for (const std::string_view text : texts) frames.push_back(Bytes::copy_of(text));
  return frames;
}

std::shared_ptr<ZmqContext> make_context() {
  auto context = ZmqContext::create();
  REQUIRE(context);
  return *context;
}

std::unique_ptr<ZmqTransport> open_one(const std::shared_ptr<ZmqContext>& context,
                                       ZmqLinkConfig config) {
  auto transport = ZmqTransport::open(context, {std::move(config)});
  REQUIRE(transport);
  return std::move(*transport);
}

ZmqLinkConfig router_config(std::string endpoint = "tcp://127.0.0.1:*") {
  ZmqLinkConfig config;
  config.role = ZmqRole::router_bind;
  config.endpoint = std::move(endpoint);
  return config;
}
ZmqLinkConfig dealer_config(std::string endpoint, std::string routing_id) {
  ZmqLinkConfig config;
  config.endpoint = std::move(endpoint);
  config.routing_id = std::move(routing_id);
  return config;
}

/// Until a message comes; fails the test when none does.
Incoming receive(Transport& transport) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    if (auto incoming = transport.try_receive()) return std::move(*incoming);
    REQUIRE(std::chrono::steady_clock::now() < end);
    transport.wait(Micros(100ms));
  }
}

/// Until the socket takes it: a DEALER is not connected at once.
void send(Transport& transport, Link link, const Frames& frames) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (transport.try_send(link, frames) != Sent::queued) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    transport.wait(Micros(100ms));
  }
}

struct Pair {
  std::shared_ptr<ZmqContext> context = make_context();
  std::unique_ptr<ZmqTransport> router = open_one(context, router_config());
  std::unique_ptr<ZmqTransport> dealer =
      open_one(context, dealer_config(router->bound_endpoint(only), "c1"));
};

/// A plain TCP socket at an address of 127.0.0.1 that somebody has just let go of.
class Listener {
 public:
  explicit Listener(const std::string& endpoint)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    const int yes = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const auto end = std::chrono::steady_clock::now() + patience;
    while (::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      REQUIRE(std::chrono::steady_clock::now() < end);
    }
    REQUIRE(::listen(socket_, 8) == 0);
  }
  ~Listener() { close(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] bool accepts_one() const {
    pollfd item{socket_, POLLIN, 0};
    return ::poll(&item, 1, 20'000) == 1;
  }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

 private:
  int socket_;
};

TEST_CASE("transport: a message goes there and back with its frames in order", "[transport]") {
  Pair pair;
  send(*pair.dealer, only, frames_of({"", "header", "body", "records"}));
  const Incoming request = receive(*pair.router);
  CHECK(request.link == only);
  CHECK(request.frames == frames_of({"c1", "", "header", "body", "records"}));
  CHECK(pair.router->try_send(only, frames_of({"c1", "", "answer"})) == Sent::queued);
  CHECK(receive(*pair.dealer).frames == frames_of({"", "answer"}));
}

TEST_CASE("transport: frames of every size arrive whole, copied or shared", "[transport]") {
  Pair pair;
  for (const std::size_t size : {std::size_t{1}, zmq_shared_bytes_min - 1, zmq_shared_bytes_min,
                                 2 * zmq_shared_bytes_min, 1 * limits::mib, 16 * limits::mib}) {
    std::string text(size, 'x');
    text.front() = 'a';
    text.back() = 'z';
    send(*pair.dealer, only, {Bytes(), Bytes(text)});
    const Incoming incoming = receive(*pair.router);
    REQUIRE(incoming.frames.size() == 3);
    CHECK(incoming.frames[2].view() == text);
    // Passed on as it came, as the broker does.
    REQUIRE(pair.router->try_send(only, incoming.frames) == Sent::queued);
    CHECK(receive(*pair.dealer).frames[1].view() == text);
  }
}

TEST_CASE("transport: a large frame's memory is shared and given back", "[transport]") {
  Pair pair;
  std::atomic<int> released{0};
  {
    std::string text(limits::mib, 'x');
    const char* data = text.data();
    std::shared_ptr<const void> owner(new std::string(std::move(text)), [&](const void* p) {
      delete static_cast<const std::string*>(p);
      ++released;
    });
    send(*pair.dealer, only, {Bytes(), Bytes(std::move(owner), data, limits::mib)});
  }
  CHECK(receive(*pair.router).frames[2].size() == limits::mib);
  pair.dealer.reset();
  pair.router.reset();
  pair.context.reset();  // Waits for libzmq's threads.
  CHECK(released == 1);
}

TEST_CASE("transport: a frame outlives the socket that it came from", "[transport]") {
  Bytes kept;
  {
    Pair pair;
    send(*pair.dealer, only, {Bytes(), Bytes(std::string(100'000, 'k'))});
    kept = receive(*pair.router).frames[2];
  }
  CHECK(kept.view() == std::string(100'000, 'k'));
}

TEST_CASE("transport: a peer that is not there is no_peer, and nothing was sent", "[transport]") {
  const auto context = make_context();
  const auto router = open_one(context, router_config());
  CHECK(router->try_send(only, frames_of({"c1", "", "early"})) == Sent::no_peer);
  const auto dealer = open_one(context, dealer_config(router->bound_endpoint(only), "c1"));
  send(*dealer, only, frames_of({"", "hello"}));
  receive(*router);
  CHECK(router->try_send(only, frames_of({"c2", "", "stranger"})) == Sent::no_peer);
  CHECK(router->try_send(only, frames_of({"c1", "", "answer"})) == Sent::queued);
  CHECK(receive(*dealer).frames == frames_of({"", "answer"}));
}

TEST_CASE("transport: a DEALER without its ROUTER would block, and wait ends when it is there",
          "[transport]") {
  std::string endpoint;
  {
    // A context of its own: when that has ended, the address is free for certain.
    const auto passing = make_context();
    endpoint = open_one(passing, router_config())->bound_endpoint(only);
  }
  const auto context = make_context();
  const auto dealer = open_one(context, dealer_config(endpoint, "c1"));
  CHECK(dealer->try_send(only, frames_of({"", "stale"})) == Sent::would_block);
  std::unique_ptr<ZmqTransport> again;
  while (!again) {
    auto opened = ZmqTransport::open(context, {router_config(endpoint)});
    if (opened) again = std::move(*opened);
  }
  const auto begin = std::chrono::steady_clock::now();
  dealer->wait(std::chrono::duration_cast<Micros>(patience));
  CHECK(std::chrono::steady_clock::now() - begin < patience);
  CHECK(dealer->try_send(only, frames_of({"", "fresh"})) == Sent::queued);
  CHECK(receive(*again).frames == frames_of({"c1", "", "fresh"}));
}

TEST_CASE("transport: a peer that does not read would block and hurts nobody else", "[transport]") {
  const auto context = make_context();
  ZmqLinkConfig config = router_config();
  config.send_queue_messages = 10;
  const auto router = open_one(context, config);
  ZmqLinkConfig slow_config = dealer_config(router->bound_endpoint(only), "slow");
  slow_config.receive_queue_messages = 10;
  const auto slow = open_one(context, slow_config);
  const auto quick = open_one(context, dealer_config(router->bound_endpoint(only), "quick"));
  send(*slow, only, frames_of({"", "hello"}));
  send(*quick, only, frames_of({"", "hello"}));
  receive(*router);
  receive(*router);
  const Bytes body(std::string(limits::mib, 'x'));
  std::size_t queued = 0;
  Sent sent = Sent::queued;
  while (sent == Sent::queued && queued < 1'000) {
    sent = router->try_send(only, {Bytes::copy_of("slow"), Bytes(), body});
    queued += sent == Sent::queued ? 1 : 0;
  }
  CHECK(sent == Sent::would_block);
  CHECK(queued < 1'000);
  CHECK(router->try_send(only, frames_of({"quick", "", "answer"})) == Sent::queued);
  CHECK(receive(*quick).frames == frames_of({"", "answer"}));
  // What was queued is whole, and in order; nothing of what was refused is between.
  for (std::size_t i = 0; i < queued; ++i) {
    const Incoming incoming = receive(*slow);
    REQUIRE(incoming.frames.size() == 2);
    REQUIRE(incoming.frames[1].size() == limits::mib);
  }
}

TEST_CASE("transport: a restarted peer takes its routing id over", "[transport]") {
  const auto context = make_context();
  const auto router = open_one(context, router_config());
  ZmqLinkConfig first_config = dealer_config(router->bound_endpoint(only), "c1");
  first_config.reconnect_after = Micros(-1ms);  // Never: it hangs, and its connection with it.
  const auto first = open_one(context, first_config);
  send(*first, only, frames_of({"", "first life"}));
  receive(*router);
  const auto second = open_one(context, dealer_config(router->bound_endpoint(only), "c1"));
  send(*second, only, frames_of({"", "second life"}));
  CHECK(receive(*router).frames == frames_of({"c1", "", "second life"}));
  CHECK(router->try_send(only, frames_of({"c1", "", "answer"})) == Sent::queued);
  CHECK(receive(*second).frames == frames_of({"", "answer"}));
}

TEST_CASE("transport: a message of too many frames is dropped and counted, others pass",
          "[transport]") {
  const auto context = make_context();
  ZmqLinkConfig config = router_config();
  config.message_frames_max = 8;
  config.message_bytes_max = 64 * limits::kib;
  const auto router = open_one(context, config);
  const auto dealer = open_one(context, dealer_config(router->bound_endpoint(only), "c1"));
  send(*dealer, only, frames_of({"", "before"}));
  send(*dealer, only, Frames(100'000, Bytes::copy_of("tiny")));
  send(*dealer, only, Frames(7, Bytes::copy_of("just fits")));
  send(*dealer, only, Frames(8, Bytes::copy_of("one too many")));
  send(*dealer, only, {Bytes(), Bytes(std::string(65 * limits::kib, 'l'))});
  send(*dealer, only, frames_of({"", "after"}));
  CHECK(receive(*router).frames == frames_of({"c1", "", "before"}));
  CHECK(receive(*router).frames.size() == 8);
  CHECK(receive(*router).frames == frames_of({"c1", "", "after"}));
  CHECK(router->dropped() == 3);
}

TEST_CASE("transport: a frame over the limit cuts its sender off, and only it", "[transport]") {
  const auto context = make_context();
  ZmqLinkConfig config = router_config();
  config.frame_bytes_max = 10'000;
  const auto router = open_one(context, config);
  const auto other = open_one(context, dealer_config(router->bound_endpoint(only), "other"));
  const auto bad = open_one(context, dealer_config(router->bound_endpoint(only), "bad"));
  send(*bad, only, {Bytes(), Bytes(std::string(10'001, 'x'))});
  for (int i = 0; i < 20; ++i) {
    send(*other, only, frames_of({"", "served"}));
    CHECK(receive(*router).frames == frames_of({"other", "", "served"}));
  }
}

TEST_CASE("transport: wake ends a wait from another thread, before it or during it",
          "[transport]") {
  Pair pair;
  const auto begin = std::chrono::steady_clock::now();
  pair.router->wake();
  pair.router->wake();
  pair.router->wait(std::chrono::duration_cast<Micros>(patience));
  for (int i = 0; i < 100; ++i) {
    std::thread waker([&] { pair.router->wake(); });
    pair.router->wait(std::chrono::duration_cast<Micros>(patience));
    waker.join();
  }
  CHECK(std::chrono::steady_clock::now() - begin < patience);
}

TEST_CASE("transport: no wake-up is lost", "[transport]") {
  Pair pair;
  std::atomic<int> announced{0};
  std::thread producer([&] {
    for (int i = 1; i <= 20'000; ++i) {
      announced.store(i, std::memory_order_relaxed);
      pair.router->wake();
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  while (announced.load(std::memory_order_relaxed) < 20'000) {
    pair.router->wait(std::chrono::duration_cast<Micros>(patience));
  }
  producer.join();
  CHECK(std::chrono::steady_clock::now() - begin < patience);
}

TEST_CASE("transport: wait ends by itself", "[transport]") {
  Pair pair;
  const auto begin = std::chrono::steady_clock::now();
  pair.router->wait(Micros(20ms));
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(15));
  CHECK_FALSE(pair.router->try_receive());
}

TEST_CASE("transport: links are served in turn", "[transport]") {
  const auto context = make_context();
  auto opened = ZmqTransport::open(context, {router_config(), router_config()});
  REQUIRE(opened);
  ZmqTransport& both = **opened;
  const auto busy = open_one(context, dealer_config(both.bound_endpoint(Link{0}), "busy"));
  const auto calm = open_one(context, dealer_config(both.bound_endpoint(Link{1}), "calm"));
  for (int i = 0; i < 500; ++i) send(*busy, only, frames_of({"", "more"}));
  send(*calm, only, frames_of({"", "please"}));
  int before = 0;
  while (receive(both).link != Link{1}) ++before;
  CHECK(before <= 500);
  int after = 0;
  while (before + after < 500) {
    REQUIRE(receive(both).link == Link{0});
    ++after;
  }
}

TEST_CASE("transport: a reset ROUTER keeps its address and its peers come back", "[transport]") {
  Pair pair;
  const std::string endpoint = pair.router->bound_endpoint(only);
  send(*pair.dealer, only, frames_of({"", "before"}));
  receive(*pair.router);
  for (int i = 0; i < 5; ++i) {
    pair.router->reset(only);
    CHECK(pair.router->bound_endpoint(only) == endpoint);
    // What is sent into a connection that is just ending may be lost; so say it until it is heard.
    const auto end = std::chrono::steady_clock::now() + patience;
    std::optional<Incoming> heard;
    while (!heard && std::chrono::steady_clock::now() < end) {
      (void)pair.dealer->try_send(only, frames_of({"", "again"}));
      pair.router->wait(Micros(5ms));
      heard = pair.router->try_receive();
    }
    REQUIRE(heard);
    CHECK(heard->frames == frames_of({"c1", "", "again"}));
  }
}

TEST_CASE("transport: a reset DEALER is a fresh connection of the same name", "[transport]") {
  Pair pair;
  send(*pair.dealer, only, frames_of({"", "before"}));
  receive(*pair.router);
  pair.dealer->reset(only);
  send(*pair.dealer, only, frames_of({"", "after"}));
  CHECK(receive(*pair.router).frames == frames_of({"c1", "", "after"}));
}

TEST_CASE("transport: a connection that ends while messages wait to be read ends only that",
          "[transport]") {
  // Whatever number of frames libzmq reads before it looks at what its connections have become.
  for (const std::size_t frames : {3U, 5U, 7U}) {
    CAPTURE(frames);
    std::string endpoint;
    const auto context = make_context();
    std::unique_ptr<ZmqTransport> dealer;
    {
      ZmqLinkConfig config = router_config();
      config.linger = 5s;  // All that it has sent leaves, however slow the machine is.
      const auto router = open_one(make_context(), config);
      endpoint = router->bound_endpoint(only);
      dealer = open_one(context, dealer_config(endpoint, "c1"));
      send(*dealer, only, frames_of({"", "hello"}));
      receive(*router);
      Frames message = frames_of({"c1"});
      message.resize(1 + frames, Bytes::copy_of("frame"));
      for (int i = 0; i < 300; ++i) send(*router, only, message);
      receive(*dealer);  // It is in the middle of reading them.
    }
    // It knows that the connection has ended when it tries the next one.
    Listener listener(endpoint);
    REQUIRE(listener.accepts_one());
    std::size_t received = 1;
    while (auto incoming = dealer->try_receive()) {
      REQUIRE(incoming->frames.size() == frames);
      ++received;
      // Who sends before all is read loses none of it.
      CHECK(dealer->try_send(only, frames_of({"", "too late"})) != Sent::no_peer);
    }
    CHECK(received == 300);
    listener.close();

    std::unique_ptr<ZmqTransport> again;
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!again && std::chrono::steady_clock::now() < end) {
      auto opened = ZmqTransport::open(make_context(), {router_config(endpoint)});
      if (opened) again = std::move(*opened);
    }
    REQUIRE(again);
    send(*dealer, only, frames_of({"", "again"}));
    CHECK(receive(*again).frames == frames_of({"c1", "", "again"}));
  }
}

TEST_CASE("transport: what cannot be opened says why", "[transport]") {
  const auto context = make_context();
  const auto router = open_one(context, router_config());
  const auto code_of = [&](ZmqLinkConfig config) {
    auto opened = ZmqTransport::open(context, {std::move(config)});
    return opened ? Errc::ok : opened.error().code;
  };
  CHECK(code_of(router_config(router->bound_endpoint(only))) == Errc::io_failed);
  CHECK(code_of(router_config("tcp://192.0.2.1:5550")) == Errc::io_failed);
  CHECK(code_of(router_config("carrier-pigeon://x")) == Errc::invalid_argument);
  CHECK(code_of(router_config("")) == Errc::invalid_argument);
  CHECK(code_of(dealer_config("tcp://127.0.0.1", "c1")) == Errc::invalid_argument);
  CHECK(code_of(dealer_config("tcp://127.0.0.1:1", std::string(256, 'x'))) ==
        Errc::invalid_argument);
  CHECK(code_of(dealer_config("tcp://127.0.0.1:1", std::string(1, '\0'))) ==
        Errc::invalid_argument);
  CHECK_FALSE(ZmqContext::create(0));
}

}  // namespace
}  // namespace pinion
