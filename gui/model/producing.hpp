// What the producer panel sends and what becomes of it: drafts, and templates that are filled in
// for each record, jobs (once, N times, at a rate, a file line by line), reports, and a histogram
// of latencies. Pure.
#pragma once

#include "common/base/prng.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/proto/record_headers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pinion::gui {

/// A record as a person wrote it.
struct Draft {
  std::string topic{};
  std::optional<std::string> key{};
  std::vector<RecordHeader> headers{};
  std::string value{};
  std::optional<std::int32_t> partition{};
  bool exact = false;  ///< Sent as it stands, as a record that was read must be: no template.
  bool operator==(const Draft&) const = default;
};

/// More than this, and bytes that are no text, are no template: nobody writes one there.
inline constexpr std::size_t template_bytes_max = 2UL * 1024 * 1024;
[[nodiscard]] bool may_be_template(std::string_view text);

/// How a draft is sent.
struct SendPlan {
  Draft draft{};
  std::uint64_t count = 1;
  double per_second = 0;  ///< 0: as fast as it goes.
  /// Not empty: a record a line of this file; {{line}} in the draft is the line, and an empty value
  /// is the line alone.
  std::string file{};
  bool exported = false;  ///< The file's lines are records as they were exported.
};

/// Fills in {{n}} (from 1), {{line}}, {{time}} (ISO, UTC), {{ms}} (since 1970), {{uuid}},
/// {{random A B}} (a whole number from A to B) and {{pick a|b|c}}. What is no such name stays.
class TemplateFiller {
 public:
  explicit TemplateFiller(std::uint64_t seed) : prng_(seed) {}
  struct Values {
    std::uint64_t n = 1;
    Micros wall{0};
    std::string_view line{};
  };
  [[nodiscard]] std::string fill(std::string_view text, const Values& values);

 private:
  bool fill_one(std::string_view name, const Values& values, std::string& out);
  Prng prng_;
};

/// A partition as it is typed: a whole number from 0 on. Nothing when it is none.
[[nodiscard]] std::optional<std::int32_t> partition_from(std::string_view text);

/// What can be said of a draft before it is sent; empty when all is well.
[[nodiscard]] std::string draft_problem(const Draft& draft, std::size_t record_bytes_max);

/// Latencies in buckets of about 10 %, so that percentiles cost nothing.
class LatencyHistogram {
 public:
  void add(Micros latency);
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Nothing without samples. `per_mille`: 500 is the median.
  [[nodiscard]] std::optional<Micros> quantile(unsigned per_mille) const;

 private:
  static constexpr std::size_t buckets = 200;
  std::array<std::uint32_t, buckets> counts_{};
  std::uint64_t count_ = 0;
};

enum class SendOutcome : std::uint8_t { acknowledged, failed, unknown };

/// What became of one record.
struct SendReport {
  std::uint64_t job = 0;
  SendOutcome outcome = SendOutcome::unknown;
  std::int32_t partition = -1;
  std::int64_t offset = -1;
  Micros latency{0};
  std::string error{};
};

enum class JobState : std::uint8_t { waiting, sending, flushing, done, cancelled, failed };

/// One press of "Send".
struct SendJob {
  std::uint64_t id = 0;
  Micros started_at{0};  ///< Wall time.
  Micros took{0};        ///< So far, or in all.
  std::shared_ptr<const SendPlan> plan{};
  JobState state = JobState::waiting;
  std::uint64_t total = 0;  ///< Records, or bytes of the file; 0: not known.
  std::uint64_t done_of_total = 0;
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t failed = 0;
  std::uint64_t unknown = 0;
  std::string problem{};  ///< The first one.
  LatencyHistogram latencies{};
  /// Never nothing: the first of them, and those that failed. Shared between snapshots.
  std::shared_ptr<const std::vector<SendReport>> reports =
      std::make_shared<const std::vector<SendReport>>();

  [[nodiscard]] std::uint64_t reported() const noexcept { return acknowledged + failed + unknown; }
  [[nodiscard]] bool is_over() const noexcept {
    return state == JobState::done || state == JobState::cancelled || state == JobState::failed;
  }
};

inline constexpr std::size_t jobs_kept_max = 200;
/// Of a job; as many again when they failed.
inline constexpr std::size_t reports_kept_max = 1'000;

struct ProducingView {
  std::vector<SendJob> jobs{};  ///< The newest first.
};

/// How many records may leave by now, of a job that began at `started` with a rate.
[[nodiscard]] std::uint64_t due_by(double per_second, Micros elapsed);

}  // namespace pinion::gui
