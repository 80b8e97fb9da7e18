#include "broker/core/router.hpp"

#include <catch2/catch.hpp>

#include "common/proto/codec.hpp"

#include <memory>
#include <set>
#include <string>

using namespace pinion;

namespace {

class RouterFixture {
 public:
  explicit RouterFixture(RouterLimits limits = {}) : router(limits, ControllerEpoch{3}, now) {
    router.update_node({NodeId{1}, Bytes::copy_of("n1")});
    router.update_route({key, {.node = NodeId{1}, .leader_epoch = Epoch{5}, .detail = {}}});
  }

  [[nodiscard]] static Header header(int partition = 0, std::int64_t epoch = 0) {
    Header h;
    h.kind = Kind::produce;
    h.request_id = RequestId{9};
    h.topic = TopicId{1};
    h.partition = PartitionIndex(partition);
    h.leader_epoch = Epoch(epoch);
    return h;
  }
  [[nodiscard]] static Frames request(const std::string& client, const std::string& records = "r") {
    return {Bytes::copy_of(client), Bytes(), encode_header(header()), Bytes::copy_of("body"),
            Bytes::copy_of(records)};
  }
  Result<NodeFrames> forward(const std::string& client, const std::string& records = "r") {
    Frames frames = request(client, records);
    auto forwarded = router.forward(frames, 2, header());
    router.check_invariants();
    return forwarded;
  }
  /// What the node sends back: everything in front of the empty frame untouched.
  [[nodiscard]] static Frames reply_to(const NodeFrames& message) {
    return {Bytes::copy_of("n1"), message.return_frame, Bytes(), Bytes::copy_of("header"),
            Bytes::copy_of("answer")};
  }
  std::optional<Frames> answer(const NodeFrames& message) {
    auto frames = router.answer(reply_to(message));
    router.check_invariants();
    return frames;
  }
  void tick(Micros after) {
    now.monotonic += after;
    router.tick(now);
    router.check_invariants();
  }

  const PartitionKey key{TopicId{1}, PartitionIndex{0}};
  Now now{.monotonic = 100s, .wall = 0s};
  Router router;
};

}  // namespace

TEST_CASE("return frame: what was encoded is decoded", "[broker]") {
  const Bytes bytes = encode_return_frame({.client_life = 0x0102030405060708,
                                           .node_life = 12,
                                           .node = NodeId{3},
                                           .generation = 4,
                                           .bytes = 5,
                                           .client = "client"});
  const auto frame = decode_return_frame(bytes.view());
  REQUIRE(frame);
  CHECK(frame->client_life == 0x0102030405060708);
  CHECK(frame->node_life == 12);
  CHECK(frame->node == NodeId{3});
  CHECK(frame->generation == 4);
  CHECK(frame->bytes == 5);
  CHECK(frame->client == "client");
}

TEST_CASE("return frame: other bytes are none", "[broker]") {
  const Bytes good = encode_return_frame({.client = "c"});
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(decode_return_frame(good.view().substr(0, size)));
  }
  std::string other(good.view());
  other[0] = 'x';
  CHECK_FALSE(decode_return_frame(other));
  other = std::string(good.view());
  other[1] = 9;
  CHECK_FALSE(decode_return_frame(other));
  CHECK_FALSE(decode_return_frame(std::string(good.view()) + std::string(300, 'x')));
}

TEST_CASE("router: a request goes to its partition's node and the answer to its client",
          "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "alice");
  Frames frames = RouterFixture::request("alice", "records");
  const char* records = frames[4].data();
  const auto sent = f.router.forward(frames, 2, RouterFixture::header());
  REQUIRE(sent);
  REQUIRE(sent->frames.size() == 6);
  CHECK(sent->frames[0].view() == "n1");
  CHECK(sent->frames[1] == sent->return_frame);
  CHECK(sent->frames[2].empty());
  CHECK(sent->frames[5].data() == records);  // Not copied.

  const auto back = f.answer(*sent);
  REQUIRE(back);
  REQUIRE(back->size() == 4);
  CHECK((*back)[0].view() == "alice");
  CHECK((*back)[1].empty());
  CHECK((*back)[3].view() == "answer");
  CHECK(f.router.in_flight("alice") == InFlight{});
  CHECK(f.router.counters().messages_routed == 2);
}

