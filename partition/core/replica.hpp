// Replica: one partition on one node, pure. As the leader it assigns offsets, recognises
// duplicates, withholds every acknowledgement until what it promises holds, and shows readers what
// is below the high watermark. As a follower it copies its leader's log. docs/REPLICATION.md draws
// the roles.
//
//   Opening --Opened--> Leading | CatchingUp --> Following        --disk not trusted--> Halted
//      ^                   any of them  --the assignment says so-->  another of them
//      +-- a cut: closed and opened again                            close() --> Closing --> gone
//
// The code is divided by subject: replica.cpp (dispatch and roles), replica_leader.cpp (produce and
// what becomes durable), replica_commit.cpp (what is committed, the in-sync set),
// replica_followers.cpp (a leader answers its followers), replica_copying.cpp (a follower),
// replica_waiters.cpp, replica_fetch.cpp, replica_positions.cpp, replica_retention.cpp,
// replica_reads.cpp, replica_view.cpp, replica_invariants.cpp.
//
// Every request it takes is answered exactly once, whatever happens to the role.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"
#include "partition/core/node_io.hpp"
#include "partition/core/node_shared.hpp"
#include "partition/core/replica_log.hpp"
#include "partition/core/replica_roles.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pinion::partition {

enum class RoleName : std::uint8_t { opening, leading, catching_up, following, closing, halted };

/// What tests, checkers and a dashboard may see.
struct ReplicaView {
  PartitionKey key;
  RoleName role = RoleName::opening;
  PartitionState state = PartitionState::opening;
  Epoch leader_epoch{0};
  Offset log_start{0};
  Offset log_end{0};
  Offset durable_end{0};
  Offset high_watermark{0};
  std::size_t pending = 0;  ///< Persists on their way.
  std::size_t waiting_fetches = 0;
  std::size_t reads = 0;
  std::size_t tail_batches = 0;
  std::size_t producers = 0;
  std::map<std::string, Position> positions;  ///< Visible ones, if this replica may show any.
  NodeId leader = node_none;
  std::vector<NodeId> isr;
  std::int64_t partition_version = 0;
  std::int64_t copy_session = 0;  ///< Which opening of its file this is, as its reports say.
  std::int64_t copy = 0;
  PositionVersion durable_position_version{0};
  bool certain = false;  ///< Leading, and everything that readers were ever shown is committed.
  std::string detail;
};

class Replica {
 public:
  /// Emits the OpenLog.
  Replica(const Now& now, const Assignment& assignment, NodeShared& shared, Effects& out);
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // Inputs; replica.cpp. Each appends to `out`.
  void step(const Now& now, const Assignment& assignment, Effects& out);
  void step(const Now& now, Request request, Effects& out);
  void step(const Now& now, const ReplicaProgress& progress, Epoch epoch, Effects& out);
  void step(const Now& now, NodeId from, Message& answer, Effects& out);  ///< To a fetch.
  void step(const Now& now, Opened& in, Effects& out);
  void step(const Now& now, OpenFailed& in, Effects& out);
  void step(const Now& now, Persisted& in, Effects& out);
  void step(const Now& now, PersistFailed& in, Effects& out);
  void step(const Now& now, LogFailed& in, Effects& out);
  void step(const Now& now, Closed& in, Effects& out);
  void step(const Now& now, RecordsRead& in, Effects& out);
  void step(const Now& now, TimeFound& in, Effects& out);
  void step(const Now& now, RetentionFound& in, Effects& out);
  void step(const Now& now, Queried& in, Effects& out);
  void step(const Now& now, SizesMeasured& in, Effects& out);
  void step(const Now& now, Tick& in, Effects& out);

  /// What kept its file from being opened may be over: tries again at the next tick.
  void retry_open(const Now& now);

  /// Answers what waits, lets what is on its way finish, then closes the log. Requests that come
  /// later are answered `why`.
  void close(const Now& now, Errc why, Effects& out);
  [[nodiscard]] bool closing() const noexcept { return std::holds_alternative<Closing>(role_); }
  [[nodiscard]] bool closed() const noexcept;

