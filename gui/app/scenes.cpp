#include "gui/app/scenes.hpp"

#include "common/base/prng.hpp"
#include "gui/model/cluster.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pinion::gui {
namespace {

constexpr std::uint64_t seed = 7;

struct Size {
  int nodes = 3;
  std::vector<std::pair<std::string, std::int32_t>> topics{};
  int replication = 2;
  int looks = 160;  ///< Answers of the broker, two seconds apart.
};

Size ordinary_size() {
  return {3,
          {{"clicks", 6},
           {"invoices", 3},
           {"orders", 3},
           {"payments", 4},
           {"sensors.temperature", 8},
           {"shipping", 2}},
          2,
          160};
}

Size huge_size() {
  Size size{12, {}, 3, 40};
  for (int i = 0; i < 40; ++i) {
    const std::string number = std::to_string(i);
    size.topics.emplace_back("stream-" + std::string(3 - number.size(), '0') + number, 25);
  }
  return size;
}

PartitionStatus status_of(const TopicMetadata& topic, std::int32_t index, NodeId node, int look,
                          Prng& prng) {
  PartitionStatus status;
  status.topic = topic.id;
  status.partition = PartitionIndex(index);
  status.node = node;
  status.state = PartitionState::online;
  const double wave = 1 + 0.45 * std::sin(look / 19.0 + static_cast<double>(topic.id.raw()));
  const double base =
      40.0 * static_cast<double>(1 + topic.id.raw() % 5) * static_cast<double>(1 + index % 2);
  status.records_in_per_s = static_cast<std::uint32_t>(
      base * wave * (0.9 + 0.2 * static_cast<double>(prng.below(100)) / 100));
  status.records_out_per_s = status.records_in_per_s * 2;
  const std::int64_t begun = 40'000 * (1 + topic.id.raw() % 4);
  status.high_watermark = Offset(begun + look * static_cast<std::int64_t>(base) * 2);
  status.log_end = status.high_watermark;
  status.file_bytes = static_cast<std::uint64_t>(status.high_watermark.raw()) * 180;
  status.wal_bytes = 200'000 + prng.below(3'800'000);
  status.file = "/var/lib/pinion/node-" + std::to_string(node.raw()) + "/" + topic.name + "/" +
                topic.name + "-" + std::to_string(index) + ".db";
  return status;
}

ClusterStatusReply reply_of(const Size& size, int look, Micros wall, Prng& prng) {
  ClusterStatusReply reply;
  reply.broker.cluster_id = "6f1c2a9e-4b7d-4c11-9a53-0d2f9b1c7e44";
  reply.broker.controller_epoch = ControllerEpoch(4);
  reply.broker.now = wall;
  reply.broker.started_at = wall - Micros(std::int64_t{look} * 2'000'000) - 86'400s * 3;
  reply.broker.clients = 14;
  reply.broker.messages_routed = 8'400'000 + static_cast<std::uint64_t>(look) * 5'000;
  reply.broker.bytes_routed = static_cast<std::uint64_t>(look) * 3'100'000 +
                              static_cast<std::uint64_t>(400'000 * std::sin(look / 7.0) + 400'000);
  reply.broker.memory_bytes = 61UL * 1024 * 1024;
  reply.broker.version = "0.1.0";
  for (int i = 1; i <= size.nodes; ++i) {
    NodeStatus node;
    node.id = NodeId(i);
    node.health = NodeHealth::alive;
    node.incarnation = Incarnation(3);
    node.address = "tcp://10.0.0." + std::to_string(10 + i) + ":5552";
    node.region = "eu-north";
    node.rack = "r" + std::to_string(1 + i % 3);
    node.version = "0.1.0";
    node.last_heartbeat = wall - Micros(120'000 + 90'000 * i);
    node.load.memory_bytes = (96UL + static_cast<std::uint64_t>(i) * 7) * 1024 * 1024;
    node.load.disk_total_bytes = 480UL << 30U;
    node.load.disk_free_bytes = (310UL - static_cast<std::uint64_t>(i) * 13) << 30U;
    node.load.commits = 900'000 + static_cast<std::uint64_t>(look * (640 + i * 40));
    node.load.commit_p50_us = static_cast<std::uint32_t>(170 + prng.below(60));
    node.load.commit_p99_us =
        static_cast<std::uint32_t>(900 + prng.below(500) + (look % 37 == 0 ? 1'600 : 0));
    node.load.open_files = 18;
    reply.nodes.push_back(node);
  }
  std::int64_t id = 1;
  std::int32_t turn = 0;
  for (const auto& [name, count] : size.topics) {
    TopicMetadata topic;
    topic.id = TopicId(id++);
    topic.name = name;
    topic.created_at = wall - 86'400s * 40;
    topic.config.partitions = count;
    topic.config.replication = size.replication;
    topic.config.retention_ms = topic.id.raw() % 2 == 0 ? 7 * 86'400'000LL : 0;
    for (std::int32_t i = 0; i < count; ++i, ++turn) {
      PartitionMetadata partition;
      partition.partition = PartitionIndex(i);
      partition.leader = NodeId(1 + turn % size.nodes);
      partition.leader_epoch = Epoch(2 + topic.id.raw() % 3);
      partition.state = PartitionState::online;
      for (int r = 0; r < std::min(size.replication, size.nodes); ++r) {
        partition.replicas.push_back(NodeId(1 + (turn + r) % size.nodes));
      }
      partition.isr = partition.replicas;
      PartitionStatus status = status_of(topic, i, partition.leader, look, prng);
      for (const NodeId replica : partition.replicas) {
        if (replica == partition.leader) continue;
        status.followers.push_back({replica, true, status.log_end, Micros{0}});
      }
      const std::int64_t lag = topic.id.raw() == 3 ? 180 + 90 * i + look : 0;
      status.readers.push_back({"consumer:billing", status.high_watermark - lag, wall - 2s});
      if (topic.id.raw() % 2 == 1) {
        status.readers.push_back({"consumer:warehouse", status.high_watermark, wall - 4s});
      }
      ++reply.nodes[static_cast<std::size_t>(partition.leader.raw() - 1)].partitions_led;
      topic.partitions.push_back(std::move(partition));
      reply.partitions.push_back(std::move(status));
    }
    reply.topics.push_back(std::move(topic));
  }
  reply.consumers.resize(5);
  reply.producers.resize(9);
  return reply;
}

const char* const names[]{"ann", "bob",          "carla",    "dmitri",
                          "emi", "\u7530\u4e2d", "zo\u00eb", "\u0411\u043e\u0440\u0438\u0441"};
const char* const goods[]{"apples", "pears", "plums", "quinces", "cherries"};

std::string order_value(std::int64_t i, Prng& prng) {
  const std::string id = std::to_string(48'000 + i);
  return "{\"id\": " + id + ", \"user\": {\"name\": \"" + names[prng.below(8)] +
         "\", \"tier\": " + std::to_string(1 + prng.below(3)) + "}, \"items\": [{\"sku\": \"" +
         goods[prng.below(5)] + "\", \"count\": " + std::to_string(1 + prng.below(9)) +
         ", \"price\": " + std::to_string(prng.below(90) + 1) +
         ".50}], \"paid\": " + (prng.chance(4, 5) ? "true" : "false") + ", \"note\": null}";
}

RecordChunk orders(std::int64_t first, std::int64_t count, Micros newest, Prng& prng) {
  RecordChunkBuilder builder(std::make_shared<const std::string>("orders"));
  std::string key;
  std::string value;
  for (std::int64_t i = first; i < first + count; ++i) {
    RecordChunkBuilder::Record record;
    record.partition = static_cast<std::int32_t>(i % 3);
    record.offset = 16'000 + i / 3;
    record.log_time = (newest - Micros((first + count - i) * 137'000)).count();
    record.timestamp = record.log_time - 700;
    key = names[static_cast<std::size_t>(i) % 8];
    value = order_value(i, prng);
    if (i % 23 == 7) {
      value = std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16) + std::string(120, '\x07');
    } else if (i % 11 == 3) {
      value = "order " + std::to_string(48'000 + i) + " was shipped";
    } else {
      record.headers = R"([["trace-id","4bf92f3577b34da6"],["source","web"]])";
    }
    record.key = key;
    record.value = value;
    builder.add(record);
  }
  return std::move(builder).build();
}

std::shared_ptr<const ConsumeView> consume_of(const RecordLog& log, const Now& now) {
  auto view = std::make_shared<ConsumeView>();
  ReadingView& reading = view->reading;
  reading.active = true;
  reading.settings.topics = {"orders"};
  reading.settings.reader = "dashboard-ann@desk";
  reading.next_refresh_at = now.monotonic + 22s;
  reading.refreshed_at = now.wall - 8s;
  reading.refresh_records = 42;
  reading.waiting = 0;
  for (std::int32_t i = 0; i < 3; ++i) {
    reading.partitions.push_back({{"orders", i}, 16'100, 16'100, 140, 0, ""});
  }
  view->records = log.view();
  view->dropped = log.dropped();
  view->bytes = log.bytes();
  return view;
}

SendJob job_of(std::uint64_t id, Micros wall, Draft draft, std::uint64_t count) {
  SendJob job;
  job.id = id;
  job.started_at = wall;
  SendPlan plan;
  plan.draft = std::move(draft);
  plan.count = count;
  job.plan = std::make_shared<const SendPlan>(std::move(plan));
  job.state = JobState::done;
  job.total = job.sent = job.acknowledged = job.done_of_total = count;
  for (std::uint64_t i = 0; i < count; ++i)
    job.latencies.add(Micros(420 + static_cast<std::int64_t>(i % 90) * 9));
  std::vector<SendReport> reports;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(count, reports_kept_max); ++i) {
    reports.push_back({id,
                       SendOutcome::acknowledged,
                       static_cast<std::int32_t>(i % 3),
                       16'097 + static_cast<std::int64_t>(i) / 3,
                       Micros(430 + static_cast<std::int64_t>(i) * 13),
                       {}});
  }
  job.reports = std::make_shared<const std::vector<SendReport>>(std::move(reports));
  return job;
}

std::shared_ptr<const ProducingView> producing_of(const Now& now, Prng& prng) {
  auto view = std::make_shared<ProducingView>();
  const std::string value = order_value(12, prng);
  SendJob running = job_of(5, now.wall - 12s,
                           {"clicks", "u-{{random 1 99}}", {}, "{\"page\": {{n}}}", {}}, 5'000);
  running.state = JobState::sending;
  running.done_of_total = running.sent = 3'150;
  running.acknowledged = 3'141;
  view->jobs.push_back(std::move(running));
  view->jobs.push_back(
      job_of(4, now.wall - 64s, {"orders", "ann", {{"source", "desk"}}, value, {}}, 1));
  SendJob refused = job_of(3, now.wall - 120s, {"orders", std::nullopt, {}, "too much", {}}, 1);
  refused.acknowledged = 0;
  refused.failed = 1;
  refused.latencies = {};
  refused.problem = "The record has 2,097,172 bytes, the cluster allows 1,048,576.";
  refused.reports = std::make_shared<const std::vector<SendReport>>(
      1, SendReport{3, SendOutcome::failed, 1, -1, Micros(310), refused.problem});
  view->jobs.push_back(std::move(refused));
  view->jobs.push_back(job_of(2, now.wall - 300s,
                              {"payments", std::nullopt, {}, "{\"amount\": {{random 1 500}}}", {}},
                              1'000));
  view->jobs.push_back(
      job_of(1, now.wall - 420s, {"orders", "bob", {}, "order 47999 was shipped", {}}, 1));
  return view;
}

std::shared_ptr<const QueryView> query_of(std::size_t rows, Prng& prng) {
  auto view = std::make_shared<QueryView>();
  view->number = 1;
  view->topic = "orders";
  view->sql = "select json->>'$.user.name' as name, count(*) as orders from readable group by name";
  view->partitions_done = view->partitions_asked = 3;
  view->took = Micros(18'400);
  view->columns = {"partition", "name", "orders", "total", "last"};
  for (std::size_t i = 0; i < rows; ++i) {
    view->rows.push_back(
        {SqlValue{static_cast<std::int64_t>(3 * i / rows)}, SqlValue{std::string(names[i % 8])},
         SqlValue{static_cast<std::int64_t>(40 + prng.below(400))},
         SqlValue{static_cast<double>(prng.below(90'000)) / 8},
         i % 5 == 4 ? SqlValue{} : SqlValue{std::string("2026-11-25T14:03:22.513000Z")}});
  }
  return view;
}

std::shared_ptr<const BrowseView> browse_of(const Now& now, Prng& prng) {
  auto view = std::make_shared<BrowseView>();
  view->range_known = true;
  RecordChunkBuilder builder(std::make_shared<const std::string>("orders"));
  for (std::int64_t i = 0; i < 500; ++i) {
    RecordChunkBuilder::Record record;
    record.offset = 15'600 + i;
    record.log_time = (now.wall - Micros((500 - i) * 411'000)).count();
    record.timestamp = record.log_time;
    const std::string value = order_value(i, prng);
    record.key = names[static_cast<std::size_t>(i) % 8];
    record.value = value;
    builder.add(record);
  }
  view->number = 1;
  view->topic = "orders";
  view->log_start = 12'000;
  view->first = 15'600;
  view->next = view->high_watermark = 16'100;
  view->records = LogView(15'600, 16'100, {15'600},
                          {std::make_shared<const RecordChunk>(std::move(builder).build())});
  return view;
}

void follow_instead(ClusterStatusReply& reply, TopicId topic, PartitionIndex partition, NodeId from,
                    NodeId to) {
  for (PartitionStatus& status : reply.partitions) {
    if (status.topic != topic || status.partition != partition) continue;
    for (FollowerStatus& follower : status.followers) {
      if (follower.node == from) follower.node = to;
    }
  }
}

/// The last node is being drained: its replicas move to the first nodes, one a look.
void put_draining(ClusterStatusReply& reply, int done) {
  const NodeId from = reply.nodes.back().id;
  reply.nodes.back().draining = true;
  int seen = 0;
  for (TopicMetadata& topic : reply.topics) {
    for (PartitionMetadata& partition : topic.partitions) {
      const auto at = std::find(partition.replicas.begin(), partition.replicas.end(), from);
      if (at == partition.replicas.end() || partition.leader == from) continue;
      NodeId to = NodeId(1);
      while (std::find(partition.replicas.begin(), partition.replicas.end(), to) !=
             partition.replicas.end()) {
        ++to;
      }
      if (seen++ < done) {
        *at = to;
        std::replace(partition.isr.begin(), partition.isr.end(), from, to);
        follow_instead(reply, topic.id, partition.partition, from, to);
      } else if (seen < done + 3) {
        partition.target = partition.replicas;
        std::replace(partition.target.begin(), partition.target.end(), from, to);
      }
    }
  }
}

void put_cluster(Snapshot& snapshot, const Size& size, const Now& now, Prng& prng) {
  ClusterModel model;
  model.on_connection({now.monotonic, now.wall - Micros(std::int64_t{size.looks} * 2'000'000)},
                      true, snapshot.connection.address);
  for (int look = 0; look <= size.looks; ++look) {
    const Micros ago = Micros(std::int64_t{size.looks - look} * 2'000'000);
    ClusterStatusReply reply = reply_of(size, look, now.wall - ago, prng);
    const bool lost = look > size.looks - 70 && look < size.looks - 55 && size.nodes > 2;
    if (lost) {
      reply.nodes[1].health = NodeHealth::lost;
      reply.nodes[1].last_heartbeat -= 2s;
      for (TopicMetadata& topic : reply.topics) {
        for (PartitionMetadata& partition : topic.partitions) {
          std::erase(partition.isr, NodeId(2));
          if (partition.leader != NodeId(2) || partition.isr.empty()) continue;
          partition.leader = partition.isr.front();
          ++partition.leader_epoch;
        }
      }
    }
    if (look == size.looks && !reply.topics.empty() && size.replication > 1) {
      // One follower is behind at the end, so that a map has something to tell.
      auto& partition = reply.topics.back().partitions.back();
      partition.isr = {partition.leader};
      for (FollowerStatus& follower : reply.partitions.back().followers) {
        follower = {follower.node, false, reply.partitions.back().log_end - 1'204,
                    reply.broker.now - 41s};
      }
    }
    if (look > size.looks - 9 && size.nodes > 2 && size.replication < size.nodes) {
      put_draining(reply, (look - (size.looks - 9)) / 2);
    }
    model.on_status({now.monotonic - ago, now.wall - ago}, std::move(reply));
  }
  snapshot.cluster = model.view();
  snapshot.events = model.events();
}

void put_broken(Snapshot& snapshot, const Now& now) {
  snapshot.connection.state = Connection::lost;
  snapshot.connection.problem =
      "no broker answers at tcp://10.0.0.5:5550: is pinion-broker running?";
  snapshot.connection.reconnects = 1'000'000;
  auto cluster = std::make_shared<ClusterView>(*snapshot.cluster);
  cluster->answered_at = now.monotonic - 95s;
  for (std::size_t i = 0; i < cluster->nodes.size(); ++i) {
    NodeRow& node = cluster->nodes[i];
    node.health = i % 2 == 0 ? NodeHealth::lost : NodeHealth::stopping;
    node.address = std::string("\xff\xfe garbage \x01", 12) + std::string(300, 'x');
    node.load.commit_p99_us = 0xffffffff;
    node.load.disk_free_bytes = ~std::uint64_t{0};
    node.heard_ago = Micros(-5);
  }
  for (std::size_t i = 0; i < cluster->partitions.size(); ++i) {
    PartitionRow& row = cluster->partitions[i];
    row.state = static_cast<PartitionState>(i % 5);
    row.has_status = i % 3 != 0;
    row.leader = i % 4 == 0 ? node_none : NodeId(99);
    row.high_watermark = i % 2 == 0 ? -5 : INT64_MAX;
    row.detail = "the file /data/x.db is damaged: database disk image is malformed";
    row.isr.clear();
  }
  for (TopicRow& topic : cluster->topics) {
    topic.partitions_online = 0;
    topic.records.reset();
  }
  for (ReaderRow& reader : cluster->readers) {
    reader.lag.reset();
    reader.lag_time.reset();
    reader.reader = std::string("consumer:\xc3", 10);
  }
  cluster->partitions_offline = static_cast<std::uint32_t>(cluster->partitions.size());
  cluster->nodes_lost = 2;
  put_summary(*cluster);
  snapshot.cluster = cluster;
  auto consume = std::make_shared<ConsumeView>(*snapshot.consume);
  consume->dropped = 123'456'789;
  consume->reading.mode = ReadMode::live;
  for (ReadProgress& progress : consume->reading.partitions) {
    progress.problem = "The partition has no live leader.";
    progress.skipped = 17;
    progress.next.reset();
  }
  snapshot.consume = consume;
  auto query = std::make_shared<QueryView>();
  query->number = 2;
  query->sql = "select *\nfrom readabel\nwhere 1";
  query->error = fail(Errc::sql_invalid, "no such table: readabel");
  snapshot.query = query;
  auto browse = std::make_shared<BrowseView>(*snapshot.browse);
  browse->problem = "No answer came in time.";
  snapshot.browse = browse;
  snapshot.topic_action = {1, false, false, "Topic 'orders' already exists."};
  snapshot.export_action = {1, false, false, "'/root/x' cannot be written: Permission denied"};
}

}  // namespace

std::optional<Scene> scene_of(std::string_view name) {
  if (name == "empty") return Scene::empty;
  if (name == "ordinary") return Scene::ordinary;
  if (name == "huge") return Scene::huge;
  if (name == "broken") return Scene::broken;
  if (name == "nothing") return Scene::nothing;
  return std::nullopt;
}

std::shared_ptr<const Snapshot> make_scene(Scene scene, const Now& now) {
  Prng prng(seed);
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = 1;
  snapshot->made_at = now.monotonic;
  snapshot->connection.address = "tcp://10.0.0.5:5550";
  snapshot->connection.since = now.monotonic - 2s;
  snapshot->events = std::make_shared<const std::vector<ClusterEvent>>();
  snapshot->producing = std::make_shared<const ProducingView>();
  snapshot->consume = std::make_shared<const ConsumeView>();
  snapshot->browse = std::make_shared<const BrowseView>();
  snapshot->query = std::make_shared<const QueryView>();
  if (scene == Scene::nothing) {
    snapshot->connection.problem =
        "no broker answers at tcp://10.0.0.5:5550: is pinion-broker running?";
    return snapshot;
  }
  snapshot->connection.state = Connection::connected;
  snapshot->connection.cluster_id = "6f1c2a9e-4b7d-4c11-9a53-0d2f9b1c7e44";
  snapshot->connection.server_version = "0.1.0";
  snapshot->connection.record_bytes_max = 1'048'576;
  if (scene == Scene::empty) {
    put_cluster(*snapshot, {0, {}, 1, 3}, now, prng);
    return snapshot;
  }
  const bool huge = scene == Scene::huge;
  put_cluster(*snapshot, huge ? huge_size() : ordinary_size(), now, prng);
  RecordLog log;
  const std::int64_t records = huge ? 1'000'000 : 420;
  for (std::int64_t at = 0; at < records; at += 20'000) {
    const std::int64_t count = std::min<std::int64_t>(20'000, records - at);
    const Micros newest = now.wall - 9s - Micros((records - at - count) * 137'000);
    log.append(orders(at, count, newest, prng));
  }
  snapshot->consume = consume_of(log, now);
  snapshot->producing = producing_of(now, prng);
  snapshot->browse = browse_of(now, prng);
  snapshot->query = query_of(huge ? 100'000 : 8, prng);
  if (scene == Scene::broken) put_broken(*snapshot, now);
  return snapshot;
}

std::shared_ptr<const Snapshot> make_many_topics(int topics, const Now& now) {
  Prng prng(seed);
  auto snapshot = std::make_shared<Snapshot>(*make_scene(Scene::empty, now));
  Size size{12, {}, 3, 2};
  for (int i = 0; i < topics; ++i) {
    size.topics.emplace_back("a.rather.long.name.of.a.stream-" + std::to_string(100'000 + i), 5);
  }
  put_cluster(*snapshot, size, now, prng);
  return snapshot;
}

}  // namespace pinion::gui
