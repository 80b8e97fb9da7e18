// A simulated client process: one DEALER socket to the leader broker. What runs in it is a
// subclass: RawClient speaks the protocol by hand, SessionClient runs the client library's cores.
#pragma once

#include "common/proto/codec.hpp"
#include "tests/sim/process.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pinion::sim {

class ClientProcess : public Process {
 public:
  ClientProcess(World& world, std::int32_t index, std::string name, std::uint64_t seed, char letter)
      : Process(world, std::move(name), seed), end_(client_end(index)), letter_(letter) {}

  [[nodiscard]] ActorId end() const { return end_; }

 protected:
  /// A message from the broker, as a DEALER shows it: [empty] [header] [body] [records...].
  virtual void on_frames(Frames frames) = 0;
  /// After a batch of them.
  virtual void after_frames() {}

  void connect() {
    // A routing id of its own for every life, as the library makes one for every session.
    routing_ = letter_;
    while (routing_.size() < routing_bytes)
      routing_.push_back(static_cast<char>(prng_.between('a', 'z')));
    listen(end_);
  }
  void disconnect() { world_.network.detach(end_); }
  void reset_socket() {
    world_.counters.count("client: fresh socket");
    world_.network.reset(end_);
  }
  /// [empty] [header] [body] [records...]; the broker's ROUTER puts our routing id in front.
  void send_frames(Frames frames) {
    frames.insert(frames.begin(), Bytes(routing_));
    world_.network.send(end_, broker_client_end, std::move(frames), "to broker");
  }

 private:
  void on_arrivals(std::vector<Arrival> arrivals) final {
    for (Arrival& arrival : arrivals) on_frames(std::move(arrival.frames));
    after_frames();
  }

  const ActorId end_;
  const char letter_;
  std::string routing_;
};

}  // namespace pinion::sim
