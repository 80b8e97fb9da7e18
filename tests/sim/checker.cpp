#include "tests/sim/checker.hpp"

#include "tests/sim/text.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace pinion::sim {

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::pending:
      return "pending";
    case Outcome::ok:
      return "ok";
    case Outcome::fail:
      return "fail";
    case Outcome::info:
      return "info";
  }
  return "?";
}

namespace {

/// What an unclean election may lead to: records lost, offsets given again, copies behind.
constexpr std::string_view losses[] = {
    "lost-write",
    "unseen",
    "duplicate",
    "inconsistent-offsets",
    "nonmonotonic-send",
    "poll-skip",
    "nonmonotonic-poll",
    "high-watermark-back",
    "position-back",
    "position-lost",
    "position-unexpected",
    "dequeue-twice",
    "dequeue-changed",
    "dequeue-skip",
    "reader-stopped",
    "acked-when-committed",
    "committed-on-all-in-sync",
    "position-on-all-in-sync",
    "no-cut-below-hw",
};

}  // namespace

void Checker::violate(std::string name, std::string text) {
  if (loss_allowed_ && std::find(std::begin(losses), std::end(losses), name) != std::end(losses)) {
    return;
  }
  if (!violation_) violation_ = Violation{std::move(name), std::move(text)};
}

// ---- Sends

SendId Checker::on_send(std::int32_t process, Acks acks, std::optional<PartitionKey> key,
                        Micros now) {
  const auto send = static_cast<SendId>(sends_.size());
  std::vector<SendId>& of_process = by_process_[process];
  SendOp op;
  op.process = process;
  op.counter = static_cast<std::int32_t>(of_process.size());
  op.acks = acks;
  op.key = key;
  op.invoked = now;
  of_process.push_back(send);
  sends_.push_back(op);
  return send;
}

std::string Checker::value_of(SendId send) const {
  const SendOp& op = sends_[send];
  return "p" + std::to_string(op.process) + "-" + std::to_string(op.counter);
}

std::optional<SendId> Checker::find(std::string_view value) const {
  std::int32_t process = 0;
  std::int32_t counter = 0;
  if (value.empty() || value.front() != 'p') return std::nullopt;
  const char* const end = value.data() + value.size();
  auto parsed = std::from_chars(value.data() + 1, end, process);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '-') return std::nullopt;
  parsed = std::from_chars(parsed.ptr + 1, end, counter);
  // Values may be padded with dots to their size.
  if (parsed.ec != std::errc()) return std::nullopt;
  const auto found = by_process_.find(process);
  if (found == by_process_.end() || counter < 0) return std::nullopt;
  if (static_cast<std::size_t>(counter) >= found->second.size()) return std::nullopt;
  return found->second[static_cast<std::size_t>(counter)];
}

void Checker::on_send_ok(SendId send, PartitionKey key, Offset offset) {
  SendOp& op = sends_[send];
  if (op.outcome != Outcome::pending) {
    violate("answered-twice", value_of(send) + " was " + name_of(op.outcome) + ", now ok");
    return;
  }
  op.outcome = Outcome::ok;
  if (op.key && *op.key != key) {
    violate("misrouted",
            value_of(send) + " was sent to " + text_of(*op.key) + " and stored in " + text_of(key));
  }
  op.key = key;
  if (!is_promised(op.acks) || offset == offset_unassigned) return;
  see(key, offset, send, "acknowledged");
}

void Checker::on_send_fail(SendId send, Errc code) {
  SendOp& op = sends_[send];
  if (op.outcome != Outcome::pending) {
    violate("answered-twice", value_of(send) + " was " + name_of(op.outcome) + ", now fail");
    return;
  }
  op.outcome = Outcome::fail;
  if (op.read) {
    violate("G1a", value_of(send) + " was read at " + text_of(op.offset) +
                       " and is then reported as failed: " + std::string(name_of(code)));
  }
}

void Checker::on_send_info(SendId send, Errc) {
  SendOp& op = sends_[send];
  if (op.outcome != Outcome::pending) {
    violate("answered-twice", value_of(send) + " was " + name_of(op.outcome) + ", now info");
    return;
  }
  op.outcome = Outcome::info;
}