TEST_CASE("router: a fetch that asks any replica goes to the followers in turn", "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "alice");
  const auto asks = [&f](Kind kind, bool any_replica) -> std::string {
    Header header = RouterFixture::header(0, 5);
    header.kind = kind;
    header.any_replica = any_replica;
    Frames frames = RouterFixture::request("alice");
    const auto sent = f.router.forward(frames, 2, header);
    f.router.check_invariants();
    return sent ? std::string(sent->frames[0].view()) : sent.error().to_string();
  };
  CHECK(asks(Kind::fetch, true) == "n1");  // There is none.
  Route route{.node = NodeId{1}, .leader_epoch = Epoch{5}, .detail = {}};
  route.followers = {NodeId{2}, NodeId{3}};
  f.router.update_route({f.key, route});
  CHECK(asks(Kind::fetch, true) == "n1");  // They have no session.
  f.router.update_node({NodeId{2}, Bytes::copy_of("n2")});
  CHECK(asks(Kind::fetch, true) == "n2");
  f.router.update_node({NodeId{3}, Bytes::copy_of("n3")});
  std::set<std::string> asked{asks(Kind::fetch, true), asks(Kind::fetch, true)};
  CHECK(asked == std::set<std::string>{"n2", "n3"});
  // Everything else is the leader's.
  CHECK(asks(Kind::fetch, false) == "n1");
  CHECK(asks(Kind::produce, true) == "n1");
  CHECK(asks(Kind::query, true) == "n1");
  CHECK(f.router.in_flight(NodeId{2}).requests == 2);
}

TEST_CASE("router: a client's own routing frames travel along", "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "gateway");
  Frames frames = {Bytes::copy_of("gateway"), Bytes::copy_of("user"), Bytes(),
                   encode_header(RouterFixture::header()), Bytes::copy_of("body")};
  const auto sent = f.router.forward(frames, 3, RouterFixture::header());
  REQUIRE(sent);
  REQUIRE(sent->path.size() == 1);
  CHECK(sent->frames[2].view() == "user");
  const auto back =
      f.router.answer({Bytes::copy_of("n1"), sent->return_frame, Bytes::copy_of("user"), Bytes(),
                       Bytes::copy_of("h"), Bytes::copy_of("b")});
  REQUIRE(back);
  CHECK((*back)[0].view() == "gateway");
  CHECK((*back)[1].view() == "user");
}

TEST_CASE("router: a request that cannot be routed is refused with the reason", "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "c");
  f.router.update_route(
      {{TopicId{1}, PartitionIndex{1}},
       {.node = node_none, .leader_epoch = Epoch{2}, .detail = "node 4 is lost"}});
  const auto refused = [&](Header header) {
    Frames frames = RouterFixture::request("c");
    const InFlight before = f.router.in_flight("c");
    const auto result = f.router.forward(frames, 2, header);
    CHECK(frames.size() == 5);  // As before, for the error's way back.
    REQUIRE_FALSE(result);
    CHECK(f.router.in_flight("c") == before);
    return result.error();
  };
  Header unknown = RouterFixture::header();
  unknown.topic = TopicId{77};
  CHECK(refused(unknown).code == Errc::unknown_topic);
  CHECK(refused(RouterFixture::header(2)).code == Errc::unknown_partition);
  CHECK(refused(RouterFixture::header(-1)).code == Errc::unknown_partition);
  CHECK(refused(RouterFixture::header(1)).code == Errc::partition_offline);
  CHECK(refused(RouterFixture::header(1)).detail == "node 4 is lost");
  CHECK(refused(RouterFixture::header(0, 4)).code == Errc::fenced_epoch);
  CHECK(f.router.leader_epoch(f.key) == Epoch{5});
  // The same epoch, none, and one that the broker has not heard of go on.
  for (const std::int64_t epoch : {5, 0, 6}) {
    Frames frames = RouterFixture::request("c");
    CHECK(f.router.forward(frames, 2, RouterFixture::header(0, epoch)));
  }
  f.router.remove_topic(TopicId{1});
  CHECK(refused(RouterFixture::header()).code == Errc::unknown_topic);
}

