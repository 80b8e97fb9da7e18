#include "gateway/cluster/fetch_lanes.hpp"

#include <algorithm>

namespace pinion::gateway {
namespace {

/// A fetch that was begun so much earlier is given up so much earlier too.
constexpr Micros joined_within = 1s;
/// The first few get what they ask for.
constexpr std::size_t share = 8;

}  // namespace

std::uint32_t FetchRoom::take(std::uint32_t asked) noexcept {
  const std::size_t left = bytes_max - std::min(bytes_max, used_);
  const std::size_t most = std::max<std::size_t>(asked, bytes_least);
  const auto bytes = static_cast<std::uint32_t>(std::clamp(left / share, bytes_least, most));
  used_ += bytes;
  return bytes;
}

/// Of waits, one that ends sooner than asked for, but not much sooner: so few are under way for any
/// number of readers, and each of those asks again a few times at most.
bool FetchLanes::is_same(const Flight& flight, const Ask& ask, Micros now) {
  const FetchCall& call = flight.first.call;
  const bool waits = ask.call.wait > Micros{0};
  if (call.offset != ask.call.offset || (call.wait > Micros{0}) != waits) return false;
  if (flight.bytes > ask.call.bytes_max) return false;
  if (!waits)
    return flight.first.until <= ask.until && flight.first.until + joined_within >= ask.until;
  const Micros left = flight.first.wait_until - now;
  return left <= ask.call.wait && 2 * left >= ask.call.wait;
}

void FetchLanes::begin(Lane& lane, Ask&& ask, Micros now, Flights& begun) {
  for (Flight& flight : lane.flights) {
    if (is_same(flight, ask, now)) return flight.joined.push_back(std::move(ask.then));
  }
  if (ask.call.wait == Micros{0}) {
    if (lane.reading == reading_max) return lane.line.push_back(std::move(ask));
    ++lane.reading;
  }
  const std::uint32_t bytes = room_.take(ask.call.bytes_max);
  ask.call.bytes_max = bytes;
  begun.push_back(lane.flights.insert(lane.flights.end(), Flight{std::move(ask), bytes, {}}));
}

void FetchLanes::fetch(const FetchCall& call, Micros timeout, Then then) {
  const Key key{call.topic, call.partition};
  const Micros now = now_();
  Flights begun;
  {
    const std::lock_guard lock(mutex_);
    begin(lanes_[key], {call, now + call.wait, now + timeout, std::move(then)}, now, begun);
  }
  send(key, begun);
}

/// A flight stays where it is until it is answered. One that is answered before send_ ends (the
/// client is closed, or full) lets the next one begin: that joins the queue of whoever sends, so a
/// long line is a loop and no recursion.
void FetchLanes::send(const Key& key, const Flights& flights) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& flight : flights) to_send_.emplace_back(key, flight);
    if (std::exchange(sending_, true)) return;
  }
  while (const auto next = take_to_send()) {
    const auto& [where, flight] = *next;
    const FetchCall call = flight->first.call;  // It may be answered, and gone, before send_ ends.
    send_(call, flight->first.until - now_(),
          [self = shared_from_this(), where = where, flight = flight](Result<FetchAnswer> answer) {
            self->on_answered(where, flight, std::move(answer));
          });
  }
}

auto FetchLanes::take_to_send() -> std::optional<std::pair<Key, std::list<Flight>::iterator>> {
  const std::lock_guard lock(mutex_);
  if (to_send_.empty()) {
    sending_ = false;
    return std::nullopt;
  }
  auto next = std::move(to_send_.front());
  to_send_.pop_front();
  return next;
}

void FetchLanes::on_answered(const Key& key, std::list<Flight>::iterator flight,
                             Result<FetchAnswer> answer) {
  std::list<Flight> landed;
  std::vector<Then> late;
  Flights begun;
  const Micros now = now_();
  {
    const std::lock_guard lock(mutex_);
    Lane& lane = lanes_[key];
    if (flight->first.call.wait == Micros{0}) --lane.reading;
    room_.give_back(flight->bytes);
    landed.splice(landed.end(), lane.flights, flight);
    while (!lane.line.empty() && lane.reading < reading_max) {
      Ask next = std::move(lane.line.front());
      lane.line.pop_front();
      if (next.until <= now) {
        late.push_back(std::move(next.then));
      } else {
        begin(lane, std::move(next), now, begun);
      }
    }
    if (lane.flights.empty() && lane.line.empty()) lanes_.erase(key);
  }
  const auto shared = std::make_shared<FetchedRecords>(std::move(answer), held_);
  landed.front().first.then(shared);
  for (const Then& then : landed.front().joined) then(shared);
  const auto gave_up = std::make_shared<FetchedRecords>(
      failure(Errc::timed_out, "others read the partition, and its leader did not answer in time"),
      held_);
  for (const Then& then : late) then(gave_up);
  send(key, begun);
}

}  // namespace pinion::gateway
