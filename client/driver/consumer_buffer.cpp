#include "client/driver/consumer_buffer.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>

namespace pinion::client {
namespace {

/// The I/O thread is woken for room when so much was read, or when a partition has run empty.
constexpr std::size_t tell_consumed_bytes = 256 * limits::kib;

/// The bytes of the first `count` records of a payload.
std::size_t bytes_of_records(std::string_view payload, std::uint32_t count) {
  BatchReader reader(payload);
  RecordView record;
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; i < count && reader.next(record); ++i) bytes += encoded_size(record);
  return bytes;
}

}  // namespace

// ---- Application threads

Result<RecordBatch> ConsumerBuffer::poll(std::size_t records_max, Micros timeout) {
  mark_processed();
  RecordBatch batch;
  std::optional<Error> problem;
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    const auto something = [this] { return closed_ || !errors_.empty() || !line_.empty(); };
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
      if (!something() && !ready_.wait_until(lock, deadline, something)) break;
      if (closed_) return failure(Errc::closed, "the consumer is closed");
      if (!errors_.empty()) {
        problem = std::move(errors_.front());
        errors_.pop_front();
        break;
      }
      gather(batch, std::max<std::size_t>(1, records_max), problem);
      if (problem || !batch.empty()) break;  // Else there were only jumps.
    }
    wake = std::exchange(consumed_, false);
  }
  if (wake) waker_->wake();
  if (problem) return failure(std::move(*problem));
  return batch;
}

void ConsumerBuffer::gather(RecordBatch& out, std::size_t records_max,
                            std::optional<Error>& problem) {
  while (!line_.empty() && out.size() < records_max) {
    const PartitionKey key = line_.front();
    const auto at = parts_.find(key);
    if (at == parts_.end() || at->second.items.empty()) {
      if (at != parts_.end()) at->second.in_line = false;
      line_.pop_front();
      continue;
    }
    Part& part = at->second;
    Item& item = part.items.front();
    if (auto* error = std::get_if<Error>(&item)) {
      if (!out.empty()) return;  // First what was read before it.
      problem = *error;
      part.problem = error->to_string();
      part.items.pop_front();
      return;
    }
    if (const auto* jump = std::get_if<Jump>(&item)) {
      part.next = jump->next;
      part.last_epoch = jump->last_epoch;
      part.items.pop_front();
      continue;
    }
    auto& buffered = std::get<Buffered>(item);
    const std::size_t bytes = take_records(key, part, buffered, records_max - out.size(), out);
    const bool whole = buffered.skip == buffered.batch.header.record_count;
    if (whole) part.items.pop_front();
    consume(part, bytes);
    if (!whole) return;  // As many as were wanted.
    line_.pop_front();
    part.in_line = !part.items.empty();
    if (part.in_line) line_.push_back(key);
  }
}

std::size_t ConsumerBuffer::take_records(PartitionKey key, Part& part, Buffered& buffered,
                                         std::size_t records_max, RecordBatch& out) {
  const BatchHeader& header = buffered.batch.header;
  const Bytes& payload = buffered.batch.payload;
  const std::uint32_t left = header.record_count - buffered.skip;
  const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(left, records_max));
  const std::string_view rest = payload.view().substr(buffered.skip_bytes);
  const std::size_t bytes = count == left ? rest.size() : bytes_of_records(rest, count);
  out.add({.topic = part.topic,
           .partition = key.partition,
           .first = header.base_offset + std::int64_t{buffered.skip},
           .first_log_time = header.append_time + Micros(buffered.skip),
           .count = count,
           .records = payload.slice(buffered.skip_bytes, bytes)});
  buffered.skip += count;
  buffered.skip_bytes += bytes;
  part.next = header.base_offset + std::int64_t{buffered.skip};
  part.last_epoch = header.leader_epoch;
  return bytes;
}

void ConsumerBuffer::consume(Part& part, std::size_t bytes) {
  part.consumed += bytes;
  has_consumed_.store(true);
  told_bytes_ += bytes;
  if (told_bytes_ < tell_consumed_bytes && !part.items.empty()) return;
  told_bytes_ = 0;
  consumed_ = true;
}

Result<ConsumerBuffer::Sought> ConsumerBuffer::seek(const TopicPartition& partition) {
  const std::lock_guard lock(mutex_);
  const auto found = find(partition);
  if (found == parts_.end()) {
    return failure(Errc::invalid_argument, "partition " +
                                               std::to_string(partition.partition.raw()) + " of '" +
                                               partition.topic + "' is not read here");
  }
  Part& part = parts_.find(found->first)->second;
  ++part.reading;
  part.items.clear();
  part.next = offset_unassigned;
  part.problem.clear();
  part.consumed = 0;
  return Sought{found->first, part.reading};
}

std::vector<TopicPartition> ConsumerBuffer::partitions() const {
  const std::lock_guard lock(mutex_);
  std::vector<TopicPartition> all;
  for (const auto& [key, part] : parts_) all.push_back({*part.topic, key.partition});
  return all;
}

