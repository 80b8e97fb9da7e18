// Senders and a reader that run while a test breaks things, and tell a LogChecker all that happens.
// Every value is sent once: "SENDER-NUMBER". The last phase reads everything again.
#pragma once

#include "client/api/client.hpp"
#include "tests/support/log_checker.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace pinion::test {

struct LoadOptions {
  std::string broker;
  std::string topic;
  std::int32_t partitions = 1;
  std::int32_t senders = 2;
  std::uint32_t records_per_s = 2'000;  ///< Of one sender.
  std::size_t value_bytes = 64;         ///< Values are filled up to so much.
  Micros delivery_timeout = 60s;
};

class Load {
 public:
  Load(const LoadOptions& options, LogChecker& log);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Acknowledged so far.
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }
  /// Waits until so many more are; false when that takes longer than `limit`.
  [[nodiscard]] bool wait_for_more(std::uint64_t records, Micros limit) const;

  /// Ends sending and waits until everything sent is answered; then ends the reader.
  void finish();
  /// What went wrong in the threads, first of all.
  [[nodiscard]] std::string problem() const;

 private:
  void send(std::int32_t sender);
  void read();
  void note(const std::string& problem);

  LoadOptions options_;
  LogChecker& log_;
  std::atomic<bool> sending_{true};
  std::atomic<bool> reading_{true};
  std::atomic<std::uint64_t> acknowledged_{0};
  mutable std::mutex mutex_;
  std::string problem_;
  std::vector<std::thread> senders_;
  std::thread reader_;
};

/// Reads every partition from its start to its end as one more reader of the log, until nothing
/// that was acknowledged is unseen or the time is over. Returns what went wrong, or nothing.
[[nodiscard]] std::string read_everything(const LoadOptions& options, LogChecker& log,
                                          Micros limit);

/// The anomalies as one text, for a check that it is empty.
[[nodiscard]] std::string joined(const std::vector<std::string>& sentences);

}  // namespace pinion::test
