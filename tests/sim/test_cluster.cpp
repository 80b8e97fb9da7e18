#include "tests/sim/test_cluster.hpp"

#include "common/base/assert.hpp"
#include "common/base/error.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <utility>

namespace pinion::sim {

namespace {

SimOptions options_of(const StoryOptions& story) {
  SimOptions options = SimOptions::calm(story.seed);
  options.nodes = story.nodes;
  options.workload.unclean_elections = story.unclean_elections;
  return options;
}

}  // namespace

// ---- StoryProducer

void StoryProducer::begin() {
  step(client::WatchTopic{"t"});
  client::OpenProducer opened;
  opened.producer = client::ProducerHandle(1);
  step(opened);
}

void StoryProducer::end_of_life() { values_.clear(); }

void StoryProducer::send(const std::string& value, PartitionKey key, Micros delivery_timeout) {
  std::string payload;
  RecordView record;
  record.value = value;
  append_record(payload, record);
  client::SendBatch batch;
  batch.producer = client::ProducerHandle(1);
  batch.key = key;
  batch.number = client::BatchNumber(++numbers_);
  batch.payload = Bytes(std::move(payload));
  batch.record_count = 1;
  batch.deadline = now().monotonic + delivery_timeout;
  values_[numbers_] = value;
  step(std::move(batch));
}

void StoryProducer::on_batch(const client::BatchDone& done) {
  reports_[values_.at(done.number.raw())] = done;
}

std::optional<client::BatchDone> StoryProducer::report(const std::string& value) const {
  const auto found = reports_.find(value);
  if (found == reports_.end()) return std::nullopt;
  return found->second;
}

// ---- TestCluster

TestCluster::TestCluster(StoryOptions options)
    : world_(options_of(options), TraceLevel::none), cluster_(world_, make_memory_disk) {
  auto producer = std::make_unique<StoryProducer>(world_, 0, "producer", options.seed + 1);
  auto client = std::make_unique<StoryClient>(world_, 1, "client", options.seed + 2);
  producer_ = producer.get();
  client_ = client.get();
  cluster_.clients().push_back(std::move(producer));
  cluster_.clients().push_back(std::move(client));
  cluster_.start();
  REQUIRE(run_until([this] { return client_->connected(); }, 5s));
  CreateTopic create;
  create.name = "t";
  create.config.partitions = options.partitions;
  create.config.replication = options.replication;
  create.config.min_insync_replicas = options.min_insync_replicas;
  create.config.unclean_elections = options.unclean_elections;
  const Message made = ask_until_answered(std::move(create));
  REQUIRE(made.header.error == Errc::ok);
  topic_ = std::get<CreateTopicReply>(made.body).topic.id;
  await_in_sync(static_cast<std::size_t>(options.replication));
}

TestCluster::Sent TestCluster::produce(const std::string& value, std::int32_t partition,
                                       Micros delivery_timeout) {
  producer_->send(value, key(partition), delivery_timeout);
  return {*this, value};
}

void TestCluster::Sent::await_ack(Micros within) {
  REQUIRE(cluster_.run_until([this] { return cluster_.acked(value_); }, within));
}

void TestCluster::Sent::await_report(Micros within) {
  REQUIRE(cluster_.run_until([this] { return cluster_.outcome(value_).has_value(); }, within));
}

void TestCluster::run(Micros time) {
  (void)run_until([] { return false; }, time);
}

bool TestCluster::run_until(const std::function<bool()>& done, Micros within) {
  const Micros end = world_.scheduler.now() + within;
  while (!done()) {
    if (world_.scheduler.next_at() > end) {
      world_.scheduler.at(end, [] {});
      while (world_.scheduler.now() < end) world_.scheduler.run_next();
      return done();
    }
    world_.scheduler.run_next();
    if (world_.checker.violation()) {
      FAIL(world_.checker.violation()->name + ": " + world_.checker.violation()->text);
    }
  }
  return true;
}

void TestCluster::part(std::int32_t a, std::int32_t b) {
  for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
    world_.network.cut(peer_end(from, to), data_end(to));
    world_.network.cut(data_end(from), peer_end(to, from));
  }
}

const PartitionMeta& TestCluster::meta(std::int32_t partition) {
  for (const PartitionMeta& row : cluster_.broker().durable_meta().partitions) {
    if (row.key == key(partition)) return row;
  }
  FAIL("no such partition");
  static const PartitionMeta none;
  return none;
}

std::vector<std::int32_t> TestCluster::in_sync() {
  std::vector<std::int32_t> ids;
  for (const NodeId id : meta().isr) ids.push_back(id.raw());
  std::sort(ids.begin(), ids.end());
  return ids;
}

void TestCluster::await_in_sync(std::size_t count, Micros within) {
  REQUIRE(run_until([&] { return meta().isr.size() == count; }, within));
}

void TestCluster::await_leader(std::int32_t node_id, Micros within) {
  REQUIRE(run_until(
      [&] {
        const auto view = replica(node_id);
        return leader() == node_id && view && view->role == partition::RoleName::leading;
      },
      within));
}

