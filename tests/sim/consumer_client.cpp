#include "tests/sim/consumer_client.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pinion::sim {

ConsumerClient::ConsumerClient(World& world, std::int32_t index, std::string name,
                               std::uint64_t seed, const TopicBook& book, KnowReader know_reader)
    : SessionClient(world, index, std::move(name), seed),
      book_(book),
      know_reader_(std::move(know_reader)),
      reader_("consumer:" + this->name()) {}

void ConsumerClient::begin() {
  parts_.clear();
  handle_ = client::ConsumerHandle(++handles_);
  client::OpenConsumer opened;
  opened.consumer = handle_;
  for (std::uint32_t i = 0; i < world_.options.workload.topics; ++i) {
    opened.settings.topics.push_back("t" + std::to_string(i));
  }
  if (prng_.chance(1, 3)) opened.settings.topics.push_back("x0");
  opened.settings.reader = reader_;
  opened.settings.on_lost_position =
      prng_.chance(1, 2) ? OnLostPosition::earliest : OnLostPosition::error;
  opened.settings.if_missing = MissingTopic::wait;
  // As little as the library lets a program choose, so that what is buffered reaches its bound.
  const auto some = [this](std::int64_t times) {
    return limits::consumer_fetch_bytes_min * static_cast<std::size_t>(prng_.between(1, times));
  };
  opened.settings.fetch_bytes_max = some(4);
  opened.settings.buffer_bytes_max = 2 * some(8);
  const std::uint32_t any_replica = world_.options.workload.any_replica_percent;
  opened.settings.any_replica = any_replica > 0 && prng_.chance(any_replica, 100);
  if (opened.settings.any_replica) world_.counters.count("consumer: asks any replica");
  step(std::move(opened));
  next_turn();
}

void ConsumerClient::end_of_life() {
  for (const auto& [call, committing] : committing_) {
    world_.checker.on_commit_ended(committing.commit, Outcome::info);
  }
  committing_.clear();
  asking_.clear();
  parts_.clear();
}

// ---- What the session says

void ConsumerClient::on_joined(const client::PartitionJoined& joined) {
  Part& part = parts_[joined.key];
  part = Part{};
  part.question = world_.checker.on_ask_position(reader_, joined.key);
  know_reader_(reader_, joined.key);
}

void ConsumerClient::on_left(const client::PartitionLeft& left) { parts_.erase(left.key); }

void ConsumerClient::on_located(const client::PartitionLocated& located) {
  Part& part = parts_[located.key];
  if (located.reading != part.reading) return;  // Of a reading before the last seek.
  if (!part.located && located.reading == client::Reading(0)) {
    world_.checker.on_position(part.question, located.committed);
  }
  part.located = true;
  part.next = located.next;
  part.last_epoch = located.last_epoch;
  part.fetched.clear();
  part.checked = world_.checker.on_assigned(name(), located.key, located.next);
  world_.trace.brief(name().c_str(), "reads %lld/%d from %lld",
                     static_cast<long long>(located.key.topic.raw()), located.key.partition.raw(),
                     static_cast<long long>(located.next.raw()));
}

void ConsumerClient::on_fetched(const client::Fetched& fetched) {
  Part& part = parts_[fetched.key];
  if (fetched.reading != part.reading) return;
  part.fetched.push_back(fetched);
}

void ConsumerClient::on_problem(const client::ConsumerProblem& problem) {
  world_.counters.count("consumer problem: " + std::string(name_of(problem.error.code)));
  world_.trace.brief(name().c_str(), "is told: %s", problem.error.to_string().c_str());
  const auto at = parts_.find(problem.key);
  if (at == parts_.end() || problem.reading != at->second.reading) return;
  at->second.stopped = true;
  const bool retention = world_.options.workload.retention_bytes > 0;
  if (problem.error.code == Errc::unknown_topic) return;
  if (problem.error.code == Errc::offset_out_of_range && retention) {
    return seek(problem.key, at->second, Place::earliest());
  }
  const bool was_cut =
      problem.error.code == Errc::log_truncated || problem.error.code == Errc::offset_out_of_range;
  if (was_cut && world_.checker.loss_allowed()) {
    return seek(problem.key, at->second, Place::earliest());
  }
  world_.checker.violate("reader-stopped", name() + " is told " + problem.error.to_string());
}

void ConsumerClient::on_call(const client::CallDone& done) {
  if (const auto at = committing_.find(done.call.raw()); at != committing_.end()) {
    const Committing committing = at->second;
    committing_.erase(at);
    check_deadline(committing.deadline, "a commit");
    Outcome outcome = Outcome::ok;
    if (!done.reply) {
      const bool surely_not = fate_of(done.reply.error().code) == Fate::did_not_happen;
      outcome = surely_not && !done.repeated ? Outcome::fail : Outcome::info;
    }
    world_.counters.count(std::string("commits: ") + name_of(outcome));
    world_.checker.on_commit_ended(committing.commit, outcome);
    return;
  }
  const auto at = asking_.find(done.call.raw());
  if (at == asking_.end()) {
    world_.checker.violate("answered-twice", name() + ": a call");
    return;
  }
  const Asking asking = at->second;
  asking_.erase(at);
  check_deadline(asking.deadline, "a call");
  if (!done.reply) return;
  if (const auto* reply = std::get_if<ListOffsetReply>(&done.reply->body)) {
    world_.checker.on_high_watermark(asking.question, reply->offset);
  }
}

