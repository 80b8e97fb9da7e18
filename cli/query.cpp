// pinion query: read-only SQL on the live log.
#include "cli/ask_partition.hpp"
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/query_output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <memory>
#include <optional>

namespace pinion::cli {
namespace {

/// Of one partition: longer than the time that it gives a query, so that its own answer comes
/// first.
constexpr Micros query_timeout = 30s;

struct QueryOptions {
  std::string topic;
  std::string sql;
  std::int32_t partition = -1;
  std::uint32_t rows = 0;
  bool json = false;
  bool csv = false;
};

QueryFormat format_of(const QueryOptions& options) {
  if (options.json) return QueryFormat::json;
  return options.csv ? QueryFormat::csv : QueryFormat::table;
}

/// The statement's own fault, which no other partition will take otherwise.
bool is_of_statement(Errc code) {
  return code == Errc::sql_invalid || code == Errc::sql_refused || code == Errc::sql_limit ||
         code == Errc::invalid_argument;
}

class QueryCommand {
 public:
  explicit QueryCommand(const QueryOptions& options)
      : options_(options),
        rows_left_(options.rows == 0 ? limits::query_rows_default : options.rows),
        rows_(make_query_output(format_of(options), out_)) {}
  int run(const std::string& broker);

 private:
  /// Fails when nobody else need be asked.
  [[nodiscard]] Result<void> ask_all(const TopicMetadata& topic);
  [[nodiscard]] Result<void> ask(const PartitionMetadata& partition, std::size_t of);
  int finish(const Result<void>& asked);

  const QueryOptions& options_;
  std::size_t rows_left_;
  std::size_t row_count_ = 0;
  bool truncated_ = false;
  Output out_;
  std::unique_ptr<QueryOutput> rows_;
  Progress progress_;
  std::unique_ptr<Client> client_;
  std::optional<PartitionAsker> asker_;
  std::vector<Error> unasked_;  ///< One a partition that did not answer.
};

int QueryCommand::run(const std::string& broker) {
  end_when_interrupted();
  client_ = connect(broker, "query");
  if (!client_) return 1;
  const auto topic = client_->admin().describe_topic(options_.topic, answer_timeout);
  if (!topic) return complain_about(topic.error(), options_.topic);
  if (options_.partition >= static_cast<std::int64_t>(topic->partitions.size())) {
    return complain_about(
        Error{Errc::unknown_partition, "topic " + options_.topic + " has no partition " +
                                           std::to_string(options_.partition)},
        options_.topic);
  }
  asker_.emplace(*client_, options_.topic);
  asker_->unserved().note(*topic, {}, monotonic_now());
  return finish(ask_all(*topic));
}

Result<void> QueryCommand::ask_all(const TopicMetadata& topic) {
  for (const PartitionMetadata& partition : topic.partitions) {
    if (options_.partition >= 0 && partition.partition.raw() != options_.partition) continue;
    if (rows_left_ == 0) {
      truncated_ = true;  // There may be more.
      break;
    }
    PINION_CHECK(ask(partition, topic.partitions.size()));
  }
  return {};
}

Result<void> QueryCommand::ask(const PartitionMetadata& partition, std::size_t of) {
  if (partition.state == PartitionState::halted) {
    unasked_.push_back(unserved_error(partition));
    return {};
  }
  const PartitionIndex index = partition.partition;
  const TopicPartition which{options_.topic, index};
  const auto rows_max = static_cast<std::uint32_t>(rows_left_);
  const Result<QueryReply> reply = asker_->ask<QueryReply>(
      index,
      [&](Calls& calls, Calls::Then<QueryReply> then) {
        calls.query(which, options_.sql, rows_max, query_timeout, std::move(then));
      },
      [&] {
        if (!progress_.due()) return;
        const bool waits = asker_->unserved().unserved_for(index, monotonic_now()) > Micros{0};
        progress_.show("partition " + std::to_string(index.raw()) + " of " + std::to_string(of) +
                       (waits ? ": waiting for its leader" : ": asked"));
      });
  if (!reply) {
    const Errc code = reply.error().code;
    if (is_of_statement(code) || code == Errc::connection_lost) return failure(reply.error());
    unasked_.push_back(asker_->explain(index, reply.error()));
    return {};
  }
  rows_->add(*reply);
  row_count_ += reply->rows.size();
  rows_left_ -= std::min(rows_left_, reply->rows.size());
  truncated_ |= reply->truncated;
  return {};
}

int QueryCommand::finish(const Result<void>& asked) {
  progress_.finish();
  rows_->finish();
  out_.flush();
  if (!out_.good()) return out_.exit_status();
  if (rows_->cut()) {
    remark("values that are too long for a table were cut; --json and --csv give them whole");
  }
  for (const Error& error : unasked_) complain_about(error, options_.topic);
  if (!asked) return complain_about(asked.error(), options_.topic);
  if (truncated_) {
    return complain("there are more rows than the " + format_count(row_count_) +
                    " that were printed; ask for fewer with WHERE and LIMIT, or for more with "
                    "--rows (up to " +
                    format_count(limits::query_rows_max) + ")");
  }
  return unasked_.empty() ? 0 : 1;
}

int query(const QueryOptions& options, const std::string& broker) {
  QueryCommand command(options);
  return command.run(broker);
}

/// SQL is text; what is no UTF-8 is refused before anybody is asked.
CLI::Validator statement() {
  return {[](std::string& text) -> std::string {
            return is_utf8(text) ? "" : "the statement is not UTF-8; write other bytes as x'00ff'";
          },
          ""};
}

}  // namespace

void add_query(CLI::App& app, Commands& commands) {
  CLI::App* command = app.add_subcommand(
      "query",
      "Read-only SQL on the live log: what is committed, partition by partition.\n"
      "The view is readable(partition, offset, time, key, value, json, ...); rows of several\n"
      "partitions follow one another, and an aggregate is made for each partition.\n"
      "A partition without a leader is waited for 5 s; then the others' rows are printed, a line\n"
      "on stderr names each that is missing, and the exit status is 1. A table cuts values to 200\n"
      "characters.");
  const auto options = std::make_shared<QueryOptions>();
  command->add_option("TOPIC", options->topic, "The topic")
      ->required()
      ->check(topic_name())
      ->type_name("");
  command->add_option("SQL", options->sql, "One SELECT statement")
      ->required()
      ->check(statement())
      ->type_name("");
  command->add_option("--partition", options->partition, "Only this one (all)")
      ->check(partition_index())
      ->type_name("P");
  command->add_option("--rows", options->rows, "At most so many rows (10000)")
      ->check(CLI::Range(1U, limits::query_rows_max))
      ->type_name("N");
  CLI::Option* json = command->add_flag("--json", options->json, "A JSON array of objects");
  command->add_flag("--csv", options->csv, "Comma-separated, with a line of titles")
      ->excludes(json);
  add_broker_option(*command, commands);
  command->callback([options, &commands] {
    commands.run = [options, &commands] { return query(*options, commands.broker); };
  });
}

}  // namespace pinion::cli
