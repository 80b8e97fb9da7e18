// A follower: it asks its leader for what follows its own log, writes it as it is, and says how
// much of it is durable. docs/REPLICATION.md, "The log".
//
// One fetch is under way at a time, and only its answer is accepted. While batches go to the disk
// the next fetch is already out; it is held back when too much waits for the disk.
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/proto/record_batch.hpp"
#include "partition/core/replica.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace pinion::partition {

namespace {

/// In memory, about, with its share of what a commit costs.
std::size_t bytes_of(const std::map<std::string, Position>& table) {
  std::size_t bytes = limits::batch_cost_bytes;
  for (const auto& [reader, position] : table) {
    bytes += limits::batch_cost_bytes + reader.size() + position.last_token.size();
  }
  return bytes;
}

Position position_of(const PositionRow& row) {
  Position position;
  position.reader = row.reader;
  position.offset = row.offset;
  position.leader_epoch = row.leader_epoch;
  position.version = row.version;
  position.last_token = row.last_token;
  position.last_offset = row.last_offset;
  position.deleted = row.deleted;
  position.updated_at = row.updated_at;
  return position;
}

/// Asked of a leader that has not answered: it may be gone for long, and takes no room of those
/// whose leaders are there. The first batch comes whatever its size.
constexpr std::size_t probe_bytes = 64 * limits::kib;

ProducerState producer_of(const ProducerRow& row) {
  ProducerState producer;
  producer.id = row.id;
  producer.epoch = row.epoch;
  producer.last_seen = row.last_seen;
  for (const ProducerBatchRow& batch : row.batches) {
    producer.batches.push_back(
        {batch.base_sequence, batch.record_count, batch.base_offset, batch.append_time});
  }
  return producer;
}

}  // namespace

Copying* Replica::copying() noexcept {
  if (auto* catching_up = std::get_if<CatchingUp>(&role_)) return &catching_up->copying;
  if (auto* following = std::get_if<Following>(&role_)) return &following->copying;
  return nullptr;
}

const Copying* Replica::copying() const noexcept {
  if (const auto* catching_up = std::get_if<CatchingUp>(&role_)) return &catching_up->copying;
  if (const auto* following = std::get_if<Following>(&role_)) return &following->copying;
  return nullptr;
}

void Replica::become_catching_up(const Now& now, Effects& out) {
  CatchingUp catching_up;
  catching_up.copying.leader = assignment_.leader;
  catching_up.copying.epoch = assignment_.leader_epoch;
  take_role(std::move(catching_up));
  event(out, EventKind::partition_online, Severity::info,
        assignment_.topic_name + " follows node " + std::to_string(assignment_.leader.raw()) +
            " epoch " + std::to_string(assignment_.leader_epoch.raw()) + " from " +
            std::to_string(log_.log_end.raw()));
  fetch_on(now, out);
}

// ---- Asking

