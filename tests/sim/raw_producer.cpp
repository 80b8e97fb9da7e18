#include "tests/sim/raw_producer.hpp"

#include "common/base/assert.hpp"
#include "common/base/checksum.hpp"

#include <algorithm>
#include <utility>

namespace pinion::sim {

RawProducer::RawProducer(World& world, std::int32_t index, std::string name, std::uint64_t seed,
                         const TopicBook& book, std::function<std::int32_t()> next_process)
    : RawClient(world, index, std::move(name), seed),
      book_(book),
      next_process_(std::move(next_process)) {}

void RawProducer::begin() {
  process_ = next_process_();
  id_ = producer_none;
  epoch_ = ProducerEpoch(0);
  next_sequence_ = Sequence(0);
  may_have_lost_ = false;
  window_ = static_cast<std::size_t>(prng_.between(1, limits::producer_inflight_max));
  become_known();
}

void RawProducer::end_of_life() {
  for (const BatchInFlight& batch : batches_) {
    if (batch.answered) continue;
    for (const SendId send : batch.sends) world_.checker.on_send_info(send, Errc::cancelled);
  }
  batches_.clear();
}

void RawProducer::become_known() {
  if (!connected() || book_.topics().empty()) {
    later(30ms, [this] { become_known(); });
    return;
  }
  const KnownTopic& topic = book_.topics()[prng_.below(book_.topics().size())];
  key_ = {topic.id, PartitionIndex(static_cast<std::int32_t>(
                        prng_.below(static_cast<std::uint64_t>(topic.partitions))))};
  request(AllocateProducerIds{1}, 500ms, [this](const Message& answer) {
    if (const auto* ids = std::get_if<AllocateProducerIdsReply>(&answer.body)) {
      id_ = ids->first;
      world_.checker.on_producer_ids(ids->first, ids->count);
      return next_turn();
    }
    later(50ms, [this] { become_known(); });
  });
}

void RawProducer::finish() {
  finishing_ = true;
  last_ = 3;
}

void RawProducer::next_turn() {
  if (finishing_ && last_ == 0 && batches_.empty()) return;
  const std::int64_t mean = world_.options.workload.send_every.count();
  later(Micros(prng_.between(1, 2 * mean)), [this] { turn(); });
}

void RawProducer::turn() {
  if (finishing_) {
    const auto doomed = [this](const KnownTopic& t) { return t.id == key_.topic && t.doomed; };
    if (std::any_of(book_.topics().begin(), book_.topics().end(), doomed)) last_ = 0;
  }
  if (batches_.size() < window_ && (!finishing_ || last_ > 0)) {
    make_batch();
    if (finishing_) --last_;
  }
  if (connected()) send_what_waits();
  next_turn();
}

void RawProducer::make_batch() {
  BatchInFlight made;
  const WorkloadOptions& options = world_.options.workload;
  const bool all = prng_.chance(options.acks_all_percent, 100);
  made.acks = all ? Acks::all : (prng_.chance(1, 2) ? Acks::leader : Acks::none);
  std::string payload;
  const auto count = static_cast<std::uint32_t>(prng_.between(1, options.burst_max));
  for (std::uint32_t i = 0; i < count; ++i) {
    const SendId send = world_.checker.on_send(process_, made.acks, key_, world_.scheduler.now());
    made.sends.push_back(send);
    std::string value = world_.checker.value_of(send);
    value.append(prng_.below(options.value_bytes_max), '.');
    RecordView record;
    record.timestamp = now().wall;
    record.value = value;
    append_record(payload, record);
  }
  BatchHeader& header = made.batch.header;
  header.producer_id = id_;
  header.producer_epoch = epoch_;
  header.base_sequence = next_sequence_;
  header.record_count = count;
  header.crc = crc32c(payload);
  made.batch.payload = Bytes(std::move(payload));
  made.give_up_at = world_.scheduler.now() + options.delivery_timeout;
  next_sequence_ = header.next_sequence();
  batches_.push_back(std::move(made));
}

void RawProducer::send_what_waits() {
  if (!batches_.empty() && batches_.front().unknown && !finishing_ &&
      world_.scheduler.now() > batches_.front().give_up_at) {
    return give_up();
  }
  for (BatchInFlight& batch : batches_) {
    if (!batch.under_way && !batch.answered) send_batch(batch);
  }
}

void RawProducer::send_batch(BatchInFlight& batch) {
  batch.under_way = true;
  batch.unknown = true;
  Produce produce;
  produce.acks = batch.acks;
  produce.batch = batch.batch.header;
  const Sequence sequence = batch.batch.header.base_sequence;
  request_with_records(std::move(produce), Frames{batch.batch.payload}, {key_, {}},
                       Micros(prng_.between(100'000, 2'000'000)),
                       [this, sequence, epoch = epoch_](const Message& answer) {
                         on_answer(sequence, epoch, answer);
                       });
}

void RawProducer::on_answer(Sequence sequence, ProducerEpoch epoch, const Message& answer) {
  if (epoch != epoch_) return;
  const auto at = std::find_if(batches_.begin(), batches_.end(), [sequence](const auto& batch) {
    return batch.batch.header.base_sequence == sequence;
  });
  if (at == batches_.end()) return;
  at->under_way = false;
  const Errc error = answer.header.error;
  if (error == Errc::ok) {
    return complete(static_cast<std::size_t>(at - batches_.begin()), answer);
  }
  if (error == Errc::fenced_producer || error == Errc::duplicate_sequence) {
    world_.checker.violate("producer-fenced", name() + " uses its id alone and is told " +
                                                  std::string(name_of(error)));
  }
  // What was answered on receipt, or by a leader alone, may be lost: then nothing follows it.
  const bool gap_stays =
      error == Errc::out_of_order_sequence && may_have_lost_ && at == batches_.begin();
  // Whatever else it says: an earlier try may still be on its way, so the batch is sent again as
  // it is. A predecessor that was lost shows as a gap; it is sent again too.
  if (gap_stays || error == Errc::unknown_topic || error == Errc::unknown_partition) give_up();
}

void RawProducer::complete(std::size_t index, const Message& answer) {
  const auto& reply = std::get<ProduceReply>(answer.body);
  BatchInFlight& batch = batches_[index];
  if (batch.answered) return;
  batch.answered = true;
  may_have_lost_ = may_have_lost_ || batch.acks != Acks::all;
  Offset offset = reply.base_offset;
  for (const SendId send : batch.sends) {
    world_.checker.on_send_ok(send, key_, offset);
    if (offset != offset_unassigned) ++offset;
  }
  while (!batches_.empty() && batches_.front().answered) batches_.pop_front();
}

/// Nobody knows what becomes of all this; under a new epoch none of it can come late. At the end
/// something must get through all the same.
void RawProducer::give_up() {
  world_.counters.count("raw producer: gave up");
  for (const BatchInFlight& batch : batches_) {
    if (batch.answered) continue;
    if (finishing_) ++last_;
    for (const SendId send : batch.sends) world_.checker.on_send_info(send, Errc::timed_out);
  }
  batches_.clear();
  ++epoch_;
  next_sequence_ = Sequence(0);
  may_have_lost_ = false;
}

std::string RawProducer::unfinished() const {
  if (idle()) return "";
  return name() + " waits for " + std::to_string(batches_.size()) + " batches";
}

}  // namespace pinion::sim
