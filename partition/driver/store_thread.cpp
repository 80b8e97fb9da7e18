#include "partition/driver/store_thread.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "common/obs/log.hpp"
#include "partition/driver/driver_clock.hpp"

#include <algorithm>

namespace pinion::partition {

namespace {

/// Files at rest are looked after together, at these points in time.
constexpr Micros round_long = 10s;
constexpr Micros round_short = 1s;
constexpr Micros sizes_every = 1s;
/// Between two looks at the queue, so that a commit never waits for long behind upkeep.
constexpr std::size_t maintained_at_once = 8;

Micros rounded_up(Micros at, Micros step) noexcept {
  return Micros((at.count() + step.count() - 1) / step.count() * step.count());
}

bool same(const LogSizes& a, const LogSizes& b) noexcept {
  return a.file_bytes == b.file_bytes && a.wal_bytes == b.wal_bytes &&
         a.payload_bytes == b.payload_bytes && a.warning == b.warning;
}

}  // namespace

void StoreThread::start() {
  thread_ = std::thread([this] { run(); });
}

void StoreThread::push(StoreWork work) {
  const Pushed pushed = queue_.try_push(std::move(work));
  PINION_ASSERT(pushed == Pushed::first || pushed == Pushed::more);
}

void StoreThread::stop() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void StoreThread::run() {
  for (;;) {
    inbox_.clear();
    if (ready_.empty()) {
      queue_.wait_and_take(inbox_, SIZE_MAX, sleep_time(read_monotonic()));
    } else {
      queue_.take_all(inbox_);
    }
    for (StoreWork& work : inbox_) enqueue(std::move(work));
    if (!ready_.empty()) {
      const PartitionKey key = ready_.front();
      ready_.pop_front();
      work_on(key);
      continue;
    }
    if (inbox_.empty() && queue_.closed() && queue_.size() == 0) return;
    maintain_due(read_clocks());
  }
}

void StoreThread::enqueue(StoreWork work) {
  if (const auto* effect = std::get_if<NodeStoreEffect>(&work)) {
    carry_out(*effect);
    return;
  }
  if (std::holds_alternative<MeasureDisk>(work)) {
    results_->push(DiskChanged{store_->disk_space()});
    return;
  }
  auto& effect = std::get<StoreEffect>(work);
  Log& log = logs_[effect.key];
  if (!log.ready) {
    log.ready = true;
    ready_.push_back(effect.key);
  }
  log.waiting.push_back(std::move(effect));
}

/// One piece of a file's work: then it is the next file's turn.
void StoreThread::work_on(PartitionKey key) {
  const auto at = logs_.find(key);
  PINION_ASSERT(at != logs_.end() && !at->second.waiting.empty());
  Log& log = at->second;
  if (std::holds_alternative<PersistLog>(log.waiting.front().op)) {
    commit(key, log);
  } else {
    const StoreEffect effect = std::move(log.waiting.front());
    log.waiting.pop_front();
    if (const auto* op = std::get_if<OpenLog>(&effect.op)) open(key, log, *op);
    if (const auto* op = std::get_if<ResumeLog>(&effect.op)) resume(key, log, *op);
    if (const auto* op = std::get_if<CloseLog>(&effect.op)) close(key, log, *op);
  }
  log.ready = !log.waiting.empty();
  if (log.ready) {
    ready_.push_back(key);
  } else if (!log.log) {
    schedule(key, log, never);
    logs_.erase(at);
  }
}

void StoreThread::open(PartitionKey key, Log& log, const OpenLog& op) {
  PINION_ASSERT(!log.log);
  Result<OpenedLog> opened = store_->open(op.identity, op.if_missing);
  if (!opened) {
    results_->push(OpenFailed{key, op.ticket, std::move(opened).error()});
    return;
  }
  log.log = std::move(opened->log);
  log.failing = false;
  results_->push(Opened{key, op.ticket, std::move(opened->recovered), std::move(opened->file)});
  schedule(key, log, rounded_up(read_monotonic(), round_short));
}

void StoreThread::commit(PartitionKey key, Log& log) {
  group_.clear();
  std::size_t bytes = 0;
  while (!log.waiting.empty() && group_.size() < limits::commit_tickets_max) {
    auto* persist = std::get_if<PersistLog>(&log.waiting.front().op);
    if (persist == nullptr) break;
    if (!group_.empty() && bytes + persist->bytes > limits::commit_bytes_max) break;
    bytes += persist->bytes;
    group_.push_back(std::move(persist->persist));
    log.waiting.pop_front();
  }
  if (log.failing) return group_.clear();  // The core has been told, and expects it.
  PINION_ASSERT(log.log);
  const Micros begun = read_monotonic();
  const Result<void> done = log.log->apply(group_);
  const Now ended = read_clocks();
  if (!done) {
    log.failing = true;
    results_->push(PersistFailed{key, group_.front().ticket, done.error()});
    return group_.clear();
  }
  times_.add(ended.monotonic - begun);
  results_->push(Persisted{key, group_.back().ticket});
  group_.clear();  // Lets go of the payloads.
  maintain(key, log, ended);
}

void StoreThread::resume(PartitionKey key, Log& log, const ResumeLog& op) {
  if (!log.log) return;
  PINION_ASSERT(log.log->log_end() == op.log_end);
  log.failing = false;
  schedule(key, log, rounded_up(read_monotonic(), round_short));  // Upkeep rested meanwhile.
}

void StoreThread::close(PartitionKey key, Log& log, const CloseLog& op) {
  if (log.log && op.how == CloseHow::clean) {
    const Result<void> closed = log.log->close();
    if (!closed) {
      log_error("partition file not closed clean",
                {{"topic_id", key.topic},
                 {"partition", key.partition},
                 {"error", std::string_view(closed.error().detail)}});
    }
  }
  log.log.reset();
  results_->push(Closed{key, op.ticket});
}

void StoreThread::carry_out(const NodeStoreEffect& effect) {
  if (const auto* remove = std::get_if<RemoveTopic>(&effect)) {
    results_->push(
        TopicRemoved{remove->topic, remove->ticket, store_->remove_topic(remove->topic)});
  } else if (const auto* drop = std::get_if<RemoveReplica>(&effect)) {
    results_->push(ReplicaRemoved{drop->key, drop->ticket, store_->remove_replica(drop->key)});
  } else if (const auto* save = std::get_if<SaveMembership>(&effect)) {
    results_->push(MembershipSaved{save->ticket, store_->set_membership(save->membership)});
  }
}

void StoreThread::maintain(PartitionKey key, Log& log, const Now& now) {
  if (log.failing) return schedule(key, log, never);
  const Result<Micros> next = log.log->maintain(now);
  if (!next && next.error().code != Errc::storage_full) {
    log.failing = true;
    schedule(key, log, never);
    results_->push(LogFailed{key, next.error()});
    return;
  }
  // A full disk is told by the next commit; upkeep tries again.
  const Micros wait = next ? *next : round_short;
  Micros at = now.monotonic + wait;
  if (wait >= round_long) {
    at = rounded_up(at, round_long);
  } else if (wait >= round_short) {
    at = rounded_up(at, round_short);
  }
  schedule(key, log, at);
  tell_sizes(key, log, now.monotonic);
}

void StoreThread::maintain_due(const Now& now) {
  for (std::size_t i = 0; i < maintained_at_once; ++i) {
    if (maintain_.empty() || maintain_.begin()->first > now.monotonic) return;
    const PartitionKey key = maintain_.begin()->second;
    maintain(key, logs_.at(key), now);
  }
}

void StoreThread::schedule(PartitionKey key, Log& log, Micros at) {
  if (at == log.maintain_at) return;
  if (log.maintain_at != never) maintain_.erase({log.maintain_at, key});
  if (at != never) maintain_.emplace(at, key);
  log.maintain_at = at;
}

void StoreThread::tell_sizes(PartitionKey key, Log& log, Micros now) {
  if (now < log.sizes_at) return;
  log.sizes_at = now + sizes_every;
  LogSizes sizes = log.log->sizes();
  if (same(sizes, log.sizes)) return;
  log.sizes = sizes;
  results_->push(SizesMeasured{key, std::move(sizes)});
}

Micros StoreThread::sleep_time(Micros now) const {
  if (maintain_.empty()) return 1h;
  return std::clamp(maintain_.begin()->first - now, Micros{0}, Micros{1h});
}

}  // namespace pinion::partition
