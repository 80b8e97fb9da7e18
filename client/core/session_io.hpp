// What happens to a ClientSession and what it wants done: the whole surface between the client's
// core and whoever runs it (the I/O thread of client/driver, or the simulator).
//
// Plain values. The runner chooses handles, batch numbers and call ids, never twice in one life of
// a session. What it must keep:
//   - The effects of one step are carried out before those of the next; within a step in any order,
//     but `reset_link` before `sends`: what was sent before it and has not left is dropped.
//   - A message that the transport does not take (would_block) is kept and tried again, in order,
//     until it is taken or the link is reset.
//   - Every SendBatch is answered by one BatchDone, at its deadline at the latest, and every Call
//   and
//     SendCommit by one CallDone; in one step or another. A Tick must come at
//     ClientSession::next_deadline() at the latest.
#pragma once

#include "client/api/values.hpp"
#include "common/base/bytes.hpp"
#include "common/base/error.hpp"
#include "common/base/ids.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pinion::client {

using ProducerHandle = Tagged<std::uint32_t, struct ProducerHandleTag>;
using ConsumerHandle = Tagged<std::uint32_t, struct ConsumerHandleTag>;
using BatchNumber = Tagged<std::uint64_t, struct BatchNumberTag>;
using CallId = Tagged<std::uint64_t, struct CallIdTag>;
/// Grows with every seek of a partition: what was fetched before it is told apart from what after.
using Reading = Tagged<std::uint32_t, struct ReadingTag>;

// ---- Inputs ------------------------------------------------------------------------------------

/// A message as the DEALER hands it over: [empty] [header] [body] [records...]. Any bytes at all.
struct FromBroker {
  Frames frames;
};
struct Tick {};

/// From now on TopicChanged tells of this topic; the first one follows as soon as it is known
/// whether it exists. Counted: as many UnwatchTopic end it.
struct WatchTopic {
  std::string name;
};
struct UnwatchTopic {
  std::string name;
};

struct OpenProducer {
  ProducerHandle producer{0};
  Acks acks = Acks::all;
  bool idempotent = true;
};
/// One closed batch. Batches of a producer and partition are sent, and reported, in this order.
struct SendBatch {
  ProducerHandle producer{0};
  PartitionKey key;
  BatchNumber number{0};
  Bytes payload;  ///< As record_batch.hpp lays it out.
  std::uint32_t record_count = 0;
  Micros deadline{0};  ///< Monotonic.
};
/// Everything that is not answered is reported now. No more inputs of this handle.
struct CloseProducer {
  ProducerHandle producer{0};
};

struct ConsumerSettings {
  std::vector<std::string> topics;
  std::vector<TopicPartition> partitions;
  std::string reader;  ///< "consumer:NAME"; empty: no positions.
  Place start;
  bool ignore_committed = false;
  OnLostPosition on_lost_position = OnLostPosition::error;
  MissingTopic if_missing = MissingTopic::error;
  bool any_replica = false;  ///< Followers may answer its fetches.
  std::size_t fetch_bytes_max = limits::consumer_fetch_bytes_default;
  std::size_t buffer_bytes_max = limits::consumer_buffer_bytes_default;
};
struct OpenConsumer {
  ConsumerHandle consumer{0};
  ConsumerSettings settings;
};
/// Payload bytes that were fetched and are not needed any more; makes room for more.
struct Consumed {
  ConsumerHandle consumer{0};
  PartitionKey key;
  Reading reading{0};
  std::size_t bytes = 0;
};
/// `reading` is the partition's last one plus one (it starts at 0).
struct Seek {
  ConsumerHandle consumer{0};
  PartitionKey key;
  Reading reading{0};
  Place place;
};
/// Commits for the consumer's reader. At most one is on its way for a partition; a later one
/// replaces those that wait, and answers them too. Requires: settings.reader is not empty.
struct SendCommit {
  ConsumerHandle consumer{0};
  CallId call{0};
  PartitionKey key;
  Offset next{0};
  Epoch leader_epoch{0};
  Micros deadline{0};
};
/// No more inputs of this handle; its commits are answered `closed`.
struct CloseConsumer {
  ConsumerHandle consumer{0};
};

