// FollowFeed: a topic's live tail as server-sent events. It reads ahead some 1 MiB and no further,
// so a slow reader costs a bounded amount of memory and nobody else's time. It holds one place to
// wait for each partition until the last of its fetches is answered.
//
// What was fetched is shared with all tails that asked for it (fetched_records.hpp); a tail has no
// more of its own than the piece that is being sent, which ends wherever it is full: so one answer
// for thousands of tails is no more work at once than a small piece for each, however large it is.
//
// All partitions are asked at once, so the answers may be far more than 1 MiB: a fetch brings at
// least one batch, whole. What finds no room, here or among what all tails hold, is dropped, and
// its partition stands in line: each one there is asked by itself, when the reader has taken what
// was ready, before all are asked again. A reader that has nothing else gets a piece all the same.
#pragma once

#include "client/api/calls.hpp"
#include "gateway/cluster/fetch_lanes.hpp"
#include "gateway/cluster/waiting_places.hpp"
#include "gateway/core/commands.hpp"
#include "gateway/http/clock.hpp"
#include "gateway/http/http_application.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pinion::gateway {

class FollowFeed : public EventStream, public std::enable_shared_from_this<FollowFeed> {
 public:
  /// A stream holds what it reads ahead for each of its partitions.
  static constexpr std::size_t partitions_max = 64;

  using Open = std::function<void(HttpResult)>;
  /// Finds the topic and where its partitions are to be read from, then gives the stream; or an
  /// answer that says why there is none.
  static void open(Calls calls, std::shared_ptr<FetchLanes> lanes, Places& places,
                   FollowCommand command, Micros answer_within, Open then);

  /// The next offset that a reader gets of each of its partitions.
  using From = std::vector<std::pair<PartitionIndex, Offset>>;
  /// What open() gives, when that is known; it takes no places.
  [[nodiscard]] static std::shared_ptr<FollowFeed> make(std::shared_ptr<FetchLanes> lanes,
                                                        Places& places, std::string topic,
                                                        const From& from, Micros answer_within,
                                                        FetchLanes::Clock now = monotonic_now);

  void next(std::function<void(std::optional<std::string>)> then) override;
  void stop() override;

 private:
  struct Part {
    PartitionIndex partition{0};
    Offset next{0};   ///< To be fetched.
    Offset given{0};  ///< The next one that the reader gets; what an id says.
    bool is_asking = false;
    bool is_at_end = false;  ///< As of the last answer: there is nothing but to wait.
  };

  struct Ready {
    FetchLanes::Answer fetched;
    std::size_t index = 0;  ///< Of its part.
    bool is_held = true;    ///< Else it is let go when a piece was taken of it.
    std::size_t event = 0;  ///< The next one,
    std::size_t at = 0;     ///< of which so many bytes were given.
  };

  FollowFeed(std::shared_ptr<FetchLanes> lanes, Places& places, std::string topic,
             Micros answer_within, FetchLanes::Clock now)
      : lanes_(std::move(lanes)),
        topic_(std::move(topic)),
        answer_within_(answer_within),
        now_(std::move(now)),
        places_(places) {}

  static void locate(Calls calls, std::shared_ptr<FollowFeed> feed, const FollowCommand& command,
                     Open then);
  struct Question {
    std::size_t index = 0;
    bool is_of_line = false;
  };
  void ask(const std::vector<Question>& questions);
  void on_fetched(std::size_t index, const FetchLanes::Answer& fetched);
  /// Requires: under the mutex.
  [[nodiscard]] std::string event_id() const;
  [[nodiscard]] std::vector<Question> choose();
  void take_in(std::size_t index, const FetchLanes::Answer& fetched);
  void take_in_records(std::size_t index, const FetchLanes::Answer& fetched);
  [[nodiscard]] std::string take_piece();
  void let_go();
  void end_for(const Error& why);
  void end_if_slow(Micros now);
  void note_given(const std::string& piece, Micros now);

  std::shared_ptr<FetchLanes> lanes_;
  const std::string topic_;
  const Micros answer_within_;
  const FetchLanes::Clock now_;
  HeldPlaces places_;
  std::mutex mutex_;
  std::vector<Part> parts_;
  std::deque<std::size_t> line_;  ///< Whose answers found no room.
  std::deque<Ready> ready_;       ///< What nobody has asked for yet.
  std::size_t ready_bytes_ = 0;
  std::string last_words_;       ///< The event behind all others: why the stream ends.
  Micros quiet_since_{0};        ///< When a piece was asked for last.
  Micros given_at_{0};           ///< When the last one was given,
  std::size_t given_bytes_ = 0;  ///< and how large it was.
  bool has_ended_ = false;
  bool is_stopped_ = false;
  std::function<void(std::optional<std::string>)> waiting_;
};

}  // namespace pinion::gateway
