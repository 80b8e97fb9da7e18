#include "broker/core/broker.hpp"

#include <catch2/catch.hpp>

#include "common/base/prng.hpp"
#include "common/proto/codec.hpp"
#include "tests/support/memory_meta_store.hpp"

#include <memory>

using namespace pinion;

namespace {

class BrokerFixture {
 public:
  BrokerFixture() {
    test::MemoryMetaStore store(disk);
    BrokerOptions options;
    options.version = "1.2.3";
    broker = std::make_unique<Broker>(options, *store.begin_term(Restored::no), now);
  }

  void step(BrokerInput input) {
    broker->step(now, std::move(input), out);
    broker->check_invariants();
  }
  void persist() {
    while (!out.persist.empty()) {
      std::vector<MetaWrite> group = std::move(out.persist);
      out.persist.clear();
      test::MemoryMetaStore store(disk);
      REQUIRE(store.apply(group));
      step(MetaPersisted{group.back().ticket});
    }
  }
  void tick(Micros after) {
    now.monotonic += after;
    now.wall += after;
    step(Tick{});
  }

  void lose_node() {
    for (int i = 0; i < 20; ++i) tick(100ms);
  }

  [[nodiscard]] static Message message(Body body, Kind kind, int request = 1) {
    Message m;
    m.header.kind = kind;
    m.header.request_id = RequestId(static_cast<std::uint64_t>(request));
    m.body = std::move(body);
    return m;
  }
  [[nodiscard]] static Frames frames(const std::string& peer, const Message& m) {
    Frames encoded = encode(m);
    encoded.insert(encoded.begin(), Bytes());
    encoded.insert(encoded.begin(), Bytes::copy_of(peer));
    return encoded;
  }
  void from_client(const std::string& peer, const Message& m) { step(FromClient{frames(peer, m)}); }
  void from_node(const std::string& peer, const Message& m) { step(FromNode{frames(peer, m)}); }
  void hello(const std::string& peer) { from_client(peer, message(Hello{}, Kind::hello)); }

  /// Node 1 is registered and leads the one partition of topic 1, which is online.
  void serve() {
    RegisterNode request;
    request.node = NodeId{1};
    request.store_id = "store";
    request.incarnation = Incarnation{1};
    from_node("n1", message(request, Kind::register_node));
    persist();
    hello("admin");
    CreateTopic create{.name = "orders", .config = {}};
    from_client("admin", message(create, Kind::create_topic));
    persist();
    ReplicaReport report;
    report.node = NodeId{1};
    report.incarnation = Incarnation{1};
    report.session = broker->controller().nodes().find(NodeId{1})->session;
    report.replicas = {{.topic = TopicId{1},
                        .partition = PartitionIndex{0},
                        .leader_epoch = Epoch{1},
                        .state = PartitionState::online,
                        .log_end = Offset{0},
                        .detail = {},
                        .partition_version = 0,
                        .role = ReplicaRole::leader,
                        .file = FileState::open,
                        .last_epoch = Epoch{0}}};
    from_node("n1", message(report, Kind::replica_report));
    persist();
    from_client("admin", message(Goodbye{}, Kind::goodbye));
    tick(100ms);  // What changed has been pushed.
    out.clear();
  }
  [[nodiscard]] static Message fetch(int request = 5, int topic = 1) {
    Message m = message(Fetch{}, Kind::fetch, request);
    m.header.topic = TopicId(topic);
    return m;
  }

  /// The messages that left for a client, decoded.
  [[nodiscard]] std::vector<Message> to(const std::string& peer) const {
    std::vector<Message> messages;
    for (const Frames& sent : out.to_clients) {
      if (sent[0].view() != peer) continue;
      auto received = decode(sent);
      REQUIRE(received);
      messages.push_back(std::move(received->message));
    }
    return messages;
  }

