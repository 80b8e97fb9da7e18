#include "cli/bench_load.hpp"

#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"

#include <algorithm>

#include <sys/prctl.h>
#include <unistd.h>

namespace pinion::cli {
namespace {

constexpr Micros commits_reported_within = 5s;
constexpr Micros poll_timeout = 100ms;
constexpr std::size_t records_per_poll = 65'536;

Result<std::unique_ptr<Client>> connect_for_bench(const BenchOptions& options) {
  ClientOptions client;
  client.broker = options.broker;
  client.name = "pinion bench " + options.kind;
  return Client::connect(std::move(client));
}

/// The part of `total` that falls to worker `index` of `count`.
std::uint64_t share_of(std::uint64_t total, std::int32_t index, std::int32_t count) {
  const auto n = static_cast<std::uint64_t>(count);
  return total / n + (static_cast<std::uint64_t>(index) < total % n ? 1 : 0);
}

/// What a program does at the least: it looks at every value.
void touch(const RecordBatch& batch) {
  std::size_t bytes = 0;
  for (const ConsumerRecord& record : batch) bytes += record.value.size();
  [[maybe_unused]] const volatile std::size_t seen = bytes;
}

/// One sender's thread.
class Sender {
 public:
  Sender(Crew& crew, const BenchOptions& options, std::int32_t index)
      : crew_(crew), options_(options), index_(index) {}

  [[nodiscard]] Result<void> open(const std::string& topic) {
    PINION_TRY(client, connect_for_bench(options_));
    client_ = std::move(client);
    ProducerOptions producer_options;
    producer_options.delivery_timeout = bench_timeout;
    producer_options.block_timeout = bench_timeout;
    if (options_.batch > 0) {
      producer_options.batch_bytes_max = static_cast<std::size_t>(
          options_.batch * (options_.size + limits::record_overhead_bytes));
    }
    producer_options.on_batch = [this](const BatchReport& batch) {
      if (batch.outcome == Outcome::acknowledged) {
        crew_.add(batch.record_count);
      } else {
        crew_.trouble.note(batch.error);
      }
    };
    PINION_TRY(producer, client_->producer(std::move(producer_options)));
    producer_ = std::move(producer);
    PINION_TRY(found, producer_->topic(topic, bench_timeout));
    topic_ = found;
    return {};
  }

  [[nodiscard]] Result<void> send_all(std::uint64_t records, const FillValue& fill) {
    std::string value(options_.size, 'x');
    ProducerRecord record;
    // Several senders divide the partitions; one alone goes round.
    if (options_.producers > 1) record.partition = PartitionIndex(index_ % options_.partitions);
    const auto rate = share_of(options_.rate, index_, options_.rate == 0 ? 1 : options_.producers);
    Pace pace(rate);
    for (std::uint64_t i = 0; i < records && !crew_.trouble.any(); ++i) {
      if ((i & 1023) == 0 && interrupted()) return failure(Errc::cancelled, "interrupted");
      const Micros due = rate > 0 ? pace.wait() : Micros{0};
      if (fill) fill(value, due);
      record.value = value;
      PINION_CHECK(producer_->send(topic_, record));
    }
    return producer_->close(bench_timeout);
  }

 private:
  Crew& crew_;
  const BenchOptions& options_;
  std::int32_t index_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
  ProducerTopic topic_;
};

/// One reader's thread.
class Reader {
 public:
  Reader(Crew& crew, const BenchOptions& options, std::int32_t index)
      : crew_(crew), options_(options), index_(index) {}

  [[nodiscard]] Result<void> open(const std::string& topic) {
    PINION_TRY(client, connect_for_bench(options_));
    client_ = std::move(client);
    ConsumerOptions consumer_options;
    consumer_options.commit = CommitMode::manual;
    for (std::int32_t p = index_; p < options_.partitions; p += options_.consumers) {
      consumer_options.partitions.push_back({topic, PartitionIndex(p)});
    }
    if (consumer_options.partitions.empty()) return {};
    PINION_TRY(consumer, client_->consumer(std::move(consumer_options)));
    consumer_ = std::move(consumer);
    return {};
  }

  [[nodiscard]] Result<void> read_all(const OnRecord& on_record) {
    if (!consumer_) return {};
    Micros last = monotonic_now();
    while (!crew_.ended()) {
      if (interrupted()) return failure(Errc::cancelled, "interrupted");
      PINION_TRY(batch, consumer_->poll(records_per_poll, poll_timeout));
      if (on_record) {
        for (const ConsumerRecord& record : batch) on_record(record);
      } else {
        touch(batch);
      }
      crew_.add(batch.size());
      const Micros now = monotonic_now();
      if (!batch.empty()) last = now;
      if (now - last > bench_timeout) {
        return failure(Errc::timed_out, "nothing came for two minutes");
      }
    }
    return {};
  }

