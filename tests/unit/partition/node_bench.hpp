// NodeBench: a Node on a bench, with its effects laid out for a test to look at and to answer. The
// invariants are checked after every step, and a request that is answered twice fails at once.
#pragma once

#include "partition/core/node.hpp"

#include <deque>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::partition::test {

inline const PartitionKey orders{TopicId{7}, PartitionIndex{0}};
inline const PartitionKey orders_1{TopicId{7}, PartitionIndex{1}};
inline const PartitionKey other{TopicId{9}, PartitionIndex{0}};

/// A batch of records with these values, as a producer sends it.
[[nodiscard]] Batch batch_of(std::initializer_list<std::string_view> values);
/// A batch of one record of about so many bytes.
[[nodiscard]] Batch big_batch(std::size_t bytes);
[[nodiscard]] Batch from_producer(Batch batch, std::int64_t producer, std::int64_t sequence,
                                  std::int32_t epoch = 0);
/// The same batch as the leader would have stored it.
[[nodiscard]] Batch stored(Batch batch, std::int64_t offset, std::int64_t epoch = 1,
                           std::int64_t append_time = 1000);

struct Reply {
  Header header;
  Body body;
  Frames records;

  [[nodiscard]] Errc error() const { return header.error; }
  [[nodiscard]] std::string detail() const { return std::get<ErrorBody>(body).detail; }
  template <typename T>
  [[nodiscard]] const T& as() const {
    return std::get<T>(body);
  }
};

struct AskOptions {
  PartitionKey key = orders;
  Epoch epoch{0};
  std::uint32_t timeout_ms = 0;
  bool any_replica = false;
};

class NodeBench {
 public:
  explicit NodeBench(NodeOptions options = default_options());
  [[nodiscard]] static NodeOptions default_options();

  // ---- Inputs.
  void step(Input input);
  void pass(Micros time);  ///< Lets time pass and ticks.
  void from_broker(Body body, RequestId request = RequestId{0}, Errc error = Errc::ok);
  RequestId ask(Body body, AskOptions options = {}, Frames records = {});
  RequestId produce(const Batch& batch, Acks acks = Acks::all, AskOptions options = {});
  RequestId fetch(std::int64_t offset, std::uint32_t wait_ms = 0, std::uint32_t bytes_max = 0);
  RequestId commit(std::string reader, std::int64_t offset);
  RequestId dequeue(std::string reader, std::string token = {}, AskOptions options = {});

  // ---- The usual ways.
  void join();  ///< Ticks, answers the registration, saves the membership.
  void answer_registration(std::int64_t session = 1, std::int64_t controller_epoch = 1,
                           std::string cluster = "c1", std::int64_t controller_start = 0);
  void save_membership();
  void assign(std::initializer_list<PartitionKey> keys, std::int64_t epoch = 1,
              TopicConfig config = {});
  struct Replicas {
    std::int32_t leader = 1;
    std::int64_t epoch = 1;
    std::int64_t version = 1;
    std::vector<std::int32_t> replicas{1, 2, 3};
    std::vector<std::int32_t> isr{1, 2, 3};
    TopicConfig config{.replication = 3};
    bool create = true;
  };
  void assign_replicas(const Replicas& replicas, PartitionKey key = orders);
  /// join, assign and open.
  void replicate(const Replicas& replicas, RecoveredLog recovered = {});

  // ---- Other nodes.
  struct Fetching {
    std::int32_t node = 2;
    std::int64_t epoch = 1;
    std::int64_t offset = 0;
    std::int64_t last_epoch = 0;
    std::int64_t durable_end = -1;  ///< As the offset.
    std::int64_t position_version = 0;
    std::int64_t session = 1;
    std::int64_t copy = 1;
    std::uint32_t wait_ms = 0;
  };
  RequestId replica_fetch(const Fetching& fetching);
  void progress(std::int32_t node, std::int64_t durable_end, std::int64_t position_version = 0,
                std::int64_t epoch = 1, std::int64_t from_session = 1, std::int64_t copy = 1);
  /// The last fetch that this node has sent.
  [[nodiscard]] Message last_fetch() const;
  [[nodiscard]] std::size_t fetches() const;
  void answer_fetch(ReplicaFetchReply reply, Frames records = {}, Errc error = Errc::ok,
                    std::int32_t from = 2);
  /// Batches as they stand, one after the other.
  void answer_fetch_with(const std::vector<Batch>& batches, std::int64_t high_watermark);

  void open(PartitionKey key, RecoveredLog recovered = {});
  void lead(PartitionKey key = orders, RecoveredLog recovered = {});  ///< join, assign and open.

  // ---- The disk.
  void persist(PartitionKey key = orders);  ///< Everything that waits for it is durable.
  void persist_one(PartitionKey key = orders);
  void fail_persists(Errc why, PartitionKey key = orders);
  [[nodiscard]] std::vector<Persist> waiting(PartitionKey key = orders) const;
  [[nodiscard]] std::size_t appends_waiting(PartitionKey key = orders) const;
  void answer_read(std::vector<Batch> batches);  ///< The oldest one at the reader threads.
  void fail_read(Errc why);
  void close(PartitionKey key);  ///< Answers its CloseLog.

  // ---- What came out.
  [[nodiscard]] bool answered(RequestId request) const { return replies_.count(request) > 0; }
  [[nodiscard]] const Reply& reply(RequestId request) const;
  [[nodiscard]] ReplicaView view(PartitionKey key = orders) const { return *node.replica(key); }
  [[nodiscard]] bool happened(EventKind kind) const;
  [[nodiscard]] std::optional<ProposedIsr> proposed() const;  ///< The last one.
  template <typename T>
  [[nodiscard]] std::vector<T> told() const {  ///< The node's own messages of this kind.
    std::vector<T> found;
    for (const Message& message : to_controller) {
      if (const T* body = std::get_if<T>(&message.body)) found.push_back(*body);
    }
    return found;
  }

  Node node;
  Now now{Micros{1'000'000}, Micros{5'000'000}};
  std::deque<Message> to_controller;
  std::deque<Message> to_peers;
  std::vector<ConnectPeer> connects;
  std::deque<StoreEffect> store;
  std::deque<NodeStoreEffect> node_store;
  std::deque<ReadEffect> reads;
  std::vector<Ticket> queries_given_up;
  std::vector<Event> events;
  std::size_t link_resets = 0;
  std::int64_t session = 1;

 private:
  std::map<RequestId, Reply> replies_;
  std::uint64_t requests_ = 1000;
};

/// What is still in `batches` of a log that holds them, for opening it.
[[nodiscard]] RecoveredLog recovered(std::int64_t log_start, std::int64_t log_end,
                                     std::int64_t epoch = 0);

}  // namespace pinion::partition::test
