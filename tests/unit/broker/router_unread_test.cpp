// What clients have been sent and have not read: who is throttled, what is dropped, who is not
// harmed by others. Stories of a router; sizes in KiB stand for the real MiB.
#include "broker/core/router.hpp"

#include <catch2/catch.hpp>

#include "common/proto/codec.hpp"

#include <string>

using namespace pinion;

namespace {

constexpr UnreadLimits most{.asking = 48 * limits::kib, .bytes = 64 * limits::kib};
constexpr std::size_t answer_bytes = 8 * limits::kib - limits::message_cost_bytes;

class UnreadFixture {
 public:
  UnreadFixture() : router({.unread = most}, ControllerEpoch{3}, now, 7) {
    router.update_node({NodeId{1}, Bytes::copy_of("n1")});
    router.update_route({{TopicId{1}, PartitionIndex{0}},
                         {.node = NodeId{1}, .leader_epoch = Epoch{5}, .detail = {}}});
  }

  void hello(const std::string& id) { router.add_client(now, id); }
  std::uint64_t ping(const std::string& id, std::uint64_t mark) {
    REQUIRE(router.touch_client(now, id));
    router.on_mark(id, mark);
    const std::uint64_t next = router.mark(id);
    router.check_invariants();
    return next;
  }
  /// Says hello, and proves that it reads.
  void reader(const std::string& id) {
    hello(id);
    ping(id, router.mark(id));
  }
  Result<NodeFrames> ask(const std::string& id) {
    Header header;
    header.kind = Kind::fetch;
    header.topic = TopicId{1};
    Frames frames = {Bytes::copy_of(id), Bytes(), encode_header(header), Bytes::copy_of("b")};
    REQUIRE(router.touch_client(now, id));
    return router.forward(frames, 2, header);
  }
  bool answer(const NodeFrames& request, std::size_t bytes = answer_bytes) {
    const std::size_t beside = 2 + request.return_frame.size();
    const bool passed = router
                            .answer({Bytes::copy_of("n1"), request.return_frame, Bytes(),
                                     Bytes(std::string(bytes - beside, 'x'))})
                            .has_value();
    router.check_invariants();
    return passed;
  }
  /// Asks and is answered; false when it was refused, or the answer dropped.
  bool served(const std::string& id, std::size_t bytes = answer_bytes) {
    const auto request = ask(id);
    return request && answer(*request, bytes);
  }
  /// Asks until it is refused; returns how many were answered.
  int hog(const std::string& id) {
    int count = 0;
    while (served(id)) ++count;
    return count;
  }

  Now now{.monotonic = 100s, .wall = 0s};
  Router router;
};

}  // namespace

TEST_CASE("router: who does not read is throttled, and what comes all the same is dropped",
          "[broker]") {
  UnreadFixture f;
  f.hello("lazy");
  std::vector<NodeFrames> asked;
  for (int i = 0; i < 20; ++i) {
    auto request = f.ask("lazy");
    REQUIRE(request);
    asked.push_back(std::move(*request));
  }
  int passed = 0;
  for (const NodeFrames& request : asked) passed += f.answer(request) ? 1 : 0;
  CHECK(passed == 9);  // One goes beyond the bound: it could be the largest there is.
  CHECK(f.router.unread_bytes("lazy") == most.bytes + 8 * limits::kib);
  CHECK(f.router.counters().answers_dropped == 11);
  CHECK(f.router.in_flight("lazy") == InFlight{});  // As if all had been delivered.
  const auto refused = f.ask("lazy");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::throttled);
  CHECK(f.router.counters().throttled == 1);
  CHECK(f.router.check_unread("lazy").error().code == Errc::throttled);
}

TEST_CASE("router: what stood before a mark that comes back has been read", "[broker]") {
  UnreadFixture f;
  f.hello("c");
  const std::uint64_t mark = f.router.mark("c");
  CHECK(mark != 0);
  CHECK(f.router.mark("c") == mark);  // Until it comes back.
  REQUIRE(f.served("c"));
  const std::uint64_t next = f.ping("c", mark);
  CHECK(next != mark);
  CHECK(f.router.unread_bytes("c") == 8 * limits::kib);  // It was sent after the mark.
  REQUIRE(f.served("c"));
  f.ping("c", next);
  CHECK(f.router.unread_bytes("c") == 8 * limits::kib);
}

TEST_CASE("router: marks that are guessed, old or none confirm nothing", "[broker]") {
  UnreadFixture f;
  f.hello("c");
  const std::uint64_t old = f.router.mark("c");
  const std::uint64_t out = f.ping("c", old);
  REQUIRE(f.served("c"));
  for (const std::uint64_t mark : {std::uint64_t{0}, old, out + 1, ~std::uint64_t{0}}) {
    CHECK(f.ping("c", mark) == out);
    CHECK(f.router.unread_bytes("c") == 8 * limits::kib);
  }
}

TEST_CASE("router: saying hello again settles nothing", "[broker]") {
  UnreadFixture f;
  f.hello("lazy");
  CHECK(f.hog("lazy") == 7);  // The seventh begins where asking still may be.
  const std::uint64_t unread = f.router.unread_bytes("lazy");
  f.hello("lazy");
  CHECK(f.router.unread_bytes("lazy") == unread);
  CHECK_FALSE(f.ask("lazy"));
}

TEST_CASE("router: a lost connection settles what was not read", "[broker]") {
  UnreadFixture f;
  f.hello("a");
  REQUIRE(f.served("a"));
  f.router.connection_lost("a");
  CHECK(f.router.unread_bytes("a") == 0);
  CHECK(f.router.client_count() == 1);  // It may come back.
  f.router.connection_lost("nobody");
  f.router.check_invariants();
}

TEST_CASE("router: nobody is refused for what others leave unread, whoever they are", "[broker]") {
  UnreadFixture f;
  f.reader("good");
  for (int i = 0; i < 200; ++i) {
    const std::string id = "lazy" + std::to_string(i);
    if (i % 2 == 0) {
      f.hello(id);
    } else {
      f.reader(id);  // It read once, and then no more.
    }
    f.hog(id);
  }
  std::uint64_t mark = f.router.mark("good");
  for (int i = 0; i < 100; ++i) {
    CHECK(f.served("good", 3 * answer_bytes));
    mark = f.ping("good", mark);
  }
  f.hello("late");
  CHECK(f.served("late"));
}

TEST_CASE("router: the broker's own messages count, and go to strangers as they are", "[broker]") {
  UnreadFixture f;
  f.hello("lazy");
  const Frames status = {Bytes::copy_of("lazy"), Bytes(), Bytes(std::string(answer_bytes, 's'))};
  int admitted = 0;
  while (f.router.admit(status)) ++admitted;
  CHECK(admitted == 9);
  CHECK(f.router.counters().unread_dropped == 1);
  CHECK_FALSE(f.router.has_room("lazy"));
  Frames stranger = status;
  stranger[0] = Bytes::copy_of("stranger");
  CHECK(f.router.admit(stranger));
  CHECK_FALSE(f.router.has_room("stranger"));
  f.router.check_invariants();
}
