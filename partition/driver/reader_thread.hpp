// ReaderThread: reads some of a node's partition files for fetches; or runs the queries, which have
// a thread of their own so that a slow statement never delays a fetch. A query that nobody waits
// for any longer is not begun, and ended when it runs.
//
// What has been read and is still on its way to a client (in queues, or in a socket) is bounded by
// ReadBudget: past it the thread reads nothing more until some of it has left.
#pragma once

#include "common/base/bounded_queue.hpp"
#include "common/ports/record_store.hpp"
#include "partition/core/node_io.hpp"
#include "partition/driver/result_queue.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <variant>
#include <vector>

namespace pinion::partition {

/// Counts the bytes of payloads that are alive. Shared by the payloads, which may outlive the
/// driver inside libzmq.
class ReadBudget : public std::enable_shared_from_this<ReadBudget> {
 public:
  explicit ReadBudget(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  /// Returns when less than the bound is alive, or after close().
  void wait_for_room() noexcept;
  void close() noexcept;
  /// The same bytes; counted until the last reference to them is dropped, on any thread.
  [[nodiscard]] Bytes count(Bytes payload);
  [[nodiscard]] std::size_t alive() const noexcept { return alive_.load(); }

 private:
  void release(std::size_t bytes) noexcept;

  const std::size_t bytes_max_;
  std::atomic<std::size_t> alive_{0};
  std::atomic<bool> closed_{false};
};

/// Set by the I/O thread when nobody waits for a query any more; shared with whoever runs it.
using GivenUp = std::atomic<bool>;

struct ReadWork {
  ReadEffect effect;
  std::shared_ptr<const LogIdentity> identity;
  std::shared_ptr<const GivenUp> given_up;  ///< Of queries only.
};
/// The log is about to be closed; nothing reads it any more.
struct ForgetReader {
  PartitionKey key;
};

class ReaderThread {
 public:
  /// All outlive the thread.
  ReaderThread(RecordStore& store, ResultQueue& results, ReadBudget& budget) noexcept
      : store_(&store), results_(&results), budget_(&budget) {}
  ~ReaderThread() { stop(); }
  ReaderThread(const ReaderThread&) = delete;
  ReaderThread& operator=(const ReaderThread&) = delete;

  void start();
  /// From the I/O thread; never waits.
  void push(std::variant<ReadWork, ForgetReader> work);
  void stop();

 private:
  struct Held {
    std::unique_ptr<PartitionReader> reader;
    std::uint64_t used = 0;
  };

  void run();
  void carry_out(ReadWork& work);
  void answer(ReadWork& work, PartitionReader& reader);
  [[nodiscard]] Result<QueryReply> run_query(const ReadWork& work, PartitionReader& reader);
  void refuse(const ReadWork& work, const Error& why);
  [[nodiscard]] Result<PartitionReader*> reader_of(const ReadWork& work);

  RecordStore* store_;
  ResultQueue* results_;
  ReadBudget* budget_;
  BoundedQueue<std::variant<ReadWork, ForgetReader>> queue_{
      2 * limits::partitions_max + limits::reads_inflight_max + limits::queries_inflight_max, 0};
  std::map<PartitionKey, Held> readers_;
  std::uint64_t uses_ = 0;
  std::thread thread_;
};

}  // namespace pinion::partition
