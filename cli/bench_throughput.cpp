// bench produce, consume and e2e: records a second through a running cluster. Only records that are
// acknowledged (fsynced), or delivered, count.
#include "cli/bench.hpp"
#include "cli/bench_load.hpp"

#include <algorithm>

namespace pinion::cli {
namespace {

constexpr std::uint64_t messages_default = 1'000'000;

/// With --seconds the number of records follows from the rate, or from a guess that is large.
std::uint64_t messages_of(const BenchOptions& options) {
  if (options.messages > 0) return options.messages;
  if (options.seconds > 0 && options.rate > 0) {
    return static_cast<std::uint64_t>(options.seconds * static_cast<double>(options.rate));
  }
  return messages_default;
}

BenchReport report_of(const BenchOptions& options, std::uint64_t records, Micros took,
                      const BenchTopic* topic) {
  BenchReport report;
  report.kind = options.kind;
  report.records = records;
  report.size = options.size;
  report.seconds = static_cast<double>(std::max<std::int64_t>(1, took.count())) / 1e6;
  report.records_per_s = static_cast<double>(records) / report.seconds;
  if (topic != nullptr) report.commits = topic->commits_for(records);
  if (report.commits > 0) {
    report.rows_per_commit = static_cast<double>(records) / static_cast<double>(report.commits);
  }
  return report;
}

}  // namespace

Result<BenchReport> bench_produce(const BenchOptions& options) {
  PINION_TRY(topic, BenchTopic::make(options));
  const std::uint64_t records = messages_of(options);
  Crew senders(options.producers, records);
  start_senders(senders, options, topic->name());
  const Micros start = senders.begin();
  PINION_TRY(end, senders.finish("acknowledged"));
  BenchReport report = report_of(options, records, end - start, topic.get());
  report.note = "routed, acknowledged and fsynced";
  return report;
}

Result<BenchReport> bench_consume(const BenchOptions& options) {
  PINION_TRY(topic, BenchTopic::make(options));
  const std::uint64_t records = messages_of(options);
  {
    Crew senders(options.producers, records);
    BenchOptions filling = options;
    filling.rate = 0;
    start_senders(senders, filling, topic->name());
    senders.begin();
    const Result<Micros> filled = senders.finish("written to be read");
    if (!filled) return failure(filled.error());
  }
  Crew readers(options.consumers, records);
  start_readers(readers, options, topic->name());
  const Micros start = readers.begin();
  PINION_TRY(end, readers.finish("read"));
  BenchReport report = report_of(options, records, end - start, nullptr);
  report.note = "read from the start of the log";
  return report;
}

Result<BenchReport> bench_e2e(const BenchOptions& options) {
  PINION_TRY(topic, BenchTopic::make(options));
  const std::uint64_t records = messages_of(options);
  Crew readers(options.consumers, records);
  Crew senders(options.producers, records);
  start_readers(readers, options, topic->name());
  start_senders(senders, options, topic->name());
  readers.begin();
  const Micros start = senders.begin();
  const Result<Micros> sent = senders.finish("acknowledged");
  if (!sent) {
    readers.trouble.note(sent.error());
    return failure(sent.error());
  }
  PINION_TRY(end, readers.finish("delivered"));
  BenchReport report = report_of(options, records, end - start, topic.get());
  report.note = "sent and read at once; counted when delivered";
  return report;
}

}  // namespace pinion::cli