  Now now{.monotonic = 500s, .wall = Micros(1'700'000'000'000'000)};
  std::shared_ptr<test::MemoryMetaDisk> disk = std::make_shared<test::MemoryMetaDisk>("cluster-1");
  std::unique_ptr<Broker> broker;
  BrokerEffects out;
};

}  // namespace

TEST_CASE("broker: hello is answered with what a client must know", "[broker]") {
  BrokerFixture f;
  f.hello("c");
  REQUIRE(f.to("c").size() == 1);
  const auto reply = std::get<HelloReply>(f.to("c")[0].body);
  CHECK(reply.cluster_id == "cluster-1");
  CHECK(reply.controller_epoch == ControllerEpoch{1});
  CHECK(reply.record_bytes_max == limits::record_bytes_default);
  CHECK(reply.inflight_bytes_max == limits::client_bytes_inflight_max);
  CHECK(reply.heartbeat_ms == 500);
  CHECK(reply.server_version == "1.2.3");
}

TEST_CASE("broker: a client of another cluster or version is refused", "[broker]") {
  BrokerFixture f;
  Hello hello;
  hello.cluster_id = "cluster-2";
  f.from_client("c", f.message(hello, Kind::hello));
  CHECK(f.to("c").at(0).header.error == Errc::wrong_cluster);
  f.out.clear();
  hello = Hello{};
  hello.version_min = hello.version_max = 9;
  f.from_client("c", f.message(hello, Kind::hello));
  CHECK(f.to("c").at(0).header.error == Errc::unsupported_version);
  CHECK(f.broker->router().client_count() == 0);
}

TEST_CASE("broker: a client that is not known is told to say hello, whatever it asks", "[broker]") {
  BrokerFixture f;
  f.serve();
  for (const Message& m :
       {f.message(Ping{}, Kind::ping), f.fetch(), f.message(MetadataRequest{}, Kind::metadata)}) {
    f.out.clear();
    f.from_client("stranger", m);
    REQUIRE(f.to("stranger").size() == 1);
    CHECK(f.to("stranger")[0].header.kind == Kind::say_hello);
    CHECK(f.out.to_nodes.empty());
  }
  CHECK(f.broker->counters().refused_unknown == 3);
}

TEST_CASE("broker: ping is answered with the metadata's version", "[broker]") {
  BrokerFixture f;
  f.hello("c");
  f.out.clear();
  f.from_client("c", f.message(Ping{}, Kind::ping));
  const auto pong = std::get<Pong>(f.to("c").at(0).body);
  CHECK(pong.metadata_version == f.broker->controller().metadata_version());
}

TEST_CASE("broker: a routed request goes to the node and its answer back, undecoded", "[broker]") {
  BrokerFixture f;
  f.serve();
  f.hello("c");
  f.out.clear();
  Frames request = f.frames("c", f.fetch());
  request.push_back(Bytes::copy_of("records, or anything"));
  const char* records = request.back().data();
  f.step(FromClient{request});
  REQUIRE(f.out.to_nodes.size() == 1);
  Frames at_node = f.out.to_nodes[0].frames;
  CHECK(at_node[0].view() == "n1");
  CHECK(at_node.back().data() == records);

  f.out.clear();
  Frames answer = {at_node[0], at_node[1], Bytes(), Bytes::copy_of("not even"),
                   Bytes::copy_of("msgpack")};
  f.step(FromNode{answer});
  REQUIRE(f.out.to_clients.size() == 1);
  CHECK(f.out.to_clients[0][0].view() == "c");
  CHECK(f.out.to_clients[0][2].view() == "not even");
}

TEST_CASE("broker: a routed request that cannot go on is answered at once", "[broker]") {
  BrokerFixture f;
  f.serve();
  f.hello("c");
  f.out.clear();
  f.from_client("c", f.fetch(5, 99));
  CHECK(f.to("c").at(0).header.error == Errc::unknown_topic);
  CHECK(f.to("c").at(0).header.kind == Kind::fetch_reply);
  CHECK(f.to("c").at(0).header.request_id == RequestId{5});

  f.lose_node();
  f.out.clear();
  f.from_client("c", f.fetch());
  CHECK(f.to("c").at(0).header.error == Errc::partition_offline);
  CHECK(f.to("c").at(0).header.leader_epoch == Epoch{1});
  CHECK(std::get<ErrorBody>(f.to("c").at(0).body).detail.find("node 1 is lost") !=
        std::string::npos);
}

TEST_CASE("broker: a request that the node's queue does not take is throttled", "[broker]") {
  BrokerFixture f;
  f.serve();
  f.hello("c");
  f.out.clear();
  f.from_client("c", f.fetch());
  NodeFrames sent = f.out.to_nodes.at(0);
  f.out.clear();
  f.step(NotSent{NotSent::To::node, NotSent::Why::would_block, sent.return_frame, sent.header,
                 sent.path});
  CHECK(f.to("c").at(0).header.error == Errc::throttled);
  CHECK(f.to("c").at(0).header.request_id == RequestId{5});
  CHECK(f.broker->router().in_flight("c") == InFlight{});
  f.out.clear();
  f.step(
      NotSent{NotSent::To::node, NotSent::Why::no_peer, sent.return_frame, sent.header, sent.path});
  CHECK(f.to("c").at(0).header.error == Errc::partition_offline);
}

TEST_CASE("broker: an answer that a client does not take is dropped and counted", "[broker]") {
  BrokerFixture f;
  f.step(NotSent{});
  CHECK(f.broker->counters().replies_dropped == 1);
  CHECK(f.out.to_clients.empty());
}

TEST_CASE("broker: changes are pushed to all who said hello, and to nobody else", "[broker]") {
  BrokerFixture f;
  f.serve();
  f.hello("a");
  f.hello("b");
  f.from_client("b", f.message(Goodbye{}, Kind::goodbye));
  f.out.clear();
  f.lose_node();
  REQUIRE(f.to("a").size() == 1);
  CHECK(f.to("a")[0].header.kind == Kind::metadata_changed);
  CHECK(f.to("b").empty());
}

TEST_CASE("broker: a client may not send what belongs to the cluster", "[broker]") {
  BrokerFixture f;
  f.hello("c");
  f.out.clear();
  RegisterNode request;
  request.node = NodeId{1};
  request.store_id = "store";
  request.incarnation = Incarnation{1};
  f.from_client("c", f.message(request, Kind::register_node));
  CHECK(f.to("c").at(0).header.error == Errc::unauthorized);
  NodeHeartbeat beat;
  beat.node = NodeId{1};
  f.from_client("c", f.message(beat, Kind::node_heartbeat));
  CHECK(f.to("c").at(1).header.error == Errc::unauthorized);
  // Those without an answer are counted.
  ReplicaReport report;
  report.node = NodeId{1};
  f.from_client("c", f.message(report, Kind::replica_report));
  f.from_client("c", f.message(Pong{}, Kind::pong));
  CHECK(f.to("c").size() == 2);
  CHECK(f.broker->counters().refused_malformed == 4);
  CHECK(f.broker->controller().nodes().size() == 0);
  CHECK(f.out.persist.empty());
}

TEST_CASE("broker: malformed messages are answered when a header could be read", "[broker]") {
  BrokerFixture f;
  f.hello("c");
  const auto send = [&](Frames frames) {
    f.out.clear();
    f.step(FromClient{std::move(frames)});
    return f.to("c");
  };
  const Bytes id = Bytes::copy_of("c");
  const Bytes garbage = Bytes::copy_of(std::string("\xc1\xff\x00garbage", 10));
  const Bytes header = encode_header(f.message(MetadataRequest{}, Kind::metadata).header);
  CHECK(send({}).empty());
  CHECK(send({id}).empty());
  CHECK(send({id, Bytes()}).empty());
  CHECK(send({id, Bytes(), garbage}).empty());
  CHECK(send({id, Bytes(), garbage, garbage}).empty());
  CHECK(send({id, garbage, garbage, garbage, garbage, garbage}).empty());
  CHECK(send({Bytes(), Bytes(), header, garbage}).empty());
  CHECK(send({id, Bytes(), Bytes::copy_of(std::string(1'000, 'x')), garbage}).empty());
  CHECK(send({id, Bytes::copy_of(std::string(300, 'x')), Bytes(), header, garbage}).empty());
  CHECK(send(Frames(limits::message_frames_max + 1, id)).empty());
  CHECK(f.broker->counters().refused_malformed == 10);

  const auto bad_body = send({id, Bytes(), header, garbage});
  REQUIRE(bad_body.size() == 1);
  CHECK(bad_body[0].header.error == Errc::malformed);
  CHECK(bad_body[0].header.kind == Kind::metadata_reply);

  Header other = f.message(MetadataRequest{}, Kind::metadata).header;
  other.version = 7;
  const auto version = send({id, Bytes(), encode_header(other), garbage});
  REQUIRE(version.size() == 1);
  CHECK(version[0].header.error == Errc::unsupported_version);

  CreateTopic create{.name = "../etc", .config = {}};
  f.out.clear();
  f.from_client("c", f.message(create, Kind::create_topic));
  CHECK(f.to("c").at(0).header.error == Errc::invalid_argument);
}

TEST_CASE("broker: unknown kinds are answered when they are requests", "[broker]") {
  BrokerFixture f;
  f.hello("c");
  Header header = f.message(Ping{}, Kind::ping).header;
  f.out.clear();
  header.kind = static_cast<Kind>(199);
  f.step(FromClient{{Bytes::copy_of("c"), Bytes(), encode_header(header), Bytes::copy_of("x")}});
  REQUIRE(f.out.to_clients.size() == 1);
  for (const int kind : {198, 200, 250, 65'535, 0}) {
    f.out.clear();
    header.kind = static_cast<Kind>(kind);
    f.step(FromClient{{Bytes::copy_of("c"), Bytes(), encode_header(header), Bytes::copy_of("x")}});
    CHECK(f.out.to_clients.empty());
  }
}

TEST_CASE("broker: random frames never do more than raise a counter", "[broker]") {
  BrokerFixture f;
  f.serve();
  f.hello("c");
  Prng prng(20'261);
  const std::vector<Frames> seeds = {
      f.frames("c", f.fetch()), f.frames("c", f.message(MetadataRequest{}, Kind::metadata)),
      f.frames("c", f.message(Hello{}, Kind::hello)),
      f.frames("n1", f.message(NodeHeartbeat{}, Kind::node_heartbeat))};
  for (int i = 0; i < 20'000; ++i) {
    Frames frames = seeds[prng.below(seeds.size())];
    const std::size_t place = prng.below(frames.size());
    std::string bytes(frames[place].view());
    switch (prng.below(5)) {
      case 0:
        if (!bytes.empty()) bytes[prng.below(bytes.size())] = static_cast<char>(prng.next());
        break;
      case 1:
        bytes.resize(prng.below(bytes.size() + 1));
        break;
      case 2:
        bytes.append(prng.below(20), static_cast<char>(prng.next()));
        break;
      case 3:
        frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(place));
        break;
      default:
        frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(place), Bytes());
        break;
    }
    if (place < frames.size()) frames[place] = Bytes(bytes);
    if (prng.chance(1, 2)) {
      f.step(FromClient{std::move(frames)});
    } else {
      f.step(FromNode{std::move(frames)});
    }
    f.out.clear();
  }
  // And it serves as before.
  f.hello("c");
  f.from_client("c", f.fetch());
  CHECK(f.out.to_nodes.size() == 1);
}

TEST_CASE("broker: cluster_status carries the broker's own counters", "[broker]") {
  BrokerFixture f;
  f.serve();
  f.hello("c");
  f.step(Vitals{.memory_bytes = 1'000, .fuse_trips = 2, .transport_dropped = 5});
  f.step(FromClient{{Bytes::copy_of("c")}});
  f.from_client("c", f.message(ClusterStatusRequest{true}, Kind::cluster_status));
  const auto status = std::get<ClusterStatusReply>(f.to("c").back().body).broker;
  CHECK(status.clients == 1);
  CHECK(status.memory_bytes == 1'000);
  CHECK(status.fuse_trips == 2);
  CHECK(status.refused_malformed == 6);
  CHECK(status.version == "1.2.3");
  CHECK(status.started_at == Micros(1'700'000'000'000'000));
}

TEST_CASE("broker: a large cluster's status is not made anew for each that asks", "[broker]") {
  BrokerFixture f;
  f.serve();
  f.hello("c");
  const auto routed = [&] {
    f.out.clear();
    f.from_client("c", f.message(ClusterStatusRequest{true}, Kind::cluster_status));
    return std::get<ClusterStatusReply>(f.to("c").at(0).body).broker.messages_routed;
  };
  CHECK(routed() == 0);
  f.from_client("c", f.fetch());
  CHECK(routed() == 1);  // A small one always is.
  CreateTopic create{.name = "wide", .config = {}};
  create.config.partitions = 2'000;
  f.from_client("c", f.message(create, Kind::create_topic));
  f.persist();
  CHECK(routed() == 1);
  f.from_client("c", f.fetch());
  CHECK(routed() == 1);
  f.now.monotonic += 100ms;
  CHECK(routed() == 2);
}

TEST_CASE("broker: a stop says goodbye to everybody and then refuses", "[broker]") {
  BrokerFixture f;
  f.serve();
  f.hello("c");
  f.out.clear();
  f.step(Stop{});
  REQUIRE(f.to("c").size() == 1);
  CHECK(f.to("c")[0].header.kind == Kind::goodbye);
  REQUIRE(f.out.to_nodes.size() == 1);
  CHECK(decode(f.out.to_nodes[0].frames)->message.header.kind == Kind::goodbye);
  f.out.clear();
  f.from_client("c", f.fetch());
  f.from_client("c", f.message(MetadataRequest{}, Kind::metadata));
  f.hello("d");
  CHECK(f.to("c").at(0).header.error == Errc::shutting_down);
  CHECK(f.to("c").at(1).header.error == Errc::shutting_down);
  CHECK(f.to("d").at(0).header.error == Errc::shutting_down);
}

TEST_CASE("broker: when the client socket was reset every client says hello anew", "[broker]") {
  BrokerFixture f;
  f.serve();
  f.hello("c");
  f.from_client("c", f.fetch());
  f.step(ClientsReset{});
  CHECK(f.broker->router().client_count() == 0);
  CHECK(f.broker->router().in_flight(NodeId{1}) == InFlight{});
  f.out.clear();
  f.from_client("c", f.fetch());
  CHECK(f.to("c").at(0).header.kind == Kind::say_hello);
}
