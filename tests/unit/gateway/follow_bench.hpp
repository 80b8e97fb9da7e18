// A log that is answered by the test, and live tails of it whose every event is looked at: no
// sockets, no threads, and the time is what the test says.
#pragma once

#include "gateway/cluster/fetch_lanes.hpp"
#include "gateway/cluster/follow_feed.hpp"
#include "gateway/cluster/waiting_places.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::gateway::test {

inline constexpr std::size_t piece_bytes = small_answer_bytes;

class FollowBench {
 public:
  struct Tail {
    FollowFeed::From from;  ///< Where it goes on: as the last id says that came with a whole event.
    std::shared_ptr<FollowFeed> feed{};
    bool reads = true;  ///< It asks for the next piece as soon as it has one.
    bool is_waiting = false;
    bool has_ended = false;
    std::size_t pieces = 0;
    std::size_t events = 0;
    std::size_t comments = 0;
    std::string rest{};         ///< Of what came, behind the last whole event.
    std::string error_event{};  ///< The data of `event: error`.
    std::string problem{};      ///< The first thing that was not as it must be.
  };

  explicit FollowBench(std::uint64_t held_max = FetchLanes::held_bytes_max);
  ~FollowBench();
  FollowBench(const FollowBench&) = delete;
  FollowBench& operator=(const FollowBench&) = delete;

  // ---- The log
  /// One batch, of values of these sizes.
  void append(std::int32_t partition, const std::vector<std::size_t>& value_bytes);
  /// The same, by the bytes of the events of a tail of partition 0 alone.
  void append_events(const std::vector<std::size_t>& event_bytes);
  void append_many(std::int32_t partition, std::size_t batches, std::size_t records,
                   std::size_t value_bytes);
  [[nodiscard]] Offset end(std::int32_t partition) { return Offset(size_of_log(partition)); }
  /// Whoever asks for it is told so.
  void fail(std::int32_t partition, Errc code) { failing_[partition] = code; }

  // ---- Tails
  /// From these offsets of partitions 0, 1, ... on.
  Tail& tail(const std::vector<std::int64_t>& from);
  void open(Tail& tail);
  /// As a reader whose connection ended: what is not whole is forgotten.
  void come_back(Tail& tail);
  void ask(Tail& tail);
  /// Until every tail that reads waits for more.
  void run();
  /// One piece, or the end.
  void take_piece(Tail& tail);
  /// Fetches that wait come back with nothing.
  void end_waits();
  /// Empty: it got every record to the end of the log, in order, and nothing else.
  [[nodiscard]] std::string problem_of(const Tail& tail);

  Micros now{1'000'000'000};
  Places places{tail_places_max};
  std::shared_ptr<FetchLanes> lanes;
  std::size_t fetches = 0;      ///< That brought records.
  std::size_t alive = 0;        ///< Bytes of records that somebody has.
  std::size_t most_alive = 0;   ///< At any time.
  std::uint64_t most_held = 0;  ///< Of FetchLanes::held_bytes(), at any time.
  std::size_t largest_piece = 0;
  std::deque<Tail> tails;

 private:
  struct Batch {
    std::int64_t first = 0;
    std::uint32_t count = 0;
    std::shared_ptr<const std::string> payload;
    std::vector<std::size_t> starts;  ///< Of its records in the payload.
  };
  struct Log {
    std::vector<Batch> batches;
    std::vector<std::size_t> value_bytes;
  };
  struct Sent {
    FetchCall call;
    std::function<void(Result<FetchAnswer>)> then;
  };

  [[nodiscard]] std::int64_t size_of_log(std::int32_t partition);
  [[nodiscard]] std::string value_of(std::int32_t partition, std::int64_t offset);
  void answer(Sent&& sent);
  [[nodiscard]] FetchAnswer records_for(const FetchCall& call);
  [[nodiscard]] RecordBatch::Run run_of(const Batch& batch, const FetchCall& call);
  void take(Tail& tail, const std::string& piece);
  void take_event(Tail& tail, const std::string& event);
  [[nodiscard]] std::optional<std::string> expected(Tail& tail, const std::string& event);

  const std::shared_ptr<const std::string> topic_ = std::make_shared<const std::string>("t");
  std::map<std::int32_t, Log> logs_;
  std::map<std::int32_t, Errc> failing_;
  std::deque<Sent> sent_;
  std::deque<Sent> waits_;
  bool is_over_ = false;
};

}  // namespace pinion::gateway::test
