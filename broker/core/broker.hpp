// Broker: the whole leader broker without sockets, threads, clock or disk. It joins the Router (who
// is connected, what is in flight, where a request goes) with the Controller (nodes, topics,
// partitions, registrations), reads the messages of both sockets and writes those that leave.
//
//   clients ──frames──► on_client ─┬─ routed request ──► Router ──► frames to a node
//                                  └─ the rest, decoded ──► Controller ──► replies, pushes, writes
//   nodes ────frames──► on_node ───┬─ answer (has a return frame) ──► Router ──► frames to a client
//                                  └─ the rest, decoded ──► Controller
//
// Pure, deterministic and bounded; one thread. Routed traffic is never decoded or copied: of a
// request the header frame is read, of an answer only the return frame. Anything at all may stand
// in the frames. Metadata is told to nobody before its MetaPersisted.
#pragma once

#include "broker/core/controller.hpp"
#include "broker/core/effects.hpp"
#include "broker/core/router.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/codec.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace pinion {

/// A message of the client socket; frames[0] is the sender's routing id.
struct FromClient {
  Frames frames;
};
/// A message of the cluster socket; frames[0] is the sender's routing id.
struct FromNode {
  Frames frames;
};
/// What the transport would not take.
struct NotSent {
  enum class To : std::uint8_t { client, node };
  enum class Why : std::uint8_t { no_peer, would_block };
  To to = To::client;
  Why why = Why::no_peer;
  Bytes return_frame;  ///< As in NodeFrames; empty otherwise.
  Bytes header;
  Frames path;  ///< To a client: its routing id.
};
/// What only the driver can know, for cluster_status.
struct Vitals {
  std::uint64_t memory_bytes = 0;
  std::uint64_t fuse_trips = 0;
  std::uint64_t transport_dropped = 0;
};
/// The client socket was closed and bound again: every client is gone and says hello anew.
struct ClientsReset {};
/// The process is asked to end: says goodbye to everybody, and accepts nothing more.
struct Stop {};

using BrokerInput = std::variant<FromClient, FromNode, MetaPersisted, MetaStalled, NotSent, Vitals,
                                 ClientsReset, Stop, Tick>;

struct BrokerOptions {
  ControllerOptions controller;
  RouterLimits router;
  std::string version;
  std::string sqlite_version;
  std::string cluster_name;  ///< For people.
  std::uint64_t seed = 0;    ///< Of the marks that clients carry back.
};

struct BrokerCounters {
  std::uint64_t refused_malformed = 0;  ///< Could not be understood, or was not allowed.
  std::uint64_t refused_unknown = 0;    ///< Answered say_hello.
  std::uint64_t replies_dropped = 0;    ///< To clients that were gone or did not read.
  std::uint64_t node_sends_failed = 0;
};

class Broker {
 public:
  /// `state` is what MetaStore::begin_term() returned.
  Broker(BrokerOptions options, MetaState state, const Now& now);
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  void step(const Now& now, BrokerInput input, BrokerEffects& out) noexcept;

  /// When a Tick is next of use, on the monotonic clock. Earlier ones are harmless.
  [[nodiscard]] Micros next_tick(const Now& now) const noexcept;

  [[nodiscard]] const Controller& controller() const noexcept { return controller_; }
  [[nodiscard]] const Router& router() const noexcept { return router_; }
  [[nodiscard]] const BrokerCounters& counters() const noexcept { return counters_; }
  void check_invariants() const;

 private:
  void on(const Now& now, FromClient& input, BrokerEffects& out);
  void on(const Now& now, FromNode& input, BrokerEffects& out);
  void on(const Now& now, MetaPersisted& input, BrokerEffects& out);
  void on(const Now& now, MetaStalled& input, BrokerEffects& out);
  void on(const Now& now, NotSent& input, BrokerEffects& out);
  void on(const Now& now, Vitals& input, BrokerEffects& out);
  void on(const Now& now, ClientsReset& input, BrokerEffects& out);
  void on(const Now& now, Stop& input, BrokerEffects& out);
  void on(const Now& now, Tick& input, BrokerEffects& out);

  void on_client_message(const Now& now, Frames& frames, std::size_t header_index,
                         const Header& header, BrokerEffects& out);
  void on_hello(const Now& now, const Frames& path, const Header& header, const Hello& hello,
                BrokerEffects& out);
  void carry_out(const Now& now, BrokerEffects& out);
  void reply(const Now& now, ClientReply& answer, BrokerEffects& out);
  [[nodiscard]] bool reply_as_before(const Now& now, const Frames& path, const Header& header,
                                     const Body& body, BrokerEffects& out);
  void on_ping(const Frames& path, const Header& header, const Ping& ping, BrokerEffects& out);
  void push(const MetadataChanged& change, BrokerEffects& out);
  void complete(BrokerStatus& status) const;
  /// Drops and counts what the client has no room for.
  void send(Frames message, BrokerEffects& out);
  void send(const Frames& path, const Message& message, BrokerEffects& out);
  /// For what carries a mark: without it a client could never say that it reads again.
  static void send_always(const Frames& path, const Message& message, BrokerEffects& out);
  void refuse(Frames path, const Header& header, Error why, BrokerEffects& out);
  void say_hello(const Frames& path, BrokerEffects& out);
  [[nodiscard]] static Frames path_of(const Frames& frames, std::size_t header_index);

  BrokerOptions options_;
  Controller controller_;
  Router router_;
  BrokerCounters counters_;
  Vitals vitals_;
  Micros started_at_{0};
  bool stopping_ = false;
  /// The last large answer to cluster_status, for those that ask again at once: making it anew each
  /// time would let one client slow down all.
  Bytes status_body_;
  Micros status_until_{0};
  ControllerEffects effects_;  ///< Reused; empty between steps.
};

}  // namespace pinion
