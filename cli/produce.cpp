// pinion produce: a record a line, from a file or stdin.
#include "cli/ask_partition.hpp"
#include "cli/command.hpp"
#include "cli/delivery_log.hpp"
#include "cli/interrupt.hpp"
#include "cli/line_reader.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include "common/base/text.hpp"

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
/// A person at a terminal is told by then what records wait for.
constexpr Micros told_after = 3s;
/// What an interrupted command still waits for.
constexpr Micros interrupted_close_timeout = 5s;

struct ProduceOptions {
  std::string topic;
  std::string file;
  std::string key_separator;
  std::int32_t partition = -1;
  std::vector<std::string> headers;
  std::string acks = "all";
  bool report = false;
  bool input_closed = false;  ///< stdin was, when the program was started.
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
  void parse_headers();
  [[nodiscard]] Result<void> open_producer();
  [[nodiscard]] Result<void> refuse_halted();
  [[nodiscard]] Result<void> send_all(LineReader& lines);
  [[nodiscard]] Result<ProducerRecord> record_of(std::string_view line) const;
  [[nodiscard]] Result<void> send(const ProducerRecord& record);
  void remark_partitions();
  [[nodiscard]] Result<void> wait_for_answers();
  int finish(const Result<void>& sent, std::uint64_t lines);

  const ProduceOptions& options_;
  std::string separator_;
  std::vector<RecordHeader> headers_;
  DeliveryLog log_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
  ProducerTopic topic_;
  std::optional<PartitionAsker> asker_;
  Progress progress_;
  std::uint64_t accepted_ = 0;
};

int ProduceCommand::run(const std::string& broker) {
  parse_headers();
  if (options_.input_closed && (options_.file.empty() || options_.file == "-")) {
    return complain(
        "the input is closed, so there is nothing to send; pipe records into it, or "
        "name a file with --file");
  }
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

/// They were looked at with the command line.
void ProduceCommand::parse_headers() {
  for (const std::string& text : options_.headers) {
    if (const auto header = parse_name_value(text)) {
      headers_.push_back({header->name, header->value});
    }
  }
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
  asker_.emplace(*client_, options_.topic);
  std::size_t open = 0;
  std::string halted;
  for (const PartitionMetadata& partition : topic.partitions) {
    if (options_.partition >= 0 && partition.partition.raw() != options_.partition) continue;
    if (partition.state != PartitionState::halted) {
      ++open;
    } else if (halted.empty()) {
      halted = halted_text(partition);
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
      const char* advice =
          line.error().code == Errc::io_failed ? "; name a file that can be read" : "";
      return failure(line.error().code,
                     source + " cannot be read: " + line.error().detail + advice);
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
  progress_.finish();
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
    if (flushed || flushed.error().code != Errc::timed_out || now >= until) return flushed;
    remark_partitions();
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
  progress_.finish();
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
    complain("interrupted; " + done);
    return exit_interrupted;
  }
  if (!sent) return complain_about(sent.error(), options_.topic);
  if (!closed) return complain_about(Error{closed.error().code, done}, options_.topic);
  return log_.exit_status();
}

/// NAME=VALUE, and a name that records can have.
CLI::Validator header() {
  return {[](std::string& text) -> std::string {
            const auto header = parse_name_value(text);
            if (!header) return header.error().detail;
            if (is_utf8(header->name)) return {};
            return "of '" + printable(text, 100) + "' NAME is not UTF-8; VALUE may be any bytes";
          },
          ""};
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
  command->add_option("TOPIC", options->topic, "The topic")
      ->required()
      ->check(topic_name())
      ->type_name("");
  command->add_option("--file", options->file, "Read this file (stdin)")->type_name("F");
  command
      ->add_option("--key-separator", options->key_separator,
                   "What stands before the first SEP of a line is the record's key; \\t is a tab")
      ->check(some_text())
      ->type_name("SEP");
  command->add_option("--partition", options->partition, "Send all to this one")
      ->check(partition_index())
      ->type_name("P");
  command->add_option("--header", options->headers, "A header of every record; may be repeated")
      ->check(header())
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
      "which tells no offset, -1); '- failed' or '- unknown' for one without an acknowledgement");
  add_broker_option(*command, commands);
  command->callback([options, &commands] {
    options->input_closed = commands.input_closed;
    commands.run = [options, &commands] { return produce(*options, commands.broker); };
  });
}

}  // namespace pinion::cli