TEST_CASE("router: beyond its credit a client is throttled until answers return", "[broker]") {
  RouterFixture f({.client_requests = 2, .client_bytes = 10'000});
  f.router.add_client(f.now, "c");
  const auto first = f.forward("c");
  REQUIRE(first);
  REQUIRE(f.forward("c"));
  const auto third = f.forward("c");
  REQUIRE_FALSE(third);
  CHECK(third.error().code == Errc::throttled);
  CHECK(f.router.counters().throttled == 1);
  f.answer(*first);
  CHECK(f.forward("c"));
}

TEST_CASE("router: bytes in flight are bounded, and a request over the bound is never possible",
          "[broker]") {
  RouterFixture f({.client_bytes = 1'000});
  f.router.add_client(f.now, "c");
  REQUIRE(f.forward("c", std::string(600, 'x')));
  const auto second = f.forward("c", std::string(600, 'x'));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::throttled);
  const auto huge = f.forward("c", std::string(2'000, 'x'));
  REQUIRE_FALSE(huge);
  CHECK(huge.error().code == Errc::invalid_argument);
}

TEST_CASE("router: no client can take all of a node's room from the others", "[broker]") {
  RouterFixture f({.client_requests = 1'000, .node_requests = 100});
  f.router.add_client(f.now, "hog");
  f.router.add_client(f.now, "other");
  int taken = 0;
  while (f.forward("hog")) ++taken;
  CHECK(taken > 40);
  CHECK(taken < 60);
  CHECK(f.forward("other"));
  // However many hogs there are, there is always some room for one more.
  for (int i = 0; i < 5; ++i) {
    const std::string hog = "hog" + std::to_string(i);
    f.router.add_client(f.now, hog);
    while (f.forward(hog)) {
    }
  }
  f.router.add_client(f.now, "late");
  CHECK(f.forward("late"));
}

TEST_CASE("router: a node that is lost gives all its credit back, and late answers none",
          "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "c");
  const auto before = f.forward("c");
  REQUIRE(before);
  f.router.update_node({NodeId{1}, Bytes()});
  f.router.check_invariants();
  CHECK(f.router.in_flight("c") == InFlight{});
  const auto offline = f.forward("c");
  REQUIRE_FALSE(offline);
  CHECK(offline.error().code == Errc::partition_offline);

  f.router.update_node({NodeId{1}, Bytes::copy_of("n1")});
  const auto after = f.forward("c");
  REQUIRE(after);
  // The answer of the node's life before is passed on, and counts nothing back.
  CHECK(f.answer(*before));
  CHECK(f.router.in_flight("c").requests == 1);
  CHECK(f.answer(*after));
  CHECK(f.router.in_flight("c").requests == 0);
}

TEST_CASE("router: a node that registers again in one life keeps its counters", "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "c");
  REQUIRE(f.forward("c"));
  f.router.update_node({NodeId{1}, Bytes::copy_of("n1-again")});
  CHECK(f.router.in_flight(NodeId{1}).requests == 1);
  CHECK(f.forward("c")->frames[0].view() == "n1-again");
}

TEST_CASE("router: answers that never come are forgotten after two generations", "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "c");
  const auto lost = f.forward("c");
  REQUIRE(lost);
  f.tick(limits::request_lifetime_max - 1s);
  CHECK(f.router.touch_client(f.now, "c"));
  CHECK(f.router.in_flight("c").requests == 1);
  f.tick(1s);  // The first rotation: now of the generation before.
  const auto young = f.forward("c");
  REQUIRE(young);
  CHECK(f.router.in_flight("c").requests == 2);
  CHECK(f.router.touch_client(f.now, "c"));
  f.tick(limits::request_lifetime_max - 1s);
  CHECK(f.router.touch_client(f.now, "c"));
  f.tick(1s);
  CHECK(f.router.in_flight("c").requests == 1);
  CHECK(f.router.in_flight(NodeId{1}).requests == 1);
  // The forgotten one's answer, coming after all, must not be counted twice.
  CHECK(f.answer(*lost));
  CHECK(f.router.in_flight("c").requests == 1);
  CHECK(f.answer(*young));
  CHECK(f.router.in_flight("c") == InFlight{});
}

TEST_CASE("router: an answer that comes twice gives back no more than was taken", "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "c");
  const auto one = f.forward("c");
  REQUIRE(one);
  CHECK(f.answer(*one));
  CHECK(f.answer(*one));
  CHECK(f.router.in_flight("c") == InFlight{});
  CHECK(f.router.in_flight(NodeId{1}) == InFlight{});
}

TEST_CASE("router: a silent client expires with its counters, and its answers are dropped",
          "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "quiet");
  f.router.add_client(f.now, "loud");
  const auto sent = f.forward("quiet");
  REQUIRE(sent);
  f.tick(limits::client_expires_after / 2);
  CHECK(f.router.touch_client(f.now, "loud"));
  f.tick(limits::client_expires_after / 2);
  CHECK(f.router.client_count() == 1);
  CHECK_FALSE(f.router.touch_client(f.now, "quiet"));
  CHECK(f.router.in_flight(NodeId{1}) == InFlight{});
  CHECK_FALSE(f.answer(*sent));
  CHECK(f.router.counters().answers_dropped == 1);
  CHECK(f.router.counters().clients_expired == 1);
}

TEST_CASE("router: too many clients: the longest silent one goes", "[broker]") {
  RouterFixture f({.clients = 3});
  for (const char* id : {"a", "b", "c"}) {
    CHECK_FALSE(f.router.add_client(f.now, id));
    f.now.monotonic += 1ms;
  }
  CHECK(f.router.touch_client(f.now, "a"));
  const auto evicted = f.router.add_client(f.now, "d");
  REQUIRE(evicted);
  CHECK(*evicted == "b");
  CHECK(f.router.client_count() == 3);
  f.router.check_invariants();
  // One that is known is only touched.
  CHECK_FALSE(f.router.add_client(f.now, "a"));
}

TEST_CASE("router: a client that comes back under its id gets no credit for its life before",
          "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "c");
  const auto old = f.forward("c");
  REQUIRE(old);
  f.router.remove_client("c");
  f.router.add_client(f.now, "c");
  REQUIRE(f.forward("c"));
  CHECK(f.answer(*old));
  CHECK(f.router.in_flight("c").requests == 1);
}

TEST_CASE("router: a request that could not be sent gives its credit back", "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "c");
  const auto sent = f.forward("c");
  REQUIRE(sent);
  const auto client = f.router.not_sent(sent->return_frame);
  REQUIRE(client);
  CHECK(client->view() == "c");
  CHECK(f.router.in_flight("c") == InFlight{});
}

TEST_CASE("router: a foreign return frame goes nowhere", "[broker]") {
  RouterFixture f;
  f.router.add_client(f.now, "c");
  CHECK_FALSE(f.router.answer({Bytes::copy_of("n1"), Bytes::copy_of("garbage"), Bytes()}));
  CHECK_FALSE(f.router.answer(
      {Bytes::copy_of("n1"), encode_return_frame({.client = "stranger"}), Bytes()}));
  CHECK(f.router.counters().answers_dropped == 2);
  CHECK_FALSE(f.router.not_sent(Bytes::copy_of("garbage")));
}
