// pinion consume: records to stdout, as bare values or as JSON.
//
// Positions are committed for what has been written out, never for what is only fetched: a reader
// that goes away, a full disk or a signal repeats records at worst, and skips none.
#include "cli/ask_partition.hpp"
#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/json_text.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/text.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>

namespace pinion::cli {
namespace {

constexpr std::size_t records_per_poll = 8'192;
/// How soon a signal is noticed while nothing comes.
constexpr Micros poll_timeout = 100ms;
constexpr Micros commit_every = 1s;
/// Without --follow: how long to wait for a partition that should have something and does not come.
constexpr Micros stalled_after = 20s;
/// With --follow: a leader that is only changing is not spoken of.
constexpr Micros told_after = 1s;
constexpr Micros look_every = 200ms;

struct ConsumeOptions {
  std::string topic;
  std::string consumer;
  std::string from = "earliest";
  bool reset = false;
  std::int32_t partition = -1;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  double idle_exit = -1;
  bool follow = false;
  bool any_replica = false;
  bool json = false;
};

/// What this command knows of one partition.
struct Progressed {
  Offset end = offset_unassigned;        ///< Read up to here; -1: for ever.
  Offset next = offset_unassigned;       ///< Behind the last record that was printed.
  Offset written = offset_unassigned;    ///< The same, once the output has it.
  Offset committed = offset_unassigned;  ///< The last commit of this command.
};

class ConsumeCommand {
 public:
  explicit ConsumeCommand(const ConsumeOptions& options) : options_(options) {}
  int run(const std::string& broker);

 private:
  enum class State : unsigned char { reading, done };

  [[nodiscard]] bool bounded() const { return !options_.follow && options_.idle_exit < 0; }
  [[nodiscard]] Result<void> open();
  [[nodiscard]] Result<void> find_ends(const TopicMetadata& topic, const From& from);
  [[nodiscard]] Result<void> leave_out(Error why);
  [[nodiscard]] Result<Offset> ask_end(PartitionIndex partition);
  [[nodiscard]] Result<State> read_some();
  void print(const RecordBatch& records);
  [[nodiscard]] Result<State> look_around();
  [[nodiscard]] Result<State> end_when_idle(Micros quiet);
  [[nodiscard]] Result<void> check_answers(const std::vector<PartitionPosition>& positions);
  [[nodiscard]] bool all_read(const std::vector<PartitionPosition>& positions) const;
  void note_written();
  [[nodiscard]] Result<void> commit_if_due();
  enum class Untouched : bool { left_alone, begins_where_it_is };
  [[nodiscard]] Result<void> commit_all(Untouched untouched);
  void remark_connection();
  void look_at_partitions();
  int finish(const Result<void>& read);

