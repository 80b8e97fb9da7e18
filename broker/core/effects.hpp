// What the leader broker's cores want done: plain values that the driver carries out in any order.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/ports/meta_store.hpp"
#include "common/proto/messages.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pinion {

/// For the log and for counters; never for decisions.
enum class BrokerEventKind : std::uint8_t {
  node_registered,
  node_refused,
  node_lost,
  node_stopping,
  node_returned,  ///< Heard again in time, or registered again in the same life.
  topic_created,
  topic_deleted,
  partition_state,   ///< A partition went online, offline, full or halted.
  unclean_election,  ///< The topic allows it; the detail says what was lost.
  client_evicted,
  metadata_stalled,
  metadata_resumed,
};

struct BrokerEvent {
  BrokerEventKind kind{};
  NodeId node = node_none;
  PartitionKey partition{};
  std::string detail;  ///< For people.
};

// ---- The joined core, broker.hpp
// -------------------------------------------------------------------

/// A message for the cluster socket; frames[0] is the node's routing id. The others are there
/// when a client's request is forwarded, and go back into Broker as a NotSent when it cannot be
/// sent.
struct NodeFrames {
  Frames frames;
  Bytes return_frame;
  Bytes header;
  Frames path;  ///< The client's own routing frames; usually none.
};

struct BrokerEffects {
  std::vector<Frames> to_clients;  ///< frames[0] is the client's routing id.
  std::vector<NodeFrames> to_nodes;
  std::vector<MetaWrite> persist;  ///< In ticket order; each is answered with MetaPersisted.
  std::vector<BrokerEvent> events;

  void clear() noexcept {
    to_clients.clear();
    to_nodes.clear();
    persist.clear();
    events.clear();
  }
};

// ---- The controller alone, controller.hpp
// ----------------------------------------------------------

struct ClientReply {
  ReturnPath client;
  Message message;
};

struct NodeSend {
  Bytes routing;
  Message message;
};

/// Where a partition's requests go, as the router keeps it.
struct Route {
  NodeId node = node_none;  ///< None: answered with partition_offline and the detail.
  Epoch leader_epoch{0};
  std::string detail;
  /// In sync, and following in this epoch: they answer fetches that ask any replica.
  std::vector<NodeId> followers{};
};

struct RouteUpdate {
  PartitionKey key;
  Route route;
};

struct NodeUpdate {
  NodeId node;
  Bytes routing;  ///< Empty: the node is gone, and what was in flight there is forgotten.
};

struct ControllerEffects {
  std::vector<MetaWrite> persist;
  std::vector<ClientReply> replies;
  std::vector<NodeSend> to_nodes;
  std::vector<MetadataChanged> pushes;  ///< To every client that has said hello.
  std::vector<NodeUpdate> nodes;        ///< For the router, before `routes`.
  std::vector<RouteUpdate> routes;
  std::vector<TopicId> routes_removed;  ///< Topics that are deleted.
  std::vector<BrokerEvent> events;

  void clear() noexcept {
    persist.clear();
    replies.clear();
    to_nodes.clear();
    pushes.clear();
    nodes.clear();
    routes.clear();
    routes_removed.clear();
    events.clear();
  }
};

}  // namespace pinion
