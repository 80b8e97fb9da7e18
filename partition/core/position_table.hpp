// PositionTable: where each reader of a partition is. A change takes the partition's next version
// and is visible only when durable; until then it is only what a later change builds upon. Pure.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/ports/record_store.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion::partition {

class PositionTable {
 public:
  void recover(const std::vector<Position>& positions);

  /// What anybody may see: durable and not deleted, or null.
  [[nodiscard]] const Position* visible(std::string_view reader) const;
  /// The newest, durable or not, deleted or not, or null.
  [[nodiscard]] const Position* latest(std::string_view reader) const;
  /// The ticket of the newest change when it is not durable yet, else 0.
  [[nodiscard]] Ticket latest_ticket(std::string_view reader) const;

  /// False when the table is full and the reader is not in it.
  [[nodiscard]] bool has_room_for(std::string_view reader) const;

  /// Gives the position the next version. Requires: has_room_for(position.reader), ticket above all
  /// earlier ones.
  const Position& put(Position position, Ticket ticket);

  void on_durable(Ticket last);
  void drop_from(Ticket first);

  [[nodiscard]] PositionVersion version() const noexcept { return version_; }  ///< Durable.
  [[nodiscard]] std::size_t size() const noexcept { return readers_.size(); }
  /// The visible ones moved most recently, at most `count`.
  [[nodiscard]] std::vector<ReaderStatus> recent(std::size_t count) const;
  [[nodiscard]] std::map<std::string, Position> all_visible() const;
  void check_invariants() const;

 private:
  struct Reader {
    std::optional<Position> durable;
    std::deque<std::pair<Ticket, Position>> inflight;
  };
  using Readers = std::map<std::string, Reader, std::less<>>;

  Readers readers_;
  std::deque<std::pair<Ticket, std::string>> inflight_;
  PositionVersion version_{0};
  PositionVersion last_version_{0};  ///< Handed out, durable or not.
};

}  // namespace pinion::partition
