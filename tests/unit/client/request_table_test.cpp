#include "tests/unit/client/session_fixture.hpp"

#include <set>
#include <string>
#include <vector>

using namespace pinion;
using namespace pinion::client;

namespace {

Call call(SessionFixture& f, Body body, Micros timeout = 10s) {
  return {CallId(1), {}, {}, std::move(body), f.now.monotonic + timeout};
}
Call routed(SessionFixture& f, Body body, std::int32_t partition = 0, Micros timeout = 10s) {
  return {CallId(1), "orders", PartitionIndex(partition), std::move(body),
          f.now.monotonic + timeout};
}

Call dequeue(SessionFixture& f, std::uint64_t id, std::string reader = "id:1",
             Micros timeout = 10s) {
  return {CallId(id), "orders", PartitionIndex(0), Dequeue{std::move(reader), {}},
          f.now.monotonic + timeout};
}

/// What stands in front of the last dash.
std::string taker_of(const Message& request) {
  const std::string& token = std::get<Dequeue>(request.body).token;
  return token.substr(0, token.rfind('-'));
}

std::vector<Message> take_dequeues(SessionFixture& f) {
  std::vector<Message> taken;
  while (auto request = f.take<Dequeue>()) taken.push_back(std::move(*request));
  return taken;
}

}  // namespace

