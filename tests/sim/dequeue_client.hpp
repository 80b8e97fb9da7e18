// A worker that takes records one by one with dequeue: it repeats a token until it knows what
// became of it, and now and then gives up on one.
#pragma once

#include "tests/sim/raw_client.hpp"
#include "tests/sim/topic_book.hpp"

#include <cstdint>
#include <string>

namespace pinion::sim {

class DequeueClient final : public RawClient {
 public:
  /// Of a pool: takers of one consumer at one partition, so that a token which comes again may have
  /// been pushed out by those of others.
  enum class Takes : std::uint8_t { alone, in_a_pool };
  DequeueClient(World& world, std::int32_t index, std::string name, std::uint64_t seed,
                const TopicBook& book, Takes takes);

  /// Take some more, or what there is, then stop.
  void finish() {
    finishing_ = true;
    last_ = 20;
  }
  [[nodiscard]] bool idle() const { return idle_; }
  [[nodiscard]] std::string unfinished() const;

 private:
  void begin() override;
  void end_of_life() override;
  void choose_partition();
  void next_turn(Micros delay);
  void turn();
  void take(const Message& answer);
  void give_up();

  const TopicBook& book_;
  const Takes takes_;
  const std::string reader_;
  PartitionKey key_;
  Epoch epoch_ = epoch_unknown;  ///< Named, so that a try that is late at an old leader is refused.
  bool chosen_ = false;
  std::uint64_t tokens_ = 0;
  std::string token_;
  bool unknown_ = false;  ///< An earlier try with this token may have happened.
  bool finishing_ = false;
  std::uint32_t last_ = 0;
  bool idle_ = false;
};

}  // namespace pinion::sim
