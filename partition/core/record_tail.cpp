#include "partition/core/record_tail.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

namespace pinion::partition {

namespace {

std::size_t cost_of(const Batch& batch) noexcept {
  return batch.payload.size() + limits::batch_cost_bytes;
}

}  // namespace

void RecordTail::push(const Batch& batch) {
  PINION_ASSERT(batches_.empty() ||
                batches_.back().batch.header.next_offset() == batch.header.base_offset);
  const std::uint64_t order = ++budget_->last_order;
  batches_.push_back({batch, order});
  budget_->order.emplace_hint(budget_->order.end(), order, key_);
  const std::size_t cost = cost_of(batch);
  bytes_ += cost;
  budget_->bytes += cost;
}

std::size_t RecordTail::index_of(Offset offset) const noexcept {
  std::size_t low = 0;
  std::size_t high = batches_.size();
  while (low < high) {  // The first batch that ends after `offset`.
    const std::size_t middle = low + (high - low) / 2;
    if (batches_[middle].batch.header.next_offset() <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void RecordTail::collect(Offset from, Offset end, std::size_t bytes_max,
                         std::vector<BatchHeader>& headers, Frames& payloads) const {
  PINION_ASSERT(holds(from));
  PINION_ASSERT(from < end);
  std::size_t bytes = 0;
  for (std::size_t i = index_of(from); i < batches_.size(); ++i) {
    const Batch& batch = batches_[i].batch;
    if (batch.header.next_offset() > end) return;
    bytes += batch.payload.size();
    if (!headers.empty() && bytes > bytes_max) return;
    if (headers.size() == limits::records_frames_max) return;
    headers.push_back(batch.header);
    payloads.push_back(batch.payload);
  }
}

const Batch* RecordTail::find(Offset offset) const noexcept {
  if (!holds(offset)) return nullptr;
  const std::size_t index = index_of(offset);
  return index < batches_.size() ? &batches_[index].batch : nullptr;
}

void RecordTail::forget(const Entry& entry) noexcept {
  const std::size_t cost = cost_of(entry.batch);
  PINION_ASSERT(bytes_ >= cost);
  PINION_ASSERT(budget_->bytes >= cost);
  bytes_ -= cost;
  budget_->bytes -= cost;
  budget_->order.erase(entry.order);
}

void RecordTail::drop_from(Offset end) {
  while (!batches_.empty() && batches_.back().batch.header.base_offset >= end) {
    forget(batches_.back());
    batches_.pop_back();
  }
}

void RecordTail::drop_before(Offset start) {
  while (!batches_.empty() && batches_.front().batch.header.next_offset() <= start) drop_oldest();
}

void RecordTail::drop_oldest() {
  PINION_ASSERT(!batches_.empty());
  forget(batches_.front());
  batches_.pop_front();
}

void RecordTail::clear() {
  while (!batches_.empty()) drop_oldest();
}

}  // namespace pinion::partition
