// Do replicas agree? A running hash over the headers of committed batches, a partition: each
// replica's goes on whenever its high watermark moves, over what its file has there, and must be
// what the first replica to come to that offset had. A header has its records' checksum, offset and
// epoch; so equal hashes are equal logs. Each batch is looked at once a replica.
//
// It also remembers how far each replica's file was committed, whatever the replica itself knows
// after a restart: nothing below is ever cut.
#pragma once

#include "common/base/ids.hpp"
#include "common/proto/record_batch.hpp"
#include "tests/sim/checker.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace pinion::sim {

class LogHashes {
 public:
  explicit LogHashes(Checker& checker) : checker_(checker) {}

  /// Headers of a file's batches that begin in [from, end). It may begin later: retention.
  using Read = std::function<std::vector<BatchHeader>(Offset from, Offset end)>;
  void on_high_watermark(NodeId node, PartitionKey key, Offset high_watermark, const Read& read);
  /// So much of that replica's file has been compared.
  [[nodiscard]] Offset compared(NodeId node, PartitionKey key) const;
  /// Retention has removed what is below `start` somewhere: a copy that ends there begins again.
  void on_dropped(PartitionKey key, Offset start);
  void on_cut(NodeId node, PartitionKey key, Offset end);
  /// Its files are others than they were.
  void forget(NodeId node);

 private:
  struct Copy {
    Offset end{0};  ///< Hashed up to here,
    std::uint64_t hash = 0;
    Offset committed{0};
  };
  /// After each committed batch, in order.
  using Chain = std::vector<std::pair<Offset, std::uint64_t>>;

  void check(NodeId node, PartitionKey key, const Copy& copy);
  [[nodiscard]] static Chain::const_iterator find(const Chain& chain, Offset end);

  Checker& checker_;
  std::map<std::pair<PartitionKey, NodeId>, Copy> copies_;
  std::map<PartitionKey, Chain> chains_;
  std::map<PartitionKey, Offset> dropped_;
};

}  // namespace pinion::sim