  /// After every step of it: how long what is on its way to the disk has been.
  void watch_disk(const Now& now, Effects& out);

  /// The node has room for another read, and this replica's turn has come.
  /// False when there is no room for the one whose turn it is.
  [[nodiscard]] bool start_waiting_read(const Now& now, Effects& out);
  /// The node began or ceased to refuse writes for want of space.
  void space_changed() noexcept { state_changed(); }
  /// The same of a fetch of one that catches up.
  [[nodiscard]] bool start_waiting_fetch(const Now& now, Effects& out);
  /// After every step of it: what it has asked its leader for.
  void count_asked() noexcept;
  /// The node's tail budget is used up, and this replica holds the oldest batch.
  void drop_oldest_of_tail();

  [[nodiscard]] Micros next_deadline() const noexcept;

  [[nodiscard]] PartitionKey key() const noexcept { return key_; }
  [[nodiscard]] const std::string& topic_name() const noexcept { return assignment_.topic_name; }
  [[nodiscard]] std::int64_t partition_version() const noexcept {
    return assignment_.partition_version;
  }
  [[nodiscard]] PartitionState state() const noexcept;
  [[nodiscard]] PartitionStatus status() const;
  [[nodiscard]] ReplicaState report() const;
  /// False while it cannot say what it has for good, in an epoch that nobody leads: what is on its
  /// way to the disk may get there or not. It reports when it can.
  [[nodiscard]] bool may_report() const;
  /// Changes whenever status() is worth telling again.
  [[nodiscard]] std::uint64_t status_version() const noexcept { return status_version_; }
  /// Changes whenever state, epoch or detail do: to be reported at once.
  [[nodiscard]] std::uint64_t report_version() const noexcept { return report_version_; }
  /// Changes whenever status() vouches for another copy of a follower: to be told at once.
  [[nodiscard]] std::uint64_t vouched_version() const noexcept { return vouched_version_; }
  [[nodiscard]] ReplicaView view() const;

  /// Requests held: taken and not answered.
  [[nodiscard]] std::size_t requests_held() const;
  [[nodiscard]] std::size_t reads_started() const noexcept;
  [[nodiscard]] std::size_t pending_bytes() const noexcept { return log_.pending_bytes; }
  [[nodiscard]] std::size_t tail_bytes() const noexcept { return log_.tail.bytes(); }
  [[nodiscard]] std::size_t ahead_bytes() const noexcept;
  [[nodiscard]] std::size_t asked_bytes() const noexcept { return asked_bytes_; }
  void check_invariants() const;

 private:
  // replica.cpp
  void open(Effects& out);
  void open(IfMissing if_missing, Effects& out);
  void on_other_name(const std::string& name, Effects& out);
  void become_by_assignment(const Now& now, Effects& out);
  void become_leading(const Now& now, Effects& out);
  void become_catching_up(const Now& now, Effects& out);
  void become_halted(std::string why, Effects& out, CloseHow how = CloseHow::abandon,
                     FileState file = FileState::unknown);
  /// An open that failed this way is worth another attempt without anybody's help.
  [[nodiscard]] static bool may_open_later(Errc code) noexcept;
  void halt_on(const Error& why, std::string detail, Effects& out);
  void set_damaged_aside(Effects& out);
  void on_damaged_set_aside(const Now& now, const Error& said, Halted& halted, Effects& out);
  void look_at_oldest(const Now& now, Effects& out);
  [[nodiscard]] std::string silence() const;
  void reopen(Effects& out);
  void stop_leading(const Error& why, Effects& out);
  void take_role(Role role);
  void continue_closing(Effects& out);
  [[nodiscard]] Micros followers_deadline(const Leading& leading) const noexcept;
  [[nodiscard]] Offset noted_next() const;
  void answer_everything_waiting(const Error& why, Effects& out);
  void give_up_waiters(const Error& why, Effects& out);
  void give_up_uncommitted(const std::string& why, Effects& out);

