// The feed over real sockets, against a cluster in this process.
#include "tests/integration/client/fake_broker.hpp"
#include "tests/support/server_cluster.hpp"

#include "gui/feed/feed.hpp"
#include "gui/feed/host_lookup.hpp"

#include <algorithm>
#include <filesystem>
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
  REQUIRE(after->producing->jobs.front().reports->size() ==
          std::min<std::size_t>(count, reports_kept_max));
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

TEST_CASE("feed: after a seek each record stands in the box once", "[gui]") {
  ServerCluster cluster(1);
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 1);
  send(feed, "orders", "value {{n}}", 20);
  REQUIRE(feed.post(reading_of("orders", "me")));
  await_records(feed, 20);
  REQUIRE(feed.post(SeekReading{{.kind = ReadPlace::Kind::offset, .offset = 15}}));
  auto snapshot = await(feed, [](const Snapshot& s) {
    return s.consume->cleared == 1 && !s.consume->reading.refreshing && !s.consume->records.empty();
  });
  CHECK(snapshot->consume->records.size() == 5);
  CHECK(snapshot->consume->records.find(snapshot->consume->records.first())->offset == 15);
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

TEST_CASE("feed: what was read live just before the end is not read again", "[gui]") {
  ServerCluster cluster(1);
  {
    Feed feed({.address = cluster.address()});
    await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
    make_topic(feed, "orders", 8);
  }
  for (int i = 0; i < 5; ++i) {
    INFO(i);
    Feed feed({.address = cluster.address()});
    await(feed, [](const Snapshot& s) { return s.cluster != nullptr; });
    REQUIRE(feed.post(reading_of("orders", "live")));
    await(feed, [](const Snapshot& s) { return s.consume->reading.refreshed_at.has_value(); });
    CHECK(feed.snapshot()->consume->records.empty());
    REQUIRE(feed.post(SetReadMode{ReadMode::live}));
    send(feed, "orders", "first {{n}}", 40);
    await_records(feed, 40);
    send(feed, "orders", "second {{n}}", 40);
    await_records(feed, 80);
  }
}

