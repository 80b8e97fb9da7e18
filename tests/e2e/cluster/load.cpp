#include "tests/e2e/cluster/load.hpp"

#include "common/base/prng.hpp"
#include "tests/support/process_cluster.hpp"
#include "tests/support/test_process.hpp"

#include <chrono>

namespace pinion::test {
namespace {

/// A value with its number in front, filled up with letters that differ from value to value.
std::string value_of(std::int32_t sender, std::uint64_t number, std::size_t bytes) {
  std::string value = std::to_string(sender) + "-" + std::to_string(number);
  Prng letters(number * 1000 + static_cast<std::uint64_t>(sender));
  if (value.size() < bytes) value += ' ';
  while (value.size() < bytes) value += static_cast<char>('a' + letters.below(26));
  return value;
}

/// The part that names it: what the checker keeps.
std::string name_of(std::string_view value) {
  return std::string(value.substr(0, value.find(' ')));
}

Result<std::unique_ptr<Client>> connect(const LoadOptions& options) {
  ClientOptions client;
  client.broker = options.broker;
  client.name = "load";
  client.connect_timeout = patience(30s);
  return Client::connect(std::move(client));
}

ConsumerOptions from_the_start(const LoadOptions& options) {
  ConsumerOptions consumer;
  consumer.topics = {options.topic};
  consumer.commit = CommitMode::manual;
  consumer.open_timeout = patience(30s);
  return consumer;
}

}  // namespace

Load::Load(const LoadOptions& options, LogChecker& log) : options_(options), log_(log) {
  for (std::int32_t i = 0; i < options_.senders; ++i) {
    senders_.emplace_back([this, i] { send(i); });
  }
  reader_ = std::thread([this] { read(); });
}

Load::~Load() { finish(); }

void Load::note(const std::string& problem) {
  const std::lock_guard lock(mutex_);
  if (problem_.empty()) problem_ = problem;
}

std::string Load::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

bool Load::wait_for_more(std::uint64_t records, Micros limit) const {
  const std::uint64_t wanted = acknowledged_ + records;
  return eventually(limit, [&] { return acknowledged_ >= wanted || !problem().empty(); }) &&
         problem().empty();
}

void Load::send(std::int32_t sender) {
  auto client = connect(options_);
  if (!client) return note("sender: " + client.error().to_string());
  ProducerOptions producer_options;
  producer_options.delivery_timeout = options_.delivery_timeout;
  producer_options.block_timeout = options_.delivery_timeout;
  auto producer = (*client)->producer(std::move(producer_options));
  if (!producer) return note("sender: " + producer.error().to_string());
  auto topic = (*producer)->topic(options_.topic, patience(30s));
  if (!topic) return note("sender: " + topic.error().to_string());

  Prng choice(static_cast<std::uint64_t>(sender) + 1);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t number = 0; sending_; ++number) {
    const auto due = start + std::chrono::microseconds(number * 1'000'000 / options_.records_per_s);
    std::this_thread::sleep_until(due);
    const std::string value = value_of(sender, number, options_.value_bytes);
    const std::string name = name_of(value);
    ProducerRecord record;
    record.value = value;
    record.partition = PartitionIndex(
        static_cast<std::int32_t>(choice.below(static_cast<std::uint64_t>(options_.partitions))));
    log_.on_send(std::to_string(sender), name);
    const Result<void> sent =
        (*producer)->send(*topic, record, [this, name](const DeliveryReport& report) {
          if (report.outcome == Outcome::acknowledged) {
            ++acknowledged_;
            log_.on_ok(name, {report.partition.raw(), report.offset.raw()});
          } else if (report.outcome == Outcome::failed) {
            log_.on_fail(name);
          } else {
            log_.on_info(name);
          }
        });
    if (!sent) log_.on_fail(name);
  }
  const Result<void> closed = (*producer)->close(options_.delivery_timeout + patience(30s));
  if (!closed) note("sender's close: " + closed.error().to_string());
}

void Load::read() {
  auto client = connect(options_);
  if (!client) return note("reader: " + client.error().to_string());
  auto consumer = (*client)->consumer(from_the_start(options_));
  if (!consumer) return note("reader: " + consumer.error().to_string());
  while (reading_) {
    const auto records = (*consumer)->poll(10'000, 100ms);
    if (!records) return note("reader's poll: " + records.error().to_string());
    for (const ConsumerRecord& record : *records) {
      log_.on_read("live", {record.partition.raw(), record.offset.raw()}, name_of(record.value));
    }
  }
}

void Load::finish() {
  sending_ = false;
  for (std::thread& sender : senders_) {
    if (sender.joinable()) sender.join();
  }
  reading_ = false;
  if (reader_.joinable()) reader_.join();
}

std::string read_everything(const LoadOptions& options, LogChecker& log, Micros limit) {
  auto client = connect(options);
  if (!client) return client.error().to_string();
  std::vector<Offset> ends;
  for (std::int32_t p = 0; p < options.partitions; ++p) {
    const auto end =
        (*client)->admin().list_offset({options.topic, PartitionIndex(p)}, Place::latest(), limit);
    if (!end) return end.error().to_string();
    ends.push_back(*end);
  }
  auto consumer = (*client)->consumer(from_the_start(options));
  if (!consumer) return consumer.error().to_string();
  std::vector<Offset> next(ends.size(), Offset{0});
  std::string problem;
  const bool complete = eventually(limit, [&] {
    const auto records = (*consumer)->poll(10'000, 100ms);
    if (!records) {
      problem = records.error().to_string();
      return true;
    }
    for (const ConsumerRecord& record : *records) {
      log.on_read("final", {record.partition.raw(), record.offset.raw()}, name_of(record.value));
      next[static_cast<std::size_t>(record.partition.raw())] = record.offset + 1;
    }
    return next == ends;
  });
  if (!complete && problem.empty()) problem = "the last phase did not read to the end";
  return problem;
}

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += sentence + "\n";
  return text;
}

}  // namespace pinion::test
