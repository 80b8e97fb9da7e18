// QueryLanes: of this gateway's SQL queries one at a time is on a node, for a node runs one at a
// time; the others stand here, in the node's line. Nobody can stop the one that is on the node
// before its time is over, but one that stands here leaves when its caller goes:
//
//   enter ─► nobody is on the node ─► its turn ─► leave ─► the next one's turn
//       └─► stands in line ─► its caller goes ─► was never asked
//
// So however many callers go, one query that nobody waits for is on a node, for 10 s at most, and
// those behind it wait for that long and have their whole time then. A query of a partition without
// a leader is on no node: it waits for a leader, and nobody for it. One whose partition loses its
// leader holds its lane for 12 s at most. Thread-safe.
#pragma once

#include "common/base/ids.hpp"
#include "gateway/cluster/waiting_places.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

namespace pinion::gateway {

/// A query as its lane sees it.
class QueryInLane {
 public:
  QueryInLane() = default;
  virtual ~QueryInLane() = default;
  QueryInLane(const QueryInLane&) = delete;
  QueryInLane& operator=(const QueryInLane&) = delete;
  /// It may go to the node now. Called once, by whoever leaves, outside of all locks.
  virtual void on_turn() = 0;
};

class QueryLanes {
 public:
  /// Behind a query that nobody waits for no more than this stand in line: half of the places stay
  /// for other nodes.
  static constexpr std::size_t line_max = query_places_max / 2;

  enum class Entered : std::uint8_t {
    turn,  ///< It is its turn already: on_turn() is not called.
    line,
    refused,
  };
  [[nodiscard]] Entered enter(NodeId node, std::shared_ptr<QueryInLane> query);
  /// Its caller has gone. True: it stood in line, and is out of it.
  [[nodiscard]] bool abandon(NodeId node, const QueryInLane& query);
  /// The one whose turn it is has its answer.
  void leave(NodeId node);

 private:
  struct Lane {
    bool is_abandoned = false;  ///< Nobody waits for the one whose turn it is.
    std::deque<std::shared_ptr<QueryInLane>> line;
  };
  std::mutex mutex_;
  std::map<NodeId, Lane> lanes_;  ///< Of nodes that a query is on.
};

}  // namespace pinion::gateway
