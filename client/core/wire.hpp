// Wire: what all parts of a ClientSession send through. It numbers the requests, remembers who
// asked each, counts the credit that the broker gave, and knows whether the broker listens. Pure.
//
// A request leaves the table when it is answered, when its asker gives it up (forget), or with the
// connection (forget_all): then nobody knows whether it was carried out.
#pragma once

#include "client/core/session_io.hpp"
#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/prng.hpp"
#include "common/proto/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace pinion::client {

/// Who asked, so that the answer finds its way.
struct Asker {
  enum class Kind : std::uint8_t { connection, metadata, producer, consumer, call };
  Kind kind = Kind::connection;
  std::uint64_t handle = 0;  ///< Of a producer, consumer or call.
  PartitionKey key{};        ///< Of a producer's or consumer's partition.
};

struct SessionCounters {
  std::uint64_t messages_in = 0;
  std::uint64_t messages_refused = 0;
  std::uint64_t answers_unasked = 0;  ///< Late, or to requests of a former connection.
  std::uint64_t resends = 0;
  std::uint64_t epochs_taken = 0;
};

struct Request {
  PartitionKey key{};        ///< With routed kinds.
  Epoch leader_epoch{0};     ///< With routed kinds.
  Micros time_left{0};       ///< For the receiver; cut to request_lifetime_max.
  bool any_replica = false;  ///< With a fetch: a follower may answer.
  const Body* body = nullptr;
  Frames records{};
};

class Wire {
 public:
  explicit Wire(std::uint64_t seed) noexcept : prng(seed) {}

  /// The request's id, or nothing: not connected, or no credit left (`starved` says so).
  [[nodiscard]] std::optional<RequestId> send(const Asker& asker, Request request, Effects& out);
  /// For the connection's own messages: always sent, never counted.
  RequestId send_uncounted(const Body& body, Effects& out);

  /// Whoever asked for an answer of this kind; ends the request.
  [[nodiscard]] std::optional<Asker> take(RequestId id, Kind answer);
  void forget(RequestId id);
  void forget_all();

  void set_credit(std::uint64_t requests, std::uint64_t bytes) noexcept;
  [[nodiscard]] std::size_t requests_open() const noexcept { return open_.size(); }

  // ---- Shared by all parts.
  Prng prng;
  SessionCounters counters;
  bool connected = false;
  std::string problem;   ///< While not connected: for people.
  bool starved = false;  ///< Somebody could not send for want of credit since it was last cleared.

 private:
  struct Open {
    Asker asker;
    Kind kind{};
    std::size_t bytes = 0;
  };
  using Table = std::map<RequestId, Open>;
  void end(Table::iterator at);
  [[nodiscard]] bool has_credit(std::size_t bytes) const noexcept;

  Table open_;
  std::uint64_t last_id_ = 0;
  std::uint64_t bytes_open_ = 0;
  std::uint64_t requests_max_ = limits::client_requests_inflight_max;
  std::uint64_t bytes_max_ = limits::client_bytes_inflight_max;
};

}  // namespace pinion::client
