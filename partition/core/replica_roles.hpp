// The roles of a replica and what belongs to one role alone: it ends with the role.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"
#include "partition/core/node_shared.hpp"
#include "partition/core/replica_log.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pinion::partition {

/// A fetch that waits for the high watermark to pass its offset.
struct WaitingFetch {
  Asker asker;
  Offset offset;
  std::size_t bytes_max = 0;
};

/// One reader's changes take turns while one of its dequeues waits for the disk.
struct ReaderLane {
  std::deque<Request> waiting;
};

struct Opening {
  Micros retry_at = never;  ///< After an attempt that may succeed later; else one is under way.
  std::string why;          ///< The last attempt failed.
};

struct Leading {
  Epoch epoch{0};
  bool epoch_started = false;  ///< Its StartEpoch was emitted. Done with the epoch's first batch.
  std::map<std::pair<Micros, std::uint64_t>, WaitingFetch> fetches;  ///< By deadline.
  std::uint64_t fetches_taken = 0;
  std::map<std::string, ReaderLane, std::less<>> lanes;

  /// The store said storage_full: writes are refused, but for one at each probe_at, until one
  /// succeeds.
  bool full = false;
  std::string full_why;
  Micros probe_at{0};
  Micros probe_every{0};

  Micros retention_at = never;
  bool retention_running = false;  ///< Being looked up, or on its way to the disk.
  Micros expire_at = never;        ///< When producers are looked through for old ones.
};

struct Closing {
  Errc why = Errc::not_leader;
};

struct Halted {
  std::string why;
};

using Role = std::variant<Opening, Leading, Closing, Halted>;

/// Why something was read.
struct FetchJob {
  Offset offset;
  std::size_t bytes_max = 0;
};
struct ListOffsetJob {};
struct DequeueJob {
  std::string reader;
  std::string token;
  PartitionIndex send_on{-1};
  Offset offset{0};
  bool repeat = false;  ///< Of a dequeue that was carried out already: nothing moves.
};
struct QueryJob {};
struct RetentionJob {};

struct ReadJob {
  std::optional<Asker> asker;  ///< Nobody waits for retention.
  Micros deadline = never;
  std::size_t bytes = 0;  ///< What it counts for at the gate.
  std::variant<FetchJob, ListOffsetJob, DequeueJob, QueryJob, RetentionJob> why;
  std::variant<ReadRecords, FindTime, FindRetention, RunQuery> op;
};

/// Counters since the node's start, and rates over the last seconds.
struct Traffic {
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;

  struct Sample {
    Micros at{0};
    std::uint64_t records_in = 0;
    std::uint64_t records_out = 0;
  };
  std::array<Sample, 4> samples{};
  std::size_t next_sample = 0;
  Micros measure_at{0};
  std::uint32_t in_per_s = 0;
  std::uint32_t out_per_s = 0;
};

}  // namespace pinion::partition
