// Raw hostile input on the client port while another client is served as before.
#include "tests/integration/broker/played_peers.hpp"

#include "common/base/prng.hpp"

using namespace pinion;
using namespace pinion::test;

namespace {

using More = RawPeer::More;

class Fixture {
 public:
  Fixture() : topic(cluster.topic(*client, "orders")) {}

  [[nodiscard]] bool others_are_served() const {
    for (int i = 0; i < 5; ++i) {
      if (!is_served(*client, topic)) return false;
    }
    return true;
  }
  [[nodiscard]] BrokerStatus status() const {
    return client->ask<ClusterStatusReply>(ClusterStatusRequest{}).broker;
  }
  [[nodiscard]] bool refused_more_than(std::uint64_t before) const {
    return eventually(patience_of_peers, [&] { return status().refused_malformed > before; });
  }
  /// A raw peer that has shaken hands.
  [[nodiscard]] std::unique_ptr<RawPeer> raw(const std::string& id = "hostile") const {
    auto peer = std::make_unique<RawPeer>(cluster.port());
    REQUIRE(peer->shake_hands(id));
    return peer;
  }

  PlayedCluster cluster;
  PlayedNode node{cluster.config.cluster_bind};
  std::unique_ptr<PlayedPeer> client = cluster.client("c-good");
  TopicId topic;
};

void send(RawPeer& peer, const Message& message) {
  const Frames frames = encode(message);
  REQUIRE(peer.send_frame("", More::yes));
  REQUIRE(peer.send_frame(frames[0].view(), More::yes));
  REQUIRE(peer.send_frame(frames[1].view(), More::no));
}

[[nodiscard]] std::string nested_arrays(int depth) {
  std::string bytes(static_cast<std::size_t>(depth), '\x91');
  return bytes + '\xc0';
}

}  // namespace