  // replica_waiters.cpp: those who wait for the disk or the followers.
  [[nodiscard]] Micros wait_until(const Now& now, Micros deadline);
  void add_attempt(std::vector<ProduceWaiter>& waiters, ProduceWaiter&& waiter, Effects& out);
  void add_attempt(std::vector<PositionWaiter>& waiters, PositionWaiter&& waiter, Effects& out);
  void give_up_attempt(Asker&& asker, Effects& out);
  void expire_waiters(const Now& now, Effects& out);

  void refuse_by_role(Asker&& asker, Effects& out);
  void measure_rates(const Now& now);
  void changed() noexcept { ++status_version_; }
  void state_changed() noexcept {
    ++status_version_;
    ++report_version_;
  }
  [[nodiscard]] Error halted_error(const std::string& why) const;
  [[nodiscard]] Error closing_error(Errc why) const;
  [[nodiscard]] std::string detail() const;
  void event(Effects& out, EventKind kind, Severity severity, std::string detail) const;

  // replica_leader.cpp: produce, and what becomes of persists.
  void on_produce(const Now& now, Request& request, Effects& out);
  void append(const Now& now, Request& request, const Produce& produce, Effects& out);
  void join_original(const Now& now, Request& request, const Produce& produce,
                     const DedupeTable::Finding& original, Effects& out);
  Pending& persist(PersistOp op, std::size_t bytes, Effects& out);
  void start_epoch(EpochStart start, Effects& out);
  [[nodiscard]] bool has_room_to_persist(std::size_t bytes) const noexcept;
  void note_high_watermark(const Now& now, Effects& out);
  void on_durable(const Now& now, Pending& done, Effects& out);
  void drop_pending(const Error& why, Effects& out);
  void note_room(Effects& out);
  void become_full(const Now& now, const std::string& why, Effects& out);
  void answer_produce(ProduceWaiter&& waiter, const BatchHeader& batch, Effects& out);
  [[nodiscard]] std::optional<Error> refuses_writes(const Now& now) const;

  // replica_commit.cpp: what is committed, and the in-sync set.
  void commit_what_is(const Now& now, Effects& out);
  [[nodiscard]] Offset committed_end(const Leading& leading) const;
  [[nodiscard]] PositionVersion committed_positions(const Leading& leading) const;
  [[nodiscard]] bool counts(const Leading& leading, NodeId node) const;
  [[nodiscard]] bool has_enough_in_sync() const;
  [[nodiscard]] bool commits_alone() const;
  [[nodiscard]] bool is_certain(const Leading& leading) const;
  [[nodiscard]] std::vector<NodeId> in_sync() const;
  void review_isr(const Now& now, Effects& out);
  [[nodiscard]] bool may_join(const Leading& leading, const Follower& follower) const;
  void note_if_whole(const Leading& leading, Follower& follower);
  [[nodiscard]] bool is_older(const Follower& follower) const;
  void propose(const Now& now, std::vector<NodeId> isr, Effects& out);
  void adopt_replicas(const Now& now, Leading& leading, Effects& out);
  void note_who_was_refused(const Now& now, Leading& leading);

  // replica_followers.cpp: a leader answers its followers.
  void on_replica_fetch(const Now& now, Request& request, Effects& out);
  [[nodiscard]] Follower* follower_of(const Now& now, Leading& leading, const ReplicaFetch& fetch);
  void note_progress(const Now& now, Follower& follower, Offset durable_end,
                     PositionVersion durable_position_version);
  void serve_follower(const Now& now, Follower& follower, ReplicaFetchWait wait, Effects& out);
  void serve_waiting_followers(const Now& now, Effects& out);
  void tick_followers(const Now& now, Effects& out);
  void answer_follower(const Now& now, Follower& follower, Asker&& asker, const ReplicaFetch& fetch,
                       std::vector<BatchHeader>&& batches, Frames&& payloads, Effects& out);
  void add_positions(ReplicaFetchReply& reply, const ReplicaFetch& fetch) const;
  void answer_follower_read(const Now& now, ReadJob& job, Result<std::vector<Batch>>& batches,
                            Effects& out);
  [[nodiscard]] bool has_news(const Follower& follower, const ReplicaFetch& fetch) const;

