// What a simulated partition broker's store threads and reader threads do.
#include "tests/sim/node_process.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <utility>

namespace pinion::sim {

using partition::Input;

namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

Micros NodeProcess::commit_latency() {
  const DiskOptions& disk = world_.options.disk;
  Micros latency(prng_.between(disk.commit_min.count(), disk.commit_max.count()));
  if (disk.stall_per_10k > 0 && prng_.chance(disk.stall_per_10k, 10'000)) {
    world_.counters.count("disk: stall");
    latency += Micros(prng_.between(0, disk.stall_max.count()));
  }
  return latency + extra_latency_;
}

void NodeProcess::begin_store_effect(partition::StoreEffect effect) {
  const PartitionKey key = effect.key;
  logs_[key].waiting.push_back(std::move(effect));
  work(key);
}

void NodeProcess::work(PartitionKey key) {
  Log& log = logs_[key];
  while (!log.busy && !log.waiting.empty()) {
    auto& op = log.waiting.front().op;
    if (std::holds_alternative<partition::PersistLog>(op)) {
      if (log.failing) {
        log.waiting.pop_front();  // Without another word, until ResumeLog.
        continue;
      }
      commit(key);
      return;
    }
    const partition::StoreEffect effect = std::move(log.waiting.front());
    log.waiting.pop_front();
    std::visit(Overloaded{[&](const partition::OpenLog& open_log) { open(key, open_log); },
                          [&](const partition::CloseLog& close_log) { close(key, close_log); },
                          [&](const partition::ResumeLog& resume) {
                            PINION_ASSERT(log.failing);
                            PINION_ASSERT(!log.broken);
                            PINION_ASSERT(log.log->log_end() == resume.log_end);
                            log.failing = false;
                          },
                          [](const partition::PersistLog&) { PINION_ASSERT(false); }},
               effect.op);
  }
}

void NodeProcess::open(PartitionKey key, const partition::OpenLog& op) {
  logs_[key].busy = true;
  plan_outside(commit_latency(), [this, key, op] {
    Log& log = logs_[key];
    log.busy = false;
    PINION_ASSERT(log.log == nullptr);
    disk_->note_file(op.identity);
    Result<OpenedLog> opened = store_->open(op.identity, op.if_missing);
    if (!opened) {
      world_.counters.count("disk: open failed " + std::string(name_of(opened.error().code)));
      tell_in_order(key, partition::OpenFailed{key, op.ticket, opened.error()});
      work(key);
      return;
    }
    log.log = std::move(opened->log);
    log.failing = false;
    log.broken = false;
    Result<std::unique_ptr<PartitionReader>> reader = store_->open_reader(op.identity);
    PINION_ASSERT(reader.has_value());
    log.reader = *std::move(reader);
    tell_in_order(key,
                  partition::Opened{key, op.ticket, std::move(opened->recovered), opened->file});
    work(key);
  });
}

/// Group commit: whatever waits, up to a limit, in one transaction.
void NodeProcess::commit(PartitionKey key) {
  Log& log = logs_[key];
  PINION_ASSERT(log.committing.empty());
  std::size_t bytes = 0;
  const auto count_max = static_cast<std::size_t>(
      prng_.chance(1, 4) ? prng_.between(1, 4) : std::int64_t{limits::commit_tickets_max});
  while (!log.waiting.empty() && log.committing.size() < count_max) {
    auto* persist = std::get_if<partition::PersistLog>(&log.waiting.front().op);
    if (persist == nullptr) break;
    if (!log.committing.empty() && bytes + persist->bytes > limits::commit_bytes_max) break;
    bytes += persist->bytes;
    log.committing.push_back(std::move(persist->persist));
    log.waiting.pop_front();
  }
  log.busy = true;
  plan_outside(commit_latency(), [this, key] {
    if (hold_syncs_) {
      logs_[key].commit_held = true;
      return;
    }
    finish_commit(key);
  });
}

void NodeProcess::release_syncs() {
  hold_syncs_ = false;
  for (auto& [key, log] : logs_) {
    if (std::exchange(log.commit_held, false)) finish_commit(key);
  }
}

void NodeProcess::finish_commit(PartitionKey key) {
  Log& log = logs_[key];
  const std::vector<Persist> group = std::exchange(log.committing, {});
  const Result<void> done = log.log->apply(group);
  log.busy = false;
  if (done && world_.inspector.enabled()) inspect_cuts(key, group);
  world_.trace.full(name().c_str(), "commits %zu tickets of %lld/%d: %s", group.size(),
                    static_cast<long long>(key.topic.raw()), key.partition.raw(),
                    done ? "ok" : name_of(done.error().code).data());
  if (done) {
    world_.inspector.on_commit(key, group);
    tell_in_order(key, partition::Persisted{key, group.back().ticket});
  } else {
    world_.counters.count("disk: commit failed " + std::string(name_of(done.error().code)));
    log.failing = true;
    log.broken = done.error().code != Errc::storage_full;
    tell_in_order(key, partition::PersistFailed{key, group.front().ticket, done.error()});
  }
  work(key);
}

void NodeProcess::inspect_cuts(PartitionKey key, const std::vector<Persist>& group) {
  for (const Persist& persist : group) {
    const auto* cut = std::get_if<Truncate>(&persist.op);
    if (cut != nullptr && !disk_->is_spoiled() && !world_.checker.loss_allowed()) {
      world_.log_hashes.on_cut(id_, key, cut->end);
    }
    if (const auto* drop = std::get_if<DropBefore>(&persist.op)) {
      world_.log_hashes.on_dropped(key, drop->start);
    }
  }
}

void NodeProcess::close(PartitionKey key, const partition::CloseLog& op) {
  logs_[key].busy = true;
  plan_outside(commit_latency(), [this, key, op] {
    Log& log = logs_[key];
    log.busy = false;
    log.reader.reset();
    if (log.log && !log.broken && op.how == partition::CloseHow::clean) {
      if (!log.log->close()) world_.counters.count("disk: close failed");
    }
    log.log.reset();
    log.failing = false;
    log.broken = false;
    tell_in_order(key, partition::Closed{key, op.ticket});
    work(key);
  });
}

void NodeProcess::maintain() {
  for (auto& [key, log] : logs_) {
    if (!log.log || log.busy || log.broken || log.failing) continue;
    const Result<Micros> next = log.log->maintain(now());
    if (next) continue;
    world_.counters.count("disk: maintain failed " + std::string(name_of(next.error().code)));
    if (next.error().code == Errc::storage_full) continue;
    log.failing = true;
    log.broken = true;
    tell_in_order(key, partition::LogFailed{key, next.error()});
  }
}

void NodeProcess::begin_node_store_effect(partition::NodeStoreEffect effect) {
  plan_outside(commit_latency(), [this, effect = std::move(effect)] {
    if (const auto* remove = std::get_if<partition::RemoveTopic>(&effect)) {
      tell(partition::TopicRemoved{remove->topic, remove->ticket,
                                   store_->remove_topic(remove->topic)});
    } else if (const auto* drop = std::get_if<partition::RemoveReplica>(&effect)) {
      tell(partition::ReplicaRemoved{drop->key, drop->ticket, store_->remove_replica(drop->key)});
    } else {
      const auto& save = std::get<partition::SaveMembership>(effect);
      tell(partition::MembershipSaved{save.ticket, store_->set_membership(save.membership)});
    }
  });
}

void NodeProcess::begin_read(partition::ReadEffect effect) {
  const Micros latency(prng_.between(20, world_.options.disk.read_max.count()));
  plan_outside(latency, [this, effect = std::move(effect)] { tell(carry_out_read(effect)); });
}

Input NodeProcess::carry_out_read(const partition::ReadEffect& effect) {
  const PartitionKey key = effect.key;
  const Ticket ticket = effect.ticket;
  const auto log = logs_.find(key);
  // A log is closed only when its reads have ended.
  PINION_ASSERT(log != logs_.end());
  PINION_ASSERT(log->second.reader != nullptr);
  PartitionReader& reader = *log->second.reader;
  return std::visit(
      Overloaded{
          [&](const partition::ReadRecords& op) -> Input {
            return partition::RecordsRead{key, ticket, reader.read(op.from, op.end, op.bytes_max)};
          },
          [&](const partition::FindTime& op) -> Input {
            return partition::TimeFound{key, ticket, reader.find_time(op.time, op.end)};
          },
          [&](const partition::FindRetention& op) -> Input {
            return partition::RetentionFound{
                key, ticket, reader.find_retention(op.before, op.bytes_kept, op.end)};
          },
          [&](const partition::RunQuery& op) -> Input {
            const QueryBounds bounds{op.end, op.rows_max, limits::query_time_max, {}};
            return partition::Queried{key, ticket, reader.query(op.sql, bounds)};
          }},
      effect.op);
}

}  // namespace pinion::sim
