// Reading: what the consumer panel does, as a value that is told what happens and says what it
// wants. Pure: no clock, no socket, no thread.
//
// A named reader keeps its position in each partition. A refresh asks every partition for the
// reader's position and its high watermark, reads exactly what lies between them, commits, and is
// over; so nothing is fetched twice, also after the program was closed. The next refresh follows a
// period later. Live, each partition has a fetch waiting at its end instead.
//
//   of a partition:   resting -> locating -> (placing) -> fetching -> resting
//                                                         ^      v
//                                                         (live: again and again)
//
// Every effect carries the reading's generation; an answer to an older one is ignored. What was
// read in this session is remembered here too, so a commit that failed makes nothing appear twice.
#pragma once

#include "common/base/error.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pinion::gui {

enum class ReadMode : std::uint8_t { periodic, live, paused };

/// What is known of a topic by its name.
struct ReadTopic {
  std::int32_t partitions = 0;
  TopicId id{0};  ///< One that is made again under the name has another; 0: not known.
  bool operator==(const ReadTopic&) const = default;
};
using ReadTopics = std::map<std::string, ReadTopic>;

struct ReadPartition {
  std::string topic{};
  std::int32_t partition = 0;
  auto operator<=>(const ReadPartition&) const = default;
};

/// A place to read from.
struct ReadPlace {
  enum class Kind : std::uint8_t { committed, earliest, latest, offset, time };
  Kind kind = Kind::committed;
  std::int64_t offset = 0;        ///< With `offset`.
  Micros time{0};                 ///< With `time`.
  std::optional<Micros> until{};  ///< Read only what is before this time, then stop.
};

struct ReadSettings {
  std::vector<std::string> topics{};
  std::string reader{};  ///< Without a prefix. Empty: nothing is kept.
  Micros period = 30s;
  /// Where a partition is read from that knows no position of the reader.
  ReadPlace::Kind start = ReadPlace::Kind::earliest;
  bool operator==(const ReadSettings&) const = default;
};

/// What is shown of one partition.
struct ReadProgress {
  ReadPartition partition{};
  std::optional<std::int64_t> next{};  ///< The next offset to read.
  std::optional<std::int64_t> high_watermark{};
  std::uint64_t records = 0;  ///< Read in this session.
  std::uint64_t skipped = 0;  ///< Deleted before they were read.
  std::string problem{};
};

struct ReadingView {
  bool active = false;
  ReadSettings settings{};
  ReadMode mode = ReadMode::periodic;
  bool refreshing = false;
  Micros next_refresh_at{0};             ///< Monotonic; 0: none is planned.
  std::optional<Micros> refreshed_at{};  ///< Wall time of the last refresh's end.
  std::uint64_t refresh_records = 0;  ///< What the last refresh brought, or the running one so far.
  std::optional<std::int64_t> waiting{};  ///< Records that are known and not read yet.
  bool range_done = false;                ///< Everything before ReadPlace::until is read.
  std::optional<Micros> until{};
  std::vector<ReadProgress> partitions{};
};

struct LocatedPosition {
  std::int64_t next = -1;  ///< -1: the reader has none.
  std::int64_t epoch = 0;
  std::int64_t high_watermark = 0;
  std::int64_t log_start = 0;
};
struct FetchedRange {
  std::int64_t next = 0;
  std::int64_t epoch = 0;
  std::int64_t high_watermark = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

struct ReadingEffects {
  struct Ask {
    ReadPartition partition{};
    std::uint64_t generation = 0;
  };
  struct Place {
    ReadPartition partition{};
    std::uint64_t generation = 0;
    ReadPlace::Kind kind = ReadPlace::Kind::earliest;
    Micros time{0};
    bool is_end = false;  ///< For the end of a range.
  };
  struct Fetch {
    ReadPartition partition{};
    std::uint64_t generation = 0;
    std::int64_t offset = 0;
    std::int64_t epoch = 0;
    Micros wait{0};
  };
  struct Commit {
    ReadPartition partition{};
    std::uint64_t generation = 0;
    std::int64_t next = 0;
    std::int64_t epoch = 0;
  };
  std::vector<Ask> asks{};        ///< Answered by on_located.
  std::vector<Place> places{};    ///< Answered by on_placed.
  std::vector<Fetch> fetches{};   ///< Answered by on_fetched.
  std::vector<Commit> commits{};  ///< Answered by on_committed.
};

class Reading {
 public:
  /// How many partitions are asked and fetched at once in a refresh.
  static constexpr std::size_t busy_max = 64;
  /// What one refresh reads at most; the rest waits for the next one, and is shown as waiting.
  static constexpr std::uint64_t refresh_records_max = 1'000'000;
  static constexpr std::uint64_t refresh_bytes_max = 512UL * 1024 * 1024;
  static constexpr Micros live_wait = 10s;
  static constexpr Micros live_retry = 1s;
  static constexpr Micros live_commit_every = 1s;