/// Sends the next fetch when none is under way and there is room for what it may bring.
void Replica::fetch_on(const Now& now, Effects& out) {
  Copying* copying = this->copying();
  if (copying == nullptr || copying->fetch != RequestId{0}) return;
  if (copying->leader == node_none || now.monotonic < copying->fetch_at) return;
  const auto* catching_up = std::get_if<CatchingUp>(&role_);
  if (catching_up != nullptr && catching_up->cutting) return;
  put_gathered(now, out);
  if (copying->gathered_to) return;
  if (shared_->low_space) {
    return retry_later(now, "too little free disk space on the node", out);
  }
  // What is on its way will make room, and then this is called again.
  if (!log_.pending.empty() && !has_room_to_persist(limits::replica_fetch_bytes)) return;
  const std::vector<NodeId>& isr = assignment_.isr;
  const bool is_member = std::find(isr.begin(), isr.end(), shared_->node) != isr.end();
  copying->is_counted = copying->is_behind && !is_member;
  copying->asks_bytes = bytes_to_ask(now, *copying);
  if (copying->is_counted && !may_ask_now(*copying)) return;
  ReplicaFetch fetch;
  fetch.node = shared_->node;
  fetch.incarnation = shared_->incarnation;
  fetch.session = copy_session_;
  fetch.copy = copy_;
  fetch.offset = log_.log_end;
  fetch.last_epoch = log_.last_epoch();
  fetch.durable_end = log_.durable_end;
  fetch.position_version = copying->position_version;
  fetch.durable_position_version = copying->durable_position_version;
  fetch.bytes_max = static_cast<std::uint32_t>(copying->asks_bytes);
  // One that has passed the gate is not to wait where others would have something to read.
  const Micros wait = copying->is_counted ? 0ms : limits::replica_fetch_wait;
  fetch.wait_ms = static_cast<std::uint32_t>(wait / 1ms);
  Message message;
  message.header.kind = Kind::replica_fetch;
  message.header.request_id = RequestId(shared_->next_ticket().raw());
  message.header.topic = key_.topic;
  message.header.partition = key_.partition;
  message.header.leader_epoch = copying->epoch;
  const Micros within = limits::replica_fetch_wait + limits::replica_answer_within;
  message.header.timeout_ms = static_cast<std::uint32_t>(within / 1ms);
  const RequestId request = message.header.request_id;
  message.body = fetch;
  if (!shared_->send_to_peer(now, copying->leader, std::move(message), out)) {
    return retry_later(now, "the leader's address is not known", out);
  }
  copying->fetch = request;
  copying->answer_by = now.monotonic + within;
  copying->told_end = log_.durable_end;
  copying->told_position_version = copying->durable_position_version;
}

std::size_t Replica::bytes_to_ask(const Now& now, const Copying& copying) const {
  const auto peer = shared_->peers.find(copying.leader);
  const bool is_quiet = peer == shared_->peers.end() ||
                        now.monotonic > peer->second.heard_at + limits::peer_quiet_after;
  return is_quiet || copying.is_unanswered ? probe_bytes : limits::replica_fetch_bytes;
}

bool Replica::may_ask_now(Copying& copying) {
  count_asked();
  CopyGate& gate = shared_->copies;
  const bool has_turn = std::exchange(copying.has_turn, false) || gate.waiting.empty();
  if (has_turn && gate.may_ask(copying.asks_bytes)) return true;
  if (!std::exchange(copying.waits_turn, true)) gate.waiting.push_back(key_);
  return false;
}

bool Replica::start_waiting_fetch(const Now& now, Effects& out) {
  Copying* copying = this->copying();
  if (copying == nullptr || !copying->waits_turn) return true;
  if (!shared_->copies.may_ask(bytes_to_ask(now, *copying))) return false;
  copying->waits_turn = false;
  copying->has_turn = true;
  fetch_on(now, out);
  copying = this->copying();
  if (copying != nullptr) copying->has_turn = false;
  return true;
}

void Replica::count_asked() noexcept {
  const Copying* copying = this->copying();
  std::size_t bytes = 0;
  if (copying != nullptr && copying->is_counted) {
    if (copying->fetch != RequestId{0}) bytes += copying->asks_bytes;
    // What a disk that hangs holds is no one's turn.
    if (!log_.is_silent) bytes += log_.pending_bytes;
  }
  shared_->copies.asked += bytes;
  shared_->copies.asked -= std::exchange(asked_bytes_, bytes);
}

/// Nobody has to wait for the next fetch to hear what is durable.
void Replica::tell_progress(const Now& now, Effects& out) {
  Copying* copying = this->copying();
  if (copying == nullptr || !copying->agreed) return;
  if (log_.durable_end == copying->told_end &&
      copying->durable_position_version == copying->told_position_version) {
    return;
  }
  ReplicaProgress progress;
  progress.node = shared_->node;
  progress.session = copy_session_;
  progress.copy = copy_;
  progress.durable_end = log_.durable_end;
  progress.durable_position_version = copying->durable_position_version;
  Message message;
  message.header.kind = Kind::replica_progress;
  message.header.topic = key_.topic;
  message.header.partition = key_.partition;
  message.header.leader_epoch = copying->epoch;
  message.body = progress;
  if (!shared_->send_to_peer(now, copying->leader, std::move(message), out)) return;
  copying->told_end = log_.durable_end;
  copying->told_position_version = copying->durable_position_version;
}

