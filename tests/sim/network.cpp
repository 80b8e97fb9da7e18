#include "tests/sim/network.hpp"

#include "common/base/assert.hpp"

namespace pinion::sim {

void Network::attach(ActorId actor, Deliver deliver) {
  Socket& socket = sockets_[actor];
  ++socket.generation;
  socket.deliver = std::move(deliver);
}

void Network::detach(ActorId actor) {
  Socket& socket = sockets_[actor];
  ++socket.generation;
  socket.deliver = nullptr;
}

void Network::reset(ActorId actor) {
  PINION_ASSERT(attached(actor));
  ++sockets_[actor].generation;
}

bool Network::attached(ActorId actor) const {
  const auto found = sockets_.find(actor);
  return found != sockets_.end() && found->second.deliver != nullptr;
}

void Network::send(ActorId from, ActorId to, Frames frames, const char* what) {
  Path& path = paths_[{from, to}];
  const std::uint64_t generation = sockets_[to].generation;
  if (path.state == State::cut) {
    counters_.count("network: lost in a cut");
    trace_.full("network", "%d>%d %s lost in a cut", from, to, what);
    return;
  }
  if (options_.lost_per_10k > 0 && prng_.chance(options_.lost_per_10k, 10'000)) {
    counters_.count("network: lost");
    trace_.full("network", "%d>%d %s lost", from, to, what);
    return;
  }
  if (options_.duplicated_per_10k > 0 && prng_.chance(options_.duplicated_per_10k, 10'000)) {
    counters_.count("network: duplicated");
    trace_.full("network", "%d>%d %s duplicated", from, to, what);
    const Micros delay{prng_.between(options_.delay_min.count(), options_.slow_max.count())};
    scheduler_.after(
        delay, [this, from, to, generation, frames] { arrive(from, to, generation, frames); });
  }
  if (path.state == State::clogged) {
    counters_.count("network: clogged");
    path.held.push_back({generation, std::move(frames)});
    return;
  }
  plan_arrival(from, to, generation, std::move(frames));
}

void Network::plan_arrival(ActorId from, ActorId to, std::uint64_t generation, Frames frames) {
  Path& path = paths_[{from, to}];
  const bool slow = options_.slow_per_10k > 0 && prng_.chance(options_.slow_per_10k, 10'000);
  const Micros delay_max = slow ? options_.slow_max : options_.delay_max;
  Micros at =
      scheduler_.now() + Micros(prng_.between(options_.delay_min.count(), delay_max.count()));
  if (slow) {
    counters_.count("network: slow");
  } else if (options_.in_order) {
    at = std::max(at, path.last_arrival);
    path.last_arrival = at;
  }
  scheduler_.at(at, [this, from, to, generation, frames = std::move(frames)]() mutable {
    arrive(from, to, generation, std::move(frames));
  });
}

void Network::arrive(ActorId from, ActorId to, std::uint64_t generation, Frames frames) {
  const Socket& socket = sockets_[to];
  if (socket.deliver == nullptr || socket.generation != generation) {
    counters_.count("network: lost with a closed socket");
    return;
  }
  if (is_cut(from, to)) {
    counters_.count("network: lost in a cut");
    return;
  }
  socket.deliver(from, std::move(frames));
}

void Network::cut(ActorId from, ActorId to) {
  counters_.count("fault: cut one way");
  Path& path = paths_[{from, to}];
  path.state = State::cut;
  path.held.clear();
}

void Network::clog(ActorId from, ActorId to) {
  counters_.count("fault: clog");
  paths_[{from, to}].state = State::clogged;
}

void Network::heal(ActorId from, ActorId to) {
  Path& path = paths_[{from, to}];
  path.state = State::open;
  std::vector<Held> held;
  held.swap(path.held);
  for (Held& message : held) plan_arrival(from, to, message.generation, std::move(message.frames));
}

void Network::heal_all() {
  for (auto& [ends, path] : paths_) {
    if (path.state != State::open) heal(ends.first, ends.second);
  }
}

bool Network::is_cut(ActorId from, ActorId to) const {
  const auto found = paths_.find({from, to});
  return found != paths_.end() && found->second.state == State::cut;
}

}  // namespace pinion::sim
