// FetchedRecords: what one fetch brought, for all who asked for it, and its records as the events
// of live tails. Each event is made once, when the first tail comes to it, and all of them send
// from the same bytes: 2,000 tails of one partition hold what one of them would.
//
// What tails have not sent yet counts, once, against a budget of the whole gateway. Any thread.
#pragma once

#include "client/api/calls.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "gateway/http/http_budgets.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace pinion::gateway {

class FetchedRecords {
 public:
  /// All but the id, which says where its own tail is.
  struct Event {
    Offset next{0};  ///< Behind its record.
    std::string data;
  };

  FetchedRecords(Result<FetchAnswer> answer, std::shared_ptr<ByteBudget> budget);
  ~FetchedRecords();
  FetchedRecords(const FetchedRecords&) = delete;
  FetchedRecords& operator=(const FetchedRecords&) = delete;

  [[nodiscard]] const Result<FetchAnswer>& answer() const noexcept { return answer_; }
  /// Of its records as they were fetched.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// True when it counts against the budget, now or already, and so may be kept for a reader.
  [[nodiscard]] bool hold();
  /// Past the bound, if need be, but not past twice as much. False: it is not held.
  [[nodiscard]] bool hold_anyway();
  /// More than half of the budget is taken.
  [[nodiscard]] bool is_crowded() const noexcept;
  /// Null behind the last one. It stays where it is for as long as this lives.
  [[nodiscard]] const Event* event(std::size_t index);

 private:
  const Result<FetchAnswer> answer_;
  const std::shared_ptr<ByteBudget> budget_;
  std::size_t bytes_ = 0;
  std::mutex mutex_;
  std::deque<Event> events_;
  std::optional<RecordBatch::Iterator> next_;
  std::uint64_t made_ = 0;  ///< Bytes of the events.
  std::uint64_t held_ = 0;  ///< 0: it does not count.
};

}  // namespace pinion::gateway