void Replica::retry_later(const Now& now, std::string why, Effects& /*out*/) {
  Copying& copying = *this->copying();
  copying.is_behind = true;  // Nobody knows for how long.
  copying.fetch = RequestId{0};
  copying.answer_by = never;
  copying.backoff =
      std::clamp(copying.backoff * 2, limits::replica_retry_min, limits::replica_retry_max);
  // Partitions that lost one leader together do not come back in step.
  const auto spread = static_cast<std::int64_t>(shared_->last_ticket.raw() % 8);
  copying.fetch_at = now.monotonic + copying.backoff * (8 + spread) / 16;
  if (copying.trouble != why) state_changed();
  copying.trouble = std::move(why);
}

Micros Replica::copying_deadline(const Copying& copying) const noexcept {
  if (copying.leader == node_none) return never;
  if (copying.fetch != RequestId{0}) return copying.answer_by;
  const auto* catching_up = std::get_if<CatchingUp>(&role_);
  if (catching_up != nullptr && catching_up->cutting) return never;
  // Held back by what is on its way to the disk: its result goes on with it.
  if (copying.fetch_at == Micros{0}) return never;
  return copying.fetch_at;
}

void Replica::tick_copying(const Now& now, Effects& out) {
  Copying* copying = this->copying();
  if (copying->fetch != RequestId{0} && now.monotonic >= copying->answer_by) {
    shared_->suspect_peer(now, copying->leader, out);
    copying->is_unanswered = true;
    retry_later(now, "the leader does not answer", out);
  }
  if (copying->fetch_at > Micros{0} && now.monotonic >= copying->fetch_at) {
    copying->fetch_at = Micros{0};
    fetch_on(now, out);
  }
}

// ---- Answers

void Replica::step(const Now& now, NodeId from, Message& answer, Effects& out) {
  Copying* copying = this->copying();
  if (copying == nullptr || from != copying->leader || answer.header.request_id != copying->fetch ||
      copying->fetch == RequestId{0}) {
    event(out, EventKind::replica_refused, Severity::debug, "the answer to an old fetch");
    return;
  }
  copying->fetch = RequestId{0};
  copying->answer_by = never;
  copying->is_unanswered = false;
  if (answer.header.error != Errc::ok) {
    const auto* body = std::get_if<ErrorBody>(&answer.body);
    event(out, EventKind::replica_refused, Severity::debug,
          Error{answer.header.error, body != nullptr ? body->detail : ""}.to_string());
    return retry_later(now, std::string(name_of(answer.header.error)), out);
  }
  auto* reply = std::get_if<ReplicaFetchReply>(&answer.body);
  if (reply == nullptr || answer.header.leader_epoch != copying->epoch) {
    return retry_later(now, "the leader's answer was of another epoch", out);
  }
  if (reply->begin_at != offset_unassigned) return begin_again(now, *reply, out);
  if (reply->diverging_end != offset_unassigned) return cut(*reply, out);
  if (const Result<void> checked = check_copied(*reply, answer.records); !checked) {
    event(out, EventKind::replica_refused, Severity::warn, checked.error().to_string());
    return retry_later(now, checked.error().to_string(), out);
  }
  copying->agreed = true;
  copying->is_behind =
      !reply->batches.empty() && reply->batches.back().next_offset() < reply->log_end;
  copying->backoff = Micros{0};
  copying->fetch_at = Micros{0};
  if (!copying->trouble.empty()) {
    copying->trouble.clear();
    state_changed();
  }
  copy(now, *reply, answer.records, out);
}

