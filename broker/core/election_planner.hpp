// Who leads a partition next: pure functions from what the controller knows to a plan.
// docs/REPLICATION.md, "Electing" and "The in-sync set".
//
// A node's replica is a *candidate* when its node lives and has said in this session that the file
// is open. Members of the in-sync set, and eligible ones when none of those is there, have
// everything that is committed, unless a disk lied or was put back from a backup; so among those
// for whose copies a leader has vouched the order of the replicas decides. When none of them is
// there, nobody is to lead first, so that no log grows any more; all are waited for a while, and
// the one with the longest log of the highest epoch is taken; of those that end alike, the one with
// the newest positions of readers.
#pragma once

#include "common/base/ids.hpp"
#include "common/ports/meta_store.hpp"

#include <cstddef>
#include <map>
#include <vector>

namespace pinion {

struct Candidate {
  bool is_steady = false;  ///< A leader has said of this very copy that it has everything.
  bool is_final = false;   ///< It has said what it has since nobody leads.
  Epoch last_epoch{0};
  Offset log_end{0};
  PositionVersion position_version{0};  ///< Of its readers' positions.
  /// The session in which its file was opened: they grow over all nodes.
  std::int64_t opened_in = 0;
};

struct ElectionInput {
  const PartitionMeta* partition = nullptr;
  std::map<NodeId, Candidate> candidates;
  bool has_waited = false;       ///< For those that have not said anything.
  bool has_waited_long = false;  ///< Also for those that live and do not say what they are asked.
  bool unclean_allowed = false;
};

struct Election {
  NodeId leader = node_none;
  bool is_unclean = false;   ///< Committed records may be lost.
  bool must_wait = false;    ///< There are candidates, and others are waited for.
  bool must_settle = false;  ///< First nobody is to lead: then what they say is final.
};

[[nodiscard]] Election plan_election(const ElectionInput& input);

/// The row of a partition that is made, its preferred leader first. The others join when they have
/// reported and copied what there is.
[[nodiscard]] PartitionMeta new_partition(PartitionKey key, const std::vector<NodeId>& replicas);

/// The same row with another leader in its next epoch. Requires: the election found one.
[[nodiscard]] PartitionMeta elected(PartitionMeta partition, const Election& election);

/// The same row led by nobody in its next epoch.
[[nodiscard]] PartitionMeta without_leader(PartitionMeta partition);

/// The same row without a member of the in-sync set. Requires: it is not the only one.
[[nodiscard]] PartitionMeta without_member(PartitionMeta partition, NodeId node,
                                           std::size_t min_insync);

/// The same row when all that the node held of the partition is gone. The last copy that may have
/// everything is not given up: then nothing changes.
[[nodiscard]] PartitionMeta without_copy(PartitionMeta partition, NodeId node,
                                         std::size_t min_insync);

/// So many replicas must be in sync for records to be committed. While a partition is being moved
/// it is not more than it was before: its new replicas are only copying.
[[nodiscard]] std::size_t least_in_sync(const TopicConfig& config, const PartitionMeta& partition);

[[nodiscard]] bool names(const std::vector<NodeId>& nodes, NodeId node) noexcept;

}  // namespace pinion
