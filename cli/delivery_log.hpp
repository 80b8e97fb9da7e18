// What became of the records that `pinion produce` sent: counts, the first failure, and with
// --report a line for each record in the order of the input, printed by a thread of its own as soon
// as the outcome of all before it is known: "PARTITION OFFSET", "- failed" or "- unknown".
//
// on_batch() and on_record() come from the client's I/O thread and never wait for the output; the
// rest belongs to the command's thread.
#pragma once

#include "cli/output.hpp"
#include "client/api/producer.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace pinion::cli {

class DeliveryLog {
 public:
  enum class Report : unsigned char { no, yes };
  explicit DeliveryLog(Report report);
  ~DeliveryLog() { finish(); }
  DeliveryLog(const DeliveryLog&) = delete;
  DeliveryLog& operator=(const DeliveryLog&) = delete;

  void on_batch(const BatchReport& batch);
  /// `index`: the record's place in the input, from 0. Only with Report::yes.
  void on_record(std::uint64_t index, const DeliveryReport& record);

  /// Waits while the reader of the report is far behind, but not past a signal.
  void wait_for_room() const;

  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] std::optional<Error> first_error() const;

  /// Prints what is still to be printed and ends the thread. Idempotent.
  void finish();
  /// After finish(): 0, or what the output's failure asks for.
  [[nodiscard]] int exit_status() const { return out_.exit_status(); }

 private:
  struct Place {
    std::optional<Outcome> outcome;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
  };

  void print();
  void take_first(std::string& text);

  std::atomic<std::uint64_t> acknowledged_{0};
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  std::condition_variable printable_;
  std::deque<Place> places_;  ///< From the first record that is not printed yet.
  std::uint64_t first_ = 0;   ///< The index of places_.front().
  std::optional<Error> error_;
  bool ending_ = false;
  Output out_;
  std::thread printer_;
};

}  // namespace pinion::cli