/// Every batch is whole, follows the one before it, and is of an epoch that can be.
Result<void> Replica::check_copied(const ReplicaFetchReply& reply, const Frames& payloads) const {
  Offset expected = log_.log_end;
  Epoch epoch = log_.last_epoch();
  Micros after = log_.next_log_time;
  PINION_ASSERT(reply.batches.size() == payloads.size());
  for (std::size_t i = 0; i < reply.batches.size(); ++i) {
    const BatchHeader& batch = reply.batches[i];
    if (batch.base_offset != expected || batch.leader_epoch < epoch ||
        batch.leader_epoch > assignment_.leader_epoch || batch.leader_epoch == epoch_unknown ||
        (batch.append_time < after && expected > log_.log_start)) {
      return failure(Errc::malformed, "the leader sent offset " +
                                          std::to_string(batch.base_offset.raw()) + " of epoch " +
                                          std::to_string(batch.leader_epoch.raw()) + " where " +
                                          std::to_string(expected.raw()) + " of epoch " +
                                          std::to_string(epoch.raw()) + " or later comes next");
    }
    PINION_CHECK(check_batch(batch, payloads[i].view(), limits::record_bytes_ceiling));
    expected = batch.next_offset();
    epoch = batch.leader_epoch;
    after = batch.append_time + Micros(batch.record_count);
  }
  return {};
}

void Replica::copy(const Now& now, ReplicaFetchReply& reply, Frames& payloads, Effects& out) {
  Copying& copying = *this->copying();
  copying.leader_high_watermark = reply.high_watermark;
  copying.leader_log_start = reply.log_start;
  if (!reply.batches.empty() && !log_.epochs.empty() &&
      log_.epochs.back().epoch > reply.batches.front().leader_epoch) {
    // An epoch of this node's own that never got a record: it must leave no trace.
    ReplicaFetchReply diverging;
    diverging.diverging_epoch = reply.batches.front().leader_epoch;
    diverging.diverging_end = log_.log_end;
    return cut(diverging, out);
  }
  for (std::size_t i = 0; i < reply.batches.size(); ++i) {
    copy_batch(reply.batches[i], std::move(payloads[i]), out);
  }
  copy_positions(now, reply, out);
  if (!reply.batches.empty()) note_high_watermark(now, out);
  follow_high_watermark(now, out);
  fetch_on(now, out);
}

void Replica::copy_batch(const BatchHeader& header, Bytes payload, Effects& out) {
  if (log_.epochs.empty() || log_.epochs.back().epoch < header.leader_epoch) {
    start_epoch({header.leader_epoch, log_.log_end}, out);
  }
  const Batch batch{header, std::move(payload)};
  const std::size_t bytes = batch.payload.size() + limits::batch_cost_bytes;
  Pending& entry = persist(AppendBatch{batch}, bytes, out);
  PendingAppend pending;
  pending.batch = header;
  entry.op = std::move(pending);
  log_.log_end = header.next_offset();
  log_.next_log_time = header.append_time + Micros(header.record_count);
  if (header.producer_id != producer_none) {
    (void)log_.dedupe.add_copied(header, entry.ticket);
  }
  log_.tail.push(batch);
}

void Replica::copy_positions(const Now& now, const ReplicaFetchReply& reply, Effects& out) {
  Copying& copying = *this->copying();
  if (reply.position_version <= copying.position_version) return;
  if (reply.all_positions) {
    copying.gathering = true;
    copying.gathered.clear();
  }
  copying.position_version = reply.position_version;
  if (copying.gathering) return gather_positions(now, reply, out);
  Pending* last = nullptr;
  for (const PositionRow& row : reply.positions) {
    if (row.version <= log_.positions.last_version()) continue;
    const Ticket ticket = shared_->last_ticket + 1;
    const Position& taken = log_.positions.take(position_of(row), ticket);
    last = &persist(PutPosition{taken}, limits::batch_cost_bytes, out);
    PINION_ASSERT(last->ticket == ticket);
    last->op = PendingCopiedPositions{copying.epoch};
  }
  // Each reader comes once, with its newest version: so until the last row is there an earlier
  // version of some reader may be missing, and none but what was complete before may be counted.
  if (last != nullptr && !reply.more_positions) {
    last->op = PendingCopiedPositions{copying.epoch, reply.position_version};
  }
}