  // replica_copying.cpp: a follower.
  [[nodiscard]] Copying* copying() noexcept;
  [[nodiscard]] const Copying* copying() const noexcept;
  void tick_copying(const Now& now, Effects& out);
  void fetch_on(const Now& now, Effects& out);
  [[nodiscard]] std::size_t bytes_to_ask(const Now& now, const Copying& copying) const;
  [[nodiscard]] bool may_ask_now(Copying& copying);
  void tell_progress(const Now& now, Effects& out);
  void retry_later(const Now& now, std::string why, Effects& out);
  void copy(const Now& now, ReplicaFetchReply& reply, Frames& payloads, Effects& out);
  [[nodiscard]] Result<void> check_copied(const ReplicaFetchReply& reply,
                                          const Frames& payloads) const;
  void copy_batch(const BatchHeader& header, Bytes payload, Effects& out);
  void copy_positions(const Now& now, const ReplicaFetchReply& reply, Effects& out);
  void gather_positions(const Now& now, const ReplicaFetchReply& reply, Effects& out);
  void put_gathered(const Now& now, Effects& out);
  void leave_accounts(const Pending& done);
  void cut(const ReplicaFetchReply& reply, Effects& out);
  void begin_again(const Now& now, ReplicaFetchReply& reply, Effects& out);
  void follow_high_watermark(const Now& now, Effects& out);
  void fail_copying(const Now& now, const Error& why, Effects& out);
  [[nodiscard]] Micros copying_deadline(const Copying& copying) const noexcept;

  // replica_fetch.cpp: fetch and list_offset.
  void on_fetch(const Now& now, Request& request, Effects& out);
  void on_list_offset(const Now& now, Request& request, Effects& out);
  void answer_waiting_fetches(const Now& now, Effects& out);
  void stop_serving_fetches(const Error& why, Effects& out);
  [[nodiscard]] static Error leader_changed();
  void expire_waiting_fetches(const Now& now, Effects& out);
  void answer_fetch_from_tail(const Now& now, Asker&& asker, Offset from, std::size_t bytes_max,
                              Effects& out);
  void answer_fetch_read(const Now& now, ReadJob& job, std::vector<Batch>& batches, Effects& out);
  [[nodiscard]] bool answers_from_ahead(const Now& now, ReadJob& job, Effects& out);
  void read_ahead(const Now& now, const FetchJob& last, Offset next, Effects& out);
  void keep_read_ahead(RecordsRead& read);
  void answer_fetch_empty(Asker&& asker, Effects& out);
  void answer_fetch(const Now& now, Asker&& asker, FetchReply&& reply, Frames&& payloads,
                    Effects& out);
  void answer_offset(Asker&& asker, Offset offset, Effects& out);
  [[nodiscard]] Offset shown_high_watermark() const;
  void refuse_offset(Asker&& asker, Errc code, std::string detail, Effects& out);

