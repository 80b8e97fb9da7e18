// What all replicas of one node share: the numbering of tickets and the sums that bound the node as
// a whole. Each sum is kept by whoever adds to it; Node::check_invariants compares them with what
// the replicas hold.
//
// Pure; belongs to the thread that steps the node.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/proto/messages.hpp"
#include "partition/core/node_io.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pinion::partition {

/// Whom an answer goes to.
struct Asker {
  ReturnPath path;
  Header header;
  Way way = Way::broker;
};

/// A routed request, to be answered exactly once.
struct Request {
  Asker asker;
  Body body;
  Frames records;
  Micros deadline{never};  ///< Monotonic, of the header's timeout.
};

/// The batches in memory of all partitions, oldest first, whose sum of bytes is bounded.
struct TailBudget {
  std::size_t bytes_max = limits::tail_bytes_per_node;
  std::size_t bytes = 0;
  std::uint64_t last_order = 0;
  std::map<std::uint64_t, PartitionKey> order;  ///< One entry a batch.
};

/// Lets a bounded number of bytes be on their way from the reader threads; the rest waits its turn.
struct ReadGate {
  std::size_t inflight = 0;
  std::size_t bytes = 0;
  std::deque<PartitionKey> waiting;  ///< One entry a waiting read; its replica holds the read.

  [[nodiscard]] bool may_start(std::size_t bytes_wanted) const noexcept {
    if (inflight == 0) return true;
    return inflight < limits::reads_inflight_max &&
           bytes + bytes_wanted <= limits::reads_inflight_bytes_max;
  }
};

/// Bytes that followers have asked for to catch up, and what came of it and waits for the disk.
inline constexpr std::size_t copied_bytes_max = 32 * limits::mib;
static_assert(copied_bytes_max + 16 * limits::mib <= limits::pending_bytes_per_node_max,
              "followers that catch up leave producers room at the disk");

/// Lets replicas that catch up ask for a bounded number of bytes; the rest wait their turn. Those
/// that have everything do not: they wait at their leaders for what comes. Nor do members of an
/// in-sync set, for whom records wait.
struct CopyGate {
  std::size_t asked = 0;  ///< And not durable yet. One answer may be more than was asked for.
  std::deque<PartitionKey> waiting;  ///< In turn. Who needs its turn no more is passed over.

  [[nodiscard]] bool may_ask(std::size_t bytes) const noexcept {
    return asked + bytes <= copied_bytes_max;
  }
};

/// Another node, as far as the controller has told.
struct Peer {
  Incarnation incarnation{0};
  std::int64_t session = 0;  ///< Of its registration that the address is of.
  std::string address;
  std::string connected;  ///< Where the DEALER is connected to; empty: not at all.
  Micros heard_at{0};
  Micros connected_at{0};
};

struct NodeShared {
  NodeId node{1};
  Incarnation incarnation{0};
  std::int64_t session = 0;  ///< Of the last registration.
  std::string cluster_id;
  std::uint64_t record_bytes_max = limits::record_bytes_default;
  bool low_space = false;  ///< Refuse what would write.

  Ticket last_ticket{0};
  std::size_t requests_open = 0;
  std::size_t pending_bytes = 0;
  std::size_t pending_tickets = 0;
  std::size_t table_bytes_on_way = 0;  ///< To disks that answer: whole tables of positions.
  std::size_t queries_inflight = 0;
  std::size_t ahead_bytes = 0;  ///< That reads ahead of readers hold.
  std::uint64_t refused = 0;    ///< Over a limit, since the start.
  TailBudget tail;
  ReadGate reads;
  CopyGate copies;
  std::map<NodeId, Peer> peers;
  std::vector<ProposedIsr> proposals;  ///< To be sent with the next tick.

  [[nodiscard]] Ticket next_ticket() noexcept { return ++last_ticket; }

  void answer(Asker&& asker, Body body, Epoch leader_epoch, Effects& out, Frames records = {});
  void refuse(Asker&& asker, Error error, Epoch leader_epoch, Effects& out);
  /// False when the node's address is not known.
  [[nodiscard]] bool send_to_peer(const Now& now, NodeId peer, Message message, Effects& out);
  /// It has not answered: a fresh connection, but seldom.
  void suspect_peer(const Now& now, NodeId peer, Effects& out);
};

}  // namespace pinion::partition
