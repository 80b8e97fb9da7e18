#include "partition/driver/reader_thread.hpp"

#include "common/base/assert.hpp"
#include "common/base/limits.hpp"
#include "partition/driver/driver_clock.hpp"

#include <algorithm>
#include <utility>

namespace pinion::partition {

// ---- Budget

void ReadBudget::wait_for_room() noexcept {
  for (;;) {
    const std::size_t alive = alive_.load();
    if (alive < bytes_max_ || closed_.load()) return;
    alive_.wait(alive);
  }
}

void ReadBudget::close() noexcept {
  closed_.store(true);
  alive_.fetch_add(1);  // A waiter sees a new value, and then that it is closed.
  alive_.notify_all();
}

void ReadBudget::release(std::size_t bytes) noexcept {
  alive_.fetch_sub(bytes);
  alive_.notify_all();
}

Bytes ReadBudget::count(Bytes payload) {
  struct Counted {
    Counted(std::shared_ptr<ReadBudget> counter, Bytes held) noexcept
        : budget(std::move(counter)), bytes(std::move(held)) {}
    ~Counted() {
      const std::size_t size = bytes.size();
      bytes = Bytes();
      budget->release(size);
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    std::shared_ptr<ReadBudget> budget;
    Bytes bytes;
  };
  alive_.fetch_add(payload.size());
  const char* data = payload.data();
  const std::size_t size = payload.size();
  return {std::make_shared<Counted>(shared_from_this(), std::move(payload)), data, size};
}

// ---- Thread

void ReaderThread::start() {
  thread_ = std::thread([this] { run(); });
}

void ReaderThread::push(std::variant<ReadWork, ForgetReader> work) {
  const Pushed pushed = queue_.try_push(std::move(work));
  PINION_ASSERT(pushed == Pushed::first || pushed == Pushed::more);
}

void ReaderThread::stop() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void ReaderThread::run() {
  std::vector<std::variant<ReadWork, ForgetReader>> inbox;
  for (;;) {
    inbox.clear();
    if (queue_.wait_and_take(inbox, 1, 1h) == 0 && queue_.closed()) return;
    for (auto& work : inbox) {
      if (auto* read = std::get_if<ReadWork>(&work)) {
        carry_out(*read);
      } else {
        readers_.erase(std::get<ForgetReader>(work).key);
      }
    }
  }
}

Result<PartitionReader*> ReaderThread::reader_of(const ReadWork& work) {
  const auto at = readers_.find(work.effect.key);
  if (at != readers_.end()) {
    at->second.used = ++uses_;
    return at->second.reader.get();
  }
  PINION_TRY(reader, store_->open_reader(*work.identity));
  if (readers_.size() >= limits::readers_kept_per_thread_max) {
    readers_.erase(std::min_element(
        readers_.begin(), readers_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
  Held& held = readers_[work.effect.key];
  held.reader = std::move(reader);
  held.used = ++uses_;
  return held.reader.get();
}

void ReaderThread::carry_out(ReadWork& work) {
  budget_->wait_for_room();
  const Result<PartitionReader*> reader = reader_of(work);
  if (!reader) return refuse(work, reader.error());
  answer(work, **reader);
}

void ReaderThread::answer(ReadWork& work, PartitionReader& reader) {
  const PartitionKey key = work.effect.key;
  const Ticket ticket = work.effect.ticket;
  auto& op = work.effect.op;
  if (const auto* read = std::get_if<ReadRecords>(&op)) {
    RecordsRead result{key, ticket, reader.read(read->from, read->end, read->bytes_max)};
    if (result.batches) {
      for (Batch& batch : *result.batches) batch.payload = budget_->count(std::move(batch.payload));
    }
    results_->push(std::move(result));
  } else if (const auto* find_time = std::get_if<FindTime>(&op)) {
    results_->push(TimeFound{key, ticket, reader.find_time(find_time->time, find_time->end)});
  } else if (const auto* retention = std::get_if<FindRetention>(&op)) {
    results_->push(RetentionFound{
        key, ticket,
        reader.find_retention(retention->before, retention->bytes_kept, retention->end)});
  } else if (std::holds_alternative<RunQuery>(op)) {
    results_->push(Queried{key, ticket, run_query(work, reader)});
  }
}

Result<QueryReply> ReaderThread::run_query(const ReadWork& work, PartitionReader& reader) {
  const auto& query = std::get<RunQuery>(work.effect.op);
  const Micros left = query.deadline - read_monotonic();
  if (left <= Micros{0}) {
    return failure(Errc::throttled, "other queries took all of its time");
  }
  if (work.given_up->load()) return failure(Errc::cancelled, "nobody waits for the query");
  QueryBounds bounds;
  bounds.end = query.end;
  bounds.rows_max = query.rows_max;
  bounds.time_max = std::min(left, limits::query_time_max);
  bounds.cancelled = [given_up = work.given_up] { return given_up->load(); };
  return reader.query(query.sql, bounds);
}

void ReaderThread::refuse(const ReadWork& work, const Error& why) {
  const PartitionKey key = work.effect.key;
  const Ticket ticket = work.effect.ticket;
  switch (work.effect.op.index()) {
    case 0:
      return results_->push(RecordsRead{key, ticket, failure(why)});
    case 1:
      return results_->push(TimeFound{key, ticket, failure(why)});
    case 2:
      return results_->push(RetentionFound{key, ticket, failure(why)});
    default:
      return results_->push(Queried{key, ticket, failure(why)});
  }
}

}  // namespace pinion::partition
