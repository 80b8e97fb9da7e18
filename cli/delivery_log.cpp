#include "cli/delivery_log.hpp"

#include "cli/interrupt.hpp"

#include <string>

namespace pinion::cli {
namespace {

/// Places that wait to be printed, at most: 24 MiB.
constexpr std::size_t places_max = 1'000'000;

}  // namespace

DeliveryLog::DeliveryLog(Report report) {
  if (report == Report::yes) printer_ = std::thread([this] { print(); });
}

void DeliveryLog::on_batch(const BatchReport& batch) {
  if (batch.outcome == Outcome::acknowledged) {
    acknowledged_ += batch.record_count;
    return;
  }
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = batch.error;
  failed_ = true;
}

void DeliveryLog::on_record(std::uint64_t index, const DeliveryReport& record) {
  bool ready = false;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t at = index - first_;
    if (at >= places_.size()) places_.resize(at + 1);
    places_[at] = {record.outcome, record.partition.raw(), record.offset.raw()};
    ready = at == 0;
  }
  if (ready) printable_.notify_one();
}

void DeliveryLog::wait_for_room() const {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (places_.size() < places_max) return;
    }
    if (sleep_unless_interrupted(5ms)) return;
  }
}

std::optional<Error> DeliveryLog::first_error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

/// One that never got an outcome stands before one that did: the input ended in a signal.
void DeliveryLog::take_first(std::string& text) {
  const Place& first = places_.front();
  if (first.outcome == Outcome::acknowledged) {
    text += std::to_string(first.partition) + " " + std::to_string(first.offset) + "\n";
  } else {
    text += first.outcome == Outcome::failed ? "- failed\n" : "- unknown\n";
  }
  places_.pop_front();
  ++first_;
}

void DeliveryLog::print() {
  std::string text;
  for (;;) {
    bool last = false;
    {
      std::unique_lock lock(mutex_);
      printable_.wait(lock,
                      [this] { return ending_ || (!places_.empty() && places_.front().outcome); });
      while (!places_.empty() && (ending_ || places_.front().outcome)) take_first(text);
      last = ending_;
    }
    out_.write(text);
    out_.flush();
    text.clear();
    if (last) return;
  }
}

void DeliveryLog::finish() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  printable_.notify_one();
  if (printer_.joinable()) printer_.join();
}

}  // namespace pinion::cli