void Checker::see(PartitionKey key, Offset offset, SendId send, const std::string& where) {
  SendOp& op = sends_[send];
  const auto [at, fresh] = log_[key].try_emplace(offset, send);
  if (!fresh && at->second != send) {
    violate("inconsistent-offsets", text_of(key) + " offset " + text_of(offset) + " holds " +
                                        value_of(at->second) + " and " + value_of(send) + " (" +
                                        where + ")");
    return;
  }
  if (op.key && *op.key != key) {
    violate("misrouted", value_of(send) + " belongs to " + text_of(*op.key) + " and is seen in " +
                             text_of(key) + " (" + where + ")");
    return;
  }
  op.key = key;
  if (op.offset != offset_unassigned && op.offset != offset) {
    violate("duplicate", text_of(key) + " holds " + value_of(send) + " at " + text_of(op.offset) +
                             " and " + text_of(offset) + " (" + where + ")");
    return;
  }
  op.offset = offset;
  check_order(key, send, offset);
}

void Checker::check_order(PartitionKey key, SendId send, Offset offset) {
  const SendOp& op = sends_[send];
  auto& order = order_[{key, op.process}];
  const auto [at, fresh] = order.try_emplace(op.counter, offset);
  if (!fresh) return;
  const auto next = std::next(at);
  const bool before_next = next == order.end() || offset < next->second;
  const bool after_previous = at == order.begin() || std::prev(at)->second < offset;
  if (before_next && after_previous) return;
  const auto& other = before_next ? *std::prev(at) : *next;
  violate("nonmonotonic-send", text_of(key) + " holds " + value_of(send) + " at " +
                                   text_of(offset) + " and the same producer's number " +
                                   std::to_string(other.first) + " at " + text_of(other.second));
}

// ---- Polls

Checker::ReadingId Checker::on_assigned(const std::string& consumer, PartitionKey key,
                                        Offset start) {
  readings_.push_back({consumer, key, start - 1});
  return static_cast<ReadingId>(readings_.size() - 1);
}

void Checker::check_record(const std::string& who, PartitionKey key, const PolledRecord& record) {
  const std::optional<SendId> send = find(record.value);
  if (!send) {
    violate("unexpected", who + " read '" + std::string(record.value.substr(0, 40)) + "' at " +
                              text_of(record.offset) + " of " + text_of(key) +
                              ", which nobody sent");
    return;
  }
  SendOp& op = sends_[*send];
  if (op.outcome == Outcome::fail) {
    violate("G1a", who + " read " + value_of(*send) + " at " + text_of(record.offset) + " of " +
                       text_of(key) + ", which was reported as failed");
    return;
  }
  see(key, record.offset, *send, who);
  op.read = true;
}

void Checker::on_polled(ReadingId reading_id, const std::vector<PolledRecord>& records) {
  Reading& reading = readings_[reading_id];
  ++polls_and_dequeues_;
  bool first = true;
  for (const PolledRecord& record : records) {
    ++records_polled_;
    const std::string inner = first ? "" : "int-";
    const Offset last = reading.last;
    if (record.offset <= last) {
      violate(inner + "nonmonotonic-poll", reading.consumer + " read " + text_of(record.offset) +
                                               " of " + text_of(reading.key) + " after " +
                                               text_of(last));
    }
    if (record.offset > last + 1) {
      violate(inner + "poll-skip", reading.consumer + " read " + text_of(record.offset) + " of " +
                                       text_of(reading.key) + " right after " + text_of(last));
    }
    reading.last = record.offset;
    first = false;
    check_record(reading.consumer, reading.key, record);
  }
}

// ---- Positions and high watermarks

Checker::QuestionId Checker::on_ask_high_watermark(PartitionKey key) {
  questions_.push_back({key, {}, shown_high_watermark_[key], 0});
  return static_cast<QuestionId>(questions_.size() - 1);
}

void Checker::on_high_watermark(QuestionId question_id, Offset high_watermark) {
  const Question& question = questions_[question_id];
  Offset& shown = shown_high_watermark_[question.key];
  if (high_watermark < question.floor) {
    violate("high-watermark-back", text_of(question.key) + " showed " + text_of(question.floor) +
                                       " before it was asked and now " + text_of(high_watermark));
  }
  shown = std::max(shown, high_watermark);
}

