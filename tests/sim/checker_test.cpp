// The checkers are tested too: each finds the history that it is there for, and no other.
#include "tests/sim/checker.hpp"

#include <catch2/catch.hpp>

using namespace pinion;
using namespace pinion::sim;

namespace {

const PartitionKey here{TopicId(1), PartitionIndex(0)};
const PartitionKey elsewhere{TopicId(1), PartitionIndex(1)};

/// A checker and the shortest way to tell it a history.
struct History {
  Checker checker;

  SendId send(std::int32_t process = 0, Acks acks = Acks::all) {
    return checker.on_send(process, acks, std::nullopt, Micros(0));
  }
  SendId sent(std::int64_t offset, std::int32_t process = 0) {
    const SendId id = send(process);
    checker.on_send_ok(id, here, Offset(offset));
    return id;
  }
  void poll(Checker::ReadingId reading, SendId id, std::int64_t offset) {
    const std::string value = checker.value_of(id);
    checker.on_polled(reading, {{Offset(offset), value}});
  }
  void drain(std::int64_t start, const std::vector<SendId>& sends) {
    std::vector<std::string> values;
    for (const SendId id : sends) values.push_back(checker.value_of(id));
    std::vector<Checker::PolledRecord> records;
    for (std::size_t i = 0; i < values.size(); ++i) {
      records.push_back({Offset(start) + static_cast<std::int64_t>(i), values[i]});
    }
    checker.on_drained(here, Offset(start),
                       Offset(start) + static_cast<std::int64_t>(values.size()), records);
    checker.check_end();
  }
  [[nodiscard]] std::string found() const {
    return checker.violation() ? checker.violation()->name : "nothing";
  }
};

}  // namespace

TEST_CASE("checker: a history in order is fine", "[scenario]") {
  History h;
  const SendId a = h.sent(0);
  const SendId b = h.sent(1);
  const auto reading = h.checker.on_assigned("c", here, Offset(0));
  h.poll(reading, a, 0);
  h.poll(reading, b, 1);
  h.drain(0, {a, b});
  CHECK(h.found() == "nothing");
}

TEST_CASE("checker: an acknowledged record that is missing is lost, or unseen at the end",
          "[scenario]") {
  History lost;
  const SendId a = lost.sent(0);
  lost.sent(1, 2);
  const SendId b = lost.sent(2, 1);
  const auto reading = lost.checker.on_assigned("c", here, Offset(2));
  lost.poll(reading, b, 2);
  lost.drain(0, {a});
  CHECK(lost.found() == "lost-write");

  History unseen;
  const SendId c = unseen.sent(0);
  unseen.sent(1);
  unseen.drain(0, {c});
  CHECK(unseen.found() == "unseen");
}

TEST_CASE("checker: what retention took, and what was never certain, may be missing",
          "[scenario]") {
  History h;
  h.sent(0);
  const SendId kept = h.sent(1);
  const SendId unknown = h.send();
  h.checker.on_send_info(unknown, Errc::timed_out);
  const SendId unacknowledged = h.send(1, Acks::none);
  h.checker.on_send_ok(unacknowledged, here, offset_unassigned);
  h.drain(1, {kept});
  CHECK(h.found() == "nothing");
}

TEST_CASE("checker: a failed record that is read is an aborted read, whichever comes first",
          "[scenario]") {
  History before;
  const SendId a = before.send();
  before.checker.on_send_fail(a, Errc::record_too_large);
  before.poll(before.checker.on_assigned("c", here, Offset(0)), a, 0);
  CHECK(before.found() == "G1a");

  History after;
  const SendId b = after.send();
  after.poll(after.checker.on_assigned("c", here, Offset(0)), b, 0);
  after.checker.on_send_fail(b, Errc::record_too_large);
  CHECK(after.found() == "G1a");
}

TEST_CASE("checker: one value twice, two values in one place, and a value from nowhere",
          "[scenario]") {
  History twice;
  const SendId a = twice.sent(0);
  twice.poll(twice.checker.on_assigned("c", here, Offset(1)), a, 1);
  CHECK(twice.found() == "duplicate");

  History divergent;
  divergent.sent(0, 0);
  divergent.sent(0, 1);
  CHECK(divergent.found() == "inconsistent-offsets");

  History invented;
  const auto reading = invented.checker.on_assigned("c", here, Offset(0));
  invented.checker.on_polled(reading, {{Offset(0), "p9-9"}});
  CHECK(invented.found() == "unexpected");
}

TEST_CASE("checker: a record in another partition is misrouted", "[scenario]") {
  History h;
  const SendId a = h.checker.on_send(0, Acks::all, here, Micros(0));
  h.poll(h.checker.on_assigned("c", elsewhere, Offset(0)), a, 0);
  CHECK(h.found() == "misrouted");
}

TEST_CASE("checker: one producer's records keep their order, also around an unknown one",
          "[scenario]") {
  History h;
  const SendId first = h.send();
  const SendId second = h.send();
  h.checker.on_send_info(first, Errc::timed_out);
  h.checker.on_send_ok(second, here, Offset(0));
  h.poll(h.checker.on_assigned("c", here, Offset(1)), first, 1);
  CHECK(h.found() == "nonmonotonic-send");
}

