#include "tests/sim/network.hpp"

#include "common/base/assert.hpp"
#include "common/proto/codec.hpp"

#include <algorithm>

namespace pinion::sim {

namespace {

/// What a message's sender takes for granted of the connection.
struct Reliance {
  bool once = false;
  bool in_turn = false;
};

/// Of [path...] [empty] [header] ... A client's routing id is a frame of the path, or ends one: the
/// broker's return frame.
Reliance reliance_of(const Frames& frames) {
  const auto empty =
      std::find_if(frames.begin(), frames.end(), [](const Bytes& frame) { return frame.empty(); });
  if (frames.end() - empty < 2) return {};
  const Result<Header> header = decode_header(std::next(empty)->view());
  if (!header) return {};
  if (header->kind == Kind::commit_position || header->kind == Kind::dequeue) return {true, true};
  const bool of_library = std::any_of(frames.begin(), empty, [](const Bytes& frame) {
    const std::string_view view = frame.view();
    return view.size() >= routing_bytes && view[view.size() - routing_bytes] == library_letter;
  });
  return {header->kind == Kind::produce && of_library, false};
}

}  // namespace

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

bool Network::connected(const Peer& peer) const {
  return attached(peer.actor) && sockets_.at(peer.actor).generation == peer.generation;
}

void Network::send(ActorId from, ActorId to, Frames frames, const char* what) {
  Path& path = paths_[{from, to}];
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
  const Reliance reliance = reliance_of(frames);
  Held message{sockets_[from].generation, sockets_[to].generation, reliance.in_turn,
               std::move(frames)};
  if (!reliance.once && options_.duplicated_per_10k > 0 &&
      prng_.chance(options_.duplicated_per_10k, 10'000)) {
    counters_.count("network: duplicated");
    trace_.full("network", "%d>%d %s duplicated", from, to, what);
    const Micros delay{prng_.between(options_.delay_min.count(), options_.slow_max.count())};
    scheduler_.after(delay, [this, from, to, message] { arrive(from, to, message); });
  }
  if (path.state == State::clogged) {
    counters_.count("network: clogged");
    path.held.push_back(std::move(message));
    return;
  }
  plan_arrival(from, to, std::move(message));
}

void Network::plan_arrival(ActorId from, ActorId to, Held message) {
  Path& path = paths_[{from, to}];
  const bool slow = options_.slow_per_10k > 0 && prng_.chance(options_.slow_per_10k, 10'000);
  const Micros delay_max = slow ? options_.slow_max : options_.delay_max;
  Micros at =
      scheduler_.now() + Micros(prng_.between(options_.delay_min.count(), delay_max.count()));
  if (slow) counters_.count("network: slow");
  if (!slow && options_.in_order) {
    at = std::max(at, path.last_arrival);
    path.last_arrival = at;
  }
  if (message.in_turn) {
    at = std::max(at, path.last_in_turn);
    path.last_in_turn = at;
  }
  scheduler_.at(at, [this, from, to, message = std::move(message)]() mutable {
    arrive(from, to, std::move(message));
  });
}

void Network::arrive(ActorId from, ActorId to, Held message) {
  const Socket& socket = sockets_[to];
  if (socket.deliver == nullptr || socket.generation != message.to) {
    counters_.count("network: lost with a closed socket");
    return;
  }
  if (is_cut(from, to)) {
    counters_.count("network: lost in a cut");
    return;
  }
  socket.deliver({from, message.from}, std::move(message.frames));
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
  for (Held& message : held) plan_arrival(from, to, std::move(message));
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
