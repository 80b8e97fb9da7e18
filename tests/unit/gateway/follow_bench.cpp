#include "tests/unit/gateway/follow_bench.hpp"

#include "common/proto/record_batch.hpp"

#include <algorithm>
#include <utility>

namespace pinion::gateway::test {
namespace {

constexpr Micros log_time_first{1'000};
constexpr Micros timestamp{7};

std::string id_of(const FollowFeed::From& from) {
  std::string id;
  for (const auto& [partition, offset] : from) {
    id += (id.empty() ? "" : ",") + std::to_string(partition.raw()) + ':' +
          std::to_string(offset.raw());
  }
  return id;
}

/// By hand, as docs/HTTP.md has it.
std::string data_of(std::int32_t partition, std::int64_t offset, const std::string& value) {
  return "\ndata: {\"partition_id\":" + std::to_string(partition) +
         ",\"offset\":" + std::to_string(offset) +
         ",\"timestamp\":" + std::to_string(timestamp.count()) +
         ",\"log_time\":" + std::to_string(log_time_first.count() + offset) + ",\"value\":\"" +
         value + "\"}\n\n";
}

}  // namespace

FollowBench::FollowBench(std::uint64_t held_max)
    : lanes(std::make_shared<FetchLanes>(
          [this](const FetchCall& call, Micros, std::function<void(Result<FetchAnswer>)> then) {
            sent_.push_back({call, std::move(then)});
          },
          [this] { return now; }, held_max)) {}

/// A fetch that is under way keeps its tail, and the tail the lanes.
FollowBench::~FollowBench() {
  is_over_ = true;
  for (Tail& tail : tails) {
    if (tail.feed) tail.feed->stop();
  }
  while (!sent_.empty() || !waits_.empty()) {
    std::deque<Sent>& from = sent_.empty() ? waits_ : sent_;
    const Sent one = std::move(from.front());
    from.pop_front();
    one.then(failure(Errc::closed, "the test is over"));
  }
}

// ---- The log

std::int64_t FollowBench::size_of_log(std::int32_t partition) {
  return static_cast<std::int64_t>(logs_[partition].value_bytes.size());
}

std::string FollowBench::value_of(std::int32_t partition, std::int64_t offset) {
  std::string value = std::to_string(partition) + '/' + std::to_string(offset) + ' ';
  const std::size_t bytes = logs_[partition].value_bytes[static_cast<std::size_t>(offset)];
  value.resize(std::max(value.size(), bytes), 'x');
  return value;
}

void FollowBench::append(std::int32_t partition, const std::vector<std::size_t>& value_bytes) {
  Log& log = logs_[partition];
  Batch batch;
  batch.first = size_of_log(partition);
  batch.count = static_cast<std::uint32_t>(value_bytes.size());
  std::string payload;
  for (const std::size_t bytes : value_bytes) {
    batch.starts.push_back(payload.size());
    log.value_bytes.push_back(bytes);
    const std::string value = value_of(partition, size_of_log(partition) - 1);
    append_record(payload, {.timestamp = timestamp, .key = {}, .headers = {}, .value = value});
  }
  batch.payload = std::make_shared<const std::string>(std::move(payload));
  log.batches.push_back(std::move(batch));
  for (std::size_t i = waits_.size(); i > 0; --i) {
    Sent one = std::move(waits_.front());
    waits_.pop_front();
    (one.call.partition.raw() == partition ? sent_ : waits_).push_back(std::move(one));
  }
}

void FollowBench::append_events(const std::vector<std::size_t>& event_bytes) {
  std::vector<std::size_t> value_bytes;
  std::int64_t offset = size_of_log(0);
  for (const std::size_t bytes : event_bytes) {
    const std::string id = id_of({{PartitionIndex(0), Offset(offset + 1)}});
    value_bytes.push_back(bytes - std::string("id: ").size() - id.size() -
                          data_of(0, offset, {}).size());
    ++offset;
  }
  append(0, value_bytes);
}

void FollowBench::append_many(std::int32_t partition, std::size_t batches, std::size_t records,
                              std::size_t value_bytes) {
  for (std::size_t i = 0; i < batches; ++i) {
    append(partition, std::vector<std::size_t>(records, value_bytes));
  }
}

/// From the offset in its batch on, and further batches that are within the bytes.
FetchAnswer FollowBench::records_for(const FetchCall& call) {
  FetchAnswer answer;
  answer.next = call.offset;
  const Log& log = logs_[call.partition.raw()];
  answer.high_watermark = end(call.partition.raw());
  std::size_t bytes = 0;
  for (const Batch& batch : log.batches) {
    if (batch.first + batch.count <= call.offset.raw()) continue;
    if (bytes > 0 && bytes + batch.payload->size() > call.bytes_max) break;
    bytes += batch.payload->size();
    answer.records.add(run_of(batch, call));
    answer.next = Offset(batch.first + batch.count);
  }
  return answer;
}

RecordBatch::Run FollowBench::run_of(const Batch& batch, const FetchCall& call) {
  struct Counted {
    Counted(std::size_t& sum, std::shared_ptr<const std::string> kept)
        : alive(&sum), payload(std::move(kept)) {
      *alive += payload->size();
    }
    ~Counted() { *alive -= payload->size(); }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    std::size_t* alive;
    std::shared_ptr<const std::string> payload;
  };
  const std::int64_t skip = std::max<std::int64_t>(0, call.offset.raw() - batch.first);
  const std::size_t at = batch.starts[static_cast<std::size_t>(skip)];
  const auto counted = std::make_shared<Counted>(alive, batch.payload);
  most_alive = std::max(most_alive, alive);
  RecordBatch::Run run;
  run.topic = topic_;
  run.partition = call.partition;
  run.first = Offset(batch.first + skip);
  run.first_log_time = log_time_first + Micros(batch.first + skip);
  run.count = batch.count - static_cast<std::uint32_t>(skip);
  run.records = Bytes(counted, batch.payload->data() + at, batch.payload->size() - at);
  return run;
}

void FollowBench::answer(Sent&& sent) {
  const std::int32_t partition = sent.call.partition.raw();
  const std::int64_t end = size_of_log(partition);
  if (const auto failing = failing_.find(partition); failing != failing_.end()) {
    return sent.then(failure(failing->second, "the test says so"));
  }
  if (sent.call.offset.raw() > end) {
    return sent.then(failure(Errc::offset_out_of_range, "there is no such offset"));
  }
  if (sent.call.offset.raw() == end && sent.call.wait > Micros{0}) {
    return waits_.push_back(std::move(sent));
  }
  FetchAnswer answer = records_for(sent.call);
  if (!answer.records.empty()) ++fetches;
  sent.then(std::move(answer));
}

void FollowBench::end_waits() {
  std::deque<Sent> waits = std::exchange(waits_, {});
  for (Sent& one : waits) one.then(records_for(one.call));
}

// ---- Tails

FollowBench::Tail& FollowBench::tail(const std::vector<std::int64_t>& from) {
  Tail& tail = tails.emplace_back();
  for (const std::int64_t offset : from) {
    tail.from.emplace_back(PartitionIndex(static_cast<std::int32_t>(tail.from.size())),
                           Offset(offset));
  }
  open(tail);
  return tail;
}

void FollowBench::open(Tail& tail) {
  tail.feed = FollowFeed::make(lanes, places, *topic_, tail.from, 10s, [this] { return now; });
}

void FollowBench::come_back(Tail& tail) {
  tail.feed->stop();
  tail.is_waiting = false;
  tail.has_ended = false;
  tail.rest.clear();
  tail.error_event.clear();
  open(tail);
}

void FollowBench::ask(Tail& tail) {
  tail.is_waiting = true;
  tail.feed->next([this, &tail, feed = tail.feed.get()](std::optional<std::string> piece) {
    // Of a test, or a connection, that has ended.
    if (is_over_ || tail.feed.get() != feed) return;
    tail.is_waiting = false;
    if (piece) return take(tail, *piece);
    tail.has_ended = true;
  });
}

void FollowBench::run() {
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (Tail& tail : tails) {
      if (!tail.reads || tail.is_waiting || tail.has_ended) continue;
      goes_on = true;
      ask(tail);
    }
    while (!sent_.empty()) {
      goes_on = true;
      Sent next = std::move(sent_.front());
      sent_.pop_front();
      answer(std::move(next));
      most_held = std::max(most_held, lanes->held_bytes());
    }
    most_held = std::max(most_held, lanes->held_bytes());
  }
}

void FollowBench::take_piece(Tail& tail) {
  if (!tail.is_waiting && !tail.has_ended) ask(tail);
  run();
}

void FollowBench::take(Tail& tail, const std::string& piece) {
  ++tail.pieces;
  largest_piece = std::max(largest_piece, piece.size());
  std::size_t looked_at = tail.rest.empty() ? 0 : tail.rest.size() - 1;
  tail.rest += piece;
  for (std::size_t end; (end = tail.rest.find("\n\n", looked_at)) != std::string::npos;) {
    take_event(tail, tail.rest.substr(0, end + 2));
    tail.rest.erase(0, end + 2);
    looked_at = 0;
  }
}

void FollowBench::take_event(Tail& tail, const std::string& event) {
  static const std::string error = "event: error\ndata: ";
  if (event.rfind(": ", 0) == 0) {
    ++tail.comments;
  } else if (event.rfind(error, 0) == 0) {
    tail.error_event = event.substr(error.size());
  } else if (const auto right = expected(tail, event); right != event && tail.problem.empty()) {
    tail.problem = "got " + event.substr(0, 120) + ", not " + right.value_or("it").substr(0, 120);
  } else {
    ++tail.events;
  }
}

/// The next event of the partition that this one is of.
std::optional<std::string> FollowBench::expected(Tail& tail, const std::string& event) {
  static const std::string mark = "{\"partition_id\":";
  const std::size_t at = event.find(mark);
  if (at == std::string::npos) return std::nullopt;
  const int partition = std::atoi(event.c_str() + at + mark.size());
  for (auto& [index, offset] : tail.from) {
    if (index.raw() != partition || offset >= end(partition)) continue;
    const std::string data = data_of(partition, offset.raw(), value_of(partition, offset.raw()));
    offset = offset + 1;
    return "id: " + id_of(tail.from) + data;
  }
  return std::nullopt;
}

std::string FollowBench::problem_of(const Tail& tail) {
  if (!tail.problem.empty()) return tail.problem;
  if (tail.has_ended) return "it has ended: " + tail.error_event;
  if (!tail.rest.empty()) return "a part of an event is missing: " + tail.rest.substr(0, 120);
  for (const auto& [partition, offset] : tail.from) {
    if (offset != end(partition.raw())) return "it is at " + id_of(tail.from);
  }
  return {};
}

}  // namespace pinion::gateway::test
