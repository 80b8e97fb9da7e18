// ClientSession: a whole client without its socket, threads and clock. It joins the connection
// (hello, heartbeats, reconnecting), the metadata, the producers' and consumers' sessions and the
// admin calls, reads the messages of the socket and writes those that leave.
//
//   frames ─► decode ─┬─ hello, pong, say_hello, goodbye ─► ConnectionSession
//                     ├─ metadata, metadata_changed ──────► MetadataCache ─► all others
//                     └─ an answer, by its request id ────► ProducerSession, ConsumerSession,
//                                                           RequestTable
//
// Pure, deterministic and bounded; one thread. Order between the lists of Effects means nothing but
// what session_io.hpp says; within `batches`, `fetched` and `located` the order of one partition
// counts.
#pragma once

#include "client/core/connection_session.hpp"
#include "client/core/consumer_session.hpp"
#include "client/core/metadata_cache.hpp"
#include "client/core/producer_session.hpp"
#include "client/core/request_table.hpp"
#include "client/core/session_io.hpp"
#include "client/core/wire.hpp"
#include "common/base/ids.hpp"
#include "common/base/prng.hpp"
#include "common/base/time.hpp"
#include "common/proto/codec.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace pinion::client {

struct SessionOptions {
  std::string broker;       ///< For people: where the link leads.
  std::string client_name;  ///< For people.
  std::string cluster_id;   ///< Insist on it; empty: on the first one that answers.
  Incarnation incarnation{1};
  std::uint64_t seed = 0;  ///< Of the jitter.
};

class ClientSession {
 public:
  /// Nothing happens before the first Tick, which says hello.
  explicit ClientSession(SessionOptions options);

  void step(const Now& now, Input input, Effects& out) noexcept;

  /// When a Tick is next needed, on the monotonic clock. Earlier ones are harmless.
  [[nodiscard]] Micros next_deadline() const noexcept;

  /// The bytes from which an open batch should be taken (sealed and stepped in as a SendBatch) at
  /// once; 0: any, nothing: not now, let it gather.
  [[nodiscard]] std::optional<std::size_t> batch_worth_sending(ProducerHandle producer,
                                                               PartitionKey key) const;

  /// Its `problem` says why requests get no answer, and what to do.
  [[nodiscard]] ConnectionStatus status() const { return connection_.status(); }
  [[nodiscard]] bool connected() const noexcept { return wire_.connected; }
  /// Why the broker refused our last hello, if it did.
  [[nodiscard]] const std::optional<Error>& refusal() const noexcept {
    return connection_.refusal();
  }
  [[nodiscard]] const SessionCounters& counters() const noexcept { return wire_.counters; }
  void check_invariants() const;

 private:
  void on(const Now& now, FromBroker& input, Effects& out);
  void on(const Now& now, Tick& input, Effects& out);
  void on(const Now& now, WatchTopic& input, Effects& out);
  void on(const Now& now, UnwatchTopic& input, Effects& out);
  void on(const Now& now, OpenProducer& input, Effects& out);
  void on(const Now& now, SendBatch& input, Effects& out);
  void on(const Now& now, CloseProducer& input, Effects& out);
  void on(const Now& now, OpenConsumer& input, Effects& out);
  void on(const Now& now, Consumed& input, Effects& out);
  void on(const Now& now, Seek& input, Effects& out);
  void on(const Now& now, SendCommit& input, Effects& out);
  void on(const Now& now, CloseConsumer& input, Effects& out);
  void on(const Now& now, Call& input, Effects& out);
  void on(const Now& now, Stop& input, Effects& out);

  void on_message(const Now& now, Message&& message, Effects& out);
  void on_answer(const Now& now, Message&& message, Effects& out);
  void on_change(const Now& now, ConnectionSession::Change change, Effects& out);
  void spread(const Now& now, const MetadataChanges& changes, Effects& out);
  void tell_topic(const std::string& name, Effects& out) const;
  void use_room(const Now& now, Effects& out);

  Wire wire_;
  ConnectionSession connection_;
  MetadataCache metadata_;
  RequestTable requests_;
  std::map<ProducerHandle, ProducerSession> producers_;
  std::map<ConsumerHandle, ConsumerSession> consumers_;
  std::map<std::string, std::size_t> watched_;  ///< By the runner.
};

}  // namespace pinion::client
