#include "tests/sim/dequeue_client.hpp"

#include <algorithm>
#include <utility>

namespace pinion::sim {

DequeueClient::DequeueClient(World& world, std::int32_t index, std::string name, std::uint64_t seed,
                             const TopicBook& book, Takes takes)
    : RawClient(world, index, std::move(name), seed),
      book_(book),
      takes_(takes),
      reader_("consumer:" + (takes == Takes::alone ? this->name() : "pool")) {}

void DequeueClient::begin() {
  idle_ = false;
  next_turn(Micros(prng_.between(1, 50'000)));
}

/// What this life was doing is not remembered by the next one: its token is given up.
void DequeueClient::end_of_life() {
  idle_ = false;
  if (!token_.empty()) give_up();
}

void DequeueClient::give_up() {
  world_.checker.on_dequeue_ended(
      reader_, key_, token_,
      unknown_ ? Checker::MayHaveHappened::yes : Checker::MayHaveHappened::no);
  token_.clear();
}

void DequeueClient::choose_partition() {
  for (const KnownTopic& topic : book_.topics()) {
    if (topic.name.front() != 't') continue;
    if (takes_ == Takes::in_a_pool) {
      key_ = {topic.id, PartitionIndex(0)};
      chosen_ = true;
      return;
    }
    key_ = {topic.id, PartitionIndex(static_cast<std::int32_t>(
                          prng_.below(static_cast<std::uint64_t>(topic.partitions))))};
    chosen_ = true;
    epoch_ = epoch_unknown;
    if (prng_.chance(1, 2)) return;
  }
}

void DequeueClient::next_turn(Micros delay) {
  later(delay, [this] { turn(); });
}

void DequeueClient::turn() {
  if (!chosen_) choose_partition();
  if (!chosen_ || !connected()) return next_turn(20ms);
  if (token_.empty()) {
    token_ = name() + "-" + std::to_string(tokens_++);
    unknown_ = false;
    world_.checker.on_dequeue(reader_, key_, token_);
  }
  Dequeue dequeue;
  dequeue.reader = reader_;
  dequeue.token = token_;
  const bool earlier_unknown = unknown_;
  unknown_ = true;  // From here on nobody knows, until it is answered.
  request(std::move(dequeue), {key_, epoch_}, Micros(prng_.between(50'000, 1'500'000)),
          [this, earlier_unknown](const Message& answer) {
            const Errc error = answer.header.error;
            epoch_ = std::max(epoch_, answer.header.leader_epoch);
            if (error == Errc::ok) {
              take(answer);
              if (finishing_ && --last_ == 0) {
                idle_ = true;
                return;
              }
              return next_turn(Micros(prng_.between(1, 60'000)));
            }
            if (fate_of(error) == Fate::did_not_happen) unknown_ = earlier_unknown;
            if (error == Errc::nothing_unread && !unknown_) {
              give_up();
              if (finishing_) idle_ = true;
              return idle_ ? void() : next_turn(Micros(prng_.between(1'000, 100'000)));
            }
            if (error == Errc::offset_out_of_range) {  // What it returned, retention took since.
              give_up();
              return next_turn(1ms);
            }
            if (!finishing_ && unknown_ && prng_.chance(1, 8)) give_up();
            // A token that may have been used and finds nothing cannot be told from one that was
            // not; at the end nothing more will come.
            if (finishing_ && error == Errc::nothing_unread) {
              give_up();
              idle_ = true;
              return;
            }
            next_turn(Micros(prng_.between(1'000, 100'000)));
          });
}

void DequeueClient::take(const Message& answer) {
  const auto& reply = std::get<DequeueReply>(answer.body);
  BatchReader reader(answer.records.front().view());
  RecordView record;
  bool found = false;
  for (Offset at = reply.batch.base_offset; reader.next(record); ++at) {
    if (at != reply.offset) continue;
    found = true;
    world_.checker.on_dequeue_ok(reader_, key_, token_, reply.offset, record.value);
  }
  if (!found) world_.checker.violate("dequeue-empty", reader_ + " was given a batch without it");
  if (reply.offset >= reply.high_watermark) {
    world_.checker.violate("read-past-high-watermark",
                           reader_ + " was given an uncommitted record");
  }
  world_.counters.count("dequeued");
  token_.clear();
}

std::string DequeueClient::unfinished() const { return idle_ ? "" : reader_ + " still dequeues"; }

}  // namespace pinion::sim