Checker::CommitId Checker::on_commit(const std::string& reader, PartitionKey key, Offset offset) {
  const auto commit = static_cast<CommitId>(commits_.size());
  commits_.push_back({offset, ++moment_, 0, 0, Outcome::pending});
  commits_of_[{reader, key}].push_back(commit);
  return commit;
}

void Checker::on_commit_ended(CommitId commit, Outcome outcome) {
  commits_[commit].outcome = outcome;
  commits_[commit].ended = ++moment_;
}

Checker::QuestionId Checker::on_ask_position(const std::string& reader, PartitionKey key) {
  questions_.push_back({key, reader, Offset(0), ++moment_});
  return static_cast<QuestionId>(questions_.size() - 1);
}

void Checker::on_position(QuestionId question_id, Offset offset) {
  const Question& question = questions_[question_id];
  // The writes that were certainly there before the question; of those, what began after another
  // had ended supersedes it.
  std::uint64_t newest_begin = 0;
  for (const CommitId id : commits_of_[{question.reader, question.key}]) {
    const CommitOp& commit = commits_[id];
    const bool answered = commit.outcome == Outcome::ok && commit.ended < question.invoked;
    const bool certain = answered || (commit.seen > 0 && commit.seen < question.invoked);
    if (certain) newest_begin = std::max(newest_begin, commit.invoked);
  }
  if (offset == offset_unassigned) {
    if (newest_begin > 0) {
      violate("position-lost", question.reader + " had committed in " + text_of(question.key) +
                                   " and is told that it has no position");
    }
    return;
  }
  bool tried = false;
  CommitOp* only = nullptr;
  std::size_t possible = 0;
  for (const CommitId id : commits_of_[{question.reader, question.key}]) {
    CommitOp& commit = commits_[id];
    if (commit.offset != offset || commit.outcome == Outcome::fail) continue;
    tried = true;
    const bool superseded = commit.outcome == Outcome::ok && commit.ended < newest_begin;
    if (superseded) continue;
    only = &commit;
    ++possible;
  }
  if (possible == 1 && only->seen == 0) only->seen = ++moment_;
  if (possible > 0) return;
  violate(tried ? "position-back" : "position-unexpected",
          question.reader + " is told " + text_of(offset) + " in " + text_of(question.key) +
              (tried ? ", which it had moved on from" : ", which it never committed"));
}

// ---- Dequeues

void Checker::on_dequeue(const std::string& reader, PartitionKey key, const std::string& token) {
  ++polls_and_dequeues_;
  dequeues_[{reader, key}].open.insert(token);
}

void Checker::on_dequeue_ok(const std::string& reader, PartitionKey key, const std::string& token,
                            Offset offset, std::string_view value) {
  Dequeues& dequeues = dequeues_[{reader, key}];
  dequeues.open.erase(token);
  check_record(reader, key, {offset, value});
  const auto [mine, fresh] = dequeues.by_token.try_emplace(token, offset);
  if (!fresh && mine->second != offset) {
    violate("dequeue-changed", reader + " token " + token + " returned " + text_of(mine->second) +
                                   " and then " + text_of(offset) + " of " + text_of(key));
  }
  const auto [owner, first] = dequeues.by_offset.try_emplace(offset, token);
  if (!first && owner->second != token) {
    violate("dequeue-twice", reader + " was given " + text_of(offset) + " of " + text_of(key) +
                                 " under token " + owner->second + " and under " + token);
  }
}

void Checker::on_dequeue_ended(const std::string& reader, PartitionKey key,
                               const std::string& token, MayHaveHappened may_have_happened) {
  Dequeues& dequeues = dequeues_[{reader, key}];
  dequeues.open.erase(token);
  if (may_have_happened == MayHaveHappened::yes) ++dequeues.unknown;
}

// ---- Topics

void Checker::on_create_ok(TopicId topic, const std::string& name) {
  const auto [at, fresh] = created_.try_emplace(topic, name);
  if (!fresh && at->second != name) {
    violate("topic-id-reused", "id " + std::to_string(topic.raw()) + " was '" + at->second +
                                   "' and is now '" + name + "'");
  }
}

