#include "gateway/cluster/fetch_lanes.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace pinion;
using namespace pinion::gateway;

namespace {

struct Sent {
  FetchCall call;
  Micros timeout{0};
  std::function<void(Result<FetchAnswer>)> then;
};

/// Lanes whose fetches are answered by the test, at the time that it says.
struct Lanes {
  std::vector<Sent> sent;
  bool closed = false;
  Micros now{1s};
  std::shared_ptr<FetchLanes> lanes = std::make_shared<FetchLanes>(
      [this](const FetchCall& call, Micros timeout, std::function<void(Result<FetchAnswer>)> then) {
        if (closed) return then(failure(Errc::closed, "the client is closed"));
        sent.push_back({call, timeout, std::move(then)});
      },
      [this] { return now; });
  std::vector<std::string> told;

  void ask(const std::string& who, int partition, int offset, Micros wait = Micros{0},
           Micros timeout = 10s) {
    FetchCall call;
    call.topic = "t";
    call.partition = PartitionIndex(partition);
    call.offset = Offset(offset);
    call.bytes_max = limits::mib;
    call.wait = wait;
    lanes->fetch(call, wait + timeout, [this, who](const FetchLanes::Answer& answer) {
      told.push_back(who + (answer->answer() ? "" : "!"));
    });
  }
  void answer(std::size_t index) { sent[index].then(FetchAnswer{}); }
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("fetch lanes: what all of them ask for stays far below what a broker owes a client",
          "[gateway]") {
  FetchRoom room;
  const std::uint32_t first = room.take(limits::mib);
  CHECK(first == limits::mib);
  for (int i = 1; i < 4'096; ++i) {
    const std::uint32_t bytes = room.take(limits::mib);
    REQUIRE(bytes >= FetchRoom::bytes_least);
    REQUIRE(bytes <= limits::mib);
  }
  CHECK(room.used() <= limits::client_unread_bytes_max * 2 / 3);
  FetchRoom few;
  for (int i = 0; i < 16; ++i) CHECK(few.take(limits::mib) == limits::mib);
  few.give_back(limits::mib);
  CHECK(few.take(limits::mib) == limits::mib);
}

TEST_CASE("fetch lanes: a long line ends with the client, and is no recursion", "[gateway]") {
  Lanes l;
  constexpr int readers = 200'000;
  for (int i = 0; i < readers; ++i) l.ask("reader", 0, i);
  REQUIRE(l.sent.size() == FetchLanes::reading_max);
  l.closed = true;
  for (std::size_t i = 0; i < FetchLanes::reading_max; ++i) l.answer(i);
  CHECK(l.told.size() == readers);
}

TEST_CASE("fetch lanes: any number of readers at a log's end wait with one fetch", "[gateway]") {
  Lanes l;
  for (int i = 0; i < 100; ++i) {
    l.ask("tail", 0, 7, 5s);
    l.now += 10ms;
  }
  CHECK(l.sent.size() == 1);
  l.ask("other partition", 1, 7, 5s);
  l.ask("other offset", 0, 8, 5s);
  CHECK(l.sent.size() == 3);
  // It would be told too late, or far too early.
  l.ask("short", 0, 7, 1s);
  CHECK(l.sent.size() == 4);
  l.now += 3s;
  l.ask("later", 0, 7, 5s);
  CHECK(l.sent.size() == 5);
  l.answer(0);
  CHECK(l.told == Told(100, "tail"));
  l.ask("again", 0, 9, 5s);
  CHECK(l.sent.size() == 6);
}

TEST_CASE("fetch lanes: readers of the same records share an answer", "[gateway]") {
  Lanes l;
  l.ask("a", 0, 7);
  l.ask("b", 0, 7);
  CHECK(l.sent.size() == 1);
  l.now += 2s;  // That one is given up two seconds earlier.
  l.ask("c", 0, 7);
  CHECK(l.sent.size() == 2);
  // What waits is another matter.
  l.ask("d", 0, 7, 5s);
  CHECK(l.sent.size() == 3);
  l.answer(0);
  CHECK(l.told == Told{"a", "b"});
}

TEST_CASE("fetch lanes: a partition that does not answer keeps its own readers waiting",
          "[gateway]") {
  Lanes l;
  for (int i = 0; i < 6; ++i) l.ask(std::to_string(i), 0, i);
  CHECK(l.sent.size() == FetchLanes::reading_max);
  l.ask("other", 1, 0);
  CHECK(l.sent.size() == FetchLanes::reading_max + 1);
  l.ask("waits", 0, 10, 5s);
  CHECK(l.sent.size() == FetchLanes::reading_max + 2);
  l.now += 1s;
  l.answer(0);
  REQUIRE(l.sent.size() == FetchLanes::reading_max + 3);
  CHECK(l.sent.back().call.offset == Offset{4});  // In the order of asking,
  CHECK(l.sent.back().timeout == 9s);             // with what is left of its time.
  l.now += 9s;
  l.answer(1);
  CHECK(l.told == Told{"0", "1", "5!"});  // And none is left of the last one's.
  CHECK(l.sent.size() == FetchLanes::reading_max + 3);
}
