#include "tests/unit/client/session_fixture.hpp"

using namespace pinion;
using namespace pinion::client;

TEST_CASE("connection: the first tick says hello, and nothing else leaves before the answer",
          "[client]") {
  SessionFixture f;
  f.step(Call{CallId(1), {}, {}, Ping{}, f.now.monotonic + 10s});
  CHECK(f.sent.empty());
  f.tick();
  REQUIRE(f.count<Hello>() == 1);
  CHECK(f.sent.size() == 1);
  f.answer_hello();
  CHECK(f.session.status().connected);
  CHECK(f.session.status().cluster_id == "c1");
  CHECK(f.count<Ping>() == 2);  // Its own, that says it reads, and the call's.
}

TEST_CASE("connection: a hello without an answer resets the link, later and later", "[client]") {
  SessionFixture f;
  f.broker_alive = false;
  f.tick();
  std::vector<Micros> at;
  std::size_t resets = 0;
  for (int i = 0; i < 2'000; ++i) {
    f.pass(10ms);
    if (f.resets > resets) {
      resets = f.resets;
      at.push_back(f.now.monotonic);
      CHECK(f.count<Hello>() == 1);
    }
  }
  REQUIRE(at.size() > 5);
  CHECK(at.size() < 16);
  CHECK(at[1] - at[0] >= 1s);
  CHECK(at.back() - at[at.size() - 2] <= 3100ms);
  CHECK(f.session.status().problem.find("is pinion-broker running?") != std::string::npos);
}

