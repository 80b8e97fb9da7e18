#include "tests/sim/producer_client.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pinion::sim {

ProducerClient::ProducerClient(World& world, std::int32_t index, std::string name,
                               std::uint64_t seed, TopicBook& book,
                               std::function<std::int32_t()> next_process)
    : SessionClient(world, index, std::move(name), seed),
      book_(book),
      next_process_(std::move(next_process)) {}

void ProducerClient::begin() {
  watched_.clear();
  topics_.clear();
  open();
  next_turn();
}

/// What was on its way when the process died: nobody knows.
void ProducerClient::end_of_life() {
  for (const auto& [number, sent] : sent_) {
    for (const SendId send_id : sent.sends) {
      world_.checker.on_send_info(send_id, Errc::cancelled);
    }
  }
  sent_.clear();
}

void ProducerClient::open() {
  process_ = next_process_();
  handle_ = client::ProducerHandle(++handles_);
  reported_.clear();
  const bool all = prng_.chance(world_.options.workload.acks_all_percent, 100);
  acks_ = all ? Acks::all : (prng_.chance(1, 2) ? Acks::leader : Acks::none);
  client::OpenProducer opened;
  opened.producer = handle_;
  opened.acks = acks_;
  step(opened);
}

void ProducerClient::reopen() {
  world_.counters.count("producer: closed and opened");
  step(client::CloseProducer{handle_});
  if (!sent_.empty()) {
    world_.checker.violate("unreported", name() + " closed with " + std::to_string(sent_.size()) +
                                             " batches unreported");
  }
  open();
}

void ProducerClient::next_turn() {
  if (idle()) return;
  const std::int64_t mean = world_.options.workload.send_every.count();
  later(Micros(prng_.between(1, 2 * mean)), [this] { turn(); });
}

void ProducerClient::watch_topics() {
  for (const KnownTopic& topic : book_.topics()) {
    if (watched_.insert(topic.name).second) step(client::WatchTopic{topic.name});
  }
}

void ProducerClient::turn() {
  watch_topics();
  if (finishing_) {
    send_last();
  } else if (prng_.chance(1, 500)) {
    reopen();
  } else if (!topics_.empty() && sent_.size() < 30) {
    auto chosen = topics_.begin();
    std::advance(chosen, prng_.below(topics_.size()));
    const TopicMetadata& topic = *chosen->second;
    const PartitionKey key{
        topic.id, PartitionIndex(static_cast<std::int32_t>(prng_.below(topic.partitions.size())))};
    send(key, static_cast<std::uint32_t>(prng_.between(1, world_.options.workload.burst_max)));
  }
  next_turn();
}

void ProducerClient::finish() {
  finishing_ = true;
  for (const KnownTopic& topic : book_.topics()) {
    if (topic.doomed || topic.name.front() != 't') continue;
    for (std::int32_t i = 0; i < topic.partitions; ++i) last_.insert({topic.id, PartitionIndex(i)});
  }
}

void ProducerClient::send_last() {
  for (const PartitionKey key : last_) {
    const bool on_its_way = std::any_of(sent_.begin(), sent_.end(),
                                        [key](const auto& at) { return at.second.key == key; });
    const bool known = std::any_of(topics_.begin(), topics_.end(),
                                   [key](const auto& at) { return at.second->id == key.topic; });
    if (!on_its_way && known) send(key, 1);
  }
}

void ProducerClient::send(PartitionKey key, std::uint32_t count) {
  const WorkloadOptions& options = world_.options.workload;
  const std::uint64_t number = ++numbers_;
  client::SendBatch batch;
  batch.producer = handle_;
  batch.key = key;
  batch.number = client::BatchNumber(number);
  batch.record_count = count;
  batch.deadline = now().monotonic + options.delivery_timeout;
  Sent sent;
  sent.key = key;
  sent.deadline = batch.deadline;
  std::string payload;
  for (std::uint32_t i = 0; i < count; ++i) {
    const SendId send_id = world_.checker.on_send(process_, acks_, key, world_.scheduler.now());
    sent.sends.push_back(send_id);
    std::string value = world_.checker.value_of(send_id);
    value.append(prng_.below(options.value_bytes_max), '.');
    RecordView record;
    record.timestamp = now().wall;
    record.value = value;
    append_record(payload, record);
  }
  batch.payload = Bytes(std::move(payload));
  sent_.emplace(number, std::move(sent));
  step(std::move(batch));
}

void ProducerClient::on_topic(const client::TopicChanged& changed) {
  if (changed.topic) {
    topics_[changed.name] = changed.topic;
    book_.note_partitions(*changed.topic);
  } else {
    topics_.erase(changed.name);
  }
}

void ProducerClient::on_batch(const client::BatchDone& done) {
  const auto at = sent_.find(done.number.raw());
  if (at == sent_.end()) {
    world_.checker.violate(
        "answered-twice",
        name() + ": batch " + std::to_string(done.number.raw()) + " was reported before");
    return;
  }
  const Sent sent = std::move(at->second);
  sent_.erase(at);
  check_deadline(sent.deadline, "a batch");
  if (done.number.raw() < std::exchange(reported_[sent.key], done.number.raw())) {
    world_.checker.violate("reported-out-of-order",
                           name() + ": batch " + std::to_string(done.number.raw()));
  }
  world_.trace.brief(name().c_str(), "batch %llu of %lld/%d (%zu from %s): %s %s at %lld",
                     static_cast<unsigned long long>(done.number.raw()),
                     static_cast<long long>(sent.key.topic.raw()), sent.key.partition.raw(),
                     sent.sends.size(), world_.checker.value_of(sent.sends.front()).c_str(),
                     done.outcome == pinion::Outcome::acknowledged
                         ? "ok"
                         : (done.outcome == pinion::Outcome::failed ? "failed" : "unknown"),
                     name_of(done.error.code).data(),
                     static_cast<long long>(done.base_offset.raw()));
  Offset offset = done.base_offset;
  for (const SendId send_id : sent.sends) {
    switch (done.outcome) {
      case pinion::Outcome::acknowledged:
        world_.checker.on_send_ok(send_id, sent.key, offset);
        if (offset != offset_unassigned) ++offset;
        last_.erase(sent.key);
        break;
      case pinion::Outcome::failed:
        world_.checker.on_send_fail(send_id, done.error.code);
        break;
      case pinion::Outcome::unknown:
        world_.checker.on_send_info(send_id, done.error.code);
        break;
    }
  }
}

std::string ProducerClient::unfinished() const {
  if (idle()) return "";
  std::string text = name() + " waits for " + std::to_string(sent_.size()) + " batches";
  for (const PartitionKey key : last_) {
    text += ", cannot send to " + std::to_string(key.topic.raw()) + "/" +
            std::to_string(key.partition.raw());
  }
  if (up()) text += "; " + session().status().problem;
  return text;
}

}  // namespace pinion::sim