/// The whole table takes the place of this one in one commit.
void Replica::gather_positions(const Now& now, const ReplicaFetchReply& reply, Effects& out) {
  Copying& copying = *this->copying();
  for (const PositionRow& row : reply.positions) copying.gathered[row.reader] = position_of(row);
  if (copying.gathered.size() > limits::readers_per_partition_max + limits::dequeue_slots_max) {
    copying.gathering = false;
    copying.gathered.clear();
    copying.position_version = PositionVersion{-1};
    return retry_later(now, "the leader has more readers than there may be", out);
  }
  if (!reply.more_positions) {
    copying.gathered_to = reply.position_version;
    // Counted as one commit at most, for else it would keep all others out.
    copying.gathered_bytes = std::min(bytes_of(copying.gathered), limits::commit_bytes_max);
  }
  put_gathered(now, out);
}

/// When all has come, and there is room beside those of other partitions on the way: a commit's
/// worth of tables, and one of any size. Nothing is asked for before that. Whatever else is on its
/// way, for else it would never have its turn on a busy node.
void Replica::put_gathered(const Now& now, Effects& out) {
  Copying& copying = *this->copying();
  if (!copying.gathered_to) return;
  const std::size_t bytes = copying.gathered_bytes;
  const std::size_t on_way = shared_->table_bytes_on_way;
  if (on_way > 0 && on_way + bytes > limits::commit_bytes_max) {
    copying.fetch_at = now.monotonic + limits::replica_retry_min;
    return;
  }
  const PositionVersion version = *std::exchange(copying.gathered_to, std::nullopt);
  copying.gathering = false;
  ResetPositions reset;
  for (auto& [reader, position] : copying.gathered) reset.positions.push_back(std::move(position));
  copying.gathered.clear();
  const Ticket ticket = shared_->last_ticket + 1;
  log_.positions.replace(reset.positions, version, ticket);
  Pending& entry = persist(std::move(reset), bytes, out);
  PINION_ASSERT(entry.ticket == ticket);
  entry.op = PendingCopiedPositions{copying.epoch, version};
  if (log_.is_silent) return;  // Nobody knows for how long: others do not wait for it.
  entry.table_bytes = bytes;
  shared_->table_bytes_on_way += bytes;
}

/// What its leader says is committed, as far as it is durable here.
void Replica::follow_high_watermark(const Now& now, Effects& out) {
  Copying* copying = this->copying();
  if (copying == nullptr || !copying->agreed) return;
  log_.positions.commit(log_.positions.version());
  const Offset known = std::min(copying->leader_high_watermark, log_.durable_end);
  if (known > log_.high_watermark) {
    log_.high_watermark = known;
    changed();
    answer_waiting_fetches(now, out);
  }
  if (auto* catching_up = std::get_if<CatchingUp>(&role_)) {
    if (log_.durable_end < copying->leader_high_watermark || catching_up->cutting) return;
    Following following;
    following.copying = std::move(catching_up->copying);
    take_role(std::move(following));
    event(
        out, EventKind::partition_following, Severity::info,
        assignment_.topic_name + " has everything up to " + std::to_string(log_.durable_end.raw()));
    copying = this->copying();
  }
  // Retention is the leader's to decide.
  const Offset start = copying->leader_log_start;
  const bool dropping = std::any_of(
      log_.pending.begin(), log_.pending.end(),
      [](const Pending& pending) { return std::holds_alternative<PendingDrop>(pending.op); });
  if (start > log_.log_start && start <= log_.high_watermark && !dropping &&
      has_room_to_persist(limits::batch_cost_bytes)) {
    persist(DropBefore{start}, limits::batch_cost_bytes, out).op = PendingDrop{start};
  }
}

// ---- Where the logs part

