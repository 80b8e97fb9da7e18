#include <catch2/catch.hpp>

#include "gui/model/reading.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace pinion;
using namespace pinion::gui;

namespace {

/// Plays the cluster: logs with a start and an end, positions of one reader; answers every effect.
class Desk {
 public:
  struct Log {
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::int64_t position = -1;
  };

  Desk(std::int32_t partitions, std::int64_t records) {
    for (std::int32_t i = 0; i < partitions; ++i) logs[i] = {0, records, -1};
    topics["orders"] = {partitions, TopicId(1)};
  }

  void start(ReadPlace from = {}) {
    reading.on_topics(now, topics, out);
    reading.start(now, {.topics = {"orders"}, .reader = name}, from, out);
    answer();
  }
  void restart_program() {
    reading = Reading();
    fetched.clear();
    out = {};
    start();
  }
  void wait(Micros time) {
    now.monotonic += time;
    now.wall += time;
    reading.on_tick(now, out);
    answer();
  }
  void refresh() {
    reading.refresh(now, out);
    answer();
  }
  void mode(ReadMode mode) {
    reading.set_mode(now, mode, out);
    answer();
  }
  void seek(const ReadPlace& place) {
    reading.seek(now, place, out);
    answer();
  }

  /// Until nothing is left to answer but fetches that wait at a log's end.
  void answer() {
    for (int rounds = 0; rounds < 10'000; ++rounds) {
      ReadingEffects in = std::move(out);
      out = {};
      if (in.asks.empty() && in.places.empty() && in.fetches.empty() && in.commits.empty()) break;
      for (const auto& ask : in.asks) on_ask(ask);
      for (const auto& place : in.places) on_place(place);
      for (const auto& fetch : in.fetches) on_fetch(fetch);
      for (const auto& commit : in.commits) on_commit(commit);
    }
  }
  /// New records, and answers of the fetches that wait for them.
  void produce(std::int32_t partition, std::int64_t count) {
    logs[partition].end += count;
    auto waited = std::move(waiting);
    waiting.clear();
    for (const auto& fetch : waited) on_fetch(fetch);
    answer();
  }
  [[nodiscard]] std::size_t count() const { return fetched.size(); }
  [[nodiscard]] bool each_once() const {
    auto sorted = fetched;
    std::sort(sorted.begin(), sorted.end());
    return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  }

  /// The topic is deleted and made again, and the cluster has told so.
  void make_again(std::int32_t partitions, std::int64_t records) {
    for (auto& [partition, log] : logs) log = {0, records, -1};
    topics["orders"] = {partitions, TopicId(topics["orders"].id.raw() + 1)};
    reading.on_topics(now, topics, out);
    answer();
  }

