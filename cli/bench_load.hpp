// The load of the benchmarks that need a cluster: a topic of their own, senders and readers, one
// thread and one connection each, and a pace.
#pragma once

#include "cli/bench.hpp"
#include "client/api/client.hpp"

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace pinion::cli {

/// What every wait of a benchmark ends by.
inline constexpr Micros bench_timeout = 120s;

/// A topic made for one benchmark and deleted after it, with a connection for questions.
class BenchTopic {
 public:
  [[nodiscard]] static Result<std::unique_ptr<BenchTopic>> make(const BenchOptions& options);
  ~BenchTopic();
  BenchTopic(const BenchTopic&) = delete;
  BenchTopic& operator=(const BenchTopic&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Admin admin() const { return client_->admin(); }

  /// How many commits its partitions' leaders needed for `records` records, since it was made; 0
  /// when they do not report it in time.
  [[nodiscard]] std::uint64_t commits_for(std::uint64_t records) const;

 private:
  BenchTopic(std::unique_ptr<Client> client, std::string name)
      : client_(std::move(client)), name_(std::move(name)) {}

  std::unique_ptr<Client> client_;
  std::string name_;
};

/// Sleeps so that calls come `rate` a second.
class Pace {
 public:
  explicit Pace(std::uint64_t rate) noexcept : rate_(rate) {}
  /// Returns when the next record is due (at once when it is overdue), and when that is or was.
  Micros wait();

 private:
  std::uint64_t rate_;
  std::uint64_t done_ = 0;
  Micros start_{0};
};

/// The first error of several threads; any of them makes the others stop.
class Trouble {
 public:
  void note(Error error);
  [[nodiscard]] bool any() const noexcept { return any_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::optional<Error> first() const;

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> any_{false};
  std::optional<Error> error_;
};

/// Senders or readers that begin together and share a number of records. A thread that is ready
/// arrives at the latch and waits.
class Crew {
 public:
  Crew(std::int32_t workers, std::uint64_t records) : ready(workers + 1), records_(records) {}
  ~Crew() { join(); }

  /// Lets them begin, and returns when that was.
  Micros begin();
  /// Waits for them, showing progress; returns when the last record was done, or the first error.
  [[nodiscard]] Result<Micros> finish(const char* doing);

  // For the threads.
  void add(std::uint64_t records);
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
  [[nodiscard]] bool ended() const noexcept { return done_ >= records_ || trouble.any(); }

  std::latch ready;
  Trouble trouble;
  std::vector<std::thread> threads;

 private:
  void join();

  const std::uint64_t records_;
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::int64_t> finished_us_{0};
};

/// How a sender makes a record's value: it may write into it before each send.
using FillValue = std::function<void(std::string& value, Micros due)>;

/// `options.producers` senders, waiting at `crew.ready`. A record is done when it is acknowledged.
void start_senders(Crew& crew, const BenchOptions& options, const std::string& topic,
                   const FillValue& fill = {});

using OnRecord = std::function<void(const ConsumerRecord& record)>;

/// `options.consumers` readers, the partitions divided among them. A record is done when it was
/// looked at; `on_record` may be empty.
void start_readers(Crew& crew, const BenchOptions& options, const std::string& topic,
                   const OnRecord& on_record = {});

}  // namespace pinion::cli