void Replica::cut(const ReplicaFetchReply& reply, Effects& out) {
  // The end of the largest epoch at or below the leader's here, or the leader's, whichever is less.
  Offset end = log_.log_end;
  if (reply.diverging_epoch != epoch_unknown) {
    end = log_.epochs.empty() ? log_.log_start : log_.epochs.front().start;
    for (std::size_t i = 0; i < log_.epochs.size(); ++i) {
      if (log_.epochs[i].epoch > reply.diverging_epoch) break;
      end = i + 1 < log_.epochs.size() ? log_.epochs[i + 1].start : log_.log_end;
    }
  }
  end = std::min(end, reply.diverging_end);
  // Where it starts when what is on its way to the disk is there.
  Offset start = log_.log_start;
  for (const Pending& pending : log_.pending) {
    const auto* drop = std::get_if<PendingDrop>(&pending.op);
    if (drop != nullptr) start = std::max(start, drop->start);
  }
  const bool may_lose = assignment_.config.unclean_elections && end >= start;
  if (end < log_.high_watermark && !may_lose) {
    become_halted("its leader ends epoch " + std::to_string(reply.diverging_epoch.raw()) + " at " +
                      std::to_string(reply.diverging_end.raw()) + ", and everything below " +
                      std::to_string(log_.high_watermark.raw()) +
                      " was committed here: the leader has lost records that this file still holds",
                  out, CloseHow::clean);
    return;
  }
  // Where the leader's log starts may be within a batch here; and what is below is gone there. So
  // nothing is kept, and the next fetch is told where to begin again.
  if (end <= reply.log_start) end = std::min(end, start);
  event(out, EventKind::log_cut, Severity::warn,
        "from " + std::to_string(log_.log_end.raw()) + " to " + std::to_string(end.raw()) +
            ": its leader does not have the rest");
  auto* catching_up = std::get_if<CatchingUp>(&role_);
  if (catching_up == nullptr) {
    CatchingUp again;
    again.copying = std::move(std::get<Following>(role_).copying);
    stop_serving_fetches(leader_changed(), out);
    take_role(std::move(again));
    catching_up = &std::get<CatchingUp>(role_);
  }
  catching_up->cutting = true;
  persist(Truncate{end}, limits::batch_cost_bytes, out).op = PendingCut{end};
}

/// All that is here was removed by retention there.
void Replica::begin_again(const Now& now, ReplicaFetchReply& reply, Effects& out) {
  const Offset start = reply.begin_at;
  if (start < log_.log_end) {
    // Cannot be: the leader answers so only when this log ends before its own begins.
    event(out, EventKind::unexpected, Severity::warn, "told to begin again in the middle");
    return retry_later(now, "the leader answered what cannot be", out);
  }
  event(out, EventKind::log_begun_again, Severity::warn,
        "at " + std::to_string(start.raw()) + ", where the leader's log starts; " +
            std::to_string(log_.log_end.raw()) + " was the end here");
  auto* catching_up = std::get_if<CatchingUp>(&role_);
  if (catching_up == nullptr) {
    CatchingUp again;
    again.copying = std::move(std::get<Following>(role_).copying);
    stop_serving_fetches(leader_changed(), out);
    take_role(std::move(again));
    catching_up = &std::get<CatchingUp>(role_);
  }
  catching_up->cutting = true;
  BeginAt begin{start, {}};
  for (const ProducerRow& row : reply.producers) begin.producers.push_back(producer_of(row));
  const std::size_t bytes = limits::batch_cost_bytes * (1 + begin.producers.size());
  persist(std::move(begin), bytes, out).op = PendingBegin{start};
}

/// The disk took back what was copied. What is durable is still a prefix of the leader's log.
void Replica::fail_copying(const Now& now, const Error& why, Effects& out) {
  Copying& copying = *this->copying();
  copying.position_version = PositionVersion{-1};
  copying.durable_position_version = PositionVersion{-1};
  copying.gathering = false;
  copying.gathered_to.reset();
  copying.gathered.clear();
  retry_later(now, why.to_string(), out);
  copying.fetch_at = now.monotonic + limits::storage_probe_every;
}

}  // namespace pinion::partition
