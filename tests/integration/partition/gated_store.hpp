// GatedStore: a record store whose commits and queries wait at a gate that the test opens, and
// which remembers how many tickets each commit had. For tests of what happens meanwhile.
#pragma once

#include "tests/support/memory_record_store.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace pinion::test {

class Gate {
 public:
  void close() { set(false); }
  void open() { set(true); }
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void await_arrivals(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }

 private:
  void set(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int arrived_ = 0;
};

struct Gates {
  Gate commits;
  Gate queries;
  std::atomic<int> queries_begun{0};
  std::atomic<int> queries_cancelled{0};  ///< When they were let through.
  std::mutex mutex;
  std::vector<std::size_t> groups;  ///< Appends of each commit that had any.
  std::vector<std::size_t> appends_of_commits() {
    const std::lock_guard lock(mutex);
    return groups;
  }
};

class GatedLog final : public PartitionLog {
 public:
  GatedLog(std::unique_ptr<PartitionLog> inner, Gates& gates)
      : inner_(std::move(inner)), gates_(&gates) {}
  Result<void> apply(std::span<const Persist> group) override {
    std::size_t appends = 0;
    for (const Persist& persist : group) {
      appends += std::holds_alternative<AppendBatch>(persist.op) ? 1U : 0U;
    }
    if (appends > 0) {
      {
        const std::lock_guard lock(gates_->mutex);
        gates_->groups.push_back(appends);
      }
      gates_->commits.pass();
    }
    return inner_->apply(group);
  }
  Result<Micros> maintain(const Now& now) override { return inner_->maintain(now); }
  LogSizes sizes() const override { return inner_->sizes(); }
  Offset log_end() const override { return inner_->log_end(); }
  Result<void> close() override { return inner_->close(); }

 private:
  std::unique_ptr<PartitionLog> inner_;
  Gates* gates_;
};

class GatedReader final : public PartitionReader {
 public:
  GatedReader(std::unique_ptr<PartitionReader> inner, Gates& gates)
      : inner_(std::move(inner)), gates_(&gates) {}
  Result<std::vector<Batch>> read(Offset from, Offset end, std::size_t bytes_max) override {
    return inner_->read(from, end, bytes_max);
  }
  Result<Offset> find_time(Micros time, Offset end) override {
    return inner_->find_time(time, end);
  }
  Result<Offset> find_retention(Micros before, std::int64_t bytes_kept, Offset end) override {
    return inner_->find_retention(before, bytes_kept, end);
  }
  Result<QueryReply> query(const std::string&, const QueryBounds& bounds) override {
    ++gates_->queries_begun;
    gates_->queries.pass();
    if (bounds.cancelled()) ++gates_->queries_cancelled;
    return QueryReply{};
  }

 private:
  std::unique_ptr<PartitionReader> inner_;
  Gates* gates_;
};

class GatedStore final : public RecordStore {
 public:
  GatedStore(std::shared_ptr<MemoryDisk> disk, Gates& gates)
      : inner_(std::move(disk)), gates_(&gates) {}
  Result<OpenedLog> open(const LogIdentity& identity, IfMissing if_missing) override {
    auto opened = inner_.open(identity, if_missing);
    if (opened) opened->log = std::make_unique<GatedLog>(std::move(opened->log), *gates_);
    return opened;
  }
  Result<std::unique_ptr<PartitionReader>> open_reader(const LogIdentity& identity) override {
    auto reader = inner_.open_reader(identity);
    if (!reader) return reader;
    return std::unique_ptr<PartitionReader>(
        std::make_unique<GatedReader>(std::move(*reader), *gates_));
  }
  Result<void> remove_topic(TopicId topic) override { return inner_.remove_topic(topic); }
  Result<void> remove_replica(PartitionKey key) override { return inner_.remove_replica(key); }
  DiskSpace disk_space() const override { return inner_.disk_space(); }
  Result<Life> begin_life(Restored restored) override { return inner_.begin_life(restored); }
  Result<Membership> membership() const override { return inner_.membership(); }
  Result<void> set_membership(const Membership& membership) override {
    return inner_.set_membership(membership);
  }

 private:
  MemoryRecordStore inner_;
  Gates* gates_;
};

}  // namespace pinion::test
