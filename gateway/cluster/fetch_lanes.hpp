// FetchLanes: the fetches of all tails and reads of this gateway. The brokers count what they owe a
// client, and a gateway is one of theirs: past 64 MiB they drop answers, which nobody notices
// before a time-out. So answers that are on their way are few, and small when they are many.
//
//   ask ─► the same fetch is under way ─► joins it: one answer for all
//      └─► waits for records, or its partition has a place ─► sent
//      └─► else stands in its partition's line
//
// Each partition is a lane of its own, for one without a leader answers nobody until their time is
// over. Any thread.
#pragma once

#include "client/api/calls.hpp"
#include "common/base/limits.hpp"
#include "gateway/cluster/fetched_records.hpp"
#include "gateway/http/http_budgets.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion::gateway {

/// How much fetches may ask for, all together: the more there are the less. A fetch brings at least
/// one batch, whole, so this bounds answers of common sizes.
class FetchRoom {
 public:
  static constexpr std::size_t bytes_max = 24 * limits::mib;
  static constexpr std::size_t bytes_least = 4 * limits::kib;
  /// Of these 4,096 places' worth more comes on top at the very most: 40 MiB, of 64.
  [[nodiscard]] std::uint32_t take(std::uint32_t asked) noexcept;
  void give_back(std::uint32_t bytes) noexcept { used_ -= bytes; }
  [[nodiscard]] std::size_t used() const noexcept { return used_; }

 private:
  std::size_t used_ = 0;
};

class FetchLanes : public std::enable_shared_from_this<FetchLanes> {
 public:
  /// Fetches that do not wait, of one partition at once.
  static constexpr std::size_t reading_max = 4;

  /// Of records that tails have fetched and not sent yet; each answer counts once.
  static constexpr std::uint64_t held_bytes_max = 64 * limits::mib;

  /// Shared with whoever joined.
  using Answer = std::shared_ptr<FetchedRecords>;
  using Then = std::function<void(const Answer&)>;
  using Send = std::function<void(const FetchCall&, Micros timeout,
                                  std::function<void(Result<FetchAnswer>)>)>;
  using Clock = std::function<Micros()>;
  FetchLanes(Send send, Clock now, std::uint64_t held_max = held_bytes_max)
      : send_(std::move(send)),
        now_(std::move(now)),
        held_(std::make_shared<ByteBudget>(held_max)) {}

  /// As Calls::fetch, but that an empty answer may come before half of the wait is over, and that
  /// bytes_max may be less.
  void fetch(const FetchCall& call, Micros timeout, Then then);

  /// Of tails, at this moment.
  [[nodiscard]] std::uint64_t held_bytes() const noexcept { return held_->used(); }

 private:
  struct Ask {
    FetchCall call;
    Micros wait_until{0};
    Micros until{0};  ///< When it is given up.
    Then then;
  };
  struct Flight {
    Ask first;
    std::uint32_t bytes = 0;
    std::vector<Then> joined;
  };
  struct Lane {
    std::list<Flight> flights;
    std::size_t reading = 0;
    std::deque<Ask> line;
  };
  using Key = std::pair<std::string, PartitionIndex>;
  using Flights = std::vector<std::list<Flight>::iterator>;

  [[nodiscard]] static bool is_same(const Flight& flight, const Ask& ask, Micros now);
  /// Requires: under the mutex. Nothing: it joined one.
  void begin(Lane& lane, Ask&& ask, Micros now, Flights& begun);
  void send(const Key& key, const Flights& flights);
  [[nodiscard]] std::optional<std::pair<Key, std::list<Flight>::iterator>> take_to_send();
  void on_answered(const Key& key, std::list<Flight>::iterator flight, Result<FetchAnswer> answer);

  const Send send_;
  const Clock now_;
  const std::shared_ptr<ByteBudget> held_;
  std::mutex mutex_;
  FetchRoom room_;
  std::map<Key, Lane> lanes_;
  std::deque<std::pair<Key, std::list<Flight>::iterator>> to_send_;
  bool sending_ = false;  ///< Somebody is at it.
};

}  // namespace pinion::gateway