/// A single request. With a topic it goes to that partition's leader, else to the controller.
/// Retriable refusals and lost connections are tried again until the deadline, unless the body is
/// of a kind that must not be repeated blindly (a registration without a name).
struct Call {
  CallId call{0};
  std::string topic;
  PartitionIndex partition{0};
  Body body;
  Micros deadline{0};
  Frames records{};  ///< With Produce: the batch's payload.
};

/// Say goodbye to the broker; the runner ends after it.
struct Stop {};

using Input =
    std::variant<FromBroker, Tick, WatchTopic, UnwatchTopic, OpenProducer, SendBatch, CloseProducer,
                 OpenConsumer, Consumed, Seek, SendCommit, CloseConsumer, Call, Stop>;

// ---- Effects -----------------------------------------------------------------------------------

/// Of one batch, in the order of the SendBatches of its producer and partition.
struct BatchDone {
  ProducerHandle producer{0};
  PartitionKey key;
  BatchNumber number{0};
  Outcome outcome = Outcome::unknown;
  Error error;
  Offset base_offset = offset_unassigned;
  Micros append_time{0};
};
/// How many bytes an open batch needs to be worth taking now (ClientSession::batch_worth_sending)
/// may have changed here; with topic 0, on every partition of the producer.
struct RoomChanged {
  ProducerHandle producer{0};
  PartitionKey key;
};

/// A watched topic was found, changed (its partitions' states and leaders too), or is not there
/// (any more).
struct TopicChanged {
  std::string name;
  std::shared_ptr<const TopicMetadata> topic;  ///< Nothing: it does not exist.
};

/// The consumer reads this partition from now on, until PartitionLeft.
struct PartitionJoined {
  ConsumerHandle consumer{0};
  PartitionKey key;
  std::shared_ptr<const std::string> topic;
};
struct PartitionLeft {
  ConsumerHandle consumer{0};
  PartitionKey key;
};
/// The reading goes on at `next`: its committed position, what its place came to, or where
/// OnLostPosition led it. What was fetched before is still to be read.
struct PartitionLocated {
  ConsumerHandle consumer{0};
  PartitionKey key;
  Reading reading{0};
  Offset next{0};
  Offset committed = offset_unassigned;  ///< Where it was asked for.
  Epoch last_epoch{0};                   ///< Of the record before `next`; 0 when unknown.
};
/// Batches with verified checksums, at consecutive offsets. Records before `next` are to be
/// dropped. No batches: only the high watermark moved.
struct Fetched {
  ConsumerHandle consumer{0};
  PartitionKey key;
  Reading reading{0};
  Offset next{0};
  Offset high_watermark{0};
  std::vector<Batch> batches;
};
/// The reader is to be told. The reading has stopped until a Seek, or for ever (unknown_topic).
struct ConsumerProblem {
  ConsumerHandle consumer{0};
  PartitionKey key;
  Reading reading{0};
  Error error;
};

struct CallDone {
  CallId call{0};
  Result<Message> reply;
  /// An attempt before the last one may have been carried out: a `topic_exists` may be our own.
  bool repeated = false;
};

enum class EventKind : std::uint8_t {
  connected,
  connection_lost,
  hello_refused,
  message_refused,  ///< What came could not be understood, or answers nothing.
  batch_resent,
  epoch_taken,
  corrupt_batch,
};
/// For logs and counters; never for decisions.
struct Event {
  EventKind kind{};
  std::string detail{};
  ProducerHandle producer{0};  ///< With batch_resent and epoch_taken.
};

/// Reused by the runner: it carries out and clears.
struct Effects {
  bool reset_link = false;  ///< Close the socket and connect a fresh one.
  std::vector<Frames> sends;
  std::vector<BatchDone> batches;
  std::vector<RoomChanged> rooms;
  std::vector<TopicChanged> topics;
  std::vector<PartitionJoined> joined;
  std::vector<PartitionLeft> left;
  std::vector<PartitionLocated> located;
  std::vector<Fetched> fetched;
  std::vector<ConsumerProblem> problems;
  std::vector<CallDone> calls;
  std::vector<Event> events;

  void clear() noexcept {
    reset_link = false;
    sends.clear();
    batches.clear();
    rooms.clear();
    topics.clear();
    joined.clear();
    left.clear();
    located.clear();
    fetched.clear();
    problems.clear();
    calls.clear();
    events.clear();
  }
};

}  // namespace pinion::client