TEST_CASE("checker: a reader neither jumps nor goes back", "[scenario]") {
  History skip;
  skip.sent(0);
  const SendId b = skip.sent(1);
  skip.poll(skip.checker.on_assigned("c", here, Offset(0)), b, 1);
  CHECK(skip.found() == "poll-skip");

  History back;
  const SendId c = back.sent(0);
  const auto reading = back.checker.on_assigned("c", here, Offset(0));
  back.poll(reading, c, 0);
  back.poll(reading, c, 0);
  CHECK(back.found() == "nonmonotonic-poll");

  History seek;
  const SendId d = seek.sent(0);
  seek.poll(seek.checker.on_assigned("c", here, Offset(0)), d, 0);
  seek.poll(seek.checker.on_assigned("c", here, Offset(0)), d, 0);
  CHECK(seek.found() == "nothing");
}

TEST_CASE("checker: a report comes once", "[scenario]") {
  History h;
  const SendId a = h.sent(0);
  h.checker.on_send_info(a, Errc::timed_out);
  CHECK(h.found() == "answered-twice");
}

TEST_CASE("checker: a high watermark does not go back for those who ask later", "[scenario]") {
  History h;
  const auto early = h.checker.on_ask_high_watermark(here);
  h.checker.on_high_watermark(h.checker.on_ask_high_watermark(here), Offset(5));
  h.checker.on_high_watermark(early, Offset(3));  // Asked before the other was told.
  CHECK(h.found() == "nothing");
  h.checker.on_high_watermark(h.checker.on_ask_high_watermark(here), Offset(4));
  CHECK(h.found() == "high-watermark-back");
}

TEST_CASE("checker: the last committed position stays", "[scenario]") {
  const auto commit = [](Checker& checker, std::int64_t offset, Outcome outcome) {
    checker.on_commit_ended(checker.on_commit("r", here, Offset(offset)), outcome);
  };
  const auto read = [](Checker& checker, std::int64_t offset) {
    checker.on_position(checker.on_ask_position("r", here), Offset(offset));
    return checker.violation() ? checker.violation()->name : "nothing";
  };
  Checker back;
  commit(back, 1, Outcome::ok);
  commit(back, 2, Outcome::ok);
  CHECK(read(back, 2) == "nothing");
  CHECK(read(back, 1) == "position-back");

  Checker lost;
  commit(lost, 1, Outcome::ok);
  CHECK(read(lost, -1) == "position-lost");

  Checker unknown;
  commit(unknown, 1, Outcome::ok);
  commit(unknown, 2, Outcome::info);
  CHECK(read(unknown, 1) == "nothing");
  CHECK(read(unknown, 2) == "nothing");
  CHECK(read(unknown, 1) == "position-back");  // It was shown, so it is there.

  Checker invented;
  commit(invented, 1, Outcome::fail);
  CHECK(read(invented, 1) == "position-unexpected");
}

TEST_CASE("checker: dequeues give each record to one token, and pass over none", "[scenario]") {
  const auto dequeue = [](History& h, const std::string& token, SendId id, std::int64_t offset) {
    h.checker.on_dequeue("r", here, token);
    h.checker.on_dequeue_ok("r", here, token, Offset(offset), h.checker.value_of(id));
  };
  History fine;
  const SendId a = fine.sent(0);
  const SendId b = fine.sent(1);
  const SendId c = fine.sent(2);
  dequeue(fine, "t0", a, 0);
  fine.checker.on_dequeue("r", here, "t1");
  fine.checker.on_dequeue_ended("r", here, "t1", Checker::MayHaveHappened::yes);
  dequeue(fine, "t2", c, 2);
  fine.drain(0, {a, b, c});
  CHECK(fine.found() == "nothing");

  History skip;
  const SendId d = skip.sent(0);
  const SendId e = skip.sent(1);
  const SendId f = skip.sent(2);
  dequeue(skip, "t0", d, 0);
  dequeue(skip, "t1", f, 2);
  skip.drain(0, {d, e, f});
  CHECK(skip.found() == "dequeue-skip");

  History twice;
  const SendId g = twice.sent(0);
  dequeue(twice, "t0", g, 0);
  dequeue(twice, "t1", g, 0);
  CHECK(twice.found() == "dequeue-twice");

  History changed;
  const SendId i = changed.sent(0);
  const SendId j = changed.sent(1);
  dequeue(changed, "t0", i, 0);
  dequeue(changed, "t0", j, 1);
  CHECK(changed.found() == "dequeue-changed");
}

TEST_CASE("checker: topics and producer ids are handed out once and kept", "[scenario]") {
  Checker reused;
  reused.on_create_ok(TopicId(1), "a");
  reused.on_create_ok(TopicId(1), "b");
  REQUIRE(reused.violation());
  CHECK(reused.violation()->name == "topic-id-reused");

  Checker lost;
  lost.on_create_ok(TopicId(1), "a");
  lost.on_topics({});
  REQUIRE(lost.violation());
  CHECK(lost.violation()->name == "lost-topic");

  Checker deleted;
  deleted.on_create_ok(TopicId(1), "a");
  deleted.on_delete("a");
  deleted.on_topics({});
  CHECK_FALSE(deleted.violation());
  deleted.on_delete_ok(TopicId(1));
  TopicMetadata topic;
  topic.id = TopicId(1);
  topic.name = "a";
  deleted.on_topics({topic});
  REQUIRE(deleted.violation());
  CHECK(deleted.violation()->name == "deleted-topic");

  Checker ids;
  ids.on_producer_ids(ProducerId(1), 10);
  ids.on_producer_ids(ProducerId(11), 5);
  CHECK_FALSE(ids.violation());
  ids.on_producer_ids(ProducerId(15), 1);
  REQUIRE(ids.violation());
  CHECK(ids.violation()->name == "producer-id-twice");
}
