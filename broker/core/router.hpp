// Router: which clients are connected, how much each has in flight at each node, and where a
// request goes. It pushes one frame in front of a request and takes it off the answer; it keeps no
// table of requests.
//
// Credit. In-flight requests and bytes are counted for each (client, node) pair; totals a client
// and a node follow from them. The return frame carries the client, the size and four numbers
// that say whether the pair's counters are still those that were raised:
//   client life     a client that expired or was evicted starts anew
//   node life       a node that was lost or came back in a new incarnation starts anew
//   generation      rotates every request_lifetime_max; counts of the generation before the last
//                   are forgotten, so what ZeroMQ loses under a silent reconnect leaks for at most
//                   two lifetimes
// What a client has been sent and has not read is bounded (unread_account.hpp): who has no room for
// an answer is throttled, and one that comes all the same is dropped.
// A fetch that asks any replica goes to one of the partition's in-sync followers in turn, and to
// the leader when there is none.
//
// A node's room is shared: a client may have at most as much in flight at a node as is still free
// there, so that none can take it all from the others; and a quarter of the room is kept for
// clients that have nothing in flight there.
//
// Pure; one thread. Clients are evicted, longest silent first, beyond clients_max.
#pragma once

#include "broker/core/effects.hpp"
#include "broker/core/return_frame.hpp"
#include "broker/core/unread_account.hpp"
#include "common/base/bytes.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion {

struct RouterLimits {
  std::uint64_t client_requests = limits::client_requests_inflight_max;
  std::uint64_t client_bytes = limits::client_bytes_inflight_max;
  std::uint64_t node_requests = limits::node_requests_inflight_max;
  std::uint64_t node_bytes = limits::node_bytes_inflight_max;
  std::size_t clients = limits::clients_max;
  Micros client_expires_after = limits::client_expires_after;
  Micros generation = limits::request_lifetime_max;
  UnreadLimits unread;
};

struct RouterCounters {
  std::uint64_t messages_routed = 0;  ///< Requests and answers.
  std::uint64_t bytes_routed = 0;
  std::uint64_t throttled = 0;
  /// To clients that are gone or have too much to read, or with a foreign return frame.
  std::uint64_t answers_dropped = 0;
  std::uint64_t unread_dropped = 0;  ///< The broker's own messages to clients that do not read.
  std::uint64_t clients_evicted = 0;
  std::uint64_t clients_expired = 0;
};

/// Requests and bytes in flight.
struct InFlight {
  std::uint64_t requests = 0;
  std::uint64_t bytes = 0;
  bool operator==(const InFlight&) const = default;
};

class Router {
 public:
  /// `term` grows with every start, and with it the lives of clients and nodes. `seed` is for what
  /// clients should not be able to guess.
  Router(RouterLimits limits, ControllerEpoch term, const Now& now, std::uint64_t seed = 0);

  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // ---- Clients.
  /// Makes it known, or known again, and returns the routing id of the client that had to go.
  std::optional<std::string> add_client(const Now& now, std::string_view id);
  /// False: not known, tell it to say hello.
  [[nodiscard]] bool touch_client(const Now& now, std::string_view id);
  void remove_client(std::string_view id);
  void remove_all_clients();
  [[nodiscard]] std::size_t client_count() const noexcept { return clients_.size(); }
  /// Longest silent first.
  void for_each_client(const std::function<void(const std::string& id)>& visit) const;

  // ---- What clients have not read.
  /// A ping carried this mark. Requires, as do the next two: the client is known.
  void on_mark(std::string_view id, std::uint64_t mark);
  /// For a pong or a hello_reply.
  [[nodiscard]] std::uint64_t mark(std::string_view id);
  /// throttled: an answer to the client would be dropped.
  [[nodiscard]] Result<void> check_unread(std::string_view id);
  /// Counts a message of the broker's own; frames[0] is the client, known or not. False: drop it.
  [[nodiscard]] bool admit(const Frames& frames);
  /// check_unread() without the words, for a client that is known.
  [[nodiscard]] bool has_room(std::string_view id) const;
  /// The transport knows no such peer: what it had not read is gone.
  void connection_lost(std::string_view id);
  [[nodiscard]] std::uint64_t unread_bytes(std::string_view client) const;

  // ---- Nodes and routes, as the controller says.
  void update_node(const NodeUpdate& update);
  void update_route(const RouteUpdate& update);
  void remove_topic(TopicId topic);

  // ---- Traffic.
  /// `frames` as received (routing id first), `header_index` where the header frame stands and
  /// `header` what it says. Ok: the message for the node, made of `frames`. Else why not, for an
  /// answer at once, and `frames` is as before. Requires: the client is known.
  [[nodiscard]] Result<NodeFrames> forward(Frames& frames, std::size_t header_index,
                                           const Header& header);
  /// The epoch the client should know; 0 when there is none.
  [[nodiscard]] Epoch leader_epoch(PartitionKey key) const;
  /// `frames` as received from a node: routing id, return frame, the rest. Returns the message for
  /// the client, or nothing when it is gone.
  [[nodiscard]] std::optional<Frames> answer(Frames frames);
  /// A forwarded request did not leave: its credit comes back. Returns the client's routing id, or
  /// nothing when it is gone.
  [[nodiscard]] std::optional<Bytes> not_sent(const Bytes& return_frame);

  /// Expires silent clients and rotates the generation.
  void tick(const Now& now);
  [[nodiscard]] Micros next_tick() const noexcept;

  [[nodiscard]] const RouterCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] InFlight in_flight(std::string_view client) const;
  [[nodiscard]] InFlight in_flight(NodeId node) const;
  [[nodiscard]] std::optional<Route> route(PartitionKey key) const;
  void check_invariants() const;

 private:
  struct Pair {
    NodeId node;
    std::array<InFlight, 2> generations;  ///< This one and the one before.
    [[nodiscard]] InFlight total() const noexcept;
  };
  using Silent = std::list<const std::string*>;
  struct Client {
    std::uint64_t life = 0;
    Micros last_seen{0};
    InFlight total;
    UnreadAccount unread;
    std::vector<Pair> pairs;  ///< Only with something in flight; few.
    Silent::iterator silent;
  };
  struct Node {
    std::uint64_t life = 0;
    Bytes routing;
    InFlight total;
  };
  using Clients = std::map<std::string, Client, std::less<>>;

  [[nodiscard]] Result<const Route*> find_route(const Header& header) const;
  [[nodiscard]] NodeId choose_node(const Route& route, const Header& header);
  [[nodiscard]] Result<void> check_credit(const Client& client, const Node& node, NodeId id,
                                          std::uint64_t bytes) const;
  [[nodiscard]] Clients::iterator find_client(std::string_view id);
  [[nodiscard]] Result<void> check_unread(const Client& client) const;
  void take(Client& client, Node& node, NodeId id, std::uint64_t bytes);
  void give_back(Client& client, const ReturnFrame& frame);
  void forget(Clients::iterator client);
  void clear_node(NodeId id);
  void rotate();

  RouterLimits limits_;
  Clients clients_;
  Clients::iterator last_;  ///< The client touched last, who is the one that forwards next.
  Silent silent_;           ///< Longest silent first; points into clients_.
  std::map<NodeId, Node> nodes_;
  std::map<TopicId, std::vector<Route>> routes_;
  std::uint64_t lives_ = 0;  ///< Numbers clients and nodes.
  std::uint64_t generation_ = 0;
  std::uint64_t follower_turn_ = 0;  ///< Of fetches that ask any replica.
  Micros rotate_at_{0};
  Prng marks_;
  RouterCounters counters_;
};

}  // namespace pinion
