// A client that does what a sane one would not: damaged and oversized batches, repeated and skipped
// sequences, an id that somebody newer uses, stale epochs, kinds that are for nodes, nonsense SQL.
// Each is refused with the code that says so, or for a reason of the moment; and what was sent once
// and is said not to have happened is never seen.
#pragma once

#include "tests/sim/raw_client.hpp"
#include "tests/sim/topic_book.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace pinion::sim {

class StrangerClient final : public RawClient {
 public:
  StrangerClient(World& world, std::int32_t index, std::string name, std::uint64_t seed,
                 const TopicBook& book, std::function<std::int32_t()> next_process);

  /// Nothing strange any more; what it has begun it brings to an end.
  void finish() { finishing_ = true; }
  [[nodiscard]] bool idle() const { return !is_busy_; }
  [[nodiscard]] std::string unfinished() const {
    return is_busy_ ? name() + " waits for an answer" : "";
  }

 private:
  void begin() override { next_turn(); }
  void end_of_life() override;
  void next_turn();
  void turn();

  // ---- What it does; each ends with next_turn().
  void send_once();
  void send_damaged();
  void send_oversized();
  void leave_a_gap();
  void come_late();        ///< A batch again, after more than are remembered.
  void be_two();           ///< A batch under an epoch that is no longer the newest of its id.
  void name_a_stranger();  ///< Topics and partitions that are not there.
  void name_old_epoch();
  void speak_as_node();
  void greet_wrongly();
  void ask_nonsense();
  void ask_sql();
  void create_wrongly();
  void read_beyond_end();

  struct Sequenced {
    ProducerId id{0};
    ProducerEpoch epoch{0};
    Sequence sequence{0};
  };
  /// A batch of one record; tells what became of it.
  void produce(const Sequenced& sequenced, std::size_t value_bytes, Done done);
  void with_id(std::function<void(ProducerId)> then);
  void send_in_turn(ProducerId id, std::int32_t sequence, std::int32_t count,
                    std::function<void()> then);
  /// An answer that must be one of these, or a refusal of the moment.
  [[nodiscard]] Done expecting(const char* what, std::vector<Errc> codes);

  const TopicBook& book_;
  const std::function<std::int32_t()> next_process_;
  std::int32_t process_ = 0;
  PartitionKey key_;
  std::set<SendId> under_way_;
  bool finishing_ = false;
  bool is_busy_ = false;
};

}  // namespace pinion::sim
