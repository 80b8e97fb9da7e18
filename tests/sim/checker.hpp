// What clients saw, held against what Pinion promises. Fed by the workload while the simulation
// runs, so that a violation is reported at the step at which it became visible; nothing in here
// looks inside a process. The names of violations are Jepsen's where Jepsen has one
// (docs/TESTING.md explains each).
//
// A version order is rebuilt per partition from every (offset, value) pair that anybody saw. Every
// value is unique: "p<process>-<counter>". Sends and other operations end as ok, fail or info
// (nobody knows); a failed one must never be seen, an info one may be.
#pragma once

#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pinion::sim {

enum class Outcome : std::uint8_t { pending, ok, fail, info };
[[nodiscard]] const char* name_of(Outcome outcome);

struct Violation {
  std::string name;
  std::string text;
};

using SendId = std::uint32_t;

struct SendOp {
  std::int32_t process = 0;
  std::int32_t counter = 0;
  Acks acks = Acks::all;
  Outcome outcome = Outcome::pending;
  std::optional<PartitionKey> key;    ///< Where it went, as far as anybody knows.
  Offset offset = offset_unassigned;  ///< By its answer, or by the first read.
  bool read = false;
  Micros invoked{0};
};

class Checker {
 public:
  // ---- Sends

  /// Returns the value to send.
  SendId on_send(std::int32_t process, Acks acks, std::optional<PartitionKey> key, Micros now);
  [[nodiscard]] std::string value_of(SendId send) const;
  /// Without an offset: acknowledged, and nobody can say any more where it is.
  void on_send_ok(SendId send, PartitionKey key, Offset offset);
  void on_send_fail(SendId send, Errc code);
  void on_send_info(SendId send, Errc code);

  // ---- Polls. A reading is one consumer's way through one partition since it was assigned or
  // sought; a new number each time.

  using ReadingId = std::uint32_t;
  /// The first record it is given must be the one at `start`.
  ReadingId on_assigned(const std::string& consumer, PartitionKey key, Offset start);
  struct PolledRecord {
    Offset offset;
    std::string_view value;
  };
  void on_polled(ReadingId reading, const std::vector<PolledRecord>& records);

  // ---- Positions and high watermarks. Asked first, so that the floor is what was certain before
  // the question.

  using QuestionId = std::uint32_t;
  QuestionId on_ask_high_watermark(PartitionKey key);
  void on_high_watermark(QuestionId question, Offset high_watermark);
  /// A position is a register: the last write stays. One that ended as info may take effect at any
  /// later time; one that was answered may not take effect again.
  using CommitId = std::uint32_t;
  CommitId on_commit(const std::string& reader, PartitionKey key, Offset offset);
  void on_commit_ended(CommitId commit, Outcome outcome);
  QuestionId on_ask_position(const std::string& reader, PartitionKey key);
  void on_position(QuestionId question, Offset offset);

  // ---- Dequeues

  void on_dequeue(const std::string& reader, PartitionKey key, const std::string& token);
  void on_dequeue_ok(const std::string& reader, PartitionKey key, const std::string& token,
                     Offset offset, std::string_view value);
  /// `may_have_happened`: the client gave up on it, and it may have moved the position.
  enum class MayHaveHappened : std::uint8_t { no, yes };
  void on_dequeue_ended(const std::string& reader, PartitionKey key, const std::string& token,
                        MayHaveHappened may_have_happened);

  // ---- Topics

  void on_create_ok(TopicId topic, const std::string& name);
  void on_delete(const std::string& name);
  void on_delete_ok(TopicId topic);
  /// All topics, as an answer that was asked for at a time when nothing about topics was pending.
  void on_topics(const std::vector<TopicMetadata>& topics);
  void on_producer_ids(ProducerId first, std::uint32_t count);

  // ---- The end: everything between a partition's start and its high watermark was read.

  void on_drained(PartitionKey key, Offset log_start, Offset high_watermark,
                  const std::vector<PolledRecord>& records);
  void check_end();

  void violate(std::string name, std::string text);
  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }

  [[nodiscard]] const std::vector<SendOp>& sends() const { return sends_; }
  /// The last offset that anybody heard of, or -1.
  [[nodiscard]] Offset highest_offset(PartitionKey key) const;
  [[nodiscard]] std::size_t count_of(Outcome outcome) const;
  [[nodiscard]] std::uint64_t records_polled() const { return records_polled_; }
  /// Records sent, polls that brought any, dequeues, commits, questions: all that clients began.
  [[nodiscard]] std::uint64_t operations() const {
    return sends_.size() + commits_.size() + questions_.size() + polls_and_dequeues_;
  }

  /// Leaders change: what only the leader has acknowledged may be lost with it.
  void allow_loss_of_leader_acks() { leader_acks_last_ = false; }
  /// Unclean elections: a leader that lacks what was committed goes on without it. What follows
  /// from that is no violation; everything else still is.
  void allow_loss() { loss_allowed_ = true; }
  [[nodiscard]] bool loss_allowed() const { return loss_allowed_; }

 private:
  struct Reading {
    std::string consumer;
    PartitionKey key;
    Offset last = offset_unassigned;
  };
  struct Question {
    PartitionKey key;
    std::string reader;
    Offset floor{0};            ///< A high watermark shown before.
    std::uint64_t invoked = 0;  ///< As CommitOp::invoked.
  };
  struct Dequeues {
    std::map<std::string, Offset> by_token;
    std::map<Offset, std::string> by_offset;
    std::set<std::string> open;
    std::uint64_t unknown = 0;
  };
  struct CommitOp {
    Offset offset;
    std::uint64_t invoked = 0;  ///< In order of all commits' and questions' beginnings and ends.
    std::uint64_t ended = 0;
    std::uint64_t seen = 0;  ///< When somebody was first told it; from then on it is certain.
    Outcome outcome = Outcome::pending;
  };

  void see(PartitionKey key, Offset offset, SendId send, const std::string& where);
  void check_order(PartitionKey key, SendId send, Offset offset);
  [[nodiscard]] std::optional<SendId> find(std::string_view value) const;
  void check_record(const std::string& who, PartitionKey key, const PolledRecord& record);

  [[nodiscard]] bool is_promised(Acks acks) const {
    return acks == Acks::all || (acks == Acks::leader && leader_acks_last_);
  }

  bool leader_acks_last_ = true;
  bool loss_allowed_ = false;
  std::vector<SendOp> sends_;
  std::map<std::int32_t, std::vector<SendId>> by_process_;
  std::map<PartitionKey, std::map<Offset, SendId>> log_;
  std::map<std::pair<PartitionKey, std::int32_t>, std::map<std::int32_t, Offset>> order_;
  std::vector<Reading> readings_;
  std::vector<Question> questions_;
  std::map<PartitionKey, Offset> shown_high_watermark_;
  std::vector<CommitOp> commits_;
  std::map<std::pair<std::string, PartitionKey>, std::vector<CommitId>> commits_of_;
  std::uint64_t moment_ = 0;
  std::map<std::pair<std::string, PartitionKey>, Dequeues> dequeues_;
  std::map<TopicId, std::string> created_;
  std::set<std::string> deletions_tried_;
  std::set<TopicId> deleted_;
  std::set<TopicId> surely_deleted_;
  std::map<ProducerId, std::uint32_t> producer_ids_;
  std::map<PartitionKey, std::set<SendId>> drained_;
  std::map<PartitionKey, Offset> drained_start_;
  std::optional<Violation> violation_;
  std::uint64_t records_polled_ = 0;
  std::uint64_t polls_and_dequeues_ = 0;
};

}  // namespace pinion::sim