  // replica_positions.cpp: commit_position, fetch_position, dequeue.
  void on_commit_position(const Now& now, Request& request, Effects& out);
  void on_fetch_position(Request& request, Effects& out);
  void on_dequeue(const Now& now, Request& request, Effects& out);
  [[nodiscard]] bool waits_in_lane(const Now& now, const std::string& reader, Request& request,
                                   Effects& out);
  void free_lane(const Now& now, const std::string& reader, Effects& out);
  void put_position(const Now& now, Position position, PositionWaiter&& waiter, Effects& out);
  const Position& put_row(const Now& now, Position position, PendingPosition pending, Effects& out);
  [[nodiscard]] WaitingFetches* waiting_fetches() noexcept;
  [[nodiscard]] Offset next_to_dequeue(const std::string& reader) const;
  void begin_dequeue(const Now& now, Asker&& asker, DequeueJob job, Micros deadline, Effects& out);
  void finish_dequeue(const Now& now, Asker&& asker, const DequeueJob& job, Batch batch,
                      Effects& out);
  [[nodiscard]] std::optional<Offset> dequeued_before(const std::string& reader,
                                                      const std::string& token);
  [[nodiscard]] Result<Position> position_after(const Now& now, const DequeueJob& job,
                                                Offset returned, Effects& out);
  [[nodiscard]] Result<void> keep_in_slot(const Now& now, const std::string& reader,
                                          const KnownDequeue& dequeue, Effects& out);
  [[nodiscard]] PendingPosition* pending_position(const std::string& reader);
  [[nodiscard]] bool waits_with_the_move(const std::string& reader, PositionWaiter& waiter,
                                         Effects& out);
  void send_on(const Now& now, Asker&& asker, const DequeueJob& job, Effects& out);
  void answer_sent_on(const Now& now, const DequeueJob& job, Asker&& asker, Effects& out);
  void refuse_nothing_unread(Asker&& asker, const std::string& reader, Effects& out);
  void dequeue_read(const Now& now, ReadJob& read, Result<std::vector<Batch>>& batches,
                    Effects& out);
  void go_on_with_dequeue(const Now& now, ReadJob& read, DequeueJob job, bool stale,
                          Result<std::vector<Batch>>& batches, Effects& out);
  void answer_dequeue(const Now& now, Asker&& asker, Offset offset, const Batch& batch,
                      Effects& out);
  void answer_position_waiters(const Now& now, PositionVersion version, const std::string& reader,
                               std::vector<PositionWaiter>& waiters, Effects& out);
  [[nodiscard]] bool refuses_uncertain(Asker& asker, Effects& out);
  void wait_for_position(const std::string& reader, PositionVersion version,
                         PositionWaiter&& waiter, Effects& out);

  // replica_reads.cpp: what goes to the reader threads and comes back; query.
  void on_query(const Now& now, Request& request, Effects& out);
  void give_up_queries(const Error& why, Effects& out);
  void start_or_queue(const Now& now, ReadJob job, Effects& out);
  Ticket start(ReadJob job, Effects& out);
  [[nodiscard]] std::optional<ReadJob> finish_read(Ticket ticket, Effects& out);
  void fail_read(const Now& now, ReadJob& job, const Error& why, Effects& out);
  [[nodiscard]] bool halts_on(ReadJob& job, const Error& why, Effects& out);

  // replica_retention.cpp
  void check_retention(const Now& now, Effects& out);

  PartitionKey key_;
  Assignment assignment_;
  NodeShared* shared_;
  Role role_;
  ReplicaLog log_;

  // The open file, as far as the runner has said.
  Ticket open_ticket_{0};  ///< Of the OpenLog under way.
  bool log_open_ = false;
  bool close_wanted_ = false;
  CloseHow close_how_ = CloseHow::clean;
  bool reopening_ = false;  ///< Once closed it is opened again.
  std::int64_t copy_session_ = 0;
  std::int64_t copy_ = 0;  ///< Which opening of the file this is.
  std::uint64_t role_life_ = 0;
  Ticket close_ticket_{0};
  std::string file_;
  std::size_t asked_bytes_ = 0;        ///< Of its leader, as counted at the gate.
  std::map<Ticket, ReadJob> reads_;    ///< At the reader threads.
  std::deque<ReadJob> reads_waiting_;  ///< For their turn.

  std::uint64_t status_version_ = 1;
  std::uint64_t report_version_ = 1;
  std::uint64_t vouched_version_ = 0;
  Traffic traffic_;
};

}  // namespace pinion::partition
