// Raw hostile input at a partition broker's data port, where anybody may connect.
#include "common/obs/process_memory.hpp"
#include "common/proto/codec.hpp"
#include "common/zmq/zmq_transport.hpp"
#include "partition/app/partition_server.hpp"
#include "tests/integration/partition/played_broker.hpp"
#include "tests/support/raw_peer.hpp"
#include "tests/support/test_process.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <string>

namespace pinion::test {

namespace {

constexpr Micros soon = 30s;

/// Whether a fetch that comes in at the data port is answered, on a connection of its own.
bool is_served(const std::string& endpoint) {
  auto context = ZmqContext::create();
  REQUIRE(context);
  ZmqLinkConfig link;
  link.endpoint = endpoint;
  link.routing_id = "n9.1";
  auto transport = ZmqTransport::open(*context, {link});
  REQUIRE(transport);
  Message fetch;
  fetch.header.kind = Kind::fetch;
  fetch.header.request_id = RequestId{1};
  fetch.header.topic = orders.topic;
  fetch.header.partition = orders.partition;
  fetch.body = Fetch{};
  Frames frames = encode(fetch);
  frames.insert(frames.begin(), Bytes());
  if (!eventually(soon, [&] { return (*transport)->try_send(Link{0}, frames) == Sent::queued; })) {
    return false;
  }
  return eventually(soon, [&] { return (*transport)->try_receive().has_value(); });
}

/// Small frames that never end a message: a mebibyte that takes four in memory.
std::string tiny_frames() {
  std::string many;
  for (int i = 0; i < 30'000; ++i) many += std::string("\x01\x21", 2) + std::string(33, 'x');
  return many;
}

}  // namespace

TEST_CASE("partition hostile: a message that never ends trips the memory fuse",
          "[integration][partition]") {
  TemporaryFolder folder;
  PlayedBroker broker;
  PartitionConfig config;
  config.broker = broker.endpoint();
  config.data_dir = folder / "node";
  config.low_space_mib = 8;
  // What other tests left in this process is not this node's.
  const std::uint64_t before = ProcessMemory().bytes() / limits::mib;
  config.memory_fuse_mib = static_cast<std::uint32_t>(128 + before);
  auto server = PartitionServer::start(config);
  if (!server) FAIL(server.error().to_string());
  broker.admit(1, 60s);
  broker.assign({orders});
  broker.await_online(1);
  REQUIRE(broker.last_heartbeat().load.requests_refused == 0);

  const std::string endpoint = broker.node_address();
  RawPeer peer(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
  REQUIRE(peer.shake_hands("hostile"));
  const std::string many = tiny_frames();
  // Until it is cut off; a node without a fuse would take all of these 500 MiB, and hold four times
  // as much.
  int sent = 0;
  while (sent < 500 && peer.send_bytes(many)) ++sent;
  CHECK(sent < 500);

  broker.until([&] { return broker.last_heartbeat().load.requests_refused >= 1; });
  CHECK(broker.answer(broker.produce(batch_of({"a"}))).header.error == Errc::ok);
  CHECK(is_served(endpoint));
}

TEST_CASE("partition hostile: what a peer held is given back to the system when it has left",
          "[integration][partition]") {
  TemporaryFolder folder;
  PlayedBroker broker;
  PartitionConfig config;
  config.broker = broker.endpoint();
  config.data_dir = folder / "node";
  config.low_space_mib = 8;
  const ProcessMemory memory;
  memory.trim();
  const std::uint64_t before = memory.bytes();
  // Never reached.
  config.memory_fuse_mib = static_cast<std::uint32_t>(512 + before / limits::mib);
  auto server = PartitionServer::start(config);
  if (!server) FAIL(server.error().to_string());
  broker.admit(1, 60s);
  broker.assign({orders});
  broker.await_online(1);

  const std::uint64_t rise = (512 * limits::mib + before) / 8 + 64 * limits::mib;
  const std::string endpoint = broker.node_address();
  const int port = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
  // Others come meanwhile and stay. What they hold lies behind what is free then, so that it does
  // not go back by itself.
  std::deque<RawPeer> others;
  {
    RawPeer peer(port);
    REQUIRE(peer.shake_hands("hostile"));
    const std::string many = tiny_frames();
    REQUIRE(eventually(soon, [&] {
      for (int i = 0; i < 4; ++i) REQUIRE(peer.send_bytes(many));
      others.emplace_back(port);
      REQUIRE(others.back().shake_hands("other-" + std::to_string(others.size())));
      return memory.bytes() >= before + rise;
    }));
  }
  CHECK(eventually(soon, [&] { return memory.bytes() < before + rise / 2; }));
  CHECK(broker.last_heartbeat().load.requests_refused == 0);  // The fuse did not trip.
  CHECK(is_served(endpoint));
}

}  // namespace pinion::test
