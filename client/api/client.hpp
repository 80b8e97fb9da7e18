// Client: a program's connection to one Pinion cluster, and the place that producers, consumers and
// the admin calls come from. This folder is the whole of libpinion that a program includes.
//
//   auto client = pinion::Client::connect({.broker = "tcp://127.0.0.1:5550"});
//   if (!client) { std::cerr << client.error().to_string() << '\n'; return 1; }
//   auto producer = (*client)->producer({});
//
// Threads: a Client has one I/O thread, which owns the socket, resends, and runs every callback.
// Everything here may be called from any thread, but not from inside a callback where a call says
// that it waits. Errors are values; no exception leaves the library (memory that is out ends the
// process). Every call that waits has a timeout and ends by it. Sizes are in bytes, durations and
// points in time in microseconds (Micros), points since 1970 UTC.
//
// A Client survives the restart of any process of the cluster: it reconnects by itself with a
// growing, jittered delay, and what was on its way is sent again under the same sequences.
#pragma once

#include "client/api/admin.hpp"
#include "client/api/calls.hpp"
#include "client/api/consumer.hpp"
#include "client/api/producer.hpp"
#include "client/api/values.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace pinion {

/// What connect() does when no broker answers in time.
enum class BrokerAway : std::uint8_t {
  error,  ///< Fails.
  go_on,  ///< Succeeds: calls answer connection_lost until one comes. For servers.
};

struct ClientOptions {
  std::string broker = "tcp://127.0.0.1:5550";  ///< The leader broker's client endpoint.
  std::string name;             ///< For people, in the broker's log; empty: the program's name.
  std::string cluster_id;       ///< Refuse any other cluster; empty: whichever answers first.
  Micros connect_timeout = 5s;  ///< How long connect() waits for the first answer.
  BrokerAway if_away = BrokerAway::error;
};

class Client {
 public:
  /// Connects and waits for the broker's answer. Errors:
  ///   connection_lost      nobody answers there: "is pinion-broker running?"
  ///   wrong_cluster        it is another cluster than options.cluster_id
  ///   unsupported_version  the broker speaks another protocol
  ///   invalid_argument     the endpoint or a name is not valid
  ///   io_failed            this process is out of descriptors or threads
  [[nodiscard]] static Result<std::unique_ptr<Client>> connect(ClientOptions options);

  /// As close().
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Does not wait. A client may have up to client_sessions_max producers and consumers.
  [[nodiscard]] Result<std::unique_ptr<Producer>> producer(ProducerOptions options);

  /// With options.if_missing = MissingTopic::error it waits, at most options.open_timeout, to see
  /// that the topics exist.
  [[nodiscard]] Result<std::unique_ptr<Consumer>> consumer(ConsumerOptions options);

  /// A light handle; copies share the client.
  [[nodiscard]] Admin admin();

  /// The same calls and more without waiting, for programs that have many on their way at once.
  [[nodiscard]] Calls calls();

  /// Reads the next record for a reader and moves its position on, in one durable step at the
  /// partition. See consumer.hpp. Waits.
  [[nodiscard]] Result<DequeuedRecord> dequeue(const DequeueOptions& options, Micros timeout);

  [[nodiscard]] ConnectionStatus status() const;

  /// Ends the I/O thread. Producers and consumers that are still open are closed without waiting:
  /// what they had on its way is reported `unknown`, what had not left `failed`; so close or flush
  /// them first. Later calls answer `closed`. Idempotent. Not from inside a callback.
  void close();

  struct Inside;  ///< Private to the library.

 private:
  explicit Client(std::shared_ptr<Inside> inside) noexcept;
  std::shared_ptr<Inside> inside_;
};

}  // namespace pinion