  void start(const Now& now, ReadSettings settings, ReadPlace from, ReadingEffects& out);
  void stop(ReadingEffects& out);
  void set_mode(const Now& now, ReadMode mode, ReadingEffects& out);
  void set_period(const Now& now, Micros period);
  void refresh(const Now& now, ReadingEffects& out);
  /// Reads on from there, and commits the new place for the reader.
  void seek(const Now& now, ReadPlace place, ReadingEffects& out);
  /// The topics, as far as they are known. New partitions join; those of a topic that was deleted
  /// and made again are read from their start, whatever was read of the former ones.
  void on_topics(const Now& now, const ReadTopics& topics, ReadingEffects& out);
  void on_tick(const Now& now, ReadingEffects& out);
  void on_located(const Now& now, const ReadPartition& partition, std::uint64_t generation,
                  const Result<LocatedPosition>& position, ReadingEffects& out);
  void on_placed(const Now& now, const ReadPartition& partition, std::uint64_t generation,
                 bool is_end, const Result<std::int64_t>& offset, ReadingEffects& out);
  /// False: an old answer, whose records are not to be shown. Otherwise those below `keep_below`.
  struct Accepted {
    bool accepted = false;
    std::int64_t keep_below = 0;
  };
  Accepted on_fetched(const Now& now, const ReadPartition& partition, std::uint64_t generation,
                      std::int64_t offset, const Result<FetchedRange>& fetched,
                      ReadingEffects& out);
  void on_committed(const ReadPartition& partition, std::uint64_t generation, std::int64_t next,
                    const Result<void>& committed);

  [[nodiscard]] Micros next_deadline() const;  ///< Monotonic; `never` when nothing is planned.
  [[nodiscard]] ReadingView view() const;
  [[nodiscard]] bool active() const noexcept { return active_; }

 private:
  enum class Phase : std::uint8_t { resting, queued, locating, placing, fetching };
  struct Part {
    Phase phase = Phase::resting;
    TopicId topic{0};
    std::int64_t next = -1;
    std::int64_t epoch = 0;
    std::int64_t high_watermark = -1;
    std::int64_t target = 0;  ///< Where this refresh ends.
    std::int64_t end = -1;    ///< Of the range; -1: none, or not known yet.
    std::int64_t committed = -1;
    bool committing = false;
    bool chosen = false;  ///< `next` was sought: it counts, whatever the partition says.
    ReadPlace place{};    ///< Where to begin when chosen and not placed yet.
    bool placed = true;
    bool anew = false;       ///< Of a topic that was made again: it begins at its start.
    bool id_is_old = false;  ///< It is at what was made again already, and the status is not.
    Micros commit_at{0};
    Micros retry_at = never;
    std::uint64_t records = 0;
    std::uint64_t skipped = 0;
    std::string problem{};
  };
  using Parts = std::map<ReadPartition, Part>;

  void abandon(const Now& now, ReadingEffects& out);
  bool forget_former(const Now& now, const std::string& name, const ReadTopic& topic,
                     ReadingEffects& out);
  void begin_refresh(const Now& now, ReadingEffects& out);
  void start_queued(ReadingEffects& out);
  void locate(Parts::iterator at, ReadingEffects& out);
  void place(Parts::iterator at, ReadingEffects& out);
  void go_on(const Now& now, Parts::iterator at, ReadingEffects& out);
  void fetch(const Now& now, Parts::iterator at, ReadingEffects& out);
  void commit(const Now& now, Parts::iterator at, ReadingEffects& out);
  void rest(const Now& now, Parts::iterator at, ReadingEffects& out);
  void fail(const Now& now, Parts::iterator at, const Error& error, ReadingEffects& out);
  void end_refresh_if_done(const Now& now);
  [[nodiscard]] bool within_budget() const;
  [[nodiscard]] Parts::iterator find(const ReadPartition& partition, std::uint64_t generation,
                                     Phase phase);
  [[nodiscard]] bool range_is_done() const;
  void plan_refresh(const Now& now);

  bool active_ = false;
  ReadSettings settings_{};
  ReadMode mode_ = ReadMode::periodic;
  std::optional<Micros> until_{};
  std::uint64_t generation_ = 0;
  Parts parts_{};
  ReadTopics topics_{};
  bool refreshing_ = false;
  Micros next_refresh_at_ = never;
  std::optional<Micros> refreshed_at_{};
  std::uint64_t refresh_records_ = 0;
  std::uint64_t refresh_bytes_ = 0;
  std::size_t busy_ = 0;  ///< Partitions that are locating, placing or fetching.
  ReadPlace from_{};      ///< For partitions that join.
};

}  // namespace pinion::gui
