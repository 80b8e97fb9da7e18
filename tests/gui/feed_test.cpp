// The feed over real sockets, against a cluster in this process.
#include "tests/support/server_cluster.hpp"

#include "gui/feed/feed.hpp"

#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>

using namespace pinion;
using namespace pinion::gui;
using namespace pinion::test;

namespace {

constexpr Micros soon = 20s;

std::shared_ptr<const Snapshot> await(const Feed& feed,
                                      const std::function<bool(const Snapshot&)>& condition) {
  std::shared_ptr<const Snapshot> found;
  const bool in_time = eventually(soon, [&] {
    found = feed.snapshot();
    return condition(*found);
  });
  REQUIRE(in_time);
  return found;
}

void make_topic(Feed& feed, const std::string& name, std::int32_t partitions) {
  MakeTopic command;
  command.name = name;
  command.config.partitions = partitions;
  REQUIRE(feed.post(std::move(command)));
  await(feed, [&](const Snapshot& s) {
    return s.cluster != nullptr && s.cluster->find_topic(name) != nullptr &&
           !s.topic_action.running;
  });
}

void send(Feed& feed, const std::string& topic, const std::string& value, std::uint64_t count) {
  SendRecords command;
  command.plan.draft.topic = topic;
  command.plan.draft.value = value;
  command.plan.count = count;
  const std::size_t before = feed.snapshot()->producing->jobs.size();
  REQUIRE(feed.post(std::move(command)));
  const auto after = await(feed, [&](const Snapshot& s) {
    return s.producing->jobs.size() > before && s.producing->jobs.front().is_over();
  });
  INFO(after->producing->jobs.front().problem);
  REQUIRE(after->producing->jobs.front().acknowledged == count);
}

StartReading reading_of(const std::string& topic, const std::string& reader) {
  StartReading command;
  command.settings.topics = {topic};
  command.settings.reader = reader;
  return command;
}

void await_records(const Feed& feed, std::size_t count) {
  const auto snapshot =
      await(feed, [&](const Snapshot& s) { return s.consume->records.size() >= count; });
  CHECK(snapshot->consume->records.size() == count);
}

}  // namespace