std::int32_t TestCluster::follower(std::size_t which) {
  for (const NodeId id : meta().replicas) {
    if (id == meta().leader) continue;
    if (which == 0) return id.raw();
    --which;
  }
  return 0;
}

std::optional<partition::ReplicaView> TestCluster::replica(std::int32_t node_id) {
  const partition::Node* core = node(node_id).core();
  return core == nullptr ? std::nullopt : core->replica(key());
}

void TestCluster::cut_off(std::int32_t node_id) {
  world_.network.cut(node_end(node_id), broker_cluster_end);
  world_.network.cut(broker_cluster_end, node_end(node_id));
}

void TestCluster::reconnect(std::int32_t node_id) {
  world_.network.heal(node_end(node_id), broker_cluster_end);
  world_.network.heal(broker_cluster_end, node_end(node_id));
}

Message TestCluster::ask(Body body, std::int32_t partition, Micros timeout) {
  std::optional<Message> answer;
  client_->request(std::move(body), {key(partition), {}}, timeout,
                   [&answer](const Message& message) { answer = message; });
  (void)run_until([&answer] { return answer.has_value(); }, timeout + 1s);
  PINION_ASSERT(answer.has_value());
  return *answer;
}

void TestCluster::ask_later(Body body, Micros timeout, RawClient::Done done) {
  client_->request(std::move(body), {key(), {}}, timeout, std::move(done));
}

Message TestCluster::ask_until_answered(Body body, std::int32_t partition, Micros within) {
  const Micros end = world_.scheduler.now() + within;
  for (;;) {
    Message answer = ask(body, partition, 2s);
    if (!is_retriable(answer.header.error) || world_.scheduler.now() > end) return answer;
    run(50ms);
  }
}

bool TestCluster::acked(const std::string& value) const {
  return outcome(value) == pinion::Outcome::acknowledged;
}

std::optional<pinion::Outcome> TestCluster::outcome(const std::string& value) const {
  const std::optional<client::BatchDone> report = producer_->report(value);
  if (!report) return std::nullopt;
  return report->outcome;
}

std::vector<std::string> TestCluster::read_all(std::int32_t partition) {
  std::vector<std::string> values;
  Offset next{0};
  for (;;) {
    Fetch fetch;
    fetch.offset = next;
    fetch.bytes_max = 100'000;
    const Message answer = ask_until_answered(fetch, partition);
    REQUIRE(answer.header.error == Errc::ok);
    const auto& reply = std::get<FetchReply>(answer.body);
    for (std::size_t i = 0; i < reply.batches.size(); ++i) {
      BatchReader reader(answer.records[i].view());
      RecordView record;
      for (Offset at = reply.batches[i].base_offset; reader.next(record); ++at) {
        if (at >= next) values.emplace_back(record.value);
      }
      next = reply.batches[i].next_offset();
    }
    // A new leader shows no high watermark until it knows what was shown before.
    if (reply.high_watermark == offset_unassigned) {
      run(50ms);
    } else if (next >= reply.high_watermark) {
      return values;
    }
  }
}

Epoch TestCluster::leader_epoch(std::int32_t partition) {
  const Message answer = ask_until_answered(MetadataRequest{});
  const auto& topics = std::get<MetadataReply>(answer.body).topics;
  return topics.front().partitions[static_cast<std::size_t>(partition)].leader_epoch;
}

PartitionState TestCluster::state(std::int32_t partition) {
  const Message answer = ask_until_answered(MetadataRequest{});
  const auto& topics = std::get<MetadataReply>(answer.body).topics;
  return topics.front().partitions[static_cast<std::size_t>(partition)].state;
}

Result<Offset> TestCluster::commit(const std::string& reader, Offset offset) {
  CommitPosition commit;
  commit.reader = reader;
  commit.offset = offset;
  const Message answer = ask(std::move(commit));
  if (answer.header.error != Errc::ok) return failure(answer.header.error);
  return offset;
}

Offset TestCluster::position(const std::string& reader) {
  FetchPosition fetch;
  fetch.reader = reader;
  const Message answer = ask_until_answered(std::move(fetch));
  REQUIRE(answer.header.error == Errc::ok);
  return std::get<FetchPositionReply>(answer.body).offset;
}

Result<std::string> TestCluster::dequeue(const std::string& reader, const std::string& token) {
  Dequeue dequeue;
  dequeue.reader = reader;
  dequeue.token = token;
  const Message answer = ask(std::move(dequeue));
  if (answer.header.error != Errc::ok) return failure(answer.header.error);
  const auto& reply = std::get<DequeueReply>(answer.body);
  BatchReader batch(answer.records.front().view());
  RecordView record;
  for (Offset at = reply.batch.base_offset; batch.next(record); ++at) {
    if (at == reply.offset) return std::string(record.value);
  }
  return failure(Errc::malformed, "the record is not in the batch");
}

}  // namespace pinion::sim
