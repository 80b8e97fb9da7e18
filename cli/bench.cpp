// pinion bench: parses, runs one kind, prints.
#include "cli/bench.hpp"
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_text.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pinion::cli {
namespace {

using Kind = Result<BenchReport> (*)(const BenchOptions&);

const std::map<std::string, Kind>& kinds() {
  static const std::map<std::string, Kind> all = {
      {"storage", bench_storage}, {"produce", bench_produce}, {"consume", bench_consume},
      {"e2e", bench_e2e},         {"latency", bench_latency}, {"hop", bench_hop}};
  return all;
}

/// What a kind has no use for, and would pass over in silence.
const std::map<std::string, std::vector<std::string>>& useless_options() {
  static const std::map<std::string, std::vector<std::string>> all = {
      {"storage", {"--partitions", "--replication", "--producers", "--consumers"}},
      {"produce", {"--consumers", "--data"}},
      {"consume", {"--data"}},
      {"e2e", {"--data"}},
      {"latency", {"--data"}},
      {"hop",
       {"--size", "--batch", "--partitions", "--replication", "--producers", "--consumers",
        "--data"}}};
  return all;
}

/// The name of an option that was given in vain, or nothing.
std::optional<std::string> given_in_vain(const CLI::App& command, const std::string& kind) {
  for (const std::string& name : useless_options().at(kind)) {
    if (command.get_option(name)->count() > 0) return name;
  }
  return std::nullopt;
}

std::string text_of(const BenchReport& report) {
  std::string text = report.kind + ": " + report.note + "\n";
  text += "  " + format_count(report.records) + " records of " + std::to_string(report.size) +
          " bytes in " + format_number(report.seconds, 3) + " s\n";
  text += "  " + format_count(static_cast<std::uint64_t>(report.records_per_s)) + " records/s, " +
          format_number(report.records_per_s * report.size / 1e6, 1) + " MB/s\n";
  if (report.rows_per_commit > 0) {
    text += "  " + format_number(report.rows_per_commit, 1) + " rows a commit, " +
            format_count(report.commits) + " commits\n";
  }
  if (report.timed) {
    const Quantiles& ms = report.latency_ms;
    text += "  p50 " + format_number(ms.p50_ms, 3) + " ms, p99 " + format_number(ms.p99_ms, 3) +
            " ms, p99.9 " + format_number(ms.p999_ms, 3) + " ms, max " +
            format_number(ms.max_ms, 3) + " ms\n";
  }
  return text;
}

int bench(const BenchOptions& options, bool json) {
  const bool goes_by_rate =
      options.kind == "produce" || options.kind == "consume" || options.kind == "e2e";
  if (options.seconds > 0 && options.rate == 0 && goes_by_rate) {
    complain("--seconds says how long with --rate; without it say how many, with --messages");
    return 2;
  }
  const Result<BenchReport> report = kinds().at(options.kind)(options);
  if (!report) {
    if (interrupted()) {
      complain("interrupted before the measurement was complete");
      return exit_interrupted;
    }
    return complain_about(report.error());
  }
  Output out;
  if (json) {
    out.line(json_of(*report));
  } else {
    out.write(text_of(*report));
  }
  out.flush();
  return out.exit_status();
}

void add_load_options(CLI::App& command, BenchOptions& options) {
  command.add_option("--messages", options.messages, "Records to send, read or ask for")
      ->check(counting_number())
      ->type_name("N");
  command.add_option("--size", options.size, "Bytes of a value (100)")
      ->check(CLI::Range(std::size_t{1}, limits::record_bytes_default))
      ->type_name("B");
  command
      .add_option("--rate", options.rate, "So many a second (as fast as it goes; latency: 1000)")
      ->check(counting_number())
      ->type_name("R");
  command
      .add_option("--seconds", options.seconds, "With --rate: for so long, instead of --messages")
      ->check(seconds_of_time())
      ->type_name("T");
  command.add_option("--partitions", options.partitions, "Of the topic that is made (1)")
      ->check(CLI::Range(1, limits::partitions_per_topic_max))
      ->type_name("P");
  command.add_option("--replication", options.replication, "Of the topic that is made (1)")
      ->check(CLI::Range(std::size_t{1}, limits::nodes_max))
      ->type_name("R");
  command.add_option("--producers", options.producers, "Connections that send (1)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  command.add_option("--consumers", options.consumers, "Connections that read (1)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  command
      .add_option("--batch", options.batch,
                  "storage: rows a commit (1000); else records a batch (256 KiB)")
      ->check(counting_number())
      ->type_name("N");
}

}  // namespace

void add_bench(CLI::App& app, Commands& commands) {
  CLI::App* command = app.add_subcommand(
      "bench",
      "Measure: storage (plain SQLite on this disk, the limit), produce, consume, e2e, latency,\n"
      "hop. All but storage need a running cluster; they make a topic of their own and delete it.");
  const auto options = std::make_shared<BenchOptions>();
  const auto json = std::make_shared<bool>(false);
  command->add_option("KIND", options->kind, "storage, produce, consume, e2e, latency or hop")
      ->required()
      ->check(CLI::IsMember({"storage", "produce", "consume", "e2e", "latency", "hop"}))
      ->type_name("");
  add_load_options(*command, *options);
  command->add_option("--data", options->data, "storage: the folder to write in (here)")
      ->type_name("DIR");
  command->add_flag("--json", *json, "One JSON object");
  add_broker_option(*command, commands);
  command->callback([options, json, command, &commands] {
    commands.run = [options, json, command, &commands] {
      if (const auto name = given_in_vain(*command, options->kind)) {
        complain(options->kind + " has no use for " + *name + "; leave it out");
        return 2;
      }
      options->broker = commands.broker;
      return bench(*options, *json);
    };
  });
}

}  // namespace pinion::cli
