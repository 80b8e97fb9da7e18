// ProducerSession: one producer's batches on their way: sequences, the window, resending, and what
// may be said of a batch when it ends. Pure; part of ClientSession.
//
// Each partition is a lane: `waiting` batches that never left, and at most five `inflight`, which
// have their sequences. A lane sends in order and reports in order.
//
//   waiting ──sequence given──► inflight ──ok──► reported acknowledged
//                                 │  ▲
//              refused, retriable │  │ again, in order, under the same sequence: after a pause, at
//              or no answer       ▼  │ once when the leader moved or the connection is back
//                               (idle)
//
// What makes it safe (docs/PROTOCOL.md, Producing):
//   1. The leader takes a producer's batches in sequence only. So when a batch is certainly not in
//      the log, nothing behind it of the same producer epoch is.
//   2. A batch ends `failed` only when it never left, or when the refusal is final and every
//   attempt
//      was refused. Otherwise it ends `unknown`.
//   3. Whenever a batch that had left ends other than acknowledged, the lane takes a new producer
//      epoch. After a failed one, all that stood behind it is sent again, renumbered from 0 (by 1.
//      none of it is in the log). After an unknown one, those behind it whose own fate is unknown
//      end with it: sent again they might be there twice.
//   4. out_of_order_sequence for a batch that is not the first says only that an earlier one has
//      not arrived. For the first it says that the leader has forgotten the producer: as 3.
#pragma once

#include "client/core/backoff.hpp"
#include "client/core/metadata_cache.hpp"
#include "client/core/session_io.hpp"
#include "client/core/timer_queue.hpp"
#include "client/core/wire.hpp"
#include "common/base/bytes.hpp"
#include "common/base/ids.hpp"
#include "common/base/time.hpp"
#include "common/proto/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace pinion::client {

class ProducerSession {
 public:
  ProducerSession(const OpenProducer& open, Wire& wire, MetadataCache& metadata);

  void send(const Now& now, SendBatch&& batch, Effects& out);
  void on_answer(const Now& now, PartitionKey key, Message&& answer, Effects& out);
  void on_tick(const Now& now, Effects& out);
  void on_connected(const Now& now, Effects& out);
  void on_lost(const Now& now, Effects& out);
  void on_moved(const Now& now, PartitionKey key, Effects& out);
  /// Credit came back: the lanes that went without it, longest waiting first.
  void on_room(const Now& now, Effects& out);
  /// Reports everything that is open.
  void close(Effects& out);

  [[nodiscard]] std::optional<std::size_t> batch_worth_sending(PartitionKey key) const;
  [[nodiscard]] Micros next_deadline() const noexcept;
  void check_invariants() const;

 private:
  struct Batch {
    BatchNumber number{0};
    Bytes payload;
    BatchHeader header;
    Micros deadline{0};
    std::uint32_t attempts = 0;
    std::uint32_t unresolved =
        0;  ///< Attempts of which nobody knows whether they were carried out.
    std::optional<RequestId> request;  ///< The attempt that is on its way.
    Micros answer_by = never;
    Epoch sent_under{0};   ///< The leader epoch known at the last attempt.
    bool blocked = false;  ///< Refused because an earlier one is missing: waits for that one.
    std::optional<BatchDone> done;  ///< Waits for the earlier ones to be reported.
  };
  struct Lane {
    std::deque<Batch> inflight;
    std::deque<Batch> waiting;
    ProducerEpoch epoch{0};
    Sequence next_sequence{0};
    Micros retry_at{0};
    Backoff retry{limits::client_retry_min, limits::client_retry_max};
    Errc last_error = Errc::ok;  ///< The last refusal, for people.
    std::string last_detail;
    bool starved = false;
    std::optional<std::size_t> room;  ///< As last told.
  };
  using Lanes = std::map<PartitionKey, Lane>;

  // producer_session.cpp
  void after_input(const Now& now, Lanes::value_type& at, Effects& out);
  void pump(const Now& now, Lanes::value_type& at, Effects& out);
  [[nodiscard]] bool attempt(const Now& now, Lanes::value_type& at, Batch& batch, Effects& out);
  void schedule(const Now& now, const Lanes::value_type& at);
  void tell_room(Lanes::value_type& at, Effects& out);
  void ask_for_id(const Now& now, Effects& out);
  void on_id_answer(const Now& now, const Message& answer, Effects& out);
  [[nodiscard]] bool may_send() const noexcept;
  [[nodiscard]] std::optional<std::size_t> room_of(const Lane& lane) const noexcept;

  // producer_outcomes.cpp: what an answer, or its absence, says of a batch.
  void on_refused(const Now& now, Lanes::value_type& at, std::size_t index, Error why,
                  Epoch leader_epoch, Effects& out);
  void on_out_of_order(const Now& now, Lanes::value_type& at, std::size_t index, Error why,
                       Effects& out);
  void end_late(const Now& now, Lanes::value_type& at, Effects& out);
  void finish(PartitionKey key, Batch& batch, Outcome outcome, Error error) const;
  void report_finished(Lanes::value_type& at, Effects& out);
  void take_new_epoch(Lanes::value_type& at, Effects& out);
  void end_unresolved(Lanes::value_type& at);
  void withdraw(Batch& batch);
  [[nodiscard]] std::string late_text(const Lane& lane) const;

  const OpenProducer open_;
  Wire* wire_;
  MetadataCache* metadata_;
  Lanes lanes_;
  TimerQueue<PartitionKey> timers_;
  std::deque<PartitionKey> starved_;

  ProducerId id_ = producer_none;  ///< Stays none when not idempotent.
  std::optional<RequestId> id_request_;
  Micros id_retry_at_{0};
  Micros id_answer_by_ = never;
  Backoff id_retry_{limits::client_retry_min, limits::client_retry_max};
};

}  // namespace pinion::client
