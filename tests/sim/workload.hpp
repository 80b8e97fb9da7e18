// Everything that uses the cluster: the clients, what they know of each other's doing, and the way
// to an end: last sends, everybody catches up, everything is read once more.
#pragma once

#include "tests/sim/admin_client.hpp"
#include "tests/sim/cluster.hpp"
#include "tests/sim/consumer_client.hpp"
#include "tests/sim/dequeue_client.hpp"
#include "tests/sim/operator_client.hpp"
#include "tests/sim/producer_client.hpp"
#include "tests/sim/raw_producer.hpp"
#include "tests/sim/stranger_client.hpp"
#include "tests/sim/topic_book.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pinion::sim {

class Workload {
 public:
  Workload(Cluster& cluster, std::uint64_t seed);

  /// Faults are over: come to an end.
  void finish();
  [[nodiscard]] bool finished() const { return stage_ == Stage::done; }
  [[nodiscard]] std::string unfinished();
  void count_outcomes();

 private:
  enum class Stage : std::uint8_t { working, resting, sending_last, catching_up, draining, done };

  template <typename Client, typename... Arguments>
  Client& add(const std::string& name, Arguments&&... arguments);
  void add_operators();
  void send_last();
  void watch();
  void advance();
  [[nodiscard]] std::string not_ready_for_last();
  [[nodiscard]] bool operated() const;
  [[nodiscard]] bool all_sent() const;
  [[nodiscard]] bool all_caught_up() const;

  Cluster& cluster_;
  World& world_;
  Prng prng_;
  TopicBook book_;
  AdminClient* admin_ = nullptr;
  std::vector<DequeueClient*> dequeuers_;
  std::vector<RawProducer*> raw_producers_;
  std::vector<ProducerClient*> producers_;
  std::vector<ConsumerClient*> consumers_;
  std::vector<StrangerClient*> strangers_;
  std::vector<OperatorClient*> operators_;
  std::int32_t processes_ = 0;
  Stage stage_ = Stage::working;
};

}  // namespace pinion::sim