TEST_CASE("feed: the newest records are those at the end, however large they are", "[gui]") {
  ServerCluster cluster(1);
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 1);
  send(feed, "orders", std::string(100'000, 'x'), 150);
  const auto opened = [&](ReadPlace::Kind kind, std::uint64_t number) {
    REQUIRE(feed.post(BrowsePartition{"orders", 0, {kind, 0, {}, {}}}));
    return await(feed,
                 [&](const Snapshot& s) {
                   // Before they are there, none of the others is shown in their stead.
                   if (kind == ReadPlace::Kind::latest && s.browse->loading) {
                     CHECK(s.browse->records.empty());
                     CHECK(s.browse->first == s.browse->next);
                   }
                   return s.browse->number == number && !s.browse->loading;
                 })
        ->browse;
  };
  const auto newest = opened(ReadPlace::Kind::latest, 1);
  CHECK(newest->next == 150);
  for (std::int64_t i = newest->first; i < newest->next; ++i) {
    REQUIRE(newest->records.find(static_cast<std::uint64_t>(i)) != nullptr);
  }
  CHECK(newest->first > 50);  // Some megabytes are enough.
  CHECK(newest->records.find(149) != nullptr);
  // Scrolling up reads what lies before, without a gap.
  REQUIRE(feed.post(BrowseMore{BrowseTo::older}));
  const auto more = await(feed, [&](const Snapshot& s) {
    return s.browse->first < newest->first && !s.browse->loading;
  });
  for (std::int64_t i = more->browse->first; i < more->browse->next; ++i) {
    const RecordRow* row = more->browse->records.find(static_cast<std::uint64_t>(i));
    REQUIRE(row != nullptr);
    CHECK(row->offset == i);
  }
}

TEST_CASE("feed: a page above what is seen is bounded in bytes, and pushes out nothing of it",
          "[gui]") {
  ServerCluster cluster(1);
  const BrowseLimits limits{.page_bytes = 500'000, .held_bytes = 700'000, .answer_bytes = 100'000};
  Feed feed({.address = cluster.address(), .browse = limits});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 1);
  send(feed, "orders", std::string(50'000, 'x'), 60);  // Three million bytes above
  send(feed, "orders", "small", 100);                  // what is seen.
  REQUIRE(feed.post(BrowsePartition{"orders", 0, {ReadPlace::Kind::offset, 60, {}, {}}}));
  auto browse = await(feed, [](const Snapshot& s) {
                  return s.browse->number == 1 && !s.browse->loading;
                })->browse;
  REQUIRE(browse->records.size() == 100);
  for (std::int64_t first = browse->first; first > 0; first = browse->first) {
    REQUIRE(feed.post(BrowseMore{BrowseTo::older, first, first + 40}));
    browse = await(feed, [&](const Snapshot& s) {
               return s.browse->first < first && !s.browse->loading;
             })->browse;
    std::size_t bytes = 0;
    for (std::int64_t i = browse->first; i < browse->next; ++i) {
      const RecordRow* row = browse->records.find(static_cast<std::uint64_t>(i));
      REQUIRE(row != nullptr);
      REQUIRE(row->offset == i);
      if (i < first) bytes += row->body_bytes();
    }
    CHECK(bytes <= limits.page_bytes + limits.answer_bytes + 50'000);
    CHECK(browse->next >= std::min<std::int64_t>(160, first + 40));
  }
  CHECK(browse->next < 160);  // What is far below has gone.
}

TEST_CASE("feed: a record that was read is sent again as it was, not filled in", "[gui]") {
  ServerCluster cluster(1);
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 1);
  auto sent = [&, jobs = std::size_t{0}](Draft draft) mutable {
    SendRecords command;
    command.plan.draft = std::move(draft);
    REQUIRE(feed.post(std::move(command)));
    ++jobs;
    await(feed, [&](const Snapshot& s) {
      return s.producing->jobs.size() == jobs && s.producing->jobs[0].state == JobState::done;
    });
  };
  sent({"orders", "{{n}}", {}, "{\"text\": \"{{n}}\"}", {}, true});
  sent({"orders", "{{n}}", {}, "{\"text\": \"{{n}}\"}", {}});
  sent({"orders", std::string("\xff{{n}}"), {}, std::string("\0{{n}}", 6), {}});
  REQUIRE(feed.post(BrowsePartition{"orders", 0, {ReadPlace::Kind::earliest, 0, {}, {}}}));
  const auto browse = await(feed, [](const Snapshot& s) {
                        return s.browse->number == 1 && !s.browse->loading;
                      })->browse;
  REQUIRE(browse->records.size() == 3);
  CHECK(browse->records.find(0)->key() == "{{n}}");
  CHECK(browse->records.find(0)->value_bytes() == "{\"text\": \"{{n}}\"}");
  CHECK(browse->records.find(1)->key() == "1");
  CHECK(browse->records.find(1)->value_bytes() == "{\"text\": \"1\"}");
  CHECK(browse->records.find(2)->key() == "\xff{{n}}");  // As the form says of what is no text.
  CHECK(browse->records.find(2)->value_bytes() == std::string_view("\0{{n}}", 6));
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
  CHECK(snapshot->query->columns == std::vector<std::string>{"partition", "c"});
  CHECK(std::get<std::int64_t>(snapshot->query->rows[1][0]) == 1);
  CHECK(std::get<std::int64_t>(snapshot->query->rows[0][1]) +
            std::get<std::int64_t>(snapshot->query->rows[1][1]) ==
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
  CHECK(snapshot->browse->range_known);

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

TEST_CASE("feed: a topic is altered, a node drained, kept and not removed while it runs", "[gui]") {
  ServerCluster cluster(3);
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  MakeTopic make;
  make.name = "orders";
  make.config.partitions = 2;
  make.config.replication = 2;
  REQUIRE(feed.post(std::move(make)));
  await(feed, [&](const Snapshot& s) { return s.topic_action.number == 1 && s.topic_action.ok; });
  send(feed, "orders", "value {{n}}", 100);

  ChangeTopic change;
  change.change.name = "orders";
  change.change.partitions = 4;
  change.change.retention_ms = 86'400'000;
  REQUIRE(feed.post(std::move(change)));
  auto snapshot = await(feed, [](const Snapshot& s) {
    const TopicRow* topic = s.cluster ? s.cluster->find_topic("orders") : nullptr;
    return s.topic_action.number == 2 && !s.topic_action.running && topic != nullptr &&
           topic->partitions == 4;
  });
  CHECK(snapshot->topic_action.text == "Altered orders.");
  CHECK(snapshot->cluster->find_topic("orders")->config.retention_ms == 86'400'000);
  ChangeTopic fewer;
  fewer.change.name = "orders";
  fewer.change.partitions = 1;
  REQUIRE(feed.post(std::move(fewer)));
  snapshot = await(feed, [](const Snapshot& s) {
    return s.topic_action.number == 3 && !s.topic_action.running;
  });
  CHECK_FALSE(snapshot->topic_action.ok);
  CHECK(snapshot->topic_action.text.find("can only become more") != std::string::npos);
  CHECK(snapshot->topic_action.text.find("invalid_argument") == std::string::npos);

  REQUIRE(feed.post(ChangeNode{NodeCommand::drain, NodeId(2)}));
  snapshot = await(feed, [](const Snapshot& s) {
    const NodeRow* node = s.cluster ? s.cluster->find_node(NodeId(2)) : nullptr;
    return node != nullptr && node->draining && node->replicas == 0;
  });
  CHECK(snapshot->node_action.ok);
  const auto& events = *snapshot->events;
  CHECK(std::any_of(events.begin(), events.end(), [](const ClusterEvent& event) {
    return event.text.find("node 2 is drained") == 0;
  }));
  for (const PartitionRow& row : snapshot->cluster->partitions) {
    CHECK(std::find(row.replicas.begin(), row.replicas.end(), NodeId(2)) == row.replicas.end());
  }
  REQUIRE(feed.post(ChangeNode{NodeCommand::remove, NodeId(2)}));
  snapshot = await(
      feed, [](const Snapshot& s) { return s.node_action.number == 2 && !s.node_action.running; });
  CHECK_FALSE(snapshot->node_action.ok);
  CHECK(snapshot->node_action.text.find("is running; stop it first") != std::string::npos);
  REQUIRE(feed.post(ChangeNode{NodeCommand::keep, NodeId(2)}));
  await(feed, [](const Snapshot& s) {
    return s.node_action.number == 3 && !s.node_action.running && s.node_action.ok;
  });
  REQUIRE(feed.post(ChangeNode{NodeCommand::rebalance, node_none}));
  await(feed, [](const Snapshot& s) {
    const NodeRow* node = s.cluster->find_node(NodeId(2));
    return s.node_action.number == 4 && s.node_action.ok && node != nullptr && !node->draining &&
           node->replicas > 0 && s.cluster->moving == 0;
  });
}

TEST_CASE("feed: what was exported is sent again as it was", "[gui]") {
  ServerCluster cluster(1);
  TemporaryFolder folder;
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 1);
  make_topic(feed, "copies", 1);
  SendRecords first;
  first.plan.draft = {
      "orders", std::string("\xfe", 1), {{"trace", "\u7530"}}, std::string("a\0\n{{n}}", 8), {}};
  first.plan.count = 1;
  REQUIRE(feed.post(first));
  REQUIRE(feed.post(BrowsePartition{"orders", 0, {ReadPlace::Kind::earliest, 0, {}, {}}}));
  await(feed, [&](const Snapshot& s) {
    return !s.producing->jobs.empty() && s.producing->jobs[0].state == JobState::done;
  });
  REQUIRE(feed.post(BrowsePartition{"orders", 0, {ReadPlace::Kind::earliest, 0, {}, {}}}));
  auto snapshot =
      await(feed, [](const Snapshot& s) { return s.browse->number == 2 && !s.browse->loading; });
  ExportRows rows;
  rows.path = folder / "out.jsonl";
  rows.records = snapshot->browse->records;
  const std::string value(rows.records.find(0)->value_bytes());
  REQUIRE(feed.post(std::move(rows)));
  await(feed, [](const Snapshot& s) { return s.export_action.ok; });

  SendRecords again;
  again.plan.draft.topic = "copies";
  again.plan.file = folder / "out.jsonl";
  again.plan.exported = true;
  REQUIRE(feed.post(again));
  await(feed, [](const Snapshot& s) {
    return s.producing->jobs.size() == 2 && s.producing->jobs[0].is_over();
  });
  CHECK(feed.snapshot()->producing->jobs[0].acknowledged == 1);
  REQUIRE(feed.post(BrowsePartition{"copies", 0, {ReadPlace::Kind::earliest, 0, {}, {}}}));
  snapshot =
      await(feed, [](const Snapshot& s) { return s.browse->number == 3 && !s.browse->loading; });
  REQUIRE(snapshot->browse->records.size() == 1);
  const RecordRow* copy = snapshot->browse->records.find(0);
  CHECK(copy->value_bytes() == value);
  CHECK(copy->key() == "\xfe");
  CHECK(copy->headers()->find("trace") != std::string::npos);

  write_file(folder / "bad.jsonl", "{\"value\": \"x\"}\nno json\n");
  again.plan.file = folder / "bad.jsonl";
  REQUIRE(feed.post(again));
  snapshot = await(feed, [](const Snapshot& s) {
    return s.producing->jobs.size() == 3 && s.producing->jobs[0].is_over();
  });
  CHECK(snapshot->producing->jobs[0].state == JobState::failed);
  CHECK(snapshot->producing->jobs[0].problem.find("line 2: ") == 0);
}

TEST_CASE("feed: a broker that goes silent, and one that refuses, are told in words", "[gui]") {
  FakeBroker broker;
  Feed feed({.address = broker.endpoint()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  broker.set([](FakeBroker::Faults& faults) { faults.deaf = true; });
  await(feed, [](const Snapshot& s) {
    return s.connection.state == Connection::lost &&
           s.connection.problem.find("has gone quiet") != std::string::npos;
  });
  broker.set([](FakeBroker::Faults& faults) {
    faults.deaf = false;
    faults.refuse_hello = Errc::unsupported_version;
  });
  await(feed, [](const Snapshot& s) {
    return s.connection.state == Connection::refused &&
           s.connection.problem.find("unsupported_version") != std::string::npos;
  });
  broker.set([](FakeBroker::Faults& faults) { faults.refuse_hello = Errc::ok; });
  await(feed, [](const Snapshot& s) {
    return s.connection.state == Connection::connected && s.connection.problem.empty();
  });
}

TEST_CASE("feed: a broker that dies while records are sent at a rate", "[gui]") {
  ServerCluster cluster(1);
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 1);
  SendRecords command;
  command.plan.draft.topic = "orders";
  command.plan.draft.value = "{{n}}";
  command.plan.count = 300;
  command.plan.per_second = 200;
  REQUIRE(feed.post(std::move(command)));
  await(feed, [](const Snapshot& s) {
    return !s.producing->jobs.empty() && s.producing->jobs[0].acknowledged >= 20;
  });
  cluster.stop_broker();
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::lost; });
  cluster.start_broker();
  const auto over = await(feed, [](const Snapshot& s) { return s.producing->jobs[0].is_over(); });
  const SendJob& job = over->producing->jobs[0];
  INFO(job.problem);
  CHECK(job.state == JobState::done);
  CHECK(job.reported() == 300);
  CHECK(job.acknowledged == 300);  // Nothing is lost, and nothing is written twice.
  REQUIRE(feed.post(BrowsePartition{"orders", 0, {ReadPlace::Kind::earliest, 0, {}, {}}}));
  const auto written =
      await(feed, [](const Snapshot& s) { return s.browse->number == 1 && !s.browse->loading; });
  REQUIRE(written->browse->records.size() == 300);
  for (std::uint64_t i = 0; i < 300; ++i) {
    CHECK(written->browse->records.find(i)->value_bytes() == std::to_string(i + 1));
  }
}

TEST_CASE("feed: a host that is not to be found is told by its name", "[gui]") {
  CHECK(host_name_of("tcp://broker.example:5550") == "broker.example");
  CHECK(host_name_of("tcp://127.0.0.1:5550").empty());
  CHECK(host_name_of("tcp://[::1]:5550").empty());
  CHECK(host_name_of("nonsense").empty());
  // RFC 2606 keeps this name from ever being one.
  Feed feed({.address = "tcp://no-such-host.invalid:5550"});
  const auto snapshot = await(feed, [](const Snapshot& s) {
    return s.connection.problem.find("'no-such-host.invalid'") != std::string::npos;
  });
  CHECK(snapshot->connection.state == Connection::connecting);
}

TEST_CASE("feed: that nobody answers is not said before an answer could have come", "[gui]") {
  const auto begin = std::chrono::steady_clock::now();
  Feed feed({.address = "tcp://127.0.0.1:1"});
  await(feed, [](const Snapshot& s) { return !s.connection.problem.empty(); });
  CHECK(std::chrono::steady_clock::now() - begin >= 200ms);
}

TEST_CASE("feed: a seek of what is not read leaves the box as it is", "[gui]") {
  ServerCluster cluster(1);
  Feed feed({.address = cluster.address()});
  await(feed, [](const Snapshot& s) { return s.connection.state == Connection::connected; });
  make_topic(feed, "orders", 1);
  send(feed, "orders", "x", 5);
  REQUIRE(feed.post(reading_of("orders", "me")));
  await_records(feed, 5);
  REQUIRE(feed.post(StopReading{}));
  await(feed, [](const Snapshot& s) { return !s.consume->reading.active; });
  REQUIRE(feed.post(SeekReading{{.kind = ReadPlace::Kind::earliest}}));
  REQUIRE(feed.post(SetReadPeriod{45s}));
  const auto after = await(
      feed, [](const Snapshot& s) { return s.consume->reading.settings.period == Micros(45s); });
  CHECK(after->consume->records.size() == 5);
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
