// StoreThread: the writer of some of a node's partition files, with group commit.
//
// Whatever waits for a file goes into one transaction, up to commit_bytes_max, and is answered by
// one result; it never waits for more to come. So a lone record pays one fsync and two thread
// hand-overs, and under load the groups grow by themselves. Files with work take turns.
//
// After a failed commit every later persist of that file is dropped until its ResumeLog; the core
// knows. Between commits a file is maintained (checkpoints, idle closing), and files at rest share
// their wake-ups: at most one a second and thread, however many they are.
#pragma once

#include "common/base/bounded_queue.hpp"
#include "common/ports/record_store.hpp"
#include "partition/core/node_io.hpp"
#include "partition/driver/commit_times.hpp"
#include "partition/driver/result_queue.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace pinion::partition {

/// Answered by DiskChanged. Asking the file system may take as long as a write.
struct MeasureDisk {};
using StoreWork = std::variant<StoreEffect, NodeStoreEffect, MeasureDisk>;

class StoreThread {
 public:
  /// Both outlive the thread.
  StoreThread(RecordStore& store, ResultQueue& results) noexcept
      : store_(&store), results_(&results) {}
  ~StoreThread() { stop(); }
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;

  void start();
  /// From the I/O thread. Never waits: the core keeps what is on its way within the queue.
  void push(StoreWork work);
  /// Does what has been pushed, then ends. Logs that are still open are left as by a crash.
  void stop();

  [[nodiscard]] const CommitTimes& times() const noexcept { return times_; }

 private:
  struct Log {
    std::unique_ptr<PartitionLog> log;
    std::deque<StoreEffect> waiting;
    bool ready = false;    ///< Is in ready_.
    bool failing = false;  ///< Persists are dropped, until Resume or for good.
    Micros maintain_at = never;
    Micros sizes_at{0};
    LogSizes sizes;
  };

  void run();
  void enqueue(StoreWork work);
  void work_on(PartitionKey key);
  void open(PartitionKey key, Log& log, const OpenLog& op);
  void commit(PartitionKey key, Log& log);
  void resume(PartitionKey key, Log& log, const ResumeLog& op);
  void close(PartitionKey key, Log& log, const CloseLog& op);
  void carry_out(const NodeStoreEffect& effect);
  void maintain(PartitionKey key, Log& log, const Now& now);
  void maintain_due(const Now& now);
  void schedule(PartitionKey key, Log& log, Micros at);
  void tell_sizes(PartitionKey key, Log& log, Micros now);
  [[nodiscard]] Micros sleep_time(Micros now) const;

  RecordStore* store_;
  ResultQueue* results_;
  BoundedQueue<StoreWork> queue_{
      2 * limits::partitions_max + 2 * limits::pending_tickets_per_node_max, 0};
  std::map<PartitionKey, Log> logs_;
  std::deque<PartitionKey> ready_;
  std::set<std::pair<Micros, PartitionKey>> maintain_;
  std::vector<StoreWork> inbox_;
  std::vector<Persist> group_;
  CommitTimes times_;
  std::thread thread_;
};

}  // namespace pinion::partition
