// bench latency: from a record's send to its delivery, at a rate that nobody waits for.
// bench hop: a round trip through the broker to a partition broker and back that touches no disk.
#include "cli/bench.hpp"
#include "cli/bench_load.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"

#include <algorithm>
#include <cstring>

namespace pinion::cli {
namespace {

constexpr std::uint64_t rate_default = 1'000;
constexpr std::uint64_t latency_messages_default = 10'000;
constexpr std::uint64_t hop_messages_default = 5'000;
/// What is sent before the measured part, in parts of a second of the rate: connections, caches.
constexpr std::uint64_t warm_up_share = 2;

std::uint64_t messages_of(const BenchOptions& options, std::uint64_t rate,
                          std::uint64_t otherwise) {
  if (options.messages > 0) return options.messages;
  if (options.seconds > 0 && rate > 0) {
    return static_cast<std::uint64_t>(options.seconds * static_cast<double>(rate));
  }
  return otherwise;
}

/// A record that could not be sent when it was due, because one before it was held up, counts from
/// when it was due; the timer's own lateness does not count.
Micros sent_at(Micros due, Micros now, std::uint64_t rate) {
  const Micros step = micros(static_cast<std::int64_t>(1'000'000 / rate));
  return now - due > std::max(step, 500us) ? due : now;
}

}  // namespace

Result<BenchReport> bench_latency(const BenchOptions& asked) {
  BenchOptions options = asked;
  if (options.rate == 0) options.rate = rate_default;
  options.size = std::max<std::uint32_t>(options.size, sizeof(std::int64_t));
  const std::uint64_t records = messages_of(options, options.rate, latency_messages_default);
  const std::uint64_t warm_up = options.rate / warm_up_share;
  PINION_TRY(topic, BenchTopic::make(options));

  std::mutex mutex;
  std::vector<std::int64_t> samples_us;
  std::atomic<std::uint64_t> seen{0};
  const FillValue stamp = [&](std::string& value, Micros due) {
    const std::int64_t at = sent_at(due, monotonic_now(), options.rate).count();
    std::memcpy(value.data(), &at, sizeof at);
  };
  const OnRecord measure = [&](const ConsumerRecord& record) {
    if (seen++ < warm_up) return;
    std::int64_t at = 0;
    std::memcpy(&at, record.value.data(), sizeof at);
    const std::int64_t took = monotonic_now().count() - at;
    const std::lock_guard lock(mutex);
    samples_us.push_back(took);
  };
  Crew readers(options.consumers, records + warm_up);
  Crew senders(options.producers, records + warm_up);
  start_readers(readers, options, topic->name(), measure);
  start_senders(senders, options, topic->name(), stamp);
  readers.begin();
  const Micros start = senders.begin();
  const Result<Micros> sent = senders.finish("sent");
  if (!sent) {
    readers.trouble.note(sent.error());
    return failure(sent.error());
  }
  PINION_TRY(end, readers.finish("delivered"));

  BenchReport report;
  report.kind = options.kind;
  report.records = samples_us.size();
  report.size = options.size;
  report.seconds = static_cast<double>((end - start).count()) / 1e6;
  report.records_per_s = static_cast<double>(records + warm_up) / report.seconds;
  report.timed = true;
  report.latency_ms = quantiles_of(samples_us);
  report.note = "from send to delivery, fsynced, at " + std::to_string(options.rate) + "/s";
  return report;
}

Result<BenchReport> bench_hop(const BenchOptions& options) {
  const std::uint64_t records = messages_of(options, options.rate, hop_messages_default);
  const std::uint64_t warm_up = std::min<std::uint64_t>(records, 200);
  PINION_TRY(topic, BenchTopic::make(options));
  Admin admin = topic->admin();
  const TopicPartition partition{topic->name(), PartitionIndex(0)};
  std::vector<std::int64_t> samples_us;
  Progress progress;
  Pace pace(options.rate);
  const Micros start = monotonic_now();
  for (std::uint64_t i = 0; i < records + warm_up && !interrupted(); ++i) {
    if (options.rate > 0) pace.wait();
    const Micros before = monotonic_now();
    const auto position = admin.fetch_position(partition, "consumer:bench", bench_timeout);
    if (!position) return failure(position.error());
    if (i >= warm_up) samples_us.push_back((monotonic_now() - before).count());
    if (progress.due()) progress.show("asked " + format_count(i));
  }
  progress.finish();
  if (interrupted()) return failure(Errc::cancelled, "interrupted");

  BenchReport report;
  report.kind = options.kind;
  report.records = samples_us.size();
  report.size = 0;
  report.seconds = static_cast<double>((monotonic_now() - start).count()) / 1e6;
  report.records_per_s = static_cast<double>(records + warm_up) / report.seconds;
  report.timed = true;
  report.latency_ms = quantiles_of(samples_us);
  report.note = "two hops there, two back, no disk";
  return report;
}

}  // namespace pinion::cli
