// PartitionServer: one whole partition broker in this process, made of the core, the driver and the
// real adapters (ZeroMQ and SQLite). `pinion-partition` runs one, `pinion up` several.
//
// start() returns when the node's own threads run; it registers with the leader broker by itself,
// whenever that one is there. Any thread may call; none of the calls may race with one another.
#pragma once

#include "common/base/result.hpp"
#include "common/config/partition_config.hpp"
#include "common/base/restored.hpp"

#include <memory>
#include <string>

namespace pinion {

class PartitionServer {
 public:
  /// `config_invalid` for an impossible config, `wrong_cluster` or `file_corrupt` when the data
  /// folder is another's or damaged, `io_failed` when it cannot be used or too few descriptors are
  /// to be had; the detail says what to do. `restored`: the folder was put back from a backup; see
  /// RecordStore::begin_life().
  [[nodiscard]] static Result<std::unique_ptr<PartitionServer>> start(
      const PartitionConfig& config, Restored restored = Restored::no);

  /// Stops; see stop().
  ~PartitionServer();
  PartitionServer(const PartitionServer&) = delete;
  PartitionServer& operator=(const PartitionServer&) = delete;

  /// Finishes the commits in flight, answers them, says goodbye and closes every file clean; within
  /// seconds. Harmless when called again.
  void stop();

  /// Has registered with the leader broker and heard from it lately.
  [[nodiscard]] bool registered() const noexcept;

 private:
  struct Inside;
  explicit PartitionServer(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

}  // namespace pinion
