// ConsumerSession: one consumer's readings, a partition each: where to begin, fetching ahead within
// a bounded buffer, checking what comes, and committing positions. Pure; part of ClientSession.
//
//                    no position
//   asking_position ─────────────► asking_place ──┐        Place::at needs no asking.
//        │ position                     │ offset  │
//        ▼                              ▼         │
//        └────────────► fetching ◄──────┘         │
//                        │    ▲ on_lost_position: earliest, latest
//    error, corrupt, gone▼    └───────────────────┘
//                      stopped ── Seek ──► asking_place
//
// A reading has one request on its way: the next fetch leaves when an answer comes, before it is
// read, as long as less than one answer is buffered. Partitions take turns where the buffer is
// short. With any_replica followers answer fetches; whatever one of them refuses, or does not
// answer, the leader is asked next, whose word counts. A fetch waits at the partition for something
// to read, so a record comes in the time of a round trip.
#pragma once

#include "client/core/backoff.hpp"
#include "client/core/metadata_cache.hpp"
#include "client/core/session_io.hpp"
#include "client/core/timer_queue.hpp"
#include "client/core/wire.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::client {

class ConsumerSession {
 public:
  ConsumerSession(OpenConsumer open, Wire& wire, MetadataCache& metadata);

  void open(const Now& now, Effects& out);
  void on_answer(const Now& now, PartitionKey key, Message&& answer, Effects& out);
  void on_tick(const Now& now, Effects& out);
  void on_connected(const Now& now, Effects& out);
  void on_lost();
  void on_metadata(const Now& now, const MetadataChanges& changes, Effects& out);
  void on_room(const Now& now, Effects& out);
  void consumed(const Now& now, const Consumed& input, Effects& out);
  void seek(const Now& now, const Seek& input, Effects& out);
  void commit(const Now& now, const SendCommit& input, Effects& out);
  void close(Effects& out);

  [[nodiscard]] Micros next_deadline() const noexcept { return timers_.next(); }
  void check_invariants() const;

 private:
  enum class Phase : std::uint8_t { asking_position, asking_place, fetching, stopped };
  struct CommitWait {
    CallId call{0};
    Offset next{0};
    Epoch leader_epoch{0};
    Micros deadline{0};
  };
  /// One commit on its way; what waits behind it is replaced by the last.
  struct CommitLane {
    std::deque<CommitWait> waits;
    std::size_t covered = 0;  ///< So many of them are answered by the one on its way.
    std::optional<RequestId> request;
    Micros answer_by = never;
    Micros retry_at{0};
    bool maybe_done = false;
    std::optional<Error> refused;  ///< The last time, for sure: it is tried again.
    Backoff retry{limits::client_retry_min, limits::client_retry_max};
  };
  struct Part {
    std::shared_ptr<const std::string> topic;
    Reading reading{0};
    Phase phase = Phase::stopped;
    Place place;
    Offset next{0};       ///< The next to fetch.
    Epoch last_epoch{0};  ///< Of the record before it, 0 when unknown.
    Offset high_watermark{-1};
    Offset committed = offset_unassigned;
    std::size_t buffered = 0;  ///< Payload bytes that are not consumed.
    std::size_t reserved = 0;  ///< What the fetch on its way may bring.
    bool queued = false;       ///< Stands in line_.
    bool fresh = false;        ///< Located and not fetched yet: the first answer comes at once.
    int corrupt = 0;           ///< Fetches in a row.
    bool asked_any = false;    ///< The fetch on its way may be answered by a follower.
    bool asks_leader = false;  ///< The next one: a follower could not serve the last.
    std::optional<RequestId> request;
    Micros sent_at{0};
    Micros answer_by = never;
    Epoch sent_under{0};
    Micros retry_at{0};
    Backoff retry{limits::client_retry_min, limits::client_retry_max};
    CommitLane commits;
  };
  using Parts = std::map<PartitionKey, Part>;
  struct Topic {
    std::vector<PartitionIndex> only;  ///< None: all.
    bool known = false;                ///< Whether it exists was known once.
    std::optional<TopicId> id;
    std::shared_ptr<const std::string> name;
  };

  // consumer_session.cpp
  void follow(const Now& now, Topic& topic, Effects& out);
  void join(const Now& now, PartitionKey key, const Topic& topic, Place start, Effects& out);
  void leave_topic(Topic& topic, Effects& out);
  void advance(const Now& now, Parts::value_type& at, Effects& out);
  void pump(const Now& now, Effects& out);
  void schedule(const Now& now, const Parts::value_type& at);
  void withdraw(Part& part);
  void drop_buffered(Part& part);
  [[nodiscard]] std::size_t fetch_share() const noexcept;
  [[nodiscard]] Micros fetch_wait() const noexcept;

  // consumer_reading.cpp: where to begin, fetching, and what answers mean.
  [[nodiscard]] bool wants_to_fetch(const Now& now, const Part& part) const noexcept;
  void ask(const Now& now, Parts::value_type& at, Effects& out);
  [[nodiscard]] bool fetch(const Now& now, Parts::value_type& at, Effects& out);
  void locate(Parts::value_type& at, Offset next, Epoch last_epoch, Effects& out);
  void on_fetched(const Now& now, Parts::value_type& at, Message&& answer, Effects& out);
  [[nodiscard]] Result<void> take_batch(Part& part, const BatchHeader& header, Bytes payload,
                                        std::vector<Batch>& taken);
  void on_corrupt(const Now& now, Parts::value_type& at, Error why, Effects& out);
  void on_refused(const Now& now, Parts::value_type& at, const Message& answer, Effects& out);
  void on_lost_position(const Now& now, Parts::value_type& at, Error why, const ErrorBody& body,
                        Effects& out);
  void stop(Parts::value_type& at, Error why, Effects& out);

  // consumer_commits.cpp
  void on_commit_answer(const Now& now, Parts::value_type& at, const Message& answer, Effects& out);
  void pump_commits(const Now& now, Parts::value_type& at, Effects& out);
  void expire_commits(const Now& now, CommitLane& lane, Effects& out);
  void end_commits(CommitLane& lane, std::size_t count, const Result<Message>& reply, Effects& out);

  const ConsumerHandle handle_;
  const ConsumerSettings settings_;
  Wire* wire_;
  MetadataCache* metadata_;
  std::map<std::string, Topic> topics_;
  Parts parts_;
  std::deque<PartitionKey> line_;  ///< Want to fetch, longest waiting first.
  std::size_t buffered_ = 0;       ///< Of all parts.
  std::size_t reserved_ = 0;
  TimerQueue<PartitionKey> timers_;
};

}  // namespace pinion::client
