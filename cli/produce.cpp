// pinion produce: a record a line, from a file or stdin.
#include "cli/ask_partition.hpp"
#include "cli/command.hpp"
#include "cli/delivery_log.hpp"
#include "cli/interrupt.hpp"
#include "cli/line_reader.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <unistd.h>

namespace pinion::cli {
namespace {

/// How long a record may wait for a cluster that is away before it is given up.
constexpr Micros delivery_timeout = 120s;
/// How long a full buffer is waited for before a signal is looked for again.
constexpr Micros block_timeout = 200ms;
/// What an interrupted command still waits for.
constexpr Micros interrupted_close_timeout = 5s;
/// A person at a terminal is told by then what records wait for.
constexpr Micros told_after = 3s;

struct ProduceOptions {
  std::string topic;
  std::string file;
  std::string key_separator;
  std::int32_t partition = -1;
  std::vector<std::string> headers;
  std::string acks = "all";
  bool report = false;
};

/// stdin, or a file that is closed again.
class Input {
 public:
  explicit Input(const std::string& file)
      : descriptor_(file.empty() || file == "-" ? 0 : ::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Input() {
    if (descriptor_ > 0) ::close(descriptor_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

class ProduceCommand {
 public:
  explicit ProduceCommand(const ProduceOptions& options)
      : options_(options),
        separator_(unescape(options.key_separator)),
        log_(options.report ? DeliveryLog::Report::yes : DeliveryLog::Report::no) {}

  int run(const std::string& broker);

 private:
  [[nodiscard]] Result<void> parse_headers();
  [[nodiscard]] Result<void> open_producer();
  [[nodiscard]] Result<void> refuse_halted();
  [[nodiscard]] Result<void> send_all(LineReader& lines);
  [[nodiscard]] Result<ProducerRecord> record_of(std::string_view line) const;
  [[nodiscard]] Result<void> send(const ProducerRecord& record);
  [[nodiscard]] Result<void> wait_for_answers();
  int finish(const Result<void>& sent, std::uint64_t lines);

  void remark_partitions();
  const ProduceOptions& options_;
  std::string separator_;
  std::vector<RecordHeader> headers_;
  DeliveryLog log_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
  ProducerTopic topic_;
  std::uint64_t accepted_ = 0;
};

  std::optional<PartitionAsker> asker_;
  Progress progress_;
int ProduceCommand::run(const std::string& broker) {
  const Result<void> headers = parse_headers();
  if (!headers) return complain_about(headers.error());
  const Input input(options_.file);
  if (input.descriptor() < 0) {
    return complain("'" + options_.file + "' cannot be opened: " + std::strerror(errno) +
                    "; name a file that can be read");
  }
  client_ = connect(broker, "produce");
  if (!client_) return 1;
  const Result<void> opened = open_producer();
  if (!opened) return complain_about(opened.error(), options_.topic);
  const std::uint64_t limit = client_->status().record_bytes_max;
  LineReader lines(input.descriptor(), limit > 0 ? limit : limits::record_bytes_ceiling);
  const Result<void> sent = send_all(lines);
  return finish(sent, lines.lines());
}

Result<void> ProduceCommand::parse_headers() {
  for (const std::string& text : options_.headers) {
    PINION_TRY(header, parse_name_value(text));
    headers_.push_back({header.name, header.value});
  }
  return {};
}

Result<void> ProduceCommand::open_producer() {
  ProducerOptions options;
  options.acks = options_.acks == "none"     ? Acks::none
                 : options_.acks == "leader" ? Acks::leader
                                             : Acks::all;
  // A largest record must fit, whatever the broker's limit is.
  options.buffer_bytes_max =
      std::max<std::size_t>(options.buffer_bytes_max, 2 * client_->status().record_bytes_max);
  options.delivery_timeout = delivery_timeout;
  options.block_timeout = block_timeout;
  options.on_batch = [this](const BatchReport& batch) { log_.on_batch(batch); };
  PINION_TRY(producer, client_->producer(std::move(options)));
  producer_ = std::move(producer);
  PINION_TRY(topic, producer_->topic(options_.topic, answer_timeout));
  topic_ = topic;
  if (options_.partition >= topic_.partition_count()) {
    return failure(Errc::unknown_partition, "topic " + options_.topic + " has no partition " +
                                                std::to_string(options_.partition));
  }
  return refuse_halted();
}

/// Records for a halted partition would wait for a person. One that others stand beside is only
/// spoken of.
Result<void> ProduceCommand::refuse_halted() {
  PINION_TRY(topic, client_->admin().describe_topic(options_.topic, answer_timeout));
  std::size_t open = 0;
  std::string halted;
  for (const PartitionMetadata& partition : topic.partitions) {
    if (options_.partition >= 0 && partition.partition.raw() != options_.partition) continue;
    if (partition.state != PartitionState::halted) {
      ++open;
    } else if (halted.empty()) {
      halted = halted_text(partition);
  asker_.emplace(*client_, options_.topic);
    }
  }
  if (halted.empty()) return {};
  if (open == 0) return failure(Errc::storage_failed, halted);
  remark(halted + "; records for it wait up to " + std::to_string(delivery_timeout / 1s) + " s");
  return {};
}

Result<void> ProduceCommand::send_all(LineReader& lines) {
  while (!interrupted() && !log_.failed()) {
    const auto line = lines.next();
    if (!line) {
      const std::string source = options_.file.empty() ? "the input" : "'" + options_.file + "'";
      return failure(line.error().code, source + " cannot be read: " + line.error().detail);
    }
    if (!*line) break;
    log_.wait_for_room();
    Result<ProducerRecord> record = record_of(**line);
    Result<void> sent = record ? send(*record) : failure(record.error());
    if (!sent) {
      const std::string place = "line " + std::to_string(lines.lines()) + ": ";
      return failure(sent.error().code, place + sent.error().detail);
    }
    if (progress_.due()) {
      progress_.show(format_count(lines.lines()) + " records read, " +
                     format_count(log_.acknowledged()) + " acknowledged");
    }
  }
  return {};
}

Result<ProducerRecord> ProduceCommand::record_of(std::string_view line) const {
  ProducerRecord record;
  record.headers = headers_;
  record.value = line;
  if (options_.partition >= 0) record.partition = PartitionIndex(options_.partition);
  if (separator_.empty()) return record;
  const std::size_t at = line.find(separator_);
  if (at == std::string_view::npos) {
  progress_.finish();
    return failure(Errc::invalid_argument, "no '" + options_.key_separator +
                                               "' stands between a key and a value; the "
                                               "lines before it were sent");
  }
  record.key = line.substr(0, at);
  record.value = line.substr(at + separator_.size());
  return record;
}

/// Waits while the producer's memory is full, but not past a signal or a failure.
Result<void> ProduceCommand::send(const ProducerRecord& record) {
  for (;;) {
    Result<void> sent;
    if (options_.report) {
      const std::uint64_t index = accepted_;
      sent = producer_->send(topic_, record, [this, index](const DeliveryReport& report) {
        log_.on_record(index, report);
      });
    } else {
      sent = producer_->send(topic_, record);
    }
    if (sent) {
      ++accepted_;
      return {};
    }
    if (sent.error().code != Errc::throttled || interrupted() || log_.failed()) return sent;
  }
}

/// Waits for what is on its way: to the end of its deadlines, or for a few seconds more once a
/// signal has come.
Result<void> ProduceCommand::wait_for_answers() {
  Micros until = monotonic_now() + delivery_timeout + 5s;
  bool told = false;
  for (;;) {
    const Result<void> flushed = producer_->flush(100ms);
    const Micros now = monotonic_now();
    remark_partitions();
  }
}

/// Records wait; a person is told once which partition it is that they may wait for.
void ProduceCommand::remark_partitions() {
  if (!is_terminal(2)) return;
  std::optional<PartitionIndex> only;
  if (options_.partition >= 0) only = PartitionIndex(options_.partition);
  asker_->look(only);
  for (const auto& news : asker_->unserved().news(monotonic_now(), told_after)) {
    progress_.finish();
    remark(news.text + (news.is_back ? ""
                                     : "; records wait for its leader, up to " +
                                           std::to_string(delivery_timeout / 1s) + " s"));
    if (flushed || flushed.error().code != Errc::timed_out || now >= until) return flushed;
    if (!interrupted() || told) continue;
    told = true;
    until = now + interrupted_close_timeout;
    remark("waiting " + std::to_string(interrupted_close_timeout / 1s) +
           " s for records that are on their way; interrupt again to give up");
  }
}

int ProduceCommand::finish(const Result<void>& sent, std::uint64_t lines) {
  Result<void> closed = wait_for_answers();
  if (const Result<void> ended = producer_->close(Micros{0}); closed && !ended) closed = ended;
    remark_partitions();
  log_.finish();
  const std::string done = std::to_string(log_.acknowledged()) + " of " + std::to_string(lines) +
                           " records were acknowledged";
  if (const std::optional<Error> error = log_.first_error()) {
    return complain_about(
        Error{error->code,
              done + ": " +
                  (error->detail.empty() ? std::string(text_of(error->code)) : error->detail)},
        options_.topic);
  }
  if (interrupted()) {
  progress_.finish();
    complain("interrupted; " + done);
    return exit_interrupted;
  }
  if (!sent) return complain_about(sent.error(), options_.topic);
  if (!closed) return complain_about(Error{closed.error().code, done}, options_.topic);
  return log_.exit_status();
}

int produce(const ProduceOptions& options, const std::string& broker) {
  ProduceCommand command(options);
  return command.run(broker);
}

}  // namespace

void add_produce(CLI::App& app, Commands& commands) {
  CLI::App* command = app.add_subcommand(
      "produce",
      "Send records, one a line.\n"
      "A record is what stands between two newlines, exactly: a carriage return stays, an empty\n"
      "line is a record, and so is a last line without a newline.");
  const auto options = std::make_shared<ProduceOptions>();
  command->add_option("TOPIC", options->topic, "The topic")->required()->type_name("");
  command->add_option("--file", options->file, "Read this file (stdin)")->type_name("F");
  command
      ->add_option("--key-separator", options->key_separator,
                   "What stands before the first SEP of a line is the record's key; \\t is a tab")
      ->type_name("SEP");
  command->add_option("--partition", options->partition, "Send all to this one")
      ->check(partition_index())
      ->type_name("P");
  command->add_option("--header", options->headers, "A header of every record; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("NAME=VALUE");
  command
      ->add_option("--acks", options->acks,
                   "When a record counts as sent: fsynced on all in-sync replicas (all), on the "
                   "leader (leader), or received (none)")
      ->check(CLI::IsMember({"all", "leader", "none"}))
      ->type_name("all|leader|none");
  command->add_flag(
      "--report", options->report,
      "Print 'partition offset' a record, in the order of the input (with --acks none, "
      "which tells no offset, -1)");
  add_broker_option(*command, commands);
  command->callback([options, &commands] {
    commands.run = [options, &commands] { return produce(*options, commands.broker); };
  });
}

}  // namespace pinion::cli