void Checker::on_delete(const std::string& name) {
  deletions_tried_.insert(name);
  for (const auto& [topic, created] : created_) {
    if (created == name) deleted_.insert(topic);
  }
}

void Checker::on_delete_ok(TopicId topic) { surely_deleted_.insert(topic); }

void Checker::on_topics(const std::vector<TopicMetadata>& topics) {
  std::set<TopicId> there;
  for (const TopicMetadata& topic : topics) {
    there.insert(topic.id);
    on_create_ok(topic.id, topic.name);
    if (surely_deleted_.count(topic.id) > 0) {
      violate("deleted-topic", "topic '" + topic.name + "' was deleted and is there again");
    }
    if (deletions_tried_.count(topic.name) > 0) deleted_.insert(topic.id);
  }
  for (const auto& [topic, name] : created_) {
    if (there.count(topic) == 0 && deletions_tried_.count(name) == 0) {
      violate("lost-topic", "topic '" + name + "' was created and is gone");
    }
  }
}

void Checker::on_producer_ids(ProducerId first, std::uint32_t count) {
  const auto after = producer_ids_.lower_bound(first);
  const bool hits_next = after != producer_ids_.end() && first + count > after->first;
  const bool hits_previous =
      after != producer_ids_.begin() && std::prev(after)->first + std::prev(after)->second > first;
  if (hits_next || hits_previous) {
    violate("producer-id-twice",
            "producer ids from " + std::to_string(first.raw()) + " were handed out twice");
  }
  producer_ids_[first] = count;
}

// ---- The end

void Checker::on_drained(PartitionKey key, Offset log_start, Offset,
                         const std::vector<PolledRecord>& records) {
  const ReadingId reading = on_assigned("drain", key, log_start);
  on_polled(reading, records);
  drained_start_[key] = log_start;
  std::set<SendId>& drained = drained_[key];
  for (const PolledRecord& record : records) {
    if (const std::optional<SendId> send = find(record.value)) drained.insert(*send);
  }
}

void Checker::check_end() {
  std::map<PartitionKey, Offset> highest;
  for (const SendOp& op : sends_) {
    if (op.read && op.key) highest[*op.key] = std::max(highest[*op.key], op.offset);
  }
  for (SendId send = 0; send < sends_.size(); ++send) {
    const SendOp& op = sends_[send];
    const bool certain = op.outcome == Outcome::ok && is_promised(op.acks);
    if (!certain || !op.key || deleted_.count(op.key->topic) > 0) continue;
    // Retention took it, or it is somewhere unknown and may have been taken.
    if (op.offset < drained_start_[*op.key] && drained_start_[*op.key] > Offset(0)) continue;
    if (drained_[*op.key].count(send) > 0) continue;
    const bool below = highest.count(*op.key) > 0 && op.offset < highest[*op.key];
    violate(below ? "lost-write" : "unseen", value_of(send) + " was acknowledged at " +
                                                 text_of(op.offset) + " of " + text_of(*op.key) +
                                                 " and is not there");
  }
  for (const auto& [who, dequeues] : dequeues_) {
    if (dequeues.by_offset.empty() || deleted_.count(who.second.topic) > 0) continue;
    if (drained_start_[who.second] > Offset(0)) continue;  // Retention may have been faster.
    const std::int64_t count =
        dequeues.by_offset.rbegin()->first - dequeues.by_offset.begin()->first + 1;
    const std::uint64_t missing =
        static_cast<std::uint64_t>(count) - static_cast<std::uint64_t>(dequeues.by_offset.size());
    if (missing > dequeues.unknown + dequeues.open.size()) {
      violate("dequeue-skip", who.first + " was never given " + std::to_string(missing) +
                                  " records of " + text_of(who.second) + ", with " +
                                  std::to_string(dequeues.unknown) + " dequeues unknown");
    }
  }
}

Offset Checker::highest_offset(PartitionKey key) const {
  const auto log = log_.find(key);
  return log == log_.end() || log->second.empty() ? offset_unassigned : log->second.rbegin()->first;
}

std::size_t Checker::count_of(Outcome outcome) const {
  return static_cast<std::size_t>(std::count_if(
      sends_.begin(), sends_.end(), [outcome](const SendOp& op) { return op.outcome == outcome; }));
}

}  // namespace pinion::sim
