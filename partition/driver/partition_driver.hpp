// PartitionDriver: runs a Node. Its I/O thread owns the transport and steps the core; store threads
// write and maintain the files, reader threads read them. Bounded queues lie between, and nothing
// blocks the I/O thread. It decides nothing but when the data socket is reset
// (common/obs/memory_fuse.hpp).
//
//   broker -> transport -> I/O thread: decode, step -> store thread of the file: group commit
//                              ^                                     |
//                              +------- results, one wake -----------+ -> step -> answers -> broker
//
// start() and stop() belong to one thread (the server's); the rest is inside.
#pragma once

#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/ports/record_store.hpp"
#include "common/ports/transport.hpp"
#include "partition/core/node.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace pinion::partition {

struct PartitionDriverOptions {
  NodeOptions node;                  ///< Its life and membership are asked of the store.
  Restored restored = Restored::no;  ///< How its life begins; see RecordStore::begin_life().
  std::size_t store_threads = limits::store_threads_default;
  std::size_t reader_threads = limits::reader_threads_default;
  /// The process's memory at which the data socket is closed and bound again.
  std::uint64_t memory_fuse_bytes = 448 * limits::mib;
  /// Files open now, for the node's load; may be empty. Called by the I/O thread.
  std::function<std::size_t()> open_files;
};

class PartitionDriver {
 public:
  /// Begins a life of the store and starts the threads. `transport` has two links: 0, a DEALER to
  /// the leader broker, and 1, the ROUTER where other nodes fetch. It is used by the I/O thread
  /// alone from now on. `store` outlives the driver.
  [[nodiscard]] static Result<std::unique_ptr<PartitionDriver>> start(
      PartitionDriverOptions options, RecordStore& store, std::unique_ptr<Transport> transport);

  ~PartitionDriver();  ///< Stops; see stop().
  PartitionDriver(const PartitionDriver&) = delete;
  PartitionDriver& operator=(const PartitionDriver&) = delete;

  /// Finishes commits in flight, answers, says goodbye, closes the files clean, ends the threads.
  void stop();

  /// Any thread.
  [[nodiscard]] bool registered() const noexcept;

 private:
  class Inside;
  explicit PartitionDriver(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion::partition