TEST_CASE("broker hostile: random bytes instead of a greeting", "[integration][broker]") {
  Fixture f;
  Prng prng(3);
  for (int i = 0; i < 50; ++i) {
    RawPeer peer(f.cluster.port());
    std::string bytes(prng.below(2'000) + 1, '\0');
    for (char& byte : bytes) byte = static_cast<char>(prng.next());
    peer.send_bytes(bytes);
  }
  CHECK(f.others_are_served());
}

TEST_CASE("broker hostile: frames that are no messages are counted", "[integration][broker]") {
  Fixture f;
  const auto peer = f.raw();
  const std::string header(encode_header({.kind = Kind::metadata}).view());
  const std::vector<std::vector<std::string>> messages = {
      {""},
      {"one frame"},
      {"", ""},
      {"", header},                                          // The body is missing.
      {"", header, std::string("\xdd\xff\xff\xff\xff", 5)},  // An array of 2^32 elements.
      {"", header, nested_arrays(10'000)},
      {"", nested_arrays(200), "x"},
      {"", std::string(5'000, 'h'), "x"},
      {"a", "b", "c", "d", "e", "", header, "x"},
      {std::string(300, 'r'), "", header, "x"},
  };
  for (const auto& frames : messages) {
    const std::uint64_t before = f.status().refused_malformed;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      REQUIRE(peer->send_frame(frames[i], i + 1 < frames.size() ? More::yes : More::no));
    }
    // A body that cannot be read comes from a client that never said hello: that goes first.
    if (frames.size() == 3 && frames[1] == header) continue;
    CHECK(f.refused_more_than(before));
  }
  CHECK(f.others_are_served());
}

TEST_CASE("broker hostile: a known client's nonsense is answered", "[integration][broker]") {
  Fixture f;
  const auto bad = f.cluster.client("c-bad");
  for (const std::string& body : {std::string("\xc1"), nested_arrays(10'000),
                                  std::string("\xdd\xff\xff\xff\xff", 5), std::string()}) {
    REQUIRE(bad->send(Frames{Bytes(), encode_header({.kind = Kind::metadata}),
                             Bytes::copy_of(body.empty() ? "\x93" : body)}));
    CHECK(bad->await(Kind::metadata_reply).header.error == Errc::malformed);
  }
  Header version{.kind = Kind::metadata};
  version.version = 9;
  REQUIRE(bad->send(Frames{Bytes(), encode_header(version), Bytes::copy_of("x")}));
  CHECK(bad->await(Kind::metadata_reply).header.error == Errc::unsupported_version);
  Header kind{.kind = static_cast<Kind>(199)};
  REQUIRE(bad->send(Frames{Bytes(), encode_header(kind), Bytes::copy_of("x")}));
  const auto frames = bad->receive();
  REQUIRE(frames);
  CHECK(salvage_header((*frames)[1].view())->kind == static_cast<Kind>(200));
  CHECK(f.others_are_served());
}

TEST_CASE("broker hostile: a frame that announces two gibibytes", "[integration][broker]") {
  Fixture f;
  const auto peer = f.raw();
  REQUIRE(peer->send_frame("", More::yes));
  peer->send_frame_header(std::uint64_t{2} << 30U, More::no);
  CHECK(peer->closed_within(10'000));
  CHECK(f.others_are_served());
}

TEST_CASE("broker hostile: a million tiny messages", "[integration][broker]") {
  Fixture f;
  const auto peer = f.raw();
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += std::string("\x00\x01x", 3);
  for (int i = 0; i < 100; ++i) {
    if (!peer->send_bytes(many)) break;
    if (i % 25 == 0) CHECK(f.others_are_served());
  }
  CHECK(f.others_are_served());
}

TEST_CASE("broker hostile: a message that never ends trips the memory fuse",
          "[integration][broker]") {
  Fixture f;
  const auto before = f.status();
  REQUIRE(before.fuse_trips == 0);
  const auto peer = f.raw();
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += std::string("\x01\x64", 2) + std::string(100, 'x');
  // Until it is cut off; a broker without a fuse would take all of these 2 GiB.
  int sent = 0;
  while (sent < 2'000 && peer->send_bytes(many)) ++sent;
  CHECK(sent < 2'000);

  // Everybody was cut off with it; who says hello again is served.
  REQUIRE(eventually(patience_of_peers, [&] {
    f.client->send(Hello{}, Kind::hello);
    const auto frames = f.client->receive(500ms);
    const auto received = frames ? decode(*frames) : failure(Errc::timed_out);
    return received && received->message.header.kind == Kind::hello_reply;
  }));
  CHECK(eventually(patience_of_peers, [&] { return f.status().fuse_trips >= 1; }));
  CHECK(f.others_are_served());
}

TEST_CASE("broker hostile: a client that asks and never reads", "[integration][broker]") {
  Fixture f;
  const auto lazy = f.cluster.client("c-lazy");
  Fetch fetch;
  for (int i = 0; i < 20'000; ++i) {
    lazy->send(fetch, Kind::fetch, [&](Header& header) { header.topic = f.topic; });
    if (i % 4'000 == 0) CHECK(f.others_are_served());
  }
  CHECK(f.others_are_served());
}

TEST_CASE("broker hostile: a client that asks for gigabytes and reads nothing harms nobody",
          "[integration][broker]") {
  Fixture f;
  const auto before = f.status();
  const auto greedy = f.raw("c-greedy");
  send(*greedy, {{.kind = Kind::hello}, Hello{}, {}});
  REQUIRE(eventually(patience_of_peers, [&] { return f.status().clients == before.clients + 1; }));
  Fetch fetch;
  fetch.bytes_max = limits::fetch_bytes_max;
  Header header{.kind = Kind::fetch, .topic = f.topic, .timeout_ms = 20'000};
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 5; ++i) {
      header.request_id = RequestId(header.request_id.raw() + 1);
      send(*greedy, {header, fetch, {}});
    }
    CHECK(f.others_are_served());
  }
  const auto after = f.status();
  CHECK(after.fuse_trips == 0);
  CHECK(after.clients == before.clients + 1);
  CHECK(after.refused_throttled > before.refused_throttled);
}

TEST_CASE("broker hostile: many clients that say hello and nothing else", "[integration][broker]") {
  Fixture f;
  std::vector<std::unique_ptr<RawPeer>> peers;
  const Message hello{{.kind = Kind::hello}, Hello{}, {}};
  const Frames frames = encode(hello);
  for (int i = 0; i < 200; ++i) {
    peers.push_back(f.raw("c-" + std::to_string(i)));
    peers.back()->send_frame("", More::yes);
    peers.back()->send_frame(frames[0].view(), More::yes);
    peers.back()->send_frame(frames[1].view(), More::no);
  }
  std::uint32_t clients = 0;
  const bool all = eventually(patience_of_peers, [&] {
    clients = f.status().clients;
    return clients >= 201;
  });
  CAPTURE(clients);
  REQUIRE(all);
  CHECK(f.others_are_served());
}

TEST_CASE("broker hostile: the cluster's port takes nonsense too", "[integration][broker]") {
  Fixture f;
  const std::string& endpoint = f.cluster.config.cluster_bind;
  RawPeer peer(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
  REQUIRE(peer.shake_hands("n77"));
  for (const std::string& text :
       {std::string("x"), nested_arrays(5'000), std::string(70'000, 'x')}) {
    peer.send_frame(text, More::yes);
    peer.send_frame("", More::yes);
    peer.send_frame(text, More::no);
    peer.send_frame("", More::yes);
    peer.send_frame(text, More::yes);
    peer.send_frame(text, More::no);
  }
  CHECK(f.refused_more_than(0));
  CHECK(f.others_are_served());
}