TEST_CASE("feed: produce, consume once, also after the program was opened again", "[gui]") {
  ServerCluster cluster(2);
  {
    Feed feed({.address = cluster.address()});
    await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
    make_topic(feed, "orders", 3);
    send(feed, "orders", "value {{n}}", 1'000);
    REQUIRE(feed.post(reading_of("orders", "desk")));
    await_records(feed, 1'000);
    send(feed, "orders", "later {{n}}", 10);
    REQUIRE(feed.post(RefreshReading{}));
    await_records(feed, 1'010);
    const auto done = await(feed, [](const Snapshot& s) {
      return !s.consume->reading.refreshing && s.consume->reading.refresh_records == 10;
    });
    CHECK(done->consume->reading.next_refresh_at > Micros{0});
    std::set<std::pair<std::int32_t, std::int64_t>> places;
    const LogView& records = done->consume->records;
    for (std::uint64_t i = records.first(); i < records.end(); ++i) {
      places.emplace(records.find(i)->partition, records.find(i)->offset);
    }
    CHECK(places.size() == 1'010);
  }
  Feed again({.address = cluster.address()});
  await(again, [](const Snapshot& s) { return s.cluster != nullptr; });
  send(again, "orders", "after", 3);
  REQUIRE(again.post(reading_of("orders", "desk")));
  await_records(again, 3);
}

TEST_CASE("feed: live, records come as they are written", "[gui]") {
  ServerCluster cluster(1);
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 2);
  REQUIRE(feed.post(reading_of("orders", "live")));
  REQUIRE(feed.post(SetReadMode{ReadMode::live}));
  await(feed, [](const Snapshot& s) { return s.consume->reading.mode == ReadMode::live; });
  send(feed, "orders", "x", 5);
  await_records(feed, 5);
  send(feed, "orders", "y", 5);
  await_records(feed, 10);
}

TEST_CASE("feed: SQL over all partitions, its errors, browsing and exports", "[gui]") {
  ServerCluster cluster(1);
  TemporaryFolder folder;
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 2);
  send(feed, "orders", "{\"n\": {{n}}}", 100);

  REQUIRE(feed.post(RunQuery{"orders", {}, "select count(*) as c from readable", 100}));
  auto snapshot =
      await(feed, [](const Snapshot& s) { return s.query->number == 1 && !s.query->running; });
  REQUIRE(snapshot->query->error.code == Errc::ok);
  REQUIRE(snapshot->query->rows.size() == 2);
  CHECK(std::get<std::int64_t>(snapshot->query->rows[0][0]) +
            std::get<std::int64_t>(snapshot->query->rows[1][0]) ==
        100);
  REQUIRE(feed.post(RunQuery{"orders", 0, "select * from nothing", 100}));
  snapshot =
      await(feed, [](const Snapshot& s) { return s.query->number == 2 && !s.query->running; });
  CHECK(snapshot->query->error.code == Errc::sql_invalid);
  CHECK(snapshot->query->error.detail.find("nothing") != std::string::npos);

  REQUIRE(feed.post(BrowsePartition{"orders", 0, {ReadPlace::Kind::earliest, 0, {}, {}}}));
  snapshot =
      await(feed, [](const Snapshot& s) { return s.browse->number == 1 && !s.browse->loading; });
  CHECK(snapshot->browse->records.find(0)->value_bytes().find("{\"n\":") == 0);
  CHECK(snapshot->browse->next == snapshot->browse->high_watermark);

  ExportRows rows;
  rows.path = folder / "out.jsonl";
  rows.records = snapshot->browse->records;
  const std::size_t count = rows.records.size();
  REQUIRE(feed.post(std::move(rows)));
  snapshot = await(feed, [](const Snapshot& s) {
    return s.export_action.number == 1 && !s.export_action.running;
  });
  CHECK(snapshot->export_action.ok);
  const std::string text = read_file(folder / "out.jsonl");
  CHECK(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) == count);
  ExportRows nowhere;
  nowhere.path = folder / "no/such/folder";
  REQUIRE(feed.post(std::move(nowhere)));
  snapshot = await(feed, [](const Snapshot& s) {
    return s.export_action.number == 2 && !s.export_action.running;
  });
  CHECK_FALSE(snapshot->export_action.ok);
}

TEST_CASE("feed: a file is sent line by line, and a job can be cancelled", "[gui]") {
  ServerCluster cluster(1);
  TemporaryFolder folder;
  write_file(folder / "lines", "one\ntwo\r\nthree");
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 1);
  SendRecords file;
  file.plan.draft.topic = "orders";
  file.plan.file = folder / "lines";
  REQUIRE(feed.post(std::move(file)));
  await(feed, [](const Snapshot& s) {
    return !s.producing->jobs.empty() && s.producing->jobs[0].state == JobState::done;
  });
  CHECK(feed.snapshot()->producing->jobs[0].acknowledged == 3);
  SendRecords missing;
  missing.plan.draft.topic = "orders";
  missing.plan.file = folder / "missing";
  REQUIRE(feed.post(std::move(missing)));
  auto snapshot = await(feed, [](const Snapshot& s) {
    return s.producing->jobs.size() == 2 && s.producing->jobs[0].is_over();
  });
  CHECK(snapshot->producing->jobs[0].problem.find("no file that can be read") != std::string::npos);
  SendRecords slow;
  slow.plan.draft.topic = "orders";
  slow.plan.count = 1'000'000;
  slow.plan.per_second = 20;
  REQUIRE(feed.post(std::move(slow)));
  snapshot = await(feed, [](const Snapshot& s) {
    return s.producing->jobs.size() == 3 && s.producing->jobs[0].acknowledged >= 2;
  });
  REQUIRE(feed.post(CancelJob{snapshot->producing->jobs[0].id}));
  snapshot = await(feed, [](const Snapshot& s) { return s.producing->jobs[0].is_over(); });
  CHECK(snapshot->producing->jobs[0].state == JobState::cancelled);
  CHECK(snapshot->producing->jobs[0].sent < 1'000);
}

TEST_CASE("feed: nobody there, and no address, are told at once and hold up nothing", "[gui]") {
  Feed nobody({.address = "tcp://127.0.0.1:1"});
  await(nobody, [](const Snapshot& s) {
    return s.connection.problem.find("is pinion-broker running?") != std::string::npos;
  });
  SendRecords command;
  command.plan.draft.topic = "orders";
  REQUIRE(nobody.post(std::move(command)));
  Feed nonsense({.address = "nonsense"});
  await(nonsense, [](const Snapshot& s) { return s.connection.state == Connection::invalid; });
  REQUIRE(nonsense.post(reading_of("orders", "me")));
  REQUIRE(nonsense.post(RunQuery{"orders", 0, "select 1", 10}));
  REQUIRE(nonsense.post(BrowsePartition{"orders", 0, {}}));
  MakeTopic make;
  make.name = "orders";
  REQUIRE(nonsense.post(std::move(make)));
  await(nonsense, [](const Snapshot& s) {
    return s.topic_action.number == 1 && !s.topic_action.running && s.query->number == 1 &&
           !s.query->running;
  });
}
