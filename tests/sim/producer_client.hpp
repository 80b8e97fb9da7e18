// A program that sends records with the client library: batches to partitions of topics that exist,
// and notes what is reported of each.
#pragma once

#include "tests/sim/session_client.hpp"
#include "tests/sim/topic_book.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace pinion::sim {

class ProducerClient final : public SessionClient {
 public:
  ProducerClient(World& world, std::int32_t index, std::string name, std::uint64_t seed,
                 TopicBook& book, std::function<std::int32_t()> next_process);

  /// One more record for every partition of a topic that stays, until each is acknowledged.
  void finish();
  [[nodiscard]] bool idle() const { return finishing_ && last_.empty() && sent_.empty(); }
  [[nodiscard]] std::string unfinished() const;

 private:
  struct Sent {
    PartitionKey key;
    std::vector<SendId> sends;
    Micros deadline{0};
  };

  void begin() override;
  void end_of_life() override;
  void on_topic(const client::TopicChanged& changed) override;
  void on_batch(const client::BatchDone& done) override;
  void open();
  void reopen();
  void next_turn();
  void turn();
  void watch_topics();
  void send_last();
  void send(PartitionKey key, std::uint32_t count);

  TopicBook& book_;
  const std::function<std::int32_t()> next_process_;
  std::int32_t process_ = 0;
  client::ProducerHandle handle_{0};
  std::uint32_t handles_ = 0;
  Acks acks_ = Acks::all;
  std::set<std::string> watched_;
  std::map<std::string, std::shared_ptr<const TopicMetadata>> topics_;
  std::map<std::uint64_t, Sent> sent_;  ///< By batch number.
  std::map<PartitionKey, std::uint64_t> reported_;
  std::uint64_t numbers_ = 0;
  bool finishing_ = false;
  std::set<PartitionKey> last_;  ///< Still want an acknowledged record.
};

}  // namespace pinion::sim