// ---- What the program does

void ConsumerClient::next_turn() {
  later(Micros(prng_.between(500, finishing_ ? 3'000 : 30'000)), [this] { turn(); });
}

void ConsumerClient::turn() {
  if (!parts_.empty()) {
    auto chosen = parts_.begin();
    std::advance(chosen, prng_.below(parts_.size()));
    const PartitionKey key = chosen->first;
    Part& part = chosen->second;
    if (part.located) {
      poll(key, part);
      if (prng_.chance(1, 6)) commit(key, part);
      if (!finishing_ && prng_.chance(1, 150)) {
        const std::uint64_t where = prng_.below(3);
        const auto below = static_cast<std::uint64_t>(part.next.raw() + 1);
        seek(key, part,
             where == 0
                 ? Place::earliest()
                 : (where == 1 ? Place::latest()
                               : Place::at(Offset(static_cast<std::int64_t>(prng_.below(below))))));
      }
    }
    if (prng_.chance(1, 40)) ask_high_watermark(key);
  }
  next_turn();
}

void ConsumerClient::poll(PartitionKey key, Part& part) {
  std::vector<client::Fetched> all;
  all.swap(part.fetched);
  std::size_t bytes = 0;
  std::vector<Checker::PolledRecord> records;
  for (const client::Fetched& fetched : all) {
    for (const Batch& batch : fetched.batches) {
      bytes += batch.payload.size();
      BatchReader reader(batch.payload.view());
      RecordView record;
      for (Offset offset = batch.header.base_offset; reader.next(record); ++offset) {
        if (offset >= part.next) records.push_back({offset, record.value});
      }
      part.next = std::max(part.next, batch.header.next_offset());
      part.last_epoch = batch.header.leader_epoch;
    }
  }
  world_.checker.on_polled(part.checked, records);
  if (bytes == 0) return;
  client::Consumed consumed;
  consumed.consumer = handle_;
  consumed.key = key;
  consumed.reading = part.reading;
  consumed.bytes = bytes;
  step(consumed);
}

void ConsumerClient::commit(PartitionKey key, const Part& part) {
  const std::uint64_t call = ++calls_;
  client::SendCommit commit;
  commit.consumer = handle_;
  commit.call = client::CallId(call);
  commit.key = key;
  commit.next = part.next;
  commit.leader_epoch = part.last_epoch;
  commit.deadline = now().monotonic + Micros(prng_.between(100'000, 3'000'000));
  committing_[call] = {world_.checker.on_commit(reader_, key, part.next), commit.deadline};
  step(commit);
}

void ConsumerClient::seek(PartitionKey key, Part& part, Place place) {
  world_.counters.count("consumer: seek");
  part.reading = part.reading + 1;
  part.located = false;
  part.stopped = false;
  part.fetched.clear();
  client::Seek seek;
  seek.consumer = handle_;
  seek.key = key;
  seek.reading = part.reading;
  seek.place = place;
  step(seek);
}

void ConsumerClient::ask_high_watermark(PartitionKey key) {
  for (const KnownTopic& topic : book_.topics()) {
    if (topic.id != key.topic || topic.doomed) continue;
    const std::uint64_t call = ++calls_;
    client::Call ask;
    ask.call = client::CallId(call);
    ask.topic = topic.name;
    ask.partition = key.partition;
    ListOffset list;
    list.spec = OffsetSpec::latest;
    ask.body = list;
    ask.deadline = now().monotonic + Micros(prng_.between(50'000, 2'000'000));
    asking_[call] = {world_.checker.on_ask_high_watermark(key), ask.deadline};
    step(std::move(ask));
    return;
  }
}

// ---- The end

bool ConsumerClient::caught_up() const {
  if (!up()) return false;
  for (const KnownTopic& topic : book_.topics()) {
    if (topic.name.front() != 't') continue;
    for (std::int32_t i = 0; i < topic.partitions; ++i) {
      const PartitionKey key{topic.id, PartitionIndex(i)};
      const auto part = parts_.find(key);
      if (part == parts_.end() || !part->second.located) return false;
      // Where what was seen may be lost the end may be below it.
      if (world_.checker.loss_allowed()) continue;
      if (part->second.next <= world_.checker.highest_offset(key)) return false;
    }
  }
  return true;
}

std::string ConsumerClient::unfinished() const {
  if (caught_up()) return "";
  std::string text = name() + " has not caught up:";
  for (const auto& [key, part] : parts_) {
    const Offset highest = world_.checker.highest_offset(key);
    if (part.located && part.next > highest) continue;
    text += " " + std::to_string(key.topic.raw()) + "/" + std::to_string(key.partition.raw()) +
            " at " + std::to_string(part.next.raw()) + " of " + std::to_string(highest.raw()) +
            (part.located ? "" : " (not located)") + (part.stopped ? " (stopped)" : "");
  }
  return text;
}

}  // namespace pinion::sim
