#include "gateway/cluster/fetched_records.hpp"

#include "gateway/cluster/record_json.hpp"

#include <utility>

namespace pinion::gateway {

FetchedRecords::FetchedRecords(Result<FetchAnswer> answer, std::shared_ptr<ByteBudget> budget)
    : answer_(std::move(answer)), budget_(std::move(budget)) {
  if (!answer_) return;
  for (const RecordBatch::Run& run : answer_->records.runs()) bytes_ += run.records.size();
  next_ = answer_->records.begin();
}

FetchedRecords::~FetchedRecords() { budget_->give_back(held_); }

bool FetchedRecords::hold() {
  const std::lock_guard lock(mutex_);
  if (held_ > 0) return true;
  if (!budget_->take(bytes_ + made_)) return false;
  held_ = bytes_ + made_;
  return true;
}

bool FetchedRecords::hold_anyway() {
  const std::lock_guard lock(mutex_);
  if (held_ > 0) return true;
  if (budget_->used() > 2 * budget_->bytes_max()) return false;
  held_ = bytes_ + made_;
  budget_->take_anyway(held_);
  return true;
}

bool FetchedRecords::is_crowded() const noexcept {
  return budget_->used() > budget_->bytes_max() / 2;
}

const FetchedRecords::Event* FetchedRecords::event(std::size_t index) {
  const std::lock_guard lock(mutex_);
  while (next_ && events_.size() <= index && *next_ != RecordBatch::end()) {
    const ConsumerRecord record = **next_;
    // JSON of one line.
    std::string data = "data: " + record_json(record, WithPartition::yes) + "\n\n";
    const std::size_t size = data.size();
    events_.push_back({record.offset + 1, std::move(data)});
    ++*next_;
    made_ += size;
    if (held_ > 0) {
      held_ += size;
      budget_->take_anyway(size);
    }
  }
  return index < events_.size() ? &events_[index] : nullptr;
}

}  // namespace pinion::gateway
