// An idempotent producer by hand, of one partition: a few batches in flight, each sent again under
// its sequence until it is answered; when it gives up on one, all that is in flight is unknown and
// it goes on under a new epoch. A second opinion on the client library's producer, and simple
// enough that what it finds is the servers' doing.
#pragma once

#include "tests/sim/raw_client.hpp"
#include "tests/sim/topic_book.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace pinion::sim {

class RawProducer final : public RawClient {
 public:
  RawProducer(World& world, std::int32_t index, std::string name, std::uint64_t seed,
              const TopicBook& book, std::function<std::int32_t()> next_process);

  /// Some last records, which must get through, and no more.
  void finish();
  [[nodiscard]] bool idle() const { return finishing_ && last_ == 0 && batches_.empty(); }
  [[nodiscard]] std::string unfinished() const;

 private:
  struct BatchInFlight {
    Batch batch;
    Acks acks = Acks::all;
    std::vector<SendId> sends;
    bool under_way = false;
    bool answered = false;  ///< Kept until all before it are: five in a row is what is remembered.
    bool unknown = false;   ///< Sent, and an answer may be on its way.
    Micros give_up_at{0};
  };

  void begin() override;
  void end_of_life() override;
  void become_known();
  void next_turn();
  void turn();
  void make_batch();
  void send_what_waits();
  void send_batch(BatchInFlight& batch);
  void on_answer(Sequence sequence, ProducerEpoch epoch, const Message& answer);
  void complete(std::size_t index, const Message& answer);
  void give_up();

  const TopicBook& book_;
  const std::function<std::int32_t()> next_process_;
  std::int32_t process_ = 0;
  PartitionKey key_;
  ProducerId id_{0};
  ProducerEpoch epoch_{0};
  bool may_have_lost_ = false;  ///< Of this epoch something was answered and not promised.
  Sequence next_sequence_{0};
  std::size_t window_ = 1;
  std::deque<BatchInFlight> batches_;
  bool finishing_ = false;
  std::uint32_t last_ = 0;
};

}  // namespace pinion::sim