TEST_CASE("connection: heartbeats leave as often as the broker wants", "[client]") {
  SessionFixture f;
  f.connect();
  f.broker_alive = false;  // Count them, do not answer.
  f.pass(1'100ms);
  CHECK(f.count<Ping>() == 2);
}

TEST_CASE("connection: a ping carries back the last mark that came", "[client]") {
  SessionFixture f;
  f.tick();
  HelloReply reply;
  reply.cluster_id = "c1";
  reply.controller_epoch = ControllerEpoch(1);
  reply.heartbeat_ms = 500;
  reply.mark = 7;
  f.answer(*f.take<Hello>(), reply);
  const auto first = f.take<Ping>();
  REQUIRE(first);
  CHECK(std::get<Ping>(first->body).mark == 7);
  f.answer(*first, Pong{ControllerEpoch(1), f.metadata_version, 8});
  CHECK_FALSE(f.take<Ping>());  // With the next heartbeat.
  f.broker_alive = false;
  f.pass(500ms);
  const auto second = f.take<Ping>();
  REQUIRE(second);
  CHECK(std::get<Ping>(second->body).mark == 8);
}

TEST_CASE("connection: who receives much says so before the next heartbeat", "[client]") {
  SessionFixture f;
  f.connect();
  f.broker_alive = false;
  while (f.take<Ping>()) {
  }
  const auto receive = [&](std::size_t bytes) {
    Frames frames = encode(SessionFixture::one_way(Kind::goodbye, Goodbye{}));
    frames[0] = Bytes(std::string("\xc1"));  // Counted, whatever it says.
    frames.insert(frames.begin(), Bytes());
    frames.push_back(Bytes(std::string(bytes, 'x')));
    f.step(FromBroker{std::move(frames)});
  };
  receive(limits::client_ping_every_bytes - limits::kib);
  CHECK(f.session.next_deadline() > f.now.monotonic);
  receive(limits::kib);
  CHECK(f.session.next_deadline() <= f.now.monotonic);
  f.tick();
  CHECK(f.count<Ping>() == 1);
  receive(limits::kib);
  f.tick();
  CHECK(f.count<Ping>() == 1);
}

TEST_CASE("connection: a broker that goes quiet is left after some heartbeats", "[client]") {
  SessionFixture f;
  f.connect();
  f.broker_alive = false;
  f.pass(2'900ms);
  CHECK(f.session.status().connected);
  CHECK(f.resets == 0);
  f.pass(300ms);
  CHECK_FALSE(f.session.status().connected);
  CHECK(f.resets == 1);
  CHECK(f.count<Hello>() == 1);
  f.answer_hello();
  CHECK(f.session.status().connected);
  CHECK(f.session.status().reconnects == 1);
}

TEST_CASE("connection: any message is a sign of life", "[client]") {
  SessionFixture f;
  f.connect();
  f.broker_alive = false;
  for (int i = 0; i < 10; ++i) {
    f.pass(2s);
    MetadataChanged nothing;
    nothing.controller_epoch = ControllerEpoch(1);
    nothing.metadata_version = 1;
    f.push(nothing);
  }
  CHECK(f.session.status().connected);
  CHECK(f.resets == 0);
}

TEST_CASE("connection: say_hello is answered with hello on the same link, once", "[client]") {
  SessionFixture f;
  f.connect();
  f.say_hello();
  f.say_hello();
  f.say_hello();
  CHECK(f.count<Hello>() == 1);
  CHECK(f.resets == 0);
  f.answer_hello();
  CHECK(f.session.status().connected);
}

TEST_CASE("connection: after goodbye it comes back by itself", "[client]") {
  SessionFixture f;
  f.connect();
  f.goodbye();
  CHECK_FALSE(f.session.status().connected);
  f.pass(100ms);
  CHECK(f.resets == 1);
  CHECK(f.count<Hello>() == 1);
}

TEST_CASE("connection: a late answer to a former hello changes nothing", "[client]") {
  SessionFixture f;
  f.tick();
  const auto first = f.take<Hello>();
  f.pass(1'100ms);
  const auto second = f.take<Hello>();
  REQUIRE(first);
  REQUIRE(second);
  HelloReply reply;
  reply.cluster_id = "c1";
  reply.controller_epoch = ControllerEpoch(1);
  f.answer(*first, reply);
  CHECK_FALSE(f.session.status().connected);
  f.answer(*second, reply);
  CHECK(f.session.status().connected);
}

TEST_CASE("connection: another cluster than the one insisted on is refused", "[client]") {
  SessionFixture f("c9");
  f.tick();
  auto hello = f.take<Hello>();
  REQUIRE(hello);
  CHECK(std::get<Hello>(hello->body).cluster_id == "c9");
  HelloReply reply;
  reply.cluster_id = "c1";
  reply.controller_epoch = ControllerEpoch(1);
  f.answer(*hello, reply);
  CHECK_FALSE(f.session.status().connected);
  REQUIRE(f.session.refusal());
  CHECK(f.session.refusal()->code == Errc::wrong_cluster);
}

TEST_CASE("connection: the cluster of the first answer is insisted on ever after", "[client]") {
  SessionFixture f;
  f.connect();
  f.say_hello();
  auto hello = f.take<Hello>();
  REQUIRE(hello);
  CHECK(std::get<Hello>(hello->body).cluster_id == "c1");
}

TEST_CASE("connection: a refused hello is remembered and tried again", "[client]") {
  SessionFixture f;
  f.tick();
  auto hello = f.take<Hello>();
  REQUIRE(hello);
  f.refuse(*hello, Errc::unsupported_version, "this broker speaks 9");
  REQUIRE(f.session.refusal());
  CHECK(f.session.refusal()->code == Errc::unsupported_version);
  f.pass(100ms);
  CHECK(f.count<Hello>() == 1);
}

TEST_CASE("connection: garbage is counted and changes nothing", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(FromBroker{{Bytes(), Bytes(std::string("\xc1\xff garbage")), Bytes()}});
  f.step(FromBroker{{}});
  f.step(FromBroker{{Bytes(std::string(3, '\0'))}});
  CHECK(f.session.counters().messages_refused == 3);
  CHECK(f.session.status().connected);
}

TEST_CASE("connection: an answer of the wrong kind is not taken for the right one", "[client]") {
  SessionFixture f;
  f.connect();
  f.open_producer();
  f.send({"a"});
  const Message request = f.take_produce(0, 0);
  Message wrong;
  wrong.header = make_reply(request.header, ProduceReply{}).header;
  wrong.header.kind = Kind::list_offset_reply;
  wrong.body = ListOffsetReply{};
  f.receive(wrong);
  CHECK(f.done.empty());
  f.acknowledge(request, 3);
  REQUIRE(f.done.size() == 1);
  CHECK(f.done[0].base_offset == Offset(3));
}