  Reading reading;
  std::string name = "me";
  ReadingEffects out;
  Now now{1s, 1'700'000'000s};
  ReadTopics topics;
  std::map<std::int32_t, Log> logs;
  std::vector<std::pair<std::int32_t, std::int64_t>> fetched;
  std::vector<ReadingEffects::Fetch> waiting;
  std::int64_t fetch_records = 10;
  bool commits_fail = false;
  bool commits_wait = false;  ///< They are under way, and nobody answers yet.
  Errc fetches_fail = Errc::ok;
  std::size_t asks = 0;

 private:
  void on_ask(const ReadingEffects::Ask& ask) {
    ++asks;
    const Log& log = logs[ask.partition.partition];
    reading.on_located(now, ask.partition, ask.generation,
                       LocatedPosition{log.position, 1, log.end, log.start}, out);
  }
  void on_place(const ReadingEffects::Place& place) {
    const Log& log = logs[place.partition.partition];
    std::int64_t offset = log.start;
    if (place.kind == ReadPlace::Kind::latest) offset = log.end;
    // Record N has the log time of N seconds.
    if (place.kind == ReadPlace::Kind::time) offset = std::min(log.end, place.time / 1s);
    reading.on_placed(now, place.partition, place.generation, place.is_end, offset, out);
  }
  void on_fetch(const ReadingEffects::Fetch& fetch) {
    const Log& log = logs[fetch.partition.partition];
    Result<FetchedRange> range;
    if (fetches_fail != Errc::ok) {
      range = failure(fetches_fail, "it fails");
    } else if (fetch.offset < log.start || fetch.offset > log.end) {
      range = failure(Errc::offset_out_of_range, "not there");
    } else if (fetch.offset == log.end && fetch.wait > Micros{0}) {
      waiting.push_back(fetch);
      return;
    } else {
      const std::int64_t next = std::min(log.end, fetch.offset + fetch_records);
      range = FetchedRange{next, 1, log.end, static_cast<std::uint64_t>(next - fetch.offset), 100};
    }
    const auto accepted =
        reading.on_fetched(now, fetch.partition, fetch.generation, fetch.offset, range, out);
    if (!accepted.accepted || !range) return;
    for (std::int64_t i = fetch.offset; i < std::min(accepted.keep_below, range->next); ++i) {
      fetched.emplace_back(fetch.partition.partition, i);
    }
  }
  void on_commit(const ReadingEffects::Commit& commit) {
    if (commits_wait) return;
    Result<void> result;
    if (commits_fail) {
      result = failure(Errc::timed_out, "no answer");
    } else {
      logs[commit.partition.partition].position = commit.next;
    }
    reading.on_committed(commit.partition, commit.generation, commit.next, result);
  }
};

}  // namespace

TEST_CASE("reading: a refresh reads all there is, commits, and plans the next one", "[gui]") {
  Desk desk(3, 25);
  desk.start();
  CHECK(desk.count() == 75);
  CHECK(desk.logs[1].position == 25);
  const ReadingView view = desk.reading.view();
  CHECK_FALSE(view.refreshing);
  CHECK(view.refresh_records == 75);
  CHECK(view.next_refresh_at == desk.now.monotonic + 30s);
  CHECK(view.waiting == 0);
  CHECK(desk.reading.next_deadline() == desk.now.monotonic + 30s);
}

TEST_CASE("reading: it refreshes every thirty seconds and gets only what is new", "[gui]") {
  Desk desk(2, 5);
  desk.start();
  desk.produce(0, 3);
  desk.wait(29s);
  CHECK(desk.count() == 10);
  desk.wait(1s);
  CHECK(desk.count() == 13);
  CHECK(desk.each_once());
  desk.wait(30s);
  CHECK(desk.count() == 13);
}

TEST_CASE("reading: after the program was closed only newer records are fetched", "[gui]") {
  Desk desk(2, 5);
  desk.start();
  desk.produce(1, 4);
  desk.restart_program();
  CHECK(desk.count() == 4);
}

TEST_CASE("reading: a commit that fails makes nothing appear twice", "[gui]") {
  Desk desk(1, 5);
  desk.commits_fail = true;
  desk.start();
  desk.refresh();
  CHECK(desk.count() == 5);
  CHECK(desk.reading.view().partitions[0].problem.find("not kept") != std::string::npos);
  desk.commits_fail = false;
  desk.produce(0, 1);
  desk.refresh();
  CHECK(desk.count() == 6);
  CHECK(desk.logs[0].position == 6);
  CHECK(desk.each_once());
}

TEST_CASE("reading: what another program read under the name is not fetched", "[gui]") {
  Desk desk(1, 10);
  desk.start();
  desk.produce(0, 10);
  desk.logs[0].position = 18;
  desk.refresh();
  CHECK(desk.count() == 12);
}

TEST_CASE("reading: live, records come as they are written, and positions are kept", "[gui]") {
  Desk desk(2, 5);
  desk.start();
  desk.mode(ReadMode::live);
  CHECK(desk.waiting.size() == 2);
  desk.produce(1, 2);
  CHECK(desk.count() == 12);
  desk.wait(1s);
  CHECK(desk.logs[1].position == 7);
  CHECK(desk.each_once());
  desk.mode(ReadMode::paused);
  desk.produce(1, 2);
  CHECK(desk.count() == 12);
  CHECK(desk.reading.next_deadline() == never);
  desk.refresh();  // Paused, one can still ask for what is there.
  CHECK(desk.count() == 14);
  desk.mode(ReadMode::live);
  desk.produce(0, 1);
  CHECK(desk.count() == 15);
  CHECK(desk.each_once());
}

TEST_CASE("reading: what comes while a position is on its way is kept when reading ends", "[gui]") {
  Desk desk(1, 5);
  desk.start();
  desk.mode(ReadMode::live);
  desk.commits_wait = true;
  desk.produce(0, 1);
  desk.wait(1s);  // That is to be kept, and nobody answers yet.
  desk.produce(0, 1);
  CHECK(desk.count() == 7);
  desk.commits_wait = false;
  desk.reading.stop(desk.out);
  desk.answer();
  CHECK(desk.logs[0].position == 7);
}

TEST_CASE("reading: after live mode, records wait for the next refresh again", "[gui]") {
  Desk desk(1, 5);
  desk.start();
  desk.mode(ReadMode::live);
  desk.mode(ReadMode::periodic);
  desk.produce(0, 3);
  CHECK(desk.count() == 5);
  desk.wait(30s);
  CHECK(desk.count() == 8);
  CHECK(desk.each_once());
}

TEST_CASE("reading: a topic that was deleted and made again is read from its start", "[gui]") {
  Desk desk(1, 20);
  desk.start();
  desk.logs[0] = {0, 4, -1};
  desk.fetched.clear();
  desk.refresh();
  CHECK(desk.count() == 4);
}

TEST_CASE("reading: without a name, too, a topic that was made again is read from its start",
          "[gui]") {
  for (const std::int64_t records : {4, 20, 30}) {  // Fewer than were read, as many, more.
    Desk desk(1, 20);
    desk.name.clear();
    desk.start();
    REQUIRE(desk.count() == 20);
    desk.fetched.clear();
    desk.make_again(1, records);
    INFO(records);
    CHECK(desk.count() == static_cast<std::size_t>(records));
    CHECK(desk.reading.view().partitions[0].problem.empty());
    desk.refresh();
    CHECK(desk.each_once());
  }
}

TEST_CASE("reading: of a topic that was made again new partitions, too, are read from their start",
          "[gui]") {
  Desk desk(1, 20);
  SECTION("after the newest was sought") {
    desk.start();
    desk.seek({.kind = ReadPlace::Kind::latest});
    CHECK(desk.reading.view().partitions.size() == 1);
  }
  SECTION("by a reader that began at the end") {
    desk.reading.on_topics(desk.now, desk.topics, desk.out);
    desk.reading.start(desk.now,
                       {.topics = {"orders"}, .reader = "me", .start = ReadPlace::Kind::latest}, {},
                       desk.out);
    desk.answer();
    CHECK(desk.reading.view().partitions.size() == 1);
  }
  desk.fetched.clear();
  desk.logs[1] = desk.logs[2] = {};
  desk.make_again(3, 7);
  CHECK(desk.count() == 21);
  CHECK(desk.each_once());
  // One that joins it later is as any other.
  desk.logs[3] = {0, 5, -1};
  desk.topics["orders"].partitions = 4;
  desk.reading.on_topics(desk.now, desk.topics, desk.out);
  desk.answer();
  CHECK(desk.count() == 21);
}

TEST_CASE("reading: a topic that was made again before the status says so is read once", "[gui]") {
  Desk desk(2, 20);
  desk.start();
  desk.mode(ReadMode::live);
  desk.fetched.clear();
  desk.logs[0] = {0, 4, -1};
  desk.logs[1] = {0, 7, -1};
  desk.produce(0, 0);  // The fetches that waited are answered: there is no such place.
  desk.produce(0, 1);
  CHECK(desk.count() == 12);
  desk.topics["orders"].id = TopicId(2);  // And none of its positions is kept yet.
  desk.reading.on_topics(desk.now, desk.topics, desk.out);
  desk.answer();
  CHECK(desk.count() == 12);
  desk.produce(1, 1);
  CHECK(desk.count() == 13);
  CHECK(desk.each_once());
  // The next time it is made again is another one.
  desk.fetched.clear();
  desk.make_again(2, 25);
  CHECK(desk.count() == 50);
}

TEST_CASE("reading: a topic that is made again while it is read live", "[gui]") {
  Desk desk(3, 9);
  desk.start();
  desk.mode(ReadMode::live);
  desk.produce(0, 1);  // Its place is not kept yet.
  const auto old = desk.waiting.at(0);
  desk.waiting.clear();
  desk.fetched.clear();
  desk.make_again(2, 7);
  CHECK(desk.count() == 14);
  CHECK(desk.logs[0].position == 7);  // Where it was in the former one is not kept for this one.
  CHECK(desk.reading.view().partitions.size() == 2);
  // What the former one answers at last is not shown.
  CHECK_FALSE(desk.reading
                  .on_fetched(desk.now, old.partition, old.generation, old.offset,
                              FetchedRange{old.offset + 1, 1, 10, 1, 100}, desk.out)
                  .accepted);
  desk.produce(1, 1);
  CHECK(desk.count() == 15);
  CHECK(desk.each_once());
  // What becomes known of it otherwise changes nothing.
  desk.topics["orders"].id = TopicId(0);
  desk.reading.on_topics(desk.now, desk.topics, desk.out);
  desk.answer();
  CHECK(desk.count() == 15);
}

TEST_CASE("reading: a failing partition tells why, is tried again, and holds up no other",
          "[gui]") {
  Desk desk(2, 5);
  desk.fetches_fail = Errc::partition_offline;
  desk.start();
  CHECK(desk.count() == 0);
  CHECK(desk.reading.view().partitions[0].problem == "It fails.");
  CHECK_FALSE(desk.reading.view().refreshing);
  desk.fetches_fail = Errc::ok;
  desk.wait(30s);
  CHECK(desk.count() == 10);
  CHECK(desk.reading.view().partitions[0].problem.empty());

  desk.fetches_fail = Errc::timed_out;
  desk.mode(ReadMode::live);
  desk.fetches_fail = Errc::ok;
  desk.produce(0, 1);
  desk.wait(1s);
  CHECK(desk.count() == 11);
}

TEST_CASE("reading: records deleted before they were read are counted as skipped", "[gui]") {
  Desk desk(1, 5);
  desk.start();
  desk.logs[0].start = 20;
  desk.logs[0].end = 25;
  desk.refresh();
  CHECK(desk.count() == 10);
  CHECK(desk.reading.view().partitions[0].skipped == 15);
}

TEST_CASE("reading: a log that was cut is told, and read on from its end", "[gui]") {
  Desk desk(1, 10);
  desk.start();
  desk.logs[0].end = 6;
  desk.refresh();
  CHECK(desk.reading.view().partitions[0].problem.find("cut") != std::string::npos);
  desk.produce(0, 2);
  desk.refresh();
  CHECK(desk.count() == 12);
}

TEST_CASE("reading: seeking reads again from there and keeps the new place", "[gui]") {
  Desk desk(2, 20);
  desk.start();
  desk.fetched.clear();
  desk.seek({.kind = ReadPlace::Kind::offset, .offset = 15});
  CHECK(desk.count() == 10);
  desk.fetched.clear();
  desk.seek({.kind = ReadPlace::Kind::time, .time = 18s});
  CHECK(desk.count() == 4);
  desk.fetched.clear();
  desk.seek({.kind = ReadPlace::Kind::latest});
  CHECK(desk.count() == 0);
  CHECK(desk.logs[0].position == 20);
  desk.seek({.kind = ReadPlace::Kind::earliest});
  CHECK(desk.count() == 40);
}

TEST_CASE("reading: a time range has a lower and an upper bound", "[gui]") {
  Desk desk(2, 20);
  desk.start();
  desk.fetched.clear();
  desk.seek({.kind = ReadPlace::Kind::time, .time = 5s, .until = Micros(9s)});
  CHECK(desk.count() == 8);
  CHECK(std::all_of(desk.fetched.begin(), desk.fetched.end(),
                    [](const auto& at) { return at.second >= 5 && at.second < 9; }));
  CHECK(desk.reading.view().range_done);
  desk.wait(30s);
  CHECK(desk.count() == 8);
}

TEST_CASE("reading: behind a range that is read whole no refresh is planned", "[gui]") {
  Desk desk(2, 20);
  desk.start();
  desk.seek({.kind = ReadPlace::Kind::time, .time = 5s, .until = Micros(9s)});
  CHECK(desk.reading.view().next_refresh_at == Micros{0});
  desk.reading.set_period(desk.now, 10s);
  CHECK(desk.reading.view().next_refresh_at == Micros{0});
  desk.seek({.kind = ReadPlace::Kind::earliest});
  CHECK(desk.reading.view().next_refresh_at == desk.now.monotonic + 10s);
}

TEST_CASE("reading: a new reader may begin at the end", "[gui]") {
  Desk desk(1, 10);
  desk.reading.on_topics(desk.now, desk.topics, desk.out);
  desk.reading.start(desk.now,
                     {.topics = {"orders"}, .reader = "me", .start = ReadPlace::Kind::latest}, {},
                     desk.out);
  desk.answer();
  CHECK(desk.count() == 0);
  desk.produce(0, 2);
  desk.refresh();
  CHECK(desk.count() == 2);
}

TEST_CASE("reading: partitions that are made later join", "[gui]") {
  Desk desk(1, 5);
  desk.topics.clear();
  desk.start();
  CHECK(desk.count() == 0);
  desk.reading.on_topics(desk.now, {{"orders", {2}}, {"other", {4}}}, desk.out);
  desk.logs[1] = {0, 5, -1};
  desk.answer();
  CHECK(desk.count() == 10);
}

TEST_CASE("reading: a thousand partitions are asked a bounded number at a time", "[gui]") {
  Desk desk(1'000, 2);
  desk.reading.on_topics(desk.now, desk.topics, desk.out);
  desk.reading.start(desk.now, {.topics = {"orders"}, .reader = "me"}, {}, desk.out);
  CHECK(desk.out.asks.size() == Reading::busy_max);
  desk.answer();
  CHECK(desk.count() == 2'000);
  CHECK_FALSE(desk.reading.view().refreshing);
}

TEST_CASE("reading: an answer to what was asked before a seek is not shown", "[gui]") {
  Desk desk(1, 50);
  desk.reading.on_topics(desk.now, desk.topics, desk.out);
  desk.reading.start(desk.now, {.topics = {"orders"}, .reader = "me"}, {}, desk.out);
  const ReadPartition first{"orders", 0};
  desk.reading.on_located(desk.now, first, desk.out.asks[0].generation,
                          LocatedPosition{-1, 0, 50, 0}, desk.out);
  const auto old = desk.out.fetches.at(0);
  desk.out = {};
  desk.seek({.kind = ReadPlace::Kind::offset, .offset = 48});
  const auto accepted = desk.reading.on_fetched(desk.now, first, old.generation, old.offset,
                                                FetchedRange{10, 1, 50, 10, 100}, desk.out);
  CHECK_FALSE(accepted.accepted);
  CHECK(desk.count() == 2);
}
