// ProducerFeed: the jobs of the producer panel. Records are handed to libpinion a bounded number a
// turn; when its memory is full the job waits. Reports come on the I/O thread, into a ledger a job.
#pragma once

#include "client/api/client.hpp"
#include "common/base/prng.hpp"
#include "gui/feed/feed_context.hpp"
#include "gui/feed/line_source.hpp"
#include "gui/model/commands.hpp"
#include "gui/model/producing.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace pinion::gui {

class ProducerFeed {
 public:
  ProducerFeed(FeedContext& context, std::uint64_t seed) : context_(&context), filler_(seed) {}

  void send(const SendRecords& command);
  void cancel(std::uint64_t job);
  void forget();
  void on_tick();
  [[nodiscard]] Micros next_deadline() const noexcept { return next_deadline_; }
  [[nodiscard]] std::shared_ptr<const ProducingView> view();

 private:
  /// What the callbacks of a job write and the feed thread reads.
  struct Ledger {
    std::mutex mutex;
    bool told = false;  ///< The feed thread knows that there is something.
    std::uint64_t acknowledged = 0;
    std::uint64_t failed = 0;
    std::uint64_t unknown = 0;
    std::string problem;
    LatencyHistogram latencies;
    std::vector<SendReport> reports;
  };
  struct Job {
    SendJob shown;
    Micros begun{0};  ///< Monotonic.
    Micros lookup_until{0};
    std::optional<ProducerTopic> topic;
    std::optional<LineSource> lines;
    std::optional<std::string> line;  ///< Read and not accepted yet.
    std::uint64_t lines_read = 0;
    std::shared_ptr<Ledger> ledger = std::make_shared<Ledger>();
  };

  void begin(Job& job);
  void pump(Job& job);
  void fill_and_send(Job& job, Micros deadline);
  enum class Step : std::uint8_t { sent, wait, over };
  Step send_one(Job& job);
  [[nodiscard]] Result<Draft> draft_of(const Job& job);
  void read_ledger(Job& job);
  void end(Job& job, JobState state, std::string problem);

  FeedContext* context_;
  TemplateFiller filler_;
  std::unique_ptr<Producer> producer_;
  std::list<Job> jobs_;  ///< The newest first.
  std::uint64_t last_id_ = 0;
  Micros next_deadline_ = never;
  bool changed_ = true;
  std::shared_ptr<const ProducingView> view_;
};

}  // namespace pinion::gui
