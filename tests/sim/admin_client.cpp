#include "tests/sim/admin_client.hpp"

#include "common/base/assert.hpp"

#include <utility>

namespace pinion::sim {

AdminClient::AdminClient(World& world, std::int32_t index, std::string name, std::uint64_t seed,
                         TopicBook& book)
    : RawClient(world, index, std::move(name), seed), book_(book) {}

void AdminClient::know_reader(const std::string& reader, PartitionKey key) {
  for (const auto& known : readers_) {
    if (known == std::pair(reader, key)) return;
  }
  readers_.emplace_back(reader, key);
}

void AdminClient::begin() {
  idle_ = false;
  draining_ ? drain() : next_turn();
}

void AdminClient::end_of_life() { idle_ = false; }

void AdminClient::next_turn() {
  const std::int64_t mean =
      has_base_topics() ? world_.options.workload.admin_every.count() : 20'000;
  if (finishing_ && has_base_topics()) {
    idle_ = true;
    return;
  }
  later(Micros(prng_.between(1, 2 * mean)), [this] { turn(); });
}

void AdminClient::turn() {
  if (!connected()) return next_turn();
  if (!has_base_topics()) return create_base_topic();
  const WorkloadOptions& options = world_.options.workload;
  const auto percent = static_cast<std::uint32_t>(prng_.below(100));
  if (percent < options.create_topic_percent && !finishing_) return create_topic();
  if (percent < options.create_topic_percent + options.delete_topic_percent) {
    return delete_topic();
  }
  switch (prng_.below(8)) {
    case 0:
      return look_at_status();
    case 1:
      return allocate_ids();
    case 2:
      return look_at_metadata();
    case 3:
    case 4:
      return look_at_high_watermark();
    default:
      return look_at_position();
  }
}

// ---- Topics

void AdminClient::create_base_topic() {
  CreateTopic create;
  create.name = "t" + std::to_string(created_);
  create.config.partitions =
      static_cast<std::int32_t>(prng_.between(1, world_.options.workload.partitions_max));
  create.config.retention_bytes = world_.options.workload.retention_bytes;
  create.config.replication = world_.options.workload.replication;
  create.config.min_insync_replicas = world_.options.workload.min_insync_replicas;
  create.config.unclean_elections = world_.options.workload.unclean_elections;
  const std::string topic = create.name;
  request(std::move(create), 2s, [this, topic](const Message& answer) {
    world_.trace.brief(name().c_str(), "create %s: %s", topic.c_str(),
                       name_of(answer.header.error).data());
    if (const auto* created = std::get_if<CreateTopicReply>(&answer.body)) {
      world_.checker.on_create_ok(created->topic.id, topic);
      book_.put(created->topic);
      ++created_;
    } else if (answer.header.error == Errc::topic_exists) {
      return look_up(topic);
    }
    next_turn();
  });
}

void AdminClient::look_up(const std::string& topic) {
  MetadataRequest metadata;
  metadata.topics = {topic};
  request(std::move(metadata), 1s, [this](const Message& answer) {
    const auto* reply = std::get_if<MetadataReply>(&answer.body);
    if (reply != nullptr && reply->topics.size() == 1) {
      book_.put(reply->topics.front());
      ++created_;
    }
    next_turn();
  });
}

void AdminClient::create_topic() {
  CreateTopic create;
  create.name = "x" + std::to_string(extra_++);
  create.config.partitions = static_cast<std::int32_t>(prng_.between(1, 3));
  create.config.replication = world_.options.workload.replication;
  extras_.insert(create.name);
  const std::string topic = create.name;
  request(std::move(create), Micros(prng_.between(100'000, 3'000'000)),
          [this, topic](const Message& answer) {
            world_.trace.brief(name().c_str(), "create %s: %s", topic.c_str(),
                               name_of(answer.header.error).data());
            if (const auto* created = std::get_if<CreateTopicReply>(&answer.body)) {
              world_.checker.on_create_ok(created->topic.id, topic);
              book_.put(created->topic);
            }
            next_turn();
          });
}

void AdminClient::delete_topic() {
  if (extras_.empty()) return next_turn();
  auto chosen = extras_.begin();
  std::advance(chosen, prng_.below(extras_.size()));
  DeleteTopic request_body;
  request_body.name = *chosen;
  world_.checker.on_delete(*chosen);
  book_.doom(*chosen);
  request(std::move(request_body), 2s, [this, topic = *chosen](const Message& answer) {
    world_.trace.brief(name().c_str(), "delete %s: %s", topic.c_str(),
                       name_of(answer.header.error).data());
    if (const auto* deleted = std::get_if<DeleteTopicReply>(&answer.body)) {
      world_.checker.on_delete_ok(deleted->id);
      extras_.erase(topic);
    }
    next_turn();
  });
}

// ---- Looking

void AdminClient::look_at_metadata() {
  request(MetadataRequest{}, 1s, [this](const Message& answer) {
    if (const auto* reply = std::get_if<MetadataReply>(&answer.body)) {
      world_.checker.on_topics(reply->topics);
      for (const TopicMetadata& topic : reply->topics) book_.put(topic);
    }
    next_turn();
  });
}

void AdminClient::look_at_status() {
  request(ClusterStatusRequest{}, 1s, [this](const Message& answer) {
    if (const auto* reply = std::get_if<ClusterStatusReply>(&answer.body)) {
      world_.checker.on_topics(reply->topics);
    }
    next_turn();
  });
}

void AdminClient::allocate_ids() {
  AllocateProducerIds allocate;
  allocate.count = static_cast<std::uint32_t>(prng_.between(1, 20));
  request(allocate, 1s, [this](const Message& answer) {
    if (const auto* reply = std::get_if<AllocateProducerIdsReply>(&answer.body)) {
      world_.checker.on_producer_ids(reply->first, reply->count);
    }
    next_turn();
  });
}

void AdminClient::look_at_high_watermark() {
  if (book_.topics().empty()) return next_turn();
  const KnownTopic& topic = book_.topics()[prng_.below(book_.topics().size())];
  const PartitionKey key{topic.id, PartitionIndex(static_cast<std::int32_t>(
                                       prng_.below(static_cast<std::uint64_t>(topic.partitions))))};
  const auto question = world_.checker.on_ask_high_watermark(key);
  ListOffset list;
  list.spec = OffsetSpec::latest;
  request(list, {key, {}}, 500ms, [this, question](const Message& answer) {
    if (const auto* reply = std::get_if<ListOffsetReply>(&answer.body)) {
      world_.checker.on_high_watermark(question, reply->offset);
    }
    next_turn();
  });
}

void AdminClient::look_at_position() {
  if (readers_.empty()) return next_turn();
  const auto& [reader, key] = readers_[prng_.below(readers_.size())];
  const auto question = world_.checker.on_ask_position(reader, key);
  const auto watermark = world_.checker.on_ask_high_watermark(key);
  FetchPosition fetch;
  fetch.reader = reader;
  request(std::move(fetch), {key, {}}, 500ms, [this, question, watermark](const Message& answer) {
    if (const auto* reply = std::get_if<FetchPositionReply>(&answer.body)) {
      world_.checker.on_position(question, reply->offset);
      world_.checker.on_high_watermark(watermark, reply->high_watermark);
    }
    next_turn();
  });
}

// ---- The drain

void AdminClient::begin_drain(const std::vector<PartitionMeta>& partitions) {
  PINION_ASSERT(!draining_);
  draining_ = true;
  for (const PartitionMeta& partition : partitions) {
    if (!book_.is_doomed(partition.key.topic)) {
      to_drain_.push_back({partition.key, {}, {}, false, {}});
    }
  }
  if (up()) drain();
}

void AdminClient::drain() {
  if (to_drain_.empty()) return;
  if (!connected()) {
    later(20ms, [this] { drain(); });
    return;
  }
  to_drain_.front().started ? read_on() : find_start();
}

void AdminClient::find_start() {
  ListOffset list;
  list.spec = OffsetSpec::earliest;
  request(list, {to_drain_.front().key, {}}, 1s, [this](const Message& answer) {
    if (const auto* reply = std::get_if<ListOffsetReply>(&answer.body)) {
      Draining& draining = to_drain_.front();
      draining.started = true;
      draining.start = reply->offset;
      draining.next = reply->offset;
    }
    later(10ms, [this] { drain(); });
  });
}

void AdminClient::read_on() {
  Fetch fetch;
  fetch.offset = to_drain_.front().next;
  fetch.bytes_max = 20'000;
  request(fetch, {to_drain_.front().key, {}}, 1s, [this](const Message& answer) {
    if (answer.header.error == Errc::ok) {
      take(answer);
    } else if (answer.header.error == Errc::offset_out_of_range) {
      // Retention was faster: what it took is not missing.
      to_drain_.front().started = false;
      to_drain_.front().records.clear();
    }
    later(1ms, [this] { drain(); });
  });
}

void AdminClient::take(const Message& answer) {
  const auto& reply = std::get<FetchReply>(answer.body);
  Draining& draining = to_drain_.front();
  for (std::size_t i = 0; i < reply.batches.size(); ++i) {
    const BatchHeader& batch = reply.batches[i];
    if (!check_batch(batch, answer.records[i].view(), limits::record_bytes_default)) {
      world_.checker.violate("corrupt-batch",
                             "the drain of topic " + std::to_string(draining.key.topic.raw()));
      return;
    }
    BatchReader reader(answer.records[i].view());
    RecordView record;
    for (Offset offset = batch.base_offset; reader.next(record); ++offset) {
      if (offset >= draining.next) draining.records.emplace_back(offset, record.value);
    }
    draining.next = std::max(draining.next, batch.next_offset());
  }
  // A new leader shows no high watermark until it knows what was shown before.
  if (reply.high_watermark == offset_unassigned || draining.next < reply.high_watermark) return;
  std::vector<Checker::PolledRecord> records;
  for (const auto& [offset, value] : draining.records) records.push_back({offset, value});
  world_.trace.brief(name().c_str(), "drained %lld/%d: %zu records to %lld",
                     static_cast<long long>(draining.key.topic.raw()), draining.key.partition.raw(),
                     records.size(), static_cast<long long>(draining.next.raw()));
  world_.checker.on_drained(draining.key, draining.start, reply.high_watermark, records);
  to_drain_.pop_front();
}

std::string AdminClient::unfinished() const {
  if (!has_base_topics()) return "the topics could not be made";
  if (draining_ && !to_drain_.empty()) {
    const PartitionKey key = to_drain_.front().key;
    return "topic " + std::to_string(key.topic.raw()) + " partition " +
           std::to_string(key.partition.raw()) + " could not be read to its end";
  }
  return idle_ ? "" : "the administrator waits for an answer";
}

}  // namespace pinion::sim