Result<PartitionKey> ConsumerBuffer::key_of(const TopicPartition& partition) const {
  const std::lock_guard lock(mutex_);
  const auto found = find(partition);
  if (found != parts_.end()) return found->first;
  return failure(Errc::invalid_argument, "that partition is not read here");
}

std::vector<PartitionPosition> ConsumerBuffer::positions() const {
  std::vector<PartitionPosition> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, part] : parts_) {
      PartitionPosition position;
      position.partition = {*part.topic, key.partition};
      position.next = part.next;
      position.committed = part.committed;
      position.high_watermark = part.high_watermark;
      if (part.next >= Offset{0} && part.high_watermark >= Offset{0}) {
        position.lag = std::max<std::int64_t>(0, part.high_watermark - part.next);
        position.at_end = position.lag == 0;
      }
      position.problem = part.problem;
      all.push_back(std::move(position));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.partition < b.partition; });
  return all;
}

std::vector<ReadPosition> ConsumerBuffer::returned() const {
  const std::lock_guard lock(mutex_);
  std::vector<ReadPosition> all;
  for (const auto& [key, part] : parts_) {
    if (part.next < Offset{0} || part.next == part.committed) continue;
    all.push_back({key, part.next, part.last_epoch});
  }
  return all;
}

void ConsumerBuffer::mark_processed() {
  const std::lock_guard lock(mutex_);
  for (auto& [key, part] : parts_) {
    part.processed = part.next;
    part.processed_epoch = part.last_epoch;
  }
}

void ConsumerBuffer::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  ready_.notify_all();
}

ConsumerBuffer::Parts::const_iterator ConsumerBuffer::find(const TopicPartition& partition) const {
  return std::find_if(parts_.begin(), parts_.end(), [&](const auto& at) {
    return at.first.partition == partition.partition && *at.second.topic == partition.topic;
  });
}

// ---- I/O thread

void ConsumerBuffer::on_joined(const PartitionJoined& joined) {
  const std::lock_guard lock(mutex_);
  parts_[joined.key].topic = joined.topic;
}

void ConsumerBuffer::on_left(const PartitionLeft& left) {
  const std::lock_guard lock(mutex_);
  parts_.erase(left.key);
}

void ConsumerBuffer::on_located(const PartitionLocated& located) {
  const std::lock_guard lock(mutex_);
  const auto at = parts_.find(located.key);
  if (at == parts_.end() || at->second.reading != located.reading) return;
  Part& part = at->second;
  if (part.next < Offset{0}) {
    part.next = located.next;
    part.last_epoch = located.last_epoch;
    part.committed = located.committed;
    return;
  }
  push(located.key, part, Jump{located.next, located.last_epoch});
}

void ConsumerBuffer::on_fetched(Fetched&& fetched) {
  const std::lock_guard lock(mutex_);
  const auto at = parts_.find(fetched.key);
  if (at == parts_.end() || at->second.reading != fetched.reading) return;
  Part& part = at->second;
  part.high_watermark = std::max(part.high_watermark, fetched.high_watermark);
  for (Batch& batch : fetched.batches) {
    Buffered buffered{std::move(batch), 0, 0};
    const std::int64_t head = fetched.next - buffered.batch.header.base_offset;
    if (head > 0) {
      buffered.skip = static_cast<std::uint32_t>(head);
      buffered.skip_bytes = bytes_of_records(buffered.batch.payload.view(), buffered.skip);
      part.consumed += buffered.skip_bytes;
      has_consumed_.store(true);
    }
    push(fetched.key, part, std::move(buffered));
  }
}

void ConsumerBuffer::on_problem(const ConsumerProblem& problem) {
  const std::lock_guard lock(mutex_);
  const auto at = parts_.find(problem.key);
  if (at == parts_.end()) {
    errors_.push_back(problem.error);
    ready_.notify_all();
  } else if (at->second.reading == problem.reading) {
    push(problem.key, at->second, problem.error);
  }
}

void ConsumerBuffer::push(PartitionKey key, Part& part, Item item) {
  part.items.push_back(std::move(item));
  if (!part.in_line) {
    part.in_line = true;
    line_.push_back(key);
  }
  ready_.notify_one();
}

void ConsumerBuffer::on_committed(PartitionKey key, Offset next) {
  const std::lock_guard lock(mutex_);
  const auto at = parts_.find(key);
  if (at != parts_.end()) at->second.committed = next;
}

std::vector<ReadPosition> ConsumerBuffer::processed() const {
  const std::lock_guard lock(mutex_);
  std::vector<ReadPosition> all;
  for (const auto& [key, part] : parts_) {
    if (part.processed < Offset{0} || part.processed == part.committed) continue;
    all.push_back({key, part.processed, part.processed_epoch});
  }
  return all;
}

void ConsumerBuffer::take_consumed(ConsumerHandle consumer, std::vector<Consumed>& out) {
  const std::lock_guard lock(mutex_);
  has_consumed_.store(false);
  for (auto& [key, part] : parts_) {
    if (part.consumed == 0) continue;
    out.push_back({consumer, key, part.reading, std::exchange(part.consumed, 0)});
  }
}

}  // namespace pinion::client