 private:
  Crew& crew_;
  const BenchOptions& options_;
  std::int32_t index_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Consumer> consumer_;
};

}  // namespace

Result<std::unique_ptr<BenchTopic>> BenchTopic::make(const BenchOptions& options) {
  PINION_TRY(client, connect_for_bench(options));
  TopicConfig config;
  config.partitions = options.partitions;
  config.replication = options.replication;
  const std::string name = "bench-" + options.kind + "-" + std::to_string(getpid()) + "-" +
                           std::to_string(wall_now().count() % 1'000'000'000);
  PINION_TRY(topic, client->admin().create_topic(name, config, bench_timeout));
  return std::unique_ptr<BenchTopic>(new BenchTopic(std::move(client), topic.name));
}

BenchTopic::~BenchTopic() {
  const Result<void> removed = client_->admin().delete_topic(name_, 15s);
  if (!removed) remark("topic " + name_ + " is left behind: " + removed.error().detail);
}

std::uint64_t BenchTopic::commits_for(std::uint64_t records) const {
  const Micros until = monotonic_now() + commits_reported_within;
  while (monotonic_now() < until && !interrupted()) {
    const Result<ClusterStatusReply> status = client_->admin().cluster_status(bench_timeout);
    if (!status) return 0;
    TopicId id{0};
    for (const TopicMetadata& topic : status->topics) {
      if (topic.name == name_) id = topic.id;
    }
    std::uint64_t reported = 0;
    std::uint64_t commits = 0;
    for (const PartitionStatus& partition : status->partitions) {
      if (partition.topic != id) continue;
      reported += partition.records_in;
      commits += partition.commits;
    }
    if (reported >= records) return commits;
    sleep_unless_interrupted(50ms);
  }
  return 0;
}

Micros Pace::wait() {
  if (start_ == Micros{0}) {
    start_ = monotonic_now();
    prctl(PR_SET_TIMERSLACK, 1'000UL, 0, 0, 0);  // A microsecond, for this thread.
  }
  const Micros due =
      start_ +
      micros(static_cast<std::int64_t>(done_ * 1'000'000 / std::max<std::uint64_t>(1, rate_)));
  ++done_;
  const Micros left = due - monotonic_now();
  if (left > Micros{0}) std::this_thread::sleep_for(left);
  return due;
}

void Trouble::note(Error error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  any_ = true;
}

std::optional<Error> Trouble::first() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

Micros Crew::begin() {
  ready.arrive_and_wait();
  return monotonic_now();
}

void Crew::add(std::uint64_t records) {
  const std::uint64_t before = done_.fetch_add(records);
  if (before < records_ && before + records >= records_) finished_us_ = monotonic_now().count();
}

void Crew::join() {
  for (std::thread& thread : threads) {
    if (thread.joinable()) thread.join();
  }
}

Result<Micros> Crew::finish(const char* doing) {
  Progress progress;
  while (!ended() && !interrupted()) {
    if (progress.due()) progress.show(std::string(doing) + " " + format_count(done_));
    sleep_unless_interrupted(50ms);
  }
  join();
  progress.finish();
  if (const std::optional<Error> error = trouble.first()) return failure(*error);
  return micros(finished_us_);
}

void start_senders(Crew& crew, const BenchOptions& options, const std::string& topic,
                   const FillValue& fill) {
  for (std::int32_t i = 0; i < options.producers; ++i) {
    crew.threads.emplace_back([&crew, &options, topic, fill, i] {
      Sender sender(crew, options, i);
      Result<void> done = sender.open(topic);
      crew.ready.arrive_and_wait();
      if (done) done = sender.send_all(share_of(crew.records(), i, options.producers), fill);
      if (!done) crew.trouble.note(done.error());
    });
  }
}

void start_readers(Crew& crew, const BenchOptions& options, const std::string& topic,
                   const OnRecord& on_record) {
  for (std::int32_t i = 0; i < options.consumers; ++i) {
    crew.threads.emplace_back([&crew, &options, topic, on_record, i] {
      Reader reader(crew, options, i);
      Result<void> done = reader.open(topic);
      crew.ready.arrive_and_wait();
      if (done) done = reader.read_all(on_record);
      if (!done) crew.trouble.note(done.error());
    });
  }
}

}  // namespace pinion::cli
