// pinion verify: is this partition file whole? Needs no cluster.
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"

#include "partition/storage/verify.hpp"

#include <memory>

namespace pinion::cli {
namespace {

using storage::verify_file;
using storage::VerifyOptions;
using storage::VerifyReport;

std::string summary_of(const VerifyReport& report) {
  // Text, an empty file, a write-ahead log alone, a database of something else.
  if (report.topic_name.empty()) return "it does not say which partition it is, if it is one";
  const auto count = [](std::int64_t number) {
    return format_count(static_cast<std::uint64_t>(number));
  };
  return "topic " + report.topic_name + " partition " + std::to_string(report.partition) +
         ", offsets " + std::to_string(report.log_start.raw()) + " to " +
         std::to_string(report.log_end.raw()) + ", " + count(report.records) + " records in " +
         count(report.batches) + " batches, " + format_bytes(report.payload_bytes) + ", " +
         count(report.epochs) + " epochs, " + count(report.positions) + " positions" +
         (report.clean ? "" : "; not closed in order, or open now");
}

void print(const VerifyReport& report, Output& out) {
  out.line(report.file + ": " + (report.ok() ? "whole" : "DAMAGED") + ": " + summary_of(report));
  for (const std::string& problem : report.problems) out.line("  " + problem);
  const auto listed = static_cast<std::int64_t>(report.problems.size());
  if (report.problems_found > listed) {
    out.line("  and " + std::to_string(report.problems_found - listed) + " more");
  }
  out.flush();
}

int verify(const std::vector<std::string>& files) {
  Output out;
  int damaged = 0;
  int unread = 0;
  for (const std::string& file : files) {
    Progress progress;
    VerifyOptions options;
    options.progress = [&](std::int64_t done, std::int64_t total) {
      if (progress.due() && total > 0) {
        progress.show(file + ": " + std::to_string(done * 100 / total) + " %");
      }
      return !interrupted();
    };
    const Result<VerifyReport> report = verify_file(file, options);
    progress.finish();
    if (interrupted()) {
      complain("interrupted while " + file + " was read; nothing is said of it");
      return exit_interrupted;
    }
    if (!report) {
      complain(report.error().detail);
      ++unread;
      continue;
    }
    print(*report, out);
    if (!report->ok()) ++damaged;
    if (!out.good()) return out.exit_status();
  }
  if (damaged > 0) {
    complain(std::to_string(damaged) + " of " + std::to_string(files.size()) +
             " files are damaged; keep them as they are, and see docs/STORAGE.md for what the "
             "partition broker does with them");
  }
  return damaged + unread == 0 ? 0 : 1;
}

}  // namespace

void add_verify(CLI::App& app, Commands& commands) {
  CLI::App* command = app.add_subcommand("verify", "Check partition files, offline or in use");
  const auto files = std::make_shared<std::vector<std::string>>();
  command->add_option("FILE", *files, "Partition files (DATA/TOPIC/TOPIC-0.db)")
      ->required()
      ->type_name("");
  add_broker_option(*command, commands);
  command->callback([files, &commands] { commands.run = [files] { return verify(*files); }; });
}

}  // namespace pinion::cli
