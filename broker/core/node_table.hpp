// The partition brokers that are known: what is durable of them, and what their current session has
// told. State only; controller_membership.cpp decides.
//
//   (unknown) ──PutNode──► lost ──registered──► alive ──silent──► lost
//                            ▲                    │
//                            └──silent── stopping ◄──goodbye
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/ports/meta_store.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace pinion {

struct Node {
  NodeMeta meta;  ///< Durable. `health` and `last_heartbeat` there are what was last refreshed.
  NodeHealth health = NodeHealth::lost;
  std::int64_t session = 0;  ///< Invariant: 0 exactly when not alive.
  Bytes routing;             ///< Where the session's messages go.
  Micros last_heard{0};      ///< Monotonic. Any message of its routing id.
  Micros last_proved{0};     ///< Monotonic. One that named the session.
  Micros last_heartbeat{0};  ///< Wall.
  NodeLoad load;
  RequestId newest_heartbeat{0};  ///< Of this session.
  std::int64_t last_assign = 0;   ///< The number of the newest one; of this session.
  Micros tombstones_again_at = never;
  Micros drops_again_at = never;
  std::string refused;   ///< Why it was not let in when it asked last.
  bool is_gone = false;  ///< Not alive, and waited for long enough: others take over from it.

  [[nodiscard]] bool alive() const noexcept { return health == NodeHealth::alive; }
};

class NodeTable {
 public:
  using Rows = std::map<NodeId, Node>;

  [[nodiscard]] Node* find(NodeId id) {
    const auto row = rows_.find(id);
    return row == rows_.end() ? nullptr : &row->second;
  }
  [[nodiscard]] const Node* find(NodeId id) const {
    const auto row = rows_.find(id);
    return row == rows_.end() ? nullptr : &row->second;
  }
  /// Keeps what the session has told when the row is there.
  Node& put(const NodeMeta& meta) {
    Node& node = rows_[meta.id];
    node.meta = meta;
    return node;
  }
  void remove(NodeId id) { rows_.erase(id); }
  [[nodiscard]] Rows& rows() noexcept { return rows_; }
  [[nodiscard]] const Rows& rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

 private:
  Rows rows_;
};

}  // namespace pinion
