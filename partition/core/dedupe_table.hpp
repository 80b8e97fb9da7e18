// DedupeTable: what a partition remembers of its producers, so that a batch sent twice is in the
// log once. For each producer: its epoch and its last batches, those on their way to the disk too.
//
// A batch that is not durable yet can be taken back (drop_from); so what it would push out is kept
// until it is durable. Producers are forgotten by age, and the longest silent one goes when the
// table is full; but not one that may still retry, which could then enter twice. Pure.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/time.hpp"
#include "common/ports/record_store.hpp"
#include "common/proto/record_batch.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace pinion::partition {

class DedupeTable {
 public:
  enum class Verdict : std::uint8_t {
    fresh,      ///< The next batch of its producer, or the first.
    duplicate,  ///< Of a batch that is remembered.
    forgotten,  ///< In the log, but too long ago to say where.
    gap,     ///< Neither the next one nor a known one. A producer that numbers its records itself
             ///< may leave some out: for it, one that overlaps what is known.
    fenced,  ///< The producer has a newer epoch.
    full,    ///< No room for another producer: all were seen too recently to be forgotten.
  };
  struct Finding {
    Verdict verdict = Verdict::fresh;
    Offset base_offset = offset_unassigned;  ///< Of the original.
    Micros append_time{0};
    Ticket ticket{0};        ///< Of the original while it is on its way; 0 once durable.
    Sequence expected{0};    ///< With gap.
    ProducerEpoch epoch{0};  ///< With fenced.
  };

  explicit DedupeTable(std::size_t producers_max = limits::producers_per_partition_max) noexcept
      : producers_max_(producers_max) {}

  void recover(const std::vector<ProducerState>& producers);

  /// `log_time` is what the batch's append time would be. Requires: batch.producer_id is not
  /// producer_none.
  [[nodiscard]] Finding check(const BatchHeader& batch, Micros log_time) const;

  /// Requires: check(batch) is fresh at its append time; base offset and append time are assigned.
  /// Returns how many producers had to go to make room.
  std::size_t add(const BatchHeader& batch, Ticket ticket);

  /// A follower's: what its leader has accepted is taken, whoever has to go for it.
  std::size_t add_copied(const BatchHeader& batch, Ticket ticket);

  void on_durable(Ticket last);       ///< Everything up to and with it.
  void drop_from(Ticket first);       ///< Everything from it on, as if it had never been added.
  std::size_t expire(Micros before);  ///< Producers last seen before it, none on its way.

  /// All that is durable, for a follower that begins where the log starts.
  [[nodiscard]] std::vector<ProducerState> states() const;
  [[nodiscard]] std::size_t size() const noexcept { return producers_.size(); }
  /// The log time from which the longest silent producer has been silent.
  [[nodiscard]] Micros oldest() const noexcept {
    return by_age_.empty() ? never : by_age_.begin()->first;
  }
  void check_invariants() const;

 private:
  struct Remembered {
    ProducerEpoch epoch;
    Sequence base_sequence;
    std::uint32_t record_count = 0;
    Offset base_offset;
    Micros append_time{0};
    Ticket ticket{0};  ///< 0 once durable.

    [[nodiscard]] Sequence next_sequence() const noexcept {
      return base_sequence + std::int64_t{record_count};
    }
  };
  struct Producer {
    std::deque<Remembered> batches;  ///< Oldest first; never empty.
    std::size_t inflight = 0;        ///< The last so many are not durable.
    Micros last_seen{0};
  };
  using Producers = std::map<ProducerId, Producer>;

  void touch(ProducerId id, Producer& producer, Micros seen);
  void erase(Producers::iterator at);
  [[nodiscard]] Producers::const_iterator evictable(Micros log_time) const;
  static void trim(Producer& producer);
  void enter(const BatchHeader& batch, Ticket ticket);

  std::size_t producers_max_;
  Producers producers_;
  std::set<std::pair<Micros, ProducerId>> by_age_;
  std::deque<std::pair<Ticket, ProducerId>> inflight_;
};

}  // namespace pinion::partition
