// DequeueSlots: where a partition keeps the dequeues that their readers' positions have no room for
// any more (dequeue_tokens.hpp). A slot is a row in the table of positions, so that it is written,
// replicated and committed like any other change there, each by itself:
//
//   reader        "\n17", which is no reader's name
//   last_token    token \n reader
//   last_offset   what the dequeue with that token returned
//
// A move puts the row of what it pushes out in front of its own: a copy that has the move has the
// slot. Two rows at most are written for a dequeue, however many are known.
//
// A slot is taken again by its own taker's next dequeue, or, when dequeue_slots_kept are in use, by
// any other if it is the oldest and older than any repeat. When all are young and there may be no
// more, or no more of that reader, there is none: forgetting one would lose a record.
//
// This is the index of those rows, a leader's. It is made of the table when it is first used, and
// again after rows were dropped. Pure.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/ports/record_store.hpp"
#include "partition/core/dequeue_tokens.hpp"
#include "partition/core/position_table.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion::partition {

class DequeueSlots {
 public:
  struct Bounds {
    std::size_t kept = limits::dequeue_slots_kept;
    std::size_t most = limits::dequeue_slots_max;
    std::size_t most_of_reader = limits::dequeue_slots_per_reader_max;
  };
  DequeueSlots() = default;
  explicit DequeueSlots(Bounds bounds) : bounds_(bounds) {}

  [[nodiscard]] std::optional<Offset> find(const PositionTable& table, std::string_view reader,
                                           std::string_view token);
  /// The row that keeps it, to be put into the table and then noted; nothing when there is no slot.
  [[nodiscard]] std::optional<Position> row_for(const PositionTable& table, std::string_view reader,
                                                const KnownDequeue& dequeue, Micros monotonic);
  /// Requires: it is of row_for, and in the table.
  void note(const Position& row, Micros monotonic);
  /// The table has lost rows.
  void forget() noexcept { is_made_ = false; }

 private:
  using Number = std::uint32_t;
  using ByAge = std::set<std::pair<PositionVersion, Number>>;
  struct Slot {
    std::string reader;
    std::string token;  ///< With its reader, as keys of the maps; empty: the slot is free.
    std::string taker;  ///< The same; empty: it has no counter.
    Offset offset{0};
    PositionVersion version{0};
    std::optional<Micros> at;  ///< Monotonic; none: it is of the table that this was made of.
  };
  void make(const PositionTable& table);
  void fill(Number number, const Position& row);
  void clear(Number number);
  [[nodiscard]] std::optional<Number> choose(std::string_view reader, std::string_view token,
                                             Micros monotonic) const;
  [[nodiscard]] std::optional<Number> oldest_of(const ByAge& slots, Micros monotonic) const;

  Bounds bounds_{};
  bool is_made_ = false;
  /// When it was first asked for a slot since: what is of the table is taken to be of then. It may
  /// have been written by another node's clock.
  std::optional<Micros> began_;
  std::vector<Slot> slots_;
  std::map<std::string, Number> by_token_;
  std::map<std::string, Number> by_taker_;
  ByAge by_age_;                                          ///< Of those in use.
  std::map<std::string, ByAge, std::less<>> of_readers_;  ///< The same, of each reader.
  std::set<Number> free_;                                 ///< Numbers that no row has.
};

}  // namespace pinion::partition