  const ConsumeOptions& options_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Consumer> consumer_;
  std::optional<PartitionAsker> asker_;
  std::map<PartitionIndex, Progressed> partitions_;
  Output out_;
  Progress progress_;
  std::uint64_t printed_ = 0;
  std::optional<Offset> asked_;  ///< --from OFFSET.
  std::vector<Error> unread_;    ///< Why a partition is not read; one each.
  Micros last_record_{0};
  Micros last_commit_{0};
  Micros next_look_{0};
  bool connection_remarked_ = false;
};

int ConsumeCommand::run(const std::string& broker) {
  client_ = connect(broker, "consume");
  if (!client_) return 1;
  const Result<void> opened = open();
  if (interrupted()) {
    complain("interrupted before anything was read");
    return exit_interrupted;
  }
  if (!opened) return complain_about(opened.error(), options_.topic);
  last_record_ = monotonic_now();
  last_commit_ = last_record_;
  Result<void> read;
  while (!interrupted() && out_.good() && printed_ < options_.max) {
    const Result<State> state = read_some();
    if (!state) read = failure(state.error());
    if (!state || *state == State::done) break;
  }
  return finish(read);
}

Result<void> ConsumeCommand::open() {
  PINION_TRY(from, parse_from(options_.from, wall_now()));
  PINION_TRY(topic, client_->admin().describe_topic(options_.topic, answer_timeout));
  if (options_.partition >= static_cast<std::int64_t>(topic.partitions.size())) {
    return failure(Errc::unknown_partition, "topic " + options_.topic + " has no partition " +
                                                std::to_string(options_.partition));
  }
  asker_.emplace(*client_, options_.topic);
  asker_->unserved().note(topic, {}, monotonic_now());
  PINION_CHECK(find_ends(topic, from));
  ConsumerOptions options;
  if (options_.partition >= 0) {
    options.partitions = {{options_.topic, PartitionIndex(options_.partition)}};
  } else {
    options.topics = {options_.topic};
  }
  if (!options_.consumer.empty()) options.name = "consumer:" + options_.consumer;
  options.commit = CommitMode::manual;
  options.ignore_committed = options_.reset;
  options.any_replica = options_.any_replica;
  if (std::holds_alternative<FromLatest>(from)) options.start = Place::latest();
  if (const auto* offset = std::get_if<Offset>(&from)) {
    asked_ = *offset;
    options.start = Place::at(*offset);
  }
  if (const auto* time = std::get_if<Micros>(&from)) options.start = Place::time(*time);
  PINION_TRY(consumer, client_->consumer(std::move(options)));
  consumer_ = std::move(consumer);
  return {};
}

/// The high watermark of each partition as of now, which is where reading ends without --follow.
Result<void> ConsumeCommand::find_ends(const TopicMetadata& topic, const From& from) {
  const auto* offset = std::get_if<Offset>(&from);
  for (const PartitionMetadata& partition : topic.partitions) {
    if (options_.partition >= 0 && partition.partition.raw() != options_.partition) continue;
    if (partition.state == PartitionState::halted) {
      PINION_CHECK(leave_out(unserved_error(partition)));
      continue;
    }
    if (!bounded()) {
      partitions_[partition.partition] = {};
      continue;
    }
    const Result<Offset> asked = ask_end(partition.partition);
    if (!asked) {
      PINION_CHECK(leave_out(asked.error()));
      continue;
    }
    const Offset end = *asked;
    partitions_[partition.partition].end = end;
    if (offset != nullptr && *offset > end && options_.consumer.empty()) {
      return failure(Errc::offset_out_of_range,
                     "partition " + std::to_string(partition.partition.raw()) + " ends at offset " +
                         std::to_string(end.raw()) + ", --from asks for " +
                         std::to_string(offset->raw()) +
                         "; choose a smaller one, or wait for more with --follow");
    }
  }
  return {};
}

/// The others are read, and it is told at the end; fails when that is no use.
Result<void> ConsumeCommand::leave_out(Error why) {
  const bool is_of_partition = why.code != Errc::cancelled && why.code != Errc::connection_lost;
  if (!is_of_partition || options_.partition >= 0) return failure(std::move(why));
  why.detail += "; what it holds was not read";
  unread_.push_back(std::move(why));
  return {};
}

/// The high watermark as of now; the error names the partition.
Result<Offset> ConsumeCommand::ask_end(PartitionIndex partition) {
  const TopicPartition which{options_.topic, partition};
  const Result<Offset> end =
      asker_->ask<Offset>(partition, [&](Calls& calls, Calls::Then<Offset> then) {
        calls.list_offset(which, Place::latest(), answer_timeout, std::move(then));
      });
  if (!end) return failure(asker_->explain(partition, end.error()));
  return end;
}

Result<ConsumeCommand::State> ConsumeCommand::read_some() {
  const std::uint64_t wanted = std::min<std::uint64_t>(records_per_poll, options_.max - printed_);
  PINION_TRY(records, consumer_->poll(static_cast<std::size_t>(wanted), poll_timeout));
  if (!records.empty()) {
    last_record_ = monotonic_now();
    print(records);
    if (out_.flush()) note_written();
    if (progress_.due()) progress_.show(format_count(printed_) + " records");
  }
  PINION_CHECK(commit_if_due());
  if (!bounded()) look_at_partitions();
  if (records.empty() || bounded()) return look_around();
  return State::reading;
}

void ConsumeCommand::print(const RecordBatch& records) {
  for (const ConsumerRecord& record : records) {
    // A partition that was left out may be back; how much of it was asked for is not known.
    if (bounded() && partitions_.count(record.partition) == 0) continue;
    Progressed& progressed = partitions_[record.partition];
    // What came after the start is not asked for; and where nothing is printed nothing is
    // committed.
    if (progressed.end != offset_unassigned && record.offset >= progressed.end) continue;
    if (options_.json) {
      out_.line(json_of(RecordText{record.topic, record.partition, record.offset, record.timestamp,
                                   record.key, record.headers, record.value}));
    } else {
      out_.line(record.value);
    }
    progressed.next = record.offset + 1;
    ++printed_;
  }
}

/// Is it the end? Is anybody there?
Result<ConsumeCommand::State> ConsumeCommand::look_around() {
  const Micros quiet = monotonic_now() - last_record_;
  if (!bounded()) {
    remark_connection();
    if (options_.idle_exit < 0 || static_cast<double>(quiet.count()) < options_.idle_exit * 1e6) {
      return State::reading;
    }
    return end_when_idle(quiet);
  }
  const std::vector<PartitionPosition> positions = consumer_->positions();
  if (all_read(positions)) return State::done;
  if (quiet < stalled_after) return State::reading;
  PINION_CHECK(check_answers(positions));
  return failure(Errc::timed_out, "nothing came for " +
                                      std::to_string(stalled_after.count() / 1'000'000) +
                                      " s although there is more to read");
}

/// Quiet may also mean that nobody was there to ask, or that a first answer is still on its way: it
/// is the end when every partition says so itself.
Result<ConsumeCommand::State> ConsumeCommand::end_when_idle(Micros quiet) {
  const ConnectionStatus status = client_->status();
  if (!status.connected) return failure(Errc::timed_out, status.problem);
  const std::vector<PartitionPosition> positions = consumer_->positions();
  for (auto& [index, progressed] : partitions_) {
    const auto asked = ask_end(index);
    if (interrupted()) return State::reading;
    if (!asked) return failure(asked.error());
    const auto found =
        std::find_if(positions.begin(), positions.end(),
                     [&, i = index](const auto& p) { return p.partition.partition == i; });
    const Offset next = found == positions.end() ? offset_unassigned : found->next;
    if (next != offset_unassigned && next >= *asked) continue;
    if (quiet < stalled_after) return State::reading;
    PINION_CHECK(check_answers(positions));
    return failure(Errc::timed_out, "partition " + std::to_string(index.raw()) +
                                        " has more to read, of which nothing came");
  }
  return State::done;
}

Result<void> ConsumeCommand::check_answers(const std::vector<PartitionPosition>& positions) {
  const ConnectionStatus status = client_->status();
  if (!status.connected) return failure(Errc::timed_out, status.problem);
  for (const PartitionPosition& position : positions) {
    if (position.problem.empty()) continue;
    return failure(Errc::timed_out, "partition " +
                                        std::to_string(position.partition.partition.raw()) +
                                        " does not answer: " + position.problem);
  }
  return {};
}

bool ConsumeCommand::all_read(const std::vector<PartitionPosition>& positions) const {
  for (const auto& [index, progressed] : partitions_) {
    if (progressed.next >= progressed.end) continue;
    const auto found =
        std::find_if(positions.begin(), positions.end(),
                     [&, i = index](const auto& p) { return p.partition.partition == i; });
    if (found == positions.end() || found->next < progressed.end) return false;
  }
  return true;
}

void ConsumeCommand::note_written() {
  for (auto& [index, progressed] : partitions_) progressed.written = progressed.next;
}

Result<void> ConsumeCommand::commit_if_due() {
  if (options_.consumer.empty() || monotonic_now() - last_commit_ < commit_every) return {};
  return commit_all(Untouched::begins_where_it_is);
}

/// What was written out; and where nothing was read, the place where reading will begin, so that
/// the next run begins there too. After a failure that place may be one that nobody asked for.
Result<void> ConsumeCommand::commit_all(Untouched untouched) {
  if (options_.consumer.empty()) return {};
  last_commit_ = monotonic_now();
  for (const PartitionPosition& position : consumer_->positions()) {
    const auto known = partitions_.find(position.partition.partition);
    if (known == partitions_.end()) continue;  // Left out: nobody is there to keep it.
    Progressed& progressed = known->second;
    Offset next = progressed.written;
    const bool begins = untouched == Untouched::begins_where_it_is;
    if (begins && next == offset_unassigned && progressed.next == offset_unassigned) {
      // An offset that was asked for and is not there is no place to begin at.
      if (asked_ && progressed.end != offset_unassigned && *asked_ > progressed.end) continue;
      next = position.next;
      if (progressed.end != offset_unassigned) next = std::min(next, progressed.end);
    }
    if (next == offset_unassigned || next == progressed.committed) continue;
    if (progressed.committed == offset_unassigned && next == position.committed) continue;
    PINION_CHECK(consumer_->commit(position.partition, next, answer_timeout));
    progressed.committed = next;
  }
  return {};
}

/// On a terminal a person is told why nothing comes.
void ConsumeCommand::remark_connection() {
  if (!is_terminal(2)) return;
  const ConnectionStatus status = client_->status();
  if (!status.connected && !connection_remarked_) remark(status.problem + "; waiting");
  if (status.connected && connection_remarked_) remark("connected again");
  connection_remarked_ = !status.connected;
}

/// A partition that is away is silent like one that has nothing: whoever reads on is told which it
/// is, and when it is back.
void ConsumeCommand::look_at_partitions() {
  const Micros now = monotonic_now();
  if (now < next_look_) return;
  next_look_ = now + look_every;
  std::optional<PartitionIndex> only;
  if (options_.partition >= 0) only = PartitionIndex(options_.partition);
  asker_->look(only);
  if (!options_.follow) return;  // Then it is an error at the end.
  for (const auto& news : asker_->unserved().news(now, told_after)) {
    progress_.finish();
    remark(news.text + (news.is_back ? "" : "; waiting for it"));
  }
}

int ConsumeCommand::finish(const Result<void>& read) {
  progress_.finish();
  if (out_.flush()) note_written();
  const Result<void> committed =
      commit_all(read ? Untouched::begins_where_it_is : Untouched::left_alone);
  consumer_->close(answer_timeout);
  if (!out_.good()) return out_.exit_status();
  if (!read) return complain_about(read.error(), options_.topic);
  if (!committed) {
    return complain_about(
        Error{committed.error().code, "the position of consumer " + options_.consumer +
                                          " could not be kept: " + committed.error().detail},
        options_.topic);
  }
  // With --follow a signal is how it ends.
  if (interrupted() && !options_.follow) {
    complain("interrupted after " + std::to_string(printed_) + " records");
    return exit_interrupted;
  }
  for (const Error& error : unread_) complain_about(error, options_.topic);
  return unread_.empty() ? 0 : 1;
}

CLI::Validator place() {
  return {[](std::string& text) -> std::string {
            const auto from = parse_from(text, wall_now());
            return from ? std::string() : from.error().detail;
          },
          ""};
}

int consume(const ConsumeOptions& options, const std::string& broker) {
  ConsumeCommand command(options);
  return command.run(broker);
}

}  // namespace

void add_consume(CLI::App& app, Commands& commands) {
  CLI::App* command = app.add_subcommand(
      "consume",
      "Print records: bare values, one a line, or one JSON object a record.\n"
      "Reads up to the end as it is at the start, and ends; with --follow it goes on until "
      "Ctrl-C,\n"
      "with --idle-exit until nothing came for so long. Order holds within a partition.\n"
      "A partition that has no leader is waited for some seconds, then the others are read, it is\n"
      "named, and the exit status is 1; with --follow it is waited for.\n"
      "What was written into a pipe counts as read: '--consumer c | head -100' may move c's\n"
      "position far past what head took. --max 100 reads, and counts, no more than 100.");
  const auto options = std::make_shared<ConsumeOptions>();
  command->add_option("TOPIC", options->topic, "The topic")
      ->required()
      ->check(topic_name())
      ->type_name("");
  command
      ->add_option("--consumer", options->consumer,
                   "Go on where this consumer stopped, and keep where it stops now")
      ->check(some_text())
      ->type_name("NAME");
  command
      ->add_option("--from", options->from,
                   "Where to begin, for a consumer only where it has no position yet (earliest). "
                   "TIME: 2026-11-21T09:30:00Z, microseconds since 1970, or -15m")
      ->check(place())
      ->type_name("earliest|latest|OFFSET|@TIME");
  command->add_flag("--reset", options->reset, "Begin at --from even where there is a position");
  command->add_option("--partition", options->partition, "Only this one (all)")
      ->check(partition_index())
      ->type_name("P");
  command->add_option("--max", options->max, "End after so many records")
      ->check(whole_number())
      ->type_name("N");
  command->add_option("--idle-exit", options->idle_exit, "End when nothing came for so long")
      ->check(seconds_of_time())
      ->type_name("SECONDS");
  command->add_flag("--follow", options->follow, "Wait for more at the end");
  command->add_flag("--any-replica", options->any_replica,
                    "Let followers answer too: spreads the load, may be a little behind");
  command->add_flag("--json", options->json, "One object a record");
  add_broker_option(*command, commands);
  command->callback([options, &commands] {
    commands.run = [options, &commands] { return consume(*options, commands.broker); };
  });
}

}  // namespace pinion::cli
