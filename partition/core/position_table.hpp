// PositionTable: where each reader of a partition is. A change takes the partition's next version.
// It is on its way until it is durable here, and visible only when it is committed: every in-sync
// replica holds its version. Until then it is only what a later change builds upon. Pure.
//
// Rows whose name begins with slot_mark are no readers: they keep dequeues (dequeue_slots.hpp).
//
//   put/take ──► on its way ──on_durable──► durable ──commit──► committed
#pragma once

#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/ports/record_store.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion::partition {

class PositionTable {
 public:
  /// In front of every character of a name.
  static constexpr char slot_mark = '\n';

  /// Of an opened file: everything is durable, and taken for committed. A leader that does not
  /// know that yet shows nothing.
  void recover(const std::vector<Position>& positions);
  /// A follower's whole table is replaced by its leader's, which is on its way to the disk.
  void replace(const std::vector<Position>& positions, PositionVersion version, Ticket ticket);

  /// What anybody may see: committed and not deleted, or null.
  [[nodiscard]] const Position* visible(std::string_view reader) const;
  /// The newest, committed or not, deleted or not, or null.
  [[nodiscard]] const Position* latest(std::string_view reader) const;
  /// The newest change's version when it is not committed yet.
  [[nodiscard]] std::optional<PositionVersion> uncommitted(std::string_view reader) const;
  /// The ticket of the newest change when it is not durable yet, else 0.
  [[nodiscard]] Ticket latest_ticket(std::string_view reader) const;

  /// The newest row of each slot, in order of their versions.
  [[nodiscard]] std::vector<const Position*> latest_slots() const;

  /// False when the table is full and the reader, no slot, is not in it.
  [[nodiscard]] bool has_room_for(std::string_view reader) const;

  /// Gives the position the next version. Requires: has_room_for(position.reader), ticket above all
  /// earlier ones.
  const Position& put(Position position, Ticket ticket);
  /// The same with the version that it has, which is above all others here.
  const Position& take(Position position, Ticket ticket);

  void on_durable(Ticket last);
  /// Requires: what is dropped is not durable.
  void drop_from(Ticket first);
  /// Everything durable up to that version.
  void commit(PositionVersion version);

  [[nodiscard]] PositionVersion version() const noexcept { return version_; }  ///< Durable.
  [[nodiscard]] PositionVersion committed_version() const noexcept { return committed_; }
  [[nodiscard]] PositionVersion last_version() const noexcept { return last_version_; }
  [[nodiscard]] std::size_t size() const noexcept { return readers_.size(); }
  /// The newest durable position of each reader that has one above `version`, in order of versions,
  /// at most `count` of them; deleted ones too.
  [[nodiscard]] std::vector<Position> durable_since(PositionVersion version,
                                                    std::size_t count) const;
  /// The visible ones moved most recently, at most `count`.
  [[nodiscard]] std::vector<ReaderStatus> recent(std::size_t count) const;
  [[nodiscard]] std::map<std::string, Position> all_visible() const;
  void check_invariants() const;

 private:
  struct Reader {
    std::optional<Position> committed;
    std::deque<Position> newer;  ///< In order of their versions.
  };
  using Readers = std::map<std::string, Reader, std::less<>>;
  struct Change {
    PositionVersion version;
    Ticket ticket{0};  ///< 0 once durable.
    std::string reader;
  };

  [[nodiscard]] const Position* newest_durable(const Reader& reader) const;
  [[nodiscard]] Reader& row(const std::string& name);
  [[nodiscard]] Readers::const_iterator first_reader() const;
  void commit(Reader& reader, Position&& position);

  Readers readers_;
  std::size_t slots_ = 0;  ///< So many of them are slots.
  /// The committed ones, so that what changed is found without looking at all.
  std::set<std::pair<PositionVersion, std::string>> by_version_;
  std::deque<Change> changes_;  ///< Not committed, in order; the durable ones first.
  std::size_t durable_ = 0;     ///< So many of them are durable.
  PositionVersion version_{0};
  PositionVersion committed_{0};
  PositionVersion last_version_{0};  ///< Handed out, durable or not.
  std::optional<std::pair<Ticket, PositionVersion>> replacing_;
};

}  // namespace pinion::partition
