#include "client/driver/accumulator.hpp"

#include "client/driver/clock.hpp"
#include "common/base/assert.hpp"
#include "common/base/limits.hpp"

#include <algorithm>

namespace pinion::client {
namespace {

constexpr std::size_t charge_step = 16 * limits::kib;
/// A waiter that missed its notification looks again after this.
constexpr Micros look_again_every = 50ms;

}  // namespace

Accumulator::Accumulator(const ProducerOptions& options, Waker& waker)
    : batch_bytes_max_(options.batch_bytes_max),
      buffer_bytes_max_(options.buffer_bytes_max),
      back_pressure_(options.back_pressure),
      block_timeout_(options.block_timeout),
      waker_(&waker),
      pool_(std::make_shared<BufferPool>(limits::producer_buffers_kept_max)) {}

// ---- API threads

Lane& Accumulator::lane(PartitionKey key, const std::shared_ptr<const std::string>& topic) {
  const std::lock_guard lock(lanes_mutex_);
  auto& lane = lanes_[key];
  if (!lane) lane = std::make_unique<Lane>(key, topic);
  return *lane;
}

Result<void> Accumulator::append(Lane& lane, const RecordView& record, DeliveryCallback* callback,
                                 MayWait may_wait) {
  Micros wait_until{-1};
  for (;;) {
    switch (try_append(lane, record, callback)) {
      case Appended::done:
        return {};
      case Appended::closed:
        return failure(Errc::closed, "the producer is closed");
      case Appended::full:
        break;
    }
    if (back_pressure_ == BackPressure::fail || may_wait == MayWait::no) {
      return failure(Errc::throttled,
                     "the producer's memory is full: what was sent before is not answered yet");
    }
    if (wait_until < Micros{0}) wait_until = monotonic_now() + block_timeout_;
    if (!wait_for_space(encoded_size(record), wait_until)) {
      return failure(Errc::throttled,
                     "the producer's memory stayed full for as long as it may block");
    }
  }
}

Accumulator::Appended Accumulator::try_append(Lane& lane, const RecordView& record,
                                              DeliveryCallback* callback) {
  const std::size_t size = encoded_size(record);
  bool listed = false;
  bool worth_waking = false;
  {
    const std::lock_guard lock(lane.mutex);
    if (closed_.load(std::memory_order_relaxed)) return Appended::closed;
    GatheredBatch& open = lane.open;
    const bool full = open.record_count > 0 && (open.payload.size() + size > batch_bytes_max_ ||
                                                open.record_count == limits::batch_records_max);
    if (full) {
      GatheredBatch next;
      if (!charge(next, size)) return Appended::full;
      lane.sealed_bytes += open.payload.size();
      lane.sealed.push_back(std::move(open));
      open = std::move(next);
    } else if (!charge(open, size)) {
      return Appended::full;
    }
    put(lane, record, callback);
    worth_waking = open.payload.size() + lane.sealed_bytes >= lane.worth_bytes;
    listed = !lane.listed && (worth_waking || open.record_count == 1);
    if (worth_waking) lane.worth_bytes = never_worth;
    if (listed) lane.listed = true;
  }
  if (listed) {
    const std::lock_guard lock(ready_mutex_);
    ready_.push_back(&lane);
  }
  if (worth_waking) {
    waker_->wake();
  } else if (listed) {
    waker_->note();
  }
  return Appended::done;
}

void Accumulator::put(Lane& lane, const RecordView& record, DeliveryCallback* callback) {
  GatheredBatch& open = lane.open;
  if (open.record_count == 0) {
    open.payload = pool_->take();
    open.opened_at = monotonic_now();
    open.first_number = lane.accepted;
  }
  append_record(open.payload, record);
  if (callback != nullptr) open.callbacks.push_back({open.record_count, std::move(*callback)});
  ++open.record_count;
  ++lane.accepted;
}

bool Accumulator::charge(GatheredBatch& open, std::size_t bytes_more) {
  const std::size_t needed = open.payload.size() + bytes_more;
  if (needed <= open.charge) return true;
  const std::size_t missing = needed - open.charge;
  std::size_t step = std::max(missing, charge_step);
  if (!try_charge(step)) {
    step = missing;
    if (!try_charge(step)) return false;
  }
  open.charge += step;
  return true;
}

bool Accumulator::try_charge(std::size_t bytes) {
  const std::size_t before = used_.fetch_add(bytes);
  if (before + bytes <= buffer_bytes_max_) return true;
  used_.fetch_sub(bytes);
  return false;
}

bool Accumulator::wait_for_space(std::size_t bytes, Micros until) {
  ++space_waiters_;
  bool space = false;
  {
    std::unique_lock lock(wait_mutex_);
    for (;;) {
      space = used_.load() + bytes <= buffer_bytes_max_ || closed_.load();
      if (space) break;
      const Micros left = until - monotonic_now();
      if (left <= Micros{0}) break;
      changed_.wait_for(lock, std::min(left, look_again_every));
    }
  }
  --space_waiters_;
  return space;
}

bool Accumulator::flush(Micros timeout) {
  const Micros until = monotonic_now() + timeout;
  std::vector<std::pair<Lane*, std::uint64_t>> goals;
  {
    const std::lock_guard lock(lanes_mutex_);
    for (auto& [key, lane] : lanes_) {
      const std::lock_guard lane_lock(lane->mutex);
      if (lane->reported.load() < lane->accepted) goals.emplace_back(lane.get(), lane->accepted);
    }
  }
  if (goals.empty()) return true;
  ++flushers_;
  waker_->wake();  // What lingers leaves now.
  const auto reached = [&] {
    return std::all_of(goals.begin(), goals.end(),
                       [](const auto& goal) { return goal.first->reported.load() >= goal.second; });
  };
  bool done = false;
  {
    std::unique_lock lock(wait_mutex_);
    while (!(done = reached())) {
      const Micros left = until - monotonic_now();
      if (left <= Micros{0}) break;
      changed_.wait_for(lock, std::min(left, look_again_every));
    }
  }
  --flushers_;
  return done;
}

void Accumulator::close() {
  closed_.store(true);
  // Whoever is inside append() with the old value has left the lane's lock after this.
  const std::lock_guard lock(lanes_mutex_);
  for (auto& [key, lane] : lanes_) {
    const std::lock_guard lane_lock(lane->mutex);
  }
  const std::lock_guard wait_lock(wait_mutex_);
  changed_.notify_all();
}

std::uint64_t Accumulator::accepted() {
  const std::lock_guard lock(lanes_mutex_);
  std::uint64_t sum = 0;
  for (auto& [key, lane] : lanes_) {
    const std::lock_guard lane_lock(lane->mutex);
    sum += lane->accepted;
  }
  return sum;
}

// ---- I/O thread

void Accumulator::take_ready(std::vector<Lane*>& out) {
  const std::lock_guard lock(ready_mutex_);
  out.insert(out.end(), ready_.begin(), ready_.end());
  ready_.clear();
}

void Accumulator::take_sealed(Lane& lane, std::vector<GatheredBatch>& out) {
  const std::lock_guard lock(lane.mutex);
  lane.listed = false;
  for (GatheredBatch& batch : lane.sealed) out.push_back(std::move(batch));
  lane.sealed.clear();
  lane.sealed_bytes = 0;
}

Accumulator::Taken Accumulator::take_open(Lane& lane, std::optional<std::size_t> worth,
                                          Micros linger, Micros age_max, Micros now) {
  Taken taken;
  const std::lock_guard lock(lane.mutex);
  GatheredBatch& open = lane.open;
  taken.sealed = !lane.sealed.empty();
  if (taken.sealed) return taken;
  if (open.record_count == 0) {
    lane.worth_bytes = worth.value_or(never_worth);
    return taken;
  }
  const bool lingers = now < open.opened_at + linger;
  const bool late = now >= open.opened_at + age_max;
  if (late || (worth && open.payload.size() >= *worth && !lingers)) {
    taken.batch.emplace(std::move(open));
    open = {};
    lane.worth_bytes = never_worth;  // Until it is looked at again, after this one is on its way.
    return taken;
  }
  if (!worth) {
    lane.worth_bytes = never_worth;
  } else {
    lane.worth_bytes = lingers ? batch_bytes_max_ : *worth;
  }
  taken.look_again = open.opened_at + (worth && lingers ? std::min(linger, age_max) : age_max);
  return taken;
}

void Accumulator::take_rest(std::vector<std::pair<Lane*, GatheredBatch>>& out) {
  PINION_ASSERT(closed_.load());
  const std::lock_guard lock(lanes_mutex_);
  for (auto& [key, lane] : lanes_) {
    const std::lock_guard lane_lock(lane->mutex);
    for (GatheredBatch& batch : lane->sealed) out.emplace_back(lane.get(), std::move(batch));
    lane->sealed.clear();
    lane->sealed_bytes = 0;
    if (lane->open.record_count > 0) out.emplace_back(lane.get(), std::move(lane->open));
    lane->open = {};
  }
}

void Accumulator::release(std::size_t charge) {
  const std::size_t left = used_.fetch_sub(charge) - charge;
  // Waiters are woken when there is a good deal of room, not for each batch.
  if (space_waiters_.load() == 0 || left > buffer_bytes_max_ - buffer_bytes_max_ / 4) return;
  const std::lock_guard lock(wait_mutex_);
  changed_.notify_all();
}

void Accumulator::on_reported(Lane& lane, std::uint32_t records) {
  lane.reported.fetch_add(records);
  if (flushers_.load() == 0) return;
  const std::lock_guard lock(wait_mutex_);
  changed_.notify_all();
}

}  // namespace pinion::client
