// pinion query: read-only SQL on the live log.
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_text.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include "common/base/text.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <optional>

namespace pinion::cli {
namespace {

/// Longer than the time that a partition gives a query, so that its own answer comes first.
constexpr Micros query_timeout = 30s;

struct QueryOptions {
  std::string topic;
  std::string sql;
  std::int32_t partition = -1;
  std::uint32_t rows = 0;
  bool json = false;
  bool csv = false;
};

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

/// The shortest text that reads back as the same number.
std::string text_of_real(double real) {
  std::array<char, 64> text{};
  for (const int digits : {15, 17}) {
    std::snprintf(text.data(), text.size(), "%.*g", digits, real);
    double back = 0;
    if (std::sscanf(text.data(), "%lf", &back) == 1 && back == real) break;
  }
  return text.data();
}

/// Bytes are shown as text when they are text, else as SQL writes them: x'00ff'.
std::string text_of(const SqlValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return text_of_real(*real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    // A record that is no text is one all the same to `readable`.
    return is_utf8(*text) ? *text : "x'" + hex_of(*text) + "'";
  }
  if (const auto* blob = std::get_if<SqlBlob>(&value)) {
    return is_utf8(blob->bytes) ? blob->bytes : "x'" + hex_of(blob->bytes) + "'";
  }
  return {};
}

void print_csv(const QueryReply& reply, Output& out) {
  std::string line;
  for (const std::string& column : reply.columns) {
    line += (line.empty() ? "" : ",") + csv_field(column);
  }
  out.line(line);
  for (const auto& row : reply.rows) {
    line.clear();
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += ',';
      line += csv_field(text_of(row[i]));
    }
    out.line(line);
  }
}

void print_json(const QueryReply& reply, Output& out) {
  out.write("[");
  for (std::size_t i = 0; i < reply.rows.size(); ++i) {
    if (i > 0) out.write(",\n");
    out.write(json_of(reply.columns, reply.rows[i]));
  }
  out.write("]\n");
}

/// A control character would tear the table apart.
std::string cell_of(const SqlValue& value) {
  std::string text = text_of(value);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

void print_table(const QueryReply& reply, Output& out) {
  Table table(reply.columns);
  for (const auto& row : reply.rows) {
    std::vector<std::string> cells;
    for (const SqlValue& value : row) cells.push_back(cell_of(value));
    table.add(std::move(cells));
  }
  out.write(table.to_string());
}

int query(const QueryOptions& options, const std::string& broker) {
  end_when_interrupted();
  const std::unique_ptr<Client> client = connect(broker, "query");
  if (!client) return 1;
  std::optional<PartitionIndex> partition;
  if (options.partition >= 0) partition = PartitionIndex(options.partition);
  if (const auto topic = client->admin().describe_topic(options.topic, query_timeout); topic) {
    for (const PartitionMetadata& asked : topic->partitions) {
      if (asked.state != PartitionState::halted) continue;
      if (partition && *partition != asked.partition) continue;
      return complain(halted_text(asked) + "; --partition asks another one alone");
    }
  }
  const Result<QueryReply> reply =
      client->admin().query(options.topic, options.sql, partition, options.rows, query_timeout);
  if (!reply) return complain_about(reply.error(), options.topic);
  Output out;
  if (options.json) {
    print_json(*reply, out);
  } else if (options.csv) {
    print_csv(*reply, out);
  } else {
    print_table(*reply, out);
  }
  out.flush();
  if (!out.good()) return out.exit_status();
  if (reply->truncated) {
    return complain("there are more rows than the " + format_count(reply->rows.size()) +
                    " that were printed; ask for fewer with WHERE and LIMIT, or for more with "
                    "--rows (up to " +
                    format_count(limits::query_rows_max) + ")");
  }
  return 0;
}

}  // namespace

void add_query(CLI::App& app, Commands& commands) {
  CLI::App* command = app.add_subcommand(
      "query",
      "Read-only SQL on the live log: what is committed, partition by partition.\n"
      "The view is readable(partition, offset, time, key, value, json, ...); rows of several\n"
      "partitions follow one another, and an aggregate is made for each partition.");
  const auto options = std::make_shared<QueryOptions>();
  command->add_option("TOPIC", options->topic, "The topic")->required()->type_name("");
  command->add_option("SQL", options->sql, "One SELECT statement")->required()->type_name("");
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
