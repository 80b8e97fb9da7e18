// Cluster: carries commands out over libpinion, without waiting. It keeps nothing but caches, so
// any number of gateways stand side by side.
//
//   read_command ──Command──► Cluster ──Calls, Producer──► libpinion ──► brokers
//                                 ◄──callback on its I/O thread──┘
//
// Threads: carry_out() from any; answers come on the client's I/O thread, or before it returns.
// Each command is answered once, by about `answer_within` (a wait for records is added to it).
//
// A command for a partition that has no leader waits for one, within that time: a partition broker
// that is killed and restarted costs its users a pause and no error.
#pragma once

#include "client/api/client.hpp"
#include "common/base/result.hpp"
#include "gateway/cluster/fetch_lanes.hpp"
#include "gateway/cluster/query_lanes.hpp"
#include "gateway/cluster/registration_cache.hpp"
#include "gateway/cluster/waiting_places.hpp"
#include "gateway/core/commands.hpp"
#include "gateway/core/http_message.hpp"
#include "gateway/http/http_application.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace pinion::gateway {

struct ClusterOptions {
  std::string broker = "tcp://127.0.0.1:5550";
  Micros answer_within = 10s;
};

class Cluster {
 public:
  using Respond = std::function<void(HttpAnswer)>;
  using Topic = Calls::Topic;

  /// Succeeds also when no broker answers (yet). wrong_cluster, io_failed and the like fail.
  [[nodiscard]] static Result<std::unique_ptr<Cluster>> open(const ClusterOptions& options);
  /// Answers what is open with 503.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Not a FollowCommand or MetricsCommand. Gives what ends its wait, when it is one that waits.
  [[nodiscard]] HttpApplication::Hurry carry_out(Command command, Respond respond);
  /// A live tail, or the answer that says why there is none.
  void follow(FollowCommand command, std::function<void(HttpResult)> then);

  [[nodiscard]] ConnectionStatus status() const { return client_->status(); }
  [[nodiscard]] ProducerCounters counters() const { return producer_->counters(); }
  void close();

 private:
  Cluster(ClusterOptions options, std::unique_ptr<Client> client,
          std::unique_ptr<Producer> producer);

  // cluster.cpp: topics, registrations, and what most commands begin with.
  [[nodiscard]] bool is_away() const;
  /// `fate`: of a failure that is the cluster's; without one what the error says of itself.
  using MaybeFate = std::optional<Fate>;
  void with_topic(const std::string& name, Respond respond, std::function<void(Topic)> then,
                  MaybeFate fate = {});
  void with_registration(ClientKind of, RegistrationId id, const Topic& topic, Respond respond,
                         std::function<void(Registration)> then, MaybeFate fate = {});
  /// Both, and that the partition exists; it is the one to use, the registration's if none is
  /// named.
  void with_client(ClientKind of, const std::string& topic, RegistrationId id,
                   MaybePartition partition, Respond respond,
                   std::function<void(Topic, MaybePartition)> then, MaybeFate fate = {});
  [[nodiscard]] std::string new_registration_name(MaybePartition partition);
  void on_registered(ClientKind of, MaybePartition partition, const std::string& topic,
                     Result<Registered> registered, const Respond& respond);
  void on(CreateTopicCommand& command, Respond respond);
  void on(ListTopicsCommand& command, Respond respond);
  void on(ListPartitionsCommand& command, Respond respond);
  void on(RegisterProducerCommand& command, Respond respond);
  void on(RegisterConsumerCommand& command, Respond respond);
  void on(DeleteTopicCommand& command, Respond respond);
  void on(MetricsCommand& command, Respond respond);
  void on(FollowCommand& command, Respond respond);

  // sending.cpp
  void on(EnqueueCommand& given, Respond respond);
  void enqueue(const Topic& topic, MaybePartition partition, const std::string& message,
               Respond respond);
  void enqueue_numbered(const Topic& topic, const EnqueueCommand& command, PartitionIndex partition,
                        Respond respond);
  void on(SendRecordsCommand& command, Respond respond);
  void on(SendBatchCommand& command, Respond respond);
  void send_all(const Topic& topic, SendRecordsCommand&& command, Respond respond);
  /// For a record that may go anywhere: nothing, which means in turn, unless some partition has no
  /// leader; then one that has.
  [[nodiscard]] MaybePartition partition_with_leader(const TopicMetadata& topic);

  // dequeue.cpp
  void on(DequeueCommand& given, Respond respond);
  [[nodiscard]] std::uint32_t next_turn(RegistrationId consumer);

  // reading.cpp
  [[nodiscard]] HttpApplication::Hurry read(const ReadRecordsCommand& command, Respond respond);
  void on(ReadRecordsCommand& command, Respond respond);
  [[nodiscard]] HttpApplication::Hurry query(const QueryCommand& command, Respond respond);
  void on(QueryCommand& command, Respond respond);

  // positions.cpp
  void on(SizeCommand& command, Respond respond);
  void on(ListPositionsCommand& command, Respond respond);
  void on(MovePositionCommand& command, Respond respond);
  struct Figures {
    Offset position{0};
    Offset high_watermark{0};
    bool is_known = false;
  };
  struct Measuring;
  void measure(const Topic& topic, RegistrationId consumer, MaybePartition partition,
               std::function<void(const Measuring&)> then);
  void on_asked(const std::shared_ptr<Measuring>& measuring, std::size_t index,
                Result<FetchPositionReply> reply);
  void finish_measuring(const std::shared_ptr<Measuring>& measuring);
  void fill_from_status(const std::shared_ptr<Measuring>& measuring);
  void remember(const Measuring& measuring);
  /// What this gateway itself saw of a partition, for when it cannot be asked.
  void note_end(TopicId topic, PartitionIndex partition, Offset end);
  void note_position(TopicId topic, PartitionIndex partition, RegistrationId consumer, Offset next);

  // describing.cpp
  void on(HealthCommand& command, Respond respond);
  void on(DescribeTopicCommand& command, Respond respond);
  void on(ClusterCommand& command, Respond respond);

  const ClusterOptions options_;
  Places poll_places_{poll_places_max};
  Places tail_places_{tail_places_max};
  Places query_places_{query_places_max};
  QueryLanes query_lanes_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
  Calls calls_;
  std::shared_ptr<FetchLanes> lanes_;
  RegistrationCache registrations_;
  const std::uint64_t first_number_;  ///< Random: names of registrations are this and a count.
  std::atomic<std::uint64_t> numbers_{0};
  std::atomic<std::uint32_t> turn_{0};

  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, std::uint32_t> turns_;  ///< By consumer.
  using FiguresKey = std::tuple<TopicId, PartitionIndex, RegistrationId>;
  std::map<FiguresKey, Figures> last_figures_;
  std::map<PartitionKey, Offset> last_ends_;
};

}  // namespace pinion::gateway