TEST_CASE("calls: an answer ends the call", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(call(f, ClusterStatusRequest{}));
  auto request = f.take<ClusterStatusRequest>();
  REQUIRE(request);
  CHECK(request->header.timeout_ms == 10'000);
  f.answer(*request, ClusterStatusReply{});
  const auto done = f.take_call();
  REQUIRE(done);
  CHECK(done->call == CallId(1));
  CHECK(done->reply);
  CHECK_FALSE(done->repeated);
}

TEST_CASE("calls: too few nodes are waited for some seconds, not to the deadline", "[client]") {
  SessionFixture f;
  f.connect();
  const Micros begun = f.now.monotonic;
  f.step(call(f, CreateTopic{"new", {}}, 30s));
  while (f.calls.empty()) {
    if (auto request = f.take<CreateTopic>()) f.refuse(*request, Errc::no_nodes, "two of three");
    f.pass(10ms);
  }
  CHECK(f.calls[0].reply.error().code == Errc::no_nodes);
  CHECK(f.now.monotonic - begun >= limits::client_no_nodes_patience);
  CHECK(f.now.monotonic - begun < limits::client_no_nodes_patience + 3s);
}

TEST_CASE("calls: a final refusal ends the call", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(call(f, DeleteTopic{"orders"}));
  f.refuse(*f.take<DeleteTopic>(), Errc::unknown_topic, "no such topic");
  const auto done = f.take_call();
  REQUIRE(done);
  REQUIRE_FALSE(done->reply);
  CHECK(done->reply.error().code == Errc::unknown_topic);
  CHECK(done->reply.error().detail == "no such topic");
}

TEST_CASE("calls: a retriable refusal is tried again, and is the answer at the deadline",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.step(call(f, CreateTopic{"new", {}}, 2s));
  int tries = 0;
  while (f.calls.empty()) {
    if (auto request = f.take<CreateTopic>()) {
      ++tries;
      f.refuse(*request, Errc::no_nodes, "start a partition broker");
    }
    f.pass(10ms);
  }
  CHECK(tries > 3);
  CHECK(f.calls[0].reply.error().code == Errc::no_nodes);
  CHECK(f.calls[0].reply.error().detail == "start a partition broker");
}

TEST_CASE("calls: a call that could not be sent ends at its deadline and says what to do",
          "[client]") {
  SessionFixture f;
  f.tick();
  f.broker_alive = false;
  f.step(call(f, ClusterStatusRequest{}, 2s));
  f.pass(1'900ms);
  CHECK(f.calls.empty());
  f.pass(200ms);
  const auto done = f.take_call();
  REQUIRE(done);
  CHECK(done->reply.error().code == Errc::connection_lost);
  CHECK(done->reply.error().detail ==
        "no broker answers at tcp://broker:5550: is pinion-broker running?");
}

TEST_CASE("calls: a call without an answer is sent again and ends timed_out", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(call(f, DeleteTopic{"orders"}, 5s));
  f.pass(5'100ms);
  CHECK(f.count<DeleteTopic>() == 2);
  const auto done = f.take_call();
  REQUIRE(done);
  CHECK(done->reply.error().code == Errc::timed_out);
}

TEST_CASE("calls: after a reconnect a call is repeated, and its answer says so", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(call(f, CreateTopic{"new", {}}));
  REQUIRE(f.take<CreateTopic>());
  f.say_hello();
  f.answer_hello();
  auto again = f.take<CreateTopic>();
  REQUIRE(again);
  f.refuse(*again, Errc::topic_exists);
  const auto done = f.take_call();
  REQUIRE(done);
  CHECK(done->reply.error().code == Errc::topic_exists);
  CHECK(done->repeated);  // It may be our own.
}

TEST_CASE("calls: what must not happen twice is not repeated", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(call(f, RegisterConsumer{"orders", ""}));
  REQUIRE(f.take<RegisterConsumer>());
  f.say_hello();
  const auto done = f.take_call();
  REQUIRE(done);
  CHECK(done->reply.error().code == Errc::connection_lost);
  f.answer_hello();
  CHECK(f.count<RegisterConsumer>() == 0);
}

TEST_CASE("calls: at the end of the client, what was sent may have been carried out", "[client]") {
  SessionFixture f;
  f.connect();
  SECTION("a change that was sent") {
    f.step(call(f, RegisterConsumer{"orders", {}}));
    REQUIRE(f.take<RegisterConsumer>());
    f.step(Stop{});
    CHECK(f.take_call()->reply.error().code == Errc::cancelled);
    CHECK(fate_of(Errc::cancelled) == Fate::unknown);
  }
  SECTION("a change whose earlier attempt was sent") {
    f.step(call(f, DeleteTopic{"orders"}));
    REQUIRE(f.take<DeleteTopic>());
    f.say_hello();
    f.step(Stop{});
    CHECK(f.take_call()->reply.error().code == Errc::cancelled);
  }
  SECTION("what only reads") {
    f.step(call(f, ClusterStatusRequest{}));
    REQUIRE(f.take<ClusterStatusRequest>());
    f.step(Stop{});
    CHECK(f.take_call()->reply.error().code == Errc::closed);
  }
  SECTION("a change that was refused, and waits for its next attempt") {
    f.step(call(f, CreateTopic{"new", {}}));
    f.refuse(*f.take<CreateTopic>(), Errc::no_nodes, "start a partition broker");
    f.step(Stop{});
    CHECK(f.take_call()->reply.error().code == Errc::closed);
  }
  CHECK_FALSE(f.take_call());
}

TEST_CASE("calls: what must not happen twice is not repeated for news of its topic either",
          "[client]") {
  SessionFixture f;
  f.connect();
  f.step(WatchTopic{"orders"});
  f.answer_metadata();
  Produce without_id;
  without_id.batch = batch_header(Offset(0), payload_of({"a"}), 1);
  without_id.batch.producer_id = producer_none;
  Call asked = routed(f, without_id);
  asked.records = {payload_of({"a"})};
  f.step(std::move(asked));
  REQUIRE(f.take<Produce>());
  f.pass(limits::client_attempt_timeout + 100ms);  // Its answer is lost.
  MetadataChanged change;
  change.controller_epoch = ControllerEpoch(1);
  change.metadata_version = f.metadata_version = 2;
  change.topics = f.topics;
  change.topics[0].partitions[0].leader_epoch = Epoch(2);
  f.push(change);
  CHECK(f.count<Produce>() == 0);
  f.pass(10s);
  CHECK(f.take_call()->reply.error().code == Errc::timed_out);
}

TEST_CASE("calls: a registration with a name may be repeated", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(call(f, RegisterConsumer{"orders", "billing"}));
  REQUIRE(f.take<RegisterConsumer>());
  f.say_hello();
  f.answer_hello();
  CHECK(f.count<RegisterConsumer>() == 1);
}

TEST_CASE("calls: one for a partition waits for the metadata and carries id and epoch",
          "[client]") {
  SessionFixture f;
  f.connect(2);
  f.step(routed(f, ListOffset{}, 1));
  CHECK(f.count<ListOffset>() == 0);
  f.answer_metadata();
  auto request = f.take<ListOffset>();
  REQUIRE(request);
  CHECK(request->header.topic == orders_id);
  CHECK(request->header.partition == PartitionIndex(1));
  CHECK(request->header.leader_epoch == Epoch(1));
}

TEST_CASE("calls: one for a topic or partition that does not exist fails", "[client]") {
  SessionFixture f;
  f.connect(2);
  f.step(routed(f, ListOffset{}, 2));
  f.answer_metadata();
  CHECK(f.take_call()->reply.error().code == Errc::unknown_partition);
  f.topics.clear();
  Call missing = routed(f, ListOffset{});
  missing.topic = "nowhere";
  f.step(std::move(missing));
  f.pass(30ms);
  f.answer_metadata();
  CHECK(f.take_call()->reply.error().code == Errc::unknown_topic);
}

TEST_CASE("calls: a moved leader is followed", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(routed(f, FetchPosition{"consumer:x"}));
  f.answer_metadata();
  f.refuse(*f.take<FetchPosition>(), Errc::partition_offline);
  f.move_leader(0, Epoch(3));
  auto request = f.take<FetchPosition>();
  REQUIRE(request);
  CHECK(request->header.leader_epoch == Epoch(3));
}

TEST_CASE("calls: nothing unread is an answer", "[client]") {
  SessionFixture f;
  f.connect();
  f.step(routed(f, Dequeue{"consumer:x", "token"}));
  f.answer_metadata();
  f.refuse(*f.take<Dequeue>(), Errc::nothing_unread);
  CHECK(f.take_call()->reply.error().code == Errc::nothing_unread);
}

TEST_CASE("calls: too many at once are refused", "[client]") {
  SessionFixture f;
  for (std::uint64_t i = 0; i <= limits::client_calls_max; ++i) {
    f.step(Call{CallId(i + 1), {}, {}, Ping{}, never});
  }
  const auto done = f.take_call();
  REQUIRE(done);
  CHECK(done->reply.error().code == Errc::throttled);
  CHECK(f.calls.empty());
}

TEST_CASE("calls: a fetch that waits at the partition is not taken for lost", "[client]") {
  SessionFixture f;
  f.connect();
  Fetch fetch;
  fetch.wait_ms = 20'000;
  f.step(routed(f, fetch, 0, 40s));
  f.answer_metadata();
  const auto request = f.take<Fetch>();
  REQUIRE(request);
  f.pass(20s);
  CHECK_FALSE(f.take<Fetch>());
  f.answer(*request, FetchReply{});
  CHECK(f.take_call()->reply);
}

TEST_CASE("calls: a batch goes with its payload, and again only under a sequence", "[client]") {
  SessionFixture f;
  f.connect();
  const auto produce = [&](ProducerId producer) {
    const Bytes payload = payload_of({"a"});
    Produce body;
    body.batch = batch_header(offset_unassigned, payload, 1, epoch_unknown);
    body.batch.append_time = Micros{0};
    body.batch.producer_id = producer;
    Call call = routed(f, body);
    call.records = {payload};
    return call;
  };
  f.step(produce(producer_of(RegistrationId(3))));
  f.answer_metadata();
  auto request = f.take<Produce>();
  REQUIRE(request);
  CHECK(request->records == Frames{payload_of({"a"})});
  f.pass(4s);  // No answer.
  request = f.take<Produce>();
  REQUIRE(request);
  CHECK(request->records == Frames{payload_of({"a"})});
  f.answer(*request, ProduceReply{Offset(5)});
  CHECK(f.take_call()->reply);
  f.step(produce(producer_none));
  f.answer_metadata();
  REQUIRE(f.take<Produce>());
  f.pass(9s);
  CHECK_FALSE(f.take<Produce>());
}

TEST_CASE("calls: no more of a reader's dequeues are out than the partition remembers",
          "[client]") {
  SessionFixture f;
  f.connect();
  const std::size_t most = limits::dequeues_inflight_per_reader;
  for (std::uint64_t id = 1; id <= most + 2; ++id) f.step(dequeue(f, id));
  f.answer_metadata();
  std::vector<Message> out = take_dequeues(f);
  REQUIRE(out.size() == most);
  std::set<std::string> takers;
  for (const Message& request : out) takers.insert(taker_of(request));
  CHECK(takers.size() == most);  // Each a taker of its own: the partition keeps the newest of each.

  SECTION("an answer makes room for the next, as the same taker") {
    f.refuse(out[3], Errc::nothing_unread, "everything is read");
    REQUIRE(f.take_call()->call == CallId(4));
    const std::vector<Message> next = take_dequeues(f);
    REQUIRE(next.size() == 1);
    CHECK(taker_of(next[0]) == taker_of(out[3]));
    CHECK(std::get<Dequeue>(next[0].body).token != std::get<Dequeue>(out[3].body).token);
  }
  SECTION("another reader, and another partition's, is not held up") {
    f.step(dequeue(f, 100, "id:2"));
    CHECK(take_dequeues(f).size() == 1);
  }
  SECTION("what came to its deadline unsent is told so, and takes no turn") {
    f.step(dequeue(f, 100, "id:1", 1s));
    f.pass(1s);
    const auto late = f.take_call();
    REQUIRE(late);
    CHECK(late->call == CallId(100));
    CHECK(late->reply.error().code == Errc::timed_out);
    CHECK_FALSE(late->repeated);
    CHECK(take_dequeues(f).empty());
  }
  SECTION("whose answer is lost asks again under its token") {
    f.say_hello();
    f.answer_hello();
    std::vector<Message> again = take_dequeues(f);
    REQUIRE(again.size() == most);
    for (std::size_t i = 0; i < most; ++i) {
      CHECK(std::get<Dequeue>(again[i].body).token == std::get<Dequeue>(out[i].body).token);
    }
  }
}
