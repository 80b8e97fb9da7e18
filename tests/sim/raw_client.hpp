// A client that speaks the protocol by hand: one request, one answer or a time-out. For what the
// client library has no session for (dequeues with tokens, administration, the final drain), and
// for a second opinion on it: positions and high watermarks are asked for here.
#pragma once

#include "tests/sim/client_process.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace pinion::sim {

class RawClient : public ClientProcess {
 public:
  RawClient(World& world, std::int32_t index, std::string name, std::uint64_t seed)
      : ClientProcess(world, index, std::move(name), seed, by_hand_letter) {}

  /// An answer, or an error made here: timed_out after sending, which means unknown.
  using Done = std::function<void(const Message& answer)>;

  struct Routed {
    PartitionKey key;
    Epoch leader_epoch{0};
  };
  void request(Body body, Micros timeout, Done done) {
    request(std::move(body), Routed{}, timeout, std::move(done));
  }
  void request(Body body, const Routed& routed, Micros timeout, Done done) {
    request_with_records(std::move(body), {}, routed, timeout, std::move(done));
  }
  void request_with_records(Body body, Frames records, const Routed& routed, Micros timeout,
                            Done done);

  [[nodiscard]] bool connected() const { return connected_; }

 protected:
  /// The process is up; what it does is planned from here.
  virtual void begin() = 0;
  /// The process died; nothing that was planned happens.
  virtual void end_of_life() {}

  /// What to do a while from now, in this life.
  void later(Micros delay, std::function<void()> action) { plan(delay, std::move(action)); }

 private:
  void on_start() final;
  void on_death(Death death) final;
  void on_frames(Frames frames) final;
  void on_message(Message message);
  void send(const Message& message);
  void say_hello();
  void ping();

  std::uint64_t next_request_ = 1;
  std::uint64_t mark_ = 0;  ///< Of the broker, to be carried back.
  std::map<RequestId, Done> waiting_;
  bool connected_ = false;
};

}  // namespace pinion::sim
