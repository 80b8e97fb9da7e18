// A person at the command line, one thing at a time: creates and deletes topics, looks at metadata,
// positions and high watermarks. At the end it reads everything that is there, once (the drain).
#pragma once

#include "common/ports/meta_store.hpp"
#include "tests/sim/raw_client.hpp"
#include "tests/sim/topic_book.hpp"

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pinion::sim {

class AdminClient final : public RawClient {
 public:
  AdminClient(World& world, std::int32_t index, std::string name, std::uint64_t seed,
              TopicBook& book);

  /// Whose positions are asked for.
  void know_reader(const std::string& reader, PartitionKey key);

  [[nodiscard]] bool has_base_topics() const { return created_ >= world_.options.workload.topics; }

  /// From now on: no more topics; then, when told, the drain.
  void finish() { finishing_ = true; }
  [[nodiscard]] bool idle() const { return idle_; }
  /// Of all that there are: a request that comes twice makes a topic again that was deleted, and
  /// nobody is told of it.
  void begin_drain(const std::vector<PartitionMeta>& partitions);
  [[nodiscard]] bool drained() const { return draining_ && to_drain_.empty(); }
  [[nodiscard]] std::string unfinished() const;

 private:
  struct Draining {
    PartitionKey key;
    Offset next{0};
    Offset start{0};
    bool started = false;
    std::vector<std::pair<Offset, std::string>> records;
  };

  void begin() override;
  void end_of_life() override;
  void next_turn();
  void turn();
  void create_base_topic();
  void create_topic();
  void delete_topic();
  void look_at_metadata();
  void look_at_status();
  void look_at_high_watermark();
  void look_at_position();
  void allocate_ids();
  void look_up(const std::string& name);

  void drain();
  void find_start();
  void read_on();
  void take(const Message& answer);

  TopicBook& book_;
  std::vector<std::pair<std::string, PartitionKey>> readers_;
  std::uint32_t created_ = 0;
  std::uint32_t extra_ = 0;
  std::set<std::string> extras_;
  bool finishing_ = false;
  bool idle_ = false;
  bool draining_ = false;
  std::deque<Draining> to_drain_;
};

}  // namespace pinion::sim
